//! Shapes of answers, apart from the database's rows: these are a promise to other systems.

mod device;
mod workflow;

use serde::Serialize;
use utoipa::ToSchema;

pub(super) use device::{
    CommandAccepted, CommandAsked, CommandItem, CommandList, CommandRequest, DeviceItem, DeviceList,
    QuarantineDetail, QuarantineList,
};
pub(super) use workflow::WorkflowItem;

use super::places::PlaceItem;
use crate::case::joined::JoinedReport;
use crate::case::{Case, CaseEvidence, CaseIncident, HistoryEntry, JoinedCase};
use crate::correlation::links::Links;
use crate::ticket::Ticket;

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct EvidenceItem {
    pub(super) sha256: String,
    /// `snapshot`, `clip`, `recording`, `still`, or `attachment` of what people brought.
    pub(super) kind: String,
    pub(super) media_type: String,
    pub(super) size_bytes: i64,
    /// Whether the file is here, and released for this case if it had to be asked for.
    pub(super) available: bool,
    /// Where to fetch it; recordings need `?purpose=`.
    pub(super) url: String,
    /// `automatic`, or `on_request` for what stays on site until asked for.
    pub(super) delivery: String,
    pub(super) duration_ms: Option<i64>,
    /// Whether people were made unrecognisable, as far as the box saw them.
    pub(super) blurred: bool,
    /// SHA-256 of the file that this one is a viewing copy of.
    pub(super) copy_of: Option<String>,
    /// What a video holds and what is missing from it, as far as the box told.
    pub(super) footage: Option<protocol::Footage>,
}

