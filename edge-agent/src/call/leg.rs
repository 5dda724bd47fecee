//! One leg on disk as it comes: `{name}.pcm` (signed 16-bit little-endian, pauses filled with silence) and a small
//! `{name}.json` beside it. All calls block; the listener makes them off its async threads.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use protocol::{IncidentId, Leg, UtcMs};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::archive::{self, write_json};
use super::registry::{Announcement, Tap};
use super::timeline::{Placed, Timeline};
use super::vad::{Method, Span, Vad};

/// What a restart needs to know of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LegState {
    /// File name without extension.
    pub(super) name: String,
    /// The incident this leg opens if it is its call's first: drawn here, so that a restart never doubles it.
    pub(super) incident_id: IncidentId,
    pub(super) socket: Uuid,
    pub(super) role: Leg,
    pub(super) announced: Announcement,
    /// Box's clock at the first sample (at the connection until then).
    pub(super) started_at: UtcMs,
    /// The same moment as uptime; comparable among legs of one run.
    pub(super) starts_at_ms: u64,
    #[serde(default)]
    pub(super) run: Uuid,
    /// `None` until audio came.
    pub(super) rate_hz: Option<u32>,
    /// It was recorded to its end. Where this is not so afterwards, the box died meanwhile.
    #[serde(default)]
    pub(super) ended: bool,
}

impl LegState {
    pub(super) fn tap(&self) -> Tap {
        Tap {
            socket: self.socket,
            role: self.role,
            announced: self.announced.clone(),
            opened_ms: self.starts_at_ms,
            closed_ms: None,
        }
    }
}

/// A leg that has ended.
#[derive(Debug)]
pub(super) struct FinishedLeg {
    pub(super) state: LegState,
    pub(super) pcm: PathBuf,
    /// Its speech; `None` where the recorder left that to who heard the running call.
    pub(super) spans: Option<Vec<Span>>,
}

impl FinishedLeg {
    /// Of its sound on disk.
    pub(super) fn length_ms(&self) -> u64 {
        let samples = fs::metadata(&self.pcm).map_or(0, |meta| meta.len()) / 2;
        self.state.rate_hz.map_or(0, |rate_hz| samples * 1_000 / u64::from(rate_hz))
    }

    /// Its speech: as the recorder found it, else as `heard` while the call ran, else as its file tells.
    pub(super) fn settle_speech(&mut self, heard: Option<&[Span]>, method: &Method) {
        if self.spans.is_none() {
            let listened = |rate_hz| listen(&self.pcm, rate_hz, method);
            let found = || self.state.rate_hz.map_or_else(Vec::new, listened);
            self.spans = Some(heard.map_or_else(found, <[Span]>::to_vec));
        }
    }

    /// Deletes the leg's files, once its call is filed.
    pub(super) fn remove(&self) {
        // The samples first: without its state a leg means nothing, the other way round it would be an empty one.
        for path in [&self.pcm, &self.pcm.with_extension("json")] {
            if path.exists()
                && let Err(error) = fs::remove_file(path)
            {
                tracing::warn!(path = %path.display(), %error, "cannot remove a leg that is filed");
            }
        }
    }
}

/// Samples that came at once.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) at_ms: u64,
    pub(super) rate_hz: u32,
    pub(super) samples: Vec<i16>,
}

#[derive(Debug)]
pub(super) struct LegRecorder {
    folder: PathBuf,
    state: LegState,
    /// From the first audio on.
    sound: Option<Sound>,
    method: Option<Method>,
}

#[derive(Debug)]
struct Sound {
    file: File,
    timeline: Timeline,
    vad: Option<Vad>,
}

impl LegRecorder {
    /// Without a `method` nobody looks for speech here.
    pub(super) fn create(folder: &Path, state: LegState, method: Option<Method>) -> anyhow::Result<Self> {
        let recorder = Self { folder: folder.to_owned(), state, sound: None, method };
        recorder.write_state()?;
        Ok(recorder)
    }

    fn write_state(&self) -> anyhow::Result<()> {
        write_json(&state_path(&self.folder, &self.state.name), &self.state)
    }

    fn pcm(&self) -> PathBuf {
        self.folder.join(format!("{}.pcm", self.state.name))
    }

    /// Audio beyond what the clock allows.
    pub(super) fn lead_ms(&self, now_ms: u64) -> u64 {
        self.sound.as_ref().map_or(0, |s| s.timeline.lead_ms(now_ms))
    }

    pub(super) fn append(&mut self, arrivals: Vec<Arrival>) -> anyhow::Result<()> {
        for Arrival { at_ms, rate_hz, samples } in arrivals {
            if self.sound.is_none() {
                self.begin(at_ms, rate_hz, samples.len())?;
            }
            let sound = self.sound.as_mut().expect("begun just above");
            let known = self.state.rate_hz.unwrap_or(rate_hz);
            anyhow::ensure!(
                known == rate_hz,
                "the exchange changed from {known} Hz to {rate_hz} Hz in mid-leg"
            );
            let placed = sound.timeline.arrive(at_ms, samples);
            sound.write(&placed).with_context(|| format!("cannot write {}.pcm", self.state.name))?;
        }
        Ok(())
    }

