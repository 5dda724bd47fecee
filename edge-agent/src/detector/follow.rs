//! Follows the files of a model: where others are put in their place, the new ones take over without a restart.

use std::sync::{Arc, Mutex, PoisonError};

use models::Edition;

use super::look::{Loader, Look};

/// How often the files are looked at. Two looks in a row must find the same: somebody may still be copying.
const EVERY_MS: u64 = 2_000;

/// What the files of a model are now; `None` while they are not all there.
pub(super) type EditionOf = Arc<dyn Fn() -> Option<Edition> + Send + Sync>;

pub(super) struct Follow {
    edition: EditionOf,
    /// What was loaded, or tried, last.
    tried: Arc<Mutex<Option<Edition>>>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    edition: Option<Edition>,
    next_ms: u64,
}

impl Follow {
    /// Also the loader, which from now on notes what it loads.
    pub(super) fn new<L: Look>(edition: EditionOf, mut loader: Loader<L>) -> (Self, Loader<L>) {
        let tried: Arc<Mutex<Option<Edition>>> = Arc::default();
        let (now, noted) = (Arc::clone(&edition), Arc::clone(&tried));
        let noting = move || {
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = now();
            loader()
        };
        (Self { edition, tried, seen: Mutex::default() }, Box::new(noting))
    }

    /// Whether other files lie there than were tried last, and have for a while.
    pub(super) fn changed(&self, now_ms: u64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now_ms < seen.next_ms {
            return false;
        }
        seen.next_ms = now_ms + EVERY_MS;
        let now = (self.edition)();
        let before = std::mem::replace(&mut seen.edition, now.clone());
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        now.is_some() && now == before && now != *tried
    }
}
