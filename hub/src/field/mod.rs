//! 网格: what people of the grids have to do, and what they send from telephones that were out of reach.
//!
//! Each report, move and picture may carry a key of its own ([`repeat`]). What it did and the key are one transaction under the
//! tenant's lock: after a crash both are there or neither is, so that whatever is sent again is done at most once. A move may
//! name the position of the history at which it was written: where a person has moved the case since, it is refused, and
//! nothing of it is lost but the move itself. When something was written stands beside when it came ([`written`]); limits run by
//! the hub's clock alone.
//!
//! Deliberately absent: where people are. A report says where the matter is, 签到 ([`deed`]) where somebody says that he has arrived;
//! nobody's way is kept.

pub mod deed;
pub mod repeat;
pub(crate) mod store;
pub mod task;
#[cfg(test)]
mod tests;
pub mod written;

use serde_json::json;

use crate::app::App;
use crate::attachment;
use crate::case::report::{self, Enclosed, NewReport, ReportError};
use crate::case::{self, Case, HistoryEntry};
use crate::db;
use crate::user::Grant;
use crate::web::moves::{counts, is_made};
use crate::workflow::store::StepError;
use crate::workflow::{Actor, Step};
use repeat::{Key, Known};
use written::Written;

/// Rows of a history that are looked at for what has changed; a case with more of them has changed.
pub const MOST_SINCE: i64 = 200;

/// How something came.
#[derive(Clone, Debug, Default)]
pub struct Coming {
    /// Under which it may come again.
    pub key: Option<Key>,
    pub written: Written,
    /// Of a move: the position of the case's history at which it was written.
    pub position: Option<i64>,
}

/// Why a report was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotReported {
    #[error(transparent)]
    Reused(#[from] repeat::Reused),
    /// It was taken when it came before.
    #[error("case {0} was made of it when it came before; it no longer lies where you may see it")]
    Gone(String),
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// Why a move was not made.
#[derive(Debug, thiserror::Error)]
pub enum NotMoved {
    #[error(transparent)]
    Reused(#[from] repeat::Reused),
    /// Somebody has moved the case since.
    #[error("case {0} has gone on since this was written; look at what has changed, then decide anew")]
    GoneOn(String),
    /// It was made when it came before.
    #[error("this was done when it came before; case {0} no longer lies where you may see it")]
    Gone(String),
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<db::Error> for NotReported {
    fn from(error: db::Error) -> Self {
        Self::Report(error.into())
    }
}

impl From<db::Error> for NotMoved {
    fn from(error: db::Error) -> Self {
        Self::Step(error.into())
    }
}

/// Files the report of a user, once for each key; returns the case that it is.
pub async fn report(
    app: &App,
    new: &NewReport,
    with: &Enclosed,
    (user, grants): (&str, &[Grant]),
    coming: &Coming,
) -> Result<Case, NotReported> {
    // Asked before the transaction, and answered for only when there is something to do.
    let by = report::by_user(app, new, with, user, grants).await;
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(app.tenant().as_str()).await?;
    let case = report_in(app, &mut tx, (new, with), by, user, coming).await?;
    tx.commit().await?;
    Ok(case)
}

/// The same inside a transaction that holds the tenant's lock.
async fn report_in(
    app: &App,
    tx: &mut db::Tx,
    (new, with): (&NewReport, &Enclosed),
    by: Result<report::By, ReportError>,
    user: &str,
    coming: &Coming,
) -> Result<Case, NotReported> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    if let Some(key) = &coming.key
        && let Known::Again(answer) = repeat::known(tx, tenant, key, now).await??
    {
        let number = answer.number().unwrap_or_default();
        let case = case::store::visible_in(tx, tenant, user, number).await?;
        return case.ok_or_else(|| NotReported::Gone(number.to_owned()));
    }
    let mut by = by?;
    by.detail.extend(coming.written.detail(now));
    let case = report::receive_with(app, tx, new, with, by, user).await?;
    store::note_report(tx, tenant, &case.case_id, user, now).await?;
    if let Some(key) = &coming.key {
        repeat::remember(tx, tenant, key, 201, &json!({ "case": case.number }), now).await?;
    }
    Ok(case)
}

/// A move that holds now.
#[derive(Clone, Debug)]
pub struct Moved {
    /// After it.
    pub case: Case,
    /// It was made when it came before.
    pub before: bool,
}

/// Takes a step of a user with the pictures that he names, once for each key; returns the case after it.
pub async fn step(
    app: &App,
    number: &str,
    step: &Step,
    who: (&str, &[Grant]),
    pictures: &[String],
    coming: &Coming,
) -> Result<Case, NotMoved> {
    Ok(make(app, number, step, who, pictures, coming).await?.case)
}

/// The same, and whether it was made before.
pub async fn make(
    app: &App,
    number: &str,
    step: &Step,
    (user, grants): (&str, &[Grant]),
    pictures: &[String],
    coming: &Coming,
) -> Result<Moved, NotMoved> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let unknown = || StepError::Unknown(number.to_owned());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let before = case::store::visible_in(&mut tx, tenant, user, number).await?;
    if let Some(key) = &coming.key
        && let Known::Again(_) = repeat::known(&mut tx, tenant, key, now).await??
    {
        let case = before.ok_or_else(|| NotMoved::Gone(number.to_owned()))?;
        return Ok(Moved { case, before: true });
    }
    let before = before.ok_or_else(unknown)?;
    let is_done = match coming.position {
        Some(position) => {
            let since = case::store::history_since(&mut tx, tenant, &before.case_id, position, MOST_SINCE);
            gone_on(&since.await?, step, user).ok_or_else(|| NotMoved::GoneOn(number.to_owned()))?
        }
        None => false,
    };
    let case = if is_done {
        before
    } else {
        let actor = Actor::user(user, grants);
        let case = attachment::take_step(&mut tx, app, number, step, (user, &actor), pictures).await?;
        if coming.written.is_worth_a_row(now) {
            let mut detail = coming.written.detail(now);
            detail.insert("with".to_owned(), json!(step.kind().as_str()));
            let (by, detail) = (format!("user:{user}"), serde_json::Value::Object(detail));
            case::store::append(&mut tx, tenant, &case.case_id, now, &by, written::ACTION, &detail).await?;
        }
        case
    };
    if let Some(key) = &coming.key {
        repeat::remember(&mut tx, tenant, key, 200, &json!({ "case": case.number }), now).await?;
    }
    tx.commit().await?;
    Ok(Moved { case, before: is_done })
}

/// Takes note that something came under a key which is done part by part ([`Key::of_part`]): something else under it is refused.
pub async fn begin(app: &App, key: &Key) -> Result<(), NotMoved> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    if repeat::known(&mut tx, tenant, key, now).await?? == Known::New {
        repeat::remember(&mut tx, tenant, key, 200, &json!({ "parts": true }), now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whether the rows since a step was written are that very step; nothing where they are somebody's else.
fn gone_on(since: &[HistoryEntry], step: &Step, user: &str) -> Option<bool> {
    let is_cut = since.len() as i64 >= MOST_SINCE;
    let changed: Vec<HistoryEntry> = since.iter().filter(|row| counts(row)).cloned().collect();
    if is_made(&changed, step, user) {
        return Some(true);
    }
    (!is_cut && changed.is_empty()).then_some(false)
}

/// Removes answers that are not given again. Safe to run twice.
pub async fn forget(app: &App, now: protocol::UtcMs) -> db::Result<u64> {
    store::forget_repeats(&app.db, now.plus_ms(-repeat::KEEP_MS)).await
}
