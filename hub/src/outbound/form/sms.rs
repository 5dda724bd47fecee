//! An SMS gateway, as its operator describes it: where the number, the text and the id go, and how it says that it has
//! taken a message. Pure.

use serde_json::Value;

use super::Outcome;
use super::http::Answer;
use crate::outbound::config::SuccessConfig;

/// What is put in.
#[derive(Clone, Copy, Debug)]
pub(in crate::outbound) struct Filling<'a> {
    pub(in crate::outbound) phone: &'a str,
    pub(in crate::outbound) text: &'a str,
    pub(in crate::outbound) id: &'a str,
}

impl Filling<'_> {
    /// One pass from left to right: a text that says `{phone}` stays a text.
    fn put(&self, template: &str, write: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            out += before;
            let parts = [("{phone}", self.phone), ("{text}", self.text), ("{id}", self.id)];
            match parts.iter().find(|(part, _)| from.starts_with(part)) {
                Some((part, value)) => {
                    out += &write(value);
                    rest = &from[part.len()..];
                }
                None => {
                    out.push('{');
                    rest = &from[1..];
                }
            }
        }
        out + rest
    }

    pub(in crate::outbound) fn url(&self, template: &str) -> String {
        self.put(template, percent)
    }

    /// The configuration refuses texts in headers; numbers and ids are ASCII.
    pub(in crate::outbound) fn header(&self, template: &str) -> String {
        self.put(template, str::to_owned)
    }

    /// Every text within it; names of fields stay.
    pub(in crate::outbound) fn json(&self, template: &Value) -> Value {
        match template {
            Value::String(text) => Value::String(self.put(text, str::to_owned)),
            Value::Array(all) => Value::Array(all.iter().map(|one| self.json(one)).collect()),
            Value::Object(fields) => {
                Value::Object(fields.iter().map(|(name, one)| (name.clone(), self.json(one))).collect())
            }
            other => other.clone(),
        }
    }

    /// The fields of a form, in the order of their names.
    pub(in crate::outbound) fn form(&self, template: &Value) -> Vec<(String, String)> {
        let fields = template.as_object().into_iter().flatten();
        let field = |(name, value): (&String, &Value)| (name.clone(), text_of(&self.json(value)));
        fields.map(field).collect()
    }
}

/// What a gateway's answer means. One that says no is not asked again by itself: nobody knows whether it has not sent the
/// message after all, and a telephone that rings sixteen times is worse. What `retry` names is.
pub(in crate::outbound) fn outcome(success: &SuccessConfig, answer: &Answer) -> Outcome {
    let listed = success.status.contains(&answer.status.as_u16());
    if !listed && (!success.status.is_empty() || !answer.status.is_success()) {
        return answer.setback().unwrap_or_else(|| Outcome::refused(answer.in_words()));
    }
    let (Some(pointer), Some(wanted)) = (&success.pointer, &success.value) else {
        return Outcome::Sent(answer.in_words());
    };
    let said: Value = serde_json::from_str(&answer.text).unwrap_or_default();
    let found = said.pointer(pointer).cloned().unwrap_or_default();
    if text_of(&found) == text_of(wanted) {
        Outcome::Sent(answer.in_words())
    } else if success.retry.iter().any(|value| text_of(value) == text_of(&found)) {
        Outcome::down(answer.in_words())
    } else {
        Outcome::refused(answer.in_words())
    }
}

/// `0` and `"0"` are the same.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// RFC 3986: all but what is unreserved.
fn percent(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::json;

    use super::*;

    const FILLING: Filling<'_> =
        Filling { phone: "13800000000", text: "催办：{phone} \"a\" & b", id: "ab12" };

    /// Each part goes where it is named, written as the place demands; nothing in a text is taken for a place.
    #[test]
    fn filling() {
        assert_eq!(
            FILLING.url("http://x/send?to={phone}&text={text}&id={id}&{other}"),
            "http://x/send?to=13800000000&text=%E5%82%AC%E5%8A%9E%EF%BC%9A%7Bphone%7D%20%22a%22%20%26%20b&id=ab12&{other}"
        );
        let body =
            json!({ "to": ["{phone}"], "params": { "text": "【哨点】{text}" }, "type": 1, "{id}": "{id}" });
        assert_eq!(
            FILLING.json(&body),
            json!({ "to": ["13800000000"], "params": { "text": "【哨点】催办：{phone} \"a\" & b" }, "type": 1, "{id}": "ab12" })
        );
        let form = FILLING.form(&json!({ "mobile": "{phone}", "n": 1 }));
        assert_eq!(form, [("mobile".to_owned(), "13800000000".to_owned()), ("n".to_owned(), "1".to_owned())]);
        assert_eq!(FILLING.header("Bearer {id}"), "Bearer ab12");
    }

    fn outcome_of(success: &SuccessConfig, status: u16, text: &str) -> Outcome {
        outcome(success, &Answer::of(StatusCode::from_u16(status).unwrap(), text))
    }

    /// Taken, later, or never, by status and by what the gateway says.
    #[test]
    fn answers() {
        use Outcome::{Later, Refused, Sent};
        let plain = SuccessConfig::default();
        assert!(matches!(outcome_of(&plain, 202, ""), Sent(_)));
        assert!(matches!(outcome_of(&plain, 503, ""), Later(_)));
        assert!(matches!(outcome_of(&plain, 401, ""), Refused(_)));
        let told = SuccessConfig {
            status: vec![200],
            pointer: Some("/result/code".into()),
            value: Some(json!(0)),
            retry: vec![json!("22")],
        };
        assert!(matches!(outcome_of(&told, 200, r#"{"result":{"code":"0"}}"#), Sent(_)));
        assert!(matches!(outcome_of(&told, 200, r#"{"result":{"code":22}}"#), Later(_)));
        assert!(matches!(outcome_of(&told, 200, r#"{"result":{"code":7}}"#), Refused(_)));
        assert!(matches!(outcome_of(&told, 200, "ok"), Refused(_)));
        assert!(
            matches!(outcome_of(&told, 201, r#"{"result":{"code":0}}"#), Refused(_)),
            "only 200 is listed"
        );
        assert!(matches!(outcome_of(&told, 429, ""), Later(_)));
    }
}
