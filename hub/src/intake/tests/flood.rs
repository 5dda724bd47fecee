//! Much at once.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use protocol::{Clock, Event, ReceiptOutcome};

use super::{world, worlds, worlds_with};
use crate::db::testing::small_disk;
use crate::intake::SubmitError;

/// A box that says more than it may gets no receipt and keeps what it has to say, until its level has sunk; nothing of
/// it is lost, and other boxes notice nothing.
#[tokio::test]
async fn a_box_that_says_too_much_waits() {
    let few = |config: &mut crate::config::Config| {
        (config.intake.device_burst_bytes, config.intake.device_bytes_per_second) = (65_536, 1_024);
    };
    for mut world in worlds_with(few).await {
        let mut sequence = 0;
        let held = loop {
            sequence += 1;
            let envelope = world.envelope(sequence, Event::Incident(world.incident("r1")));
            let bytes = Bytes::from(envelope.encode().unwrap());
            match world.intake.submit(&world.origin, bytes.clone()).await {
                Ok(receipt) => assert_eq!(receipt.outcome, ReceiptOutcome::Stored, "{}", world.name),
                Err(SubmitError::Busy) => break bytes,
                Err(error) => panic!("{error}"),
            }
            assert!(sequence < 100, "{}: a flood is taken", world.name);
        };
        assert!(sequence > 20, "{}: {sequence}", world.name);
        assert_eq!(world.app.metrics.messages_held_back.get(), 1);
        world.enrol("box-2").await;
        let first = std::mem::replace(&mut world.origin.device, "box-2".parse().unwrap());
        assert_eq!(world.send_incident(1, &world.incident("r1")).await.outcome, ReceiptOutcome::Stored);

        world.origin.device = first;
        world.clock.advance_ms(10_000);
        let receipt = world.intake.submit(&world.origin, held).await.unwrap();
        assert_eq!(receipt.outcome, ReceiptOutcome::Stored, "{}", world.name);
        let cases = world.cases().await;
        assert_eq!(cases.iter().map(|case| case.incident_count).sum::<i64>(), sequence as i64 + 1);
    }
}

/// A disk that is full takes nothing, so nothing is confirmed; once there is room, what waited is stored, once.
#[tokio::test]
async fn a_full_disk_confirms_nothing() {
    let Some(test) = small_disk(16).await else { return };
    let ballast = test.folder.join("ballast");
    let world = world(test, false, |_| {}).await;
    let mut file = std::fs::File::create(&ballast).unwrap();
    for size in [64 << 10, 4096, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    drop(file);
    let mut sequence = 0;
    let mut waiting = loop {
        sequence += 1;
        let envelope = world.envelope(sequence, Event::Incident(world.incident("r1")));
        let (intake, origin) = (world.intake.clone(), world.origin.clone());
        let bytes = Bytes::from(envelope.encode().unwrap());
        let mut submitted = tokio::spawn(async move { intake.submit(&origin, bytes).await });
        match tokio::time::timeout(Duration::from_millis(700), &mut submitted).await {
            Ok(receipt) => assert_eq!(receipt.unwrap().unwrap().outcome, ReceiptOutcome::Stored),
            Err(_) => break submitted,
        }
        assert!(sequence < 2_000, "the disk does not fill");
    };
    let stored = world.cases().await.first().map_or(0, |case| case.incident_count);
    assert_eq!(stored, sequence as i64 - 1, "what was not stored was not confirmed");
    std::fs::remove_file(&ballast).unwrap();
    let receipt = tokio::time::timeout(Duration::from_secs(20), &mut waiting).await.expect("an answer");
    assert_eq!(receipt.unwrap().unwrap().outcome, ReceiptOutcome::Stored);
    let cases = world.cases().await;
    assert_eq!((cases.len(), cases[0].incident_count), (1, sequence as i64));
}

/// Many boxes' messages at once are committed together; every one gets its receipt, each case its own number.
#[tokio::test]
async fn a_flood_is_committed_in_batches() {
    for world in worlds().await {
        const COUNT: u64 = 600;
        let (sender, mut receipts) = tokio::sync::mpsc::unbounded_channel();
        let started = world_clock().uptime_ms();
        for sequence in 1..=COUNT {
            let envelope =
                world.envelope(sequence, Event::Incident(world.incident(&format!("r{}", sequence % 50))));
            for _ in 0..if world.twice { 2 } else { 1 } {
                world.push(&envelope, &sender).await;
            }
        }
        drop(sender);
        let mut stored = 0;
        while let Some(receipt) = receipts.recv().await {
            stored += u64::from(receipt.unwrap().outcome == ReceiptOutcome::Stored);
        }
        assert_eq!(stored, COUNT, "{}", world.name);
        let took = world_clock().uptime_ms().saturating_sub(started).max(1);
        println!("{}: {COUNT} incidents in {took} ms = {}/s", world.name, COUNT * 1000 / took);
        let cases = world.cases().await;
        assert_eq!(cases.len(), 50);
        assert_eq!(cases.iter().map(|case| case.incident_count).sum::<i64>(), COUNT as i64);
    }
}

/// The machine's clock, for the figure above only.
fn world_clock() -> &'static protocol::SystemClock {
    static CLOCK: std::sync::OnceLock<protocol::SystemClock> = std::sync::OnceLock::new();
    CLOCK.get_or_init(protocol::SystemClock::new)
}
