use clap::{Parser, Subcommand};
use edge_agent::call::speech::transcribe;

/// The box: cameras and calls in, incidents out.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What a recording of a call says.
    Transcribe(transcribe::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Transcribe(args) => transcribe::run(&args, &[]),
    }
}
