//! What was asked of boxes, and what could not be read.

use axum::extract::{Path, State};
use axum::response::Html;
use protocol::UtcMs;

use super::error::PageError;
use super::guard::{Fields, Viewer};
use super::moment::size_text;
use super::shell::{local, render, shell};
use super::view::{CommandsPage, Nav, QuarantineItemPage, QuarantinePage, QuarantineView};
use super::{devices, store};
use crate::app::App;
use crate::intake::{self, Quarantined};
use crate::user::Act;

/// Rows of the page.
const MOST: i64 = 200;

/// Bytes shown of a quarantined message; the whole is in the database and the API.
const SHOWN_BYTES: usize = 4_096;

pub(super) async fn commands(State(app): State<App>, viewer: Viewer) -> Result<Html<String>, PageError> {
    viewer.must(Act::SeeDevices)?;
    let frame = shell(&app, &viewer, Nav::Commands).await?;
    let requests = devices::requests(&app, &viewer, None).await?;
    let cut = requests.len() as i64 == devices::MOST;
    render(&CommandsPage { shell: &frame, requests, cut }, &viewer)
}

fn view(row: &Quarantined, app: &App) -> QuarantineView {
    QuarantineView {
        id: row.quarantine_id.clone(),
        device_id: row.device_id.clone().unwrap_or_else(|| "—".to_owned()),
        topic: row.topic.clone(),
        reason: row.reason.clone(),
        received: local(app).moment(UtcMs(row.received_at_ms)),
        size: size_text(u64::try_from(row.size_bytes).unwrap_or(0)),
    }
}

/// All of it, or one box's: `?device=`.
pub(super) async fn quarantine(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::SeeQuarantine)?;
    let frame = shell(&app, &viewer, Nav::Quarantine).await?;
    let (tenant, device) = (app.tenant().as_str(), fields.get("device"));
    let rows = match device {
        "" => intake::store::quarantined(&app.db, tenant, &viewer.session.user, MOST).await,
        device => store::quarantined_of(&app.db, tenant, &viewer.session.user, device, MOST).await,
    }
    .map_err(|error| PageError::from(error).shown(&viewer))?;
    let page = QuarantinePage {
        rows: rows.iter().map(|row| view(row, &app)).collect(),
        device: device.to_owned(),
        cut: rows.len() as i64 == MOST,
        shell: &frame,
    };
    render(&page, &viewer)
}

pub(super) async fn quarantined(
    State(app): State<App>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Result<Html<String>, PageError> {
    viewer.must(Act::SeeQuarantine)?;
    let frame = shell(&app, &viewer, Nav::Quarantine).await?;
    let found = intake::store::quarantined_one(&app.db, app.tenant().as_str(), &viewer.session.user, &id)
        .await
        .map_err(|error| PageError::from(error).shown(&viewer))?;
    let Some((row, content)) = found else { return Err(PageError::NotFound.shown(&viewer)) };
    let shown = &content[..content.len().min(SHOWN_BYTES)];
    let page = QuarantineItemPage {
        row: view(&row, &app),
        text: String::from_utf8_lossy(shown).into_owned(),
        hex: hex_lines(shown),
        cut: shown.len() < content.len(),
        shell: &frame,
    };
    render(&page, &viewer)
}

/// `00000010  7b 22 73 …  {"s…`
fn hex_lines(bytes: &[u8]) -> Vec<String> {
    let line = |(index, part): (usize, &[u8])| {
        let hex: Vec<_> = part.iter().map(|b| format!("{b:02x}")).collect();
        let text: String =
            part.iter().map(|b| if (0x20..0x7f).contains(b) { char::from(*b) } else { '.' }).collect();
        format!("{:08x}  {:<47}  {text}", index * 16, hex.join(" "))
    };
    bytes.chunks(16).enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_as_lines() {
        let lines = hex_lines(b"{\"a\":1}\x00\xff0123456789");
        assert_eq!(lines[0], "00000000  7b 22 61 22 3a 31 7d 00 ff 30 31 32 33 34 35 36  {\"a\":1}..0123456");
        assert_eq!(lines[1].trim_end(), "00000010  37 38 39                                         789");
    }
}
