//! What of a case may be told outside. Pure.
//!
//! Titles of what boxes and people of a grid report leave as they are. The title of a call holds the caller's words, that
//! of a citizen's report the citizen's: such a case is called by its category.

use std::str::FromStr as _;

use protocol::{IncidentKind, Severity};
use serde_json::Value;

use crate::case::{Source, category};
use crate::db::from_row;

/// Longest title or place that leaves, in characters.
const MOST_TEXT: usize = 80;

/// A case as its row has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CaseFacts {
    pub(super) case_id: String,
    pub(super) number: String,
    pub(super) kind: String,
    pub(super) severity: String,
    pub(super) state: String,
    pub(super) source: String,
    pub(super) category: Option<String>,
    pub(super) title_zh: String,
    pub(super) title_en: String,
    pub(super) place: Option<String>,
    pub(super) location: Option<String>,
    pub(super) area: String,
    pub(super) level: String,
    pub(super) drill: i64,
    pub(super) confidential: i64,
    pub(super) due_clock: Option<String>,
    pub(super) due_at_ms: Option<i64>,
    /// Open cards, with blanks between.
    pub(super) cards: String,
    pub(super) opened_at_ms: i64,
}

from_row!(CaseFacts: case_id, number, kind, severity, state, source, category, title_zh, title_en, place, location,
    area, level, drill, confidential, due_clock, due_at_ms, cards, opened_at_ms);

impl CaseFacts {
    /// In Chinese and in English.
    pub(super) fn title(&self) -> (String, String) {
        let own =
            matches!(Source::parse(&self.source), Some(Source::Camera | Source::Device | Source::Worker));
        if own {
            return (plain(&self.title_zh), plain(&self.title_en));
        }
        if let Some(known) = self.category.as_deref().and_then(category::find) {
            return (known.zh.to_owned(), known.en.to_owned());
        }
        match IncidentKind::from_str(&self.kind) {
            Ok(kind) => (kind.zh().to_owned(), kind.en().to_owned()),
            Err(_) => ("群众诉求".to_owned(), "Matter of a citizen".to_owned()),
        }
    }

    pub(super) fn place(&self) -> Option<String> {
        self.place.as_deref().map(plain).filter(|place| !place.is_empty())
    }

    /// Latitude and longitude, WGS84.
    pub(super) fn coordinates(&self) -> Option<(f64, f64)> {
        let place: Value = serde_json::from_str(self.location.as_deref()?).ok()?;
        place.get("latitude")?.as_f64().zip(place.get("longitude")?.as_f64())
    }

    pub(super) fn severity(&self) -> Severity {
        self.severity.parse().unwrap_or(Severity::Normal)
    }

    /// The worst card that lies on it.
    pub(super) fn card(&self) -> Option<String> {
        ["black", "red", "yellow"]
            .into_iter()
            .find(|card| self.cards.split(' ').any(|open| open == *card))
            .map(str::to_owned)
    }
}

/// One line without what could end it or command a terminal, no longer than people read.
pub(super) fn plain(text: &str) -> String {
    let blank = |c: char| if c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c) { ' ' } else { c };
    let text: String = text.chars().map(blank).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST_TEXT).collect()
}

#[cfg(test)]
pub(super) fn sample() -> CaseFacts {
    CaseFacts {
        case_id: "c1".into(),
        number: "20260318-001".into(),
        kind: "blocked_lane".into(),
        severity: "major".into(),
        state: "dispatched".into(),
        source: "camera".into(),
        category: Some("blocked_lane".into()),
        title_zh: "消防通道占用 · 北口".into(),
        title_en: "Blocked fire lane · 北口".into(),
        place: Some("北口".into()),
        location: Some(r#"{"name":"北口","latitude":34.5,"longitude":107.4}"#.into()),
        area: "/fengxiang/chengguan/".into(),
        level: "county".into(),
        drill: 0,
        confidential: 0,
        due_clock: Some("handle".into()),
        due_at_ms: Some(1_773_820_800_000),
        cards: "red yellow".into(),
        opened_at_ms: 1_773_799_200_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A camera's title leaves; a caller's or a citizen's words do not, filed or not.
    #[test]
    fn words_of_citizens_stay() {
        assert_eq!(sample().title().0, "消防通道占用 · 北口");
        for source in ["call", "citizen", "platform", "of a newer hub"] {
            let mut case =
                CaseFacts { source: source.into(), title_zh: "王某某说他家着火".into(), ..sample() };
            case.title_en.clone_from(&case.title_zh);
            for (kind, category) in [("hotline", Some("noise")), ("hotline", None), ("report", None)] {
                case.kind = kind.into();
                case.category = category.map(str::to_owned);
                let (zh, en) = case.title();
                assert!(!zh.contains("王某某") && !en.contains("王某某"), "{source} {kind}: {zh}");
                assert!(!zh.is_empty() && !en.is_empty());
            }
        }
    }

    /// Lines stay lines, and short; half a place has no coordinates.
    #[test]
    fn texts_are_plain() {
        let case = CaseFacts {
            title_zh: "a\r\nBcc: x\u{202e}\u{1b}[2J".into(),
            place: Some("长".repeat(500)),
            location: Some(r#"{"name":"x","latitude":34.5}"#.into()),
            ..sample()
        };
        assert_eq!(case.title().0, "a Bcc: x [2J");
        assert_eq!(case.place().unwrap().chars().count(), MOST_TEXT);
        assert_eq!(case.coordinates(), None);
        assert_eq!(sample().coordinates(), Some((34.5, 107.4)));
        assert_eq!(sample().card().as_deref(), Some("red"));
    }
}
