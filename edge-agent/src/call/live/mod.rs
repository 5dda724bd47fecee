//! Words of calls as they run: the box's side. A leg's sound goes to one process for all ([`keeper`]), what comes back
//! is told at once and kept until the call is filed ([`legs`]).
//!
//! Sound that cannot be taken at once is left out here, counted and said, and its leg is transcribed from the recording
//! afterwards: nothing here can hold up or harm a recording. A leg may have two seconds waiting, all legs together a
//! million samples.

mod echo;
pub(super) mod keeper;
mod legs;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio::time::Instant;

pub(super) use self::echo::{Echo, Line, Timed};
use self::legs::Leg;
pub(super) use self::legs::Said;
use super::registry::TapId;
use super::speech::wire::{Frame, MAX_SAMPLES, Words};
use super::timeline::{Placed, Timeline};
use super::{CallTap, lock};

/// Pieces of sound that wait for the process, and room beside them for the ends of legs.
const MAX_PIECES: usize = 4_096;
const MAX_ENDS: usize = 1_024;
/// Exchanges send fifty small pieces a second; each that is passed on wakes two processes. Put together into pieces of this
/// length they cost a fifth, and words come this much later at most.
const PIECE_MS: u32 = 100;
/// Samples that wait, of all legs and of one.
const MAX_WAITING: usize = 1 << 20;
const MAX_WAITING_S: usize = 2;

/// A frame and the room that it takes up until it is with the process.
#[derive(Debug)]
struct Queued {
    frame: Frame,
    _room: Option<Room>,
}

/// Samples that wait, counted where they are bounded.
#[derive(Debug)]
struct Room {
    all: Arc<AtomicUsize>,
    own: Arc<AtomicUsize>,
    samples: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.samples, Ordering::Relaxed);
        self.own.fetch_sub(self.samples, Ordering::Relaxed);
    }
}

#[derive(Debug)]
pub(super) struct Live {
    frames: mpsc::Sender<Queued>,
    /// Taken by the keeper.
    queue: Mutex<Option<mpsc::Receiver<Queued>>>,
    /// A process listens.
    up: AtomicBool,
    waiting: Arc<AtomicUsize>,
    legs: Mutex<HashMap<TapId, Arc<Leg>>>,
    /// Who writes the final words; `None` while nobody does.
    model: Mutex<Option<String>>,
    unheard_ms: AtomicU64,
    restarts: AtomicU64,
    lag_ms: AtomicU64,
    answers_dropped: AtomicU64,
}

/// For the box's health.
#[derive(Debug)]
pub(super) struct State {
    pub(super) model: Option<String>,
    pub(super) lag_ms: u64,
    pub(super) unheard_ms_total: u64,
    pub(super) restarts_total: u64,
    pub(super) answers_dropped_total: u64,
}

impl Live {
    pub(super) fn new() -> Arc<Self> {
        let (frames, queue) = mpsc::channel(MAX_PIECES + MAX_ENDS);
        Arc::new(Self {
            frames,
            queue: Mutex::new(Some(queue)),
            up: AtomicBool::new(false),
            waiting: Arc::default(),
            legs: Mutex::default(),
            model: Mutex::default(),
            unheard_ms: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            lag_ms: AtomicU64::new(0),
            answers_dropped: AtomicU64::new(0),
        })
    }

    pub(super) fn state(&self) -> State {
        State {
            model: lock(&self.model).clone(),
            lag_ms: self.lag_ms.load(Ordering::Relaxed),
            unheard_ms_total: self.unheard_ms.load(Ordering::Relaxed),
            restarts_total: self.restarts.load(Ordering::Relaxed),
            answers_dropped_total: self.answers_dropped.load(Ordering::Relaxed),
        }
    }

    /// A leg begins, `offset_ms` after its call.
    pub(super) fn ear(self: &Arc<Self>, id: TapId, offset_ms: u64) -> Ear {
        let leg = Arc::new(Leg::new(offset_ms));
        lock(&self.legs).insert(id, Arc::clone(&leg));
        Ear {
            live: Arc::clone(self),
            id,
            leg,
            waiting: Arc::default(),
            timeline: None,
            held: (0, Vec::new()),
            position: 0,
        }
    }

    fn leg(&self, id: TapId) -> Option<Arc<Leg>> {
        lock(&self.legs).get(&id).map(Arc::clone)
    }

    /// What was said on a leg, once all of it is known; `None` when some of it was not heard, or not by `deadline`.
    pub(super) async fn said(&self, id: TapId, deadline: Instant) -> Option<Vec<Words>> {
        let leg = self.leg(id)?;
        leg.said(deadline).await
    }

    pub(super) fn forget(&self, id: TapId) {
        lock(&self.legs).remove(&id);
    }

    /// Whoever listened does no more: what is said now is not heard, and what was heard is not whole.
    fn fall_silent(&self) {
        self.up.store(false, Ordering::Release);
        *lock(&self.model) = None;
        lock(&self.legs).values().for_each(|leg| leg.lose_rest());
    }

    /// False when it was not taken.
    fn send(&self, frame: Frame, room: Option<Room>) -> bool {
        // The last places are for the ends of legs.
        let full = room.is_some() && self.frames.capacity() <= MAX_ENDS;
        !full && self.frames.try_send(Queued { frame, _room: room }).is_ok()
    }
}

