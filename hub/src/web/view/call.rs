//! One call: transcript, recording, ticket form.

use askama::Template;

use super::{CaseRow, ContactAsk, Nav, Sev, Shell, Theme, TicketView};
use crate::web::moment::Moment;

/// One choice of the ticket form.
#[derive(Clone, Debug)]
pub struct Choice {
    pub id: String,
    pub word: String,
    pub key: Option<String>,
    pub on: bool,
    pub sev: Option<&'static str>,
}

/// A category that the box offers.
#[derive(Clone, Debug)]
pub struct OfferView {
    pub id: String,
    pub word: String,
    pub percent: u8,
    /// What was said that speaks for it.
    pub why: String,
    /// Of the three.
    pub key: String,
    pub on: bool,
}

/// Something that the call says of danger.
#[derive(Clone, Debug)]
pub struct AlarmView {
    pub word: &'static str,
    pub why: String,
    pub at: String,
    /// The whole call no longer says so.
    pub taken_back: bool,
}

/// An open case that this call may tell of.
#[derive(Clone, Debug)]
pub struct SimilarView {
    pub number: String,
    pub title: String,
    pub sev: Sev,
    pub opened: Moment,
    /// How like it is, 0 to 100.
    pub percent: u8,
}

/// An entry of the knowledge base that answers the call.
#[derive(Clone, Debug)]
pub struct AnswerView {
    pub id: String,
    pub title: String,
    /// How sure, 0 to 100.
    pub percent: u8,
    /// What made it, in words.
    pub why: String,
    pub unit: String,
    pub paragraphs: Vec<String>,
    /// The last local day on which it holds.
    pub valid_until: Option<String>,
}

#[derive(Clone, Debug)]
pub enum KnowledgeView {
    /// The call has no words yet.
    Waiting,
    /// Nobody has imported anything.
    Empty,
    /// Nothing fits.
    Nothing,
    Found(Vec<AnswerView>),
}

#[derive(Clone, Debug)]
pub struct TicketForm {
    /// What the box offers; empty without words.
    pub offers: Vec<OfferView>,
    pub matters: Vec<Choice>,
    pub categories: Vec<Choice>,
    pub urgencies: Vec<Choice>,
    pub place: String,
    pub summary: String,
    /// When the ticket that the form was made from was filed; 0: there was none.
    pub known: i64,
    /// What stops the filing, in words.
    pub wrong: Vec<&'static str>,
    pub may: bool,
    pub roles: String,
}

#[derive(Clone, Debug)]
pub struct SaidView {
    pub who: &'static str,
    pub caller: bool,
    pub at: String,
    pub text: String,
}

#[derive(Clone, Debug)]
pub enum TranscriptView {
    /// The call is still going on, or its words are on their way: what its box tells of them meanwhile stands here.
    Live {
        note: &'static str,
        /// The box cannot be reached.
        away: bool,
        /// Names of the alarms by id, as JSON.
        alarms: String,
    },
    /// No speech model on the box.
    Waiting,
    Silent,
    Failed(String),
    /// The last is how many lines stayed on the box.
    Done {
        said: Vec<SaidView>,
        model: String,
        left_out: u32,
    },
}

impl TranscriptView {
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live { .. })
    }
}

#[derive(Clone, Debug)]
pub enum RecordingView {
    /// No recording is named yet.
    None,
    /// On the box; may be asked for.
    OnSite {
        last_failure: Option<String>,
    },
    Asked {
        by: String,
        purpose: String,
        at: Moment,
    },
    /// Here, but this user has not said why.
    NeedsPurpose,
    Plays {
        url: String,
        purpose: String,
        media_type: String,
        /// Private numbers are not in it.
        bleeped: bool,
    },
}

#[derive(Template)]
#[template(path = "call.html")]
pub struct CallPage<'a> {
    pub shell: &'a Shell,
    pub row: CaseRow,
    pub call_id: String,
    pub caller: String,
    pub seat: String,
    pub direction: &'static str,
    pub legs: &'static str,
    pub length: String,
    pub speech: String,
    pub started: Moment,
    pub device_id: String,
    /// The box stopped recording while it ran.
    pub interrupted: bool,
    pub transcript: TranscriptView,
    pub alarms: Vec<AlarmView>,
    pub similar: Vec<SimilarView>,
    pub knowledge: KnowledgeView,
    /// What the filed ticket leaves out of what was said.
    pub findings: Vec<String>,
    pub recording: RecordingView,
    /// A number to call back at is kept.
    pub contact: Option<ContactAsk>,
    pub may_listen: bool,
    pub listen_roles: String,
    pub ticket: Option<TicketView>,
    pub form: Option<TicketForm>,
    pub error: Option<String>,
    /// A filed ticket is being corrected.
    pub editing: bool,
    /// The purpose of this address, percent-encoded: a live update must not stop a recording.
    pub purpose_query: Option<String>,
}
