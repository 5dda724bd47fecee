//! The texts an installer reads when something is wrong.

use super::*;
use crate::rules::{CalendarTable, LineTable, MaskTable, RuleTable, ScheduleTable, ZoneTable};

fn problems(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    match Config::parse("edge.toml", text, environment) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

const GOOD: &str = r#"
[agent]
data_dir = "/tmp/x"

[[camera]]
id = "gate"
name = "东门"
url = "rtsp://admin:secret@10.0.0.9/live"

[[camera.zones]]
id = "yard"
polygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]

[[camera.rules]]
id = "yard"
kind = "intrusion"
zone = "yard"
"#;

/// Describes a site's own model `our-fire`.
pub(super) const FIRE_MODEL: &str = "name='our-fire'\ntask='object-detection'\nversion='1'\nlicence='ours'\n\
    [[file]]\nname='our-fire.onnx'\n[detector]\n[detector.picture]\nwidth=64\nheight=64\nchannels='rgb'\n\
    fit='stretch'\n[detector.answer]\nkind='boxes'\nunit='shares'\n[detector.labels]\nfire=[0]\nsmoke=[1]\n";

/// A folder of models with `our-fire`.
fn with_fire_model() -> tempfile::TempDir {
    let models = tempfile::tempdir().unwrap();
    std::fs::create_dir(models.path().join("our-fire")).unwrap();
    std::fs::write(models.path().join("our-fire/model.toml"), FIRE_MODEL).unwrap();
    models
}

/// A model that is nowhere, or is no detector, is refused with where it was looked for; looking seldom is for fire and
/// smoke, whatever else a model names. A box that starts goes on all the same.
#[test]
fn models_are_held_against_what_is_there() {
    let models = with_fire_model();
    let text = |detector: &str| format!("[agent]\nmodels = {:?}\n[detector]\n{detector}\n", models.path());
    let folder = models.path().display().to_string();
    for (detector, expected) in [
        ("models = [\"our-smoke\"]", ["5:1: detector.models", "\"our-smoke\"", folder.as_str()]),
        ("models = [\"silero-vad\"]", ["5:1: detector.models", "silero-vad", "no detector"]),
        ("every_ms = { yolox-nano = 1000 }", ["detector.every_ms", "yolox-nano", "fire and smoke alone"]),
    ] {
        let detector = detector.replacen("models", "threads = 1\nmodels", 1);
        let told = problems(&text(&detector), &[]);
        assert!(told.len() == 1 && expected.iter().all(|words| told[0].contains(words)), "{told:?}");
        let lenient = Reading { lenient: true, ..Reading::default() };
        assert!(Config::parse_as("edge.toml", &text(&detector), [], &lenient).is_ok());
    }
    let good = "models = [\"yolox-nano\", \"our-fire\"]\nevery_ms = { our-fire = 1000 }";
    assert_eq!(problems(&text(good), &[]), Vec::<String>::new());
    assert_eq!(problems("[detector]\nenabled = false\nmodels = [\"no-such\"]\n", &[]), Vec::<String>::new());
}

/// What stands in for a detector does so where one of fire alone is configured, too, and whether labels are written
/// out or not.
#[test]
fn motion_and_background_stand_in_beside_fire() {
    let models = with_fire_model();
    let rule = |words: &str| {
        let detector =
            format!("[agent]\nmodels = {:?}\n[detector]\nmodels = [\"our-fire\"]\n", models.path());
        let camera = "[[camera]]\nid = \"c\"\nurl = \"test://\"\n";
        problems(&format!("{detector}{camera}[[camera.rules]]\nid = \"r\"\n{words}\n"), &[])
    };
    for words in [
        "kind = \"intrusion\"",
        "kind = \"intrusion\"\nlabels = [\"person\"]",
        "kind = \"blocked_lane\"",
        "kind = \"blocked_lane\"\nlabels = [\"car\", \"bus\", \"truck\"]",
        "kind = \"fire\"",
        "kind = \"smoke\"",
    ] {
        assert_eq!(rule(words), Vec::<String>::new(), "{words}");
    }
    for (words, expected) in [
        ("kind = \"loitering\"", "loitering needs a detector that names person"),
        ("kind = \"intrusion\"\nlabels = [\"person\", \"fire\"]", "\"person\" is named by no configured"),
    ] {
        let told = rule(words);
        assert!(told.len() == 1 && told[0].contains(expected), "{told:?}");
    }
}

/// No file at all is a working configuration.
#[test]
fn nothing_is_enough() {
    assert_eq!(Config::parse("edge.toml", "", []), Ok(Config::default()));
}

