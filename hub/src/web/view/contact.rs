//! The number to call a citizen back at.

use askama::Template;

use super::{Nav, Shell, Theme};
use crate::web::moment::Moment;

/// On the call's page: that there is one.
#[derive(Clone, Debug)]
pub struct ContactAsk {
    pub may: bool,
    pub roles: String,
    /// Somebody deleted it.
    pub deleted: bool,
    pub until: Moment,
}

pub enum ContactTold {
    Number {
        number: String,
        until: Moment,
    },
    /// Why there is none.
    Nothing(&'static str),
}

/// The answer that tells it, once.
#[derive(Template)]
#[template(path = "contact.html")]
pub struct ContactPage<'a> {
    pub shell: &'a Shell,
    pub call_id: String,
    pub case_number: String,
    pub purpose: &'a str,
    pub told: ContactTold,
}
