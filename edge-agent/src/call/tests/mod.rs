//! What the tap does between its stations, where sockets cannot be made to meet the moment.

mod alarms;
mod offers;
mod release;

use std::sync::Arc;
use std::time::Duration;

use protocol::{Direction, IncidentId, Leg, ManualClock, Subject, Transcript, UtcMs};
use tokio::time::timeout;

use super::*;
use crate::report::Report;
use leg::{Arrival, LegRecorder, LegState};
use record::Record;

const NOW: UtcMs = UtcMs(1_800_000_000_000);

struct Box {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    tap: Arc<CallTap>,
    reports: mpsc::Receiver<Handover>,
}

fn tap_on(dir: &std::path::Path, clock: &Arc<ManualClock>) -> (Arc<CallTap>, mpsc::Receiver<Handover>) {
    tap_telling(dir, clock, mpsc::channel(1).0)
}

/// One whose words of running calls go to `live`.
fn tap_telling(
    dir: &std::path::Path,
    clock: &Arc<ManualClock>,
    live: mpsc::Sender<LiveCall>,
) -> (Arc<CallTap>, mpsc::Receiver<Handover>) {
    let (sender, reports) = mpsc::channel(64);
    let deps = Deps {
        clock: clock.clone(),
        chance: Arc::new(Chance::from_os()),
        data_dir: dir.to_owned(),
        silero: None,
        model_dirs: Vec::new(),
        program: PathBuf::from("no-program"),
        reports: sender,
        live,
        hub_key: Arc::new(HubKey::without_hub()),
        disk_reserve_bytes: 0,
    };
    (CallTap::new(CallConfig::default(), deps).unwrap(), reports)
}

impl Box {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let (tap, reports) = tap_on(dir.path(), &clock);
        Self { dir, clock, tap, reports }
    }

    /// A leg on disk, as a connection begins it.
    fn leg(&self, socket: u128, run: Uuid, started_at: UtcMs) -> LegState {
        let incident_id = IncidentId::new(&self.tap.chance, self.clock.now());
        LegState {
            name: incident_id.to_string(),
            incident_id,
            socket: Uuid::from_u128(socket),
            role: Leg::Caller,
            announced: Announcement::default(),
            started_at,
            starts_at_ms: 0,
            run,
            rate_hz: None,
            ended: false,
        }
    }

    fn record(&self, state: LegState, samples: usize) -> LegRecorder {
        let folder = self.tap.ledger.archive.legs();
        let mut recorder = LegRecorder::create(&folder, state, Some(Method::Earshot)).unwrap();
        if samples > 0 {
            let sound = Arrival { at_ms: 0, rate_hz: 8_000, samples: vec![7; samples] };
            recorder.append(vec![sound]).unwrap();
        }
        recorder
    }

    fn legs_on_disk(&self) -> usize {
        std::fs::read_dir(self.tap.ledger.archive.legs()).unwrap().count()
    }

    /// A filed call with speech, as it waits for words.
    async fn filed(&mut self, socket: u128) -> Record {
        self.filed_with(socket, 8_000).await
    }

    async fn filed_with(&mut self, socket: u128, samples: usize) -> Record {
        let finished = self.record(self.leg(socket, self.tap.run, NOW), samples).finish(None).unwrap();
        let call_id = CallId(Uuid::from_u128(socket));
        let finished = FinishedLeg { spans: Some(vec![Span { start_ms: 100, end_ms: 900 }]), ..finished };
        self.tap.file(call_id, vec![finished], live::Said::default()).await;
        let id = *self.tap.ledger.unsent().last().unwrap();
        self.tap.ledger.archive.load(id).unwrap()
    }

    /// Hands over, committing what comes.
    async fn commit_all(&mut self) -> Vec<Report> {
        let handing = reconcile::hand_over(&self.tap);
        tokio::pin!(handing);
        let mut reports = Vec::new();
        loop {
            tokio::select! {
                () = &mut handing => return reports,
                Some(handover) = self.reports.recv() => {
                    reports.push(handover.report.clone());
                    handover.committed();
                }
            }
        }
    }
}

fn call_of(report: &Report) -> &protocol::CallSubject {
    let Subject::Call(call) = &report.incident.subject else { panic!("not a call: {report:?}") };
    call
}

