//! The overview: what stands on top, the league, the trend, and why somebody fell. Everything is of the tables that it is
//! given, so no figure here can differ from theirs.

use std::collections::HashMap;

use super::trend::{Mark, coordinate, spark, trend};
use super::{Links, pick, share, tenths};
use crate::evaluation::late::{Cause, Why};
use crate::evaluation::names::Names;
use crate::evaluation::score::Weights;
use crate::evaluation::table::{Figure, Table, TableRow};
use crate::evaluation::{By, Measure, Narrow, Part, Period, Shape};
use crate::web::guard::percent;
use crate::web::text::Lang;
use crate::web::view::{
    FigureView, HeadlineView, LeaguePlaceView, OverviewView, PlaceChangeView, RateBarView, SparkView,
    TrendRowView, TrendView, WhyOfView, WhyRowView, WhyView,
};

/// Periods of the trend, and of the small lines.
pub(super) const PERIODS: usize = 12;
const SMALL: usize = 6;

/// Rates below this, in hundredths of a percent, are marked. No policy names such a line: it is a hint, and part of no score.
pub(super) const LOW: i64 = 8_000;

/// Groups of what was late that stand open.
const GROUPS: usize = 6;

/// What stands on top, in the order of the county's own bulletins.
const HEADLINES: [Measure; 7] = [
    Measure::DueToClose,
    Measure::ClosingOnTime,
    Measure::HandlingOnTime,
    Measure::DispatchAccurate,
    Measure::ReworkRate,
    Measure::Satisfaction,
    Measure::UnhandledLate,
];

/// Columns of a league: how many cases, the rate that is a bar, and two more.
struct Columns {
    count: Measure,
    bar: Measure,
    others: [Measure; 2],
}

fn columns(by: By) -> Columns {
    match by {
        By::Unit => Columns {
            count: Measure::DueToHandle,
            bar: Measure::HandlingOnTime,
            others: [Measure::ReworkRate, Measure::Satisfaction],
        },
        By::Area(_) => Columns {
            count: Measure::DueToClose,
            bar: Measure::ClosingOnTime,
            others: [Measure::TriageOnTime, Measure::Satisfaction],
        },
        By::Group | By::Category => Columns {
            count: Measure::Filed,
            bar: Measure::HandlingOnTime,
            others: [Measure::ReworkRate, Measure::Satisfaction],
        },
        By::Source => Columns {
            count: Measure::Reported,
            bar: Measure::HandlingOnTime,
            others: [Measure::HandledHereRate, Measure::Satisfaction],
        },
    }
}

/// The rate by which rows of a league rise and fall.
pub(super) fn rate_of(by: By) -> Measure {
    columns(by).bar
}

/// Whose late cases are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fallen {
    pub(super) key: String,
    before: Option<i64>,
    now: Option<i64>,
}

impl Fallen {
    fn fell(&self) -> bool {
        self.now.zip(self.before).is_some_and(|(now, before)| now < before)
    }
}

/// Whoever is asked for; else who has fallen most of those with enough cases, where something was late of them.
pub(super) fn fallen(by: By, now: &Table, before: Option<&Table>, asked: Option<&str>) -> Option<Fallen> {
    if !by.is_ranked() {
        return None;
    }
    let rate = rate_of(by);
    let of = |row: &TableRow| Fallen {
        key: row.key.clone(),
        before: before.and_then(|table| table.row(&row.key)).and_then(|row| row.figures.get(rate).rate()),
        now: row.figures.get(rate).rate(),
    };
    if let Some(asked) = asked {
        return now.row(asked).map(of);
    }
    let enough = |row: &&TableRow| Weights::behind(by, &row.figures) >= i64::from(now.least);
    let late = |row: &&TableRow| {
        let figure = row.figures.get(rate);
        !row.key.is_empty() && figure.d > figure.n
    };
    let all = now.rows.iter().filter(late).filter(enough).map(of).filter(Fallen::fell);
    let by_how_much = |one: &Fallen| one.before.unwrap_or(0) - one.now.unwrap_or(0);
    // Of equals the first of the table.
    all.reduce(|most, one| if by_how_much(&one) > by_how_much(&most) { one } else { most })
}

