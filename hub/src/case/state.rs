//! The states of a case and the moves between them. Pure.
//!
//! All eight states of the design have their names here so that stored words never change; the moves that exist
//! are the ones people can make today. More moves widen [`Move`], nothing else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a case is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    Received,
    Filed,
    Dispatched,
    InProgress,
    Verifying,
    Closed,
    Void,
    Suspended,
}

/// What a person or the system does to a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// 立案
    File,
    /// 结案
    Close,
    /// 作废; a false alarm is a void with that reason.
    Void,
}

/// The move does not exist from where the case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a case that is {from} cannot be {}", to.past())]
pub struct InvalidTransition {
    pub from: CaseState,
    pub to: Move,
}

impl CaseState {
    pub const ALL: [Self; 8] = [
        Self::Received,
        Self::Filed,
        Self::Dispatched,
        Self::InProgress,
        Self::Verifying,
        Self::Closed,
        Self::Void,
        Self::Suspended,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Filed => "filed",
            Self::Dispatched => "dispatched",
            Self::InProgress => "in_progress",
            Self::Verifying => "verifying",
            Self::Closed => "closed",
            Self::Void => "void",
            Self::Suspended => "suspended",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Self::Received => "待受理",
            Self::Filed => "已立案待派遣",
            Self::Dispatched => "已派遣待签收",
            Self::InProgress => "处理中",
            Self::Verifying => "核查",
            Self::Closed => "结案",
            Self::Void => "作废",
            Self::Suspended => "挂账",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Self::Received => "Received",
            Self::Filed => "Filed",
            Self::Dispatched => "Dispatched",
            Self::InProgress => "In progress",
            Self::Verifying => "Verifying",
            Self::Closed => "Closed",
            Self::Void => "Void",
            Self::Suspended => "Suspended",
        }
    }

    /// An open case is joined by further incidents of its cause.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Closed | Self::Void)
    }

    pub fn after(self, step: Move) -> Result<Self, InvalidTransition> {
        match (self, step) {
            (Self::Received, Move::File) => Ok(Self::Filed),
            (Self::Received | Self::Filed, Move::Void) => Ok(Self::Void),
            (Self::Received | Self::Filed | Self::Verifying, Move::Close) => Ok(Self::Closed),
            (from, to) => Err(InvalidTransition { from, to }),
        }
    }
}

impl Move {
    /// The word in the history.
    pub fn past(self) -> &'static str {
        match self {
            Self::File => "filed",
            Self::Close => "closed",
            Self::Void => "voided",
        }
    }
}

impl fmt::Display for CaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CaseState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of state and move, written out: nothing leaves a closed or void case.
    #[test]
    fn moves_by_table() {
        for from in CaseState::ALL {
            let (file, close, void) = match from {
                CaseState::Received => (Some(CaseState::Filed), true, true),
                CaseState::Filed => (None, true, true),
                CaseState::Verifying => (None, true, false),
                _ => (None, false, false),
            };
            assert_eq!(from.after(Move::File).ok(), file);
            assert_eq!(from.after(Move::Close).ok(), close.then_some(CaseState::Closed));
            assert_eq!(from.after(Move::Void).ok(), void.then_some(CaseState::Void));
        }
    }

    /// Stored words read back.
    #[test]
    fn words_round_trip() {
        for state in CaseState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("open".parse::<CaseState>().is_err());
    }
}
