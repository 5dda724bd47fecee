//! What an operator does on the page of a call by one key: tags, places, joining, the command centre; on both databases.

use axum::http::StatusCode;
use protocol::hotline::{Alarm, CallReading, Offer, ToldPlace};
use protocol::{Clock as _, Event, Incident, Leg, Segment, Subject, Transcript};
use serde_json::Value;

use super::seat::{OTHER, THIRD};
use super::site::{Browser, CALL, START, Site, sites};
use crate::gazetteer::Mode;
use crate::organisation;
use crate::organisation::testing::import_areas;
use crate::workflow::{self, Actor, Satisfaction, Step};
use crate::{engine, notice};

const AREAS: &str = "id,name,level,parent,rural\n\
    c,青梧县,county,,\n\
    t,青梧镇,town,c,\n\
    east,东关社区,community,t,\n\
    west,西园社区,community,t,\n";
const SHEET: &str = "名称,别名,纬度,经度,区域,类型\n\
    凤鸣路菜市场,凤鸣市场、菜场,34.5105,106.9315,east,地点\n\
    幸福超市,,34.5105,106.9305,west,地点\n\
    幸福超市,,34.5105,106.9325,east,地点\n";

async fn with_gazetteer(site: &Site) {
    let (app, tenant) = (&site.app, site.app.tenant().as_str());
    import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap();
    let sheet = (SHEET.as_bytes(), Mode::default());
    let taken = app.gazetteers.import(&app.db, tenant, sheet, &app.grids, ("hub", "x", START)).await.unwrap();
    assert_eq!(taken.version, Some(1), "{:?}", taken.bad);
}

fn reading(incident: &mut Incident) -> &mut CallReading {
    let Subject::Call(call) = &mut incident.subject else { panic!("a call") };
    call.reading.get_or_insert_default()
}

fn offer(id: &str) -> Vec<Offer> {
    vec![Offer { id: id.into(), percent: 90, words: vec!["一直在响".into()] }]
}

fn fire() -> Alarm {
    Alarm { id: "fire".into(), words: vec!["着火了".into()], at_ms: 5_000, holds: true }
}

impl Site {
    async fn case_of_call(&self, id: &str, who: &Browser) -> Value {
        let list = self.get("/api/v1/cases", Some(who)).await.json();
        let case = list["cases"].as_array().unwrap().iter().find(|case| case["call_id"] == id).unwrap();
        let number = case["number"].as_str().unwrap();
        self.get(&format!("/api/v1/cases/{number}"), Some(who)).await.json()
    }

    async fn centre_told(&self, name: &str) -> usize {
        let (app, tenant) = (&self.app, self.app.tenant().as_str());
        let all = notice::of_user(&app.db, tenant, name, false, 100).await.unwrap();
        all.iter().filter(|one| one.kind == "emergency").count()
    }
}

