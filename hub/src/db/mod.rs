//! Two databases, one SQL text.
//!
//! Every query is written once with `$1` placeholders and runs on SQLite and on PostgreSQL: an enum over the
//! two pools, because `sqlx::Any` emits `?` on PostgreSQL. Columns are BIGINT, TEXT and bytes; times are epoch
//! milliseconds in UTC and always passed in, never read by SQL. What the two dialects do not share is in
//! [`dialect`].
//!
//! A transaction that changes anything of a tenant begins with [`Tx::lock_tenant`]: one writer per tenant at a
//! time, so the order of commits is the order of the live feed and no two writers can deadlock.

mod arg;
pub mod dialect;
mod later;
pub(crate) mod migrate;
mod row;
pub(crate) mod table;
pub mod testing;
pub mod versions;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Connection, FromRow, Postgres, SqlSafeStr, Sqlite, Transaction};

pub use arg::Arg;
pub use dialect::Dialect;
pub use later::{Insert, Update};
pub(crate) use row::from_row;

use crate::change::{self, Noted};
use crate::outbound::{self, CaseEvent};

/// What a store function fails with. [`is_transient`] says whether the same call may succeed later.
pub type Error = sqlx::Error;
pub type Result<T> = std::result::Result<T, Error>;

/// SQLite before this version may lose commits around a WAL reset.
const OLDEST_SQLITE: (i64, i64, i64) = (3, 51, 3);

/// Whatever the server's own defaults are. The order of commits rests on locks, so each statement must see what was
/// committed before it. A hub that hangs or is cut off in mid-transaction holds its tenant's lock: the server ends that,
/// or another hub would wait for ever. [`crate::intake`] waits longer than any statement may take.
const POSTGRES_SETTINGS: [(&str, &str); 3] = [
    ("default_transaction_isolation", "read committed"),
    ("idle_in_transaction_session_timeout", "30000"),
    ("statement_timeout", "60000"),
];

/// By which PostgreSQL knows the sessions of a hub.
const HUB_SESSION: &str = "shaodian-hub";

/// A row type that both databases can fill.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// Arguments of a query, in order: `args![tenant, id, now]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Arg::from($value)),*] };
}

/// The open database. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Db {
    /// SQLite has one writer at a time; a pool of one for writing waits in order instead of by busy timeout.
    Sqlite {
        read: SqlitePool,
        write: SqlitePool,
    },
    Postgres(PgPool),
}

/// A transaction. Dropped without [`Tx::commit`], it rolls back.
#[derive(Debug)]
pub struct Tx {
    on: On,
    later: later::Later,
    changes: Vec<Noted>,
    learned: HashMap<(&'static str, String), Arg>,
    events: Vec<CaseEvent>,
}

#[derive(Debug)]
enum On {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Db {
    /// Opens `url` (`postgres://…`) or, without one, the SQLite file `path`, and brings its tables up to date.
    pub async fn open(url: Option<&str>, path: &Path, now_ms: i64) -> anyhow::Result<Self> {
        let db = match url {
            Some(url) => Self::open_postgres(url, Some(HUB_SESSION)).await?,
            None => Self::open_sqlite(path).await?,
        };
        migrate::apply(&db, now_ms).await.context("bringing the database's tables up to date")?;
        Ok(db)
    }

    /// The same as it is, without touching its tables, and not as a hub.
    pub(crate) async fn connect(url: Option<&str>, path: &Path) -> anyhow::Result<Self> {
        match url {
            Some(url) => Self::open_postgres(url, None).await,
            None => Self::open_sqlite(path).await,
        }
    }

    async fn open_postgres(url: &str, session: Option<&str>) -> anyhow::Result<Self> {
        let mut options: PgConnectOptions = url.parse().context("reading [database] url")?;
        if let Some(name) = session {
            options = options.application_name(name);
        }
        let pool = PgPoolOptions::new()
            .max_connections(12)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.options(POSTGRES_SETTINGS))
            .await
            .context("connecting to PostgreSQL; look at [database] url")?;
        Ok(Self::Postgres(pool))
    }

