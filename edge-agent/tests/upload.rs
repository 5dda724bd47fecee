//! The uploader against a small server that behaves as tus 1.0 says, behind a line that can be cut: files arrive
//! whole, go on where they stood, and what can never arrive is told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use edge_agent::outbox::{Outbox, OutboxConfig, Voice};
use edge_agent::report::{EvidenceFile, Report};
use edge_agent::upload::{Health, Uploader};
use futures_util::StreamExt as _;
use protocol::{
    BootId, Chance, Delivery, Envelope, Event, Evidence, EvidenceKind, Incident, IncidentId, IncidentKind,
    ManualClock, Origin, Phase, Receipt, ReceiptOutcome, Severity, Subject, UtcMs,
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const WAIT: Duration = Duration::from_secs(60);
const START: UtcMs = UtcMs(1_773_815_480_000);
const MIB: usize = 1 << 20;

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

/// One upload as the server knows it.
struct Begun {
    sha256: String,
    length: usize,
    bytes: Vec<u8>,
}

/// What a tus server keeps, and how it is made to misbehave.
#[derive(Default)]
struct Tus {
    token: String,
    /// Whole files by their sum.
    held: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, Begun>,
    /// `POST`, `HEAD 7`, `PATCH 7`: what was asked, with the offset.
    log: Vec<String>,
    /// The next finished upload turns out to hold other bytes.
    garble: bool,
}

#[derive(Clone, Default)]
struct Server(Arc<Mutex<Tus>>);

impl Server {
    fn lock(&self) -> MutexGuard<'_, Tus> {
        self.0.lock().unwrap()
    }

    async fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = axum::Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        port
    }

    /// How often something was asked.
    fn count(&self, what: &str) -> usize {
        self.lock().log.iter().filter(|line| line.starts_with(what)).count()
    }
}

async fn answer(
    State(server): State<Server>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!(header("tus-resumable"), "1.0.0");
    let id =
        uri.path().strip_prefix("/api/v1/uploads").expect("the address of uploads").trim_start_matches('/');
    if header("authorization") != format!("Bearer {}", server.lock().token) {
        server.lock().log.push(format!("{method} refused"));
        return (StatusCode::UNAUTHORIZED, "who are you?").into_response();
    }
    match method.as_str() {
        "POST" => create(&server, &header("upload-metadata"), header("upload-length").parse().unwrap()),
        "HEAD" => {
            let mut tus = server.lock();
            let Some(stands) = tus.uploads.get(id).map(|begun| begun.bytes.len()) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            tus.log.push(format!("HEAD {stands}"));
            (StatusCode::OK, [("upload-offset", stands.to_string())]).into_response()
        }
        "PATCH" => {
            assert_eq!(header("content-type"), "application/offset+octet-stream");
            fill(&server, id, header("upload-offset").parse().unwrap(), body).await
        }
        other => panic!("{other} is not asked for"),
    }
}

