//! Whoever was there is in the table, whether anything counts there or not; and everything is called what the county calls it.

use super::closing::{does, furnish, opened};
use super::*;
use crate::admin;
use crate::args;
use crate::case::{self, seal};
use crate::category;
use crate::evaluation::close::{Rebuilt, pass, rebuild};
use crate::evaluation::store::KeptTable;
use crate::web::tests::site::{START, Site, sites};

fn of(site: &Site, period: &str) -> Question {
    Question::new(&site.app, period.parse().unwrap(), Scope::everything(), "")
}

async fn table(site: &Site, question: &Question, by: By) -> Table {
    tables(&site.app, question, &[by]).await.unwrap().remove(0).table
}

fn has(table: &Table, key: &str) -> bool {
    table.row(key).is_some()
}

/// Every unit that works and every area has its row: first those with a place, then those with few cases, then those of which
/// nothing counts, last what is nobody's. A unit that is switched off has none. Of nothing the page says 无, never 0 %.
#[tokio::test]
async fn who_has_no_case_has_a_row() {
    for site in sites().await {
        furnish(&site).await;
        site.clock.set(at("03-28 10:00"));
        let march = of(&site, "2026-03");
        let units = table(&site, &march, By::Unit).await;
        let keys: Vec<&str> = units.rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys.len(), SEED.len() + 1, "{}: {keys:?}", site.name);
        assert_eq!((keys[0], keys[1], *keys.last().unwrap()), ("housing", "police", ""), "{}", site.name);
        let nothing = &units.rows[2..keys.len() - 1];
        assert!(nothing.iter().all(|row| row.figures.is_empty() && (row.rank, row.score) == (None, None)));
        assert!(nothing.is_sorted_by_key(|row| &row.key) && !has(&units, "slot20"));
        let figure = nothing[0].figures.get(Measure::HandlingOnTime);
        assert_eq!((figure.n, figure.d, figure.rate()), (0, 0, None));
        assert_eq!((units.cases, units.total.get(Measure::Reported).n), (8, 8), "nobody counts twice");
        site.app
            .db
            .execute(
                "insert into areas (tenant, area, parent, level, name_zh, name_en, rural, path)
                 values ($1, 'west', 'county', 'town', '西镇', 'West', 0, '/county/west/')",
                args![site.app.tenant().as_str()],
            )
            .await
            .unwrap();
        let towns = table(&site, &march, By::Area(Level::Town)).await;
        let mut keys: Vec<&str> = towns.rows.iter().map(|row| row.key.as_str()).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["/county/north/", "/county/south/", "/county/west/"], "{}", site.name);
        assert!(towns.row("/county/west/").unwrap().figures.is_empty(), "one that is new is there at once");
        let sources = table(&site, &march, By::Source).await;
        assert_eq!(sources.rows.len(), 1, "categories and sources are no leagues");
        let ahead = table(&site, &of(&site, "2026-05"), By::Unit).await;
        assert_eq!(ahead.rows, [], "what has not begun has nobody");
        let chief = site.sign_in("chief").await;
        let page = site.get("/evaluation?period=2026-03", Some(&chief)).await.text;
        assert!(page.contains("民政") && page.contains(">无<") && !page.contains("职能部门20"));
        let english = site.get("/evaluation?period=2026-03&lang=en", Some(&chief)).await.text;
        assert!(english.contains("Civil affairs") && english.contains(">none<"));
        let csv = site.get("/api/v1/evaluation.csv?period=2026-03", Some(&chief)).await.text;
        let line = csv.lines().find(|line| line.contains("civil_affairs")).unwrap();
        assert!(line.starts_with(",民政,Civil affairs,civil_affairs,,0,"), "{line}");
    }
}

/// A month is closed with those who were there; whoever comes and goes later changes nothing of it, and stands in the months
/// in which he is there.
#[tokio::test]
async fn later_ones_are_not_in_the_past() {
    for site in sites().await {
        furnish(&site).await;
        site.clock.set(at("04-01 01:00"));
        pass(&site.app).await;
        let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
        let march = table(&site, &of(&site, "2026-03"), By::Unit).await;
        assert!(has(&march, "science") && march.text().contains("\"form\":2"), "{}", site.name);
        site.clock.set(at("04-10 10:00"));
        for sql in [
            "update units set active = 0 where tenant = $1 and unit = 'science'",
            "insert into units (tenant, unit, name_zh, name_en, area, active) values ($1, 'water', '水利', 'Water', '/', 1)",
        ] {
            db.execute(sql, args![tenant]).await.unwrap();
        }
        for moment in ["04-10 10:00", "05-02 09:00"] {
            site.clock.set(at(moment));
            pass(&site.app).await;
            pass(&site.app).await;
        }
        let (entries,): (i64,) =
            db.fetch_one("select count(*) from evaluation_roster", args![]).await.unwrap();
        assert_eq!(entries, (SEED.len() + 5 + 2) as i64, "{}: units, areas, one gone, one come", site.name);
        let april = table(&site, &of(&site, "2026-04"), By::Unit).await;
        assert!(has(&april, "science") && has(&april, "water"), "both were there in April");
        let may = table(&site, &of(&site, "2026-05"), By::Unit).await;
        assert!(!has(&may, "science") && has(&may, "water"), "{}", site.name);
        let first = table(&site, &of(&site, "2026-04-01..2026-04-09"), By::Unit).await;
        assert!(has(&first, "science") && !has(&first, "water"), "before it came");
        assert_eq!(table(&site, &of(&site, "2026-03"), By::Unit).await, march);
        let part = Question { area: text("/county/"), ..of(&site, "2026-03") };
        assert_eq!(table(&site, &part, By::Unit).await.rows, march.rows, "nobody published this one");
        for month in ["2026-03", "2026-04"] {
            let again = rebuild(&site.app, &month.parse().unwrap()).await.unwrap();
            assert_eq!(again.len(), By::ALL.len());
            assert!(again.iter().all(Rebuilt::is_good), "{}: {month}: {again:?}", site.name);
        }
        // Who takes somebody out of a published month is found out by the row.
        db.execute("delete from evaluation_roster where key = 'science'", args![]).await.unwrap();
        let again = rebuild(&site.app, &"2026-03".parse().unwrap()).await.unwrap();
        let units = again.iter().find(|one| one.kind == "unit").unwrap();
        assert!(
            units.whole && units.differs.as_deref().is_some_and(|at| at.contains("science")),
            "{units:?}"
        );
    }
}

