//! From the legs of an ended call to one recording, one incident and one record. Safe to run twice: whatever a
//! crash leaves half done is done again to the same result.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read};
use std::path::Path;

use anyhow::Context;
use protocol::{
    CallId, CallSubject, Delivery, Direction, Evidence, EvidenceKind, Incident, IncidentId, IncidentKind,
    Leg, Phase, Place, Severity, Subject, Transcript, UtcMs,
};
use sha2::{Digest, Sha256};
use sherpa_onnx::LinearResampler;

use super::archive;
use super::config::CallConfig;
use super::ledger::Ledger;
use super::leg::{FinishedLeg, Samples};
use super::live::Said;
use super::record::{Record, Spoken};
use super::vad::to_f32;
use crate::screen::{self, Screener};

/// Recordings are kept at the rate of the telephone, at most this: speech needs no more, and the longest call
/// stays below the limit of one file of evidence.
const MAX_RATE_HZ: u32 = 16_000;

/// Files one call. `None` when an earlier run had already done so. Blocks.
pub(super) fn file(
    ledger: &Ledger,
    config: &CallConfig,
    call_id: CallId,
    mut legs: Vec<FinishedLeg>,
    said: &Said,
    screener: &Screener,
    now: UtcMs,
) -> anyhow::Result<Option<Record>> {
    order(&mut legs);
    // The incident's id must be the same on every attempt, so it is that of the oldest id, not of the first sound; where an
    // alarm was told of while the call ran, by that.
    let ids = || legs.iter().map(|l| l.state.incident_id);
    let told: Vec<IncidentId> = ids().filter(|id| ledger.archive.holds(*id)).collect();
    let incident_id = told.iter().copied().min().or_else(|| ids().min());
    let incident_id = incident_id.context("a call without any leg cannot be filed")?;
    // Alarms of two legs that nobody had said to be one call.
    let others: Vec<IncidentId> = ids().filter(|id| *id != incident_id).collect();
    let record = if ledger.archive.load(incident_id).is_some_and(|record| record.is_filed()) {
        None
    } else {
        let mut record =
            compose(ledger.archive.recordings(), config, call_id, &legs, said, incident_id, now)?;
        if let Subject::Call(CallSubject { transcript: Transcript::Done { segments, .. }, .. }) =
            &record.incident.subject
        {
            let reading = screen::call::read(screener, segments);
            record.put_reading(reading);
        }
        ledger.add(&mut record, &others)?.then_some(record)
    };
    for other in others {
        ledger.end(other, Transcript::Silent, now)?;
    }
    // The leg that names the incident goes last: while any leg is left, the record is found by it.
    legs.sort_by_key(|l| std::cmp::Reverse(l.state.incident_id));
    legs.iter().for_each(FinishedLeg::remove);
    Ok(record)
}

fn same_run(legs: &[FinishedLeg]) -> bool {
    legs.windows(2).all(|pair| pair[0].state.run == pair[1].state.run)
}

/// By the moment their sound began. Legs of different runs of the box (filing failed before a restart) share no
/// uptime: the wall clock has to do.
fn order(legs: &mut [FinishedLeg]) {
    let same_run = same_run(legs);
    legs.sort_by_key(|l| {
        let began = if same_run { l.state.starts_at_ms as i64 } else { l.state.started_at.0 };
        (began, l.state.incident_id)
    });
}

/// A leg and where it begins in the recording.
#[derive(Clone, Copy)]
struct Placed<'a> {
    leg: &'a FinishedLeg,
    offset_ms: u64,
}

/// Legs with sound, each at its place. However far apart clocks put them, the recording grows no longer than a call
/// may be.
fn place(legs: &[FinishedLeg], max_ms: u64) -> Vec<Placed<'_>> {
    let same_run = same_run(legs);
    let mut sounding = legs.iter().filter(|l| l.state.rate_hz.is_some()).peekable();
    let Some(first) = sounding.peek().map(|l| l.state.clone()) else { return Vec::new() };
    sounding
        .map(|leg| {
            let apart_ms = if same_run {
                leg.state.starts_at_ms.saturating_sub(first.starts_at_ms)
            } else {
                u64::try_from(leg.state.started_at.since_ms(first.started_at)).unwrap_or(0)
            };
            Placed { leg, offset_ms: apart_ms.min(max_ms.saturating_sub(leg.length_ms())) }
        })
        .collect()
}

