//! Cases by day, week or month, by category or source; and at which hour of which weekday they come. Every column is the
//! table of its period, so no cell can differ from it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Html;

use super::density::heat_step;
use super::{Here, Links, Opening, pick, tabs};
use crate::app::App;
use crate::evaluation::asked::Asked;
use crate::evaluation::hours::{Hours, hours};
use crate::evaluation::names::Names;
use crate::evaluation::period::Step;
use crate::evaluation::series::series;
use crate::evaluation::table::Table;
use crate::evaluation::{By, Measure, Narrow, Part, Period};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::moment::LocalTime;
use crate::web::shell::{local, render};
use crate::web::text::Lang;
use crate::web::view::{FigureView, FilterChoice, HeatCellView, TrendsColumnView, TrendsPage, TrendsRowView};

/// Columns of a page, by how long each is.
const DAYS: usize = 14;
const WEEKS: usize = 12;
const MONTHS: usize = 12;
const OTHERS: usize = 8;

/// Rows of a page, those with most cases; the others are in the table of each period.
const MOST_ROWS: usize = 40;

/// What the rows may be.
const ROWS: [By; 4] = [By::Group, By::Category, By::Source, By::Unit];

/// What may be counted. Categories are known of what is filed, so that comes first.
const COUNTS: [Measure; 4] = [Measure::Filed, Measure::Reported, Measure::Closed, Measure::FalseAlarm];

fn count_of(text: &str) -> Result<Measure, String> {
    if text.is_empty() {
        return Ok(COUNTS[0]);
    }
    let found = COUNTS.into_iter().find(|measure| measure.as_str() == text);
    found.ok_or_else(|| format!("measure: {text:?} is not one of {}", COUNTS.map(Measure::as_str).join(", ")))
}

fn columns_of(period: &Period) -> usize {
    match period.step() {
        Some(Step::Day) => DAYS,
        Some(Step::Week) => WEEKS,
        Some(Step::Month) => MONTHS,
        None => OTHERS,
    }
}

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::Evaluate)?;
    let shown = |error: PageError| error.shown(&viewer);
    let wrong = |why: String| shown(PageError::Input(why));
    let by = match fields.get("by") {
        "" => By::Group,
        text => By::read(text, fields.get("level")).map_err(wrong)?,
    };
    let measure = count_of(fields.get("measure")).map_err(wrong)?;
    let asked = Asked::read_by(&app, &fields, &viewer.session, by).await;
    let Opening { frame, asked, names, areas } = Opening::of(&app, &viewer, asked).await?;
    let lang = frame.lang;
    let period = &asked.question.period;
    let made = series(&app, &asked.question, by, columns_of(period)).await;
    let made = made.map_err(|error| shown(PageError::from(error)))?;
    let tables: Vec<&Table> = made.iter().map(|shown| &shown.table).collect();
    let found = hours(&app, &asked.question, measure).await;
    let found = found.map_err(|error| shown(PageError::from(error)))?;
    let links = Links { by, period: period.to_string(), area: &asked.area, lang };
    let (rows, more) = rows(&tables, measure, &names, &links);
    let own = |by: By, measure: Measure, period: &str| {
        let (word, level) = by.words();
        let level = if level.is_empty() { String::new() } else { format!("&level={level}") };
        format!("{}&by={word}{level}&measure={measure}", links.page("trends", period))
    };
    let (word, level) = by.words();
    let local = local(&app);
    let page = TrendsPage {
        tabs: tabs(&links, period, Here::Trends),
        by: word,
        level,
        measure: measure.as_str(),
        measure_word: lang.pick(measure.zh(), measure.en()),
        by_word: lang.pick(by.zh(), by.en()),
        rows_by: ROWS
            .map(|one| FilterChoice {
                word: lang.pick(one.zh(), one.en()),
                url: own(one, measure, &links.period),
                on: one == by,
            })
            .to_vec(),
        steps: step_choices(period, today(&local), lang, |period| own(by, measure, period)),
        measures: COUNTS
            .map(|one| FilterChoice {
                word: lang.pick(one.zh(), one.en()),
                url: own(by, one, &links.period),
                on: one == measure,
            })
            .to_vec(),
        periods: links.periods(period, |_, period| own(by, measure, period)),
        areas,
        columns: tables.iter().map(|table| column(table, &links)).collect(),
        total: tables
            .iter()
            .map(|table| of_period(&links, table).figure(measure, table.total.get(measure), None))
            .collect(),
        rows,
        more,
        more_url: links.table(by, &links.period),
        hours: if found.total() > 0 { hour_rows(&found, measure, &links) } else { Vec::new() },
        period: links.period.clone(),
        shell: &frame,
    };
    render(&page, &viewer)
}

