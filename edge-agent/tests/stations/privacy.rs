//! What nobody may see is in no picture that leaves the box, nor in any that the box itself looks at.
//!
//! Every outgoing file of a camera over a long run is decoded and looked at pixel by pixel: snapshots, stills, clips, a
//! stretch of the recording, whatever was recovered. Masked pixels are the mask's own, in all of them; people are coarse
//! cells where the camera blurs them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::media::{decode, wait_for};
use edge_agent::camera::{self, CameraConfig, CameraHandle, FrameSlot, Polygon};
use edge_agent::detector::{self, DetectorConfig};
use edge_agent::evidence::people::{Sight, Spot};
use edge_agent::evidence::{Drawn, Recorder, archive};
use edge_agent::frame::{Frame, Picture};
use edge_agent::report::EvidenceFile;
use models::{ModelStore, search_folders};
use protocol::{Chance, Clock, IncidentId, Label, NormBox, Severity, SystemClock, UtcMs};

const WIDTH: usize = 640;
const HEIGHT: usize = 360;

/// Two outlines, one of them over the picture's edge; what of each lies wholly inside, in pixels.
fn masks() -> (Vec<Polygon>, [[usize; 4]; 2]) {
    let boxes = [[0.1, 0.2, 0.3, 0.7], [0.75, 0.0, 1.0, 0.4]];
    let outline = |[x0, y0, x1, y1]: [f32; 4]| vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
    let pixels = boxes.map(|[x0, y0, x1, y1]: [f32; 4]| {
        [x0 * 640.0, y0 * 360.0, x1 * 640.0, y1 * 360.0].map(|v| v as usize)
    });
    (boxes.map(outline).to_vec(), pixels)
}

/// The luma of a file's pictures.
fn pictures(file: &EvidenceFile) -> Vec<Vec<u8>> {
    if file.evidence.media_type == "image/jpeg" {
        return vec![image::open(&file.path).unwrap().to_luma8().into_raw()];
    }
    let shown = decode(&file.path).into_iter().map(|(width, picture)| {
        assert_eq!(width, WIDTH);
        picture[..WIDTH * HEIGHT].to_vec()
    });
    shown.collect()
}

/// How much pixels inside a mask differ from one picture to the other, at most and on average, and how much those
/// outside do on average.
fn spread(all: &[Vec<u8>], inside: &[[usize; 4]]) -> (u8, f64, f64) {
    let (mut most, mut sums, mut counts) = (0, [0_u64; 2], [0_u64; 2]);
    for (y, x) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (y, x))) {
        let within = |edge: isize| {
            inside.iter().any(|b| {
                let [x0, y0, x1, y1] = b.map(|v| v as isize);
                let (x, y) = (x as isize, y as isize);
                (x0 - edge..x1 + edge).contains(&x) && (y0 - edge..y1 + edge).contains(&y)
            })
        };
        // Away from its outline: a macroblock (16 pixels) that it crosses is coded as one.
        let side = match (within(-16), within(16)) {
            (true, _) => 0,
            (_, false) => 1,
            _ => continue,
        };
        let at = all.iter().map(|picture| picture[y * WIDTH + x]);
        let (low, high) = at.fold((255, 0), |(low, high), v: u8| (low.min(v), high.max(v)));
        if side == 0 {
            most = most.max(high - low);
        }
        sums[side] += u64::from(high - low);
        counts[side] += 1;
    }
    (most, sums[0] as f64 / counts[0] as f64, sums[1] as f64 / counts[1] as f64)
}

struct Site {
    clock: Arc<dyn Clock>,
    recorder: Recorder,
    chance: Chance,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        camera::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let recorder = Recorder::new(folder.path().join("evidence"), clock.clone()).unwrap();
        let recorder = recorder.recording_in(archive::prepare(folder.path()).unwrap(), 0);
        Self { clock, recorder, chance: Chance::seeded(1), _folder: folder }
    }

    fn camera(&self, change: impl FnOnce(&mut CameraConfig)) -> CameraHandle {
        // Snow: every pixel of the scene moves, from black to white.
        let mut config = CameraConfig::new("gate".parse().unwrap(), "test://snow");
        (config.pre_roll_s, config.post_roll_s, config.record) = (5, 1, true);
        change(&mut config);
        let camera = camera::spawn(config, self.clock.clone()).unwrap();
        self.recorder.record(&camera.view());
        camera
    }

    /// Snapshot and clip of an incident at this frame.
    async fn incident(&self, camera: &CameraHandle, frame: &Frame) -> [EvidenceFile; 2] {
        let id = IncidentId::new(&self.chance, self.clock.now());
        let region = NormBox { x: 0.72, y: 0.5, w: 0.1, h: 0.3 };
        let drawn = Some(Drawn { region, severity: Severity::Major });
        let opening = self.recorder.open(id, &camera.view(), frame, frame.captured_at, drawn);
        opening.end.at(frame.captured_at);
        [opening.snapshot.finished().await.unwrap(), opening.clip.finished().await.unwrap()]
    }
}

