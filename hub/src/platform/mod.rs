//! The platform above: its tickets in, progress and results out. `docs/PLATFORM.md` has the JSON with examples.
//!
//! A ticket is a case of source `platform`, received at the county; it is known by the platform's own id, and a revision
//! that is sent again, or late, changes nothing. Progress is read from the histories of those cases and kept in positions of
//! its own, so that whoever was away asks from his last one and misses nothing; what is told twice is told in the same words.
//! A case that was joined to another is followed there.
//!
//! A platform shows a key of its own: it is nobody's session and opens nothing else. Deliberately absent: any call outwards.
//! The platform asks; a network that lets the hub call out is not needed.

pub mod cli;
mod key;
mod progress;
mod store;
#[cfg(test)]
mod tests;
mod ticket;

pub use key::{Key, add as add_key, of as platform_of, revoke as revoke_key};
pub use progress::{MOST, Progress, ProgressError, acknowledge, after};
pub use ticket::{Given, Taken, TicketError, take};

use protocol::UtcMs;

use crate::db::{Db, Result};

/// Progress that was confirmed is kept for so long.
const KEEP_MS: i64 = 90 * 86_400_000;

/// What the platform's category of a case's ticket was understood as; nothing for other cases.
pub async fn category_of(db: &Db, tenant: &str, case_id: &str) -> Result<Option<String>> {
    store::category_of(db, tenant, case_id).await
}

/// Forgets old progress that was confirmed. Safe to run twice.
pub async fn prune(db: &Db, now: UtcMs) -> Result<u64> {
    store::prune(db, now.0 - KEEP_MS).await
}
