//! People at the hub's pages in a real browser: every page for every role, by eye, by ear and by keys, the main story of
//! each role, and a case that goes its way without a mouse, without scripts, and on a wall that lives.
//!
//! One program with few worlds in it: a world takes seconds, a page tenths of one.

#![expect(clippy::unwrap_used, reason = "a test may end at what it cannot have")]

/// A cable that is pulled is a change of the machine's network, upon which Chromium drops what it reads, of any page: whoever
/// pulls one does it while nobody else looks.
static NETWORK: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

mod axe;
mod county;
mod crawl;
mod field;
mod flow;
mod keyboard;
mod language;
mod list;
mod person;
mod pictures;
mod queue;
mod stories;
mod wall;
