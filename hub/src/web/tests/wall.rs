//! The alert wall: what it shows whom, in which order and with which numbers, and what its forms do.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use protocol::{Clock as _, Event, Severity};

use super::site::{Answer, Browser, START, Site, sites};
use crate::admin::By;
use crate::organisation::{self, AreaPath, duty};
use crate::user::{self, Grant, Role};
use crate::web::guard::percent;
use crate::workflow::{self, Actor, Step};

impl Site {
    /// An alert of a camera of its own, with a place that it is found by; returns its case's number.
    async fn alert(&mut self, place: &str, severity: Severity) -> String {
        let mut incident = self.camera_incident(&format!("camera-{}", self.sequence), place);
        incident.severity = severity;
        self.hand_in(Event::Incident(incident)).await;
        self.newest().await
    }

    /// Number of the case that was opened last.
    async fn newest(&self) -> String {
        let filter = crate::case::CaseFilter { limit: 1, ..crate::case::CaseFilter::default() };
        let (db, tenant) = (&self.app.db, self.app.tenant().as_str());
        let newest = crate::case::store::list::list(db, tenant, &filter).await.unwrap();
        newest[0].number.clone()
    }

    async fn colleague(&self, name: &str, role: Role, area: &str) -> Browser {
        let (app, tenant) = (&self.app, self.app.tenant().as_str());
        let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
        let one = (name, "correct horse battery", &grant);
        user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        self.sign_in(name).await
    }

    async fn wall(&self, browser: &Browser) -> String {
        let answer = self.get("/wall", Some(browser)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {}", self.name, answer.text);
        answer.text
    }

    /// How many cases stand behind a figure.
    async fn behind(&self, browser: &Browser, address: &str) -> usize {
        let page = self.get(address, Some(browser)).await;
        assert_eq!(page.status, StatusCode::OK, "{address}: {}", page.text);
        let told: usize = between(&page.text, "id=\"n-behind\">", "<").parse().unwrap();
        assert_eq!(page.text.matches("<tr class=\"jk\"").count(), told, "{address}");
        told
    }

    /// The same form by a script: answered with words.
    async fn post_by_script(&self, path: &str, browser: &Browser, form: &str) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, &browser.cookie)
            .header("hx-request", "true")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await
    }

    async fn state(&self, number: &str, browser: &Browser) -> String {
        let case = self.get(&format!("/api/v1/cases/{number}"), Some(browser)).await.json();
        case["state"].as_str().unwrap().to_owned()
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}")).1;
    rest.split(after).next().unwrap()
}

/// Numbers of the cards, top first.
fn cards(page: &str) -> Vec<&str> {
    page.split("id=\"alert-").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

fn waiting(page: &str) -> &str {
    between(between(page, "id=\"n-alerts\"", "/a>"), ">", "<")
}

/// The worst first, of equals the one that waits longest; the numbers are those of the list and of the cases behind them.
/// Whoever acknowledges by the plain form is back on the wall, where the card has become a quiet row.
#[tokio::test]
async fn order_numbers_and_acknowledgement() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let mut raised = Vec::new();
        for (place, severity) in [
            ("水厂西墙", Severity::Major),
            ("学校东门", Severity::Emergency),
            ("东关巷北口", Severity::Emergency),
            ("西街", Severity::Normal),
        ] {
            raised.push(site.alert(place, severity).await);
            site.clock.advance_ms(10_000);
        }
        let page = site.wall(&chief).await;
        assert_eq!(cards(&page), [&raised[1], &raised[2], &raised[0], &raised[3]], "{}", site.name);
        assert_eq!(waiting(&page), "4");
        assert!(page.contains("00:30") && page.contains("东关巷北口"), "age and place");
        assert_eq!(page.matches(" data-rings").count(), 2, "only emergencies make themselves heard");
        assert_eq!(page.matches(" pulse\"").count(), 2);
        let counts = site.get("/cases/counts", Some(&chief)).await.json();
        assert_eq!(counts["waiting"], 4);
        for (address, count) in [
            ("/wall/cases?part=waiting", 4),
            ("/wall/cases?part=waiting&severity=emergency", 2),
            ("/wall/cases?part=open&county=1", 4),
            ("/wall/cases?part=open&area=/county/", 0),
            ("/wall/cases?part=inhand", 0),
        ] {
            assert_eq!(site.behind(&chief, address).await, count, "{address}, {}", site.name);
        }

        let form = format!("csrf={}&back=/wall", chief.csrf);
        let answer = site.post(&format!("/cases/{}/acknowledge", raised[1]), &chief, &form).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/wall"));
        let page = site.wall(&chief).await;
        assert_eq!(cards(&page), [&raised[2], &raised[0], &raised[3]], "{}", site.name);
        assert_eq!(waiting(&page), "3");
        assert!(page.contains(&format!("id=\"held-{}\"", raised[1])), "one quiet row");
        assert_eq!(site.behind(&chief, "/wall/cases?part=inhand").await, 1);
    }
}

