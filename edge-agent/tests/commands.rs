//! What the hub asks of a box, with the box's real stations: a configuration is applied, refused or undone while the
//! cameras run; a still is masked; a recording goes when it is asked for. Every command is answered, once.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

mod media;

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use edge_agent::camera;
use edge_agent::command::Desk;
use edge_agent::config::{Config, in_force};
use edge_agent::evidence::Recorder;
use edge_agent::health::{Floor, Present};
use edge_agent::outbox::{Outbox, Voice};
use edge_agent::report::{EvidenceFile, Report};
use edge_agent::stations::{Site, Stations};
use protocol::{
    Answer, BootId, CallId, CallSubject, CameraId, CameraState, Chance, Clock, Command, CommandBody,
    CommandId, Delivery, Direction, Envelope, Event, Evidence, EvidenceKind, Incident, IncidentId,
    IncidentKind, Leg, Origin, Outcome, Phase, Receipt, ReceiptOutcome, Severity, Subject, SystemClock,
    Transcript, UtcMs,
};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const WAIT: Duration = Duration::from_secs(60);

/// Waits for a condition with a bound.
macro_rules! eventually {
    ($what:expr, $condition:expr) => {
        let mut left = WAIT.as_millis() / 20;
        while !$condition {
            left -= 1;
            assert!(left > 0, "not within {WAIT:?}: {}", $what);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
}

/// A box without its network: commands go in where the uplink would put them, answers are read from the outbox.
struct Bench {
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    floor: Floor,
    commands: mpsc::Sender<Command>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn synced() -> bool {
    true
}

impl Bench {
    async fn start(data_dir: &Path, toml: &str, trial: Duration) -> Self {
        camera::init().unwrap();
        let mut installed = Config::parse("edge.toml", toml, []).unwrap();
        installed.agent.data_dir = data_dir.to_owned();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let chance = Arc::new(Chance::from_os());
        let voice = Voice {
            origin: origin(),
            boot: BootId::new(&chance, clock.now()),
            clock: clock.clone(),
            chance: chance.clone(),
            clock_synced: synced,
        };
        let (outbox, _) = Outbox::open(data_dir, installed.outbox.clone(), voice).await.unwrap();
        let recorder = Arc::new(Recorder::new(outbox.evidence_dir().to_owned(), clock.clone()).unwrap());
        let floor = Floor::default();
        let (configure, mut configurations) = mpsc::channel(1);
        let (reports, mut reported) = mpsc::channel(64);
        tokio::spawn(async move { while reported.recv().await.is_some() {} });
        let desk = Desk {
            outbox: outbox.clone(),
            clock: clock.clone(),
            floor: floor.clone(),
            recorder: recorder.clone(),
            installed: installed.clone(),
            configure,
        };
        let site = Site {
            models: None,
            installed: installed.clone(),
            clock: clock.clone(),
            chance: chance.clone(),
            outbox: outbox.clone(),
            floor: floor.clone(),
            recorder,
            reports,
            live: mpsc::channel(1).0,
            trial,
        };
        let mut stations = Stations::start(site, in_force(data_dir, installed)).await.unwrap();
        let stop = CancellationToken::new();
        let (commands, commands_rx) = mpsc::channel(8);
        tokio::spawn(desk.run(commands_rx, stop.clone()));
        let stopping = stop.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return stations.stop().await,
                    Some(new) = configurations.recv() => stations.change(new, &stopping).await.unwrap(),
                }
            }
        });
        Self { outbox, clock, chance, floor, commands, stop, task }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.outbox.close().await;
    }

    fn present(&self) -> Present {
        self.floor.present()
    }

    fn runs(&self, id: &str) -> bool {
        let id: CameraId = id.parse().unwrap();
        self.present().cameras.get(&id).is_some_and(|post| post.camera.health().state == CameraState::Running)
    }

    fn url(&self, id: &str) -> String {
        self.present().cameras[&id.parse::<CameraId>().unwrap()].camera.config().url.to_string()
    }

    fn command(&self, body: CommandBody) -> Command {
        let now = self.clock.now();
        Command {
            command_id: CommandId::new(&self.chance, now),
            issued_at: now,
            expires_at: now.plus_ms(600_000),
            issued_by: "王敏".into(),
            body,
        }
    }

    async fn ask(&self, body: CommandBody) -> Outcome {
        let command = self.command(body);
        let id = command.command_id;
        self.commands.send(command).await.unwrap();
        self.answer(id).await
    }

    async fn configure(&self, version: u64, toml: &str) -> Outcome {
        self.ask(CommandBody::Configuration { version, toml: toml.to_owned() }).await
    }

    async fn answers(&self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for (_, id) in self.outbox.head(None, 1_000).await.unwrap() {
            let Some(bytes) = self.outbox.envelope(id).await.unwrap() else { continue };
            if let Event::Answer(answer) = Envelope::decode(&bytes, &origin()).unwrap().event {
                answers.push(answer);
            }
        }
        answers
    }

    async fn answer(&self, id: CommandId) -> Outcome {
        let mut found;
        eventually!("an answer", {
            found = self.answers().await.into_iter().find(|answer| answer.command_id == id);
            found.is_some()
        });
        found.unwrap().outcome
    }
}

