//! SQL of commands.

use protocol::{Answer, Command, CommandBody, Origin, Outcome, UtcMs};
use serde_json::json;

use super::{CommandError, CommandRow, NewCommand, RESEND_AFTER_MS};
use crate::case::store::visible;
use crate::change::{self, ChangeTopic};
use crate::db::from_row;
use crate::db::{Db, Result, Tx};
use crate::device::store::seen_box;
use crate::{args, case, evidence};

macro_rules! command_columns {
    ($rest:literal) => {
        concat!(
            "select m.command_id, m.device_id, m.name, m.body, m.purpose, m.case_id, cases.number as case_number,
                    m.issued_by, m.issued_at_ms, m.expires_at_ms, m.state, m.sent_at_ms, m.sends,
                    m.answered_at_ms, m.reason, m.result
             from commands m left join cases on cases.tenant = m.tenant and cases.case_id = m.case_id ",
            $rest
        )
    };
}

/// Only requests that a user may see: about cases that he sees, and about none of boxes that he sees.
macro_rules! seen_command {
    ($user:literal) => {
        concat!(
            " and ((m.case_id is not null",
            visible!($user),
            ") or (m.case_id is null and exists (
                select 1 from devices d where d.tenant = m.tenant and d.device_id = m.device_id",
            seen_box!($user),
            ")))"
        )
    };
}

/// The newest, of one box or of all, that this user may see.
pub async fn list(
    db: &Db,
    tenant: &str,
    user: &str,
    device_id: Option<&str>,
    limit: i64,
) -> Result<Vec<CommandRow>> {
    db.fetch_all(
        concat!(
            command_columns!("where m.tenant = $1 and ($2 = '' or m.device_id = $2)"),
            seen_command!("$4"),
            " order by m.issued_at_ms desc, m.command_id desc limit $3"
        ),
        args![tenant, device_id.unwrap_or_default(), limit, user],
    )
    .await
}

pub async fn get(db: &Db, tenant: &str, user: &str, command_id: &str) -> Result<Option<CommandRow>> {
    db.fetch_optional(
        concat!(command_columns!("where m.tenant = $1 and m.command_id = $2"), seen_command!("$3")),
        args![tenant, command_id, user],
    )
    .await
}

/// The newest of one box that ask for this and whose body begins so, as far as this user may see them. What a camera was
/// asked for is found so, or, by the whole body, one question.
pub async fn beginning(
    db: &Db,
    tenant: &str,
    user: &str,
    device_id: &str,
    (name, body): (&str, &str),
    limit: i64,
) -> Result<Vec<CommandRow>> {
    db.fetch_all(
        concat!(
            command_columns!(
                "where m.tenant = $1 and m.device_id = $2 and m.name = $3
                   and substr(m.body, 1, length(cast($4 as text))) = cast($4 as text)"
            ),
            seen_command!("$6"),
            " order by m.issued_at_ms desc, m.command_id desc limit $5"
        ),
        args![tenant, device_id, name, body, limit, user],
    )
    .await
}

/// Commands about one case, newest first.
pub async fn of_case(db: &Db, tenant: &str, case_id: &str) -> Result<Vec<CommandRow>> {
    db.fetch_all(
        command_columns!("where m.tenant = $1 and m.case_id = $2 order by m.issued_at_ms desc"),
        args![tenant, case_id],
    )
    .await
}

