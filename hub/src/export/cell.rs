//! Cells of a sheet, and lines of CSV (RFC 4180). Pure.

/// What stands in one place of a sheet.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Number(f64),
    Nothing,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Nothing, Self::text)
    }
}

/// Longest text of a cell, in characters; spreadsheets take a little more.
const MOST_TEXT: usize = 32_000;

/// A text that no spreadsheet takes for a formula: what begins like one is marked as a text. Others' words come this far.
pub(super) fn defused(text: &str) -> String {
    let begins = text.trim_start_matches(|c: char| c.is_whitespace() || c.is_control()).chars().next();
    let formula = begins.is_some_and(|c| "=+-@＝＋－＠".contains(c)) || text.starts_with(['\t', '\r', '\n']);
    let kept: String =
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(MOST_TEXT).collect();
    if formula { format!("'{kept}") } else { kept }
}

/// A line with its end.
pub(super) fn csv_line(cells: &[Cell]) -> String {
    let shown = |cell: &Cell| match cell {
        Cell::Text(text) => quoted(&defused(text)),
        Cell::Number(number) => number.to_string(),
        Cell::Nothing => String::new(),
    };
    cells.iter().map(shown).collect::<Vec<_>>().join(",") + "\r\n"
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r', ';', '\t']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What begins like a formula is a text, also behind blanks; numbers of our own stay numbers.
    #[test]
    fn formulas_are_defused() {
        for hostile in
            ["=1+1", "+1", "-2+3", "@SUM(A1)", " =cmd|' /C calc'!A0", "\t=1", "\r=1", "＝1+1", "\u{1}=1"]
        {
            let shown = defused(hostile);
            assert!(shown.starts_with('\''), "{hostile:?} is {shown:?}");
        }
        for plain in ["东关巷", "1=1", "a-b", ""] {
            assert_eq!(defused(plain), plain);
        }
        assert_eq!(csv_line(&[Cell::text("-1"), Cell::Number(-73.9), Cell::Nothing]), "'-1,-73.9,\r\n");
    }

    /// Commas, quotation marks and line ends stay inside their cell, and our own reader reads it back.
    #[test]
    fn lines_read_back() {
        let cells = ["a,b", "say \"x\"", "1\n2", "x;y", "='"].map(Cell::text);
        let line = csv_line(&cells);
        assert_eq!(line, "\"a,b\",\"say \"\"x\"\"\",\"1\n2\",\"x;y\",'='\r\n");
        let read = crate::sheet::read(line.as_bytes()).unwrap();
        assert_eq!(read[0].cells, ["a,b", "say \"x\"", "1\n2", "x;y", "'='"]);
    }
}
