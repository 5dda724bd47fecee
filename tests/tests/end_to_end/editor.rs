//! What the hub's editor of a camera writes, read by the box: the same files that the hub's own tests hold the editor to.

use std::path::Path;

use edge_agent::config::{Config, Reading};

const WRITTEN: &str = include_str!("../../../hub/src/camera/tests/written.toml");
const LEFT_OUT: &str = include_str!("../../../hub/src/camera/tests/left_out.toml");
const WRITTEN_OUT: &str = include_str!("../../../hub/src/camera/tests/written_out.toml");

/// A model that names everything that rules wait for.
const MODEL: &str = "name='all'\ntask='object-detection'\nversion='1'\nlicence='ours'\n\
    [[file]]\nname='all.onnx'\n[detector]\n[detector.picture]\nwidth=64\nheight=64\nchannels='rgb'\n\
    fit='stretch'\n[detector.answer]\nkind='boxes'\nunit='shares'\n[detector.labels]\nperson=[0]\ncar=[1]\n\
    bus=[2]\ntruck=[3]\nbag=[4]\nfire=[5]\nsmoke=[6]\nebike=[7]\nmotorcycle=[8]\nbicycle=[9]\n";

fn read(text: &str, models: &Path) -> Config {
    let reading = Reading { models: Some(models.to_owned()), ..Reading::default() };
    let read = Config::parse_as("editor", text, [], &reading);
    read.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

fn with_model() -> tempfile::TempDir {
    let models = tempfile::tempdir().unwrap();
    std::fs::create_dir(models.path().join("all")).unwrap();
    std::fs::write(models.path().join("all/model.toml"), MODEL).unwrap();
    models
}

/// The box takes what the editor writes, but for the key that it never knew, which it names: the editor has not dropped
/// it. Without it zones, lines, rules and the other camera are as they were meant.
#[test]
fn the_box_reads_what_the_editor_writes() {
    let models = with_model();
    let reading = Reading { models: Some(models.path().to_owned()), ..Reading::default() };
    let odd = Config::parse_as("editor", WRITTEN, [], &reading).unwrap_err();
    assert!(odd.len() == 1 && odd[0].what.contains("unknown field `tomorrow`"), "{odd:?}");
    let config = read(&WRITTEN.replace("tomorrow = \"not known here\"\n", ""), models.path());
    let [gate, yard] = &config.cameras[..] else { panic!("{:?}", config.cameras) };
    let ids: Vec<_> = gate.rules.iter().map(|rule| (rule.id.as_str(), rule.enabled)).collect();
    assert_eq!(ids, [("fire-lane", true), ("in", false), ("enters", true)]);
    assert!(gate.camera.masks.is_empty() && gate.camera.blur_people, "{:?}", gate.camera);
    assert!(gate.rules[0].schedule.is_none() && gate.rules[2].schedule.is_some());
    assert_eq!(gate.rules[2].severity, protocol::Severity::Notice);
    assert_eq!(yard.rules.len(), 1);
}

/// What the hub says that a rule is by default is what it is to the box: with everything left out and with everything
/// written out, each kind comes to the same rule.
#[test]
fn hub_and_box_agree_on_what_is_usual() {
    let models = with_model();
    let head = "[detector]\nmodels = [\"all\"]\n\n";
    let [left_out, written_out] =
        [LEFT_OUT, WRITTEN_OUT].map(|text| read(&format!("{head}{text}"), models.path()));
    assert_eq!(left_out.cameras[0].rules.len(), 16, "every kind there is");
    assert_eq!(edge_agent::rules::RuleKind::ALL.len(), 16);
    assert_eq!(left_out.cameras[0].rules, written_out.cameras[0].rules);
}
