//! Words for those outside: the status of a matter, and what is printed for the units.

use super::Lang;

catalogue! {
    // Status of a matter
    status_title = "办理进度查询", "What became of your matter";
    status_lead = "输入案号和查询码，查看您反映的事项办到哪一步。不需要登录。", "Enter the number and the code you were given to see how far your matter has come. No login is needed.";
    status_code = "查询码", "Code";
    status_ask = "查询", "Look up";
    status_code_hint = "8 位字母和数字，不分大小写", "8 letters and digits, capitals do not matter";
    status_unknown = "案号或查询码不正确。", "The number or the code is not right.";
    status_locked = "输错次数过多，请一小时后再试，或拨打热线询问。", "Too many wrong answers. Try again in an hour, or ask by telephone.";
    status_result = "查询结果", "Result";
    status_again = "查询另一件", "Look up another one";
    status_what = "事项", "Matter";
    status_where = "所在", "Where";
    status_unit = "承办单位", "In charge";
    status_reported = "收到", "Received";
    status_ended = "办结时间", "Ended";
    status_outcome = "结果", "Outcome";
    status_goes_on = "已并入，进度见案号", "Joined to another matter; told below is that of";
    status_satisfaction = "您的评价", "What you said";
    status_confidential = "本事项按保密办理，只公布办理状态和日期。", "This matter is handled in confidence: only its state and its dates are told.";
    status_promise = "这里只显示办理情况，不显示反映人和反映内容。", "Shown is what the office does, never who reported a matter and in which words.";
    public_code = "查询码", "Code for the reporter";
    // The order
    order = "批办单", "Work order";
    order_title = "网格事件批办单", "Work order for a matter of the grid";
    order_copy = "打印时间", "Printed";
    order_by = "打印人", "by";
    order_matter = "事项", "Matter";
    order_category = "类别", "Category";
    order_text = "内容", "Told";
    order_place = "地点", "Place";
    order_area = "所属", "Area";
    order_source = "来源", "Source";
    order_reported = "上报时间", "Reported";
    order_filed = "立案时间", "Filed";
    order_unit = "承办单位", "Unit";
    order_part = "分工", "Part";
    order_accept_by = "签收时限", "Accept by";
    order_handle_by = "办理时限", "Handle by";
    order_signed = "已签收", "accepted";
    order_basis = "依据", "Basis";
    order_policy = "时限标准版本", "policy of limits, version";
    order_general = "一般时限", "general limits";
    order_note = "派遣说明", "Note";
    order_sign_accept = "签收", "Accepted by";
    order_sign_handle = "承办", "Handled by";
    order_sign_review = "审核", "Reviewed by";
    order_sign_approve = "批准", "Approved by";
    order_signature = "签名、日期", "Name, date";
    order_confidential = "保密", "Confidential";
    order_hint = "用浏览器的打印功能打印，A4 纸。", "Print it with the browser, on A4.";
    order_scan = "扫码回到案件（需登录）", "Scan to return to the case (login needed)";
    order_code_why = "反映人凭案号和此码在 /status 查询进度", "With the number and this code the reporter looks it up at /status";
    order_still = "暂停计时", "stands still";
    order_early_why = "案件派遣之后才有批办单。", "There is a work order only once the case has been dispatched.";
    error_early = "还没有批办单", "No work order yet";
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
