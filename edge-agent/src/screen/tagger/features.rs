//! What the tagger looks at: which letters and sounds stand next to each other, which classes of words are said, and
//! which of them near each other. There are two views of the same utterance, see [`View`].

use std::collections::BTreeMap;

use super::scope::{Scope, scopes};
use super::thesaurus::{Word, code, words};
use crate::screen::reading::Reading;

/// Names one feature; two that share a name by chance share a weight. The two lowest bits are its [`Kind`].
pub type Feature = u32;

/// What an utterance is looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// What it is about: everything that is said counts, however it is said.
    Topic,
    /// Whether a life is at stake: what is denied, feared, past or played counts as something else.
    Alarm,
}

/// What a feature is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Letters,
    Sounds,
    Class,
    Pair,
}

/// Longest run of letters that is a feature.
const LETTERS: usize = 4;
/// Runs of sounds: one alone says nothing, and longer ones stand for letters already.
const SOUNDS: std::ops::RangeInclusive<usize> = 2..=3;
/// Two words tell something together when no more letters than this stand between them; …
const NEAR: usize = 8;
/// … and something else, when they are further apart than that, up to this: a "last year" in the clause before.
const FAR: usize = 40;
/// Tells a pair of words far from each other from the same pair near.
const APART: u32 = 0x0040_0000;
/// Of a class that is heard again and again, so many words count.
const MOST: u32 = 4;

/// One feature and the letters that make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub feature: Feature,
    pub from: usize,
    pub to: usize,
}

/// What a feature counts for. A class stands for many words, so it is trusted more than a run of letters.
pub fn value(feature: Feature) -> f32 {
    if feature & 3 == Kind::Class as u32 { 2.0 } else { 1.0 }
}

/// Every feature of an utterance in one view; the same one as often as it occurs.
pub fn found(reading: &Reading, view: View) -> Vec<Found> {
    let words = words(&reading.letters);
    let scopes = match view {
        View::Topic => vec![Scope::Plain; reading.len()],
        View::Alarm => scopes(reading, &words),
    };
    let mut all = Vec::with_capacity(reading.len() * 12);
    of_words(&words, &scopes, &mut all);
    for from in 0..reading.len() {
        let (mut letters, mut sounds) = (begin(Kind::Letters), begin(Kind::Sounds));
        let mut heard = true;
        for to in from + 1..=(from + LETTERS).min(reading.len()) {
            // A run that crosses into a scope is said under it.
            let scope = scopes[from].max(scopes[to - 1]);
            letters = mix(letters, reading.letters[to - 1] as u32);
            all.push(Found { feature: finish(letters, scope, Kind::Letters), from, to });
            let sound = reading.sounds[to - 1];
            heard &= sound != 0;
            sounds = mix(sounds, u32::from(sound));
            if heard && SOUNDS.contains(&(to - from)) {
                all.push(Found { feature: finish(sounds, scope, Kind::Sounds), from, to });
            }
        }
    }
    all
}

fn of_words(words: &[Word], scopes: &[Scope], all: &mut Vec<Found>) {
    let mut counts: BTreeMap<u16, u32> = BTreeMap::new();
    for (index, first) in words.iter().enumerate() {
        let (from, to, scope) = (first.from, first.to, scopes[first.from]);
        let class = mix(begin(Kind::Class), code(first.class));
        all.push(Found { feature: finish(class, scope, Kind::Class), from, to });
        let count = counts.entry(first.class).or_default();
        *count += 1;
        if (2..=MOST).contains(count) {
            all.push(Found { feature: finish(mix(class, *count), scope, Kind::Class), from, to });
        }
        for second in &words[index + 1..] {
            if second.from > first.to + FAR {
                break;
            }
            // Of two words that overlap neither comes first.
            if second.from >= first.to {
                let mut pair = mix(mix(begin(Kind::Pair), code(first.class)), code(second.class));
                if second.from > first.to + NEAR {
                    pair = mix(pair, APART);
                }
                let scope = scope.max(scopes[second.from]);
                all.push(Found { feature: finish(pair, scope, Kind::Pair), from, to: second.to });
            }
        }
    }
}

/// The features of an utterance as a set, sorted.
pub fn features(reading: &Reading, view: View) -> Vec<Feature> {
    let mut set: Vec<Feature> = found(reading, view).into_iter().map(|f| f.feature).collect();
    set.sort_unstable();
    set.dedup();
    set
}

// FNV-1a over whole numbers, 64 bits wide, folded to 32.
fn begin(kind: Kind) -> u64 {
    mix(0xcbf2_9ce4_8422_2325, kind as u32)
}

fn mix(hash: u64, code: u32) -> u64 {
    (hash ^ u64::from(code)).wrapping_mul(0x0100_0000_01b3)
}

fn finish(hash: u64, scope: Scope, kind: Kind) -> Feature {
    let hash = if scope == Scope::Plain { hash } else { mix(hash, 0x0020_0000 + scope as u32) };
    // The low bits of the last multiplication know only the low bits of what went in.
    let spread = hash ^ (hash >> 29);
    (spread ^ (spread >> 32)) as u32 & !3 | kind as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A homophone leaves the features of sound as they were, and most letters with them.
    #[test]
    fn a_homophone_keeps_the_sounds() {
        let letters_and_sounds = |text: &str| -> Vec<Feature> {
            let mut all = features(&Reading::of(text), View::Topic);
            all.retain(|f| f & 3 <= Kind::Sounds as u32);
            all
        };
        let (right, slip) = (letters_and_sounds("排队太慢了"), letters_and_sounds("排对太慢了"));
        let shared = right.iter().filter(|f| slip.contains(f)).count();
        // All seven runs of sounds, and the letters 排, 太, 慢, 了, 太慢, 慢了, 太慢了.
        assert_eq!((right.len(), shared), (21, 14));
    }

    /// What is denied is something else for the alarm, and the same for the topic; a mark ends the denial.
    #[test]
    fn what_is_denied_raises_no_alarm() {
        let shared = |a: &str, b: &str, view| {
            let (a, b) = (features(&Reading::of(a), view), features(&Reading::of(b), view));
            b.iter().filter(|f| a.contains(f)).count() as f32 / b.len() as f32
        };
        assert!(shared("没有着火", "着火", View::Topic) > 0.99);
        assert!(shared("没有着火", "着火", View::Alarm) < 0.01);
        assert!(shared("没有,着火", "着火", View::Alarm) > 0.99);
        assert!(shared("万一着火了", "着火了", View::Alarm) < 0.01);
    }
}
