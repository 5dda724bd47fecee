//! What happens by the clock: reminders, cards, the end of suspensions, emergencies that nobody has in hand.
//!
//! Each pass is a reconciler: it reads what is due, claims some of it for a while ([`claim`]), and does each thing in a
//! transaction of its own under the tenant's lock, where it looks again whether it still is. So it may run twice, on several
//! hubs, and die at any point: what was done is done once, and what was not comes at the next pass, or when the claim has run
//! out.

pub mod centre;
pub(crate) mod claim;
mod escalation;
mod store;
#[cfg(test)]
mod tests;

use protocol::{Severity, UtcMs};

use crate::app::App;
use crate::case;
use crate::correlation::shelf;
use crate::db;
use crate::notice::{self, Audience, Kind, Notice};
use crate::organisation::Level;
use crate::user::Role;
use crate::workflow::store::{StepError, With};
use crate::workflow::{self, Actor, Answers, Card, Clock, ClockKind, Deed, Dossier, Said, State, Step};
use claim::Claim;
pub(crate) use store::claims::unclaimed;
use store::{DueCase, DueClock};

/// What could not be done is tried again then.
const LATER_MS: i64 = 5 * 60_000;

/// Moments that one clock has, at most.
const MOST_MOMENTS: usize = 5;

/// One pass; returns how many things were done. One that fails is tried again and does not hold up the others.
pub async fn pass(app: &App, now: UtcMs) -> db::Result<u64> {
    // Lives first.
    let mut done = escalation::pass(app, now).await?;
    done += shelf::pass(app, now).await?;
    done += older(app, now).await?;
    done += suspensions(app, now).await?;
    // Of a clock that was not looked at for long several moments have passed.
    for _ in 0..MOST_MOMENTS {
        let moved = clocks(app, now).await?;
        done += moved;
        if moved == 0 {
            break;
        }
    }
    Ok(done)
}

async fn older(app: &App, now: UtcMs) -> db::Result<u64> {
    let (mut claim, mut done) = (Claim::new(app, "older", now), 0);
    while let Some(own) = claim.next(store::without_clocks(&app.db, now).await?, DueCase::subject).await? {
        for due in own {
            done += claim.told(due.subject(), begin_clocks(app, &due, now).await).await?;
        }
    }
    claim.release().await?;
    Ok(done)
}

async fn suspensions(app: &App, now: UtcMs) -> db::Result<u64> {
    let (mut claim, mut done) = (Claim::new(app, "suspension", now), 0);
    while let Some(own) = claim.next(store::over(&app.db, now).await?, DueCase::subject).await? {
        for due in own {
            done += claim.told(due.subject(), resume(app, &due, now).await).await?;
        }
    }
    claim.release().await?;
    Ok(done)
}

/// The next moment of each clock.
async fn clocks(app: &App, now: UtcMs) -> db::Result<u64> {
    let (mut claim, mut done) = (Claim::new(app, "clock", now), 0);
    while let Some(own) = claim.next(store::due_clocks(&app.db, now).await?, DueClock::subject).await? {
        for due in own {
            let result = clock(app, &due, now).await;
            if result.is_err() {
                store::postpone_clock(&app.db, &due, now.plus_ms(LATER_MS)).await?;
            }
            done += claim.told(due.subject(), result).await?;
        }
    }
    claim.release().await?;
    Ok(done)
}

