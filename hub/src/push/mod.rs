//! Browsers that are told while no page of the hub is open: Web Push (RFC 8030, 8291, 8292).
//!
//! A subscription is what a browser hands out when its user asks to be notified: an address at the browser's push service
//! and two keys. It belongs to the user who was logged in then; a browser has one at a time, so that whoever asks next on
//! the same one takes it over. Only its owner sees that it is there, and nobody is shown address and keys again. What is
//! sent, when and to whom is [`crate::outbound`]'s. It outlives sessions: a telephone is told over night. It ends when its
//! owner takes it back, when the push service says that it is gone, when an administrator sets a new password, and with
//! its owner. Nothing here knows which browser it is beyond what that says of itself.

pub(crate) mod endpoint;
pub(crate) mod seal;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub mod vapid;

use std::fmt;

use sha2::{Digest as _, Sha256};

pub use vapid::Vapid;

use crate::app::App;
use crate::db::{self, Db, from_row};
use crate::outbound::config::Form;

/// Browsers of one user; of more the oldest one leaves.
pub const MOST_PER_USER: i64 = 10;
/// Messages in a row that a push service will not have, before it is asked no more.
pub(crate) const MOST_REFUSALS: i64 = 10;
/// Longest label, in characters.
const MOST_LABEL: usize = 60;
/// Digits of an id: 96 bits. Pages reckon it too (`me.js`).
const ID_DIGITS: usize = 24;

/// A browser that is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    pub push_id: String,
    pub user_name: String,
    pub(crate) endpoint: String,
    pub(crate) p256dh: String,
    pub(crate) auth: String,
    pub label: String,
    pub created_at_ms: i64,
    pub last_success_at_ms: Option<i64>,
    pub failures: i64,
}

from_row!(Subscription: push_id, user_name, endpoint, p256dh, auth, label, created_at_ms, last_success_at_ms, failures);

/// Most of what it holds is a secret.
impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("push_id", &self.push_id)
            .field("user_name", &self.user_name)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    /// Whose push service it is: `fcm.googleapis.com`.
    pub fn service(&self) -> String {
        let url = reqwest::Url::parse(&self.endpoint).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }
}

/// What a browser hands over.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    pub endpoint: &'a str,
    pub p256dh: &'a str,
    pub auth: &'a str,
    pub label: &'a str,
}

/// Why a browser is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error("this hub tells no browsers: its configuration has no channel of the form web_push")]
    NotSetUp,
    #[error("{0}")]
    Wrong(String),
    #[error("database of subscriptions: {0}")]
    Db(#[from] db::Error),
}

/// Whether browsers are told at all, and whether that goes to addresses of one's own network too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) insecure: bool,
}

/// Nothing: the configuration has no channel to browsers.
pub(crate) fn terms(app: &App) -> Option<Terms> {
    let channels = &app.config.outbound.channel;
    let mut to_browsers = channels.iter().filter(|channel| channel.form == Some(Form::WebPush));
    let first = to_browsers.next()?;
    Some(Terms { insecure: first.insecure || to_browsers.any(|channel| channel.insecure) })
}

/// Whether people can have their browsers told.
pub fn is_set_up(app: &App) -> bool {
    terms(app).is_some()
}

/// Tells a user's browser from now on. A second time it is the same one, with its newer keys.
pub async fn add(app: &App, user: &str, offer: Offer<'_>) -> Result<Subscription, PushError> {
    let terms = terms(app).ok_or(PushError::NotSetUp)?;
    endpoint::read(offer.endpoint, terms.insecure)
        .map_err(|what| PushError::Wrong(format!("endpoint {what}")))?;
    seal::Keys::read(offer.p256dh, offer.auth).map_err(PushError::Wrong)?;
    let made = Subscription {
        push_id: id(offer.endpoint),
        user_name: user.to_owned(),
        endpoint: offer.endpoint.to_owned(),
        p256dh: offer.p256dh.to_owned(),
        auth: offer.auth.to_owned(),
        label: label(offer.label),
        created_at_ms: app.clock.now().0,
        last_success_at_ms: None,
        failures: 0,
    };
    store::put(&app.db, app.tenant().as_str(), &made, MOST_PER_USER).await?;
    Ok(made)
}

/// Of an endpoint.
pub(crate) fn id(endpoint: &str) -> String {
    hex::encode(Sha256::digest(endpoint))[..ID_DIGITS].to_owned()
}

/// One line, as far as people read it.
fn label(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST_LABEL).collect()
}

/// A user's browsers, the newest first.
pub async fn of_user(db: &Db, tenant: &str, user: &str) -> db::Result<Vec<Subscription>> {
    store::of_user(db, tenant, user).await
}

/// Takes one back; returns whether the user had it.
pub async fn remove(db: &Db, tenant: &str, user: &str, push_id: &str) -> db::Result<bool> {
    store::remove(db, tenant, user, push_id).await
}

/// Forgets browsers of those who may do nothing here any more. Safe to run twice.
pub async fn prune(db: &Db) -> db::Result<u64> {
    store::prune(db).await
}
