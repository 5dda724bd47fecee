//! One call: transcript, recording, ticket form.

use askama::Template;

use super::{CaseRow, ContactAsk, MapMode, MapView, Nav, SeatList, Sev, Shell, Theme, TicketView};
use crate::web::moment::{Moment, length_text};

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
    /// What was said that speaks for it, and what people made of it before.
    pub why: String,
    /// Of the three.
    pub key: String,
    pub on: bool,
}

/// A place that may be meant.
#[derive(Clone, Debug)]
pub struct CallPlace {
    /// Of the three.
    pub key: usize,
    pub id: String,
    pub name: String,
    pub percent: u8,
    /// Town, community and grid, the widest first.
    pub chain: Vec<String>,
    /// What of the words met which name, and how far it is from the first.
    pub why: String,
    /// The hub takes it unless another one is picked.
    pub sure: bool,
    pub on: bool,
    /// WGS84, for a map.
    pub at: Option<(f64, f64)>,
}

/// The places that the words of the form may mean.
#[derive(Clone, Debug)]
pub struct PlaceOffers {
    pub all: Vec<CallPlace>,
    /// Two are about as likely.
    pub unclear: bool,
    /// What was picked is not among them.
    pub lost: bool,
    /// There is no gazetteer.
    pub empty: bool,
}

impl PlaceOffers {
    pub fn picked(&self) -> bool {
        self.all.iter().any(|one| one.on)
    }
}

/// The same by themselves, for a script.
#[derive(Template)]
#[template(path = "call_places.html")]
pub struct CallPlacesPart<'a> {
    pub shell: &'a Shell,
    pub places: PlaceOffers,
}

/// The command centre was told of the call.
#[derive(Clone, Debug)]
pub struct CentreView {
    pub at: Moment,
    pub by: String,
    /// Who has it in hand since; nothing: nobody yet.
    pub in_hand: Option<String>,
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
    /// The law lets this user join the call to it.
    pub may_join: bool,
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
    pub places: PlaceOffers,
    /// A point that was picked on the map: latitude and longitude.
    pub point: String,
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
    /// In the recording.
    pub start_ms: u64,
    pub end_ms: u64,
    /// Its text, in order.
    pub parts: Vec<MarkView>,
}

/// A stretch of what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkView {
    pub text: String,
    pub mark: Mark,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    None,
    /// It raised this alarm.
    Alarm(&'static str),
    /// A place.
    Place,
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
        /// What was said that raised them, by id, as JSON.
        heard: String,
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
        /// How long it is, where its box said so.
        length_ms: Option<i64>,
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
    /// What was done, though the ticket is not filed yet.
    pub told: Option<&'static str>,
    /// The other calls of the seat, for whoever files tickets.
    pub calls: Option<SeatList>,
    /// Since when it runs, or is over, epoch ms by the hub's clock.
    pub runs_since_ms: Option<i64>,
    pub over_since: Option<Moment>,
    pub centre: Option<CentreView>,
    pub may_centre: bool,
    /// An alarm holds, and nobody has told the centre.
    pub urges_centre: bool,
    /// The case in which the work goes on.
    pub joined_into: Option<String>,
    /// Of the form, to pick a place on.
    pub map: Option<MapView>,
}

impl CallPage<'_> {
    /// Of the form.
    pub fn places(&self) -> Option<&PlaceOffers> {
        self.form.as_ref().map(|form| &form.places)
    }

    /// The form that a button of the page sends: with what was typed, where something can be.
    pub fn sends(&self) -> &'static str {
        if self.form.is_some() { "ticket" } else { "act" }
    }

    /// How long it has been over.
    pub fn over_for(&self) -> String {
        let age_ms = self.over_since.as_ref().map_or(0, |at| at.age_ms);
        length_text(u64::try_from(age_ms).unwrap_or(0))
    }
}
