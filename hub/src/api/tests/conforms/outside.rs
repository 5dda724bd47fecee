//! What is told to those outside: sheets, alerts, the status of a matter.

use serde_json::json;

use super::{Reader, Who};
use crate::public::MOST_OF_ADDRESS;
use crate::web::tests::site::Browser;

pub(super) async fn outside(reader: &mut Reader<'_>, seat: &Browser, chief: &Browser) {
    sheets(reader, seat).await;
    alerts(reader, seat, chief).await;
    status(reader, seat).await;
}

async fn sheets(reader: &mut Reader<'_>, seat: &Browser) {
    let who = Who::Browser(seat);
    for path in ["/api/v1/cases/export.csv", "/api/v1/cases/export.xlsx"] {
        let sheet = reader.ask("GET", path, path, who, None).await;
        assert!(sheet.header("content-disposition").starts_with("attachment; filename=\"cases-2026"));
        assert_eq!(reader.ask("GET", path, &format!("{path}?state=odd"), who, None).await.status, 400);
        assert_eq!(reader.ask("GET", path, &format!("{path}?source=odd"), who, None).await.status, 400);
        assert_eq!(reader.ask("GET", path, path, Who::Nobody, None).await.status, 401);
    }
}

async fn number_of(reader: &Reader<'_>, seat: &Browser, kind: &str) -> String {
    let list = reader.site.get(&format!("/api/v1/cases?kind={kind}"), Some(seat)).await.json();
    list["cases"][0]["number"].as_str().unwrap().to_owned()
}

async fn alerts(reader: &mut Reader<'_>, seat: &Browser, chief: &Browser) {
    const PATH: &str = "/api/v1/cases/{number}/cap";
    let number = number_of(reader, seat, "intrusion").await;
    let address = format!("/api/v1/cases/{number}/cap");
    let unknown = "/api/v1/cases/20000101-001/cap";
    let (seat, chief) = (Who::Browser(seat), Who::Browser(chief));
    let draft = reader.ask("GET", PATH, &address, seat, None).await;
    assert!(draft.text.contains("<status>Draft</status>"), "{}", draft.text);
    for (method, address, who, body, status) in [
        ("GET", unknown, seat, None, 404),
        ("GET", &format!("{address}?revision=1"), seat, None, 404),
        ("GET", &format!("{address}?revision=x"), seat, None, 400),
        ("GET", &address, Who::Nobody, None, 401),
        ("DELETE", &address, chief, None, 404),
        ("POST", &address, seat, Some(json!({})), 403),
        ("POST", &address, chief, None, 415),
        ("POST", &address, chief, Some(json!({"odd": 1})), 422),
        ("POST", &address, chief, Some(json!({"text": "长".repeat(501)})), 422),
        ("POST", unknown, chief, Some(json!({})), 404),
        ("POST", &address, chief, Some(json!({"text": "请周边单位支援"})), 200),
        ("GET", &address, seat, None, 200),
        ("DELETE", &address, seat, None, 403),
        ("DELETE", &address, chief, None, 200),
    ] {
        let answer = reader.ask(method, PATH, address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{method} {address} {body:?}: {}", answer.text);
    }
    let feed = reader.ask("GET", "/api/v1/cap", "/api/v1/cap", seat, None).await;
    assert!(feed.text.contains(&number), "{}", feed.text);
    reader.ask("GET", "/api/v1/cap", "/api/v1/cap", Who::Nobody, None).await;
}

async fn status(reader: &mut Reader<'_>, seat: &Browser) {
    const PATH: &str = "/api/v1/public/status";
    let number = number_of(reader, seat, "hotline").await;
    let case = reader.site.get(&format!("/api/v1/cases/{number}"), Some(seat)).await.json();
    let code = case["public_code"].as_str().expect("a call has a code").to_owned();
    let right = format!("{PATH}?number={number}&code={code}");
    let told = reader.ask("GET", PATH, &right, Who::Nobody, None).await.json();
    assert_eq!(
        (told["number"].as_str(), told["steps"].as_array().map(Vec::len)),
        (Some(number.as_str()), Some(8))
    );
    assert_eq!(reader.ask("GET", PATH, PATH, Who::Nobody, None).await.status, 400);
    for wrong in 0..MOST_OF_ADDRESS {
        // Each number of its own: the address is what is locked.
        let address = format!("{PATH}?number=20000101-{wrong:03}&code=00000000");
        assert_eq!(reader.ask("GET", PATH, &address, Who::Nobody, None).await.status, 404, "{wrong}");
    }
    assert_eq!(reader.ask("GET", PATH, &right, Who::Nobody, None).await.status, 429);
}