fn origin() -> Origin {
    Origin { tenant: "demo".parse().unwrap(), device: "box-1".parse().unwrap() }
}

fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed { reason } => reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn camera(id: &str, url: &str) -> String {
    format!("[[camera]]\nid = {id:?}\nurl = {url:?}\nanalysis_width = 320\n\n")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn calls(audio: u16, api: u16, max_calls: u32) -> String {
    format!(
        "[calls]\naudiosocket_listen = \"127.0.0.1:{audio}\"\napi_listen = \"127.0.0.1:{api}\"\nmax_calls = {max_calls}\n\n"
    )
}

/// A good configuration is in force at once: what changed is restarted, what did not goes on untouched, and the next
/// start finds it although the installer's file says otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_is_applied_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let installed = camera("gate", "test://ball") + &camera("yard", "test://ball");
    let bench = Bench::start(dir.path(), &installed, WAIT).await;
    eventually!("both cameras", bench.runs("gate") && bench.runs("yard"));
    let before = bench.present();

    let toml = camera("gate", "test://smpte")
        + &camera("yard", "test://ball")
        + &camera("roof", "test://ball")
        + &calls(free_port(), free_port(), 3);
    assert_eq!(bench.configure(5, &toml).await, Outcome::Done { evidence: vec![] });
    let after = bench.present();
    assert_eq!(after.configuration_version, 5);
    assert_eq!(bench.url("gate"), "test://smpte");
    assert!(bench.runs("gate") && bench.runs("roof"), "on trial until they show a picture");
    assert!(after.calls.unwrap().health().listening.is_some());
    let same = |id: &str| {
        let id: CameraId = id.parse().unwrap();
        Arc::ptr_eq(&before.cameras[&id].camera, &after.cameras[&id].camera)
    };
    assert!(same("yard") && !same("gate"), "only what changed was restarted");
    assert!(Arc::ptr_eq(&before.detector.unwrap(), &after.detector.unwrap()));
    drop((before.cameras, after.cameras));
    bench.end().await;

    let bench = Bench::start(dir.path(), &installed, WAIT).await;
    let present = bench.present();
    assert_eq!((present.configuration_version, present.cameras.len()), (5, 3));
    drop(present);
    eventually!("the new cameras after the restart", bench.runs("gate") && bench.runs("roof"));
    assert_eq!(bench.configure(6, &camera("roof", "test://ball")).await, Outcome::Done { evidence: vec![] });
    assert_eq!(bench.present().cameras.len(), 1, "what is no longer named is stopped");
    assert!(bench.present().calls.is_none());
    bench.end().await;
}

