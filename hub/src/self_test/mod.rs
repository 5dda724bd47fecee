//! The daily self-test alarm: each box is asked once a day to raise a drill, and the whole way is watched, from its camera to
//! the list of cases. What does not come through in time is told to those who look after boxes.
//!
//! A box that is away is not asked: that it is away is told of already. One that was enrolled today is tested from tomorrow.

mod store;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use protocol::{CommandBody, Severity, UtcMs};
use serde::Serialize;

use crate::app::App;
use crate::case::{self, number};
use crate::command::{CommandError, NewCommand};
use crate::db::{self, Db, from_row};
use crate::notice::{self, Audience, Kind, Notice};
use crate::phrase;
use crate::user::Role;
use crate::workflow::store::StepError;
use crate::workflow::{self, Actor, Said, Step};

/// What has not come through by then did not.
pub const LONGEST_MS: i64 = 10 * 60_000;

/// How a box's newest self-test went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SelfTest {
    pub device_id: String,
    /// Local day, `YYYYMMDD`.
    pub day: String,
    /// `waiting`, `passed` or `failed`.
    pub state: String,
    pub asked_at_ms: i64,
    /// When the hub had the drill, and when it had its picture.
    pub received_at_ms: Option<i64>,
    pub pictured_at_ms: Option<i64>,
    pub ended_at_ms: Option<i64>,
    /// Why it failed.
    pub reason: Option<String>,
}

from_row!(SelfTest: device_id, day, state, asked_at_ms, received_at_ms, pictured_at_ms, ended_at_ms, reason);

/// The newest one of each box, by box.
pub async fn newest(db: &Db, tenant: &str) -> db::Result<Vec<SelfTest>> {
    store::newest(db, tenant).await
}

/// Asks whom it is time to ask, and looks what became of those that were asked; returns how many ended.
pub async fn pass(app: &App, now: UtcMs) -> db::Result<u64> {
    if let Some(day) = due_day(&app.config.self_test.at, &app.zone, now) {
        for (tenant, device_id) in store::due(&app.db, &day, midnight(&app.zone, now)).await? {
            ask(app, &tenant, &device_id, &day, now).await?;
        }
    }
    let mut ended = 0;
    for waiting in store::waiting(&app.db).await? {
        match look(app, &waiting, now).await {
            Ok(true) => ended += 1,
            Ok(false) => {}
            Err(error) => tracing::warn!(device = waiting.device_id, %error, "a self-test was not looked at"),
        }
    }
    Ok(ended)
}

/// The local day, once its hour has come; nothing where self-tests are switched off.
fn due_day(at: &str, zone: &TimeZone, now: UtcMs) -> Option<String> {
    let at: jiff::civil::Time = at.parse().ok()?;
    (local(zone, now).time() >= at).then(|| number::local_day(now, zone))
}

fn local(zone: &TimeZone, now: UtcMs) -> jiff::civil::DateTime {
    let at = jiff::Timestamp::from_millisecond(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned_datetime(zone.clone()).datetime()
}

fn midnight(zone: &TimeZone, now: UtcMs) -> UtcMs {
    let day = local(zone, now).date().to_datetime(jiff::civil::Time::midnight());
    let at = day.to_zoned_datetime(zone.clone()).map(|at| at.timestamp().as_millisecond());
    UtcMs(at.unwrap_or(now.0))
}

/// The row first: of two hubs one writes it and asks.
async fn ask(app: &App, tenant: &str, device_id: &str, day: &str, now: UtcMs) -> db::Result<()> {
    let Some(origin) = crate::device::origin_of_name(&format!("{tenant}/{device_id}")) else { return Ok(()) };
    if !store::begin(&app.db, tenant, device_id, day, now).await? {
        return Ok(());
    }
    let new = NewCommand {
        origin,
        body: CommandBody::SelfTest {},
        purpose: "每日自检 Daily self-test".to_owned(),
        issued_by: "hub".to_owned(),
        case_number: None,
        life_ms: LONGEST_MS,
    };
    match app.commands.create(new).await {
        Ok(command) => store::asked(&app.db, tenant, device_id, day, &command.to_string()).await,
        Err(CommandError::Db(error)) => Err(error),
        // It has no command: it ends as what never came.
        Err(error) => {
            tracing::warn!(device = device_id, %error, "a self-test could not be asked for");
            Ok(())
        }
    }
}

/// Whether a self-test is over now.
async fn look(app: &App, waiting: &store::Waiting, now: UtcMs) -> Result<bool, StepError> {
    let seen = store::seen(&app.db, waiting).await?;
    let pictured = seen
        .as_ref()
        .and_then(|seen| if seen.pictures > 0 { seen.pictured_at_ms } else { Some(seen.received_at_ms) });
    if let (Some(seen), Some(_)) = (&seen, pictured) {
        let listed = case::store::by_number(&app.db, &waiting.tenant, "", &seen.number).await?;
        if listed.is_some_and(|case| case.drill != 0) {
            return passed(app, waiting, seen, now).await;
        }
    }
    if now.since_ms(UtcMs(waiting.asked_at_ms)) <= LONGEST_MS && waiting.failure.is_none() {
        return Ok(false);
    }
    let reason = match (&waiting.failure, &seen) {
        (Some(reason), _) => reason.clone(),
        (None, Some(_)) => "告警已到，但图片未到 The alarm came, its picture did not".to_owned(),
        (None, None) => "告警未到 The alarm never came".to_owned(),
    };
    failed(app, waiting, seen.as_ref(), &reason, now).await
}

async fn passed(
    app: &App,
    waiting: &store::Waiting,
    seen: &store::Seen,
    now: UtcMs,
) -> Result<bool, StepError> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(&waiting.tenant).await?;
    if !store::end(&mut tx, waiting, Some(seen), None, now).await? {
        return Ok(false);
    }
    let id = app.new_id();
    let said = Said::SelfTestPassed {};
    let step = Step::HandleHere { result: said.words(|at| app.local_time(at)).0 };
    match workflow::store::take_saying(
        &mut tx,
        &waiting.tenant,
        &seen.number,
        (&step, Some(&said)),
        &Actor::hub(),
        app.step_with(&id),
    )
    .await
    {
        // Somebody has ended it already.
        Ok(_) | Err(StepError::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    tx.commit().await?;
    Ok(true)
}

async fn failed(
    app: &App,
    waiting: &store::Waiting,
    seen: Option<&store::Seen>,
    reason: &str,
    now: UtcMs,
) -> Result<bool, StepError> {
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(&waiting.tenant).await?;
    if !store::end(&mut tx, waiting, seen, Some(reason), now).await? {
        return Ok(false);
    }
    let (device, area) = (&waiting.device_id, waiting.area.as_str());
    let said = phrase::reason(reason).map_or_else(|| reason.to_owned(), |known| known.zh);
    let notice = Notice {
        cause: format!("self-test/{device}/{}", waiting.day),
        kind: Kind::SelfTest,
        severity: Severity::Major,
        case_number: seen.map(|seen| seen.number.clone()).unwrap_or_default(),
        text_zh: format!("设备 {device} 自检未通过：{said}"),
        text_en: format!("Box {device} failed its self-test: {reason}"),
        audience: vec![Audience::role(Role::Installer, area), Audience::role(Role::ShiftLeader, area)],
    };
    notice::tell(&mut tx, &waiting.tenant, &app.new_id(), &notice, now).await?;
    tx.commit().await?;
    Ok(true)
}
