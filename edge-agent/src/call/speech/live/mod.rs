//! `edge-agent transcribe --live`: words of all calls as they run, in one process. Sound comes in as frames, words go
//! out as lines ([`wire`]); the box's side of it is in `call/live`.
//!
//! One streaming recogniser serves all legs: whoever has enough sound for a step is decoded together with the others.
//! When somebody stops speaking, the recogniser for finished speech, if there is one, reads the stretch anew. Falling
//! behind fills the pipe, and the box then leaves out sound here, never in the recording.

mod ear;
mod finish;
mod turns;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use anyhow::Context;

use self::ear::{Ear, Stretch};
use self::finish::{Finisher, Job};
use self::wire::{Frame, Says, Token, Words};
use super::engine::{Engine, Pen, RATE_HZ, Streaming};
use super::transcribe::check;
use super::{Choice, Installed, selftest};

/// Frames that came together, and how many times that many are read ahead of the recogniser.
const MAX_TOGETHER: usize = 64;
const READ_AHEAD: usize = 2;
/// Legs decoded in one go; more take turns.
const MAX_BATCH: usize = 16;
/// Each recogniser has a thread of its own.
const THREADS: i32 = 1;

/// Runs until standard input ends.
pub(super) fn work(choice: &Choice, punctuation: Option<&Path>) -> anyhow::Result<()> {
    let (streaming, finisher, pen) = match load(choice, punctuation) {
        Ok(loaded) => loaded,
        Err(error) => {
            say(&Says::Refused { reason: format!("{error:#}") })?;
            return Err(error);
        }
    };
    let (frames, ahead) = sync_channel(READ_AHEAD);
    // It ends with the input, or with the process.
    let reader = std::thread::Builder::new().name("frames".to_owned()).spawn(move || {
        let mut input = BufReader::with_capacity(1 << 16, std::io::stdin());
        let mut together = Vec::new();
        while let Some(frame) = Frame::read(&mut input).context("a frame that is not ours")? {
            together.push(frame);
            let more = !input.buffer().is_empty() && together.len() < MAX_TOGETHER;
            if !more && frames.send(std::mem::take(&mut together)).is_err() {
                break;
            }
        }
        anyhow::Ok(())
    });
    let reader = reader.context("cannot start a thread")?;
    say(&Says::Ready)?;
    let mut hall = Hall { streaming, finisher, pen, ears: BTreeMap::new(), ticks: Vec::new() };
    hall.run(&ahead)?;
    hall.close()?;
    reader.join().map_err(|_| anyhow::anyhow!("reading frames panicked"))?
}

/// The recognisers, each having passed its self-test.
fn load(choice: &Choice, punctuation: Option<&Path>) -> anyhow::Result<(Streaming, Option<Finisher>, Pen)> {
    let live = choice
        .live
        .as_ref()
        .context("no speech model here gives words while somebody speaks; see docs/MODELS.md")?;
    about_to_load(live)?;
    let streaming = Streaming::load(live, THREADS)?;
    selftest::hold(live, |rate_hz, wave| streaming.read(rate_hz, wave))?;
    let finisher = if choice.finished.kind.streams() {
        None
    } else {
        about_to_load(&choice.finished)?;
        let pen = Pen::new(choice.finished.kind, punctuation)?;
        let engine = Engine::load(&choice.finished, THREADS, true)?;
        selftest::hold(&choice.finished, |rate_hz, wave| engine.read(rate_hz, wave))?;
        Some(Finisher::start(engine, pen)?)
    };
    // Sets marks where nothing else reads the stretch; beside another recogniser it is asked only when that is behind.
    let pen = Pen::new(live.kind, punctuation.filter(|_| finisher.is_none()))?;
    Ok((streaming, finisher, pen))
}

fn about_to_load(model: &Installed) -> anyhow::Result<()> {
    say(&Says::Loading { model: model.model.clone() })?;
    check(model)
}

fn say(words: &Says) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(words)?)?;
    Ok(out.flush()?)
}

/// Times from the beginning of a stretch to times from the beginning of its leg.
fn shifted(tokens: Vec<Token>, start_ms: u64) -> Vec<Token> {
    tokens.into_iter().map(|t| Token { at_ms: start_ms + t.at_ms, ..t }).collect()
}

/// All who speak.
struct Hall {
    streaming: Streaming,
    finisher: Option<Finisher>,
    pen: Pen,
    ears: BTreeMap<u64, Ear>,
    /// To be answered after the next decoding.
    ticks: Vec<u64>,
}

