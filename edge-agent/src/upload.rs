//! Evidence to the hub by tus 1.0 (core, creation): after its incident, by severity, resumable over restarts,
//! and giving way to messages. The hub checks the SHA-256 when the last byte is there.
//!
//! Whatever goes wrong, a file waits before it is tried again, twice as long each time until something of it arrived.
//! What the hub refuses again and again, and what can never arrive, is given up, and the hub is told why.

use std::collections::HashMap;
use std::io::SeekFrom;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::Evidence;
use reqwest::header::{HeaderMap, HeaderName, LOCATION};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::health::LastError;
use crate::outbox::{Outbox, OutboxError, Upload};

/// Bytes per request: what a broken line can cost at most.
const CHUNK_BYTES: usize = 256 << 10;
/// With nothing to do, look again this often (files whose back-off is over).
const IDLE: Duration = Duration::from_secs(5);
/// How long one chunk may wait for messages to go first.
const COURTESY: Duration = Duration::from_secs(2);
const BACK_OFF_MS: i64 = 5_000;
const MAX_BACK_OFF_MS: i64 = 600_000;
/// Refusals of one file, some 50 minutes of them, before it is given up.
const MAX_REFUSALS: u32 = 12;

const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");

/// What the uploader tells health.
#[derive(Debug, Default)]
pub struct Health {
    pub uploaded_files: AtomicU64,
    pub uploaded_bytes: AtomicU64,
    pub failures: AtomicU64,
    pub last_error: LastError,
}

#[derive(Debug, thiserror::Error)]
enum UploadError {
    /// The line or the hub: the same file goes on later.
    #[error("the hub cannot be reached: {0}")]
    Line(#[from] reqwest::Error),
    #[error("the hub answered {status}: {words}")]
    Answer { status: StatusCode, words: String },
    /// The upload the hub knew is gone: begin again.
    #[error("the upload has to begin again ({0})")]
    Anew(String),
    /// The upload does not stand where we thought.
    #[error("the upload stands elsewhere at the hub")]
    Elsewhere,
    /// The hub does not want this file as it is sent, whoever asks.
    #[error("the hub refuses it ({status}): {words}")]
    Refused { status: StatusCode, words: String },
    /// This file will never be taken.
    #[error("{0}")]
    Hopeless(String),
    #[error("reading the file: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// What this run knows of a file that did not get through yet.
#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    refusals: u32,
    /// The furthest that the hub was known to stand.
    reached: u64,
    /// It got further in this attempt.
    moved: bool,
}

impl Tried {
    fn reach(&mut self, offset: u64) {
        self.moved |= offset > self.reached;
        self.reached = self.reached.max(offset);
    }
}

pub struct Uploader {
    pub outbox: Outbox,
    pub http: Client,
    /// `https://HOST:PORT` of the hub.
    pub hub_url: Url,
    pub token: String,
    /// Set while messages can go: only then do files give way to them.
    pub messages_flow: Arc<dyn Fn() -> bool + Send + Sync>,
    pub health: Arc<Health>,
}

impl Uploader {
    /// Runs until cancelled.
    pub async fn run(self, cancel: CancellationToken) {
        // Of files that wait: no more than the outbox holds.
        let mut tried = HashMap::new();
        let stopped = AtomicBool::new(false);
        while !stopped.load(Ordering::Relaxed) {
            tokio::select! {
                // An upload cut off here goes on from the hub's offset at the next start.
                () = cancel.cancelled() => stopped.store(true, Ordering::Relaxed),
                () = self.round(&mut tried) => {}
            }
        }
    }

    /// One file, or a wait for one.
    async fn round(&self, tried: &mut HashMap<String, Tried>) {
        let upload = match self.outbox.next_upload().await {
            Ok(Some(upload)) => upload,
            Ok(None) => {
                let _ = timeout(IDLE, self.outbox.upload_ready()).await;
                return;
            }
            Err(error) => {
                tracing::error!(%error, "cannot read what is to be uploaded");
                return sleep(IDLE).await;
            }
        };
        let name = upload.evidence.sha256.to_string();
        let known = tried.entry(name.clone()).or_default();
        known.moved = false;
        let gone = match self.run_once(&upload, known).await {
            Ok(()) => {
                self.health.last_error.clear();
                true
            }
            Err(error) => self.settle_failure(&upload, error, known).await,
        };
        if gone {
            tried.remove(&name);
        }
    }

