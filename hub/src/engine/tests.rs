//! What the engine does by the clock, on both databases, with the clock in the test's hand; each pass is made twice.

mod two_hubs;

use protocol::{Clock as _, IncidentKind, Severity};
use serde_json::Value;

use super::*;
use crate::admin::By;
use crate::organisation::duty;
use crate::web::tests::site::{Site, sites};
use crate::workflow::Step;

const HOUR: i64 = 3_600_000;

impl Site {
    /// A pass now, and again: the second finds nothing.
    async fn pass(&self) -> u64 {
        let now = self.clock.now();
        let done = pass(&self.app, now).await.unwrap();
        assert_eq!(pass(&self.app, now).await.unwrap(), 0, "done once, {}", self.name);
        done
    }

    async fn hours(&self, hours: i64) -> u64 {
        self.clock.advance_ms(hours * HOUR);
        self.pass().await
    }

    async fn takes(&self, number: &str, step: Step) {
        let (app, id) = (&self.app, self.app.new_id());
        let with = app.step_with(&id);
        workflow::store::take(&app.db, app.tenant().as_str(), number, &step, &Actor::hub(), with)
            .await
            .unwrap();
    }

    async fn told(&self, user: &str) -> Vec<String> {
        let (db, tenant) = (&self.app.db, self.app.tenant().as_str());
        let all = notice::of_user(db, tenant, user, false, 100).await.unwrap();
        all.into_iter().rev().map(|one| format!("{} {}", one.kind, one.text_zh)).collect()
    }

    async fn actions(&self, number: &str) -> Vec<String> {
        let browser = self.log_in("admin").await;
        let case = self.get(&format!("/api/v1/cases/{number}"), Some(&browser)).await.json();
        let rows = case["history"].as_array().unwrap();
        rows.iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
    }

    async fn with(&self, name: &str, role: Role, unit: Option<&str>) {
        let grant = crate::user::Grant {
            role,
            area: crate::organisation::AreaPath::everything(),
            unit: unit.map(str::to_owned),
        };
        let (app, one) = (&self.app, (name, "correct horse battery", &grant));
        crate::user::testing::add_with(&app.db, app.tenant().as_str(), &app.chance, self.clock.now(), one)
            .await
            .unwrap();
    }
}

/// A unit that is late: warned when most of its time has run, a yellow card at the end, 催办 a day later, red and black after
/// five and ten working days; nobody is told at night, and each once.
#[tokio::test]
async fn a_late_unit() {
    for mut site in sites().await {
        crate::organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        site.with("handler", Role::Handler, Some("housing")).await;
        site.with("other", Role::Handler, Some("police")).await;
        let mut incident = camera(&site);
        incident.severity = Severity::Normal;
        site.hand_in(protocol::Event::Incident(incident)).await;
        let admin = site.log_in("admin").await;
        let number = site.number(&admin).await;
        // Wednesday 14:31; seven working days end on Friday the 27th at 18:00.
        site.takes(&number, Step::File { category: "other".into(), note: String::new() }).await;
        site.takes(&number, Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() }).await;
        site.takes(&number, Step::Accept {}).await;
        assert_eq!(site.pass().await, 0);
        site.hours(24 * 8).await;
        assert_eq!(site.told("handler").await, ["due_soon 处置期限将到：2026-03-27 18:00（7个工作日）"]);
        // Friday 19:31: it has ended, but people are told on Monday.
        site.hours(24 + 5).await;
        assert_eq!(site.told("handler").await.len(), 1, "nobody is told at night, {}", site.name);
        site.hours(24 * 2 + 13).await;
        let told = site.told("handler").await;
        assert_eq!(told[1], "card 黄牌督办：处置已超期，期限 2026-03-27 18:00（7个工作日）", "{told:?}");
        for _ in 0..40 {
            site.hours(12).await;
        }
        let kinds: Vec<String> = site
            .told("handler")
            .await
            .iter()
            .map(|told| told.split('：').next().unwrap().to_owned())
            .collect();
        assert_eq!(
            kinds,
            ["due_soon 处置期限将到", "card 黄牌督办", "overdue 催办", "card 红牌督办", "card 黑牌督办"]
        );
        assert_eq!(site.told("other").await, Vec::<String>::new(), "another unit is told nothing");
        let chief = site.told("chief").await;
        assert_eq!(
            chief.iter().filter(|told| told.starts_with("card")).count(),
            2,
            "red and black: {chief:?}"
        );
        let tail = site.actions(&number).await;
        assert!(
            tail.ends_with(&[
                "card_shown".into(),
                "reminded".into(),
                "card_shown".into(),
                "card_shown".into()
            ]),
            "{tail:?}"
        );
        // The history says it in the reader's language, of what the row keeps.
        let admin = site.log_in("admin").await;
        let page =
            async |lang: &str| site.get(&format!("/cases/{number}?lang={lang}"), Some(&admin)).await.text;
        let (zh, en) = (page("zh").await, page("en").await);
        assert!(zh.contains("处置已超期，期限 2026-03-27 18:00") && zh.contains("黄牌督办"), "{zh}");
        assert!(en.contains("Handling is overdue since 2026-03-27 18:00"), "{en}");
        assert!(!en.contains("已超期"), "{}", site.name);
        // More time: what was planned by the old end is planned anew.
        site.takes(&number, Step::AskExtension { by: "9 working days".parse().unwrap(), reason: "x".into() })
            .await;
        // Its session has ended long ago.
        let admin = site.log_in("admin").await;
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&admin)).await.json();
        let request = case["workflow"]["requests"][0]["request"].as_str().unwrap().to_owned();
        site.takes(&number, Step::Decide { request, grant: true, reason: "x".into() }).await;
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&admin)).await.json();
        let running = |clock: &&Value| clock["clock"] == "handle" && clock["stopped_at"].is_null();
        let clocks = case["workflow"]["clocks"].as_array().unwrap();
        assert_eq!(clocks.iter().find(running).unwrap()["extensions"], serde_json::json!(["9 working days"]));
    }
}

