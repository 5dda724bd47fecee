//! What stations 5 and the call tap hand to the outbox: one revision of an incident with the files it names.

use std::path::PathBuf;

use protocol::{Evidence, EvidenceKind, Incident, IncidentKind, Sha256Hex, Subject, VideoCodec};
use tokio::sync::oneshot;

/// Folder inside that of evidence where clips in the making lie: what is in it counts as evidence.
pub const SPOOL_FOLDER: &str = "spool";

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
    /// More files of it are being made: the outbox remembers the incident until a report says that none are, so
    /// that a crash in between is made good or explained.
    pub unfinished: bool,
}

/// A file that an incident of a camera should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Snapshot,
    Clip,
    /// In H.264, of this clip in H.265.
    ViewingCopy(Box<Evidence>),
}

impl Wanted {
    /// As it is told of.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Clip => "clip",
            Self::ViewingCopy(_) => "viewing copy",
        }
    }
}

/// What an incident that a camera's rule raised should have and does not (yet).
pub fn missing_files(incident: &Incident) -> Vec<Wanted> {
    let Subject::Camera(_) = incident.subject else { return Vec::new() };
    if incident.kind == IncidentKind::CameraLost {
        return Vec::new();
    }
    let of_kind = |kind| incident.evidence.iter().filter(move |e| e.kind == kind);
    let mut wanted = Vec::new();
    if of_kind(EvidenceKind::Snapshot).next().is_none() {
        wanted.push(Wanted::Snapshot);
    }
    if of_kind(EvidenceKind::Clip).next().is_none() {
        wanted.push(Wanted::Clip);
    }
    let copied = |sha256: &Sha256Hex| incident.evidence.iter().any(|e| e.copy_of() == Some(sha256));
    let bare = of_kind(EvidenceKind::Clip).filter(|clip| needs_copy(clip) && !copied(&clip.sha256));
    wanted.extend(bare.map(|clip| Wanted::ViewingCopy(Box::new(clip.clone()))));
    wanted
}

/// Whether browsers cannot play this clip.
pub fn needs_copy(clip: &Evidence) -> bool {
    clip.footage.as_ref().is_some_and(|footage| footage.codec == VideoCodec::H265)
}

/// A report from a station that keeps its own copy until the outbox has committed it.
#[derive(Debug)]
pub struct Handover {
    pub report: Report,
    committed: oneshot::Sender<()>,
}

impl Handover {
    /// The second resolves once the report is committed, and fails when it never will be by this run.
    pub fn new(report: Report) -> (Self, oneshot::Receiver<()>) {
        let (committed, commit) = oneshot::channel();
        (Self { report, committed }, commit)
    }

    /// To be called after the commit, never before.
    pub fn committed(self) {
        // A sender that is gone hands its report over again at the next start.
        let _ = self.committed.send(());
    }
}
