//! SQL of what people look at, and of what they have tried again.

use protocol::UtcMs;

use crate::args;
use crate::db::{Db, Result, from_row};

/// Rows shown at once.
pub(in crate::outbound) const MOST_SHOWN: i64 = 1_000;

/// A channel and what became of what was given to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::outbound) struct State {
    pub(in crate::outbound) channel: String,
    pub(in crate::outbound) form: String,
    pub(in crate::outbound) waiting: i64,
    pub(in crate::outbound) sent: i64,
    pub(in crate::outbound) given_up: i64,
    pub(in crate::outbound) dropped: i64,
    pub(in crate::outbound) paused_until_ms: i64,
    pub(in crate::outbound) last_success_at_ms: Option<i64>,
    pub(in crate::outbound) last_error: Option<String>,
    pub(in crate::outbound) last_error_at_ms: Option<i64>,
}

from_row!(State: channel, form, waiting, sent, given_up, dropped, paused_until_ms, last_success_at_ms, last_error,
    last_error_at_ms);

pub(in crate::outbound) async fn states(db: &Db, tenant: &str) -> Result<Vec<State>> {
    db.fetch_all(
        "select c.channel, c.form, c.dropped, c.paused_until_ms, c.last_success_at_ms, c.last_error, c.last_error_at_ms,
                cast(coalesce(sum(case when o.state = 'waiting' then 1 else 0 end), 0) as bigint) as waiting,
                cast(coalesce(sum(case when o.state = 'sent' then 1 else 0 end), 0) as bigint) as sent,
                cast(coalesce(sum(case when o.state = 'given_up' then 1 else 0 end), 0) as bigint) as given_up
         from outbox_channels c left join outbox o on o.tenant = c.tenant and o.channel = c.channel
         where c.tenant = $1
         group by c.channel, c.form, c.dropped, c.paused_until_ms, c.last_success_at_ms, c.last_error, c.last_error_at_ms
         order by c.channel",
        args![tenant],
    )
    .await
}

/// A row that nobody tries any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::outbound) struct GivenUp {
    pub(in crate::outbound) outbox_id: String,
    pub(in crate::outbound) channel: String,
    pub(in crate::outbound) receiver: String,
    pub(in crate::outbound) case_number: String,
    pub(in crate::outbound) kind: String,
    pub(in crate::outbound) tries: i64,
    pub(in crate::outbound) ended_at_ms: i64,
    pub(in crate::outbound) reason: String,
}

from_row!(GivenUp: outbox_id, channel, receiver, case_number, kind, tries, ended_at_ms, reason);

/// The newest first.
pub(in crate::outbound) async fn given_up(db: &Db, tenant: &str) -> Result<Vec<GivenUp>> {
    db.fetch_all(
        "select outbox_id, channel, receiver, case_number, kind, tries, ended_at_ms, coalesce(reason, '') as reason
         from outbox where tenant = $1 and state = 'given_up' order by ended_at_ms desc, outbox_id limit $2",
        args![tenant, MOST_SHOWN],
    )
    .await
}

/// Has one row, or all, tried again from the beginning, if its channel is there; returns how many.
pub(in crate::outbound) async fn retry(db: &Db, tenant: &str, id: Option<&str>, now: UtcMs) -> Result<u64> {
    db.execute(
        "update outbox set state = 'waiting', ended_at_ms = null, tries = 0, held = 0, next_at_ms = $3, made_at_ms = $3,
             lease_ms = 0, lease_token = null
         where tenant = $1 and state = 'given_up' and (cast($2 as text) = '' or outbox_id = $2)
           and exists (select 1 from outbox_channels c
                       where c.tenant = outbox.tenant and c.channel = outbox.channel)",
        args![tenant, id.unwrap_or_default(), now],
    )
    .await
}

/// Whether there is such a user, unit or area.
pub(in crate::outbound) async fn is_known(db: &Db, tenant: &str, what: &str, name: &str) -> Result<bool> {
    let sql = match what {
        "user" => "select count(*) from users where tenant = $1 and name = $2 and removed_at_ms is null",
        "unit" => "select count(*) from units where tenant = $1 and unit = $2",
        _ => "select count(*) from areas where tenant = $1 and area = $2",
    };
    let (count,): (i64,) = db.fetch_one(sql, args![tenant, name]).await?;
    Ok(count > 0)
}

/// Forgets what ended before these times, of which the first is the later one.
pub(in crate::outbound) async fn prune(db: &Db, sent_before: UtcMs, given_up_before: UtcMs) -> Result<u64> {
    db.execute(
        // The time first: this is asked every few seconds, and finds nothing by one look at the index.
        "delete from outbox where ended_at_ms is not null and ended_at_ms < $1
           and (state = 'sent' or ended_at_ms < $2)",
        args![sent_before, given_up_before],
    )
    .await
}
