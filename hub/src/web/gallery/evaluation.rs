//! The evaluation's pages with sample data.

use askama::Template;

use super::sample::{at, shell};
use super::trend;
use crate::evaluation::{By, Measure, Shape};
use crate::web::text::Lang;
use crate::web::view::*;

pub(super) fn figure(measure: Measure) -> FigureView {
    let url = || format!("/evaluation/cases?by=unit&period=2026-02&measure={measure}");
    match measure.shape() {
        Shape::Rate => FigureView {
            text: "96.5".into(),
            url: Some(url()),
            parts: Some(PartsView { n: 137, n_url: Some(url()), d: 142, d_url: url() }),
        },
        Shape::Length => FigureView { text: "14.2 / 45.6".into(), url: Some(url()), parts: None },
        _ => FigureView { text: "142".into(), url: Some(url()), parts: None },
    }
}

fn nothing() -> FigureView {
    FigureView { text: "—".into(), url: None, parts: None }
}

fn kept() -> KeptView {
    KeptView { made: at(90_000), hash: "6e0b".repeat(16), hash_short: "6e0b…6e0b".into(), root: 41 }
}

fn behind(lang: Lang) -> BehindView {
    BehindView {
        number: "20260218-007".into(),
        title: lang.pick("井盖破损", "Broken manhole cover").into(),
        at: at(300_000),
        unit: lang.pick("城管", "City management").into(),
        state: lang.pick("处理中", "In progress").into(),
        area: lang.pick("东关社区", "Dongguan").into(),
        category: lang.pick("市政设施", "Street facilities").into(),
    }
}

pub(super) fn choice(word: &'static str, on: bool) -> FilterChoice {
    FilterChoice { word, url: "/evaluation?by=unit&period=2026-02".into(), on }
}

pub(super) fn tabs(here: &'static str) -> EvaluationTabs {
    EvaluationTabs {
        league: "/evaluation?by=unit&period=2026-02".into(),
        density: "/evaluation/density?period=2026-02".into(),
        trends: "/evaluation/trends?period=2026-02".into(),
        bulletin: Some("/evaluation/bulletin?month=2026-02".into()),
        here,
    }
}

fn table(lang: Lang, shell: &Shell, empty: bool, overview: Option<OverviewView>) -> EvaluationPage<'_> {
    let row = |rank: &str, zh, en, line| FigureRowView {
        rank: rank.into(),
        name: lang.pick(zh, en).into(),
        score: if rank == "—" { "—".into() } else { "94.1".into() },
        line,
        figures: Measure::ALL.iter().map(|one| if line { nothing() } else { figure(*one) }).collect(),
    };
    let measure = |one: &Measure| MeasureView {
        name: lang.pick(one.zh(), one.en()),
        unit: if one.shape() == Shape::Rate { "%" } else { "" },
    };
    EvaluationPage {
        shell,
        tabs: tabs("league"),
        details: vec![
            choice(lang.ev_short(), overview.is_some()),
            choice(lang.ev_whole(), overview.is_none()),
        ],
        overview,
        period: "2026-02".into(),
        by: "unit",
        level: "",
        by_word: lang.pick("单位", "Unit"),
        groups: By::ALL.iter().map(|by| choice(lang.pick(by.zh(), by.en()), *by == By::Unit)).collect(),
        periods: vec![
            choice(lang.pick("上一期", "Before"), false),
            choice(lang.pick("本期", "This one"), true),
        ],
        areas: vec![AreaChoice {
            id: "north".into(),
            name: lang.pick("城关镇", "Chengguan").into(),
            on: false,
        }],
        kept: (!empty).then(kept),
        seen: at(0),
        cases: if empty { 0 } else { 614 },
        unread: i64::from(!empty),
        ranked: true,
        least: 5,
        weights: lang.pick("得分 = 按期处置率 × 50%。", "Score = Handling on time × 50%.").into(),
        policy: 5,
        measures: Measure::ALL.iter().map(measure).collect(),
        rows: if empty {
            vec![]
        } else {
            vec![row("1", "电力", "Power supply", false), row("—", "电信", "Telecommunications", true)]
        },
        total: Measure::ALL.iter().map(|one| figure(*one)).collect(),
        csv: "/api/v1/evaluation.csv?by=unit".into(),
        xlsx: "/api/v1/evaluation.xlsx?by=unit".into(),
    }
}

