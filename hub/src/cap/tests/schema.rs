//! The structure of a CAP 1.2 message, written down by hand from the text of the standard: which elements, in which order,
//! how often, and which words they may have.

use protocol::IncidentKind;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::cap::alert::{Category, Certainty, Grade, MsgType, Status, Urgency, category_of};
use crate::case::category;

/// An element that was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    pub(super) fn read(text: &str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().enable_all_checks(true);
        let mut open: Vec<Self> = Vec::new();
        let begin = |start: &BytesStart<'_>| Self {
            name: start.name().into_inner().to_owned(),
            attributes: start
                .attributes()
                .map(|attribute| {
                    let attribute = attribute.unwrap();
                    let value = quick_xml::escape::unescape(&attribute.value).unwrap().into_owned();
                    (attribute.key.into_inner().to_owned(), value)
                })
                .collect(),
            ..Self::default()
        };
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{error}: {text}")) {
                Event::Start(start) => open.push(begin(&start)),
                Event::Empty(start) => open.last_mut().unwrap().children.push(begin(&start)),
                Event::Text(part) => {
                    if let Some(last) = open.last_mut() {
                        last.text += &part.xml10_content();
                    }
                }
                Event::GeneralRef(reference) => {
                    let named = match reference.xml10_content().as_ref() {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => reference.resolve_char_ref().unwrap().unwrap(),
                    };
                    open.last_mut().unwrap().text.push(named);
                }
                Event::End(_) => {
                    let done = open.pop().unwrap();
                    match open.last_mut() {
                        Some(above) => above.children.push(done),
                        None => return done,
                    }
                }
                Event::Eof => panic!("no end: {text}"),
                _ => {}
            }
        }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn all(&self, name: &str) -> Vec<&Self> {
        self.children.iter().filter(|child| child.name == name).collect()
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.find(name).map_or_else(|| panic!("no {name} in {}", self.name), |child| child.text.as_str())
    }

    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// Name, at least, at most.
