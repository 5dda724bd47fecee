//! `edge-agent doctor`: looks at each thing that an installer on site can mend, and says how.

use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args as ClapArgs;
use protocol::{CameraState, Clock, SystemClock};
use serde::Serialize;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::call::speech;
use crate::config::{Config, ConfigError, Watched};
use crate::health::clock_synced;
use crate::identity::Enrolled;
use crate::{camera, detector, native, outbox, run};

/// How long a camera may take to show its first picture.
const PICTURE: Duration = Duration::from_secs(10);
/// A hub's clock this far from ours is worth a word.
const SKEW_MS: i64 = 5_000;

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

/// Prints what was found; fails when something is bad.
pub async fn run(args: &Args, path: Option<&Path>) -> Result<ExitCode> {
    let findings = examine(args, path).await;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        for Finding { what, verdict, found, hint } in &findings {
            let mark = match verdict {
                Verdict::Good => "ok  ",
                Verdict::Warning => "warn",
                Verdict::Bad => "BAD ",
            };
            println!("{mark} {what}: {found}");
            if let Some(hint) = hint {
                println!("       → {hint}");
            }
        }
    }
    let any_bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    Ok(if any_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub async fn examine(args: &Args, path: Option<&Path>) -> Vec<Finding> {
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(ConfigError::Wrong(problems)) => {
            let hint = "mend these, then run doctor again";
            return problems.iter().map(|p| bad("configuration", p.to_string(), hint)).collect();
        }
        Err(error) => return vec![bad("configuration", error.to_string(), "check the path and its rights")],
    };
    let mut findings = vec![good("configuration", format!("{} cameras", config.cameras.len()))];
    findings.push(disk(&config));
    findings.push(time());
    findings.push(match native::locate(config.detector.ort_library.as_deref()) {
        Ok(path) => good("inference library", path.display().to_string()),
        Err(error) => {
            bad("inference library", error.to_string(), "install the package whole, or run deploy/setup.sh")
        }
    });
    findings.extend(models(args, &config));
    findings.extend(ports(&config));
    findings.extend(hub(&config).await);
    findings.extend(cameras(&config).await);
    findings
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
    let store = run::model_store(args.models.clone(), config);
    let put = "put models below --models, [agent] models or $SHAODIAN_DATA/models";
    let mut findings = Vec::new();
    findings.push(match detector::open(&config.detector, &store) {
        Ok(detector) => good("detector", detector.name()),
        Err(error) => warning("detector", format!("{error}; motion alone raises intrusion"), put),
    });
    if let Some(calls) = &config.calls {
        findings.push(match store.find("silero-vad") {
            Ok(weights) => good("voice detection", weights.title()),
            Err(_) => good("voice detection", "built in (earshot)"),
        });
        findings.push(match speech::best(store.folders(), calls.speech_model.as_deref()) {
            Ok(Some(model)) => good("speech model", model.name),
            Ok(None) => warning("speech model", "none; calls are recorded and wait for one", put),
            Err(error) => bad("speech model", error, put),
        });
    }
    findings
}

