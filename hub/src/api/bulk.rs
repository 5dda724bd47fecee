//! One move of many cases, as the queue makes it: each case by itself, in a transaction of its own, through the same law.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, Failures, Forbidden};
use super::guard::Caller;
use super::repeat::Repeatable;
use crate::app::App;
use crate::case::CaseState;
use crate::field::{self, Coming, NotMoved};
use crate::web::MOST_CHOSEN;
use crate::workflow::store::StepError;
use crate::workflow::{Step, StepKind};

/// Moves that are about one case alone: each names a request of it, the other case that it joins, or what was found there.
const ONE_BY_ONE: [StepKind; 5] =
    [StepKind::Decide, StepKind::Endorse, StepKind::Join, StepKind::Check, StepKind::Rework];

/// A case of many.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    number: String,
    /// The position of its history at which it was chosen: where somebody has moved it since, it is refused.
    #[serde(default)]
    position: Option<i64>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(super) struct BulkRequest {
    #[serde(flatten)]
    step: Step,
    /// 1 to 50, each once.
    #[schema(min_items = 1, max_items = 50)]
    cases: Vec<Chosen>,
    /// When it was written, epoch ms by the sender's clock. Limits run by the hub's.
    #[serde(default)]
    occurred_at: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MoveResult {
    Done,
    /// When it came before.
    Before,
    Refused,
}

/// What came of one case.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BulkItem {
    number: String,
    result: MoveResult,
    /// What the move would be answered with by itself: 200, 403, 404, 409 or 422.
    status: u16,
    /// After it; nothing of one that is refused.
    state: Option<CaseState>,
    /// Why not.
    detail: Option<String>,
    detail_zh: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BulkAnswer {
    /// In the order in which they were sent.
    cases: Vec<BulkItem>,
}

/// Make one move of many cases. Each is made by itself: one that is refused stops none of the others, and its item says why. Sent
/// again under its key, what was done is not done again and what was refused is tried again.
#[utoipa::path(post, path = "/api/v1/moves", params(
    ("Idempotency-Key" = Option<String>, Header, description = "A UUID: the same move of the same cases under it is made once of each."),
    ("X-Sent-At" = Option<i64>, Header, description = "When it is sent, epoch ms by the sender's clock.")),
    request_body = BulkRequest, tag = "cases", responses((status = 200, body = BulkAnswer),
    BadBody, Forbidden, Failures))]
pub(super) async fn moves(
    State(app): State<App>,
    caller: Caller,
    request: Result<Repeatable<BulkRequest>, ApiError>,
) -> Result<Json<BulkAnswer>, ApiError> {
    let Repeatable { body: BulkRequest { step, cases, occurred_at }, bytes, came } = request?;
    if let Some(why) = wrong(&step, &cases) {
        return Err(ApiError::Unprocessable(why));
    }
    let user = &caller.0.user;
    let (key, written) = (came.key(user, &bytes)?, came.written(occurred_at)?);
    if let Some(key) = &key {
        field::begin(&app, key).await?;
    }
    let mut items = Vec::new();
    for one in cases {
        let key = key.as_ref().map(|key| key.of_part(&one.number));
        let coming = Coming { key, written, position: one.position };
        let made = field::make(&app, &one.number, &step, (user, &caller.0.grants), &[], &coming).await;
        match item(one.number, made) {
            Ok(item) => items.push(item),
            Err(error) => {
                // What was done before is committed, and told when the same is sent again.
                app.changes.wake();
                return Err(error);
            }
        }
    }
    app.changes.wake();
    Ok(Json(BulkAnswer { cases: items }))
}

fn wrong(step: &Step, cases: &[Chosen]) -> Option<String> {
    if !(1..=MOST_CHOSEN).contains(&cases.len()) {
        return Some(format!("cases: {} are named; name 1 to {MOST_CHOSEN}", cases.len()));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = cases.iter().find(|one| !seen.insert(one.number.as_str())) {
        let number: String = twice.number.chars().take(64).collect();
        return Some(format!("cases: {number:?} is named twice"));
    }
    if let Some(odd) = cases.iter().find(|one| one.number.contains(char::is_control)) {
        let number: String = odd.number.chars().take(64).collect();
        return Some(format!("cases: {number:?} is no number of a case"));
    }
    let kind = step.kind();
    ONE_BY_ONE.contains(&kind).then(|| {
        format!(
            "move: {} is made of one case at a time, by POST /api/v1/cases/{{number}}/moves",
            kind.as_str()
        )
    })
}

/// What fails in the database stops all of it.
fn item(number: String, made: Result<field::Moved, NotMoved>) -> Result<BulkItem, ApiError> {
    let error = match made {
        Ok(field::Moved { case, before }) => {
            let result = if before { MoveResult::Before } else { MoveResult::Done };
            let state = case.state.parse().ok();
            return Ok(BulkItem { number, result, status: 200, state, detail: None, detail_zh: None });
        }
        Err(NotMoved::Step(StepError::Db(error))) => return Err(error.into()),
        Err(error) => ApiError::from(error),
    };
    let detail_zh = match &error {
        ApiError::Both(_, zh, _) => Some(zh.clone()),
        _ => None,
    };
    let (status, detail) = (error.status().as_u16(), Some(error.to_string()));
    Ok(BulkItem { number, result: MoveResult::Refused, status, state: None, detail, detail_zh })
}
