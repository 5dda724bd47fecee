//! The last failure of a station that goes on trying: said once in the log, shown for as long as it lasts.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub struct LastError(Mutex<Option<String>>);

impl LastError {
    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self) -> Option<String> {
        self.lock().clone()
    }

    /// True when it is another one than before, and so worth a line in the log.
    pub fn set(&self, text: &str) -> bool {
        let mut last = self.lock();
        let news = last.as_deref() != Some(text);
        if news {
            *last = Some(text.to_owned());
        }
        news
    }

    pub fn clear(&self) {
        *self.lock() = None;
    }
}
