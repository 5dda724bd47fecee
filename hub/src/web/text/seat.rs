//! Words of the seat's page and of what the page of a call has of it.

use super::Lang;

catalogue! {
    seat_desk = "坐席台", "Seat";
    seat_calls = "本席来电", "Calls of this seat";
    seat_all = "全部坐席", "All seats";
    seat_choose = "选择坐席", "Choose the seat";
    seat_choose_why = "此浏览器记住所选坐席。", "Remembered in this browser.";
    seat_set = "使用", "Use";
    seat_today = "今日来电", "Calls today";
    seat_running = "通话中", "On the line";
    seat_waiting = "待填工单", "Waiting for a ticket";
    seat_filed = "今日已提交", "Filed today";
    seat_over = "其他已了结", "Otherwise finished";
    seat_none_running = "此刻没有通话。", "Nobody is on the line.";
    seat_none_waiting = "没有待填的工单。", "No ticket is waiting.";
    seat_none_filed = "今天还没有提交工单。", "No ticket filed today yet.";
    seat_no_case = "通话结束或听到险情后成为案件", "becomes a case at its end, or with an alarm";
    seat_cut = "只列出最近的来电；更早的在案件列表里。", "Only the newest calls are listed; earlier ones are in the list of cases.";
    seat_older = "更早的来电", "Earlier calls";
    seat_length = "时长", "Length";
    seat_came = "来电时间", "Came at";
    seat_alarms = "险情", "Danger";
    seat_who = "来电", "Caller";
    seat_pace = "挂断到提交，今日中位", "Hang-up to filing, today's median";
    seat_pace_none = "今天还没有可计的工单", "nothing to count today yet";
    seat_pace_why = "只计通话结束后首次提交的工单；通话中提交的按 0 秒。所据各件见下表“用时”。", "Tickets first filed today; one that was filed while the call ran counts as 0 s. Its cases stand below with their time.";
    seat_pace_of = "件", "tickets";
    seat_took = "用时", "Took";
    seat_seconds = "秒", "s";
    seat_new = "新来电", "New call";
    seat_show_new = "显示", "Show";
    seat_open = "打开", "Open";
    seat_script = "启用脚本后本页自动更新。请自行刷新。", "With scripts this page updates by itself; reload it yourself.";
    seat_next = "下一通", "Next call";
    seat_no_next = "没有待填的来电", "No call is waiting";
    seat_back = "坐席台", "Seat";
    // The page of a call
    call_no_case = "尚无案件：通话结束或听到险情后自动生成", "no case yet: it comes with the end of the call, or with an alarm";
    call_over = "通话已结束，案件随后到达；已填内容会保留。", "The call is over. Its case is on its way; what is filled in stays.";
    call_file_when = "有案件后可提交", "Can be filed once there is a case";
    call_not_yet = "这通来电还没有案件，没有提交。已填内容保留，案件到达后再提交。", "There is no case of this call yet, and nothing was filed. What is filled in stays; file it once the case is here.";
    call_after = "挂断后", "since hang-up";
    call_said_new = "盒子更新了：", "The box has updated: ";
    call_auto_why = "虚线框为自动填写；改动即以人工为准，此后不再被更新", "dashed: filled in by itself; what you change is never replaced";
    call_tag_none = "其他", "Other";
    call_tag_other = "据以往更正", "from earlier corrections";
    call_tag_changed = "曾改为", "was changed to";
    call_tag_of = "次，共", "times of";
    call_tag_calls = "通同类来电", "such calls";
    call_keys = "选诉求，输入文字时加 Alt", "choose the matter; with Alt while typing";
    call_done = "已填", "Filled in";
    call_joined = "本来电已并入", "This call was joined to";
    call_join = "并入", "Join";
    call_join_why = "并入后保留两个来源，可拆回", "Both sources stay; it can be split off again";
    call_join_note = "坐席判定来电与该案是同一件事", "The operator takes the call and that case for one matter";
    call_join_like = "相似", "alike";
    call_joined_draft = "已并入。工单还没有填完，填好后仍可提交。", "Joined. The ticket is not complete yet; it can still be filed.";
    call_centre = "直报指挥中心", "Straight to the centre";
    call_centre_why = "升为紧急，立即通知指挥中心和班长，直到有人确认", "An emergency at once: the centre and the shift leader are told until somebody acknowledges it";
    call_centre_done = "已直报指挥中心", "The centre was told";
    call_centre_waits = "等待确认", "not acknowledged yet";
    call_centre_has = "已有人接手：", "in hand: ";
    call_centre_draft = "已直报指挥中心。工单还没有填完，填好后再提交。", "The centre was told. The ticket is not complete yet; file it when it is.";
    call_centre_reason = "坐席直报", "From the operator";
    call_suggests = "建议紧急", "looks like an emergency";
    call_copy = "抄入摘要", "Copy into the summary";
    call_reply_hint = "K 展开第一条", "K opens the first";
    // Places
    place_offers = "地址候选", "Which place";
    place_by_words = "只按文字", "By the words alone";
    place_by_words_why = "由中心按地名库判断", "the hub looks them up when the ticket is filed";
    place_unclear = "两处相近，请人定", "Two are about as likely: please pick";
    place_sure = "未另选时取此处", "taken unless you pick another";
    place_picked = "已选", "picked";
    place_nothing = "地名库里没有对得上的地点。", "The gazetteer has no such place.";
    place_empty = "还没有地名库；管理员用 hub gazetteer import 导入。", "There is no gazetteer yet; the administrator imports one with hub gazetteer import.";
    place_lost = "文字改了，原来选的地点已不在候选里，请重新选择。", "The words have changed and the place that was picked is not among them any more: pick again.";
    place_apart = "距候选 1 约", "from the first about";
    place_metres = "米", "m";
    place_anywhere = "未划网格", "no grid known";
    place_exact = "名称一致", "its name";
    place_alias = "别称", "other name:";
    place_sound = "同音", "sounds like";
    place_within = "话中有", "the words name";
    place_prefix = "以此开头", "begins so:";
    place_contains = "名称里有这些字：", "has this in its name:";
    place_near = "音近", "sounds nearly like";
    // Recording
    wave = "波形", "Waveform";
    wave_show = "显示波形", "Show the waveform";
    wave_why = "上市民，下坐席；点波形或点一句话从那里听", "above the caller, below the seat; click it, or a line, to hear from there";
    wave_keys = "空格播放或暂停，左右方向键退进 5 秒", "Space plays and pauses, arrow keys go 5 s back and on";
    wave_long = "录音超过一小时，不画波形。", "Longer than an hour: no waveform is drawn.";
    wave_failed = "波形没有画成：", "No waveform: ";
    wave_hear = "从这里听", "Hear from here";
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
