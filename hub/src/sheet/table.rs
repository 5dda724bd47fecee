//! Which column of a sheet is which field, and rows read by them. Pure.

use super::{Bad, Row, read};

/// A heading as it is written, what a sheet in Chinese calls it, and whether a sheet must have it.
pub(crate) type Column = (&'static str, &'static str, bool);

/// Where the columns of one sheet stand.
#[derive(Debug)]
pub(crate) struct Headings {
    columns: &'static [Column],
    places: Vec<Option<usize>>,
}

impl Headings {
    /// An error is of the whole file.
    pub(crate) fn read(row: &Row, columns: &'static [Column]) -> Result<Self, Bad> {
        let mut places = vec![None; columns.len()];
        for (at, heading) in row.cells.iter().enumerate() {
            let heading = heading.trim();
            let bad =
                |what| Bad { line: row.line, row: row.row, column: Some((at, heading.to_owned())), what };
            let known =
                columns.iter().position(|(en, zh, _)| heading.eq_ignore_ascii_case(en) || heading == *zh);
            match known {
                None if heading.is_empty() => {}
                Some(field) if places[field].is_none() => places[field] = Some(at),
                Some(_) => {
                    return Err(bad("this heading stands there twice; leave one of them out".to_owned()));
                }
                None => {
                    let names: Vec<&str> = columns.iter().map(|(en, ..)| *en).collect();
                    let near = nearest(heading, names.iter().copied());
                    return Err(bad(format!("no such heading{near}; a sheet has {}", names.join(", "))));
                }
            }
        }
        let missing: Vec<&str> = columns
            .iter()
            .zip(&places)
            .filter(|((_, _, must), place)| *must && place.is_none())
            .map(|((en, ..), _)| *en)
            .collect();
        if missing.is_empty() {
            return Ok(Self { columns, places });
        }
        let what = format!(
            "these headings are missing: {}; the first row of a sheet names its columns",
            missing.join(", ")
        );
        Err(Bad { line: row.line, row: row.row, column: None, what })
    }

    /// A field of a row, good or bad.
    pub(crate) fn cell<'r>(&self, row: &'r Row, field: usize) -> &'r str {
        self.places[field].and_then(|at| row.cells.get(at)).map_or("", |cell| cell.trim())
    }

    /// A complaint of a field.
    pub(crate) fn bad(&self, row: &Row, field: usize, what: String) -> Bad {
        let column = self.places[field].map(|at| (at, self.columns[field].0.to_owned()));
        Bad { line: row.line, row: row.row, column, what }
    }
}

/// Headings and rows of a sheet's file. An error is of the whole file.
pub(crate) fn open(bytes: &[u8], columns: &'static [Column]) -> Result<(Headings, Vec<Row>), Bad> {
    let mut rows = read(bytes)?;
    if rows.is_empty() {
        let what = "the file is empty; its first row names the columns".to_owned();
        return Err(Bad { line: 1, row: 1, column: None, what });
    }
    let headings = Headings::read(&rows.remove(0), columns)?;
    Ok((headings, rows))
}

/// `; did you mean …?`, where one of them is near.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known
        .map(|one| (strsim::damerau_levenshtein(one, &word.to_lowercase()), one))
        .filter(|(distance, one)| *distance * 3 <= one.chars().count())
        .min();
    near.map_or(String::new(), |(_, one)| format!(", did you mean {one}?"))
}

/// As much of a text as a complaint quotes.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The cells of one row, and what is wrong with them.
pub(crate) struct Cells<'r> {
    row: &'r Row,
    headings: &'r Headings,
    pub(crate) bad: Vec<Bad>,
}

impl<'r> Cells<'r> {
    /// An error where the cells may have been cut anywhere.
    pub(crate) fn new(row: &'r Row, headings: &'r Headings) -> Result<Self, Vec<Bad>> {
        let bad = |column, what| vec![Bad { line: row.line, row: row.row, column: Some(column), what }];
        if let Some((at, what)) = &row.odd {
            return Err(bad((*at, "a cell".to_owned()), what.clone()));
        }
        let mut filled = row.cells.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty());
        if let Some((at, _)) = filled.find(|(at, _)| !headings.places.contains(&Some(*at))) {
            let what =
                "a cell without a heading; put text with commas into quotation marks, or name the column";
            return Err(bad((at, "no heading".to_owned()), what.to_owned()));
        }
        Ok(Self { row, headings, bad: Vec::new() })
    }

    pub(crate) fn cell(&self, field: usize) -> &'r str {
        self.headings.cell(self.row, field)
    }

    pub(crate) fn complain(&mut self, field: usize, what: String) {
        self.bad.push(self.headings.bad(self.row, field, what));
    }

    /// An id of small letters and digits. `of` and `example` are for the complaint.
    pub(crate) fn id(&mut self, field: usize, most: usize, (of, example): (&str, &str)) -> String {
        let id = self.cell(field);
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if id.is_empty() {
            self.complain(field, format!("is empty; give the {of} an id that stays, such as {example}"));
        } else if id.len() > most
            || !id.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !id.chars().all(fits)
        {
            let what = format!(
                "{:?} is no id; write 1 to {most} small letters, digits, - _ and ., such as {example}",
                short(id)
            );
            self.complain(field, what);
        }
        id.to_owned()
    }

    /// A field that must be there, in one line.
    pub(crate) fn line_of(&mut self, field: usize, most: usize) -> String {
        if self.cell(field).is_empty() {
            self.complain(field, "is empty; write it".to_owned());
        }
        self.line_or_nothing(field, most)
    }

    /// A field in one line that may be left empty.
    pub(crate) fn line_or_nothing(&mut self, field: usize, most: usize) -> String {
        let text = self.cell(field);
        let count = text.chars().count();
        if count > most {
            self.complain(field, format!("has {count} characters; {most} are the most"));
        } else if text.contains(char::is_control) {
            self.complain(field, "has a line break or another control character; leave it out".to_owned());
        }
        text.to_owned()
    }

    /// Yes or no; nothing written is no.
    pub(crate) fn flag(&mut self, field: usize) -> bool {
        match self.cell(field) {
            "" | "no" | "0" | "false" | "否" => false,
            "yes" | "1" | "true" | "是" => true,
            other => {
                self.complain(field, format!("{:?} is neither yes nor no", short(other)));
                false
            }
        }
    }
}
