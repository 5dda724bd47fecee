//! The agent itself, when it runs beside the doctor: it holds the ports and the connection to the broker.

use std::fs::File;
use std::path::Path;
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
    #[serde(default)]
    notices: Vec<String>,
}

/// Whether an agent runs with this folder.
pub(crate) fn is_locked(data_dir: &Path) -> bool {
    // Not made here: no file, no agent. Let go of at once: an agent that starts now must get it.
    File::open(data_dir.join("lock"))
        .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_err())
}

pub(super) enum Agent {
    Stopped,
    /// Its lock is held, but nobody answers at the health address.
    Mute(String),
    Running {
        troubles: Vec<String>,
        notices: Vec<String>,
    },
}

impl Agent {
    pub(super) async fn ask(config: &Config) -> Self {
        if !is_locked(&config.agent.data_dir) {
            return Self::Stopped;
        }
        let url = format!("http://{}/readyz", config.health.listen);
        let asked = async {
            let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(WAIT).build()?;
            http.get(&url).send().await?.json::<Ready>().await
        };
        match asked.await {
            Ok(Ready { troubles, notices }) => Self::Running { troubles, notices },
            Err(error) => Self::Mute(format!("{url}: {error}")),
        }
    }

    pub(super) fn runs(&self) -> bool {
        !matches!(self, Self::Stopped)
    }

    /// Why the agent has no connection to the broker, if it runs and knows.
    pub(super) fn broker_trouble(&self) -> Option<&str> {
        match self {
            Self::Running { troubles, .. } => troubles.iter().find_map(|t| t.strip_prefix("hub: ")),
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
            Self::Running { troubles, notices } if troubles.is_empty() && notices.is_empty() => {
                Some(good(what, "runs and is ready"))
            }
            Self::Running { troubles, notices } if troubles.is_empty() => Some(warning(
                what,
                format!("runs and is ready; {}", notices.join("; ")),
                "look into its log for what was lost or not taken",
            )),
            Self::Running { troubles, .. } => Some(warning(
                what,
                format!("runs with trouble: {}", troubles.join("; ")),
                "see the lines below",
            )),
        }
    }
}
