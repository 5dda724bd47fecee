//! Base maps that are here.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use super::answers::Failures;
use super::guard::Caller;
use crate::app::App;
use crate::basemap::{self, About, BaseMap, ENDING};

#[derive(Clone, Debug, Serialize, ToSchema)]
struct BaseMapItem {
    sha256: String,
    name: String,
    /// A PMTiles file: ask for parts of it.
    url: String,
    size_bytes: i64,
    about: About,
    made_at: i64,
}

impl From<BaseMap> for BaseMapItem {
    fn from(map: BaseMap) -> Self {
        Self {
            url: format!("/basemap/{}{ENDING}", map.sha256),
            sha256: map.sha256,
            name: map.name,
            size_bytes: map.size_bytes,
            about: map.about,
            made_at: map.made_at_ms,
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct BaseMapList {
    /// The newest, which maps show, first.
    basemaps: Vec<BaseMapItem>,
}

/// What lies under the cases on a map.
#[utoipa::path(get, path = "/api/v1/basemaps", tag = "organisation", responses(
    (status = 200, body = BaseMapList), Failures))]
pub(super) async fn list(State(app): State<App>, _caller: Caller) -> Result<Json<BaseMapList>, ApiError> {
    let all = basemap::list(&app.db, app.tenant().as_str()).await?;
    Ok(Json(BaseMapList { basemaps: all.into_iter().map(Into::into).collect() }))
}
