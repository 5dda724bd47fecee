//! `edge-agent`: see `--help`.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use edge_agent::call::speech::transcribe;
use edge_agent::config::{Config, ConfigError};
use edge_agent::{doctor, enrol, replay, run};
use tracing_subscriber::EnvFilter;

/// 哨点 Shaodian edge agent: watches cameras and hears calls on site, and tells its hub of incidents.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    /// Configuration file [default: /etc/shaodian/edge.toml where it exists]
    #[arg(long, global = true, value_name = "FILE", env = "SHAODIAN_EDGE_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the box until SIGTERM or Ctrl-C
    Run {
        /// Folder with models, looked at first
        #[arg(long, value_name = "DIR")]
        models: Option<PathBuf>,
    },
    /// Reads the configuration and says everything that is wrong with it
    Check,
    /// Looks at each thing an installer can mend: cameras, models, disk, hub, certificate, time, ports
    Doctor(doctor::Args),
    /// Makes this box known to its hub, with the one-time code of `hub device add`
    Enrol(enrol::Args),
    /// Runs a clip through detection and rules, as fast as the machine can
    Replay(replay::Args),
    /// Transcribes a recording with the installed speech model
    Transcribe(transcribe::Args),
}

fn main() -> ExitCode {
    // First of all: two libraries bring a TLS provider each, and rustls wants one chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let filter = EnvFilter::try_from_env("SHAODIAN_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match act(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("edge-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Run { models } => {
            runtime()?.block_on(run::run(run::Options { config: cli.config, models }))?;
        }
        Command::Check => return Ok(check(cli.config)),
        Command::Doctor(args) => return runtime()?.block_on(doctor::run(&args, cli.config.as_deref())),
        Command::Enrol(args) => {
            let config = Config::load(cli.config.as_deref())?;
            runtime()?.block_on(enrol::run(&args, &config.agent.data_dir))?;
        }
        Command::Replay(args) => replay::run(&args)?,
        Command::Transcribe(args) => {
            let models = Config::load(cli.config.as_deref()).map(|config| run::model_store(None, &config));
            let folders = models.map(|store| store.folders().to_vec()).unwrap_or_default();
            transcribe::run(&args, &folders)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")
}

fn check(path: Option<PathBuf>) -> ExitCode {
    match Config::load(path.as_deref()) {
        Ok(config) => {
            println!("{}\nthe configuration is good", config.summary());
            ExitCode::SUCCESS
        }
        Err(ConfigError::Wrong(problems)) => {
            for problem in &problems {
                println!("{problem}");
            }
            println!("{} to mend", problems.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}
