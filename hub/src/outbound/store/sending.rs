//! SQL of sending: rows are claimed by lease, and what came of them is noted.

use protocol::UtcMs;

use crate::args;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, Tx, from_row};
use crate::outbound::rule::Rule;

/// A claimed row.
#[derive(Clone, Debug)]
pub(in crate::outbound) struct Parcel {
    pub(in crate::outbound) outbox_id: String,
    pub(in crate::outbound) receiver: String,
    pub(in crate::outbound) case_number: String,
    pub(in crate::outbound) kind: String,
    pub(in crate::outbound) lane: String,
    pub(in crate::outbound) content: String,
    pub(in crate::outbound) made_at_ms: i64,
    /// How often it was tried before.
    pub(in crate::outbound) tries: i64,
}

from_row!(Parcel: outbox_id, receiver, case_number, kind, lane, content, made_at_ms, tries);

/// Whose row it is: notes of somebody whose lease ran out change nothing.
#[derive(Clone, Copy, Debug)]
pub(in crate::outbound) struct Claim<'a> {
    pub(in crate::outbound) tenant: &'a str,
    pub(in crate::outbound) channel: &'a str,
    pub(in crate::outbound) token: &'a str,
}

/// How a channel fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::outbound) struct Fares {
    pub(in crate::outbound) failures: i64,
    pub(in crate::outbound) paused_until_ms: i64,
}

from_row!(Fares: failures, paused_until_ms);

/// Brings the kept channels to what the configuration says. What waits for one that is gone is given up, in sight.
/// Returns how many rows that were.
pub(in crate::outbound) async fn set_channels(
    db: &Db,
    tenant: &str,
    channels: &[(&str, &Rule)],
    now: UtcMs,
) -> Result<u64> {
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    for (channel, rule) in channels {
        let text = serde_json::to_string(rule).map_err(|error| sqlx::Error::Encode(error.into()))?;
        tx.execute(
            "insert into outbox_channels (tenant, channel, form, rule) values ($1, $2, $3, $4)
             on conflict (tenant, channel) do update set form = excluded.form, rule = excluded.rule",
            args![tenant, *channel, rule.form.as_str(), text],
        )
        .await?;
    }
    let names =
        serde_json::Value::from(channels.iter().map(|(name, _)| *name).collect::<Vec<_>>()).to_string();
    macro_rules! gone {
        ($dialect:ident, $before:literal) => {
            concat!($before, " channel not in ", texts!($dialect, 2))
        };
    }
    let (given_up, removed) = match tx.dialect() {
        Dialect::Sqlite => (
            gone!(
                sqlite,
                "update outbox set state = 'given_up', ended_at_ms = $3, reason = $4
                 where tenant = $1 and state = 'waiting' and"
            ),
            gone!(sqlite, "delete from outbox_channels where tenant = $1 and"),
        ),
        Dialect::Postgres => (
            gone!(
                postgres,
                "update outbox set state = 'given_up', ended_at_ms = $3, reason = $4
                 where tenant = $1 and state = 'waiting' and"
            ),
            gone!(postgres, "delete from outbox_channels where tenant = $1 and"),
        ),
    };
    let reason = "the configuration has no such channel any more";
    let count = tx.execute(given_up, args![tenant, &names, now, reason]).await?;
    tx.execute(removed, args![tenant, &names]).await?;
    tx.commit().await?;
    Ok(count)
}

pub(in crate::outbound) async fn fares(db: &Db, tenant: &str, channel: &str) -> Result<Option<Fares>> {
    db.fetch_optional(
        "select failures, paused_until_ms from outbox_channels where tenant = $1 and channel = $2",
        args![tenant, channel],
    )
    .await
}

/// Whether anything may be due: most looks find nothing, and need not write.
pub(in crate::outbound) async fn is_due(db: &Db, tenant: &str, channel: &str, now: UtcMs) -> Result<bool> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select outbox_id from outbox
             where tenant = $1 and channel = $2 and state = 'waiting' and held = 0 and next_at_ms <= $3 and lease_ms < $3
             limit 1",
            args![tenant, channel, now],
        )
        .await?;
    Ok(row.is_some())
}

