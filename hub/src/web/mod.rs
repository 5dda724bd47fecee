//! Station 10: pages and their live feed. Handlers parse, call, render; decisions live in the domain's modules.

mod admin;
mod ask;
pub mod assets;
mod basemap;
mod call;
mod camera;
mod case;
mod cases;
mod contact;
mod desk;
mod devices;
mod error;
mod evaluation;
mod field;
#[cfg(test)]
mod gallery;
pub mod guard;
mod handover;
mod heard;
mod knowledge;
mod login;
mod map;
mod me;
pub mod moment;
pub(crate) mod moves;
mod order;
mod queue;
mod records;
mod seat;
mod shell;
mod status;
mod store;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;
pub mod text;
pub mod view;
mod wall;
pub mod words;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::app::App;
pub(crate) use camera::needs_reason;
use guard::{Preferences, Viewer};
pub(crate) use queue::MOST_CHOSEN;

/// All pages. Nothing inline, nothing from elsewhere, no framing.
const POLICY: &str = "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self'; \
     manifest-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// Names every route once, for the router and for the test that holds each against the table of roles.
macro_rules! routes {
    ($($path:literal => $handler:expr;)*) => {
        #[cfg(test)]
        pub(crate) const PATHS: &[&str] = &[$($path),*];

        fn routed() -> Router<App> {
            Router::new()$(.route($path, $handler))*
        }
    };
}

routes! {
    "/" => get(desk::lead);
    "/login" => get(login::page).post(login::submit);
    "/logout" => post(login::log_out);
    "/cases" => get(cases::page);
    "/cases/counts" => get(cases::counts);
    "/cases/{number}" => get(case::page);
    "/cases/{number}/row" => get(cases::row);
    "/cases/{number}/order" => get(order::page);
    "/cases/{number}/acknowledge" => post(case::acknowledge);
    "/cases/{number}/moves" => post(moves::make);
    "/cases/{number}/shelf" => post(moves::shelf);
    "/cases/{number}/field" => post(field::deed);
    "/calls/{call_id}" => get(call::page);
    "/calls/{call_id}/ticket" => post(call::file);
    "/calls/{call_id}/join" => post(call::join);
    "/calls/{call_id}/centre" => post(call::centre);
    "/calls/{call_id}/places" => get(call::places);
    "/calls/{call_id}/contact" => post(contact::look);
    "/calls/{call_id}/contact/delete" => post(contact::delete);
    "/seat" => get(seat::page);
    "/seat/calls" => get(seat::part);
    "/devices" => get(devices::list).post(devices::add);
    "/devices/{id}" => get(devices::page);
    "/devices/{id}/commands" => post(devices::command);
    "/devices/{id}/cameras/{camera}" => get(camera::page).post(camera::act);
    "/commands" => get(records::commands);
    "/quarantine" => get(records::quarantine);
    "/quarantine/{id}" => get(records::quarantined);
    "/evaluation" => get(evaluation::table::page);
    "/evaluation/cases" => get(evaluation::cases::page);
    "/evaluation/density" => get(evaluation::density::page);
    "/evaluation/trends" => get(evaluation::trends::page);
    "/evaluation/bulletin" => get(evaluation::bulletin::page);
    "/status" => get(status::page).post(status::ask);
    "/report" => get(ask::page).post(ask::submit);
    "/field" => get(field::page);
    "/field/report" => get(|| async { Redirect::to("/field#report") }).post(field::report);
    "/field/cases/{number}" => get(field::back).post(field::step);
    "/field/cases/{number}/changes" => get(field::changes);
    "/manifest.webmanifest" => get(assets::manifest);
    "/basemap/{file}" => get(basemap::serve);
    "/map" => get(map::page);
    "/queue" => get(queue::page);
    "/queue/bulk" => post(queue::submit);
    "/queue/views" => post(queue::views::submit);
    "/tasks" => get(tasks::page);
    "/tasks/accept" => post(tasks::accept);
    "/tasks/orders" => get(order::many);
    "/handover" => get(handover::page).post(handover::give);
    "/handover/{id}" => get(handover::one);
    "/handover/{id}/take" => post(handover::take);
    "/admin" => get(admin::page);
    "/admin/users" => get(admin::users::page).post(admin::users::add);
    "/admin/users/{name}" => get(admin::user::page).post(admin::user::act);
    "/admin/areas" => get(admin::places::areas).post(admin::places::change_area);
    "/admin/units" => get(admin::places::units).post(admin::places::change_unit);
    "/admin/duty" => get(admin::duty::page).post(admin::duty::act);
    "/admin/imports" => get(admin::imports::page);
    "/admin/imports/{kind}" => get(admin::imports::form).post(admin::imports::look);
    "/admin/imports/{kind}/confirm" => post(admin::imports::confirm);
    "/admin/basemaps" => get(admin::basemaps::page).post(admin::basemaps::upload);
    "/admin/basemaps/remove" => post(admin::basemaps::remove);
    "/admin/policies" => get(admin::policies::page);
    "/admin/policies/{version}" => get(admin::policies::one);
    "/admin/categories" => get(admin::lists::categories);
    "/admin/gazetteer" => get(admin::lists::places);
    "/admin/knowledge" => get(admin::lists::knowledge);
    "/admin/audit" => get(admin::registers::audit);
    "/admin/audit.csv" => get(admin::registers::audit_csv);
    "/admin/access" => get(admin::registers::access);
    "/admin/access.csv" => get(admin::registers::access_csv);
    "/me" => get(me::page);
    "/me/password" => post(me::change_password);
    "/me/sessions" => post(me::end_session);
    "/me/push" => post(me::browsers);
    "/wall" => get(wall::page);
    "/wall/false-alarm" => post(wall::false_alarm);
    "/wall/shelve" => post(wall::shelve);
    "/wall/live" => post(wall::live::ask);
    "/wall/live/{number}" => get(wall::live::page);
    "/wall/cases" => get(wall::behind);
    "/screen" => get(wall::screen);
    "/assets/{*path}" => get(assets::serve);
    "/sw.js" => get(assets::worker);
}

