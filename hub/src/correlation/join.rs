//! Joins cases that are one matter, and keeps apart what a person has split.
//!
//! A joined case is void with a pointer: its incidents, its caller and its ticket stay with it, and what its source tells
//! further goes on there and lifts the case that it points to. So nothing has to be sorted out when the join was wrong.

use protocol::{Incident, Severity, UtcMs};
use serde_json::json;

use super::near::{self, Spot};
use super::store::{self, Compared};
use crate::case;
use crate::db::{Result, Tx};
use crate::policy::Policies;
use crate::workflow::store::{StepError, With, take_in};
use crate::workflow::{Actor, Step};

/// Whether what an incident tells can be one matter with what others tell, by the policy in force.
pub async fn may_join(
    tx: &mut Tx,
    tenant: &str,
    incident: &Incident,
    policies: &Policies,
    now: UtcMs,
) -> Result<bool> {
    let policy = policies.newest_in(tx, tenant, now).await?;
    Ok(!near::kindred(&policy.near, &super::signal(incident)).is_empty())
}

/// Looks whether a case that has just been opened, or has learned what it is about, is the same matter as another open
/// one, and joins the two then. The one that somebody works on goes on, else the older one; two that both are somebody's
/// are left to people. Returns the number of the case that it went into.
pub async fn consider(tx: &mut Tx, tenant: &str, case_id: &str, with: With<'_>) -> Result<Option<String>> {
    let Some(own) = store::own(tx, tenant, case_id).await?.filter(|own| own.is_received) else {
        return Ok(None);
    };
    let policy = with.policies.newest_in(tx, tenant, with.now).await?;
    let kindred = near::kindred(&policy.near, &own.spot.signal);
    if kindred.is_empty() {
        return Ok(None);
    }
    let since_ms = own.spot.told_at.0 - near::reach_ms(&policy.near);
    let others = store::others(tx, tenant, &own, &kindred, since_ms).await?;
    let spots: Vec<Spot> = others.iter().map(|other| other.spot.clone()).collect();
    let Some(found) = near::nearest(&policy.near, &own.spot, &spots) else { return Ok(None) };
    let Some(other) = others.iter().find(|other| other.spot.case_id == found.other.case_id) else {
        return Ok(None);
    };
    let Some((goes, stays)) = order(&own, other) else { return Ok(None) };
    let note = found.why.to_string();
    let severe = join(tx, tenant, goes, stays, note, with).await?;
    let Some(severity) = severe else { return Ok(None) };
    told_on(tx, tenant, &stays.spot.number, severity, goes.drill != 0, with.policies, with.now).await?;
    Ok((goes.spot.case_id == own.spot.case_id).then(|| stays.spot.number.clone()))
}

/// Which of two goes into which.
fn order<'a>(own: &'a Compared, other: &'a Compared) -> Option<(&'a Compared, &'a Compared)> {
    let others_work = !other.is_received || other.is_in_hand;
    match (own.is_in_hand, others_work) {
        (true, true) => None,
        (false, true) => Some((own, other)),
        (true, false) => Some((other, own)),
        (false, false) => {
            let age = |one: &Compared| (one.opened_at_ms, one.spot.number.clone());
            Some(if age(own) < age(other) { (other, own) } else { (own, other) })
        }
    }
}

/// Returns the severity of what was joined; nothing when the law refused it.
async fn join(
    tx: &mut Tx,
    tenant: &str,
    goes: &Compared,
    stays: &Compared,
    note: String,
    with: With<'_>,
) -> Result<Option<Severity>> {
    let step = Step::Join { into: stays.spot.number.clone(), note };
    match take_in(tx, tenant, &goes.spot.number, &step, &Actor::hub(), with).await {
        Ok(case) => Ok(case.severity.parse().ok()),
        Err(StepError::Db(error)) => Err(error),
        Err(error) => {
            tracing::warn!(case = goes.spot.number, into = stays.spot.number, %error, "not joined");
            Ok(None)
        }
    }
}

/// A case that others joined hears of what they are told: it is as severe as they are, it shows as changed, and a new
/// emergency is told of again when it has been in somebody's hands for a while.
pub async fn told_on(
    tx: &mut Tx,
    tenant: &str,
    number: &str,
    severity: Severity,
    drill: bool,
    policies: &Policies,
    now: UtcMs,
) -> Result<()> {
    let Some(case) = case::store::visible_in(tx, tenant, "", number).await? else { return Ok(()) };
    case::store::lift(tx, tenant, &case.case_id, severity, "hub", now).await?;
    case::store::touch(tx, tenant, &case.case_id, now).await?;
    if severity == Severity::Emergency && !drill {
        case::store::alarm_again(tx, tenant, &case.case_id, policies, now).await?;
    }
    Ok(())
}

/// After a join: what had joined the case goes on with it, and why is kept beside it.
pub async fn joined(
    tx: &mut Tx,
    tenant: &str,
    number: &str,
    into: &str,
    why: &str,
    by: &Actor,
    now: UtcMs,
) -> Result<()> {
    store::set_why(tx, tenant, number, Some(why)).await?;
    for (case_id, _) in store::repoint(tx, tenant, number, into).await? {
        let detail = json!({ "into": into, "case": number, "reason": why });
        case::store::append(tx, tenant, &case_id, now, &by.name, "joined_into", &detail).await?;
    }
    Ok(())
}

/// After a split: the case that it had joined says so, and the two stay apart.
pub async fn split(
    tx: &mut Tx,
    tenant: &str,
    (case_id, number): (&str, &str),
    from: &str,
    reason: &str,
    by: &Actor,
    now: UtcMs,
) -> Result<()> {
    store::set_why(tx, tenant, number, None).await?;
    let Some(other) = case::store::visible_in(tx, tenant, "", from).await? else { return Ok(()) };
    store::keep_apart(tx, tenant, case_id, &other.case_id, now).await?;
    let detail = json!({ "case": number, "reason": reason });
    case::store::append(tx, tenant, &other.case_id, now, &by.name, "gave_back", &detail).await
}
