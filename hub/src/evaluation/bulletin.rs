//! 通报: a month's figures beside those of the month before and of a year ago, the best and the worst of each group, what is
//! overdue, and what it was mostly about.

use super::by::NONE;
use super::table::{Figure, TableRow};
use super::{By, EvaluationError, Item, Kept, Measure, Part, Place, Question, Shown, items, tables};
use crate::app::App;
use crate::organisation::Level;

/// Of each group, from the top and from the bottom.
pub const BEST: usize = 3;

/// Overdue ones that are listed, the longest first.
pub const MOST_OVERDUE: usize = 100;

/// Categories that are listed, the most frequent first.
pub const MOST_CATEGORIES: usize = 10;

/// Groups that compete.
pub const LEAGUES: [By; 3] = [By::Unit, By::Area(Level::Town), By::Area(Level::Community)];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulletin {
    /// `2026-10`
    pub month: String,
    /// Of a month that is closed.
    pub kept: Option<Kept>,
    /// Cases that count for anything, and those whose history did not say what they were.
    pub cases: i64,
    pub unread: i64,
    /// Every measure, in its order.
    pub lines: Vec<Line>,
    pub leagues: Vec<League>,
    /// The longest overdue first, and how many there are.
    pub overdue: Vec<Item>,
    pub overdue_count: i64,
    /// By 立案数.
    pub categories: Vec<TableRow>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub measure: Measure,
    pub now: Figure,
    pub before: Figure,
    pub a_year_ago: Figure,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct League {
    pub by: By,
    /// Rows with a place, and without.
    pub ranked: usize,
    pub unranked: usize,
    pub best: Vec<TableRow>,
    /// The last first; none of the best is among them.
    pub worst: Vec<TableRow>,
}

/// The bulletin of the month in `question`.
pub async fn bulletin(app: &App, question: &Question) -> Result<Bulletin, EvaluationError> {
    let all = [LEAGUES[0], LEAGUES[1], LEAGUES[2], By::Category];
    let shown = tables(app, question, &all).await?;
    let total = |measure: Measure, of: Option<&Shown>| {
        of.map_or(Figure::default(), |shown| shown.table.total.get(measure))
    };
    let (mut before, mut a_year_ago) = (None, None);
    for (then, period) in
        [(&mut before, question.period.before()), (&mut a_year_ago, question.period.a_year_ago())]
    {
        if let Some(period) = period {
            // Totals are the same in every table.
            *then = tables(app, &question.of(app, period), &[By::Source]).await?.pop();
        }
    }
    let first = shown.first();
    let lines = Measure::ALL.iter().map(|measure| Line {
        measure: *measure,
        now: total(*measure, first),
        before: total(*measure, before.as_ref()),
        a_year_ago: total(*measure, a_year_ago.as_ref()),
    });
    let measure = Measure::UnhandledLate;
    let place = Place { by: By::Unit, key: None, measure, part: Part::Numerator };
    let mut overdue = items(app, question, &place).await?;
    overdue.sort_by(|a, b| (a.at, a).cmp(&(b.at, b)));
    overdue.truncate(MOST_OVERDUE);
    let filed = |row: &TableRow| row.figures.get(Measure::Filed).n;
    let mut categories: Vec<TableRow> =
        shown.last().map(|shown| shown.table.rows.clone()).unwrap_or_default();
    categories.retain(|row| row.key != NONE && filed(row) > 0);
    categories.sort_by(|a, b| filed(b).cmp(&filed(a)).then_with(|| a.key.cmp(&b.key)));
    categories.truncate(MOST_CATEGORIES);
    Ok(Bulletin {
        month: question.period.to_string(),
        kept: first.and_then(|shown| shown.kept.clone()),
        cases: first.map_or(0, |shown| shown.table.cases),
        unread: first.map_or(0, |shown| shown.table.unread),
        lines: lines.collect(),
        leagues: shown.iter().filter(|shown| shown.table.by.is_ranked()).map(league).collect(),
        overdue,
        overdue_count: total(measure, first).n,
        categories,
    })
}

fn league(shown: &Shown) -> League {
    let rows = &shown.table.rows;
    let ranked: Vec<&TableRow> = rows.iter().filter(|row| row.rank.is_some()).collect();
    let best: Vec<TableRow> = ranked.iter().take(BEST).map(|row| (*row).clone()).collect();
    let worst = ranked.iter().skip(best.len()).rev().take(BEST).map(|row| (*row).clone());
    League {
        by: shown.table.by,
        ranked: ranked.len(),
        unranked: rows.len() - ranked.len(),
        worst: worst.collect(),
        best,
    }
}
