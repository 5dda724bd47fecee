//! Shelving: a person puts an alarm source aside for a stated time, with a reason.
//!
//! What it tells meanwhile opens nothing and rings nowhere, but is kept, counted, and listed with who put it aside until
//! when. Something more severe than what was put aside breaks the shelf. After its time the source is as before.

use protocol::{Severity, UtcMs};
use serde::Serialize;
use serde_json::json;

use super::{flapping, store};
use crate::app::App;
use crate::case::store::Head;
use crate::case::{self, Case};
use crate::db::{self, Db, Tx, from_row};
use crate::engine::claim::Claim;
use crate::user::{Act, Grant};

/// An emergency is put aside for an hour at most, by those who lead; anything else for three days.
pub const EMERGENCY_MINUTES: u32 = 60;
pub const MOST_MINUTES: u32 = 72 * 60;
const MOST_REASON: usize = 200;

/// A source that is put aside, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Shelved {
    /// Case from which it was put aside.
    pub number: String,
    pub title_zh: String,
    pub title_en: String,
    /// What is more severe is told all the same.
    pub severity: String,
    pub reason: String,
    pub shelved_by: String,
    pub from_ms: i64,
    pub until_ms: i64,
    /// How often it told of something meanwhile.
    pub counted: i64,
}

from_row!(Shelved: number, title_zh, title_en, severity, reason, shelved_by, from_ms, until_ms, counted);

#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    #[error("there is no case {0}")]
    Unknown(String),
    #[error("case {0} is not of a camera or a box; calls and reports are not put aside")]
    NoSource(String),
    #[error("reason: write 1 to {MOST_REASON} characters")]
    Reason,
    #[error("minutes: 1 to {0} for what is this severe")]
    Minutes(u32),
    #[error("an emergency is put aside by a shift leader or a commander of its area")]
    Leaders,
    #[error("the source of case {0} is put aside already")]
    Already(String),
    #[error("the source of case {0} is not put aside")]
    NotShelved(String),
    #[error("case database: {0}")]
    Db(#[from] db::Error),
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    pub user: &'a str,
    pub grants: &'a [Grant],
}

/// Puts the source of a case aside. `By` was found to be allowed to shelve there.
pub async fn shelve(
    app: &App,
    number: &str,
    minutes: u32,
    reason: &str,
    by: By<'_>,
) -> Result<Case, ShelfError> {
    let (tenant, now, reason) = (app.tenant().as_str(), app.clock.now(), reason.trim());
    if reason.is_empty() || reason.chars().count() > MOST_REASON {
        return Err(ShelfError::Reason);
    }
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let unknown = || ShelfError::Unknown(number.to_owned());
    let case = case::store::visible_in(&mut tx, tenant, by.user, number).await?.ok_or_else(unknown)?;
    if case.call_id.is_some() || case.kind == case::report::KIND {
        return Err(ShelfError::NoSource(number.to_owned()));
    }
    let emergency = case.severity == Severity::Emergency.as_str();
    let most = if emergency { EMERGENCY_MINUTES } else { MOST_MINUTES };
    if !(1..=most).contains(&minutes) {
        return Err(ShelfError::Minutes(most));
    }
    let area = crate::organisation::AreaPath::kept(case.area.clone());
    let leads = |grant: &Grant| grant.role.may(Act::ShelveEmergency) && grant.area.covers(&area);
    if emergency && !by.grants.iter().any(leads) {
        return Err(ShelfError::Leaders);
    }
    let key = store::source(&mut tx, tenant, &case.case_id).await?;
    if store::shelf(&mut tx, tenant, &key).await?.is_some() {
        return Err(ShelfError::Already(number.to_owned()));
    }
    let until = now.plus_ms(i64::from(minutes) * 60_000);
    let new = store::NewShelf {
        id: &app.new_id(),
        key: &key,
        case_id: &case.case_id,
        severity: &case.severity,
        reason,
        by: by.user,
        until,
    };
    store::put_shelf(&mut tx, tenant, &new, now).await?;
    case::store::take_in_hand(&mut tx, tenant, &case.case_id, by.user, now).await?;
    let detail = json!({ "reason": reason, "until_ms": until, "minutes": minutes });
    let actor = format!("user:{}", by.user);
    case::store::append(&mut tx, tenant, &case.case_id, now, &actor, "shelved", &detail).await?;
    let case = case::store::in_tx(&mut tx, tenant, number).await.map_err(|_| unknown())?;
    tx.commit().await?;
    Ok(case)
}

