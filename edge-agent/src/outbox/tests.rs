//! The outbox against a model: whatever the order of appends, receipts, crashes and reopenings, what was
//! committed and not receipted is there, in sending order, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    CallSubject, CameraSubject, Direction, Incident, IncidentKind, Label, Leg, ManualClock, NormBox, Outcome,
    Phase, Sha256Hex, Transcript,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;

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

/// What the model knows of one committed message, in order of commit.
#[derive(Clone, Copy, Debug)]
struct Known {
    message: MessageId,
    incident: IncidentId,
    /// Best severity among the rows of its incident that waited together.
    priority: u8,
}

const SEVERITIES: [Severity; 4] = [Severity::Emergency, Severity::Major, Severity::Normal, Severity::Notice];

/// Random life of an outbox with wide bounds: after each step what waits is exactly what the model says, in
/// order of (best severity of the incident, commit), numbered without holes per boot.
#[tokio::test]
async fn behaves_as_its_model() {
    for seed in 0..12 {
        let mut bench = Bench::new(seed, OutboxConfig::default()).await;
        let dice = Chance::seeded(seed ^ 0xd1ce);
        let mut model: Vec<Known> = Vec::new();
        let mut live: BTreeMap<IncidentId, (u32, bool)> = BTreeMap::new();
        let mut sequences: BTreeMap<BootId, u64> = BTreeMap::new();
        let (mut released, mut rejected) = (0_u64, 0_u64);
        for step in 0..80 {
            bench.clock.advance_ms(17);
            match dice.below(10) {
                0..5 => {
                    let open: Vec<_> =
                        live.iter().filter(|(_, (_, ended))| !ended).map(|(id, _)| *id).collect();
                    let id = match open.get(dice.below(open.len() as u64 + 1) as usize) {
                        Some(id) => *id,
                        None => IncidentId::new(&bench.chance, bench.clock.now()),
                    };
                    let entry = live.entry(id).or_insert((0, false));
                    entry.0 += 1;
                    let phase = match (entry.0, dice.below(3)) {
                        (1, _) => Phase::Opened,
                        (_, 0) => Phase::Ended,
                        _ => Phase::Updated,
                    };
                    entry.1 = phase == Phase::Ended;
                    let severity = SEVERITIES[dice.below(4) as usize];
                    let mut report = report(id, entry.0, phase, severity);
                    if dice.below(3) == 0 {
                        report.files.push(bench.file(&format!("{seed}/{step}"), EvidenceKind::Snapshot));
                    }
                    let message = bench.outbox.append(&report).await.unwrap();
                    *sequences.entry(bench.outbox.boot()).or_default() += 1;
                    let best = model.iter().filter(|k| k.incident == id).map(|k| k.priority).min();
                    let priority = priority(severity).min(best.unwrap_or(u8::MAX));
                    model.push(Known { message, incident: id, priority });
                    model.iter_mut().filter(|k| k.incident == id).for_each(|k| k.priority = priority);
                }
                5..8 if !model.is_empty() => {
                    let at = dice.below(model.len() as u64) as usize;
                    let id = model.remove(at).message;
                    let outcome = match dice.below(6) {
                        0 => ReceiptOutcome::Quarantined,
                        1 => ReceiptOutcome::Refused,
                        2 => ReceiptOutcome::Duplicate,
                        _ => ReceiptOutcome::Stored,
                    };
                    let kept = matches!(outcome, ReceiptOutcome::Quarantined | ReceiptOutcome::Refused);
                    let settled = bench.receipt(id, outcome).await;
                    assert_eq!((settled.released, settled.rejected), (u64::from(!kept), u64::from(kept)));
                    assert_eq!(
                        bench.receipt(id, outcome).await.unknown,
                        1,
                        "a second receipt changes nothing"
                    );
                    if kept { rejected += 1 } else { released += 1 }
                }
                8 => bench.crash().await,
                _ => {
                    let unknown = MessageId::new(&bench.chance, bench.clock.now());
                    assert_eq!(bench.receipt(unknown, ReceiptOutcome::Stored).await.unknown, 1);
                }
            }
            compare(&bench, &model, seed, step).await;
        }
        let stats = bench.outbox.stats().await.unwrap();
        assert_eq!((stats.rows, stats.rejected_rows), (model.len() as u64, rejected), "seed {seed}");
        assert!(released > 0, "seed {seed} released nothing");
        for envelope in bench.waiting().await {
            assert!(envelope.sequence <= sequences[&envelope.boot], "seed {seed}: a number was skipped");
        }
    }
}

