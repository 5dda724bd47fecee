//! SQL of cases. A change to a case, its history row and its live-feed row share one transaction, which holds the
//! tenant's lock ([`Tx::lock_tenant`]).

mod by_hand;
mod desk;
mod head;
pub mod joined;
pub mod list;
mod opening;
pub mod seal;

use protocol::{Incident, IncidentKind, Origin, Severity, UtcMs};
use serde_json::{Value, json};

pub use by_hand::{NewByHand, insert_by_hand, next_number, set_complained_of};
pub use desk::{Desk, OnFile};
pub use head::Head;
use head::head_columns;
pub use opening::{NewCase, Placed, alarm_again, open_or_join};

use super::{Case, CaseError, HistoryEntry};
use crate::args;
use crate::change::{self, ChangeTopic};
use crate::db::dialect::{Dialect, texts};
use crate::db::{Db, Result, Tx};
use crate::workflow::{Dossier, ledger};

/// Names of one call: its legs have one each until the exchange tells that they are one call.
const MOST_NAMES: i64 = 16;

macro_rules! case_columns {
    ($rest:literal) => {
        concat!(
            "select case_id, number, kind, severity, state, device_id, camera_id, call_id, title_zh, title_en,
             place, location, incident_count, drill, started_at_ms, opened_at_ms, updated_at_ms,
             acknowledged_at_ms, acknowledged_by, closed_at_ms, source, area, level, category, lead_unit, due_clock,
             due_at_ms, confidential from cases ",
            $rest
        )
    };
}

/// Only cases that a user may see: those that lie in the area of one of his roles, or were dispatched to his unit. The
/// argument holds his name; nothing for the hub itself. Who sets up boxes sees none. The tenant is `$1`; of whoever sees
/// everything that is asked once, not for each case.
macro_rules! visible {
    ($user:literal) => {
        concat!(
            " and (cast(",
            $user,
            " as text) = '' or exists (
                select 1 from grants e where e.tenant = $1 and e.user_name = ",
            $user,
            " and e.role <> 'installer' and e.unit = '' and e.area = '/')
              or exists (
                select 1 from grants g where g.tenant = cases.tenant and g.user_name = ",
            $user,
            " and g.role <> 'installer'
                  and ((g.unit = '' and substr(cases.area, 1, length(g.area)) = g.area)
                       or (g.unit <> '' and exists (
                           select 1 from case_tasks w
                           where w.tenant = g.tenant and w.unit = g.unit and w.case_id = cases.case_id)))))"
        )
    };
}

pub(crate) use {case_columns, visible};

/// A case that this user may see.
pub async fn by_number(db: &Db, tenant: &str, user: &str, number: &str) -> Result<Option<Case>> {
    db.fetch_optional(
        concat!(case_columns!("where tenant = $1 and number = $2"), visible!("$3")),
        args![tenant, number, user],
    )
    .await
}

/// The same inside a transaction.
pub async fn visible_in(tx: &mut Tx, tenant: &str, user: &str, number: &str) -> Result<Option<Case>> {
    tx.fetch_optional(
        concat!(case_columns!("where tenant = $1 and number = $2"), visible!("$3")),
        args![tenant, number, user],
    )
    .await
}

/// The case of a call: by the name by which it is known now, else by the one under which it began, which pages and links
/// of that time still say.
pub async fn by_call(db: &Db, tenant: &str, user: &str, call_id: &str) -> Result<Option<Case>> {
    let now = db
        .fetch_optional(
            concat!(
                case_columns!("where tenant = $1 and call_id = $2"),
                visible!("$3"),
                " order by opened_at_ms limit 1"
            ),
            args![tenant, call_id, user],
        )
        .await?;
    if now.is_some() {
        return Ok(now);
    }
    db.fetch_optional(
        concat!(
            case_columns!(
                "where tenant = $1
                   and case_id in (select case_id from incidents where tenant = $1 and call_id = $2)"
            ),
            visible!("$3"),
            " order by opened_at_ms limit 1"
        ),
        args![tenant, call_id, user],
    )
    .await
}

