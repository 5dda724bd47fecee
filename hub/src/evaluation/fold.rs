//! One case as of a moment, from the rows of its history alone. Pure.
//!
//! The rows are read in their order, up to the moment; what is there then is what was known then. [`Ledger`] has state,
//! tasks, requests and clocks; what has no place in it because it passes (a filing, a verdict, a call-back) is an [`Act`].
//! Rows of other hubs and of before the ledger are read as far as they go; a history that does not say what the case is
//! counts nowhere, and the table says how many of those there were.

use protocol::UtcMs;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::calendar::Pause;
use crate::workflow::ledger::{Entry, FilingFact, Ledger};
use crate::workflow::{Ask, Satisfaction, VoidReason};

/// A row as far as it matters here.
#[derive(Clone, Debug)]
pub struct Row {
    pub at: UtcMs,
    pub action: String,
    pub detail: Value,
}

impl Row {
    /// `detail` as it is kept; what is no JSON says nothing.
    pub fn new(at: UtcMs, action: String, detail: &str) -> Self {
        Self { at, action, detail: serde_json::from_str(detail).unwrap_or_default() }
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.detail.get(name).and_then(Value::as_str)
    }
}

/// What is known of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFile {
    pub number: String,
    pub ledger: Ledger,
    /// The last filing there was, of a void case too.
    pub filing: Option<FilingFact>,
    /// In their order.
    pub acts: Vec<Act>,
    /// 挂账; the last may still last.
    pub suspended: Vec<Pause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act {
    pub at: UtcMs,
    pub deed: Deed,
}

/// What happened and passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    PassedUp,
    HandledHere,
    Voided(VoidReason),
    /// Into another case.
    Joined,
    /// 拆案: out of it again.
    Split,
    Filed,
    Rework,
    Closed,
    Reopened,
    /// A citizen was reached, and said so.
    CalledBack(Satisfaction),
}

/// Why a history says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It has no ledger, or had none yet.
    NoLedger,
    /// The how many-th row that was read cannot be understood.
    Odd(usize),
}

impl CaseFile {
    /// Reads rows in their order.
    pub fn fold(number: &str, rows: impl IntoIterator<Item = Row>) -> Result<Self, Unread> {
        let (mut ledger, mut filing): (Option<Ledger>, Option<FilingFact>) = (None, None);
        let (mut acts, mut suspended) = (Vec::new(), Vec::new());
        for (index, row) in rows.into_iter().enumerate() {
            let entry = Entry::read(&row.detail).map_err(|_| Unread::Odd(index + 1))?;
            match (&mut ledger, entry) {
                (Some(ledger), Some(entry)) => ledger.apply(entry),
                (none @ None, Some(entry)) => *none = Ledger::begin(entry),
                _ => {}
            }
            if let Some(ledger) = &mut ledger {
                beside(ledger, &row);
                if let Some(now) = &ledger.stand.filing {
                    filing = Some(now.clone());
                }
            }
            acts.extend(deed(&row).map(|deed| Act { at: row.at, deed }));
            if let Some(standstill) = Standstill::of(&row) {
                standstill.put(&mut suspended, row.at);
            }
        }
        let ledger = ledger.ok_or(Unread::NoLedger)?;
        Ok(Self { number: number.to_owned(), ledger, filing, acts, suspended })
    }
}

/// What changes without a step is said by its own rows: a more severe incident, a ticket.
fn beside(ledger: &mut Ledger, row: &Row) {
    match row.action.as_str() {
        "raised" => {
            if let Some(severity) = row.word("to").and_then(|word| word.parse().ok()) {
                ledger.subject.severity = severity;
            }
        }
        "ticket" | "corrected" => {
            if let Some(matter) = row.word("matter") {
                matter.clone_into(&mut ledger.subject.matter);
            }
        }
        _ => {}
    }
}

pub(super) fn deed(row: &Row) -> Option<Deed> {
    Some(match row.action.as_str() {
        "passed_up" => Deed::PassedUp,
        "handled_here" => Deed::HandledHere,
        "voided" => Deed::Voided(row.word("void").and_then(VoidReason::kept)?),
        "joined_into" => Deed::Joined,
        "split_off" => Deed::Split,
        "filed" => Deed::Filed,
        "rework" => Deed::Rework,
        "closed" => Deed::Closed,
        "reopened" => Deed::Reopened,
        "called_back" => Deed::CalledBack(row.word("satisfaction").and_then(Satisfaction::kept)?),
        _ => return None,
    })
}

/// 挂账 begins or ends with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standstill {
    Begins,
    Ends,
}

impl Standstill {
    pub(super) fn of(row: &Row) -> Option<Self> {
        let granted = (row.action == "granted").then(|| row.word("ask").and_then(Ask::kept)).flatten();
        match granted {
            Some(Ask::Suspension) => Some(Self::Begins),
            Some(Ask::Resumption) => Some(Self::Ends),
            _ => (row.action == "resumed").then_some(Self::Ends),
        }
    }

    pub(super) fn put(self, suspended: &mut Vec<Pause>, at: UtcMs) {
        match self {
            Self::Begins => suspended.push(Pause { from: at, to: None }),
            Self::Ends => {
                for open in suspended.iter_mut().filter(|pause| pause.to.is_none()) {
                    open.to = Some(UtcMs(at.0.max(open.from.0)));
                }
            }
        }
    }
}
