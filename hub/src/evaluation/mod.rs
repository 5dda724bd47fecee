//! 综合评价: what the cases come to, by unit, area, category and source, for any period; league tables; the monthly bulletin.
//!
//! Everything follows from the history of the cases: [`fold`] reads one, [`point`] says what it counts for, [`table`] adds up
//! and ranks; all of that is pure. Histories are long, so what each comes to is kept in short (`gist`, `keep`) and used while
//! the history has not gone on (`reading`), of several periods at once where they stand side by side (`sweep`, [`series`]);
//! what is published is made of the histories themselves. A table of a period sees the history up to the period's end and
//! nothing after it. A month is closed once ([`close`]): its tables are kept as they are published, with the signed root up
//! to which the history was read, and can be made again from it byte by byte. Every figure has the cases behind it.
//!
//! Who works on cases is not measured: no figure is of a person.

pub mod asked;
pub mod bulletin;
pub mod by;
mod canonical;
pub mod cli;
pub mod close;
pub mod export;
pub mod facts;
pub mod fold;
mod gist;
pub mod hours;
mod keep;
pub mod late;
pub mod measure;
pub mod names;
pub mod narrow;
pub mod period;
pub mod point;
mod reading;
pub mod roster;
pub mod scope;
pub mod score;
pub mod series;
pub mod store;
mod sweep;
pub mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use protocol::UtcMs;

pub use by::By;
pub use measure::{Measure, Shape};
pub use narrow::Narrow;
pub use period::Period;
pub use scope::Scope;
pub use table::Table;

use crate::app::App;
use crate::db;
use crate::organisation;
use crate::policy::Policy;
use facts::Facts;
use late::{Late, Why};
use point::{Point, Span};
use reading::{Cut, Way, read};
use roster::Entry;
use table::Tally;

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

    fn has(&self, facts: &Facts, point: &Point) -> bool {
        let area = facts.area.as_str();
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

/// Of a rate, above or below the line, or below it alone; of everything else there is only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Numerator,
    Denominator,
    /// Below the line and not above it: what was late.
    Missed,
}

impl Part {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Numerator => "numerator",
            Self::Denominator => "denominator",
            Self::Missed => "missed",
        }
    }
}

impl std::str::FromStr for Part {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" | "numerator" => Ok(Self::Numerator),
            "denominator" => Ok(Self::Denominator),
            "missed" => Ok(Self::Missed),
            other => Err(format!("{other:?} is neither numerator nor denominator nor missed")),
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
    for by in all {
        if let Some(found) = published(app, question, *by).await? {
            shown.insert(*by, found);
        }
    }
    let missing: Vec<By> = all.iter().copied().filter(|by| !shown.contains_key(by)).collect();
    if !missing.is_empty() {
        let (cut, policy, roster) = match closed {
            Some(closed) => (
                Cut::Root(closed.root),
                policy_of(app, Some(closed.policy_version)).await?,
                roster_of_closed(app, closed.roster).await?,
            ),
            None => (Cut::Now, policy_of(app, None).await?, Some(roster_of_now(app).await?)),
        };
        for table in
            count(app, question, &missing, (cut, Way::Kept), (policy.as_ref(), roster.as_deref())).await?
        {
            shown.insert(table.by, Shown { table, kept: None });
        }
    }
    Ok(all.iter().filter_map(|by| shown.get(by).cloned()).collect())
}

/// A table of a closed month as it was published; nothing of what nobody published.
async fn published(app: &App, question: &Question, by: By) -> Result<Option<Shown>, EvaluationError> {
    if !question.is_everything() {
        return Ok(None);
    }
    let (tenant, period) = (app.tenant().as_str(), question.period.to_string());
    let Some(row) = store::table(&app.db, tenant, &period, by.as_str()).await? else { return Ok(None) };
    let tampered = || EvaluationError::Tampered { period: period.clone(), kind: by.to_string() };
    if canonical::hash(&row.content) != row.hash {
        return Err(tampered());
    }
    let table = Table::read(&row.content).map_err(|_| tampered())?;
    let kept = Kept { made_at_ms: row.made_at_ms, root: row.root, hash: row.hash };
    Ok(Some(Shown { table, kept: Some(kept) }))
}

