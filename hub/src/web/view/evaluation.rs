//! What the cases come to.

use askama::Template;

use super::{FilterChoice, Nav, OverviewView, Shell, Theme};
use crate::web::moment::Moment;

/// One figure, and the cases behind it.
#[derive(Clone, Debug, Default)]
pub struct FigureView {
    pub text: String,
    /// Nothing where nothing counts.
    pub url: Option<String>,
    /// Of a rate: both its parts.
    pub parts: Option<PartsView>,
}

impl FigureView {
    /// Both parts of a rate, where the figure stands alone.
    pub fn hint(&self) -> String {
        self.parts.as_ref().map_or(String::new(), |parts| format!("{}/{}", parts.n, parts.d))
    }
}

#[derive(Clone, Debug)]
pub struct PartsView {
    pub n: i64,
    /// Nothing where nothing is above the line.
    pub n_url: Option<String>,
    pub d: i64,
    pub d_url: String,
}

#[derive(Clone, Debug)]
pub struct FigureRowView {
    pub rank: String,
    pub name: String,
    pub score: String,
    /// The first of those that stand below the line.
    pub line: bool,
    pub figures: Vec<FigureView>,
}

/// A column: what it is called, and whether it has a share's parts.
#[derive(Clone, Debug)]
pub struct MeasureView {
    pub name: &'static str,
    /// `%`, hours, or nothing.
    pub unit: &'static str,
}

/// What vouches for a table of a closed month.
#[derive(Clone, Debug)]
pub struct KeptView {
    pub made: Moment,
    pub hash: String,
    pub hash_short: String,
    /// Number of the signed root up to which the history was read.
    pub root: i64,
}

/// That root itself.
#[derive(Clone, Debug)]
pub struct SignedRootView {
    pub made: Moment,
    pub hash: String,
    pub signer: String,
    pub signature: String,
}

#[derive(Clone, Debug)]
pub struct AreaChoice {
    pub id: String,
    pub name: String,
    pub on: bool,
}

/// The pages of the evaluation, of the same period and area.
#[derive(Clone, Debug)]
pub struct EvaluationTabs {
    pub league: String,
    pub density: String,
    pub trends: String,
    /// Of a month.
    pub bulletin: Option<String>,
    /// `league`, `density`, `trends` or `bulletin`.
    pub here: &'static str,
}

#[derive(Template)]
#[template(path = "evaluation.html")]
pub struct EvaluationPage<'a> {
    pub shell: &'a Shell,
    pub tabs: EvaluationTabs,
    pub period: String,
    pub by: &'static str,
    pub level: &'static str,
    /// What its rows are.
    pub by_word: &'static str,
    pub groups: Vec<FilterChoice>,
    pub periods: Vec<FilterChoice>,
    /// The overview, or every measure.
    pub details: Vec<FilterChoice>,
    pub areas: Vec<AreaChoice>,
    pub kept: Option<KeptView>,
    pub seen: Moment,
    pub cases: i64,
    pub unread: i64,
    pub ranked: bool,
    pub least: u32,
    /// What the score is made of.
    pub weights: String,
    pub policy: i64,
    /// Nothing where every measure is shown.
    pub overview: Option<OverviewView>,
    pub measures: Vec<MeasureView>,
    pub rows: Vec<FigureRowView>,
    pub total: Vec<FigureView>,
    /// The same as files.
    pub csv: String,
    pub xlsx: String,
}

#[derive(Clone, Debug)]
pub struct BehindView {
    pub number: String,
    pub title: String,
    pub at: Moment,
    pub unit: String,
    pub state: String,
    pub area: String,
    pub category: String,
}

#[derive(Template)]
#[template(path = "evaluation_cases.html")]
pub struct EvaluationCasesPage<'a> {
    pub shell: &'a Shell,
    /// The figure: measure, row and period.
    pub measure: &'static str,
    pub row: String,
    pub period: String,
    /// Of a rate: above or below the line.
    pub part: &'static str,
    /// Of a part of the figure: which.
    pub narrow: Vec<String>,
    pub count: usize,
    pub hidden: usize,
    pub rows: Vec<BehindView>,
    pub back: String,
    pub next: Option<String>,
    pub csv: String,
    pub xlsx: String,
}

/// A measure, now and then.
#[derive(Clone, Debug)]
pub struct LineView {
    pub name: &'static str,
    pub now: FigureView,
    pub before: String,
    pub change: String,
    pub a_year_ago: String,
    pub year_change: String,
}

#[derive(Clone, Debug)]
pub struct LeagueView {
    pub name: String,
    pub ranked: usize,
    pub unranked: usize,
    /// Place, name, score.
    pub best: Vec<(String, String, String)>,
    pub worst: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "bulletin.html")]
pub struct BulletinPage<'a> {
    pub shell: &'a Shell,
    pub tabs: EvaluationTabs,
    pub month: String,
    /// In words.
    pub month_words: String,
    pub kept: Option<KeptView>,
    pub root: Option<SignedRootView>,
    pub cases: i64,
    pub unread: i64,
    /// What the figures say.
    pub words: Vec<String>,
    pub lines: Vec<LineView>,
    pub leagues: Vec<LeagueView>,
    pub overdue: Vec<BehindView>,
    pub overdue_count: i64,
    pub overdue_url: String,
    /// Name, how many were filed.
    pub categories: Vec<(String, FigureView)>,
    pub before: Option<String>,
    pub after: Option<String>,
    pub csv: String,
    pub xlsx: String,
}
