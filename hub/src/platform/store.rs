//! SQL of platforms: their keys, tickets and progress.

use protocol::UtcMs;

use super::key::Key;
use crate::args;
use crate::db::{Db, Insert, Result, Tx, from_row};

const PROGRESS: Insert = Insert {
    into: "insert into platform_progress (tenant, platform, position, at_ms, ticket, content)",
    tail: "",
};

/// Rows of a history that are looked at in one go; more than any case has in practice.
const MOST_ROWS: i64 = 100_000;

pub(super) async fn put_key(db: &Db, tenant: &str, platform: &str, sha256: &str, now: UtcMs) -> Result<()> {
    db.execute(
        "insert into platform_keys (tenant, platform, key_sha256, made_at_ms) values ($1, $2, $3, $4)
         on conflict (tenant, platform) do update set key_sha256 = excluded.key_sha256,
             made_at_ms = excluded.made_at_ms, revoked_at_ms = null",
        args![tenant, platform, sha256, now],
    )
    .await?;
    Ok(())
}

pub(super) async fn revoke_key(db: &Db, tenant: &str, platform: &str, now: UtcMs) -> Result<bool> {
    let revoked = db
        .execute(
            "update platform_keys set revoked_at_ms = $3
             where tenant = $1 and platform = $2 and revoked_at_ms is null",
            args![tenant, platform, now],
        )
        .await?;
    Ok(revoked > 0)
}

pub(super) async fn keys(db: &Db, tenant: &str) -> Result<Vec<Key>> {
    db.fetch_all(
        "select platform, made_at_ms, revoked_at_ms, position, acked from platform_keys where tenant = $1
         order by platform",
        args![tenant],
    )
    .await
}

pub(super) async fn platform_of(db: &Db, tenant: &str, sha256: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select platform from platform_keys where tenant = $1 and key_sha256 = $2 and revoked_at_ms is null",
            args![tenant, sha256],
        )
        .await?;
    Ok(row.map(|(platform,)| platform))
}

/// A ticket as its newest revision left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) case_id: String,
    pub(super) revision: i64,
    pub(super) body_sha256: String,
    pub(super) category: String,
    pub(super) note: String,
}

from_row!(Known: case_id, revision, body_sha256, category, note);

pub(super) async fn ticket(tx: &mut Tx, tenant: &str, platform: &str, ticket: &str) -> Result<Option<Known>> {
    tx.fetch_optional(
        "select case_id, revision, body_sha256, category, note from platform_tickets
         where tenant = $1 and platform = $2 and ticket = $3",
        args![tenant, platform, ticket],
    )
    .await
}

pub(super) async fn put_ticket(
    tx: &mut Tx,
    tenant: &str,
    (platform, ticket): (&str, &str),
    known: &Known,
    told_category: &str,
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into platform_tickets (tenant, platform, ticket, case_id, revision, body_sha256, told_category,
             category, note, received_at_ms, updated_at_ms, told_rows)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, 0)
         on conflict (tenant, platform, ticket) do update set revision = excluded.revision,
             body_sha256 = excluded.body_sha256, told_category = excluded.told_category,
             category = excluded.category, note = excluded.note, updated_at_ms = excluded.updated_at_ms",
        args![
            tenant,
            platform,
            ticket,
            &known.case_id,
            known.revision,
            &known.body_sha256,
            told_category,
            &known.category,
            &known.note,
            now
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn category_of(db: &Db, tenant: &str, case_id: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select category from platform_tickets where tenant = $1 and case_id = $2 and told_category <> ''
             order by received_at_ms, ticket limit 1",
            args![tenant, case_id],
        )
        .await?;
    Ok(row.map(|(category,)| category))
}

