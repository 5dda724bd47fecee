//! Evidence with real pipelines: what a camera delivered is what the file shows, masked where it must be.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

mod media;

use std::collections::HashSet;
use std::sync::Arc;

use edge_agent::camera::{self, CameraConfig, CameraHandle, Polygon};
use edge_agent::evidence::{Drawn, Recorder, Unrecovered};
use edge_agent::frame::Frame;
use edge_agent::report::{EvidenceFile, Wanted, needs_copy};
use media::{RtspCamera, Stream, decode, demux, wait_for};
use protocol::{
    Chance, Clock, EvidenceKind, GapReason, IncidentId, NormBox, Severity, SystemClock, UtcMs, VideoCodec,
};
use sha2::{Digest, Sha256};

/// The left half of the picture.
fn left_half() -> Polygon {
    vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
}

struct Box {
    clock: Arc<dyn Clock>,
    recorder: Recorder,
    folder: tempfile::TempDir,
    chance: Chance,
}

impl Box {
    fn new() -> Self {
        camera::init().unwrap();
        Self::on(tempfile::tempdir().unwrap())
    }

    fn on(folder: tempfile::TempDir) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let recorder = Recorder::new(folder.path().join("evidence"), clock.clone()).unwrap();
        Self { clock, recorder, folder, chance: Chance::seeded(7) }
    }

    fn incident(&self) -> IncidentId {
        IncidentId::new(&self.chance, self.clock.now())
    }

    fn spools(&self) -> Vec<std::path::PathBuf> {
        let folder = self.folder.path().join("evidence/spool");
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// The disk as a box leaves it that is killed now, and the box that starts on it.
    fn killed(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("evidence/spool");
        std::fs::create_dir_all(&to).unwrap();
        for path in self.spools() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
        Self::on(folder)
    }

    /// A camera with short rolls, so that a clip is quickly over.
    fn camera(&self, url: &str, masks: Vec<Polygon>) -> CameraHandle {
        let mut config = CameraConfig::new("gate".parse().unwrap(), url);
        (config.pre_roll_s, config.post_roll_s, config.masks) = (5, 1, masks);
        camera::spawn(config, self.clock.clone()).unwrap()
    }
}

/// A frame taken when the ring reaches back at least `seconds`.
fn frame_after(camera: &CameraHandle, seconds: i64) -> Frame {
    let first = std::cell::OnceCell::new();
    let mut found = None;
    wait_for("a frame with enough before it", || {
        let Some(frame) = camera.frames().try_take() else { return false };
        let start = *first.get_or_init(|| frame.captured_at);
        let enough = frame.captured_at.since_ms(start) >= seconds * 1_000;
        found = Some(frame);
        enough
    });
    found.unwrap()
}

/// What every evidence file promises.
fn assert_holds(file: &EvidenceFile, kind: EvidenceKind, masked: bool) {
    let bytes = std::fs::read(&file.path).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), file.evidence.sha256.as_str());
    assert_eq!(bytes.len() as u64, file.evidence.size_bytes);
    assert_eq!((file.evidence.kind, file.evidence.masked), (kind, masked));
}

/// A clip's times rise, no picture is shown before it is decoded, pictures are evenly apart, and its length
/// is what its row says.
fn assert_in_order(file: &EvidenceFile) {
    let units = demux(&file.path);
    let back = units.windows(2).position(|w| w[0].2 >= w[1].2);
    let times = |at: usize| units[at.saturating_sub(2)..(at + 4).min(units.len())].iter().map(|u| (u.1, u.2));
    assert!(back.is_none(), "decoding times rise: {:?}", back.map(|at| times(at).collect::<Vec<_>>()));
    assert!(units.iter().all(|u| u.1 >= u.2), "shown after decoded");
    let mut shown: Vec<_> = units.iter().map(|u| u.1).collect();
    shown.sort_unstable();
    let widest = shown.windows(2).map(|w| w[1] - w[0]).max().unwrap();
    assert!(widest < 500_000, "a hole of {widest} µs");
    let length_ms = (shown[shown.len() - 1] - shown[0]) / 1_000;
    let told_ms = file.evidence.duration_ms.unwrap();
    let ends = |n: usize| shown[n.saturating_sub(4)..n].to_vec();
    let (first, last, count) = (ends(4), ends(shown.len()), shown.len());
    assert!(
        told_ms.abs_diff(length_ms) < 200,
        "{told_ms} told, {length_ms} there: {count} pictures from {first:?} to {last:?}"
    );
}

