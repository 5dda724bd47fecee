//! The change of a case as a CloudEvent, version 1.0, in structured JSON. Pure.
//!
//! `id` is the case's id and the position in its history: the same for every subscription, and whenever it is sent again.

use serde_json::{Value, json};

use super::CaseEvent;
use super::facts::CaseFacts;

pub(super) const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Actions of a history that are told.
pub(super) const ACTIONS: &[&str] = &[
    "opened",
    "joined",
    "raised",
    "ended",
    "acknowledged",
    "told",
    "ticket",
    "corrected",
    "command",
    "answered",
    "lost",
    "handled_here",
    "passed_up",
    "voided",
    "joined_into",
    "took_in",
    "filed",
    "dispatched",
    "accepted",
    "withdrawn",
    "asked",
    "endorsed",
    "granted",
    "denied",
    "reassigned",
    "progress",
    "part_done",
    "waived",
    "resumed",
    "reported",
    "checked",
    "rework",
    "closed",
    "reopened",
    "called_back",
    "reminded",
    "escalated",
    "centre_called",
    "card_shown",
    "card_lifted",
    "located",
    "unlocated",
    "split_off",
    "gave_back",
    "flapping",
    "calmed",
    "shelved",
    "unshelved",
    "shelf_over",
    "shelf_broken",
    "remark",
    "attached",
    "amended",
];

/// Whether an action is one of those: what else stands in a history (who saw a callback number, what the hub notes for its
/// own use) is nobody's outside.
pub(super) fn leaves(action: &str) -> bool {
    ACTIONS.contains(&action)
}

/// One row of a history, with the case as its transaction leaves it.
pub(super) fn of(event: &CaseEvent, case: &CaseFacts) -> Value {
    let word = if case.confidential == 0 { event.action.as_str() } else { CHANGED };
    json!({
        "specversion": "1.0",
        "id": format!("{}-{}", event.case_id, event.position),
        "source": source(&event.tenant),
        "type": kind(word),
        "subject": case.number,
        "time": rfc3339(event.at.0),
        "datacontenttype": "application/json",
        "data": if case.confidential == 0 { data(event, case) } else { little(&case.number, &case.state) },
    })
}

/// A marked message that says nothing of any case.
pub(super) fn test(tenant: &str, id: &str, at_ms: i64) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": source(tenant),
        "type": "cn.shaodian.test.v1",
        "time": rfc3339(at_ms),
        "datacontenttype": "application/json",
        "data": { "text": "测试消息，不涉及任何案件 A test; it is about no case" },
    })
}

/// What is left of an event whose case has become confidential while it waited.
pub(super) fn reduce(event: &mut Value) {
    let of = |name: &str| event["data"][name].as_str().unwrap_or_default().to_owned();
    let data = little(&of("number"), &of("state"));
    if let Some(fields) = event.as_object_mut() {
        fields.insert("type".to_owned(), json!(kind(CHANGED)));
        fields.insert("data".to_owned(), data);
    }
}

/// The action of what is confidential.
const CHANGED: &str = "changed";

fn kind(action: &str) -> String {
    format!("cn.shaodian.case.{action}.v1")
}

fn source(tenant: &str) -> String {
    format!("urn:shaodian:{tenant}")
}

fn little(number: &str, state: &str) -> Value {
    json!({ "number": number, "state": state })
}

fn data(event: &CaseEvent, case: &CaseFacts) -> Value {
    let (title_zh, title_en) = case.title();
    let coordinates = case.coordinates();
    json!({
        "number": case.number,
        "action": event.action,
        "position": event.position,
        "state": case.state,
        "level": case.level,
        "severity": case.severity,
        "category": case.category,
        "kind": case.kind,
        "source": case.source,
        "area": case.area,
        "title_zh": title_zh,
        "title_en": title_en,
        "place": case.place(),
        "latitude": coordinates.map(|(latitude, _)| latitude),
        "longitude": coordinates.map(|(_, longitude)| longitude),
        "due_clock": case.due_clock,
        "due_at": case.due_at_ms.map(rfc3339),
        "opened_at": rfc3339(case.opened_at_ms),
        "drill": case.drill != 0,
    })
}

/// In UTC.
fn rfc3339(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

#[cfg(test)]
mod tests {
    use protocol::UtcMs;

    use super::super::facts::sample;
    use super::*;

    fn event() -> CaseEvent {
        CaseEvent {
            tenant: "main".into(),
            case_id: "c1".into(),
            position: 7,
            at: UtcMs(1_773_799_200_000),
            action: "dispatched".into(),
        }
    }

    /// The whole of an event, written out by hand.
    #[test]
    fn an_event() {
        let wanted = json!({
            "specversion": "1.0",
            "id": "c1-7",
            "source": "urn:shaodian:main",
            "type": "cn.shaodian.case.dispatched.v1",
            "subject": "20260318-001",
            "time": "2026-03-18T02:00:00Z",
            "datacontenttype": "application/json",
            "data": {
                "number": "20260318-001", "action": "dispatched", "position": 7, "state": "dispatched",
                "level": "county", "severity": "major", "category": "blocked_lane", "kind": "blocked_lane",
                "source": "camera", "area": "/fengxiang/chengguan/", "title_zh": "消防通道占用 · 北口",
                "title_en": "Blocked fire lane · 北口", "place": "北口", "latitude": 34.5, "longitude": 107.4,
                "due_clock": "handle", "due_at": "2026-03-18T08:00:00Z", "opened_at": "2026-03-18T02:00:00Z",
                "drill": false,
            },
        });
        assert_eq!(of(&event(), &sample()), wanted);
    }

    /// Of a confidential case number and state leave and nothing else, whether it was so before or became so.
    #[test]
    fn confidential() {
        let case = CaseFacts { confidential: 1, ..sample() };
        let told = of(&event(), &case);
        assert_eq!(told["data"], json!({ "number": "20260318-001", "state": "dispatched" }));
        assert_eq!(told["type"], "cn.shaodian.case.changed.v1");
        let mut later = of(&event(), &sample());
        reduce(&mut later);
        assert_eq!(later, told);
    }

    /// Who saw a callback number is told to nobody.
    #[test]
    fn what_stays() {
        assert!(
            leaves("filed") && !leaves("contact_seen") && !leaves("contact_deleted") && !leaves("recorded")
        );
    }
}
