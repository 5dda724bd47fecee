//! Any order, any number of copies: the same rows. Seeded; a failure names its seed, and `SHAODIAN_SEED` tries it again.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    CallId, CallSubject, Chance, Delivery, Direction, Envelope, Event, Evidence, EvidenceKind, Incident,
    IncidentKind, Leg, Phase, ReceiptOutcome, Severity, Subject, Transcript,
};

use super::{NOW, World, worlds};
use crate::case;

const SEVERITIES: [Severity; 4] = [Severity::Emergency, Severity::Major, Severity::Normal, Severity::Notice];

/// What must be there in the end, whatever the order.
#[derive(Debug, Default, PartialEq)]
struct Rows {
    /// Incident → newest revision, whole.
    incidents: BTreeMap<String, Incident>,
    /// Cause → what its case says.
    cases: BTreeMap<String, CaseRow>,
    /// Case cause and file.
    evidence: BTreeSet<(String, String)>,
}

#[derive(Debug, Default, PartialEq)]
struct CaseRow {
    severity: Option<Severity>,
    incidents: BTreeSet<String>,
    ended: BTreeSet<String>,
}

fn cause(incident: &Incident) -> String {
    match &incident.subject {
        Subject::Camera(camera) => format!("{} {}", camera.camera_id, camera.rule_id),
        Subject::Call(call) => call.call_id.to_string(),
        Subject::Device => incident.kind.to_string(),
    }
}

/// Incidents of three rules, two calls and the box itself, each in one to four revisions.
fn story(world: &World, chance: &Chance) -> Vec<Incident> {
    let calls = [CallId(chance.uuid_v7(NOW)), CallId(chance.uuid_v7(NOW))];
    let mut all = Vec::new();
    for _ in 0..12 {
        let mut incident = world.incident(&format!("r{}", chance.below(3)));
        match chance.below(5) {
            0 => {
                incident.kind = IncidentKind::Hotline;
                incident.subject = Subject::Call(CallSubject {
                    call_id: calls[chance.below(2) as usize],
                    caller_masked: Some("138****6027".into()),
                    callback: None,
                    seat: None,
                    direction: Direction::Inbound,
                    legs: vec![Leg::Caller],
                    duration_ms: 1_000,
                    speech_ms: 500,
                    transcript: Transcript::Waiting,
                    reading: None,
                    interrupted: false,
                });
            }
            1 => {
                incident.kind = IncidentKind::CameraLost;
                incident.subject = Subject::Device;
            }
            _ => {}
        }
        let revisions = 1 + chance.below(4) as u32;
        let ends = chance.below(3) > 0;
        for revision in 1..=revisions {
            incident.revision = revision;
            incident.severity = SEVERITIES[chance.below(4) as usize];
            incident.phase = if revision == 1 { Phase::Opened } else { Phase::Updated };
            incident.updated_at = NOW.plus_ms(i64::from(revision));
            if revision == revisions && ends && revision > 1 {
                incident.phase = Phase::Ended;
                incident.ended_at = Some(incident.updated_at);
            }
            if chance.below(2) == 0 {
                incident.evidence.push(Evidence {
                    sha256: hex::encode(chance.bytes::<32>()).parse().unwrap(),
                    kind: EvidenceKind::Snapshot,
                    media_type: "image/jpeg".into(),
                    size_bytes: 12,
                    delivery: Delivery::Automatic,
                    starts_at: NOW,
                    duration_ms: None,
                    masked: true,
                    blurred: false,
                    footage: None,
                });
            }
            all.push(incident.clone());
        }
    }
    all
}

/// The rows by definition.
fn expected(story: &[Incident]) -> Rows {
    let mut rows = Rows::default();
    for incident in story {
        let id = incident.incident_id.to_string();
        let case = rows.cases.entry(cause(incident)).or_default();
        case.severity = Some(case.severity.map_or(incident.severity, |known| known.min(incident.severity)));
        case.incidents.insert(id.clone());
        if incident.phase == Phase::Ended {
            case.ended.insert(id.clone());
        }
        for file in &incident.evidence {
            rows.evidence.insert((cause(incident), file.sha256.to_string()));
        }
        // Revisions of one incident stand in order in the story.
        rows.incidents.insert(id, incident.clone());
    }
    rows
}

