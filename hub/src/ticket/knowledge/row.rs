//! An entry, and how a row of a sheet becomes one: every field checked, everything wrong told at once. Pure.

use super::sheet::{Bad, Row};
use super::weights::letters;
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
const COLUMNS: [(&str, &str, bool); 7] = [
    ("id", "编号", true),
    ("title", "标题", true),
    ("text", "内容", true),
    ("categories", "类别", false),
    ("words", "关键词", false),
    ("unit", "承办单位", true),
    ("valid_until", "有效期至", false),
];

/// Which column of the sheet is which field.
#[derive(Debug)]
pub(super) struct Headings {
    places: [Option<usize>; COLUMNS.len()],
}

impl Headings {
    /// An error is of the whole file.
    pub(super) fn read(row: &Row) -> Result<Self, Bad> {
        let mut places = [None; COLUMNS.len()];
        for (at, heading) in row.cells.iter().enumerate() {
            let heading = heading.trim();
            let bad =
                |what| Bad { line: row.line, row: row.row, column: Some((at, heading.to_owned())), what };
            let known =
                COLUMNS.iter().position(|(en, zh, _)| heading.eq_ignore_ascii_case(en) || heading == *zh);
            match known {
                None if heading.is_empty() => {}
                Some(field) if places[field].is_none() => places[field] = Some(at),
                Some(_) => {
                    return Err(bad("this heading stands there twice; leave one of them out".to_owned()));
                }
                None => {
                    let names = COLUMNS.map(|(en, ..)| en).join(", ");
                    let near = nearest(heading, COLUMNS.iter().map(|(en, ..)| *en));
                    return Err(bad(format!("no such heading{near}; a sheet has {names}")));
                }
            }
        }
        let missing: Vec<&str> = COLUMNS
            .iter()
            .zip(places)
            .filter(|((_, _, must), place)| *must && place.is_none())
            .map(|((en, ..), _)| *en)
            .collect();
        if missing.is_empty() {
            return Ok(Self { places });
        }
        let what = format!(
            "these headings are missing: {}; the first row of a sheet names its columns",
            missing.join(", ")
        );
        Err(Bad { line: row.line, row: row.row, column: None, what })
    }
}

/// `; did you mean …?`, where one of them is near.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known
        .map(|one| (strsim::damerau_levenshtein(one, &word.to_lowercase()), one))
        .filter(|(distance, one)| *distance * 3 <= one.chars().count())
        .min();
    near.map_or(String::new(), |(_, one)| format!(", did you mean {one}?"))
}

/// The entry of a row, or everything that is wrong with it.
pub(super) fn read(row: &Row, headings: &Headings) -> Result<Entry, Vec<Bad>> {
    let mut reader = Reader { row, headings, bad: Vec::new() };
    if let Some((at, what)) = &row.odd {
        reader.bad.push(Bad {
            line: row.line,
            row: row.row,
            column: Some((*at, "a cell".to_owned())),
            what: what.clone(),
        });
        // Its cells may have been cut anywhere.
        return Err(reader.bad);
    }
    let filled = row.cells.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty());
    if let Some((at, _)) = filled.into_iter().find(|(at, _)| !headings.places.contains(&Some(*at))) {
        let what = "a cell without a heading; put text with commas into quotation marks, or name the column";
        let column = Some((at, "no heading".to_owned()));
        reader.bad.push(Bad { line: row.line, row: row.row, column, what: what.to_owned() });
        return Err(reader.bad);
    }
    let entry = Entry {
        id: reader.id(),
        title: reader.line_of(1, MOST_TITLE),
        text: reader.text(),
        categories: reader.categories(),
        words: reader.words(),
        unit: reader.line_of(5, MOST_UNIT),
        valid_until: reader.valid_until(),
        updated_at_ms: 0,
    };
    if reader.bad.is_empty() { Ok(entry) } else { Err(reader.bad) }
}

/// The id that a row has, good or bad.
pub(super) fn id_of<'r>(row: &'r Row, headings: &Headings) -> &'r str {
    headings.places[0].and_then(|at| row.cells.get(at)).map_or("", |cell| cell.trim())
}

/// At which place its id stands, for those who complain of it.
pub(super) fn bad_id(row: &Row, headings: &Headings, what: String) -> Bad {
    Bad { line: row.line, row: row.row, column: headings.places[0].map(|at| (at, "id".to_owned())), what }
}

struct Reader<'r> {
    row: &'r Row,
    headings: &'r Headings,
    bad: Vec<Bad>,
}

impl<'r> Reader<'r> {
    fn cell(&self, field: usize) -> &'r str {
        self.headings.places[field].and_then(|at| self.row.cells.get(at)).map_or("", |cell| cell.trim())
    }

    fn complain(&mut self, field: usize, what: String) {
        let column = self.headings.places[field].map(|at| (at, COLUMNS[field].0.to_owned()));
        self.bad.push(Bad { line: self.row.line, row: self.row.row, column, what });
    }

    fn id(&mut self) -> String {
        let id = self.cell(0);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if id.is_empty() {
            self.complain(0, "is empty; give the entry an id that stays, such as gas-smell".to_owned());
        } else if id.len() > MOST_ID
            || !id.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !id.chars().all(fits)
        {
            let what = format!(
                "{:?} is no id; write 1 to {MOST_ID} small letters, digits, - _ and ., such as gas-smell",
                short(id)
            );
            self.complain(0, what);
        }
        id.to_owned()
    }

    /// A field that must be there, in one line.
    fn line_of(&mut self, field: usize, most: usize) -> String {
        let text = self.cell(field);
        let count = text.chars().count();
        if text.is_empty() {
            self.complain(field, "is empty; write it".to_owned());
        } else if count > most {
            self.complain(field, format!("has {count} characters; {most} are the most"));
        } else if text.contains(char::is_control) {
            self.complain(field, "has a line break or another control character; leave it out".to_owned());
        }
        text.to_owned()
    }

    fn text(&mut self) -> String {
        let text = self.cell(2);
        let count = text.chars().count();
        if text.is_empty() {
            self.complain(2, "is empty; write what an operator may tell".to_owned());
        } else if count > MOST_TEXT {
            self.complain(
                2,
                format!("has {count} characters; {MOST_TEXT} are the most, make two entries of it"),
            );
        } else if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            self.complain(2, "has a control character; leave it out".to_owned());
        }
        text.to_owned()
    }

    /// Ids of the taxonomy, or their Chinese names.
    fn categories(&mut self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for word in list(self.cell(3)) {
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
                    self.complain(3, what);
                }
            }
        }
        all
    }

    fn words(&mut self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for word in list(self.cell(4)) {
            match letters(word).len() {
                0 | 1 => {
                    let what =
                        format!("{:?} is too short; a key word has two or more characters", short(word));
                    self.complain(4, what);
                }
                count if count > MOST_WORD => {
                    let what = format!("{:?}… has {count} characters; {MOST_WORD} are the most", short(word));
                    self.complain(4, what);
                }
                _ if word.contains(char::is_control) => {
                    self.complain(4, format!("{:?} has a control character; leave it out", short(word)));
                }
                _ if all.iter().any(|own| own == word) => {}
                _ => all.push(word.to_owned()),
            }
        }
        if all.len() > MOST_WORDS {
            self.complain(4, format!("there are {} key words; {MOST_WORDS} are the most", all.len()));
        }
        all
    }

    fn valid_until(&mut self) -> Option<String> {
        let cell = self.cell(6);
        if cell.is_empty() {
            return None;
        }
        let date = day(cell);
        if date.is_none() {
            self.complain(
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

fn short(text: &str) -> String {
    text.chars().take(40).collect()
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
