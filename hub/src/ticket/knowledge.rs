//! Which entries of the county's knowledge base answer what a caller says. Pure; the hub offers them, people read them.
//!
//! An entry is known by its key words, looked for as they stand, and by the pairs of characters of its title and key words,
//! which need no dictionary. Each thing that speaks for an entry (a key word, its title, the category that the box read,
//! an alarm) is taken for a chance of its own that the entry is meant; the per cent are the chance that at least one of
//! them holds. What is rare among the entries counts for more. The category alone never brings one.
//! The text of an entry is not looked through: it brought nothing that its title and words had not. Nor are words compared
//! by sound: what a recogniser misheard finds nothing.

pub mod cli;
mod everyday;
mod import;
mod row;
mod shelf;
mod store;
#[cfg(test)]
mod tests;
mod weights;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use import::{ImportError, Mode, Outcome, import};
pub use row::Entry;
pub use shelf::{Shelf, today};
pub use store::list;
use weights::{CATEGORY, ELSEWHERE, FLOOR, HEARD_ALARM, SAID_WORD, TITLE, letters, runs, tells};

/// Entries that are offered beside a ticket.
pub const OFFERED: usize = 3;
/// Letters of a call that are looked at: about a quarter of an hour of one voice.
const MOST_LETTERS: usize = 4_000;
/// Letters that are taken for one thing said: the title of an entry must be found within them.
const PASSAGE: usize = 120;
/// A pair in more entries than this, or than one in twenty, tells nothing. It also bounds the work.
const COMMON: usize = 8;

/// What is known of a call, or typed by somebody who looks for an entry.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The caller's lines, or what stands for them.
    pub lines: Vec<String>,
    /// Categories that the box offers, with their per cent.
    pub categories: Vec<(String, u8)>,
    /// Names of alarms that still hold, as entries write them among their key words.
    pub alarms: Vec<&'static str>,
}

/// An entry that answers, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'a> {
    pub entry: &'a Entry,
    /// How sure, from the floor of 50 up to 99.
    pub percent: u8,
    /// What was said that speaks for it: its key words, or else what stands in its title.
    pub words: Vec<String>,
    /// Its category, when the box offers it, with the per cent of that.
    pub category: Option<(String, u8)>,
    pub alarm: Option<&'static str>,
}

type Pair = (char, char);
/// A key word and the entries that have it.
type Word = (Vec<char>, Vec<usize>);

/// The entries, ready to be looked through.
#[derive(Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    /// Key words by their first two characters.
    words: HashMap<Pair, Vec<Word>>,
    /// Entries that have a pair in title or key words.
    pairs: HashMap<Pair, Vec<usize>>,
}

/// A key word at its place in what was said.
#[derive(Debug)]
struct Said<'i> {
    run: usize,
    from: usize,
    word: &'i Word,
}

impl Said<'_> {
    fn to(&self) -> usize {
        self.from + self.word.0.len()
    }

    fn meets(&self, other: &Self) -> bool {
        self.run == other.run && self.from < other.to() && other.from < self.to()
    }

    fn holds(&self, other: &Self) -> bool {
        self.run == other.run && self.from <= other.from && other.to() <= self.to()
    }
}

/// Key words of one run, and where two neighbours only look like a part of one.
#[derive(Debug, Default)]
struct Told<'i> {
    taken: Vec<Said<'i>>,
    /// The first letter of each such pair.
    broken: BTreeSet<usize>,
}

/// What speaks for one entry.
#[derive(Debug, Default)]
struct Evidence {
    words: f64,
    title: f64,
    alarm: Option<&'static str>,
    /// Key words as runs and places.
    said: Vec<(usize, usize, usize)>,
    /// Runs of the passage in which its title was found best.
    passage: (usize, usize),
}

