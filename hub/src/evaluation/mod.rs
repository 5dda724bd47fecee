//! 综合评价: what the cases come to, by unit, area, category and source, for any period; league tables; the monthly bulletin.
//!
//! Everything follows from the history of the cases: [`fold`] reads one, [`point`] says what it counts for, [`table`] adds up
//! and ranks; all of that is pure. A table of a period sees the history up to the period's end and nothing after it. A
//! month is closed once ([`close`]): its tables are kept as they are published, with the signed root up to which the history
//! was read, and can be made again from it byte by byte. Every figure has the cases behind it.
//!
//! Who works on cases is not measured: no figure is of a person.

pub mod asked;
pub mod bulletin;
pub mod by;
mod canonical;
pub mod cli;
pub mod close;
pub mod export;
pub mod fold;
pub mod measure;
pub mod names;
pub mod period;
pub mod point;
pub mod scope;
pub mod score;
pub mod store;
pub mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use protocol::UtcMs;
use tokio::sync::Semaphore;

pub use by::By;
pub use measure::{Measure, Shape};
pub use period::Period;
pub use scope::Scope;
pub use table::Table;

use crate::app::App;
use crate::calendar::Calendar;
use crate::db;
use crate::policy::{self, Policy};
use fold::{CaseFile, Row, Unread};
use point::{Point, Span};
use table::Tally;

/// Each reads many histories; more at once wait.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Whose figures of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub period: Period,
    /// The period in time, and up to when the history is read.
    pub span: Span,
    /// What the asker may see.
    pub scope: Scope,
    /// Path of an area to which they are narrowed; nothing for none.
    pub area: String,
}

impl Question {
    pub fn new(app: &App, period: Period, scope: Scope, area: &str) -> Self {
        let span = period.span(&app.zone, app.clock.now());
        Self { period, span, scope, area: area.to_owned() }
    }

    /// The same of another period, seen at the same time.
    fn of(&self, app: &App, period: Period) -> Self {
        Self::new(app, period, self.scope.clone(), &self.area)
    }

    fn has(&self, file: &CaseFile, point: &Point) -> bool {
        let area = file.ledger.subject.area.as_str();
        area.starts_with(&self.area) && self.scope.has(area, point.unit.as_deref())
    }

    fn is_everything(&self) -> bool {
        self.area.is_empty() && self.scope.is_everything()
    }
}

/// Where a figure of a table stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub by: By,
    /// Nothing: the total.
    pub key: Option<String>,
    pub measure: Measure,
    pub part: Part,
}

/// Of a rate, above or below the line; of everything else there is only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Numerator,
    Denominator,
}

impl Part {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Numerator => "numerator",
            Self::Denominator => "denominator",
        }
    }
}

impl std::str::FromStr for Part {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" | "numerator" => Ok(Self::Numerator),
            "denominator" => Ok(Self::Denominator),
            other => Err(format!("{other:?} is neither numerator nor denominator")),
        }
    }
}

/// A case behind a figure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    pub number: String,
    pub at: UtcMs,
    pub unit: Option<String>,
}

/// Up to where the history is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// As far as it has come.
    Now,
    /// As far as it had come by this signed root.
    Root(i64),
}

/// A table as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub table: Table,
    /// Of a month that is closed, as far as the table is of everything.
    pub kept: Option<Kept>,
}

/// What vouches for a table of a closed month.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Kept {
    pub made_at_ms: i64,
    pub root: i64,
    /// SHA-256 of the table's one text, in hexadecimal.
    pub hash: String,
}

#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// A table that is kept is not what was kept.
    #[error(
        "the table {kind} of {period} is not as it was published; `hub evaluate rebuild {period}` says where"
    )]
    Tampered { period: String, kind: String },
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Tables of one period, in the order in which they are asked for. Of a closed month those that were published; what
/// nobody published (a part of everything, a grouping) is made from the same stretch of history.
pub async fn tables(app: &App, question: &Question, all: &[By]) -> Result<Vec<Shown>, EvaluationError> {
    let (tenant, period) = (app.tenant().as_str(), question.period.to_string());
    let closed = store::closed(&app.db, tenant, &period).await?;
    let mut shown: HashMap<By, Shown> = HashMap::new();
    if question.is_everything() {
        for by in all {
            let Some(row) = store::table(&app.db, tenant, &period, by.as_str()).await? else { continue };
            let tampered = || EvaluationError::Tampered { period: period.clone(), kind: by.to_string() };
            if canonical::hash(&row.content) != row.hash {
                return Err(tampered());
            }
            let table = Table::read(&row.content).map_err(|_| tampered())?;
            let kept = Kept { made_at_ms: row.made_at_ms, root: row.root, hash: row.hash };
            shown.insert(*by, Shown { table, kept: Some(kept) });
        }
    }
    let missing: Vec<By> = all.iter().copied().filter(|by| !shown.contains_key(by)).collect();
    if !missing.is_empty() {
        let (cut, policy) = match closed {
            Some((root, version)) => (Cut::Root(root), policy_of(app, Some(version)).await?),
            None => (Cut::Now, policy_of(app, None).await?),
        };
        for table in count(app, question, &missing, cut, &policy).await? {
            shown.insert(table.by, Shown { table, kept: None });
        }
    }
    Ok(all.iter().filter_map(|by| shown.get(by).cloned()).collect())
}

