//! A rule as it runs: everything looked up and checked, each kind with its own data only. [`RuleTable`] makes it of
//! what an installer writes.
//!
//! [`RuleTable`]: super::RuleTable

use protocol::{IncidentKind, Label, RuleId, Severity};

use super::kind::RuleKind;
use super::line::Line;
use super::method;
use super::schedule::Schedule;
use super::zone::Zone;
use crate::detector::AtWork;
use crate::signs::Wanted;

#[derive(Clone, Debug, PartialEq)]
pub struct RuleConfig {
    pub id: RuleId,
    pub kind: RuleKind,
    /// As people call it: 消防通道. Empty: the kind's name.
    pub name: String,
    /// The same in English.
    pub name_en: String,
    pub enabled: bool,
    pub severity: Severity,
    /// Seconds after the end of an occurrence in which no new one opens. The default of 0 misses no second
    /// visitor; the hub joins incidents of one rule in one case anyway.
    pub cooldown_s: u32,
    /// When it watches; `None`: always.
    pub schedule: Option<Schedule>,
    /// Name of its zone or line; `None`: the whole picture.
    pub place: Option<String>,
    pub task: Task,
}

/// What a rule does, by mechanism.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// A thing is in a zone. `by_motion`: without a detector, whatever moves stands for it.
    Presence { area: Area, dwell_ms: i64, by_motion: bool },
    /// A thing steps over a line.
    Crossing { line: Line, whom: Whom },
    /// One thing stays in a zone.
    Loitering { area: Area, dwell_ms: i64 },
    /// So many at once, for so long.
    Crowding { area: Area, count: u32, dwell_ms: i64 },
    /// A vehicle stands in a zone. `by_background`: no model names vehicles, so whatever large came to stand there.
    Parking { area: Area, dwell_ms: i64, by_background: bool },
    /// A thing was put down and nobody is near it.
    Left { area: Area, dwell_ms: i64 },
    /// A person fell and stays down.
    Fall { area: Area, dwell_ms: i64 },
    /// Fire or smoke.
    Burning { area: Area, dwell_ms: i64, by: Burning },
    /// The view itself.
    View { trouble: ViewTrouble, dwell_ms: i64 },
    /// No picture comes; watched over beside the stations, because no frame tells of it.
    Lost { dwell_ms: i64 },
}

/// What sees fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burning {
    /// A model; nothing stands in for it.
    Model,
    /// A model, and colour with flicker while it is away.
    ModelOrFlames,
    /// Colour with flicker: no model names fire.
    Flames,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewTrouble {
    Covered,
    Defocused,
    Moved,
    Frozen,
}

/// Which things count.
#[derive(Clone, Debug, PartialEq)]
pub struct Whom {
    pub labels: Vec<Label>,
    /// The detector must have been this sure of it over several sights.
    pub min_score: f32,
    /// Smallest height, as share of the picture's height.
    pub min_size: f32,
}

/// Which things count, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    pub zone: Zone,
    pub whom: Whom,
}

/// What is wrong in a rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}, {field}: {problem}")]
pub struct RuleError {
    pub rule: String,
    /// Name of the field in the configuration: `min_score`.
    pub field: String,
    pub problem: String,
}

impl RuleConfig {
    /// The whole picture, everything as by default, detectors that name whatever it needs.
    pub fn whole_picture(id: RuleId, kind: RuleKind) -> Self {
        super::RuleTable::new(id, kind).compile_anywhere()
    }

    pub fn incident_kind(&self) -> IncidentKind {
        self.kind.incident_kind()
    }

    /// Whether it asks a pose model where it is in doubt.
    pub fn asks_pose(&self) -> bool {
        matches!(self.task, Task::Fall { .. })
    }

    /// What watches for it while these models are at work, and this pose model; `None`: nothing does.
    pub fn method(&self, models: &[AtWork], pose: Option<&str>) -> Option<String> {
        // Those that name what it waits for.
        let model = |whom: &Whom| {
            let names = models.iter().filter(|m| whom.labels.iter().any(|label| m.labels.contains(label)));
            names.map(|m| m.name.to_string()).reduce(|all, name| format!("{all} + {name}"))
        };
        let or = |named: Option<String>, method: &str| named.or_else(|| Some(method.to_owned()));
        match &self.task {
            Task::Fall { area, .. } => {
                let also = pose.unwrap_or(method::SHAPE);
                model(&area.whom).map(|model| format!("{model}, {also}, {}", method::BACKGROUND))
            }
            Task::Presence { area, by_motion: true, .. } => or(model(&area.whom), method::MOTION),
            Task::Crossing { whom, .. } => model(whom),
            // Where none at work names vehicles, whatever large came to stand there.
            Task::Parking { area, by_background: false, .. } => or(model(&area.whom), method::BACKGROUND),
            Task::Presence { area, .. }
            | Task::Loitering { area, .. }
            | Task::Crowding { area, .. }
            | Task::Burning { area, by: Burning::Model, .. } => model(&area.whom),
            Task::Burning { area, by: Burning::ModelOrFlames, .. } => or(model(&area.whom), method::FLAMES),
            Task::Burning { by: Burning::Flames, .. } => Some(method::FLAMES.to_owned()),
            Task::Parking { .. } | Task::Left { .. } => Some(method::BACKGROUND.to_owned()),
            Task::View { .. } => Some(method::VIEW.to_owned()),
            Task::Lost { .. } => Some(method::GAP.to_owned()),
        }
    }

    /// The methods that read the picture itself for it.
    pub(super) fn wants(&self) -> Wanted {
        let mut wanted = Wanted::default();
        match &self.task {
            Task::Burning { by, .. } => wanted.flame = *by != Burning::Model,
            // A fire lane in the dark beside a model, too.
            Task::Left { .. } | Task::Fall { .. } | Task::Parking { .. } => wanted.left = true,
            Task::View { .. } => wanted.view = true,
            _ => {}
        }
        wanted
    }

    pub fn title(&self) -> String {
        if self.name.is_empty() { self.incident_kind().zh().to_owned() } else { self.name.clone() }
    }

    /// Its title on English screens.
    pub fn title_en(&self) -> String {
        if self.name_en.is_empty() { self.incident_kind().en().to_owned() } else { self.name_en.clone() }
    }
}
