//! The command line. The program itself only calls [`main`]: what is `async` is compiled once, here.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::call::speech::{evaluate, transcribe};
use crate::config::{Config, ConfigError, Reading, in_force};
use crate::{detect, doctor, enrol, eval, replay, run, say, screen, stations, supply};
use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// What is still at work when the box has stopped gets this long.
const END: std::time::Duration = std::time::Duration::from_secs(1);

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
    Check {
        /// Folder with models, looked at first
        #[arg(long, value_name = "DIR")]
        models: Option<PathBuf>,
    },
    /// Looks at each thing an installer can mend: cameras, models, disk, hub, certificate, time, ports
    Doctor(doctor::Args),
    /// Makes this box known to its hub, with the one-time code of `hub device add`
    Enrol(enrol::Args),
    /// Says what the installed detectors name in pictures, a JSON object per picture
    Detect(detect::Args),
    /// Lists, fetches, imports, verifies, removes and bundles models
    Models(supply::Args),
    /// Runs a clip through detection and rules, as fast as the machine can
    Replay(replay::Args),
    /// Plays scenes whose truth is known, and says how well the alarms agree with it
    Eval(eval::Args),
    /// Transcribes a recording with the installed speech model
    Transcribe(transcribe::Args),
    /// Reads what callers say, an utterance a line, and tells alarms, tags, place and private numbers as JSON
    Screen(screen::stream::Args),
    /// Fits the tagger to a corpus, and says how well it does on utterances that it has not seen
    TrainTagger(screen::tagger::cli::Args),
    /// Measures the installed speech model on recordings whose words are known
    EvalSpeech(evaluate::Args),
}

pub fn main() -> ExitCode {
    crate::heap::share();
    // First of all: two libraries bring a TLS provider each, and rustls wants one chosen.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let filter = EnvFilter::try_from_env("SHAODIAN_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A log that nobody reads any more must not end a thread.
        .log_internal_errors(false)
        .init();
    match act(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            say::complain(format_args!("edge-agent: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn act(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Run { models } => {
            let runtime = runtime()?;
            let ran = runtime.block_on(run::run(run::Options { config: cli.config, models }));
            // A clip that is still being masked must not hold up the end; the next start recovers it.
            runtime.shutdown_timeout(END);
            ran?;
        }
        Command::Check { models } => {
            return Ok(check(cli.config, &Reading { models, ..Reading::default() }));
        }
        Command::Doctor(args) => return runtime()?.block_on(doctor::run(&args, cli.config.as_deref())),
        Command::Enrol(args) => {
            let config = Config::load_as(cli.config.as_deref(), &whatever_is_there())?;
            runtime()?.block_on(enrol::run(&args, &config.agent.data_dir))?;
        }
        Command::Detect(mut args) => {
            if let Some(path) = &cli.config {
                let reading = Reading { models: args.models.clone(), ..Reading::default() };
                let config = Config::load_as(Some(path), &reading)?;
                args.configured = (config.detector, config.agent.models);
            }
            let mut all = true;
            or_reader_left(detect::run(&args, &mut std::io::stdout().lock()).map(|read| all = read))?;
            return Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Models(args) => return supply::run(&args, cli.config.as_deref()),
        Command::Replay(mut args) => {
            if let Some(path) = &cli.config {
                let reading = Reading { models: args.models.clone(), ..Reading::default() };
                let config = Config::load_as(Some(path), &reading)?;
                args.detector = Some(config.detector);
                args.models = args.models.or(config.agent.models);
            }
            or_reader_left(replay::run(&args))?;
        }
        Command::Eval(mut args) => {
            if let Some(path) = &cli.config {
                let reading = Reading { models: args.models.clone(), ..Reading::default() };
                let config = Config::load_as(Some(path), &reading)?;
                args.detector = Some(config.detector);
                args.models = args.models.or(config.agent.models);
            }
            return eval::run(&args);
        }
        Command::Transcribe(args) => {
            or_reader_left(transcribe::run(&args, &model_folders(cli.config.as_deref())))?;
        }
        Command::EvalSpeech(args) => {
            or_reader_left(evaluate::run(&args, &model_folders(cli.config.as_deref())))?;
        }
        Command::Screen(args) => {
            or_reader_left(screen::stream::run(&args, std::io::stdin().lock(), std::io::stdout().lock()))?;
        }
        Command::TrainTagger(args) => or_reader_left(screen::tagger::cli::run(&args))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn model_folders(config: Option<&std::path::Path>) -> Vec<PathBuf> {
    let config = Config::load_as(config, &whatever_is_there());
    let models = config.map(|config| stations::model_store(None, &config));
    models.map(|store| stations::without_own(&store)).unwrap_or_default()
}

/// `edge-agent replay … | head -1` has shown what was wanted.
fn or_reader_left(result: Result<()>) -> Result<()> {
    let left = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    match result {
        Err(error) if error.chain().any(|cause| cause.downcast_ref().is_some_and(left)) => Ok(()),
        other => other,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")
}

/// Detectors are none of its business.
fn whatever_is_there() -> Reading {
    Reading { lenient: true, ..Reading::default() }
}

fn check(path: Option<PathBuf>, reading: &Reading) -> ExitCode {
    match Config::load_as(path.as_deref(), reading) {
        Ok(installed) => {
            let config = in_force(&installed.agent.data_dir.clone(), installed);
            if config.version > 0 {
                let version = config.version;
                say!("configuration {version} of the hub is in force for cameras, detector and calls");
            }
            say!("{}\nthe configuration is good", config.summary());
            ExitCode::SUCCESS
        }
        Err(ConfigError::Wrong(problems)) => {
            for problem in &problems {
                say!("{problem}");
            }
            say!("{} to mend", problems.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            say!("{error}");
            ExitCode::FAILURE
        }
    }
}
