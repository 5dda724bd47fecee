//! SQL of sessions, and of logins that failed.

use protocol::UtcMs;

use crate::args;
use crate::db::{Db, Result, from_row};
use crate::user::account::Opened;

/// Opens a session for whom this password still opens the account: it may have been changed, or the account locked, while
/// it was checked. Returns whether it did.
pub(in crate::user) async fn insert_session(
    db: &Db,
    tenant: &str,
    (token_sha256, csrf): (&str, &str),
    (name, password, address): (&str, &str, &str),
    now: UtcMs,
) -> Result<bool> {
    let made = db
        .execute(
            "insert into sessions (tenant, token_sha256, user_name, csrf, created_at_ms, seen_at_ms, address)
             select u.tenant, cast($2 as text), u.name, cast($4 as text), cast($5 as bigint), cast($5 as bigint),
                    cast($6 as text)
             from users u
             where u.tenant = $1 and u.name = $3 and u.password = $7 and u.locked_at_ms is null
               and u.removed_at_ms is null",
            args![tenant, token_sha256, name, csrf, now, address, password],
        )
        .await?;
    Ok(made > 0)
}

#[derive(Clone, Debug)]
pub(in crate::user) struct SessionRow {
    pub(in crate::user) user_name: String,
    pub(in crate::user) role: String,
    pub(in crate::user) csrf: String,
    pub(in crate::user) seen_at_ms: i64,
    pub(in crate::user) must_change: i64,
}

from_row!(SessionRow: user_name, role, csrf, seen_at_ms, must_change);

/// The session of a token, unless it was idle since `idle_since` or began before `oldest`.
pub(in crate::user) async fn session(
    db: &Db,
    tenant: &str,
    token_sha256: &str,
    idle_since: UtcMs,
    oldest: UtcMs,
) -> Result<Option<SessionRow>> {
    db.fetch_optional(
        "select s.user_name, u.role, s.csrf, s.seen_at_ms, u.must_change from sessions s
         join users u on u.tenant = s.tenant and u.name = s.user_name
         where s.tenant = $1 and s.token_sha256 = $2 and s.seen_at_ms > $3 and s.created_at_ms > $4
           and u.locked_at_ms is null and u.removed_at_ms is null",
        args![tenant, token_sha256, idle_since, oldest],
    )
    .await
}

/// A user's sessions that last, the newest use first.
pub(in crate::user) async fn sessions(
    db: &Db,
    tenant: &str,
    name: &str,
    (idle_since, oldest): (UtcMs, UtcMs),
    most: i64,
) -> Result<Vec<Opened>> {
    db.fetch_all(
        "select token_sha256, created_at_ms, seen_at_ms, address from sessions
         where tenant = $1 and user_name = $2 and seen_at_ms > $3 and created_at_ms > $4
         order by seen_at_ms desc, created_at_ms desc, token_sha256 limit $5",
        args![tenant, name, idle_since, oldest, most],
    )
    .await
}

/// Ends one session of a user by the beginning of its hash, but not the one that is kept.
pub(in crate::user) async fn end_session(
    db: &Db,
    tenant: &str,
    (name, kept_token_sha256): (&str, &str),
    begins: &str,
) -> Result<bool> {
    let ended = db
        .execute(
            "delete from sessions
             where tenant = $1 and user_name = $2 and token_sha256 <> $3
               and substr(token_sha256, 1, length(cast($4 as text))) = $4",
            args![tenant, name, kept_token_sha256, begins],
        )
        .await?;
    Ok(ended > 0)
}

pub(in crate::user) async fn touch_session(
    db: &Db,
    tenant: &str,
    token_sha256: &str,
    now: UtcMs,
) -> Result<()> {
    db.execute(
        "update sessions set seen_at_ms = $3 where tenant = $1 and token_sha256 = $2 and seen_at_ms < $3",
        args![tenant, token_sha256, now],
    )
    .await?;
    Ok(())
}

pub(in crate::user) async fn delete_session(db: &Db, tenant: &str, token_sha256: &str) -> Result<()> {
    db.execute("delete from sessions where tenant = $1 and token_sha256 = $2", args![tenant, token_sha256])
        .await?;
    Ok(())
}

/// Removes ended sessions and forgotten failures; safe to run twice.
pub(in crate::user) async fn sweep(
    db: &Db,
    tenant: &str,
    idle_since: UtcMs,
    oldest: UtcMs,
    failures_before: UtcMs,
) -> Result<()> {
    db.execute(
        "delete from sessions where tenant = $1 and (seen_at_ms <= $2 or created_at_ms <= $3)",
        args![tenant, idle_since, oldest],
    )
    .await?;
    db.execute(
        "delete from login_failures where tenant = $1 and at_ms <= $2",
        args![tenant, failures_before],
    )
    .await?;
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::user) struct Failures {
    /// Of this name from this address, of this name, from this address.
    pub(in crate::user) pair: i64,
    pub(in crate::user) name: i64,
    pub(in crate::user) address: i64,
}

from_row!(Failures: pair, name, address);

pub(in crate::user) async fn failures(
    db: &Db,
    tenant: &str,
    name: &str,
    address: &str,
    since: UtcMs,
) -> Result<Failures> {
    db.fetch_one(
        "select cast(coalesce(sum(case when name = $2 and address = $3 then 1 else 0 end), 0) as bigint) as pair,
                cast(coalesce(sum(case when name = $2 then 1 else 0 end), 0) as bigint) as name,
                cast(coalesce(sum(case when address = $3 then 1 else 0 end), 0) as bigint) as address
         from login_failures where tenant = $1 and at_ms > $4",
        args![tenant, name, address, since],
    )
    .await
}

pub(in crate::user) async fn add_failure(
    db: &Db,
    tenant: &str,
    name: &str,
    address: &str,
    now: UtcMs,
) -> Result<()> {
    db.execute(
        "insert into login_failures (tenant, name, address, at_ms) values ($1, $2, $3, $4)",
        args![tenant, name, address, now],
    )
    .await?;
    Ok(())
}

pub(in crate::user) async fn clear_failures(db: &Db, tenant: &str, name: &str, address: &str) -> Result<()> {
    db.execute(
        "delete from login_failures where tenant = $1 and name = $2 and address = $3",
        args![tenant, name, address],
    )
    .await?;
    Ok(())
}
