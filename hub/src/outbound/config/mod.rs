//! `[[outbound.channel]]` of hub.toml: what is written there. Files that it names are read when the channel is opened.

mod check;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use check::{good_url, is_loopback};
use protocol::Severity;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long one message may take, in seconds.
const DEFAULT_TIMEOUT_S: u32 = 15;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundConfig {
    pub channel: Vec<ChannelConfig>,
}

/// How a channel speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    WeCom,
    DingTalk,
    Feishu,
    Smtp,
    Sms,
    CloudEvents,
    #[serde(rename = "web_push")]
    WebPush,
}

impl Form {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WeCom => "wecom",
            Self::DingTalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::Smtp => "smtp",
            Self::Sms => "sms",
            Self::CloudEvents => "cloudevents",
            Self::WebPush => "web_push",
        }
    }

    /// Whether each receiver is somebody with an address that an administrator has given him. Browsers are their users'
    /// own affair.
    pub(crate) fn is_personal(self) -> bool {
        matches!(self, Self::Smtp | Self::Sms)
    }
}

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    #[default]
    Starttls,
    Implicit,
    None,
}

/// How the body of a request to an SMS gateway is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    #[default]
    Json,
    Form,
}

/// How an SMS gateway says that it has taken a message.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SuccessConfig {
    /// Any of the 200s when left out.
    pub status: Vec<u16>,
    /// JSON pointer into the answer…
    pub pointer: Option<String>,
    /// …and what stands there; a number and its text are the same.
    pub value: Option<Value>,
    /// What stands there when the gateway wants the message again later.
    pub retry: Vec<Value>,
}

/// One `[[outbound.channel]]`. [`check`] says which keys are for which form.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChannelConfig {
    pub name: String,
    pub form: Option<Form>,
    #[serde(rename = "for")]
    pub whom: Vec<String>,
    pub kinds: Vec<String>,
    pub least_severity: Option<Severity>,
    pub drills: bool,
    pub timeout_s: Option<u32>,
    pub area: Option<String>,
    pub url: Option<String>,
    pub url_file: Option<PathBuf>,
    /// Of a robot or a webhook: what its signature is made with. Of a mail server: the password.
    pub secret: Option<String>,
    pub secret_file: Option<PathBuf>,
    pub ca: Option<PathBuf>,
    pub insecure: bool,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub tls: Option<MailTls>,
    pub user: Option<String>,
    pub from: Option<String>,
    /// Of whoever runs the hub, for push services.
    pub contact: Option<String>,
    pub method: Option<String>,
    pub headers: BTreeMap<String, String>,
    pub content: Option<Content>,
    pub body: Option<Value>,
    pub success: Option<SuccessConfig>,
}

/// Most of what it holds is a secret somewhere.
impl fmt::Debug for ChannelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelConfig")
            .field("name", &self.name)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl ChannelConfig {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout_s.unwrap_or(DEFAULT_TIMEOUT_S)))
    }
}
