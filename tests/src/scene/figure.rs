//! An articulated walking figure: legs by two-link inverse kinematics (feet do not slide), swinging arms,
//! head, hair, clothes and a shadow. A plain rectangle scores 0.00 with a person detector; this does not.

use super::paint::{Canvas, Rgb};
use super::path::{Spot, Stance};

/// What a person wears.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    coat: Rgb,
    trousers: Rgb,
    skin: Rgb,
    hair: Rgb,
    shoes: Rgb,
    long_hair: bool,
    bag: bool,
    /// Width of body against the average.
    girth: f32,
}

const COATS: [Rgb; 8] = [
    Rgb(52, 74, 120),
    Rgb(150, 52, 48),
    Rgb(60, 96, 72),
    Rgb(196, 178, 140),
    Rgb(54, 54, 60),
    Rgb(206, 206, 210),
    Rgb(112, 72, 116),
    Rgb(186, 120, 52),
];
const TROUSERS: [Rgb; 5] =
    [Rgb(38, 42, 58), Rgb(66, 62, 58), Rgb(96, 90, 78), Rgb(44, 64, 96), Rgb(28, 28, 32)];

impl Look {
    /// `draw(n)` gives a number below `n`.
    pub(super) fn drawn(mut draw: impl FnMut(u64) -> u64) -> Self {
        Self {
            coat: COATS[draw(COATS.len() as u64) as usize],
            trousers: TROUSERS[draw(TROUSERS.len() as u64) as usize],
            skin: Rgb(214, 170, 138).times(0.86 + draw(20) as f32 / 100.0),
            hair: Rgb(34, 28, 26),
            shoes: Rgb(40, 36, 34),
            long_hair: draw(2) == 0,
            bag: draw(3) == 0,
            girth: 0.94 + draw(14) as f32 / 100.0,
        }
    }
}

/// The smallest upright box around the drawn figure, in the 1280×720 space: x, y, width, height.
pub(super) type Extent = (f32, f32, f32, f32);

/// Draws one person and tells where it is in the picture.
pub(super) fn draw(canvas: &mut Canvas<'_>, look: &Look, stance: &Stance) -> Extent {
    let h = stance.height;
    let g = look.girth;
    let turn = stance.phase * std::f32::consts::TAU;
    let swing = if stance.walking { 1.0 } else { 0.0 };
    // The trunk rises twice per double step, and leans a little into the walk.
    let bob = swing * (turn * 2.0).cos() * 0.008 * h;
    let lean = swing * 0.025 * h * stance.facing;
    let at = |dx: f32, up: f32| Spot { x: stance.foot.x + dx * h * stance.facing, y: stance.foot.y - up * h };
    let hip = Spot { y: stance.foot.y - 0.515 * h + bob, ..stance.foot };
    let shoulder = Spot { x: stance.foot.x + lean, y: stance.foot.y - 0.815 * h + bob };
    let head = Spot { x: shoulder.x + 0.012 * h * stance.facing, y: stance.foot.y - 0.925 * h + bob };

    canvas.ellipse(
        Spot { x: stance.foot.x + 0.10 * h, y: stance.foot.y },
        0.26 * h,
        0.045 * h,
        Rgb(20, 20, 26),
        0.34,
    );

    let spread = 0.042 * h * g; // half the distance between the hips in a three-quarter view
    let far_leg = leg(hip, stance, (stance.phase + 0.5).fract(), -spread, -0.012 * h);
    let near_leg = leg(hip, stance, stance.phase, spread, 0.008 * h);
    let far_arm = arm(shoulder, stance, turn, -0.095 * h * g);
    let near_arm = arm(shoulder, stance, turn + std::f32::consts::PI, 0.095 * h * g);

    draw_arm(canvas, &far_arm, look, h, 0.68);
    draw_leg(canvas, &far_leg, look, stance, 0.72);
    draw_leg(canvas, &near_leg, look, stance, 1.0);
    draw_trunk(canvas, look, hip, shoulder, h);
    if look.bag {
        let strap = at(-0.07, 0.62);
        canvas.limb(shoulder, strap, 0.012 * h, 0.012 * h, Rgb(60, 46, 36));
        canvas.ball(Spot { x: strap.x, y: strap.y + 0.05 * h }, 0.062 * h, 0.072 * h, Rgb(86, 62, 44));
    }
    draw_head(canvas, look, shoulder, head, h, stance.facing);
    draw_arm(canvas, &near_arm, look, h, 1.0);

    let points = [near_leg, far_leg, near_arm, far_arm];
    let mut left = head.x - 0.065 * h;
    let mut right = head.x + 0.065 * h;
    let mut low = stance.foot.y;
    for joint in points.iter().flatten() {
        left = left.min(joint.x - 0.04 * h);
        right = right.max(joint.x + 0.04 * h);
        low = low.max(joint.y);
    }
    let top = head.y - 0.085 * h;
    let bottom = low + 0.015 * h;
    (left, top, right - left, bottom - top)
}

