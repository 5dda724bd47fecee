//! A spreadsheet's export as cells that know where they stand. Pure.
//!
//! CSV as RFC 4180 has it, in UTF-8 with or without a mark at its beginning; lines end as they like; a semicolon or a
//! tabulator separates where the first line has more of them than commas. A quotation mark within a cell that does not
//! begin with one is a letter. Whatever else is odd is said, never guessed.

mod table;

use std::fmt;

pub(crate) use table::{Cells, Column, Headings, nearest, open, short};

/// Largest file, in bytes.
pub(crate) const MOST_BYTES: usize = 32 << 20;

/// What cannot be taken, where it stands, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Line of the file, counted from 1.
    pub line: usize,
    /// Row as a spreadsheet numbers it: cells may have several lines.
    pub row: usize,
    /// Counted from 0, with its heading; none where the whole row is meant.
    pub column: Option<(usize, String)>,
    pub what: String,
}

impl Bad {
    /// `E (area)`; nothing where the whole row is meant.
    pub(crate) fn column_name(&self) -> String {
        self.column.as_ref().map_or(String::new(), |(at, name)| format!("{} ({name})", letter(*at)))
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if self.row != self.line {
            write!(f, " (row {})", self.row)?;
        }
        if let Some((at, name)) = &self.column {
            write!(f, ", column {} ({name})", letter(*at))?;
        }
        write!(f, ": {}", self.what)
    }
}

/// `A` to `Z`, then `AA`, as a spreadsheet names its columns.
fn letter(at: usize) -> String {
    let own = char::from(b'A' + (at % 26) as u8);
    if at < 26 { own.to_string() } else { letter(at / 26 - 1) + &own.to_string() }
}

/// One row that has anything in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) line: usize,
    pub(crate) row: usize,
    pub(crate) cells: Vec<String>,
    /// A cell that could not be read as it stands, by its column.
    pub(crate) odd: Option<(usize, String)>,
}

/// The rows of a file, the first its headings. An error is of the whole file: nothing after its place can be trusted.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Row>, Bad> {
    let whole = |line, what: String| Bad { line, row: line, column: None, what };
    if bytes.len() > MOST_BYTES {
        let what = format!(
            "the file has {} MiB, more than the {} that are taken",
            bytes.len() >> 20,
            MOST_BYTES >> 20
        );
        return Err(whole(1, what));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(whole(1, "the file is UTF-16; save it as \"CSV UTF-8\"".to_owned()));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        whole(
            line,
            "this is not UTF-8 (an older Excel writes GBK); save the sheet as \"CSV UTF-8\"".to_owned(),
        )
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    // The first of equals is the comma.
    let separator = [';', '\t'].into_iter().fold(',', |best, other| {
        if first.matches(other).count() > first.matches(best).count() { other } else { best }
    });
    Reader { chars: text.chars().peekable(), separator, line: 1 }.rows()
}

struct Reader<'t> {
    chars: std::iter::Peekable<std::str::Chars<'t>>,
    separator: char,
    line: usize,
}

