//! Recognisers that are installed and are not fit for work: they are left alone, and the next best is used, until other
//! files lie in their place.

use std::sync::Mutex;
use std::time::Duration;

use models::Edition;
use tokio::time::Instant;

use super::Installed;
use crate::call::lock;

/// A process that died while it loaded a model may have died of something else, such as want of memory.
const AGAIN: Duration = Duration::from_secs(600);

#[derive(Debug, Default)]
pub(in crate::call) struct Refusals(Mutex<Vec<Refusal>>);

#[derive(Debug)]
struct Refusal {
    edition: Edition,
    reason: String,
    until: Option<Instant>,
}

impl Refusals {
    /// `lasting`: the model said so itself; otherwise it is tried again after a while.
    pub(in crate::call) fn refuse(&self, model: &Installed, reason: String, lasting: bool) {
        let until = (!lasting).then(|| Instant::now() + AGAIN);
        tracing::error!(model = model.name, reason, "a speech model is left alone");
        lock(&self.0).push(Refusal { edition: model.edition.clone(), reason, until });
    }

    /// Those that still lie there as they were. Blocks.
    pub(in crate::call) fn editions(&self) -> Vec<Edition> {
        let mut all = lock(&self.0);
        all.retain(|r| r.until.is_none_or(|until| Instant::now() < until) && r.edition.lies_there());
        all.iter().map(|refusal| refusal.edition.clone()).collect()
    }

    /// For health; `None` when there are none.
    pub(in crate::call) fn words(&self) -> Option<String> {
        let mut reasons: Vec<String> = lock(&self.0).iter().map(|refusal| refusal.reason.clone()).collect();
        reasons.dedup();
        (!reasons.is_empty()).then(|| format!("left alone: {}", reasons.join("; ")))
    }
}
