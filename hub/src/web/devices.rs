//! Boxes: how they are, what is asked of them, and how a new one comes in.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use protocol::{
    CallTapHealth, CameraState, CommandBody, DetectorHealth, DeviceId, MAX_CLIP_MS, Origin, Status, UtcMs,
};

use super::error::PageError;
use super::guard::{SafeForm, Viewer};
use super::moment::{LocalTime, age_text, size_text};
use super::shell::{local, render, shell};
use super::text::Lang;
use super::view::{
    AddedDevice, CallTapView, CameraView, CommandView, DevicePage, DeviceRow, DevicesPage, Nav, with_copies,
};
use super::{store, words};
use crate::app::App;
use crate::command::{self, CommandError, NewCommand};
use crate::device::{self, Device, enrol};
use crate::http::called_as;
use crate::self_test;
use crate::user::Act;

/// Requests shown on a box's page, and on the page of all.
const RECENT: i64 = 20;
pub(super) const MOST: i64 = 200;

pub(super) async fn list(State(app): State<App>, viewer: Viewer) -> Result<Response, PageError> {
    viewer.must(Act::SeeDevices)?;
    show_list(&app, &viewer, None, None, "").await
}

async fn show_list(
    app: &App,
    viewer: &Viewer,
    added: Option<AddedDevice>,
    error: Option<String>,
    name: &str,
) -> Result<Response, PageError> {
    let frame = shell(app, viewer, Nav::Devices).await?;
    let all = device::store::list(&app.db, app.tenant().as_str(), &viewer.session.user)
        .await
        .map_err(|error| PageError::from(error).shown(viewer))?;
    let (local, lang) = (local(app), frame.lang);
    let page = DevicesPage {
        devices: all.iter().map(|device| device_row(device, &local, lang)).collect(),
        added,
        may_add: viewer.may(Act::AddDevice),
        add_roles: Act::AddDevice.roles_text(lang),
        error,
        name: name.to_owned(),
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}

fn device_row(device: &Device, local: &LocalTime, lang: Lang) -> DeviceRow {
    let status = device.status();
    let (state, state_word) = match (device.state.as_str(), device.link.as_deref()) {
        ("disabled", _) => ("revoked", lang.revoked()),
        ("pending", _) => ("never", lang.not_enrolled()),
        (_, Some("online")) => ("online", lang.online()),
        (_, Some(_)) => ("offline", lang.offline()),
        (_, None) => ("never", lang.never_seen()),
    };
    let cameras = status.as_ref().map(|status| status.cameras.as_slice()).unwrap_or_default();
    DeviceRow {
        id: device.device_id.clone(),
        title: device.title.clone(),
        state,
        state_word,
        last_seen: device.last_seen_at_ms.map(|at| local.moment(UtcMs(at))),
        cameras_running: cameras.iter().filter(|camera| camera.state == CameraState::Running).count(),
        cameras: cameras.len(),
        motion_only: status
            .as_ref()
            .is_some_and(|status| matches!(status.detector, Some(DetectorHealth::MotionOnly { .. }))),
        models: status
            .iter()
            .flat_map(|status| &status.models)
            .map(|model| words::model(model, lang))
            .collect(),
        outbox: status.as_ref().map_or(0, |status| status.outbox_rows),
        rejected: status.as_ref().map_or(0, |status| status.rejected_rows),
        skew: device.skew_ms.map(skew_text),
        skew_bad: device.skew_ms.is_some_and(|ms| ms.abs() > device::SKEW_FLAG_MS),
        unsynced: device.clock_synced == Some(0),
        speech: status.as_ref().is_some_and(|status| status.speech_model.is_some()),
        troubles: status
            .as_ref()
            .and_then(|status| status.calls.as_ref())
            .map_or(0, |calls| calls.troubles.len()),
        version: status.map(|status| status.version).unwrap_or_default(),
    }
}

/// How far the box's clock is ahead (+) or behind (−) the hub's.
fn skew_text(hub_minus_box_ms: i64) -> String {
    let seconds = -(hub_minus_box_ms as f64) / 1_000.0;
    if seconds.abs() < 0.05 { "0.0 s".to_owned() } else { format!("{seconds:+.1} s").replace('-', "−") }
}

pub(super) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    viewer.must(Act::SeeDevices)?;
    show(&app, &viewer, &id, None, Draft::default()).await
}

