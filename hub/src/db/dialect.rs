//! What SQLite and PostgreSQL do not share, as named fragments.

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
