//! Clocks that are wrong, are set while the box runs, or stood still over night: what is kept is kept as long as
//! it should be, no shorter and no longer.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::SetClock;
use protocol::Clock;

use super::*;

const MINUTE_MS: i64 = 60_000;
const YEAR_MS: i64 = 365 * DAY_MS;

async fn open(dir: &Path, clock: &Arc<SetClock>, clock_synced: fn() -> bool) -> Outbox {
    let mut voice = voice(clock.clone(), Arc::new(Chance::seeded(clock.now().0 as u64)));
    voice.clock_synced = clock_synced;
    Outbox::open(dir, OutboxConfig::default(), voice).await.unwrap().0
}

/// Files a call and says where its recording lies.
async fn recorded(outbox: &Outbox) -> EvidenceFile {
    let chance = Chance::seeded(3);
    let recording = crate::common::file(outbox.evidence_dir(), b"voices", EvidenceKind::Recording);
    let call = call(IncidentId::new(&chance, START), CallId::new(&chance, START), recording.clone());
    outbox.append(&call).await.unwrap();
    recording
}

/// A box that woke up in 1970, or in 2099, records a call before it is told the time: the recording is there for its
/// thirty days from then on, and not a day longer.
#[tokio::test]
async fn setting_the_clock_neither_deletes_nor_keeps() {
    static TOLD: AtomicBool = AtomicBool::new(false);
    for woke_at in [UtcMs(0), START.plus_ms(73 * YEAR_MS)] {
        TOLD.store(false, Ordering::SeqCst);
        let dir = tempfile::tempdir().unwrap();
        let clock = SetClock::at(woke_at);
        let outbox = open(dir.path(), &clock, || TOLD.load(Ordering::SeqCst)).await;
        let recording = recorded(&outbox).await;
        clock.advance_ms(MINUTE_MS);
        outbox.keep_house().await.unwrap();
        clock.set(START);
        TOLD.store(true, Ordering::SeqCst);
        outbox.keep_house().await.unwrap();
        assert!(recording.path.exists(), "woke at {woke_at}");
        clock.advance_ms(30 * DAY_MS - MINUTE_MS - 1);
        outbox.keep_house().await.unwrap();
        assert!(recording.path.exists(), "woke at {woke_at}");
        clock.advance_ms(1);
        assert_eq!(outbox.keep_house().await.unwrap().expired_files, 1, "woke at {woke_at}");
        assert!(!recording.path.exists());
        outbox.close().await;
    }
}

/// The time that a box was switched off counts, also when it wakes with a wrong clock and is told the time later; a box
/// that is never told the time keeps its recordings for thirty days of running.
#[tokio::test]
async fn a_box_that_was_off_has_aged() {
    static TOLD: AtomicBool = AtomicBool::new(true);
    let dir = tempfile::tempdir().unwrap();
    let clock = SetClock::at(START);
    let outbox = open(dir.path(), &clock, || TOLD.load(Ordering::SeqCst)).await;
    let recording = recorded(&outbox).await;
    clock.advance_ms(10 * DAY_MS);
    outbox.keep_house().await.unwrap();
    outbox.close().await;

    TOLD.store(false, Ordering::SeqCst);
    let clock = SetClock::at(UtcMs(0));
    let outbox = open(dir.path(), &clock, || TOLD.load(Ordering::SeqCst)).await;
    clock.advance_ms(DAY_MS);
    outbox.keep_house().await.unwrap();
    assert!(recording.path.exists(), "eleven days that are known");
    clock.set(START.plus_ms(31 * DAY_MS));
    TOLD.store(true, Ordering::SeqCst);
    assert_eq!(outbox.keep_house().await.unwrap().expired_files, 1);
    outbox.close().await;

    TOLD.store(false, Ordering::SeqCst);
    let dir = tempfile::tempdir().unwrap();
    let mut clock = SetClock::at(UtcMs(0));
    let recording = recorded(&open(dir.path(), &clock, || TOLD.load(Ordering::SeqCst)).await).await;
    for _ in 0..3 {
        // Each night off, and each day in another year.
        clock = clock.after_a_start();
        clock.set(clock.now().plus_ms(YEAR_MS));
        let outbox = open(dir.path(), &clock, || TOLD.load(Ordering::SeqCst)).await;
        clock.advance_ms(9 * DAY_MS);
        outbox.keep_house().await.unwrap();
        assert!(recording.path.exists());
        outbox.close().await;
    }
    let outbox = open(dir.path(), &clock, || TOLD.load(Ordering::SeqCst)).await;
    clock.advance_ms(3 * DAY_MS);
    assert_eq!(outbox.keep_house().await.unwrap().expired_files, 1);
}

/// A file that rests after a failure goes on after its rest, also when the clock was set back by a year meanwhile; a
/// waiting message is as old as it is.
#[tokio::test]
async fn waits_are_not_the_wall_clocks() {
    let dir = tempfile::tempdir().unwrap();
    let clock = SetClock::at(START);
    let outbox = open(dir.path(), &clock, crate::common::synced).await;
    let mut report = report(IncidentId::new(&Chance::seeded(1), START), 1, Phase::Opened, Severity::Major);
    report.files = vec![crate::common::file(outbox.evidence_dir(), b"clip", EvidenceKind::Clip)];
    let message = outbox.append(&report).await.unwrap();
    clock.set(START.plus_ms(YEAR_MS));
    clock.advance_ms(MINUTE_MS);
    assert_eq!(outbox.stats().await.unwrap().oldest_ms, MINUTE_MS as u64);
    settle(&outbox, message, ReceiptOutcome::Stored).await;

    let evidence = outbox.next_upload().await.unwrap().expect("it is due").evidence;
    outbox.postpone_upload(&evidence, 5_000, 1).await.unwrap();
    clock.set(START);
    clock.advance_ms(4_999);
    assert!(outbox.next_upload().await.unwrap().is_none(), "it rests");
    clock.advance_ms(1);
    assert!(outbox.next_upload().await.unwrap().is_some());
}
