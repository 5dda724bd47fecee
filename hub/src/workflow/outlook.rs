//! What could be done with a case now: the moves of the law, tried. Pure.
//!
//! The table (`law`) says from where a move begins and whose it is. A move may still lack what nobody can write into it: the
//! word of the grid, a part that is not done, a request that waits. So each is tried on a copy of the case, filled with the
//! least that it takes. What only the text of a move decides (the case to join, a picture) is not told here; taking it tells.

use super::{
    Actor, Around, Card, Dossier, Missing, Offer, Refused, Satisfaction, Step, StepKind, TaskState,
    VoidReason,
};
use crate::calendar::{Limit, Unit as Counts};
use crate::category::OTHER;
use crate::organisation::{AreaPath, Unit};

const HOUR_MS: i64 = 3_600_000;

impl Dossier {
    /// [`Dossier::offers`]; of those that are this user's also what is missing, whatever he writes.
    pub fn outlook(&self, by: &Actor, around: Around<'_>) -> Vec<Offer> {
        let mut offers = self.offers(by);
        for offer in offers.iter_mut().filter(|offer| offer.refused.is_none()) {
            offer.refused = self.obstacle(offer.step, by, around);
        }
        offers
    }

    /// Why a step would not be taken; the case stays as it is.
    pub fn refusal(&self, step: &Step, by: &Actor, around: Around<'_>) -> Option<Refused> {
        let mut copy = self.clone();
        copy.take(step, by, around).err()
    }

    /// The case as it would be after a step; it stays as it is.
    pub fn after(&self, step: &Step, by: &Actor, around: Around<'_>) -> Result<Self, Refused> {
        let mut copy = self.clone();
        copy.take(step, by, around)?;
        Ok(copy)
    }

    /// What is in the way of a kind of step: nothing, if any of its trials could be taken.
    fn obstacle(&self, kind: StepKind, by: &Actor, around: Around<'_>) -> Option<Refused> {
        let mut first = None;
        for trial in self.trials(kind, around) {
            match self.refusal(&trial, by, around) {
                Some(refused) => first = first.or(Some(refused)),
                None => return None,
            }
        }
        Some(first.unwrap_or_else(|| Refused::missing(kind, Missing::Nothing)))
    }

    /// The units to which this case can be dispatched.
    pub fn units_there<'a>(&self, units: &'a [Unit]) -> impl Iterator<Item = &'a Unit> {
        units
            .iter()
            .filter(|unit| unit.active == 1 && AreaPath::kept(unit.area.clone()).covers(&self.facts.area))
    }

    /// Co-handlers that have not finished.
    pub fn open_parts(&self) -> impl Iterator<Item = &str> {
        let co = self.state.work().into_iter().flat_map(|work| &work.co);
        co.filter(|task| matches!(task.state, TaskState::Dispatched | TaskState::Accepted))
            .map(|task| task.unit.as_str())
    }

    /// Steps of this kind with the least that they take, one for each thing that they could be about.
    fn trials(&self, kind: StepKind, around: Around<'_>) -> Vec<Step> {
        use StepKind as K;
        let x = || "-".to_owned();
        let waiting = || self.requests.iter().filter(|one| one.decision.is_none());
        match kind {
            K::HandleHere => vec![Step::HandleHere { result: x() }],
            K::PassUp => vec![Step::PassUp { to: None, reason: x() }],
            K::Void => vec![Step::Void { reason: VoidReason::NotOurs, note: x() }],
            K::Join => vec![Step::Join { into: x(), note: x() }],
            K::Split => vec![Step::Split { reason: x() }],
            K::File => vec![Step::File { category: OTHER.to_owned(), note: String::new() }],
            K::Dispatch => self
                .units_there(around.units)
                .take(1)
                .map(|unit| Step::Dispatch { lead: unit.unit.clone(), co: vec![], note: String::new() })
                .collect(),
            K::Accept => vec![Step::Accept {}],
            K::Withdraw => vec![Step::Withdraw { reason: x() }],
            K::AskReturn => vec![Step::AskReturn { reason: x() }],
            K::AskExtension => {
                vec![Step::AskExtension { by: Limit::new(1, Counts::WorkingDay), reason: x() }]
            }
            K::AskSuspension => {
                vec![Step::AskSuspension { until: around.now.plus_ms(HOUR_MS), reason: x() }]
            }
            K::AskResumption => vec![Step::AskResumption { reason: x() }],
            // It has one of them at most already.
            K::AskCategory => [OTHER, "noise"]
                .map(|category| Step::AskCategory { category: category.to_owned(), reason: x() })
                .into(),
            K::Endorse => waiting()
                .filter(|one| one.endorsed_by.is_none())
                .map(|one| Step::Endorse { request: one.id.clone(), note: String::new() })
                .collect(),
            K::Decide => waiting()
                .map(|one| Step::Decide { request: one.id.clone(), grant: false, reason: x() })
                .collect(),
            K::Reassign => vec![Step::Reassign { desk: x(), reason: x() }],
            K::Progress => vec![Step::Progress { text: x() }],
            K::FinishPart => vec![Step::FinishPart { result: x() }],
            K::Waive => {
                self.open_parts().map(|unit| Step::Waive { unit: unit.to_owned(), reason: x() }).collect()
            }
            K::Resume => vec![Step::Resume { reason: x() }],
            K::Report => vec![Step::Report { result: x() }],
            K::Check => vec![Step::Check { agrees: true, note: x() }],
            K::Rework => vec![Step::Rework { reason: x() }],
            K::Close => vec![Step::Close { note: String::new() }],
            K::Reopen => vec![Step::Reopen { reason: x() }],
            K::CallBack => {
                let satisfaction = Some(Satisfaction::Satisfied);
                vec![Step::CallBack { reached: true, satisfaction, note: String::new() }]
            }
            K::Remind => vec![Step::Remind { text: x() }],
            K::Supervise => {
                Card::ALL.iter().map(|card| Step::Supervise { card: *card, reason: x() }).collect()
            }
            K::LiftCard => {
                self.cards.iter().map(|card| Step::LiftCard { card: *card, reason: x() }).collect()
            }
        }
    }
}
