//! The box's one configuration file. Every section is optional: without a file the agent runs with no cameras
//! and no calls. Each station owns its own section's type; this module composes them and finds all mistakes.

mod cameras;
mod document;
mod installed;
mod range;
mod scene;
mod shown;
#[cfg(test)]
mod tests;
mod version;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use document::Document;
pub(crate) use document::nearest;
pub use document::{ENV_PREFIX, Problem};
pub use installed::{Installed, Reread};
pub(crate) use range::{Wrong, within};
pub use scene::{SceneFile, is_recording};
pub(crate) use shown::{restored, shown};
pub(crate) use version::text_in_force;
pub use version::{from_hub, in_force, keep};

use crate::call::CallConfig;
use crate::camera::CameraConfig;
use crate::detector::{self, DetectorConfig};
use crate::evidence::archive::RecordingConfig;
use crate::outbox::OutboxConfig;
use crate::rules::{Calendar, RuleConfig};

/// Looked at when `--config` names no other.
pub const DEFAULT_FILE: &str = "/etc/shaodian/edge.toml";

const SECTIONS: [&str; 9] =
    ["agent", "hub", "detector", "calendar", "camera", "calls", "health", "outbox", "recording"];

/// `[agent]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentConfig {
    /// Outbox, evidence, identity. Default: what systemd gives, otherwise `edge-data` here.
    pub data_dir: PathBuf,
    /// Folder of models; looked at before `$SHAODIAN_DATA/models`.
    pub models: Option<PathBuf>,
    /// What people call this box.
    pub name: String,
}

impl Default for AgentConfig {
    fn default() -> Self {
        let given = std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
        Self { data_dir: given.unwrap_or_else(|| "edge-data".into()), models: None, name: String::new() }
    }
}

/// `[hub]`: where the hub is now, when that differs from what enrolment said.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HubConfig {
    /// `https://HOST:PORT`
    pub url: Option<String>,
    pub mqtt_host: Option<String>,
    pub mqtt_port: Option<u16>,
}

impl HubConfig {
    fn problems(&self) -> Wrong {
        let mut found = Wrong::new();
        if let Some(why) = self.url.as_deref().and_then(wrong_address) {
            found.push(("url", why));
        }
        // What stands in a URL beside the host does not belong here.
        let is_host =
            |host: &String| !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
        if let Some(host) = self.mqtt_host.as_ref().filter(|host| !is_host(host)) {
            found.push(("mqtt_host", format!("{host:?} is not the name or address of a machine")));
        }
        if let Some(port) = self.mqtt_port {
            within(&mut found, "mqtt_port", port, 1..=u16::MAX);
        }
        found
    }
}

/// Evidence and this box's token must not go over the network in the clear.
fn wrong_address(text: &str) -> Option<String> {
    let form = "write https://HOST:PORT";
    let url = match reqwest::Url::parse(text) {
        Ok(url) => url,
        Err(error) => return Some(format!("{text:?} is not an address ({error}): {form}")),
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => None,
        "http" if here => None,
        "http" => Some(format!("{text:?} would send this box's token in the clear: {form}")),
        _ => Some(format!("{text:?} does not begin with https://: {form}")),
    }
}

/// `[health]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthConfig {
    /// `/healthz`, `/readyz` and `/metrics`; keep it on loopback, it has no login.
    pub listen: SocketAddr,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9464)) }
    }
}

impl HealthConfig {
    fn problems(&self) -> Wrong {
        let mut found = Wrong::new();
        within(&mut found, "listen", self.listen.port(), 1..=u16::MAX);
        found
    }
}

/// A camera with what is watched for on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Watched {
    pub camera: CameraConfig,
    pub rules: Vec<RuleConfig>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// Given by the hub; 0 = the installer's file.
    pub version: u64,
    /// Folder of models named on the command line; looked at first.
    pub models: Option<PathBuf>,
    pub agent: AgentConfig,
    pub hub: HubConfig,
    pub detector: DetectorConfig,
    /// Days and time zone of the schedules of rules.
    pub calendar: Arc<Calendar>,
    pub cameras: Vec<Watched>,
    pub calls: Option<CallConfig>,
    pub health: HealthConfig,
    pub outbox: OutboxConfig,
    pub recording: RecordingConfig,
}

/// What a text is read against beside itself.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Folder of models named on the command line.
    pub models: Option<PathBuf>,
    /// `[agent] models` of the installer's file, where the text is another or that is not in force yet.
    pub configured: Option<PathBuf>,
    /// The box starts with it, and nobody is there who could mend it: a model that is not there takes no camera away.
    /// Health tells of it.
    pub lenient: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path}: {source}; name another file with --config")]
    Read { path: PathBuf, source: std::io::Error },
    /// All mistakes, one per line.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<Problem>),
}

