//! Calls: what a box reads from them, and the names by which they are known.

use protocol::hotline::{Alarm, CallReading, MAX_READ_CHARS};
use protocol::{
    CallId, CallSubject, Direction, Incident, IncidentKind, ReceiptOutcome, Severity, Subject,
    Transcript,
};
use uuid::Uuid;

use super::{NOW, World, worlds};
use crate::case;

const SOCKET: CallId = CallId(Uuid::from_u128(0x50));

impl World {
    fn call(&self, call_id: CallId) -> Incident {
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
            }),
            ..self.incident("r1")
        }
    }

    async fn case_of(&self, call_id: CallId) -> Option<case::Case> {
        case::store::by_call(&self.app.db, "main", &call_id.to_string()).await.unwrap()
    }
}

/// What a box reads from a call is kept as far as it is shown, and filed whatever it holds: an alarm with a title that is too
/// long, and with a character that no database takes.
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
        let receipt = world.send_incident(1, &incident).await;
        assert_eq!(receipt.outcome, ReceiptOutcome::Stored, "{}: {:?}", world.name, receipt.reason);
        let case = world.case_of(SOCKET).await.unwrap();
        assert!(case.title_zh.starts_with("热线来电 · 火情 · 着火了啊"), "{}: {}", world.name, case.title_zh);
        let rows =
            case::store::list::incidents(&world.app.db, "main", &case.case_id, None, 10).await.unwrap();
        let kept: Incident = serde_json::from_str(&rows[0].data).unwrap();
        let Subject::Call(CallSubject { reading: Some(reading), .. }) = kept.subject else {
            panic!("{}: {}", world.name, rows[0].data)
        };
        assert_eq!(reading.title.chars().count(), MAX_READ_CHARS);
        assert_eq!(reading.alarms.len(), 1, "{}", world.name);
        assert_eq!(reading.alarms[0].words.len(), 3);
        assert_eq!(kept.started_at, NOW);
    }
}
