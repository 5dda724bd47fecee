//! Keeps in short what the histories come to, so that a table need not read them: a reconciler beside the closing of months.
//!
//! It looks through all cases once, then follows the live feed; where that has forgotten what came next, it looks through
//! all of them again. What it keeps of a case bears the hash of the history's last row and is used only while the case
//! bears the same, so nothing depends on how far it has come, whether it runs at all, or how many hubs run it. What is kept
//! may be thrown away at any time (`delete from evaluation_facts`).

use std::collections::BTreeSet;
use std::time::Duration;

use protocol::UtcMs;
use tokio_util::sync::CancellationToken;

use super::fold::Row;
use super::gist::{FORM, Gists};
use super::store::{self, HistoryRow, KeptGists, Stale};
use crate::app::App;
use crate::change::ChangeTopic;
use crate::db;

const EVERY: Duration = Duration::from_secs(20);

/// Changes that are followed at once.
const MOST_CHANGES: i64 = 500;

/// How far a hub has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// While it looks through all cases: the last one it has seen.
    walked: Option<String>,
    /// Everything before this position of the live feed is seen, once it has looked through all cases.
    position: Option<i64>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { walked: Some(String::new()), position: None }
    }
}

/// A station of its own: it holds up nothing, and nothing waits for it.
pub(super) async fn run(app: App, stop: CancellationToken) {
    let mut progress = Progress::default();
    while !stop.is_cancelled() {
        match pass(&app, &mut progress).await {
            // There may be more.
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!("evaluation: keeping histories in short: {error}; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One bounded step; returns whether there may be more to do at once.
pub(super) async fn pass(app: &App, progress: &mut Progress) -> db::Result<bool> {
    match progress.walked.take() {
        Some(after) => walk(app, progress, after).await,
        None => follow(app, progress).await,
    }
}

async fn walk(app: &App, progress: &mut Progress, after: String) -> db::Result<bool> {
    let tenant = app.tenant().as_str();
    // Should anything below fail, it goes on from here.
    progress.walked = Some(after.clone());
    if progress.position.is_none() {
        progress.position = Some(app.changes.newest(tenant).await?);
    }
    let stale = store::stale(&app.db, tenant, FORM, &after).await?;
    progress.walked = stale.last().map(|last| last.case_id.clone());
    if let Err(error) = keep(app, stale).await {
        progress.walked = Some(after);
        return Err(error);
    }
    Ok(true)
}

async fn follow(app: &App, progress: &mut Progress) -> db::Result<bool> {
    let tenant = app.tenant().as_str();
    let position = progress.position.unwrap_or(0);
    let oldest = app.changes.oldest(tenant).await?;
    let newest = app.changes.newest(tenant).await?;
    // The feed forgets what is old, and begins anew in a database that was brought back.
    if oldest.is_some_and(|oldest| oldest > position + 1) || newest < position {
        *progress = Progress::default();
        return Ok(true);
    }
    let changes = app.changes.after(tenant, position, MOST_CHANGES).await?;
    let Some(last) = changes.last().map(|change| change.position) else { return Ok(false) };
    let cases = changes.iter().filter(|change| change.topic == ChangeTopic::Case.as_str());
    let numbers: BTreeSet<&str> = cases.map(|change| change.subject.as_str()).collect();
    if !numbers.is_empty() {
        let numbers: Vec<&str> = numbers.into_iter().collect();
        keep(app, store::stale_of(&app.db, tenant, FORM, &numbers).await?).await?;
    }
    progress.position = Some(last);
    Ok(last < newest)
}

/// Reads the histories of these cases anew and keeps what they come to.
async fn keep(app: &App, stale: Vec<Stale>) -> db::Result<()> {
    if stale.is_empty() {
        return Ok(());
    }
    let tenant = app.tenant().as_str();
    let ids = stale.iter().map(|case| case.case_id.as_str()).collect();
    let mut kept: Vec<KeptGists> = Vec::with_capacity(stale.len());
    let mut waiting = stale.iter().peekable();
    let mut rows: Vec<(i64, Row)> = Vec::new();
    let mut take = |row: HistoryRow| {
        // Cases and rows come in the same order; a case may have no row that says anything.
        while waiting.peek().is_some_and(|case| case.case_id != row.case_id) {
            if let Some(case) = waiting.next() {
                kept.push(short(case, std::mem::take(&mut rows)));
            }
        }
        // What was written meanwhile is not covered by the hash.
        if waiting.peek().is_some_and(|case| case.has(&row)) {
            rows.push((row.position, Row::new(UtcMs(row.at_ms), row.action, &row.detail)));
        }
    };
    store::histories(&app.db, tenant, ids, None, &mut take).await?;
    for case in waiting {
        kept.push(short(case, std::mem::take(&mut rows)));
    }
    store::keep(&app.db, tenant, FORM, kept).await
}

/// A text that is none, for what is too long, keeps it from being tried again.
fn short(case: &Stale, rows: Vec<(i64, Row)>) -> KeptGists {
    KeptGists { of: case.clone(), gists: Gists::of(rows).text().unwrap_or_default() }
}
