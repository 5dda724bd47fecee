//! What a detector says of one frame, as one sight for each thing.

use super::{SAME, family};
use crate::frame::Detection;

/// Detections without their doubles: a detector that hesitates between car and truck names both at the same place. That
/// something of that kind is there is as sure as either is right; the name and the box of the surer one are taken.
pub(super) fn of_things(detections: &[Detection]) -> Vec<Detection> {
    let mut things: Vec<(Detection, f32)> = Vec::with_capacity(detections.len());
    let mut order: Vec<&Detection> = detections.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    for seen in order {
        let same = |(thing, _): &&mut (Detection, f32)| {
            thing.label != seen.label
                && family(thing.label) == family(seen.label)
                && thing.region.iou(&seen.region) >= SAME
        };
        match things.iter_mut().find(same) {
            Some((_, doubt)) => *doubt *= 1.0 - seen.score,
            None => things.push((*seen, 1.0 - seen.score)),
        }
    }
    things.into_iter().map(|(thing, doubt)| Detection { score: 1.0 - doubt, ..thing }).collect()
}

#[cfg(test)]
mod tests {
    use protocol::{Label, NormBox};

    use super::*;

    fn seen(label: Label, score: f32, x: f32) -> Detection {
        Detection { label, score, region: NormBox { x, y: 0.4, w: 0.2, h: 0.2 } }
    }

    /// Car and truck at one place are one vehicle, surer than either; a car beside it, a person in front of it and a
    /// second car at nearly the same place, which the detector itself has told apart, are others.
    #[test]
    fn hesitation_is_one_sight() {
        let car = seen(Label::Car, 0.28, 0.401);
        let others =
            [seen(Label::Car, 0.5, 0.6), seen(Label::Person, 0.3, 0.4), seen(Label::Truck, 0.36, 0.4), car];
        let things = of_things(&others);
        assert_eq!(
            things.iter().map(|d| d.label).collect::<Vec<_>>(),
            [Label::Car, Label::Truck, Label::Person]
        );
        assert!((things[1].score - 0.539).abs() < 0.001 && things[1].region == others[2].region);
        assert_eq!(of_things(&[seen(Label::Car, 0.5, 0.4), seen(Label::Car, 0.3, 0.405)]).len(), 2);
    }
}
