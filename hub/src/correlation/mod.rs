//! Station 9: which case an incident opens or joins. What decides is pure.
//!
//! Incidents of one camera and rule share one open case; a call has one case for ever; what a box says of itself
//! has one open case per kind. Drills never mix with real cases. Cases of several causes that are one matter ([`near`]) are
//! joined ([`join`]): each stays whole, with its reporter, and points to the one in which the work goes on, so that a wrong
//! join is split by taking the pointer away. A source that flaps is damped ([`flapping`]), one that a person has put aside
//! is counted only ([`shelf`]); neither is silent.

pub mod flapping;
pub mod join;
pub mod links;
pub mod near;
pub mod shelf;
mod store;

use protocol::hotline::ALARMS;
use protocol::{CallId, CallSubject, CameraId, Incident, Origin, Subject};

/// Longest part of a title or a place that a box may say of a call, in characters.
const MAX_ABOUT: usize = 80;

/// Id, Chinese, English.
type AlarmName = (&'static str, &'static str, &'static str);

/// What makes two incidents the same case, and how that case is named on screens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub key: String,
    /// Whether a closed case is joined too, instead of a new one being opened.
    pub joins_closed: bool,
    pub title_zh: String,
    pub title_en: String,
    pub place: Option<String>,
    pub camera_id: Option<CameraId>,
    pub call_id: Option<CallId>,
}

pub fn cause(origin: &Origin, incident: &Incident) -> Cause {
    let device = &origin.device;
    let place = incident.place.as_ref().map(|place| place.name.clone());
    let (key, where_it_is, camera_id, call_id) = match &incident.subject {
        Subject::Camera(camera) => (
            format!("camera/{device}/{}/{}", camera.camera_id, camera.rule_id),
            place.clone().unwrap_or_else(|| camera.camera_name.clone()),
            Some(camera.camera_id.clone()),
            None,
        ),
        Subject::Call(call) => (
            format!("call/{device}/{}", call.call_id),
            // What it is about says more than where the hotline stands.
            about(call, |alarm| alarm.1, "、")
                .or_else(|| place.clone())
                .or_else(|| call.caller_masked.clone())
                .unwrap_or_default(),
            None,
            Some(call.call_id),
        ),
        Subject::Device => (
            format!("device/{device}/{}", incident.kind),
            place.clone().unwrap_or_else(|| device.to_string()),
            None,
            None,
        ),
    };
    let titled = |kind: &str, about: &str| {
        if about.is_empty() { kind.to_owned() } else { format!("{kind} · {about}") }
    };
    let about_en = match &incident.subject {
        Subject::Call(call) => about(call, |alarm| alarm.2, ", "),
        _ => None,
    };
    let camera_name = match &incident.subject {
        Subject::Camera(camera) => Some(camera.camera_name.clone()),
        _ => None,
    };
    Cause {
        key: if incident.drill { format!("drill/{key}") } else { key },
        joins_closed: call_id.is_some(),
        title_zh: titled(incident.kind.zh(), &where_it_is),
        title_en: titled(incident.kind.en(), about_en.as_deref().unwrap_or(&where_it_is)),
        place: told_place(incident).or(place).or(camera_name),
        camera_id,
        call_id,
    }
}

/// What a case is about when it is held against others: the kind of what a camera saw, `alarm:ID` of what a caller tells;
/// nothing for the rest.
pub fn signal(incident: &Incident) -> String {
    match &incident.subject {
        Subject::Camera(_) => incident.kind.as_str().to_owned(),
        Subject::Call(call) => {
            let told = call.reading.iter().flat_map(|reading| &reading.alarms).filter(|alarm| alarm.holds);
            let rank = |id: &str| ALARMS.iter().position(|known| known.0 == id);
            let first = told.filter_map(|alarm| Some((rank(&alarm.id)?, &alarm.id))).min();
            first.map(|(_, id)| format!("alarm:{id}")).unwrap_or_default()
        }
        Subject::Device => String::new(),
    }
}

/// Where the caller says that it is, and in which grid by the box's own gazetteer; a call centre is nowhere near.
pub fn told(incident: &Incident) -> Option<(&str, Option<&str>)> {
    let Subject::Call(call) = &incident.subject else { return None };
    let place = call.reading.as_ref()?.place.as_ref()?;
    Some((place.text.as_str(), place.grid.as_deref()))
}

fn told_place(incident: &Incident) -> Option<String> {
    told(incident).map(|(text, _)| text.chars().take(MAX_ABOUT).collect())
}