/// Claims what is due, at most `most` rows. What the inner query finds the outer one asks again: another hub may have
/// taken it in between.
pub(in crate::outbound) async fn claim(
    db: &Db,
    claim: Claim<'_>,
    now: UtcMs,
    until: UtcMs,
    most: i64,
) -> Result<Vec<Parcel>> {
    let mut tx = db.begin().await?;
    let rows = tx
        .fetch_all(
            "update outbox set lease_ms = $4, lease_token = $5
             where tenant = $1 and channel = $2 and state = 'waiting' and held = 0 and next_at_ms <= $3
               and lease_ms < $3 and outbox_id in (
                 select outbox_id from outbox
                 where tenant = $1 and channel = $2 and state = 'waiting' and held = 0 and next_at_ms <= $3
                   and lease_ms < $3
                 order by next_at_ms, seq limit $6)
             returning outbox_id, receiver, case_number, kind, lane, content, made_at_ms, tries",
            args![claim.tenant, claim.channel, now, until, claim.token, most],
        )
        .await?;
    tx.commit().await?;
    Ok(rows)
}

/// Of these numbers those of cases that are confidential now.
pub(in crate::outbound) async fn confidential(
    db: &Db,
    tenant: &str,
    numbers: &[&str],
) -> Result<Vec<String>> {
    macro_rules! asked {
        ($dialect:ident) => {
            concat!(
                "select number from cases where tenant = $1 and confidential <> 0 and number in ",
                texts!($dialect, 2)
            )
        };
    }
    let sql = match db.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    let listed = serde_json::Value::from(numbers).to_string();
    let rows: Vec<(String,)> = db.fetch_all(sql, args![tenant, listed]).await?;
    Ok(rows.into_iter().map(|(number,)| number).collect())
}

/// The receiver has it. Returns whether the row was still this claim's.
pub(in crate::outbound) async fn sent(
    db: &Db,
    claim: Claim<'_>,
    parcel: &Parcel,
    now: UtcMs,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let own = end(&mut tx, claim, parcel, "sent", None, now).await?;
    tx.execute(
        "update outbox_channels set failures = 0, paused_until_ms = 0, last_success_at_ms = $3
         where tenant = $1 and channel = $2",
        args![claim.tenant, claim.channel, now],
    )
    .await?;
    tx.commit().await?;
    Ok(own)
}

/// Nobody will try it again by himself.
pub(in crate::outbound) async fn give_up(
    db: &Db,
    claim: Claim<'_>,
    parcel: &Parcel,
    reason: &str,
    now: UtcMs,
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let own = end(&mut tx, claim, parcel, "given_up", Some(reason), now).await?;
    note_error(&mut tx, claim, reason, now).await?;
    tx.commit().await?;
    Ok(own)
}

async fn end(
    tx: &mut Tx,
    claim: Claim<'_>,
    parcel: &Parcel,
    state: &'static str,
    reason: Option<&str>,
    now: UtcMs,
) -> Result<bool> {
    let ended = tx
        .execute(
            "update outbox set state = $4, ended_at_ms = $5, reason = $6, tries = tries + 1, lease_ms = 0,
                 lease_token = null
             where tenant = $1 and outbox_id = $2 and lease_token = $3 and state = 'waiting'",
            args![claim.tenant, &parcel.outbox_id, claim.token, state, now, reason],
        )
        .await?;
    if ended > 0 && !parcel.lane.is_empty() {
        tx.execute(
            "update outbox set held = 0
             where tenant = $1 and outbox_id = (
                 select outbox_id from outbox
                 where tenant = $1 and channel = $2 and lane = $3 and state = 'waiting' order by seq limit 1)",
            args![claim.tenant, claim.channel, &parcel.lane],
        )
        .await?;
    }
    Ok(ended > 0)
}

