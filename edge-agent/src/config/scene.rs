//! A scene: one camera as in the agent's configuration, played back instead of watched.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::{Label, UtcMs};

use super::document::Document;
use super::{ConfigError, Problem, Watched, cameras};
use crate::camera::Source;
use crate::rules::Calendar;

const SECTIONS: [&str; 3] = ["starts_at", "calendar", "camera"];

/// What a scene file says.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneFile {
    /// When the first frame was taken: what schedules go by. 0 when not written.
    pub starts_at: UtcMs,
    pub calendar: Arc<Calendar>,
    pub watched: Watched,
}

impl SceneFile {
    /// `named`: what the detectors that will look at it can name.
    pub fn load(path: &Path, named: &[Label]) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&path.display().to_string(), &text, named).map_err(ConfigError::Wrong)
    }

    /// Reads a text; `file` is what mistakes are reported in.
    pub fn parse(file: &str, text: &str, named: &[Label]) -> Result<Self, Vec<Problem>> {
        let mut document = Document::parse(file, text, &[]);
        let starts_at = read_start(&mut document);
        let calendar = cameras::read_calendar(&mut document);
        let mut watched = None;
        match document.section("camera") {
            Some(mut section) => {
                let site = |named| cameras::Site { named, calendar: Arc::clone(&calendar) };
                // What was recorded may be of any detector.
                let recorded = section.text("url").is_some_and(|url| is_recording(&url));
                let named = if recorded { Label::ALL.to_vec() } else { named.to_vec() };
                watched = cameras::read(&mut document, &mut section, &site(named));
                if let Some(watched) = &watched
                    && !matches!(watched.camera.url.source(), Ok(Source::File(_)) | Err(_))
                {
                    document.wrong(
                        &section,
                        "url",
                        "is no file; a scene plays a video or recorded detections",
                    );
                }
            }
            None => document.missing("the scene has no [camera] table"),
        }
        let problems = document.finish(&SECTIONS);
        match watched {
            Some(watched) if problems.is_empty() => Ok(Self { starts_at, calendar, watched }),
            _ => Err(problems),
        }
    }
}

/// Recorded detections, not a video.
pub fn is_recording(url: &str) -> bool {
    Path::new(url).extension().is_some_and(|end| end.eq_ignore_ascii_case("jsonl"))
}

fn read_start(document: &mut Document<'_>) -> UtcMs {
    let Some(text) = document.value::<String>("starts_at") else { return UtcMs(0) };
    match text.parse::<Timestamp>() {
        Ok(at) => UtcMs(at.as_millisecond()),
        Err(_) => {
            document.missing(&format!(
                "starts_at: {text:?} is no moment; write it like \"2026-10-01T22:00:00+08:00\""
            ));
            UtcMs(0)
        }
    }
}
