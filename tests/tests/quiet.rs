//! Hours in which nothing happens give no alarm. Pictures go from the drawing straight to the analysis: nothing is
//! encoded, so that a day of media takes an hour.
//!
//! `SHAODIAN_QUIET_HOURS` hours (deploy/soak.sh: 24); without it a few seconds of each place.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

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
fn alarms(script: &Script, mut detector: Option<&mut (dyn Detect + 'static)>) -> Vec<(IncidentKind, f32)> {
    let named = DetectorConfig::default().named();
    let file = SceneFile::parse(&script.name, &scene_toml(script), &named).unwrap();
    let mut analyser = Analyser::new(&file.watched.rules);
    let mut out = Vec::new();
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
        let events = analyser.conclude(&observation);
        let opened = events.into_iter().filter(|e| e.phase == Phase::Opened);
        out.extend(opened.map(|e| (e.kind, e.at.0 as f32 / 1_000.0)));
    }
    out
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
    let (clips, clip_s) = match hours {
        Some(hours) => ((hours * 3_600.0 / f64::from(CLIP_S)).ceil() as u64, CLIP_S),
        // Six places while nobody enters, six while people come and go.
        None => (12, 30.0),
    };
    let seed = suite::Set::Reporting.seed(0);
    let next = AtomicU64::new(0);
    let told: Mutex<Vec<(String, IncidentKind, f32)>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut detector = open_detector(&DetectorConfig::default(), None);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= clips {
                        break;
                    }
                    let script = quiet::script(number, seed, clip_s);
                    for (kind, at_s) in alarms(&script, detector.as_deref_mut()) {
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
    let media_hours = clips as f64 * f64::from(clip_s) / 3_600.0;
    let mut kinds: BTreeMap<IncidentKind, u32> = BTreeMap::new();
    told.iter().for_each(|(_, kind, _)| *kinds.entry(*kind).or_default() += 1);
    let bound = upper_bound(told.len() as u32) / media_hours;
    println!(
        "quiet {media_hours:.2} camera-hours: {} false alarms {kinds:?}; at 95 % no more than {bound:.3} an hour",
        told.len()
    );
    assert!(told.is_empty(), "{told:?}");
}
