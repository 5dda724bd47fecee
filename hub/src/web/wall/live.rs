//! A camera's picture of this moment, on a card: asked of its box again and again while somebody holds it open.
//!
//! It is the snapshot that boxes make on request, masked as every picture is. The box is asked at most each two seconds, however
//! many look; every picture that a browser fetches is a row of the access register, and every request one of the record of
//! requests. A box that is away is said to be, at once. Deliberately absent: a stream.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use protocol::{CommandBody, Origin, UtcMs};

use super::act::case_of;
use crate::app::App;
use crate::camera::At;
use crate::case::{self, Case};
use crate::command::{CommandError, CommandRow};
use crate::device;
use crate::user::Act;
use crate::web::camera::still;
use crate::web::error::PageError;
use crate::web::guard::{SafeForm, Viewer};
use crate::web::shell::{local, render, shell};
use crate::web::view::{LiveView, Nav, WallLivePage, WallLivePart};

/// However many look, the box is asked no more often than this.
const EVERY_MS: i64 = 2_000;
/// Asking, one at a time: each sees what the one before has asked.
static ASKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// A request that the box has not answered by then holds up no other.
const PATIENCE_MS: i64 = 10_000;

/// Why there is no picture.
enum NoPicture {
    Page(PageError),
    /// In words, with the status that they stand for.
    Words(StatusCode, String),
}

impl From<PageError> for NoPicture {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<crate::db::Error> for NoPicture {
    fn from(error: crate::db::Error) -> Self {
        Self::Page(error.into())
    }
}

/// Asks the box, and shows the newest picture that came.
pub(in crate::web) async fn ask(State(app): State<App>, form: SafeForm) -> Response {
    let viewer = &form.viewer;
    let case = match case_of(&app, &form, Act::RequestStill).await {
        Ok(case) => case,
        Err(error) => return error.shown(viewer).into_response(),
    };
    match asked(&app, viewer, &case).await {
        Ok(view) if form.partial => {
            let part = WallLivePart { lang: viewer.preferences.lang, live: view };
            match askama::Template::render(&part) {
                Ok(html) => Html(html).into_response(),
                Err(error) => PageError::from(error).shown(viewer).into_response(),
            }
        }
        Ok(_) => form.done(&format!("/wall/live/{}", case.number)),
        Err(NoPicture::Page(error)) => error.shown(viewer).into_response(),
        Err(NoPicture::Words(status, why)) if form.partial => {
            (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], why).into_response()
        }
        Err(NoPicture::Words(status, why)) => {
            let view = LiveView { refused: why, ..LiveView::default() };
            match page_of(&app, viewer, &case, view).await {
                Ok(html) => (status, html).into_response(),
                Err(error) => error.into_response(),
            }
        }
    }
}

/// The same without scripts: what came last, and a form that asks again.
pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<String>,
) -> Result<Response, PageError> {
    viewer.must(Act::RequestStill)?;
    let (tenant, user) = (app.tenant().as_str(), viewer.session.user.as_str());
    let found = case::store::by_number(&app.db, tenant, user, &number).await;
    let case = found.map_err(|error| PageError::from(error).shown(&viewer))?;
    let case = case.ok_or_else(|| PageError::NotFound.shown(&viewer))?;
    let (status, view) = match seen(&app, &viewer, &case).await {
        Ok((_, view)) => (StatusCode::OK, view),
        Err(NoPicture::Page(error)) => return Err(error.shown(&viewer)),
        Err(NoPicture::Words(status, why)) => (status, LiveView { refused: why, ..LiveView::default() }),
    };
    Ok((status, page_of(&app, &viewer, &case, view).await?).into_response())
}

async fn page_of(app: &App, viewer: &Viewer, case: &Case, live: LiveView) -> Result<Html<String>, PageError> {
    let mut frame = shell(app, viewer, Nav::Wall).await?;
    frame.here = format!("/wall/live/{}?", case.number);
    let lang = frame.lang;
    let page = WallLivePage {
        number: case.number.clone(),
        title: lang.pick(&case.title_zh, &case.title_en).to_owned(),
        lang,
        live,
        shell: &frame,
    };
    render(&page, viewer)
}

/// The camera of a case whose box is there, and the newest picture of it that came.
async fn seen(app: &App, viewer: &Viewer, case: &Case) -> Result<(At, LiveView), NoPicture> {
    let (lang, local) = (viewer.preferences.lang, local(app));
    let (tenant, user) = (app.tenant().as_str(), viewer.session.user.as_str());
    let none = || NoPicture::Words(StatusCode::UNPROCESSABLE_ENTITY, lang.wall_live_none().to_owned());
    let camera = case.camera_id.as_deref().and_then(|id| id.parse().ok()).ok_or_else(none)?;
    let device = device::store::get(&app.db, tenant, user, &case.device_id).await?.ok_or_else(none)?;
    if device.link.as_deref() != Some("online") {
        let since = device.last_seen_at_ms.map(|at| local.moment(UtcMs(at)).full).unwrap_or_default();
        let why = format!("{} {since}", lang.wall_live_away()).trim_end().to_owned();
        return Err(NoPicture::Words(StatusCode::CONFLICT, why));
    }
    let origin = Origin { tenant: app.tenant().clone(), device: case.device_id.parse().map_err(|_| none())? };
    let at = At { origin, camera };
    let still = still(app, user, &at, &local, lang).await?;
    let view = LiveView {
        here: still.here.map(|(url, at, _)| (url, at)),
        waits: still.waits,
        failed: still.failed.unwrap_or_default(),
        refused: String::new(),
    };
    Ok((at, view))
}

async fn asked(app: &App, viewer: &Viewer, case: &Case) -> Result<LiveView, NoPicture> {
    let (at, mut view) = seen(app, viewer, case).await?;
    let body = CommandBody::Still { camera_id: at.camera.clone() };
    let user = viewer.session.user.as_str();
    // Seats that tick together ask once.
    let _alone = ASKING.lock().await;
    let newest = at.asked(app, user, &body, 1).await?.into_iter().next();
    let now = app.clock.now().0;
    let is_soon = |row: &CommandRow| {
        let age = now - row.issued_at_ms;
        age < EVERY_MS || (row.is_open() && age < PATIENCE_MS)
    };
    if newest.as_ref().is_some_and(is_soon) {
        return Ok(view);
    }
    let purpose = format!("{} {}", viewer.preferences.lang.wall_live(), case.number);
    match at.ask(app, user, body, &purpose).await {
        Ok(_) => {
            view.waits = true;
            view.failed.clear();
            Ok(view)
        }
        Err(CommandError::Db(error)) => Err(error.into()),
        Err(CommandError::Device(_) | CommandError::Case(_)) => {
            let none = viewer.preferences.lang.wall_live_none().to_owned();
            Err(NoPicture::Words(StatusCode::UNPROCESSABLE_ENTITY, none))
        }
        Err(error) => Err(NoPicture::Words(StatusCode::CONFLICT, error.to_string())),
    }
}
