//! SQL of intake: messages, incidents, quarantine.

use super::Quarantined;
use super::message::Place;
use crate::args;
use crate::db::dialect::{Dialect, one_of};
use crate::db::from_row;
use crate::db::{Arg, Db, Insert, Result, Tx};
use protocol::{MessageId, Origin, UtcMs};

const MESSAGES: Insert = Insert {
    into: "insert into messages (tenant, message_id, device_id, boot, sequence, type, received_at_ms, outcome, reason)",
    tail: "on conflict (tenant, message_id) do nothing",
};

/// What became of a message before.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub(super) message_id: String,
    pub(super) device_id: String,
    pub(super) outcome: String,
    pub(super) reason: Option<String>,
}

from_row!(Fate: message_id, device_id, outcome, reason);

/// What became of these messages, of those that were here.
pub(super) async fn fates(tx: &mut Tx, tenant: &str, ids: Vec<String>) -> Result<Vec<Fate>> {
    macro_rules! asked {
        ($dialect:ident) => {
            concat!(
                "select message_id, device_id, outcome, reason from messages where tenant = $1 and ",
                one_of!($dialect, "message_id", 2)
            )
        };
    }
    let sql = match tx.dialect() {
        Dialect::Sqlite => asked!(sqlite),
        Dialect::Postgres => asked!(postgres),
    };
    tx.fetch_all(sql, vec![Arg::from(tenant), Arg::texts(ids)]).await
}

/// What is remembered of a message, so that its redelivery is answered alike.
pub(super) struct Remembered<'a> {
    pub(super) id: &'a MessageId,
    /// Nothing when it could not be read that far.
    pub(super) place: Option<Place>,
    pub(super) word: &'a str,
    /// Why it is in quarantine; nothing for what was stored.
    pub(super) reason: Option<&'a str>,
}

pub(super) fn remember(tx: &mut Tx, origin: &Origin, message: &Remembered<'_>, now: UtcMs) {
    let outcome = if message.reason.is_some() { "quarantined" } else { "stored" };
    let row = args![
        &origin.tenant,
        message.id,
        &origin.device,
        message.place.map_or_else(String::new, |place| place.boot.to_string()),
        message.place.map_or(0, |place| place.sequence),
        message.word,
        now,
        outcome,
        message.reason
    ];
    tx.later(MESSAGES, row);
}

/// A call's place, its caller and the name by which its exchange knows it may become known only in a later revision: the
/// case is then that call's, by its title, for those who look for it and for incidents to come. When another case is the
/// announced call's already, only incidents to come go on to that one.
pub(super) async fn rename_case(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    cause: &crate::correlation::Cause,
) -> Result<()> {
    tx.execute(
        "update cases set title_zh = $3, title_en = $4, place = $5, call_id = $6,
             correlation_key = case when exists (
                 select 1 from cases other
                 where other.tenant = $1 and other.correlation_key = $7 and other.case_id <> $2
             ) then correlation_key else $7 end
         where tenant = $1 and case_id = $2",
        args![
            tenant,
            case_id,
            &cause.title_zh,
            &cause.title_en,
            cause.place.clone(),
            cause.call_id.map(|id| id.to_string()),
            &cause.key
        ],
    )
    .await?;
    Ok(())
}

/// What is kept of bytes that could not be read.
pub(super) struct Unreadable<'a> {
    pub(super) id: &'a str,
    pub(super) topic: &'a str,
    pub(super) message_id: Option<&'a MessageId>,
    pub(super) reason: &'a str,
    pub(super) content: &'a [u8],
}

/// Of a topic without message ids only the newest is kept: the next one says the same. `false` when this box has as
/// many there as it may.
pub(super) async fn quarantine(
    tx: &mut Tx,
    origin: &Origin,
    row: Unreadable<'_>,
    most: i64,
    now: UtcMs,
) -> Result<bool> {
    if row.message_id.is_none() {
        tx.execute(
            "delete from quarantine where tenant = $1 and device_id = $2 and topic = $3",
            args![&origin.tenant, &origin.device, row.topic],
        )
        .await?;
    }
    let (held,): (i64,) = tx
        .fetch_one(
            "select count(*) from quarantine where tenant = $1 and device_id = $2",
            args![&origin.tenant, &origin.device],
        )
        .await?;
    if held >= most {
        return Ok(false);
    }
    tx.execute(
        "insert into quarantine (tenant, quarantine_id, device_id, topic, message_id, reason, received_at_ms, content)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![
            &origin.tenant,
            row.id,
            &origin.device,
            row.topic,
            row.message_id.map(ToString::to_string),
            row.reason,
            now,
            row.content.to_vec()
        ],
    )
    .await?;
    Ok(true)
}

/// Forgets what has lain in quarantine since before `before_ms`. Safe to run twice.
pub async fn forget_quarantine(db: &Db, before_ms: i64) -> Result<u64> {
    db.execute("delete from quarantine where received_at_ms < $1", args![before_ms]).await
}

/// Only messages `q` of boxes that a user may see; of no box, only for who sees them all.
macro_rules! seen_message {
    ($user:literal) => {
        concat!(
            " and (cast(",
            $user,
            " as text) = '' or exists (
                select 1 from grants g
                left join devices d on d.tenant = g.tenant and d.device_id = q.device_id
                where g.tenant = q.tenant and g.user_name = ",
            $user,
            " and g.role in ('administrator', 'operator', 'commander', 'shift_leader', 'auditor') and g.unit = ''
                  and substr(coalesce(d.area, '/'), 1, length(g.area)) = g.area))"
        )
    };
}
pub(crate) use seen_message;

/// Newest first, of what a user may see.
pub async fn quarantined(db: &Db, tenant: &str, user: &str, limit: i64) -> Result<Vec<Quarantined>> {
    db.fetch_all(
        concat!(
            "select quarantine_id, device_id, topic, message_id, reason, received_at_ms,
                    cast(length(content) as bigint) as size_bytes
             from quarantine q where tenant = $1",
            seen_message!("$3"),
            " order by received_at_ms desc, quarantine_id limit $2"
        ),
        args![tenant, limit, user],
    )
    .await
}

/// One quarantined message with its bytes.
pub async fn quarantined_one(
    db: &Db,
    tenant: &str,
    user: &str,
    id: &str,
) -> Result<Option<(Quarantined, Vec<u8>)>> {
    let row: Option<Quarantined> = db
        .fetch_optional(
            concat!(
                "select quarantine_id, device_id, topic, message_id, reason, received_at_ms,
                        cast(length(content) as bigint) as size_bytes
                 from quarantine q where tenant = $1 and quarantine_id = $2",
                seen_message!("$3")
            ),
            args![tenant, id, user],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (content,): (Vec<u8>,) = db
        .fetch_one(
            "select content from quarantine where tenant = $1 and quarantine_id = $2",
            args![tenant, id],
        )
        .await?;
    Ok(Some((row, content)))
}
