//! Every case that could count in a period, with what it counts for: read in bounded pages, from what is kept of histories
//! where that is as they are now, from the histories themselves where it is not.
//!
//! Whatever is kept, half kept or not kept at all, what comes out is the same (`tests/cache.rs`). A page writes nothing: what
//! is behind is brought up to date by [`super::keep`].

use std::collections::HashMap;
use std::sync::Arc;

use protocol::UtcMs;
use tokio::sync::Semaphore;

use super::facts::Facts;
use super::fold::{CaseFile, Row, Unread};
use super::gist::{FORM, Gists};
use super::point::{self, Point, Span};
use super::{Question, store};
use crate::app::App;
use crate::calendar::Calendar;
use crate::db;
use crate::policy::{self, Policy};

/// Each reads many cases; more at once wait.
pub(super) static TURNS: Semaphore = Semaphore::const_new(2);

/// Cases whose histories are read at once.
pub(super) const HISTORIES: usize = 200;

/// Up to where the history is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// As far as it has come.
    Now,
    /// As far as it had come by this signed root.
    Root(i64),
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Histories alone: for what is published, and for what is held against it.
    Histories,
    /// What is kept of them, where it is as they are now.
    Kept,
}

/// Hands on each case with what it counts for; returns how many histories said nothing.
pub(super) async fn read(
    app: &App,
    question: &Question,
    (cut, way): (Cut, Way),
    mut each: impl FnMut(&Facts, &[Point]),
) -> db::Result<i64> {
    let _turn = TURNS.acquire().await.map_err(|_| db::Error::PoolClosed)?;
    let span = question.span;
    // Of what has not begun nothing is known.
    if span.seen <= span.from {
        return Ok(0);
    }
    let policies = policies(app).await?;
    let calendar =
        |version: i64| -> Option<&Calendar> { policies.get(&version).map(|policy| &policy.calendar) };
    let mut unread = store::unreadable(&app.db, app.tenant().as_str(), span).await?;
    let mut one = |number: &str, read: Result<Facts, Unread>| match read {
        // Drills go the whole way and count nowhere.
        Ok(facts) if facts.drill => {}
        Ok(facts) => {
            let mut points = point::points(&facts, span, &calendar);
            points.retain(|point| question.has(&facts, point));
            each(&facts, &points);
        }
        Err(why) => {
            if let Unread::Odd(row) = why {
                tracing::warn!(
                    "the evaluation cannot read row {row} of case {number}: written by a newer hub?"
                );
            }
            unread += 1;
        }
    };
    cases(app, span, (cut, way), &mut one).await?;
    Ok(unread)
}

/// All versions of the policy.
pub(super) async fn policies(app: &App) -> db::Result<HashMap<i64, Arc<Policy>>> {
    let tenant = app.tenant().as_str();
    app.policies.newest(&app.db, tenant, app.clock.now()).await?;
    let versions = policy::store::list(&app.db, tenant).await?;
    let mut all = HashMap::new();
    let mut tx = app.db.begin_read().await?;
    for row in versions {
        all.insert(row.version, app.policies.version_in(&mut tx, tenant, row.version).await?);
    }
    Ok(all)
}

/// Each case that could count in a span, as it was known at its end; one of which nothing was there yet is none.
async fn cases(
    app: &App,
    span: Span,
    (cut, way): (Cut, Way),
    each: &mut impl FnMut(&str, Result<Facts, Unread>),
) -> db::Result<()> {
    let tenant = app.tenant().as_str();
    let root = match cut {
        Cut::Now => None,
        Cut::Root(root) => Some(root),
    };
    let form = (way == Way::Kept).then_some(FORM);
    let mut after = String::new();
    loop {
        let page = store::cases(&app.db, tenant, (span, root), form, &after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.case_id);
        let mut behind = Vec::new();
        for case in page {
            // What cannot be read is as good as not kept.
            match case.gists.as_deref().and_then(Gists::read) {
                Some(gists) => {
                    if let Some(read) = gists.facts(&case.number, span.seen, case.last) {
                        each(&case.number, read);
                    }
                }
                None => behind.push((case.case_id, case.number)),
            }
        }
        for some in behind.chunks(HISTORIES) {
            histories(app, some, (span, root), each).await?;
        }
    }
}

/// The same from the histories of some cases.
async fn histories(
    app: &App,
    cases: &[(String, String)],
    (span, root): (Span, Option<i64>),
    each: &mut impl FnMut(&str, Result<Facts, Unread>),
) -> db::Result<()> {
    let mut open = Open::default();
    let mut take = |row: store::HistoryRow| {
        if open.case_id != row.case_id {
            std::mem::take(&mut open).hand_on(cases, each);
            open.case_id.clone_from(&row.case_id);
        }
        open.take(row, span);
    };
    let ids = cases.iter().map(|(id, _)| id.as_str()).collect();
    store::histories(&app.db, app.tenant().as_str(), ids, root, &mut take).await?;
    open.hand_on(cases, each);
    Ok(())
}

/// A case whose rows are being read.
#[derive(Default)]
struct Open {
    case_id: String,
    rows: Vec<Row>,
    over: bool,
}

impl Open {
    /// What comes after the end is not seen, nor what follows it, should a machine's clock have gone back.
    fn take(&mut self, row: store::HistoryRow, span: Span) {
        self.over |= row.at_ms >= span.seen.0;
        if !self.over {
            self.rows.push(Row::new(UtcMs(row.at_ms), row.action, &row.detail));
        }
    }

    /// A case of which nothing was there yet is none.
    fn hand_on(self, cases: &[(String, String)], each: &mut impl FnMut(&str, Result<Facts, Unread>)) {
        let known = cases.iter().find(|(id, _)| *id == self.case_id);
        if let (Some((_, number)), false) = (known, self.rows.is_empty()) {
            each(number, CaseFile::fold(number, self.rows).map(Facts::from));
        }
    }
}
