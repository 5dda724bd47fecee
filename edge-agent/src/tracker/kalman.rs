//! Constant-velocity Kalman filter on a box.
//!
//! ByteTrack's eight-dimensional filter has diagonal noise and measures every coordinate directly, so it falls
//! apart into four filters of two dimensions (position, velocity): the same result without matrices. Unlike
//! there, time is in seconds and the process noise is that of white acceleration, so frame rates may vary.

use protocol::NormBox;

/// Standard deviations in sizes of the thing: of a measured coordinate, of the unknown first velocity (per
/// second), of acceleration (per second²).
const MEASURED: f32 = 0.08;
const FIRST_VELOCITY: f32 = 1.0;
const ACCELERATION: f32 = 0.2;
/// What is out of sight is believed to slow down with this time constant: people hide by stopping.
const SLOW_DOWN_S: f32 = 1.0;
/// A gap between two sights is bridged in steps of this length, or in so many.
const STEP_S: f32 = 0.2;
const MAX_STEPS: f32 = 10.0;

#[derive(Clone, Copy, Debug)]
struct Axis {
    position: f32,
    velocity: f32,
    /// Covariance: position, both, velocity.
    pp: f32,
    pv: f32,
    vv: f32,
}

impl Axis {
    fn new(position: f32, size: f32) -> Self {
        let (p, v) = (MEASURED * size, FIRST_VELOCITY * size);
        Self { position, velocity: 0.0, pp: p * p, pv: 0.0, vv: v * v }
    }

    fn predict(&mut self, dt: f32, size: f32) {
        let q = (ACCELERATION * size).powi(2);
        self.position += self.velocity * dt;
        self.pp += dt * (2.0 * self.pv + dt * self.vv) + q * dt.powi(3) / 3.0;
        self.pv += dt * self.vv + q * dt * dt / 2.0;
        self.vv += q * dt;
    }

    fn update(&mut self, measured: f32, size: f32) {
        let noise = (MEASURED * size).powi(2).max(f32::MIN_POSITIVE);
        let total = self.pp + noise;
        let (gain_p, gain_v) = (self.pp / total, self.pv / total);
        let error = measured - self.position;
        self.position += gain_p * error;
        self.velocity += gain_v * error;
        self.vv -= gain_v * self.pv;
        self.pv *= 1.0 - gain_p;
        self.pp *= 1.0 - gain_p;
    }
}

/// Where a box is and whither it goes. Axes: centre x, centre y, width, height.
#[derive(Clone, Debug)]
pub(super) struct BoxFilter([Axis; 4]);

impl BoxFilter {
    pub(super) fn new(region: &NormBox) -> Self {
        let sizes = sizes(region.w, region.h);
        let mut axes = measured(region).into_iter().zip(sizes).map(|(m, size)| Axis::new(m, size));
        Self(std::array::from_fn(|_| axes.next().expect("four measured, four axes")))
    }

    /// Moves on by `dt` seconds.
    pub(super) fn predict(&mut self, dt: f32, visible: bool) {
        let sizes = self.sizes();
        for (axis, size) in self.0.iter_mut().zip(sizes) {
            axis.predict(dt, size);
            if !visible {
                axis.velocity *= (-dt / SLOW_DOWN_S).exp();
            }
        }
        // A box never shrinks away, whatever its extrapolated size.
        self.0[2].position = self.0[2].position.max(1e-4);
        self.0[3].position = self.0[3].position.max(1e-4);
    }

    pub(super) fn update(&mut self, region: &NormBox) {
        let sizes = self.sizes();
        for ((axis, m), size) in self.0.iter_mut().zip(measured(region)).zip(sizes) {
            axis.update(m, size);
        }
    }

    /// Passes through a gap of `seconds` between two sights along the straight way from `left` to `found`, short of
    /// the measurement of `found` itself.
    pub(super) fn bridge(&mut self, left: &NormBox, found: &NormBox, seconds: f32) {
        let steps = (seconds / STEP_S).ceil().clamp(1.0, MAX_STEPS);
        for step in 1..=steps as u32 {
            self.predict(seconds / steps, true);
            let share = step as f32 / steps;
            if share < 1.0 {
                let on = |a: f32, b: f32| a + (b - a) * share;
                let (x, y) = (on(left.x, found.x), on(left.y, found.y));
                self.update(&NormBox { x, y, w: on(left.w, found.w), h: on(left.h, found.h) });
            }
        }
    }

    /// The box reached so much further down all the time.
    pub(super) fn extend(&mut self, by: f32) {
        self.0[1].position += by / 2.0;
        self.0[3].position += by;
    }

    pub(super) fn stop(&mut self) {
        for axis in &mut self.0 {
            axis.velocity = 0.0;
        }
    }

    pub(super) fn region(&self) -> NormBox {
        let [x, y, w, h] = &self.0;
        let (w, h) = (w.position.max(1e-4), h.position.max(1e-4));
        NormBox { x: x.position - w / 2.0, y: y.position - h / 2.0, w, h }
    }

    /// Own sizes per second.
    pub(super) fn speed(&self) -> f32 {
        let sizes = self.sizes();
        (self.0[0].velocity / sizes[0]).hypot(self.0[1].velocity / sizes[1])
    }

    fn sizes(&self) -> [f32; 4] {
        sizes(self.0[2].position.max(1e-4), self.0[3].position.max(1e-4))
    }
}

fn measured(region: &NormBox) -> [f32; 4] {
    [region.x + region.w / 2.0, region.y + region.h / 2.0, region.w, region.h]
}

/// The scale of noise per axis. A person is three times as high as wide and walks as fast sideways as a wide
/// thing would, so the narrow side borrows from the other.
fn sizes(w: f32, h: f32) -> [f32; 4] {
    let (across, up) = (w.max(h / 2.0), h.max(w / 2.0));
    [across, up, across, up]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: f32) -> NormBox {
        NormBox { x, y: 0.4, w: 0.05, h: 0.2 }
    }

    /// A thing moving steadily is expected where it will be, whatever the frame rate.
    #[test]
    fn steady_motion_is_foreseen_at_any_frame_rate() {
        for fps in [2.0_f32, 5.0, 25.0] {
            let mut filter = BoxFilter::new(&at(0.1));
            let frames = (2.0 * fps) as usize;
            for i in 1..=frames {
                filter.predict(1.0 / fps, true);
                filter.update(&at(0.1 + 0.1 * i as f32 / fps));
            }
            filter.predict(1.0, true);
            assert!((filter.region().x - 0.4).abs() < 0.03, "{fps} fps: {:?}", filter.region());
        }
    }

    /// Predicting in one step or in ten is the same.
    #[test]
    fn prediction_does_not_depend_on_steps() {
        let mut one = BoxFilter::new(&at(0.1));
        one.predict(0.2, true);
        one.update(&at(0.12));
        let mut ten = one.clone();
        one.predict(1.0, true);
        (0..10).for_each(|_| ten.predict(0.1, true));
        for (a, b) in one.0.iter().zip(&ten.0) {
            assert!((a.position - b.position).abs() < 1e-4 && (a.pp - b.pp).abs() < a.pp * 1e-2);
        }
    }
}