pub fn router(app: App) -> Router {
    routed()
        .method_not_allowed_fallback(form_address)
        .fallback(not_found)
        .layer(middleware::from_fn(headers))
        .layer(middleware::from_fn(guard::preferences))
        .with_state(app)
}

async fn headers(request: Request, next: Next) -> Response {
    let permissions = permissions(request.uri().path());
    let mut response = next.run(request).await;
    let all = response.headers_mut();
    // What is stricter says so itself.
    all.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    all.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    all.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    all.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(permissions));
    // Pages hold cases of people: no proxy and no disk keeps them. Assets say otherwise themselves.
    if !all.contains_key(header::CACHE_CONTROL) {
        all.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Where a report is written the browser may be asked where that is; nowhere else, and nothing more.
fn permissions(path: &str) -> &'static str {
    if path == "/report" || path == "/field" || path.starts_with("/field/") {
        "camera=(), microphone=(), geolocation=(self)"
    } else {
        "camera=(), microphone=(), geolocation=()"
    }
}

/// The address of a form opened as a page, after a login in between or a reload: leads to the page the form is on.
async fn form_address(method: Method, uri: Uri) -> Response {
    if !method.is_safe() {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let page = uri.path().rsplit_once('/').map_or("", |(page, _)| page);
    Redirect::to(if page.is_empty() { "/" } else { page }).into_response()
}

/// Anonymous people learn nothing about which pages exist.
async fn not_found(viewer: Result<Viewer, Response>, preferences: axum::Extension<Preferences>) -> Response {
    let _ = preferences;
    match viewer {
        Ok(viewer) => error::PageError::NotFound.shown(&viewer).into_response(),
        Err(to_login) => to_login,
    }
}
