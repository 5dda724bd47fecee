//! Sample data of every page.

use jiff::tz::TimeZone;
use protocol::{IncidentKind, UtcMs};

use crate::user::role::Role;
use crate::web::moment::{LocalTime, Moment, age_text};
use crate::web::moves;
use crate::web::text::Lang;
use crate::web::view::*;

/// 2026-03-18 14:32:08 +08:00
const NOW: i64 = 1_773_815_528_000;

pub(super) fn at(ago_s: i64) -> Moment {
    LocalTime { zone: TimeZone::fixed(jiff::tz::offset(8)), now: UtcMs(NOW) }
        .moment(UtcMs(NOW - ago_s * 1_000))
}

pub(super) fn shell(lang: Lang, theme: Theme, nav: Nav) -> Shell {
    Shell {
        lang,
        theme,
        nav,
        who: (nav != Nav::None).then(|| Who {
            name: "值班长".into(),
            role: Role::Commander,
            sees_devices: true,
            sees_quarantine: true,
            sees_evaluation: true,
            sees_admin: true,
            sees_queue: true,
            sees_tasks: true,
            sees_handover: true,
            sees_field: true,
            sees_seat: true,
            sees_map: true,
            wall: Some("/wall"),
        }),
        csrf: "c5f0".into(),
        now: at(0),
        here: "/cases?".into(),
        find: String::new(),
        position: Some(17),
    }
}

pub(super) fn row(
    lang: Lang,
    number: &str,
    title: &str,
    sev: (&'static str, &'static str),
    waits: bool,
) -> CaseRow {
    CaseRow {
        number: number.into(),
        title: title.into(),
        kind: lang.pick("区域入侵", "Intrusion"),
        sev: Sev { class: sev.0, word: sev.1 },
        state: StateWord { class: "received", word: lang.pick("待受理", "Received") },
        place: "东关社区 东关巷北口".into(),
        camera: Some("东关巷北口 02".into()),
        is_call: false,
        call_id: None,
        opened: at(48),
        age: age_text(48_000, lang.is_zh()),
        incident_count: 3,
        motion_only: false,
        drill: false,
        thumb: Thumb::Waiting,
        acknowledged_by: (!waits).then(|| "坐席03".into()),
        acknowledged_at: (!waits).then(|| at(20)),
        waits,
        unclaimed: waits,
        open: true,
        may_acknowledge: true,
        pulses: waits && sev.0 == "p1",
    }
}

pub(super) fn call_row(lang: Lang) -> CaseRow {
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

pub(super) fn evidence(lang: Lang, kind: &'static str, state: EvidenceState) -> EvidenceView {
    EvidenceView {
        kind,
        word: if kind == "clip" { lang.clip() } else { lang.snapshot() },
        url: "/api/v1/evidence/7be1".into(),
        sha256: "7be1".repeat(16),
        sha_short: "7be1…7be1".into(),
        media_type: "video/mp4".into(),
        size: "3.7 MB".into(),
        length: (kind == "clip").then(|| "00:30".into()),
        starts: at(54),
        masked: true,
        codec: (kind == "clip").then_some("H.264"),
        notes: if kind == "clip" {
            vec![format!("14:31:02–14:31:05 {}", lang.gap_stream_lost())]
        } else {
            vec![]
        },
        state,
        copy_of: None,
        copy: None,
    }
}

pub(super) fn steps(lang: Lang) -> Vec<StepView> {
    let names = [
        lang.step_1(),
        lang.step_2(),
        lang.step_3(),
        lang.step_4(),
        lang.step_5(),
        lang.step_6(),
        lang.step_7(),
        lang.step_8(),
    ];
    let step = |(i, name): (usize, &'static str)| StepView {
        number: i + 1,
        name,
        class: ["done", "now", "todo"][i.min(2)],
        lines: if i == 0 { vec!["14:31:20".into(), lang.camera().into()] } else { vec![] },
    };
    names.into_iter().enumerate().map(step).collect()
}

pub(super) fn request(lang: Lang, state: &'static str) -> CommandView {
    CommandView {
        id: "0195a1c2".into(),
        device_id: "dongguan-01".into(),
        what: lang.command_still(),
        subject: "东关巷北口 02".into(),
        subject_url: None,
        purpose: "核实现场是否还有明火".into(),
        by: "值班长".into(),
        at: at(30),
        state,
        state_word: if state == "done" { lang.answer_done() } else { lang.answer_waiting() },
        answer: String::new(),
        answered: None,
        pictures: vec![],
        trial: None,
    }
}

pub(super) fn tried(lang: Lang) -> CommandView {
    let incident = |seconds, kind: IncidentKind, ended| TriedView {
        rule: "fire-lane".into(),
        kind: lang.pick(kind.zh(), kind.en()),
        started: at(seconds),
        ended,
        score: "87 %".into(),
    };
    let trial = TrialView {
        from: at(3_600),
        to: at(0),
        frames: 17_982,
        incidents: vec![
            incident(2_000, IncidentKind::BlockedLane, Some(at(1_400))),
            incident(90, IncidentKind::Intrusion, None),
        ],
        left_out: 3,
    };
    CommandView { what: lang.command_replay(), trial: Some(trial), ..request(lang, "done") }
}

pub(super) fn ticket_form(lang: Lang, wrong: Vec<&'static str>) -> TicketForm {
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
        places: super::seat::places(lang, false),
        point: String::new(),
        summary: "市民反映夜间施工噪声大，影响休息，要求尽快处置。".into(),
        known: 0,
        wrong,
        may: true,
        roles: String::new(),
    }
}

