//! SQL of users, sessions and the access register.

pub(super) mod people;

use protocol::UtcMs;

use super::Grant;
use super::account::Opened;
use super::grant::GrantRow;
use crate::args;
use crate::db::from_row;
use crate::db::{Db, Result, Tx};
use crate::push;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserRow {
    pub(super) role: String,
    pub(super) password: String,
}

from_row!(UserRow: role, password);

pub(super) async fn user(db: &Db, tenant: &str, name: &str) -> Result<Option<UserRow>> {
    // Who is locked or removed is nobody here.
    db.fetch_optional(
        "select role, password from users
         where tenant = $1 and name = $2 and locked_at_ms is null and removed_at_ms is null",
        args![tenant, name],
    )
    .await
}

pub(super) async fn count_users(db: &Db, tenant: &str) -> Result<i64> {
    let (count,): (i64,) =
        db.fetch_one("select count(*) from users where tenant = $1", args![tenant]).await?;
    Ok(count)
}

/// Returns whether this call made the user: two hubs starting at once must not both print a password.
pub(super) async fn insert_user(
    db: &Db,
    tenant: &str,
    name: &str,
    grant: &Grant,
    password: &str,
    now: UtcMs,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    if !insert_user_in(&mut tx, tenant, name, grant, password, now).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// The same in a transaction that makes more of them.
pub(super) async fn insert_user_in(
    tx: &mut Tx,
    tenant: &str,
    name: &str,
    grant: &Grant,
    password: &str,
    now: UtcMs,
) -> Result<bool> {
    let made = tx
        .execute(
            "insert into users (tenant, name, role, password, created_at_ms, changed_at_ms)
             values ($1, $2, $3, $4, $5, $5) on conflict (tenant, name) do nothing",
            args![tenant, name, grant.role.as_str(), password, now],
        )
        .await?;
    if made == 0 {
        return Ok(false);
    }
    insert_grant(tx, tenant, name, grant).await?;
    Ok(true)
}

struct NamedGrant {
    user_name: String,
    row: GrantRow,
}

from_row!(NamedGrant: user_name; flat row);

/// What everybody may, where.
pub(super) async fn all_grants(tx: &mut Tx, tenant: &str) -> Result<Vec<(String, Grant)>> {
    let rows: Vec<NamedGrant> = tx
        .fetch_all(
            "select user_name, role, area, unit from grants where tenant = $1 order by user_name, role, area, unit",
            args![tenant],
        )
        .await?;
    Ok(rows.into_iter().filter_map(|named| Some((named.user_name, named.row.read()?))).collect())
}

/// The role that stands beside a name: what it was, while he has it; else the first that he has.
pub(super) async fn set_shown_role(tx: &mut Tx, tenant: &str, name: &str, grants: &[Grant]) -> Result<()> {
    let row: Option<(String,)> = tx
        .fetch_optional("select role from users where tenant = $1 and name = $2", args![tenant, name])
        .await?;
    let (Some((shown,)), Some(first)) = (row, grants.first()) else { return Ok(()) };
    if grants.iter().all(|grant| grant.role.as_str() != shown) {
        tx.execute(
            "update users set role = $3 where tenant = $1 and name = $2",
            args![tenant, name, first.role.as_str()],
        )
        .await?;
    }
    Ok(())
}

/// How a user is reached outside the hub; what is empty stays as it is. Returns whether anything changed.
pub(super) async fn put_reach(
    tx: &mut Tx,
    tenant: &str,
    name: &str,
    (phone, mail): (&str, &str),
    now: UtcMs,
) -> Result<bool> {
    if phone.is_empty() && mail.is_empty() {
        return Ok(false);
    }
    let changed = tx
        .execute(
            "insert into reach (tenant, user_name, mail, phone, changed_at_ms) values ($1, $2, $3, $4, $5)
             on conflict (tenant, user_name) do update
                 set mail = case when excluded.mail = '' then reach.mail else excluded.mail end,
                     phone = case when excluded.phone = '' then reach.phone else excluded.phone end,
                     changed_at_ms = excluded.changed_at_ms
                 where (excluded.mail <> '' and excluded.mail <> reach.mail)
                    or (excluded.phone <> '' and excluded.phone <> reach.phone)",
            args![tenant, name, mail, phone, now],
        )
        .await?;
    Ok(changed > 0)
}

pub(super) async fn names(db: &Db, tenant: &str) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .fetch_all(
            "select name from users where tenant = $1 and removed_at_ms is null order by name",
            args![tenant],
        )
        .await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

pub(super) async fn grants(db: &Db, tenant: &str, name: &str) -> Result<Vec<Grant>> {
    let rows: Vec<GrantRow> = db
        .fetch_all(
            "select role, area, unit from grants where tenant = $1 and user_name = $2 order by role, area, unit",
            args![tenant, name],
        )
        .await?;
    Ok(rows.into_iter().filter_map(GrantRow::read).collect())
}

pub(super) async fn put_grant(db: &Db, tenant: &str, name: &str, grant: &Grant) -> Result<()> {
    let mut tx = db.begin().await?;
    insert_grant(&mut tx, tenant, name, grant).await?;
    tx.commit().await
}

pub(super) async fn insert_grant(tx: &mut Tx, tenant: &str, name: &str, grant: &Grant) -> Result<()> {
    tx.execute(
        "insert into grants (tenant, user_name, role, area, unit) values ($1, $2, $3, $4, $5)
         on conflict (tenant, user_name, role, area, unit) do nothing",
        args![
            tenant,
            name,
            grant.role.as_str(),
            grant.area.as_str(),
            grant.unit.as_deref().unwrap_or_default()
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn remove_grant(db: &Db, tenant: &str, name: &str, grant: &Grant) -> Result<bool> {
    let mut tx = db.begin().await?;
    let removed = remove_grant_in(&mut tx, tenant, name, grant).await?;
    tx.commit().await?;
    Ok(removed)
}

pub(super) async fn remove_grant_in(tx: &mut Tx, tenant: &str, name: &str, grant: &Grant) -> Result<bool> {
    let removed = tx
        .execute(
            "delete from grants where tenant = $1 and user_name = $2 and role = $3 and area = $4 and unit = $5",
            args![
                tenant,
                name,
                grant.role.as_str(),
                grant.area.as_str(),
                grant.unit.as_deref().unwrap_or_default()
            ],
        )
        .await?;
    Ok(removed > 0)
}

/// Changes the password, ends every session of the user and forgets his browsers; returns whether there is such a user.
pub(super) async fn set_password(
    db: &Db,
    tenant: &str,
    name: &str,
    password: &str,
    now: UtcMs,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let touched = tx
        .execute(
            "update users set password = $3, changed_at_ms = $4 where tenant = $1 and name = $2",
            args![tenant, name, password, now],
        )
        .await?;
    tx.execute("delete from sessions where tenant = $1 and user_name = $2", args![tenant, name]).await?;
    tx.execute("delete from login_failures where tenant = $1 and name = $2", args![tenant, name]).await?;
    push::store::forget_user(&mut tx, tenant, name).await?;
    tx.commit().await?;
    Ok(touched > 0)
}

/// Puts a new password in the place of the old one and ends the user's other sessions; returns whether the old one was
/// still his.
pub(super) async fn change_password(
    db: &Db,
    tenant: &str,
    (name, kept_token_sha256): (&str, &str),
    (old, new): (&str, &str),
    now: UtcMs,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let changed = tx
        .execute(
            "update users set password = $4, changed_at_ms = $5, must_change = 0
             where tenant = $1 and name = $2 and password = $3",
            args![tenant, name, old, new, now],
        )
        .await?;
    if changed == 0 {
        return Ok(false);
    }
    tx.execute(
        "delete from sessions where tenant = $1 and user_name = $2 and token_sha256 <> $3",
        args![tenant, name, kept_token_sha256],
    )
    .await?;
    tx.commit().await?;
    Ok(true)
}

/// Opens a session for whom this password still opens the account: it may have been changed, or the account locked, while
/// it was checked. Returns whether it did.
pub(super) async fn insert_session(
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
pub(super) struct SessionRow {
    pub(super) user_name: String,
    pub(super) role: String,
    pub(super) csrf: String,
    pub(super) seen_at_ms: i64,
    pub(super) must_change: i64,
}

from_row!(SessionRow: user_name, role, csrf, seen_at_ms, must_change);

/// The session of a token, unless it was idle since `idle_since` or began before `oldest`.
pub(super) async fn session(
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
pub(super) async fn sessions(
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
pub(super) async fn end_session(
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

pub(super) async fn touch_session(db: &Db, tenant: &str, token_sha256: &str, now: UtcMs) -> Result<()> {
    db.execute(
        "update sessions set seen_at_ms = $3 where tenant = $1 and token_sha256 = $2 and seen_at_ms < $3",
        args![tenant, token_sha256, now],
    )
    .await?;
    Ok(())
}

pub(super) async fn delete_session(db: &Db, tenant: &str, token_sha256: &str) -> Result<()> {
    db.execute("delete from sessions where tenant = $1 and token_sha256 = $2", args![tenant, token_sha256])
        .await?;
    Ok(())
}

/// Removes ended sessions and forgotten failures; safe to run twice.
pub(super) async fn sweep(
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
pub(super) struct Failures {
    /// Of this name from this address, of this name, from this address.
    pub(super) pair: i64,
    pub(super) name: i64,
    pub(super) address: i64,
}

from_row!(Failures: pair, name, address);

pub(super) async fn failures(
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

pub(super) async fn add_failure(db: &Db, tenant: &str, name: &str, address: &str, now: UtcMs) -> Result<()> {
    db.execute(
        "insert into login_failures (tenant, name, address, at_ms) values ($1, $2, $3, $4)",
        args![tenant, name, address, now],
    )
    .await?;
    Ok(())
}

pub(super) async fn clear_failures(db: &Db, tenant: &str, name: &str, address: &str) -> Result<()> {
    db.execute(
        "delete from login_failures where tenant = $1 and name = $2 and address = $3",
        args![tenant, name, address],
    )
    .await?;
    Ok(())
}

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
pub(super) async fn register(
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
pub(super) async fn register_each(tx: &mut Tx, tenant: &str, access_id: &str, access: &Access) -> Result<()> {
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

pub(super) async fn register_of_case(db: &Db, tenant: &str, number: &str, kind: &str) -> Result<Vec<Access>> {
    db.fetch_all(
        "select at_ms, user_name, sha256, kind, act, purpose, case_number, call_id from access_register
         where tenant = $1 and case_number = $2 and kind = $3 order by at_ms desc, access_id desc limit 1000",
        args![tenant, number, kind],
    )
    .await
}

pub(super) async fn register_of(db: &Db, tenant: &str, sha256: &str) -> Result<Vec<Access>> {
    db.fetch_all(
        "select at_ms, user_name, sha256, kind, act, purpose, case_number, call_id from access_register
         where tenant = $1 and sha256 = $2 order by at_ms desc, access_id desc limit 1000",
        args![tenant, sha256],
    )
    .await
}