fn actions(case: &Value) -> Vec<&str> {
    case["history"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect()
}

/// The id of the candidate with this key.
fn entry(html: &str, key: usize) -> String {
    let before = html.split(&format!("\" data-alt-key=\"{key}\"")).next().unwrap();
    before.rsplit("name=\"entry\" value=\"").next().unwrap().to_owned()
}

/// The words of a line that raised an alarm, and the place, are marked where they stand; the seat's question is not. From tag to
/// file button the fields come in the order in which they are filled in, tags on 1 to 3, none of them on 0.
#[tokio::test]
async fn a_call_reads_as_it_was_said() {
    for mut site in sites().await {
        let mut incident = site.call_that_ended(CALL, "03");
        let said =
            |leg, start_ms, text: &str| Segment { leg, start_ms, end_ms: start_ms + 900, text: text.into() };
        let Subject::Call(call) = &mut incident.subject else { unreachable!() };
        let segments =
            vec![said(Leg::Operator, 0, "是着火了吗"), said(Leg::Caller, 5_000, "凤鸣路菜市场着火了，快来")];
        call.transcript = Transcript::Done { segments, model: "m".into(), left_out: 0 };
        *reading(&mut incident) = CallReading {
            alarms: vec![fire()],
            categories: offer("fire_hazard"),
            place: Some(ToldPlace { text: "凤鸣路菜市场".into(), grid: None }),
            ..CallReading::default()
        };
        site.hand_in(Event::Incident(incident)).await;
        let seat = site.log_in("seat03").await;
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        let line = "<mark class=\"addr\">凤鸣路菜市场</mark><mark title=\"火情\">着火了</mark><span class=\"sev p1\">火情</span>，快来</dd>";
        assert!(page.contains(line) && page.contains("<dd>是着火了吗</dd>"), "{}: {page}", site.name);
        assert!(page.contains("data-start=\"5000\" data-end=\"5900\""), "{}", site.name);
        assert!(page.contains("还没有地名库"), "{}: no gazetteer is said", site.name);
        let order = [
            "data-key=\"1\"",
            "data-key=\"0\"",
            "name=\"matter\"",
            "name=\"urgency\"",
            "name=\"category\"",
            "name=\"place\"",
            "id=\"places\"",
            "name=\"summary\"",
            "id=\"file\" data-ctrl-key=\"Enter\"",
        ];
        let at: Vec<usize> =
            order.iter().map(|one| page.find(one).unwrap_or_else(|| panic!("{one}"))).collect();
        assert!(at.is_sorted(), "{}: {at:?}", site.name);
        // Enter in a field files; it never calls the centre, though that button stands further up.
        let first = page.find("form=\"ticket\"").unwrap();
        assert!(page[..first].ends_with("<button class=\"vh\" "), "{}", site.name);
        assert!(page.contains("data-key=\"F2\"") && page.contains("data-live=\"alarms\""));
    }
}

/// The words of the place find up to three places, each with where it lies and why; two alike are for a person. What he picks
/// goes with the ticket: grid, point and whose word it was are kept in the one filing. One that is not there stops the
/// filing, changes nothing and keeps what was typed.
#[tokio::test]
async fn a_picked_place_goes_with_the_ticket() {
    for mut site in sites().await {
        with_gazetteer(&site).await;
        let mut incident = site.call_that_ended(CALL, "03");
        reading(&mut incident).place = Some(ToldPlace { text: "幸福超市".into(), grid: None });
        site.hand_in(Event::Incident(incident)).await;
        let seat = site.log_in("seat03").await;
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        assert!(
            page.contains("两处相近，请人定") && page.contains("data-alt-key=\"2\""),
            "{}: {page}",
            site.name
        );
        assert!(page.contains("青梧镇 / 西园社区") && page.contains("名称一致"), "{}", site.name);
        // 菜场
        let asked = format!("/calls/{CALL}/places?q=%E8%8F%9C%E5%9C%BA");
        let found = site.get(&asked, Some(&seat)).await.text;
        assert!(found.contains("别称“菜场”") && found.contains("未另选时取此处"), "{}: {found}", site.name);
        assert!(!found.contains("<html") && !found.contains("data-alt-key=\"2\""), "{found}");
        let stranger = site.officer_at("far", crate::user::Role::Operator, "/c/t/west/").await;
        assert_eq!(site.get(&asked, Some(&stranger)).await.status, StatusCode::NOT_FOUND, "{}", site.name);

        let lost = site.files_ticket_by(&seat, CALL, "&entry=nowhere").await;
        assert_eq!(lost.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            lost.text.contains("所选地点已不在地名库中") && lost.text.contains("name=\"place\" value=\"x\"")
        );
        let case = site.case_of_call(CALL, &seat).await;
        assert_eq!((&case["state"], &case["ticket"]), (&"received".into(), &Value::Null), "{}", site.name);

        let picked = entry(&page, 2);
        let filed = site.files_ticket_by(&seat, CALL, &format!("&entry={picked}")).await;
        assert_eq!(filed.status, StatusCode::SEE_OTHER, "{}", filed.text);
        let case = site.case_of_call(CALL, &seat).await;
        let told = &case["place_told"];
        assert_eq!(
            (&told["chosen_by"], &told["told"], told["chosen"]["id"].as_str()),
            (&"user:seat03".into(), &"x".into(), Some(picked.as_str())),
            "{}",
            site.name
        );
        assert_eq!(actions(&case).iter().filter(|action| **action == "located").count(), 1, "{}", site.name);
        assert_ne!(case["workflow"]["area"], "/", "{}", site.name);
        assert_eq!(case["state"], "filed");
        let url = format!("/calls/{CALL}/places?q=%E5%B9%B8%E7%A6%8F%E8%B6%85%E5%B8%82&entry={picked}");
        let page = site.get(&url, Some(&seat)).await.text;
        assert!(page.contains("已选") && !page.contains("请人定"), "{}: {page}", site.name);
    }
}

/// `M` joins the call to the case that it is like, with the ticket when that is whole; else the case is joined and what was typed
/// stays. A case that is not there stops it with a reason and keeps the form; sent twice it is done once.
#[tokio::test]
async fn a_call_joins_the_case_it_is_like() {
    for mut site in sites().await {
        for id in [CALL, OTHER, THIRD] {
            let mut incident = site.call_that_ended(id, "03");
            let reading = reading(&mut incident);
            reading.place = Some(ToldPlace { text: "凤鸣路菜市场".into(), grid: None });
            reading.summary = "菜市场门口占道经营".into();
            site.hand_in(Event::Incident(incident)).await;
            site.clock.advance_ms(1_000);
        }
        let seat = site.log_in("seat03").await;
        let into = site.case_of_call(CALL, &seat).await["number"].as_str().unwrap().to_owned();
        let page = site.get(&format!("/calls/{OTHER}"), Some(&seat)).await.text;
        assert!(
            page.contains("data-key=\"m\"") && page.contains("data-shift-key=\"m\""),
            "{}: {page}",
            site.name
        );
        assert!(page.contains(&format!("name=\"into\" value=\"{into}\"")), "{}", site.name);

        let url = format!("/calls/{OTHER}/join");
        let partial = format!("csrf={}&place=p&summary=kept+words&known=0", seat.csrf);
        let wrong = site.post(&url, &seat, &format!("{partial}&into=20000101-001")).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("kept words") && wrong.text.contains("id=\"refused\""), "{}", wrong.text);
        assert_eq!(site.case_of_call(OTHER, &seat).await["state"], "received", "{}", site.name);

        let joined = site.post(&url, &seat, &format!("{partial}&into={into}")).await;
        assert_eq!(joined.status, StatusCode::OK, "{}", joined.text);
        assert!(joined.text.contains("kept words") && joined.text.contains("已并入。工单还没有填完"));
        assert!(joined.text.contains("id=\"joined-into\""), "{}", site.name);
        let case = site.case_of_call(OTHER, &seat).await;
        assert_eq!((&case["state"], &case["links"]["joined_into"]), (&"void".into(), &into.as_str().into()));
        assert!(case["links"]["joined_why"].as_str().unwrap().contains("坐席判定"), "{case}");
        let twice = site.post(&url, &seat, &format!("{partial}&into={into}")).await;
        assert_eq!(twice.status, StatusCode::OK, "{}", twice.text);
        let case = site.case_of_call(OTHER, &seat).await;
        assert_eq!(
            actions(&case).iter().filter(|action| **action == "joined_into").count(),
            1,
            "{}",
            site.name
        );
        // What the caller said is still written down.
        assert_eq!(site.files_ticket_by(&seat, OTHER, "").await.status, StatusCode::SEE_OTHER);

        let whole = "matter=complaint&category=noise&urgency=normal&place=p&summary=s&known=0";
        let form = format!("csrf={}&{whole}&into={into}", seat.csrf);
        let joined = site.post(&format!("/calls/{THIRD}/join"), &seat, &form).await;
        assert_eq!(joined.status, StatusCode::SEE_OTHER, "{}", joined.text);
        let case = site.case_of_call(THIRD, &seat).await;
        assert_eq!(
            (&case["state"], &case["ticket"]["summary"]),
            (&"void".into(), &"s".into()),
            "{}",
            site.name
        );
        assert!(!actions(&case).contains(&"filed"), "{}: it is handled there", site.name);
    }
}

