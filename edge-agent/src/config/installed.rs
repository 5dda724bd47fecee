//! The installer's file while the box runs: what of it is in force, and reading it anew.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Config, ConfigError, DEFAULT_FILE, Reading};

pub struct Installed {
    /// As named on the command line.
    path: Option<PathBuf>,
    config: Mutex<Arc<Config>>,
}

/// The file as it is now.
pub struct Reread {
    pub config: Config,
    /// Sections that have changed and cannot change while the box runs; `config` has them as they were.
    pub at_next_start: Vec<&'static str>,
}

impl Installed {
    pub fn new(path: Option<PathBuf>, config: Config) -> Arc<Self> {
        Arc::new(Self { path, config: Mutex::new(Arc::new(config)) })
    }

    pub fn current(&self) -> Arc<Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, config: Config) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// What stands in it now; nothing where there is no file.
    pub fn text(&self) -> io::Result<String> {
        match &self.path {
            Some(path) => std::fs::read_to_string(path),
            None if Path::new(DEFAULT_FILE).exists() => std::fs::read_to_string(DEFAULT_FILE),
            None => Ok(String::new()),
        }
    }

    /// Where data lies, how the hub is reached, how much is kept and where health is shown stay until the next start.
    pub fn read_again(&self) -> Result<Reread, ConfigError> {
        let now = self.current();
        let (models, configured) = (now.models.clone(), now.agent.models.clone());
        let new = Config::load_as(self.path.as_deref(), &Reading { models, configured, lenient: false })?;
        let fixed = [
            ("[agent]", new.agent != now.agent),
            ("[hub]", new.hub != now.hub),
            ("[health]", new.health != now.health),
            ("[outbox]", new.outbox_but_for_recording() != now.outbox_but_for_recording()),
            ("[recording]", new.recording != now.recording),
        ];
        let at_next_start = fixed.into_iter().filter_map(|(name, changed)| changed.then_some(name)).collect();
        let config = Config {
            agent: now.agent.clone(),
            hub: now.hub.clone(),
            health: now.health.clone(),
            outbox: now.outbox.clone(),
            recording: now.recording.clone(),
            ..new
        };
        Ok(Reread { config, at_next_start })
    }
}
