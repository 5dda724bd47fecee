//! Station 1: a camera becomes encoded units and decoded frames.
//!
//! One supervised thread and one pipeline per stream: a camera has one, or a large one for evidence and a small one for
//! analysis. Units of the first go untouched into the [`Ring`]; a separate pipeline decodes those of the second and may
//! fall behind or fail without recording noticing. Times of both are of one clock. When a stream fails it is built
//! anew for as long as the agent runs, and the other does for both meanwhile; no camera knows of another.
//! Deliberately absent: sound, and any way to leave TCP.

mod address;
mod anchor;
mod blind;
mod cadence;
mod choice;
mod config;
mod counts;
mod decode;
mod decoders;
mod file;
mod hung;
mod live;
mod picture;
mod pulse;
mod retry;
mod ring;
#[cfg(test)]
pub(crate) mod samples;
mod session;
mod shared;
mod slot;
mod source;
mod stamp;
mod state;
mod stop;
mod stream;
mod tls;
mod unit;

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use gstreamer as gst;
use protocol::{CameraHealth, CameraId, Clock};

pub use address::{Address, Secret, Source};
pub use choice::Role;
pub use config::{CameraConfig, FieldError, PlaceConfig, Polygon};
pub use counts::FrameCounts;
pub use decoders::DecoderInfo;
pub use file::{FileFrames, decode_file};
pub use ring::{Hold, MAX_HOLDS, Ring, RingStats};
pub use slot::FrameSlot;
pub use unit::{Codec, Format, Unit};

pub(crate) use decode::{Disposed, Hangs, buffer_of, decode_one, pixel_aspect};
pub(crate) use decoders::{Candidate, START, candidates, hung_last, is_hardware};
pub(crate) use hung::{holds as has_hung, note_if_hung};
pub(crate) use picture::{fitted, i420_caps};
pub(crate) use retry::host_and_port;
pub(crate) use ring::{decodable, nearest};
pub(crate) use source::{capsfilter, element, encoder, error_text, scaler};

use session::Feed;
use shared::Camera;

use crate::evidence::people::People;
use crate::pace::Pace;

/// Starts GStreamer once per process.
pub fn init() -> Result<()> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    STARTED
        .get_or_init(|| gst::init().map_err(|e| e.to_string()))
        .clone()
        .map_err(|e| anyhow::anyhow!(e).context("starting GStreamer"))
}

/// Starts a camera. It connects, and reconnects, by itself; only a machine without GStreamer or without a
/// thread left makes this fail.
pub fn spawn(config: CameraConfig, clock: Arc<dyn Clock>) -> Result<CameraHandle> {
    spawn_paced(config, clock, Pace::default())
}

/// As [`spawn`]; its pictures are analysed at the share of their rate that `pace` says.
pub fn spawn_paced(config: CameraConfig, clock: Arc<dyn Clock>, pace: Pace) -> Result<CameraHandle> {
    init()?;
    let camera = Camera::new(config, clock, pace);
    let mut handle = CameraHandle { camera: camera.clone(), threads: Vec::new() };
    for stream in [Role::Main, Role::Sub].into_iter().filter_map(|role| camera.config.stream(role)) {
        let name = format!("{} of {}", stream.role.as_str(), camera.config.id);
        let feed = Feed::new(camera.clone(), stream);
        let thread = std::thread::Builder::new().name(name).spawn(move || feed.run());
        handle.threads.push(thread.context("starting a camera's thread")?);
    }
    Ok(handle)
}

/// What an installer is told about a camera that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    pub codec: Codec,
    /// Pixels, as encoded.
    pub width: usize,
    pub height: usize,
    /// From the first attempt to the first decoded picture.
    pub first_picture_ms: u64,
    pub decoder: Option<DecoderInfo>,
}

