//! Drawn scenes through `edge-agent eval`: truth, replay and scoring fit together, with weights and without.

use std::path::Path;
use std::process::ExitCode;

use edge_agent::eval::{self, Args, Report};
use protocol::IncidentKind;
use world::scene::{Script, shoot, suite};

/// Scenes of the reporting seeds by kind and name, drawn into `folder`.
fn draw(folder: &Path, wanted: &[(IncidentKind, &str)]) {
    let seed = suite::Set::Reporting.seed(0);
    for (kind, name) in wanted {
        let scripts = suite::scenes(*kind, seed);
        let named = |s: &&Script| s.name.ends_with(&format!("-{name}-{seed}"));
        let script = scripts.iter().find(named).unwrap_or_else(|| panic!("no scene {kind} {name}"));
        shoot(script, folder).unwrap();
    }
}

fn run(folder: &Path, motion_only: bool) -> Report {
    let pictures = Some(folder.join("pictures"));
    eval::eval(&Args { scenes: folder.to_owned(), pictures, motion_only, ..Args::default() }).unwrap()
}

/// Without weights, motion stands in: somebody at the gate is found, headlights and a change of light are not taken
/// for somebody, a covered lens is told of.
#[test]
fn without_weights() {
    let folder = tempfile::tempdir().unwrap();
    draw(
        folder.path(),
        &[
            (IncidentKind::Intrusion, "visitor"),
            (IncidentKind::Intrusion, "light"),
            (IncidentKind::CameraCovered, "hand"),
            (IncidentKind::CameraCovered, "nothing"),
            (IncidentKind::CameraLost, "gate"),
        ],
    );
    let report = run(folder.path(), true);
    println!("{report}");
    assert_eq!((report.scenes.len(), report.detector.as_deref()), (5, None));
    for kind in [IncidentKind::Intrusion, IncidentKind::CameraCovered, IncidentKind::CameraLost] {
        let scored = &report.classes[&kind];
        assert_eq!((scored.found, scored.missed), (1, 0), "{kind}: {report}");
    }
    assert_eq!(report.all.false_alarms, 0, "{report}");
    // −ln 0.05 over the time watched.
    let bound = report.all.false_per_hour_bound.unwrap() * report.all.camera_hours;
    assert!((bound - 2.996).abs() < 1e-3);
    assert!(report.below(0.95).is_empty());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["classes"]["intrusion"]["f1"], 1.0);
}

/// A truth that is ten seconds late makes a miss and a false alarm of one visit: each has its picture, with what is
/// masked hidden.
#[test]
fn each_miss_and_each_false_alarm_has_its_picture() {
    let folder = tempfile::tempdir().unwrap();
    draw(folder.path(), &[(IncidentKind::Intrusion, "visitor")]);
    let file = |ending: &str| {
        let mut files = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
        files.find(|p| p.to_string_lossy().ends_with(ending)).unwrap()
    };
    let truth = file(".truth.json");
    let mut facts: serde_json::Value = serde_json::from_slice(&std::fs::read(&truth).unwrap()).unwrap();
    for edge in ["started_s", "ended_s"] {
        let late = facts["events"][0][edge].as_f64().unwrap() + 15.0;
        facts["events"][0][edge] = late.into();
    }
    std::fs::write(&truth, facts.to_string()).unwrap();
    let scene = std::fs::read_to_string(file(".toml")).unwrap();
    let mask = "\n[[camera.masks]]\npolygon = [[0.0, 0.0], [0.25, 0.0], [0.25, 0.25], [0.0, 0.25]]\n";
    std::fs::write(file(".toml"), scene + mask).unwrap();

    let report = run(folder.path(), true);
    let scored = &report.classes[&IncidentKind::Intrusion];
    assert_eq!((scored.found, scored.missed), (0, 1), "{report}");
    assert!(scored.false_alarms > 0, "{report}");
    let pictures = std::fs::read_dir(folder.path().join("pictures")).unwrap();
    let pictures: Vec<_> = pictures.map(|e| e.unwrap().path()).collect();
    for (what, count) in [("missed", scored.missed), ("false", scored.false_alarms)] {
        let named = |p: &&std::path::PathBuf| p.to_string_lossy().contains(&format!("-intrusion-{what}-"));
        assert_eq!(pictures.iter().filter(named).count() as u32, count, "{what}: {pictures:?}");
    }
    for path in &pictures {
        let picture = image::open(path).unwrap().to_luma8();
        let (width, height) = picture.dimensions();
        let corner = (4..height / 5).flat_map(|y| (4..width / 5).map(move |x| (x, y)));
        let luma: Vec<u8> = corner.map(|(x, y)| picture.get_pixel(x, y).0[0]).collect();
        let (darkest, brightest) = (luma.iter().min().unwrap(), luma.iter().max().unwrap());
        // The mask's pattern, where the scene has a street in the sun.
        assert!(
            *darkest > 30 && *brightest < 150,
            "{} is not masked: {darkest} to {brightest}",
            path.display()
        );
    }
}

