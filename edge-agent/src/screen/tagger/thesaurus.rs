//! Words that mean alike, in classes: what lets the tagger understand a word that no line of its corpus holds.
//!
//! Two lists in `models/tagger`: `thesaurus.txt` has the classes of which situations are made (who, smoke, to pour out,
//! not, last year), `lexicon.txt` the words of each category. A word inside a longer one is not heard.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::screen::homophone::repaired;

/// One word of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    pub class: u16,
    /// Letters of the reading.
    pub from: usize,
    pub to: usize,
}

struct Thesaurus {
    words: AhoCorasick,
    /// By pattern: the classes of the word.
    classes: Vec<Vec<u16>>,
    names: Vec<String>,
    codes: Vec<u32>,
}

const SITUATIONS: &str = include_str!("../../../../models/tagger/thesaurus.txt");
const CATEGORIES: &str = include_str!("../../../../models/tagger/lexicon.txt");

static THESAURUS: LazyLock<Thesaurus> = LazyLock::new(|| {
    let mut names: Vec<String> = Vec::new();
    let mut of: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    let lines = SITUATIONS.lines().chain(CATEGORIES.lines());
    for (name, words) in lines.filter(|l| !l.starts_with('#')).filter_map(|l| l.split_once(": ")) {
        let class = names.iter().position(|n| n == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        }) as u16;
        for word in words.split_whitespace() {
            let classes = of.entry(word).or_default();
            if !classes.contains(&class) {
                classes.push(class);
            }
        }
    }
    let words = AhoCorasick::new(of.keys()).expect("some ten thousand short words");
    let codes = names.iter().map(|name| fnv(name)).collect();
    Thesaurus { words, classes: of.into_values().collect(), names, codes }
});

/// Classes that are known.
pub fn class_names() -> &'static [String] {
    &THESAURUS.names
}

/// What a class counts as in features: by its name, so that a list may be put in another order and keep its model.
pub fn code(class: u16) -> u32 {
    THESAURUS.codes[usize::from(class)]
}

/// FNV-1a, 32 bits.
fn fnv(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The words of every class that was said, in order of place.
pub fn words(letters: &[char]) -> Vec<Word> {
    let letters = repaired(letters);
    let mut text = String::with_capacity(letters.len() * 3);
    let mut starts = Vec::with_capacity(letters.len() + 1);
    for letter in &letters {
        starts.push(text.len());
        text.push(*letter);
    }
    let place = |byte: usize| starts.partition_point(|start| *start < byte);
    let mut found: Vec<(usize, usize, usize)> = THESAURUS
        .words
        .find_overlapping_iter(&text)
        .map(|m| (place(m.start()), place(m.end()), m.pattern().as_usize()))
        .collect();
    // Longest first at each place, so that what lies within another is seen after it.
    found.sort_unstable_by_key(|(from, to, _)| (*from, usize::MAX - to));
    let mut all = Vec::with_capacity(found.len());
    let mut reach = 0;
    let mut last = (usize::MAX, 0);
    for (from, to, pattern) in found {
        if to > reach || (from, to) == last {
            reach = reach.max(to);
            last = (from, to);
            all.extend(THESAURUS.classes[pattern].iter().map(|class| Word { class: *class, from, to }));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::tagger::label::category;

    fn classes(text: &str) -> Vec<(&'static str, String)> {
        let letters: Vec<char> = text.chars().collect();
        let said = |w: &Word| letters[w.from..w.to].iter().collect();
        words(&letters).iter().map(|w| (class_names()[usize::from(w.class)].as_str(), said(w))).collect()
    }

    /// Every line of the lists is read, and the categories among the classes are those of the taxonomy.
    #[test]
    fn the_lists_read() {
        for line in
            SITUATIONS.lines().chain(CATEGORIES.lines()).filter(|l| !l.is_empty() && !l.starts_with('#'))
        {
            assert!(line.split_once(": ").is_some_and(|(_, words)| !words.trim().is_empty()), "{line}");
        }
        for line in CATEGORIES.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let name = line.split_once(": ").unwrap().0;
            assert!(category(name).is_some(), "{name} is no category");
        }
    }

    /// A word within a longer one is not heard, a misheard alarm word is.
    #[test]
    fn words_are_heard() {
        let heard = classes("煤其罐漏了");
        assert!(heard.contains(&("gas_thing", "煤其罐".to_owned())), "{heard:?}");
        assert!(!heard.iter().any(|(class, _)| *class == "gas_word"), "{heard:?}");
        assert!(heard.iter().any(|(class, _)| *class == "leak"), "{heard:?}");
    }
}
