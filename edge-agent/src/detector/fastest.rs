//! Which of a model's inputs a running box uses: a smaller one where it is measured here, at start, to be worth it.
//!
//! How much accuracy each costs the manifest says (docs/BENCHMARKS.md has the measurement); how much time it saves differs from
//! processor to processor.

use std::time::Instant;

use models::Weights;
use models::contract::Smaller;
use ort::environment::Environment;

use super::onnx::{Onnx, Provider};
use super::{Detect, DetectError};
use crate::frame::Picture;

/// A smaller input must be so many times faster, and cost no more points of AP50 than the other.
const FASTER: f64 = 1.15;
const MOST_LOST: f32 = 1.0;
/// Looks of each that are timed, in turns, so that what else the machine does meets all alike.
const LOOKS: usize = 9;

/// The input to use: `own`, or a smaller one of the same file that pays off.
pub(super) fn choose(
    mut own: Onnx,
    environment: &Environment,
    weights: &Weights,
    threads: usize,
    providers: &[Provider],
) -> Result<Onnx, DetectError> {
    let smaller = own.smaller().to_vec();
    let mut best = None;
    for Smaller { side, loses } in smaller.into_iter().filter(|s| s.loses <= MOST_LOST) {
        let mut other = match Onnx::load_at(environment, weights, threads, providers, side) {
            Ok(other) => other,
            Err(error) => {
                tracing::warn!(model = own.name(), side, %error, "its smaller input cannot be used here");
                continue;
            }
        };
        let [own_ms, other_ms] = timed([&mut own, &mut other])?;
        let faster = own_ms / other_ms.max(f64::MIN_POSITIVE);
        let used = pays(faster, loses) && best.as_ref().is_none_or(|(ms, _)| other_ms < *ms);
        tracing::info!(
            model = own.name(),
            side,
            ms = format!("{other_ms:.1}"),
            own_ms = format!("{own_ms:.1}"),
            times_faster = format!("{faster:.2}"),
            loses,
            used,
            "measured its smaller input"
        );
        if used {
            best = Some((other_ms, other));
        }
    }
    Ok(best.map_or(own, |(_, other)| other))
}

fn pays(times_faster: f64, loses: f32) -> bool {
    times_faster >= FASTER && loses <= MOST_LOST
}

/// Median milliseconds of a look of each.
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

    use super::*;
    use crate::frame::Detection;
    use crate::{native, picture};

    #[test]
    fn a_smaller_input_must_save_time_and_keep_its_accuracy() {
        assert!(pays(1.15, 1.0) && pays(1.64, -4.4));
        assert!(!pays(1.14, 0.0));
        assert!(!pays(3.9, 1.1));
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
        assert!(answers.iter().any(|(_, large, small)| large != small));
        let mut chosen = choose(own, &environment, &weights, 1, &cpu).unwrap();
        let used = answers.iter().map(|(picture, large, small)| {
            let found = chosen.detect(picture).unwrap();
            (found == *large, found == *small)
        });
        let used: Vec<_> = used.collect();
        assert!(used.iter().all(|u| u.0) || used.iter().all(|u| u.1), "{used:?}");
    }
}
