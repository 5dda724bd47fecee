//! Station 5: tracks and signs in, incident occurrences out. Pure: no clock, no chance, no I/O; time is the capture
//! time of the frames.
//!
//! Invariants: a rule has at most one open occurrence; `Ended` follows `Opened` with the same serial; an
//! occurrence ends exactly its hold (3 s for most kinds) after its condition last held, at any frame rate, or when
//! its schedule ends. What a rule knows it goes on learning outside its schedule: a car that has stood in the lane
//! since the afternoon is told of when the night's rule begins.

mod burning;
mod calendar;
mod config;
mod crossing;
mod dwell;
mod event;
mod fall;
mod kind;
mod left;
mod line;
mod lost;
pub mod method;
mod occurrence;
mod parking;
mod places;
mod presence;
mod schedule;
mod stature;
mod table;
mod view;
mod zone;

use std::sync::Arc;

use protocol::{NormBox, Phase, UtcMs};

pub use self::calendar::{Calendar, CalendarTable};
pub use self::config::{Area, Burning, RuleConfig, RuleError, Task, ViewTrouble, Whom};
pub use self::event::RuleEvent;
pub use self::kind::RuleKind;
pub use self::line::{Direction, Line, LineError, Side};
pub use self::lost::Lost;
pub use self::schedule::{Day, Holidays, Schedule, ScheduleTable};
pub use self::table::{Geometry, LineTable, MaskTable, RuleTable, USUAL_SCORE, ZoneTable};
pub use self::zone::{Zone, ZoneError};

use self::burning::Blazes;
use self::crossing::Crossing;
use self::fall::Falls;
use self::left::Left;
use self::method::Models;
use self::occurrence::{Occurrence, Sighting, Verdict};
use self::parking::Parking;
use self::presence::{Crowding, Loitering, Presence};
use self::view::ViewWatch;
use crate::observation::Observation;
use crate::signs::Wanted;
use crate::tracker::Track;

/// A zone counts as left when nobody matching was in it for this long.
pub const EMPTY_MS: i64 = 3_000;

/// All rules of one camera.
#[derive(Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Where a pose model is to look before the next frame.
    doubt: Option<NormBox>,
}

/// One analysed frame, as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Everything the tracker holds.
    pub tracks: &'a [Track],
    /// Its time must not go back.
    pub seen: &'a Observation,
    /// Which models see what.
    pub by: &'a Models,
}

impl Rules {
    /// Switched-off rules are left out, and those for lost cameras: no frame tells of them.
    pub fn new(configs: &[RuleConfig]) -> Self {
        let runs = |c: &&RuleConfig| c.enabled && !matches!(c.task, Task::Lost { .. });
        Self { rules: configs.iter().filter(runs).map(Rule::new).collect(), doubt: None }
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What must be read from the pixels for them.
    pub fn wanted(&self) -> Wanted {
        self.rules.iter().map(|rule| rule.config.wants()).fold(Wanted::default(), |a, b| Wanted {
            flame: a.flame || b.flame,
            left: a.left || b.left,
            view: a.view || b.view,
        })
    }

    /// Whether flames count although a detector looks: no model names fire.
    pub fn count_flames(&self) -> bool {
        self.rules.iter().any(|r| matches!(r.config.task, Task::Burning { by: Burning::Flames, .. }))
    }

    /// Where somebody is of whom a rule would like to know how he stands or lies, if anywhere. To be asked before the
    /// frame is shown to [`Self::step`]; one place at a time, whoever has waited longest, of all rules.
    pub fn in_doubt(&self) -> Option<NormBox> {
        self.doubt
    }

    /// One analysed frame.
    pub fn step(&mut self, now: &Moment<'_>) -> Vec<RuleEvent> {
        let mut events = Vec::new();
        for rule in &mut self.rules {
            rule.step(now, &mut events);
        }
        self.doubt = self.next_doubt(now.seen.at);
        events
    }

    fn next_doubt(&mut self, at: UtcMs) -> Option<NormBox> {
        let falls = self.rules.iter_mut().filter_map(|rule| match &mut rule.watcher {
            Watcher::Fall(falls) => falls.in_doubt().map(|doubt| (doubt, falls)),
            _ => None,
        });
        let (doubt, falls) = falls.min_by_key(|(doubt, _)| doubt.due)?;
        falls.ask(at, doubt);
        Some(doubt.region)
    }

    /// Ends whatever is open, because no more frames follow (camera lost, configuration changed, end of clip).
    pub fn finish(&mut self, at: UtcMs) -> Vec<RuleEvent> {
        self.doubt = None;
        self.rules.iter_mut().filter_map(|rule| rule.finish(at)).collect()
    }
}

#[derive(Debug)]
struct Rule {
    config: RuleConfig,
    occurrence: Occurrence,
    watcher: Watcher,
}

/// What a rule remembers from frame to frame, by mechanism.
#[derive(Debug)]
enum Watcher {
    Presence(Presence),
    Crossing(Crossing),
    Loitering(Loitering),
    Crowding(Crowding),
    Parking(Parking),
    Left(Left),
    Fall(Falls),
    Burning(Blazes),
    View(ViewWatch),
    /// Nothing to be learned from frames.
    Idle,
}

impl Watcher {
    fn new(task: &Task) -> Self {
        match task {
            Task::Presence { .. } => Self::Presence(Presence::default()),
            Task::Crossing { .. } => Self::Crossing(Crossing::default()),
            Task::Loitering { .. } => Self::Loitering(Loitering::default()),
            Task::Crowding { .. } => Self::Crowding(Crowding::default()),
            Task::Parking { .. } => Self::Parking(Parking::default()),
            Task::Left { .. } => Self::Left(Left::default()),
            Task::Fall { .. } => Self::Fall(Falls::default()),
            Task::Burning { .. } => Self::Burning(Blazes::default()),
            Task::View { .. } => Self::View(ViewWatch::default()),
            Task::Lost { .. } => Self::Idle,
        }
    }
}

impl Rule {
    fn new(config: &RuleConfig) -> Self {
        Self {
            occurrence: Occurrence::new(i64::from(config.cooldown_s) * 1_000, EMPTY_MS),
            watcher: Watcher::new(&config.task),
            config: config.clone(),
        }
    }

