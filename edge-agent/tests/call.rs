//! The call tap as an exchange meets it: real sockets, real files, real processes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edge_agent::call::audiosocket::{Frame, encode};
use edge_agent::call::{CallConfig, CallTap, Cause, Deps};
use edge_agent::report::{Handover, Report};
use protocol::{CallSubject, Chance, Delivery, IncidentKind, Leg, Phase, Subject, SystemClock, Transcript};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const CHUNK: usize = 160;

fn config() -> CallConfig {
    CallConfig {
        audiosocket_listen: "127.0.0.1:0".parse().unwrap(),
        api_listen: "127.0.0.1:0".parse().unwrap(),
        join_grace_ms: 400,
        ..CallConfig::default()
    }
}

/// A running tap on `dir`, with what it hands to the outbox.
struct Site {
    tap: Arc<CallTap>,
    reports: mpsc::Receiver<Handover>,
    cancel: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Site {
    async fn start(dir: &Path, config: CallConfig) -> Self {
        Self::start_with_reserve(dir, config, 0).await
    }

    async fn start_with_reserve(dir: &Path, config: CallConfig, disk_reserve_bytes: u64) -> Self {
        let (sender, reports) = mpsc::channel(64);
        let deps = Deps {
            clock: Arc::new(SystemClock::new()),
            chance: Arc::new(Chance::from_os()),
            data_dir: dir.to_owned(),
            silero: None,
            model_dirs: vec![dir.join("models")],
            program: PathBuf::from(env!("CARGO_BIN_EXE_edge-agent")),
            reports: sender,
            live: mpsc::channel(1).0,
            disk_reserve_bytes,
        };
        let tap = CallTap::new(config, deps).unwrap();
        let cancel = CancellationToken::new();
        let task = tokio::spawn(Arc::clone(&tap).run(cancel.clone()));
        let site = Self { tap, reports, cancel, task };
        until("the ports are open", || {
            let health = site.tap.health();
            health.listening.is_some() && health.api_listening.is_some()
        })
        .await;
        site
    }

    fn audio(&self) -> SocketAddr {
        self.tap.health().listening.unwrap()
    }

    async fn handover(&mut self) -> Handover {
        timeout(Duration::from_secs(20), self.reports.recv())
            .await
            .expect("a report in time")
            .expect("a report")
    }

    /// The next report, committed.
    async fn report(&mut self) -> Report {
        let handover = self.handover().await;
        let report = handover.report.clone();
        handover.committed();
        report
    }

    /// Nothing more may come.
    async fn quiet(&mut self) {
        let more = timeout(Duration::from_millis(700), self.reports.recv()).await;
        assert!(more.is_err(), "an unexpected report: {more:?}");
    }

    async fn tell(&self, uuid: Uuid, words: serde_json::Value) -> reqwest::StatusCode {
        let url = format!("http://{}/v1/calls/{uuid}", self.tap.health().api_listening.unwrap());
        client().put(url).json(&words).send().await.unwrap().status()
    }

    /// An orderly end; the outbox takes what is said last.
    async fn stop(mut self) {
        self.cancel.cancel();
        let ending = async {
            loop {
                tokio::select! {
                    ended = &mut self.task => return ended,
                    Some(handover) = self.reports.recv() => handover.committed(),
                }
            }
        };
        timeout(Duration::from_secs(5), ending).await.expect("an orderly end in 5 s").unwrap().unwrap();
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The same samples for the same seed, never zero.
fn noise(seed: u32, count: usize) -> Vec<i16> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) as i16 / 4) | 1
    };
    (0..count).map(|_| next()).collect()
}

/// One leg as an exchange plays it.
struct Exchange(TcpStream);

impl Exchange {
    async fn connect(at: SocketAddr, uuid: Uuid) -> Self {
        let mut exchange = Self(TcpStream::connect(at).await.unwrap());
        exchange.0.set_nodelay(true).unwrap();
        exchange.send(&Frame::Id(uuid)).await;
        exchange
    }

    async fn send(&mut self, frame: &Frame) {
        self.0.write_all(&encode(frame).unwrap()).await.unwrap();
    }

