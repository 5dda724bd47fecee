//! What is believed of a thing that has come to rest: a parked car stays where it is though the detector loses it
//! behind a passing lorry, in headlights or at night, until its place looks different.

use protocol::{Label, NormBox, UtcMs};

/// So long a thing must have stood before its place is watched.
const AFTER_MS: i64 = 2_000;
/// Share of the latest looks in which the detector must have seen it: what it sees now and then is a mistake, and
/// would be carried on for ever.
const SEEN_SHARE: f32 = 0.6;
/// Weight of one look in that share.
const LOOK: f32 = 0.1;
/// A place this much alike still holds the same thing; one less alike than the second has changed.
const SAME: f32 = 0.9;
const CHANGED: f32 = 0.7;
/// Changed looks after which the thing has left.
const LOOKS: u32 = 2;
/// While nothing can be told of the place (something passes in front, it is too dark), the thing is believed to be
/// there for this long.
const HIDDEN_MS: i64 = 20_000;

/// Share of a thing that lies in a box which is of it and of somebody before it, and how much larger that box is.
const HELD: f32 = 0.7;
const GROWN: f32 = 1.25;
/// An edge that moves by less, in sizes of the thing, is the detector's trembling.
const TREMBLES: f32 = 0.1;

/// A thing at rest, as the watch over its place wants it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resting {
    pub id: u64,
    /// The box it came to rest in.
    pub place: NormBox,
    /// The detector saw it in the last frame that was looked at.
    pub seen: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Rest {
    seen_share: f32,
    /// When its place last looked as it did when it came to rest.
    same_at: Option<UtcMs>,
    changed: u32,
    /// Since when it has been seen larger at one edge.
    stretched_at: Option<UtcMs>,
}

impl Rest {
    /// One look of the detector, that saw it or not.
    pub(super) fn looked(&mut self, seen: bool) {
        self.seen_share += LOOK * (f32::from(u8::from(seen)) - self.seen_share);
    }

    /// It has left its place before everybody's eyes.
    pub(super) fn moved(&mut self) {
        (self.same_at, self.changed) = (None, 0);
    }

    /// Is its place worth watching? Living things are not carried: they leave when nobody looks.
    pub(super) fn believed(&self, label: Label, still_ms: i64) -> bool {
        stays(label) && (self.same_at.is_some() || still_ms >= AFTER_MS && self.seen_share >= SEEN_SHARE)
    }

    /// Is a sight of this box one of the thing, last seen in `place`, and of somebody before it? What has come to rest
    /// does not grow: a box that holds it and much more, and of which the detector is in doubt (`unsure`), is of two; and
    /// so is, for as long as somebody may stand there, one that has grown at a single edge. What comes straight on grows
    /// at all.
    pub(super) fn is_of_two(
        &mut self,
        at: UtcMs,
        label: Label,
        still_ms: i64,
        place: &NormBox,
        sight: &NormBox,
        unsure: bool,
    ) -> bool {
        let both = place.iou(sight);
        let held = both / (1.0 + both) * (place.area() + sight.area());
        let larger = stays(label)
            && still_ms >= AFTER_MS
            && held >= HELD * place.area()
            && sight.area() >= GROWN * place.area();
        let stretched = larger && grown_edges(place, sight) == 1;
        self.stretched_at = stretched.then(|| self.stretched_at.unwrap_or(at));
        let for_now = self.stretched_at.is_some_and(|since| at.since_ms(since) <= HIDDEN_MS);
        larger && (unsure || for_now)
    }

    /// Its place was compared. `unseen`: the detector did not see it in this frame.
    pub(super) fn compared(&mut self, at: UtcMs, alike: f32, unseen: bool) {
        if alike >= SAME {
            (self.same_at, self.changed) = (Some(at), 0);
        } else if unseen && alike < CHANGED && self.same_at.is_some() {
            self.changed += 1;
        } else if !unseen {
            self.changed = 0;
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.same_at.is_some() && self.changed < LOOKS
    }

    pub(super) fn has_left(&self) -> bool {
        self.changed >= LOOKS
    }

    /// How long after its last sight it is still believed to be there.
    pub(super) fn patience_ms(&self, at: UtcMs, last_seen: UtcMs) -> i64 {
        match self.same_at {
            Some(same) if at.since_ms(same) <= HIDDEN_MS => at.since_ms(last_seen),
            _ => 0,
        }
    }
}

/// Edges that moved outwards by more than a tenth of the size.
fn grown_edges(place: &NormBox, sight: &NormBox) -> usize {
    let (dx, dy) = (place.w * TREMBLES, place.h * TREMBLES);
    let out = [
        place.x - sight.x > dx,
        (sight.x + sight.w) - (place.x + place.w) > dx,
        place.y - sight.y > dy,
        (sight.y + sight.h) - (place.y + place.h) > dy,
    ];
    out.into_iter().filter(|edge| *edge).count()
}

/// Things that stay where they are put, until somebody moves them.
fn stays(label: Label) -> bool {
    matches!(
        label,
        Label::Bicycle
            | Label::Motorcycle
            | Label::Ebike
            | Label::Car
            | Label::Bus
            | Label::Truck
            | Label::Bag
            | Label::Object
    )
}
