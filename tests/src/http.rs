//! HTTP clients for tests: plain, and one that trusts the hub's own certificate authority.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

const TIMEOUT: Duration = Duration::from_secs(20);

/// rustls needs one provider per process; the first caller installs it.
pub fn install_tls() {
    // An error means that somebody else was first, with the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn builder() -> reqwest::ClientBuilder {
    install_tls();
    reqwest::Client::builder().timeout(TIMEOUT).no_proxy()
}

/// Trusts nobody beyond what plain HTTP needs.
pub fn plain() -> Result<reqwest::Client> {
    builder().tls_certs_only([]).build().context("building an HTTP client")
}

/// As a browser: keeps cookies; trusts `ca` when given.
pub fn browser(ca: Option<&Path>) -> Result<reqwest::Client> {
    let certificates = match ca {
        None => Vec::new(),
        Some(path) => {
            let pem = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            vec![reqwest::Certificate::from_pem(&pem).with_context(|| format!("in {}", path.display()))?]
        }
    };
    builder().cookie_store(true).tls_certs_only(certificates).build().context("building an HTTP client")
}