/// What was typed and could not be sent.
#[derive(Clone, Copy, Default)]
struct Draft<'a> {
    configuration: &'a str,
    rules: &'a str,
}

async fn show(
    app: &App,
    viewer: &Viewer,
    id: &str,
    error: Option<String>,
    draft: Draft<'_>,
) -> Result<Response, PageError> {
    let frame = shell(app, viewer, Nav::Devices).await?;
    let (local, lang) = (local(app), frame.lang);
    let tenant = app.tenant().as_str();
    let shown = |error: crate::db::Error| PageError::from(error).shown(viewer);
    let Some(device) = device::store::get(&app.db, tenant, &viewer.session.user, id).await.map_err(shown)?
    else {
        return Err(PageError::NotFound.shown(viewer));
    };
    let status = device.status();
    let requests = requests(app, viewer, Some(id)).await?;
    let gaps = device::store::gaps(&app.db, tenant, id).await.map_err(shown)?;
    let quarantined = store::count_quarantined(&app.db, tenant, id).await.map_err(shown)?;
    let (detector, detector_reason) = match status.as_ref().and_then(|status| status.detector.as_ref()) {
        Some(DetectorHealth::Model { name, troubles }) => {
            (name.clone(), words::reason(&troubles.join("; "), lang))
        }
        Some(DetectorHealth::MotionOnly { reason }) => {
            (lang.detector_motion().to_owned(), words::reason(reason, lang))
        }
        None => ("—".to_owned(), String::new()),
    };
    let tests = self_test::newest(&app.db, tenant).await.map_err(shown)?;
    let tested = tests.iter().find(|test| test.device_id == id);
    let number = |value: fn(&Status) -> u64| status.as_ref().map_or(0, value);
    let page = DevicePage {
        row: device_row(&device, &local, lang),
        detector,
        detector_reason,
        speech_model: status
            .as_ref()
            .and_then(|status| status.speech_model.clone())
            .unwrap_or_else(|| lang.speech_none().to_owned()),
        outbox_oldest: age_text(number(|s| s.outbox_oldest_ms) as i64, lang.is_zh()),
        uploads: number(|s| s.uploads_waiting),
        disk: status.as_ref().map_or("—".to_owned(), |status| size_text(status.disk_free_bytes)),
        uptime: age_text(number(|s| s.uptime_ms) as i64, lang.is_zh()),
        active_calls: status.as_ref().map_or(0, |status| status.active_calls),
        calls: status.as_ref().and_then(|status| status.calls.as_ref()).map(call_tap_view),
        missing: gaps.iter().map(device::Gap::missing).sum(),
        quarantined,
        clock_synced: status.as_ref().is_none_or(|status| status.clock_synced),
        self_test: words::self_test(tested, &local, lang),
        configuration_version: match number(|s| s.configuration_version) {
            0 => lang.installer_file().to_owned(),
            version => format!("v{version}"),
        },
        has_status: status.is_some(),
        cameras: status
            .map(|status| status.cameras.iter().map(|camera| camera_view(camera, &local, lang)).collect())
            .unwrap_or_default(),
        requests,
        may_still: viewer.may(Act::RequestStill),
        still_roles: Act::RequestStill.roles_text(lang),
        may_configure: viewer.may(Act::Configure),
        configure_roles: Act::Configure.roles_text(lang),
        error,
        draft: draft.configuration.to_owned(),
        rules_draft: draft.rules.to_owned(),
        shell: &frame,
    };
    Ok(render(&page, viewer)?.into_response())
}

fn call_tap_view(calls: &CallTapHealth) -> CallTapView {
    CallTapView {
        voice_detector: calls.voice_detector.clone(),
        transcripts_waiting: calls.transcripts_waiting,
        filed: calls.calls_filed,
        refused: calls.refused,
        announcements_dropped: calls.announcements_dropped,
        troubles: calls.troubles.clone(),
    }
}