/// Somebody of another area sees nothing of it: no card, no number, no figure, and no form that works. Where it lies it is
/// there, and counted for the town.
#[tokio::test]
async fn each_area_has_its_own_wall() {
    for mut site in sites().await {
        let areas =
            "id,name,level,parent\ncounty,县,county,\nnorth,北镇,town,county\nsouth,南镇,town,county\n";
        let (db, tenant) = (&site.app.db, site.app.tenant().as_str());
        assert!(organisation::testing::import_areas(db, tenant, areas.as_bytes(), false).await.unwrap().done);
        let north = site.colleague("north", Role::TownOfficer, "/county/north/").await;
        let south = site.colleague("south", Role::TownOfficer, "/county/south/").await;
        site.put_box_in("/county/north/").await;
        let number = site.alert("东关巷北口", Severity::Emergency).await;

        let page = site.wall(&south).await;
        assert!(
            cards(&page).is_empty() && !page.contains(&number) && !page.contains("东关巷"),
            "{}",
            site.name
        );
        assert_eq!(waiting(&page), "0");
        assert!(page.contains("南镇") && !page.contains("北镇"));
        assert!(page.contains("还没有任何预警"), "not even when the latest was");
        for address in ["/wall/cases", "/wall/cases?area=/county/north/", "/wall/cases?alerts=1"] {
            assert_eq!(site.behind(&south, address).await, 0, "{address}, {}", site.name);
        }
        let form = format!("csrf={}&number={number}&note=x", south.csrf);
        let hidden = site.post("/wall/false-alarm", &south, &form).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND);

        let page = site.wall(&north).await;
        assert_eq!(cards(&page), [&number]);
        let town = between(&page, "北镇</th>", "</tr>");
        assert!(
            town.contains("/wall/cases?part=waiting&#38;severity=emergency&#38;area=/county/north/"),
            "{town}"
        );
        assert_eq!(site.behind(&north, "/wall/cases?part=waiting&area=/county/north/").await, 1);
        assert_eq!(site.state(&number, &north).await, "received", "nothing happened");
    }
}

