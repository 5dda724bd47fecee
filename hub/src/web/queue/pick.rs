//! The case that is picked in the list: to whom it may go, why, and what those units have to do already; and the way back
//! from what was dispatched a moment ago.

use super::row::{Around, may_dispatch, next_url};
use super::suggest::{self, Known, Picks};
use crate::app::App;
use crate::case::{self, Case, CaseState};
use crate::db;
use crate::web::guard::{Viewer, percent};
use crate::web::moves::{limits, unit_name, worded};
use crate::web::view::{OptionView, PickView, WithdrawView};
use crate::web::words;
use crate::workflow::{self, StepKind, TaskState};

/// Nothing of a case that is not there, or not this user's.
pub(super) async fn picked(
    app: &App,
    viewer: &Viewer,
    around: &Around<'_>,
    back: &str,
) -> db::Result<Option<PickView>> {
    let (tenant, user, number) = (app.tenant().as_str(), viewer.session.user.as_str(), around.current);
    if number.is_empty() {
        return Ok(None);
    }
    let mut tx = app.db.begin_read().await?;
    let Some(case) = case::store::visible_in(&mut tx, tenant, user, number).await? else { return Ok(None) };
    let position = case::store::history_count(&mut tx, tenant, &case.case_id).await?;
    let Some(dossier) = workflow::store::load(&mut tx, tenant, number).await? else { return Ok(None) };
    let policy = match dossier.state.filing() {
        Some(filing) => Some(app.policies.version_in(&mut tx, tenant, filing.policy).await?),
        None => None,
    };
    drop(tx);
    let lang = around.lang;
    let may = may_dispatch(&case, &viewer.session.grants);
    let known = Known { units: around.units, categories: around.categories, names: around.names, lang };
    let picks = if may { suggest::picks(app, user, &case, known).await? } else { Picks::default() };
    let there = dossier.units_there(around.units).filter(|_| may);
    let option = |unit: &crate::organisation::Unit| OptionView {
        value: unit.unit.clone(),
        word: picks.with_load(&unit.unit, &worded(&unit.name_zh, &unit.name_en, lang), lang),
        on: false,
    };
    let all: Vec<OptionView> = there.map(option).collect();
    let is_suggested = |id: &str| picks.cards.iter().any(|one| one.id == id);
    let others = all.iter().filter(|one| !is_suggested(&one.value)).cloned().collect();
    Ok(Some(PickView {
        position,
        title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
        sev: words::severity(&case.severity, lang),
        state: words::state(&case.state, lang),
        place: case.place.clone().unwrap_or_default(),
        why_not: (!may).then(|| why_not(&case, around)),
        cards: picks.cards,
        others,
        co: all.clone(),
        limits: policy.map(|policy| limits(&dossier, &policy, around.local, lang)).unwrap_or_default(),
        back: format!("{back}{}done={}", if back.contains('?') { "&" } else { "?" }, percent(&case.number)),
        next_url: next_url(&case),
        may_turn_away: matches!(case.state.parse(), Ok(CaseState::Received | CaseState::Filed)),
        number: case.number,
    }))
}

fn why_not(case: &Case, around: &Around<'_>) -> String {
    let lang = around.lang;
    match case.state.parse::<CaseState>() {
        Ok(CaseState::Received) => lang.queue_not_filed().to_owned(),
        Ok(CaseState::Filed) => {
            let roles = StepKind::Dispatch.roles().iter().map(|role| role.word(lang)).collect::<Vec<_>>();
            format!("{}{}", lang.only_roles(), roles.join(lang.pick("、", ", ")))
        }
        _ => words::state(&case.state, lang).word.to_owned(),
    }
}

/// What this user has just dispatched; it can be withdrawn while nobody has accepted it.
pub(super) async fn just_dispatched(
    app: &App,
    viewer: &Viewer,
    around: &Around<'_>,
    (number, back): (&str, &str),
) -> db::Result<Option<WithdrawView>> {
    let (tenant, user) = (app.tenant().as_str(), viewer.session.user.as_str());
    if number.is_empty() {
        return Ok(None);
    }
    let mut tx = app.db.begin_read().await?;
    let Some(case) = case::store::visible_in(&mut tx, tenant, user, number).await? else { return Ok(None) };
    let position = case::store::history_count(&mut tx, tenant, &case.case_id).await?;
    let Some(dossier) = workflow::store::load(&mut tx, tenant, number).await? else { return Ok(None) };
    let Some(work) = dossier.state.work() else { return Ok(None) };
    let waits = work.tasks().all(|task| task.state == TaskState::Dispatched);
    Ok(Some(WithdrawView {
        position,
        unit: unit_name(around.units, &work.lead.unit, around.lang),
        is_open: waits && case.state == CaseState::Dispatched.as_str(),
        back: back.to_owned(),
        number: case.number,
    }))
}