/// Every name by which the call of a case is or was known.
pub async fn call_names(db: &Db, tenant: &str, case_id: &str) -> Result<Vec<String>> {
    let names: Vec<(String,)> = db
        .fetch_all(
            "select call_id from cases where tenant = $1 and case_id = $2 and call_id is not null
             union select call_id from incidents where tenant = $1 and case_id = $2 and call_id is not null
             limit $3",
            args![tenant, case_id, MOST_NAMES],
        )
        .await?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}

macro_rules! with_case {
    ($dialect:ident) => {
        concat!(
            "select distinct call_id from incidents where tenant = $1 and call_id in ",
            texts!($dialect, 2)
        )
    };
}

/// Of these names of calls, those that some case has, whoever may see it.
pub async fn with_case(db: &Db, tenant: &str, call_ids: &[String]) -> Result<Vec<String>> {
    let sql = match db.dialect() {
        Dialect::Sqlite => with_case!(sqlite),
        Dialect::Postgres => with_case!(postgres),
    };
    let rows: Vec<(String,)> = db.fetch_all(sql, args![tenant, Value::from(call_ids).to_string()]).await?;
    Ok(rows.into_iter().map(|(call_id,)| call_id).collect())
}

/// The newest `limit` rows before a position, oldest of them first.
pub async fn history(
    db: &Db,
    tenant: &str,
    case_id: &str,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<HistoryEntry>> {
    let mut rows: Vec<HistoryEntry> = db
        .fetch_all(
            "select position, at_ms, actor, action, detail, prev_hash, hash from case_history
             where tenant = $1 and case_id = $2 and position < $3 order by position desc limit $4",
            args![tenant, case_id, before.unwrap_or(i64::MAX), limit],
        )
        .await?;
    rows.reverse();
    Ok(rows)
}

/// How many rows its history has: the position of the newest.
pub async fn history_count(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<i64> {
    let (count,): (i64,) = tx
        .fetch_one(
            "select history_count from cases where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    Ok(count)
}

/// The first `limit` rows behind a position.
pub async fn history_since(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<HistoryEntry>> {
    tx.fetch_all(
        "select position, at_ms, actor, action, detail, prev_hash, hash from case_history
         where tenant = $1 and case_id = $2 and position > $3 order by position limit $4",
        args![tenant, case_id, after, limit],
    )
    .await
}

/// Hash of the newest history row, kept with the case.
pub async fn history_hash(db: &Db, tenant: &str, case_id: &str) -> Result<String> {
    let (hash,): (String,) = db
        .fetch_one(
            "select history_hash from cases where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    Ok(hash)
}

/// Marks the case as seen by a person; the first one counts. Returns the case as it is now.
pub async fn acknowledge(
    db: &Db,
    tenant: &str,
    number: &str,
    user: &str,
    now: UtcMs,
) -> std::result::Result<Case, CaseError> {
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let fresh = tx
        .execute(
            "update cases set acknowledged_at_ms = $3, acknowledged_by = $4
             where tenant = $1 and number = $2 and acknowledged_at_ms is null and closed_at_ms is null",
            args![tenant, number, now, user],
        )
        .await?;
    let case = visible_in(&mut tx, tenant, user, number).await?;
    // What was written for somebody else's case is rolled back.
    let case = case.ok_or_else(|| CaseError::Unknown(number.to_owned()))?;
    if fresh > 0 {
        append(&mut tx, tenant, &case.case_id, now, &format!("user:{user}"), "acknowledged", &json!({}))
            .await?;
        tx.commit().await?;
        return by_number(db, tenant, user, number)
            .await?
            .ok_or_else(|| CaseError::Unknown(number.to_owned()));
    }
    if case.acknowledged_at_ms.is_none() {
        return Err(CaseError::Finished(number.to_owned()));
    }
    Ok(case)
}

pub async fn in_tx(tx: &mut Tx, tenant: &str, number: &str) -> std::result::Result<Case, CaseError> {
    tx.fetch_optional(case_columns!("where tenant = $1 and number = $2"), args![tenant, number])
        .await?
        .ok_or_else(|| CaseError::Unknown(number.to_owned()))
}

/// Another open case of the same cause as this one, by its number.
pub async fn open_of_cause(tx: &mut Tx, tenant: &str, number: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select o.number from cases c
             join cases o on o.tenant = c.tenant and o.correlation_key = c.correlation_key and o.closed_at_ms is null
             where c.tenant = $1 and c.number = $2 and o.case_id <> c.case_id",
            args![tenant, number],
        )
        .await?;
    Ok(row.map(|(number,)| number))
}

/// Nobody has the case in hand. An emergency is told of at `alarm_at`, or when the engine sees it.
pub async fn set_waiting(tx: &mut Tx, tenant: &str, case_id: &str, alarm_at: Option<UtcMs>) -> Result<()> {
    tx.execute(
        "update cases set acknowledged_at_ms = null, acknowledged_by = null, escalation = 0, escalate_at_ms = $3
         where tenant = $1 and case_id = $2",
        args![tenant, case_id, alarm_at],
    )
    .await?;
    Ok(())
}

/// Somebody who acts on a case has it in hand; the first one counts.
pub async fn take_in_hand(tx: &mut Tx, tenant: &str, case_id: &str, user: &str, now: UtcMs) -> Result<()> {
    tx.execute(
        "update cases set acknowledged_at_ms = $3, acknowledged_by = $4
         where tenant = $1 and case_id = $2 and acknowledged_at_ms is null",
        args![tenant, case_id, now, user],
    )
    .await?;
    Ok(())
}

/// Writes the next history row and its live-feed row.
pub async fn append(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    now: UtcMs,
    actor: &str,
    action: &str,
    detail: &Value,
) -> Result<()> {
    let mut head = Head::read(tx, tenant, case_id).await?;
    head.note(tx, tenant, now, actor, action, detail);
    head.save(tx, tenant, now).await?;
    if ledger::Entry::is_whole(detail) {
        tx.execute(
            "update cases set ledger = case when history_count = 1 then 1 else 2 end
             where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    }
    Ok(())
}

/// Writes into the history what the tables know of a case whose history did not say it: once, of older cases.
pub async fn record(tx: &mut Tx, tenant: &str, dossier: &Dossier, now: UtcMs) -> Result<()> {
    let detail = json!({ (ledger::KEY): ledger::Entry::whole(dossier) });
    append(tx, tenant, &dossier.facts.case_id, now, "hub", "recorded", &detail).await
}

/// A case that somebody says is more severe becomes so, with a row of its history; nothing lowers it.
pub async fn lift(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    severity: Severity,
    actor: &str,
    now: UtcMs,
) -> Result<()> {
    let mut head = Head::read(tx, tenant, case_id).await?;
    if head.lift(tx, tenant, severity, actor, now) {
        head.save(tx, tenant, now).await?;
    }
    Ok(())
}

/// Tells the live feed that something shown with the case changed, without a history row.
pub async fn touch(tx: &mut Tx, tenant: &str, case_id: &str, now: UtcMs) -> Result<()> {
    let (number,): (String,) = tx
        .fetch_one(
            "update cases set updated_at_ms = $3 where tenant = $1 and case_id = $2 returning number",
            args![tenant, case_id, now],
        )
        .await?;
    change::record(tx, tenant, now, ChangeTopic::Case, &number);
    Ok(())
}

/// Who speaks: the box, or the hub of a silent box.
pub fn actor(origin: &Origin, incident: &Incident) -> String {
    if incident.kind == IncidentKind::DeviceLost { "hub".to_owned() } else { device_actor(origin) }
}

pub fn device_actor(origin: &Origin) -> String {
    format!("device:{}", origin.device)
}

/// A box lost something of an incident: its case says so.
pub async fn note_loss(
    tx: &mut Tx,
    origin: &Origin,
    incident_id: &protocol::IncidentId,
    reason: &str,
    now: UtcMs,
) -> Result<()> {
    let tenant = origin.tenant.as_str();
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select case_id from incidents where tenant = $1 and incident_id = $2 and device_id = $3",
            args![tenant, incident_id, &origin.device],
        )
        .await?;
    let Some((case_id,)) = row else { return Ok(()) };
    let detail = json!({ "incident_id": incident_id, "reason": reason });
    append(tx, tenant, &case_id, now, &device_actor(origin), "lost", &detail).await
}
