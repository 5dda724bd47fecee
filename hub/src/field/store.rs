//! SQL of what people of the grids have to do and have sent.

use protocol::UtcMs;

use crate::args;
use crate::case::Case;
use crate::case::store::visible;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, Tx, from_row};

/// Hash of the body, status and answer that were kept under a key since.
pub(super) async fn repeat(
    tx: &mut Tx,
    tenant: &str,
    (user, key): (&str, &str),
    since: UtcMs,
) -> Result<Option<(String, i64, String)>> {
    tx.fetch_optional(
        "select body_sha256, status, answer from field_repeats
         where tenant = $1 and user_name = $2 and repeat_key = $3 and at_ms > $4",
        args![tenant, user, key, since],
    )
    .await
}

/// Keeps an answer; one that is too old to be given again makes room.
pub(super) async fn remember(
    tx: &mut Tx,
    tenant: &str,
    (user, key): (&str, &str),
    (body_sha256, status, answer): (&str, i64, &str),
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into field_repeats (tenant, user_name, repeat_key, body_sha256, status, answer, at_ms)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant, user_name, repeat_key) do update set body_sha256 = excluded.body_sha256,
             status = excluded.status, answer = excluded.answer, at_ms = excluded.at_ms",
        args![tenant, user, key, body_sha256, status, answer, now],
    )
    .await?;
    Ok(())
}

/// Removes answers that are not given again. Safe to run twice.
pub(super) async fn forget_repeats(db: &Db, before: UtcMs) -> Result<u64> {
    db.execute("delete from field_repeats where at_ms <= $1", args![before]).await
}

pub(super) async fn note_report(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    user: &str,
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into field_reports (tenant, case_id, user_name, at_ms) values ($1, $2, $3, $4)
         on conflict (tenant, case_id) do nothing",
        args![tenant, case_id, user, now],
    )
    .await?;
    Ok(())
}

/// A case as somebody of the grid sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) case_id: String,
    pub(crate) number: String,
    pub(crate) kind: String,
    pub(crate) severity: String,
    pub(crate) state: String,
    pub(crate) title_zh: String,
    pub(crate) title_en: String,
    pub(crate) place: Option<String>,
    /// JSON of [`protocol::Place`].
    pub(crate) location: Option<String>,
    pub(crate) area: String,
    pub(crate) level: String,
    pub(crate) due_clock: Option<String>,
    pub(crate) due_at_ms: Option<i64>,
    pub(crate) opened_at_ms: i64,
    pub(crate) updated_at_ms: i64,
    /// What the unit says that it has done.
    pub(crate) report: Option<String>,
    pub(crate) history_count: i64,
}

from_row!(Found: case_id, number, kind, severity, state, title_zh, title_en, place, location, area, level, due_clock,
    due_at_ms, opened_at_ms, updated_at_ms, report, history_count);

macro_rules! found {
    ($rest:literal) => {
        concat!(
            "select case_id, number, kind, severity, state, title_zh, title_en, place, location, area, level, due_clock,
                    due_at_ms, opened_at_ms, updated_at_ms, report, history_count from cases ",
            $rest
        )
    };
}

/// What waits for somebody of the grid, community or town: a field check in his area, or a matter that his level has. The
/// worst first, then what is due first.
pub(crate) async fn tasks(db: &Db, tenant: &str, user: &str, limit: i64) -> Result<Vec<Found>> {
    db.fetch_all(
        concat!(
            found!(
                "where tenant = $1 and closed_at_ms is null and exists (
                     select 1 from grants f
                     where f.tenant = cases.tenant and f.user_name = $2 and f.unit = ''
                       and substr(cases.area, 1, length(f.area)) = f.area
                       and ((cases.state = 'verifying'
                             and f.role in ('grid_manager', 'informant', 'attendant', 'community_officer', 'town_officer'))
                            or (cases.state = 'received'
                                and ((cases.level = 'grid' and f.role in ('grid_manager', 'informant', 'attendant'))
                                     or (cases.level = 'community' and f.role = 'community_officer')
                                     or (cases.level = 'town' and f.role = 'town_officer')))))"
            ),
            visible!("$2"),
            " order by case severity when 'emergency' then 0 when 'major' then 1 when 'normal' then 2 else 3 end,
                  case when due_at_ms is null then 1 else 0 end, due_at_ms, opened_at_ms, number
              limit $3"
        ),
        args![tenant, user, limit],
    )
    .await
}

/// What this user reported himself, the newest first.
pub(crate) async fn reported(db: &Db, tenant: &str, user: &str, limit: i64) -> Result<Vec<Found>> {
    db.fetch_all(
        concat!(
            found!(
                "where tenant = $1 and case_id in (
                     select case_id from field_reports where tenant = $1 and user_name = $2
                     order by at_ms desc limit $3)"
            ),
            visible!("$2"),
            " order by opened_at_ms desc, number desc"
        ),
        args![tenant, user, limit],
    )
    .await
}

/// A picture that somebody brought to a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) case_id: String,
    pub(crate) sha256: String,
    /// With which it came.
    pub(crate) action: String,
}

from_row!(Brought: case_id, sha256, action);

macro_rules! brought {
    ($dialect:ident) => {
        concat!(
            "select case_id, sha256, action from (
                 select case_id, sha256, action, named_at_ms, attachment_id,
                        row_number() over (partition by case_id order by named_at_ms desc, attachment_id desc) as nth
                 from attachments where tenant = $1 and action in ('told', 'report', 'finish_part') and case_id in ",
            texts!($dialect, 2),
            ") ranked where nth <= $3 order by named_at_ms, attachment_id"
        )
    };
}

