//! How many false alarms there might be, given how few were seen. Pure.

/// One may be 95 % sure that events of which `count` were seen come no oftener than this in the same time: the exact
/// upper limit of a Poisson mean (Garwood 1936, Biometrika 28: half the 95 % point of χ² with 2·(count + 1) degrees
/// of freedom), that is the mean at which `count` or fewer are seen in 5 % of all cases. For none seen it is
/// −ln 0.05 = 2.996, the "rule of three".
pub fn upper_bound(count: u32) -> f64 {
    let (mut low, mut high) = (0.0, f64::from(count) * 2.0 + 10.0);
    for _ in 0..100 {
        let mean = f64::midpoint(low, high);
        if at_most(count, mean) > 0.05 { low = mean } else { high = mean }
    }
    high
}

/// How likely a Poisson count of this mean is at most `count`.
fn at_most(count: u32, mean: f64) -> f64 {
    // By logarithms: the factors of large counts leave the range of floating point.
    let mut ln_term = -mean;
    let mut sum = ln_term.exp();
    for k in 1..=count {
        ln_term += (mean / f64::from(k)).ln();
        sum += ln_term.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the printed tables of Poisson limits: 0 → 2.996, 1 → 4.744, 2 → 6.296, 10 → 16.962, 100 → 118.08.
    #[test]
    fn bounds_of_the_tables() {
        for (count, bound) in [(0, 2.996), (1, 4.744), (2, 6.296), (10, 16.962)] {
            assert!((upper_bound(count) - bound).abs() < 1e-3, "{count}: {}", upper_bound(count));
        }
        assert!((upper_bound(100) - 118.08).abs() < 0.05, "{}", upper_bound(100));
        assert!(upper_bound(2_000).is_finite());
    }
}