async fn compare(bench: &Bench, model: &[Known], seed: u64, step: u32) {
    let waiting: Vec<_> = bench.waiting().await.iter().map(|envelope| envelope.id).collect();
    let mut expected = model.to_vec();
    expected.sort_by_key(|known| known.priority);
    let expected: Vec<_> = expected.iter().map(|known| known.message).collect();
    assert_eq!(waiting, expected, "seed {seed} step {step}");
    assert_eq!(bench.outbox.stats().await.unwrap().rows, model.len() as u64);
}

/// Tiny bounds: openings, ends, newest revisions and answers are never dropped, and each dropped number is
/// named in a tombstone.
#[tokio::test]
async fn full_outbox_drops_only_replaced_updates_and_says_so() {
    for seed in 0..6 {
        let config = OutboxConfig { max_rows: 20, ..OutboxConfig::default() };
        let bench = Bench::new(seed, config).await;
        let dice = Chance::seeded(seed);
        let ids: Vec<_> = (0..4).map(|_| IncidentId::new(&bench.chance, START)).collect();
        let mut revisions = [0_u32; 4];
        for _ in 0..120 {
            let n = dice.below(4) as usize;
            revisions[n] += 1;
            let phase = if revisions[n] == 1 { Phase::Opened } else { Phase::Updated };
            bench.outbox.append(&report(ids[n], revisions[n], phase, Severity::Normal)).await.unwrap();
        }
        let waiting = bench.waiting().await;
        let has = |id, revision| {
            waiting.iter().any(
                |e| matches!(&e.event, Event::Incident(i) if i.incident_id == id && i.revision == revision),
            )
        };
        for (id, newest) in ids.iter().zip(revisions) {
            assert!(newest == 0 || (has(*id, 1) && has(*id, newest)), "seed {seed}");
        }
        let newest_sequence = waiting.iter().map(|e| e.sequence).max().unwrap();
        let present: BTreeSet<u64> = waiting.iter().map(|e| e.sequence).collect();
        let told: Vec<String> = waiting
            .iter()
            .filter_map(|e| match &e.event {
                Event::Tombstone(t) => Some(t.reason.clone()),
                _ => None,
            })
            .collect();
        for sequence in (1..=newest_sequence).filter(|s| !present.contains(s)) {
            assert!(told.iter().any(|text| names(text, sequence)), "seed {seed}: {sequence} vanished unsaid");
        }
        assert!(waiting.len() < 60, "seed {seed}: {} rows", waiting.len());
    }
}

/// Whether a tombstone's ranges hold this number.
fn names(text: &str, sequence: u64) -> bool {
    let Some((_, list)) = text.rsplit_once(':') else { return false };
    list.trim_end_matches(')').split(',').any(|span| {
        let (from, to) = span.split_once('-').unwrap_or((span, span));
        (from.parse::<u64>().unwrap()..=to.parse::<u64>().unwrap()).contains(&sequence)
    })
}

/// Nothing to drop: incidents are written beyond the bound, and the outbox says that it is overfull.
#[tokio::test]
async fn incidents_are_written_even_beyond_the_bound() {
    let bench = Bench::new(1, OutboxConfig { max_rows: 3, ..OutboxConfig::default() }).await;
    for _ in 0..8 {
        let id = IncidentId::new(&bench.chance, START);
        bench.outbox.append(&report(id, 1, Phase::Opened, Severity::Notice)).await.unwrap();
    }
    assert_eq!(bench.outbox.stats().await.unwrap().rows, 8);
    assert!(bench.outbox.counters().overfull.load(Ordering::Relaxed));
}

