//! Pictures that people bring: with a report, with the result of their work, with what they found on site.
//!
//! A picture comes first, by itself, and is nobody's to see; a report or a move of the same person names it by its id, in
//! its own transaction, and it is then evidence of that case, guarded and registered like any other. What nobody names is
//! gone after a day. Files lie by their content beside those of boxes, without what telephones write into them
//! ([`picture`]). Which pictures came with what is a row of the case's history.
//!
//! Deliberately absent: pictures without a case, and any look at what is in them.

pub mod picture;
mod store;
#[cfg(test)]
mod tests;

use protocol::{Sha256Hex, UtcMs};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::app::App;
use crate::case::{self, Case};
use crate::db::{self, Tx};
use crate::evidence::UploadError;
use crate::field::repeat::{self, Key, Known};
use crate::workflow::store::StepError;
use crate::workflow::{self, Actor, Missing, Refused, Step, StepKind};
use picture::PictureError;

/// Largest file.
pub const MAX_BYTES: usize = 10 << 20;
/// Pictures of one report or move.
pub const MOST_NAMED: usize = 10;
/// Pictures that one person may have waiting to be named.
const MOST_WAITING: i64 = 20;
/// How long they wait.
const WAIT_MS: i64 = 86_400_000;
/// What evidence calls them.
pub const KIND: &str = "attachment";

