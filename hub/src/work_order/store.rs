//! SQL of what is printed besides the case.

use crate::args;
use crate::db::{Db, Result};

/// What was told when the case was reported by hand: JSON.
pub(super) async fn told(db: &Db, tenant: &str, case_id: &str) -> Result<Option<String>> {
    newest(db, tenant, case_id, "told").await
}

/// The row of the newest dispatch: JSON.
pub(super) async fn dispatch_note(db: &Db, tenant: &str, case_id: &str) -> Result<Option<String>> {
    newest(db, tenant, case_id, "dispatched").await
}

async fn newest(db: &Db, tenant: &str, case_id: &str, action: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select detail from case_history where tenant = $1 and case_id = $2 and action = $3
             order by position desc limit 1",
            args![tenant, case_id, action],
        )
        .await?;
    Ok(row.map(|(detail,)| detail))
}

/// Id, Chinese and English name of each unit.
pub(super) async fn unit_names(db: &Db, tenant: &str) -> Result<Vec<(String, String, String)>> {
    db.fetch_all("select unit, name_zh, name_en from units where tenant = $1", args![tenant]).await
}