/// With YOLOX-nano the same, and cars are told from people; a rule that nothing can see for is not watched, and said
/// so.
#[test]
fn with_weights() {
    if std::env::var_os("SHAODIAN_DATA").is_none_or(|d| d.is_empty()) {
        println!("skipped: SHAODIAN_DATA is not set, no weights to look with");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    draw(
        folder.path(),
        &[
            (IncidentKind::Intrusion, "visitor"),
            (IncidentKind::Intrusion, "outside"),
            (IncidentKind::VehicleForbidden, "saloon"),
            (IncidentKind::VehicleForbidden, "people"),
            (IncidentKind::Smoke, "bin"),
        ],
    );
    let report = run(folder.path(), false);
    println!("{report}");
    assert!(report.detector.as_deref().is_some_and(|name| name.contains("yolox")), "{report}");
    for kind in [IncidentKind::Intrusion, IncidentKind::VehicleForbidden] {
        assert_eq!(report.classes[&kind].f1, Some(1.0), "{kind}: {report}");
    }
    assert_eq!((report.unwatched.len(), report.failed.len()), (1, 0), "{report}");
    let unwatched = &report.unwatched[0];
    assert!(unwatched.kinds.contains(&IncidentKind::Smoke) && unwatched.reason.contains("smoke"), "{report}");
    // What was not measured does not pass for good.
    let gate = |except: Vec<IncidentKind>| {
        let args = Args { scenes: folder.path().to_owned(), min_f1: Some(0.9), except, ..Args::default() };
        eval::run(&args).unwrap()
    };
    assert_eq!(gate(vec![IncidentKind::Smoke]), ExitCode::SUCCESS);
    assert_eq!(gate(vec![]), ExitCode::FAILURE);
}

/// A scene without truth, an empty folder, a truth that cannot be: each is told by name.
#[test]
fn what_cannot_be_scored_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = || {
        let args = Args { scenes: folder.path().to_owned(), motion_only: true, ..Args::default() };
        format!("{:#}", eval::eval(&args).unwrap_err())
    };
    assert!(told().contains("holds no scene"));
    draw(folder.path(), &[(IncidentKind::CameraLost, "gate")]);
    let truth = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path());
    let truth = truth.into_iter().find(|p| p.to_string_lossy().ends_with(".truth.json")).unwrap();
    std::fs::write(&truth, r#"{"media_s": 5, "events": [{"kind": "fire", "started_s": 9}]}"#).unwrap();
    assert!(told().contains("does not lie in a clip of 5 s"), "{}", told());
    std::fs::write(&truth, r#"{"media_s": 20, "events": [{"kind": "fire", "started_s": 9}]}"#).unwrap();
    assert!(told().contains("has none that is switched on"), "{}", told());
    std::fs::remove_file(&truth).unwrap();
    assert!(told().contains("truth.json"), "{}", told());
}
