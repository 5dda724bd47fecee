//! A picture that has stopped: where the sensor's noise was, each frame is as the one before.
//!
//! A still street is not a still picture. But an encoder saves bits on it by copying, from one keyframe to the next,
//! and what is decoded then has no noise either: the longest such time that ended by itself is remembered, and a
//! freeze must last much longer. A clock that the camera writes into its picture may go on.

use crate::frame::Picture;

/// One row in so many is compared, in pieces of so many pixels.
const EVERY: usize = 8;
const PIECE: usize = 32;
/// Mean change of a piece, in grey levels, that is more than the rounding of a decoder.
const ALIVE: f32 = 0.05;
/// Share of pieces that may live on in a frozen picture.
const CLOCK: f32 = 0.03;
/// Share of pieces that must usually be alive for a freeze to mean anything.
const LIVELY: f32 = 0.3;
const USUAL_S: f32 = 30.0;
/// A freeze lasts so long at least, and so many times the longest that was none.
const LEAST_S: f32 = 5.0;
const TIMES: f32 = 3.0;
/// The first seconds only teach.
const LEARN_S: f32 = 8.0;

#[derive(Debug, Default)]
pub(super) struct Freeze {
    last: Vec<u8>,
    usual: f32,
    watched_s: f32,
    still_s: f32,
    longest_s: f32,
}

impl Freeze {
    /// 0.5 and above: frozen.
    pub(super) fn look(&mut self, step_s: f32, picture: &Picture) -> f32 {
        let width = picture.width;
        if width == 0 {
            return 0.0;
        }
        let rows = || picture.y.chunks_exact(width).step_by(EVERY);
        let size = rows().len() * width;
        let (mut alive, mut pieces) = (0_u32, 0_u32);
        if self.last.len() == size {
            for (now, was) in rows().zip(self.last.chunks_exact(width)) {
                for (now, was) in now.chunks(PIECE).zip(was.chunks(PIECE)) {
                    let change: u32 = now.iter().zip(was).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
                    alive += u32::from(change as f32 > ALIVE * now.len() as f32);
                    pieces += 1;
                }
            }
        }
        self.last.clear();
        rows().for_each(|row| self.last.extend_from_slice(row));
        if pieces == 0 {
            self.still_s = 0.0;
            return 0.0;
        }
        self.judge(step_s, alive as f32 / pieces as f32)
    }

    fn judge(&mut self, step_s: f32, alive: f32) -> f32 {
        self.watched_s += step_s;
        let still = alive <= CLOCK.min(self.usual * 0.1);
        if !still {
            // Only what ended by itself, and only what was too short to be told of.
            if self.still_s < self.needed_s() {
                self.longest_s = self.longest_s.max(self.still_s);
            }
            self.still_s = 0.0;
            let tau_s = USUAL_S.min(self.watched_s.max(step_s));
            self.usual += (alive - self.usual) * super::share(step_s, tau_s);
            return 0.0;
        }
        if self.watched_s < LEARN_S || self.usual < LIVELY {
            return 0.0;
        }
        self.still_s += step_s;
        0.5 * self.still_s / self.needed_s()
    }

    fn needed_s(&self) -> f32 {
        LEAST_S.max(TIMES * self.longest_s)
    }
}