/// What the overview is made of: tables of periods in a row, the last one that which is asked for.
pub(super) struct Made<'a> {
    pub(super) tables: &'a [&'a Table],
    /// The period that is asked for.
    pub(super) period: &'a Period,
    pub(super) names: &'a Names,
    pub(super) why: Option<(Fallen, Why)>,
}

pub(super) fn view(made: &Made<'_>, links: &Links<'_>) -> Option<OverviewView> {
    let (now, earlier) = made.tables.split_last()?;
    let (by, lang, before) = (links.by, links.lang, earlier.last().copied());
    let columns = columns(by);
    let headline = |measure: Measure| {
        let then = |table: &Table| {
            let own = Links { period: table.period.clone(), ..*links };
            own.figure(measure, table.total.get(measure), None)
        };
        HeadlineView {
            name: lang.pick(measure.zh(), measure.en()),
            now: links.figure(measure, now.total.get(measure), None),
            unit: unit(measure, lang),
            before: before.map(then).unwrap_or_default(),
        }
    };
    let ranks: HashMap<&str, i64> = before.map_or_else(HashMap::new, |table| {
        table.rows.iter().filter_map(|row| Some((row.key.as_str(), row.rank?))).collect()
    });
    let busy: Vec<&TableRow> = now.rows.iter().filter(|row| !row.figures.is_empty()).collect();
    let first_below = busy.iter().position(|row| row.rank.is_none()).filter(|_| by.is_ranked());
    let place = |(at, row): (usize, &&TableRow)| {
        let figure = |measure: Measure| links.figure(measure, row.figures.get(measure), Some(&row.key));
        let rate = row.figures.get(columns.bar).rate();
        let fallen = fallen(by, now, before, Some(&row.key)).filter(Fallen::fell);
        LeaguePlaceView {
            rank: row.rank.map_or("—".to_owned(), |rank| rank.to_string()),
            change: change(row.rank, ranks.get(row.key.as_str()).copied(), lang),
            name: pick(made.names.of(by, &row.key), lang),
            few: by.is_ranked() && row.rank.is_none() && !row.key.is_empty(),
            line: first_below == Some(at),
            count: figure(columns.count),
            bar: RateBarView {
                width: coordinate(rate.unwrap_or(0) as f64 / 100.0),
                figure: figure(columns.bar),
                low: rate.is_some_and(|rate| rate < LOW),
            },
            others: columns.others.map(figure).to_vec(),
            length: FigureView {
                text: days(row.figures.get(Measure::TimeToClose), lang),
                ..figure(Measure::TimeToClose)
            },
            spark: small(made.tables, row, columns.bar, lang),
            score: share(row.score),
            why: fallen
                .filter(|_| !row.key.is_empty())
                .map(|fallen| format!("{}&why={}#why", links.table(by, &links.period), percent(&fallen.key))),
        }
    };
    let idle = now.rows.iter().filter(|row| row.figures.is_empty());
    Some(OverviewView {
        before_word: if made.period.is_month() { lang.ev_before_month() } else { lang.ev_before() },
        headlines: HEADLINES.map(headline).to_vec(),
        count_name: lang.pick(columns.count.zh(), columns.count.en()),
        bar_name: lang.pick(columns.bar.zh(), columns.bar.en()),
        other_names: columns.others.iter().map(|one| lang.pick(one.zh(), one.en())).collect(),
        low: LOW / 100,
        places: busy.iter().enumerate().map(place).collect(),
        idle: idle.map(|row| pick(made.names.of(by, &row.key), lang)).collect(),
        trend: drawn(made.tables, links),
        why: by.is_ranked().then(|| WhyView {
            of: made.why.as_ref().map(|(fallen, why)| why_of(fallen, why, made.names, links)),
        }),
    })
}

fn unit(measure: Measure, lang: Lang) -> &'static str {
    match measure.shape() {
        Shape::Count | Shape::Stock => lang.ev_cases(),
        Shape::Rate => "%",
        Shape::Length => "",
    }
}

/// Days by day and night with one decimal.
fn days(figure: Figure, lang: Lang) -> String {
    let nothing = || lang.ev_none().to_owned();
    figure.average().map_or_else(nothing, |(_, natural)| tenths((natural + 72) / 144))
}

