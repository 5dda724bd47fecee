//! The entries in memory, read anew after an import, by this process or another.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use protocol::UtcMs;

use super::{Index, store};
use crate::db::{Db, Error, Result};

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Arc<Mutex<Option<Kept>>>);

#[derive(Debug)]
struct Kept {
    tenant: String,
    revision: i64,
    index: Arc<Index>,
}

impl Shelf {
    /// As they are now: asks the database for one number, and for the entries when it is another one.
    pub async fn index(&self, db: &Db, tenant: &str) -> Result<Arc<Index>> {
        // Read before the entries: what is imported in between is noticed the next time.
        let revision = store::revision(db, tenant).await?;
        if let Some(kept) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && kept.revision == revision
            && kept.tenant == tenant
        {
            return Ok(kept.index.clone());
        }
        let entries = store::list(db, tenant).await?;
        // Thousands of them take a while.
        let built = tokio::task::spawn_blocking(move || Index::new(entries)).await;
        let index = Arc::new(built.map_err(|_| Error::WorkerCrashed)?);
        let kept = Kept { tenant: tenant.to_owned(), revision, index: index.clone() };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(index)
    }
}

/// The local day as entries write it, `2026-03-18`.
pub fn today(now: UtcMs, zone: &TimeZone) -> String {
    let now = jiff::Timestamp::from_millisecond(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    now.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d").to_string()
}
