//! A call tap that runs, an exchange that plays legs to it, and what came of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edge_agent::call::audiosocket::{Frame, encode};
use edge_agent::call::{CallConfig, CallTap, Deps};
use edge_agent::contact::HubKey;
use edge_agent::report::{Handover, Report};
use protocol::{CallSubject, Chance, Delivery, LiveCall, Subject, SystemClock};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const CHUNK: usize = 160;

pub(super) fn config() -> CallConfig {
    CallConfig {
        audiosocket_listen: "127.0.0.1:0".parse().unwrap(),
        api_listen: "127.0.0.1:0".parse().unwrap(),
        join_grace_ms: 400,
        ..CallConfig::default()
    }
}

/// A running tap on `dir`, with what it hands to the outbox.
pub(super) struct Site {
    pub(super) tap: Arc<CallTap>,
    reports: mpsc::Receiver<Handover>,
    pub(super) live: mpsc::Receiver<LiveCall>,
    cancel: CancellationToken,
    pub(super) task: JoinHandle<anyhow::Result<()>>,
}

impl Site {
    pub(super) async fn start(dir: &Path, config: CallConfig) -> Self {
        Self::start_with_reserve(dir, config, 0).await
    }

    pub(super) async fn start_with_reserve(dir: &Path, config: CallConfig, disk_reserve_bytes: u64) -> Self {
        Self::start_whole(dir, config, disk_reserve_bytes, HubKey::without_hub()).await
    }

    pub(super) async fn start_whole(
        dir: &Path,
        config: CallConfig,
        disk_reserve_bytes: u64,
        hub_key: HubKey,
    ) -> Self {
        let (sender, reports) = mpsc::channel(64);
        let (words, live) = mpsc::channel(1_024);
        let deps = Deps {
            clock: Arc::new(SystemClock::new()),
            chance: Arc::new(Chance::from_os()),
            data_dir: dir.to_owned(),
            silero: None,
            model_dirs: vec![dir.join("models")],
            program: PathBuf::from(env!("CARGO_BIN_EXE_edge-agent")),
            reports: sender,
            live: words,
            hub_key: Arc::new(hub_key),
            disk_reserve_bytes,
        };
        let wanted =
            [config.websocket_listen, config.siprec_listen, config.vosk_listen, config.funasr_listen];
        let tap = CallTap::new(config, deps).unwrap();
        let cancel = CancellationToken::new();
        let task = tokio::spawn(Arc::clone(&tap).run(cancel.clone()));
        let site = Self { tap, reports, live, cancel, task };
        until("the ports are open", || {
            let health = site.tap.health();
            let open = [
                health.websocket_listening,
                health.siprec_listening,
                health.vosk_listening,
                health.funasr_listening,
            ];
            let all = wanted.iter().zip(open).all(|(wanted, open)| wanted.is_some() == open.is_some());
            health.listening.is_some() && health.api_listening.is_some() && all
        })
        .await;
        site
    }

    pub(super) fn audio(&self) -> SocketAddr {
        self.tap.health().listening.unwrap()
    }

    pub(super) async fn handover(&mut self) -> Handover {
        timeout(Duration::from_secs(60), self.reports.recv())
            .await
            .expect("a report in time")
            .expect("a report")
    }

    /// The next report, committed.
    pub(super) async fn report(&mut self) -> Report {
        let handover = self.handover().await;
        let report = handover.report.clone();
        handover.committed();
        report
    }

    /// Nothing more may come.
    pub(super) async fn quiet(&mut self) {
        let more = timeout(Duration::from_millis(700), self.reports.recv()).await;
        assert!(more.is_err(), "an unexpected report: {more:?}");
    }

    pub(super) async fn tell(&self, uuid: Uuid, words: serde_json::Value) -> reqwest::StatusCode {
        let url = format!("http://{}/v1/calls/{uuid}", self.tap.health().api_listening.unwrap());
        client().put(url).json(&words).send().await.unwrap().status()
    }

    /// An orderly end; the outbox takes what is said last.
    pub(super) async fn stop(self) {
        self.ended().await;
    }

    /// The same, with what was said last.
    pub(super) async fn ended(mut self) -> Vec<Report> {
        self.cancel.cancel();
        let mut reports = Vec::new();
        let ending = async {
            loop {
                tokio::select! {
                    ended = &mut self.task => return ended,
                    Some(handover) = self.reports.recv() => {
                        reports.push(handover.report.clone());
                        handover.committed();
                    }
                }
            }
        };
        timeout(Duration::from_secs(5), ending).await.expect("an orderly end in 5 s").unwrap().unwrap();
        reports
    }
}

pub(super) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// The same samples for the same seed, never zero.
pub(super) fn noise(seed: u32, count: usize) -> Vec<i16> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 16) as i16 / 4) | 1
    };
    (0..count).map(|_| next()).collect()
}

/// One leg as an exchange plays it.
pub(super) struct Exchange(pub(super) TcpStream);

impl Exchange {
    pub(super) async fn connect(at: SocketAddr, uuid: Uuid) -> Self {
        let mut exchange = Self(TcpStream::connect(at).await.unwrap());
        exchange.0.set_nodelay(true).unwrap();
        exchange.send(&Frame::Id(uuid)).await;
        exchange
    }

    pub(super) async fn send(&mut self, frame: &Frame) {
        self.0.write_all(&encode(frame).unwrap()).await.unwrap();
    }

    /// In real time, 20 ms at a time, cut into pieces that respect no frame.
    pub(super) async fn play(&mut self, samples: &[i16]) {
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

pub(super) fn call_of(report: &Report) -> &CallSubject {
    let Subject::Call(call) = &report.incident.subject else { panic!("not a call: {report:?}") };
    call
}

/// Left and right of a report's recording, after checking that the file is what the incident says.
pub(super) fn sides(report: &Report) -> (u32, Vec<i16>, Vec<i16>) {
    use sha2::Digest;
    let [file] = &report.files[..] else { panic!("one file, not {:?}", report.files) };
    let bytes = std::fs::read(&file.path).unwrap();
    assert_eq!(hex::encode(sha2::Sha256::digest(&bytes)), file.evidence.sha256.as_str());
    assert_eq!(bytes.len() as u64, file.evidence.size_bytes);
    assert_eq!(file.evidence.delivery, Delivery::OnRequest);
    assert_eq!(report.incident.evidence, std::slice::from_ref(&file.evidence));
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
pub(super) fn offset_of(track: &[i16], part: &[i16]) -> usize {
    let at = track.iter().position(|s| *s != 0).expect("the side is not silent");
    assert_eq!(track[at..at + part.len()], *part, "samples were changed");
    assert!(track[at + part.len()..].iter().all(|s| *s == 0), "something after the end");
    at
}
