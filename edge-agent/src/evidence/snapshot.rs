//! One masked picture as JPEG: of an incident, or of now.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::{Clock, EvidenceKind, NormBox, Severity, UtcMs};
use serde::{Deserialize, Serialize};

use super::draw;
use super::file::{Facts, Folder};
use super::mask::Mask;
use super::spool::Plan;
use crate::camera::{CameraView, Polygon, Unit, decodable, decode_one, nearest};
use crate::frame::{Frame, Picture};
use crate::report::EvidenceFile;

/// Widest snapshot in pixels.
const MAX_WIDTH: usize = 1920;

/// Most units decoded for one full-size picture; with longer groups the analysed picture must do.
const MAX_UNITS: usize = 300;

/// So often, and so long each time, a picture is waited for that has not come yet.
const MOST_LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(25);

/// A still older than this is no current picture.
const CURRENT_MS: i64 = 10_000;

/// What the snapshot points at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    pub region: NormBox,
    pub severity: Severity,
}

/// The picture of `frame` at full size where the ring still has it, masked, with the box drawn. Where another stream is
/// analysed than the one kept, the picture of that one nearest in time. Blocks.
pub(super) fn snapshot(
    folder: &Folder,
    camera: &CameraView,
    frame: &Frame,
    drawn: Option<Drawn>,
) -> Result<EvidenceFile> {
    wait_for(camera, frame.captured_at);
    let kept = camera.ring().around(frame.captured_at);
    let full = kept.and_then(|(at_us, units)| Some((full_size(camera, &units, at_us)?, at_us)));
    let (picture, at) = match full {
        Some((picture, at_us)) => (picture, UtcMs(at_us.div_euclid(1_000))),
        None => (frame.picture.as_ref().clone(), frame.captured_at),
    };
    burn(folder, picture, &camera.config().masks, drawn, at)
}

/// One stream of a camera may come a little after the other.
fn wait_for(camera: &CameraView, at: UtcMs) {
    for _ in 0..MOST_LOOKS {
        if camera.ring().newest_us().is_none_or(|newest| newest >= at.0 * 1_000) || camera.has_ended() {
            return;
        }
        std::thread::sleep(LOOK);
    }
}

/// As [`snapshot`], of units that were kept over a crash. Blocks.
pub(super) fn recovered(folder: &Folder, units: &[Unit], plan: &Plan) -> Result<EvidenceFile> {
    let at = plan.frame_at;
    let shown = nearest(units, at).with_context(|| format!("the picture of {at} was not kept"))?;
    let needed = decodable(units, shown).context("no keyframe was kept")?;
    let at_us = units[shown].captured_us;
    let picture = decode_one(needed, at_us, MAX_WIDTH)?;
    let picture = picture.with_context(|| format!("the picture of {at} cannot be decoded"))?;
    burn(folder, picture, &plan.masks, plan.drawn, UtcMs(at_us.div_euclid(1_000)))
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
    let masks = &camera.config().masks;
    mask(masks, &mut picture);
    keep(folder, !masks.is_empty(), &picture, EvidenceKind::Still, at)
}

/// Masks first, so that no box is hidden by one and nothing is written before.
fn burn(
    folder: &Folder,
    mut picture: Picture,
    masks: &[Polygon],
    drawn: Option<Drawn>,
    at: UtcMs,
) -> Result<EvidenceFile> {
    mask(masks, &mut picture);
    if let Some(Drawn { region, severity }) = drawn {
        draw::frame(&mut picture, &region, severity);
    }
    keep(folder, !masks.is_empty(), &picture, EvidenceKind::Snapshot, at)
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

fn mask(masks: &[Polygon], picture: &mut Picture) {
    if !masks.is_empty() {
        Mask::new(masks, picture.width, picture.height).burn(picture);
    }
}

fn keep(
    folder: &Folder,
    masked: bool,
    picture: &Picture,
    kind: EvidenceKind,
    at: UtcMs,
) -> Result<EvidenceFile> {
    folder.keep_bytes(&draw::jpeg(picture)?, &Facts { kind, starts_at: at, duration_ms: None, masked })
}