/// A whole file is read, cameras with their rules; the summary shows no password.
#[test]
fn a_good_file_is_read() {
    let config = Config::parse("edge.toml", GOOD, []).unwrap();
    assert_eq!(config.cameras.len(), 1);
    assert_eq!(config.cameras[0].rules[0].id.as_str(), "yard");
    let summary = config.summary();
    assert!(summary.contains("camera gate (东门)") && !summary.contains("secret"), "{summary}");
}

/// All mistakes at once, each with line, column and what to do, in the order of the file.
#[test]
fn every_mistake_is_told_with_its_place() {
    let text = r#"[agent]
data_dirr = "/tmp/x"

[halth]

[outbox]
max_rows = "many"
max_bites = 3

[[camera]]
id = "gate"
url = "http://10.0.0.9/"
analysis_fps = 99.0
colour = "red"

[[camera.rules]]
id = "yard"
kind = "intrusoin"

[[camera]]
id = "Gate/2"
url = "test://"

[[camera]]
url = "test://"
"#;
    let told = problems(text, &[]);
    let expected = [
        "edge.toml:2:1: agent.data_dirr: unknown field `data_dirr`; did you mean `data_dir`?",
        "edge.toml:4:2: unknown section `halth`; did you mean `health`?",
        "edge.toml:7:12: outbox.max_rows: invalid type: string \"many\", expected a whole number, 0 or more",
        "edge.toml:8:1: outbox.max_bites: unknown field `max_bites`; did you mean `max_bytes`?",
        "edge.toml:14:1: camera[0].colour: unknown field `colour`; known here: ",
        "edge.toml:18:8: camera[0].rules[0].kind: unknown variant `intrusoin`; did you mean `intrusion`?",
        "edge.toml:21:6: camera[1].id: camera \"Gate/2\" must be 1 to 64 characters",
        "edge.toml:24:1: camera[2]: missing field `id`",
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "told     {told}\nexpected {expected}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

/// What only the meaning shows is told at the key that is wrong.
#[test]
fn meanings_are_checked_at_their_key() {
    let text =
        GOOD.replace("[0.5, 0.9]]", "[0.5, 1.9]]").replace("\"intrusion\"", "\"intrusion\"\nmin_score = 7.0")
            + "\n[[camera]]\nid = \"gate\"\nurl = \"http://x\"\n";
    let told = problems(&text, &[]);
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(
        told[0].starts_with("edge.toml:12:") && told[0].contains("camera[0].zones[0].polygon[2]"),
        "{}",
        told[0]
    );
    assert!(
        told[1].starts_with("edge.toml:17:1: camera[0].rules[0].min_score: 7 is not between"),
        "{}",
        told[1]
    );
    assert!(told[2].contains("camera[1].id: gate is used twice"), "{}", told[2]);
    assert!(told[3].contains("camera[1].url: \"http\" is not one of"), "{}", told[3]);
}

/// Numbers beyond their limits are refused, with the place and what may be written; an address that would send the
/// box's token in the clear, too.
#[test]
fn numbers_have_limits() {
    let text = r#"[hub]
url = "http://hub.example:8443"
mqtt_host = "https://hub.example"
mqtt_port = 0

[health]
listen = "127.0.0.1:0"

[detector]
threads = 0

[outbox]
max_rows = 10
max_bytes = 1
evidence_max_bytes = 0
disk_reserve_bytes = 9_000_000_000_000_000_000
keep_uploaded_h = 90_000
keep_on_request_days = 0
keep_rejected_days = -1

[calls]
api_listen = "0.0.0.0:9092"
max_calls = 1001
max_call_minutes = 121
idle_timeout_s = 0
join_grace_ms = 60_001
"#;
    let expected = [
        "2:1: hub.url: \"http://hub.example:8443\" would send this box's token in the clear: write https://HOST:PORT",
        "3:1: hub.mqtt_host: \"https://hub.example\" is not the name or address of a machine",
        "4:1: hub.mqtt_port: 0 is not between 1 and 65535",
        "7:1: health.listen: 0 is not between 1 and 65535",
        "10:1: detector.threads: 0 is not between 1 and 64",
        "13:1: outbox.max_rows",
    ];
    // A whole section with a word of another kind is read no further: these come once that is mended.
    let told = problems(text, &[]);
    assert!(told.iter().any(|t| t.contains("19:22: outbox.keep_rejected_days: invalid value: integer `-1`, expected a whole number from 0 to 4294967295")), "{told:#?}");
    let told = problems(&text.replace("-1", "4000"), &[]);
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(&format!("edge.toml:{expected}")), "told     {told}\nexpected {expected}");
    }
    let ranges: Vec<&str> =
        told[5..].iter().map(|t| t.split_once(": ").unwrap().1.trim_start_matches("outbox.")).collect();
    assert_eq!(
        ranges,
        [
            "max_rows: 10 is not between 1000 and 10000000",
            "max_bytes: 1 is not between 16777216 and 1099511627776",
            "evidence_max_bytes: 0 is not between 536870912 and 1125899906842624",
            "disk_reserve_bytes: 9000000000000000000 is not between 0 and 1099511627776",
            "keep_uploaded_h: 90000 is not between 0 and 87600",
            "keep_on_request_days: 0 is not between 1 and 3650",
            "keep_rejected_days: 4000 is not between 1 and 3650",
            "calls.api_listen: 0.0.0.0:9092 is also audiosocket_listen; give one of them another port",
            "calls.max_calls: 1001 is not between 1 and 1000",
            "calls.max_call_minutes: 121 is not between 1 and 120",
            "calls.idle_timeout_s: 0 is not between 1 and 600",
            "calls.join_grace_ms: 60001 is not between 0 and 60000",
        ]
    );
    for good in ["https://hub.example", "https://10.0.0.9:8443/", "http://127.0.0.1:8080", "http://[::1]:80"]
    {
        assert_eq!(problems(&format!("[hub]\nurl = {good:?}\n"), &[]), Vec::<String>::new());
    }
}

