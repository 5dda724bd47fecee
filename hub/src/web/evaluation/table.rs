//! 综合评价: the overview of a period, or every measure of it.

use axum::extract::State;
use axum::response::Html;

use super::overview::{self, Made};
use super::{Here, Links, Opening, kept, measures, pick, share, tabs, weights};
use crate::app::App;
use crate::evaluation::asked::Asked;
use crate::evaluation::names::Names;
use crate::evaluation::series::series;
use crate::evaluation::table::{Table, TableRow};
use crate::evaluation::{By, Shown, tables, why};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer};
use crate::web::shell::{local, render};
use crate::web::text::Lang;
use crate::web::view::{EvaluationPage, FigureRowView, FilterChoice, OverviewView};

/// Whether every measure is asked for.
fn is_whole(fields: &Fields) -> bool {
    fields.get("all") == "1"
}

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::Evaluate)?;
    let shown = |error: PageError| error.shown(&viewer);
    let asked = Asked::read(&app, &fields, &viewer.session).await;
    let Opening { frame, asked, names, areas } = Opening::of(&app, &viewer, asked).await?;
    let lang = frame.lang;
    let whole = is_whole(&fields);
    let made = if whole {
        tables(&app, &asked.question, &[asked.by]).await
    } else {
        series(&app, &asked.question, asked.by, overview::PERIODS).await
    };
    let made = made.map_err(|error| shown(PageError::from(error)))?;
    let links = Links { by: asked.by, period: asked.question.period.to_string(), area: &asked.area, lang };
    let overview = if whole {
        None
    } else {
        overview_of(&app, &asked, &fields, &made, (&names, &links)).await.map_err(shown)?
    };
    let Some(Shown { table, kept: vouched }) = made.into_iter().next_back() else {
        return Err(shown(PageError::NotFound));
    };
    let local = local(&app);
    let (by, level) = asked.by.words();
    let query = links.query(asked.by, &links.period);
    let page = EvaluationPage {
        tabs: tabs(&links, &asked.question.period, Here::League),
        by,
        level,
        by_word: lang.pick(asked.by.zh(), asked.by.en()),
        groups: groups(&links, whole),
        periods: links.periods(&asked.question.period, |links, period| {
            with_detail(links.table(links.by, period), whole)
        }),
        details: details(&links, whole),
        areas,
        kept: vouched.as_ref().map(|vouched| kept(vouched, &local)),
        seen: local.moment(table.seen.plus_ms(-1)),
        cases: table.cases,
        unread: table.unread,
        ranked: asked.by.is_ranked(),
        least: table.least,
        weights: weights(&table.weights, table.penalty, lang),
        policy: table.policy,
        overview,
        measures: measures(lang),
        rows: if whole { rows(&table, &names, &links) } else { Vec::new() },
        total: if whole { links.figures(&table.total, None) } else { Vec::new() },
        csv: format!("/api/v1/evaluation.csv?{query}"),
        xlsx: format!("/api/v1/evaluation.xlsx?{query}"),
        period: table.period,
        shell: &frame,
    };
    render(&page, &viewer)
}

async fn overview_of(
    app: &App,
    asked: &Asked,
    fields: &Fields,
    made: &[Shown],
    (names, links): (&Names, &Links<'_>),
) -> Result<Option<OverviewView>, PageError> {
    let all: Vec<&Table> = made.iter().map(|shown| &shown.table).collect();
    let named = Some(fields.get("why")).filter(|key| !key.is_empty());
    let fallen = all
        .split_last()
        .and_then(|(now, earlier)| overview::fallen(asked.by, now, earlier.last().copied(), named));
    let why = match fallen {
        None => None,
        Some(fallen) => {
            let rate = overview::rate_of(asked.by);
            let found = why(app, &asked.question, asked.by, &fallen.key, rate).await?;
            Some((fallen, found))
        }
    };
    Ok(overview::view(&Made { tables: &all, period: &asked.question.period, names, why }, links))
}

fn rows(table: &Table, names: &Names, links: &Links<'_>) -> Vec<FigureRowView> {
    let first_below = table.rows.iter().position(|row| row.rank.is_none()).filter(|_| table.by.is_ranked());
    let row = |(at, row): (usize, &TableRow)| FigureRowView {
        rank: row.rank.map_or("—".to_owned(), |rank| rank.to_string()),
        name: pick(names.of(table.by, &row.key), links.lang),
        score: share(row.score),
        line: first_below == Some(at),
        figures: links.figures(&row.figures, Some(&row.key)),
    };
    table.rows.iter().enumerate().map(row).collect()
}

fn with_detail(url: String, whole: bool) -> String {
    if whole { format!("{url}&all=1") } else { url }
}

fn groups(links: &Links<'_>, whole: bool) -> Vec<FilterChoice> {
    let choice = |by: By| FilterChoice {
        word: links.lang.pick(by.zh(), by.en()),
        url: with_detail(links.table(by, &links.period), whole),
        on: by == links.by,
    };
    By::ALL.map(choice).to_vec()
}

fn details(links: &Links<'_>, whole: bool) -> Vec<FilterChoice> {
    let lang: Lang = links.lang;
    let url = links.table(links.by, &links.period);
    vec![
        FilterChoice { word: lang.ev_short(), url: url.clone(), on: !whole },
        FilterChoice { word: lang.ev_whole(), url: with_detail(url, true), on: whole },
    ]
}
