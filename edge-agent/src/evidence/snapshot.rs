//! One masked picture as JPEG: of an incident, or of now.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::{Clock, EvidenceKind, NormBox, Severity, UtcMs};
use serde::{Deserialize, Serialize};

use super::draw;
use super::file::{Facts, Folder};
use super::hide::Hidden;
use super::spool::{Gathered, Plan};
use crate::camera::{CameraView, Unit, decodable, decode_one, nearest};
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

/// A picture as JPEG, ready to be written.
pub(super) struct Developed {
    jpeg: Vec<u8>,
    facts: Facts,
}

impl Developed {
    pub(super) fn keep(&self, folder: &Folder) -> Result<EvidenceFile> {
        folder.keep_bytes(&self.jpeg, &self.facts)
    }
}

/// The picture of `frame` at full size where the ring still has it, covered, with the box drawn. Where another stream
/// is analysed than the one kept, the picture of that one nearest in time. Blocks.
pub(super) fn snapshot(camera: &CameraView, frame: &Frame, drawn: Option<Drawn>) -> Result<Developed> {
    let (picture, at) = at_its_best(camera, frame);
    develop(picture, &hidden(camera, at), drawn, EvidenceKind::Snapshot, at)
}

/// The picture of `frame` from the camera's own units, or as it was analysed.
fn at_its_best(camera: &CameraView, frame: &Frame) -> (Picture, UtcMs) {
    wait_for(camera, frame.captured_at);
    let kept = camera.ring().around(frame.captured_at);
    match kept.and_then(|(at_us, units)| Some((full_size(camera, &units, at_us)?, at_us))) {
        Some((picture, at_us)) => (picture, UtcMs(at_us.div_euclid(1_000))),
        None => (frame.picture.as_ref().clone(), frame.captured_at),
    }
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
pub(super) fn recovered(gathered: Gathered, plan: &Plan) -> Result<Developed> {
    let (at, units) = (plan.frame_at, &gathered.units);
    let shown = nearest(units, at).with_context(|| format!("the picture of {at} was not kept"))?;
    let needed = decodable(units, shown).context("no keyframe was kept")?;
    let at_us = units[shown].captured_us;
    let picture = decode_one(needed, at_us, MAX_WIDTH)?;
    let picture = picture.with_context(|| format!("the picture of {at} cannot be decoded"))?;
    let at = UtcMs(at_us.div_euclid(1_000));
    develop(picture, &plan.hidden(gathered.sights), plan.drawn, EvidenceKind::Snapshot, at)
}

/// The newest picture, covered. Blocks.
pub(super) fn still(camera: &CameraView, clock: &dyn Clock) -> Result<Developed> {
    let (picture, at) = newest(camera)?;
    if clock.now().since_ms(at) > CURRENT_MS {
        bail!("{} has shown no picture since {at}", name(camera));
    }
    develop(picture, &hidden(camera, at), None, EvidenceKind::Still, at)
}

fn newest(camera: &CameraView) -> Result<(Picture, UtcMs)> {
    let analysed = || {
        let frame = camera.last_frame();
        frame.with_context(|| format!("{} has shown no picture yet", name(camera)))
    };
    if camera.config().blur_people {
        let frame = analysed()?;
        // The picture of which is known where people are: the last one may still be at the detector.
        let known = camera.people().newest().filter(|at| *at != frame.captured_at);
        let kept = known.and_then(|at| camera.ring().around(at));
        if let Some((at_us, units)) = kept
            && let Some(picture) = full_size(camera, &units, at_us)
        {
            return Ok((picture, UtcMs(at_us.div_euclid(1_000))));
        }
        return Ok(at_its_best(camera, &frame));
    }
    let units = camera.ring().last_group();
    let newest = units.iter().map(|u| u.captured_us).max();
    match newest.and_then(|at_us| Some((full_size(camera, &units, at_us)?, at_us.div_euclid(1_000)))) {
        Some((picture, at_ms)) => Ok((picture, UtcMs(at_ms))),
        None => analysed().map(|frame| (frame.picture.as_ref().clone(), frame.captured_at)),
    }
}

/// What is to be hidden goes first, so that no box is hidden by it and nothing is written before.
fn develop(
    mut picture: Picture,
    hidden: &Hidden,
    drawn: Option<Drawn>,
    kind: EvidenceKind,
    at: UtcMs,
) -> Result<Developed> {
    hidden.burn(&mut picture, at);
    if let Some(Drawn { region, severity }) = drawn {
        draw::frame(&mut picture, &region, severity);
    }
    let facts = Facts {
        kind,
        starts_at: at,
        duration_ms: None,
        masked: hidden.has_masks(),
        blurred: hidden.blurs(),
        footage: None,
    };
    Ok(Developed { jpeg: draw::jpeg(&picture)?, facts })
}

/// What is to be hidden in a picture of that moment.
fn hidden(camera: &CameraView, at: UtcMs) -> Hidden {
    /// Sights so far back still count.
    const EARLIER_MS: i64 = 10_000;
    let people = || camera.people().after(at.plus_ms(-EARLIER_MS));
    let config = camera.config();
    Hidden { masks: config.masks.clone(), people: config.blur_people.then(people) }
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