/// A picture that is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attachment {
    /// By which a report or a move of yours names it.
    pub attachment_id: String,
    /// Of the file as it is kept.
    pub sha256: String,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub media_type: String,
    pub size_bytes: i64,
    /// When it is gone, unless it is named.
    pub expires_at: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum AttachmentError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(
        "{MOST_WAITING} pictures of yours wait to be named by a report or a move; name them first, or wait a day"
    )]
    TooMany,
    /// Its key was used for another one.
    #[error(transparent)]
    Reused(#[from] repeat::Reused),
    #[error(transparent)]
    File(#[from] UploadError),
    #[error("the picture could not be read: {0}")]
    Task(String),
    #[error("attachment database: {0}")]
    Db(#[from] db::Error),
}

/// Why pictures cannot be named.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    #[error("there is no picture {0} of yours that waits to be named")]
    Unknown(String),
    #[error("attachments: {0} pictures; {MOST_NAMED} are the most, each once")]
    TooMany(usize),
    #[error(transparent)]
    Db(#[from] db::Error),
}

/// Takes a picture of a user; it waits to be named.
pub async fn take_in(app: &App, user: &str, bytes: Vec<u8>) -> Result<Attachment, AttachmentError> {
    take_in_once(app, user, bytes, None).await
}

/// The same, once for each key. A picture that came under its key before and is gone, because nobody named it in time, is
/// taken anew.
pub async fn take_in_once(
    app: &App,
    user: &str,
    bytes: Vec<u8>,
    key: Option<&Key>,
) -> Result<Attachment, AttachmentError> {
    let read = tokio::task::spawn_blocking(move || {
        let picture = picture::read(&bytes)?;
        let sha256 = hex::encode(Sha256::digest(&picture.bytes));
        Ok::<_, PictureError>((picture, sha256))
    });
    let (picture, sha256) = read.await.map_err(|error| AttachmentError::Task(error.to_string()))??;
    let sha256: Sha256Hex = sha256.parse().map_err(AttachmentError::Task)?;
    let (tenant, now) = (app.tenant(), app.clock.now());
    let size_bytes = i64::try_from(picture.bytes.len()).unwrap_or(i64::MAX);
    let attachment = Attachment {
        attachment_id: app.new_id(),
        sha256: sha256.to_string(),
        media_type: picture.format.media_type().to_owned(),
        size_bytes,
        expires_at: now.plus_ms(WAIT_MS).0,
    };
    app.evidence.hold(&attachment.attachment_id, picture.bytes).await?;
    let kept = async {
        let mut tx = app.db.begin().await?;
        tx.lock_tenant(tenant.as_str()).await?;
        if let Some(key) = key
            && let Known::Again(answer) = repeat::known(&mut tx, tenant.as_str(), key, now).await??
            && let Ok(before) = serde_json::from_value::<Attachment>(answer.made)
            && store::is_here(&mut tx, tenant.as_str(), &before.attachment_id).await?
        {
            return Ok(Some(before));
        }
        if store::waiting(&mut tx, tenant.as_str(), user).await? >= MOST_WAITING {
            return Err(AttachmentError::TooMany);
        }
        // Under the tenant's lock: what is swept at the same moment must not take this file with it.
        app.evidence.settle_held(&attachment.attachment_id, tenant, &sha256).await?;
        store::insert(&mut tx, tenant.as_str(), &attachment, user, now).await?;
        if let Some(key) = key {
            repeat::remember(&mut tx, tenant.as_str(), key, 201, &json!(attachment), now).await?;
        }
        tx.commit().await?;
        Ok(None)
    };
    let kept: Result<Option<Attachment>, AttachmentError> = kept.await;
    if !matches!(kept, Ok(None)) {
        app.evidence.let_go(&attachment.attachment_id).await;
    }
    Ok(kept?.unwrap_or(attachment))
}

/// Names pictures of a user for a case, in the transaction of what they came with; a row of the history lists them.
pub(crate) async fn name(
    tx: &mut Tx,
    tenant: &str,
    (case_id, action): (&str, &str),
    ids: &[String],
    user: &str,
    now: UtcMs,
) -> Result<(), NameError> {
    name_as(tx, tenant, (case_id, action), ids, (user, &format!("user:{user}")), now).await
}

/// The same of somebody whom the history calls otherwise.
pub(crate) async fn name_as(
    tx: &mut Tx,
    tenant: &str,
    (case_id, action): (&str, &str),
    ids: &[String],
    (user, actor): (&str, &str),
    now: UtcMs,
) -> Result<(), NameError> {
    let is_twice = ids.iter().enumerate().any(|(at, id)| ids[..at].contains(id));
    if ids.len() > MOST_NAMED || is_twice {
        return Err(NameError::TooMany(ids.len()));
    }
    if ids.is_empty() {
        return Ok(());
    }
    let mut files = Vec::new();
    for id in ids {
        let sha256 = store::name(tx, tenant, (id, case_id, action), user, now).await?;
        files.push(sha256.ok_or_else(|| NameError::Unknown(id.chars().take(64).collect()))?);
    }
    let detail = json!({ "files": files, "with": action });
    Ok(case::store::append(tx, tenant, case_id, now, actor, "attached", &detail).await?)
}

/// Moves that may bring pictures.
fn takes_pictures(step: &Step) -> bool {
    matches!(
        step,
        Step::HandleHere { .. }
            | Step::Progress { .. }
            | Step::FinishPart { .. }
            | Step::Report { .. }
            | Step::Check { .. }
            | Step::Rework { .. }
    )
}

/// Takes a step of a user with the pictures that he names, inside a transaction that holds the tenant's lock; refused, it is to
/// be given up. 返工 needs a picture: its own, or one that came with the field check.
pub(crate) async fn take_step(
    tx: &mut Tx,
    app: &App,
    number: &str,
    step: &Step,
    (user, by): (&str, &Actor),
    ids: &[String],
) -> Result<Case, StepError> {
    let (tenant, now, id, kind) = (app.tenant().as_str(), app.clock.now(), app.new_id(), step.kind());
    let missing = |what| StepError::Refused(Refused::Missing { step: kind, what });
    if !ids.is_empty() && !takes_pictures(step) {
        return Err(missing(Missing::NoPictures));
    }
    let pictured = match kind {
        StepKind::Rework => !ids.is_empty() || store::check_has_picture(tx, tenant, number).await?,
        _ => true,
    };
    let case = workflow::store::take_in(tx, tenant, number, step, by, app.step_with(&id)).await?;
    // The law first: who may not send it back at all is told that.
    if !pictured {
        return Err(missing(Missing::Picture));
    }
    match name(tx, tenant, (&case.case_id, kind.as_str()), ids, user, now).await {
        Ok(()) => {}
        Err(NameError::Unknown(id)) => return Err(missing(Missing::Attachment(id))),
        Err(NameError::TooMany(count)) => return Err(missing(Missing::TooManyPictures(count))),
        Err(NameError::Db(error)) => return Err(error.into()),
    }
    Ok(case)
}

/// Removes what nobody named. Safe to run twice, and on several hubs.
pub async fn prune(app: &App) -> Result<u64, AttachmentError> {
    let (tenant, before_ms) = (app.tenant(), app.clock.now().0 - WAIT_MS);
    if !store::any_old(&app.db, tenant.as_str(), before_ms).await? {
        return Ok(0);
    }
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant.as_str()).await?;
    let gone = store::forget_old(&mut tx, tenant.as_str(), before_ms).await?;
    let mut removed = 0;
    for sha256 in gone {
        removed += 1;
        if store::is_needed(&mut tx, tenant.as_str(), &sha256).await? {
            continue;
        }
        if let Ok(sha256) = sha256.parse() {
            app.evidence.remove_settled(tenant, &sha256).await.map_err(UploadError::from)?;
        }
    }
    tx.commit().await?;
    Ok(removed)
}
