//! Words of the page of one's own account.

use super::Lang;

catalogue! {
    me = "我的账户", "My account";
    me_roles = "角色与范围", "Roles and areas";
    me_role = "角色", "Role";
    me_area = "范围", "Area";
    me_unit = "单位", "Unit";
    me_everywhere = "全部", "Everywhere";
    me_language_why = "只影响这个浏览器。", "For this browser only.";
    // Password
    me_password = "修改密码", "Change password";
    me_password_why = "修改后，您在别处的会话全部结束；本页继续有效。", "Afterwards your sessions elsewhere end; this one goes on.";
    me_password_old = "原密码", "Old password";
    me_password_new = "新密码", "New password";
    me_password_again = "再输一次新密码", "New password again";
    me_password_rule = "最少字符数：", "Characters at least: ";
    me_password_set = "修改", "Change";
    me_password_done = "密码已修改，别处的会话已结束。", "The password is changed, and your sessions elsewhere have ended.";
    me_password_short = "新密码太短，或超过 256 字节。密码没有修改。", "The new password is too short, or longer than 256 bytes. Nothing was changed.";
    me_password_differs = "两次输入的新密码不同。密码没有修改。", "The two new passwords differ. Nothing was changed.";
    me_password_same = "新密码与原密码相同。密码没有修改。", "The new password is the old one. Nothing was changed.";
    me_password_wrong = "原密码不对。密码没有修改。", "The old password is wrong. Nothing was changed.";
    // Sessions
    me_sessions = "我的会话", "My sessions";
    me_session_since = "开始", "Since";
    me_session_seen = "最近使用", "Last used";
    me_session_from = "来自", "From";
    me_session_this = "本会话", "This one";
    me_session_end = "结束", "End";
    me_session_done = "该会话已结束。", "That session has ended.";
    // Browsers
    me_push = "浏览器通知", "Notices in browsers";
    me_push_why = "没有打开哨点页面时，浏览器也会提示与您有关的案件。共用的电脑请不要开启。", "Your browser tells you of cases that concern you while no page of the hub is open. Not for computers that others use.";
    me_push_here = "此浏览器", "This browser";
    me_push_script = "开启通知需要启用脚本（JavaScript）。", "To turn this on, the browser has to run scripts (JavaScript).";
    me_push_unready = "中心没有配置浏览器通知。请管理员参阅 docs/OUTBOUND.md。", "The hub is not set up to notify browsers. Administrators: see docs/OUTBOUND.md.";
    me_push_unsupported = "此浏览器不支持通知，或本页不是通过受信任的 HTTPS 打开的。iPhone 须先把哨点添加到主屏幕。", "This browser has no notices, or the page did not come over trusted HTTPS. On an iPhone, add the hub to the home screen first.";
    me_push_denied = "此浏览器禁止了通知。请在浏览器的网站设置中允许后刷新本页。", "This browser refuses notices. Allow them in its settings for this site, then reload.";
    me_push_off = "此浏览器没有开启通知。", "Notices are off in this browser.";
    me_push_on = "此浏览器会收到通知。", "This browser is notified.";
    me_push_waiting = "请稍候…", "One moment…";
    me_push_broken = "没有开启成功：", "It could not be turned on: ";
    me_push_turn_on = "在此浏览器接收通知", "Notify on this browser";
    me_push_turn_off = "关闭此浏览器的通知", "Turn off on this browser";
    me_push_service = "推送服务", "Push service";
    me_push_last = "最近送达", "Last delivered";
    me_push_failures = "连续被拒", "Refused in a row";
    me_push_test = "发送测试", "Send a test";
    me_push_remove = "移除", "Remove";
    me_push_none = "还没有浏览器接收通知。", "No browser of yours is notified.";
    me_push_removed = "该浏览器不再接收通知。", "That browser is notified no more.";
    me_push_sent = "测试消息已交给推送服务，请留意该浏览器的提示。", "The push service has taken the test message; watch that browser.";
    me_push_failed = "测试消息没有送出：", "The test message was not sent: ";
    me_push_unknown = "没有这个浏览器，可能已被移除。", "There is no such browser; it may have been removed.";
    me_push_busy = "正在测试的人太多，请稍后再试。", "Too many tests at this moment; try again.";
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
