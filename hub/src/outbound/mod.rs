//! What leaves the hub: notices to groups, mailboxes, telephones and browsers, and the changes of cases to other systems.
//!
//! A row of the outbox is written in the transaction that has the cause: one for each notice, channel and receiver
//! ([`told`]), and one for each history row and webhook ([`CaseEvent`], written at the commit). The [`Sender`] claims rows
//! by lease, so that several hubs share the work, sends them outside any transaction, and notes what came of it. Between
//! the sending and the note a crash lets one message leave twice; it carries the same id both times. See docs/OUTBOUND.md.
//!
//! Nobody is told the number of a reporter, or what a caller said: titles of calls are made of their category
//! ([`telling`]). A confidential case is told as number and state.

mod channel;
pub mod cli;
pub mod config;
mod event;
mod facts;
mod form;
pub mod push;
mod reach;
mod retry;
mod rule;
mod sender;
mod sign;
mod store;
mod telling;
#[cfg(test)]
mod tests;
mod words;

use protocol::UtcMs;

pub use channel::Channel;
pub use sender::Sender;
pub(crate) use telling::{told, write};

use crate::db::{self, Db};

/// What was sent is kept so long.
pub const KEEP_SENT_MS: i64 = 30 * DAY_MS;
/// What was given up, too: as long as notices are.
pub const KEEP_GIVEN_UP_MS: i64 = 90 * DAY_MS;
const DAY_MS: i64 = 86_400_000;

/// A row of a case's history that a transaction has written; told to other systems at its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseEvent {
    pub tenant: String,
    pub case_id: String,
    pub position: i64,
    pub at: UtcMs,
    pub action: String,
}

/// Forgets what was sent or given up long ago. Safe to run twice.
pub async fn prune(db: &Db, now: UtcMs) -> db::Result<u64> {
    store::prune(db, now.plus_ms(-KEEP_SENT_MS), now.plus_ms(-KEEP_GIVEN_UP_MS)).await
}
