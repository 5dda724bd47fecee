//! What each move does, in a few words, and its key.

use crate::web::text::Lang;
use crate::workflow::StepKind;

/// What a move does, in a few words.
pub(super) fn about(kind: StepKind, lang: Lang) -> &'static str {
    use StepKind as K;
    let (zh, en) = match kind {
        K::HandleHere => ("就地办结，仍登记备案", "done at this level, on record all the same"),
        K::PassUp => ("交上一级受理，受理时限重新起算", "the level above triages it; its time begins anew"),
        K::Void => {
            ("不再办理；误报计入规则的准确率", "nothing more is done; a false alarm counts against its rule")
        }
        K::Join => ("并入另一件未结案件，在那里继续办理", "it goes on in another open case"),
        K::Split => ("并错了：本案拆出，重新受理", "joined by mistake: it goes its own way again"),
        K::File => ("定下分类，时限标准从此固定", "its category and its limits hold from here on"),
        K::Dispatch => {
            ("定主办和协办，办理时限从派遣起算", "to a lead and co-handlers; the time to handle it begins")
        }
        K::Accept => ("本单位接下这件事", "your unit takes it"),
        K::Withdraw => {
            ("对方签收前撤回，重新派遣", "taken back before it is accepted, to be dispatched anew")
        }
        K::AskReturn => ("只限派错单位，须中心批准", "only of a wrong dispatch; the centre decides"),
        K::AskExtension => (
            "须批准；第二次须先由部门负责人同意",
            "to be granted; a second one is endorsed by the unit's head first",
        ),
        K::AskSuspension => (
            "暂时办不了，须中心批准；期间停计时",
            "it has to rest; the centre decides, and its time stands still",
        ),
        K::AskResumption => ("条件已具备，继续办理", "it can go on"),
        K::AskCategory => (
            "分类有误，批准后按新分类计时限",
            "filed under the wrong one; when granted the other limits hold",
        ),
        K::Endorse => ("部门负责人同意后报中心审批", "the unit's head stands behind it"),
        K::Decide => ("批准或不批准申请", "grant or refuse a request"),
        K::Reassign => ("转给本单位的其他承办人", "to somebody else of the unit"),
        K::Progress => ("记一条办理进展，可附照片", "noted in the history, with pictures"),
        K::FinishPart => ("协办部分已办完", "the co-handler's part is done"),
        K::Waive => ("不再等这个协办单位，主办即可反馈", "the lead may report without that unit"),
        K::Resume => ("挂账案件恢复办理", "a suspended case goes on"),
        K::Report => ("报办理结果，转入核查", "tells what was done; verification begins"),
        K::Check => ("到现场看过，写明是否与反馈相符", "seen on site: does it agree with what was reported?"),
        K::Rework => {
            ("与反馈不符，退回重办；须有现场照片", "not as reported: back to the unit, with a picture")
        }
        K::Close => ("核查相符，结案", "verified; the case ends"),
        K::Reopen => ("结案后又出现，重新受理", "it is back after it ended; triaged anew"),
        K::CallBack => ("回访反映人，记下满意度", "the citizen is asked how it was"),
        K::Remind => ("提醒现在的经办方", "whoever has it now is told"),
        K::Supervise => ("亮牌督办，超期由此可见", "a card for everybody to see"),
        K::LiftCard => ("撤回已亮的督办牌", "a card is taken back"),
    };
    lang.pick(zh, en)
}

/// On the form's summary; single letters that no other key of the page has.
pub(super) fn key(kind: StepKind) -> Option<&'static str> {
    match kind {
        StepKind::File => Some("f"),
        StepKind::Dispatch => Some("d"),
        StepKind::Accept => Some("s"),
        StepKind::AskExtension => Some("e"),
        StepKind::Progress => Some("n"),
        StepKind::Report | StepKind::FinishPart => Some("o"),
        StepKind::Check => Some("c"),
        StepKind::Remind => Some("r"),
        StepKind::Waive => Some("w"),
        _ => None,
    }
}
