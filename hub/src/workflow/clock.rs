//! Clocks of a case: what runs, since when, until when.

use protocol::UtcMs;
use serde::{Deserialize, Serialize};

use super::state::words;
use super::{Deed, Dossier, moments};
use crate::calendar::{Calendar, Limit, Pause};
use crate::policy::Policy;

/// What is being waited for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    Triage,
    Dispatch,
    Accept,
    Handle,
    Verify,
}

words!(ClockKind {
    Triage = "triage", "受理", "Triage";
    Dispatch = "dispatch", "派遣", "Dispatch";
    Accept = "accept", "签收", "Acceptance";
    Handle = "handle", "处置", "Handling";
    Verify = "verify", "核查", "Verification";
});

/// One clock, of the case (task 0) or of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    pub kind: ClockKind,
    pub task: i64,
    /// The how many-th of its kind and task, from 1.
    pub nth: i64,
    /// Version whose calendar it follows.
    pub policy: i64,
    pub limit: Limit,
    /// Each begins where the time before it ends.
    pub extensions: Vec<Limit>,
    pub started_at: UtcMs,
    /// Nothing while it stands still.
    pub due_at: Option<UtcMs>,
    pub stopped_at: Option<UtcMs>,
    /// Not of a dispatch that was taken back: nobody is judged by it.
    pub counts: bool,
    /// How many of its [`moments`] have passed, and when the next one comes.
    pub stage: i64,
    pub next_at: Option<UtcMs>,
}

impl Clock {
    /// Only the handling stands still while a case is suspended. Of its own limit and the platform's deadline the earlier one
    /// counts; nothing ends before it began.
    fn reckon(&mut self, calendar: &Calendar, pauses: &[Pause], deadline: Option<UtcMs>) {
        let pauses = if self.kind == ClockKind::Handle { pauses } else { &[] };
        let first = calendar.due(self.started_at, self.limit, pauses);
        let own = self.extensions.iter().fold(first, |due, more| calendar.due(due?, *more, pauses));
        let latest = deadline.map_or(i64::MAX, |at| at.0.max(self.started_at.0));
        self.due_at = own.map(|due| UtcMs(due.0.min(latest)));
    }

    /// A clock that is given more time begins anew, but nobody is warned of what is past. One that was late before stays as
    /// far as it had come.
    fn plan(&mut self, policy: &Policy, pauses: &[Pause], now: UtcMs) {
        let all = self.due_at.map(|due| moments(policy, self.kind, self.limit, self.started_at, due, pauses));
        let all = all.unwrap_or_default();
        let late = self.due_at.is_some_and(|due| due.0 <= now.0);
        if !(late && self.stage > 0) {
            let past = all.iter().take_while(|(at, deed)| at.0 <= now.0 && *deed == Deed::Warn);
            self.stage = past.count() as i64;
        }
        let next = usize::try_from(self.stage).ok().and_then(|at| all.get(at));
        self.next_at = next.map(|(at, _)| *at);
    }

    /// A machine's clock may be set back: nothing ends before it began.
    fn stop(&mut self, now: UtcMs) {
        self.stopped_at = Some(UtcMs(now.0.max(self.started_at.0)));
    }

    /// Whether its time had ended when it stopped, or has by now.
    pub fn is_late(&self, now: UtcMs) -> bool {
        self.due_at.is_some_and(|due| self.stopped_at.unwrap_or(now).0 > due.0)
    }
}

impl Dossier {
    pub(super) fn start(&mut self, kind: ClockKind, task: i64, limit: Limit, now: UtcMs) {
        let nth =
            1 + self.clocks.iter().filter(|clock| clock.kind == kind && clock.task == task).count() as i64;
        self.clocks.push(Clock {
            kind,
            task,
            nth,
            policy: 0,
            limit,
            extensions: Vec::new(),
            started_at: now,
            due_at: None,
            stopped_at: None,
            counts: true,
            stage: 0,
            next_at: None,
        });
    }

