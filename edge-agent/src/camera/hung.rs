//! Decoders and encoders that hung in this process.
//!
//! A driver that hangs once mostly hangs again, and each time somebody waits long and a thread may never come back. So
//! whoever hung is tried last for a while, longer after each time, and is forgiven then: it may have been the stream, or
//! a machine that had no breath left.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use protocol::{Clock as _, SystemClock};

use super::decode::Hangs;

/// After the first time; twice as long after each that follows.
const FORGIVEN_AFTER_MS: u64 = 600_000;
const MOST_MS: u64 = 24 * 3_600_000;

/// By the name of the factory.
#[derive(Debug, Default)]
struct Record(BTreeMap<String, Entry>);

#[derive(Debug, Default)]
struct Entry {
    until_ms: u64,
    wait_ms: u64,
}

impl Record {
    fn note(&mut self, name: &str, now_ms: u64) {
        let entry = self.0.entry(name.to_owned()).or_default();
        // The others that used it at the same time tell nothing new.
        if now_ms >= entry.until_ms {
            entry.wait_ms = (entry.wait_ms * 2).clamp(FORGIVEN_AFTER_MS, MOST_MS);
            entry.until_ms = now_ms + entry.wait_ms;
        }
    }

    fn holds(&self, name: &str, now_ms: u64) -> bool {
        self.0.get(name).is_some_and(|entry| now_ms < entry.until_ms)
    }
}

static CLOCK: LazyLock<SystemClock> = LazyLock::new(SystemClock::new);
static RECORD: Mutex<Record> = Mutex::new(Record(BTreeMap::new()));

fn record() -> MutexGuard<'static, Record> {
    RECORD.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn note(name: &str) {
    tracing::warn!(name, "it hung: for a while it is tried last");
    record().note(name, CLOCK.uptime_ms());
}

pub(crate) fn note_if_hung(name: &str, error: &anyhow::Error) {
    if error.is::<Hangs>() {
        note(name);
    }
}

/// Whether it hung a while ago and is not forgiven yet.
pub(crate) fn holds(name: &str) -> bool {
    record().holds(name, CLOCK.uptime_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten minutes, then twenty, a day at most; several cameras that meet one hang at once count as one.
    #[test]
    fn what_hung_is_forgiven_ever_later() {
        let mut record = Record::default();
        assert!(!record.holds("vah264dec", 0));
        for now_ms in [1_000, 1_500, 9_000] {
            record.note("vah264dec", now_ms);
        }
        assert!(record.holds("vah264dec", 600_999) && !record.holds("avdec_h264", 2_000));
        assert!(!record.holds("vah264dec", 601_000));
        record.note("vah264dec", 700_000);
        assert!(record.holds("vah264dec", 1_899_999) && !record.holds("vah264dec", 1_900_000));
        for n in 1..20 {
            record.note("vah264dec", n * 200_000_000);
        }
        assert!(record.holds("vah264dec", 19 * 200_000_000 + MOST_MS - 1));
        assert!(!record.holds("vah264dec", 19 * 200_000_000 + MOST_MS));
    }
}