impl Hall {
    fn run(&mut self, ahead: &Receiver<Vec<Frame>>) -> anyhow::Result<()> {
        while let Ok(frames) = ahead.recv() {
            frames.into_iter().try_for_each(|frame| self.take(frame))?;
            self.decode()?;
            for number in self.ticks.drain(..) {
                say(&Says::Tock { number })?;
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame) -> anyhow::Result<()> {
        match frame {
            Frame::Audio { leg, at, rate_hz, samples } => {
                let keep_sound = self.finisher.is_some();
                let ear = self.ears.entry(leg).or_insert_with(|| Ear::new(rate_hz, at, keep_sound));
                let over = ear.accept(&self.streaming, at, rate_hz, &samples);
                over.into_iter().try_for_each(|stretch| self.finish(leg, stretch))
            }
            Frame::End { leg } => self.end(leg),
            Frame::Tick { number } => {
                self.ticks.push(number);
                Ok(())
            }
        }
    }

    fn end(&mut self, leg: u64) -> anyhow::Result<()> {
        let mut speech = Vec::new();
        if let Some(mut ear) = self.ears.remove(&leg) {
            ear.end().map_or(Ok(()), |stretch| self.finish(leg, stretch))?;
            speech = ear.voice();
        }
        match &self.finisher {
            Some(finisher) => finisher.give(Job::Ended { leg, speech }),
            None => say(&Says::Ended { leg, speech }),
        }
    }

    /// As many steps as there is sound for, everybody's together; then says whose words have changed.
    fn decode(&mut self) -> anyhow::Result<()> {
        let mut stepped = std::collections::BTreeSet::new();
        loop {
            let speaking =
                self.ears.iter().filter_map(|(leg, ear)| Some((*leg, &ear.speech.as_ref()?.stream)));
            let ready: Vec<_> =
                speaking.filter(|(_, stream)| self.streaming.is_ready(stream)).take(MAX_BATCH).collect();
            if ready.is_empty() {
                break;
            }
            let (legs, streams): (Vec<u64>, Vec<_>) = ready.into_iter().unzip();
            self.streaming.step(&streams);
            stepped.extend(legs);
        }
        for leg in stepped {
            let Some(ear) = self.ears.get_mut(&leg) else { continue };
            let end_ms = ear.heard_ms();
            let Some(speech) = &mut ear.speech else { continue };
            let text = self.streaming.so_far(&speech.stream).text;
            if text == speech.text {
                continue;
            }
            speech.text.clone_from(&text);
            let (segment, start_ms) = (speech.segment, speech.start_ms);
            say(&Says::Partial(Words { leg, segment, start_ms, end_ms, text, tokens: Vec::new() }))?;
        }
        Ok(())
    }

    fn finish(&self, leg: u64, mut stretch: Stretch) -> anyhow::Result<()> {
        let sound = stretch.take_sound();
        let Stretch { speech, end_ms } = stretch;
        let (segment, start_ms) = (speech.segment, speech.start_ms);
        let words = Words { leg, segment, start_ms, end_ms, text: String::new(), tokens: Vec::new() };
        if let Some(finisher) = self.finisher.as_ref().filter(|f| !f.is_full()) {
            // It may end within a piece of sound: who reads along gets its last words before the better ones come.
            while self.streaming.is_ready(&speech.stream) {
                self.streaming.step(&[&speech.stream]);
            }
            let text = self.streaming.so_far(&speech.stream).text;
            let shown = !text.is_empty();
            if text != speech.text {
                say(&Says::Partial(Words { text, ..words.clone() }))?;
            }
            return finisher.give(Job::Read { words, sound, shown });
        }
        let shown = !speech.text.is_empty();
        let heard = self.streaming.end(&speech.stream, RATE_HZ);
        let text = self.pen.write(&heard.text);
        if shown || !text.is_empty() {
            say(&Says::Final(Words { text, tokens: shifted(heard.tokens, start_ms), ..words }))?;
        }
        Ok(())
    }

    /// The input has ended: what is being said is final.
    fn close(mut self) -> anyhow::Result<()> {
        for leg in self.ears.keys().copied().collect::<Vec<_>>() {
            self.end(leg)?;
        }
        self.finisher.map_or(Ok(()), Finisher::end)
    }
}
