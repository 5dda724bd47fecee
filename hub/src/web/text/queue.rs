//! Words of the dispatcher's queue.

use super::Lang;

catalogue! {
    queue = "派遣台", "Dispatch desk";
    queue_own = "待我处理", "Waiting for you";
    queue_watch = "盯办", "Watched over";
    queue_triage = "待受理", "To triage";
    queue_file = "待立案", "To file";
    queue_dispatch = "待派遣", "To dispatch";
    queue_requests = "待审批", "Requests";
    queue_check = "待核查", "To check on site";
    queue_close = "待结案", "To close";
    queue_soon = "即将超期", "Due within the hour";
    queue_late = "已超期", "Overdue";
    queue_supervised = "督办中", "Under supervision";
    queue_suspended = "挂账", "Suspended";
    queue_of_unit = "单位在办", "Open with the unit";
    queue_of_unit_late = "单位超期", "Overdue with the unit";
    queue_order = "已超期在前，时限近的在前", "Overdue first, then what ends soonest";
    queue_filter = "筛选", "Filter";
    queue_severity = "等级", "Severity";
    queue_source = "来源", "Source";
    queue_filter_do = "应用", "Apply";
    queue_views = "我的筛选", "Saved views";
    queue_view_name = "名称", "Name";
    queue_view_save = "存为我的筛选", "Save this view";
    queue_view_delete = "删除", "Delete";
    queue_view_hint = "只有您自己看得到；同名的会被替换", "Yours alone; one of the same name is replaced";
    queue_view_name_wrong = "名称请写 1 至 24 字，没有保存。", "Write a name of 1 to 24 characters; nothing was saved.";
    queue_views_many = "最多保存 20 个，请先删除不用的；没有保存。", "20 views are the most: delete one first; nothing was saved.";
    queue_new = "新到，显示", "new, show";
    queue_gone = "已离开本列", "It has left this list";
    queue_moved = "刚有变化；提交时以您选中时的内容为准，已变的不会执行", "It has just changed; sent as you chose it, it will not be done";
    queue_failed = "刷新没有成功，正在重试。以下内容停在", "Not refreshed, trying again. What you see is of";
    queue_no_script = "本浏览器没有启用脚本：本页不会自动更新，请自行刷新；表单照常可用。", "Scripts are off: this page does not update by itself. Reload it; its forms work.";
    // Rows
    queue_due = "时限", "Limit";
    queue_matter = "事项", "Matter";
    queue_place = "地点", "Place";
    queue_state = "状态", "State";
    queue_pick = "建议与理由", "Suggested, and why";
    queue_select = "选中", "Select";
    queue_select_all = "全选本页", "Select all shown";
    queue_more = "只列出时限最近的，更多的在筛选后显示", "Only those that end soonest are listed; filter for the others";
    queue_none = "没有等待您处理的案件。", "No case waits for you here.";
    queue_no_pick = "没有规则指向，请人定", "No rule names one: you decide";
    queue_band_late = "已超期", "Overdue";
    queue_band_hour = "一小时内", "Within an hour";
    queue_band_day = "24 小时内", "Within 24 hours";
    queue_band_later = "更晚", "Later";
    queue_band_none = "无时限", "Without a limit";
    queue_may_close = "可以结案", "Can be closed";
    queue_disagrees = "核查不符，待返工", "The check disagrees: to be sent back";
    queue_wait_check = "待现场核查", "Waits for the field check";
    queue_checked = "核查相符", "The check agrees";
    // The case that is picked
    queue_to_whom = "派给谁", "To whom";
    queue_lead = "主办单位", "Lead unit";
    queue_others = "其他单位", "Another unit";
    queue_choose = "请选择", "Choose";
    queue_no_other = "不选，用下面所选的", "None: the one below";
    queue_co = "协办单位", "Co-handlers";
    queue_note = "派遣说明", "Note for the unit";
    queue_opened = "在办", "open";
    queue_overdue = "超期", "overdue";
    queue_do_dispatch = "派遣", "Dispatch";
    queue_at_once = "按建议派遣", "Dispatch as suggested";
    queue_open_case = "打开案件", "Open the case";
    queue_next = "下一步", "Next step";
    queue_return = "退回（作废）", "Turn it away";
    queue_return_why = "不属本县受理的，写明原因作废；已派出的退回由单位申请", "What is not ours is voided with the reason; what is dispatched comes back at the unit's request";
    queue_join = "并案", "Join";
    queue_not_filed = "尚未立案，立案后派遣", "Not filed yet: file it, then dispatch it";
    queue_pick_one = "选一件案件，这里显示派给谁", "Pick a case: to whom it may go stands here";
    queue_withdraw = "撤回", "Withdraw";
    queue_withdraw_why = "对方签收之前可以撤回", "It can be withdrawn until the unit accepts it";
    queue_withdraw_reason = "派遣有误，随即撤回", "Dispatched by mistake, withdrawn at once";
    queue_dispatched = "已派遣：", "Dispatched: ";
    queue_taken = "对方已签收或案件已有变化，不能撤回", "The unit has accepted it or it has gone on: it cannot be withdrawn";
    // Several at once
    queue_chosen = "已选", "Chosen:";
    queue_same_pick = "建议单位都是", "All are suggested for";
    queue_picks_differ = "建议单位不一，请选一个", "Suggested units differ: choose one";
    queue_bulk = "一并处理所选案件", "Do it for all chosen cases";
    queue_bulk_unit = "派遣给", "Dispatch to";
    queue_bulk_dispatch = "一并派遣", "Dispatch them";
    queue_bulk_suggested = "按建议一并派遣", "Dispatch as suggested";
    queue_bulk_void = "作废", "Void them";
    queue_bulk_remind = "催办", "Remind";
    queue_bulk_words = "说明（作废、催办必填）", "Words (needed to void or to remind)";
    queue_bulk_clear = "取消选择", "Clear";
    queue_confirm_void = "确定作废所选案件？", "Are the chosen cases to be void?";
    queue_bulk_none = "没有选中任何案件，没有执行。", "No case was chosen; nothing was done.";
    queue_bulk_many = "一次最多 50 件，没有执行。", "50 cases at most at once; nothing was done.";
    queue_bulk_no_unit = "请选择派遣给哪个单位，没有执行。", "Choose the unit; nothing was done.";
    queue_bulk_no_reason = "请选择作废原因，没有执行。", "Choose why they are void; nothing was done.";
    queue_bulk_no_words = "请填写说明，没有执行。", "Write the words; nothing was done.";
    queue_bulk_odd = "表单读不懂，没有执行；请刷新后再试。", "The form cannot be read; nothing was done. Reload and try again.";
    // What came of it
    queue_result = "处理结果", "What came of it";
    queue_result_done = "已执行", "Done";
    queue_result_before = "先前已执行", "Done before";
    queue_result_refused = "未执行", "Not done";
    queue_result_gone = "没有这件案件，或不在您的范围内", "There is no such case, or it is not yours to see";
    queue_result_moved = "您选中之后案件已有变化，没有执行：", "It has changed since you chose it, so this was not done:";
    queue_back = "返回", "Back";
    // Requests
    queue_asks = "申请", "asks for";
    queue_asked_by = "申请人", "Asked by";
    queue_reason = "理由", "Reason";
    queue_limit_now = "现时限", "Limit now";
    queue_limit_then = "批准后", "If granted";
    queue_limit_still = "计时停止", "the clock stands still";
    queue_needs_endorsement = "第二次延时，须先由部门负责人同意；现在只能不批准", "A second extension: the unit's head endorses it first; now it can only be refused";
    queue_endorsed = "部门负责人已同意：", "Endorsed by the unit's head: ";
    queue_decision = "审批意见", "Why you decide so";
    queue_grant = "批准", "Grant";
    queue_deny = "不批准", "Refuse";
    queue_no_requests = "没有等待您审批的申请。", "No request waits for your decision.";
    // Keys
    queue_keys_select = "选中", "Select";
    queue_keys_pick = "取建议单位", "Take a suggested unit";
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
