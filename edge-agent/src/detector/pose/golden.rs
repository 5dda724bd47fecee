//! A pose model's self-test: people who stand and who lie in pictures beside its `golden.json`, and how it must find them.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{FindPose, Stance};
use crate::detector::DetectError;
use crate::picture;

/// What `golden.json` holds. What else stands there is for people.
#[derive(Debug, Deserialize)]
struct Golden {
    /// How far off each may be: `lean` in degrees.
    tolerance: Stance,
    pictures: Vec<Case>,
}

/// One person in the middle of a picture, who fills about two thirds of it.
#[derive(Debug, Deserialize)]
struct Case {
    /// Beside the `golden.json`.
    file: PathBuf,
    #[serde(flatten)]
    expected: Stance,
}

/// Shows the model its golden pictures. The error says of the first that differs what was expected and what was found.
pub(super) fn hold(model: &mut dyn FindPose, golden: &Path) -> Result<(), DetectError> {
    let name = model.name().to_owned();
    let broken = |problem: String| DetectError::SelfTest { model: name.clone(), problem };
    let unreadable = |error: String| broken(format!("{} cannot be read: {error}", golden.display()));
    let text = std::fs::read(golden).map_err(|e| unreadable(e.to_string()))?;
    let Golden { tolerance, pictures } =
        serde_json::from_slice(&text).map_err(|e| unreadable(e.to_string()))?;
    if pictures.is_empty() {
        return Err(unreadable("it holds no picture".to_owned()));
    }
    for Case { file, expected } in pictures {
        let person = picture::read(&golden.with_file_name(&file)).map_err(|e| broken(format!("{e:#}")))?;
        let found = model.stance(&person)?;
        let near = (found.lean - expected.lean).abs() <= tolerance.lean
            && (found.score - expected.score).abs() <= tolerance.score;
        if !near {
            let told = |s: Stance| format!("a lean of {}° ({:.2} sure)", s.lean, s.score);
            let shown = file.display();
            let (expected, found) = (told(expected), told(found));
            return Err(broken(format!("in its golden picture {shown}: expected {expected}, found {found}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::frame::Picture;

    /// Leans as far as the picture is bright.
    struct Bright(f32);

    impl FindPose for Bright {
        fn name(&self) -> &'static str {
            "bright 1"
        }

        fn stance(&mut self, picture: &Picture) -> Result<Stance, DetectError> {
            Ok(Stance { lean: f32::from(picture.y[0]) + self.0, score: 0.6 })
        }
    }

    /// Every picture counts, lean and sureness alike; a file that cannot be read, and one without pictures, are told.
    #[test]
    fn each_picture_must_be_found_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for (name, luma) in [("dark.png", 0), ("light.png", 255)] {
            image::GrayImage::from_pixel(8, 8, image::Luma([luma])).save(folder.path().join(name)).unwrap();
        }
        let path = folder.path().join("golden.json");
        let held = |pictures: serde_json::Value, off: f32| {
            let golden = json!({ "tolerance": { "lean": 5, "score": 0.1 }, "pictures": pictures });
            std::fs::write(&path, golden.to_string()).unwrap();
            hold(&mut Bright(off), &path).map_err(|error| error.to_string())
        };
        let case = |file: &str, lean: u8, score: f32| json!({ "file": file, "lean": lean, "score": score });
        let (dark, light) = (case("dark.png", 16, 0.6), case("light.png", 235, 0.65));
        assert_eq!(held(json!([dark, light]), 4.0), Ok(()));
        for (pictures, off, why) in [
            (json!([dark, light]), 6.0, "dark.png: expected a lean of 16° (0.60 sure), found a lean of 22°"),
            (json!([dark, case("light.png", 180, 0.6)]), 0.0, "light.png: expected a lean of 180°"),
            (json!([dark, case("light.png", 235, 0.8)]), 0.0, "light.png"),
            (json!([dark, light]), f32::NAN, "dark.png"),
            (json!([dark, case("gone.png", 1, 0.6)]), 0.0, "gone.png"),
            (json!([]), 0.0, "it holds no picture"),
            (json!("none"), 0.0, "golden.json cannot be read"),
        ] {
            let error = held(pictures, off).unwrap_err();
            assert!(error.contains("bright 1 does not pass its self-test") && error.contains(why), "{error}");
        }
    }
}
