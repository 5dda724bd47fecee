//! A viewing copy: an H.265 clip once more in H.264, for browsers that cannot play the original. The original stays as
//! the camera sent it; the copy names it by its SHA-256.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use protocol::{EvidenceKind, Footage, VideoCodec};

use super::file::{Facts, Folder};
use super::hide::Hidden;
use super::timing::times;
use super::video;
use crate::camera::{self, Codec, Disposed, Format, Unit};
use crate::report::EvidenceFile;

/// A file that is read is waited for so long each time, and so often while nothing comes of it.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(100);
const MOST_LOOKS: u32 = 100;

/// Blocks; run it where blocking is allowed.
pub(super) fn write(folder: &Folder, original: &EvidenceFile) -> Result<EvidenceFile> {
    let units = read(&original.path).with_context(|| format!("reading {}", original.path.display()))?;
    let presented: Vec<i64> = units.iter().map(|u| u.captured_us).collect();
    let timed: Vec<video::Timed<'_>> = units.iter().zip(times(&presented)).collect();
    ensure!(!timed.is_empty(), "there is no video in {}", original.path.display());
    let part = folder.part();
    // What is to be hidden was hidden when the original was made.
    video::remake(&timed, &Hidden::default(), part.path())?;
    let of = &original.evidence;
    let footage = of.footage.clone().map(|footage| Footage {
        codec: VideoCodec::H264,
        copy_of: Some(of.sha256.clone()),
        ..footage
    });
    folder.keep(
        &part,
        &Facts {
            kind: EvidenceKind::Clip,
            starts_at: of.starts_at,
            duration_ms: of.duration_ms,
            masked: of.masked,
            blurred: of.blurred,
            footage,
        },
    )
}

/// The units of an MP4 in H.265, in decoding order, timed from its start.
fn read(path: &Path) -> Result<Vec<Unit>> {
    let pipeline = gst::Pipeline::new();
    let source = camera::element("filesrc")?;
    source.set_property("location", path.to_str().context("its name is not UTF-8")?);
    let demuxer = camera::element("qtdemux")?;
    let parser = camera::element(Codec::H265.parser())?;
    let filter = camera::capsfilter(&Codec::H265.ring_caps())?;
    let sink = gst_app::AppSink::builder().sync(false).build();
    pipeline.add_many([&source, &demuxer, &parser, &filter, sink.upcast_ref()]).context("adding elements")?;
    source.link(&demuxer).context("linking the file")?;
    gst::Element::link_many([&parser, &filter, sink.upcast_ref()]).context("linking the parser")?;
    let entry = parser.static_pad("sink").context("a parser has a sink pad")?.downgrade();
    demuxer.connect_pad_added(move |_, pad| {
        if let Some(entry) = entry.upgrade()
            && !entry.is_linked()
        {
            // One that does not fit fails the pipeline with its own words.
            let _ = pad.link(&entry);
        }
    });
    let pipeline = Disposed(pipeline);
    pipeline.0.set_state(gst::State::Playing).context("starting to read")?;
    let (mut units, mut format): (Vec<Unit>, Option<Arc<Format>>) = (Vec::new(), None);
    let bus = pipeline.0.bus().context("a pipeline has a bus")?;
    let mut empty = 0;
    loop {
        // Never without an end: whoever reads holds the only turn to encode.
        let Some(sample) = sink.try_pull_sample(LOOK) else {
            // In this order: what fails says so first, and then ends.
            let ended = sink.is_eos();
            let said = bus.pop_filtered(&[gst::MessageType::Error]);
            if let Some(problem) = said.and_then(|said| camera::error_text(&said)) {
                bail!(problem);
            }
            if ended {
                return Ok(units);
            }
            empty += 1;
            ensure!(empty < MOST_LOOKS, "nothing has come of it for too long");
            continue;
        };
        empty = 0;
        let (buffer, caps) = (sample.buffer().context("no data")?, sample.caps().context("no caps")?);
        let known = format.take().filter(|known| known.caps.as_ref() == caps);
        let format = format.insert(match known {
            Some(known) => known,
            None => Arc::new(Format::from_caps(caps).context("a stream without size")?),
        });
        let Some(pts) = buffer.pts() else { continue };
        units.push(Unit {
            captured_us: pts.useconds() as i64,
            keyframe: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            after_gap: false,
            data: Bytes::copy_from_slice(&buffer.map_readable().context("reading a unit")?),
            format: format.clone(),
        });
    }
}
