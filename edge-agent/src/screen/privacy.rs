//! What must not leave the box: identity, telephone and bank card numbers, number plates, in digits and in spoken
//! digits, over several turns, and read back by the other side. Pure.
//!
//! A number is judged by its length and inner form, and by what was said before it (身份证, 电话, 卡号), by either side.
//! Any other run of seven and more digits is masked too, as a number of no known kind: too much rather than too little.
//! Deliberately absent: names; they need a language model, ARCHITECTURE.md says so.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;

use super::digits::{At, Run, is_mark, runs};

/// What kind of private number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    IdCard,
    Phone,
    BankCard,
    Plate,
    /// Long enough to be one, of no known form.
    Number,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::IdCard, Self::Phone, Self::BankCard, Self::Plate, Self::Number];

    /// What stands in the text instead.
    pub fn mask(self) -> &'static str {
        match self {
            Self::IdCard => "[身份证号]",
            Self::Phone => "[电话号码]",
            Self::BankCard => "[银行卡号]",
            Self::Plate => "[车牌号]",
            Self::Number => "[号码]",
        }
    }
}

/// One line of a conversation. A single utterance is a conversation of one line.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Who speaks; a number goes on where the same speaker does.
    pub speaker: u8,
    pub text: &'a str,
    pub start_ms: u64,
    pub end_ms: u64,
}

/// A private number, or the part of it that stands in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    pub kind: Kind,
    pub line: usize,
    /// Characters of the line.
    pub chars: Range<usize>,
}

/// While somebody speaks, this many digits at the end may go on to be a longer number. Three may be a door.
const MIN_BEGUN: usize = 4;
/// A shorter run may be a house, a date, a line number; the shortest private numbers (a landline) have seven.
const MIN_DIGITS: usize = 7;
/// The parts of one number are dictated with at most this long a pause, also when the other side nods meanwhile.
const PAUSE_MS: u64 = 10_000;
/// As many digits of a number that was said before are that number read back.
const MIN_READ_BACK: usize = 4;
/// Characters before a number that may say what it is.
const CUE: usize = 18;

/// Every private number in a conversation, in order of line and place.
pub fn find(lines: &[Line]) -> Vec<Private> {
    search(lines, false)
}

/// The same of a conversation whose last line is still being spoken: what may be the beginning of a long number at its
/// end is private too.
pub fn find_begun(lines: &[Line]) -> Vec<Private> {
    search(lines, true)
}

fn search(lines: &[Line], begun: bool) -> Vec<Private> {
    let mut numbers: Vec<(Kind, Run)> = Vec::new();
    let mut short: Vec<Run> = Vec::new();
    let speakers: BTreeSet<u8> = lines.iter().map(|l| l.speaker).collect();
    for speaker in speakers {
        let own: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].speaker == speaker).collect();
        let said: Vec<At> = own
            .iter()
            .flat_map(|line| lines[*line].text.chars().enumerate().map(|(at, c)| (*line, at, c)))
            .collect();
        let breaks = |line: usize| {
            let before = own.iter().take_while(|l| **l < line).last();
            before.is_some_and(|b| lines[line].start_ms.saturating_sub(lines[*b].end_ms) > PAUSE_MS)
        };
        for run in runs(&said, breaks) {
            let kind = kind_of(&run.digits, &heard_before(lines, run.at[0]));
            let goes_on = || begun && run.digits.len() >= MIN_BEGUN && is_at_end(lines, &run);
            match kind.or_else(|| goes_on().then_some(Kind::Number)) {
                Some(kind) => numbers.push((kind, run)),
                None if run.digits.len() >= MIN_READ_BACK => short.push(run),
                None => {}
            }
        }
    }
    for run in short {
        if let Some((kind, _)) = numbers.iter().find(|(_, known)| known.digits.contains(&run.digits)) {
            numbers.push((*kind, run));
        }
    }
    let mut all: Vec<Private> = numbers
        .iter()
        .flat_map(|(kind, run)| {
            run.at.chunk_by(|a, b| a.0 == b.0).map(|part| Private {
                kind: *kind,
                line: part[0].0,
                chars: part[0].1..part[part.len() - 1].1 + 1,
            })
        })
        .collect();
    for (line, text) in lines.iter().enumerate().map(|(i, l)| (i, l.text)) {
        for chars in super::plate::find(text) {
            all.retain(|p| p.line != line || p.chars.end <= chars.start || p.chars.start >= chars.end);
            all.push(Private { kind: Kind::Plate, line, chars });
        }
    }
    all.sort_by_key(|p| (p.line, p.chars.start));
    all
}

/// The private numbers of one utterance.
pub fn find_in(text: &str) -> Vec<Private> {
    find(&[Line { speaker: 0, text, start_ms: 0, end_ms: 0 }])
}

/// `text` with these parts of it masked.
pub fn redacted<'a>(text: &str, private: impl IntoIterator<Item = &'a Private>) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for part in private {
        out.extend(&chars[from..part.chars.start]);
        out.push_str(part.kind.mask());
        from = part.chars.end;
    }
    out.extend(&chars[from..]);
    out
}

