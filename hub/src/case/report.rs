//! A matter that somebody reports by hand: a case without an incident.

use protocol::Severity;
use serde_json::{Map, Value, json};

use super::store::{self, NewByHand};
use super::{Case, Source, number};
use crate::app::App;
use crate::attachment::{self, NameError};
use crate::contact::{self, Reporter};
use crate::db::{self, Tx};
use crate::gazetteer::{self, Searching, Told};
use crate::organisation::{self, AreaPath, Level};
use crate::user::{Act, Grant};
use crate::workflow::{Dossier, Facts, ledger};

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
    /// 保密
    pub confidential: bool,
}

/// What comes with a report and is kept apart from it.
#[derive(Clone, Debug, Default)]
pub struct Enclosed {
    pub reporter: Reporter,
    /// Id of the unit that it is about.
    pub complained_of: Option<String>,
    /// Pictures of the user, by their ids.
    pub attachments: Vec<String>,
}

/// Who reports it, and where it begins.
#[derive(Clone, Debug)]
pub struct By {
    /// As the history has it: `user:NAME`, `open311:NAME`.
    pub actor: String,
    pub source: Source,
    /// Has it while it is received.
    pub level: Level,
    pub area: AreaPath,
    /// What is wanted, where whoever reports has chosen that: one of the hotline's matters; else empty.
    pub matter: String,
    /// The map by which its area was found, where one was looked at.
    pub grid_version: Option<i64>,
    /// What else the history says of it.
    pub detail: Map<String, Value>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("{0}")]
    Wrong(String),
    #[error("there is no area {0}")]
    Area(String),
    #[error("there is no unit {0}")]
    Unit(String),
    #[error("{0} does not lie in your area")]
    NotYours(String),
    #[error("case database: {0}")]
    Db(#[from] db::Error),
}