fn create(server: &Server, metadata: &str, length: usize) -> Response {
    let value = |key: &str| {
        let pair = metadata.split(',').find_map(|pair| pair.strip_prefix(&format!("{key} ")));
        let bytes = base64::engine::general_purpose::STANDARD.decode(pair.expect("three values")).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!((value("kind"), value("filetype")), ("clip".to_owned(), "video/mp4".to_owned()));
    let sha256 = value("sha256");
    let mut tus = server.lock();
    tus.log.push("POST".to_owned());
    if tus.held.contains_key(&sha256) {
        return (StatusCode::CREATED, [("upload-offset", length.to_string())]).into_response();
    }
    let id = format!("u{}", tus.log.len());
    tus.uploads.insert(id.clone(), Begun { sha256, length, bytes: Vec::new() });
    (StatusCode::CREATED, [("location", format!("/api/v1/uploads/{id}"))]).into_response()
}

/// Keeps whatever arrives, also of a request that breaks off.
async fn fill(server: &Server, id: &str, offset: usize, body: Body) -> Response {
    server.lock().log.push(format!("PATCH {offset}"));
    match server.lock().uploads.get(id).map(|begun| begun.bytes.len()) {
        None => return StatusCode::NOT_FOUND.into_response(),
        Some(stands) if stands != offset => return StatusCode::CONFLICT.into_response(),
        Some(_) => {}
    }
    let mut stream = body.into_data_stream();
    while let Some(Ok(bytes)) = stream.next().await {
        server.lock().uploads.get_mut(id).unwrap().bytes.extend_from_slice(&bytes);
    }
    let mut tus = server.lock();
    let begun = &tus.uploads[id];
    let stands = begun.bytes.len();
    if stands == begun.length {
        let mut begun = tus.uploads.remove(id).unwrap();
        if std::mem::take(&mut tus.garble) {
            begun.bytes[0] ^= 1;
        }
        if hex::encode(Sha256::digest(&begun.bytes)) != begun.sha256 {
            return StatusCode::from_u16(460).unwrap().into_response();
        }
        tus.held.insert(begun.sha256, begun.bytes);
    }
    (StatusCode::NO_CONTENT, [("upload-offset", stands.to_string())]).into_response()
}

/// The line between box and hub. It carries so many bytes towards the hub, then breaks, until it is mended.
#[derive(Clone)]
struct Line {
    port: u16,
    left: Arc<AtomicI64>,
}

impl Line {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line =
            Self { port: listener.local_addr().unwrap().port(), left: Arc::new(AtomicI64::new(i64::MAX)) };
        let left = line.left.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, server, left.clone()));
            }
        });
        line
    }

    fn breaks_after(&self, bytes: usize) {
        self.left.store(bytes as i64, Ordering::SeqCst);
    }

    fn is_broken(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }

    fn mend(&self) {
        self.left.store(i64::MAX, Ordering::SeqCst);
    }
}

async fn carry(near: TcpStream, server: u16, left: Arc<AtomicI64>) {
    let Ok(far) = TcpStream::connect(("127.0.0.1", server)).await else { return };
    let ((mut from_box, mut to_box), (mut from_hub, mut to_hub)) = (near.into_split(), far.into_split());
    let back = tokio::spawn(async move { tokio::io::copy(&mut from_hub, &mut to_box).await });
    let mut block = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from_box.read(&mut block).await {
        let carries = left.fetch_sub(read as i64, Ordering::SeqCst).clamp(0, read as i64);
        let _ = to_hub.write_all(&block[..carries as usize]).await;
        if (carries as usize) < read {
            break;
        }
    }
    back.abort();
}

/// A box with one clip that waits to be uploaded.
struct Bench {
    dir: TempDir,
    clock: Arc<ManualClock>,
    outbox: Outbox,
    server: Server,
    line: Line,
    health: Arc<Health>,
    evidence: Evidence,
    path: PathBuf,
}

fn synced() -> bool {
    true
}

fn origin() -> Origin {
    Origin { tenant: "demo".parse().unwrap(), device: "box-1".parse().unwrap() }
}