/// `F2` makes the case an emergency that nobody has in hand and tells the command centre at once, whatever is filled in; filing it
/// afterwards is no answer; the centre is told again until it acknowledges, pressing twice tells once.
#[tokio::test]
async fn the_centre_is_called() {
    for mut site in sites().await {
        let mut incident = site.call_that_ended(CALL, "03");
        reading(&mut incident).alarms = vec![fire()];
        site.hand_in(Event::Incident(incident)).await;
        let seat = site.log_in("seat03").await;
        let number = site.case_of_call(CALL, &seat).await["number"].as_str().unwrap().to_owned();
        let url = format!("/calls/{CALL}/centre");
        let partial = format!("csrf={}&place=&summary=typed&known=0", seat.csrf);
        for _ in 0..2 {
            let called = site.post(&url, &seat, &partial).await;
            assert_eq!(called.status, StatusCode::OK, "{}", called.text);
            assert!(
                called.text.contains("已直报指挥中心。工单还没有填完")
                    && called.text.contains(">typed</textarea>")
            );
            assert!(called.text.contains("value=\"emergency\" required checked"), "{}", called.text);
        }
        assert_eq!(
            (site.centre_told("chief").await, site.centre_told("seat03").await),
            (1, 0),
            "{}",
            site.name
        );
        let case = site.case_of_call(CALL, &seat).await;
        let (severity, hand) = (&case["severity"], &case["acknowledged_by"]);
        assert_eq!((severity, hand, &case["state"]), (&"emergency".into(), &Value::Null, &"received".into()));
        let rows = case["history"].as_array().unwrap();
        let called: Vec<_> = rows.iter().filter(|row| row["action"] == "centre_called").collect();
        assert_eq!(called.len(), 1, "{}", site.name);
        assert!(
            called[0]["detail"]["reason"].as_str().unwrap().contains("火情 Fire“着火了”"),
            "{}",
            called[0]
        );
        assert_eq!(called[0]["actor"], "user:seat03");

        assert_eq!(site.files_ticket_by(&seat, CALL, "").await.status, StatusCode::SEE_OTHER);
        let case = site.case_of_call(CALL, &seat).await;
        assert_eq!(
            (&case["state"], &case["acknowledged_by"]),
            (&"filed".into(), &Value::Null),
            "{}",
            site.name
        );
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        assert!(page.contains("id=\"centre\"") && page.contains("等待确认"), "{}: {page}", site.name);
        site.clock.advance_ms(61_000);
        engine::pass(&site.app, site.clock.now()).await.unwrap();
        assert_eq!(site.centre_told("chief").await, 2, "{}: nobody has answered", site.name);
        let chief = site.log_in("chief").await;
        let form = format!("csrf={}", chief.csrf);
        let answered = site.post(&format!("/cases/{number}/acknowledge"), &chief, &form).await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER);
        site.clock.advance_ms(3_600_000);
        engine::pass(&site.app, site.clock.now()).await.unwrap();
        assert_eq!(site.centre_told("chief").await, 2, "{}", site.name);
        let page = site.get(&format!("/calls/{CALL}"), Some(&seat)).await.text;
        assert!(page.contains("已有人接手：chief"), "{}", site.name);
    }
}

