//! The alert wall with its sample data, in the states that look different.

use askama::Template as _;

use super::sample::{at, call_row, row, shell};
use crate::web::text::Lang;
use crate::web::view::*;

fn alert(row: CaseRow, rank: usize, nth: usize) -> AlertView {
    let rings = row.pulses;
    AlertView {
        live: !row.is_call,
        no_live: None,
        rank,
        key: Some(nth),
        waited: "00:48".into(),
        areas: vec!["示例镇".into(), "东关社区".into(), "第03网格".into()],
        rule: "夜间禁入 · 0.86".into(),
        said: String::new(),
        escalates: rings.then(|| EscalatesView {
            at_ms: at(-12).ms,
            left: "12".into(),
            most_ms: 60_000,
            used_ms: 48_000,
        }),
        escalated: 0,
        due: None,
        joined: 0,
        joined_why: String::new(),
        damped: None,
        rings,
        dispatch_url: format!("/cases/{}#move-file", row.number),
        no_acknowledge: None,
        no_false_alarm: None,
        no_shelve: None,
        shelf_minutes: vec![
            MinutesView { minutes: 30, word: "30".into(), on: true },
            MinutesView { minutes: 60, word: "60".into(), on: false },
        ],
        problem: None,
        row,
    }
}

fn due(lang: Lang, class: &'static str) -> DueView {
    DueView {
        word: lang.pick("处置", "Handling"),
        at: at(-2_460),
        side: if class == "over" { lang.wall_over() } else { lang.wall_left() },
        left: "41".into(),
        class,
    }
}

fn area(lang: Lang, name: &str, class: &'static str, counts: [(i64, i64); 4]) -> AreaRow {
    let words = [("紧急", "Emergency"), ("重要", "Major"), ("一般", "Normal"), ("提示", "Notice")]
        .map(|w| lang.pick(w.0, w.1));
    let cell = |sev: Option<Sev>, (waiting, opened)| AreaCell {
        sev,
        waiting,
        opened,
        waiting_url: "/wall/cases?part=waiting".into(),
        open_url: "/wall/cases?part=open".into(),
    };
    let classes = ["p1", "p2", "p3", "p4"];
    let cells = (0..4).map(|at| cell(Some(Sev { class: classes[at], word: words[at] }), counts[at]));
    let sum = counts.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    AreaRow { name: name.into(), class, cells: cells.collect(), all: cell(None, sum) }
}

fn load(lang: Lang, has_roster: bool) -> LoadView {
    let line = |name: &str, alerts: &str, per: &str, (verdict, class)| LoadRow {
        name: name.into(),
        alerts: alerts.into(),
        url: "/wall/cases?alerts=1&after=1&until=2".into(),
        people: if has_roster { "2.5".into() } else { String::new() },
        per_operator: per.into(),
        verdict,
        class,
    };
    LoadView {
        rows: vec![
            line(lang.wall_load_hour(), "27", "1.8", (lang.wall_load_high(), "high")),
            line(lang.wall_load_shift(), "94", "0.7", (lang.wall_load_good(), "ok")),
        ],
        steps: (0..6)
            .map(|step| StepCount {
                from: "14:22:08".into(),
                to: "14:32:08".into(),
                alerts: step * 2,
                url: "/wall/cases?alerts=1&after=1&until=2".into(),
            })
            .collect(),
        on_duty: if has_roster { 3 } else { 0 },
        has_roster,
    }
}

