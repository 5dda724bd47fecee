//! CAP 1.2: what a commander tells the outside of an emergency. Nothing leaves by itself: an alert is what somebody released,
//! under his name, with a row of the case's history; a further release replaces it, and the end of the case takes it back.
//!
//! [`alert`] writes a message and is pure, [`ground`] says where it holds, [`store`] keeps each message as it was sent. What
//! a case would say is shown before it is released as a draft, which nobody may act on.
//!
//! Deliberately absent: sending (who may read it asks, see docs/INTERFACES.md), confidential cases, callers' words and
//! numbers, alerts to the public: every message is for those whom it names.

pub mod alert;
mod feed;
mod ground;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use protocol::{IncidentKind, Severity, UtcMs};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use feed::feed;

use crate::app::App;
use crate::case::{self, Case, CaseError, CaseState, category, report};
use crate::db::{self, Tx};
use alert::{Alert, MsgType, Sent, Status};
use store::Kept;

/// Longest text of a commander, in characters.
const MOST_TEXT: usize = 500;
/// Messages of one case.
const MOST_REVISIONS: i64 = 200;
/// Cases that have ended and are taken back in one pass.
const MOST_ENDED: i64 = 100;

/// What a commander adds; a text that is empty is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertWords)]
pub struct Words {
    /// What happened, for those who read it; without it only kind and place are told.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub text: String,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub text_en: String,
    /// What they should do.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub instruction: String,
    #[serde(default)]
    #[schema(max_length = 500)]
    pub instruction_en: String,
}

