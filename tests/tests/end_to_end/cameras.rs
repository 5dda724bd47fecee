//! The simulated cameras behave like real ones: live, in real time, without end, and they can fail in every way
//! that the tests of the box need. And the box's camera lives through each of these ways.

use std::sync::Arc;
use std::time::Duration;

use edge_agent::camera::{self as boxes, CameraConfig, CameraHandle};
use edge_agent::evidence::Recorder;
use edge_agent::frame::Frame;
use edge_agent::report::EvidenceFile;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use protocol::{CameraState, Chance, Clock, IncidentId, SystemClock};
use world::rtsp::{Cameras, Clip, Codec};
use world::scene::Scene;
use world::wait::until;

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
    clip_of(codec, bframes, 320)
}

fn clip_of(codec: Codec, bframes: u32, width: u32) -> Arc<Clip> {
    let folder = tempfile::tempdir().unwrap();
    let mp4 = folder.path().join("a.mp4");
    Scene { width, height: width * 9 / 16, bframes, ..Scene::standard(3, 1) }.generate(&mp4).unwrap();
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

/// Of the machine, not of what is tested.
const PATIENCE: Duration = Duration::from_secs(60);

fn watch(cameras: &Cameras, mount: &str) -> CameraHandle {
    let mut config = CameraConfig::new(mount.parse().unwrap(), cameras.url(mount));
    (config.pre_roll_s, config.post_roll_s) = (5, 1);
    boxes::spawn(config, Arc::new(SystemClock::new())).unwrap()
}

async fn becomes(camera: &CameraHandle, state: CameraState) {
    let what = format!("{} to be {state:?}", camera.id());
    until(PATIENCE, &what, async || Ok((camera.health().state == state).then_some(()))).await.unwrap();
}

/// A camera that hangs, connected and silent, is given up after five seconds with the reason, while its neighbour
/// notices nothing; when it sends again it is back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_hung_camera_is_left_and_found_again() {
    let cameras = Cameras::listen("127.0.0.1", 0).unwrap();
    cameras.add("gate", clip(Codec::H264, 0));
    cameras.add("lane", clip(Codec::H264, 0));
    let (gate, lane) = (watch(&cameras, "gate"), watch(&cameras, "lane"));
    becomes(&gate, CameraState::Running).await;
    becomes(&lane, CameraState::Running).await;
    let since = lane.health().since;
    cameras.freeze("gate");
    becomes(&gate, CameraState::Lost).await;
    let reason = gate.health().reason.unwrap();
    assert!(reason.contains("5 s"), "{reason}");
    let before = lane.ring().stats();
    cameras.start("gate").unwrap();
    becomes(&gate, CameraState::Running).await;
    assert_eq!(gate.ring().stats().gaps, 2, "the start and the silence");
    let after = lane.ring().stats();
    assert!(after.units > before.units && after.gaps == 1, "{before:?}, {after:?}");
    assert_eq!(lane.health().since, since);
}

/// Video arrives from which no picture can be decoded: the camera says so, and stops saying so when it can again.
#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_cannot_be_decoded_says_so() {
    let cameras = Cameras::listen("127.0.0.1", 0).unwrap();
    let sound = clip(Codec::H264, 0);
    cameras.add("gate", Arc::new(sound.broken()));
    let gate = watch(&cameras, "gate");
    until(PATIENCE, "words", async || {
        let health = gate.health();
        let told = health.reason.is_some_and(|reason| reason.contains("no picture can be decoded"));
        Ok((health.state == CameraState::Running && told).then_some(()))
    })
    .await
    .unwrap();
    assert_eq!(gate.counted().decoded, 0);
    let counted = gate.counted();
    assert!(counted.undecoded > 60, "video does arrive: {counted:?}");
    cameras.retune("gate", sound);
    frame_of(&gate, 320).await;
    until(PATIENCE, "no more words", async || Ok(gate.health().reason.is_none().then_some(())))
        .await
        .unwrap();
}

