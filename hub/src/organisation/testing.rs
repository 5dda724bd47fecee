//! Areas of tests.

use protocol::UtcMs;

use super::{ImportError, Imported};
use crate::admin::By;
use crate::db::Db;

/// Takes a sheet of areas as whoever sits at the hub's machine does.
pub(crate) async fn import_areas(
    db: &Db,
    tenant: &str,
    bytes: &[u8],
    dry_run: bool,
) -> Result<Imported, ImportError> {
    super::import_areas(db, tenant, bytes, dry_run, &By::cli(UtcMs(1))).await
}
