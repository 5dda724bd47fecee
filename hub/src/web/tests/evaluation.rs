//! The evaluation's pages as a browser meets them, on both databases: overview, density map, trends, bulletin.

use serde_json::json;

use super::site::{Browser, START, Site, sites};
use crate::evaluation::close;
use crate::grid::Datum;
use crate::organisation::{self, AreaPath};
use crate::user::{self, Grant, Role};
use crate::workflow::{self, Actor, Step};

const DAY_MS: i64 = 86_400_000;

/// A town with two grids that have outlines and one that has none, and a town without any.
async fn lay_out(site: &Site) {
    let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
    organisation::store::seed_units(db, tenant).await.unwrap();
    let areas = "id,name,level,parent\n\
        county,县,county,\n\
        north,北镇,town,county\n\
        dongguan,东关社区,community,north\n\
        g9,没有边界的网格,grid,dongguan\n\
        south,南镇,town,county\n";
    assert!(organisation::testing::import_areas(db, tenant, areas.as_bytes(), false).await.unwrap().done);
    let square = |id: &str, name: &str, west: f64| {
        let (east, south, north) = (west + 0.01, 34.5, 34.51);
        let ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
        json!({
            "type": "Feature",
            "properties": { "id": id, "name": name, "level": "grid", "parent": "dongguan" },
            "geometry": { "type": "Polygon", "coordinates": [ring] },
        })
    };
    let map = json!({
        "type": "FeatureCollection",
        "features": [square("g1", "东关一网格", 106.9), square("g2", "东关二网格", 106.91)],
    });
    let by = ("user:admin", "x", START);
    let map = map.to_string();
    site.app.grids.import(db, tenant, (map.as_bytes(), Datum::Wgs84), by, false).await.unwrap();
}

async fn report(site: &Site, area: &str) -> String {
    use crate::case::report::{self, Enclosed, NewReport};
    let new = NewReport {
        title: "井盖破损".into(),
        text: "井盖破了".into(),
        place: "巷口".into(),
        area: Some(area.into()),
        at: None,
        severity: protocol::Severity::Normal,
        confidential: false,
    };
    let grants = [Grant::everywhere(Role::Operator)];
    report::report(&site.app, &new, &Enclosed::default(), "seat03", &grants).await.unwrap().number
}

async fn does(site: &Site, number: &str, steps: &[Step]) {
    for step in steps {
        let (app, id) = (&site.app, site.app.new_id());
        let tenant = app.tenant().as_str();
        workflow::store::take(&app.db, tenant, number, step, &Actor::hub(), app.step_with(&id))
            .await
            .unwrap_or_else(|error| panic!("{number}: {step:?}: {error}"));
    }
}

fn to_housing() -> Vec<Step> {
    vec![
        Step::File { category: "street_facility".into(), note: String::new() },
        Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() },
        Step::Accept {},
    ]
}

fn to_the_end() -> Vec<Step> {
    vec![
        Step::Report { result: "完成".into() },
        Step::Check { agrees: true, note: "看过".into() },
        Step::Close { note: String::new() },
    ]
}

/// March: six cases in g1 and one in g2, all closed in time. April: six in g1, of which one is closed; the others are overdue.
/// It is the second of May.
async fn two_months(site: &Site) {
    lay_out(site).await;
    for nth in 0..7 {
        let number = report(site, if nth < 6 { "g1" } else { "g2" }).await;
        does(site, &number, &to_housing()).await;
        site.clock.advance_ms(60_000);
        does(site, &number, &to_the_end()).await;
    }
    // From 18 March to 1 April.
    site.clock.advance_ms(14 * DAY_MS);
    for nth in 0..6 {
        let number = report(site, "g1").await;
        does(site, &number, &to_housing()).await;
        if nth == 0 {
            does(site, &number, &to_the_end()).await;
        }
    }
    site.clock.advance_ms(31 * DAY_MS);
    close::pass(&site.app).await;
}