/// The day that it is where the people are.
fn today(local: &LocalTime) -> Option<jiff::civil::Date> {
    let now = jiff::Timestamp::from_millisecond(local.now.0).ok()?;
    Some(now.to_zoned_datetime(local.zone.clone()).date())
}

fn of_period<'a>(links: &Links<'a>, table: &Table) -> Links<'a> {
    Links { period: table.period.clone(), ..*links }
}

fn column(table: &Table, links: &Links<'_>) -> TrendsColumnView {
    let period: Option<Period> = table.period.parse().ok();
    TrendsColumnView {
        name: period.map_or_else(|| table.period.clone(), |period| period.short()),
        full: table.period.clone(),
        url: links.table(links.by, &table.period),
    }
}

/// Days, weeks or months up to where the period ends, or has come.
fn step_choices(
    period: &Period,
    today: Option<jiff::civil::Date>,
    lang: Lang,
    url: impl Fn(&str) -> String,
) -> Vec<FilterChoice> {
    let all = [
        (Step::Day, lang.ev_trends_day()),
        (Step::Week, lang.ev_trends_week()),
        (Step::Month, lang.ev_trends_month()),
    ];
    let choice = |(step, word): (Step, &'static str)| {
        let on = period.step() == Some(step);
        let last = if on { Some(period.clone()) } else { period.last(step, today?) };
        Some(FilterChoice { word, url: url(&last?.to_string()), on })
    };
    all.into_iter().filter_map(choice).collect()
}

/// Rows with most cases first, and how many are left out.
fn rows(
    tables: &[&Table],
    measure: Measure,
    names: &Names,
    links: &Links<'_>,
) -> (Vec<TrendsRowView>, usize) {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for row in tables.iter().flat_map(|table| &table.rows) {
        *sums.entry(&row.key).or_default() += row.figures.get(measure).n;
    }
    let mut keys: Vec<(&str, i64)> = sums.into_iter().filter(|(_, sum)| *sum > 0).collect();
    keys.sort_by_key(|(_, sum)| -sum);
    let more = keys.len().saturating_sub(MOST_ROWS);
    keys.truncate(MOST_ROWS);
    let figure =
        |table: &Table, key: &str| table.row(key).map(|row| row.figures.get(measure)).unwrap_or_default();
    let all: Vec<i64> =
        keys.iter().flat_map(|(key, _)| tables.iter().map(|table| figure(table, key).n)).collect();
    let steps = heat_step(&all);
    let row = |(key, _): &(&str, i64)| {
        let cell = |table: &&Table| {
            let own = figure(table, key);
            let view = of_period(links, table).figure(measure, own, Some(key));
            HeatCellView { class: steps(own.n), figure: view }
        };
        TrendsRowView {
            name: pick(names.of(links.by, key), links.lang),
            cells: tables.iter().map(cell).collect(),
        }
    };
    (keys.iter().map(row).collect(), more)
}

fn hour_rows(hours: &Hours, measure: Measure, links: &Links<'_>) -> Vec<TrendsRowView> {
    let all: Vec<i64> = hours.0.iter().flatten().copied().collect();
    let steps = heat_step(&all);
    let day = |(weekday, day): (usize, &[i64; 24])| {
        let cell = |(hour, count): (usize, &i64)| {
            let narrow = Narrow {
                weekday: i8::try_from(weekday).ok(),
                hour: i8::try_from(hour).ok(),
                ..Narrow::default()
            };
            let url = || links.behind_part(measure, Part::Numerator, None, &narrow);
            let figure = FigureView { text: count.to_string(), url: (*count > 0).then(url), parts: None };
            HeatCellView { class: steps(*count), figure }
        };
        TrendsRowView {
            name: links.lang.weekday(weekday).to_owned(),
            cells: day.iter().enumerate().map(cell).collect(),
        }
    };
    hours.0.iter().enumerate().map(day).collect()
}
