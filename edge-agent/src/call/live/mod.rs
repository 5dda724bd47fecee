//! Words of calls as they run: the box's side. A leg's sound goes to one process for all
//! ([`keeper`], [`hearing`]), what comes back
//! is told at once and kept until the call is filed ([`legs`]).
//!
//! Sound that cannot be taken at once is left out here, counted and said, and its leg is transcribed from the recording
//! afterwards: nothing here can hold up or harm a recording. A leg may have two seconds waiting, all legs together a
//! million samples.

mod echo;
mod hearing;
pub(super) mod keeper;
mod legs;
mod process;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

pub(super) use self::echo::{Echo, Line, Timed};
use self::hearing::{Hearing, Room, Watched};
use self::legs::Leg;
pub(super) use self::legs::{Heard, Said};
use super::registry::TapId;
use super::speech::wire::{Frame, MAX_SAMPLES};
use super::timeline::{Placed, Timeline};
use super::{CallTap, lock};

/// Exchanges send fifty small pieces a second; each that is passed on wakes two processes. Put together into pieces of this
/// length they cost a fifth, and words come this much later at most.
const PIECE_MS: u32 = 100;
/// Samples that wait, of all legs and of one.
const MAX_WAITING: usize = 1 << 20;
const MAX_WAITING_S: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Live {
    /// The process that hears whoever calls now.
    at_work: Mutex<Option<Hearing>>,
    waiting: Arc<AtomicUsize>,
    legs: Mutex<HashMap<TapId, Arc<Leg>>>,
    unheard_ms: AtomicU64,
    restarts: AtomicU64,
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
    pub(super) fn state(&self) -> State {
        let at_work = self.at_work();
        State {
            lag_ms: at_work.as_ref().map_or(0, Hearing::lag_ms),
            model: at_work.map(|hearing| hearing.model().to_owned()),
            unheard_ms_total: self.unheard_ms.load(Ordering::Relaxed),
            restarts_total: self.restarts.load(Ordering::Relaxed),
            answers_dropped_total: self.answers_dropped.load(Ordering::Relaxed),
        }
    }

    /// Whether a leg that begins now is heard.
    pub(super) fn is_heard(&self) -> bool {
        self.at_work().is_some()
    }

    fn at_work(&self) -> Option<Hearing> {
        lock(&self.at_work).clone().filter(Hearing::is_up)
    }

    /// Legs that begin are heard by this one from now on.
    fn hears_now(&self, hearing: Hearing) {
        *lock(&self.at_work) = Some(hearing);
    }

    /// Nobody begins to hear a leg any more.
    fn hears_no_more(&self) {
        *lock(&self.at_work) = None;
    }

    /// A leg begins, `offset_ms` after its call.
    pub(super) fn ear(self: &Arc<Self>, id: TapId, offset_ms: u64) -> Ear {
        let leg = Arc::new(Leg::new(offset_ms));
        lock(&self.legs).insert(id, Arc::clone(&leg));
        Ear {
            live: Arc::clone(self),
            id,
            leg,
            hearing: None,
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
    pub(super) async fn said(&self, id: TapId, deadline: Instant) -> Option<Heard> {
        let leg = self.leg(id)?;
        leg.said(deadline).await
    }

    pub(super) fn forget(&self, id: TapId) {
        lock(&self.legs).remove(&id);
    }

    /// A process listens no more: what is said now is not heard by it, and what it heard is not whole.
    fn fall_silent(&self, process: &Watched) {
        process.falls_silent();
        let legs: Vec<Arc<Leg>> = lock(&self.legs).values().map(Arc::clone).collect();
        legs.iter().filter(|leg| leg.is_heard_by(process)).for_each(|leg| leg.lose_rest());
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
    /// The same until the leg is over, unless that dies.
    hearing: Option<Hearing>,
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
                if self.hearing.is_some() {
                    self.live.unheard_ms.fetch_add(ms, Ordering::Relaxed);
                }
            }
        }
    }

    fn take(&mut self, at: u64, rate_hz: u32, piece: &[i16]) -> bool {
        self.find_hearing();
        let Some(hearing) = &self.hearing else { return false };
        let samples = piece.len();
        let room = Room { all: Arc::clone(&self.live.waiting), own: Arc::clone(&self.waiting), samples };
        // Counted first; what is too much is given back as the room is dropped.
        let all = room.all.fetch_add(samples, Ordering::Relaxed) + samples;
        let own = room.own.fetch_add(samples, Ordering::Relaxed) + samples;
        if all > MAX_WAITING || own > MAX_WAITING_S * rate_hz as usize {
            return false;
        }
        hearing.send(Frame::Audio { leg: self.id, at, rate_hz, samples: piece.to_vec() }, Some(room))
    }

    /// Whoever is at work, unless the one that heard the leg so far still does.
    fn find_hearing(&mut self) {
        if self.hearing.as_ref().is_some_and(Hearing::is_up) {
            return;
        }
        self.hearing = self.live.at_work();
        if let Some(hearing) = &self.hearing {
            self.leg.is_heard(hearing);
        }
        // It may have died in between, and not have known of this leg.
        self.hearing = self.hearing.take().filter(Hearing::is_up);
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
        self.find_hearing();
        let sent = self.hearing.as_ref().is_some_and(|h| h.send(Frame::End { leg: self.id }, None));
        // One that falls silent from here on knows that the leg is closed.
        if !(sent && self.hearing.as_ref().is_some_and(Hearing::is_up)) {
            self.leg.lose_rest();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hears(
        live: &Live,
        number: u64,
        model: &str,
    ) -> (Watched, tokio::sync::mpsc::Receiver<hearing::Queued>) {
        let (hearing, queue) = Hearing::new(number, model.to_owned());
        let watched = hearing.watch();
        live.hears_now(hearing);
        (watched, queue)
    }

    /// A leg that brings more than is taken loses it here, is not whole, and leaves room for others; once it is taken,
    /// room is free again, and each sample stands where it belongs.
    #[test]
    fn one_leg_takes_no_room_of_others() {
        let live = Arc::new(Live::default());
        let (_watched, mut queue) = hears(&live, 1, "m");
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
        let live = Arc::new(Live::default());
        let mut ear = live.ear(1, 0);
        ear.hear(1_000, 8_000, &[1; 8_000]);
        drop(ear);
        assert_eq!(live.said(1, Instant::now()).await, None);
        assert_eq!(live.state().unheard_ms_total, 0);
    }

    /// Who is on the line stays with the process that has heard him so far, whoever comes after him is the newer one's;
    /// the former is let go by its last leg. One that dies takes only its own legs' words along.
    #[tokio::test]
    async fn a_leg_keeps_to_its_process() {
        let live = Arc::new(Live::default());
        let (_, mut former) = hears(&live, 1, "former");
        let mut early = live.ear(1, 0);
        early.hear(1_000, 8_000, &[1; 800]);
        let (newest, mut newer) = hears(&live, 2, "newer");
        let mut late = live.ear(2, 0);
        late.hear(1_000, 8_000, &[2; 800]);
        early.hear(1_100, 8_000, &[1; 800]);
        for _ in 0..2 {
            assert!(matches!(former.recv().await.unwrap().frame, Frame::Audio { leg: 1, .. }));
        }
        assert!(matches!(newer.recv().await.unwrap().frame, Frame::Audio { leg: 2, .. }));
        assert_eq!(live.state().model.as_deref(), Some("newer"));
        live.fall_silent(&newest);
        assert!(live.leg(2).unwrap().is_lost() && !live.leg(1).unwrap().is_lost());
        assert_eq!(live.state().model, None);
        drop(early);
        assert_eq!(former.recv().await.unwrap().frame, Frame::End { leg: 1 });
        assert!(former.recv().await.is_none(), "nobody holds it any more");
        drop(late);
        assert_eq!(live.said(2, Instant::now()).await, None);
    }
}
