//! Cases: one open case per cause, with an append-only history.
//!
//! Each history row's hash covers its words and the hash before it, so that a row changed or taken out later
//! shows. [`store`] keeps case, history and live-feed row in one transaction.

pub mod category;
pub mod history;
pub mod joined;
pub mod number;
pub mod precision;
pub mod report;
pub mod seal;
pub mod state;
pub mod store;

use crate::db::from_row;
use serde::Serialize;

pub use state::CaseState;

/// A case as kept. Times are epoch milliseconds by the hub's clock, except `started_at_ms` (the box's).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Case {
    pub case_id: String,
    /// `YYYYMMDD-NNN`.
    pub number: String,
    /// [`protocol::IncidentKind`] of the first incident, or [`report::KIND`].
    pub kind: String,
    /// Highest [`protocol::Severity`] of its incidents.
    pub severity: String,
    /// [`CaseState`].
    pub state: String,
    pub device_id: String,
    pub camera_id: Option<String>,
    pub call_id: Option<String>,
    pub title_zh: String,
    pub title_en: String,
    pub place: Option<String>,
    /// JSON of [`protocol::Place`], when the box gave one.
    pub location: Option<String>,
    pub incident_count: i64,
    /// 1 for a drill.
    pub drill: i64,
    pub started_at_ms: i64,
    pub opened_at_ms: i64,
    pub updated_at_ms: i64,
    pub acknowledged_at_ms: Option<i64>,
    pub acknowledged_by: Option<String>,
    pub closed_at_ms: Option<i64>,
    /// [`Source`]
    pub source: String,
    /// [`crate::organisation::AreaPath`] of where it lies.
    pub area: String,
    /// [`crate::organisation::Level`] that has it while it is received.
    pub level: String,
    /// [`category`], once filed.
    pub category: Option<String>,
    /// Once dispatched.
    pub lead_unit: Option<String>,
    /// The running clock that ends first: [`crate::workflow::ClockKind`], and when.
    pub due_clock: Option<String>,
    pub due_at_ms: Option<i64>,
    /// 1 for 保密: nothing but its number, its state and its dates leaves the platform.
    pub confidential: i64,
}

from_row!(Case: case_id, number, kind, severity, state, device_id, camera_id, call_id, title_zh,
    title_en, place, location, incident_count, drill, started_at_ms, opened_at_ms, updated_at_ms,
    acknowledged_at_ms, acknowledged_by, closed_at_ms, source, area, level, category, lead_unit, due_clock, due_at_ms,
    confidential);

/// One file that an incident of the case names, or that a command about it brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CaseEvidence {
    pub case_id: String,
    pub sha256: String,
    /// [`protocol::EvidenceKind`].
    pub kind: String,
    pub media_type: String,
    pub size_bytes: i64,
    /// `automatic` or `on_request`.
    pub delivery: String,
    pub starts_at_ms: i64,
    pub duration_ms: Option<i64>,
    pub masked: i64,
    /// JSON of [`protocol::Footage`]; of videos, as far as the box told.
    pub footage: Option<String>,
    /// SHA-256 of the file that this one is a viewing copy of.
    pub copy_of: Option<String>,
    pub blurred: i64,
    /// When the file came; `None` = not here yet, or not released for this case.
    pub stored_at_ms: Option<i64>,
}

from_row!(CaseEvidence: case_id, sha256, kind, media_type, size_bytes, delivery, starts_at_ms,
    duration_ms, masked, footage, copy_of, blurred, stored_at_ms);

/// One row of a case's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HistoryEntry {
    pub position: i64,
    pub at_ms: i64,
    /// `user:NAME`, `device:ID` or `hub`.
    pub actor: String,
    /// `opened`, `joined`, `raised`, `ended`, `acknowledged`, `filed`, `closed`, `voided`, `command`, …
    pub action: String,
    /// JSON; shape depends on the action.
    pub detail: String,
    pub prev_hash: String,
    pub hash: String,
}

from_row!(HistoryEntry: position, at_ms, actor, action, detail, prev_hash, hash);

/// An incident of a case, newest revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CaseIncident {
    pub incident_id: String,
    pub device_id: String,
    pub revision: i64,
    pub phase: String,
    pub kind: String,
    pub severity: String,
    pub started_at_ms: i64,
    pub updated_at_ms: i64,
    pub ended_at_ms: Option<i64>,
    pub first_received_at_ms: i64,
    pub received_at_ms: i64,
    /// JSON of [`protocol::Incident`].
    pub data: String,
}

