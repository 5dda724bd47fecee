//! What citizens report and ask, and what they are told then.

use askama::Template;

use super::{Nav, Shell, Theme};
use crate::web::moment::Moment;

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct AskTyped {
    pub text: String,
    pub place: String,
    pub latitude: String,
    pub longitude: String,
    pub name: String,
    pub phone: String,
    pub call_back: bool,
    pub anonymous: bool,
    pub confidential: bool,
}

#[derive(Template)]
#[template(path = "ask.html")]
pub struct AskPage<'a> {
    pub shell: &'a Shell,
    /// Comes back with the form, beside the cookie that holds the same.
    pub token: &'a str,
    /// Names the form: sent twice it is done once.
    pub form_id: String,
    /// Id, word, chosen.
    pub matters: Vec<(&'static str, &'static str, bool)>,
    pub typed: AskTyped,
    /// Ids of pictures that wait.
    pub pictures: Vec<String>,
    /// What is to be mended.
    pub problems: Vec<String>,
}

#[derive(Template)]
#[template(path = "ask_receipt.html")]
pub struct ReceiptPage<'a> {
    pub shell: &'a Shell,
    pub number: String,
    pub code: String,
    pub at: Moment,
}
