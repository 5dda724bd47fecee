//! Everyday words into which key words run by chance: who says 停电动车 says 停 and 电动车, and not 停电. Pure.
//!
//! Chinese is written without spaces, and key words are looked for as they stand. These words begin with the last letters of
//! what entries are known by, or end with its first; where one of them stands, a key word that crosses it was not said.
//! Deliberately absent: words that mean what the key word means (断水管 in 切断水管 is about water all the same).

/// Longest first at each beginning.
const WORDS: &[&str] = &[
    // 停电, 没电, 断电, 充电, 用电, 送电
    "电动三轮车",
    "电动自行车",
    "电动摩托",
    "电动车",
    "电瓶车",
    "电三轮",
    "电摩",
    "电车",
    "电驴",
    "电梯",
    "电视",
    "电话",
    "电脑",
    "电影",
    "电商",
    "电器城",
    "电子厂",
    "电焊",
    "电池厂",
    // 停水, 没水, 断水, 漏水, 用水, 积水
    "水泥",
    "水果",
    "水平",
    "水产",
    "水饺",
    "水晶",
    "水彩",
    // 停气, 没气, 漏气, 煤气
    "气球",
    "气氛",
    "气象",
    "气质",
    "气垫",
    "气功",
    // 着火, 起火, 失火
    "火车",
    "火锅",
    "火腿",
    "火箭",
    "火柴盒",
    // 停车, 修车, 公交车
    "车间",
    "车床",
    "车工",
    // 停暖, 供暖
    "暖水瓶",
    "暖壶",
    "暖宝",
    // 修路, 堵路
    "路由器",
    "路演",
    // 没网, 断网
    "网球",
    "网红",
    "网购",
    "网吧",
    // 社保, 医保, 低保
    "保安",
    "保姆",
    "保洁",
    "保温",
    // 断电, 断水, 断网
    "判断",
    "诊断",
    "推断",
    // 没水, 没电
    "淹没",
    "埋没",
    "出没",
    // 通水, 通电, 通气
    "交通",
    "普通",
    "卡通",
    "沟通",
    "精通",
    // 漏水, 漏气
    "遗漏",
    "疏漏",
    // 充电
    "补充",
    "冒充",
    "扩充",
];

/// Where they stand, from and to.
pub(super) fn places(letters: &[char]) -> Vec<(usize, usize)> {
    let mut all = Vec::new();
    let mut from = 0;
    while from < letters.len() {
        let is_here = |word: &&&str| {
            let mut here = letters[from..].iter();
            word.chars().all(|letter| here.next() == Some(&letter))
        };
        match WORDS.iter().filter(is_here).map(|word| word.chars().count()).max() {
            Some(length) => {
                all.push((from, from + length));
                from += length;
            }
            None => from += 1,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest word at each place, none within another; none is listed twice or shorter than two letters.
    #[test]
    fn words_stand_at_their_places() {
        let letters: Vec<char> = "停电动车，没电梯".chars().collect();
        assert_eq!(places(&letters), [(1, 4), (6, 8)]);
        assert_eq!(places(&[]), []);
        for (at, word) in WORDS.iter().enumerate() {
            assert!(word.chars().count() >= 2 && !WORDS[..at].contains(word), "{word}");
        }
    }
}
