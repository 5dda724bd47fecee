//! The importers of the command line behind one door: what is brought, how it is taken, and what came of it.

use serde::{Deserialize, Serialize};

use super::By;
use crate::app::App;
use crate::category;
use crate::gazetteer::{self, GazetteerError};
use crate::grid::{self, GridError};
use crate::organisation::{self, ImportError, duty, import_areas_by, import_units_by};
use crate::policy::PolicyError;
use crate::sheet::Bad;
use crate::ticket::knowledge;
use crate::user;

/// Largest file, or pasted text, in bytes. Larger maps are for the command line.
pub const MOST_BYTES: usize = 16 << 20;
/// Faults that are told; the rest is only counted.
const MOST_FAULTS: usize = 200;
/// New users of one import: each password takes a while, and somebody waits for the page.
const MOST_NEW_USERS: usize = 200;
/// Names of one tally that are kept.
const MOST_NAMES: usize = 12;

/// What is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Areas,
    Units,
    Users,
    Duty,
    Categories,
    Gazetteer,
    Knowledge,
    Grids,
    Policies,
}

impl Kind {
    pub const ALL: [Self; 9] = [
        Self::Areas,
        Self::Units,
        Self::Users,
        Self::Duty,
        Self::Categories,
        Self::Gazetteer,
        Self::Knowledge,
        Self::Grids,
        Self::Policies,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Areas => "areas",
            Self::Units => "units",
            Self::Users => "users",
            Self::Duty => "duty",
            Self::Categories => "categories",
            Self::Gazetteer => "gazetteer",
            Self::Knowledge => "knowledge",
            Self::Grids => "grids",
            Self::Policies => "policies",
        }
    }

    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What holds for the whole county is no one town's to say.
    pub fn is_countywide(self) -> bool {
        !matches!(self, Self::Areas | Self::Units | Self::Users | Self::Duty)
    }

    pub fn is_of(self, by: &By) -> bool {
        !self.is_countywide() || by.reaches_everything()
    }

    /// Whether what is not in it can be taken away.
    pub fn replaces(self) -> bool {
        matches!(self, Self::Users | Self::Categories | Self::Knowledge)
    }

    /// Whether it can be drawn on GCJ-02.
    pub fn is_drawn(self) -> bool {
        matches!(self, Self::Gazetteer | Self::Grids)
    }

    /// Whether it is kept in versions, with a note.
    pub fn has_note(self) -> bool {
        matches!(self, Self::Gazetteer | Self::Grids | Self::Policies)
    }
}

/// How it is taken. What does not belong to its kind is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    pub replace: bool,
    /// Of a gazetteer: keep what is not in it.
    pub add: bool,
    pub gcj02: bool,
    pub skip_bad: bool,
    pub note: String,
}

/// What is wrong, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Counted from 1; nothing where the whole file is meant.
    pub line: Option<usize>,
    /// `E (area)`; nothing where a whole row is meant.
    pub column: String,
    pub what: String,
}

impl From<&Bad> for Fault {
    fn from(bad: &Bad) -> Self {
        Self { line: Some(bad.line), column: bad.column_name(), what: bad.what.clone() }
    }
}

impl Fault {
    fn of_file(what: String) -> Self {
        Self { line: None, column: String::new(), what }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Tally {
    New,
    Changed,
    Unchanged,
    Removed,
    Inactive,
    Expired,
}

/// What came of it, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// How many, and the names of the first of them.
    pub tallies: Vec<(Tally, usize, Vec<String>)>,
    pub faults: Vec<Fault>,
    /// Faults beyond those that are told.
    pub more_faults: usize,
    /// Whether nothing stands against it.
    pub good: bool,
    /// Of what is kept in versions.
    pub version: Option<i64>,
    /// Names and passwords of new users: told once, never kept.
    #[serde(skip)]
    pub passwords: Vec<(String, String)>,
}

/// Why it cannot be said what would come of it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("database: {0}")]
    Db(#[from] crate::db::Error),
    #[error("{0}")]
    Other(String),
}

impl Outcome {
    fn tally(&mut self, tally: Tally, names: &[String]) {
        let named = names.iter().take(MOST_NAMES).cloned().collect();
        self.tallies.push((tally, names.len(), named));
    }

    fn tell(&mut self, faults: Vec<Fault>) {
        self.more_faults += faults.len().saturating_sub(MOST_FAULTS);
        self.faults.extend(faults.into_iter().take(MOST_FAULTS));
    }

    fn refused(what: String) -> Self {
        Self { faults: vec![Fault::of_file(what)], ..Self::default() }
    }

    fn refused_at(bad: &Bad) -> Self {
        Self { faults: vec![Fault::from(bad)], ..Self::default() }
    }