    fn begin(&mut self, at_ms: u64, rate_hz: u32, samples: usize) -> anyhow::Result<()> {
        let late_ms = at_ms.saturating_sub(self.state.starts_at_ms) as i64;
        let length_ms = samples as i64 * 1_000 / i64::from(rate_hz);
        self.state.started_at = self.state.started_at.plus_ms(late_ms - length_ms);
        self.state.starts_at_ms = at_ms.saturating_sub(length_ms as u64);
        self.state.rate_hz = Some(rate_hz);
        self.write_state()?;
        let pcm = self.pcm();
        let file = File::create(&pcm).with_context(|| format!("cannot make {}", pcm.display()))?;
        let vad = self.method.as_ref().map(|method| Vad::new(method, rate_hz));
        self.sound = Some(Sound { file, timeline: Timeline::new(rate_hz), vad });
        Ok(())
    }

    /// Makes everything so far survive a power cut, and notes what was told of the leg meanwhile.
    pub(super) fn sync(&mut self, announced: Option<Announcement>) -> anyhow::Result<()> {
        self.settle(announced, false)
    }

    fn settle(&mut self, announced: Option<Announcement>, ended: bool) -> anyhow::Result<()> {
        if let Some(sound) = &self.sound {
            sound.file.sync_data().context("cannot sync a leg to disk")?;
        }
        let before = self.state.clone();
        self.settle_start();
        self.state.announced = announced.unwrap_or_else(|| before.announced.clone());
        self.state.ended = ended;
        if self.state == before { Ok(()) } else { self.write_state() }
    }

    /// The timeline may have found out that the leg began a little earlier.
    fn settle_start(&mut self) {
        if let Some(starts) = self.sound.as_ref().and_then(|s| s.timeline.starts_at_ms()) {
            let earlier = self.state.starts_at_ms.saturating_sub(starts);
            self.state.started_at = self.state.started_at.plus_ms(-(earlier as i64));
            self.state.starts_at_ms -= earlier;
        }
    }

    pub(super) fn finish(mut self, announced: Option<Announcement>) -> anyhow::Result<FinishedLeg> {
        if let Some(sound) = &mut self.sound {
            let rest = sound.timeline.release();
            sound.write(&rest).context("cannot write the end of a leg")?;
        }
        self.settle(announced, true)?;
        let pcm = self.pcm();
        let spans = match self.sound {
            Some(sound) => sound.vad.map(Vad::finish),
            None => Some(Vec::new()),
        };
        Ok(FinishedLeg { state: self.state, pcm, spans })
    }
}

impl Sound {
    fn write(&mut self, placed: &Placed) -> std::io::Result<()> {
        const SILENCE: [i16; 8_000] = [0; 8_000];
        let mut left = placed.silence as usize;
        while left > 0 {
            let part = left.min(SILENCE.len());
            self.file.write_all(&vec![0; part * 2])?;
            self.listen(&SILENCE[..part]);
            left -= part;
        }
        let bytes: Vec<u8> = placed.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        self.file.write_all(&bytes)?;
        self.listen(&placed.samples);
        Ok(())
    }

    fn listen(&mut self, samples: &[i16]) {
        if let Some(vad) = &mut self.vad {
            vad.accept(samples);
        }
    }
}

/// The legs in `folder` that `wanted` names, their speech found anew. It is asked after the folder was read; a leg
/// that was filed in between is gone from the disk by then and is left out.
pub(super) fn recover(folder: &Path, wanted: impl Fn(&str) -> bool, method: &Method) -> Vec<FinishedLeg> {
    let states: Vec<LegState> = archive::read_all(folder);
    states
        .into_iter()
        .filter(|state| wanted(&state.name) && state_path(folder, &state.name).exists())
        .map(|state| {
            let pcm = folder.join(format!("{}.pcm", state.name));
            let mut leg = FinishedLeg { state, pcm, spans: None };
            leg.settle_speech(None, method);
            leg
        })
        .collect()
}

/// Whether this leg lies in `folder` still.
pub(super) fn is_left(folder: &Path, name: &str) -> bool {
    state_path(folder, name).exists()
}

fn state_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

/// The speech of a leg on disk.
pub(super) fn listen(pcm: &Path, rate_hz: u32, method: &Method) -> Vec<Span> {
    let Ok(file) = File::open(pcm) else { return Vec::new() };
    let mut samples = Samples::new(file);
    let mut vad = Vad::new(method, rate_hz);
    loop {
        let block = samples.read(usize::from(u16::MAX));
        if block.is_empty() {
            return vad.finish();
        }
        vad.accept(&block);
    }
}

/// Reads a leg's file; a half sample at its end (a crash in mid-write) is left out.
#[derive(Debug)]
pub(super) struct Samples(BufReader<File>);

impl Samples {
    pub(super) fn new(file: File) -> Self {
        Self(BufReader::new(file))
    }

    /// Up to `count` samples; empty at the end, and where the disk cannot be read any further.
    pub(super) fn read(&mut self, count: usize) -> Vec<i16> {
        let mut bytes = Vec::with_capacity(count * 2);
        if let Err(error) = self.0.by_ref().take(count as u64 * 2).read_to_end(&mut bytes) {
            tracing::error!(%error, "a leg cannot be read to its end");
        }
        bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
    }
}