fn compose(
    recordings: &Path,
    config: &CallConfig,
    call_id: CallId,
    legs: &[FinishedLeg],
    said: &Said,
    incident_id: IncidentId,
    now: UtcMs,
) -> anyhow::Result<Record> {
    let sounding = place(legs, config.max_call_ms());
    let first = sounding.first().map(|placed| placed.leg);
    let started_at = first.or(legs.first()).map_or(now, |leg| leg.state.started_at);
    let evidence = record_wav(recordings, &sounding, started_at)?;
    let duration_ms = evidence.as_ref().and_then(|e| e.duration_ms).unwrap_or(0);
    let speech = speech_of(&sounding);
    let (transcript, private) = transcript_of(&sounding, said, &speech);

    let told = |pick: fn(&FinishedLeg) -> Option<String>| legs.iter().find_map(pick);
    let seat = told(|l| l.state.announced.seat.clone());
    let named = legs.iter().find(|l| l.state.announced.caller_masked.is_some());
    let direction = legs.iter().find_map(|l| l.state.announced.direction);
    let mut sides: Vec<Leg> = legs.iter().map(|l| l.state.tap().leg()).collect();
    sides.sort_unstable();
    sides.dedup();
    let mut sockets: Vec<_> = legs.iter().map(|l| l.state.socket).collect();
    sockets.sort_unstable();
    sockets.dedup();
    let incident = Incident {
        incident_id,
        revision: 1,
        phase: Phase::Ended,
        kind: IncidentKind::Hotline,
        severity: Severity::Normal,
        subject: Subject::Call(CallSubject {
            call_id,
            caller_masked: told(|l| l.state.announced.caller_masked.clone()),
            callback: named.and_then(|l| l.state.announced.callback.clone()),
            seat: seat.map(|number| config.seat(&number)),
            direction: direction.unwrap_or(Direction::Inbound),
            legs: sides,
            duration_ms,
            speech_ms: speech.iter().map(|s| s.end_ms - s.start_ms).sum(),
            transcript,
            reading: None,
            interrupted: legs.iter().any(|leg| !leg.state.ended),
        }),
        place: config.place.clone().map(Place::from),
        started_at,
        updated_at: now,
        ended_at: Some(started_at.plus_ms(duration_ms as i64)),
        evidence: evidence.iter().cloned().collect(),
        drill: false,
    };
    Ok(Record {
        incident,
        recording: evidence.map(|e| file_name(&e)),
        recorded_revision: 1,
        speech,
        private,
        committed_revision: 0,
        attempts: 0,
        sockets,
        direction_told: direction.is_some(),
    })
}