/// A file goes up after its incident's receipt and not before, best severity and telling kind first, and
/// leaves the disk after its retention; a recording stays until somebody asks.
#[tokio::test]
async fn files_follow_their_incident() {
    let bench = Bench::new(2, OutboxConfig::default()).await;
    let id = IncidentId::new(&bench.chance, START);
    let mut first = report(id, 1, Phase::Opened, Severity::Major);
    first.files =
        vec![bench.file("clip", EvidenceKind::Clip), bench.file("snapshot", EvidenceKind::Snapshot)];
    let message = bench.outbox.append(&first).await.unwrap();
    let call_id = CallId::new(&bench.chance, START);
    let recording = bench.file("voice", EvidenceKind::Recording);
    let called = bench
        .outbox
        .append(&call(IncidentId::new(&bench.chance, START), call_id, recording.clone()))
        .await
        .unwrap();
    assert!(bench.outbox.next_upload().await.unwrap().is_none(), "nothing before the receipt");

    bench.receipt(message, ReceiptOutcome::Stored).await;
    bench.receipt(called, ReceiptOutcome::Stored).await;
    let upload = bench.outbox.next_upload().await.unwrap().unwrap();
    assert_eq!(upload.evidence.kind, EvidenceKind::Snapshot);
    bench.outbox.set_upload_url(&upload.evidence, Some("https://hub/u/1")).await.unwrap();
    bench.outbox.postpone_upload(&upload.evidence, 5_000).await.unwrap();
    assert_eq!(bench.outbox.next_upload().await.unwrap().unwrap().evidence.kind, EvidenceKind::Clip);
    bench.clock.advance_ms(5_000);
    let again = bench.outbox.next_upload().await.unwrap().unwrap();
    assert_eq!((again.upload_url.as_deref(), again.attempts), (Some("https://hub/u/1"), 1));
    bench.outbox.uploaded(&again.evidence).await.unwrap();
    let clip = bench.outbox.next_upload().await.unwrap().unwrap();
    bench.outbox.uploaded(&clip.evidence).await.unwrap();
    assert!(bench.outbox.next_upload().await.unwrap().is_none(), "the recording was not asked for");

    bench.clock.advance_ms(DAY_MS + 1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 2);
    assert!(!again.path.exists() && recording.path.exists());

    assert_eq!(bench.outbox.request_recording(call_id).await.unwrap().len(), 1);
    assert_eq!(bench.outbox.next_upload().await.unwrap().unwrap().path, recording.path);
    bench.clock.advance_ms(40 * DAY_MS);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 0, "asked for: kept until it is up");
}

/// A recording that nobody asked for goes after its days, row and file.
#[tokio::test]
async fn unasked_recordings_expire() {
    let bench = Bench::new(3, OutboxConfig::default()).await;
    let call_id = CallId::new(&bench.chance, START);
    let recording = bench.file("voice", EvidenceKind::Recording);
    bench
        .outbox
        .append(&call(IncidentId::new(&bench.chance, START), call_id, recording.clone()))
        .await
        .unwrap();
    bench.clock.advance_ms(30 * DAY_MS - 1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 0);
    bench.clock.advance_ms(1);
    assert_eq!(bench.outbox.keep_house().await.unwrap().expired_files, 1);
    assert!(!recording.path.exists());
    assert!(bench.outbox.request_recording(call_id).await.unwrap().is_empty());
}

