//! Sentences that are written in English where they arise, said in the reader's language: what is wrong with a sheet, and why a
//! box did not do something. Pure.
//!
//! Importers and boxes write one English sentence, for the command line, the API and the log. A page finds it in a catalogue by
//! its shape, takes out what stands in its holes, and says the same in Chinese. A sentence that no catalogue knows stays as it
//! came: an older box, or a newer one, is still understood. Each has a code, by which other systems know it.

mod boxes;
mod faults;

pub use boxes::reason;
pub use faults::fault;

/// Sentences within sentences; what stands deeper stays as it came. What a box sends is of any length, and ends no hub.
const DEEPEST: usize = 4;

/// One sentence; `{}` are the holes, the same number in both languages, in the same order.
#[derive(Clone, Copy, Debug)]
struct Phrase {
    code: &'static str,
    en: &'static str,
    zh: &'static str,
}

/// A sentence as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub code: &'static str,
    pub zh: String,
}

/// The first of the catalogue whose shape the text has; `inner` says what stands in a hole.
fn find(catalogue: &[Phrase], text: &str, inner: impl Fn(&str) -> String) -> Option<Known> {
    catalogue.iter().find_map(|phrase| {
        let holes = holes(phrase.en, text)?;
        let mut parts = phrase.zh.split("{}");
        let mut zh = parts.next().unwrap_or_default().to_owned();
        for (part, hole) in parts.zip(holes) {
            zh += &inner(hole);
            zh += part;
        }
        Some(Known { code: phrase.code, zh })
    })
}

/// What stands in the holes of a shape, if the text has that shape. Each hole ends where the shape goes on for the first time,
/// the last one at the end.
fn holes<'t>(shape: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut parts = shape.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let parts: Vec<&str> = parts.collect();
    let mut found = Vec::with_capacity(parts.len());
    for (nth, part) in parts.iter().enumerate() {
        let is_last = nth + 1 == parts.len();
        let at = match (is_last, part.is_empty()) {
            (true, _) => rest.ends_with(part).then(|| rest.len() - part.len())?,
            (false, true) => return None,
            (false, false) => rest.find(part)?,
        };
        found.push(&rest[..at]);
        rest = &rest[at + part.len()..];
    }
    (rest.is_empty() && found.iter().all(|hole| !hole.is_empty())).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shapes with and without holes; a text of another shape has none.
    #[test]
    fn shapes_are_found() {
        assert_eq!(holes("is empty", "is empty"), Some(vec![]));
        assert_eq!(holes("is empty", "is empty; write it"), None);
        assert_eq!(holes("there is no {} {}", "there is no area \"x\""), Some(vec!["area", "\"x\""]));
        assert_eq!(holes("{} is no id; write 1 to {} letters", "\"a b\" is no id; write 1 to 32 letters"), {
            Some(vec!["\"a b\"", "32"])
        });
        assert_eq!(holes("camera {}: {}", "camera gate: a: b"), Some(vec!["gate", "a: b"]));
        assert_eq!(holes("no answer from {}", "no answer from "), None, "a hole is never empty");
    }

    /// However deep somebody nests them.
    #[test]
    fn nesting_ends() {
        let known = reason(&"calls: ".repeat(20_000)).unwrap();
        assert_eq!(known.zh.matches("热线").count(), DEEPEST + 1);
        assert!(
            fault(&format!("{}x", "line 1: ".repeat(20_000))).is_none_or(|known| known.zh.len() < 1_000_000)
        );
    }

    /// Every phrase has as many holes in both languages, a code of its own, Chinese words, and is found by its own shape and
    /// not by one that stands before it.
    #[test]
    fn catalogues_hold_together() {
        for catalogue in [faults::ALL, boxes::ALL] {
            for (at, phrase) in catalogue.iter().enumerate() {
                assert_eq!(phrase.en.matches("{}").count(), phrase.zh.matches("{}").count(), "{phrase:?}");
                assert!(!phrase.zh.is_ascii(), "{phrase:?}");
                assert!(catalogue[..at].iter().all(|other| other.code != phrase.code), "{phrase:?} twice");
                let sample = phrase.en.replace("{}", "#7");
                let known = find(catalogue, &sample, str::to_owned).unwrap();
                assert_eq!(known.code, phrase.code, "{sample}");
                assert_eq!(known.zh, phrase.zh.replace("{}", "#7"));
            }
        }
    }
}
