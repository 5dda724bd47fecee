//! `edge-agent doctor`: looks at each thing that an installer on site can mend, and says how.
//!
//! Each thing is tried the way the agent will use it: a camera must show a picture, the broker must take this box's
//! certificate. Where the agent runs already it is asked instead of disturbed.

mod agent;
mod camera;
mod hub;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args as ClapArgs;
use serde::Serialize;

use crate::call::speech;
use crate::config::{Config, ConfigError, Reading, in_force};
use crate::health::clock_synced;
use crate::{detector, native, outbox, say, stations};
use agent::Agent;
pub(crate) use agent::is_locked;

#[derive(Debug, ClapArgs)]
pub struct Args {
    /// One JSON object instead of lines of text
    #[arg(long)]
    pub json: bool,
    /// Folder with models, looked at first
    #[arg(long, value_name = "DIR")]
    pub models: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Good,
    /// Works, but not as well as it could.
    Warning,
    Bad,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub what: String,
    pub verdict: Verdict,
    pub found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

fn good(what: impl Into<String>, found: impl Into<String>) -> Finding {
    Finding { what: what.into(), verdict: Verdict::Good, found: found.into(), hint: None }
}

fn warning(what: impl Into<String>, found: impl Into<String>, hint: impl Into<String>) -> Finding {
    let hint = Some(hint.into());
    Finding { what: what.into(), verdict: Verdict::Warning, found: found.into(), hint }
}

fn bad(what: impl Into<String>, found: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Bad, ..warning(what, found, hint) }
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    /// Nothing is bad.
    good: bool,
    findings: &'a [Finding],
}

