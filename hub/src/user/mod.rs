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

/// Why a user was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    #[error("a password needs at least {} characters and at most {MAX_INPUT} bytes", password::MIN_CHARS)]
    Password,
    #[error("a user name has 1 to 64 characters, none of them blank or a control character")]
    Name,
    #[error("{0}")]
    Grant(&'static str),
    #[error("{0} has no other role; give another one first")]
    Last(String),
    #[error("there is already a user {0}")]
    Taken(String),
    #[error("there is no user {0}")]
    Unknown(String),
    #[error("user database: {0}")]
    Db(#[from] db::Error),
    #[error(transparent)]
    Hash(#[from] anyhow::Error),
}

pub async fn add(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
    (name, password, role): (&str, &str, Role),
) -> Result<(), UserError> {
    let user = (name, password, &Grant::everywhere(role));
    add_with(db, tenant, chance, now, user).await
}

/// The same, with a role somewhere.
pub async fn add_with(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
    (name, password, grant): (&str, &str, &Grant),
) -> Result<(), UserError> {
    if !is_name(name) {
        return Err(UserError::Name);
    }
    if let Some(why) = grant.wrong() {
        return Err(UserError::Grant(why));
    }
    let hash = hash_checked(password, chance)?;
    let made = store::insert_user(db, tenant, name, grant, &hash, now).await?;
    if made { Ok(()) } else { Err(UserError::Taken(name.to_owned())) }
}

fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    (1..=64).contains(&name.chars().count()) && !name.chars().any(odd)
}

/// Gives a user one more role somewhere; a second time changes nothing.
pub async fn grant(db: &Db, tenant: &str, name: &str, grant: &Grant) -> Result<(), UserError> {
    if let Some(why) = grant.wrong() {
        return Err(UserError::Grant(why));
    }
    if store::user(db, tenant, name).await?.is_none() {
        return Err(UserError::Unknown(name.to_owned()));
    }
    Ok(store::put_grant(db, tenant, name, grant).await?)
}

/// Takes a role away again; it holds from the next request on. The last one stays.
pub async fn revoke(db: &Db, tenant: &str, name: &str, grant: &Grant) -> Result<bool, UserError> {
    let all = store::grants(db, tenant, name).await?;
    if all.len() == 1 && all[0] == *grant {
        return Err(UserError::Last(name.to_owned()));
    }
    Ok(store::remove_grant(db, tenant, name, grant).await?)
}

/// What a user may, where.
pub async fn grants(db: &Db, tenant: &str, name: &str) -> db::Result<Vec<Grant>> {
    store::grants(db, tenant, name).await
}

/// Names of all users.
pub async fn names(db: &Db, tenant: &str) -> db::Result<Vec<String>> {
    store::names(db, tenant).await
}

/// Sets the password, ends the user's sessions and lets go his browsers: whoever had the account has it no more.
pub async fn set_password(
    db: &Db,
    tenant: &str,
    chance: &Chance,
    now: UtcMs,
    (name, password): (&str, &str),
) -> Result<(), UserError> {
    let hash = hash_checked(password, chance)?;
    let known = store::set_password(db, tenant, name, &hash, now).await?;
    if known { Ok(()) } else { Err(UserError::Unknown(name.to_owned())) }
}

fn hash_checked(password: &str, chance: &Chance) -> Result<String, UserError> {
    if password.chars().count() < password::MIN_CHARS || password.len() > MAX_INPUT {
        return Err(UserError::Password);
    }
    Ok(password::hash(password, chance)?)
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
