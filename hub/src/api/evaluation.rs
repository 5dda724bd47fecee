//! 综合评价 as JSON, CSV and XLSX: tables, the cases behind a figure, the monthly bulletin.

mod answer;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};

use super::ApiError;
use super::answers::{BadRequest, Conflict, Failures, File, Forbidden};
use super::guard::Caller;
use crate::app::App;
use crate::evaluation::asked::{self, AskError, Asked, Page};
use crate::evaluation::bulletin::{self, Bulletin, League};
use crate::evaluation::export::{self, Sheet};
use crate::evaluation::names::Names;
use crate::evaluation::series::{MOST_PERIODS, series};
use crate::evaluation::table::TableRow;
use crate::evaluation::{By, EvaluationError, Measure, Narrow, Place, Shown, tables};
use crate::user::Act;
use crate::web::guard::Fields;
use answer::{
    BehindItem, BulletinAnswer, CasesAnswer, FigureItem, LeagueItem, LineItem, MeasureItem, SeriesAnswer,
    TableAnswer, figures, row,
};

/// Cases of one page, and of one file.
const PAGE: usize = 100;
const MOST_PAGE: usize = 1_000;
const MOST_FILED: usize = 20_000;

/// Periods in a row, unless somebody says how many.
const PERIODS: usize = 12;

const CSV: &str = "text/csv; charset=utf-8";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Asked` reads it with errors that name the field")]
struct TableQuery {
    /// `unit`, `area`, `category` or `source`; unit when left out.
    by: Option<String>,
    /// Of areas `county`, `town`, `community` or `grid`; of categories `group` or `category`.
    level: Option<String>,
    /// `2026-10`, `2026-10-05`, `2026-W41`, `2026-Q4`, `2026-H2`, `2026` or `2026-10-01..2026-10-15`; this month when left
    /// out.
    period: Option<String>,
    /// Id of an area: only cases that lie in it.
    area: Option<String>,
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Asked` reads it with errors that name the field")]
struct SeriesQuery {
    by: Option<String>,
    level: Option<String>,
    /// The last one; this month when left out.
    period: Option<String>,
    area: Option<String>,
    /// How many periods, this one included; 12 when absent.
    #[param(minimum = 1, maximum = 31)]
    count: Option<i64>,
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Place` reads it with errors that name the field")]
struct CasesQuery {
    /// Id of a measure.
    measure: String,
    /// `numerator` or `denominator` of a rate, or `missed`: below the line and not above it; numerator when left out.
    part: Option<String>,
    /// Key of a row, empty for the row without one; all rows when left out.
    key: Option<String>,
    by: Option<String>,
    level: Option<String>,
    period: Option<String>,
    area: Option<String>,
    /// Only cases of this category; empty for those that are not filed.
    category: Option<String>,
    /// Only cases of the community with this path; empty for those that lie in none.
    community: Option<String>,
    /// Only cases whose history says so: `co_later`, `returned`, `rework` or `extended`.
    cause: Option<String>,
    /// Only what happened on this day of the week, 0 is Monday.
    #[param(minimum = 0, maximum = 6)]
    weekday: Option<i64>,
    /// Only what happened in this hour of the day.
    #[param(minimum = 0, maximum = 23)]
    hour: Option<i64>,
    /// The `next` of the page before.
    after: Option<i64>,
    /// At most this many; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<i64>,
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Asked` reads it with errors that name the field")]
struct BulletinQuery {
    /// `2026-10`; this month when left out.
    month: Option<String>,
    /// Id of an area: only cases that lie in it.
    area: Option<String>,
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Input(why) => Self::Input(why),
            AskError::Db(error) => error.into(),
        }
    }
}

impl From<EvaluationError> for ApiError {
    fn from(error: EvaluationError) -> Self {
        match error {
            EvaluationError::Tampered { .. } => Self::Conflict(error.to_string()),
            EvaluationError::Db(error) => error.into(),
        }
    }
}

/// A file of sheets.
fn file(app: &App, name: &str, sheets: &[Sheet], kind: &'static str) -> Result<Response, ApiError> {
    let (bytes, ending) = if kind == XLSX {
        let made = export::xlsx(sheets, app.clock.now().0.div_euclid(1_000));
        (made.map_err(|error| ApiError::Internal(format!("writing a workbook: {error}")))?, "xlsx")
    } else {
        (export::csv(sheets).into_bytes(), "csv")
    };
    let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
    let named = format!("attachment; filename=\"{plain}.{ending}\"");
    let named = HeaderValue::from_str(&named).map_err(|error| ApiError::Internal(error.to_string()))?;
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_DISPOSITION, named)];
    Ok((headers, bytes).into_response())
}

/// The table that is asked for.
async fn asked_table(app: &App, caller: &Caller, fields: &Fields) -> Result<Shown, ApiError> {
    caller.must(Act::Evaluate)?;
    let asked = Asked::read(app, fields, &caller.0).await?;
    let shown = tables(app, &asked.question, &[asked.by]).await?.pop();
    shown.ok_or_else(|| ApiError::Internal("a table was not made".to_owned()))
}