/// A message that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ReleasedAlert)]
pub struct Released {
    pub identifier: String,
    pub revision: i64,
    /// `Alert`, `Update` or `Cancel`
    pub msg_type: String,
    /// `Actual`, `Exercise` or `Test`
    pub status: String,
    pub sent_at: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum CapError {
    #[error(transparent)]
    Case(#[from] CaseError),
    #[error("{0}")]
    Unfit(String),
    #[error("{0}")]
    Wrong(String),
    #[error("{0}")]
    Nothing(String),
}

impl From<db::Error> for CapError {
    fn from(error: db::Error) -> Self {
        Self::Case(error.into())
    }
}

/// Releases an alert of a case, or its next revision.
pub async fn release(app: &App, number: &str, user: &str, words: &Words) -> Result<Released, CapError> {
    words.wrong().map_or(Ok(()), |why| Err(CapError::Wrong(why)))?;
    let tenant = app.tenant().as_str();
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?;
    let case = case.ok_or_else(|| CaseError::Unknown(number.to_owned()))?;
    unfit(&case).map_or(Ok(()), |why| Err(CapError::Unfit(why)))?;
    let before = store::all_in(&mut tx, tenant, &case.case_id).await?;
    let going = before.last().is_some_and(|last| last.msg_type != MsgType::Cancel.as_str());
    let msg_type = if going { MsgType::Update } else { MsgType::Alert };
    let released = send(app, &mut tx, &case, &before, msg_type, words, &format!("user:{user}")).await?;
    tx.commit().await?;
    app.changes.wake();
    Ok(released)
}

/// Takes the alert of a case back.
pub async fn cancel(app: &App, number: &str, user: &str) -> Result<Released, CapError> {
    let tenant = app.tenant().as_str();
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?;
    let case = case.ok_or_else(|| CaseError::Unknown(number.to_owned()))?;
    let released = take_back(app, &mut tx, &case, &format!("user:{user}")).await?;
    let released =
        released.ok_or_else(|| CapError::Nothing(format!("case {number} has no alert to take back")))?;
    tx.commit().await?;
    app.changes.wake();
    Ok(released)
}

async fn take_back(app: &App, tx: &mut Tx, case: &Case, by: &str) -> Result<Option<Released>, CapError> {
    let before = store::all_in(tx, app.tenant().as_str(), &case.case_id).await?;
    if before.last().is_none_or(|last| last.msg_type == MsgType::Cancel.as_str()) {
        return Ok(None);
    }
    send(app, tx, case, &before, MsgType::Cancel, &Words::default(), by).await.map(Some)
}

/// Takes back the alerts of cases that have ended, or became confidential. Safe to run twice.
pub async fn due(app: &App) -> Result<u64, CapError> {
    let tenant = app.tenant().as_str();
    let mut count = 0;
    for number in store::to_take_back(&app.db, tenant, MOST_ENDED).await? {
        let mut tx = app.db.begin().await?;
        tx.lock_tenant(tenant).await?;
        let case = case::store::in_tx(&mut tx, tenant, &number).await?;
        // Again under the lock: it may have been reopened meanwhile.
        let over = case.closed_at_ms.is_some() || case.confidential != 0;
        if over && take_back(app, &mut tx, &case, "hub").await?.is_some() {
            tx.commit().await?;
            count += 1;
        }
    }
    if count > 0 {
        app.changes.wake();
    }
    Ok(count)
}

/// One message of a case, the newest without a revision; what it would say where none was released.
pub async fn of_case(app: &App, number: &str, user: &str, revision: Option<i64>) -> Result<String, CapError> {
    let tenant = app.tenant().as_str();
    let case = case::store::by_number(&app.db, tenant, user, number).await?;
    let case = case.ok_or_else(|| CaseError::Unknown(number.to_owned()))?;
    let kept = store::one(&app.db, tenant, &case.case_id, revision).await?;
    match (kept, revision) {
        // What was released before the case became confidential is with those who have it; it is not told again.
        (Some(kept), _) if case.confidential == 0 || kept.msg_type == MsgType::Cancel.as_str() => {
            Ok(kept.content)
        }
        (_, Some(revision)) => Err(CapError::Nothing(format!("case {number} has no alert {revision}"))),
        (_, None) => {
            unfit(&case).map_or(Ok(()), |why| Err(CapError::Unfit(why)))?;
            let mut tx = app.db.begin_read().await?;
            let ground = ground::of_case(app, &mut tx, &case).await?;
            let draft = Message { msg_type: MsgType::Alert, status: Status::Draft, words: &Words::default() };
            Ok(alert(app, &case, &[], draft, ground).write())
        }
    }
}

/// Why there is no alert of such a case.
fn unfit(case: &Case) -> Option<String> {
    let number = &case.number;
    if case.confidential != 0 {
        return Some(format!("case {number} is confidential: nothing of it is told outside"));
    }
    if !case.state.parse::<CaseState>().is_ok_and(CaseState::is_open) {
        return Some(format!("case {number} has ended: there is nothing to warn of"));
    }
    let severity = case.severity.parse::<Severity>().unwrap_or(Severity::Notice);
    if severity > Severity::Major {
        return Some(format!("case {number} is neither an emergency nor major: alerts are for these"));
    }
    let of_box =
        case.kind.parse::<IncidentKind>().is_ok_and(|kind| alert::category_of(kind.as_str()).is_none());
    of_box.then(|| format!("case {number} is about the equipment: nobody outside is concerned"))
}

impl Words {
    fn wrong(&self) -> Option<String> {
        let all = [
            ("text", &self.text),
            ("text_en", &self.text_en),
            ("instruction", &self.instruction),
            ("instruction_en", &self.instruction_en),
        ];
        all.iter().find_map(|(name, text)| {
            let count = text.chars().count();
            (count > MOST_TEXT).then(|| format!("{name}: {count} characters; write at most {MOST_TEXT}"))
        })
    }
}

/// Writes the next message of a case, its history row and its live-feed row.
async fn send(
    app: &App,
    tx: &mut Tx,
    case: &Case,
    before: &[Kept],
    msg_type: MsgType,
    words: &Words,
    by: &str,
) -> Result<Released, CapError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    if before.len() as i64 >= MOST_REVISIONS && msg_type != MsgType::Cancel {
        let why =
            format!("case {} has {MOST_REVISIONS} alerts; take them back before more are sent", case.number);
        return Err(CapError::Unfit(why));
    }
    let status = match case.drill {
        0 => Status::Actual,
        _ if store::is_self_test(tx, tenant, &case.case_id).await? => Status::Test,
        _ => Status::Exercise,
    };
    // Its alert is taken back without saying of what and where.
    let ground = if case.confidential == 0 {
        ground::of_case(app, tx, case).await?
    } else {
        let whole = &app.config.hub.name;
        alert::Ground { zh: whole.clone(), en: whole.clone(), ..alert::Ground::default() }
    };
    let message = alert(app, case, before, Message { msg_type, status, words }, ground);
    let kept = Kept {
        case_id: case.case_id.clone(),
        revision: before.last().map_or(0, |last| last.revision) + 1,
        msg_type: msg_type.as_str().to_owned(),
        status: message.status.as_str().to_owned(),
        sent_at_ms: now.0,
        sender: message.sent.sender.clone(),
        content: message.write(),
    };
    store::insert(tx, tenant, &kept, by).await?;
    let action = if msg_type == MsgType::Cancel { "alert_cancelled" } else { "alert_released" };
    let detail = json!({ "identifier": message.sent.identifier, "msg_type": kept.msg_type, "text": words.text.trim() });
    case::store::append(tx, tenant, &case.case_id, now, by, action, &detail).await?;
    Ok(Released {
        identifier: message.sent.identifier,
        revision: kept.revision,
        msg_type: kept.msg_type,
        status: kept.status,
        sent_at: now.0,
    })
}

/// By which this hub's alerts are known: CAP wants a name without blanks and commas that nobody else has.
fn sender(app: &App) -> String {
    let key = app.sealer.name();
    format!("{}@{}.shaodian", app.tenant(), key.get(..16).unwrap_or(&key))
}

fn sent(app: &App, sender: &str, number: &str, revision: i64, at: UtcMs) -> Sent {
    Sent {
        sender: sender.to_owned(),
        identifier: identifier(app, number, revision),
        at: alert::time(&app.zoned_time(at)),
    }
}

fn identifier(app: &App, number: &str, revision: i64) -> String {
    format!("{}.{number}.{revision}", app.tenant())
}

/// A message that was sent, named as it named itself: receivers hold these against each other letter by letter, and the hub may
/// stand in another zone of time by now.
fn was_sent(app: &App, number: &str, kept: &Kept) -> Sent {
    let own = kept.content.split_once("<sent>").and_then(|(_, rest)| rest.split_once("</sent>"));
    match own {
        Some((at, _)) => Sent {
            sender: kept.sender.clone(),
            identifier: identifier(app, number, kept.revision),
            at: at.to_owned(),
        },
        None => sent(app, &kept.sender, number, kept.revision, UtcMs(kept.sent_at_ms)),
    }
}

/// What is not the case's own.
struct Message<'a> {
    msg_type: MsgType,
    status: Status,
    words: &'a Words,
}

