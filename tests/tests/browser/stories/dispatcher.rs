//! A dispatcher's queue: what ends soonest stands first, several cases go at once, and a request is decided in place, with words
//! that stay while the list changes around them.

use protocol::{IncidentKind, Severity};
use serde_json::json;
use world::DatabaseKind;
use world::browser::key;
use world::wait::until;

use crate::county::County;
use crate::person::{PAGE, Person};

on_both_databases!(story);

async fn story(database: DatabaseKind) {
    let county = super::county(database, &["dispatcher", "shift_leader", "handler"]).await;
    let person = Person::sits(&county, "dispatcher").await;
    sent_together(&person).await;
    // More time is the shift leader's to give.
    person.becomes("shift_leader").await;
    decided_in_place(&person).await;
    person.is_content().await;
}

/// Filed cases that wait for a unit. The keys choose two of three; the third stays.
async fn sent_together(person: &Person<'_>) {
    let county = person.county;
    let mut numbers = Vec::new();
    for (camera, severity, grid) in [
        ("lane", Severity::Notice, "dongguan-06"),
        ("market", Severity::Emergency, "dongguan-03"),
        ("lift", Severity::Normal, "xiyuan-01"),
    ] {
        let number = county.alert(camera, IncidentKind::Smoke, severity, grid).await;
        let file = json!({"move": "file", "category": "fire_hazard"});
        county.step("dispatcher", &number, file).await;
        numbers.push(number);
    }
    person.go("/queue").await;
    person.follow_in("#queue-parts", "待派遣").await;
    person.live().await;
    let order = "return [...document.querySelectorAll('.queue__table .jk')].map((row) => \
        [row.dataset.number, Number(row.querySelector('[data-left]').dataset.left)])";
    let rows = person.run(order).await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.is_sorted_by_key(|row| row[1].as_i64().unwrap()), "by deadline: {rows:?}");
    assert_eq!(rows[0][0], numbers[1].as_str(), "the emergency ends soonest: {rows:?}");

    // X chooses, J goes on.
    person.press("jxjx").await;
    person
        .wait("two to be chosen", "return document.getElementById('chosen-count').textContent === '2'")
        .await;
    person.reads("#chosen-pick", "建议单位都是").await;
    person.push("按建议一并派遣").await;
    let done = "return document.getElementById('n-done')?.textContent === '2' \
        && document.getElementById('n-refused').textContent === '0'";
    person.wait("both to be dispatched", done).await;
    for row in &rows[..2] {
        let case = county.case(row[0].as_str().unwrap()).await;
        assert_eq!(case["state"], "dispatched", "{case}");
    }
    let left = county.case(rows[2][0].as_str().unwrap()).await;
    assert_eq!(left["state"], "filed", "nobody chose it: {left}");
    person.follow("返回").await;
    person.comes_to("/queue").await;
}

/// Asks for more time, as the unit that has the case.
async fn asked(county: &County, camera: &str, reason: &str) -> String {
    let number = county.alert(camera, IncidentKind::BlockedLane, Severity::Normal, "dongguan-09").await;
    county.go(&number, "in_progress").await;
    let ask = json!({"move": "ask_extension", "by": "2 working days", "reason": reason});
    county.step("handler", &number, ask).await;
    number
}

/// While somebody writes why, another request arrives: it waits behind U, and neither the words nor the cursor go. When it is
/// shown they are still there.
async fn decided_in_place(person: &Person<'_>) {
    let county = person.county;
    let first = asked(county, "gate", "parts are missing").await;
    person.go("/queue").await;
    person.follow_in("#queue-parts", "待审批").await;
    person.live().await;
    let row = format!("[data-number=\"{first}\"]");
    person.write_in(&row, "审批意见", "the parts come on").await;
    person.run("window.mark = 'same page'").await;

    asked(county, "yard", "the digger is broken").await;
    let waits = "return !document.getElementById('show-new').hidden \
        && document.getElementById('new-count').textContent === '1'";
    person.wait("the second request behind U", waits).await;
    person.browser.type_here(" Monday").await.unwrap();
    person.press(key::ESCAPE).await;
    person.press("u").await;
    let both = "return document.querySelectorAll('#queue-requests > .request').length === 2";
    person.wait("both requests", both).await;
    let kept = format!("return [document.querySelector('{row} [name=reason]').value, window.mark].join('|')");
    assert_eq!(person.run(&kept).await, "the parts come on Monday|same page");

    person.push_in(&row, "批准").await;
    until(PAGE, "the extension to be granted", async || {
        let case = county.case(&first).await;
        let rows = case["history"].as_array().cloned().unwrap_or_default();
        let row = rows.into_iter().find(|row| row["action"] == "granted");
        Ok(row.filter(|row| row.to_string().contains("the parts come on Monday")).map(drop))
    })
    .await
    .unwrap();
    let one = format!("return !document.querySelector('{row}') && !!document.querySelector('.request')");
    person.wait("the other one to be left", &one).await;
}
