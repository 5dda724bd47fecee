//! Pictures that people bring. They come by themselves; a report or a move names them.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use super::ApiError;
use super::answers::{BadRequest, Conflict, Failures, File, Forbidden, KeyReused, NotPicture, TooLarge};
use super::guard::Caller;
use super::repeat::Came;
use crate::app::App;
use crate::attachment::{self, Attachment, AttachmentError, MAX_BYTES};
use crate::evidence::UploadError;
use crate::user::Act;

/// Pictures that are read at once: each lies in memory, whole.
static READING: Semaphore = Semaphore::const_new(8);

/// A line that takes longer for one picture is given up.
const PATIENCE: Duration = Duration::from_secs(60);

impl From<AttachmentError> for ApiError {
    fn from(error: AttachmentError) -> Self {
        let why = error.to_string();
        match error {
            AttachmentError::Picture(_) => Self::NotJson(why),
            AttachmentError::TooMany => Self::Conflict(why),
            AttachmentError::Reused(reused) => reused.into(),
            AttachmentError::File(UploadError::Full) => Self::Busy(why),
            AttachmentError::File(UploadError::Db(error)) | AttachmentError::Db(error) => error.into(),
            AttachmentError::File(_) | AttachmentError::Task(_) => Self::Internal(why),
        }
    }
}

/// Bring a picture (JPEG, PNG or WebP, at most 10 MiB): the file itself is the body. What cameras write into it besides the
/// picture, such as where it was taken, is left out. It waits a day for a report or a move of yours that names it, and
/// nobody sees it before.
#[utoipa::path(post, path = "/api/v1/attachments", request_body(content = File, content_type = "application/octet-stream"),
    params(("Idempotency-Key" = Option<String>, Header, description = "A UUID: the same picture under it is taken once.")),
    tag = "evidence", responses((status = 201, body = Attachment),
    BadRequest, Forbidden, Conflict, TooLarge, NotPicture, KeyReused, Failures))]
pub(super) async fn take(
    State(app): State<App>,
    caller: Caller,
    came: Came,
    body: Body,
) -> Result<(StatusCode, Json<Attachment>), ApiError> {
    caller.must(Act::Attach)?;
    let _turn = READING.acquire().await.map_err(|error| ApiError::Internal(error.to_string()))?;
    let read = tokio::time::timeout(PATIENCE, to_bytes(body, MAX_BYTES + 1)).await;
    let read =
        read.map_err(|_| ApiError::Input("the picture did not come in time; send it again".to_owned()))?;
    // What is longer, and a line that broke off, end alike; only the first can be told here.
    let bytes = match read {
        Ok(bytes) if bytes.len() <= MAX_BYTES => bytes,
        _ => {
            let mib = MAX_BYTES >> 20;
            return Err(ApiError::TooLarge(format!("a picture has at most {mib} MiB; make it smaller")));
        }
    };
    let key = came.key(&caller.0.user, &bytes)?;
    let attachment = attachment::take_in_once(&app, &caller.0.user, bytes.into(), key.as_ref()).await?;
    Ok((StatusCode::CREATED, Json(attachment)))
}
