//! SQL that only pages need.

use crate::args;
use crate::case::CaseEvidence;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result};
use crate::intake::Quarantined;
use crate::intake::store::seen_message;

macro_rules! answers {
    ($dialect:ident) => {
        concat!(
            "select l.owner_id as case_id, l.sha256, l.kind, l.media_type, l.size_bytes, l.delivery, l.starts_at_ms,
                    l.duration_ms, l.masked, l.footage, l.copy_of, l.blurred, e.stored_at_ms
             from evidence_links l
             left join evidence e on e.tenant = l.tenant and e.device_id = l.device_id and e.sha256 = l.sha256
             where l.tenant = $1 and l.owner = 'command' and l.kind in ('still', 'clip') and l.owner_id in ",
            texts!($dialect, 2),
            " order by l.starts_at_ms desc"
        )
    };
}

/// Pictures and clips that came as the answers of these commands; `case_id` holds the command's id.
pub(super) async fn answers_of(db: &Db, tenant: &str, command_ids: &[&str]) -> Result<Vec<CaseEvidence>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => answers!(sqlite),
        Dialect::Postgres => answers!(postgres),
    };
    db.fetch_all(sql, args![tenant, serde_json::Value::from(command_ids).to_string()]).await
}

/// What of one box is in quarantine, newest first.
pub(super) async fn quarantined_of(
    db: &Db,
    tenant: &str,
    user: &str,
    device_id: &str,
    limit: i64,
) -> Result<Vec<Quarantined>> {
    db.fetch_all(
        concat!(
            "select quarantine_id, device_id, topic, message_id, reason, received_at_ms,
                    cast(length(content) as bigint) as size_bytes
             from quarantine q where tenant = $1 and device_id = $2",
            seen_message!("$4"),
            " order by received_at_ms desc, quarantine_id limit $3"
        ),
        args![tenant, device_id, limit, user],
    )
    .await
}

pub(super) async fn count_quarantined(db: &Db, tenant: &str, device_id: &str) -> Result<i64> {
    let (count,): (i64,) = db
        .fetch_one(
            "select count(*) from quarantine where tenant = $1 and device_id = $2",
            args![tenant, device_id],
        )
        .await?;
    Ok(count)
}
