//! Who does what: several hubs share what is due, each claims some of it for a while before it begins.
//!
//! Nothing depends on a claim: whatever was claimed is looked at again under the tenant's lock, which alone keeps a thing from
//! being done twice. A claim keeps two hubs from looking at the same things one after the other, so it may be short: what a hub
//! leaves behind that dies in the middle is anybody's when the claim has run out. What fails stays claimed as long, by nobody,
//! and does not stand before the rest.

use std::collections::BTreeSet;

use protocol::UtcMs;

use super::store::claims as rows;
use crate::app::App;
use crate::db;

/// How long what a hub has claimed is left to it.
pub(crate) const LEASE_MS: i64 = 20_000;

/// Claimed at once, so that there is something left for the others. Whoever looks for what is due asks for as many.
pub(crate) const AT_ONCE: i64 = 20;

/// What a hub has left behind for so long is forgotten.
const FORGET_MS: i64 = 3_600_000;

/// How often one pass claims some of one kind: more comes at the next.
const MOST_ROUNDS: usize = 25;

/// The claims of one pass for things of one kind.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    app: &'a App,
    what: &'static str,
    token: String,
    now: UtcMs,
    own: BTreeSet<(String, String)>,
    rounds: usize,
}

impl<'a> Claim<'a> {
    pub(crate) fn new(app: &'a App, what: &'static str, now: UtcMs) -> Self {
        Self { app, what, token: app.new_id(), now, own: BTreeSet::new(), rounds: 0 }
    }

    /// Of what was found, what this hub does now; what another one claimed in between is left out. Nothing when nothing was
    /// found, or this pass has done enough. `subject`: the tenant of a thing, and its name.
    pub(crate) async fn next<T>(
        &mut self,
        found: Vec<T>,
        subject: fn(&T) -> (&str, &str),
    ) -> db::Result<Option<Vec<T>>> {
        self.rounds += 1;
        if found.is_empty() || self.rounds > MOST_ROUNDS {
            return Ok(None);
        }
        let subjects = found.iter().map(|one| {
            let (tenant, subject) = subject(one);
            (tenant.to_owned(), subject.to_owned())
        });
        let until = self.now.plus_ms(LEASE_MS);
        let own =
            rows::take(&self.app.db, self.what, subjects.collect(), &self.token, (self.now, until)).await?;
        let is_own = |one: &T| {
            let (tenant, subject) = subject(one);
            own.contains(&(tenant.to_owned(), subject.to_owned()))
        };
        let found = found.into_iter().filter(is_own).collect();
        self.own.extend(own);
        Ok(Some(found))
    }

    /// What came of a thing: how many were done. One that failed is left alone for a while.
    pub(crate) async fn told(
        &self,
        (tenant, subject): (&str, &str),
        result: Result<bool, impl std::fmt::Display>,
    ) -> db::Result<u64> {
        match result {
            Ok(done) => Ok(u64::from(done)),
            Err(error) => {
                tracing::warn!("engine: {} of {subject}: {error}; trying again", self.what);
                rows::orphan(&self.app.db, self.what, (tenant, subject), &self.token).await?;
                Ok(0)
            }
        }
    }

    /// Lets go what was claimed.
    pub(crate) async fn release(self) -> db::Result<()> {
        if self.own.is_empty() {
            return Ok(());
        }
        let long_ago = self.now.plus_ms(-FORGET_MS);
        rows::release(&self.app.db, self.what, &self.own, &self.token, long_ago).await
    }
}
