//! What filed calls still wait for: that their newest revision is in the outbox, and their transcript. Reads the truth
//! from disk each time, so it is safe to run at any moment and after any crash.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::limits::MAX_MESSAGE_BYTES;
use protocol::{IncidentId, Segment, Subject, Transcript};
use tokio::time::{Duration, Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::archive::{Archive, Record};
use super::speech::worker::Worker;
use super::speech::{Installed, best};
use super::{CallTap, RECONCILE_EVERY, lock};
use crate::report::{EvidenceFile, Report};

/// The outbox commits at once; a revision handed over this long ago is in it.
const COMMITTED_AFTER: Duration = Duration::from_secs(30);
/// Failures on one recording before its transcript is given up.
const MAX_ATTEMPTS: u32 = 3;
/// Room that an incident needs beside its transcript.
const MESSAGE_RESERVE_BYTES: usize = 8 * 1_024;
/// Speech of one side with less than this between is one line of the transcript.
const JOIN_MS: u64 = 1_000;

/// Revisions sent by this run of the program, and when.
pub(super) type Sent = HashMap<(IncidentId, u32), Instant>;

/// Runs until cancelled; gives what it sent, for [`hand_over`].
pub(super) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) -> Sent {
    let mut sent = Sent::new();
    loop {
        tokio::select! {
            () = cancel.cancelled() => return sent,
            () = round(&tap, &mut sent) => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return sent,
            () = tap.filed.notified() => {}
            () = sleep(RECONCILE_EVERY) => {}
        }
    }
}

/// Sends whatever was not handed over yet; the last act of a run.
pub(super) async fn hand_over(tap: &CallTap, mut sent: Sent) {
    send_new(tap, &mut sent, tap.archive.unsettled()).await;
}

async fn round(tap: &Arc<CallTap>, sent: &mut Sent) {
    let records = send_new(tap, sent, tap.archive.unsettled()).await;
    transcribe_waiting(tap, sent, records).await;
    let (mut waiting, mut known) = (0, Vec::new());
    for record in tap.archive.unsettled() {
        waiting += u64::from(is_waiting(&record));
        known.push(record.incident.incident_id);
        if record.handed_over && !is_waiting(&record) {
            keep(tap.archive.settle(&record));
        }
    }
    sent.retain(|(id, _), _| known.contains(id));
    lock(&tap.status).transcripts_waiting = waiting;
    tap.archive.forget_gone();
}

fn is_waiting(record: &Record) -> bool {
    matches!(&record.incident.subject, Subject::Call(call) if call.transcript == Transcript::Waiting)
}

fn keep(done: anyhow::Result<()>) {
    if let Err(error) = done {
        tracing::error!(error = format!("{error:#}"), "a call's record cannot be kept; trying again");
    }
}

/// The recording as evidence with its place on disk.
pub(super) fn files_of(archive: &Archive, record: &Record) -> Vec<EvidenceFile> {
    let evidence = record.incident.evidence.first();
    evidence
        .zip(record.recording.as_ref())
        .map(|(evidence, name)| EvidenceFile {
            evidence: evidence.clone(),
            path: archive.recordings().join(name),
        })
        .into_iter()
        .collect()
}

/// Hands newest revisions to the outbox. One that was sent but may not have been committed when the box died is
/// sent again: the hub knows it by incident and revision.
async fn send_new(tap: &CallTap, sent: &mut Sent, records: Vec<Record>) -> Vec<Record> {
    let mut kept = Vec::new();
    for mut record in records {
        let key = (record.incident.incident_id, record.incident.revision);
        match sent.get(&key) {
            _ if record.handed_over => {}
            Some(at) if at.elapsed() >= COMMITTED_AFTER => {
                record.handed_over = true;
                keep(tap.archive.save(&record));
            }
            Some(_) => {}
            None => send(tap, sent, &record).await,
        }
        kept.push(record);
    }
    kept
}

async fn send(tap: &CallTap, sent: &mut Sent, record: &Record) {
    // The file is new in revision 1 only; later revisions list it all the same.
    let files = if record.incident.revision == 1 { files_of(&tap.archive, record) } else { Vec::new() };
    let report = Report { incident: record.incident.clone(), files, unfinished: false };
    if tap.reports.send(report).await.is_err() {
        tracing::warn!("the outbox is closed; a call is handed over at the next start");
        return;
    }
    sent.insert((record.incident.incident_id, record.incident.revision), Instant::now());
}

async fn transcribe_waiting(tap: &Arc<CallTap>, sent: &mut Sent, records: Vec<Record>) {
    let wanted = tap.config.speech_model.clone();
    let roots = tap.model_dirs.clone();
    let found = tokio::task::spawn_blocking(move || best(&roots, wanted.as_deref())).await;
    let found = found.unwrap_or_else(|error| Err(error.to_string()));
    let installed = match found {
        Ok(found) => {
            set_speech(tap, found.as_ref(), None);
            found
        }
        Err(words) => {
            set_speech(tap, None, Some(words));
            None
        }
    };
    let Some(installed) = installed else { return };
    let waiting: Vec<Record> = records.into_iter().filter(is_waiting).collect();
    if waiting.is_empty() {
        return;
    }
    let mut worker = match Worker::start(&tap.program, &installed).await {
        Ok(worker) => worker,
        Err(error) => {
            let words = format!("speech model {} cannot be used: {error:#}", installed.name);
            tracing::error!("{words}");
            set_speech(tap, None, Some(words));
            return;
        }
    };
    for record in waiting {
        match transcribe(tap, &mut worker, &installed, record).await {
            Ok(record) => {
                keep(tap.archive.save(&record));
                if !is_waiting(&record) {
                    send(tap, sent, &record).await;
                }
            }
            Err((record, error)) => {
                tracing::error!(
                    incident = %record.incident.incident_id,
                    error = format!("{error:#}"),
                    "transcription broke off; trying again"
                );
                keep(tap.archive.save(&record));
                return;
            }
        }
    }
}

