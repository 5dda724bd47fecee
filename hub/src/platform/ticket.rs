//! A ticket of the platform above becomes a case, and its later revisions are told there.

use protocol::{Severity, UtcMs};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::store::{self, Known};
use crate::app::App;
use crate::case::report::{self, By, NewReport, ReportError};
use crate::case::store::Head;
use crate::case::{self, Case, CaseState, Source};
use crate::category::{self, Categories, OTHER};
use crate::contact::{self, Reporter};
use crate::db::{self, Tx};
use crate::gazetteer::{self, Searching, Told};
use crate::organisation::{self, AreaPath, Level};
use crate::workflow::ledger::{self, Entry, Ledger};
use crate::workflow::store::StepError;
use crate::workflow::{self, Actor, Step, VoidReason};

const MOST_ID: usize = 100;
const MOST_CATEGORY: usize = 60;
const MOST_NOTE: usize = 2_000;

/// One revision of a ticket, whole: what it leaves out is not what an earlier one said.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Counts from 1; a higher one replaces a lower one.
    #[schema(minimum = 1)]
    pub revision: i64,
    /// 1 to 80 characters.
    pub title: String,
    /// 1 to 2000 characters.
    pub text: String,
    /// 1 to 200 characters.
    pub place: String,
    /// WGS84.
    #[serde(default)]
    pub latitude: Option<f64>,
    #[serde(default)]
    pub longitude: Option<f64>,
    /// Id of an area of the hub's, where the platform knows it.
    #[serde(default)]
    pub area: Option<String>,
    /// Id, code or Chinese name of a category. One that the hub does not know is kept and taken for 其他.
    #[serde(default)]
    pub category: String,
    /// Normal without one. A later revision only lifts it.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// When the platform wants it done, epoch ms. Of this and the hub's own limits the earlier counts.
    #[serde(default)]
    pub deadline_at: Option<i64>,
    /// 保密. Once said, it stays.
    #[serde(default)]
    pub confidential: bool,
    /// Who reported it. Kept sealed and for a time only.
    #[serde(default)]
    pub contact: Option<Reporter>,
    /// The platform takes it back: what nobody was sent to becomes void, what is being handled goes on, and says so.
    #[serde(default)]
    pub withdrawn: bool,
    /// What the platform says of this revision.
    #[serde(default)]
    pub note: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Taken {
    pub ticket: String,
    /// The one in force.
    pub revision: i64,
    /// Whether this call made it so; a revision that is sent again, or late, changes nothing.
    pub applied: bool,
    /// Whether this call made the case.
    #[serde(skip)]
    pub is_new: bool,
    /// Number of the case.
    pub case: String,
    pub state: String,
    /// Category as understood.
    pub category: String,
    /// What is to be said of that; empty when nothing is.
    pub note: String,
}

#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    #[error("{0}")]
    Wrong(String),
    #[error(
        "revision {0} of ticket {1} was sent before with other content; give what changed a higher revision"
    )]
    Conflict(i64, String),
    #[error(transparent)]
    Step(#[from] StepError),
    #[error("platform database: {0}")]
    Db(#[from] db::Error),
}

impl From<ReportError> for TicketError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Db(error) => Self::Db(error),
            other => Self::Wrong(other.to_string()),
        }
    }
}

impl Given {
    /// Reads a revision, and the hash by which it is known again. Who reported it is not in the hash: numbers could be found
    /// by trying them all.
    pub fn read(body: Value) -> Result<(Self, String), TicketError> {
        let mut told = body.clone();
        if let Value::Object(fields) = &mut told {
            fields.remove("contact");
        }
        let hash = hex::encode(Sha256::digest(told.to_string()));
        let given: Self =
            serde_json::from_value(body).map_err(|error| TicketError::Wrong(error.to_string()))?;
        match given.wrong() {
            Some(why) => Err(TicketError::Wrong(why)),
            None => Ok((given, hash)),
        }
    }

    fn wrong(&self) -> Option<String> {
        if self.revision < 1 {
            return Some(format!("revision: {} is not 1 or more", self.revision));
        }
        if self.latitude.is_some() != self.longitude.is_some() {
            return Some("latitude, longitude: give both or neither".to_owned());
        }
        for (name, text, most) in
            [("category", &self.category, MOST_CATEGORY), ("note", &self.note, MOST_NOTE)]
        {
            let count = text.chars().count();
            if count > most {
                return Some(format!("{name}: {count} characters; {most} are the most"));
            }
        }
        let contact = self.contact.as_ref().and_then(Reporter::wrong).map(|why| format!("contact: {why}"));
        contact.or_else(|| self.report().wrong())
    }

