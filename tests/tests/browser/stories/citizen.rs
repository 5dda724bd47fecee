//! A citizen without a login reports with a photo and a place, sees what becomes of it by number and code, and asks online.

use serde_json::{Value, json};
use world::DatabaseKind;

use crate::person::Person;

on_both_databases!(story);

async fn story(database: DatabaseKind) {
    let county = super::county(database, &["dispatcher"]).await;
    let person = Person::anybody(&county).await;
    let photo = person.photo();
    let (longitude, latitude) = county.middle("dongguan-03");
    person.browser.stands_at(latitude, longitude).await.unwrap();

    person.go("/report").await;
    person.tick("投诉").await;
    person.write("什么事", "The drain in front of the school is blocked").await;
    person.write("在哪里", "School gate").await;
    person.push("取当前位置").await;
    person.reads("#where-said", "位置已记").await;
    person.enclose("照片", &photo).await;
    person.push("提交").await;
    let (number, code) = receipt(&person).await;
    let case = county.case(&number).await;
    assert_eq!((&case["state"], pictures(&case)), (&json!("received"), 1), "{case}");
    let stood = ["latitude", "longitude"].map(|axis| case["location"][axis].as_f64().unwrap_or_default());
    assert!((stood[0] - latitude).abs() < 1e-5 && (stood[1] - longitude).abs() < 1e-5, "{case}");

    // What it says outside is what was done inside.
    assert!(status(&person, &number, &code).await.contains("受理"));
    county.step("dispatcher", &number, json!({"move": "file", "category": "street_facility"})).await;
    assert!(status(&person, &number, &code).await.contains("立案"));
    person.go("/status").await;
    person.write("案号", &number).await;
    person.write("查询码", "AAAA-AAAA").await;
    person.push("查询").await;
    person.reads("[role=alert]", "查询码").await;
    person.is_refused(404).await;

    person.go("/report").await;
    person.tick("咨询").await;
    person.write("什么事", "Where do I get a bus pass?").await;
    person.write("在哪里", "At home").await;
    person.write("电话", "13800001234").await;
    person.tick("请给我回电话").await;
    person.push("提交").await;
    let (asked, code) = receipt(&person).await;
    assert_ne!(asked, number);
    assert!(status(&person, &asked, &code).await.contains(&asked));
    let case = county.case(&asked).await;
    assert!(!case.to_string().contains("13800001234"), "the number is nobody's to read: {case}");
    person.is_content().await;
}

async fn receipt(person: &Person<'_>) -> (String, String) {
    person.reads("#receipt", "已收到您反映的事项").await;
    let part = async |id: &str| person.browser.text(id).await.unwrap().unwrap().trim().to_owned();
    (part("#number").await, part("#code").await)
}

async fn status(person: &Person<'_>, number: &str, code: &str) -> String {
    person.go("/status").await;
    person.write("案号", number).await;
    person.write("查询码", code).await;
    person.push("查询").await;
    person.reads("#result", number).await;
    person.browser.text("#result").await.unwrap().unwrap()
}

fn pictures(case: &Value) -> usize {
    let files = case["evidence"].as_array().map(Vec::as_slice).unwrap_or_default();
    files.iter().filter(|file| file["kind"] == "attachment").count()
}
