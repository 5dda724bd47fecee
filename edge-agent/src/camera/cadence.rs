//! Which pictures of a stream are analysed: a pure choice over media time, the same at any playing speed.

/// Passes at most `fps` pictures per second of media time and never repeats one.
#[derive(Debug)]
pub(crate) struct Cadence {
    fps: f32,
    next_us: Option<i64>,
}

impl Cadence {
    pub(crate) fn new(fps: f32) -> Self {
        Self { fps, next_us: None }
    }

    /// Whether the picture at `at_us` is taken. Ten milliseconds of slack keep 25 pictures per
    /// second thinned to 5 from becoming 4 when the camera's clock trembles.
    pub(crate) fn takes(&mut self, at_us: i64) -> bool {
        self.takes_at(at_us, 1.0)
    }

    /// As [`Self::takes`], at a share of the rate ([`at_share`]).
    pub(crate) fn takes_at(&mut self, at_us: i64, share: f32) -> bool {
        let interval_us = interval_us(at_share(self.fps, share));
        let slack = (interval_us / 10).min(10_000);
        let next = match self.next_us {
            // Time stepped back (a new session) or far ahead (a gap): begin again here.
            Some(next) if at_us < next - 2 * interval_us || at_us > next + interval_us => at_us,
            Some(next) if at_us + slack < next => return false,
            Some(next) => next,
            None => at_us,
        };
        self.next_us = Some(next + interval_us);
        true
    }
}

/// A share of a rate, but not less than the one picture a second that tracking and blurring live on, where more was asked
/// for.
pub(crate) fn at_share(fps: f32, share: f32) -> f32 {
    (fps * share).max(fps.min(1.0))
}

fn interval_us(fps: f32) -> i64 {
    (1e6 / f64::from(fps.max(0.01))).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(fps: f32, times: impl Iterator<Item = i64>) -> usize {
        let mut cadence = Cadence::new(fps);
        times.filter(|at| cadence.takes(*at)).count()
    }

    /// 25 per second become 5, also with trembling times; 3 per second stay 3.
    #[test]
    fn thins_and_never_repeats() {
        assert_eq!(taken(5.0, (0..250).map(|i| i * 40_000)), 50);
        assert_eq!(taken(5.0, (0..250).map(|i| i * 40_000 + (i * 7_919 % 9_000))), 50);
        assert_eq!(taken(5.0, (0..30).map(|i| i * 333_333)), 30);
        assert_eq!(taken(0.5, (0..250).map(|i| i * 40_000)), 5);
        assert_eq!(taken(7.0, (0..140).map(|i| i * 142_857)), 140);
    }

    /// At a part of the rate a part of the pictures are taken, evenly; never fewer than one a second, or than was asked for.
    #[test]
    fn a_share_of_the_rate() {
        let taken = |fps: f32, share: f32| {
            let mut cadence = Cadence::new(fps);
            (0..250).filter(|i| cadence.takes_at(i * 40_000, share)).count()
        };
        assert_eq!(taken(5.0, 0.5), 25);
        assert_eq!(taken(5.0, 0.01), 10);
        assert_eq!(taken(0.5, 0.2), 5);
        let mut cadence = Cadence::new(5.0);
        let slow = (0..125).filter(|i| cadence.takes_at(i * 40_000, 0.4)).count();
        let fast = (125..250).filter(|i| cadence.takes_at(i * 40_000, 1.0)).count();
        assert_eq!((slow, fast), (10, 25), "it follows at once");
    }

    /// A step back or a gap begins anew instead of stalling or bursting.
    #[test]
    fn survives_jumps() {
        let mut cadence = Cadence::new(5.0);
        assert!(cadence.takes(10_000_000));
        assert!(cadence.takes(0), "a new session");
        assert!(!cadence.takes(40_000));
        assert!(cadence.takes(60_000_000));
        assert!(!cadence.takes(60_040_000));
    }
}
