//! An entry, and how a row of a sheet becomes one: every field checked, everything wrong told at once. Pure.

use super::weights::letters;
use crate::sheet::{Bad, Cells, Column, Headings, Row, nearest, short};
use crate::ticket::taxonomy;

const MOST_ID: usize = 64;
const MOST_TITLE: usize = 200;
const MOST_TEXT: usize = 10_000;
const MOST_UNIT: usize = 100;
const MOST_WORDS: usize = 100;
const MOST_WORD: usize = 30;

/// What an operator may tell a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Small letters, digits, `-`, `_` and `.`; the same from import to import.
    pub id: String,
    pub title: String,
    /// Plain text; an empty line separates paragraphs.
    pub text: String,
    /// Ids of the taxonomy.
    pub categories: Vec<String>,
    /// What callers say who mean it.
    pub words: Vec<String>,
    /// The unit that answers for what is written.
    pub unit: String,
    /// The last local day on which it holds, `2026-12-31`.
    pub valid_until: Option<String>,
    pub updated_at_ms: i64,
}

impl Entry {
    /// Fields in which two differ.
    pub(super) fn differs(&self, other: &Self) -> Vec<&'static str> {
        let all = [
            ("title", self.title == other.title),
            ("text", self.text == other.text),
            ("categories", self.categories == other.categories),
            ("words", self.words == other.words),
            ("unit", self.unit == other.unit),
            ("valid_until", self.valid_until == other.valid_until),
        ];
        all.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}

/// Headings as they are written, what a sheet in Chinese calls them, and whether a sheet must have them.
pub(super) const COLUMNS: [Column; 7] = [
    ("id", "编号", true),
    ("title", "标题", true),
    ("text", "内容", true),
    ("categories", "类别", false),
    ("words", "关键词", false),
    ("unit", "承办单位", true),
    ("valid_until", "有效期至", false),
];

/// The entry of a row, or everything that is wrong with it.
pub(super) fn read(row: &Row, headings: &Headings) -> Result<Entry, Vec<Bad>> {
    let mut reader = Reader(Cells::new(row, headings)?);
    let entry = Entry {
        id: reader.0.id(0, MOST_ID, ("entry", "gas-smell")),
        title: reader.0.line_of(1, MOST_TITLE),
        text: reader.text(),
        categories: reader.categories(),
        words: reader.words(),
        unit: reader.0.line_of(5, MOST_UNIT),
        valid_until: reader.valid_until(),
        updated_at_ms: 0,
    };
    let bad = reader.0.bad;
    if bad.is_empty() { Ok(entry) } else { Err(bad) }
}

struct Reader<'r>(Cells<'r>);

impl Reader<'_> {
    fn text(&mut self) -> String {
        let text = self.0.cell(2);
        let count = text.chars().count();
        if text.is_empty() {
            self.0.complain(2, "is empty; write what an operator may tell".to_owned());
        } else if count > MOST_TEXT {
            self.0.complain(
                2,
                format!("has {count} characters; {MOST_TEXT} are the most, make two entries of it"),
            );
        } else if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            self.0.complain(2, "has a control character; leave it out".to_owned());
        }
        text.to_owned()
    }

    /// Ids of the taxonomy, or their Chinese names.
    fn categories(&mut self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for word in list(self.0.cell(3)) {
            let known = taxonomy::categories().iter().find(|own| own.id == word || own.zh == word);
            match known {
                Some(known) if all.contains(&known.id) => {}
                Some(known) => all.push(known.id.clone()),
                None => {
                    let near = nearest(word, taxonomy::categories().iter().map(|own| own.id.as_str()));
                    let what = format!(
                        "{:?} is no category{near}; take ids or names of the taxonomy, such as utilities or {}",
                        short(word),
                        taxonomy::categories()[0].zh
                    );
                    self.0.complain(3, what);
                }
            }
        }
        all
    }

    fn words(&mut self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for word in list(self.0.cell(4)) {
            match letters(word).len() {
                0 | 1 => {
                    let what =
                        format!("{:?} is too short; a key word has two or more characters", short(word));
                    self.0.complain(4, what);
                }
                count if count > MOST_WORD => {
                    let what = format!("{:?}… has {count} characters; {MOST_WORD} are the most", short(word));
                    self.0.complain(4, what);
                }
                _ if word.contains(char::is_control) => {
                    self.0.complain(4, format!("{:?} has a control character; leave it out", short(word)));
                }
                _ if all.iter().any(|own| own == word) => {}
                _ => all.push(word.to_owned()),
            }
        }
        if all.len() > MOST_WORDS {
            self.0.complain(4, format!("there are {} key words; {MOST_WORDS} are the most", all.len()));
        }
        all
    }

    fn valid_until(&mut self) -> Option<String> {
        let cell = self.0.cell(6);
        if cell.is_empty() {
            return None;
        }
        let date = day(cell);
        if date.is_none() {
            self.0.complain(
                6,
                format!("{:?} is no date; write it as 2026-12-31, or leave it empty", short(cell)),
            );
        }
        date
    }
}

/// What commas, marks of enumeration, slashes, bars, spaces and line breaks separate.
fn list(cell: &str) -> impl Iterator<Item = &str> {
    let separates = |c: char| c.is_whitespace() || ",，;；、/|".contains(c);
    cell.split(separates).filter(|part| !part.is_empty())
}

/// `2026-12-31`, from the ways in which spreadsheets write a day, the year first.
fn day(text: &str) -> Option<String> {
    let text = text.trim_end_matches('日');
    let mut parts = text.split(['-', '/', '.', '年', '月']).map(|part| part.trim().parse::<i16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(2000..=2999).contains(&year) {
        return None;
    }
    let date = jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(date.strftime("%Y-%m-%d").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days as spreadsheets write them; days that are none.
    #[test]
    fn days_are_read() {
        for text in ["2026-03-05", "2026/3/5", "2026.3.5", "2026年3月5日"] {
            assert_eq!(day(text).as_deref(), Some("2026-03-05"), "{text}");
        }
        for text in ["2026-02-30", "5.3.2026", "2026", "26-3-5", "2026-3-5-1", "永久", "2026/3/5 0:00"] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
