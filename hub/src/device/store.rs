//! SQL of boxes.

use protocol::{DeviceId, Origin, Status, TenantId, UtcMs};
use sha2::{Digest, Sha256};

use super::{Device, DeviceError, Gap, smooth_skew};
use crate::args;
use crate::change::{self, ChangeTopic};
use crate::db::{Db, Result, Tx};
use crate::pki::Signed;

macro_rules! device_columns {
    ($rest:literal) => {
        concat!(
            "select d.tenant, d.device_id, d.title, d.state, d.created_at_ms, d.enrolled_at_ms,
                    d.certificate_expires_at_ms, s.state as link, s.status, s.last_seen_at_ms, s.offline_since_ms,
                    s.skew_ms, s.clock_synced
             from devices d left join device_status s on s.tenant = d.tenant and s.device_id = d.device_id ",
            $rest
        )
    };
}

pub async fn list(db: &Db, tenant: &str) -> Result<Vec<Device>> {
    db.fetch_all(device_columns!("where d.tenant = $1 order by d.device_id"), args![tenant]).await
}

pub async fn get(db: &Db, tenant: &str, device_id: &str) -> Result<Option<Device>> {
    db.fetch_optional(device_columns!("where d.tenant = $1 and d.device_id = $2"), args![tenant, device_id])
        .await
}

/// The enrolled device that holds this token.
pub async fn by_token(db: &Db, token: &str) -> Result<Option<Origin>> {
    let row: Option<(String, String)> = db
        .fetch_optional(
            "select tenant, device_id from devices where token_sha256 = $1 and state = 'enrolled'",
            args![sha256(token)],
        )
        .await?;
    Ok(row.and_then(|(tenant, device)| super::origin_of_name(&format!("{tenant}/{device}"))))
}

/// Whether this certificate may speak: the device is enrolled, and this is its newest. `serial` is in hexadecimal.
/// Devices enrolled before serial numbers were kept are known by name.
pub async fn may_connect(db: &Db, origin: &Origin, serial: &str) -> Result<bool> {
    let row: Option<(Option<String>,)> = db
        .fetch_optional(
            "select certificate_serial from devices where tenant = $1 and device_id = $2 and state = 'enrolled'",
            args![&origin.tenant, &origin.device],
        )
        .await?;
    Ok(row.is_some_and(|(known,)| known.is_none_or(|known| same_serial(&known, serial))))
}

/// Writers of serial numbers differ in capitals, colons and leading zeros.
fn same_serial(a: &str, b: &str) -> bool {
    let plain = |text: &str| {
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        digits.trim_start_matches('0').to_ascii_lowercase()
    };
    plain(a) == plain(b)
}

/// Serial numbers of certificates whose device has a newer one.
pub async fn superseded(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String,)> =
        db.fetch_all("select serial from superseded_certificates order by serial", args![]).await?;
    Ok(rows.into_iter().map(|(serial,)| serial).collect())
}

/// Every device that is shut out, with the serial number of its certificate where that is known.
pub async fn disabled(db: &Db) -> Result<Vec<(Origin, Option<String>)>> {
    let rows: Vec<(String, String, Option<String>)> = db
        .fetch_all(
            "select tenant, device_id, certificate_serial from devices where state = 'disabled'
             order by tenant, device_id",
            args![],
        )
        .await?;
    let origin = |tenant, device| super::origin_of_name(&format!("{tenant}/{device}"));
    Ok(rows.into_iter().filter_map(|(t, d, serial)| Some((origin(t, d)?, serial))).collect())
}

/// `tenant/device` of every device that is shut out.
pub async fn disabled_names(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String, String)> =
        db.fetch_all("select tenant, device_id from devices where state = 'disabled'", args![]).await?;
    Ok(rows.into_iter().map(|(tenant, device)| format!("{tenant}/{device}")).collect())
}

pub async fn state_in_tx(tx: &mut Tx, origin: &Origin) -> Result<Option<String>> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select state from devices where tenant = $1 and device_id = $2",
            args![&origin.tenant, &origin.device],
        )
        .await?;
    Ok(row.map(|(state,)| state))
}

