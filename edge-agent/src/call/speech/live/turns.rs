//! When somebody on a leg begins and stops speaking, window by window. Pure.

use crate::call::vad::Windows;

/// Windows of voice in a row that begin a stretch of speech: a click is shorter.
const ONSET: u32 = 3;
/// Silence that ends it. Shorter pauses are breaths.
const HANG_MS: u64 = 350;
/// After this long a breath ends it too,
const LONG_MS: u64 = 15_000;
const BREATH_MS: u64 = 96;
/// and after this long nothing is waited for: a word may be cut, no recogniser meets an endless stretch.
const LONGEST_MS: u64 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Silence,
    /// This window is the first that counts as speech; what came shortly before belongs to it.
    Begins,
    Speech,
    /// Somebody has stopped; the last voice was `silent_ms` before the end of this window.
    Ends {
        silent_ms: u64,
    },
    /// It has gone on for too long; the next window belongs to a new stretch.
    Cut,
}

#[derive(Debug, Default)]
pub(super) struct Turns {
    onset: u32,
    /// Length of the stretch and of the silence at its end.
    speaking: Option<(u64, u64)>,
}

impl Turns {
    /// The next window scored `score`.
    pub(super) fn next(&mut self, score: f32) -> Turn {
        let Some((length_ms, silent_ms)) = &mut self.speaking else {
            self.onset = if score >= Windows::ENTER { self.onset + 1 } else { 0 };
            if self.onset < ONSET {
                return Turn::Silence;
            }
            self.onset = 0;
            self.speaking = Some((0, 0));
            return Turn::Begins;
        };
        *length_ms += Windows::MS;
        *silent_ms = if score >= Windows::STAY { 0 } else { *silent_ms + Windows::MS };
        let (length_ms, silent_ms) = (*length_ms, *silent_ms);
        if silent_ms >= HANG_MS || length_ms >= LONG_MS && silent_ms >= BREATH_MS {
            self.speaking = None;
            return Turn::Ends { silent_ms };
        }
        if length_ms >= LONGEST_MS {
            self.speaking = Some((0, 0));
            return Turn::Cut;
        }
        Turn::Speech
    }

    /// What came was broken off; the next window has nothing to do with it.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(turns: &mut Turns, score: f32, ms: u64) -> Vec<Turn> {
        (0..ms / Windows::MS).map(|_| turns.next(score)).collect()
    }

    fn ends(turns: &[Turn]) -> usize {
        turns.iter().filter(|t| matches!(t, Turn::Ends { .. })).count()
    }

    /// A click begins nothing; a breath ends nothing; a pause ends it once, and says how long it was.
    #[test]
    fn begins_and_ends() {
        let mut turns = Turns::default();
        assert_eq!(run(&mut turns, 0.9, 32), [Turn::Silence; 2]);
        assert_eq!(run(&mut turns, 0.1, 160), [Turn::Silence; 10]);
        let spoken = run(&mut turns, 0.9, 480);
        assert_eq!(spoken.iter().position(|t| *t == Turn::Begins), Some(2));
        assert_eq!(ends(&run(&mut turns, 0.1, 320)), 0);
        assert_eq!(run(&mut turns, 0.4, 160), [Turn::Speech; 10], "quiet voice goes on");
        let pause = run(&mut turns, 0.1, 800);
        assert_eq!(pause.iter().position(|t| matches!(t, Turn::Ends { .. })), Some(21));
        assert_eq!((ends(&pause), pause[21]), (1, Turn::Ends { silent_ms: 352 }));
    }

    /// Who talks without end is cut at a breath, or at twenty seconds at the latest, and goes on.
    #[test]
    fn nobody_speaks_for_ever() {
        let mut turns = Turns::default();
        run(&mut turns, 0.9, 16_000);
        assert_eq!(ends(&run(&mut turns, 0.1, 112)), 1);
        let talk = run(&mut turns, 0.9, 62_000);
        let cuts: Vec<usize> =
            talk.iter().enumerate().filter(|(_, t)| **t == Turn::Cut).map(|(i, _)| i).collect();
        assert_eq!(cuts.len(), 3);
        assert!(cuts.windows(2).all(|pair| (pair[1] - pair[0]) as u64 * Windows::MS == LONGEST_MS));
    }
}