/// The next frame whose width is as given.
async fn frame_of(camera: &CameraHandle, width: usize) -> Frame {
    let what = format!("a frame {width} wide");
    until(PATIENCE, &what, async || Ok(camera.frames().try_take().filter(|f| f.picture.width == width)))
        .await
        .unwrap()
}

async fn seconds_kept(camera: &CameraHandle, seconds: u64) {
    let units = seconds * 12;
    until(
        PATIENCE,
        "some seconds of video",
        async || Ok((camera.ring().stats().units > units).then_some(())),
    )
    .await
    .unwrap();
}

/// Pictures and their width, as a player that knows nothing of us shows them.
fn played(file: &EvidenceFile) -> Vec<i32> {
    let line = format!("filesrc location={} ! decodebin ! appsink name=out sync=false", file.path.display());
    let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut widths = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        widths.push(sample.caps().unwrap().structure(0).unwrap().get("width").unwrap());
    }
    let failed = pipeline.bus().unwrap().pop_filtered(&[gst::MessageType::Error]);
    pipeline.set_state(gst::State::Null).unwrap();
    assert!(failed.is_none(), "{failed:?}");
    widths
}

struct Evidence {
    recorder: Recorder,
    clock: Arc<SystemClock>,
    _folder: tempfile::TempDir,
}

impl Evidence {
    fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(SystemClock::new()));
        let recorder = Recorder::new(folder.path().to_owned(), clock.clone()).unwrap();
        Self { recorder, clock, _folder: folder }
    }

    fn open(&self, camera: &CameraHandle, frame: &Frame) -> edge_agent::evidence::Opening {
        let incident = IncidentId::new(&Chance::from_os(), self.clock.now());
        self.recorder.open(incident, &camera.view(), frame, frame.captured_at, None)
    }
}

/// Somebody sets another resolution, then another codec: frames go on in each, and the clip of an incident shows
/// its own moment, in one format that plays.
#[tokio::test(flavor = "multi_thread")]
async fn a_camera_may_change_its_format() {
    let cameras = Cameras::listen("127.0.0.1", 0).unwrap();
    cameras.add("gate", clip(Codec::H264, 0));
    let evidence = Evidence::new();
    let gate = watch(&cameras, "gate");
    seconds_kept(&gate, 1).await;
    let frame = frame_of(&gate, 320).await;
    let opening = evidence.open(&gate, &frame);
    cameras.retune("gate", clip_of(Codec::H264, 0, 480));
    let next = frame_of(&gate, 480).await;
    opening.end.at(next.captured_at);
    let clip = opening.clip.finished().await.unwrap();
    let widths = played(&clip);
    assert!(widths.len() >= 12 && widths.iter().all(|w| *w == 320), "{widths:?}");
    assert_eq!(gate.ring().stats().gaps, 1, "the session went on");

    cameras.retune("gate", clip_of(Codec::H265, 0, 640));
    let frame = frame_of(&gate, 640).await;
    let opening = evidence.open(&gate, &frame);
    opening.end.at(frame.captured_at.plus_ms(1_000));
    let clip = opening.clip.finished().await.unwrap();
    let widths = played(&clip);
    assert!(widths.len() >= 12 && widths.iter().all(|w| *w == 640), "{widths:?}");
    let snapshot = opening.snapshot.finished().await.unwrap();
    assert_eq!(image::open(&snapshot.path).unwrap().width(), 640);
}