/// Over RTSP, in every codec: the clip starts with the pre-roll at a keyframe at most one group early, ends
/// with the post-roll, and its units are, byte for byte, units that the camera sent.
#[tokio::test(flavor = "multi_thread")]
async fn clips_are_what_the_camera_sent() {
    for (name, stream) in
        [("H.264", Stream::h264(0)), ("B-frames", Stream::h264_b_frames(0)), ("H.265", Stream::h265(0))]
    {
        let server = RtspCamera::serve(&stream);
        let machine = Box::new();
        let camera = machine.camera(&server.url(), vec![]);
        let frame = frame_after(&camera, 7);
        let sent = camera.ring().hold(UtcMs(0)).unwrap();
        let opening =
            machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
        opening.end.at(frame.captured_at.plus_ms(1_000));
        let clip = opening.clip.finished().await.unwrap();
        assert_holds(&clip, EvidenceKind::Clip, false);
        assert_in_order(&clip);
        let pre_roll_ms = frame.captured_at.since_ms(clip.evidence.starts_at);
        assert!((5_000..=6_100).contains(&pre_roll_ms), "{name}: {pre_roll_ms} ms before");
        let length_ms = clip.evidence.duration_ms.unwrap() as i64;
        let after_ms = length_ms - pre_roll_ms;
        assert!((1_800..=2_200).contains(&after_ms), "{name}: {after_ms} ms after");
        let sent: HashSet<_> = sent.units().into_iter().map(|u| u.data.to_vec()).collect();
        assert!(demux(&clip.path).iter().all(|u| sent.contains(&u.0)), "{name}: re-encoded");
        assert!(decode(&clip.path).len() as i64 >= length_ms / 40 - 3, "{name}: every picture decodes");
        assert_fragmented(&clip.path);
        let footage = clip.evidence.footage.clone().unwrap();
        assert_eq!((&footage.gaps[..], footage.more_gaps, footage.cut), (&[][..], 0, None), "{name}");
        let is_h265 = name == "H.265";
        assert_eq!(footage.codec == VideoCodec::H265, is_h265, "{name}");
        assert_eq!(needs_copy(&clip.evidence), is_h265);
        if is_h265 {
            assert_copied(&machine, &clip).await;
        }
    }
}

/// A viewing copy shows the same in H.264, names its original, and leaves that as it was; after a crash it is made of
/// the file alone.
async fn assert_copied(machine: &Box, clip: &EvidenceFile) {
    let before = std::fs::read(&clip.path).unwrap();
    let copy = machine.recorder.viewing_copy(clip).finished().await.unwrap();
    assert_holds(&copy, EvidenceKind::Clip, false);
    assert_fragmented(&copy.path);
    assert_eq!(copy.evidence.copy_of(), Some(&clip.evidence.sha256));
    assert!(!needs_copy(&copy.evidence));
    let (of, is) = (clip.evidence.footage.clone().unwrap(), copy.evidence.footage.clone().unwrap());
    assert_eq!((is.ends_at, &is.gaps, is.codec), (of.ends_at, &of.gaps, VideoCodec::H264));
    let shown = |file: &EvidenceFile| decode(&file.path).len();
    assert!(shown(&copy).abs_diff(shown(clip)) <= 3, "{} of {}", shown(&copy), shown(clip));
    assert_in_order(&copy);
    assert!(std::fs::read(&clip.path).unwrap() == before, "the original stays");
    let wanted = Wanted::ViewingCopy(std::boxed::Box::new(clip.evidence.clone()));
    let again = machine.recorder.recover(machine.incident(), &wanted).await.unwrap();
    assert_eq!(again.evidence.copy_of(), Some(&clip.evidence.sha256));
    assert!(shown(&again).abs_diff(shown(clip)) <= 3);
}

/// Its index comes first, its pictures in fragments of a second or so: it plays while it arrives.
fn assert_fragmented(mp4: &std::path::Path) {
    let bytes = std::fs::read(mp4).unwrap();
    let (mut at, mut kinds) = (0, Vec::new());
    while let Some(head) = bytes.get(at..at + 8) {
        kinds.push(String::from_utf8_lossy(&head[4..]).into_owned());
        at += u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
    }
    assert_eq!((&kinds[..3], at), (&["ftyp", "moov", "moof"].map(String::from)[..], bytes.len()));
    assert!(kinds.iter().filter(|kind| *kind == "moof").count() >= 5, "{kinds:?}");
}

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

