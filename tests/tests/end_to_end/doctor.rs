//! `edge-agent doctor` as an installer types it: the real program with its real configuration, against a real hub,
//! broker and camera. A healthy box is called so, running or not; each thing that is broken is named, with what to do
//! about it, and nothing else is blamed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use protocol::UtcMs;
use serde::Deserialize;
use sqlx::Connection as _;
use world::process::{finish_within, product};
use world::scene::Scene;
use world::wait::{free_port, until};
use world::{CameraPlan, World, drawn_clip};

/// Cameras that do not answer are waited for.
const BOUND: Duration = Duration::from_secs(90);
const PASSWORD: &str = "hush-hush";

#[derive(Clone, Debug, Deserialize)]
struct Finding {
    what: String,
    verdict: String,
    found: String,
    hint: Option<String>,
}

/// What one run said.
#[derive(Deserialize)]
struct Diagnosis {
    good: bool,
    findings: Vec<Finding>,
}

impl Diagnosis {
    fn of(&self, what: &str) -> &Finding {
        let found = self.findings.iter().find(|finding| finding.what == what);
        found.unwrap_or_else(|| panic!("nothing about {what}: {:#?}", self.findings))
    }

    /// What is called `bad`, in order.
    fn bad(&self) -> Vec<&str> {
        self.findings.iter().filter(|f| f.verdict == "bad").map(|f| f.what.as_str()).collect()
    }

    /// This is bad, nothing else is, and these words say what and what to do.
    fn blames(&self, what: &str, found: &str, hint: &str) {
        assert_eq!(self.bad(), [what], "{:#?}", self.findings);
        assert!(!self.good);
        self.says(what, "bad", found, hint);
    }

    fn says(&self, what: &str, verdict: &str, found: &str, hint: &str) {
        let finding = self.of(what);
        assert_eq!(finding.verdict, verdict, "{finding:?}");
        assert!(finding.found.contains(found), "{found:?} is not in {finding:?}");
        assert!(finding.hint.as_deref().unwrap_or_default().contains(hint), "{hint:?} is not in {finding:?}");
    }
}

/// Runs doctor with a configuration and variables over it. The exit status says what the findings say.
fn doctor(config: &Path, variables: &[(&str, &str)]) -> Diagnosis {
    let mut command = Command::new(product("edge-agent").unwrap());
    command.arg("--config").arg(config).args(["doctor", "--json"]).env_remove("SHAODIAN_DATA");
    command.envs(variables.iter().copied());
    let output = finish_within(&mut command, BOUND).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(PASSWORD), "a password is shown: {text}");
    let diagnosis: Diagnosis = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
    assert_eq!(output.status.code(), Some(i32::from(!diagnosis.good)), "{text}");
    assert_eq!(diagnosis.good, diagnosis.bad().is_empty(), "{text}");
    diagnosis
}

/// The same for people: the status, and the lines.
fn in_words(config: &Path) -> (Option<i32>, String) {
    let mut command = Command::new(product("edge-agent").unwrap());
    command.arg("--config").arg(config).arg("doctor").env_remove("SHAODIAN_DATA");
    let output = finish_within(&mut command, BOUND).unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// A box with one camera. Its folder of clips lives as long as the world.
async fn world() -> (World, tempfile::TempDir) {
    let clips = tempfile::tempdir().unwrap();
    let scene = Scene { width: 320, height: 180, ..Scene::standard(3, 1) };
    let (clip, _) = drawn_clip(&scene, clips.path()).unwrap();
    let gate =
        CameraPlan { id: "gate".into(), place: "东门".into(), clip, zone: Vec::new(), masks: Vec::new() };
    (World::builder().camera(gate).start().await.unwrap(), clips)
}

/// A camera of its own kind: asks every request for a password that nobody knows.
fn locked_camera() -> u16 {
    rtsp_answers(|request| {
        if request.starts_with("OPTIONS") {
            "RTSP/1.0 200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY\r\n".to_owned()
        } else {
            "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"cam\"\r\n".to_owned()
        }
    })
}

/// Answers each RTSP request with a head, to which its `CSeq` is added.
fn rtsp_answers(answer: impl Fn(&str) -> String + Send + Clone + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
                while let Some(request) = lines.next() {
                    let number = lines.by_ref().take_while(|line| !line.is_empty());
                    let number =
                        number.filter_map(|line| line.strip_prefix("CSeq:").map(str::to_owned)).last();
                    let text = format!("{}CSeq:{}\r\n\r\n", answer(&request), number.unwrap_or_default());
                    if writer.write_all(text.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

/// The camera at `camera`, but its clock is an hour ahead: what doctor asks it is answered here, all else passes.
fn camera_with_a_wrong_clock(camera: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut near = near;
                let mut first = vec![0; 4_096];
                let read = near.read(&mut first).unwrap();
                first.truncate(read);
                if String::from_utf8_lossy(&first).contains("shaodian-doctor") {
                    let date = http_date(3_600);
                    let _ = write!(near, "RTSP/1.0 200 OK\r\nCSeq: 1\r\nDate: {date}\r\n\r\n");
                    return;
                }
                let mut far = TcpStream::connect(("127.0.0.1", camera)).unwrap();
                far.write_all(&first).unwrap();
                let (mut from_far, mut to_near) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from_far, &mut to_near));
                let _ = std::io::copy(&mut near, &mut far);
            });
        }
    });
    port
}

