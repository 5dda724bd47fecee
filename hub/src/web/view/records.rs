//! Requests to boxes, and what could not be read.

use askama::Template;

use super::{EvidenceState, EvidenceView, Nav, Shell, Theme};
use crate::web::moment::Moment;

#[derive(Clone, Debug)]
pub struct CommandView {
    pub id: String,
    pub device_id: String,
    pub what: &'static str,
    pub subject: String,
    pub subject_url: Option<String>,
    pub purpose: String,
    pub by: String,
    pub at: Moment,
    /// `waiting`, `done`, `failed`, `expired`
    pub state: &'static str,
    pub state_word: &'static str,
    pub answer: String,
    pub answered: Option<Moment>,
    /// Pictures that came as the answer.
    pub pictures: Vec<EvidenceView>,
    /// What rules on trial came to.
    pub trial: Option<TrialView>,
}

/// What rules would have told of in a camera's last hour.
#[derive(Clone, Debug)]
pub struct TrialView {
    pub from: Moment,
    pub to: Moment,
    pub frames: u64,
    pub incidents: Vec<TriedView>,
    pub left_out: u64,
}

#[derive(Clone, Debug)]
pub struct TriedView {
    pub rule: String,
    pub kind: &'static str,
    pub started: Moment,
    pub ended: Option<Moment>,
    pub score: String,
}

#[derive(Template)]
#[template(path = "commands.html")]
pub struct CommandsPage<'a> {
    pub shell: &'a Shell,
    pub requests: Vec<CommandView>,
    /// There are older ones.
    pub cut: bool,
}

#[derive(Clone, Debug)]
pub struct QuarantineView {
    pub id: String,
    pub device_id: String,
    pub topic: String,
    pub reason: String,
    pub received: Moment,
    pub size: String,
}

#[derive(Template)]
#[template(path = "quarantine.html")]
pub struct QuarantinePage<'a> {
    pub shell: &'a Shell,
    pub rows: Vec<QuarantineView>,
    /// Only this box's are shown; empty: all.
    pub device: String,
    /// There are older ones.
    pub cut: bool,
}

#[derive(Template)]
#[template(path = "quarantine_item.html")]
pub struct QuarantineItemPage<'a> {
    pub shell: &'a Shell,
    pub row: QuarantineView,
    pub text: String,
    pub hex: Vec<String>,
    pub cut: bool,
}
