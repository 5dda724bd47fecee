//! A table: rows of figures, ranked, with a total. Pure.
//!
//! A row is there because something counts in it, or because a unit or an area was there in the period ([`super::roster`]);
//! names are found when it is shown. So a table follows from the points of the cases, who was there and the policy's weights
//! alone, and has one text ([`Table::text`]).

use std::collections::{BTreeMap, BTreeSet};

use protocol::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::by::{By, NONE};
use super::canonical;
use super::facts::Facts;
use super::measure::{Measure, Shape};
use super::point::{Point, Span};
use super::score::{WHOLE, Weights};

/// Form of the text: with a row of whoever was there. The older one has rows only of what counts, as months were closed
/// before rosters were kept.
const FORM: i64 = 2;
const WITHOUT_ROSTER: i64 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    form: i64,
    #[serde(with = "word")]
    pub by: By,
    /// [`super::period::Period`]
    pub period: String,
    pub from: UtcMs,
    pub to: UtcMs,
    /// Up to when the history was read.
    pub seen: UtcMs,
    /// Version whose weights these are.
    pub policy: i64,
    /// Percent by measure; none where nobody is ranked.
    pub weights: BTreeMap<String, u32>,
    pub least: u32,
    pub penalty: u32,
    /// That count for anything.
    pub cases: i64,
    /// Whose history did not say what they were.
    pub unread: i64,
    /// The best first, then those that are not ranked, then those of which nothing counts; what has no unit, area or category
    /// last.
    pub rows: Vec<TableRow>,
    /// Of all rows together.
    pub total: Figures,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRow {
    pub key: String,
    /// Nothing below the line: too few cases.
    pub rank: Option<i64>,
    /// In hundredths of a percent.
    pub score: Option<i64>,
    pub figures: Figures,
}

