//! Users as administrators see and change them. What is told once, a password, is in no log and kept by nobody.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller, path_of};
use crate::app::App;
use crate::outbound::cli::{Change as ReachChange, reach_by};
use crate::user::people::{self, PeopleError, Person};
use crate::user::{Grant, Role};

/// A role over an area.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleItem {
    /// Such as `grid_manager`.
    role: String,
    /// The area's id, or its path as `/county/town/`; nothing is everywhere. Answers have the path.
    #[serde(default)]
    area: String,
    /// For those who work in one.
    #[serde(default)]
    unit: Option<String>,
}

impl RoleItem {
    async fn read(&self, app: &App) -> Result<Grant, ApiError> {
        let role: Role = self.role.parse().map_err(ApiError::Unprocessable)?;
        let area = path_of(app, &self.area).await?;
        let unit = self.unit.clone().filter(|unit| !unit.is_empty());
        Ok(Grant { role, area, unit })
    }
}

impl From<Grant> for RoleItem {
    fn from(grant: Grant) -> Self {
        Self { role: grant.role.as_str().to_owned(), area: grant.area.as_str().to_owned(), unit: grant.unit }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct UserItem {
    name: String,
    roles: Vec<RoleItem>,
    created_at_ms: i64,
    /// When the password was changed last.
    changed_at_ms: i64,
    locked_at_ms: Option<i64>,
    removed_at_ms: Option<i64>,
    /// Somebody else knows the password: it is changed before anything is done with it.
    must_change: bool,
    mail: String,
    phone: String,
    /// Sessions that last.
    sessions: i64,
    seen_at_ms: Option<i64>,
}

impl From<Person> for UserItem {
    fn from(person: Person) -> Self {
        Self {
            name: person.name,
            roles: person.grants.into_iter().map(RoleItem::from).collect(),
            created_at_ms: person.created_at_ms,
            changed_at_ms: person.changed_at_ms,
            locked_at_ms: person.locked_at_ms,
            removed_at_ms: person.removed_at_ms,
            must_change: person.must_change,
            mail: person.mail,
            phone: person.phone,
            sessions: person.sessions,
            seen_at_ms: person.seen_at_ms,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(super) struct UserList {
    /// By name.
    users: Vec<UserItem>,
}

/// Users all of whose roles lie in one's area.
#[utoipa::path(get, path = "/api/v1/users", tag = "administration", responses(
    (status = 200, body = UserList), Forbidden, Failures))]
pub(super) async fn list(State(app): State<App>, caller: Caller) -> Result<Json<UserList>, ApiError> {
    let by = caller.looks(&app)?;
    let all = people::list(&app.db, app.tenant().as_str(), &by).await?;
    Ok(Json(UserList { users: all.into_iter().map(UserItem::from).collect() }))
}

/// One of them.
#[utoipa::path(get, path = "/api/v1/users/{name}", params(("name" = String, Path,)), tag = "administration", responses(
    (status = 200, body = UserItem), BadRequest, Forbidden, NotFound, Failures))]
pub(super) async fn one(
    State(app): State<App>,
    caller: Caller,
    Address(name): Address<String>,
) -> Result<Json<UserItem>, ApiError> {
    let by = caller.looks(&app)?;
    let known = people::one(&app.db, app.tenant().as_str(), &by, &name).await?;
    known.map(|person| Json(person.into())).ok_or_else(|| PeopleError::Unknown(name).into())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// The first role, as `grid_manager`.
    role: String,
    /// The area's id, or its path; nothing is everywhere.
    #[serde(default)]
    area: String,
    /// For those who work in one.
    #[serde(default)]
    unit: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct UserMade {
    name: String,
    /// Told here, once.
    password: String,
}

/// Make a user with a first role. The password is changed by its owner before anything else.
#[utoipa::path(post, path = "/api/v1/users", request_body = NewUser, tag = "administration", responses(
    (status = 201, body = UserMade), BadBody, Forbidden, Conflict, Failures))]
