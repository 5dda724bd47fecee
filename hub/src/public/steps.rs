//! How far a case has come on its eight steps, by its history. Pure.

use crate::case::CaseState;

/// A row of the history, as far as it counts here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) action: String,
    pub(super) at_ms: i64,
}

/// When each of the eight steps was done, as far as it was: 信息收集, 分类处置, 案卷建立, 任务派遣, 事件办理 (when the lead
/// signed), 结果反馈, 核查结案, 综合评价 (when the citizen was called back).
pub(super) type Dates = [Option<i64>; 8];

/// The step at which a case is, from 1.
pub(super) fn current(state: CaseState) -> usize {
    match state {
        CaseState::Received => 2,
        CaseState::Filed => 4,
        CaseState::Dispatched | CaseState::InProgress | CaseState::Suspended => 5,
        CaseState::Verifying => 7,
        CaseState::Closed | CaseState::Void => 8,
    }
}

/// `deeds` in their order. What was taken back or begun anew has no date any more.
pub(super) fn dates(opened_at_ms: i64, state: CaseState, deeds: &[Deed]) -> Dates {
    let mut dates = [None; 8];
    dates[0] = Some(opened_at_ms);
    for Deed { action, at_ms } in deeds {
        let at = Some(*at_ms);
        match action.as_str() {
            "filed" => (dates[1], dates[2]) = (at, at),
            "handled_here" => (dates[1], dates[6]) = (at, at),
            "voided" | "joined_into" => dates[1] = dates[1].or(at),
            "dispatched" => {
                dates[3] = at;
                dates[4..].fill(None);
            }
            "accepted" => dates[4] = dates[4].or(at),
            "reported" => dates[5] = at,
            "rework" => dates[5..].fill(None),
            "closed" => dates[6] = at,
            "called_back" => dates[7] = at,
            "reopened" => dates[1..].fill(None),
            _ => {}
        }
    }
    // A dispatch that was withdrawn or returned leaves the case filed; so the state has the last word.
    let known = match state {
        CaseState::Received => 1,
        CaseState::Filed => 3,
        CaseState::Dispatched => 4,
        CaseState::InProgress | CaseState::Suspended => 5,
        CaseState::Verifying => 6,
        CaseState::Closed | CaseState::Void => 8,
    };
    // A citizen may be called back while the case is still verified.
    let called_back = dates[7].filter(|_| state == CaseState::Verifying);
    dates[known..].fill(None);
    dates[7] = dates[7].or(called_back);
    dates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deeds(all: &[&str]) -> Vec<Deed> {
        all.iter().zip(1..).map(|(action, at_ms)| Deed { action: (*action).to_owned(), at_ms }).collect()
    }

    /// Ways through the workflow, by hand.
    #[test]
    fn ways_by_table() {
        let whole = ["told", "filed", "dispatched", "accepted", "accepted", "reported", "checked", "closed"];
        for (state, way, wanted) in [
            (CaseState::Received, &whole[..1], [Some(0), None, None, None, None, None, None, None]),
            (CaseState::Filed, &whole[..2], [Some(0), Some(2), Some(2), None, None, None, None, None]),
            (
                CaseState::Dispatched,
                &whole[..3],
                [Some(0), Some(2), Some(2), Some(3), None, None, None, None],
            ),
            (
                CaseState::InProgress,
                &whole[..5],
                [Some(0), Some(2), Some(2), Some(3), Some(4), None, None, None],
            ),
            (
                CaseState::Verifying,
                &whole[..7],
                [Some(0), Some(2), Some(2), Some(3), Some(4), Some(6), None, None],
            ),
            (
                CaseState::Closed,
                &whole[..],
                [Some(0), Some(2), Some(2), Some(3), Some(4), Some(6), Some(8), None],
            ),
            (CaseState::Closed, &["told", "handled_here"][..], {
                [Some(0), Some(2), None, None, None, None, Some(2), None]
            }),
            (
                CaseState::Void,
                &["told", "voided"][..],
                [Some(0), Some(2), None, None, None, None, None, None],
            ),
        ] {
            assert_eq!(dates(0, state, &deeds(way)), wanted, "{state} {way:?}");
        }
    }

    /// What was withdrawn, sent back or reopened is not done any more.
    #[test]
    fn what_was_taken_back_has_no_date() {
        let withdrawn = dates(0, CaseState::Filed, &deeds(&["filed", "dispatched", "withdrawn"]));
        assert_eq!(withdrawn[..4], [Some(0), Some(1), Some(1), None]);
        let again = deeds(&["filed", "dispatched", "accepted", "granted", "dispatched"]);
        assert_eq!(dates(0, CaseState::Dispatched, &again)[3..5], [Some(5), None]);
        let sent_back = deeds(&["filed", "dispatched", "accepted", "reported", "rework"]);
        assert_eq!(dates(0, CaseState::InProgress, &sent_back)[4..6], [Some(3), None]);
        let reopened =
            deeds(&["filed", "dispatched", "accepted", "reported", "closed", "called_back", "reopened"]);
        assert_eq!(dates(0, CaseState::Received, &reopened)[1..], [None; 7]);
        let called = deeds(&["filed", "dispatched", "accepted", "reported", "called_back"]);
        assert_eq!(dates(0, CaseState::Verifying, &called)[5..], [Some(4), None, Some(5)]);
    }
}
