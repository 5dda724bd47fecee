//! A look at an outbox from outside, for people: also while an agent works with it.

use std::path::Path;
use std::time::Duration;

use protocol::UtcMs;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{OutboxError, Rejected, store};

/// What is shown of the rejected.
const NEWEST: u32 = 3;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    pub waiting_rows: u64,
    pub rejected_rows: u64,
    /// The newest of them.
    pub rejected: Vec<Rejected>,
}

/// `None` when there is no outbox yet, or one of another version.
pub async fn peek(data_dir: &Path) -> Result<Option<Glimpse>, OutboxError> {
    let path = data_dir.join("outbox.sqlite");
    if !path.exists() {
        return Ok(None);
    }
    let options =
        SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(Duration::from_secs(2));
    let mut db = options.connect().await?;
    if store::schema_version(&mut db).await? != store::SCHEMA_VERSION {
        return Ok(None);
    }
    let stats = store::stats(&mut db, UtcMs(0)).await?;
    let rejected = store::rejected(&mut db, NEWEST).await?;
    db.close().await?;
    Ok(Some(Glimpse { waiting_rows: stats.rows, rejected_rows: stats.rejected_rows, rejected }))
}
