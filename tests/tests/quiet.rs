//! Hours in which nothing happens give no alarm. Pictures go from the drawing straight to the analysis: nothing is
//! encoded, so that a day of media takes an hour.
//!
//! `SHAODIAN_QUIET_HOURS` hours (deploy/soak.sh: 24); without it a few seconds of each place. `SHAODIAN_QUIET_SEED` draws
//! others than those of the first reporting seed, `SHAODIAN_QUIET_CLIPS=7,30` only these. What was seen in each clip goes
//! into the folder `SHAODIAN_QUIET_RECORD`, with a scene that `edge-agent replay` plays by changed rules in no
//! time; `simulate scenes --quiet 7 --seed SEED` draws a clip to look at.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use edge_agent::analyser::Analyser;
use edge_agent::config::SceneFile;
use edge_agent::detector::{Answer, Detect, DetectorConfig, Looked};
use edge_agent::eval::upper_bound;
use edge_agent::frame::{Frame, Picture};
use edge_agent::replay::open_detector;
use protocol::{IncidentKind, Phase, UtcMs};
use world::scene::suite::{self, quiet};
use world::scene::{Film, Script, scene_toml};

/// Length of one clip of a long run; the analysis starts afresh with each.
const CLIP_S: f32 = 1_800.0;

/// The alarms of one clip: kind and second.
fn alarms(
    script: &Script,
    mut detector: Option<&mut (dyn Detect + 'static)>,
    record: Option<&Path>,
) -> Vec<(IncidentKind, f32)> {
    let named = DetectorConfig::default().named();
    let file = SceneFile::parse(&script.name, &scene_toml(script), &named).unwrap();
    let mut analyser = Analyser::new(&file.watched.rules);
    let mut out = Vec::new();
    let mut record = record.map(|folder| recording(folder, script));
    for (sequence, take) in Film::of(script).unwrap().enumerate() {
        let shot = take.shot;
        let picture = Picture { width: shot.width, height: shot.height, y: shot.y, u: shot.u, v: shot.v };
        let frame = Frame {
            camera_id: "quiet".parse().unwrap(),
            sequence: sequence as u64,
            captured_at: UtcMs(take.at_ms as i64),
            picture: Arc::new(picture),
        };
        // As a box does: the frame first, and a person in it where a rule is in doubt.
        let looks = RefCell::new(detector.as_deref_mut());
        let ask = |frame: &Frame| {
            let mut detector = looks.borrow_mut();
            let Some(detector) = &mut *detector else { return Answer::Missing };
            let detections = detector.detect(&frame.picture).unwrap();
            Answer::Found(Looked::with(&**detector, detections))
        };
        let pose = |person: Picture| looks.borrow_mut().as_mut()?.stance(&person).unwrap();
        let observation = analyser.observe_with(&frame, ask, pose);
        if let Some(file) = &mut record {
            serde_json::to_writer(&mut *file, &observation).unwrap();
            file.write_all(b"\n").unwrap();
        }
        let events = analyser.conclude(&observation);
        let opened = events.into_iter().filter(|e| e.phase == Phase::Opened);
        out.extend(opened.map(|e| (e.kind, e.at.0 as f32 / 1_000.0)));
    }
    out
}

/// `NAME.toml` and what it plays, `NAME.jsonl`.
fn recording(folder: &Path, script: &Script) -> std::io::BufWriter<std::fs::File> {
    std::fs::create_dir_all(folder).unwrap();
    let scene = scene_toml(script).replacen(".mp4", ".jsonl", 1);
    std::fs::write(folder.join(&script.name).with_extension("toml"), scene).unwrap();
    let seen = folder.join(&script.name).with_extension("jsonl");
    std::io::BufWriter::new(std::fs::File::create(seen).unwrap())
}

/// Wind, rain, snow, night, headlights, sudden and slow light, a car that stands there, people who pass outside the zone,
/// and people who go through it, stand, sit, bend, carry bags: no alarm of any kind.
#[test]
fn nothing_is_told_of_quiet_hours() {
    if std::env::var_os("SHAODIAN_DATA").is_none_or(|d| d.is_empty()) {
        println!("skipped: SHAODIAN_DATA is not set, no weights to look with");
        return;
    }
    let hours: Option<f64> = std::env::var("SHAODIAN_QUIET_HOURS").ok().map(|text| text.parse().unwrap());
    let chosen = std::env::var("SHAODIAN_QUIET_CLIPS").ok();
    let chosen: Option<Vec<u64>> = chosen.map(|text| text.split(',').map(|n| n.parse().unwrap()).collect());
    let (clips, clip_s): (Vec<u64>, f32) = match (chosen, hours) {
        (Some(clips), _) => (clips, CLIP_S),
        (None, Some(hours)) => ((0..(hours * 3_600.0 / f64::from(CLIP_S)).ceil() as u64).collect(), CLIP_S),
        // Six places while nobody enters, six while people come and go.
        (None, None) => ((0..12).collect(), 30.0),
    };
    let seed = std::env::var("SHAODIAN_QUIET_SEED").ok();
    let seed = seed.map_or(suite::Set::Reporting.seed(0), |text| text.parse().unwrap());
    let record = std::env::var_os("SHAODIAN_QUIET_RECORD").map(PathBuf::from);
    let next = AtomicUsize::new(0);
    let told: Mutex<Vec<(String, IncidentKind, f32)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut detector = open_detector(&DetectorConfig::default(), None);
                while let Some(number) = clips.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let script = quiet::script(*number, seed, clip_s);
                    for (kind, at_s) in alarms(&script, detector.as_deref_mut(), record.as_deref()) {
                        println!(
                            "quiet false alarm: {kind} at {at_s:.1} s of {}: {}",
                            script.name, script.note
                        );
                        told.lock().unwrap().push((script.name.clone(), kind, at_s));
                    }
                }
            });
        }
    });
    let told = told.into_inner().unwrap();
    let media_hours = clips.len() as f64 * f64::from(clip_s) / 3_600.0;
    let mut kinds: BTreeMap<IncidentKind, u32> = BTreeMap::new();
    told.iter().for_each(|(_, kind, _)| *kinds.entry(*kind).or_default() += 1);
    let bound = upper_bound(told.len() as u32) / media_hours;
    println!(
        "quiet {media_hours:.2} camera-hours: {} false alarms {kinds:?}; at 95 % no more than {bound:.3} an hour",
        told.len()
    );
    assert!(told.is_empty(), "{told:?}");
}
