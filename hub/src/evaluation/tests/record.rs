//! The history says by itself what a case is: of calls with tickets, of cases of before the ledger, on both databases.

use serde_json::json;

use super::*;
use crate::args;
use crate::case;
use crate::web::tests::site::{START, Site, sites};
use crate::workflow;
use crate::workflow::ledger::Ledger;

/// What the tables say, and what the history alone says.
async fn both(site: &Site, number: &str) -> (Ledger, CaseFile) {
    let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
    let mut tx = db.begin_read().await.unwrap();
    let dossier = workflow::store::load(&mut tx, tenant, number).await.unwrap().unwrap();
    drop(tx);
    let rows = case::store::history(db, tenant, &dossier.facts.case_id, None, 1_000).await.unwrap();
    let rows = rows.into_iter().map(|row| Row::new(UtcMs(row.at_ms), row.action, &row.detail));
    (Ledger::of(&dossier), CaseFile::fold(number, rows).unwrap())
}

/// A call that a box raises, whose ticket says what the citizen wants and that it is urgent, and that is corrected: matter
/// and severity are those of the tables.
#[tokio::test]
async fn a_call_with_its_ticket() {
    for mut site in sites().await {
        site.raise_call("03").await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let (tables, told) = both(&site, &number).await;
        assert_eq!(told.ledger, tables, "{}", site.name);
        assert_eq!((told.ledger.subject.source.as_str(), told.ledger.clocks.len()), ("call", 1));
        let app = &site.app;
        for (category, matter) in [("noise", "complaint"), ("pollution", "enquiry")] {
            let draft = crate::ticket::Draft {
                matter: text(matter),
                category: text(category),
                urgency: text("emergency"),
                place: text("东关巷"),
                summary: text("夜间施工"),
            };
            let by = Actor::user("seat03", &[crate::user::Grant::everywhere(crate::user::Role::Operator)]);
            crate::ticket::file(app, &number, &draft, None, &by).await.unwrap();
            let (tables, told) = both(&site, &number).await;
            assert_eq!(told.ledger, tables, "{}: {category}", site.name);
            assert_eq!(told.ledger.subject.matter, matter);
        }
    }
}

/// A case of before the ledger stands in no table; it is put on record once, whatever had become of it, and its history
/// says from then on what the tables say. One that this hub cannot read stays out and holds nothing up.
#[tokio::test]
async fn older_cases_are_put_on_record() {
    for mut site in sites().await {
        organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        site.raise_camera("north", "北口").await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        site.give_to(&number, "housing").await;
        site.clock.advance_ms(1_000);
        site.raise_camera("south", "南口").await;
        let odd = site.number(&seat).await;
        let (app, tenant) = (site.app.clone(), site.app.tenant().as_str().to_owned());
        for sql in [
            "update case_history set detail = '{}' where tenant = $1",
            "update cases set ledger = 0 where tenant = $1",
            "update cases set void_reason = 'odd', joined_into = null, state = 'void', closed_at_ms = 1
                 where tenant = $1 and number = $2",
        ] {
            let args = if sql.contains("$2") { args![&tenant, &odd] } else { args![&tenant] };
            app.db.execute(sql, args).await.unwrap();
        }
        let everything = || Question::new(&app, "2026".parse().unwrap(), Scope::everything(), "");
        let table = &tables(&app, &everything(), &[By::Unit]).await.unwrap()[0].table;
        assert_eq!((table.cases, table.unread), (0, 2), "{}", site.name);
        site.clock.advance_ms(1_000);
        let now = START.plus_ms(2_000);
        assert_eq!(close::record_older(&app, now).await.unwrap(), 1);
        assert_eq!(close::record_older(&app, now).await.unwrap(), 0, "once");
        let (tables_say, told) = both(&site, &number).await;
        assert_eq!(told.ledger, tables_say, "{}", site.name);
        site.clock.advance_ms(1_000);
        let accept = app.new_id();
        let hub = Actor::hub();
        workflow::store::take(&app.db, &tenant, &number, &Step::Accept {}, &hub, app.step_with(&accept))
            .await
            .unwrap();
        let (tables_say, told) = both(&site, &number).await;
        assert_eq!(told.ledger, tables_say, "what comes after is said by its own rows");
        let table = &tables(&app, &everything(), &[By::Unit]).await.unwrap()[0].table;
        assert_eq!((table.cases, table.unread), (1, 1));
        assert_eq!(table.row("housing").unwrap().figures.get(Measure::Unhandled).n, 1);
        let recorded: Vec<(String, String)> = app
            .db
            .fetch_all(
                "select number, action from case_history h join cases c on c.tenant = h.tenant and c.case_id = h.case_id
                 where action = 'recorded'",
                args![],
            )
            .await
            .unwrap();
        assert_eq!(recorded, [(number.clone(), text("recorded"))]);
    }
}

/// A row that this hub cannot read, of a newer one, leaves its case out; it does not spoil the rest.
#[test]
fn unread_histories() {
    let story = Story::new("03-18 10:00", Level::County);
    let mut rows = story.rows.clone();
    rows.push(Row { at: story.now, action: text("odd"), detail: json!({ (KEY): { "clocks": "many" } }) });
    assert_eq!(CaseFile::fold("x", rows), Err(Unread::Odd(2)));
    let told = Row { at: story.now, action: text("told"), detail: json!({ "text": "x" }) };
    assert_eq!(CaseFile::fold("x", vec![told]), Err(Unread::NoLedger));
    let words = Row::new(story.now, text("progress"), "not JSON");
    let mut rows = story.rows.clone();
    rows.push(words);
    assert_eq!(CaseFile::fold("x", rows), CaseFile::fold("x", story.rows));
}

/// A more severe incident and a corrected ticket change the case by their own rows; other rows change nothing.
#[test]
fn what_changes_without_a_step() {
    let mut story = Story::new("03-18 10:00", Level::County);
    let mut tell = |action: &str, detail| {
        story.rows.push(Row { at: story.now, action: text(action), detail });
        let subject = CaseFile::fold("x", story.rows.clone()).unwrap().ledger.subject;
        (subject.severity, subject.matter)
    };
    assert_eq!(tell("raised", json!({ "from": "normal", "to": "major" })), (Severity::Major, text("")));
    assert_eq!(tell("ticket", json!({ "matter": "complaint" })), (Severity::Major, text("complaint")));
    assert_eq!(tell("corrected", json!({ "matter": "enquiry" })), (Severity::Major, text("enquiry")));
    assert_eq!(
        tell("progress", json!({ "to": "notice", "matter": "x" })),
        (Severity::Major, text("enquiry"))
    );
}
