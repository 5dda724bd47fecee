//! The ledger in the history is the case.

use serde_json::Value;

use super::*;
use crate::workflow::ledger::{Entry, KEY, Ledger};

fn read(detail: &Value) -> Entry {
    Entry::read(detail).unwrap().unwrap()
}

/// A whole entry reads back as the ledger it was made of; what a step changed gives the ledger after it, and says no more
/// than that; words of people and their names are not in it.
#[test]
fn entries_read_back() {
    let mut desk = in_progress();
    let text = json!({ KEY: Entry::whole(&desk.dossier) }).to_string();
    let detail: Value = serde_json::from_str(&text).unwrap();
    assert!(Entry::is_whole(&detail) && !Entry::is_whole(&json!({ "result": "x" })));
    let mut ledger = Ledger::begin(read(&detail)).unwrap();
    assert_eq!(ledger, Ledger::of(&desk.dossier));
    desk.hours(3);
    let by = Actor::user("某经办人", &[grant(Role::Handler, "/", Some("police"))]);
    let taken = desk.does(&Step::FinishPart { result: text_of_a_person() }, &by);
    let entry = read(&taken.detail);
    assert_eq!((entry.tasks.len(), entry.clocks.len(), entry.stand.is_none()), (1, 1, true), "{entry:?}");
    ledger.apply(entry);
    assert_eq!(ledger, Ledger::of(&desk.dossier));
    let kept = json!(Entry::whole(&desk.dossier)).to_string();
    assert!(!kept.contains("某人") && !kept.contains("经办"), "{kept}");
}

fn text_of_a_person() -> String {
    text("已劝离某人")
}

/// A clock that is moved stays one clock; an entry that is not whole begins nothing; one that cannot be read is an error.
#[test]
fn entries_change_what_is_there() {
    let mut desk = Desk::at(Level::County);
    let mut ledger = Ledger::of(&desk.dossier);
    desk.does(&file(), &Actor::hub());
    let after = Ledger::of(&desk.dossier);
    let entry = Entry::since(&ledger, after.clone());
    assert_eq!(entry.clocks.len(), 2, "triage stopped, dispatch begun: {entry:?}");
    assert_eq!(Ledger::begin(entry.clone()), None);
    ledger.apply(entry.clone());
    ledger.apply(entry);
    assert_eq!(ledger, after, "twice is once");
    assert!(Entry::since(&after, after.clone()).is_empty());
    assert!(Entry::read(&json!({ KEY: { "clocks": 3 } })).is_err());
    assert_eq!(Entry::read(&json!({})).unwrap(), None);
}
