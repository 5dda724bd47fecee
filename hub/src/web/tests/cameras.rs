//! The page of a camera: what it shows of what the box has, who may change it, what is tried, and what is saved.

use axum::http::StatusCode;
use protocol::{
    Answer, BootId, CameraHealth, CameraState, Clock as _, CommandBody, DeviceState, Event, IncidentKind,
    Label, Outcome, ShownConfiguration, Status, Trial, TriedIncident,
};

use super::site::{Browser, HOSTILE, START, Site, sites};
use crate::device;
use crate::organisation::AreaPath;
use crate::user::{self, Grant, Role};
use crate::web::guard::percent;

const PAGE: &str = "/devices/box-1/cameras/north";
const TEXT: &str = "[[camera]]\nid = \"north\"\nurl = \"rtsp://***@10.0.0.2/live\"\nodd = \"kept\"\n\n\
    [[camera.zones]]\nid = \"lane\"\npolygon = [[0.2, 0.5], [0.8, 0.5], [0.9, 1.0]]\n\n\
    [[camera.rules]]\nid = \"fire-lane\"\nkind = \"blocked_lane\"\nzone = \"lane\"\ndwell_s = 120\n\n\
    [[camera]]\nid = \"south\"\nurl = \"test://\"\n";
/// The form as the page of [`TEXT`] sends it when nobody has touched it.
const ZONE: &str = "zone.0.was=0&zone.0.id=lane&zone.0.points=0.2,0.5+0.8,0.5+0.9,1";
const RULE: &str = "rule.0.was=0&rule.0.stretches=0&rule.0.id=fire-lane&rule.0.kind=blocked_lane&rule.0.enabled=on&\
    rule.0.zone=lane&rule.0.dwell_s=";

impl Site {
    /// The box says which version it has in force, and that its camera runs.
    async fn camera_in_force(&self, version: u64) {
        let status = Status {
            state: DeviceState::Online,
            boot: BootId::new(&self.app.chance, START),
            at: self.clock.now(),
            uptime_ms: 1_000,
            clock_synced: true,
            version: "0.1.0".into(),
            configuration_version: version,
            cameras: vec![CameraHealth {
                camera_id: "north".parse().unwrap(),
                name: "北口".into(),
                state: CameraState::Running,
                since: START,
                frames_per_second: 5.0,
                frames_dropped: 3,
                reason: None,
                notice: None,
                decoder: None,
            }],
            detector: None,
            speech_model: None,
            active_calls: 0,
            calls: None,
            outbox_rows: 0,
            outbox_oldest_ms: 0,
            uploads_waiting: 0,
            disk_free_bytes: 1_000_000,
            rejected_rows: 0,
            models: vec![],
        };
        let mut tx = self.app.db.begin().await.unwrap();
        tx.lock_tenant(self.app.tenant().as_str()).await.unwrap();
        device::store::save_status(&mut tx, &self.origin(), &status, false, self.clock.now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Commands of one kind that the box has not answered, the newest first, with what they ask.
    async fn camera_asked(&self, name: &str) -> Vec<(String, CommandBody)> {
        let (db, tenant) = (&self.app.db, self.app.tenant().as_str());
        let rows = crate::command::store::beginning(db, tenant, "", "box-1", (name, ""), 50).await.unwrap();
        let open = rows.into_iter().filter(crate::command::CommandRow::is_open);
        open.map(|row| (row.command_id.clone(), row.asked().unwrap())).collect()
    }

    async fn camera_answers(&mut self, command_id: &str, outcome: Outcome) {
        self.clock.advance_ms(1_000);
        let answered_at = self.clock.now();
        let answer = Answer { command_id: command_id.parse().unwrap(), outcome, answered_at };
        self.hand_in(Event::Answer(answer)).await;
        self.clock.advance_ms(1_000);
    }

    /// Somebody reads what is in force, and the box shows [`TEXT`].
    async fn camera_shown(&mut self, browser: &Browser, version: u64) {
        self.camera_form(browser, "command=show_configuration").await;
        let asked = self.camera_asked("show_configuration").await;
        assert_eq!(asked.len(), 1, "{}", self.name);
        let labels = vec![Label::Person, Label::Car];
        let configuration = ShownConfiguration { version, toml: TEXT.into(), labels };
        self.camera_answers(&asked[0].0, Outcome::Shown { configuration }).await;
    }

    async fn camera_form(&self, browser: &Browser, form: &str) {
        let answer = self.post(PAGE, browser, &format!("csrf={}&{form}", browser.csrf)).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, PAGE),
            "{}",
            answer.text
        );
    }

