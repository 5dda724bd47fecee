//! A PostgreSQL of the world's own: `initdb` in a temporary folder, one free loopback port, gone when dropped.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::process::{Process, run};
use crate::wait::free_port;

pub struct Postgres {
    process: Process,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    pub async fn start(logs: &Path) -> Result<Self> {
        let programs = programs()?;
        let folder =
            tempfile::Builder::new().prefix("shaodian-pg-").tempdir().context("a folder for PostgreSQL")?;
        let data = folder.path().join("data");
        // PostgreSQL refuses to run as root; Debian's package brings the user it wants.
        let root = rustix::process::geteuid().is_root();
        if root {
            run_plain("chown", &["postgres", &folder.path().display().to_string()])?;
        }
        let mut init = as_postgres(root, &programs.join("initdb"));
        init.args([
            "--auth=trust",
            "--username=shaodian",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        run({
            init.arg(&data).current_dir("/");
            init
        })?;
        let port = free_port()?;
        let mut server = as_postgres(root, &programs.join("postgres"));
        server.arg("-D").arg(&data).arg("-k").arg(folder.path()).args([
            "-h",
            "127.0.0.1",
            "-p",
            &port.to_string(),
        ]);
        // Nobody cuts the power of this machine here: the hub's kills are what is tested.
        server.args(["-c", "fsync=off", "-c", "logging_collector=off"]).current_dir("/");
        let process = Process::spawn("postgres", server, logs)?;
        let started = Self { process, folder, port };
        crate::wait::until(Duration::from_secs(30), "PostgreSQL to answer", async || {
            let mut ask = Command::new(programs.join("pg_isready"));
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
            Ok(ask.status().is_ok_and(|s| s.success()).then_some(()))
        })
        .await
        .with_context(|| started.process.tail())?;
        Ok(started)
    }

    pub fn url(&self) -> String {
        format!("postgres://shaodian@127.0.0.1:{}/postgres", self.port)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Runs as the user `postgres` when we are root. The change of user takes back what [`Process`] asked of the kernel, so
/// the same is asked again in the same step.
fn as_postgres(root: bool, program: &Path) -> Command {
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=INT", "--"])
        .arg(program);
    command
}

/// The newest installed version's folder of programs; Debian keeps them out of `PATH`.
fn programs() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .context("PostgreSQL is not installed (Debian package postgresql)")?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let (_, newest) = versions.pop().context("no version of PostgreSQL in /usr/lib/postgresql")?;
    ensure!(newest.join("initdb").is_file(), "no initdb in {} (Debian package postgresql)", newest.display());
    Ok(newest)
}

fn run_plain(program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    command.args(arguments);
    run(command).map(drop)
}