    fn running(&mut self, kind: ClockKind, task: i64) -> impl Iterator<Item = &mut Clock> {
        let own =
            move |clock: &&mut Clock| clock.kind == kind && clock.task == task && clock.stopped_at.is_none();
        self.clocks.iter_mut().filter(own)
    }

    pub(super) fn stop(&mut self, kind: ClockKind, task: i64, now: UtcMs) {
        self.running(kind, task).for_each(|clock| clock.stop(now));
    }

    /// Stops it; nobody is judged by it.
    pub(super) fn forget(&mut self, kind: ClockKind, task: i64, now: UtcMs) {
        self.running(kind, task).for_each(|clock| {
            clock.stop(now);
            clock.counts = false;
        });
    }

    /// Nobody is judged by any clock of this task, also those that had stopped.
    pub(super) fn discount(&mut self, task: i64) {
        self.clocks.iter_mut().filter(|clock| clock.task == task).for_each(|clock| clock.counts = false);
    }

    /// Whether its handling was given more time before.
    pub(super) fn was_extended(&self, task: i64) -> bool {
        let own = |clock: &&Clock| clock.kind == ClockKind::Handle && clock.task == task;
        self.clocks.iter().filter(own).any(|clock| !clock.extensions.is_empty())
    }

    pub(super) fn extend(&mut self, kind: ClockKind, task: i64, by: Limit) {
        self.running(kind, task).for_each(|clock| {
            clock.extensions.push(by);
            clock.due_at = None;
        });
    }

    /// The handling goes on: the time between was not the unit's.
    pub(super) fn resume(&mut self, task: i64, now: UtcMs) {
        let own = |clock: &&mut Clock| clock.kind == ClockKind::Handle && clock.task == task;
        let Some(clock) = self.clocks.iter_mut().filter(own).max_by_key(|clock| clock.nth) else { return };
        if let Some(from) = clock.stopped_at.take() {
            clock.due_at = None;
            self.pauses.push(Pause { from, to: Some(UtcMs(now.0.max(from.0))) });
        }
    }

    /// Other limits for what runs, from the same beginning.
    pub(super) fn relimit(&mut self, limit: impl Fn(ClockKind) -> Limit) {
        for clock in self.clocks.iter_mut().filter(|clock| clock.stopped_at.is_none()) {
            clock.limit = limit(clock.kind);
            clock.due_at = None;
        }
    }

    /// Ends of the clocks that began or changed. The others keep the end they were given.
    pub(super) fn reckon(&mut self, policy: &Policy, now: UtcMs) {
        let (calendar, pauses, deadline) = (&policy.calendar, &self.pauses, self.deadline);
        for clock in &mut self.clocks {
            if clock.stopped_at.is_none() && clock.due_at.is_none() {
                clock.policy = policy.version;
                clock.reckon(calendar, pauses, deadline);
                clock.plan(policy, pauses, now);
            }
        }
    }

    /// The platform above asks for another deadline; what runs ends by it.
    pub fn ask_by(&mut self, deadline: Option<UtcMs>, policy: &Policy, now: UtcMs) {
        self.deadline = deadline;
        for clock in self.clocks.iter_mut().filter(|clock| clock.stopped_at.is_none()) {
            clock.due_at = None;
        }
        self.reckon(policy, now);
    }

    pub(super) fn pause(&mut self, now: UtcMs) {
        self.pauses.push(Pause { from: now, to: None });
        self.handling_changed();
    }

    pub(super) fn unpause(&mut self, now: UtcMs) {
        if let Some(pause) = self.pauses.iter_mut().rev().find(|pause| pause.to.is_none()) {
            pause.to = Some(UtcMs(now.0.max(pause.from.0)));
        }
        self.handling_changed();
    }

    fn handling_changed(&mut self) {
        let own = |clock: &&mut Clock| clock.kind == ClockKind::Handle && clock.stopped_at.is_none();
        self.clocks.iter_mut().filter(own).for_each(|clock| clock.due_at = None);
    }
}
