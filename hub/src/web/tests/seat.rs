//! The calls of a seat: on its own page and beside the call that is open, on both databases.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use protocol::hotline::{Alarm, CallReading};
use protocol::{Clock as _, Event, Incident, IncidentKind, LiveCall, Phase, Severity, Subject, Transcript};

use super::site::{Answer, Browser, CALL, Site, call, sites};
use crate::organisation::AreaPath;
use crate::user::{self, Grant, Role};

pub(super) const OTHER: &str = "0195a1c2-0000-7000-8000-0000000000d2";
pub(super) const THIRD: &str = "0195a1c2-0000-7000-8000-0000000000d3";

impl Site {
    /// A call that is over now, of 30 s.
    pub(super) fn call_that_ended(&self, id: &str, seat: &str) -> Incident {
        let subject = call(id, seat, Transcript::Silent);
        let now = self.clock.now();
        let incident = self.incident(subject, IncidentKind::Hotline, "");
        Incident {
            severity: Severity::Normal,
            phase: Phase::Ended,
            started_at: now.plus_ms(-30_000),
            ended_at: Some(now),
            ..incident
        }
    }

    /// Somebody with a role over an area.
    pub(super) async fn officer_at(&self, name: &str, role: Role, area: &str) -> Browser {
        let grant = Grant { role, area: AreaPath::kept(area.to_owned()), unit: None };
        let (app, now) = (&self.app, self.clock.now());
        let one = (name, "correct horse battery", &grant);
        user::testing::add_with(&app.db, app.tenant().as_str(), &app.chance, now, one).await.unwrap();
        self.sign_in(name).await
    }

    async fn get_with_cookie(&self, path: &str, who: &Browser, more: &str) -> Answer {
        let request =
            Request::get(path).header(header::COOKIE, format!("{}; {more}", who.cookie)).body(Body::empty());
        self.send(request.unwrap()).await
    }

    pub(super) async fn files_ticket_by(&self, who: &Browser, id: &str, more: &str) -> Answer {
        let form = format!(
            "csrf={}&matter=complaint&category=noise&urgency=normal&place=x&summary=y&known=0{more}",
            who.csrf
        );
        self.post(&format!("/calls/{id}/ticket"), who, &form).await
    }
}

/// The part of the page with this id.
fn part<'a>(page: &'a str, id: &str) -> &'a str {
    let from = page.split(&format!("<section class=\"panel\" id=\"{id}\"")).nth(1).unwrap_or_default();
    from.split("</section>").next().unwrap_or_default()
}

/// A seat's page has its calls, each in its part with length, danger and state, and no other seat's; the browser remembers the
/// seat; without one all are there. The list beside a call says which one is open and which is next.
#[tokio::test]
async fn a_seat_has_its_own_calls() {
    for mut site in sites().await {
        let (mine, theirs) = (site.call_that_ended(CALL, "热线 03"), site.call_that_ended(OTHER, "热线 04"));
        site.hand_in(Event::Incident(mine)).await;
        site.hand_in(Event::Incident(theirs)).await;
        let mut running = site.call_that_ended(THIRD, "热线 03");
        (running.phase, running.ended_at, running.severity) = (Phase::Opened, None, Severity::Emergency);
        let Subject::Call(told) = &mut running.subject else { unreachable!() };
        let alarm = Alarm { id: "fire".into(), words: vec!["着火".into()], at_ms: 1, holds: true };
        told.reading = Some(CallReading { alarms: vec![alarm], ..CallReading::default() });
        site.hand_in(Event::Incident(running)).await;
        let seat = site.log_in("seat03").await;

        // 热线 03
        let chosen = "/seat?seat=%E7%83%AD%E7%BA%BF+03";
        let page = site.get(chosen, Some(&seat)).await;
        assert_eq!(page.status, StatusCode::OK);
        let kept = page.header("set-cookie").split(';').next().unwrap().to_owned();
        assert!(page.header("set-cookie").contains("HttpOnly"), "{kept}");
        for text in [page.text, site.get_with_cookie("/seat", &seat, &kept).await.text] {
            let (running, waiting) = (part(&text, "running"), part(&text, "waiting"));
            assert!(running.contains(THIRD) && !running.contains(CALL), "{}: {running}", site.name);
            assert!(running.contains("火情") && running.contains("紧急") && running.contains("data-since"));
            assert!(waiting.contains(CALL) && waiting.contains("138****6027") && waiting.contains("00:30"));
            assert!(!text.contains(OTHER), "{}: another seat's call", site.name);
            assert!(text.contains(">热线 04</option>"), "{}: every seat that was seen is offered", site.name);
        }
        let all = site.get("/seat", Some(&seat)).await.text;
        assert!([CALL, OTHER, THIRD].iter().all(|id| all.contains(&format!("/calls/{id}"))), "{}", site.name);

        let beside = format!("/seat/calls?current={CALL}");
        let list = site.get_with_cookie(&beside, &seat, &kept).await.text;
        assert!(!list.contains(OTHER) && !list.contains("<html"), "{}: {list}", site.name);
        assert!(list.contains(&format!("href=\"/calls/{CALL}\" aria-current=\"true\"")), "{list}");
        assert!(list.contains(&format!("id=\"seat-{THIRD}\" href=\"/calls/{THIRD}\" data-runs")), "{list}");
        let page = site.get_with_cookie(&format!("/calls/{CALL}"), &seat, &kept).await.text;
        assert!(page.contains("id=\"seat-calls\"") && !page.contains(&format!("/calls/{OTHER}")));
        // Filed: on to the one that runs.
        assert_eq!(site.files_ticket_by(&seat, CALL, "").await.status, StatusCode::SEE_OTHER);
        let page = site.get_with_cookie(&format!("/calls/{CALL}"), &seat, &kept).await.text;
        assert!(page.contains(&format!("id=\"next-call\" data-key=\"n\" href=\"/calls/{THIRD}\"")), "{page}");
    }
}

