//! Every route by every role, near and elsewhere: who is let in, by a table written out by hand. A route that is not in it
//! fails.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tower::ServiceExt as _;

use super::site::{Browser, CALL, START, Site, sites};
use crate::organisation::{self, AreaPath};
use crate::user::{self, Act, Grant, Role};

/// What a route asks of whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// Nothing.
    Open,
    /// A session.
    Login,
    /// A role, wherever.
    Role(Act),
    /// A role for the box's area.
    AtBox(Act),
    /// A role over everything, which nobody here has.
    Everywhere,
    /// That the case is one's to see.
    Sees,
    /// Both.
    RoleAndSees(Act),
    /// A box's own token: no person has one.
    Machine,
}

use Asks::{Login, Machine, Open, RoleAndSees, Sees};

const API: &[(&str, &str, Asks)] = &[
    ("POST", "/api/v1/session", Open),
    ("GET", "/api/v1/session", Login),
    ("GET", "/api/v1/cases", Login),
    ("POST", "/api/v1/cases", Asks::Role(Act::Report)),
    ("GET", "/api/v1/cases/export.csv", Login),
    ("GET", "/api/v1/cases/export.xlsx", Login),
    ("GET", "/api/v1/cases/{number}/cap", Sees),
    ("POST", "/api/v1/cases/{number}/cap", RoleAndSees(Act::ReleaseAlert)),
    ("DELETE", "/api/v1/cases/{number}/cap", RoleAndSees(Act::ReleaseAlert)),
    ("GET", "/api/v1/cap", Login),
    ("GET", "/api/v1/public/status", Open),
    ("GET", "/api/v1/cases/{number}", Sees),
    ("POST", "/api/v1/cases/{number}/acknowledge", RoleAndSees(Act::Acknowledge)),
    ("PUT", "/api/v1/cases/{number}/ticket", RoleAndSees(Act::FileTicket)),
    ("POST", "/api/v1/cases/{number}/centre", RoleAndSees(Act::FileTicket)),
    ("GET", "/api/v1/cases/{number}/moves", Sees),
    ("POST", "/api/v1/cases/{number}/moves", Sees),
    // Each of its cases may be another's: it is told of each by itself.
    ("POST", "/api/v1/moves", Login),
    ("POST", "/api/v1/cases/{number}/field", Sees),
    ("GET", "/api/v1/shelves", Login),
    ("POST", "/api/v1/cases/{number}/shelf", RoleAndSees(Act::Shelve)),
    ("DELETE", "/api/v1/cases/{number}/shelf", RoleAndSees(Act::Shelve)),
    ("GET", "/api/v1/rules/precision", Login),
    ("POST", "/api/v1/cases/{number}/contact", RoleAndSees(Act::Contact)),
    ("GET", "/api/v1/cases/{number}/contact", Sees),
    ("DELETE", "/api/v1/cases/{number}/contact", RoleAndSees(Act::Contact)),
    ("GET", "/api/v1/cases/{number}/evidence/{sha256}", Login),
    ("POST", "/api/v1/attachments", Asks::Role(Act::Attach)),
    ("GET", "/api/v1/evidence/{sha256}", Login),
    ("GET", "/api/v1/evidence/{sha256}/register", Asks::Role(Act::SeeCases)),
    ("GET", "/api/v1/devices", Asks::Role(Act::SeeDevices)),
    ("POST", "/api/v1/devices/{id}/commands", Asks::AtBox(Act::RequestStill)),
    ("GET", "/api/v1/cameras/drafts", Asks::Role(Act::Configure)),
    ("GET", "/api/v1/devices/{id}/cameras/{camera}/draft", Asks::AtBox(Act::Configure)),
    ("PUT", "/api/v1/devices/{id}/cameras/{camera}/draft", Asks::AtBox(Act::Configure)),
    ("DELETE", "/api/v1/devices/{id}/cameras/{camera}/draft", Asks::AtBox(Act::Configure)),
    ("POST", "/api/v1/devices/{id}/cameras/{camera}/draft/trial", Asks::AtBox(Act::Configure)),
    ("POST", "/api/v1/devices/{id}/cameras/{camera}/draft/send", Asks::AtBox(Act::Configure)),
    ("GET", "/api/v1/commands", Asks::Role(Act::SeeDevices)),
    ("GET", "/api/v1/commands/{id}", Asks::Role(Act::SeeDevices)),
    ("GET", "/api/v1/quarantine", Asks::Role(Act::SeeQuarantine)),
    ("GET", "/api/v1/quarantine/{id}", Asks::Role(Act::SeeQuarantine)),
    ("POST", "/api/v1/incidents", Machine),
    ("GET", "/api/v1/knowledge", Login),
    ("GET", "/api/v1/evaluation", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation.csv", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation.xlsx", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation/cases", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation/cases.csv", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation/cases.xlsx", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation/series", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation/bulletin", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation/bulletin.csv", Asks::Role(Act::Evaluate)),
    ("GET", "/api/v1/evaluation/bulletin.xlsx", Asks::Role(Act::Evaluate)),
    ("PUT", "/api/v1/platform/tickets/{ticket}", Machine),
    ("GET", "/api/v1/platform/progress", Machine),
    ("POST", "/api/v1/platform/progress/ack", Machine),
    ("GET", "/api/v1/basemaps", Login),
    ("GET", "/api/v1/map/grids", Login),
    ("GET", "/api/v1/map/cases", Login),
    ("GET", "/api/v1/map/boxes", Asks::Role(Act::SeeDevices)),
    ("GET", "/api/v1/map/at", Login),
    ("GET", "/api/v1/places", Login),
    // Like a move: another's role may be asked for; whether the case is there is told by 404 alone.
    ("POST", "/api/v1/cases/{number}/place", Sees),
    ("GET", "/api/v1/audit", Asks::Role(Act::Audit)),
    ("GET", "/api/v1/access", Asks::Role(Act::Audit)),
    ("GET", "/api/v1/users", Asks::Role(Act::Audit)),
    ("POST", "/api/v1/users", Asks::Role(Act::Organise)),
    ("GET", "/api/v1/users/{name}", Asks::Role(Act::Audit)),
    ("POST", "/api/v1/users/{name}", Asks::Role(Act::Organise)),
    ("GET", "/api/v1/areas", Login),
    ("PUT", "/api/v1/areas/{id}", Asks::Role(Act::Organise)),
    ("GET", "/api/v1/units", Login),
    ("PUT", "/api/v1/units/{id}", Asks::Role(Act::Organise)),
    ("GET", "/api/v1/turns", Asks::Role(Act::Audit)),
    ("POST", "/api/v1/turns", Asks::Role(Act::Organise)),
    ("DELETE", "/api/v1/turns/{id}", Asks::Role(Act::Organise)),
    ("GET", "/api/v1/categories", Login),
    ("GET", "/api/v1/policies", Login),
    ("POST", "/api/v1/policies", Asks::Everywhere),
    ("GET", "/api/v1/policies/{version}", Login),
    ("GET", "/api/v1/handovers", Asks::Role(Act::HandOver)),
    ("POST", "/api/v1/handovers", Asks::Role(Act::HandOver)),
    ("POST", "/api/v1/handovers/{id}/take", Asks::Role(Act::HandOver)),
    ("GET", "/api/v1/notices", Login),
    ("POST", "/api/v1/notices/{id}/read", Login),
    // Of the caller's own browsers only.
    ("GET", "/api/v1/me/push", Login),
    ("POST", "/api/v1/me/push", Login),
    ("DELETE", "/api/v1/me/push/{id}", Login),
    ("GET", "/api/v1/me/push/key", Login),
    ("GET", "/api/v1/changes", Login),
];

