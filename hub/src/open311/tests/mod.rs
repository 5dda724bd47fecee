//! Open311 as an application of others meets it, in both formats, read by parsers that are not ours.

mod reporting;
mod walk;

use axum::body::Body;
use axum::http::{Request, header};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::{Map, Value};

use super::key;
use crate::organisation;
use crate::web::guard::percent;
use crate::web::tests::site::{Answer, Site, sites};
use crate::workflow::{self, Actor, Step};

pub(super) const AREAS: &str = "id,name,name_en,level,parent\n\
    county,县,County,county,\n\
    north,北镇,North,town,county\n\
    dongguan,东关社区,Dongguan,community,north\n\
    south,南镇,South,town,county\n";

/// A square kilometre or so of 东关.
pub(super) const MAP: &str = r#"{"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"id": "g1", "name": "一网格", "parent": "dongguan"},
     "geometry": {"type": "Polygon", "coordinates": [[[107.40, 34.50], [107.42, 34.50], [107.42, 34.52], [107.40, 34.52], [107.40, 34.50]]]}}]}"#;

/// Areas, a map with one grid, units, and a key.
pub(super) async fn furnish(site: &Site) -> String {
    let (app, tenant) = (&site.app, site.app.tenant().as_str());
    organisation::store::seed_units(&app.db, tenant).await.unwrap();
    assert!(
        organisation::testing::import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap().done
    );
    let by = ("user:admin", "x", app.clock.now());
    app.grids
        .import(&app.db, tenant, (MAP.as_bytes(), crate::grid::Datum::Wgs84), by, false)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    key::add(app, "weixin", None, false).await.unwrap()
}

pub(super) async fn take(site: &Site, number: &str, step: Step) {
    let (app, id) = (&site.app, site.app.new_id());
    let with = app.step_with(&id);
    workflow::store::take(&app.db, app.tenant().as_str(), number, &step, &Actor::hub(), with)
        .await
        .unwrap_or_else(|error| panic!("{step:?}: {error}"));
}

/// Sends a form; `repeat`: its `Idempotency-Key`.
pub(super) async fn post(site: &Site, path: &str, fields: &[(&str, &str)], repeat: Option<&str>) -> Answer {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", percent(value)));
    let form = pairs.collect::<Vec<_>>().join("&");
    let mut request = Request::post(format!("/open311/v2/{path}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8");
    if let Some(key) = repeat {
        request = request.header("idempotency-key", key);
    }
    site.send(request.body(Body::from(form)).unwrap()).await
}

pub(super) async fn get(site: &Site, path: &str) -> Answer {
    site.get(&format!("/open311/v2/{path}"), None).await
}

/// An answer as its own format's parser reads it: XML is brought into the form of JSON, its root left out.
pub(super) fn read(answer: &Answer) -> Value {
    let kind = answer.header("content-type");
    match kind {
        "application/json; charset=utf-8" => answer.json(),
        "text/xml; charset=utf-8" => {
            let (_, value) = xml(&answer.text);
            value
        }
        _ => panic!("{kind}: {}", answer.text),
    }
}

/// Elements that hold a list, by the standard.
const LISTS: [&str; 7] = [
    "services",
    "service_requests",
    "service_request_updates",
    "errors",
    "endpoints",
    "formats",
    "attributes",
];

/// An element that is not at its end: name, children, text.
type Open = (String, Vec<(String, Value)>, String);

/// The root's name, and what is in it.
pub(super) fn xml(text: &str) -> (String, Value) {
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{text}");
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut open: Vec<Open> = Vec::new();
    let name = |name: &str| name.to_owned();
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {text}")) {
            Event::Start(start) => open.push((name(start.name().into_inner()), Vec::new(), String::new())),
            Event::Empty(start) => {
                let value = (name(start.name().into_inner()), Value::Null);
                open.last_mut().expect("a root is never empty here").1.push(value);
            }
            Event::Text(part) => {
                if let Some(last) = open.last_mut() {
                    last.2 += &part.xml10_content();
                }
            }
            Event::GeneralRef(reference) => {
                let last = open.last_mut().expect("references stand in texts");
                let named = match reference.xml10_content().as_ref() {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => reference.resolve_char_ref().unwrap().expect("only characters are referred to"),
                };
                last.2.push(named);
            }
            Event::End(_) => {
                let (name, children, text) = open.pop().expect("ends follow beginnings");
                let value = match (LISTS.contains(&name.as_str()), children.is_empty()) {
                    (true, _) => children.into_iter().map(|(_, value)| value).collect(),
                    (false, true) => Value::String(text),
                    (false, false) => Value::Object(children.into_iter().collect::<Map<_, _>>()),
                };
                match open.last_mut() {
                    Some(above) => above.1.push((name, value)),
                    None => return (name, value),
                }
            }
            Event::Eof => panic!("no end: {text}"),
            _ => {}
        }
    }
}

/// A field as text, whatever the format writes it as.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
