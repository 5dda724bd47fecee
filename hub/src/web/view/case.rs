//! One case: evidence, incidents, history, what can be done.

use askama::Template;

use super::{
    CaseRow, CommandView, Control, DueView, JoinedView, LinkView, MapMode, MapView, MoveView, MovesView, Nav,
    Sev, Shell, TalkLine, Theme,
};
use crate::web::moment::Moment;
use crate::web::text::Lang;

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

impl HistoryView {
    /// What people wrote stays as they wrote it; a page in English says of it that it is Chinese.
    pub fn is_chinese(&self) -> bool {
        self.detail.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    }
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
    /// The clock of the step that it is at; nothing of a case that waits for nothing.
    pub due: Option<DueView>,
    pub steps: Vec<StepView>,
    pub clips: Vec<EvidenceView>,
    pub pictures: Vec<EvidenceView>,
    pub recordings: usize,
    /// What was said and done beside the moves, the newest last.
    pub talk: Vec<TalkLine>,
    pub may_talk: bool,
    /// Names the form of a message: sent twice it is one.
    pub form_id: String,
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
    /// Where it lies, when its point is known.
    pub map: Option<MapView>,
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
    pub moves: MovesView,
    /// Where the page is read again, when that is not the address in the browser.
    pub at: Option<String>,
}

impl CasePage<'_> {
    /// Whether the case waits first of all for somebody to say that he has it; else its next move is the accent of the page.
    fn is_to_be_acknowledged(&self) -> bool {
        self.row.unclaimed && self.row.may_acknowledge
    }

    /// Whether the ticket of its call is what is next.
    fn is_to_be_ticketed(&self) -> bool {
        !self.is_to_be_acknowledged()
            && self.row.is_call
            && self.may_file
            && self.ticket.is_none()
            && self.row.open
    }

    /// The form of a move, and whether it is the next one.
    fn form<'b>(&'b self, one: &'b MoveView, is_next: bool) -> MoveForm<'b> {
        MoveForm {
            l: self.shell.lang,
            csrf: &self.shell.csrf,
            number: &self.row.number,
            position: self.moves.position,
            m: one,
            is_next,
            is_accent: is_next && !self.is_to_be_acknowledged(),
        }
    }

    /// Whether the camera has masks, as far as its evidence tells.
    fn is_masked(&self) -> bool {
        self.clips.iter().chain(&self.pictures).any(|file| file.masked)
    }
}

/// One move: its form, or why not.
#[derive(Template)]
#[template(path = "move.html")]
struct MoveForm<'a> {
    l: Lang,
    csrf: &'a str,
    number: &'a str,
    position: i64,
    m: &'a MoveView,
    is_next: bool,
    /// One button of the page is.
    is_accent: bool,
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
