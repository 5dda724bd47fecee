//! The scripts of `deploy/`: they parse, say clearly what a machine lacks (each lack is really provoked), end what
//! hangs, and draw a sound demo county.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use world::scene::Scene;
use world::wait::until;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

/// A machine on which `deploy/setup.sh --no-build` meets one lack after the other: a copy of what the script reads, and a
/// `PATH` with only what is put there (no sudo).
struct Machine {
    folder: tempfile::TempDir,
}

const TOOLS: &[&str] = &[
    "apt-get",
    "awk",
    "basename",
    "bash",
    "cat",
    "cut",
    "dirname",
    "dpkg-query",
    "env",
    "grep",
    "head",
    "id",
    "install",
    "mkdir",
    "mktemp",
    "mv",
    "node",
    "npm",
    "python3",
    "realpath",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "sort",
    "uname",
    "unzip",
];

impl Machine {
    /// With a `rustc` of this version, if any.
    fn new(rust: Option<&str>) -> Self {
        let machine = Self { folder: tempfile::Builder::new().prefix("shaodian-setup-").tempdir().unwrap() };
        let here = machine.folder.path();
        // Another user must be able to go in.
        std::fs::set_permissions(here, PermissionsExt::from_mode(0o755)).unwrap();
        for name in [
            "Cargo.toml",
            "deploy/setup.sh",
            "deploy/common.sh",
            "deploy/packages.txt",
            "deploy/native.txt",
            "hub/assets/package.json",
            "hub/assets/package-lock.json",
        ] {
            std::fs::create_dir_all(here.join(name).parent().unwrap()).unwrap();
            std::fs::copy(root().join(name), here.join(name)).unwrap();
        }
        let bin = here.join("bin");
        std::fs::create_dir(&bin).unwrap();
        let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect();
        for name in TOOLS {
            // What a machine lacks, this one lacks too.
            let system = [PathBuf::from("/usr/bin"), PathBuf::from("/bin")];
            let found = system.iter().chain(&folders).map(|folder| folder.join(name)).find(|p| p.exists());
            if let Some(real) = found {
                symlink(real, bin.join(name)).unwrap();
            }
        }
        // Whatever else lies on the disk of these tests, this machine's has room.
        machine.program("df", "printf 'Filesystem 1024-blocks Used Available\\n/dev/a 1 0 104857600\\n'");
        if let Some(version) = rust {
            for name in ["rustc", "cargo"] {
                machine.program(name, &format!("echo \"{name} {version} (0000000 2020-01-01)\""));
            }
        }
        machine
    }

    /// It has a program that does this.
    fn program(&self, name: &str, does: &str) {
        let script = self.folder.path().join("bin").join(name);
        std::fs::write(&script, format!("#!/bin/sh\n{does}\n")).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// One more Debian package is wanted, which no archive has.
    fn wanting_a_package(self) -> Self {
        let list = self.folder.path().join("deploy/packages.txt");
        let text = std::fs::read_to_string(&list).unwrap();
        std::fs::write(&list, format!("{text}shaodian-no-such-package\n")).unwrap();
        self
    }

    /// Sets it up, started by the words before it: another user, another network.
    fn set_up(&self, before: &[&str]) -> Output {
        let script = self.folder.path().join("deploy/setup.sh");
        let mut words = before.to_vec();
        words.push(script.to_str().unwrap());
        Command::new(words[0])
            .args(&words[1..])
            .arg("--no-build")
            .env_clear()
            .env("PATH", format!("{}", self.folder.path().join("bin").display()))
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|e| panic!("{words:?}: {e}"))
    }

    /// Fails, and says so in these words, and what to do.
    fn fails(&self, before: &[&str], words: &[&str]) {
        let output = self.set_up(before);
        let said = said(&output);
        assert!(!output.status.success(), "{said}");
        for word in words.iter().chain(&["error: ", "what to do: "]) {
            assert!(said.contains(word), "no {word:?} in:\n{said}");
        }
    }
}

/// Runs programs in a network with nothing in it, where this user may have one.
const NO_NETWORK: &[&str] = &["/usr/bin/unshare", "--net", "--"];

fn may(words: &[&str]) -> bool {
    let tried = Command::new(words[0]).args(&words[1..]).arg("/bin/true").output();
    tried.is_ok_and(|output| output.status.success())
}

