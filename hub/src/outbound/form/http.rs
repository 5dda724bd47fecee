//! One request, and the answer as far as it matters.

use std::time::Duration;

use protocol::UtcMs;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, RequestBuilder, StatusCode, Url};

use super::{Outcome, Setback, short};
use crate::outbound::config::is_loopback;

/// Nothing that is read of an answer is longer.
const MOST_ANSWER: usize = 64 << 10;
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// No receiver keeps its messages waiting for longer by its own word.
const LONGEST_WAIT_MS: i64 = 3_600_000;

/// What came back.
#[derive(Clone, Debug)]
pub(in crate::outbound) struct Answer {
    pub(in crate::outbound) status: StatusCode,
    pub(in crate::outbound) text: String,
    wait_ms: Option<i64>,
}

/// A client for one channel: the system's roots and `ca`, no redirects, and no proxy on the way to this machine.
pub(in crate::outbound) fn client(
    url: &Url,
    ca: Option<&[u8]>,
    timeout: Duration,
) -> reqwest::Result<Client> {
    let mut builder = builder(timeout);
    if is_loopback(url.host_str().unwrap_or_default()) {
        builder = builder.no_proxy();
    }
    builder = match (ca, url.scheme()) {
        (Some(pem), _) => builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem)?),
        // Without TLS a machine that knows no authority will do.
        (None, "http") => builder.tls_certs_only([]),
        (None, _) => builder,
    };
    builder.build()
}

/// What clients of every channel have in common.
pub(in crate::outbound) fn builder(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_WITHIN)
        .timeout(timeout)
        .user_agent(concat!("shaodian-hub/", env!("CARGO_PKG_VERSION")))
}

/// Sends it; `Err` is what came of it when no answer did.
pub(in crate::outbound) async fn send(request: RequestBuilder) -> Result<Answer, Outcome> {
    let mut response = request.send().await.map_err(|error| broken(&error))?;
    let (status, wait_ms) = (response.status(), wait_ms(response.headers()));
    let mut bytes = Vec::new();
    while bytes.len() < MOST_ANSWER {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break,
            // The status has come: it has the message, or has not.
            Err(_) if status.is_success() => break,
            Err(error) => return Err(broken(&error)),
        }
    }
    bytes.truncate(MOST_ANSWER);
    Ok(Answer { status, text: String::from_utf8_lossy(&bytes).into_owned(), wait_ms })
}

/// Without the address: it holds keys.
fn broken(error: &reqwest::Error) -> Outcome {
    let mut reason = String::new();
    let mut next: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(source) = next {
        let said = source.to_string();
        if !reason.ends_with(&said) {
            reason += if reason.is_empty() { "" } else { ": " };
            reason += &said;
        }
        next = source.source();
    }
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    Outcome::down(if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") })
}

fn wait_ms(headers: &HeaderMap) -> Option<i64> {
    let seconds: i64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1_000).clamp(0, LONGEST_WAIT_MS))
}

impl Answer {
    #[cfg(test)]
    pub(in crate::outbound) fn of(status: StatusCode, text: &str) -> Self {
        Self { status, text: text.to_owned(), wait_ms: None }
    }

    /// `503 what it said`
    pub(in crate::outbound) fn in_words(&self) -> String {
        short(&format!("{} {}", self.status.as_u16(), self.text.trim()))
    }

    /// What an answer means by its status alone: nothing when the receiver has taken the message.
    pub(in crate::outbound) fn setback(&self) -> Option<Outcome> {
        let status = self.status;
        if status.is_success() {
            return None;
        }
        let passing = status.is_server_error()
            || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS]
                .contains(&status);
        Some(if passing {
            Outcome::Later(Setback { reason: self.in_words(), whole: true, wait_ms: self.wait_ms })
        } else {
            Outcome::Refused(self.in_words())
        })
    }
}

/// By the hub's clock, for signatures.
pub(in crate::outbound) fn seconds(now: UtcMs) -> i64 {
    now.0.div_euclid(1_000)
}
