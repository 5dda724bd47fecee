//! What a table holds, in short: how many rows, and the SHA-256 over all of them.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::db::Tx;
use crate::db::table::{self, Table};

/// Equal on SQLite and PostgreSQL when the rows are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    pub rows: u64,
    pub sha256: String,
}

/// A content that is still being read.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    sha: Sha256,
}

impl Tally {
    /// Lines as [`table::line`] makes them, whole ones.
    pub(super) fn add(&mut self, lines: &[u8]) {
        self.rows += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.sha.update(lines);
    }

    pub(super) fn end(self) -> Content {
        Content { rows: self.rows, sha256: hex::encode(self.sha.finalize()) }
    }
}

/// Reads a whole table.
pub(super) async fn of(tx: &mut Tx, table: &Table) -> anyhow::Result<Content> {
    let mut tally = Tally::default();
    tx.each_rows(table, async |rows| {
        for row in rows {
            tally.add(table::line(&row).as_bytes());
        }
        Ok(())
    })
    .await?;
    Ok(tally.end())
}