const NEW: Option<&str> = Some("99.0.0");

/// No script has a syntax error, and each that people run can be run.
#[test]
fn scripts_parse() {
    let mut seen = 0;
    for folder in ["deploy", "deploy/demo", ".ci"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if !text.starts_with("#!/usr/bin/env bash") && path.extension().is_none_or(|e| e != "sh") {
                continue;
            }
            let parsed = Command::new("bash").arg("-n").arg(&path).output().unwrap();
            assert!(parsed.status.success(), "{}: {}", path.display(), said(&parsed));
            if text.starts_with("#!") {
                let mode = path.metadata().unwrap().permissions().mode();
                assert_eq!(mode & 0o111, 0o111, "{} cannot be run", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} scripts found");
}

/// A program that scripts start and that hangs is ended and told.
#[test]
fn scripts_wait_for_no_program_for_ever() {
    let script = format!(". '{}/deploy/common.sh'; limited 1 sleep 600; echo after", root().display());
    let output = Command::new("bash").args(["-euc", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(124));
    let said = said(&output);
    assert!(said.contains("error: sleep did not end within 1 seconds") && !said.contains("after"), "{said}");
}

/// A simulated camera ends when its input does, and when the program that started it is killed; with no input at all it
/// serves on.
#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_camera_ends_with_who_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("a.mp4");
    Scene { width: 320, height: 180, ..Scene::standard(2, 1) }.generate(&clip).unwrap();
    let simulate = world::process::product("simulate").unwrap();
    let mount = format!("gate={}", clip.display());
    let bound = Duration::from_secs(60);

    let mut camera = Command::new(&simulate)
        .args(["rtsp", "--mount", &mount])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(camera.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "rtsp ready"));
    drop(camera.stdin.take());
    let status =
        until(bound, "the camera to end with its input", async || Ok(camera.try_wait()?)).await.unwrap();
    assert!(status.success(), "{status}");

    let script = "\"$0\" rtsp --mount \"$1\" </dev/null & echo \"number $!\"; wait";
    let mut parent = Command::new("sh")
        .args(["-c", script, simulate.to_str().unwrap(), &mount])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut number = None;
    for line in BufReader::new(parent.stdout.take().unwrap()).lines().map_while(Result::ok) {
        number = number.or_else(|| line.strip_prefix("number ").map(ToOwned::to_owned));
        if line == "rtsp ready" {
            break;
        }
    }
    let camera = PathBuf::from(format!("/proc/{}/exe", number.unwrap()));
    assert_eq!(camera.read_link().unwrap(), simulate.canonicalize().unwrap(), "it serves without any input");
    parent.kill().unwrap();
    parent.wait().unwrap();
    until(bound, "the camera to end with its parent", async || Ok(camera.read_link().is_err().then_some(())))
        .await
        .unwrap();
}

/// Without Rust, and with an old one, set-up stops at once with what is wrong and what to do.
#[test]
fn setup_says_what_rust_it_needs() {
    Machine::new(None).fails(&[], &["Rust is not installed", "rustup"]);
    Machine::new(Some("1.63.0")).fails(&[], &["Rust 1.63.0 is too old", "rustup update"]);
}

/// Another processor: no inference libraries are published for it.
#[test]
fn setup_says_that_a_processor_is_not_supported() {
    let old = ["/usr/bin/setarch", "i686", "--"];
    if !may(&old) {
        println!("skipped: this machine cannot call itself i686");
        return;
    }
    Machine::new(NEW).fails(&old, &["no inference libraries are published for i686"]);
}

/// A missing package, and nobody who may install it.
#[test]
fn setup_says_that_it_needs_root() {
    let machine = Machine::new(NEW).wanting_a_package();
    let nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let before: &[&str] = if rustix::process::geteuid().is_root() { &nobody } else { &[] };
    machine.fails(before, &["needs root", "no sudo", "shaodian-no-such-package"]);
}

/// A disk with no room for the build.
#[test]
fn setup_says_that_the_disk_is_too_small() {
    let small = "mount -t tmpfs -o size=64m tmpfs \"$0\" && cp -a \"$1\"/. \"$0\" && exec \"$0/deploy/setup.sh\" --no-build";
    let disk = tempfile::tempdir().unwrap();
    let machine = Machine::new(NEW);
    machine.program("df", "exec /usr/bin/df \"$@\"");
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--", "sh", "-c", small])
        .args([disk.path(), machine.folder.path()])
        .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", machine.folder.path().join("bin").display()))
        .output()
        .unwrap();
    let said = said(&output);
    if said.contains("unshare:") || said.contains("mount:") {
        println!("skipped: this user may not mount a small disk: {said}");
        return;
    }
    assert!(!output.status.success());
    assert!(said.contains("only 0 GB are free") && said.contains("free some space"), "{said}");
}

/// No network: each of the three things that come from one says so in its own words.
#[test]
fn setup_says_that_there_is_no_network() {
    if !may(NO_NETWORK) || !rustix::process::geteuid().is_root() {
        println!("skipped: this user may not take the network away");
        return;
    }
    let packages = Machine::new(NEW).wanting_a_package();
    packages.fails(NO_NETWORK, &["shaodian-no-such-package", "check the network"]);

    // The packages are there from here on, as everywhere where this test can run.
    let libraries = Machine::new(NEW);
    libraries.fails(NO_NETWORK, &["the inference libraries could not be fetched", "check the network"]);

    let assets = Machine::new(NEW);
    symlink(root().join(".native").canonicalize().unwrap(), assets.folder.path().join(".native")).unwrap();
    assets.fails(NO_NETWORK, &["the web assets could not be fetched", "check the network"]);
}

/// Every piece of configuration in the installation guides is accepted by the program it is for.
#[test]
fn guides_show_valid_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shown.toml");
    for guide in ["docs/INSTALL.md", "docs/INSTALL.zh-CN.md"] {
        let text = std::fs::read_to_string(root().join(guide)).unwrap();
        let shown: Vec<&str> =
            text.split("```toml\n").skip(1).filter_map(|t| t.split("```").next()).collect();
        assert_eq!(shown.len(), 5, "{guide}");
        for toml in shown {
            let program = if toml.starts_with("# /etc/shaodian/hub.toml") { "hub" } else { "edge-agent" };
            std::fs::write(&file, toml).unwrap();
            let mut check = Command::new(world::process::product(program).unwrap());
            let output = check.arg("--config").arg(&file).arg("check").output().unwrap();
            assert!(output.status.success(), "{guide}, {program}:\n{toml}\n{}", said(&output));
        }
    }
}