fn camera(site: &Site) -> protocol::Incident {
    let subject = protocol::Subject::Camera(protocol::CameraSubject {
        camera_id: "north".parse().unwrap(),
        camera_name: "北口".into(),
        rule_id: "lane".parse().unwrap(),
        rule_name: "占道".into(),
        rule_name_en: None,
        label: protocol::Label::Car,
        score: 0.9,
        region: protocol::NormBox { x: 0.1, y: 0.1, w: 0.2, h: 0.4 },
        object_count: 1,
        motion_only: false,
        method: "m".into(),
    });
    site.incident(subject, IncidentKind::BlockedLane, "北口")
}

/// An emergency that nobody has in hand: after 60 s who is on duty, then the leader of the shift, then the command centre,
/// then again; whoever has it stops that.
#[tokio::test]
async fn an_emergency_is_told_further() {
    for mut site in sites().await {
        for (name, role) in [("leader", Role::ShiftLeader), ("off", Role::Operator)] {
            site.with(name, role, None).await;
        }
        let roster = "user,post,from,to\nseat03,duty,2026-03-18 08:00,2026-03-18 20:00\n\
                      off,duty,2026-03-19 08:00,2026-03-19 20:00\n";
        let (app, sheet) = (&site.app, (roster.as_bytes(), &site.app.zone));
        let tenant = app.tenant().as_str().to_owned();
        let by = By::cli(site.clock.now());
        let taken = duty::import(&app.db, &tenant, &app.chance, sheet, false, &by).await.unwrap();
        assert!(taken.done && taken.new.len() == 2, "{:?}", taken.bad);
        site.raise_camera("north", "水厂西墙").await;
        let number = site.number(&site.log_in("admin").await).await;
        assert_eq!(site.pass().await, 0);
        site.clock.advance_ms(59_000);
        assert_eq!(site.pass().await, 0, "it has 60 s");
        let counts = async |site: &Site| {
            let mut all = Vec::new();
            for name in ["seat03", "off", "leader", "chief"] {
                all.push(site.told(name).await.iter().filter(|told| told.starts_with("emergency")).count());
            }
            all
        };
        for (wait_ms, told) in [
            (1_000, [1, 0, 0, 0]),
            (60_000, [1, 0, 1, 0]),
            (60_000, [1, 0, 1, 1]),
            (299_000, [1, 0, 1, 1]),
            (1_000, [1, 0, 1, 2]),
        ] {
            site.clock.advance_ms(wait_ms);
            site.pass().await;
            assert_eq!(counts(&site).await, told, "{}", site.name);
        }
        let acknowledged =
            case::store::acknowledge(&site.app.db, &tenant, &number, "seat03", site.clock.now());
        acknowledged.await.unwrap();
        site.hours(1).await;
        assert_eq!(counts(&site).await, [1, 0, 1, 2], "somebody has it");
        let escalated =
            site.actions(&number).await.into_iter().filter(|action| action == "escalated").count();
        assert_eq!(escalated, 4);
        // Read by one, unread by the other; a stranger's is not there.
        let seat = site.log_in("seat03").await;
        let list = site.get("/api/v1/notices?unread=1", Some(&seat)).await.json();
        let own = list["notices"].as_array().unwrap().iter().find(|one| one["kind"] == "emergency").unwrap();
        let id = own["notice_id"].as_str().unwrap().to_owned();
        let (db, now) = (&site.app.db, site.clock.now());
        assert!(notice::read(db, &tenant, "seat03", &id, now).await.unwrap());
        assert!(!notice::read(db, &tenant, "off", &id, now).await.unwrap());
        let unread = notice::of_user(db, &tenant, "seat03", true, 10).await.unwrap();
        assert!(unread.iter().all(|one| one.notice_id != id));
    }
}

