//! What has happened to a case since a form was drawn: whether it matters to whoever fills the form in, and whether it is what
//! the form itself did, sent twice. Pure.

use serde_json::Value;

use crate::case::HistoryEntry;
use crate::field::deed::ACTIONS;
use crate::workflow::{Step, StepKind, ledger};

/// Rows of people that leave the case as it is.
const ASIDE: [&str; 5] = ["command", "answered", "contact_seen", "contact_deleted", "attached"];

/// Whether a row changes what a form was about. What boxes and the hub only tell (one more alarm, a reminder) does not: else
/// nobody could file a case whose camera goes on alarming.
pub(crate) fn counts(row: &HistoryEntry) -> bool {
    let by_itself = row.actor == "hub" || row.actor.starts_with("device:");
    let changes = detail(row).get(ledger::KEY).is_some();
    let aside = ASIDE.contains(&row.action.as_str()) || ACTIONS.contains(&row.action.as_str());
    changes || !(by_itself || aside)
}

/// Whether this user has made this very step since.
pub(crate) fn is_made(rows: &[HistoryEntry], step: &Step, user: &str) -> bool {
    let mut said = Vec::new();
    scalars(&serde_json::to_value(step).unwrap_or_default(), true, &mut said);
    let by = format!("user:{user}");
    rows.iter().filter(|row| row.actor == by && actions(step.kind()).contains(&row.action.as_str())).any(
        |row| {
            let mut kept = Vec::new();
            scalars(&detail(row), false, &mut kept);
            // What decides between two words of the history is not said twice in its detail.
            let apart = matches!(step, Step::Decide { grant, .. } if (row.action == "granted") != *grant);
            let decided = |one: &Value| matches!(step, Step::Decide { .. }) && one.is_boolean();
            !apart && said.iter().all(|one| decided(one) || kept.contains(one))
        },
    )
}

fn detail(row: &HistoryEntry) -> Value {
    serde_json::from_str(&row.detail).unwrap_or_default()
}

/// Texts, numbers and answers of a step or a row, wherever they stand; what is empty says nothing.
fn scalars(value: &Value, is_step: bool, out: &mut Vec<Value>) {
    match value {
        Value::Object(fields) => {
            for (_, value) in fields.iter().filter(|(name, _)| !(is_step && *name == "move")) {
                scalars(value, is_step, out);
            }
        }
        Value::Array(all) => all.iter().for_each(|value| scalars(value, is_step, out)),
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        other => out.push(other.clone()),
    }
}

/// What the history calls a kind of step.
fn actions(kind: StepKind) -> &'static [&'static str] {
    use StepKind as K;
    match kind {
        K::HandleHere => &["handled_here"],
        K::PassUp => &["passed_up"],
        K::Void => &["voided"],
        K::Join => &["joined_into"],
        K::Split => &["split_off"],
        K::File => &["filed"],
        K::Dispatch => &["dispatched"],
        K::Accept => &["accepted"],
        K::Withdraw => &["withdrawn"],
        K::AskReturn | K::AskExtension | K::AskSuspension | K::AskResumption | K::AskCategory => &["asked"],
        K::Endorse => &["endorsed"],
        K::Decide => &["granted", "denied"],
        K::Reassign => &["reassigned"],
        K::Progress => &["progress"],
        K::FinishPart => &["part_done"],
        K::Waive => &["waived"],
        K::Resume => &["resumed"],
        K::Report => &["reported"],
        K::Check => &["checked"],
        K::Rework => &["rework"],
        K::Close => &["closed"],
        K::Reopen => &["reopened"],
        K::CallBack => &["called_back"],
        K::Remind => &["reminded"],
        K::Supervise => &["card_shown"],
        K::LiftCard => &["card_lifted"],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workflow::VoidReason;

    fn row(actor: &str, action: &str, detail: &Value) -> HistoryEntry {
        HistoryEntry {
            position: 7,
            at_ms: 0,
            actor: actor.to_owned(),
            action: action.to_owned(),
            detail: detail.to_string(),
            prev_hash: String::new(),
            hash: String::new(),
        }
    }

    /// One more alarm and a reminder leave a form alone; a person's move does not, nor whatever changes limits or units.
    #[test]
    fn what_counts() {
        for (actor, action, detail, matters) in [
            ("device:box-1", "joined", json!({}), false),
            ("hub", "reminded", json!({}), false),
            ("hub", "resumed", json!({ (ledger::KEY): {} }), true),
            ("device:box-1", "raised", json!({ (ledger::KEY): {} }), true),
            ("user:li", "filed", json!({}), true),
            ("user:li", "acknowledged", json!({}), true),
            ("user:li", "command", json!({}), false),
            ("user:li", "arrived", json!({}), false),
            ("user:li", "said", json!({"text": "到了"}), false),
            ("platform:city", "amended", json!({}), true),
        ] {
            assert_eq!(counts(&row(actor, action, &detail)), matters, "{actor} {action}");
        }
    }

    /// Sent twice is done once; the same by somebody else, or other words, is another move.
    #[test]
    fn the_same_again() {
        let void = |note: &str| Step::Void { reason: VoidReason::FalseAlarm, note: note.to_owned() };
        let rows = [row("user:li", "voided", &json!({ "void": "false_alarm", "reason": "是树影" }))];
        assert!(is_made(&rows, &void("是树影"), "li"));
        assert!(!is_made(&rows, &void("是树影"), "wang"));
        assert!(!is_made(&rows, &void("是灯光"), "li"));
        assert!(!is_made(&rows, &Step::Void { reason: VoidReason::Duplicate, note: "是树影".into() }, "li"));
        assert!(!is_made(&[], &void("是树影"), "li"));

        let rows =
            [row("user:li", "granted", &json!({ "request": "r1", "ask": "return", "reason": "同意" }))];
        let decide = |grant| Step::Decide { request: "r1".into(), grant, reason: "同意".into() };
        assert!(is_made(&rows, &decide(true), "li") && !is_made(&rows, &decide(false), "li"));

        let rows = [row("user:li", "accepted", &json!({ "unit": "police", "task": 2 }))];
        assert!(is_made(&rows, &Step::Accept {}, "li"));
        let rows =
            [row("user:li", "called_back", &json!({ "reached": false, "satisfaction": null, "note": "" }))];
        let call = |reached| Step::CallBack { reached, satisfaction: None, note: String::new() };
        assert!(is_made(&rows, &call(false), "li") && !is_made(&rows, &call(true), "li"));
    }
}