fn change(now: Option<i64>, before: Option<i64>, lang: Lang) -> PlaceChangeView {
    let Some(now) = now else { return PlaceChangeView { class: "", word: String::new() } };
    let Some(before) = before else { return PlaceChangeView { class: "eq", word: lang.ev_new().to_owned() } };
    match before - now {
        0 => PlaceChangeView { class: "eq", word: lang.ev_same().to_owned() },
        up @ 1.. => PlaceChangeView { class: "up", word: format!("{} {up}", lang.ev_up()) },
        down => PlaceChangeView { class: "dn", word: format!("{} {}", lang.ev_down(), -down) },
    }
}

fn small(tables: &[&Table], row: &TableRow, rate: Measure, lang: Lang) -> SparkView {
    let own = &tables[tables.len().saturating_sub(SMALL)..];
    let rate_in = |table: &&Table| table.row(&row.key).and_then(|row| row.figures.get(rate).rate());
    let rates: Vec<Option<i64>> = own.iter().map(rate_in).collect();
    let said = |(table, rate): (&&Table, &Option<i64>)| {
        let rate = rate.map_or(lang.ev_none().to_owned(), |rate| share(Some(rate)));
        format!("{} {rate}", table.period)
    };
    let says: Vec<String> = own.iter().zip(&rates).map(said).collect();
    spark(&rates, says.join(lang.pick("，", ", ")))
}

fn drawn(tables: &[&Table], links: &Links<'_>) -> TrendView {
    let (rate, count, lang) = (Measure::ClosingOnTime, Measure::DueToClose, links.lang);
    let short = |table: &&Table| {
        let period: Option<Period> = table.period.parse().ok();
        period.map_or_else(|| table.period.clone(), |period| period.short())
    };
    let mark = |table: &&Table| Mark {
        label: short(table),
        rate: table.total.get(rate).rate(),
        count: table.total.get(count).n,
    };
    let marks: Vec<Mark> = tables.iter().map(mark).collect();
    let row = |table: &&Table| {
        let own = Links { period: table.period.clone(), ..*links };
        TrendRowView {
            name: table.period.clone(),
            url: links.table(links.by, &table.period),
            running: table.seen < table.to,
            due: own.figure(count, table.total.get(count), None),
            rate: own.figure(rate, table.total.get(rate), None),
        }
    };
    let (rate_name, count_name) = (lang.pick(rate.zh(), rate.en()), lang.pick(count.zh(), count.en()));
    TrendView {
        says: says(tables, &marks, (rate_name, count_name), lang),
        rows: tables.iter().map(row).collect(),
        rate_name,
        count_name,
        ..trend(&marks)
    }
}

/// The drawing in a sentence: the first value and the last.
fn says(tables: &[&Table], marks: &[Mark], (rate, count): (&str, &str), lang: Lang) -> String {
    let known = || tables.iter().zip(marks).filter_map(|(table, mark)| Some((table, mark, mark.rate?)));
    let (Some(first), Some(last)) = (known().next(), known().next_back()) else {
        return lang.ev_trend_none().to_owned();
    };
    let part =
        |(table, mark, value): (&&Table, &Mark, i64)| (table.period.clone(), share(Some(value)), mark.count);
    let ((from, a, x), (to, b, y)) = (part(first), part(last));
    if lang.is_zh() {
        format!("{rate}由 {from} 的 {a}% 到 {to} 的 {b}%，{count}由 {x} 件到 {y} 件")
    } else {
        format!("{rate}: {a}% in {from}, {b}% in {to}. {count}: {x} in {from}, {y} in {to}.")
    }
}

