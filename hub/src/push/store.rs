//! SQL of subscriptions. What belongs to somebody is asked for with his name, never by its id alone.

use protocol::UtcMs;

use super::Subscription;
use crate::args;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, Tx};

macro_rules! subscriptions {
    ($rest:literal) => {
        concat!(
            "select push_id, user_name, endpoint, p256dh, auth, label, created_at_ms, last_success_at_ms, failures
             from push_subscriptions where tenant = $1 ",
            $rest
        )
    };
}

/// Keeps one, and of its owner's others the newest ones, `most` in all.
pub(super) async fn put(db: &Db, tenant: &str, one: &Subscription, most: i64) -> Result<()> {
    let mut tx = db.begin().await?;
    // Of two that come at once the second one counts the first.
    tx.lock_tenant(tenant).await?;
    tx.execute(
        "insert into push_subscriptions (tenant, push_id, user_name, endpoint, p256dh, auth, label, created_at_ms,
             last_success_at_ms, failures)
         values ($1, $2, $3, $4, $5, $6, $7, $8, null, 0)
         on conflict (tenant, push_id) do update
             set user_name = excluded.user_name, endpoint = excluded.endpoint, p256dh = excluded.p256dh,
                 auth = excluded.auth, label = excluded.label, created_at_ms = excluded.created_at_ms,
                 last_success_at_ms = null, failures = 0",
        args![
            tenant,
            &one.push_id,
            &one.user_name,
            &one.endpoint,
            &one.p256dh,
            &one.auth,
            &one.label,
            one.created_at_ms
        ],
    )
    .await?;
    tx.execute(
        "delete from push_subscriptions
         where tenant = $1 and user_name = $2 and push_id <> $3 and push_id not in (
             select push_id from push_subscriptions
             where tenant = $1 and user_name = $2 and push_id <> $3
             order by created_at_ms desc, push_id limit $4)",
        args![tenant, &one.user_name, &one.push_id, most - 1],
    )
    .await?;
    tx.commit().await
}

pub(super) async fn of_user(db: &Db, tenant: &str, user: &str) -> Result<Vec<Subscription>> {
    db.fetch_all(
        subscriptions!("and user_name = $2 order by created_at_ms desc, push_id"),
        args![tenant, user],
    )
    .await
}

/// One of a user's.
pub(crate) async fn one(db: &Db, tenant: &str, user: &str, push_id: &str) -> Result<Option<Subscription>> {
    db.fetch_optional(subscriptions!("and user_name = $2 and push_id = $3"), args![tenant, user, push_id])
        .await
}

/// Owner and id of every subscription of these people.
pub(crate) async fn of_people(tx: &mut Tx, tenant: &str, people: &[&str]) -> Result<Vec<(String, String)>> {
    macro_rules! asked {
        ($dialect:ident) => {
            concat!(
                "select user_name, push_id from push_subscriptions where tenant = $1 and user_name in ",
                texts!($dialect, 2),
                " order by user_name, created_at_ms, push_id"
            )
        };
    }
    let sql = match tx.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    tx.fetch_all(sql, args![tenant, serde_json::Value::from(people).to_string()]).await
}

pub(crate) async fn remove(db: &Db, tenant: &str, user: &str, push_id: &str) -> Result<bool> {
    let removed = db
        .execute(
            "delete from push_subscriptions where tenant = $1 and user_name = $2 and push_id = $3",
            args![tenant, user, push_id],
        )
        .await?;
    Ok(removed > 0)
}

/// Its push service has taken a message.
pub(crate) async fn note_success(db: &Db, tenant: &str, user: &str, push_id: &str, now: UtcMs) -> Result<()> {
    db.execute(
        "update push_subscriptions set last_success_at_ms = $4, failures = 0
         where tenant = $1 and user_name = $2 and push_id = $3",
        args![tenant, user, push_id, now],
    )
    .await?;
    Ok(())
}

/// Its push service would not have a message; after `most` of them in a row it is forgotten. Returns whether it was.
pub(crate) async fn note_refusal(
    db: &Db,
    tenant: &str,
    user: &str,
    push_id: &str,
    most: i64,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    tx.execute(
        "update push_subscriptions set failures = failures + 1
         where tenant = $1 and user_name = $2 and push_id = $3",
        args![tenant, user, push_id],
    )
    .await?;
    let removed = tx
        .execute(
            "delete from push_subscriptions
             where tenant = $1 and user_name = $2 and push_id = $3 and failures >= $4",
            args![tenant, user, push_id, most],
        )
        .await?;
    tx.commit().await?;
    Ok(removed > 0)
}

/// All of a user's: somebody else may have had the account, or nobody is to have it.
pub(crate) async fn forget_user(tx: &mut Tx, tenant: &str, user: &str) -> Result<u64> {
    tx.execute("delete from push_subscriptions where tenant = $1 and user_name = $2", args![tenant, user])
        .await
}

/// Those of people who have no role, or are not there.
pub(super) async fn prune(db: &Db) -> Result<u64> {
    db.execute(
        "delete from push_subscriptions where not exists (
             select 1 from grants g
             where g.tenant = push_subscriptions.tenant and g.user_name = push_subscriptions.user_name)",
        args![],
    )
    .await
}