/// A whole form goes with the call of the centre in one step: filed as an emergency, and in nobody's hand. On a call whose ticket
/// is filed already the key alone is enough.
#[tokio::test]
async fn the_centre_is_called_with_the_ticket() {
    for mut site in sites().await {
        organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        for id in [CALL, OTHER] {
            let incident = site.call_that_ended(id, "03");
            site.hand_in(Event::Incident(incident)).await;
        }
        let seat = site.log_in("seat03").await;
        let whole =
            "matter=request&category=fire_hazard&urgency=normal&place=p&summary=%E7%9D%80%E7%81%AB&known=0";
        let form = format!("csrf={}&{whole}", seat.csrf);
        let called = site.post(&format!("/calls/{CALL}/centre"), &seat, &form).await;
        assert_eq!(called.status, StatusCode::SEE_OTHER, "{}", called.text);
        let case = site.case_of_call(CALL, &seat).await;
        assert_eq!((&case["state"], &case["ticket"]["urgency"]), (&"filed".into(), &"emergency".into()));
        assert_eq!(case["acknowledged_by"], Value::Null, "{}", site.name);
        assert_eq!(site.files_ticket_by(&seat, OTHER, "").await.status, StatusCode::SEE_OTHER);
        let bare = format!("csrf={}", seat.csrf);
        let called = site.post(&format!("/calls/{OTHER}/centre"), &seat, &bare).await;
        assert_eq!(called.status, StatusCode::SEE_OTHER, "{}", called.text);
        let case = site.case_of_call(OTHER, &seat).await;
        assert_eq!((&case["severity"], &case["ticket"]["urgency"]), (&"emergency".into(), &"normal".into()));
        assert_eq!(site.centre_told("chief").await, 2, "{}", site.name);
    }
}

