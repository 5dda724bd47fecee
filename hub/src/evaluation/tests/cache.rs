//! What is kept of histories changes no figure: however histories go on, whatever of it is behind, missing, spoilt or of
//! another form, tables and lists are those that the histories make.

use std::collections::HashMap;

use protocol::{Chance, Clock as _};

use super::closing::{does, furnish};
use super::random::stories;
use super::*;
use crate::case::{CaseState, seal};
use crate::change::{self, ChangeTopic};
use crate::db::Insert;
use crate::evaluation::gist::{FORM, Gists};
use crate::evaluation::keep::{self, Progress};
use crate::user::{Grant, Role};
use crate::web::tests::site::{Site, sites};
use crate::{args, case};

/// A case whose history is written bit by bit.
pub(super) struct Tale {
    id: String,
    number: String,
    opened_at: UtcMs,
    rows: Vec<Row>,
    written: usize,
}

fn picker(seed: u64) -> impl Fn(usize) -> usize {
    let chance = Chance::seeded(seed);
    move |most| usize::from(u16::from_le_bytes(chance.bytes::<2>())) % most
}

/// Random ways, with all that a history may have besides: rows that say nothing, rows that are not read, clocks that go
/// wrong (with `back` in both directions), rows of newer hubs, no ledger, a second one, drills.
pub(super) fn tales(seed: u64, count: u32, back: bool) -> Vec<Tale> {
    let pick = picker(seed);
    let days = |most: usize| {
        let days = pick(2 * most + 1) as i64 - most as i64;
        if back { days * 86_400_000 } else { days.abs() * 86_400_000 }
    };
    let one = |story: Story| {
        let facts = &story.dossier.facts;
        let mut rows = Vec::new();
        for mut row in story.rows {
            if pick(10) == 0 {
                row.at = row.at.plus_ms(days(20));
            }
            let at = row.at;
            rows.push(row);
            for action in ["remarked", "remarked", "joined"] {
                if pick(6) == 0 {
                    rows.push(Row { at: at.plus_ms(days(15)), action: text(action), detail: json!({}) });
                }
            }
        }
        match pick(12) {
            0 => {
                let odd = json!({ (KEY): { "stand": { "state": "dreaming" } } });
                rows.insert(1 + pick(rows.len()), Row { at: story.now, action: text("dreamt"), detail: odd });
            }
            1 => rows[0].detail = json!({}),
            2 => rows[0].detail[KEY]["subject"]["drill"] = json!(true),
            3 => {
                let whole = json!({ (KEY): Entry::whole(&story.dossier) });
                rows.push(Row { at: story.now, action: text("recorded"), detail: whole });
            }
            4 => {
                // A beginning that does not say of what is none.
                let half = json!({ (KEY): { "whole": true, "tasks": [] } });
                rows.push(Row { at: story.now, action: text("recorded"), detail: half });
            }
            _ => {}
        }
        Tale {
            id: facts.case_id.clone(),
            number: facts.number.clone(),
            opened_at: facts.opened_at,
            rows,
            written: 0,
        }
    };
    stories(seed, count).into_iter().map(one).collect()
}

/// Of every history and every cut, gists and the history itself come to the same, refusals included; what is kept is read
/// back as it was.
#[test]
fn gists_say_what_histories_say() {
    let (mut read, mut refused) = (0, 0);
    for tale in tales(21, 150, true) {
        let gists = Gists::of((1..).zip(tale.rows.iter().cloned()));
        let kept = Gists::read(&gists.text().unwrap()).unwrap();
        assert_eq!(kept, gists, "{}", tale.id);
        let moments = tale.rows.iter().flat_map(|row| [row.at, row.at.plus_ms(1)]).step_by(3);
        for seen in moments.chain([UtcMs(0), UtcMs(i64::MAX)]) {
            for last in [0, 1, tale.rows.len() as i64 / 2, i64::MAX] {
                let rows = tale.rows.iter().zip(1..).take_while(|(row, nth)| row.at < seen && *nth <= last);
                let rows: Vec<Row> = rows.map(|(row, _)| row.clone()).collect();
                let wanted = (!rows.is_empty()).then(|| CaseFile::fold("n", rows).map(Facts::from));
                let found = kept.clone().facts("n", seen, last);
                assert_eq!(found, wanted, "{}: before {seen}, up to {last}", tale.id);
                read += usize::from(matches!(found, Some(Ok(_))));
                refused += usize::from(matches!(found, Some(Err(_))));
            }
        }
    }
    assert!(read > 2_000 && refused > 100, "{read} read, {refused} refused: the tales are too tame");
}

