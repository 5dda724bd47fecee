//! The form of a camera, as a draft: every field as it was typed. Pure.

use std::collections::BTreeMap;

use crate::camera::{Draft, Rule, Shape};
use crate::web::guard::Fields;

/// Numbers of fields that are looked at; nobody draws so many.
const MOST: usize = 1_000;

type Item<'f> = BTreeMap<&'f str, &'f str>;

/// What was marked as removed, or never filled in, is left out.
pub(super) fn draft(fields: &Fields) -> Draft {
    let shapes = |group| {
        let all = items(fields, group).into_values().map(|item| shape(&item));
        all.filter(|shape| !shape.is_blank()).collect()
    };
    let rules = items(fields, "rule").into_values().map(|item| rule(&item));
    Draft {
        zones: shapes("zone"),
        lines: shapes("line"),
        masks: shapes("mask"),
        rules: rules.filter(|rule| !rule.is_blank()).collect(),
    }
}

/// `zone.3.points=…` by its number.
fn items<'f>(fields: &'f Fields, group: &str) -> BTreeMap<usize, Item<'f>> {
    let mut all: BTreeMap<usize, Item<'f>> = BTreeMap::new();
    for (key, value) in fields.pairs() {
        let mut parts = key.splitn(3, '.');
        let (Some(of), Some(at), Some(name)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let Some(at) = at.parse::<usize>().ok().filter(|at| *at < MOST && of == group) else { continue };
        all.entry(at).or_default().entry(name).or_insert(value);
    }
    all.retain(|_, item| !item.contains_key("gone"));
    all
}

fn text(item: &Item<'_>, key: &str) -> String {
    item.get(key).map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn was(item: &Item<'_>) -> Option<usize> {
    item.get("was").and_then(|was| was.parse().ok())
}

fn shape(item: &Item<'_>) -> Shape {
    let points = text(item, "points").split_whitespace().collect::<Vec<_>>().join(" ");
    Shape { was: was(item), id: text(item, "id"), points }
}

fn rule(item: &Item<'_>) -> Rule {
    let text = |key| text(item, key);
    Rule {
        was: was(item),
        id: text("id"),
        kind: text("kind"),
        name: text("name"),
        name_en: text("name_en"),
        enabled: item.contains_key("enabled"),
        zone: text("zone"),
        line: text("line"),
        direction: text("direction"),
        labels: text("labels"),
        min_score: text("min_score"),
        min_size: text("min_size"),
        dwell_s: text("dwell_s"),
        count: text("count"),
        severity: text("severity"),
        cooldown_s: text("cooldown_s"),
        days: text("days"),
        from: text("from"),
        to: text("to"),
        holidays: text("holidays"),
        stretches: text("stretches").parse().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields find together by their numbers; what is removed, empty or of no form of this page is left out.
    #[test]
    fn a_form_is_a_draft() {
        let form = "csrf=x&zone.7.id=b&zone.7.points=0,0++1,0%0A1,1&zone.2.was=0&zone.2.id=a&zone.2.points=&\
                    zone.3.id=&zone.3.points=&mask.0.points=0,0&mask.0.gone=on&mask.0.was=0&rule.0.was=1&\
                    rule.0.id=r&rule.0.kind=fall&rule.0.enabled=on&rule.0.dwell_s=+5+&rule.1.kind=&rule.1.id=&\
                    rule.9999.id=x&zone.x.id=y&zone.1=z&rule.2.id=off&rule.2.kind=fire";
        let draft = draft(&Fields::parse(form.as_bytes()));
        let zones: Vec<_> = draft.zones.iter().map(|z| (z.was, z.id.as_str(), z.points.as_str())).collect();
        assert_eq!(zones, [(Some(0), "a", ""), (None, "b", "0,0 1,0 1,1")]);
        assert_eq!((draft.masks.len(), draft.lines.len(), draft.rules.len()), (0, 0, 2));
        let rule = &draft.rules[0];
        assert_eq!((rule.was, rule.enabled, rule.dwell_s.as_str()), (Some(1), true, "5"));
        assert!(!draft.rules[1].enabled);
    }
}