/// A hub whose clock is two hours behind; it knows nothing else.
fn hub_with_a_wrong_clock() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let request = head.take_while(|line| !line.is_empty()).collect::<Vec<_>>().concat();
            let status = if request.starts_with("HEAD") { "404 Not Found" } else { "200 OK" };
            let date = http_date(-7_200);
            let answer = format!(
                "HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    port
}

/// RFC 9110, so many seconds from now.
fn http_date(ahead_s: i64) -> String {
    let output = Command::new("date")
        .args(["-u", "-d", &format!("{ahead_s} seconds"), "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A healthy box is called healthy: while the agent runs, which is asked and not disturbed, and before it runs, when
/// everything is tried as the agent will use it.
#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_box_is_called_so() {
    let (mut world, _clips) = world().await;
    let config = world.path("edge.toml");
    until(BOUND, "the box to be ready", async || {
        Ok(world.edge_metrics().await?.contains("shaodian_edge_ready 1\n").then_some(()))
    })
    .await
    .unwrap();

    let running = doctor(&config, &[]);
    assert!(running.good, "{:#?}", running.findings);
    running.says("agent", "good", "runs and is ready", "");
    running.says("broker", "good", "the running agent is connected", "");
    running.says("audio port", "good", "by the running agent", "");

    let connections = "shaodian_edge_uplink_connections_total";
    let metrics = world.edge_metrics().await.unwrap();
    let made = metrics.lines().find(|line| line.starts_with(connections)).unwrap();
    assert_eq!(made, format!("{connections} 1"), "the running agent kept its connection");

    world.stop_edge().await.unwrap();
    let stopped = doctor(&config, &[]);
    assert!(stopped.good, "{:#?}", stopped.findings);
    let verdicts: BTreeMap<&str, &str> =
        stopped.findings.iter().map(|f| (f.what.as_str(), f.verdict.as_str())).collect();
    for what in [
        "configuration",
        "outbox",
        "inference library",
        "voice detection",
        "health port",
        "audio port",
        "call API port",
        "enrolment",
        "certificate",
        "hub",
        "clock",
        "token",
        "broker",
        "camera gate",
        "camera gate clock",
    ] {
        assert_eq!(verdicts.get(what), Some(&"good"), "{what}: {:#?}", stopped.findings);
    }
    stopped.says("broker", "good", "takes this box's certificate", "");
    stopped.says("camera gate", "good", "320×180", "");
    // Depends on the machine: room for all evidence, a disciplined clock.
    assert!(
        ["good", "warning"].contains(&verdicts["disk"]) && ["good", "warning"].contains(&verdicts["time"])
    );
    // What is missing and only makes it see less is no failure, and says where it would be put.
    stopped.says("detector", "warning", "stand-in stands in", "put models below");
    stopped.says("speech model", "warning", "wait for one", "put models below");

    let (status, text) = in_words(&config);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("ok   camera gate: rtsp://127.0.0.1:"), "{text}");
    assert!(text.contains("warn detector: ") && text.contains("       → put models below"), "{text}");
    assert!(!text.contains("BAD "), "{text}");
}

/// Everything that may be broken on site, one after the other, on a box that is healthy otherwise: each is named, and
/// nothing else is.
#[tokio::test(flavor = "multi_thread")]
async fn each_broken_thing_is_named_with_what_to_do() {
    let (mut world, _clips) = world().await;
    let config = world.path("edge.toml");
    world.stop_edge().await.unwrap();
    let nobody = free_port().unwrap().to_string();

    let hub = format!("https://127.0.0.1:{nobody}");
    doctor(&config, &[("SHAODIAN_EDGE__HUB__URL", &hub)]).blames(
        "hub",
        "cannot be reached",
        "that the hub runs",
    );

    let broker = doctor(&config, &[("SHAODIAN_EDGE__HUB__MQTT_PORT", &nobody)]);
    broker.blames("broker", &format!("127.0.0.1:{nobody}"), "open this port towards the hub");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    doctor(&config, &[("SHAODIAN_EDGE__CALLS__AUDIOSOCKET_LISTEN", &address)]).blames(
        "audio port",
        &format!("{address} is taken by another program"),
        "ss -ltnp",
    );

    doctor(&config, &[("SHAODIAN_EDGE__CALLS__SPEECH_MODEL", "\"nowhere\"")]).blames(
        "speech model",
        "\"nowhere\" is not below",
        "put models below",
    );

    let full = doctor(&config, &[("SHAODIAN_EDGE__OUTBOX__DISK_RESERVE_BYTES", "1099511627776")]);
    full.blames("disk", "MiB free", "make room");

    // No user may write there, not even root. Without its folder the box does not know who it is, either.
    let unwritable = doctor(&config, &[("SHAODIAN_EDGE__AGENT__DATA_DIR", "/proc/nowhere")]);
    unwritable.says("disk", "bad", "cannot be written", "set [agent] data_dir, or its rights");
    unwritable.says("enrolment", "bad", "not enrolled", "hub device add NAME");

    let wrong = doctor(&config, &[("SHAODIAN_EDGE__OUTBOX__MAX_ROWS", "3")]);
    wrong.blames("configuration", "max_rows: 3 is not between 1000 and", "mend these");

    let late = format!("http://127.0.0.1:{}", hub_with_a_wrong_clock());
    let clocks = doctor(&config, &[("SHAODIAN_EDGE__HUB__URL", &late)]);
    assert!(clocks.good, "a wrong clock is a warning: {:#?}", clocks.findings);
    clocks.says("clock", "warning", "s ahead of the hub's clock", "set the clock of the box or of the hub");

    // The hub itself, and with it the broker inside it.
    world.kill_hub();
    let gone = doctor(&config, &[]);
    assert_eq!(gone.bad(), ["hub", "broker"], "{:#?}", gone.findings);
    let (status, text) = in_words(&config);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("BAD  hub: https://127.0.0.1:") && text.contains("       → check cable"), "{text}");
}

