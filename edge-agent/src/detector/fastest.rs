//! Which variant of a model a running box uses: a smaller input, and two threads, where each is measured here, at start, to be
//! worth it.
//!
//! How much accuracy each input costs the manifest says, and threads cost none (docs/BENCHMARKS.md has the measurement); how
//! much time it saves differs from processor to processor. Deliberately absent: the network in 8 bits, which loses more than is
//! allowed on any processor.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use models::Weights;
use models::contract::Smaller;
use ort::environment::Environment;

use super::onnx::{Onnx, Provider};
use super::{Detect, DetectError, DetectorConfig, golden};
use crate::frame::Picture;

/// A variant must be so many times faster, and cost no more points of AP50 than the other.
const FASTER: f64 = 1.15;
const MOST_LOST: f32 = 1.0;
/// Looks of each that are timed, in turns, so that what else the machine does meets all alike.
const LOOKS: usize = 9;
/// A second thread is taken from what decodes and records: of so many cores one can be spared.
const CORES: usize = 4;
/// Two that are measured at the same time would measure each other.
static MEASURING: Mutex<()> = Mutex::new(());

/// The variant to use: the model's own input, or a smaller one of the same file, on one thread or on two; each that pays off
/// and passes the self-test. What the configuration fixes is not measured.
pub(super) fn choose(
    own: Onnx,
    environment: &Environment,
    weights: &Weights,
    config: &DetectorConfig,
) -> Onnx {
    let open = |side: Option<usize>, threads| {
        let mut other = match side {
            Some(side) => Onnx::load_at(environment, weights, threads, &config.providers, side)?,
            None => Onnx::load(environment, weights, threads, &config.providers)?,
        };
        weights.golden.as_deref().map_or(Ok(()), |golden: &Path| golden::hold(&mut other, golden))?;
        Ok(other)
    };
    let _alone = MEASURING.lock().unwrap_or_else(PoisonError::into_inner);
    let smaller = if config.smaller_input { own.smaller().to_vec() } else { Vec::new() };
    let (best, side) = best(own, &smaller, |side| open(Some(side), config.fixed_threads()), timed);
    // What another provider computes on has no threads of ours to wait for.
    if config.threads.is_some() || config.providers.first() != Some(&Provider::Cpu) {
        return best;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    on_two_threads(best, cores, || open(side, 2), timed)
}

/// `open` loads the model for a side, `time` measures milliseconds of a look of two. Also the side that it is, unless its own.
fn best<M: Detect>(
    mut own: M,
    smaller: &[Smaller],
    mut open: impl FnMut(usize) -> Result<M, DetectError>,
    mut time: impl FnMut([&mut M; 2]) -> Result<[f64; 2], DetectError>,
) -> (M, Option<usize>) {
    let mut best: Option<(f64, usize, M)> = None;
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
        let used = times_faster >= FASTER && best.as_ref().is_none_or(|(ms, ..)| other_ms < *ms);
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
            best = Some((other_ms, side, other));
        }
    }
    best.map_or((own, None), |(_, side, other)| (other, Some(side)))
}

/// The same model on two threads, if it is faster by enough and the machine has the cores for it.
fn on_two_threads<M: Detect>(
    mut one: M,
    cores: usize,
    open: impl FnOnce() -> Result<M, DetectError>,
    mut time: impl FnMut([&mut M; 2]) -> Result<[f64; 2], DetectError>,
) -> M {
    if cores < CORES {
        tracing::info!(model = one.name(), cores, "runs on one thread: this machine has no core to spare");
        return one;
    }
    let measured = open().and_then(|mut two| Ok((time([&mut one, &mut two])?, two)));
    let ([one_ms, two_ms], two) = match measured {
        Ok(measured) => measured,
        Err(error) => {
            tracing::warn!(model = one.name(), %error, "it cannot be used on two threads here");
            return one;
        }
    };
    let times_faster = one_ms / two_ms.max(f64::MIN_POSITIVE);
    let used = times_faster >= FASTER;
    tracing::info!(
        model = one.name(),
        ms = format!("{two_ms:.1}"),
        one_thread_ms = format!("{one_ms:.1}"),
        times_faster = format!("{times_faster:.2}"),
        cores,
        used,
        "measured it on two threads"
    );
    if used { two } else { one }
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
    use crate::detector::Provider;
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
        best(Sized("416".to_owned()), &smaller, open, time).0.0
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

    /// Two threads must save enough time and work, and are not even tried where there is no core for them.
    #[test]
    fn two_threads_must_pay() {
        let used = |cores: usize, ms: Option<[f64; 2]>| {
            let open = || Ok(Sized("two".to_owned()));
            let time = |_: [&mut Sized; 2]| ms.ok_or(DetectError::Off);
            on_two_threads(Sized("one".to_owned()), cores, open, time).0
        };
        assert_eq!(used(4, Some([23.0, 20.0])), "two", "1.15 times faster");
        assert_eq!(used(64, Some([22.9, 20.0])), "one");
        assert_eq!(used(3, Some([40.0, 20.0])), "one", "no core to spare");
        assert_eq!(used(4, None), "one", "it fails");
        let broken = on_two_threads(Sized("one".to_owned()), 4, || Err(DetectError::Off), |_| Ok([2.0, 1.0]));
        assert_eq!(broken.0, "one");
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
