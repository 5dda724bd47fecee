//! Spoken Chinese numbers in the form that people write: 二零二六年三月五号 → 2026年3月5号. Pure.
//!
//! A numeral becomes digits only where what stands around it says that it counts, dates, measures or names a door:
//! 一下, 万一, 七八个, 三番五次 and everything doubtful stay words. Deliberately absent: fractions (三分之一), ordinals
//! below ten (第一), rough numbers (十几, 二三十), and other languages.

mod value;

use value::{Numeral, digit, is_numeral};

/// After these even a single digit names a door, a date or an age.
const STRONG: [&str; 9] = ["号", "栋", "幢", "单元", "楼", "月", "岁", "室", "层"];
/// After these two digits in a row are a name: 五八号, 二六年.
const NAMED: [&str; 8] = ["年", "号", "室", "路", "栋", "幢", "楼", "单元"];
/// What is counted or measured in tens and hundreds.
const MEASURES: &str = "个名位人户家条台辆次遍回年月日天号点分秒时小周层楼栋幢单室岁块元毛角米公里厘毫斤克吨升度平亩瓦伏安倍路站多来余间页张\
    只头棵根盏桶箱瓶包袋件套双份项批期届组队班级";
/// A numeral with a decimal point measures one of these.
const DECIMAL: [&str; 20] = [
    "公里", "米", "厘米", "毫米", "平", "块", "元", "万", "亿", "吨", "斤", "公斤", "克", "度", "倍", "升",
    "千米", "个", "小时", "亩",
];
/// Before these 一点 and 两点 are a time of day.
const TIME_BEFORE: [&str; 12] =
    ["上午", "下午", "早上", "晚上", "中午", "凌晨", "夜里", "半夜", "傍晚", "今天", "昨天", "明天"];
/// After 点 these tell a time of day.
const TIME_AFTER: [&str; 7] = ["半", "钟", "整", "一刻", "三刻", "多", "左右"];
/// After 点 these tell that something is listed.
const LISTED: [&str; 5] = ["建议", "意见", "要求", "原因", "问题"];

/// The text with its numerals in digits.
pub(super) fn written(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() * 3);
    let mut at = 0;
    while at < text.len() {
        let (piece, end) = percent(&text, at)
            .or_else(|| decimal(&text, at))
            .or_else(|| time(&text, at))
            .or_else(|| numeral(&text, at))
            .unwrap_or_else(|| as_spoken(&text, at));
        out.push_str(&piece);
        at = end;
    }
    out
}

type Piece = (String, usize);

fn run_end(text: &[char], at: usize) -> usize {
    at + text[at..].iter().take_while(|c| is_numeral(**c)).count()
}

/// A numeral that stays as it is, whole; or one character that is none.
fn as_spoken(text: &[char], at: usize) -> Piece {
    let end = run_end(text, at).max(at + 1);
    (text[at..end].iter().collect(), end)
}

fn follows(text: &[char], at: usize, word: &str) -> bool {
    word.chars().enumerate().all(|(index, c)| text.get(at + index) == Some(&c))
}

fn precedes(text: &[char], at: usize, word: &str) -> bool {
    at.checked_sub(word.chars().count()).is_some_and(|start| follows(text, start, word))
}

fn any_follows(text: &[char], at: usize, words: &[&str]) -> bool {
    words.iter().any(|word| follows(text, at, word))
}

/// 百分之三十 → 30%.
fn percent(text: &[char], at: usize) -> Option<Piece> {
    if !follows(text, at, "百分之") {
        return None;
    }
    let from = at + 3;
    let end = run_end(text, from);
    if follows(text, from, "百") && end == from + 1 {
        return Some(("100%".to_owned(), end));
    }
    let whole = Numeral::read(&text[from..end])?.value()?;
    let decimals = fraction(text, end);
    let (tail, end) = decimals.map_or((String::new(), end), |(digits, end)| (format!(".{digits}"), end));
    Some((format!("{whole}{tail}%"), end))
}

/// Digits after 点.
fn fraction(text: &[char], at: usize) -> Option<Piece> {
    let from = at + 1;
    if text.get(at) != Some(&'点') || from >= text.len() {
        return None;
    }
    let end = run_end(text, from);
    let digits: Option<String> =
        text[from..end].iter().map(|c| digit(*c).map(|d| (b'0' + d) as char)).collect();
    digits.filter(|d| !d.is_empty()).map(|d| (d, end))
}

/// 三点五公里 → 3.5公里.
fn decimal(text: &[char], at: usize) -> Option<Piece> {
    let end = run_end(text, at);
    let whole = Numeral::read(&text[at..end])?.value()?;
    let (digits, end) = fraction(text, end)?;
    any_follows(text, end, &DECIMAL).then(|| (format!("{whole}.{digits}"), end))
}

/// 十点半 → 10点半, 三点二十五分 → 3点25分, 下午两点 → 下午2点.
fn time(text: &[char], at: usize) -> Option<Piece> {
    let end = run_end(text, at);
    if text.get(end) != Some(&'点') {
        return None;
    }
    let hour = Numeral::read(&text[at..end])?.value().filter(|hour| *hour <= 24)?;
    let after = end + 1;
    let minutes_end = if after < text.len() { run_end(text, after) } else { after };
    let minutes = Numeral::read(&text[after.min(text.len())..minutes_end]).and_then(|n| n.minutes());
    let told =
        any_follows(text, after, &TIME_AFTER) || TIME_BEFORE.iter().any(|word| precedes(text, at, word));
    if let Some(minutes) = minutes {
        return Some((format!("{hour}点{minutes:02}"), minutes_end));
    }
    // 一点 is "a little", 两点 two things of a list, unless something says that it is a time.
    let plain = hour > 2 && !any_follows(text, after, &LISTED) && minutes_end == after;
    (told || plain).then(|| (format!("{hour}点"), after))
}

