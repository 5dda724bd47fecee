//! Months are closed once, and made again byte by byte, whatever happened meanwhile.

use protocol::Clock as _;

use super::*;
use crate::args;
use crate::case::report::{self, Enclosed, NewReport};
use crate::evaluation::close::{Rebuilt, close_due, pass, rebuild};
use crate::organisation;
use crate::user::{Grant, Role};
use crate::web::tests::site::{Site, sites};
use crate::workflow;

/// Cases of March: on time, overdue, handled at their level, waiting; returns their numbers.
pub(super) async fn furnish(site: &Site) -> Vec<String> {
    let tenant = site.app.tenant().as_str();
    organisation::store::seed_units(&site.app.db, tenant).await.unwrap();
    let areas = "id,name,level,parent\n\
        county,县,county,\n\
        north,北镇,town,county\n\
        dongguan,东关社区,community,north\n\
        g1,东关一网格,grid,dongguan\n\
        south,南镇,town,county\n";
    assert!(
        organisation::testing::import_areas(&site.app.db, tenant, areas.as_bytes(), false)
            .await
            .unwrap()
            .done
    );
    let mut numbers = Vec::new();
    for nth in 0..8 {
        let area = if nth % 2 == 0 { "g1" } else { "south" };
        let number = opened(site, area).await;
        let unit = if nth < 5 { "housing" } else { "police" };
        if nth == 7 {
            does(site, &number, &Step::HandleHere { result: text("已劝离") }).await;
        } else if nth != 6 {
            does(site, &number, &file()).await;
            does(site, &number, &dispatch(unit, &[])).await;
            does(site, &number, &Step::Accept {}).await;
        }
        if nth < 4 {
            site.clock.advance_ms(3_600_000);
            does(site, &number, &report()).await;
            does(site, &number, &check()).await;
            does(site, &number, &close_it()).await;
        }
        numbers.push(number);
    }
    numbers
}

pub(super) async fn opened(site: &Site, area: &str) -> String {
    let new = NewReport {
        title: text("井盖破损"),
        text: text("井盖破了"),
        place: text("巷口"),
        area: Some(text(area)),
        at: None,
        severity: Severity::Normal,
        confidential: false,
    };
    let grants = [Grant::everywhere(Role::Operator)];
    report::report(&site.app, &new, &Enclosed::default(), "seat03", &grants).await.unwrap().number
}

pub(super) async fn does(site: &Site, number: &str, step: &Step) {
    let (app, id) = (&site.app, site.app.new_id());
    let tenant = app.tenant().as_str();
    workflow::store::take(&app.db, tenant, number, step, &Actor::hub(), app.step_with(&id))
        .await
        .unwrap_or_else(|error| panic!("{number}: {step:?}: {error}"));
}

async fn periods(site: &Site) -> Vec<String> {
    let rows: Vec<(String, i64)> = site
        .app
        .db
        .fetch_all("select period, count(*) from evaluation_tables group by period order by period", args![])
        .await
        .unwrap();
    assert!(rows.iter().all(|(_, count)| *count == By::ALL.len() as i64), "{rows:?}");
    rows.into_iter().map(|(period, _)| period).collect()
}

fn march(site: &Site) -> Question {
    Question::new(&site.app, "2026-03".parse().unwrap(), Scope::everything(), "")
}

async fn rebuilt(site: &Site) -> Vec<Rebuilt> {
    rebuild(&site.app, &"2026-03".parse().unwrap()).await.unwrap()
}

