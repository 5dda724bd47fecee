//! Boxes, requests to them, and what could not be read.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::{CommandBody, DeviceId, Origin};

use super::ApiError;
use super::answers::{BadBody, BadRequest, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller};
use super::model::{
    CommandAccepted, CommandAsked, CommandItem, CommandList, CommandRequest, DeviceItem, DeviceList,
    QuarantineDetail, QuarantineList,
};
use crate::app::App;
use crate::command::{self, CommandError, NewCommand};
use crate::user::Act;
use crate::{device, intake, self_test};

/// Rows of one list.
const MOST: i64 = 500;

/// Boxes with their newest status.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", responses(
    (status = 200, body = DeviceList),
    Forbidden, Failures))]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<DeviceList>, ApiError> {
    caller.must(Act::SeeDevices)?;
    let devices = device::store::list(&app.db, app.tenant().as_str(), &caller.0.user).await?;
    let tests = self_test::newest(&app.db, app.tenant().as_str()).await?;
    let item = |device: &device::Device| {
        let test = tests.iter().find(|test| test.device_id == device.device_id).cloned();
        DeviceItem { self_test: test, ..DeviceItem::from(device) }
    };
    Ok(Json(DeviceList { devices: devices.iter().map(item).collect() }))
}

/// Ask a box for something, with a purpose. It answers later: see the command.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands", params(("id" = String, Path,)),
    request_body = CommandRequest, tag = "devices", responses(
    (status = 202, body = CommandAccepted),
    BadBody, Forbidden, NotFound, Failures))]
pub(super) async fn command(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
    request: Result<Json<CommandRequest>, JsonRejection>,
) -> Result<(StatusCode, Json<CommandAccepted>), ApiError> {
    let Json(request) = request?;
    let (act, body) = match request.body {
        CommandAsked::Still { camera_id } => (Act::RequestStill, CommandBody::Still { camera_id }),
        CommandAsked::Clip { camera_id, from, to } => {
            (Act::RequestStill, CommandBody::Clip { camera_id, from, to })
        }
        CommandAsked::Recording { call_id } => (Act::Recording, CommandBody::Recording { call_id }),
        CommandAsked::Replay { camera_id, toml, last_s } => {
            (Act::Configure, CommandBody::Replay { camera_id, toml, last_s })
        }
        CommandAsked::Configuration { toml, based_on } => {
            let version = u64::try_from(app.clock.now().0).unwrap_or(1);
            (Act::Configure, CommandBody::Configuration { version, toml, based_on })
        }
        CommandAsked::ShowConfiguration {} => (Act::Configure, CommandBody::ShowConfiguration {}),
    };
    caller.must(act)?;
    if let Some(area) = device::store::area(&app.db, app.tenant().as_str(), &id).await? {
        caller.must_at(act, &area)?;
    }
    let device: DeviceId = id.parse().map_err(|_| ApiError::NotFound(format!("there is no device {id}")))?;
    let new = NewCommand {
        origin: Origin { tenant: app.tenant().clone(), device },
        body,
        purpose: request.purpose,
        issued_by: caller.0.user,
        case_number: request.case_number,
        life_ms: command::DEFAULT_LIFE_MS,
    };
    if !command::is_of_visible_case(&app, &new).await? {
        return Err(ApiError::NotFound(CommandError::Case(new.case_number.unwrap_or_default()).to_string()));
    }
    match app.commands.create(new).await {
        Ok(id) => Ok((StatusCode::ACCEPTED, Json(CommandAccepted { command_id: id.to_string() }))),
        Err(CommandError::Db(error)) => Err(error.into()),
        Err(error @ (CommandError::Device(_) | CommandError::Case(_))) => {
            Err(ApiError::NotFound(error.to_string()))
        }
        Err(error @ (CommandError::Purpose | CommandError::TooLarge { .. })) => {
            Err(ApiError::Unprocessable(error.to_string()))
        }
    }
}

/// What was asked of boxes, newest first.
#[utoipa::path(get, path = "/api/v1/commands", tag = "devices", responses(
    (status = 200, body = CommandList),
    Forbidden, Failures))]
pub(super) async fn commands(State(app): State<App>, caller: Caller) -> Result<Json<CommandList>, ApiError> {
    caller.must(Act::SeeDevices)?;
    let rows = command::store::list(&app.db, app.tenant().as_str(), &caller.0.user, None, MOST).await?;
    Ok(Json(CommandList { commands: rows.iter().map(CommandItem::from).collect() }))
}

/// One request and what became of it.
#[utoipa::path(get, path = "/api/v1/commands/{id}", params(("id" = String, Path,)), tag = "devices", responses(
    (status = 200, body = CommandItem),
    BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn get_command(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
) -> Result<Json<CommandItem>, ApiError> {
    caller.must(Act::SeeDevices)?;
    let row = command::store::get(&app.db, app.tenant().as_str(), &caller.0.user, &id).await?;
    row.map(|row| Json(CommandItem::from(&row)))
        .ok_or_else(|| ApiError::NotFound(format!("there is no command {id}")))
}

/// Messages that could not be read, newest first.
#[utoipa::path(get, path = "/api/v1/quarantine", tag = "devices", responses(
    (status = 200, body = QuarantineList),
    Forbidden, Failures))]
pub(super) async fn quarantine(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<QuarantineList>, ApiError> {
    caller.must(Act::SeeQuarantine)?;
    let rows = intake::store::quarantined(&app.db, app.tenant().as_str(), &caller.0.user, MOST).await?;
    Ok(Json(QuarantineList { quarantine: rows }))
}

/// One such message with its bytes.
#[utoipa::path(get, path = "/api/v1/quarantine/{id}", params(("id" = String, Path,)), tag = "devices", responses(
    (status = 200, body = QuarantineDetail),
    BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn quarantined(
    State(app): State<App>,
    caller: Caller,
    Address(id): Address<String>,
) -> Result<Json<QuarantineDetail>, ApiError> {
    caller.must(Act::SeeQuarantine)?;
    let found = intake::store::quarantined_one(&app.db, app.tenant().as_str(), &caller.0.user, &id).await?;
    let (row, content) =
        found.ok_or_else(|| ApiError::NotFound(format!("nothing in quarantine has id {id}")))?;
    Ok(Json(QuarantineDetail { row, content_base64: STANDARD.encode(content) }))
}
