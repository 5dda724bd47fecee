//! A person: an articulated figure with clothes, head and hair. A plain rectangle scores 0.00 with a person detector;
//! this does not.

use protocol::Chance;

use super::paint::{Canvas, Rgb};
use super::path::Spot;
use super::pose::{Joint, Skeleton};

/// What a person wears.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) coat: Rgb,
    pub(super) trousers: Rgb,
    skin: Rgb,
    hair: Rgb,
    shoes: Rgb,
    long_hair: bool,
    pack: bool,
    skirt: bool,
    cap: Option<Rgb>,
    /// Width of body against the average.
    girth: f32,
}

const COATS: [Rgb; 14] = [
    Rgb(52, 74, 120),
    Rgb(150, 52, 48),
    Rgb(60, 96, 72),
    Rgb(196, 178, 140),
    Rgb(54, 54, 60),
    Rgb(206, 206, 210),
    Rgb(112, 72, 116),
    Rgb(186, 120, 52),
    Rgb(222, 198, 60),
    Rgb(30, 32, 38),
    Rgb(120, 134, 146),
    Rgb(86, 140, 178),
    Rgb(160, 82, 110),
    Rgb(104, 92, 74),
];
const TROUSERS: [Rgb; 7] = [
    Rgb(38, 42, 58),
    Rgb(66, 62, 58),
    Rgb(96, 90, 78),
    Rgb(44, 64, 96),
    Rgb(28, 28, 32),
    Rgb(150, 146, 138),
    Rgb(70, 84, 70),
];
const HAIR: [Rgb; 4] = [Rgb(34, 28, 26), Rgb(22, 20, 22), Rgb(66, 50, 38), Rgb(138, 136, 134)];

impl Look {
    pub(super) fn drawn(chance: &Chance) -> Self {
        let draw = |n: usize| chance.below(n as u64) as usize;
        let times = |c: Rgb| c.times(0.85 + draw(30) as f32 / 100.0);
        Self {
            coat: times(COATS[draw(COATS.len())]),
            trousers: times(TROUSERS[draw(TROUSERS.len())]),
            skin: Rgb(214, 170, 138).times(0.84 + draw(22) as f32 / 100.0),
            hair: HAIR[draw(HAIR.len())],
            shoes: Rgb(40, 36, 34).times(0.7 + draw(200) as f32 / 100.0),
            long_hair: draw(2) == 0,
            pack: draw(3) == 0,
            skirt: draw(6) == 0,
            cap: (draw(6) == 0).then(|| times(COATS[draw(COATS.len())])),
            girth: 0.92 + draw(20) as f32 / 100.0,
        }
    }

    /// The same person in a coat of this colour.
    pub(super) fn in_coat(self, coat: Rgb) -> Self {
        Self { coat, ..self }
    }
}

/// Where and how large a body is in the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) foot: Spot,
    /// Height of the upright body, pixels.
    pub(super) height: f32,
    /// −1 to the left, +1 to the right; between them the body is turned towards or away from the viewer.
    pub(super) facing: f32,
}

/// x, y, width, height in the 1280×720 space.
pub(super) type Extent = (f32, f32, f32, f32);

struct Body<'a> {
    look: &'a Look,
    placed: Placed,
    tilt: f32,
}

impl Body<'_> {
    fn h(&self) -> f32 {
        self.placed.height
    }

    /// A joint in the picture; `side`: how far to the right of the body's middle, in body heights.
    fn spot(&self, [ahead, up]: Joint, side: f32) -> Spot {
        let (sin, cos) = self.tilt.sin_cos();
        // Lying, the middle of the body is half its thickness above the ground.
        let (ahead, up) = (ahead * cos + up * sin, up * cos - ahead * sin + sin * 0.09);
        let across = side * cos;
        Spot {
            x: self.placed.foot.x + (ahead * self.placed.facing + across) * self.h(),
            y: self.placed.foot.y - (up + side * self.tilt.sin() * 0.55) * self.h(),
        }
    }
}

