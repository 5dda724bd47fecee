//! What an installer writes about one camera, and what is wrong with it, field by field.

use std::path::PathBuf;

use protocol::limits::MAX_NAME_CHARS;
use protocol::{CameraId, Place};
use serde::Deserialize;

use super::address::{Address, Secret, Source};

/// One `[[camera]]` table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraConfig {
    pub id: CameraId,
    /// As screens show it; the id when empty.
    #[serde(default)]
    pub name: String,
    /// `rtsp://…`, `rtsps://…`, `file:///…` or a path, `v4l2:///dev/video0`, `test://` (or `test://PATTERN`).
    pub url: Address,
    /// A smaller stream of the same camera, with the same view: it is analysed, and evidence comes from `url`, which is
    /// then not decoded. Same username and password.
    #[serde(default)]
    pub sub_url: Option<Address>,
    /// For `rtsps://`: PEM file of the authority that signed the camera's certificate, instead of the machine's own.
    #[serde(default)]
    pub tls_ca: Option<PathBuf>,
    /// For `rtsps://`: SHA-256 of the camera's certificate, in hex. It is believed and no other.
    #[serde(default)]
    pub tls_fingerprint: Option<String>,
    /// For RTSP; may also stand in the URL.
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub place: Option<PlaceConfig>,
    /// Pictures per second that are decoded to the end and analysed.
    #[serde(default = "CameraConfig::default_analysis_fps")]
    pub analysis_fps: f32,
    /// Widest analysed picture in pixels; larger ones are scaled down.
    #[serde(default = "CameraConfig::default_analysis_width")]
    pub analysis_width: usize,
    /// Seconds of video kept in memory before anything happens: the beginning of every clip.
    #[serde(default = "CameraConfig::default_roll_s")]
    pub pre_roll_s: u32,
    /// Seconds a clip goes on after its incident ended.
    #[serde(default = "CameraConfig::default_roll_s")]
    pub post_roll_s: u32,
    /// Longest stretch of an incident that its clip shows, between pre-roll and post-roll.
    #[serde(default = "CameraConfig::default_clip_max_s")]
    pub clip_max_s: u32,
    /// Nothing inside them ever leaves the box. Written as `[[camera.masks]]`.
    #[serde(skip)]
    pub masks: Vec<Polygon>,
    /// People are made unrecognisable in evidence, as far as the detector sees them.
    #[serde(default)]
    pub blur_people: bool,
    /// The main stream is recorded all the time, on the box, as far as `[recording]` has room.
    #[serde(default)]
    pub record: bool,
    /// How long RTSP packets wait for late ones, in milliseconds.
    #[serde(default = "CameraConfig::default_latency_ms")]
    pub latency_ms: u32,
    /// Files only: start again at the end.
    #[serde(default)]
    pub repeat: bool,
    /// Files only: play at the speed they were filmed at, not as fast as the machine can.
    #[serde(default = "CameraConfig::default_realtime")]
    pub realtime: bool,
}

/// Most corners of one mask: each costs time in every masked picture.
const MAX_CORNERS: usize = 64;

/// Corners in shares of the picture, 0..=1 each.
pub type Polygon = Vec<[f32; 2]>;

/// [`Place`] as a table that refuses unknown keys.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceConfig {
    /// As people say it: 东关巷北口.
    pub name: String,
    /// WGS84 degrees.
    #[serde(default)]
    pub latitude: Option<f64>,
    #[serde(default)]
    pub longitude: Option<f64>,
}