/// What cannot be read is refused with its place and the nearest key, an older version with the one in force; the
/// installer's own sections are his. Nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_configuration_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let good = camera("gate", "test://ball");
    let bench = Bench::start(dir.path(), &good, WAIT).await;
    assert_eq!(bench.configure(7, &good).await, Outcome::Done { evidence: vec![] });
    eventually!("the camera", bench.runs("gate"));
    let before = bench.present();

    let why = reason(bench.configure(8, "[[camera]]\nid = \"gate\"\nurll = \"test://ball\"\n").await);
    assert!(
        why.contains("configuration 8:3:1: camera[0].urll: unknown field `urll`; did you mean `url`?"),
        "{why}"
    );
    let why = reason(bench.configure(9, &(good.clone() + "[health]\nlisten = \"127.0.0.1:1\"\n")).await);
    assert!(why.starts_with("configuration 9:6:1: [health] is set on the box itself"), "{why}");
    for version in [7, 6] {
        let why = reason(bench.configure(version, &camera("roof", "test://ball")).await);
        assert_eq!(why, format!("version {version} is not newer than 7, which is in force"));
    }
    let after = bench.present();
    assert_eq!(after.configuration_version, 7);
    assert!(Arc::ptr_eq(
        &before.cameras.values().next().unwrap().camera,
        &after.cameras.values().next().unwrap().camera
    ));
    drop((before, after));
    bench.end().await;
}

/// A camera that shows nothing, a pipeline that cannot be built, a port that is taken: the former configuration is in
/// force again, also for the part that would have worked, and the answer says what did not hold.
#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_hold_is_undone() {
    let dir = tempfile::tempdir().unwrap();
    let installed = camera("gate", "test://ball") + &camera("yard", "test://ball");
    let bench = Bench::start(dir.path(), &installed, Duration::from_secs(4)).await;
    eventually!("both cameras", bench.runs("gate") && bench.runs("yard"));
    let yard: CameraId = "yard".parse().unwrap();
    let untouched = bench.present().cameras[&yard].camera.clone();

    let nobody = format!("rtsp://admin:hush@127.0.0.1:{}/live", free_port());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    for (version, toml, words) in [
        (3, camera("gate", &nobody) + &camera("yard", "test://ball"), "camera gate: "),
        (4, camera("gate", "test://nonsense") + &camera("yard", "test://ball"), "no such pattern"),
        (
            5,
            installed.clone() + &calls(taken.local_addr().unwrap().port(), free_port(), 3),
            "calls: cannot listen",
        ),
    ] {
        let why = reason(bench.configure(version, &toml).await);
        assert!(why.starts_with("undone, version 0 is in force again: ") && why.contains(words), "{why}");
        assert!(!why.contains("hush"), "{why}");
        assert_eq!(bench.present().configuration_version, 0);
        assert_eq!(bench.url("gate"), "test://ball");
        assert!(bench.present().calls.is_none());
        eventually!("the gate as it was", bench.runs("gate"));
    }
    assert!(Arc::ptr_eq(&untouched, &bench.present().cameras[&yard].camera), "never touched");
    assert!(!dir.path().join("configuration.json").exists(), "nothing of it is kept");
    drop(untouched);

    // A camera that was dark before is not what a change of its neighbour is blamed for.
    let dark = camera("gate", "test://ball") + &camera("dark", &nobody);
    bench.end().await;
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path(), &dark, Duration::from_secs(4)).await;
    let toml = camera("gate", "test://smpte") + &camera("dark", &nobody).replace("320", "640");
    assert_eq!(bench.configure(1, &toml).await, Outcome::Done { evidence: vec![] });
    bench.end().await;
}

/// A box that is told to stop in the middle of a trial stops at once, and has neither kept nor answered.
#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_a_trial() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path(), "", Duration::from_secs(3_600)).await;
    let nobody = format!("rtsp://127.0.0.1:{}/live", free_port());
    let body = CommandBody::Configuration { version: 1, toml: camera("gate", &nobody) };
    bench.commands.send(bench.command(body)).await.unwrap();
    eventually!("the trial", bench.present().cameras.len() == 1);
    let outbox = bench.outbox.clone();
    bench.stop.cancel();
    tokio::time::timeout(WAIT, bench.task).await.unwrap().unwrap();
    assert_eq!(outbox.stats().await.unwrap().rows, 0);
    assert!(!dir.path().join("configuration.json").exists());
}