/// The newest pictures of each of these cases, which were found to be the viewer's to see: of the report and of the result.
pub(crate) async fn brought(db: &Db, tenant: &str, cases: &[Found], most: i64) -> Result<Vec<Brought>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => brought!(sqlite),
        Dialect::Postgres => brought!(postgres),
    };
    let ids: serde_json::Value = cases.iter().map(|case| case.case_id.as_str()).collect();
    db.fetch_all(sql, args![tenant, ids.to_string(), most]).await
}

/// Who has the task of a case in hand because somebody gave it to him, or is to take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hand {
    pub(crate) case_id: String,
    pub(crate) given_by: String,
    pub(crate) to_user: String,
    pub(crate) given_at_ms: i64,
    pub(crate) taken_at_ms: Option<i64>,
}

from_row!(Hand: case_id, given_by, to_user, given_at_ms, taken_at_ms);

/// A case that has gone on waits for something else: who had it in hand before has it no more.
macro_rules! hand_of_now {
    () => {
        "select h.case_id, h.given_by, h.to_user, h.given_at_ms, h.taken_at_ms from field_hands h
         join cases c on c.tenant = h.tenant and c.case_id = h.case_id and c.state = h.state and c.level = h.level
         where h.tenant = $1"
    };
}

pub(super) async fn hand(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Option<Hand>> {
    tx.fetch_optional(concat!(hand_of_now!(), " and h.case_id = $2"), args![tenant, case_id]).await
}

/// The newest counts.
pub(super) async fn give(
    tx: &mut Tx,
    tenant: &str,
    case: &Case,
    (by, to): (&str, &str),
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into field_hands (tenant, case_id, given_by, to_user, state, level, given_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant, case_id) do update set given_by = excluded.given_by, to_user = excluded.to_user,
             state = excluded.state, level = excluded.level, given_at_ms = excluded.given_at_ms, taken_at_ms = null",
        args![tenant, case.case_id.as_str(), by, to, case.state.as_str(), case.level.as_str(), now],
    )
    .await?;
    Ok(())
}

pub(super) async fn take(tx: &mut Tx, tenant: &str, case_id: &str, now: UtcMs) -> Result<()> {
    tx.execute(
        "update field_hands set taken_at_ms = $3 where tenant = $1 and case_id = $2",
        args![tenant, case_id, now],
    )
    .await?;
    Ok(())
}

macro_rules! hands {
    ($dialect:ident) => {
        concat!(hand_of_now!(), " and h.case_id in ", texts!($dialect, 2))
    };
}

/// Of these cases, which were found to be the viewer's to see.
pub(crate) async fn hands(db: &Db, tenant: &str, cases: &[Found]) -> Result<Vec<Hand>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => hands!(sqlite),
        Dialect::Postgres => hands!(postgres),
    };
    let ids: serde_json::Value = cases.iter().map(|case| case.case_id.as_str()).collect();
    db.fetch_all(sql, args![tenant, ids.to_string()]).await
}

/// Colleagues that are offered.
const MOST_COLLEAGUES: i64 = 60;

macro_rules! colleagues {
    ($dialect:ident) => {
        concat!(
            "select distinct g.user_name from grants g
             join users u on u.tenant = g.tenant and u.name = g.user_name
             where g.tenant = $1 and g.user_name <> $2 and g.unit = ''
               and substr(cast($3 as text), 1, length(g.area)) = g.area
               and u.locked_at_ms is null and u.removed_at_ms is null and g.role in ",
            texts!($dialect, 4),
            " order by g.user_name limit $5"
        )
    };
}

/// Others who have one of these roles over an area, and can log in.
pub(crate) async fn colleagues(
    tx: &mut Tx,
    tenant: &str,
    user: &str,
    (roles, area): (&[&str], &str),
) -> Result<Vec<String>> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => colleagues!(sqlite),
        Dialect::Postgres => colleagues!(postgres),
    };
    let roles: serde_json::Value = roles.iter().copied().collect();
    let rows: Vec<(String,)> =
        tx.fetch_all(sql, args![tenant, user, area, roles.to_string(), MOST_COLLEAGUES]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

macro_rules! talk {
    ($dialect:ident) => {
        concat!(
            "select case_id, position, at_ms, actor, action, detail, prev_hash, hash from (
                 select case_id, position, at_ms, actor, action, detail, prev_hash, hash,
                        row_number() over (partition by case_id order by position desc) as nth
                 from case_history where tenant = $1 and action in ('arrived', 'handed_to', 'taken_on', 'said')
                   and case_id in ",
            texts!($dialect, 2),
            ") ranked where nth <= $3 order by case_id, position"
        )
    };
}

/// A row of the history, and whose.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    pub(crate) case_id: String,
    pub(crate) entry: crate::case::HistoryEntry,
}

from_row!(Talk: case_id; flat entry);

/// What was last said and done beside the moves, of each of these cases, which were found to be the viewer's to see.
pub(crate) async fn talk(db: &Db, tenant: &str, cases: &[Found], most: i64) -> Result<Vec<Talk>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => talk!(sqlite),
        Dialect::Postgres => talk!(postgres),
    };
    let ids: serde_json::Value = cases.iter().map(|case| case.case_id.as_str()).collect();
    db.fetch_all(sql, args![tenant, ids.to_string(), most]).await
}
