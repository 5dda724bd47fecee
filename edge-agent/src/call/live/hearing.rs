//! How sound gets to a process that hears calls. Each leg holds its end of it from its first sound on and keeps to that
//! process: where another takes over, who is on the line is heard to the end by the former one, which ends when its last
//! leg lets go of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use crate::call::speech::wire::Frame;

/// Pieces of sound that wait for the process, and room beside them for the ends of legs.
const MAX_PIECES: usize = 4_096;
const MAX_ENDS: usize = 1_024;

/// A frame and the room that it takes up until it is with the process.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) frame: Frame,
    _room: Option<Room>,
}

/// Samples that wait, counted where they are bounded.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) all: Arc<AtomicUsize>,
    pub(super) own: Arc<AtomicUsize>,
    pub(super) samples: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.samples, Ordering::Relaxed);
        self.own.fetch_sub(self.samples, Ordering::Relaxed);
    }
}

/// A process that listens, as others see it.
#[derive(Clone, Debug)]
pub(super) struct Hearing {
    about: Arc<About>,
    frames: mpsc::Sender<Queued>,
}

#[derive(Debug)]
struct About {
    /// Tells processes apart.
    number: u64,
    /// Who writes the final words.
    model: String,
    up: AtomicBool,
    lag_ms: AtomicU64,
}

impl Hearing {
    /// Also what it is to be given.
    pub(super) fn new(number: u64, model: String) -> (Self, mpsc::Receiver<Queued>) {
        let (frames, queue) = mpsc::channel(MAX_PIECES + MAX_ENDS);
        let about = About { number, model, up: AtomicBool::new(true), lag_ms: AtomicU64::new(0) };
        (Self { about: Arc::new(about), frames }, queue)
    }

    pub(super) fn watch(&self) -> Watched {
        Watched(Arc::clone(&self.about))
    }

    pub(super) fn model(&self) -> &str {
        &self.about.model
    }

    pub(super) fn is_up(&self) -> bool {
        self.about.up.load(Ordering::Acquire)
    }

    pub(super) fn lag_ms(&self) -> u64 {
        self.about.lag_ms.load(Ordering::Relaxed)
    }

    /// False when it was not taken.
    pub(super) fn send(&self, frame: Frame, room: Option<Room>) -> bool {
        // The last places are for the ends of legs.
        let full = room.is_some() && self.frames.capacity() <= MAX_ENDS;
        !full && self.frames.try_send(Queued { frame, _room: room }).is_ok()
    }
}

/// What others know of it who do not hold the process at its work.
#[derive(Clone, Debug)]
pub(super) struct Watched(Arc<About>);

impl Watched {
    pub(super) fn number(&self) -> u64 {
        self.0.number
    }

    pub(super) fn model(&self) -> &str {
        &self.0.model
    }

    pub(super) fn is_up(&self) -> bool {
        self.0.up.load(Ordering::Acquire)
    }

    pub(super) fn lags(&self, ms: u64) {
        self.0.lag_ms.store(ms, Ordering::Relaxed);
    }

    /// It hears nothing any more.
    pub(super) fn falls_silent(&self) {
        self.0.up.store(false, Ordering::Release);
    }
}
