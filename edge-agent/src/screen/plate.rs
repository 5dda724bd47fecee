//! Number plates (GA 36), as written and as said: 陕C·12345, 陕西的C幺二三四五, 陕CD幺二三四五 (new energy). Pure.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
/// A letter or digit, written or said.
const SIGN: &str = "[0-9A-Za-z０-９Ａ-Ｚａ-ｚ零〇一二三四五六七八九幺两洞拐勾]";
/// What may stand between two.
const GAP: &str = r"[\s·.\-点、,，]{0,2}";

static PLATE: LazyLock<Regex> = LazyLock::new(|| {
    let letter = "[A-Za-zＡ-Ｚａ-ｚ]";
    let tail = format!("(?:{GAP}{SIGN}){{5,6}}(?:{GAP}[学警挂领港澳])?");
    // Without its province a plate needs to be called one.
    let called = format!("(?:车牌号?码?|牌照|车号|牌号)[是为叫:：,，\\s]{{0,3}}(?P<bare>{letter}{tail})");
    let whole =
        format!("(?P<whole>[{PROVINCES}][西东南北江宁海州龙林蒙古肃夏疆省市]{{0,2}}的?{GAP}{letter}{tail})");
    Regex::new(&format!("{whole}|{called}")).expect("one pattern, tested below")
});

/// Characters of `text` that are plates.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let place = |byte: usize| text[..byte].chars().count();
    PLATE
        .captures_iter(text)
        .filter_map(|found| found.name("whole").or(found.name("bare")))
        // Five letters in a row are a word.
        .filter(|m| {
            m.as_str()
                .chars()
                .filter(|c| !c.is_alphabetic() || "零〇一二三四五六七八九幺两洞拐勾".contains(*c))
                .count()
                >= 2
        })
        .map(|m| place(m.start())..place(m.end()))
        .collect()
}
