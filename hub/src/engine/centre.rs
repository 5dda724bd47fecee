//! 直报指挥中心: whoever hears that a life may be at stake puts the case before the command centre at once, past the steps of
//! the escalation.
//!
//! The case becomes an emergency that nobody has in hand, and is told of to the command centre and to the leader of the shift
//! in the same transaction; from then on the escalation tells the centre again and again until somebody says that he has it.
//! What the operator does to it afterwards (he files its ticket) is no such word ([`keep`]).
//! Deliberately absent: the telephone. Who is told by which channel is [`crate::outbound`]'s.

use protocol::{Severity, UtcMs};
use serde_json::json;

use super::store;
use crate::case::store::{append, lift, set_waiting};
use crate::case::{self, Case};
use crate::db::{self, Db, Tx};
use crate::notice::{self, Audience, Kind, Notice};
use crate::organisation::AreaPath;
use crate::organisation::duty::{self, Post};
use crate::user::Role;
use crate::workflow::Actor;
use crate::workflow::store::With;

/// The step of the escalation that is done by the call itself; the next one tells the centre again.
const STEP: i64 = 3;

/// How long ago, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    pub at: UtcMs,
    /// `user:NAME`
    pub by: String,
}

/// How far a call of the centre was told, to be kept over what its caller does himself.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    step: i64,
    next_at: Option<i64>,
}

/// Puts a case before the centre; the caller holds the tenant's lock and has seen that it is open. Returns whether it was done:
/// one that waits there already is not told of twice.
pub async fn call(
    tx: &mut Tx,
    tenant: &str,
    case: &Case,
    reason: &str,
    by: &Actor,
    with: With<'_>,
) -> db::Result<bool> {
    let (case_id, now) = (case.case_id.as_str(), with.now);
    if waiting(tx, tenant, case_id).await?.is_some() {
        return Ok(false);
    }
    lift(tx, tenant, case_id, Severity::Emergency, &by.name, now).await?;
    // Drills go the whole way of people and remind nobody.
    let audience = if case.drill == 0 { audience(tx, tenant, case, now).await? } else { Vec::new() };
    let told: Vec<String> = audience.iter().map(Audience::in_words).collect();
    if case.drill == 0 {
        let notice = Notice {
            cause: format!("{}/centre/{}", case.number, now.0),
            kind: Kind::Emergency,
            severity: Severity::Emergency,
            case_number: case.number.clone(),
            text_zh: format!("坐席直报指挥中心：{}", case.title_zh),
            text_en: format!("Straight from the hotline to the centre: {}", case.title_en),
            audience,
        };
        notice::tell(tx, tenant, with.id, &notice, now).await?;
        let emergency = with.policies.newest_in(tx, tenant, now).await?.emergency;
        let next_at = now.plus_ms(i64::from(emergency.acknowledge_s) * 1_000);
        set_waiting(tx, tenant, case_id, None).await?;
        store::set_escalation(tx, tenant, case_id, STEP, Some(next_at)).await?;
    }
    append(tx, tenant, case_id, now, &by.name, "centre_called", &json!({ "reason": reason, "told": told }))
        .await?;
    Ok(true)
}

/// Who is told: the command centre, and who leads the shift by the roster.
async fn audience(tx: &mut Tx, tenant: &str, case: &Case, now: UtcMs) -> db::Result<Vec<Audience>> {
    let area = AreaPath::kept(case.area.clone());
    let leaders = duty::on_duty(tx, tenant, &area, Post::Leader, now).await?;
    let mut audience = vec![Audience::role(Role::Commander, area.as_str())];
    if leaders.is_empty() {
        audience.push(Audience::role(Role::ShiftLeader, area.as_str()));
    }
    audience.extend(leaders.iter().map(|name| Audience::user(name)));
    Ok(audience)
}

/// Whether a case waits for the centre, to be kept by [`keep`].
pub async fn waiting(tx: &mut Tx, tenant: &str, case_id: &str) -> db::Result<Option<Waiting>> {
    let found = store::at_centre(tx, tenant, case_id, STEP).await?;
    Ok(found.map(|(step, next_at)| Waiting { step, next_at }))
}

/// It waits for the centre as before, though whoever called it has done something else to it since.
pub async fn keep(tx: &mut Tx, tenant: &str, case_id: &str, waiting: Waiting) -> db::Result<()> {
    set_waiting(tx, tenant, case_id, None).await?;
    store::set_escalation(tx, tenant, case_id, waiting.step, waiting.next_at.map(UtcMs)).await
}

/// When the centre was called last, while that call stands.
pub async fn called(db: &Db, tenant: &str, case_id: &str) -> db::Result<Option<Called>> {
    let row = store::called_centre(db, tenant, case_id, STEP).await?;
    Ok(row.map(|(at_ms, by)| Called { at: UtcMs(at_ms), by }))
}

/// Whether this person has called the centre since, whatever became of it.
pub async fn called_by(
    tx: &mut Tx,
    tenant: &str,
    case_id: &str,
    by: &str,
    since_ms: i64,
) -> db::Result<bool> {
    store::called_centre_by(tx, tenant, case_id, (by, since_ms)).await
}

/// The case in which the work on another one goes on: itself, unless it was joined.
pub async fn where_work_goes_on(
    tx: &mut Tx,
    tenant: &str,
    case: &Case,
    into: Option<&str>,
) -> db::Result<Case> {
    let Some(number) = into else { return Ok(case.clone()) };
    let found = case::store::visible_in(tx, tenant, "", number).await?;
    Ok(found.unwrap_or_else(|| case.clone()))
}
