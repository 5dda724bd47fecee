//! Why a step is not taken: who could take it, and what is missing, in both languages.

use super::{Ask, StepKind};
use crate::attachment::MOST_NAMED;
use crate::case::CaseState;
use crate::organisation::Level;
use crate::user::Role;
use crate::web::text::Lang;

/// A step that the law does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text(Lang::En))]
pub enum Refused {
    /// The move does not begin where the case is.
    State { step: StepKind, from: CaseState, begins: &'static [CaseState] },
    /// Somebody else could.
    Who { step: StepKind, roles: &'static [Role], but: But },
    /// The right person at the right time, but something is missing.
    Missing { step: StepKind, what: Missing },
}

/// What keeps this user from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum But {
    Role,
    /// The role, but for another area.
    Area,
    /// The role, but at another level than the one that has the case.
    Level(Level),
    /// The role, but of another unit than those that have it.
    Unit,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    Text(&'static str),
    TooLong(&'static str),
    Category(String),
    /// Not there, or nothing is dispatched to it.
    Unit(String),
    UnitTwice(String),
    /// Not above the level that has it.
    Level(Level),
    /// Co-handlers that have not finished.
    Parts(Vec<String>),
    FieldCheck,
    /// It was looked at, and does not agree with the report.
    FieldCheckDisagrees,
    CallBack,
    Satisfaction,
    /// There is no such request, or it is decided.
    Request(String),
    AlreadyAsked(Ask),
    /// A second extension needs the word of the unit's head first.
    Endorsement,
    /// Not in the future, or more than a year away.
    Until,
    /// More than so many days ago.
    TooLate(u32),
    AlreadyAccepted,
    NotAccepted,
    /// Who asked does not decide.
    OwnRequest,
    /// Who handled it neither looks nor closes.
    OwnWork,
    /// Another case of the same cause is open, by its number.
    OpenAgain(String),
    /// A card that is there already.
    CardOpen,
    CardNotOpen,
    /// The case to join: unknown, finished, or this one.
    JoinTarget(String),
    /// It ended for another reason than a join.
    NotJoined,
    /// 返工 needs one.
    Picture,
    /// The move takes none.
    NoPictures,
    /// More than one move takes, or one of them twice.
    TooManyPictures(usize),
    /// None of this id waits.
    Attachment(String),
    Same,
    /// No request, part or card that it could be about.
    Nothing,
}

impl Refused {
    pub(super) fn missing(step: StepKind, what: Missing) -> Self {
        Self::Missing { step, what }
    }

    /// For people.
    pub fn text(&self, lang: Lang) -> String {
        match self {
            Self::State { step, from, begins } => {
                let words: Vec<&str> = begins.iter().map(|state| lang.pick(state.zh(), state.en())).collect();
                match lang {
                    Lang::Zh => {
                        format!("案件现为“{}”，“{}”只能在{}时进行。", from.zh(), step.zh(), words.join("、"))
                    }
                    Lang::En => format!(
                        "the case is \"{}\"; \"{}\" begins from: {}",
                        from.en(),
                        step.en(),
                        words.join(", ")
                    ),
                }
            }
            Self::Who { step, roles, but } => {
                let words: Vec<&str> = roles.iter().map(|role| role.word(lang)).collect();
                match lang {
                    Lang::Zh => format!("“{}”由{}办理：{}。", step.zh(), words.join("、"), but.zh()),
                    Lang::En => format!("\"{}\" is for: {}; {}", step.en(), words.join(", "), but.en()),
                }
            }
            Self::Missing { step, what } => match lang {
                Lang::Zh => format!("还不能“{}”：{}。", step.zh(), what.zh()),
                Lang::En => format!("\"{}\" is not possible yet: {}", step.en(), what.en()),
            },
        }
    }
}

impl But {
    pub fn text(self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.zh(),
            Lang::En => self.en(),
        }
    }

    fn zh(self) -> String {
        match self {
            Self::Role => "您没有这个角色".to_owned(),
            Self::Area => "案件不在您的区域内".to_owned(),
            Self::Level(level) => format!("案件现由{}一级受理", level.zh()),
            Self::Unit => "案件没有派给您的单位".to_owned(),
        }
    }

    fn en(self) -> String {
        match self {
            Self::Role => "you have none of these roles".to_owned(),
            Self::Area => "the case does not lie in your area".to_owned(),
            Self::Level(level) => format!("the case is with the {} now", level.en()),
            Self::Unit => "the case was not dispatched to your unit".to_owned(),
        }
    }
}

/// What screens call a field.
fn field_zh(field: &str) -> &'static str {
    match field {
        "result" => "办理结果",
        "reason" => "理由",
        "note" => "说明",
        "desk" => "承办人",
        _ => "内容",
    }
}

impl Missing {
    fn zh(&self) -> String {
        match self {
            Self::Text(field) => format!("请填写{}", field_zh(field)),
            Self::TooLong(field) => format!("{}最多 {} 字", field_zh(field), super::step::MOST_TEXT),
            Self::Category(id) => format!("没有“{id}”这个分类"),
            Self::Unit(id) => format!("没有“{id}”这个单位，或已停用，或不管这个区域"),
            Self::UnitTwice(id) => format!("单位“{id}”写了两次"),
            Self::Level(level) => format!("只能报给{}以上的层级", level.zh()),
            Self::Parts(units) => format!("协办单位尚未办结：{}；请等其办结，或由中心免办", units.join("、")),
            Self::FieldCheck => "尚无网格人员现场核查".to_owned(),
            Self::FieldCheckDisagrees => "现场核查与反馈不符，请返工或重新核查".to_owned(),
            Self::CallBack => "尚未回访反映人".to_owned(),
            Self::Satisfaction => "接通的回访要填写满意度；没有接通的不填".to_owned(),
            Self::Request(id) => format!("没有待审批的申请 {id}"),
            Self::AlreadyAsked(ask) => format!("已有一份“{}”在等审批", ask.zh()),
            Self::Endorsement => "第二次延时须先由部门负责人同意".to_owned(),
            Self::Until => "挂账期限应在今后一年之内".to_owned(),
            Self::TooLate(days) => format!("结案已超过 {days} 天，请另立新案"),
            Self::AlreadyAccepted => "本单位已经签收".to_owned(),
            Self::NotAccepted => "本单位尚未签收".to_owned(),
            Self::OwnRequest => "自己的申请须由他人审批".to_owned(),
            Self::OwnWork => "承办单位的人员不能核查或结案".to_owned(),
            Self::OpenAgain(number) => format!("同一起因已另有未结案件 {number}，请在该案办理"),
            Self::CardOpen => "这张督办牌已经亮出".to_owned(),
            Self::CardNotOpen => "没有亮出这张督办牌".to_owned(),
            Self::JoinTarget(number) => format!("案件 {number} 不存在、已了结或就是本案，不能并入"),
            Self::NotJoined => "本案并未并入其他案件".to_owned(),
            Self::Picture => "返工须附现场照片".to_owned(),
            Self::NoPictures => "此项办理不附照片".to_owned(),
            Self::TooManyPictures(count) => {
                format!("附了 {count} 张照片；最多 {MOST_NAMED} 张，每张一次")
            }
            Self::Attachment(id) => format!("没有您上传待用的照片 {id}"),
            Self::Same => "与现在的相同".to_owned(),
            Self::Nothing => "目前没有这样的申请、协办单位或督办牌".to_owned(),
        }
    }