    /// True when the file was given up.
    async fn settle_failure(&self, upload: &Upload, error: UploadError, tried: &mut Tried) -> bool {
        let evidence = &upload.evidence;
        self.health.failures.fetch_add(1, Ordering::Relaxed);
        let text = error.to_string();
        if self.health.last_error.set(&text) {
            tracing::warn!(file = %evidence.sha256, error = text, "upload failed");
        }
        if let UploadError::Refused { .. } = error {
            tried.refusals += 1;
        }
        let hopeless = matches!(error, UploadError::Hopeless(_)) || tried.refusals >= MAX_REFUSALS;
        let anew = matches!(error, UploadError::Anew(_) | UploadError::Refused { .. });
        if anew {
            tried.reached = 0;
        }
        // A line that carries a part each time it is up gets no longer waits for it; what has to be sent again does.
        let attempts = if tried.moved && !anew { 0 } else { upload.attempts };
        let delay_ms = (BACK_OFF_MS << attempts.min(8)).min(MAX_BACK_OFF_MS);
        let noted = async {
            if hopeless {
                return self.outbox.give_up_file(evidence, &text).await;
            }
            if anew {
                self.outbox.set_upload_url(evidence, None).await?;
            }
            self.outbox.postpone_upload(evidence, delay_ms, attempts + 1).await
        };
        if let Err(error) = noted.await {
            tracing::error!(%error, "cannot note a failed upload");
        }
        // The next file would meet the same line.
        sleep(Duration::from_secs(1)).await;
        hopeless
    }

