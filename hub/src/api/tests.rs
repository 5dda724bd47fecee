//! The description holds together, and the answers are as it says.

mod conforms;

use serde_json::Value;

/// Every reference in the description resolves, every operation has answers and an id of its own.
#[test]
fn the_description_is_whole() {
    let json = serde_json::to_value(super::openapi()).unwrap();
    assert!(json["openapi"].as_str().is_some_and(|version| version.starts_with("3.")));
    let mut ids = std::collections::HashSet::new();
    for (path, item) in json["paths"].as_object().unwrap() {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
            assert!(ids.insert((path.clone(), id.clone())) && !id.is_empty(), "{method} {path}");
            assert!(operation["responses"].as_object().is_some_and(|all| all.len() >= 2), "{method} {path}");
        }
    }
    let mut count = 0;
    references(&json, &mut |reference| {
        let pointer = reference.strip_prefix('#').expect("references stay inside the description");
        assert!(json.pointer(pointer).is_some(), "{reference} leads nowhere");
        count += 1;
    });
    assert!(count > 20, "only {count} references");
}

fn references(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                found(reference);
            }
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
