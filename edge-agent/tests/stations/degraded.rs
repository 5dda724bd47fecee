//! The program at work when its detector fails in front of the camera: motion and evidence go on, and the box says so.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::common::{eventually, free_port};
use crate::media::{Running, Stream, decode, wait_for_within};
use protocol::{Clock as _, SystemClock};

/// Within so long the box says that its detector is gone.
const SAYS_SO_MS: u64 = 3_000;

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

/// All files below a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found
}

/// The picture is black, and the detector at work; then a white ball comes, at which the toy detector fails.
#[tokio::test(flavor = "multi_thread")]
async fn a_detector_that_fails_leaves_motion_and_evidence() {
    let clip = Stream::h264(10).write_after_black(8);
    let dir = tempfile::tempdir().unwrap();
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let port = free_port();
    let config = dir.path().join("edge.toml");
    let toml = format!(
        "[agent]\ndata_dir = {data:?}\n[detector]\nmodels = [\"toy-fragile\"]\n\
         [health]\nlisten = \"127.0.0.1:{port}\"\n\
         [[camera]]\nid = \"yard\"\nurl = {:?}\n[[camera.rules]]\nid = \"r1\"\nkind = \"intrusion\"\n",
        clip.path()
    );
    std::fs::write(&config, toml).unwrap();
    let toys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/detectors");
    let mut agent = Command::new(env!("CARGO_BIN_EXE_edge-agent"));
    agent.arg("--config").arg(&config).arg("run").arg("--models").arg(toys);
    agent.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log).unwrap());
    let _running = Running(agent.spawn().unwrap());

    let http = client();
    let says = async |line: &str| match http.get(format!("http://127.0.0.1:{port}/metrics")).send().await {
        Ok(answer) => answer.text().await.unwrap_or_default().contains(line),
        Err(_) => false,
    };
    eventually!("a detector at work", says("detector_ready 1").await);
    eventually!("its failure", std::fs::read_to_string(&log).unwrap().contains("a detector failed"));
    let clock = SystemClock::new();
    let began = clock.uptime_ms();
    eventually!("health that says so", says("detector_ready 0").await);
    let said_after_ms = clock.uptime_ms() - began;
    assert!(said_after_ms <= SAYS_SO_MS, "{said_after_ms} ms");

    // Motion goes on, and what it tells of has its picture and its clip.
    wait_for_within("a snapshot and a clip", 60, || {
        !files(&data, "jpg").is_empty() && !files(&data, "mp4").is_empty()
    });
    let clip = files(&data, "mp4").remove(0);
    assert!(!decode(&clip).is_empty(), "{clip:?}");
}
