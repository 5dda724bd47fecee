//! Configurations of the hub: applied, refused, undone, while the cameras run.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use protocol::{CallId, CameraId, CommandBody, Outcome};
use tokio::io::AsyncWriteExt as _;

use super::bench::{Bench, calls, camera, reason};
use crate::common::{WAIT, eventually, free_port};

/// A good configuration is in force at once: what changed is restarted, what did not goes on untouched, and the next
/// start finds it although the installer's file says otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_is_applied_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let installed = camera("gate", "test://ball") + &camera("yard", "test://ball");
    let bench = Bench::start(dir.path(), &installed, WAIT).await;
    eventually!("both cameras", bench.runs("gate") && bench.runs("yard"));
    let before = bench.present();

    let toml = camera("gate", "test://smpte")
        + &camera("yard", "test://ball")
        + &camera("roof", "test://ball")
        + &calls(free_port(), free_port(), 3);
    assert_eq!(bench.configure(5, &toml).await, Outcome::Done { evidence: vec![] });
    let after = bench.present();
    assert_eq!(after.config.version, 5);
    assert_eq!(bench.url("gate"), "test://smpte");
    assert!(bench.runs("gate") && bench.runs("roof"), "on trial until they show a picture");
    assert!(after.calls.unwrap().health().listening.is_some());
    let same = |id: &str| {
        let id: CameraId = id.parse().unwrap();
        Arc::ptr_eq(&before.cameras[&id].camera, &after.cameras[&id].camera)
    };
    assert!(same("yard") && !same("gate"), "only what changed was restarted");
    assert!(Arc::ptr_eq(&before.detector.unwrap(), &after.detector.unwrap()));
    drop((before.cameras, after.cameras));
    bench.end().await;

    let bench = Bench::start(dir.path(), &installed, WAIT).await;
    let present = bench.present();
    assert_eq!((present.config.version, present.cameras.len()), (5, 3));
    drop(present);
    eventually!("the new cameras after the restart", bench.runs("gate") && bench.runs("roof"));
    assert_eq!(bench.configure(6, &camera("roof", "test://ball")).await, Outcome::Done { evidence: vec![] });
    assert_eq!(bench.present().cameras.len(), 1, "what is no longer named is stopped");
    assert!(bench.present().calls.is_none());
    bench.end().await;
}

/// What cannot be read is refused with its place and the nearest key, an older version with the one in force; the
/// installer's own sections are his. Nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let good = camera("gate", "test://ball");
    let bench = Bench::start(dir.path(), &good, WAIT).await;
    assert_eq!(bench.configure(7, &good).await, Outcome::Done { evidence: vec![] });
    eventually!("the camera", bench.runs("gate"));
    let before = bench.present();

    let why = reason(bench.configure(8, "[[camera]]\nid = \"gate\"\nurll = \"test://ball\"\n").await);
    assert!(
        why.contains("configuration 8:3:1: camera[0].urll: unknown field `urll`; did you mean `url`?"),
        "{why}"
    );
    let why = reason(bench.configure(9, &(good.clone() + "[health]\nlisten = \"127.0.0.1:1\"\n")).await);
    assert!(why.starts_with("configuration 9:6:1: [health] is set on the box itself"), "{why}");
    for version in [7, 6] {
        let why = reason(bench.configure(version, &camera("roof", "test://ball")).await);
        assert_eq!(why, format!("version {version} is not newer than 7, which is in force"));
    }
    let after = bench.present();
    assert_eq!(after.config.version, 7);
    assert!(Arc::ptr_eq(
        &before.cameras.values().next().unwrap().camera,
        &after.cameras.values().next().unwrap().camera
    ));
    drop((before, after));
    bench.end().await;
}

/// A camera that shows nothing, a pipeline that cannot be built, a port that is taken: the former configuration is in
/// force again, also for the part that would have worked, and the answer says what did not hold.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_is_undone() {
    let dir = tempfile::tempdir().unwrap();
    let installed = camera("gate", "test://ball") + &camera("yard", "test://ball");
    let bench = Bench::start(dir.path(), &installed, Duration::from_secs(4)).await;
    eventually!("both cameras", bench.runs("gate") && bench.runs("yard"));
    let yard: CameraId = "yard".parse().unwrap();
    let untouched = bench.present().cameras[&yard].camera.clone();

    let nobody = format!("rtsp://admin:hush@127.0.0.1:{}/live", free_port());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    for (version, toml, words) in [
        (3, camera("gate", &nobody) + &camera("yard", "test://ball"), "camera gate: "),
        (4, camera("gate", "test://nonsense") + &camera("yard", "test://ball"), "no such pattern"),
        (
            5,
            installed.clone() + &calls(taken.local_addr().unwrap().port(), free_port(), 3),
            "calls: cannot listen",
        ),
    ] {
        let why = reason(bench.configure(version, &toml).await);
        assert!(why.starts_with("undone, version 0 is in force again: ") && why.contains(words), "{why}");
        assert!(!why.contains("hush"), "{why}");
        assert_eq!(bench.present().config.version, 0);
        assert_eq!(bench.url("gate"), "test://ball");
        assert!(bench.present().calls.is_none());
        eventually!("the gate as it was", bench.runs("gate"));
    }
    assert!(Arc::ptr_eq(&untouched, &bench.present().cameras[&yard].camera), "never touched");
    assert!(!dir.path().join("configuration.json").exists(), "nothing of it is kept");
    drop(untouched);

    // A camera that was dark before is not what a change of its neighbour is blamed for.
    let dark = camera("gate", "test://ball") + &camera("dark", &nobody);
    bench.end().await;
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path(), &dark, Duration::from_secs(4)).await;
    let toml = camera("gate", "test://smpte") + &camera("dark", &nobody).replace("320", "640");
    assert_eq!(bench.configure(1, &toml).await, Outcome::Done { evidence: vec![] });
    bench.end().await;
}

