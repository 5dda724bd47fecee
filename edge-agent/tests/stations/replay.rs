//! `replay` on a clip that GStreamer draws: no weights, no data folder.

use std::path::{Path, PathBuf};

use edge_agent::{camera, replay};
use gstreamer as gst;
use gstreamer::prelude::*;

/// 15 s of a white ball bouncing about on black, 10 frames per second.
fn draw(clip: &Path) {
    camera::init().unwrap();
    let text = format!(
        "videotestsrc pattern=ball num-buffers=150 ! video/x-raw,width=320,height=240,framerate=10/1 \
         ! jpegenc ! avimux ! filesink location={}",
        clip.display()
    );
    let pipeline = gst::parse::launch(&text).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends);
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(matches!(message.as_ref().map(|m| m.view()), Some(gst::MessageView::Eos(_))), "{message:?}");
}

const RULES: &str = "[[camera.rules]]\nid = \"anywhere\"\nkind = \"intrusion\"\n";

fn scene(folder: &Path, name: &str, url: &str, rules: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, format!("[camera]\nid = \"c1\"\nurl = {url:?}\n\n{rules}")).unwrap();
    path
}

fn args(scene: &Path) -> replay::Args {
    replay::Args { scene: scene.to_owned(), motion_only: true, ..replay::Args::default() }
}

fn play(args: &replay::Args) -> (replay::Played, String) {
    let mut out = Vec::new();
    let played = replay::replay(args, &mut out).unwrap();
    (played, String::from_utf8(out).unwrap())
}

/// Without weights a clip gives an intrusion by motion; the same bytes again on a second run, and again from what the
/// first run recorded.
#[test]
fn the_same_bytes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    draw(&folder.path().join("ball.avi"));
    let live = scene(folder.path(), "ball.toml", "ball.avi", RULES);
    let recording = folder.path().join("seen.jsonl");
    let (played, first) = play(&replay::Args { record: Some(recording), ..args(&live) });
    assert_eq!((played.frames, played.motion_only), (75, 75));
    let incident: replay::SceneIncident = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(
        (incident.rule.as_str(), incident.camera.as_str(), incident.zone.as_ref()),
        ("anywhere", "c1", None)
    );
    assert!((0.5..3.0).contains(&incident.started_s) && incident.score == 0.0, "{first}");
    assert_eq!(play(&args(&live)).1, first);
    let again = scene(folder.path(), "again.toml", "seen.jsonl", RULES);
    assert_eq!(play(&args(&again)).1, first);
}

/// The keys of a line are exactly these; what is open at the end has no end.
#[test]
fn a_line_has_these_keys() {
    let folder = tempfile::tempdir().unwrap();
    let person = r#"{"label":"person","score":0.81,"region":{"x":0.4,"y":0.4,"w":0.1,"h":0.3}}"#;
    let seen = (0..20).fold(String::new(), |text, i| {
        let at = i * 200;
        text + &format!("{{\"at\":{at},\"seen\":\"objects\",\"by\":\"m 1\",\"detections\":[{person}]}}\n")
    });
    std::fs::write(folder.path().join("seen.jsonl"), seen).unwrap();
    let zone = "[[camera.zones]]\nid = \"yard\"\npolygon = [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0]]\n";
    let rules = format!("{RULES}zone = \"yard\"\n{zone}");
    let scene = scene(folder.path(), "scene.toml", "seen.jsonl", &rules);
    let expected = "{\"rule\":\"anywhere\",\"kind\":\"intrusion\",\"camera\":\"c1\",\"zone\":\"yard\",\
                    \"started_s\":1.6,\"ended_s\":null,\"score\":0.81}\n";
    assert_eq!(play(&args(&scene)).1, expected);
}

/// What cannot be replayed is told with its name: no such clip, no video, a camera, rules that do not hold.
#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let told = |url: &str, rules: &str| {
        let scene = scene(folder.path(), "scene.toml", url, rules);
        format!("{:#}", replay::replay(&args(&scene), &mut Vec::new()).unwrap_err())
    };
    assert!(told("nothing.mp4", RULES).contains("nothing.mp4"));
    std::fs::write(folder.path().join("text.mp4"), "no video at all").unwrap();
    assert!(told("text.mp4", RULES).contains("text.mp4"), "{}", told("text.mp4", RULES));
    let error = told("text.mp4", &format!("{RULES}min_score = 7\n"));
    assert!(error.contains("scene.toml:8:1") && error.contains("min_score: 7"), "{error}");
    let error = told("rtsp://10.0.0.9/live", RULES);
    assert!(error.contains("scene.toml:3:1") && error.contains("is no file"), "{error}");
    std::fs::write(folder.path().join("bad.jsonl"), "{}\n").unwrap();
    assert!(told("bad.jsonl", RULES).contains("line 1 of the recording"));
}
