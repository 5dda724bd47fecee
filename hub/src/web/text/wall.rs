//! Words of the alert wall.

use super::Lang;

catalogue! {
    wall = "预警墙", "Alert wall";
    wall_screen = "大屏", "Big screen";
    theme_wall = "大屏", "Wall";
    wall_no_script = "本浏览器没有启用脚本：本页不会自动更新，也没有声音。请自行刷新；确认、误报、搁置照常可用。",
        "Scripts are off in this browser: this page does not update by itself and makes no sound. Reload it yourself; its forms work.";
    wall_again = "刷新", "Reload";
    wall_failed = "刷新没有成功，正在重试；已确认、已提交的都在。以下内容停在", "Not refreshed, trying again; what was committed is safe. What you see is of";
    wall_taken = "此预警刚刚离开预警墙；您输入的文字还在这里。", "This alert has just left the wall; what you typed is still here.";
    wall_telephone = "值班电话", "Duty telephone";
    wall_gone = "此案已不在预警墙上：", "This case is not on the wall any more: ";
    wall_typed = "您输入的是：", "You typed: ";
    // Areas
    wall_areas = "按区域", "By area";
    wall_areas_why = "未确认 / 未结", "Unacknowledged / open";
    wall_area = "区域", "Area";
    wall_no_town = "未到镇", "In no town";
    wall_total = "合计", "Total";
    // Cards
    wall_escalates = "后升级", "until it escalates";
    wall_escalated = "次已升级", "time(s) escalated";
    wall_policy_zero = "秒未确认，自动升级", "s unacknowledged, then an emergency escalates";
    wall_joined = "件并入", "joined";
    wall_again_word = "在办案件再次报警", "Alarms again while in hand";
    wall_left = "余", "left";
    wall_over = "超", "over";
    wall_dispatch = "派遣", "Dispatch";
    wall_live = "实时画面", "Picture now";
    wall_live_ask = "请盒子取画面", "Ask the box for a picture";
    wall_live_look = "看最新一张", "Show the newest";
    wall_live_waits = "已请求，画面到了就显示", "Asked for; it shows when it comes";
    wall_live_rests = "很久无人操作，实时画面已停；重新打开即继续", "Stopped, as nobody has touched anything for long; open it again to go on";
    wall_live_failed = "暂时取不到画面，将继续尝试", "No picture at the moment; it is tried again";
    wall_live_away = "盒子离线，取不到画面。最后联系", "The box is away, so there is no picture. Last heard of";
    wall_live_none = "本案没有您能看的摄像机", "This case has no camera that is yours to see";
    wall_live_why = "画面由盒子按遮挡规则处理后发来，最多每 2 秒一张；每次查看都记入调阅记录。", "The box masks each picture before it sends it, one in 2 seconds at most; each view is on record.";
    wall_false = "误报", "False alarm";
    wall_false_hint = "看到的是什么？如：蒸汽、灯光", "What was it? Steam, a lamp";
    wall_false_do = "作为误报作废", "Void as a false alarm";
    wall_shelve = "搁置", "Shelve";
    wall_shelve_minutes = "搁置多久", "For how long";
    wall_shelve_hint = "为什么？如：焊接施工", "Why? Welding on site";
    wall_shelve_do = "搁置告警源", "Put the source aside";
    wall_no_source = "来电和人工上报不能搁置", "Calls and reports are not put aside";
    wall_no_verdict = "案件已派遣，误报请在案件页处理", "It is dispatched already: see the case";
    wall_select = "选中这一条", "Select this one";
    wall_more = "其余未确认预警", "More unacknowledged alerts";
    wall_show_new = "显示", "Show";
    wall_sound_off = "开启声音", "Turn the sound on";
    wall_sound_on = "静音 2 分", "Mute 2 min";
    wall_sound_muted = "静音中，还有", "Muted for";
    wall_sound_asks = "声音待启用：点一下本页", "Sound waits: click on this page";
    wall_sound_none = "本浏览器不能发声", "This browser makes no sound";
    wall_empty = "没有未确认预警。", "No unacknowledged alerts.";
    wall_empty_latest = "最近一条", "The latest was at";
    wall_empty_none = "还没有任何预警。", "No alert yet.";
    // In hand
    wall_held = "已在办", "In hand";
    wall_held_all = "全部在办", "All in hand";
    wall_held_by = "接手", "Taken by";
    wall_limit = "时限", "Limit";
    wall_held_none = "没有在办案件。", "Nothing is in hand.";
    // Load
    wall_load = "预警负荷", "Alert load";
    wall_load_why = "每席 10 分钟：1 条为宜，2 条为上限", "Per operator in 10 minutes: 1 is good, 2 the limit";
    wall_load_hour = "近 60 分钟", "Last 60 minutes";
    wall_load_shift = "本班自", "This shift, since";
    wall_load_hours = "近 8 小时", "Last 8 hours";
    wall_load_alerts = "预警", "Alerts";
    wall_load_people = "在岗", "On duty";
    wall_load_rate = "每席 10 分钟", "Per operator, 10 min";
    wall_load_good = "宜", "good";
    wall_load_high = "偏高", "high";
    wall_load_over = "超限", "over the limit";
    wall_load_now = "此刻在岗人数：", "On duty now: ";
    wall_load_no_roster = "没有值班表，按一个席位计算。导入：hub duty import", "No roster: reckoned for one desk. Bring one: hub duty import";
    wall_load_steps = "每 10 分钟预警数", "Alerts in each 10 minutes";
    // Put aside
    wall_aside = "已搁置的告警源", "Sources put aside";
    wall_back = "回墙", "back on";
    wall_flapping = "频繁告警的源", "Sources that flap";
    wall_counted = "次只计数", "only counted";
    wall_since = "自", "since";
    // Behind a figure
    wall_behind = "数字对应的案件", "Cases behind the figure";
    wall_behind_alerts = "计入负荷的预警", "Alerts of the load";
    wall_behind_none = "没有案件。", "No cases.";
    wall_behind_to = "至", "to";
    wall_acknowledged = "确认", "Acknowledged";
    wall_bad_reason = "请写明原因（1 至 200 字）", "Write the reason (1 to 200 characters)";
    wall_bad_minutes = "搁置分钟数应为 1 至", "Minutes: 1 to";
    wall_bad_leaders = "紧急预警只能由本区域的班长或指挥长搁置", "An emergency is put aside by a shift leader or a commander of its area";
    wall_bad_already = "这个告警源已经搁置", "This source is put aside already";
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
