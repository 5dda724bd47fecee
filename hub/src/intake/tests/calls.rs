//! Calls: what a box reads from them, and the names by which they are known.

use protocol::hotline::{Alarm, CallReading, MAX_READ_CHARS};
use protocol::{
    CallId, CallSubject, Direction, Incident, IncidentKind, Phase, ReceiptOutcome, Severity, Subject,
    Transcript,
};
use uuid::Uuid;

use super::{NOW, World, worlds};
use crate::case;
use crate::db::Arg;

const SOCKET: CallId = CallId(Uuid::from_u128(0x50));
const ANNOUNCED: CallId = CallId(Uuid::from_u128(0xa0));

impl World {
    pub(super) fn call(&self, call_id: CallId) -> Incident {
        Incident {
            kind: IncidentKind::Hotline,
            severity: Severity::Emergency,
            subject: Subject::Call(CallSubject {
                call_id,
                caller_masked: None,
                seat: None,
                direction: Direction::Inbound,
                legs: vec![],
                duration_ms: 0,
                speech_ms: 0,
                transcript: Transcript::Waiting,
                reading: None,
                interrupted: false,
                callback: None,
            }),
            ..self.incident("r1")
        }
    }

    async fn case_of(&self, call_id: CallId) -> Option<case::Case> {
        case::store::by_call(&self.app.db, "main", "", &call_id.to_string()).await.unwrap()
    }

    async fn key(&self, case: &case::Case) -> String {
        let sql = "select correlation_key from cases where case_id = $1";
        let (key,): (String,) =
            self.app.db.fetch_one(sql, vec![Arg::from(case.case_id.as_str())]).await.unwrap();
        key
    }
}

fn named(mut incident: Incident, revision: u32, call_id: CallId) -> Incident {
    let Subject::Call(call) = &mut incident.subject else { panic!("a call") };
    call.call_id = call_id;
    (incident.revision, incident.phase) = (revision, Phase::Updated);
    incident
}

/// A call that raised an alarm under its socket's name becomes the one that its exchange announced: it is found by that name,
/// and still by the old one; what comes later of it joins it; an old revision that comes late changes nothing.
#[tokio::test]
async fn an_announced_call_is_found_by_its_name() {
    for world in worlds().await {
        let alarm = world.call(SOCKET);
        world.send_incident(1, &alarm).await;
        assert_eq!(world.case_of(ANNOUNCED).await, None, "{}", world.name);
        world.send_incident(3, &named(alarm.clone(), 3, ANNOUNCED)).await;
        world.send_incident(2, &named(alarm, 2, SOCKET)).await;
        let case = world.case_of(ANNOUNCED).await.expect("found by its new name");
        assert_eq!(case.call_id.as_deref(), Some(ANNOUNCED.to_string().as_str()), "{}", world.name);
        assert_eq!(world.case_of(SOCKET).await.map(|case| case.number), Some(case.number.clone()));
        assert_eq!(world.key(&case).await, format!("call/box-1/{ANNOUNCED}"));
        world.send_incident(4, &world.call(ANNOUNCED)).await;
        let cases = world.cases().await;
        assert_eq!((cases.len(), cases[0].incident_count), (1, 2), "{}", world.name);
    }
}

/// When the announced call has a case already, the other one takes its name and leaves it what is to come.
#[tokio::test]
async fn two_cases_of_one_call_stand_side_by_side() {
    for world in worlds().await {
        let alarm = world.call(SOCKET);
        world.send_incident(1, &alarm).await;
        world.clock.advance_ms(1);
        world.send_incident(2, &world.call(ANNOUNCED)).await;
        let first = world.case_of(SOCKET).await.unwrap();
        let receipt = world.send_incident(3, &named(alarm, 2, ANNOUNCED)).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Stored, "{}", world.name);
        let case = world.case_of(ANNOUNCED).await.unwrap();
        assert_eq!((&case.number, case.call_id), (&first.number, Some(ANNOUNCED.to_string())));
        assert_eq!(world.key(&first).await, format!("call/box-1/{SOCKET}"), "{}", world.name);
        world.send_incident(4, &world.call(ANNOUNCED)).await;
        let counts = world.cases().await;
        let mut counts: Vec<_> = counts.iter().map(|c| (c.number.as_str(), c.incident_count)).collect();
        counts.sort_unstable();
        assert_eq!(counts, [("20260318-001", 1), ("20260318-002", 2)], "{}", world.name);
    }
}

/// What a box reads from a call, and what an exchange told it, is kept as far as it is shown, and filed whatever it holds: an
/// alarm with a title and a seat that are too long, and with a character that no database takes.
#[tokio::test]
async fn a_reading_without_bounds_is_cut_and_filed() {
    for world in worlds().await {
        let mut incident = world.call(SOCKET);
        let Subject::Call(call) = &mut incident.subject else { panic!("a call") };
        let alarm = |id: &str| Alarm { id: id.into(), words: vec!["火".into(); 40], at_ms: 0, holds: true };
        call.reading = Some(CallReading {
            title: format!("着火\0了{}", "啊".repeat(9_000)),
            alarms: [vec![alarm("fire"); 50], vec![alarm("nonsense")]].concat(),
            ..CallReading::default()
        });
        (call.seat, call.caller_masked) = (Some("7\0".repeat(900)), Some("*".repeat(900)));
        let receipt = world.send_incident(1, &incident).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Stored, "{}: {:?}", world.name, receipt.reason);
        let case = world.case_of(SOCKET).await.unwrap();
        assert!(case.title_zh.starts_with("热线来电 · 火情 · 着火了啊"), "{}: {}", world.name, case.title_zh);
        let rows =
            case::store::list::incidents(&world.app.db, "main", &case.case_id, None, 10).await.unwrap();
        let kept: Incident = serde_json::from_str(&rows[0].data).unwrap();
        let Subject::Call(CallSubject { reading: Some(reading), seat, caller_masked, .. }) = kept.subject
        else {
            panic!("{}: {}", world.name, rows[0].data)
        };
        assert_eq!(seat, Some("7".repeat(MAX_READ_CHARS)), "{}", world.name);
        assert_eq!(caller_masked, Some("*".repeat(MAX_READ_CHARS)), "{}", world.name);
        assert_eq!(reading.title.chars().count(), MAX_READ_CHARS);
        assert_eq!(reading.alarms.len(), 1, "{}", world.name);
        assert_eq!(reading.alarms[0].words.len(), 3);
        assert_eq!(kept.started_at, NOW);
    }
}
