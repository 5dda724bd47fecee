//! What is kept is what the law says: random ways of random people, on both databases, read back after each step.

use protocol::{Chance, ManualClock};

use super::table::in_each_state;
use super::*;
use crate::args;
use crate::case;
use crate::case::store::{NewByHand, insert_by_hand};
use crate::db::Db;
use crate::db::testing::databases;
use crate::evaluation::fold::{CaseFile, Row};
use crate::organisation;
use crate::policy::Policies;
use crate::workflow::law::law;
use crate::workflow::ledger::{Entry, KEY, Ledger};
use crate::workflow::store::{StepError, With};

struct Office {
    db: Db,
    policies: Policies,
    chance: Chance,
    clock: ManualClock,
    name: &'static str,
    _test: crate::db::testing::TestDb,
}

async fn offices() -> Vec<Office> {
    let mut all = Vec::new();
    for test in databases().await {
        organisation::store::seed_units(&test.db, "t").await.unwrap();
        all.push(Office {
            db: test.db.clone(),
            policies: Policies::new(TimeZone::fixed(Offset::constant(8))),
            chance: Chance::seeded(3),
            clock: ManualClock::at(START),
            name: test.name,
            _test: test,
        });
    }
    all
}

impl Office {
    /// A case that is received at a level; returns its number.
    async fn case(&self, count: u32, level: Level) -> String {
        let number = format!("20260318-{count:03}");
        let facts = Facts { case_id: format!("c{count}"), number: number.clone(), ..facts() };
        let mut tx = self.db.begin().await.unwrap();
        tx.lock_tenant("t").await.unwrap();
        let policy = self.policies.newest_in(&mut tx, "t", START).await.unwrap();
        let dossier = Dossier::received(facts, level, &policy);
        let by_hand = NewByHand {
            title: "占道",
            place: "东关",
            location: None,
            grid_version: None,
            level,
            confidential: false,
        };
        insert_by_hand(&mut tx, "t", &dossier, &by_hand, START).await.unwrap();
        let told = json!({ (KEY): Entry::whole(&dossier) });
        let case_id = &dossier.facts.case_id;
        case::store::append(&mut tx, "t", case_id, START, "hub", "told", &told).await.unwrap();
        tx.commit().await.unwrap();
        number
    }

    async fn take(&self, number: &str, step: &Step, by: &Actor) -> Result<(), StepError> {
        use protocol::Clock as _;
        let id = self.chance.uuid_v7(self.clock.now()).to_string();
        let with = With { policies: &self.policies, now: self.clock.now(), id: &id };
        store::take(&self.db, "t", number, step, by, with).await.map(drop)
    }

    async fn load(&self, number: &str) -> Dossier {
        let mut tx = self.db.begin_read().await.unwrap();
        store::load(&mut tx, "t", number).await.unwrap().unwrap()
    }

    /// What the rows of its history say of a case, read in their order, and nothing else.
    async fn told(&self, case_id: &str) -> CaseFile {
        let rows = case::store::history(&self.db, "t", case_id, None, 1_000).await.unwrap();
        let rows = rows.into_iter().map(|row| Row::new(UtcMs(row.at_ms), row.action, &row.detail));
        CaseFile::fold("", rows).unwrap_or_else(|why| panic!("{case_id}: {why:?}"))
    }
}

/// A whole way is read back as it was taken: state, tasks, requests, clocks, pauses.
#[tokio::test]
async fn steps_are_read_back() {
    for office in offices().await {
        let number = office.case(1, Level::County).await;
        let hub = Actor::hub();
        let mut desk = Desk::at(Level::County);
        desk.dossier.facts = Facts { case_id: "c1".into(), number: number.clone(), ..facts() };
        let steps = [
            file(),
            dispatch("city_management", &["police"]),
            Step::Accept {},
            Step::Accept {},
            Step::AskExtension { by: "2 working days".parse().unwrap(), reason: text("x") },
            Step::Progress { text: text("x") },
            Step::Supervise { card: Card::Yellow, reason: text("x") },
            Step::FinishPart { result: text("x") },
            Step::Report { result: text("x") },
            Step::Check { agrees: false, note: text("x") },
            Step::Rework { reason: text("x") },
            Step::Report { result: text("y") },
            Step::Check { agrees: true, note: text("x") },
            Step::CallBack { reached: true, satisfaction: Some(Satisfaction::Mostly), note: text("x") },
            Step::Close { note: text("x") },
            Step::Reopen { reason: text("x") },
            Step::Void { reason: VoidReason::TakenBack, note: text("x") },
        ];
        for step in steps {
            office.take(&number, &step, &hub).await.unwrap_or_else(|error| panic!("{step:?}: {error}"));
            desk.does(&step, &hub);
            let kept = office.load(&number).await;
            // Ids are the office's own; what is decided is not read back.
            let same = |dossier: &Dossier| {
                let mut plain = dossier.clone();
                plain.requests.retain(|request| request.decision.is_none());
                plain.requests.iter_mut().for_each(|request| request.id = String::new());
                plain.clocks.sort_by_key(|clock| (clock.kind, clock.task, clock.nth));
                plain.past.sort_by_key(|task| task.task);
                plain
            };
            assert_eq!(same(&kept), same(&desk.dossier), "{step:?}, {}", office.name);
            assert_eq!(kept.answers(), desk.dossier.answers());
            let told = office.told("c1").await;
            assert_eq!(
                told.ledger,
                Ledger::of(&kept),
                "{step:?}, {}: the history alone says it",
                office.name
            );
        }
        let (rows, positions): (i64, i64) = office
            .db
            .fetch_one("select count(*), max(position) from case_history where case_id = 'c1'", args![])
            .await
            .unwrap();
        assert_eq!((rows, positions), (18, 18), "one row for the report, and one for each step");
    }
}

