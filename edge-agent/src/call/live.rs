//! Who hears legs while they are spoken. Whoever asks gets each leg that begins, and of each leg the same samples that
//! go to disk, in the same place of the leg, a tenth of a second at a time.
//!
//! Recording never waits for a listener: what it does not take in time is dropped, newest first, and counted; the
//! place that each piece carries shows the gap. Deliberately absent: what is done with the sound.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use protocol::{CallId, Leg};
use tokio::sync::mpsc;

use super::lock;
use super::registry::TapId;

/// Legs that began and were not taken yet.
const MAX_BEGUN: usize = 256;
/// Pieces of one leg that were not taken yet: some ten seconds.
const MAX_PIECES: usize = 100;

/// A leg that has begun. Its sound ends with the leg.
#[derive(Debug)]
pub struct LiveLeg {
    /// For [`super::CallTap::speaker`].
    pub id: TapId,
    pub rate_hz: u32,
    pub sound: mpsc::Receiver<Sound>,
}

/// Samples of one leg in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    /// Samples of the leg before these. Larger than what came so far: a pause, or pieces that were dropped.
    pub at: u64,
    pub samples: Vec<i16>,
}

/// Who speaks on a leg, as far as it was told by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    pub call_id: CallId,
    pub leg: Leg,
    pub seat: Option<String>,
}

/// Where legs that begin are announced.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    taker: Mutex<Option<mpsc::Sender<LiveLeg>>>,
    dropped: Arc<AtomicU64>,
}

impl Listeners {
    /// From now on every leg that begins comes here; an earlier taker gets no more.
    pub(super) fn take(&self) -> mpsc::Receiver<LiveLeg> {
        let (sender, begun) = mpsc::channel(MAX_BEGUN);
        *lock(&self.taker) = Some(sender);
        begun
    }

    /// Pieces and whole legs that were not taken in time.
    pub(super) fn dropped_total(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// `None` when nobody listens.
    fn begin(&self, id: TapId, rate_hz: u32) -> Option<mpsc::Sender<Sound>> {
        let taker = lock(&self.taker).clone().filter(|taker| !taker.is_closed())?;
        let (sender, sound) = mpsc::channel(MAX_PIECES);
        if taker.try_send(LiveLeg { id, rate_hz, sound }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(sender)
    }
}

/// The live end of one leg.
#[derive(Debug)]
pub(super) struct Feed {
    id: TapId,
    begun: bool,
    listener: Option<mpsc::Sender<Sound>>,
}

impl Feed {
    pub(super) fn new(id: TapId) -> Self {
        Self { id, begun: false, listener: None }
    }

    pub(super) fn give(&mut self, listeners: &Listeners, rate_hz: u32, pieces: Vec<Sound>) {
        if pieces.is_empty() {
            return;
        }
        if !self.begun {
            self.begun = true;
            self.listener = listeners.begin(self.id, rate_hz);
        }
        let Some(listener) = &self.listener else { return };
        for piece in pieces.into_iter().filter(|piece| !piece.samples.is_empty()) {
            match listener.try_send(piece) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(_)) => {
                    listeners.dropped.fetch_add(1, Ordering::Relaxed);
                }
                Err(mpsc::error::TrySendError::Closed(_)) => {
                    self.listener = None;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(at: u64) -> Sound {
        Sound { at, samples: vec![1; 800] }
    }

    /// A listener that falls behind loses the newest, the loss is counted and shows in the places; one that goes away
    /// costs nothing, and a leg that nobody asked for holds nothing.
    #[test]
    fn a_slow_listener_holds_up_nobody() {
        let listeners = Listeners::default();
        let mut unheard = Feed::new(1);
        unheard.give(&listeners, 8_000, vec![piece(0)]);
        let mut begun = listeners.take();
        // It began before anybody listened.
        unheard.give(&listeners, 8_000, vec![piece(800)]);
        assert!(begun.try_recv().is_err());

        let mut feed = Feed::new(2);
        for n in 0..MAX_PIECES as u64 + 3 {
            feed.give(&listeners, 8_000, vec![piece(n * 800)]);
        }
        let mut leg = begun.try_recv().unwrap();
        assert_eq!((leg.id, leg.rate_hz, listeners.dropped_total()), (2, 8_000, 3));
        let taken: Vec<u64> = std::iter::from_fn(|| leg.sound.try_recv().ok()).map(|s| s.at).collect();
        assert_eq!(taken, (0..MAX_PIECES as u64).map(|n| n * 800).collect::<Vec<_>>());
        feed.give(&listeners, 8_000, vec![piece(1_000_000)]);
        assert_eq!(leg.sound.try_recv().unwrap().at, 1_000_000);
        drop(leg);
        feed.give(&listeners, 8_000, vec![piece(2_000_000)]);
        assert!(feed.listener.is_none());
        assert_eq!(listeners.dropped_total(), 3);
    }
}