/// Evidence beyond its bound: the bulky kind of the lowest severity goes, with a tombstone; the rest stays.
#[tokio::test]
async fn evidence_is_bounded_by_severity_and_kind() {
    let bench = Bench::new(4, OutboxConfig { evidence_max_bytes: 25, ..OutboxConfig::default() }).await;
    let mut files = Vec::new();
    for (severity, kind, text) in [
        (Severity::Emergency, EvidenceKind::Clip, "emergency!"),
        (Severity::Notice, EvidenceKind::Snapshot, "notice-pic"),
        (Severity::Notice, EvidenceKind::Clip, "notice-mov"),
    ] {
        let mut report = report(IncidentId::new(&bench.chance, START), 1, Phase::Opened, severity);
        report.files = vec![bench.file(text, kind)];
        files.push(report.files[0].path.clone());
        bench.outbox.append(&report).await.unwrap();
    }
    let there: Vec<bool> = files.iter().map(|path| path.exists()).collect();
    assert_eq!(there, [true, true, false]);
    let told = bench.waiting().await.iter().any(
        |e| matches!(&e.event, Event::Tombstone(t) if t.reason.contains("clip") && t.incident_id.is_some()),
    );
    assert!(told, "the loss is told");
}

/// A row whose file vanished becomes a tombstone; an old file without row goes, a young one stays.
#[tokio::test]
async fn rows_and_files_are_reconciled() {
    let bench = Bench::new(5, OutboxConfig::default()).await;
    let mut report = report(IncidentId::new(&bench.chance, START), 1, Phase::Opened, Severity::Major);
    report.files = vec![bench.file("gone", EvidenceKind::Snapshot)];
    bench.outbox.append(&report).await.unwrap();
    std::fs::remove_file(&report.files[0].path).unwrap();
    let orphan = bench.outbox.evidence_dir().join("half-written.part");
    std::fs::write(&orphan, "x").unwrap();
    let modified =
        orphan.metadata().unwrap().modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();

    bench.clock.set(UtcMs(modified.as_millis() as i64));
    let kept = bench.outbox.keep_house().await.unwrap();
    assert_eq!((kept.missing_files, kept.orphan_files), (1, 0));
    assert_eq!(bench.waiting().await.len(), 2, "the incident and the tombstone");
    bench.clock.advance_ms(DAY_MS + 1_000);
    assert_eq!(bench.outbox.keep_house().await.unwrap().orphan_files, 1);
    assert!(!orphan.exists());
    assert_eq!(
        bench.outbox.keep_house().await.unwrap(),
        keep::Kept::default(),
        "a second round finds nothing"
    );
}

/// A message that is too large is not lost: it stays on the box, and the hub is told.
#[tokio::test]
async fn too_large_is_kept_and_told() {
    let bench = Bench::new(6, OutboxConfig::default()).await;
    let mut report = report(IncidentId::new(&bench.chance, START), 1, Phase::Opened, Severity::Major);
    if let Subject::Camera(camera) = &mut report.incident.subject {
        camera.camera_name = "长".repeat(40_000);
    }
    let error = bench.outbox.append(&report).await.unwrap_err();
    assert!(matches!(error, OutboxError::Unsendable(EnvelopeError::TooLarge { .. })), "{error}");
    let rejected = bench.outbox.rejected(10).await.unwrap();
    assert_eq!(rejected[0].1, "unsendable");
    let waiting = bench.waiting().await;
    assert_eq!((waiting.len(), waiting[0].sequence), (1, 1), "the refused message took no number");
}

/// An answer is written once per command, also after a restart.
#[tokio::test]
async fn a_command_is_answered_once() {
    let mut bench = Bench::new(7, OutboxConfig::default()).await;
    let command_id = CommandId::new(&bench.chance, START);
    let answer = Answer { command_id, outcome: Outcome::Expired, answered_at: START };
    assert!(bench.outbox.answer(&answer, &[]).await.unwrap().is_some());
    bench.crash().await;
    assert!(bench.outbox.is_answered(command_id).await.unwrap());
    assert!(bench.outbox.answer(&answer, &[]).await.unwrap().is_none());
    assert_eq!(bench.waiting().await.len(), 1);
}

