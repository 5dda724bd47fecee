//! An utterance as the stations of this folder read it: what was said, without marks and case, and how it sounds.
//!
//! Recognisers and people write the same words differently: with or without punctuation, full-width digits, a homophone
//! in place of the right character. A [`Reading`] holds the letters that count, the place of each in the text, and its
//! syllable without tone. Positions everywhere in this folder count Unicode characters of the text, not bytes.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use pinyin::ToPinyin;

/// A syllable without tone, told apart no better than a telephone does (`zh` = `z`, `ing` = `in`). 0: not Chinese.
pub type Sound = u16;

/// The letters of one utterance.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Letters and digits in plain, lower-case form; marks and blanks are left out.
    pub letters: Vec<char>,
    /// Where each letter stands in the text.
    pub at: Vec<usize>,
    /// How each letter sounds.
    pub sounds: Vec<Sound>,
    /// Whether a mark stands before the letter: clauses end there.
    pub starts_clause: Vec<bool>,
}

impl Reading {
    pub fn of(text: &str) -> Self {
        let mut reading = Self::default();
        let mut marked = true;
        for (at, c) in text.chars().enumerate() {
            let plain = plain(c);
            if plain.is_alphanumeric() {
                reading.letters.push(plain);
                reading.at.push(at);
                reading.sounds.push(sound(plain));
                reading.starts_clause.push(std::mem::take(&mut marked));
            } else if !c.is_whitespace() {
                marked = true;
            }
        }
        reading
    }

    pub fn len(&self) -> usize {
        self.letters.len()
    }

    pub fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// The part of the text that these letters came from.
    pub fn span(&self, letters: Range<usize>) -> Range<usize> {
        self.at[letters.start]..self.at[letters.end - 1] + 1
    }
}

/// Half-width, lower-case.
pub(super) fn plain(c: char) -> char {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '〇' => '零',
        c => c,
    };
    narrow.to_ascii_lowercase()
}

/// The characters from `first` on, a block of all that people use in speech.
const FIRST: u32 = 0x4e00;
const LAST: u32 = 0x9fff;

static SOUNDS: LazyLock<Vec<Sound>> = LazyLock::new(|| {
    let mut names: HashMap<String, Sound> = HashMap::new();
    (FIRST..=LAST)
        .map(|code| {
            let syllable = char::from_u32(code).and_then(|c| c.to_pinyin());
            let Some(syllable) = syllable else { return 0 };
            let next = names.len() as Sound + 1;
            *names.entry(blurred(syllable.plain())).or_insert(next)
        })
        .collect()
});

/// How a character sounds by itself; of several readings the commonest.
pub fn sound(c: char) -> Sound {
    (c as u32).checked_sub(FIRST).and_then(|i| SOUNDS.get(i as usize).copied()).unwrap_or(0)
}

/// What a telephone and a speaker of the north leave of a syllable.
fn blurred(syllable: &str) -> String {
    let mut out = syllable.to_owned();
    for (long, short) in [("zh", "z"), ("ch", "c"), ("sh", "s")] {
        if let Some(rest) = out.strip_prefix(long) {
            out = format!("{short}{rest}");
        }
    }
    for nasal in ["ang", "eng", "ing"] {
        if out.ends_with(nasal) {
            out.pop();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks, width and case do not matter, and every letter knows its place in the text.
    #[test]
    fn reads_letters_with_their_places() {
        let reading = Reading::of("喂，三号楼 Ｂ座〇一！");
        assert_eq!(reading.letters.iter().collect::<String>(), "喂三号楼b座零一");
        assert_eq!(reading.at, [0, 2, 3, 4, 6, 7, 8, 9]);
        assert_eq!(reading.span(1..4), 2..5);
        let starts: Vec<_> = (0..reading.len()).filter(|i| reading.starts_clause[*i]).collect();
        assert_eq!(starts, [0, 1]);
    }

    /// What a telephone cannot tell apart sounds the same, all else does not.
    #[test]
    fn homophones_sound_alike() {
        for (a, b) in [('起', '棋'), ('气', '其'), ('是', '四'), ('今', '京'), ('单', '当'), ('中', '宗')]
        {
            assert_eq!(sound(a), sound(b), "{a} {b}");
        }
        for (a, b) in [('火', '气'), ('煤', '火'), ('高', '低')] {
            assert_ne!(sound(a), sound(b), "{a} {b}");
        }
        assert_eq!((sound('a'), sound('1'), sound('，')), (0, 0, 0));
    }
}
