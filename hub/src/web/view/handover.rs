//! The handover of a shift: what it leaves, and who took it over.

use askama::Template;

use super::{HeldView, Nav, OptionView, Shell, Theme};
use crate::web::moment::Moment;

/// One figure and its cases.
#[derive(Clone, Debug)]
pub struct HandoverPart {
    /// Its place on the page.
    pub id: &'static str,
    pub word: &'static str,
    pub count: i64,
    /// As far as they are listed and the reader may see them.
    pub rows: Vec<HeldView>,
    /// Numbers of cases that are not the reader's to see.
    pub unseen: Vec<String>,
    /// Counted, not listed.
    pub more: i64,
}

#[derive(Clone, Debug)]
pub struct OnDutyView {
    pub name: String,
    pub post: &'static str,
    pub from: Moment,
    pub to: Moment,
}

#[derive(Clone, Debug)]
pub struct AsideView {
    pub number: String,
    pub reason: String,
    pub by: String,
    pub until: Moment,
}

#[derive(Clone, Debug)]
pub struct OfflineView {
    pub id: String,
    pub title: String,
    pub since: Option<Moment>,
    /// The reader may open it.
    pub url: Option<String>,
}

/// What a shift leaves, ready to be read.
#[derive(Clone, Debug, Default)]
pub struct LeftView {
    pub duty: Vec<OnDutyView>,
    pub parts: Vec<HandoverPart>,
    pub shelved: Vec<AsideView>,
    pub offline: Vec<OfflineView>,
}

/// A handover in a list, or on top of its own page.
#[derive(Clone, Debug)]
pub struct HandoverView {
    pub id: String,
    pub area: String,
    pub from: Moment,
    pub to: Moment,
    pub by: String,
    pub note: String,
    /// Each word with its count.
    pub figures: Vec<(&'static str, i64)>,
    pub taken_by: Option<String>,
    pub taken_at: Option<Moment>,
    /// Given by the reader himself.
    pub is_own: bool,
}

/// The form that closes a shift.
#[derive(Clone, Debug)]
pub struct HandoverForm {
    /// So that the same form sent twice is one handover.
    pub id: String,
    pub areas: Vec<OptionView>,
    /// As a browser's field of date and time has it.
    pub from: String,
    pub note: String,
}

#[derive(Template)]
#[template(path = "handover.html")]
pub struct HandoverPage<'a> {
    pub shell: &'a Shell,
    pub form: HandoverForm,
    pub left: LeftView,
    /// Not taken over yet.
    pub waiting: Vec<HandoverView>,
    pub past: Vec<HandoverView>,
    /// Why nothing was done.
    pub problem: Option<String>,
}

#[derive(Template)]
#[template(path = "handover_one.html")]
pub struct HandoverOnePage<'a> {
    pub shell: &'a Shell,
    pub one: HandoverView,
    pub left: LeftView,
    pub problem: Option<String>,
}
