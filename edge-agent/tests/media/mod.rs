//! Streams that the tests make themselves: a moving test picture, encoded as asked.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::time::Duration;

use edge_agent::camera;
use gstreamer as gst;
use gstreamer::prelude::*;

/// Waits for a condition, and fails with its name after 30 seconds.
pub(crate) fn wait_for(what: &str, condition: impl FnMut() -> bool) {
    wait_for_within(what, 30, condition);
}

pub(crate) fn wait_for_within(what: &str, seconds: u32, mut condition: impl FnMut() -> bool) {
    for _ in 0..seconds * 50 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("waited {seconds} s for {what}");
}

/// A stream of 25 pictures per second with a keyframe every second.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) encoder: &'static str,
    pub(crate) parser: &'static str,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) seconds: usize,
}

impl Stream {
    pub(crate) fn h264(seconds: usize) -> Self {
        Self {
            encoder: "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=25",
            parser: "h264parse",
            width: 320,
            height: 180,
            seconds,
        }
    }

    /// With pictures that are encoded after later ones.
    pub(crate) fn h264_b_frames(seconds: usize) -> Self {
        let encoder = "x264enc speed-preset=veryfast bframes=3 b-adapt=false b-pyramid=true key-int-max=25";
        Self { encoder, ..Self::h264(seconds) }
    }

    pub(crate) fn h265(seconds: usize) -> Self {
        Self {
            encoder: "x265enc speed-preset=ultrafast key-int-max=25 option-string=bframes=3:b-adapt=0",
            parser: "h265parse",
            ..Self::h264(seconds)
        }
    }

    fn pictures(&self) -> String {
        format!(
            "video/x-raw,format=I420,width={},height={},framerate=25/1 ! {} ! {}",
            self.width, self.height, self.encoder, self.parser
        )
    }

    /// As a description for an RTSP server, endless and at real time.
    pub(crate) fn live(&self) -> String {
        let pay = if self.parser == "h264parse" { "rtph264pay" } else { "rtph265pay" };
        format!("( videotestsrc is-live=true pattern=ball ! {} ! {pay} name=pay0 pt=96 )", self.pictures())
    }

    /// As an MP4 file.
    pub(crate) fn write(&self) -> tempfile::NamedTempFile {
        camera::init().unwrap();
        let file = tempfile::Builder::new().suffix(".mp4").tempfile().unwrap();
        let description = format!(
            "videotestsrc pattern=ball num-buffers={} ! {} ! mp4mux ! filesink location={}",
            self.seconds * 25,
            self.pictures(),
            file.path().display()
        );
        let pipeline = gst::parse::launch(&description).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let ends = [gst::MessageType::Eos, gst::MessageType::Error];
        let message = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends);
        pipeline.set_state(gst::State::Null).unwrap();
        assert_eq!(message.map(|m| m.type_()), Some(gst::MessageType::Eos), "{description}");
        file
    }
}
