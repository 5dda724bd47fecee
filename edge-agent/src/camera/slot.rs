//! The newest decoded frame of one camera. A frame that nobody took in time is replaced and counted: what
//! is analysed is always now.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::frame::Frame;

#[derive(Clone, Default)]
pub struct FrameSlot(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    arrived: Condvar,
    notify: Notify,
}

#[derive(Default)]
struct State {
    newest: Option<Frame>,
    closed: bool,
    replaced: u64,
}

impl FrameSlot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn put(&self, frame: Frame) {
        let mut state = self.lock();
        if state.newest.replace(frame).is_some() {
            state.replaced += 1;
        }
        drop(state);
        self.0.arrived.notify_one();
        self.0.notify.notify_one();
    }

    /// No frame will follow: the last one can still be taken, then receivers get `None`.
    pub fn close(&self) {
        self.lock().closed = true;
        self.0.arrived.notify_all();
        self.0.notify.notify_waiters();
        self.0.notify.notify_one();
    }

    /// Frames that were replaced before anybody took them.
    pub fn replaced(&self) -> u64 {
        self.lock().replaced
    }

    pub fn try_take(&self) -> Option<Frame> {
        self.lock().newest.take()
    }

    /// The next frame; `None` when the camera was stopped or its file ended. One receiver at a time.
    pub async fn recv(&self) -> Option<Frame> {
        loop {
            {
                let mut state = self.lock();
                if let Some(frame) = state.newest.take() {
                    return Some(frame);
                }
                if state.closed {
                    return None;
                }
            }
            // A `put` between the look above and this wait leaves a permit, so it is not missed.
            self.0.notify.notified().await;
        }
    }

    /// As [`recv`](Self::recv) for a thread; also `None` when `wait` has passed.
    pub fn recv_timeout(&self, wait: Duration) -> Option<Frame> {
        let state = self.lock();
        let (mut state, _) = self
            .0
            .arrived
            .wait_timeout_while(state, wait, |s| s.newest.is_none() && !s.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.newest.take()
    }

    /// Whether no frame will follow; the last may still be there to be taken.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Whether no frame will come out any more.
    pub fn is_done(&self) -> bool {
        let state = self.lock();
        state.closed && state.newest.is_none()
    }
}

#[cfg(test)]
mod tests {
    use protocol::UtcMs;

    use super::*;
    use crate::frame::Picture;

    fn frame(sequence: u64) -> Frame {
        let picture = Arc::new(Picture { width: 2, height: 2, y: vec![0; 4], u: vec![0], v: vec![0] });
        Frame { camera_id: "a".parse().unwrap(), sequence, captured_at: UtcMs(0), picture }
    }

    /// A slow receiver sees the newest frame, and what it missed is counted.
    #[tokio::test]
    async fn newest_wins_and_losses_count() {
        let slot = FrameSlot::default();
        for sequence in 1..=5 {
            slot.put(frame(sequence));
        }
        assert_eq!(slot.recv().await.unwrap().sequence, 5);
        assert_eq!(slot.replaced(), 4);
        assert!(slot.recv_timeout(Duration::from_millis(1)).is_none());
    }

    /// Closing lets the last frame out, then ends receivers of both kinds.
    #[tokio::test]
    async fn close_ends_receivers() {
        let slot = FrameSlot::default();
        slot.put(frame(1));
        slot.close();
        assert!(slot.is_closed() && !slot.is_done());
        assert_eq!(slot.recv().await.unwrap().sequence, 1);
        assert!(slot.recv().await.is_none());
        assert!(slot.recv_timeout(Duration::from_secs(60)).is_none());
        assert!(slot.is_done());
    }
}
