//! After a crash: the files of incidents that the last run left unfinished are made from what it had spooled, and
//! what cannot be made is explained to the hub. Nothing waits for this: new incidents come first.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use protocol::{Clock, Incident};
use tokio_util::sync::CancellationToken;

use crate::evidence::Recorder;
use crate::outbox::Outbox;
use crate::report::{Report, missing_files};

pub struct Recovery {
    pub outbox: Outbox,
    pub recorder: Arc<Recorder>,
    pub clock: Arc<dyn Clock>,
    /// Ended, as [`Outbox::end_left_open`] gives them.
    pub left: Vec<Incident>,
}

impl Recovery {
    /// One incident after the other. What is interrupted here is done at the next start.
    pub async fn run(mut self, cancel: CancellationToken) {
        for incident in std::mem::take(&mut self.left) {
            let id = incident.incident_id;
            let done = tokio::select! {
                () = cancel.cancelled() => return,
                done = self.finish(incident) => done,
            };
            match done {
                Ok(()) => self.recorder.forget(id),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(incident = %id, error, "not recovered; the next start tries again");
                }
            }
        }
    }

    async fn finish(&self, mut incident: Incident) -> Result<()> {
        let id = incident.incident_id;
        let (mut files, mut losses) = (Vec::new(), Vec::new());
        for kind in missing_files(&incident) {
            match self.recorder.recover(id, kind).await {
                Ok(file) => {
                    incident.evidence.push(file.evidence.clone());
                    files.push(file);
                }
                Err(error) => {
                    losses.push(format!("its {} was lost when the box went down: {error:#}", kind.as_str()));
                }
            }
        }
        tracing::info!(incident = %id, recovered = files.len(), lost = losses.len(), "left by the last run");
        if !files.is_empty() {
            incident.revision += 1;
            incident.updated_at = self.clock.now();
            let unfinished = !losses.is_empty();
            let report = Report { incident, files, unfinished };
            self.outbox.append(&report).await.context("writing what was recovered")?;
        }
        let last = losses.len();
        for (n, reason) in losses.into_iter().enumerate() {
            let closes = n + 1 == last;
            self.outbox.explain_loss(id, reason, closes).await.context("writing what was lost")?;
        }
        // Had nothing been missing, neither of the above would have closed it.
        self.outbox.close_incident(id).await.context("closing an incident")
    }
}
