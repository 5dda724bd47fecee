//! Words of a unit's own tasks.

use super::Lang;

catalogue! {
    tasks = "我的任务", "My tasks";
    tasks_to_accept = "待签收", "To be accepted";
    tasks_sent_back = "返工", "Sent back";
    tasks_in_hand = "办理中", "In hand";
    tasks_asked = "申请待批", "A request waits";
    tasks_suspended = "挂账中", "Suspended";
    tasks_reported = "已反馈，待核查结案", "Reported, not closed yet";
    tasks_none = "没有派给本单位的在办案件。", "Nothing open was dispatched to your unit.";
    tasks_late = "超期", "overdue";
    tasks_cut = "只列出时限最近的 300 件", "Only the 300 that end soonest are listed";
    tasks_accept = "签收", "Accept";
    tasks_accept_all = "签收所选", "Accept the chosen ones";
    tasks_progress = "填写进展", "Note progress";
    tasks_ask = "申请延时", "Ask for time";
    tasks_report = "反馈", "Report";
    tasks_finish = "协办办结", "Finish the part";
    tasks_order = "批办单", "Work order";
    tasks_orders = "打印批办单", "Print work orders";
    tasks_orders_hint = "每张各占一页；没有的案件不印。", "One sheet each; of cases that have none, none is printed.";
    tasks_orders_none = "这些案件没有可打印的批办单。", "None of these cases has a work order to print.";
    tasks_score = "本单位本月考核", "This month's evaluation of your unit";
    tasks_again = "刷新", "Reload";
    tasks_matter = "事项", "Matter";
    tasks_part = "分工", "Part";
    tasks_due = "时限", "Limit";
    tasks_place = "地点", "Place";
    tasks_do = "办理", "Go on";
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
