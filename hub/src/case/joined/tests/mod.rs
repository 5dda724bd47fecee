//! Who is told what of cases that joined one, by pages and API.

use protocol::hotline::{CallReading, ToldPlace};
use protocol::{CallId, Event, IncidentKind, Severity, Subject, Transcript};
use serde_json::Value;
use uuid::Uuid;

use crate::case::report::{self, Enclosed, NewReport};
use crate::case::{self, Source};
use crate::organisation::{self, AreaPath};
use crate::user::{self, Grant, Role};
use crate::web::tests::site::{Browser, START, Site, call, sites};
use crate::workflow::{self, Actor, Step};

const AREAS: &str = "id,name,level,parent\n\
    county,县,county,\n\
    north,北镇,town,county\n\
    south,南镇,town,county\n";

const SAID: &str = "后头仓库冒烟，我在三楼";

/// What stands in the way of a test.
struct Scene {
    /// Goes on.
    main: String,
    /// A call of which a place is known, one of which nothing but the number is, and a confidential report.
    told: String,
    silent: String,
    secret: String,
}

impl Site {
    async fn calls_once(&mut self, id: u128, reading: Option<CallReading>) -> String {
        let id = CallId(Uuid::from_u128(id)).to_string();
        let mut subject = call(&id, "03", Transcript::Failed { reason: SAID.to_owned() });
        if let Subject::Call(call) = &mut subject {
            call.reading = reading;
        }
        let incident = self.incident(subject, IncidentKind::Hotline, "");
        self.hand_in(Event::Incident(incident)).await;
        let tenant = self.app.tenant().as_str();
        case::store::by_call(&self.app.db, tenant, "", &id).await.unwrap().unwrap().number
    }

    async fn step_of_a_join(&self, number: &str, step: Step) {
        let (app, id) = (&self.app, self.app.new_id());
        let with = app.step_with(&id);
        workflow::store::take(&app.db, app.tenant().as_str(), number, &step, &Actor::hub(), with)
            .await
            .unwrap_or_else(|error| panic!("{step:?}: {error}"));
    }

    async fn dispatches_joined(&self, number: &str, lead: &str, co: &[&str]) {
        let co = co.iter().map(|unit| (*unit).to_owned()).collect();
        self.step_of_a_join(number, Step::Dispatch { lead: lead.to_owned(), co, note: String::new() }).await;
    }

    async fn scene_of_a_join(&mut self) -> Scene {
        let (app, tenant) = (self.app.clone(), self.app.tenant().as_str().to_owned());
        organisation::store::seed_units(&app.db, &tenant).await.unwrap();
        assert!(
            organisation::testing::import_areas(&app.db, &tenant, AREAS.as_bytes(), false)
                .await
                .unwrap()
                .done
        );
        for (name, role, area, unit) in [
            ("south", Role::TownOfficer, "/county/south/", None),
            ("housing", Role::Handler, "/", Some("housing")),
            ("police", Role::Handler, "/", Some("police")),
            ("education", Role::DepartmentHead, "/", Some("education")),
            ("health", Role::Handler, "/", Some("health")),
        ] {
            let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: unit.map(str::to_owned) };
            let one = (name, "correct horse battery", &grant);
            user::testing::add_with(&app.db, &tenant, &app.chance, START, one).await.unwrap();
        }
        self.put_box_in("/county/south/").await;
        self.raise_camera("north", "北口").await;
        let seat = self.log_in("seat03").await;
        let main = self.number(&seat).await;
        self.put_box_in("/county/north/").await;
        let place = Some(ToldPlace { text: "凤鸣路菜市场".to_owned(), grid: None });
        let reading = CallReading { title: "仓库着火了".to_owned(), place, ..CallReading::default() };
        let told = self.calls_once(0xa1, Some(reading)).await;
        let silent = self.calls_once(0xa2, None).await;
        let report = NewReport {
            title: "举报某单位".to_owned(),
            text: "夜里烧垃圾".to_owned(),
            place: "后院".to_owned(),
            area: Some("north".to_owned()),
            at: None,
            severity: Severity::Normal,
            confidential: true,
        };
        let grants = [Grant::everywhere(Role::Operator)];
        let secret = report::report(&app, &report, &Enclosed::default(), "seat03", &grants).await.unwrap();
        assert_eq!(secret.source, Source::Citizen.as_str());
        for joins in [&told, &silent, &secret.number] {
            self.step_of_a_join(
                joins,
                Step::Join { into: main.clone(), note: "同一火场，详见来电".to_owned() },
            )
            .await;
        }
        self.step_of_a_join(&main, Step::File { category: "other".to_owned(), note: String::new() }).await;
        // Sent to the wrong unit first, which is taken back.
        self.dispatches_joined(&main, "education", &[]).await;
        self.step_of_a_join(&main, Step::Withdraw { reason: "派错".to_owned() }).await;
        self.dispatches_joined(&main, "housing", &["health"]).await;
        Scene { main, told, silent, secret: secret.number }
    }

    async fn shown_with_joined(&self, number: &str, who: &Browser) -> Value {
        let answer = self.get(&format!("/api/v1/cases/{number}"), Some(who)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }
}

