//! Tables as the database itself describes them, whole and in one order, for copies of everything. A table that a later
//! migration makes is covered without anybody thinking of it.
//!
//! The form of a row ([`line`]) is the same on both databases, and so is the order of rows (text by its bytes) and of
//! columns (by name), so that equal content has equal hashes wherever it lies. Columns are what the schema has: BIGINT,
//! TEXT, DOUBLE PRECISION and bytes; another kind is refused by its name. The list of migrations is no content: it is
//! compared by itself. Nothing here knows what a table is for.

mod catalogue;
mod rows;
#[cfg(test)]
mod tests;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value as Json;

pub(crate) use rows::{BATCH_BYTES, BATCH_ROWS};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Real,
    Text,
    Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A table: columns by name, and those of its primary key in their order (none: rows are known by everything they have).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) key: Vec<String>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Real(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// Cells in the order of [`Table::columns`].
pub(crate) type Cells = Vec<Value>;

/// A row as one line of JSON: an array, bytes in base64, fractions in the shortest digits that give them back.
pub(crate) fn line(row: &[Value]) -> String {
    let cells = row.iter().map(|value| match value {
        Value::Int(number) => Json::from(*number),
        Value::Real(number) => number.map_or(Json::Null, |number| Json::from(format!("{number:?}"))),
        Value::Text(text) => Json::from(text.clone()),
        Value::Bytes(bytes) => bytes.as_ref().map_or(Json::Null, |bytes| Json::from(BASE64.encode(bytes))),
    });
    let mut text = Json::Array(cells.collect()).to_string();
    text.push('\n');
    text
}

impl Table {
    /// Reads what [`line`] wrote.
    pub(crate) fn read(&self, line: &str) -> anyhow::Result<Cells> {
        let cells: Vec<Json> = serde_json::from_str(line).context("not a JSON array")?;
        let (found, wanted) = (cells.len(), self.columns.len());
        ensure!(found == wanted, "{found} cells where there are {wanted} columns");
        let both = self.columns.iter().zip(cells);
        both.map(|(column, cell)| {
            let other = || format!("{}: {:?} expected", column.name, column.kind);
            Ok(match (column.kind, &cell) {
                (Kind::Int, Json::Null) => Value::Int(None),
                (Kind::Real, Json::Null) => Value::Real(None),
                (Kind::Text, Json::Null) => Value::Text(None),
                (Kind::Bytes, Json::Null) => Value::Bytes(None),
                (Kind::Int, cell) => Value::Int(Some(cell.as_i64().with_context(other)?)),
                (Kind::Real, cell) => {
                    Value::Real(Some(cell.as_str().with_context(other)?.parse().with_context(other)?))
                }
                (Kind::Text, cell) => Value::Text(Some(cell.as_str().with_context(other)?.to_owned())),
                (Kind::Bytes, cell) => {
                    Value::Bytes(Some(BASE64.decode(cell.as_str().with_context(other)?).with_context(other)?))
                }
            })
        })
        .collect()
    }

    /// How a row of it is called when something is wrong with it: the cells of its key.
    fn name_of(&self, row: &[Value]) -> String {
        let cells = self.columns.iter().zip(row).filter(|(column, _)| self.key.contains(&column.name));
        let cells: Vec<String> = cells
            .map(|(column, value)| format!("{} {}", column.name, line(std::slice::from_ref(value)).trim()))
            .collect();
        format!("table {}, row {}", self.name, cells.join(", "))
    }
}