/// A case that was open before there were clocks: what it waits for runs from now.
async fn begin_clocks(app: &App, due: &DueCase, now: UtcMs) -> Result<bool, StepError> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(&due.tenant).await?;
    let Some(before) = workflow::store::load(&mut tx, &due.tenant, &due.number).await? else {
        return Ok(false);
    };
    let policy = app.policies.newest_in(&mut tx, &due.tenant, now).await?;
    let mut after = before.clone();
    if !after.begin_clocks(&policy, now) {
        return Ok(false);
    }
    workflow::store::save(&mut tx, &due.tenant, &before, &after).await?;
    case::store::record(&mut tx, &due.tenant, &after, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// What a person says by hand, told to whose turn it is.
pub async fn tell_by_hand(
    tx: &mut db::Tx,
    tenant: &str,
    dossier: &Dossier,
    step: &Step,
    with: With<'_>,
) -> db::Result<()> {
    let (kind, zh, en) = match step {
        Step::Remind { text } => (Kind::Overdue, format!("催办：{text}"), format!("Reminder: {text}")),
        Step::Supervise { card, reason } => {
            (Kind::Card, format!("{}：{reason}", card.zh()), format!("{}: {reason}", card.en()))
        }
        _ => return Ok(()),
    };
    let audience = match dossier.next_due() {
        Some(clock) => responsible(dossier, clock),
        None => vec![Audience::role(Role::Dispatcher, dossier.facts.area.as_str())],
    };
    let notice = Notice {
        cause: format!("{}/by hand/{}", dossier.facts.number, with.id),
        kind,
        severity: dossier.facts.severity,
        case_number: dossier.facts.number.clone(),
        text_zh: zh,
        text_en: en,
        audience,
    };
    notice::tell(tx, tenant, with.id, &notice, with.now).await?;
    Ok(())
}

/// A suspension is over.
async fn resume(app: &App, due: &DueCase, now: UtcMs) -> Result<bool, StepError> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(&due.tenant).await?;
    let Some(dossier) = workflow::store::load(&mut tx, &due.tenant, &due.number).await? else {
        return Ok(false);
    };
    let over = matches!(&dossier.state, State::Suspended(.., suspension) if suspension.until.0 <= now.0);
    if !over {
        return Ok(false);
    }
    let id = app.new_id();
    let with = With { policies: &app.policies, now, id: &id };
    let said = Said::SuspensionOver {};
    let step = Step::Resume { reason: said.words(|at| app.local_time(at)).0 };
    let saying = (&step, Some(&said));
    workflow::store::take_saying(&mut tx, &due.tenant, &due.number, saying, &Actor::hub(), with).await?;
    tx.commit().await?;
    Ok(true)
}

/// A clock's next moment has come.
async fn clock(app: &App, due: &DueClock, now: UtcMs) -> Result<bool, StepError> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(&due.tenant).await?;
    let Some(dossier) = workflow::store::load(&mut tx, &due.tenant, &due.number).await? else {
        return Ok(false);
    };
    let case_id = dossier.facts.case_id.clone();
    let Some(stage) = store::still_due(&mut tx, &case_id, due, now).await? else { return Ok(false) };
    let found = dossier
        .clocks
        .iter()
        .find(|clock| clock.kind.as_str() == due.clock && clock.task == due.task && clock.nth == due.nth);
    let Some((clock, ends)) = found.and_then(|clock| Some((clock, clock.due_at?))) else { return Ok(false) };
    let policy = app.policies.version_in(&mut tx, &due.tenant, clock.policy).await?;
    let moments =
        workflow::moments(&policy, clock.kind, clock.limit, clock.started_at, ends, &dossier.pauses);
    let at = usize::try_from(stage).unwrap_or(usize::MAX);
    let Some((_, deed)) = moments.get(at) else {
        store::set_stage(&mut tx, &case_id, due, stage, None).await?;
        tx.commit().await?;
        return Ok(false);
    };
    // Nobody is reminded at night, except of emergencies.
    let urgent = dossier.facts.severity == Severity::Emergency;
    if let Some(opens) = policy.calendar.next_open(now).filter(|opens| opens.0 > now.0 && !urgent) {
        store::set_stage(&mut tx, &case_id, due, stage, Some(opens)).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let next = moments.get(at + 1).map(|(at, _)| *at);
    let late_to_warn = *deed == Deed::Warn && ends.0 <= now.0;
    if !dossier.facts.drill && !late_to_warn {
        act(app, &mut tx, due, &dossier, clock, (stage, *deed), now).await?;
    }
    store::set_stage(&mut tx, &case_id, due, stage + 1, next).await?;
    tx.commit().await?;
    Ok(true)
}

