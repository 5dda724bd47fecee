//! JSON under /api/v1 and its OpenAPI description. Every route is registered through its description, so none can
//! be missing from it; what machines ask (enrolment, uploads) is in [`crate::http`] and [`crate::evidence::tus`].

mod answers;
mod attachments;
mod audit;
mod basemaps;
mod bulk;
mod cameras;
mod cap;
mod cases;
mod centre;
mod changes;
mod contact;
mod correlation;
mod deed;
mod devices;
mod evaluation;
mod evidence;
mod export;
mod guard;
mod handover;
mod incidents;
mod knowledge;
mod map;
mod model;
mod organisation;
mod people;
mod places;
mod platform;
mod public;
mod push;
mod repeat;
mod session;
mod setup;
#[cfg(test)]
mod tests;
mod workflow;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::field::repeat::Reused;
use crate::http::{problem, problem_in_both};
use crate::web::text::Lang;
use crate::workflow::Refused;
use crate::workflow::store::StepError;

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "Shaodian hub",
    description = "Cases, evidence, devices and requests of one tenant. Log in with POST /api/v1/session and send the \
                   token as `Authorization: Bearer …`; browsers use the session cookie and, for changes, the header \
                   `X-CSRF-Token`. Times are epoch milliseconds UTC. Errors are application/problem+json (RFC 9457)."
), components(schemas(model::Problem, answers::File)), modifiers(&Credentials), security(("token" = []), ("cookie" = [])))]
struct Description;

/// How callers show who they are.
struct Credentials;

impl utoipa::Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
        let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        // Over plain HTTP, on the hub's own machine, its name lacks the prefix.
        let cookie = ApiKey::Cookie(ApiKeyValue::new("__Host-shaodian_session"));
        let components = openapi.components.get_or_insert_default();
        let platform = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("platform", SecurityScheme::Http(platform));
        components.add_security_scheme("token", SecurityScheme::Http(token));
        components.add_security_scheme("cookie", SecurityScheme::ApiKey(cookie));
    }
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(session::log_in, session::log_out, session::who))
        .routes(routes!(cases::list, workflow::report))
        .routes(routes!(export::csv))
        .routes(routes!(export::xlsx))
        .routes(routes!(cases::get))
        .routes(routes!(cases::acknowledge))
        .routes(routes!(cases::ticket))
        .routes(routes!(centre::call))
        .routes(routes!(workflow::moves, workflow::step))
        .routes(routes!(bulk::moves))
        .routes(routes!(deed::act))
        .routes(routes!(correlation::shelves))
        .routes(routes!(correlation::shelve, correlation::take_back))
        .routes(routes!(correlation::rules))
        .routes(routes!(handover::list, handover::give))
        .routes(routes!(handover::take))
        .routes(routes!(workflow::notices))
        .routes(routes!(workflow::read_notice))
        .routes(routes!(contact::look, contact::state, contact::forget))
        .routes(routes!(attachments::take))
        .routes(routes!(evidence::of_case))
        .routes(routes!(evidence::get))
        .routes(routes!(evidence::register))
        .routes(routes!(devices::list))
        .routes(routes!(devices::command))
        .routes(routes!(devices::commands))
        .routes(routes!(cameras::drafts))
        .routes(routes!(cameras::get, cameras::put, cameras::discard))
        .routes(routes!(cameras::try_rules))
        .routes(routes!(cameras::send))
        .routes(routes!(devices::get_command))
        .routes(routes!(devices::quarantine))
        .routes(routes!(devices::quarantined))
        .routes(routes!(incidents::submit))
        .routes(routes!(knowledge::list))
        .routes(routes!(evaluation::table))
        .routes(routes!(evaluation::table_csv))
        .routes(routes!(evaluation::table_xlsx))
        .routes(routes!(evaluation::table_series))
        .routes(routes!(evaluation::cases))
        .routes(routes!(evaluation::cases_csv))
        .routes(routes!(evaluation::cases_xlsx))
        .routes(routes!(evaluation::bulletin))
        .routes(routes!(evaluation::bulletin_csv))
        .routes(routes!(evaluation::bulletin_xlsx))
        .routes(routes!(platform::put))
        .routes(routes!(platform::progress))
        .routes(routes!(platform::acknowledge))
        .routes(routes!(basemaps::list))
        .routes(routes!(map::grids))
        .routes(routes!(map::cases))
        .routes(routes!(map::boxes))
        .routes(routes!(map::at))
        .routes(routes!(places::find))
        .routes(routes!(places::choose))
        .routes(routes!(audit::list))
        .routes(routes!(audit::access))
        .routes(routes!(people::list, people::add))
        .routes(routes!(people::one, people::change))
        .routes(routes!(organisation::areas))
        .routes(routes!(setup::area))
        .routes(routes!(organisation::units))
        .routes(routes!(setup::unit))
        .routes(routes!(setup::turns, setup::add_turn))
        .routes(routes!(setup::remove_turn))
        .routes(routes!(organisation::categories))
        .routes(routes!(organisation::policies, organisation::import))
        .routes(routes!(organisation::policy))
        .routes(routes!(cap::get, cap::release, cap::cancel))
        .routes(routes!(cap::feed))
        .routes(routes!(public::status))
        .routes(routes!(push::list, push::add))
        .routes(routes!(push::remove))
        .routes(routes!(push::key))
        .routes(routes!(changes::follow))
}

