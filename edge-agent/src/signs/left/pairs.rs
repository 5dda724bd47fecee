//! Whether two series of values rise and fall together.

/// Sums over pairs of values.
#[derive(Default)]
pub(super) struct Pairs {
    pub(super) n: f32,
    a: f32,
    b: f32,
    aa: f32,
    bb: f32,
    ab: f32,
}

impl Pairs {
    pub(super) fn add(&mut self, a: f32, b: f32) {
        self.n += 1.0;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    fn variances(&self) -> (f32, f32) {
        let n = self.n.max(1.0);
        let square = |sum: f32| sum / n * sum / n;
        ((self.aa / n - square(self.a)).max(0.0), (self.bb / n - square(self.b)).max(0.0))
    }

    pub(super) fn correlation(&self) -> f32 {
        let (a, b) = self.variances();
        let n = self.n.max(1.0);
        let both = self.ab / n - self.a / n * (self.b / n);
        if a < 4.0 || b < 1.0 { 0.0 } else { both / (a * b).sqrt() }
    }

    /// Neither has texture.
    pub(super) fn flat(&self) -> bool {
        let (a, b) = self.variances();
        a < 9.0 && b < 9.0
    }

    pub(super) fn ratio(&self) -> f32 {
        self.b / self.a.max(1.0)
    }
}