impl Bench {
    async fn new(size_bytes: usize) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let chance = Arc::new(Chance::seeded(1));
        let voice = Voice {
            origin: origin(),
            boot: BootId::new(&chance, START),
            clock: clock.clone(),
            chance: chance.clone(),
            clock_synced: synced,
        };
        let (outbox, _) = Outbox::open(dir.path(), OutboxConfig::default(), voice).await.unwrap();
        let bytes: Vec<u8> = (0..size_bytes).map(|n| (n * 31 % 251) as u8).collect();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let path = outbox.evidence_dir().join(format!("{sha256}.mp4"));
        std::fs::write(&path, &bytes).unwrap();
        let evidence = Evidence {
            sha256: sha256.parse().unwrap(),
            kind: EvidenceKind::Clip,
            media_type: "video/mp4".into(),
            size_bytes: size_bytes as u64,
            delivery: Delivery::Automatic,
            starts_at: START,
            duration_ms: None,
            masked: true,
        };
        let incident = Incident {
            incident_id: IncidentId::new(&chance, START),
            revision: 1,
            phase: Phase::Opened,
            kind: IncidentKind::DeviceLost,
            severity: Severity::Major,
            subject: Subject::Device,
            place: None,
            started_at: START,
            updated_at: START,
            ended_at: None,
            evidence: vec![evidence.clone()],
            drill: false,
        };
        let files = vec![EvidenceFile { evidence: evidence.clone(), path: path.clone() }];
        let message_id = outbox.append(&Report { incident, files, unfinished: false }).await.unwrap();
        let receipt = Receipt { message_id, outcome: ReceiptOutcome::Stored, reason: None, at: START };
        outbox.settle(&[receipt]).await.unwrap();
        let server = Server::default();
        server.lock().token = "secret".to_owned();
        let line = Line::to(server.listen().await).await;
        Self { dir, clock, outbox, server, line, health: Arc::default(), evidence, path }
    }

    /// Runs an uploader until the guard is dropped.
    fn run(&self) -> tokio_util::sync::DropGuard {
        let uploader = Uploader {
            outbox: self.outbox.clone(),
            http: reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap(),
            hub_url: format!("http://127.0.0.1:{}", self.line.port).parse().unwrap(),
            token: "secret".to_owned(),
            messages_flow: Arc::new(|| false),
            health: self.health.clone(),
        };
        let cancel = CancellationToken::new();
        tokio::spawn(uploader.run(cancel.clone()));
        cancel.drop_guard()
    }

    fn failures(&self) -> u64 {
        self.health.failures.load(Ordering::Relaxed)
    }

    async fn waits(&self) -> bool {
        self.outbox.stats().await.unwrap().uploads_waiting > 0
    }

    /// Until a failure is noted and the file rests.
    async fn fails(&self, failures: u64) {
        eventually!("a failure", {
            self.failures() == failures && self.outbox.next_upload().await.unwrap().is_none()
        });
    }

    async fn arrives(&self) {
        eventually!("the file at the hub", !self.waits().await);
        let tus = self.server.lock();
        assert_eq!(tus.held[self.evidence.sha256.as_str()], std::fs::read(&self.path).unwrap());
    }

    /// What the hub is told of lost files.
    async fn tombstones(&self) -> Vec<String> {
        let mut told = Vec::new();
        for (_, id) in self.outbox.head(None, 100).await.unwrap() {
            let bytes = self.outbox.envelope(id).await.unwrap().unwrap();
            if let Event::Tombstone(tombstone) = Envelope::decode(&bytes, &origin()).unwrap().event {
                told.push(tombstone.reason);
            }
        }
        told
    }
}

/// A line that breaks in mid-file costs only what was under way: after the back-off, and after a restart of the
/// agent, the upload goes on at the byte where the hub stands.
#[tokio::test]
async fn an_upload_goes_on_where_it_stood() {
    let bench = Bench::new(4 * MIB + 77).await;
    bench.line.breaks_after(5 * MIB / 2);
    let running = bench.run();
    bench.fails(1).await;
    assert!(bench.line.is_broken());
    drop(running);
    bench.line.mend();

    bench.clock.advance_ms(5_000);
    let _running = bench.run();
    bench.arrives().await;
    let log = bench.server.lock().log.clone();
    assert_eq!(log.iter().filter(|line| *line == "POST").count(), 1, "one upload: {log:?}");
    let at = log.iter().position(|line| line.starts_with("HEAD")).expect("asked where it stands");
    let stands: usize = log[at].strip_prefix("HEAD ").unwrap().parse().unwrap();
    assert!(stands >= 2 * MIB, "what had arrived was kept: {log:?}");
    assert_eq!(log[at + 1], format!("PATCH {stands}"), "{log:?}");
    eventually!("no trouble any more", bench.health.last_error.get().is_none());
    drop(bench.dir);
}

/// An upload that the hub has forgotten begins anew.
#[tokio::test]
async fn a_forgotten_upload_begins_anew() {
    let bench = Bench::new(2 * MIB).await;
    bench.line.breaks_after(3 * MIB / 2);
    let _running = bench.run();
    bench.fails(1).await;
    bench.server.lock().uploads.clear();
    bench.line.mend();
    bench.clock.advance_ms(5_000);
    bench.fails(2).await;
    bench.clock.advance_ms(10_000);
    bench.arrives().await;
    assert_eq!(bench.server.count("POST"), 2);
}

