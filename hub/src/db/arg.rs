//! Query arguments that both databases take.

use sqlx::error::BoxDynError;
use sqlx::postgres::PgArguments;
use sqlx::query::{Query, QueryAs};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, Database, FromRow, IntoArguments, Postgres, SqlSafeStr, Sqlite};

/// One bound value.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
    /// Lists are arrays to PostgreSQL and JSON to SQLite; see `one_of!` of [`super::dialect`].
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Blobs(Vec<Vec<u8>>),
}

impl Arg {
    /// Texts to look for.
    pub fn texts(all: impl IntoIterator<Item = String>) -> Self {
        Self::Texts(all.into_iter().map(Some).collect())
    }

    /// An empty list of values like this one.
    pub(super) fn list(&self) -> Self {
        match self {
            Self::Int(_) | Self::Ints(_) => Self::Ints(Vec::new()),
            Self::Text(_) | Self::Texts(_) => Self::Texts(Vec::new()),
            Self::Bytes(_) | Self::Blobs(_) => Self::Blobs(Vec::new()),
        }
    }

    /// Adds a value to a list of its like. Columns have one type: a value of another one is nothing there.
    pub(super) fn push(&mut self, value: Self) {
        match (self, value) {
            (Self::Ints(list), Self::Int(value)) => list.push(value),
            (Self::Ints(list), _) => list.push(None),
            (Self::Texts(list), Self::Text(value)) => list.push(value),
            (Self::Texts(list), _) => list.push(None),
            (Self::Blobs(list), Self::Bytes(value)) => list.push(value),
            _ => {}
        }
    }
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

/// Booleans are kept as 0 and 1.
impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<protocol::UtcMs> for Arg {
    fn from(value: protocol::UtcMs) -> Self {
        Self::Int(Some(value.0))
    }
}

impl From<Option<protocol::UtcMs>> for Arg {
    fn from(value: Option<protocol::UtcMs>) -> Self {
        Self::Int(value.map(|at| at.0))
    }
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Option<&str>> for Arg {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(ToOwned::to_owned))
    }
}

impl From<Vec<u8>> for Arg {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

macro_rules! text_ids {
    ($($name:ident),*) => {$(
        impl From<&protocol::$name> for Arg {
            fn from(value: &protocol::$name) -> Self {
                Self::Text(Some(value.to_string()))
            }
        }
    )*};
}

text_ids!(MessageId, IncidentId, CallId, CommandId, BootId, TenantId, DeviceId, CameraId, RuleId, Sha256Hex);

/// A database with the arguments that it takes.
pub(super) trait Takes: Database {
    fn add(to: &mut Self::Arguments, arg: Arg) -> Result<(), BoxDynError>;
}

impl Takes for Postgres {
    fn add(to: &mut PgArguments, arg: Arg) -> Result<(), BoxDynError> {
        match arg {
            Arg::Int(value) => to.add(value),
            Arg::Text(value) => to.add(value),
            Arg::Bytes(value) => to.add(value),
            Arg::Ints(values) => to.add(values),
            Arg::Texts(values) => to.add(values),
            Arg::Blobs(values) => to.add(values),
        }
    }
}

impl Takes for Sqlite {
    fn add(to: &mut SqliteArguments, arg: Arg) -> Result<(), BoxDynError> {
        match arg {
            Arg::Int(value) => to.add(value),
            Arg::Text(value) => to.add(value),
            Arg::Bytes(value) => to.add(value),
            Arg::Ints(values) => to.add(serde_json::to_string(&values)?),
            Arg::Texts(values) => to.add(serde_json::to_string(&values)?),
            Arg::Blobs(values) => to.add(serde_json::to_string(&values)?),
        }
    }
}

fn arguments<DB: Takes>(args: Vec<Arg>) -> super::Result<DB::Arguments> {
    let mut all = DB::Arguments::default();
    for arg in args {
        DB::add(&mut all, arg).map_err(sqlx::Error::Encode)?;
    }
    Ok(all)
}

pub(super) fn query<DB: Takes>(
    sql: impl SqlSafeStr,
    args: Vec<Arg>,
) -> super::Result<Query<'static, DB, DB::Arguments>>
where
    DB::Arguments: IntoArguments<DB>,
{
    Ok(sqlx::query_with(sql, arguments::<DB>(args)?))
}

pub(super) fn query_as<DB: Takes, T>(
    sql: impl SqlSafeStr,
    args: Vec<Arg>,
) -> super::Result<QueryAs<'static, DB, T, DB::Arguments>>
where
    T: for<'r> FromRow<'r, DB::Row>,
    DB::Arguments: IntoArguments<DB>,
{
    Ok(sqlx::query_as_with(sql, arguments::<DB>(args)?))
}
