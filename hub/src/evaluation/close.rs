//! Months are closed once: their tables kept as they are published, with what it takes to make them again.
//!
//! Half an hour after a month's end its history is complete (requests that began before midnight have been written). The
//! history is signed then ([`seal`]), the tables are made of what that root covers and of what happened before the month's
//! end, and kept with a hash. Whatever is written later, and whatever a machine's clock does, does not come into them. A hub
//! that was away closes what it missed, the oldest month first.
//!
//! Before that, cases of before the ledger are put on record in their own history, and units and areas that came or went in
//! the roster. All are reconcilers: they read what is missing and may run twice, on several hubs.

use std::time::Duration;

use protocol::UtcMs;
use tokio_util::sync::CancellationToken;

use super::reading::{Cut, Way};
use super::store::{self, KeptTable};
use super::{
    By, EvaluationError, Period, Question, Scope, Table, canonical, count, keep, policy_of, roster,
    roster_of_closed,
};
use crate::app::App;
use crate::case::{self, seal};
use crate::db;
use crate::organisation;
use crate::workflow;

const EVERY: Duration = Duration::from_mins(1);

/// After the end of a month.
const GRACE_MS: i64 = 30 * 60_000;

/// Months closed in one pass, cases put on record in one pass.
const MOST_MONTHS: usize = 24;
const MOST_CASES: i64 = 200;

/// A root that covers fewer cases than this covers all that there were.
const FULL_ROOT: u64 = 1_000;

/// A station of its own: reading a month holds up nothing that is urgent. What the histories come to is kept beside it.
pub async fn run(app: App, stop: CancellationToken) {
    tokio::join!(months(app.clone(), stop.clone()), keep::run(app, stop));
}