/// The form for a room is for the centre and the auditor, has the cards and nothing that can be done, and takes no forms.
#[tokio::test]
async fn the_screen_only_shows() {
    for mut site in sites().await {
        let (chief, seat) = (site.log_in("chief").await, site.log_in("seat03").await);
        let auditor = site.colleague("auditor", Role::Auditor, "/").await;
        let number = site.alert("东关巷北口", Severity::Emergency).await;
        let desk = site.wall(&chief).await;
        assert!(desk.contains("action=\"/wall/false-alarm\"") && desk.contains("data-row-key=\"a\""));
        for viewer in [&chief, &auditor] {
            let page = site.get("/screen", Some(viewer)).await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            assert!(page.text.contains("data-theme=\"wall\""));
            assert_eq!(cards(&page.text), [&number]);
            let main = page.text.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
            assert!(!main.contains("<form") && !main.contains("data-row-key"), "{}: {main}", site.name);
            let form = format!("csrf={}&number={number}&note=x", viewer.csrf);
            assert_eq!(site.post("/screen", viewer, &form).await.status, StatusCode::METHOD_NOT_ALLOWED);
        }
        let dark = site.get("/screen?theme=dark", Some(&chief)).await;
        assert!(dark.text.contains("data-theme=\"dark\""), "another theme where one is asked for");
        let form = format!("csrf={}&number={number}&note=x&minutes=10&reason=x", auditor.csrf);
        for path in ["/wall/false-alarm", "/wall/shelve"] {
            assert_eq!(site.post(path, &auditor, &form).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        assert_eq!(site.get("/wall", Some(&auditor)).await.status, StatusCode::FORBIDDEN);
        assert_eq!(site.get("/screen", Some(&seat)).await.status, StatusCode::FORBIDDEN);
        let list = async |who| site.get("/cases", Some(who)).await.text;
        assert!(
            list(&auditor).await.contains("href=\"/screen\"") && list(&seat).await.contains("href=\"/wall\"")
        );
        assert_eq!(site.state(&number, &chief).await, "received", "{}", site.name);
    }
}

/// Strangers are led to the login and back to the wall, from its forms as well; a form without the session's token does
/// nothing.
#[tokio::test]
async fn who_gets_in() {
    for mut site in sites().await {
        let number = site.alert("东关巷北口", Severity::Emergency).await;
        for page in ["/wall", "/screen", "/wall/cases"] {
            let answer = site.get(page, None).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::SEE_OTHER, format!("/login?next={page}").as_str())
            );
        }
        let chief = site.log_in("chief").await;
        for form in ["/wall/false-alarm", "/wall/shelve"] {
            assert_eq!(site.get(form, Some(&chief)).await.header("location"), "/wall", "{form} as a page");
            let blind = format!("csrf=0&number={number}&note=x&minutes=10&reason=x");
            assert_eq!(site.post(form, &chief, &blind).await.status, StatusCode::FORBIDDEN, "{form}");
        }
        assert_eq!(site.state(&number, &chief).await, "received", "{}", site.name);
    }
}

/// A false alarm voids its case and counts against its rule; without words it is refused in words, beside the form, which
/// stays open. A script gets the words alone. Of a case that somebody else has dealt with the page says so and keeps what
/// was typed.
#[tokio::test]
async fn false_alarms_by_form() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let number = site.alert("东关巷北口", Severity::Emergency).await;
        let form =
            |note: &str| format!("csrf={}&number={number}&back=/wall&note={}", chief.csrf, percent(note));
        let refused = site.post("/wall/false-alarm", &chief, &form(" ")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("请填写说明"), "{}", refused.text);
        assert!(refused.text.contains(&format!("id=\"false-{number}\" open")), "the form stays open");
        let refused = site.post_by_script("/wall/false-alarm", &chief, &form("")).await;
        assert_eq!(
            (refused.status, refused.header("content-type")),
            (StatusCode::UNPROCESSABLE_ENTITY, "text/plain; charset=utf-8")
        );
        assert!(refused.text.contains("请填写说明") && !refused.text.contains('<'), "{}", refused.text);
        assert_eq!(site.state(&number, &chief).await, "received", "{}", site.name);

        let done = site.post("/wall/false-alarm", &chief, &form("蒸汽")).await;
        assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/wall"));
        assert_eq!(site.state(&number, &chief).await, "void");
        assert!(cards(&site.wall(&chief).await).is_empty());
        site.clock.advance_ms(1_000);
        let rules = site.get("/api/v1/rules/precision", Some(&chief)).await.json();
        assert_eq!(rules["rules"][0]["false_alarms"], 1, "{rules}");

        let late = site.post("/wall/false-alarm", &chief, &form("是灯光")).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        assert!(late.text.contains("此案已不在预警墙上") && late.text.contains("是灯光"), "{}", late.text);
    }
}

