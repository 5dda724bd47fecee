//! `edge-agent models fetch`, killed in the middle of a download.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

const LENGTH: usize = 3_000_000;
const FIRST: usize = 1_200_000;

fn bytes(seed: u8) -> Vec<u8> {
    (0..LENGTH).map(|n| (n as u64).wrapping_mul(2_654_435_761).to_le_bytes()[1] ^ seed).collect()
}

/// Sends the file; the first time only its beginning, and then nothing until whoever asked is gone.
struct Server {
    url: String,
    /// The beginnings of parts that were asked for.
    asked: Arc<Mutex<Vec<usize>>>,
    half_sent: Receiver<()>,
}

impl Server {
    /// `later`: what is sent from the second request on.
    fn new(first: Vec<u8>, later: Vec<u8>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/models", listener.local_addr().unwrap());
        let (tell, half_sent) = channel();
        let asked: Arc<Mutex<Vec<usize>>> = Arc::default();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let begin = log.lock().unwrap().is_empty();
                let body = if begin { &first } else { &later };
                answer(&stream, body, begin.then_some(&tell), &log);
            }
        });
        Self { url, asked, half_sent }
    }
}

fn answer(stream: &TcpStream, body: &[u8], half: Option<&Sender<()>>, asked: &Mutex<Vec<usize>>) {
    let mut from = 0;
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap().to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    asked.lock().unwrap().push(from);
    let status = if from == 0 { "200 OK" } else { "206 Partial Content" };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\netag: \"one\"\r\ncontent-range: bytes {from}-{}/{LENGTH}\r\n\
         connection: close\r\n\r\n",
        LENGTH - from,
        LENGTH - 1
    );
    let end = if half.is_some() { FIRST } else { LENGTH };
    let mut out = stream;
    // Whoever is gone hears no more; that is no error of this server.
    let _ = out.write_all(head.as_bytes()).and_then(|()| out.write_all(&body[from..end]));
    if let Some(tell) = half {
        tell.send(()).unwrap();
        let _ = BufReader::new(stream).read_line(&mut String::new());
    }
}

struct Box {
    dir: tempfile::TempDir,
}

impl Box {
    /// With a model of the site's own, of which only the description is there.
    fn new(file: &[u8]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "[agent]\ndata_dir = {:?}\nmodels = {:?}\n",
            dir.path().join("data"),
            dir.path().join("models")
        );
        std::fs::write(dir.path().join("edge.toml"), text).unwrap();
        let hash = hex::encode(Sha256::digest(file));
        let text = format!(
            "name='own'\ntask='t'\nversion='1'\nlicence='ours'\n[[file]]\nname='best.onnx'\nsha256='{hash}'\n\
             size_bytes={LENGTH}\n"
        );
        std::fs::create_dir_all(dir.path().join("models/own")).unwrap();
        std::fs::write(dir.path().join("models/own/model.toml"), text).unwrap();
        Self { dir }
    }

    fn fetch(&self, url: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-agent"));
        command.env_remove("SHAODIAN_DATA").arg("--config").arg(self.dir.path().join("edge.toml"));
        command.args(["models", "fetch", "own", "--mirror", url]);
        command
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join("models/.downloads/own@1@best.onnx")
    }

    /// The part that a killed download leaves.
    fn killed(&self, server: &Server) -> u64 {
        let mut child = self.fetch(&server.url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        server.half_sent.recv_timeout(Duration::from_secs(30)).expect("half of it is sent");
        let came = (0..3_000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            length(&self.part()) >= FIRST as u64
        });
        assert!(came, "{} bytes came", length(&self.part()));
        // On Unix this is SIGKILL.
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(self.installed().is_none());
        length(&self.part())
    }

    fn finish(&self, server: &Server) -> (bool, String) {
        let output = self.fetch(&server.url).output().unwrap();
        let words = [output.stdout, output.stderr].map(|w| String::from_utf8_lossy(&w).into_owned());
        (output.status.success(), words.concat())
    }

    fn installed(&self) -> Option<Vec<u8>> {
        ["own/best.onnx", "own/1/best.onnx"]
            .iter()
            .find_map(|path| std::fs::read(self.dir.path().join("models").join(path)).ok())
    }
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |found| found.len())
}

/// A download that was killed leaves what came and nothing that is installed; the next run asks for the rest alone and ends
/// with the whole file.
#[test]
fn a_killed_download_is_gone_on_from() {
    let file = bytes(0);
    let (server, box_) = (Server::new(file.clone(), file.clone()), Box::new(&file));
    let kept = box_.killed(&server);
    let (good, words) = box_.finish(&server);
    assert!(good && words.contains("goes on from") && words.contains("installed in"), "{words}");
    assert_eq!(box_.installed(), Some(file));
    assert_eq!(*server.asked.lock().unwrap(), [0, kept as usize]);
    assert!(!box_.part().exists());
}

/// A rest that is another's is not taken for the file's: it is fetched once more as a whole, and refused with both hashes
/// where that is another, too. What somebody has changed of the part on the disk is found in the same way.
#[test]
fn a_tampered_rest_is_refused() {
    let file = bytes(0);
    let (server, box_) = (Server::new(file.clone(), bytes(1)), Box::new(&file));
    let kept = box_.killed(&server);
    let (good, words) = box_.finish(&server);
    assert!(!good && words.contains("SHA-256 should be") && words.contains("FAILED"), "{words}");
    assert_eq!((box_.installed(), box_.part().exists()), (None, false));
    assert_eq!(*server.asked.lock().unwrap(), [0, kept as usize, 0]);

    let (server, box_) = (Server::new(file.clone(), file.clone()), Box::new(&file));
    box_.killed(&server);
    let mut part = std::fs::read(box_.part()).unwrap();
    part[1_000] ^= 1;
    std::fs::write(box_.part(), part).unwrap();
    let (good, words) = box_.finish(&server);
    assert!(good && words.contains("its hash is another"), "{words}");
    assert_eq!(box_.installed(), Some(file));
}
