//! Open cases that a call may tell of: near it in time, in place and in words. Pure; the hub offers them, people decide.
//!
//! Words are compared by pairs of characters, which need no dictionary: 凤鸣路菜市场 and 凤鸣路市场 share most of theirs.

use crate::db::from_row;
use std::collections::BTreeSet;

use protocol::{IncidentKind, UtcMs};

/// Cases opened longer ago than this are not looked at.
pub const WITHIN_MS: i64 = 3 * 24 * 3_600_000;
/// What a camera saw elsewhere, or where nobody says, is what the caller tells of only this near to the call.
const SAME_HOUR_MS: i64 = 3_600_000;
/// Cases that are compared, newest first, and offered.
pub const MOST_COMPARED: i64 = 300;
const MOST_OFFERED: usize = 3;
/// Below this two cases have nothing to do with each other.
const LEAST: f64 = 0.3;
/// How much of it is the place, the words, both together, and the time.
const PLACE: f64 = 0.45;
const WORDS: f64 = 0.35;
const BOTH: f64 = 0.1;
const TIME: f64 = 0.1;

/// What is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub number: String,
    pub kind: String,
    pub severity: String,
    pub title_zh: String,
    pub title_en: String,
    /// Where its box stands or its ticket says.
    pub place: String,
    /// Title and, where there is a ticket, its summary.
    pub words: String,
    pub opened_at_ms: i64,
}

from_row!(Told: number, kind, severity, title_zh, title_en, place, words, opened_at_ms);

/// A case that may be the same, 0 to 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Similar {
    pub told: Told,
    pub percent: u8,
}

/// The cases that are most like a call of the moment `at` told of as `place` and `words` (and alarms that hold), best
/// first.
pub fn similar(place: &str, words: &str, alarms: &[&str], at: UtcMs, others: Vec<Told>) -> Vec<Similar> {
    let (place, words) = (pairs(place), pairs(words));
    let mut found: Vec<Similar> = others
        .into_iter()
        .filter_map(|told| {
            let here = overlap(&place, &pairs(&format!("{} {}", told.place, told.words)));
            let apart_ms = at.since_ms(UtcMs(told.opened_at_ms)).saturating_abs();
            // Another fire at the other end of the county yesterday is another fire.
            let seen = (here > 0.0 || apart_ms <= SAME_HOUR_MS) && seen(&told.kind, alarms);
            let said = overlap(&words, &pairs(&told.words)).max(f64::from(u8::from(seen)));
            let apart = apart_ms as f64 / WITHIN_MS as f64;
            let both = (here * said).sqrt();
            let score = PLACE * here + WORDS * said + BOTH * both + TIME * (1.0 - apart).max(0.0);
            // Nothing in common but the day is nothing in common.
            (score >= LEAST && here + said > 0.0)
                .then(|| Similar { told, percent: (score * 100.0).round() as u8 })
        })
        .collect();
    found.sort_by(|a, b| b.percent.cmp(&a.percent).then(b.told.opened_at_ms.cmp(&a.told.opened_at_ms)));
    found.truncate(MOST_OFFERED);
    found
}

/// A camera sees what a caller tells.
fn seen(kind: &str, alarms: &[&str]) -> bool {
    let Ok(kind) = kind.parse::<IncidentKind>() else { return false };
    let told: &[&str] = match kind {
        IncidentKind::Fire | IncidentKind::Smoke => &["fire", "explosion"],
        IncidentKind::Fall => &["injury"],
        _ => &[],
    };
    told.iter().any(|alarm| alarms.contains(alarm))
}

/// Pairs of neighbouring letters; marks separate.
fn pairs(text: &str) -> BTreeSet<(char, char)> {
    let chars: Vec<char> = text.chars().collect();
    let letter = |c: &char| c.is_alphanumeric();
    chars.windows(2).filter(|pair| pair.iter().all(letter)).map(|pair| (pair[0], pair[1])).collect()
}

/// How much of the smaller set is in the other.
fn overlap(a: &BTreeSet<(char, char)>, b: &BTreeSet<(char, char)>) -> f64 {
    let smaller = a.len().min(b.len());
    if smaller < 2 { 0.0 } else { a.intersection(b).count() as f64 / smaller as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: &str, kind: &str, place: &str, words: &str, hours_ago: i64) -> Told {
        Told {
            number: number.into(),
            kind: kind.into(),
            place: place.into(),
            words: words.into(),
            opened_at_ms: -hours_ago * 3_600_000,
            ..Told::default()
        }
    }

    /// The camera that sees the fire and the neighbour who called before come first, another street's noise not at all.
    #[test]
    fn finds_what_is_the_same() {
        let others = vec![
            told("noise", "hotline", "", "南桥头夜里施工吵", 1),
            told("camera", "fire", "凤鸣路菜市场", "明火 · 凤鸣路菜市场", 0),
            told("caller", "hotline", "热线", "凤鸣路市场后头仓库冒烟", 1),
            told("old place", "hotline", "凤鸣路菜市场", "菜市场门口占道", 70),
        ];
        let found = similar("凤鸣路菜市场", "后头那个仓库着火了烟特别大", &["fire"], UtcMs(0), others);
        let numbers: Vec<&str> = found.iter().map(|s| s.told.number.as_str()).collect();
        assert_eq!(numbers, ["camera", "caller", "old place"], "{found:?}");
        assert!(found[0].percent > 90 && found[1].percent > found[2].percent, "{found:?}");
    }

    /// A fire that a camera sees is the one that a caller tells of when it is near, or burns in the same hour: not
    /// yesterday's at the other end, whatever the day.
    #[test]
    fn another_fire_is_another_fire() {
        let at = |place: &str, hours_ago| vec![told("camera", "fire", place, "明火", hours_ago)];
        let found = |others| !similar("凤鸣路菜市场", "仓库着火了", &["fire"], UtcMs(0), others).is_empty();
        assert!(found(at("凤鸣路菜市场", 20)) && found(at("南桥路12号", 1)));
        assert!(found(at("南桥路12号", -1)), "seen within the hour after the call");
        assert!(!found(at("南桥路12号", 2)) && !found(at("南桥路12号", -2)));
        assert!(similar("凤鸣路", "", &[], UtcMs(0), at("南桥路12号", 0)).is_empty(), "nobody told of it");
    }

    /// Two calls of which nothing is known are not alike.
    #[test]
    fn nothing_is_like_nothing() {
        assert_eq!(similar("", "", &[], UtcMs(0), vec![told("a", "hotline", "", "", 0)]), []);
    }
}
