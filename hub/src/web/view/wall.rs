//! The alert wall, and the cases behind one of its figures.

use askama::Template;

use super::{CaseRow, MapMode, MapView, Nav, Sev, Shell, ShelvedView, Theme, Thumb};
use crate::web::moment::Moment;
use crate::web::text::Lang;

/// A case that nobody has in hand.
#[derive(Clone, Debug)]
pub struct AlertView {
    pub row: CaseRow,
    /// Whether it has a camera that can be looked at now.
    pub live: bool,
    /// Who may, where this person may not.
    pub no_live: Option<String>,
    /// 0 the worst.
    pub rank: usize,
    /// The digit that selects it.
    pub key: Option<usize>,
    /// `00:48`
    pub waited: String,
    /// Names of where it lies, town first.
    pub areas: Vec<String>,
    /// The rule that saw it, and how sure it is.
    pub rule: String,
    /// The caller's words.
    pub said: String,
    pub escalates: Option<EscalatesView>,
    /// How often it was told further.
    pub escalated: i64,
    pub due: Option<DueView>,
    pub joined: i64,
    pub joined_why: String,
    pub damped: Option<String>,
    /// An emergency that makes itself heard: unacknowledged, and no drill.
    pub rings: bool,
    /// Where the case is dispatched.
    pub dispatch_url: String,
    /// Why this user may not, where he may not.
    pub no_acknowledge: Option<String>,
    pub no_false_alarm: Option<String>,
    pub no_shelve: Option<String>,
    pub shelf_minutes: Vec<MinutesView>,
    pub problem: Option<WallProblem>,
}

/// When it is told further, unless somebody says that he has it.
#[derive(Clone, Debug)]
pub struct EscalatesView {
    pub at_ms: i64,
    /// `12 秒`
    pub left: String,
    pub most_ms: i64,
    pub used_ms: i64,
}

/// A clock against its limit.
#[derive(Clone, Debug)]
pub struct DueView {
    /// Which clock: 受理, 处置.
    pub word: &'static str,
    pub at: Moment,
    /// 余 or 超.
    pub side: &'static str,
    pub left: String,
    /// Suffix of `clock--…`; nothing while there is time.
    pub class: &'static str,
}

#[derive(Clone, Debug)]
pub struct MinutesView {
    pub minutes: u32,
    pub word: String,
    pub on: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WallAct {
    FalseAlarm,
    Shelve,
}

/// A form that was refused, with what was typed in it.
#[derive(Clone, Debug)]
pub struct WallProblem {
    pub number: String,
    pub act: WallAct,
    pub why: String,
    /// What it was, or why it is put aside.
    pub typed: String,
    pub minutes: u32,
}

/// A case that somebody has in hand.
#[derive(Clone, Debug)]
pub struct HeldView {
    pub row: CaseRow,
    pub areas: Vec<String>,
    /// Nothing before it is dispatched.
    pub unit: String,
    pub due: Option<DueView>,
}

#[derive(Clone, Debug)]
pub struct AreaCell {
    /// Nothing: of all of them.
    pub sev: Option<Sev>,
    pub waiting: i64,
    pub opened: i64,
    pub waiting_url: String,
    pub open_url: String,
}

#[derive(Clone, Debug)]
pub struct AreaRow {
    pub name: String,
    /// `town`, `community` or `total`.
    pub class: &'static str,
    pub cells: Vec<AreaCell>,
    pub all: AreaCell,
}

#[derive(Clone, Debug)]
pub struct LoadRow {
    pub name: String,
    pub alerts: String,
    pub url: String,
    /// `2`, `1.5`; nothing without a roster.
    pub people: String,
    /// `1.1`
    pub per_operator: String,
    pub verdict: &'static str,
    /// `ok`, `high` or `over`.
    pub class: &'static str,
}

/// Alerts of ten minutes.
#[derive(Clone, Debug)]
pub struct StepCount {
    pub from: String,
    pub to: String,
    pub alerts: i64,
    pub url: String,
}

#[derive(Clone, Debug)]
pub struct LoadView {
    /// The last hour, then the shift.
    pub rows: Vec<LoadRow>,
    /// Oldest first.
    pub steps: Vec<StepCount>,
    pub on_duty: usize,
    pub has_roster: bool,
}

#[derive(Clone, Debug)]
pub struct FlappingView {
    pub number: String,
    pub title: String,
    pub since: Moment,
    pub counted: i64,
}

/// The newest picture of a camera that somebody looks at now.
#[derive(Clone, Debug, Default)]
pub struct LiveView {
    /// Where it is, and when it was taken.
    pub here: Option<(String, Moment)>,
    /// The box was asked for the next one.
    pub waits: bool,
    /// Why the box made none.
    pub failed: String,
    /// Why it was not asked.
    pub refused: String,
}

/// That part alone, for a script that holds it open.
#[derive(Template)]
#[template(path = "wall_live.html")]
pub struct WallLivePart {
    pub lang: Lang,
    pub live: LiveView,
}

#[derive(Template)]
#[template(path = "wall_live_page.html")]
pub struct WallLivePage<'a> {
    pub shell: &'a Shell,
    pub lang: Lang,
    pub number: String,
    pub title: String,
    pub live: LiveView,
}

#[derive(Template)]
#[template(path = "wall.html")]
pub struct WallPage<'a> {
    pub shell: &'a Shell,
    /// The form for a room: nothing can be done on it.
    pub screen: bool,
    /// Whether there is such a form for this user.
    pub may_screen: bool,
    /// Where there is anything to draw cases on.
    pub map: Option<MapView>,
    pub alerts: Vec<AlertView>,
    /// Cards that are not shown.
    pub more_alerts: bool,
    pub held: Vec<HeldView>,
    pub more_held: bool,
    pub total: AreaRow,
    pub areas: Vec<AreaRow>,
    pub load: LoadView,
    pub shelved: Vec<ShelvedView>,
    pub flapping: Vec<FlappingView>,
    /// When the newest case of all opened.
    pub latest: Option<Moment>,
    /// Of a case that is not on the wall any more.
    pub problem: Option<WallProblem>,
    pub acknowledge_s: u32,
    /// Nothing: none is known.
    pub telephone: String,
}

impl WallPage<'_> {
    pub fn held_count(&self) -> i64 {
        self.total.all.opened - self.total.all.waiting
    }
}

#[derive(Template)]
#[template(path = "wall_cases.html")]
pub struct WallCasesPage<'a> {
    pub shell: &'a Shell,
    /// What is counted, in words.
    pub what: Vec<String>,
    pub rows: Vec<HeldView>,
    /// Older ones are not listed.
    pub cut: bool,
    pub back: &'static str,
}
