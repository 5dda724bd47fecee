//! What of a line raised an alarm, and where it names a place, at its place in the line. Pure.
//!
//! The caller's lines alone are marked: what the operator asks is no danger. Of words that cross, an alarm's goes before a
//! place, the longer before the shorter.

use std::cmp::Reverse;

use protocol::CallSubject;
use protocol::hotline::ALARMS;

use crate::web::text::Lang;
use crate::web::view::{Mark, MarkView};

/// What is looked for in a call's lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    words: Vec<(String, Mark)>,
}

impl Wanted {
    pub(super) fn of(subject: &CallSubject, lang: Lang) -> Self {
        let Some(reading) = &subject.reading else { return Self::default() };
        let mut words = Vec::new();
        for alarm in reading.alarms.iter().filter(|alarm| alarm.holds) {
            let Some((_, zh, en)) = ALARMS.iter().find(|known| known.0 == alarm.id) else { continue };
            words.extend(alarm.words.iter().map(|word| (word.clone(), Mark::Alarm(lang.pick(zh, en)))));
        }
        words.extend(reading.place.iter().map(|place| (place.text.clone(), Mark::Place)));
        words.retain(|(word, _)| !word.trim().is_empty());
        Self { words }
    }

    /// A line in its parts.
    pub(super) fn line(&self, text: &str, caller: bool) -> Vec<MarkView> {
        let plain = |text: &str| MarkView { text: text.to_owned(), mark: Mark::None };
        if !caller {
            return vec![plain(text)];
        }
        let mut found: Vec<(usize, usize, &Mark)> = Vec::new();
        for (word, mark) in &self.words {
            found.extend(text.match_indices(word.as_str()).map(|(at, _)| (at, at + word.len(), mark)));
        }
        found.sort_by_key(|(from, to, mark)| (**mark == Mark::Place, Reverse(to - from), *from));
        let mut taken: Vec<(usize, usize, &Mark)> = Vec::new();
        for one in found {
            if taken.iter().all(|other| one.1 <= other.0 || other.1 <= one.0) {
                taken.push(one);
            }
        }
        taken.sort_by_key(|one| one.0);
        let (mut parts, mut end) = (Vec::new(), 0);
        for (from, to, mark) in taken {
            if from > end {
                parts.push(plain(&text[end..from]));
            }
            parts.push(MarkView { text: text[from..to].to_owned(), mark: mark.clone() });
            end = to;
        }
        if end < text.len() || parts.is_empty() {
            parts.push(plain(&text[end..]));
        }
        parts
    }
}

/// Words that raised each alarm that holds, by its id, as JSON: lines of a running call come with ids.
pub(super) fn heard(subject: &CallSubject) -> String {
    let raised = subject.reading.iter().flat_map(|reading| &reading.alarms).filter(|alarm| alarm.holds);
    let words = raised.map(|alarm| (alarm.id.clone(), serde_json::Value::from(alarm.words.clone())));
    serde_json::Value::Object(words.collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        let words = [
            ("冒烟", Mark::Alarm("火情")),
            ("冒烟了", Mark::Alarm("火情")),
            ("东关巷冒", Mark::Place),
            ("东关巷", Mark::Place),
        ];
        Wanted { words: words.map(|(word, mark)| (word.to_owned(), mark)).to_vec() }
    }

    /// A line comes back whole in its parts; the longer word is marked, an alarm's before a place that crosses it.
    #[test]
    fn words_are_marked_at_their_place() {
        let parts = wanted().line("我在东关巷冒烟了，冒烟", true);
        let shown: Vec<(&str, u8)> = parts
            .iter()
            .map(|part| {
                let kind = match part.mark {
                    Mark::None => 0,
                    Mark::Alarm(_) => 1,
                    Mark::Place => 2,
                };
                (part.text.as_str(), kind)
            })
            .collect();
        assert_eq!(shown, [("我在", 0), ("东关巷", 2), ("冒烟了", 1), ("，", 0), ("冒烟", 1)]);
        let whole: String = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(whole, "我在东关巷冒烟了，冒烟");
    }

    /// What the operator says is never marked; a line without any of it, and an empty one, stay what they are.
    #[test]
    fn other_lines_stay_whole() {
        for (text, caller) in [("是东关巷冒烟吗", false), ("没有这回事", true), ("", true)] {
            let parts = wanted().line(text, caller);
            assert_eq!(parts, [MarkView { text: text.to_owned(), mark: Mark::None }]);
        }
    }
}
