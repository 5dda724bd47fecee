//! What was dispatched to one's own unit.

use askama::Template;

use super::{DueView, Nav, Sev, Shell, StateWord, Theme};

/// One part of one case.
#[derive(Clone, Debug)]
pub struct TaskLine {
    pub number: String,
    /// Of its history, as it is shown.
    pub position: i64,
    pub title: String,
    pub sev: Sev,
    pub state: StateWord,
    pub part: &'static str,
    pub unit: String,
    /// Who of the unit has it; nothing, if nobody was named.
    pub desk: String,
    pub category: String,
    pub areas: Vec<String>,
    pub place: String,
    pub drill: bool,
    pub due: Option<DueView>,
    pub cards: Vec<String>,
    pub may_accept: bool,
    pub may_progress: bool,
    pub may_ask: bool,
    /// The form with which it ends, on its case's page, and its word.
    pub report: Option<(&'static str, &'static str)>,
}

impl TaskLine {
    /// As a form of many names it.
    pub fn at(&self) -> String {
        format!("{}@{}", self.number, self.position)
    }
}

#[derive(Clone, Debug)]
pub struct TaskGroup {
    pub id: &'static str,
    pub word: &'static str,
    pub lines: Vec<TaskLine>,
}

#[derive(Template)]
#[template(path = "tasks.html")]
pub struct TasksPage<'a> {
    pub shell: &'a Shell,
    pub units: Vec<String>,
    pub groups: Vec<TaskGroup>,
    pub late: usize,
    pub is_cut: bool,
    pub may_evaluate: bool,
    /// Work orders of all of them, as many as are printed at once.
    pub orders_url: Option<String>,
    /// Why nothing was accepted.
    pub problem: Option<&'static str>,
}

impl TasksPage<'_> {
    pub fn count(&self) -> usize {
        self.groups.iter().map(|group| group.lines.len()).sum()
    }
}