/// The cases behind a figure, by their number.
pub async fn items(app: &App, question: &Question, place: &Place) -> db::Result<Vec<Item>> {
    let closed = store::closed(&app.db, app.tenant().as_str(), &question.period.to_string()).await?;
    let cut = closed.map_or(Cut::Now, |(root, _)| Cut::Root(root));
    let mut items = Vec::new();
    read(app, question, cut, |file, points| {
        let own = points.iter().filter(|point| {
            point.measure == place.measure
                && (point.hit || place.part == Part::Denominator)
                && place.key.as_ref().is_none_or(|key| *key == place.by.key(file, point))
        });
        items.extend(own.map(|point| Item {
            number: file.number.clone(),
            at: point.at,
            unit: point.unit.clone(),
        }));
    })
    .await?;
    // Numbers of one day: `-999` comes before `-1000`.
    items.sort_by(|a, b| (a.number.len(), a).cmp(&(b.number.len(), b)));
    Ok(items)
}

/// The policy in force, or a version of it.
async fn policy_of(app: &App, version: Option<i64>) -> db::Result<Arc<Policy>> {
    let tenant = app.tenant().as_str();
    match version {
        None => app.policies.newest(&app.db, tenant, app.clock.now()).await,
        Some(version) => {
            let mut tx = app.db.begin_read().await?;
            app.policies.version_in(&mut tx, tenant, version).await
        }
    }
}

/// Makes tables in one reading.
async fn count(
    app: &App,
    question: &Question,
    all: &[By],
    cut: Cut,
    policy: &Policy,
) -> db::Result<Vec<Table>> {
    let mut tallies: Vec<Tally> = all.iter().map(|by| Tally::new(*by)).collect();
    let unread = read(app, question, cut, |file, points| {
        tallies.iter_mut().for_each(|tally| tally.add(file, points));
    })
    .await?;
    let (period, span) = (question.period.to_string(), question.span);
    let weights = (policy.version, &policy.evaluation);
    Ok(tallies.into_iter().map(|tally| tally.finish(&period, span, unread, weights)).collect())
}

/// Reads the histories in bounded pages and hands on each case with what it counts for; returns how many said nothing.
async fn read(
    app: &App,
    question: &Question,
    cut: Cut,
    mut each: impl FnMut(&CaseFile, &[Point]),
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
    let mut one = |number: &str, rows: Vec<Row>| match CaseFile::fold(number, rows) {
        // Drills go the whole way and count nowhere.
        Ok(file) if file.ledger.subject.drill => {}
        Ok(file) => {
            let mut points = point::points(&file, span, &calendar);
            points.retain(|point| question.has(&file, point));
            each(&file, &points);
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
    histories(app, span, cut, &mut one).await?;
    Ok(unread)
}

/// All versions of the policy.
async fn policies(app: &App) -> db::Result<HashMap<i64, Arc<Policy>>> {
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

/// Rows of each case that could count in a span, up to its end, case by case.
async fn histories(app: &App, span: Span, cut: Cut, each: &mut impl FnMut(&str, Vec<Row>)) -> db::Result<()> {
    let tenant = app.tenant().as_str();
    let root = match cut {
        Cut::Now => None,
        Cut::Root(root) => Some(root),
    };
    let mut after = String::new();
    loop {
        let cases = store::cases(&app.db, tenant, span, &after).await?;
        let Some(last) = cases.last() else { return Ok(()) };
        after.clone_from(&last.case_id);
        let mut open = Open::default();
        let mut take = |row: store::HistoryRow| {
            if open.case_id != row.case_id {
                std::mem::take(&mut open).hand_on(&cases, each);
                open.case_id.clone_from(&row.case_id);
            }
            open.take(row, span);
        };
        store::histories(&app.db, tenant, &cases, root, &mut take).await?;
        open.hand_on(&cases, each);
    }
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
    fn hand_on(self, cases: &[store::CaseRow], each: &mut impl FnMut(&str, Vec<Row>)) {
        let known = cases.iter().find(|case| case.case_id == self.case_id);
        if let (Some(case), false) = (known, self.rows.is_empty()) {
            each(&case.number, self.rows);
        }
    }
}
