//! Zones, lines and rules as an installer writes them: flat tables that refuse unknown keys, compiled against each
//! other and against what the configured detectors can name. A rule that nothing could see is refused here.

use std::collections::BTreeMap;

use protocol::limits::MAX_NAME_CHARS;
use protocol::{Label, RuleId, Severity};
use serde::Deserialize;

use super::config::{Area, Burning, RuleConfig, RuleError, Task, ViewTrouble, Whom};
use super::kind::{Place, RuleKind};
use super::line::{Direction, Line};
use super::schedule::Schedule;
use super::zone::Zone;
use crate::config::nearest;
use crate::detector::is_aside;

/// One `[[camera.zones]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneTable {
    pub id: String,
    /// Outline in shares of the picture, `[x, y]` each, in order.
    pub polygon: Vec<[f32; 2]>,
}

/// One `[[camera.lines]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineTable {
    pub id: String,
    /// Its two ends in shares of the picture.
    pub points: Vec<[f32; 2]>,
}

/// One `[[camera.masks]]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskTable {
    pub polygon: Vec<[f32; 2]>,
}

/// One `[[camera.rules]]`, without its schedule.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTable {
    pub id: RuleId,
    pub kind: RuleKind,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub name_en: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Id of a zone; the whole picture when not written.
    #[serde(default)]
    pub zone: Option<String>,
    /// Id of a line.
    #[serde(default)]
    pub line: Option<String>,
    #[serde(default)]
    pub direction: Option<Direction>,
    #[serde(default)]
    pub labels: Option<Vec<Label>>,
    #[serde(default)]
    pub min_score: Option<f32>,
    #[serde(default)]
    pub min_size: Option<f32>,
    #[serde(default)]
    pub dwell_s: Option<f64>,
    #[serde(default)]
    pub count: Option<u32>,
    #[serde(default)]
    pub severity: Option<Severity>,
    #[serde(default)]
    pub cooldown_s: u32,
}

fn yes() -> bool {
    true
}

pub const USUAL_SCORE: f32 = 0.5;
const USUAL_COUNT: u32 = 5;
/// Longest times that can be asked for.
const DAY_S: u32 = 86_400;

/// What the rules of one camera may refer to. What is wrong in itself is there as `None`, and told elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Geometry {
    pub zones: BTreeMap<String, Option<Zone>>,
    pub lines: BTreeMap<String, Option<Line>>,
}

impl RuleTable {
    /// Everything left at its default.
    pub fn new(id: RuleId, kind: RuleKind) -> Self {
        Self {
            id,
            kind,
            name: String::new(),
            name_en: String::new(),
            enabled: true,
            zone: None,
            line: None,
            direction: None,
            labels: None,
            min_score: None,
            min_size: None,
            dwell_s: None,
            count: None,
            severity: None,
            cooldown_s: 0,
        }
    }

    /// The rule as it runs; `named`: labels that the configured detectors can name. All mistakes at once.
    pub fn compile(
        &self,
        geometry: &Geometry,
        schedule: Option<Schedule>,
        named: &[Label],
    ) -> Result<RuleConfig, Vec<RuleError>> {
        let mut reader = Reader { table: self, geometry, named, errors: Vec::new() };
        reader.refuse_what_means_nothing();
        reader.check_numbers();
        let task = reader.task();
        if !reader.errors.is_empty() {
            return Err(reader.errors);
        }
        Ok(RuleConfig { schedule, ..self.with(task) })
    }

    /// On the whole picture, with detectors that name everything.
    pub(super) fn compile_anywhere(&self) -> RuleConfig {
        let geometry = Geometry::default();
        let mut reader = Reader { table: self, geometry: &geometry, named: Label::ALL, errors: Vec::new() };
        let task = reader.task();
        self.with(task)
    }

    fn with(&self, task: Task) -> RuleConfig {
        RuleConfig {
            id: self.id.clone(),
            kind: self.kind,
            name: self.name.clone(),
            name_en: self.name_en.clone(),
            enabled: self.enabled,
            severity: self.severity.unwrap_or_else(|| self.kind.usual_severity()),
            cooldown_s: self.cooldown_s,
            schedule: None,
            place: self.zone.clone().or_else(|| self.line.clone()),
            task,
        }
    }
}

struct Reader<'a> {
    table: &'a RuleTable,
    geometry: &'a Geometry,
    named: &'a [Label],
    errors: Vec<RuleError>,
}

