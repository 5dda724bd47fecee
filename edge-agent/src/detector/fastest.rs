//! Which of a model's inputs a running box uses: a smaller one where it is measured here, at start, to be worth it.
//!
//! How much accuracy each costs the manifest says (docs/BENCHMARKS.md has the measurement); how much time it saves differs from
//! processor to processor.

use std::path::Path;
use std::time::Instant;

use models::Weights;
use models::contract::Smaller;
use ort::environment::Environment;

use super::onnx::{Onnx, Provider};
use super::{Detect, DetectError, golden};
use crate::frame::Picture;

/// A smaller input must be so many times faster, and cost no more points of AP50 than the other.
const FASTER: f64 = 1.15;
const MOST_LOST: f32 = 1.0;
/// Looks of each that are timed, in turns, so that what else the machine does meets all alike.
const LOOKS: usize = 9;

/// The input to use: the model's own, or a smaller one of the same file that pays off and passes the self-test.
pub(super) fn choose(
    own: Onnx,
    environment: &Environment,
    weights: &Weights,
    threads: usize,
    providers: &[Provider],
) -> Onnx {
    let open = |side| {
        let mut other = Onnx::load_at(environment, weights, threads, providers, side)?;
        weights.golden.as_deref().map_or(Ok(()), |golden: &Path| golden::hold(&mut other, golden))?;
        Ok(other)
    };
    let smaller = own.smaller().to_vec();
    best(own, &smaller, open, timed)
}

/// `open` loads the model for a side, `time` measures milliseconds of a look of two.
fn best<M: Detect>(
    mut own: M,
    smaller: &[Smaller],
    mut open: impl FnMut(usize) -> Result<M, DetectError>,
    mut time: impl FnMut([&mut M; 2]) -> Result<[f64; 2], DetectError>,
) -> M {
    let mut best: Option<(f64, M)> = None;
    for &Smaller { side, loses } in smaller.iter().filter(|s| s.loses <= MOST_LOST) {
        let measured = open(side).and_then(|mut other| Ok((time([&mut own, &mut other])?, other)));
        let ([own_ms, other_ms], other) = match measured {
            Ok(measured) => measured,
            Err(error) => {
                tracing::warn!(model = own.name(), side, %error, "its smaller input cannot be used here");
                continue;
            }
        };
        let times_faster = own_ms / other_ms.max(f64::MIN_POSITIVE);
        let used = times_faster >= FASTER && best.as_ref().is_none_or(|(ms, _)| other_ms < *ms);
        tracing::info!(
            model = own.name(),
            side,
            ms = format!("{other_ms:.1}"),
            own_ms = format!("{own_ms:.1}"),
            times_faster = format!("{times_faster:.2}"),
            loses,
            used,
            "measured its smaller input"
        );
        if used {
            best = Some((other_ms, other));
        }
    }
    best.map_or(own, |(_, other)| other)
}

/// Median milliseconds of a look of each.
#[expect(
    clippy::disallowed_methods,
    reason = "the product's clock counts milliseconds: too coarse for a look"
)]
fn timed(mut models: [&mut Onnx; 2]) -> Result<[f64; 2], DetectError> {
    let picture =
        Picture { width: 64, height: 64, y: vec![128; 4_096], u: vec![128; 1_024], v: vec![128; 1_024] };
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..LOOKS {
        for (model, times) in models.iter_mut().zip(&mut times) {
            let began = Instant::now();
            model.detect(&picture)?;
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    Ok(times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[LOOKS / 2]
    }))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use models::ModelStore;
    use protocol::Label;

    use super::*;
    use crate::frame::Detection;
    use crate::{native, picture};

    struct Sized(String);

    impl Detect for Sized {
        fn name(&self) -> &str {
            &self.0
        }

        fn labels(&self) -> &[Label] {
            &[]
        }

        fn detect(&mut self, _: &Picture) -> Result<Vec<Detection>, DetectError> {
            Err(DetectError::Off)
        }
    }

    /// What is used of 416 and these, where a look of each side takes so long.
    fn used(smaller: &[(usize, f32)], ms: impl Fn(&str) -> Option<f64>) -> String {
        let smaller: Vec<_> = smaller.iter().map(|&(side, loses)| Smaller { side, loses }).collect();
        let open = |side: usize| Ok(Sized(side.to_string()));
        let time = |[own, other]: [&mut Sized; 2]| {
            Ok([ms(&own.0).ok_or(DetectError::Off)?, ms(&other.0).ok_or(DetectError::Off)?])
        };
        best(Sized("416".to_owned()), &smaller, open, time).0
    }

    /// A smaller input must save enough time, keep its accuracy, and work; the fastest of several is used.
    #[test]
    fn a_smaller_input_must_pay() {
        let by_side = |side: &str| Some(side.parse::<f64>().unwrap() / 10.0);
        assert_eq!(used(&[], by_side), "416");
        assert_eq!(used(&[(320, 0.6)], by_side), "320");
        assert_eq!(used(&[(320, 0.6), (256, 1.0), (192, 1.1)], by_side), "256");
        assert_eq!(used(&[(256, -4.4), (320, 0.6)], by_side), "256");
        assert_eq!(used(&[(370, 0.0)], by_side), "416", "1.12 times faster");
        assert_eq!(used(&[(361, 0.0)], by_side), "361", "1.15 times faster");
        assert_eq!(used(&[(320, 0.0)], |side| (side == "416").then_some(1.0)), "416", "it fails");
    }

    /// The same file at 320 pixels names the same things at the same places, and what is chosen is one of the two.
    #[test]
    fn yolox_sees_the_same_on_a_smaller_input() {
        let Some(data) = std::env::var_os("SHAODIAN_DATA").filter(|v| !v.is_empty()).map(PathBuf::from)
        else {
            println!("skipped: SHAODIAN_DATA is not set, no YOLOX-nano");
            return;
        };
        let weights = ModelStore::new(vec![data.join("models")]).find("yolox-nano").unwrap();
        let (environment, cpu) = (native::environment(None).unwrap(), [Provider::Cpu]);
        let mut own = Onnx::load(&environment, &weights, 1, &cpu).unwrap();
        let mut smaller = Onnx::load_at(&environment, &weights, 1, &cpu, 320).unwrap();
        let (mut sure, mut same, mut answers) = (0, 0, Vec::new());
        for entry in std::fs::read_dir(data.join("images/sample")).unwrap() {
            let picture: Picture = picture::read(&entry.unwrap().path()).unwrap();
            let (large, small) = (own.detect(&picture).unwrap(), smaller.detect(&picture).unwrap());
            let found = |d: &&Detection| {
                small.iter().any(|s| s.label == d.label && s.region.iou(&d.region) > 0.5 && s.score > 0.3)
            };
            let certain = || large.iter().filter(|d| d.score > 0.6);
            sure += certain().count();
            same += certain().filter(found).count();
            answers.push((picture, large, small));
        }
        println!("{same} of {sure} sure ones at 320 pixels too");
        assert!(sure >= 10 && same * 10 >= sure * 8, "{same} of {sure}");
        assert!(answers.iter().any(|(_, large, small)| large != small), "it is another network");
        let product = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/yolox-nano/golden.json");
        golden::hold(&mut smaller, &product).unwrap();
    }
}