/// The form that files and calls the centre, handed in twice: one ticket, one call, though the centre has it in hand by then. The
/// centre is called anew by a key that is pressed after that.
#[tokio::test]
async fn the_centre_is_called_once_by_one_form() {
    for mut site in sites().await {
        organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        let incident = site.call_that_ended(CALL, "03");
        site.hand_in(Event::Incident(incident)).await;
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        let whole = "matter=request&category=fire_hazard&urgency=normal&place=p&summary=s&known=0";
        let (url, form) = (format!("/calls/{CALL}/centre"), format!("csrf={}&{whole}", seat.csrf));
        assert_eq!(site.post(&url, &seat, &form).await.status, StatusCode::SEE_OTHER);
        let number = site.case_of_call(CALL, &seat).await["number"].as_str().unwrap().to_owned();
        let answered =
            site.post(&format!("/cases/{number}/acknowledge"), &chief, &format!("csrf={}", chief.csrf)).await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER);
        site.clock.advance_ms(1_000);
        let again = site.post(&url, &seat, &form).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{}: {}", site.name, again.text);
        let case = site.case_of_call(CALL, &seat).await;
        let told = (site.centre_told("chief").await, case["acknowledged_by"].as_str());
        assert_eq!(told, (1, Some("chief")), "{}", site.name);
        let rows = actions(&case);
        for once in ["ticket", "centre_called"] {
            assert_eq!(rows.iter().filter(|action| **action == once).count(), 1, "{}: {rows:?}", site.name);
        }
        let bare = format!("csrf={}", seat.csrf);
        assert_eq!(site.post(&url, &seat, &bare).await.status, StatusCode::SEE_OTHER);
        assert_eq!(site.centre_told("chief").await, 2, "{}", site.name);
    }
}

/// A case that was over and is open again waits for the centre anew: the key tells it once, however often it is pressed.
#[tokio::test]
async fn the_centre_is_called_after_reopening() {
    for mut site in sites().await {
        super::workflow::people(&site).await;
        let incident = site.call_that_ended(CALL, "03");
        site.hand_in(Event::Incident(incident)).await;
        let (seat, chief) = (site.sign_in("seat03").await, site.sign_in("chief").await);
        let (url, bare) = (format!("/calls/{CALL}/centre"), format!("csrf={}", seat.csrf));
        assert_eq!(site.files_ticket_by(&seat, CALL, "").await.status, StatusCode::SEE_OTHER);
        let number = site.case_of_call(CALL, &seat).await["number"].as_str().unwrap().to_owned();
        assert_eq!(site.post(&url, &seat, &bare).await.status, StatusCode::SEE_OTHER);
        let answered =
            site.post(&format!("/cases/{number}/acknowledge"), &chief, &format!("csrf={}", chief.csrf)).await;
        assert_eq!(answered.status, StatusCode::SEE_OTHER);
        for step in [
            Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() },
            Step::Accept {},
            Step::Report { result: "已处理".into() },
            Step::Check { agrees: true, note: "相符".into() },
            Step::CallBack {
                reached: true,
                satisfaction: Some(Satisfaction::Satisfied),
                note: String::new(),
            },
            Step::Close { note: String::new() },
        ] {
            let (app, id) = (&site.app, site.app.new_id());
            let (tenant, with) = (app.tenant().as_str(), app.step_with(&id));
            workflow::store::take(&app.db, tenant, &number, &step, &Actor::hub(), with)
                .await
                .unwrap_or_else(|error| panic!("{step:?}: {error}"));
        }
        let over = site.post(&url, &seat, &bare).await;
        assert_eq!(over.status, StatusCode::UNPROCESSABLE_ENTITY, "{}: {}", site.name, over.text);
        assert_eq!(site.centre_told("chief").await, 1, "{}: nobody is told of what is over", site.name);
        site.moved(&number, &seat, serde_json::json!({"move": "reopen", "reason": "又冒烟"})).await;
        for _ in 0..2 {
            site.clock.advance_ms(1_000);
            let called = site.post(&url, &seat, &bare).await;
            assert_eq!(called.status, StatusCode::SEE_OTHER, "{}: {}", site.name, called.text);
        }
        assert_eq!(site.centre_told("chief").await, 2, "{}: once", site.name);
        let case = site.case_of_call(CALL, &seat).await;
        let rows = actions(&case);
        let called = rows.iter().filter(|action| **action == "centre_called").count();
        assert_eq!((called, &case["acknowledged_by"]), (2, &Value::Null), "{}: {rows:?}", site.name);
    }
}