async fn act(
    app: &App,
    tx: &mut db::Tx,
    due: &DueClock,
    dossier: &Dossier,
    clock: &Clock,
    (stage, deed): (i64, Deed),
    now: UtcMs,
) -> Result<(), StepError> {
    let (zh, en) = (clock.kind.zh(), clock.kind.en());
    let ends = clock.due_at.map(|at| app.local_time(at)).unwrap_or_default();
    let limit = clock.limit;
    let (kind, text_zh, text_en) = match deed {
        Deed::Warn => (
            Kind::DueSoon,
            format!("{zh}期限将到：{ends}（{}）", limit.zh()),
            format!("{en} is due soon: {ends} ({limit})"),
        ),
        Deed::Remind => (
            Kind::Overdue,
            format!("催办：{zh}已超期，期限 {ends}（{}）", limit.zh()),
            format!("Reminder: {en} is overdue since {ends} ({limit})"),
        ),
        Deed::Show(card) => (
            Kind::Card,
            format!("{}：{zh}已超期，期限 {ends}（{}）", card.zh(), limit.zh()),
            format!("{}: {en} is overdue since {ends} ({limit})", card.en()),
        ),
    };
    let step = match deed {
        Deed::Warn => None,
        Deed::Remind => Some(Step::Remind { text: text_zh.clone() }),
        // Shown already, by a leader or for another task.
        Deed::Show(card) if dossier.cards.contains(&card) => None,
        Deed::Show(card) => Some(Step::Supervise { card, reason: text_zh.clone() }),
    };
    let id = app.new_id();
    if let Some(step) = step {
        let with = With { policies: &app.policies, now, id: &id };
        let said = clock.due_at.map(|due_at| Said::Overdue { clock: clock.kind, due_at, limit });
        let saying = (&step, said.as_ref());
        workflow::store::take_saying(tx, &due.tenant, &due.number, saying, &Actor::hub(), with).await?;
    }
    let mut audience = responsible(dossier, clock);
    if matches!(deed, Deed::Show(Card::Red | Card::Black)) {
        audience.push(Audience::role(Role::Commander, dossier.facts.area.as_str()));
    }
    let (task, nth) = (due.task, due.nth);
    let notice = Notice {
        cause: format!("{}/{}/{task}/{nth}/{stage}/{ends}", due.number, due.clock),
        kind,
        severity: dossier.facts.severity,
        case_number: due.number.clone(),
        text_zh,
        text_en,
        audience,
    };
    notice::tell(tx, &due.tenant, &app.new_id(), &notice, now).await?;
    Ok(())
}

/// Whose turn it is: the unit of the task, or the people of the level that has the case.
fn responsible(dossier: &Dossier, clock: &Clock) -> Vec<Audience> {
    let area = dossier.facts.area.as_str();
    if let Some(task) =
        dossier.state.work().and_then(|work| work.tasks().find(|task| task.task == clock.task))
    {
        return vec![Audience::unit(&task.unit)];
    }
    let roles: &[Role] = match (clock.kind, dossier.answers()) {
        (ClockKind::Verify, _) => &[Role::GridManager, Role::Dispatcher],
        (_, Answers::Level(level)) => people_of(level, clock.kind),
        _ => &[Role::Dispatcher],
    };
    roles.iter().map(|role| Audience::role(*role, area)).collect()
}

fn people_of(level: Level, clock: ClockKind) -> &'static [Role] {
    match (level, clock) {
        (Level::Grid, _) => &[Role::GridManager],
        (Level::Community, _) => &[Role::CommunityOfficer],
        (Level::Town, _) => &[Role::TownOfficer],
        (Level::County, ClockKind::Dispatch) => &[Role::Dispatcher, Role::ShiftLeader],
        (Level::County, _) => &[Role::Operator, Role::ShiftLeader],
    }
}
