//! Users, passwords, sessions, and the register of who looked at evidence.
//!
//! A session is a row: the token's hash, the user and a CSRF token. It ends after [`IDLE_MS`] without use (an open page
//! that follows the live feed counts as use: a wall of screens stays logged in), after
//! [`LIFE_MS`] in any case, at logout, and when the password changes. Failed logins are rows too, so the limit
//! holds over restarts and replicas.

pub mod account;
pub mod cli;
mod grant;
pub mod import;
pub mod password;
pub mod people;
pub mod role;
mod store;
#[cfg(test)]
pub(crate) mod testing;

use protocol::{Chance, UtcMs};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

pub use grant::Grant;
pub use role::{Act, Role};
pub use store::Access;

use crate::db::{self, Db, Tx};
use crate::organisation::AreaPath;

/// A shift and its handover.
pub const IDLE_MS: i64 = 12 * 3_600_000;
pub const LIFE_MS: i64 = 7 * 24 * 3_600_000;
/// A session's row is touched at most this often.
const TOUCH_MS: i64 = 60_000;

/// Failures are counted over this time…
const FAILURE_WINDOW_MS: i64 = 15 * 60_000;
/// …and stop further attempts at these numbers: a stranger cannot lock a user out from everywhere quickly.
const MAX_PAIR: i64 = 5;
const MAX_ADDRESS: i64 = 30;
const MAX_NAME: i64 = 50;

/// Equal views of one file by one user within this time are one row of the register.
const REGISTER_ONCE_MS: i64 = 10 * 60_000;

/// Each check takes 19 MiB and a core; more at once wait.
static HASHING: Semaphore = Semaphore::const_new(2);

/// Logins that may wait for their turn; more are refused at once.
static WAITING: Semaphore = Semaphore::const_new(64);

/// Longest name or password that is looked at, in bytes.
const MAX_INPUT: usize = 256;

/// Somebody who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub user: String,
    /// The one that is shown beside the name.
    pub role: Role,
    pub grants: Vec<Grant>,
    pub csrf: String,
    /// SHA-256 of the token, in hexadecimal.
    pub token_sha256: String,
    /// Somebody else knows the password: nothing is done before it is changed.
    pub must_change: bool,
}

impl Session {
    /// Whether any of this user's roles may, wherever it is.
    pub fn may(&self, act: Act) -> bool {
        self.grants.iter().any(|grant| grant.role.may(act))
    }

    /// Whether one of this user's roles may, there.
    pub fn may_at(&self, act: Act, area: &AreaPath) -> bool {
        self.grants.iter().any(|grant| grant.role.may(act) && grant.area.covers(area))
    }
}

/// What a login gives: the token is never kept.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    pub token: String,
    pub csrf: String,
    pub role: Role,
}

#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("wrong user name or password")]
    Wrong,
    #[error("too many failed attempts; try again in a quarter of an hour")]
    TooMany,
    #[error("user database: {0}")]
    Db(#[from] db::Error),
    #[error("hashing the password: {0}")]
    Hash(String),
}

/// Checks a password and opens a session. `address` is where the request came from.
pub async fn log_in(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
    (name, password): (&str, &str),
    address: &str,
) -> Result<LoggedIn, LoginError> {
    if name.len() > MAX_INPUT || password.len() > MAX_INPUT || name.chars().any(char::is_control) {
        return Err(LoginError::Wrong);
    }
    // The turn first, then the count: attempts made at once must see each other's failures.
    let _place = WAITING.try_acquire().map_err(|_| LoginError::TooMany)?;
    let _turn = HASHING.acquire().await.map_err(|error| LoginError::Hash(error.to_string()))?;
    let failed = store::failures(db, tenant, name, address, now.plus_ms(-FAILURE_WINDOW_MS)).await?;
    if is_stopped(failed) {
        return Err(LoginError::TooMany);
    }
    let row = store::user(db, tenant, name).await?;
    let hash = row.as_ref().map_or(password::NOBODY.to_owned(), |row| row.password.clone());
    let right = check(password.to_owned(), hash.clone()).await?;
    let role = row.and_then(|row| row.role.parse::<Role>().ok());
    let (true, Some(role)) = (right, role) else {
        store::add_failure(db, tenant, name, address, now).await?;
        return Err(LoginError::Wrong);
    };
    store::clear_failures(db, tenant, name, address).await?;
    store::sweep(db, tenant, now.plus_ms(-IDLE_MS), now.plus_ms(-LIFE_MS), now.plus_ms(-FAILURE_WINDOW_MS))
        .await?;
    let (token, csrf) = (hex::encode(chance.bytes::<32>()), hex::encode(chance.bytes::<16>()));
    if !store::insert_session(db, tenant, (&sha256(&token), &csrf), (name, &hash, address), now).await? {
        return Err(LoginError::Wrong);
    }
    Ok(LoggedIn { token, csrf, role })
}

