//! One of a camera's streams: what is needed to connect to it.

use super::address::{Address, Secret, Source};
use super::choice::Role;
use super::config::{CameraConfig, FieldError};
use super::tls::{self, Trust};

#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) role: Role,
    pub(crate) url: Address,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) trust: Trust,
    pub(crate) latency_ms: u32,
    /// Files only: at the speed they were filmed at.
    pub(crate) realtime: bool,
}

impl Stream {
    pub(crate) fn is_file(&self) -> bool {
        matches!(self.url.source(), Ok(Source::File(_)))
    }
}

impl CameraConfig {
    /// `None` for a sub stream that it does not have.
    pub(crate) fn stream(&self, role: Role) -> Option<Stream> {
        let url = match role {
            Role::Main => self.url.clone(),
            Role::Sub => self.sub_url.clone()?,
        };
        Some(Stream {
            role,
            url,
            username: self.username.clone(),
            password: self.password.clone(),
            trust: tls::trust(self.tls_ca.as_deref(), self.tls_fingerprint.as_deref()),
            latency_ms: self.latency_ms,
            realtime: self.realtime,
        })
    }

    /// Whether one of its streams is one of the other's: what may not be seen of it is the same.
    pub(crate) fn shares_an_address(&self, other: &Self) -> bool {
        let own = [Some(&self.url), self.sub_url.as_ref()];
        own.into_iter().flatten().any(|url| *url == other.url || Some(url) == other.sub_url.as_ref())
    }

    /// This camera as if it had the one stream only.
    pub fn only(&self, role: Role) -> Option<Self> {
        let url = self.stream(role)?.url;
        Some(Self { url, sub_url: None, ..self.clone() })
    }

    /// What is wrong with the keys of its streams.
    pub(super) fn stream_problems(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, problem: String| {
            errors.push(FieldError { field: field.to_owned(), problem });
        };
        if let Err(problem) = self.url.source() {
            wrong("url", problem);
        }
        match self.sub_url.as_ref().map(Address::source) {
            Some(Err(problem)) => wrong("sub_url", problem),
            Some(Ok(_)) if self.sub_url.as_ref() == Some(&self.url) => {
                wrong(
                    "sub_url",
                    "is the same as url: leave it out, or name the camera's smaller stream".into(),
                );
            }
            _ => {}
        }
        if self.password.is_some() && self.username.is_none() {
            wrong("password", "there is no username beside it".into());
        }
        let is_tls = |url: &Address| matches!(url.source(), Ok(Source::Rtsp(url)) if tls::is_tls(&url));
        let any_tls = is_tls(&self.url) || self.sub_url.as_ref().is_some_and(is_tls);
        if self.tls_ca.is_some() && self.tls_fingerprint.is_some() {
            wrong("tls_ca", "stands beside tls_fingerprint: one of them says whom to believe".into());
        }
        for (field, there) in
            [("tls_ca", self.tls_ca.is_some()), ("tls_fingerprint", self.tls_fingerprint.is_some())]
        {
            if there && !any_tls {
                wrong(field, "is for rtsps://HOST/PATH only: without TLS nothing is checked".into());
            }
        }
        if let Some(Err(problem)) = self.tls_fingerprint.as_deref().map(tls::fingerprint) {
            wrong("tls_fingerprint", problem);
        }
        errors
    }
}