    /// In real time, 20 ms at a time, cut into pieces that respect no frame.
    async fn play(&mut self, samples: &[i16]) {
        let (start, mut piece) = (Instant::now(), 1);
        for (index, chunk) in samples.chunks(CHUNK).enumerate() {
            sleep_until(start + Duration::from_millis(20 * index as u64)).await;
            let bytes = encode(&Frame::Audio { rate_hz: 8_000, samples: chunk.to_vec() }).unwrap();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                piece = piece * 7 % 211 + 1;
                let (now, later) = rest.split_at(piece.min(rest.len()));
                self.0.write_all(now).await.unwrap();
                rest = later;
            }
        }
    }
}

fn call_of(report: &Report) -> &CallSubject {
    let Subject::Call(call) = &report.incident.subject else { panic!("not a call: {report:?}") };
    call
}

/// Left and right of a report's recording, after checking that the file is what the incident says.
fn sides(report: &Report) -> (u32, Vec<i16>, Vec<i16>) {
    use sha2::Digest;
    let [file] = &report.files[..] else { panic!("one file, not {:?}", report.files) };
    let bytes = std::fs::read(&file.path).unwrap();
    assert_eq!(hex::encode(sha2::Sha256::digest(&bytes)), file.evidence.sha256.as_str());
    assert_eq!(bytes.len() as u64, file.evidence.size_bytes);
    assert_eq!(file.evidence.delivery, Delivery::OnRequest);
    assert_eq!(report.incident.evidence, [file.evidence.clone()]);
    let mut wav = hound::WavReader::new(&bytes[..]).unwrap();
    assert_eq!(wav.spec().channels, 2);
    let all: Vec<i16> = wav.samples().map(Result::unwrap).collect();
    let side = |channel| all.iter().skip(channel).step_by(2).copied().collect::<Vec<_>>();
    assert_eq!(
        file.evidence.duration_ms,
        Some(all.len() as u64 / 2 * 1_000 / u64::from(wav.spec().sample_rate))
    );
    (wav.spec().sample_rate, side(0), side(1))
}

/// Where `part` begins in `track`, which holds it whole and otherwise silence.
fn offset_of(track: &[i16], part: &[i16]) -> usize {
    let at = track.iter().position(|s| *s != 0).expect("the side is not silent");
    assert_eq!(track[at..at + part.len()], *part, "samples were changed");
    assert!(track[at + part.len()..].iter().all(|s| *s == 0), "something after the end");
    at
}

/// Two connections of one call, announced before and after their audio, become one stereo recording: every sample of
/// both sides exactly as sent, in step within 60 ms; and the caller's number is nowhere on the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_legs_are_one_recording() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let (call, caller_id, operator_id) = (Uuid::from_u128(77), Uuid::from_u128(1), Uuid::from_u128(2));
    let (caller, operator) = (noise(1, 8_000 * 3), noise(2, 8_000 * 2));
    let told = json!({ "call_id": call, "leg": "caller", "caller": "13812341234", "direction": "inbound" });
    assert_eq!(site.tell(caller_id, told).await, 200);

    let at = site.audio();
    let caller_leg = async {
        let mut leg = Exchange::connect(at, caller_id).await;
        let began = Instant::now();
        leg.play(&caller).await;
        leg.send(&Frame::Hangup).await;
        began
    };
    let operator_leg = async {
        sleep(Duration::from_millis(600)).await;
        let mut leg = Exchange::connect(at, operator_id).await;
        let began = Instant::now();
        leg.play(&operator[..4_000]).await;
        let told = json!({ "call_id": call, "leg": "operator", "seat": "8001" });
        assert_eq!(site.tell(operator_id, told).await, 200);
        let list: serde_json::Value = client()
            .get(format!("http://{}/v1/calls", site.tap.health().api_listening.unwrap()))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(list["calls"].as_array().unwrap().len(), 1, "{list}");
        assert_eq!(list["calls"][0]["caller_masked"], "138****1234");
        leg.play(&operator[4_000..]).await;
        began
    };
    let (caller_began, operator_began) = tokio::join!(caller_leg, operator_leg);
    let sent_apart_ms = operator_began.duration_since(caller_began).as_millis() as i64;

    let report = site.report().await;
    let (incident, subject) = (&report.incident, call_of(&report));
    assert_eq!((incident.kind, incident.phase, incident.revision), (IncidentKind::Hotline, Phase::Ended, 1));
    assert_eq!(subject.call_id.0, call);
    assert_eq!(subject.caller_masked.as_deref(), Some("138****1234"));
    assert_eq!(subject.seat.as_deref(), Some("8001"));
    assert_eq!(subject.legs, [Leg::Caller, Leg::Operator]);
    let (rate, left, right) = sides(&report);
    assert_eq!(rate, 8_000);
    let apart_ms = (offset_of(&right, &operator) as i64 - offset_of(&left, &caller) as i64) / 8;
    println!("operator {sent_apart_ms} ms after caller as sent, {apart_ms} ms in the recording");
    assert!((apart_ms - sent_apart_ms).abs() <= 60, "{apart_ms} ms apart");

    site.quiet().await;
    site.stop().await;
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
                assert!(!text.contains("13812341234"), "{} tells the number", entry.path().display());
            }
        }
    }
}

