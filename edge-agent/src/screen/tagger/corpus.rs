//! The corpus: hand-written patterns in `models/tagger/corpus`, and how they become utterances.
//!
//! A line is `matter urgency alarms | text` in a file named for its category (`noise.txt`, `noise_2.txt`), or, in any
//! file, `category matter urgency alarms | text`. `[a|b]` is a choice, `{place}`, `{estate}` and `{when}` are filled in,
//! `#` begins a comment. What stands in `fragments.txt` says nothing of a call's matter: only the alarm learns from it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use rand::RngExt;
use rand::rngs::StdRng;

use super::label::{Labels, alarm, category, matter, urgency};

/// Stem of the file of fragments.
const FRAGMENTS: &str = "fragments";

/// One line of the corpus.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub labels: Labels,
    /// Half a call, of which nobody could say what it is about.
    pub fragment: bool,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Words(String),
    Choice(Vec<String>),
}

/// Reads every `.txt` of a folder.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Pattern>> {
    let list = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<PathBuf> = list.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    files.sort();
    ensure!(!files.is_empty(), "no .txt in {}", folder.display());
    let mut patterns = Vec::new();
    for path in files {
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        let of = stem.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                let pattern = Pattern::read(line, of);
                patterns.push(pattern.with_context(|| format!("{}:{}", path.display(), number + 1))?);
            }
        }
    }
    Ok(patterns)
}

impl Pattern {
    /// `of`: the category, where the line does not name one.
    fn read(line: &str, of: &str) -> anyhow::Result<Self> {
        let (head, text) = line.split_once('|').context("no | between labels and text")?;
        let fields: Vec<&str> = head.split_whitespace().collect();
        let (category_id, matter_id, urgency_id, alarms) = match fields.as_slice() {
            [matter, urgency, alarms] => (of, *matter, *urgency, *alarms),
            [category, matter, urgency, alarms] => (*category, *matter, *urgency, *alarms),
            _ => bail!("{} fields before |; a line is [category] matter urgency alarms | text", fields.len()),
        };
        let mut labels = Labels {
            category: category(category_id)
                .with_context(|| format!("category {category_id:?} is not known"))?,
            matter: matter(matter_id).with_context(|| format!("matter {matter_id:?} is not known"))?,
            urgency: urgency(urgency_id).with_context(|| format!("urgency {urgency_id:?} is not known"))?,
            alarms: 0,
        };
        for id in alarms.split(',').filter(|id| *id != "-") {
            labels.alarms |= 1 << alarm(id).with_context(|| format!("alarm {id:?} is not known"))?;
        }
        Ok(Self { labels, fragment: of == FRAGMENTS, parts: parts(text.trim())? })
    }

    /// One of the utterances that the pattern stands for.
    pub fn say(&self, chance: &mut StdRng) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Words(words) => text.push_str(words),
                Part::Choice(choices) => text.push_str(&choices[chance.random_range(0..choices.len())]),
            }
        }
        fill(text, chance)
    }
}

/// Puts a place, an estate, a time into each slot.
pub fn fill(mut text: String, chance: &mut StdRng) -> String {
    for (slot, words) in SLOTS {
        while let Some(at) = text.find(slot) {
            text.replace_range(at..at + slot.len(), words[chance.random_range(0..words.len())]);
        }
    }
    text
}

fn parts(text: &str) -> anyhow::Result<Vec<Part>> {
    let mut bare = text.to_owned();
    for (slot, _) in SLOTS {
        bare = bare.replace(slot, "");
    }
    ensure!(!bare.contains(['{', '}']), "{bare:?} names a slot that is not known");
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        if open > 0 {
            parts.push(Part::Words(rest[..open].to_owned()));
        }
        let end = rest[open..].find(']').with_context(|| format!("no ] after {:?}", &rest[open..]))? + open;
        let inner = &rest[open + 1..end];
        ensure!(!inner.contains('['), "a choice within a choice: {inner:?}");
        parts.push(Part::Choice(inner.split('|').map(str::to_owned).collect()));
        rest = &rest[end + 1..];
    }
    ensure!(!rest.contains(']'), "a bracket closes that was not opened: {rest:?}");
    if !rest.is_empty() {
        parts.push(Part::Words(rest.to_owned()));
    }
    Ok(parts)
}

const SLOTS: [(&str, &[&str]); 3] = [("{place}", PLACES), ("{estate}", ESTATES), ("{when}", WHEN)];

const PLACES: &[&str] = &[
    "凤鸣路",
    "青梧大道",
    "东关社区北街十字",
    "人民路和建设路交叉口",
    "城关镇西街",
    "南桥头",
    "北塘社区门口",
    "滨河公园那边",
    "汽车站对面",
    "实验小学旁边",
    "县医院后门",
    "西园社区菜市场",
    "老粮站巷子里",
    "火车站广场",
    "工业园区三号路",
    "东关巷北口",
    "河西村二组",
    "李家沟村",
    "县政府对面",
    "体育场路",
    "新华书店门口",
    "城南加油站",
    "石桥镇街道上",
    "中心广场",
    "二中后头",
    "幸福路中段",
    "解放街十字",
    "柳树巷",
    "法院西边",
    "开发区创业路",
];
const ESTATES: &[&str] = &[
    "幸福家园",
    "东关社区",
    "阳光花园",
    "锦绣城",
    "我们小区",
    "咱小区",
    "翠湖小区",
    "纺织厂家属院",
    "安居苑",
    "金桂园",
    "老县委家属院",
    "西园小区",
    "凤凰城",
    "丽景名都",
    "水岸新城",
    "建设局家属楼",
    "教师公寓",
    "廉租房小区",
];
const WHEN: &[&str] = &[
    "昨天晚上",
    "今天早上",
    "前天",
    "这两天",
    "上个星期",
    "刚才",
    "每天晚上",
    "最近",
    "从上个月开始",
    "今儿个下午",
    "半夜",
    "黑了",
    "晌午",
    "大前天",
    "礼拜天",
    "这一个多月",
    "早上六点多",
    "后半夜",
    "上周三",
    "从开春到现在",
];

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Every choice is taken, slots are filled, and no mark of the grammar is left in what is said.
    #[test]
    fn a_pattern_says_all_that_it_stands_for() {
        let pattern =
            Pattern::read("report urgent gas,fire | {place}[一股|好大的][煤气|]味", "utilities").unwrap();
        assert_eq!(pattern.labels.alarms.count_ones(), 2);
        let mut chance = StdRng::seed_from_u64(1);
        let said: std::collections::BTreeSet<String> = (0..2_000).map(|_| pattern.say(&mut chance)).collect();
        assert_eq!(said.len(), PLACES.len() * 4);
        assert!(said.iter().all(|s| s.ends_with('味') && !s.contains(['[', ']', '{', '}', '|'])));
    }

    /// Each kind of slip in a line is told apart.
    #[test]
    fn a_wrong_line_says_what_is_wrong() {
        for (line, wanted) in [
            ("complaint normal - 没有", "no | between"),
            ("complaint normal | x", "2 fields before |"),
            ("complain normal - | x", "matter \"complain\" is not known"),
            ("complaint normal smoke | x", "alarm \"smoke\" is not known"),
            ("complaint normal - | a[b|c", "no ] after"),
            ("complaint normal - | a]b", "closes that was not opened"),
            ("complaint normal - | {street}", "names a slot that is not known"),
            ("complaint normal - | [a|[b]]", "a choice within a choice"),
        ] {
            let error = format!("{:#}", Pattern::read(line, "noise").unwrap_err());
            assert!(error.contains(wanted), "{line}: {error}");
        }
    }
}
