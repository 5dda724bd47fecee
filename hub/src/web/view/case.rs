//! One case: evidence, incidents, history, what can be done.

use askama::Template;

use super::{CaseRow, CommandView, JoinedView, LinkView, Nav, Sev, Shell, Theme};
use crate::web::moment::Moment;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceState {
    Here,
    Waiting,
    OnRequest,
}

#[derive(Clone, Debug)]
pub struct EvidenceView {
    pub kind: &'static str,
    pub word: &'static str,
    pub url: String,
    pub sha256: String,
    pub sha_short: String,
    pub media_type: String,
    pub size: String,
    pub length: Option<String>,
    pub starts: Moment,
    pub masked: bool,
    /// `H.264`; of videos, as far as the box told.
    pub codec: Option<&'static str>,
    /// What is missing from it and why it ends, one line each.
    pub notes: Vec<String>,
    pub state: EvidenceState,
    /// The file that this one only repeats.
    pub copy_of: Option<String>,
    /// The same for players that cannot show this one.
    pub copy: Option<Box<EvidenceView>>,
}

impl EvidenceView {
    /// What a browser plays: the viewing copy where there is one.
    pub fn playable(&self) -> Option<&Self> {
        let copy = self.copy.as_deref().filter(|copy| copy.state == EvidenceState::Here);
        copy.or_else(|| (self.state == EvidenceState::Here).then_some(self))
    }
}

/// Each viewing copy to its original; one whose original is not there stands for itself.
pub fn with_copies(videos: Vec<EvidenceView>) -> Vec<EvidenceView> {
    let (copies, mut shown): (Vec<_>, Vec<_>) = videos.into_iter().partition(|e| e.copy_of.is_some());
    for copy in copies {
        match shown.iter_mut().find(|e| copy.copy_of.as_ref() == Some(&e.sha256)) {
            Some(original) => original.copy = Some(Box::new(copy)),
            None => shown.push(copy),
        }
    }
    shown
}

#[derive(Clone, Debug)]
pub struct StepView {
    pub number: usize,
    pub name: &'static str,
    /// `done`, `now` or `todo`.
    pub class: &'static str,
    pub lines: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct HistoryView {
    pub at: Moment,
    pub action: String,
    pub by: String,
    pub detail: String,
    pub hash_short: String,
}

#[derive(Clone, Debug)]
pub struct IncidentView {
    pub id: String,
    pub kind: &'static str,
    pub started: Moment,
    pub ended: Option<Moment>,
    pub revision: i64,
    pub facts: Vec<(&'static str, String)>,
    pub motion_only: bool,
}

/// Where a picture can be asked for.
#[derive(Clone, Debug)]
pub struct StillTarget {
    pub device_id: String,
    pub camera_id: String,
    pub camera_name: String,
    pub may: bool,
    pub roles: String,
}

#[derive(Template)]
#[template(path = "case.html")]
pub struct CasePage<'a> {
    pub shell: &'a Shell,
    pub row: CaseRow,
    pub steps: Vec<StepView>,
    pub clips: Vec<EvidenceView>,
    pub pictures: Vec<EvidenceView>,
    pub recordings: usize,
    pub history: Vec<HistoryView>,
    pub history_whole: bool,
    pub incidents: Vec<IncidentView>,
    /// Where the earlier ones are.
    pub older_incidents: Option<String>,
    pub older_history: Option<String>,
    /// The page shows earlier ones: what came since is elsewhere.
    pub earlier: bool,
    pub joined: Vec<JoinedView>,
    pub link: LinkView,
    pub still: Option<StillTarget>,
    pub requests: Vec<CommandView>,
    /// With the number and this code whoever reported it reads its status.
    pub public_code: Option<String>,
    pub has_order: bool,
    pub device_id: String,
    pub ticket: Option<TicketView>,
    pub may_file: bool,
    pub file_roles: String,
    pub acknowledge_roles: String,
    pub error: Option<String>,
}

impl CasePage<'_> {
    /// Whether the camera has masks, as far as its evidence tells.
    fn is_masked(&self) -> bool {
        self.clips.iter().chain(&self.pictures).any(|file| file.masked)
    }
}

#[derive(Clone, Debug)]
pub struct TicketView {
    pub matter: String,
    pub category: String,
    pub unit: String,
    pub urgency: Sev,
    pub place: String,
    pub summary: String,
    pub filed_by: String,
    pub filed_at: Moment,
}
