//! What nobody looked for in a frame, and why.

use protocol::Label;
use serde::{Deserialize, Serialize};

/// Of what the configured detectors name: that which none of them looked for. Empty in the usual case, and where there is
/// no detector at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsought {
    /// A detector at work names it; it was not its turn, or it has not done looking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Label>,
    /// No detector at work names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Label>,
}

impl Unsought {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.missing.is_empty()
    }

    /// Whether it is one of these, for either reason.
    pub fn holds(&self, label: Label) -> bool {
        self.waiting.contains(&label) || self.missing.contains(&label)
    }
}
