//! The table of moves: from which states each begins, and whose it is. Change it here and every route, page and
//! explanation follows.

use super::refusal::{But, Missing, Refused};
use super::{Actor, Dossier, Part, State, StepKind, Task};
use crate::case::CaseState;
use crate::organisation::Level;
use crate::user::{Grant, Role};

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Law {
    pub from: &'static [CaseState],
    pub who: Who,
}

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// These roles, at the level that has the case.
    Holder(&'static [Role]),
    /// These roles, at that level or above.
    FromHolder(&'static [Role]),
    /// These roles, wherever their area has the case.
    Area(&'static [Role]),
    /// These roles of the lead unit.
    Lead(&'static [Role]),
    /// These roles of a co-handler.
    Co(&'static [Role]),
    /// These roles of any unit that has a part in it.
    Unit(&'static [Role]),
}

use CaseState::{Closed, Dispatched, Filed, InProgress, Received, Suspended, Verifying, Void};
use Role::{
    Administrator, Attendant, Commander, CommunityOfficer, DepartmentHead, Dispatcher, GridManager, Handler,
    Informant, Operator, ShiftLeader, TownOfficer,
};

const CENTRE: &[Role] = &[Dispatcher, ShiftLeader, Commander];
const LEADERS: &[Role] = &[ShiftLeader, Commander];
const OF_UNIT: &[Role] = &[Handler, DepartmentHead];
const OPEN: &[CaseState] = &[Received, Filed, Dispatched, InProgress, Verifying, Suspended];

/// The table.
pub(super) fn law(step: StepKind) -> Law {
    use StepKind as K;
    use Who::{Area, Co, FromHolder, Holder, Lead, Unit};
    let (from, who): (&'static [CaseState], Who) = match step {
        K::HandleHere => (&[Received], Holder(&[GridManager, CommunityOfficer, TownOfficer])),
        K::PassUp => (&[Received], Holder(&[GridManager, CommunityOfficer, TownOfficer])),
        K::Void | K::Join => (
            &[Received, Filed],
            FromHolder(&[
                Operator,
                Dispatcher,
                ShiftLeader,
                Commander,
                GridManager,
                CommunityOfficer,
                TownOfficer,
            ]),
        ),
        K::Split => (&[Void], Area(&[Operator, Dispatcher, ShiftLeader, Commander])),
        // Whoever may file the ticket of a call files its case by it.
        K::File => (
            &[Received],
            FromHolder(&[
                Operator,
                Dispatcher,
                ShiftLeader,
                Commander,
                CommunityOfficer,
                TownOfficer,
                Administrator,
            ]),
        ),
        K::Dispatch => (&[Filed], Area(CENTRE)),
        K::Accept => (&[Dispatched, InProgress, Suspended], Unit(OF_UNIT)),
        K::Withdraw => (&[Dispatched], Area(CENTRE)),
        K::AskReturn => (&[Dispatched, InProgress], Lead(OF_UNIT)),
        K::AskExtension => (&[InProgress], Unit(OF_UNIT)),
        K::AskSuspension => (&[InProgress], Lead(OF_UNIT)),
        K::AskResumption => (&[Suspended], Lead(OF_UNIT)),
        K::AskCategory => (
            &[Filed, Dispatched, InProgress],
            Area(&[Operator, Dispatcher, ShiftLeader, Commander, CommunityOfficer, TownOfficer]),
        ),
        K::Endorse => (&[InProgress], Unit(&[DepartmentHead])),
        K::Decide => (&[Filed, Dispatched, InProgress, Suspended], Area(CENTRE)),
        K::Reassign => (&[Dispatched, InProgress], Unit(&[DepartmentHead])),
        K::Progress => (&[InProgress], Unit(OF_UNIT)),
        K::FinishPart => (&[InProgress], Co(OF_UNIT)),
        K::Waive => (&[Dispatched, InProgress], Area(CENTRE)),
        K::Resume => (&[Suspended], Area(CENTRE)),
        K::Report => (&[InProgress], Lead(OF_UNIT)),
        K::Check => (&[Verifying], Area(&[GridManager, Informant, Attendant, CommunityOfficer, TownOfficer])),
        K::Rework => (
            &[Verifying],
            Area(&[
                GridManager,
                Informant,
                Attendant,
                CommunityOfficer,
                TownOfficer,
                Dispatcher,
                ShiftLeader,
                Commander,
            ]),
        ),
        K::Close => (&[Verifying], Area(CENTRE)),
        K::Reopen => (&[Closed], Area(&[Operator, Dispatcher, ShiftLeader, Commander])),
        K::CallBack => (&[Verifying, Closed], Area(&[Operator, ShiftLeader])),
        K::Remind => {
            (OPEN, Area(&[Operator, Dispatcher, ShiftLeader, Commander, TownOfficer, CommunityOfficer]))
        }
        K::Supervise | K::LiftCard => (OPEN, Area(LEADERS)),
    };
    Law { from, who }
}

/// A move that could be made of a case, as one user sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub step: StepKind,
    /// Why not.
    pub refused: Option<Refused>,
}

impl Dossier {
    /// Every move that begins where the case is, for this user.
    pub fn offers(&self, by: &Actor) -> Vec<Offer> {
        let here = self.state.word();
        let begins = StepKind::ALL.iter().copied().filter(|step| law(*step).from.contains(&here));
        let joined = matches!(&self.state, State::Void { into: Some(_), .. });
        let but = |step| {
            let apart = step == StepKind::Split && !joined;
            apart.then(|| Refused::missing(step, Missing::NotJoined))
        };
        begins
            .map(|step| Offer { step, refused: allows(self, step, None, by).err().or_else(|| but(step)) })
            .collect()
    }
}

/// Whether the table lets this user make the move. `request`: what an approval is about; some only leaders grant.
pub(super) fn allows(
    dossier: &Dossier,
    step: StepKind,
    request: Option<&str>,
    by: &Actor,
) -> Result<(), Refused> {
    let Law { from, who } = law(step);
    let here = dossier.state.word();
    if !from.contains(&here) {
        return Err(Refused::State { step, from: here, begins: from });
    }
    if by.is_hub() {
        return Ok(());
    }
    let who = match request.and_then(|id| dossier.requests.iter().find(|request| request.id == id)) {
        Some(request) if step == StepKind::Decide => Who::Area(request.ask.deciders()),
        _ => who,
    };
    judge(dossier, who, by).map_err(|(roles, but)| Refused::Who { step, roles, but })
}

fn judge(dossier: &Dossier, who: Who, by: &Actor) -> Result<(), (&'static [Role], But)> {
    let roles = who.roles();
    let fitting: Vec<&Grant> = by.grants.iter().filter(|grant| roles.contains(&grant.role)).collect();
    if fitting.is_empty() {
        return Err((roles, But::Role));
    }
    if let Who::Lead(_) | Who::Co(_) | Who::Unit(_) = who {
        let own = |task: &Task| match who {
            Who::Lead(_) => task.part == Part::Lead,
            Who::Co(_) => task.part == Part::Co,
            _ => true,
        };
        let units = dossier.state.work().into_iter().flat_map(|work| work.tasks());
        let mut units = units.filter(|task| own(task)).map(|task| task.unit.as_str());
        let has = units.any(|unit| fitting.iter().any(|grant| grant.unit.as_deref() == Some(unit)));
        return if has { Ok(()) } else { Err((roles, But::Unit)) };
    }
    let near: Vec<&&Grant> = fitting.iter().filter(|grant| grant.area.covers(&dossier.facts.area)).collect();
    if near.is_empty() {
        return Err((roles, But::Area));
    }
    // A case that is filed is with the county's centre.
    let level = match &dossier.state {
        State::Received { level } => *level,
        _ => Level::County,
    };
    let right = |grant: &Grant| match who {
        Who::Holder(_) => grant.level() == level,
        Who::FromHolder(_) => grant.level() >= level,
        _ => true,
    };
    if near.iter().any(|grant| right(grant)) { Ok(()) } else { Err((roles, But::Level(level))) }
}

impl StepKind {
    /// Whose move it is, wherever and of whatever unit.
    pub fn roles(self) -> &'static [Role] {
        law(self).who.roles()
    }
}

impl Who {
    /// Whose move it is, wherever and of whatever unit.
    pub(super) fn roles(self) -> &'static [Role] {
        let (Self::Holder(roles)
        | Self::FromHolder(roles)
        | Self::Area(roles)
        | Self::Lead(roles)
        | Self::Co(roles)
        | Self::Unit(roles)) = self;
        roles
    }
}

impl Grant {
    /// The level at which its holder works: of a role that has one, its own; else that of the area.
    pub fn level(&self) -> Level {
        match self.role {
            GridManager | Informant | Attendant => Level::Grid,
            CommunityOfficer => Level::Community,
            TownOfficer => Level::Town,
            _ => match self.area.as_str().split('/').filter(|part| !part.is_empty()).count() {
                0 | 1 => Level::County,
                2 => Level::Town,
                3 => Level::Community,
                _ => Level::Grid,
            },
        }
    }
}
