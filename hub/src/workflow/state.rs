//! Where a case is, with everything that belongs there.

use protocol::UtcMs;
use serde::{Deserialize, Serialize};

use crate::case::CaseState;
use crate::organisation::Level;

/// States with their data. What a state needs it has; what it must not have it cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// 待受理, at this level.
    Received { level: Level },
    /// 已立案待派遣
    Filed(Filing),
    /// 已派遣待签收
    Dispatched(Filing, Work),
    /// 处理中
    InProgress(Filing, Work),
    /// 挂账
    Suspended(Filing, Work, Suspension),
    /// 核查
    Verifying(Filing, Work, Report, Option<Check>),
    /// 结案
    Closed(Ending),
    /// 作废
    Void {
        reason: VoidReason,
        /// The number of the case that it joined.
        into: Option<String>,
        at: UtcMs,
    },
}

/// 立案: from then on its category and policy hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filing {
    /// [`crate::case::category`]
    pub category: String,
    /// Version, calendar included.
    pub policy: i64,
    pub at: UtcMs,
}

/// 派遣: one lead, any number of co-handlers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    pub lead: Task,
    pub co: Vec<Task>,
}

/// 主办 or 协办.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Lead,
    Co,
}

/// What one unit has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Counted over all dispatches of the case, from 1.
    pub task: i64,
    pub unit: String,
    pub part: Part,
    pub state: TaskState,
    /// Who of the unit has it.
    pub desk: Option<String>,
    pub dispatched_at: UtcMs,
    pub accepted_at: Option<UtcMs>,
    pub ended_at: Option<UtcMs>,
    pub result: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    Dispatched,
    Accepted,
    Done,
    /// The centre lets the case go on without this co-handler's part.
    Waived,
    Withdrawn,
    /// 退回: it was the wrong unit's.
    Returned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// The hub resumes it then.
    pub until: UtcMs,
}

/// 反馈
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub result: String,
    pub at: UtcMs,
}

/// What somebody found on site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub agrees: bool,
    pub by: String,
    pub at: UtcMs,
}

/// 结案
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub how: How,
    pub at: UtcMs,
    /// Of a case that was filed.
    pub filing: Option<Filing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// 自行处置, still 登记备案.
    HandledHere,
    /// By way of dispatch and verification.
    Verified,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoidReason {
    /// 误报: feeds the precision of the rule that raised it.
    FalseAlarm,
    /// 重复
    Duplicate,
    /// 不属受理范围
    NotOurs,
    /// 信息不足
    Unclear,
    /// 撤诉
    TakenBack,
    /// 并案: it goes on in another case.
    Joined,
}

/// 督办
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Card {
    Yellow,
    Red,
    Black,
}

/// 满意度
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Satisfaction {
    Satisfied,
    /// 基本满意
    Mostly,
    Unsatisfied,
}

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal, $zh:literal, $en:literal;)* }) => {
        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As it is kept.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            pub fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }

            pub fn en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }

            pub fn kept(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}
pub(super) use words;

words!(Part { Lead = "lead", "主办", "Lead"; Co = "co", "协办", "Co-handler"; });
words!(TaskState {
    Dispatched = "dispatched", "待签收", "To be accepted";
    Accepted = "accepted", "办理中", "In hand";
    Done = "done", "已办结", "Done";
    Waived = "waived", "已免办", "Waived";
    Withdrawn = "withdrawn", "已撤回", "Withdrawn";
    Returned = "returned", "已退回", "Returned";
});
words!(How {
    HandledHere = "handled_here", "自行处置", "Handled at this level";
    Verified = "verified", "核查结案", "Verified";
});
words!(VoidReason {
    FalseAlarm = "false_alarm", "误报", "False alarm";
    Duplicate = "duplicate", "重复", "Duplicate";
    NotOurs = "not_ours", "不属受理范围", "Not ours to handle";
    Unclear = "unclear", "信息不足", "Too little is known";
    TakenBack = "taken_back", "反映人撤回", "Taken back by who reported it";
    Joined = "joined", "并案", "Joined to another case";
});
words!(Card {
    Yellow = "yellow", "黄牌督办", "Yellow card";
    Red = "red", "红牌督办", "Red card";
    Black = "black", "黑牌督办", "Black card";
});
words!(Satisfaction {
    Satisfied = "satisfied", "满意", "Satisfied";
    Mostly = "mostly", "基本满意", "Mostly satisfied";
    Unsatisfied = "unsatisfied", "不满意", "Unsatisfied";
});

impl State {
    pub fn word(&self) -> CaseState {
        match self {
            Self::Received { .. } => CaseState::Received,
            Self::Filed(_) => CaseState::Filed,
            Self::Dispatched(..) => CaseState::Dispatched,
            Self::InProgress(..) => CaseState::InProgress,
            Self::Suspended(..) => CaseState::Suspended,
            Self::Verifying(..) => CaseState::Verifying,
            Self::Closed(_) => CaseState::Closed,
            Self::Void { .. } => CaseState::Void,
        }
    }

    pub fn filing(&self) -> Option<&Filing> {
        match self {
            Self::Filed(filing)
            | Self::Dispatched(filing, _)
            | Self::InProgress(filing, _)
            | Self::Suspended(filing, ..)
            | Self::Verifying(filing, ..) => Some(filing),
            Self::Closed(ending) => ending.filing.as_ref(),
            Self::Received { .. } | Self::Void { .. } => None,
        }
    }

    pub(super) fn filing_mut(&mut self) -> Option<&mut Filing> {
        match self {
            Self::Filed(filing)
            | Self::Dispatched(filing, _)
            | Self::InProgress(filing, _)
            | Self::Suspended(filing, ..)
            | Self::Verifying(filing, ..) => Some(filing),
            Self::Received { .. } | Self::Closed(_) | Self::Void { .. } => None,
        }
    }

    pub fn work(&self) -> Option<&Work> {
        match self {
            Self::Dispatched(_, work)
            | Self::InProgress(_, work)
            | Self::Suspended(_, work, _)
            | Self::Verifying(_, work, ..) => Some(work),
            _ => None,
        }
    }

    pub(super) fn work_mut(&mut self) -> Option<&mut Work> {
        match self {
            Self::Dispatched(_, work)
            | Self::InProgress(_, work)
            | Self::Suspended(_, work, _)
            | Self::Verifying(_, work, ..) => Some(work),
            _ => None,
        }
    }
}

impl Work {
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        std::iter::once(&self.lead).chain(&self.co)
    }

    pub(super) fn tasks_mut(&mut self) -> impl Iterator<Item = &mut Task> {
        std::iter::once(&mut self.lead).chain(&mut self.co)
    }
}

impl Task {
    pub fn is_open(&self) -> bool {
        matches!(self.state, TaskState::Dispatched | TaskState::Accepted)
    }

    pub(super) fn end(&mut self, state: TaskState, at: UtcMs) {
        self.state = state;
        self.ended_at = Some(at);
    }
}