impl Reader<'_> {
    fn rows(mut self) -> Result<Vec<Row>, Bad> {
        let mut rows = Vec::new();
        let mut count = 0;
        while self.chars.peek().is_some() {
            count += 1;
            let row = self.row(count)?;
            if row.odd.is_some() || row.cells.iter().any(|cell| !cell.trim().is_empty()) {
                rows.push(row);
            }
        }
        Ok(rows)
    }

    fn row(&mut self, count: usize) -> Result<Row, Bad> {
        let mut row = Row { line: self.line, row: count, cells: Vec::new(), odd: None };
        loop {
            let at = row.cells.len();
            let cell =
                if self.chars.next_if_eq(&'"').is_some() { self.quoted(count, at)? } else { self.plain() };
            row.cells.push(cell);
            let after = self.plain();
            if !after.trim().is_empty() && row.odd.is_none() {
                let shown: String = after.chars().take(20).collect();
                let what = format!(
                    "{shown:?} stands after the closing quotation mark; write a quotation mark within a cell twice"
                );
                row.odd = Some((at, what));
            }
            match self.chars.next() {
                Some(c) if c == self.separator => {}
                // `\r\n` is one end of a line.
                Some('\r') if self.chars.peek() == Some(&'\n') => {
                    self.chars.next();
                    break;
                }
                _ => break,
            }
        }
        self.line += 1;
        Ok(row)
    }

    /// Up to the end of the cell.
    fn plain(&mut self) -> String {
        let separator = self.separator;
        let mut text = String::new();
        while let Some(c) = self.chars.next_if(|c| *c != separator && *c != '\n' && *c != '\r') {
            text.push(c);
        }
        text
    }

    /// After an opening quotation mark, up to the closing one.
    fn quoted(&mut self, count: usize, at: usize) -> Result<String, Bad> {
        let line = self.line;
        let mut text = String::new();
        loop {
            match self.chars.next() {
                Some('"') if self.chars.next_if_eq(&'"').is_some() => text.push('"'),
                Some('"') => return Ok(text),
                Some('\r') if self.chars.peek() == Some(&'\n') => {}
                Some(c) => {
                    let c = if c == '\r' { '\n' } else { c };
                    self.line += usize::from(c == '\n');
                    text.push(c);
                }
                None => {
                    let what = "the quotation mark that opens here is never closed, so nothing after it can be read; \
                                close it, or write one within a cell twice";
                    let column = Some((at, "a cell".to_owned()));
                    return Err(Bad { line, row: count, column, what: what.to_owned() });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        read(text.as_bytes()).unwrap().into_iter().map(|row| row.cells).collect()
    }

    /// Quoted commas, quotation marks and line ends; ends of lines of every kind, a mark at the beginning, rows of nothing.
    #[test]
    fn reads_what_spreadsheets_write() {
        let wanted = [vec!["a", "b"], vec!["1,\n2", "say \"x\""], vec!["", "y"]];
        assert_eq!(cells("\u{feff}a,b\r\n\"1,\r\n2\",\"say \"\"x\"\"\"\r\n,,\r\n\r\n,y\r\n"), wanted);
        assert_eq!(cells("a;b\n\"1,\n2\";\"say \"\"x\"\"\"\n;y"), wanted);
        assert_eq!(cells("a\tb\r\"1,\r2\"\t\"say \"\"x\"\"\"\r\ty\r"), wanted);
        assert_eq!(cells("a,b\nit's 5\" wide, x"), [["a", "b"], ["it's 5\" wide", " x"]]);
        assert_eq!(cells(""), Vec::<Vec<String>>::new());
    }

    /// Rows know their line although cells have several.
    #[test]
    fn rows_know_where_they_stand() {
        let rows = read(b"a,b\n\"1\n2\n3\",x\n4,y\n").unwrap();
        assert_eq!(rows.iter().map(|row| (row.line, row.row)).collect::<Vec<_>>(), [(1, 1), (2, 2), (5, 3)]);
        let bad = Bad { line: 5, row: 3, column: Some((27, "unit".into())), what: "is empty".into() };
        assert_eq!(bad.to_string(), "line 5 (row 3), column AB (unit): is empty");
    }

    /// What makes the whole file unreadable is told with its line.
    #[test]
    fn unreadable_files_are_refused() {
        let refused = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert!(refused(b"\xff\xfea\0").contains("UTF-16"));
        let gbk = refused(b"id,title\nx,\xc0\xcf\xc4\xea\xd6\xa4\n");
        assert!(gbk.starts_with("line 2: ") && gbk.contains("CSV UTF-8"), "{gbk}");
        let open = refused(b"a,b\n1,\"never\nclosed\n2,x\n");
        assert!(open.starts_with("line 2, column B ") && open.contains("never closed"), "{open}");
        assert!(refused(&vec![b'a'; MOST_BYTES + 1]).contains("32 that are taken"));
        let odd = read(b"a,b\n\"x\"y,2\n").unwrap()[1].odd.clone().unwrap();
        assert!(odd.0 == 0 && odd.1.contains("\"y\""), "{odd:?}");
    }
}
