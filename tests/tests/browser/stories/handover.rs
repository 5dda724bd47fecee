//! One shift hands over to the next: what is open at that moment, with a note, taken over by a second person and by nobody else.

use protocol::{IncidentKind, Severity};
use serde_json::json;
use world::DatabaseKind;

use crate::person::Person;

on_both_databases!(story);

async fn story(database: DatabaseKind) {
    let county = super::county(database, &["dispatcher", "shift_leader", "handler"]).await;
    let fire = county.alert("market", IncidentKind::Fire, Severity::Emergency, "dongguan-03").await;
    let lane = county.alert("lane", IncidentKind::BlockedLane, Severity::Major, "dongguan-06").await;
    county.go(&lane, "in_progress").await;
    let ask = json!({"move": "ask_extension", "by": "2 working days", "reason": "parts are missing"});
    county.step("handler", &lane, ask).await;

    let giver = Person::sits(&county, "dispatcher").await;
    giver.go("/handover").await;
    giver.write("交班说明", "Keep an eye on the market").await;
    giver.push_in("form.handover__form", "交班").await;
    giver.comes_to("/handover/").await;
    giver.reads("main", "已交班，等待接班").await;
    giver.reads("main", &fire).await;
    giver.reads("main", &lane).await;
    assert_eq!(count(&giver, "unacknowledged").await, "1");
    assert_eq!(count(&giver, "requests").await, "1");
    let own = "return document.querySelectorAll('form[action$=\"/take\"]').length";
    assert_eq!(giver.run(own).await, 0, "nobody takes over from himself");

    // It stays as it was.
    county.alert("school", IncidentKind::Fire, Severity::Emergency, "beitang-02").await;
    let taker = Person::sits(&county, "shift_leader").await;
    taker.go("/handover").await;
    taker.reads("main", "待接班").await;
    taker.push("接班").await;
    taker.reads("main", "shift_leader-1").await;
    let list = county.ask("shift_leader", "/api/v1/handovers", None).await;
    let one = &list["handovers"][0];
    assert_eq!(
        (&one["given_by"], &one["taken_by"], &one["note"]),
        (&"dispatcher-1".into(), &"shift_leader-1".into(), &"Keep an eye on the market".into()),
        "{list}"
    );
    assert_eq!(one["snapshot"]["unacknowledged"], json!({"count": 1, "numbers": [fire]}));
    giver.run("location.reload()").await;
    giver.reads("main", "shift_leader-1").await;
    giver.is_content().await;
    taker.is_content().await;
}

async fn count(person: &Person<'_>, part: &str) -> String {
    person.browser.text(&format!("#n-{part}")).await.unwrap().unwrap_or_default()
}
