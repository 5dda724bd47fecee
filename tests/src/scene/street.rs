//! The place: a lane before a community's wall and gate, with a parked car. Drawn once per clip.

use super::paint::{Canvas, Rgb};
use super::path::Spot;

/// The ground before the gate, marked in yellow: the zone a rule watches. Clockwise, 1280×720 space.
pub(super) const FORECOURT: [Spot; 4] = [
    Spot { x: 486.0, y: 392.0 },
    Spot { x: 794.0, y: 392.0 },
    Spot { x: 912.0, y: 586.0 },
    Spot { x: 368.0, y: 586.0 },
];

/// `draw(n)` gives a number below `n`.
pub(super) fn draw(canvas: &mut Canvas<'_>, mut draw: impl FnMut(u64) -> u64) {
    sky_and_house(canvas, &mut draw);
    wall_and_gate(canvas, &mut draw);
    ground(canvas, &mut draw);
    tree(canvas, 150.0, 372.0, &mut draw);
    lamp(canvas, 905.0, 362.0);
    car(canvas, 962.0, 404.0);
}

fn sky_and_house(canvas: &mut Canvas<'_>, draw: &mut impl FnMut(u64) -> u64) {
    canvas.shaded(
        &[(0.0, 0.0), (1280.0, 0.0), (1280.0, 270.0), (0.0, 270.0)],
        (Spot { x: 0.0, y: 0.0 }, Rgb(172, 188, 204)),
        (Spot { x: 0.0, y: 270.0 }, Rgb(204, 210, 214)),
    );
    for (x, top, width, wall) in [
        (40.0, 0.0, 420.0, Rgb(178, 164, 148)),
        (500.0, 26.0, 330.0, Rgb(164, 158, 152)),
        (870.0, 0.0, 380.0, Rgb(184, 172, 152)),
    ] {
        canvas.shaded(
            &[(x, top), (x + width, top), (x + width, 290.0), (x, 290.0)],
            (Spot { x, y: 0.0 }, wall.times(1.05)),
            (Spot { x: x + width, y: 0.0 }, wall.times(0.86)),
        );
        let mut wy = top + 16.0;
        while wy < 250.0 {
            canvas.rect(x, wy + 50.0, width, 3.0, wall.times(0.8));
            let mut wx = x + 20.0;
            while wx + 40.0 < x + width {
                let glass = Rgb(92, 104, 116).times(0.8 + draw(40) as f32 / 100.0);
                canvas.rect(wx - 2.0, wy - 2.0, 42.0, 42.0, wall.times(0.72));
                canvas.shaded(
                    &[(wx, wy), (wx + 38.0, wy), (wx + 38.0, wy + 38.0), (wx, wy + 38.0)],
                    (Spot { x: wx, y: wy }, glass.times(1.25)),
                    (Spot { x: wx + 38.0, y: wy + 38.0 }, glass.times(0.8)),
                );
                canvas.rect(wx + 18.0, wy, 2.0, 38.0, wall.times(0.75));
                if draw(3) == 0 {
                    canvas.rect(wx + 4.0, wy + 38.0, 30.0, 14.0, Rgb(196, 196, 192)); // air conditioner
                    canvas.ellipse(Spot { x: wx + 14.0, y: wy + 45.0 }, 5.5, 5.5, Rgb(120, 122, 122), 1.0);
                }
                wx += 62.0;
            }
            wy += 68.0;
        }
    }
}

fn wall_and_gate(canvas: &mut Canvas<'_>, draw: &mut impl FnMut(u64) -> u64) {
    let brick = Rgb(150, 112, 92);
    canvas.rect(0.0, 262.0, 1280.0, 92.0, brick.times(0.8));
    for row in 0..8_u8 {
        let y = 266.0 + f32::from(row) * 11.0;
        let mut x = if row % 2 == 0 { -14.0 } else { 0.0 };
        while x < 1280.0 {
            canvas.rect(x, y, 26.0, 9.4, brick.times(0.88 + draw(22) as f32 / 100.0));
            x += 28.0;
        }
    }
    canvas.rect(0.0, 254.0, 1280.0, 11.0, Rgb(170, 166, 158));
    // The gate: pillars, a sign board, iron bars.
    canvas.rect(540.0, 236.0, 200.0, 120.0, Rgb(84, 88, 90));
    canvas.rect(546.0, 258.0, 188.0, 96.0, Rgb(128, 132, 128));
    for bar in 0..16_u8 {
        canvas.rect(548.0 + f32::from(bar) * 11.8, 262.0, 3.6, 92.0, Rgb(48, 54, 58));
    }
    for y in [268.0, 306.0, 344.0] {
        canvas.rect(546.0, y, 188.0, 4.0, Rgb(48, 54, 58));
    }
    for x in [516.0, 736.0] {
        canvas.shaded(
            &[(x, 214.0), (x + 28.0, 214.0), (x + 28.0, 358.0), (x, 358.0)],
            (Spot { x, y: 0.0 }, Rgb(196, 188, 176)),
            (Spot { x: x + 28.0, y: 0.0 }, Rgb(140, 132, 122)),
        );
        canvas.rect(x - 4.0, 208.0, 36.0, 8.0, Rgb(120, 114, 106));
    }
    canvas.rect(544.0, 216.0, 192.0, 26.0, Rgb(126, 42, 38));
    for letter in 0..6_u8 {
        canvas.rect(560.0 + f32::from(letter) * 28.0, 222.0, 16.0, 14.0, Rgb(214, 184, 110));
    }
}

