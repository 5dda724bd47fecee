//! The box's side of the transcribing process.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use protocol::Segment;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::Installed;
use super::transcribe::{Reply, Request};
use crate::call::record::Spoken;

/// Loading a large model from a slow disk.
const LOAD: Duration = Duration::from_secs(180);

/// Why a model is not to be used.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) reason: String,
    /// The model itself was found wanting; otherwise it may have been the machine.
    pub(crate) lasting: bool,
}

#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    requests: ChildStdin,
    replies: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts it and waits for the model. An error is the model's (or the program's) fault, not a recording's; the inner
    /// one says that the model is not fit for work.
    /// `roots`: folders that may hold a punctuation model.
    pub(crate) async fn start(
        program: &Path,
        installed: &Installed,
        roots: &[PathBuf],
    ) -> anyhow::Result<Result<Self, Unfit>> {
        let folder = installed.model.parent().context("a model file lies in a folder")?;
        let mut child = Command::new(program)
            .args(["transcribe", "--worker", "--model"])
            .arg(folder)
            .args(roots.iter().flat_map(|root| [Path::new("--models"), root.as_path()]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let requests = child.stdin.take().context("the worker has no input")?;
        let replies = BufReader::new(child.stdout.take().context("the worker has no output")?).lines();
        let mut worker = Self { child, requests, replies };
        let reply = timeout(LOAD, worker.replies.next_line()).await;
        let Some(line) =
            reply.map_err(|_| anyhow::anyhow!("it was not ready within {} s", LOAD.as_secs()))??
        else {
            let status = worker.child.wait().await?;
            let reason = format!("{}: the process that loaded it ended with {status}", installed.name);
            return Ok(Err(Unfit { reason, lasting: false }));
        };
        match serde_json::from_str(&line).with_context(|| format!("it said {line:?}"))? {
            Reply::Ready => Ok(Ok(worker)),
            Reply::Failed { reason } => Ok(Err(Unfit { reason, lasting: true })),
            other @ Reply::Done { .. } => anyhow::bail!("it said {other:?} before it was ready"),
        }
    }

    /// An error means that the process is of no use any more. The inner one is the recording's.
    pub(crate) async fn transcribe(
        &mut self,
        recording: &Path,
        speech: &[Spoken],
    ) -> anyhow::Result<Result<Vec<Segment>, String>> {
        let request = Request { recording: recording.to_owned(), speech: speech.to_vec() };
        let line = format!("{}\n", serde_json::to_string(&request)?);
        self.requests.write_all(line.as_bytes()).await.context("the transcribing process is gone")?;
        let spoken_ms: u64 = speech.iter().map(|s| s.end_ms - s.start_ms).sum();
        // The slowest model on the smallest box runs at about real time.
        match self.reply(Duration::from_millis(60_000 + 4 * spoken_ms)).await? {
            Reply::Done { segments } => Ok(Ok(segments)),
            Reply::Failed { reason } => Ok(Err(reason)),
            Reply::Ready => anyhow::bail!("it said twice that it was ready"),
        }
    }

    async fn reply(&mut self, patience: Duration) -> anyhow::Result<Reply> {
        let line = timeout(patience, self.replies.next_line())
            .await
            .map_err(|_| anyhow::anyhow!("it said nothing for {} s", patience.as_secs()))??;
        let Some(line) = line else {
            let status = self.child.wait().await?;
            anyhow::bail!("it ended with {status}; the reason is in the lines above");
        };
        serde_json::from_str(&line).with_context(|| format!("it said {line:?}"))
    }
}
