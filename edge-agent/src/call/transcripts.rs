//! The words of filed calls, when a speech model is installed: one call after another, in a process of its own. A
//! model that arrives later finds the calls that waited for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use protocol::{IncidentId, Segment, Transcript};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::health::Cause;
use super::listener::blocking;
use super::record::{Record, Spoken};
use super::speech::worker::{Unfit, Worker};
use super::speech::{Installed, best};
use super::{CallTap, RECONCILE_EVERY, lock, redact};
use crate::screen;

/// Failures on one recording before its transcript is given up.
const MAX_ATTEMPTS: u32 = 3;
/// Speech of one side with less than this between is one line of the transcript, up to the longest line.
const JOIN_MS: u64 = 1_000;
const MAX_LINE_MS: u64 = 60_000;

/// Runs until cancelled.
pub(super) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return,
            () = round(&tap) => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tap.ledger.wordless.notified() => {}
            () = sleep(RECONCILE_EVERY) => {}
        }
    }
}

async fn round(tap: &Arc<CallTap>) {
    // Each time round one that is not fit for work is left out.
    let (installed, waiting, mut worker) = loop {
        let (found, refused) = find(tap).await;
        let waiting = tap.ledger.wordless();
        lock(&tap.status).speech_model =
            found.as_ref().ok().and_then(|model| model.as_ref().map(|m| m.name.clone()));
        tap.trouble(Cause::Model, tap.refusals.words());
        let none_fit = refused.then(|| "no speech model here is fit for work; calls wait".to_owned());
        let (installed, trouble) = match found {
            Ok(installed) => (installed, none_fit),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        if installed.is_none() {
            // Before it is said that there was a look: a recording whose words may still come must not leave in between.
            tap.trouble(Cause::Speech, trouble);
        }
        tap.looked_for_models.store(true, Ordering::Release);
        let Some(installed) = installed else { return };
        if waiting.is_empty() {
            // Whether it can be loaded shows with the next call.
            return;
        }
        match Worker::start(&tap.program, &installed, &tap.model_dirs).await {
            Ok(Ok(worker)) => break (installed, waiting, worker),
            Ok(Err(Unfit { reason, lasting })) => tap.refusals.refuse(&installed, reason, lasting),
            Err(error) => {
                let words = format!("speech model {} cannot be used: {error:#}", installed.name);
                // First, for the same reason.
                tap.trouble(Cause::Speech, Some(words));
                lock(&tap.status).speech_model = None;
                return;
            }
        }
    };
    tap.trouble(Cause::Speech, None);
    for id in waiting {
        if let Err(error) = transcribe(tap, &mut worker, &installed, id).await {
            tracing::error!(
                incident = %id,
                error = format!("{error:#}"),
                "transcription broke off; trying again"
            );
            return;
        }
    }
}

/// The best recogniser that is fit for work, and whether any was refused.
async fn find(tap: &Arc<CallTap>) -> (anyhow::Result<Option<Installed>>, bool) {
    let holder = Arc::clone(tap);
    let found = blocking(move || {
        let refused = holder.refusals.editions();
        let found = best(&holder.model_dirs, holder.config.speech_model.as_deref(), &refused);
        Ok((found.map_err(anyhow::Error::msg), !refused.is_empty()))
    });
    found.await.unwrap_or_else(|error| (Err(error), false))
}

/// One attempt at one call. The error says that the process, or the disk, is of no use now.
async fn transcribe(
    tap: &Arc<CallTap>,
    worker: &mut Worker,
    installed: &Installed,
    id: IncidentId,
) -> anyhow::Result<()> {
    let (holder, now) = (Arc::clone(tap), tap.clock.now());
    let Some(record) = blocking(move || holder.ledger.change(id, |_| false)).await? else { return Ok(()) };
    let Record { recording: Some(name), speech, .. } = record else { return Ok(()) };
    let path = tap.ledger.archive.recordings().join(&name);
    if !path.exists() {
        let reason = "the recording was deleted before it was transcribed".to_owned();
        return keep(tap, id, Transcript::Failed { reason }, Vec::new()).await;
    }
    let failed = match worker.transcribe(&path, &speech).await {
        Ok(Ok(segments)) => {
            let (segments, private) = redact::mask_numbers(join(segments));
            let model = installed.name.clone();
            return keep(tap, id, Transcript::Done { segments, model, left_out: 0 }, private).await;
        }
        Ok(Err(reason)) => Ok(reason),
        Err(error) => Err(error),
    };
    let reason = match &failed {
        Ok(reason) => reason.clone(),
        Err(error) => format!("{error:#}"),
    };
    let holder = Arc::clone(tap);
    blocking(move || {
        let record = holder.ledger.change(id, |record| {
            record.attempts += 1;
            true
        })?;
        if record.is_some_and(|record| record.attempts >= MAX_ATTEMPTS) {
            holder.ledger.transcribed(id, Transcript::Failed { reason }, Vec::new(), None, now)?;
        }
        Ok(())
    })
    .await?;
    failed.map(drop)
}

async fn keep(
    tap: &Arc<CallTap>,
    id: IncidentId,
    transcript: Transcript,
    private: Vec<Spoken>,
) -> anyhow::Result<()> {
    let (holder, now) = (Arc::clone(tap), tap.clock.now());
    blocking(move || {
        let reading = match &transcript {
            Transcript::Done { segments, .. } => screen::call::read(&holder.screener, segments),
            _ => None,
        };
        holder.ledger.transcribed(id, transcript, private, reading, now)
    })
    .await
}

/// A line of a transcript, and what was said of it without a pause.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) segment: Segment,
    pub(super) pieces: Vec<Piece>,
}

