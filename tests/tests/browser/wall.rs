//! The alert wall while things happen: a card comes by itself, nobody's hand is disturbed, a key acknowledges, and a lost
//! connection is told and mended.

use std::time::Duration;

use protocol::{IncidentKind, Severity};
use serde_json::Value;
use world::DatabaseKind;
use world::browser::{Browser, key};

use crate::county::County;

const PAGE: Duration = Duration::from_secs(20);
/// Ten seconds of silence, and the way back.
const CONNECTION: Duration = Duration::from_secs(60);

struct Room {
    county: County,
    browser: Browser,
}

impl Room {
    async fn run(&self, script: &str) -> Value {
        self.browser.run(script).await.unwrap()
    }

    async fn wait_for(&self, bound: Duration, what: &str, script: &str) {
        let tails = || self.county.world.tails();
        self.browser.wait(what, script, bound).await.unwrap_or_else(|e| panic!("{e:#}\n{}", tails()));
    }

    async fn wait(&self, what: &str, script: &str) {
        self.wait_for(PAGE, what, script).await;
    }

    async fn live(&self) {
        let on = "const l = document.getElementById('live'); return l && l.className === 'live'";
        self.wait("the live feed", on).await;
    }

    async fn card(&self, number: &str) {
        self.wait("the card", &format!("return !!document.getElementById('alert-{number}')")).await;
    }
}

/// An emergency comes onto an open wall within the page, above the card in which somebody writes, and takes neither the
/// cursor nor the words; what is less waits behind its key. A acknowledges the card that is selected, and only that.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_comes_and_disturbs_nobody() {
    let _calm = crate::NETWORK.read().await;
    let county = County::settle(DatabaseKind::Sqlite).await;
    let first = county.alert("lane", IncidentKind::BlockedLane, Severity::Normal, "dongguan-06").await;
    let browser = Browser::open(1920, 1080, &county.world.logs()).await.unwrap();
    let (name, password) = county.person("dispatcher");
    browser.login(&county.world.https(), &name, password).await.unwrap();
    browser.go(&format!("{}/wall", county.world.https())).await.unwrap();
    let mut room = Room { county, browser };
    room.live().await;
    // A page that is loaded again forgets this.
    room.run("window.mark = 'same page'").await;
    room.browser.press("1f").await.unwrap();
    let note = format!("note-{first}");
    room.wait("the cursor in the note", &format!("return document.activeElement.id === '{note}'")).await;
    room.browser.type_here("only a shadow").await.unwrap();

    let fire = room.county.alert("market", IncidentKind::Fire, Severity::Emergency, "beitang-02").await;
    room.card(&fire).await;
    let hand = "return [document.activeElement.id, document.activeElement.value, window.mark].join('|')";
    assert_eq!(room.run(hand).await.as_str().unwrap(), format!("{note}|only a shadow|same page"));
    let order = "return [...document.querySelectorAll('#alerts > .alert')].map((card) => card.dataset.number).join(' ')";
    assert_eq!(room.run(order).await.as_str().unwrap(), format!("{fire} {first}"));
    let told = "return document.getElementById('alarm').textContent.length > 5";
    room.wait("the emergency to be told to whoever listens", told).await;

    let major = room.county.alert("square", IncidentKind::Crowding, Severity::Major, "xiyuan-01").await;
    let waits = "return !document.getElementById('show-new').hidden && document.getElementById('new-count').textContent === '1'";
    room.wait("the lesser one behind its key", waits).await;
    assert_eq!(room.run(&format!("return document.getElementById('alert-{major}')")).await, Value::Null);
    assert_eq!(room.run(hand).await.as_str().unwrap(), format!("{note}|only a shadow|same page"));

    room.browser.press(key::ESCAPE).await.unwrap();
    room.browser.press("u").await.unwrap();
    room.card(&major).await;
    room.wait("the key to be gone", "return document.getElementById('show-new').hidden").await;
    // The first card is the emergency's.
    room.browser.press("1a").await.unwrap();
    let gone = format!("return !document.getElementById('alert-{fire}')");
    room.wait("the emergency to be in hand", &gone).await;
    assert_eq!(room.county.case(&fire).await["acknowledged_by"], room.county.person("dispatcher").0.as_str());
    for number in [&first, &major] {
        assert_eq!(room.county.case(number).await["acknowledged_by"], Value::Null, "{number}");
    }
    let kept = format!("return [document.getElementById('{note}').value, window.mark].join('|')");
    assert_eq!(room.run(&kept).await, "only a shadow|same page");
    assert_eq!(room.browser.complaints().await.unwrap(), Vec::<String>::new());

    room.county.world.kill_hub();
    let stale = "return !document.getElementById('stale').hidden && document.body.matches('.is-stale')";
    room.wait_for(CONNECTION, "the banner", stale).await;
    // Keys are off: what they act on may be long over.
    room.browser.press("1a").await.unwrap();
    room.county.world.start_hub().await.unwrap();
    let late = room.county.alert("school", IncidentKind::Intrusion, Severity::Emergency, "nanqiao-04").await;
    let back = "return document.getElementById('stale').hidden && !document.body.matches('.is-stale')";
    room.wait_for(CONNECTION, "the screen to live again", back).await;
    room.card(&late).await;
    assert_eq!(room.run(&kept).await, "only a shadow|same page", "it came back without a reload");
    for number in [&first, &major, &late] {
        assert_eq!(room.county.case(number).await["acknowledged_by"], Value::Null, "{number}");
    }
}
