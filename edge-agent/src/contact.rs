//! The hub's key for callback numbers: told at enrolment, asked for ever after, kept beside the certificate.
//!
//! Boxes that enrolled before there was such a key get it by asking, and follow a hub whose key changes. It comes by HTTPS
//! from the hub's own authority and is no secret. Without it no number is kept at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use protocol::ContactKey;
use reqwest::{Client, StatusCode, Url};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// In the folder of the identity.
pub const FILE: &str = "contact.key";
/// Where the hub tells it.
const PATH: &str = "/contact-key";
/// A key seldom changes; a hub that is away or old is asked again sooner.
const AGAIN: Duration = Duration::from_secs(3_600);
const AGAIN_UNKNOWN: Duration = Duration::from_secs(60);
/// Of an answer; a key has 64.
const MAX_ANSWER_BYTES: usize = 1_024;

/// What is known of it; shared with who seals.
#[derive(Debug)]
pub struct HubKey {
    /// Or why not, for people.
    known: Mutex<Result<ContactKey, String>>,
    file: Option<PathBuf>,
}

impl HubKey {
    /// Of a box that has no hub.
    pub fn without_hub() -> Self {
        Self { known: Mutex::new(Err("this box is not enrolled".to_owned())), file: None }
    }

    /// A key that does not change.
    pub fn fixed(key: ContactKey) -> Self {
        Self { known: Mutex::new(Ok(key)), file: None }
    }

    /// As kept in the folder of the identity.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join(FILE);
        let known = match fs::read_to_string(&path) {
            Ok(text) => text.parse().map_err(|error| format!("{}: {error}", path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err("the hub has not told its key yet".to_owned())
            }
            Err(error) => Err(format!("{}: {error}", path.display())),
        };
        Self { known: Mutex::new(known), file: Some(path) }
    }

    /// The key, or why there is none.
    pub fn known(&self) -> Result<ContactKey, String> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, known: Result<ContactKey, String>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Asks the hub until cancelled.
    pub async fn follow(self: Arc<Self>, http: Client, hub_url: Url, cancel: CancellationToken) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.ask_once(&http, &hub_url) => {}
            }
            let wait = if self.known().is_ok() { AGAIN } else { AGAIN_UNKNOWN };
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep(wait) => {}
            }
        }
    }

    async fn ask_once(&self, http: &Client, hub_url: &Url) {
        match ask(http, hub_url).await {
            Ok(key) => self.learn(key),
            // What is known stays good while the hub is away.
            Err(error) if self.known().is_err() => {
                self.set(Err(format!("the hub could not be asked for its key: {error:#}")));
            }
            Err(error) => tracing::debug!(error = format!("{error:#}"), "the hub's key is not asked for"),
        }
    }

    /// `None`: this hub has none.
    fn learn(&self, key: Option<ContactKey>) {
        let known = key.ok_or_else(|| "this hub keeps none: it is of an older version".to_owned());
        if self.known() == known {
            return;
        }
        // What is not kept is asked for again after the next start.
        if let Some(Err(error)) = self.file.as_deref().map(|file| keep(file, key)) {
            tracing::warn!(%error, "the hub's key for callback numbers cannot be kept");
        }
        match &known {
            Ok(key) => tracing::info!(?key, "the hub's key for callback numbers is known"),
            Err(why) => tracing::warn!(why, "no callback numbers are kept"),
        }
        self.set(known);
    }
}

/// Whole or not at all.
fn keep(file: &Path, key: Option<ContactKey>) -> io::Result<()> {
    let Some(key) = key else {
        return fs::remove_file(file).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        });
    };
    let beside = file.with_extension("new");
    fs::write(&beside, format!("{key}\n"))?;
    fs::File::open(&beside)?.sync_all()?;
    fs::rename(&beside, file)
}

async fn ask(http: &Client, hub_url: &Url) -> Result<Option<ContactKey>> {
    let url = hub_url.join(PATH).context("making the address")?;
    let mut response = http.get(url).send().await?;
    // An older hub sends strangers to its login, or knows no such page.
    if response.status() == StatusCode::NOT_FOUND || response.url().path() != PATH {
        return Ok(None);
    }
    response = response.error_for_status()?;
    let mut text = Vec::new();
    while let Some(part) = response.chunk().await? {
        text.extend_from_slice(&part);
        anyhow::ensure!(text.len() <= MAX_ANSWER_BYTES, "its answer is too long for a key");
    }
    let text = String::from_utf8(text).context("its answer is no text")?;
    text.parse().map(Some).map_err(anyhow::Error::msg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;
    use protocol::{Chance, ContactSecret};

    async fn hub(router: Router) -> (Url, tokio::task::JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        (url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
    }

    /// The key of a hub is learnt, kept, and known at the next start while the hub is away; another one replaces it; a hub
    /// without one, by either answer of older versions, ends it, and says why.
    #[tokio::test]
    async fn follows_the_hub() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let http = Client::new();
        let keys = [1, 2].map(|seed| ContactSecret::from_bytes(Chance::seeded(seed).bytes()).key());
        let key = HubKey::open(dir.path());
        assert!(key.known().unwrap_err().contains("not told"));
        let nobody: Url = "http://127.0.0.1:9".parse().unwrap();
        key.ask_once(&http, &nobody).await;
        assert!(key.known().unwrap_err().contains("could not be asked"));
        for told in keys {
            let (url, task) =
                hub(Router::new().route(PATH, get(move || async move { told.to_string() }))).await;
            key.ask_once(&http, &url).await;
            assert_eq!(key.known(), Ok(told));
            task.abort();
        }
        let again = HubKey::open(dir.path());
        again.ask_once(&http, &nobody).await;
        assert_eq!(again.known(), Ok(keys[1]));
        let to_login = Router::new()
            .route(PATH, get(|| async { Redirect::to("/login") }))
            .route("/login", get(|| async { "log in" }));
        for older in [Router::new(), to_login] {
            again.set(Ok(keys[0]));
            let (url, task) = hub(older).await;
            again.ask_once(&http, &url).await;
            assert!(again.known().unwrap_err().contains("older version"));
            task.abort();
        }
        assert!(HubKey::open(dir.path()).known().is_err());
        let (url, task) = hub(Router::new().route(PATH, get(|| async { "nonsense" }))).await;
        again.ask_once(&http, &url).await;
        assert!(again.known().unwrap_err().contains("64 hexadecimal digits"), "{:?}", again.known());
        task.abort();
    }
}