    async fn run_once(&self, upload: &Upload, tried: &mut Tried) -> Result<(), UploadError> {
        let evidence = &upload.evidence;
        // First of all: for a file that is gone the hub need not open an upload.
        let mut file = match File::open(&upload.path).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(UploadError::Hopeless("its file is no longer on the box".into()));
            }
            other => other?,
        };
        let (url, mut offset) = match &upload.upload_url {
            Some(url) => {
                let url: Url =
                    url.parse().map_err(|_| UploadError::Anew("its address cannot be read".into()))?;
                if url.origin() != self.hub_url.origin() {
                    return Err(UploadError::Anew("the hub has moved".into()));
                }
                let offset = self.offset(&url).await?;
                (url, offset)
            }
            None => {
                let (url, offset) = self.create(evidence).await?;
                self.outbox.set_upload_url(evidence, Some(url.as_str())).await?;
                (url, offset)
            }
        };
        tried.reach(offset);
        let mut asked = false;
        while offset < evidence.size_bytes {
            self.give_way().await;
            offset = match self.patch(&url, &mut file, offset, upload).await {
                // It lost what it had not synced when it died, or got what we believe lost: it is asked, once.
                Err(UploadError::Elsewhere) if !asked => {
                    asked = true;
                    self.offset(&url).await?
                }
                Err(UploadError::Elsewhere) => {
                    return Err(UploadError::Anew("the hub does not stand where it says".into()));
                }
                sent => {
                    asked = false;
                    sent?
                }
            };
            tried.reach(offset);
        }
        if offset > evidence.size_bytes {
            return Err(UploadError::Anew("the hub has more bytes of it than there are".into()));
        }
        self.outbox.uploaded(evidence).await?;
        self.health.uploaded_files.fetch_add(1, Ordering::Relaxed);
        tracing::info!(file = %evidence.sha256, kind = evidence.kind.as_str(), bytes = evidence.size_bytes, "uploaded");
        Ok(())
    }

    /// Lets messages go first while they can go at all.
    async fn give_way(&self) {
        let waiting = async {
            while (self.messages_flow)() && self.outbox.stats().await.is_ok_and(|stats| stats.rows > 0) {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let _ = timeout(COURTESY, waiting).await;
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(&self.token).header(TUS_RESUMABLE, "1.0.0")
    }

    async fn create(&self, evidence: &Evidence) -> Result<(Url, u64), UploadError> {
        let url = self.hub_url.join("/api/v1/uploads").map_err(|e| UploadError::Hopeless(e.to_string()))?;
        let metadata = [
            ("sha256", evidence.sha256.as_str()),
            ("kind", evidence.kind.as_str()),
            ("filetype", &evidence.media_type),
        ];
        let metadata: Vec<_> =
            metadata.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect();
        let response = self
            .request(self.http.post(url.clone()))
            .header(UPLOAD_LENGTH, evidence.size_bytes)
            .header(UPLOAD_METADATA, metadata.join(","))
            .send()
            .await?;
        let response = checked(response).await?;
        let offset = number(response.headers(), &UPLOAD_OFFSET).unwrap_or(0);
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.and_then(|location| url.join(location).ok());
        let same_hub = |at: &Url| at.origin() == self.hub_url.origin();
        match location {
            Some(location) if same_hub(&location) => Ok((location, offset)),
            // What the hub already holds needs no address.
            _ if offset == evidence.size_bytes => Ok((url, offset)),
            _ => Err(UploadError::Answer {
                status: response.status(),
                words: "no usable address for the upload".into(),
            }),
        }
    }

    async fn offset(&self, url: &Url) -> Result<u64, UploadError> {
        let response = checked(self.request(self.http.head(url.clone())).send().await?).await?;
        number(response.headers(), &UPLOAD_OFFSET)
            .ok_or_else(|| UploadError::Anew("the hub does not say how far it is".into()))
    }

    async fn patch(
        &self,
        url: &Url,
        file: &mut File,
        offset: u64,
        upload: &Upload,
    ) -> Result<u64, UploadError> {
        let left = upload.evidence.size_bytes.saturating_sub(offset);
        let mut chunk = vec![0; CHUNK_BYTES.min(left as usize)];
        file.seek(SeekFrom::Start(offset)).await?;
        if let Err(error) = file.read_exact(&mut chunk).await {
            return Err(match error.kind() {
                std::io::ErrorKind::UnexpectedEof => {
                    UploadError::Hopeless("its file has become shorter".into())
                }
                _ => error.into(),
            });
        }
        let bytes = chunk.len() as u64;
        let response = self
            .request(self.http.patch(url.clone()))
            .header(UPLOAD_OFFSET, offset)
            .header("content-type", "application/offset+octet-stream")
            .body(chunk)
            .send()
            .await?;
        if response.status().as_u16() == 460 {
            return Err(judge_mismatch(&upload.path, &upload.evidence).await);
        }
        let response = checked(response).await?;
        self.health.uploaded_bytes.fetch_add(bytes, Ordering::Relaxed);
        match number(response.headers(), &UPLOAD_OFFSET) {
            Some(next) if next > offset => Ok(next),
            _ => Err(UploadError::Anew("the hub did not move on".into())),
        }
    }
}

/// The hub's sum differs: either the file here has changed (hopeless), or the upload went wrong (again).
async fn judge_mismatch(path: &Path, evidence: &Evidence) -> UploadError {
    match sha256_of(path).await {
        Ok(sum) if sum == evidence.sha256.as_str() => {
            UploadError::Anew("the hub received other bytes than were sent".into())
        }
        Ok(_) => UploadError::Hopeless("its file has changed since it was written".into()),
        Err(error) => error.into(),
    }
}

/// Read bit by bit: a recording may be larger than a small box's memory.
async fn sha256_of(path: &Path) -> std::io::Result<String> {
    let (mut file, mut sum, mut chunk) = (File::open(path).await?, Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        match file.read(&mut chunk).await? {
            0 => return Ok(hex::encode(sum.finalize())),
            read => sum.update(&chunk[..read]),
        }
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

async fn checked(response: Response) -> Result<Response, UploadError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let words = response.text().await.unwrap_or_default().chars().take(200).collect::<String>();
    Err(match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => UploadError::Anew(format!("{status} {words}")),
        StatusCode::CONFLICT => UploadError::Elsewhere,
        // About us, or about this moment: the same request may pass later.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::LOCKED
        | StatusCode::TOO_EARLY
        | StatusCode::TOO_MANY_REQUESTS => UploadError::Answer { status, words },
        StatusCode::PAYLOAD_TOO_LARGE => UploadError::Hopeless(format!("the hub refuses its size: {words}")),
        status if status.is_client_error() => UploadError::Refused { status, words },
        _ => UploadError::Answer { status, words },
    })
}
