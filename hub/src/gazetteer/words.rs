//! Names and told places as letters that can be compared. Pure.

/// The letters that count: half-width, lower-case, without marks and blanks, Chinese digits as digits.
pub(super) fn letters(text: &str) -> Vec<char> {
    text.chars().map(plain).filter(|c| c.is_alphanumeric()).collect()
}

fn plain(c: char) -> char {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '零' | '〇' => '0',
        '一' | '幺' => '1',
        '二' => '2',
        '三' => '3',
        '四' => '4',
        '五' => '5',
        '六' => '6',
        '七' => '7',
        '八' => '8',
        '九' => '9',
        c => c,
    };
    narrow.to_ascii_lowercase()
}

/// Words that stand around a name and say nothing of which place it is; longer before shorter.
const AROUND: [&str; 44] = [
    "十字路口",
    "斜对面",
    "门口",
    "门前",
    "大门",
    "正门",
    "东门",
    "西门",
    "南门",
    "北门",
    "后门",
    "对面",
    "旁边",
    "附近",
    "后头",
    "后面",
    "后边",
    "前头",
    "前面",
    "前边",
    "里头",
    "里面",
    "里边",
    "底下",
    "楼下",
    "楼上",
    "路边",
    "路口",
    "东侧",
    "西侧",
    "南侧",
    "北侧",
    "东边",
    "西边",
    "南边",
    "北边",
    "那里",
    "那儿",
    "那边",
    "这里",
    "这儿",
    "这边",
    "那个",
    "这个",
];
/// The same of one letter.
const SMALL: &str = "在的是到于位我就";
/// What numbers of houses are made of.
const NUMBERED: &str = "0123456789号栋幢楼座层室单元户组排门弄院第两十百";

/// Whether what stands around a name leaves no doubt that it is the place: nothing, words of direction, numbers of houses.
pub(super) fn is_around(rest: &[char]) -> bool {
    let text: String = rest.iter().collect();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let word = AROUND.iter().find(|word| rest.starts_with(**word));
        let known = SMALL.contains(first) || NUMBERED.contains(first);
        let length = match word {
            Some(word) => word.len(),
            None if known => first.len_utf8(),
            None => return false,
        };
        rest = &rest[length..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks, width, case and ways to write digits do not matter.
    #[test]
    fn letters_are_plain() {
        assert_eq!(letters("凤鸣路 ３号楼·Ｂ座，三里桥").iter().collect::<String>(), "凤鸣路3号楼b座3里桥");
        assert!(letters("，。 ").is_empty());
    }

    /// Directions and numbers of houses leave the place what it is; another name does not.
    #[test]
    fn what_stands_around() {
        let around = |text: &str| is_around(&letters(text));
        assert!(
            around("")
                && around("在")
                && around("门口那个")
                && around("三号楼二单元")
                && around("斜对面的路口")
        );
        assert!(!around("小学") && !around("附近的网吧"));
    }
}