/// A citizen on the line is not cut off by a configuration: one that changes the call tap waits, one that does not is
/// applied beside the call.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_progress_is_not_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (audio, api) = (free_port(), free_port());
    let bench = Bench::start(dir.path(), &calls(audio, api, 4), WAIT).await;
    let tap = bench.present().calls.unwrap();
    eventually!("the call tap", tap.health().listening.is_some());
    let mut leg = tokio::net::TcpStream::connect(("127.0.0.1", audio)).await.unwrap();
    let mut hello = vec![0x01, 0, 16];
    hello.extend(CallId::new(&bench.chance, bench.clock.now()).0.as_bytes());
    leg.write_all(&hello).await.unwrap();
    eventually!("a call", tap.health().active_calls == 1);

    let why = reason(bench.configure(1, &calls(audio, api, 9)).await);
    assert!(why.starts_with("a change of [calls] would cut 1 calls"), "{why}");
    let toml = calls(audio, api, 4) + &camera("gate", "test://ball");
    assert_eq!(bench.configure(2, &toml).await, Outcome::Done { evidence: vec![] });
    assert_eq!(tap.health().active_calls, 1, "the call goes on");
    assert!(Arc::ptr_eq(&tap, &bench.present().calls.unwrap()));
    drop(tap);
    bench.end().await;
}

/// A still is the camera's picture of now with its masks burnt in, already on disk when it is answered; a camera that
/// is not there, or shows nothing, is said so.
#[tokio::test(flavor = "multi_thread")]
async fn a_still_is_masked() {
    let dir = tempfile::tempdir().unwrap();
    let masked = camera("gate", "test://smpte").trim_end().to_owned()
        + "\nmasks = [[[0.0, 0.0], [0.5, 0.0], [0.5, 1.0], [0.0, 1.0]]]\n\n";
    let dark = camera("dark", &format!("rtsp://127.0.0.1:{}/live", free_port()));
    let bench = Bench::start(dir.path(), &(masked + &dark), WAIT).await;
    eventually!("the camera", bench.runs("gate"));
    let still = |id: &str| CommandBody::Still { camera_id: id.parse().unwrap() };
    let mut outcome = bench.ask(still("gate")).await;
    // The very first units may not make a picture yet.
    for _ in 0..20 {
        if matches!(outcome, Outcome::Done { .. }) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        outcome = bench.ask(still("gate")).await;
    }
    let Outcome::Done { evidence } = outcome else { panic!("{outcome:?}") };
    let [evidence] = evidence.as_slice() else { panic!("one file: {evidence:?}") };
    assert_eq!(
        (evidence.kind, evidence.delivery, evidence.masked),
        (EvidenceKind::Still, Delivery::Automatic, true)
    );
    assert!(bench.clock.now().since_ms(evidence.starts_at).abs() < 60_000);
    let name = format!("{}.jpg", evidence.sha256);
    let bytes = std::fs::read(bench.outbox.evidence_dir().join(name)).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), evidence.sha256.as_str());
    let picture = image::load_from_memory(&bytes).unwrap().to_luma8();
    let (width, height) = picture.dimensions();
    let range = |from: u32, to: u32| {
        let luma = (from..to).flat_map(|x| (0..height).map(move |y| (x, y)));
        let luma: Vec<u8> = luma.map(|(x, y)| picture.get_pixel(x, y).0[0]).collect();
        (*luma.iter().min().unwrap(), *luma.iter().max().unwrap())
    };
    let (darkest, brightest) = range(0, width / 2 - 8);
    assert!(darkest > 30 && brightest < 150, "the left half is the mask's grey: {darkest} to {brightest}");
    let (darkest, brightest) = range(width / 2 + 8, width);
    assert!(darkest < 30 || brightest > 150, "the right half shows the bars: {darkest} to {brightest}");

    assert_eq!(reason(bench.ask(still("nowhere")).await), "this box has no camera nowhere");
    let why = reason(bench.ask(still("dark")).await);
    assert!(why.contains("has shown no picture"), "{why}");
    bench.end().await;
}

