//! What can be reported: the categories of cases, but those that only boxes raise.

use protocol::IncidentKind;

use super::node::{Node, Wrong};
use super::{Asked, BASE};
use crate::category::{Categories, Category};
use crate::web::text::Lang;

/// When what is said here last changed in form.
const CHANGESET: &str = "2026-03-01T00:00:00+08:00";
/// The document that this follows.
const SPECIFICATION: &str = "http://wiki.open311.org/GeoReport_v2";
/// Group of what is wrong with boxes themselves.
const OF_BOXES: &str = "equipment";

/// A category that somebody may report under.
pub(super) fn find<'c>(categories: &'c Categories, code: &str) -> Option<&'c Category> {
    categories.find(code).filter(|category| category.active && is_public(category))
}

/// Codes of all that can be read: cases keep the category under which they were filed.
pub(super) fn codes(categories: &Categories) -> impl Iterator<Item = &str> {
    categories.categories.iter().filter(|category| is_public(category)).map(|category| category.id.as_str())
}

/// Nobody outside reports, or reads of, a camera that shows nothing.
fn is_public(category: &Category) -> bool {
    use IncidentKind as K;
    let of_box = |kind: &String| {
        matches!(
            kind.parse::<K>(),
            Ok(K::CameraCovered
                | K::CameraDefocused
                | K::CameraMoved
                | K::CameraFrozen
                | K::CameraLost
                | K::DeviceLost)
        )
    };
    category.group != OF_BOXES && !category.kinds.iter().any(of_box)
}

/// The language that is asked for: Chinese, but for `locale=en`.
pub(super) fn lang(asked: &Asked<'_>) -> Lang {
    if asked.fields.get("locale").starts_with("en") { Lang::En } else { Lang::Zh }
}

pub(super) fn discovery(asked: &Asked<'_>) -> Node {
    let formats = ["text/xml", "application/json"].map(Node::text).to_vec();
    let endpoint = Node::Fields(vec![
        ("specification", Node::text(SPECIFICATION)),
        ("url", Node::text(format!("{}{BASE}", asked.host))),
        ("changeset", Node::text(CHANGESET)),
        ("type", Node::text("production")),
        ("formats", Node::List("format", formats)),
    ]);
    Node::Fields(vec![
        ("changeset", Node::text(CHANGESET)),
        ("contact", Node::text(&asked.app.config.hub.name)),
        ("key_service", Node::text("hub open311 key add NAME")),
        ("endpoints", Node::List("endpoint", vec![endpoint])),
    ])
}

pub(super) fn list(asked: &Asked<'_>) -> Node {
    let (lang, all) = (lang(asked), &asked.categories);
    let service = |category: &Category| {
        let group = all.groups.iter().find(|group| group.id == category.group);
        let group = group.map_or(category.group.as_str(), |group| word(lang, &group.zh, &group.en));
        let name = name(category, lang);
        Node::Fields(vec![
            ("service_code", Node::text(&category.id)),
            ("service_name", Node::text(name)),
            ("description", Node::text(format!("{group} · {name}"))),
            ("metadata", Node::Flag(false)),
            ("type", Node::text("realtime")),
            ("keywords", Node::text(format!("{},{}", category.zh, category.en))),
            ("group", Node::text(group)),
        ])
    };
    let services = all.categories.iter().filter(|category| category.active && is_public(category));
    Node::List("service", services.map(service).collect())
}

pub(super) fn name(category: &Category, lang: Lang) -> &str {
    word(lang, &category.zh, &category.en)
}

/// A sheet may leave the English out.
fn word<'w>(lang: Lang, zh: &'w str, en: &'w str) -> &'w str {
    lang.pick(zh, if en.is_empty() { zh } else { en })
}

/// No category asks for more than the standard's own fields.
pub(super) fn definition(asked: &Asked<'_>, code: &str) -> Result<Node, Wrong> {
    let service =
        find(&asked.categories, code).ok_or_else(|| Wrong::missing("service_code was not found"))?;
    Ok(Node::Fields(vec![
        ("service_code", Node::text(&service.id)),
        ("attributes", Node::List("attribute", Vec::new())),
    ]))
}
