//! SQL of notices.

use protocol::UtcMs;

use super::{Notice, Received};
use crate::args;
use crate::db::{Db, Result, Tx};

pub(super) async fn insert(tx: &mut Tx, tenant: &str, id: &str, notice: &Notice, now: UtcMs) -> Result<bool> {
    let made = tx
        .execute(
            "insert into notices (tenant, notice_id, cause, kind, severity, case_number, text_zh, text_en, made_at_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant, cause) do nothing",
            args![
                tenant,
                id,
                &notice.cause,
                notice.kind.as_str(),
                notice.severity.as_str(),
                &notice.case_number,
                &notice.text_zh,
                &notice.text_en,
                now
            ],
        )
        .await?;
    if made == 0 {
        return Ok(false);
    }
    for audience in &notice.audience {
        tx.execute(
            "insert into notice_audience (tenant, notice_id, user_name, unit, role, area)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (tenant, notice_id, user_name, unit, role, area) do nothing",
            args![tenant, id, &audience.user, &audience.unit, &audience.role, &audience.area],
        )
        .await?;
    }
    Ok(true)
}

/// Whether a notice `n` is for the user `$2`.
macro_rules! for_user {
    () => {
        "exists (
             select 1 from notice_audience a
             where a.tenant = n.tenant and a.notice_id = n.notice_id
               and (a.user_name = $2 or exists (
                    select 1 from grants g
                    where g.tenant = a.tenant and g.user_name = $2
                      and ((a.unit <> '' and g.unit = a.unit)
                           or (a.role <> '' and g.role = a.role and substr(a.area, 1, length(g.area)) = g.area)))))"
    };
}

pub(super) async fn of_user(
    db: &Db,
    tenant: &str,
    user: &str,
    unread_only: bool,
    limit: i64,
) -> Result<Vec<Received>> {
    db.fetch_all(
        concat!(
            "select n.notice_id, n.kind, n.severity, n.case_number, n.text_zh, n.text_en, n.made_at_ms, r.read_at_ms
             from notices n
             left join notice_reads r on r.tenant = n.tenant and r.notice_id = n.notice_id and r.user_name = $2
             where n.tenant = $1 and ($3 = 0 or r.read_at_ms is null) and ",
            for_user!(),
            " order by n.made_at_ms desc, n.notice_id desc limit $4"
        ),
        args![tenant, user, unread_only, limit],
    )
    .await
}

pub(super) async fn read(db: &Db, tenant: &str, user: &str, id: &str, now: UtcMs) -> Result<bool> {
    db.execute(
        concat!(
            "insert into notice_reads (tenant, notice_id, user_name, read_at_ms)
             select n.tenant, n.notice_id, cast($2 as text), cast($4 as bigint) from notices n
             where n.tenant = $1 and n.notice_id = $3 and ",
            for_user!(),
            " on conflict (tenant, notice_id, user_name) do nothing"
        ),
        args![tenant, user, id, now],
    )
    .await?;
    let row: Option<(i64,)> = db
        .fetch_optional(
            "select read_at_ms from notice_reads where tenant = $1 and user_name = $2 and notice_id = $3",
            args![tenant, user, id],
        )
        .await?;
    Ok(row.is_some())
}

pub(super) async fn prune(db: &Db, before_ms: i64) -> Result<u64> {
    // Most passes find nothing, and look at one row.
    let old: Option<(String,)> = db
        .fetch_optional("select notice_id from notices where made_at_ms < $1 limit 1", args![before_ms])
        .await?;
    if old.is_none() {
        return Ok(0);
    }
    for sql in [
        "delete from notice_audience where exists (
             select 1 from notices n where n.tenant = notice_audience.tenant
               and n.notice_id = notice_audience.notice_id and n.made_at_ms < $1)",
        "delete from notice_reads where exists (
             select 1 from notices n where n.tenant = notice_reads.tenant
               and n.notice_id = notice_reads.notice_id and n.made_at_ms < $1)",
        "delete from notices where made_at_ms < $1",
    ] {
        db.execute(sql, args![before_ms]).await?;
    }
    Ok(1)
}