/// Where the running call is heard the recorder looks for no speech: it is what was heard, or, where that is not known, what the
/// leg's file tells, the same as a recorder that looks for it finds.
#[test]
fn speech_is_looked_for_once() {
    let site = Box::new();
    let toys = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech/hello-8k.wav");
    let mut wav = hound::WavReader::open(toys).unwrap();
    let samples = wav.samples().collect::<Result<Vec<i16>, _>>().unwrap();
    let record = |socket, method| {
        let folder = site.tap.ledger.archive.legs();
        let state = site.leg(socket, site.tap.run, NOW);
        let mut recorder = LegRecorder::create(&folder, state, method).unwrap();
        recorder.append(vec![Arrival { at_ms: 0, rate_hz: 8_000, samples: samples.clone() }]).unwrap();
        recorder.finish(None).unwrap()
    };
    let looked = record(1, Some(Method::Earshot)).spans.unwrap();
    assert!(!looked.is_empty());
    let mut unheard = record(2, None);
    assert_eq!(unheard.spans, None);
    unheard.settle_speech(None, &Method::Earshot);
    assert_eq!(unheard.spans, Some(looked));
    let mut heard = record(3, None);
    let words = [Span { start_ms: 20, end_ms: 40 }];
    heard.settle_speech(Some(&words), &Method::Earshot);
    assert_eq!(heard.spans.as_deref(), Some(&words[..]));
}

/// A leg that connects while the recovery waits for the disk is no leg left behind: nothing is filed, its file stays.
#[test]
fn recovery_leaves_a_connecting_leg_alone() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let site = Box::new();
        // The only thread for disk work is busy until told otherwise.
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || wait.recv());
        let recovery = site.tap.recover();
        tokio::pin!(recovery);
        assert!(timeout(Duration::from_millis(20), &mut recovery).await.is_err(), "it waits for the disk");
        let state = site.leg(1, site.tap.run, NOW);
        lock(&site.tap.live_legs).insert(1, state.name.clone());
        let recorder = site.record(state, 800);
        go.send(()).unwrap();
        recovery.await;
        busy.await.unwrap().unwrap();
        assert_eq!(site.tap.ledger.unsent(), vec![]);
        assert_eq!(site.legs_on_disk(), 2, "state and samples");
        drop(recorder);
        // The same leg, when nobody owns it any more, is filed.
        lock(&site.tap.live_legs).clear();
        site.tap.recover().await;
        assert_eq!((site.tap.ledger.unsent().len(), site.legs_on_disk()), (1, 0));
    });
}

/// A leg whose recorder failed in mid-call is part of its call: one incident names both sides, and the next recovery
/// finds nothing to make a second one of.
#[tokio::test]
async fn a_failed_recorder_makes_no_second_incident() {
    let site = Box::new();
    for (id, role) in [(1, Leg::Caller), (2, Leg::Operator)] {
        let opened = lock(&site.tap.registry).open(Uuid::from_u128(5), 8, 0).unwrap();
        assert_eq!(opened, id);
        let state = LegState { role, ..site.leg(5, site.tap.run, NOW) };
        lock(&site.tap.live_legs).insert(id, state.name.clone());
        let recorder = site.record(state, 8_000);
        if role == Leg::Caller {
            let finished = recorder.finish(None).unwrap();
            lock(&site.tap.finished).insert(id, finished);
        }
        lock(&site.tap.registry).close(id, 0);
    }
    site.tap.file_ended(0).await;
    site.tap.recover().await;
    let ids = site.tap.ledger.unsent();
    assert_eq!(ids.len(), 1);
    let record = site.tap.ledger.archive.load(ids[0]).unwrap();
    let Subject::Call(call) = &record.incident.subject else { panic!("not a call") };
    assert_eq!(call.legs, [Leg::Caller, Leg::Operator]);
    assert_eq!(site.legs_on_disk(), 0);
}

/// A call is done with only when the outbox has committed it, however long that takes: until then every start hands
/// it over again, with its recording.
#[tokio::test]
async fn only_a_commit_takes_a_call_off_the_list() {
    let mut site = Box::new();
    let record = site.filed(1).await;
    for _ in 0..2 {
        let tap = Arc::clone(&site.tap);
        let handing = reconcile::hand_over(&tap);
        tokio::pin!(handing);
        let taken = tokio::select! {
            () = &mut handing => panic!("done without a commit"),
            taken = site.reports.recv() => taken.unwrap(),
        };
        assert_eq!((taken.report.incident.clone(), taken.report.files.len()), (record.incident.clone(), 1));
        // The writer keeps it for a long time, then the box loses power.
        assert!(timeout(Duration::from_millis(50), &mut handing).await.is_err());
        drop(taken);
        let (tap, reports) = tap_on(site.dir.path(), &site.clock);
        tap.ledger.load();
        (site.tap, site.reports) = (tap, reports);
    }
    assert_eq!(site.commit_all().await.len(), 1);
    let (tap, _reports) = tap_on(site.dir.path(), &site.clock);
    tap.ledger.load();
    assert_eq!((tap.ledger.unsent(), tap.ledger.wordless()), (vec![], vec![record.incident.incident_id]));
}

