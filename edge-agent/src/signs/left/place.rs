//! What each place of the picture has long shown, what it shows now, and for how long.

use super::Colour;

/// Differences of luma and of chroma (sum of both) that count, on a place as calm as can be.
const LUMA: f32 = 14.0;
pub(super) const CHROMA: f32 = 11.0;
/// How much more restless places need, in mean deviations, and at most.
const RESTLESS: f32 = 3.0;
const MOST_RESTLESS: f32 = 30.0;
/// A candidate hidden for as long as it was seen, or this long, is forgotten.
const HIDDEN_S: f32 = 30.0;
pub(super) const ABSORB_S: f32 = 1_200.0;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) long: Colour,
    /// Mean deviation of luma from `long` while that is what is seen.
    pub(super) restless: f32,
    pub(super) candidate: Colour,
    /// Mean over the last seconds of what looked nearly like `long`.
    pub(super) recent: Colour,
    pub(super) seen_s: f32,
    pub(super) hidden_s: f32,
    /// What this frame shows: neither, the long-term colour, or the candidate.
    pub(super) shows: Shows,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Shows {
    #[default]
    Neither,
    Long,
    Candidate,
}

impl Place {
    pub(super) fn show(&mut self, now: Colour, step_s: f32, daylight: f32, candidate: f32) {
        let margin = (RESTLESS * self.restless).min(MOST_RESTLESS);
        if alike(now, self.long, margin) {
            self.shows = Shows::Long;
            blend(&mut self.recent, now, candidate);
            self.restless += ((now[0] - self.long[0]).abs() - self.restless) * daylight;
            blend(&mut self.long, now, daylight);
            // Taken away, it is forgotten in two seconds, however long it lay there.
            self.seen_s = (self.seen_s - (4.0 + 2.0 * self.seen_s) * step_s).max(0.0);
        } else if self.seen_s > 0.0 && alike(now, self.candidate, margin.min(LUMA)) {
            self.shows = Shows::Candidate;
            blend(&mut self.candidate, now, candidate);
            self.seen_s += step_s;
            self.hidden_s = 0.0;
        } else {
            self.shows = Shows::Neither;
            self.hidden_s += step_s;
            if self.hidden_s >= self.seen_s.min(HIDDEN_S) {
                (self.candidate, self.seen_s, self.hidden_s) = (now, step_s, 0.0);
            }
        }
        if self.seen_s > ABSORB_S {
            (self.long, self.seen_s) = (self.candidate, 0.0);
        }
    }
}

fn alike(a: Colour, b: Colour, margin: f32) -> bool {
    (a[0] - b[0]).abs() <= LUMA + margin && (a[1] - b[1]).abs() + (a[2] - b[2]).abs() <= CHROMA + margin * 0.3
}

pub(super) fn apart(a: Colour, b: Colour) -> f32 {
    (a[0] - b[0]).abs() + 2.0 * ((a[1] - b[1]).abs() + (a[2] - b[2]).abs())
}

pub(super) fn blend(mean: &mut Colour, now: Colour, share: f32) {
    for (mean, now) in mean.iter_mut().zip(now) {
        *mean += (now - *mean) * share;
    }
}
