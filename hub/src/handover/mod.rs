//! 交接班: one shift closes with what it leaves open, and the next one takes that over.
//!
//! A handover is a row that is written once, with a [`Snapshot`] of what stood open at that moment: counts, and the numbers
//! of the cases behind them. Somebody else takes it over, once; nobody takes over from himself. Nothing else changes by it:
//! no case, no alarm, no roster. Who is on duty is the roster's matter ([`crate::organisation::duty`]), and an emergency that
//! nobody has in hand is told of as before.

mod snapshot;
pub(crate) mod store;

use protocol::UtcMs;

pub use snapshot::{Aside, Listed, Offline, OnDuty, Snapshot};

use crate::app::App;
use crate::db::{self, from_row};
use crate::organisation::AreaPath;
use crate::user::{Act, Session};

/// Longest note, in characters.
pub const MOST_NOTE: usize = 2_000;
/// Longest shift.
pub const MOST_SHIFT_MS: i64 = 48 * 3_600_000;
/// A shift of which neither the last handover nor a roster says when it began.
const SHIFT_MS: i64 = 8 * 3_600_000;
/// Handovers of a list.
const MOST_LISTED: i64 = 100;
/// Longest id that a form may bring.
const MOST_ID: usize = 64;

/// A handover as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    pub handover_id: String,
    /// Path of the area whose shift it was.
    pub area: String,
    pub from_ms: i64,
    /// When it was given.
    pub to_ms: i64,
    pub given_by: String,
    pub note: String,
    /// JSON of [`Snapshot`].
    pub snapshot: String,
    pub taken_by: Option<String>,
    pub taken_at_ms: Option<i64>,
}

from_row!(Handover: handover_id, area, from_ms, to_ms, given_by, note, snapshot, taken_by, taken_at_ms);

impl Handover {
    /// What stood open; nothing of one that a newer hub wrote and this one cannot read.
    pub fn snapshot(&self) -> Snapshot {
        serde_json::from_str(&self.snapshot).unwrap_or_default()
    }

    /// The same for a reader: whoever gave it may see boxes that are not the reader's to see.
    pub fn snapshot_for(&self, session: &Session) -> Snapshot {
        let mut snapshot = self.snapshot();
        if !session.may_at(Act::SeeDevices, &AreaPath::kept(self.area.clone())) {
            snapshot.offline.clear();
        }
        snapshot
    }
}

/// A shift that is about to end.
#[derive(Clone, Debug)]
pub struct Draft {
    pub area: AreaPath,
    pub from: UtcMs,
    pub snapshot: Snapshot,
}

/// What whoever hands over says.
#[derive(Clone, Debug)]
pub struct NewHandover<'a> {
    /// Made with the form, so that the same one sent twice is one handover.
    pub id: &'a str,
    pub area: &'a AreaPath,
    pub from: UtcMs,
    pub note: &'a str,
}

#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    #[error("there is no handover {0}")]
    Unknown(String),
    #[error("you do not hand over for the area {0}")]
    Area(String),
    #[error("from: the shift began within the last 48 hours")]
    From,
    #[error("note: {MOST_NOTE} characters at most")]
    Note,
    #[error("id: 1 to {MOST_ID} small letters, digits and dashes, of a handover that nobody else has given")]
    Id,
    #[error("nobody takes over what he has handed over himself; the person of the next shift does")]
    Own,
    #[error("{by} has taken it over already")]
    Taken { by: String, at: UtcMs },
    #[error("case database: {0}")]
    Db(#[from] db::Error),
}

/// Areas for which somebody hands over, the widest first; those within another one of his are left out.
pub fn areas(session: &Session) -> Vec<AreaPath> {
    let own = session.grants.iter().filter(|grant| grant.role.may(Act::HandOver)).map(|grant| &grant.area);
    let mut own: Vec<AreaPath> = own.cloned().collect();
    own.sort_by(|a, b| a.as_str().len().cmp(&b.as_str().len()).then_with(|| a.cmp(b)));
    own.dedup();
    let all = own.clone();
    own.retain(|area| !all.iter().any(|other| other != area && other.covers(area)));
    own
}

/// What would be handed over now.
pub async fn draft(app: &App, session: &Session, area: &AreaPath) -> db::Result<Draft> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let mut tx = app.db.begin_read().await?;
    let from = begin(&mut tx, tenant, area, now).await?;
    let snapshot = store::snapshot(&mut tx, tenant, (area, &session.user), (from, now)).await?;
    Ok(Draft { area: area.clone(), from, snapshot })
}