/// The connection breaks in the middle of an incident and comes back: one clip shows what was before and after.
#[tokio::test(flavor = "multi_thread")]
async fn a_clip_goes_on_after_a_reconnection() {
    let cameras = Cameras::listen("127.0.0.1", 0).unwrap();
    cameras.add("gate", clip(Codec::H264, 2));
    let evidence = Evidence::new();
    let gate = watch(&cameras, "gate");
    until(PATIENCE, "three seconds", async || Ok((gate.ring().stats().units > 36).then_some(())))
        .await
        .unwrap();
    let frame = frame_of(&gate, 320).await;
    let opening = evidence.open(&gate, &frame);
    cameras.kill("gate");
    becomes(&gate, CameraState::Lost).await;
    becomes(&gate, CameraState::Running).await;
    let next = frame_of(&gate, 320).await;
    opening.end.at(next.captured_at.plus_ms(1_000));
    let clip = opening.clip.finished().await.unwrap();
    let (from, to) = (clip.evidence.starts_at, clip.evidence.duration_ms.unwrap() as i64);
    assert!(frame.captured_at.since_ms(from) >= 2_000, "the part before the cut is there");
    assert!(from.plus_ms(to) > next.captured_at, "the part after it too");
    let shown = played(&clip).len();
    assert!(shown >= 48, "{shown} pictures");
}

/// A ball that swings from side to side once in eight seconds, in a picture of this width.
fn ball(width: u32) -> Arc<Clip> {
    gst::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mp4 = folder.path().join("ball.mp4");
    let line = format!(
        "videotestsrc pattern=ball num-buffers=200 ! video/x-raw,format=I420,width={width},height={},framerate=25/1 \
         ! x264enc speed-preset=ultrafast tune=zerolatency key-int-max=25 ! mp4mux ! filesink location={}",
        width * 9 / 16,
        mp4.display()
    );
    let pipeline = gst::parse::launch(&line).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let end = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(60), &ends).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(end.type_(), gst::MessageType::Eos);
    Arc::new(Clip::load(&mp4, Codec::H264).unwrap())
}

/// Where the ball is, between its leftmost place (0) and its rightmost (1): its radius is 20 pixels in every size.
fn place(luma: &[u8], width: usize) -> f64 {
    let bright: Vec<f64> =
        luma.iter().enumerate().filter(|(_, y)| **y > 128).map(|(at, _)| (at % width) as f64).collect();
    assert!(!bright.is_empty(), "no ball");
    (bright.iter().sum::<f64>() / bright.len() as f64 - 20.0) / (width as f64 - 40.0)
}

/// With a main and a sub stream the small one is analysed and the large one kept; the snapshot of an incident is a
/// large picture of the same moment. When the sub stream goes the main one is analysed, when the main one goes the sub
/// one is kept, and each says so; both come back. (Its half a minute is real time: losses have to be believed first.)
#[tokio::test(flavor = "multi_thread")]
async fn each_stream_stands_in_for_the_other() {
    let cameras = Cameras::listen("127.0.0.1", 0).unwrap();
    cameras.add("gate", ball(640));
    cameras.add("gate-sub", ball(320));
    let mut config = CameraConfig::new("gate".parse().unwrap(), cameras.url("gate"));
    config.sub_url = Some(boxes::Address::new(cameras.url("gate-sub")));
    config.analysis_fps = 12.5;
    let gate = boxes::spawn(config, Arc::new(SystemClock::new())).unwrap();
    let evidence = Evidence::new();
    until(PATIENCE, "both streams", async || {
        let health = gate.health();
        Ok((health.state == CameraState::Running
            && health.notice.is_none()
            && gate.ring().newest_us().is_some())
        .then_some(()))
    })
    .await
    .unwrap();
    // The first seconds of a session are still finding their time.
    until(PATIENCE, "four seconds", async || Ok((gate.ring().stats().units > 100).then_some(())))
        .await
        .unwrap();
    let mut apart = Vec::new();
    for _ in 0..3 {
        let frame = frame_of(&gate, 320).await;
        let file = evidence.recorder.snapshot(&gate.view(), &frame, None).finished().await.unwrap();
        let shown = image::open(&file.path).unwrap().to_luma8();
        assert_eq!(shown.width(), 640, "of the main stream");
        assert!(file.evidence.starts_at.since_ms(frame.captured_at).abs() <= 40, "the nearest picture");
        apart.push(place(shown.as_raw(), 640) - place(&frame.picture.y, 320));
    }
    // At most 0.39 of the way per second: a tenth is a quarter of a second.
    println!("ball of the snapshot beside the analysed one: {apart:.3?} of the way");
    assert!(apart.iter().all(|far| far.abs() < 0.1), "{apart:?}");
    assert_eq!(gate.analysed(), boxes::Role::Sub);
    let decoded = gate.counted();
    assert!(decoded.decoded < decoded.units + 60, "the main stream is not decoded: {decoded:?}");

    cameras.stop("gate-sub");
    frame_of(&gate, 640).await;
    let health = gate.health();
    assert_eq!(health.state, CameraState::Running);
    assert!(health.notice.unwrap().contains("the main stream is analysed"));
    cameras.start("gate-sub").unwrap();
    let back = frame_of(&gate, 320).await;
    until(PATIENCE, "no more words", async || Ok(gate.health().notice.is_none().then_some(())))
        .await
        .unwrap();

    cameras.stop("gate");
    until(PATIENCE, "words", async || Ok(gate.health().notice)).await.unwrap();
    until(PATIENCE, "the sub stream in the ring", async || {
        Ok(gate.ring().last_group().first().filter(|unit| unit.format.width == 320).map(drop))
    })
    .await
    .unwrap();
    assert_eq!(gate.health().state, CameraState::Running);
    cameras.start("gate").unwrap();
    until(PATIENCE, "the main stream in the ring", async || {
        Ok(gate.ring().last_group().first().filter(|unit| unit.format.width == 640).map(drop))
    })
    .await
    .unwrap();
    assert_eq!(gate.ring().stats().gaps, 3, "the start, and each change");
    assert!(frame_of(&gate, 320).await.captured_at > back.captured_at);
}

