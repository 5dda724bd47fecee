//! `edge-agent`: see `--help`.

fn main() -> std::process::ExitCode {
    edge_agent::cli::main()
}
