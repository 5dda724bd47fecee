//! What dispatchers have besides the lists of the queue: many moves by the API, saved views, units by the record; on both databases.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use super::queue::between;
use super::site::{Answer, Browser, sites};
use super::workflow::people;
use crate::web::guard::percent;
use crate::workflow::{self, Actor, Step};

const MINUTE_MS: i64 = 60_000;

/// One move of many cases by the API: an answer for each, as the move by itself would have it; what is refused stops none of the
/// others. The same under its key is done once, something else under it is refused and does nothing.
#[tokio::test]
async fn many_at_once_by_the_api() {
    const KEY: &str = "0195a1c2-0000-7000-8000-0000000000b1";
    for site in sites().await {
        people(&site).await;
        let (seat, dispatch) = (site.sign_in("seat03").await, site.sign_in("dispatch").await);
        let chief = site.sign_in("chief").await;
        let mut numbers = Vec::new();
        for title in ["甲", "乙", "丙"] {
            let number = site.reported(&seat, title).await;
            site.moved(&number, &seat, json!({"move": "file", "category": "street_facility"})).await;
            numbers.push(number);
        }
        site.moved(&numbers[1], &chief, json!({"move": "remind", "text": "请先看现场"})).await;
        let send = async |body: &Value| {
            let request = Request::post("/api/v1/moves")
                .header(header::COOKIE, &dispatch.cookie)
                .header("x-csrf-token", &dispatch.csrf)
                .header("idempotency-key", KEY)
                .header(header::CONTENT_TYPE, "application/json");
            site.send(request.body(Body::from(body.to_string())).unwrap()).await
        };
        let chosen = numbers.iter().map(|number| json!({"number": number, "position": 2}));
        let cases: Vec<Value> = chosen.chain([json!({"number": "20000101-001"})]).collect();
        let body = json!({"move": "dispatch", "lead": "housing", "note": "请尽快", "cases": cases});
        let told = |answer: &Answer| -> Vec<(String, u64, Value)> {
            assert_eq!(answer.status, 200, "{}", answer.text);
            let item = |one: &Value| {
                let result = one["result"].as_str().unwrap().to_owned();
                (result, one["status"].as_u64().unwrap(), one["state"].clone())
            };
            answer.json()["cases"].as_array().unwrap().iter().map(item).collect()
        };
        let of = |result: &str, status, state: Value| (result.to_owned(), status, state);
        for result in ["done", "before"] {
            let answer = send(&body).await;
            let moved = of(result, 200, json!("dispatched"));
            let late = of("refused", 409, Value::Null);
            let expected = [moved.clone(), late, moved, of("refused", 404, Value::Null)];
            assert_eq!(told(&answer), expected, "{}", site.name);
            let why = &answer.json()["cases"][1];
            let zh = why["detail_zh"].as_str().unwrap_or_default();
            assert!(zh.contains("已有变化") && why["detail"].is_string(), "{why}");
        }
        assert_eq!(site.actions_seen_by(&numbers[0], &seat).await, ["told", "filed", "dispatched"]);
        let mut other = body.clone();
        other["cases"] = json!([{"number": numbers[1]}]);
        let refused = send(&other).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        assert!(refused.json()["detail"].as_str().unwrap().starts_with("Idempotency-Key"));
        assert_eq!(site.state_of(&numbers[1], &seat).await, "filed", "{}", site.name);
        let many: Vec<Value> = (0..51).map(|at| json!({"number": format!("20260318-{at:03}")})).collect();
        let many = json!({"move": "accept", "cases": many});
        assert_eq!(site.json("POST", "/api/v1/moves", &dispatch, &many).await.status, 422);
        // What no database can look for is refused before anything is done.
        let odd = json!({"move": "accept", "cases": [{"number": numbers[1]}, {"number": "a\u{0}b"}]});
        let refused = site.json("POST", "/api/v1/moves", &dispatch, &odd).await;
        assert!(refused.status == 422 && refused.text.contains("is no number"), "{}", refused.text);
    }
}

