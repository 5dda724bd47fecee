//! The hub's word, after its commit, on one message. Each outcome releases the box's row.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::id::MessageId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptOutcome {
    Stored,
    /// Already stored; harmless.
    Duplicate,
    /// Kept where people see it; the box keeps its copy too.
    Quarantined,
    /// Not kept (wrong sender, too large); the box keeps its copy for people to see.
    Refused,
}

impl ReceiptOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Quarantined => "quarantined",
            Self::Refused => "refused",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    pub message_id: MessageId,
    pub outcome: ReceiptOutcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Hub's clock, at commit.
    pub at: UtcMs,
}