pub(super) fn camera_view(camera: &protocol::CameraHealth, local: &LocalTime, lang: Lang) -> CameraView {
    let (word, class) = match camera.state {
        CameraState::Running => (lang.running(), "ok"),
        CameraState::Connecting => (lang.connecting(), "soon"),
        CameraState::Lost => (lang.lost(), "bad"),
        CameraState::Ended => (lang.source_ended(), "soon"),
    };
    CameraView {
        id: camera.camera_id.to_string(),
        name: camera.name.clone(),
        word,
        class,
        since: local.moment(camera.since),
        fps: format!("{:.1}", camera.frames_per_second),
        dropped: camera.frames_dropped,
        reason: words::reason(
            camera.reason.as_ref().or(camera.notice.as_ref()).map_or("", String::as_str),
            lang,
        ),
    }
}

/// Requests with the pictures they brought, newest first; of one box or of all.
pub(super) async fn requests(
    app: &App,
    viewer: &Viewer,
    device_id: Option<&str>,
) -> Result<Vec<CommandView>, PageError> {
    let tenant = app.tenant().as_str();
    let read = async {
        let limit = if device_id.is_some() { RECENT } else { MOST };
        let rows = command::store::list(&app.db, tenant, &viewer.session.user, device_id, limit).await?;
        let ids: Vec<_> = rows.iter().map(|row| row.command_id.as_str()).collect();
        let files = store::answers_of(&app.db, tenant, &ids).await?;
        Ok::<_, crate::db::Error>((rows, files))
    };
    let (rows, files) = read.await.map_err(|error| PageError::from(error).shown(viewer))?;
    let (local, lang) = (local(app), viewer.preferences.lang);
    let view = |row: &command::CommandRow| {
        let own = files.iter().filter(|file| file.case_id == row.command_id);
        let number = row.case_number.as_deref();
        let pictures = with_copies(own.map(|file| words::evidence(file, number, &local, lang)).collect());
        words::request(row, pictures, &local, lang)
    };
    Ok(rows.iter().map(view).collect())
}