    async fn camera_refused(&self, browser: &Browser, form: &str) -> String {
        let answer = self.post(PAGE, browser, &format!("csrf={}&{form}", browser.csrf)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}: {}", self.name, answer.text);
        answer.text
    }

    async fn camera_page(&self, browser: &Browser) -> String {
        let answer = self.get(PAGE, Some(browser)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}: {}", self.name, answer.text);
        answer.text
    }

    /// The box has tried the rules: so many incidents in the hour.
    async fn hour_tried(&mut self, command_id: &str, incidents: i64) {
        let to = self.clock.now();
        let from = to.plus_ms(-3_600_000);
        let incident = |nth: i64| TriedIncident {
            rule_id: "fire-lane".parse().unwrap(),
            kind: IncidentKind::BlockedLane,
            started_at: from.plus_ms(nth * 60_000),
            ended_at: Some(from.plus_ms(nth * 60_000 + 30_000)),
            score_percent: 91,
        };
        let trial = Trial {
            from,
            to,
            frames: 18_000,
            incidents: (0..incidents).map(incident).collect(),
            left_out: 0,
        };
        self.camera_answers(command_id, Outcome::Tried { trial }).await;
    }
}

fn form(dwell: &str, more: &str) -> String {
    format!("based_on=7&{ZONE}&{RULE}{dwell}&{more}")
}