fn numeral(text: &[char], at: usize) -> Option<Piece> {
    let end = run_end(text, at);
    let rough =
        any_follows(text, end, &["分之", "几"]) || precedes(text, at, "几") || precedes(text, at, "数");
    if end == at || rough {
        return None;
    }
    let numeral = Numeral::read(&text[at..end])?;
    let ordinal = precedes(text, at, "第");
    let counted = text.get(end).is_some_and(|c| MEASURES.contains(*c));
    let told = match &numeral {
        Numeral::Digits(digits) => match digits.as_slice() {
            [one] => !ordinal && single(text, at, end, *one),
            [a, b] => (*b != a + 1 || text[at] == '幺') && any_follows(text, end, &NAMED),
            _ => true,
        },
        // 十分危险, 十分钟; 十字路口, 十来个.
        Numeral::Ten => {
            counted && (!follows(text, end, "分") || follows(text, end, "分钟")) && !follows(text, end, "来")
        }
        Numeral::Counted { length, .. } => *length > 2 || counted || ordinal,
    };
    told.then(|| (numeral.to_string(), end))
}

/// Whether a single digit names a door, a date, an age or a price.
fn single(text: &[char], at: usize, end: usize, value: u8) -> bool {
    let after_price = precedes(text, at, "块") && at >= 2 && is_numeral(text[at - 2]) && ends(text, end);
    if follows(text, end, "块") {
        let more = text.get(end + 1).is_some_and(|c| is_numeral(*c));
        return more || follows(text, end, "块钱") || value > 1 && ends(text, end + 1);
    }
    if after_price {
        return true;
    }
    // 两栋 counts houses, 二栋 names one; 一层 is often one of dust.
    let counts =
        text[at] == '两' && !any_follows(text, end, &["岁", "块"]) || value == 1 && follows(text, end, "层");
    !counts && any_follows(text, end, &STRONG) && !precedes(text, at, "星期") && !precedes(text, at, "礼拜")
}

/// The end of a sentence, or of what was said.
fn ends(text: &[char], at: usize) -> bool {
    text.get(at).is_none_or(|c| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Dates, amounts, doors, telephones and times are written in digits.
    #[test]
    fn writes_numbers() {
        for (spoken, want) in [
            ("二零二六年三月五号", "2026年3月5号"),
            ("我交了三百五十块", "我交了350块"),
            ("三号楼二单元五零二", "3号楼2单元502"),
            ("我的电话幺三八幺二三四幺二三四", "我的电话13812341234"),
            ("十点半", "10点半"),
            ("下午两点到的", "下午2点到的"),
            ("三点二十五分停的电", "3点25分停的电"),
            ("十二点零五", "12点05"),
            ("晚上八点多", "晚上8点多"),
            ("离这儿三点五公里", "离这儿3.5公里"),
            ("涨了百分之三十", "涨了30%"),
            ("百分之十二点五", "12.5%"),
            ("花了一万二千三百块", "花了12300块"),
            ("三十万", "30万"),
            ("两千五", "2500"),
            ("一百二", "120"),
            ("三千零五十人", "3050人"),
            ("今年六十八岁", "今年68岁"),
            ("孩子三岁", "孩子3岁"),
            ("等了四十分钟", "等了40分钟"),
            ("等了十分钟", "等了10分钟"),
            ("第十二小学", "第12小学"),
            ("打了一一九", "打了119"),
            ("三块五", "3块5"),
            ("十五号", "15号"),
            ("五八号", "58号"),
            ("一亿两千万", "1亿2000万"),
        ] {
            assert_eq!(written(spoken), want, "{spoken}");
        }
    }

    /// What only looks like a number stays as it was said.
    #[test]
    fn leaves_words() {
        for words in [
            "等一下",
            "一些人",
            "万一着火",
            "三番五次",
            "一会儿",
            "一起",
            "一点也不",
            "一点儿",
            "我说两点",
            "千万不要",
            "老百姓",
            "十分危险",
            "十字路口",
            "七八个人",
            "二三十个",
            "十几个",
            "几十年",
            "十七八岁",
            "两三天",
            "乱七八糟",
            "一五一十",
            "第一时间",
            "三分之一",
            "一氧化碳",
            "星期三",
            "一块儿去",
            "两栋楼",
            "一层灰",
            "一个人",
            "十来个",
            "三点建议",
            "五一",
            "四面八方",
            "一二楼",
        ] {
            assert_eq!(written(words), words);
        }
    }

    proptest! {
        /// No character but numerals and 百分之 is ever changed, whatever is said.
        #[test]
        fn changes_nothing_else(text in "[零一二两三四五六七八九十百千万亿幺点半号楼月年块分之个a-c，。]{0,24}") {
            let rest = |text: &str| -> String {
                text.chars().filter(|c| !is_numeral(*c) && !"0123456789.%点分之".contains(*c)).collect()
            };
            prop_assert_eq!(rest(&written(&text)), rest(&text));
        }
    }
}