/// Hip, knee and ankle. In the first half of its phase the foot stands and the body passes over it.
fn leg(hip: Spot, stance: &Stance, phase: f32, side: f32, depth: f32) -> [Spot; 3] {
    let h = stance.height;
    let reach = 0.205 * h; // half a step
    let (ahead, lift) = if !stance.walking {
        (0.01 * h, 0.0)
    } else if phase < 0.5 {
        (reach * (1.0 - 4.0 * phase), 0.0)
    } else {
        let swing = (phase - 0.5) * 2.0;
        let eased = swing * swing * (3.0 - 2.0 * swing);
        (reach * (2.0 * eased - 1.0), (swing * std::f32::consts::PI).sin() * 0.075 * h)
    };
    let top = Spot { x: hip.x + side * 0.8, y: hip.y };
    let heel_up = if phase > 0.40 && phase < 0.5 { (phase - 0.40) * 0.35 * h } else { 0.0 };
    let ankle = Spot {
        x: stance.foot.x + side + ahead * stance.facing,
        y: stance.foot.y + depth - 0.045 * h - lift - if stance.walking { heel_up } else { 0.0 },
    };
    [top, bend(top, ankle, 0.245 * h, 0.235 * h, stance.facing), ankle]
}

/// The middle joint of two links between `a` and `b`, bent towards `facing`.
fn bend(a: Spot, b: Spot, upper: f32, lower: f32, facing: f32) -> Spot {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let reach = (dx * dx + dy * dy).sqrt().clamp(0.01, (upper + lower) * 0.999);
    let along = (upper * upper - lower * lower + reach * reach) / (2.0 * reach);
    let off = (upper * upper - along * along).max(0.0).sqrt();
    let (ux, uy) = (dx / reach, dy / reach);
    // (uy, −ux) points to the right for a leg that hangs down.
    Spot { x: a.x + ux * along + uy * off * facing, y: a.y + uy * along - ux * off * facing }
}

/// Shoulder, elbow and hand.
fn arm(shoulder: Spot, stance: &Stance, turn: f32, side: f32) -> [Spot; 3] {
    let h = stance.height;
    let swing = if stance.walking { turn.cos() * 0.50 } else { 0.06 };
    let top = Spot { x: shoulder.x + side, y: shoulder.y + 0.015 * h };
    let upper = swing;
    let elbow = Spot {
        x: top.x + upper.sin() * 0.165 * h * stance.facing + side * 0.18,
        y: top.y + upper.cos() * 0.165 * h,
    };
    let fore = upper + 0.22 + if swing > 0.0 { swing * 0.4 } else { 0.0 };
    let hand =
        Spot { x: elbow.x + fore.sin() * 0.155 * h * stance.facing, y: elbow.y + fore.cos() * 0.155 * h };
    [top, elbow, hand]
}

fn draw_leg(
    canvas: &mut Canvas<'_>,
    [hip, knee, ankle]: &[Spot; 3],
    look: &Look,
    stance: &Stance,
    light: f32,
) {
    let (h, g) = (stance.height, look.girth);
    let cloth = look.trousers.times(light);
    let toe = Spot { x: ankle.x + 0.075 * h * stance.facing, y: ankle.y + 0.034 * h };
    canvas.limb(
        Spot { y: ankle.y + 0.022 * h, ..*ankle },
        toe,
        0.026 * h,
        0.018 * h,
        look.shoes.times(light),
    );
    canvas.limb(*hip, *knee, 0.062 * h * g, 0.046 * h * g, cloth);
    canvas.limb(*knee, *ankle, 0.045 * h * g, 0.030 * h, cloth);
}