/// Connects to a camera, waits for its first decoded picture, and lets it go. Blocks for `limit` at most
/// (and a moment for the goodbye); the error is the camera's own reason.
pub fn probe(config: &CameraConfig, clock: Arc<dyn Clock>, limit: std::time::Duration) -> Result<Probe> {
    let started_ms = clock.uptime_ms();
    let camera = spawn(config.clone(), clock.clone())?;
    let frame = camera.frames().recv_timeout(limit);
    let first_picture_ms = clock.uptime_ms().saturating_sub(started_ms);
    let reason = camera.health().reason;
    let decoder = camera.decoder();
    let format = camera.ring().last_group().first().map(|unit| unit.format.clone());
    camera.stop();
    match (frame, format) {
        (Some(_), Some(f)) => {
            Ok(Probe { codec: f.codec, width: f.width, height: f.height, first_picture_ms, decoder })
        }
        (None, Some(f)) => Err(anyhow::anyhow!(
            "{:?} arrives, but no picture comes out of it in {} s",
            f.codec,
            limit.as_secs()
        )),
        (_, None) => Err(anyhow::anyhow!(reason.unwrap_or_else(|| format!(
            "no answer from {} in {} s",
            config.url,
            limit.as_secs()
        )))),
    }
}

/// A running camera. Dropping it stops it without waiting.
pub struct CameraHandle {
    camera: Arc<Camera>,
    threads: Vec<JoinHandle<()>>,
}

impl CameraHandle {
    pub fn id(&self) -> &CameraId {
        &self.camera.config.id
    }

    pub fn config(&self) -> &CameraConfig {
        &self.camera.config
    }

    /// The newest frame for analysis; one receiver at a time.
    pub fn frames(&self) -> FrameSlot {
        self.camera.frames.clone()
    }

    /// The encoded units of the last seconds.
    pub fn ring(&self) -> Arc<Ring> {
        self.camera.ring.clone()
    }

    pub fn health(&self) -> CameraHealth {
        self.camera.health()
    }

    /// What became of its pictures so far.
    pub fn counted(&self) -> FrameCounts {
        self.camera.counted()
    }

    /// What evidence needs of this camera, independent of the handle's life.
    pub fn view(&self) -> CameraView {
        CameraView { camera: self.camera.clone() }
    }

    /// The decoder used for analysis, once there was one.
    pub fn decoder(&self) -> Option<DecoderInfo> {
        self.camera.counts.decoder()
    }

    /// Which of its streams is analysed now.
    pub fn analysed(&self) -> Role {
        self.camera.analysed()
    }

    /// Ends the streams, with TEARDOWN, and waits up to two seconds for it.
    pub fn stop(mut self) {
        self.ask_to_stop();
        let threads = std::mem::take(&mut self.threads);
        for _ in 0..200 {
            if threads.iter().all(JoinHandle::is_finished) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        for thread in threads {
            if thread.is_finished() {
                let _ = thread.join();
            } else {
                tracing::warn!(camera = %self.id(), "did not stop within 2 s; left behind");
            }
        }
    }

    /// Begins the end without waiting for it: no frame follows, what is gathered stays.
    pub fn ask_to_stop(&self) {
        self.camera.stop.ask();
    }
}

impl Drop for CameraHandle {
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

/// A look at a camera for whoever makes evidence of it; cheap to clone.
#[derive(Clone)]
pub struct CameraView {
    camera: Arc<Camera>,
}

impl CameraView {
    pub fn config(&self) -> &CameraConfig {
        &self.camera.config
    }

    pub fn ring(&self) -> &Ring {
        &self.camera.ring
    }

    /// The last decoded frame, taken or not.
    pub fn last_frame(&self) -> Option<crate::frame::Frame> {
        self.camera.last_frame()
    }

    /// Where its analysis has people.
    pub fn people(&self) -> &Arc<People> {
        &self.camera.people
    }

    /// Whether nothing will come any more: its file ended or it was stopped.
    pub fn has_ended(&self) -> bool {
        self.camera.frames.is_closed()
    }
}
