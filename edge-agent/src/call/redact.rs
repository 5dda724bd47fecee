//! Private numbers stay on the box: they are masked in every line that leaves it. What is private is
//! [`screen::privacy`](crate::screen::privacy)'s to say. Pure.

use protocol::{Leg, Segment};

use crate::screen::privacy::{Line, Private, find, find_begun, redacted};

/// Masks the private numbers of a transcript.
pub(super) fn mask_numbers(segments: &mut [Segment]) {
    let private = find(&lines(segments));
    mask(segments, &private);
}

/// The lines of one side as they are told while the last is spoken, `line`: what may be the beginning of a long number
/// is masked as well.
pub(super) fn mask_begun(before: Vec<Segment>, line: Segment) -> Vec<Segment> {
    let mut all = before;
    all.push(line);
    let private = find_begun(&lines(&all));
    mask(&mut all, &private);
    all
}

fn lines(segments: &[Segment]) -> Vec<Line<'_>> {
    segments
        .iter()
        .map(|s| Line {
            speaker: u8::from(s.leg == Leg::Operator),
            text: &s.text,
            start_ms: s.start_ms,
            end_ms: s.end_ms,
        })
        .collect()
}

fn mask(segments: &mut [Segment], private: &[Private]) {
    for part in private.chunk_by(|a, b| a.line == b.line) {
        let segment = &mut segments[part[0].line];
        segment.text = redacted(&segment.text, part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number in groups over several lines of both sides is masked where each part stands, and lines without one stay.
    #[test]
    fn masks_each_part_in_its_line() {
        let line =
            |leg, start_ms, text: &str| Segment { leg, start_ms, end_ms: start_ms + 900, text: text.into() };
        let (caller, operator) = (Leg::Caller, Leg::Operator);
        let mut lines = vec![
            line(caller, 0, "我的号码是幺三八"),
            line(operator, 1_000, "嗯"),
            line(caller, 3_000, "幺二三四"),
            line(operator, 4_000, "幺二三四，好"),
            line(caller, 6_000, "五六七八，就这个"),
            line(caller, 70_000, "单元号1501"),
        ];
        mask_numbers(&mut lines);
        let texts: Vec<_> = lines.iter().map(|l| l.text.as_str()).collect();
        let m = "[电话号码]";
        let read_back = format!("{m}，好");
        let rest = format!("{m}，就这个");
        assert_eq!(texts, ["我的号码是[电话号码]", "嗯", m, &read_back, &rest, "单元号1501"]);
    }

    /// Of a line that is still being spoken the end is masked, and what its earlier lines began.
    #[test]
    fn masks_what_has_only_begun() {
        let line = |start_ms, text: &str| {
            let text = text.to_owned();
            Segment { leg: Leg::Caller, start_ms, end_ms: start_ms + 900, text }
        };
        let told = |before, line| mask_begun(before, line).pop().map(|line| line.text);
        assert_eq!(told(vec![], line(0, "我住1501")).as_deref(), Some("我住[号码]"));
        assert_eq!(told(vec![line(0, "我的号码是幺三八")], line(1_500, "幺")).as_deref(), Some("[号码]"));
    }
}
