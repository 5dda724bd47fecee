//! Who a box is: one-time codes, certificates, tokens, and being shut out.

use protocol::{DeviceId, Origin, TenantId, UtcMs};

use super::sha256;
use crate::args;
use crate::change::{self, ChangeTopic};
use crate::db::{Db, Result, Tx};
use crate::device::{DeviceError, origin_of_name};
use crate::pki::Signed;

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
            "select tenant, device_id from enrolment_codes where code_sha256 = $1",
            args![sha256(code)],
        )
        .await?;
    let origin = row.and_then(|(tenant, device)| origin_of_name(&format!("{tenant}/{device}")));
    let origin = origin.ok_or(DeviceError::Code)?;
    // The tenant's lock comes first, as everywhere, or this and a new code for the box could wait for each other.
    tx.lock_tenant(origin.tenant.as_str()).await?;
    let taken = tx
        .execute(
            "update enrolment_codes set used_at_ms = $3
             where tenant = $1 and code_sha256 = $2 and used_at_ms is null and expires_at_ms > $3",
            args![&origin.tenant, sha256(code), now],
        )
        .await?;
    if taken == 0 { Err(DeviceError::Code) } else { Ok(origin) }
}

/// Notes certificate and token of an enrolled device; older ones stop counting. The caller holds the tenant's lock.
pub async fn set_identity(
    tx: &mut Tx,
    origin: &Origin,
    certificate: &Signed,
    token: &str,
    now: UtcMs,
) -> Result<()> {
    let tenant = origin.tenant.as_str();
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

/// The enrolled device that holds this token.
pub async fn by_token(db: &Db, token: &str) -> Result<Option<Origin>> {
    let row: Option<(String, String)> = db
        .fetch_optional(
            "select tenant, device_id from devices where token_sha256 = $1 and state = 'enrolled'",
            args![sha256(token)],
        )
        .await?;
    Ok(row.and_then(|(tenant, device)| origin_of_name(&format!("{tenant}/{device}"))))
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
    let origin = |tenant, device| origin_of_name(&format!("{tenant}/{device}"));
    Ok(rows.into_iter().filter_map(|(t, d, serial)| Some((origin(t, d)?, serial))).collect())
}

/// `tenant/device` of every device that is shut out.
pub async fn disabled_names(db: &Db) -> Result<Vec<String>> {
    let rows: Vec<(String, String)> =
        db.fetch_all("select tenant, device_id from devices where state = 'disabled'", args![]).await?;
    Ok(rows.into_iter().map(|(tenant, device)| format!("{tenant}/{device}")).collect())
}
