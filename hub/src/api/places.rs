//! Places by their names, and where cases lie.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::answers::{BadBody, BadRequest, Conflict, Failures, Forbidden, NotFound};
use super::cases::detail;
use super::guard::{Address, Caller};
use super::model::CaseDetail;
use crate::app::App;
use crate::gazetteer::{self, Candidate, Choice, Kept, PlaceError};
use crate::web::guard::Fields;
use crate::workflow::Refused;

/// Longest `q`, in characters.
const MOST_ASKED: usize = 100;
/// Places of one answer.
const MOST: usize = 50;
/// Longest name of a place that somebody points at, in characters.
const MOST_NAME: usize = 60;

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `find` reads it with errors that name the field")]
struct PlaceQuery {
    /// A name, part of one, or what somebody said; homophones are found too.
    #[param(max_length = 100)]
    q: String,
    /// At most this many; 10 when absent.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<usize>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PlaceList {
    /// The best first.
    places: Vec<Candidate>,
    /// Version of the gazetteer; 0 before there is one.
    gazetteer: i64,
}

/// Where a case lies, as far as it was told in words.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PlaceItem {
    told: String,
    /// `user:NAME` of whose ticket the words are; nothing where they are the caller's, or of who reported it.
    told_by: Option<String>,
    /// Name of the grid that came with the words.
    grid: Option<String>,
    gazetteer: i64,
    /// Places that may be meant, the best first.
    candidates: Vec<Candidate>,
    chosen: Option<Candidate>,
    /// `hub`, or `user:NAME`.
    chosen_by: Option<String>,
    chosen_at: Option<i64>,
}

impl From<Kept> for PlaceItem {
    fn from(kept: Kept) -> Self {
        Self {
            told: kept.told,
            told_by: kept.told_by,
            grid: kept.grid,
            gazetteer: kept.version,
            candidates: kept.candidates,
            chosen: kept.chosen,
            chosen_by: kept.chosen_by,
            chosen_at: kept.chosen_at_ms,
        }
    }
}

/// Places of the gazetteer that may be meant.
#[utoipa::path(get, path = "/api/v1/places", params(PlaceQuery), tag = "organisation", responses(
    (status = 200, body = PlaceList), BadRequest, Failures))]
pub(super) async fn find(
    State(app): State<App>,
    _caller: Caller,
    fields: Fields,
) -> Result<Json<PlaceList>, ApiError> {
    let asked = fields.get("q").trim();
    if asked.is_empty() || asked.chars().count() > MOST_ASKED {
        return Err(ApiError::Input(format!("q: write 1 to {MOST_ASKED} characters of a place")));
    }
    let limit = match fields.get("limit") {
        "" => 10,
        text => text.parse().map_err(|error| ApiError::Input(format!("limit: {error}")))?,
    };
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::Input(format!("limit: {limit} is not between 1 and {MOST}")));
    }
    let index = app.gazetteers.newest(&app.db, app.tenant().as_str()).await?;
    let places = index.find(asked, limit).iter().map(Candidate::from).collect();
    Ok(Json(PlaceList { places, gazetteer: index.version }))
}

/// Where a case lies: one of the three.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceRequest {
    /// Id of a place: of the gazetteer, or of a candidate.
    #[serde(default)]
    place: Option<String>,
    /// A point on the map, WGS84.
    #[serde(default)]
    latitude: Option<f64>,
    #[serde(default)]
    longitude: Option<f64>,
    /// What people call the point.
    #[serde(default)]
    #[schema(max_length = 60)]
    name: Option<String>,
    /// Id of an area, where nothing more is known.
    #[serde(default)]
    area: Option<String>,
}

impl PlaceRequest {
    fn choice(self) -> Result<Choice, ApiError> {
        let name = self.name.as_deref().map(str::trim).unwrap_or_default();
        if name.chars().count() > MOST_NAME || name.contains(char::is_control) {
            return Err(ApiError::Unprocessable(format!("name: one line of at most {MOST_NAME} characters")));
        }
        match (self.place, self.latitude.zip(self.longitude), self.area) {
            (Some(id), None, None) => Ok(Choice::Entry(id)),
            (None, Some((latitude, longitude)), None) => {
                Ok(Choice::Point(latitude, longitude, name.to_owned()))
            }
            (None, None, Some(id)) => Ok(Choice::Area(id)),
            _ => Err(ApiError::Unprocessable(
                "name one: a place by its id, latitude and longitude, or an area by its id".to_owned(),
            )),
        }
    }
}

impl From<PlaceError> for ApiError {
    fn from(error: PlaceError) -> Self {
        let why = error.to_string();
        match error {
            PlaceError::Unknown(_) => Self::NotFound(why),
            PlaceError::Refused(Refused::State { .. }) => Self::Conflict(why),
            PlaceError::Refused(Refused::Who { .. }) | PlaceError::NotYours => Self::Forbidden(why),
            PlaceError::Refused(Refused::Missing { .. })
            | PlaceError::NoEntry(_)
            | PlaceError::NoArea(_)
            | PlaceError::NoPoint(..) => Self::Unprocessable(why),
            PlaceError::Db(error) => error.into(),
        }
    }
}

/// Say where a case lies, while it is received or filed. It then lies in the grid of that place, and the history says who
/// said so. For those who may void it, where they may.
#[utoipa::path(post, path = "/api/v1/cases/{number}/place", params(("number" = String, Path,)),
    request_body = PlaceRequest, tag = "cases", responses((status = 200, body = CaseDetail),
    BadBody, Forbidden, NotFound, Conflict, Failures))]
pub(super) async fn choose(
    State(app): State<App>,
    caller: Caller,
    Address(number): Address<String>,
    request: Result<Json<PlaceRequest>, JsonRejection>,
) -> Result<Json<CaseDetail>, ApiError> {
    let Json(request) = request?;
    let choice = request.choice()?;
    let case = gazetteer::choose(&app, &number, &choice, &caller.0.user, &caller.0.grants).await?;
    detail(&app, &caller.0.user, &case, &Fields::default()).await
}