/// The installer's file is read anew while the box runs: a camera more and another changed, and the one that stays the
/// same misses no picture; a file with a mistake, or with a camera that shows nothing, changes nothing, and health says
/// why until a better one is read.
#[tokio::test(flavor = "multi_thread")]
async fn the_installers_file_is_read_anew() {
    let dir = tempfile::tempdir().unwrap();
    let data = format!("[agent]\ndata_dir = {:?}\n", dir.path());
    let installed = data.clone() + &camera("gate", "test://ball") + &camera("yard", "test://ball");
    let bench = Bench::start(dir.path(), &installed, Duration::from_secs(4)).await;
    eventually!("both cameras", bench.runs("gate") && bench.runs("yard"));
    let yard: CameraId = "yard".parse().unwrap();
    let untouched = bench.present().cameras[&yard].camera.clone();
    let before = untouched.counted();

    let wanted = data.clone()
        + &camera("gate", "test://smpte")
        + &camera("yard", "test://ball")
        + &camera("roof", "test://ball");
    bench.install(&wanted).await;
    eventually!("the new cameras", bench.runs("roof") && bench.url("gate") == "test://smpte");

    let nobody = format!("rtsp://admin:hush@127.0.0.1:{}/live", free_port());
    for (bad, words) in [
        (wanted.clone() + "urll = 3\n", "did you mean `url`?"),
        (
            data.clone() + &camera("gate", &nobody) + &camera("yard", "test://ball"),
            "undone, version 0 is in force",
        ),
    ] {
        bench.install(&bad).await;
        eventually!(
            "words",
            bench.present().file_notice.is_some_and(|why| why.contains(words) && !why.contains("hush"))
        );
        assert_eq!((bench.present().cameras.len(), bench.url("gate").as_str()), (3, "test://smpte"));
    }
    bench.install(&wanted).await;
    eventually!("no more words", bench.present().file_notice.is_none());

    let after = untouched.counted();
    assert!(Arc::ptr_eq(&untouched, &bench.present().cameras[&yard].camera), "never touched");
    assert!(after.units > before.units && after.gaps == 1 && after.undecoded == 0, "{after:?}");
    drop(untouched);
    assert_eq!(bench.configure(4, &camera("roof", "test://ball")).await, Outcome::Done { evidence: vec![] });
    bench.install(&(data + &camera("gate", "test://ball"))).await;
    eventually!("the file is read", bench.present().file_notice.is_none());
    assert_eq!(bench.present().cameras.len(), 1, "the hub's configuration stays in force");
    assert!(bench.present().cameras.contains_key(&"roof".parse().unwrap()));
    bench.end().await;
}

/// A box that is told to stop in the middle of a trial stops at once, and has neither kept nor answered.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_a_trial() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path(), "", Duration::from_secs(3_600)).await;
    let nobody = format!("rtsp://127.0.0.1:{}/live", free_port());
    let body = CommandBody::Configuration { version: 1, toml: camera("gate", &nobody), based_on: None };
    bench.commands.send(bench.command(body)).await.unwrap();
    eventually!("the trial", bench.present().cameras.len() == 1);
    let outbox = bench.outbox.clone();
    bench.stop.cancel();
    tokio::time::timeout(WAIT, bench.task).await.unwrap().unwrap();
    assert_eq!(outbox.stats().await.unwrap().rows, 0);
    assert!(!dir.path().join("configuration.json").exists());
}

/// A citizen on the line is not cut off by a configuration: one that changes the call tap waits, one that does not is
/// applied beside the call.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_progress_is_not_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (audio, api) = (free_port(), free_port());
    let bench = Bench::start(dir.path(), &calls(audio, api, 4), WAIT).await;
    let tap = bench.present().calls.unwrap();
    eventually!("the call tap", tap.health().listening.is_some());
    let mut leg = tokio::net::TcpStream::connect(("127.0.0.1", audio)).await.unwrap();
    let mut hello = vec![0x01, 0, 16];
    hello.extend(CallId::new(&bench.chance, bench.clock.now()).0.as_bytes());
    leg.write_all(&hello).await.unwrap();
    eventually!("a call", tap.health().active_calls == 1);

    let why = reason(bench.configure(1, &calls(audio, api, 9)).await);
    assert!(why.starts_with("a change of [calls] would cut 1 calls"), "{why}");
    let toml = calls(audio, api, 4) + &camera("gate", "test://ball");
    assert_eq!(bench.configure(2, &toml).await, Outcome::Done { evidence: vec![] });
    assert_eq!(tap.health().active_calls, 1, "the call goes on");
    assert!(Arc::ptr_eq(&tap, &bench.present().calls.unwrap()));
    drop(tap);
    bench.end().await;
}
