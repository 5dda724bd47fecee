//! Places that operators write into tickets, and the map by which what is reported by hand was placed.

use protocol::hotline::ToldPlace;
use protocol::{Event, Incident, Subject};
use serde_json::{Value, json};

use super::middle;
use super::placing::{county, rows};
use crate::web::tests::site::{Browser, Site};
use crate::workflow::{self, Actor, Step};

impl Site {
    /// Files a ticket, or corrects it; returns the case.
    async fn files(&self, number: &str, who: &Browser, place: &str) -> Value {
        let draft = json!({
            "matter": "complaint", "category": "noise", "urgency": "normal", "place": place, "summary": "占道经营",
        });
        let filed = self.asks("PUT", &format!("/api/v1/cases/{number}/ticket"), who, &draft).await;
        assert_eq!(filed.status, 200, "{place}: {}", filed.text);
        filed.json()
    }

    async fn dispatched(&self, number: &str) {
        let (app, id) = (&self.app, self.app.new_id());
        let step = Step::Dispatch { lead: "housing".to_owned(), co: vec![], note: String::new() };
        let tenant = app.tenant().as_str();
        workflow::store::take(&app.db, tenant, number, &step, &Actor::hub(), app.step_with(&id))
            .await
            .unwrap();
    }
}

fn say(incident: &mut Incident, text: &str, grid: Option<&str>) -> Event {
    let Subject::Call(call) = &mut incident.subject else { panic!("a call") };
    let place = ToldPlace { text: text.to_owned(), grid: grid.map(str::to_owned) };
    call.reading.as_mut().unwrap().place = Some(place);
    incident.revision += 1;
    Event::Incident(incident.clone())
}

/// The place of a ticket finds its grid like a caller's, with a row of the history that says whose words they were; what the
/// box tells later does not take it away, a corrected ticket does, and words that nobody knows put it back. What somebody has
/// picked stands over every ticket, and after the dispatch nothing moves.
#[tokio::test]
async fn a_place_in_a_ticket_is_found() {
    for mut site in county().await {
        let mut incident = site.call_about("一个仓库", None);
        site.hand_in(Event::Incident(incident.clone())).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        assert_eq!(site.case(&number, &seat).await["workflow"]["area"], "/", "{}", site.name);

        let case = site.files(&number, &seat, "凤鸣路菜市场门口").await;
        assert_eq!((&case["workflow"]["area"], &case["state"]), (&json!("/c/t/east/e1/"), &json!("filed")));
        assert_eq!(case["location"]["name"], "凤鸣路菜市场", "{}", site.name);
        assert_eq!(site.grid_version(&number).await, Some(1));
        let told = &case["place_told"];
        assert_eq!(
            (&told["told"], &told["told_by"], &told["chosen_by"]),
            (&json!("凤鸣路菜市场门口"), &json!("user:seat03"), &json!("hub"))
        );
        let located = rows(&case, "located");
        assert_eq!(located.len(), 1, "{}", site.name);
        let detail = &located[0]["detail"];
        assert_eq!((&detail["told_by"], &detail["gazetteer"]), (&json!("user:seat03"), &json!(1)));
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await.text;
        assert!(page.contains("确定地点") && page.contains("首尾相连"), "the chain holds");

        let event = say(&mut incident, "人民医院", None);
        site.hand_in(event).await;
        let case = site.case(&number, &seat).await;
        assert_eq!(case["workflow"]["area"], "/c/t/east/e1/", "{}: a person's words stand", site.name);
        assert_eq!(case["place_told"]["told"], "凤鸣路菜市场门口");
        let case = site.files(&number, &seat, "凤鸣路菜市场门口").await;
        assert_eq!(rows(&case, "located").len(), 1, "the same words are not looked up again");

        let case = site.files(&number, &seat, "人民医院").await;
        assert_eq!(case["workflow"]["area"], "/c/t/west/w1/", "{}", site.name);
        assert_eq!((rows(&case, "located").len(), rows(&case, "unlocated").len()), (2, 0));
        let case = site.files(&number, &seat, "不详").await;
        assert_eq!(case["workflow"]["area"], "/c/t/west/w1/", "{}: no place takes none away", site.name);
        let case = site.files(&number, &seat, "老地方").await;
        assert_eq!((&case["workflow"]["area"], &case["location"]), (&json!("/"), &Value::Null));
        assert_eq!((rows(&case, "located").len(), rows(&case, "unlocated").len()), (2, 1), "{}", site.name);
        assert_eq!(site.grid_version(&number).await, None);

        let picked = site
            .asks("POST", &format!("/api/v1/cases/{number}/place"), &seat, &json!({"area": "hill"}))
            .await;
        assert_eq!(picked.status, 200, "{}", picked.text);
        let case = site.files(&number, &seat, "凤鸣路菜市场").await;
        assert_eq!(case["workflow"]["area"], "/c/t/hill/", "{}: what was picked stands", site.name);
        assert_eq!(case["place_told"]["chosen_by"], "user:seat03");

        site.dispatched(&number).await;
        let case = site.files(&number, &seat, "人民医院").await;
        assert_eq!(case["workflow"]["area"], "/c/t/hill/");
        assert_eq!(case["ticket"]["place"], "人民医院", "{}: corrected all the same", site.name);
    }
}