impl NewReport {
    /// What cannot be taken, in words.
    pub(crate) fn wrong(&self) -> Option<String> {
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

/// The grid of the place and the version of the map that says so, where a place was given and a map is in force.
pub(crate) async fn on_the_map(app: &App, new: &NewReport) -> db::Result<Option<(AreaPath, i64)>> {
    let Some((latitude, longitude)) = new.at else { return Ok(None) };
    let index = app.grids.newest(&app.db, app.tenant().as_str()).await?;
    Ok(index.and_then(|index| Some((index.at(longitude, latitude)?.clone(), index.version))))
}

/// Looks up a place without coordinates; only one in the area that is known already is taken without asking anybody.
async fn find_place(
    app: &App,
    tx: &mut Tx,
    case_id: &str,
    place: &str,
    area: &AreaPath,
) -> Result<(), ReportError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let with = Searching { gazetteers: &app.gazetteers, grids: &app.grids, policies: &app.policies, now };
    let mut head = store::Head::read(tx, tenant, case_id).await?;
    let told = Told { text: place, grid: None, within: Some(area.clone()) };
    gazetteer::told(tx, tenant, &mut head, told, with).await?;
    Ok(head.save(tx, tenant, now).await?)
}

/// Files the report of a user; returns the case that it is.
pub async fn report(
    app: &App,
    new: &NewReport,
    with: &Enclosed,
    user: &str,
    grants: &[Grant],
) -> Result<Case, ReportError> {
    let by = by_user(app, new, with, user, grants).await?;
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(app.tenant().as_str()).await?;
    let case = receive_with(app, &mut tx, new, with, by, user).await?;
    tx.commit().await?;
    Ok(case)
}

/// Who reports it and where it begins, of a user with these roles; or what cannot be taken.
pub(crate) async fn by_user(
    app: &App,
    new: &NewReport,
    with: &Enclosed,
    user: &str,
    grants: &[Grant],
) -> Result<By, ReportError> {
    if let Some(why) = new.wrong().or_else(|| with.reporter.wrong()) {
        return Err(ReportError::Wrong(why));
    }
    let tenant = app.tenant().as_str();
    let mut reporting: Vec<&Grant> = grants.iter().filter(|grant| grant.role.may(Act::Report)).collect();
    // The nearest first: who manages a grid and sits in a centre as well reports for the grid.
    reporting.sort_by_key(|grant| std::cmp::Reverse(grant.area.as_str().len()));
    let (area, grid_version) = match &new.area {
        // Whoever names an area says where it is himself: no map was asked.
        Some(id) => {
            let found = organisation::store::area(&app.db, tenant, id).await?;
            (AreaPath::kept(found.ok_or_else(|| ReportError::Area(id.clone()))?.path), None)
        }
        None => match on_the_map(app, new).await? {
            Some((area, version)) => (area, Some(version)),
            None => (reporting.first().map(|grant| grant.area.clone()).unwrap_or_default(), None),
        },
    };
    let Some(grant) = reporting.into_iter().find(|grant| grant.area.covers(&area)) else {
        return Err(ReportError::NotYours(new.area.clone().unwrap_or_default()));
    };
    let level = grant.level();
    let source = if level == Level::County { Source::Citizen } else { Source::Worker };
    let (actor, matter) = (format!("user:{user}"), String::new());
    Ok(By { actor, source, level, area, matter, grid_version, detail: Map::new() })
}

/// [`receive`] of what a user reports, with what came with it.
pub(crate) async fn receive_with(
    app: &App,
    tx: &mut Tx,
    new: &NewReport,
    with: &Enclosed,
    by: By,
    user: &str,
) -> Result<Case, ReportError> {
    let case = receive(app, tx, new, by).await?;
    enclose(app, tx, &case, with, user).await?;
    Ok(case)
}

/// What came with it, in the same transaction.
async fn enclose(
    app: &App,
    tx: &mut Tx,
    case: &Case,
    with: &Enclosed,
    user: &str,
) -> Result<(), ReportError> {
    let tenant = app.tenant().as_str();
    contact::keep_reporter(app, tx, &case.case_id, &with.reporter).await?;
    if let Some(unit) = &with.complained_of {
        let units = organisation::store::units_in(tx, tenant).await?;
        if !units.iter().any(|known| known.unit == *unit) {
            return Err(ReportError::Unit(unit.chars().take(64).collect()));
        }
        store::set_complained_of(tx, tenant, &case.case_id, unit).await?;
    }
    let named = (case.case_id.as_str(), "told");
    let taken = attachment::name(tx, tenant, named, &with.attachments, user, app.clock.now()).await;
    taken.map_err(|error| match error {
        NameError::Db(error) => ReportError::Db(error),
        other => ReportError::Wrong(other.to_string()),
    })
}

/// Opens the case of a report that is not wrong, inside a transaction that holds the tenant's lock.
pub(crate) async fn receive(app: &App, tx: &mut Tx, new: &NewReport, by: By) -> Result<Case, ReportError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let case_number = store::next_number(tx, tenant, &number::local_day(now, &app.zone)).await?;
    let policy = app.policies.newest_in(tx, tenant, now).await?;
    let dossier = Dossier::received(
        Facts {
            case_id: app.new_id(),
            number: case_number,
            kind: KIND.to_owned(),
            severity: new.severity,
            source: by.source,
            matter: by.matter,
            rural: organisation::store::is_rural(tx, tenant, by.area.as_str()).await?,
            area: by.area,
            drill: false,
            opened_at: now,
        },
        by.level,
        &policy,
    );
    let location = new.at.map(|(latitude, longitude)| {
        json!({ "name": new.place.trim(), "latitude": latitude, "longitude": longitude }).to_string()
    });
    let by_hand = NewByHand {
        title: new.title.trim(),
        place: new.place.trim(),
        location,
        grid_version: by.grid_version,
        level: by.level,
        confidential: new.confidential,
    };
    store::insert_by_hand(tx, tenant, &dossier, &by_hand, now).await?;
    let mut detail = by.detail;
    for (name, text) in [("summary", &new.text), ("place", &new.place), ("title", &new.title)] {
        detail.insert(name.to_owned(), json!(text.trim()));
    }
    detail.insert(ledger::KEY.to_owned(), json!(ledger::Entry::whole(&dossier)));
    let (case_id, detail) = (&dossier.facts.case_id, Value::Object(detail));
    store::append(tx, tenant, case_id, now, &by.actor, "told", &detail).await?;
    if new.at.is_none() {
        find_place(app, tx, case_id, new.place.trim(), &dossier.facts.area).await?;
    }
    let case = store::visible_in(tx, tenant, "", &dossier.facts.number).await?;
    case.ok_or(ReportError::Db(db::Error::RowNotFound))
}
