//! Several causes that are one matter, what people split again, sources that flap or are put aside.

use protocol::hotline::{Alarm, CallReading};
use protocol::{
    CallId, CameraId, Clock as _, Incident, IncidentKind, Phase, Place, ReceiptOutcome, Severity, Subject,
};
use uuid::Uuid;

use super::{NOW, World, worlds};
use crate::case::{self, Case};
use crate::correlation::links::{self, Links};
use crate::correlation::shelf::{self, By, ShelfError};
use crate::db::Arg;
use crate::organisation::AreaPath;
use crate::ticket::{self, Draft};
use crate::user::{self, Act, Grant, Role};
use crate::workflow::store::StepError;
use crate::workflow::{self, Actor, Step, VoidReason};
use crate::{engine, notice};

const GRID: &str = "/county/town/community/g1/";

impl World {
    /// A fire that a camera sees so many metres north of a point.
    pub(super) fn fire(&self, camera: &str, metres: f64) -> Incident {
        let mut incident = self.incident("fire");
        let Subject::Camera(subject) = &mut incident.subject else { unreachable!() };
        subject.camera_id = camera.parse::<CameraId>().unwrap();
        incident.kind = IncidentKind::Fire;
        incident.severity = Severity::Major;
        incident.started_at = self.clock.now();
        incident.updated_at = self.clock.now();
        incident.place = Some(Place {
            name: "东关巷".into(),
            latitude: Some(34.52 + metres / 111_195.0),
            longitude: Some(107.4),
        });
        incident
    }

    /// A caller who says that it burns, as far as the call has come.
    fn caller(&self, id: u128, revision: u32, alarm: bool) -> Incident {
        let mut incident = self.call(CallId(Uuid::from_u128(id)));
        incident.revision = revision;
        incident.phase = if revision == 1 { Phase::Opened } else { Phase::Updated };
        incident.incident_id = protocol::IncidentId(Uuid::from_u128(id));
        incident.severity = if alarm { Severity::Emergency } else { Severity::Normal };
        (incident.started_at, incident.updated_at) = (self.clock.now(), self.clock.now());
        let Subject::Call(call) = &mut incident.subject else { unreachable!() };
        let alarms =
            vec![Alarm { id: "fire".into(), words: vec!["着火了".into()], at_ms: 900, holds: true }];
        call.reading = alarm.then(|| CallReading { alarms, ..CallReading::default() });
        incident
    }

    async fn put_box_in(&self, area: &str) {
        self.app.db.execute("update devices set area = $1", vec![Arg::from(area)]).await.unwrap();
    }

    async fn by_number(&self, number: &str) -> Case {
        case::store::by_number(&self.app.db, "main", "", number).await.unwrap().unwrap()
    }

    async fn links(&self, case: &Case) -> Links {
        links::of_case(&self.app.db, "main", &case.case_id).await.unwrap()
    }

    /// Oldest first.
    async fn numbered(&self) -> Vec<Case> {
        let mut all = self.cases().await;
        all.sort_by(|a, b| a.number.cmp(&b.number));
        all
    }

    async fn actions(&self, case: &Case) -> Vec<String> {
        let rows = case::store::history(&self.app.db, "main", &case.case_id, None, 1_000).await.unwrap();
        let last = case::store::history_hash(&self.app.db, "main", &case.case_id).await.unwrap();
        assert_eq!(case::history::first_break(&case.case_id, &rows, &last), None, "{}", self.name);
        rows.into_iter().map(|row| row.action).collect()
    }

    async fn take(&self, number: &str, step: Step) -> Result<Case, StepError> {
        let (app, id) = (&self.app, self.app.new_id());
        workflow::store::take(&app.db, "main", number, &step, &Actor::hub(), app.step_with(&id)).await
    }
}

fn leader() -> Vec<Grant> {
    vec![Grant { role: Role::ShiftLeader, area: AreaPath::everything(), unit: None }]
}

