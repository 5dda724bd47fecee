//! A newer pose model takes the place of one at work, and a bad one does not: real files, the real runtime, toy weights.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edge_agent::detector::{self, DetectorClient, DetectorConfig, DetectorStation, PoseHealth};
use edge_agent::frame::Picture;
use models::ModelStore;
use protocol::{Clock, ManualClock, UtcMs};

struct Site {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::at(UtcMs(0))) };
        std::fs::create_dir(site.path("")).unwrap();
        site
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join("ours").join(file)
    }

    /// Each file is renamed into place, the description last. `lean`: what the self-test expects of somebody bright.
    fn install(&self, version: &str, lean: Option<u32>) {
        let toy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/detectors/toy-pose");
        let put = |name: &str, bytes: &[u8]| {
            std::fs::write(self.path("new"), bytes).unwrap();
            std::fs::rename(self.path("new"), self.path(name)).unwrap();
        };
        put("toy-pose.onnx", &std::fs::read(toy.join("toy-pose.onnx")).unwrap());
        if let Some(lean) = lean {
            image::GrayImage::from_pixel(32, 32, image::Luma([255])).save(self.path("white.png")).unwrap();
            let golden = format!(
                r#"{{"tolerance":{{"lean":10,"score":0.3}},"pictures":[{{"file":"white.png","lean":{lean},"score":0.9}}]}}"#
            );
            put("golden.json", golden.as_bytes());
        }
        let text = std::fs::read_to_string(toy.join("model.toml")).unwrap();
        let text = text.replace("\"1\"", &format!("\"{version}\"")).replace("\"toy-pose\"", "\"ours\"");
        put("model.toml", text.as_bytes());
    }

    fn station(&self) -> DetectorStation {
        let config = DetectorConfig { pose: "ours".to_owned(), ..DetectorConfig::default() };
        let store = ModelStore::new(vec![self.folder.path().to_owned()]);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let pose = detector::pose_to_load(&config, &store);
        let station = DetectorStation::start_with(clock, Vec::new(), pose).unwrap();
        assert_eq!((station.pose(), station.models()), (PoseHealth::Unwanted, vec![]));
        station.want_pose().unwrap();
        station
    }

    /// Lets time go on until it is so with the pose model. `asked`: somebody is shown to it meanwhile, each time with an answer.
    fn until(
        &self,
        station: &DetectorStation,
        asked: Option<&DetectorClient>,
        done: impl Fn(&PoseHealth) -> bool,
    ) {
        for _ in 0..3_000 {
            if let Some(camera) = asked {
                let stance =
                    camera.pose(bright()).unwrap_or_else(|| panic!("no answer; {:?}", station.pose()));
                assert!(stance.lean < 1.0 && stance.score > 0.5, "{stance:?}");
            }
            if done(&station.pose()) {
                return;
            }
            self.clock.advance_ms(50);
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it never came to that: {:?}", station.pose());
    }
}

fn bright() -> Picture {
    Picture { width: 32, height: 32, y: vec![230; 32 * 32], u: vec![128; 256], v: vec![128; 256] }
}

fn works(health: &PoseHealth, name: &str) -> bool {
    *health == PoseHealth::Works { name: name.to_owned(), note: None }
}

/// The newer model takes over while people are shown to it, and nobody is left without an answer; one that does not pass its
/// self-test is refused with what was expected and found while the one at work goes on, and health says both; the next
/// good one takes over again.
#[test]
fn a_newer_pose_model_takes_over_and_a_bad_one_does_not() {
    let site = Site::new();
    site.install("1", None);
    let station = site.station();
    assert!(works(&station.pose(), "ours 1"), "{:?}", station.pose());
    let camera = station.client("c1".parse().unwrap());

    site.install("2", Some(0));
    site.until(&station, Some(&camera), |health| works(health, "ours 2"));

    site.install("3", Some(90));
    site.until(&station, Some(&camera), |health| matches!(health, PoseHealth::Works { note: Some(_), .. }));
    let PoseHealth::Works { name, note: Some(note) } = station.pose() else { panic!("{:?}", station.pose()) };
    assert_eq!(name, "ours 2");
    for words in ["is refused", "ours 3", "white.png", "expected a lean of 90°", "found a lean of 0°"] {
        assert!(note.contains(words), "{note}");
    }
    let told = station.models().remove(0);
    assert_eq!((told.wanted.as_str(), told.at_work.as_deref(), told.is_pose), ("ours", Some("ours 2"), true));
    assert!(told.reason == Some(note) && told.looked > 0);

    site.install("4", Some(0));
    site.until(&station, Some(&camera), |health| works(health, "ours 4"));
}

/// One that arrives later is at work within seconds, not at the next try of half a minute.
#[test]
fn a_pose_model_that_arrives_is_taken() {
    let site = Site::new();
    let station = site.station();
    assert!(matches!(station.pose(), PoseHealth::Fails { .. }), "{:?}", station.pose());
    let begun_ms = site.clock.uptime_ms();
    site.install("1", Some(0));
    site.until(&station, None, |health| works(health, "ours 1"));
    assert!(site.clock.uptime_ms() - begun_ms < 30_000, "{} ms", site.clock.uptime_ms() - begun_ms);
}
