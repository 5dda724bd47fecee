//! SQL of Open311. What is public is said here once, as [`public!`], and stands in every query that reads cases.

use protocol::UtcMs;

use crate::args;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, Tx, from_row};

/// A case that may be read by everybody: somebody filed it or reported it by Open311, and it is neither confidential, nor a
/// drill, nor a false alarm, nor of a box itself. `$codes`: what may be reported, as a list.
macro_rules! public {
    ($dialect:ident, $codes:literal) => {
        concat!(
            " c.tenant = $1 and c.confidential = 0 and c.drill = 0 and c.source <> 'device'
              and coalesce(c.void_reason, '') <> 'false_alarm'
              and (c.category is not null or o.case_id is not null)
              and coalesce(c.category, o.service_code) in ",
            texts!($dialect, $codes)
        )
    };
}

macro_rules! fields {
    () => {
        "select c.case_id, c.number, c.state, c.source, c.area, c.location, c.void_reason,
                c.opened_at_ms, c.updated_at_ms, c.closed_at_ms, coalesce(c.category, o.service_code) as service_code,
                u.name_zh as unit_zh, u.name_en as unit_en, o.key_name "
    };
}

macro_rules! from_cases {
    () => {
        " from cases c
          left join open311_requests o on o.tenant = c.tenant and o.case_id = c.case_id
          left join units u on u.tenant = c.tenant and u.unit = c.lead_unit
          where "
    };
}

/// What came by Open311 and was not filed: alarms that nobody filed, of which there may be very many, are not looked through.
macro_rules! from_requests {
    () => {
        " from open311_requests o cross join cases c
          left join units u on u.tenant = c.tenant and u.unit = c.lead_unit
          where o.tenant = $1 and c.tenant = o.tenant and c.case_id = o.case_id and c.category is null and "
    };
}

/// A public case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Public {
    pub(super) case_id: String,
    pub(super) number: String,
    pub(super) state: String,
    pub(super) source: String,
    pub(super) area: String,
    pub(super) location: Option<String>,
    pub(super) void_reason: Option<String>,
    pub(super) opened_at_ms: i64,
    pub(super) updated_at_ms: i64,
    pub(super) closed_at_ms: Option<i64>,
    pub(super) service_code: String,
    pub(super) unit_zh: Option<String>,
    pub(super) unit_en: Option<String>,
    /// By whom it was reported.
    pub(super) key_name: Option<String>,
}

from_row!(Public: case_id, number, state, source, area, location, void_reason, opened_at_ms, updated_at_ms,
    closed_at_ms, service_code, unit_zh, unit_en, key_name);

/// Texts as one argument for a list.
fn listing<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.collect::<serde_json::Value>().to_string()
}

macro_rules! wanted {
    () => {
        " and c.opened_at_ms >= $3 and c.opened_at_ms <= $4 and ($5 = '' or ($5 = 'open') = (c.closed_at_ms is null))"
    };
}

macro_rules! listed {
    ($dialect:ident) => {
        concat!(
            "select * from (",
            fields!(),
            from_cases!(),
            "c.category is not null and ",
            public!($dialect, 2),
            wanted!(),
            " union all ",
            fields!(),
            from_requests!(),
            public!($dialect, 2),
            wanted!(),
            ") listed order by opened_at_ms desc, length(number) desc, number desc limit $6 offset $7"
        )
    };
}

/// Cases that were opened within a time, the newest first. `status`: `open`, `closed` or nothing.
pub(super) async fn requests(
    db: &Db,
    tenant: &str,
    codes: impl Iterator<Item = &str>,
    (from, to): (UtcMs, UtcMs),
    status: &str,
    (limit, offset): (i64, i64),
) -> Result<Vec<Public>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => listed!(sqlite),
        Dialect::Postgres => listed!(postgres),
    };
    db.fetch_all(sql, args![tenant, listing(codes), from, to, status, limit, offset]).await
}

macro_rules! named {
    ($dialect:ident) => {
        concat!(
            fields!(),
            from_cases!(),
            public!($dialect, 2),
            " and c.number in ",
            texts!($dialect, 3),
            " order by c.opened_at_ms desc, length(c.number) desc, c.number desc limit $4"
        )
    };
}

