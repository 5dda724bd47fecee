//! Policies that were read, by version: a version never changes, so it is read once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use protocol::UtcMs;

use super::store::VERSIONS;
use super::{DEFAULT, Policy, store};
use crate::admin::Teller;
use crate::admin::audit::{self, Deed};
use crate::category;
use crate::db::{Db, Error, Result, Tx};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Policies {
    zone: TimeZone,
    read: Arc<Mutex<Known>>,
}

/// By tenant and version.
type Known = HashMap<(String, i64), Arc<Policy>>;

/// Why a policy was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("the policy was not taken:\n{}", .0.join("\n"))]
    Wrong(Vec<String>),
    #[error(transparent)]
    Db(#[from] Error),
}

impl Policies {
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, read: Arc::default() }
    }

    /// The one in force. A tenant without any gets the default as its first.
    pub async fn newest(&self, db: &Db, tenant: &str, now: UtcMs) -> Result<Arc<Policy>> {
        match VERSIONS.newest(db, tenant).await? {
            0 => {
                let mut tx = db.begin().await?;
                tx.lock_tenant(tenant).await?;
                let policy = self.newest_in(&mut tx, tenant, now).await?;
                tx.commit().await?;
                Ok(policy)
            }
            version => match self.known(tenant, version) {
                Some(policy) => Ok(policy),
                None => {
                    // A policy may name categories that the county made: their words are learnt first.
                    category::all(db, tenant).await?;
                    self.read(tenant, version, VERSIONS.text(db, tenant, version).await?)
                }
            },
        }
    }

    /// The same under the tenant's lock.
    pub async fn newest_in(&self, tx: &mut Tx, tenant: &str, now: UtcMs) -> Result<Arc<Policy>> {
        let version = match VERSIONS.newest_in(tx, tenant).await? {
            0 => store::add(tx, tenant, DEFAULT, "hub", "default", now).await?,
            version => version,
        };
        self.version_in(tx, tenant, version).await
    }

    /// One version, under the tenant's lock.
    pub async fn version_in(&self, tx: &mut Tx, tenant: &str, version: i64) -> Result<Arc<Policy>> {
        match self.known(tenant, version) {
            Some(policy) => Ok(policy),
            None => {
                category::all_in(tx, tenant).await?;
                self.read(tenant, version, VERSIONS.text_in(tx, tenant, version).await?)
            }
        }
    }

    fn known(&self, tenant: &str, version: i64) -> Option<Arc<Policy>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.get(&(tenant.to_owned(), version)).cloned()
    }

    fn read(&self, tenant: &str, version: i64, text: Option<String>) -> Result<Arc<Policy>> {
        let read = Policy::read(&text.ok_or(Error::RowNotFound)?, version, &self.zone).or_else(|wrong| {
            // Taken by another version of the hub. Cases must come in all the same.
            tracing::error!(
                version,
                "the policy cannot be read, the default stands in: {}",
                wrong.join("; ")
            );
            Policy::read(DEFAULT, version, &self.zone)
        });
        let policy = Arc::new(read.map_err(|wrong| Error::Decode(wrong.join("; ").into()))?);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.insert((tenant.to_owned(), version), policy.clone());
        Ok(policy)
    }

    /// Reads a text, and puts it in force unless it is only tried; returns its version.
    pub async fn import(
        &self,
        db: &Db,
        tenant: &str,
        text: &str,
        (by, note, now): (impl Into<Teller<'_>>, &str, UtcMs),
        dry_run: bool,
    ) -> std::result::Result<Option<i64>, PolicyError> {
        let by = by.into();
        category::all(db, tenant).await?;
        Policy::read(text, 0, &self.zone).map_err(PolicyError::Wrong)?;
        if dry_run {
            return Ok(None);
        }
        let mut tx = db.begin().await?;
        tx.lock_tenant(tenant).await?;
        // What was in force until now is kept under a number too.
        self.newest_in(&mut tx, tenant, now).await?;
        let version = store::add(&mut tx, tenant, text, by.name(), note, now).await?;
        let (who, told) = (by.by(now), note.to_owned());
        audit::note_import(&mut tx, tenant, &who, Deed::Policy, (&version.to_string(), told)).await?;
        tx.commit().await?;
        Ok(Some(version))
    }
}
