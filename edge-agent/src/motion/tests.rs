use proptest::prelude::*;
use protocol::Chance;

use super::*;

const W: usize = 640;
const H: usize = 360;

/// A street with some texture, and a grey block of 40 × 120 at `x`, if any.
fn scene(x: Option<usize>, light: i32, contrast: i32) -> Vec<u8> {
    let mut luma = vec![0; W * H];
    for (i, pixel) in luma.iter_mut().enumerate() {
        let (px, py) = (i % W, i / W);
        let ground = 128 + (((px / 40 + py / 30) % 5) as i32 - 2) * 40 * contrast / 100;
        let inside = x.is_some_and(|x| (x..x + 40).contains(&px) && (150..270).contains(&py));
        let value = if inside { 128 - 120 * contrast / 100 } else { ground };
        *pixel = (value + light).clamp(0, 255) as u8;
    }
    luma
}

fn run(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Motion> {
    let mut gate = MotionGate::new();
    frames.into_iter().enumerate().map(|(i, f)| gate.look(UtcMs(i as i64 * 200), &f, W, H)).collect()
}

/// A still street is still, and the first frame teaches only.
#[test]
fn a_still_street_is_still() {
    let seen = run((0..20).map(|_| scene(None, 0, 100)));
    assert!(seen.iter().all(|m| m.boxes.is_empty()));
    assert!(seen[0].recalibrated && !seen[1].recalibrated);
}

/// A walker is one box where he is, by day and in fog.
#[test]
fn a_walker_is_one_box() {
    for contrast in [100, 40] {
        let mut frames = vec![scene(None, 0, contrast); 5];
        frames.extend((0..10).map(|i| scene(Some(100 + 20 * i), 0, contrast)));
        for (i, motion) in run(frames).iter().enumerate().skip(5) {
            let x = (100 + 20 * (i - 5)) as f32 / W as f32;
            let expected = NormBox { x, y: 150.0 / 360.0, w: 40.0 / W as f32, h: 120.0 / 360.0 };
            // Behind him the average has hardly begun to change, so there is no second box.
            assert_eq!(motion.boxes.len(), 1, "contrast {contrast}, frame {i}: {motion:?}");
            assert!(motion.boxes[0].iou(&expected) > 0.6, "frame {i}: {motion:?}");
        }
    }
}

/// A lamp that changes everything begins anew; then the walker is seen again.
#[test]
fn a_lamp_recalibrates() {
    let mut frames = vec![scene(None, -60, 100); 5];
    frames.extend(vec![scene(None, 60, 100); 5]);
    frames.push(scene(Some(300), 60, 100));
    let seen = run(frames);
    assert!(seen[5].recalibrated && seen[5].boxes.is_empty() && seen[5].changed > FLIP);
    assert!(seen[6..10].iter().all(|m| m.boxes.is_empty()));
    assert_eq!(seen[10].boxes.len(), 1);
}

/// Dusk, a level every few seconds, is no motion.
#[test]
fn dusk_is_no_motion() {
    let seen = run((0..200).map(|i| scene(None, -i / 4, 100)));
    assert!(seen.iter().all(|m| m.boxes.is_empty()));
}

/// Sensor noise of ±12 levels is no motion: shrinking averages it away.
#[test]
fn noise_is_no_motion() {
    let chance = Chance::seeded(3);
    let noisy = |_| {
        let mut luma = scene(None, 0, 100);
        luma.iter_mut().for_each(|p| *p = p.saturating_add(chance.below(25) as u8).saturating_sub(12));
        luma
    };
    assert!(run((0..8).map(noisy)).iter().all(|m| m.boxes.is_empty()));
}

/// A camera that shakes in the wind by a few pixels sees no motion; who walks by is one box all the same.
#[test]
fn shaking_is_no_motion() {
    let chance = Chance::seeded(5);
    let shaken = |luma: &[u8], chance: &Chance| -> Vec<u8> {
        let (dx, dy) = (chance.below(5) as usize, chance.below(5) as usize);
        (0..W * H).map(|i| luma[(i / W + dy).min(H - 1) * W + (i % W + dx).min(W - 1)]).collect()
    };
    let still = run((0..40).map(|_| shaken(&scene(None, 0, 100), &chance)));
    assert!(still.iter().all(|m| m.boxes.is_empty()));
    let walk = (0..40).map(|i| shaken(&scene((i >= 20).then(|| 40 + 20 * (i - 20)), 0, 100), &chance));
    assert!(run(walk).iter().skip(20).all(|m| m.boxes.len() == 1));
}

/// What was parked becomes background within a minute.
#[test]
fn the_parked_becomes_background() {
    let mut frames = vec![scene(None, 0, 100); 3];
    frames.extend((0..300).map(|_| scene(Some(200), 0, 100)));
    let seen = run(frames);
    assert_eq!(seen[10].boxes.len(), 1);
    assert!(seen.last().unwrap().boxes.is_empty());
}

proptest! {
    /// Any size of picture, also changing in mid-stream, gives boxes inside the picture.
    #[test]
    fn boxes_are_inside_for_any_size(sizes in prop::collection::vec((1_usize..200, 1_usize..300), 1..6), seed: u64) {
        let chance = Chance::seeded(seed);
        let mut gate = MotionGate::new();
        for (i, (w, h)) in sizes.into_iter().enumerate() {
            for k in 0..2 {
                let luma: Vec<u8> = (0..w * h).map(|_| chance.below(256) as u8).collect();
                let motion = gate.look(UtcMs((i * 2 + k) as i64 * 200), &luma, w, h);
                for b in motion.boxes {
                    prop_assert!(b.x >= 0.0 && b.y >= 0.0 && b.w > 0.0 && b.h > 0.0);
                    prop_assert!(b.x + b.w <= 1.001 && b.y + b.h <= 1.001);
                }
            }
        }
    }
}
