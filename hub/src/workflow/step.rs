//! What somebody does to a case.

use protocol::UtcMs;
use serde::{Deserialize, Serialize};

use super::refusal::Missing;
use super::state::words;
use super::{Card, Satisfaction, VoidReason};
use crate::calendar::Limit;
use crate::organisation::Level;

/// Longest text of a step, in characters.
pub(super) const MOST_TEXT: usize = 2_000;

/// A move of the table, with what it needs. Texts have 1 to 2000 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "move", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// 自行处置, at the level that has it.
    HandleHere {
        result: String,
    },
    /// 上报; with a level further up, 越级.
    PassUp {
        #[serde(default)]
        to: Option<Level>,
        reason: String,
    },
    /// 作废
    Void {
        reason: VoidReason,
        note: String,
    },
    /// 合并: it goes on in another open case, by its number.
    Join {
        into: String,
        note: String,
    },
    /// 拆案: it was joined to another case by mistake, and goes its own way again.
    Split {
        reason: String,
    },
    /// 立案
    File {
        category: String,
        #[serde(default)]
        note: String,
    },
    /// 派遣
    Dispatch {
        lead: String,
        #[serde(default)]
        co: Vec<String>,
        #[serde(default)]
        note: String,
    },
    /// 签收
    Accept {},
    /// 撤回
    Withdraw {
        reason: String,
    },
    /// 退回: only of a wrong dispatch.
    AskReturn {
        reason: String,
    },
    /// 延时
    AskExtension {
        #[schema(value_type = String, example = "3 working days")]
        by: Limit,
        reason: String,
    },
    /// 挂账
    AskSuspension {
        until: UtcMs,
        reason: String,
    },
    /// 恢复
    AskResumption {
        reason: String,
    },
    /// 分类修改
    AskCategory {
        category: String,
        reason: String,
    },
    /// The unit's head stands behind a request.
    Endorse {
        request: String,
        #[serde(default)]
        note: String,
    },
    /// 审批
    Decide {
        request: String,
        grant: bool,
        reason: String,
    },
    /// 转派, to another desk of the unit.
    Reassign {
        desk: String,
        reason: String,
    },
    /// 办理
    Progress {
        text: String,
    },
    /// A co-handler's part is done.
    FinishPart {
        result: String,
    },
    /// The case goes on without a co-handler's part.
    Waive {
        unit: String,
        reason: String,
    },
    /// The centre resumes a suspended case.
    Resume {
        reason: String,
    },
    /// 反馈
    Report {
        result: String,
    },
    /// 核查, on site.
    Check {
        agrees: bool,
        note: String,
    },
    /// 返工
    Rework {
        reason: String,
    },
    /// 结案
    Close {
        #[serde(default)]
        note: String,
    },
    /// 重开
    Reopen {
        reason: String,
    },
    /// 回访
    CallBack {
        reached: bool,
        #[serde(default)]
        satisfaction: Option<Satisfaction>,
        #[serde(default)]
        note: String,
    },
    /// 催办
    Remind {
        text: String,
    },
    /// 督办
    Supervise {
        card: Card,
        reason: String,
    },
    LiftCard {
        card: Card,
        reason: String,
    },
}

/// A move without what it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    HandleHere,
    PassUp,
    Void,
    Join,
    Split,
    File,
    Dispatch,
    Accept,
    Withdraw,
    AskReturn,
    AskExtension,
    AskSuspension,
    AskResumption,
    AskCategory,
    Endorse,
    Decide,
    Reassign,
    Progress,
    FinishPart,
    Waive,
    Resume,
    Report,
    Check,
    Rework,
    Close,
    Reopen,
    CallBack,
    Remind,
    Supervise,
    LiftCard,
}

words!(StepKind {
    HandleHere = "handle_here", "自行处置", "Handle here";
    PassUp = "pass_up", "上报", "Pass up";
    Void = "void", "作废", "Void";
    Join = "join", "并案", "Join to another case";
    Split = "split", "拆案", "Split off again";
    File = "file", "立案", "File";
    Dispatch = "dispatch", "派遣", "Dispatch";
    Accept = "accept", "签收", "Accept";
    Withdraw = "withdraw", "撤回", "Withdraw";
    AskReturn = "ask_return", "申请退回", "Ask to return it";
    AskExtension = "ask_extension", "申请延时", "Ask for more time";
    AskSuspension = "ask_suspension", "申请挂账", "Ask to suspend it";
    AskResumption = "ask_resumption", "申请恢复", "Ask to resume it";
    AskCategory = "ask_category", "申请修改分类", "Ask for another category";
    Endorse = "endorse", "部门负责人同意", "Endorse a request";
    Decide = "decide", "审批", "Decide a request";
    Reassign = "reassign", "转派", "Reassign";
    Progress = "progress", "填写进展", "Note progress";
    FinishPart = "finish_part", "协办办结", "Finish a part";
    Waive = "waive", "免办", "Waive a part";
    Resume = "resume", "恢复", "Resume";
    Report = "report", "反馈", "Report the result";
    Check = "check", "现场核查", "Check on site";
    Rework = "rework", "返工", "Send back";
    Close = "close", "结案", "Close";
    Reopen = "reopen", "重开", "Reopen";
    CallBack = "call_back", "回访", "Call back";
    Remind = "remind", "催办", "Remind";
    Supervise = "supervise", "督办", "Supervise";
    LiftCard = "lift_card", "撤销督办", "Lift a card";
});