/// One UUID for both legs: the first connection is the caller, the second the operator; a form body works as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_uuid_for_both_legs() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let uuid = Uuid::from_u128(5);
    let url = format!("http://{}/v1/calls/{uuid}", site.tap.health().api_listening.unwrap());
    let form = client()
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("caller=%2B8613900005678&seat=8002&direction=outbound")
        .send()
        .await
        .unwrap();
    assert_eq!(form.status(), 200);
    let wrong = client().put(&url).json(&json!({ "callerid": "1" })).send().await.unwrap();
    assert_eq!(wrong.status(), 400);
    assert!(wrong.text().await.unwrap().contains("callerid"));

    let (one, two) = (noise(3, 8_000), noise(4, 8_000));
    let mut first = Exchange::connect(site.audio(), uuid).await;
    first.play(&one[..1_600]).await;
    let mut second = Exchange::connect(site.audio(), uuid).await;
    tokio::join!(first.play(&one[1_600..]), second.play(&two));
    drop((first, second));
    let report = site.report().await;
    let (_, left, right) = sides(&report);
    offset_of(&left, &one);
    offset_of(&right, &two);
    assert_eq!(call_of(&report).caller_masked.as_deref(), Some("139****5678"));
    assert_eq!(call_of(&report).direction, protocol::Direction::Outbound);
    site.stop().await;
}

/// However a leg ends, its call is filed once, with all that was sent; a call without a sample has no recording.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_is_filed() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { idle_timeout_s: 1, ..config() }).await;
    let sound = noise(9, 4_000);
    for end in ["hangup", "close", "reset", "error", "garbage", "silence", "rate", "empty"] {
        let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(100)).await;
        if end != "empty" {
            leg.play(&sound).await;
        }
        match end {
            "hangup" => leg.send(&Frame::Hangup).await,
            "error" => leg.send(&Frame::Error(vec![2])).await,
            "garbage" => leg.0.write_all(&[0x77; 50]).await.unwrap(),
            "rate" => leg.send(&Frame::Audio { rate_hz: 16_000, samples: vec![1; 320] }).await,
            "reset" => leg.0.set_zero_linger().unwrap(),
            _ => {}
        }
        let held = if end == "silence" { Some(leg) } else { None };
        let report = site.report().await;
        println!("{end}: {} ms", call_of(&report).duration_ms);
        if end == "empty" {
            assert_eq!((report.files.len(), call_of(&report).duration_ms), (0, 0));
            assert_eq!(call_of(&report).transcript, Transcript::Silent);
        } else {
            let (_, left, _) = sides(&report);
            offset_of(&left, &sound);
        }
        drop(held);
    }
    site.quiet().await;
    site.stop().await;
}

