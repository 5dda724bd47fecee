//! Whom a hub speaks with: boxes, the broker, and the systems of others.

use std::path::PathBuf;

use clap::Subcommand;
use protocol::DeviceId;

#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Add a box, or give a known one a new code; prints the one-time code for `edge-agent enrol`.
    Add {
        name: DeviceId,
        /// What people call it.
        #[arg(long)]
        title: Option<String>,
        /// Id of the area in which it stands.
        #[arg(long)]
        area: Option<String>,
    },
    /// Say in which area a box stands: what it raises from now on lies there.
    Place { name: DeviceId, area: String },
    /// List boxes.
    List,
    /// Shut a box out at once.
    Disable { name: DeviceId },
    /// Let a disabled box in again.
    Enable { name: DeviceId },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BrokerCommand {
    /// Write a ready configuration for Mosquitto, with certificates of the hub's authority and the ACL.
    MosquittoConfig {
        folder: PathBuf,
        /// Port it listens on; without it the one at `[broker] port`.
        #[arg(long)]
        port: Option<u16>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Open311Command {
    /// Keys with which others report.
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it: it is not told again.
    Add {
        name: String,
        /// Id of the area in which it may report; everywhere when left out.
        #[arg(long)]
        area: Option<String>,
        /// It is the platform above that reports, not a citizen.
        #[arg(long)]
        platform: bool,
    },
    /// List keys: name, area, source, made, revoked, requests so far.
    List,
    /// Shut a key out at once.
    Revoke { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlatformCommand {
    /// Keys by which platforms show who they are.
    #[command(subcommand)]
    Key(PlatformKeyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlatformKeyCommand {
    /// Give a platform a key, in place of the one that it had; prints it, the only time.
    Add { name: String },
    /// A platform a line.
    List,
    /// Shut a platform out at once; its tickets stay.
    Revoke { name: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboundCommand {
    /// A channel a line: what waits, was sent and given up, last success, last error.
    List,
    /// Send a marked test message on a channel of the configuration, now, and print the answer.
    Test {
        name: String,
        /// User who gets it, on a channel that writes to people.
        #[arg(long)]
        to: Option<String>,
    },
    /// What was given up, with its reason, the newest first.
    Failed,
    /// Have one message that was given up, or all of them, tried again.
    Retry {
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        #[arg(long)]
        all: bool,
    },
}
