//! Lists of cases as sheets. Each download is a row of the access register.

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::ApiError;
use super::answers::{BadRequest, Failures, File};
use super::cases::{ExportQuery, filter};
use super::guard::Caller;
use crate::app::App;
use crate::case::number;
use crate::export::{self, ExportError};
use crate::web::guard::Fields;

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Busy => Self::Busy(error.to_string()),
            ExportError::Db(error) => error.into(),
            ExportError::Book(_) => Self::Internal(error.to_string()),
        }
    }
}

/// Cases that a list has, all of them, as CSV in UTF-8 with a mark at its beginning: a spreadsheet opens it as it is.
#[utoipa::path(get, path = "/api/v1/cases/export.csv", params(ExportQuery), tag = "cases", responses(
    (status = 200, body = File, content_type = "text/csv"),
    BadRequest, Failures))]
pub(super) async fn csv(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
    fields: Fields,
) -> Result<Response, ApiError> {
    let user = caller.0.user;
    let filter = filter(&app, user.clone(), &fields).await?;
    let rows = export::csv(&app, filter).await?;
    export::register(&app, &user, &asked("csv", query)).await?;
    Ok(file(&app, "csv", "text/csv; charset=utf-8", Body::from_stream(rows)))
}

/// The newest 50,000 of them as a workbook; its last line says when there are more.
#[utoipa::path(get, path = "/api/v1/cases/export.xlsx", params(ExportQuery), tag = "cases", responses(
    (status = 200, body = File, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    BadRequest, Failures))]
pub(super) async fn xlsx(
    State(app): State<App>,
    caller: Caller,
    RawQuery(query): RawQuery,
    fields: Fields,
) -> Result<Response, ApiError> {
    let user = caller.0.user;
    let filter = filter(&app, user.clone(), &fields).await?;
    let book = export::workbook(&app, filter).await?;
    export::register(&app, &user, &asked("xlsx", query)).await?;
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    Ok(file(&app, "xlsx", kind, Body::from(book)))
}

/// For the register.
fn asked(form: &str, query: Option<String>) -> String {
    format!("{form} {}", query.unwrap_or_default())
}

fn file(app: &App, end: &str, kind: &'static str, body: Body) -> Response {
    let day = number::local_day(app.clock.now(), &app.zone);
    let name = format!("attachment; filename=\"cases-{day}.{end}\"");
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    let name = HeaderValue::from_str(&name).expect("digits are a header value");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    response
}