/// A table of a period: figures by unit, area, category or source. Of a closed month as it was published.
#[utoipa::path(get, path = "/api/v1/evaluation", params(TableQuery), tag = "evaluation", responses(
    (status = 200, body = TableAnswer), BadRequest, Forbidden, Conflict, Failures))]
pub(super) async fn table(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<TableAnswer>, ApiError> {
    let shown = asked_table(&app, &caller, &fields).await?;
    Ok(Json(table_answer(shown, &Names::read(&app).await?)))
}

fn table_answer(Shown { table, kept }: Shown, names: &Names) -> TableAnswer {
    let (by, level) = table.by.words();
    TableAnswer {
        by,
        level,
        from: table.from.0,
        to: table.to.0,
        seen: table.seen.0,
        closed: kept,
        policy: table.policy,
        weights: table.weights.clone(),
        least: table.least,
        cases: table.cases,
        unread: table.unread,
        measures: Measure::ALL.iter().copied().map(MeasureItem::new).collect(),
        rows: table.rows.iter().map(|one| row(table.by, one, names)).collect(),
        total: figures(&table.total),
        period: table.period,
    }
}

/// Tables of periods in a row: that which is asked for and those of its kind before it, each as it would be alone.
#[utoipa::path(get, path = "/api/v1/evaluation/series", params(SeriesQuery), tag = "evaluation", responses(
    (status = 200, body = SeriesAnswer), BadRequest, Forbidden, Conflict, Failures))]
pub(super) async fn table_series(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<SeriesAnswer>, ApiError> {
    caller.must(Act::Evaluate)?;
    let asked = Asked::read(&app, &fields, &caller.0).await?;
    let count = number(&fields, "count", PERIODS, MOST_PERIODS)?;
    if count == 0 {
        return Err(ApiError::Input(format!("count: 0 is not between 1 and {MOST_PERIODS}")));
    }
    let found = series(&app, &asked.question, asked.by, count).await?;
    let names = Names::read(&app).await?;
    Ok(Json(SeriesAnswer { tables: found.into_iter().map(|shown| table_answer(shown, &names)).collect() }))
}

async fn table_file(
    app: &App,
    caller: &Caller,
    fields: &Fields,
    kind: &'static str,
) -> Result<Response, ApiError> {
    let Shown { table, .. } = asked_table(app, caller, fields).await?;
    let names = Names::read(app).await?;
    let name = format!("evaluation-{}-{}", table.period, table.by);
    file(app, &name, &[export::of_table(&table, &names)], kind)
}

/// The same as CSV.
#[utoipa::path(get, path = "/api/v1/evaluation.csv", params(TableQuery), tag = "evaluation", responses(
    (status = 200, content_type = "text/csv", body = File), BadRequest, Forbidden, Conflict, Failures))]
pub(super) async fn table_csv(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    table_file(&app, &caller, &fields, CSV).await
}

/// The same as a workbook.
#[utoipa::path(get, path = "/api/v1/evaluation.xlsx", params(TableQuery), tag = "evaluation", responses(
    (status = 200, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", body = File),
    BadRequest, Forbidden, Conflict, Failures))]
pub(super) async fn table_xlsx(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    table_file(&app, &caller, &fields, XLSX).await
}

fn number(fields: &Fields, name: &str, default: usize, most: usize) -> Result<usize, ApiError> {
    match fields.get(name) {
        "" => Ok(default),
        text => text
            .parse()
            .ok()
            .filter(|number| *number <= most)
            .ok_or_else(|| ApiError::Input(format!("{name}: {text:?} is no number up to {most}"))),
    }
}

async fn asked_cases(
    app: &App,
    caller: &Caller,
    fields: &Fields,
    file: bool,
) -> Result<(Place, Page), ApiError> {
    caller.must(Act::Evaluate)?;
    let asked = Asked::read(app, fields, &caller.0).await?;
    let place = Place::read(fields, asked.by)?;
    let (after, limit) = if file {
        (0, MOST_FILED)
    } else {
        (number(fields, "after", 0, usize::MAX)?, number(fields, "limit", PAGE, MOST_PAGE)?)
    };
    if limit == 0 {
        return Err(ApiError::Input(format!("limit: 0 is not between 1 and {MOST_PAGE}")));
    }
    let narrow = Narrow::read(fields)?;
    let page = asked::page(app, &asked, (&place, &narrow), &caller.0.user, (after, limit)).await?;
    Ok((place, page))
}

/// The cases behind a figure: of its numerator and its denominator each. Only those that you may see.
#[utoipa::path(get, path = "/api/v1/evaluation/cases", params(CasesQuery), tag = "evaluation", responses(
    (status = 200, body = CasesAnswer), BadRequest, Forbidden, Failures))]