fn draw_arm(canvas: &mut Canvas<'_>, [top, elbow, hand]: &[Spot; 3], look: &Look, h: f32, light: f32) {
    let sleeve = look.coat.times(light * 0.94);
    canvas.ball(*hand, 0.024 * h, 0.028 * h, look.skin.times(light));
    canvas.limb(*top, *elbow, 0.040 * h * look.girth, 0.032 * h, sleeve);
    canvas.limb(*elbow, *hand, 0.032 * h, 0.022 * h, sleeve);
}

fn draw_trunk(canvas: &mut Canvas<'_>, look: &Look, hip: Spot, shoulder: Spot, h: f32) {
    let g = look.girth;
    let (sx, wx, hx) = (0.112 * h * g, 0.088 * h * g, 0.098 * h * g);
    let waist_y = hip.y - 0.11 * h;
    let hem = hip.y + 0.035 * h;
    let corners = [
        (shoulder.x - sx * 0.55, shoulder.y - 0.028 * h),
        (shoulder.x - sx, shoulder.y + 0.012 * h),
        (shoulder.x - sx * 0.95, shoulder.y + 0.10 * h),
        (hip.x - wx, waist_y),
        (hip.x - hx, hem),
        (hip.x + hx, hem),
        (hip.x + wx, waist_y),
        (shoulder.x + sx * 0.95, shoulder.y + 0.10 * h),
        (shoulder.x + sx, shoulder.y + 0.012 * h),
        (shoulder.x + sx * 0.55, shoulder.y - 0.028 * h),
    ];
    let left = Spot { x: shoulder.x - sx, y: shoulder.y };
    let right = Spot { x: shoulder.x + sx, y: hem };
    canvas.shaded(&corners, (left, look.coat.times(1.16)), (right, look.coat.times(0.60)));
    // Folds, opening and hem give the cloth some texture.
    let dark = look.coat.times(0.62);
    canvas.limb(
        Spot { x: shoulder.x + 0.01 * h, y: shoulder.y + 0.02 * h },
        Spot { x: hip.x + 0.006 * h, y: hem - 0.012 * h },
        0.0035 * h,
        0.0035 * h,
        dark,
    );
    canvas.polygon(
        &[(hip.x - hx, hem - 0.014 * h), (hip.x + hx, hem - 0.014 * h), (hip.x + hx, hem), (hip.x - hx, hem)],
        dark,
        0.7,
    );
}

fn draw_head(canvas: &mut Canvas<'_>, look: &Look, shoulder: Spot, head: Spot, h: f32, facing: f32) {
    let neck = Spot { x: shoulder.x, y: shoulder.y - 0.02 * h };
    canvas.limb(neck, Spot { y: head.y + 0.03 * h, ..head }, 0.034 * h, 0.030 * h, look.skin.times(0.82));
    canvas.ball(head, 0.050 * h, 0.066 * h, look.skin);
    // Hair: a cap towards the back, and down to the neck when long.
    let back = Spot { x: head.x - 0.014 * h * facing, y: head.y - 0.020 * h };
    canvas.ellipse(back, 0.052 * h, 0.056 * h, look.hair, 1.0);
    canvas.ball(
        Spot { x: head.x + 0.016 * h * facing, y: head.y + 0.016 * h },
        0.036 * h,
        0.046 * h,
        look.skin,
    );
    if look.long_hair {
        canvas.limb(
            Spot { x: back.x - 0.012 * h * facing, y: back.y },
            Spot { x: back.x - 0.022 * h * facing, y: back.y + 0.085 * h },
            0.036 * h,
            0.022 * h,
            look.hair,
        );
    }
    // The collar closes the neck.
    canvas.limb(
        Spot { x: shoulder.x - 0.030 * h, y: shoulder.y - 0.020 * h },
        Spot { x: shoulder.x + 0.030 * h, y: shoulder.y - 0.020 * h },
        0.013 * h,
        0.013 * h,
        look.coat.times(0.80),
    );
}
