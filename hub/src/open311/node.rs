//! One answer in two formats: XML as GeoReport v2 has it, JSON mapped from it as the standard says (lists become arrays, an
//! empty element `null`).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::xml::Document;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Xml,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Text(String),
    /// An element without content.
    Nothing,
    Flag(bool),
    Number(f64),
    Fields(Vec<(&'static str, Node)>),
    /// Items, each an element of this name.
    List(&'static str, Vec<Node>),
}

impl Node {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Nothing, Self::text)
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(text) if text.is_empty() => Value::Null,
            Self::Text(text) => Value::String(text.clone()),
            Self::Nothing => Value::Null,
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Number(number) => serde_json::json!(number),
            Self::Fields(fields) => {
                let fields = fields.iter().map(|(name, node)| ((*name).to_owned(), node.json()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Self::List(_, items) => items.iter().map(Self::json).collect(),
        }
    }

    fn xml(&self, name: &str, into: &mut Document) {
        match self {
            Self::Text(text) => into.leaf(name, text),
            Self::Nothing => into.leaf(name, ""),
            Self::Flag(flag) => into.leaf(name, if *flag { "true" } else { "false" }),
            Self::Number(number) => into.leaf(name, &number.to_string()),
            Self::Fields(_) | Self::List(..) => into.inside(name, |into| self.fill(into)),
        }
    }

    /// What stands inside its own element.
    fn fill(&self, into: &mut Document) {
        match self {
            Self::Fields(fields) => fields.iter().for_each(|(name, node)| node.xml(name, into)),
            Self::List(item, items) => items.iter().for_each(|node| node.xml(item, into)),
            _ => {}
        }
    }
}

/// A whole answer: `root` is the element around it, which JSON has not.
pub(super) fn answer(format: Format, status: StatusCode, root: &str, node: &Node) -> Response {
    let (kind, body) = match format {
        Format::Json => ("application/json; charset=utf-8", node.json().to_string()),
        Format::Xml => ("text/xml; charset=utf-8", Document::write(root, &[], |into| node.fill(into))),
    };
    let mut response = (status, body).into_response();
    let all = response.headers_mut();
    all.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    all.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    all.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What was wrong with a request, in the standard's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) status: StatusCode,
    pub(super) description: String,
}

impl Wrong {
    pub(super) fn new(status: StatusCode, description: impl Into<String>) -> Self {
        Self { status, description: description.into() }
    }

    pub(super) fn input(description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, description)
    }

    pub(super) fn missing(description: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, description)
    }

    pub(super) fn key() -> Self {
        Self::new(StatusCode::FORBIDDEN, "api_key is missing, unknown or revoked")
    }

    pub(super) fn answer(&self, format: Format) -> Response {
        let error = Node::Fields(vec![
            ("code", Node::text(self.status.as_u16().to_string())),
            ("description", Node::text(&self.description)),
        ]);
        answer(format, self.status, "errors", &Node::List("error", vec![error]))
    }
}

impl From<crate::db::Error> for Wrong {
    fn from(error: crate::db::Error) -> Self {
        if crate::db::is_bad_value(&error) {
            return Self::input("a text that cannot be kept, such as one with a NUL character");
        }
        if crate::db::is_transient(&error) {
            tracing::warn!(%error, "the database is busy or away");
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "the database is busy or away; try again");
        }
        tracing::error!(%error, "an Open311 call failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the hub failed; what was committed is safe, try again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Node {
        Node::List(
            "request",
            vec![Node::Fields(vec![
                ("service_request_id", Node::text("20260318-001")),
                ("metadata", Node::Flag(false)),
                ("lat", Node::Number(34.5)),
                ("account_id", Node::Nothing),
                ("description", Node::text("a<b & \u{1}火")),
                ("attributes", Node::List("attribute", vec![])),
            ])],
        )
    }

    /// One answer is the same in both formats, with the standard's names; nothing breaks out of a text.
    #[test]
    fn both_formats_say_the_same() {
        let xml = Document::write("service_requests", &[], |into| sample().fill(into));
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><service_requests><request>\
             <service_request_id>20260318-001</service_request_id><metadata>false</metadata><lat>34.5</lat>\
             <account_id/><description>a&lt;b &amp; 火</description><attributes></attributes></request>\
             </service_requests>"
        );
        assert_eq!(
            sample().json(),
            serde_json::json!([{
                "service_request_id": "20260318-001", "metadata": false, "lat": 34.5, "account_id": null,
                "description": "a<b & \u{1}火", "attributes": []
            }])
        );
    }
}
