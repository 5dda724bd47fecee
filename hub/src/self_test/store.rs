//! SQL of self-tests.

use protocol::UtcMs;

use super::SelfTest;
use crate::args;
use crate::db::{Db, Result, Tx, from_row};

/// Found at once.
const MOST: i64 = 500;

/// Boxes that are there, were enrolled before today, and were not asked today: tenant and box.
pub(super) async fn due(db: &Db, day: &str, today: UtcMs) -> Result<Vec<(String, String)>> {
    db.fetch_all(
        "select d.tenant, d.device_id from devices d
         join device_status s on s.tenant = d.tenant and s.device_id = d.device_id
         where d.state = 'enrolled' and s.state = 'online' and d.enrolled_at_ms < $2
           and not exists (select 1 from self_tests t
                           where t.tenant = d.tenant and t.device_id = d.device_id and t.day = $1)
         order by d.tenant, d.device_id limit $3",
        args![day, today, MOST],
    )
    .await
}

/// Whether this is who asks.
pub(super) async fn begin(db: &Db, tenant: &str, device_id: &str, day: &str, now: UtcMs) -> Result<bool> {
    let begun = db
        .execute(
            "insert into self_tests (tenant, device_id, day, command_id, state, asked_at_ms)
             values ($1, $2, $3, '', 'waiting', $4) on conflict (tenant, device_id, day) do nothing",
            args![tenant, device_id, day, now],
        )
        .await?;
    Ok(begun > 0)
}

pub(super) async fn asked(db: &Db, tenant: &str, device_id: &str, day: &str, command: &str) -> Result<()> {
    db.execute(
        "update self_tests set command_id = $4 where tenant = $1 and device_id = $2 and day = $3",
        args![tenant, device_id, day, command],
    )
    .await?;
    Ok(())
}

/// A self-test that was asked for and has not ended.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) tenant: String,
    pub(super) device_id: String,
    pub(super) day: String,
    pub(super) command_id: String,
    pub(super) asked_at_ms: i64,
    pub(super) area: String,
    /// What the box says why not.
    pub(super) failure: Option<String>,
}

from_row!(Waiting: tenant, device_id, day, command_id, asked_at_ms, area, failure);

pub(super) async fn waiting(db: &Db) -> Result<Vec<Waiting>> {
    db.fetch_all(
        "select t.tenant, t.device_id, t.day, t.command_id, t.asked_at_ms, d.area,
                case when m.state = 'failed' then coalesce(m.reason, 'failed') end as failure
         from self_tests t
         join devices d on d.tenant = t.tenant and d.device_id = t.device_id
         left join commands m on m.tenant = t.tenant and m.command_id = t.command_id
         where t.ended_at_ms is null order by t.asked_at_ms limit $1",
        args![MOST],
    )
    .await
}

/// What has come of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) number: String,
    pub(super) received_at_ms: i64,
    /// How many pictures it names, and when the last of those that are here came.
    pub(super) pictures: i64,
    pub(super) pictured_at_ms: Option<i64>,
}

from_row!(Seen: number, received_at_ms, pictures, pictured_at_ms);

/// The drill bears the name of its command.
pub(super) async fn seen(db: &Db, waiting: &Waiting) -> Result<Option<Seen>> {
    db.fetch_optional(
        "select c.number, i.first_received_at_ms as received_at_ms,
                (select count(*) from evidence_links l
                 where l.tenant = i.tenant and l.owner = 'incident' and l.owner_id = i.incident_id) as pictures,
                (select max(e.stored_at_ms) from evidence_links l
                 join evidence e on e.tenant = l.tenant and e.sha256 = l.sha256 and e.device_id = l.device_id
                 where l.tenant = i.tenant and l.owner = 'incident' and l.owner_id = i.incident_id) as pictured_at_ms
         from incidents i join cases c on c.tenant = i.tenant and c.case_id = i.case_id
         where i.tenant = $1 and i.incident_id = $2 and i.device_id = $3 and i.drill = 1",
        args![&waiting.tenant, &waiting.command_id, &waiting.device_id],
    )
    .await
}

/// Under the lock: ends it, once.
pub(super) async fn end(
    tx: &mut Tx,
    waiting: &Waiting,
    seen: Option<&Seen>,
    reason: Option<&str>,
    now: UtcMs,
) -> Result<bool> {
    let ended = tx
        .execute(
            "update self_tests set state = $4, received_at_ms = $5, pictured_at_ms = $6, ended_at_ms = $7, reason = $8
             where tenant = $1 and device_id = $2 and day = $3 and ended_at_ms is null",
            args![
                &waiting.tenant,
                &waiting.device_id,
                &waiting.day,
                if reason.is_some() { "failed" } else { "passed" },
                seen.map(|seen| seen.received_at_ms),
                seen.and_then(|seen| seen.pictured_at_ms),
                now,
                reason
            ],
        )
        .await?;
    Ok(ended > 0)
}

pub(super) async fn newest(db: &Db, tenant: &str) -> Result<Vec<SelfTest>> {
    db.fetch_all(
        "select device_id, day, state, asked_at_ms, received_at_ms, pictured_at_ms, ended_at_ms, reason
         from self_tests t
         where tenant = $1 and day = (select max(n.day) from self_tests n
                                      where n.tenant = t.tenant and n.device_id = t.device_id)
         order by device_id limit $2",
        args![tenant, MOST],
    )
    .await
}
