//! A call that runs and is no case yet.

use askama::Template;

use super::{
    KnowledgeView, MapMode, MapView, Mark, Nav, PlaceOffers, SeatList, Shell, SimilarView, Theme, TicketForm,
    TranscriptView,
};
use crate::web::moment::Moment;

/// Its parts have the names of those of [`CallPage`](super::CallPage): a script puts the one in place of the other once
/// there is a case, under what was typed.
#[derive(Template)]
#[template(path = "call_begun.html")]
pub struct CallBegunPage<'a> {
    pub shell: &'a Shell,
    pub call_id: String,
    pub caller: String,
    pub seat: String,
    /// Nothing where its beginning was not heard.
    pub started: Option<Moment>,
    /// Since when it runs, epoch ms by the hub's clock.
    pub runs_since_ms: Option<i64>,
    pub length: String,
    pub device_id: String,
    /// Nobody is on the line any more.
    pub ended: bool,
    pub transcript: TranscriptView,
    pub similar: Vec<SimilarView>,
    pub knowledge: KnowledgeView,
    pub form: Option<TicketForm>,
    /// Why nothing was filed.
    pub error: Option<String>,
    pub calls: SeatList,
    /// To pick a place on.
    pub map: Option<MapView>,
}

impl CallBegunPage<'_> {
    /// Of the form.
    pub fn places(&self) -> Option<&PlaceOffers> {
        self.form.as_ref().map(|form| &form.places)
    }
}
