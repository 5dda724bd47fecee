//! Sources that open and end again and again. Pure.
//!
//! A source that tells of its case [`TIMES`] times within [`WITHIN_MS`] flaps: from then on each further telling is counted
//! and kept, but is no row of the history of its own. One row says that it began, one that it is over, with the count.

use protocol::UtcMs;

pub const TIMES: i64 = 10;
pub const WITHIN_MS: i64 = 10 * 60_000;

/// How often a source has told of its case lately.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Recent {
    pub from_ms: i64,
    pub count: i64,
    pub damped_since_ms: Option<i64>,
    /// Tellings that were only counted.
    pub damped_count: i64,
}

/// What the next telling is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// A row of the history.
    Noted,
    /// From here on it flaps.
    Began,
    /// Only counted.
    Counted,
    /// It had flapped, with so many that were only counted, and this one is noted again.
    Calmed(i64),
}

impl Recent {
    pub fn tell(&mut self, now: UtcMs) -> Telling {
        if now.0 - self.from_ms >= WITHIN_MS {
            let calm = self.is_calm(now);
            (self.from_ms, self.count) = (now.0, 1);
            if calm {
                return Telling::Calmed(self.end());
            }
        } else {
            self.count += 1;
        }
        match self.damped_since_ms {
            Some(_) => {
                self.damped_count += 1;
                Telling::Counted
            }
            None if self.count >= TIMES => {
                self.damped_since_ms = Some(now.0);
                Telling::Began
            }
            None => Telling::Noted,
        }
    }

    /// Whether a source that flapped has been quiet for a while.
    pub fn is_calm(&self, now: UtcMs) -> bool {
        let quiet = self.count < TIMES && now.0 - self.from_ms >= WITHIN_MS;
        self.damped_since_ms.is_some() && (quiet || now.0 - self.from_ms >= 2 * WITHIN_MS)
    }

    /// Ends the damping; returns how many were only counted.
    pub fn end(&mut self) -> i64 {
        self.damped_since_ms = None;
        std::mem::take(&mut self.damped_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000;

    /// The tenth telling within ten minutes begins it; the rest are counted; a calm stretch ends it with the count.
    #[test]
    fn begins_counts_and_calms() {
        let mut recent = Recent { from_ms: 0, count: 1, ..Recent::default() };
        let told: Vec<Telling> = (1..=30).map(|at| recent.tell(UtcMs(at * SECOND))).collect();
        assert_eq!(told[7], Telling::Noted);
        assert_eq!(told[8], Telling::Began, "the tenth");
        assert!(told[9..].iter().all(|one| *one == Telling::Counted));
        assert_eq!(recent.damped_count, 21);
        assert!(!recent.is_calm(UtcMs(WITHIN_MS + SECOND)), "it was many until just now");
        let calm = UtcMs(2 * WITHIN_MS);
        assert!(recent.is_calm(calm));
        assert_eq!(recent.tell(calm), Telling::Calmed(21));
        assert_eq!((recent.count, recent.damped_since_ms, recent.damped_count), (1, None, 0));
        assert_eq!(recent.tell(calm), Telling::Noted);
    }

    /// One that goes on without a pause stays damped; one that tells now and then never is.
    #[test]
    fn only_what_is_often_flaps() {
        let mut fast = Recent::default();
        let told: Vec<Telling> = (1..=400).map(|at| fast.tell(UtcMs(at * 10 * SECOND))).collect();
        assert_eq!(told.iter().filter(|one| **one == Telling::Began).count(), 1);
        assert!(told.iter().all(|one| !matches!(one, Telling::Calmed(_))));
        let mut slow = Recent::default();
        assert!((1..=400).all(|at| slow.tell(UtcMs(at * 70 * SECOND)) == Telling::Noted));
    }
}