/// A suspension that is over ends by itself, and says so.
#[tokio::test]
async fn suspensions_end() {
    for mut site in sites().await {
        crate::organisation::store::seed_units(&site.app.db, site.app.tenant().as_str()).await.unwrap();
        site.raise_camera("north", "北口").await;
        let admin = site.log_in("admin").await;
        let number = site.number(&admin).await;
        site.takes(&number, Step::File { category: "other".into(), note: String::new() }).await;
        site.takes(&number, Step::Dispatch { lead: "housing".into(), co: vec![], note: String::new() }).await;
        site.takes(&number, Step::Accept {}).await;
        let until = site.clock.now().plus_ms(48 * HOUR);
        site.takes(&number, Step::AskSuspension { until, reason: "等".into() }).await;
        let address = format!("/api/v1/cases/{number}");
        let case = site.get(&address, Some(&admin)).await.json();
        let request = case["workflow"]["requests"][0]["request"].as_str().unwrap().to_owned();
        site.takes(&number, Step::Decide { request, grant: true, reason: "可".into() }).await;
        site.hours(47).await;
        let admin = site.log_in("admin").await;
        let state = site.get(&address, Some(&admin)).await.json()["state"].clone();
        assert_eq!(state, "suspended");
        site.hours(1).await;
        let state = site.get(&address, Some(&admin)).await.json()["state"].clone();
        assert_eq!(state, "in_progress", "{}", site.name);
    }
}

/// A drill goes the whole way and reminds nobody.
#[tokio::test]
async fn drills_remind_nobody() {
    for mut site in sites().await {
        let mut incident = camera(&site);
        incident.drill = true;
        site.hand_in(protocol::Event::Incident(incident)).await;
        site.hours(24 * 30).await;
        assert!(site.told("seat03").await.is_empty() && site.told("chief").await.is_empty(), "{}", site.name);
    }
}

/// Every wrong turn of a roster is told with its place, and nothing goes in.
#[tokio::test]
async fn wrong_rosters_are_told() {
    for site in sites().await {
        let sheet = "user,post,area,from,to\nghost,duty,,2026-03-18 08:00,2026-03-18 20:00\n\
                     seat03,boss,nowhere,soon,2026-03-18 20:00\nseat03,duty,,2026-03-18 08:00,2026-03-18 07:00\n";
        let (app, now) = (&site.app, site.clock.now());
        let tenant = app.tenant().as_str();
        let (sheet, by) = ((sheet.as_bytes(), &app.zone), By::cli(now));
        let outcome = duty::import(&app.db, tenant, &app.chance, sheet, false, &by).await.unwrap();
        let told: Vec<String> = outcome.bad.iter().map(ToString::to_string).collect();
        for part in [
            "line 2, column A (user): there is no user \"ghost\"",
            "line 3, column B (post): \"boss\" is neither",
            "line 3, column C (area): there is no area",
            "line 3, column D (from): \"soon\" is no moment",
            "line 4, column E (to): a turn ends after it begins",
        ] {
            assert!(told.iter().any(|line| line.starts_with(part)), "{part}: {told:#?}");
        }
        assert!(!outcome.done && duty::lines(&app.db, tenant, &app.zone, now).await.unwrap().is_empty());
    }
}

/// A new emergency in a case that somebody has had in hand for a while is told of as one that nobody has, until somebody
/// says that he has it; one that comes at once is his already.
#[tokio::test]
async fn a_new_emergency_is_told_again() {
    for mut site in sites().await {
        let tenant = site.app.tenant().as_str().to_owned();
        site.raise_camera("north", "水厂西墙").await;
        let number = site.number(&site.log_in("admin").await).await;
        let takes = async |site: &Site| {
            let now = site.clock.now();
            case::store::acknowledge(&site.app.db, &tenant, &number, "seat03", now).await.unwrap()
        };
        let emergencies = async |site: &Site| {
            site.told("seat03").await.iter().filter(|told| told.starts_with("emergency")).count()
        };
        takes(&site).await;
        site.clock.advance_ms(60_000);
        site.raise_camera("north", "水厂西墙").await;
        site.clock.advance_ms(120_000);
        site.pass().await;
        assert_eq!(emergencies(&site).await, 0, "he has just taken it, {}", site.name);
        // Long after, and while units are at work on it.
        crate::organisation::store::seed_units(&site.app.db, &tenant).await.unwrap();
        site.give_to(&number, "housing").await;
        site.clock.advance_ms(HOUR);
        site.raise_camera("north", "水厂西墙").await;
        let seat = site.log_in("seat03").await;
        let page = site.get(&format!("/cases/{number}"), Some(&seat)).await.text;
        let button = page.split("id=\"acknowledge\"").nth(1).unwrap().split('>').next().unwrap();
        assert!(!button.contains("disabled"), "it can be taken on its page: {button}");
        site.clock.advance_ms(60_000);
        site.pass().await;
        assert_eq!(emergencies(&site).await, 1, "{}", site.name);
        takes(&site).await;
        site.hours(2).await;
        assert_eq!(emergencies(&site).await, 1);
    }
}
