//! What the pixels of a picture say without a detector: flames, things left behind, and the state of the view itself.
//! Each method is computed only where a rule of the camera asks for it. Pure: pictures in, signs out.
//!
//! A sign is what one frame shows, in the light of those before it; how long it must last before somebody is told is
//! the rule's to say.

mod flame;
mod grid;
mod left;
mod steady;
mod view;

use protocol::{NormBox, UtcMs};
use serde::{Deserialize, Serialize};

use self::flame::FlameFinder;
use self::left::{Found, LeftFinder};
use self::view::ViewWatch;
use crate::frame::Picture;
use crate::motion::Motion;

/// Which methods to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub flame: bool,
    pub left: bool,
    pub view: bool,
}

impl Wanted {
    /// What of this `other` does not run, for people.
    pub fn beyond(self, other: Self) -> Vec<&'static str> {
        let methods = [
            ("flames by colour", self.flame && !other.flame),
            ("things left behind", self.left && !other.left),
            ("the state of the view", self.view && !other.view),
        ];
        methods.into_iter().filter(|(_, lacks)| *lacks).map(|(name, _)| name).collect()
    }
}

/// The methods of one camera, with what each has learned of it.
#[derive(Debug)]
pub struct SignReader {
    flame: Option<FlameFinder>,
    left: Option<LeftFinder>,
    view: Option<ViewWatch>,
}

impl SignReader {
    pub fn new(wanted: Wanted) -> Self {
        Self {
            flame: wanted.flame.then(FlameFinder::default),
            left: wanted.left.then(LeftFinder::default),
            view: wanted.view.then(ViewWatch::default),
        }
    }

    /// The next frame, with what the motion gate said of it. Parts hidden by masks are best burnt into the picture
    /// before: what never changes is nothing to any of the methods.
    pub fn look(&mut self, at: UtcMs, picture: &Picture, motion: &Motion) -> Signs {
        let found = self.left.as_mut().map_or_else(Found::default, |l| l.look(at, picture, motion));
        Signs {
            flames: self.flame.as_mut().map_or_else(Vec::new, |f| f.look(at, picture)),
            left: found.left,
            standing: found.standing,
            dark: self.left.as_ref().is_some_and(LeftFinder::is_dark),
            view: self.view.as_mut().map(|v| v.look(at, picture)),
        }
    }
}

/// What the classical methods found in one frame.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Signs {
    /// Regions that look and behave like flames.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flames: Vec<Sign>,
    /// Regions that differ from the long-term background, and have stood still.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<Sign>,
    /// The same, but higher than wide and only lately there: a thing, or somebody who stands there and whom no detector
    /// sees. After a minute it is among `left`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub standing: Vec<Sign>,
    /// The picture was taken in the dark: what a detector does not name may well be there. Told beside `left` alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dark: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
}

/// One region that a method points out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sign {
    pub region: NormBox,
    /// 0..=1 in two decimals.
    pub score: f32,
}

/// How strongly the frame shows that something is wrong with the view itself: 0..=1 in two decimals each, at 0.5 and
/// above it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct View {
    pub covered: f32,
    pub defocused: f32,
    pub moved: f32,
    pub frozen: f32,
}

impl Signs {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// To two decimals, within 0..=1.
fn score(value: f32) -> f32 {
    // Not a number is nothing.
    if value > 0.0 { (value.min(1.0) * 100.0).round() / 100.0 } else { 0.0 }
}

/// Time from frame to frame as the methods count it: a clock set back counts nothing, a gap no more than a second.
#[derive(Debug, Default)]
struct Steps(Option<UtcMs>);

impl Steps {
    fn to(&mut self, at: UtcMs) -> f32 {
        let since_ms = self.0.replace(at).map_or(0, |last| at.since_ms(last));
        since_ms.clamp(0, 1_000) as f32 / 1_000.0
    }
}

/// Share by which a mean of time constant `tau_s` moves in `step_s`.
fn share(step_s: f32, tau_s: f32) -> f32 {
    1.0 - (-step_s / tau_s).exp()
}

#[cfg(test)]
mod tests;
