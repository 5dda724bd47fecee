//! A sheet of entries becomes what the hub knows: all of it in one transaction, or nothing.
//!
//! What is not in the sheet stays, unless it is to be replaced. A row that is bad stops the import; where it may be left
//! out, the entry that the hub has under its id stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, row, store};
use crate::admin::By;
use crate::admin::audit::{self, Deed};
use crate::db::{self, Db};
use crate::sheet::{self, Bad};

/// Entries that one tenant may have. Pages look through all of them.
pub(super) const MOST_ENTRIES: usize = 10_000;

/// How a sheet is taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mode {
    /// Change nothing.
    pub dry_run: bool,
    /// Remove entries that are not in the sheet.
    pub replace: bool,
    /// Leave bad rows out instead of taking nothing.
    pub skip_bad: bool,
}

/// What an import did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub new: Vec<String>,
    /// With the fields that changed.
    pub changed: Vec<(String, Vec<&'static str>)>,
    pub unchanged: Vec<String>,
    pub removed: Vec<String>,
    /// Ids of the sheet that are no longer valid and will not be offered.
    pub expired: Vec<String>,
    pub bad: Vec<Bad>,
    /// Whether it was done.
    pub done: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("{0}")]
    File(Bad),
    #[error(
        "the sheet has headings and no entry; to remove entries, import a sheet of those that are to stay"
    )]
    Empty,
    #[error("there would be {0} entries; {MOST_ENTRIES} are the most")]
    TooMany(usize),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// What the rows of a sheet say.
#[derive(Debug, Default)]
struct Read {
    entries: Vec<Entry>,
    bad: Vec<Bad>,
    /// Ids of bad rows.
    bad_ids: BTreeSet<String>,
}

fn read(bytes: &[u8]) -> Result<Read, ImportError> {
    let (headings, rows) = sheet::open(bytes, &row::COLUMNS).map_err(ImportError::File)?;
    let mut all = Read::default();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &rows {
        let id = headings.cell(one, 0);
        let twice = seen.get(id).filter(|_| !id.is_empty());
        let entry = match twice {
            Some(line) => {
                let what = format!("{id:?} stands in line {line} too; give one of them another id");
                Err(vec![headings.bad(one, 0, what)])
            }
            None => row::read(one, &headings),
        };
        seen.entry(id).or_insert(one.line);
        match entry {
            Ok(entry) => all.entries.push(entry),
            Err(bad) => {
                all.bad.extend(bad);
                all.bad_ids.insert(id.to_owned());
            }
        }
    }
    if rows.is_empty() { Err(ImportError::Empty) } else { Ok(all) }
}

/// Takes a sheet; the audit has a row of it. `today` is the local day, as [`super::today`] gives it.
pub async fn import(
    db: &Db,
    tenant: &str,
    bytes: &[u8],
    mode: Mode,
    today: &str,
    by: &By,
) -> Result<Outcome, ImportError> {
    let sheet = read(bytes)?;
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let known: BTreeMap<String, Entry> =
        store::list_in(&mut tx, tenant).await?.into_iter().map(|entry| (entry.id.clone(), entry)).collect();
    let mut outcome = Outcome::default();
    let mut put = Vec::new();
    for entry in &sheet.entries {
        let id = entry.id.clone();
        if entry.valid_until.as_deref().is_some_and(|until| until < today) {
            outcome.expired.push(id.clone());
        }
        match known.get(&id).map(|old| old.differs(entry)) {
            None => outcome.new.push(id),
            Some(fields) if fields.is_empty() => {
                outcome.unchanged.push(id);
                continue;
            }
            Some(fields) => outcome.changed.push((id, fields)),
        }
        put.push(Entry { updated_at_ms: by.at.0, ..entry.clone() });
    }
    if mode.replace {
        let stays: BTreeSet<&String> =
            sheet.entries.iter().map(|entry| &entry.id).chain(&sheet.bad_ids).collect();
        outcome.removed = known.keys().filter(|id| !stays.contains(id)).cloned().collect();
    }
    let count = known.len() + outcome.new.len() - outcome.removed.len();
    if count > MOST_ENTRIES {
        return Err(ImportError::TooMany(count));
    }
    outcome.bad = sheet.bad;
    if mode.dry_run || !(outcome.bad.is_empty() || mode.skip_bad) {
        return Ok(outcome);
    }
    for entry in &put {
        store::put(&mut tx, tenant, entry).await?;
    }
    for id in &outcome.removed {
        store::remove(&mut tx, tenant, id).await?;
    }
    if !put.is_empty() || !outcome.removed.is_empty() {
        store::next_revision(&mut tx, tenant).await?;
        let told = format!("+{} ~{} -{}", outcome.new.len(), outcome.changed.len(), outcome.removed.len());
        let changed = outcome.changed.iter().map(|(id, _)| id);
        let all = outcome.new.iter().chain(changed).chain(&outcome.removed);
        let names: Vec<&str> = all.map(String::as_str).collect();
        audit::note_import(&mut tx, tenant, by, Deed::Knowledge, (&told, names.join(" "))).await?;
    }
    tx.commit().await?;
    outcome.done = true;
    Ok(outcome)
}