/// Other bytes arrived than were sent (460): the file here is still right, so it is sent again.
#[tokio::test]
async fn garbled_bytes_are_sent_again() {
    let bench = Bench::new(MIB + 1).await;
    bench.server.lock().garble = true;
    let _running = bench.run();
    bench.fails(1).await;
    assert!(bench.health.last_error.get().unwrap().contains("other bytes than were sent"));
    bench.clock.advance_ms(5_000);
    bench.arrives().await;
    assert_eq!(bench.server.count("POST"), 2);
    assert_eq!(bench.tombstones().await, Vec::<String>::new());
}

/// The file itself is no longer what its incident says (460): it is given up, and the hub is told.
#[tokio::test]
async fn a_changed_file_is_given_up() {
    let bench = Bench::new(MIB).await;
    let mut bytes = std::fs::read(&bench.path).unwrap();
    bytes[MIB / 2] ^= 1;
    std::fs::write(&bench.path, bytes).unwrap();
    let _running = bench.run();
    eventually!("the end", !bench.waits().await);
    let told = bench.tombstones().await;
    assert!(told.len() == 1 && told[0].contains("has changed since it was written"), "{told:?}");
    assert!(!bench.path.exists() && bench.server.lock().held.is_empty());
}

/// A file that vanished, or became shorter, is told; for the first no upload is even begun.
#[tokio::test]
async fn a_vanished_file_is_told() {
    let bench = Bench::new(100).await;
    std::fs::remove_file(&bench.path).unwrap();
    let _running = bench.run();
    eventually!("the end", !bench.waits().await);
    let told = bench.tombstones().await;
    assert!(told.len() == 1 && told[0].contains("no longer on the box"), "{told:?}");
    assert_eq!(bench.server.count(""), 0, "the hub was asked nothing");

    let bench = Bench::new(100).await;
    std::fs::write(&bench.path, "short").unwrap();
    let _running = bench.run();
    eventually!("the end", !bench.waits().await);
    let told = bench.tombstones().await;
    assert!(told.len() == 1 && told[0].contains("become shorter"), "{told:?}");
}

/// What the hub already holds is not sent.
#[tokio::test]
async fn what_the_hub_holds_is_not_sent() {
    let bench = Bench::new(MIB).await;
    let bytes = std::fs::read(&bench.path).unwrap();
    bench.server.lock().held.insert(bench.evidence.sha256.to_string(), bytes);
    let _running = bench.run();
    bench.arrives().await;
    assert_eq!((bench.server.count("POST"), bench.server.count("PATCH")), (1, 0));
    assert_eq!(bench.health.uploaded_files.load(Ordering::Relaxed), 1);
    assert_eq!(bench.health.uploaded_bytes.load(Ordering::Relaxed), 0);
}

/// A hub that does not know this box (401): nothing is lost, the reason is shown, the waits double; once it knows the
/// box again the file goes.
#[tokio::test]
async fn a_refused_token_backs_off() {
    let bench = Bench::new(1_000).await;
    bench.server.lock().token = "another".to_owned();
    let _running = bench.run();
    let mut failures = 0;
    for wait_ms in [5_000, 10_000, 20_000] {
        failures += 1;
        bench.fails(failures).await;
        assert!(
            bench.health.last_error.get().unwrap().contains("401"),
            "{:?}",
            bench.health.last_error.get()
        );
        bench.clock.advance_ms(wait_ms - 1);
        assert!(bench.outbox.next_upload().await.unwrap().is_none(), "not before {wait_ms} ms");
        if wait_ms == 20_000 {
            bench.server.lock().token = "secret".to_owned();
        }
        bench.clock.advance_ms(1);
    }
    bench.arrives().await;
    assert_eq!(bench.server.count("POST refused"), 3);
    assert!(bench.tombstones().await.is_empty());
    eventually!("no trouble any more", bench.health.last_error.get().is_none());
}