/// A source is put aside for a time that fits what it tells, by who may; then the wall lists it with who, why and until
/// when. What is refused keeps the reason that was typed.
#[tokio::test]
async fn sources_are_put_aside_by_form() {
    for mut site in sites().await {
        let (chief, seat) = (site.log_in("chief").await, site.log_in("seat03").await);
        let number = site.alert("焊接车间", Severity::Emergency).await;
        let form = |who: &Browser, minutes: &str, reason: &str| {
            format!(
                "csrf={}&number={number}&back=/wall&minutes={minutes}&reason={}",
                who.csrf,
                percent(reason)
            )
        };
        let too_long = site.post("/wall/shelve", &chief, &form(&chief, "4320", "焊接施工")).await;
        assert_eq!(too_long.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            too_long.text.contains("搁置分钟数应为 1 至 60") && too_long.text.contains("value=\"焊接施工\""),
            "{}",
            too_long.text
        );
        for odd in ["", "x", "-5", "0"] {
            let refused = site.post("/wall/shelve", &chief, &form(&chief, odd, "焊接施工")).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{odd:?}");
        }
        let refused = site.post_by_script("/wall/shelve", &seat, &form(&seat, "30", "焊接施工")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "an emergency is for those who lead");
        assert!(refused.text.contains("班长或指挥长"), "{}", refused.text);
        assert!(
            site.wall(&seat).await.contains("以下角色可以操作：指挥长、班长"),
            "and the button says so before"
        );
        assert_eq!(cards(&site.wall(&chief).await), [&number], "{}", site.name);

        let done = site.post("/wall/shelve", &chief, &form(&chief, "30", "焊接施工")).await;
        assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/wall"), "{}", done.text);
        let page = site.wall(&chief).await;
        let aside = between(&page, "data-live=\"aside\"", "</section>");
        assert!(aside.contains("chief: 焊接施工") && aside.contains("15:01:20"), "{aside}");
        assert!(cards(&page).is_empty(), "whoever puts it aside has it in hand");
        let again = site.post("/wall/shelve", &chief, &form(&chief, "30", "焊接施工")).await;
        assert_eq!(again.status, StatusCode::CONFLICT);
        assert!(again.text.contains("已经搁置"), "{}", again.text);
    }
}

/// An emergency says when it is told further, before the engine has looked and after; then how often it was. A drill and
/// what is less severe do not. Limits of the others stand on their cards.
#[tokio::test]
async fn time_left_and_escalation() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let number = site.alert("东关巷北口", Severity::Emergency).await;
        site.alert("西街", Severity::Normal).await;
        let mut drill = site.camera_incident("drill", "演练点");
        drill.drill = true;
        site.hand_in(Event::Incident(drill)).await;
        let until = format!("data-until=\"{}\"", START.plus_ms(60_000).0);
        let page = site.wall(&chief).await;
        assert!(page.contains(&until), "{}: {page}", site.name);
        assert_eq!(page.matches("data-until=").count(), 1, "no drill, nothing less severe");
        assert_eq!(page.matches(" data-rings").count(), 1);
        assert!(page.contains("演练") && page.contains("<small>受理 余</small>"), "{page}");

        site.clock.advance_ms(20_000);
        crate::engine::pass(&site.app, site.clock.now()).await.unwrap();
        let page = site.wall(&chief).await;
        assert!(
            page.contains(&until) && page.contains(">40 秒</span> 后升级"),
            "the engine reckons the same"
        );
        site.clock.advance_ms(41_000);
        crate::engine::pass(&site.app, site.clock.now()).await.unwrap();
        let page = site.wall(&chief).await;
        assert!(page.contains("<b class=\"num\">1</b> 次已升级") && page.contains(&number), "{page}");
    }
}

/// What was joined to a case is counted on its card, with why; what joined is no card of its own.
#[tokio::test]
async fn what_joined_is_said() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let into = site.alert("东关巷北口", Severity::Emergency).await;
        let joined = site.alert("东关巷南口", Severity::Emergency).await;
        let step = Step::Join { into: into.clone(), note: "同一处火情".to_owned() };
        let (app, id) = (&site.app, site.app.new_id());
        let tenant = app.tenant().as_str();
        workflow::store::take(&app.db, tenant, &joined, &step, &Actor::hub(), app.step_with(&id))
            .await
            .unwrap();
        let page = site.wall(&chief).await;
        assert_eq!(cards(&page), [&into], "{}", site.name);
        assert!(page.contains("<b class=\"num\">1</b> 件并入 · 同一处火情"), "{page}");
    }
}