/// From a character of its line on, this was said in this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) from: usize,
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
}

/// Lines of a transcript: what one side says without a longer pause or the other side between.
pub(super) fn join(segments: Vec<Segment>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for segment in segments {
        let piece = |from| Piece { from, start_ms: segment.start_ms, end_ms: segment.end_ms };
        match lines.last_mut() {
            Some(Line { segment: last, pieces })
                if last.leg == segment.leg
                    && segment.start_ms < last.end_ms + JOIN_MS
                    && segment.end_ms - last.start_ms <= MAX_LINE_MS =>
            {
                // Words of Latin letters need a space between; Chinese does not.
                let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                if latin(last.text.chars().last()) && latin(segment.text.chars().next()) {
                    last.text.push(' ');
                }
                pieces.push(piece(last.text.chars().count()));
                last.text.push_str(&segment.text);
                last.end_ms = segment.end_ms;
            }
            _ => lines.push(Line { pieces: vec![piece(0)], segment }),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Leg;

    fn segment(leg: Leg, start_ms: u64, end_ms: u64, text: &str) -> Segment {
        Segment { leg, start_ms, end_ms, text: text.to_owned() }
    }

    /// Turns stay apart, breaths do not; Latin words keep their space; nobody's line goes on for ever.
    #[test]
    fn joins_lines() {
        let lines = join(vec![
            segment(Leg::Caller, 0, 900, "我要"),
            segment(Leg::Caller, 1_200, 2_000, "投诉"),
            segment(Leg::Operator, 2_100, 2_500, "OK"),
            segment(Leg::Operator, 2_600, 3_000, "go"),
            segment(Leg::Caller, 9_000, 9_500, "好"),
        ]);
        assert_eq!(
            lines.iter().map(|l| l.segment.text.as_str()).collect::<Vec<_>>(),
            ["我要投诉", "OK go", "好"]
        );
        let second = Piece { from: 2, start_ms: 1_200, end_ms: 2_000 };
        assert_eq!(lines[0].pieces, [Piece { from: 0, start_ms: 0, end_ms: 900 }, second]);
        let monologue = (0..20).map(|n| segment(Leg::Caller, n * 10_000, n * 10_000 + 9_800, "又")).collect();
        assert_eq!(join(monologue).len(), 4);
    }
}