/// A ticket that names a village's place is filed with a village's limits.
#[tokio::test]
async fn a_village_has_its_limits_from_the_filing_on() {
    for mut site in county().await {
        site.hand_in(Event::Incident(site.call_about("一个仓库", None))).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let case = site.files(&number, &seat, "北岭村委会门口").await;
        assert_eq!(case["workflow"]["area"], "/c/t/hill/h1/", "{}", site.name);
        let clocks = case["workflow"]["clocks"].as_array().unwrap();
        let dispatch: Vec<_> = clocks.iter().filter(|clock| clock["clock"] == "dispatch").collect();
        assert_eq!(dispatch.len(), 1, "{clocks:?}");
        assert_eq!(dispatch[0]["limit"], "2 hours", "{}", site.name);
    }
}

/// The same words as the caller's become the operator's: other words of the box do not count any more, but the box may still
/// say in which grid they are.
#[tokio::test]
async fn a_ticket_that_agrees() {
    for mut site in county().await {
        let mut incident = site.call_about("幸福超市", None);
        site.hand_in(Event::Incident(incident.clone())).await;
        let seat = site.log_in("seat03").await;
        let number = site.number(&seat).await;
        let case = site.files(&number, &seat, "幸福超市").await;
        let told = &case["place_told"];
        assert_eq!(
            (&told["told_by"], &told["chosen"]),
            (&json!("user:seat03"), &Value::Null),
            "{}",
            site.name
        );
        let event = say(&mut incident, "人民医院", None);
        site.hand_in(event).await;
        let case = site.case(&number, &seat).await;
        assert_eq!((&case["workflow"]["area"], rows(&case, "located").len()), (&json!("/"), 0));
        let event = say(&mut incident, "幸福超市", Some("东关社区"));
        site.hand_in(event).await;
        let case = site.case(&number, &seat).await;
        assert_eq!(case["workflow"]["area"], "/c/t/east/e2/", "{}", site.name);
        assert_eq!(case["place_told"]["told_by"], "user:seat03");
    }
}

/// What is reported by hand with coordinates keeps the map by which its grid was found, as incidents' cases do; where an
/// area was named, or no grid has the point, no map is named.
#[tokio::test]
async fn reports_keep_their_map() {
    for site in county().await {
        let seat = site.log_in("seat03").await;
        let (latitude, longitude) = middle(2);
        let report = |more: Value| {
            let mut all = json!({"title": "井盖破损", "text": "破了", "place": "路口"});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        for (more, area, version) in [
            (json!({"latitude": latitude, "longitude": longitude}), "/c/t/east/e2/", Some(1)),
            (json!({"latitude": latitude, "longitude": longitude, "area": "west"}), "/c/t/west/", None),
            (json!({"latitude": 30.0, "longitude": 100.0}), "/", None),
            (json!({"area": "hill"}), "/c/t/hill/", None),
        ] {
            let made = site.asks("POST", "/api/v1/cases", &seat, &report(more.clone())).await;
            assert_eq!(made.status, 201, "{more}: {}", made.text);
            let case = made.json();
            assert_eq!(case["workflow"]["area"], area, "{}: {more}", site.name);
            let number = case["number"].as_str().unwrap();
            assert_eq!(site.grid_version(number).await, version, "{}: {more}", site.name);
        }
    }
}