/// The description as JSON.
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

pub fn router(app: App) -> Router {
    let (router, _) = documented().split_for_parts();
    router
        .route("/api/openapi.json", axum::routing::get(description))
        .route("/api/{*rest}", axum::routing::any(nowhere))
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::map_response(headers))
        .with_state(app)
}

async fn nowhere() -> Response {
    problem(StatusCode::NOT_FOUND, "the API has no such address; /api/openapi.json describes what it has")
}

async fn wrong_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, "this address takes other methods; /api/openapi.json names them")
}

/// Answers hold cases of people and words of calls: no cache keeps them unless it was told how.
async fn headers(mut response: Response) -> Response {
    let all = response.headers_mut();
    all.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    all.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    response
}

async fn description(State(_): State<App>) -> Response {
    match openapi().to_pretty_json() {
        Ok(json) => {
            let kind = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, kind)], json).into_response()
        }
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

/// What a call to the API fails with.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    #[error("log in first: POST /api/v1/session, then send `Authorization: Bearer TOKEN`")]
    Anonymous,
    #[error("changes by cookie need the header X-CSRF-Token of the session")]
    Csrf,
    #[error("only these roles may do this: {0}")]
    Role(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Input(String),
    #[error("{0}")]
    Unprocessable(String),
    /// In Chinese too: for those who read the answer on a telephone.
    #[error("{2}")]
    Both(StatusCode, String, String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    TooMany(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    NotJson(String),
    #[error("{0}")]
    Busy(String),
    #[error("{0}")]
    Range(String),
    #[error("the hub failed; what was committed is safe, try again")]
    Internal(String),
}

impl ApiError {
    /// A body that was not taken, by the status its rejection asks for.
    fn of_body(status: StatusCode, why: String) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(why),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::NotJson(why),
            StatusCode::UNPROCESSABLE_ENTITY => Self::Unprocessable(why),
            _ => Self::Input(why),
        }
    }
}

impl From<crate::db::Error> for ApiError {
    fn from(error: crate::db::Error) -> Self {
        if crate::db::is_bad_value(&error) {
            return Self::Input("a text that cannot be kept, such as one with a NUL character".to_owned());
        }
        if crate::db::is_transient(&error) {
            tracing::warn!(%error, "the database is busy or away");
            return Self::Busy("the database is busy or away; try again".to_owned());
        }
        Self::Internal(format!("database: {error}"))
    }
}

impl From<crate::case::CaseError> for ApiError {
    fn from(error: crate::case::CaseError) -> Self {
        use crate::case::CaseError;
        match error {
            CaseError::Unknown(_) => Self::NotFound(error.to_string()),
            CaseError::Finished(_) => Self::Conflict(error.to_string()),
            CaseError::Db(error) => error.into(),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::State { .. } => StatusCode::CONFLICT,
            Refused::Who { .. } => StatusCode::FORBIDDEN,
            Refused::Missing { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::Both(status, refused.text(Lang::Zh), refused.text(Lang::En))
    }
}

impl From<Reused> for ApiError {
    fn from(reused: Reused) -> Self {
        Self::Both(StatusCode::UNPROCESSABLE_ENTITY, Reused::ZH.to_owned(), reused.to_string())
    }
}

impl From<StepError> for ApiError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Unknown(_) => Self::NotFound(error.to_string()),
            StepError::Refused(refused) => refused.into(),
            StepError::Db(error) => error.into(),
        }
    }
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Both(status, ..) => *status,
            Self::Anonymous => StatusCode::UNAUTHORIZED,
            Self::Csrf | Self::Role(_) | Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Input(_) => StatusCode::BAD_REQUEST,
            Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Range(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Both(status, zh, en) = &self {
            return problem_in_both(*status, zh, en);
        }
        if let Self::Internal(detail) = &self {
            tracing::error!(%detail, "an API call failed");
        }
        problem(self.status(), &self.to_string())
    }
}
