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
    "大家", "打假", "打价", "期货", "没气", "没起", "燃起", "紫砂", "子沙", "识货", "实货", "石火", "试货",
    "适合", "十伙", "货", "他了", "她了", "它了", "挑楼", "走势", "走时", "楼店", "出店", "储电", "抄底",
    "重读", "种读", "积税", "几岁", "几水", "鸡随", "机油", "被捆", "备困", "电体", "电题", "吃到", "迟到",
    "赤道", "吃刀", "着货", "招货", "找货", "找活", "找伙", "一华", "沙人", "傻人", "杀任", "装车", "装人",
    "转车", "转人", "专人", "泛车", "反车", "返车", "翻车", "实施", "时事", "事实", "实习", "是连", "事联",
    "实验", "始终", "失宗", "试种", "中度", "中都", "重度", "骨质", "估值", "谷值", "留学", "流雪", "刘学",
    "留雪", "图学", "土雪", "抽出", "厨出", "休课", "修课", "救名", "就命", "旧名", "浓盐", "农研", "农业",
    "弄药", "黑盐", "黑眼", "火仔", "货在", "伙在", "活在", "着乐", "找了", "招了", "照了", "罩了", "走了",
    "周了", "安装", "按了", "演了", "盐了", "烟了", "眼了", "验了", "言了", "研了", "燕了", "严了", "沿了",
    "红水", "落税", "大价", "大架", "打驾", "电提", "上掉", "上调", "帮家", "枪结", "强劫", "强结", "起获",
    "七伙", "气活", "其活", "其货", "器活", "老气", "楼气", "漏其", "楼起", "到他", "倒他", "他放", "它放",
    "他方", "她方", "照火", "招伙", "找火", "罩火", "使用", "倒塔", "报答", "爆打", "暴打", "报纸", "烧人",
    "少人", "哨人", "收人", "车货", "扯活", "彻活", "撤货", "每期", "没期", "美气", "美其", "每起", "没其",
    "每其", "然其", "然后", "天然", "电厂", "垫底", "店里",
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
