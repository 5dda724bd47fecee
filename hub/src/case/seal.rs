//! Signed roots of the history.
//!
//! Each row of a case's history covers the one before it; that shows what was changed, unless somebody wrote the whole chain
//! anew, cut off its end or took the case out. So from time to time the hub notes how far the history of each case has
//! come, chains that note to the one before, and signs it. [`check`] holds everything against everything and names what
//! does not fit. What was written since the last root is only as safe as the chain itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use protocol::{Chance, UtcMs};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest as _, Sha256};

use super::history;
use super::store::seal::{self, CaseEnd, Head, Root};
use crate::app::App;
use crate::db::{self, Db};
use crate::pki::files::{PRIVATE, secret, write};

const FILE: &str = "history.key";
const LAST: &str = "history.last";

/// Roots are made this often, where anything was written.
const EVERY_MS: i64 = 3_600_000;

/// The hub's key for the history: 64 hexadecimal digits in `pki/history.key`, for the hub's user alone.
#[derive(Debug)]
pub struct Sealer {
    pair: Ed25519KeyPair,
    /// Beside the key: number and hash of the newest root that this hub made.
    last: PathBuf,
}

impl Sealer {
    /// Opens the key in the authority's folder, or makes one.
    pub fn open(folder: &Path, chance: &Chance) -> anyhow::Result<Self> {
        let what = "is no key for the history: bring it back from a backup, or move it away to begin with a new one, whose roots \
                    are told from those before";
        let seed = secret(folder, FILE, chance, what)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { pair, last: folder.join(LAST) })
    }

    /// By which its signatures are known, in hexadecimal.
    pub fn name(&self) -> String {
        hex::encode(self.pair.public_key().as_ref())
    }

    fn sign(&self, text: &str) -> String {
        hex::encode(self.pair.sign(text.as_bytes()).as_ref())
    }

    /// The newest root that this hub made, by what it wrote down outside the database.
    pub fn last(&self) -> Option<(i64, String)> {
        let text = std::fs::read_to_string(&self.last).ok()?;
        let (root, hash) = text.trim().split_once(' ')?;
        Some((root.parse().ok()?, hash.to_owned()))
    }

    fn remember(&self, root: &Root) {
        // Without it, roots that are cut off the end are not missed; they are as good as before otherwise.
        if let Err(error) = write(&self.last, &format!("{} {}\n", root.root, root.hash), PRIVATE) {
            tracing::warn!("the newest root of the history is not remembered: {error:#}");
        }
    }
}

/// SHA-256 over a JSON array of what a root says.
fn hash(tenant: &str, root: i64, at_ms: i64, prev: &str, heads: &[Head]) -> String {
    let heads: Vec<_> = heads.iter().map(|head| (&head.case_id, head.position, &head.hash)).collect();
    let canonical = serde_json::json!([tenant, root, at_ms, prev, heads]).to_string();
    hex::encode(Sha256::digest(canonical))
}

/// Makes a root when the last one is old and something was written since; returns how many cases it covers.
pub async fn due(app: &App, now: UtcMs) -> db::Result<u64> {
    let tenant = app.tenant().as_str();
    let last = seal::last(&app.db, tenant).await?;
    if last.is_some_and(|root| now.0 - root.at_ms < EVERY_MS) || !seal::is_behind(&app.db, tenant).await? {
        return Ok(0);
    }
    make(&app.db, tenant, &app.sealer, now).await
}

/// Makes a root of everything that was written since the last one.
pub async fn make(db: &Db, tenant: &str, sealer: &Sealer, now: UtcMs) -> db::Result<u64> {
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let heads = seal::unrooted(&mut tx, tenant).await?;
    if heads.is_empty() {
        return Ok(0);
    }
    let (number, prev) = match seal::last_in(&mut tx, tenant).await? {
        Some(root) => (root.root + 1, root.hash),
        None => (1, history::START.to_owned()),
    };
    let hash = hash(tenant, number, now.0, &prev, &heads);
    let signature = sealer.sign(&hash);
    let root = Root { root: number, at_ms: now.0, prev_hash: prev, hash, signer: sealer.name(), signature };
    seal::insert(&mut tx, tenant, &root, &heads).await?;
    tx.commit().await?;
    sealer.remember(&root);
    Ok(heads.len() as u64)
}

/// What [`check`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub cases: u64,
    pub rows: u64,
    pub roots: u64,
    /// When the newest root was made.
    pub sealed_at: Option<UtcMs>,
    /// By which keys roots are signed, and how many by each.
    pub signers: BTreeMap<String, u64>,
    /// Everything that does not fit, a sentence each.
    pub wrong: Vec<String>,
}

