//! Plain alarm words that a recogniser wrote with the wrong characters: 棋火 for 起火, 煤其 for 煤气.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::screen::reading::{Sound, sound};

/// Words that are worth hearing through a slip.
const WORDS: &[&str] = &[
    "着火",
    "起火",
    "失火",
    "煤气",
    "燃气",
    "天然气",
    "液化气",
    "漏气",
    "爆炸",
    "触电",
    "漏电",
    "自杀",
    "跳楼",
    "跳河",
    "上吊",
    "割腕",
    "打架",
    "砍人",
    "杀人",
    "持刀",
    "抢劫",
    "绑架",
    "被困",
    "电梯",
    "走失",
    "走丢",
    "失踪",
    "失联",
    "坍塌",
    "倒塌",
    "塌方",
    "塌了",
    "车祸",
    "追尾",
    "撞人",
    "撞车",
    "翻车",
    "晕倒",
    "昏迷",
    "昏倒",
    "流血",
    "吐血",
    "抽搐",
    "休克",
    "骨折",
    "中毒",
    "积水",
    "淹了",
    "洪水",
    "溺水",
    "落水",
    "救命",
    "浓烟",
    "黑烟",
    "火灾",
    "着了",
    "农药",
    "叫不醒",
    "臭鸡蛋",
    "不想活",
    "心脏病",
    "救护车",
];

/// Words that sound like one of those and are meant as they stand.
const MEANT: &[&str] = &[
    "打假", "打价", "大架", "没气", "每气", "燃起", "走势", "走时", "他了", "她了", "它了", "演了", "烟了",
    "严了", "研了", "沿了", "验了", "盐了", "言了", "眼了", "起货", "起获", "储电", "出电", "抽出", "装车",
    "装人", "转车", "转人", "返车", "上调", "几水", "中度", "休课", "红水", "倒他", "浓盐", "黑眼", "火在",
    "触点", "试火", "漏点", "被捆",
];

struct Table {
    /// By sounds: the word in its right characters.
    words: HashMap<Vec<Sound>, Vec<char>>,
    longest: usize,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut words = HashMap::new();
    for word in WORDS {
        let word: Vec<char> = word.chars().collect();
        words.entry(word.iter().map(|c| sound(*c)).collect()).or_insert(word);
    }
    let longest = words.keys().map(Vec::len).max().unwrap_or(0);
    Table { words, longest }
});

/// `letters` with every slip of such a word put right. Of two characters one must be right, of three two: words
/// that merely sound alike are far commoner than double slips.
pub fn repaired(letters: &[char]) -> Vec<char> {
    let sounds: Vec<Sound> = letters.iter().map(|c| sound(*c)).collect();
    let mut out = letters.to_vec();
    let mut from = 0;
    while from < out.len() {
        let mut step = 1;
        for length in (2..=TABLE.longest.min(out.len() - from)).rev() {
            let here = from..from + length;
            let Some(word) = TABLE.words.get(&sounds[here.clone()]) else { continue };
            let right = out[here.clone()].iter().zip(word).filter(|(a, b)| a == b).count();
            let said: String = out[here.clone()].iter().collect();
            if right == length || (right + 1 == length && !MEANT.contains(&said.as_str())) {
                out[here].copy_from_slice(word);
                step = length;
                break;
            }
        }
        from += step;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        repaired(&text.chars().collect::<Vec<_>>()).into_iter().collect()
    }

    /// No word is listed that would not be taken for a slip.
    #[test]
    fn every_word_that_is_meant_needs_to_be_listed() {
        for said in MEANT {
            let letters: Vec<char> = said.chars().collect();
            let sounds: Vec<Sound> = letters.iter().map(|c| sound(*c)).collect();
            let word = TABLE.words.get(&sounds).unwrap_or_else(|| panic!("{said} sounds like no alarm word"));
            let wrong = letters.iter().zip(word).filter(|(a, b)| a != b).count();
            assert_eq!(wrong, 1, "{said} is no slip of {}", word.iter().collect::<String>());
        }
    }

    /// Slips are put right, words that merely sound alike are left.
    #[test]
    fn slips_are_put_right() {
        for (said, wanted) in [
            ("仓库棋火了", "仓库起火了"),
            ("一股煤其味", "一股煤气味"),
            ("有人跳喽", "有人跳楼"),
            ("他触店了", "他触电了"),
            ("大家都在", "大家都在"),
            ("买期货亏了", "买期货亏了"),
            ("家里没气了", "家里没气了"),
            ("上班迟到", "上班迟到"),
        ] {
            assert_eq!(read(said), wanted);
        }
    }
}
