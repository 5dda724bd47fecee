//! Figures as sheets: CSV for everything, XLSX for spreadsheets. Cells are text or numbers, never formulas.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

use super::bulletin::Bulletin;
use super::names::Names;
use super::table::{Figure, Table, TableRow};
use super::{By, Measure, Shape};

/// One sheet of a book.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// At most 31 characters, without `[]:*?/\`.
    pub name: String,
    pub heads: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Nothing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number as f64)
    }
}

/// CSV as RFC 4180 has it, with the mark by which spreadsheets know UTF-8. Sheets follow each other, an empty line between.
pub fn csv(sheets: &[Sheet]) -> String {
    let mut out = "\u{feff}".to_owned();
    for (index, sheet) in sheets.iter().enumerate() {
        if index > 0 {
            out.push_str("\r\n");
        }
        line(&mut out, sheet.heads.iter().map(|head| quoted(head)));
        for row in &sheet.rows {
            line(&mut out, row.iter().map(written));
        }
    }
    out
}

fn line(out: &mut String, cells: impl Iterator<Item = String>) {
    out.push_str(&cells.collect::<Vec<_>>().join(","));
    out.push_str("\r\n");
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => quoted(text),
        Cell::Number(number) => number.to_string(),
        Cell::Nothing => String::new(),
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r', ';']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// A book. `at_s`: when its figures were made, in epoch seconds; equal figures make equal files.
pub fn xlsx(sheets: &[Sheet], at_s: i64) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(at_s)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let bold = Format::new().set_bold();
    for sheet in sheets {
        let page = book.add_worksheet();
        page.set_name(&sheet.name)?.set_landscape().set_freeze_panes(1, 1)?;
        for (column, head) in (0_u16..).zip(&sheet.heads) {
            page.write_string_with_format(0, column, head, &bold)?;
        }
        for (at, row) in (1_u32..).zip(&sheet.rows) {
            for (column, cell) in (0_u16..).zip(row) {
                match cell {
                    Cell::Text(text) => page.write_string(at, column, text)?,
                    Cell::Number(number) => page.write_number(at, column, *number)?,
                    Cell::Nothing => continue,
                };
            }
        }
        page.set_column_width(0, 18)?;
    }
    book.save_to_buffer()
}

/// Both languages in one heading: a sheet leaves the page on which the language was chosen.
fn head(zh: &str, en: &str) -> String {
    format!("{zh} {en}")
}

/// Columns of a measure: of a rate the share and both its parts, of a length both its averages.
fn heads(measure: Measure) -> Vec<String> {
    let (zh, en) = (measure.zh(), measure.en());
    match measure.shape() {
        Shape::Count | Shape::Stock => vec![head(zh, en)],
        Shape::Rate => vec![
            head(&format!("{zh}（%）"), &format!("{en} (%)")),
            head(&format!("{zh}分子"), "of which"),
            head(&format!("{zh}分母"), "of all"),
        ],
        Shape::Length => vec![
            head(&format!("{zh}（工作小时）"), &format!("{en} (working hours)")),
            head(&format!("{zh}（自然小时）"), &format!("{en} (hours)")),
        ],
    }
}

fn cells(measure: Measure, figure: Figure) -> Vec<Cell> {
    match measure.shape() {
        Shape::Count | Shape::Stock => vec![figure.n.into()],
        Shape::Rate => vec![hundredths(figure.rate()), figure.n.into(), figure.d.into()],
        Shape::Length => {
            let hours = |minutes: Option<i64>| {
                minutes.map_or(Cell::Nothing, |minutes| Cell::Number((minutes as f64 / 6.0).round() / 10.0))
            };
            let both = figure.average();
            vec![hours(both.map(|both| both.0)), hours(both.map(|both| both.1))]
        }
    }
}

/// Hundredths of a percent as percent; of nothing, nothing.
fn hundredths(value: Option<i64>) -> Cell {
    value.map_or(Cell::Nothing, |value| Cell::Number(value as f64 / 100.0))
}

/// A table with its total.
pub fn of_table(table: &Table, names: &Names) -> Sheet {
    let by = table.by;
    let mut all = vec![head("名次", "Rank"), head(by.zh(), by.en()), "Name".to_owned(), "id".to_owned()];
    all.push(head("得分", "Score"));
    all.extend(Measure::ALL.iter().flat_map(|measure| heads(*measure)));
    let row = |row: &TableRow| {
        let (zh, en) = names.of(by, &row.key);
        let mut cells = vec![row.rank.map_or(Cell::Nothing, Cell::from), zh.into(), en.into()];
        cells.extend([row.key.as_str().into(), hundredths(row.score)]);
        cells
            .extend(Measure::ALL.iter().flat_map(|measure| self::cells(*measure, row.figures.get(*measure))));
        cells
    };
    let mut rows: Vec<Vec<Cell>> = table.rows.iter().map(row).collect();
    let mut total = vec![Cell::Nothing, "合计".into(), "Total".into(), Cell::Nothing, Cell::Nothing];
    total.extend(Measure::ALL.iter().flat_map(|measure| cells(*measure, table.total.get(*measure))));
    rows.push(total);
    Sheet { name: format!("{} {}", table.period, by.zh()), heads: all, rows }
}