impl EvidenceItem {
    fn new(e: &CaseEvidence, case_number: &str) -> Self {
        Self {
            sha256: e.sha256.clone(),
            kind: e.kind.clone(),
            media_type: e.media_type.clone(),
            size_bytes: e.size_bytes,
            available: e.stored_at_ms.is_some(),
            url: crate::web::words::evidence_url(&e.sha256, Some(case_number)),
            delivery: e.delivery.clone(),
            duration_ms: e.duration_ms,
            blurred: e.blurred != 0,
            copy_of: e.copy_of.clone(),
            footage: e.footage.as_ref().and_then(|json| serde_json::from_str(json).ok()),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CaseItem {
    /// `YYYYMMDD-NNN`
    pub(super) number: String,
    pub(super) case_id: String,
    pub(super) kind: String,
    pub(super) severity: String,
    pub(super) state: String,
    /// Chinese.
    pub(super) title: String,
    pub(super) title_en: String,
    pub(super) place: Option<String>,
    /// On the map, WGS84, as far as it is known.
    pub(super) location: Option<protocol::Place>,
    /// Hub's clock.
    pub(super) opened_at: i64,
    /// When the cause began, by the box's clock.
    pub(super) started_at: i64,
    pub(super) updated_at: i64,
    pub(super) acknowledged_at: Option<i64>,
    pub(super) acknowledged_by: Option<String>,
    pub(super) incident_count: i64,
    pub(super) device_id: String,
    pub(super) camera_id: Option<String>,
    pub(super) call_id: Option<String>,
    /// A drill goes the whole way and stays out of every statistic.
    pub(super) drill: bool,
    pub(super) evidence: Vec<EvidenceItem>,
}

impl CaseItem {
    pub(super) fn new(case: &Case, evidence: &[CaseEvidence]) -> Self {
        let own = evidence.iter().filter(|e| e.case_id == case.case_id);
        Self {
            number: case.number.clone(),
            case_id: case.case_id.clone(),
            kind: case.kind.clone(),
            severity: case.severity.clone(),
            state: case.state.clone(),
            title: case.title_zh.clone(),
            title_en: case.title_en.clone(),
            place: case.place.clone(),
            location: case.location.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            opened_at: case.opened_at_ms,
            started_at: case.started_at_ms,
            updated_at: case.updated_at_ms,
            acknowledged_at: case.acknowledged_at_ms,
            acknowledged_by: case.acknowledged_by.clone(),
            incident_count: case.incident_count,
            device_id: case.device_id.clone(),
            camera_id: case.camera_id.clone(),
            call_id: case.call_id.clone(),
            drill: case.drill != 0,
            evidence: own.map(|e| EvidenceItem::new(e, &case.number)).collect(),
        }
    }

    /// With the files of what was joined to it, each under its own case.
    pub(super) fn with_joined(mut self, joined: &[JoinedCase], evidence: &[CaseEvidence]) -> Self {
        for case in joined {
            let files = evidence.iter().filter(|e| e.case_id == case.case_id);
            self.evidence.extend(files.map(|e| EvidenceItem::new(e, &case.number)));
        }
        self
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CaseList {
    /// Newest first.
    pub(super) cases: Vec<CaseItem>,
    /// For `before`: where the next page begins; nothing on the last page.
    pub(super) next: Option<String>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct HistoryItem {
    pub(super) position: i64,
    pub(super) at: i64,
    /// `user:NAME`, `device:ID` or `hub`.
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) detail: serde_json::Value,
    /// Covers this row and the hash before it.
    pub(super) hash: String,
}

impl From<&HistoryEntry> for HistoryItem {
    fn from(entry: &HistoryEntry) -> Self {
        Self {
            position: entry.position,
            at: entry.at_ms,
            actor: entry.actor.clone(),
            action: entry.action.clone(),
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
            hash: entry.hash.clone(),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct IncidentItem {
    pub(super) incident_id: String,
    pub(super) device_id: String,
    pub(super) revision: i64,
    pub(super) phase: String,
    pub(super) kind: String,
    pub(super) severity: String,
    pub(super) started_at: i64,
    pub(super) updated_at: i64,
    pub(super) ended_at: Option<i64>,
    /// When the hub first heard of it, by the hub's clock.
    pub(super) first_received_at: i64,
    /// When its newest revision came.
    pub(super) received_at: i64,
    /// The newest revision as the box sent it.
    pub(super) data: serde_json::Value,
}

impl From<&CaseIncident> for IncidentItem {
    fn from(row: &CaseIncident) -> Self {
        Self {
            incident_id: row.incident_id.clone(),
            device_id: row.device_id.clone(),
            revision: row.revision,
            phase: row.phase.clone(),
            kind: row.kind.clone(),
            severity: row.severity.clone(),
            started_at: row.started_at_ms,
            updated_at: row.updated_at_ms,
            ended_at: row.ended_at_ms,
            first_received_at: row.first_received_at_ms,
            received_at: row.received_at_ms,
            data: serde_json::from_str(&row.data).unwrap_or_default(),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct CaseDetail {
    #[serde(flatten)]
    pub(super) case: CaseItem,
    /// The newest rows, oldest of them first.
    pub(super) history: Vec<HistoryItem>,
    /// The newest ones, oldest of them first; `incident_count` counts all.
    pub(super) incidents: Vec<IncidentItem>,
    /// For `history` and `incidents`: where the earlier ones are, when there are any.
    pub(super) next_history: Option<i64>,
    pub(super) next_incidents: Option<String>,
    /// Cases that are the same matter and were joined to this one; their incidents and files are among those here.
    pub(super) joined: Vec<JoinedItem>,
    /// What others told of the same matter, for a unit that works on it and may not open their cases.
    pub(super) joined_reports: Vec<JoinedReportItem>,
    pub(super) links: Links,
    /// Of a call, once filed.
    pub(super) ticket: Option<Ticket>,
    /// Where it lies in words, once somebody told a place.
    pub(super) place_told: Option<PlaceItem>,
    /// With the number and this code whoever reported it reads its status; nothing for what nobody reported.
    pub(super) public_code: Option<String>,
    /// 保密
    pub(super) confidential: bool,
    pub(super) workflow: WorkflowItem,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct JoinedItem {
    number: String,
    kind: String,
    title: String,
    title_en: String,
    incident_count: i64,
    joined_at: i64,
    /// Why they were taken for one matter, in the words of whoever joined them.
    why: String,
}

impl From<&JoinedCase> for JoinedItem {
    fn from(case: &JoinedCase) -> Self {
        Self {
            number: case.number.clone(),
            kind: case.kind.clone(),
            title: case.title_zh.clone(),
            title_en: case.title_en.clone(),
            incident_count: case.incident_count,
            joined_at: case.joined_at_ms,
            why: case.why.clone(),
        }
    }
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct JoinedReportItem {
    number: String,
    kind: String,
    severity: String,
    /// Without numbers that may be telephones, like the place.
    title: String,
    title_en: String,
    place: Option<String>,
    /// On the map, WGS84, as far as it is known.
    location: Option<protocol::Place>,
    opened_at: i64,
    joined_at: i64,
}

impl From<&JoinedReport> for JoinedReportItem {
    fn from(report: &JoinedReport) -> Self {
        Self {
            number: report.number.clone(),
            kind: report.kind.clone(),
            severity: report.severity.clone(),
            title: report.title_zh.clone(),
            title_en: report.title_en.clone(),
            place: report.place.clone(),
            location: report.location.as_deref().and_then(|json| serde_json::from_str(json).ok()),
            opened_at: report.opened_at_ms,
            joined_at: report.joined_at_ms,
        }
    }
}

/// RFC 9457.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    /// The same in Chinese, where people read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail_zh: Option<String>,
}