/// What would be too long is not kept; a text that nobody wrote is as good as none.
#[test]
fn what_is_not_kept() {
    let row = |nth: i64| Row { at: UtcMs(nth), action: text("passed_up"), detail: json!({}) };
    let of = |count: i64| Gists::of((1..=count).map(|nth| (nth, row(nth)))).text();
    assert!(of(100).is_some_and(|text| text.len() < 10_000));
    assert_eq!(of(5_000), None);
    for odd in ["", "[{", "{}", "[{\"i\":1}]", "[{\"i\":1,\"t\":2,\"d\":\"dreamt\"}]"] {
        assert_eq!(Gists::read(odd), None, "{odd}");
    }
    let silent = Row { at: UtcMs(5), action: text("remarked"), detail: json!({}) };
    let only = Gists::of((1..=3).map(|nth| (nth, silent.clone())));
    assert_eq!(only.clone().facts("n", UtcMs(5), 9), None, "nothing was there yet");
    assert_eq!(only.facts("n", UtcMs(6), 9), Some(Err(Unread::NoLedger)));
}

const HISTORY: Insert = Insert {
    into: "insert into case_history (tenant, case_id, position, at_ms, actor, action, detail, prev_hash, hash)",
    tail: "",
};

/// The next rows of a history, and the case as they leave it.
pub(super) async fn write(site: &Site, tale: &mut Tale, count: usize, updated_at: UtcMs) {
    let tenant = site.app.tenant().as_str();
    let mut tx = site.app.db.begin().await.unwrap();
    tx.lock_tenant(tenant).await.unwrap();
    let hash = |position: usize| format!("{}-{position}", tale.id);
    let upto = (tale.written + count).min(tale.rows.len());
    for (at, row) in tale.rows.iter().enumerate().take(upto).skip(tale.written) {
        let args = args![
            tenant,
            &tale.id,
            at as i64 + 1,
            row.at,
            "hub",
            &row.action,
            row.detail.to_string(),
            hash(at),
            hash(at + 1)
        ];
        tx.later(HISTORY, args);
    }
    let known = tale.rows.iter().take(upto).filter(|row| row.action != "joined").cloned();
    let state = CaseFile::fold("", known).map(|file| file.ledger.stand.state);
    let is_over = matches!(state, Ok(CaseState::Closed | CaseState::Void));
    let (state, ending) = if is_over { ("closed", Some("handled_here")) } else { ("received", None) };
    tx.execute(
        "insert into cases (tenant, case_id, number, kind, severity, state, correlation_key, device_id, title_zh, title_en,
             incident_count, drill, started_at_ms, opened_at_ms, updated_at_ms, closed_at_ms, ending, history_count,
             history_hash, ledger)
         values ($1, $2, $3, 'report', 'normal', $4, $2, '', '', '', 0, 0, $5, $5, $6, $7, $8, $9, $10, 1)
         on conflict (tenant, case_id) do update set state = excluded.state, updated_at_ms = excluded.updated_at_ms,
             closed_at_ms = excluded.closed_at_ms, ending = excluded.ending, history_count = excluded.history_count,
             history_hash = excluded.history_hash",
        args![
            tenant,
            &tale.id,
            &tale.number,
            state,
            tale.opened_at,
            updated_at,
            is_over.then_some(updated_at),
            ending,
            upto as i64,
            hash(upto)
        ],
    )
    .await
    .unwrap();
    change::record(&mut tx, tenant, updated_at, ChangeTopic::Case, &tale.number);
    tx.commit().await.unwrap();
    tale.written = upto;
}

