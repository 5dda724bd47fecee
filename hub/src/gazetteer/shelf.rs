//! The gazetteer in force, in memory: read once for each version.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::UtcMs;

use super::import::{self, Around, Imported, Mode};
use super::store::VERSIONS;
use super::{Index, MOST_PLACES, Place, store};
use crate::admin::Teller;
use crate::admin::audit::{self, Deed};
use crate::db::{Db, Error, Result, Tx};
use crate::grid::Grids;
use crate::organisation;
use crate::sheet::Bad;

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Gazetteers(Arc<Mutex<Known>>);

/// By tenant.
type Known = BTreeMap<String, Arc<Index>>;

/// Why a sheet was not taken as a whole; bad rows are told in [`Imported`].
#[derive(Debug, thiserror::Error)]
pub enum GazetteerError {
    #[error("{0}")]
    File(Bad),
    #[error("there would be {0} places; {MOST_PLACES} are the most")]
    TooMany(usize),
    #[error(transparent)]
    Db(#[from] Error),
}

impl Gazetteers {
    /// The one in force; one without places before there is any.
    pub async fn newest(&self, db: &Db, tenant: &str) -> Result<Arc<Index>> {
        let version = VERSIONS.newest(db, tenant).await?;
        if let Some(known) = self.known(tenant, version) {
            return Ok(known);
        }
        let text = VERSIONS.text(db, tenant, version).await?;
        let areas = organisation::store::areas(db, tenant).await?;
        // Ten thousands of names take a while.
        let built = tokio::task::spawn_blocking(move || build(version, text, &areas)).await;
        Ok(self.keep(tenant, built.map_err(|_| Error::WorkerCrashed)??))
    }

    /// The same under the tenant's lock. Whoever runs a hub has it read beforehand ([`crate::reconcile`]).
    pub async fn newest_in(&self, tx: &mut Tx, tenant: &str) -> Result<Arc<Index>> {
        let version = VERSIONS.newest_in(tx, tenant).await?;
        if let Some(known) = self.known(tenant, version) {
            return Ok(known);
        }
        let text = VERSIONS.text_in(tx, tenant, version).await?;
        let areas = organisation::store::areas_in(tx, tenant).await?;
        Ok(self.keep(tenant, build(version, text, &areas)?))
    }

    fn known(&self, tenant: &str, version: i64) -> Option<Arc<Index>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(tenant).filter(|index| index.version == version).cloned()
    }

    fn keep(&self, tenant: &str, index: Index) -> Arc<Index> {
        let index = Arc::new(index);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(tenant.to_owned(), index.clone());
        index
    }

    /// Reads and checks a sheet, and puts it in force unless it is only tried or has a bad row.
    pub async fn import(
        &self,
        db: &Db,
        tenant: &str,
        (bytes, mode): (&[u8], Mode),
        grids: &Grids,
        (by, note, now): (impl Into<Teller<'_>>, &str, UtcMs),
    ) -> std::result::Result<Imported, GazetteerError> {
        let by = by.into();
        // Areas and maps only grow: what is right by these is right by later ones, and cases come in meanwhile.
        let areas = organisation::store::areas(db, tenant).await?;
        let map = grids.newest(db, tenant).await?;
        let around = Around { areas: &areas, grids: map.as_deref() };
        let (places, bad) = import::read(bytes, mode.datum, around).map_err(GazetteerError::File)?;
        let mut tx = db.begin().await?;
        tx.lock_tenant(tenant).await?;
        let version = VERSIONS.newest_in(&mut tx, tenant).await?;
        let known = read(version, VERSIONS.text_in(&mut tx, tenant, version).await?)?;
        let (all, mut outcome) = import::merge(&known, places, mode.add);
        if all.len() > MOST_PLACES {
            return Err(GazetteerError::TooMany(all.len()));
        }
        outcome.bad = bad;
        let same = outcome.new.is_empty() && outcome.changed.is_empty() && outcome.gone.is_empty();
        if mode.dry_run || !outcome.bad.is_empty() || same {
            return Ok(outcome);
        }
        let text = serde_json::to_string(&all).map_err(|error| Error::Encode(error.into()))?;
        let count = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let version = store::add(&mut tx, tenant, (&text, count), (by.name(), note, now)).await?;
        outcome.version = Some(version);
        let (new, changed, gone) = (outcome.new.len(), outcome.changed.len(), outcome.gone.len());
        let told = format!("{count} places, +{new} ~{changed} -{gone}; {note}");
        let who = by.by(now);
        audit::note_import(&mut tx, tenant, &who, Deed::Gazetteer, (&version.to_string(), told)).await?;
        tx.commit().await?;
        Ok(outcome)
    }
}

fn read(version: i64, text: Option<String>) -> Result<Vec<Place>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    serde_json::from_str(&text).map_err(|error| Error::Decode(format!("gazetteer {version}: {error}").into()))
}

fn build(version: i64, text: Option<String>, areas: &[organisation::Area]) -> Result<Index> {
    Ok(Index::new(version, read(version, text)?, areas))
}