/// The left half is the mask's two greys, the right half is snow.
fn assert_masked(width: usize, height: usize, luma: impl Fn(usize, usize) -> i32) {
    let range = |from: usize, to: usize| {
        let all = (0..height).flat_map(|y| (from..to).map(move |x| (x, y))).map(|(x, y)| luma(x, y));
        all.fold((255, 0), |(low, high), v| (low.min(v), high.max(v)))
    };
    // Ringing of the encoder at the hatch and at the mask's edge, not the scene's 16..235.
    let (low, high) = range(0, width / 2 - 16);
    assert!(low >= 40 && high <= 136, "masked pixels from {low} to {high}");
    let (low, high) = range(width / 2 + 16, width);
    assert!(low < 40 && high > 200, "the scene from {low} to {high}");
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

/// The camera is unplugged in the middle of an incident: the clip is finished with what there is, and says when the
/// stream broke off. Plugged in again meanwhile, it goes on, and the clip says what is missing between.
#[tokio::test(flavor = "multi_thread")]
async fn an_unplugged_camera_keeps_its_clip() {
    let server = RtspCamera::serve(&Stream::h264(0));
    let machine = Box::new();
    let camera = machine.camera(&server.url(), vec![]);
    let frame = frame_after(&camera, 5);
    let opening = machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
    let port = server.port;
    drop(server);
    opening.end.at(frame.captured_at.plus_ms(2_000));
    let clip = opening.clip.finished().await.unwrap();
    assert_holds(&clip, EvidenceKind::Clip, false);
    assert!(clip.evidence.duration_ms.unwrap() >= 5_000);
    assert!(decode(&clip.path).len() >= 125);
    let footage = clip.evidence.footage.unwrap();
    let gap = footage.gaps[0];
    assert_eq!((footage.gaps.len(), gap.reason), (1, GapReason::StreamLost));
    assert_eq!((gap.from, gap.to), (footage.ends_at, frame.captured_at.plus_ms(3_000)));

    let server = RtspCamera::serve_at(&Stream::h264(0), port);
    let frame = frame_after(&camera, 2);
    let opening = machine.recorder.open(machine.incident(), &camera.view(), &frame, frame.captured_at, None);
    drop(server);
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let _server = RtspCamera::serve_at(&Stream::h264(0), port);
    let back = frame_after(&camera, 1);
    opening.end.at(back.captured_at);
    let clip = opening.clip.finished().await.unwrap();
    let footage = clip.evidence.footage.unwrap();
    let lost = footage.gaps.iter().rfind(|gap| gap.reason == GapReason::StreamLost).expect("a gap");
    assert!(lost.from > frame.captured_at && lost.to < back.captured_at, "{footage:?}");
    assert!(lost.to.since_ms(lost.from) > 1_000, "{footage:?}");
    let shown: Vec<_> = demux(&clip.path).iter().map(|u| u.1 / 1_000).collect();
    let hole = shown.windows(2).map(|w| w[1].abs_diff(w[0])).max().unwrap() as i64;
    let longest = footage.gaps.iter().map(|gap| gap.to.since_ms(gap.from)).max().unwrap();
    assert!(hole.abs_diff(longest) < 100, "its times are true: {hole} {footage:?}");
}

/// No picture, no still, but words.
#[tokio::test(flavor = "multi_thread")]
async fn a_still_of_nothing_is_an_error() {
    let machine = Box::new();
    let camera = machine.camera("/nowhere/x.mp4", vec![left_half()]);
    let error = machine.recorder.still(&camera.view()).await.unwrap_err();
    assert!(format!("{error:#}").contains("gate has shown no picture yet"), "{error:#}");
}

/// The box is killed in the middle of an incident: the next start makes its clip, as the camera sent it and with
/// all but the last second, and its snapshot; nothing of the spool stays behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_box_finishes_its_clip() {
    let server = RtspCamera::serve(&Stream::h264_b_frames(0));
    let machine = Box::new();
    let camera = machine.camera(&server.url(), vec![]);
    let frame = frame_after(&camera, 6);
    let sent = camera.ring().hold(UtcMs(0)).unwrap();
    let incident = machine.incident();
    let drawn = Drawn { region: NormBox { x: 0.6, y: 0.1, w: 0.3, h: 0.3 }, severity: Severity::Emergency };
    let view = camera.view();
    let opening = machine.recorder.open(incident, &view, &frame, frame.captured_at, Some(drawn));
    wait_for("three seconds more", || {
        camera.ring().newest_us().is_some_and(|us| us / 1_000 > frame.captured_at.0 + 3_000)
    });
    let next = machine.killed();
    let clip = next.recorder.recover(incident, &Wanted::Clip).await.unwrap();
    assert_holds(&clip, EvidenceKind::Clip, false);
    assert_in_order(&clip);
    let pre_roll_ms = frame.captured_at.since_ms(clip.evidence.starts_at);
    assert!((5_000..=6_100).contains(&pre_roll_ms), "{pre_roll_ms} ms before");
    let after_ms = clip.evidence.duration_ms.unwrap() as i64 - pre_roll_ms;
    assert!(after_ms > 1_500, "{after_ms} ms after");
    let sent: HashSet<_> = sent.units().into_iter().map(|u| u.data.to_vec()).collect();
    assert!(demux(&clip.path).iter().all(|u| sent.contains(&u.0)), "re-encoded");

    let again = next.recorder.recover(incident, &Wanted::Snapshot).await.unwrap();
    assert_holds(&again, EvidenceKind::Snapshot, false);
    let first = opening.snapshot.finished().await.unwrap();
    let pixels = |file: &EvidenceFile| image::open(&file.path).unwrap().to_rgb8();
    assert!(pixels(&again) == pixels(&first), "the same picture with the same box");

    next.recorder.forget(incident);
    assert_eq!(next.spools().len(), 0);
    let error = next.recorder.recover(incident, &Wanted::Clip).await.unwrap_err();
    assert!(error.to_string().contains("went down before"), "{error}");
    opening.end.at(frame.captured_at);
    opening.clip.finished().await.unwrap();
    machine.recorder.forget_all_but(&[incident]);
    assert_eq!(machine.spools().len(), 1);
    machine.recorder.forget_all_but(&[]);
    assert_eq!(machine.spools().len(), 0);
}

