//! Numbers to call citizens back at. They come sealed with a call's incident, are taken out of it before it is kept, and lie
//! in a table of their own until they expire. Opened one at a time, for a named user who said why; each look is a row of
//! the access register and of the case's history, neither of which holds the number.
//!
//! Whoever reports a matter by hand or by another system leaves a name and a number in the same way ([`Reporter`]). Of a
//! confidential case (保密) nobody is told them who works in the unit that it is about, or in one that handles it, whatever
//! else he may.
//!
//! Deliberately absent: a list of numbers, a search by number, a number in any page's address.

mod key;
mod reporter;
mod ring;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use protocol::{Incident, OpenError, Sealed, SealedName, Subject};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

pub use key::{bytes as key_bytes, open as open_key};
pub use reporter::Reporter;
pub(crate) use reporter::keep as keep_reporter;
pub use ring::{ContactKeys, bring as bring_key};
pub use store::Kept;

use crate::app::App;
use crate::case::{self, CaseError};
use crate::user::{self, Access};

/// What the access register calls such a look.
pub const KIND: &str = "contact";
/// Longest purpose that is kept, in characters.
const MAX_PURPOSE: usize = 200;

/// Why a number is not told.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    #[error("state the purpose: it goes into the register")]
    Purpose,
    #[error("no callback number is kept for case {0}: none came, it has expired, or it was deleted")]
    Nothing(String),
    #[error("the callback number of case {0} cannot be opened: {1}")]
    Closed(String, OpenError),
    #[error("case {0} is confidential: who reported it is not told to people of the units that it concerns")]
    Confidential(String),
    #[error(transparent)]
    Case(#[from] CaseError),
}

impl From<crate::db::Error> for ContactError {
    fn from(error: crate::db::Error) -> Self {
        Self::Case(error.into())
    }
}

/// What somebody who may see it is shown.
#[derive(Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Contact {
    /// Digits, with or without `+` before them; nothing where only a name was left.
    pub number: Option<String>,
    /// Of whoever reported by hand and left it.
    pub name: Option<String>,
    /// When the hub got it.
    pub came_at: i64,
    /// When it is deleted.
    pub expires_at: i64,
}

/// Numbers never reach a log.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Contact(until {})", self.expires_at)
    }
}

/// The incident as it may be kept, and the sealed number that came with it.
pub(crate) fn apart(incident: &Incident) -> (Cow<'_, Incident>, Option<Sealed>) {
    let mut kept = Cow::Borrowed(incident);
    let mut sealed = None;
    if let Subject::Call(call) = &incident.subject
        && call.callback.is_some()
        && let Subject::Call(call) = &mut kept.to_mut().subject
    {
        sealed = call.callback.take();
    }
    (kept, sealed)
}

/// Opens the number of a case for `user`, who says why. Written down before it is told.
pub async fn look(app: &App, number: &str, user: &str, purpose: &str) -> Result<Contact, ContactError> {
    let purpose: String = purpose.trim().chars().take(MAX_PURPOSE).collect();
    if purpose.is_empty() {
        return Err(ContactError::Purpose);
    }
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?;
    let case = case.ok_or_else(|| CaseError::Unknown(number.to_owned()))?;
    if case.confidential != 0 && store::is_party(&mut tx, tenant, &case.case_id, user).await? {
        return Err(ContactError::Confidential(number.to_owned()));
    }
    let nothing = || ContactError::Nothing(number.to_owned());
    let kept = store::in_tx(&mut tx, tenant, &case.case_id, now).await?.ok_or_else(nothing)?;
    let mut found = opened(app, &kept);
    if found == Err(OpenError::Foreign) {
        // Another hub may have come since, and have a key of its own.
        app.contact_key.look_again(&mut tx, &app.authority).await?;
        found = opened(app, &kept);
    }
    let (told, name) = found.map_err(|error| ContactError::Closed(number.to_owned(), error))?;
    let text = kept.sealed.as_ref().or(kept.sealed_name.as_ref()).ok_or_else(nothing)?;
    let access = Access {
        at_ms: now.0,
        user_name: user.to_owned(),
        // Of what is kept: it tells one number of a case from the next, and nothing of either.
        sha256: hex::encode(Sha256::digest(text)),
        kind: KIND.to_owned(),
        act: "see".to_owned(),
        purpose: purpose.clone(),
        case_number: Some(case.number),
        call_id: case.call_id,
    };
    user::register_each(&mut tx, tenant, &app.chance, now, &access).await?;
    let (actor, detail) = (format!("user:{user}"), json!({ "purpose": purpose }));
    case::store::append(&mut tx, tenant, &case.case_id, now, &actor, "contact_seen", &detail).await?;
    tx.commit().await?;
    app.changes.wake();
    Ok(Contact { number: told, name, came_at: kept.came_at_ms, expires_at: kept.expires_at_ms })
}

/// Number and name of what is kept, where they are.
fn opened(app: &App, kept: &Kept) -> Result<(Option<String>, Option<String>), OpenError> {
    let number = kept.sealed.as_ref().map(|text| {
        let sealed = Sealed::kept(text).ok_or(OpenError::Damaged)?;
        app.contact_key.open(&sealed)
    });
    let name = kept.sealed_name.as_ref().map(|text| {
        let sealed = SealedName::kept(text).ok_or(OpenError::Damaged)?;
        app.contact_key.open_name(&sealed)
    });
    Ok((number.transpose()?, name.transpose()?))
}

/// Deletes the number of a case before its time.
pub async fn forget(app: &App, number: &str, user: &str) -> Result<(), ContactError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case = case::store::visible_in(&mut tx, tenant, user, number).await?;
    let case = case.ok_or_else(|| CaseError::Unknown(number.to_owned()))?;
    if !store::forget(&mut tx, tenant, &case.case_id).await? {
        return Err(ContactError::Nothing(number.to_owned()));
    }
    let actor = format!("user:{user}");
    case::store::append(&mut tx, tenant, &case.case_id, now, &actor, "contact_deleted", &json!({})).await?;
    tx.commit().await?;
    app.changes.wake();
    Ok(())
}