/// Without a speech model a call stops waiting when its recording is gone, says so once, and is forgotten.
#[tokio::test]
async fn calls_without_words_end_with_their_recording() {
    let mut site = Box::new();
    let record = site.filed(1).await;
    site.commit_all().await;
    site.tap.expire().await;
    assert_eq!(site.tap.ledger.wordless_count(), 1, "the recording is still there");
    let recording = record.recording.unwrap();
    std::fs::remove_file(site.tap.ledger.archive.recordings().join(recording)).unwrap();
    site.tap.expire().await;
    let reports = site.commit_all().await;
    assert_eq!((reports.len(), reports[0].incident.revision), (1, 2));
    let Transcript::Failed { reason } = &call_of(&reports[0]).transcript else { panic!("{reports:?}") };
    assert!(reason.contains("recording"), "{reason}");
    site.tap.expire().await;
    assert!(!site.tap.ledger.archive.holds(record.incident.incident_id));
    assert_eq!((site.tap.ledger.wordless_count(), site.commit_all().await.len()), (0, 0));
}

/// What the exchange tells after a call was filed is a further revision; it fills in what was not known, and nothing
/// else; a word that changes nothing makes no revision.
#[tokio::test]
async fn a_late_word_becomes_known() {
    let mut site = Box::new();
    let record = site.filed(9).await;
    site.commit_all().await;
    let socket = Uuid::from_u128(9);
    let told = Announcement {
        caller_masked: Some("138****1234".into()),
        direction: Some(Direction::Outbound),
        ..Default::default()
    };
    assert!(site.tap.told_after_filing(socket, told.clone()).await.unwrap());
    let later = Announcement {
        caller_masked: Some("139****0000".into()),
        seat: Some("8001".into()),
        direction: Some(Direction::Inbound),
        ..Default::default()
    };
    let [report] = &site.commit_all().await[..] else { panic!("one revision") };
    assert_eq!((report.incident.revision, report.files.len()), (2, 0));
    assert_eq!(report.incident.incident_id, record.incident.incident_id);
    assert_eq!(call_of(report).caller_masked.as_deref(), Some("138****1234"));
    assert_eq!(call_of(report).direction, Direction::Outbound);
    assert!(site.tap.told_after_filing(socket, later.clone()).await.unwrap());
    assert!(site.tap.told_after_filing(socket, later).await.unwrap());
    let [report] = &site.commit_all().await[..] else { panic!("one revision") };
    assert_eq!(report.incident.revision, 3);
    assert_eq!(call_of(report).caller_masked.as_deref(), Some("138****1234"));
    assert_eq!(call_of(report).seat.as_deref(), Some("8001"));
    assert_eq!(call_of(report).direction, Direction::Outbound);
    assert!(!site.tap.told_after_filing(Uuid::from_u128(10), told).await.unwrap());
}

/// Legs that two runs of the box left behind share no uptime; days apart by the wall clock, they make a recording no
/// longer than a call may be, not one of days of silence.
#[tokio::test]
async fn legs_of_two_runs_make_no_endless_recording() {
    let site = Box::new();
    let config = CallConfig { max_call_minutes: 1, ..CallConfig::default() };
    let legs =
        [(Uuid::from_u128(1), NOW), (Uuid::from_u128(2), NOW.plus_ms(3 * 86_400_000))].map(|(run, at)| {
            let mut leg = site.record(site.leg(3, run, at), 8_000).finish(None).unwrap();
            // The second run's uptime is that of a box that has run for days.
            leg.state.starts_at_ms = if at == NOW { 500 } else { 200_000_000 };
            leg
        });
    let filed = filing::file(
        &site.tap.ledger,
        &config,
        CallId(Uuid::from_u128(3)),
        legs.into(),
        &live::Said::default(),
        &site.tap.screener,
        NOW,
    )
    .unwrap()
    .unwrap();
    let Subject::Call(call) = &filed.incident.subject else { panic!("not a call") };
    assert!((1_000..=60_000).contains(&call.duration_ms), "{} ms", call.duration_ms);
}
