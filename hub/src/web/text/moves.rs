//! Words of what can be done with a case.

use super::Lang;

catalogue! {
    moves_other = "其他步骤", "Other moves";
    moves_position = "案件刚有变化，您填写的内容没有动；提交前请核对。", "The case has just changed; what you wrote is untouched. Look before you send it.";
    moves_parts = "主办与协办", "Lead and co-handlers";
    moves_late = "超期", "late";
    moves_endorsed = "部门负责人已同意：", "Endorsed by the unit's head: ";
    moves_waiting = "待审批", "Waiting for a decision";
    moves_by = "办理：", "By: ";
    // Fields
    move_result = "办理结果", "Result";
    move_reason = "理由", "Reason";
    move_note = "说明", "Note";
    move_text = "内容", "Text";
    move_desk = "承办人", "Who of the unit";
    move_category = "分类", "Category";
    move_to = "报给", "Pass up to";
    move_void_reason = "作废原因", "Why it is void";
    move_into = "并入的案号", "Number of the other case";
    move_lead = "主办单位", "Lead unit";
    move_co = "协办单位", "Co-handlers";
    move_by = "延长多久", "How much longer";
    move_until = "挂账到", "Suspended until";
    move_agrees = "与反馈是否相符", "Does it agree with the report?";
    move_agrees_yes = "相符", "It agrees";
    move_agrees_no = "不符", "It does not agree";
    move_answer = "回访结果", "What the citizen says";
    move_unreached = "没有接通", "Not reached";
    move_card = "督办牌", "Card";
    move_unit = "单位", "Unit";
    move_minutes = "搁置多久", "For how long";
    move_limits = "时限", "Limits";
    move_pictures = "照片", "Pictures";
    move_pictures_hint = "JPEG、PNG 或 WebP，最多 10 张，每张不超过 10 MB。拍摄地点等附带信息不保存。", "JPEG, PNG or WebP; 10 at most, 10 MB each. Where they were taken is not kept.";
    move_pictures_kept = "已收到，随本表一起提交；不附就取消勾选。", "Here already, sent with this form; uncheck what is not to go along.";
    move_picture = "照片", "Picture";
    move_optional = "选填", "optional";
    move_choose = "请选择", "Choose";
    move_find_category = "查找分类", "Find a category";
    move_suggested = "建议", "Suggested";
    move_grant = "批准", "Grant";
    move_deny = "不批准", "Refuse";
    move_shelve = "搁置告警源", "Put its source aside";
    move_unshelve = "取消搁置", "Take its source back";
    move_working_days = "个工作日", "working days";
    move_days = "个自然日", "days";
    move_working_hours = "个工作时", "working hours";
    move_hours = "小时", "hours";
    move_30_minutes = "30 分钟", "30 minutes";
    move_1_hour = "1 小时", "1 hour";
    move_4_hours = "4 小时", "4 hours";
    move_1_day = "1 天", "1 day";
    move_3_days = "3 天", "3 days";
    // Asked before it is done
    move_confirm_void = "确定作废本案？", "Is this case to be void?";
    move_confirm_supervise = "确定亮牌督办？", "Is the card to be shown?";
    move_confirm_waive = "确定免除该单位的协办？", "Is the case to go on without that unit?";
    // What came of it
    move_not_made = "没有执行：", "Not done: ";
    move_fill_in = "请填写或选择：", "fill in or choose: ";
    move_stale = "案件在您填写期间已有变化，这一步没有执行。您填写的内容还在，核对后可以再次提交。变化如下：", "The case has changed while you were writing, so this was not done. What you wrote is still here; look, and send it again if it still holds. What has changed:";
    move_kept = "您填写的内容", "What you wrote";
    move_gone = "案件已到下一环节，这张表不再适用。", "The case has gone on; this form no longer applies.";
    move_unknown = "没有这个步骤。", "There is no such move.";
    move_picture_unknown = "不是 JPEG、PNG 或 WebP 照片", "it is no JPEG, PNG or WebP picture";
    move_picture_heif = "是 HEIC 或 AVIF 格式，多数浏览器不能显示；请把手机相机设为“兼容性最佳”", "it is HEIC or AVIF, which many browsers do not show; let the camera save JPEG";
    move_picture_damaged = "照片文件已损坏，请重新上传", "the file is damaged; send it again";
    move_picture_large = "照片的像素太多", "it has too many pixels";
    move_picture_bytes = "照片超过 10 MB，请压缩后再传", "it is larger than 10 MB; make it smaller";
    move_picture_many = "一次最多 10 张照片", "10 pictures are the most at once";
    move_picture_waiting = "您有 20 张照片尚未使用，请先用掉或等一天", "20 pictures of yours wait to be used; use them first, or wait a day";
    move_picture_full = "中心磁盘已满，照片没有保存；请联系管理员", "the hub's disk is full, the picture was not kept; tell the administrator";
    move_picture_slow = "照片没有按时传完，请重新提交", "the picture did not come in time; send it again";
    // A source that is put aside
    shelf_reason = "请填写理由（200 字以内）", "Write a reason (200 characters at most)";
    shelf_minutes = "时间不对：紧急告警最多搁置 1 小时，其他最多 3 天", "For an hour at most what tells of emergencies, for three days anything else";
    shelf_leaders = "紧急告警的告警源由本区域的班长或指挥长搁置", "A source of emergencies is put aside by a shift leader or a commander of its area";
    shelf_no_source = "来电和人工上报没有可搁置的告警源", "Calls and reports have no source to put aside";
    shelf_already = "告警源已经搁置", "Its source is put aside already";
    shelf_not = "告警源没有搁置", "Its source is not put aside";
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