/// A spool from which nothing can be made is tried a few times, also over restarts, and then given up for ever: were
/// it to bring the program down each time, the box would come to rest all the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recovered_is_given_up() {
    let mut machine = Box::new();
    let incident = machine.incident();
    let spool = machine.folder.path().join(format!("evidence/spool/{incident}.spool"));
    std::fs::write(&spool, "no head").unwrap();
    for attempt in 1..=5 {
        let error = machine.recorder.recover(incident, &Wanted::Clip).await.unwrap_err();
        assert_eq!(matches!(error, Unrecovered::Never(_)), attempt == 5, "attempt {attempt}: {error}");
        assert!(error.to_string().contains("its head"), "{error}");
        machine = Box::on(machine.folder);
    }
    let error = machine.recorder.recover(incident, &Wanted::Clip).await.unwrap_err();
    assert!(error.to_string().contains("given up after 5 attempts"), "{error}");
    let other = machine.recorder.recover(incident, &Wanted::Snapshot).await.unwrap_err();
    assert!(matches!(other, Unrecovered::Later(_)), "{other}");
}

/// Two incidents of one camera at once, the second begun and ended inside the first: a clip each, of its own time. More
/// at once than can be gathered are told, not silently left out.
#[tokio::test(flavor = "multi_thread")]
async fn incidents_at_once_have_a_clip_each() {
    let machine = Box::new();
    let camera = machine.camera("test://ball", vec![]);
    let frame = frame_after(&camera, 6);
    let open = |frame: &Frame| {
        machine.recorder.open(machine.incident(), &camera.view(), frame, frame.captured_at, None)
    };
    let outer = open(&frame);
    let later = frame_after(&camera, 2);
    let inner = open(&later);
    inner.end.at(later.captured_at.plus_ms(500));
    let last = frame_after(&camera, 2);
    outer.end.at(last.captured_at);
    let span = |file: &EvidenceFile| {
        let from = file.evidence.starts_at;
        (from, from.plus_ms(file.evidence.duration_ms.unwrap() as i64))
    };
    let (outer, inner) = (outer.clip.finished().await.unwrap(), inner.clip.finished().await.unwrap());
    for (file, from, to) in [
        (&outer, frame.captured_at, last.captured_at),
        (&inner, later.captured_at, later.captured_at.plus_ms(500)),
    ] {
        assert_holds(file, EvidenceKind::Clip, false);
        assert_in_order(file);
        let (starts, ends) = span(file);
        assert!((5_000..=7_100).contains(&from.since_ms(starts)), "{} ms before", from.since_ms(starts));
        assert!((800..=1_300).contains(&ends.since_ms(to)), "{} ms after", ends.since_ms(to));
    }
    let many: Vec<_> = (0..=camera::MAX_HOLDS).map(|_| open(&last)).collect();
    let mut failed = Vec::new();
    for opening in many {
        opening.end.at(last.captured_at);
        failed.extend(opening.clip.finished().await.err());
    }
    assert_eq!(failed.len(), 1);
    assert!(format!("{:#}", failed[0]).contains("too many clips of gate at once"), "{:#}", failed[0]);
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

/// What is recovered of a camera with masks is masked, whatever the camera's masks are by then.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_recovered_is_masked() {
    let machine = Box::new();
    let camera = machine.camera("test://snow", vec![left_half()]);
    let frame = frame_after(&camera, 2);
    let incident = machine.incident();
    let opening = machine.recorder.open(incident, &camera.view(), &frame, frame.captured_at, None);
    wait_for("two seconds more", || {
        camera.ring().newest_us().is_some_and(|us| us / 1_000 > frame.captured_at.0 + 2_000)
    });
    let next = machine.killed();
    let clip = next.recorder.recover(incident, &Wanted::Clip).await.unwrap();
    assert_holds(&clip, EvidenceKind::Clip, true);
    for (width, picture) in &decode(&clip.path) {
        assert_masked(*width, 360, |x, y| i32::from(picture[y * width + x]));
    }
    let snapshot = next.recorder.recover(incident, &Wanted::Snapshot).await.unwrap();
    let picture = image::open(&snapshot.path).unwrap().to_luma8();
    assert_masked(640, 360, |x, y| i32::from(picture.get_pixel(x as u32, y as u32).0[0]));
    drop(opening);
}