fn ground(canvas: &mut Canvas<'_>, draw: &mut impl FnMut(u64) -> u64) {
    canvas.shaded(
        &[(0.0, 354.0), (1280.0, 354.0), (1280.0, 612.0), (0.0, 612.0)],
        (Spot { x: 0.0, y: 354.0 }, Rgb(150, 148, 144)),
        (Spot { x: 0.0, y: 612.0 }, Rgb(172, 170, 164)),
    );
    // Paving: lines run to a vanishing point above the gate; rows grow towards the viewer.
    let seam = Rgb(132, 130, 126);
    for line in -26..=26_i16 {
        let far = 640.0 + f32::from(line) * 36.0;
        let near = 640.0 + f32::from(line) * 76.0;
        canvas.polygon(&[(far, 354.0), (far + 1.2, 354.0), (near + 2.4, 612.0), (near, 612.0)], seam, 0.8);
    }
    let mut y = 354.0;
    let mut row = 13.0;
    while y < 612.0 {
        canvas.rect(0.0, y, 1280.0, 1.4, seam);
        y += row;
        row *= 1.16;
    }
    forecourt(canvas);
    canvas.rect(0.0, 612.0, 1280.0, 9.0, Rgb(196, 194, 188));
    canvas.rect(0.0, 621.0, 1280.0, 4.0, Rgb(86, 86, 84));
    canvas.shaded(
        &[(0.0, 625.0), (1280.0, 625.0), (1280.0, 720.0), (0.0, 720.0)],
        (Spot { x: 0.0, y: 625.0 }, Rgb(88, 90, 92)),
        (Spot { x: 0.0, y: 720.0 }, Rgb(104, 105, 106)),
    );
    for _ in 0..500 {
        let (x, y) = (draw(1280) as f32, 627.0 + draw(92) as f32);
        canvas.rect(x, y, 2.0 + draw(3) as f32, 1.4, Rgb(96, 97, 98).times(0.85 + draw(30) as f32 / 100.0));
    }
    for dash in 0..6_u8 {
        let x = 20.0 + f32::from(dash) * 230.0;
        canvas.polygon(
            &[(x, 690.0), (x + 120.0, 690.0), (x + 124.0, 698.0), (x - 2.0, 698.0)],
            Rgb(206, 204, 194),
            0.85,
        );
    }
}

/// Yellow hatching of the ground that must stay free.
fn forecourt(canvas: &mut Canvas<'_>) {
    let [a, b, c, d] = FORECOURT;
    let yellow = Rgb(206, 168, 52);
    let between = |p: Spot, q: Spot, t: f32| (p.x + (q.x - p.x) * t, p.y + (q.y - p.y) * t);
    for stripe in 0..9_u8 {
        let t = f32::from(stripe) / 9.0;
        canvas.polygon(
            &[between(a, b, t), between(a, b, t + 0.035), between(d, c, t + 0.035), between(d, c, t)],
            yellow,
            0.35,
        );
    }
    let edge = |canvas: &mut Canvas<'_>, p: Spot, q: Spot, w: f32| {
        canvas.polygon(&[(p.x, p.y), (q.x, q.y), (q.x, q.y + w), (p.x, p.y + w)], yellow, 0.9);
    };
    edge(canvas, a, b, 3.0);
    edge(canvas, d, c, 7.0);
    canvas.polygon(&[(a.x, a.y), (a.x + 5.0, a.y), (d.x + 9.0, d.y), (d.x, d.y)], yellow, 0.9);
    canvas.polygon(&[(b.x - 5.0, b.y), (b.x, b.y), (c.x, c.y), (c.x - 9.0, c.y)], yellow, 0.9);
}

