//! Words of boxes, of what is asked of them, and of what could not be read of theirs.

use super::Lang;

catalogue! {
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
    models = "模型", "Models";
    models_why = "配置里点名的视觉模型：在用的名称和版本、最近十秒每秒看图数、未采用的原因",
        "The models of pictures that the configuration names: what is at work, looks per second of the last ten seconds, and why one is not used";
    model_wanted = "配置", "Configured";
    model_at_work = "在用", "At work";
    model_none = "未运行", "not at work";
    model_stand_in = "替用", "stand-in";
    model_rate = "次/秒", "Looks/s";
    model_note = "说明", "Note";
    model_detector = "检测", "detector";
    model_pose = "姿态", "pose";
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
    installer_file = "安装文件", "Installer's file";
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
}

#[cfg(test)]
mod tests {
    /// No word is empty, and each pair differs.
    #[test]
    fn every_word_has_both_languages() {
        for (name, zh, en) in super::ALL {
            assert!(!zh.is_empty() && !en.is_empty(), "{name} is empty");
            assert_ne!(zh, en, "{name} is not translated");
            assert!(en.is_ascii() || en.contains('…') || en.contains('’'), "{name}: {en}");
        }
    }
}
