//! The simulated cameras behave like real ones: live, in real time, without end, and they can fail in every way
//! that the tests of the box need.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use world::rtsp::{Cameras, Clip, Codec};
use world::scene::Scene;

const PICTURE: gst::ClockTime = gst::ClockTime::from_seconds(10);

/// An independent RTSP client.
struct Viewer {
    pipeline: gst::Pipeline,
    sink: AppSink,
}

impl Viewer {
    fn watch(url: &str, codec: Codec) -> Self {
        let line = format!(
            "rtspsrc location={url} protocols=tcp latency=0 ! rtp{codec}depay ! {codec}parse ! avdec_{codec} \
             ! appsink name=out sync=false"
        );
        let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
        let sink = pipeline.by_name("out").unwrap().downcast::<AppSink>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        Self { pipeline, sink }
    }

    /// Presentation times of the next pictures; fewer when the camera fails.
    fn pictures(&self, count: usize) -> Vec<gst::ClockTime> {
        (0..count)
            .map_while(|_| self.sink.try_pull_sample(PICTURE))
            .filter_map(|sample| sample.buffer().and_then(gst::BufferRef::pts))
            .collect()
    }

    /// Whether the connection was lost within `bound`.
    fn fails(&self, bound: gst::ClockTime) -> bool {
        let bus = self.pipeline.bus().unwrap();
        bus.timed_pop_filtered(bound, &[gst::MessageType::Error, gst::MessageType::Eos]).is_some()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn clip(codec: Codec, bframes: u32) -> Arc<Clip> {
    let folder = tempfile::tempdir().unwrap();
    let mp4 = folder.path().join("a.mp4");
    Scene { width: 320, height: 180, bframes, ..Scene::standard(3, 1) }.generate(&mp4).unwrap();
    Arc::new(Clip::load(&mp4, codec).unwrap())
}

/// Longer than the clip, without a hole or a step backwards at the seam, and no faster than real time.
#[test]
fn a_clip_plays_live_and_without_end() {
    for (codec, bframes) in [(Codec::H264, 0), (Codec::H264, 2), (Codec::H265, 0)] {
        let cameras = Cameras::listen("127.0.0.1", 0).unwrap();
        cameras.add("gate", clip(codec, bframes));
        let viewer = Viewer::watch(&cameras.url("gate"), codec);
        let clock = gst::SystemClock::obtain();
        assert_eq!(viewer.pictures(1).len(), 1, "{codec}: no picture");
        let from = clock.time();
        let times = viewer.pictures(60);
        let took = clock.time() - from;
        assert_eq!(times.len(), 60, "{codec}, {bframes} B-frames");
        for pair in times.windows(2) {
            let step = pair[1].mseconds() as i64 - pair[0].mseconds() as i64;
            // B-frames come without decoding times; clients then guess, and may guess the same time twice.
            let least = i64::from(bframes == 0);
            assert!(
                (least..=260).contains(&step),
                "{codec}, {bframes} B-frames: a step of {step} ms in {times:?}"
            );
        }
        // 60 pictures at 12 per second are 5 s; a client may be given up to a group of pictures at once.
        let least = gst::ClockTime::from_mseconds(3_500);
        assert!(took > least, "{codec}: 60 pictures took {took}");
    }
}

/// Cut off, hung, switched off and back: each looks to a client as it does with a real camera.
#[test]
fn cameras_fail_on_demand() {
    let cameras = Cameras::listen("127.0.0.1", 0).unwrap();
    cameras.add("gate", clip(Codec::H264, 0));
    cameras.add("lane", clip(Codec::H264, 0));
    let lane = Viewer::watch(&cameras.url("lane"), Codec::H264);
    assert_eq!(lane.pictures(2).len(), 2);

    let gate = Viewer::watch(&cameras.url("gate"), Codec::H264);
    assert_eq!(gate.pictures(2).len(), 2);
    cameras.kill("gate");
    assert!(gate.fails(PICTURE), "the cut was not noticed");
    drop(gate);

    let gate = Viewer::watch(&cameras.url("gate"), Codec::H264);
    assert_eq!(gate.pictures(2).len(), 2, "it must come back at once after a cut");
    cameras.freeze("gate");
    // What was on its way still arrives; after that, nothing.
    assert!(!gate.fails(gst::ClockTime::from_mseconds(300)), "a hung camera stays connected");
    let sent = cameras.units_sent("gate");
    assert!(!gate.fails(gst::ClockTime::from_mseconds(800)), "a hung camera stays connected");
    assert_eq!(cameras.units_sent("gate"), sent);

    cameras.stop("gate");
    assert!(gate.fails(PICTURE));
    drop(gate);
    let refused = Viewer::watch(&cameras.url("gate"), Codec::H264);
    assert!(refused.fails(PICTURE), "a camera that is off must refuse");
    drop(refused);
    cameras.start("gate").unwrap();
    let gate = Viewer::watch(&cameras.url("gate"), Codec::H264);
    assert_eq!(gate.pictures(2).len(), 2);
    assert_eq!(lane.pictures(20).len(), 20, "the other camera must not have noticed");
    assert!(cameras.start("attic").is_err());
}
