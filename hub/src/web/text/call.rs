//! Words of the page of a call.

use super::Lang;

catalogue! {
    caller = "市民", "Caller";
    seat = "坐席", "Seat";
    caller_unknown = "号码未显示", "Number withheld";
    speech = "有效语音", "Speech";
    inbound = "呼入", "Inbound";
    outbound = "呼出", "Outbound";
    legs = "声道", "Legs";
    both_legs = "双声道", "Both sides";
    one_leg = "单声道", "One side";
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
    wrong_matter = "请选择诉求类型", "Choose the matter";
    wrong_category = "请选择类别", "Choose a category";
    wrong_urgency = "请选择缓急", "Choose the urgency";
    wrong_place = "请填写地点（200 字以内）", "Give the place (200 characters at most)";
    wrong_summary = "请填写摘要（2000 字以内）", "Give a summary (2000 characters at most)";
    filed_meanwhile = "工单刚由别人提交，没有覆盖。请先核对案件页上的工单；再次提交即作为更正。提交人：",
        "Somebody else has just filed this ticket; it was not replaced. Compare with the ticket on the case's page; filing again corrects it. Filed by: ";
    wrong_state = "本案已了结，不能再改工单", "This case is finished; its ticket cannot change";
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