/// Whether nothing follows the run in the last line.
fn is_at_end(lines: &[Line], run: &Run) -> bool {
    let Some((last, (line, at))) = lines.len().checked_sub(1).zip(run.at.last()) else { return false };
    *line == last && lines[last].text.chars().skip(at + 1).all(is_mark)
}

/// What was said just before a place, by its speaker and in the line of the other before it.
fn heard_before(lines: &[Line], (line, at): (usize, usize)) -> String {
    let own: Vec<char> = lines[line].text.chars().take(at).collect();
    let mut heard = String::new();
    if own.len() < CUE {
        // A question of the other side says what is being dictated, also some nods ago.
        for earlier in &lines[line.saturating_sub(3)..line] {
            let skip = earlier.text.chars().count().saturating_sub(CUE);
            heard.extend(earlier.text.chars().skip(skip));
        }
    }
    heard.extend(&own[own.len().saturating_sub(CUE)..]);
    heard
}

/// The last of these words that was said; what is nearer to the number counts.
fn cue(heard: &str) -> Option<Kind> {
    const CUES: [(Kind, &[&str]); 3] = [
        (Kind::IdCard, &["身份证", "证件号", "身份号"]),
        (
            Kind::Phone,
            &["电话", "手机", "座机", "固话", "联系方式", "联系我", "打我", "区号", "微信", "号码是", "回我"],
        ),
        (
            Kind::BankCard,
            &[
                "银行卡",
                "卡号",
                "账号",
                "帐号",
                "账户",
                "储蓄卡",
                "信用卡",
                "存折",
                "工资卡",
                "社保卡",
                "折子",
            ],
        ),
    ];
    CUES.iter()
        .flat_map(|(kind, words)| words.iter().filter_map(move |w| heard.rfind(w).map(|at| (at, *kind))))
        .max_by_key(|(at, _)| *at)
        .map(|(_, kind)| kind)
}

/// What a run of digits is, after what was `heard`; `None`: nothing private.
fn kind_of(digits: &str, heard: &str) -> Option<Kind> {
    let length = digits.len();
    if length < MIN_DIGITS {
        return None;
    }
    let cue = cue(heard);
    let kind = match length {
        18 if is_id_card(digits) => Kind::IdCard,
        15 if cue == Some(Kind::IdCard) => Kind::IdCard,
        // One digit lost or doubled on the way.
        16..=20 if cue == Some(Kind::IdCard) => Kind::IdCard,
        _ if is_phone(digits) => Kind::Phone,
        12..=21 if cue == Some(Kind::BankCard) => Kind::BankCard,
        16 | 17 | 19 if digits.starts_with("62") || luhn(digits) => Kind::BankCard,
        18 if digits.starts_with("62") && luhn(digits) => Kind::BankCard,
        7..=13 if cue == Some(Kind::Phone) => Kind::Phone,
        // Several numbers in one breath.
        22.. if (0..=length - 18).any(|i| is_id_card(&digits[i..i + 18])) => Kind::IdCard,
        _ => Kind::Number,
    };
    Some(kind)
}

/// GB 11643: six digits of a place, the day of birth, three of order, a check digit. The check digit is not insisted on:
/// one misheard digit would leave the rest readable.
fn is_id_card(digits: &str) -> bool {
    let number = |range: Range<usize>| digits[range].parse::<u32>().unwrap_or(0);
    digits.len() == 18
        && (1900..=2099).contains(&number(6..10))
        && (1..=12).contains(&number(10..12))
        && (1..=31).contains(&number(12..14))
        && digits.as_bytes()[0] != b'0'
}

/// Mobile numbers, landlines with area code, service numbers of ten digits.
fn is_phone(digits: &str) -> bool {
    let mobile =
        |d: &str| d.len() == 11 && d.starts_with('1') && !matches!(d.as_bytes()[1], b'0' | b'1' | b'2');
    let rest = ["0086", "086", "86"].iter().find_map(|code| digits.strip_prefix(code));
    let landline = digits.starts_with('0')
        && !digits.starts_with("00")
        && match digits.as_bytes()[1] {
            b'1' | b'2' => matches!(digits.len(), 10 | 11),
            _ => matches!(digits.len(), 11 | 12),
        };
    let service = digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"));
    mobile(digits) || rest.is_some_and(mobile) || landline || service
}

