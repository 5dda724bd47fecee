//! A clip as encoded units in memory, ready to be played to RTSP clients again and again.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;

/// What a simulated camera sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    H264,
    H265,
}

impl FromStr for Codec {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "h264" => Ok(Self::H264),
            "h265" => Ok(Self::H265),
            other => bail!("codec {other:?} is not h264 or h265"),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
        })
    }
}

/// One access unit, in the order of decoding.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) data: gst::Buffer,
    /// When it is sent, from the start of the clip.
    pub(super) send_at: gst::ClockTime,
    pub(super) pts: gst::ClockTime,
}

/// All units of a clip. Files of another codec are encoded once, while loading.
#[derive(Debug)]
pub struct Clip {
    pub codec: Codec,
    pub(super) caps: gst::Caps,
    pub(super) units: Vec<Unit>,
    pub(super) length: gst::ClockTime,
}

impl Clip {
    /// What the camera sends, unit by unit: NAL units behind start codes.
    pub fn bytes(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        self.units.iter().filter_map(|unit| Some(unit.data.map_readable().ok()?.to_vec()))
    }

    /// The same stream from a camera whose encoder is broken: every unit comes in its time, with its parameter sets,
    /// and no coded slice in it makes sense.
    pub fn broken(&self) -> Self {
        let units = self.units.iter().map(|unit| {
            let mut bytes = unit.data.map_readable().map(|map| map.to_vec()).unwrap_or_default();
            let starts: Vec<usize> = (3..bytes.len()).filter(|i| bytes[i - 3..*i] == [0, 0, 1]).collect();
            for (n, start) in starts.iter().enumerate() {
                // H.264's coded slices: their head stays, so that they still are slices.
                let end = starts.get(n + 1).map_or(bytes.len(), |next| next - 3);
                if (1..=5).contains(&(bytes[*start] & 0x1f)) {
                    bytes[start + 1..end].fill(0xff);
                }
            }
            let mut data = gst::Buffer::from_mut_slice(bytes);
            if let Some(fresh) = data.get_mut() {
                fresh.set_flags(unit.data.flags());
            }
            Unit { data, ..unit.clone() }
        });
        Self { codec: self.codec, caps: self.caps.clone(), units: units.collect(), length: self.length }
    }

    pub fn load(path: &Path, codec: Codec) -> Result<Self> {
        gst::init().context("starting GStreamer")?;
        ensure!(path.is_file(), "no clip at {}", path.display());
        let kept = format!(
            "filesrc name=file ! qtdemux ! {codec}parse config-interval=-1 ! \
             video/x-{codec},stream-format=byte-stream,alignment=au ! appsink name=out sync=false max-buffers=32"
        );
        let encoder = match codec {
            Codec::H264 if gst::ElementFactory::find("x264enc").is_some() => {
                "x264enc speed-preset=veryfast bitrate=2500 key-int-max=25 bframes=0"
            }
            Codec::H264 => "openh264enc bitrate=2500000 gop-size=25",
            Codec::H265 => {
                "x265enc speed-preset=ultrafast bitrate=2500 key-int-max=25 option-string=bframes=0"
            }
        };
        let encoded = format!(
            "filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=I420 ! {encoder} ! {codec}parse config-interval=-1 ! \
             video/x-{codec},stream-format=byte-stream,alignment=au ! appsink name=out sync=false max-buffers=32"
        );
        match collect(&kept, path, codec) {
            Ok(clip) => Ok(clip),
            Err(_) => collect(&encoded, path, codec)
                .with_context(|| format!("reading {} as {codec}", path.display())),
        }
    }
}

fn collect(line: &str, path: &Path, codec: Codec) -> Result<Clip> {
    let pipeline = gst::parse::launch(line)
        .with_context(|| format!("building {line:?}"))?
        .downcast::<gst::Pipeline>()
        .ok()
        .context("several elements make a pipeline")?;
    let clip = drain(&pipeline, path, codec);
    let _ = pipeline.set_state(gst::State::Null);
    clip
}

/// Between two looks for an error of the pipeline.
const LOOK: gst::ClockTime = gst::ClockTime::from_mseconds(200);
/// Longest without a picture while a file is read.
const STALL: gst::ClockTime = gst::ClockTime::from_seconds(60);

fn drain(pipeline: &gst::Pipeline, path: &Path, codec: Codec) -> Result<Clip> {
    let named = |name: &str| pipeline.by_name(name).context("element named in the line above");
    named("file")?.set_property("location", path.display().to_string());
    let sink = named("out")?.downcast::<AppSink>().ok().context("`out` is an appsink")?;
    pipeline.set_state(gst::State::Playing).context("starting to read")?;
    let mut caps = None;
    let mut silent = gst::ClockTime::ZERO;
    let mut units: Vec<(gst::Buffer, gst::ClockTime)> = Vec::new();
    loop {
        let bus = pipeline.bus().context("a pipeline has a bus")?;
        if let Some(message) = bus.pop_filtered(&[gst::MessageType::Error])
            && let gst::MessageView::Error(e) = message.view()
        {
            bail!("{} ({:?})", e.error(), e.debug());
        }
        let Some(sample) = sink.try_pull_sample(LOOK) else {
            if sink.is_eos() {
                break;
            }
            silent += LOOK;
            ensure!(silent < STALL, "no picture for {} s: the file or its decoder hangs", STALL.seconds());
            continue;
        };
        silent = gst::ClockTime::ZERO;
        caps = sample.caps().map(ToOwned::to_owned).or(caps);
        let buffer = sample.buffer_owned().context("a sample without a buffer")?;
        if let Some(pts) = buffer.pts() {
            units.push((buffer, pts));
        }
    }
    ensure!(units.len() > 1, "the file holds fewer than two pictures");
    let first = units.iter().map(|(_, pts)| *pts).min().unwrap_or_default();
    let last = units.iter().map(|(_, pts)| *pts).max().unwrap_or_default();
    // Units leave in decoding order, evenly, as a camera's encoder lets them go; B-frames keep their own pts.
    let step = gst::ClockTime::from_nseconds((last - first).nseconds() / (units.len() as u64 - 1));
    let units: Vec<Unit> = units
        .into_iter()
        .enumerate()
        .map(|(i, (data, pts))| Unit { data, send_at: step * i as u64, pts: pts - first })
        .collect();
    let length = step * units.len() as u64;
    Ok(Clip { codec, caps: caps.context("pictures without a format")?, units, length })
}
