//! Station 5: tracks in, incident occurrences out. Pure: no clock, no chance, no I/O; time is the capture
//! time of the frames.
//!
//! Invariants: a rule has at most one open occurrence; `Ended` follows `Opened` with the same serial; an
//! occurrence ends exactly [`EMPTY_MS`] after it was last seen occupied, at any frame rate.

mod config;
mod occurrence;
mod zone;

use std::collections::BTreeMap;

use protocol::{IncidentKind, Label, NormBox, Phase, RuleId, Severity, UtcMs};
use serde::{Deserialize, Serialize};

pub use self::config::{RuleConfig, RuleError, RuleKind};
use self::occurrence::{Occurrence, Sighting};
pub use self::zone::{Zone, ZoneError};
use crate::tracker::Track;

/// A zone counts as left when nobody matching was in it for this long.
pub const EMPTY_MS: i64 = 3_000;

/// What a rule tells of, phase by phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleEvent {
    pub rule_id: RuleId,
    pub rule_name: String,
    pub kind: IncidentKind,
    pub severity: Severity,
    pub phase: Phase,
    /// Which occurrence of this rule, counted from 1 since the analyser started.
    pub serial: u64,
    /// Capture time of the frame that brought it; of `Ended`, [`EMPTY_MS`] after the last occupied frame.
    pub at: UtcMs,
    pub started_at: UtcMs,
    /// Of the best picture so far, like `score` and `region`.
    pub label: Label,
    /// 0 for motion.
    pub score: f32,
    pub region: NormBox,
    /// Most matching objects at once so far.
    pub object_count: u32,
    /// True while motion alone has seen it.
    pub motion_only: bool,
    /// True when the frame just analysed is the best picture so far: take the snapshot from it.
    pub best_frame: bool,
}

/// All rules of one camera.
#[derive(Debug)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// Switched-off rules are left out. Fails on the first rule that [`RuleConfig::validate`] refuses.
    pub fn new(configs: &[RuleConfig]) -> Result<Self, RuleError> {
        configs.iter().filter(|c| c.enabled).map(Rule::new).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One analysed frame. `at` must not go back; `tracks` is everything the tracker holds.
    pub fn step(&mut self, at: UtcMs, tracks: &[Track]) -> Vec<RuleEvent> {
        self.0.iter_mut().filter_map(|rule| rule.step(at, tracks)).collect()
    }

    /// Ends whatever is open, because no more frames follow (camera lost, configuration changed, end of clip).
    pub fn finish(&mut self, at: UtcMs) -> Vec<RuleEvent> {
        self.0.iter_mut().filter_map(|rule| rule.finish(at)).collect()
    }
}

/// How long one track has been in a zone.
#[derive(Debug)]
struct Dwell {
    entered_at: UtcMs,
    inside_at: UtcMs,
}

#[derive(Debug)]
struct Rule {
    config: RuleConfig,
    zone: Zone,
    occurrence: Occurrence,
    dwells: BTreeMap<u64, Dwell>,
}

impl Rule {
    fn new(config: &RuleConfig) -> Result<Self, RuleError> {
        if let Some(error) = config.validate().into_iter().next() {
            return Err(error);
        }
        let zone = Zone::new(&config.zone).map_err(|e| RuleError {
            rule: config.id.to_string(),
            field: e.field(),
            problem: e.to_string(),
        })?;
        Ok(Self {
            occurrence: Occurrence::new(i64::from(config.cooldown_s) * 1_000),
            config: config.clone(),
            zone,
            dwells: BTreeMap::new(),
        })
    }

    fn step(&mut self, at: UtcMs, tracks: &[Track]) -> Option<RuleEvent> {
        let inside: Vec<&Track> = tracks.iter().filter(|t| self.matches(t)).collect();
        let occupants = match self.config.kind {
            RuleKind::Intrusion => inside,
            RuleKind::Loitering => self.stayed_long(at, inside),
        };
        let sighting = Sighting::of(&occupants);
        let (phase, best_frame) = self.occurrence.step(at, sighting)?;
        Some(self.event(phase, best_frame))
    }

    fn finish(&mut self, at: UtcMs) -> Option<RuleEvent> {
        self.dwells.clear();
        self.occurrence.finish(at).then(|| self.event(Phase::Ended, false))
    }

    fn matches(&self, track: &Track) -> bool {
        // Without a detector nobody can say what it is: motion stands for whatever the rule waits for, but
        // only where being there is enough. A swaying branch loiters for ever.
        let named = match track.label {
            Label::Motion => self.config.kind == RuleKind::Intrusion,
            label => self.config.labels.contains(&label) && track.best_score >= self.config.min_score,
        };
        let region = track.region.clamped();
        named
            && track.confirmed
            && track.visible
            && region.h >= self.config.min_size
            && self.zone.contains(region.foot())
    }

    /// Those of `inside` that have stayed for the rule's time; short absences are forgiven.
    fn stayed_long<'t>(&mut self, at: UtcMs, inside: Vec<&'t Track>) -> Vec<&'t Track> {
        self.dwells.retain(|_, d| at.since_ms(d.inside_at) < EMPTY_MS);
        for track in &inside {
            let dwell = self.dwells.entry(track.id).or_insert(Dwell { entered_at: at, inside_at: at });
            dwell.inside_at = at;
        }
        let loiter_ms = i64::from(self.config.loiter_s) * 1_000;
        let long =
            |t: &&Track| self.dwells.get(&t.id).is_some_and(|d| at.since_ms(d.entered_at) >= loiter_ms);
        inside.into_iter().filter(long).collect()
    }

    fn event(&self, phase: Phase, best_frame: bool) -> RuleEvent {
        let seen = self.occurrence.seen();
        RuleEvent {
            rule_id: self.config.id.clone(),
            rule_name: self.config.title(),
            kind: self.config.kind.incident_kind(),
            severity: self.config.severity(),
            phase,
            serial: seen.serial,
            at: seen.at,
            started_at: seen.started_at,
            label: seen.best.label,
            score: seen.best.score,
            region: seen.best.region,
            object_count: seen.object_count,
            motion_only: seen.motion_only,
            best_frame,
        }
    }
}

#[cfg(test)]
mod tests;