/// The words that were heard while the call ran, and where private numbers are said, if nothing of it was missed; they come
/// from the recording otherwise.
fn transcript_of(legs: &[Placed<'_>], said: &Said, speech: &[Spoken]) -> (Transcript, Vec<Spoken>) {
    let named =
        |placed: &Placed<'_>| (placed.leg.state.name.clone(), placed.leg.state.tap().leg(), placed.offset_ms);
    match said.transcript(legs.iter().map(named)) {
        Some((Transcript::Done { segments, .. }, _)) if segments.is_empty() && speech.is_empty() => {
            (Transcript::Silent, Vec::new())
        }
        Some(done) => done,
        None if speech.is_empty() => (Transcript::Silent, Vec::new()),
        None => (Transcript::Waiting, Vec::new()),
    }
}

fn speech_of(legs: &[Placed<'_>]) -> Vec<Spoken> {
    let mut speech: Vec<Spoken> = legs
        .iter()
        .flat_map(|Placed { leg, offset_ms }| {
            let side = leg.state.tap().leg();
            leg.spans.iter().flatten().map(move |span| Spoken {
                leg: side,
                start_ms: span.start_ms + offset_ms,
                end_ms: span.end_ms + offset_ms,
            })
        })
        .collect();
    speech.sort_by_key(|s| (s.start_ms, s.leg));
    speech
}

fn file_name(evidence: &Evidence) -> String {
    format!("{}.wav", evidence.sha256)
}

/// Writes the stereo recording and names it by its content; `None` when there is no sample at all.
fn record_wav(folder: &Path, legs: &[Placed<'_>], starts_at: UtcMs) -> anyhow::Result<Option<Evidence>> {
    let Some(Placed { leg: first, .. }) = legs.first() else { return Ok(None) };
    let rate_hz = first.state.rate_hz.unwrap_or(MAX_RATE_HZ).min(MAX_RATE_HZ);
    let mut tracks =
        legs.iter().map(|placed| Track::open(*placed, rate_hz)).collect::<anyhow::Result<Vec<_>>>()?;
    let partial = folder.join(format!("{}.partial", first.state.name));
    let file = File::create(&partial).with_context(|| format!("cannot make {}", partial.display()))?;
    let frames = mix(&mut tracks, rate_hz, file).context("cannot write a recording")?;
    if frames == 0 {
        fs::remove_file(&partial).context("cannot remove an empty recording")?;
        return Ok(None);
    }
    let (sha256, size_bytes) = seal(&partial).context("cannot read a recording back")?;
    let evidence = Evidence {
        sha256,
        kind: EvidenceKind::Recording,
        media_type: "audio/wav".to_owned(),
        size_bytes,
        delivery: Delivery::OnRequest,
        starts_at,
        duration_ms: Some(frames * 1_000 / u64::from(rate_hz)),
        masked: false,
        blurred: false,
        footage: None,
    };
    let path = folder.join(file_name(&evidence));
    fs::rename(&partial, &path).with_context(|| format!("cannot name the recording {}", path.display()))?;
    archive::sync_folder(&path).context("cannot sync the folder of recordings")?;
    Ok(Some(evidence))
}

/// Both sides into one file, frame by frame. Returns the number of frames.
fn mix(tracks: &mut [Track], rate_hz: u32, file: File) -> Result<u64, hound::Error> {
    const BLOCK: usize = 8_192;
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::new(BufWriter::new(file), spec)?;
    let mut frames = 0;
    loop {
        // Several connections of one side (a transfer, a third party) add up.
        let mut sum = vec![[0_i32; 2]; BLOCK];
        let longest = tracks.iter_mut().map(|track| track.add_to(&mut sum)).max().unwrap_or(0);
        if longest == 0 {
            wav.finalize()?;
            return Ok(frames);
        }
        for sample in sum[..longest].iter().flatten() {
            wav.write_sample((*sample).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16)?;
        }
        frames += longest as u64;
    }
}

/// Syncs and hashes a finished file.
pub(super) fn seal(path: &Path) -> io::Result<(protocol::Sha256Hex, u64)> {
    let mut file = File::open(path)?;
    file.sync_all()?;
    let (mut hash, mut size, mut block) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut block)? {
            0 => break,
            n => {
                hash.update(&block[..n]);
                size += n as u64;
            }
        }
    }
    let hex = hex::encode(hash.finalize());
    Ok((hex.parse().expect("64 hexadecimal digits were just written"), size))
}

/// One leg as samples of the recording.
struct Track {
    channel: usize,
    samples: Samples,
    resampler: Option<LinearResampler>,
    /// Silence before the leg's first sample.
    lead: usize,
    ready: VecDeque<i16>,
    ended: bool,
}

impl Track {
    fn open(Placed { leg, offset_ms }: Placed<'_>, rate_hz: u32) -> anyhow::Result<Self> {
        let own = leg.state.rate_hz.unwrap_or(rate_hz);
        let resampler = (own != rate_hz)
            .then(|| LinearResampler::create(own as i32, rate_hz as i32).expect("both rates are above zero"));
        // A leg whose state was written but not one sample: an empty track.
        let file = match File::open(&leg.pcm) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", leg.pcm.display())),
        };
        let empty = file.as_ref().is_none_or(|f| f.metadata().is_ok_and(|m| m.len() < 2));
        Ok(Self {
            channel: usize::from(leg.state.tap().leg() == Leg::Operator),
            samples: Samples::new(match file {
                Some(file) => file,
                None => File::open("/dev/null").context("cannot open /dev/null")?,
            }),
            resampler,
            lead: if empty { 0 } else { (offset_ms * u64::from(rate_hz) / 1_000) as usize },
            ready: VecDeque::new(),
            ended: empty,
        })
    }

    /// Adds the next samples to `sum`; returns how many frames of it now mean something.
    fn add_to(&mut self, sum: &mut [[i32; 2]]) -> usize {
        let silence = self.lead.min(sum.len());
        self.lead -= silence;
        let rest = &mut sum[silence..];
        while self.ready.len() < rest.len() && !self.ended {
            let block = self.samples.read(8_192);
            self.ended = block.is_empty();
            match &self.resampler {
                None => self.ready.extend(block),
                Some(resampler) => self.ready.extend(
                    resampler
                        .resample(&to_f32(&block), self.ended)
                        .into_iter()
                        .map(|s| (s * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16),
                ),
            }
        }
        let count = rest.len().min(self.ready.len());
        for (frame, sample) in rest.iter_mut().zip(self.ready.drain(..count)) {
            frame[self.channel] += i32::from(sample);
        }
        silence + count
    }
}
