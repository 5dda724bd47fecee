//! Sheets of categories, what can be filed under them, and what is offered, on both databases.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::*;
use crate::admin::By;
use crate::db::testing::databases;
use crate::organisation;
use crate::organisation::testing::import_areas;
use crate::policy::{DEFAULT, Policies, PolicyError};
use crate::web::tests::site::{Answer, Browser, START, Site, sites};

const AREAS: &str = "id,name,level,parent\nc,县,county,\nt,镇,town,c\n";

/// Ids of this test alone: words are learnt by the whole process.
const SHEET: &str = "编号,大类,部件事件,代码,名称,英文名称,告警类型,热线类别,承办单位,启用\n\
    zz_lamps,,部件,01,照明设施,Lighting,,,,\n\
    zz_lamp,zz_lamps,,0101,路灯损坏,Street lamp,,,city_management、t:housing,\n\
    zz_gas,public_safety,,0201,燃气异味,Smell of gas,,,police,否\n";

async fn prepared(db: &Db) {
    import_areas(db, "t", AREAS.as_bytes(), false).await.unwrap();
    organisation::store::seed_units(db, "t").await.unwrap();
}

fn mode(dry_run: bool, replace: bool) -> Mode {
    Mode { dry_run, replace }
}

/// A county begins with the built-in ones; a sheet adds its own, as data that every hub reads; again it changes nothing.
#[tokio::test]
async fn categories_are_data() {
    for test in databases().await {
        let db = &test.db;
        prepared(db).await;
        let built_in = all(db, "t").await.unwrap();
        assert_eq!((built_in.groups.len(), built_in.categories.len()), (8, 44), "{}", test.name);
        assert_eq!(built_in.of_kind("fire").unwrap().id, "fire");
        let dry = import(db, "t", SHEET.as_bytes(), mode(true, false), &By::cli(START)).await.unwrap();
        assert_eq!((dry.new.len(), dry.done), (3, false), "{:?}", dry.bad);
        assert_eq!(all(db, "t").await.unwrap(), built_in, "a dry run changes nothing");
        assert!(import(db, "t", SHEET.as_bytes(), mode(false, false), &By::cli(START)).await.unwrap().done);
        let now = all(db, "t").await.unwrap();
        assert_eq!((now.groups.len(), now.categories.len()), (9, 46), "{}", test.name);
        let lamp = now.find("zz_lamp").unwrap();
        assert_eq!((lamp.unit(), lamp.units.len(), lamp.active), (Some("city_management"), 2, true));
        assert_eq!(
            (now.told("0101"), now.told("路灯损坏"), now.told("zz_lamp")),
            (Some(lamp), Some(lamp), Some(lamp))
        );
        assert_eq!(now.told("0201"), None, "what is not active is nothing to file under");
        assert_eq!(crate::case::category::find("zz_lamp").unwrap().zh, "路灯损坏", "screens know its name");
        let again = import(db, "t", SHEET.as_bytes(), mode(false, false), &By::cli(START)).await.unwrap();
        assert_eq!((again.unchanged.len(), again.new.len() + again.changed.len()), (3, 0), "{}", test.name);
        assert_eq!(all(db, "other").await.unwrap(), built_in, "each tenant has its own");
    }
}