    fn report(&self) -> NewReport {
        NewReport {
            title: self.title.clone(),
            text: self.text.clone(),
            place: self.place.clone(),
            area: self.area.clone(),
            at: self.latitude.zip(self.longitude),
            severity: self.severity.unwrap_or(Severity::Normal),
            confidential: self.confidential,
        }
    }

    /// What its category is to the hub, and what is to be said of that.
    fn category(&self, all: &Categories) -> (String, String) {
        let word = self.category.trim();
        match all.told(word) {
            Some(known) => (known.id.clone(), String::new()),
            None if word.is_empty() => (OTHER.to_owned(), String::new()),
            None => (
                OTHER.to_owned(),
                format!(
                    "分类“{word}”未知，暂按“其他” / category {word:?} is not known here, taken for \"other\""
                ),
            ),
        }
    }
}

/// Takes one revision of a ticket of a platform.
pub async fn take(
    app: &App,
    platform: &str,
    ticket: &str,
    (given, hash): (&Given, &str),
) -> Result<Taken, TicketError> {
    let count = ticket.chars().count();
    if !(1..=MOST_ID).contains(&count) || ticket.contains(char::is_control) {
        return Err(TicketError::Wrong(format!("the id of a ticket has 1 to {MOST_ID} characters")));
    }
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let area = area(app, given).await?;
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let categories = category::all_in(&mut tx, tenant).await?;
    let (category, note) = given.category(&categories);
    let known = store::ticket(&mut tx, tenant, platform, ticket).await?;
    let applied = known.as_ref().is_none_or(|known| known.revision < given.revision);
    if let Some(known) = known.as_ref().filter(|known| known.revision == given.revision)
        && known.body_sha256 != hash
    {
        return Err(TicketError::Conflict(known.revision, ticket.to_owned()));
    }
    let actor = format!("platform:{platform}");
    let case_id = match &known {
        None => open(app, &mut tx, (&actor, ticket), given, area, &note).await?,
        Some(known) => {
            if applied {
                amend(app, &mut tx, (&actor, ticket), given, known, &note).await?;
            }
            known.case_id.clone()
        }
    };
    if applied {
        if given.withdrawn {
            withdraw(app, &mut tx, (platform, &case_id), given).await?;
        }
        let row = Known {
            case_id: case_id.clone(),
            revision: given.revision,
            body_sha256: hash.to_owned(),
            category: category.clone(),
            note: note.clone(),
        };
        store::put_ticket(&mut tx, tenant, (platform, ticket), &row, given.category.trim(), now).await?;
    }
    let in_force = store::ticket(&mut tx, tenant, platform, ticket).await?.ok_or(db::Error::RowNotFound)?;
    let (number, state) = store::standing(&mut tx, tenant, &case_id).await?;
    tx.commit().await?;
    app.changes.wake();
    Ok(Taken {
        ticket: ticket.to_owned(),
        revision: in_force.revision,
        applied,
        is_new: known.is_none(),
        case: number,
        state,
        category: in_force.category,
        note: in_force.note,
    })
}

/// Where it lies: in the area that is named, in the grid of its point with the version of that map, else nowhere yet.
async fn area(app: &App, given: &Given) -> Result<(AreaPath, Option<i64>), TicketError> {
    if let Some(id) = &given.area {
        let found = organisation::store::area(&app.db, app.tenant().as_str(), id).await?;
        let found = found.ok_or_else(|| TicketError::Wrong(format!("area: there is no area {id:?}")))?;
        return Ok((AreaPath::kept(found.path), None));
    }
    let found = report::on_the_map(app, &given.report()).await?;
    Ok(found.map_or_else(|| (AreaPath::default(), None), |(area, version)| (area, Some(version))))
}

async fn open(
    app: &App,
    tx: &mut Tx,
    (actor, ticket): (&str, &str),
    given: &Given,
    (area, grid_version): (AreaPath, Option<i64>),
    note: &str,
) -> Result<String, TicketError> {
    let by = By {
        actor: actor.to_owned(),
        source: Source::Platform,
        level: Level::County,
        area,
        matter: String::new(),
        grid_version,
        detail: about(ticket, given, note),
    };
    let case = report::receive(app, tx, &given.report(), by).await?;
    if let Some(contact) = &given.contact {
        contact::keep_reporter(app, tx, &case.case_id, contact).await?;
    }
    if given.deadline_at.is_some() {
        ask_by(app, tx, actor, &case, given.deadline_at).await?;
    }
    Ok(case.case_id)
}

