//! `hub run | check | device | …`

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Parser, Subcommand};
use hub::app::App;
use hub::config::Config;
use hub::device::Device;
use hub::ticket::knowledge;
use hub::user::{self, Role};
use hub::{device, run};
use protocol::{Chance, Clock, DeviceId, SystemClock};
use tokio_util::sync::CancellationToken;

/// The hub: takes incidents from boxes, makes cases of them, shows them to people.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// TOML file; every setting has a default.
    #[arg(long, global = true, env = "SHAODIAN_HUB_CONFIG")]
    config: Option<PathBuf>,
    /// Folder of everything the hub keeps.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until stopped.
    Run {
        /// Where to write the first administrator's password too, readable by this user only.
        #[arg(long)]
        first_password_file: Option<PathBuf>,
    },
    /// Read the configuration and say what is wrong with it.
    Check,
    /// MQTT brokers.
    #[command(subcommand)]
    Broker(BrokerCommand),
    /// Boxes.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// People who log in.
    #[command(subcommand)]
    User(UserCommand),
    /// What operators may tell callers.
    #[command(subcommand)]
    Knowledge(KnowledgeCommand),
}

#[derive(Debug, Subcommand)]
enum KnowledgeCommand {
    /// Take entries from a CSV file in UTF-8, as a spreadsheet exports it; docs/HOTLINE.md names its columns.
    Import {
        file: PathBuf,
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
        /// Remove entries that are not in the file.
        #[arg(long)]
        replace: bool,
        /// Leave bad rows out instead of importing nothing.
        #[arg(long)]
        skip_bad: bool,
    },
    /// List entries: id, validity, categories, unit, title.
    List,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make a user; prints the generated password.
    Add {
        name: String,
        /// administrator, operator or commander.
        #[arg(long, default_value = "operator")]
        role: Role,
    },
    /// Give a user a new generated password, print it, and end the user's sessions.
    Password { name: String },
}

#[derive(Debug, Subcommand)]
enum BrokerCommand {
    /// Write a ready configuration for Mosquitto, with certificates of the hub's authority and the ACL.
    MosquittoConfig {
        folder: PathBuf,
        /// Port it listens on; without it the one at `[broker] port`.
        #[arg(long)]
        port: Option<u16>,
    },
}

#[derive(Debug, Subcommand)]
enum DeviceCommand {
    /// Add a box, or give a known one a new code; prints the one-time code for `edge-agent enrol`.
    Add {
        name: DeviceId,
        /// What people call it.
        #[arg(long)]
        title: Option<String>,
    },
    /// List boxes.
    List,
    /// Shut a box out at once.
    Disable { name: DeviceId },
    /// Let a disabled box in again.
    Enable { name: DeviceId },
}

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().expect("nothing installed one before");
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SHAODIAN_LOG")
                .unwrap_or_else(|_| "info,rmqtt=warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.context("starting threads").and_then(|runtime| runtime.block_on(act(cli))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn act(cli: Cli) -> anyhow::Result<()> {
    let mut config = Config::load(cli.config.as_deref())?;
    if let Some(data) = cli.data {
        config.hub.data_dir = data;
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let chance = Arc::new(Chance::from_os());
    match cli.command {
        Command::Run { first_password_file } => {
            run::run(config, clock, chance, stop_on_signal()?, first_password_file.as_deref()).await
        }
        Command::Check => {
            println!(
                "configuration is good: tenant {}, data in {}",
                config.hub.tenant,
                config.hub.data_dir.display()
            );
            Ok(())
        }
        Command::User(command) => {
            let app = App::open(config, clock, chance).await?.0;
            let password = match command {
                UserCommand::Add { name, role } => user::cli::add(&app, &name, role).await?,
                UserCommand::Password { name } => user::cli::new_password(&app, &name).await?,
            };
            println!("{password}");
            Ok(())
        }
        Command::Broker(BrokerCommand::MosquittoConfig { folder, port }) => {
            let port = port.unwrap_or(config.broker.port);
            let app = App::open(config, clock, chance).await?.0;
            println!("{}", hub::broker::mosquitto::write(&app, &folder, port).await?.display());
            Ok(())
        }
        Command::Knowledge(command) => {
            let app = App::open(config, clock, chance).await?.0;
            match command {
                KnowledgeCommand::Import { file, dry_run, replace, skip_bad } => {
                    let mode = knowledge::Mode { dry_run, replace, skip_bad };
                    knowledge::cli::import_file(&app, &file, mode).await
                }
                KnowledgeCommand::List => knowledge::cli::list(&app).await,
            }
        }
        Command::Device(command) => device_command(command, &App::open(config, clock, chance).await?.0).await,
    }
}

async fn device_command(command: DeviceCommand, app: &App) -> anyhow::Result<()> {
    let tenant = app.tenant();
    match command {
        DeviceCommand::Add { name, title } => {
            let title = title.unwrap_or_else(|| name.to_string());
            println!("{}", device::enrol::add(app, tenant, &name, &title).await?);
        }
        DeviceCommand::List => {
            for device in device::store::list(&app.db, tenant.as_str()).await? {
                let link = device.link.as_deref().unwrap_or("never seen");
                let Device { device_id, state, title, .. } = &device;
                if writeln!(std::io::stdout(), "{device_id}\t{state}\t{link}\t{title}").is_err() {
                    // Whoever reads has seen enough.
                    break;
                }
            }
        }
        DeviceCommand::Disable { name } => set_disabled(app, &name, true).await?,
        DeviceCommand::Enable { name } => set_disabled(app, &name, false).await?,
    }
    Ok(())
}

async fn set_disabled(app: &App, name: &DeviceId, disabled: bool) -> anyhow::Result<()> {
    device::store::set_disabled(&app.db, app.tenant().as_str(), name.as_str(), disabled, app.clock.now())
        .await?;
    Ok(())
}

/// Cancelled by SIGTERM or SIGINT.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut term, mut int) = (
        signal(SignalKind::terminate()).context("signals")?,
        signal(SignalKind::interrupt()).context("signals")?,
    );
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
        told.cancel();
    });
    Ok(stop)
}
