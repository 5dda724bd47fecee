//! SQL of addresses.

use protocol::UtcMs;

use crate::args;
use crate::db::{Db, Result, Tx, from_row};

/// How somebody is reached outside the hub; nothing: not that way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::outbound) struct Reach {
    pub(in crate::outbound) mail: String,
    pub(in crate::outbound) phone: String,
}

from_row!(Reach: mail, phone);

pub(in crate::outbound) async fn of(db: &Db, tenant: &str, user: &str) -> Result<Option<Reach>> {
    db.fetch_optional(OF, args![tenant, user]).await
}

pub(in crate::outbound) async fn of_in(tx: &mut Tx, tenant: &str, user: &str) -> Result<Option<Reach>> {
    tx.fetch_optional(OF, args![tenant, user]).await
}

const OF: &str = "select mail, phone from reach where tenant = $1 and user_name = $2";

pub(in crate::outbound) async fn put(
    tx: &mut Tx,
    tenant: &str,
    user: &str,
    reach: &Reach,
    now: UtcMs,
) -> Result<()> {
    tx.execute(
        "insert into reach (tenant, user_name, mail, phone, changed_at_ms) values ($1, $2, $3, $4, $5)
         on conflict (tenant, user_name) do update set mail = excluded.mail, phone = excluded.phone,
             changed_at_ms = excluded.changed_at_ms",
        args![tenant, user, &reach.mail, &reach.phone, now],
    )
    .await?;
    Ok(())
}

pub(in crate::outbound) async fn clear(tx: &mut Tx, tenant: &str, user: &str) -> Result<u64> {
    tx.execute("delete from reach where tenant = $1 and user_name = $2", args![tenant, user]).await
}