/// Creates the device if it is new, and a one-time code for it; only the code's hash is kept.
pub async fn add(
    db: &Db,
    tenant: &TenantId,
    device: &DeviceId,
    title: &str,
    code: &str,
    now: UtcMs,
    expires_at: UtcMs,
) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant.as_str()).await?;
    tx.execute(
        "insert into devices (tenant, device_id, title, state, created_at_ms) values ($1, $2, $3, 'pending', $4)
         on conflict (tenant, device_id) do nothing",
        args![tenant, device, title, now],
    )
    .await?;
    // A new code ends the older ones of the same device.
    tx.execute(
        "update enrolment_codes set used_at_ms = $3 where tenant = $1 and device_id = $2 and used_at_ms is null",
        args![tenant, device, now],
    )
    .await?;
    tx.execute(
        "insert into enrolment_codes (tenant, code_sha256, device_id, created_at_ms, expires_at_ms)
         values ($1, $2, $3, $4, $5)",
        args![tenant, sha256(code), device, now, expires_at],
    )
    .await?;
    change::record(&mut tx, tenant.as_str(), now, ChangeTopic::Device, device.as_str());
    tx.commit().await
}

/// Uses up a code; returns whose it was. Two boxes that race with one code: one wins.
pub async fn take_code(tx: &mut Tx, code: &str, now: UtcMs) -> std::result::Result<Origin, DeviceError> {
    let row: Option<(String, String)> = tx
        .fetch_optional(
            "update enrolment_codes set used_at_ms = $2
             where code_sha256 = $1 and used_at_ms is null and expires_at_ms > $2
             returning tenant, device_id",
            args![sha256(code), now],
        )
        .await?;
    row.and_then(|(tenant, device)| super::origin_of_name(&format!("{tenant}/{device}")))
        .ok_or(DeviceError::Code)
}

/// Notes certificate and token of an enrolled device; older ones stop counting.
pub async fn set_identity(
    tx: &mut Tx,
    origin: &Origin,
    certificate: &Signed,
    token: &str,
    now: UtcMs,
) -> Result<()> {
    let tenant = origin.tenant.as_str();
    tx.lock_tenant(tenant).await?;
    tx.execute(
        "insert into superseded_certificates (tenant, serial, device_id, superseded_at_ms)
         select tenant, certificate_serial, device_id, cast($3 as bigint) from devices
         where tenant = $1 and device_id = $2 and certificate_serial is not null
         on conflict (tenant, serial) do nothing",
        args![tenant, &origin.device, now],
    )
    .await?;
    tx.execute(
        "update devices set state = 'enrolled', certificate_sha256 = $3, certificate_expires_at_ms = $4,
             token_sha256 = $5, enrolled_at_ms = $6, certificate_serial = $7
         where tenant = $1 and device_id = $2",
        args![
            tenant,
            &origin.device,
            &certificate.sha256,
            certificate.expires_at,
            sha256(token),
            now,
            &certificate.serial
        ],
    )
    .await?;
    change::record(tx, tenant, now, ChangeTopic::Device, origin.device.as_str());
    Ok(())
}

/// Shuts a device out (or lets it in again, with the identity it has).
pub async fn set_disabled(
    db: &Db,
    tenant: &str,
    device_id: &str,
    disabled: bool,
    now: UtcMs,
) -> std::result::Result<(), DeviceError> {
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let touched = tx
        .execute(
            "update devices set state = case when $3 = 1 then 'disabled' when token_sha256 is null then 'pending'
                 else 'enrolled' end
             where tenant = $1 and device_id = $2",
            args![tenant, device_id, disabled],
        )
        .await?;
    if touched == 0 {
        return Err(DeviceError::Unknown(device_id.to_owned()));
    }
    if disabled {
        // A code that lies around must not let it in again.
        tx.execute(
            "update enrolment_codes set used_at_ms = $3 where tenant = $1 and device_id = $2 and used_at_ms is null",
            args![tenant, device_id, now],
        )
        .await?;
    }
    change::record(&mut tx, tenant, now, ChangeTopic::Device, device_id);
    tx.commit().await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Known {
    state: String,
    status: Option<String>,
    last_seen_at_ms: i64,
    offline_since_ms: Option<i64>,
    online_since_ms: Option<i64>,
    skew_ms: Option<i64>,
}

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

/// Runs of this box of which messages are missing.
pub async fn gaps(db: &Db, tenant: &str, device_id: &str) -> Result<Vec<Gap>> {
    db.fetch_all(
        "select boot, max(sequence) as highest, count(distinct sequence) as received from messages
         where tenant = $1 and device_id = $2 group by boot having max(sequence) > count(distinct sequence)
         order by boot",
        args![tenant, device_id],
    )
    .await
}

pub(crate) fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
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
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Silent {
    pub tenant: String,
    pub device_id: String,
    pub offline_since_ms: Option<i64>,
    /// The open incident, JSON, while there is one.
    pub lost_incident: Option<String>,
}

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
