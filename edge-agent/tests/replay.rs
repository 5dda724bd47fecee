//! `replay` on a clip that GStreamer draws: no weights, no data folder.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

use std::path::Path;

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

fn args(clip: &Path) -> replay::Args {
    replay::Args {
        clip: Some(clip.to_owned()),
        recorded: None,
        record: None,
        rules: None,
        fps: 5.0,
        width: 640,
        models: None,
        motion_only: true,
    }
}

fn play(args: &replay::Args) -> (replay::Summary, String) {
    let mut out = Vec::new();
    let summary = replay::replay(args, &mut out).unwrap();
    (summary, String::from_utf8(out).unwrap())
}

/// Without weights a clip gives a motion-only intrusion; the same bytes again on a second run, and again from
/// what the first run recorded.
#[test]
fn the_same_bytes_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("ball.avi");
    draw(&clip);
    let recording = folder.path().join("seen.jsonl");
    let (summary, first) = play(&replay::Args { record: Some(recording.clone()), ..args(&clip) });
    assert!(summary.opened >= 1 && summary.opened == summary.ended, "{first}");
    assert_eq!((summary.frames, summary.motion_only), (75, 75));
    assert!(first.lines().next().unwrap().contains("\"motion_only\":true"), "{first}");
    assert_eq!(play(&args(&clip)).1, first);
    let again = replay::Args { clip: None, recorded: Some(recording), ..args(&clip) };
    assert_eq!(play(&again).1, first);
}

/// What cannot be replayed is told with its name: no such clip, no video, rules that do not hold.
#[test]
fn bad_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let told = |args: &replay::Args| format!("{:#}", replay::replay(args, &mut Vec::new()).unwrap_err());
    let missing = folder.path().join("nothing.mp4");
    assert!(told(&args(&missing)).contains("nothing.mp4"));
    let text = folder.path().join("text.mp4");
    std::fs::write(&text, "no video at all").unwrap();
    assert!(told(&args(&text)).contains("text.mp4"), "{}", told(&args(&text)));
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, "[[rule]]\nid = \"a\"\nkind = \"intrusion\"\nmin_score = 7\n").unwrap();
    let error = told(&replay::Args { rules: Some(rules), ..args(&text) });
    assert!(error.contains("rules.toml") && error.contains("min_score: 7"), "{error}");
}
