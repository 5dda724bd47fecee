//! The handover of a shift by its page and by the API, on both databases.

use axum::http::StatusCode;
use protocol::Clock as _;
use serde_json::json;

use super::queue::rows;
use super::site::{Browser, Site, sites};
use super::workflow::people;
use crate::args;
use crate::web::guard::percent;

const HOUR_MS: i64 = 3_600_000;

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split(after).next().unwrap()
}

impl Site {
    /// The form of the page, filled in.
    async fn hands_over(&self, who: &Browser, note: &str) -> (String, String) {
        let page = self.seen("/handover", who).await;
        let form = between(&page, "action=\"/handover\"", "</form>");
        let field = |name: &str| between(form, &format!("name=\"{name}\" value=\""), "\"").to_owned();
        let from = between(between(form, "id=\"from\"", ">"), "value=\"", "\"").to_owned();
        let body = format!(
            "csrf={}&id={}&area={}&from={}&note={}",
            who.csrf,
            field("id"),
            percent(&field("area")),
            percent(&from),
            percent(note)
        );
        (field("id"), body)
    }

    async fn box_is_offline(&self) {
        let sql = "insert into device_status (tenant, device_id, state, received_at_ms, last_seen_at_ms,
                       offline_since_ms, clock_synced)
                   values ($1, 'box-1', 'offline', $2, $2, $2, 1)";
        let (tenant, now) = (self.app.tenant().as_str(), self.clock.now());
        self.app.db.execute(sql, args![tenant, now]).await.unwrap();
    }
}

/// What is handed over is what the lists show at that moment: emergencies that nobody has and those in hand, what is overdue,
/// requests that wait, sources put aside, boxes offline, what came in. It stays as it was, and changes nothing: the emergency
/// is told further as before.
#[tokio::test]
async fn it_is_what_the_lists_show() {
    for mut site in sites().await {
        people(&site).await;
        let (seat, chief) = (site.sign_in("seat03").await, site.sign_in("chief").await);
        let leader = site.sign_in("leader").await;
        site.raise_camera("north", "北口").await;
        let emergency = site.number(&seat).await;
        site.clock.advance_ms(1_000);
        site.raise_camera("south", "焊接车间").await;
        let aside = site.number(&seat).await;
        let late = site.reported(&seat, "井盖破损").await;
        site.moved(&late, &seat, json!({"move": "file", "category": "noise"})).await;
        let ask = json!({"move": "ask_category", "category": "street_facility", "reason": "应为街面设施"});
        site.moved(&late, &seat, ask).await;
        site.box_is_offline().await;
        site.clock.advance_ms(50 * 60_000);
        crate::engine::pass(&site.app, site.clock.now()).await.unwrap();
        let form = format!("csrf={}&move=shelve&minutes=60&reason=%E6%96%BD%E5%B7%A5", chief.csrf);
        let shelved = site.post(&format!("/cases/{aside}/shelf"), &chief, &form).await;
        assert_eq!(shelved.status, StatusCode::SEE_OTHER, "{}", shelved.text);
        site.clock.advance_ms(9 * 60_000);
        let fresh = site.reported(&seat, "路灯不亮").await;
        site.clock.advance_ms(2 * 60_000);

        let (id, form) = site.hands_over(&leader, "北口有火情，盯紧").await;
        let given = site.post("/handover", &leader, &form).await;
        let own = format!("/handover/{id}");
        assert_eq!(
            (given.status, given.header("location")),
            (StatusCode::SEE_OTHER, own.as_str()),
            "{}",
            given.text
        );
        let list = site.get("/api/v1/handovers", Some(&leader)).await.json();
        let one = &list["handovers"][0];
        let snapshot = &one["snapshot"];
        assert_eq!(
            (one["given_by"].as_str(), one["note"].as_str()),
            (Some("leader"), Some("北口有火情，盯紧"))
        );
        let late_rows = rows(&site.seen("/queue?part=late", &leader).await);
        assert!(late_rows.contains(&late) && !late_rows.contains(&fresh), "{}: {late_rows:?}", site.name);
        assert_eq!(
            snapshot["overdue"],
            json!({"count": late_rows.len(), "numbers": late_rows}),
            "{}",
            site.name
        );
        assert_eq!(snapshot["unacknowledged"], json!({"count": 1, "numbers": [emergency]}));
        assert_eq!(snapshot["emergencies"], json!({"count": 1, "numbers": [aside]}), "put aside is in hand");
        assert_eq!(snapshot["requests"], json!({"count": 1, "numbers": [late]}));
        assert_eq!(snapshot["came_in"]["count"], 4);
        assert_eq!(
            (&snapshot["shelved"][0]["number"], &snapshot["shelved"][0]["by"]),
            (&json!(aside), &json!("chief"))
        );
        assert_eq!(snapshot["offline"][0]["device_id"], "box-1");
        let waiting = site.seen("/wall/cases?part=waiting&severity=emergency", &chief).await;
        assert!(waiting.contains(&emergency) && !waiting.contains(&aside));

        // Afterwards things change; what was handed over does not.
        site.moved(&late, &chief, json!({"move": "void", "reason": "unclear", "note": "查无此处"})).await;
        let again = site.get("/api/v1/handovers", Some(&leader)).await.json();
        assert_eq!(again["handovers"][0]["snapshot"], *snapshot);
        let page = site.seen(&own, &leader).await;
        assert!(page.contains("id=\"n-unacknowledged\">1<") && page.contains("北口有火情"), "{page}");
        assert!(
            page.contains(&format!("href=\"/cases/{emergency}\"")) && page.contains("作废"),
            "as they are now"
        );

        let history = async || {
            let case = site.get(&format!("/api/v1/cases/{emergency}"), Some(&chief)).await.json();
            let rows = case["history"].as_array().unwrap().clone();
            (rows.iter().filter(|row| row["action"] == "escalated").count(), case["acknowledged_by"].clone())
        };
        let before = history().await;
        site.clock.advance_ms(10 * 60_000);
        crate::engine::pass(&site.app, site.clock.now()).await.unwrap();
        let after = history().await;
        assert!(after.0 > before.0, "{}: {before:?} {after:?}", site.name);
        assert!(after.1.is_null(), "nobody has it in hand by taking part in a handover");
    }
}

