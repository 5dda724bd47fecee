//! The agent itself, when it runs beside the doctor: it holds the ports and the connection to the broker.

use std::fs::File;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::Deserialize;

use super::{Finding, bad, good, warning};
use crate::config::Config;

const WAIT: Duration = Duration::from_secs(5);

/// What its health page says.
#[derive(Deserialize)]
struct Ready {
    troubles: Vec<String>,
}

pub(super) enum Agent {
    Stopped,
    /// Its lock is held, but nobody answers at the health address.
    Mute(String),
    Running {
        troubles: Vec<String>,
    },
}

impl Agent {
    pub(super) async fn ask(config: &Config) -> Self {
        // Not made here: no file, no agent. Let go of at once: an agent that starts now must get it.
        let locked = File::open(config.agent.data_dir.join("lock"))
            .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err());
        if !locked {
            return Self::Stopped;
        }
        let url = format!("http://{}/readyz", config.health.listen);
        let asked = async {
            let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(WAIT).build()?;
            http.get(&url).send().await?.json::<Ready>().await
        };
        match asked.await {
            Ok(Ready { troubles }) => Self::Running { troubles },
            Err(error) => Self::Mute(format!("{url}: {error}")),
        }
    }

    pub(super) fn runs(&self) -> bool {
        !matches!(self, Self::Stopped)
    }

    /// Why the agent has no connection to the broker, if it runs and knows.
    pub(super) fn broker_trouble(&self) -> Option<&str> {
        match self {
            Self::Running { troubles } => troubles.iter().find_map(|t| t.strip_prefix("hub: ")),
            Self::Stopped | Self::Mute(_) => None,
        }
    }

    /// Nothing to say of an agent that is not running: doctor is what one runs before starting it.
    pub(super) fn finding(&self) -> Option<Finding> {
        let what = "agent";
        match self {
            Self::Stopped => None,
            Self::Mute(why) => Some(bad(
                what,
                format!("runs, but does not answer: {why}"),
                "restart it, and look into its log",
            )),
            Self::Running { troubles } if troubles.is_empty() => Some(good(what, "runs and is ready")),
            Self::Running { troubles } => Some(warning(
                what,
                format!("runs with trouble: {}", troubles.join("; ")),
                "see the lines below",
            )),
        }
    }
}