/// Cameras fail in different ways, and the installer is told which: nobody there, no such path, wrong password, wrong
/// clock. One that is well stays so beside them.
#[tokio::test(flavor = "multi_thread")]
async fn cameras_are_told_apart() {
    let (mut world, _clips) = world().await;
    world.stop_edge().await.unwrap();
    let gate = world.cameras.url("gate");
    let camera =
        |id: &str, url: &str, more: &str| format!("\n[[camera]]\nid = {id:?}\nurl = {url:?}\n{more}");
    let at = |port: u16| format!("rtsp://127.0.0.1:{port}/gate");
    let secret = format!("username = \"viewer\"\npassword = {PASSWORD:?}\n");
    let toml = std::fs::read_to_string(world.path("edge.toml")).unwrap()
        + &camera("dark", &at(free_port().unwrap()), "")
        + &camera("lost", &gate.replace("/gate", "/stream1"), "")
        + &camera("locked", &at(locked_camera()), &secret)
        + &camera("early", &at(camera_with_a_wrong_clock(world.cameras.port())), "");
    let config = world.path("cameras.toml");
    std::fs::write(&config, toml).unwrap();

    let told = doctor(&config, &[]);
    assert_eq!(told.bad(), ["camera dark", "camera lost", "camera locked"], "{:#?}", told.findings);
    told.says("camera gate", "good", "shows H264", "");
    told.says("camera dark", "bad", "cannot connect to the camera", "check cable and power");
    told.says("camera lost", "bad", "no stream at this path", "correct what follows the host");
    told.says("camera locked", "bad", "refuses this username and password", "set username and password");
    told.says("camera early", "good", "shows H264", "");
    told.says("camera early clock", "warning", "s ahead of this box's", "same NTP server");
    let ahead: i64 = told.of("camera early clock").found.split(' ').next().unwrap().parse().unwrap();
    assert!((3_590..=3_600).contains(&ahead), "{ahead} s");
    assert!(told.findings.iter().all(|f| f.what != "camera dark clock"), "a dark camera has no clock");
}

/// What the hub did not take is shown with its reason, whether the agent runs or not, and is no failure.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_did_not_take_is_shown() {
    let (mut world, _clips) = world().await;
    world.stop_edge().await.unwrap();
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(world.edge_database());
    let mut db = sqlx::sqlite::SqliteConnection::connect_with(&options).await.unwrap();
    let at = UtcMs(1_773_815_480_000);
    sqlx::query(
        "insert into rejected (message_id, outcome, reason, envelope, at_ms, told_at_ms)
         values ('m1', 'quarantined', 'specversion is 9', x'00', 8000000000000, $1)",
    )
    .bind(at.0)
    .execute(&mut db)
    .await
    .unwrap();
    db.close().await.unwrap();

    let config = world.path("edge.toml");
    let stopped = doctor(&config, &[]);
    assert!(stopped.good, "{:#?}", stopped.findings);
    let words =
        format!("1 were not taken and are kept here, the newest at {at} (quarantined): specversion is 9");
    stopped.says("outbox", "warning", &words, "in its quarantine");
    world.start_edge().await.unwrap();
    until(BOUND, "the running agent to say it", async || {
        let running = doctor(&config, &[]);
        assert!(running.good || running.bad() == ["broker"], "{:#?}", running.findings);
        let agent = running.of("agent");
        Ok((agent.verdict == "warning" && agent.found.contains("specversion is 9")).then_some(()))
    })
    .await
    .unwrap();
}