/// Whoever files tickets elsewhere sees no call of this area, neither a case nor one that has only begun; there a call that
/// begins is on the line and has a page, is not opened by itself, and its case takes its place. Who files no tickets has no seat.
#[tokio::test]
async fn only_calls_of_ones_own_area() {
    for mut site in sites().await {
        site.put_box_in("/county/north/").await;
        let near = site.officer_at("near", Role::Operator, "/county/north/").await;
        let far = site.officer_at("far", Role::Operator, "/county/south/").await;
        let mine = site.call_that_ended(CALL, "03");
        site.hand_in(Event::Incident(mine)).await;
        let begun = LiveCall::Started {
            call_id: OTHER.parse().unwrap(),
            seat: Some("03".to_owned()),
            at: site.clock.now().plus_ms(-65_000),
        };
        site.app.running.hear(site.origin(), &serde_json::to_vec(&begun).unwrap());
        let page = site.get("/seat?seat=03", Some(&near)).await.text;
        let running = part(&page, "running");
        assert!(
            running.contains(&format!("row-{OTHER}")) && running.contains("01:05"),
            "{}: {running}",
            site.name
        );
        assert!(
            running.contains(&format!("href=\"/calls/{OTHER}\"")) && !running.contains("data-runs"),
            "{running}"
        );
        assert!(running.contains("通话结束或听到险情后成为案件"), "{running}");
        assert!(page.contains(&format!("/calls/{CALL}")));
        assert!(!site.get("/seat?seat=04", Some(&near)).await.text.contains(OTHER), "{}", site.name);
        for path in ["/seat", "/seat?seat=03", "/seat/calls"] {
            let text = site.get(path, Some(&far)).await.text;
            assert!(!text.contains(CALL) && !text.contains(OTHER), "{}: {path}", site.name);
            assert!(
                path == "/seat?seat=03" || !text.contains(">03</option>"),
                "{}: not even its seat",
                site.name
            );
        }
        let chief = site.log_in("chief").await;
        assert_eq!(site.get("/seat", Some(&chief)).await.status, StatusCode::FORBIDDEN);
        let other = site.call_that_ended(OTHER, "03");
        site.hand_in(Event::Incident(other)).await;
        let page = site.get("/seat?seat=03", Some(&near)).await.text;
        assert!(
            !part(&page, "running").contains(OTHER) && part(&page, "waiting").contains(OTHER),
            "{}",
            site.name
        );
    }
}

/// From the hang-up to the first filing, in seconds: beside each ticket, and the middle one of the day above, with its tickets
/// below; a correction changes nothing of it, and what was filed while the call ran took none.
#[tokio::test]
async fn filing_is_measured_from_the_hang_up() {
    for mut site in sites().await {
        let seat = site.log_in("seat03").await;
        let none = site.get("/seat", Some(&seat)).await.text;
        assert!(none.contains("今天还没有可计的工单") && none.contains("没有待填的工单"), "{}", site.name);
        for (id, wait_ms) in [(CALL, 8_400), (OTHER, 20_000)] {
            let incident = site.call_that_ended(id, "03");
            site.hand_in(Event::Incident(incident)).await;
            site.clock.advance_ms(wait_ms);
            assert_eq!(site.files_ticket_by(&seat, id, "").await.status, StatusCode::SEE_OTHER);
        }
        let page = site.get("/seat", Some(&seat)).await.text;
        let filed = part(&page, "filed");
        assert!(
            filed.contains("<td class=\"r\">8 秒</td>") && filed.contains("<td class=\"r\">20 秒</td>"),
            "{filed}"
        );
        assert!(
            page.contains("<a class=\"num strong\" href=\"#filed\">14 秒</a>") && page.contains("2 件"),
            "{page}"
        );
        site.clock.advance_ms(60_000);
        let known = site.get(&format!("/calls/{CALL}?edit=1"), Some(&seat)).await.text;
        let known =
            known.split("name=\"known\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let form = format!(
            "csrf={}&matter=complaint&category=noise&urgency=normal&place=x&summary=again&known={known}",
            seat.csrf
        );
        let again = site.post(&format!("/calls/{CALL}/ticket"), &seat, &form).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.text);
        let page = site.get("/seat", Some(&seat)).await.text;
        assert!(part(&page, "filed").contains(">8 秒</td>"), "{}: the first filing counts", site.name);
        let mut running = site.call_that_ended(THIRD, "03");
        (running.phase, running.ended_at) = (Phase::Opened, None);
        site.hand_in(Event::Incident(running.clone())).await;
        assert_eq!(site.files_ticket_by(&seat, THIRD, "").await.status, StatusCode::SEE_OTHER);
        let page = site.get("/seat", Some(&seat)).await.text;
        assert!(part(&page, "running").contains(THIRD), "{}: filed, and still on the line", site.name);
        site.clock.advance_ms(5_000);
        (running.revision, running.phase, running.ended_at) = (2, Phase::Ended, Some(site.clock.now()));
        site.hand_in(Event::Incident(running)).await;
        let page = site.get("/seat", Some(&seat)).await.text;
        assert!(
            part(&page, "filed").contains(">0 秒</td>") && page.contains(">8 秒</a>"),
            "{}: {page}",
            site.name
        );
    }
}
