//! A box with its recorder, and what every evidence file promises.

use std::sync::Arc;

use edge_agent::camera::{self, CameraConfig, CameraHandle, Polygon};
use edge_agent::evidence::Recorder;
use edge_agent::frame::Frame;
use edge_agent::report::EvidenceFile;
use protocol::{Chance, Clock, EvidenceKind, IncidentId, SystemClock};
use sha2::{Digest as _, Sha256};

use crate::media::{demux, wait_for};

/// The left half of the picture.
pub(crate) fn left_half() -> Polygon {
    vec![[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]
}

pub(crate) struct Box {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) recorder: Recorder,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) chance: Chance,
}

impl Box {
    pub(crate) fn new() -> Self {
        camera::init().unwrap();
        Self::on(tempfile::tempdir().unwrap())
    }

    pub(crate) fn on(folder: tempfile::TempDir) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let recorder = Recorder::new(folder.path().join("evidence"), clock.clone()).unwrap();
        Self { clock, recorder, folder, chance: Chance::seeded(7) }
    }

    pub(crate) fn incident(&self) -> IncidentId {
        IncidentId::new(&self.chance, self.clock.now())
    }

    pub(crate) fn spools(&self) -> Vec<std::path::PathBuf> {
        let folder = self.folder.path().join("evidence/spool");
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// The disk as a box leaves it that is killed now, and the box that starts on it.
    pub(crate) fn killed(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("evidence/spool");
        std::fs::create_dir_all(&to).unwrap();
        for path in self.spools() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
        Self::on(folder)
    }

    /// A camera with short rolls, so that a clip is quickly over.
    pub(crate) fn camera(&self, url: &str, masks: Vec<Polygon>) -> CameraHandle {
        let mut config = CameraConfig::new("gate".parse().unwrap(), url);
        (config.pre_roll_s, config.post_roll_s, config.masks) = (5, 1, masks);
        camera::spawn(config, self.clock.clone()).unwrap()
    }
}

/// A frame taken when the ring reaches back at least `seconds`.
pub(crate) fn frame_after(camera: &CameraHandle, seconds: i64) -> Frame {
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
pub(crate) fn assert_holds(file: &EvidenceFile, kind: EvidenceKind, masked: bool) {
    let bytes = std::fs::read(&file.path).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), file.evidence.sha256.as_str());
    assert_eq!(bytes.len() as u64, file.evidence.size_bytes);
    assert_eq!((file.evidence.kind, file.evidence.masked), (kind, masked));
}

/// A clip's times rise, no picture is shown before it is decoded, pictures are evenly apart, and its length
/// is what its row says.
pub(crate) fn assert_in_order(file: &EvidenceFile) {
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

/// Its index comes first, its pictures in fragments of a second or so: it plays while it arrives.
pub(crate) fn assert_fragmented(mp4: &std::path::Path) {
    let bytes = std::fs::read(mp4).unwrap();
    let (mut at, mut kinds) = (0, Vec::new());
    while let Some(head) = bytes.get(at..at + 8) {
        kinds.push(String::from_utf8_lossy(&head[4..]).into_owned());
        at += u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
    }
    assert_eq!((&kinds[..3], at), (&["ftyp", "moov", "moof"].map(String::from)[..], bytes.len()));
    assert!(kinds.iter().filter(|kind| *kind == "moof").count() >= 5, "{kinds:?}");
}

/// The left half is the mask's two greys, the right half is snow.
pub(crate) fn assert_masked(width: usize, height: usize, luma: impl Fn(usize, usize) -> i32) {
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