type Rule = (&'static str, usize, usize);

const MANY: usize = usize::MAX;

const ALERT: [Rule; 15] = [
    ("identifier", 1, 1),
    ("sender", 1, 1),
    ("sent", 1, 1),
    ("status", 1, 1),
    ("msgType", 1, 1),
    ("source", 0, 1),
    ("scope", 1, 1),
    ("restriction", 0, 1),
    ("addresses", 0, 1),
    ("code", 0, MANY),
    ("note", 0, 1),
    ("references", 0, 1),
    ("incidents", 0, 1),
    ("info", 0, MANY),
    ("Signature", 0, MANY),
];

const INFO: [Rule; 21] = [
    ("language", 0, 1),
    ("category", 1, MANY),
    ("event", 1, 1),
    ("responseType", 0, MANY),
    ("urgency", 1, 1),
    ("severity", 1, 1),
    ("certainty", 1, 1),
    ("audience", 0, 1),
    ("eventCode", 0, MANY),
    ("effective", 0, 1),
    ("onset", 0, 1),
    ("expires", 0, 1),
    ("senderName", 0, 1),
    ("headline", 0, 1),
    ("description", 0, 1),
    ("instruction", 0, 1),
    ("web", 0, 1),
    ("contact", 0, 1),
    ("parameter", 0, MANY),
    ("resource", 0, MANY),
    ("area", 0, MANY),
];

const AREA: [Rule; 6] = [
    ("areaDesc", 1, 1),
    ("polygon", 0, MANY),
    ("circle", 0, MANY),
    ("geocode", 0, MANY),
    ("altitude", 0, 1),
    ("ceiling", 0, 1),
];

const STATUS: [&str; 5] = ["Actual", "Exercise", "System", "Test", "Draft"];
const MSG_TYPE: [&str; 5] = ["Alert", "Update", "Cancel", "Ack", "Error"];
const SCOPE: [&str; 3] = ["Public", "Restricted", "Private"];
const CATEGORY: [&str; 12] = [
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
];
const URGENCY: [&str; 5] = ["Immediate", "Expected", "Future", "Past", "Unknown"];
const SEVERITY: [&str; 5] = ["Extreme", "Severe", "Moderate", "Minor", "Unknown"];
const CERTAINTY: [&str; 5] = ["Observed", "Likely", "Possible", "Unlikely", "Unknown"];

/// The children stand in the order of the rules, each as often as it may.
fn in_order(element: &Element, rules: &[Rule]) {
    let mut at = 0;
    for child in &element.children {
        let place = rules.iter().position(|rule| rule.0 == child.name);
        let place = place.unwrap_or_else(|| panic!("{} has no {}", element.name, child.name));
        assert!(place >= at, "{} stands too late in {}", child.name, element.name);
        at = place;
    }
    for (name, least, most) in rules {
        let count = element.all(name).len();
        assert!((*least..=*most).contains(&count), "{count} {name} in {}", element.name);
    }
}

/// `2002-05-24T16:49:00-07:00`: never `Z`, no fractions; UTC is `-00:00`.
fn is_time(text: &str) {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert!(["0000-00-00T00:00:00+00:00", "0000-00-00T00:00:00-00:00"].contains(&shape.as_str()), "{text}");
    assert!(!text.ends_with("+00:00"), "{text}");
}

fn is_one_of(element: &Element, name: &str, words: &[&str]) {
    for child in element.all(name) {
        assert!(words.contains(&child.text.as_str()), "{name} is {:?}", child.text);
    }
}

/// Reads a message and holds it against all of it.
pub(super) fn check(text: &str) -> Element {
    let alert = Element::read(text);
    assert_eq!(
        (alert.name.as_str(), alert.attribute("xmlns")),
        ("alert", "urn:oasis:names:tc:emergency:cap:1.2")
    );
    in_order(&alert, &ALERT);
    for name in ["identifier", "sender"] {
        let text = alert.text(name);
        assert!(!text.is_empty() && !text.contains([' ', ',', '<', '&']), "{name} is {text:?}");
    }
    is_time(alert.text("sent"));
    is_one_of(&alert, "status", &STATUS);
    is_one_of(&alert, "msgType", &MSG_TYPE);
    is_one_of(&alert, "scope", &SCOPE);
    assert_eq!(alert.text("scope") == "Restricted", alert.find("restriction").is_some());
    assert_eq!(alert.find("references").is_some(), ["Update", "Cancel"].contains(&alert.text("msgType")));
    for reference in alert.find("references").into_iter().flat_map(|all| all.text.split(' ')) {
        let parts: Vec<&str> = reference.split(',').collect();
        assert_eq!(parts.len(), 3, "{reference}");
        is_time(parts[2]);
    }
    let languages: Vec<&str> = alert.all("info").iter().map(|info| info.text("language")).collect();
    assert_eq!(languages, ["zh-CN", "en-US"]);
    for info in alert.all("info") {
        in_order(info, &INFO);
        is_one_of(info, "category", &CATEGORY);
        is_one_of(info, "urgency", &URGENCY);
        is_one_of(info, "severity", &SEVERITY);
        is_one_of(info, "certainty", &CERTAINTY);
        for time in ["onset", "expires"] {
            is_time(info.text(time));
        }
        for needed in ["event", "headline", "description", "senderName"] {
            assert!(!info.text(needed).is_empty(), "{needed} is empty");
        }
        for area in info.all("area") {
            in_order(area, &AREA);
            assert!(!area.text("areaDesc").is_empty());
            for polygon in area.all("polygon") {
                let corners: Vec<&str> = polygon.text.split(' ').collect();
                assert!(corners.len() >= 4 && corners.first() == corners.last(), "{corners:?}");
                corners.into_iter().for_each(is_point);
            }
            for circle in area.all("circle") {
                let (point, radius) = circle.text.split_once(' ').expect("a point and a radius");
                is_point(point);
                assert!(radius.parse::<f64>().is_ok_and(|radius| radius >= 0.0), "{radius}");
            }
            for code in area.all("geocode") {
                in_order(code, &[("valueName", 1, 1), ("value", 1, 1)]);
            }
        }
    }
    alert
}

fn is_point(text: &str) {
    let (latitude, longitude) = text.split_once(',').unwrap_or_else(|| panic!("{text}"));
    assert!(latitude.parse::<f64>().is_ok_and(|latitude| (-90.0..=90.0).contains(&latitude)), "{text}");
    assert!(longitude.parse::<f64>().is_ok_and(|longitude| (-180.0..=180.0).contains(&longitude)), "{text}");
}

/// Every word that we use is one of the schema's, and every kind and category that is not about the equipment has one.
#[test]
fn words_are_the_schemas() {
    assert!(Status::ALL.iter().all(|word| STATUS.contains(&word.as_str())));
    assert!(MsgType::ALL.iter().all(|word| MSG_TYPE.contains(&word.as_str())));
    assert!(Category::ALL.iter().all(|word| CATEGORY.contains(&word.as_str())));
    assert!(Urgency::ALL.iter().all(|word| URGENCY.contains(&word.as_str())));
    assert!(Grade::ALL.iter().all(|word| SEVERITY.contains(&word.as_str())));
    assert!(Certainty::ALL.iter().all(|word| CERTAINTY.contains(&word.as_str())));
    for category in category::all() {
        assert_eq!(category_of(category.id).is_none(), category.group == "equipment", "{category:?}");
    }
    let told = IncidentKind::ALL.iter().filter(|kind| category_of(kind.as_str()).is_some()).count();
    assert_eq!(told, IncidentKind::ALL.len() - 6);
}

/// The check itself finds what is wrong: another order, an unknown word, a time in UTC as `Z`.
#[test]
#[should_panic(expected = "stands too late")]
fn another_order_is_found() {
    let alert = Element::read("<alert><sender>a</sender><identifier>b</identifier></alert>");
    in_order(&alert, &ALERT);
}

#[test]
#[should_panic(expected = "2026-03-18T14:31:20Z")]
fn a_time_in_z_is_found() {
    is_time("2026-03-18T14:31:20Z");
}