/// Not a test of its own: the box that [`a_killed_box_files_its_calls`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn box_to_kill() {
    let Some(dir) = std::env::var_os("CALL_TEST_KILLED_DIR").map(PathBuf::from) else { return };
    let site = Site::start(&dir, config()).await;
    std::fs::write(dir.join("address.tmp"), site.audio().to_string()).unwrap();
    std::fs::rename(dir.join("address.tmp"), dir.join("address")).unwrap();
    sleep(Duration::from_secs(60)).await;
}

/// SIGKILL in mid-call: the next start files the call with all but the last second, exactly once, and further starts
/// never make a second incident of it, however often they hand it over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_box_files_its_calls() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "box_to_kill"])
        .env("CALL_TEST_KILLED_DIR", dir.path())
        .spawn()
        .unwrap();
    until("the box is up", || dir.path().join("address").exists()).await;
    let at = std::fs::read_to_string(dir.path().join("address")).unwrap().parse().unwrap();
    let (one, two) = (noise(11, 8_000 * 3), noise(12, 8_000 * 3));
    let uuid = Uuid::from_u128(8);
    let mut first = Exchange::connect(at, uuid).await;
    first.play(&one[..800]).await;
    let mut second = Exchange::connect(at, uuid).await;
    tokio::join!(first.play(&one[800..]), second.play(&two));
    child.kill().unwrap();
    child.wait().unwrap();

    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut site = Site::start(dir.path(), config()).await;
        // The box dies before the outbox has it: each start hands it over again.
        let handover = site.handover().await;
        let report = &handover.report;
        ids.push((
            report.incident.incident_id,
            report.incident.revision,
            report.files[0].evidence.sha256.clone(),
        ));
        let (_, left, right) = sides(report);
        for (side, sent) in [(left, &one), (right, &two)] {
            let begin = side.iter().position(|s| *s != 0).unwrap();
            let got: Vec<i16> = side[begin..].iter().copied().take_while(|s| *s != 0).collect();
            assert_eq!(got, sent[..got.len()], "samples were changed");
            println!("{} of {} ms survived the kill", got.len() / 8, sent.len() / 8);
            assert!(got.len() + 8_000 >= sent.len(), "more than a second is lost");
        }
        site.quiet().await;
        site.task.abort();
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one call, one incident, one recording");
}

/// Two hundred connections that say nothing, trickle, or talk nonsense: a good call beside them is recorded whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_connections_stop_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let at = site.audio();
    let mut hostile = Vec::new();
    for n in 0..200_u32 {
        let mut stream = TcpStream::connect(at).await.unwrap();
        let bytes: &[u8] = match n % 4 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\n\r\n",
            2 => &[0x01, 0x00],
            _ => &[0x10, 0xff, 0xfe, 0x00],
        };
        let _ = stream.write_all(bytes).await;
        hostile.push(stream);
    }
    let sound = noise(21, 8_000);
    let mut leg = Exchange::connect(at, Uuid::from_u128(1)).await;
    leg.play(&sound).await;
    leg.send(&Frame::Hangup).await;
    let report = site.report().await;
    let (_, left, _) = sides(&report);
    offset_of(&left, &sound);
    until("the strangers are turned away", || site.tap.health().refused_total >= 200).await;
    site.quiet().await;
    site.stop().await;
}

