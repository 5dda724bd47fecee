//! The overview, the density map and the trends with sample data.

use super::evaluation::{choice, figure, tabs};
use crate::evaluation::Measure;
use crate::web::text::Lang;
use crate::web::view::*;

fn plain(text: &str) -> FigureView {
    FigureView {
        text: text.into(),
        url: Some("/evaluation/cases?by=unit&period=2026-02&measure=filed".into()),
        parts: None,
    }
}

fn place(rank: &str, change: (&'static str, &str), name: &str, rate: (&str, bool)) -> LeaguePlaceView {
    LeaguePlaceView {
        rank: rank.into(),
        change: PlaceChangeView { class: change.0, word: change.1.into() },
        name: name.into(),
        few: rank == "—",
        line: rank == "—",
        count: plain("187"),
        bar: RateBarView { width: rate.0.into(), figure: plain(rate.0), low: rate.1 },
        others: vec![plain("8.6"), plain("84.2")],
        length: plain("3.9"),
        spark: SparkView {
            path: "M2 3L16 4.4L30 7.2L44 8.5L58 11.3L72 17".into(),
            dot: Some(("72".into(), "17".into())),
            says: "2026-01 88.0, 2026-02 79.1".into(),
        },
        score: "77.9".into(),
        why: rate.1.then(|| "/evaluation?by=unit&period=2026-02&why=city#why".into()),
    }
}

fn trend(lang: Lang) -> TrendView {
    let rates = [119.2, 113.8, 107.4, 103.2, 106.6, 92.6, 83.1, 76.6, 69.4, 64.4, 57.6, 48.9];
    let x = |at: usize| format!("{:.1}", 51.1 + 34.2 * at as f64);
    let bar = |at: usize| TrendBarView {
        x: format!("{:.1}", 42.1 + 34.2 * at as f64),
        mid: x(at),
        y: "118.5".into(),
        height: "45.5".into(),
        text: (at == 0 || at == 11).then(|| "402".into()),
        label: (at + 1).to_string(),
    };
    let dot = |(at, y): (usize, &f64)| TrendDotView {
        x: x(at),
        y: y.to_string(),
        radius: if at == 11 { "4" } else { "2.5" },
    };
    let row = |at: usize| TrendRowView {
        name: format!("2026-{:02}", at + 1),
        url: "/evaluation?by=unit&period=2026-02".into(),
        running: at == 11,
        due: plain("402"),
        rate: figure(Measure::ClosingOnTime),
    };
    let points: Vec<String> = rates.iter().enumerate().map(|(at, y)| format!("{} {y}", x(at))).collect();
    TrendView {
        says: lang
            .pick(
                "按期结案率由 2025-03 的 71.8% 到 2026-02 的 90.3%，应结案数由 402 件到 614 件",
                "Closing on time: 71.8% in 2025-03, 90.3% in 2026-02.",
            )
            .into(),
        ticks: [("164", "60"), ("126", "70"), ("88", "80"), ("50", "90"), ("12", "100")]
            .map(|(y, text)| TickView { y: y.into(), text_y: y.into(), text: text.into() })
            .to_vec(),
        bars: (0..12).map(bar).collect(),
        line: format!("M{}", points.join("L")),
        dots: rates.iter().enumerate().map(dot).collect(),
        last: Some((x(11), "38.9".into(), "90.3".into())),
        rows: (0..12).map(row).collect(),
        rate_name: lang.pick(Measure::ClosingOnTime.zh(), Measure::ClosingOnTime.en()),
        count_name: lang.pick(Measure::DueToClose.zh(), Measure::DueToClose.en()),
    }
}

fn why_row(text: &str, count: i64, note: &str) -> WhyRowView {
    WhyRowView {
        text: text.into(),
        count,
        url: "/evaluation/cases?by=unit&measure=handling_on_time&part=missed&key=city".into(),
        note: note.into(),
    }
}

pub(super) fn overview(lang: Lang) -> OverviewView {
    let headline = |(measure, text, unit, before): (Measure, &str, &'static str, &str)| HeadlineView {
        name: lang.pick(measure.zh(), measure.en()),
        now: plain(text),
        unit,
        before: plain(before),
    };
    let (up, same) = (lang.pick("升 1", "up 1"), lang.pick("平", "same"));
    let over = lang.pick("平均超 1.4 日", "on average over by 1.4 days");
    OverviewView {
        before_word: lang.ev_before_month(),
        headlines: [
            (Measure::DueToClose, "614", lang.ev_cases(), "520"),
            (Measure::ClosingOnTime, "90.3", "%", "88.0"),
            (Measure::HandlingOnTime, "89.1", "%", "87.6"),
            (Measure::DispatchAccurate, "96.9", "%", "96.0"),
            (Measure::ReworkRate, "4.7", "%", "5.2"),
            (Measure::Satisfaction, "90.6", "%", "—"),
            (Measure::UnhandledLate, "17", lang.ev_cases(), "21"),
        ]
        .map(headline)
        .to_vec(),
        count_name: lang.pick(Measure::DueToHandle.zh(), Measure::DueToHandle.en()),
        bar_name: lang.pick(Measure::HandlingOnTime.zh(), Measure::HandlingOnTime.en()),
        other_names: [Measure::ReworkRate, Measure::Satisfaction]
            .map(|one| lang.pick(one.zh(), one.en()))
            .to_vec(),
        low: 80,
        places: vec![
            place("1", ("up", up), lang.pick("电力", "Power supply"), ("100", false)),
            place("2", ("eq", same), lang.pick("城管", "City management"), ("79.1", true)),
            place("—", ("", ""), lang.pick("电信", "Telecommunications"), ("77.8", true)),
        ],
        idle: vec![lang.pick("民政", "Civil affairs").into(), lang.pick("国土", "Land").into()],
        trend: trend(lang),
        why: Some(WhyView {
            of: Some(WhyOfView {
                name: lang.pick("城管", "City management").into(),
                fell: true,
                measure: lang.pick(Measure::HandlingOnTime.zh(), Measure::HandlingOnTime.en()),
                before: "88.0".into(),
                now: "79.1".into(),
                count: 39,
                url: "/evaluation/cases?measure=handling_on_time&part=missed&key=city".into(),
                groups: vec![why_row(
                    lang.pick("占道经营，西街社区", "Street trading, West street"),
                    14,
                    over,
                )],
                more: vec![why_row(lang.pick("垃圾清运，东关社区", "Waste, East gate"), 1, over)],
                causes: vec![why_row(
                    lang.pick("派遣后才转协办", "Joined as co-handler after the first dispatch"),
                    8,
                    lang.pick("占 20.5%", "share 20.5%"),
                )],
            }),
        }),
    }
}

/// A period in which nothing counts.
pub(super) fn idle(lang: Lang) -> OverviewView {
    OverviewView {
        places: vec![],
        why: Some(WhyView { of: None }),
        trend: TrendView { says: lang.ev_trend_none().into(), ..TrendView::default() },
        ..overview(lang)
    }
}

pub(super) fn trends(lang: Lang, shell: &Shell, empty: bool) -> TrendsPage<'_> {
    let cell = |class, text: &str| HeatCellView { class, figure: plain(text) };
    let row = |name: &str| TrendsRowView {
        name: name.into(),
        cells: vec![cell("h0", "0"), cell("h2", "3"), cell("h5", "14")],
    };
    let hour = |weekday: usize| TrendsRowView {
        name: lang.weekday(weekday).into(),
        cells: (0..24).map(|hour| cell(if hour == 9 { "h5" } else { "h1" }, "2")).collect(),
    };
    let column = |name: &str| TrendsColumnView {
        name: name.into(),
        full: format!("2026-{name}"),
        url: "/evaluation?period=2026-02".into(),
    };
    TrendsPage {
        shell,
        tabs: tabs("trends"),
        period: "2026-02".into(),
        by: "category",
        level: "group",
        measure: "filed",
        measure_word: lang.pick(Measure::Filed.zh(), Measure::Filed.en()),
        by_word: lang.pick("大类", "Category group"),
        rows_by: vec![choice(lang.pick("大类", "Category group"), true)],
        steps: vec![choice(lang.ev_trends_day(), false), choice(lang.ev_trends_month(), true)],
        measures: vec![choice(lang.pick(Measure::Filed.zh(), Measure::Filed.en()), true)],
        periods: vec![choice(lang.pick("本期", "This one"), true)],
        areas: vec![],
        columns: if empty { vec![] } else { ["12", "1", "2"].map(column).to_vec() },
        rows: if empty { vec![] } else { vec![row(lang.pick("市容环境", "Streets"))] },
        total: vec![plain("0"), plain("3"), plain("14")],
        more: 2,
        more_url: "/evaluation?by=category&period=2026-02".into(),
        hours: if empty { vec![] } else { (0..7).map(hour).collect() },
    }
}

