//! A unit takes what was dispatched to it, reports with a picture from the site, and prints the work order.

use protocol::{IncidentKind, Severity};
use serde_json::json;
use world::DatabaseKind;
use world::wait::until;

use crate::person::{PAGE, Person};

on_both_databases!(story);

async fn story(database: DatabaseKind) {
    let county = super::county(database, &["dispatcher", "handler"]).await;
    let number = county.alert("kitchen", IncidentKind::Smoke, Severity::Major, "dongguan-03").await;
    county.step("dispatcher", &number, json!({"move": "file", "category": "fire_hazard"})).await;
    let person = Person::sits(&county, "handler").await;
    person.go("/tasks").await;
    person.live().await;
    // It comes to the open page.
    let dispatch = json!({"move": "dispatch", "lead": "work_safety", "note": "take care of the gas"});
    county.step("dispatcher", &number, dispatch).await;
    let row = format!("#t-to-accept-{number}");
    person.reads(&row, &number).await;
    person.reads("#to-accept", "待签收").await;

    person.press("j").await;
    person.press("s").await;
    person.reads("#in-hand", &number).await;
    assert_eq!(county.case(&number).await["state"], "in_progress");
    ordered(&person, &number).await;
    reported(&person, &number).await;
    person.is_content().await;
}

/// On paper: what the unit needs, on one sheet, without what is for the screen.
async fn ordered(person: &Person<'_>, number: &str) {
    person.follow_in("#in-hand", "批办单").await;
    person.comes_to(&format!("/cases/{number}/order")).await;
    let sheet = person.browser.text("main.sheet").await.unwrap().unwrap();
    for words in [number, "take care of the gas", "时限标准", "签名"] {
        assert!(sheet.contains(words), "{words} is not on {sheet}");
    }
    person.browser.on_paper(true).await.unwrap();
    let bars = "return [...document.querySelectorAll('nav')].every((bar) => !bar.checkVisibility())";
    assert_eq!(person.run(bars).await, true, "bars are not printed");
    person.browser.on_paper(false).await.unwrap();
    assert_eq!(person.sheets().await, 1);
    person.follow("返回").await;
}

async fn reported(person: &Person<'_>, number: &str) {
    let photo = person.photo();
    person.go("/tasks").await;
    person.press("jo").await;
    person.comes_to(&format!("/cases/{number}")).await;
    let open =
        "const form = document.getElementById('move-report'); if (form) form.open = true; return !!form";
    person.wait("the form of the report", open).await;
    person.write_in("#move-report", "办理结果", "the fire is out, the flue is clean").await;
    person.enclose("照片", &photo).await;
    person.push_in("#move-report form", "反馈").await;
    let case = until(PAGE, "the report", async || {
        let case = person.county.case(number).await;
        Ok((case["state"] == "verifying").then_some(case))
    });
    let case = case.await.unwrap_or_else(|error| panic!("{error:#}\n{}", person.county.world.tails()));
    let pictures = case["evidence"].as_array().unwrap();
    assert_eq!(pictures.iter().filter(|one| one["kind"] == "attachment").count(), 1, "{pictures:?}");
    // The picture stands on the case's page, for whoever checks.
    let shown =
        "return [...document.images].some((picture) => picture.complete && picture.naturalWidth === 640)";
    person.wait("the picture", shown).await;
    person.go("/tasks").await;
    person.reads("#reported", number).await;
}
