//! 签到, 转他人 and 交流: by plain forms and as telephones send them, on both databases.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::queue::between;
use super::site::{Answer, Browser, START, Site, sites};
use super::workflow::people;
use crate::organisation::AreaPath;
use crate::user::{self, Grant, Role};
use crate::web::guard::percent;
use crate::workflow::{self, Actor, Step};

const GRID: &str = "/county/north/dongguan/g1/";
const KEY: &str = "0195a1c2-0000-7000-8000-0000000000d1";
const HOUR_MS: i64 = 3_600_000;

async fn grids() -> Vec<Site> {
    let all = sites().await;
    for site in &all {
        people(site).await;
        for (name, role) in
            [("second", Role::GridManager), ("third", Role::GridManager), ("informant", Role::Informant)]
        {
            let grant = Grant { role, area: AreaPath::kept(GRID.to_owned()), unit: None };
            let one = (name, "correct horse battery", &grant);
            let tenant = site.app.tenant().as_str();
            user::testing::add_with(&site.app.db, tenant, &site.app.chance, START, one).await.unwrap();
        }
    }
    all
}

impl Site {
    async fn deed(&self, number: &str, who: &Browser, key: Option<&str>, body: Value) -> Answer {
        let mut request = Request::post(format!("/api/v1/cases/{number}/field"))
            .header(header::COOKIE, &who.cookie)
            .header("x-csrf-token", &who.csrf)
            .header("x-sent-at", self.app.clock.now().0.to_string())
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    /// By a plain form; `back` is the page that it stands on.
    async fn deed_form(&self, number: &str, who: &Browser, back: &str, typed: &[(&str, &str)]) -> Answer {
        let own = [("csrf", who.csrf.as_str()), ("back", back)];
        let pairs = own.into_iter().chain(typed.iter().copied());
        let body: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", percent(value))).collect();
        self.post(&format!("/cases/{number}/field"), who, &body.join("&")).await
    }
}

/// The card of a task on the page of the field.
async fn card(site: &Site, number: &str, who: &Browser) -> String {
    let page = site.seen("/field", who).await;
    between(&page, &format!("id=\"task-{number}\""), "</article>").to_owned()
}

/// Who arrives says so once, with where he stands and how far that is from the case; its state, its clocks and the forms that others
/// have open stay as they are. Written without a network it says when. Nobody arrives at what is over, or from a centre.
#[tokio::test]
async fn somebody_arrives() {
    for site in grids().await {
        let (manager, dispatch) = (site.sign_in("manager").await, site.sign_in("dispatch").await);
        let report = json!({"title": "路灯不亮", "text": "三天了", "place": "巷口", "area": "g1", "latitude": 34.51, "longitude": 107.41});
        let made = site.json("POST", "/api/v1/cases", &manager, &report).await.json();
        let number = made["number"].as_str().unwrap().to_owned();
        let (before, due) = (card(&site, &number, &manager).await, made["workflow"].clone());
        let position = between(&before, "name=\"position\" value=\"", "\"").to_owned();
        let written = site.app.clock.now().0 - 3 * HOUR_MS;
        let body = json!({"act": "arrive", "latitude": 34.511, "longitude": 107.41, "accuracy": 12.4, "occurred_at": written});
        for _ in 0..2 {
            let told = site.deed(&number, &manager, Some(KEY), body.clone()).await;
            assert_eq!(told.status, 200, "{}: {}", site.name, told.text);
            assert_eq!(told.json()["workflow"], due, "{}: nothing of the law has changed", site.name);
        }
        let other = json!({"act": "say", "text": "x"});
        assert_eq!(site.deed(&number, &manager, Some(KEY), other).await.status, 422, "another under its key");
        assert_eq!(site.actions_seen_by(&number, &manager).await, ["told", "arrived"], "{}", site.name);
        let page = site.seen(&format!("/cases/{number}"), &dispatch).await;
        let talk = between(&page, "id=\"talk\"", "</section>");
        for words in ["manager", "签到", "距案件地点 111 米", "写于"] {
            assert!(talk.contains(words), "{}: {words} is not in {talk}", site.name);
        }
        assert!(page.contains("首尾相连"), "{}: the chain holds", site.name);

        let wrong = json!({"act": "arrive", "latitude": 34.5});
        assert_eq!(site.deed(&number, &manager, None, wrong).await.status, 422);
        let elsewhere = site.deed(&number, &dispatch, None, json!({"act": "arrive"})).await;
        assert_eq!(elsewhere.status, 403, "{}", elsewhere.text);
        let typed = [("act", "arrive"), ("form", "0195a1c2-0000-7000-8000-0000000000d2")];
        let back = format!("/field#task-{number}");
        let sent = site.deed_form(&number, &manager, &back, &typed).await;
        assert_eq!(
            (sent.status, sent.header("location")),
            (StatusCode::SEE_OTHER, back.as_str()),
            "{}",
            sent.text
        );

        // A form that was drawn before is as good as it was.
        let handled =
            json!({"move": "handle_here", "result": "换了", "position": position.parse::<i64>().unwrap()});
        site.moved(&number, &manager, handled).await;
        let late = site.deed(&number, &manager, None, json!({"act": "arrive"})).await;
        assert_eq!(late.status, 409, "{}", late.text);
        assert!(late.json()["detail_zh"].as_str().unwrap().contains("已经结束"), "{}", late.text);
    }
}

/// A task goes to a colleague of the grid who could do it, and is his when he takes it: both see that, a third one cannot take it,
/// and only he hands it on. Nobody hands it to himself, to somebody else's grid, or to who may not do it.
#[tokio::test]
async fn a_task_is_handed_on() {
    for site in grids().await {
        let (manager, second) = (site.sign_in("manager").await, site.sign_in("second").await);
        let (third, informant) = (site.sign_in("third").await, site.sign_in("informant").await);
        let number = site.reported(&manager, "井盖松动").await;
        let own = card(&site, &number, &manager).await;
        let offered = between(&own, "name=\"to\"", "</select>");
        assert!(offered.contains("value=\"second\"") && offered.contains("value=\"third\""), "{offered}");
        assert!(
            !offered.contains("manager") && !offered.contains("informant") && !offered.contains("north"),
            "{offered}"
        );
        for to in ["manager", "informant", "north", "nobody", ""] {
            let refused = site.deed(&number, &manager, None, json!({"act": "hand", "to": to})).await;
            assert_eq!(refused.status, 422, "{to}: {}", refused.text);
        }
        let back = format!("/field#task-{number}");
        let wrong = [("act", "hand"), ("to", "nobody"), ("note", "我在开会")];
        let refused = site.deed_form(&number, &manager, &back, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text.contains(">我在开会</textarea>") && refused.text.contains("不是能办这件任务的同事")
        );
        let typed = [("act", "hand"), ("to", "second"), ("note", "我在开会"), ("form", KEY)];
        for _ in 0..2 {
            let sent = site.deed_form(&number, &manager, &back, &typed).await;
            assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        }
        assert_eq!(
            site.actions_seen_by(&number, &manager).await,
            ["told", "handed_to"],
            "{}: once",
            site.name
        );
        let own = card(&site, &number, &manager).await;
        assert!(own.contains("已转给 <b>second</b> · 等待接下"), "{own}");
        let his = card(&site, &number, &second).await;
        assert!(
            his.contains("转给您： manager") && his.contains("value=\"take\"") && his.contains("我在开会"),
            "{his}"
        );
        assert!(!card(&site, &number, &third).await.contains("value=\"take\""), "{}", site.name);

        let stolen = site.deed(&number, &third, None, json!({"act": "take"})).await;
        assert_eq!(stolen.status, 409, "{}", stolen.text);
        for _ in 0..2 {
            let taken = site.deed(&number, &second, None, json!({"act": "take"})).await;
            assert_eq!(taken.status, 200, "{}", taken.text);
        }
        assert_eq!(site.actions_seen_by(&number, &manager).await, ["told", "handed_to", "taken_on"]);
        assert!(card(&site, &number, &manager).await.contains("<b>second</b> · 已接下"), "{}", site.name);
        let held = site.deed(&number, &manager, None, json!({"act": "hand", "to": "third"})).await;
        assert_eq!(held.status, 409, "{}", held.text);
        assert!(held.json()["detail_zh"].as_str().unwrap().contains("second 已接下"), "{}", held.text);
        let on = site.deed(&number, &second, None, json!({"act": "hand", "to": "third"})).await;
        assert_eq!(on.status, 200, "{}", on.text);
        assert!(card(&site, &number, &third).await.contains("转给您： second"), "{}", site.name);

        let taken = site.deed(&number, &third, None, json!({"act": "take"})).await;
        assert_eq!(taken.status, 200, "{}", taken.text);

        // What is to be checked is another task: nobody has it in hand, and it goes to whoever may check.
        for step in [
            Step::File { category: "street_facility".into(), note: String::new() },
            Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() },
            Step::Accept {},
            Step::Report { result: "已垫稳".into() },
        ] {
            let (app, id) = (&site.app, site.app.new_id());
            let (tenant, with) = (app.tenant().as_str(), app.step_with(&id));
            workflow::store::take(&app.db, tenant, &number, &step, &Actor::hub(), with).await.unwrap();
        }
        let own = card(&site, &number, &manager).await;
        assert!(between(&own, "name=\"to\"", "</select>").contains("value=\"informant\""), "{own}");
        assert!(!own.contains("已接下"), "{own}");
        let given = site.deed(&number, &manager, None, json!({"act": "hand", "to": "informant"})).await;
        assert_eq!(given.status, 200, "{}", given.text);
        assert!(card(&site, &number, &informant).await.contains("转给您： manager"), "{}", site.name);
    }
}

