//! The task that records one camera all the time, and the clip that the hub asks for of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use protocol::{Cut, MAX_CLIP_MS, UtcMs};
use tokio::task::spawn_blocking;

use super::archive::{self, Covering, Writer};
use super::clip;
use super::file::Folder;
use super::footage::Asked;
use super::hide::Hidden;
use super::people::Sight;
use crate::camera::{CameraView, Unit};
use crate::outbox::free_bytes;
use crate::report::EvidenceFile;

/// How often what came is written down. The ring holds much longer.
const EVERY: Duration = Duration::from_secs(1);

/// Records until the camera has ended. What cannot be written is missing; nothing else suffers.
pub(super) async fn run(camera: CameraView, folder: PathBuf, leave_free_bytes: u64) {
    let mut writer = Writer::new(&folder, camera.config().id.clone(), covering_now(&camera));
    let blurs = camera.config().blur_people;
    let (mut position, mut seen, mut refused) = (0, UtcMs(0), false);
    loop {
        let ended = camera.has_ended();
        let (next, units) = camera.ring().since(position);
        position = next;
        let sights = if blurs { camera.people().after(seen) } else { Vec::new() };
        seen = sights.last().map_or(seen, |sight| sight.at);
        let has_room = free_bytes(&folder).is_none_or(|free| free >= leave_free_bytes);
        let work = spawn_blocking(move || {
            let done = step(&mut writer, units, &sights, has_room, ended);
            (writer, done)
        });
        let Ok((back, done)) = work.await else { return };
        writer = back;
        // Once is enough while it lasts.
        if let (Err(error), false) = (&done, refused) {
            tracing::warn!(camera = %camera.config().id, %error, "a recording has a hole");
        }
        refused = done.is_err();
        if ended {
            return;
        }
        tokio::time::sleep(EVERY).await;
    }
}

fn step(
    writer: &mut Writer,
    units: Vec<Unit>,
    sights: &[Sight],
    has_room: bool,
    ended: bool,
) -> std::io::Result<()> {
    writer.note(sights);
    if !has_room {
        writer.give_up();
        return Err(std::io::Error::other("the disk is down to its reserve"));
    }
    let done = writer.take(units).and_then(|_| if ended { writer.finish() } else { Ok(()) });
    done.inspect_err(|_| writer.give_up())
}

fn covering_now(camera: &CameraView) -> Covering {
    let config = camera.config();
    Covering { masks: config.masks.clone(), blur_people: config.blur_people }
}

/// Whether anything is to be hidden of a stretch, as it was filmed or now. Blocks.
pub(super) fn is_covered(recording: Option<&Path>, camera: &CameraView, from: UtcMs, until: UtcMs) -> bool {
    let then = |folder| archive::covering(folder, &camera.config().id, from, until);
    !covering_now(camera).is_nothing() || !recording.map(then).unwrap_or_default().is_nothing()
}

/// A stretch of what was recorded, or is still in memory, covered like every clip: masks that were there when it was
/// filmed, and those of today. People are blurred if they were to be then or are now; what was filmed without knowing
/// where they are is covered whole. Blocks.
pub(super) fn export(
    evidence: &Folder,
    recording: Option<&Path>,
    camera: &CameraView,
    from: UtcMs,
    until: UtcMs,
) -> Result<EvidenceFile> {
    let config = camera.config();
    let name = config.display_name();
    let length_ms = until.since_ms(from);
    if !(1..=MAX_CLIP_MS).contains(&length_ms) {
        bail!("a clip is up to {} s long, and ends after it begins", MAX_CLIP_MS / 1_000);
    }
    let recorded = recording.map(|folder| archive::read(folder, &config.id, from, until));
    let archive::Recorded { gathered: mut found, mut covering, truncated } = recorded.unwrap_or_default();
    covering.add(covering_now(camera));
    if !truncated {
        // What came last is not on disk yet.
        let newest = found.units.iter().map(|u| u.captured_us).max().unwrap_or(i64::MIN);
        let hold = camera.ring().hold(from);
        let fresh = hold.iter().flat_map(|hold| hold.units()).filter(|u| u.captured_us > newest);
        found.units.extend(fresh.filter(|u| u.captured_at() <= until));
    }
    if !found.units.iter().any(|u| u.captured_at() >= from) {
        let advice = if config.record { "" } else { "; it records only with record = true" };
        bail!("{name} has no video from {from} to {until}{advice}");
    }
    if config.blur_people {
        let known = found.sights.last().map_or(UtcMs(0), |sight| sight.at);
        found.sights.extend(camera.people().after(known));
    }
    let hidden = Hidden { people: covering.blur_people.then_some(found.sights), masks: covering.masks };
    let cut = truncated.then_some(Cut::Bytes);
    clip::write(evidence, &found.units, from, Asked { from, until, cut }, &hidden).context("making a clip")
}
