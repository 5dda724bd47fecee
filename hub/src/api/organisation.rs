//! Areas, units and policies: who there is, and what may take how long.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Failures, Forbidden, NotFound};
use super::guard::{Address, Caller};
use crate::app::App;
use crate::category;
use crate::organisation::{self, Area, Unit};
use crate::policy::store::Version;
use crate::policy::{self, PolicyError};
use crate::user::Act;

#[derive(Serialize, ToSchema)]
pub(super) struct AreaList {
    /// Each before those that lie in it.
    areas: Vec<Area>,
}

/// The tree of areas.
#[utoipa::path(get, path = "/api/v1/areas", tag = "organisation", responses((status = 200, body = AreaList), Failures))]
pub(super) async fn areas(State(app): State<App>, _caller: Caller) -> Result<Json<AreaList>, ApiError> {
    Ok(Json(AreaList { areas: organisation::store::areas(&app.db, app.tenant().as_str()).await? }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct UnitList {
    units: Vec<Unit>,
}

/// Units to which cases can be dispatched, and free slots.
#[utoipa::path(get, path = "/api/v1/units", tag = "organisation", responses((status = 200, body = UnitList), Failures))]
pub(super) async fn units(State(app): State<App>, _caller: Caller) -> Result<Json<UnitList>, ApiError> {
    Ok(Json(UnitList { units: organisation::store::units(&app.db, app.tenant().as_str()).await? }))
}

#[derive(Serialize, ToSchema)]
struct CategoryItem {
    id: String,
    /// Its 大类.
    group: String,
    /// By which other systems know it; may be empty.
    code: String,
    name: String,
    name_en: String,
    /// Unit that usually answers for it, everywhere.
    unit: Option<String>,
    /// Who answers for it where, the area as `/county/town/`.
    units: Vec<AnswersIn>,
    /// Kinds of incidents that mean it.
    kinds: Vec<String>,
    /// Categories of the hotline that mean it.
    hotline: Vec<String>,
    /// Nothing is filed under one that is not.
    active: bool,
}

#[derive(Serialize, ToSchema)]
struct AnswersIn {
    area: String,
    unit: String,
}

#[derive(Serialize, ToSchema)]
struct GroupItem {
    id: String,
    /// 部件 `thing` or 事件 `event`.
    sort: category::Sort,
    code: String,
    name: String,
    name_en: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct CategoryList {
    /// 大类
    groups: Vec<GroupItem>,
    /// 小类
    categories: Vec<CategoryItem>,
}

/// What a case can be filed under, in two levels.
#[utoipa::path(get, path = "/api/v1/categories", tag = "organisation", responses(
    (status = 200, body = CategoryList), Failures))]
pub(super) async fn categories(
    State(app): State<App>,
    _caller: Caller,
) -> Result<Json<CategoryList>, ApiError> {
    let all = category::all(&app.db, app.tenant().as_str()).await?;
    let group = |own: category::Group| GroupItem {
        id: own.id,
        sort: own.sort,
        code: own.code,
        name: own.zh,
        name_en: own.en,
    };
    let item = |own: category::Category| CategoryItem {
        unit: own.unit().map(str::to_owned),
        id: own.id,
        group: own.group,
        code: own.code,
        name: own.zh,
        name_en: own.en,
        units: own
            .units
            .into_iter()
            .map(|(area, unit)| AnswersIn { area: area.as_str().to_owned(), unit })
            .collect(),
        kinds: own.kinds,
        hotline: own.hotline,
        active: own.active,
    };
    Ok(Json(CategoryList {
        groups: all.groups.into_iter().map(group).collect(),
        categories: all.categories.into_iter().map(item).collect(),
    }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct PolicyList {
    /// The newest, which is in force, first.
    policies: Vec<Version>,
}

/// Versions of the policy.
#[utoipa::path(get, path = "/api/v1/policies", tag = "organisation", responses(
    (status = 200, body = PolicyList), Failures))]
pub(super) async fn policies(State(app): State<App>, _caller: Caller) -> Result<Json<PolicyList>, ApiError> {
    let tenant = app.tenant().as_str();
    app.policies.newest(&app.db, tenant, app.clock.now()).await?;
    Ok(Json(PolicyList { policies: policy::store::list(&app.db, tenant).await? }))
}

#[derive(Serialize, ToSchema)]
pub(super) struct PolicyText {
    version: i64,
    /// TOML.
    text: String,
}

/// The text of one version.
#[utoipa::path(get, path = "/api/v1/policies/{version}", params(("version" = i64, Path,)), tag = "organisation",
    responses((status = 200, body = PolicyText), BadRequest, NotFound, Failures))]
pub(super) async fn policy(
    State(app): State<App>,
    _caller: Caller,
    Address(version): Address<i64>,
) -> Result<Json<PolicyText>, ApiError> {
    let text = policy::store::VERSIONS.text(&app.db, app.tenant().as_str(), version).await?;
    let text = text.ok_or_else(|| ApiError::NotFound(format!("there is no policy {version}")))?;
    Ok(Json(PolicyText { version, text }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPolicy {
    /// TOML; docs/WORKFLOW.md says what it holds.
    text: String,
    /// What changed, and why.
    #[schema(min_length = 1, max_length = 200)]
    note: String,
    /// Only say what is wrong with it.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct PolicyTaken {
    /// Nothing after a dry run.
    version: Option<i64>,
}

/// Put a policy in force for what is filed from now on. One that is wrong is refused with everything that is.
#[utoipa::path(post, path = "/api/v1/policies", request_body = NewPolicy, tag = "organisation", responses(
    (status = 200, body = PolicyTaken), BadBody, Forbidden, Failures))]
pub(super) async fn import(
    State(app): State<App>,
    caller: Caller,
    request: Result<Json<NewPolicy>, JsonRejection>,
) -> Result<Json<PolicyTaken>, ApiError> {
    caller.must(Act::Organise)?;
    // What holds for the whole county is no one town's to say.
    caller.must_at(Act::Organise, "/")?;
    let Json(new) = request?;
    if new.note.trim().is_empty() || new.note.chars().count() > 200 {
        return Err(ApiError::Unprocessable("note: say in 1 to 200 characters what changed".to_owned()));
    }
    let actor = format!("user:{}", caller.0.user);
    let by = (actor.as_str(), new.note.trim(), app.clock.now());
    let made = app.policies.import(&app.db, app.tenant().as_str(), &new.text, by, new.dry_run).await;
    match made {
        Ok(version) => Ok(Json(PolicyTaken { version })),
        Err(error @ PolicyError::Wrong(_)) => Err(ApiError::Unprocessable(error.to_string())),
        Err(PolicyError::Db(error)) => Err(error.into()),
    }
}
