//! However a call, the box or the network ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use edge_agent::call::audiosocket::{Frame, encode};
use edge_agent::call::{CallConfig, CallTap, Cause, Deps};
use edge_agent::contact::HubKey;
use protocol::{Chance, SystemClock, Transcript};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{Exchange, Site, call_of, config, noise, offset_of, sides, until};

/// However a leg ends, its call is filed once, with all that was sent; a call without a sample has no recording.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_is_filed() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { idle_timeout_s: 1, ..config() }).await;
    let sound = noise(9, 4_000);
    for end in ["hangup", "close", "reset", "error", "garbage", "silence", "rate", "empty"] {
        let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(100)).await;
        if end != "empty" {
            leg.play(&sound).await;
        }
        match end {
            "hangup" => leg.send(&Frame::Hangup).await,
            "error" => leg.send(&Frame::Error(vec![2])).await,
            "garbage" => leg.0.write_all(&[0x77; 50]).await.unwrap(),
            "rate" => leg.send(&Frame::Audio { rate_hz: 16_000, samples: vec![1; 320] }).await,
            "reset" => leg.0.set_zero_linger().unwrap(),
            _ => {}
        }
        let held = if end == "silence" { Some(leg) } else { None };
        let report = site.report().await;
        println!("{end}: {} ms", call_of(&report).duration_ms);
        assert!(!call_of(&report).interrupted, "{end}: the box did not die");
        if end == "empty" {
            assert_eq!((report.files.len(), call_of(&report).duration_ms), (0, 0));
            assert_eq!(call_of(&report).transcript, Transcript::Silent);
        } else {
            let (_, left, _) = sides(&report);
            offset_of(&left, &sound);
        }
        drop(held);
    }
    site.quiet().await;
    site.stop().await;
}

/// Not a test of its own: the box that [`a_killed_box_files_its_calls`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn box_to_kill() {
    let Some(dir) = std::env::var_os("CALL_TEST_KILLED_DIR").map(PathBuf::from) else { return };
    let site = Site::start(&dir, config()).await;
    std::fs::write(dir.join("address.tmp"), site.audio().to_string()).unwrap();
    std::fs::rename(dir.join("address.tmp"), dir.join("address")).unwrap();
    sleep(Duration::from_secs(60)).await;
}

/// SIGKILL in mid-call: the next start files the call with all but the last second, exactly once, and further starts
/// never make a second incident of it, however often they hand it over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_box_files_its_calls() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "endings::box_to_kill"])
        .env("CALL_TEST_KILLED_DIR", dir.path())
        .spawn()
        .unwrap();
    until("the box is up", || dir.path().join("address").exists()).await;
    let at = std::fs::read_to_string(dir.path().join("address")).unwrap().parse().unwrap();
    let (one, two) = (noise(11, 8_000 * 3), noise(12, 8_000 * 3));
    let uuid = Uuid::from_u128(8);
    let mut first = Exchange::connect(at, uuid).await;
    first.play(&one[..800]).await;
    let mut second = Exchange::connect(at, uuid).await;
    tokio::join!(first.play(&one[800..]), second.play(&two));
    child.kill().unwrap();
    child.wait().unwrap();

    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut site = Site::start(dir.path(), config()).await;
        // The box dies before the outbox has it: each start hands it over again.
        let handover = site.handover().await;
        let report = &handover.report;
        ids.push((
            report.incident.incident_id,
            report.incident.revision,
            report.files[0].evidence.sha256.clone(),
        ));
        assert!(call_of(report).interrupted);
        let (_, left, right) = sides(report);
        for (side, sent) in [(left, &one), (right, &two)] {
            let begin = side.iter().position(|s| *s != 0).unwrap();
            let got: Vec<i16> = side[begin..].iter().copied().take_while(|s| *s != 0).collect();
            assert_eq!(got, sent[..got.len()], "samples were changed");
            println!("{} of {} ms survived the kill", got.len() / 8, sent.len() / 8);
            assert!(got.len() + 8_000 >= sent.len(), "more than a second is lost");
        }
        site.quiet().await;
        site.task.abort();
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one call, one incident, one recording");
}

/// Two hundred connections that say nothing, trickle, or talk nonsense: a good call beside them is recorded whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_connections_stop_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let at = site.audio();
    let mut hostile = Vec::new();
    for n in 0..200_u32 {
        let mut stream = TcpStream::connect(at).await.unwrap();
        let bytes: &[u8] = match n % 4 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\n\r\n",
            2 => &[0x01, 0x00],
            _ => &[0x10, 0xff, 0xfe, 0x00],
        };
        let _ = stream.write_all(bytes).await;
        hostile.push(stream);
    }
    let sound = noise(21, 8_000);
    let mut leg = Exchange::connect(at, Uuid::from_u128(1)).await;
    leg.play(&sound).await;
    leg.send(&Frame::Hangup).await;
    let report = site.report().await;
    let (_, left, _) = sides(&report);
    offset_of(&left, &sound);
    until("the strangers are turned away", || site.tap.health().refused_total >= 200).await;
    site.quiet().await;
    site.stop().await;
}

/// A leg that sends keys and empty frames and no sound ends like one that sends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_keep_no_leg_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { idle_timeout_s: 1, ..config() }).await;
    let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    let pressing = async {
        loop {
            for frame in [Frame::Dtmf(b'1'), Frame::Audio { rate_hz: 8_000, samples: vec![] }] {
                // Fails when the box has hung up.
                let _ = leg.0.write_all(&encode(&frame).unwrap()).await;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        report = site.report() => assert_eq!(call_of(&report).duration_ms, 0),
        () = pressing => {}
    }
    site.stop().await;
}

/// Below the disk reserve no call is taken: the connection is closed and counted, nothing is filed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_no_call() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start_with_reserve(dir.path(), config(), u64::MAX).await;
    let _leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    until("it is turned away", || site.tap.health().refused_total == 1).await;
    assert_eq!(site.tap.health().active_calls, 0);
    site.quiet().await;
    site.stop().await;
}

/// A port that another program holds is said in health, by its own cause, and forgotten when it is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (sender, _reports) = mpsc::channel(64);
    let deps = Deps {
        clock: Arc::new(SystemClock::new()),
        chance: Arc::new(Chance::from_os()),
        data_dir: dir.path().to_owned(),
        silero: None,
        model_dirs: vec![],
        program: PathBuf::from("no-program"),
        reports: sender,
        live: mpsc::channel(1).0,
        hub_key: Arc::new(HubKey::without_hub()),
        disk_reserve_bytes: 0,
    };
    let config = CallConfig { audiosocket_listen: taken.local_addr().unwrap(), ..config() };
    let tap = CallTap::new(config, deps).unwrap();
    let cancel = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&tap).run(cancel.clone()));
    until("both ports were tried", || {
        let health = tap.health();
        health.api_listening.is_some() && health.troubles.contains_key(&Cause::AudioPort)
    })
    .await;
    assert_eq!(tap.health().troubles.len(), 1, "the other port is no trouble and hides none");
    drop(taken);
    until("the port is ours", || tap.health().listening.is_some()).await;
    assert!(tap.health().troubles.is_empty());
    cancel.cancel();
    timeout(Duration::from_secs(5), task).await.unwrap().unwrap().unwrap();
}
