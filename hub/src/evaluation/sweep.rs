//! Several periods in one reading: each case is read once and folded as far as each period lets it be seen.
//!
//! What comes out of a period is what [`super::reading`] would read of it alone, refusals included (`tests/series.rs`): a
//! case is looked at where that reading would choose it, cut at the same moment and at the same signed root.

use std::collections::HashMap;

use protocol::UtcMs;

use super::Question;
use super::facts::Facts;
use super::fold::{CaseFile, Row, Unread};
use super::gist::{FORM, Gists};
use super::point::{self, Point, Span};
use super::reading::{Cut, HISTORIES, TURNS, policies};
use super::store::{self, HistoryRow, SweptCase};
use crate::app::App;
use crate::calendar::Calendar;
use crate::db;

/// A period, and up to where its history is read.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) question: Question,
    pub(super) cut: Cut,
}

/// Position of the last row that a root covers, by case and root.
type Heads = HashMap<String, Vec<(i64, i64)>>;

/// Hands on each case with what it counts for in each period, by the period's place; returns how many histories said
/// nothing, by period.
pub(super) async fn sweep(
    app: &App,
    looks: &[Look],
    mut each: impl FnMut(usize, &Facts, &[Point]),
) -> db::Result<Vec<i64>> {
    let _turn = TURNS.acquire().await.map_err(|_| db::Error::PoolClosed)?;
    let tenant = app.tenant().as_str();
    let mut unread = vec![0; looks.len()];
    let Some(whole) = whole(looks) else { return Ok(unread) };
    let policies = policies(app).await?;
    let calendar =
        |version: i64| -> Option<&Calendar> { policies.get(&version).map(|policy| &policy.calendar) };
    // Of what no hub of this age can read there is nothing, as a rule.
    if store::unreadable(&app.db, tenant, whole).await? > 0 {
        for (count, look) in unread.iter_mut().zip(looks).filter(|(_, look)| look.has_begun()) {
            *count = store::unreadable(&app.db, tenant, look.question.span).await?;
        }
    }
    let mut take = |at: usize, number: &str, read: Result<Facts, Unread>| match read {
        // Drills go the whole way and count nowhere.
        Ok(facts) if facts.drill => {}
        Ok(facts) => {
            let question = &looks[at].question;
            let mut points = point::points(&facts, question.span, &calendar);
            points.retain(|point| question.has(&facts, point));
            each(at, &facts, &points);
        }
        Err(why) => {
            if let Unread::Odd(row) = why {
                tracing::warn!(
                    "the evaluation cannot read row {row} of case {number}: written by a newer hub?"
                );
            }
            unread[at] += 1;
        }
    };
    let mut after = String::new();
    loop {
        let page = store::swept(&app.db, tenant, whole, FORM, &after).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.case_id);
        let heads = heads(app, &page, looks).await?;
        let mut behind = Vec::new();
        for case in page {
            // What cannot be read is as good as not kept.
            match case.gists.as_deref().and_then(Gists::read) {
                Some(gists) => {
                    let known = |span: Span, last: i64| gists.clone().facts(&case.number, span.seen, last);
                    by_period(looks, &case, &heads, known, &mut take);
                }
                None => behind.push(case),
            }
        }
        for some in behind.chunks(HISTORIES) {
            histories(app, looks, some, &heads, &mut take).await?;
        }
    }
    Ok(unread)
}

impl Look {
    /// Of what has not begun nothing is known.
    fn has_begun(&self) -> bool {
        self.question.span.seen > self.question.span.from
    }

    /// Position of the last row of a case that is seen.
    fn last(&self, case_id: &str, heads: &Heads) -> i64 {
        match self.cut {
            Cut::Now => i64::MAX,
            Cut::Root(root) => {
                let own = heads.get(case_id).map_or(&[][..], Vec::as_slice);
                own.iter().filter(|(of, _)| *of <= root).map(|(_, position)| *position).max().unwrap_or(0)
            }
        }
    }
}

/// From the first period's beginning to where the last one is seen; nothing where none has begun.
fn whole(looks: &[Look]) -> Option<Span> {
    let begun = looks.iter().filter(|look| look.has_begun()).map(|look| look.question.span);
    begun.reduce(|a, b| Span { from: a.from.min(b.from), to: a.to.max(b.to), seen: a.seen.max(b.seen) })
}

/// One case, folded by period. `known`: what was known of it before a period's end, from the rows up to a position.
fn by_period(
    looks: &[Look],
    case: &SweptCase,
    heads: &Heads,
    known: impl Fn(Span, i64) -> Option<Result<Facts, Unread>>,
    take: &mut impl FnMut(usize, &str, Result<Facts, Unread>),
) {
    for (at, look) in looks.iter().enumerate() {
        let span = look.question.span;
        if !look.has_begun() || !case.could_count(span) {
            continue;
        }
        if let Some(read) = known(span, look.last(&case.case_id, heads)) {
            take(at, &case.number, read);
        }
    }
}

async fn heads(app: &App, page: &[SweptCase], looks: &[Look]) -> db::Result<Heads> {
    let roots = looks.iter().filter_map(|look| match look.cut {
        Cut::Now => None,
        Cut::Root(root) => Some(root),
    });
    let mut all = Heads::new();
    let Some(newest) = roots.max() else { return Ok(all) };
    let ids = page.iter().map(|case| case.case_id.as_str()).collect();
    for row in store::heads(&app.db, app.tenant().as_str(), ids, newest).await? {
        all.entry(row.case_id).or_default().push((row.root, row.position));
    }
    Ok(all)
}

/// Cases of which nothing is kept as they are now, from their histories.
async fn histories(
    app: &App,
    looks: &[Look],
    cases: &[SweptCase],
    heads: &Heads,
    take: &mut impl FnMut(usize, &str, Result<Facts, Unread>),
) -> db::Result<()> {
    let mut open = Open { cases, heads, looks, case_id: String::new(), rows: Vec::new() };
    let mut one = |row: HistoryRow| {
        if open.case_id != row.case_id {
            open.hand_on(take);
            open.case_id.clone_from(&row.case_id);
        }
        open.rows.push((row.position, Row::new(UtcMs(row.at_ms), row.action, &row.detail)));
    };
    let ids = cases.iter().map(|case| case.case_id.as_str()).collect();
    store::histories(&app.db, app.tenant().as_str(), ids, None, &mut one).await?;
    open.hand_on(take);
    Ok(())
}

/// A case whose rows are being read.
struct Open<'a> {
    cases: &'a [SweptCase],
    heads: &'a Heads,
    looks: &'a [Look],
    case_id: String,
    rows: Vec<(i64, Row)>,
}

impl Open<'_> {
    fn hand_on(&mut self, take: &mut impl FnMut(usize, &str, Result<Facts, Unread>)) {
        let rows = std::mem::take(&mut self.rows);
        let Some(case) = self.cases.iter().find(|case| case.case_id == self.case_id) else { return };
        let known = |span: Span, last: i64| {
            let seen = rows.iter().take_while(|(position, row)| *position <= last && row.at < span.seen);
            let own: Vec<Row> = seen.map(|(_, row)| row.clone()).collect();
            // A case of which nothing was there yet is none.
            (!own.is_empty()).then(|| CaseFile::fold(&case.number, own).map(Facts::from))
        };
        by_period(self.looks, case, self.heads, known, take);
    }
}
