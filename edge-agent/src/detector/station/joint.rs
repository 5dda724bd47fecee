//! One frame that several detectors look at, and what they say of it together.
//!
//! Whoever names what moves is waited for. Those that name fire and smoke alone are not: what they say of a frame that
//! was answered without them is told with the next one.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use protocol::Label;
use tokio::sync::oneshot;

use super::ClientCounts;
use crate::detector::lane::{HANGS_MS, MAX_WAIT_MS, Part};
use crate::detector::{Answer, Looked, Unsought, anything, is_aside, together};

/// A late word older than the longest wait and look is of another time.
const LATE_MS: u64 = MAX_WAIT_MS + HANGS_MS;

/// How a detector stands when a frame is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Role {
    pub(super) works: bool,
    /// What it names, or named when it was there last; `None`: nobody knows.
    pub(super) labels: Option<Vec<Label>>,
}

impl Role {
    /// Does it name fire and smoke alone?
    pub(super) fn aside(&self) -> bool {
        self.labels.as_deref().is_some_and(is_aside)
    }
}

/// What one detector said of a frame that had been answered already.
#[derive(Debug)]
pub(super) struct Late {
    since_ms: u64,
    part: Part,
}

pub(super) struct Joint {
    /// By post.
    pub(super) roles: Vec<Role>,
    /// Numbers of the posts that are asked.
    pub(super) asked: Vec<usize>,
    /// By post; of one that is not asked there is none.
    pub(super) parts: Vec<Option<Part>>,
    pub(super) since_ms: u64,
    pub(super) reply: Option<oneshot::Sender<Answer>>,
    pub(super) counts: Arc<ClientCounts>,
}

impl Joint {
    pub(super) fn take(&mut self, post: usize, part: Part) {
        // Free for the next frame before anybody is told, who may show it at once.
        let free = |counts: &ClientCounts| counts.outstanding[post].store(false, Ordering::Relaxed);
        if self.reply.is_some() {
            self.parts[post] = Some(part);
            free(&self.counts);
            self.answer_when_complete();
            return;
        }
        if matches!(part, Part::Found { .. }) {
            let late = Late { since_ms: self.since_ms, part };
            self.counts.late.lock().unwrap_or_else(PoisonError::into_inner)[post] = Some(late);
        }
        free(&self.counts);
    }

    /// Answers when all are there that are waited for: with nobody who names what moves, the others.
    pub(super) fn answer_when_complete(&mut self) {
        let all_aside = self.asked.iter().all(|at| self.roles[*at].aside());
        let mut waited_for = self.asked.iter().filter(|at| all_aside || !self.roles[**at].aside());
        if waited_for.all(|at| self.parts[*at].is_some()) {
            self.answer();
        }
    }

    fn answer(&mut self) {
        self.take_what_came_late();
        let answer = join(&self.roles, &self.parts);
        match answer {
            Answer::Found(_) | Answer::Partly(_) => self.counts.detected.fetch_add(1, Ordering::Relaxed),
            Answer::Busy => self.counts.skipped.fetch_add(1, Ordering::Relaxed),
            Answer::NotDue { .. } | Answer::Missing => 0,
        };
        if let Some(reply) = self.reply.take() {
            // The camera may have gone; then nobody waits.
            let _ = reply.send(answer);
        }
    }

    /// Newer words of the same detector take their place.
    fn take_what_came_late(&mut self) {
        let mut late = self.counts.late.lock().unwrap_or_else(PoisonError::into_inner);
        for (part, late) in self.parts.iter_mut().zip(late.iter_mut()) {
            let fresh = late.take().filter(|late| self.since_ms.saturating_sub(late.since_ms) <= LATE_MS);
            if let Some(late) = fresh.filter(|_| !matches!(part, Some(Part::Found { .. } | Part::Missing))) {
                *part = Some(late.part);
            }
        }
    }
}

/// What several detectors say together, by post. Those aside are nobody's reason to give up a frame.
pub(super) fn join(roles: &[Role], parts: &[Option<Part>]) -> Answer {
    let missing = |part: &Option<Part>| matches!(part, Some(Part::Missing));
    let posts = || roles.iter().zip(parts);
    let at_work = posts().filter(|(role, part)| role.works && !missing(part));
    let names = together(at_work.flat_map(|(role, _)| role.labels.clone().unwrap_or_default()));
    if posts().any(|(role, part)| !role.aside() && matches!(part, Some(Part::Busy))) {
        return Answer::Busy;
    }
    // One that nobody knows might have named anything; while people are named all the same, what moves is no better.
    let leaves_a_gap = |role: &Role| match &role.labels {
        Some(labels) => !is_aside(labels),
        None => !names.contains(&Label::Person),
    };
    let motion = is_aside(&names) || posts().any(|(role, part)| missing(part) && leaves_a_gap(role));
    let (mut by, mut detections) = (Vec::new(), Vec::new());
    let mut sources: BTreeMap<Label, Vec<&str>> = BTreeMap::new();
    for part in parts.iter().flatten() {
        let Part::Found { by: name, said } = part else { continue };
        by.push(&**name);
        for label in together(said.iter().map(|detection| detection.label)) {
            sources.entry(label).or_default().push(name);
        }
        detections.extend_from_slice(said);
    }
    if by.is_empty() {
        return match (motion, names.is_empty()) {
            (true, true) => Answer::Missing,
            (true, false) => Answer::NotDue { names },
            (false, _) => Answer::Busy,
        };
    }
    let sources = sources.into_iter().map(|(label, names)| (label, names.join(" + ").into())).collect();
    let unsought = unsought(roles, parts, &names);
    let looked = Looked { by: by.join(" + ").into(), names, unsought, detections, sources };
    if motion { Answer::Partly(looked) } else { Answer::Found(looked) }
}

/// What nobody looked for, while `names` are named by those at work. One of which nobody knows what it names may name
/// anything.
fn unsought(roles: &[Role], parts: &[Option<Part>], names: &[Label]) -> Unsought {
    let posts = || roles.iter().zip(parts);
    let looked = posts().filter(|(_, part)| matches!(part, Some(Part::Found { .. })));
    let sought = together(looked.flat_map(|(role, _)| role.labels.clone().unwrap_or_default()));
    let all = posts().flat_map(|(role, _)| role.labels.clone().unwrap_or_else(|| anything().collect()));
    let (waiting, missing) = together(all)
        .into_iter()
        .filter(|label| !sought.contains(label))
        .partition(|label| names.contains(label));
    Unsought { waiting, missing }
}
