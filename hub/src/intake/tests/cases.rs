//! One incident, one case: however often and in whatever order its messages come.

use protocol::{Delivery, Event, Evidence, EvidenceKind, Phase, ReceiptOutcome, Severity};

use super::{NOW, worlds};
use crate::user::{self, Role};
use crate::workflow::{self, Actor, Step};
use crate::{case, device};

/// One message any number of times is one case, and every copy gets its receipt.
#[tokio::test]
async fn redelivery_makes_one_case() {
    for world in worlds().await {
        let envelope = world.envelope(1, Event::Incident(world.incident("r1")));
        assert_eq!(world.send(&envelope).await.outcome, ReceiptOutcome::Stored, "{}", world.name);
        for _ in 0..3 {
            assert_eq!(world.send(&envelope).await.outcome, ReceiptOutcome::Duplicate, "{}", world.name);
        }
        let cases = world.cases().await;
        assert_eq!(cases.len(), 1);
        assert_eq!(cases[0].number, "20260318-001");
        assert_eq!(cases[0].incident_count, 1);
        let history =
            case::store::history(&world.app.db, "main", &cases[0].case_id, None, 1000).await.unwrap();
        assert_eq!(history.len(), 1);
    }
}

/// Revisions in any order leave the newest, in one case, ended once; the gap a lost one leaves is seen.
#[tokio::test]
async fn newest_revision_wins_in_any_order() {
    for order in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [3, 1, 2]] {
        for world in worlds().await {
            let first = world.incident("r1");
            for revision in order {
                let mut incident = first.clone();
                incident.revision = revision;
                incident.phase = [Phase::Opened, Phase::Updated, Phase::Ended][revision as usize - 1];
                incident.ended_at = (revision == 3).then_some(NOW.plus_ms(9));
                // Sequence 2 is never sent.
                let sequence = if revision == 1 { 1 } else { u64::from(revision) + 1 };
                assert_eq!(world.send_incident(sequence, &incident).await.outcome, ReceiptOutcome::Stored);
            }
            let cases = world.cases().await;
            assert_eq!(cases.len(), 1, "{} {order:?}", world.name);
            let incidents =
                case::store::list::incidents(&world.app.db, "main", &cases[0].case_id, None, 1000)
                    .await
                    .unwrap();
            assert_eq!(incidents.len(), 1);
            assert_eq!((incidents[0].revision, incidents[0].phase.as_str()), (3, "ended"));
            let history =
                case::store::history(&world.app.db, "main", &cases[0].case_id, None, 1000).await.unwrap();
            assert_eq!(history.iter().filter(|row| row.action == "ended").count(), 1, "{order:?}");
            let last = case::store::history_hash(&world.app.db, "main", &cases[0].case_id).await.unwrap();
            assert_eq!(case::history::first_break(&cases[0].case_id, &history, &last), None);
            let gaps = device::store::gaps(&world.app.db, "main", "box-1").await.unwrap();
            assert_eq!(gaps.iter().map(device::Gap::missing).collect::<Vec<_>>(), [1]);
        }
    }
}

/// Incidents of one camera and rule join the open case and lift its severity; after it closes, a new one opens.
#[tokio::test]
async fn one_open_case_per_cause() {
    for world in worlds().await {
        world.send_incident(1, &world.incident("r1")).await;
        let mut worse = world.incident("r1");
        worse.severity = Severity::Emergency;
        world.send_incident(2, &worse).await;
        world.send_incident(3, &world.incident("r2")).await;
        let mut cases = world.cases().await;
        cases.sort_by(|a, b| a.number.cmp(&b.number));
        assert_eq!(
            cases.iter().map(|case| (case.incident_count, case.severity.as_str())).collect::<Vec<_>>(),
            [(2, "emergency"), (1, "normal")]
        );

        for name in ["li", "wang"] {
            let one = (name, "correct horse battery", Role::Operator);
            user::testing::add(&world.app.db, "main", &world.app.chance, NOW, one).await.unwrap();
        }
        let acknowledged =
            case::store::acknowledge(&world.app.db, "main", &cases[0].number, "li", NOW).await.unwrap();
        assert_eq!(acknowledged.acknowledged_by.as_deref(), Some("li"));
        let again =
            case::store::acknowledge(&world.app.db, "main", &cases[0].number, "wang", NOW).await.unwrap();
        assert_eq!(again.acknowledged_by.as_deref(), Some("li"), "the first one counts");

        let (app, number, hub) = (&world.app, &cases[0].number, Actor::hub());
        let step = Step::HandleHere { result: "已劝离".into() };
        let closed = workflow::store::take(&app.db, "main", number, &step, &hub, app.step_with("1")).await;
        assert_eq!(closed.unwrap().state, "closed");
        let again = workflow::store::take(&app.db, "main", number, &step, &hub, app.step_with("2")).await;
        assert!(matches!(again, Err(workflow::store::StepError::Refused(_))));

        world.clock.advance_ms(1);
        world.send_incident(4, &world.incident("r1")).await;
        assert_eq!(world.cases().await.len(), 3, "{}", world.name);
    }
}

/// Evidence named by an incident shows with its case, as not here yet; positions of the live feed have no hole.
#[tokio::test]
async fn evidence_and_feed_follow_the_case() {
    for world in worlds().await {
        let mut incident = world.incident("r1");
        incident.evidence.push(Evidence {
            sha256: "ab".repeat(32).parse().unwrap(),
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
        world.send_incident(1, &incident).await;
        let cases = world.cases().await;
        let files = case::store::list::newest_evidence(&world.app.db, "main", &cases, 20).await.unwrap();
        assert_eq!(files.len(), 1, "{}", world.name);
        assert_eq!((files[0].kind.as_str(), files[0].stored_at_ms), ("snapshot", None));
        let changes = world.app.changes.after("main", 0, 100).await.unwrap();
        let positions: Vec<i64> = changes.iter().map(|change| change.position).collect();
        assert_eq!(positions, (1..=positions.len() as i64).collect::<Vec<_>>());
        assert_eq!(changes.last().unwrap().subject, cases[0].number);
        assert_eq!(world.app.changes.newest("main").await.unwrap(), positions.len() as i64);
    }
}
