//! The calls of one seat, on its own page and beside the call that is open.

use askama::Template;

use super::{Nav, Sev, Shell, StateWord, Theme};
use crate::web::moment::Moment;

/// One call of a seat.
#[derive(Clone, Debug)]
pub struct SeatCall {
    /// By which a script knows it again.
    pub id: String,
    pub url: String,
    /// Of its case; a running call may have none yet, and is then not opened by itself.
    pub number: Option<String>,
    /// Masked.
    pub caller: String,
    pub seat: String,
    pub came: Moment,
    /// Since when it runs, epoch ms by the hub's clock; nothing of one that is over.
    pub since_ms: Option<i64>,
    /// How long it was, or runs.
    pub length: String,
    /// Names of dangers that hold.
    pub alarms: Vec<&'static str>,
    pub place: String,
    /// What it is about, as far as is known.
    pub what: String,
    pub sev: Option<Sev>,
    pub state: Option<StateWord>,
    /// Whole seconds from hang-up to the first filing.
    pub took_s: Option<i64>,
    pub filed_by: String,
    /// The one that is open.
    pub current: bool,
}

/// What was measured of the tickets filed today.
#[derive(Clone, Debug)]
pub struct SeatPace {
    /// Nothing to measure: nothing.
    pub median: Option<String>,
    /// Tickets behind it.
    pub tickets: usize,
}

#[derive(Clone, Debug)]
pub struct SeatList {
    pub running: Vec<SeatCall>,
    pub waiting: Vec<SeatCall>,
    pub filed: Vec<SeatCall>,
    /// Finished without a ticket: void, handled, joined.
    pub over: Vec<SeatCall>,
    pub pace: SeatPace,
    /// Calls that came today.
    pub today: usize,
    /// There are more than are listed.
    pub cut: bool,
    /// What the seat is called; nothing: all of them.
    pub seat: String,
}

impl SeatList {
    pub fn is_empty(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty() && self.filed.is_empty() && self.over.is_empty()
    }

    /// The call to go on with after the one that is open: one that runs, else the one that has waited longest.
    pub fn next(&self) -> Option<&SeatCall> {
        let open = |call: &&SeatCall| !call.current;
        self.running.iter().find(open).or_else(|| self.waiting.iter().rev().find(open))
    }
}

#[derive(Clone, Debug)]
pub struct SeatChoice {
    pub name: String,
    pub on: bool,
}

#[derive(Template)]
#[template(path = "seat.html")]
pub struct SeatPage<'a> {
    pub shell: &'a Shell,
    pub list: SeatList,
    pub seats: Vec<SeatChoice>,
}

/// The list beside a call, by itself, for a script.
#[derive(Template)]
#[template(path = "seat_calls.html")]
pub struct SeatCallsPart<'a> {
    pub shell: &'a Shell,
    pub calls: &'a SeatList,
}