    fn step(&mut self, now: &Moment<'_>, events: &mut Vec<RuleEvent>) {
        let at = now.seen.at;
        let verdicts = self.judge(now);
        if !self.config.schedule.as_ref().is_none_or(|schedule| schedule.watches(at)) {
            events.extend(self.occurrence.finish(at).then(|| self.event(Phase::Ended, false)));
            return;
        }
        for verdict in verdicts {
            // Each step over a line is an incident of its own.
            let again = self.config.cooldown_s == 0
                && matches!((&self.config.task, verdict), (Task::Crossing { .. }, Verdict::Alarm(_)));
            if again && self.occurrence.finish(at) {
                events.push(self.event(Phase::Ended, false));
            }
            if let Some((phase, best_frame)) = self.occurrence.step(at, verdict, now.by) {
                events.push(self.event(phase, best_frame));
            }
        }
    }

    /// What this frame says, for most kinds one thing.
    fn judge(&mut self, now: &Moment<'_>) -> Vec<Verdict> {
        let (at, tracks) = (now.seen.at, now.tracks);
        let verdict = match (&mut self.watcher, &self.config.task) {
            (Watcher::Presence(watch), Task::Presence { area, dwell_ms, by_motion }) => {
                watch.step(now, area, *dwell_ms, *by_motion)
            }
            (Watcher::Crossing(watch), Task::Crossing { line, whom }) => {
                let crossed = watch.step(at, tracks, line, whom);
                if !crossed.is_empty() {
                    let one = |best| Verdict::Alarm(Sighting { best, object_count: 1 });
                    return crossed.into_iter().map(one).collect();
                }
                Verdict::Nothing
            }
            (Watcher::Loitering(watch), Task::Loitering { area, dwell_ms }) => {
                watch.step(now, area, *dwell_ms)
            }
            (Watcher::Crowding(watch), Task::Crowding { area, count, dwell_ms }) => {
                watch.step(at, tracks, area, *count, *dwell_ms)
            }
            (Watcher::Parking(watch), Task::Parking { area, dwell_ms, by_background }) => {
                watch.step(now, area, *dwell_ms, *by_background)
            }
            (Watcher::Left(watch), Task::Left { area, dwell_ms }) => watch.step(now, area, *dwell_ms),
            (Watcher::Fall(watch), Task::Fall { area, dwell_ms }) => watch.step(now, area, *dwell_ms),
            (Watcher::Burning(watch), Task::Burning { area, dwell_ms, by }) => {
                watch.step(now, area, *dwell_ms, *by)
            }
            (Watcher::View(watch), Task::View { trouble, dwell_ms }) => {
                watch.step(at, now.seen.signs.view.as_ref(), *trouble, *dwell_ms)
            }
            _ => Verdict::Nothing,
        };
        vec![verdict]
    }

    fn finish(&mut self, at: UtcMs) -> Option<RuleEvent> {
        self.watcher = Watcher::new(&self.config.task);
        self.occurrence.finish(at).then(|| self.event(Phase::Ended, false))
    }

    fn event(&self, phase: Phase, best_frame: bool) -> RuleEvent {
        let seen = self.occurrence.seen();
        RuleEvent {
            rule_id: self.config.id.clone(),
            rule_name: self.config.title(),
            rule_name_en: self.config.title_en(),
            kind: self.config.incident_kind(),
            severity: self.config.severity,
            phase,
            serial: seen.serial,
            at: seen.at,
            started_at: seen.started_at,
            label: seen.best.label,
            score: seen.best.score,
            region: seen.best.region,
            object_count: seen.object_count,
            motion_only: seen.motion_only,
            method: Arc::clone(&seen.method),
            best_frame,
        }
    }
}

#[cfg(test)]
mod invariants;
#[cfg(test)]
mod tests;