/// A finished call whose recording stays on the box.
async fn filed_call(bench: &Bench, call_id: CallId) -> Evidence {
    let bytes = format!("the voices of {call_id}");
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let path = bench.outbox.evidence_dir().join(format!("{sha256}.wav"));
    std::fs::write(&path, &bytes).unwrap();
    let evidence = Evidence {
        sha256: sha256.parse().unwrap(),
        kind: EvidenceKind::Recording,
        media_type: "audio/wav".into(),
        size_bytes: bytes.len() as u64,
        delivery: Delivery::OnRequest,
        starts_at: UtcMs(0),
        duration_ms: Some(1_000),
        masked: false,
    };
    let incident = Incident {
        incident_id: IncidentId::new(&bench.chance, bench.clock.now()),
        revision: 1,
        phase: Phase::Ended,
        kind: IncidentKind::Hotline,
        severity: Severity::Normal,
        subject: Subject::Call(CallSubject {
            call_id,
            caller_masked: None,
            seat: None,
            direction: Direction::Inbound,
            legs: vec![Leg::Caller],
            duration_ms: 1_000,
            speech_ms: 0,
            transcript: Transcript::Silent,
        }),
        place: None,
        started_at: UtcMs(0),
        updated_at: UtcMs(0),
        ended_at: Some(UtcMs(1_000)),
        evidence: vec![evidence.clone()],
        drill: false,
    };
    let files = vec![EvidenceFile { evidence: evidence.clone(), path }];
    let message_id = bench.outbox.append(&Report { incident, files, unfinished: false }).await.unwrap();
    let receipt = Receipt { message_id, outcome: ReceiptOutcome::Stored, reason: None, at: UtcMs(0) };
    bench.outbox.settle(&[receipt]).await.unwrap();
    evidence
}

/// A recording stays on the box until somebody asks for it by its call; then it is named in the answer and waits for
/// the uploader. A call that is not here, and a command that came too late, are said so; a command that comes twice
/// is answered once.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_goes_when_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::start(dir.path(), "", WAIT).await;
    let call_id = CallId::new(&bench.chance, bench.clock.now());
    let recording = filed_call(&bench, call_id).await;
    assert!(bench.outbox.next_upload().await.unwrap().is_none(), "nobody asked");

    let stranger = CallId::new(&bench.chance, bench.clock.now());
    let why = reason(bench.ask(CommandBody::Recording { call_id: stranger }).await);
    assert_eq!(why, format!("this box holds no recording of call {stranger}; it may have expired"));
    assert!(bench.outbox.next_upload().await.unwrap().is_none());

    let late = Command { expires_at: UtcMs(1), ..bench.command(CommandBody::Recording { call_id }) };
    bench.commands.send(late.clone()).await.unwrap();
    assert_eq!(bench.answer(late.command_id).await, Outcome::Expired);

    let command = bench.command(CommandBody::Recording { call_id });
    for _ in 0..3 {
        bench.commands.send(command.clone()).await.unwrap();
    }
    assert_eq!(bench.answer(command.command_id).await, Outcome::Done { evidence: vec![recording.clone()] });
    assert_eq!(bench.outbox.next_upload().await.unwrap().unwrap().evidence, recording);
    // Commands are done in order: when this one is answered the repetitions are through.
    reason(bench.ask(CommandBody::Recording { call_id: stranger }).await);
    let same =
        bench.answers().await.into_iter().filter(|answer| answer.command_id == command.command_id).count();
    assert_eq!(same, 1);
    bench.end().await;
}
