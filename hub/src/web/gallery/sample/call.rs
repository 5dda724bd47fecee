//! Calls: in the list, on their page, and the ticket of one.

use super::{at, row};
use crate::web::text::Lang;
use crate::web::view::*;

pub(in crate::web::gallery) fn call_row(lang: Lang) -> CaseRow {
    CaseRow {
        camera: None,
        is_call: true,
        call_id: Some("0195a1c2-0000-7000-8000-000000000001".into()),
        thumb: Thumb::Call,
        kind: lang.pick("热线来电", "Hotline call"),
        incident_count: 1,
        place: String::new(),
        ..row(
            lang,
            "20260318-028",
            lang.pick("热线来电 · 138****6027", "Hotline call · 138****6027"),
            ("p3", lang.pick("一般", "Normal")),
            true,
        )
    }
}

pub(in crate::web::gallery) fn call_page(
    shell: &Shell,
    recording: RecordingView,
    transcript: TranscriptView,
    filed: bool,
) -> CallPage<'_> {
    let lang = shell.lang;
    let knowledge = match &transcript {
        TranscriptView::Done { .. } => KnowledgeView::Found(answers()),
        TranscriptView::Silent => KnowledgeView::Nothing,
        TranscriptView::Failed(_) => KnowledgeView::Empty,
        _ => KnowledgeView::Waiting,
    };
    CallPage {
        shell,
        row: call_row(lang),
        call_id: "0195a1c2-0000-7000-8000-000000000001".into(),
        caller: "138****6027".into(),
        seat: "03".into(),
        direction: lang.inbound(),
        legs: lang.both_legs(),
        length: "02:14".into(),
        speech: "01:31".into(),
        started: at(140),
        device_id: "hotline-01".into(),
        interrupted: true,
        transcript,
        alarms: vec![
            AlarmView {
                word: lang.pick("火情", "Fire"),
                why: "“着火了”“冒黑烟”".into(),
                at: "00:05".into(),
                taken_back: false,
            },
            AlarmView {
                word: lang.pick("人员被困", "Trapped"),
                why: "“里面有人”".into(),
                at: "00:18".into(),
                taken_back: true,
            },
        ],
        similar: vec![SimilarView {
            number: "20260318-021".into(),
            title: lang.pick("明火 · 东关巷北口 02", "Fire · 东关巷北口 02").into(),
            sev: Sev { class: "p1", word: lang.pick("紧急", "Emergency") },
            opened: at(160),
            percent: 96,
            may_join: true,
        }],
        knowledge,
        findings: if filed { vec![format!("{}东关巷北口", lang.audit_place())] } else { vec![] },
        recording,
        contact: Some(ContactAsk { may: true, roles: String::new(), deleted: false, until: at(0) }),
        may_listen: true,
        listen_roles: String::new(),
        ticket: filed.then(|| ticket(lang)),
        form: (!filed).then(|| ticket_form(lang, vec![])),
        error: None,
        editing: false,
        purpose_query: None,
        told: None,
        calls: Some(crate::web::gallery::seat::list(lang)),
        runs_since_ms: None,
        over_since: (!filed).then(|| at(12)),
        centre: None,
        may_centre: true,
        urges_centre: true,
        joined_into: None,
        map: (!filed).then(|| crate::web::gallery::map::map(lang, MapMode::Pick)),
    }
}

pub(in crate::web::gallery) fn said(lang: Lang) -> TranscriptView {
    let plain = |text: &str| MarkView { text: text.into(), mark: Mark::None };
    let line = |caller: bool, at: &str, start_ms: u64, parts: Vec<MarkView>| SaidView {
        who: if caller { lang.caller() } else { lang.seat() },
        caller,
        at: at.into(),
        start_ms,
        end_ms: start_ms + 3_000,
        parts,
    };
    let place = MarkView { text: "东关巷北头".into(), mark: Mark::Place };
    let alarm = MarkView { text: "着火了".into(), mark: Mark::Alarm(lang.pick("火情", "Fire")) };
    TranscriptView::Done {
        said: vec![
            line(false, "00:02", 2_000, vec![plain("您好，这里是示例县热线，请讲。")]),
            line(
                true,
                "00:05",
                5_000,
                vec![plain("你好，我在"), place, plain("，工地上"), alarm, plain("！")],
            ),
            line(false, "00:14", 14_000, vec![plain("大概从几点开始的？")]),
            line(true, "00:18", 18_000, vec![plain("刚才，人都跑出来了。")]),
        ],
        model: "sherpa-onnx-paraformer-zh-int8-2025-10-07".into(),
        left_out: 12,
    }
}

