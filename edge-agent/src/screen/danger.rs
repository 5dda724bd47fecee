//! Which dangers somebody tells. Talk is weighed whole, and where it is long, also stretch by stretch: a danger is told in a
//! sentence, and a minute of other talk around it must not drown it. Pure.

use std::ops::Range;

use super::reading::Reading;
use super::tagger::Tagger;
use super::tagger::model::ranked;

/// Characters in which a danger is told.
const STRETCH: usize = 24;
/// From which probability of an emergency on a stretch tells one: less surely than the whole, for what stands around it may
/// make it something else.
const STRETCH_FROM: f32 = 0.7;
/// What all stretches together may be unsure of: the longer the talk, the more often one of them sounds like a danger, and
/// the surer each must be.
const DOUBT: f32 = 2.5;
/// Somebody is in danger: the likeliest alarm is raised, and every other that is at least this likely.
const ALSO_FROM: f32 = 0.7;

/// One danger: its place in [`protocol::hotline::ALARMS`], and the characters of the text that tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Danger {
    pub(super) alarm: usize,
    pub(super) chars: Range<usize>,
}

/// The dangers that `text` tells, those of the whole first, likeliest first; `from` is the probability of an emergency from
/// which on the whole tells one.
pub(super) fn dangers(tagger: &Tagger, text: &str, from: f32) -> Vec<Danger> {
    let chars: Vec<char> = text.chars().collect();
    let stretches = stretches(&chars);
    let stretch_from = STRETCH_FROM.max(1.0 - DOUBT / stretches.len() as f32);
    let mut found = Vec::new();
    weigh(tagger, &chars, 0..chars.len(), from, &mut found);
    for range in stretches {
        weigh(tagger, &chars, range, stretch_from, &mut found);
    }
    found
}

/// The same of the whole alone.
pub(super) fn of_whole(tagger: &Tagger, text: &str, from: f32) -> Vec<Danger> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    weigh(tagger, &chars, 0..chars.len(), from, &mut found);
    found
}

fn weigh(tagger: &Tagger, chars: &[char], range: Range<usize>, from: f32, found: &mut Vec<Danger>) {
    let part: String = chars[range.clone()].iter().collect();
    let tags = tagger.tags(&Reading::of(&part));
    if tags.urgency[0] < from {
        return;
    }
    for alarm in ranked(&tags.alarms) {
        if !found.is_empty() && tags.alarms[alarm] < ALSO_FROM {
            break;
        }
        if found.iter().all(|known| known.alarm != alarm) {
            found.push(Danger { alarm, chars: range.clone() });
        }
    }
}

/// The stretches of talk that is longer than one: whole clauses, as many as fit, from each clause on; within a clause that
/// does not fit, halves that overlap.
fn stretches(chars: &[char]) -> Vec<Range<usize>> {
    if chars.len() <= STRETCH {
        return Vec::new();
    }
    let mut clauses: Vec<Range<usize>> = Vec::new();
    let mut end = 0;
    for part in chars.split_inclusive(|c| is_mark(*c)) {
        let begin = end;
        end += part.len();
        if part.iter().all(|c| is_mark(*c)) {
            continue;
        }
        for from in (begin..end).step_by(STRETCH / 2) {
            clauses.push(from..end.min(from + STRETCH / 2));
        }
    }
    let from = |(first, clause): (usize, &Range<usize>)| {
        let fits = clauses[first..].iter().take_while(|next| next.end - clause.start <= STRETCH);
        clause.start..fits.last().map_or(clause.end, |last| last.end)
    };
    clauses.iter().enumerate().map(from).collect()
}

fn is_mark(c: char) -> bool {
    matches!(c, ',' | '，' | '。' | '.' | '？' | '?' | '！' | '!' | '；' | '、' | ' ')
}

#[cfg(test)]
mod tests {
    use super::super::SAID;
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        stretches(&chars).into_iter().map(|range| chars[range].iter().collect()).collect()
    }

    /// Short talk has none; longer talk is covered whole, by clauses that stay together, and a breathless one by halves.
    #[test]
    fn covers_long_talk() {
        assert_eq!(of(&"短".repeat(STRETCH)), Vec::<String>::new());
        let clause = |c: &str| format!("{},", c.repeat(STRETCH / 2 - 1));
        let text = ["甲", "乙", "丙"].map(clause).concat();
        assert_eq!(
            of(&text),
            [["甲", "乙"].map(clause).concat(), ["乙", "丙"].map(clause).concat(), clause("丙")]
        );
        let breathless: Vec<usize> =
            of(&"话".repeat(2 * STRETCH)).iter().map(|part| part.chars().count()).collect();
        assert_eq!(breathless, [STRETCH, STRETCH, STRETCH, STRETCH / 2]);
    }

    /// A danger is heard before and after other talk that by itself raises nothing; how often in the middle of it, the card tells.
    #[test]
    fn other_talk_does_not_drown_a_danger() {
        let tagger = Tagger::built_in();
        let talk = "我给你们反映个事啊，我们小区这个物业费一年比一年涨，电梯老是坏，楼道灯也不亮，跟他们说了好几回都没人管，";
        assert_eq!(dangers(&tagger, &talk.repeat(2), SAID), []);
        for (danger, alarm) in [
            ("我家闻到很重的煤气味", 1),
            ("仓库着火了烟特别大", 0),
            ("我男人拿刀要砍我", 3),
            ("我妈躺在地上咋叫都叫不醒", 2),
        ] {
            for text in [format!("{talk}{danger}"), format!("{danger}，{talk}")] {
                let found = dangers(&tagger, &text, SAID);
                assert!(found.iter().any(|told| told.alarm == alarm), "{text}: {found:?}");
            }
        }
    }
}
