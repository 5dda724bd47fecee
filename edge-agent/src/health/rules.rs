//! What watches for each rule.

use std::collections::BTreeMap;

use protocol::CameraId;

use super::{Post, Present, RuleHealth};
use crate::detector::{AtWork, PoseHealth};
use crate::rules::RuleConfig;

/// What watches for each rule; without a model that names what it waits for, what can do without.
pub(super) fn method_of_each(present: &Present, at_work: &[AtWork], pose: &PoseHealth) -> Vec<RuleHealth> {
    let pose = match pose {
        PoseHealth::Works { name, .. } => Some(name.as_str()),
        PoseHealth::Unwanted | PoseHealth::Fails { .. } => None,
    };
    let of = |(id, post): (&CameraId, &Post)| -> Vec<RuleHealth> {
        let health = |rule: &RuleConfig| RuleHealth {
            camera_id: id.clone(),
            rule_id: rule.id.clone(),
            kind: rule.incident_kind(),
            method: rule.method(at_work, pose),
        };
        post.rules.iter().map(health).collect()
    };
    present.cameras.iter().flat_map(of).collect()
}

/// One line for each camera with rules that nothing sees for now.
pub(super) fn at_rest(rules: &[RuleHealth]) -> Vec<String> {
    let mut by_camera: BTreeMap<&CameraId, Vec<&str>> = BTreeMap::new();
    for rule in rules.iter().filter(|rule| rule.method.is_none()) {
        by_camera.entry(&rule.camera_id).or_default().push(rule.rule_id.as_str());
    }
    let line = |(camera, rules): (&CameraId, Vec<&str>)| {
        format!("camera {camera}: {} rest until the detector is there", rules.join(", "))
    };
    by_camera.into_iter().map(line).collect()
}