pub(super) fn density(lang: Lang, shell: &Shell, drawn: bool) -> DensityPage<'_> {
    let row = |class, name: &str, on_map| DensityRowView {
        class,
        name: name.into(),
        within: lang.pick("东关社区", "East gate").into(),
        on_map,
        reported: plain("14"),
        late: figure(Measure::ClosingOnTime),
        hours: plain("30.5"),
    };
    let shape = |class, left: i64, url: bool| DensityShapeView {
        class,
        path: format!("M{left} 0L{} 0L{} 300L{left} 300Z", left + 300, left + 300),
        url: url.then(|| "/evaluation/cases?measure=reported".into()),
        title: Some(lang.pick("东关一网格 14", "East gate 1: 14").into()),
    };
    DensityPage {
        shell,
        tabs: tabs("density"),
        period: "2026-02".into(),
        level: "grid",
        level_word: lang.pick("网格", "grid"),
        measure: "reported",
        measure_word: lang.ev_density_reported(),
        levels: vec![choice(lang.pick("网格", "grid"), true), choice(lang.pick("社区", "community"), false)],
        measures: vec![
            choice(lang.ev_density_reported(), true),
            choice(lang.ev_density_late(), false),
            choice(lang.ev_density_hours(), false),
        ],
        periods: vec![choice(lang.pick("本期", "This one"), true)],
        areas: vec![],
        map: drawn.then(|| DensityMapView {
            version: 3,
            width: "900".into(),
            height: "300".into(),
            says: lang.pick("3 个边界的上报数", "Reported of 3 outlines").into(),
            shapes: vec![shape("d1", 0, true), shape("d5", 300, true), shape("dx", 600, false)],
            labels: vec![DensityLabelView { x: "450".into(), y: "154".into(), text: "14".into() }],
            legend: vec![
                DensityLegendView { class: "d1", text: "1–3".into() },
                DensityLegendView { class: "d5", text: "14".into() },
            ],
        }),
        no_map: if drawn { "" } else { lang.ev_density_no_map() },
        rows: vec![
            row("d5", lang.pick("东关一网格", "East gate 1"), true),
            row("d1", lang.pick("东关二网格", "East gate 2"), false),
        ],
        csv: "/api/v1/evaluation.csv?by=area&level=grid".into(),
        xlsx: "/api/v1/evaluation.xlsx?by=area&level=grid".into(),
    }
}
