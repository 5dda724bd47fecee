//! What a case is tied to.

use crate::web::moment::Moment;

/// A case that was joined to the one shown.
#[derive(Clone, Debug)]
pub struct JoinedView {
    pub number: String,
    pub title: String,
    pub incident_count: i64,
    pub at: Moment,
    /// Why they were taken for one matter; of one that may not be opened, how bad it is and where.
    pub why: String,
    pub may_open: bool,
}

#[derive(Clone, Debug, Default)]
pub struct LinkView {
    pub joined_into: Option<String>,
    pub joined_why: String,
    pub shelved_until: Option<Moment>,
    pub shelved_by: String,
    /// A sentence, while its source flaps.
    pub damped: Option<String>,
}

impl LinkView {
    pub fn is_empty(&self) -> bool {
        self.joined_into.is_none() && self.shelved_until.is_none() && self.damped.is_none()
    }
}

/// An alarm source that is put aside.
#[derive(Clone, Debug)]
pub struct ShelvedView {
    pub number: String,
    pub title: String,
    pub until: Moment,
    pub by: String,
    pub reason: String,
    pub counted: i64,
}
