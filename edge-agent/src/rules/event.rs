//! What a rule tells of.

use std::sync::Arc;

use protocol::{IncidentKind, Label, NormBox, Phase, RuleId, Severity, UtcMs};
use serde::{Deserialize, Serialize};

/// One thing that happens to an occurrence of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleEvent {
    pub rule_id: RuleId,
    pub rule_name: String,
    /// The same in English.
    pub rule_name_en: String,
    pub kind: IncidentKind,
    pub severity: Severity,
    pub phase: Phase,
    /// Which occurrence of this rule, counted from 1 since the analyser started.
    pub serial: u64,
    /// Capture time of the frame that brought it; of `Ended`, when the occurrence counts as over.
    pub at: UtcMs,
    /// When the condition of the alarm was met.
    pub started_at: UtcMs,
    /// Of the best picture so far, like `score`, `region` and `method`.
    pub label: Label,
    /// 0 for motion.
    pub score: f32,
    pub region: NormBox,
    /// Most matching objects at once so far.
    pub object_count: u32,
    /// True while motion alone has seen it.
    pub motion_only: bool,
    /// What saw it: a model's name and version, or one of [`super::method`].
    pub method: Arc<str>,
    /// True when the frame just analysed is the best picture so far: take the snapshot from it.
    pub best_frame: bool,
}
