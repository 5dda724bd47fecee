//! Station 1 with real pipelines: streams made here, served by a real RTSP server, read by the real camera.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::media::{Authority, RtspCamera, Stream, wait_for};
use edge_agent::camera::{self, CameraConfig, CameraHandle, decode_file};
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
    // 15 pictures per second decoded, every third due for analysis.
    let counted = camera.counted();
    assert!((8..=counted.decoded / 2).contains(&counted.offered), "{counted:?}");
    assert!((counted.decoded..).contains(&counted.units) && counted.undecoded == 0, "{counted:?}");
    assert!(counted.offered - counted.dropped >= 8, "taken frames are not dropped ones: {counted:?}");
    let rate = camera.health().frames_per_second;
    assert!((3.0..7.0).contains(&rate), "{rate} frames per second");
    assert!(is(&camera, CameraState::Running));
    let asked = clock.uptime_ms();
    camera.stop();
    assert!(clock.uptime_ms() - asked < 2_000);
    assert!(frames.is_closed());
    while frames.try_take().is_some() {}
    assert!(frames.is_done());
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

/// A film without a keyframe shows nothing, and says why instead of ending like one that was shown.
#[test]
fn a_film_without_keyframes_has_words() {
    let film = Stream::h264(2).without_keyframes();
    let mut config = config(film.path().to_str().unwrap());
    config.realtime = false;
    let camera = camera::spawn(config, clock()).unwrap();
    wait_for("words", || camera.health().reason.is_some_and(|r| r.contains("no keyframe")));
    assert_eq!(camera.ring().stats().units, 0);
}

/// A camera that was stopped has ended, whether or not anybody took its last picture: a clip must not wait for more.
#[test]
fn a_stopped_camera_has_ended() {
    let camera = camera::spawn(config("test://ball"), clock()).unwrap();
    wait_for("a picture that nobody takes", || camera.view().last_frame().is_some());
    let view = camera.view();
    assert!(!view.has_ended());
    camera.stop();
    assert!(view.has_ended());
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
    let unplugged = camera::spawn(config("v4l2:///dev/video61"), clock()).unwrap();
    wait_for("a reason", || unplugged.health().reason.is_some_and(|r| r.contains("/dev/video61")));
    assert!(is(&unplugged, CameraState::Connecting));
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

/// H.264, H.264 with B-frames, H.265 and MJPEG come over RTSP: frames for analysis, units in the ring.
#[test]
fn rtsp_in_every_codec() {
    for (name, stream) in [
        ("H.264", Stream::h264(0)),
        ("B-frames", Stream::h264_b_frames(0)),
        ("H.265", Stream::h265(0)),
        ("MJPEG", Stream::mjpeg()),
    ] {
        let server = RtspCamera::serve(&stream);
        let clock = clock();
        let camera = camera::spawn(config(&server.url()), clock.clone()).unwrap();
        let frames = camera.frames();
        let mut last = protocol::UtcMs(0);
        for _ in 0..10 {
            let frame =
                frames.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|| panic!("{name}: no frame"));
            assert!(frame.captured_at > last, "{name}: time runs forward");
            assert!(clock.now().since_ms(frame.captured_at) < 2_000, "{name}: it is now");
            last = frame.captured_at;
        }
        assert_eq!(camera.ring().stats().gaps, 1, "{name}: only the start");
        camera.stop();
    }
}

/// A camera whose server dies is lost, with a reason, while another goes on; when it comes back the camera
/// runs again by itself, and the ring knows of the gap.
#[test]
fn a_dead_camera_comes_back_and_hurts_nobody() {
    let server = RtspCamera::serve(&Stream::h264(0));
    let (port, url) = (server.port, server.url());
    let other_server = RtspCamera::serve(&Stream::h264(0));
    let camera = camera::spawn(config(&url), clock()).unwrap();
    let other = camera::spawn(config(&other_server.url()), clock()).unwrap();
    wait_for("both cameras", || is(&camera, CameraState::Running) && is(&other, CameraState::Running));
    drop(server);
    wait_for("the loss", || is(&camera, CameraState::Lost));
    assert!(camera.health().reason.is_some());
    let before = (other.ring().stats(), other.health().since);
    wait_for("ten more pictures of the other", || other.ring().stats().units > before.0.units + 250);
    assert_eq!(other.ring().stats().gaps, before.0.gaps);
    assert_eq!(other.health().since, before.1, "the other never stopped running");
    let _back = RtspCamera::serve_at(&Stream::h264(0), port);
    wait_for("the return", || is(&camera, CameraState::Running));
    wait_for("pictures", || camera.ring().stats().gaps == 2);
    assert!(camera.frames().recv_timeout(Duration::from_secs(10)).is_some());
}

/// Frames that nobody takes are replaced and counted; the ring misses nothing.
#[test]
fn recording_survives_stuck_analysis() {
    let camera = camera::spawn(config("test://ball"), clock()).unwrap();
    wait_for("frames that nobody takes", || camera.health().frames_dropped >= 10);
    let stats = camera.ring().stats();
    assert!(stats.units >= 30 && stats.gaps == 1 && stats.undecodable == 0, "{stats:?}");
}