/// Draws one person and tells where it is in the picture.
pub(super) fn draw(canvas: &mut Canvas<'_>, look: &Look, placed: Placed, bones: &Skeleton) -> Extent {
    let body = Body { look, placed, tilt: bones.tilt };
    let (h, g) = (placed.height, look.girth);
    let hip = body.spot(bones.hip, 0.0);
    let shoulder = body.spot(bones.shoulder, 0.0);
    let head = body.spot(bones.head, 0.0);
    let place = |joints: [Joint; 3], side: f32, lower: f32| {
        [body.spot(joints[0], side), body.spot(joints[1], side * 1.15), body.spot(joints[2], side * lower)]
    };
    let [far_leg, near_leg] = [place(bones.legs[0], -0.012, 1.0), place(bones.legs[1], 0.012, 1.0)];
    let [far_arm, near_arm] = [place(bones.arms[0], -0.095 * g, 1.18), place(bones.arms[1], 0.095 * g, 1.18)];

    draw_arm(canvas, &far_arm, look, h, 0.68);
    draw_leg(canvas, &body, &far_leg, 0.72);
    draw_leg(canvas, &body, &near_leg, 1.0);
    if look.skirt {
        let knee = Spot {
            x: f32::midpoint(far_leg[1].x, near_leg[1].x),
            y: f32::midpoint(far_leg[1].y, near_leg[1].y),
        };
        canvas.limb(hip, knee, 0.085 * h * g, 0.105 * h * g, look.trousers.times(1.1));
    }
    draw_trunk(canvas, look, hip, shoulder, h);
    if look.pack {
        let back = between(hip, shoulder, 0.55);
        let back = Spot { x: back.x - 0.085 * h * placed.facing * body.tilt.cos(), ..back };
        canvas.ball(back, 0.058 * h, 0.092 * h, Rgb(86, 62, 44));
    }
    draw_head(canvas, &body, shoulder, head);
    draw_arm(canvas, &near_arm, look, h, 1.0);

    let mut extent = Around::new(head, 0.075 * h);
    for (joint, radius) in [far_leg, near_leg]
        .iter()
        .flatten()
        .map(|j| (*j, 0.045 * h))
        .chain([far_arm, near_arm].iter().flatten().map(|j| (*j, 0.03 * h)))
        .chain([(shoulder, 0.06 * h)])
    {
        extent.add(joint, radius);
    }
    extent.extent()
}

/// The limbs as thick lines from joint to joint, for a shadow: from, to, radius, in body heights.
pub(super) fn silhouette(bones: &Skeleton) -> Vec<(Joint, Joint, f32)> {
    let mut out = vec![(bones.hip, bones.shoulder, 0.10), (bones.shoulder, bones.head, 0.06)];
    for [a, b, c] in bones.legs {
        out.extend([(a, b, 0.055), (b, c, 0.038)]);
    }
    for [a, b, c] in bones.arms {
        out.extend([(a, b, 0.036), (b, c, 0.028)]);
    }
    let (sin, cos) = bones.tilt.sin_cos();
    let turn = |[ahead, up]: Joint| [ahead * cos + up * sin, up * cos - ahead * sin + sin * 0.09];
    out.into_iter().map(|(a, b, r)| (turn(a), turn(b), r)).collect()
}

struct Around {
    left: f32,
    right: f32,
    top: f32,
    low: f32,
}

impl Around {
    fn new(at: Spot, r: f32) -> Self {
        Self { left: at.x - r, right: at.x + r, top: at.y - r, low: at.y + r }
    }

    fn add(&mut self, at: Spot, r: f32) {
        self.left = self.left.min(at.x - r);
        self.right = self.right.max(at.x + r);
        self.top = self.top.min(at.y - r);
        self.low = self.low.max(at.y + r);
    }

    fn extent(&self) -> Extent {
        (self.left, self.top, self.right - self.left, self.low - self.top)
    }
}

fn between(a: Spot, b: Spot, share: f32) -> Spot {
    Spot { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share }
}

