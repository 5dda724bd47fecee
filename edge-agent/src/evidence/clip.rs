//! A clip: units as an MP4. As recorded where nothing is to be hidden; decoded, covered and encoded again where
//! something is.

use anyhow::{Result, bail};
use protocol::{EvidenceKind, UtcMs};

use super::file::{Facts, Folder};
use super::footage::{Asked, footage};
use super::hide::Hidden;
use super::timing::times;
use super::video;
use crate::camera::Unit;
use crate::report::EvidenceFile;

/// Writes the units of the moment `at` up to the end of what is asked as evidence. Blocks; run it where blocking is
/// allowed.
pub(super) fn write(
    folder: &Folder,
    all: &[Unit],
    at: UtcMs,
    asked: Asked,
    hidden: &Hidden,
) -> Result<EvidenceFile> {
    let units = cut(all, at, asked.until);
    let Some(first) = units.first() else { bail!("there is no video of {at}") };
    let presented: Vec<i64> = units.iter().map(|u| u.captured_us).collect();
    let timed: Vec<video::Timed<'_>> = units.iter().copied().zip(times(&presented)).collect();
    let part = folder.part();
    let mut footage = footage(all, &units, asked);
    if hidden.is_nothing() {
        video::remux(&timed, part.path())?;
    } else {
        video::remake(&timed, hidden, part.path())?;
        footage.codec = protocol::VideoCodec::H264;
    }
    // From the first picture shown, which is the first decoded, until the last has had its time.
    let duration_us = timed.last().map_or(0, |(_, t)| t.dts_us + t.duration_us)
        - timed.first().map_or(0, |(_, t)| t.pts_us);
    folder.keep(
        &part,
        &Facts {
            kind: EvidenceKind::Clip,
            starts_at: first.captured_at(),
            duration_ms: u64::try_from(duration_us / 1_000).ok(),
            masked: hidden.has_masks(),
            blurred: hidden.blurs(),
            footage: Some(footage),
        },
    )
}

/// The units that make one file: the run of one format that shows `at` (else the longest), up to `until`,
/// without pictures that precede their first keyframe.
fn cut(units: &[Unit], at: UtcMs, until: UtcMs) -> Vec<&Unit> {
    let runs = units.chunk_by(|a, b| a.format == b.format);
    let span = |run: &[Unit]| run.iter().map(|u| u.captured_us).max().unwrap_or(0) - run[0].captured_us;
    // In whole milliseconds, as `at` is: the very first unit counts too.
    let shows = |run: &[Unit]| {
        let last = run.iter().map(Unit::captured_at).max();
        last.is_some_and(|last| (run[0].captured_at()..=last).contains(&at))
    };
    let Some(run) = runs.max_by_key(|run| (shows(run), span(run))) else { return Vec::new() };
    let start = run[0].captured_us;
    let until_us = until.0.saturating_mul(1_000);
    run.iter().filter(|u| u.captured_us >= start).take_while(|u| u.captured_us <= until_us).collect()
}
