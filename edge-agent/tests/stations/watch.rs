//! A watched camera that goes dark, on a clock that the test moves ahead: told once, after its time, and ended when
//! the picture is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::common::{eventually, free_port, voice, waiting};
use crate::media::{RtspCamera, Stream};
use edge_agent::camera::{self, CameraConfig};
use edge_agent::detector::{DetectError, DetectorStation};
use edge_agent::evidence::Recorder;
use edge_agent::memory::Memory;
use edge_agent::outbox::{Outbox, OutboxConfig};
use edge_agent::rules::{RuleConfig, RuleKind};
use edge_agent::watch::{Deps, Watch};
use protocol::{
    CameraState, Chance, Clock, Event, Incident, IncidentKind, Phase, Subject, SystemClock, UtcMs,
};
use tempfile::TempDir;

/// The machine's clock, some way ahead.
#[derive(Debug)]
struct Ahead {
    clock: SystemClock,
    ahead_ms: AtomicI64,
}

impl Clock for Ahead {
    fn now(&self) -> UtcMs {
        self.clock.now().plus_ms(self.ahead_ms.load(Ordering::SeqCst))
    }

    fn uptime_ms(&self) -> u64 {
        self.clock.uptime_ms() + self.ahead_ms.load(Ordering::SeqCst) as u64
    }
}

struct Bench {
    _dir: TempDir,
    clock: Arc<Ahead>,
    outbox: Outbox,
    watch: Watch,
}

impl Bench {
    async fn start(url: &str) -> Self {
        Self::watching(CameraConfig::new("gate".parse().unwrap(), url), &[]).await
    }

    async fn watching(config: CameraConfig, rules: &[RuleConfig]) -> Self {
        camera::init().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Ahead { clock: SystemClock::new(), ahead_ms: AtomicI64::new(0) });
        let chance = Arc::new(Chance::seeded(1));
        let voice = voice(clock.clone(), chance.clone());
        let (outbox, _) = Outbox::open(dir.path(), OutboxConfig::default(), voice).await.unwrap();
        let recorder = Arc::new(Recorder::new(outbox.evidence_dir().to_owned(), clock.clone()).unwrap());
        let memory = Arc::new(Memory::open(dir.path(), &[]).unwrap());
        let deps = Deps { outbox: outbox.clone(), recorder, memory, clock: clock.clone(), chance };
        let detector = DetectorStation::start(clock.clone(), Box::new(|| Err(DetectError::Off))).unwrap();
        let handle = camera::spawn(config, clock.clone()).unwrap();
        let watch = Watch::start(handle, rules, detector.client("gate".parse().unwrap()), &deps).unwrap();
        Self { _dir: dir, clock, outbox, watch }
    }

    fn state(&self) -> CameraState {
        self.watch.camera.health().state
    }

    async fn incidents(&self) -> Vec<Incident> {
        let waiting = waiting(&self.outbox).await.into_iter();
        waiting
            .filter_map(|envelope| match envelope.event {
                Event::Incident(incident) => Some(incident),
                _ => None,
            })
            .collect()
    }
}

/// A camera that breaks off is an incident after half a minute, not before, with the reason; it ends when the picture
/// is back. Frames that were analysed are counted.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_camera_is_told_and_ended() {
    let server = RtspCamera::serve(&Stream::h264(0));
    let port = server.port;
    let bench = Bench::start(&server.url()).await;
    eventually!("the camera", bench.state() == CameraState::Running);
    eventually!("analysed frames", bench.watch.analysed.load(Ordering::Relaxed) >= 5);
    drop(server);
    eventually!("the loss", bench.state() == CameraState::Lost);
    assert!(bench.incidents().await.is_empty(), "not at once: cameras stumble");
    let (lost_at, before) = (bench.clock.now(), bench.clock.ahead_ms.fetch_add(31_000, Ordering::SeqCst));
    assert_eq!(before, 0);
    eventually!("the incident", !bench.incidents().await.is_empty());
    let opened = bench.incidents().await.remove(0);
    assert_eq!((opened.kind, opened.phase, opened.revision), (IncidentKind::CameraLost, Phase::Opened, 1));
    assert!(opened.started_at.since_ms(lost_at) < 5_000, "since the loss, not since its telling");
    let Subject::Camera(subject) = &opened.subject else { panic!("{:?}", opened.subject) };
    assert!(subject.camera_id.as_str() == "gate" && !subject.method.is_empty());

    let _back = RtspCamera::serve_at(&Stream::h264(0), port);
    eventually!("the end", bench.incidents().await.len() == 2);
    let ended = bench.incidents().await.remove(1);
    assert_eq!((ended.incident_id, ended.phase, ended.revision), (opened.incident_id, Phase::Ended, 2));
    assert_eq!(bench.state(), CameraState::Running);
    bench.watch.stop(edge_agent::watch::END).await;
}

