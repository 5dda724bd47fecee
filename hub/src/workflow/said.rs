//! What the hub says of itself in a history: kept as what happened, with its numbers, and said in the reader's language when it
//! is read. Rows of before have a text alone, and keep it.

use protocol::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ClockKind;
use crate::calendar::Limit;

/// Where it stands in the detail of a row.
pub(super) const KEY: &str = "said";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Said {
    /// A clock has ended, and what it was for is not done.
    Overdue { clock: ClockKind, due_at: UtcMs, limit: Limit },
    /// The time of a suspension is over.
    SuspensionOver {},
    /// A box has passed its self-test, whose drill this case was.
    SelfTestPassed {},
}

impl Said {
    /// What a row says, where the hub wrote it so.
    pub fn of(detail: &Value) -> Option<Self> {
        serde_json::from_value(detail.get(KEY)?.clone()).ok()
    }

    /// In words; `moment` writes a time as its reader has it.
    pub fn words(&self, moment: impl Fn(UtcMs) -> String) -> (String, String) {
        match self {
            Self::Overdue { clock, due_at, limit } => {
                let ends = moment(*due_at);
                (
                    format!("{}已超期，期限 {ends}（{}）", clock.zh(), limit.zh()),
                    format!("{} is overdue since {ends} ({limit})", clock.en()),
                )
            }
            Self::SuspensionOver {} => ("挂账到期".to_owned(), "The suspension is over".to_owned()),
            Self::SelfTestPassed {} => ("自检通过".to_owned(), "Self-test passed".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is kept reads back and is said in both languages; a row of before says nothing so.
    #[test]
    fn it_is_said_in_either_language() {
        let said = Said::Overdue {
            clock: ClockKind::Handle,
            due_at: UtcMs(5),
            limit: "7 working days".parse().unwrap(),
        };
        let row = json!({ "text": "催办：…", "said": said });
        assert_eq!(row["said"]["what"], "overdue");
        let (zh, en) = Said::of(&row).unwrap().words(|at| format!("t{}", at.0));
        assert_eq!(zh, "处置已超期，期限 t5（7个工作日）");
        assert_eq!(en, "Handling is overdue since t5 (7 working days)");
        assert_eq!(Said::of(&json!({ "text": "x" })), None);
        assert_eq!(Said::of(&json!({ "said": { "what": "something later" } })), None);
    }
}
