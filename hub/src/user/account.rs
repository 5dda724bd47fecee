//! What a user does with the own account: another password, and an end to sessions elsewhere.
//!
//! Whoever changes a password shows the old one, and guesses at it count as failed logins do: an open page that somebody
//! walked away from is no way to the account. The session in which it is changed goes on; every other one ends.

use protocol::{Chance, UtcMs};

use super::{
    FAILURE_WINDOW_MS, HASHING, IDLE_MS, LIFE_MS, LoginError, MAX_INPUT, Session, WAITING, check, is_stopped,
    password, store,
};
use crate::db::{self, Db, from_row};

/// Sessions of one user that are listed.
const MOST_SESSIONS: i64 = 100;
/// Digits of a session's hash by which its user names it: 64 bits.
const ID_DIGITS: usize = 16;

/// A session as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub token_sha256: String,
    pub created_at_ms: i64,
    pub seen_at_ms: i64,
    /// From where it was begun; nothing: not known.
    pub address: String,
}

from_row!(Opened: token_sha256, created_at_ms, seen_at_ms, address);

impl Opened {
    pub fn id(&self) -> &str {
        self.token_sha256.get(..ID_DIGITS).unwrap_or_default()
    }

    pub fn is(&self, session: &Session) -> bool {
        self.token_sha256 == session.token_sha256
    }
}

/// Why a password stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("a password needs at least {} characters and at most {MAX_INPUT} bytes", password::MIN_CHARS)]
    Short,
    #[error("the two new passwords differ")]
    Differs,
    #[error("the new password is the old one")]
    Same,
    #[error("the old password is wrong")]
    Wrong,
    #[error("too many wrong passwords; try again in a quarter of an hour")]
    TooMany,
    #[error("user database: {0}")]
    Db(#[from] db::Error),
    #[error("hashing the password: {0}")]
    Hash(String),
}

impl From<LoginError> for ChangeError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::Wrong,
            LoginError::TooMany => Self::TooMany,
            LoginError::Db(error) => Self::Db(error),
            LoginError::Hash(why) => Self::Hash(why),
        }
    }
}

/// What somebody typed.
#[derive(Clone, Copy)]
pub struct NewPassword<'a> {
    pub old: &'a str,
    pub new: &'a str,
    pub again: &'a str,
}

/// Changes the password of whoever has this session, and ends the others. `address` is where the request came from.
pub async fn change_password(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
    session: &Session,
    typed: NewPassword<'_>,
    address: &str,
) -> Result<(), ChangeError> {
    // What is wrong with the new one by itself costs no guess at the old one.
    if typed.new.chars().count() < password::MIN_CHARS || typed.new.len() > MAX_INPUT {
        return Err(ChangeError::Short);
    }
    if typed.new != typed.again {
        return Err(ChangeError::Differs);
    }
    if typed.old.len() > MAX_INPUT {
        return Err(ChangeError::Wrong);
    }
    let _place = WAITING.try_acquire().map_err(|_| ChangeError::TooMany)?;
    let _turn = HASHING.acquire().await.map_err(|error| ChangeError::Hash(error.to_string()))?;
    let name = session.user.as_str();
    let failed = store::failures(db, tenant, name, address, now.plus_ms(-FAILURE_WINDOW_MS)).await?;
    if is_stopped(failed) {
        return Err(ChangeError::TooMany);
    }
    let kept = store::user(db, tenant, name).await?.map(|row| row.password);
    let hash = kept.clone().unwrap_or_else(|| password::NOBODY.to_owned());
    let (true, Some(kept)) = (check(typed.old.to_owned(), hash).await?, kept) else {
        store::add_failure(db, tenant, name, address, now).await?;
        return Err(ChangeError::Wrong);
    };
    if typed.old == typed.new {
        return Err(ChangeError::Same);
    }
    let new = password::hash(typed.new, chance).map_err(|error| ChangeError::Hash(error.to_string()))?;
    let passwords = (kept.as_str(), new.as_str());
    if !store::change_password(db, tenant, (name, &session.token_sha256), passwords, now).await? {
        // Somebody else changed it in this very moment.
        return Err(ChangeError::Wrong);
    }
    Ok(store::clear_failures(db, tenant, name, address).await?)
}

/// The sessions of a user that last, the one used last first.
pub async fn sessions(db: &Db, tenant: &str, name: &str, now: UtcMs) -> db::Result<Vec<Opened>> {
    let limits = (now.plus_ms(-IDLE_MS), now.plus_ms(-LIFE_MS));
    store::sessions(db, tenant, name, limits, MOST_SESSIONS).await
}

/// Ends another session of the same user; returns whether there was one.
pub async fn end_session(db: &Db, tenant: &str, session: &Session, id: &str) -> db::Result<bool> {
    // A shorter beginning would be that of many.
    if id.len() != ID_DIGITS || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(false);
    }
    store::end_session(db, tenant, (&session.user, &session.token_sha256), id).await
}
