//! What a camera watches for, as somebody changes it: his draft, tried on the last hour and sent, as the page does it. The page
//! and the API have one draft of each person and camera.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use protocol::Origin;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller};
use crate::app::App;
use crate::camera::{self, At, Change, Draft, Standing, Unsaved, Wrong, check, diff, draft, text};
use crate::command::{CommandError, MAX_PURPOSE};
use crate::device::{self, Device};
use crate::user::Act;
use crate::web::needs_reason;

/// A draft that lies about.
#[derive(Serialize, ToSchema)]
pub(super) struct DraftRow {
    device_id: String,
    camera_id: String,
    /// Version of the configuration from which it was made.
    based_on: u64,
    saved_at_ms: i64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct DraftList {
    /// The newest first.
    drafts: Vec<DraftRow>,
}

/// One's own drafts of cameras, of boxes that one sees.
#[utoipa::path(get, path = "/api/v1/cameras/drafts", tag = "devices", responses(
    (status = 200, body = DraftList), Forbidden, Failures))]
pub(super) async fn drafts(State(app): State<App>, caller: Caller) -> Result<Json<DraftList>, ApiError> {
    caller.must(Act::Configure)?;
    let all = camera::drafts(&app, &caller.0.user).await?;
    let row = |one: camera::Lying| DraftRow {
        device_id: one.device_id,
        camera_id: one.camera_id,
        based_on: u64::try_from(one.based_on).unwrap_or_default(),
        saved_at_ms: one.saved_at_ms,
    };
    Ok(Json(DraftList { drafts: all.into_iter().map(row).collect() }))
}

/// A field in which something is wrong.
#[derive(Serialize, ToSchema)]
struct WrongItem {
    /// Such as `zone.0.points`.
    field: String,
    what: String,
    what_zh: String,
}

