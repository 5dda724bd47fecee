//! What a Chinese numeral amounts to.

use std::fmt;

/// The value of one digit.
pub(super) fn digit(c: char) -> Option<u8> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '幺' => 1,
        '二' | '两' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        _ => return None,
    })
}

/// 十, 百, 千 within a group of four digits.
fn unit(c: char) -> Option<u64> {
    match c {
        '十' => Some(10),
        '百' => Some(100),
        '千' => Some(1_000),
        _ => None,
    }
}

pub(super) fn is_numeral(c: char) -> bool {
    digit(c).is_some() || unit(c).is_some() || c == '万' || c == '亿'
}

/// A well-formed numeral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Numeral {
    /// Read out one by one.
    Digits(Vec<u8>),
    /// 十 alone.
    Ten,
    /// With tens, hundreds and so on; `length` characters.
    Counted { value: u64, length: usize },
}

impl Numeral {
    /// `None` for rough numbers (二三十) and for what is none (万一).
    pub(super) fn read(text: &[char]) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        if let Some(digits) = text.iter().map(|c| digit(*c)).collect() {
            return Some(Self::Digits(digits));
        }
        if text == ['十'] {
            return Some(Self::Ten);
        }
        counted(text).map(|value| Self::Counted { value, length: text.len() })
    }

    /// As one number; `None` for several digits in a row.
    pub(super) fn value(&self) -> Option<u64> {
        match self {
            Self::Digits(digits) if digits.len() == 1 => Some(u64::from(digits[0])),
            Self::Digits(_) => None,
            Self::Ten => Some(10),
            Self::Counted { value, .. } => Some(*value),
        }
    }

    /// As minutes after the hour: 零五, 二十五, 十.
    pub(super) fn minutes(&self) -> Option<u64> {
        match self {
            Self::Digits(digits) => (digits.len() == 2 && digits[0] == 0).then(|| u64::from(digits[1])),
            other => other.value().filter(|minutes| *minutes < 60),
        }
    }
}

/// Whole ten thousands keep their word, as people write them: 30万, 1亿2000万.
impl fmt::Display for Numeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WAN: u64 = 10_000;
        const YI: u64 = 100_000_000;
        match self {
            Self::Digits(digits) => digits.iter().try_for_each(|d| write!(f, "{d}")),
            Self::Ten => f.write_str("10"),
            Self::Counted { value, .. } if *value >= WAN && value % WAN == 0 => {
                let (yi, wan) = (value / YI, value % YI / WAN);
                if yi > 0 {
                    write!(f, "{yi}亿")?;
                }
                if wan > 0 { write!(f, "{wan}万") } else { Ok(()) }
            }
            Self::Counted { value, .. } => write!(f, "{value}"),
        }
    }
}

/// Groups of four digits, each with its 亿 or 万 behind it.
fn counted(text: &[char]) -> Option<u64> {
    let (mut total, mut rest, mut last_scale) = (0_u64, text, 0);
    for (mark, scale) in [('亿', 100_000_000), ('万', 10_000)] {
        if let Some(at) = rest.iter().position(|c| *c == mark) {
            total = total.checked_add(group(&rest[..at], last_scale)?.checked_mul(scale)?)?;
            (rest, last_scale) = (&rest[at + 1..], scale);
        }
    }
    if rest.contains(&'亿') || rest.contains(&'万') {
        return None;
    }
    if rest.is_empty() { Some(total) } else { total.checked_add(group(rest, last_scale)?) }
}

/// At most four digits: 三百五十, 十二, 零五; a last digit without its unit is one of the next lower: 三百五 = 350,
/// and after a scale of 一万 alone 一万二 = 12000.
fn group(text: &[char], scale: u64) -> Option<u64> {
    let (mut value, mut lowest, mut zero) = (0_u64, scale, false);
    let mut at = 0;
    while at < text.len() {
        match digit(text[at]) {
            Some(0) if !zero && at + 1 < text.len() => {
                (zero, at) = (true, at + 1);
                continue;
            }
            Some(0) => return None,
            Some(d) => match text.get(at + 1).copied().map(unit) {
                Some(Some(unit)) if lowest == 0 || unit < lowest => {
                    value += u64::from(d) * unit;
                    (lowest, at) = (unit, at + 2);
                }
                // The last digit.
                None if lowest >= 100 && !zero => return Some(value + u64::from(d) * (lowest / 10)),
                None => return Some(value + u64::from(d)),
                _ => return None,
            },
            // 十二 without a digit before.
            None if text[at] == '十' && at == 0 => {
                value += 10;
                (lowest, at) = (10, 1);
            }
            None => return None,
        }
        zero = false;
    }
    (value > 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of well-formed numerals; rough and broken ones have none.
    #[test]
    fn values() {
        let value = |text: &str| {
            let text: Vec<char> = text.chars().collect();
            Numeral::read(&text).and_then(|n| n.value())
        };
        for (text, want) in [
            ("十二", 12),
            ("二十", 20),
            ("三百零五", 305),
            ("三百五", 350),
            ("一千零二十", 1_020),
            ("一万二", 12_000),
            ("一万零二", 10_002),
            ("十二万三千", 123_000),
            ("两亿", 200_000_000),
        ] {
            assert_eq!(value(text), Some(want), "{text}");
        }
        for text in [
            "万一",
            "二三十",
            "十七八",
            "千万",
            "一百千",
            "三十百",
            "五零零十",
            "一五一十",
            "亿",
            "十十",
            "百",
        ] {
            assert_eq!(value(text), None, "{text}");
        }
    }
}