/// ISO/IEC 7812-1 check digit.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let value = u32::from(b.wrapping_sub(b'0'));
            if i % 2 == 0 {
                value
            } else if value > 4 {
                value * 2 - 9
            } else {
                value * 2
            }
        })
        .sum();
    digits.bytes().all(|b| b.is_ascii_digit()) && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(text: &str) -> String {
        redacted(text, &find_in(text))
    }

    /// Every kind, in every way that a recogniser writes it; and what is not private stays readable.
    #[test]
    fn masks_each_kind() {
        for (said, sent) in [
            ("我的电话是13812341234。", "我的电话是[电话号码]。"),
            ("电话１３８１２３４１２３４", "电话[电话号码]"),
            ("我的手机幺三八幺二三四幺二三四谢谢", "我的手机[电话号码]谢谢"),
            ("138-1234-1234 转 8001", "[电话号码] 转 8001"),
            ("号码是幺三八，嗯，幺两三四，然后幺两三四，对", "号码是[电话号码]，对"),
            ("座机零九一七三二幺四五六七", "座机[电话号码]"),
            ("家里电话八三四五六七八", "家里电话[电话号码]"),
            ("我的身份证是六一零三二二一九八五零七一二三四一八", "我的身份证是[身份证号]"),
            ("370684199001011123", "[身份证号]"),
            ("身份证37068419900101112X，麻烦查下", "身份证[身份证号]，麻烦查下"),
            ("银行卡号六二二二零二三六零二零幺三四五六七八九", "银行卡号[银行卡号]"),
            ("卡号是6222 0236 0201 3456 789", "卡号是[银行卡号]"),
            ("车牌陕C12345停在门口", "车牌[车牌号]停在门口"),
            ("那辆陕C幺二三四五", "那辆[车牌号]"),
            ("一辆陕西的C·8X520", "一辆[车牌号]"),
            ("绿牌陕CD幺二三四五", "绿牌[车牌号]"),
            ("车牌号C8X520", "车牌号[车牌号]"),
            ("工单号二零二六一一二八零零幺", "工单号[号码]"),
            ("我住3号楼2单元1501", "我住3号楼2单元1501"),
            ("二〇二六年三月十八日下午两点", "二〇二六年三月十八日下午两点"),
            ("一百二十三万四千五百六十七", "一百二十三万四千五百六十七"),
            ("打了110和119和120，没人管", "打了110和119和120，没人管"),
            ("打12345和96789", "打12345和96789"),
            ("陕西省宝鸡市", "陕西省宝鸡市"),
        ] {
            assert_eq!(masked(said), sent, "{said}");
        }
    }

    /// Dictated over several lines while the other side nods and asks, then read back: all of it is masked, and two
    /// short numbers a minute apart are not.
    #[test]
    fn masks_across_turns_and_when_read_back() {
        let line = |speaker, start_ms, text| Line { speaker, text, start_ms, end_ms: start_ms + 900 };
        let lines = [
            line(1, 0, "您的电话是多少"),
            line(0, 1_500, "幺三八"),
            line(1, 2_500, "嗯"),
            line(0, 3_500, "幺二三四"),
            line(1, 4_500, "幺二三四，好"),
            line(0, 6_000, "五六七八，就这个"),
            line(1, 8_000, "五六七八对吧"),
            line(0, 70_000, "单元号1501"),
            line(0, 140_000, "2302"),
        ];
        let found = find(&lines);
        let texts: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(i, l)| redacted(l.text, found.iter().filter(|p| p.line == i)))
            .collect();
        let m = "[电话号码]";
        assert_eq!(
            texts,
            [
                "您的电话是多少",
                m,
                "嗯",
                m,
                &format!("{m}，好"),
                &format!("{m}，就这个"),
                &format!("{m}对吧"),
                "单元号1501",
                "2302"
            ]
        );
        assert!(found.iter().all(|p| p.kind == Kind::Phone));
    }

    /// While a number is being dictated no more than its first three digits are ever told, nor in a line that follows;
    /// what has turned out to be short is readable again.
    #[test]
    fn masks_what_has_only_begun() {
        let line = |start_ms, text| Line { speaker: 0, text, start_ms, end_ms: start_ms + 900 };
        let told = |lines: &[Line]| {
            let last = lines.len() - 1;
            redacted(lines[last].text, find_begun(lines).iter().filter(|p| p.line == last))
        };
        assert_eq!(told(&[line(0, "我的号码是幺三八")]), "我的号码是幺三八");
        assert_eq!(told(&[line(0, "我的号码是幺三八幺")]), "我的号码是[号码]");
        assert_eq!(told(&[line(0, "我住1501")]), "我住[号码]");
        assert_eq!(told(&[line(0, "我住1501室")]), "我住1501室");
        assert_eq!(told(&[line(0, "我的号码是幺三八"), line(1_500, "幺")]), "[号码]");
        assert_eq!(told(&[line(0, "我的号码是幺三八"), line(60_000, "幺")]), "幺");
    }

    proptest! {
        /// Whatever is said, no run of seven digits is left, and all else is as it was.
        #[test]
        fn no_long_run_is_left(text in "[0-9０-９幺一二 ,，\\-a-c号嗯]{0,60}") {
            let out = masked(&text);
            let said: Vec<At> = out.chars().enumerate().map(|(at, c)| (0, at, c)).collect();
            for run in runs(&said, |_| false) {
                prop_assert!(run.digits.len() < MIN_DIGITS, "{text:?} became {out:?}");
            }
            let words = |text: &str| text.chars().filter(|c| "abc号".contains(*c)).collect::<String>();
            let unmasked = [Kind::IdCard, Kind::Phone, Kind::BankCard, Kind::Plate, Kind::Number]
                .iter()
                .fold(out.clone(), |text, kind| text.replace(kind.mask(), ""));
            prop_assert_eq!(words(&unmasked), words(&text));
        }
    }
}