fn is_stopped(failed: store::Failures) -> bool {
    failed.pair >= MAX_PAIR || failed.address >= MAX_ADDRESS || failed.name >= MAX_NAME
}

async fn check(password: String, hash: String) -> Result<bool, LoginError> {
    tokio::task::spawn_blocking(move || password::verify(&password, &hash))
        .await
        .map_err(|error| LoginError::Hash(error.to_string()))
}

/// Whose token this is, while the session lasts.
pub async fn session(db: &Db, tenant: &str, token: &str, now: UtcMs) -> db::Result<Option<Session>> {
    by_hash(db, tenant, &sha256(token), now).await
}

/// The same by the token's hash: for a stream that outlives its request.
pub async fn by_hash(db: &Db, tenant: &str, token_sha256: &str, now: UtcMs) -> db::Result<Option<Session>> {
    let row = store::session(db, tenant, token_sha256, now.plus_ms(-IDLE_MS), now.plus_ms(-LIFE_MS)).await?;
    let Some(row) = row else { return Ok(None) };
    if now.0 - row.seen_at_ms > TOUCH_MS {
        store::touch_session(db, tenant, token_sha256, now).await?;
    }
    let Ok(role) = row.role.parse() else { return Ok(None) };
    Ok(Some(Session {
        grants: store::grants(db, tenant, &row.user_name).await?,
        user: row.user_name,
        role,
        csrf: row.csrf,
        token_sha256: token_sha256.to_owned(),
        must_change: row.must_change != 0,
    }))
}

pub async fn log_out(db: &Db, tenant: &str, session: &Session) -> db::Result<()> {
    store::delete_session(db, tenant, &session.token_sha256).await
}

/// Creates `admin` when the tenant has no user yet; returns its generated password, once.
pub async fn first_administrator(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
) -> anyhow::Result<Option<String>> {
    if store::count_users(db, tenant).await? > 0 {
        return Ok(None);
    }
    let password = password::generate(chance);
    let hash = password::hash(&password, chance)?;
    let grant = Grant::everywhere(Role::Administrator);
    let made = store::insert_user(db, tenant, "admin", &grant, &hash, now).await?;
    Ok(made.then_some(password))
}

fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    (1..=64).contains(&name.chars().count()) && !name.chars().any(odd)
}

/// What a user may, where.
pub async fn grants(db: &Db, tenant: &str, name: &str) -> db::Result<Vec<Grant>> {
    store::grants(db, tenant, name).await
}

/// The same, seen by who holds the tenant's lock.
pub async fn grants_in(tx: &mut Tx, tenant: &str, name: &str) -> db::Result<Vec<Grant>> {
    store::people::grants_in(tx, tenant, name).await
}

/// Whether there is such a user, seen by who holds the tenant's lock.
pub async fn is_there(tx: &mut Tx, tenant: &str, name: &str) -> db::Result<bool> {
    let standing = store::people::standing(tx, tenant, name).await?;
    Ok(standing.is_some_and(|row| row.removed_at_ms.is_none()))
}

/// Names of all users.
pub async fn names(db: &Db, tenant: &str) -> db::Result<Vec<String>> {
    store::names(db, tenant).await
}

/// Notes that a user looked at a file.
pub async fn register(db: &Db, tenant: &str, chance: &Chance, now: UtcMs, access: &Access) -> db::Result<()> {
    let id = chance.uuid_v7(now).to_string();
    store::register(db, tenant, &id, access, now.plus_ms(-REGISTER_ONCE_MS)).await
}

/// Notes inside `tx` that a user saw something of which each look counts.
pub async fn register_each(
    tx: &mut Tx,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
    access: &Access,
) -> db::Result<()> {
    store::register_each(tx, tenant, &chance.uuid_v7(now).to_string(), access).await
}

/// Who looked at what of one kind for a case, newest first.
pub async fn register_of_case(db: &Db, tenant: &str, number: &str, kind: &str) -> db::Result<Vec<Access>> {
    store::register_of_case(db, tenant, number, kind).await
}

/// Who looked at a file, newest first.
pub async fn register_of(db: &Db, tenant: &str, sha256: &str) -> db::Result<Vec<Access>> {
    store::register_of(db, tenant, sha256).await
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests;