/// The rows there are; holds each history to its chain and to saying each thing once.
async fn found(world: &World, about: &str) -> Rows {
    let (db, mut rows) = (&world.app.db, Rows::default());
    let cases = world.cases().await;
    for case in &cases {
        let mut here = CaseRow { severity: case.severity.parse().ok(), ..CaseRow::default() };
        let incidents = case::store::list::incidents(db, "main", &case.case_id, None, 1000).await.unwrap();
        assert_eq!(case.incident_count as usize, incidents.len(), "{about}: {}", case.number);
        let mut key = String::new();
        for row in incidents {
            let incident: Incident = serde_json::from_str(&row.data).unwrap();
            assert_eq!(i64::from(incident.revision), row.revision, "{about}");
            key = cause(&incident);
            rows.incidents.insert(row.incident_id, incident);
        }
        let history = case::store::history(db, "main", &case.case_id, None, 1000).await.unwrap();
        let last = case::store::history_hash(db, "main", &case.case_id).await.unwrap();
        assert_eq!(case::history::first_break(&case.case_id, &history, &last), None, "{about}");
        for row in &history {
            let detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap();
            let id = detail["incident_id"].as_str().unwrap_or_default().to_owned();
            let fresh = match row.action.as_str() {
                "opened" | "joined" => {
                    assert_eq!(row.action == "opened", row.position == 1, "{about}");
                    here.incidents.insert(id)
                }
                "ended" => here.ended.insert(id),
                "raised" => true,
                other => panic!("{about}: {other}"),
            };
            assert!(fresh, "{about}: {} is said twice of {}", row.action, case.number);
        }
        let files =
            case::store::list::newest_evidence(db, "main", std::slice::from_ref(case), 20).await.unwrap();
        rows.evidence.extend(files.into_iter().map(|file| (key.clone(), file.sha256)));
        assert!(rows.cases.insert(key, here).is_none(), "{about}: two cases of one cause");
    }
    rows
}

/// Delivers, and returns how many receipts said `stored` and how many `duplicate`.
async fn deliver(world: &World, messages: &[&Envelope]) -> (usize, usize) {
    let (sender, mut receipts) = tokio::sync::mpsc::unbounded_channel();
    for message in messages {
        world.push(message, &sender).await;
    }
    drop(sender);
    let (mut stored, mut duplicate) = (0, 0);
    while let Some(receipt) = receipts.recv().await {
        match receipt.expect("every message is answered").outcome {
            ReceiptOutcome::Stored => stored += 1,
            ReceiptOutcome::Duplicate => duplicate += 1,
            other => panic!("{other:?}"),
        }
    }
    (stored, duplicate)
}

/// One to three copies of each message, in an order that chance decides, and a second time all of it: one incident per
/// id with its newest revision, one case per cause, nothing said twice, one `stored` per message and else `duplicate`.
#[tokio::test]
async fn any_delivery_gives_the_same_rows() {
    let seeds = match std::env::var("SHAODIAN_SEED") {
        Ok(seed) => vec![seed.parse().expect("SHAODIAN_SEED is a number")],
        Err(_) => (1..=4).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        for world in worlds().await {
            let chance = Chance::seeded(seed);
            let about = format!("seed {seed}, {}", world.name);
            let story = story(&world, &chance);
            let message = |(at, incident): (usize, &Incident)| {
                world.envelope(at as u64 + 1, Event::Incident(incident.clone()))
            };
            let messages: Vec<Envelope> = story.iter().enumerate().map(message).collect();
            let mut plan: Vec<&Envelope> = messages.iter().collect();
            // Some worlds get everything once and in order, the others as chance has it.
            if world.twice {
                for message in &messages {
                    plan.extend((0..chance.below(3)).map(|_| message));
                }
                for at in (1..plan.len()).rev() {
                    plan.swap(at, chance.below(at as u64 + 1) as usize);
                }
            }
            let wanted = expected(&story);
            assert_eq!(
                deliver(&world, &plan).await,
                (messages.len(), plan.len() - messages.len()),
                "{about}"
            );
            assert_eq!(found(&world, &about).await, wanted, "{about}");
            assert_eq!(deliver(&world, &plan).await, (0, plan.len()), "{about}");
            assert_eq!(found(&world, &about).await, wanted, "{about}: all of it again");
        }
    }
}
