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
