//! The dispatcher's queue, the case that is picked in it, requests to decide, and what came of a move of many.

use askama::Template;

use super::{DueView, HistoryView, Nav, OptionView, Sev, Shell, StateWord, Theme};
use crate::web::moment::Moment;

/// One part of the queue in its list.
#[derive(Clone, Debug)]
pub struct QueuePart {
    pub word: &'static str,
    pub url: String,
    /// `12`, `500+`
    pub count: String,
    pub is_on: bool,
    /// Waits for whoever looks; others are only watched over.
    pub is_own: bool,
}

/// A view that somebody has saved under a name.
#[derive(Clone, Debug)]
pub struct QueueView {
    pub name: String,
    pub url: String,
    pub is_on: bool,
}

/// A unit that is suggested.
#[derive(Clone, Debug)]
pub struct SuggestedUnit {
    /// The digit that takes it.
    pub key: usize,
    pub id: String,
    pub name: String,
    pub why: String,
}

#[derive(Clone, Debug)]
pub struct QueueRow {
    pub number: String,
    /// Of its history, as it is shown.
    pub position: i64,
    pub title: String,
    pub sev: Sev,
    pub state: StateWord,
    /// What is missing, who has it, which card lies on it.
    pub note: String,
    pub areas: Vec<String>,
    pub place: String,
    pub source: &'static str,
    pub drill: bool,
    pub due: Option<DueView>,
    pub units: Vec<SuggestedUnit>,
    /// What it is likely to be filed under, and why.
    pub category: Option<(String, String)>,
    /// The form of what comes next, on its own page.
    pub next_url: String,
    /// Where this page shows it beside the list.
    pub pick_url: String,
    pub may_dispatch: bool,
    pub is_current: bool,
    pub is_checked: bool,
}

impl QueueRow {
    /// As a form of many names it.
    pub fn at(&self) -> String {
        format!("{}@{}", self.number, self.position)
    }
}

/// Rows of one stretch of time.
#[derive(Clone, Debug)]
pub struct QueueBand {
    pub word: &'static str,
    pub rows: Vec<QueueRow>,
}

/// A unit to which the picked case may go.
#[derive(Clone, Debug)]
pub struct PickCard {
    pub key: usize,
    pub id: String,
    pub name: String,
    pub why: String,
    pub opened: i64,
    pub opened_url: String,
    pub late: i64,
    pub late_url: String,
    pub is_on: bool,
}

/// The case that is picked.
#[derive(Clone, Debug)]
pub struct PickView {
    pub number: String,
    pub position: i64,
    pub title: String,
    pub sev: Sev,
    pub state: StateWord,
    pub place: String,
    /// Why it cannot be dispatched by whoever looks, where it cannot.
    pub why_not: Option<String>,
    pub cards: Vec<PickCard>,
    /// Units that are not suggested.
    pub others: Vec<OptionView>,
    pub co: Vec<OptionView>,
    /// When it would be due.
    pub limits: String,
    /// Where the form leads back to.
    pub back: String,
    pub next_url: String,
    /// Voiding and joining, where the case still can.
    pub may_turn_away: bool,
}

/// What was dispatched a moment ago.
#[derive(Clone, Debug)]
pub struct WithdrawView {
    pub number: String,
    pub position: i64,
    pub unit: String,
    /// Nobody has accepted it.
    pub is_open: bool,
    pub back: String,
}

/// A request to decide.
#[derive(Clone, Debug)]
pub struct AskedCard {
    pub number: String,
    pub position: i64,
    pub title: String,
    pub sev: Sev,
    pub state: StateWord,
    pub due: Option<DueView>,
    pub request: String,
    pub what: &'static str,
    /// How much longer, until when, which category.
    pub wish: String,
    pub unit: String,
    pub by: String,
    pub at: Moment,
    pub reason: String,
    pub endorsed_by: Option<String>,
    /// The limit as it is, and as it would be.
    pub now: String,
    pub then: String,
    /// Why it cannot be granted yet.
    pub not_yet: Option<String>,
    pub is_current: bool,
}

/// The form of many, with what was typed in it.
#[derive(Clone, Debug, Default)]
pub struct BulkView {
    pub units: Vec<OptionView>,
    pub voids: Vec<OptionView>,
    pub words: String,
    pub may_dispatch: bool,
    /// Why nothing was done.
    pub problem: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "queue.html")]
pub struct QueuePage<'a> {
    pub shell: &'a Shell,
    pub parts: Vec<QueuePart>,
    pub title: String,
    /// This address.
    pub here: String,
    pub bands: Vec<QueueBand>,
    pub count: usize,
    /// There are more than are listed.
    pub is_cut: bool,
    /// Instead of rows.
    pub requests: Option<Vec<AskedCard>>,
    pub pick: Option<PickView>,
    pub withdraw: Option<WithdrawView>,
    pub severities: Vec<OptionView>,
    pub sources: Vec<OptionView>,
    /// Fields of the address that a filter keeps.
    pub part: String,
    pub is_filtered: bool,
    pub bulk: BulkView,
    pub may_hand_over: bool,
    /// Views that whoever looks has saved.
    pub views: Vec<QueueView>,
}

/// What came of one case.
#[derive(Clone, Debug)]
pub struct BulkRow {
    pub number: String,
    /// Nothing of one that is not there.
    pub title: String,
    /// `done`, `before` or `refused`.
    pub class: &'static str,
    pub word: &'static str,
    pub why: String,
    pub changed: Vec<HistoryView>,
}

#[derive(Template)]
#[template(path = "queue_done.html")]
pub struct BulkPage<'a> {
    pub shell: &'a Shell,
    /// What was to be done.
    pub what: String,
    pub rows: Vec<BulkRow>,
    pub back: String,
}

impl BulkPage<'_> {
    pub fn count(&self, class: &str) -> usize {
        self.rows.iter().filter(|row| row.class == class).count()
    }
}
