//! Pictures of all sizes, masked where they must be.

use edge_agent::camera::{self, CameraConfig};
use edge_agent::evidence::Drawn;
use protocol::{EvidenceKind, NormBox, Severity};

use super::bench::{Box, assert_holds, assert_in_order, assert_masked, frame_after, left_half};
use crate::media::{RtspCamera, Stream, decode};

/// A camera with masks gives clips, snapshots and stills in which no masked pixel shows the scene, in any
/// picture, while the rest does.
#[tokio::test(flavor = "multi_thread")]
async fn masks_are_in_every_picture() {
    let machine = Box::new();
    // Snow: every pixel of the scene moves, from black to white.
    let camera = machine.camera("test://snow", vec![left_half()]);
    let frame = frame_after(&camera, 5);
    let opening = machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
    opening.end.at(frame.captured_at);
    let clip = opening.clip.finished().await.unwrap();
    assert_holds(&clip, EvidenceKind::Clip, true);
    assert_in_order(&clip);
    let pictures = decode(&clip.path);
    assert!(pictures.len() > 60, "{} pictures", pictures.len());
    for (width, picture) in &pictures {
        assert_masked(*width, 360, |x, y| i32::from(picture[y * width + x]));
    }
    let snapshot = opening.snapshot.finished().await.unwrap();
    let still = machine.recorder.still(&camera.view()).await.unwrap();
    for (file, kind) in [(snapshot, EvidenceKind::Snapshot), (still, EvidenceKind::Still)] {
        assert_holds(&file, kind, true);
        let picture = image::open(&file.path).unwrap().to_luma8();
        assert_eq!(picture.dimensions(), (640, 360));
        assert_masked(640, 360, |x, y| i32::from(picture.get_pixel(x as u32, y as u32).0[0]));
    }
}

/// A snapshot has the camera's full size although analysis works on a small picture, is the very picture
/// that was analysed, and shows the box.
#[tokio::test(flavor = "multi_thread")]
async fn snapshots_have_full_size_and_a_box() {
    let machine = Box::new();
    let mut config = CameraConfig::new("gate".parse().unwrap(), "test://ball");
    config.analysis_width = 160;
    let camera = camera::spawn(config, machine.clock.clone()).unwrap();
    let frame = frame_after(&camera, 1);
    assert_eq!(frame.picture.width, 160);
    let ball = (0..frame.picture.y.len()).max_by_key(|i| frame.picture.y[*i]).unwrap();
    let region = NormBox { x: 0.6, y: 0.1, w: 0.3, h: 0.3 };
    let drawn = Some(Drawn { region, severity: Severity::Emergency });
    let opening = machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, drawn);
    let snapshot = opening.snapshot.finished().await.unwrap();
    assert_holds(&snapshot, EvidenceKind::Snapshot, false);
    assert_eq!(snapshot.evidence.starts_at, frame.captured_at);
    let picture = image::open(&snapshot.path).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (640, 360));
    let red = picture.enumerate_pixels().filter(|(_, _, p)| p.0[0] > 180 && p.0[1] < 80).map(|(x, _, _)| x);
    let (left, right) = red.fold((640, 0), |(l, r), x| (l.min(x), r.max(x)));
    assert!(left.abs_diff(384) <= 6 && right.abs_diff(576) <= 6, "box from {left} to {right}");
    let (x, y) = ((ball % 160 * 4) as u32, (ball / 160 * 4) as u32);
    assert!(picture.get_pixel(x, y).0[1] > 150, "the ball is where the analysed picture has it");
}

/// No picture, no still, but words.
#[tokio::test(flavor = "multi_thread")]
async fn a_still_of_nothing_is_an_error() {
    let machine = Box::new();
    let camera = machine.camera("/nowhere/x.mp4", vec![left_half()]);
    let error = machine.recorder.still(&camera.view()).await.unwrap_err();
    assert!(format!("{error:#}").contains("gate has shown no picture yet"), "{error:#}");
}

/// A 4K camera: its snapshot is as large as snapshots go, its masked clip as masked clips go, and the mask is at its
/// place in both.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_picture_is_cut_down_to_size() {
    let file = Stream { width: 3840, height: 2160, ..Stream::h264(1) }.write();
    let machine = Box::new();
    let mut config = CameraConfig::new("gate".parse().unwrap(), file.path().to_str().unwrap());
    // At real time, or the first picture would be gone from the ring's end before it is taken.
    config.masks = vec![left_half()];
    let camera = camera::spawn(config, machine.clock.clone()).unwrap();
    let frame = camera.frames().recv_timeout(std::time::Duration::from_secs(30)).expect("a frame");
    assert_eq!((frame.picture.width, frame.picture.height), (640, 360));
    let opening = machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
    opening.end.at(frame.captured_at);
    let snapshot = opening.snapshot.finished().await.unwrap();
    assert_eq!(image::open(&snapshot.path).unwrap().to_rgb8().dimensions(), (1920, 1080));
    assert_holds(&snapshot, EvidenceKind::Snapshot, true);
    let clip = opening.clip.finished().await.unwrap();
    assert_holds(&clip, EvidenceKind::Clip, true);
    let pictures = decode(&clip.path);
    assert!(!pictures.is_empty() && pictures.iter().all(|(width, _)| *width == 1280));
    // The ball flies over black: nothing but the mask's greys is left of the middle, black right of it.
    for (width, picture) in &pictures {
        let row = &picture[360 * width..361 * width];
        assert!(row[..600].iter().all(|v| (25..=165).contains(v)), "{:?}", &row[..600]);
        assert!(row[700..].iter().any(|v| *v < 24));
    }
}

/// A picture with odd sides, as some capture cards give it, is encoded, analysed, shown and masked like any other.
#[tokio::test(flavor = "multi_thread")]
async fn odd_sides_are_no_obstacle() {
    let server = RtspCamera::serve(&Stream { width: 321, height: 181, ..Stream::mjpeg() });
    let machine = Box::new();
    let camera = machine.camera(&server.url(), vec![left_half()]);
    let frame = frame_after(&camera, 2);
    assert_eq!((frame.picture.width % 2, frame.picture.height % 2), (0, 0));
    let opening = machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
    opening.end.at(frame.captured_at);
    for (file, kind) in [
        (opening.snapshot.finished().await.unwrap(), EvidenceKind::Snapshot),
        (opening.clip.finished().await.unwrap(), EvidenceKind::Clip),
    ] {
        assert_holds(&file, kind, true);
    }
}