fn answers() -> Vec<AnswerView> {
    let answer = |id: &str, title: &str, percent, why: &str, unit: &str| AnswerView {
        id: id.into(),
        title: title.into(),
        percent,
        why: why.into(),
        unit: unit.into(),
        paragraphs: vec![
            "先问：人出来了没有，里面还有没有人，烧的是什么。\n请来电人马上离开，不返回取物。".into(),
            "同时转报消防救援，把位置说到路口和门牌。".into(),
        ],
        valid_until: Some("2026-12-31".into()),
    };
    vec![
        answer("fire-call", "着火报警：先撤人，再问清位置", 92, "“着火了”“冒黑烟”", "应急管理局（消防救援）"),
        answer("night-noise", "夜间噪声：工地、烧烤摊、音响", 71, "“工地一直在响”", "生态环境局"),
    ]
}

pub(in crate::web::gallery) fn ticket_form(lang: Lang, wrong: Vec<&'static str>) -> TicketForm {
    let choice = |id: &str, zh: &'static str, en: &'static str, key: usize, on| Choice {
        id: id.into(),
        word: lang.pick(zh, en).into(),
        key: Some(key.to_string()),
        on,
        sev: None,
    };
    let offer = |id: &str, word: &str, percent, why: &str, key: &str| OfferView {
        id: id.into(),
        word: word.into(),
        percent,
        why: why.into(),
        key: key.into(),
        on: percent > 50,
    };
    TicketForm {
        offers: vec![
            offer("noise", lang.pick("噪声扰民", "Noise"), 91, "“工地”“一直在响”", "1"),
            offer("street_facility", lang.pick("市政设施", "Street facilities"), 6, "“东关巷”", "2"),
            offer("other", lang.pick("其他", "Other"), 25, lang.call_tag_other(), "3"),
        ],
        matters: vec![
            choice("enquiry", "咨询", "Enquiry", 4, false),
            choice("complaint", "投诉", "Complaint", 5, false),
            choice("request", "求助", "Request", 6, true),
            choice("suggestion", "建议", "Suggestion", 7, false),
            choice("report", "举报", "Report", 8, false),
            choice("praise", "表扬", "Praise", 9, false),
        ],
        categories: vec![Choice {
            id: "noise".into(),
            word: "噪声扰民 · 环保".into(),
            key: None,
            on: true,
            sev: None,
        }],
        urgencies: vec![
            Choice { key: None, sev: Some("p1"), ..choice("emergency", "紧急", "Emergency", 7, false) },
            Choice { key: None, sev: Some("p2"), ..choice("urgent", "加急", "Urgent", 8, false) },
            Choice { key: None, sev: Some("p3"), ..choice("normal", "一般", "Normal", 9, true) },
        ],
        place: "东关巷北口".into(),
        places: crate::web::gallery::seat::places(lang, false),
        point: String::new(),
        summary: "市民反映夜间施工噪声大，影响休息，要求尽快处置。".into(),
        known: 0,
        wrong,
        may: true,
        roles: String::new(),
    }
}

fn ticket(lang: Lang) -> TicketView {
    TicketView {
        matter: lang.pick("求助", "Request").into(),
        category: "噪声扰民".into(),
        unit: "环保".into(),
        urgency: Sev { class: "p3", word: lang.pick("一般", "Normal") },
        place: "东关巷北口".into(),
        summary: "市民反映夜间施工噪声大，影响休息，要求尽快处置。".into(),
        filed_by: "坐席03".into(),
        filed_at: at(5),
    }
}
