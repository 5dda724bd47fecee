//! Steps 7 and 8: somebody looks, the centre closes, the citizen is asked; and what is above all steps: reminders and
//! supervision.

use serde_json::json;

use super::{
    Actor, Around, Check, ClockKind, Dossier, Ending, How, Missing, Refused, State, Step, Taken, TaskState,
};
use crate::organisation::Level;
use crate::policy::Closes;

const DAY_MS: i64 = 86_400_000;

/// A citizen who was reached, or could not be so many times, was called back.
const ENOUGH_CALLS: u32 = 3;

impl Dossier {
    pub(super) fn finish(&mut self, step: &Step, by: &Actor, around: Around<'_>) -> Result<Taken, Refused> {
        let missing = |what| Err(Refused::missing(step.kind(), what));
        let now = around.now;
        match step {
            Step::Check { agrees, note } => {
                if self.has_handled(by) {
                    return missing(Missing::OwnWork);
                }
                if let State::Verifying(_, _, _, check) = &mut self.state {
                    *check = Some(Check { agrees: *agrees, by: by.name.clone(), at: now });
                }
                Ok(Taken::new("checked", json!({ "agrees": agrees, "note": note })))
            }
            Step::Rework { reason } => {
                if let State::Verifying(filing, mut work, ..) = self.state.clone() {
                    work.lead.state = TaskState::Accepted;
                    work.lead.ended_at = None;
                    let task = work.lead.task;
                    self.forget(ClockKind::Verify, 0, now);
                    self.resume(task, now);
                    self.state = State::InProgress(filing, work);
                }
                self.called_back = 0;
                Ok(Taken::new("rework", json!({ "reason": reason })))
            }
            Step::Close { note } => {
                let State::Verifying(filing, work, _, check) = self.state.clone() else {
                    return missing(Missing::FieldCheck);
                };
                if self.has_handled(by) {
                    return missing(Missing::OwnWork);
                }
                let closes = self.limits(around.policy).closes;
                match (&check, closes) {
                    // Whoever has looked and disagrees is heard, whatever it takes to close.
                    (Some(check), _) if !check.agrees => return missing(Missing::FieldCheckDisagrees),
                    (None, Closes::FieldCheck) => return missing(Missing::FieldCheck),
                    (_, Closes::CallBack) if self.called_back < ENOUGH_CALLS => {
                        return missing(Missing::CallBack);
                    }
                    _ => {}
                }
                self.stop(ClockKind::Verify, 0, now);
                self.past.extend(std::iter::once(work.lead).chain(work.co));
                self.state = State::Closed(Ending { how: How::Verified, at: now, filing: Some(filing) });
                self.lapse_all(around);
                self.cards.clear();
                Ok(Taken::new("closed", json!({ "note": note })))
            }
            Step::Reopen { reason } => {
                let State::Closed(ending) = &self.state else { return missing(Missing::Same) };
                let days = around.policy.cases.reopen_days;
                if now.0 - ending.at.0 > i64::from(days) * DAY_MS {
                    return missing(Missing::TooLate(days));
                }
                self.state = State::Received { level: Level::County };
                self.called_back = 0;
                let limit = self.limits(around.policy).triage;
                self.start(ClockKind::Triage, 0, limit, now);
                Ok(Taken::new("reopened", json!({ "reason": reason })))
            }
            Step::CallBack { reached, satisfaction, note } => {
                if *reached != satisfaction.is_some() {
                    return missing(Missing::Satisfaction);
                }
                self.called_back += if *reached { ENOUGH_CALLS } else { 1 };
                let detail = json!({ "reached": reached, "satisfaction": satisfaction, "note": note });
                Ok(Taken::new("called_back", detail))
            }
            Step::Remind { text } => Ok(Taken::new("reminded", json!({ "text": text }))),
            Step::Supervise { card, reason } => {
                if self.cards.contains(card) {
                    return missing(Missing::CardOpen);
                }
                self.cards.push(*card);
                Ok(Taken::new("card_shown", json!({ "card": card, "reason": reason })))
            }
            Step::LiftCard { card, reason } => {
                if !self.cards.contains(card) {
                    return missing(Missing::CardNotOpen);
                }
                self.cards.retain(|open| open != card);
                Ok(Taken::new("card_lifted", json!({ "card": card, "reason": reason })))
            }
            _ => unreachable!("`change` sends only endings here"),
        }
    }
}