/// Broken TOML is told with its place too.
#[test]
fn broken_toml_has_a_place() {
    let told = problems("[agent]\nname = \n", &[]);
    assert!(told[0].starts_with("edge.toml:2:") && told[0].contains("not TOML"), "{told:?}");
}

/// The environment overrides and adds, also inside lists; its mistakes name the variable.
#[test]
fn the_environment_overrides() {
    let environment = [
        ("SHAODIAN_EDGE__AGENT__NAME", "box at the gate"),
        ("SHAODIAN_EDGE__HUB__MQTT_PORT", "1884"),
        ("SHAODIAN_EDGE__CAMERA__0__URL", "test://"),
        ("SHAODIAN_EDGE__CAMERA__0__PLACE__NAME", "\"东门\""),
        ("PATH", "/bin"),
    ];
    let owned = environment.map(|(k, v)| (k.to_owned(), v.to_owned()));
    let config = Config::parse("edge.toml", GOOD, owned).unwrap();
    assert_eq!(config.agent.name, "box at the gate");
    assert_eq!(config.hub.mqtt_port, Some(1884));
    assert_eq!(config.cameras[0].camera.url.whole(), "test://");
    let told = problems(
        GOOD,
        &[("SHAODIAN_EDGE__HUB__MQTT_PORT", "[1, 2]"), ("SHAODIAN_EDGE__CAMERA__3__URL", "test://")],
    );
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told.iter().all(|t| t.starts_with("environment variable SHAODIAN_EDGE__")), "{told:#?}");
    assert!(told.iter().any(|t| t.contains("has no element 3; the file lists 1")), "{told:#?}");
}

const SAMPLE: &str = include_str!("../../../deploy/edge.example.toml");

/// The shipped sample is good as it is, and with every key switched on; its defaults are the real ones.
#[test]
fn the_sample_is_true() {
    let shipped = Config::parse("edge.example.toml", SAMPLE, []);
    assert_eq!(shipped, Ok(Config::default()));
    let all: String = SAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let all = Config::parse("edge.example.toml", &all, []).map_err(|p| format!("{p:#?}")).unwrap();
    assert_eq!((all.outbox, all.health), (OutboxConfig::default(), HealthConfig::default()));
    assert_eq!((all.cameras.len(), all.cameras[0].rules.len()), (1, 2));
    assert_eq!(all.cameras[0].camera.masks.len(), 1);
    assert!(all.calls.is_some());
}

/// No key is missing in the sample: each section's own list of fields is looked for.
#[test]
fn the_sample_names_every_key() {
    fn fields<T: serde::de::DeserializeOwned>() -> Vec<String> {
        let error =
            toml::from_str::<T>("no_such_key = 1").err().expect("unknown keys are refused").to_string();
        let listed = error.split("expected").nth(1).expect("serde lists what it knows").to_owned();
        listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }
    let all = [
        fields::<AgentConfig>(),
        fields::<HubConfig>(),
        fields::<DetectorConfig>(),
        fields::<CameraConfig>(),
        fields::<RuleTable>(),
        fields::<ZoneTable>(),
        fields::<LineTable>(),
        fields::<MaskTable>(),
        fields::<ScheduleTable>(),
        fields::<CalendarTable>(),
        fields::<CallConfig>(),
        fields::<HealthConfig>(),
        fields::<OutboxConfig>(),
    ];
    for key in all.concat() {
        let there = [format!("#{key} = "), format!("{key}]"), format!(" {key} = ")]
            .iter()
            .any(|form| SAMPLE.contains(form));
        assert!(there, "{key} is not in deploy/edge.example.toml");
    }
}