const PAGES: &[(&str, &str, Asks)] = &[
    ("GET", "/", Login),
    ("GET", "/login", Open),
    ("POST", "/login", Open),
    ("POST", "/logout", Login),
    ("GET", "/cases", Login),
    ("GET", "/cases/counts", Login),
    ("GET", "/cases/{number}", Sees),
    ("GET", "/cases/{number}/row", Sees),
    ("GET", "/cases/{number}/order", Sees),
    ("GET", "/status", Open),
    ("POST", "/status", Open),
    // A form that has no cookie of its page is refused, whoever sends it.
    ("GET", "/report", Open),
    ("POST", "/report", Asks::Everywhere),
    ("GET", "/field", Asks::Role(Act::Field)),
    ("GET", "/field/report", Open),
    ("POST", "/field/report", Asks::Role(Act::Field)),
    ("GET", "/field/cases/{number}", RoleAndSees(Act::Field)),
    ("POST", "/field/cases/{number}", RoleAndSees(Act::Field)),
    ("GET", "/field/cases/{number}/changes", RoleAndSees(Act::Field)),
    ("GET", "/manifest.webmanifest", Open),
    ("POST", "/cases/{number}/acknowledge", RoleAndSees(Act::Acknowledge)),
    ("POST", "/cases/{number}/moves", Sees),
    ("POST", "/cases/{number}/shelf", RoleAndSees(Act::Shelve)),
    ("POST", "/cases/{number}/field", Sees),
    ("GET", "/calls/{call_id}", Sees),
    ("POST", "/calls/{call_id}/ticket", RoleAndSees(Act::FileTicket)),
    ("POST", "/calls/{call_id}/join", RoleAndSees(Act::FileTicket)),
    ("POST", "/calls/{call_id}/centre", RoleAndSees(Act::FileTicket)),
    ("GET", "/calls/{call_id}/places", Sees),
    ("GET", "/seat", Asks::Role(Act::FileTicket)),
    ("GET", "/seat/calls", Asks::Role(Act::FileTicket)),
    ("POST", "/calls/{call_id}/contact", RoleAndSees(Act::Contact)),
    ("POST", "/calls/{call_id}/contact/delete", RoleAndSees(Act::Contact)),
    ("GET", "/devices", Asks::Role(Act::SeeDevices)),
    ("POST", "/devices", Asks::Role(Act::AddDevice)),
    ("GET", "/devices/{id}", Asks::Role(Act::SeeDevices)),
    ("POST", "/devices/{id}/commands", Asks::AtBox(Act::RequestStill)),
    ("GET", "/devices/{id}/cameras/{camera}", Asks::Role(Act::SeeDevices)),
    ("POST", "/devices/{id}/cameras/{camera}", Asks::AtBox(Act::RequestStill)),
    ("GET", "/commands", Asks::Role(Act::SeeDevices)),
    ("GET", "/quarantine", Asks::Role(Act::SeeQuarantine)),
    ("GET", "/quarantine/{id}", Asks::Role(Act::SeeQuarantine)),
    ("GET", "/evaluation", Asks::Role(Act::Evaluate)),
    ("GET", "/evaluation/cases", Asks::Role(Act::Evaluate)),
    ("GET", "/evaluation/density", Asks::Role(Act::Evaluate)),
    ("GET", "/evaluation/trends", Asks::Role(Act::Evaluate)),
    ("GET", "/evaluation/bulletin", Asks::Role(Act::Evaluate)),
    ("GET", "/basemap/{file}", Login),
    ("GET", "/map", Asks::Role(Act::SeeCases)),
    ("GET", "/queue", Asks::Role(Act::Queue)),
    ("POST", "/queue/bulk", Asks::Role(Act::Queue)),
    ("POST", "/queue/views", Asks::Role(Act::Queue)),
    ("GET", "/tasks", Asks::Role(Act::OwnTasks)),
    ("POST", "/tasks/accept", Asks::Role(Act::OwnTasks)),
    ("GET", "/tasks/orders", Asks::Role(Act::OwnTasks)),
    ("GET", "/handover", Asks::Role(Act::HandOver)),
    ("POST", "/handover", Asks::Role(Act::HandOver)),
    ("GET", "/handover/{id}", Asks::Role(Act::HandOver)),
    ("POST", "/handover/{id}/take", Asks::Role(Act::HandOver)),
    ("GET", "/admin", Asks::Role(Act::Audit)),
    ("GET", "/admin/users", Asks::Role(Act::Audit)),
    ("POST", "/admin/users", Asks::Role(Act::Organise)),
    ("GET", "/admin/users/{name}", Asks::Role(Act::Audit)),
    ("POST", "/admin/users/{name}", Asks::Role(Act::Organise)),
    ("GET", "/admin/areas", Asks::Role(Act::Audit)),
    ("POST", "/admin/areas", Asks::Role(Act::Organise)),
    ("GET", "/admin/units", Asks::Role(Act::Audit)),
    ("POST", "/admin/units", Asks::Role(Act::Organise)),
    ("GET", "/admin/duty", Asks::Role(Act::Audit)),
    ("POST", "/admin/duty", Asks::Role(Act::Organise)),
    ("GET", "/admin/imports", Asks::Role(Act::Audit)),
    ("GET", "/admin/imports/{kind}", Asks::Role(Act::Audit)),
    ("POST", "/admin/imports/{kind}", Asks::Role(Act::Organise)),
    ("POST", "/admin/imports/{kind}/confirm", Asks::Role(Act::Organise)),
    ("GET", "/admin/basemaps", Asks::Role(Act::Audit)),
    ("POST", "/admin/basemaps", Asks::Role(Act::Organise)),
    ("POST", "/admin/basemaps/remove", Asks::Role(Act::Organise)),
    ("GET", "/admin/policies", Asks::Role(Act::Audit)),
    ("GET", "/admin/policies/{version}", Asks::Role(Act::Audit)),
    ("GET", "/admin/categories", Asks::Role(Act::Audit)),
    ("GET", "/admin/gazetteer", Asks::Role(Act::Audit)),
    ("GET", "/admin/knowledge", Asks::Role(Act::Audit)),
    ("GET", "/admin/audit", Asks::Role(Act::Audit)),
    ("GET", "/admin/audit.csv", Asks::Role(Act::Audit)),
    ("GET", "/admin/access", Asks::Role(Act::Audit)),
    ("GET", "/admin/access.csv", Asks::Role(Act::Audit)),
    ("GET", "/me", Login),
    ("POST", "/me/password", Login),
    ("POST", "/me/sessions", Login),
    ("POST", "/me/push", Login),
    ("GET", "/wall", Asks::Role(Act::Acknowledge)),
    ("POST", "/wall/false-alarm", Asks::Role(Act::Acknowledge)),
    ("POST", "/wall/shelve", Asks::Role(Act::Shelve)),
    ("POST", "/wall/live", Asks::Role(Act::RequestStill)),
    ("GET", "/wall/live/{number}", RoleAndSees(Act::RequestStill)),
    ("GET", "/wall/cases", Login),
    ("GET", "/screen", Asks::Role(Act::WallScreen)),
    ("GET", "/assets/{*path}", Open),
    ("GET", "/sw.js", Open),
    // Ends the session: tried last.
    ("DELETE", "/api/v1/session", Login),
    ("GET", "/api/openapi.json", Open),
];

