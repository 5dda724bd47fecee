//! The list of cases.

use askama::Template;

use super::{Nav, Sev, Shell, ShelvedView, StateWord, Theme};
use crate::case::store::list::MOST_COUNTED;
use crate::web::moment::Moment;

/// One line of the list of cases.
#[derive(Clone, Debug)]
pub struct CaseRow {
    pub number: String,
    pub title: String,
    pub kind: &'static str,
    pub sev: Sev,
    pub state: StateWord,
    pub place: String,
    pub camera: Option<String>,
    pub is_call: bool,
    pub call_id: Option<String>,
    pub opened: Moment,
    pub age: String,
    pub incident_count: i64,
    pub motion_only: bool,
    pub drill: bool,
    pub thumb: Thumb,
    pub acknowledged_by: Option<String>,
    pub acknowledged_at: Option<Moment>,
    /// Received, and nobody has it yet.
    pub waits: bool,
    /// Open, and nobody has said that he has it: in whatever state, after a new emergency.
    pub unclaimed: bool,
    pub open: bool,
    pub may_acknowledge: bool,
    /// Only unacknowledged emergencies repeat.
    pub pulses: bool,
}

#[derive(Clone, Debug)]
pub enum Thumb {
    Here(String),
    Waiting,
    Call,
    None,
}

#[derive(Clone, Debug)]
pub struct FilterChoice {
    pub word: &'static str,
    pub url: String,
    pub on: bool,
}

/// Cases of each part of the list, those of its other pages too, up to [`MOST_COUNTED`].
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub struct Counts {
    pub waiting: i64,
    pub inhand: i64,
    pub ended: i64,
}

impl Counts {
    pub fn waiting_shown(&self) -> String {
        shown(self.waiting)
    }

    pub fn inhand_shown(&self) -> String {
        shown(self.inhand)
    }

    pub fn ended_shown(&self) -> String {
        shown(self.ended)
    }
}

fn shown(count: i64) -> String {
    if count < MOST_COUNTED { count.to_string() } else { format!("{count}+") }
}

#[derive(Template)]
#[template(path = "cases.html")]
pub struct CasesPage<'a> {
    pub shell: &'a Shell,
    pub waiting: Vec<CaseRow>,
    pub inhand: Vec<CaseRow>,
    pub ended: Vec<CaseRow>,
    pub states: Vec<FilterChoice>,
    pub kinds: Vec<FilterChoice>,
    /// Alarm sources that are put aside.
    pub shelved: Vec<ShelvedView>,
    pub filtered: bool,
    /// The newest case of all, for the empty state.
    pub latest: Option<Moment>,
    /// `waiting` or `inhand` when only that part is asked for, else empty.
    pub part: &'static str,
    pub counts: Counts,
    /// Next pages: of the waiting ones, of those in hand, of a page of everything.
    pub older_waiting: Option<String>,
    pub older_inhand: Option<String>,
    pub older: Option<String>,
}

/// One row, for the live list.
#[derive(Template)]
#[template(path = "case_row_only.html")]
pub struct CaseRowOnly<'a> {
    pub shell: &'a Shell,
    pub row: CaseRow,
}
