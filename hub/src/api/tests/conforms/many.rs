//! Moves of many cases, and what people of the grids do beside the moves.

use serde_json::json;

use super::{Reader, Who};

pub(super) async fn many(reader: &mut Reader<'_>, chief: Who<'_>, number: &str) {
    const MANY: &str = "/api/v1/moves";
    const DEED: &str = "/api/v1/cases/{number}/field";
    let of = |numbers: &[&str]| numbers.iter().map(|number| json!({"number": number})).collect::<Vec<_>>();
    for (who, body, status) in [
        (chief, Some(json!({"move": "remind", "text": "x", "cases": of(&[number, "20000101-001"])})), 200),
        (chief, Some(json!({"move": "remind", "text": "x", "cases": []})), 422),
        (chief, Some(json!({"move": "remind", "text": "x", "cases": of(&[number, number])})), 422),
        (chief, Some(json!({"move": "check", "agrees": true, "note": "x", "cases": of(&[number])})), 422),
        (chief, Some(json!({"move": "jump", "cases": of(&[number])})), 422),
        (chief, None, 415),
        (Who::Nobody, Some(json!({"move": "accept", "cases": of(&[number])})), 401),
    ] {
        let answer = reader.ask("POST", MANY, MANY, who, body.clone()).await;
        assert_eq!(answer.status, status, "{body:?}: {}", answer.text);
    }
    let own = format!("/api/v1/cases/{number}/field");
    for (address, who, body, status) in [
        (own.as_str(), chief, Some(json!({"act": "say", "text": "请先看现场"})), 200),
        (&own, chief, Some(json!({"act": "say", "text": " "})), 422),
        (&own, chief, Some(json!({"act": "fly"})), 422),
        (&own, chief, Some(json!({"act": "take"})), 403),
        (&own, chief, None, 415),
        ("/api/v1/cases/20000101-001/field", chief, Some(json!({"act": "take"})), 404),
        (&own, Who::Nobody, Some(json!({"act": "take"})), 401),
    ] {
        let answer = reader.ask("POST", DEED, address, who, body.clone()).await;
        assert_eq!(answer.status, status, "{address} {body:?}: {}", answer.text);
    }
}
