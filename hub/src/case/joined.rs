//! What joined a case, for whoever works on that and may not open what joined.
//!
//! A unit is sent to the case that goes on. What others told of the same matter lies in cases of their own, most of them
//! calls, which the unit may not open. It is told of each what it needs to act: what, where, how bad and when. Never told
//! are who reported it, his number, what he said, recordings, transcripts, tickets, files, and the history; nothing at all of
//! a confidential case. People who hold an area are told nothing here: they may open what lies there.

use serde::Serialize;

use crate::db::from_row;

#[cfg(test)]
mod tests;

/// Stands for a number that somebody wrote into a title or a place.
const LEFT_OUT: &str = "[号码]";
/// So many digits in a row may be a telephone.
const TELEPHONE: usize = 7;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinedReport {
    pub number: String,
    pub kind: String,
    pub severity: String,
    pub title_zh: String,
    pub title_en: String,
    pub place: Option<String>,
    /// JSON of [`protocol::Place`].
    pub location: Option<String>,
    pub opened_at_ms: i64,
    pub joined_at_ms: i64,
}

from_row!(JoinedReport: number, kind, severity, title_zh, title_en, place, location, opened_at_ms, joined_at_ms);

impl JoinedReport {
    /// A title may have the caller's number, masked, where nothing else is known of a call; a reporter may have written his own.
    pub(super) fn without_numbers(self) -> Self {
        Self {
            title_zh: without_numbers(&self.title_zh),
            title_en: without_numbers(&self.title_en),
            place: self.place.as_deref().map(without_numbers),
            location: self.location.and_then(|json| {
                let mut place: protocol::Place = serde_json::from_str(&json).ok()?;
                place.name = without_numbers(&place.name);
                serde_json::to_string(&place).ok()
            }),
            ..self
        }
    }
}

fn without_numbers(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = run(&chars, at);
        let run = &chars[at..end];
        let digits = run.iter().filter(|c| is_digit(**c)).count();
        if digits >= TELEPHONE || run.contains(&'*') {
            out += LEFT_OUT;
        } else {
            out.extend(run);
        }
        if let Some(next) = chars.get(end) {
            out.push(*next);
        }
        at = end + 1;
    }
    out
}

/// Where digits, stars, and the single blanks and hyphens between them, end.
fn run(chars: &[char], from: usize) -> usize {
    let part = |at: usize| chars.get(at).is_some_and(|c| is_digit(*c) || *c == '*');
    let mut end = from;
    while part(end) || (end > from && matches!(chars.get(end), Some(' ' | '-')) && part(end + 1)) {
        end += 1;
    }
    end
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c)
}

#[cfg(test)]
mod words {
    use super::*;

    /// Telephones, masked or not and however they are written, are left out; houses, roads and floors stay.
    #[test]
    fn numbers_are_left_out() {
        for (told, shown) in [
            ("热线来电 · 138****6027", "热线来电 · [号码]"),
            ("热线来电 · ****1", "热线来电 · [号码]"),
            ("找 138 1234-6027 李师傅", "找 [号码] 李师傅"),
            ("电话１３８１２３４６０２７", "电话[号码]"),
            ("0917-7213456", "[号码]"),
            ("东关巷 3 号楼 2-1101", "东关巷 3 号楼 2-1101"),
            ("凤鸣路 110 号", "凤鸣路 110 号"),
            ("G85 高速 1234 公里", "G85 高速 1234 公里"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(told), shown, "{told}");
        }
    }
}
