//! `Idempotency-Key`, as the IETF's draft of that name has it: the same under the same key is done once and answered alike,
//! anything else under it is refused with 422.
//!
//! A key is its user's: nobody learns by guessing what somebody else sent. What is kept is the status and what was made (the
//! number of a case, the id of a picture), never what was said: the answer is drawn anew for whoever asks. What was refused is
//! not kept: nothing happened, and it may be tried again under its key, mended too.

use protocol::UtcMs;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::store;
use crate::db::{Result, Tx};

/// Longer than any telephone is out of reach.
pub const KEEP_MS: i64 = 30 * 86_400_000;

/// A key, whose it is, and what came under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub(super) user: String,
    pub(super) key: String,
    pub(super) body_sha256: String,
}

/// The text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Idempotency-Key: write a UUID, such as 0195a1c2-0000-7000-8000-0000000000c1; a new one for each thing that is sent"
)]
pub struct OddKey;

/// The key has been used for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Idempotency-Key: something else was sent under this key within the last 30 days, and is kept; send this under a new one"
)]
pub struct Reused;

impl Reused {
    pub const ZH: &'static str = "用同一编号发送过别的内容，中心已收到较早的那一份。";
}

impl Key {
    /// `of`: what is asked for, such as `POST /api/v1/cases`: a key stands for one thing.
    pub fn new(text: &str, of: &str, user: &str, body: &[u8]) -> std::result::Result<Self, OddKey> {
        // The draft has a quoted string; many write it bare.
        let text = text.trim().trim_matches('"');
        let uuid = Uuid::try_parse(text).map_err(|_| OddKey)?;
        let mut hash = Sha256::new();
        hash.update(of.as_bytes());
        hash.update([0]);
        hash.update(body);
        let body_sha256 = hex::encode(hash.finalize());
        Ok(Self { user: user.to_owned(), key: uuid.to_string(), body_sha256 })
    }

    /// Of one part of what came, which is done by itself: the same part of the same is done once.
    #[must_use]
    pub fn of_part(&self, part: &str) -> Self {
        Self { key: format!("{}/{part}", self.key), ..self.clone() }
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub made: Value,
}

impl Answer {
    /// Of a report or a move: the number of its case.
    pub fn number(&self) -> Option<&str> {
        self.made.get("case").and_then(Value::as_str)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    New,
    /// The same came before.
    Again(Answer),
}

/// What is known of a key, under the tenant's lock: of two who send at once the second waits for the first.
pub async fn known(
    tx: &mut Tx,
    tenant: &str,
    key: &Key,
    now: UtcMs,
) -> Result<std::result::Result<Known, Reused>> {
    let row = store::repeat(tx, tenant, (&key.user, &key.key), now.plus_ms(-KEEP_MS)).await?;
    Ok(match row {
        None => Ok(Known::New),
        Some((body, status, answer)) if body == key.body_sha256 => {
            let made = serde_json::from_str(&answer).unwrap_or_default();
            Ok(Known::Again(Answer { status: u16::try_from(status).unwrap_or(200), made }))
        }
        Some(_) => Err(Reused),
    })
}

/// Keeps what was answered, in the transaction of what was done.
pub async fn remember(
    tx: &mut Tx,
    tenant: &str,
    key: &Key,
    status: u16,
    made: &Value,
    now: UtcMs,
) -> Result<()> {
    let names = (key.user.as_str(), key.key.as_str());
    store::remember(tx, tenant, names, (&key.body_sha256, i64::from(status), &made.to_string()), now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key is a UUID, quoted or bare, whatever its case; another address, user or body under it differs.
    #[test]
    fn keys() {
        const UUID: &str = "0195a1c2-0000-7000-8000-0000000000c1";
        let key = |text: &str| Key::new(text, "POST /a", "li", b"{}");
        let plain = key(UUID).unwrap();
        assert_eq!(key(&format!(" \"{UUID}\" ")), Ok(plain.clone()));
        assert_eq!(key(&UUID.to_uppercase()), Ok(plain.clone()));
        for odd in ["", "1", "\"\"", "0195a1c2-0000-7000-8000-0000000000c", "东关"] {
            assert_eq!(key(odd), Err(OddKey), "{odd}");
        }
        let body = |of: &str, body: &[u8]| Key::new(UUID, of, "li", body).unwrap().body_sha256;
        assert_ne!(body("POST /a", b"{}"), body("POST /b", b"{}"));
        assert_ne!(body("POST /a", b"{}"), body("POST /a", b"{ }"));
        assert_eq!(body("POST /a", b"{}"), plain.body_sha256);
    }
}
