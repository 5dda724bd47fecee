//! One camera as somebody sets it up.

use askama::Template;

use super::{CameraView, Nav, Sev, Shell, Theme};
use crate::web::moment::Moment;

/// The newest picture, and what became of the newest request for one.
#[derive(Clone, Debug, Default)]
pub struct StillView {
    /// Where it is, when it was taken, and whether anything is hidden in it.
    pub here: Option<(String, Moment, bool)>,
    pub waits: bool,
    /// Why none came.
    pub failed: Option<String>,
}

/// What is in force, as far as the hub knows it.
#[derive(Clone, Debug)]
pub struct BaseView {
    /// `v1773815480000`, or the installer's file.
    pub version: String,
    pub is_installer: bool,
    pub at: Moment,
    pub by: String,
    pub shown: bool,
}

/// What became of the newest request to show it.
#[derive(Clone, Debug)]
pub enum ReadView {
    None,
    Waits,
    Failed(String),
    /// Not answered: an older box.
    Silent,
}

/// A zone, a line or a mask.
#[derive(Clone, Debug)]
pub struct ShapeView {
    /// `zone`, `line` or `mask`
    pub kind: &'static str,
    /// Its number in the form.
    pub at: String,
    pub was: String,
    pub id: String,
    pub points: String,
    /// As the drawing needs them, in thousandths.
    pub drawn: String,
    pub share: String,
    pub word: &'static str,
    pub wrong: Vec<String>,
}

/// All of one kind.
#[derive(Clone, Debug)]
pub struct ShapeList {
    pub kind: &'static str,
    pub shapes: Vec<ShapeView>,
    /// To be filled in, or copied.
    pub blank: Vec<ShapeView>,
}

/// One choice of a list.
#[derive(Clone, Debug)]
pub struct ChoiceView {
    pub value: String,
    pub word: String,
    pub chosen: bool,
}

/// A kind of rule, with what scripts have to know of it.
#[derive(Clone, Debug)]
pub struct KindView {
    pub value: &'static str,
    pub word: &'static str,
    pub chosen: bool,
    /// `zone`, `line` or `picture`
    pub looks: &'static str,
    pub dwell: String,
    pub severity: &'static str,
    pub labels: String,
    pub counts: bool,
}

/// A field of a rule.
#[derive(Clone, Debug, Default)]
pub struct RuleView {
    /// Its number in the form.
    pub at: String,
    pub was: String,
    pub is_new: bool,
    pub id: String,
    pub title: String,
    pub kinds: Vec<KindView>,
    pub sev: Option<Sev>,
    /// What it does, in a line.
    pub says: String,
    pub precision: String,
    pub precision_why: &'static str,
    pub name: String,
    pub name_en: String,
    pub enabled: bool,
    pub zone: String,
    pub line: String,
    pub directions: Vec<ChoiceView>,
    pub labels: String,
    pub min_score: String,
    pub min_size: String,
    pub dwell_s: String,
    pub count: String,
    pub severities: Vec<ChoiceView>,
    pub cooldown_s: String,
    pub days: String,
    pub from: String,
    pub to: String,
    pub holidays: Vec<ChoiceView>,
    pub stretches: usize,
    pub usual_dwell: String,
    pub usual_labels: String,
    pub wrong: Vec<String>,
}

/// One incident on trial.
#[derive(Clone, Debug)]
pub struct TriedLine {
    pub rule: String,
    pub word: String,
    pub started: Moment,
    /// `3 分 20 秒`, or that it goes on.
    pub long: String,
    pub score: String,
    /// Where it begins and how long it is, in seconds from the first frame.
    pub x: i64,
    pub width: i64,
    pub class: &'static str,
    /// The open case of what the box told of then, by the same rule.
    pub stored: Option<StoredView>,
}

/// A case that somebody may judge from here.
#[derive(Clone, Debug)]
pub struct StoredView {
    pub number: String,
    pub may: bool,
}