/// A bulletin: its figures, its leagues, its categories.
pub fn of_bulletin(bulletin: &Bulletin, names: &Names) -> Vec<Sheet> {
    let mut heads = vec![head("指标", "Measure"), "Measure".to_owned()];
    for (zh, en) in [("本月", "this month"), ("上月", "month before"), ("上年同月", "a year ago")] {
        heads.push(head(zh, en));
        heads.push(head(&format!("{zh}分子"), "of which"));
        heads.push(head(&format!("{zh}分母"), "of all"));
    }
    let line = |line: &super::bulletin::Line| {
        let mut row: Vec<Cell> = vec![line.measure.zh().into(), line.measure.en().into()];
        for figure in [line.now, line.before, line.a_year_ago] {
            let mut own = cells(line.measure, figure);
            own.resize(3, Cell::Nothing);
            row.extend(own);
        }
        row
    };
    let figures = Sheet {
        name: format!("{} 通报", bulletin.month),
        heads,
        rows: bulletin.lines.iter().map(line).collect(),
    };
    let league = |league: &super::bulletin::League| {
        let row = |row: &TableRow| {
            let (zh, en) = names.of(league.by, &row.key);
            vec![row.rank.map_or(Cell::Nothing, Cell::from), zh.into(), en.into(), hundredths(row.score)]
        };
        Sheet {
            name: format!("{}排名", league.by.zh()),
            heads: vec![
                head("名次", "Rank"),
                head(league.by.zh(), league.by.en()),
                "Name".to_owned(),
                head("得分", "Score"),
            ],
            rows: league.best.iter().chain(league.worst.iter().rev()).map(row).collect(),
        }
    };
    let mut sheets = vec![figures];
    sheets.extend(bulletin.leagues.iter().map(league));
    let category = |row: &TableRow| {
        let (zh, en) = names.of(By::Category, &row.key);
        vec![zh.into(), en.into(), row.figures.get(Measure::Filed).n.into()]
    };
    sheets.push(Sheet {
        name: "小类".to_owned(),
        heads: vec![head("小类", "Category"), "Name".to_owned(), head("立案数", "Filed")],
        rows: bulletin.categories.iter().map(category).collect(),
    });
    sheets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a spreadsheet would run is text; commas and quotation marks stay within their cell; what the reader of this hub
    /// makes of it is what was written, but for the apostrophe.
    #[test]
    fn csv_is_text() {
        let sheet = Sheet {
            name: "x".to_owned(),
            heads: vec!["名次 Rank".to_owned(), "名称".to_owned()],
            rows: vec![
                vec![Cell::Number(1.0), "=HYPERLINK(\"http://x\",\"y\")".into()],
                vec![Cell::Nothing, "东关, \"老\"街".into()],
                vec![Cell::Number(98.25), "+86".into()],
            ],
        };
        let text = csv(std::slice::from_ref(&sheet));
        assert!(text.starts_with('\u{feff}') && text.contains("\r\n98.25,'+86\r\n"), "{text}");
        let cells: Vec<Vec<String>> =
            crate::sheet::read(text.as_bytes()).unwrap().into_iter().map(|row| row.cells).collect();
        assert_eq!(cells[1], ["1", "'=HYPERLINK(\"http://x\",\"y\")"]);
        assert_eq!(cells[2], ["", "东关, \"老\"街"]);
        let (one, two) = (xlsx(std::slice::from_ref(&sheet), 1_773_799_200), xlsx(&[sheet], 1_773_799_200));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert!(one.starts_with(b"PK") && one == two, "equal figures, equal files");
    }

    /// A share has its parts beside it, and of nothing there is no share.
    #[test]
    fn shares_have_their_parts() {
        let figure = Figure { n: 2, d: 3, ..Figure::default() };
        let wanted = [Cell::Number(66.67), 2.into(), 3.into()];
        assert_eq!(cells(Measure::Satisfaction, figure), wanted);
        assert_eq!(cells(Measure::Satisfaction, Figure::default())[0], Cell::Nothing);
        let length = Figure { n: 2, working_min: 150, natural_min: 2_880, ..Figure::default() };
        assert_eq!(cells(Measure::TimeToClose, length), [Cell::Number(1.3), Cell::Number(24.0)]);
        for measure in Measure::ALL {
            assert_eq!(heads(*measure).len(), cells(*measure, figure).len(), "{measure}");
        }
    }
}
