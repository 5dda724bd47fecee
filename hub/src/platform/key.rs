//! Keys of platforms: 64 hexadecimal digits, told once; of each only its hash is kept.

use sha2::{Digest as _, Sha256};

use super::store;
use crate::app::App;
use crate::db::{Result, from_row};

/// Longest name of a platform.
const MOST_NAME: usize = 32;

/// A key as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub platform: String,
    pub made_at_ms: i64,
    pub revoked_at_ms: Option<i64>,
    /// Newest position of its progress, and how far it was confirmed.
    pub position: i64,
    pub acked: i64,
}

from_row!(Key: platform, made_at_ms, revoked_at_ms, position, acked);

/// Gives a platform a key, in place of the one that it had; returns it. Nothing where the name is none.
pub async fn add(app: &App, platform: &str) -> Result<Option<String>> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !(1..=MOST_NAME).contains(&platform.len()) || !platform.chars().all(fits) {
        return Ok(None);
    }
    let key = hex::encode(app.chance.bytes::<32>());
    store::put_key(&app.db, app.tenant().as_str(), platform, &hash(&key), app.clock.now()).await?;
    Ok(Some(key))
}

/// Shuts a platform out at once; its tickets and progress stay. Returns whether it had a key.
pub async fn revoke(app: &App, platform: &str) -> Result<bool> {
    store::revoke_key(&app.db, app.tenant().as_str(), platform, app.clock.now()).await
}

/// Whose key this is.
pub async fn of(app: &App, key: &str) -> Result<Option<String>> {
    // What is no key is not looked up.
    if key.len() != 64 || !key.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(None);
    }
    store::platform_of(&app.db, app.tenant().as_str(), &hash(key)).await
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}