/// What rules came to on the last hour.
#[derive(Clone, Debug)]
pub enum HourView {
    /// Never asked, or too long ago.
    None,
    Old,
    Waits,
    Failed(String),
    Done {
        from: Moment,
        to: Moment,
        /// Seconds between them.
        width: i64,
        lines: Vec<TriedLine>,
        left_out: u64,
        count: u64,
    },
}

/// A case that was raised in the hour that was tried.
#[derive(Clone, Debug)]
pub struct RaisedView {
    pub number: String,
    pub rule: String,
    pub at: Moment,
    pub state: String,
}

/// What the changed rules ask of the people on duty.
#[derive(Clone, Debug)]
pub struct LoadOfRules {
    pub per_operator: String,
    pub people: String,
    pub word: &'static str,
    /// `good`, `high` or `over`
    pub class: &'static str,
}

#[derive(Clone, Debug)]
pub struct TrialPanel {
    pub now: HourView,
    /// Only where the draft has other rules.
    pub then: Option<HourView>,
    pub load: Option<LoadOfRules>,
    /// `None`: cases are not this user's to see.
    pub raised: Option<Vec<RaisedView>>,
}

/// The newest that this user has sent.
#[derive(Clone, Debug)]
pub enum SavedView {
    None,
    Waits(Moment),
    Done(Moment),
    Failed(Moment, String),
}

#[derive(Clone, Debug)]
pub struct WalkSeen {
    pub after: String,
    pub line: TriedLine,
}

#[derive(Clone, Debug)]
pub struct WalkView {
    pub until: Moment,
    pub goes_on: bool,
    /// Up to when the box has looked; nothing before its first answer.
    pub to: Option<Moment>,
    pub failed: Option<String>,
    pub seen: Vec<WalkSeen>,
}

/// What was refused, or what another has changed.
#[derive(Clone, Debug, Default)]
pub struct RefusedCamera {
    pub why: String,
    pub lines: Vec<String>,
    /// Another version is in force: one's changes can be put onto it.
    pub may_rebase: bool,
}

#[derive(Template)]
#[template(path = "camera.html")]
pub struct CameraPage<'a> {
    pub shell: &'a Shell,
    pub device_id: String,
    pub device_title: String,
    pub id: String,
    pub name: String,
    /// `None`: the box has not told of it.
    pub health: Option<CameraView>,
    /// Where somebody says that the box stands, in degrees; empty where nobody has.
    pub latitude: String,
    pub longitude: String,
    pub may_still: bool,
    pub still_roles: String,
    pub may_configure: bool,
    pub configure_roles: String,
    pub still: StillView,
    pub base: Option<BaseView>,
    pub version: String,
    pub read: ReadView,
    pub based_on: u64,
    pub refused: Option<RefusedCamera>,
    /// Things that the draft changes.
    pub changes: usize,
    pub saved_draft: Option<Moment>,
    pub shapes: Vec<ShapeView>,
    /// Empty ones of each, to be filled in or copied.
    pub blank_shapes: Vec<ShapeView>,
    pub rules: Vec<RuleView>,
    pub blank_rule: RuleView,
    pub zone_ids: Vec<String>,
    pub line_ids: Vec<String>,
    pub known_labels: String,
    pub sees_cases: bool,
    pub trial: TrialPanel,
    pub saved: SavedView,
    pub walk: Option<WalkView>,
    pub walks_draft: bool,
    pub purpose: String,
    pub reason: String,
}

impl CameraPage<'_> {
    /// Rules that are switched on.
    pub fn enabled(&self) -> usize {
        self.rules.iter().filter(|rule| rule.enabled).count()
    }

    /// Zones, lines and masks, each kind with its empty fields.
    pub fn lists(&self) -> Vec<ShapeList> {
        let of = |all: &[ShapeView], kind: &str| -> Vec<ShapeView> {
            all.iter().filter(|shape| shape.kind == kind).cloned().collect()
        };
        let list = |kind: &'static str| ShapeList {
            kind,
            shapes: of(&self.shapes, kind),
            blank: of(&self.blank_shapes, kind),
        };
        ["zone", "line", "mask"].map(list).into()
    }
}