/// Nothing is closed before half past midnight of the first; then all tables of the month, once; a hub that was away closes
/// every month that it missed.
#[tokio::test]
async fn months_are_closed_once() {
    for site in sites().await {
        furnish(&site).await;
        site.clock.set(at("04-01 00:29"));
        pass(&site.app).await;
        assert_eq!(periods(&site).await, Vec::<String>::new(), "{}", site.name);
        site.clock.set(at("04-01 00:30"));
        pass(&site.app).await;
        pass(&site.app).await;
        assert_eq!(periods(&site).await, ["2026-03"]);
        let shown = tables(&site.app, &march(&site), &By::ALL).await.unwrap();
        assert!(
            shown.iter().all(|one| one.kept.as_ref().is_some_and(|k| k.made_at_ms == at("04-01 00:30").0))
        );
        let units = &shown[0].table;
        assert_eq!((units.by, units.cases, units.seen), (By::Unit, 8, at("04-01 00:00")));
        let housing = units.row("housing").unwrap();
        let pair = |measure: Measure| (housing.figures.get(measure).n, housing.figures.get(measure).d);
        assert_eq!(
            (housing.rank, pair(Measure::HandlingOnTime), pair(Measure::UnhandledLate)),
            (Some(1), (4, 5), (1, 0))
        );
        assert_eq!(units.row("police").unwrap().rank, None, "one case is too few");
        // Away until July.
        site.clock.set(at("07-02 09:00"));
        assert_eq!(close_due(&site.app, site.clock.now()).await.unwrap(), 3);
        assert_eq!(periods(&site).await, ["2026-03", "2026-04", "2026-05", "2026-06"]);
        assert_eq!(close_due(&site.app, site.clock.now()).await.unwrap(), 0);
    }
}

/// A hub without a case has nothing to close, and asks for nothing.
#[tokio::test]
async fn an_empty_hub_closes_nothing() {
    for site in sites().await {
        site.clock.set(at("07-02 09:00"));
        pass(&site.app).await;
        assert_eq!(periods(&site).await, Vec::<String>::new(), "{}", site.name);
        assert_eq!(rebuilt(&site).await, []);
    }
}

/// Whatever becomes of the cases later (done, reopened, void, extended, another policy, a clock that was set back), March stays
/// as it was published, is made again byte by byte, and is still what pages show; the same stretch of history is what lies
/// behind its figures.
#[tokio::test]
async fn the_past_is_made_again() {
    for site in sites().await {
        let numbers = furnish(&site).await;
        site.clock.set(at("04-01 01:00"));
        pass(&site.app).await;
        let before = tables(&site.app, &march(&site), &By::ALL).await.unwrap();
        assert!(rebuilt(&site).await.iter().all(Rebuilt::is_good), "{}", site.name);
        site.clock.set(at("04-02 10:00"));
        does(&site, &numbers[0], &Step::Reopen { reason: text("又坏了") }).await;
        does(&site, &numbers[6], &Step::Void { reason: VoidReason::FalseAlarm, note: text("x") }).await;
        let more = Step::AskExtension { by: "5 working days".parse().unwrap(), reason: text("x") };
        does(&site, &numbers[5], &more).await;
        does(&site, &numbers[4], &report()).await;
        opened(&site, "g1").await;
        let policy = policy::DEFAULT.replace("least = 5", "least = 1").replace("penalty = 4", "penalty = 9");
        let by = ("user:admin", "x", site.clock.now());
        let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
        assert_eq!(site.app.policies.import(db, tenant, &policy, by, false).await.unwrap(), Some(2));
        // A machine whose clock was set back writes rows of March after March was closed.
        site.clock.set(at("03-31 23:00"));
        does(&site, &numbers[4], &check()).await;
        let late = opened(&site, "south").await;
        site.clock.set(at("04-03 10:00"));
        let again = rebuilt(&site).await;
        assert_eq!(again.len(), By::ALL.len());
        assert!(again.iter().all(Rebuilt::is_good), "{}: {again:?}", site.name);
        assert_eq!(tables(&site.app, &march(&site), &By::ALL).await.unwrap(), before);
        // A part of it, which nobody published, is of the same stretch of history.
        let part = Question { area: text("/county/"), ..march(&site) };
        let part = tables(&site.app, &part, &[By::Unit]).await.unwrap();
        assert_eq!((&part[0].table.rows, &part[0].kept), (&before[0].table.rows, &None));
        let place = |measure| Place { by: By::Unit, key: None, measure, part: Part::Numerator };
        let reported = items(&site.app, &march(&site), &place(Measure::Reported)).await.unwrap();
        assert_eq!(reported.len(), 8);
        assert!(
            reported.iter().all(|item| item.number != late),
            "what was written later does not come into it"
        );
        let alarms = items(&site.app, &march(&site), &place(Measure::FalseAlarm)).await.unwrap();
        assert_eq!(alarms, []);
        // April, which is not closed, knows all of it.
        let april = Question::new(&site.app, "2026-04".parse().unwrap(), Scope::everything(), "");
        let april = &tables(&site.app, &april, &[By::Source]).await.unwrap()[0];
        assert_eq!((april.kept.clone(), april.table.total.get(Measure::FalseAlarm).n), (None, 1));
    }
}

