//! The durable log of what changed, which live pages read.
//!
//! Positions are given at the end of the transaction that makes the changes, all at once, under the tenant's lock,
//! so position order is commit order: a reader who has seen position N has seen everything before it. Wake-ups
//! only save waiting; the log alone is the truth.

mod store;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tail::Tail;
use tokio::sync::watch;

use crate::db::from_row;
use crate::db::{Db, Result, Tx};

/// How long a reader waits before it looks by itself: another replica's changes arrive without a wake-up.
pub const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeTopic {
    /// Subject: case number. Also when its evidence arrived or a command about it was answered.
    Case,
    /// Subject: device id.
    Device,
    /// Subject: command id.
    Command,
    /// Subject: quarantine id.
    Quarantine,
    /// Subject: notice id; whom it is for is asked with it.
    Notice,
}

impl ChangeTopic {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::Device => "device",
            Self::Command => "command",
            Self::Quarantine => "quarantine",
            Self::Notice => "notice",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Change {
    pub position: i64,
    pub at_ms: i64,
    /// `case`, `device`, `command`, `quarantine` or `notice`.
    pub topic: String,
    pub subject: String,
}

from_row!(Change: position, at_ms, topic, subject);

/// The reading side. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ChangeFeed {
    db: Db,
    wake: Arc<watch::Sender<u64>>,
    tail: Arc<Tail>,
}

impl ChangeFeed {
    pub fn new(db: Db) -> Self {
        Self { db, wake: Arc::new(watch::Sender::new(0)), tail: Arc::default() }
    }

    /// Changes after `position`, oldest first.
    pub async fn after(&self, tenant: &str, position: i64, limit: i64) -> Result<Vec<Change>> {
        store::after(&self.db, tenant, position, limit).await
    }

    /// What whoever follows the log is told: the same, without cases that this user may not see (their numbers would tell),
    /// and the position up to which it goes.
    pub async fn visible_after(
        &self,
        tenant: &str,
        user: &str,
        position: i64,
        limit: usize,
    ) -> Result<(Vec<Arc<Change>>, i64)> {
        let wakes = *self.wake.borrow();
        let mut all = self.tail.after(&self.db, tenant, position, limit, wakes).await?;
        let last = all.last().map_or(position, |change| change.position);
        self.tail.keep_visible(&self.db, tenant, user, position, &mut all).await?;
        Ok((all, last))
    }

    /// The newest position; 0 before any change.
    pub async fn newest(&self, tenant: &str) -> Result<i64> {
        store::newest(&self.db, tenant).await
    }

    /// The oldest position still kept; a reader from further back must read everything anew.
    pub async fn oldest(&self, tenant: &str) -> Result<Option<i64>> {
        store::oldest(&self.db, tenant).await
    }

    /// Call after the commit of a transaction that recorded changes.
    pub fn wake(&self) {
        self.wake.send_modify(|count| *count += 1);
    }

    /// Wakes a reader when something may have changed; after [`LOOK_AGAIN`] he looks by himself.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    /// Forgets changes older than `before_ms`.
    pub async fn prune(&self, before_ms: i64) -> Result<u64> {
        store::prune(&self.db, before_ms).await
    }
}

/// A change that a transaction made, before it has its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    tenant: String,
    at: protocol::UtcMs,
    topic: ChangeTopic,
    subject: String,
}

/// Notes a change inside `tx`, which must hold the tenant's lock; it gets its position at the commit.
pub fn record(tx: &mut Tx, tenant: &str, now: protocol::UtcMs, topic: ChangeTopic, subject: &str) {
    tx.changed(Noted { tenant: tenant.to_owned(), at: now, topic, subject: subject.to_owned() });
}

/// Gives the changes of a transaction their positions, as its last act.
pub(crate) async fn write(tx: &mut Tx, changes: Vec<Noted>) -> Result<()> {
    store::write(tx, changes).await
}
