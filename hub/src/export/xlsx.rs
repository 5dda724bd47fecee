//! A workbook of one sheet.

use protocol::UtcMs;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

use super::cell::{Cell, defused};
use super::row;

/// Its bytes. `cut`: there are more rows than these, and the last line says so.
pub(super) fn write(rows: &[Vec<Cell>], cut: bool, made_at: UtcMs) -> Result<Vec<u8>, String> {
    fill(rows, cut, made_at).map_err(|error| error.to_string())
}

fn fill(rows: &[Vec<Cell>], cut: bool, made_at: UtcMs) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let made_at = ExcelDateTime::from_timestamp(made_at.0.div_euclid(1_000))?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made_at));
    let sheet = book.add_worksheet();
    sheet.set_name("案件 Cases")?;
    sheet.set_freeze_panes(1, 1)?;
    let bold = Format::new().set_bold();
    for (at, cell) in (0_u16..).zip(row::headings()) {
        if let Cell::Text(text) = cell {
            sheet.write_string_with_format(0, at, text, &bold)?;
        }
    }
    for (at, row) in (1_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(row) {
            match cell {
                // A string whatever it begins with; marked all the same, for whoever saves it as another sheet.
                Cell::Text(text) => sheet.write_string(at, column, defused(text)).map(drop)?,
                Cell::Number(number) => sheet.write_number(at, column, *number).map(drop)?,
                Cell::Nothing => {}
            }
        }
    }
    if cut {
        let count = rows.len();
        let text = format!(
            "只列出最近 {count} 件，其余请用 CSV 导出。 Only the newest {count} are listed: export CSV for the rest."
        );
        sheet.write_string(count as u32 + 1, 0, text)?;
    }
    book.save_to_buffer()
}