/// A view is an address under a name: saved, it stands in the list of whoever saved it and of nobody else, leads to what it was
/// saved of, takes the place of one of its name, and goes when it is deleted. What has no name is not saved, and says so.
#[tokio::test]
async fn views_are_ones_own() {
    for site in sites().await {
        people(&site).await;
        let (dispatch, leader) = (site.sign_in("dispatch").await, site.sign_in("leader").await);
        let send = async |act: &str, name: &str, back: &str| {
            let (name, back) = (percent(name), percent(back));
            let form = format!("csrf={}&act={act}&name={name}&back={back}", dispatch.csrf);
            site.post("/queue/views", &dispatch, &form).await
        };
        let late = "/queue?part=late&severity=major&source=call";
        let saved = send("save", "我的 <热线>", &format!("{late}&case=20260318-001&odd=1")).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.text);
        let page = site.seen(late, &dispatch).await;
        let view = between(&page, "class=\"queue__view\">", "</a>");
        assert!(
            view.contains("part=late&#38;severity=major&#38;source=call\"") && !view.contains("odd"),
            "{view}"
        );
        assert!(view.contains("aria-current=\"true\"") && view.contains("我的 &#60;热线&#62;"), "{view}");
        assert!(!site.seen(late, &leader).await.contains("queue__view"), "{}: nobody else's", site.name);
        assert_eq!(send("save", "我的 <热线>", "/queue?part=soon").await.status, StatusCode::SEE_OTHER);
        let page = site.seen("/queue", &dispatch).await;
        assert_eq!(page.matches("class=\"queue__view\"").count(), 1, "{}", site.name);
        assert!(page.contains("href=\"/queue?part=soon\">我的"), "{page}");
        for name in [String::new(), "长".repeat(25)] {
            let refused = send("save", &name, late).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.text.contains("名称请写"), "{}", refused.text);
        }
        let elsewhere = send("save", "x", "https://evil.example/queue").await;
        assert_eq!(elsewhere.header("location"), "/queue", "{}", site.name);
        for nth in 0..18 {
            assert_eq!(send("save", &format!("v{nth}"), late).await.status, StatusCode::SEE_OTHER);
        }
        let full = send("save", "one more", late).await;
        assert!(full.text.contains("最多保存 20 个"), "{}", full.text);
        for _ in 0..2 {
            assert_eq!(send("delete", "我的 <热线>", "/queue").await.status, StatusCode::SEE_OTHER);
        }
        assert!(!site.seen("/queue", &dispatch).await.contains("热线&#62;"), "{}", site.name);
    }
}

/// Besides the unit that the rules name those are suggested that have handled the like there lately, with how often and what they
/// have to do; what is older than ninety days, or of another category, does not count. The page of the case offers the same.
#[tokio::test]
async fn the_record_suggests_units() {
    for site in sites().await {
        people(&site).await;
        let seat = site.sign_in("seat03").await;
        let led = async |seat: &Browser, unit: &str, category: &str| {
            let number = site.reported(seat, "甲").await;
            for step in [
                Step::File { category: category.into(), note: String::new() },
                Step::Dispatch { lead: unit.into(), co: vec![], note: String::new() },
                Step::Accept {},
                Step::Report { result: "已办".into() },
            ] {
                let (app, id) = (&site.app, site.app.new_id());
                let (tenant, with) = (app.tenant().as_str(), app.step_with(&id));
                workflow::store::take(&app.db, tenant, &number, &step, &Actor::hub(), with).await.unwrap();
            }
        };
        led(&seat, "education", "noise").await;
        site.clock.advance_ms(91 * 24 * 60 * MINUTE_MS);
        let (seat, dispatch) = (site.sign_in("seat03").await, site.sign_in("dispatch").await);
        for (unit, category) in [("police", "noise"), ("police", "noise"), ("housing", "street_facility")] {
            led(&seat, unit, category).await;
        }
        let number = site.reported(&seat, "乙").await;
        site.moved(&number, &seat, json!({"move": "file", "category": "noise"})).await;
        let open = site.reported(&seat, "丙").await;
        site.moved(&open, &seat, json!({"move": "file", "category": "noise"})).await;
        site.moved(&open, &dispatch, json!({"move": "dispatch", "lead": "police"})).await;

        let page = site.seen(&format!("/queue?part=dispatch&case={number}"), &dispatch).await;
        let pick = between(&page, "id=\"pick\"", "</aside>");
        let cards: Vec<&str> = pick.split("<label class=\"pickcard\">").skip(1).collect();
        assert_eq!(cards.len(), 2, "{}: {pick}", site.name);
        assert!(cards[0].contains("由其承办") && cards[0].contains(" checked"), "{}", cards[0]);
        assert!(cards[0].contains("近 90 天没有办过同类"), "{}", cards[0]);
        let own = cards[1].split("</label>").next().unwrap();
        assert!(own.contains("value=\"police\"") && !own.contains(" checked"), "{own}");
        assert!(own.contains("近 90 天在东关社区办过同类 2 件"), "{own}");
        assert!(own.contains("href=\"/queue?unit=police\">1</a>"), "{own}");

        let page = site.seen(&format!("/cases/{number}"), &dispatch).await;
        let form = between(&page, "id=\"move-dispatch\"", "</form>");
        assert!(form.contains("data-key=\"2\"") && form.contains("办过同类 2 件"), "{form}");
        assert!(form.contains(" · 在办 1"), "{}: co-handlers with their load: {form}", site.name);
        // Its clock: the limit itself, and what is left of it for a script alone.
        let due = between(&page, "id=\"step-due\"", "</time>");
        assert!(due.contains("data-ticks hidden") && due.contains("data-left=\""), "{due}");
        assert!(due.contains("派遣 期限") && due.contains("></span>"), "nothing that grows old: {due}");
        let position = between(form, "name=\"position\" value=\"", "\"");
        let body =
            format!("csrf={}&move=dispatch&position={position}&lead=&lead=police&note=", dispatch.csrf);
        let sent = site.post(&format!("/cases/{number}/moves"), &dispatch, &body).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
        assert_eq!(site.state_of(&number, &dispatch).await, "dispatched");
    }
}
