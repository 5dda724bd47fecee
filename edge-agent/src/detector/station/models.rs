//! How it is with each model of a box by itself, for whoever looks after it.

use super::{Condition, DetectorStation, Standing};
use crate::detector::pose::PoseHealth;

/// One model, as it was asked for and as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelState {
    /// As the configuration names it.
    pub wanted: String,
    /// It says how people stand, instead of who is there.
    pub is_pose: bool,
    /// Name and version of what looks; `None`: nothing does.
    pub at_work: Option<String>,
    /// What looks is the product's own, because what is wanted is not installed.
    pub stand_in: bool,
    /// Why nothing looks; else what is less than it should be: the provider, or a newer model that was refused.
    pub reason: Option<String>,
    /// Pictures it looked at since it was started.
    pub looked: u64,
}

impl DetectorStation {
    /// Every model that is configured, and the one for poses once a rule wants it.
    pub fn models(&self) -> Vec<ModelState> {
        let detectors = self.shared.posts.iter().filter_map(of);
        let pose = self.shared.pose.called().map(|wanted| {
            let (at_work, reason) = match self.shared.pose.health() {
                PoseHealth::Works { name, note } => (Some(name), note),
                PoseHealth::Fails { reason } => (None, Some(reason)),
                PoseHealth::Unwanted => (None, None),
            };
            let looked = self.shared.pose.looked();
            ModelState { wanted, is_pose: true, at_work, stand_in: false, reason, looked }
        });
        detectors.chain(pose).collect()
    }
}

fn of(post: &Standing) -> Option<ModelState> {
    let (at_work, stand_in, reason) = match post.lane.condition() {
        Condition::Works { name, stand_in, note, .. } => (Some(name.to_string()), stand_in, note),
        Condition::Fails { reason } => (None, false, Some(reason)),
    };
    let wanted = post.called.clone().or_else(|| at_work.clone())?;
    let looked = post.lane.stats().detected;
    Some(ModelState { wanted, is_pose: false, at_work, stand_in, reason, looked })
}
