//! The station with detectors that a test holds by the hand.

mod aside;
mod failures;
mod joining;
mod turns;

use std::sync::mpsc;

use protocol::{ManualClock, NormBox, UtcMs};

use super::*;
use crate::detector::lane::{HANGS_MS, MAX_WAIT_MS};
use crate::detector::{Detect, DetectError, Looked, NAMED, Unsought, together};
use crate::frame::Detection;

/// Notes the widths of the pictures it is shown together, after being let go by a message; fails when that says so, and
/// on width 8, panics on 6. Each look finds one thing of its first label.
struct Scripted {
    name: &'static str,
    labels: &'static [Label],
    batch: usize,
    go: mpsc::Receiver<bool>,
    shown: mpsc::Sender<Vec<usize>>,
}

impl Detect for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn labels(&self) -> &[Label] {
        self.labels
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn detect(&mut self, picture: &Picture) -> Result<Vec<Detection>, DetectError> {
        self.detect_batch(&[picture]).map(|mut found| found.remove(0))
    }

    fn detect_batch(&mut self, pictures: &[&Picture]) -> Result<Vec<Vec<Detection>>, DetectError> {
        let _ = self.shown.send(pictures.iter().map(|p| p.width).collect());
        let fails = self.go.recv() == Ok(false);
        for picture in pictures {
            assert_ne!(picture.width, 6, "a bug in a detector");
            if fails || picture.width == 8 {
                let (model, problem) = (self.name.to_owned(), "width 8".to_owned());
                return Err(DetectError::Contract { model, problem });
            }
        }
        Ok(pictures.iter().map(|_| vec![thing(self.labels[0])]).collect())
    }
}

/// The other ends of a scripted detector.
struct Hand {
    go: mpsc::Sender<bool>,
    shown: mpsc::Receiver<Vec<usize>>,
}

impl Hand {
    /// What it is shown next.
    fn sees(&self) -> Vec<usize> {
        self.shown.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn let_go(&self) {
        self.go.send(true).unwrap();
    }

    /// The look under way, or the next, fails.
    fn break_down(&self) {
        self.go.send(false).unwrap();
    }
}

const BURNS: &[Label] = &[Label::Fire, Label::Smoke];

fn scripted(name: &'static str, batch: usize) -> (Post, Hand) {
    scripted_for(name, NAMED, batch)
}

fn scripted_for(name: &'static str, labels: &'static [Label], batch: usize) -> (Post, Hand) {
    let ((go, gone), (show, shown)) = (mpsc::channel(), mpsc::channel());
    let mut once = Some(Scripted { name, labels, batch, go: gone, shown: show });
    let loader: Loader = Box::new(move || match once.take() {
        Some(scripted) => Ok(Box::new(scripted)),
        None => Err(DetectError::Off),
    });
    (Post::new(loader), Hand { go, shown })
}

fn start(posts: Vec<Post>) -> (Arc<ManualClock>, DetectorStation) {
    let clock = Arc::new(ManualClock::at(UtcMs(0)));
    let station = DetectorStation::start_all(Arc::clone(&clock) as Arc<dyn Clock>, posts).unwrap();
    (clock, station)
}

struct Bench {
    clock: Arc<ManualClock>,
    station: DetectorStation,
    hand: Hand,
}

fn bench(batch: usize) -> Bench {
    let (post, hand) = scripted("scripted 1", batch);
    let (clock, station) = start(vec![post]);
    Bench { clock, station, hand }
}

fn picture(width: usize) -> Arc<Picture> {
    let (y, uv) = (vec![0; width * 2], vec![0; width / 2]);
    Arc::new(Picture { width, height: 2, y, u: uv.clone(), v: uv })
}

fn thing(label: Label) -> Detection {
    Detection { label, score: 0.9, region: NormBox { x: 0.4, y: 0.4, w: 0.1, h: 0.2 } }
}

/// What scripted detectors of these names and labels say together, while those at work name `names`.
fn looked(parts: &[(&str, &[Label])], names: &[Label]) -> Looked {
    let mut looked = Looked::new("", names, Vec::new());
    let by: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
    looked.by = by.join(" + ").into();
    looked.detections = parts.iter().map(|(_, labels)| thing(labels[0])).collect();
    for (_, labels) in parts {
        let same: Vec<&str> = parts.iter().filter(|p| p.1[0] == labels[0]).map(|p| p.0).collect();
        looked.sources.insert(labels[0], same.join(" + ").into());
    }
    let sought = |label: &&Label| parts.iter().any(|(_, labels)| labels.contains(label));
    looked.unsought.waiting = together(names.iter().filter(|label| !sought(label)).copied());
    looked
}

/// The same while nobody at work names these.
fn without(missing: &[Label], looked: Looked) -> Looked {
    let missing = together(missing.iter().copied().filter(|label| !looked.names.contains(label)));
    Looked { unsought: Unsought { missing, ..looked.unsought.clone() }, ..looked }
}

fn found(by: &str) -> Answer {
    Answer::Found(looked(&[(by, NAMED)], NAMED))
}

/// Waits until the detector is seen to fail.
fn until_failing(station: &DetectorStation, count: usize) {
    let real = protocol::SystemClock::new();
    while station.failing().len() != count {
        assert!(real.uptime_ms() < 20_000, "{:?}", station.failing());
        std::thread::yield_now();
    }
}

/// Waits until this detector has no frame of the camera left.
fn until_answered(camera: &DetectorClient, post: usize) {
    let real = protocol::SystemClock::new();
    while camera.counts.outstanding[post].load(Ordering::Relaxed) {
        assert!(real.uptime_ms() < 20_000, "detector {post} has not answered");
        std::thread::yield_now();
    }
}