impl Config {
    /// Reads `path`, or [`DEFAULT_FILE`] when that is there, with overrides from the environment.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_as(path, &Reading::default())
    }

    pub fn load_as(path: Option<&Path>, reading: &Reading) -> Result<Self, ConfigError> {
        let path = match path {
            Some(path) => Some(path.to_owned()),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()),
        };
        let (name, text) = match path {
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(text) => (path.display().to_string(), text),
                Err(source) => return Err(ConfigError::Read { path, source }),
            },
            None => ("(no file)".to_owned(), String::new()),
        };
        Self::parse_as(&name, &text, std::env::vars(), reading).map_err(ConfigError::Wrong)
    }

    /// Reads a text; `file` is what mistakes are reported in.
    pub fn parse(
        file: &str,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Vec<Problem>> {
        Self::parse_as(file, text, environment, &Reading::default())
    }

    pub fn parse_as(
        file: &str,
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
        reading: &Reading,
    ) -> Result<Self, Vec<Problem>> {
        let environment: Vec<_> = environment.into_iter().collect();
        let mut document = Document::parse(file, text, &environment);
        let agent = plain(&mut document, "agent", |_: &AgentConfig| Wrong::new());
        let configured = reading.configured.clone().or_else(|| agent.models.clone());
        let store = detector::store(reading.models.clone(), configured);
        let detector_problems = |detector: &DetectorConfig| {
            let mut found = detector.problems();
            if !reading.lenient {
                found.extend(detector.problems_in(&store));
            }
            found
        };
        let mut config = Self {
            version: 0,
            models: reading.models.clone(),
            agent,
            hub: plain(&mut document, "hub", HubConfig::problems),
            detector: plain(&mut document, "detector", detector_problems),
            calendar: cameras::read_calendar(&mut document),
            cameras: Vec::new(),
            calls: None,
            health: plain(&mut document, "health", HealthConfig::problems),
            outbox: plain(&mut document, "outbox", OutboxConfig::problems),
            recording: plain(&mut document, "recording", RecordingConfig::problems),
        };
        config.outbox.recording_max_bytes = config.recording.max_bytes;
        if let Some(section) = document.section("calls") {
            config.calls = document.read::<CallConfig>(&section);
            for (key, words) in
                config.calls.as_ref().map(|calls| calls.problems(config.health.listen)).unwrap_or_default()
            {
                document.wrong(&section, key, &words);
            }
        }
        let mut ids = HashMap::new();
        let named = config.detector.named_in(&store);
        let site = cameras::Site { named, calendar: Arc::clone(&config.calendar) };
        for mut section in document.list("camera") {
            let Some(watched) = cameras::read(&mut document, &mut section, &site) else { continue };
            let id = &watched.camera.id;
            if ids.insert(id.clone(), ()).is_some() {
                document.wrong(&section, "id", &format!("{id} is used twice; give each camera its own"));
            }
            config.cameras.push(watched);
        }
        let problems = document.finish(&SECTIONS);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// The section as its writer knows it: the bound on the recording is a section of its own.
    fn outbox_but_for_recording(&self) -> OutboxConfig {
        OutboxConfig { recording_max_bytes: 0, ..self.outbox.clone() }
    }

    /// What the detectors can name, with the models that lie here.
    pub(crate) fn named(&self) -> Vec<protocol::Label> {
        self.detector.named_in(&detector::store(self.models.clone(), self.agent.models.clone()))
    }

    /// What it says, for people.
    pub fn summary(&self) -> String {
        let mut lines = vec![format!("data: {}", self.agent.data_dir.display())];
        for Watched { camera, rules } in &self.cameras {
            let watched: Vec<_> =
                rules.iter().filter(|r| r.enabled).map(|r| format!("{} ({})", r.id, r.kind.word())).collect();
            let watched =
                if watched.is_empty() { "no rule: raises nothing".into() } else { watched.join(", ") };
            lines.push(format!(
                "camera {} ({}): {}; {watched}",
                camera.id,
                camera.display_name(),
                camera.url
            ));
            if let Some(sub) = &camera.sub_url {
                lines.push(format!("    analysed: its sub stream {sub}"));
            }
        }
        if self.cameras.is_empty() {
            lines.push("cameras: none".to_owned());
        }
        lines.push(match &self.calls {
            Some(calls) => format!("calls: {}", calls.summary()),
            None => "calls: none (no [calls] section)".to_owned(),
        });
        lines.push(format!("health: http://{}/", self.health.listen));
        lines.join("\n")
    }
}

/// Rules that are to be tried on what a camera of `config` saw: its detectors, its calendar, the text's own
/// `[[camera.zones]]`, `[[camera.lines]]` and `[[camera.rules]]`.
pub fn rules_on_trial(toml: &str, config: &Config) -> Result<Vec<RuleConfig>, Vec<Problem>> {
    let mut document = Document::parse("rules", toml, &[]);
    let site = cameras::Site { named: config.named(), calendar: Arc::clone(&config.calendar) };
    let rules = cameras::read_trial(&mut document, &site);
    let problems = document.finish(&["camera"]);
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

/// A section whose every key has a default.
fn plain<T: Default + serde::de::DeserializeOwned>(
    document: &mut Document<'_>,
    name: &str,
    problems: impl Fn(&T) -> Wrong,
) -> T {
    let Some(section) = document.section(name) else { return T::default() };
    let read: Option<T> = document.read(&section);
    for (key, words) in read.iter().flat_map(problems) {
        document.wrong(&section, key, &words);
    }
    read.unwrap_or_default()
}
