//! The unmodified public Python client against the hub: stopped in mid-file, resumed, and the file is the same.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use protocol::Sha256Hex;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::tests::world;
use crate::db::testing::databases;

const REQUIREMENTS: &str = include_str!("../../tests/tuspy.txt");
const BOUND: Duration = Duration::from_secs(60);

/// A Python with the client in it, kept under the workspace's `target`; `None` where it cannot be had.
async fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tuspy");
    let (python, done) = (folder.join("bin/python"), folder.join("installed.txt"));
    if std::fs::read_to_string(&done).is_ok_and(|text| text == REQUIREMENTS) {
        return Some(python);
    }
    let _ = std::fs::remove_dir_all(&folder);
    let run = async |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().await;
        output.map_err(|error| error.to_string()).and_then(|output| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() { Ok(()) } else { Err(said) }
        })
    };
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tuspy.txt");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
    let ready = async {
        run(Path::new("python3"), &["-m", "venv", &folder.to_string_lossy()]).await?;
        run(&python, &[&install[..], &["--only-binary", ":all:", "--requirement", requirements]].concat())
            .await
    };
    match ready.await {
        Ok(()) => {
            std::fs::write(&done, REQUIREMENTS).unwrap();
            Some(python)
        }
        Err(why) => {
            eprintln!("tuspy not tested: it could not be installed (network? Python 3.11?): {why}");
            None
        }
    }
}

/// A client at work and the lines it prints.
struct Client {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Client {
    fn start(python: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tus_upload.py"))
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> Option<String> {
        tokio::time::timeout(BOUND, self.lines.next_line()).await.expect("the client says something").unwrap()
    }

    async fn last_line(&mut self) -> String {
        let mut last = String::new();
        while let Some(line) = self.line().await {
            last = line;
        }
        last
    }
}

/// Killed in mid-file and begun again elsewhere it goes on where it was; wrong content is refused with 460; an upload
/// that nobody continued is gone.
#[tokio::test]
async fn the_public_client_resumes() {
    let Some(python) = python().await else { return };
    for test in databases().await {
        let world = world(test, 1 << 30).await;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/api/v1/uploads", listener.local_addr().unwrap());
        let server = tokio::spawn(axum::serve(listener, world.router.clone()).into_future());
        let content: Vec<u8> =
            (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let file = world.app.data_dir().join("clip.mp4");
        std::fs::write(&file, &content).unwrap();
        let path = file.to_string_lossy().into_owned();
        let sha256 = hex::encode(Sha256::digest(&content));

        let mut first = Client::start(&python, &[&url, &world.token, &path, &sha256]);
        let mut upload = String::new();
        for _ in 0..10 {
            upload = first.line().await.unwrap().split_once(' ').unwrap().0.to_owned();
        }
        first.child.kill().await.unwrap();
        let mut second = Client::start(&python, &[&url, &world.token, &path, &sha256, &upload]);
        let begins: usize = second.line().await.unwrap().split_once(' ').unwrap().1.parse().unwrap();
        assert!(begins > 10 * 32 * 1024, "it went on, and did not begin anew: {begins}");
        assert_eq!(second.last_line().await, "done");
        let hash: Sha256Hex = sha256.parse().unwrap();
        assert_eq!(std::fs::read(world.app.evidence.path(world.app.tenant(), &hash)).unwrap(), content);

        let wrong = hex::encode(Sha256::digest(b"something else"));
        let mut liar = Client::start(&python, &[&url, &world.token, &path, &wrong]);
        assert_eq!(liar.last_line().await, "refused 460");
        let uploads = || std::fs::read_dir(world.app.data_dir().join("uploads")).unwrap().count();
        assert_eq!(uploads(), 0);

        let other = hex::encode(Sha256::digest(b"never finished"));
        let mut gone = Client::start(&python, &[&url, &world.token, &path, &other]);
        let upload = gone.line().await.unwrap().split_once(' ').unwrap().0.to_owned();
        gone.child.kill().await.unwrap();
        assert_eq!(uploads(), 1);
        world.clock.advance_ms(25 * 3_600_000);
        // The killed client's last request may still be under way; the next pass takes it then.
        let removed = async {
            while uploads() > 0 {
                world.app.evidence.remove_expired().await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
                world.clock.advance_ms(25 * 3_600_000);
            }
        };
        tokio::time::timeout(BOUND, removed).await.expect("an expired upload is removed");
        let mut late = Client::start(&python, &[&url, &world.token, &path, &other, &upload]);
        assert_eq!(late.last_line().await, "refused 404");
        server.abort();
    }
}
