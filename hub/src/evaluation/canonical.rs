//! JSON in one form only: sorted keys, no blanks, whole numbers. What is equal is equal byte by byte. Pure.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The one text of a value. Its numbers are whole.
pub(super) fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

/// SHA-256, in hexadecimal.
pub(super) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            list(out, ('[', ']'), items.iter(), write);
        }
        Value::Object(fields) => {
            // Whatever order the map has.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by(|a, b| a.0.cmp(b.0));
            list(out, ('{', '}'), fields.into_iter(), |(name, value), out| {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(value, out);
            });
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn list<T>(
    out: &mut String,
    (opens, closes): (char, char),
    items: impl Iterator<Item = T>,
    each: impl Fn(T, &mut String),
) {
    out.push(opens);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        each(item, out);
    }
    out.push(closes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Order of keys and blanks of a text make no difference; what it says does.
    #[test]
    fn one_form() {
        let read = |text: &str| super::text(&serde_json::from_str(text).unwrap());
        let one = read("{\"b\": [1, {\"z\": null, \"a\": \"县\\\"\"}], \"a\": -3}");
        assert_eq!(one, "{\"a\":-3,\"b\":[1,{\"a\":\"县\\\"\",\"z\":null}]}");
        assert_eq!(one, read("{\"a\":-3,\"b\":[1,{\"a\":\"县\\\"\",\"z\":null}]}"));
        assert_ne!(hash(&one), hash(&read("{\"a\":-3,\"b\":[1,{\"a\":\"县\",\"z\":null}]}")));
        assert_eq!(hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