/// Cases by their numbers.
pub(super) async fn by_number(
    db: &Db,
    tenant: &str,
    codes: impl Iterator<Item = &str>,
    numbers: impl Iterator<Item = &str>,
    limit: i64,
) -> Result<Vec<Public>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => named!(sqlite),
        Dialect::Postgres => named!(postgres),
    };
    db.fetch_all(sql, args![tenant, listing(codes), listing(numbers), limit]).await
}

macro_rules! told {
    ($dialect:ident) => {
        concat!(
            "select case_id, detail from case_history where tenant = $1 and action = 'told' and case_id in ",
            texts!($dialect, 2)
        )
    };
}

/// What was said when these cases were reported: case and detail.
pub(super) async fn told(
    db: &Db,
    tenant: &str,
    cases: impl Iterator<Item = &str>,
) -> Result<Vec<(String, String)>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => told!(sqlite),
        Dialect::Postgres => told!(postgres),
    };
    db.fetch_all(sql, args![tenant, listing(cases)]).await
}

/// A row of the history of a public case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) number: String,
    pub(super) position: i64,
    pub(super) at_ms: i64,
    pub(super) action: String,
}

from_row!(Update: number, position, at_ms, action);

/// Rows that tell how far a case has come; those that tell what somebody said or looked at are nobody's outside.
macro_rules! rows {
    () => {
        "select c.number, h.position, h.at_ms, h.action "
    };
}

macro_rules! of_history {
    () => {
        " and c.updated_at_ms >= $3 and h.at_ms >= $3 and h.at_ms <= $4
          and h.action in ('told', 'opened', 'filed', 'handled_here', 'voided', 'joined_into', 'dispatched', 'accepted',
                           'reported', 'rework', 'closed', 'reopened', 'remark')"
    };
}

macro_rules! updates {
    ($dialect:ident) => {
        concat!(
            "select number, position, at_ms, action from (",
            rows!(),
            "from cases c
             left join open311_requests o on o.tenant = c.tenant and o.case_id = c.case_id
             join case_history h on h.tenant = c.tenant and h.case_id = c.case_id
             where c.category is not null and ",
            public!($dialect, 2),
            of_history!(),
            " union all ",
            rows!(),
            // In this order: the few requests first, then what belongs to each.
            "from open311_requests o cross join cases c cross join case_history h
             where o.tenant = $1 and c.tenant = o.tenant and c.case_id = o.case_id and h.tenant = c.tenant
               and h.case_id = c.case_id and c.category is null and ",
            public!($dialect, 2),
            of_history!(),
            ") told order by at_ms, number, position limit $5 offset $6"
        )
    };
}

/// What happened to public cases within a time, in order.
pub(super) async fn updates(
    db: &Db,
    tenant: &str,
    codes: impl Iterator<Item = &str>,
    (from, to): (UtcMs, UtcMs),
    (limit, offset): (i64, i64),
) -> Result<Vec<Update>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => updates!(sqlite),
        Dialect::Postgres => updates!(postgres),
    };
    db.fetch_all(sql, args![tenant, listing(codes), from, to, limit, offset]).await
}

#[derive(Clone, Debug)]
pub(super) struct KeyRow {
    pub(super) name: String,
    pub(super) area: String,
    pub(super) source: String,
    pub(super) made_at_ms: i64,
    pub(super) revoked_at_ms: Option<i64>,
    pub(super) requests: i64,
}

from_row!(KeyRow: name, area, source, made_at_ms, revoked_at_ms, requests);

/// The key of a hash, while it is good.
pub(super) async fn key(db: &Db, tenant: &str, key_sha256: &str) -> Result<Option<KeyRow>> {
    db.fetch_optional(
        "select name, area, source, made_at_ms, revoked_at_ms, cast(0 as bigint) as requests from open311_keys
         where tenant = $1 and key_sha256 = $2 and revoked_at_ms is null",
        args![tenant, key_sha256],
    )
    .await
}

