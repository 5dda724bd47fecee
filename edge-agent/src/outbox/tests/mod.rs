//! The outbox on a real disk with a clock that the test moves.

mod bounds;
mod files;
mod full_disk;
mod model;
mod start;

use protocol::{
    CallId, CallSubject, CameraSubject, Delivery, Direction, Envelope, EvidenceKind, Incident, IncidentId,
    IncidentKind, Label, Leg, ManualClock, MessageId, NormBox, Phase, Receipt, ReceiptOutcome, Severity,
    Sha256Hex, Subject, Transcript,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::report::{EvidenceFile, Report};

const START: UtcMs = UtcMs(1_773_815_480_000);

struct Bench {
    dir: TempDir,
    clock: Arc<ManualClock>,
    chance: Arc<Chance>,
    config: OutboxConfig,
    outbox: Outbox,
}

fn synced() -> bool {
    true
}

impl Bench {
    async fn new(seed: u64, config: OutboxConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let chance = Arc::new(Chance::seeded(seed));
        let (outbox, _) = Outbox::open(dir.path(), config.clone(), voice(&clock, &chance)).await.unwrap();
        Self { dir, clock, chance, config, outbox }
    }

    async fn reopen(&mut self) -> Opened {
        let voice = voice(&self.clock, &self.chance);
        let (outbox, opened) = Outbox::open(self.dir.path(), self.config.clone(), voice).await.unwrap();
        self.outbox = outbox;
        opened
    }

    /// The disk as a killed process leaves it: files copied while the database is open, then opened there.
    async fn crash(&mut self) {
        let to = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.dir.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
            }
        }
        self.dir = to;
        self.reopen().await;
    }

    fn file(&self, text: &str, kind: EvidenceKind) -> EvidenceFile {
        let sha256: Sha256Hex = hex::encode(Sha256::digest(text.as_bytes())).parse().unwrap();
        let path = self.outbox.evidence_dir().join(format!("{sha256}.bin"));
        std::fs::write(&path, text).unwrap();
        let delivery =
            if kind == EvidenceKind::Recording { Delivery::OnRequest } else { Delivery::Automatic };
        let evidence = Evidence {
            sha256,
            kind,
            media_type: "image/jpeg".into(),
            size_bytes: text.len() as u64,
            delivery,
            starts_at: START,
            duration_ms: None,
            masked: true,
        };
        EvidenceFile { evidence, path }
    }

    /// Everything that waits, in sending order, with its envelope.
    async fn waiting(&self) -> Vec<Envelope> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.outbox.head(after, 7).await.unwrap();
            let Some((last, _)) = page.last() else { return all };
            after = Some(*last);
            for (_, id) in page {
                let bytes = self.outbox.envelope(id).await.unwrap().unwrap();
                all.push(Envelope::decode(&bytes, self.outbox.origin()).unwrap());
            }
        }
    }

    async fn receipt(&self, id: MessageId, outcome: ReceiptOutcome) -> Settled {
        let receipt = Receipt { message_id: id, outcome, reason: None, at: START };
        self.outbox.settle(&[receipt]).await.unwrap()
    }
}

fn voice(clock: &Arc<ManualClock>, chance: &Arc<Chance>) -> Voice {
    Voice {
        origin: Origin { tenant: "demo".parse().unwrap(), device: "box-1".parse().unwrap() },
        boot: BootId::new(chance, clock.now()),
        clock: clock.clone(),
        chance: chance.clone(),
        clock_synced: synced,
    }
}

fn incident(id: IncidentId, revision: u32, phase: Phase, severity: Severity) -> Incident {
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

fn report(id: IncidentId, revision: u32, phase: Phase, severity: Severity) -> Report {
    Report { incident: incident(id, revision, phase, severity), files: vec![], unfinished: false }
}

fn call(id: IncidentId, call_id: CallId, file: EvidenceFile) -> Report {
    let mut report = report(id, 1, Phase::Ended, Severity::Normal);
    report.incident.kind = IncidentKind::Hotline;
    report.incident.subject = Subject::Call(CallSubject {
        call_id,
        caller_masked: None,
        seat: None,
        direction: Direction::Inbound,
        legs: vec![Leg::Caller],
        duration_ms: 1_000,
        speech_ms: 0,
        transcript: Transcript::Silent,
    });
    report.incident.evidence = vec![file.evidence.clone()];
    report.files = vec![file];
    report
}
