//! Station 1 with real pipelines: streams made here, served by a real RTSP server, read by the real camera.

mod media;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use edge_agent::camera::{self, CameraConfig, CameraHandle, decode_file};
use media::{Stream, wait_for};
use protocol::{CameraState, Clock, SystemClock};

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

fn config(url: &str) -> CameraConfig {
    CameraConfig::new("gate".parse().unwrap(), url)
}

fn is(camera: &CameraHandle, state: CameraState) -> bool {
    camera.health().state == state
}

/// The test source delivers frames of the size and rate asked, timed within a second of now, and stops
/// within two seconds.
#[test]
fn a_test_camera_delivers_frames() {
    let clock = clock();
    let mut config = config("test://ball");
    config.analysis_width = 320;
    let camera = camera::spawn(config, clock.clone()).unwrap();
    let frames = camera.frames();
    let mut last = None;
    for _ in 0..8 {
        let frame = frames.recv_timeout(Duration::from_secs(10)).expect("a frame");
        assert_eq!((frame.picture.width, frame.picture.height), (320, 180));
        assert!(clock.now().since_ms(frame.captured_at).abs() < 1_000);
        assert!(last.is_none_or(|l| frame.captured_at > l));
        last = Some(frame.captured_at);
    }
    let rate = camera.health().frames_per_second;
    assert!((3.0..7.0).contains(&rate), "{rate} frames per second");
    assert!(is(&camera, CameraState::Running));
    let asked = clock.uptime_ms();
    camera.stop();
    assert!(clock.uptime_ms() - asked < 2_000);
    assert!(frames.is_closed() || frames.recv_timeout(Duration::from_secs(1)).is_some());
}

/// A file plays to its end as fast as it can and says so; its frames carry media time apart.
#[test]
fn a_file_plays_to_its_end() {
    let file = Stream::h264(4).write();
    let mut config = config(file.path().to_str().unwrap());
    config.realtime = false;
    let camera = camera::spawn(config, clock()).unwrap();
    wait_for("the file's end", || is(&camera, CameraState::Ended));
    assert_eq!(camera.ring().stats().units, 4 * 25);
    assert_eq!(camera.ring().stats().gaps, 1, "only the start itself");
}

/// A file that repeats goes on after its end.
#[test]
fn a_file_repeats() {
    let file = Stream::h264(1).write();
    let mut config = config(&format!("file://{}", file.path().display()));
    config.repeat = true;
    let camera = camera::spawn(config, clock()).unwrap();
    wait_for("three rounds", || camera.ring().stats().units > 60);
    assert!(!is(&camera, CameraState::Ended));
}

/// A camera that cannot be reached says why, and an address that is no video is no endless loop.
#[test]
fn failures_have_words() {
    let missing = camera::spawn(config("/nowhere/x.mp4"), clock()).unwrap();
    wait_for("a reason", || missing.health().reason.is_some_and(|r| r.contains("/nowhere/x.mp4")));
    assert!(is(&missing, CameraState::Connecting));
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(text.path(), "not a film").unwrap();
    let mut config = config(text.path().to_str().unwrap());
    config.repeat = true;
    let wrong = camera::spawn(config, clock()).unwrap();
    wait_for("a reason", || wrong.health().reason.is_some());
}

/// Decoding a file gives the same frames on every run, at the rate asked, on media time.
#[test]
fn decoding_a_file_is_deterministic() {
    let file = Stream::h264(3).write();
    let run = || -> Vec<_> {
        let frames = decode_file(file.path(), "a".parse().unwrap(), 5.0, 160).unwrap();
        frames.map(|f| f.unwrap()).map(|f| (f.sequence, f.captured_at.0, f.picture)).collect()
    };
    let first = run();
    assert_eq!(first.len(), 15);
    assert_eq!((first[0].1, first[1].1, first[14].1), (0, 200, 2_800));
    assert_eq!(first, run());
    let pictures: HashSet<_> = first.iter().map(|f| f.2.y.clone()).collect();
    assert_eq!(pictures.len(), 15, "every frame differs: the clip moves");
}