    async fn open_sqlite(path: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10));
        let place = || format!("opening the database {}", path.display());
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(20))
            // SQLite ends a transaction by itself when the disk is full or fails; sqlx then counts one that is not
            // there, and the connection would refuse to begin another for ever. The ping waits for the rollback.
            .after_release(|connection, _| {
                Box::pin(async move {
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options.clone())
            .await
            .with_context(place)?;
        let (version,): (String,) = sqlx::query_as("select sqlite_version()").fetch_one(&write).await?;
        refuse_old_sqlite(&version)?;
        let read = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await
            .with_context(place)?;
        Ok(Self::Sqlite { read, write })
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub async fn begin(&self) -> Result<Tx> {
        let on = match self {
            Self::Sqlite { write, .. } => On::Sqlite(write.begin_with("begin immediate").await?),
            Self::Postgres(pool) => On::Postgres(pool.begin().await?),
        };
        Ok(Tx {
            on,
            later: later::Later::default(),
            changes: Vec::new(),
            events: Vec::new(),
            learned: HashMap::new(),
        })
    }

    /// A transaction that only reads: what it sees holds together, and no writer waits for it.
    pub async fn begin_read(&self) -> Result<Tx> {
        let on = match self {
            Self::Sqlite { read, .. } => On::Sqlite(read.begin().await?),
            Self::Postgres(pool) => {
                On::Postgres(pool.begin_with("begin isolation level repeatable read read only").await?)
            }
        };
        Ok(Tx {
            on,
            later: later::Later::default(),
            changes: Vec::new(),
            events: Vec::new(),
            learned: HashMap::new(),
        })
    }

    pub async fn fetch_all<T: Row>(&self, sql: &'static str, args: Vec<Arg>) -> Result<Vec<T>> {
        match self {
            Self::Sqlite { read, .. } => arg::query_as::<Sqlite, T>(sql, args)?.fetch_all(read).await,
            Self::Postgres(pool) => arg::query_as::<Postgres, T>(sql, args)?.fetch_all(pool).await,
        }
    }

    pub async fn fetch_optional<T: Row>(&self, sql: &'static str, args: Vec<Arg>) -> Result<Option<T>> {
        match self {
            Self::Sqlite { read, .. } => arg::query_as::<Sqlite, T>(sql, args)?.fetch_optional(read).await,
            Self::Postgres(pool) => arg::query_as::<Postgres, T>(sql, args)?.fetch_optional(pool).await,
        }
    }

    pub async fn fetch_one<T: Row>(&self, sql: &'static str, args: Vec<Arg>) -> Result<T> {
        self.fetch_optional(sql, args).await?.ok_or(Error::RowNotFound)
    }

    /// One statement as its own transaction; returns the number of rows it touched.
    pub async fn execute(&self, sql: &'static str, args: Vec<Arg>) -> Result<u64> {
        Ok(match self {
            Self::Sqlite { write, .. } => {
                arg::query::<Sqlite>(sql, args)?.execute(write).await?.rows_affected()
            }
            Self::Postgres(pool) => arg::query::<Postgres>(sql, args)?.execute(pool).await?.rows_affected(),
        })
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub async fn fetch_all<T: Row>(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<Vec<T>> {
        match &mut self.on {
            On::Sqlite(tx) => arg::query_as::<Sqlite, T>(sql, args)?.fetch_all(&mut **tx).await,
            On::Postgres(tx) => arg::query_as::<Postgres, T>(sql, args)?.fetch_all(&mut **tx).await,
        }
    }

    pub async fn fetch_optional<T: Row>(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<Option<T>> {
        match &mut self.on {
            On::Sqlite(tx) => arg::query_as::<Sqlite, T>(sql, args)?.fetch_optional(&mut **tx).await,
            On::Postgres(tx) => arg::query_as::<Postgres, T>(sql, args)?.fetch_optional(&mut **tx).await,
        }
    }

    pub async fn fetch_one<T: Row>(&mut self, sql: &'static str, args: Vec<Arg>) -> Result<T> {
        self.fetch_optional(sql, args).await?.ok_or(Error::RowNotFound)
    }

    /// Returns the number of rows touched.
    pub async fn execute(&mut self, sql: impl SqlSafeStr, args: Vec<Arg>) -> Result<u64> {
        Ok(match &mut self.on {
            On::Sqlite(tx) => arg::query::<Sqlite>(sql, args)?.execute(&mut **tx).await?.rows_affected(),
            On::Postgres(tx) => arg::query::<Postgres>(sql, args)?.execute(&mut **tx).await?.rows_affected(),
        })
    }

    pub fn dialect(&self) -> Dialect {
        match self.on {
            On::Sqlite(_) => Dialect::Sqlite,
            On::Postgres(_) => Dialect::Postgres,
        }
    }

    /// A row that is written at the commit, together with others of its table; not to be read before, but for
    /// [`Self::settle`].
    pub fn later(&mut self, insert: Insert, row: Vec<Arg>) {
        self.later.push(insert, row);
    }

    /// Rows that are read before the commit, many in one statement.
    pub async fn insert(&mut self, insert: Insert, rows: Vec<Vec<Arg>>) -> Result<()> {
        for (sql, args) in later::inserts(insert, rows, self.dialect()) {
            self.execute(AssertSqlSafe(sql), args).await?;
        }
        Ok(())
    }

    /// Changes many rows in one statement.
    pub async fn update(&mut self, update: Update, rows: Vec<Vec<Arg>>) -> Result<()> {
        for (sql, args) in later::updates(update, rows, self.dialect()) {
            self.execute(AssertSqlSafe(sql), args).await?;
        }
        Ok(())
    }

    /// A change for the live feed; positions are given at the commit. What is told twice is told once.
    pub fn changed(&mut self, change: Noted) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// A row of a case's history, for other systems; what they are told of the case is what the transaction leaves.
    pub fn told(&mut self, event: CaseEvent) {
        self.events.push(event);
    }

    /// What this transaction has learned of something; see [`Tx::learn`].
    pub fn known(&self, what: &'static str, of: &str) -> Option<&Arg> {
        self.learned.get(&(what, of.to_owned()))
    }

    /// Keeps an answer until the transaction ends: what each message of a batch would ask again costs a trip to the
    /// database each time. Whoever writes it in a transaction learns it anew or unlearns it there.
    pub fn learn(&mut self, what: &'static str, of: &str, answer: impl Into<Arg>) {
        self.learned.insert((what, of.to_owned()), answer.into());
    }

    pub fn unlearn(&mut self, what: &'static str) {
        self.learned.retain(|(known, _), _| *known != what);
    }

    /// Makes this the only writer of the tenant until it commits; creates the tenant when it is new.
    pub async fn lock_tenant(&mut self, tenant: &str) -> Result<()> {
        self.execute(
            "insert into tenants (tenant, change_position) values ($1, 0)
             on conflict (tenant) do update set change_position = tenants.change_position",
            args![tenant],
        )
        .await?;
        Ok(())
    }

    /// Writes now what was put off by [`Self::later`], for what reads it in the same transaction.
    pub async fn settle(&mut self) -> Result<()> {
        for (sql, args) in std::mem::take(&mut self.later).statements(self.dialect()) {
            self.execute(AssertSqlSafe(sql), args).await?;
        }
        Ok(())
    }

    pub async fn commit(mut self) -> Result<()> {
        let changes = std::mem::take(&mut self.changes);
        change::write(&mut self, changes).await?;
        let events = std::mem::take(&mut self.events);
        outbound::write(&mut self, events).await?;
        self.settle().await?;
        match self.on {
            On::Sqlite(tx) => tx.commit().await,
            On::Postgres(tx) => tx.commit().await,
        }
    }
}

/// Whether the same call may succeed later. Everything may but what the content itself is proved to be at fault for: a
/// message is quarantined on this word, so a full disk or a server that is being replaced must never sound like it.
pub fn is_transient(error: &Error) -> bool {
    match error {
        Error::Encode(_) => false,
        Error::Database(error) => error.code().is_none_or(|code| !blames_content(&code)),
        _ => true,
    }
}

/// Whether a value cannot be what the column holds, such as a text with a NUL character, which PostgreSQL does not keep:
/// the fault of whoever sent it.
pub fn is_bad_value(error: &Error) -> bool {
    matches!(error, Error::Database(error) if error.code().is_some_and(|code| code.len() == 5 && code.starts_with("22")))
}

/// SQLite's codes are numbers, the low byte the primary code: 18 too big, 19 constraint, 20 mismatch. PostgreSQL's are
/// five letters, the first two the class: 22 data, 23 constraint, 54 limits.
fn blames_content(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => matches!(number & 0xff, 18..=20),
        _ => code.get(..2).is_some_and(|class| ["22", "23", "54"].contains(&class)),
    }
}

fn refuse_old_sqlite(version: &str) -> anyhow::Result<()> {
    let mut parts = version.split('.').map(|part| part.parse::<i64>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let found = (next(), next(), next());
    if found < OLDEST_SQLITE {
        bail!(
            "SQLite {version} may lose commits around a WAL reset; {}.{}.{} or newer is needed",
            OLDEST_SQLITE.0,
            OLDEST_SQLITE.1,
            OLDEST_SQLITE.2
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The version that loses commits is refused, the first mended one is taken.
    #[test]
    fn old_sqlite_is_refused() {
        assert!(refuse_old_sqlite("3.51.2").is_err());
        assert!(refuse_old_sqlite("3.46.0").is_err());
        assert!(refuse_old_sqlite("3.51.3").is_ok());
        assert!(refuse_old_sqlite("3.52.0").is_ok());
    }

    /// Extended codes of SQLite and classes of PostgreSQL: disks, locks, memory and servers are never the content's fault.
    #[test]
    fn only_content_is_blamed() {
        for fault in ["1299", "2067", "1555", "19", "18", "20", "22021", "22P05", "23505", "54000"] {
            assert!(blames_content(fault), "{fault}");
        }
        for passing in [
            "5", "6", "7", "8", "10", "13", "14", "261", "266", "517", "522", "773", "778", "1032", "1034",
            "1546", "25006", "40001", "40P01", "53100", "55P03", "57P01", "58030", "08006", "XX000",
        ] {
            assert!(!blames_content(passing), "{passing}");
        }
        assert!(is_transient(&Error::PoolTimedOut) && is_transient(&Error::Protocol(String::new())));
    }

    /// Migrations apply on each database, and applying them again changes nothing.
    #[tokio::test]
    async fn opens_and_migrates_twice() {
        for test in testing::databases().await {
            migrate::apply(&test.db, 2).await.expect("second run");
            let (count,): (i64,) = test.db.fetch_one("select count(*) from tenants", args![]).await.unwrap();
            assert_eq!(count, 0, "{}", test.name);
        }
    }

    /// A hub that is cut off in mid-transaction does not hold its tenant for ever, whatever the server's defaults are.
    #[tokio::test]
    async fn postgres_is_told_what_the_hub_relies_on() {
        let Some(test) = testing::databases().await.into_iter().find(|test| test.name == "postgres") else {
            return;
        };
        for (name, value) in [
            ("default_transaction_isolation", "read committed"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("statement_timeout", "1min"),
        ] {
            let row: (String,) = test.db.fetch_one("select current_setting($1)", args![name]).await.unwrap();
            assert_eq!(row.0, value, "{name}");
        }
    }

    /// A dropped transaction leaves nothing; a committed one does.
    #[tokio::test]
    async fn rollback_and_commit() {
        for test in testing::databases().await {
            let mut tx = test.db.begin().await.unwrap();
            tx.lock_tenant("a").await.unwrap();
            drop(tx);
            let mut tx = test.db.begin().await.unwrap();
            tx.lock_tenant("b").await.unwrap();
            tx.commit().await.unwrap();
            let rows: Vec<(String,)> =
                test.db.fetch_all("select tenant from tenants", args![]).await.unwrap();
            assert_eq!(rows, [("b".to_owned(),)], "{}", test.name);
        }
    }
}
