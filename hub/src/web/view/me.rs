//! A user's own account.

use askama::Template;

use super::{Nav, Shell, Theme};
use crate::web::moment::Moment;

/// A role somewhere.
#[derive(Clone, Debug)]
pub struct GrantView {
    pub role: &'static str,
    pub area: String,
    /// Nothing: of no unit.
    pub unit: String,
}

#[derive(Clone, Debug)]
pub struct SessionView {
    pub id: String,
    pub since: Moment,
    pub seen: Moment,
    /// Nothing: not known.
    pub address: String,
    /// The one in which the page is looked at.
    pub is_this: bool,
}

/// A browser that is told.
#[derive(Clone, Debug)]
pub struct BrowserView {
    pub id: String,
    pub label: String,
    pub service: String,
    pub since: Moment,
    pub last: Option<Moment>,
    pub failures: i64,
}

/// What came of what was just done here.
#[derive(Clone, Debug)]
pub enum MeOutcome {
    None,
    Done(&'static str),
    /// And why.
    Failed(&'static str, String),
}

#[derive(Template)]
#[template(path = "me.html")]
pub struct MePage<'a> {
    pub shell: &'a Shell,
    pub name: String,
    pub grants: Vec<GrantView>,
    pub sessions: Vec<SessionView>,
    pub browsers: Vec<BrowserView>,
    /// To which browsers subscribe.
    pub push_key: String,
    /// Whether the hub has a channel to browsers.
    pub push_set_up: bool,
    pub least_chars: usize,
    pub outcome: MeOutcome,
}
