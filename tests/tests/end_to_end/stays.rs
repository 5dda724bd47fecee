//! A car that stands in the fire lane for long is told of once and ends once, whatever passes over it. Pictures go from the
//! drawing straight to the analysis.
//!
//! `SHAODIAN_STAY_S` seconds (deploy/soak.sh: more than an hour); without it two minutes.

use std::sync::Arc;

use edge_agent::analyser::Analyser;
use edge_agent::config::SceneFile;
use edge_agent::detector::{Answer, DetectorConfig, Looked};
use edge_agent::frame::{Frame, Picture};
use edge_agent::replay::open_detector;
use protocol::{Phase, UtcMs};
use world::scene::suite::{self, long_stay};
use world::scene::{Film, scene_toml};

/// Seconds from the start of the clip to the stop of the car, about; the rule's dwell; what a watcher may take.
const STOPS_S: f64 = 10.0;
const DWELL_S: f64 = 20.0;
const LATE_S: f64 = 15.0;

#[test]
fn a_long_stay_is_told_of_once() {
    if std::env::var_os("SHAODIAN_DATA").is_none_or(|d| d.is_empty()) {
        println!("skipped: SHAODIAN_DATA is not set, no weights to look with");
        return;
    }
    let stands_s = std::env::var("SHAODIAN_STAY_S").map_or(120.0, |text| text.parse().unwrap());
    let script = long_stay(suite::Set::Reporting.seed(0), stands_s);
    let config = DetectorConfig::default();
    let file = SceneFile::parse(&script.name, &scene_toml(&script), &config.named()).unwrap();
    let mut detector = open_detector(&config, None).unwrap();
    let mut analyser = Analyser::new(&file.watched.rules);
    let mut told = Vec::new();
    for (sequence, take) in Film::of(&script).unwrap().enumerate() {
        let shot = take.shot;
        let picture = Picture { width: shot.width, height: shot.height, y: shot.y, u: shot.u, v: shot.v };
        let frame = Frame {
            camera_id: "lane".parse().unwrap(),
            sequence: sequence as u64,
            captured_at: UtcMs(take.at_ms as i64),
            picture: Arc::new(picture),
        };
        let events = analyser.analyse(&frame, |frame| {
            let detections = detector.detect(&frame.picture).unwrap();
            Answer::Found(Looked::with(&*detector, detections))
        });
        let turns = events.into_iter().filter(|e| e.phase != Phase::Updated);
        told.extend(turns.map(|e| (e.phase, e.at.0 as f64 / 1_000.0)));
    }
    println!("a stay of {stands_s} s: {told:?}");
    let [(Phase::Opened, from_s), (Phase::Ended, to_s)] = told[..] else { panic!("{told:?}") };
    let due = |at: f64| at - 5.0..at + LATE_S;
    assert!(due(STOPS_S + DWELL_S).contains(&from_s), "{told:?}");
    assert!(due(STOPS_S + f64::from(stands_s)).contains(&to_s), "{told:?}");
}