/// What is kept and was changed is not shown, and named with its first row; a history that was changed makes other tables, and
/// that is named too.
#[tokio::test]
async fn tampering_shows() {
    for site in sites().await {
        furnish(&site).await;
        site.clock.set(at("04-01 01:00"));
        pass(&site.app).await;
        let db = &site.app.db;
        let change = |from: &'static str, to: &'static str| args![from, to];
        let sql =
            "update evaluation_tables set content = replace(content, cast($1 as text), cast($2 as text))
                   where kind = 'unit'";
        db.execute(sql, change("\"handled\":{\"n\":4}", "\"handled\":{\"n\":9}")).await.unwrap();
        let error = tables(&site.app, &march(&site), &[By::Unit]).await.unwrap_err();
        assert!(matches!(&error, EvaluationError::Tampered { kind, .. } if kind == "unit"), "{error}");
        assert!(error.to_string().contains("hub evaluate rebuild 2026-03"));
        let found = rebuilt(&site).await;
        let bad: Vec<&Rebuilt> = found.iter().filter(|one| !one.is_good()).collect();
        assert_eq!(bad.len(), 1, "{}: {found:?}", site.name);
        assert_eq!((bad[0].kind.as_str(), bad[0].whole), ("unit", false));
        assert_eq!(bad[0].differs.as_deref(), Some("row 1 (\"housing\"): handled"));
        db.execute(sql, change("\"handled\":{\"n\":9}", "\"handled\":{\"n\":4}")).await.unwrap();
        assert!(rebuilt(&site).await.iter().all(Rebuilt::is_good));
        // Somebody makes a case closed at once.
        db.execute(
            "update case_history set at_ms = at_ms - 3000000 where action = 'closed' and case_id in (
                 select min(case_id) from cases where state = 'closed' and lead_unit is not null)",
            args![],
        )
        .await
        .unwrap();
        let found = rebuilt(&site).await;
        assert!(found.iter().all(|one| one.whole && one.differs.is_some()), "{}: {found:?}", site.name);
    }
}

/// Two hubs that close at the same time make one set of tables.
#[tokio::test]
async fn two_hubs_close_once() {
    for site in sites().await {
        furnish(&site).await;
        site.clock.set(at("04-01 01:00"));
        let (one, two) = (site.app.clone(), site.app.clone());
        tokio::join!(pass(&one), pass(&two));
        assert_eq!(periods(&site).await, ["2026-03"], "{}", site.name);
        assert!(rebuilt(&site).await.iter().all(Rebuilt::is_good));
    }
}

/// Drills go the whole way and count nowhere.
#[tokio::test]
async fn drills_count_nowhere() {
    for mut site in sites().await {
        organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        let mut drill = site.camera_incident("north", "演练");
        drill.drill = true;
        site.hand_in(protocol::Event::Incident(drill)).await;
        let (chief, everything) = (site.log_in("chief").await, march(&site));
        let number = site.number(&chief).await;
        site.give_to(&number, "housing").await;
        site.clock.advance_ms(1_000);
        let everything = Question::new(&site.app, everything.period, Scope::everything(), "");
        let table = &tables(&site.app, &everything, &[By::Unit]).await.unwrap()[0].table;
        assert_eq!((table.cases, table.unread), (0, 0), "{}", site.name);
        assert!(table.total.is_empty() && table.rows.iter().all(|row| row.figures.is_empty()));
    }
}