/// Ports that the running agent needs. One that is taken may be taken by the agent itself.
fn ports(config: &Config) -> Vec<Finding> {
    let mut wanted = vec![("health port", config.health.listen)];
    if let Some(calls) = &config.calls {
        wanted.push(("audio port", calls.audiosocket_listen));
        wanted.push(("call API port", calls.api_listen));
    }
    let look = |(what, address): (&str, std::net::SocketAddr)| match TcpListener::bind(address) {
        Ok(_) => good(what, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => warning(
            what,
            format!("{address} is taken"),
            "fine if the agent is running; otherwise choose another port",
        ),
        Err(error) => {
            bad(what, format!("{address}: {error}"), "use an address of this machine and a port above 1023")
        }
    };
    wanted.into_iter().map(look).collect()
}

async fn hub(config: &Config) -> Vec<Finding> {
    let enrolled = match Enrolled::load(&config.agent.data_dir) {
        Ok(Some(enrolled)) => enrolled,
        Ok(None) => {
            let hint =
                "on the hub: hub device add NAME; here: edge-agent enrol --hub https://HOST:PORT --code CODE";
            return vec![bad("enrolment", "this box is not enrolled", hint)];
        }
        Err(error) => return vec![bad("enrolment", error.to_string(), "enrol this box again")],
    };
    let mut findings = vec![good("enrolment", enrolled.origin().source()), certificate(&enrolled)];
    findings.push(hub_http(config, &enrolled).await);
    let host = config.hub.mqtt_host.as_ref().unwrap_or(&enrolled.identity.mqtt_host);
    let port = config.hub.mqtt_port.unwrap_or(enrolled.identity.mqtt_port);
    findings.push(broker(host, port, &enrolled).await);
    findings
}

fn certificate(enrolled: &Enrolled) -> Finding {
    let what = "certificate";
    let der = match enrolled.certificate().and_then(|der| enrolled.tls().map(|_| der)) {
        Ok(der) => der,
        Err(error) => return bad(what, error.to_string(), "enrol this box again"),
    };
    let Ok((_, certificate)) = X509Certificate::from_der(&der) else {
        return bad(what, "cannot be read", "enrol this box again");
    };
    let (from, to) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    let now = SystemClock::new().now().0 / 1_000;
    if now < from {
        return bad(what, "is not valid yet by this machine's clock", "set the clock");
    }
    let days = (to - now) / 86_400;
    match days {
        ..0 => bad(what, "has expired", "enrol this box again (or set the clock)"),
        0..30 => warning(what, format!("expires in {days} days"), "enrol this box again soon"),
        _ => good(what, format!("valid for {days} days")),
    }
}

/// Reaches the hub by HTTPS and holds its clock against ours.
async fn hub_http(config: &Config, enrolled: &Enrolled) -> Finding {
    let url = config.hub.url.as_ref().unwrap_or(&enrolled.identity.hub_url);
    let what = "hub";
    let answered = async {
        let url = format!("{}/healthz", url.trim_end_matches('/'));
        anyhow::Ok(enrolled.http()?.get(url).send().await?)
    };
    let response = match answered.await {
        Ok(response) => response,
        Err(error) => {
            let hint = "check cable, address ([hub] url), firewall, and that the hub runs";
            return bad(what, format!("{url} cannot be reached: {error:#}"), hint);
        }
    };
    let date = response.headers().get("date").and_then(|date| date.to_str().ok());
    let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let skew_ms = theirs.map(|at| SystemClock::new().now().0 - at.timestamp().as_millisecond());
    match skew_ms {
        Some(skew) if skew.abs() > SKEW_MS => warning(
            what,
            format!("{url} answers; the clocks differ by {} s", skew / 1_000),
            "set the clock of the box or of the hub",
        ),
        _ => good(what, format!("{url} answers")),
    }
}

async fn broker(host: &str, port: u16, _enrolled: &Enrolled) -> Finding {
    let what = "broker";
    let connecting = tokio::net::TcpStream::connect((host, port));
    match tokio::time::timeout(Duration::from_secs(5), connecting).await {
        Ok(Ok(_)) => good(what, format!("{host}:{port} accepts connections")),
        Ok(Err(error)) => bad(
            what,
            format!("{host}:{port}: {error}"),
            "open this port towards the hub, or set [hub] mqtt_host and mqtt_port",
        ),
        Err(_) => bad(what, format!("{host}:{port} does not answer"), "a firewall may swallow this port"),
    }
}

/// All cameras at once: one that hangs does not hold up the others.
async fn cameras(config: &Config) -> Vec<Finding> {
    let looks: Vec<_> = config
        .cameras
        .iter()
        .cloned()
        .map(|watched| tokio::task::spawn_blocking(move || look_at(&watched)))
        .collect();
    let mut findings = Vec::new();
    for look in looks {
        match look.await {
            Ok(finding) => findings.push(finding),
            Err(error) => findings.push(bad("camera", error.to_string(), "report this")),
        }
    }
    findings
}

fn look_at(watched: &Watched) -> Finding {
    let what = format!("camera {}", watched.camera.id);
    let url = watched.camera.redacted_url();
    let handle = match camera::spawn(watched.camera.clone(), std::sync::Arc::new(SystemClock::new())) {
        Ok(handle) => handle,
        Err(error) => {
            return bad(what, format!("{error:#}"), "install the package whole, or run deploy/setup.sh");
        }
    };
    let frame = handle.frames().recv_timeout(PICTURE);
    let health = handle.health();
    handle.stop();
    match frame {
        Some(frame) => {
            good(what, format!("{url} shows {}×{} for analysis", frame.picture.width, frame.picture.height))
        }
        None => {
            let why = health.reason.unwrap_or_else(|| match health.state {
                CameraState::Ended => "ended without a picture".to_owned(),
                _ => format!("no picture within {} s", PICTURE.as_secs()),
            });
            bad(
                what,
                format!("{url}: {why}"),
                "check address, user and password, cable and power; try the address in VLC",
            )
        }
    }
}