/// The field and the centre speak with each other on the case: each sees at once what the other says, in the history too; sent twice
/// it is said once. Nobody else does, whoever may not see the case learns nothing, and citizens are told none of it.
#[tokio::test]
async fn the_field_and_the_centre_speak() {
    for site in grids().await {
        let (manager, dispatch) = (site.sign_in("manager").await, site.sign_in("dispatch").await);
        let number = site.reported(&manager, "井盖松动").await;
        let field = format!("/field#task-{number}");
        let typed = [("act", "say"), ("text", "到了，<b>要锥桶</b>"), ("form", KEY)];
        for _ in 0..2 {
            let sent = site.deed_form(&number, &manager, &field, &typed).await;
            assert_eq!((sent.status, sent.header("location")), (StatusCode::SEE_OTHER, field.as_str()));
        }
        let path = format!("/cases/{number}");
        let page = site.seen(&path, &dispatch).await;
        let talk = between(&page, "id=\"talk\"", "</section>");
        assert!(talk.contains("到了，&#60;b&#62;要锥桶") && talk.contains("data-live=\"talk\""), "{talk}");
        let form = between(talk, "name=\"form\" value=\"", "\"").to_owned();
        let answer = [("act", "say"), ("text", "锥桶已派"), ("form", form.as_str())];
        let sent = site.deed_form(&number, &dispatch, "", &answer).await;
        assert_eq!(
            (sent.status, sent.header("location")),
            (StatusCode::SEE_OTHER, path.as_str()),
            "{}",
            sent.text
        );
        let his = card(&site, &number, &manager).await;
        let talk = between(&his, &format!("data-talk=\"{number}\""), "</ul>");
        assert!(talk.contains("锥桶已派") && talk.contains("<b>dispatch</b>"), "{talk}");
        assert_eq!(site.actions_seen_by(&number, &manager).await, ["told", "said", "said"], "{}", site.name);

        let long = "长".repeat(501);
        let refused = site.deed_form(&number, &dispatch, "", &[("act", "say"), ("text", &long)]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text.contains(&long) && refused.text.contains("1 至 500 字"),
            "{}: it is kept",
            site.name
        );
        let (south, seat) = (site.sign_in("south").await, site.sign_in("seat03").await);
        assert_eq!(site.deed(&number, &south, None, json!({"act": "say", "text": "x"})).await.status, 404);
        assert_eq!(site.deed_form(&number, &south, "", &[("act", "say"), ("text", "x")]).await.status, 404);
        assert_eq!(site.deed(&number, &seat, None, json!({"act": "say", "text": "x"})).await.status, 403);
        let page = site.seen(&path, &seat).await;
        let talk = between(&page, "id=\"talk\"", "</section>");
        assert!(talk.contains("锥桶已派") && !talk.contains("<form"), "{}: he reads it", site.name);
        let blind = Browser { cookie: manager.cookie.clone(), csrf: "0".repeat(32) };
        assert_eq!(site.deed_form(&number, &blind, &field, &typed).await.status, StatusCode::FORBIDDEN);
    }
}

