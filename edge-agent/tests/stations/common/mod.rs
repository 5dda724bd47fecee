//! What the benches of several test programs share: one box's name and voice, things it has to say, and waiting.

#![allow(dead_code, unused_imports, unused_macros, reason = "each program uses a part of it")]

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use edge_agent::outbox::{Outbox, Settled, Voice};
use edge_agent::report::{EvidenceFile, Report};
use protocol::{
    BootId, CallId, CallSubject, CameraSubject, Chance, Clock, Delivery, Direction, Envelope, Evidence,
    EvidenceKind, Incident, IncidentId, IncidentKind, Label, Leg, MessageId, NormBox, Origin, Phase, Receipt,
    ReceiptOutcome, Severity, Subject, Transcript, UtcMs,
};
use sha2::{Digest as _, Sha256};

pub(crate) const START: UtcMs = UtcMs(1_773_815_480_000);
pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// Waits for a condition with a bound.
macro_rules! eventually {
    ($what:expr, $condition:expr) => {
        let mut left = $crate::common::WAIT.as_millis() / 20;
        while !$condition {
            left -= 1;
            assert!(left > 0, "not within {:?}: {}", $crate::common::WAIT, $what);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
}
pub(crate) use eventually;

pub(crate) fn synced() -> bool {
    true
}

pub(crate) fn origin() -> Origin {
    Origin { tenant: "demo".parse().unwrap(), device: "box-1".parse().unwrap() }
}

/// A box whose clock is right.
pub(crate) fn voice(clock: Arc<dyn Clock>, chance: Arc<Chance>) -> Voice {
    Voice { origin: origin(), boot: BootId::new(&chance, clock.now()), clock, chance, clock_synced: synced }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A clock that somebody may set while the box runs.
#[derive(Debug)]
pub(crate) struct SetClock {
    wall_ms: AtomicI64,
    uptime_ms: AtomicI64,
}

impl SetClock {
    pub(crate) fn at(wall: UtcMs) -> Arc<Self> {
        Arc::new(Self { wall_ms: AtomicI64::new(wall.0), uptime_ms: AtomicI64::new(0) })
    }

    /// Time passes.
    pub(crate) fn advance_ms(&self, ms: i64) {
        self.wall_ms.fetch_add(ms, Ordering::SeqCst);
        self.uptime_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets it; no time passes.
    pub(crate) fn set(&self, wall: UtcMs) {
        self.wall_ms.store(wall.0, Ordering::SeqCst);
    }

    /// The same wall on a box that has just started.
    pub(crate) fn after_a_start(&self) -> Arc<Self> {
        Self::at(self.now())
    }
}

impl Clock for SetClock {
    fn now(&self) -> UtcMs {
        UtcMs(self.wall_ms.load(Ordering::SeqCst))
    }

    fn uptime_ms(&self) -> u64 {
        self.uptime_ms.load(Ordering::SeqCst) as u64
    }
}

pub(crate) fn incident(id: IncidentId, revision: u32, phase: Phase, severity: Severity) -> Incident {
    Incident {
        incident_id: id,
        revision,
        phase,
        kind: IncidentKind::Intrusion,
        severity,
        subject: Subject::Camera(CameraSubject {
            camera_id: "gate".parse().unwrap(),
            camera_name: "东门".into(),
            rule_id: "yard".parse().unwrap(),
            rule_name: "院内".into(),
            rule_name_en: None,
            label: Label::Person,
            score: 0.9,
            region: NormBox { x: 0.1, y: 0.1, w: 0.2, h: 0.4 },
            object_count: 1,
            motion_only: false,
            method: "test".into(),
        }),
        place: None,
        started_at: START,
        updated_at: START,
        ended_at: None,
        evidence: vec![],
        drill: false,
    }
}

pub(crate) fn report(id: IncidentId, revision: u32, phase: Phase, severity: Severity) -> Report {
    Report { incident: incident(id, revision, phase, severity), files: vec![], unfinished: false }
}

/// A finished call with its recording.
pub(crate) fn call(id: IncidentId, call_id: CallId, recording: EvidenceFile) -> Report {
    let mut report = report(id, 1, Phase::Ended, Severity::Normal);
    report.incident.kind = IncidentKind::Hotline;
    report.incident.subject = Subject::Call(CallSubject {
        call_id,
        caller_masked: None,
        callback: None,
        seat: None,
        direction: Direction::Inbound,
        legs: vec![Leg::Caller],
        duration_ms: 1_000,
        speech_ms: 0,
        transcript: Transcript::Silent,
        reading: None,
        interrupted: false,
    });
    report.incident.evidence = vec![recording.evidence.clone()];
    report.files = vec![recording];
    report
}

/// A finished file in `folder`, as the stations make them.
pub(crate) fn file(folder: &Path, bytes: &[u8], kind: EvidenceKind) -> EvidenceFile {
    let sha256 = hex::encode(Sha256::digest(bytes));
    let (media_type, extension) = match kind {
        EvidenceKind::Snapshot | EvidenceKind::Still => ("image/jpeg", "jpg"),
        EvidenceKind::Clip => ("video/mp4", "mp4"),
        EvidenceKind::Recording => ("audio/wav", "wav"),
    };
    let path = folder.join(format!("{sha256}.{extension}"));
    std::fs::write(&path, bytes).unwrap();
    let on_request = kind == EvidenceKind::Recording;
    let evidence = Evidence {
        sha256: sha256.parse().unwrap(),
        kind,
        media_type: media_type.into(),
        size_bytes: bytes.len() as u64,
        delivery: if on_request { Delivery::OnRequest } else { Delivery::Automatic },
        starts_at: START,
        duration_ms: None,
        masked: !on_request,
        blurred: false,
        footage: None,
    };
    EvidenceFile { evidence, path }
}

/// Everything that waits, in sending order.
pub(crate) async fn waiting(outbox: &Outbox) -> Vec<Envelope> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = outbox.head(after, 7).await.unwrap();
        let Some((last, _)) = page.last() else { return all };
        after = Some(*last);
        for (_, id) in page {
            // Gone when it was released meanwhile.
            let Some(bytes) = outbox.envelope(id).await.unwrap() else { continue };
            all.push(Envelope::decode(&bytes, outbox.origin()).unwrap());
        }
    }
}

/// The hub's word on one message.
pub(crate) async fn settle(outbox: &Outbox, id: MessageId, outcome: ReceiptOutcome) -> Settled {
    let receipt = Receipt { message_id: id, outcome, reason: None, at: START };
    outbox.settle(&[receipt]).await.unwrap()
}