fn draw_leg(canvas: &mut Canvas<'_>, body: &Body<'_>, [hip, knee, ankle]: &[Spot; 3], light: f32) {
    let (h, g, look) = (body.h(), body.look.girth, body.look);
    let cloth = if look.skirt { look.skin } else { look.trousers }.times(light);
    let (sin, cos) = body.tilt.sin_cos();
    let heel = Spot { x: ankle.x, y: ankle.y + 0.022 * h * cos };
    let toe = Spot {
        x: ankle.x + (0.075 * cos - 0.02 * sin) * h * body.placed.facing,
        y: ankle.y + (0.034 * cos - 0.07 * sin) * h,
    };
    canvas.limb(heel, toe, 0.026 * h, 0.018 * h, look.shoes.times(light));
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
    let (dx, dy) = (shoulder.x - hip.x, shoulder.y - hip.y);
    let length = (dx * dx + dy * dy).sqrt().max(0.01);
    let (up, right) = ((dx / length, dy / length), (-dy / length, dx / length));
    let from = |base: Spot, across: f32, along: f32| {
        (base.x + right.0 * across + up.0 * along, base.y + right.1 * across + up.1 * along)
    };
    let (sx, wx, hx) = (0.112 * h * g, 0.088 * h * g, 0.098 * h * g);
    let hem = -0.035 * h;
    let half = |s: f32| {
        [
            from(shoulder, s * sx * 0.55, 0.028 * h),
            from(shoulder, s * sx, -0.012 * h),
            from(shoulder, s * sx * 0.95, -0.10 * h),
            from(hip, s * wx, 0.11 * h),
            from(hip, s * hx, hem),
        ]
    };
    let (mut corners, left) = (half(1.0).to_vec(), half(-1.0));
    corners.extend(left.iter().rev());
    let spot = |(x, y): (f32, f32)| Spot { x, y };
    let (lit, dim) = (spot(from(shoulder, -sx, 0.0)), spot(from(hip, sx, hem)));
    canvas.shaded(&corners, (lit, look.coat.times(1.16)), (dim, look.coat.times(0.60)));
    // Opening and hem give the cloth some texture.
    let dark = look.coat.times(0.62);
    canvas.limb(
        spot(from(shoulder, 0.01 * h, -0.02 * h)),
        spot(from(hip, 0.006 * h, hem + 0.012 * h)),
        0.0035 * h,
        0.0035 * h,
        dark,
    );
    let band = [
        from(hip, -hx, hem + 0.014 * h),
        from(hip, hx, hem + 0.014 * h),
        from(hip, hx, hem),
        from(hip, -hx, hem),
    ];
    canvas.polygon(&band, dark, 0.7);
}

fn draw_head(canvas: &mut Canvas<'_>, body: &Body<'_>, shoulder: Spot, head: Spot) {
    let (h, look) = (body.h(), body.look);
    let (dx, dy) = (head.x - shoulder.x, head.y - shoulder.y);
    let length = (dx * dx + dy * dy).sqrt().max(0.01);
    let up = (dx / length, dy / length);
    // The way the face looks: a quarter turn from the neck, to the body's front.
    let front = (-up.1 * body.placed.facing, up.0 * body.placed.facing);
    let at = |ahead: f32, above: f32| Spot {
        x: head.x + (front.0 * ahead + up.0 * above) * h,
        y: head.y + (front.1 * ahead + up.1 * above) * h,
    };
    let collar = between(shoulder, head, 0.18);
    canvas.limb(collar, at(0.0, -0.03), 0.034 * h, 0.030 * h, look.skin.times(0.82));
    canvas.ball(head, 0.050 * h, 0.064 * h, look.skin);
    // Hair: a cap towards the back, and down to the neck when long.
    let back = at(-0.014, 0.020);
    canvas.ellipse(back, 0.052 * h, 0.056 * h, look.hair, 1.0);
    canvas.ball(at(0.016, -0.016), 0.036 * h, 0.046 * h, look.skin);
    if look.long_hair {
        canvas.limb(at(-0.026, 0.02), at(-0.036, -0.065), 0.036 * h, 0.022 * h, look.hair);
    }
    if let Some(cap) = look.cap {
        canvas.limb(at(-0.03, 0.045), at(0.03, 0.045), 0.030 * h, 0.026 * h, cap);
        canvas.limb(at(0.02, 0.028), at(0.072, 0.022), 0.010 * h, 0.008 * h, cap.times(0.7));
    }
    let side = Spot { x: 0.030 * h * -up.1, y: 0.030 * h * up.0 };
    canvas.limb(
        Spot { x: collar.x - side.x, y: collar.y - side.y },
        Spot { x: collar.x + side.x, y: collar.y + side.y },
        0.013 * h,
        0.013 * h,
        look.coat.times(0.80),
    );
}
