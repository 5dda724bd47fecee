//! Who watches the box's `live` topic at an outside broker: Debian's `mosquitto_sub`, with the hub's own certificate.
//! The broker takes that name once, so the hub must be away.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use protocol::LiveCall;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::World;

/// Words as they came, oldest first.
type Heard = Arc<Mutex<Vec<(Instant, LiveCall)>>>;

/// Ends when it is dropped.
pub struct Watch {
    heard: Heard,
    _program: Child,
}

impl Watch {
    pub fn start(world: &World) -> Result<Self> {
        let (port, [ca, certificate, key]) = world.hub_at_broker();
        let mut program = Command::new("mosquitto_sub");
        program.args(["-h", "127.0.0.1", "-p", &port.to_string(), "-t", "v1/+/+/live", "-q", "0"]);
        program.arg("--cafile").arg(ca).arg("--cert").arg(certificate).arg("--key").arg(key);
        let mut program = program
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting mosquitto_sub (Debian package mosquitto-clients)")?;
        let mut lines = BufReader::new(program.stdout.take().context("no output")?).lines();
        let heard = Heard::default();
        let ours = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let at = Instant::now();
                match serde_json::from_str(&line) {
                    Ok(word) => ours.lock().unwrap_or_else(PoisonError::into_inner).push((at, word)),
                    Err(error) => eprintln!("a live word that cannot be read: {error}"),
                }
            }
        });
        Ok(Self { heard, _program: program })
    }

    /// Everything since the last time it was asked.
    pub fn take(&self) -> Vec<(Instant, LiveCall)> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