impl Step {
    pub fn kind(&self) -> StepKind {
        use StepKind as K;
        match self {
            Self::HandleHere { .. } => K::HandleHere,
            Self::PassUp { .. } => K::PassUp,
            Self::Void { .. } => K::Void,
            Self::Join { .. } => K::Join,
            Self::Split { .. } => K::Split,
            Self::File { .. } => K::File,
            Self::Dispatch { .. } => K::Dispatch,
            Self::Accept {} => K::Accept,
            Self::Withdraw { .. } => K::Withdraw,
            Self::AskReturn { .. } => K::AskReturn,
            Self::AskExtension { .. } => K::AskExtension,
            Self::AskSuspension { .. } => K::AskSuspension,
            Self::AskResumption { .. } => K::AskResumption,
            Self::AskCategory { .. } => K::AskCategory,
            Self::Endorse { .. } => K::Endorse,
            Self::Decide { .. } => K::Decide,
            Self::Reassign { .. } => K::Reassign,
            Self::Progress { .. } => K::Progress,
            Self::FinishPart { .. } => K::FinishPart,
            Self::Waive { .. } => K::Waive,
            Self::Resume { .. } => K::Resume,
            Self::Report { .. } => K::Report,
            Self::Check { .. } => K::Check,
            Self::Rework { .. } => K::Rework,
            Self::Close { .. } => K::Close,
            Self::Reopen { .. } => K::Reopen,
            Self::CallBack { .. } => K::CallBack,
            Self::Remind { .. } => K::Remind,
            Self::Supervise { .. } => K::Supervise,
            Self::LiftCard { .. } => K::LiftCard,
        }
    }

    /// The request that it is about.
    pub(super) fn request(&self) -> Option<&str> {
        match self {
            Self::Endorse { request, .. } | Self::Decide { request, .. } => Some(request),
            _ => None,
        }
    }

    /// A text that must be there and is not, or one that is too long.
    pub(super) fn wrong(&self) -> Option<Missing> {
        let (needed, free): (&[(&'static str, &str)], &str) = match self {
            Self::HandleHere { result } | Self::FinishPart { result } | Self::Report { result } => {
                (&[("result", result)], "")
            }
            Self::PassUp { reason, .. }
            | Self::Split { reason }
            | Self::Withdraw { reason }
            | Self::AskReturn { reason }
            | Self::AskExtension { reason, .. }
            | Self::AskSuspension { reason, .. }
            | Self::AskResumption { reason }
            | Self::AskCategory { reason, .. }
            | Self::Decide { reason, .. }
            | Self::Waive { reason, .. }
            | Self::Resume { reason }
            | Self::Rework { reason }
            | Self::Reopen { reason }
            | Self::Supervise { reason, .. }
            | Self::LiftCard { reason, .. } => (&[("reason", reason)], ""),
            Self::Void { note, .. } | Self::Join { note, .. } | Self::Check { note, .. } => {
                (&[("note", note)], "")
            }
            Self::Reassign { desk, reason } => (&[("desk", desk), ("reason", reason)], ""),
            Self::Progress { text } | Self::Remind { text } => (&[("text", text)], ""),
            Self::File { note, .. }
            | Self::Dispatch { note, .. }
            | Self::Endorse { note, .. }
            | Self::Close { note }
            | Self::CallBack { note, .. } => (&[], note),
            Self::Accept {} => (&[], ""),
        };
        let long = |text: &str| text.chars().count() > MOST_TEXT;
        let empty = needed.iter().find(|(_, text)| text.trim().is_empty());
        let too_long = needed.iter().find(|(_, text)| long(text)).map(|(field, _)| *field);
        match (empty, too_long.or(long(free).then_some("note"))) {
            (Some((field, _)), _) => Some(Missing::Text(field)),
            (None, Some(field)) => Some(Missing::TooLong(field)),
            (None, None) => None,
        }
    }
}
