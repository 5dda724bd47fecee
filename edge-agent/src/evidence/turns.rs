//! Encoding again costs whole cores: one video at a time. Clips that must be covered come before viewing copies, which
//! only repeat what is there already.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Clips that wait for their turn. One more waits on disk, or is told to ask again.
const MAX_CLIPS: usize = 16;
/// The same of viewing copies.
const MAX_COPIES: usize = 64;
/// How often a viewing copy looks whether a clip waits.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Clone)]
pub(super) struct Turns {
    encoding: Arc<Semaphore>,
    clips: Arc<Semaphore>,
    copies: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn new() -> Self {
        let of = |permits| Arc::new(Semaphore::new(permits));
        Self { encoding: of(1), clips: of(MAX_CLIPS), copies: of(MAX_COPIES) }
    }

    /// For whoever can ask again later: not when too many wait already.
    pub(super) async fn for_clip(&self) -> Result<OwnedSemaphorePermit> {
        let place = self.clips.clone().try_acquire_owned();
        let _place = place.map_err(|_| anyhow!("{MAX_CLIPS} clips wait to be encoded already"))?;
        self.encoding.clone().acquire_owned().await.context("the recorder has gone")
    }

    /// For a clip whose units lie safely on disk: however many wait, its turn comes.
    pub(super) async fn for_spooled_clip(&self) -> Result<OwnedSemaphorePermit> {
        let _place = self.clips.clone().acquire_owned().await.context("the recorder has gone")?;
        self.encoding.clone().acquire_owned().await.context("the recorder has gone")
    }

    pub(super) async fn for_copy(&self) -> Result<OwnedSemaphorePermit> {
        let place = self.copies.clone().try_acquire_owned();
        let _place = place.map_err(|_| anyhow!("{MAX_COPIES} viewing copies wait to be made already"))?;
        loop {
            if self.clips.available_permits() == MAX_CLIPS
                && let Ok(turn) = self.encoding.clone().try_acquire_owned()
            {
                return Ok(turn);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One at a time, a clip before a viewing copy that waited longer; beyond the bound it is refused in words, or waits
    /// where it lies on disk.
    #[tokio::test(start_paused = true)]
    async fn clips_go_first() {
        let turns = Turns::new();
        let first = turns.for_copy().await.unwrap();
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let wait = |name: &'static str| {
            let (turns, order) = (turns.clone(), order.clone());
            tokio::spawn(async move {
                let turn = match name {
                    "copy" => turns.for_copy().await.unwrap(),
                    "spooled" => turns.for_spooled_clip().await.unwrap(),
                    _ => turns.for_clip().await.unwrap(),
                };
                order.lock().unwrap().push(name);
                tokio::time::sleep(Duration::from_secs(1)).await;
                drop(turn);
            })
        };
        let copy = wait("copy");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let clips: Vec<_> = (0..MAX_CLIPS).map(|_| wait("clip")).collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(turns.for_clip().await.is_err());
        let more: Vec<_> = (0..4).map(|_| wait("spooled")).collect();
        drop(first);
        for task in clips.into_iter().chain(more).chain([copy]) {
            task.await.unwrap();
        }
        let order = order.lock().unwrap();
        assert_eq!((order.len(), order.last()), (MAX_CLIPS + 5, Some(&"copy")));
        assert_eq!(order.iter().filter(|name| **name == "spooled").count(), 4);
    }
}
