//! Finding entries, on the demo's own; taking sheets, on both databases.

mod finding;
mod importing;

use super::row::{self, Entry};
use crate::sheet;

/// The demo's sheet.
const DEMO: &[u8] = include_bytes!("../../../../deploy/demo/knowledge.csv");

fn demo() -> Vec<Entry> {
    let rows = sheet::read(DEMO).unwrap();
    let headings = sheet::Headings::read(&rows[0], &row::COLUMNS).unwrap();
    rows[1..].iter().map(|one| row::read(one, &headings).unwrap()).collect()
}
