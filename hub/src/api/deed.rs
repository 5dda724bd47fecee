//! What people of the grids do beside the moves of a case: they arrive, hand a task to a colleague, take one, and say something.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, Conflict, Failures, Forbidden, NotFound};
use super::cases::detail;
use super::guard::{Address, Caller};
use super::model::CaseDetail;
use super::repeat::Repeatable;
use crate::app::App;
use crate::field::Coming;
use crate::field::deed::{self, Deed, NotDone};
use crate::web::guard::Fields;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct DeedRequest {
    #[serde(flatten)]
    deed: Deed,
    /// When it was written, epoch ms by the sender's clock.
    #[serde(default)]
    occurred_at: Option<i64>,
}

impl From<NotDone> for ApiError {
    fn from(error: NotDone) -> Self {
        let status = match error {
            NotDone::Db(error) => return error.into(),
            NotDone::Reused(reused) => return reused.into(),
            NotDone::Unknown(_) => return Self::NotFound(error.to_string()),
            NotDone::Who(_) => StatusCode::FORBIDDEN,
            NotDone::Finished(_) | NotDone::Gone(_) | NotDone::Held(_) | NotDone::NotYours => {
                StatusCode::CONFLICT
            }
            NotDone::Text | NotDone::Note | NotDone::Place | NotDone::Colleague(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        };
        Self::Both(status, error.zh(), error.to_string())
    }
}

/// Arrive at a case (签到), hand its task to a colleague (转他人), take it (接下), or say something about it (交流). A row of its history
/// each; its state and its clocks stay as they are.
#[utoipa::path(post, path = "/api/v1/cases/{number}/field", params(("number" = String, Path,),
    ("Idempotency-Key" = Option<String>, Header, description = "A UUID: the same under it is done once."),
    ("X-Sent-At" = Option<i64>, Header, description = "When it is sent, epoch ms by the sender's clock.")),
    request_body = DeedRequest, tag = "cases", responses((status = 200, body = CaseDetail),
    BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn act(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    request: Result<Repeatable<DeedRequest>, ApiError>,
) -> Result<Json<CaseDetail>, ApiError> {
    let Repeatable { body: DeedRequest { deed, occurred_at }, bytes, came } = request?;
    let user = &caller.0.user;
    let coming = Coming { key: came.key(user, &bytes)?, written: came.written(occurred_at)?, position: None };
    let case = deed::act(&app, &number, &deed, (user, &caller.0.grants), &coming).await?;
    app.changes.wake();
    detail(&app, user, &case, &Fields::default()).await
}
