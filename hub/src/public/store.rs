//! SQL of what is told to whoever has a number and its code.

use protocol::UtcMs;

use crate::args;
use crate::db::{Db, Result, Tx, from_row};

pub(super) async fn code(db: &Db, tenant: &str, case_id: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select code from public_codes where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    Ok(row.map(|(code,)| code))
}

const PUT_CODE: &str = "insert into public_codes (tenant, case_id, code, made_at_ms) values ($1, $2, $3, $4)
    on conflict (tenant, case_id) do nothing";

/// Keeps a code unless the case has one.
pub(super) async fn put_code(db: &Db, tenant: &str, case_id: &str, code: &str, now: UtcMs) -> Result<()> {
    db.execute(PUT_CODE, args![tenant, case_id, code, now]).await?;
    Ok(())
}

pub(super) async fn put_code_in(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    code: &str,
    now: UtcMs,
) -> Result<()> {
    tx.execute(PUT_CODE, args![tenant, case_id, code, now]).await?;
    Ok(())
}

/// A case as far as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) case_id: String,
    pub(super) number: String,
    pub(super) state: String,
    pub(super) source: String,
    pub(super) drill: i64,
    pub(super) confidential: i64,
    pub(super) area: String,
    /// As it was filed, or as it was told by who reported it.
    pub(super) category: Option<String>,
    pub(super) unit_zh: Option<String>,
    pub(super) unit_en: Option<String>,
    pub(super) void_reason: Option<String>,
    pub(super) joined_into: Option<String>,
    pub(super) opened_at_ms: i64,
    pub(super) closed_at_ms: Option<i64>,
    pub(super) code: Option<String>,
}

from_row!(Found: case_id, number, state, source, drill, confidential, area, category, unit_zh, unit_en, void_reason,
    joined_into, opened_at_ms, closed_at_ms, code);

/// By its number, whatever it is: the caller compares the code.
pub(super) async fn found(db: &Db, tenant: &str, number: &str) -> Result<Option<Found>> {
    db.fetch_optional(
        "select c.case_id, c.number, c.state, c.source, c.drill, c.confidential, c.area,
                coalesce(c.category, o.service_code) as category, u.name_zh as unit_zh, u.name_en as unit_en,
                c.void_reason, c.joined_into, c.opened_at_ms, c.closed_at_ms, p.code
         from cases c
         left join public_codes p on p.tenant = c.tenant and p.case_id = c.case_id
         left join open311_requests o on o.tenant = c.tenant and o.case_id = c.case_id
         left join units u on u.tenant = c.tenant and u.unit = c.lead_unit
         where c.tenant = $1 and c.number = $2",
        args![tenant, number],
    )
    .await
}

/// What somebody did to a case: action, when, detail.
pub(super) async fn deeds(
    db: &Db,
    tenant: &str,
    case_id: &str,
    most: i64,
) -> Result<Vec<(String, i64, String)>> {
    let mut rows: Vec<(String, i64, String)> = db
        .fetch_all(
            "select action, at_ms, detail from case_history
             where tenant = $1 and case_id = $2
               and action in ('filed', 'handled_here', 'voided', 'joined_into', 'dispatched', 'accepted', 'reported',
                              'rework', 'closed', 'called_back', 'reopened')
             order by position desc limit $3",
            args![tenant, case_id, most],
        )
        .await?;
    rows.reverse();
    Ok(rows)
}

const AREAS: &str = "select level, name_zh, name_en from areas
    where tenant = $1 and substr(cast($2 as text), 1, length(path)) = path order by length(path)";

/// Level and names of the areas in which a place lies, from the top.
pub(crate) async fn areas(db: &Db, tenant: &str, path: &str) -> Result<Vec<(String, String, String)>> {
    db.fetch_all(AREAS, args![tenant, path]).await
}

pub(crate) async fn areas_in(tx: &mut Tx, tenant: &str, path: &str) -> Result<Vec<(String, String, String)>> {
    tx.fetch_all(AREAS, args![tenant, path]).await
}

/// Notes that somebody asks, under each subject.
pub(crate) async fn note_try(
    db: &Db,
    tenant: &str,
    try_id: &str,
    subjects: &[String],
    now: UtcMs,
) -> Result<()> {
    let mut tx = db.begin().await?;
    for subject in subjects {
        tx.execute(
            "insert into public_tries (tenant, try_id, subject, at_ms) values ($1, $2, $3, $4)",
            args![tenant, try_id, subject, now],
        )
        .await?;
    }
    tx.commit().await
}

/// Takes a try back: it was right, or it did not count.
pub(crate) async fn forget_try(db: &Db, tenant: &str, try_id: &str) -> Result<()> {
    db.execute("delete from public_tries where tenant = $1 and try_id = $2", args![tenant, try_id]).await?;
    Ok(())
}

pub(crate) async fn tries(db: &Db, tenant: &str, subject: &str, since: UtcMs) -> Result<i64> {
    let (count,): (i64,) = db
        .fetch_one(
            "select count(*) from public_tries where tenant = $1 and subject = $2 and at_ms > $3",
            args![tenant, subject, since],
        )
        .await?;
    Ok(count)
}

/// Removes tries that count no more. Safe to run twice.
pub(super) async fn forget_tries(db: &Db, before: UtcMs) -> Result<u64> {
    db.execute("delete from public_tries where at_ms <= $1", args![before]).await
}
