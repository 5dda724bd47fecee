//! Query arguments that both databases take.

use sqlx::query::{Query, QueryAs};
use sqlx::{Database, Encode, FromRow, SqlSafeStr, Type};

/// One bound value.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
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

pub(super) fn query<DB: Database>(sql: impl SqlSafeStr, args: Vec<Arg>) -> Query<'static, DB, DB::Arguments>
where
    Option<i64>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<String>: for<'t> Encode<'t, DB> + Type<DB>,
    Vec<u8>: for<'t> Encode<'t, DB> + Type<DB>,
{
    args.into_iter().fold(sqlx::query(sql), |query, arg| match arg {
        Arg::Int(value) => query.bind(value),
        Arg::Text(value) => query.bind(value),
        Arg::Bytes(value) => query.bind(value),
    })
}

pub(super) fn query_as<DB: Database, T>(
    sql: impl SqlSafeStr,
    args: Vec<Arg>,
) -> QueryAs<'static, DB, T, DB::Arguments>
where
    T: for<'r> FromRow<'r, DB::Row>,
    Option<i64>: for<'t> Encode<'t, DB> + Type<DB>,
    Option<String>: for<'t> Encode<'t, DB> + Type<DB>,
    Vec<u8>: for<'t> Encode<'t, DB> + Type<DB>,
{
    args.into_iter().fold(sqlx::query_as(sql), |query, arg| match arg {
        Arg::Int(value) => query.bind(value),
        Arg::Text(value) => query.bind(value),
        Arg::Bytes(value) => query.bind(value),
    })
}
