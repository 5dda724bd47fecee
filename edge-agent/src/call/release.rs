//! What leaves of a call's recordings when somebody asks for them: a copy with a tone over the private numbers that are
//! spoken, or the recording itself where its words are known and hold none, or will never be known.
//!
//! Never by accident: as long as it is not certain what the box knows of a call, nothing leaves and the answer says so.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::ensure;
use protocol::{CallId, Sha256Hex, Subject, Transcript};

use super::listener::blocking;
use super::record::{Record, Spoken};
use super::{CallTap, Cause, bleep, lock, redact};
use crate::report::EvidenceFile;

const STARTING: &str = "the calls of this box are still being read from its disk; ask again in a minute";

/// Of all recordings of a call.
#[derive(Debug, Default, PartialEq)]
pub struct Release {
    /// Instead of those that must stay.
    pub copies: Vec<EvidenceFile>,
    /// They stay; all others may leave as they are.
    pub stay: Vec<Sha256Hex>,
}

impl CallTap {
    /// Makes the copies. An error is for people: the words are still to come, or a copy cannot be made.
    pub async fn release(self: &Arc<Self>, call_id: CallId) -> anyhow::Result<Release> {
        let tap = Arc::clone(self);
        blocking(move || {
            ensure!(tap.ledger.is_loaded() && tap.looked_for_models.load(Ordering::Acquire), STARTING);
            let mut release = Release::default();
            for record in tap.ledger.of_call(call_id) {
                tap.judge(&record, &mut release)?;
            }
            Ok(release)
        })
        .await
    }

    fn judge(&self, record: &Record, release: &mut Release) -> anyhow::Result<()> {
        let Some(file) = self.ledger.archive.files_of(record).into_iter().next() else { return Ok(()) };
        // Without a model they never come; a recording then leaves as it is, and says so.
        let words_will_come = {
            let status = lock(&self.status);
            record.waits_for_words()
                && (status.speech_model.is_some() || status.troubles.contains_key(&Cause::Speech))
        };
        ensure!(
            !words_will_come,
            "this call is not transcribed yet, so the private numbers in its recording are not known; ask again in a minute"
        );
        let private = private(record);
        if !private.is_empty() {
            release.copies.push(bleep::copy(&file.path, &file.evidence, &private, self.disk_reserve_bytes)?);
            release.stay.push(file.evidence.sha256);
        }
        Ok(())
    }
}

/// Where private numbers are said. Records of earlier versions tell it by their lines alone: each whole.
fn private(record: &Record) -> Vec<Spoken> {
    match &record.incident.subject {
        Subject::Call(call) if record.private.is_empty() => match &call.transcript {
            Transcript::Done { segments, .. } => redact::masked_lines(segments),
            _ => Vec::new(),
        },
        _ => record.private.clone(),
    }
}
