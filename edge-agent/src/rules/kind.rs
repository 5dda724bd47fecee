//! The kinds of rule there are, and what each is when nothing more is said.

use protocol::{IncidentKind, Label, Severity};
use serde::{Deserialize, Serialize};

/// What a rule waits for. One for each kind of incident that a camera can raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// Somebody is in the zone.
    Intrusion,
    /// Somebody steps over the line.
    LineCrossing,
    /// Somebody stays in the zone.
    Loitering,
    /// Many are in the zone for a while.
    Crowding,
    /// A vehicle is where none may be.
    VehicleForbidden,
    /// A vehicle stands in a lane that must stay free.
    BlockedLane,
    /// A thing was put down and left alone.
    AbandonedObject,
    /// A bicycle, motorcycle or e-bike is in the lift.
    EbikeInLift,
    /// A person fell and stays down.
    Fall,
    Fire,
    Smoke,
    /// The view is blocked.
    CameraCovered,
    /// The view is no longer sharp.
    CameraDefocused,
    /// The camera looks elsewhere.
    CameraMoved,
    /// The picture no longer changes.
    CameraFrozen,
    /// No picture comes.
    CameraLost,
}

/// Where a rule of a kind looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A zone, or the whole picture when none is named.
    Zone,
    Line,
    /// Always the whole picture.
    Picture,
}

impl RuleKind {
    pub const ALL: &[Self] = &[
        Self::Intrusion,
        Self::LineCrossing,
        Self::Loitering,
        Self::Crowding,
        Self::VehicleForbidden,
        Self::BlockedLane,
        Self::AbandonedObject,
        Self::EbikeInLift,
        Self::Fall,
        Self::Fire,
        Self::Smoke,
        Self::CameraCovered,
        Self::CameraDefocused,
        Self::CameraMoved,
        Self::CameraFrozen,
        Self::CameraLost,
    ];

    pub fn incident_kind(self) -> IncidentKind {
        match self {
            Self::Intrusion => IncidentKind::Intrusion,
            Self::LineCrossing => IncidentKind::LineCrossing,
            Self::Loitering => IncidentKind::Loitering,
            Self::Crowding => IncidentKind::Crowding,
            Self::VehicleForbidden => IncidentKind::VehicleForbidden,
            Self::BlockedLane => IncidentKind::BlockedLane,
            Self::AbandonedObject => IncidentKind::AbandonedObject,
            Self::EbikeInLift => IncidentKind::EbikeInLift,
            Self::Fall => IncidentKind::Fall,
            Self::Fire => IncidentKind::Fire,
            Self::Smoke => IncidentKind::Smoke,
            Self::CameraCovered => IncidentKind::CameraCovered,
            Self::CameraDefocused => IncidentKind::CameraDefocused,
            Self::CameraMoved => IncidentKind::CameraMoved,
            Self::CameraFrozen => IncidentKind::CameraFrozen,
            Self::CameraLost => IncidentKind::CameraLost,
        }
    }

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        self.incident_kind().as_str()
    }

    pub(super) fn place(self) -> Place {
        match self {
            Self::LineCrossing => Place::Line,
            Self::CameraCovered
            | Self::CameraDefocused
            | Self::CameraMoved
            | Self::CameraFrozen
            | Self::CameraLost => Place::Picture,
            _ => Place::Zone,
        }
    }

    /// What it waits for when `labels` is not written.
    pub(super) fn usual_labels(self) -> &'static [Label] {
        match self {
            Self::Intrusion | Self::LineCrossing | Self::Loitering | Self::Crowding | Self::Fall => {
                &[Label::Person]
            }
            Self::VehicleForbidden | Self::BlockedLane => &[Label::Car, Label::Bus, Label::Truck],
            Self::EbikeInLift => &[Label::Ebike, Label::Motorcycle, Label::Bicycle],
            Self::AbandonedObject => &[Label::Bag],
            Self::Fire => &[Label::Fire],
            Self::Smoke => &[Label::Smoke],
            _ => &[],
        }
    }

    /// What may stand in `labels`; empty: anything that a detector names.
    pub(super) fn fitting_labels(self) -> &'static [Label] {
        match self {
            Self::VehicleForbidden | Self::BlockedLane => {
                &[Label::Car, Label::Bus, Label::Truck, Label::Motorcycle, Label::Ebike, Label::Bicycle]
            }
            Self::EbikeInLift => &[Label::Ebike, Label::Motorcycle, Label::Bicycle],
            Self::AbandonedObject => &[Label::Bag, Label::Object],
            Self::Fall => &[Label::Person],
            Self::Fire => &[Label::Fire],
            Self::Smoke => &[Label::Smoke],
            _ => &[],
        }
    }

    /// Seconds that the condition must hold before it is an alarm, when `dwell_s` is not written. `None`: time is no
    /// part of it.
    pub(super) fn usual_dwell_s(self) -> Option<f64> {
        Some(match self {
            Self::Intrusion => 0.0,
            Self::LineCrossing => return None,
            Self::VehicleForbidden | Self::EbikeInLift => 1.0,
            Self::Fall | Self::Fire | Self::CameraCovered => 3.0,
            Self::Smoke => 4.0,
            Self::CameraMoved => 5.0,
            Self::Crowding | Self::CameraDefocused | Self::CameraFrozen => 10.0,
            Self::AbandonedObject | Self::CameraLost => 30.0,
            Self::Loitering | Self::BlockedLane => 60.0,
        })
    }

    /// The severity when none is written.
    pub(super) fn usual_severity(self) -> Severity {
        match self {
            Self::Fall | Self::Fire | Self::Smoke => Severity::Emergency,
            Self::Intrusion
            | Self::Crowding
            | Self::BlockedLane
            | Self::AbandonedObject
            | Self::EbikeInLift
            | Self::CameraCovered
            | Self::CameraLost => Severity::Major,
            _ => Severity::Normal,
        }
    }
}