impl CallTap {
    /// Hears a leg that has begun.
    pub(super) fn ear(&self, id: TapId) -> Ear {
        let offset_ms = legs::offset_ms(&lock(&self.registry), id);
        self.live_words.ear(id, offset_ms)
    }
}

/// Hears one leg; when it is dropped the leg is over.
#[derive(Debug)]
pub(super) struct Ear {
    live: Arc<Live>,
    id: TapId,
    leg: Arc<Leg>,
    waiting: Arc<AtomicUsize>,
    /// The recorder has one like it: both put each sample in the same place.
    timeline: Option<(Timeline, u32)>,
    /// Not passed on yet, less than a piece; and its rate.
    held: (u32, Vec<i16>),
    /// Of the first sample that is held.
    position: u64,
}

impl Ear {
    /// Sound that came at `at_ms` (uptime). Never waits.
    pub(super) fn hear(&mut self, at_ms: u64, rate_hz: u32, samples: &[i16]) {
        let (timeline, _) = self.timeline.get_or_insert_with(|| (Timeline::new(rate_hz), rate_hz));
        let placed = timeline.arrive(at_ms, samples.to_vec());
        self.pass(placed, rate_hz);
    }

    fn pass(&mut self, placed: Placed, rate_hz: u32) {
        if placed.silence > 0 || self.held.0 != rate_hz {
            self.flush();
        }
        self.position += placed.silence;
        self.held.0 = rate_hz;
        self.held.1.extend(placed.samples);
        if self.held.1.len() >= (PIECE_MS * rate_hz / 1_000) as usize {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let (rate_hz, samples) = (self.held.0, std::mem::take(&mut self.held.1));
        for piece in samples.chunks(MAX_SAMPLES) {
            let at = self.position;
            self.position += piece.len() as u64;
            if !self.take(at, rate_hz, piece) {
                self.leg.miss();
                let ms = piece.len() as u64 * 1_000 / u64::from(rate_hz.max(1));
                if self.live.up.load(Ordering::Acquire) {
                    self.live.unheard_ms.fetch_add(ms, Ordering::Relaxed);
                }
            }
        }
    }

    fn take(&self, at: u64, rate_hz: u32, piece: &[i16]) -> bool {
        if !self.live.up.load(Ordering::Acquire) {
            return false;
        }
        let samples = piece.len();
        let room = Room { all: Arc::clone(&self.live.waiting), own: Arc::clone(&self.waiting), samples };
        // Counted first; what is too much is given back as the room is dropped.
        let all = room.all.fetch_add(samples, Ordering::Relaxed) + samples;
        let own = room.own.fetch_add(samples, Ordering::Relaxed) + samples;
        if all > MAX_WAITING || own > MAX_WAITING_S * rate_hz as usize {
            return false;
        }
        self.live.send(Frame::Audio { leg: self.id, at, rate_hz, samples: piece.to_vec() }, Some(room))
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        if let Some((timeline, rate_hz)) = &mut self.timeline {
            let (rest, rate_hz) = (timeline.release(), *rate_hz);
            self.pass(rest, rate_hz);
        }
        self.flush();
        self.leg.close();
        let up = self.live.up.load(Ordering::Acquire);
        if !(up && self.live.send(Frame::End { leg: self.id }, None)) {
            self.leg.lose_rest();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leg that brings more than is taken loses it here, is not whole, and leaves room for others; once it is taken,
    /// room is free again, and each sample stands where it belongs.
    #[test]
    fn one_leg_takes_no_room_of_others() {
        let live = Live::new();
        let mut queue = lock(&live.queue).take().unwrap();
        live.up.store(true, Ordering::Release);
        let (mut greedy, mut modest) = (live.ear(1, 0), live.ear(2, 0));
        for n in 0..6 {
            greedy.hear(1_000 + n, 8_000, &[1; 4_000]);
        }
        for n in 0..5 {
            modest.hear(1_000 + 20 * n, 8_000, &[2; 160]);
        }
        assert_eq!(live.state().unheard_ms_total, 1_000);
        assert!(live.leg(1).unwrap().is_lost() && !live.leg(2).unwrap().is_lost());
        let mut taken = Vec::new();
        while let Ok(queued) = queue.try_recv() {
            let Frame::Audio { leg, at, samples, .. } = queued.frame else { panic!("sound only") };
            taken.push((leg, at, samples.len()));
        }
        assert_eq!(
            taken,
            [(1, 0, 4_000), (1, 4_000, 4_000), (1, 8_000, 4_000), (1, 12_000, 4_000), (2, 0, 800)]
        );
        greedy.hear(1_010, 8_000, &[1; 800]);
        let Frame::Audio { at, .. } = queue.try_recv().unwrap().frame else { panic!("sound only") };
        assert_eq!(at, 24_000, "after what was left out");
        assert_eq!(live.waiting.load(Ordering::Relaxed), 0);
        drop(modest);
        assert_eq!(queue.try_recv().unwrap().frame, Frame::End { leg: 2 });
    }

    /// Without a process nothing is queued or counted, and no leg claims to have been heard.
    #[tokio::test]
    async fn nobody_listens() {
        let live = Live::new();
        let mut ear = live.ear(1, 0);
        ear.hear(1_000, 8_000, &[1; 8_000]);
        drop(ear);
        assert_eq!(live.said(1, Instant::now()).await, None);
        assert_eq!(live.state().unheard_ms_total, 0);
        assert!(lock(&live.queue).take().unwrap().try_recv().is_err());
    }
}