async fn somebody(site: &Site, name: &str, role: Role, area: &str) -> Browser {
    let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
    let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
    user::testing::add_with(db, tenant, &site.app.chance, START, (name, "correct horse battery", &grant))
        .await
        .unwrap();
    site.sign_in(name).await
}

async fn page(site: &Site, address: &str, who: &Browser) -> String {
    let answer = site.get(address, Some(who)).await;
    assert_eq!(answer.status, 200, "{address}: {}", answer.text);
    answer.text
}

/// Addresses of the evaluation on a page, each once.
fn links(text: &str) -> Vec<String> {
    let all = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let mut own: Vec<String> =
        all.filter(|link| link.starts_with("/evaluation")).map(|link| link.replace("&#38;", "&")).collect();
    own.sort();
    own.dedup();
    own
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("no {from}: {text}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} after {from}")).0
}

/// How many cases a page of cases says there are, and how many it lists.
async fn behind(site: &Site, link: &str, who: &Browser) -> (String, usize) {
    let text = page(site, link, who).await;
    let count = between(&text, "<span class=\"num strong\">", "<").to_owned();
    let listed = text.matches("<tr class=\"jk\"").count();
    (count, listed)
}

/// The overview of April: seven figures beside those of March; the unit that fell is marked, says why and leads to its late
/// cases; the trend is a drawing with its sentence and its table; every link leads somewhere, and what it leads to has cases.
#[tokio::test]
async fn the_overview() {
    for site in sites().await {
        two_months(&site).await;
        let chief = site.sign_in("chief").await;
        let text = page(&site, "/evaluation?period=2026-04", &chief).await;
        let figures = between(&text, "<dl class=\"figs\">", "</dl>");
        assert_eq!(figures.matches("<dt>").count(), 7, "{}", site.name);
        for part in ["应结案数", "按期结案率", "16.7", "上月", "period=2026-03", ">100.0</a>", "超期未处置数"]
        {
            assert!(figures.contains(part), "{part}: {figures}");
        }
        let league = between(&text, "<section class=\"panel league\"", "</section>");
        for part in [
            "住建",
            "低于 80%",
            "<td class=\"eq\">平</td>",
            "没有案件",
            "class=\"low\"",
            "aria-label=\"2025-11 ",
        ] {
            assert!(league.contains(part), "{part}: {league}");
        }
        let trend = between(&text, "<svg class=\"trend\"", "</svg>");
        assert!(
            trend.contains("role=\"img\" aria-label=\"按期结案率由 2026-03 的 100.0% 到 2026-04 的 16.7%"),
            "{trend}"
        );
        assert_eq!(trend.matches("<rect").count(), 12);
        assert_eq!(trend.matches("<circle").count(), 2, "months without cases have no point");
        let why = between(&text, "id=\"why\"", "</section>");
        for part in ["住建", "为什么下降", "东关社区", "100.0%", "16.7%"] {
            assert!(why.contains(part), "{part}: {why}");
        }
        let late: Vec<String> = links(why);
        assert!(
            late.iter().any(|link| link.contains("part=missed&key=housing&category=street_facility")),
            "{late:?}"
        );
        for link in &late {
            assert_eq!(behind(&site, link, &chief).await, ("5".to_owned(), 5), "{link}");
        }
        for link in links(&text) {
            let found = site.get(&link, Some(&chief)).await;
            assert_eq!(found.status, 200, "{link}");
            if link.starts_with("/evaluation/cases") {
                assert!(found.text.contains("href=\"/cases/2026"), "{link} leads to cases, {}", site.name);
            }
        }
        // In March nobody fell; whoever is asked for is shown all the same.
        let march = page(&site, "/evaluation?period=2026-03", &chief).await;
        assert!(march.contains("没有一家比上期下降") && !march.contains("class=\"low\""), "{}", site.name);
        let asked = page(&site, "/evaluation?period=2026-03&why=housing", &chief).await;
        assert!(between(&asked, "id=\"why\"", "</section>").contains("住建"));
        let english = page(&site, "/evaluation?period=2026-04&lang=en", &chief).await;
        for part in ["Month before", "below 80%", "Why it fell", "Closing on time: 100.0% in 2026-03"] {
            assert!(english.contains(part), "{part}");
        }
        let sources = page(&site, "/evaluation?period=2026-04&by=source", &chief).await;
        assert!(
            !sources.contains("id=\"why\"") && sources.contains("市民上报"),
            "sources compete with nobody"
        );
        assert_eq!(site.get("/evaluation?period=odd", Some(&chief)).await.status, 400);
    }
}