/// What a case says at this moment.
fn alert(app: &App, case: &Case, before: &[Kept], message: Message<'_>, ground: alert::Ground) -> Alert {
    let Message { msg_type, status, words } = message;
    let (zh, en) = event(case);
    let revision = before.last().map_or(0, |last| last.revision) + 1;
    // What an update or a cancellation takes the place of: everything since the alert began.
    let begins = before.iter().rposition(|kept| kept.msg_type == MsgType::Alert.as_str()).unwrap_or(0);
    let begins = if msg_type == MsgType::Alert { before.len() } else { begins };
    let replaces = &before[begins..];
    let now = app.clock.now();
    Alert {
        sent: sent(app, &sender(app), &case.number, revision, now),
        status,
        msg_type,
        references: replaces.iter().map(|kept| was_sent(app, &case.number, kept)).collect(),
        number: case.number.clone(),
        category: category_of(case),
        event: (zh, en),
        severity: case.severity.parse().unwrap_or(Severity::Major),
        certainty: alert::certainty(case.category.is_some(), case.acknowledged_at_ms.is_some()),
        onset: alert::time(&app.zoned_time(UtcMs(case.opened_at_ms))),
        expires: alert::time(&app.zoned_time(now.plus_ms(alert::LIFE_MS))),
        sender_name: app.config.hub.name.clone(),
        place: case.place.clone().filter(|_| case.confidential == 0).unwrap_or_default(),
        words: words.clone(),
        ground,
    }
}

/// By what it was filed under, where that says more than its kind.
fn category_of(case: &Case) -> alert::Category {
    let words = [case.category.as_deref(), Some(case.kind.as_str())].into_iter().flatten();
    let mut told = words.filter_map(alert::category_of).filter(|_| case.confidential == 0);
    told.find(|category| *category != alert::Category::Other).unwrap_or(alert::Category::Other)
}

/// What it is, in Chinese and English.
fn event(case: &Case) -> (String, String) {
    if case.confidential != 0 {
        return ("事件".to_owned(), "Incident".to_owned());
    }
    if let Some(category) = case.category.as_deref().and_then(category::find) {
        return (category.zh.to_owned(), category.en.to_owned());
    }
    match case.kind.parse::<IncidentKind>() {
        Ok(kind) => (kind.zh().to_owned(), kind.en().to_owned()),
        Err(_) if case.kind == report::KIND => ("上报事项".to_owned(), "Reported matter".to_owned()),
        Err(_) => (case.kind.clone(), case.kind.clone()),
    }
}