/// What was written otherwise in former versions is refused with the form that it has now, not half read.
#[test]
fn former_keys_are_explained() {
    let text = r#"[[camera]]
id = "gate"
url = "test://"
masks = [[[0.0, 0.0], [0.3, 0.0], [0.3, 0.2]]]

[[camera.rule]]
id = "yard"
kind = "intrusion"
zone = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]

[[camera.rules]]
id = "gate"
kind = "loitering"
zone = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]
loiter_s = 60
"#;
    let told = problems(text, &[]);
    let expected = [
        "edge.toml:4:1: camera[0].masks: is now one [[camera.masks]] table",
        "edge.toml:6:10: camera[0].rule: is now written [[camera.rules]]",
        "edge.toml:14:1: camera[0].rules[0].zone: names a zone: write its outline as a [[camera.zones]] table",
        "edge.toml:15:1: camera[0].rules[0].loiter_s: is now called dwell_s",
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "told     {told}\nexpected {expected}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

/// A rule names what it needs, and nothing that means nothing for it; nothing runs that nothing could see.
#[test]
fn rules_are_checked_against_the_camera_and_the_detector() {
    let rule = |detector: &str, words: &str| {
        let zone = "[[camera.zones]]\nid = \"yard\"\npolygon = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]\n";
        let line = "[[camera.lines]]\nid = \"gate\"\npoints = [[0.1, 0.5], [0.9, 0.5]]\n";
        let camera = "[[camera]]\nid = \"c\"\nurl = \"test://\"\n";
        problems(&format!("{detector}\n{camera}{zone}{line}[[camera.rules]]\nid = \"r\"\n{words}\n"), &[])
    };
    let good = [
        "kind = \"line_crossing\"\nline = \"gate\"\ndirection = \"down\"\nlabels = [\"person\", \"car\"]",
        "kind = \"crowding\"\nzone = \"yard\"\ncount = 3\ndwell_s = 2.5",
        "kind = \"intrusion\"\ndwell_s = 3\nschedule = { from = \"22:00\", to = \"06:00\" }",
        "kind = \"ebike_in_lift\"",
        "kind = \"fire\"\nlabels = [\"fire\"]",
        "kind = \"camera_lost\"\ndwell_s = 60\nseverity = \"notice\"",
    ];
    for words in good {
        assert_eq!(rule("", words), Vec::<String>::new(), "{words}");
    }
    let wrong = [
        (
            "kind = \"intrusion\"\nzone = \"yrad\"",
            "zone: the camera has no zone \"yrad\"; did you mean `yard`; write a [[camera.zones]]",
        ),
        ("kind = \"line_crossing\"", "line: is missing; write `line = \"ID\"`"),
        ("kind = \"line_crossing\"\nline = \"yard\"", "line: the camera has no line \"yard\""),
        (
            "kind = \"line_crossing\"\nline = \"gate\"\nzone = \"yard\"",
            "zone: means nothing for line_crossing: it watches a `line`",
        ),
        (
            "kind = \"line_crossing\"\nline = \"gate\"\ndirection = \"left_to_right\"",
            "direction: the line lies level",
        ),
        (
            "kind = \"camera_moved\"\nzone = \"yard\"",
            "zone: means nothing for camera_moved: it watches the whole picture",
        ),
        ("kind = \"intrusion\"\ncount = 3", "count: means nothing for intrusion"),
        ("kind = \"loitering\"\ndwell_s = -1", "dwell_s: -1 is not between 0 and 86400"),
        (
            "kind = \"fall\"\nlabels = [\"car\"]",
            "labels: \"car\" is nothing that fall can be; use some of person",
        ),
        (
            "kind = \"intrusion\"\nlabels = [\"ebike\"]",
            "labels: \"ebike\" is named by no configured detector; they know person",
        ),
        (
            "kind = \"smoke\"",
            "kind: smoke needs a detector that names smoke; the configured ones name person",
        ),
        (
            "kind = \"intrusion\"\nschedule = { from = \"25:00\" }",
            "schedule.from: \"25:00\" is no time of day",
        ),
        (
            "kind = \"intrusion\"\nschedule = { day = [\"mon\"] }",
            "schedule.day: unknown field `day`; did you mean `days`?",
        ),
    ];
    for (words, expected) in wrong {
        let told = rule("", words);
        assert!(told.len() == 1 && told[0].contains(expected), "told     {told:#?}\nexpected {expected}");
    }
    let none = "[detector]\nenabled = false\n";
    assert_eq!(rule(none, "kind = \"intrusion\""), Vec::<String>::new());
    assert_eq!(rule(none, "kind = \"blocked_lane\""), Vec::<String>::new());
    let told = rule(none, "kind = \"loitering\"");
    assert!(told[0].contains("loitering needs a detector that names person; none is configured"), "{told:?}");
}