/// Two cameras see one fire: the younger case points to the older, which says why, hears what the other is told, and shows
/// its incidents; after it has ended, the second camera's next fire is a case of its own.
#[tokio::test]
async fn two_cameras_see_one_fire() {
    for world in worlds().await {
        world.send_incident(1, &world.fire("c1", 0.0)).await;
        world.clock.advance_ms(3 * 60_000);
        world.send_incident(2, &world.fire("c2", 80.0)).await;
        let cases = world.numbered().await;
        assert_eq!(cases.len(), 2, "{}", world.name);
        assert_eq!((cases[0].state.as_str(), cases[1].state.as_str()), ("received", "void"));
        let link = world.links(&cases[1]).await;
        assert_eq!(link.joined_into.as_deref(), Some(cases[0].number.as_str()));
        let why = link.joined_why.unwrap();
        assert!(why.starts_with("火情：相距 80 米、相隔 3 分钟"), "{why}");
        assert_eq!(world.actions(&cases[0]).await, ["opened", "took_in"]);
        assert_eq!(world.actions(&cases[1]).await, ["opened", "joined_into"]);

        let mut worse = world.fire("c2", 80.0);
        worse.severity = Severity::Emergency;
        world.send_incident(3, &worse).await;
        let cases = world.numbered().await;
        assert_eq!(cases.len(), 2, "what joined stays joined, {}", world.name);
        assert_eq!((cases[0].severity.as_str(), cases[1].incident_count), ("emergency", 2));
        let joined = case::store::list::joined(&world.app.db, "main", "", &cases[0].number).await.unwrap();
        assert_eq!((joined.len(), joined[0].incident_count), (1, 2));
        let hidden = case::store::list::joined(&world.app.db, "main", "stranger", &cases[0].number).await;
        assert_eq!(hidden.unwrap(), [], "who may not see what joined is shown nothing of it");
        let members = [cases[0].case_id.as_str(), joined[0].case_id.as_str()];
        let shown =
            case::store::list::incidents_of(&world.app.db, "main", members.into_iter(), None, 50).await;
        assert_eq!(shown.unwrap().len(), 3, "all three with the one that goes on");

        world.take(&cases[0].number, Step::HandleHere { result: "已扑灭".into() }).await.unwrap();
        world.clock.advance_ms(60_000);
        world.send_incident(4, &world.fire("c2", 80.0)).await;
        assert_eq!(world.numbered().await.len(), 3, "{}", world.name);
    }
}

/// Too far, too late, another kind, or a drill: not the same.
#[tokio::test]
async fn what_is_not_near_stays_apart() {
    for world in worlds().await {
        world.send_incident(1, &world.fire("c1", 0.0)).await;
        world.send_incident(2, &world.fire("c2", 260.0)).await;
        let mut crowd = world.fire("c3", 10.0);
        crowd.kind = IncidentKind::Crowding;
        world.send_incident(3, &crowd).await;
        let drill = Incident { drill: true, ..world.fire("c4", 10.0) };
        world.send_incident(4, &drill).await;
        world.clock.advance_ms(31 * 60_000);
        world.send_incident(5, &world.fire("c5", 130.0)).await;
        let cases = world.cases().await;
        assert_eq!(cases.len(), 5);
        assert!(cases.iter().all(|case| case.state == "received"), "{cases:?}");
    }
}

/// A camera sees a fire and somebody calls about it from the same grid, in either order: one goes on, the caller's ticket is
/// filed all the same and moves nothing; a drill's fire takes no caller in.
#[tokio::test]
async fn a_call_and_a_camera_are_one_fire() {
    for camera_first in [true, false] {
        for world in worlds().await {
            world.put_box_in(GRID).await;
            let mut seen = world.fire("c1", 0.0);
            seen.place = None;
            world.send_incident(1, &Incident { drill: true, ..world.fire("c9", 0.0) }).await;
            if camera_first {
                world.send_incident(2, &seen).await;
            }
            world.send_incident(3, &world.caller(7, 1, false)).await;
            world.clock.advance_ms(60_000);
            world.send_incident(4, &world.caller(7, 2, true)).await;
            if !camera_first {
                world.send_incident(5, &seen).await;
            }
            let cases = world.numbered().await;
            let real: Vec<&Case> = cases.iter().filter(|case| case.drill == 0).collect();
            assert_eq!(real.len(), 2, "{}", world.name);
            let (main, other) = (real[0], real[1]);
            assert_eq!((main.state.as_str(), other.state.as_str()), ("received", "void"), "{}", world.name);
            assert_eq!(main.call_id.is_none(), camera_first, "the older one goes on");
            assert_eq!(main.severity, "emergency", "as severe as what the caller says");
            let link = world.links(other).await;
            assert_eq!(link.joined_into.as_ref(), Some(&main.number));
            assert!(link.joined_why.unwrap().contains("同一网格"));
            if !camera_first {
                continue;
            }
            let draft = Draft {
                matter: "request".into(),
                category: "fire".into(),
                urgency: "emergency".into(),
                place: "东关巷".into(),
                summary: "仓库着火".into(),
            };
            let draft = Draft { category: ticket::taxonomy::categories()[0].id.clone(), ..draft };
            let app = &world.app;
            let one = ("li", "correct horse battery", Role::Operator);
            user::testing::add(&app.db, "main", &app.chance, NOW, one).await.unwrap();
            let operator = Grant { role: Role::Operator, area: AreaPath::everything(), unit: None };
            let li = Actor::user("li", &[operator]);
            let filed = ticket::file(app, &other.number, &draft, None, &li).await.unwrap();
            assert_eq!(filed.state, "void", "its work goes on elsewhere");
            let kept = ticket::get(&app.db, "main", &other.case_id).await.unwrap().unwrap();
            assert_eq!(kept.summary, "仓库着火");
            assert_eq!(world.by_number(&main.number).await.state, "received");
        }
    }
}

