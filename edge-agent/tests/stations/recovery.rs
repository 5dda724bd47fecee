//! What a killed run left unfinished is finished by the next: ended, with the files that its spools give, the rest
//! explained. And nothing is left behind by a camera that is stopped while the box goes on.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{origin, voice};
use edge_agent::camera::{self, CameraConfig, CameraHandle, Polygon};
use edge_agent::detector::{DetectError, DetectorStation};
use edge_agent::evidence::Recorder;
use edge_agent::memory::Memory;
use edge_agent::outbox::{Outbox, OutboxConfig};
use edge_agent::recovery::Recovery;
use edge_agent::report::Report;
use edge_agent::rules::{RuleConfig, RuleKind};
use edge_agent::watch::{Deps, Watch};
use protocol::{
    Chance, Clock, Envelope, Event, EvidenceKind, Incident, IncidentId, Phase, Severity, SystemClock,
};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const WAIT: Duration = Duration::from_secs(120);

/// Waits for a condition with a bound.
macro_rules! eventually {
    ($what:expr, $condition:expr) => {
        let mut left = WAIT.as_millis() / 50;
        while !$condition {
            left -= 1;
            assert!(left > 0, "not within {WAIT:?}: {}", $what);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
}

struct Bench {
    dir: TempDir,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    outbox: Outbox,
    recorder: Arc<Recorder>,
}

impl Bench {
    async fn new() -> Self {
        camera::init().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let chance = Arc::new(Chance::seeded(1));
        let (outbox, recorder) = Self::open(dir.path(), &clock, &chance).await;
        Self { dir, clock, chance, outbox, recorder }
    }

    async fn open(dir: &Path, clock: &Arc<dyn Clock>, chance: &Arc<Chance>) -> (Outbox, Arc<Recorder>) {
        let voice = voice(clock.clone(), chance.clone());
        let (outbox, _) = Outbox::open(dir, OutboxConfig::default(), voice).await.unwrap();
        let recorder = Recorder::new(outbox.evidence_dir().to_owned(), clock.clone()).unwrap();
        (outbox, Arc::new(recorder))
    }

    /// A camera with short rolls.
    fn camera(&self, masks: Vec<Polygon>) -> CameraHandle {
        let mut config = CameraConfig::new("gate".parse().unwrap(), "test://ball");
        (config.pre_roll_s, config.post_roll_s, config.masks) = (5, 1, masks);
        camera::spawn(config, self.clock.clone()).unwrap()
    }

    fn incident(&self) -> Incident {
        let now = self.clock.now();
        let id = IncidentId::new(&self.chance, now);
        let told = crate::common::incident(id, 1, Phase::Opened, Severity::Major);
        Incident { started_at: now, updated_at: now, ..told }
    }

    fn spools(&self) -> usize {
        std::fs::read_dir(self.outbox.evidence_dir().join("spool")).unwrap().count()
    }

    async fn told(&self) -> Vec<Event> {
        let mut told = Vec::new();
        for (_, id) in self.outbox.head(None, 1_000).await.unwrap() {
            let bytes = self.outbox.envelope(id).await.unwrap().unwrap();
            told.push(Envelope::decode(&bytes, &origin()).unwrap().event);
        }
        told
    }

    /// Revisions of one incident, and the losses that were told of it.
    async fn of(&self, id: IncidentId) -> (Vec<Incident>, Vec<String>) {
        let (mut revisions, mut losses) = (Vec::new(), Vec::new());
        for event in self.told().await {
            match event {
                Event::Incident(incident) if incident.incident_id == id => revisions.push(incident),
                Event::Tombstone(loss) if loss.incident_id == Some(id) => losses.push(loss.reason),
                _ => {}
            }
        }
        (revisions, losses)
    }

    /// Lets the database refuse every message, as a disk does that has no room.
    async fn refuse_messages(&self, refuse: bool) {
        let path = self.dir.path().join("outbox.sqlite");
        let mut db = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
        let sql = if refuse {
            "create trigger refuse before insert on message begin select raise(abort, 'no room'); end"
        } else {
            "drop trigger refuse"
        };
        sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    }
}

fn kinds(incident: &Incident) -> Vec<EvidenceKind> {
    incident.evidence.iter().map(|e| e.kind).collect()
}

/// Of two incidents that a killed run left open one had been spooled: it ends, and gets its snapshot and its clip; the
/// other ends, and its losses are told. All this although the disk takes no word at first: the box starts, and tries
/// again. Nothing is left open, no spool stays, and no number is given twice.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_is_finished_once_the_disk_takes_it() {
    let mut bench = Bench::new().await;
    let camera = bench.camera(vec![]);
    let frame = camera.frames().recv_timeout(Duration::from_secs(30)).expect("a frame");
    let (filmed, bare) = (bench.incident(), bench.incident());
    for incident in [&filmed, &bare] {
        let report = Report { incident: incident.clone(), files: Vec::new(), unfinished: true };
        bench.outbox.append(&report).await.unwrap();
    }
    let opening = bench.recorder.open(filmed.incident_id, &camera.view(), &frame, frame.captured_at, None);
    let spool = bench.outbox.evidence_dir().join(format!("spool/{}.spool", filmed.incident_id));
    eventually!("two seconds in the spool", {
        let reach = camera.ring().newest_us().is_some_and(|us| us / 1_000 > frame.captured_at.0 + 3_000);
        reach && std::fs::metadata(&spool).is_ok_and(|about| about.len() > 10_000)
    });
    // Killed here. What its folder holds is found by the next run.
    let found = std::fs::read(&spool).unwrap();
    drop(opening);
    camera.stop();
    bench.outbox.close().await;
    std::fs::write(&spool, found).unwrap();
    (bench.outbox, bench.recorder) = Bench::open(bench.dir.path(), &bench.clock, &bench.chance).await;

    bench.refuse_messages(true).await;
    let left = bench.outbox.end_left_open().await.expect("a box that cannot write starts");
    assert_eq!(left.iter().map(|i| i.phase).collect::<Vec<_>>(), [Phase::Opened; 2]);
    bench.recorder.forget_all_but(&left.iter().map(|i| i.incident_id).collect::<Vec<_>>());
    let recovery = Recovery {
        outbox: bench.outbox.clone(),
        recorder: bench.recorder.clone(),
        clock: bench.clock.clone(),
        left,
        again: Duration::from_millis(200),
    };
    let running = tokio::spawn(recovery.run(CancellationToken::new()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!running.is_finished());
    bench.refuse_messages(false).await;
    tokio::time::timeout(WAIT, running).await.expect("it comes to an end").unwrap();

    let (revisions, losses) = bench.of(filmed.incident_id).await;
    assert_eq!(losses, [""; 0]);
    let told: Vec<_> = revisions.iter().map(|i| (i.revision, i.phase, kinds(i))).collect();
    let (snapshot, clip) = (EvidenceKind::Snapshot, EvidenceKind::Clip);
    let expected = [
        (1, Phase::Opened, vec![]),
        (2, Phase::Ended, vec![]),
        (3, Phase::Ended, vec![snapshot]),
        (4, Phase::Ended, vec![snapshot, clip]),
    ];
    assert_eq!(told, expected);
    assert_eq!(revisions[3].ended_at, Some(filmed.updated_at), "as of its last word");

    let (revisions, losses) = bench.of(bare.incident_id).await;
    assert_eq!(revisions.iter().map(|i| i.phase).collect::<Vec<_>>(), [Phase::Opened, Phase::Ended]);
    assert_eq!(losses.len(), 2, "{losses:?}");
    assert!(losses.iter().all(|why| why.contains("went down before any of it was written")), "{losses:?}");
    assert_eq!(bench.outbox.end_left_open().await.unwrap(), []);
    assert_eq!(bench.spools(), 0);
}

/// A camera is stopped (its configuration changes) before its masked clip is made: stopping does not wait for it, the
/// clip comes all the same while the box runs, and nothing is left open for a next start.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_camera_loses_no_clip() {
    let bench = Bench::new().await;
    let detector = DetectorStation::start(bench.clock.clone(), Box::new(|| Err(DetectError::Off))).unwrap();
    let deps = Deps {
        outbox: bench.outbox.clone(),
        recorder: bench.recorder.clone(),
        memory: Arc::new(Memory::open(bench.dir.path(), &[]).unwrap()),
        clock: bench.clock.clone(),
        chance: bench.chance.clone(),
    };
    let rule = RuleConfig::whole_picture("yard".parse().unwrap(), RuleKind::Intrusion);
    let corner = vec![[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]];
    let handle = bench.camera(vec![corner]);
    let client = detector.client("gate".parse().unwrap());
    let watch = Watch::start(handle, &[rule], client, &deps).unwrap();
    eventually!("an intrusion", !bench.told().await.is_empty());
    let Event::Incident(opened) = bench.told().await.remove(0) else { panic!("not an incident") };
    let id = opened.incident_id;
    eventually!("its snapshot", bench.of(id).await.0.iter().any(|i| !i.evidence.is_empty()));
    watch.stop(Duration::ZERO).await;
    let clipped = |told: (Vec<Incident>, _)| told.0.iter().any(|i| kinds(i).contains(&EvidenceKind::Clip));
    assert!(!clipped(bench.of(id).await), "it waits for no clip");
    eventually!("its clip", clipped(bench.of(id).await));
    eventually!("its end", bench.of(id).await.0.last().unwrap().phase == Phase::Ended);
    assert!(bench.of(id).await.1.is_empty(), "no loss");
    eventually!("the end of its spool", bench.spools() == 0);
    assert_eq!(bench.outbox.end_left_open().await.unwrap(), []);
}