pub(super) async fn insert(
    db: &Db,
    new: &NewCommand,
    command: &Command,
) -> std::result::Result<(), CommandError> {
    let tenant = new.origin.tenant.as_str();
    let now = command.issued_at;
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    if crate::device::store::state_in_tx(&mut tx, &new.origin).await?.as_deref() != Some("enrolled") {
        return Err(CommandError::Device(new.origin.device.to_string()));
    }
    let case_id = case_of(&mut tx, tenant, new).await?;
    let body = serde_json::to_string(&command.body).map_err(|error| sqlx::Error::Encode(error.into()))?;
    tx.execute(
        "insert into commands (tenant, command_id, device_id, name, body, purpose, case_id, issued_by, issued_at_ms,
             expires_at_ms, state, sends)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting', 0)",
        args![
            tenant,
            &command.command_id,
            &new.origin.device,
            command.body.name(),
            body,
            &new.purpose,
            case_id.clone(),
            &command.issued_by,
            now,
            command.expires_at
        ],
    )
    .await?;
    change::record(&mut tx, tenant, now, ChangeTopic::Command, &command.command_id.to_string());
    if let Some(case_id) = case_id {
        let detail = json!({ "command_id": command.command_id, "command": command.body.name(), "purpose": new.purpose });
        let actor = format!("user:{}", command.issued_by);
        case::store::append(&mut tx, tenant, &case_id, now, &actor, "command", &detail).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The case a request is about. A recording is about its call's case and no other: what is released, and what the
/// register says, follows from it.
async fn case_of(
    tx: &mut Tx,
    tenant: &str,
    new: &NewCommand,
) -> std::result::Result<Option<String>, CommandError> {
    let (CommandBody::Recording { call_id } | CommandBody::Correct { call_id, .. }) = &new.body else {
        let Some(number) = &new.case_number else { return Ok(None) };
        let case = case::store::in_tx(tx, tenant, number).await;
        return Ok(Some(
            case.map_err(|error| match error {
                case::CaseError::Db(error) => CommandError::Db(error),
                _ => CommandError::Case(number.clone()),
            })?
            .case_id,
        ));
    };
    let found: Option<(String, String)> = tx
        .fetch_optional(
            "select case_id, number from cases where tenant = $1 and call_id = $2 and device_id = $3
             order by opened_at_ms limit 1",
            args![tenant, call_id, &new.origin.device],
        )
        .await?;
    let (case_id, number) = found.ok_or_else(|| CommandError::Case(format!("of call {call_id}")))?;
    match &new.case_number {
        Some(other) if *other != number => Err(CommandError::Case(format!("{other} with call {call_id}"))),
        _ => Ok(Some(case_id)),
    }
}

struct DueRow {
    tenant: String,
    device_id: String,
    command_id: String,
    body: String,
    issued_by: String,
    issued_at_ms: i64,
    expires_at_ms: i64,
    sends: i64,
}

from_row!(DueRow: tenant, device_id, command_id, body, issued_by, issued_at_ms, expires_at_ms,
    sends);

/// A command to send, and how often it was sent before.
#[derive(Clone, Debug)]
pub struct Due {
    pub command: Command,
    sends: i64,
}

/// Commands to send now: never sent; or sent to a box that is online and has not answered, a while ago or before it
/// came online.
pub async fn due(db: &Db, now: UtcMs, limit: i64) -> Result<Vec<(Origin, Due)>> {
    let rows: Vec<DueRow> = db
        .fetch_all(
            "select m.tenant, m.device_id, m.command_id, m.body, m.issued_by, m.issued_at_ms, m.expires_at_ms,
                    m.sends
             from commands m left join device_status s on s.tenant = m.tenant and s.device_id = m.device_id
             where m.answered_at_ms is null and m.state in ('waiting', 'sent') and m.expires_at_ms > $1
               and (m.sent_at_ms is null
                    or (s.state = 'online' and (m.sent_at_ms < $2 or m.sent_at_ms < s.online_since_ms)))
             order by m.issued_at_ms limit $3",
            args![now, now.0 - RESEND_AFTER_MS, limit],
        )
        .await?;
    Ok(rows.into_iter().filter_map(parse_due).collect())
}

fn parse_due(row: DueRow) -> Option<(Origin, Due)> {
    let origin = crate::device::origin_of_name(&format!("{}/{}", row.tenant, row.device_id))?;
    let command = Command {
        command_id: row.command_id.parse().ok()?,
        issued_at: UtcMs(row.issued_at_ms),
        expires_at: UtcMs(row.expires_at_ms),
        issued_by: row.issued_by,
        body: serde_json::from_str(&row.body).ok()?,
    };
    Some((origin, Due { command, sends: row.sends }))
}

/// Notes that a command is being sent; `false` when it was answered, ended or taken by another replica meanwhile.
pub async fn claim(db: &Db, origin: &Origin, due: &Due, now: UtcMs) -> Result<bool> {
    let taken = db
        .execute(
            "update commands set state = 'sent', sent_at_ms = $3, sends = sends + 1
             where tenant = $1 and command_id = $2 and answered_at_ms is null and state in ('waiting', 'sent')
               and sends = $4",
            args![&origin.tenant, &due.command.command_id, now, due.sends],
        )
        .await?;
    Ok(taken > 0)
}

/// Notes a box's answer; only the device that was asked may answer, and the first answer counts. A late answer
/// to a command that ended here still counts: the box knows better.
pub async fn apply_answer(tx: &mut Tx, origin: &Origin, answer: &Answer, now: UtcMs) -> Result<bool> {
    let tenant = origin.tenant.as_str();
    let (state, reason, result) = match &answer.outcome {
        Outcome::Done { .. } => ("done", None, None),
        Outcome::Tried { trial } => ("done", None, Some(json!(trial).to_string())),
        Outcome::Shown { configuration } => ("done", None, Some(json!(configuration).to_string())),
        Outcome::Failed { reason } => ("failed", Some(reason.as_str()), None),
        Outcome::Expired => ("expired", None, None),
    };
    let row: Option<(Option<String>,)> = tx
        .fetch_optional(
            "update commands set state = $4, answered_at_ms = $5, reason = $6, result = $7
             where tenant = $1 and command_id = $2 and device_id = $3 and answered_at_ms is null
             returning case_id",
            args![tenant, &answer.command_id, &origin.device, state, now, reason, result],
        )
        .await?;
    let Some((case_id,)) = row else { return Ok(false) };
    if let Outcome::Done { evidence } = &answer.outcome {
        for file in evidence {
            evidence::store::link(tx, origin, "command", &answer.command_id.to_string(), file);
        }
    }
    change::record(tx, tenant, now, ChangeTopic::Command, &answer.command_id.to_string());
    if let Some(case_id) = case_id {
        let detail = json!({ "command_id": answer.command_id, "outcome": state, "reason": reason });
        let actor = case::store::device_actor(origin);
        case::store::append(tx, tenant, &case_id, now, &actor, "answered", &detail).await?;
    }
    Ok(true)
}

/// Ends commands that nobody answered in time. Safe to run twice and on several replicas.
pub async fn expire(db: &Db, now: UtcMs) -> Result<u64> {
    let tenants: Vec<(String,)> = db
        .fetch_all(
            "select distinct tenant from commands
             where answered_at_ms is null and state in ('waiting', 'sent') and expires_at_ms <= $1",
            args![now],
        )
        .await?;
    let mut ended = 0;
    for (tenant,) in tenants {
        let mut tx = db.begin().await?;
        tx.lock_tenant(&tenant).await?;
        let rows: Vec<(String, Option<String>)> = tx
            .fetch_all(
                "update commands set state = 'expired', reason = 'no answer in time'
                 where tenant = $1 and answered_at_ms is null and state in ('waiting', 'sent')
                   and expires_at_ms <= $2
                 returning command_id, case_id",
                args![&tenant, now],
            )
            .await?;
        for (command_id, case_id) in &rows {
            change::record(&mut tx, &tenant, now, ChangeTopic::Command, command_id);
            if let Some(case_id) = case_id {
                let detail = json!({ "command_id": command_id, "outcome": "expired" });
                case::store::append(&mut tx, &tenant, case_id, now, "hub", "answered", &detail).await?;
            }
        }
        tx.commit().await?;
        ended += rows.len() as u64;
    }
    Ok(ended)
}
