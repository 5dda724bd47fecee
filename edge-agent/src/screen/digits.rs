//! Numbers as people dictate them: 幺三八 九一七二, 1 3 8-9172, "三个八", with pauses and "嗯" between the groups. Pure.
//!
//! A *run* is digits that may be one number, wherever they stand: in one line or in several of the same speaker.
//! Counted amounts (一百三十八) are no runs: nobody dictates a number that way.

/// One character of a line: line, place in it, character.
pub(super) type At = (usize, usize, char);

/// Digits said one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// As written: `0`–`9`, and `X` at the end of an identity number.
    pub(super) digits: String,
    /// The characters that said them, in order: line and place.
    pub(super) at: Vec<(usize, usize)>,
}

/// Groups of one number are dictated with at most this many marks and fillers between.
const MAX_BETWEEN: usize = 3;
/// What people say between two groups, and what stands between them in writing.
const FILLERS: [&str; 14] = [
    "后面是",
    "接下来",
    "然后是",
    "完了是",
    "然后",
    "那个",
    "再来",
    "接着",
    "嗯",
    "啊",
    "呃",
    "哦",
    "杠",
    "再",
];

/// What a character counts for in a number that is dictated.
fn digit(c: char) -> Option<char> {
    Some(match c {
        '0'..='9' => c,
        '０'..='９' => char::from_u32(c as u32 - 0xfee0)?,
        '零' | '〇' => '0',
        '一' | '幺' => '1',
        '二' | '两' => '2',
        '三' => '3',
        '四' => '4',
        '五' => '5',
        '六' => '6',
        '七' => '7',
        '八' => '8',
        '九' => '9',
        _ => return None,
    })
}

/// Digits as they are called over a radio; they count between other digits only.
fn radio(c: char) -> Option<char> {
    match c {
        '洞' => Some('0'),
        '妖' | '腰' => Some('1'),
        '拐' => Some('7'),
        '勾' => Some('9'),
        _ => None,
    }
}

pub(super) fn is_mark(c: char) -> bool {
    c.is_whitespace() || "-‐‑‒–—－,，、。.·…".contains(c)
}

/// Every run in the lines of one speaker. `breaks`: whether the line at this place begins a new number, whatever
/// stood before (a long pause).
pub(super) fn runs(said: &[At], breaks: impl Fn(usize) -> bool) -> Vec<Run> {
    let mut all = Vec::new();
    let mut run = Run::default();
    let mut between = 0;
    let mut line = usize::MAX;
    let mut index = 0;
    while index < said.len() {
        let (here, _, c) = said[index];
        if here != line {
            if breaks(here) {
                close(&mut run, &mut all);
            }
            line = here;
        }
        let (value, length) = read(&said[index..], run.digits.is_empty());
        if let Some(value) = value {
            run.digits.push_str(&value);
            run.at.extend(said[index..index + length].iter().map(|(line, at, _)| (*line, *at)));
            between = 0;
        } else if run.digits.is_empty() {
        } else if length > 0 {
            between += 1;
            if between > MAX_BETWEEN {
                close(&mut run, &mut all);
            }
        } else {
            // An identity number may end in a letter.
            if run.digits.len() == 17 && matches!(c, 'x' | 'X' | 'ｘ' | 'Ｘ' | '叉') {
                run.digits.push('X');
                run.at.push((said[index].0, said[index].1));
            }
            close(&mut run, &mut all);
        }
        index += length.max(1);
    }
    close(&mut run, &mut all);
    all
}

/// Digits at the head of what is left, or a filler (`None`), and its length; 0: neither.
fn read(rest: &[At], first: bool) -> (Option<String>, usize) {
    let at = |i: usize| rest.get(i).map(|(_, _, c)| *c);
    let Some(c) = at(0) else { return (None, 0) };
    if let Some(value) = digit(c) {
        // 三个八: the count is no digit of the number.
        if at(1) == Some('个')
            && let Some(repeated) = at(2).and_then(digit)
            && let Some(count @ 2..=9) = value.to_digit(10)
        {
            return (Some(repeated.to_string().repeat(count as usize)), 3);
        }
        // 三十, 两百, 一万 are amounts, and so is the 八 after them.
        return (Some(value.to_string()), 1);
    }
    if !first && let Some(value) = radio(c) {
        return (Some(value.to_string()), 1);
    }
    if is_mark(c) {
        return (None, 1);
    }
    let filler = FILLERS.iter().find(|f| f.chars().enumerate().all(|(i, c)| at(i) == Some(c)));
    (None, filler.map_or(0, |f| f.chars().count()))
}

fn close(run: &mut Run, all: &mut Vec<Run>) {
    if !run.digits.is_empty() {
        all.push(std::mem::take(run));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<String> {
        let said: Vec<At> = text.chars().enumerate().map(|(at, c)| (0, at, c)).collect();
        runs(&said, |_| false).into_iter().map(|run| run.digits).collect()
    }

    /// However a number is dictated, it is one run; amounts, floors and dates stay apart.
    #[test]
    fn reads_dictated_numbers() {
        for (said, wanted) in [
            ("幺三八九一七二三四五六", &["13891723456"][..]),
            ("幺三八，嗯，九一七二，然后三四五六", &["13891723456"]),
            ("138-9172 3456", &["13891723456"]),
            ("１３８９１７２", &["1389172"]),
            ("一三九四个八", &["1398888"]),
            ("幺洞拐勾", &["1079"]),
            ("三号楼二单元五零二", &["3", "2", "502"]),
            ("一百三十八块", &["1", "3", "8"]),
            ("二零二六年三月", &["2026", "3"]),
            ("六一零三二二一九八五零七一二三四一叉", &["61032219850712341X"]),
        ] {
            assert_eq!(digits(said), wanted, "{said}");
        }
    }
}
