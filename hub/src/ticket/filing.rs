//! What an operator does with a call by one key: its ticket, the place that he picked, the case that it is one matter with, and
//! the command centre that must know now. All of it commits together or not at all.

use serde_json::json;

use super::{Draft, TicketError, store, taxonomy};
use crate::app::App;
use crate::case::store::Head;
use crate::case::{self, Case, CaseError, CaseState};
use crate::category;
use crate::correlation::links;
use crate::db::Tx;
use crate::engine::centre;
use crate::gazetteer::{self, Choice, Searching};
use crate::workflow::store::{StepError, With};
use crate::workflow::{self, Actor, Step};

/// What is to be done; what is not there is left as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filing<'a> {
    pub draft: Option<&'a Draft>,
    /// When the ticket was filed that the sender looked at (epoch ms, 0 = none yet); another one is not replaced. Nothing
    /// there replaces whatever is.
    pub seen: Option<i64>,
    /// Where it is, as a person picked it: it stands over every word.
    pub place: Option<&'a Choice>,
    /// The open case in which the work goes on, by its number, and why.
    pub into: Option<(&'a str, &'a str)>,
    /// Straight to the command centre, and why.
    pub centre: Option<&'a str>,
}

/// Files the ticket of a call, or corrects it, and what goes with it. The first filing files the case; a correction is a row of
/// its history, and where it names another category than the case was filed under, a request to change that. What was joined
/// to another case is handled there; what its caller said is still written down here.
pub async fn take(app: &App, number: &str, mut filing: Filing<'_>, by: &Actor) -> Result<Case, TicketError> {
    let (tenant, id) = (app.tenant().as_str(), app.new_id());
    let with = app.step_with(&id);
    let user = by.name.strip_prefix("user:").unwrap_or(&by.name);
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?;
    let case = case.ok_or_else(|| CaseError::Unknown(number.to_owned()))?;
    if case.call_id.is_none() {
        return Err(TicketError::NotACall(number.to_owned()));
    }
    // Under the tenant's lock: of two who file at once, one learns of the other.
    if let (Some(seen), Some(draft)) = (filing.seen, filing.draft)
        && let Some(there) = store::get_in(&mut tx, tenant, &case.case_id).await?
        && there.filed_at_ms != seen
    {
        if there.filed_by != user || !there.says(draft) {
            return Err(TicketError::FiledMeanwhile(there.filed_by));
        }
        // The same form, handed in twice: what it did is done, and what it was sent with is done once.
        (filing.draft, filing.place) = (None, None);
        let called = centre::called_by(&mut tx, tenant, &case.case_id, &by.name, there.filed_at_ms).await?;
        filing.centre = filing.centre.filter(|_| !called);
        if filing.into.is_none() && filing.centre.is_none() {
            return Ok(case);
        }
    }
    let wrong = filing.draft.map(Draft::wrong).unwrap_or_default();
    if !wrong.is_empty() {
        return Err(TicketError::Wrong(wrong));
    }
    let mut joined = links::in_tx(&mut tx, tenant, &case.case_id).await?.joined_into;
    if joined.is_none() && !case.state.parse::<CaseState>().is_ok_and(CaseState::is_open) {
        return Err(TicketError::Finished(number.to_owned()));
    }
    // Whoever has called the centre waits for it, whatever he does meanwhile.
    let waiting = centre::waiting(&mut tx, tenant, &case.case_id).await?;
    let places =
        Searching { gazetteers: &app.gazetteers, grids: &app.grids, policies: &app.policies, now: with.now };
    if let Some(choice) = filing.place {
        let words = filing.draft.map(|draft| draft.place.trim());
        gazetteer::choose_in(&mut tx, tenant, &case, (choice, words), by, places).await?;
    }
    // Sent twice, it is one matter once.
    if let Some((into, why)) = filing.into.filter(|(into, _)| joined.as_deref() != Some(*into)) {
        let step = Step::Join { into: into.to_owned(), note: why.to_owned() };
        workflow::store::take_in(&mut tx, tenant, number, &step, by, with).await?;
        joined = Some(into.to_owned());
    }
    if let Some(draft) = filing.draft {
        let goes_on = joined.is_some();
        write(&mut tx, tenant, &case, (draft, goes_on), by, with, places).await?;
    }
    if let (Some(waiting), None) = (waiting, &joined) {
        centre::keep(&mut tx, tenant, &case.case_id, waiting).await?;
    }
    if let Some(reason) = filing.centre {
        let case = case::store::in_tx(&mut tx, tenant, number).await?;
        let case = centre::where_work_goes_on(&mut tx, tenant, &case, joined.as_deref()).await?;
        // The case in which the work went on may be over by now.
        if !case.state.parse::<CaseState>().is_ok_and(CaseState::is_open) {
            return Err(TicketError::Finished(case.number));
        }
        centre::call(&mut tx, tenant, &case, reason, by, with).await?;
    }
    // As it is now: it may have been lifted.
    let case = case::store::in_tx(&mut tx, tenant, number).await?;
    tx.commit().await?;
    Ok(case)
}

/// Writes the ticket, and files the case by it where it is received.
async fn write(
    tx: &mut Tx,
    tenant: &str,
    case: &Case,
    (draft, joined): (&Draft, bool),
    by: &Actor,
    with: With<'_>,
    places: Searching<'_>,
) -> Result<(), TicketError> {
    let (number, now) = (case.number.as_str(), with.now);
    let user = by.name.strip_prefix("user:").unwrap_or(&by.name);
    store::put(tx, tenant, &case.case_id, draft, user, now).await?;
    if let Some(severity) = taxonomy::severity(&draft.urgency) {
        case::store::lift(tx, tenant, &case.case_id, severity, &by.name, now).await?;
    }
    let received = case.state == CaseState::Received.as_str();
    let action = if received { "ticket" } else { "corrected" };
    let mut head = Head::read(tx, tenant, &case.case_id).await?;
    head.note(tx, tenant, now, &by.name, action, &json!(draft));
    // Before it is filed: in a village other limits hold from then on.
    gazetteer::written(tx, tenant, &mut head, (draft.place.trim(), by), places).await?;
    head.save(tx, tenant, now).await?;
    let categories = category::all_in(tx, tenant).await?;
    let category = categories.of_hotline(&draft.category).map_or(&draft.category, |own| &own.id).clone();
    if joined {
        return Ok(());
    }
    if received {
        let step = Step::File { category, note: String::new() };
        workflow::store::take_in(tx, tenant, number, &step, by, with).await?;
    } else if case.category.as_ref() != Some(&category) {
        let step = Step::AskCategory { category, reason: "工单更正 Ticket corrected".to_owned() };
        match workflow::store::take_in(tx, tenant, number, &step, by, with).await {
            // Asked already, or too late for it: the ticket is corrected all the same.
            Ok(_) | Err(StepError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