/// An installer is told what a camera sends, or why it does not.
#[test]
fn a_probe_tells_what_is_there() {
    let limit = Duration::from_secs(15);
    let server = RtspCamera::serve(&Stream::h265(0));
    let probe = camera::probe(&config(&server.url()), clock(), limit).unwrap();
    assert_eq!((probe.codec, probe.width, probe.height), (camera::Codec::H265, 320, 180));
    assert!(probe.first_picture_ms < 15_000);
    let port = server.port;
    drop(server);
    let nobody = config(&format!("rtsp://user:hush@127.0.0.1:{port}/live"));
    let error = camera::probe(&nobody, clock(), Duration::from_secs(3)).unwrap_err().to_string();
    assert!(error.to_lowercase().contains("connect") && !error.contains("hush"), "{error}");
}

/// A camera that keeps its connection but sends nothing is given up after five seconds, with words.
#[test]
fn a_silent_camera_is_noticed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Takes connections and never answers.
    std::thread::spawn(move || listener.incoming().flatten().collect::<Vec<_>>());
    let camera = camera::spawn(config(&format!("rtsp://127.0.0.1:{port}/live")), clock()).unwrap();
    wait_for("words", || camera.health().reason.is_some());
    let asked = clock();
    camera.stop();
    assert!(asked.uptime_ms() < 2_500, "stopping waits for nobody");
}

/// A wrong password and a wrong path are told in words that an installer can act on, and never with the password;
/// the right ones work.
#[test]
fn wrong_addresses_have_clear_words() {
    let server = RtspCamera::serve_guarded(&Stream::h264(0));
    let with = |user: Option<&str>, password: &str, path: &str| {
        let mut config = config(&format!("rtsp://127.0.0.1:{}/{path}", server.port));
        config.username = user.map(str::to_owned);
        config.password = user.map(|_| camera::Secret(password.to_owned()));
        config
    };
    for (wrong, words) in [
        (with(Some("admin"), "hush", "live"), "refuses this username and password"),
        (with(None, "", "live"), "refuses this username and password"),
        (with(Some("admin"), "secret", "nowhere"), "has no stream at this path"),
    ] {
        let camera = camera::spawn(wrong, clock()).unwrap();
        wait_for(words, || camera.health().reason.is_some());
        let reason = camera.health().reason.unwrap();
        assert!(reason.contains(words) && !reason.contains("hush"), "{reason}");
        camera.stop();
    }
    let right = camera::spawn(with(Some("admin"), "secret", "live"), clock()).unwrap();
    wait_for("pictures for the right password", || is(&right, CameraState::Running));
}

/// Over TLS and by digest, a camera is believed by its pinned certificate or by an authority that vouches for its
/// address, and by nothing less; the words say what to write, and the pin is that of the certificate.
#[test]
fn a_camera_over_tls_must_prove_itself() {
    let [ours, another] = ["ours.example", "another.example"].map(Authority::new);
    let (server, fingerprint) = RtspCamera::serve_secured(&Stream::h264(0), "127.0.0.1", &ours);
    let (misnamed, _) = RtspCamera::serve_secured(&Stream::h264(0), "camera.example", &ours);
    let file = |text: &str| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    };
    let (ours, another) = (file(&ours.pem), file(&another.pem));
    let with =
        |server: &RtspCamera, ca: Option<&tempfile::NamedTempFile>, pin: Option<&str>, password: &str| {
            let mut config = config(&server.url());
            config.username = Some("admin".into());
            config.password = Some(camera::Secret(password.into()));
            config.tls_ca = ca.map(|file| file.path().to_owned());
            config.tls_fingerprint = pin.map(str::to_owned);
            assert_eq!(config.validate(), []);
            config
        };
    let shown = fingerprint.to_uppercase();
    let shown: Vec<_> = shown.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
    let shown = shown.join(":");
    for (wrong, words) in [
        (with(&server, None, None, "secret"), "nobody known has signed it"),
        (with(&server, None, None, "secret"), &shown),
        (with(&server, None, Some(&"ab".repeat(32)), "secret"), "another certificate"),
        (with(&server, Some(&another), None, "secret"), "nobody known has signed it"),
        (with(&misnamed, Some(&ours), None, "secret"), "another name or address"),
        (with(&server, None, Some(&shown), "hush"), "refuses this username and password"),
    ] {
        let camera = camera::spawn(wrong, clock()).unwrap();
        wait_for(words, || camera.health().reason.is_some());
        let reason = camera.health().reason.unwrap();
        assert!(reason.contains(words) && !reason.contains("hush"), "{words}: {reason}");
        assert_eq!(camera.ring().stats().units, 0);
        camera.stop();
    }
    for right in [
        with(&server, None, Some(&shown), "secret"),
        with(&server, None, Some(&fingerprint), "secret"),
        with(&server, Some(&ours), None, "secret"),
    ] {
        let camera = camera::spawn(right, clock()).unwrap();
        wait_for("pictures", || is(&camera, CameraState::Running));
        camera.stop();
    }
}

/// What decodes is shown; where every keyframe is due, nothing else is decoded.
#[test]
fn keyframes_alone_are_decoded_where_they_suffice() {
    let encoder = "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=5";
    let file = Stream { encoder, ..Stream::h264(5) }.write();
    let mut config = config(file.path().to_str().unwrap());
    config.analysis_fps = 5.0;
    let camera = camera::spawn(config, clock()).unwrap();
    wait_for("the file's end", || is(&camera, CameraState::Ended));
    let counted = camera.counted();
    assert_eq!((counted.units, counted.offered, counted.undecoded), (125, 25, 0), "{counted:?}");
    assert!(counted.decoded <= 45 + 17, "every picture of nine groups, then keyframes: {counted:?}");
    assert!(camera.decoder().is_some_and(|d| !d.name.is_empty()));
    assert!(camera.health().decoder.unwrap().ends_with("ware)"));
}
