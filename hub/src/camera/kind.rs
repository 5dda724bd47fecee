//! What each kind of rule takes, and what it is when nothing more is said: as docs/RULES.md has it and the box holds to it.
//! A test of the whole (`tests`) feeds both forms, the one left out and the one written out, to the box's own reader.

use protocol::{IncidentKind, Label, Severity};

/// Where a rule of a kind looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// In a zone, or in the whole picture where none is named.
    Zone,
    /// Over a line.
    Line,
    /// At the whole picture, always.
    Picture,
}

impl Looks {
    /// The word for scripts of pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zone => "zone",
            Self::Line => "line",
            Self::Picture => "picture",
        }
    }
}

/// One kind of rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    pub kind: IncidentKind,
    pub looks: Looks,
    /// `None`: time is no part of it.
    pub dwell_s: Option<f64>,
    pub severity: Severity,
    /// What it waits for.
    pub labels: &'static [Label],
    /// What else it may be told to wait for; empty: anything that a detector names.
    pub fitting: &'static [Label],
}

/// Bounds and usual values that all kinds share.
pub const USUAL_SCORE: f64 = 0.5;
pub const USUAL_SIZE: f64 = 0.0;
pub const USUAL_COUNT: u32 = 5;
pub const LEAST_COUNT: u32 = 2;
pub const MOST_COUNT: u32 = 10_000;
/// Of dwell and cool-down.
pub const MOST_SECONDS: u32 = 86_400;

const PEOPLE: &[Label] = &[Label::Person];
const CARS: &[Label] = &[Label::Car, Label::Bus, Label::Truck];
const VEHICLES: &[Label] =
    &[Label::Car, Label::Bus, Label::Truck, Label::Motorcycle, Label::Ebike, Label::Bicycle];
const BIKES: &[Label] = &[Label::Ebike, Label::Motorcycle, Label::Bicycle];

const fn zone(
    kind: IncidentKind,
    dwell_s: f64,
    severity: Severity,
    labels: &'static [Label],
    fitting: &'static [Label],
) -> Kind {
    Kind { kind, looks: Looks::Zone, dwell_s: Some(dwell_s), severity, labels, fitting }
}

const fn picture(kind: IncidentKind, dwell_s: f64, severity: Severity) -> Kind {
    Kind { kind, looks: Looks::Picture, dwell_s: Some(dwell_s), severity, labels: &[], fitting: &[] }
}

/// In the order of docs/RULES.md.
pub const ALL: [Kind; 16] = [
    zone(IncidentKind::Intrusion, 0.0, Severity::Major, PEOPLE, &[]),
    Kind {
        kind: IncidentKind::LineCrossing,
        looks: Looks::Line,
        dwell_s: None,
        severity: Severity::Normal,
        labels: PEOPLE,
        fitting: &[],
    },
    zone(IncidentKind::Loitering, 60.0, Severity::Normal, PEOPLE, &[]),
    zone(IncidentKind::Crowding, 10.0, Severity::Major, PEOPLE, &[]),
    zone(IncidentKind::VehicleForbidden, 1.0, Severity::Normal, CARS, VEHICLES),
    zone(IncidentKind::BlockedLane, 60.0, Severity::Major, CARS, VEHICLES),
    zone(IncidentKind::AbandonedObject, 30.0, Severity::Major, &[Label::Bag], &[Label::Bag, Label::Object]),
    zone(IncidentKind::EbikeInLift, 1.0, Severity::Major, BIKES, BIKES),
    zone(IncidentKind::Fall, 3.0, Severity::Emergency, PEOPLE, PEOPLE),
    zone(IncidentKind::Fire, 3.0, Severity::Emergency, &[Label::Fire], &[Label::Fire]),
    zone(IncidentKind::Smoke, 4.0, Severity::Emergency, &[Label::Smoke], &[Label::Smoke]),
    picture(IncidentKind::CameraCovered, 3.0, Severity::Major),
    picture(IncidentKind::CameraDefocused, 10.0, Severity::Normal),
    picture(IncidentKind::CameraMoved, 5.0, Severity::Normal),
    picture(IncidentKind::CameraFrozen, 10.0, Severity::Normal),
    picture(IncidentKind::CameraLost, 30.0, Severity::Major),
];

/// The ways to step over a line, as the configuration writes them; the box knows a few more names for them.
pub const DIRECTIONS: [&str; 7] =
    ["both", "left_to_right", "right_to_left", "top_to_bottom", "bottom_to_top", "forward", "backward"];
/// Other names of theirs.
pub const OTHER_DIRECTIONS: [&str; 7] = ["any", "right", "left", "down", "up", "a_to_b", "b_to_a"];

pub const DAYS: [&str; 9] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "workdays", "weekends"];
/// Other names of theirs.
pub const OTHER_DAYS: [&str; 9] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "workday", "weekend"];
pub const HOLIDAYS: [&str; 3] = ["also", "never", "only"];

impl Kind {
    /// By the word of the configuration.
    pub fn of(word: &str) -> Option<&'static Self> {
        ALL.iter().find(|kind| kind.kind.as_str() == word)
    }

    /// Whether it waits for things that a detector names.
    pub fn waits_for_things(&self) -> bool {
        self.looks != Looks::Picture
    }

    pub fn counts(&self) -> bool {
        self.kind == IncidentKind::Crowding
    }

    /// What may stand in `labels`.
    pub fn may_wait_for(&self, label: Label) -> bool {
        let itself = matches!(label, Label::Motion | Label::Picture);
        let thing = label != Label::Object || self.kind == IncidentKind::AbandonedObject;
        self.waits_for_things()
            && !itself
            && thing
            && (self.fitting.is_empty() || self.fitting.contains(&label))
    }
}
