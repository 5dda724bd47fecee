//! SQL of accounts as administrators see and change them.

use protocol::UtcMs;

use super::super::Grant;
use super::super::grant::GrantRow;
use crate::args;
use crate::db::{Db, Result, Tx, from_row};
use crate::push;

/// An account as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::user) struct PersonRow {
    pub(in crate::user) name: String,
    pub(in crate::user) role: String,
    pub(in crate::user) created_at_ms: i64,
    pub(in crate::user) changed_at_ms: i64,
    pub(in crate::user) locked_at_ms: Option<i64>,
    pub(in crate::user) removed_at_ms: Option<i64>,
    pub(in crate::user) must_change: i64,
    pub(in crate::user) mail: String,
    pub(in crate::user) phone: String,
    pub(in crate::user) sessions: i64,
    pub(in crate::user) seen_at_ms: Option<i64>,
}

from_row!(PersonRow: name, role, created_at_ms, changed_at_ms, locked_at_ms, removed_at_ms, must_change, mail, phone,
    sessions, seen_at_ms);

macro_rules! people {
    ($rest:literal) => {
        concat!(
            "select u.name, u.role, u.created_at_ms, u.changed_at_ms, u.locked_at_ms, u.removed_at_ms, u.must_change,
                    coalesce(r.mail, '') as mail, coalesce(r.phone, '') as phone,
                    (select count(*) from sessions s
                     where s.tenant = u.tenant and s.user_name = u.name and s.seen_at_ms > $2
                       and s.created_at_ms > $3) as sessions,
                    (select max(s.seen_at_ms) from sessions s
                     where s.tenant = u.tenant and s.user_name = u.name) as seen_at_ms
             from users u left join reach r on r.tenant = u.tenant and r.user_name = u.name
             where u.tenant = $1 ",
            $rest
        )
    };
}

/// Everybody. A session lasts that was used after the first moment and begun after the second.
pub(in crate::user) async fn people(
    db: &Db,
    tenant: &str,
    (idle_since, oldest): (UtcMs, UtcMs),
) -> Result<Vec<PersonRow>> {
    db.fetch_all(people!("order by u.name"), args![tenant, idle_since, oldest]).await
}

pub(in crate::user) async fn person(
    db: &Db,
    tenant: &str,
    name: &str,
    (idle_since, oldest): (UtcMs, UtcMs),
) -> Result<Option<PersonRow>> {
    db.fetch_optional(people!("and u.name = $4"), args![tenant, idle_since, oldest, name]).await
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::user) struct Standing {
    pub(in crate::user) locked_at_ms: Option<i64>,
    pub(in crate::user) removed_at_ms: Option<i64>,
}

from_row!(Standing: locked_at_ms, removed_at_ms);

pub(in crate::user) async fn standing(tx: &mut Tx, tenant: &str, name: &str) -> Result<Option<Standing>> {
    tx.fetch_optional(
        "select locked_at_ms, removed_at_ms from users where tenant = $1 and name = $2",
        args![tenant, name],
    )
    .await
}

/// Names that are not given again.
pub(in crate::user) async fn removed_names(db: &Db, tenant: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db.fetch_all(REMOVED, args![tenant]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

pub(in crate::user) async fn removed_names_in(tx: &mut Tx, tenant: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = tx.fetch_all(REMOVED, args![tenant]).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

const REMOVED: &str = "select name from users where tenant = $1 and removed_at_ms is not null order by name";

pub(in crate::user) async fn grants_in(tx: &mut Tx, tenant: &str, name: &str) -> Result<Vec<Grant>> {
    let rows: Vec<GrantRow> = tx
        .fetch_all(
            "select role, area, unit from grants where tenant = $1 and user_name = $2 order by role, area, unit",
            args![tenant, name],
        )
        .await?;
    Ok(rows.into_iter().filter_map(GrantRow::read).collect())
}

/// Who administers everything and can log in.
pub(in crate::user) async fn chief_administrators(tx: &mut Tx, tenant: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = tx
        .fetch_all(
            "select g.user_name from grants g join users u on u.tenant = g.tenant and u.name = g.user_name
             where g.tenant = $1 and g.role = 'administrator' and g.area = '/'
               and u.locked_at_ms is null and u.removed_at_ms is null
             order by g.user_name",
            args![tenant],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

pub(in crate::user) async fn set_must_change(tx: &mut Tx, tenant: &str, name: &str) -> Result<()> {
    tx.execute("update users set must_change = 1 where tenant = $1 and name = $2", args![tenant, name])
        .await?;
    Ok(())
}

/// Nobody logs in by this name while it is locked.
pub(in crate::user) async fn set_locked(
    tx: &mut Tx,
    tenant: &str,
    name: &str,
    at: Option<UtcMs>,
) -> Result<()> {
    tx.execute("update users set locked_at_ms = $3 where tenant = $1 and name = $2", args![tenant, name, at])
        .await?;
    Ok(())
}

/// Ends every session of somebody; returns how many there were.
pub(in crate::user) async fn end_sessions(tx: &mut Tx, tenant: &str, name: &str) -> Result<u64> {
    tx.execute("delete from sessions where tenant = $1 and user_name = $2", args![tenant, name]).await
}

/// Another password: sessions end, browsers are told no more, failed logins are forgotten.
pub(in crate::user) async fn put_password(
    tx: &mut Tx,
    tenant: &str,
    name: &str,
    (password, must_change): (&str, bool),
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "update users set password = $3, must_change = $4, changed_at_ms = $5 where tenant = $1 and name = $2",
        args![tenant, name, password, must_change, now],
    )
    .await?;
    end_sessions(tx, tenant, name).await?;
    tx.execute("delete from login_failures where tenant = $1 and name = $2", args![tenant, name]).await?;
    push::store::forget_user(tx, tenant, name).await?;
    Ok(())
}

/// Takes everything from somebody but the name: no password is like the empty one.
pub(in crate::user) async fn remove(tx: &mut Tx, tenant: &str, name: &str, now: UtcMs) -> Result<()> {
    tx.execute(
        "update users set removed_at_ms = $3, changed_at_ms = $3, password = '', must_change = 0
         where tenant = $1 and name = $2",
        args![tenant, name, now],
    )
    .await?;
    tx.execute("delete from grants where tenant = $1 and user_name = $2", args![tenant, name]).await?;
    tx.execute("delete from reach where tenant = $1 and user_name = $2", args![tenant, name]).await?;
    tx.execute("delete from import_drafts where tenant = $1 and user_name = $2", args![tenant, name]).await?;
    tx.execute("delete from queue_views where tenant = $1 and user_name = $2", args![tenant, name]).await?;
    tx.execute("delete from field_hands where tenant = $1 and to_user = $2", args![tenant, name]).await?;
    // A turn that runs ends now; those to come are nobody's.
    tx.execute(
        "delete from duties where tenant = $1 and user_name = $2 and from_ms >= $3",
        args![tenant, name, now],
    )
    .await?;
    tx.execute(
        "update duties set to_ms = $3 where tenant = $1 and user_name = $2 and from_ms < $3 and to_ms > $3",
        args![tenant, name, now],
    )
    .await?;
    end_sessions(tx, tenant, name).await?;
    push::store::forget_user(tx, tenant, name).await?;
    Ok(())
}