/// What the history says of a revision, besides its text. Never who reported it.
fn about(ticket: &str, given: &Given, note: &str) -> Map<String, Value> {
    let mut detail = Map::new();
    let mut put = |name: &str, value: Value| detail.insert(name.to_owned(), value);
    put("ticket", json!(ticket));
    put("revision", json!(given.revision));
    if !given.category.trim().is_empty() {
        put("category_told", json!(given.category.trim()));
    }
    if let Some(at) = given.deadline_at {
        put("deadline_at", json!(at));
    }
    let notes: Vec<&str> = [given.note.trim(), note].into_iter().filter(|text| !text.is_empty()).collect();
    if !notes.is_empty() {
        put("note", json!(notes.join(" · ")));
    }
    if given.withdrawn {
        put("withdrawn", json!(true));
    }
    detail
}

/// A later revision: the history has it whole; what a case shows changes while it is open, where it lies while it is triaged.
async fn amend(
    app: &App,
    tx: &mut Tx,
    (actor, ticket): (&str, &str),
    given: &Given,
    known: &Known,
    note: &str,
) -> Result<(), TicketError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let (number, state) = store::standing(tx, tenant, &known.case_id).await?;
    let mut detail = about(ticket, given, note);
    for (name, text) in [("title", &given.title), ("summary", &given.text), ("place", &given.place)] {
        detail.insert(name.to_owned(), json!(text.trim()));
    }
    case::store::append(tx, tenant, &known.case_id, now, actor, "amended", &Value::Object(detail)).await?;
    if let Some(contact) = &given.contact {
        contact::keep_reporter(app, tx, &known.case_id, contact).await?;
    }
    if !state.parse::<CaseState>().is_ok_and(CaseState::is_open) {
        return Ok(());
    }
    let shown = (given.title.trim(), given.place.trim(), given.confidential);
    store::amend_case(tx, tenant, &known.case_id, shown).await?;
    if let Some(severity) = given.severity {
        case::store::lift(tx, tenant, &known.case_id, severity, actor, now).await?;
    }
    let with = Searching { gazetteers: &app.gazetteers, grids: &app.grids, policies: &app.policies, now };
    let mut head = Head::read(tx, tenant, &known.case_id).await?;
    match given.latitude.zip(given.longitude) {
        Some(at) => gazetteer::pointed(tx, tenant, &mut head, (given.place.trim(), at), actor, with).await?,
        None => {
            let told = Told { text: given.place.trim(), grid: None, within: None };
            gazetteer::told(tx, tenant, &mut head, told, with).await?;
        }
    }
    head.save(tx, tenant, now).await?;
    let case = case::store::in_tx(tx, tenant, &number).await.map_err(|_| db::Error::RowNotFound)?;
    ask_by(app, tx, actor, &case, given.deadline_at).await
}

/// The platform's deadline holds for all clocks that run, and those that will.
async fn ask_by(
    app: &App,
    tx: &mut Tx,
    actor: &str,
    case: &Case,
    deadline_at: Option<i64>,
) -> Result<(), TicketError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    // A case that this transaction opened has its clocks among what waits for the commit.
    tx.settle().await?;
    let before = workflow::store::load(tx, tenant, &case.number).await?.ok_or(db::Error::RowNotFound)?;
    let deadline = deadline_at.map(UtcMs);
    if before.deadline == deadline {
        return Ok(());
    }
    let policy = match before.state.filing() {
        Some(filing) => app.policies.version_in(tx, tenant, filing.policy).await?,
        None => app.policies.newest_in(tx, tenant, now).await?,
    };
    let mut after = before.clone();
    after.ask_by(deadline, &policy, now);
    workflow::store::save(tx, tenant, &before, &after).await?;
    store::set_deadline(tx, tenant, &case.case_id, deadline).await?;
    let mut detail = json!({ "deadline_at": deadline_at });
    let entry = Entry::since(&Ledger::of(&before), Ledger::of(&after));
    if !entry.is_empty() {
        detail[ledger::KEY] = json!(entry);
    }
    case::store::append(tx, tenant, &case.case_id, now, actor, "deadline_asked", &detail).await?;
    Ok(())
}

/// What nobody was sent to is void; what is in somebody's hands people decide on.
async fn withdraw(
    app: &App,
    tx: &mut Tx,
    (platform, case_id): (&str, &str),
    given: &Given,
) -> Result<(), TicketError> {
    let tenant = app.tenant().as_str();
    let (number, state) = store::standing(tx, tenant, case_id).await?;
    if ![CaseState::Received.as_str(), CaseState::Filed.as_str()].contains(&state.as_str()) {
        return Ok(());
    }
    let note = format!("上级平台撤回 withdrawn by {platform} {}", given.note.trim());
    let note: String = note.trim().chars().take(MOST_NOTE).collect();
    let (step, id) = (Step::Void { reason: VoidReason::TakenBack, note }, app.new_id());
    workflow::store::take_in(tx, tenant, &number, &step, &Actor::hub(), app.step_with(&id)).await?;
    Ok(())
}