/// Number and state of a case.
pub(super) async fn standing(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<(String, String)> {
    tx.fetch_one("select number, state from cases where tenant = $1 and case_id = $2", args![tenant, case_id])
        .await
}

/// What a case shows of a later revision.
pub(super) async fn amend_case(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    (title, place, confidential): (&str, &str, bool),
) -> Result<()> {
    tx.execute(
        "update cases set title_zh = $3, title_en = $3, place = $4,
             confidential = case when $5 = 1 then 1 else confidential end
         where tenant = $1 and case_id = $2",
        args![tenant, case_id, title, place, confidential],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_deadline(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    deadline: Option<UtcMs>,
) -> Result<()> {
    tx.execute(
        "update cases set deadline_ms = $3 where tenant = $1 and case_id = $2",
        args![tenant, case_id, deadline],
    )
    .await?;
    Ok(())
}

/// A case with rows of its history that were not looked at.
#[derive(Clone, Debug)]
pub(super) struct Behind {
    pub(super) ticket: String,
    pub(super) case_id: String,
    pub(super) number: String,
    pub(super) updated_at_ms: i64,
    pub(super) told_rows: i64,
    /// Number of the case in which the work goes on.
    pub(super) follows: Option<String>,
    /// Of the ticket itself; not of the case that it joined.
    pub(super) is_own: bool,
}

struct BehindRow {
    ticket: String,
    case_id: String,
    number: String,
    updated_at_ms: i64,
    told_rows: i64,
    follows: Option<String>,
    own: i64,
}

from_row!(BehindRow: ticket, case_id, number, updated_at_ms, told_rows, follows, own);

/// `$1` the tenant, `$2` the platform, `$3` how much clocks may differ. Its own cases are found by when they last changed, the
/// few that were joined one by one.
macro_rules! behind {
    ($columns_own:literal, $columns_followed:literal, $rest:literal) => {
        concat!(
            "select ", $columns_own, "
             from cases c
             join platform_tickets t on t.tenant = c.tenant and t.case_id = c.case_id and t.platform = $2
             where c.tenant = $1 and c.source = 'platform' and c.history_count > t.told_rows
               and c.updated_at_ms >= (select k.looked_at_ms - cast($3 as bigint) from platform_keys k
                                       where k.tenant = $1 and k.platform = $2)
             union all
             select ", $columns_followed, "
             from platform_tickets t
             join cases c on c.tenant = t.tenant and c.number = t.follows
             where t.tenant = $1 and t.platform = $2 and t.follows is not null and c.history_count > t.follows_rows ",
            $rest
        )
    };
}

pub(super) async fn is_behind(db: &Db, tenant: &str, platform: &str, leeway_ms: i64) -> Result<bool> {
    let row: Option<(String,)> = db
        .fetch_optional(behind!("t.ticket", "t.ticket", "limit 1"), args![tenant, platform, leeway_ms])
        .await?;
    Ok(row.is_some())
}

/// Those that changed first, first.
pub(super) async fn behind(
    tx: &mut Tx,
    tenant: &str,
    platform: &str,
    leeway_ms: i64,
    limit: i64,
) -> Result<Vec<Behind>> {
    let rows: Vec<BehindRow> = tx
        .fetch_all(
            behind!(
                "t.ticket, c.case_id, c.number, c.updated_at_ms, t.told_rows, t.follows, cast(1 as bigint) as own",
                "t.ticket, c.case_id, c.number, c.updated_at_ms, t.follows_rows as told_rows, t.follows,
                 cast(0 as bigint) as own",
                "order by 4, 1, 7 desc limit $4"
            ),
            args![tenant, platform, leeway_ms, limit],
        )
        .await?;
    let read = |row: BehindRow| Behind {
        ticket: row.ticket,
        case_id: row.case_id,
        number: row.number,
        updated_at_ms: row.updated_at_ms,
        told_rows: row.told_rows,
        follows: row.follows,
        is_own: row.own == 1,
    };
    Ok(rows.into_iter().map(read).collect())
}

#[derive(Clone, Debug)]
pub(super) struct HistoryRow {
    pub(super) position: i64,
    pub(super) at_ms: i64,
    pub(super) action: String,
    pub(super) detail: String,
}

from_row!(HistoryRow: position, at_ms, action, detail);

pub(super) async fn history(tx: &mut Tx, tenant: &str, case_id: &str, after: i64) -> Result<Vec<HistoryRow>> {
    tx.fetch_all(
        "select position, at_ms, action, detail from case_history
         where tenant = $1 and case_id = $2 and position > $3 order by position limit $4",
        args![tenant, case_id, after, MOST_ROWS],
    )
    .await
}

pub(super) fn insert_progress(
    tx: &mut Tx,
    tenant: &str,
    platform: &str,
    (position, at, ticket, content): (i64, UtcMs, &str, &str),
) {
    tx.later(PROGRESS, args![tenant, platform, position, at, ticket, content]);
}

pub(super) async fn set_told(
    tx: &mut Tx,
    tenant: &str,
    (platform, ticket): (&str, &str),
    rows: i64,
) -> Result<()> {
    tx.execute(
        "update platform_tickets set told_rows = $4 where tenant = $1 and platform = $2 and ticket = $3",
        args![tenant, platform, ticket, rows],
    )
    .await?;
    Ok(())
}

pub(super) async fn set_followed(
    tx: &mut Tx,
    tenant: &str,
    (platform, ticket): (&str, &str),
    rows: i64,
) -> Result<()> {
    tx.execute(
        "update platform_tickets set follows_rows = $4 where tenant = $1 and platform = $2 and ticket = $3",
        args![tenant, platform, ticket, rows],
    )
    .await?;
    Ok(())
}

/// The work goes on in another case: from what that has come to on; or in its own again.
pub(super) async fn set_follows(
    tx: &mut Tx,
    tenant: &str,
    (platform, ticket): (&str, &str),
    number: Option<&str>,
) -> Result<()> {
    tx.execute(
        "update platform_tickets set follows = $4,
             follows_rows = coalesce((select c.history_count from cases c
                                      where c.tenant = $1 and c.number = cast($4 as text)), 0)
         where tenant = $1 and platform = $2 and ticket = $3",
        args![tenant, platform, ticket, number],
    )
    .await?;
    Ok(())
}

pub(super) async fn positions(db: &Db, tenant: &str, platform: &str) -> Result<(i64, i64)> {
    db.fetch_one(
        "select position, acked from platform_keys where tenant = $1 and platform = $2",
        args![tenant, platform],
    )
    .await
}

pub(super) async fn positions_in(tx: &mut Tx, tenant: &str, platform: &str) -> Result<(i64, i64)> {
    tx.fetch_one(
        "select position, acked from platform_keys where tenant = $1 and platform = $2",
        args![tenant, platform],
    )
    .await
}

pub(super) async fn advance(
    tx: &mut Tx,
    tenant: &str,
    platform: &str,
    position: i64,
    looked_at: Option<i64>,
) -> Result<()> {
    tx.execute(
        "update platform_keys set position = $3,
             looked_at_ms = case when cast($4 as bigint) > looked_at_ms then cast($4 as bigint) else looked_at_ms end
         where tenant = $1 and platform = $2",
        args![tenant, platform, position, looked_at],
    )
    .await?;
    Ok(())
}

pub(super) async fn progress(
    db: &Db,
    tenant: &str,
    platform: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, i64, String, String)>> {
    db.fetch_all(
        "select position, at_ms, ticket, content from platform_progress
         where tenant = $1 and platform = $2 and position > $3 order by position limit $4",
        args![tenant, platform, after, limit],
    )
    .await
}

/// A lower one than before changes nothing.
pub(super) async fn acknowledge(db: &Db, tenant: &str, platform: &str, position: i64) -> Result<()> {
    db.execute(
        "update platform_keys set acked = $3
         where tenant = $1 and platform = $2 and acked < $3 and position >= $3",
        args![tenant, platform, position],
    )
    .await?;
    Ok(())
}

pub(super) async fn prune(db: &Db, before_ms: i64) -> Result<u64> {
    db.execute(
        "delete from platform_progress where at_ms < $1 and exists (
             select 1 from platform_keys k where k.tenant = platform_progress.tenant
               and k.platform = platform_progress.platform and k.acked >= platform_progress.position)",
        args![before_ms],
    )
    .await
}
