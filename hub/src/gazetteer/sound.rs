//! How names sound: syllables without tone, told apart no better than a telephone does. Pure.

use std::collections::HashMap;
use std::sync::LazyLock;

use pinyin::ToPinyin as _;

/// A syllable, or a letter that is not Chinese as itself.
pub(super) type Sound = u16;

/// Syllables are fewer than this.
const LETTERS: Sound = 0x8000;

/// Characters that people use in names.
const FIRST: u32 = 0x4e00;
const LAST: u32 = 0x9fff;

static SOUNDS: LazyLock<Vec<Sound>> = LazyLock::new(|| {
    let mut known: HashMap<String, Sound> = HashMap::new();
    let sound_of = |code| {
        let Some(syllable) = char::from_u32(code).and_then(|c| c.to_pinyin()) else { return 0 };
        let next = known.len() as Sound + 1;
        *known.entry(blurred(syllable.plain())).or_insert(next)
    };
    (FIRST..=LAST).map(sound_of).collect()
});

/// Letters of a name, as [`super::words::letters`] gives them: digits are read out.
pub(super) fn sounds(letters: &[char]) -> Vec<Sound> {
    letters.iter().map(|c| sound(*c)).collect()
}

fn sound(c: char) -> Sound {
    let spoken = match c.to_digit(10) {
        Some(digit) => ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'][digit as usize],
        None => c,
    };
    let at = (spoken as u32).checked_sub(FIRST);
    let syllable = at.and_then(|at| SOUNDS.get(at as usize).copied()).filter(|sound| *sound > 0);
    syllable.unwrap_or(LETTERS | (spoken as u32 & 0x7fff) as Sound)
}

/// What a telephone and a speaker of the north leave of a syllable.
fn blurred(syllable: &str) -> String {
    let begins = [("zh", "z"), ("ch", "c"), ("sh", "s")];
    let mut out =
        match begins.into_iter().find_map(|(long, short)| Some((syllable.strip_prefix(long)?, short))) {
            Some((rest, short)) => format!("{short}{rest}"),
            None => syllable.to_owned(),
        };
    if ["ang", "eng", "ing"].iter().any(|nasal| out.ends_with(nasal)) {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Homophones, and syllables that a telephone confuses, are one; others are not; letters sound like themselves alone.
    #[test]
    fn homophones_sound_alike() {
        let of = |text: &str| sounds(&text.chars().collect::<Vec<_>>());
        assert_eq!(of("凤鸣路"), of("风名路"));
        assert_eq!(of("城关"), of("陈观"));
        assert_eq!(of("3里桥"), of("三里桥"));
        assert_ne!(of("东关"), of("西关"));
        assert_eq!(of("a座")[1], of("坐")[0]);
        assert_ne!(of("a座"), of("b座"));
        assert!(of("凤鸣路").iter().all(|sound| (1..LETTERS).contains(sound)));
    }
}
