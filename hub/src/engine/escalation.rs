//! An emergency that nobody has in hand: told to who is on duty, then to the leader of the shift, then to the level above,
//! and again until somebody says that he has it.

use protocol::{Severity, UtcMs};
use serde_json::json;

use super::claim::Claim;
use super::store::{self, DueCase, Unanswered};
use crate::app::App;
use crate::case;
use crate::db;
use crate::notice::{self, Audience, Kind, Notice};
use crate::organisation::duty::{self, Post};
use crate::organisation::{AreaPath, Level};
use crate::user::Role;
use crate::workflow::store::StepError;

pub(super) async fn pass(app: &App, now: UtcMs) -> db::Result<u64> {
    for tenant in store::unwatched(&app.db).await? {
        let mut tx = app.db.begin().await?;
        tx.lock_tenant(&tenant).await?;
        let policy = app.policies.newest_in(&mut tx, &tenant, now).await?;
        store::watch(&mut tx, &tenant, i64::from(policy.emergency.acknowledge_s) * 1_000).await?;
        tx.commit().await?;
    }
    let (mut claim, mut done) = (Claim::new(app, "emergency", now), 0);
    while let Some(own) = claim.next(store::unanswered(&app.db, now).await?, DueCase::subject).await? {
        for due in own {
            done += claim.told(due.subject(), tell(app, &due, now).await).await?;
        }
    }
    claim.release().await?;
    Ok(done)
}

async fn tell(app: &App, due: &DueCase, now: UtcMs) -> Result<bool, StepError> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(&due.tenant).await?;
    let emergency = app.policies.newest_in(&mut tx, &due.tenant, now).await?.emergency;
    let Some(case) = store::still_unanswered(&mut tx, due, now).await? else { return Ok(false) };
    if case.waits == 0 {
        store::set_escalation(&mut tx, &due.tenant, &case.case_id, case.escalation, None).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let step = case.escalation + 1;
    let audience = audience(&mut tx, &due.tenant, &case, step, now).await?;
    let notice = Notice {
        cause: format!("{}/emergency/{}/{step}", due.number, now.0),
        kind: Kind::Emergency,
        severity: Severity::Emergency,
        case_number: due.number.clone(),
        text_zh: format!("紧急案件无人确认：{}", case.title_zh),
        text_en: format!("Nobody has acknowledged this emergency: {}", case.title_en),
        audience: audience.clone(),
    };
    notice::tell(&mut tx, &due.tenant, &app.new_id(), &notice, now).await?;
    let detail = json!({ "step": step, "told": audience.iter().map(Audience::in_words).collect::<Vec<_>>() });
    case::store::append(&mut tx, &due.tenant, &case.case_id, now, "hub", "escalated", &detail).await?;
    let wait_ms = 1_000 * i64::from(if step < 3 { emergency.acknowledge_s } else { emergency.repeat_s });
    store::set_escalation(&mut tx, &due.tenant, &case.case_id, step, Some(now.plus_ms(wait_ms))).await?;
    tx.commit().await?;
    Ok(true)
}

/// Who is told at a step. Where nobody is on the roster, everybody whose task it is.
async fn audience(
    tx: &mut db::Tx,
    tenant: &str,
    case: &Unanswered,
    step: i64,
    now: UtcMs,
) -> db::Result<Vec<Audience>> {
    let area = AreaPath::kept(case.area.clone());
    let level: Level = case.level.parse().unwrap_or(Level::County);
    let rostered = match step {
        1 => duty::on_duty(tx, tenant, &area, Post::Duty, now).await?,
        2 => duty::on_duty(tx, tenant, &area, Post::Leader, now).await?,
        _ => Vec::new(),
    };
    if !rostered.is_empty() {
        return Ok(rostered.iter().map(|name| Audience::user(name)).collect());
    }
    let roles: &[Role] = match (step, level) {
        (1, Level::Grid) => &[Role::GridManager],
        (1, Level::Community) => &[Role::CommunityOfficer],
        (1, Level::Town) => &[Role::TownOfficer],
        (1, Level::County) => &[Role::Operator, Role::Dispatcher],
        (2, _) => &[Role::ShiftLeader],
        (_, Level::Grid) => &[Role::CommunityOfficer, Role::Commander],
        (_, Level::Community) => &[Role::TownOfficer, Role::Commander],
        _ => &[Role::Commander],
    };
    Ok(roles.iter().map(|role| Audience::role(*role, area.as_str())).collect())
}