pub(super) async fn keys(db: &Db, tenant: &str) -> Result<Vec<KeyRow>> {
    db.fetch_all(
        "select k.name, k.area, k.source, k.made_at_ms, k.revoked_at_ms,
                (select count(*) from open311_requests o where o.tenant = k.tenant and o.key_name = k.name) as requests
         from open311_keys k where k.tenant = $1 order by k.name",
        args![tenant],
    )
    .await
}

/// Name, hash, area, source; `false` when there is one of this name.
pub(super) async fn add_key(
    db: &Db,
    tenant: &str,
    (name, key_sha256, area, source): (&str, String, &str, &str),
    now: UtcMs,
) -> Result<bool> {
    let made = db
        .execute(
            "insert into open311_keys (tenant, name, key_sha256, area, source, made_at_ms)
             values ($1, $2, $3, $4, $5, $6) on conflict (tenant, name) do nothing",
            args![tenant, name, key_sha256, area, source, now],
        )
        .await?;
    Ok(made > 0)
}

pub(super) async fn revoke_key(db: &Db, tenant: &str, name: &str, now: UtcMs) -> Result<bool> {
    let gone = db
        .execute(
            "update open311_keys set revoked_at_ms = $3 where tenant = $1 and name = $2 and revoked_at_ms is null",
            args![tenant, name, now],
        )
        .await?;
    Ok(gone > 0)
}

/// How many requests a key made since.
pub(super) async fn count(tx: &mut Tx, tenant: &str, key_name: &str, since: UtcMs) -> Result<i64> {
    let (count,): (i64,) = tx
        .fetch_one(
            "select count(*) from open311_requests where tenant = $1 and key_name = $2 and made_at_ms > $3",
            args![tenant, key_name, since],
        )
        .await?;
    Ok(count)
}

pub(super) async fn insert_request(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    (key_name, service_code): (&str, &str),
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into open311_requests (tenant, case_id, key_name, service_code, made_at_ms)
         values ($1, $2, $3, $4, $5)",
        args![tenant, case_id, key_name, service_code, now],
    )
    .await?;
    Ok(())
}

/// Hash of the form and the answer that were kept under a repeat key since.
pub(super) async fn repeat(
    tx: &mut Tx,
    tenant: &str,
    (key_name, repeat_key): (&str, &str),
    since: UtcMs,
) -> Result<Option<(String, String)>> {
    tx.fetch_optional(
        "select body_sha256, number from open311_repeats
         where tenant = $1 and key_name = $2 and repeat_key = $3 and at_ms > $4",
        args![tenant, key_name, repeat_key, since],
    )
    .await
}

/// Outside a transaction, by the key alone.
pub(super) async fn repeated(
    db: &Db,
    tenant: &str,
    (key_name, repeat_key): (&str, &str),
    since: UtcMs,
) -> Result<Option<String>> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select number from open311_repeats
             where tenant = $1 and key_name = $2 and repeat_key = $3 and at_ms > $4",
            args![tenant, key_name, repeat_key, since],
        )
        .await?;
    Ok(row.map(|(number,)| number))
}

pub(super) async fn remember(
    tx: &mut Tx,
    tenant: &str,
    (key_name, repeat_key): (&str, &str),
    (body_sha256, number): (&str, &str),
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into open311_repeats (tenant, key_name, repeat_key, body_sha256, number, at_ms)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant, key_name, repeat_key) do update set body_sha256 = excluded.body_sha256,
             number = excluded.number, at_ms = excluded.at_ms",
        args![tenant, key_name, repeat_key, body_sha256, number, now],
    )
    .await?;
    Ok(())
}

/// Removes answers that are not given again. Safe to run twice.
pub(super) async fn forget_repeats(db: &Db, before: UtcMs) -> Result<u64> {
    db.execute("delete from open311_repeats where at_ms <= $1", args![before]).await
}

/// How many rows the history of a case has.
pub(super) async fn history_count(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<i64> {
    let (count,): (i64,) = tx
        .fetch_one(
            "select history_count from cases where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    Ok(count)
}