pub(super) async fn keep_all(site: &Site, progress: &mut Progress) {
    for _ in 0..1_000 {
        if !keep::pass(&site.app, progress).await.unwrap() {
            return;
        }
    }
    panic!("it never has everything");
}

/// Something happens to what is kept.
pub(super) async fn mishap(site: &Site, nth: usize) {
    let all = [
        "delete from evaluation_facts",
        "delete from evaluation_facts where case_id like '%3'",
        "update evaluation_facts set gists = '[{' where case_id like '%5'",
        "update evaluation_facts set form = 0, gists = '[]' where case_id like '%7'",
        "update evaluation_facts set gists = '' where case_id like '%9'",
        "update evaluation_facts set history_hash = 'x', gists = '[]' where case_id like '%1'",
    ];
    site.app.db.execute(all[nth % all.len()], args![]).await.unwrap();
}

fn questions(site: &Site) -> Vec<Question> {
    let ask = |period: &str, scope: Scope, area: &str| {
        Question::new(&site.app, period.parse().unwrap(), scope, area)
    };
    let all = Scope::everything;
    let head = Scope::of(&[Grant {
        role: Role::DepartmentHead,
        area: AreaPath::everything(),
        unit: Some(text("housing")),
    }]);
    vec![
        ask("2026-03", all(), ""),
        ask("2026-04", all(), ""),
        ask("2026-Q2", all(), "/county/north/"),
        ask("2026-W13", all(), ""),
        ask("2026-03-25", head, ""),
    ]
}

async fn made(site: &Site, question: &Question, by: (Cut, Way)) -> (Vec<String>, Vec<Item>) {
    let made = count(&site.app, question, &By::ALL, by, (&policy(), None)).await.unwrap();
    let place = |measure, part| Place { by: By::Unit, key: None, measure, part };
    let mut items = Vec::new();
    for place in
        [place(Measure::Reported, Part::Numerator), place(Measure::HandlingOnTime, Part::Denominator)]
    {
        items.extend(items_by(&site.app, question, (&place, &Narrow::default()), by).await.unwrap());
    }
    (made.iter().map(Table::text).collect(), items)
}

/// On both databases: histories go on, months are looked at as of now and as of every root, and something always happens to
/// what is kept. With it, without it, and with half of it the tables and the cases behind them are the same, byte by byte; and
/// what a root covers of a month that is over is the same for ever.
#[tokio::test]
async fn kept_or_not_is_the_same() {
    for site in sites().await {
        let pick = picker(77);
        // What a root covers is the same for ever only where rows are not older than what they say.
        let mut tales = tales(22, 60, false);
        let (mut progress, mut roots) = (Progress::default(), Vec::new());
        let mut published: HashMap<(i64, String), Vec<String>> = HashMap::new();
        for (round, now) in ["03-20 12:00", "04-01 00:30", "04-20 12:00", "06-01 12:00"].iter().enumerate() {
            site.clock.set(at(now));
            for (nth, tale) in tales.iter_mut().enumerate() {
                let left = tale.rows.len() - tale.written;
                let count = if round == 3 { left } else { pick(left + 1) };
                // What a case says of itself may be older than its last row: a clock went back.
                let updated_at = if nth % 4 == 0 { tale.opened_at } else { site.clock.now() };
                if count > 0 {
                    write(&site, tale, count, updated_at).await;
                }
                if nth == 30 {
                    // In the middle of it.
                    keep::pass(&site.app, &mut progress).await.unwrap();
                    mishap(&site, pick(6)).await;
                }
            }
            let (app, tenant) = (&site.app, site.app.tenant().as_str());
            seal::make(&app.db, tenant, &app.sealer, site.clock.now()).await.unwrap();
            roots.push(case::store::seal::last(&app.db, tenant).await.unwrap().unwrap().root);
            for again in 0..3 {
                match again {
                    0 => {}
                    1 => keep_all(&site, &mut progress).await,
                    _ => mishap(&site, 1 + pick(5)).await,
                }
                let first = Cut::Root(roots[0]);
                for (question, cut) in questions(&site).iter().flat_map(|question| {
                    [Cut::Now, first, Cut::Root(roots[round])].map(|cut| (question, cut))
                }) {
                    let wanted = made(&site, question, (cut, Way::Histories)).await;
                    let found = made(&site, question, (cut, Way::Kept)).await;
                    let place = (site.name, round, again, &question.period, cut);
                    assert_eq!(found, wanted, "{place:?}");
                    if let (Cut::Root(root), true) = (cut, question.span.seen == question.span.to) {
                        let key = (root, format!("{} {:?}", question.period, question.scope));
                        let before = published.entry(key).or_insert_with(|| wanted.0.clone());
                        assert_eq!(*before, wanted.0, "{place:?}: what was published changed");
                    }
                }
            }
        }
        assert!(published.len() > 5, "{}", published.len());
        let table =
            &count(&site.app, &questions(&site)[0], &[By::Unit], (Cut::Now, Way::Kept), (&policy(), None))
                .await
                .unwrap()[0];
        assert!(table.cases > 10 && table.unread > 0 && table.total.get(Measure::Filed).n > 10, "{table:?}");
    }
}