/// Nine alerts in an hour that one person had whole and another half: one in ten minutes for each. A drill counts nowhere.
/// Each ten minutes has its number, and every number leads to that many cases.
#[tokio::test]
async fn load_from_a_made_history() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let roster = "user,post,from,to\n\
            chief,leader,2026-03-18 12:00,2026-03-18 23:00\n\
            chief,duty,2026-03-18 12:00,2026-03-18 23:00\n\
            seat03,duty,2026-03-18 15:00:20,2026-03-18 23:00\n";
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let sheet = (roster.as_bytes(), &app.zone);
        let taken = duty::import(&app.db, tenant, &app.chance, sheet, false, &By::cli(START)).await.unwrap();
        assert!(taken.done, "{taken:?}");
        let mut drill = site.camera_incident("drill", "演练点");
        drill.drill = true;
        site.hand_in(Event::Incident(drill)).await;
        for nth in 0..9 {
            site.alert(&format!("点位{nth}"), Severity::Major).await;
            site.clock.advance_ms(5 * 60_000);
        }
        // 14:31:20 + 45 minutes; on to 15:30:20.
        site.clock.advance_ms(14 * 60_000);
        let now = site.clock.now().0;
        let page = site.wall(&chief).await;
        let load = between(&page, "data-live=\"load\"", "</section>");
        assert!(load.contains("此刻在岗人数：<b class=\"num\">2</b>"), "{load}");
        let hour = between(load, "近 60 分钟", "</tr>");
        assert!(
            hour.contains(">9</a>") && hour.contains(">1.5<") && hour.contains("<b>1.0</b>"),
            "{}: {hour}",
            site.name
        );
        assert!(hour.contains("宜"));
        let shift = between(load, "本班自 12:00:00", "</tr>");
        assert!(shift.contains(">9</a>") && shift.contains("<b>0.4</b>"), "{shift}");
        let steps: Vec<&str> = between(load, "wall__steps", "</p>")
            .split("</a>")
            .filter_map(|link| Some(link.rsplit_once('>')?.1).filter(|count| !count.is_empty()))
            .take(6)
            .collect();
        assert_eq!(steps, ["2", "2", "2", "2", "1", "0"], "{}", site.name);
        let address = |from: i64, to: i64| format!("/wall/cases?alerts=1&after={from}&until={to}");
        assert!(load.contains(&address(now - 3_600_000, now).replace('&', "&#38;")), "{load}");
        assert_eq!(site.behind(&chief, &address(now - 3_600_000, now)).await, 9);
        assert_eq!(site.behind(&chief, &address(now - 3_600_000, now - 3_000_000)).await, 2);
        assert_eq!(site.behind(&chief, &address(now - 600_000, now)).await, 0);
        let elsewhere = site.colleague("south", Role::TownOfficer, "/county/south/").await;
        let page = site.wall(&elsewhere).await;
        assert!(between(&page, "近 60 分钟", "</tr>").contains(">0</a>"), "nothing of another area");
    }
}

/// An empty wall says what is true and since when; without a roster the load says that it is reckoned for one desk; without a
/// telephone none is named.
#[tokio::test]
async fn an_empty_wall() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        let page = site.wall(&chief).await;
        assert!(page.contains("还没有任何预警") && page.contains("没有值班表"), "{}: {page}", site.name);
        assert!(!page.contains("tel:") && !page.contains("值班电话 "), "no number is known");
        let number = site.alert("东关巷北口", Severity::Major).await;
        site.post(&format!("/cases/{number}/acknowledge"), &chief, &format!("csrf={}", chief.csrf)).await;
        let page = site.wall(&chief).await;
        let empty = between(&page, "data-live=\"empty\"", "</p>");
        assert!(empty.contains("没有未确认预警。 最近一条") && empty.contains("14:31:20"), "{empty}");
        let english = site.get("/wall?lang=en&theme=wall", Some(&chief)).await.text;
        assert!(english.contains("No unacknowledged alerts.") && english.contains("data-theme=\"wall\""));
        assert!(!english.contains("没有") && !english.contains("未确认"), "{english}");
    }
}

/// More than anybody can look at: so many cards, all of them in the number, and a door to the rest.
#[tokio::test]
async fn a_flood_is_bounded() {
    for mut site in sites().await {
        let chief = site.log_in("chief").await;
        for nth in 0..62 {
            site.alert(&format!("点位{nth}"), Severity::Normal).await;
        }
        let page = site.wall(&chief).await;
        assert_eq!((cards(&page).len(), waiting(&page)), (60, "62"), "{}", site.name);
        assert!(page.contains("data-live=\"more\"><a"), "the door to the rest is shown");
        assert_eq!(page.matches("data-key-says=\"选中这一条\"").count(), 9, "as many as there are digits");
        assert_eq!(site.behind(&chief, "/wall/cases?part=waiting").await, 62);
    }
}
