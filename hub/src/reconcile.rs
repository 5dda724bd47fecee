//! Periodic work: each pass reads the truth and puts it right; running it twice, or on two replicas, changes nothing.

use std::time::Duration;

use protocol::{Incident, IncidentId, IncidentKind, Phase, Severity, Subject, UtcMs};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::device::store::Silent;
use crate::device::{self, LOST_AFTER_MS, SILENT_AFTER_MS};
use crate::field;
use crate::intake::{self, Context};
use crate::{
    admin, attachment, cap, case, command, contact, db, engine, notice, open311, outbound, platform, public,
    push, self_test,
};

const EVERY: Duration = Duration::from_secs(5);
/// Live pages that were away for longer read everything anew.
const KEEP_CHANGES_MS: i64 = 7 * DAY_MS;
const KEEP_NOTICES_MS: i64 = 90 * DAY_MS;
const DAY_MS: i64 = 86_400_000;

pub async fn run(app: App, stop: CancellationToken) {
    step("removing what broken uploads left", app.evidence.remove_orphans().await);
    while !stop.is_cancelled() {
        pass(&app).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// One pass. A step that fails is tried again at the next and does not hold up the others.
pub async fn pass(app: &App) {
    let now = app.clock.now();
    let mut told = step("ending commands", command::store::expire(&app.db, now).await);
    // A broker that is away silences every box, and so does a hub that was: neither is the boxes' doing.
    let heard_since = app.metrics.broker_since();
    if heard_since.is_some_and(|since| now.since_ms(since) > SILENT_AFTER_MS) {
        let limit_ms = now.0 - SILENT_AFTER_MS;
        told += step("noting silence", device::store::note_silence(&app.db, limit_ms, now).await);
    }
    told += step("telling of silent boxes", silent_boxes(app, now).await);
    told += step("the workflow", engine::pass(app, now).await);
    told += step("self-tests of boxes", self_test::pass(app, now).await);
    told += step("taking alerts back", cap::due(app).await);
    step("forgetting wrong codes", public::forget(app, now).await);
    step("forgetting repeated forms", open311::forget(app, now).await);
    step("forgetting what nobody confirmed", admin::draft::forget(app).await);
    step("forgetting repeated reports", field::forget(app, now).await);
    step("sealing the history", case::seal::due(app, now).await);
    step("forgetting old notices", notice::prune(&app.db, now.0 - KEEP_NOTICES_MS).await);
    step("forgetting what was sent", outbound::prune(&app.db, now).await);
    step("forgetting browsers of those who are gone", push::prune(&app.db).await);
    step("removing uploads", app.evidence.remove_expired().await);
    let quarantine_ms = i64::from(app.config.intake.quarantine_days) * DAY_MS;
    step("emptying quarantine", intake::store::forget_quarantine(&app.db, now.0 - quarantine_ms).await);
    app.running.forget_old();
    step("removing pictures that nobody named", attachment::prune(app).await);
    step("forgetting old progress", platform::prune(&app.db, now).await);
    step("reading the gazetteer", app.gazetteers.newest(&app.db, app.tenant().as_str()).await.map(drop));
    step("deleting callback numbers", contact::store::expire(&app.db, now).await);
    step("forgetting old changes", app.changes.prune(now.0 - KEEP_CHANGES_MS).await);
    if told > 0 {
        app.changes.wake();
    }
}

fn step<T: Default>(what: &str, result: Result<T, impl std::fmt::Display>) -> T {
    result.unwrap_or_else(|error| {
        tracing::warn!("periodic work: {what}: {error}; trying again");
        T::default()
    })
}

/// Opens an incident for each box that has been offline for a while, and ends it when the box is back.
async fn silent_boxes(app: &App, now: UtcMs) -> db::Result<u64> {
    let boxes = device::store::to_tell_of(&app.db, now.0 - LOST_AFTER_MS).await?;
    let mut told = 0;
    for silent in boxes {
        // One box that cannot be told of does not hide the others.
        told += step("telling of a silent box", tell_of(app, &silent, now).await);
    }
    Ok(told)
}

/// Returns how many were told of.
async fn tell_of(app: &App, silent: &Silent, now: UtcMs) -> db::Result<u64> {
    let Some(origin) = device::origin_of_name(&format!("{}/{}", silent.tenant, silent.device_id)) else {
        return Ok(0);
    };
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(&silent.tenant).await?;
    // Again under the lock: another replica may have told meanwhile.
    let Some(silent) = device::store::still_to_tell(&mut tx, silent, now.0 - LOST_AFTER_MS).await? else {
        return Ok(0);
    };
    let known: Option<Incident> =
        silent.lost_incident.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let (incident, keep) = match known {
        Some(open) => (ended(open, now), None),
        None => {
            let since = UtcMs(silent.offline_since_ms.unwrap_or(now.0));
            let open = opened(IncidentId::new(&app.chance, now), since, now);
            let text = serde_json::to_string(&open).map_err(|error| sqlx::Error::Encode(error.into()))?;
            (open, Some(text))
        }
    };
    let context = Context {
        chance: &app.chance,
        zone: &app.zone,
        now,
        quarantine_most: app.config.intake.quarantine_per_device,
        contact_life_ms: app.config.contact.life_ms(),
        policies: &app.policies,
        grids: &app.grids,
        gazetteers: &app.gazetteers,
    };
    intake::incident(&mut tx, context, &origin, &incident).await?;
    device::store::set_lost(&mut tx, &silent, keep).await?;
    tx.commit().await?;
    Ok(1)
}

fn opened(incident_id: IncidentId, since: UtcMs, now: UtcMs) -> Incident {
    Incident {
        incident_id,
        revision: 1,
        phase: Phase::Opened,
        kind: IncidentKind::DeviceLost,
        severity: Severity::Major,
        subject: Subject::Device,
        place: None,
        started_at: since,
        updated_at: now,
        ended_at: None,
        evidence: Vec::new(),
        drill: false,
    }
}

fn ended(open: Incident, now: UtcMs) -> Incident {
    Incident {
        revision: open.revision + 1,
        phase: Phase::Ended,
        updated_at: now,
        ended_at: Some(now),
        ..open
    }
}