/// A wrong join is split: the case is received again with all it had, both say so, and neither its own next incident nor
/// another reading joins the two again. What was never joined is not split.
#[tokio::test]
async fn a_wrong_join_is_split() {
    for world in worlds().await {
        world.send_incident(1, &world.fire("c1", 0.0)).await;
        world.send_incident(2, &world.fire("c2", 80.0)).await;
        let cases = world.numbered().await;
        let (main, other) = (&cases[0].number, &cases[1].number);
        let reason = || "两处火点 two fires".to_owned();
        let refused = world.take(main, Step::Split { reason: reason() }).await.unwrap_err();
        assert!(matches!(refused, StepError::Refused(_)), "{refused}");
        world.take(other, Step::Split { reason: reason() }).await.unwrap();
        assert_eq!(world.by_number(other).await.state, "received");
        assert_eq!(world.links(&cases[1]).await, Links::default());
        world.clock.advance_ms(1_000);
        world.send_incident(3, &world.fire("c2", 80.0)).await;
        world.send_incident(4, &world.fire("c1", 0.0)).await;
        let cases = world.numbered().await;
        assert_eq!(
            cases.iter().map(|case| case.incident_count).collect::<Vec<_>>(),
            [2, 2],
            "{}",
            world.name
        );
        assert!(cases.iter().all(|case| case.state == "received"));
        assert_eq!(world.actions(&cases[0]).await, ["opened", "took_in", "gave_back", "joined"]);
        assert_eq!(world.actions(&cases[1]).await, ["opened", "joined_into", "split_off", "joined"]);
        world.take(main, Step::Void { reason: VoidReason::Unclear, note: "x".into() }).await.unwrap();
        let refused = world.take(main, Step::Split { reason: reason() }).await.unwrap_err();
        assert!(refused.to_string().contains("was not joined"), "{refused}");
    }
}

/// Two that people work on already are left to them; what joined a case goes with it into a third.
#[tokio::test]
async fn people_join_what_they_work_on() {
    for world in worlds().await {
        world.send_incident(1, &world.fire("c1", 0.0)).await;
        world.send_incident(2, &world.fire("c2", 900.0)).await;
        world.send_incident(3, &world.fire("c3", 80.0)).await;
        let cases = world.numbered().await;
        assert_eq!(cases[2].state, "void", "joined the first");
        let note = || "同一火场".to_owned();
        let into = |case: &Case| Step::Join { into: case.number.clone(), note: note() };
        world.take(&cases[0].number, into(&cases[1])).await.unwrap();
        for joined in [&cases[0], &cases[2]] {
            assert_eq!(
                world.links(joined).await.joined_into.as_ref(),
                Some(&cases[1].number),
                "{}",
                world.name
            );
        }
        world.send_incident(4, &world.fire("c1", 0.0)).await;
        assert_eq!(world.numbered().await.len(), 3, "its next fire goes on in the one that it was joined to");
        assert_eq!(world.by_number(&cases[0].number).await.incident_count, 2);
    }
}

