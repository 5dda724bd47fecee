//! Every word on the screens, Chinese first, English beside. A word that is missing does not compile.

/// Language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// `zh` or `en`: the word in the cookie and in `?lang=`.
    pub fn code(self) -> &'static str {
        self.pick("zh", "en")
    }

    /// For `<html lang>`.
    pub fn tag(self) -> &'static str {
        self.pick("zh-CN", "en")
    }

    pub fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    pub fn is_zh(self) -> bool {
        self == Self::Zh
    }
}

macro_rules! catalogue {
    ($($name:ident = $zh:literal, $en:literal;)*) => {
        impl Lang {
            $(pub fn $name(self) -> &'static str { self.pick($zh, $en) })*
        }

        /// All words, for the test that looks for empty and untranslated ones.
        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$((stringify!($name), $zh, $en),)*];
    };
}

mod admin;
mod ask;
mod call;
mod camera;
mod devices;
mod evaluation;
mod field;
mod handover;
mod map;
mod me;
mod moves;
mod outside;
mod queue;
mod seat;
mod tasks;
mod wall;

catalogue! {
    // Frame
    product = "哨点", "Shaodian";
    modules = "模块", "Modules";
    cases = "案件", "Cases";
    joined_into = "本案已并入", "Joined to";
    joined_cases = "并入本案", "Joined to this case";
    shelved_until = "告警源已搁置至", "Its source is put aside until";
    shelved_sources = "个告警源已搁置，只计数", "alarm sources are put aside and only counted";
    until = "至", "until";
    hotline = "热线", "Hotline";
    system = "系统", "System";
    devices = "设备", "Devices";
    commands = "调取记录", "Requests";
    quarantine = "隔离区", "Quarantine";
    evaluation = "综合评价", "Evaluation";
    find_hint = "案号、地点、设备", "Number, place, device";
    find = "查找", "Find";
    live = "实时", "Live";
    live_off = "连接中", "Connecting";
    language = "语言", "Language";
    theme = "外观", "Theme";
    theme_light = "浅色", "Light";
    theme_dark = "深色", "Dark";
    log_out = "退出", "Log out";
    keys = "键盘说明", "Keys of this page";
    keys_close = "关闭", "Close";
    keys_move = "下一条、上一条", "Move down and up";
    keys_open = "打开所选", "Open the selected one";
    keys_find = "查找", "Find";
    keys_back = "返回", "Step back";
    keys_help = "本页按键", "Keys of this page";
    keys_typing = "输入文字时单键不生效。", "Single keys are off while typing.";
    skip = "跳到正文", "Skip to content";
    stale_soon = "数据延迟", "Data late";
    stale_at = "画面停在", "Screen stopped at";
    stale_why = "与中心的实时连接已中断，正在重连。这期间的新案件不会显示，请改用值班电话；恢复后自动补齐，不漏不重。",
        "The live connection to the hub is lost; reconnecting. New cases do not show meanwhile: use the duty telephone. After recovery the screen catches up from where it stopped, without loss or repetition.";
    live_again = "连接已恢复，画面已更新。", "Connected again; the screen is up to date.";
    new_case = "新案件：", "New case: ";
    focus_moved = "所选案件已不在本列，焦点移到下一条。", "The selected case has left this list; focus moved to the next.";
    newest_only = "只列出最近", "Newest only:";
    back = "返回", "Back";
    none = "无", "None";
    unknown = "未知", "Unknown";
    // Login
    login = "登录", "Log in";
    login_lead = "社区与热线值守平台", "Community watch and hotline desk";
    user_name = "用户名", "User name";
    password = "密码", "Password";
    login_wrong = "用户名或密码错误。", "Wrong user name or password.";
    login_many = "尝试次数过多，请稍后再试。", "Too many attempts. Try again later.";
    login_expired = "登录已过期，请重新登录，之后回到原来的页面；填写中的工单草稿仍在。", "Your session has ended. Log in to come back to the page you were on; a ticket draft is still there.";
    login_promise = "不做人脸识别，不建人员档案。原始视频不出站。", "No face recognition, no registers of people. Raw video stays on site.";
    // List of cases
    unacknowledged = "未确认", "Unacknowledged";
    acknowledged = "已有人接手", "In hand";
    ended = "已了结", "Finished";
    show_new = "显示新案件", "Show new cases";
    filter_state = "状态", "State";
    filter_kind = "来源", "Source";
    all = "全部", "All";
    open_only = "未结", "Open";
    camera = "摄像头", "Camera";
    call = "来电", "Call";
    device = "设备", "Device";
    by_hand = "人工上报", "Reported by hand";
    worker = "网格上报", "Grid report";
    citizen = "市民上报", "Citizen report";
    platform = "上级平台", "Platform above";
    number = "案号", "Number";
    kind = "事件", "Incident";
    place = "地点", "Place";
    state = "状态", "State";
    opened = "开始", "Opened";
    age = "已过", "Age";
    acknowledge = "确认", "Acknowledge";
    open_case = "打开", "Open";
    times = "次", "times";
    no_unacknowledged = "没有未确认案件。", "No unacknowledged cases.";
    latest_was = "最近一件", "The latest was";
    nothing_yet = "还没有任何案件。设备报来第一件后会自动出现在这里。", "No case yet. The first one a device reports appears here by itself.";
    nothing_found = "没有符合条件的案件。", "No case matches.";
    no_inhand = "没有在办案件。", "Nothing in hand.";
    older = "更早的案件", "Older cases";
    more_waiting = "其余未确认案件", "More unacknowledged cases";
    motion_only = "仅移动侦测", "Motion only";
    motion_only_why = "未装检测模型，只凭画面移动判断", "No detection model installed: raised by motion alone";
    drill = "演练", "Drill";
    no_picture = "暂无截图", "No picture yet";
    picture_waits = "截图待上传", "Picture on its way";
    // One case
    evidence = "证据", "Evidence";
    clip = "片段", "Clip";
    snapshot = "截图", "Snapshot";
    recording = "录音", "Recording";
    still = "现场画面", "Current picture";
    attachment = "附图", "Picture brought";
    viewing_copy = "播放副本", "Viewing copy";
    original = "原片", "Original";
    blurred = "人物已打码（限检测到的）", "People blurred, as far as they were detected";
    gap_not_kept = "未留存", "nothing kept of this time";
    gap_stream_lost = "码流中断", "the stream broke off";
    gap_no_pictures = "摄像头未送画面", "the camera sent nothing";
    gap_format_changed = "摄像头改了码流格式", "the camera changed its format";
    gaps_more = "另有缺口", "more gaps";
    cut_length = "片段到最长时限为止，事件仍在继续", "Ends at the longest a clip may be; the incident went on";
    cut_bytes = "片段到最大字节数为止", "Ends at the most bytes a clip may have";
    cut_box_down = "盒子停机，片段到此为止", "Ends where the box went down";
    masked_on_site = "遮挡区已在盒内涂黑，原片不出站", "Masks burnt in on site; raw video never leaves it";
    evidence_waiting = "待设备上传，到达后自动显示", "Waiting for the device's upload; appears here by itself";
    no_evidence = "本案还没有证据文件。", "No evidence on this case yet.";
    h265 = "本机浏览器无法播放这段录像（可能是 H.265 编码）。请下载后用播放器打开。",
        "This browser cannot play the clip (probably H.265). Download it and open it in a player.";
    download = "登记后下载", "Download (registered)";
    history = "办理痕迹", "History";
    history_whole = "条首尾相连，已核验", "entries, chain verified";
    history_broken = "痕迹校验不符，请联系管理员", "History chain does not verify: tell the administrator";
    incidents = "并入的事件", "Incidents joined";
    older_incidents = "更早的事件及证据", "Earlier incidents and their evidence";
    older_history = "更早的痕迹", "Earlier history";
    earlier_part = "这里是较早的部分。", "This is an earlier part.";
    newest_part = "回到最新", "Back to the newest";
    next_steps = "下一步可以做什么", "What can be done next";
    acting_as = "身份", "Acting as";
    facts = "案卷", "Facts";
    rule = "规则", "Rule";
    object = "目标", "Object";
    count = "数量", "Count";
    score = "把握", "Score";
    method = "方法", "Method";
    started = "起因时间", "Began";
    ongoing = "进行中", "Ongoing";
    request_still = "请求现场画面", "Request current picture";
    request_clip = "调取录像片段", "Request a clip";
    request_clip_why = "从盒子的连续录像里取一段，遮挡后上传，留下记录", "A masked stretch of what the box has recorded, on record";
    clip_from = "从", "From";
    clip_length = "秒数", "Seconds";
    command_clip = "录像片段", "Clip";
    request_still_why = "要一张遮挡后的现场画面，留下记录", "One masked picture from the camera, on record";
    purpose = "用途", "Purpose";
    purpose_hint = "为什么需要？会记入登记簿", "Why is it needed? Goes into the register";
    purpose_missing = "请写明用途。", "State the purpose.";
    send_request = "发出请求", "Send request";
    acknowledge_why = "表示已看到并接手", "Says: seen, and in hand";
    ack_failed = "确认没有成功，案件仍未确认。请再试一次，或打开案件查看原因。",
        "Not acknowledged: the case is still nobody's. Try again, or open the case to see why.";
    ack_offline = "确认没有送到中心，案件仍未确认。请再试一次，或改用值班电话。",
        "The acknowledgement did not reach the hub; the case is still nobody's. Try again, or use the duty telephone.";
    acknowledged_already = "已确认", "Acknowledged";
    file_ticket = "填写工单", "Fill in the ticket";
    file_ticket_why = "提交后转为已立案", "Filing it moves the case to filed";
    open_call = "打开来电", "Open the call";
    only_roles = "以下角色可以操作：", "Reserved for: ";
    step_1 = "信息收集", "Collect";
    step_2 = "分类处置", "Triage";
    step_3 = "案卷建立", "File";
    step_4 = "任务派遣", "Dispatch";
    step_5 = "事件办理", "Handle";
    step_6 = "结果反馈", "Report";
    step_7 = "核查结案", "Verify";
    step_8 = "综合评价", "Evaluate";
    steps = "八个环节", "Eight steps";
    waiting_for_person = "等待有人确认", "Waiting for a person";
    due_by = "期限", "due";
    // Errors
    error_404 = "没有这一页", "No such page";
    error_404_why = "地址可能写错了，或者您要找的案件不属于本单位。", "The address may be mistyped, or the case belongs to another tenant.";
    error_403 = "没有权限", "Not permitted";
    error_403_why = "您的角色不能做这件事；内容没有改变。", "Your role may not do this; nothing was changed.";
    error_csrf = "页面已过期", "This page has expired";
    error_csrf_why = "为了安全，这次提交没有执行。请返回、刷新页面后再试；您填写的内容没有丢失。", "For safety this was not carried out. Go back, reload and try again; what you typed is not lost.";
    error_500 = "中心出错了", "The hub failed";
    error_500_why = "这次操作没有完成，已提交的数据都在。请稍后再试；若反复出现，请把时间告诉管理员。", "This did not complete; everything committed is safe. Try again; if it repeats, tell the administrator the time.";
    error_409 = "本案已了结", "This case is finished";
    error_409_why = "已结案或作废的案件不需要确认；内容没有改变。", "A closed or void case needs no acknowledgement; nothing was changed.";
    error_400 = "内容有误", "Something is wrong with the input";
    input_too_large = "提交的内容太大，没有保存。", "What was sent is too large; nothing was kept.";
    input_unreadable = "提交的内容不完整，没有执行。请返回页面刷新后再试。", "What was sent is incomplete; nothing was done. Go back, reload and try again.";
    input_bad_text = "内容里有不能保存的字符，没有执行。", "The input holds characters that cannot be kept; nothing was done.";
    // Roles
    role_administrator = "管理员", "Administrator";
    role_operator = "坐席", "Operator";
    role_commander = "指挥长", "Commander";
    role_shift_leader = "班长", "Shift leader";
    role_dispatcher = "派遣员", "Dispatcher";
    role_department_head = "部门负责人", "Department head";
    role_handler = "部门承办人", "Department handler";
    role_town_officer = "镇干部", "Town officer";
    role_community_officer = "社区干部", "Community officer";
    role_grid_manager = "网格管理员", "Grid manager";
    role_informant = "网格信息员", "Grid informant";
    role_attendant = "网格服务员", "Grid attendant";
    role_evaluator = "考核员", "Evaluator";
    role_installer = "安装人员", "Installer";
    role_auditor = "审计员", "Auditor";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No word is empty, and each pair differs: a forgotten translation shows here.
    #[test]
    fn every_word_has_both_languages() {
        for (name, zh, en) in ALL {
            assert!(!zh.is_empty() && !en.is_empty(), "{name} is empty");
            assert_ne!(zh, en, "{name} is not translated");
            assert!(en.is_ascii() || en.contains('…') || en.contains('’'), "{name}: {en}");
        }
    }
}