/// Where the last handover ended, if that was lately; else where the turn of the roster began; else eight hours ago.
async fn begin(tx: &mut db::Tx, tenant: &str, area: &AreaPath, now: UtcMs) -> db::Result<UtcMs> {
    let earliest = now.0 - MOST_SHIFT_MS;
    let last = store::last_end(tx, tenant, area.as_str(), now).await?.filter(|at| *at >= earliest);
    let turn = match last {
        Some(_) => None,
        None => store::turn_began(tx, tenant, area.as_str(), now).await?.filter(|at| *at >= earliest),
    };
    Ok(UtcMs(last.or(turn).unwrap_or(now.0 - SHIFT_MS).min(now.0 - 1)))
}

/// Closes a shift. The same one sent twice is one handover.
pub async fn give(app: &App, session: &Session, new: &NewHandover<'_>) -> Result<Handover, HandoverError> {
    let (tenant, now, note) = (app.tenant().as_str(), app.clock.now(), new.note.trim());
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if new.id.is_empty() || new.id.len() > MOST_ID || !new.id.chars().all(plain) {
        return Err(HandoverError::Id);
    }
    if !areas(session).contains(new.area) {
        return Err(HandoverError::Area(new.area.to_string()));
    }
    if note.chars().count() > MOST_NOTE {
        return Err(HandoverError::Note);
    }
    if !(1..=MOST_SHIFT_MS).contains(&(now.0 - new.from.0)) {
        return Err(HandoverError::From);
    }
    let mut tx = app.db.begin().await?;
    // Nothing that it tells of changes in between.
    tx.lock_tenant(tenant).await?;
    if let Some(known) = store::by_id(&mut tx, tenant, new.id).await? {
        return if known.given_by == session.user { Ok(known) } else { Err(HandoverError::Id) };
    }
    let snapshot = store::snapshot(&mut tx, tenant, (new.area, &session.user), (new.from, now)).await?;
    let given = Handover {
        handover_id: new.id.to_owned(),
        area: new.area.to_string(),
        from_ms: new.from.0,
        to_ms: now.0,
        given_by: session.user.clone(),
        note: note.to_owned(),
        snapshot: serde_json::to_string(&snapshot).map_err(|error| db::Error::Encode(error.into()))?,
        taken_by: None,
        taken_at_ms: None,
    };
    store::insert(&mut tx, tenant, &given).await?;
    tx.commit().await?;
    Ok(given)
}

/// Takes a shift over. Sent twice by the same person it is done once.
pub async fn take(app: &App, session: &Session, id: &str) -> Result<Handover, HandoverError> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let unknown = || HandoverError::Unknown(id.chars().take(MOST_ID).collect());
    let found = store::by_id(&mut tx, tenant, id).await?;
    let mut found = found.filter(|one| sees(session, one)).ok_or_else(unknown)?;
    if found.given_by == session.user {
        return Err(HandoverError::Own);
    }
    if let (Some(by), Some(at)) = (&found.taken_by, found.taken_at_ms) {
        let taken = HandoverError::Taken { by: by.clone(), at: UtcMs(at) };
        return if *by == session.user { Ok(found) } else { Err(taken) };
    }
    // A machine's clock may be set back: nothing is taken over before it was given.
    let at = now.0.max(found.to_ms);
    store::set_taken(&mut tx, tenant, id, (&session.user, UtcMs(at))).await?;
    tx.commit().await?;
    found.taken_by = Some(session.user.clone());
    found.taken_at_ms = Some(at);
    Ok(found)
}

/// Handovers of where somebody hands over, the newest first.
pub async fn list(app: &App, session: &Session) -> db::Result<Vec<Handover>> {
    let tenant = app.tenant().as_str();
    let mut all = Vec::new();
    for area in areas(session) {
        all.extend(store::of_area(&app.db, tenant, area.as_str(), MOST_LISTED).await?);
    }
    all.sort_by(|a, b| b.to_ms.cmp(&a.to_ms).then_with(|| b.handover_id.cmp(&a.handover_id)));
    all.truncate(usize::try_from(MOST_LISTED).unwrap_or(usize::MAX));
    Ok(all)
}

/// One of them.
pub async fn get(app: &App, session: &Session, id: &str) -> db::Result<Option<Handover>> {
    let mut tx = app.db.begin_read().await?;
    let found = store::by_id(&mut tx, app.tenant().as_str(), id).await?;
    Ok(found.filter(|one| sees(session, one)))
}

fn sees(session: &Session, one: &Handover) -> bool {
    session.may_at(Act::HandOver, &AreaPath::kept(one.area.clone()))
}
