//! Keeps the server certificate good while the hub runs: made anew well before its end, and when the machine gets
//! another address. What is connected stays connected; whoever comes next sees the new one.

use std::time::Duration;

use anyhow::Context;
use axum_server::tls_rustls::RustlsConfig;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::pki;

const EVERY: Duration = Duration::from_secs(600);

/// The certificate, and who must hear of a new one.
#[derive(Debug)]
pub struct Renewal {
    app: App,
    https: RustlsConfig,
    /// For the embedded broker; counts the certificates.
    mqtt: watch::Sender<u64>,
    shown: Vec<u8>,
}

impl Renewal {
    /// Reads the certificate, or makes it.
    pub async fn begin(app: App, mqtt: watch::Sender<u64>) -> anyhow::Result<Self> {
        let (certificate, key) = pki::server_certificate(&app)?;
        let https = RustlsConfig::from_pem_file(&certificate, &key)
            .await
            .context("reading the server certificate")?;
        Ok(Self { app, https, mqtt, shown: std::fs::read(certificate)? })
    }

    /// TLS of the HTTPS server; follows every renewal.
    pub fn https(&self) -> RustlsConfig {
        self.https.clone()
    }

    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.look().await {
                tracing::warn!("renewing the server certificate: {error:#}; trying again");
            }
        }
    }

    /// Returns whether there is a new certificate.
    pub async fn look(&mut self) -> anyhow::Result<bool> {
        let (certificate, key) = pki::server_certificate(&self.app)?;
        let found = std::fs::read(&certificate)?;
        if found == self.shown {
            return Ok(false);
        }
        self.https
            .reload_from_pem_file(certificate, key)
            .await
            .context("reading the new server certificate")?;
        self.mqtt.send_modify(|count| *count += 1);
        self.shown = found;
        tracing::info!("the server certificate was renewed");
        Ok(true)
    }
}
