//! The words of one running call, as far as they are kept. Pure.
//!
//! A later word of the same side and beginning takes the place of an older one, as the box says it. Only the last minutes
//! are kept: the whole comes with the transcript. Private numbers were masked by the box, in what is still being said too,
//! and alarms quote only what is masked; nothing here could bring one back.

use std::collections::BTreeMap;

use protocol::hotline::{ALARMS, Alarm};
use protocol::{Leg, Segment};
use serde::Serialize;

/// Words that ended longer before the newest than this are let go of.
const WINDOW_MS: u64 = 5 * 60_000;
/// Lines, and characters of one.
const MOST_LINES: usize = 200;
const MOST_CHARS: usize = 500;

/// One line of a running call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    pub leg: Leg,
    /// From the beginning of the call.
    pub start_ms: u64,
    pub end_ms: u64,
    /// Empty when what seemed to be words were none.
    pub text: String,
    /// Nobody is saying it any more.
    pub finished: bool,
    /// Ids of the alarms that it raised.
    pub alarms: Vec<String>,
}

#[derive(Debug)]
struct Kept {
    line: Line,
    /// When it last changed, in the order of all changes.
    changed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Talk {
    /// By beginning and side: the order in which they are read.
    lines: BTreeMap<(u64, Leg), Kept>,
    ended: bool,
    changed: u64,
}

impl Talk {
    pub(super) fn say(&mut self, segment: Segment, finished: bool, change: u64) {
        self.changed = change;
        let Segment { leg, start_ms, end_ms, text } = segment;
        let text = if text.len() > MOST_CHARS { text.chars().take(MOST_CHARS).collect() } else { text };
        let before = self.lines.remove(&(start_ms, leg));
        let alarms = before.map(|kept| kept.line.alarms).unwrap_or_default();
        let line = Line { leg, start_ms, end_ms, text, finished, alarms };
        self.lines.insert((start_ms, leg), Kept { line, changed: change });
        let newest = self.lines.values().map(|kept| kept.line.end_ms).max().unwrap_or_default();
        self.lines.retain(|_, kept| kept.line.end_ms.saturating_add(WINDOW_MS) >= newest);
        while self.lines.len() > MOST_LINES {
            self.lines.pop_first();
        }
    }

    /// Marks the caller's line in which they were raised. A line that never came is not marked: its alarm is an incident
    /// and stands above.
    pub(super) fn raise(&mut self, alarms: &[Alarm], change: u64) {
        let known = alarms.iter().filter(|alarm| ALARMS.iter().any(|known| known.0 == alarm.id));
        for alarm in known {
            let mut before = self.lines.range_mut(..=(alarm.at_ms, Leg::Operator)).rev();
            let Some((_, kept)) = before.find(|((_, leg), _)| *leg == Leg::Caller) else { continue };
            if !kept.line.alarms.contains(&alarm.id) {
                kept.line.alarms.push(alarm.id.clone());
                (kept.changed, self.changed) = (change, change);
            }
        }
    }

    pub(super) fn end(&mut self, change: u64) {
        (self.ended, self.changed) = (true, change);
    }

    pub(super) fn changed(&self) -> u64 {
        self.changed
    }

    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// Lines that changed after a change.
    pub(super) fn after(&self, change: u64) -> impl Iterator<Item = &Line> {
        self.lines.values().filter(move |kept| kept.changed > change).map(|kept| &kept.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(leg: Leg, start_ms: u64, text: &str) -> Segment {
        Segment { leg, start_ms, end_ms: start_ms + 1_000, text: text.into() }
    }

    fn alarm(id: &str, at_ms: u64) -> Alarm {
        Alarm { id: id.into(), words: vec![], at_ms, holds: true }
    }

    /// A line that is being said is replaced by what it becomes; both sides are in order; only what changed is told again.
    #[test]
    fn lines_become_what_they_are() {
        let mut talk = Talk::default();
        talk.say(said(Leg::Caller, 2_000, "我家"), false, 1);
        talk.say(said(Leg::Operator, 0, "您好"), true, 2);
        talk.say(said(Leg::Caller, 2_000, "我家厨房"), true, 3);
        let texts = |after| talk.after(after).map(|line| line.text.as_str()).collect::<Vec<_>>();
        assert_eq!(texts(0), ["您好", "我家厨房"]);
        assert_eq!(texts(2), ["我家厨房"]);
        assert!(texts(3).is_empty() && talk.changed() == 3);
        assert!(talk.after(2).all(|line| line.finished));
    }

    /// An alarm stands in the caller's line that raised it, whatever the operator said meanwhile, also when more is said in
    /// it; one that nobody knows stands nowhere, nor does one whose line was never heard.
    #[test]
    fn alarms_stand_in_their_line() {
        let mut talk = Talk::default();
        talk.raise(&[alarm("fire", 0)], 1);
        talk.say(said(Leg::Caller, 1_000, "我家"), true, 2);
        talk.say(said(Leg::Caller, 5_000, "着火了"), false, 3);
        talk.say(said(Leg::Operator, 5_000, "什么"), true, 4);
        talk.raise(&[alarm("fire", 5_000), alarm("nonsense", 5_000)], 5);
        talk.raise(&[alarm("fire", 5_000)], 6);
        talk.say(said(Leg::Caller, 5_000, "着火了你们快来"), true, 7);
        let marked: Vec<_> = talk.after(0).map(|line| (line.text.as_str(), line.alarms.len())).collect();
        assert_eq!(marked, [("我家", 0), ("着火了你们快来", 1), ("什么", 0)]);
        assert_eq!(talk.changed(), 7);
    }

    /// However long a call is and however much is said in it, no more is kept than the last minutes, and of them no more
    /// lines and characters than fit.
    #[test]
    fn only_the_last_minutes_are_kept() {
        let mut talk = Talk::default();
        for second in 0..1_000 {
            talk.say(said(Leg::Caller, second * 1_000, "说"), true, second);
        }
        let starts: Vec<u64> = talk.after(0).map(|line| line.start_ms).collect();
        assert_eq!((starts.len(), starts[0], starts[199]), (MOST_LINES, 800_000, 999_000));
        talk.say(said(Leg::Operator, 999_001 + WINDOW_MS, &"长".repeat(9_000)), true, 1_001);
        let last: Vec<_> = talk.after(0).map(|line| (line.start_ms, line.text.chars().count())).collect();
        assert_eq!(last, [(999_001 + WINDOW_MS, MOST_CHARS)]);
        talk.say(said(Leg::Caller, u64::MAX - 1_000, "远"), true, 1_002);
        assert_eq!(talk.after(0).count(), 1);
    }
}
