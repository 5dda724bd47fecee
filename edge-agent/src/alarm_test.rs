//! The self-test alarm: a drill that goes the whole way, from a camera's picture through outbox, broker and receipt to the
//! hub's page. Pure: what is taken of the camera is given.

use protocol::{
    CameraId, CameraSubject, CommandId, Delivery, Evidence, EvidenceKind, Incident, IncidentId, IncidentKind,
    Label, NormBox, Phase, Place, RuleId, Severity, Subject, UtcMs,
};

/// Names what raised it.
const RULE: &str = "self-test";

/// The camera that shows it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub camera_id: CameraId,
    pub camera_name: String,
    pub place: Option<Place>,
}

/// The picture as one that an alarm has.
pub fn snapshot(still: Evidence) -> Evidence {
    Evidence { kind: EvidenceKind::Snapshot, delivery: Delivery::Automatic, ..still }
}

/// The drill that a command asks for, named after it: asked twice it is the same one. Without a camera it tells of the box
/// alone.
pub fn incident(command: CommandId, seen: Option<&Seen>, picture: Option<Evidence>, now: UtcMs) -> Incident {
    let subject = match seen {
        Some(seen) => Subject::Camera(CameraSubject {
            camera_id: seen.camera_id.clone(),
            camera_name: seen.camera_name.clone(),
            rule_id: RULE.parse::<RuleId>().expect("a plain word names a rule"),
            rule_name: "每日自检".to_owned(),
            rule_name_en: Some("Daily self-test".to_owned()),
            label: Label::Picture,
            score: 1.0,
            region: NormBox { x: 0.0, y: 0.0, w: 1.0, h: 1.0 },
            object_count: 0,
            motion_only: false,
            method: RULE.to_owned(),
        }),
        None => Subject::Device,
    };
    let kind = if seen.is_some() { IncidentKind::Intrusion } else { IncidentKind::Hotline };
    Incident {
        incident_id: IncidentId(command.0),
        revision: 1,
        phase: Phase::Ended,
        kind,
        severity: Severity::Notice,
        subject,
        place: seen.and_then(|seen| seen.place.clone()),
        started_at: now,
        updated_at: now,
        ended_at: Some(now),
        evidence: picture.into_iter().collect(),
        drill: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is a drill, whatever it shows, bears its command's name, and is the same when it is made again.
    #[test]
    fn it_is_a_drill_named_after_its_command() {
        let command = CommandId(uuid::Uuid::from_u128(7));
        let seen = Seen { camera_id: "gate".parse().unwrap(), camera_name: "东门".into(), place: None };
        let one = incident(command, Some(&seen), None, UtcMs(5));
        assert!(one.drill && one.severity == Severity::Notice);
        assert_eq!(one.incident_id.0, command.0);
        assert_eq!(one, incident(command, Some(&seen), None, UtcMs(5)));
        let bare = incident(command, None, None, UtcMs(5));
        assert!(bare.drill && matches!(bare.subject, Subject::Device));
    }
}