impl Index {
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut index = Self::default();
        for (at, entry) in entries.iter().enumerate() {
            let subject = entry.words.iter().map(String::as_str).chain([entry.title.as_str()]);
            let own: BTreeSet<Pair> =
                subject.flat_map(runs).flat_map(|run| pairs(&run).collect::<Vec<_>>()).collect();
            for pair in own {
                index.pairs.entry(pair).or_default().push(at);
            }
            for word in &entry.words {
                index.add_word(letters(word), at);
            }
        }
        let most = COMMON.max(entries.len() / 20);
        index.pairs.retain(|_, entries| entries.len() <= most);
        index.entries = entries;
        index
    }

    fn add_word(&mut self, word: Vec<char>, at: usize) {
        let &[first, second, ..] = word.as_slice() else { return };
        let known = self.words.entry((first, second)).or_default();
        match known.iter_mut().find(|(own, _)| *own == word) {
            Some((_, entries)) if entries.last() == Some(&at) => {}
            Some((_, entries)) => entries.push(at),
            None => known.push((word, vec![at])),
        }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// 1 for what no more entries have than can be offered, less the more have it.
    fn rarity(&self, entries: usize) -> f64 {
        let all = self.entries.len().max(2) as f64;
        let crowded = (entries as f64 / OFFERED as f64).max(1.0);
        (1.0 + all / crowded).ln() / (1.0 + all).ln()
    }

    /// The entries that fit best, best first, at most `most`. `today` is the local day, `2026-03-18`: what was valid until a
    /// day before is left out.
    pub fn find(&self, heard: &Heard, today: &str, most: usize) -> Vec<Answer<'_>> {
        self.weigh(heard, today, most).0
    }

    /// The answers, and how many entries of words and pairs were looked at.
    fn weigh(&self, heard: &Heard, today: &str, most: usize) -> (Vec<Answer<'_>>, usize) {
        let said = said(&heard.lines);
        let mut found: BTreeMap<usize, Evidence> = BTreeMap::new();
        let told: Vec<Told<'_>> =
            said.iter().enumerate().map(|(run, letters)| self.words_in(run, letters)).collect();
        let mut looked_at = self.weigh_words(&told, &mut found);
        looked_at += self.weigh_pairs(&said, &told, &mut found);
        for name in &heard.alarms {
            let word = letters(name);
            let known = word.first().zip(word.get(1)).and_then(|(a, b)| self.words.get(&(*a, *b)));
            for (_, entries) in known.into_iter().flatten().filter(|(own, _)| *own == word) {
                entries.iter().for_each(|at| found.entry(*at).or_default().alarm = Some(name));
            }
        }
        let valid = |entry: &Entry| entry.valid_until.as_deref().is_none_or(|until| until >= today);
        let mut scored: Vec<(f64, usize, Evidence)> = found
            .into_iter()
            .filter(|(at, _)| valid(&self.entries[*at]))
            .map(|(at, evidence)| (score(&self.entries[at], &evidence, heard), at, evidence))
            .filter(|(score, ..)| *score >= FLOOR)
            .collect();
        scored.sort_by(|a, b| {
            b.0.total_cmp(&a.0).then_with(|| self.entries[a.1].id.cmp(&self.entries[b.1].id))
        });
        scored.truncate(most);
        let answer = |(score, at, evidence): (f64, usize, Evidence)| Answer {
            entry: &self.entries[at],
            percent: (score * 100.0).round().min(99.0) as u8,
            words: self.reasons(at, &evidence, &said),
            category: category(&self.entries[at], heard),
            alarm: evidence.alarm,
        };
        (scored.into_iter().map(answer).collect(), looked_at)
    }

    /// Key words that were said, wherever in the call.
    fn weigh_words(&self, runs: &[Told<'_>], found: &mut BTreeMap<usize, Evidence>) -> usize {
        let mut looked_at = 0;
        let mut told: BTreeMap<usize, Vec<&Said<'_>>> = BTreeMap::new();
        for one in runs.iter().flat_map(|run| &run.taken) {
            looked_at += one.word.1.len();
            one.word.1.iter().for_each(|at| told.entry(*at).or_default().push(one));
        }
        for (at, mut words) in told {
            let evidence = found.entry(at).or_default();
            let mut counted: Vec<&Said<'_>> = Vec::new();
            words.sort_by_key(|one| (Reverse(one.word.0.len()), one.run, one.from));
            for one in words {
                // 路灯 within 路灯不亮 says nothing more, and saying it twice does not either.
                if counted.iter().any(|other| other.meets(one)) {
                    continue;
                }
                let again = counted.iter().any(|other| other.word.0 == one.word.0);
                counted.push(one);
                if again {
                    continue;
                }
                let strength = SAID_WORD[one.word.0.len().min(SAID_WORD.len()) - 1];
                evidence.words = either(evidence.words, strength * self.rarity(one.word.1.len()));
                evidence.said.push((one.run, one.from, one.to()));
            }
        }
        looked_at
    }

    /// Key words at their places in one run, longest first.
    fn words_in(&self, run: usize, letters: &[char]) -> Told<'_> {
        let mut all: Vec<Said<'_>> = Vec::new();
        for from in 0..letters.len().saturating_sub(1) {
            let known = self.words.get(&(letters[from], letters[from + 1]));
            let here = known.into_iter().flatten().filter(|(word, _)| letters[from..].starts_with(word));
            all.extend(here.map(|word| Said { run, from, word }));
        }
        all.sort_by_key(|one| (Reverse(one.word.0.len()), one.from));
        let everyday = everyday::places(letters);
        let mut told = Told::default();
        for one in all {
            // 停电 is not said by who says 停电动车: of words that cross, the longer one, and an everyday one in any case.
            let crossed = |other: &Said<'_>| {
                one.meets(other) && !other.holds(&one) && one.word.0.len() < other.word.0.len()
            };
            let runs_into = everyday.iter().find(|(from, to)| {
                let meets = one.from < *to && *from < one.to();
                let within = (one.from <= *from && *to <= one.to()) || (*from <= one.from && one.to() <= *to);
                meets && !within
            });
            if let Some(&(from, to)) = runs_into {
                told.broken.extend([from.checked_sub(1), Some(to - 1)].into_iter().flatten());
            } else if !told.taken.iter().any(crossed) {
                told.taken.push(one);
            }
        }
        told
    }

    /// Pairs of title and key words, within one passage.
    fn weigh_pairs(
        &self,
        said: &[Vec<char>],
        told: &[Told<'_>],
        found: &mut BTreeMap<usize, Evidence>,
    ) -> usize {
        let mut looked_at = 0;
        let mut first = 0;
        while first < said.len() {
            let mut size = 0;
            let within = said[first..].iter().take_while(|run| {
                let fits = size == 0 || size + run.len() <= PASSAGE;
                size += run.len();
                fits
            });
            let last = first + within.count();
            let whole = |(run, told): (&Vec<char>, &Told<'_>)| -> Vec<Pair> {
                let at = run.windows(2).enumerate().filter(|(at, _)| !told.broken.contains(at));
                at.map(|(_, pair)| (pair[0], pair[1])).filter(|pair| tells(pair.0, pair.1)).collect()
            };
            let mut distinct: Vec<Pair> =
                said[first..last].iter().zip(&told[first..last]).flat_map(whole).collect();
            distinct.sort_unstable();
            distinct.dedup();
            let mut here: HashMap<usize, f64> = HashMap::new();
            for pair in distinct {
                let Some(entries) = self.pairs.get(&pair) else { continue };
                looked_at += entries.len();
                let rarity = self.rarity(entries.len());
                entries.iter().for_each(|at| *here.entry(*at).or_default() += rarity);
            }
            for (at, title) in here {
                let evidence = found.entry(at).or_default();
                if title > evidence.title {
                    (evidence.title, evidence.passage) = (title, (first, last));
                }
            }
            first = last;
        }
        looked_at
    }

    /// Key words as they were said; without one, the stretches that title and key words share with what was said.
    fn reasons(&self, at: usize, evidence: &Evidence, said: &[Vec<char>]) -> Vec<String> {
        let mut stretches: Vec<String> =
            evidence.said.iter().map(|&(run, from, to)| said[run][from..to].iter().collect()).collect();
        if stretches.is_empty() {
            for run in &said[evidence.passage.0..evidence.passage.1] {
                let is_own = |pair: &Pair| {
                    tells(pair.0, pair.1) && self.pairs.get(pair).is_some_and(|entries| entries.contains(&at))
                };
                let mut open: Option<usize> = None;
                for from in 0..run.len() {
                    let own = run.get(from + 1).is_some_and(|next| is_own(&(run[from], *next)));
                    match (own, open) {
                        (true, None) => open = Some(from),
                        (false, Some(begun)) => {
                            stretches.push(run[begun..=from].iter().collect());
                            open = None;
                        }
                        _ => {}
                    }
                }
            }
        }
        stretches.truncate(3);
        stretches
    }
}