/// One thing that differs.
#[derive(Serialize, ToSchema)]
struct ChangeItem {
    /// `zone`, `line`, `mask` or `rule`.
    part: String,
    /// A mask has none and is counted from 1.
    id: String,
    /// `added`, `removed` or `changed`.
    how: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct DraftState {
    draft: Draft,
    /// Version from which it was made; 0 is the installer's file.
    based_on: u64,
    /// Version in force, as far as the hub knows. Where it is another one, the draft is not sent.
    in_force: Option<u64>,
    /// When it was kept; nothing where it is what is in force.
    saved_at_ms: Option<i64>,
    /// From what it was made to what it says.
    changes: Vec<ChangeItem>,
    /// What the box would refuse.
    wrong: Vec<WrongItem>,
    /// Somebody's configuration that the box has not answered yet.
    on_its_way: bool,
}

impl DraftState {
    fn of(at: &At, standing: &Standing, (draft, based_on): (Draft, u64), saved_at_ms: Option<i64>) -> Self {
        let read = |known: &camera::Known| text::read(&known.toml, at.camera.as_str()).ok();
        let drawn = standing.text(based_on).and_then(read);
        let wrong = drawn.as_ref().map(|drawn| check::wrong(&draft, drawn)).unwrap_or_default();
        let changes = drawn.as_ref().map(|drawn| diff::changes(drawn, &draft)).unwrap_or_default();
        Self {
            changes: changes.into_iter().map(change_item).collect(),
            wrong: wrong.into_iter().map(wrong_item).collect(),
            in_force: standing.in_force,
            on_its_way: standing.on_its_way().is_some(),
            draft,
            based_on,
            saved_at_ms,
        }
    }
}

fn wrong_item(wrong: Wrong) -> WrongItem {
    WrongItem { field: wrong.field, what: wrong.en, what_zh: wrong.zh }
}

fn change_item(change: Change) -> ChangeItem {
    let part = match change.part {
        diff::Part::Zone => "zone",
        diff::Part::Line => "line",
        diff::Part::Mask => "mask",
        diff::Part::Rule => "rule",
    };
    let how = match change.how {
        diff::How::Added => "added",
        diff::How::Removed => "removed",
        diff::How::Changed => "changed",
    };
    ChangeItem { part: part.to_owned(), id: change.id, how: how.to_owned() }
}

/// A camera of a box that one may configure, and what is known of what is in force there.
async fn find(
    app: &App,
    caller: &Caller,
    (id, camera): (&str, &str),
) -> Result<(At, Device, Standing), ApiError> {
    caller.must(Act::Configure)?;
    let tenant = app.tenant().as_str();
    if let Some(area) = device::store::area(&app.db, tenant, id).await? {
        caller.must_at(Act::Configure, &area)?;
    }
    let missing = || ApiError::NotFound(format!("there is no camera {camera} of a device {id}"));
    let at = At {
        origin: Origin { tenant: app.tenant().clone(), device: id.parse().map_err(|_| missing())? },
        camera: camera.parse().map_err(|_| missing())?,
    };
    let device = device::store::get(&app.db, tenant, &caller.0.user, id).await?.ok_or_else(missing)?;
    let standing = Standing::read(app, &caller.0.user, &device).await?;
    Ok((at, device, standing))
}

/// One's own draft of a camera; without one what is in force, as a draft.
#[utoipa::path(get, path = "/api/v1/devices/{id}/cameras/{camera}/draft",
    params(("id" = String, Path,), ("camera" = String, Path,)), tag = "devices", responses(
    (status = 200, body = DraftState), BadRequest, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Address((id, camera)): Address<(String, String)>,
) -> Result<Json<DraftState>, ApiError> {
    let (at, _, standing) = find(&app, &caller, (&id, &camera)).await?;
    let kept = at.draft(&app, &caller.0.user).await?;
    let kept = kept.filter(|kept| !at.is_in_force(&standing, (&kept.draft, kept.based_on)));
    if let Some(kept) = kept {
        let own = (kept.draft, kept.based_on);
        return Ok(Json(DraftState::of(&at, &standing, own, Some(kept.saved_at.0))));
    }
    let base = standing.base().ok_or(Unsaved::Unknown)?;
    let Ok(draft) = text::read(&base.toml, &camera) else {
        return Err(ApiError::NotFound(format!("there is no camera {camera} of a device {id}")));
    };
    let own = (draft, base.version);
    Ok(Json(DraftState::of(&at, &standing, own, None)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DraftKept {
    /// Version from which it was made.
    based_on: u64,
    draft: Draft,
}

/// Keep a draft, right or wrong; the answer says what is wrong in it.
#[utoipa::path(put, path = "/api/v1/devices/{id}/cameras/{camera}/draft",
    params(("id" = String, Path,), ("camera" = String, Path,)), request_body = DraftKept, tag = "devices", responses(
    (status = 200, body = DraftState), BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn put(
    State(app): State<App>,
    caller: Caller,
    Address((id, camera)): Address<(String, String)>,
    request: Result<Json<DraftKept>, JsonRejection>,
) -> Result<Json<DraftState>, ApiError> {
    let (at, _, standing) = find(&app, &caller, (&id, &camera)).await?;
    let Json(new) = request?;
    if standing.text(new.based_on).is_none() {
        return Err(Unsaved::Unknown.into());
    }
    let size_bytes = serde_json::to_vec(&new.draft).map_or(usize::MAX, |json| json.len());
    if size_bytes > draft::MOST_BYTES {
        let most = draft::MOST_BYTES;
        return Err(ApiError::TooLarge(format!(
            "a draft has {most} bytes at most; this one has {size_bytes}"
        )));
    }
    at.keep_draft(&app, &caller.0.user, &new.draft, new.based_on).await?;
    let saved_at_ms = Some(app.clock.now().0);
    Ok(Json(DraftState::of(&at, &standing, (new.draft, new.based_on), saved_at_ms)))
}

/// Throw a draft away.
#[utoipa::path(delete, path = "/api/v1/devices/{id}/cameras/{camera}/draft",
    params(("id" = String, Path,), ("camera" = String, Path,)), tag = "devices", responses(
    (status = 204), BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn discard(
    State(app): State<App>,
    caller: Caller,
    Address((id, camera)): Address<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (at, ..) = find(&app, &caller, (&id, &camera)).await?;
    at.drop_draft(&app, &caller.0.user).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub(super) struct Asked {
    /// Of the draft's rules and of those in force, each where there are any; what came of them is read with the commands.
    commands: Vec<String>,
}

/// The draft that lies there.
async fn kept(app: &App, caller: &Caller, at: &At) -> Result<(Draft, u64), ApiError> {
    let kept = at.draft(app, &caller.0.user).await?;
    let kept =
        kept.ok_or_else(|| ApiError::NotFound("there is no draft of this camera; PUT one".to_owned()))?;
    Ok((kept.draft, kept.based_on))
}

/// Ask the box what the draft's rules, and those in force, would have told of in its last hour.
#[utoipa::path(post, path = "/api/v1/devices/{id}/cameras/{camera}/draft/trial",
    params(("id" = String, Path,), ("camera" = String, Path,)), tag = "devices", responses(
    (status = 202, body = Asked), BadRequest, Forbidden, NotFound, Conflict,
    (status = 422, content_type = "application/problem+json", body = super::model::Problem), Failures))]
pub(super) async fn try_rules(
    State(app): State<App>,
    caller: Caller,
    Address((id, camera)): Address<(String, String)>,
) -> Result<(StatusCode, Json<Asked>), ApiError> {
    let (at, _, standing) = find(&app, &caller, (&id, &camera)).await?;
    let (draft, based_on) = kept(&app, &caller, &at).await?;
    let own = (&draft, based_on);
    let commands = at.try_draft(&app, &caller.0.user, &standing, own, "trying rules").await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { commands })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sending {
    /// Why; kept with the command. With the reason it has 200 characters at most.
    purpose: String,
    /// Where the rules would tell of more than people can look at, or were not tried.
    #[serde(default)]
    reason: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Sent {
    /// What became of it is read with the commands.
    command_id: Option<String>,
}

/// Send what the draft says to the box, which tries it and answers. Sent twice it is done once.
#[utoipa::path(post, path = "/api/v1/devices/{id}/cameras/{camera}/draft/send",
    params(("id" = String, Path,), ("camera" = String, Path,)), request_body = Sending, tag = "devices", responses(
    (status = 202, body = Sent), BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn send(
    State(app): State<App>,
    caller: Caller,
    Address((id, camera)): Address<(String, String)>,
    request: Result<Json<Sending>, JsonRejection>,
) -> Result<(StatusCode, Json<Sent>), ApiError> {
    let (at, device, standing) = find(&app, &caller, (&id, &camera)).await?;
    let Json(sending) = request?;
    let user = &caller.0.user;
    let (draft, based_on) = kept(&app, &caller, &at).await?;
    let (purpose, reason) = (sending.purpose.trim(), sending.reason.trim());
    if let Some(drawn) = standing.text(based_on).filter(|_| standing.in_force == Some(based_on))
        && reason.is_empty()
        && needs_reason(&app, user, &at, &drawn.toml, &draft).await?
    {
        return Err(ApiError::Unprocessable(
            "reason: by these rules there would be more alerts than the limit, or they were not tried"
                .to_owned(),
        ));
    }
    let both = if reason.is_empty() { purpose.to_owned() } else { format!("{purpose}; reason: {reason}") };
    if purpose.is_empty() || both.chars().count() > MAX_PURPOSE {
        return Err(ApiError::Unprocessable(CommandError::Purpose.to_string()));
    }
    at.save(&app, user, &standing, (&draft, based_on), &both).await?;
    let standing = Standing::read(&app, user, &device).await?;
    let command_id = standing.sent_by(user).map(|row| row.command_id.clone());
    Ok((StatusCode::ACCEPTED, Json(Sent { command_id })))
}

impl From<Unsaved> for ApiError {
    fn from(error: Unsaved) -> Self {
        match error {
            Unsaved::Wrong(wrong) => {
                let all: Vec<String> =
                    wrong.iter().map(|wrong| format!("{}: {}", wrong.field, wrong.en)).collect();
                Self::Unprocessable(all.join("; "))
            }
            Unsaved::Unknown => {
                Self::Conflict(format!("{error}: ask the box for `show_configuration` first"))
            }
            Unsaved::Text(_) | Unsaved::Changed { .. } | Unsaved::OnItsWay { .. } | Unsaved::Same => {
                Self::Conflict(error.to_string())
            }
            Unsaved::Command(CommandError::Db(error)) | Unsaved::Db(error) => error.into(),
            Unsaved::Command(error @ (CommandError::Device(_) | CommandError::Case(_))) => {
                Self::NotFound(error.to_string())
            }
            Unsaved::Command(error) => Self::Unprocessable(error.to_string()),
        }
    }
}