/// Prints what was found; fails when something is bad.
pub async fn run(args: &Args, path: Option<&Path>) -> Result<ExitCode> {
    let findings = examine(args, path).await;
    let good = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    if args.json {
        say!("{}", serde_json::to_string_pretty(&Report { good, findings: &findings })?);
    } else {
        for Finding { what, verdict, found, hint } in &findings {
            let mark = match verdict {
                Verdict::Good => "ok  ",
                Verdict::Warning => "warn",
                Verdict::Bad => "BAD ",
            };
            say!("{mark} {what}: {found}");
            if let Some(hint) = hint {
                say!("       → {hint}");
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub async fn examine(args: &Args, path: Option<&Path>) -> Vec<Finding> {
    let reading = Reading { models: args.models.clone(), ..Reading::default() };
    let installed = match Config::load_as(path, &reading) {
        Ok(config) => config,
        Err(ConfigError::Wrong(problems)) => {
            let hint = "mend these, then run doctor again";
            return problems.iter().map(|p| bad("configuration", p.to_string(), hint)).collect();
        }
        Err(error) => return vec![bad("configuration", error.to_string(), "check the path and its rights")],
    };
    let config = in_force(&installed.agent.data_dir.clone(), installed);
    let agent = Agent::ask(&config).await;
    let mut findings = vec![configuration(&config)];
    findings.extend(agent.finding());
    findings.push(disk(&config));
    findings.extend(waiting(&config).await);
    findings.push(time());
    findings.push(match native::locate(config.detector.ort_library.as_deref()) {
        Ok(path) => good("inference library", path.display().to_string()),
        Err(error) => {
            bad("inference library", error.to_string(), "install the package whole, or run deploy/setup.sh")
        }
    });
    findings.extend(models(args, &config));
    findings.extend(ports(&config, &agent));
    findings.extend(hub::examine(&config, &agent).await);
    findings.extend(camera::examine(&config).await);
    findings
}

fn configuration(config: &Config) -> Finding {
    let whose = match config.version {
        0 => String::new(),
        version => format!(" (version {version} of the hub)"),
    };
    good("configuration", format!("{} cameras{whose}", config.cameras.len()))
}

fn disk(config: &Config) -> Finding {
    let dir = &config.agent.data_dir;
    if let Err(error) = std::fs::create_dir_all(dir).and_then(|()| {
        let probe = dir.join("doctor-probe");
        std::fs::write(&probe, "probe")?;
        std::fs::remove_file(probe)
    }) {
        return bad(
            "disk",
            format!("{} cannot be written: {error}", dir.display()),
            "set [agent] data_dir, or its rights",
        );
    }
    let free = outbox::free_bytes(dir).unwrap_or(0);
    let found = format!("{} MiB free in {}", free >> 20, dir.display());
    if free < config.outbox.disk_reserve_bytes {
        return bad("disk", found, "make room: below [outbox] disk_reserve_bytes evidence is given up");
    }
    if free < config.outbox.evidence_max_bytes {
        return warning(
            "disk",
            found,
            "evidence may grow to [outbox] evidence_max_bytes: lower it, or use a larger disk",
        );
    }
    good("disk", found)
}

/// What the outbox holds; nothing to say before there is one.
async fn waiting(config: &Config) -> Option<Finding> {
    let what = "outbox";
    let glimpse = match outbox::peek(&config.agent.data_dir).await {
        Ok(glimpse) => glimpse?,
        Err(error) => {
            let hint =
                "restart the agent: a damaged outbox is kept aside, and what can be read of it is saved";
            return Some(bad(what, error.to_string(), hint));
        }
    };
    let found = format!("{} messages wait for the hub", glimpse.waiting_rows);
    let Some(newest) = glimpse.rejected.first() else { return Some(good(what, found)) };
    Some(warning(
        what,
        format!(
            "{found}; {} were not taken and are kept here, the newest at {} ({}): {}",
            glimpse.rejected_rows, newest.at, newest.outcome, newest.reason
        ),
        "install the same version on box and hub; what the hub could read of them is in its quarantine",
    ))
}

fn time() -> Finding {
    if clock_synced() {
        return good("time", "the clock is synchronised");
    }
    warning(
        "time",
        "the clock is not synchronised",
        "switch on systemd-timesyncd or chrony; the hub flags incidents of a box with a wrong clock",
    )
}

fn models(args: &Args, config: &Config) -> Vec<Finding> {
    let store = stations::model_store(args.models.clone(), config);
    let put = "put models below --models, [agent] models or $SHAODIAN_DATA/models";
    let mut findings = Vec::new();
    findings.push(match detector::open(&config.detector, &store) {
        Ok(detector) => good("detector", detector.name()),
        Err(error) => {
            let instead = match &detector::standing_in(&config.detector, &store)[..] {
                [] => "motion alone raises intrusion".to_owned(),
                names => format!("{} stands in", names.join(", ")),
            };
            warning("detector", format!("{error}; {instead}"), put)
        }
    });
    if let Some(calls) = &config.calls {
        findings.push(match store.find("silero-vad") {
            Ok(weights) => good("voice detection", weights.title()),
            Err(_) => good("voice detection", "built in (earshot)"),
        });
        findings.push(
            match speech::best(&stations::without_own(&store), calls.speech_model.as_deref(), &[]) {
                Ok(Some(model)) => good("speech model", model.name),
                Ok(None) => warning("speech model", "none; calls are recorded and wait for one", put),
                Err(error) => bad("speech model", error, put),
            },
        );
    }
    findings
}

/// Ports that the agent needs.
fn ports(config: &Config, agent: &Agent) -> Vec<Finding> {
    let mut wanted = vec![("health port", config.health.listen)];
    if let Some(calls) = &config.calls {
        let name = |key| match key {
            "audiosocket_listen" => "audio port",
            "websocket_listen" => "WebSocket port",
            "vosk_listen" => "Vosk port",
            "funasr_listen" => "FunASR port",
            "siprec_listen" => "SIPREC port",
            _ => "call API port",
        };
        wanted.extend(calls.ports().into_iter().map(|(key, address)| (name(key), address)));
    }
    wanted.into_iter().map(|(what, address)| port(what, address, agent)).collect()
}

fn port(what: &str, address: SocketAddr, agent: &Agent) -> Finding {
    match TcpListener::bind(address) {
        // Where the agent runs it should have it.
        Ok(_) if agent.runs() => warning(
            what,
            format!("the agent runs, but does not listen at {address}"),
            "it may still be starting, or run with another configuration: restart it",
        ),
        Ok(_) => good(what, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && agent.runs() => {
            good(what, format!("{address} is in use, by the running agent"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bad(
            what,
            format!("{address} is taken by another program"),
            "find it with `ss -ltnp` and stop it, or choose another port",
        ),
        Err(error) => {
            bad(what, format!("{address}: {error}"), "use an address of this machine and a port above 1023")
        }
    }
}
