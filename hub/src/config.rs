//! One TOML file. Everything has a default; an unknown key is refused with its place and the nearest known one.
//! `SHAODIAN_HUB__SECTION__KEY` in the environment overrides the file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use protocol::limits::{MAX_EVIDENCE_BYTES, MAX_MESSAGE_BYTES};
use serde::Deserialize;

use crate::outbound::config::OutboundConfig;

/// Prefix of environment overrides.
const ENVIRONMENT: &str = "SHAODIAN_HUB__";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub hub: HubConfig,
    pub http: HttpConfig,
    pub broker: BrokerConfig,
    pub database: DatabaseConfig,
    pub intake: IntakeConfig,
    pub evidence: EvidenceConfig,
    pub contact: ContactConfig,
    pub outbound: OutboundConfig,
    pub self_test: SelfTestConfig,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HubConfig {
    /// The customer whose devices `hub device add` enrols and whose cases the pages show.
    pub tenant: protocol::TenantId,
    /// Name of its certificate authority, as browsers show it.
    pub name: String,
    /// Zone of case numbers and of times on pages.
    pub timezone: String,
    /// Folder of everything the hub keeps. `--data` overrides it.
    pub data_dir: PathBuf,
    /// Whom to ring when the screens stand still, as the alert wall shows it then; empty = no number is shown.
    pub duty_telephone: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// HTTPS with a certificate of the hub's own authority.
    pub listen: SocketAddr,
    /// Plain HTTP, loopback only.
    pub loopback: SocketAddr,
    /// More names and addresses under which the hub is called; they go into its certificate.
    pub names: Vec<String>,
    /// `https://hub.example.org`: where people find the hub. What is told outside links there; none, and it links nowhere.
    pub public_url: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokerMode {
    Embedded,
    External,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BrokerConfig {
    pub mode: BrokerMode,
    /// Embedded: MQTT over TLS for the boxes.
    pub listen: SocketAddr,
    /// External: where the hub connects. Also what boxes are told, unless `public_host` says otherwise.
    pub host: String,
    pub port: u16,
    /// What boxes are told at enrolment; empty = the name under which they reached the hub.
    pub public_host: String,
    /// Certificate authority of an external broker (PEM file); empty = the hub's own.
    pub ca: Option<PathBuf>,
    /// Which one this is of several hubs (1 to 8) on one external broker and one PostgreSQL; none = the only one.
    pub replica: Option<u8>,
    /// Folder written by `hub broker mosquitto-config`, when this hub may write there: it keeps the broker's
    /// certificate good and its revocation list current. The broker must be told to reload when they change.
    pub config_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `postgres://…`; empty = SQLite in the data folder.
    pub url: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntakeConfig {
    /// What one device may say at once, after a long absence for example.
    pub device_burst_bytes: u64,
    /// What it may say each second on and on. What is more waits on the box.
    pub device_bytes_per_second: u64,
    /// Messages of one device that are kept unread. Further ones are refused and stay on the box.
    pub quarantine_per_device: i64,
    /// How long they are kept.
    pub quarantine_days: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceConfig {
    /// A begun upload that nobody continues is removed after this.
    pub upload_life_hours: u32,
    /// What one device may send before an incident names it. Each file counts 64 KiB more than it has.
    pub unlinked_quota_bytes: u64,
    /// What one device may send within 24 hours. What is more stays on the box and is taken later.
    pub device_daily_bytes: u64,
    /// While less is free on the disk, no evidence is taken, since incidents need it more, and `/readyz` says so.
    pub keep_free_bytes: u64,
}

/// The daily self-test alarm of each box.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelfTestConfig {
    /// Local time from which boxes are asked, `09:00`; empty = never.
    pub at: String,
}

impl Default for SelfTestConfig {
    fn default() -> Self {
        Self { at: "09:00".to_owned() }
    }
}

/// Numbers to call citizens back at.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContactConfig {
    /// How long after its case was opened a number is kept; counts for numbers that come from then on.
    pub keep_days: u32,
}

impl Default for ContactConfig {
    fn default() -> Self {
        Self { keep_days: 90 }
    }
}

impl ContactConfig {
    pub fn life_ms(&self) -> i64 {
        i64::from(self.keep_days) * 86_400_000
    }
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            tenant: "main".parse().expect("a plain word is a tenant's name"),
            name: "哨点 Shaodian".to_owned(),
            timezone: "Asia/Shanghai".to_owned(),
            data_dir: "hub-data".into(),
            duty_telephone: String::new(),
        }
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8443)),
            loopback: SocketAddr::from(([127, 0, 0, 1], 8080)),
            names: Vec::new(),
            public_url: None,
        }
    }
}