/// Up to where the history of a period is read.
async fn cut_of(app: &App, question: &Question) -> db::Result<Cut> {
    let closed = store::closed(&app.db, app.tenant().as_str(), &question.period.to_string()).await?;
    Ok(closed.map_or(Cut::Now, |closed| Cut::Root(closed.root)))
}

/// The cases behind a figure, by their number.
pub async fn items(app: &App, question: &Question, place: &Place) -> db::Result<Vec<Item>> {
    items_of(app, question, place, &Narrow::default()).await
}

/// Those behind a part of a figure.
pub async fn items_of(
    app: &App,
    question: &Question,
    place: &Place,
    narrow: &Narrow,
) -> db::Result<Vec<Item>> {
    let cut = cut_of(app, question).await?;
    items_by(app, question, (place, narrow), (cut, Way::Kept)).await
}

impl Place {
    /// Whether a point counts there.
    fn has(&self, facts: &Facts, point: &Point) -> bool {
        let part = match self.part {
            Part::Numerator => point.hit,
            Part::Denominator => true,
            Part::Missed => !point.hit,
        };
        point.measure == self.measure
            && part
            && self.key.as_ref().is_none_or(|key| *key == self.by.key(facts, point))
    }
}

/// What was late of a row: what its rate counts below the line and not above it, in groups.
pub async fn why(app: &App, question: &Question, by: By, key: &str, rate: Measure) -> db::Result<Why> {
    let place = Place { by, key: Some(key.to_owned()), measure: rate, part: Part::Missed };
    let (cut, seen) = (cut_of(app, question).await?, question.span.seen);
    let mut all: Vec<Late> = Vec::new();
    read(app, question, (cut, Way::Kept), |facts, points| {
        let own = points.iter().filter(|point| place.has(facts, point));
        all.extend(own.map(|point| Late::of(facts, point, seen)));
    })
    .await?;
    Ok(late::why(&all))
}

async fn items_by(
    app: &App,
    question: &Question,
    (place, narrow): (&Place, &Narrow),
    by: (Cut, Way),
) -> db::Result<Vec<Item>> {
    let mut items = Vec::new();
    read(app, question, by, |facts, points| {
        let own =
            points.iter().filter(|point| place.has(facts, point) && narrow.has(facts, point, &app.zone));
        items.extend(own.map(|point| Item {
            number: facts.number.clone(),
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

/// Who was there when a month was closed; nothing of months that were closed before rosters were kept.
async fn roster_of_closed(app: &App, last: i64) -> db::Result<Option<Vec<Entry>>> {
    if last == 0 {
        return Ok(None);
    }
    store::roster(&app.db, app.tenant().as_str(), last).await.map(Some)
}

/// Who was there, and is now, put on record yet or not.
async fn roster_of_now(app: &App) -> db::Result<Vec<Entry>> {
    let tenant = app.tenant().as_str();
    let mut roster = store::roster(&app.db, tenant, i64::MAX).await?;
    let units = organisation::store::units(&app.db, tenant).await?;
    let areas = organisation::store::areas(&app.db, tenant).await?;
    let news = roster::news(&roster, &roster::present(&units, &areas), app.clock.now());
    roster.extend(news);
    Ok(roster)
}

/// Makes tables in one reading. Without a roster they are those of before there was one.
async fn count(
    app: &App,
    question: &Question,
    all: &[By],
    by: (Cut, Way),
    (policy, roster): (&Policy, Option<&[Entry]>),
) -> db::Result<Vec<Table>> {
    let mut tallies: Vec<Tally> = all.iter().map(|by| Tally::new(*by)).collect();
    let unread = read(app, question, by, |facts, points| {
        tallies.iter_mut().for_each(|tally| tally.add(facts, points));
    })
    .await?;
    let (period, span) = (question.period.to_string(), question.span);
    let weights = (policy.version, &policy.evaluation);
    let finish = |tally: Tally| {
        let asked = (&question.scope, question.area.as_str());
        let there = roster.map(|roster| roster::there(roster, tally.by(), span, asked));
        tally.finish(&period, span, (unread, there), weights)
    };
    Ok(tallies.into_iter().map(finish).collect())
}
