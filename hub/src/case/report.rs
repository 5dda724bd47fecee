//! A matter that somebody reports by hand: a case without an incident.

use protocol::Severity;
use serde_json::json;

use super::store::{self, NewByHand};
use super::{Case, Source, number};
use crate::app::App;
use crate::db;
use crate::organisation::{self, AreaPath, Level};
use crate::user::{Act, Grant};
use crate::workflow::{Dossier, Facts};

const MOST_TITLE: usize = 80;
const MOST_TEXT: usize = 2_000;
const MOST_PLACE: usize = 200;

/// The kind of a case that no incident began.
pub const KIND: &str = "report";

#[derive(Clone, Debug)]
pub struct NewReport {
    pub title: String,
    pub text: String,
    pub place: String,
    /// Id of an area.
    pub area: Option<String>,
    /// WGS84, latitude and longitude.
    pub at: Option<(f64, f64)>,
    pub severity: Severity,
}

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("{0}")]
    Wrong(String),
    #[error("there is no area {0}")]
    Area(String),
    #[error("{0} does not lie in your area")]
    NotYours(String),
    #[error("case database: {0}")]
    Db(#[from] db::Error),
}

impl NewReport {
    fn wrong(&self) -> Option<String> {
        for (name, text, most) in [
            ("title", &self.title, MOST_TITLE),
            ("text", &self.text, MOST_TEXT),
            ("place", &self.place, MOST_PLACE),
        ] {
            let count = text.trim().chars().count();
            if count == 0 || count > most {
                return Some(format!("{name}: {count} characters; write 1 to {most}"));
            }
        }
        let (latitude, longitude) = self.at.unwrap_or_default();
        let on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        (!on_earth).then(|| format!("{latitude}, {longitude} is no place on earth; latitude comes first"))
    }
}

/// The grid of the place, where one was given and a map is in force.
async fn on_the_map(app: &App, new: &NewReport) -> db::Result<Option<AreaPath>> {
    let Some((latitude, longitude)) = new.at else { return Ok(None) };
    let index = app.grids.newest(&app.db, app.tenant().as_str()).await?;
    Ok(index.and_then(|index| index.at(longitude, latitude).cloned()))
}

/// Files the report of a user; returns the case that it is.
pub async fn report(app: &App, new: &NewReport, user: &str, grants: &[Grant]) -> Result<Case, ReportError> {
    if let Some(why) = new.wrong() {
        return Err(ReportError::Wrong(why));
    }
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let mut reporting: Vec<&Grant> = grants.iter().filter(|grant| grant.role.may(Act::Report)).collect();
    // The nearest first: who manages a grid and sits in a centre as well reports for the grid.
    reporting.sort_by_key(|grant| std::cmp::Reverse(grant.area.as_str().len()));
    let area = match &new.area {
        Some(id) => {
            let found = organisation::store::area(&app.db, tenant, id).await?;
            AreaPath::kept(found.ok_or_else(|| ReportError::Area(id.clone()))?.path)
        }
        None => match on_the_map(app, new).await? {
            Some(area) => area,
            None => reporting.first().map(|grant| grant.area.clone()).unwrap_or_default(),
        },
    };
    let Some(grant) = reporting.into_iter().find(|grant| grant.area.covers(&area)) else {
        return Err(ReportError::NotYours(new.area.clone().unwrap_or_default()));
    };
    let level = grant.level();
    let source = if level == Level::County { Source::Citizen } else { Source::Worker };
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let case_number = store::next_number(&mut tx, tenant, &number::local_day(now, &app.zone)).await?;
    let policy = app.policies.newest_in(&mut tx, tenant, now).await?;
    let dossier = Dossier::received(
        Facts {
            case_id: app.new_id(),
            number: case_number,
            kind: KIND.to_owned(),
            severity: new.severity,
            source,
            matter: String::new(),
            rural: organisation::store::is_rural(&mut tx, tenant, area.as_str()).await?,
            area,
            drill: false,
            opened_at: now,
        },
        level,
        &policy,
    );
    let location = new.at.map(|(latitude, longitude)| {
        json!({ "name": new.place.trim(), "latitude": latitude, "longitude": longitude }).to_string()
    });
    let by_hand = NewByHand { title: new.title.trim(), place: new.place.trim(), location, level };
    store::insert_by_hand(&mut tx, tenant, &dossier, &by_hand, now).await?;
    let detail = json!({ "summary": new.text.trim(), "place": new.place.trim(), "title": new.title.trim() });
    let actor = format!("user:{user}");
    store::append(&mut tx, tenant, &dossier.facts.case_id, now, &actor, "told", &detail).await?;
    let case = store::visible_in(&mut tx, tenant, "", &dossier.facts.number).await?;
    tx.commit().await?;
    case.ok_or(ReportError::Db(db::Error::RowNotFound))
}
