//! What became of a matter, for whoever reported it.

use askama::Template;

use super::{Nav, Shell, StateWord, StepView, Theme};

pub struct StatusView {
    pub number: String,
    pub goes_on_in: Option<String>,
    pub state: StateWord,
    pub steps: Vec<StepView>,
    pub confidential: bool,
    /// What is told of it, each under its name.
    pub facts: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "status.html")]
pub struct StatusPage<'a> {
    pub shell: &'a Shell,
    /// As it was typed.
    pub number: String,
    pub error: Option<&'static str>,
    pub told: Option<StatusView>,
}
