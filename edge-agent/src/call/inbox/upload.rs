//! `POST /v1/recordings?name=…`: a recording as the body, streamed to the inbox. Words about the call stand in the URL
//! ([`super::super::words`] has the keys); the caller's number is masked and sealed before anything is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use axum::http::StatusCode;
use futures_util::StreamExt;
use protocol::CallId;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::super::archive::sync_folder;
use super::super::words::{self, Words};
use super::super::{CallTap, tap};
use super::blocking;

/// Uploads at once; further ones are told to come again.
pub(in super::super) const MAX_UPLOADS: usize = 4;
/// Of one recording: the longest call as a WAV file of two channels.
const MAX_BYTES: u64 = 512 << 20;
/// An upload that brings nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest name, in bytes.
const MAX_NAME: usize = 100;
/// Beginning of what is still written; hidden, so that it is not taken.
const UNFINISHED: &str = ".upload-";

type Refusal = (StatusCode, String);

/// What the upload became.
#[derive(serde::Serialize)]
pub(in super::super) struct Received {
    /// In the inbox.
    name: String,
    call_id: CallId,
}

/// Takes a recording. It is in the inbox when this returns, also after a power cut.
pub(in super::super) async fn receive(
    site: &CallTap,
    query: Vec<(String, String)>,
    length: Option<u64>,
    body: Body,
) -> Result<Received, Refusal> {
    let Some(root) = site.config.inbox.clone() else {
        let words = "this box takes no recordings: set [calls] inbox to a folder";
        return Err((StatusCode::NOT_FOUND, words.to_owned()));
    };
    let wrong = |words: String| (StatusCode::BAD_REQUEST, words);
    let (names, rest): (Vec<_>, Vec<_>) = query.into_iter().partition(|(key, _)| key == "name");
    let given = names.first().map_or("recording", |(_, name)| name.as_str());
    if given.is_empty() || given.len() > MAX_NAME || given.contains(['/', '\0']) || given.contains("..") {
        return Err(wrong(format!("name must be a file name of at most {MAX_NAME} bytes")));
    }
    let mut words = words::of_query(rest, &site.sealer).map_err(wrong)?;
    let _one = site
        .uploads
        .try_acquire()
        .map_err(|_| (StatusCode::SERVICE_UNAVAILABLE, format!("{MAX_UPLOADS} uploads run; try again")))?;
    let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, format!("a recording may have {MAX_BYTES} bytes"));
    if length.is_some_and(|bytes| bytes > MAX_BYTES) {
        return Err(too_large());
    }
    let full = |error: anyhow::Error| (StatusCode::INSUFFICIENT_STORAGE, format!("{error:#}"));
    tap::room(site).await.map_err(full)?;
    let id = site.chance.uuid_v7(site.clock.now());
    words.uuid = words.uuid.or(Some(id));
    let call_id = words.told.call_id.or(words.uuid.map(CallId)).expect("set in the line above");
    let partial = Partial(root.join(format!("{UNFINISHED}{id}")));
    write(site, &partial.0, body).await?;
    let name = format!("{id}-{given}");
    settle(&root, &name, &words, partial).await.map_err(full)?;
    Ok(Received { name, call_id })
}

/// Gone on every way out but the good one.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn write(site: &CallTap, to: &Path, body: Body) -> Result<(), Refusal> {
    let broken = |error: std::io::Error| {
        (StatusCode::INSUFFICIENT_STORAGE, format!("cannot write the recording: {error}"))
    };
    let mut file = tokio::fs::File::create(to).await.map_err(broken)?;
    let mut body = body.into_data_stream();
    let (mut size_bytes, mut asked) = (0_u64, 0_u64);
    loop {
        let part = timeout(PATIENCE, body.next()).await.map_err(|_| {
            (StatusCode::REQUEST_TIMEOUT, format!("nothing came for {} s", PATIENCE.as_secs()))
        })?;
        let Some(part) = part else { break };
        let part =
            part.map_err(|error| (StatusCode::BAD_REQUEST, format!("the upload broke off: {error}")))?;
        size_bytes += part.len() as u64;
        if size_bytes > MAX_BYTES {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, format!("a recording may have {MAX_BYTES} bytes")));
        }
        // Its length may not have been said, or not truly.
        if size_bytes >> 23 > asked {
            asked = size_bytes >> 23;
            tap::room(site).await.map_err(|e| (StatusCode::INSUFFICIENT_STORAGE, format!("{e:#}")))?;
        }
        file.write_all(&part).await.map_err(broken)?;
    }
    if size_bytes == 0 {
        return Err((StatusCode::BAD_REQUEST, "the body must be the recording; it is empty".to_owned()));
    }
    file.sync_all().await.map_err(broken)
}

/// Puts the words and then the recording where they are found.
async fn settle(root: &Path, name: &str, words: &Words, partial: Partial) -> anyhow::Result<()> {
    let (recording, beside) = (root.join(name), root.join(format!("{name}.json")));
    let text = words.to_object().to_string();
    blocking(move || {
        fs::write(&beside, text).context("cannot write the words beside a recording")?;
        fs::File::open(&beside).and_then(|f| f.sync_all()).context("cannot sync a file of the inbox")?;
        fs::rename(&partial.0, &recording).context("cannot put a recording into the inbox")?;
        sync_folder(&recording).context("cannot sync the inbox")
    })
    .await
}

/// Removes what uploads left behind that the box did not survive.
pub(super) fn clear(root: &Path) {
    let Ok(entries) = fs::read_dir(root) else { return };
    for entry in entries.flatten().filter(|e| e.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        let _ = fs::remove_file(entry.path());
    }
}