pub(super) fn ticket(lang: Lang) -> TicketView {
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

pub(super) fn device_row(lang: Lang) -> DeviceRow {
    DeviceRow {
        id: "dongguan-01".into(),
        title: "东关社区 一号盒".into(),
        state: "online",
        state_word: lang.online(),
        last_seen: Some(at(2)),
        cameras_running: 3,
        cameras: 4,
        motion_only: true,
        outbox: 2,
        rejected: 1,
        skew: Some("+12.4 s".into()),
        skew_bad: true,
        unsynced: true,
        speech: false,
        troubles: 1,
        version: "0.1.0".into(),
    }
}

pub(super) fn call_tap() -> CallTapView {
    CallTapView {
        voice_detector: "silero".into(),
        transcripts_waiting: 4,
        filed: 31,
        refused: 1,
        announcements_dropped: 0,
        troubles: vec!["AudioSocket 0.0.0.0:9092: address already in use; trying again".into()],
    }
}

pub(super) fn call_page(
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
        calls: Some(super::seat::list(lang)),
        runs_since_ms: None,
        over_since: (!filed).then(|| at(12)),
        centre: None,
        may_centre: true,
        urges_centre: true,
        joined_into: None,
        map: (!filed).then(|| super::map::map(lang, MapMode::Pick)),
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

pub(super) fn case_page(shell: &Shell) -> CasePage<'_> {
    let lang = shell.lang;
    CasePage {
        shell,
        row: row(
            lang,
            "20260318-029",
            lang.pick("区域入侵 · 东关巷北口", "Intrusion · 东关巷北口"),
            ("p1", lang.pick("紧急", "Emergency")),
            true,
        ),
        steps: steps(lang),
        clips: vec![evidence(lang, "clip", EvidenceState::Waiting)],
        pictures: vec![evidence(lang, "snapshot", EvidenceState::Here)],
        recordings: 0,
        history: vec![
            HistoryView {
                at: at(20),
                action: lang.pick("并入", "Joined").into(),
                by: "dongguan-01".into(),
                detail: lang.pick("区域入侵", "Intrusion").into(),
                hash_short: "9f3c".into(),
            },
            HistoryView {
                at: at(48),
                action: lang.pick("受理", "Opened").into(),
                by: "dongguan-01".into(),
                detail: String::new(),
                hash_short: "41d8".into(),
            },
        ],
        history_whole: true,
        incidents: vec![IncidentView {
            id: "0195".into(),
            kind: lang.pick("区域入侵", "Intrusion"),
            started: at(50),
            ended: None,
            revision: 2,
            facts: vec![
                (lang.rule(), "夜间禁入".into()),
                (lang.object(), format!("{} × 2", lang.pick("人", "Person"))),
                (lang.score(), "0.86".into()),
                (lang.method(), "yolox-nano 416".into()),
            ],
            motion_only: false,
        }],
        older_incidents: Some("/cases/20260318-029?incidents=0~1~a".into()),
        older_history: None,
        earlier: false,
        joined: vec![
            JoinedView {
                number: "20260318-031".into(),
                title: lang.pick("热线来电 · 火情", "Hotline call · Fire").into(),
                incident_count: 3,
                at: at(12),
                why: "火情：相距 82 米、相隔 3 分钟，视为同一起因 Taken for one matter: 82 m, 3 min apart"
                    .into(),
                may_open: true,
            },
            JoinedView {
                number: "20260318-032".into(),
                title: lang.pick("热线来电 · 火情", "Hotline call · Fire").into(),
                incident_count: 0,
                at: at(14),
                why: lang.pick("紧急 · 凤鸣路菜市场", "Emergency · 凤鸣路菜市场").into(),
                may_open: false,
            },
        ],
        link: LinkView {
            joined_into: None,
            joined_why: String::new(),
            shelved_until: Some(at(1)),
            shelved_by: "chen".into(),
            damped: Some(
                lang.pick(
                    "告警源自 14:20 起频繁告警，其后 31 次只计数。",
                    "Its source has flapped since 14:20; 31 alarms were only counted.",
                )
                .into(),
            ),
        },
        map: Some(super::map::map(lang, MapMode::Case)),
        still: Some(StillTarget {
            device_id: "dongguan-01".into(),
            camera_id: "north-02".into(),
            camera_name: "东关巷北口 02".into(),
            may: true,
            roles: String::new(),
        }),
        requests: vec![request(lang, "done")],
        public_code: Some("7K3F-Q2VN".into()),
        has_order: true,
        device_id: "dongguan-01".into(),
        ticket: None,
        may_file: true,
        file_roles: String::new(),
        acknowledge_roles: String::new(),
        moves: moves::sample::at(moves::sample::Stage::Received, lang),
        at: None,
    }
}

pub(super) fn said(lang: Lang) -> TranscriptView {
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
