//! One masked picture as JPEG: of an incident, or of now.

use anyhow::{Context, Result, bail};
use protocol::{Clock, EvidenceKind, NormBox, Severity, UtcMs};

use super::draw;
use super::file::{Facts, Folder};
use super::mask::Mask;
use crate::camera::{CameraView, Unit, decode_one};
use crate::frame::{Frame, Picture};
use crate::report::EvidenceFile;

/// Widest snapshot in pixels.
const MAX_WIDTH: usize = 1920;

/// Most units decoded for one full-size picture; with longer groups the analysed picture must do.
const MAX_UNITS: usize = 300;

/// A still older than this is no current picture.
const CURRENT_MS: i64 = 10_000;

/// What the snapshot points at.
#[derive(Clone, Copy, Debug)]
pub struct Drawn {
    pub region: NormBox,
    pub severity: Severity,
}

/// The picture of `frame` at full size where the ring still has it, masked, with the box drawn. Blocks.
pub(super) fn snapshot(
    folder: &Folder,
    camera: &CameraView,
    frame: &Frame,
    drawn: Option<Drawn>,
) -> Result<EvidenceFile> {
    let units = camera.ring().around(frame.captured_at);
    let wanted = units.iter().find(|u| u.captured_at() == frame.captured_at).map(|u| u.captured_us);
    let full = wanted.and_then(|at_us| full_size(camera, &units, at_us));
    let mut picture = full.unwrap_or_else(|| frame.picture.as_ref().clone());
    mask(camera, &mut picture);
    if let Some(Drawn { region, severity }) = drawn {
        draw::frame(&mut picture, &region, severity);
    }
    keep(folder, camera, &picture, EvidenceKind::Snapshot, frame.captured_at)
}

/// The newest picture, masked. Blocks.
pub(super) fn still(folder: &Folder, camera: &CameraView, clock: &dyn Clock) -> Result<EvidenceFile> {
    let units = camera.ring().last_group();
    let newest = units.iter().map(|u| u.captured_us).max();
    let full = newest.and_then(|at_us| Some((full_size(camera, &units, at_us)?, at_us.div_euclid(1_000))));
    let (mut picture, at) = match full {
        Some((picture, at_ms)) => (picture, UtcMs(at_ms)),
        None => {
            let frame = camera.last_frame();
            let frame = frame.with_context(|| format!("{} has shown no picture yet", name(camera)))?;
            (frame.picture.as_ref().clone(), frame.captured_at)
        }
    };
    if clock.now().since_ms(at) > CURRENT_MS {
        bail!("{} has shown no picture since {at}", name(camera));
    }
    mask(camera, &mut picture);
    keep(folder, camera, &picture, EvidenceKind::Still, at)
}

fn name(camera: &CameraView) -> &str {
    camera.config().display_name()
}

fn full_size(camera: &CameraView, units: &[Unit], at_us: i64) -> Option<Picture> {
    if units.len() > MAX_UNITS {
        tracing::debug!(camera = %camera.config().id, "keyframes too far apart for a full-size picture");
        return None;
    }
    decode_one(units, at_us, MAX_WIDTH).unwrap_or_else(|error| {
        tracing::warn!(camera = %camera.config().id, "full-size picture: {error:#}; the analysed one is used");
        None
    })
}

fn mask(camera: &CameraView, picture: &mut Picture) {
    let masks = &camera.config().masks;
    if !masks.is_empty() {
        Mask::new(masks, picture.width, picture.height).burn(picture);
    }
}

fn keep(
    folder: &Folder,
    camera: &CameraView,
    picture: &Picture,
    kind: EvidenceKind,
    at: UtcMs,
) -> Result<EvidenceFile> {
    let masked = !camera.config().masks.is_empty();
    folder.keep_bytes(&draw::jpeg(picture)?, &Facts { kind, starts_at: at, duration_ms: None, masked })
}