/// Everything is kept after a while, each case as it is now; what goes on is followed, what was thrown away comes back, and
/// what is there already is not written again.
#[tokio::test]
async fn all_cases_are_kept() {
    for site in sites().await {
        let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
        let mut tales = tales(23, 250, true);
        site.clock.set(at("06-01 12:00"));
        let now = site.clock.now();
        for tale in &mut tales {
            write(&site, tale, 2, now).await;
        }
        let stale = async || store::stale(db, tenant, FORM, "").await.unwrap().len();
        assert!(stale().await > 100, "{}", site.name);
        let mut progress = Progress::default();
        keep_all(&site, &mut progress).await;
        assert_eq!(stale().await, 0, "{}", site.name);
        for tale in tales.iter_mut().take(7) {
            write(&site, tale, 9, now).await;
        }
        let behind = tales.iter().take(7).filter(|tale| tale.written > 2).count();
        assert_eq!(stale().await, behind);
        keep_all(&site, &mut progress).await;
        assert_eq!(stale().await, 0, "{}: it follows what goes on", site.name);
        mishap(&site, 0).await;
        keep_all(&site, &mut progress).await;
        assert!(stale().await > 0, "nothing told it");
        keep_all(&site, &mut Progress::default()).await;
        assert_eq!(stale().await, 0, "{}: the next hub that starts makes it again", site.name);
        let rows = async || -> Vec<(String, String, i64)> {
            let sql = "select case_id, gists, last_at_ms from evaluation_facts order by case_id";
            db.fetch_all(sql, args![]).await.unwrap()
        };
        let before = rows().await;
        assert_eq!(before.len(), tales.len());
        db.execute("update evaluation_facts set gists = 'mine' where case_id = 'c1'", args![]).await.unwrap();
        keep_all(&site, &mut Progress::default()).await;
        let mine = rows().await.into_iter().filter(|row| row.1 == "mine").count();
        assert_eq!(mine, 1, "{}: what is as it is now is left alone", site.name);
    }
}

/// A live hub: steps that people take are in the very next table, kept or not, and it is a page that shows it.
#[tokio::test]
async fn the_next_table_has_it() {
    for site in sites().await {
        let numbers = furnish(&site).await;
        let mut progress = Progress::default();
        keep_all(&site, &mut progress).await;
        let chief = site.sign_in("chief").await;
        let total = async |measure: Measure| {
            let answer = site.get("/api/v1/evaluation?by=source&period=2026-03", Some(&chief)).await.json();
            answer["total"][measure.as_str()]["n"].as_i64().unwrap()
        };
        assert_eq!((total(Measure::Closed).await, total(Measure::FalseAlarm).await), (4, 0), "{}", site.name);
        let void = Step::Void { reason: VoidReason::FalseAlarm, note: text("x") };
        does(&site, &numbers[6], &void).await;
        assert_eq!(total(Measure::FalseAlarm).await, 1, "{}: before it is kept", site.name);
        keep_all(&site, &mut progress).await;
        assert_eq!(total(Measure::FalseAlarm).await, 1, "{}: and after", site.name);
    }
}