impl Default for BrokerConfig {
    fn default() -> Self {
        Self {
            mode: BrokerMode::Embedded,
            listen: SocketAddr::from(([0, 0, 0, 0], 8883)),
            host: "localhost".to_owned(),
            port: 8883,
            public_host: String::new(),
            ca: None,
            replica: None,
            config_dir: None,
        }
    }
}

impl Default for IntakeConfig {
    fn default() -> Self {
        Self {
            device_burst_bytes: 64 << 20,
            device_bytes_per_second: 16 << 10,
            quarantine_per_device: 1_000,
            quarantine_days: 90,
        }
    }
}

impl Default for EvidenceConfig {
    fn default() -> Self {
        Self {
            upload_life_hours: 24,
            unlinked_quota_bytes: 2 * MAX_EVIDENCE_BYTES,
            device_daily_bytes: 50 << 30,
            keep_free_bytes: 512 << 20,
        }
    }
}

/// Every complaint, one per line, each with file, line and column.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads `path` (defaults without one), then the environment, then checks.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| ConfigError(format!("{}: {error}", path.display())))?,
            None => String::new(),
        };
        let name = path.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
        let overrides = std::env::vars().filter(|(key, _)| key.starts_with(ENVIRONMENT));
        Self::read(&text, &name, overrides)
    }

    fn read(
        text: &str,
        name: &str,
        overrides: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        // The file by itself first: its complaints have lines.
        let config: Self = toml::from_str(text).map_err(|error| located(&error, text, name))?;
        let mut table: toml::Table = toml::from_str(text).map_err(|error| located(&error, text, name))?;
        let mut overridden = false;
        for (key, value) in overrides {
            set(&mut table, &key, &value)?;
            overridden = true;
        }
        let config = if overridden {
            table.try_into().map_err(|error: toml::de::Error| {
                ConfigError(format!("environment {ENVIRONMENT}…: {}", explain(error.message())))
            })?
        } else {
            config
        };
        config.checked(name, text)
    }

    fn checked(self, name: &str, text: &str) -> Result<Self, ConfigError> {
        let mut wrong = Vec::new();
        if !self.http.loopback.ip().is_loopback() {
            wrong.push(format!(
                "{name}: [http] loopback is {}; plain HTTP is for loopback only, use 127.0.0.1 and let others use listen (HTTPS)",
                self.http.loopback
            ));
        }
        if let Err(error) = crate::case::number::zone(&self.hub.timezone) {
            wrong.push(format!("{name}: [hub] {error}"));
        }
        if !self.database.url.is_empty() && !self.database.url.starts_with("postgres") {
            wrong.push(format!(
                "{name}: [database] url must begin with postgres:// (leave it out for SQLite in the data folder)"
            ));
        }
        for (section, key, value, least) in [
            ("intake", "device_burst_bytes", self.intake.device_burst_bytes, MAX_MESSAGE_BYTES as u64),
            ("intake", "device_bytes_per_second", self.intake.device_bytes_per_second, 1),
            ("evidence", "upload_life_hours", u64::from(self.evidence.upload_life_hours), 1),
            ("contact", "keep_days", u64::from(self.contact.keep_days), 1),
            ("evidence", "device_daily_bytes", self.evidence.device_daily_bytes, MAX_EVIDENCE_BYTES),
        ] {
            if value < least {
                wrong.push(format!("{name}: [{section}] {key} is {value}; it must be {least} or more"));
            }
        }
        if !self.self_test.at.is_empty() && self.self_test.at.parse::<jiff::civil::Time>().is_err() {
            wrong.push(format!(
                "{name}: [self_test] at is {:?}; write a time such as \"09:00\", or \"\" for never",
                self.self_test.at
            ));
        }
        if self.broker.replica.is_some_and(|number| !(1..=crate::broker::REPLICAS).contains(&number)) {
            wrong.push(format!("{name}: [broker] replica must be 1 to {}", crate::broker::REPLICAS));
        }
        if self.broker.replica.is_some()
            && (self.broker.mode, self.database.url.is_empty()) != (BrokerMode::External, false)
        {
            wrong.push(format!(
                "{name}: [broker] replica is for several hubs on one external broker and one PostgreSQL; set [broker] mode = \"external\" and [database] url, or leave replica out"
            ));
        }
        if let Some(url) = &self.http.public_url
            && !["https://", "http://"]
                .iter()
                .any(|scheme| url.starts_with(scheme) && url.len() > scheme.len())
        {
            wrong.push(format!(
                "{name}: [http] public_url is {url:?}; write https://NAME, as browsers have it"
            ));
        }
        wrong.extend(self.outbound.wrong(text, name));
        let is_named = self.http.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        if !is_named && self.outbound.names_no_contact() {
            wrong.push(format!(
                "{name}: a channel web_push needs contact = \"mailto:NAME@HOST\", or [http] public_url with https: push services want to know who sends"
            ));
        }
        if wrong.is_empty() { Ok(self) } else { Err(ConfigError(wrong.join("\n"))) }
    }

    pub fn database_url(&self) -> Option<&str> {
        (!self.database.url.is_empty()).then_some(self.database.url.as_str())
    }
}

