//! The incidents of one camera that are still being told: rule events and finished files become revisions.
//! Pure: ids and times come from the [`Chance`] and [`Clock`] given.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::limits::MAX_EVIDENCE_PER_INCIDENT;
use protocol::{
    CameraHealth, CameraId, CameraSubject, Chance, Clock, Evidence, Incident, IncidentId, Label, NormBox,
    Phase, Place, RuleId, Subject, UtcMs,
};

use crate::rules::method::GAP;
use crate::rules::{RuleConfig, RuleEvent};

/// Which occurrence of which rule.
type Key = (RuleId, u64);

#[derive(Debug)]
struct Told {
    incident: Incident,
    /// Files that are still being made.
    pending: u32,
}

#[derive(Debug)]
pub struct Revisions {
    camera_id: CameraId,
    camera_name: String,
    place: Option<Place>,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
    open: BTreeMap<Key, IncidentId>,
    told: BTreeMap<IncidentId, Told>,
    /// By rule.
    lost: BTreeMap<RuleId, IncidentId>,
    /// When the last incident of each rule for a lost camera ended, by uptime.
    lost_ended_ms: BTreeMap<RuleId, u64>,
}

impl Revisions {
    pub fn new(
        camera_id: CameraId,
        camera_name: String,
        place: Option<Place>,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
    ) -> Self {
        Self {
            camera_id,
            camera_name,
            place,
            clock,
            chance,
            open: BTreeMap::new(),
            told: BTreeMap::new(),
            lost: BTreeMap::new(),
            lost_ended_ms: BTreeMap::new(),
        }
    }

    /// The revision that this event makes; `None` for an end without a beginning.
    pub fn tell(&mut self, event: &RuleEvent, method: &str) -> Option<Incident> {
        let key = (event.rule_id.clone(), event.serial);
        let id = match event.phase {
            Phase::Opened => {
                let id = IncidentId::new(&self.chance, self.clock.now());
                self.open.insert(key, id);
                self.told.insert(id, Told { incident: self.first(id, event, method), pending: 0 });
                id
            }
            Phase::Updated => *self.open.get(&key)?,
            Phase::Ended => self.open.remove(&key)?,
        };
        let now = self.clock.now();
        let told = self.told.get_mut(&id)?;
        let incident = &mut told.incident;
        incident.revision += 1;
        incident.phase = event.phase;
        incident.severity = event.severity;
        incident.updated_at = now;
        incident.ended_at = (event.phase == Phase::Ended).then_some(event.at);
        if let Subject::Camera(camera) = &mut incident.subject {
            camera.label = event.label;
            camera.score = event.score;
            camera.region = event.region;
            camera.object_count = event.object_count;
            camera.motion_only = event.motion_only;
            if !event.motion_only {
                method.clone_into(&mut camera.method);
            }
        }
        let incident = incident.clone();
        self.forget_finished(id);
        Some(incident)
    }

    fn first(&self, incident_id: IncidentId, event: &RuleEvent, method: &str) -> Incident {
        Incident {
            incident_id,
            revision: 0,
            phase: Phase::Opened,
            kind: event.kind,
            severity: event.severity,
            subject: Subject::Camera(CameraSubject {
                camera_id: self.camera_id.clone(),
                camera_name: self.camera_name.clone(),
                rule_id: event.rule_id.clone(),
                rule_name: event.rule_name.clone(),
                rule_name_en: Some(event.rule_name_en.clone()),
                label: event.label,
                score: event.score,
                region: event.region,
                object_count: event.object_count,
                motion_only: event.motion_only,
                method: method.to_owned(),
            }),
            place: self.place.clone(),
            started_at: event.started_at,
            updated_at: event.started_at,
            ended_at: None,
            evidence: Vec::new(),
            drill: false,
        }
    }

    /// A file is being made for this incident: it is remembered until the file came or failed.
    pub fn expect_file(&mut self, id: IncidentId) {
        if let Some(told) = self.told.get_mut(&id) {
            told.pending += 1;
        }
    }

    /// That file is there (or failed: `None`): the revision that lists it. A file too many is left out.
    pub fn file_came(&mut self, id: IncidentId, file: Option<&Evidence>) -> Option<Incident> {
        let now = self.clock.now();
        let told = self.told.get_mut(&id)?;
        told.pending = told.pending.saturating_sub(1);
        let incident = &mut told.incident;
        let known = |e: &Evidence| incident.evidence.iter().any(|other| other.sha256 == e.sha256);
        let revision = match file {
            Some(e) if !known(e) && incident.evidence.len() < MAX_EVIDENCE_PER_INCIDENT => {
                incident.evidence.push(e.clone());
                incident.revision += 1;
                incident.updated_at = now;
                if incident.phase == Phase::Opened {
                    incident.phase = Phase::Updated;
                }
                Some(incident.clone())
            }
            _ => None,
        };
        self.forget_finished(id);
        revision
    }

