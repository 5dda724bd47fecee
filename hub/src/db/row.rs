//! Rows of both databases as structs. sqlx's own `derive` would have both drivers, and SQLite itself, compiled a second time,
//! for the compiler's use alone.

/// `from_row!(Point: x, y)`: each field is read from the column of its name; `; flat inner` reads a further field of the
/// struct from the same row, `; empty rest` leaves one as it is by default.
macro_rules! from_row {
    (@of $row:ty, $name:ident: $($field:ident),+ $(; flat $flat:ident)? $(; empty $empty:ident)?) => {
        impl sqlx::FromRow<'_, $row> for $name {
            fn from_row(row: &$row) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                Ok(Self {
                    $($field: row.try_get(stringify!($field))?,)+
                    $($flat: sqlx::FromRow::from_row(row)?,)?
                    $($empty: Default::default(),)?
                })
            }
        }
    };
    ($name:ident: $($fields:tt)+) => {
        $crate::db::from_row!(@of sqlx::sqlite::SqliteRow, $name: $($fields)+);
        $crate::db::from_row!(@of sqlx::postgres::PgRow, $name: $($fields)+);
    };
}
pub(crate) use from_row;
