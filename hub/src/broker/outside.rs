//! What the hub does about boxes' connections at a broker that is not its own.
//!
//! A disabled box is cut at once, with any broker: the hub takes its place for a moment, and a broker ends a connection
//! whose client id comes again. It is kept out by the revocation list, which Mosquitto reads when told to reload.
//! Until then it may come back, but intake refuses what it says and nothing is sent to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use protocol::Origin;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, TlsConfiguration, Transport};
use tokio_util::sync::CancellationToken;

use super::{client_tls_of, mosquitto};
use crate::app::App;
use crate::device;

const EVERY: Duration = Duration::from_secs(2);
/// How often a box that was just disabled is cut, a pass each: its reconnection may be quicker than the reload.
const CUTS: u32 = 15;
/// Passes between looks at the broker's certificate: an hour.
const CERTIFICATE_EVERY: u32 = 1800;
const BOUND: Duration = Duration::from_secs(5);

/// An outside broker as the hub looks after it.
#[derive(Debug)]
pub struct Outside {
    app: App,
    ca: PathBuf,
    /// Cuts made of each disabled box; nothing before the first pass.
    cuts: Option<BTreeMap<String, u32>>,
    passes: u32,
}

impl Outside {
    pub fn new(app: App, ca: PathBuf) -> Self {
        Self { app, ca, cuts: None, passes: 0 }
    }

    pub async fn run(mut self, stop: CancellationToken) {
        let work = async {
            loop {
                if let Err(error) = self.pass().await {
                    tracing::warn!("looking after the broker: {error:#}; trying again");
                }
                tokio::time::sleep(EVERY).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    /// One pass: files, then connections.
    pub async fn pass(&mut self) -> anyhow::Result<()> {
        let disabled = device::store::disabled(&self.app.db).await?;
        if let Some(folder) = self.app.config.broker.config_dir.clone() {
            let serials = mosquitto::shut_out(&self.app.db).await?;
            self.files(&folder, &serials)?;
        }
        // Those that were disabled before this hub began were cut then; once more, in case they were not.
        let fresh = if self.cuts.is_none() { CUTS - 1 } else { 0 };
        let mut before = self.cuts.take().unwrap_or_default();
        let mut cuts = BTreeMap::new();
        let mut failed = None;
        for (origin, _) in disabled {
            let name = format!("{}/{}", origin.tenant, origin.device);
            let made = before.remove(&name).unwrap_or(fresh);
            if made < CUTS
                && let Err(error) = self.take_place(&origin, &name).await
            {
                failed = Some(error);
            }
            cuts.insert(name, made.saturating_add(1));
        }
        self.cuts = Some(cuts);
        failed.map_or(Ok(()), Err)
    }

    fn files(&mut self, folder: &Path, serials: &[String]) -> anyhow::Result<()> {
        let mut changed = mosquitto::revoke(&self.app, folder, serials)?;
        if self.passes.is_multiple_of(CERTIFICATE_EVERY) {
            changed |= mosquitto::certificate(&self.app, folder)?;
        }
        self.passes = self.passes.wrapping_add(1);
        if changed {
            tracing::info!(
                folder = %folder.display(),
                "the broker's files changed; it must reload (SIGHUP), as shaodian-hub-broker.path has it do"
            );
        }
        Ok(())
    }

    /// Connects as the box, which ends the box's own connection and forgets its session, and leaves again.
    async fn take_place(&self, origin: &Origin, name: &str) -> anyhow::Result<()> {
        let app = &self.app;
        let (certificate, key) = app.authority.stand_in(origin, &app.chance, app.clock.now())?;
        let ca = std::fs::read(&self.ca).with_context(|| format!("reading {}", self.ca.display()))?;
        let tls = client_tls_of(&ca, certificate.as_bytes(), key.as_bytes())?;
        let mut options = MqttOptions::new(name, &app.config.broker.host, app.config.broker.port);
        options
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)))
            .set_clean_session(true);
        let (client, mut events) = AsyncClient::new(options, 2);
        let connect = async {
            loop {
                match events.poll().await? {
                    Event::Incoming(Packet::ConnAck(_)) => client.try_disconnect()?,
                    Event::Outgoing(rumqttc::Outgoing::Disconnect) => return anyhow::Ok(()),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(BOUND, connect)
            .await
            .context("the broker does not answer")?
            .with_context(|| format!("cutting {name}"))
    }
}
