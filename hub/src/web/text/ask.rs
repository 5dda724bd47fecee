//! Words of the page on which citizens report and ask.

use super::Lang;

catalogue! {
    ask_citizen = "市民", "Citizen";
    ask_title = "网上办事", "Report or ask";
    ask_lead = "求助、投诉、咨询、建议、举报、表扬，不需要登录。提交后得到案号和查询码。", "Requests, complaints, questions, suggestions, reports and praise; no login is needed. You get a number and a code.";
    ask_urgent = "有人身危险请直接拨打 110、119、120。", "Where somebody is in danger, call 110, 119 or 120.";
    ask_status = "查询办理进度", "What became of a matter";
    ask_report = "网上反映事项", "Report or ask online";
    ask_matter = "事由", "Matter";
    ask_text = "什么事", "What it is about";
    ask_text_hint = "时间、经过、要求，2000 字以内", "When, what happened, what you wish; 2000 characters at most";
    ask_where = "在哪里", "Where";
    ask_where_hint = "街道、门牌、小区、参照物，200 字以内", "Street, house, estate, landmark; 200 characters at most";
    ask_position_hint = "可选。只用来找到所属社区和网格。", "Optional. It finds the community and the grid.";
    ask_pictures = "照片", "Pictures";
    ask_pictures_hint = "最多 4 张，每张不超过 5 MB，JPEG、PNG 或 WebP。拍摄地点等附带信息不保存。", "4 at most, 5 MB each, JPEG, PNG or WebP. Where they were taken is not kept.";
    ask_pictures_kept = "已收到，随本表一起提交；不附就取消勾选。", "Here already, sent with this form; uncheck what is not to go along.";
    ask_contact = "联系方式", "How to reach you";
    ask_contact_hint = "可以不填。加密保存，到期删除，只有坐席和指挥中心写明用途后才能查看。", "Optional. Kept encrypted and for a time only; told to the hotline and the centre alone, who state a purpose.";
    ask_name = "称呼", "Name";
    ask_phone = "电话", "Telephone";
    ask_call_back = "请给我回电话", "Please call me back";
    ask_anonymous = "匿名：不保存联系方式", "Anonymous: no name or number is kept";
    ask_confidential = "保密：承办单位不知道是谁反映的，对外只公布状态和日期", "Confidential: units are not told who reported it, and only its state and dates are public";
    ask_send = "提交", "Send";
    ask_trap = "请留空", "Leave this empty";
    // The receipt
    ask_receipt = "回执", "Receipt";
    ask_thanks = "已收到您反映的事项。", "Your matter has been received.";
    ask_number = "案号", "Number";
    ask_code = "查询码", "Code";
    ask_received = "收到时间", "Received";
    ask_keep = "请抄下或打印案号和查询码，只在这里显示。忘记了可拨打热线询问。", "Write down or print the number and the code; they are shown only here. If you lose them, ask by telephone.";
    ask_print = "打印", "Print";
    ask_another = "再反映一件", "Report another one";
    // What is to be mended
    ask_not = "还没有提交，请改正：", "Not sent yet; please mend: ";
    ask_wrong_matter = "请选择事由", "Choose the matter";
    ask_wrong_text = "请写明什么事（2000 字以内）", "Say what it is about (2000 characters at most)";
    ask_wrong_place = "请写明在哪里（200 字以内）", "Say where it is (200 characters at most)";
    ask_wrong_at = "位置不对，请重新获取或清除", "The position is none; take it anew or leave it out";
    ask_wrong_odd = "文字里有不能保存的字符", "The text holds characters that cannot be kept";
    ask_wrong_name = "称呼请写在一行内，30 字左右", "Write the name in one line, about 30 characters";
    ask_wrong_phone = "电话请写 3 至 20 位数字", "Write the telephone number as 3 to 20 digits";
    ask_wrong_call_back = "要回电话请留下电话，且不能匿名", "To be called back, leave a number and do not stay anonymous";
    ask_wrong_pictures = "照片不可用，请重新选择", "A picture is not there any more; choose it again";
    ask_wrong_trap = "表中留空的一栏被填写了，看起来像程序自动提交。请清空后再试", "A field that stays empty was filled in, as programs do; empty it and try again";
    ask_wrong_form = "页面已过期或浏览器不接受 Cookie。请刷新页面后重新提交", "This page has expired, or the browser takes no cookies; reload it and send again";
    ask_wrong_reused = "这张表已经提交过，内容与这次不同。请打开新的一张", "This form was sent before, with something else in it; open a new one";
    ask_wrong_many = "一次最多 4 张照片", "4 pictures are the most";
    ask_wrong_large = "照片超过 5 MB，请压缩后再传", "A picture is larger than 5 MB; make it smaller";
    ask_wrong_size = "整张表太大，没有收下；请减少照片或文字后再提交", "The whole form is too large and was not taken; send fewer pictures or less text";
    ask_busy = "中心正忙，没有提交成功。填写的内容都在下面，请稍后再提交一次；同一张表不会重复立案", "the centre is busy and this was not taken. All that you wrote is below: send it again in a while; the same form never becomes two matters";
    ask_too_many = "此网络提交次数过多，请一小时后再试，或拨打热线。", "Too many forms came from this network. Try again in an hour, or call by telephone.";
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