/// Each bad row is told with its place, and nothing goes in.
#[tokio::test]
async fn bad_rows_are_told() {
    let sheet = "id,group,sort,code,name,kinds,hotline,units\n\
        ZZ,public_safety,,,x,,,\n\
        zz_nosort,,,,x,,,\n\
        zz_odd,,river,,x,,,\n\
        zz_group,,event,,x,fire,,\n\
        zz_a,nowhere,,,x,,,\n\
        zz_b,public_safety,event,,x,,,\n\
        zz_c,public_safety,,,,,,\n\
        zz_d,public_safety,,,x,fier,,\n\
        zz_e,public_safety,,,x,,nosie,\n\
        zz_f,public_safety,,,x,,,polcie\n\
        zz_g,public_safety,,,x,,,x:police\n\
        zz_h,public_safety,,,x,,,police;housing\n\
        zz_i,public_safety,,,x,smoke,,\n\
        zz_j,public_safety,,,x,,noise,\n\
        zz_j,public_safety,,,x,,,\n";
    for test in databases().await {
        prepared(&test.db).await;
        let outcome =
            import(&test.db, "t", sheet.as_bytes(), mode(false, false), &By::cli(START)).await.unwrap();
        let told: Vec<String> = outcome.bad.iter().map(ToString::to_string).collect();
        for part in [
            "line 2, column A (id): \"ZZ\" is no id",
            "line 3, column C (sort): is empty",
            "line 4, column C (sort): \"river\" is neither thing",
            "line 5, column F (kinds): a 大类 has none",
            "line 6, column B (group): there is no 大类 \"nowhere\"",
            "line 7, column C (sort): is that of its 大类",
            "line 8, column E (name): is empty",
            "line 9, column F (kinds): \"fier\" is no kind of incident, did you mean fire?",
            "line 10, column G (hotline): \"nosie\" is no category of the hotline, did you mean noise?",
            "line 11, column H (units): there is no unit \"polcie\", did you mean police?",
            "line 12, column H (units): there is no area \"x\"",
            "line 13, column H (units): \"housing\": this area has a unit already",
            "line 14, column F (kinds): smoke means smoke too",
            "line 15, column G (hotline): noise means noise too",
            "line 16, column A (id): \"zz_j\" stands in line 15 too",
        ] {
            assert!(told.iter().any(|line| line.starts_with(part)), "{part}: {told:#?}");
        }
        assert_eq!(told.len(), 15, "{told:#?}");
        assert!(!outcome.done && all(&test.db, "t").await.unwrap().categories.len() == 44, "{}", test.name);
    }
}

/// A policy may name a county's own category, also for a hub that has just started; what it names does not vanish.
#[tokio::test]
async fn policies_name_them() {
    let text =
        DEFAULT.replace("severity = [\"emergency\"]", "severity = [\"emergency\"]\ncategory = [\"zz_lamp\"]");
    let by = ("user:admin", "x", START);
    for test in databases().await {
        let db = &test.db;
        prepared(db).await;
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(8));
        let unknown = DEFAULT
            .replace("severity = [\"emergency\"]", "severity = [\"emergency\"]\ncategory = [\"zz_never\"]");
        let refused = Policies::new(zone.clone()).import(db, "t", &unknown, by, false).await;
        assert!(matches!(refused, Err(PolicyError::Wrong(_))), "{}", test.name);
        import(db, "t", SHEET.as_bytes(), mode(false, false), &By::cli(START)).await.unwrap();
        Policies::new(zone.clone()).import(db, "t", &text, by, false).await.unwrap();
        let read = Policies::new(zone).newest(db, "t", START).await.unwrap();
        assert_eq!(read.version, 2, "{}", test.name);
        let none = "id,group,sort,name\nzz_lamps,,thing,照明\n";
        let outcome = import(db, "t", none.as_bytes(), mode(true, true), &By::cli(START)).await.unwrap();
        assert!(outcome.inactive.contains(&"zz_lamp".to_owned()), "{outcome:?}");
        assert_eq!(outcome.removed, ["zz_gas"], "what nothing names goes; the built-in stay");
    }
}

impl Site {
    async fn posts(&self, path: &str, who: &Browser, body: &Value) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, &who.cookie)
            .header("x-csrf-token", &who.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }
}

