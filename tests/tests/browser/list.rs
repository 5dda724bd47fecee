//! The list of cases while its numbers and its rows disagree.

use std::time::Duration;

use protocol::{IncidentKind, Severity};
use serde_json::json;
use world::DatabaseKind;
use world::browser::Browser;

use crate::county::County;

const PAGE: Duration = Duration::from_secs(20);

/// Counts how often the list is loaded, and takes the waiting cases out of it before the page's own scripts see it.
const CONTRADICTS: &str = "\
    document.addEventListener('readystatechange', () => {
        const waiting = document.getElementById('waiting');
        if (document.readyState !== 'interactive' || !waiting) return;
        sessionStorage.setItem('loads', Number(sessionStorage.getItem('loads')) + 1);
        if (sessionStorage.getItem('agrees') === null) waiting.replaceChildren();
    })";

/// A page that is worked off while others wait loads itself once, so that those move up. Where the hub counts cases that it
/// does not show, that is all it does, however much happens; once it shows one, it may do so again.
#[tokio::test(flavor = "multi_thread")]
async fn it_moves_up_once() {
    let _calm = crate::NETWORK.read().await;
    let county = County::settle(DatabaseKind::Sqlite).await;
    let mut numbers = Vec::new();
    for (camera, grid) in [
        ("kitchen", "dongguan-03"),
        ("market", "beitang-02"),
        ("school", "xiyuan-01"),
        ("bridge", "nanqiao-04"),
        ("station", "dongguan-09"),
    ] {
        numbers.push(county.alert(camera, IncidentKind::Smoke, Severity::Major, grid).await);
    }
    let browser = Browser::open(1366, 768, &county.world.logs()).await.unwrap();
    let (name, password) = county.person("operator");
    browser.login(&county.world.https(), &name, password).await.unwrap();
    browser
        .devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": CONTRADICTS }))
        .await
        .unwrap();
    browser.go(&format!("{}/cases", county.world.https())).await.unwrap();
    let wait = async |what: &str, script: &str| {
        let tails = || county.world.tails();
        browser.wait(what, script, PAGE).await.unwrap_or_else(|e| panic!("{what}: {e:#}\n{}", tails()));
    };
    let live = "const l = document.getElementById('live'); return l && l.className === 'live'";
    let takes = async |number: &str| {
        county.ask("operator", &format!("/api/v1/cases/{number}/acknowledge"), Some(json!({}))).await;
    };
    let loads = async || browser.run("return Number(sessionStorage.getItem('loads'))").await.unwrap();
    wait("the live feed", live).await;
    assert_eq!(loads().await, 1);
    takes(&numbers[0]).await;
    wait("the list to load itself", "return Number(sessionStorage.getItem('loads')) === 2").await;
    for (taken, number) in [(2, &numbers[1]), (3, &numbers[2])] {
        wait("the live feed", live).await;
        takes(number).await;
        // The number is written last, and with it what the page makes of it.
        wait("its number", &format!("return document.getElementById('n-inhand').textContent === '{taken}'"))
            .await;
        assert_eq!(loads().await, 2, "after case {number}");
    }
    // The hub shows what it counts again: rows stay, and are worked off.
    browser.run("sessionStorage.setItem('agrees', 'yes'); location.reload()").await.unwrap();
    wait("the rows", "return document.querySelectorAll('#waiting > li').length === 2").await;
    let moved = browser.run("return sessionStorage.getItem('list-moved-up')").await.unwrap();
    assert!(moved.is_null(), "{moved}");
    assert_eq!(browser.complaints().await.unwrap(), Vec::<String>::new());
}
