//! SQL of claims: rows of what a hub does just now.

use std::collections::BTreeSet;

use protocol::UtcMs;

use crate::args;
use crate::db::{Db, Result};

/// In a query for what is due: nobody has claimed it at `$1`, or the claim has run out.
macro_rules! unclaimed {
    ($what:literal, $tenant:literal, $subject:literal) => {
        concat!(
            " and not exists (select 1 from engine_claims e where e.tenant = ",
            $tenant,
            " and e.what = '",
            $what,
            "' and e.subject = ",
            $subject,
            " and e.until_ms > $1) "
        )
    };
}
pub(crate) use unclaimed;

/// Claims subjects, each with its tenant; returns those that nobody else has. In their order, so that two hubs that claim the
/// same at once do not wait for each other.
pub(in crate::engine) async fn take(
    db: &Db,
    what: &'static str,
    subjects: BTreeSet<(String, String)>,
    token: &str,
    (now, until): (UtcMs, UtcMs),
) -> Result<BTreeSet<(String, String)>> {
    let mut own = BTreeSet::new();
    let mut tx = db.begin().await?;
    for (tenant, subject) in subjects {
        let claimed = tx
            .execute(
                "insert into engine_claims (tenant, what, subject, token, until_ms) values ($1, $2, $3, $4, $5)
                 on conflict (tenant, what, subject) do update set token = excluded.token, until_ms = excluded.until_ms
                     where engine_claims.until_ms <= $6",
                args![&tenant, what, &subject, token, until, now],
            )
            .await?;
        if claimed > 0 {
            own.insert((tenant, subject));
        }
    }
    tx.commit().await?;
    Ok(own)
}

/// It stays claimed until the claim runs out, by nobody.
pub(in crate::engine) async fn orphan(
    db: &Db,
    what: &'static str,
    (tenant, subject): (&str, &str),
    token: &str,
) -> Result<u64> {
    db.execute(
        "update engine_claims set token = '' where tenant = $1 and what = $2 and subject = $3 and token = $4",
        args![tenant, what, subject, token],
    )
    .await
}

/// Lets go what was claimed, and forgets what a hub has left behind long ago. In the same order.
pub(in crate::engine) async fn release(
    db: &Db,
    what: &'static str,
    own: &BTreeSet<(String, String)>,
    token: &str,
    long_ago: UtcMs,
) -> Result<()> {
    let mut tx = db.begin().await?;
    for (tenant, subject) in own {
        tx.execute(
            "delete from engine_claims where tenant = $1 and what = $2 and subject = $3 and token = $4",
            args![tenant, what, subject, token],
        )
        .await?;
    }
    tx.execute("delete from engine_claims where until_ms <= $1", args![long_ago]).await?;
    tx.commit().await
}