/// A source that flaps is damped: every incident is kept and counted, the history says that it began and that it is over,
/// and has no row for each.
#[tokio::test]
async fn a_flapping_source_is_damped() {
    for world in worlds().await {
        for sequence in 1..=40 {
            world.clock.advance_ms(5_000);
            let mut incident = world.fire("c1", 0.0);
            (incident.phase, incident.ended_at) = (Phase::Ended, Some(world.clock.now()));
            assert_eq!(world.send_incident(sequence, &incident).await.outcome, ReceiptOutcome::Stored);
        }
        let case = world.cases().await.remove(0);
        assert_eq!(case.incident_count, 40);
        let actions = world.actions(&case).await;
        assert_eq!(actions.iter().filter(|action| *action == "joined").count(), 9, "{actions:?}");
        assert_eq!(actions.iter().filter(|action| *action == "flapping").count(), 1);
        assert!(actions.len() <= 21, "{actions:?}");
        let link = world.links(&case).await;
        assert_eq!((link.damped_since_ms.is_some(), link.damped_count), (true, 30), "{}", world.name);
        world.clock.advance_ms(21 * 60_000);
        engine::pass(&world.app, world.clock.now()).await.unwrap();
        engine::pass(&world.app, world.clock.now()).await.unwrap();
        let calmed = world.actions(&case).await;
        assert_eq!(calmed.iter().filter(|action| *action == "calmed").count(), 1, "once, {}", world.name);
        assert_eq!(world.links(&case).await.damped_since_ms, None);
    }
}

/// A source that is put aside opens nothing and rings nowhere, is counted and listed, comes back after its time, and at once
/// when it tells of something worse; whoever may not lead does not put an emergency aside.
#[tokio::test]
async fn a_source_is_put_aside() {
    for world in worlds().await {
        world.send_incident(1, &world.fire("c1", 0.0)).await;
        let number = world.cases().await[0].number.clone();
        let (grants, app) = (leader(), &world.app);
        let by = By { user: "", grants: &grants };
        for (minutes, reason) in [(0, "x"), (5_000, "x"), (30, "  ")] {
            assert!(shelf::shelve(app, &number, minutes, reason, by).await.is_err());
        }
        shelf::shelve(app, &number, 30, "焊接施工", by).await.unwrap();
        let again = shelf::shelve(app, &number, 30, "焊接施工", by).await.unwrap_err();
        assert!(matches!(again, ShelfError::Already(_)), "{again}");
        world
            .take(&number, Step::Void { reason: VoidReason::FalseAlarm, note: "焊接".into() })
            .await
            .unwrap();
        for sequence in 2..=6 {
            world.clock.advance_ms(60_000);
            world.send_incident(sequence, &world.fire("c1", 0.0)).await;
        }
        let cases = world.cases().await;
        assert_eq!((cases.len(), cases[0].incident_count), (1, 6), "counted, nothing opened, {}", world.name);
        let listed = shelf::list(&app.db, "main", "").await.unwrap();
        assert_eq!((listed.len(), listed[0].counted, listed[0].reason.as_str()), (1, 5, "焊接施工"));

        let mut worse = world.fire("c1", 0.0);
        worse.severity = Severity::Emergency;
        world.send_incident(7, &worse).await;
        let cases = world.numbered().await;
        assert_eq!((cases.len(), cases[1].severity.as_str()), (2, "emergency"), "{}", world.name);
        assert_eq!(shelf::list(&app.db, "main", "").await.unwrap(), []);
        assert_eq!(world.actions(&cases[0]).await.last().map(String::as_str), Some("shelf_broken"));

        let operator = [Grant { role: Role::Operator, area: AreaPath::everything(), unit: None }];
        assert!(operator[0].role.may(Act::Shelve));
        let by_operator = By { user: "", grants: &operator };
        let refused = shelf::shelve(app, &cases[1].number, 10, "x", by_operator).await.unwrap_err();
        assert!(matches!(refused, ShelfError::Leaders), "{refused}");
        let too_long = shelf::shelve(app, &cases[1].number, 61, "x", by).await.unwrap_err();
        assert!(matches!(too_long, ShelfError::Minutes(60)), "{too_long}");
        shelf::shelve(app, &cases[1].number, 10, "x", by).await.unwrap();
        world.clock.advance_ms(11 * 60_000);
        engine::pass(app, world.clock.now()).await.unwrap();
        assert_eq!(shelf::list(&app.db, "main", "").await.unwrap(), [], "its time is over");
        assert!(world.actions(&cases[1]).await.contains(&"shelf_over".to_owned()));
    }
}