/// The map draws each grid that has an outline and a figure, the figure on it, darker for more; a grid without an outline is
/// listed only. Map and list say the same, and each figure leads to so many cases. Who sees one town gets that town.
#[tokio::test]
async fn the_density_map() {
    for site in sites().await {
        two_months(&site).await;
        let chief = site.sign_in("chief").await;
        let text = page(&site, "/evaluation/density?period=2026-03", &chief).await;
        let map = between(&text, "<svg class=\"density__map\"", "</svg>");
        assert_eq!(map.matches("<path").count(), 2, "{}: {map}", site.name);
        for part in [
            "class=\"d5\"",
            "class=\"d4\"",
            "<title>东关一网格 6</title>",
            "<title>东关二网格 1</title>",
            "role=\"group\"",
            ">6</text>",
            ">1</text>",
        ] {
            assert!(map.contains(part), "{part}: {map}");
        }
        let list = between(&text, "id=\"h-list\"", "</table>");
        for part in ["东关一网格", "没有边界的网格", "没有边界</span>"] {
            assert!(list.contains(part), "{part}: {list}");
        }
        let door = links(map).into_iter().find(|link| link.contains("g1")).unwrap();
        assert_eq!(behind(&site, &door, &chief).await, ("6".to_owned(), 6), "{door}");
        for link in links(&text) {
            assert_eq!(site.get(&link, Some(&chief)).await.status, 200, "{link}");
        }
        // April: five of six in g1 are late; g2 had none, so it has no rate and a dashed edge.
        let late = page(&site, "/evaluation/density?period=2026-04&measure=late", &chief).await;
        let map = between(&late, "<svg class=\"density__map\"", "</svg>");
        assert!(map.contains("<title>东关一网格 83.3%</title>") && map.contains("class=\"dx\""), "{map}");
        let door = links(map).into_iter().find(|link| link.contains("part=missed")).unwrap();
        assert_eq!(behind(&site, &door, &chief).await, ("5".to_owned(), 5), "{door}");
        // Both grids of the community have its figure, and it stands there once.
        let community = page(&site, "/evaluation/density?period=2026-03&level=community", &chief).await;
        let map = between(&community, "<svg class=\"density__map\"", "</svg>");
        assert_eq!((map.matches("<title>东关社区 7</title>").count(), map.matches("<text").count()), (2, 1));
        let hours = page(&site, "/evaluation/density?period=2026-03&measure=hours&lang=en", &chief).await;
        assert!(hours.contains("Time to close") && hours.contains("hours, day and night"));
        for wrong in ["level=county", "measure=odd", "period=odd"] {
            assert_eq!(
                site.get(&format!("/evaluation/density?{wrong}"), Some(&chief)).await.status,
                400,
                "{wrong}"
            );
        }
        let south = somebody(&site, "south", Role::TownOfficer, "/county/south/").await;
        let own = page(&site, "/evaluation/density?period=2026-03&level=town", &south).await;
        let list = between(&own, "id=\"h-list\"", "</section>");
        assert!(list.contains("南镇") && !list.contains("北镇"), "{list}");
        assert!(!own.contains("density__map\"") && own.contains("没有可画的边界"), "{}", site.name);
    }
}

