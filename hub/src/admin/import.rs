//! The importers of the command line behind one door: what is brought, how it is taken, and what came of it.

mod each;
mod refusal;

use serde::{Deserialize, Serialize};

use super::By;
use crate::app::App;
use crate::phrase;
use crate::sheet::Bad;
use refusal::Refusal;

/// Largest file, or pasted text, in bytes. Larger maps are for the command line.
pub const MOST_BYTES: usize = 16 << 20;
/// Faults that are told; the rest is only counted.
const MOST_FAULTS: usize = 200;
/// Names of one tally that are kept.
const MOST_NAMES: usize = 12;

/// The code of what no catalogue knows.
const OTHER: &str = "other";

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
    /// What is wrong, as other systems know it ([`crate::phrase`]).
    pub code: &'static str,
    /// In English; pages say it in the reader's language.
    pub what: String,
}

impl From<&Bad> for Fault {
    fn from(bad: &Bad) -> Self {
        Self { line: Some(bad.line), column: bad.column_name(), ..Self::of_file(bad.what.clone()) }
    }
}

impl Fault {
    fn of_file(what: String) -> Self {
        let code = phrase::fault(&what).map_or(OTHER, |known| known.code);
        Self { line: None, column: String::new(), code, what }
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
    /// Of an import of which nothing but this is to be told: how many of what, and which.
    fn of(tallies: &[(Tally, &[String])]) -> Self {
        let mut outcome = Self::default();
        for (tally, names) in tallies {
            outcome.tally(*tally, names);
        }
        outcome
    }

    fn tally(&mut self, tally: Tally, names: &[String]) {
        let named = names.iter().take(MOST_NAMES).cloned().collect();
        self.tallies.push((tally, names.len(), named));
    }

    fn tell(&mut self, faults: Vec<Fault>) {
        self.more_faults += faults.len().saturating_sub(MOST_FAULTS);
        self.faults.extend(faults.into_iter().take(MOST_FAULTS));
    }

    fn refused(faults: Vec<Fault>) -> Self {
        let mut outcome = Self::default();
        outcome.tell(faults);
        outcome
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
    match each::run(app, by, kind, (bytes, options), dry_run).await {
        Ok(outcome) => Ok(outcome),
        Err(Refusal::Faults(faults)) => Ok(Outcome::refused(faults)),
        Err(Refusal::Failed(failure)) => Err(failure),
    }
}