pub(super) async fn cases(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<CasesAnswer>, ApiError> {
    let (_, page) = asked_cases(&app, &caller, &fields, false).await?;
    Ok(Json(CasesAnswer {
        count: page.count as i64,
        hidden: page.hidden as i64,
        cases: page.rows.iter().map(BehindItem::new).collect(),
        next: page.next.map(|next| next as i64),
    }))
}

async fn cases_file(
    app: &App,
    caller: &Caller,
    fields: &Fields,
    kind: &'static str,
) -> Result<Response, ApiError> {
    let (place, page) = asked_cases(app, caller, fields, true).await?;
    if page.next.is_some() {
        let why = format!("{} cases are more than the {MOST_FILED} of one file; choose a row", page.count);
        return Err(ApiError::Input(why));
    }
    let names = Names::read(app).await?;
    let name = format!("cases-{}-{}", place.measure, place.part.as_str());
    file(app, &name, &[asked::sheet(&page, &place, &names, app)], kind)
}

/// The same as CSV, all pages.
#[utoipa::path(get, path = "/api/v1/evaluation/cases.csv", params(CasesQuery), tag = "evaluation", responses(
    (status = 200, content_type = "text/csv", body = File), BadRequest, Forbidden, Failures))]
pub(super) async fn cases_csv(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    cases_file(&app, &caller, &fields, CSV).await
}

/// The same as a workbook, all pages.
#[utoipa::path(get, path = "/api/v1/evaluation/cases.xlsx", params(CasesQuery), tag = "evaluation", responses(
    (status = 200, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", body = File),
    BadRequest, Forbidden, Failures))]
pub(super) async fn cases_xlsx(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    cases_file(&app, &caller, &fields, XLSX).await
}

async fn asked_bulletin(app: &App, caller: &Caller, fields: &Fields) -> Result<Bulletin, ApiError> {
    caller.must(Act::Evaluate)?;
    let asked = Asked::month(app, fields, &caller.0).await?;
    Ok(bulletin::bulletin(app, &asked.question).await?)
}

/// 通报: a month's figures beside those of the month before and of a year ago, the best and the worst, what is overdue.
#[utoipa::path(get, path = "/api/v1/evaluation/bulletin", params(BulletinQuery), tag = "evaluation", responses(
    (status = 200, body = BulletinAnswer), BadRequest, Forbidden, Conflict, Failures))]
pub(super) async fn bulletin(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Json<BulletinAnswer>, ApiError> {
    let found = asked_bulletin(&app, &caller, &fields).await?;
    let names = Names::read(&app).await?;
    let (overdue, _) = asked::seen(&app, found.overdue, &caller.0.user).await?;
    let line = |line: &bulletin::Line| LineItem {
        measure: MeasureItem::new(line.measure),
        now: FigureItem::new(line.measure, line.now),
        before: FigureItem::new(line.measure, line.before),
        a_year_ago: FigureItem::new(line.measure, line.a_year_ago),
    };
    let league = |league: &League| {
        let (by, level) = league.by.words();
        let rows = |all: &[TableRow]| all.iter().map(|one| row(league.by, one, &names)).collect();
        let (ranked, unranked) = (league.ranked as i64, league.unranked as i64);
        LeagueItem { by, level, ranked, unranked, best: rows(&league.best), worst: rows(&league.worst) }
    };
    Ok(Json(BulletinAnswer {
        month: found.month,
        closed: found.kept,
        cases: found.cases,
        unread: found.unread,
        lines: found.lines.iter().map(line).collect(),
        leagues: found.leagues.iter().map(league).collect(),
        overdue: overdue.iter().map(BehindItem::new).collect(),
        overdue_count: found.overdue_count,
        categories: found.categories.iter().map(|one| row(By::Category, one, &names)).collect(),
    }))
}

async fn bulletin_file(
    app: &App,
    caller: &Caller,
    fields: &Fields,
    kind: &'static str,
) -> Result<Response, ApiError> {
    let found = asked_bulletin(app, caller, fields).await?;
    let names = Names::read(app).await?;
    file(app, &format!("bulletin-{}", found.month), &export::of_bulletin(&found, &names), kind)
}

/// The same as CSV.
#[utoipa::path(get, path = "/api/v1/evaluation/bulletin.csv", params(BulletinQuery), tag = "evaluation", responses(
    (status = 200, content_type = "text/csv", body = File), BadRequest, Forbidden, Conflict, Failures))]
pub(super) async fn bulletin_csv(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    bulletin_file(&app, &caller, &fields, CSV).await
}

/// The same as a workbook.
#[utoipa::path(get, path = "/api/v1/evaluation/bulletin.xlsx", params(BulletinQuery), tag = "evaluation", responses(
    (status = 200, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", body = File),
    BadRequest, Forbidden, Conflict, Failures))]
pub(super) async fn bulletin_xlsx(
    State(app): State<App>,
    caller: Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    bulletin_file(&app, &caller, &fields, XLSX).await
}