    /// Whether files of it are still being made.
    pub fn expects_files(&self, id: IncidentId) -> bool {
        self.told.get(&id).is_some_and(|told| told.pending > 0)
    }

    /// Whether more may follow of it: it is open, or files are still being made.
    pub fn is_being_told(&self, id: IncidentId) -> bool {
        self.told.contains_key(&id)
    }

    fn forget_finished(&mut self, id: IncidentId) {
        if self.told.get(&id).is_some_and(|told| told.incident.phase == Phase::Ended && told.pending == 0) {
            self.told.remove(&id);
        }
    }

    /// Opens or ends the incident of a lost camera, as `rule` has it. `lost_since`: no picture since then.
    pub fn camera_lost(
        &mut self,
        lost_since: Option<UtcMs>,
        health: &CameraHealth,
        rule: &RuleConfig,
    ) -> Option<Incident> {
        let now = self.clock.now();
        match (self.lost.get(&rule.id).copied(), lost_since) {
            (None, Some(since)) => {
                let ended_ms = self.lost_ended_ms.get(&rule.id);
                let pause_ms = u64::from(rule.cooldown_s) * 1_000;
                if ended_ms.is_some_and(|ended| self.clock.uptime_ms() < ended + pause_ms) {
                    return None;
                }
                let id = IncidentId::new(&self.chance, now);
                self.lost.insert(rule.id.clone(), id);
                let event = RuleEvent {
                    rule_id: rule.id.clone(),
                    rule_name: rule.title(),
                    rule_name_en: rule.title_en(),
                    kind: rule.incident_kind(),
                    severity: rule.severity,
                    phase: Phase::Opened,
                    serial: 0,
                    at: since,
                    started_at: since,
                    label: Label::Picture,
                    score: 0.0,
                    region: NormBox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 },
                    object_count: 0,
                    motion_only: false,
                    method: GAP.into(),
                    best_frame: false,
                };
                let method = health.reason.clone().unwrap_or_else(|| "no picture".to_owned());
                let mut incident = self.first(id, &event, &method);
                incident.revision = 1;
                incident.updated_at = now;
                self.told.insert(id, Told { incident: incident.clone(), pending: 0 });
                Some(incident)
            }
            (Some(id), None) => {
                self.lost.remove(&rule.id);
                self.lost_ended_ms.insert(rule.id.clone(), self.clock.uptime_ms());
                let mut incident = self.told.remove(&id)?.incident;
                incident.revision += 1;
                incident.phase = Phase::Ended;
                incident.updated_at = now;
                incident.ended_at = Some(now);
                Some(incident)
            }
            _ => None,
        }
    }

    /// How many incidents are still being told.
    pub fn len(&self) -> usize {
        self.told.len()
    }

    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use protocol::{CameraState, Delivery, EvidenceKind, IncidentKind, ManualClock, Severity};

    use super::*;
    use crate::rules::RuleKind;

    fn revisions() -> Revisions {
        let clock = Arc::new(ManualClock::at(UtcMs(1_000_000)));
        Revisions::new("gate".parse().unwrap(), "东门".into(), None, clock, Arc::new(Chance::seeded(1)))
    }

    fn event(phase: Phase, serial: u64) -> RuleEvent {
        RuleEvent {
            rule_id: "yard".parse().unwrap(),
            rule_name: "院内".into(),
            rule_name_en: "Yard".into(),
            kind: IncidentKind::Intrusion,
            severity: Severity::Major,
            phase,
            serial,
            at: UtcMs(999_000),
            started_at: UtcMs(998_000),
            label: Label::Person,
            score: 0.8,
            region: NormBox { x: 0.1, y: 0.1, w: 0.1, h: 0.2 },
            object_count: 1,
            motion_only: false,
            method: "yolox".into(),
            best_frame: true,
        }
    }

    fn evidence(n: u8) -> Evidence {
        Evidence {
            sha256: format!("{n:064}").parse().unwrap(),
            kind: EvidenceKind::Snapshot,
            media_type: "image/jpeg".into(),
            size_bytes: 1,
            delivery: Delivery::Automatic,
            starts_at: UtcMs(0),
            duration_ms: None,
            masked: true,
            blurred: false,
            footage: None,
        }
    }

    /// One life: opened, picture, ended, and the clip that comes after the end; numbers without holes, files
    /// growing, then nothing is remembered.
    #[test]
    fn a_life_in_revisions() {
        let mut revisions = revisions();
        let opened = revisions.tell(&event(Phase::Opened, 1), "yolox").unwrap();
        let id = opened.incident_id;
        revisions.expect_file(id);
        revisions.expect_file(id);
        let pictured = revisions.file_came(id, Some(&evidence(1))).unwrap();
        let ended = revisions.tell(&event(Phase::Ended, 1), "yolox").unwrap();
        assert!(revisions.expects_files(id) && revisions.is_being_told(id));
        let clipped = revisions.file_came(id, Some(&evidence(2))).unwrap();
        assert!(!revisions.expects_files(id) && !revisions.is_being_told(id));
        let all = [&opened, &pictured, &ended, &clipped];
        assert_eq!(all.map(|i| i.revision), [1, 2, 3, 4]);
        assert_eq!(all.map(|i| i.phase), [Phase::Opened, Phase::Updated, Phase::Ended, Phase::Ended]);
        assert_eq!(all.map(|i| i.evidence.len()), [0, 1, 1, 2]);
        assert_eq!(clipped.ended_at, Some(UtcMs(999_000)));
        assert!(revisions.is_empty());
        assert!(revisions.file_came(id, Some(&evidence(3))).is_none());
    }

    /// Two occurrences of a rule are two incidents; a failed or repeated file makes no revision.
    #[test]
    fn occurrences_are_apart_and_failures_silent() {
        let mut revisions = revisions();
        let one = revisions.tell(&event(Phase::Opened, 1), "m").unwrap().incident_id;
        revisions.tell(&event(Phase::Ended, 1), "m").unwrap();
        let two = revisions.tell(&event(Phase::Opened, 2), "m").unwrap().incident_id;
        assert_ne!(one, two);
        assert!(revisions.tell(&event(Phase::Updated, 1), "m").is_none());
        revisions.expect_file(two);
        assert!(revisions.file_came(two, None).is_none());
        assert!(revisions.file_came(two, Some(&evidence(1))).is_some());
        assert!(revisions.file_came(two, Some(&evidence(1))).is_none());
    }

    fn lost_camera() -> CameraHealth {
        CameraHealth {
            camera_id: "gate".parse().unwrap(),
            name: String::new(),
            state: CameraState::Lost,
            since: UtcMs(0),
            frames_per_second: 0.0,
            frames_dropped: 0,
            reason: None,
            notice: None,
            decoder: None,
        }
    }

    /// A lost camera is one incident, opened once and ended once.
    #[test]
    fn a_lost_camera_is_told_once() {
        let mut revisions = revisions();
        let health = lost_camera();
        let rule = RuleConfig::whole_picture("lost".parse().unwrap(), RuleKind::CameraLost);
        assert!(revisions.camera_lost(None, &health, &rule).is_none());
        let opened = revisions.camera_lost(Some(UtcMs(5)), &health, &rule).unwrap();
        assert_eq!((opened.kind, opened.started_at), (IncidentKind::CameraLost, UtcMs(5)));
        assert!(revisions.camera_lost(Some(UtcMs(5)), &health, &rule).is_none());
        let other = RuleConfig::whole_picture("by-night".parse().unwrap(), RuleKind::CameraLost);
        let beside = revisions.camera_lost(Some(UtcMs(5)), &health, &other).unwrap();
        assert_ne!(beside.incident_id, opened.incident_id, "each rule tells for itself");
        assert!(revisions.camera_lost(None, &health, &other).is_some());
        let ended = revisions.camera_lost(None, &health, &rule).unwrap();
        assert_eq!((ended.incident_id, ended.revision, ended.phase), (opened.incident_id, 2, Phase::Ended));
        assert!(revisions.is_empty());
    }

    /// A camera that comes and goes is told of again only after the rule's pause.
    #[test]
    fn a_flapping_camera_is_told_of_once_in_a_while() {
        let clock = Arc::new(ManualClock::at(UtcMs(0)));
        let mut revisions = Revisions { clock: clock.clone(), ..revisions() };
        let health = lost_camera();
        let whole = RuleConfig::whole_picture("lost".parse().unwrap(), RuleKind::CameraLost);
        let rule = RuleConfig { cooldown_s: 600, ..whole };
        assert!(revisions.camera_lost(Some(UtcMs(0)), &health, &rule).is_some());
        assert!(revisions.camera_lost(None, &health, &rule).is_some());
        clock.advance_ms(599_999);
        assert!(revisions.camera_lost(Some(UtcMs(0)), &health, &rule).is_none());
        clock.advance_ms(1);
        assert!(revisions.camera_lost(Some(UtcMs(0)), &health, &rule).is_some(), "it is still gone");
    }
}