/// Without a map there is a list, and it says how a map comes.
#[tokio::test]
async fn without_a_map() {
    for site in sites().await {
        let chief = site.sign_in("chief").await;
        let text = page(&site, "/evaluation/density", &chief).await;
        assert!(text.contains("hub grid import") && !text.contains("density__map\""), "{}", site.name);
    }
}

/// Trends: by month each cell is the table's figure of its period and leads to so many cases; hours of the day too; days and
/// weeks are offered and work; what is asked wrongly is told.
#[tokio::test]
async fn trends() {
    for site in sites().await {
        two_months(&site).await;
        let chief = site.sign_in("chief").await;
        let address = "/evaluation/trends?period=2026-04&by=category&level=category&measure=filed";
        let text = page(&site, address, &chief).await;
        let table = between(&text, "id=\"h-trends\"", "</table>");
        let row = between(table, "市政设施", "</tr>");
        let figures: Vec<&str> = row
            .split("<td")
            .skip(1)
            .map(|cell| between(cell, "num\"", "</").rsplit('>').next().unwrap())
            .collect();
        assert_eq!(figures.len(), 12, "{}: {row}", site.name);
        assert_eq!(figures[9..], ["0", "7", "6"], "{row}");
        for (link, count) in [("period=2026-03", 7), ("period=2026-04", 6)] {
            let own = links(row).into_iter().find(|one| one.contains(link)).unwrap();
            assert_eq!(behind(&site, &own, &chief).await, (count.to_string(), count), "{own}");
        }
        // All of April's were filed within one hour of one Wednesday.
        let hours = between(&text, "id=\"h-hours\"", "</table>");
        let doors = links(hours);
        assert_eq!(doors.len(), 1, "{doors:?}");
        assert!(doors[0].contains("weekday=2&hour=14"), "{doors:?}");
        assert_eq!(behind(&site, &doors[0], &chief).await, ("6".to_owned(), 6));
        for link in links(&text) {
            assert_eq!(site.get(&link, Some(&chief)).await.status, 200, "{link}");
        }
        for period in ["2026-04-01", "2026-W14", "2026-Q2"] {
            let text = page(
                &site,
                &format!("/evaluation/trends?period={period}&by=source&measure=reported"),
                &chief,
            )
            .await;
            assert!(text.contains("市民上报"), "{period}");
        }
        let none = page(&site, "/evaluation/trends?period=2031-01&lang=en", &chief).await;
        assert!(none.contains("No case in these periods") && none.contains("None in this period"));
        for wrong in ["by=odd", "measure=handling_on_time", "period=odd"] {
            assert_eq!(
                site.get(&format!("/evaluation/trends?{wrong}"), Some(&chief)).await.status,
                400,
                "{wrong}"
            );
        }
    }
}

/// The bulletin says the month in words, with the numbers of its own tables, and names the root that signs it; one that is not
/// closed says that nobody signed it.
#[tokio::test]
async fn the_bulletin_in_words() {
    for site in sites().await {
        two_months(&site).await;
        let chief = site.sign_in("chief").await;
        let text = page(&site, "/evaluation/bulletin?month=2026-04", &chief).await;
        let words = between(&text, "bulletin__words\">", "</div>");
        for part in [
            "2026年4月上报 6 件",
            "结案 1 件",
            "应结案 6 件",
            "按期结案率 16.7%（比上月 −83.3 个百分点）",
            "其中超期 5 件",
            "市政设施 6 件",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let root =
            crate::case::store::seal::last(&site.app.db, site.app.tenant().as_str()).await.unwrap().unwrap();
        let signed = between(&text, "class=\"signed\"", "</dl>");
        assert!(signed.contains(&root.signature) && signed.contains(&root.hash), "{}: {signed}", site.name);
        let running = page(&site, "/evaluation/bulletin?month=2026-05", &chief).await;
        assert!(running.contains("尚无签名") && !running.contains("class=\"signed\""));
    }
}