/// A month that was closed before rosters were kept has rows only of what counts, is made again byte by byte, and its parts
/// are alike.
#[tokio::test]
async fn older_months_stay_as_they_are() {
    for site in sites().await {
        furnish(&site).await;
        site.clock.set(at("04-01 01:00"));
        let (app, tenant, now) = (&site.app, site.app.tenant().as_str(), at("04-01 01:00"));
        seal::make(&app.db, tenant, &app.sealer, now).await.unwrap();
        let root = case::store::seal::last(&app.db, tenant).await.unwrap().unwrap().root;
        let in_force = policy_of(app, None).await.unwrap();
        let by = (Cut::Root(root), Way::Histories);
        let made = count(app, &of(&site, "2026-03"), &By::ALL, by, (in_force.as_ref(), None)).await.unwrap();
        let keep = |table: &Table| KeptTable {
            kind: table.by.to_string(),
            made_at_ms: now.0,
            root,
            policy_version: in_force.version,
            roster: 0,
            hash: canonical::hash(&table.text()),
            content: table.text(),
        };
        let kept: Vec<KeptTable> = made.iter().map(keep).collect();
        assert!(kept.iter().all(|one| one.content.contains("\"form\":1")));
        let mut tx = app.db.begin().await.unwrap();
        tx.lock_tenant(tenant).await.unwrap();
        store::close(&mut tx, tenant, "2026-03", &kept, now).await.unwrap();
        tx.commit().await.unwrap();
        pass(app).await;
        let again = rebuild(app, &"2026-03".parse().unwrap()).await.unwrap();
        assert!(
            again.len() == By::ALL.len() && again.iter().all(Rebuilt::is_good),
            "{}: {again:?}",
            site.name
        );
        let units = table(&site, &of(&site, "2026-03"), By::Unit).await;
        assert_eq!((units.rows.len(), has(&units, "science")), (3, false), "{}", site.name);
        let part = Question { area: text("/county/"), ..of(&site, "2026-03") };
        assert_eq!(table(&site, &part, By::Unit).await.rows, units.rows);
        let april = table(&site, &of(&site, "2026-04"), By::Unit).await;
        assert!(has(&april, "science"), "from then on everybody has a row");
    }
}

/// Ids of this test alone: words are learnt by the whole process.
const SHEET: &str = "编号,大类,部件事件,代码,名称,英文名称,告警类型,热线类别,承办单位,启用\n\
    yy_lamps,,部件,01,照明设施,Lighting,,,,\n\
    yy_lamp,yy_lamps,,0101,路灯损坏,Street lamp out,,,,\n";

/// 大类 and 小类 that the county made are called so in tables, lists and files; those that every hub brings, as before.
#[tokio::test]
async fn categories_have_the_names_of_the_county() {
    for site in sites().await {
        furnish(&site).await;
        let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
        let mode = category::Mode { dry_run: false, replace: false };
        let taken =
            category::import(db, tenant, SHEET.as_bytes(), mode, &admin::By::cli(START)).await.unwrap();
        assert!(taken.done, "{}: {:?}", site.name, taken.bad);
        let number = opened(&site, "south").await;
        does(&site, &number, &Step::File { category: text("yy_lamp"), note: String::new() }).await;
        site.clock.advance_ms(1_000);
        let chief = site.sign_in("chief").await;
        for (level, key, zh, en) in [
            ("group", "yy_lamps", "照明设施", "Lighting"),
            ("category", "yy_lamp", "路灯损坏", "Street lamp out"),
            ("group", "city", "市容市政", "Streets and facilities"),
        ] {
            let address = format!("/api/v1/evaluation?by=category&level={level}&period=2026-03");
            let answer = site.get(&address, Some(&chief)).await.json();
            let rows = answer["rows"].as_array().unwrap();
            let row = rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}: {rows:?}"));
            assert_eq!(row["name"], zh, "{}", site.name);
            let page = format!("/evaluation?by=category&level={level}&period=2026-03");
            let page_zh = site.get(&page, Some(&chief)).await.text;
            assert!(page_zh.contains(zh) && !page_zh.contains(&format!(">{key}<")), "{key}");
            assert!(site.get(&format!("{page}&lang=en"), Some(&chief)).await.text.contains(en), "{key}");
            let csv = format!("/api/v1/evaluation.csv?by=category&level={level}&period=2026-03");
            let csv = site.get(&csv, Some(&chief)).await.text;
            assert!(csv.contains(&format!("{zh},{en},{key},")), "{csv}");
        }
        let list =
            "/api/v1/evaluation/cases.csv?by=category&level=group&measure=filed&period=2026-03&key=yy_lamps";
        let list = site.get(list, Some(&chief)).await.text;
        assert!(list.contains(&number) && list.contains("路灯损坏") && !list.contains("yy_lamp"), "{list}");
    }
}