async fn months(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        pass(&app).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One pass; what fails is tried again at the next.
pub async fn pass(app: &App) {
    let now = app.clock.now();
    if let Err(error) = record_older(app, now).await {
        tracing::warn!("evaluation: putting older cases on record: {error}; trying again");
    }
    if let Err(error) = record_roster(app, now).await {
        tracing::warn!("evaluation: putting units and areas on record: {error}; trying again");
    }
    if let Err(error) = close_due(app, now).await {
        tracing::warn!("evaluation: closing a month: {error}; trying again");
    }
}

/// Puts cases of before the ledger on record in their own history; returns how many.
pub async fn record_older(app: &App, now: UtcMs) -> db::Result<u64> {
    let tenant = app.tenant().as_str();
    let mut recorded = 0;
    for (case_id, number) in store::without_ledger(&app.db, tenant, MOST_CASES).await? {
        let mut tx = app.db.begin().await?;
        tx.lock_tenant(tenant).await?;
        if !store::is_without_ledger(&mut tx, tenant, &case_id).await? {
            continue;
        }
        let dossier = match workflow::store::load(&mut tx, tenant, &number).await {
            Ok(dossier) => dossier,
            Err(db::Error::Decode(why)) => {
                drop(tx);
                tracing::warn!("evaluation: case {number} stays out of every table: {why}");
                store::set_unreadable(&app.db, tenant, &case_id).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(dossier) = dossier else { continue };
        case::store::record(&mut tx, tenant, &dossier, now).await?;
        tx.commit().await?;
        recorded += 1;
    }
    if recorded > 0 {
        app.changes.wake();
    }
    Ok(recorded)
}

/// Puts units and areas that came or went on record; returns the number of the last entry there is.
async fn record_roster(app: &App, now: UtcMs) -> db::Result<i64> {
    let tenant = app.tenant().as_str();
    let units = organisation::store::units(&app.db, tenant).await?;
    let areas = organisation::store::areas(&app.db, tenant).await?;
    let known = store::roster(&app.db, tenant, i64::MAX).await?;
    let last = |all: &[roster::Entry]| all.last().map_or(0, |entry| entry.position);
    if roster::news(&known, &roster::present(&units, &areas), now).is_empty() {
        return Ok(last(&known));
    }
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    // Another hub may have been first, and something else may be there by now.
    let units = organisation::store::units_in(&mut tx, tenant).await?;
    let areas = organisation::store::areas_in(&mut tx, tenant).await?;
    let known = store::roster_in(&mut tx, tenant).await?;
    let news = roster::news(&known, &roster::present(&units, &areas), now);
    let last = if news.is_empty() { last(&known) } else { last(&news) };
    store::add_to_roster(&mut tx, tenant, news);
    tx.commit().await?;
    Ok(last)
}

/// Closes the months that are over; returns how many.
pub async fn close_due(app: &App, now: UtcMs) -> Result<usize, EvaluationError> {
    let mut closed = 0;
    while closed < MOST_MONTHS {
        let Some(period) = next_due(app, now).await? else { break };
        close(app, &period, now).await?;
        closed += 1;
    }
    Ok(closed)
}

/// The oldest month that is over and not closed; none while cases are not on record.
async fn next_due(app: &App, now: UtcMs) -> db::Result<Option<Period>> {
    let tenant = app.tenant().as_str();
    if !store::without_ledger(&app.db, tenant, 1).await?.is_empty() {
        return Ok(None);
    }
    let next = match store::last_closed(&app.db, tenant).await? {
        Some(last) => last.parse::<Period>().ok().and_then(|last| last.after()),
        None => {
            let first = store::first_opened(&app.db, tenant).await?;
            first.and_then(|at| Period::month_of(UtcMs(at), &app.zone))
        }
    };
    Ok(next.filter(|period| period.span(&app.zone, now).to.plus_ms(GRACE_MS) <= now))
}

async fn close(app: &App, period: &Period, now: UtcMs) -> Result<(), EvaluationError> {
    let tenant = app.tenant().as_str();
    while seal::make(&app.db, tenant, &app.sealer, now).await? >= FULL_ROOT {}
    let root = case::store::seal::last(&app.db, tenant).await?.map_or(0, |root| root.root);
    let policy = policy_of(app, None).await?;
    let last = record_roster(app, now).await?;
    let there = roster_of_closed(app, last).await?;
    let question = Question::new(app, period.clone(), Scope::everything(), "");
    // What is published is made of the history itself.
    let by = (Cut::Root(root), Way::Histories);
    let tables = count(app, &question, &By::ALL, by, (policy.as_ref(), there.as_deref())).await?;
    let keep = |table: &Table| {
        let content = table.text();
        KeptTable {
            kind: table.by.to_string(),
            made_at_ms: now.0,
            root,
            policy_version: policy.version,
            roster: last,
            hash: canonical::hash(&content),
            content,
        }
    };
    let kept: Vec<KeptTable> = tables.iter().map(keep).collect();
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let period = period.to_string();
    // Another hub may have been first; then its tables are those of the month.
    if !store::is_closed(&mut tx, tenant, &period).await? {
        store::close(&mut tx, tenant, &period, &kept, now).await?;
        tx.commit().await?;
        tracing::info!("evaluation: {period} is closed, {} tables, history up to root {root}", kept.len());
    }
    Ok(())
}

/// What became of one table that was made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    pub kind: String,
    /// Whether what is kept is what was kept, by its hash.
    pub whole: bool,
    /// Where what is kept and what was made again differ first; nothing when they are alike, byte by byte.
    pub differs: Option<String>,
}

impl Rebuilt {
    pub fn is_good(&self) -> bool {
        self.whole && self.differs.is_none()
    }
}

/// Makes the tables of a closed month again from the history up to the root by which it was closed; nothing for a month that
/// is not closed.
pub async fn rebuild(app: &App, period: &Period) -> Result<Vec<Rebuilt>, EvaluationError> {
    let kept = store::kept(&app.db, app.tenant().as_str(), &period.to_string()).await?;
    let question = Question::new(app, period.clone(), Scope::everything(), "");
    let mut all = Vec::new();
    for row in kept {
        let whole = canonical::hash(&row.content) == row.hash;
        let differs = match row.kind.parse::<By>() {
            Ok(by) => {
                let policy = policy_of(app, Some(row.policy_version)).await?;
                let there = roster_of_closed(app, row.roster).await?;
                let from = (Cut::Root(row.root), Way::Histories);
                let made = count(app, &question, &[by], from, (policy.as_ref(), there.as_deref())).await?;
                made.first().and_then(|made| difference(&row.content, made))
            }
            Err(why) => Some(why),
        };
        all.push(Rebuilt { kind: row.kind, whole, differs });
    }
    Ok(all)
}

fn difference(kept: &str, made: &Table) -> Option<String> {
    if kept == made.text() {
        return None;
    }
    let words = match Table::read(kept) {
        Ok(kept) => kept.difference(made),
        Err(error) => Some(format!("it cannot be read: {error}")),
    };
    Some(words.unwrap_or_else(|| "it says the same, in another form".to_owned()))
}
