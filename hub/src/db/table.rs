//! Tables as the database itself describes them, whole and in one order, for copies of everything. A table that a later
//! migration makes is covered without anybody thinking of it.
//!
//! The form of a row ([`line`]) is the same on both databases, and so is the order of rows (text by its bytes) and of
//! columns (by name), so that equal content has equal hashes wherever it lies. Columns are what the schema has: BIGINT,
//! TEXT, DOUBLE PRECISION and bytes; another kind is refused by its name. The list of migrations is no content: it is
//! compared by itself. Nothing here knows what a table is for.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::TryStreamExt as _;
use serde_json::Value as Json;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ColumnIndex, Database, Decode, Encode, Postgres, Sqlite, Type};

use super::{Db, On, Result, Tx};
use crate::args;

/// Rows handed over, and written, at once.
pub(crate) const BATCH_ROWS: usize = 100;
/// Fewer when their texts are long.
pub(crate) const BATCH_BYTES: usize = 1 << 20;
/// The database's own list of what has run.
const MIGRATIONS: &str = "schema_migrations";

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

/// What the catalogue says of a table: its columns, and those of its key by their place in it.
#[derive(Default)]
struct Described {
    columns: BTreeMap<String, Kind>,
    key: BTreeMap<i64, String>,
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

fn kind(table: &str, column: &str, declared: &str) -> anyhow::Result<Kind> {
    Ok(match declared {
        "bigint" => Kind::Int,
        "text" => Kind::Text,
        "real" | "double precision" => Kind::Real,
        "blob" | "bytea" => Kind::Bytes,
        other => bail!(
            "column {column} of table {table} is {other:?}; bigint, text, double precision and bytes can be copied"
        ),
    })
}

impl Db {
    /// Sessions of hubs on the same PostgreSQL, this process's own among them if it has opened the database as a hub. Of
    /// SQLite nothing is known here: its file lies in the data folder, which is guarded.
    pub(crate) async fn hubs_connected(&self) -> Result<i64> {
        let Self::Postgres(_) = self else { return Ok(0) };
        let (count,): (i64,) = self
            .fetch_one(
                "select count(*) from pg_stat_activity
                 where datname = current_database() and application_name = $1 and pid <> pg_backend_pid()",
                args![super::HUB_SESSION],
            )
            .await?;
        Ok(count)
    }