/// The map of the tasks is there where there are grids to draw it on, hidden until a script draws it, around the tasks.
#[tokio::test]
async fn the_map_is_a_strip_above_the_tasks() {
    for site in grids().await {
        let manager = site.sign_in("manager").await;
        assert!(!site.seen("/field", &manager).await.contains("id=\"field-map\""), "nothing to draw on");
        let map = r#"{"type": "FeatureCollection", "features": [
            {"type": "Feature", "properties": {"id": "g1", "name": "东关一网格", "parent": "dongguan"},
             "geometry": {"type": "Polygon", "coordinates": [[[107.40, 34.50], [107.42, 34.50], [107.42, 34.52], [107.40, 34.52], [107.40, 34.50]]]}}]}"#;
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let sheet = (map.as_bytes(), crate::grid::Datum::Wgs84);
        app.grids.import(&app.db, tenant, sheet, ("user:admin", "x", START), false).await.unwrap();
        let report =
            json!({"title": "路灯", "text": "不亮", "place": "巷口", "latitude": 34.51, "longitude": 107.41});
        let made = site.json("POST", "/api/v1/cases", &manager, &report).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let page = site.seen("/field", &manager).await;
        let strip = between(&page, "id=\"field-map\"", "</section>");
        assert!(strip.contains(" hidden") && strip.contains("data-map=\"field\""), "{strip}");
        assert!(strip.contains("data-bounds=\"107.408000,34.508000,107.412000,34.512000\""), "{strip}");
        assert!(
            page.contains("data-position=\"") && !page.contains("maplibre"),
            "{}: loaded by script",
            site.name
        );
    }
}
