//! The words for the states of a case. Pure. What belongs to each, and how one becomes another, is [`crate::workflow`]'s.

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

    /// Stored words read back.
    #[test]
    fn words_round_trip() {
        for state in CaseState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("open".parse::<CaseState>().is_err());
    }
}
