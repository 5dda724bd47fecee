//! Drafts of what cameras watch for.

use protocol::{Answer, Clock as _, CommandBody, Event, Label, Origin, Outcome, ShownConfiguration};
use serde_json::json;

use super::{Reader, Who};
use crate::camera::At;
use crate::web::tests::site::{Browser, Site};

const TEXT: &str = "[[camera]]\nid = \"north\"\nurl = \"rtsp://***@10.0.0.2/live\"\n\n\
    [[camera.zones]]\nid = \"lane\"\npolygon = [[0.2, 0.5], [0.8, 0.5], [0.9, 1.0]]\n\n\
    [[camera.rules]]\nid = \"fire-lane\"\nkind = \"blocked_lane\"\nzone = \"lane\"\ndwell_s = 120\n";

/// The box has shown what it has in force.
pub(super) async fn shown(site: &mut Site) {
    let origin = Origin { tenant: site.app.tenant().clone(), device: "box-1".parse().unwrap() };
    let at = At { origin, camera: "north".parse().unwrap() };
    let command_id = at.ask(&site.app, "admin", CommandBody::ShowConfiguration {}, "x").await.unwrap();
    let configuration = ShownConfiguration { version: 7, toml: TEXT.into(), labels: vec![Label::Car] };
    let answered_at = site.clock.now();
    let answer = Answer { command_id, outcome: Outcome::Shown { configuration }, answered_at };
    site.hand_in(Event::Answer(answer)).await;
}

pub(super) async fn cameras(reader: &mut Reader<'_>, seat: &Browser, admin: &Browser) {
    const DRAFT: &str = "/api/v1/devices/{id}/cameras/{camera}/draft";
    const TRIAL: &str = "/api/v1/devices/{id}/cameras/{camera}/draft/trial";
    const SEND: &str = "/api/v1/devices/{id}/cameras/{camera}/draft/send";
    let (seat, admin) = (Who::Browser(seat), Who::Browser(admin));
    let own = "/api/v1/devices/box-1/cameras/north/draft";
    let (trial, send) = (format!("{own}/trial"), format!("{own}/send"));
    for (address, who, status) in [
        (own, Who::Nobody, 401),
        (own, seat, 403),
        ("/api/v1/devices/box-1/cameras/attic/draft", admin, 404),
        ("/api/v1/devices/ghost/cameras/north/draft", admin, 404),
        (own, admin, 200),
    ] {
        let answer = reader.ask("GET", DRAFT, address, who, None).await;
        assert_eq!(answer.status, status, "{address}: {}", answer.text);
    }
    let state = reader.ask("GET", DRAFT, own, admin, None).await.json();
    assert_eq!((state["based_on"].as_u64(), state["saved_at_ms"].as_i64()), (Some(7), None), "{state}");
    assert_eq!(reader.ask("POST", TRIAL, &trial, admin, None).await.status, 404, "no draft is no question");
    let dwelling = |text: &str| {
        let mut draft = state["draft"].clone();
        draft["rules"][0]["dwell_s"] = json!(text);
        draft
    };
    let sending = |reason: &str| Some(json!({ "purpose": "night market", "reason": reason }));
    assert_eq!(reader.ask("POST", SEND, &send, admin, sending("x")).await.status, 404);
    for (who, body, status) in [
        (Who::Nobody, Some(json!({ "based_on": 7, "draft": dwelling("x") })), 401),
        (seat, Some(json!({ "based_on": 7, "draft": dwelling("x") })), 403),
        (admin, None, 415),
        (admin, Some(json!({ "odd": 1 })), 422),
        (admin, Some(json!({ "based_on": 5, "draft": dwelling("90") })), 409),
        (admin, Some(json!({ "based_on": 7, "draft": dwelling("x") })), 200),
    ] {
        let answer = reader.ask("PUT", DRAFT, own, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
        if status == 200 {
            assert_eq!(answer.json()["wrong"][0]["field"], "rule.0.dwell_s", "{}", answer.text);
        }
    }
    assert_eq!(
        reader.ask("POST", TRIAL, &trial, admin, None).await.status,
        422,
        "what is wrong is not tried"
    );
    let good = json!({ "based_on": 7, "draft": dwelling("90") });
    let kept = reader.ask("PUT", DRAFT, own, admin, Some(good)).await.json();
    assert_eq!(kept["changes"], json!([{ "part": "rule", "id": "fire-lane", "how": "changed" }]), "{kept}");
    let list = "/api/v1/cameras/drafts";
    for (who, status) in [(Who::Nobody, 401), (seat, 403), (admin, 200)] {
        let answer = reader.ask("GET", list, list, who, None).await;
        assert_eq!(answer.status, status);
        if status == 200 {
            assert_eq!(answer.json()["drafts"][0]["camera_id"], "north", "{}", answer.text);
        }
    }
    for (who, status) in [(Who::Nobody, 401), (seat, 403), (admin, 202), (admin, 202)] {
        let answer = reader.ask("POST", TRIAL, &trial, who, None).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 202 {
            assert_eq!(answer.json()["commands"].as_array().map(Vec::len), Some(2), "{}", answer.text);
        }
    }
    let mut sent = Vec::new();
    for (who, body, status) in [
        (Who::Nobody, sending("x"), 401),
        (seat, sending("x"), 403),
        (admin, None, 415),
        (admin, Some(json!({ "purpose": "", "reason": "x" })), 422),
        (admin, sending(""), 422),
        (admin, sending("not tried"), 202),
        (admin, sending("not tried"), 202),
    ] {
        let answer = reader.ask("POST", SEND, &send, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
        if status == 202 {
            sent.push(answer.json()["command_id"].clone());
        }
    }
    assert!(sent[0].is_string() && sent[0] == sent[1], "sent twice it is done once: {sent:?}");
    let other = json!({ "based_on": 7, "draft": dwelling("80") });
    reader.ask("PUT", DRAFT, own, admin, Some(other)).await;
    let answer = reader.ask("POST", SEND, &send, admin, sending("x")).await;
    assert_eq!(answer.status, 409, "another one is on its way: {}", answer.text);
    for (who, status) in [(Who::Nobody, 401), (seat, 403), (admin, 204), (admin, 204)] {
        assert_eq!(reader.ask("DELETE", DRAFT, own, who, None).await.status, status);
    }
}
