//! What the database says of itself: its tables, and who else is connected.

use std::collections::BTreeMap;

use anyhow::bail;

use super::{Column, Kind, Table};
use crate::args;
use crate::db::{Db, HUB_SESSION, On, Result, Tx};

/// The database's own list of what has run.
pub(super) const MIGRATIONS: &str = "schema_migrations";

/// What the catalogue says of a table: its columns, and those of its key by their place in it.
#[derive(Default)]
struct Described {
    columns: BTreeMap<String, Kind>,
    key: BTreeMap<i64, String>,
}

impl Tx {
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
                args![HUB_SESSION],
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