/// Open311 knows no roles: reading needs nothing, reporting a key, which no login stands for.
const OPEN311: [(&str, &str); 9] = [
    ("GET", "/open311/v2/discovery.json"),
    ("GET", "/open311/v2/services.json"),
    ("GET", "/open311/v2/services/{code}"),
    ("GET", "/open311/v2/requests.json"),
    ("POST", "/open311/v2/requests.json"),
    ("GET", "/open311/v2/requests/{number}"),
    ("GET", "/open311/v2/tokens/{token}"),
    ("GET", "/open311/v2/servicerequestupdates.json"),
    ("POST", "/open311/v2/servicerequestupdates.json"),
];

/// Every route there is stands in one of the tables.
#[test]
fn every_route_is_listed() {
    let description = serde_json::to_value(crate::api::openapi()).unwrap();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let listed =
                API.iter().chain(PAGES).any(|row| row.0.eq_ignore_ascii_case(method) && row.1 == path);
            assert!(listed, "{method} {path} is not in the table of roles");
        }
    }
    for (method, path) in crate::open311::PATHS {
        assert!(OPEN311.contains(&(method, path)), "{method} {path} is not in the table of roles");
    }
    for path in crate::web::PATHS {
        assert!(PAGES.iter().any(|row| row.1 == *path), "{path} is not in the table of roles");
    }
}

