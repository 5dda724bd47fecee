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
mod camera;
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
    acting_as = "身份", "acting as";
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
    // One call
    caller = "市民", "Caller";
    seat = "坐席", "Seat";
    caller_unknown = "号码未显示", "Number withheld";
    speech = "有效语音", "Speech";
    inbound = "呼入", "Inbound";
    outbound = "呼出", "Outbound";
    legs = "声道", "Legs";
    both_legs = "双声道", "both sides";
    one_leg = "单声道", "one side";
    transcript = "通话转写", "Transcript";
    transcript_waiting = "尚未转写：站内还没装语音模型。装好后会自动补转写，本页随之更新。",
        "Not transcribed yet: no speech model on the box. Once one is installed the call is transcribed and this page follows.";
    transcript_running = "正在转写，完成后自动显示在这里。", "Being transcribed; the words appear here by themselves.";
    transcript_ongoing = "通话进行中：边说边出字，通话结束后换成完整转写。",
        "The call is going on: words appear as they are said; the whole transcript takes their place afterwards.";
    words_away = "盒子失联，这里的文字停住了；恢复后以完整转写为准。",
        "The box cannot be reached: words stand still here. What was said comes with the transcript.";
    words_saying = "正在说…", "speaking…";
    alarm_heard = "听到险情：", "Danger heard: ";
    alarm_taken_back = "后来的话里已不成立", "taken back by what was said later";
    offered = "标签", "Tags";
    offered_hint = "虚线框为自动填写，改动即以人工为准", "dashed: filled in by the box; what you change counts";
    because_of = "据", "from ";
    similar_open = "相似未结 · 三天内", "Similar open cases, three days";
    similar_none = "三天内没有相似的未结案件。", "No similar open case within three days.";
    knowledge = "答复口径", "What to tell the caller";
    knowledge_waiting = "有了市民的话，这里列出知识库中对得上的条目。",
        "Once there are words of the caller, entries of the knowledge base that answer them stand here.";
    knowledge_none = "知识库里没有对得上的条目。", "No entry of the knowledge base answers this.";
    knowledge_empty = "知识库还是空的；管理员用 hub knowledge import 导入。",
        "The knowledge base is empty; the administrator fills it with hub knowledge import.";
    valid_until = "有效期至", "Valid until";
    correct_purpose = "工单标签与盒子给出的不同", "The ticket is tagged otherwise than the box had offered";
    command_correct = "标签更正", "Tag correction";
    audit = "与通话核对", "Held against the call";
    audit_played_down = "通话里有险情，工单却没有定为紧急：", "The call tells of danger, the ticket is no emergency: ";
    audit_less_urgent = "通话听起来更急：", "The call sounds more urgent: ";
    audit_other_category = "通话更像另一类：", "The call sounds like another category: ";
    audit_place = "通话提到的地点没有写进工单：", "A place was told that is not in the ticket: ";
    transcript_silent = "通话中没有检测到说话。", "Nobody spoke on this call.";
    transcript_failed = "转写失败：", "Transcription failed: ";
    transcript_left_out = "通话过长，转写在此截断。留在站内、未上传的段数：",
        "A long call: the transcript is cut here. Passages that stayed on site: ";
    call_interrupted = "通话进行中盒子停止了记录；此后的话在另一条记录里，或没有留下。",
        "The box stopped recording during this call; what was said afterwards is in another record, or was not kept.";
    transcript_local = "本机识别，录音不出站", "Recognised on site; the recording stays there";
    recording_waits = "录音留在站内。写明用途后调取，到达后可在此播放；每次收听都有登记。",
        "The recording stays on site. Request it with a purpose; it plays here once it arrives. Every listening is registered.";
    recording_asked = "已请求录音，等待设备上传…", "Recording requested; waiting for the box to send it…";
    recording_failed = "上次请求没有成功：", "The last request failed: ";
    recording_here = "录音已到。写明用途后播放。", "The recording is here. State the purpose to play it.";
    recording_bleeped = "录音中的私人号码已消音", "Private numbers in it are bleeped";
    recording_whole = "录音未消音", "Nothing in it is bleeped";
    recording_play = "播放", "Play";
    contact = "回拨号码", "Callback number";
    contact_kept = "回拨号码已加密保存，写明用途后显示一次；每次查看都有登记。到期删除：",
        "The callback number is kept encrypted. It is shown once, with a purpose; every look is registered. Deleted on: ";
    contact_once = "号码只在这里显示一次，不进入任何记录。", "Shown here once; no record holds the number.";
    contact_until = "到期删除：", "Deleted on: ";
    contact_delete = "删除号码", "Delete number";
    contact_deleted = "已删除", "deleted";
    contact_nothing = "没有可查看的回拨号码：没有收到、已到期或已删除。",
        "There is no callback number to see: none came, it has expired, or it was deleted.";
    contact_foreign = "号码打不开：它是用另一把密钥加密的，与本中心端的 pki/contact.key 不符。",
        "The number cannot be opened: it was sealed for another key than this hub's pki/contact.key.";
    contact_confidential = "本案保密：承办单位和被反映单位的人员不能查看反映人的联系方式。",
        "This case is confidential: people of the units that it concerns are not told who reported it.";
    contact_damaged = "号码打不开：保存的内容已损坏。", "The number cannot be opened: what is kept of it is damaged.";
    recording_request = "调取录音", "Request recording";
    recording_of_purpose = "用途：", "Purpose: ";
    ticket = "工单", "Ticket";
    ticket_keys = "选诉求和缓急，输入文字时加 Alt", "choose matter and urgency; with Alt while typing";
    ticket_filed = "已提交", "Filed";
    ticket_amend = "更正", "Correct";
    ticket_file = "提交工单", "File ticket";
    ticket_draft = "草稿已保留", "Draft kept";
    matter = "诉求", "Matter";
    category = "类别", "Category";
    category_choose = "请选择类别", "Choose a category";
    urgency = "缓急", "Urgency";
    summary = "摘要", "Summary";
    unit = "承办单位", "Unit";
    ticket_wrong = "还不能提交：", "Cannot be filed yet: ";
    wrong_matter = "请选择诉求类型", "choose the matter";
    wrong_category = "请选择类别", "choose a category";
    wrong_urgency = "请选择缓急", "choose the urgency";
    wrong_place = "请填写地点（200 字以内）", "give the place (200 characters at most)";
    wrong_summary = "请填写摘要（2000 字以内）", "give a summary (2000 characters at most)";
    filed_meanwhile = "工单刚由别人提交，没有覆盖。请先核对案件页上的工单；再次提交即作为更正。提交人：",
        "Somebody else has just filed this ticket; it was not replaced. Compare with the ticket on the case's page; filing again corrects it. Filed by: ";
    wrong_state = "本案已了结，不能再改工单", "this case is finished; its ticket cannot change";
    // Devices
    online = "在线", "Online";
    offline = "离线", "Offline";
    never_seen = "从未上线", "Never seen";
    last_seen = "最近上线", "Last seen";
    seen_now = "此刻", "now";
    clock_skew = "时钟偏差", "Clock skew";
    clock_unsynced = "盒内时钟未同步", "Box clock not synchronised";
    cameras = "摄像头", "Cameras";
    cameras_running = "路正常", "running";
    detector = "检测", "Detection";
    detector_model = "模型", "Model";
    detector_motion = "仅移动侦测：未装检测模型", "Motion only: no detection model";
    speech_model = "语音模型", "Speech model";
    speech_none = "未装，来电先录音待转写", "None: calls are recorded and wait";
    outbox = "待发消息", "Outbox";
    outbox_oldest = "最早", "oldest";
    uploads = "待传文件", "Uploads waiting";
    disk = "剩余磁盘", "Disk free";
    rejected = "被拒消息", "Rejected";
    version = "版本", "Version";
    configuration = "配置", "Configuration";
    configuration_version = "配置版本", "Configuration version";
    installer_file = "安装文件", "installer's file";
    frames = "分析帧率", "Frames/s";
    dropped = "跳帧", "Skipped";
    since = "起始", "Since";
    health = "状况", "Health";
    running = "正常", "Running";
    connecting = "连接中", "Connecting";
    lost = "无画面", "No picture";
    source_ended = "已结束", "Ended";
    active_calls = "路通话中", "calls now";
    no_status = "盒子还没有报来状况。", "The box has not told how it is yet.";
    call_tap = "来电接入", "Call tap";
    call_troubles = "来电接入有故障", "Call tap in trouble";
    voice_detector = "语音检测", "Voice detection";
    calls_filed = "已上报来电", "Calls reported";
    transcripts_waiting = "待转写", "Waiting for words";
    calls_refused = "拒绝的接入", "Connections refused";
    announcements_dropped = "作废的来电通知", "Announcements dropped";
    quarantined = "在隔离区", "In quarantine";
    missing = "缺失消息", "Messages missing";
    missing_why = "按盒子的编号尚未收到：在路上，或已丢失", "not here by the box's numbering: on their way, or lost";
    add_device = "添加设备", "Add device";
    device_name = "设备名", "Device name";
    device_name_hint = "小写字母、数字、- 和 _，如 dongguan-01", "Lower-case letters, digits, - and _, e.g. dongguan-01";
    device_code = "一次性注册码", "One-time code";
    device_code_why = "24 小时内有效，只能用一次，只显示这一遍。在盒子上运行：", "Valid for 24 hours, once, and shown only now. On the box, run:";
    device_code_scan = "也可用手机扫码带到现场。", "Or carry it to the site as a QR code.";
    no_devices = "还没有设备。添加第一台：起个名字，得到一次性注册码。", "No device yet. Add the first: give it a name and get its one-time code.";
    not_enrolled = "待注册", "Waiting to enrol";
    revoked = "已停用", "Disabled";
    new_configuration = "下发配置", "Send configuration";
    configuration_hint = "整份 TOML。盒子检查后才启用；不合格则沿用旧的并说明原因。", "The whole TOML. The box checks it first; if it is wrong, the old one stays and the reason comes back.";
    try_rules = "用最近一小时试规则", "Try rules on the last hour";
    try_rules_hint = "[[camera.zones]]、[[camera.lines]]、[[camera.rules]] 三种表，写法同盒子配置。不改动现行规则。", "Tables [[camera.zones]], [[camera.lines]] and [[camera.rules]] as in the box's configuration. Nothing in force is changed.";
    tried_none = "这段时间里这些规则不会报警。", "In this time these rules would have raised nothing.";
    tried_frames = "帧", "frames";
    tried_ended = "结束时间", "Over";
    tried_more = "条未列出", "more not listed";
    still_going = "仍在继续", "going on";
    requests_to_device = "请求与回答", "Requests and answers";
    // Commands
    command = "请求", "Request";
    command_still = "现场画面", "Current picture";
    command_recording = "调取录音", "Recording";
    command_replay = "试规则", "Rules tried";
    command_configuration = "下发配置", "Configuration";
    command_show_configuration = "读取现行配置", "Configuration in force";
    command_self_test = "自检", "Self-test";
    self_test = "每日自检", "Daily self-test";
    self_test_none = "尚未自检", "Not tested yet";
    asked_by = "请求人", "Asked by";
    asked_at = "请求时间", "Asked";
    answer = "回答", "Answer";
    answer_waiting = "等待回答", "Waiting";
    answer_done = "已完成", "Done";
    answer_failed = "未成功", "Failed";
    answer_expired = "已过期", "Expired";
    no_commands = "还没有请求记录。", "No requests yet.";
    subject = "对象", "Subject";
    // Quarantine
    quarantine_lead = "读不懂的消息原样留在这里，盒子上也留有一份，不会丢失。", "Messages that cannot be read are kept here as they came, and on the box too: nothing is lost.";
    no_quarantine = "隔离区是空的。", "The quarantine is empty.";
    reason = "原因", "Reason";
    received_at = "收到", "Received";
    size = "大小", "Size";
    bytes = "字节", "bytes";
    message = "消息", "Message";
    as_text = "文本", "Text";
    as_hex = "十六进制", "Hexadecimal";
    cut_at = "只显示开头", "Only the beginning is shown";
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
