//! The dispatcher's queue while things happen: what somebody is writing beside a request stays when the list is read again.

use std::time::Duration;

use protocol::{IncidentKind, Severity};
use serde_json::json;
use world::DatabaseKind;
use world::browser::{Browser, key};

use crate::county::County;

const PAGE: Duration = Duration::from_secs(20);

/// A case whose unit asks for more time; its number.
async fn asked(county: &County, camera: &str, grid: &str) -> String {
    let number = county.alert(camera, IncidentKind::Smoke, Severity::Major, grid).await;
    for (role, body) in [
        ("dispatcher", json!({"move": "file", "category": "fire_hazard"})),
        ("dispatcher", json!({"move": "dispatch", "lead": "work_safety"})),
        ("handler", json!({"move": "accept"})),
        ("handler", json!({"move": "ask_extension", "by": "1 working day", "reason": "waiting for parts"})),
    ] {
        county.ask(role, &format!("/api/v1/cases/{number}/moves"), Some(body)).await;
    }
    number
}

/// The words of a decision stay, with the cursor, while another request comes in; they stay too when the list is asked for anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_written_in_peace() {
    let _calm = crate::NETWORK.read().await;
    let county = County::settle(DatabaseKind::Sqlite).await;
    let first = asked(&county, "kitchen", "dongguan-03").await;
    let browser = Browser::open(1366, 768, &county.world.logs()).await.unwrap();
    let (name, password) = county.person("shift_leader");
    browser.login(&county.world.https(), &name, password).await.unwrap();
    browser.go(&format!("{}/queue?part=requests", county.world.https())).await.unwrap();
    let wait = async |what: &str, script: &str| {
        let tails = || county.world.tails();
        browser.wait(what, script, PAGE).await.unwrap_or_else(|e| panic!("{what}: {e:#}\n{}", tails()));
    };
    wait("the live feed", "const l = document.getElementById('live'); return l && l.className === 'live'")
        .await;
    // A page that is loaded again forgets this.
    browser.run("window.mark = 'same page'").await.unwrap();
    let field = format!("[data-number=\"{first}\"] input[name=reason]");
    browser.run(&format!("document.querySelector('{field}').focus()")).await.unwrap();
    browser.type_here("one more day, no longer").await.unwrap();

    let second = asked(&county, "market", "beitang-02").await;
    wait("the other one behind its key", "return !document.getElementById('show-new').hidden").await;
    let hand = format!(
        "const f = document.querySelector('{field}'); return [f.value, f === document.activeElement, window.mark].join('|')"
    );
    assert_eq!(browser.run(&hand).await.unwrap(), "one more day, no longer|true|same page");

    browser.press(key::ESCAPE).await.unwrap();
    browser.press("u").await.unwrap();
    wait("the other request", &format!("return !!document.querySelector('[data-number=\"{second}\"]')"))
        .await;
    let kept = format!("return [document.querySelector('{field}').value, window.mark].join('|')");
    assert_eq!(browser.run(&kept).await.unwrap(), "one more day, no longer|same page");
    for number in [&first, &second] {
        let rows = county.case(number).await["history"].to_string();
        assert!(!rows.contains("\"granted\"") && !rows.contains("\"denied\""), "nothing was decided: {rows}");
    }
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
}