/// By measure; what is not there is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "BTreeMap<String, Figure>", try_from = "BTreeMap<String, Figure>")]
pub struct Figures(BTreeMap<Measure, Figure>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// How many; of a rate those above the line; of a length how many it is the average of.
    pub n: i64,
    /// Of a rate those below the line.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub d: i64,
    /// Of a length, all together.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub working_min: i64,
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub natural_min: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_nothing(number: &i64) -> bool {
    *number == 0
}

impl Figure {
    /// In hundredths of a percent, rounded half up; of nothing there is no rate.
    pub fn rate(self) -> Option<i64> {
        (self.d > 0).then(|| (self.n * WHOLE + self.d / 2) / self.d)
    }

    /// The averages of a length, in minutes, rounded half up: working time and natural time.
    pub fn average(self) -> Option<(i64, i64)> {
        let mean = |sum: i64| (sum + self.n / 2) / self.n;
        (self.n > 0).then(|| (mean(self.working_min), mean(self.natural_min)))
    }

    fn add(&mut self, point: &Point) {
        self.n += i64::from(point.hit);
        if point.measure.shape() == Shape::Rate {
            self.d += 1;
        }
        self.working_min += point.worth.working_min;
        self.natural_min += point.worth.natural_min;
    }
}

impl Figures {
    pub fn get(&self, measure: Measure) -> Figure {
        self.0.get(&measure).copied().unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn set(&mut self, measure: Measure, figure: Figure) {
        self.0.insert(measure, figure);
    }

    /// Whether nothing counts.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, point: &Point) {
        self.0.entry(point.measure).or_default().add(point);
    }
}

impl From<Figures> for BTreeMap<String, Figure> {
    fn from(figures: Figures) -> Self {
        figures.0.into_iter().map(|(measure, figure)| (measure.as_str().to_owned(), figure)).collect()
    }
}

impl TryFrom<BTreeMap<String, Figure>> for Figures {
    type Error = String;
    fn try_from(kept: BTreeMap<String, Figure>) -> Result<Self, String> {
        kept.into_iter().map(|(word, figure)| Ok((word.parse()?, figure))).collect::<Result<_, _>>().map(Self)
    }
}

/// A grouping by its word.
mod word {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::By;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
    pub(super) fn serialize<S: Serializer>(by: &By, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(by.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<By, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A table while cases are counted into it.
#[derive(Clone, Debug)]
pub struct Tally {
    by: By,
    rows: BTreeMap<String, Figures>,
    total: Figures,
    cases: i64,
}

impl Tally {
    pub fn new(by: By) -> Self {
        Self { by, rows: BTreeMap::new(), total: Figures::default(), cases: 0 }
    }

    pub fn by(&self) -> By {
        self.by
    }

    pub fn add(&mut self, facts: &Facts, points: &[Point]) {
        self.cases += i64::from(!points.is_empty());
        for point in points {
            self.total.add(point);
            let key = self.by.key(facts, point);
            match self.rows.get_mut(key.as_ref()) {
                Some(row) => row.add(point),
                None => self.rows.entry(key.into_owned()).or_default().add(point),
            }
        }
    }

    /// Ranks the rows. `there`: keys of rows that are in it though nothing counts in them; without it the table is one of
    /// before rosters were kept.
    pub fn finish(
        mut self,
        period: &str,
        span: Span,
        (unread, there): (i64, Option<BTreeSet<String>>),
        (policy, weights): (i64, &Weights),
    ) -> Table {
        let by = self.by;
        let form = if there.is_some() { FORM } else { WITHOUT_ROSTER };
        for key in there.into_iter().flatten() {
            self.rows.entry(key).or_default();
        }
        let least = i64::from(weights.least);
        let mut rows: Vec<TableRow> = self
            .rows
            .into_iter()
            .map(|(key, figures)| {
                let counts = key != NONE && Weights::behind(by, &figures) >= least;
                let score = weights.score(by, &figures).filter(|_| key != NONE);
                // Put in order below; of the row below the line nothing.
                let rank = score.filter(|_| counts).map(|_| 0);
                TableRow { key, rank, score, figures }
            })
            .collect();
        // Equal scores: more cases first, then the key. Keys are unique, so there is one order.
        rows.sort_by_cached_key(|row| {
            let behind = Weights::behind(by, &row.figures);
            let best = row.rank.and(row.score).unwrap_or(-1);
            (
                row.rank.is_none(),
                row.key == NONE,
                row.figures.is_empty(),
                -best,
                if row.rank.is_some() { -behind } else { 0 },
                row.key.clone(),
            )
        });
        let mut before: Option<(i64, i64)> = None;
        for (row, place) in rows.iter_mut().zip(1..) {
            let Some(score) = row.score.filter(|_| row.rank.is_some()) else { break };
            // Who has the same score has the same place.
            let rank = before.filter(|(same, _)| *same == score).map_or(place, |(_, rank)| rank);
            row.rank = Some(rank);
            before = Some((score, rank));
        }
        Table {
            form,
            by,
            period: period.to_owned(),
            from: span.from,
            to: span.to,
            seen: span.seen,
            policy,
            weights: weights.of(by).clone(),
            least: weights.least,
            penalty: weights.penalty,
            cases: self.cases,
            unread,
            rows,
            total: self.total,
        }
    }
}

impl Table {
    /// Its one text.
    pub fn text(&self) -> String {
        canonical::text(&json!(self))
    }

    /// An error says what of it this hub cannot read.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    pub fn row(&self, key: &str) -> Option<&TableRow> {
        self.rows.iter().find(|row| row.key == key)
    }

    /// The first place at which two differ, in words; nothing when they are alike.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self == other {
            return None;
        }
        for (at, row) in self.rows.iter().enumerate() {
            match other.rows.get(at) {
                Some(there) if there == row => {}
                Some(there) if there.key == row.key => {
                    let differs =
                        |measure: &&Measure| there.figures.get(**measure) != row.figures.get(**measure);
                    let what = Measure::ALL.iter().find(differs).map_or("rank or score", |one| one.as_str());
                    return Some(format!("row {} ({:?}): {what}", at + 1, row.key));
                }
                Some(there) => {
                    return Some(format!(
                        "row {}: {:?} stands there, and {:?} here",
                        at + 1,
                        row.key,
                        there.key
                    ));
                }
                None => return Some(format!("row {} ({:?}) is missing", at + 1, row.key)),
            }
        }
        if let Some(more) = other.rows.get(self.rows.len()) {
            return Some(format!("row {} ({:?}) is one more", self.rows.len() + 1, more.key));
        }
        Some(if self.total == other.total { "the head of the table" } else { "the total" }.to_owned())
    }
}
