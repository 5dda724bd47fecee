//! Numbers that somebody says on the telephone (mobile, identity card, bank card) stay on the box: runs of seven
//! and more digits are masked in every transcript, however they are written and grouped. Pure.
//!
//! Deliberately absent: names and addresses. They need a language model; ARCHITECTURE.md says so.

use protocol::{Leg, Segment};

/// A shorter run may be a house, a date, a line number; the shortest private numbers (a landline) have seven.
const MIN_DIGITS: usize = 7;
/// While somebody speaks, this many digits at the end may go on to be a longer number. Three may be a door.
const MIN_BEGUN: usize = 4;
/// Groups of one number are dictated with at most this many spaces, hyphens and commas between.
const MAX_BETWEEN: usize = 3;
/// … and at most this long a pause, also when the other side says "yes" meanwhile.
const PAUSE_MS: u64 = 10_000;
const MASK: &str = "****";

fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || ('０'..='９').contains(&c) || "零〇○一二两三四五六七八九幺".contains(c)
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || "-‐‑‒–—－,，、。".contains(c)
}

/// Where a character stands: segment, byte, and the next character's byte.
type At = (usize, usize, usize);

/// Masks the long numbers in a transcript, each side by itself, since a number goes on where the other side nods.
pub(super) fn mask_numbers(segments: &mut [Segment]) {
    mask(segments, MIN_DIGITS);
}

/// One line as it is told while it is spoken, `before` being the lines of the same side before it: what may be the
/// beginning of a long number is masked as well.
pub(super) fn mask_begun(before: Vec<Segment>, line: Segment) -> Segment {
    let mut lines = before;
    lines.push(line);
    mask(&mut lines, MIN_BEGUN);
    lines.pop().expect("pushed just above")
}

/// `at_end`: how many digits at the end of what is known are masked.
fn mask(segments: &mut [Segment], at_end: usize) {
    let mut masked: Vec<Vec<(usize, usize)>> = vec![Vec::new(); segments.len()];
    for leg in [Leg::Caller, Leg::Operator] {
        let mut run = Run::default();
        let mut end_ms = 0;
        for (index, segment) in segments.iter().enumerate().filter(|(_, s)| s.leg == leg) {
            if segment.start_ms.saturating_sub(end_ms) > PAUSE_MS {
                run.close(&mut masked, MIN_DIGITS);
            }
            end_ms = segment.end_ms;
            for (from, c) in segment.text.char_indices() {
                run.take(c, (index, from, from + c.len_utf8()), &mut masked);
            }
        }
        run.close(&mut masked, at_end);
    }
    for (segment, parts) in segments.iter_mut().zip(masked) {
        for (from, to) in parts.into_iter().rev() {
            segment.text.replace_range(from..to, MASK);
        }
    }
}

/// Digits that may become one number.
#[derive(Default)]
struct Run {
    digits: Vec<At>,
    /// Separators since the last digit.
    between: usize,
}

impl Run {
    fn take(&mut self, c: char, at: At, masked: &mut [Vec<(usize, usize)>]) {
        if is_digit(c) {
            self.digits.push(at);
            self.between = 0;
        } else {
            self.between += 1;
            if !is_between(c) || self.between > MAX_BETWEEN {
                self.close(masked, MIN_DIGITS);
            }
        }
    }

    /// Notes what to mask: in each segment from its first digit of the number to its last.
    fn close(&mut self, masked: &mut [Vec<(usize, usize)>], min_digits: usize) {
        if self.digits.len() >= min_digits {
            for part in self.digits.chunk_by(|a, b| a.0 == b.0) {
                masked[part[0].0].push((part[0].1, part[part.len() - 1].2));
            }
        }
        self.digits.clear();
        self.between = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str) -> String {
        let mut segments = [Segment { leg: Leg::Caller, start_ms: 0, end_ms: 1, text: text.to_owned() }];
        mask_numbers(&mut segments);
        let [segment] = segments;
        segment.text
    }

    /// Every way a recogniser writes a number; and what is no private number stays readable.
    #[test]
    fn masks_dictated_numbers() {
        for (said, sent) in [
            ("我的电话是13812341234。", "我的电话是****。"),
            ("电话１３８１２３４１２３４", "电话****"),
            ("我的手机幺三八幺二三四幺二三四谢谢", "我的手机****谢谢"),
            ("一三八 一二三四 一二三四", "****"),
            ("138-1234-1234 转 8001", "**** 转 8001"),
            ("号码是幺三八，幺两三四，幺两三四，对", "号码是****，对"),
            ("三七零六八四一九九零零一零一一二三X", "****X"),
            ("区号0535，8345678", "区号****"),
            ("幺三八 1234 ５６７８", "****"),
            ("我住3号楼2单元1501", "我住3号楼2单元1501"),
            ("二〇二六年三月十八日下午两点", "二〇二六年三月十八日下午两点"),
            ("一百二十三万四千五百六十七", "一百二十三万四千五百六十七"),
            ("123456", "123456"),
            ("110和119和120", "110和119和120"),
        ] {
            assert_eq!(masked(said), sent, "{said}");
        }
    }

    /// A number dictated in groups over several lines, with the operator's nods between, is one number; two short
    /// ones a minute apart are not.
    #[test]
    fn masks_across_lines() {
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
            line(caller, 140_000, "2302"),
        ];
        mask_numbers(&mut lines);
        let texts: Vec<_> = lines.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(
            texts,
            ["我的号码是****", "嗯", "****", "幺二三四，好", "****，就这个", "单元号1501", "2302"]
        );
    }

    /// While a number is being dictated no more than its first three digits are ever told, nor in a line that follows;
    /// what has turned out to be short is readable again.
    #[test]
    fn masks_what_has_only_begun() {
        let line = |start_ms, text: &str| {
            let text = text.to_owned();
            Segment { leg: Leg::Caller, start_ms, end_ms: start_ms + 900, text }
        };
        let told =
            |before: &[Segment], start_ms, text: &str| mask_begun(before.to_vec(), line(start_ms, text)).text;
        assert_eq!(told(&[], 0, "我的号码是幺三八"), "我的号码是幺三八");
        assert_eq!(told(&[], 0, "我的号码是幺三八幺"), "我的号码是****");
        assert_eq!(told(&[], 0, "我住1501"), "我住****");
        assert_eq!(told(&[], 0, "我住1501室"), "我住1501室");
        let before = [line(0, "我的号码是幺三八")];
        assert_eq!(told(&before, 1_500, "幺"), "****");
        assert_eq!(told(&before, 60_000, "幺"), "幺");
    }

    proptest! {
        /// Whatever is said, no run of seven digits is left, and all else is as it was.
        #[test]
        fn no_long_run_is_left(text in "[0-9０-９幺一二 ,，\\-a-c号]{0,60}") {
            let out = masked(&text);
            let (mut run, mut between) = (0, 0);
            for c in out.chars() {
                (run, between) = match c {
                    c if is_digit(c) => (run + 1, 0),
                    ' ' | ',' | '，' | '-' if between < MAX_BETWEEN => (run, between + 1),
                    _ => (0, 0),
                };
                prop_assert!(run < 7, "{text:?} became {out:?}");
            }
            let words = |text: &str| text.chars().filter(|c| !is_digit(*c) && !is_between(*c) && *c != '*').collect::<String>();
            prop_assert_eq!(words(&out), words(&text));
        }
    }
}
