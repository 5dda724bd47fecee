//! The keys for callback numbers of all hubs on one database. Each hub writes its own down there, sealed under the key of the
//! authority that they share (`pki/ca.key`), and takes up those of the others: what was sealed for one opens at each. A hub
//! that has no key yet takes over the oldest instead of making one, and all seal for that.
//!
//! Deliberately absent: a key in clear outside `pki`. Whoever has a copy of the database alone opens nothing.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use protocol::{Chance, ContactKey, ContactSecret, OpenError, Sealed, SealedName, UtcMs};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::key;
use super::store::{self, KeyRow};
use crate::db::{Db, Tx};
use crate::pki::Authority;

/// For what the authority's key is used here.
const USE: &str = "shaodian: keys for callback numbers";

/// Opens what was sealed for any of the hubs, as far as their keys are known. The first is what is sealed for.
#[derive(Debug)]
pub struct ContactKeys {
    own: Arc<ContactSecret>,
    known: RwLock<Vec<Arc<ContactSecret>>>,
}

impl ContactKeys {
    /// This hub's own, alone.
    pub fn of(own: ContactSecret) -> Self {
        let own = Arc::new(own);
        Self { known: RwLock::new(vec![Arc::clone(&own)]), own }
    }

    /// What boxes are told, and numbers are sealed for.
    pub fn key(&self) -> ContactKey {
        self.all().first().unwrap_or(&self.own).key()
    }

    pub fn open(&self, sealed: &Sealed) -> Result<String, OpenError> {
        self.first_that(|key| key.open(sealed))
    }

    pub fn open_name(&self, sealed: &SealedName) -> Result<String, OpenError> {
        self.first_that(|key| key.open_name(sealed))
    }

    fn first_that(
        &self,
        open: impl Fn(&ContactSecret) -> Result<String, OpenError>,
    ) -> Result<String, OpenError> {
        let tried = self.all().into_iter().map(|key| open(&key));
        tried.into_iter().find(|opened| *opened != Err(OpenError::Foreign)).unwrap_or(Err(OpenError::Foreign))
    }

    fn all(&self) -> Vec<Arc<ContactSecret>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// At the start of a hub: writes its own key down for the others, and takes up theirs.
    pub async fn share(
        &self,
        db: &Db,
        own: &[u8; 32],
        authority: &Authority,
        chance: &Chance,
        now: UtcMs,
    ) -> anyhow::Result<()> {
        let wrapping = Wrapping::of(authority);
        let public = self.own.key().to_string();
        let kept = store::keys(db).await?;
        // One of a former authority is sealed anew: nobody could open it.
        let is_known = kept.iter().any(|row| row.public == public && wrapping.open(row).is_some());
        if !is_known {
            let row = KeyRow { sealed: wrapping.seal(&public, own, chance)?, public, made_at_ms: now.0 };
            store::keep_key(db, &row).await?;
        }
        self.take(store::keys(db).await?, &wrapping);
        Ok(())
    }

    /// Takes up what other hubs have written down since.
    pub(super) async fn look_again(&self, tx: &mut Tx, authority: &Authority) -> crate::db::Result<()> {
        let rows = store::keys_in(tx).await?;
        self.take(rows, &Wrapping::of(authority));
        Ok(())
    }

    fn take(&self, rows: Vec<KeyRow>, wrapping: &Wrapping) {
        let mut all: Vec<Arc<ContactSecret>> = Vec::new();
        for row in rows {
            match wrapping.open(&row) {
                Some(bytes) => all.push(Arc::new(ContactSecret::from_bytes(bytes))),
                None => tracing::error!(
                    key = &row.public[..row.public.len().min(8)],
                    "a key for callback numbers of another hub on this database was sealed under another authority: its numbers \
                     do not open here; give all hubs the same pki/ca.pem and pki/ca.key"
                ),
            }
        }
        if all.iter().all(|key| key.key() != self.own.key()) {
            all.push(Arc::clone(&self.own));
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = all;
    }
}

/// Before a hub without a key makes one: takes over the oldest of the hubs on its database.
pub async fn bring(db: &Db, folder: &Path, authority: &Authority) -> anyhow::Result<()> {
    if key::is_there(folder) {
        return Ok(());
    }
    let wrapping = Wrapping::of(authority);
    if let Some(bytes) = store::keys(db).await?.iter().find_map(|row| wrapping.open(row)) {
        key::adopt(folder, &bytes).context("taking over the key for callback numbers of another hub")?;
        tracing::info!("the key for callback numbers of another hub on this database is this hub's, too");
    }
    Ok(())
}

/// Seals keys under the authority's.
struct Wrapping(LessSafeKey);

impl Wrapping {
    fn of(authority: &Authority) -> Self {
        let key =
            UnboundKey::new(&CHACHA20_POLY1305, &authority.derived(USE)).expect("its keys have 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// The public half is sealed in with it: one key cannot be put in another's place.
    fn seal(&self, public: &str, key: &[u8; 32], chance: &Chance) -> anyhow::Result<String> {
        let nonce = chance.bytes::<NONCE_LEN>();
        let mut text = key.to_vec();
        let aad = Aad::from(public.as_bytes());
        let sealed = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text);
        sealed.map_err(|_| anyhow::anyhow!("the key for callback numbers could not be sealed"))?;
        Ok(format!("{}.{}", hex::encode(nonce), hex::encode(text)))
    }

    /// Nothing where it was sealed under another authority, or changed.
    fn open(&self, row: &KeyRow) -> Option<[u8; 32]> {
        let (nonce, text) = row.sealed.split_once('.')?;
        let nonce: [u8; NONCE_LEN] = hex::decode(nonce).ok()?.try_into().ok()?;
        let mut text = hex::decode(text).ok()?;
        let aad = Aad::from(row.public.as_bytes());
        let plain = self.0.open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut text).ok()?;
        let bytes: [u8; 32] = (&*plain).try_into().ok()?;
        (ContactSecret::from_bytes(bytes).key().to_string() == row.public).then_some(bytes)
    }
}