impl From<PlaceConfig> for Place {
    fn from(place: PlaceConfig) -> Self {
        Self { name: place.name, latitude: place.latitude, longitude: place.longitude }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// The key as it is written, with its index where it is a list: `masks[1]`.
    pub field: String,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

impl CameraConfig {
    /// A camera with everything left at its default.
    pub fn new(id: CameraId, url: impl Into<String>) -> Self {
        Self {
            id,
            name: String::new(),
            url: Address::new(url),
            sub_url: None,
            tls_ca: None,
            tls_fingerprint: None,
            username: None,
            password: None,
            place: None,
            analysis_fps: Self::default_analysis_fps(),
            analysis_width: Self::default_analysis_width(),
            pre_roll_s: Self::default_roll_s(),
            post_roll_s: Self::default_roll_s(),
            clip_max_s: Self::default_clip_max_s(),
            masks: Vec::new(),
            blur_people: false,
            record: false,
            latency_ms: Self::default_latency_ms(),
            repeat: false,
            realtime: Self::default_realtime(),
        }
    }

    fn default_analysis_fps() -> f32 {
        5.0
    }

    fn default_analysis_width() -> usize {
        640
    }

    fn default_roll_s() -> u32 {
        8
    }

    fn default_clip_max_s() -> u32 {
        30
    }

    fn default_latency_ms() -> u32 {
        200
    }

    fn default_realtime() -> bool {
        true
    }

    /// The name for screens.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { self.id.as_str() } else { &self.name }
    }

    /// Whether it plays a file.
    pub fn url_is_file(&self) -> bool {
        matches!(self.url.source(), Ok(Source::File(_)))
    }

    /// Everything wrong with it at once; empty when it can be used.
    pub fn validate(&self) -> Vec<FieldError> {
        let mut errors = self.stream_problems();
        let mut wrong = |field: &str, problem: String| {
            errors.push(FieldError { field: field.to_owned(), problem });
        };
        if !(0.1..=30.0).contains(&self.analysis_fps) {
            wrong("analysis_fps", format!("{} is not between 0.1 and 30", self.analysis_fps));
        }
        if self.blur_people && self.analysis_fps < 1.0 {
            wrong(
                "analysis_fps",
                "with blur_people it is at least 1: between two looks nobody is seen".into(),
            );
        }
        if !(64..=3840).contains(&self.analysis_width) {
            wrong("analysis_width", format!("{} is not between 64 and 3840", self.analysis_width));
        }
        for (field, value, low, high) in [
            ("pre_roll_s", self.pre_roll_s, 5, 30),
            ("post_roll_s", self.post_roll_s, 1, 60),
            ("clip_max_s", self.clip_max_s, 1, 120),
            ("latency_ms", self.latency_ms, 0, 5_000),
        ] {
            if !(low..=high).contains(&value) {
                wrong(field, format!("{value} is not between {low} and {high}"));
            }
        }
        let place = self.place.as_ref().map_or("", |place| place.name.as_str());
        for (field, name) in [("name", self.name.as_str()), ("place.name", place)] {
            let length = name.chars().count();
            if length > MAX_NAME_CHARS {
                wrong(field, format!("has {length} characters; {MAX_NAME_CHARS} are enough for everybody"));
            }
        }
        for (index, polygon) in self.masks.iter().enumerate() {
            let field = format!("masks[{index}]");
            if !(3..=MAX_CORNERS).contains(&polygon.len()) {
                wrong(&field, format!("has {} corners; a mask has 3 to {MAX_CORNERS}", polygon.len()));
            }
            if let Some([x, y]) = polygon.iter().find(|p| p.iter().any(|v| !(0.0..=1.0).contains(v))) {
                wrong(&field, format!("corner [{x}, {y}] is outside the picture; shares go from 0 to 1"));
            }
        }
        if let Some(place) = &self.place {
            if place.latitude.is_some() != place.longitude.is_some() {
                wrong("place", "latitude and longitude come together".into());
            }
            if place.latitude.is_some_and(|v| !(-90.0..=90.0).contains(&v)) {
                wrong("place.latitude", "is not between -90 and 90 degrees".into());
            }
            if place.longitude.is_some_and(|v| !(-180.0..=180.0).contains(&v)) {
                wrong("place.longitude", "is not between -180 and 180 degrees".into());
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(url: &str) -> CameraConfig {
        CameraConfig::new("gate".parse().unwrap(), url)
    }

    /// Every wrong field is named at once, lists with their index.
    #[test]
    fn errors_name_the_field() {
        let mut config = camera("rtsp://h/x");
        assert_eq!(config.validate(), []);
        config.analysis_fps = 0.0;
        config.pre_roll_s = 2;
        config.masks = vec![
            vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]],
            vec![[0.0, 0.0]],
            vec![[0.0, 0.0], [1.5, 0.0], [0.0, 1.0]],
        ];
        config.name = "长".repeat(201);
        config.masks.push(vec![[0.5, 0.5]; 65]);
        let fields: Vec<_> = config.validate().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["analysis_fps", "pre_roll_s", "name", "masks[1]", "masks[2]", "masks[3]"]);
    }

    /// An unknown key is refused by name.
    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<CameraConfig>("id = 'a'\nurl = 'test://'\nfps = 3").unwrap_err();
        assert!(error.to_string().contains("unknown field `fps`"), "{error}");
    }
}