/// Puts `SHAODIAN_HUB__HTTP__LISTEN=…` where it belongs; TOML values are taken as such, anything else as text.
fn set(table: &mut toml::Table, key: &str, value: &str) -> Result<(), ConfigError> {
    let path = key.trim_start_matches(ENVIRONMENT).to_lowercase();
    let Some((section, field)) = path.split_once("__") else {
        return Err(ConfigError(format!("environment {key}: must be {ENVIRONMENT}SECTION__KEY")));
    };
    let parsed = toml::from_str::<toml::Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let section = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
    if let toml::Value::Table(section) = section {
        section.insert(field.to_owned(), parsed);
    }
    Ok(())
}

fn located(error: &toml::de::Error, text: &str, name: &str) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |head| head.chars().count()) + 1;
    ConfigError(format!("{name}:{line}:{column}: {}", explain(error.message())))
}

/// Adds the nearest known word to serde's "unknown field" and "unknown variant".
fn explain(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let what = match message {
        _ if message.starts_with("unknown field") => "key",
        _ if message.starts_with("unknown variant") => "word",
        _ => return message.to_owned(),
    };
    let Some((unknown, known)) = quoted.split_first() else { return message.to_owned() };
    let nearest = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(unknown, word), *word))
        .min()
        .filter(|(distance, word)| *distance <= word.len().div_ceil(2));
    match nearest {
        Some((_, word)) => format!("unknown {what} `{unknown}`; did you mean `{word}`?"),
        None => format!("unknown {what} `{unknown}`; known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, overrides: &[(&str, &str)]) -> Result<Config, String> {
        let overrides = overrides.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Config::read(text, "hub.toml", overrides).map_err(|error| error.to_string())
    }

    /// Nothing configured is a working hub.
    #[test]
    fn defaults_stand() {
        let config = read("", &[]).unwrap();
        assert_eq!(config.http.listen.port(), 8443);
        assert_eq!(config.broker.mode, BrokerMode::Embedded);
        assert_eq!(config.database_url(), None);
    }

    /// A slip is answered with its place and the nearest key.
    #[test]
    fn unknown_keys_name_their_place_and_neighbour() {
        let error = read("[hub]\ntenant = \"a\"\n\n[http]\nlisten = \"0.0.0.0:1\"\nlopback = \"x\"\n", &[])
            .unwrap_err();
        assert_eq!(error, "hub.toml:6:1: unknown key `lopback`; did you mean `loopback`?");
        let error = read("[hub]\nzzzzzzzzzzzz = 1\n", &[]).unwrap_err();
        assert!(error.starts_with("hub.toml:2:1: unknown key `zzzzzzzzzzzz`; known here: tenant"), "{error}");
    }

    /// Values of the wrong kind are refused too, in place.
    #[test]
    fn wrong_values_name_their_place() {
        let error = read("[hub]\ntenant = \"Big Town\"\n", &[]).unwrap_err();
        assert!(error.starts_with("hub.toml:2:"), "{error}");
        assert!(error.contains("a-z"), "{error}");
        let error = read("[http]\nloopback = \"0.0.0.0:80\"\n", &[]).unwrap_err();
        assert!(error.contains("loopback only"), "{error}");
        let error = read("[evidence]\nupload_life_hours = 0\ndevice_daily_bytes = 1\n", &[]).unwrap_err();
        assert!(
            error.contains("upload_life_hours is 0") && error.contains("device_daily_bytes is 1"),
            "{error}"
        );
    }

    /// The environment wins over the file, as text or as TOML.
    #[test]
    fn environment_overrides() {
        let config = read(
            "[hub]\nname = \"a\"\n",
            &[("SHAODIAN_HUB__HUB__NAME", "b"), ("SHAODIAN_HUB__BROKER__PORT", "18883")],
        )
        .unwrap();
        assert_eq!((config.hub.name.as_str(), config.broker.port), ("b", 18883));
        let error = read("", &[("SHAODIAN_HUB__HUB__NAMEE", "b")]).unwrap_err();
        assert!(error.contains("did you mean `name`"), "{error}");
    }
}
