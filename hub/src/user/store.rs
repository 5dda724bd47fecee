//! SQL of users, sessions and the access register.

pub(super) mod people;
mod register;
mod sessions;

use protocol::UtcMs;

pub use register::Access;
pub(super) use register::{register, register_each, register_of, register_of_case};
pub(super) use sessions::{
    Failures, add_failure, clear_failures, delete_session, end_session, failures, insert_session, session,
    sessions, sweep, touch_session,
};

use super::Grant;
use super::grant::GrantRow;
use crate::args;
use crate::db::from_row;
use crate::db::{Db, Result, Tx};

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