/// Looks at each frame as the analysis does, until one `seconds` after the first.
fn watch(frames: &FrameSlot, seconds: i64, mut see: impl FnMut(&Frame)) -> Frame {
    let mut first = None;
    let mut last = None;
    wait_for("frames", || {
        let Some(frame) = frames.try_take() else { return false };
        see(&frame);
        let start = *first.get_or_insert(frame.captured_at);
        let enough = frame.captured_at.since_ms(start) >= seconds * 1_000;
        last = Some(frame);
        enough
    });
    last.unwrap()
}

/// A long run of a camera with two masks: in everything that leaves it, and in everything that motion gate and detector
/// get to see, masked pixels are constant while all others move.
#[tokio::test(flavor = "multi_thread")]
async fn masked_pixels_are_constant_in_every_picture() {
    let site = Site::new();
    let (outlines, inside) = masks();
    let camera = site.camera(|config| config.masks = outlines);
    let mut seen: Vec<Vec<u8>> = Vec::new();
    let frame = watch(&camera.frames(), 7, |frame: &Frame| seen.push(frame.picture.y.clone()));
    let (most, _, outside) = spread(&seen, &inside);
    assert!(seen.len() > 25 && most == 0 && outside > 100.0, "analysed: {most}, {outside}");

    let mut files = Vec::from(site.incident(&camera, &frame).await);
    files.push(site.recorder.still(&camera.view()).await.unwrap());
    files.extend(site.incident(&camera, &watch(&camera.frames(), 1, |_| {})).await);
    files.push(site.recorder.still(&camera.view()).await.unwrap());
    let (from, to) = (frame.captured_at.plus_ms(-6_000), frame.captured_at.plus_ms(2_000));
    files.push(site.recorder.clip(&camera.view(), from, to).await.unwrap());
    assert!(files.iter().all(|file| file.evidence.masked));
    let mut all: Vec<Vec<u8>> = Vec::new();
    for file in &files {
        let shown = pictures(file);
        let (most, mean, outside) = spread(&shown, &inside);
        // What an encoder makes of a hatch that stands still, not the scene's 16..235.
        println!("{:?}: masked pixels move by {most} at most, {mean:.1} on average", file.evidence.kind);
        assert!(most <= 24 && mean < 6.0, "{:?}: {most}, {mean}", file.evidence.kind);
        assert!(shown.len() == 1 || outside > 80.0, "the scene moves: {outside}");
        all.extend(shown);
    }
    let (most, mean, _) = spread(&all, &inside);
    println!(
        "{} pictures in {} files; masked pixels move by {most} at most, {mean:.1} on average",
        all.len(),
        files.len()
    );
    assert!(all.len() > 250 && mean < 15.0, "{} pictures: {most}, {mean}", all.len());
}

/// How many cells of the region, on the picture's grid, are of one colour, as a share.
fn flat(picture: &[u8], region: &NormBox, cell: usize) -> f64 {
    let pixels = |v: f32, all: usize| (v * all as f32) as usize;
    let columns = pixels(region.x, WIDTH).div_ceil(cell)..pixels(region.x + region.w, WIDTH) / cell;
    let rows = pixels(region.y, HEIGHT).div_ceil(cell)..pixels(region.y + region.h, HEIGHT) / cell;
    let (mut flat, mut all) = (0, 0);
    for (row, column) in rows.flat_map(|row| columns.clone().map(move |column| (row, column))) {
        let inner = (2..cell - 2).flat_map(|y| (2..cell - 2).map(move |x| (y, x)));
        let values = inner.map(|(y, x)| picture[(row * cell + y) * WIDTH + column * cell + x]);
        let (low, high) = values.fold((255, 0), |(low, high), v: u8| (low.min(v), high.max(v)));
        flat += usize::from(high - low < 40);
        all += 1;
    }
    f64::from(u32::try_from(flat).unwrap()) / f64::from(u32::try_from(all).unwrap())
}

