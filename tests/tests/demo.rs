//! What people and machines do to a demo: somebody sits on its ports, kills its hub, presses Ctrl-C, starts it again
//! without a network, takes its box away. The real `deploy/demo.sh` on the programs built beside this test, in a folder
//! of its own; one after the other, because each needs the whole machine.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use world::wait::until;

/// Start to cases, on a busy machine, with the clip still to be drawn.
const LONG: Duration = Duration::from_secs(240);
/// From a signal to the end. It takes about a second.
const END: Duration = Duration::from_secs(30);

/// One running `deploy/demo.sh`, with what it has said so far.
struct Demo {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Demo {
    fn start(folder: &Path, before: &[&str], arguments: &[&str], extra: &[(&str, &str)]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/demo.sh");
        // Ctrl-C is deaf in what a script starts in the background, and a child inherits that.
        let mut words = vec!["env", "--default-signal=INT"];
        words.extend(before);
        let script = script.to_str().expect("the project's path is text");
        words.push(script);
        words.extend(arguments);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env_clear();
        // As from a fresh terminal: nothing that this test's own cargo has set.
        // But how it compiles: otherwise everything would be compiled a second time, in the middle of the test.
        let compiling = ["CARGO_HOME", "RUSTUP_HOME", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL"];
        for name in ["PATH", "HOME", "LANG"].into_iter().chain(compiling) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("SHAODIAN_DEMO_DIR", folder).envs(extra.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("the demo's script can be started");
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stdout.take().expect("piped above"), &said);
        listen(child.stderr.take().expect("piped above"), &said);
        Self { child, said }
    }

    fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first line that holds these words.
    async fn line(&mut self, words: &str) -> String {
        let what = format!("{words:?} from the demo");
        let found = until(LONG, &what, async || {
            let ended = self.child.try_wait()?;
            let said = self.said();
            if let Some(line) = said.lines().find(|line| line.contains(words)) {
                return Ok(Some(Ok(line.to_owned())));
            }
            Ok(ended.map(Err))
        })
        .await;
        match found {
            Ok(Ok(line)) => line,
            Ok(Err(status)) => panic!("the demo ended ({status}) before {words:?}:\n{}", self.said()),
            Err(e) => panic!("{e:#}\n{}", self.said()),
        }
    }

    fn count(&self, words: &str) -> usize {
        self.said().lines().filter(|line| line.contains(words)).count()
    }

    /// A signal to everything in its terminal, as Ctrl-C is.
    fn signal(&self, signal: Signal) {
        kill_process_group(pid(self.child.id()), signal).expect("the demo's group is there");
    }

    async fn end(mut self, bound: Duration) -> (ExitStatus, String) {
        let status = until(bound, "the demo to end", async || Ok(self.child.try_wait()?))
            .await
            .unwrap_or_else(|e| panic!("{e:#}\n{}", self.said()));
        (status, self.said())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // A failed test leaves nothing either: the services end with their script.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = kill_process_group(pid(self.child.id()), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn listen(pipe: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
    });
}

fn pid(number: u32) -> Pid {
    i32::try_from(number).ok().and_then(Pid::from_raw).expect("a process has a number")
}

/// Process id of a service, while it runs.
fn service(folder: &Path, name: &str) -> Option<Pid> {
    let text = std::fs::read_to_string(folder.join(format!("demo-state/run/{name}.pid"))).ok()?;
    text.trim().parse().ok().map(pid)
}

/// Every process that a demo in this folder started, by what it was told at its start.
fn alive(folder: &Path) -> BTreeSet<String> {
    let mark = format!("SHAODIAN_DEMO_DIR={}", folder.display());
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let path: PathBuf = entry.path();
        let environment = std::fs::read(path.join("environ")).unwrap_or_default();
        if environment.split(|b| *b == 0).any(|variable| variable == mark.as_bytes()) {
            let words = std::fs::read(path.join("cmdline")).unwrap_or_default();
            found.insert(format!(
                "{} {}",
                path.display(),
                String::from_utf8_lossy(&words).replace('\0', " ")
            ));
        }
    }
    found
}