    fn judged(mut self, bad: &[Bad], skip_bad: bool) -> Self {
        self.tell(bad.iter().map(Fault::from).collect());
        self.good = bad.is_empty() || skip_bad;
        self
    }
}

/// Tries it, or does it. What cannot be taken is an outcome too, with the reason.
pub async fn run(
    app: &App,
    by: &By,
    kind: Kind,
    (bytes, options): (&[u8], &Options),
    dry_run: bool,
) -> Result<Outcome, Failure> {
    match kind {
        Kind::Areas | Kind::Units | Kind::Duty => of_organisation(app, by, kind, bytes, dry_run).await,
        Kind::Users => of_users(app, by, bytes, options, dry_run).await,
        Kind::Categories => of_categories(app, by, bytes, options, dry_run).await,
        Kind::Knowledge => of_knowledge(app, by, bytes, options, dry_run).await,
        Kind::Gazetteer => of_gazetteer(app, by, bytes, options, dry_run).await,
        Kind::Grids => of_grids(app, by, bytes, options, dry_run).await,
        Kind::Policies => of_policies(app, by, bytes, options, dry_run).await,
    }
}

async fn of_organisation(
    app: &App,
    by: &By,
    kind: Kind,
    bytes: &[u8],
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let (db, tenant) = (&app.db, app.tenant().as_str());
    organisation::store::seed_units(db, tenant).await?;
    let imported = match kind {
        Kind::Areas => import_areas_by(db, tenant, bytes, dry_run, Some(by)).await,
        Kind::Units => import_units_by(db, tenant, bytes, dry_run, Some(by)).await,
        _ => {
            let way = (dry_run, Some(by));
            duty::import_by(db, tenant, &app.chance, (bytes, &app.zone), by.at, way).await
        }
    };
    let imported = match imported {
        Ok(imported) => imported,
        Err(ImportError::Db(error)) => return Err(error.into()),
        Err(ImportError::File(bad)) => return Ok(Outcome::refused_at(&bad)),
        Err(error @ ImportError::TooMany(_)) => return Ok(Outcome::refused(error.to_string())),
    };
    let mut outcome = Outcome::default();
    outcome.tally(Tally::New, &imported.new);
    outcome.tally(Tally::Changed, &imported.changed);
    outcome.tally(Tally::Unchanged, &imported.unchanged);
    Ok(outcome.judged(&imported.bad, false))
}

async fn of_users(
    app: &App,
    by: &By,
    bytes: &[u8],
    options: &Options,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    use user::import::ImportError;
    let tenant = app.tenant().as_str();
    organisation::store::seed_units(&app.db, tenant).await?;
    let mode = user::import::Mode { dry_run, replace: options.replace };
    let mut passwords = Vec::new();
    let keep = |all: &[user::import::NewPassword]| {
        passwords.extend(all.iter().map(|one| (one.name.clone(), one.password.clone())));
        Ok(())
    };
    let when = (by.at, Some(by));
    let imported = user::import::import_by(&app.db, tenant, &app.chance, (bytes, mode), when, keep).await;
    let imported = match imported {
        Ok(imported) => imported,
        Err(ImportError::Db(error)) => return Err(error.into()),
        Err(ImportError::File(bad)) => return Ok(Outcome::refused_at(&bad)),
        Err(error @ (ImportError::TooMany(_) | ImportError::NoAdministrator | ImportError::Meanwhile(_))) => {
            return Ok(Outcome::refused(error.to_string()));
        }
        Err(error) => return Err(Failure::Other(error.to_string())),
    };
    let changed: Vec<String> =
        imported.changed.iter().map(|(name, what)| format!("{name} ({})", what.join(", "))).collect();
    let mut outcome = Outcome { passwords, ..Outcome::default() };
    outcome.tally(Tally::New, &imported.new);
    outcome.tally(Tally::Changed, &changed);
    outcome.tally(Tally::Unchanged, &imported.unchanged);
    if imported.new.len() > MOST_NEW_USERS {
        let what = format!(
            "{} new users; {MOST_NEW_USERS} are the most of one page: divide the sheet, or use `hub user import`",
            imported.new.len()
        );
        outcome.tell(vec![Fault::of_file(what)]);
        return Ok(outcome);
    }
    Ok(outcome.judged(&imported.bad, false))
}

async fn of_categories(
    app: &App,
    by: &By,
    bytes: &[u8],
    options: &Options,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    use category::ImportError;
    let tenant = app.tenant().as_str();
    organisation::store::seed_units(&app.db, tenant).await?;
    let mode = category::Mode { dry_run, replace: options.replace };
    let imported = match category::import_by(&app.db, tenant, bytes, mode, Some(by)).await {
        Ok(imported) => imported,
        Err(ImportError::Db(error)) => return Err(error.into()),
        Err(ImportError::File(bad)) => return Ok(Outcome::refused_at(&bad)),
        Err(error @ ImportError::TooMany(_)) => return Ok(Outcome::refused(error.to_string())),
    };
    let mut outcome = Outcome::default();
    outcome.tally(Tally::New, &imported.new);
    outcome.tally(Tally::Changed, &imported.changed);
    outcome.tally(Tally::Unchanged, &imported.unchanged);
    outcome.tally(Tally::Removed, &imported.removed);
    outcome.tally(Tally::Inactive, &imported.inactive);
    Ok(outcome.judged(&imported.bad, false))
}

async fn of_knowledge(
    app: &App,
    by: &By,
    bytes: &[u8],
    options: &Options,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    use knowledge::ImportError;
    let mode = knowledge::Mode { dry_run, replace: options.replace, skip_bad: options.skip_bad };
    let day = knowledge::today(by.at, &app.zone);
    let imported =
        knowledge::import_by(&app.db, app.tenant().as_str(), bytes, mode, (by.at, &day), Some(by)).await;
    let imported = match imported {
        Ok(imported) => imported,
        Err(ImportError::Db(error)) => return Err(error.into()),
        Err(ImportError::File(bad)) => return Ok(Outcome::refused_at(&bad)),
        Err(error @ (ImportError::TooMany(_) | ImportError::Empty)) => {
            return Ok(Outcome::refused(error.to_string()));
        }
    };
    let changed: Vec<String> =
        imported.changed.iter().map(|(id, fields)| format!("{id} ({})", fields.join(", "))).collect();
    let mut outcome = Outcome::default();
    outcome.tally(Tally::New, &imported.new);
    outcome.tally(Tally::Changed, &changed);
    outcome.tally(Tally::Unchanged, &imported.unchanged);
    outcome.tally(Tally::Removed, &imported.removed);
    outcome.tally(Tally::Expired, &imported.expired);
    Ok(outcome.judged(&imported.bad, options.skip_bad))
}

async fn of_gazetteer(
    app: &App,
    by: &By,
    bytes: &[u8],
    options: &Options,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let datum = if options.gcj02 { gazetteer::Datum::Gcj02 } else { gazetteer::Datum::Wgs84 };
    let mode = gazetteer::Mode { datum, dry_run, add: options.add };
    let told = (by.who.as_str(), options.note.as_str(), by.at);
    let tenant = app.tenant().as_str();
    let imported = match app.gazetteers.import(&app.db, tenant, (bytes, mode), &app.grids, told).await {
        Ok(imported) => imported,
        Err(GazetteerError::Db(error)) => return Err(error.into()),
        Err(GazetteerError::File(bad)) => return Ok(Outcome::refused_at(&bad)),
        Err(error @ GazetteerError::TooMany(_)) => return Ok(Outcome::refused(error.to_string())),
    };
    let mut outcome = Outcome { version: imported.version, ..Outcome::default() };
    outcome.tally(Tally::New, &imported.new);
    outcome.tally(Tally::Changed, &imported.changed);
    outcome.tallies.push((Tally::Unchanged, imported.unchanged, Vec::new()));
    outcome.tally(Tally::Removed, &imported.gone);
    Ok(outcome.judged(&imported.bad, false))
}

async fn of_grids(
    app: &App,
    by: &By,
    bytes: &[u8],
    options: &Options,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let datum = if options.gcj02 { grid::Datum::Gcj02 } else { grid::Datum::Wgs84 };
    let told = (by.who.as_str(), options.note.as_str(), by.at);
    let taken = app.grids.import(&app.db, app.tenant().as_str(), (bytes, datum), told, dry_run).await;
    let taken = match taken {
        Ok(taken) => taken,
        Err(GridError::Db(error)) => return Err(error.into()),
        Err(GridError::Wrong(wrong)) => {
            let mut outcome = Outcome::default();
            outcome.tell(wrong.into_iter().map(Fault::of_file).collect());
            return Ok(outcome);
        }
    };
    let mut outcome = Outcome { version: taken.version, good: true, ..Outcome::default() };
    outcome.tally(Tally::New, &taken.new);
    outcome.tallies.push((Tally::Unchanged, taken.grids - taken.new.len(), Vec::new()));
    outcome.tally(Tally::Removed, &taken.gone);
    Ok(outcome)
}

async fn of_policies(
    app: &App,
    by: &By,
    bytes: &[u8],
    options: &Options,
    dry_run: bool,
) -> Result<Outcome, Failure> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok(Outcome::refused("this is not UTF-8; save the text as UTF-8".to_owned()));
    };
    let told = (by.who.as_str(), options.note.as_str(), by.at);
    match app.policies.import(&app.db, app.tenant().as_str(), text, told, dry_run).await {
        Ok(version) => Ok(Outcome { version, good: true, ..Outcome::default() }),
        Err(PolicyError::Db(error)) => Err(error.into()),
        Err(PolicyError::Wrong(wrong)) => {
            let mut outcome = Outcome::default();
            outcome.tell(wrong.into_iter().map(Fault::of_file).collect());
            Ok(outcome)
        }
    }
}
