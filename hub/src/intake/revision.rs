//! An incident as it is told now, in its case.

use protocol::{Incident, Origin, Phase, Subject};
use serde_json::json;

use super::Context;
use super::store;
use crate::case::store::{Desk, OnFile, Placed};
use crate::case::{self, number};
use crate::db::{Result, Tx};
use crate::gazetteer::{self, Searching, Told};
use crate::workflow::store::With;
use crate::{contact, correlation, evidence};

/// What the hub itself says of a silent box, by the same way.
pub async fn incident(tx: &mut Tx, context: Context<'_>, origin: &Origin, incident: &Incident) -> Result<()> {
    let mut desk = Desk::default();
    let incident_id = incident.incident_id.to_string();
    let known = desk.incident(tx, origin.tenant.as_str(), &incident_id).await?;
    revision(tx, context, &mut desk, origin, incident, known).await?;
    desk.clear(tx).await
}

/// Stores one revision of an incident and puts it into its case. An older revision than the known one tells
/// nothing new, except that it may have been more severe.
pub(super) async fn revision(
    tx: &mut Tx,
    context: Context<'_>,
    desk: &mut Desk,
    origin: &Origin,
    incident: &Incident,
    known: Option<OnFile>,
) -> Result<()> {
    let (tenant, now) = (origin.tenant.as_str(), context.now);
    let (incident, callback) = contact::apart(incident);
    let incident = &*incident;
    let cause = correlation::cause(origin, incident);
    // What a call brings besides goes to its case in the tables.
    let is_call = matches!(incident.subject, Subject::Call(_));
    if is_call {
        desk.clear(tx).await?;
    }
    let (Placed { head: mut case, opened, counted }, phase_before) = match known {
        Some(known) => {
            let mut case = desk.case(tx, tenant, &known.case_id).await?;
            let lifted = case.raise(tx, origin, incident, now);
            if known.revision >= i64::from(incident.revision) {
                if lifted {
                    desk.put(tx, tenant, None, case, now);
                }
                return Ok(());
            }
            let counted = case.is_damped();
            (Placed { head: case, opened: false, counted }, Some(known.phase))
        }
        None => {
            let new_id = context.chance.uuid_v7(now).to_string();
            let day = number::local_day(now, context.zone);
            let new = case::store::NewCase {
                case_id: &new_id,
                day: &day,
                now,
                policies: context.policies,
                grids: context.grids,
            };
            (case::store::open_or_join(tx, desk, origin, incident, &cause, new).await?, None)
        }
    };
    case.signals(incident, now);
    desk.put_incident(origin, incident, &case.case_id, now)?;
    if is_call {
        desk.clear(tx).await?;
    }
    if let Some(sealed) = callback {
        contact::store::keep(tx, tenant, &case.case_id, &sealed, now, context.contact_life_ms).await?;
    }
    let owner_id = incident.incident_id.to_string();
    for file in &incident.evidence {
        evidence::store::link(tx, origin, "incident", &owner_id, file);
    }
    if phase_before.is_some() && cause.joins_closed {
        store::rename_case(tx, tenant, &case.case_id, &cause).await?;
    }
    if let Some((text, grid)) = correlation::told(incident) {
        let with = Searching {
            gazetteers: context.gazetteers,
            grids: context.grids,
            policies: context.policies,
            now,
        };
        gazetteer::told(tx, tenant, &mut case, Told { text, grid, within: None }, with).await?;
    }
    if incident.phase == Phase::Ended && phase_before.as_deref() != Some(Phase::Ended.as_str()) && !counted {
        let detail = json!({ "incident_id": incident.incident_id, "ended_at": incident.ended_at });
        let actor = case::store::actor(origin, incident);
        case.note(tx, tenant, now, &actor, "ended", &detail);
    }
    let (case_id, joined_into) = (case.case_id.clone(), case.joined_into.clone());
    let source = (phase_before.is_none() && !is_call).then_some(cause.key.as_str());
    desk.put(tx, tenant, source, case, now);
    one_matter(tx, context, desk, tenant, incident, (&case_id, joined_into), (opened, counted)).await
}

/// What is told of a case that was joined goes on to where the work is; a new case, or a call of which more is known, may
/// be the same matter as another one.
async fn one_matter(
    tx: &mut Tx,
    context: Context<'_>,
    desk: &mut Desk,
    tenant: &str,
    incident: &Incident,
    (case_id, joined_into): (&str, Option<String>),
    (opened, counted): (bool, bool),
) -> Result<()> {
    let (policies, now) = (context.policies, context.now);
    let is_call = matches!(incident.subject, Subject::Call(_));
    match joined_into {
        Some(_) if counted => Ok(()),
        Some(into) => {
            desk.clear(tx).await?;
            let severity = incident.severity;
            correlation::join::told_on(tx, tenant, &into, severity, incident.drill, policies, now).await
        }
        None if is_call
            || opened && correlation::join::may_join(tx, tenant, incident, policies, now).await? =>
        {
            desk.clear(tx).await?;
            let id = context.chance.uuid_v7(now).to_string();
            let with = With { policies, now, id: &id };
            correlation::join::consider(tx, tenant, case_id, with).await.map(drop)
        }
        None => Ok(()),
    }
}
