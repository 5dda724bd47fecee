//! Recordings that come as files, dropped into a folder ([`folder`]) or uploaded ([`upload`]): each becomes a finished
//! call, with recording, speech and, later, words, exactly once, whenever the box is killed.
//!
//! One file is decoded at a time; calls that are up come first. Deliberately absent: joining several files into one
//! call.

mod decode;
mod folder;
mod upload;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context;
use protocol::{CallId, IncidentId, Leg, UtcMs};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::leg::{self, FinishedLeg, LegState};
use super::listener::blocking;
use super::live::Said;
use super::words::Words;
use super::{CallTap, Cause, RECONCILE_EVERY, tap};
use decode::{Decoded, Failure};
use folder::{Folder, Taken};

pub(super) use upload::{MAX_UPLOADS, receive};

/// How often the folder is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Times that a file is looked at which ends the program each time.
const MAX_TRIES: u32 = 2;

/// Runs until cancelled.
pub(super) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) {
    let Some(root) = tap.config.inbox.clone() else { return };
    let mut opened = None;
    let mut not_before = Instant::now();
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = sleep(LOOK_EVERY) => {}
        }
        if Instant::now() < not_before {
            continue;
        }
        match round(&tap, &root, &mut opened, &cancel).await {
            Ok(()) => tap.trouble(Cause::Inbox, None),
            Err(error) => {
                let words = format!("the inbox waits, trying again every minute: {error:#}");
                tap.trouble(Cause::Inbox, Some(words));
                not_before = Instant::now() + RECONCILE_EVERY;
            }
        }
    }
}

/// Takes what is complete, and files what is taken.
async fn round(
    tap: &Arc<CallTap>,
    root: &std::path::Path,
    opened: &mut Option<Folder>,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let (root, mut folder, ids) = (root.to_owned(), opened.take(), Arc::clone(tap));
    let (folder, taken) = blocking(move || {
        let mut folder = match folder.take() {
            Some(folder) => folder,
            None => {
                upload::clear(&root);
                Folder::open(&root)?
            }
        };
        folder.take_settled(ids.clock.uptime_ms(), || IncidentId::new(&ids.chance, ids.clock.now()))?;
        let taken = folder.taken()?;
        Ok((folder, taken))
    })
    .await?;
    let folder = opened.insert(folder);
    for taken in taken {
        if cancel.is_cancelled() {
            return Ok(());
        }
        file(tap, folder, taken, cancel).await?;
    }
    Ok(())
}

async fn file(
    tap: &Arc<CallTap>,
    folder: &Folder,
    taken: Taken,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    // A run that was killed had filed it already.
    if !tap.ledger.archive.holds(taken.incident_id) {
        tap::room(tap).await?;
        folder.fetch_words(&taken);
        let (site, file, stop) = (Arc::clone(tap), taken.clone(), cancel.clone());
        let read = blocking(move || Ok(read(&site, &file, || stop.is_cancelled()))).await?;
        let (call_id, legs) = match read {
            Ok(read) => read,
            Err(Failure::Stopped) => return Ok(()),
            Err(Failure::Unreadable(reason)) => return reject(tap, folder, &taken, &reason),
            Err(Failure::Box(error)) => return Err(error),
        };
        if legs.is_empty() {
            tracing::info!(name = taken.name, "a recording is still being written; it waits");
            return folder.give_back(&taken);
        }
        tap.file(call_id, legs, Said::default()).await;
        anyhow::ensure!(tap.ledger.archive.holds(taken.incident_id), "a recording cannot be filed");
    }
    tracing::info!(incident = %taken.incident_id, "a recording of the inbox is filed");
    Folder::remove(&taken)
}

fn reject(tap: &CallTap, folder: &Folder, taken: &Taken, reason: &str) -> anyhow::Result<()> {
    tap.counters.recordings_rejected.fetch_add(1, Ordering::Relaxed);
    tracing::warn!(name = taken.name, reason, "a recording of the inbox was set aside");
    folder.reject(taken, reason, &tap.sealer)
}

/// The legs of a recording; none while somebody still writes it. Blocks.
fn read(
    tap: &CallTap,
    taken: &Taken,
    stopped: impl Fn() -> bool,
) -> Result<(CallId, Vec<FinishedLeg>), Failure> {
    if taken.count_try()? > MAX_TRIES {
        return Err(Failure::Unreadable("the program ended each time it was read".to_owned()));
    }
    let words = taken.words(&tap.sealer).map_err(Failure::Unreadable)?;
    let sound = tap.ledger.archive.decoding();
    fs::create_dir_all(&sound).context("cannot make a folder for decoded sound")?;
    let side = |channel: usize| sound.join(format!("{}-{channel}.pcm", taken.incident_id));
    let sides = [side(0), side(1)];
    let clear = || sides.iter().for_each(|path| drop(fs::remove_file(path)));
    let before = taken.metadata().context("cannot read a recording")?;
    let decoded = decode::decode(&taken.path, [&sides[0], &sides[1]], tap.config.max_call_ms(), stopped);
    let after = taken.metadata().context("cannot read a recording")?;
    // Only a file that ends the program keeps its count.
    taken.forget_tries();
    if (before.len(), before.modified().ok()) != (after.len(), after.modified().ok()) {
        clear();
        return Ok((CallId(taken.incident_id.0), Vec::new()));
    }
    let decoded = decoded.inspect_err(|_| clear())?;
    let written_at = after.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let written_at = written_at.map_or_else(|| tap.clock.now(), |age| UtcMs(age.as_millis() as i64));
    Ok(legs(tap, taken.incident_id, words, decoded, written_at, sides))
}

/// The legs of the call that a decoded recording is. One that nobody dated ended when its file was written.
fn legs(
    tap: &CallTap,
    incident_id: IncidentId,
    words: Words,
    Decoded { rate_hz, channels, frames }: Decoded,
    written_at: UtcMs,
    sides: [PathBuf; 2],
) -> (CallId, Vec<FinishedLeg>) {
    let length_ms = frames * 1_000 / u64::from(rate_hz);
    let started_at = words.started_at.unwrap_or_else(|| written_at.plus_ms(-(length_ms as i64)));
    let socket = words.uuid.unwrap_or(incident_id.0);
    let call_id = words.told.call_id.unwrap_or(CallId(socket));
    let roles = [Leg::Caller, Leg::Operator];
    let legs = roles.into_iter().zip(sides).take(channels).map(|(role, pcm)| {
        let state = LegState {
            name: incident_id.to_string(),
            incident_id,
            socket,
            role,
            announced: words.told.clone(),
            started_at,
            starts_at_ms: 0,
            run: tap.run,
            rate_hz: Some(rate_hz),
            ended: true,
        };
        let spans = leg::listen(&pcm, rate_hz, &tap.method);
        FinishedLeg { state, pcm, spans: Some(spans) }
    });
    (call_id, legs.collect())
}