/// Cases are filed under what is there and active, and offered the unit that answers for it where they lie; a category in use
/// becomes inactive, never nothing, and the case keeps it.
#[tokio::test]
async fn cases_are_filed_under_them() {
    for site in sites().await {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap();
        organisation::store::seed_units(&app.db, tenant).await.unwrap();
        import(&app.db, tenant, SHEET.as_bytes(), mode(false, false), &By::cli(START)).await.unwrap();
        let seat = site.log_in("seat03").await;
        let report = json!({"title": "路灯不亮", "text": "不亮", "place": "镇上", "area": "t"});
        let made = site.posts("/api/v1/cases", &seat, &report).await.json();
        let number = made["number"].as_str().unwrap();
        let moves = format!("/api/v1/cases/{number}/moves");
        for category in ["zz_gas", "zz_never", "zz_lamps"] {
            let refused = site.posts(&moves, &seat, &json!({"move": "file", "category": category})).await;
            assert_eq!(refused.status, 422, "{category}: {}", refused.text);
            assert!(refused.text.contains("there is no category"), "{}", refused.text);
        }
        let filed = site.posts(&moves, &seat, &json!({"move": "file", "category": "zz_lamp"})).await;
        assert_eq!(filed.status, 200, "{}", filed.text);
        let offered = site.get(&moves, Some(&seat)).await.json();
        assert_eq!(
            (&offered["unit"]["id"], &offered["category"]),
            (&json!("housing"), &Value::Null),
            "{}",
            site.name
        );
        assert!(offered["unit"]["why"].as_str().unwrap().contains("路灯损坏"));
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await.text;
        assert!(page.contains("路灯损坏"), "{}: the history names it", site.name);

        let rest = "id,group,sort,name\nzz_lamps,,thing,照明设施\n";
        let outcome =
            import(&app.db, tenant, rest.as_bytes(), mode(false, true), &By::cli(START)).await.unwrap();
        assert!(
            outcome.inactive.contains(&"zz_lamp".to_owned()) && outcome.removed == ["zz_gas"],
            "{outcome:?}"
        );
        let list = site.get("/api/v1/categories", Some(&seat)).await.json();
        let lamp = list["categories"].as_array().unwrap().iter().find(|own| own["id"] == "zz_lamp").unwrap();
        assert_eq!(lamp["active"], false, "{}", site.name);
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&seat)).await.json();
        assert_eq!(case["workflow"]["category"], "zz_lamp", "{}: the case keeps it", site.name);
        assert_eq!(site.get(&moves, Some(&seat)).await.json()["unit"]["id"], "housing");
    }
}

/// What the alarm is, and what the caller says, is offered as a category, with the reason; a ticket of the hotline files the
/// case under what means its category.
#[tokio::test]
async fn alarms_and_tickets_find_theirs() {
    // The built-in one keeps its words: they are the whole process's.
    let sheet = "id,group,sort,name,name_en,kinds,hotline,units\n\
        zz_things,,thing,设施,,,,\n\
        noise,environment,,噪声扰民,Noise,,,environment\n\
        zz_noise,environment,,施工噪声,,,noise,\n";
    for mut site in sites().await {
        let tenant = site.app.tenant().as_str().to_owned();
        organisation::store::seed_units(&site.app.db, &tenant).await.unwrap();
        site.raise_camera("north", "北口").await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let offered = site.get(&format!("/api/v1/cases/{number}/moves"), Some(&seat)).await.json();
        assert_eq!(
            (&offered["category"]["id"], &offered["category"]["why"]),
            (&json!("intrusion"), &json!("告警类型"))
        );
        site.clock.advance_ms(1);
        site.raise_call("03").await;
        let number = site.number(&seat).await;
        let outcome = import(&site.app.db, &tenant, sheet.as_bytes(), mode(false, false), &By::cli(START))
            .await
            .unwrap();
        assert!(outcome.done, "{:?}", outcome.bad);
        let draft = json!({"matter": "request", "category": "noise", "urgency": "normal", "place": "东关", "summary": "噪声"});
        let request = Request::put(format!("/api/v1/cases/{number}/ticket"))
            .header(header::COOKIE, &seat.cookie)
            .header("x-csrf-token", &seat.csrf)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(draft.to_string()))
            .unwrap();
        let filed = site.send(request).await;
        assert_eq!(filed.status, 200, "{}", filed.text);
        let case = filed.json();
        assert_eq!(
            (&case["workflow"]["category"], &case["ticket"]["category"]),
            (&json!("zz_noise"), &json!("noise")),
            "{}",
            site.name
        );
    }
}