/// 误报 and what was found to be so make a rule's precision; drills count nowhere, what nobody judged is undecided, and what
/// was joined is what the other one is.
#[tokio::test]
async fn verdicts_make_precision() {
    for world in worlds().await {
        for sequence in 1..=3 {
            world.send_incident(sequence, &world.fire("c1", 0.0)).await;
            let open = world.cases().await.into_iter().find(|case| case.closed_at_ms.is_none()).unwrap();
            let step = match sequence {
                1 => Step::HandleHere { result: "x".into() },
                _ => Step::Void { reason: VoidReason::FalseAlarm, note: "x".into() },
            };
            world.clock.advance_ms(1_000);
            world.take(&open.number, step).await.unwrap();
        }
        world.send_incident(4, &Incident { drill: true, ..world.fire("c1", 0.0) }).await;
        world.send_incident(5, &world.fire("c1", 0.0)).await;
        world.send_incident(6, &world.fire("c2", 80.0)).await;
        let during = (NOW.0, world.clock.now().0 + 1);
        let rules = case::precision::of_rules(&world.app.db, "main", "", during).await.unwrap();
        let figures: Vec<_> = rules
            .iter()
            .map(|rule| {
                (rule.camera_id.as_str(), rule.cases, rule.false_alarms, rule.confirmed, rule.undecided)
            })
            .collect();
        assert_eq!(figures, [("c1", 4, 2, 1, 1), ("c2", 1, 0, 0, 1)], "{}", world.name);
        let main =
            world.cases().await.into_iter().find(|case| case.closed_at_ms.is_none() && case.drill == 0);
        world.take(&main.unwrap().number, Step::HandleHere { result: "x".into() }).await.unwrap();
        let rules = case::precision::of_rules(&world.app.db, "main", "", during).await.unwrap();
        assert_eq!((rules[0].confirmed, rules[1].confirmed), (2, 1), "also what had joined it");
        let nobody = case::precision::of_rules(&world.app.db, "main", "stranger", during).await.unwrap();
        assert_eq!(nobody, []);
    }
}

/// Fifty cameras that flap for an hour: fifty cases, and of each one notice per step of the policy. The count is larger in
/// `deploy/soak.sh flood`.
#[tokio::test]
async fn a_flood_of_flapping_cameras() {
    let count: u64 =
        std::env::var("SHAODIAN_FLOOD").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    for world in worlds().await.into_iter().filter(|world| !world.twice) {
        let (sender, mut receipts) = tokio::sync::mpsc::unbounded_channel();
        let (mut pushed, mut stored) = (0_u64, 0_u64);
        // The emergencies among them get further every minute.
        while pushed < count {
            for _ in 0..(count / 55).max(50) {
                let camera = pushed % 50;
                let mut incident = world.fire(&format!("c{camera}"), 1_000.0 * camera as f64);
                incident.severity = if camera < 10 { Severity::Emergency } else { Severity::Normal };
                (incident.phase, incident.ended_at) = (Phase::Ended, Some(world.clock.now()));
                pushed += 1;
                world.push(&world.envelope(pushed, protocol::Event::Incident(incident)), &sender).await;
                // What is answered is counted on the way: no more waits than the queue holds.
                while let Ok(receipt) = receipts.try_recv() {
                    stored += u64::from(receipt.is_some_and(|one| one.outcome == ReceiptOutcome::Stored));
                }
            }
            while stored < pushed {
                let receipt = receipts.recv().await.unwrap();
                stored += u64::from(receipt.is_some_and(|one| one.outcome == ReceiptOutcome::Stored));
            }
            world.clock.advance_ms(60_000);
            engine::pass(&world.app, world.clock.now()).await.unwrap();
        }
        let minutes = world.clock.now().since_ms(NOW) / 60_000;
        let cases = world.cases().await;
        assert_eq!(cases.len(), 50, "{}", world.name);
        assert_eq!(cases.iter().map(|case| case.incident_count).sum::<i64>(), pushed as i64);
        let rows: i64 = {
            let sql = "select count(*) from case_history";
            let (rows,): (i64,) = world.app.db.fetch_one(sql, vec![]).await.unwrap();
            rows
        };
        assert!(rows < 50 * 60, "{rows} rows of history for {pushed} incidents, {}", world.name);
        let told: Vec<(String, String, i64)> = world
            .app
            .db
            .fetch_all(
                "select case_number, kind, count(*) from notices group by case_number, kind order by 1, 2",
                vec![],
            )
            .await
            .unwrap();
        // After 60, 120 and 180 seconds, then every 300; a pass is made each minute.
        let steps = 3 + (minutes - 3) / 5;
        for (number, kind, times) in &told {
            let most = if kind == "emergency" { steps } else { 1 };
            assert!(*times <= most, "{number}: {kind} {times} times in {minutes} min, {}", world.name);
        }
        let emergencies = told.iter().filter(|row| row.1 == notice::Kind::Emergency.as_str()).count();
        assert_eq!(emergencies, 10, "each of the ten was told of");
    }
}