    /// Lets PostgreSQL count what is in its tables, so that queries are planned well from the first one on.
    pub(crate) async fn count_anew(&self) -> Result<()> {
        match self {
            Self::Sqlite { .. } => Ok(()),
            Self::Postgres(pool) => sqlx::raw_sql("analyze").execute(pool).await.map(drop),
        }
    }
}

impl Tx {
    /// For what takes as long as it takes: PostgreSQL's limits on one statement and on silence between two do not hold.
    pub(crate) async fn without_limits(&mut self) -> Result<()> {
        if let On::Postgres(tx) = &mut self.on {
            let both = "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0";
            sqlx::raw_sql(both).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Every table of this database (on PostgreSQL: of this schema), by name.
    pub(crate) async fn tables(&mut self) -> anyhow::Result<Vec<Table>> {
        let sql = match &self.on {
            On::Sqlite(_) => {
                "select m.name as table_name, c.name, lower(c.type), cast(c.pk as bigint)
                 from sqlite_master m join pragma_table_info(m.name) c
                 where m.type = 'table' and m.name not like 'sqlite!_%' escape '!'"
            }
            On::Postgres(_) => {
                "select cast(c.relname as text), cast(a.attname as text), format_type(a.atttypid, null),
                        cast(coalesce(k.place, 0) as bigint)
                 from pg_catalog.pg_class c
                 join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                 join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                 left join (select i.indrelid, u.attnum, u.place from pg_catalog.pg_index i
                            cross join lateral unnest(cast(i.indkey as int2[])) with ordinality u(attnum, place)
                            where i.indisprimary) k
                      on k.indrelid = c.oid and k.attnum = a.attnum
                 where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = current_schema()"
            }
        };
        let rows: Vec<(String, String, String, i64)> = self.fetch_all(sql, args![]).await?;
        let mut tables: BTreeMap<String, Described> = BTreeMap::new();
        for (table, column, declared, place) in rows {
            if table == MIGRATIONS {
                continue;
            }
            let kind = kind(&table, &column, &declared)?;
            let table = tables.entry(table).or_default();
            if place > 0 {
                table.key.insert(place, column.clone());
            }
            table.columns.insert(column, kind);
        }
        let table = |(name, table): (String, Described)| Table {
            name,
            columns: table.columns.into_iter().map(|(name, kind)| Column { name, kind }).collect(),
            key: table.key.into_values().collect(),
        };
        Ok(tables.into_iter().map(table).collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::testing;

    fn sample() -> Table {
        let column = |name: &str, kind| Column { name: name.to_owned(), kind };
        Table {
            name: "order".to_owned(),
            columns: vec![
                column("blob", Kind::Bytes),
                column("from", Kind::Text),
                column("n", Kind::Int),
                column("x", Kind::Real),
            ],
            key: vec!["from".to_owned()],
        }
    }

    /// What is written as a line is read back as it was: no byte, no digit, no sign is lost.
    #[test]
    fn lines_come_back() {
        let table = sample();
        for row in [
            vec![
                Value::Bytes(Some(vec![0, 255, 10])),
                Value::Text(Some("\u{0}案\"\n".into())),
                Value::Int(Some(i64::MIN)),
                Value::Real(Some(0.1 + 0.2)),
            ],
            vec![Value::Bytes(None), Value::Text(Some(String::new())), Value::Int(None), Value::Real(None)],
            vec![Value::Bytes(Some(vec![])), Value::Text(None), Value::Int(Some(0)), Value::Real(Some(-0.0))],
        ] {
            let line = line(&row);
            assert_eq!(line.matches('\n').count(), 1, "{line}");
            assert_eq!(table.read(&line).unwrap(), row, "{line}");
        }
        for (wrong, told) in [
            ("{}", "not a JSON array"),
            ("[null,\"a\",1]", "3 cells where there are 4 columns"),
            ("[null,\"a\",\"1\",null]", "n: Int expected"),
            ("[null,1,1,null]", "from: Text expected"),
            ("[\"?\",\"a\",1,null]", "blob: Bytes expected"),
            ("[null,\"a\",1,\"x\"]", "x: Real expected"),
            ("[null,\"a\",9223372036854775808,null]", "n: Int expected"),
        ] {
            let error = format!("{:#}", table.read(wrong).unwrap_err());
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }

    /// Names that are words of SQL, every kind of cell, and text that collations order otherwise: rows come back whole, by
    /// the bytes of their key, the same on both databases.
    #[tokio::test]
    async fn rows_go_in_and_come_out() {
        for test in testing::bare().await {
            let create = "create table \"order\" (\"from\" text not null, n bigint, \"blob\" {bytes}, x double precision,
                              primary key (\"from\"))";
            let sql = test.db.dialect().expand(create);
            let mut tx = test.db.begin().await.unwrap();
            tx.execute(AssertSqlSafe(sql), args![]).await.unwrap();
            let table = tx.tables().await.unwrap().remove(0);
            assert_eq!(table, sample(), "{}", test.name);
            let texts = ["b", "B", "a", "案", "é", "", "\u{10ffff}", "_"];
            let row = |text: &str, n: usize| {
                let bytes = n.is_multiple_of(2).then(|| vec![n as u8; n]);
                vec![
                    Value::Bytes(bytes),
                    Value::Text(Some(text.to_owned())),
                    Value::Int((n != 3).then_some(-5)),
                    Value::Real(Some(n as f64 / 7.0)),
                ]
            };
            let rows: Vec<Cells> = texts.iter().zip(0..).map(|(text, n)| row(text, n)).collect();
            tx.add_rows(&table, rows.clone()).await.unwrap();
            let mut found = Vec::new();
            tx.each_rows(&table, async |rows| {
                found.extend(rows);
                Ok(())
            })
            .await
            .unwrap();
            let mut wanted = rows;
            wanted.sort_by_key(|row| match &row[1] {
                Value::Text(Some(text)) => text.clone(),
                other => panic!("{other:?}"),
            });
            assert_eq!(found, wanted, "{}", test.name);
            tx.empty(&table).await.unwrap();
            let (left,): (i64,) = tx.fetch_one("select count(*) from \"order\"", args![]).await.unwrap();
            assert_eq!(left, 0);
        }
    }

    /// More rows than are handed over at once, in a table without a key: none is lost or doubled, twins stay two.
    #[tokio::test]
    async fn many_rows() {
        for test in testing::bare().await {
            let mut tx = test.db.begin().await.unwrap();
            tx.execute("create table t (a text not null, n bigint)", args![]).await.unwrap();
            let table = tx.tables().await.unwrap().remove(0);
            assert!(table.key.is_empty());
            for at in 0..5 {
                let row = |n: i64| {
                    vec![Value::Text(Some("x".repeat(20_000))), Value::Int((n > 0).then_some(n / 2))]
                };
                tx.add_rows(&table, (at * 60..at * 60 + 60).map(row).collect()).await.unwrap();
            }
            let (mut found, mut batches) = (Vec::new(), 0);
            tx.each_rows(&table, async |rows| {
                assert!(rows.len() <= BATCH_ROWS && rows.len() * 20_000 <= BATCH_BYTES + 20_000);
                batches += 1;
                found.extend(rows.into_iter().map(|row| row[1].clone()));
                Ok(())
            })
            .await
            .unwrap();
            let wanted = (0..300).map(|n| Value::Int((n > 0).then_some(n / 2))).collect::<Vec<_>>();
            assert_eq!(found, wanted, "{}", test.name);
            assert!(batches > 3);
        }
    }

    /// What PostgreSQL cannot keep is told with its row and column, before anything is asked of it.
    #[tokio::test]
    async fn nul_is_told_with_its_place() {
        for test in testing::bare().await {
            let mut tx = test.db.begin().await.unwrap();
            tx.execute("create table t (id text primary key, title text)", args![]).await.unwrap();
            let table = tx.tables().await.unwrap().remove(0);
            let row = vec![Value::Text(Some("c7".into())), Value::Text(Some("a\0b".into()))];
            let added = tx.add_rows(&table, vec![row]).await;
            if test.name == "sqlite" {
                added.unwrap();
            } else {
                let error = added.unwrap_err().to_string();
                assert!(error.contains("table t, row id [\"c7\"]: title has a NUL"), "{error}");
            }
        }
    }

    /// A kind of column that nobody thought of is not left out in silence.
    #[tokio::test]
    async fn other_kinds_are_refused() {
        for test in testing::bare().await {
            let mut tx = test.db.begin().await.unwrap();
            tx.execute("create table t (id text primary key, on_it boolean)", args![]).await.unwrap();
            let error = tx.tables().await.unwrap_err().to_string();
            assert!(error.contains("column on_it of table t is \"boolean\""), "{}: {error}", test.name);
        }
    }

    /// The schema has nothing that this cannot copy: no other kinds, no references between tables, which would ask for an
    /// order of tables.
    #[tokio::test]
    async fn the_schema_can_be_copied() {
        for test in testing::databases().await {
            let mut tx = test.db.begin_read().await.unwrap();
            let tables = tx.tables().await.unwrap();
            assert!(
                tables.len() > 30 && tables.iter().all(|table| table.name != MIGRATIONS),
                "{}",
                tables.len()
            );
            let references = match test.name {
                "sqlite" => {
                    "select count(*) from sqlite_master m join pragma_foreign_key_list(m.name) f where m.type = 'table'"
                }
                _ => {
                    "select count(*) from information_schema.table_constraints
                     where constraint_type = 'FOREIGN KEY' and table_schema = current_schema()"
                }
            };
            let (count,): (i64,) = tx.fetch_one(references, args![]).await.unwrap();
            assert_eq!(count, 0, "{}", test.name);
        }
    }
}