/// How often a camera is lost in the test below; `deploy/soak.sh` says more.
fn disconnections() -> u64 {
    std::env::var("SHAODIAN_DISCONNECTIONS").ok().and_then(|v| v.parse().ok()).unwrap_or(4)
}

/// However a camera goes (its connections are cut; it is off for a while, with the port taken or free), it is there
/// again once it can be: prints how long that took from its return to the first picture kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_camera_is_back_soon() {
    let (rounds, seed) = (disconnections(), 20_261_128);
    let chance = Chance::seeded(seed);
    let clock = SystemClock::new();
    let clip = clip(Codec::H264, 0);
    let mut cameras = Some(Cameras::listen("127.0.0.1", 0).unwrap());
    let port = cameras.as_ref().unwrap().port();
    cameras.as_ref().unwrap().add("gate", Arc::clone(&clip));
    let gate = watch(cameras.as_ref().unwrap(), "gate");
    becomes(&gate, CameraState::Running).await;
    let mut took_ms = Vec::new();
    for round in 0..rounds {
        let gaps = gate.ring().stats().gaps;
        match round % 3 {
            0 => cameras.as_ref().unwrap().kill("gate"),
            1 => {
                cameras.as_ref().unwrap().stop("gate");
                becomes(&gate, CameraState::Lost).await;
                tokio::time::sleep(Duration::from_millis(chance.below(4_000))).await;
                cameras.as_ref().unwrap().start("gate").unwrap();
            }
            _ => {
                drop(cameras.take());
                becomes(&gate, CameraState::Lost).await;
                tokio::time::sleep(Duration::from_millis(chance.below(8_000))).await;
                let back = Cameras::listen("127.0.0.1", port).unwrap();
                back.add("gate", Arc::clone(&clip));
                cameras = Some(back);
            }
        }
        let back_ms = clock.uptime_ms();
        until(PATIENCE, "its return", async || Ok((gate.ring().stats().gaps > gaps).then_some(())))
            .await
            .unwrap();
        took_ms.push(clock.uptime_ms() - back_ms);
    }
    took_ms.sort_unstable();
    let at = |share: usize| took_ms[(took_ms.len() * share / 100).min(took_ms.len() - 1)];
    println!(
        "reconnections {rounds} of seed {seed}: p50 {} ms, p95 {} ms, longest {} ms",
        at(50),
        at(95),
        at(100)
    );
}
