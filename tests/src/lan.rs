//! A machine of its own for the hub: a network namespace behind a virtual cable, with a LAN address.
//!
//! Loopback hides what a site shows: certificates for addresses, `__Host-` cookies, listening on all interfaces.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{prefixed, run};

/// Before the number of the process that laid it.
const PREFIX: &str = "shaodian-";

pub struct Lan {
    namespace: String,
    /// This end of the cable.
    near: String,
    /// The hub's address; the box and the browser are at the other end of the cable.
    pub hub: Ipv4Addr,
}

impl Lan {
    /// Needs root with `CAP_NET_ADMIN`; the error says what was refused.
    pub fn lay() -> Result<Self> {
        let id = std::process::id();
        // 10.231.0.0/16 in pieces of four addresses, one per process.
        let block = (id % 16_384) * 4;
        let address = |host: u32| Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 231, 0, 0)) + block + host);
        let (near, far) = (format!("sd{id}a"), format!("sd{id}b"));
        let lan = Self { namespace: format!("{PREFIX}{id}"), near: near.clone(), hub: address(2) };
        sweep()?;
        ip(&["netns", "add", &lan.namespace])?;
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &lan.namespace])?;
        ip(&["address", "add", &format!("{}/30", address(1)), "dev", &near])?;
        ip(&["link", "set", &near, "up"])?;
        ip(&["-n", &lan.namespace, "address", "add", &format!("{}/30", lan.hub), "dev", &far])?;
        ip(&["-n", &lan.namespace, "link", "set", &far, "up"])?;
        ip(&["-n", &lan.namespace, "link", "set", "lo", "up"])?;
        Ok(lan)
    }

    /// Switches this end of the cable off, as a telephone loses its network.
    pub fn cut(&self) -> Result<()> {
        ip(&["link", "set", &self.near, "down"]).map(drop)
    }

    pub fn mend(&self) -> Result<()> {
        ip(&["link", "set", &self.near, "up"]).map(drop)
    }

    /// The same program on the hub's machine.
    pub fn inside(&self, program: &Command) -> Command {
        prefixed(&["ip", "netns", "exec", &self.namespace], program)
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        // The cable goes with the namespace.
        if let Err(e) = ip(&["netns", "delete", &self.namespace]) {
            eprintln!("{e:#}");
        }
    }
}

/// Takes away what an interrupted test program left: a namespace outlives everybody.
fn sweep() -> Result<()> {
    for line in ip(&["netns", "list"])?.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let owner = name.strip_prefix(PREFIX).and_then(|id| id.parse::<u32>().ok());
        if owner.is_some_and(|id| !Path::new(&format!("/proc/{id}")).exists()) {
            // Another test may be quicker.
            let _ = ip(&["netns", "delete", name]);
        }
    }
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new("ip");
    command.args(arguments);
    run(command).context("laying a network needs root with CAP_NET_ADMIN and iproute2")
}
