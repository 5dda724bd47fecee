//! Real clips, each with all rules that make sense of what it shows: what happens in them is found, and nothing else is
//! told. What is due was read off the frames by eye.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use edge_agent::eval::{self, Args};
use serde_json::json;

/// Rules that no fixed camera's clip here gives a reason for, but where it says so.
const EVERYWHERE: [&str; 7] = [
    "fire",
    "fall",
    "abandoned_object",
    "camera_covered",
    "camera_defocused",
    "camera_moved",
    "camera_frozen",
];

struct Clip {
    file: &'static str,
    seconds: f64,
    /// Rules beside those [`EVERYWHERE`], as TOML.
    more: &'static str,
    /// Kind, and when the alarm is due.
    due: &'static [(&'static str, f64)],
}

const CLIPS: [Clip; 9] = [
    Clip { file: "aboda-video4.avi", seconds: 39.0, more: "", due: &[("abandoned_object", 29.0)] },
    Clip { file: "car-detection.mp4", seconds: 30.2, more: LANE, due: &[] },
    // It burns from the first frame on; a flame that is there must be seen for a while.
    Clip { file: "fire-house6-a.mp4", seconds: 20.0, more: "", due: &[("fire", 3.0)] },
    Clip { file: "highway-a.avi", seconds: 30.0, more: LANE, due: &[] },
    Clip { file: "one-by-one-person-detection.mp4", seconds: 139.4, more: LOITERING, due: &[] },
    Clip { file: "pets09-s2l1-a.mp4", seconds: 75.7, more: "", due: &[] },
    Clip { file: "pets2001-d3c1-a.mp4", seconds: 90.0, more: "", due: &[] },
    Clip { file: "towncentre-96f.mp4", seconds: 3.8, more: LOITERING, due: &[] },
    Clip { file: "tud-campus.mp4", seconds: 2.8, more: LOITERING, due: &[] },
];

/// Traffic flows: nobody parks on the near half of the road. (Signs above the far half are taken for vehicles.)
const LANE: &str = "[[camera.zones]]\nid = \"road\"\npolygon = [[0.0, 0.3], [1.0, 0.3], [1.0, 1.0], [0.0, 1.0]]\n\
                    [[camera.rules]]\nid = \"blocked_lane\"\nkind = \"blocked_lane\"\nzone = \"road\"\ndwell_s = 10\n";
/// People pass: nobody stays for a minute.
const LOITERING: &str = "[[camera.rules]]\nid = \"loitering\"\nkind = \"loitering\"\n";

fn write(clip: &Clip, video: &Path, folder: &Path) {
    let url = video.join(clip.file);
    let mut scene = format!("[camera]\nid = \"real\"\nurl = {url:?}\nanalysis_fps = 5\n");
    for kind in EVERYWHERE {
        write!(scene, "[[camera.rules]]\nid = {kind:?}\nkind = {kind:?}\n").unwrap();
        if kind == "abandoned_object" {
            scene += "dwell_s = 6\n";
        }
    }
    scene += clip.more;
    let events: Vec<_> =
        clip.due.iter().map(|(kind, at_s)| json!({"kind": kind, "started_s": at_s})).collect();
    let truth = json!({"media_s": clip.seconds, "events": events});
    let name = folder.join(Path::new(clip.file).file_stem().unwrap());
    std::fs::write(name.with_extension("toml"), scene).unwrap();
    std::fs::write(name.with_extension("truth.json"), truth.to_string()).unwrap();
}

#[test]
fn real_clips_tell_what_happens_and_nothing_else() {
    let Some(data) = std::env::var_os("SHAODIAN_DATA").filter(|data| !data.is_empty()).map(PathBuf::from)
    else {
        println!("skipped: SHAODIAN_DATA is not set, no clips to look at");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    CLIPS.iter().for_each(|clip| write(clip, &data.join("video"), folder.path()));
    let report = eval::eval(&Args { scenes: folder.path().to_owned(), ..Args::default() }).unwrap();
    println!("{report}");
    assert_eq!(report.scenes.len(), CLIPS.len(), "{report}");
    assert_eq!((report.all.found, report.all.missed, report.all.false_alarms), (2, 0, 0), "{report}");
}