/// Speech without a model waits; when one arrives the words follow as the next revision of the same incident; a model
/// that cannot be loaded is said in health and harms nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_follow_when_a_model_arrives() {
    let dir = tempfile::tempdir().unwrap();
    let toy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech/toy-sense-voice");
    let speech =
        hound::WavReader::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech/hello-8k.wav"))
            .unwrap()
            .samples()
            .collect::<Result<Vec<i16>, _>>()
            .unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    leg.play(&speech).await;
    leg.send(&Frame::Hangup).await;
    let first = site.report().await;
    assert_eq!(call_of(&first).transcript, Transcript::Waiting);
    assert!(call_of(&first).speech_ms > 1_000, "{:?}", call_of(&first));
    site.stop().await;

    // A model that looks right and cannot be loaded ends its own process only.
    let installed = dir.path().join("models/toy");
    std::fs::create_dir_all(&installed).unwrap();
    std::fs::copy(toy.join("tokens.txt"), installed.join("tokens.txt")).unwrap();
    let whole = std::fs::read(toy.join("model.onnx")).unwrap();
    let mut broken = whole.clone();
    for at in 0..broken.len() - 9 {
        if &broken[at..at + 9] == b"ReduceMax" {
            broken[at..at + 9].copy_from_slice(b"ReduceFoo");
        }
    }
    std::fs::write(installed.join("model.onnx"), &broken).unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    until("the broken model is noticed", || site.tap.health().troubles.contains_key(&Cause::Speech)).await;
    println!("{}", site.tap.health().troubles[&Cause::Speech]);
    assert_eq!(site.tap.health().transcripts_waiting, 1);
    site.quiet().await;
    site.stop().await;

    std::fs::write(installed.join("model.onnx"), &whole).unwrap();
    let mut site = Site::start(dir.path(), config()).await;
    let second = site.report().await;
    assert_eq!(second.incident.incident_id, first.incident.incident_id);
    assert_eq!((second.incident.revision, second.files.len()), (2, 0));
    assert_eq!(second.incident.evidence, first.incident.evidence);
    let Transcript::Done { segments, model, .. } = &call_of(&second).transcript else { panic!("{second:?}") };
    assert_eq!(model, "toy");
    println!("{segments:?}");
    assert!(!segments.is_empty());
    assert!(segments.iter().all(|s| s.leg == Leg::Caller && s.text.chars().all(|c| "低高".contains(c))));
    until("health names the model", || site.tap.health().speech_model.as_deref() == Some("toy")).await;
    assert!(site.tap.health().troubles.is_empty(), "{:?}", site.tap.health().troubles);
    site.quiet().await;
    site.stop().await;
}

/// A leg that sends keys and empty frames and no sound ends like one that sends nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_keep_no_leg_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { idle_timeout_s: 1, ..config() }).await;
    let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    let pressing = async {
        loop {
            for frame in [Frame::Dtmf(b'1'), Frame::Audio { rate_hz: 8_000, samples: vec![] }] {
                // Fails when the box has hung up.
                let _ = leg.0.write_all(&encode(&frame).unwrap()).await;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        report = site.report() => assert_eq!(call_of(&report).duration_ms, 0),
        () = pressing => {}
    }
    site.stop().await;
}

/// Below the disk reserve no call is taken: the connection is closed and counted, nothing is filed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_no_call() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start_with_reserve(dir.path(), config(), u64::MAX).await;
    let _leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    until("it is turned away", || site.tap.health().refused_total == 1).await;
    assert_eq!(site.tap.health().active_calls, 0);
    site.quiet().await;
    site.stop().await;
}

/// A port that another program holds is said in health, by its own cause, and forgotten when it is free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (sender, _reports) = mpsc::channel(64);
    let deps = Deps {
        clock: Arc::new(SystemClock::new()),
        chance: Arc::new(Chance::from_os()),
        data_dir: dir.path().to_owned(),
        silero: None,
        model_dirs: vec![],
        program: PathBuf::from("no-program"),
        reports: sender,
        live: mpsc::channel(1).0,
        disk_reserve_bytes: 0,
    };
    let config = CallConfig { audiosocket_listen: taken.local_addr().unwrap(), ..config() };
    let tap = CallTap::new(config, deps).unwrap();
    let cancel = CancellationToken::new();
    let task = tokio::spawn(Arc::clone(&tap).run(cancel.clone()));
    until("both ports were tried", || {
        let health = tap.health();
        health.api_listening.is_some() && health.troubles.contains_key(&Cause::AudioPort)
    })
    .await;
    assert_eq!(tap.health().troubles.len(), 1, "the other port is no trouble and hides none");
    drop(taken);
    until("the port is ours", || tap.health().listening.is_some()).await;
    assert!(tap.health().troubles.is_empty());
    cancel.cancel();
    timeout(Duration::from_secs(5), task).await.unwrap().unwrap().unwrap();
}
