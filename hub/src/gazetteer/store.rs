//! SQL of gazetteers, append-only, and of where cases lie in words.

use protocol::UtcMs;

use super::Candidate;
use crate::args;
use crate::db::versions::{Versions, versions};
use crate::db::{Db, Error, Result, Tx, from_row};

/// A version as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub version: i64,
    pub places: i64,
    pub made_by: String,
    pub made_at_ms: i64,
    pub note: String,
}

from_row!(Version: version, places, made_by, made_at_ms, note);

pub async fn list(db: &Db, tenant: &str) -> Result<Vec<Version>> {
    db.fetch_all(
        "select version, places, made_by, made_at_ms, note from gazetteers where tenant = $1 order by version desc",
        args![tenant],
    )
    .await
}

/// As JSON of their places.
pub(super) const VERSIONS: Versions = versions!("gazetteers");

/// Puts a gazetteer in force; the caller holds the tenant's lock.
pub(super) async fn add(
    tx: &mut Tx,
    tenant: &str,
    (text, places): (&str, i64),
    (by, note, now): (&str, &str, UtcMs),
) -> Result<i64> {
    let version = VERSIONS.newest_in(tx, tenant).await? + 1;
    tx.execute(
        "insert into gazetteers (tenant, version, content, places, made_by, made_at_ms, note)
         values ($1, $2, $3, $4, $5, $6, $7)",
        args![tenant, version, text, places, by, now, note],
    )
    .await?;
    VERSIONS.is_newest(tx, tenant, version);
    Ok(version)
}

/// What is known of where a case lies in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    pub told: String,
    /// `user:NAME` of who wrote it into a ticket; nothing where it is the caller's, or of who reported it.
    pub told_by: Option<String>,
    pub grid: Option<String>,
    pub version: i64,
    pub candidates: Vec<Candidate>,
    /// `hub` or `user:NAME`
    pub chosen_by: Option<String>,
    pub chosen: Option<Candidate>,
    pub chosen_at_ms: Option<i64>,
    pub(super) before: Option<Lies>,
}

/// Where a case lies.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Lies {
    pub(super) area: String,
    /// JSON of [`protocol::Place`].
    pub(super) location: Option<String>,
    pub(super) grid_version: Option<i64>,
}

from_row!(Lies: area, location, grid_version);

struct Row {
    told: String,
    told_by: Option<String>,
    grid: Option<String>,
    version: i64,
    candidates: String,
    chosen_by: Option<String>,
    chosen: Option<String>,
    chosen_at_ms: Option<i64>,
    before: Option<String>,
}

from_row!(Row: told, told_by, grid, version, candidates, chosen_by, chosen, chosen_at_ms, before);

impl Row {
    fn read(self) -> Result<Kept> {
        let wrong = |error: serde_json::Error| Error::Decode(error.into());
        let chosen = self.chosen.as_deref().map(serde_json::from_str).transpose().map_err(wrong)?;
        let before = self.before.as_deref().map(serde_json::from_str).transpose().map_err(wrong)?;
        Ok(Kept {
            candidates: serde_json::from_str(&self.candidates).map_err(wrong)?,
            told: self.told,
            told_by: self.told_by,
            grid: self.grid,
            version: self.version,
            chosen_by: self.chosen_by,
            chosen,
            chosen_at_ms: self.chosen_at_ms,
            before,
        })
    }
}

macro_rules! kept {
    () => {
        "select told, told_by, grid, version, candidates, chosen_by, chosen, chosen_at_ms, before from case_places
         where tenant = $1 and case_id = $2"
    };
}

pub(super) async fn of_case(db: &Db, tenant: &str, case_id: &str) -> Result<Option<Kept>> {
    db.fetch_optional::<Row>(kept!(), args![tenant, case_id]).await?.map(Row::read).transpose()
}

pub(super) async fn of_case_in(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<Option<Kept>> {
    tx.fetch_optional::<Row>(kept!(), args![tenant, case_id]).await?.map(Row::read).transpose()
}

pub(super) async fn put(tx: &mut Tx, tenant: &str, case_id: &str, kept: &Kept) -> Result<()> {
    let text = |value: serde_json::Result<String>| value.map_err(|error| Error::Encode(error.into()));
    let chosen = kept.chosen.as_ref().map(serde_json::to_string).map(text).transpose()?;
    let before = kept.before.as_ref().map(serde_json::to_string).map(text).transpose()?;
    tx.execute(
        "insert into case_places (tenant, case_id, told, grid, version, candidates, chosen_by, chosen, chosen_at_ms,
             before, told_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (tenant, case_id) do update set told = excluded.told, grid = excluded.grid,
             version = excluded.version, candidates = excluded.candidates, chosen_by = excluded.chosen_by,
             chosen = excluded.chosen, chosen_at_ms = excluded.chosen_at_ms, before = excluded.before,
             told_by = excluded.told_by",
        args![
            tenant,
            case_id,
            &kept.told,
            kept.grid.clone(),
            kept.version,
            text(serde_json::to_string(&kept.candidates))?,
            kept.chosen_by.clone(),
            chosen,
            kept.chosen_at_ms,
            before,
            kept.told_by.clone()
        ],
    )
    .await?;
    Ok(())
}

/// The number and state of a case, and where it lies.
pub(super) async fn standing(tx: &mut Tx, tenant: &str, case_id: &str) -> Result<(String, String, Lies)> {
    let (number, state): (String, String) = tx
        .fetch_one(
            "select number, state from cases where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    let lies: Lies = tx
        .fetch_one(
            "select area, location, grid_version from cases where tenant = $1 and case_id = $2",
            args![tenant, case_id],
        )
        .await?;
    Ok((number, state, lies))
}

pub(super) async fn place(tx: &mut Tx, tenant: &str, case_id: &str, lies: &Lies) -> Result<()> {
    tx.execute(
        "update cases set area = $3, location = $4, grid_version = $5 where tenant = $1 and case_id = $2",
        args![tenant, case_id, &lies.area, lies.location.clone(), lies.grid_version],
    )
    .await?;
    Ok(())
}