/// A disk that refuses a clip twice gets it the third time, from what was spooled, whether the clip is masked or not. One
/// that refuses it always makes an error of it, in words, and stops no other clip.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_refuses_is_tried_again() {
    let attempt = async |masks: Vec<Polygon>, refusals: usize| {
        let mut machine = Box::new();
        let again = std::time::Duration::from_millis(200);
        machine.recorder = machine.recorder.trying_again_after(again);
        let camera = machine.camera("test://snow", masks);
        let frame = frame_after(&camera, 3);
        let film = |frame: &Frame| {
            machine.recorder.open(machine.incident(), &camera.view(), frame, frame.captured_at, None)
        };
        let opening = film(&frame);
        opening.snapshot.finished().await.unwrap();
        // Where the clip is written: a device that is always full.
        for n in 1..=refusals {
            let path = machine.folder.path().join(format!("evidence/{n}.part"));
            std::os::unix::fs::symlink("/dev/full", path).unwrap();
        }
        opening.end.at(frame.captured_at);
        let first = opening.clip.finished().await;
        let frame = frame_after(&camera, 0);
        let next = film(&frame);
        next.end.at(frame.captured_at);
        (first, next.clip.finished().await, machine)
    };
    let bounded =
        |masks, refusals| tokio::time::timeout(std::time::Duration::from_secs(60), attempt(masks, refusals));
    let (bare, masked, refused) =
        tokio::join!(bounded(vec![], 2), bounded(vec![left_half()], 2), bounded(vec![left_half()], 3));
    for (made, is_masked) in [(bare, false), (masked, true)] {
        let (first, next, _machine) = made.expect("in time");
        for clip in [first, next] {
            assert_holds(&clip.unwrap(), EvidenceKind::Clip, is_masked);
        }
    }
    let (first, next, _machine) = refused.expect("a failed clip comes to an end");
    let error = first.unwrap_err();
    assert!(format!("{error:#}").contains("writing"), "{error:#}");
    assert_holds(&next.expect("its turn comes"), EvidenceKind::Clip, true);
}
