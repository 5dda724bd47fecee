//! What was tried on a page and waits to be confirmed. Confirming does what was shown, or nothing.
//!
//! The newest of each user and kind is kept for a day, with the hash of what was shown: the bytes, how they were to be taken,
//! and what would have come of it. Whoever confirms names that hash. Other bytes since then, or a county that has changed
//! meanwhile, make another hash, and it is shown again; one that changes in between is found by the import's own
//! transaction, which then does nothing. A draft is taken away before it is done: sent twice, it is done once.

use sha2::{Digest as _, Sha256};

use super::import::{Failure, Kind, Options, Outcome, run};
use super::store::{self, DraftRow};
use super::{By, audit};
use crate::app::App;
use crate::db::Result;

/// So long somebody may think it over.
pub const LIFE_MS: i64 = 86_400_000;

/// What was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub outcome: Outcome,
    /// By which it is confirmed.
    pub sha256: String,
    pub options: Options,
    pub content: Vec<u8>,
}

/// What came of a confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmed {
    Done(Outcome),
    /// It was done already, or has waited too long.
    Gone,
    /// What would come of it is no longer what was shown.
    Otherwise(Box<Shown>),
}

/// Tries it, and keeps what can be confirmed.
pub async fn look(
    app: &App,
    by: &By,
    user: &str,
    kind: Kind,
    (content, options): (Vec<u8>, Options),
) -> std::result::Result<Shown, Failure> {
    let shown = shown(app, by, kind, (content, options)).await?;
    if shown.outcome.good {
        keep(app, user, kind, &shown).await?;
    }
    Ok(shown)
}

/// Does what was shown under this hash.
pub async fn confirm(
    app: &App,
    by: &By,
    user: &str,
    kind: Kind,
    sha256: &str,
) -> std::result::Result<Confirmed, Failure> {
    let tenant = app.tenant().as_str();
    let Some(row) = store::draft(&app.db, tenant, user, kind.as_str()).await? else {
        return Ok(Confirmed::Gone);
    };
    let options: Options =
        serde_json::from_str(&row.options).map_err(|error| Failure::Other(error.to_string()))?;
    // What is shown rests on the audit up to here: the import refuses itself once it has a newer row.
    let resting = by.resting_on(audit::position(&app.db, tenant).await?);
    let shown = shown(app, by, kind, (row.content.clone(), options)).await?;
    if row.sha256 != sha256 || shown.sha256 != sha256 || !shown.outcome.good {
        if shown.outcome.good {
            keep(app, user, kind, &shown).await?;
        }
        return Ok(Confirmed::Otherwise(Box::new(shown)));
    }
    if !store::take_draft(&app.db, tenant, (user, kind.as_str()), sha256).await? {
        return Ok(Confirmed::Gone);
    }
    let done = run(app, &resting, kind, (&shown.content, &shown.options), false).await;
    if matches!(&done, Err(Failure::Db(error)) if audit::is_overtaken(error)) {
        let now = self::shown(app, by, kind, (shown.content, shown.options)).await?;
        keep(app, user, kind, &now).await?;
        return Ok(Confirmed::Otherwise(Box::new(now)));
    }
    if done.as_ref().map_or(true, |outcome| !outcome.good) {
        // Nothing was done: it can be tried again.
        store::put_draft(&app.db, tenant, (user, kind.as_str()), &row, by.at).await?;
    }
    Ok(Confirmed::Done(done?))
}

async fn shown(
    app: &App,
    by: &By,
    kind: Kind,
    (content, options): (Vec<u8>, Options),
) -> std::result::Result<Shown, Failure> {
    let outcome = run(app, by, kind, (&content, &options), true).await?;
    let in_force = match kind {
        // Two that say the same of another version are not the same.
        Kind::Policies => app.policies.newest(&app.db, app.tenant().as_str(), by.at).await?.version,
        _ => 0,
    };
    let told = serde_json::to_string(&(kind.as_str(), &options, &outcome, in_force))
        .map_err(|error| Failure::Other(error.to_string()))?;
    let mut hash = Sha256::new();
    hash.update((content.len() as u64).to_be_bytes());
    hash.update(&content);
    hash.update(told.as_bytes());
    Ok(Shown { outcome, sha256: hex::encode(hash.finalize()), options, content })
}

async fn keep(app: &App, user: &str, kind: Kind, shown: &Shown) -> std::result::Result<(), Failure> {
    let options = serde_json::to_string(&shown.options).map_err(|error| Failure::Other(error.to_string()))?;
    let row = DraftRow { sha256: shown.sha256.clone(), options, content: shown.content.clone() };
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    Ok(store::put_draft(&app.db, tenant, (user, kind.as_str()), &row, now).await?)
}

/// Forgets those that nobody confirmed.
pub async fn forget(app: &App) -> Result<u64> {
    store::forget_drafts(&app.db, app.clock.now().0 - LIFE_MS).await
}