from_row!(CaseIncident: incident_id, device_id, revision, phase, kind, severity, started_at_ms,
    updated_at_ms, ended_at_ms, first_received_at_ms, received_at_ms, data);

/// Where a case came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Camera,
    Call,
    /// The hub's own word about a silent box.
    Device,
    /// 网格人员
    Worker,
    /// 网上办事
    Citizen,
    /// The platform above.
    Platform,
}

impl Source {
    pub const ALL: [Self; 6] =
        [Self::Camera, Self::Call, Self::Device, Self::Worker, Self::Citizen, Self::Platform];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Call => "call",
            Self::Device => "device",
            Self::Worker => "worker",
            Self::Citizen => "citizen",
            Self::Platform => "platform",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == word)
    }
}

/// Which part of the cases, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Group {
    /// Every case, newest first.
    #[default]
    All,
    /// Nobody has them yet: the worst first, among equals the one that has waited longest.
    Waiting,
    /// Open and somebody's, newest first.
    InHand,
}

/// Which cases to list.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    pub group: Group,
    pub state: Option<CaseState>,
    pub kind: Option<protocol::IncidentKind>,
    pub source: Option<Source>,
    /// Words of number, title, place or device.
    pub words: String,
    /// Only this case, if the rest of the filter takes it.
    pub number: String,
    /// With this level, while it is received.
    pub level: Option<crate::organisation::Level>,
    /// With this unit in the lead.
    pub unit: String,
    /// Path of an area in which they lie.
    pub area: String,
    /// Only what this user may see; nothing for the hub itself.
    pub user: String,
    /// The last case of the page before this one.
    pub after: Option<Cursor>,
    /// At most this many; 0 = 100.
    pub limit: i64,
}

/// Where a page of a list ended. Many rows share one time (a batch is committed at one instant), so the time alone
/// would lose some of them. Written `rank~time~id`, opaque to whoever carries it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Cursor {
    /// Severity's place, 0 the worst; only the order of waiting cases looks at it.
    pub rank: i64,
    pub at_ms: i64,
    /// Case number, or incident id.
    pub id: String,
}

impl Cursor {
    pub fn of(case: &Case) -> Self {
        let rank = case.severity.parse::<protocol::Severity>().map_or(3, |severity| severity as i64);
        Self { rank, at_ms: case.opened_at_ms, id: case.number.clone() }
    }

    /// In the list of a case's incidents.
    pub fn before(incident: &CaseIncident) -> Self {
        Self { rank: 0, at_ms: incident.first_received_at_ms, id: incident.incident_id.clone() }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}~{}~{}", self.rank, self.at_ms, self.id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = String;
    /// Also takes a bare time in epoch milliseconds: everything before it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("{text:?} is not where a page ended; use the `next` of its answer");
        let mut parts = text.splitn(3, '~');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(rank), Some(at), Some(id)) => Ok(Self {
                rank: rank.parse().map_err(wrong)?,
                at_ms: at.parse().map_err(wrong)?,
                id: id.to_owned(),
            }),
            _ => Ok(Self { at_ms: text.parse().map_err(wrong)?, ..Self::default() }),
        }
    }
}

/// What the list shows of a case besides the case itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    pub case_id: String,
    /// JSON of its newest incident; none in a case that somebody reported by hand.
    pub incident: Option<String>,
    /// Hash of the newest snapshot that is here.
    pub picture: Option<String>,
    /// Hash of the newest snapshot that any incident names, here or not.
    pub named: Option<String>,
}

from_row!(Preview: case_id, incident, picture, named);

/// A case that was joined to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedCase {
    pub case_id: String,
    pub number: String,
    pub kind: String,
    pub title_zh: String,
    pub title_en: String,
    pub incident_count: i64,
    pub joined_at_ms: i64,
    /// In the words of whoever joined it.
    pub why: String,
}

from_row!(JoinedCase: case_id, number, kind, title_zh, title_en, incident_count, joined_at_ms, why);

/// Why a case was not moved.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error("there is no case {0}")]
    Unknown(String),
    #[error("case {0} is finished: nobody needs to take it in hand")]
    Finished(String),
    #[error("case database: {0}")]
    Db(#[from] sqlx::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cursor reads back as written; a bare time means everything before it; anything else is refused in words.
    #[test]
    fn cursors_read_back() {
        let cursor = Cursor { rank: 2, at_ms: 1_773_815_480_000, id: "20260318-029".into() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("12".parse(), Ok(Cursor { at_ms: 12, ..Cursor::default() }));
        for bad in ["", "x", "1~2", "1~x~y"] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
        }
    }
}