/// What a call is about: its alarms by their names in one language, and the caller's own words.
fn about(call: &CallSubject, word: fn(&AlarmName) -> &'static str, between: &str) -> Option<String> {
    let reading = call.reading.as_ref()?;
    let alarms = reading.alarms.iter().filter_map(|alarm| ALARMS.iter().find(|known| known.0 == alarm.id));
    let alarms = alarms.map(word).collect::<Vec<_>>().join(between);
    let said = [alarms, reading.title.clone()];
    let said: Vec<String> = said.into_iter().filter(|part| !part.is_empty()).collect();
    (!said.is_empty()).then(|| said.join(" · ").chars().take(MAX_ABOUT).collect())
}

#[cfg(test)]
mod tests {
    use protocol::{
        CameraSubject, Direction, IncidentId, IncidentKind, Label, NormBox, Phase, Severity, Transcript,
        UtcMs,
    };

    use protocol::hotline::{Alarm, CallReading, ToldPlace};

    use super::*;

    fn origin() -> Origin {
        Origin { tenant: "t".parse().unwrap(), device: "box".parse().unwrap() }
    }

    fn camera_incident(camera: &str, rule: &str, drill: bool) -> Incident {
        Incident {
            incident_id: IncidentId(uuid::Uuid::nil()),
            revision: 1,
            phase: Phase::Opened,
            kind: IncidentKind::Intrusion,
            severity: Severity::Major,
            subject: Subject::Camera(CameraSubject {
                camera_id: camera.parse().unwrap(),
                camera_name: "北口 02".into(),
                rule_id: rule.parse().unwrap(),
                rule_name: "夜间".into(),
                rule_name_en: None,
                label: Label::Person,
                score: 0.9,
                region: NormBox { x: 0.0, y: 0.0, w: 0.1, h: 0.1 },
                object_count: 1,
                motion_only: false,
                method: "m".into(),
            }),
            place: None,
            started_at: UtcMs(1),
            updated_at: UtcMs(1),
            ended_at: None,
            evidence: vec![],
            drill,
        }
    }

    /// Same camera and rule share a key; another rule, camera or a drill does not.
    #[test]
    fn camera_and_rule_make_the_cause() {
        let key = |camera, rule, drill| cause(&origin(), &camera_incident(camera, rule, drill)).key;
        assert_eq!(key("c1", "r1", false), key("c1", "r1", false));
        assert_ne!(key("c1", "r1", false), key("c1", "r2", false));
        assert_ne!(key("c1", "r1", false), key("c2", "r1", false));
        assert_ne!(key("c1", "r1", false), key("c1", "r1", true));
    }

    /// Titles name kind and place in both languages; without a place the camera's name stands in.
    #[test]
    fn titles_name_kind_and_place() {
        let cause = cause(&origin(), &camera_incident("c1", "r1", false));
        assert_eq!(cause.title_zh, "区域入侵 · 北口 02");
        assert_eq!(cause.title_en, "Intrusion · 北口 02");
        assert_eq!(cause.place.as_deref(), Some("北口 02"));
        assert!(!cause.joins_closed);
    }

    /// A call is its own cause, also after its case was closed; another box cannot speak of it.
    #[test]
    fn a_call_has_one_case() {
        let mut incident = camera_incident("c1", "r1", false);
        incident.kind = IncidentKind::Hotline;
        incident.subject = Subject::Call(CallSubject {
            call_id: CallId(uuid::Uuid::nil()),
            caller_masked: None,
            callback: None,
            seat: None,
            direction: Direction::Inbound,
            legs: vec![],
            duration_ms: 0,
            speech_ms: 0,
            transcript: Transcript::Waiting,
            reading: None,
            interrupted: false,
        });
        let cause = cause(&origin(), &incident);
        assert_eq!(cause.key, format!("call/box/{}", uuid::Uuid::nil()));
        assert!(cause.joins_closed);
        assert_eq!(cause.title_zh, "热线来电");
        let Subject::Call(call) = &mut incident.subject else { unreachable!() };
        call.reading = Some(CallReading {
            title: "凤鸣路菜市场：仓库着火了".into(),
            alarms: vec![Alarm { id: "fire".into(), words: vec![], at_ms: 0, holds: true }],
            place: Some(ToldPlace { text: "凤鸣路菜市场".into(), grid: None }),
            ..CallReading::default()
        });
        let told = super::cause(&origin(), &incident);
        assert_eq!(told.title_zh, "热线来电 · 火情 · 凤鸣路菜市场：仓库着火了");
        assert_eq!(told.title_en, "Hotline call · Fire · 凤鸣路菜市场：仓库着火了");
        assert_eq!((told.key, told.place.as_deref()), (cause.key, Some("凤鸣路菜市场")));
        assert_eq!(signal(&incident), "alarm:fire");
        let Subject::Call(call) = &mut incident.subject else { unreachable!() };
        call.reading.as_mut().unwrap().alarms[0].holds = false;
        assert_eq!(signal(&incident), "", "taken back in the second half of the sentence");
        assert_eq!(signal(&camera_incident("c1", "r1", false)), "intrusion");
    }
}
