//! How long each answer took, and how many came within the measurement.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use protocol::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::Span;

#[derive(Debug)]
pub(crate) struct Tally {
    clock: SystemClock,
    from_us: u64,
    to_us: u64,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    latencies_us: Vec<u64>,
    other: BTreeMap<String, u64>,
}

impl Tally {
    /// The measurement begins when the warm-up that begins now is over.
    pub(crate) fn begin(span: Span) -> Self {
        let clock = SystemClock::new();
        let from_us = clock.uptime_us() + span.warm * 1_000_000;
        Self { clock, from_us, to_us: from_us + span.seconds * 1_000_000, counted: Mutex::default() }
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.clock.uptime_us()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.now_us() >= self.to_us
    }

    /// Whether what happened at this moment is within the measurement.
    pub(crate) fn counts(&self, at_us: u64) -> bool {
        (self.from_us..self.to_us).contains(&at_us)
    }

    /// A good answer to what was asked at this moment.
    pub(crate) fn answered(&self, asked_us: u64) {
        let now_us = self.now_us();
        if self.counts(now_us) {
            self.lock().latencies_us.push(now_us - asked_us);
        }
    }

    /// Anything else, by what it was.
    pub(crate) fn other(&self, what: &str) {
        if !self.is_over() {
            *self.lock().other.entry(what.chars().take(200).collect()).or_default() += 1;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn over(&self) {
        tokio::time::sleep(Duration::from_micros(self.to_us.saturating_sub(self.now_us()))).await;
    }

    pub(crate) fn report(&self) -> Value {
        let mut counted = self.lock();
        let seconds = (self.to_us - self.from_us) as f64 / 1e6;
        let per_second = counted.latencies_us.len() as f64 / seconds;
        let mut report = summary(&mut counted.latencies_us);
        report["per_second"] = json!(per_second.round());
        report["other"] = json!(counted.other);
        report
    }
}

/// Count, middle and far end, in milliseconds.
pub(crate) fn summary(latencies_us: &mut [u64]) -> Value {
    latencies_us.sort_unstable();
    let at = |part: f64| {
        let place = ((latencies_us.len() as f64 * part).ceil() as usize).saturating_sub(1);
        latencies_us.get(place).map_or(Value::Null, |us| json!((*us as f64 / 10.0).round() / 100.0))
    };
    json!({ "n": latencies_us.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "longest_ms": at(1.0) })
}
