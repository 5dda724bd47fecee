//! What stations 5 and the call tap hand to the outbox: one revision of an incident with the files it names.

use std::path::PathBuf;

use protocol::{Evidence, Incident};

/// A finished file that [`Report::incident`] lists. The outbox takes it over: it is already on disk, synced,
/// inside the data folder, and is deleted only when the hub holds it or its retention ends.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceFile {
    pub evidence: Evidence,
    pub path: PathBuf,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub incident: Incident,
    /// Files that are new in this revision.
    pub files: Vec<EvidenceFile>,
}
