//! A machine of its own for the hub: a network namespace behind a virtual cable, with a LAN address.
//!
//! Loopback hides what a site shows: certificates for addresses, `__Host-` cookies, listening on all interfaces.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::run;

pub struct Lan {
    namespace: String,
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
        let lan = Self { namespace: format!("shaodian-{id}"), hub: address(2) };
        let (near, far) = (format!("sd{id}a"), format!("sd{id}b"));
        ip(&["netns", "add", &lan.namespace])?;
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &lan.namespace])?;
        ip(&["address", "add", &format!("{}/30", address(1)), "dev", &near])?;
        ip(&["link", "set", &near, "up"])?;
        ip(&["-n", &lan.namespace, "address", "add", &format!("{}/30", lan.hub), "dev", &far])?;
        ip(&["-n", &lan.namespace, "link", "set", &far, "up"])?;
        ip(&["-n", &lan.namespace, "link", "set", "lo", "up"])?;
        Ok(lan)
    }

    /// The same program on the hub's machine.
    pub fn inside(&self, program: &Command) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace]).arg(program.get_program()).args(program.get_args());
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
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

fn ip(arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("ip");
    command.args(arguments);
    run(command).map(drop).context("laying a network needs root with CAP_NET_ADMIN and iproute2")
}