async fn nothing_is_left(folder: &Path) {
    until(END, "the demo's processes to be gone", async || {
        let left = alive(folder);
        anyhow::ensure!(left.is_empty(), "still there: {left:#?}");
        Ok(Some(()))
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_survives_what_is_done_to_it() {
    let scratch = tempfile::Builder::new().prefix("shaodian-demo-").tempdir().unwrap();
    let folder = scratch.path().canonicalize().unwrap();
    let clock = protocol::SystemClock::new();
    let now = || protocol::Clock::uptime_ms(&clock) / 1000;

    let begun = now();
    taken_ports_and_a_killed_hub(&folder).await;
    println!("first start, two taken ports, a killed hub, Ctrl-C: {} s", now() - begun);
    let begun = now();
    again_without_network(&folder).await;
    println!("second start, to both cases and the end: {} s", now() - begun);
    let begun = now();
    the_box_is_killed_for_good(&folder).await;
    the_box_hangs(&folder).await;
    println!("box killed for good, box hung: {} s", now() - begun);
}

/// An occupied port is told and another one taken; so is one that somebody takes after it was chosen. The hub's
/// death by SIGKILL is told, and both cases still arrive. Ctrl-C ends everything.
async fn taken_ports_and_a_killed_hub(folder: &Path) {
    // When somebody else already sits there, the port is taken as well.
    let _usual = TcpListener::bind(("0.0.0.0", 8443));
    let mut demo = Demo::start(folder, &[], &[], &[]);
    let line = demo.line("note: port 8443 is taken on this machine; https uses").await;
    let chosen: u16 = line.split_whitespace().last().unwrap().parse().unwrap();
    // The clip is being drawn now, the hub not yet started.
    let _quicker = TcpListener::bind(("0.0.0.0", chosen)).unwrap();
    let line = demo.line(&format!("note: port {chosen} was taken by another program in the meantime")).await;
    let chosen: u16 = line.split_whitespace().last().unwrap().parse().unwrap();
    let address = demo.line("  address ").await;
    assert!(address.contains(&format!("https://127.0.0.1:{chosen} ")), "{address}");

    kill_process(service(folder, "hub").expect("the hub runs"), Signal::KILL).unwrap();
    demo.line("note: hub ended (signal 9) and is started again").await;
    for words in ["case ", "demo-out/ holds:"] {
        demo.line(words).await;
    }
    assert_eq!(demo.count("case "), 2, "one camera case and one hotline case:\n{}", demo.said());
    for name in ["cases.png", "case.png", "call.png", "snapshot.jpg", "clip.mp4", "recording.wav"] {
        let size = std::fs::metadata(folder.join("demo-out").join(name)).map_or(0, |m| m.len());
        assert!(size > 1000, "demo-out/{name} has {size} bytes:\n{}", demo.said());
    }

    the_caller_was_understood(&folder.join("demo-out"));

    assert!(alive(folder).len() >= 4, "script, hub, camera and box run: {:#?}", alive(folder));
    demo.signal(Signal::INT);
    let (status, said) = demo.end(END).await;
    assert_eq!(status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted") && said.contains("the demo has ended"), "{said}");
    nothing_is_left(folder).await;
}

/// The call's case is an emergency by the caller's own words, and its ticket is filed as the box had offered.
fn the_caller_was_understood(out: &Path) {
    let cases = std::fs::read_dir(out).unwrap().flatten().map(|entry| entry.path());
    let cases = cases.filter(|path| path.extension().is_some_and(|e| e == "json"));
    let read = |path: PathBuf| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let case = cases.map(read).find(|case| case["kind"] == "hotline").expect("the case of the call");
    let call = &case["incidents"][0]["data"]["subject"];
    println!("{}\n{}", call["transcript"], call["reading"]);
    let alarms = call["reading"]["alarms"].as_array().expect("alarms");
    assert!(alarms.iter().any(|alarm| alarm["id"] == "fire"), "{alarms:?}");
    assert_eq!(case["severity"], "emergency");
    assert_eq!(call["reading"]["place"]["text"], "凤鸣路菜市场");
    assert_eq!(case["ticket"]["category"], "fire_hazard");
}

/// Media, box and hub are as they were left; nothing is fetched.
async fn again_without_network(folder: &Path) {
    let namespace = ["unshare", "--net", "--", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"];
    let may = Command::new(namespace[0]).args(&namespace[1..]).arg("true").output();
    let nowhere = "http://127.0.0.1:9";
    let (before, extra): (&[&str], &[(&str, &str)]) = if may.is_ok_and(|o| o.status.success()) {
        println!("without network: a network namespace with nothing but loopback");
        (&namespace, &[])
    } else {
        println!("without network: proxies that lead nowhere (no namespaces for this user)");
        let names = [("https_proxy", nowhere), ("http_proxy", nowhere), ("all_proxy", nowhere)];
        (&[], &[names[0], names[1], names[2], ("no_proxy", "127.0.0.1,localhost")])
    };
    let demo = Demo::start(folder, before, &["--once"], extra);
    let (status, said) = demo.end(LONG).await;
    assert!(status.success(), "{status}\n{said}");
    assert!(
        !said.contains("drawing") && !said.contains("installing") && !said.contains("fetching"),
        "{said}"
    );
    let cases: Vec<Vec<&str>> =
        said.lines().filter(|l| l.starts_with("case ")).map(|l| l.split(' ').collect()).collect();
    let kinds: BTreeSet<&str> = cases.iter().map(|words| words[2]).collect();
    assert_eq!(kinds, BTreeSet::from(["hotline", "intrusion"]), "{said}");
    for words in &cases {
        assert_eq!(words.len(), 5, "case <number> <kind> <place> <latency>: {words:?}");
        assert!(words[4].parse::<i64>().is_ok_and(|ms| ms >= 0), "{words:?}");
    }
    nothing_is_left(folder).await;
}

/// A service that is killed again and again is not started for ever: the demo ends and says which and why.
async fn the_box_is_killed_for_good(folder: &Path) {
    let mut demo = Demo::start(folder, &[], &["--once"], &[]);
    demo.line("  log in ").await;
    let mut killed = None;
    let status = until(LONG, "the demo to give up", async || {
        let edge = service(folder, "edge");
        if let Some(edge) = edge.filter(|_| edge != killed) {
            // It may just have been ended in the orderly way.
            let _ = kill_process(edge, Signal::KILL);
            killed = Some(edge);
        }
        Ok(demo.child.try_wait()?)
    })
    .await
    .unwrap_or_else(|e| panic!("{e:#}\n{}", demo.said()));
    let said = demo.said();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("error: edge ended again and again, now with signal 9"), "{said}");
    nothing_is_left(folder).await;
}

/// A box that hangs brings no cases; `--once` says so when its time is over.
async fn the_box_hangs(folder: &Path) {
    let mut demo = Demo::start(folder, &[], &["--once"], &[("SHAODIAN_DEMO_LIMIT_S", "3")]);
    demo.line("  log in ").await;
    kill_process(service(folder, "edge").expect("the box runs"), Signal::STOP).unwrap();
    let (status, said) = demo.end(LONG).await;
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("not everything had arrived 3 s after the services were up"), "{said}");
    // What the killed box left behind arrives meanwhile, and does not count.
    for missing in ["no camera case with snapshot and clip", "no filed hotline case"] {
        assert!(said.contains(missing), "{said}");
    }
    nothing_is_left(folder).await;
}
