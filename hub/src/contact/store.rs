//! SQL of callback numbers.

use protocol::{Sealed, SealedName, UtcMs};

use crate::args;
use crate::db::from_row;
use crate::db::{Db, Result, Tx};

/// What is kept for one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Neither this nor a name: somebody deleted it.
    pub sealed: Option<String>,
    pub sealed_name: Option<String>,
    pub came_at_ms: i64,
    pub expires_at_ms: i64,
}

from_row!(Kept: sealed, sealed_name, came_at_ms, expires_at_ms);

/// A hub's key, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyRow {
    pub(super) public: String,
    pub(super) sealed: String,
    pub(super) made_at_ms: i64,
}

from_row!(KeyRow: public, sealed, made_at_ms);

/// More hubs do not share a database; a key that was replaced stays for what it has sealed.
const MOST_KEYS: i64 = 64;
const KEYS: &str = "select public, sealed, made_at_ms from contact_keys order by made_at_ms, public limit $1";

/// Of all hubs on this database, the oldest first.
pub(super) async fn keys(db: &Db) -> Result<Vec<KeyRow>> {
    db.fetch_all(KEYS, args![MOST_KEYS]).await
}

pub(super) async fn keys_in(tx: &mut Tx) -> Result<Vec<KeyRow>> {
    tx.fetch_all(KEYS, args![MOST_KEYS]).await
}

/// Keeps a hub's own key. One that is there keeps its place.
pub(super) async fn keep_key(db: &Db, row: &KeyRow) -> Result<()> {
    db.execute(
        "insert into contact_keys (public, sealed, made_at_ms) values ($1, $2, $3)
         on conflict (public) do update set sealed = excluded.sealed",
        args![row.public.as_str(), row.sealed.as_str(), row.made_at_ms],
    )
    .await?;
    Ok(())
}

impl Kept {
    /// Whether there is something to be told.
    pub fn is_here(&self) -> bool {
        self.sealed.is_some() || self.sealed_name.is_some()
    }
}

/// Keeps the number that came with a case's newest revision, until `life_ms` after the case was opened. One that was
/// deleted, or would have expired, does not come back.
pub(crate) async fn keep(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    sealed: &Sealed,
    now: UtcMs,
    life_ms: i64,
) -> Result<()> {
    tx.execute(
        "insert into contacts (tenant, case_id, sealed, came_at_ms, expires_at_ms)
         select tenant, case_id, cast($3 as text), cast($4 as bigint), opened_at_ms + cast($5 as bigint)
         from cases where tenant = $1 and case_id = $2 and opened_at_ms + cast($5 as bigint) > cast($4 as bigint)
         on conflict (tenant, case_id) do update set sealed = excluded.sealed, came_at_ms = excluded.came_at_ms
         where contacts.sealed is not null and contacts.sealed <> excluded.sealed",
        args![tenant, case_id, sealed.as_str(), now, life_ms],
    )
    .await?;
    Ok(())
}

/// Keeps what whoever reported a matter left, for as long and in the same way.
pub(super) async fn keep_reporter(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    (number, name): (Option<&Sealed>, Option<&SealedName>),
    now: UtcMs,
    life_ms: i64,
) -> Result<()> {
    tx.execute(
        "insert into contacts (tenant, case_id, sealed, sealed_name, came_at_ms, expires_at_ms)
         select tenant, case_id, cast($3 as text), cast($4 as text), cast($5 as bigint), opened_at_ms + cast($6 as bigint)
         from cases where tenant = $1 and case_id = $2 and opened_at_ms + cast($6 as bigint) > cast($5 as bigint)
         on conflict (tenant, case_id) do update set sealed = excluded.sealed, sealed_name = excluded.sealed_name,
             came_at_ms = excluded.came_at_ms
         where contacts.sealed is not null or contacts.sealed_name is not null",
        args![tenant, case_id, number.map(Sealed::as_str), name.map(SealedName::as_str), now, life_ms],
    )
    .await?;
    Ok(())
}

/// Whether a user works in the unit that a case is about, or in one that has or had a part in it.
pub(super) async fn is_party(tx: &mut Tx, tenant: &str, case_id: &str, user: &str) -> Result<bool> {
    let (count,): (i64,) = tx
        .fetch_one(
            "select count(*) from grants g
             where g.tenant = $1 and g.user_name = $3 and g.unit <> ''
               and (exists (select 1 from cases c
                            where c.tenant = g.tenant and c.case_id = $2 and c.complained_of = g.unit)
                    or exists (select 1 from case_tasks w
                               where w.tenant = g.tenant and w.case_id = $2 and w.unit = g.unit))",
            args![tenant, case_id, user],
        )
        .await?;
    Ok(count > 0)
}

/// What has not expired.
pub(crate) async fn of_case(db: &Db, tenant: &str, case_id: &str, now: UtcMs) -> Result<Option<Kept>> {
    db.fetch_optional(
        "select sealed, sealed_name, came_at_ms, expires_at_ms from contacts
         where tenant = $1 and case_id = $2 and expires_at_ms > $3",
        args![tenant, case_id, now],
    )
    .await
}

pub(super) async fn in_tx(tx: &mut Tx, tenant: &str, case_id: &str, now: UtcMs) -> Result<Option<Kept>> {
    tx.fetch_optional(
        "select sealed, sealed_name, came_at_ms, expires_at_ms from contacts
         where tenant = $1 and case_id = $2 and expires_at_ms > $3",
        args![tenant, case_id, now],
    )
    .await
}

/// Whether there was one to delete. That it was here stays known until it would have expired.
pub(super) async fn forget(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<bool> {
    let gone = tx
        .execute(
            "update contacts set sealed = null, sealed_name = null
             where tenant = $1 and case_id = $2 and (sealed is not null or sealed_name is not null)",
            args![tenant, case_id],
        )
        .await?;
    Ok(gone > 0)
}

/// Deletes what has expired. Safe to run twice.
pub(crate) async fn expire(db: &Db, now: UtcMs) -> Result<u64> {
    db.execute("delete from contacts where expires_at_ms <= $1", args![now]).await
}