pub(super) async fn add(
    State(app): State<App>,
    caller: Caller,
    request: Result<Json<NewUser>, JsonRejection>,
) -> Result<(StatusCode, Json<UserMade>), ApiError> {
    let by = caller.changes(&app)?;
    let Json(new) = request?;
    let role = RoleItem { role: new.role, area: new.area, unit: new.unit };
    let grant = role.read(&app).await?;
    let password = people::add(&app, &by, &new.name, &grant).await?;
    Ok((StatusCode::CREATED, Json(UserMade { name: new.name, password })))
}

/// What is done to an account.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum UserChange {
    /// One more role; one that he has changes nothing.
    Grant(RoleItem),
    /// The last role stays, and so does the last who administers everything.
    Revoke(RoleItem),
    /// Another password; sessions end.
    Password {},
    Lock {},
    Unlock {},
    EndSessions {},
    /// Takes everything but the name, which is given to nobody again.
    Remove {},
    /// How he is reached; nothing written removes it, what is left out stays.
    Reach {
        mail: Option<String>,
        phone: Option<String>,
    },
}

#[derive(Default, Serialize, ToSchema)]
pub(super) struct UserChanged {
    /// The new password: told here, once.
    password: Option<String>,
    /// Sessions that were ended, where that was asked.
    ended: Option<u64>,
}

/// Change an account. Each change that changes something is a row of the audit.
#[utoipa::path(post, path = "/api/v1/users/{name}", params(("name" = String, Path,)), request_body = UserChange,
    tag = "administration", responses(
    (status = 200, body = UserChanged), BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn change(
    State(app): State<App>,
    caller: Caller,
    Address(name): Address<String>,
    request: Result<Json<UserChange>, JsonRejection>,
) -> Result<Json<UserChanged>, ApiError> {
    let by = caller.changes(&app)?;
    let Json(change) = request?;
    let mut changed = UserChanged::default();
    match change {
        UserChange::Grant(role) => people::grant(&app, &by, &name, &role.read(&app).await?).await?,
        UserChange::Revoke(role) => people::revoke(&app, &by, &name, &role.read(&app).await?).await?,
        UserChange::Password {} => changed.password = Some(people::new_password(&app, &by, &name).await?),
        UserChange::Lock {} => people::lock(&app, &by, &name, true).await?,
        UserChange::Unlock {} => people::lock(&app, &by, &name, false).await?,
        UserChange::EndSessions {} => changed.ended = Some(people::end_sessions(&app, &by, &name).await?),
        UserChange::Remove {} => people::remove(&app, &by, &name).await?,
        UserChange::Reach { mail, phone } => {
            let known = people::one(&app.db, app.tenant().as_str(), &by, &name).await?;
            if known.is_none_or(|person| person.removed_at_ms.is_some()) {
                return Err(PeopleError::Unknown(name).into());
            }
            let change = ReachChange { mail, phone, clear: false };
            reach_by(&app, &by, &name, &change).await.map_err(of_reach)?;
        }
    }
    Ok(Json(changed))
}

/// What the database says of itself is no fault of what was written.
fn of_reach(error: anyhow::Error) -> ApiError {
    match error.downcast::<crate::db::Error>() {
        Ok(error) => error.into(),
        Err(error) => ApiError::Unprocessable(format!("{error:#}")),
    }
}

impl From<PeopleError> for ApiError {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Unknown(_) | PeopleError::NoRole(_) => Self::NotFound(error.to_string()),
            PeopleError::Outside => Self::Forbidden(error.to_string()),
            PeopleError::Oneself
            | PeopleError::LastAdministrator(_)
            | PeopleError::LastRole(_)
            | PeopleError::Taken(_)
            | PeopleError::Gone(_) => Self::Conflict(error.to_string()),
            PeopleError::Grant(_) | PeopleError::Name => Self::Unprocessable(error.to_string()),
            PeopleError::Db(error) => error.into(),
            PeopleError::Hash(error) => Self::Internal(format!("hashing a password: {error:#}")),
        }
    }
}
