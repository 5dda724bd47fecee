//! `hub open311 key`: who may report by Open311. A key is told once; kept is its hash.

use anyhow::{Result, bail};
use protocol::UtcMs;
use sha2::{Digest as _, Sha256};

use super::store;
use crate::app::App;
use crate::case::Source;
use crate::db;
use crate::organisation::{self, AreaPath};
use crate::web::moment::LocalTime;

/// By which a key is known for one.
const PREFIX: &str = "sd311_";
/// Longest key that is looked at, in bytes.
const MOST_KEY: usize = 128;
const MOST_NAME: usize = 64;

/// A key that is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) name: String,
    /// Where it may report.
    pub(super) area: AreaPath,
    /// What its cases are from.
    pub(super) source: Source,
}

/// Whose key this is; nothing for one that is unknown or revoked.
pub(super) async fn find(app: &App, text: &str) -> db::Result<Option<Key>> {
    if text.is_empty() || text.len() > MOST_KEY {
        return Ok(None);
    }
    let row = store::key(&app.db, app.tenant().as_str(), &hash(text)).await?;
    Ok(row.map(|row| Key {
        name: row.name,
        area: AreaPath::kept(row.area),
        source: Source::parse(&row.source).unwrap_or(Source::Citizen),
    }))
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// Makes a key and returns it: it is not told again.
pub async fn add(app: &App, name: &str, area: Option<&str>, platform: bool) -> Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(fits) {
        bail!("{name:?} is no name of a key; write 1 to {MOST_NAME} letters, digits, - _ and .");
    }
    let tenant = app.tenant().as_str();
    let path = match area {
        None => AreaPath::everything(),
        Some(id) => match organisation::store::area(&app.db, tenant, id).await? {
            Some(area) => AreaPath::kept(area.path),
            None => bail!("there is no area {id}; `hub area list` names them"),
        },
    };
    let text = format!("{PREFIX}{}", hex::encode(app.chance.bytes::<24>()));
    let source = if platform { Source::Platform } else { Source::Citizen };
    let row = (name, hash(&text), path.as_str(), source.as_str());
    if !store::add_key(&app.db, tenant, row, app.clock.now()).await? {
        bail!("there is a key {name} already; revoked ones keep their names, since histories name them");
    }
    Ok(text)
}

/// A key a line: name, area, what its cases are from, since when, revoked when, requests so far.
pub async fn list(app: &App) -> Result<()> {
    let local = LocalTime { zone: app.zone.clone(), now: app.clock.now() };
    let at = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), |ms| local.moment(UtcMs(ms)).full);
    for row in store::keys(&app.db, app.tenant().as_str()).await? {
        let (made, revoked) = (at(Some(row.made_at_ms)), at(row.revoked_at_ms));
        println!("{}\t{}\t{}\t{made}\t{revoked}\t{}", row.name, row.area, row.source, row.requests);
    }
    Ok(())
}

/// Shuts a key out at once.
pub async fn revoke(app: &App, name: &str) -> Result<()> {
    if !store::revoke_key(&app.db, app.tenant().as_str(), name, app.clock.now()).await? {
        bail!("there is no key {name} that is still good; `hub open311 key list` names them");
    }
    Ok(())
}
