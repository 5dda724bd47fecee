//! Rows of a table, out of it in order and into it.

use anyhow::{Context as _, ensure};
use futures_util::TryStreamExt as _;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ColumnIndex, Database, Decode, Encode, Postgres, Sqlite, Type};

use super::{Cells, Column, Kind, Table, Value};
use crate::args;
use crate::db::{On, Result, Tx};

/// Rows handed over, and written, at once.
pub(crate) const BATCH_ROWS: usize = 100;
/// Fewer when their texts are long.
pub(crate) const BATCH_BYTES: usize = 1 << 20;
impl Tx {
    /// For what takes as long as it takes: PostgreSQL's limits on one statement and on silence between two do not hold.
    pub(crate) async fn without_limits(&mut self) -> Result<()> {
        if let On::Postgres(tx) = &mut self.on {
            let both = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";
            sqlx::raw_sql(both).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Hands over every row of a table in order, some at a time.
    pub(crate) async fn each_rows(
        &mut self,
        table: &Table,
        mut take: impl AsyncFnMut(Vec<Cells>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        macro_rules! stream {
            ($database:ident, $tx:ident, $collate:literal) => {{
                let sql = AssertSqlSafe(table.select($collate));
                let mut rows = sqlx::query::<$database>(sql).fetch(&mut **$tx);
                while let Some(row) =
                    rows.try_next().await.with_context(|| format!("reading {}", table.name))?
                {
                    let row =
                        cells(&row, &table.columns).with_context(|| format!("reading {}", table.name))?;
                    bytes += row.iter().map(size).sum::<usize>();
                    batch.push(row);
                    if batch.len() >= BATCH_ROWS || bytes >= BATCH_BYTES {
                        bytes = 0;
                        take(std::mem::take(&mut batch)).await?;
                    }
                }
            }};
        }
        match &mut self.on {
            On::Sqlite(tx) => stream!(Sqlite, tx, ""),
            On::Postgres(tx) => stream!(Postgres, tx, " collate \"C\""),
        }
        if batch.is_empty() { Ok(()) } else { take(batch).await }
    }

    /// Adds rows, as many as [`Tx::each_rows`] hands over at once or fewer.
    pub(crate) async fn add_rows(&mut self, table: &Table, rows: Vec<Cells>) -> anyhow::Result<()> {
        let place = || format!("writing {}", table.name);
        let sql = table.insert(rows.len());
        match &mut self.on {
            On::Sqlite(tx) => {
                bound::<Sqlite>(sql, rows).execute(&mut **tx).await.map(drop).with_context(place)
            }
            On::Postgres(tx) => {
                refuse_nul(table, &rows)?;
                bound::<Postgres>(sql, rows).execute(&mut **tx).await.map(drop).with_context(place)
            }
        }
    }

    /// Takes every row out of a table.
    pub(crate) async fn empty(&mut self, table: &Table) -> Result<()> {
        self.execute(AssertSqlSafe(format!("delete from {}", quoted(&table.name))), args![]).await.map(drop)
    }
}

impl Table {
    /// `collate`: what has texts ordered by their bytes.
    fn select(&self, collate: &str) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let by_key =
            self.key.iter().filter_map(|name| self.columns.iter().find(|column| column.name == *name));
        let by: Vec<&Column> =
            if self.key.is_empty() { self.columns.iter().collect() } else { by_key.collect() };
        let order = by.iter().map(|column| {
            let collate = if column.kind == Kind::Text { collate } else { "" };
            // Columns of a key are never null; to say so would keep the key's index from being used.
            let nulls = if self.key.is_empty() { " nulls first" } else { "" };
            format!("{}{collate}{nulls}", quoted(&column.name))
        });
        let order: Vec<String> = order.collect();
        format!("select {} from {} order by {}", columns.join(", "), quoted(&self.name), order.join(", "))
    }

    fn insert(&self, rows: usize) -> String {
        let columns: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let count = columns.len();
        let rows: Vec<String> = (0..rows).map(|row| placeholders(row * count + 1, count)).collect();
        format!("insert into {} ({}) values {}", quoted(&self.name), columns.join(", "), rows.join(", "))
    }
}

/// `($3, $4, $5)` for `first` 3 and `count` 3.
fn placeholders(first: usize, count: usize) -> String {
    let names: Vec<String> = (first..first + count).map(|at| format!("${at}")).collect();
    format!("({})", names.join(", "))
}

/// Names come from the database itself; some are words of SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        _ => 8,
    }
}

fn cells<'r, R>(row: &'r R, columns: &[Column]) -> Result<Cells>
where
    R: sqlx::Row,
    usize: ColumnIndex<R>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    Option<f64>: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
{
    let cell = |(at, column): (usize, &Column)| {
        Ok(match column.kind {
            Kind::Int => Value::Int(row.try_get(at)?),
            Kind::Real => Value::Real(row.try_get(at)?),
            Kind::Text => Value::Text(row.try_get(at)?),
            Kind::Bytes => Value::Bytes(row.try_get(at)?),
        })
    };
    columns.iter().enumerate().map(cell).collect()
}

fn bound<DB: Database>(sql: String, rows: Vec<Cells>) -> Query<'static, DB, DB::Arguments>
where
    Option<i64>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<f64>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<String>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<Vec<u8>>: for<'t> Encode<'t, DB> + Type<DB>,
{
    let cells = rows.into_iter().flatten();
    cells.fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::Real(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    })
}

/// PostgreSQL keeps no NUL character in a text and would say so without saying where.
fn refuse_nul(table: &Table, rows: &[Cells]) -> anyhow::Result<()> {
    for row in rows {
        for (column, value) in table.columns.iter().zip(row) {
            if let Value::Text(Some(text)) = value {
                ensure!(
                    !text.contains('\0'),
                    "{}: {} has a NUL character, which PostgreSQL keeps in no text; it can stay on SQLite",
                    table.name_of(row),
                    column.name
                );
            }
        }
    }
    Ok(())
}