fn set_speech(tap: &CallTap, installed: Option<&Installed>, trouble: Option<String>) {
    let mut status = lock(&tap.status);
    status.speech_model = installed.map(|m| m.name.clone());
    status.speech_trouble = trouble;
}

/// One attempt; the record as it is afterwards. The error says that the process is gone.
async fn transcribe(
    tap: &CallTap,
    worker: &mut Worker,
    installed: &Installed,
    mut record: Record,
) -> Result<Record, (Record, anyhow::Error)> {
    let path = record.recording.as_ref().map(|name| tap.archive.recordings().join(name));
    let Some(path) = path.filter(|p| p.exists()) else {
        let reason = "the recording was deleted before it was transcribed".to_owned();
        revise(tap, &mut record, Transcript::Failed { reason });
        return Ok(record);
    };
    let outcome = worker.transcribe(&path, &record.speech).await;
    let failed = match outcome {
        Ok(Ok(segments)) => {
            let segments = fit(join(segments));
            revise(tap, &mut record, Transcript::Done { segments, model: installed.name.clone() });
            return Ok(record);
        }
        Ok(Err(reason)) => Ok(reason),
        Err(error) => Err(error),
    };
    record.attempts += 1;
    if record.attempts >= MAX_ATTEMPTS {
        let reason = match &failed {
            Ok(reason) => reason.clone(),
            Err(error) => format!("{error:#}"),
        };
        revise(tap, &mut record, Transcript::Failed { reason });
    }
    match failed {
        Err(error) if is_waiting(&record) => Err((record, error)),
        _ => Ok(record),
    }
}

fn revise(tap: &CallTap, record: &mut Record, transcript: Transcript) {
    if let Subject::Call(call) = &mut record.incident.subject {
        call.transcript = transcript;
    }
    record.incident.revision += 1;
    record.incident.updated_at = tap.clock.now();
    record.handed_over = false;
}

/// Lines of a transcript: what one side says without a longer pause or the other side between.
fn join(segments: Vec<Segment>) -> Vec<Segment> {
    let mut lines: Vec<Segment> = Vec::new();
    for segment in segments {
        match lines.last_mut() {
            Some(last) if last.leg == segment.leg && segment.start_ms < last.end_ms + JOIN_MS => {
                // Words of Latin letters need a space between; Chinese does not.
                let latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
                if latin(last.text.chars().last()) && latin(segment.text.chars().next()) {
                    last.text.push(' ');
                }
                last.text.push_str(&segment.text);
                last.end_ms = segment.end_ms;
            }
            _ => lines.push(segment),
        }
    }
    lines
}

/// As many lines as one message holds, and a last one that says how many more there are. An hour of talk fits;
/// `edge-agent transcribe` on the box gives the whole of a longer one.
fn fit(segments: Vec<Segment>) -> Vec<Segment> {
    let budget = MAX_MESSAGE_BYTES - MESSAGE_RESERVE_BYTES;
    let (mut kept, mut size, total) = (Vec::new(), 0, segments.len());
    for segment in segments {
        size += serde_json::to_vec(&segment).map_or(0, |json| json.len() + 1);
        if size > budget {
            let left = total - kept.len();
            kept.push(Segment {
                text: format!("……（转写过长，此后 {left} 段未随工单上传）"), ..segment
            });
            break;
        }
        kept.push(segment);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Leg;

    fn segment(leg: Leg, start_ms: u64, end_ms: u64, text: &str) -> Segment {
        Segment { leg, start_ms, end_ms, text: text.to_owned() }
    }

    /// Turns stay apart, breaths do not; Latin words keep their space.
    #[test]
    fn joins_lines() {
        let lines = join(vec![
            segment(Leg::Caller, 0, 900, "我要"),
            segment(Leg::Caller, 1_200, 2_000, "投诉"),
            segment(Leg::Operator, 2_100, 2_500, "OK"),
            segment(Leg::Operator, 2_600, 3_000, "go"),
            segment(Leg::Caller, 9_000, 9_500, "好"),
        ]);
        assert_eq!(lines.iter().map(|l| l.text.as_str()).collect::<Vec<_>>(), ["我要投诉", "OK go", "好"]);
    }

    /// The longest talk still fits a message, says what is missing, and a short one is untouched.
    #[test]
    fn long_talk_fits_a_message() {
        let line = |n: u64| segment(Leg::Caller, n * 5_000, n * 5_000 + 4_000, &"哨".repeat(40));
        let short: Vec<_> = (0..20).map(line).collect();
        assert_eq!(fit(short.clone()), short);
        let fitted = fit((0..2_000).map(line).collect());
        assert!(serde_json::to_vec(&fitted).unwrap().len() < MAX_MESSAGE_BYTES - 4_096);
        let left = 2_000 - (fitted.len() - 1);
        assert!(fitted.last().unwrap().text.contains(&format!("{left} 段")));
    }
}
