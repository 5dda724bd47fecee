//! Words of the handover of a shift.

use super::Lang;

catalogue! {
    handover = "交接班", "Handover";
    handover_give = "交班", "Hand over";
    handover_give_why = "把此刻未了的事项交给下一班，保存后不能修改；当班人员以值班表为准，不因交接而改变。",
        "What stands open now goes to the next shift and is kept as it is; who is on duty says the roster, which this does not change.";
    handover_area = "范围", "Area";
    handover_everywhere = "全部", "Everywhere";
    handover_from = "本班开始", "The shift began";
    handover_to = "至", "to";
    handover_note = "交班说明", "Note for the next shift";
    handover_by = "交班人", "Handed over by";
    handover_taken_by = "接班人", "Taken over by";
    handover_waits = "待接班", "Waits to be taken over";
    handover_take = "接班", "Take over";
    handover_take_why = "接班须由另一人确认", "Somebody else takes it over";
    handover_own = "您交的班由下一班的人确认", "What you gave is taken over by the person of the next shift";
    handover_past = "历次交接", "Past handovers";
    handover_none = "还没有交接记录。", "No handover yet.";
    handover_duty = "当班人员", "On duty";
    handover_no_duty = "值班表上没有人", "Nobody on the roster";
    handover_post_duty = "值班员", "Duty";
    handover_post_leader = "班长", "Leader";
    handover_came_in = "本班新到", "Came in";
    handover_unacknowledged = "未确认紧急", "Emergencies nobody has";
    handover_emergencies = "在办紧急", "Emergencies in hand";
    handover_overdue = "已超期", "Overdue";
    handover_requests = "待审批申请", "Requests that wait";
    handover_shelved = "已搁置的告警源", "Sources put aside";
    handover_offline = "离线设备", "Boxes offline";
    handover_nothing = "无", "None";
    handover_more = "其余只计数", "The others are only counted";
    handover_unseen = "不在您的范围内", "Not yours to see";
    handover_now = "案件状态为此刻，件数为交班时", "Cases as they are now, numbers as they were at the handover";
    handover_print = "打印", "Print";
    handover_open = "打开", "Open";
    handover_since = "离线自", "offline since";
    handover_sign = "签字", "Signature";
    handover_back = "返回", "Back";
    handover_done = "已交班，等待接班。", "Handed over; it waits to be taken over.";
    handover_not_done = "没有执行：", "Not done: ";
    handover_bad_from = "本班开始时间应在最近 48 小时之内", "The shift began within the last 48 hours";
    handover_bad_note = "说明最多 2000 字", "The note has 2000 characters at most";
    handover_bad_area = "您不负责这个范围的交接", "You do not hand over for this area";
    handover_bad_own = "不能接自己交的班", "Nobody takes over from himself";
    handover_bad_taken = "已由他人接班：", "Taken over already by ";
    handover_bad_form = "表单读不懂，请刷新后再试", "The form cannot be read; reload and try again";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No word is empty, and each pair differs.
    #[test]
    fn every_word_has_both_languages() {
        for (name, zh, en) in ALL {
            assert!(!zh.is_empty() && !en.is_empty() && zh != en, "{name}");
            assert!(en.is_ascii(), "{name}: {en}");
        }
    }
}
