//! Private numbers stay on the box: they are masked in every line that leaves it, and it is told where in the recording they
//! are said. What is private is [`screen::privacy`](crate::screen::privacy)'s to say. Pure.

use std::ops::Range;

use protocol::{Leg, Segment};

use super::record::Spoken;
use super::transcripts::Line as Joined;
use crate::screen::privacy::{Kind, Line, Private, find, find_begun, redacted};

/// Syllables are spoken evenly enough that the place of a character tells its moment, give or take this …
const MARGIN_MS: u64 = 500;
/// … and this part of what was said without a pause.
const MARGIN_PART: u64 = 10;

/// Masks the private numbers of a transcript, and tells where they are said.
pub(super) fn mask_numbers(joined: Vec<Joined>) -> (Vec<Segment>, Vec<Spoken>) {
    let segments: Vec<Segment> = joined.iter().map(|line| line.segment.clone()).collect();
    let found = find(&lines(&segments));
    let spoken = found.iter().flat_map(|private| when(&joined[private.line], &private.chars)).collect();
    let mut masked = segments;
    mask(&mut masked, &found);
    (masked, spoken)
}

/// The lines in which a private number stands masked, each whole.
pub(super) fn masked_lines(segments: &[Segment]) -> Vec<Spoken> {
    let masked = segments.iter().filter(|s| Kind::ALL.iter().any(|kind| s.text.contains(kind.mask())));
    let whole = |s: &Segment| Spoken {
        leg: s.leg,
        start_ms: s.start_ms.saturating_sub(MARGIN_MS),
        end_ms: s.end_ms + MARGIN_MS,
    };
    masked.map(whole).collect()
}

/// When these characters of a line are said.
fn when(line: &Joined, chars: &Range<usize>) -> Vec<Spoken> {
    let ends = line.pieces.iter().skip(1).map(|next| next.from);
    let ends = ends.chain([line.segment.text.chars().count()]);
    let parts = line.pieces.iter().zip(ends).filter_map(|(piece, end)| {
        let (from, to) = (chars.start.max(piece.from), chars.end.min(end));
        (from < to).then(|| {
            let (length, all) = (piece.end_ms.saturating_sub(piece.start_ms), (end - piece.from) as u64);
            let at = |char: usize| piece.start_ms + length * (char - piece.from) as u64 / all;
            let margin = MARGIN_MS + length / MARGIN_PART;
            let (start_ms, end_ms) = (at(from).saturating_sub(margin), at(to) + margin);
            Spoken { leg: line.segment.leg, start_ms, end_ms }
        })
    });
    parts.collect()
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
    use super::super::transcripts::join;
    use super::*;

    /// A number in groups over several lines of both sides is masked where each part stands, and lines without one stay.
    #[test]
    fn masks_each_part_in_its_line() {
        let line =
            |leg, start_ms, text: &str| Segment { leg, start_ms, end_ms: start_ms + 900, text: text.into() };
        let (caller, operator) = (Leg::Caller, Leg::Operator);
        let lines = vec![
            line(caller, 0, "我的号码是幺三八"),
            line(operator, 1_000, "嗯"),
            line(caller, 3_000, "幺二三四"),
            line(operator, 4_000, "幺二三四，好"),
            line(caller, 6_000, "五六七八，就这个"),
            line(caller, 70_000, "单元号1501"),
        ];
        let (lines, spoken) = mask_numbers(join(lines));
        let texts: Vec<_> = lines.iter().map(|l| l.text.as_str()).collect();
        let m = "[电话号码]";
        let read_back = format!("{m}，好");
        let rest = format!("{m}，就这个");
        assert_eq!(texts, ["我的号码是[电话号码]", "嗯", m, &read_back, &rest, "单元号1501"]);
        let said: Vec<_> = spoken.iter().map(|s| (s.leg, s.start_ms / 1_000, s.end_ms / 1_000)).collect();
        assert_eq!(said, [(caller, 0, 1), (caller, 2, 4), (operator, 3, 5), (caller, 5, 7)], "{spoken:?}");
    }

    /// A number in the middle of a long line is found in the piece that says it, not by its place in the whole line.
    #[test]
    fn finds_when_a_number_is_said() {
        let piece =
            |start_ms, end_ms, text: &str| Segment { leg: Leg::Caller, start_ms, end_ms, text: text.into() };
        let joined = join(vec![
            piece(0, 8_000, "我反映一下我们小区停水的事情已经停了三天没人管"),
            piece(8_900, 12_900, "我电话13812341234"),
            piece(13_500, 16_000, "麻烦你们快一点"),
        ]);
        assert_eq!(joined.len(), 1);
        let (lines, spoken) = mask_numbers(joined);
        assert!(lines[0].text.ends_with("我电话[电话号码]麻烦你们快一点"), "{lines:?}");
        // Three of fourteen characters in, with half a second and a tenth of four before it.
        assert_eq!(spoken, [Spoken { leg: Leg::Caller, start_ms: 8_900 + 857 - 900, end_ms: 12_900 + 900 }]);
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
