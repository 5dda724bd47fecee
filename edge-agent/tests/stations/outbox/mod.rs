//! The outbox on a real disk with a clock that the test moves.

mod bounds;
mod clock;
mod files;
mod full_disk;
mod model;
mod start;

use std::sync::Arc;

use crate::common::{START, call, report, settle, voice};
use edge_agent::outbox::{Kept, Opened, Outbox, OutboxConfig, OutboxError, Settled};
use edge_agent::report::{EvidenceFile, Report};
use protocol::{
    CallId, Chance, Envelope, EnvelopeError, Event, EvidenceKind, IncidentId, ManualClock, MessageId, Phase,
    ReceiptOutcome, Severity, Subject, UtcMs,
};
use tempfile::TempDir;

const DAY_MS: i64 = 86_400_000;

struct Bench {
    dir: TempDir,
    clock: Arc<ManualClock>,
    chance: Arc<Chance>,
    config: OutboxConfig,
    outbox: Outbox,
}

impl Bench {
    async fn new(seed: u64, config: OutboxConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let chance = Arc::new(Chance::seeded(seed));
        let voice = voice(clock.clone(), chance.clone());
        let (outbox, _) = Outbox::open(dir.path(), config.clone(), voice).await.unwrap();
        Self { dir, clock, chance, config, outbox }
    }

    async fn reopen(&mut self) -> Opened {
        let voice = voice(self.clock.clone(), self.chance.clone());
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

    fn id(&self) -> IncidentId {
        IncidentId::new(&self.chance, START)
    }

    fn file(&self, text: &str, kind: EvidenceKind) -> EvidenceFile {
        crate::common::file(self.outbox.evidence_dir(), text.as_bytes(), kind)
    }

    async fn waiting(&self) -> Vec<Envelope> {
        crate::common::waiting(&self.outbox).await
    }

    async fn receipt(&self, id: MessageId, outcome: ReceiptOutcome) -> Settled {
        settle(&self.outbox, id, outcome).await
    }
}