pub(super) fn pages(lang: Lang, theme: Theme) -> Vec<(&'static str, askama::Result<String>)> {
    let shell = shell(lang, theme, Nav::Evaluation);
    let place = |rank: &str, zh, en| (rank.to_owned(), lang.pick(zh, en).to_owned(), "94.1".to_owned());
    let line = |measure: &Measure| LineView {
        name: lang.pick(measure.zh(), measure.en()),
        now: figure(*measure),
        before: "88.0".into(),
        change: "+2.3".into(),
        a_year_ago: "—".into(),
        year_change: "—".into(),
    };
    let cases = EvaluationCasesPage {
        shell: &shell,
        measure: lang.pick(Measure::HandlingOnTime.zh(), Measure::HandlingOnTime.en()),
        row: lang.pick("城管", "City management").into(),
        period: "2026-02".into(),
        part: lang.ev_missed(),
        narrow: vec![
            lang.pick("占道经营", "Street trading").into(),
            lang.pick("西街社区", "West street").into(),
        ],
        count: 187,
        hidden: 1,
        rows: vec![behind(lang)],
        back: "/evaluation".into(),
        next: Some("/evaluation/cases?after=200".into()),
        csv: "/api/v1/evaluation/cases.csv".into(),
        xlsx: "/api/v1/evaluation/cases.xlsx".into(),
    };
    let bulletin = BulletinPage {
        shell: &shell,
        tabs: tabs("bulletin"),
        root: Some(SignedRootView {
            made: at(90_000),
            hash: "91d2".repeat(16),
            signer: "7a10".repeat(16),
            signature: "c0de".repeat(32),
        }),
        words: vec![
            lang.pick(
                "2026年2月上报 700 件，受理 690 件，立案 640 件，结案 590 件。",
                "2026-02: 700 reported, 690 taken up, 640 filed, 590 closed.",
            )
            .into(),
        ],
        month: "2026-02".into(),
        month_words: lang.pick("2026年2月", "2026-02").into(),
        kept: Some(kept()),
        cases: 614,
        unread: 0,
        lines: Measure::ALL.iter().map(line).collect(),
        leagues: vec![LeagueView {
            name: lang.pick("单位排名", "Unit league").into(),
            ranked: 10,
            unranked: 2,
            best: vec![place("1", "电力", "Power supply")],
            worst: vec![place("10", "城管", "City management")],
        }],
        overdue: vec![behind(lang)],
        overdue_count: 1,
        overdue_url: "/evaluation/cases?measure=unhandled_late".into(),
        categories: vec![(lang.pick("市政设施", "Street facilities").into(), figure(Measure::Filed))],
        before: Some("/evaluation/bulletin?month=2026-01".into()),
        after: None,
        csv: "/api/v1/evaluation/bulletin.csv?month=2026-02".into(),
        xlsx: "/api/v1/evaluation/bulletin.xlsx?month=2026-02".into(),
    };
    vec![
        ("evaluation", table(lang, &shell, false, Some(trend::overview(lang))).render()),
        ("evaluation-idle", table(lang, &shell, true, Some(trend::idle(lang))).render()),
        ("evaluation-all", table(lang, &shell, false, None).render()),
        ("evaluation-empty", table(lang, &shell, true, None).render()),
        ("evaluation-trends", trend::trends(lang, &shell, false).render()),
        ("evaluation-trends-empty", trend::trends(lang, &shell, true).render()),
        ("evaluation-density", trend::density(lang, &shell, true).render()),
        ("evaluation-density-list", trend::density(lang, &shell, false).render()),
        ("evaluation-cases", cases.render()),
        ("bulletin", bulletin.render()),
    ]
}
