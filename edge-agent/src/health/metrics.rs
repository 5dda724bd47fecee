//! `/metrics`: a registry filled at each scrape from the last look, so there is no second set of counters.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use protocol::{CameraState, DetectorHealth};

use super::{Health, Seen, Vitals};

type Labels = Vec<(&'static str, String)>;
type Float = Gauge<f64, AtomicU64>;

pub(super) fn render(health: &Health, vitals: &Vitals) -> String {
    let mut registry = Registry::with_prefix("shaodian_edge");
    let registry_ref = &mut registry;
    outbox(registry_ref, health, vitals);
    delivery(registry_ref, health);
    cameras(registry_ref, vitals);
    calls(registry_ref, vitals);
    let up = "Time since the start of the agent";
    seconds(registry_ref, "uptime", up, vitals.uptime_ms);
    gauge(
        registry_ref,
        "clock_synced",
        "Whether the machine's clock is disciplined",
        u64::from(vitals.clock_synced),
    );
    gauge(
        registry_ref,
        "configuration_version",
        "Version of the configuration in force",
        vitals.configuration_version,
    );
    gauge(registry_ref, "notices", "Things that people should see to", vitals.notices.len() as u64);
    gauge(registry_ref, "ready", "Whether nothing is wrong", u64::from(vitals.troubles.is_empty()));
    let mut text = String::new();
    encode(&mut text, &registry).expect("writing to a string cannot fail");
    text
}

fn gauge(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let metric: Gauge = Gauge::default();
    metric.set(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register(name, help, metric);
}

fn bytes(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let metric: Gauge = Gauge::default();
    metric.set(i64::try_from(value).unwrap_or(i64::MAX));
    registry.register_with_unit(name, help, Unit::Bytes, metric);
}

fn seconds(registry: &mut Registry, name: &str, help: &str, value_ms: u64) {
    let metric = Float::default();
    metric.set(value_ms as f64 / 1_000.0);
    registry.register_with_unit(name, help, Unit::Seconds, metric);
}

fn counter(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let metric: Counter = Counter::default();
    metric.inc_by(value);
    registry.register(name, help, metric);
}

fn outbox(registry: &mut Registry, health: &Health, vitals: &Vitals) {
    let (stats, counters) = (&vitals.outbox, health.outbox.counters());
    let load = |value: &AtomicU64| value.load(Ordering::Relaxed);
    gauge(registry, "outbox_messages", "Messages that wait for the hub's receipt", stats.rows);
    bytes(registry, "outbox_size", "Size of the waiting messages", stats.bytes);
    seconds(registry, "outbox_oldest", "Age of the oldest waiting message", vitals.outbox.oldest_ms);
    gauge(registry, "outbox_rejected", "Messages kept that the hub did not take", stats.rejected_rows);
    gauge(registry, "uploads_waiting", "Files that wait to be uploaded", stats.uploads_waiting);
    gauge(registry, "evidence_files", "Files of evidence on the box", stats.evidence_files);
    bytes(registry, "evidence_size", "Size of the evidence on the box", stats.evidence_bytes);
    bytes(registry, "disk_free", "Free space where evidence is kept", vitals.disk_free_bytes);
    for (name, help, value) in [
        ("outbox_appended", "Messages written", &counters.appended),
        ("outbox_released", "Messages that the hub holds", &counters.released),
        ("outbox_refused", "Messages that the hub did not take", &counters.rejected),
        (
            "outbox_dropped_revisions",
            "Replaced updates dropped because the outbox was full",
            &counters.dropped_revisions,
        ),
        ("evidence_dropped_files", "Files lost before the hub held them", &counters.dropped_files),
        ("outbox_failures", "Failed attempts to write", &counters.failures),
    ] {
        counter(registry, name, help, load(value));
    }
}

fn delivery(registry: &mut Registry, health: &Health) {
    let load = |value: &AtomicU64| value.load(Ordering::Relaxed);
    let connected = health.uplink.connected.load(Ordering::Relaxed);
    gauge(registry, "uplink_connected", "Whether the broker is connected", u64::from(connected));
    for (name, help, value) in [
        ("uplink_connections", "Connections made", &health.uplink.connections),
        ("uplink_published", "Messages sent, repetitions included", &health.uplink.published),
        ("uplink_resent", "Messages sent again", &health.uplink.resent),
        ("uplink_receipts", "Receipts of the hub", &health.uplink.receipts),
        (
            "uplink_commands_dropped",
            "Commands left for the hub to send again",
            &health.uplink.commands_dropped,
        ),
        ("uplink_unreadable", "Messages of the hub that could not be read", &health.uplink.unreadable),
        ("upload_files", "Files uploaded", &health.upload.uploaded_files),
        ("upload_failures", "Failed attempts to upload", &health.upload.failures),
    ] {
        counter(registry, name, help, load(value));
    }
    let sent: Counter = Counter::default();
    sent.inc_by(load(&health.upload.uploaded_bytes));
    registry.register_with_unit("upload_sent", "Bytes of evidence sent", Unit::Bytes, sent);
}

fn cameras(registry: &mut Registry, vitals: &Vitals) {
    let running = Family::<Labels, Gauge>::default();
    let rate = Family::<Labels, Float>::default();
    for camera in &vitals.cameras {
        let labels: Labels = vec![("camera", camera.camera_id.to_string())];
        running.get_or_create(&labels).set(i64::from(camera.state == CameraState::Running));
        rate.get_or_create(&labels).set(f64::from(camera.frames_per_second));
    }
    registry.register("camera_running", "Whether pictures come", running);
    registry.register("camera_frame_rate", "Frames per second that arrive for analysis", rate);
    frames(registry, &vitals.seen);
    let rules = Family::<Labels, Gauge>::default();
    for rule in &vitals.rules {
        let labels = vec![
            ("camera", rule.camera_id.to_string()),
            ("rule", rule.rule_id.to_string()),
            ("kind", rule.kind.as_str().to_owned()),
            ("method", rule.method.clone().unwrap_or_default()),
        ];
        rules.get_or_create(&labels).set(i64::from(rule.method.is_some()));
    }
    registry.register("rule_watched", "Whether something sees what a rule waits for, and what does", rules);
    let decoder = Family::<Labels, Gauge>::default();
    let stands_in = Family::<Labels, Gauge>::default();
    for seen in &vitals.seen {
        let camera = ("camera", seen.camera_id.to_string());
        stands_in.get_or_create(&vec![camera.clone()]).set(i64::from(seen.analyses_other));
        if let Some(used) = &seen.decoder {
            let labels = vec![camera, ("name", used.name.clone()), ("kind", used.kind().to_owned())];
            decoder.get_or_create(&labels).set(1);
        }
    }
    registry.register("camera_decoder_info", "What decodes the pictures", decoder);
    let stand_in = "Whether the main stream is analysed because the sub stream is not there";
    registry.register("camera_main_analysed_instead", stand_in, stands_in);
    let model = matches!(vitals.detector, Some(DetectorHealth::Model { .. }));
    gauge(registry, "detector_ready", "Whether a detector looks (otherwise motion alone)", u64::from(model));
    counter(registry, "detector_frames", "Frames looked at", vitals.detector_stats.detected);
    counter(registry, "detector_skipped", "Frames without time for them", vitals.detector_stats.skipped);
    let share = Float::default();
    share.set(vitals.analysis_share.into());
    registry.register("detector_share", "Share of the rate asked for at which cameras are looked at", share);
    counter(registry, "detector_failures", "Failed looks", vitals.detector_stats.failed);
    let busy: Counter<f64, AtomicU64> = Counter::default();
    busy.inc_by(vitals.detector_stats.busy_ms as f64 / 1_000.0);
    registry.register_with_unit("detector_busy", "Time spent looking", Unit::Seconds, busy);
}

/// The way of a camera's pictures, one counter per station, in order.
fn frames(registry: &mut Registry, seen: &[Seen]) {
    type Count = fn(&Seen) -> u64;
    let stations: [(&str, &str, Count); 11] = [
        ("camera_units", "Encoded pictures that arrived", |s| s.frames.units),
        ("camera_gaps", "Times the stream was interrupted or restarted", |s| s.frames.gaps),
        ("camera_stalls", "Sessions given up because the camera sent nothing", |s| s.frames.stalls),
        ("camera_blocked", "Times that this box kept the camera waiting", |s| s.frames.blocked),
        ("camera_units_undecoded", "Encoded pictures left out because decoding was behind", |s| {
            s.frames.undecoded
        }),
        ("camera_frames_decoded", "Pictures decoded", |s| s.frames.decoded),
        ("camera_frames_offered", "Decoded pictures due for analysis", |s| s.frames.offered),
        ("camera_frames_dropped", "Offered pictures replaced by a newer one before analysis", |s| {
            s.frames.dropped
        }),
        ("camera_frames_analysed", "Pictures that the motion gate looked at", |s| s.analysed),
        ("camera_frames_inferred", "Pictures that the detector looked at", |s| s.inferred),
        ("camera_frames_skipped", "Pictures that the detector had no time for", |s| s.skipped),
    ];
    for (name, help, count) in stations {
        let family = Family::<Labels, Counter>::default();
        for camera in seen {
            let labels: Labels = vec![("camera", camera.camera_id.to_string())];
            family.get_or_create(&labels).inc_by(count(camera));
        }
        registry.register(name, help, family);
    }
}

fn calls(registry: &mut Registry, vitals: &Vitals) {
    let Some(calls) = &vitals.calls else { return };
    gauge(registry, "calls_active", "Calls in progress", u64::from(calls.active_calls));
    gauge(registry, "transcripts_waiting", "Filed calls without transcript", calls.transcripts_waiting);
    gauge(registry, "calls_live_lag_ms", "How far the words of running calls are behind", calls.live_lag_ms);
    counter(
        registry,
        "calls_live_unheard_ms",
        "Sound left out of the words of running calls, not of recordings",
        calls.live_unheard_ms_total,
    );
    counter(
        registry,
        "calls_live_restarts",
        "Starts of the process for words of running calls after it had ended",
        calls.live_restarts_total,
    );
    counter(
        registry,
        "calls_answers_dropped",
        "Words for clients of Vosk and FunASR that they were too slow to take",
        calls.answers_dropped_total,
    );
    counter(registry, "calls_filed", "Calls filed", calls.calls_filed_total);
    counter(registry, "calls_refused", "Connections turned away", calls.refused_total);
    counter(
        registry,
        "call_announcements_dropped",
        "Words about connections dropped before these came",
        calls.announcements_dropped_total,
    );
    counter(registry, "call_alarms", "Alarms that calls have raised", calls.alarms_total);
    counter(
        registry,
        "call_alarms_late",
        "Alarms that were kept only when their call was filed",
        calls.alarms_late_total,
    );
    counter(
        registry,
        "call_words_refused",
        "Words of the exchange that were refused",
        calls.words_refused_total,
    );
    gauge(
        registry,
        "calls_callback",
        "Whether callers' numbers are kept, sealed for the hub",
        u64::from(calls.no_callback.is_none()),
    );
    gauge(registry, "calls_troubles", "Things wrong with the call tap", calls.troubles.len() as u64);
    let detector = Family::<Labels, Gauge>::default();
    detector.get_or_create(&vec![("name", calls.vad.to_owned())]).set(1);
    registry.register("call_voice_detector_info", "What listens for speech in calls", detector);
}