/// What was said in runs of letters, up to the bound.
fn said(lines: &[String]) -> Vec<Vec<char>> {
    let mut left = MOST_LETTERS;
    let mut all = Vec::new();
    for mut run in lines.iter().flat_map(|line| runs(line)) {
        run.truncate(left);
        left -= run.len();
        // What a recogniser gives without marks is long.
        all.extend(run.chunks(PASSAGE).map(<[char]>::to_vec));
        if left == 0 {
            break;
        }
    }
    all
}

/// Pairs of neighbours that tell something.
fn pairs(run: &[char]) -> impl Iterator<Item = Pair> + '_ {
    run.windows(2).map(|pair| (pair[0], pair[1])).filter(|pair| tells(pair.0, pair.1))
}

/// The chance that at least one of two holds.
fn either(a: f64, b: f64) -> f64 {
    1.0 - (1.0 - a) * (1.0 - b)
}

/// Its category, as sure as the box is of it.
fn category(entry: &Entry, heard: &Heard) -> Option<(String, u8)> {
    let own = heard.categories.iter().filter(|(id, _)| entry.categories.contains(id));
    own.filter(|(_, percent)| *percent >= CATEGORY.least_percent).max_by_key(|(_, percent)| *percent).cloned()
}

fn score(entry: &Entry, evidence: &Evidence, heard: &Heard) -> f64 {
    let title = TITLE.share * (evidence.title / TITLE.whole).min(1.0);
    let mut score = either(evidence.words, title);
    if evidence.alarm.is_some() {
        score = either(score, HEARD_ALARM);
    }
    match category(entry, heard) {
        Some((_, percent)) => either(score, CATEGORY.share * f64::from(percent) / 100.0),
        // The box reads something else.
        None if !entry.categories.is_empty() && evidence.alarm.is_none() => {
            let surest = heard.categories.iter().map(|(_, percent)| *percent).max().unwrap_or(0);
            score * (1.0 - ELSEWHERE * f64::from(surest) / 100.0)
        }
        None => score,
    }
}