/// A camera that blurs people: wherever the analysis has one, each picture of snapshot, clip, still and recording shows
/// coarse cells; the rest is as it was. Where nobody looked, all of it is cells.
#[tokio::test(flavor = "multi_thread")]
async fn people_are_cells_wherever_they_were_seen() {
    let site = Site::new();
    let camera = site.camera(|config| config.blur_people = true);
    let person = NormBox { x: 0.4, y: 0.2, w: 0.15, h: 0.6 };
    let people = camera.view().people().clone();
    let note = |at: UtcMs| people.saw(Sight { at, people: vec![Spot { track: 1, region: person }] });
    let frame = watch(&camera.frames(), 7, |frame: &Frame| note(frame.captured_at));
    // The analysis goes on while the clip is gathered.
    let (frames, noted) = (camera.frames(), people.clone());
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = stop.clone();
    let analysis = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            if let Some(frame) = frames.recv_timeout(std::time::Duration::from_millis(100)) {
                noted.saw(Sight { at: frame.captured_at, people: vec![Spot { track: 1, region: person }] });
            }
        }
    });
    let mut files = Vec::from(site.incident(&camera, &frame).await);
    files.push(site.recorder.still(&camera.view()).await.unwrap());
    let (from, to) = (frame.captured_at.plus_ms(-5_000), frame.captured_at);
    files.push(site.recorder.clip(&camera.view(), from, to).await.unwrap());
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    analysis.join().unwrap();
    // The widened box is 267 pixels high: cells of 44.
    let cell = 44;
    let corner = NormBox { x: 0.0, y: 0.0, w: 0.25, h: 1.0 };
    for file in &files {
        assert!(file.evidence.blurred && !file.evidence.masked);
        let shown = pictures(file);
        assert!(file.evidence.media_type != "video/mp4" || shown.len() > 60);
        for (n, picture) in shown.iter().enumerate() {
            let (inside, outside) = (flat(picture, &person, cell), flat(picture, &corner, cell));
            assert!(inside > 0.5, "{:?} {n}: {inside}", file.evidence.kind);
            assert!(outside < 0.1, "{:?} {n}: {outside}", file.evidence.kind);
        }
    }
    // The analysis stands: a still is the last picture of which is known where people are.
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    let still = site.recorder.still(&camera.view()).await.unwrap();
    assert_eq!(Some(still.evidence.starts_at), people.newest());
    // Twenty seconds after the last look: what the box still shows is cells all over.
    let later = Frame { captured_at: people.newest().unwrap().plus_ms(20_000), ..frame };
    let snapshot = site.recorder.snapshot(&camera.view(), &later, None).finished().await.unwrap();
    let shown = pictures(&snapshot).remove(0);
    assert!(flat(&shown, &corner, 60) > 0.9);
}

fn data() -> Option<PathBuf> {
    let data = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from);
    if data.is_none() {
        eprintln!("skipped: SHAODIAN_DATA is not set");
    }
    data
}

/// People of a real street, analysed as the box does it: in the blurred clip the same detector finds hardly anybody.
#[tokio::test(flavor = "multi_thread")]
async fn a_detector_finds_nobody_in_a_blurred_clip() {
    let Some(data) = data() else { return };
    let store = ModelStore::new(search_folders(None, None, Some(data.clone())));
    let mut detector = detector::open(&DetectorConfig::default(), &store).expect("YOLOX-nano is there");
    let mut persons = |picture: &Picture| {
        let found = detector.detect(picture).unwrap();
        found.into_iter().filter(|d| d.label == Label::Person && d.score >= 0.5).collect::<Vec<_>>()
    };
    let site = Site::new();
    let film = data.join("video/pets09-s2l1-a.mp4");
    let mut config = CameraConfig::new("gate".parse().unwrap(), film.to_str().unwrap());
    (config.pre_roll_s, config.post_roll_s, config.blur_people) = (5, 1, true);
    let camera = camera::spawn(config, site.clock.clone()).unwrap();
    let people = camera.view().people().clone();
    let mut analyser = edge_agent::analyser::Analyser::new(&[]);
    let mut seen = 0;
    let frame = watch(&camera.frames(), 9, |frame: &Frame| {
        let found = persons(&frame.picture);
        seen += found.len();
        let answer = detector::Answer::Found(detector::Looked::new("test", detector::NAMED, found));
        analyser.analyse(frame, |_| answer);
        people.saw(Sight { at: frame.captured_at, people: analyser.people().expect("it looked") });
    });
    let at = frame.captured_at.plus_ms(-3_000);
    let clip = site.recorder.clip(&camera.view(), at.plus_ms(-4_000), at.plus_ms(2_000)).await.unwrap();
    let (mut left, mut pictures) = (0, 0);
    for frame in camera::decode_file(&clip.path, "c1".parse().unwrap(), 5.0, 640).unwrap() {
        left += persons(&frame.unwrap().picture).len();
        pictures += 1;
    }
    println!(
        "{seen} sights of people in the analysed frames, {left} in {pictures} pictures of the blurred clip"
    );
    assert!(pictures > 20 && seen > 60 && left * 10 < seen, "{left} of {seen} in {pictures}");
}