/// A damaged database is kept aside, the readable part is saved, and the hub is told.
#[tokio::test]
async fn a_damaged_database_is_kept_and_salvaged() {
    let mut bench = Bench::new(8, OutboxConfig::default()).await;
    for _ in 0..200 {
        let id = IncidentId::new(&bench.chance, START);
        bench.outbox.append(&report(id, 1, Phase::Opened, Severity::Major)).await.unwrap();
    }
    bench.outbox.close().await;
    let path = bench.dir.path().join("outbox.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096 * 3].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();

    let opened = bench.reopen().await;
    let (kept, saved) = opened.damaged.expect("the damage is found");
    assert!(kept.exists());
    assert!(saved > 20 && saved < 200, "{saved} saved");
    let waiting = bench.waiting().await;
    assert_eq!(waiting.len() as u64, saved + 1, "the saved ones and a tombstone");

    bench.outbox.close().await;
    std::fs::write(&path, "this is no database at all, and long enough to be looked at").unwrap();
    assert_eq!(bench.reopen().await.damaged.expect("the damage is found").1, 0);
}

/// What a killed run left open is ended once by the next; a revision handed over twice is one message. An
/// incident whose files were still being made is remembered, ended or not, until they are there or explained.
#[tokio::test]
async fn a_killed_run_leaves_nothing_open() {
    let mut bench = Bench::new(10, OutboxConfig::default()).await;
    let [open, over, filming] = [0, 1, 2].map(|n| IncidentId::new(&bench.chance, UtcMs(START.0 + n)));
    for (id, revision, phase) in [
        (open, 1, Phase::Opened),
        (over, 1, Phase::Opened),
        (open, 2, Phase::Updated),
        (over, 2, Phase::Ended),
        (filming, 1, Phase::Opened),
        (filming, 2, Phase::Ended),
    ] {
        let mut report = report(id, revision, phase, Severity::Major);
        report.unfinished = id == filming;
        let first = bench.outbox.append(&report).await.unwrap();
        assert_eq!(bench.outbox.append(&report).await.unwrap(), first);
    }
    let left = async |bench: &Bench| -> Vec<(IncidentId, u32, Phase)> {
        let left = bench.outbox.end_left_open().await.unwrap();
        left.iter().map(|i| (i.incident_id, i.revision, i.phase)).collect()
    };
    let both = vec![(open, 3, Phase::Ended), (filming, 2, Phase::Ended)];
    for _ in 0..2 {
        bench.crash().await;
        assert_eq!(left(&bench).await, both, "again after the next crash, without a further revision");
    }
    let waiting = bench.waiting().await;
    assert_eq!(waiting.len(), 7);
    let Event::Incident(last) = &waiting.last().unwrap().event else { panic!("not an incident") };
    assert_eq!((last.incident_id, last.revision, last.ended_at), (open, 3, Some(START)));

    let mut found = report(filming, 3, Phase::Ended, Severity::Major);
    found.unfinished = true;
    bench.outbox.append(&found).await.unwrap();
    bench.outbox.explain_loss(filming, "its clip is lost".into(), true).await.unwrap();
    bench.outbox.close_incident(open).await.unwrap();
    bench.crash().await;
    assert_eq!(left(&bench).await, []);
    let told = bench.waiting().await;
    let losses =
        told.iter().filter(|e| matches!(&e.event, Event::Tombstone(t) if t.incident_id == Some(filming)));
    assert_eq!((losses.count(), told.len()), (1, 9));
}

/// What was written before enrolment speaks under the enrolled name afterwards.
#[tokio::test]
async fn enrolment_renames_what_waits() {
    let bench = Bench::new(9, OutboxConfig::default()).await;
    let id = IncidentId::new(&bench.chance, START);
    bench.outbox.append(&report(id, 1, Phase::Opened, Severity::Major)).await.unwrap();
    bench.outbox.close().await;
    let mut voice = voice(&bench.clock, &bench.chance);
    voice.origin.device = "box-2".parse().unwrap();
    let (outbox, opened) = Outbox::open(bench.dir.path(), bench.config.clone(), voice).await.unwrap();
    assert_eq!(opened.renamed, 1);
    let (_, message) = outbox.head(None, 1).await.unwrap()[0];
    let bytes = outbox.envelope(message).await.unwrap().unwrap();
    assert_eq!(Envelope::decode(&bytes, outbox.origin()).unwrap().source, "/v1/demo/box-2");
}