/// It is tried again.
pub(in crate::outbound) async fn later(
    db: &Db,
    claim: Claim<'_>,
    parcel: &Parcel,
    reason: &str,
    (now, next_at): (UtcMs, UtcMs),
) -> Result<bool> {
    let mut tx = db.begin().await?;
    let own = tx
        .execute(
            "update outbox set next_at_ms = $4, reason = $5, tries = tries + 1, lease_ms = 0, lease_token = null
             where tenant = $1 and outbox_id = $2 and lease_token = $3 and state = 'waiting'",
            args![claim.tenant, &parcel.outbox_id, claim.token, next_at, reason],
        )
        .await?;
    note_error(&mut tx, claim, reason, now).await?;
    tx.commit().await?;
    Ok(own > 0)
}

async fn note_error(tx: &mut Tx, claim: Claim<'_>, reason: &str, now: UtcMs) -> Result<()> {
    tx.execute(
        "update outbox_channels set last_error = $3, last_error_at_ms = $4 where tenant = $1 and channel = $2",
        args![claim.tenant, claim.channel, reason, now],
    )
    .await?;
    Ok(())
}

/// Nothing is tried on the whole channel for a while; of several that fail at once the longest pause holds.
pub(in crate::outbound) async fn pause(db: &Db, claim: Claim<'_>, failures: i64, until: UtcMs) -> Result<()> {
    db.execute(
        "update outbox_channels
         set failures = case when failures > $3 then failures else $3 end,
             paused_until_ms = case when paused_until_ms > $4 then paused_until_ms else $4 end
         where tenant = $1 and channel = $2",
        args![claim.tenant, claim.channel, failures, until],
    )
    .await?;
    Ok(())
}

/// Claimed, and not tried after all.
pub(in crate::outbound) async fn release(db: &Db, claim: Claim<'_>) -> Result<()> {
    db.execute(
        "update outbox set lease_ms = 0, lease_token = null
         where tenant = $1 and channel = $2 and lease_token = $3 and state = 'waiting'",
        args![claim.tenant, claim.channel, claim.token],
    )
    .await?;
    Ok(())
}

/// A channel that was away for long works again: what it failed with need not wait out its turn.
pub(in crate::outbound) async fn hurry(db: &Db, tenant: &str, channel: &str, now: UtcMs) -> Result<u64> {
    db.execute(
        "update outbox set next_at_ms = $3
         where tenant = $1 and channel = $2 and state = 'waiting' and next_at_ms > $3",
        args![tenant, channel, now],
    )
    .await
}

/// Gives up what has waited since before `made_before`: nobody needs to be told of it any more.
pub(in crate::outbound) async fn expire(
    db: &Db,
    tenant: &str,
    channel: &str,
    (now, made_before): (UtcMs, UtcMs),
    reason: &str,
) -> Result<u64> {
    db.execute(
        "update outbox set state = 'given_up', ended_at_ms = $3, reason = cast($5 as text) || coalesce(': ' || reason, '')
         where tenant = $1 and channel = $2 and state = 'waiting' and lease_ms < $3 and made_at_ms < $4",
        args![tenant, channel, now, made_before, reason],
    )
    .await
}

/// Lets go what is held with nothing before it.
pub(in crate::outbound) async fn free(db: &Db, tenant: &str, channel: &str) -> Result<u64> {
    db.execute(
        "update outbox set held = 0
         where tenant = $1 and channel = $2 and state = 'waiting' and held = 1 and not exists (
             select 1 from outbox b
             where b.tenant = outbox.tenant and b.channel = outbox.channel and b.lane = outbox.lane
               and b.state = 'waiting' and b.seq < outbox.seq)",
        args![tenant, channel],
    )
    .await
}

/// How many wait.
pub(in crate::outbound) async fn waiting(db: &Db, tenant: &str, channel: &str) -> Result<i64> {
    let (count,): (i64,) = db
        .fetch_one(
            "select count(*) from outbox where tenant = $1 and channel = $2 and state = 'waiting'",
            args![tenant, channel],
        )
        .await?;
    Ok(count)
}

pub(in crate::outbound) async fn set_full(db: &Db, tenant: &str, channel: &str, is_full: bool) -> Result<()> {
    db.execute(
        "update outbox_channels set is_full = $3 where tenant = $1 and channel = $2 and is_full <> $3",
        args![tenant, channel, is_full],
    )
    .await?;
    Ok(())
}
