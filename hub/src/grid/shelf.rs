//! The map in force, in memory: read once for each version.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::UtcMs;

use super::geojson::{self, Datum};
use super::store::VERSIONS;
use super::{Feature, Index, Outline, check, store};
use crate::admin::Teller;
use crate::admin::audit::{self, Deed};
use crate::db::{Db, Error, Result, Tx};
use crate::organisation::{self, Area, AreaPath, Level};

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Grids(Arc<Mutex<Kept>>);

/// By tenant.
type Kept = BTreeMap<String, Arc<Index>>;

/// Why a map was not taken.
#[derive(Debug, thiserror::Error)]
pub enum GridError {
    #[error("the map was not taken:\n{}", .0.join("\n"))]
    Wrong(Vec<String>),
    #[error(transparent)]
    Db(#[from] Error),
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Nothing after a dry run.
    pub version: Option<i64>,
    pub grids: usize,
    /// Ids of grids that were not known before.
    pub new: Vec<String>,
    /// Ids of grids of the map before that are not in this one.
    pub gone: Vec<String>,
}

impl Grids {
    /// The map in force; nothing before there is one.
    pub async fn newest(&self, db: &Db, tenant: &str) -> Result<Option<Arc<Index>>> {
        let version = VERSIONS.newest(db, tenant).await?;
        if version == 0 {
            return Ok(None);
        }
        if let Some(known) = self.known(tenant, version) {
            return Ok(Some(known));
        }
        let text = VERSIONS.text(db, tenant, version).await?.ok_or(Error::RowNotFound)?;
        let areas = organisation::store::areas(db, tenant).await?;
        self.read(tenant, version, &text, &areas).map(Some)
    }

    /// The same under the tenant's lock.
    pub async fn newest_in(&self, tx: &mut Tx, tenant: &str) -> Result<Option<Arc<Index>>> {
        let version = VERSIONS.newest_in(tx, tenant).await?;
        if version == 0 {
            return Ok(None);
        }
        if let Some(known) = self.known(tenant, version) {
            return Ok(Some(known));
        }
        let text = VERSIONS.text_in(tx, tenant, version).await?.ok_or(Error::RowNotFound)?;
        let areas = organisation::store::areas_in(tx, tenant).await?;
        self.read(tenant, version, &text, &areas).map(Some)
    }

    fn known(&self, tenant: &str, version: i64) -> Option<Arc<Index>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(tenant).filter(|index| index.version == version).cloned()
    }

    fn read(&self, tenant: &str, version: i64, text: &str, areas: &[Area]) -> Result<Arc<Index>> {
        let features = geojson::read(text.as_bytes(), Datum::Wgs84)
            .map_err(|wrong| Error::Decode(format!("map {version}: {}", wrong.join("; ")).into()))?;
        let paths: BTreeMap<&str, &str> =
            areas.iter().map(|area| (area.area.as_str(), area.path.as_str())).collect();
        let (mut grids, mut outlines) = (Vec::new(), Vec::new());
        for feature in features {
            let Some(path) = paths.get(feature.id.as_str()) else { continue };
            let path = AreaPath::kept((*path).to_owned());
            if feature.level == Level::Grid {
                grids.push((path, feature.shape));
            } else {
                outlines.push(Outline { path, level: feature.level, shape: feature.shape });
            }
        }
        let index = Arc::new(Index::new(version, grids).with_outlines(outlines));
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(tenant.to_owned(), index.clone());
        Ok(index)
    }

    /// Reads and checks a map, and puts it in force unless it is only tried: its grids become areas.
    pub async fn import(
        &self,
        db: &Db,
        tenant: &str,
        (bytes, datum): (&[u8], Datum),
        (by, note, now): (impl Into<Teller<'_>>, &str, UtcMs),
        dry_run: bool,
    ) -> std::result::Result<Taken, GridError> {
        let by = by.into();
        let features = geojson::read(bytes, datum).map_err(GridError::Wrong)?;
        // A large map takes seconds, and areas are never taken away: cases come in meanwhile.
        let mut wrong = check::wrong(&features, &organisation::store::areas(db, tenant).await?);
        if !wrong.is_empty() {
            return Err(GridError::Wrong(wrong));
        }
        let mut tx = db.begin().await?;
        tx.lock_tenant(tenant).await?;
        let known = organisation::store::areas_in(&mut tx, tenant).await?;
        let areas = areas(&features, &known, &mut wrong);
        if !wrong.is_empty() {
            return Err(GridError::Wrong(wrong));
        }
        let before = VERSIONS.newest_in(&mut tx, tenant).await?;
        let before = match VERSIONS.text_in(&mut tx, tenant, before).await? {
            Some(text) => geojson::read(text.as_bytes(), Datum::Wgs84).unwrap_or_default(),
            None => Vec::new(),
        };
        let gone = before
            .iter()
            .filter(|old| old.level == Level::Grid && !features.iter().any(|own| own.id == old.id));
        let mut taken = Taken {
            version: None,
            grids: areas.len(),
            new: areas
                .iter()
                .filter(|area| !known.iter().any(|old| old.area == area.area))
                .map(|area| area.area.clone())
                .collect(),
            gone: gone.map(|old| old.id.clone()).collect(),
        };
        if dry_run {
            return Ok(taken);
        }
        for area in &areas {
            organisation::store::put_area(&mut tx, tenant, area).await?;
        }
        let text = geojson::write(&features);
        let version =
            store::add(&mut tx, tenant, (&text, areas.len() as i64), (by.name(), note, now)).await?;
        taken.version = Some(version);
        let told = format!("{} grids, +{} -{}; {}", taken.grids, taken.new.len(), taken.gone.len(), note);
        let who = by.by(now);
        audit::note_import(&mut tx, tenant, &who, Deed::Grids, (&version.to_string(), told)).await?;
        tx.commit().await?;
        Ok(taken)
    }
}

/// The grids of a map as areas, those above before those in them. A grid that is known stays where it is.
fn areas(features: &[Feature], known: &[Area], wrong: &mut Vec<String>) -> Vec<Area> {
    let mut made: Vec<Area> = Vec::new();
    let mut left: Vec<&Feature> = features.iter().filter(|feature| feature.level == Level::Grid).collect();
    // At most as often as grids lie in grids.
    while !left.is_empty() {
        let before = left.len();
        left.retain(|feature| {
            let parent = feature.parent.as_deref().unwrap_or_default();
            let above = made.iter().chain(known).find(|area| area.area == parent);
            // One of this map that has not had its turn yet.
            let is_grid = |other: &Feature| other.id == parent && other.level == Level::Grid;
            let waits = features.iter().any(is_grid) && !made.iter().any(|area| area.area == parent);
            let Some(above) = above.filter(|_| !waits) else { return true };
            let path = AreaPath::kept(above.path.clone()).below(&feature.id);
            if let Some(old) = known.iter().find(|area| area.area == feature.id)
                && old.path != path.as_str()
            {
                wrong.push(format!(
                    "{} ({}): it lay in {}; cases and people are bound to its place, give the new one another id",
                    feature.id,
                    feature.name,
                    old.parent.as_deref().unwrap_or("nothing")
                ));
            }
            made.push(Area {
                area: feature.id.clone(),
                parent: feature.parent.clone(),
                level: Level::Grid.as_str().to_owned(),
                name_zh: feature.name.clone(),
                name_en: feature.name_en.clone(),
                rural: 0,
                path: path.as_str().to_owned(),
            });
            false
        });
        if left.len() == before {
            break;
        }
    }
    made
}
