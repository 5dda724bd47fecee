//! What the next start finds: after a kill, after damage, under a new name.

use protocol::{Answer, CommandId, Outcome};

use super::*;

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
        let id = bench.id();
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
    let ended = bench.outbox.end_left_open().await.unwrap();
    assert!(!ended.is_empty(), "the hub would wait for the end of what was open");

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
    let id = bench.id();
    bench.outbox.append(&report(id, 1, Phase::Opened, Severity::Major)).await.unwrap();
    bench.outbox.close().await;
    let mut voice = voice(bench.clock.clone(), bench.chance.clone());
    voice.origin.device = "box-2".parse().unwrap();
    let (outbox, opened) = Outbox::open(bench.dir.path(), bench.config.clone(), voice).await.unwrap();
    assert_eq!(opened.renamed, 1);
    let (_, message) = outbox.head(None, 1).await.unwrap()[0];
    let bytes = outbox.envelope(message).await.unwrap().unwrap();
    assert_eq!(Envelope::decode(&bytes, outbox.origin()).unwrap().source, "/v1/demo/box-2");
}

/// A message so long that the box's longer name no longer fits is kept among the rejected and told; the box starts, and
/// the others are renamed.
#[tokio::test]
async fn what_cannot_be_renamed_does_not_stop_the_box() {
    let bench = Bench::new(13, OutboxConfig::default()).await;
    let mut longest = report(bench.id(), 1, Phase::Opened, Severity::Major);
    let name = |report: &mut Report, length: usize| {
        if let Subject::Camera(camera) = &mut report.incident.subject {
            camera.camera_name = "x".repeat(length);
        }
    };
    name(&mut longest, 1);
    let size = {
        let id = bench.outbox.append(&longest).await.unwrap();
        let size = bench.outbox.envelope(id).await.unwrap().unwrap().len();
        bench.receipt(id, ReceiptOutcome::Stored).await;
        size
    };
    longest.incident.revision = 2;
    name(&mut longest, protocol::limits::MAX_MESSAGE_BYTES - size - 25);
    bench.outbox.append(&longest).await.unwrap();
    bench.outbox.append(&report(bench.id(), 1, Phase::Opened, Severity::Major)).await.unwrap();
    bench.outbox.close().await;

    let mut voice = voice(bench.clock.clone(), bench.chance.clone());
    voice.origin.device = "a-box-with-a-much-longer-name-than-it-had-before-enrolment".parse().unwrap();
    let (outbox, opened) = Outbox::open(bench.dir.path(), bench.config.clone(), voice).await.unwrap();
    assert_eq!(opened.renamed, 1);
    let rejected = outbox.rejected(10).await.unwrap();
    assert_eq!((rejected.len(), rejected[0].outcome.as_str()), (1, "unsendable"));
    let told = crate::common::waiting(&outbox).await;
    assert_eq!(told.len(), 2, "the other one and a tombstone");
    assert!(told.iter().any(|e| matches!(&e.event, Event::Tombstone(t) if t.reason.contains("renamed"))));
}

/// An outbox of the first version is taken over with all that it holds, a call's recording among it, and a look from outside
/// shows it.
#[tokio::test]
async fn the_first_version_is_taken_over() {
    use sqlx::Connection as _;
    const FIRST: &str =
        concat!(include_str!("../../../src/outbox/store/schema.sql"), "pragma user_version = 1;");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("outbox.sqlite");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut db = sqlx::sqlite::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(FIRST).execute(&mut db).await.unwrap();
    sqlx::raw_sql(
        "insert into rejected values ('m', 'refused', 'because', x'00', 1773815480000);
         insert into answered values ('c', 1773815480000);",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let recording = crate::common::file(dir.path(), b"voice", EvidenceKind::Recording);
    let call_id = CallId::new(&Chance::seeded(2), START);
    sqlx::query(
        "insert into evidence (sha256, message_id, call_id, path, evidence, priority, kind_priority, size_bytes, state,
             created_at_ms)
         values ($1, 'm', $2, $3, $4, 1, 1, 5, 'held', 1773815480000)",
    )
    .bind(recording.evidence.sha256.as_str())
    .bind(call_id.to_string())
    .bind(recording.path.to_str().unwrap())
    .bind(serde_json::to_string(&recording.evidence).unwrap())
    .execute(&mut db)
    .await
    .unwrap();
    db.close().await.unwrap();
    assert_eq!(edge_agent::outbox::peek(dir.path()).await.unwrap(), None, "not this version's");

    let voice = voice(Arc::new(ManualClock::at(START)), Arc::new(Chance::seeded(1)));
    let (outbox, opened) = Outbox::open(dir.path(), OutboxConfig::default(), voice).await.unwrap();
    assert_eq!(opened, Opened::default());
    let rejected = outbox.rejected(10).await.unwrap();
    assert_eq!((rejected[0].reason.as_str(), rejected[0].at), ("because", START));
    assert_eq!(outbox.request_recordings(call_id, &[]).await.unwrap(), [recording.evidence]);
    let glimpse = edge_agent::outbox::peek(dir.path()).await.unwrap().unwrap();
    assert_eq!((glimpse.waiting_rows, glimpse.rejected_rows, glimpse.rejected), (0, 1, rejected));
    outbox.close().await;
    assert!(edge_agent::outbox::peek(dir.path()).await.unwrap().is_some(), "without an agent too");
    assert_eq!(edge_agent::outbox::peek(&dir.path().join("nowhere")).await.unwrap(), None);
}
