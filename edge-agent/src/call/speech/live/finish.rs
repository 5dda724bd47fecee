//! Final words: a second, better recogniser reads each stretch of speech when it is over, on a thread of its own, so
//! that nobody's partial words wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyhow::Context;

use super::wire::{Says, Token, Words};
use super::{say, shifted};
use crate::call::speech::engine::{Engine, Pen, RATE_HZ};
use crate::call::vad::{Span, to_f32};

/// Stretches that may wait, at most 20 s each. Beyond that the streaming recogniser's words are final.
const MAX_WAITING: usize = 64;

/// Work of the second recogniser, in the order in which it came.
pub(super) enum Job {
    Read { words: Words, sound: Vec<i16>, shown: bool },
    Ended { leg: u64, speech: Vec<Span> },
}

pub(super) struct Finisher {
    jobs: Sender<Job>,
    waiting: Arc<AtomicUsize>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Finisher {
    pub(super) fn start(engine: Engine, pen: Pen) -> anyhow::Result<Self> {
        let (jobs, queue) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&waiting);
        let thread = std::thread::Builder::new()
            .name("final-words".to_owned())
            .spawn(move || run(&engine, &pen, &queue, &count))
            .context("cannot start a thread")?;
        Ok(Self { jobs, waiting, thread })
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= MAX_WAITING
    }

    /// Bounded by [`is_full`](Self::is_full), which the caller asks before a stretch, and by the number of legs.
    pub(super) fn give(&self, job: Job) -> anyhow::Result<()> {
        if matches!(job, Job::Read { .. }) {
            self.waiting.fetch_add(1, Ordering::Relaxed);
        }
        self.jobs.send(job).ok().context("the thread for final words has ended")
    }

    /// Waits for what is left.
    pub(super) fn end(self) -> anyhow::Result<()> {
        drop(self.jobs);
        self.thread.join().map_err(|_| anyhow::anyhow!("the thread for final words panicked"))?
    }
}

fn run(engine: &Engine, pen: &Pen, queue: &Receiver<Job>, waiting: &AtomicUsize) -> anyhow::Result<()> {
    for job in queue {
        match job {
            Job::Read { words, sound, shown } => {
                let heard = engine.read(RATE_HZ, &to_f32(&sound));
                let tokens: Vec<Token> = shifted(heard.tokens, words.start_ms);
                waiting.fetch_sub(1, Ordering::Relaxed);
                let text = pen.write(&heard.text);
                if shown || !text.is_empty() {
                    say(&Says::Final(Words { text, tokens, ..words }))?;
                }
            }
            Job::Ended { leg, speech } => say(&Says::Ended { leg, speech })?,
        }
    }
    Ok(())
}
