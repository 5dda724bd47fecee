//! Names ready to be looked through, and which place is meant. Pure.
//!
//! A name is met by its letters, by its sounds (a recogniser writes homophones), as a part of what was said, or as what
//! somebody has begun to type. Each way has its own range of per cent, so that a better way wins whatever the lengths are.
//! A look-up costs a few look-ups of pairs and a bounded number of names ([`MOST_LOOKED`]), however many places there are.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::Place;
use super::sound::{Sound, sounds};
use super::words::{is_around, letters};
use crate::organisation::{Area, AreaPath, Level};

/// Letters of a text that are looked at: no address is longer.
const MOST_LETTERS: usize = 60;
/// Names that are compared for one question. A part that is in more of them tells little.
const MOST_LOOKED: usize = 5_000;
/// Names of one pair that are compared for a misspelt one.
const MOST_NEAR: usize = 2_000;
/// A name that is heard, or met within other words, has so many letters at least before it is sure.
const SURE_LETTERS: usize = 3;
const SURE_SOUNDS: usize = 4;
/// Longer texts are no misspelt name.
const LONGEST_NEAR: usize = 20;
/// How like a misspelt name must be.
const LIKE: f64 = 0.6;

/// A place and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub place: Place,
    /// Of its own area; nothing where the gazetteer does not say, or the area is not there.
    pub path: Option<AreaPath>,
}

/// How a place was met, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PlaceMatch)]
pub enum How {
    /// Its name.
    Exact,
    /// Another name of it.
    Alias,
    /// A name that sounds so.
    Sound,
    /// A name stands in what was said.
    Within,
    /// A name that sounds so stands in what was said.
    SoundWithin,
    /// A name begins so.
    Prefix,
    /// A name has this in it.
    Contains,
    /// A name sounds nearly so.
    Near,
}

impl How {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Alias => "alias",
            Self::Sound => "sound",
            Self::Within => "within",
            Self::SoundWithin => "sound_within",
            Self::Prefix => "prefix",
            Self::Contains => "contains",
            Self::Near => "near",
        }
    }

    /// Of the ways that do not depend on lengths.
    fn percent(self) -> u8 {
        match self {
            Self::Exact => 100,
            Self::Alias => 98,
            Self::Sound => 92,
            Self::Within => 90,
            _ => 80,
        }
    }
}

/// A place that was met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found<'i> {
    pub entry: &'i Entry,
    pub how: How,
    pub percent: u8,
    /// Its name, or the other name, that was met.
    pub name: &'i str,
}

#[derive(Debug)]
struct Name {
    text: String,
    letters: Vec<char>,
    sounds: Vec<Sound>,
    entry: usize,
    alias: bool,
}

type Pairs<T> = HashMap<(T, T), Vec<u32>>;

/// One version of a gazetteer.
#[derive(Debug, Default)]
pub struct Index {
    pub version: i64,
    entries: Vec<Entry>,
    names: Vec<Name>,
    by_letters: HashMap<Vec<char>, Vec<u32>>,
    by_sounds: HashMap<Vec<Sound>, Vec<u32>>,
    /// Lengths of the names that begin with a pair.
    lengths: HashMap<(char, char), Vec<usize>>,
    sound_lengths: HashMap<(Sound, Sound), Vec<usize>>,
    by_first: HashMap<char, Vec<u32>>,
    pairs: Pairs<char>,
    sound_pairs: Pairs<Sound>,
    /// Areas by their names, of communities and grids: what a box says of where a place lies.
    areas: HashMap<String, Vec<AreaPath>>,
}

/// A name at its place among the letters of a text.
#[derive(Clone, Debug)]
struct Hit {
    from: usize,
    to: usize,
    how: How,
    names: Vec<u32>,
}