/// Longitude and latitude in millionths of a degree.
type Point = (i64, i64);

/// The demo county has 41 grids that cover it without gap or overlap, and is drawn the same every time.
#[test]
fn demo_county_is_covered_exactly() {
    let draw = || Command::new("python3").arg(root().join("deploy/demo/county.py")).output().unwrap();
    let drawn = draw();
    assert!(drawn.status.success(), "{}", said(&drawn));
    assert_eq!(drawn.stdout, draw().stdout);
    let county: serde_json::Value = serde_json::from_slice(&drawn.stdout).unwrap();
    let grids = county["features"].as_array().unwrap();
    assert_eq!(grids.len(), 41);

    // Whole millionths of a degree: no rounding in here.
    let mut edges: HashMap<(Point, Point), i64> = HashMap::new();
    let mut double_area = 0;
    for grid in grids {
        let ring = grid["geometry"]["coordinates"][0].as_array().unwrap();
        let whole = |n: &serde_json::Value| (n.as_f64().unwrap() * 1e6).round() as i64;
        let points: Vec<Point> = ring.iter().map(|p| (whole(&p[0]), whole(&p[1]))).collect();
        assert_eq!(points.first(), points.last());
        let mut own = 0;
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            own += a.0 * b.1 - b.0 * a.1;
            // An inner edge is walked once in each direction, so it cancels.
            *edges.entry((a.min(b), a.max(b))).or_default() += if a < b { 1 } else { -1 };
        }
        assert!(own > 0, "{} is clockwise or empty", grid["properties"]["name"]);
        double_area += own;
    }
    let outline: Vec<_> = edges.into_iter().filter(|(_, times)| *times != 0).collect();
    let on_border =
        |(x, y): (i64, i64)| x == 106_920_000 || x == 106_980_000 || y == 34_510_000 || y == 34_550_000;
    assert!(
        outline.iter().all(|((a, b), times)| times.abs() == 1 && on_border(*a) && on_border(*b)),
        "{outline:?}"
    );
    assert_eq!(double_area, 2 * 60_000 * 40_000);
}
