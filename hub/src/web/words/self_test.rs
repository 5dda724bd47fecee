//! How a box's newest self-test went, as people read it.

use protocol::UtcMs;

use crate::self_test::SelfTest;
use crate::web::moment::LocalTime;
use crate::web::text::Lang;
use crate::web::view::SelfTestView;
use crate::web::words;

/// Nothing was asked yet: says so.
pub fn self_test(test: Option<&SelfTest>, local: &LocalTime, lang: Lang) -> SelfTestView {
    let Some(test) = test else {
        return SelfTestView { class: "never", text: lang.self_test_none().to_owned(), at: None };
    };
    let whole = test.pictured_at_ms.or(test.received_at_ms).unwrap_or(test.asked_at_ms);
    let seconds = (whole - test.asked_at_ms).max(0) as f64 / 1_000.0;
    let why = test.reason.as_deref().unwrap_or_default();
    let (class, text) = match (test.state.as_str(), lang) {
        ("passed", Lang::Zh) => ("ok", format!("通过，从下令到图片入库 {seconds:.1} 秒")),
        ("passed", Lang::En) => ("ok", format!("Passed, {seconds:.1} s from asking to the picture")),
        ("failed", Lang::Zh) => ("bad", format!("未通过：{}", words::reason(why, lang))),
        ("failed", Lang::En) => ("bad", format!("Failed: {why}")),
        _ => ("soon", lang.pick("等待回应", "Waiting").to_owned()),
    };
    SelfTestView { class, text, at: Some(local.moment(UtcMs(test.asked_at_ms))) }
}
