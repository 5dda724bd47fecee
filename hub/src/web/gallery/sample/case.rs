//! A case on its page.

use super::{at, request, row};
use crate::web::moves;
use crate::web::text::Lang;
use crate::web::view::*;

pub(in crate::web::gallery) fn case_page(shell: &Shell) -> CasePage<'_> {
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
        due: Some(DueView {
            word: lang.pick("受理", "Triage"),
            at: at(-540),
            side: lang.wall_left(),
            left: String::new(),
            class: "soon",
        }),
        steps: steps(lang),
        clips: vec![evidence(lang, "clip", EvidenceState::Waiting)],
        pictures: vec![evidence(lang, "snapshot", EvidenceState::Here)],
        recordings: 0,
        talk: vec![TalkLine {
            at: at(30),
            by: "zhang".into(),
            action: lang.pick("签到", "Arrived on site").into(),
            text: lang.pick("距案件地点 40 米", "from its place: 40 m").into(),
        }],
        may_talk: true,
        form_id: "0195a1c2-0000-7000-8000-0000000000c3".into(),
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
        map: Some(crate::web::gallery::map::map(lang, MapMode::Case)),
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

fn steps(lang: Lang) -> Vec<StepView> {
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

fn evidence(lang: Lang, kind: &'static str, state: EvidenceState) -> EvidenceView {
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
