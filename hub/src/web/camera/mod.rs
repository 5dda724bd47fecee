//! One camera: its picture, what it watches for, and the editor of that. A draft is tried on what the box remembers of the last
//! hour, walked through, and saved by a configuration that the box takes or refuses.
//!
//! Everything works by plain forms; `camera.js` draws over the picture what the fields say, and the other way round. What
//! is typed is kept as a draft with each form that is sent. Deliberately absent: a picture that moves, and any picture that
//! is not masked as the box masks it.

mod act;
mod fields;
mod limit;
mod panel;
mod rule;
mod store;
mod trial;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use protocol::Origin;

pub(super) use act::act;
pub(crate) use limit::needs_reason;
pub(super) use panel::still;

use super::error::PageError;
use super::guard::Viewer;
use crate::app::App;
use crate::camera::{At, Draft, Wrong};
use crate::device::{self, Device};
use crate::user::Act;

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path((device, camera)): Path<(String, String)>,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::SeeDevices)?;
    let (at, device) = find(&app, &viewer, &device, &camera).await?;
    let made = panel::made(&app, &viewer, &at, &device, Typed::default()).await;
    made.map(Html).map_err(|error| error.shown(&viewer))
}

/// What was typed and not taken, and why.
#[derive(Clone, Debug, Default)]
struct Typed {
    /// With the version on which it stands.
    draft: Option<(Draft, u64)>,
    why: String,
    lines: Vec<String>,
    wrong: Vec<Wrong>,
    may_rebase: bool,
    purpose: String,
    reason: String,
}

/// The page again, with what was refused and all that was typed.
async fn refused(app: &App, viewer: &Viewer, at: &At, device: &Device, typed: Typed) -> Response {
    match panel::made(app, viewer, at, device, typed).await {
        Ok(html) => (StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response(),
        Err(error) => error.shown(viewer).into_response(),
    }
}

/// A camera of a box that this user may see. Whether the box has it, the page finds out.
async fn find(app: &App, viewer: &Viewer, device: &str, camera: &str) -> Result<(At, Device), PageError> {
    let missing = || PageError::NotFound.shown(viewer);
    let camera = camera.parse().map_err(|_| missing())?;
    let id = device.parse().map_err(|_| missing())?;
    let found = device::store::get(&app.db, app.tenant().as_str(), &viewer.session.user, device).await;
    let device = found.map_err(|error| PageError::from(error).shown(viewer))?.ok_or_else(missing)?;
    Ok((At { origin: Origin { tenant: app.tenant().clone(), device: id }, camera }, device))
}

/// Where the page is.
fn address(at: &At) -> String {
    format!("/devices/{}/cameras/{}", at.origin.device, at.camera)
}