impl Index {
    pub fn new(version: i64, places: Vec<Place>, areas: &[Area]) -> Self {
        let paths: HashMap<&str, &str> =
            areas.iter().map(|area| (area.area.as_str(), area.path.as_str())).collect();
        let mut index = Self { version, ..Self::default() };
        for place in places {
            let path = place.area.as_deref().and_then(|id| paths.get(id));
            let path = path.map(|path| AreaPath::kept((*path).to_owned()));
            let at = index.entries.len();
            index.name(&place.name, at, false);
            for alias in &place.aliases {
                index.name(alias, at, true);
            }
            index.entries.push(Entry { place, path });
        }
        for area in
            areas.iter().filter(|area| !area.level.parse().is_ok_and(|level: Level| level > Level::Community))
        {
            let path = AreaPath::kept(area.path.clone());
            index.areas.entry(area.name_zh.clone()).or_default().push(path);
        }
        for lengths in index.lengths.values_mut().chain(index.sound_lengths.values_mut()) {
            lengths.sort_unstable_by_key(|length| Reverse(*length));
        }
        index
    }

    fn name(&mut self, text: &str, entry: usize, alias: bool) {
        let letters = letters(text);
        let (Some(&first), Some(&second)) = (letters.first(), letters.get(1)) else { return };
        let (at, sounds, length) = (self.names.len() as u32, sounds(&letters), letters.len());
        let add = |lengths: &mut Vec<usize>| {
            if !lengths.contains(&length) {
                lengths.push(length);
            }
        };
        add(self.lengths.entry((first, second)).or_default());
        add(self.sound_lengths.entry((sounds[0], sounds[1])).or_default());
        self.by_first.entry(first).or_default().push(at);
        self.by_letters.entry(letters.clone()).or_default().push(at);
        self.by_sounds.entry(sounds.clone()).or_default().push(at);
        put_pairs(&mut self.pairs, &letters, at);
        put_pairs(&mut self.sound_pairs, &sounds, at);
        self.names.push(Name { text: text.to_owned(), letters, sounds, entry, alias });
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.place.id == id)
    }

    /// Places that may be meant, best first, at most `most`.
    pub fn find(&self, text: &str, most: usize) -> Vec<Found<'_>> {
        self.search(text, most).0
    }

    /// The same, and how many names were compared.
    pub(super) fn search(&self, text: &str, most: usize) -> (Vec<Found<'_>>, usize) {
        let letters: Vec<char> = letters(text).into_iter().take(MOST_LETTERS).collect();
        let sounds = sounds(&letters);
        let mut best = Best::default();
        let mut looked = 0;
        for at in self.whole(&letters) {
            let how = if self.names[*at as usize].alias { How::Alias } else { How::Exact };
            self.offer(&mut best, *at, how, how.percent());
        }
        for at in self.by_sounds.get(&sounds).into_iter().flatten().filter(|_| letters.len() > 1) {
            self.offer(&mut best, *at, How::Sound, How::Sound.percent());
        }
        for hit in self.hits(&letters, &sounds).into_iter().filter(|hit| hit.to - hit.from < letters.len()) {
            let floor = if hit.how == How::Within { 55 } else { 45 };
            let percent = floor + share(35, hit.to - hit.from, letters.len());
            for at in &hit.names {
                self.offer(&mut best, *at, hit.how, percent);
            }
        }
        looked += self.parts(&letters, &mut best);
        if best.0.values().all(|(_, percent, _)| *percent < 90) {
            looked += self.near(&sounds, &mut best);
        }
        let mut found: Vec<Found<'_>> = best
            .0
            .into_iter()
            .map(|(entry, (how, percent, name))| Found {
                entry: &self.entries[entry],
                how,
                percent,
                name: &self.names[name as usize].text,
            })
            .collect();
        let order = |a: &Found<'_>, b: &Found<'_>| {
            let rank = |one: &Found<'_>| (Reverse(one.percent), one.how, one.name.len());
            rank(a).cmp(&rank(b)).then_with(|| a.entry.place.id.cmp(&b.entry.place.id))
        };
        if (1..found.len()).contains(&most) {
            // Of thousands that end alike only the first few are put in order.
            found.select_nth_unstable_by(most, order);
        }
        found.truncate(most);
        found.sort_by(order);
        (found, looked)
    }

    /// The one place that is meant, where nothing speaks against it. `grid`: what the box says in which grid it lies.
    pub fn sure(&self, text: &str, grid: Option<&str>) -> Option<Found<'_>> {
        let letters: Vec<char> = letters(text);
        if letters.len() > MOST_LETTERS {
            return None;
        }
        let whole = self.whole(&letters);
        if !whole.is_empty() {
            return self.one(whole, &[], grid, How::Exact);
        }
        let sounds = sounds(&letters);
        let alike = self.by_sounds.get(&sounds).map_or(&[][..], Vec::as_slice);
        if !alike.is_empty() && letters.len() >= SURE_LETTERS {
            return self.one(alike, &[], grid, How::Sound);
        }
        // Addresses go from the wide to the near: the last name is the place, those before it say where that is.
        let hits = apart(self.hits(&letters, &sounds));
        let (last, before) = hits.split_last()?;
        let least = if last.how == How::Within { SURE_LETTERS } else { SURE_SOUNDS };
        let mut end = 0;
        for hit in &hits {
            if !is_around(&letters[end..hit.from]) {
                return None;
            }
            end = hit.to;
        }
        if last.to - last.from < least || !is_around(&letters[last.to..]) {
            return None;
        }
        self.one(&last.names, before, grid, last.how)
    }

    fn one(&self, names: &[u32], before: &[Hit], grid: Option<&str>, how: How) -> Option<Found<'_>> {
        let mut left: Vec<u32> = Vec::new();
        for at in names {
            // By two names of its own it is still one place.
            if left.iter().all(|other| self.names[*other as usize].entry != self.names[*at as usize].entry) {
                left.push(*at);
            }
        }
        for hit in before {
            let wider: Vec<&AreaPath> =
                hit.names.iter().filter_map(|at| self.entry_of(*at).path.as_ref()).collect();
            let fits = |path: &AreaPath| wider.iter().any(|wide| wide.covers(path));
            if !wider.is_empty() {
                // What lies elsewhere than was said is not meant; what lies nowhere may be.
                left.retain(|at| self.entry_of(*at).path.as_ref().is_none_or(fits));
            }
        }
        if left.len() > 1
            && let Some(paths) = grid.and_then(|name| self.areas.get(name))
        {
            let in_it = |at: &u32| {
                self.entry_of(*at)
                    .path
                    .as_ref()
                    .is_some_and(|path| paths.iter().any(|grid| grid.covers(path)))
            };
            left.retain(in_it);
        }
        let &[at] = left.as_slice() else { return None };
        let entry = self.entry_of(at);
        let says_where = entry.path.is_some() || (entry.place.kind.is_close() && entry.place.at.is_some());
        let name = &self.names[at as usize];
        let how = if how == How::Exact && name.alias { How::Alias } else { how };
        says_where.then_some(Found { entry, how, percent: how.percent(), name: &name.text })
    }

    fn entry_of(&self, name: u32) -> &Entry {
        &self.entries[self.names[name as usize].entry]
    }

    fn whole(&self, letters: &[char]) -> &[u32] {
        self.by_letters.get(letters).map_or(&[], Vec::as_slice)
    }

    /// Names that stand in a text; what is there by its letters is not told again by its sounds.
    fn hits(&self, letters: &[char], sounds: &[Sound]) -> Vec<Hit> {
        let mut all = Vec::new();
        for from in 0..letters.len().saturating_sub(1) {
            let left = letters.len() - from;
            let lengths = self.lengths.get(&(letters[from], letters[from + 1]));
            for length in lengths.into_iter().flatten().filter(|length| **length <= left) {
                if let Some(names) = self.by_letters.get(&letters[from..from + length]) {
                    all.push(Hit { from, to: from + length, how: How::Within, names: names.clone() });
                }
            }
        }
        for from in 0..sounds.len().saturating_sub(1) {
            let left = sounds.len() - from;
            let lengths = self.sound_lengths.get(&(sounds[from], sounds[from + 1]));
            for length in lengths.into_iter().flatten().filter(|length| **length <= left) {
                let to = from + length;
                let known = all.iter().any(|hit: &Hit| hit.from == from && hit.to == to);
                if let Some(names) = self.by_sounds.get(&sounds[from..to]).filter(|_| !known) {
                    all.push(Hit { from, to, how: How::SoundWithin, names: names.clone() });
                }
            }
        }
        all
    }

    /// Names that begin with these letters, or have them in them. Returns how many were compared.
    fn parts(&self, letters: &[char], best: &mut Best) -> usize {
        let none = Vec::new();
        let candidates = match letters {
            [] => &none,
            [one] => self.by_first.get(one).unwrap_or(&none),
            _ => {
                let lists = letters.windows(2).map(|pair| self.pairs.get(&(pair[0], pair[1])));
                // A pair that no name has: no name has all of them.
                let lists: Option<Vec<&Vec<u32>>> = lists.collect();
                lists.and_then(|lists| lists.into_iter().min_by_key(|list| list.len())).unwrap_or(&none)
            }
        };
        let mut looked = 0;
        for at in candidates.iter().take(MOST_LOOKED) {
            looked += 1;
            let name = &self.names[*at as usize].letters;
            if name.len() <= letters.len() {
                continue;
            }
            let size = share(40, letters.len(), name.len());
            if name.starts_with(letters) {
                self.offer(best, *at, How::Prefix, 50 + size);
            } else if name.windows(letters.len()).any(|part| part == letters) {
                self.offer(best, *at, How::Contains, 40 + size);
            }
        }
        looked
    }

    /// Names that sound nearly so: a syllable more, less or another. Returns how many were compared.
    fn near(&self, sounds: &[Sound], best: &mut Best) -> usize {
        if !(SURE_LETTERS..=LONGEST_NEAR).contains(&sounds.len()) {
            return 0;
        }
        let mut counts: HashMap<u32, usize> = HashMap::new();
        for pair in sounds.windows(2) {
            let names = self.sound_pairs.get(&(pair[0], pair[1]));
            for at in names.into_iter().flatten().take(MOST_NEAR) {
                *counts.entry(*at).or_default() += 1;
            }
        }
        let mut looked = 0;
        // One slip spoils two pairs.
        let least = (sounds.len() - 1).saturating_sub(3).max(1);
        for (at, _) in counts.into_iter().filter(|(_, count)| *count >= least) {
            let name = &self.names[at as usize].sounds;
            if name.len().abs_diff(sounds.len()) > 2 {
                continue;
            }
            looked += 1;
            let slips = strsim::generic_levenshtein(name, &sounds.to_vec());
            let like = 1.0 - slips as f64 / name.len().max(sounds.len()) as f64;
            if like >= LIKE {
                self.offer(best, at, How::Near, (like * 75.0) as u8);
            }
        }
        looked
    }

    fn offer(&self, best: &mut Best, name: u32, how: How, percent: u8) {
        let entry = self.names[name as usize].entry;
        let known = best.0.entry(entry).or_insert((how, percent, name));
        if percent > known.1 || (percent == known.1 && how < known.0) {
            *known = (how, percent, name);
        }
    }
}

/// By entry: how it was met best.
#[derive(Debug, Default)]
struct Best(HashMap<usize, (How, u8, u32)>);

fn share(most: u8, part: usize, whole: usize) -> u8 {
    (f64::from(most) * part as f64 / whole.max(1) as f64) as u8
}

fn put_pairs<T: Copy + Eq + Hash>(pairs: &mut Pairs<T>, of: &[T], at: u32) {
    for pair in of.windows(2) {
        let known = pairs.entry((pair[0], pair[1])).or_default();
        if known.last() != Some(&at) {
            known.push(at);
        }
    }
}

/// Those that do not overlap, in their order: the longer before the shorter, letters before sounds.
fn apart(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|hit| (Reverse(hit.to - hit.from), hit.how, hit.from));
    let mut taken: Vec<Hit> = Vec::new();
    for hit in hits {
        if taken.iter().all(|other| hit.to <= other.from || other.to <= hit.from) {
            taken.push(hit);
        }
    }
    taken.sort_by_key(|hit| hit.from);
    taken
}
