//! After a crash: incidents that the last run left unfinished are ended, their files are made from what it had
//! spooled, and what cannot be made is explained to the hub. Nothing waits for this: new incidents come first.
//!
//! What fails for a while (a full disk, say) is tried again while the box runs, and at its next start. Each file has a
//! bounded number of attempts, counted on disk, so that one that brings the program down cannot do so for ever.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use protocol::{Clock, Incident, Phase};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::evidence::{Recorder, Unrecovered};
use crate::outbox::Outbox;
use crate::report::{Report, Wanted, missing_files};

/// Between two rounds over what is left.
pub const AGAIN: Duration = Duration::from_secs(60);

pub struct Recovery {
    pub outbox: Outbox,
    pub recorder: Arc<Recorder>,
    pub clock: Arc<dyn Clock>,
    /// As [`Outbox::end_left_open`] gives them.
    pub left: Vec<Incident>,
    pub again: Duration,
}

/// An incident on its way, and what of it was told as lost.
struct Unfinished {
    incident: Incident,
    lost: Vec<Wanted>,
}

impl Recovery {
    /// One incident after the other, until none is left.
    pub async fn run(mut self, cancel: CancellationToken) {
        let left = std::mem::take(&mut self.left).into_iter();
        let mut left: Vec<_> = left.map(|incident| Unfinished { incident, lost: Vec::new() }).collect();
        while !left.is_empty() {
            left = tokio::select! {
                () = cancel.cancelled() => return,
                left = self.round(left) => left,
            };
            if !left.is_empty() {
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = sleep(self.again) => {}
                }
            }
        }
    }

    /// Returns what is to be tried again.
    async fn round(&self, left: Vec<Unfinished>) -> Vec<Unfinished> {
        let mut again = Vec::new();
        for mut unfinished in left {
            let id = unfinished.incident.incident_id;
            match self.finish(&mut unfinished).await {
                Ok(()) => self.recorder.forget(id),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(incident = %id, error, "not recovered yet; it is tried again");
                    again.push(unfinished);
                }
            }
        }
        again
    }

    /// Each step is on disk before the next, and none is taken twice.
    async fn finish(&self, unfinished: &mut Unfinished) -> Result<()> {
        let Unfinished { incident, lost } = unfinished;
        let id = incident.incident_id;
        if incident.phase != Phase::Ended {
            *incident = self.outbox.end(incident).await.context("writing its end")?;
        }
        let (mut again, mut tried) = (None, Vec::new());
        // A clip that is there at last may want a viewing copy.
        while let Some(wanted) = missing_files(incident)
            .into_iter()
            .find(|wanted| !lost.contains(wanted) && !tried.contains(wanted))
        {
            tried.push(wanted.clone());
            match self.recorder.recover(id, &wanted).await {
                Ok(file) => {
                    let mut next = incident.clone();
                    next.evidence.push(file.evidence.clone());
                    next.revision += 1;
                    next.updated_at = self.clock.now();
                    let report = Report { incident: next.clone(), files: vec![file], unfinished: true };
                    self.outbox.append(&report).await.context("writing what was recovered")?;
                    tracing::info!(incident = %id, file = wanted.word(), "recovered from the last run");
                    *incident = next;
                }
                Err(Unrecovered::Never(error)) => {
                    let reason = format!("its {} was lost when the box went down: {error:#}", wanted.word());
                    tracing::warn!(incident = %id, reason, "no evidence");
                    self.outbox.explain_loss(id, reason, false).await.context("writing what was lost")?;
                    lost.push(wanted);
                }
                Err(Unrecovered::Later(error)) => again = Some(error),
            }
        }
        if let Some(error) = again {
            bail!(error);
        }
        self.outbox.close_incident(id).await.context("closing an incident")
    }
}
