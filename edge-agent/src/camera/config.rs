//! What an installer writes about one camera, and what is wrong with it, field by field.

use std::fmt;
use std::path::PathBuf;

use protocol::{CameraId, Place};
use serde::Deserialize;

/// One `[[camera]]` table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraConfig {
    pub id: CameraId,
    /// As screens show it; the id when empty.
    #[serde(default)]
    pub name: String,
    /// `rtsp://…`, `file:///…` or a path, `v4l2:///dev/video0`, `test://` (or `test://PATTERN`).
    pub url: String,
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
    /// Polygons of `[x, y]` in shares of the picture. Nothing inside them ever leaves the box.
    #[serde(default)]
    pub masks: Vec<Polygon>,
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

/// A password that does not print.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
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

/// What a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Rtsp(String),
    File(PathBuf),
    /// A device node.
    V4l2(String),
    /// A moving test picture; the pattern is one of `videotestsrc`.
    Test(String),
}

impl Source {
    pub fn parse(url: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return if url.trim().is_empty() {
                Err("is empty: write rtsp://HOST/PATH, a file, v4l2:///dev/video0 or test://".into())
            } else {
                Ok(Self::File(PathBuf::from(url)))
            };
        };
        match scheme {
            "rtsp" if rest.is_empty() || rest.starts_with('/') => {
                Err("has no host: write rtsp://HOST/PATH".into())
            }
            "rtsp" => Ok(Self::Rtsp(url.to_owned())),
            "rtsps" => Err("rtsps:// is not supported yet: use rtsp:// inside the camera network".into()),
            "file" if rest.starts_with('/') => Ok(Self::File(PathBuf::from(rest))),
            "file" => Err("a file address has three slashes: file:///PATH".into()),
            "v4l2" if rest.starts_with("/dev/") => Ok(Self::V4l2(rest.to_owned())),
            "v4l2" => Err("name the device node: v4l2:///dev/video0".into()),
            "test" => Ok(Self::Test(if rest.is_empty() { "ball".to_owned() } else { rest.to_owned() })),
            other => Err(format!("{other:?} is not one of rtsp, file, v4l2, test")),
        }
    }
}

impl CameraConfig {
    /// A camera with everything left at its default.
    pub fn new(id: CameraId, url: impl Into<String>) -> Self {
        Self {
            id,
            name: String::new(),
            url: url.into(),
            username: None,
            password: None,
            place: None,
            analysis_fps: Self::default_analysis_fps(),
            analysis_width: Self::default_analysis_width(),
            pre_roll_s: Self::default_roll_s(),
            post_roll_s: Self::default_roll_s(),
            clip_max_s: Self::default_clip_max_s(),
            masks: Vec::new(),
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
        matches!(Source::parse(&self.url), Ok(Source::File(_)))
    }

    /// The address without user name and password, for logs.
    pub fn redacted_url(&self) -> String {
        match self.url.split_once("://") {
            Some((scheme, rest)) => {
                let authority = rest.find('/').unwrap_or(rest.len());
                let host = rest[..authority].rfind('@').map_or(0, |at| at + 1);
                format!("{scheme}://{}", &rest[host..])
            }
            None => self.url.clone(),
        }
    }

    /// Everything wrong with it at once; empty when it can be used.
    pub fn validate(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, problem: String| {
            errors.push(FieldError { field: field.to_owned(), problem });
        };
        if let Err(problem) = Source::parse(&self.url) {
            wrong("url", problem);
        }
        if self.password.is_some() && self.username.is_none() {
            wrong("password", "there is no username beside it".into());
        }
        if !(0.1..=30.0).contains(&self.analysis_fps) {
            wrong("analysis_fps", format!("{} is not between 0.1 and 30", self.analysis_fps));
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
        for (index, polygon) in self.masks.iter().enumerate() {
            let field = format!("masks[{index}]");
            if polygon.len() < 3 {
                wrong(&field, format!("has {} corners; a mask needs at least 3", polygon.len()));
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

    /// Each address an installer may write is understood as meant, and a wrong one is refused with words.
    #[test]
    fn addresses() {
        assert_eq!(Source::parse("rtsp://10.0.0.9/live"), Ok(Source::Rtsp("rtsp://10.0.0.9/live".into())));
        assert_eq!(Source::parse("file:///a/b.mp4"), Ok(Source::File("/a/b.mp4".into())));
        assert_eq!(Source::parse("a/b.mp4"), Ok(Source::File("a/b.mp4".into())));
        assert_eq!(Source::parse("v4l2:///dev/video0"), Ok(Source::V4l2("/dev/video0".into())));
        assert_eq!(Source::parse("test://"), Ok(Source::Test("ball".into())));
        for bad in ["", "rtsp://", "rtsp:///x", "rtsps://h/x", "file://x", "v4l2://x", "http://h/x"] {
            assert!(Source::parse(bad).is_err(), "{bad} was taken");
        }
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
        let fields: Vec<_> = config.validate().into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["analysis_fps", "pre_roll_s", "masks[1]", "masks[2]"]);
    }

    /// Neither a log line nor a debug print shows a password.
    #[test]
    fn passwords_do_not_print() {
        let mut config = camera("rtsp://admin:p@ss@10.0.0.9:554/a@b");
        config.password = Some(Secret("hush".into()));
        assert_eq!(config.redacted_url(), "rtsp://10.0.0.9:554/a@b");
        assert!(!format!("{:?}", config.password).contains("hush"));
    }

    /// An unknown key is refused by name.
    #[test]
    fn unknown_keys_are_refused() {
        let error = toml::from_str::<CameraConfig>("id = 'a'\nurl = 'test://'\nfps = 3").unwrap_err();
        assert!(error.to_string().contains("unknown field `fps`"), "{error}");
    }
}
