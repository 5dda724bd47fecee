//! SQL of what is put into the outbox.

use crate::args;
use crate::db::dialect::{Dialect, texts};
use crate::db::{Insert, Result, Tx, from_row};
use crate::outbound::facts::CaseFacts;
use crate::outbound::rule::Rule;
use crate::outbound::telling::Row;

const OUTBOX: Insert = Insert {
    into: "insert into outbox (tenant, outbox_id, channel, cause, receiver, case_number, kind, lane, seq, held, content,
               made_at_ms, state, next_at_ms)",
    tail: "on conflict do nothing",
};

/// People whom one notice is told outside, by their roles: a bound, not a number that a county has.
const MOST_GRANTS: i64 = 5_000;

/// A channel as the outbox knows it.
#[derive(Clone, Debug)]
pub(in crate::outbound) struct Known {
    pub(in crate::outbound) channel: String,
    pub(in crate::outbound) rule: Rule,
    is_full: bool,
}

impl Known {
    /// As many rows wait for it as may: nothing more is put there.
    pub(in crate::outbound) fn is_full(&self) -> bool {
        self.is_full
    }
}

/// Channels of a tenant, those of a newer hub left out.
pub(in crate::outbound) async fn channels(tx: &mut Tx, tenant: &str) -> Result<Vec<Known>> {
    let rows: Vec<(String, String, i64)> = tx
        .fetch_all("select channel, rule, is_full from outbox_channels where tenant = $1", args![tenant])
        .await?;
    let read = |(channel, rule, is_full): (String, String, i64)| match serde_json::from_str(&rule) {
        Ok(rule) => Some(Known { channel, rule, is_full: is_full != 0 }),
        Err(error) => {
            tracing::warn!(channel, %error, "outbound: a channel of another version of the hub; nothing goes there");
            None
        }
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

macro_rules! facts {
    ($rest:expr) => {
        concat!(
            "select case_id, number, kind, severity, state, source, category, title_zh, title_en, place, location, area,
                    level, drill, confidential, due_clock, due_at_ms, cards, opened_at_ms
             from cases where tenant = $1 ",
            $rest
        )
    };
}

pub(in crate::outbound) async fn case(tx: &mut Tx, tenant: &str, number: &str) -> Result<Option<CaseFacts>> {
    tx.fetch_optional(facts!("and number = $2"), args![tenant, number]).await
}

/// Those of a JSON list of ids.
pub(in crate::outbound) async fn cases(tx: &mut Tx, tenant: &str, ids: &str) -> Result<Vec<CaseFacts>> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => facts!(concat!("and case_id in ", texts!(sqlite, 2))),
        Dialect::Postgres => facts!(concat!("and case_id in ", texts!(postgres, 2))),
    };
    tx.fetch_all(sql, args![tenant, ids]).await
}

/// Of the cases of a JSON list, with channels, those of which something waits.
pub(in crate::outbound) async fn lanes(
    tx: &mut Tx,
    tenant: &str,
    case_ids: &str,
) -> Result<Vec<(String, String)>> {
    macro_rules! asked {
        ($dialect:ident) => {
            concat!(
                "select distinct channel, lane from outbox where tenant = $1 and state = 'waiting' and lane in ",
                texts!($dialect, 2)
            )
        };
    }
    let sql = match tx.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    tx.fetch_all(sql, args![tenant, case_ids]).await
}

/// One role of somebody who is told, and how he is reached.
#[derive(Clone, Debug)]
pub(in crate::outbound) struct GrantOf {
    pub(in crate::outbound) user_name: String,
    pub(in crate::outbound) role: String,
    pub(in crate::outbound) unit: String,
    pub(in crate::outbound) area: String,
    pub(in crate::outbound) mail: String,
    pub(in crate::outbound) phone: String,
}

from_row!(GrantOf: user_name, role, unit, area, mail, phone);

/// All roles of everybody whom a notice is for, by the same rule as who reads it in the hub.
pub(in crate::outbound) async fn told(tx: &mut Tx, tenant: &str, notice_id: &str) -> Result<Vec<GrantOf>> {
    tx.fetch_all(
        "select o.user_name, o.role, o.unit, o.area, coalesce(r.mail, '') as mail, coalesce(r.phone, '') as phone
         from grants o left join reach r on r.tenant = o.tenant and r.user_name = o.user_name
         where o.tenant = $1 and exists (
             select 1 from notice_audience a
             where a.tenant = o.tenant and a.notice_id = $2
               and (a.user_name = o.user_name or exists (
                    select 1 from grants g
                    where g.tenant = a.tenant and g.user_name = o.user_name
                      and ((a.unit <> '' and g.unit = a.unit)
                           or (a.role <> '' and g.role = a.role and substr(a.area, 1, length(g.area)) = g.area)))))
         order by o.user_name limit $3",
        args![tenant, notice_id, MOST_GRANTS],
    )
    .await
}

/// Writes a row at the commit, unless its channel is full. A second one of the same cause is not written.
pub(in crate::outbound) fn put(tx: &mut Tx, tenant: &str, known: &Known, row: &Row<'_>) {
    if known.is_full {
        return;
    }
    tx.later(
        OUTBOX,
        args![
            tenant,
            &row.id,
            row.channel,
            row.cause,
            row.receiver,
            row.case_number,
            row.kind,
            row.lane,
            row.seq,
            row.held,
            row.content.as_str(),
            row.made_at,
            "waiting",
            row.made_at
        ],
    );
}

/// What a full channel did not take.
pub(in crate::outbound) async fn count_dropped(
    tx: &mut Tx,
    tenant: &str,
    known: &Known,
    count: usize,
) -> Result<()> {
    if known.is_full && count > 0 {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        tx.execute(
            "update outbox_channels set dropped = dropped + $3 where tenant = $1 and channel = $2",
            args![tenant, &known.channel, count],
        )
        .await?;
    }
    Ok(())
}
