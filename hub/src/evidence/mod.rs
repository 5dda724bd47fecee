//! Files addressed by content, received by tus 1.0, shown only when an incident or an answer names them.
//!
//! Content is kept once, permission is not: equal bytes in two cases are one file, and what was released for one
//! case stays closed for the other ([`Grant`]). Nor is it across boxes: a file is the evidence of the box that sent it,
//! whole, and an incident shows only what its own box has sent. Knowing a hash is not having the content.
//!
//! A file arrives under `uploads/`, is hashed when whole, and moves to `evidence/{tenant}/ab/cdef…` with one
//! rename after it was synced. Its row is written after the rename: a row means a whole, verified file.

pub mod store;
#[cfg(test)]
mod tests;
pub mod tus;
#[cfg(test)]
mod tuspy;
mod upload;
mod whole;

use std::path::PathBuf;
use std::sync::Arc;

use protocol::{Chance, Clock, Sha256Hex, TenantId};

pub use upload::{Announced, Standing, UploadError};

use crate::change::ChangeFeed;
use crate::config::Config;
use crate::db::Db;
use crate::db::from_row;
use crate::metrics::Metrics;

/// One reason why a file that is here may be shown. Equal content named by two cases has one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// `None` for the answer to a request about no case.
    pub case_number: Option<String>,
    pub call_id: Option<String>,
    /// Where the case lies, or the box that answered.
    pub area: String,
    pub kind: String,
    pub media_type: String,
    pub size_bytes: i64,
}

from_row!(Grant: case_number, call_id, area, kind, media_type, size_bytes);

/// The store of files. Cheap to clone.
#[derive(Clone, Debug)]
pub struct EvidenceStore {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<Chance>,
    pub(crate) changes: ChangeFeed,
    metrics: Arc<Metrics>,
    limits: upload::Limits,
    upload_life_ms: i64,
    busy: upload::Busy,
    folder: Arc<PathBuf>,
}

impl EvidenceStore {
    /// Files live under the data folder.
    pub fn open(
        db: Db,
        clock: Arc<dyn Clock>,
        chance: Arc<Chance>,
        changes: ChangeFeed,
        metrics: Arc<Metrics>,
        config: &Config,
    ) -> std::io::Result<Self> {
        let data_dir = config.hub.data_dir.clone();
        for name in ["evidence", "uploads"] {
            std::fs::create_dir_all(data_dir.join(name))?;
        }
        Ok(Self {
            db,
            clock,
            chance,
            changes,
            metrics,
            limits: upload::Limits {
                unlinked_bytes: i64::try_from(config.evidence.unlinked_quota_bytes).unwrap_or(i64::MAX),
                daily_bytes: i64::try_from(config.evidence.device_daily_bytes).unwrap_or(i64::MAX),
                keep_free_bytes: config.evidence.keep_free_bytes,
            },
            upload_life_ms: i64::from(config.evidence.upload_life_hours) * 3_600_000,
            busy: upload::Busy::default(),
            folder: Arc::new(data_dir),
        })
    }

    /// Where the file of this content is or will be.
    pub fn path(&self, tenant: &TenantId, sha256: &Sha256Hex) -> PathBuf {
        let (head, tail) = sha256.as_str().split_at(2);
        self.folder.join("evidence").join(tenant.as_str()).join(head).join(tail)
    }

    pub(crate) fn upload_path(&self, upload_id: &str) -> PathBuf {
        self.folder.join("uploads").join(upload_id)
    }

    /// Why the file may be shown to this user (nothing: to the hub itself), with this case or at all; empty when it may
    /// not, or is not here.
    pub async fn grants(
        &self,
        tenant: &TenantId,
        sha256: &Sha256Hex,
        case_number: Option<&str>,
        user: &str,
    ) -> crate::db::Result<Vec<Grant>> {
        store::grants(&self.db, tenant, sha256, case_number, user).await
    }
}