/// On a call that was joined to another case the key calls the centre to that one; where it is over, nothing is done and nobody is
/// told, and what was typed stays.
#[tokio::test]
async fn the_centre_is_not_called_to_what_is_over() {
    for mut site in sites().await {
        organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        for id in [CALL, OTHER] {
            let incident = site.call_that_ended(id, "03");
            site.hand_in(Event::Incident(incident)).await;
            site.clock.advance_ms(1_000);
        }
        let seat = site.log_in("seat03").await;
        let into = site.case_of_call(CALL, &seat).await["number"].as_str().unwrap().to_owned();
        let form = format!("csrf={}&into={into}", seat.csrf);
        assert_eq!(
            site.post(&format!("/calls/{OTHER}/join"), &seat, &form).await.status,
            StatusCode::SEE_OTHER
        );
        site.moved(
            &into,
            &seat,
            serde_json::json!({"move": "void", "reason": "unclear", "note": "查无此事"}),
        )
        .await;
        let before = (site.case_of_call(CALL, &seat).await, site.case_of_call(OTHER, &seat).await);
        let form = format!("csrf={}&place=&summary=typed&known=0", seat.csrf);
        let refused = site.post(&format!("/calls/{OTHER}/centre"), &seat, &form).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}: {}", site.name, refused.text);
        assert!(refused.text.contains(">typed</textarea>"), "{}", refused.text);
        assert_eq!(site.centre_told("chief").await, 0, "{}", site.name);
        let after = (site.case_of_call(CALL, &seat).await, site.case_of_call(OTHER, &seat).await);
        assert_eq!(before, after, "{}: nothing has changed", site.name);
    }
}

/// What operators made of an offer before stands with the same offer of the next call, and, made often, is offered too.
#[tokio::test]
async fn corrections_stand_with_later_offers() {
    for mut site in sites().await {
        let seat = site.log_in("seat03").await;
        for id in [CALL, OTHER, THIRD] {
            let mut incident = site.call_that_ended(id, "03");
            reading(&mut incident).categories = offer("noise");
            site.hand_in(Event::Incident(incident)).await;
        }
        let page = async |site: &Site| site.get(&format!("/calls/{THIRD}"), Some(&seat)).await.text;
        let before = page(&site).await;
        assert!(!before.contains("曾改为") && before.contains("据“一直在响”"), "{}", site.name);
        let whole = "matter=complaint&category=pollution&urgency=normal&place=p&summary=s&known=0";
        for (id, told) in [
            (CALL, "曾改为 环境污染 1 次，共 1 通同类来电"),
            (OTHER, "曾改为 环境污染 2 次，共 2 通同类来电"),
        ] {
            let form = format!("csrf={}&{whole}", seat.csrf);
            let filed = site.post(&format!("/calls/{id}/ticket"), &seat, &form).await;
            assert_eq!(filed.status, StatusCode::SEE_OTHER, "{}", filed.text);
            let text = page(&site).await;
            assert!(text.contains(told), "{}: {told}", site.name);
            assert_eq!(
                text.contains("data-pick=\"pollution\""),
                id == OTHER,
                "{}: often is twice",
                site.name
            );
        }
        assert!(page(&site).await.contains("据以往更正"), "{}", site.name);
    }
}
