//! How a body stands, as joints in its own measure: forward and up from the feet, in body heights.

/// What a body does at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pose {
    /// `phase` of the double step, 0..1.
    Walk {
        phase: f32,
    },
    Run {
        phase: f32,
    },
    /// A little weight from one leg to the other.
    Stand {
        sway: f32,
    },
    Sit,
    /// Forward and down to the ground, 0..1.
    Bend {
        share: f32,
    },
    /// On the way from standing (0) to lying (1).
    Fall {
        share: f32,
    },
    /// On a saddle, feet at `phase` of the pedals' turn.
    Ride {
        phase: f32,
    },
}

/// Forward and up, in body heights.
pub(super) type Joint = [f32; 2];

/// The joints of a body seen from its side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skeleton {
    pub(super) hip: Joint,
    pub(super) shoulder: Joint,
    pub(super) head: Joint,
    /// Hip, knee, ankle: the far leg, then the near one.
    pub(super) legs: [[Joint; 3]; 2],
    /// Shoulder, elbow, hand: the far arm, then the near one.
    pub(super) arms: [[Joint; 3]; 2],
    /// Turn of the whole about the feet, radians: 0 upright, π/2 lying.
    pub(super) tilt: f32,
}

const THIGH: f32 = 0.245;
const SHIN: f32 = 0.235;
const UPPER_ARM: f32 = 0.165;
const FOREARM: f32 = 0.155;
/// Length of a double step in body heights.
pub(super) const DOUBLE_STEP: f32 = 0.82;
/// A runner's.
pub(super) const DOUBLE_LEAP: f32 = 1.5;

impl Pose {
    pub(super) fn skeleton(self) -> Skeleton {
        match self {
            Self::Walk { phase } => walk(phase),
            Self::Run { phase } => run(phase),
            Self::Stand { sway } => stand(sway),
            Self::Sit => sit(),
            Self::Bend { share } => bend_down(share),
            Self::Fall { share } => fall(share),
            Self::Ride { phase } => ride(phase),
        }
    }
}

fn walk(phase: f32) -> Skeleton {
    let turn = phase * std::f32::consts::TAU;
    // The trunk rises twice per double step, and leans a little into the walk.
    let bob = (turn * 2.0).cos() * 0.008;
    let hip = [0.0, 0.515 - bob];
    let shoulder = [0.025, 0.815 - bob];
    let leg = |phase: f32, side: f32, depth: f32| {
        let (ahead, lift) = if phase < 0.5 {
            (0.205 * (1.0 - 4.0 * phase), 0.0)
        } else {
            let swing = (phase - 0.5) * 2.0;
            let eased = swing * swing * (3.0 - 2.0 * swing);
            (0.205 * (2.0 * eased - 1.0), (swing * std::f32::consts::PI).sin() * 0.075)
        };
        let heel_up = if phase > 0.40 && phase < 0.5 { (phase - 0.40) * 0.35 } else { 0.0 };
        leg_to(hip, [ahead + side, 0.045 - depth + lift + heel_up], side)
    };
    let swing = |turn: f32| {
        let upper = turn.cos() * 0.5;
        arm_at(shoulder, upper, 0.22 + upper.max(0.0) * 0.4)
    };
    Skeleton {
        hip,
        shoulder,
        head: [0.037, 0.925 - bob],
        legs: [leg((phase + 0.5).fract(), -0.03, -0.012), leg(phase, 0.03, 0.008)],
        arms: [swing(turn), swing(turn + std::f32::consts::PI)],
        tilt: 0.0,
    }
}

fn run(phase: f32) -> Skeleton {
    let turn = phase * std::f32::consts::TAU;
    let up = (turn * 2.0).sin().abs() * 0.03;
    let (hip, shoulder) = ([0.0, 0.50 + up], [0.085, 0.79 + up]);
    let leg = |phase: f32, side: f32| {
        let angle = phase * std::f32::consts::TAU;
        let lift = (angle.sin().max(0.0)) * 0.20;
        leg_to(hip, [0.30 * angle.cos() + side, 0.045 + lift + up * 0.5], side)
    };
    let swing = |turn: f32| arm_at(shoulder, turn.cos() * 0.85, 1.45);
    Skeleton {
        hip,
        shoulder,
        head: [0.115, 0.90 + up],
        legs: [leg((phase + 0.5).fract(), -0.02), leg(phase, 0.02)],
        arms: [swing(turn), swing(turn + std::f32::consts::PI)],
        tilt: 0.0,
    }
}

fn stand(sway: f32) -> Skeleton {
    let lean = sway * 0.008;
    let (hip, shoulder) = ([lean, 0.515], [lean * 1.6, 0.815]);
    Skeleton {
        hip,
        shoulder,
        head: [0.012 + lean * 1.8, 0.925],
        legs: [leg_to(hip, [-0.035, 0.055], -0.034), leg_to(hip, [0.045, 0.04], 0.034)],
        arms: [arm_at(shoulder, 0.02, 0.16), arm_at(shoulder, 0.07, 0.22)],
        tilt: 0.0,
    }
}

/// On something 0.27 body heights high.
fn sit() -> Skeleton {
    let (hip, shoulder) = ([0.0, 0.285], [-0.01, 0.585]);
    let leg = |side: f32| [[side, hip[1]], [0.235 + side, 0.295], [0.225 + side, 0.045]];
    Skeleton {
        hip,
        shoulder,
        head: [0.015, 0.70],
        legs: [leg(-0.012), leg(0.025)],
        arms: [arm_at(shoulder, 0.45, 0.9), arm_at(shoulder, 0.35, 1.1)],
        tilt: 0.0,
    }
}

