//! SQL of the register of who looked at what.

use protocol::UtcMs;

use crate::args;
use crate::db::{Db, Result, Tx, from_row};

/// One row of the access register.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Access {
    pub at_ms: i64,
    pub user_name: String,
    pub sha256: String,
    pub kind: String,
    /// `view`, `download`, `listen` or, of a callback number, `see`.
    pub act: String,
    pub purpose: String,
    /// The case it was looked at for; none for the answer to a request about no case.
    pub case_number: Option<String>,
    /// The call, for a recording.
    pub call_id: Option<String>,
}

from_row!(Access: at_ms, user_name, sha256, kind, act, purpose, case_number, call_id);

/// Writes the row unless the same one was written after `since`: a player asks for one file in many ranges.
pub(in crate::user) async fn register(
    db: &Db,
    tenant: &str,
    access_id: &str,
    access: &Access,
    since: UtcMs,
) -> Result<()> {
    db.execute(
        "insert into access_register (tenant, access_id, at_ms, user_name, sha256, kind, act, purpose, case_number,
             call_id)
         select cast($1 as text), cast($2 as text), cast($3 as bigint), cast($4 as text), cast($5 as text),
                cast($6 as text), cast($7 as text), cast($8 as text), cast($10 as text), cast($11 as text)
         where not exists (select 1 from access_register where tenant = $1 and sha256 = $5 and at_ms > $9
                           and user_name = $4 and act = $7 and purpose = $8
                           and coalesce(case_number, '') = coalesce($10, ''))",
        args![
            tenant,
            access_id,
            access.at_ms,
            &access.user_name,
            &access.sha256,
            &access.kind,
            &access.act,
            &access.purpose,
            since,
            access.case_number.clone(),
            access.call_id.clone()
        ],
    )
    .await?;
    Ok(())
}

/// Writes the row whatever was written before.
pub(in crate::user) async fn register_each(
    tx: &mut Tx,
    tenant: &str,
    access_id: &str,
    access: &Access,
) -> Result<()> {
    tx.execute(
        "insert into access_register (tenant, access_id, at_ms, user_name, sha256, kind, act, purpose, case_number,
             call_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            tenant,
            access_id,
            access.at_ms,
            &access.user_name,
            &access.sha256,
            &access.kind,
            &access.act,
            &access.purpose,
            access.case_number.clone(),
            access.call_id.clone()
        ],
    )
    .await?;
    Ok(())
}

pub(in crate::user) async fn register_of_case(
    db: &Db,
    tenant: &str,
    number: &str,
    kind: &str,
) -> Result<Vec<Access>> {
    db.fetch_all(
        "select at_ms, user_name, sha256, kind, act, purpose, case_number, call_id from access_register
         where tenant = $1 and case_number = $2 and kind = $3 order by at_ms desc, access_id desc limit 1000",
        args![tenant, number, kind],
    )
    .await
}

pub(in crate::user) async fn register_of(db: &Db, tenant: &str, sha256: &str) -> Result<Vec<Access>> {
    db.fetch_all(
        "select at_ms, user_name, sha256, kind, act, purpose, case_number, call_id from access_register
         where tenant = $1 and sha256 = $2 order by at_ms desc, access_id desc limit 1000",
        args![tenant, sha256],
    )
    .await
}