pub(super) async fn add(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    sent: SafeForm,
) -> Result<Response, PageError> {
    let viewer = &sent.viewer;
    viewer.must(Act::AddDevice)?;
    let name = sent.fields.get("name").trim();
    let device: DeviceId = match name.parse() {
        Ok(device) => device,
        Err(_) => {
            let why = viewer.preferences.lang.device_name_hint().to_owned();
            let page = show_list(&app, viewer, None, Some(why), name).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let shown = |error: crate::db::Error| PageError::from(error).shown(viewer);
    let known = device::store::area(&app.db, app.tenant().as_str(), device.as_str()).await.map_err(shown)?;
    if let Some(area) = &known {
        viewer.must_at(Act::AddDevice, area)?;
    }
    let code = enrol::add(&app, app.tenant(), &device, name)
        .await
        .map_err(|error| PageError::Internal(error.to_string()).shown(viewer))?;
    // Who sets up boxes of one area sets them up there.
    let own = viewer.session.grants.iter().filter(|grant| grant.role.may(Act::AddDevice));
    if let (None, Some(grant)) = (known, own.min_by_key(|grant| grant.area.as_str().len())) {
        let origin = Origin { tenant: app.tenant().clone(), device: device.clone() };
        let mut tx = app.db.begin().await.map_err(shown)?;
        device::store::set_area(&mut tx, &origin, grant.area.as_str()).await.map_err(shown)?;
        tx.commit().await.map_err(shown)?;
    }
    let hub = public_url(&called_as(&uri, &headers), app.config.http.listen.port());
    let added = AddedDevice {
        name: device.to_string(),
        command_line: format!("edge-agent enrol --hub {hub} --code {code}"),
        qr_svg: qr(&format!("{hub}#{code}")),
        code,
    };
    // The code is told only in this answer: no redirect.
    show_list(&app, viewer, Some(added), None, "").await
}

/// Where boxes reach this hub: the name under which this browser did, on the HTTPS port.
fn public_url(host: &str, port: u16) -> String {
    // An IPv6 address needs its brackets in front of a port.
    if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") }
}

pub(super) fn qr(text: &str) -> String {
    let Ok(code) = qrcode::QrCode::new(text.as_bytes()) else { return String::new() };
    let svg =
        code.render::<qrcode::render::svg::Color<'_>>().quiet_zone(false).min_dimensions(132, 132).build();
    // Only the drawing: an XML declaration has no place inside a page.
    svg.find("<svg").map_or(String::new(), |at| svg[at..].to_owned())
}

pub(super) async fn command(
    State(app): State<App>,
    Path(id): Path<String>,
    sent: SafeForm,
) -> Result<Response, PageError> {
    let viewer = &sent.viewer;
    let lang = viewer.preferences.lang;
    let field = |name: &str| sent.fields.get(name).trim();
    let unreadable = || PageError::Input(lang.input_unreadable().to_owned()).shown(viewer);
    let (act, body) = match field("command") {
        "still" => (
            Act::RequestStill,
            CommandBody::Still { camera_id: field("camera_id").parse().map_err(|_| unreadable())? },
        ),
        "clip" => {
            let from = local(&app).parse(field("from")).ok_or_else(unreadable)?;
            let seconds: i64 = field("seconds").parse().map_err(|_| unreadable())?;
            let camera_id = field("camera_id").parse().map_err(|_| unreadable())?;
            let to = from.plus_ms(seconds.clamp(1, MAX_CLIP_MS / 1_000) * 1_000);
            (Act::RequestStill, CommandBody::Clip { camera_id, from, to })
        }
        "recording" => (
            Act::Recording,
            CommandBody::Recording { call_id: field("call_id").parse().map_err(|_| unreadable())? },
        ),
        "replay" => {
            let camera_id = field("camera_id").parse().map_err(|_| unreadable())?;
            let toml = sent.fields.get("toml").replace("\r\n", "\n");
            (Act::Configure, CommandBody::Replay { camera_id, toml, last_s: None })
        }
        "configuration" => {
            let version = u64::try_from(app.clock.now().0).unwrap_or(1);
            let toml = sent.fields.get("toml").replace("\r\n", "\n");
            (Act::Configure, CommandBody::Configuration { version, toml, based_on: None })
        }
        _ => return Err(unreadable()),
    };
    viewer.must(act)?;
    let area = device::store::area(&app.db, app.tenant().as_str(), &id).await;
    if let Some(area) = area.map_err(|error| PageError::from(error).shown(viewer))? {
        viewer.must_at(act, &area)?;
    }
    let device: DeviceId = id.parse().map_err(|_| PageError::NotFound.shown(viewer))?;
    let new = NewCommand {
        origin: Origin { tenant: app.tenant().clone(), device },
        body,
        purpose: field("purpose").to_owned(),
        issued_by: viewer.session.user.clone(),
        // The case whose page it was asked on; a recording knows its own.
        case_number: Some(field("case_number")).filter(|number| !number.is_empty()).map(str::to_owned),
        life_ms: command::DEFAULT_LIFE_MS,
    };
    let sees = command::is_of_visible_case(&app, &new).await;
    if !sees.map_err(|error| PageError::from(error).shown(viewer))? {
        return Err(PageError::NotFound.shown(viewer));
    }
    let why = match app.commands.create(new).await {
        Ok(_) => return Ok(sent.done(&format!("/devices/{id}"))),
        Err(CommandError::Purpose) => lang.purpose_missing().to_owned(),
        Err(CommandError::Db(error)) => return Err(PageError::from(error).shown(viewer)),
        Err(CommandError::Device(_) | CommandError::Case(_)) => {
            return Err(PageError::NotFound.shown(viewer));
        }
        Err(error @ CommandError::TooLarge { .. }) => error.to_string(),
    };
    let typed = sent.fields.get("toml");
    let draft = match field("command") {
        "replay" => Draft { rules: typed, ..Draft::default() },
        _ => Draft { configuration: typed, ..Draft::default() },
    };
    let page = show(&app, viewer, &id, Some(why), draft).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box that is ahead of the hub shows +, one behind −.
    #[test]
    fn skew_has_the_boxs_sign() {
        assert_eq!(skew_text(-12_400), "+12.4 s");
        assert_eq!(skew_text(3_600_000), "−3600.0 s");
        assert_eq!(skew_text(20), "0.0 s");
    }

    /// The code is drawn, and as markup that may stand in a page.
    #[test]
    fn qr_codes_are_drawn() {
        let svg = qr("https://192.0.2.7:8443#k3f9.0a1b2c3d4e5f60718293");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.len() > 500);
    }
}