fn why_of(fallen: &Fallen, why: &Why, names: &Names, links: &Links<'_>) -> WhyOfView {
    let (lang, measure) = (links.lang, rate_of(links.by));
    let door = |narrow: &Narrow| links.behind_part(measure, Part::Missed, Some(&fallen.key), narrow);
    let mut rows = why.groups.iter().map(|group| {
        let category = match group.category.as_str() {
            "" => lang.ev_unfiled().to_owned(),
            id => pick(names.of(By::Category, id), lang),
        };
        let community = match group.community.as_str() {
            "" => lang.ev_no_community().to_owned(),
            path => pick(names.area(path), lang),
        };
        let narrow = Narrow {
            category: Some(group.category.clone()),
            community: Some(group.community.clone()),
            ..Narrow::default()
        };
        let over = tenths((group.over_min + 72) / 144);
        WhyRowView {
            text: format!("{category}{}{community}", lang.pick("，", ", ")),
            count: group.count,
            url: door(&narrow),
            note: format!("{} {over} {}", lang.ev_why_over(), lang.ev_why_days()),
        }
    });
    let groups: Vec<WhyRowView> = rows.by_ref().take(GROUPS).collect();
    let more: Vec<WhyRowView> = rows.collect();
    let cause = |(cause, count): &(Cause, i64)| {
        let narrow = Narrow { cause: Some(*cause), ..Narrow::default() };
        let of_all = Figure { n: *count, d: why.count, ..Figure::default() };
        WhyRowView {
            text: lang.pick(cause.zh(), cause.en()).to_owned(),
            count: *count,
            url: door(&narrow),
            note: format!("{} {}%", lang.ev_why_share(), share(of_all.rate())),
        }
    };
    WhyOfView {
        name: pick(names.of(links.by, &fallen.key), lang),
        fell: fallen.fell(),
        measure: lang.pick(measure.zh(), measure.en()),
        before: share(fallen.before),
        now: share(fallen.now),
        count: why.count,
        url: door(&Narrow::default()),
        groups,
        more,
        causes: why.causes.iter().map(cause).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &str) -> Table {
        let text = format!(
            r#"{{"form": 2, "by": "unit", "period": "2026-03", "from": 0, "to": 9, "seen": 9, "policy": 1,
                 "weights": {{}}, "least": 5, "penalty": 4, "cases": 9, "unread": 0, "rows": [{rows}], "total": {{}}}}"#
        );
        Table::read(&text).unwrap()
    }

    fn row(key: &str, kept: i64, due: i64) -> String {
        format!(
            r#"{{"key": "{key}", "rank": null, "score": null, "figures": {{
                 "due_to_handle": {{"n": {due}}}, "handling_on_time": {{"n": {kept}, "d": {due}}}}}}}"#
        )
    }

    /// Who fell most of those with enough cases; whoever rose, whoever has few, and what is nobody's is not named by itself.
    #[test]
    fn who_fell_most() {
        let rows =
            |all: [(&str, i64, i64); 5]| table(&all.map(|(key, kept, due)| row(key, kept, due)).join(","));
        let before = rows([("a", 10, 10), ("b", 10, 10), ("c", 5, 10), ("d", 4, 4), ("", 9, 9)]);
        let now = rows([("a", 9, 10), ("b", 6, 10), ("c", 6, 10), ("d", 0, 4), ("", 0, 9)]);
        let found = fallen(By::Unit, &now, Some(&before), None).unwrap();
        assert_eq!((found.key.as_str(), found.before, found.now), ("b", Some(10_000), Some(6_000)));
        let asked = fallen(By::Unit, &now, Some(&before), Some("c")).unwrap();
        assert!(!asked.fell(), "who is asked for is shown, fallen or not");
        assert_eq!(fallen(By::Unit, &now, Some(&before), Some("nobody")), None);
        let other_way = fallen(By::Unit, &before, Some(&now), None).unwrap();
        assert_eq!(other_way.key, "c", "the others rose, and nothing of them was late");
        assert_eq!(fallen(By::Unit, &now, None, None), None, "nothing to compare with");
        assert_eq!(fallen(By::Source, &now, Some(&before), Some("a")), None, "sources compete with nobody");
    }

    /// A place against the one before, by hand.
    #[test]
    fn changes_of_places() {
        let word = |now, before| {
            let change = change(now, before, Lang::Zh);
            format!("{} {}", change.class, change.word)
        };
        assert_eq!(word(Some(2), Some(5)), "up 升 3");
        assert_eq!(word(Some(5), Some(2)), "dn 降 3");
        assert_eq!(word(Some(5), Some(5)), "eq 平");
        assert_eq!(word(Some(5), None), "eq 新");
        assert_eq!(word(None, Some(5)), " ");
    }

    /// 54 hours by day and night are 2.3 days.
    #[test]
    fn lengths_in_days() {
        let figure = Figure { n: 2, natural_min: 2 * 54 * 60, ..Figure::default() };
        assert_eq!(days(figure, Lang::Zh), "2.3");
        assert_eq!(days(Figure::default(), Lang::Zh), "无");
    }
}