fn numbers(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["number"].as_str().unwrap()).collect()
}

/// The lead and a co-handler read of each call what, where, how bad and when; not who called, what was said, any file, or the
/// case itself, and of a confidential report nothing at all.
#[tokio::test]
async fn units_are_told_what_they_need() {
    for mut site in sites().await {
        let scene = site.scene_of_a_join().await;
        for name in ["housing", "health"] {
            let unit = site.sign_in(name).await;
            let case = site.shown_with_joined(&scene.main, &unit).await;
            assert_eq!(case["joined"], serde_json::json!([]), "{}: {name}", site.name);
            assert_eq!(
                numbers(&case["joined_reports"]),
                [&scene.told, &scene.silent],
                "{}: {name}",
                site.name
            );
            let (told, silent) = (&case["joined_reports"][0], &case["joined_reports"][1]);
            assert_eq!(told["title"], "热线来电 · 仓库着火了", "{}", site.name);
            assert_eq!((&told["place"], &told["severity"]), (&"凤鸣路菜市场".into(), &"emergency".into()));
            assert!(
                told["opened_at"].as_i64().unwrap() >= START.0 && told["joined_at"].as_i64().unwrap() > 0
            );
            assert_eq!((&silent["title"], &silent["place"]), (&"热线来电 · [号码]".into(), &Value::Null));
            let incidents = case["incidents"].as_array().unwrap();
            assert_eq!(incidents.len(), 1, "the camera's alone, {}", site.name);

            let page = site.get(&format!("/cases/{}", scene.main), Some(&unit)).await;
            assert_eq!(page.status, 200);
            assert!(page.text.contains("仓库着火了") && page.text.contains("凤鸣路菜市场"), "{}", page.text);
            for (what, text) in [("json", case.to_string()), ("page", page.text)] {
                for private in ["138****", "6027", SAID, "举报某单位", "夜里烧垃圾", "后院"] {
                    assert!(!text.contains(private), "{private} on the {what} of {name}, {}", site.name);
                }
            }
            for hidden in [&scene.told, &scene.silent, &scene.secret] {
                let page = site.get(&format!("/cases/{}", scene.main), Some(&unit)).await.text;
                assert!(!page.contains(&format!("/cases/{hidden}\"")), "no door that does not open");
                for path in ["/cases/", "/api/v1/cases/"] {
                    let answer = site.get(&format!("{path}{hidden}"), Some(&unit)).await;
                    assert_eq!(answer.status, 404, "{path}{hidden} of {name}, {}", site.name);
                }
            }
            let call = CallId(Uuid::from_u128(0xa1));
            assert_eq!(site.get(&format!("/calls/{call}"), Some(&unit)).await.status, 404);
        }
    }
}

/// Nobody else is told: not a unit that has no part in it, nor one from which it was taken back, nor who holds only the area
/// of the case that goes on; who may open what joined finds it there as before, once.
#[tokio::test]
async fn nobody_else_is_told() {
    for mut site in sites().await {
        let scene = site.scene_of_a_join().await;
        let police = site.sign_in("police").await;
        assert_eq!(site.get(&format!("/api/v1/cases/{}", scene.main), Some(&police)).await.status, 404);
        for name in ["education", "south"] {
            let who = site.sign_in(name).await;
            let case = site.shown_with_joined(&scene.main, &who).await;
            for list in ["joined", "joined_reports"] {
                assert_eq!(numbers(&case[list]), Vec::<&str>::new(), "{}: {name}: {list}", site.name);
            }
            let page = site.get(&format!("/cases/{}", scene.main), Some(&who)).await.text;
            assert!(!page.contains("仓库着火了"), "{name}, {}", site.name);
        }
        let seat = site.sign_in("seat03").await;
        let case = site.shown_with_joined(&scene.main, &seat).await;
        assert_eq!(numbers(&case["joined"]), [&scene.told, &scene.silent, &scene.secret], "{}", site.name);
        assert_eq!(numbers(&case["joined_reports"]), Vec::<&str>::new(), "once, {}", site.name);
        assert_eq!(case["incidents"].as_array().unwrap().len(), 3);

        // Split off again: it is nobody's but its own.
        site.step_of_a_join(&scene.told, Step::Split { reason: "两处火点".to_owned() }).await;
        let unit = site.sign_in("housing").await;
        let case = site.shown_with_joined(&scene.main, &unit).await;
        assert_eq!(numbers(&case["joined_reports"]), [&scene.silent], "{}", site.name);
    }
}