fn bend_down(share: f32) -> Skeleton {
    let upright = stand(0.0);
    let angle = share * 1.65;
    let hip = [-0.08 * share, 0.515 - 0.06 * share];
    let along = |length: f32| [hip[0] + angle.sin() * length, hip[1] + angle.cos() * length];
    let (shoulder, head) = (along(0.30), along(0.41));
    let arm = |ahead: f32| {
        let hand = [shoulder[0] + ahead + 0.04, shoulder[1] - 0.30];
        [shoulder, elbow(shoulder, hand), hand]
    };
    let legs = upright.legs.map(|[_, _, ankle]| leg_to(hip, ankle, 0.0));
    Skeleton { hip, shoulder, head, legs, arms: [arm(-0.02), arm(0.03)], tilt: 0.0 }
}

/// The knees give way first, then the body goes over, arms ahead; it comes to lie flat, one arm along the trunk, the
/// other beyond the head, as the ground leaves room for nothing below it.
fn fall(share: f32) -> Skeleton {
    let upright = stand(0.0);
    let over = (share * std::f32::consts::PI).sin();
    let give = over * 0.16;
    let hip = [0.0, 0.515 - give];
    let shoulder = [0.03 * (1.0 - share) + 0.05 * over, 0.815 - give];
    let (near, far) = (0.3 + share * 2.3, 0.3 * (1.0 - share) + over * 0.9);
    Skeleton {
        hip,
        shoulder,
        head: [0.04 * (1.0 - share) + 0.055 * over, 0.925 - give],
        legs: [
            leg_to(hip, [0.03 * share - 0.03, 0.05 + 0.05 * share], -0.03),
            leg_to(hip, upright.legs[1][2], 0.03),
        ],
        arms: [arm_at(shoulder, far, 0.2 * (1.0 - share)), arm_at(shoulder, near, 0.5 + 0.2 * share)],
        tilt: share * share * std::f32::consts::FRAC_PI_2,
    }
}

fn ride(phase: f32) -> Skeleton {
    let (hip, shoulder) = ([-0.06, 0.50], [0.06, 0.785]);
    let leg =
        |turn: f32, side: f32| leg_to(hip, [0.09 + turn.cos() * 0.05 + side, 0.20 + turn.sin() * 0.05], side);
    let turn = phase * std::f32::consts::TAU;
    let arm = |side: f32| {
        let hand = [0.30 + side, 0.62];
        [shoulder, elbow(shoulder, hand), hand]
    };
    Skeleton {
        hip,
        shoulder,
        head: [0.085, 0.90],
        legs: [leg(turn + std::f32::consts::PI, -0.015), leg(turn, 0.015)],
        arms: [arm(-0.01), arm(0.012)],
        tilt: 0.0,
    }
}

fn leg_to(hip: Joint, ankle: Joint, side: f32) -> [Joint; 3] {
    let top = [hip[0] + side * 0.8, hip[1]];
    [top, joint_between(top, ankle, THIGH, SHIN, 1.0), ankle]
}

fn arm_at(shoulder: Joint, upper: f32, bend: f32) -> [Joint; 3] {
    let top = [shoulder[0], shoulder[1] - 0.015];
    let fore = upper + bend;
    let elbow = [top[0] + upper.sin() * UPPER_ARM, top[1] - upper.cos() * UPPER_ARM];
    [top, elbow, [elbow[0] + fore.sin() * FOREARM, elbow[1] - fore.cos() * FOREARM]]
}

fn elbow(shoulder: Joint, hand: Joint) -> Joint {
    joint_between(shoulder, hand, UPPER_ARM, FOREARM, -1.0)
}

/// The middle joint of two links between `a` and `b`, bent forward (+1) or back (−1).
fn joint_between(a: Joint, b: Joint, upper: f32, lower: f32, forward: f32) -> Joint {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    let whole = (dx * dx + dy * dy).sqrt().max(0.01);
    let reach = whole.min((upper + lower) * 0.999);
    let along = (upper * upper - lower * lower + reach * reach) / (2.0 * reach);
    let off = (upper * upper - along * along).max(0.0).sqrt() * forward;
    let (ux, uy) = (dx / whole, dy / whole);
    // (−uy, ux) points forward for a leg that hangs down.
    [a[0] + ux * along - uy * off, a[1] + uy * along + ux * off]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a body does, its limbs keep their length (nearly: a foot may be out of reach by a little) and nothing
    /// of it is below the ground while it stands.
    #[test]
    fn limbs_keep_their_length() {
        let length = |a: Joint, b: Joint| ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
        for i in 0..20 {
            let phase = i as f32 / 20.0;
            let poses = [
                Pose::Walk { phase },
                Pose::Run { phase },
                Pose::Stand { sway: phase },
                Pose::Sit,
                Pose::Bend { share: phase },
                Pose::Fall { share: phase },
                Pose::Ride { phase },
            ];
            for pose in poses {
                let bones = pose.skeleton();
                for [hip, knee, ankle] in bones.legs {
                    assert!(length(hip, knee) < 0.26 && length(knee, ankle) < 0.36, "{pose:?} {bones:?}");
                    assert!(ankle[1] > 0.0, "{pose:?}");
                }
                let trunk = length(bones.hip, bones.shoulder);
                assert!((0.26..0.34).contains(&trunk), "{pose:?}: {trunk}");
            }
        }
    }
}