/// Thousands of steps of random people at random times: each is taken or refused, never a fault of the database; what is
/// kept can always be read; no clock runs in a case that has ended.
#[tokio::test]
async fn random_ways_never_break_the_law() {
    let seed = std::env::var("SHAODIAN_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(11);
    let rounds = std::env::var("SHAODIAN_WAYS").ok().and_then(|text| text.parse().ok()).unwrap_or(80);
    println!("seed {seed}");
    for office in offices().await {
        let chance = Chance::seeded(seed);
        let pick = |most: usize| usize::from(u16::from_le_bytes(chance.bytes::<2>())) % most;
        let people = [
            Actor::hub(),
            Actor::hub(),
            Actor::hub(),
            Actor::hub(),
            actor(Role::Operator, "/"),
            dispatcher(),
            actor(Role::ShiftLeader, "/"),
            actor(Role::GridManager, GRID),
            actor(Role::CommunityOfficer, COMMUNITY),
            of_unit(Role::Handler, "city_management"),
            of_unit(Role::DepartmentHead, "police"),
        ];
        for name in ["operator", "dispatcher", "shift_leader", "grid_manager", "community_officer"] {
            office.grant(name, "/", "").await;
        }
        office.grant("handler-city_management", "/", "city_management").await;
        office.grant("department_head-police", "/", "police").await;
        let (mut taken, mut refused, mut reached) = (0, 0, std::collections::HashSet::new());
        for round in 0..rounds {
            let number = office.case(round, Level::ALL[pick(4)]).await;
            for _ in 0..40 {
                office.clock.advance_ms(i64::try_from(pick(40_000)).unwrap() * 1_000);
                let before = office.load(&number).await;
                // Mostly what could come now; now and then what must not.
                let here = before.state.word();
                let any = pick(5) == 0;
                let mut steps = any_step(&before, &pick);
                // Few end at once.
                let ends = pick(4) == 0;
                steps.retain(|step| ends || !matches!(step, Step::HandleHere { .. } | Step::Void { .. }));
                let other = format!("20260318-{:03}", pick(1 + round as usize));
                steps.extend(ends.then(|| Step::Join { into: other, note: text("x") }));
                steps.push(Step::Split { reason: text("x") });
                steps.retain(|step| any || law(step.kind()).from.contains(&here));
                if steps.is_empty() {
                    break;
                }
                let step = &steps[pick(steps.len())];
                match office.take(&number, step, &people[pick(people.len())]).await {
                    Ok(()) => taken += 1,
                    Err(StepError::Refused(_) | StepError::Unknown(_)) => {
                        refused += 1;
                        assert_eq!(office.load(&number).await, before, "a refusal changes nothing");
                    }
                    Err(StepError::Db(error)) => panic!("{step:?} from {before:?}: {error}"),
                }
                let after = office.load(&number).await;
                let running = after.clocks.iter().filter(|clock| clock.stopped_at.is_none()).count();
                assert_eq!(running == 0, !after.state.word().is_open(), "{after:#?}");
                reached.insert(after.state.word());
                let suspended = after.pauses.iter().filter(|pause| pause.to.is_none()).count();
                assert_eq!(suspended == 1, after.state.word() == case::CaseState::Suspended);
                // Taken or refused, the history alone says what the tables say.
                let told = office.told(&after.facts.case_id).await;
                assert_eq!(told.ledger, Ledger::of(&after), "{}", office.name);
            }
        }
        assert_eq!(reached.len(), 8, "{reached:?}");
        assert!(taken > 300 && refused > 300, "{taken} taken, {refused} refused, {}", office.name);
    }
}

impl Office {
    async fn grant(&self, name: &str, area: &str, unit: &str) {
        self.db
            .execute(
                "insert into grants (tenant, user_name, role, area, unit) values ('t', $1, 'handler', $2, $3)",
                args![name, area, unit],
            )
            .await
            .unwrap();
    }
}

/// Steps that could come now, among them ones that must not.
fn any_step(dossier: &Dossier, pick: &impl Fn(usize) -> usize) -> Vec<Step> {
    let x = || text("x");
    let units = ["city_management", "police", "housing", "science"];
    let request = dossier.requests.first().map_or_else(x, |request| request.id.clone());
    let now = dossier.facts.opened_at;
    vec![
        Step::HandleHere { result: x() },
        Step::PassUp { to: None, reason: x() },
        Step::Void { reason: VoidReason::Unclear, note: x() },
        file(),
        file(),
        file(),
        dispatch(units[pick(2)], &[]),
        dispatch(units[0], &[units[1 + pick(3)]]),
        Step::Accept {},
        Step::Accept {},
        Step::Withdraw { reason: x() },
        Step::AskReturn { reason: x() },
        Step::AskExtension { by: "1 working day".parse().unwrap(), reason: x() },
        Step::AskSuspension { until: now.plus_ms(HOUR * 24 * 90), reason: x() },
        Step::AskSuspension { until: now.plus_ms(HOUR * 24 * 90), reason: x() },
        Step::AskResumption { reason: x() },
        Step::AskCategory { category: text("noise"), reason: x() },
        Step::Endorse { request: request.clone(), note: x() },
        Step::Decide { request: request.clone(), grant: true, reason: x() },
        Step::Decide { request: request.clone(), grant: true, reason: x() },
        Step::Decide { request, grant: pick(2) == 0, reason: x() },
        Step::Progress { text: x() },
        Step::FinishPart { result: x() },
        Step::Waive { unit: text(units[1 + pick(2)]), reason: x() },
        Step::Resume { reason: x() },
        Step::Report { result: x() },
        Step::Check { agrees: pick(3) > 0, note: x() },
        Step::Rework { reason: x() },
        Step::Close { note: x() },
        Step::Reopen { reason: x() },
        Step::Supervise { card: Card::Red, reason: x() },
        Step::LiftCard { card: Card::Red, reason: x() },
    ]
}

/// The tables hold the law by themselves: what no step would write, they refuse.
#[tokio::test]
async fn tables_hold_the_law() {
    for office in offices().await {
        let number = office.case(1, Level::County).await;
        for (column, value) in [
            ("state", "'closed'"),
            ("state", "'filed'"),
            ("state", "'void'"),
            ("state", "'suspended'"),
            ("level", "'province'"),
            ("closed_at_ms", "5"),
            ("ending", "'verified'"),
            ("joined_into", "'20260318-002'"),
            ("check_agrees", "1"),
        ] {
            let sql = format!("update cases set {column} = {value} where number = '{number}'");
            let mut tx = office.db.begin().await.unwrap();
            let error = tx.execute(sqlx::AssertSqlSafe(sql), args![]).await.unwrap_err().to_string();
            assert!(error.contains("cases_"), "{column} = {value}: {error}");
        }
        office.take(&number, &file(), &Actor::hub()).await.unwrap();
        office.take(&number, &dispatch("housing", &[]), &Actor::hub()).await.unwrap();
        let second = "insert into case_tasks (tenant, case_id, task, unit, part, state, dispatched_at_ms)
                      values ('t', 'c1', 9, 'police', 'lead', 'dispatched', 1)";
        assert!(office.db.execute(second, args![]).await.is_err(), "two leads, {}", office.name);
    }
    assert_eq!(in_each_state().len(), 8);
}

/// Of two who act at once one meets the case as the other left it.
#[tokio::test]
async fn of_two_at_once_one_is_late() {
    for office in offices().await {
        let number = office.case(1, Level::County).await;
        office.take(&number, &file(), &Actor::hub()).await.unwrap();
        let (hub, one, two) = (Actor::hub(), dispatch("housing", &[]), dispatch("police", &[]));
        let (a, b) = tokio::join!(office.take(&number, &one, &hub), office.take(&number, &two, &hub));
        let late = [a, b].into_iter().filter_map(Result::err).collect::<Vec<_>>();
        assert!(matches!(late.as_slice(), [StepError::Refused(Refused::State { .. })]), "{late:?}");
    }
}
