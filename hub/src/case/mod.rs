//! Cases: one open case per cause, with an append-only history.
//!
//! Each history row's hash covers its words and the hash before it, so that a row changed or taken out later
//! shows. [`store`] keeps case, history and live-feed row in one transaction.

pub mod history;
pub mod number;
pub mod state;
pub mod store;

use serde::Serialize;

pub use state::{CaseState, InvalidTransition, Move};

/// A case as kept. Times are epoch milliseconds by the hub's clock, except `started_at_ms` (the box's).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct Case {
    pub case_id: String,
    /// `YYYYMMDD-NNN`.
    pub number: String,
    /// [`protocol::IncidentKind`] of the first incident.
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
}

/// One file that an incident of the case names, or that a command about it brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow, utoipa::ToSchema)]
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
    /// When the file came; `None` = not here yet, or not released for this case.
    pub stored_at_ms: Option<i64>,
}

/// One row of a case's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow, utoipa::ToSchema)]
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

/// An incident of a case, newest revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow, utoipa::ToSchema)]
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

/// Which cases to list.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    pub state: Option<CaseState>,
    pub kind: Option<protocol::IncidentKind>,
    /// Only cases opened before this (epoch ms), for paging.
    pub before_ms: Option<i64>,
    /// At most this many; 0 = 100.
    pub limit: i64,
}

/// Why a case was not moved.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    #[error("there is no case {0}")]
    Unknown(String),
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    #[error("case database: {0}")]
    Db(#[from] sqlx::Error),
}
