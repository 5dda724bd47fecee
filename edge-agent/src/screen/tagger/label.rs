//! What holds of an utterance, as places in the hotline's lists.

pub use protocol::hotline::{ALARMS, MATTERS, URGENCIES, categories};

/// What the tagger learns and tells of one utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    pub category: usize,
    pub matter: usize,
    pub urgency: usize,
    /// One bit per alarm.
    pub alarms: u16,
}

impl Labels {
    /// Neither danger nor haste.
    pub fn is_normal(self) -> bool {
        self.urgency == URGENCIES.len() - 1
    }
}

pub fn category(id: &str) -> Option<usize> {
    categories().iter().position(|c| c.id == id)
}

pub fn matter(id: &str) -> Option<usize> {
    MATTERS.iter().position(|m| m.0 == id)
}

pub fn urgency(id: &str) -> Option<usize> {
    URGENCIES.iter().position(|u| *u == id)
}

pub fn alarm(id: &str) -> Option<usize> {
    ALARMS.iter().position(|a| a.0 == id)
}