fn alerts(lang: Lang) -> Vec<AlertView> {
    let fire = row(
        lang,
        "20260318-029",
        lang.pick("明火 · 东关巷北口", "Fire · 东关巷北口"),
        ("p1", lang.pick("紧急", "Emergency")),
        true,
    );
    let lane = row(
        lang,
        "20260318-027",
        lang.pick("消防通道占用 · 西街", "Blocked lane · 西街"),
        ("p2", lang.pick("重要", "Major")),
        true,
    );
    vec![
        AlertView {
            joined: 2,
            joined_why: "相距 82 米、相隔 3 分钟，视为同一起因 Taken for one matter: 82 m, 3 min apart"
                .into(),
            escalated: 1,
            ..alert(fire, 0, 1)
        },
        AlertView {
            due: Some(due(lang, "soon")),
            damped: Some("14:20 · 31".into()),
            problem: Some(WallProblem {
                number: "20260318-027".into(),
                act: WallAct::Shelve,
                why: lang.wall_bad_reason().into(),
                typed: super::HOSTILE.into(),
                minutes: 30,
            }),
            ..alert(lane, 1, 2)
        },
        AlertView {
            said: "“着火了”“困着老人”".into(),
            no_shelve: Some(lang.wall_no_source().into()),
            ..alert(call_row(lang), 2, 3)
        },
    ]
}

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let (desk, room) = (shell(lang, theme, Nav::Wall), shell(lang, Theme::Wall, Nav::Wall));
    let held = vec![HeldView {
        row: row(
            lang,
            "20260318-021",
            lang.pick("徘徊 · 学校东门", "Loitering · 学校东门"),
            ("p3", lang.pick("一般", "Normal")),
            false,
        ),
        areas: vec!["示例镇".into(), "东关社区".into()],
        unit: lang.pick("城管", "City management").into(),
        due: Some(due(lang, "over")),
    }];
    let page = |shell, screen, alerts: Vec<AlertView>, held: Vec<HeldView>| WallPage {
        shell,
        screen,
        may_screen: true,
        map: (!alerts.is_empty())
            .then(|| super::map::map(lang, if screen { MapMode::Screen } else { MapMode::Wall })),
        more_alerts: alerts.len() > 2,
        more_held: !held.is_empty(),
        latest: alerts.is_empty().then(|| at(2_700)),
        total: area(lang, lang.wall_total(), "total", [(1, 3), (1, 6), (1, 9), (0, 1)]),
        areas: vec![
            area(lang, "示例镇", "town", [(1, 3), (1, 6), (1, 9), (0, 1)]),
            area(lang, "东关社区", "community", [(1, 2), (0, 0), (0, 4), (0, 0)]),
        ],
        load: load(lang, !held.is_empty()),
        shelved: vec![ShelvedView {
            number: "20260318-011".into(),
            title: lang.pick("烟雾 · 焊接车间", "Smoke · 焊接车间").into(),
            until: at(-5_000),
            by: "chen".into(),
            reason: lang.pick("焊接施工", "Welding").into(),
            counted: 7,
        }],
        flapping: vec![FlappingView {
            number: "20260318-012".into(),
            title: lang.pick("区域入侵 · 水厂西墙", "Intrusion · 水厂西墙").into(),
            since: at(700),
            counted: 31,
        }],
        problem: alerts.is_empty().then(|| WallProblem {
            number: "20260318-020".into(),
            act: WallAct::FalseAlarm,
            why: lang.wall_no_verdict().into(),
            typed: super::HOSTILE.into(),
            minutes: 0,
        }),
        acknowledge_s: 60,
        telephone: "0917-7213456".into(),
        alerts,
        held,
    };
    let behind = WallCasesPage {
        shell: &desk,
        what: vec![lang.wall_held().into(), "示例镇".into()],
        rows: held.clone(),
        cut: true,
        back: "/wall",
    };
    let here =
        LiveView { here: Some(("/api/v1/evidence/5a".into(), at(2))), waits: true, ..LiveView::default() };
    let away = LiveView { refused: format!("{} 14:02", lang.wall_live_away()), ..LiveView::default() };
    let live = |live: LiveView| WallLivePage {
        shell: &desk,
        lang,
        number: "20260318-014".into(),
        title: lang.pick("占用消防通道", "Blocked fire lane").into(),
        live,
    };
    vec![
        ("wall", page(&desk, false, alerts(lang), held.clone()).render()),
        ("wall-screen", page(&room, true, alerts(lang), held).render()),
        ("wall-live", live(here).render()),
        ("wall-live-away", live(away).render()),
        ("wall-empty", page(&desk, false, vec![], vec![]).render()),
        ("wall-cases", behind.render()),
    ]
}
