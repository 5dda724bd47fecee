//! What a box says of itself, its silence, and what was told of that.

use protocol::{Origin, Status, UtcMs};

use crate::args;
use crate::change::{self, ChangeTopic};
use crate::db::from_row;
use crate::db::{Db, Result, Tx};
use crate::device::smooth_skew;

struct Known {
    state: String,
    status: Option<String>,
    last_seen_at_ms: i64,
    offline_since_ms: Option<i64>,
    online_since_ms: Option<i64>,
    skew_ms: Option<i64>,
}

from_row!(Known: state, status, last_seen_at_ms, offline_since_ms, online_since_ms, skew_ms);

/// Keeps the newest status. `retained` ones (and last wills) tell nothing about the box's clock or presence now.
pub async fn save_status(
    tx: &mut Tx,
    origin: &Origin,
    status: &Status,
    retained: bool,
    now: UtcMs,
) -> Result<()> {
    let tenant = origin.tenant.as_str();
    let known: Option<Known> = tx
        .fetch_optional(
            "select state, status, last_seen_at_ms, offline_since_ms, online_since_ms, skew_ms from device_status
             where tenant = $1 and device_id = $2",
            args![tenant, &origin.device],
        )
        .await?;
    // What a broker kept from before says nothing of a box that has fallen silent since.
    let silent = retained && known.as_ref().is_some_and(|known| known.state == "offline");
    let online = status.state == protocol::DeviceState::Online && !silent;
    let live = online && !retained;
    let link = if online { "online" } else { "offline" };
    let last_seen = match &known {
        Some(known) if !live => known.last_seen_at_ms,
        _ => now.0,
    };
    let offline_since =
        (!online).then(|| known.as_ref().and_then(|known| known.offline_since_ms).unwrap_or(now.0));
    let was_online = known.as_ref().filter(|known| known.state == "online");
    let online_since = online.then(|| was_online.and_then(|known| known.online_since_ms).unwrap_or(now.0));
    let known_skew = known.as_ref().and_then(|known| known.skew_ms);
    let skew = if live { Some(smooth_skew(known_skew, now.since_ms(status.at))) } else { known_skew };
    // A last will was written when the box connected; the newest full status says more.
    let text = match known.as_ref().and_then(|known| known.status.clone()) {
        Some(text) if !online => text,
        _ => serde_json::to_string(status).map_err(|error| sqlx::Error::Encode(error.into()))?,
    };
    let changed = known.as_ref().is_none_or(|known| {
        known.state != link || known.status.as_deref().map(essence) != Some(essence(&text))
    });
    tx.execute(
        "insert into device_status (tenant, device_id, state, boot, status, received_at_ms, last_seen_at_ms,
             offline_since_ms, skew_ms, clock_synced, online_since_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (tenant, device_id) do update set state = excluded.state, boot = excluded.boot,
             status = excluded.status, received_at_ms = excluded.received_at_ms,
             last_seen_at_ms = excluded.last_seen_at_ms, offline_since_ms = excluded.offline_since_ms,
             skew_ms = excluded.skew_ms, clock_synced = excluded.clock_synced,
             online_since_ms = excluded.online_since_ms",
        args![
            tenant,
            &origin.device,
            link,
            &status.boot,
            text,
            now,
            last_seen,
            offline_since,
            skew,
            status.clock_synced,
            online_since
        ],
    )
    .await?;
    if changed {
        change::record(tx, tenant, now, ChangeTopic::Device, origin.device.as_str());
    }
    Ok(())
}

/// What of a status is worth waking screens for: counters tick with every heartbeat and are not.
fn essence(status: &str) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_str(status).unwrap_or_default();
    for name in ["at", "uptime_ms", "outbox_rows", "outbox_oldest_ms", "uploads_waiting", "disk_free_bytes"] {
        if let Some(fields) = value.as_object_mut() {
            fields.remove(name);
        }
    }
    if let Some(cameras) = value.get_mut("cameras").and_then(|cameras| cameras.as_array_mut()) {
        for camera in cameras.iter_mut().filter_map(|camera| camera.as_object_mut()) {
            camera.remove("frames_per_second");
            camera.remove("frames_dropped");
        }
    }
    value
}

/// Boxes that count as online and have said nothing since `limit_ms` become offline, since they were last heard:
/// their last will may have been lost with a broker. Safe to run twice and on several replicas.
pub async fn note_silence(db: &Db, limit_ms: i64, now: UtcMs) -> Result<u64> {
    let tenants: Vec<(String,)> = db
        .fetch_all(
            "select distinct tenant from device_status where state = 'online' and last_seen_at_ms <= $1",
            args![limit_ms],
        )
        .await?;
    let mut noted = 0;
    for (tenant,) in tenants {
        let mut tx = db.begin().await?;
        tx.lock_tenant(&tenant).await?;
        let rows: Vec<(String,)> = tx
            .fetch_all(
                "update device_status set state = 'offline', offline_since_ms = last_seen_at_ms,
                     online_since_ms = null
                 where tenant = $1 and state = 'online' and last_seen_at_ms <= $2 returning device_id",
                args![&tenant, limit_ms],
            )
            .await?;
        for (device_id,) in &rows {
            change::record(&mut tx, &tenant, now, ChangeTopic::Device, device_id);
        }
        tx.commit().await?;
        noted += rows.len() as u64;
    }
    Ok(noted)
}

/// A box whose silence or return has not been told yet.
#[derive(Clone, Debug)]
pub struct Silent {
    pub tenant: String,
    pub device_id: String,
    pub offline_since_ms: Option<i64>,
    /// The open incident, JSON, while there is one.
    pub lost_incident: Option<String>,
}

from_row!(Silent: tenant, device_id, offline_since_ms, lost_incident);

/// Enrolled boxes offline since before `limit_ms` without an incident, and boxes with one that are back or were shut
/// out.
pub async fn to_tell_of(db: &Db, limit_ms: i64) -> Result<Vec<Silent>> {
    db.fetch_all(
        "select s.tenant, s.device_id, s.offline_since_ms, s.lost_incident from device_status s
         join devices d on d.tenant = s.tenant and d.device_id = s.device_id
         where (d.state = 'enrolled' and s.lost_incident is null and s.state = 'offline'
                and s.offline_since_ms <= $1)
            or (s.lost_incident is not null and (s.state = 'online' or d.state = 'disabled'))
         order by s.tenant, s.device_id limit 200",
        args![limit_ms],
    )
    .await
}

pub async fn still_to_tell(tx: &mut Tx, silent: &Silent, limit_ms: i64) -> Result<Option<Silent>> {
    tx.fetch_optional(
        "select s.tenant, s.device_id, s.offline_since_ms, s.lost_incident from device_status s
         join devices d on d.tenant = s.tenant and d.device_id = s.device_id
         where s.tenant = $1 and s.device_id = $2
           and ((d.state = 'enrolled' and s.lost_incident is null and s.state = 'offline'
                 and s.offline_since_ms <= $3)
                or (s.lost_incident is not null and (s.state = 'online' or d.state = 'disabled')))",
        args![&silent.tenant, &silent.device_id, limit_ms],
    )
    .await
}

pub async fn set_lost(tx: &mut Tx, silent: &Silent, incident: Option<String>) -> Result<()> {
    tx.execute(
        "update device_status set lost_incident = $3 where tenant = $1 and device_id = $2",
        args![&silent.tenant, &silent.device_id, incident],
    )
    .await?;
    Ok(())
}
