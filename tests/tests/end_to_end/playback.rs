//! Clips as a person sees them: Chromium plays what the box makes, an H.264 clip as the camera sent it and the viewing
//! copy of an H.265 one, from beginning to end and from the middle on.

use std::sync::Arc;
use std::time::Duration;

use edge_agent::camera::{self, CameraConfig};
use edge_agent::evidence::Recorder;
use edge_agent::report::{EvidenceFile, needs_copy};
use gstreamer as gst;
use gstreamer::prelude::*;
use protocol::{Chance, Clock, IncidentId, SystemClock};
use world::browser::Browser;

const PLAY: Duration = Duration::from_secs(30);

/// Sixteen seconds of a moving picture in an MP4: far more than is looked at, for a machine that is busy.
fn film(folder: &std::path::Path, name: &str, encoder: &str) -> String {
    camera::init().unwrap();
    let path = folder.join(format!("{name}.mp4"));
    let line = format!(
        "videotestsrc pattern=ball num-buffers=400 ! video/x-raw,format=I420,width=320,height=180,framerate=25/1 \
         ! {encoder} ! mp4mux ! filesink location={}",
        path.display()
    );
    let pipeline = gst::parse::launch(&line).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends);
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(end.map(|m| m.type_()), Some(gst::MessageType::Eos), "{line}");
    path.to_str().unwrap().to_owned()
}

/// The clip of an incident six seconds into the film, until its end.
async fn clip(recorder: &Recorder, clock: &Arc<dyn Clock>, film: &str) -> EvidenceFile {
    let mut config = CameraConfig::new("gate".parse().unwrap(), film);
    (config.pre_roll_s, config.post_roll_s) = (5, 1);
    let camera = camera::spawn(config, clock.clone()).unwrap();
    let first = camera.frames().recv_timeout(PLAY).unwrap();
    let frame = loop {
        let frame = camera.frames().recv_timeout(PLAY).unwrap();
        if frame.captured_at.since_ms(first.captured_at) >= 6_000 {
            break frame;
        }
    };
    let id = IncidentId::new(&Chance::seeded(1), clock.now());
    let opening = recorder.open(id, &camera.view(), &frame, frame.captured_at, None);
    opening.end.at(frame.captured_at.plus_ms(500));
    opening.clip.finished().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_plays_every_clip() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let recorder = Recorder::new(folder.path().join("evidence"), clock.clone()).unwrap();
    let h264 =
        "x264enc speed-preset=veryfast bframes=3 key-int-max=25 ! video/x-h264,profile=main ! h264parse";
    let h265 = "x265enc speed-preset=ultrafast key-int-max=25 ! h265parse";
    let films = [film(folder.path(), "h264", h264), film(folder.path(), "h265", h265)];
    let (plain, original) =
        tokio::join!(clip(&recorder, &clock, &films[0]), clip(&recorder, &clock, &films[1]));
    assert!(!needs_copy(&plain.evidence) && needs_copy(&original.evidence));
    let copy = recorder.viewing_copy(&original).finished().await.unwrap();

    let browser = Browser::open(800, 600, folder.path()).await.unwrap();
    for file in [plain, copy] {
        let page = folder.path().join("page.html");
        let video = format!("<video muted id=v src='file://{}'></video>", file.path.display());
        std::fs::write(&page, video).unwrap();
        browser.go(&format!("file://{}", page.display())).await.unwrap();
        let wait = async |what: &str, script: &str| {
            browser.wait(what, script, PLAY).await.unwrap_or_else(|e| panic!("{what}: {e:#}"));
        };
        wait("its size", "return document.getElementById('v').videoWidth === 320").await;
        let length = browser.run("return document.getElementById('v').duration").await.unwrap();
        let told = file.evidence.duration_ms.unwrap() as f64 / 1_000.0;
        assert!((length.as_f64().unwrap() - told).abs() < 0.3, "{length} s in the browser, {told} s told");
        browser.run("v.currentTime = v.duration - 1.5; v.play(); return 0").await.unwrap();
        wait("its end", "return v.ended && v.getVideoPlaybackQuality().totalVideoFrames > 20").await;
    }
}