/// Holds every row of history against the one before it, every case against the end of its history, and every signed root
/// against the rows that it covers. `trusted`: names of keys whose signatures count;
/// `last`: the newest root, as somebody wrote it down outside the database.
pub async fn check(
    db: &Db,
    tenant: &str,
    trusted: &[String],
    last: Option<(i64, String)>,
) -> db::Result<Checked> {
    let mut found = Checked::default();
    let mut after = String::new();
    loop {
        let cases = seal::cases(db, tenant, &after).await?;
        let Some(last) = cases.last() else { break };
        after.clone_from(&last.case_id);
        for case in &cases {
            let rows = seal::rows(db, tenant, &case.case_id).await?;
            found.cases += 1;
            found.rows += rows.len() as u64;
            if trouble(case, &rows).is_some() {
                // Somebody may have written in between: once more, at one moment.
                let mut tx = db.begin_read().await?;
                if let Some(case) = seal::case_in(&mut tx, tenant, &case.case_id).await? {
                    let rows = seal::rows_in(&mut tx, tenant, &case.case_id).await?;
                    found.wrong.extend(trouble(&case, &rows));
                }
            }
        }
    }
    for case_id in seal::orphans(db, tenant).await? {
        found.wrong.push(format!("case {case_id}: the case was removed; its history is still there"));
    }
    roots(db, tenant, trusted, last, &mut found).await?;
    Ok(found)
}

/// What does not fit of one case.
fn trouble(case: &CaseEnd, rows: &[super::HistoryEntry]) -> Option<String> {
    if let Some(position) = history::first_break(&case.case_id, rows, &case.history_hash) {
        return Some(format!("case {}: {}", case.number, what(rows, position)));
    }
    let counted = case.history_count;
    (rows.len() as i64 != counted)
        .then(|| format!("case {}: it counts {counted} rows and has {}", case.number, rows.len()))
}

fn what(rows: &[super::HistoryEntry], position: i64) -> String {
    match rows.iter().find(|row| row.position == position) {
        None if rows.last().is_some_and(|last| last.position > position) => {
            format!("row {position} was removed")
        }
        None => format!("rows from {position} on were cut off"),
        Some(row) => {
            let at = jiff::Timestamp::from_millisecond(row.at_ms)
                .map_or_else(|_| String::new(), |at| at.to_string());
            format!(
                "row {position} ({} by {}, {at}) was changed, moved or written by somebody else",
                row.action, row.actor
            )
        }
    }
}

async fn roots(
    db: &Db,
    tenant: &str,
    trusted: &[String],
    mut last: Option<(i64, String)>,
    found: &mut Checked,
) -> db::Result<()> {
    let mut prev = history::START.to_owned();
    for (number, root) in (1..).zip(seal::roots(db, tenant).await?) {
        found.roots += 1;
        found.sealed_at = Some(UtcMs(root.at_ms));
        *found.signers.entry(root.signer.clone()).or_default() += 1;
        let heads = seal::heads(db, tenant, root.root).await?;
        let own = hash(tenant, number, root.at_ms, &prev, &heads);
        if root.root != number || root.prev_hash != prev || root.hash != own {
            found.wrong.push(format!("root {number}: it was changed, or one before it is missing"));
        } else if !signed(&root) || !trusted.contains(&root.signer) {
            found.wrong.push(format!("root {number}: it is not signed by a key that is trusted here"));
        }
        last = last.filter(|(number, hash)| (*number, hash) != (root.root, &root.hash));
        prev = root.hash;
    }
    if let Some((number, _)) = last {
        found.wrong.push(format!("root {number}: it was made here and is missing, or is another one now"));
    }
    for miss in seal::misses(db, tenant).await? {
        let name = miss.number.as_deref().unwrap_or(&miss.case_id);
        let what = match (&miss.number, &miss.hash) {
            (None, None) => "the case and its history were removed".to_owned(),
            (_, None) => format!("its history was cut off before row {}, which was sealed", miss.position),
            (_, Some(_)) => format!("row {} is not the one that was sealed", miss.position),
        };
        found.wrong.push(format!("case {name}: {what} (root {})", miss.root));
    }
    Ok(())
}

fn signed(root: &Root) -> bool {
    let (Ok(key), Ok(signature)) = (hex::decode(&root.signer), hex::decode(&root.signature)) else {
        return false;
    };
    UnparsedPublicKey::new(&ED25519, key).verify(root.hash.as_bytes(), &signature).is_ok()
}

#[cfg(test)]
mod tests;
