//! What the templates show: plain data, already in words. No decisions here, no SQL.

mod admin;
mod ask;
mod call;
mod call_begun;
mod camera;
mod case;
mod cases;
mod contact;
mod density;
mod devices;
mod evaluation;
mod field;
mod handover;
mod links;
mod map;
mod me;
mod moves;
mod order;
mod queue;
mod records;
mod seat;
mod status;
mod tasks;
mod trend;
mod wall;

use askama::Template;

pub use admin::*;
pub use ask::*;
pub use call::*;
pub use call_begun::*;
pub use camera::*;
pub use case::*;
pub use cases::*;
pub use contact::*;
pub use density::*;
pub use devices::*;
pub use evaluation::*;
pub use field::*;
pub use handover::*;
pub use links::*;
pub use map::*;
pub use me::*;
pub use moves::*;
pub use order::*;
pub use queue::*;
pub use records::*;
pub use seat::*;
pub use status::*;
pub use tasks::*;
pub use trend::*;
pub use wall::*;

use super::moment::Moment;
use super::text::Lang;
use crate::user::role::Role;

/// Light by day, dark by night, and a screen on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    Light,
    Dark,
    /// A command centre's screen, read from four metres.
    Wall,
}

impl Theme {
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            "wall" => Some(Self::Wall),
            _ => None,
        }
    }

    pub fn code(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Wall => "wall",
        }
    }
}

/// Which entry of the navigation is lit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nav {
    Wall,
    Map,
    Cases,
    Hotline,
    Seat,
    Devices,
    Commands,
    Quarantine,
    Evaluation,
    Admin,
    Queue,
    Tasks,
    Handover,
    Field,
    None,
}

impl Nav {
    /// What stands in the menu of those who look after the system.
    pub fn is_of_system(&self) -> bool {
        matches!(self, Self::Devices | Self::Commands | Self::Quarantine | Self::Admin)
    }
}

/// Who looks at the page.
#[derive(Clone, Debug)]
pub struct Who {
    pub name: String,
    pub role: Role,
    /// Which entries of the navigation lead somewhere for this user.
    pub sees_devices: bool,
    pub sees_quarantine: bool,
    pub sees_evaluation: bool,
    pub sees_admin: bool,
    pub sees_field: bool,
    /// Files tickets of calls.
    pub sees_seat: bool,
    pub sees_map: bool,
    /// Works off what waits for a centre or an officer.
    pub sees_queue: bool,
    /// Works in a unit.
    pub sees_tasks: bool,
    pub sees_handover: bool,
    /// Where the alert wall of this user is: with its forms, or to be looked at.
    pub wall: Option<&'static str>,
}

impl Who {
    /// Whether boxes, requests, quarantine and administration stand in one menu: for whoever has most of them, and would
    /// have a bar of two lines.
    pub fn has_system(&self) -> bool {
        self.sees_quarantine || self.sees_admin
    }
}

/// The frame around every page.
#[derive(Clone, Debug)]
pub struct Shell {
    pub lang: Lang,
    pub theme: Theme,
    pub nav: Nav,
    pub who: Option<Who>,
    pub csrf: String,
    pub now: Moment,
    /// Path and query of this page without `lang` and `theme`, ending in `?` or `&`.
    pub here: String,
    /// What was looked for.
    pub find: String,
    /// Durable position the page was read at; the live feed goes on from there. `None`: the page follows nothing.
    pub position: Option<i64>,
}

impl Shell {
    pub fn role(&self) -> &'static str {
        self.who.as_ref().map_or("", |who| who.role.word(self.lang))
    }
}

/// Severity as shape + word + colour; `class` is `p1` … `p4`.
#[derive(Clone, Debug)]
pub struct Sev {
    pub class: &'static str,
    pub word: &'static str,
}

#[derive(Clone, Debug)]
pub struct StateWord {
    /// Suffix of the `state--…` class.
    pub class: &'static str,
    pub word: &'static str,
}

#[derive(Template)]
#[template(path = "login.html")]
pub struct LoginPage<'a> {
    pub shell: &'a Shell,
    pub name: String,
    pub next: String,
    pub error: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    pub shell: &'a Shell,
    pub status: u16,
    pub title: &'a str,
    pub why: &'a str,
    pub detail: String,
}