    fn en(&self) -> String {
        match self {
            Self::Text(field) => format!("write the {field}"),
            Self::TooLong(field) => {
                format!("the {field} has more than {} characters", super::step::MOST_TEXT)
            }
            Self::Category(id) => format!("there is no category {id:?}"),
            Self::Unit(id) => {
                format!("there is no unit {id:?}, or it is switched off, or it does not work there")
            }
            Self::UnitTwice(id) => format!("unit {id:?} stands there twice"),
            Self::Level(level) => format!("it can only go to a level above the {}", level.en()),
            Self::Parts(units) => format!(
                "co-handlers have not finished: {}; wait for them, or let the centre waive their part",
                units.join(", ")
            ),
            Self::FieldCheck => "nobody of the grid has looked yet".to_owned(),
            Self::FieldCheckDisagrees => {
                "the field check does not agree with the report; send it back or look again".to_owned()
            }
            Self::CallBack => "the citizen was not called back yet".to_owned(),
            Self::Satisfaction => {
                "a call-back that was answered has a satisfaction, one that was not has none".to_owned()
            }
            Self::Request(id) => format!("no request {id} waits for a decision"),
            Self::AlreadyAsked(ask) => format!("\"{}\" is asked already", ask.en()),
            Self::Endorsement => "a second extension needs the word of the unit's head first".to_owned(),
            Self::Until => "a suspension ends in the future, within a year".to_owned(),
            Self::TooLate(days) => format!("it ended more than {days} days ago; open a new case"),
            Self::AlreadyAccepted => "your unit has accepted it already".to_owned(),
            Self::NotAccepted => "your unit has not accepted it yet".to_owned(),
            Self::OwnRequest => "somebody else decides on your own request".to_owned(),
            Self::OwnWork => "people of a unit that handled it neither check nor close it".to_owned(),
            Self::OpenAgain(number) => {
                format!("case {number} of the same cause is open already; go on there")
            }
            Self::CardOpen => "this card is shown already".to_owned(),
            Self::CardNotOpen => "this card is not shown".to_owned(),
            Self::JoinTarget(number) => {
                format!("case {number} is not there, is finished or is this one; it cannot be joined")
            }
            Self::NotJoined => "it was not joined to another case".to_owned(),
            Self::Picture => "a rework needs a picture from the site".to_owned(),
            Self::NoPictures => "this move takes no pictures".to_owned(),
            Self::TooManyPictures(count) => {
                format!("{count} pictures; {MOST_NAMED} are the most, each once")
            }
            Self::Attachment(id) => format!("there is no picture {id} of yours that waits to be named"),
            Self::Same => "it is the same already".to_owned(),
            Self::Nothing => "there is no such request, part or card now".to_owned(),
        }
    }
}