/// Before anybody has read it, the page says so; then it shows rules, zones and how the camera is, for whoever sees boxes,
/// without what is secret, and with fields for whoever may configure alone. A camera or a box that is not there is not.
#[tokio::test]
async fn what_is_in_force_is_shown() {
    for mut site in sites().await {
        let (admin, seat) = (site.log_in("admin").await, site.log_in("seat03").await);
        assert_eq!(site.get(PAGE, Some(&admin)).await.status, StatusCode::NOT_FOUND, "nobody knows it");
        site.camera_in_force(7).await;
        let page = site.camera_page(&admin).await;
        assert!(page.contains("中心还不知道") && !page.contains("id=\"watch\""), "{page}");
        assert!(page.contains("北口") && page.contains("health--ok"), "{}", site.name);
        site.camera_shown(&admin, 7).await;
        let page = site.camera_page(&admin).await;
        for told in ["value=\"fire-lane\"", "value=\"0.2,0.5 0.8,0.5 0.9,1\"", "value=\"120\"", "person 人"]
        {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(page.contains("points=\"320.0,450.0 1280.0,450.0 1440.0,900.0\""), "drawn by the hub");
        assert!(!page.contains("10.0.0.2"), "addresses are nobody's business here");
        assert!(
            page.contains("name=\"based_on\" value=\"7\"")
                && !page.contains("<fieldset class=\"plain\" disabled")
        );
        let looking = site.camera_page(&seat).await;
        assert!(looking.contains("<fieldset class=\"plain\" disabled") && looking.contains("fire-lane"));
        let device = site.get("/devices/box-1", Some(&seat)).await.text;
        assert!(device.contains(&format!("href=\"{PAGE}\"")), "{}", site.name);
        for missing in
            ["/devices/box-1/cameras/roof", "/devices/box-2/cameras/north", "/devices/box-1/cameras/A"]
        {
            assert_eq!(site.get(missing, Some(&admin)).await.status, StatusCode::NOT_FOUND, "{missing}");
        }
    }
}

/// A box that cannot show its configuration says why; one that does not answer may be too old.
#[tokio::test]
async fn a_box_that_shows_nothing_is_told_of() {
    for mut site in sites().await {
        let admin = site.log_in("admin").await;
        site.camera_in_force(0).await;
        site.camera_form(&admin, "command=show_configuration").await;
        assert!(site.camera_page(&admin).await.contains("正在向盒子读取"), "{}", site.name);
        let asked = site.camera_asked("show_configuration").await;
        site.camera_answers(&asked[0].0, Outcome::Failed { reason: HOSTILE.into() }).await;
        let page = site.camera_page(&admin).await;
        assert!(page.contains("盒子没有给出配置") && !page.contains("<script>alert"), "{page}");
        site.camera_form(&admin, "command=show_configuration").await;
        site.clock.advance_ms(crate::command::DEFAULT_LIFE_MS + 1);
        crate::command::store::expire(&site.app.db, site.clock.now()).await.unwrap();
        assert!(site.camera_page(&admin).await.contains("软件较旧"), "{}", site.name);
    }
}

/// Who may not configure changes nothing, here or elsewhere; a picture is asked for with a purpose, and by whoever may.
#[tokio::test]
async fn who_may_do_what() {
    for mut site in sites().await {
        let (admin, seat) = (site.log_in("admin").await, site.log_in("seat03").await);
        site.camera_in_force(7).await;
        site.camera_shown(&admin, 7).await;
        for command in [
            "replay",
            "configuration",
            "draft",
            "discard",
            "rebase",
            "walk",
            "look",
            "walk_end",
            "show_configuration",
            "place",
        ] {
            let sent = format!("csrf={}&command={command}&{}", seat.csrf, form("60", "purpose=x"));
            assert_eq!(site.post(PAGE, &seat, &sent).await.status, StatusCode::FORBIDDEN, "{command}");
        }
        site.put_box_in("/county/north/").await;
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let elsewhere =
            Grant { role: Role::Installer, area: AreaPath::kept("/county/south/".into()), unit: None };
        let one = ("fitter", "correct horse battery", &elsewhere);
        user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        let fitter = site.sign_in("fitter").await;
        assert_eq!(site.get(PAGE, Some(&fitter)).await.status, StatusCode::NOT_FOUND, "{}", site.name);
        let sent = format!("csrf={}&command=draft&{}", fitter.csrf, form("60", ""));
        assert_eq!(site.post(PAGE, &fitter, &sent).await.status, StatusCode::FORBIDDEN);
        assert_eq!(site.camera_asked("replay").await, []);
        assert_eq!(site.camera_asked("configuration").await, []);

        let page = site.camera_refused(&seat, "command=still&purpose=+").await;
        assert!(page.contains("请写明用途"), "{}", site.name);
        assert_eq!(site.camera_asked("still").await, []);
        site.camera_form(&seat, "command=still&purpose=look").await;
        let asked = site.camera_asked("still").await;
        assert_eq!(asked[0].1, CommandBody::Still { camera_id: "north".parse().unwrap() });
        assert!(site.camera_page(&seat).await.contains("正在调取"));
        site.camera_answers(&asked[0].0, Outcome::Failed { reason: "no picture".into() }).await;
        assert!(site.camera_page(&seat).await.contains("没有画面"), "{}", site.name);
        let half = site.camera_refused(&admin, "command=place&latitude=34.5&longitude=").await;
        assert!(half.contains("都填或都不填"), "{half}");
        let unknown = format!("csrf={}&command=burn", admin.csrf);
        assert_eq!(site.post(PAGE, &admin, &unknown).await.status, StatusCode::BAD_REQUEST);
    }
}

/// What is wrong is told beside its field, all that was typed comes back, the draft is there at the next visit, for its
/// owner alone, until he throws it away; nothing is sent to the box.
#[tokio::test]
async fn drafts_are_kept_and_mistakes_told() {
    for mut site in sites().await {
        let admin = site.log_in("admin").await;
        site.camera_in_force(7).await;
        site.camera_shown(&admin, 7).await;
        let spoilt = form("soon", "zone.1.id=bow&zone.1.points=0,0+0.5,0.5+0.5,0+0,0.5&purpose=x&reason=why");
        for command in ["replay", "configuration"] {
            let page = site.camera_refused(&admin, &format!("command={command}&{spoilt}")).await;
            assert!(page.contains("边相交") || page.contains("相交：请按轮廓顺序"), "{page}");
            assert!(page.contains("须是 0 至 86400 之间的数"), "{page}");
            for kept in
                ["value=\"soon\"", "value=\"0,0 0.5,0.5 0.5,0 0,0.5\"", "value=\"bow\"", "value=\"why\""]
            {
                assert!(page.contains(kept), "{kept}: {page}");
            }
        }
        assert_eq!(
            site.camera_asked("replay").await.len() + site.camera_asked("configuration").await.len(),
            0
        );
        let page = site.camera_page(&admin).await;
        assert!(page.contains("value=\"soon\"") && page.contains("id=\"n-changes\">2</b>"), "{page}");
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let colleague = Grant { role: Role::Installer, area: AreaPath::everything(), unit: None };
        let one = ("fitter", "correct horse battery", &colleague);
        user::testing::add_with(&app.db, tenant, &app.chance, START, one).await.unwrap();
        let fitter = site.sign_in("fitter").await;
        let other = site.camera_page(&fitter).await;
        assert!(
            !other.contains("value=\"soon\"") && other.contains("id=\"n-changes\">0</b>"),
            "{}",
            site.name
        );
        assert!(other.contains("看不到案件"), "an installer is told why there is no precision");
        site.camera_form(&admin, "command=discard").await;
        let page = site.camera_page(&admin).await;
        assert!(!page.contains("value=\"soon\"") && page.contains("value=\"120\""), "{}", site.name);
        let bare = format!("csrf={}&command=draft&based_on=x", admin.csrf);
        assert_eq!(site.post(PAGE, &admin, &bare).await.status, StatusCode::BAD_REQUEST);
    }
}

/// Tried, the changed rules stand beside those in force, with what they ask of the people on duty; rules over the limit,
/// or not tried, are saved with a written reason only, and what is sent is the whole text with just that changed.
#[tokio::test]
async fn rules_are_tried_and_saved() {
    for mut site in sites().await {
        let admin = site.log_in("admin").await;
        site.camera_in_force(7).await;
        site.camera_shown(&admin, 7).await;
        let untried =
            site.camera_refused(&admin, &format!("command=configuration&{}", form("5", "purpose=x"))).await;
        assert!(untried.contains("还没有试过") && untried.contains("value=\"5\""), "{untried}");

        site.camera_form(&admin, &format!("command=replay&{}", form("5", ""))).await;
        site.camera_form(&admin, &format!("command=replay&{}", form("5", ""))).await;
        let asked = site.camera_asked("replay").await;
        assert_eq!(asked.len(), 2, "what is changed and what is in force, each once: {asked:?}");
        assert!(site.camera_page(&admin).await.contains("盒子正在试"));
        for (id, body) in &asked {
            let CommandBody::Replay { toml, last_s: None, .. } = body else { panic!("{body:?}") };
            assert!(
                !toml.contains("south") && !toml.contains("rtsp") && toml.contains("fire-lane"),
                "{toml}"
            );
            let changed = toml.contains("dwell_s = 5");
            site.hour_tried(id, if changed { 13 } else { 2 }).await;
        }
        let page = site.camera_page(&admin).await;
        assert!(page.contains("load--over") && page.contains("2.2") && page.contains("超过上限 2"), "{page}");
        assert!(page.contains(">13</b>") && page.contains(">2</b>"), "{}", site.name);
        let over =
            site.camera_refused(&admin, &format!("command=configuration&{}", form("5", "purpose=x"))).await;
        assert!(over.contains("告警会超过上限"), "{over}");
        assert_eq!(site.camera_asked("configuration").await, []);

        let with_reason = form("5", "purpose=lane&reason=market+day");
        let no_purpose = form("5", "purpose=&reason=market+day");
        assert!(
            site.camera_refused(&admin, &format!("command=configuration&{no_purpose}"))
                .await
                .contains("请写明目的")
        );
        for _ in 0..2 {
            site.camera_form(&admin, &format!("command=configuration&{with_reason}")).await;
        }
        let sent = site.camera_asked("configuration").await;
        assert_eq!(sent.len(), 1, "sent twice it is done once: {}", site.name);
        let CommandBody::Configuration { version, toml, based_on } = &sent[0].1 else { panic!("{sent:?}") };
        assert_eq!((*based_on, *version > 7), (Some(7), true));
        assert_eq!(*toml, TEXT.replace("dwell_s = 120", "dwell_s = 5"), "nothing else has changed");
        let asked = site.get("/api/v1/commands", Some(&admin)).await.json();
        let purpose = asked["commands"][0]["purpose"].as_str().unwrap().to_owned();
        assert!(purpose.contains("lane") && purpose.contains("market day"), "{purpose}");
        assert!(site.camera_page(&admin).await.contains("已下发"));
        let (id, version) = (sent[0].0.clone(), *version);
        let (first, reason) = (format!("command=configuration&{}", form("9", "purpose=x&reason=y")), "y");
        let page = site.camera_refused(&admin, &first).await;
        assert!(page.contains("另一份配置正在下发") && page.contains(reason), "{page}");

        site.camera_answers(&id, Outcome::Done { evidence: vec![] }).await;
        let page = site.camera_page(&admin).await;
        assert!(page.contains("盒子已启用") && page.contains(&format!("v{version}")), "{page}");
        site.camera_in_force(version).await;
        let answer = site.get(PAGE, Some(&admin)).await.text;
        assert!(answer.contains(&format!("v{version}")), "{answer}");
        // The same form once more: the box has it, so nothing is sent and nothing stands in its way.
        site.camera_form(&admin, &format!("command=configuration&{with_reason}")).await;
        assert_eq!(site.camera_asked("configuration").await, [], "{}", site.name);
        let page = site.camera_page(&admin).await;
        assert!(!page.contains("value=\"rebase\"") && !page.contains("其间配置已被更改"), "{page}");
        assert!(page.contains(&format!("name=\"based_on\" value=\"{version}\"")), "{page}");
    }
}

/// What rules on trial tell of and the box told of then stands beside its case, and can be judged there: the case is void, the
/// rule has one more against it. What began at another time, or by another rule, is another thing.
#[tokio::test]
async fn a_tried_incident_is_judged() {
    for mut site in sites().await {
        let (admin, chief) = (site.log_in("admin").await, site.log_in("chief").await);
        site.camera_in_force(7).await;
        site.camera_shown(&admin, 7).await;
        let mut numbers = Vec::new();
        // An hour before the answer; one of another rule at the same time; one of this rule twenty minutes later.
        for (rule, minutes) in [("fire-lane", 60), ("in", 60), ("fire-lane", 40)] {
            let mut incident = site.camera_incident("north", "北口");
            incident.started_at = site.clock.now().plus_ms(-minutes * 60_000);
            if let protocol::Subject::Camera(camera) = &mut incident.subject {
                camera.rule_id = rule.parse().unwrap();
            }
            let one = incident.clone();
            site.hand_in(Event::Incident(incident)).await;
            numbers.push((one, site.number(&chief).await));
        }
        site.camera_form(&admin, &format!("command=replay&{}", form("120", ""))).await;
        let asked = site.camera_asked("replay").await;
        assert_eq!(asked.len(), 1, "{asked:?}");
        // One incident, at the beginning of the hour.
        site.hour_tried(&asked[0].0, 1).await;
        let page = site.camera_page(&chief).await;
        let number = &numbers[0].1;
        assert_eq!(page.matches("value=\"false_alarm\"").count(), 1, "{}: {page}", site.name);
        assert!(page.contains(&format!("name=\"number\" value=\"{number}\"")), "{page}");
        let judge = format!("csrf={}&command=false_alarm&number={number}&note=tree", chief.csrf);
        assert_eq!(site.post(PAGE, &chief, &judge).await.status, StatusCode::SEE_OTHER, "{}", site.name);
        let case = site.get(&format!("/api/v1/cases/{number}"), Some(&chief)).await.json();
        assert_eq!(case["state"], "void", "{case}");
        assert!(!site.camera_page(&chief).await.contains("value=\"false_alarm\""), "{}", site.name);
        assert_eq!(site.post(PAGE, &chief, &judge).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let precision = site.get("/api/v1/rules/precision", Some(&chief)).await.text;
        assert!(precision.contains("\"false_alarms\":1"), "{precision}");
    }
}

/// A card's camera is looked at now: its box is asked at most each two seconds, however many look; what came is shown, and each
/// view is on record; a box that is away is said to be, and who may not ask is refused.
#[tokio::test]
async fn a_card_shows_the_picture_of_now() {
    for mut site in sites().await {
        let (seat, chief) = (site.log_in("seat03").await, site.log_in("chief").await);
        site.raise_camera("north", "北口").await;
        let number = site.number(&seat).await;
        let look = async |site: &Site, browser: &Browser| {
            let body = format!("csrf={}&number={number}", browser.csrf);
            let request = axum::http::Request::post("/wall/live")
                .header("cookie", &browser.cookie)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("hx-request", "true")
                .body(axum::body::Body::from(body))
                .unwrap();
            site.send(request).await
        };
        let away = look(&site, &seat).await;
        assert_eq!(away.status, StatusCode::CONFLICT, "{}: {}", site.name, away.text);
        assert!(away.text.contains("盒子离线"), "{}", away.text);
        let page = site.get(&format!("/wall/live/{number}"), Some(&seat)).await;
        assert!(page.status == StatusCode::CONFLICT && page.text.contains("盒子离线"), "{}", page.text);
        assert_eq!(site.camera_asked("still").await, [], "{}", site.name);

        site.camera_in_force(7).await;
        for browser in [&seat, &chief, &seat] {
            let answer = look(&site, browser).await;
            assert!(answer.status == StatusCode::OK && answer.text.contains("已请求"), "{}", answer.text);
        }
        let asked = site.camera_asked("still").await;
        assert_eq!(asked.len(), 1, "{}: however many look", site.name);
        let content = b"\xff\xd8\xff a picture".as_slice();
        let file = protocol::Evidence {
            sha256: hex::encode(<sha2::Sha256 as sha2::Digest>::digest(content)).parse().unwrap(),
            kind: protocol::EvidenceKind::Still,
            media_type: "image/jpeg".into(),
            size_bytes: content.len() as u64,
            delivery: protocol::Delivery::Automatic,
            starts_at: site.clock.now(),
            duration_ms: None,
            masked: true,
            blurred: false,
            footage: None,
        };
        site.camera_answers(&asked[0].0, Outcome::Done { evidence: vec![file.clone()] }).await;
        site.upload(&file, content).await;
        let shown = look(&site, &chief).await;
        let url = format!("/api/v1/evidence/{}", file.sha256);
        assert!(shown.text.contains(&format!("src=\"{url}\"")), "{}: {}", site.name, shown.text);
        assert_eq!(site.camera_asked("still").await.len(), 1, "two seconds later the box is asked again");
        assert_eq!(site.get(&url, Some(&chief)).await.status, StatusCode::OK);
        site.clock.advance_ms(1_000);
        assert_eq!(site.get(&url, Some(&seat)).await.status, StatusCode::OK);
        let seen =
            user::register_of(&site.app.db, site.app.tenant().as_str(), file.sha256.as_str()).await.unwrap();
        let views: Vec<_> = seen.iter().map(|row| (row.user_name.as_str(), row.act.as_str())).collect();
        assert_eq!(views, [("seat03", "view"), ("chief", "view")], "{}", site.name);

        let plain = format!("csrf={}&number={number}", seat.csrf);
        let plain = site.post("/wall/live", &seat, &plain).await;
        assert_eq!(plain.header("location"), format!("/wall/live/{number}"), "{}", site.name);
        assert!(site.get(&format!("/wall/live/{number}"), Some(&seat)).await.text.contains(&url));
        let card = site.get("/wall", Some(&seat)).await.text;
        assert!(card.contains(&format!("id=\"live-{number}\"")), "{card}");
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        let grid = ("grid", "correct horse battery", &Grant::everywhere(Role::GridManager));
        user::testing::add_with(&app.db, tenant, &app.chance, START, grid).await.unwrap();
        let grid = site.sign_in("grid").await;
        assert_eq!(look(&site, &grid).await.status, StatusCode::FORBIDDEN, "{}", site.name);
        let card = site.get("/wall", Some(&grid)).await.text;
        assert!(!card.contains(&format!("id=\"live-{number}\"")), "{card}");
    }
}

/// A configuration that the box did not take leaves draft and version as they were, and the page says why.
#[tokio::test]
async fn what_the_box_refuses_stays_a_draft() {
    for mut site in sites().await {
        let admin = site.log_in("admin").await;
        site.camera_in_force(7).await;
        site.camera_shown(&admin, 7).await;
        let same =
            site.camera_refused(&admin, &format!("command=configuration&{}", form("120", "purpose=x"))).await;
        assert!(same.contains("没有改动"), "{same}");
        let form = form("90", "purpose=x&reason=y");
        site.camera_form(&admin, &format!("command=configuration&{form}")).await;
        let sent = site.camera_asked("configuration").await;
        site.camera_answers(
            &sent[0].0,
            Outcome::Failed { reason: "undone, version 7 is in force again: dark".into() },
        )
        .await;
        let page = site.camera_page(&admin).await;
        assert!(page.contains("已撤回，版本 7 重新启用：dark") && page.contains("value=\"90\""), "{page}");
        assert!(page.contains("name=\"based_on\" value=\"7\"") && page.contains("id=\"n-changes\">1</b>"));
    }
}

/// Somebody else has saved meanwhile: nothing is sent, the page says what differs and keeps what was typed; one's own
/// changes can be put onto what is in force, and are then saved on that.
#[tokio::test]
async fn two_people_at_one_camera() {
    for mut site in sites().await {
        let admin = site.log_in("admin").await;
        site.camera_in_force(7).await;
        site.camera_shown(&admin, 7).await;
        site.camera_form(&admin, &format!("command=draft&{}", form("90", ""))).await;
        // Another one, by the page of the box.
        let theirs = TEXT.replace("[0.9, 1.0]", "[0.7, 1.0]");
        let other = format!("csrf={}&command=configuration&purpose=x&toml={}", admin.csrf, percent(&theirs));
        assert_eq!(site.post("/devices/box-1/commands", &admin, &other).await.status, StatusCode::SEE_OTHER);
        let sent = site.camera_asked("configuration").await;
        let CommandBody::Configuration { version, .. } = sent[0].1 else { panic!("{sent:?}") };
        site.camera_answers(&sent[0].0, Outcome::Done { evidence: vec![] }).await;
        site.camera_in_force(version).await;
        // His own command is done, but what he typed since the page was drawn is another thing.
        let mine = form("90", "purpose=x&reason=y");
        let page = site.camera_refused(&admin, &format!("command=configuration&{mine}")).await;
        assert!(page.contains("其间配置已被更改") && page.contains("区域 lane: 改动"), "{page}");
        assert!(page.contains("value=\"90\"") && page.contains("value=\"rebase\""), "{page}");
        assert_eq!(site.camera_asked("configuration").await, []);
        site.camera_form(&admin, &format!("command=rebase&{mine}")).await;
        let page = site.camera_page(&admin).await;
        assert!(page.contains(&format!("name=\"based_on\" value=\"{version}\"")), "{page}");
        assert!(page.contains("value=\"90\"") && page.contains("0.7,1"), "mine and theirs: {page}");
        assert!(!page.contains("其间配置已被更改"), "{}", site.name);
    }
}

/// A walk asks the box at most every ten seconds, always the same question, and shows what was told of since it began, not
/// what was before.
#[tokio::test]
async fn a_walk_shows_what_would_be_raised() {
    for mut site in sites().await {
        let admin = site.log_in("admin").await;
        site.camera_in_force(7).await;
        site.camera_shown(&admin, 7).await;
        site.camera_form(&admin, "command=walk&minutes=3").await;
        site.camera_form(&admin, "command=look").await;
        let asked = site.camera_asked("replay").await;
        assert_eq!(asked.len(), 1, "{}", site.name);
        let CommandBody::Replay { last_s: Some(last_s), .. } = &asked[0].1 else { panic!("{asked:?}") };
        assert_eq!(*last_s, 900);
        let now = site.clock.now();
        let one = |started: i64| TriedIncident {
            rule_id: "fire-lane".parse().unwrap(),
            kind: IncidentKind::BlockedLane,
            started_at: now.plus_ms(started),
            ended_at: Some(now.plus_ms(started + 5_000)),
            score_percent: 77,
        };
        let trial = Trial {
            from: now.plus_ms(-300_000),
            to: now.plus_ms(20_000),
            frames: 900,
            incidents: vec![one(-200_000), one(12_000)],
            left_out: 0,
        };
        site.camera_answers(&asked[0].0, Outcome::Tried { trial }).await;
        let page = site.camera_page(&admin).await;
        assert!(
            page.contains("data-walk-until") && page.contains("77 %") && page.contains("12 秒"),
            "{page}"
        );
        assert_eq!(page.matches("77 %").count(), 1, "what was before is not of the walk: {page}");
        site.clock.advance_ms(11_000);
        site.camera_form(&admin, "command=look").await;
        assert_eq!(site.camera_asked("replay").await.len(), 1, "asked again, since it has answered");
        site.camera_form(&admin, "command=walk_end").await;
        let page = site.camera_page(&admin).await;
        assert!(
            !page.contains("data-walk-until") && page.contains("已结束于") && page.contains("77 %"),
            "{page}"
        );
        site.clock.advance_ms(60_000);
        site.camera_form(&admin, "command=look").await;
        assert_eq!(site.camera_asked("replay").await.len(), 1, "it is over: nobody asks any more");
    }
}