/// Somebody pulls the plug in the middle of an incident: the clip of the moment, up to its last picture, is made and in
/// the outbox while the camera is gone, and when it is back it is watched on.
#[tokio::test(flavor = "multi_thread")]
async fn the_moment_of_unplugging_is_kept() {
    let server = RtspCamera::serve(&Stream::h264(0));
    let port = server.port;
    let mut config = CameraConfig::new("gate".parse().unwrap(), server.url());
    (config.pre_roll_s, config.post_roll_s, config.clip_max_s) = (5, 1, 4);
    let rule = RuleConfig::whole_picture("yard".parse().unwrap(), RuleKind::Intrusion);
    let bench = Bench::watching(config, &[rule]).await;
    let intrusions = async || {
        let mut told = bench.incidents().await;
        told.retain(|incident| incident.kind == IncidentKind::Intrusion);
        told
    };
    eventually!("an incident", !intrusions().await.is_empty());
    let opened = intrusions().await.remove(0);
    drop(server);
    eventually!("the loss", bench.state() == CameraState::Lost);
    let last = bench.watch.camera.ring().newest_us().unwrap() / 1_000;
    let clip_of = |told: &[Incident]| -> Option<protocol::Evidence> {
        let own = told.iter().filter(|incident| incident.incident_id == opened.incident_id);
        own.flat_map(|incident| &incident.evidence).find(|e| e.kind == protocol::EvidenceKind::Clip).cloned()
    };
    eventually!("the clip", clip_of(&intrusions().await).is_some());
    assert_eq!(bench.state(), CameraState::Lost, "made while the camera is gone");
    let clip = clip_of(&intrusions().await).unwrap();
    let end = clip.starts_at.plus_ms(clip.duration_ms.unwrap() as i64);
    assert!(
        clip.starts_at < opened.started_at && (end.0 - last).abs() <= 100,
        "{clip:?}, last picture {last}"
    );
    let file = bench.outbox.evidence_dir().join(format!("{}.mp4", clip.sha256));
    assert!(crate::media::decode(&file).len() >= 25, "it plays");

    let _back = RtspCamera::serve_at(&Stream::h264(0), port);
    let analysed = bench.watch.analysed.load(Ordering::Relaxed);
    eventually!("frames again", bench.watch.analysed.load(Ordering::Relaxed) >= analysed + 5);
    bench.watch.stop(edge_agent::watch::END).await;
}

/// A camera that was never reached is told as well; a watch that is stopped leaves nothing open behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_never_came_is_told() {
    let port = free_port();
    let mut bench = Bench::start(&format!("rtsp://127.0.0.1:{port}/live")).await;
    eventually!("a reason", bench.watch.camera.health().reason.is_some());
    bench.clock.ahead_ms.store(31_000, Ordering::SeqCst);
    eventually!("the incident", bench.incidents().await.len() == 1);
    let nowhere = Bench::start("/nowhere/x.mp4").await.watch;
    std::mem::replace(&mut bench.watch, nowhere).stop(edge_agent::watch::END).await;
    let told = bench.incidents().await;
    assert_eq!(told.iter().map(|i| i.phase).collect::<Vec<_>>(), [Phase::Opened, Phase::Ended]);
    assert_eq!(bench.outbox.end_left_open().await.unwrap(), []);
}
