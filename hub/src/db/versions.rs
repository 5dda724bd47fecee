//! Texts that are kept in versions and only ever added to: policies, maps of grids, gazetteers. The newest one is in force.

use super::{Arg, Db, Result, Tx};
use crate::args;

/// A table of versions: by tenant and version, with the text as `content`. Whatever else it says of them, and how one is added,
/// is its own store's.
#[derive(Clone, Copy, Debug)]
pub struct Versions {
    newest: &'static str,
    text: &'static str,
    /// Which version is in force, as a transaction learns it.
    learned: &'static str,
}

/// Those of a table by its name.
macro_rules! versions {
    ($table:literal) => {
        $crate::db::versions::Versions::new(
            concat!("select coalesce(max(version), 0) from ", $table, " where tenant = $1"),
            concat!("select content from ", $table, " where tenant = $1 and version = $2"),
            concat!("newest of ", $table),
        )
    };
}
pub(crate) use versions;

impl Versions {
    /// For [`versions`].
    pub(crate) const fn new(newest: &'static str, text: &'static str, learned: &'static str) -> Self {
        Self { newest, text, learned }
    }

    /// The newest version; 0 without any.
    pub async fn newest(&self, db: &Db, tenant: &str) -> Result<i64> {
        let (version,): (i64,) = db.fetch_one(self.newest, args![tenant]).await?;
        Ok(version)
    }

    /// The same under the tenant's lock.
    pub async fn newest_in(&self, tx: &mut Tx, tenant: &str) -> Result<i64> {
        if let Some(Arg::Int(Some(version))) = tx.known(self.learned, tenant) {
            return Ok(*version);
        }
        let (version,): (i64,) = tx.fetch_one(self.newest, args![tenant]).await?;
        self.is_newest(tx, tenant, version);
        Ok(version)
    }

    /// To be said by whoever adds one.
    pub fn is_newest(&self, tx: &mut Tx, tenant: &str, version: i64) {
        tx.learn(self.learned, tenant, version);
    }

    /// What a version says; nothing where there is none.
    pub async fn text(&self, db: &Db, tenant: &str, version: i64) -> Result<Option<String>> {
        let row: Option<(String,)> = db.fetch_optional(self.text, args![tenant, version]).await?;
        Ok(row.map(|(text,)| text))
    }

    /// The same in a transaction.
    pub async fn text_in(&self, tx: &mut Tx, tenant: &str, version: i64) -> Result<Option<String>> {
        let row: Option<(String,)> = tx.fetch_optional(self.text, args![tenant, version]).await?;
        Ok(row.map(|(text,)| text))
    }
}
