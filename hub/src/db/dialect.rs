//! What SQLite and PostgreSQL do not share, as named fragments.

/// The texts of a JSON array bound as `$n`, as a list to look in: `id in {texts}`.
macro_rules! texts {
    (sqlite, $n:literal) => {
        concat!("(select value from json_each($", $n, "))")
    };
    (postgres, $n:literal) => {
        concat!("(select json_array_elements_text(cast($", $n, " as json)))")
    };
}
pub(crate) use texts;

/// Whether a column holds one of the texts of argument `n`, a list ([`crate::db::Arg::texts`]).
macro_rules! one_of {
    (sqlite, $column:literal, $n:literal) => {
        concat!($column, " in (select value from json_each($", $n, "))")
    };
    (postgres, $column:literal, $n:literal) => {
        concat!($column, " = any($", $n, ")")
    };
}
pub(crate) use one_of;

/// The text at a path of a column of JSON, null where there is none: `json_text!(sqlite, "i.data", "subject", "seat")`.
/// What is no text there comes as it is written.
macro_rules! json_text {
    (sqlite, $column:literal, $first:literal $(, $rest:literal)*) => {
        concat!("json_extract(", $column, ", '$.", $first $(, ".", $rest)*, "')")
    };
    (postgres, $column:literal, $first:literal $(, $rest:literal)*) => {
        concat!("(cast(", $column, " as json) #>> '{", $first $(, ",", $rest)*, "}')")
    };
}
pub(crate) use json_text;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The type of a column of bytes.
    pub fn bytes(self) -> &'static str {
        match self {
            Self::Sqlite => "blob",
            Self::Postgres => "bytea",
        }
    }

    /// Migration text with its fragments filled in: `{bytes}`.
    pub fn expand(self, sql: &str) -> String {
        sql.replace("{bytes}", self.bytes())
    }
}