fn tree(canvas: &mut Canvas<'_>, x: f32, y: f32, draw: &mut impl FnMut(u64) -> u64) {
    canvas.ellipse(Spot { x: x + 40.0, y: y + 4.0 }, 110.0, 14.0, Rgb(30, 34, 34), 0.28);
    canvas.limb(Spot { x, y }, Spot { x: x + 4.0, y: y - 170.0 }, 11.0, 7.0, Rgb(92, 74, 58));
    for _ in 0..150 {
        let (dx, dy) = (draw(190) as f32 - 95.0, draw(150) as f32 - 75.0);
        let leaf = Rgb(72, 98, 58).times(0.7 + draw(60) as f32 / 100.0);
        canvas.ellipse(Spot { x: x + dx * 0.9, y: y - 230.0 + dy * 0.8 }, 15.0, 11.0, leaf, 0.9);
    }
}

fn lamp(canvas: &mut Canvas<'_>, x: f32, y: f32) {
    canvas.limb(Spot { x, y }, Spot { x, y: y - 260.0 }, 5.0, 3.4, Rgb(104, 108, 110));
    canvas.limb(Spot { x, y: y - 258.0 }, Spot { x: x - 56.0, y: y - 272.0 }, 3.0, 2.6, Rgb(104, 108, 110));
    canvas.ellipse(Spot { x: x - 62.0, y: y - 270.0 }, 15.0, 5.0, Rgb(214, 212, 198), 1.0);
}

/// A saloon seen from its side.
fn car(canvas: &mut Canvas<'_>, x: f32, y: f32) {
    let body = Rgb(206, 210, 214);
    let ink = Rgb(26, 28, 32);
    canvas.ellipse(Spot { x: x + 128.0, y: y + 84.0 }, 146.0, 14.0, ink, 0.45);
    let cabin = [(x + 56.0, y + 34.0), (x + 88.0, y - 2.0), (x + 176.0, y - 4.0), (x + 216.0, y + 34.0)];
    canvas.shaded(&cabin, (Spot { x, y }, body.times(0.98)), (Spot { x, y: y + 40.0 }, body.times(0.8)));
    let glass = Rgb(54, 64, 74);
    canvas.polygon(
        &[(x + 66.0, y + 33.0), (x + 92.0, y + 4.0), (x + 130.0, y + 3.0), (x + 130.0, y + 33.0)],
        glass,
        1.0,
    );
    canvas.polygon(
        &[(x + 135.0, y + 33.0), (x + 135.0, y + 3.0), (x + 172.0, y + 2.0), (x + 204.0, y + 33.0)],
        glass,
        1.0,
    );
    canvas.polygon(
        &[(x + 72.0, y + 31.0), (x + 94.0, y + 6.0), (x + 104.0, y + 6.0), (x + 86.0, y + 31.0)],
        glass.times(1.7),
        0.6,
    );
    let side = [
        (x + 2.0, y + 52.0),
        (x + 16.0, y + 40.0),
        (x + 58.0, y + 32.0),
        (x + 216.0, y + 32.0),
        (x + 252.0, y + 42.0),
        (x + 256.0, y + 70.0),
        (x + 246.0, y + 78.0),
        (x + 8.0, y + 78.0),
        (x, y + 68.0),
    ];
    canvas.shaded(
        &side,
        (Spot { x, y: y + 32.0 }, body.times(1.06)),
        (Spot { x, y: y + 80.0 }, body.times(0.62)),
    );
    for seam in [x + 132.0, x + 62.0, x + 208.0] {
        canvas.rect(seam, y + 34.0, 1.6, 40.0, body.times(0.55));
    }
    canvas.rect(x + 84.0, y + 46.0, 14.0, 3.0, body.times(0.5));
    canvas.rect(x + 144.0, y + 46.0, 14.0, 3.0, body.times(0.5));
    canvas.polygon(
        &[(x + 2.0, y + 52.0), (x + 14.0, y + 46.0), (x + 22.0, y + 52.0), (x + 6.0, y + 58.0)],
        Rgb(236, 232, 208),
        1.0,
    );
    canvas.polygon(
        &[(x + 244.0, y + 46.0), (x + 254.0, y + 46.0), (x + 255.0, y + 56.0), (x + 246.0, y + 56.0)],
        Rgb(150, 38, 34),
        1.0,
    );
    for wheel in [x + 50.0, x + 206.0] {
        let centre = Spot { x: wheel, y: y + 74.0 };
        canvas.ellipse(centre, 22.0, 22.0, ink, 1.0);
        canvas.ball(centre, 13.0, 13.0, Rgb(148, 150, 152));
        canvas.ellipse(centre, 4.0, 4.0, ink, 1.0);
    }
}
