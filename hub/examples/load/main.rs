//! Load for a hub that runs, and how long it takes: what `deploy/bench/hub.sh` measures with.
//!
//! ```text
//! load mqtt   --config hub.toml --at HOST:PORT …   boxes that send incidents over MQTT and wait for receipts
//! load http   --config hub.toml --url URL …        the same over HTTP
//! load alerta --url URL …                          the same number of clients raise alerts at Alerta
//! load live   --config hub.toml --at HOST:PORT --url URL …   browsers that are told of what boxes send
//! load lists  --url URL --user NAME …              somebody who opens lists, cases and the live feed
//! load grid …                                      whose ground a point is, without a hub
//! ```
//!
//! Each prints one line of JSON. `mqtt` and `http` enrol their boxes through the hub's own code on its own database, as
//! `hub device add` does. Incidents are whole envelopes of 1 to 2 KB; only their ids differ.

mod grid;
mod http;
mod lists;
mod live;
mod message;
mod mqtt;
mod store;
mod tally;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use hub::app::App;
use hub::config::Config;
use hub::device::enrol::{self, Enrolled};
use protocol::{Chance, IncidentKind, SystemClock};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Mqtt(mqtt::Arguments),
    Http(http::Arguments),
    Alerta(http::Alerta),
    Lists(lists::Arguments),
    Live(live::Arguments),
    Grid(grid::Arguments),
}

/// How long, and what of it counts.
#[derive(Clone, Copy, Debug, Args)]
struct Span {
    /// Seconds before the measurement.
    #[arg(long, default_value_t = 5)]
    warm: u64,
    /// Seconds of the measurement.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

/// The hub under load.
#[derive(Clone, Debug, Args)]
struct Hub {
    #[arg(long)]
    config: PathBuf,
    #[arg(long)]
    data: PathBuf,
    /// Boxes that speak; each may say 64 MiB at once.
    #[arg(long, default_value_t = 32)]
    devices: usize,
    /// Kind of the incidents. One that no `[[correlate]]` of the policy names is held against no other case.
    #[arg(long, default_value = "loitering", value_parser = read_kind)]
    kind: IncidentKind,
    /// Incidents of few causes, which join the cases that are open, instead of one cause and one case each.
    #[arg(long)]
    joined: bool,
}

fn read_kind(text: &str) -> Result<IncidentKind, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// A box that may speak.
#[derive(Clone, Debug)]
struct Device {
    enrolled: Enrolled,
    key_pem: String,
}

impl Hub {
    async fn open(&self, chance: &Arc<Chance>) -> anyhow::Result<App> {
        let mut config = Config::load(Some(&self.config))?;
        config.hub.data_dir.clone_from(&self.data);
        Ok(App::open(config, Arc::new(SystemClock::new()), chance.clone()).await?.0)
    }

    async fn enrol(&self, app: &App) -> anyhow::Result<Vec<Device>> {
        let mut all = Vec::new();
        for n in 0..self.devices {
            let name = format!("load-{n}").parse().context("a plain name")?;
            let code = enrol::add(app, app.tenant(), &name, "load").await?;
            let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
            let request = rcgen::CertificateParams::default().serialize_request(&key)?.pem()?;
            let enrolled = enrol::enrol(app, &code, &request).await?;
            all.push(Device { enrolled, key_pem: key.serialize_pem() });
        }
        Ok(all)
    }
}

fn main() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow::anyhow!("another provider was installed before"))?;
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        match cli.what {
            What::Mqtt(arguments) => mqtt::run(&arguments).await,
            What::Http(arguments) => http::run(&arguments).await,
            What::Alerta(arguments) => http::alerta(&arguments).await,
            What::Lists(arguments) => lists::run(&arguments).await,
            What::Live(arguments) => live::run(&arguments).await,
            What::Grid(arguments) => grid::run(&arguments).await,
        }
    })?;
    println!("{report}");
    Ok(())
}
