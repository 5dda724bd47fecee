//! What calls fail with, said once for the description. Every one of them is `application/problem+json`.
#![expect(dead_code, reason = "describes answers; ApiError makes them")]

use utoipa::{IntoResponses, ToSchema};

use super::model::Problem;

/// Every call may end so.
#[derive(IntoResponses)]
pub(super) enum Failures {
    /// Nobody is logged in, or the session has ended.
    #[response(status = 401, content_type = "application/problem+json")]
    Anonymous(Problem),
    /// The hub failed; what was committed is safe.
    #[response(status = 500, content_type = "application/problem+json")]
    Failed(Problem),
    /// The database is busy or away; the same call may succeed later.
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(Problem),
}

/// Every call that needs no login may end so.
#[derive(IntoResponses)]
pub(super) enum Outage {
    /// The hub failed; what was committed is safe.
    #[response(status = 500, content_type = "application/problem+json")]
    Failed(Problem),
    /// The database is busy or away; the same call may succeed later.
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(Problem),
}

/// Too many wrong numbers and codes from this address, or for this number.
#[derive(IntoResponses)]
#[response(status = 429, content_type = "application/problem+json")]
pub(super) struct TooManyTries(Problem);

/// The address or the body cannot be read.
#[derive(IntoResponses)]
#[response(status = 400, content_type = "application/problem+json")]
pub(super) struct BadRequest(Problem);

/// The role may not do this, or the CSRF token is missing.
#[derive(IntoResponses)]
#[response(status = 403, content_type = "application/problem+json")]
pub(super) struct Forbidden(Problem);

/// There is no such thing in this tenant.
#[derive(IntoResponses)]
#[response(status = 404, content_type = "application/problem+json")]
pub(super) struct NotFound(Problem);

/// The state of the case does not allow it.
#[derive(IntoResponses)]
#[response(status = 409, content_type = "application/problem+json")]
pub(super) struct Conflict(Problem);

/// Something else was sent under this `Idempotency-Key`.
#[derive(IntoResponses)]
#[response(status = 422, content_type = "application/problem+json")]
pub(super) struct KeyReused(Problem);

/// The hub's configuration has nothing that it would be for.
#[derive(IntoResponses)]
#[response(status = 409, content_type = "application/problem+json")]
pub(super) struct NotSetUp(Problem);

/// What is kept was sealed for another key, or is damaged.
#[derive(IntoResponses)]
#[response(status = 409, content_type = "application/problem+json")]
pub(super) struct Closed(Problem);

/// Too many failed logins of this name or from this address.
#[derive(IntoResponses)]
#[response(status = 429, content_type = "application/problem+json")]
pub(super) struct TooMany(Problem);

/// The body is too large.
#[derive(IntoResponses)]
#[response(status = 413, content_type = "application/problem+json")]
pub(super) struct TooLarge(Problem);

/// The body is no picture that is taken, or a damaged one.
#[derive(IntoResponses)]
#[response(status = 415, content_type = "application/problem+json")]
pub(super) struct NotPicture(Problem);

/// A body of JSON is not one, or is too large, or says that it is something else.
#[derive(IntoResponses)]
pub(super) enum BadBody {
    /// The body cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Unreadable(Problem),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body is not `application/json`.
    #[response(status = 415, content_type = "application/problem+json")]
    NotJson(Problem),
    /// The body is JSON, but a field is missing or wrong.
    #[response(status = 422, content_type = "application/problem+json")]
    Wrong(Problem),
}

#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub(super) struct File(String);

/// The caller has it already.
#[derive(IntoResponses)]
#[response(status = 304)]
pub(super) struct Unchanged;

/// A file, or why there is none.
#[derive(IntoResponses)]
pub(super) enum FileAnswers {
    /// All of it.
    #[response(status = 200, content_type = "application/octet-stream")]
    Whole(File),
    /// The range that was asked for.
    #[response(status = 206, content_type = "application/octet-stream")]
    Part(File),
    /// The caller has it already.
    #[response(status = 304)]
    Unchanged,
    /// The hash is not one.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(Problem),
    /// The role may not hear recordings.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// Not uploaded yet, not released for this case, or not of this tenant.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The range lies outside the file.
    #[response(status = 416, content_type = "application/problem+json")]
    Range(Problem),
    /// A recording needs a purpose, and its case where several have equal ones.
    #[response(status = 422, content_type = "application/problem+json")]
    Purpose(Problem),
}
