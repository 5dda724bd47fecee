//! Administration: what a county sets up, and who changed it.
//!
//! An administrator works within his own area ([`By`]): he sees and changes what lies in it, gives no role over more, and
//! what holds for the whole county is only for who has all of it. Each change and its row of the audit ([`audit`]) are one
//! transaction; the command line writes the same rows. What is imported on a page is tried first and confirmed afterwards
//! ([`draft`]), by the importers of the command line ([`import`]). [`looks`] reads who looked at what, [`overview`] what is
//! missing.
//!
//! Deliberately absent: taking back what was done. Policies, maps and gazetteers are versions, the rest is done again.

pub(crate) mod asked;
pub mod audit;
mod by;
pub mod diff;
pub mod draft;
pub mod import;
pub mod looks;
pub mod overview;
mod store;
#[cfg(test)]
mod tests;

pub use by::{By, Teller};

/// Where a list goes on: after a row of this moment and this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at_ms: i64,
    pub id: String,
}

impl Cursor {
    /// `1773815480000~42`
    pub fn read(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('~')?;
        Some(Self { at_ms: at.parse().ok()?, id: id.to_owned() })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}~{}", self.at_ms, self.id)
    }
}