/// Takes the source of a case back before its time.
pub async fn take_back(app: &App, number: &str, by: By<'_>) -> Result<Case, ShelfError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let unknown = || ShelfError::Unknown(number.to_owned());
    let case = case::store::visible_in(&mut tx, tenant, by.user, number).await?.ok_or_else(unknown)?;
    let key = store::source(&mut tx, tenant, &case.case_id).await?;
    if !end(&mut tx, tenant, &key, &format!("user:{}", by.user), "unshelved", now).await? {
        return Err(ShelfError::NotShelved(number.to_owned()));
    }
    let case = case::store::in_tx(&mut tx, tenant, number).await.map_err(|_| unknown())?;
    tx.commit().await?;
    Ok(case)
}

/// What is put aside now, of cases that a user may see.
pub async fn list(db: &Db, tenant: &str, user: &str) -> db::Result<Vec<Shelved>> {
    store::shelved(db, tenant, user).await
}

/// What to do with an incident of a source.
#[derive(Debug)]
pub(crate) enum OnShelf {
    /// Count it with this case and leave it at that.
    Count(Box<Head>),
    /// Nothing is put aside, or no longer.
    Tell,
}

/// Looks whether a source is put aside, and counts what it tells; what is worse than was put aside breaks the shelf.
pub(crate) async fn incident(
    tx: &mut Tx,
    tenant: &str,
    key: &str,
    severity: Severity,
    now: UtcMs,
) -> db::Result<OnShelf> {
    let Some(shelf) = store::shelf(tx, tenant, key).await? else { return Ok(OnShelf::Tell) };
    // The list of severities starts with the worst.
    let worse = shelf.severity.parse::<Severity>().is_ok_and(|most| severity < most);
    if shelf.until_ms <= now.0 || worse {
        let action = if worse { "shelf_broken" } else { "shelf_over" };
        end(tx, tenant, key, "hub", action, now).await?;
        return Ok(OnShelf::Tell);
    }
    store::count_on_shelf(tx, tenant, &shelf.shelf_id).await?;
    Ok(OnShelf::Count(Box::new(Head::read(tx, tenant, &shelf.case_id).await?)))
}

/// Ends a shelf with a row of its case's history; returns whether there was one.
async fn end(tx: &mut Tx, tenant: &str, key: &str, by: &str, action: &str, now: UtcMs) -> db::Result<bool> {
    let Some(shelf) = store::shelf(tx, tenant, key).await? else { return Ok(false) };
    store::end_shelf(tx, tenant, key, by, now).await?;
    let detail = json!({ "counted": shelf.counted });
    case::store::append(tx, tenant, &shelf.case_id, now, by, action, &detail).await?;
    Ok(true)
}

/// Ends what is over, and says of sources that flapped that they are quiet; returns how many.
pub async fn pass(app: &App, now: UtcMs) -> db::Result<u64> {
    Ok(end_what_is_over(app, now).await? + calm_down(app, now).await?)
}

/// Tenant, and what of it is due.
type Due = (String, String);

fn subject((tenant, subject): &Due) -> (&str, &str) {
    (tenant, subject)
}

async fn end_what_is_over(app: &App, now: UtcMs) -> db::Result<u64> {
    let (mut claim, mut done) = (Claim::new(app, "shelf", now), 0);
    while let Some(own) = claim.next(store::over(&app.db, now).await?, subject).await? {
        for due in own {
            done += claim.told(subject(&due), end_if_over(app, &due, now).await).await?;
        }
    }
    claim.release().await?;
    Ok(done)
}

async fn end_if_over(app: &App, (tenant, key): &Due, now: UtcMs) -> db::Result<bool> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let due = store::shelf(&mut tx, tenant, key).await?.is_some_and(|shelf| shelf.until_ms <= now.0);
    if !due {
        return Ok(false);
    }
    let ended = end(&mut tx, tenant, key, "hub", "shelf_over", now).await?;
    tx.commit().await?;
    Ok(ended)
}

async fn calm_down(app: &App, now: UtcMs) -> db::Result<u64> {
    let (mut claim, mut done) = (Claim::new(app, "calm", now), 0);
    let before_ms = now.0 - flapping::WITHIN_MS;
    while let Some(own) = claim.next(store::calm(&app.db, now, before_ms).await?, subject).await? {
        for due in own {
            done += claim.told(subject(&due), calm(app, &due, now).await).await?;
        }
    }
    claim.release().await?;
    Ok(done)
}

async fn calm(app: &App, (tenant, case_id): &Due, now: UtcMs) -> db::Result<bool> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let mut head = Head::read(&mut tx, tenant, case_id).await?;
    if !head.calms(&mut tx, tenant, now) {
        return Ok(false);
    }
    head.save(&mut tx, tenant, now).await?;
    tx.commit().await?;
    Ok(true)
}