/// The same form sent twice is one handover. It is taken over once, by somebody else: not by whoever gave it, not by a third
/// one after that; the second person's own repetition changes nothing. The next shift begins where this one ended.
#[tokio::test]
async fn taken_once_by_another() {
    for site in sites().await {
        people(&site).await;
        let (leader, dispatch) = (site.sign_in("leader").await, site.sign_in("dispatch").await);
        let chief = site.sign_in("chief").await;
        let (id, form) = site.hands_over(&leader, "").await;
        for _ in 0..2 {
            let given = site.post("/handover", &leader, &form).await;
            assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.text);
        }
        let list = site.get("/api/v1/handovers", Some(&leader)).await.json();
        assert_eq!(list["handovers"].as_array().map(Vec::len), Some(1), "{}", site.name);
        let stolen = form.replace(&leader.csrf, &chief.csrf);
        let refused = site.post("/handover", &chief, &stolen).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        // Its id is another's: the form that comes back has one of its own, and goes through.
        let form = between(&refused.text, "action=\"/handover\"", "</form>");
        let fresh = between(form, "name=\"id\" value=\"", "\"");
        assert_ne!(fresh, id, "{}: it would be refused for ever", site.name);
        let mended = site.post("/handover", &chief, &stolen.replace(&id, fresh)).await;
        assert_eq!(mended.status, StatusCode::SEE_OTHER, "{}", mended.text);
        let sql = "delete from handovers where given_by = 'chief'";
        site.app.db.execute(sql, args![]).await.unwrap();

        let path = format!("/handover/{id}/take");
        let take = async |who: &Browser| site.post(&path, who, &format!("csrf={}", who.csrf)).await;
        let own = take(&leader).await;
        assert_eq!(own.status, StatusCode::FORBIDDEN);
        assert!(own.text.contains("不能接自己交的班"), "{}", own.text);
        let page = site.seen("/handover", &dispatch).await;
        assert!(page.contains(&format!("action=\"{path}\"")) && page.contains("待接班"));
        site.clock.advance_ms(60_000);
        assert_eq!(take(&dispatch).await.status, StatusCode::SEE_OTHER);
        site.clock.advance_ms(60_000);
        assert_eq!(take(&dispatch).await.status, StatusCode::SEE_OTHER);
        let late = take(&chief).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        assert!(late.text.contains("已由他人接班：dispatch"), "{}", late.text);
        let list = site.get("/api/v1/handovers", Some(&chief)).await.json();
        let one = &list["handovers"][0];
        assert_eq!(one["taken_by"], "dispatch");
        assert_eq!(one["taken_at"].as_i64(), one["to"].as_i64().map(|to| to + 60_000), "{}", site.name);

        let next = json!({"note": "夜班"});
        let made = site.json("POST", "/api/v1/handovers", &dispatch, &next).await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(made.json()["from"], one["to"], "without a gap");
    }
}

