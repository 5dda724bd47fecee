//! What the hub counts, as Prometheus reads it. Prefix `shaodian_hub_`, base units, no label without a bound.

use std::sync::atomic::{AtomicI64, Ordering};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use protocol::{ReceiptOutcome, UtcMs};

type Labels = [(&'static str, &'static str); 1];
/// Names of the configuration: there are as many as it has channels.
type ChannelLabels = [(&'static str, String); 1];

#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    receipts: Family<Labels, Counter>,
    /// Messages dropped because the intake queue was full (only such as may be lost).
    pub intake_dropped: Counter,
    /// How long the database took for what was committed together, from its beginning to its end.
    pub intake_commit_seconds: Histogram,
    /// Messages left to their boxes because those send too much.
    pub messages_held_back: Counter,
    /// Receipts that did not fit into the broker's connection; their messages come again.
    pub receipts_dropped: Counter,
    pub commands_sent: Counter,
    pub evidence_stored_bytes: Counter,
    /// Uploads whose content was not what they said.
    pub evidence_mismatches: Counter,
    /// What boxes said of running calls that had no room or could not be read, and calls let go of for others.
    pub live_words_dropped: Counter,
    pub running_calls: Gauge,
    outbound_sent: Family<ChannelLabels, Counter>,
    outbound_retried: Family<ChannelLabels, Counter>,
    outbound_given_up: Family<ChannelLabels, Counter>,
    outbound_waiting: Family<ChannelLabels, Gauge>,
    broker_connected: Gauge,
    broker_reconnects: Counter,
    /// When the present connection to the broker began; 0 while there is none.
    broker_since_ms: AtomicI64,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("shaodian_hub");
        let receipts = Family::<Labels, Counter>::default();
        registry.register("messages", "Messages answered, by outcome", receipts.clone());
        let metrics = Self {
            receipts,
            intake_dropped: Counter::default(),
            // Half a millisecond to half a minute.
            intake_commit_seconds: Histogram::new(exponential_buckets(0.0005, 1.25, 50)),
            messages_held_back: Counter::default(),
            receipts_dropped: Counter::default(),
            commands_sent: Counter::default(),
            evidence_stored_bytes: Counter::default(),
            evidence_mismatches: Counter::default(),
            live_words_dropped: Counter::default(),
            running_calls: Gauge::default(),
            outbound_sent: Family::default(),
            outbound_retried: Family::default(),
            outbound_given_up: Family::default(),
            outbound_waiting: Family::default(),
            broker_connected: Gauge::default(),
            broker_reconnects: Counter::default(),
            broker_since_ms: AtomicI64::new(0),
            registry: Registry::default(),
        };
        let counters = [
            ("intake_dropped", "Messages dropped at a full intake queue", &metrics.intake_dropped),
            ("messages_held_back", "Messages of boxes that send too much", &metrics.messages_held_back),
            ("receipts_dropped", "Receipts that found no room", &metrics.receipts_dropped),
            ("commands_sent", "Commands handed to the broker", &metrics.commands_sent),
            ("evidence_stored_bytes", "Bytes of evidence stored", &metrics.evidence_stored_bytes),
            ("evidence_mismatches", "Uploads with the wrong content", &metrics.evidence_mismatches),
            ("live_words_dropped", "Words of running calls without room", &metrics.live_words_dropped),
            ("broker_reconnects", "Connections to the broker made", &metrics.broker_reconnects),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        for (name, help, counter) in [
            ("outbound_sent", "Messages that receivers took, by channel", &metrics.outbound_sent),
            ("outbound_retried", "Tries that failed and come again, by channel", &metrics.outbound_retried),
            ("outbound_given_up", "Messages given up, by channel", &metrics.outbound_given_up),
        ] {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "outbound_waiting",
            "Messages that wait to be sent, by channel",
            metrics.outbound_waiting.clone(),
        );
        registry.register(
            "intake_commit_seconds",
            "Time that messages took which were committed together",
            metrics.intake_commit_seconds.clone(),
        );
        registry.register(
            "running_calls",
            "Calls of which words were heard lately",
            metrics.running_calls.clone(),
        );
        registry.register(
            "broker_connected",
            "1 while connected to the broker",
            metrics.broker_connected.clone(),
        );
        Self { registry, ..metrics }
    }
}

impl Metrics {
    pub fn count_receipt(&self, outcome: ReceiptOutcome) {
        self.receipts.get_or_create(&[("outcome", outcome.as_str())]).inc();
    }

    pub fn outbound_sent(&self, channel: &str) {
        self.outbound_sent.get_or_create(&of_channel(channel)).inc();
    }

    pub fn outbound_retried(&self, channel: &str) {
        self.outbound_retried.get_or_create(&of_channel(channel)).inc();
    }

    pub fn outbound_given_up(&self, channel: &str, count: u64) {
        self.outbound_given_up.get_or_create(&of_channel(channel)).inc_by(count);
    }

    pub fn outbound_waiting(&self, channel: &str, count: i64) {
        self.outbound_waiting.get_or_create(&of_channel(channel)).set(count);
    }

    pub fn broker_up(&self, now: UtcMs) {
        self.broker_since_ms.store(now.0, Ordering::SeqCst);
        self.broker_connected.set(1);
        self.broker_reconnects.inc();
    }

    pub fn broker_down(&self) {
        self.broker_since_ms.store(0, Ordering::SeqCst);
        self.broker_connected.set(0);
    }

    /// Since when this process hears the broker; `None` while it does not.
    pub fn broker_since(&self) -> Option<UtcMs> {
        let since_ms = self.broker_since_ms.load(Ordering::SeqCst);
        (since_ms != 0).then_some(UtcMs(since_ms))
    }

    /// Prometheus text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

fn of_channel(channel: &str) -> ChannelLabels {
    [("channel", channel.to_owned())]
}