const NEAR: &str = "/county/north/";
const ELSEWHERE: &str = "/county/south/";

/// Somebody with a role there, or in a unit that has a part in the case, or has none.
async fn somebody(site: &Site, role: Role, near: bool) -> Browser {
    let name = format!("{role}-{near}");
    let grant = if role.is_of_a_unit() {
        let unit = if near { "housing" } else { "education" };
        Grant { role, area: AreaPath::everything(), unit: Some(unit.to_owned()) }
    } else {
        Grant { role, area: AreaPath::kept(if near { NEAR } else { ELSEWHERE }.to_owned()), unit: None }
    };
    let app = &site.app;
    let one = (name.as_str(), "correct horse battery", &grant);
    user::testing::add_with(&app.db, app.tenant().as_str(), &app.chance, START, one).await.unwrap();
    site.sign_in(&name).await
}

async fn status(site: &Site, browser: &Browser, method: &str, address: &str) -> StatusCode {
    let form = !address.starts_with("/api/");
    let body = match (method, address) {
        ("POST" | "PUT", _) if form => {
            format!("csrf={}&command=still&camera_id=north&purpose=x", browser.csrf)
        }
        ("POST", address) if address.ends_with("/commands") => {
            r#"{"command": "still", "camera_id": "north", "purpose": "x"}"#.to_owned()
        }
        ("POST", address) if address.ends_with("/place") => r#"{"area": "nowhere"}"#.to_owned(),
        ("POST", address) if address.ends_with("/moves") => r#"{"move": "accept"}"#.to_owned(),
        ("POST", address) if address.ends_with("/field") => r#"{"act": "say", "text": "x"}"#.to_owned(),
        ("POST" | "PUT", _) => "{}".to_owned(),
        _ => String::new(),
    };
    let request = Request::builder()
        .method(method)
        .uri(address)
        .header(header::COOKIE, &browser.cookie)
        .header("x-csrf-token", &browser.csrf)
        .header(
            header::CONTENT_TYPE,
            if form { "application/x-www-form-urlencoded" } else { "application/json" },
        )
        .body(Body::from(body))
        .unwrap();
    // Only the head: the feed never ends.
    site.router.clone().oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn every_route_by_every_role() {
    for mut site in sites().await {
        let tenant = site.app.tenant().as_str().to_owned();
        organisation::store::seed_units(&site.app.db, &tenant).await.unwrap();
        site.put_box_in(NEAR).await;
        site.raise_call("03").await;
        let admin = site.log_in("admin").await;
        let number = site.number(&admin).await;
        site.give_to(&number, "housing").await;
        let fill = |path: &str| {
            path.replace("{number}", &number)
                .replace("{id}", "box-1")
                .replace("{camera}", "north")
                .replace("{call_id}", CALL)
                .replace("{version}", "1")
                .replace("{kind}", "areas")
                .replace("{name}", "nobody")
                .replace("{ticket}", "T-1")
                .replace("{file}", "x.pmtiles")
                .replace("{sha256}", &"a".repeat(64))
                .replace("{*path}", "app.css")
        };
        for role in Role::ALL {
            for near in [true, false] {
                let browser = somebody(&site, role, near).await;
                let sees = near && role.may(Act::SeeCases);
                let ending = PAGES.iter().filter(|row| row.1 == "/logout" || row.0 == "DELETE");
                let others =
                    API.iter().chain(PAGES.iter().filter(|row| row.1 != "/logout" && row.0 != "DELETE"));
                // Whoever has logged out has no session to log out from.
                for (method, path, asks) in others.chain(ending.take(1)) {
                    let found = status(&site, &browser, method, &fill(path)).await;
                    let what = format!("{role}, {near}: {method} {path} says {found}, {}", site.name);
                    let forbidden = found == StatusCode::FORBIDDEN;
                    match *asks {
                        Open => assert!(!forbidden, "{what}"),
                        Login => assert!(!forbidden && found != StatusCode::UNAUTHORIZED, "{what}"),
                        Machine => assert_eq!(found, StatusCode::UNAUTHORIZED, "{what}"),
                        Asks::Role(act) => assert_eq!(forbidden, !role.may(act), "{what}"),
                        Asks::AtBox(act) => assert_eq!(forbidden, !(near && role.may(act)), "{what}"),
                        Asks::Everywhere => assert!(forbidden, "{what}"),
                        // A move may be another's; whether the case is there is told by 404 alone.
                        Sees => assert_eq!(found == StatusCode::NOT_FOUND, !sees, "{what}"),
                        RoleAndSees(act) => {
                            assert_eq!(forbidden, !role.may(act), "{what}");
                            if role.may(act) && !sees {
                                let hidden = [StatusCode::NOT_FOUND, StatusCode::UNPROCESSABLE_ENTITY];
                                assert!(hidden.contains(&found), "{what}");
                            }
                        }
                    }
                }
            }
        }
    }
}