/// A handover that tells of boxes is read by one who may see none: cases he sees, boxes and their names he does not, on the page
/// and by the API, and what is kept stays whole for those who may.
#[tokio::test]
async fn boxes_stay_hidden_from_who_may_not_see_them() {
    for site in sites().await {
        people(&site).await;
        let (north, leader) = (site.sign_in("north").await, site.sign_in("leader").await);
        site.put_box_in("/county/north/").await;
        site.box_is_offline().await;
        let sql = "update devices set title = '北口盒子' where device_id = 'box-1'";
        site.app.db.execute(sql, args![]).await.unwrap();
        let draft = site.seen("/handover", &leader).await;
        assert!(draft.contains("北口盒子"), "{}: {draft}", site.name);
        assert!(!site.seen("/handover", &north).await.contains("北口盒子"), "{}", site.name);
        // The leader hands over for the town, whose officer reads it.
        let snapshot: String = {
            let (_, form) = site.hands_over(&leader, "盒子掉线").await;
            assert_eq!(site.post("/handover", &leader, &form).await.status, StatusCode::SEE_OTHER);
            let row: (String,) =
                site.app.db.fetch_one("select snapshot from handovers", args![]).await.unwrap();
            row.0
        };
        assert!(snapshot.contains("box-1"), "{snapshot}");
        let sql = "update handovers set area = '/county/north/', handover_id = 'h-9'";
        site.app.db.execute(sql, args![]).await.unwrap();
        for (who, sees) in [(&leader, true), (&north, false)] {
            let page = site.seen("/handover/h-9", who).await;
            let told = site.get("/api/v1/handovers", Some(who)).await.text;
            assert!(page.contains("盒子掉线") && told.contains("h-9"), "{}: {told}", site.name);
            for text in [page, told] {
                assert_eq!(
                    text.contains("box-1") || text.contains("北口盒子"),
                    sees,
                    "{}: {text}",
                    site.name
                );
            }
        }
    }
}

/// What is wrong in the form is told with all that was typed, and nothing is kept. Of another area's handover there is nothing.
#[tokio::test]
async fn refused_and_hidden() {
    for site in sites().await {
        people(&site).await;
        let (north, south) = (site.sign_in("north").await, site.sign_in("south").await);
        let (leader, housing) = (site.sign_in("leader").await, site.sign_in("housing").await);
        let form = |from: &str, area: &str, note: &str| {
            format!(
                "csrf={}&id=h-1&area={}&from={}&note={}",
                north.csrf,
                percent(area),
                percent(from),
                percent(note)
            )
        };
        let (good, own) = ("2026-03-18T08:00:00", "/county/north/");
        let long = "长".repeat(2_001);
        for (from, area, note, words) in [
            ("", own, "口头交代", "最近 48 小时"),
            ("2026-03-10T08:00", own, "口头交代", "最近 48 小时"),
            ("2026-03-19T08:00", own, "口头交代", "最近 48 小时"),
            (good, "/county/south/", "口头交代", "不负责这个范围"),
            (good, "/", "口头交代", "不负责这个范围"),
            (good, own, long.as_str(), "最多 2000 字"),
        ] {
            let answer = site.post("/handover", &north, &form(from, area, note)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}: {}", answer.text);
            assert!(answer.text.contains(words) && answer.text.contains(note), "{words}: {}", answer.text);
        }
        assert_eq!(site.get("/api/v1/handovers", Some(&north)).await.json(), json!({"handovers": []}));
        let given = site.post("/handover", &north, &form(good, own, "口头交代")).await;
        assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.text);

        assert!(!site.seen("/handover", &south).await.contains("h-1"), "{}", site.name);
        assert_eq!(site.get("/handover/h-1", Some(&south)).await.status, StatusCode::NOT_FOUND);
        let form = format!("csrf={}", south.csrf);
        assert_eq!(site.post("/handover/h-1/take", &south, &form).await.status, StatusCode::NOT_FOUND);
        assert_eq!(site.get("/handover", Some(&housing)).await.status, StatusCode::FORBIDDEN);
        // Whoever hands over for the county sees that of a town.
        assert!(site.seen("/handover/h-1", &leader).await.contains("口头交代"));
        let back = site.get("/handover/h-1/take", Some(&leader)).await;
        assert_eq!(back.header("location"), "/handover/h-1", "a form's address leads to its page");
        site.clock.advance_ms(HOUR_MS);
    }
}
