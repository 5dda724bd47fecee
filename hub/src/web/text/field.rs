//! Words of the page for people of the grids.

use super::Lang;

catalogue! {
    field = "网格", "Grid";
    field_title = "我的网格", "My grid";
    field_tabs = "本页各部分", "Parts of this page";
    field_tasks = "任务", "Tasks";
    field_checks = "核查", "Checks";
    field_report = "上报", "Report";
    field_mine = "我的", "Mine";
    field_order = "急的在前；知道您的位置后，近的在前", "Urgent ones first; nearer ones once your position is known";
    field_refresh = "刷新", "Refresh";
    field_cases = "全部案件", "All cases";
    field_as_of = "数据时间", "As of";
    field_more = "只列出最急的", "Only the most urgent are listed:";
    field_no_tasks = "没有待处置的事项。", "Nothing waits to be handled.";
    field_no_checks = "没有待核查的事项。", "Nothing waits to be checked.";
    field_no_mine = "您还没有上报过事项。", "You have not reported anything yet.";
    field_work_check = "核查", "Check";
    field_work_handle = "处置", "Handle";
    field_result = "单位反馈", "The unit says";
    field_told = "上报照片", "Picture of the report";
    field_done_picture = "处置照片", "Picture of the result";
    field_away = "距您", "away from you:";
    field_metres = "米", "m";
    field_open = "查看案件", "Open the case";
    field_metres_off = "精度（米）", "accurate to (m)";
    // Forms
    field_go_check = "提交核查", "Send the check";
    field_go_handle = "自行处置，结案", "Handled here, close it";
    field_go_pass_up = "报给上一级", "Pass it up";
    field_check_note = "现场情况", "What you found";
    field_handled_result = "怎么处置的", "What was done";
    field_why_up = "为什么要上级办", "Why the level above";
    field_picture = "照片", "Pictures";
    field_picture_hint = "最多 5 张，先缩小再保存，拍摄地点等附带信息不保留", "5 at most; made smaller first, and what the camera writes into them is left out";
    field_what = "什么事", "What there is";
    field_what_hint = "一句话，80 字以内", "In one line, 80 characters at most";
    field_text = "具体情况", "Details";
    field_where = "在哪里", "Where";
    field_where_hint = "门牌、路口、参照物", "House number, crossing, landmark";
    field_grid = "所属网格", "Grid";
    field_grid_auto = "按位置判断", "By the position";
    field_severity = "等级", "Severity";
    field_position = "位置", "Position";
    field_locate = "取当前位置", "Use my position";
    field_located = "位置已记", "Position noted";
    field_no_position = "没有记位置，请写清地点并选择网格", "No position; describe the place and choose the grid";
    field_locating = "正在定位…", "Looking for the position…";
    field_no_locating = "手机没有给出位置：请打开定位权限，或写清地点并选择网格。", "The telephone gave no position: allow it, or describe the place and choose the grid.";
    field_forget_position = "不用位置", "Without a position";
    field_here_too = "已当场处置（小事不出网格）", "Handled on the spot";
    field_here_hint = "勾选后写明怎么处置的，案件直接办结并留痕", "Say what was done; the case is closed and stays on record";
    field_send = "上报", "Report it";
    field_sent = "已上报，案号", "Reported as";
    field_moved = "已提交，案号", "Sent, for case";
    field_handled_not = "已上报，但自行处置没有成功：", "Reported, but not handled here: ";
    field_not = "没有提交：", "Not sent: ";
    // Beside the moves
    field_map = "任务在哪里", "Where the tasks are";
    field_arrive = "签到", "I have arrived";
    field_arrive_hint = "记下您到达的时间；允许定位时记下位置", "Notes when you arrived, and where, if the position is allowed";
    field_hand = "转他人", "Hand it to a colleague";
    field_hand_to = "转给谁", "To whom";
    field_hand_note = "说明", "Note";
    field_hand_none = "本区域没有其他能办的同事。", "Nobody else here could do it.";
    field_hand_waits = "已转给", "Handed to";
    field_hand_yet = "等待接下", "not taken yet";
    field_hand_taken = "已接下", "has taken it";
    field_hand_own = "转给您：", "Handed to you by";
    field_take = "接下", "Take it";
    field_talk = "交流", "Messages";
    field_talk_say = "发给指挥中心和同事", "To the centre and your colleagues";
    field_talk_centre = "发给现场", "To those in the field";
    field_talk_none = "还没有消息。", "Nothing was said yet.";
    field_talk_send = "发送", "Send";
    // Drafts and being offline
    field_drafts = "未发送的草稿", "Drafts not sent";
    field_draft_count = "条草稿存在手机里", "drafts on this telephone";
    field_offline = "没有网络", "No network";
    field_offline_why = "联网后按先后自动提交。下面的任务时间为", "They are sent in order once there is a network. The tasks below are of";
    field_login = "登录已过期", "Your session has ended";
    field_login_why = "草稿都在手机里。登录后自动提交。", "Drafts stay on this telephone and are sent after the login.";
    field_log_in = "去登录", "Log in";
    field_retry = "重试", "Try again";
    field_waiting = "待发", "Waiting";
    field_sending = "正在发送", "Being sent";
    field_refused = "被退回", "Came back";
    field_edit = "修改", "Edit";
    field_delete = "删除", "Delete";
    field_delete_ask = "确定删除这条草稿？文字和照片不能恢复。", "Delete this draft? Its text and pictures cannot be brought back.";
    field_send_anew = "作为新的一份发送", "Send as a new one";
    field_save = "保存草稿", "Save the draft";
    field_cancel = "取消", "Cancel";
    field_saved = "已存为草稿，有网络时自动提交。", "Kept as a draft; it is sent by itself when there is a network.";
    field_changed = "您填写之后的变化", "What has changed since you wrote it";
    field_full_drafts = "草稿已有 200 条，请先发送或删除一些。", "There are 200 drafts; send or delete some first.";
    field_full_pictures = "一份最多 5 张照片。", "5 pictures are the most of one draft.";
    field_full_disk = "手机存储空间不足，草稿没有保存；内容还在表里。", "The telephone is full; the draft was not kept. What you wrote is still in the form.";
    field_bad_picture = "这张照片打不开，请换一张（JPEG、PNG 或 WebP）：", "This picture cannot be opened; choose another one (JPEG, PNG or WebP): ";
    field_no_store = "此浏览器不能保存草稿，没有网络时请不要关闭本页。", "This browser keeps no drafts; do not close this page while there is no network.";
    field_pictures = "张照片", "pictures";
    field_logout_ask = "还有草稿没有发送。退出后草稿留在这部手机里，只有您登录后才能看到和发送。确定退出？", "Some drafts are not sent. They stay on this telephone, for you alone, until you log in again. Log out?";
    field_pictures_wait = "中心有您 20 张照片等待使用，稍后再发。", "20 pictures of yours wait at the hub; this goes later.";
    field_gone_on = "案件已有变化，没有提交。", "The case has gone on; nothing was sent.";
    field_no_script = "没有启用脚本：可以在线填写和提交，但不能离线保存。", "Without script this page works online, and keeps no drafts.";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No word is empty, and each pair differs.
    #[test]
    fn every_word_has_both_languages() {
        for (name, zh, en) in ALL {
            assert!(!zh.is_empty() && !en.is_empty() && zh != en, "{name}");
            assert!(en.is_ascii() || en.contains('…'), "{name}: {en}");
        }
    }
}
