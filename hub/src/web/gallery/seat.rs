//! The seat's page and what a call has of it, in the states that look different.

use askama::Template as _;

use super::sample::{at, call_page, said, shell, ticket_form};
use crate::web::text::Lang;
use crate::web::view::*;

pub(super) fn places(lang: Lang, unclear: bool) -> PlaceOffers {
    let one = |key: usize, name: &str, percent: u8, grid: &str, why: String| CallPlace {
        key,
        id: format!("p{key}"),
        name: name.into(),
        percent,
        chain: vec!["示例镇".into(), "东关社区".into(), grid.into()],
        why,
        sure: key == 1 && !unclear,
        on: false,
        at: Some((34.51, 106.93)),
    };
    let apart = |metres: &str| {
        let (words, unit) = (lang.place_apart(), lang.place_metres());
        format!("{}“东关巷” · {words} {metres} {unit}", lang.place_contains())
    };
    PlaceOffers {
        all: vec![
            one(1, "东关巷北口", 94, "第03网格", lang.place_exact().into()),
            one(2, "老供销社（东关巷 12 号）", if unclear { 92 } else { 71 }, "第03网格", apart("40")),
            one(3, "东关巷南口", 40, "第05网格", apart("320")),
        ],
        unclear,
        lost: false,
        empty: false,
    }
}

fn call(lang: Lang, id: u32, ago_s: i64) -> SeatCall {
    SeatCall {
        id: format!("0195a1c2-0000-7000-8000-00000000000{id}"),
        url: format!("/calls/0195a1c2-0000-7000-8000-00000000000{id}"),
        number: Some(format!("20260318-0{id}7")),
        caller: "138****6027".into(),
        seat: "03".into(),
        came: at(ago_s),
        since_ms: None,
        length: "02:14".into(),
        alarms: vec![],
        place: "东关巷北口".into(),
        what: lang.pick("噪声扰民", "Noise").into(),
        sev: Some(Sev { class: "p3", word: lang.pick("一般", "Normal") }),
        state: Some(StateWord { class: "received", word: lang.pick("待受理", "Received") }),
        took_s: None,
        filed_by: String::new(),
        current: false,
    }
}

pub(super) fn list(lang: Lang) -> SeatList {
    SeatList {
        running: vec![
            SeatCall {
                since_ms: Some(at(134).ms),
                alarms: vec![lang.pick("火情", "Fire"), lang.pick("燃气泄漏", "Gas leak")],
                sev: Some(Sev { class: "p1", word: lang.pick("紧急", "Emergency") }),
                current: true,
                ..call(lang, 1, 134)
            },
            SeatCall {
                since_ms: Some(at(20).ms),
                number: None,
                caller: lang.caller_unknown().into(),
                what: lang.seat_no_case().into(),
                place: String::new(),
                sev: None,
                state: None,
                ..call(lang, 2, 20)
            },
        ],
        waiting: vec![call(lang, 3, 640)],
        filed: vec![SeatCall {
            took_s: Some(8),
            filed_by: "坐席03".into(),
            state: Some(StateWord { class: "filed", word: lang.pick("已立案", "Filed") }),
            ..call(lang, 4, 1_200)
        }],
        over: vec![SeatCall {
            state: Some(StateWord { class: "void", word: lang.pick("作废", "Void") }),
            ..call(lang, 5, 3_000)
        }],
        pace: SeatPace { median: Some("7.6".into()), tickets: 12 },
        today: 31,
        cut: true,
        seat: "03".into(),
    }
}

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let shell = shell(lang, theme, Nav::Seat);
    let choice = |name: &str, on| SeatChoice { name: name.into(), on };
    let seats = || vec![choice("02", false), choice("03", true)];
    let none = SeatList {
        running: vec![],
        waiting: vec![],
        filed: vec![],
        over: vec![],
        pace: SeatPace { median: None, tickets: 0 },
        today: 0,
        cut: false,
        seat: String::new(),
    };
    let mut told = call_page(&shell, RecordingView::None, said(lang), false);
    told.urges_centre = false;
    told.told = Some(lang.call_centre_draft());
    told.centre = Some(CentreView { at: at(30), by: "seat03".into(), in_hand: None });
    if let Some(form) = &mut told.form {
        form.places = places(lang, true);
    }
    let mut joined = call_page(&shell, RecordingView::None, said(lang), true);
    joined.joined_into = Some("20260318-021".into());
    joined.centre = Some(CentreView { at: at(300), by: "seat03".into(), in_hand: Some("chief".into()) });
    let begun = |ended: bool| CallBegunPage {
        shell: &shell,
        call_id: "0195a1c2-0000-7000-8000-000000000002".into(),
        caller: lang.caller_unknown().into(),
        seat: "03".into(),
        started: Some(at(20)),
        runs_since_ms: (!ended).then_some(at(20).ms),
        length: "00:20".into(),
        device_id: "box-1".into(),
        ended,
        transcript: TranscriptView::Live {
            note: lang.transcript_ongoing(),
            away: false,
            alarms: "{}".into(),
            heard: "{}".into(),
        },
        similar: vec![],
        knowledge: KnowledgeView::Waiting,
        form: Some(ticket_form(lang, vec![])),
        error: ended.then(|| lang.call_not_yet().to_owned()),
        calls: list(lang),
        map: None,
    };
    vec![
        ("seat-begun", begun(false).render()),
        ("seat-begun-over", begun(true).render()),
        ("seat", SeatPage { shell: &shell, list: list(lang), seats: seats() }.render()),
        ("seat-empty", SeatPage { shell: &shell, list: none, seats: vec![] }.render()),
        ("seat-calls", Ok(told.render().expect("call page"))),
        ("seat-joined", Ok(joined.render().expect("call page"))),
    ]
}
