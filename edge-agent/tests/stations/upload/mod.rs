//! The uploader against a small server that behaves as tus 1.0 says, behind a line that can be cut: files arrive
//! whole, go on where they stood, and what can never arrive is told.

mod line;
mod refusals;
mod tus;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::common::{START, eventually, file, report, settle, voice, waiting};
use edge_agent::outbox::{Outbox, OutboxConfig};
use edge_agent::report::EvidenceFile;
use edge_agent::upload::{Health, Uploader};
use line::Line;
use protocol::{
    CallId, Chance, Event, Evidence, EvidenceKind, IncidentId, ManualClock, Phase, ReceiptOutcome, Severity,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tus::Server;

const MIB: usize = 1 << 20;

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

impl Bench {
    async fn new(size_bytes: usize) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let chance = Arc::new(Chance::seeded(1));
        let voice = voice(clock.clone(), chance.clone());
        let (outbox, _) = Outbox::open(dir.path(), OutboxConfig::default(), voice).await.unwrap();
        let bytes: Vec<u8> = (0..size_bytes).map(|n| (n * 31 % 251) as u8).collect();
        let EvidenceFile { evidence, path } = file(outbox.evidence_dir(), &bytes, EvidenceKind::Clip);
        let id = IncidentId::new(&chance, START);
        let mut report = report(id, 1, Phase::Opened, Severity::Major);
        report.incident.evidence = vec![evidence.clone()];
        report.files = vec![EvidenceFile { evidence: evidence.clone(), path: path.clone() }];
        let message_id = outbox.append(&report).await.unwrap();
        settle(&outbox, message_id, ReceiptOutcome::Stored).await;
        let server = Server::default();
        "secret".clone_into(&mut server.lock().token);
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

    /// Time passes; the uploader looks at once.
    async fn later(&self, ms: i64) {
        self.clock.advance_ms(ms);
        let nobodys = CallId::new(&Chance::seeded(9), START);
        assert!(self.outbox.request_recordings(nobodys, &[]).await.unwrap().is_empty());
    }

    /// What the hub is told of lost files.
    async fn tombstones(&self) -> Vec<String> {
        let told = waiting(&self.outbox).await.into_iter();
        told.filter_map(|e| match e.event {
            Event::Tombstone(tombstone) => Some(tombstone.reason),
            _ => None,
        })
        .collect()
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
    bench.later(5_000).await;
    bench.fails(2).await;
    bench.later(10_000).await;
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
    bench.later(5_000).await;
    bench.arrives().await;
    assert_eq!(bench.server.count("POST"), 2);
    assert_eq!(bench.tombstones().await, Vec::<String>::new());
}

/// A hub that receives other bytes each time is not sent the whole file every few seconds: it is tried ever more seldom.
#[tokio::test]
async fn a_hub_that_garbles_everything_is_tried_ever_more_seldom() {
    let bench = Bench::new(MIB).await;
    let _running = bench.run();
    for (failures, wait_ms) in [(1, 5_000), (2, 10_000), (3, 20_000)] {
        bench.server.lock().garble = true;
        if failures > 1 {
            bench.later(1).await;
        }
        bench.fails(failures).await;
        bench.clock.advance_ms(wait_ms - 1);
        assert!(bench.outbox.next_upload().await.unwrap().is_none(), "not before {wait_ms} ms");
    }
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
    "another".clone_into(&mut bench.server.lock().token);
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
            "secret".clone_into(&mut bench.server.lock().token);
        }
        bench.later(1).await;
    }
    bench.arrives().await;
    assert_eq!(bench.server.count("POST refused"), 3);
    assert!(bench.tombstones().await.is_empty());
    eventually!("no trouble any more", bench.health.last_error.get().is_none());
}