impl Reader<'_> {
    fn wrong(&mut self, field: &str, problem: impl Into<String>) {
        let rule = self.table.id.to_string();
        self.errors.push(RuleError { rule, field: field.to_owned(), problem: problem.into() });
    }

    fn refuse_what_means_nothing(&mut self) {
        let (table, kind) = (self.table, self.table.kind);
        let place = kind.place();
        let objects = place != Place::Picture;
        for (field, written, means) in [
            ("zone", table.zone.is_some(), place == Place::Zone),
            ("line", table.line.is_some(), place == Place::Line),
            ("direction", table.direction.is_some(), place == Place::Line),
            ("labels", table.labels.is_some(), objects),
            ("min_score", table.min_score.is_some(), objects),
            ("min_size", table.min_size.is_some(), objects),
            ("count", table.count.is_some(), kind == RuleKind::Crowding),
            ("dwell_s", table.dwell_s.is_some(), kind.usual_dwell_s().is_some()),
        ] {
            if written && !means {
                let instead = match (field, place) {
                    ("zone", Place::Line) => ": it watches a `line`",
                    ("line" | "direction", Place::Zone) => ": it watches a `zone`",
                    ("zone" | "line", Place::Picture) => ": it watches the whole picture",
                    _ => "",
                };
                self.wrong(field, format!("means nothing for {}{instead}; leave it out", kind.word()));
            }
        }
    }

    fn check_numbers(&mut self) {
        let table = self.table;
        for (field, value) in [("min_score", table.min_score), ("min_size", table.min_size)] {
            if let Some(value) = value.filter(|v| !(0.0..=1.0).contains(v)) {
                self.wrong(field, format!("{value} is not between 0 and 1"));
            }
        }
        if let Some(dwell) = table.dwell_s.filter(|v| !(0.0..=f64::from(DAY_S)).contains(v)) {
            self.wrong("dwell_s", format!("{dwell} is not between 0 and {DAY_S} seconds"));
        }
        if let Some(count) = table.count.filter(|v| !(2..=10_000).contains(v)) {
            self.wrong("count", format!("{count} is not between 2 and 10000"));
        }
        if table.cooldown_s > DAY_S {
            self.wrong("cooldown_s", format!("{} is more than a day ({DAY_S} seconds)", table.cooldown_s));
        }
        for (field, name) in [("name", &table.name), ("name_en", &table.name_en)] {
            let length = name.chars().count();
            if length > MAX_NAME_CHARS {
                self.wrong(
                    field,
                    format!("has {length} characters; {MAX_NAME_CHARS} are enough for everybody"),
                );
            }
        }
    }

    fn task(&mut self) -> Task {
        let kind = self.table.kind;
        let dwell_ms = self.dwell_ms();
        match kind {
            RuleKind::Intrusion => {
                // Motion stands in only where no detector names what moves.
                let area = self.area(is_aside(self.named));
                Task::Presence { area, dwell_ms, by_motion: true }
            }
            RuleKind::VehicleForbidden | RuleKind::EbikeInLift => {
                Task::Presence { area: self.area(false), dwell_ms, by_motion: false }
            }
            RuleKind::LineCrossing => Task::Crossing { line: self.line(), whom: self.whom(false) },
            RuleKind::Loitering => Task::Loitering { area: self.area(false), dwell_ms },
            RuleKind::Crowding => {
                let count = self.table.count.unwrap_or(USUAL_COUNT);
                Task::Crowding { area: self.area(false), count, dwell_ms }
            }
            RuleKind::BlockedLane => {
                let area = self.area(true);
                let by_background = !area.whom.labels.iter().any(|label| self.named.contains(label));
                Task::Parking { area, dwell_ms, by_background }
            }
            RuleKind::AbandonedObject => Task::Left { area: self.area(true), dwell_ms },
            RuleKind::Fall => Task::Fall { area: self.area(false), dwell_ms },
            RuleKind::Fire => {
                let named = self.named.contains(&Label::Fire);
                let by = if named { Burning::ModelOrFlames } else { Burning::Flames };
                Task::Burning { area: self.area(true), dwell_ms, by }
            }
            RuleKind::Smoke => Task::Burning { area: self.area(false), dwell_ms, by: Burning::Model },
            RuleKind::CameraCovered => Task::View { trouble: ViewTrouble::Covered, dwell_ms },
            RuleKind::CameraDefocused => Task::View { trouble: ViewTrouble::Defocused, dwell_ms },
            RuleKind::CameraMoved => Task::View { trouble: ViewTrouble::Moved, dwell_ms },
            RuleKind::CameraFrozen => Task::View { trouble: ViewTrouble::Frozen, dwell_ms },
            RuleKind::CameraLost => Task::Lost { dwell_ms },
        }
    }

    fn dwell_ms(&self) -> i64 {
        let dwell_s = self.table.dwell_s.or(self.table.kind.usual_dwell_s()).unwrap_or_default();
        (dwell_s * 1_000.0).round() as i64
    }

    /// `unnamed`: another method stands in where no detector names what it waits for.
    fn area(&mut self, unnamed: bool) -> Area {
        Area { zone: self.zone(), whom: self.whom(unnamed) }
    }

    fn zone(&mut self) -> Zone {
        let Some(id) = &self.table.zone else { return Zone::whole_picture() };
        match self.geometry.zones.get(id) {
            Some(Some(zone)) => return zone.clone(),
            Some(None) => {}
            None => {
                let known = nearest(id, self.geometry.zones.keys().map(String::as_str));
                let add = "write a [[camera.zones]] table with that id";
                self.wrong("zone", format!("the camera has no zone \"{id}\"{known}; {add}"));
            }
        }
        Zone::whole_picture()
    }

    fn line(&mut self) -> Line {
        const ANY: Line = Line::across();
        let Some(id) = &self.table.line else {
            let add = "write `line = \"ID\"` and a [[camera.lines]] table with that id";
            self.wrong("line", format!("is missing; {add}"));
            return ANY;
        };
        let line = match self.geometry.lines.get(id) {
            Some(Some(line)) => *line,
            Some(None) => return ANY,
            None => {
                let known = nearest(id, self.geometry.lines.keys().map(String::as_str));
                let add = "write a [[camera.lines]] table with that id";
                self.wrong("line", format!("the camera has no line \"{id}\"{known}; {add}"));
                return ANY;
            }
        };
        line.towards(self.table.direction.unwrap_or_default()).unwrap_or_else(|why| {
            self.wrong("direction", why);
            ANY
        })
    }

    fn whom(&mut self, unnamed: bool) -> Whom {
        let kind = self.table.kind;
        let known = |labels: &[Label]| labels.iter().map(|l| l.as_str()).collect::<Vec<_>>().join(", ");
        let usual = kind.usual_labels();
        let named = |label: &Label| self.named.contains(label);
        let labels = match &self.table.labels {
            None => usual.to_vec(),
            Some(written) if written.is_empty() => {
                self.wrong("labels", format!("is empty; name at least one, such as \"{}\"", usual[0]));
                Vec::new()
            }
            Some(written) => written.clone(),
        };
        if self.table.labels.is_some() {
            let fitting = kind.fitting_labels();
            let stands_in = unnamed && !labels.iter().any(named);
            for label in &labels {
                let nameable = stands_in || named(label);
                let problem = match label {
                    Label::Motion => "stands in by itself when no detector is there".to_owned(),
                    Label::Picture => "is the picture itself, which no detector names".to_owned(),
                    Label::Object if kind == RuleKind::AbandonedObject => continue,
                    _ if !fitting.is_empty() && !fitting.contains(label) => {
                        format!("is nothing that {} can be; use some of {}", kind.word(), known(fitting))
                    }
                    // Something else sees it.
                    Label::Fire if kind == RuleKind::Fire => continue,
                    Label::Bag if kind == RuleKind::AbandonedObject => continue,
                    _ if !nameable => {
                        format!("is named by no configured detector; they know {}", known(self.named))
                    }
                    _ => continue,
                };
                self.wrong("labels", format!("\"{label}\" {problem}"));
            }
        } else if !unnamed && !labels.iter().any(named) {
            let seen = if self.named.is_empty() {
                "none is configured".to_owned()
            } else {
                format!("the configured ones name {}", known(self.named))
            };
            self.wrong(
                "kind",
                format!("{} needs a detector that names {}; {seen}", kind.word(), known(usual)),
            );
        }
        Whom {
            labels,
            min_score: self.table.min_score.unwrap_or(USUAL_SCORE),
            min_size: self.table.min_size.unwrap_or_default(),
        }
    }
}
