//! What a pose model wants to be shown and how it answers, as data.

use serde::Deserialize;

use crate::contract::PictureInput;

/// A pose model's side of the agreement: it is shown one person, and says where the joints are.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoseContract {
    pub picture: PictureInput,
    pub answer: PoseAnswer,
}

/// How the model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum PoseAnswer {
    /// MoveNet for one person: one tensor of floats, 17 points in COCO's order, each y and x as shares of the input,
    /// and a score.
    Movenet {},
}

impl PoseContract {
    /// What makes it unusable, if anything does.
    pub fn problem(&self) -> Option<String> {
        self.picture.problem()
    }
}
