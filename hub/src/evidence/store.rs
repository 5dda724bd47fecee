//! SQL of evidence.

use protocol::{Delivery, DeviceId, Evidence, Origin, Sha256Hex, TenantId, UtcMs};

use super::Grant;
use crate::db::{Db, Insert, Result, Tx};
use crate::{args, case};

const LINKS: Insert = Insert {
    into:
        "insert into evidence_links (tenant, owner, owner_id, sha256, device_id, kind, media_type, size_bytes,
               delivery, starts_at_ms, duration_ms, masked)",
    tail: "on conflict (tenant, owner, owner_id, sha256) do nothing",
};

/// Notes that an incident or a command's answer names a file.
pub fn link(tx: &mut Tx, origin: &Origin, owner: &str, owner_id: &str, file: &Evidence) {
    let delivery = match file.delivery {
        Delivery::Automatic => "automatic",
        Delivery::OnRequest => "on_request",
    };
    let row = args![
        &origin.tenant,
        owner,
        owner_id,
        &file.sha256,
        &origin.device,
        file.kind.as_str(),
        &file.media_type,
        i64::try_from(file.size_bytes).unwrap_or(i64::MAX),
        delivery,
        file.starts_at,
        file.duration_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
        file.masked
    ];
    tx.later(LINKS, row);
}

/// What lets a file that is here be shown: that a case names it, and, where it stays on site until asked for, that a
/// request about the same case brought it. Or that a request about no case did.
pub(super) async fn grants(
    db: &Db,
    tenant: &TenantId,
    sha256: &Sha256Hex,
    case_number: Option<&str>,
) -> Result<Vec<Grant>> {
    db.fetch_all(
        "select c.number as case_number, c.call_id, l.kind, l.media_type, e.size_bytes
         from evidence e
         join evidence_links l on l.tenant = e.tenant and l.sha256 = e.sha256 and l.owner = 'incident'
         join incidents i on i.tenant = l.tenant and i.incident_id = l.owner_id
         join cases c on c.tenant = i.tenant and c.case_id = i.case_id
         where e.tenant = $1 and e.sha256 = $2 and ($3 = '' or c.number = $3)
           and (l.delivery = 'automatic' or exists (
                select 1 from evidence_links r
                join commands m on m.tenant = r.tenant and m.command_id = r.owner_id
                where r.tenant = l.tenant and r.owner = 'command' and r.sha256 = l.sha256
                  and m.case_id = c.case_id))
         union
         select c.number as case_number, c.call_id, l.kind, l.media_type, e.size_bytes
         from evidence e
         join evidence_links l on l.tenant = e.tenant and l.sha256 = e.sha256 and l.owner = 'command'
         join commands m on m.tenant = l.tenant and m.command_id = l.owner_id
         left join cases c on c.tenant = m.tenant and c.case_id = m.case_id
         where e.tenant = $1 and e.sha256 = $2 and ($3 = '' or c.number = $3)
         order by 1, 3",
        args![tenant, sha256, case_number.unwrap_or_default()],
    )
    .await
}

pub(super) async fn is_here(db: &Db, tenant: &TenantId, sha256: &Sha256Hex) -> Result<bool> {
    let row: Option<(i64,)> = db
        .fetch_optional(
            "select size_bytes from evidence where tenant = $1 and sha256 = $2",
            args![tenant, sha256],
        )
        .await?;
    Ok(row.is_some())
}

pub(super) async fn is_named(db: &Db, tenant: &TenantId, sha256: &Sha256Hex) -> Result<bool> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select sha256 from evidence_links where tenant = $1 and sha256 = $2 limit 1",
            args![tenant, sha256],
        )
        .await?;
    Ok(row.is_some())
}

/// A begun upload.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Upload {
    pub(super) tenant: String,
    pub(super) upload_id: String,
    pub(super) device_id: String,
    pub(super) sha256: String,
    pub(super) kind: String,
    pub(super) media_type: String,
    pub(super) size_bytes: i64,
    pub(super) offset_bytes: i64,
    pub(super) expires_at_ms: i64,
}

pub(super) async fn begin(db: &Db, upload: &Upload, now: UtcMs) -> Result<()> {
    db.execute(
        "insert into uploads (tenant, upload_id, device_id, sha256, kind, media_type, size_bytes, offset_bytes,
             created_at_ms, expires_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![
            &upload.tenant,
            &upload.upload_id,
            &upload.device_id,
            &upload.sha256,
            &upload.kind,
            &upload.media_type,
            upload.size_bytes,
            upload.offset_bytes,
            now,
            upload.expires_at_ms
        ],
    )
    .await?;
    Ok(())
}

/// A device sees only its own uploads.
pub(super) async fn upload(db: &Db, origin: &Origin, upload_id: &str) -> Result<Option<Upload>> {
    db.fetch_optional(
        "select tenant, upload_id, device_id, sha256, kind, media_type, size_bytes, offset_bytes, expires_at_ms
         from uploads where tenant = $1 and device_id = $2 and upload_id = $3",
        args![&origin.tenant, &origin.device, upload_id],
    )
    .await
}

pub(super) async fn advance(db: &Db, upload: &Upload, offset_bytes: i64, expires_at: UtcMs) -> Result<()> {
    db.execute(
        "update uploads set offset_bytes = $3, expires_at_ms = $4 where tenant = $1 and upload_id = $2",
        args![&upload.tenant, &upload.upload_id, offset_bytes, expires_at],
    )
    .await?;
    Ok(())
}

pub(super) async fn forget(db: &Db, upload: &Upload) -> Result<()> {
    db.execute(
        "delete from uploads where tenant = $1 and upload_id = $2",
        args![&upload.tenant, &upload.upload_id],
    )
    .await?;
    Ok(())
}

pub(super) async fn expired(db: &Db, now: UtcMs) -> Result<Vec<Upload>> {
    db.fetch_all(
        "select tenant, upload_id, device_id, sha256, kind, media_type, size_bytes, offset_bytes, expires_at_ms
         from uploads where expires_at_ms <= $1 limit 100",
        args![now],
    )
    .await
}

/// Bytes this device has here that nothing names yet: begun uploads and finished files.
pub(super) async fn unlinked_bytes(db: &Db, tenant: &TenantId, device: &DeviceId) -> Result<i64> {
    let (uploads,): (i64,) = db
        .fetch_one(
            "select cast(coalesce(sum(u.size_bytes), 0) as bigint) from uploads u
             where u.tenant = $1 and u.device_id = $2 and u.offset_bytes < u.size_bytes and not exists (
                 select 1 from evidence_links l where l.tenant = u.tenant and l.sha256 = u.sha256)",
            args![tenant, device],
        )
        .await?;
    let (files,): (i64,) = db
        .fetch_one(
            "select cast(coalesce(sum(e.size_bytes), 0) as bigint) from evidence e
             where e.tenant = $1 and e.device_id = $2 and not exists (
                 select 1 from evidence_links l where l.tenant = e.tenant and l.sha256 = e.sha256)",
            args![tenant, device],
        )
        .await?;
    Ok(uploads + files)
}

/// Notes a whole file and wakes the screens of every case that names it.
pub(super) async fn finish(tx: &mut Tx, upload: &Upload, now: UtcMs) -> Result<()> {
    let tenant = upload.tenant.as_str();
    tx.lock_tenant(tenant).await?;
    tx.execute(
        "insert into evidence (tenant, sha256, device_id, kind, media_type, size_bytes, stored_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (tenant, sha256) do nothing",
        args![
            tenant,
            &upload.sha256,
            &upload.device_id,
            &upload.kind,
            &upload.media_type,
            upload.size_bytes,
            now
        ],
    )
    .await?;
    let cases: Vec<(String,)> = tx
        .fetch_all(
            "select i.case_id from evidence_links l
             join incidents i on i.tenant = l.tenant and i.incident_id = l.owner_id
             where l.tenant = $1 and l.owner = 'incident' and l.sha256 = $2
             union
             select m.case_id from evidence_links l
             join commands m on m.tenant = l.tenant and m.command_id = l.owner_id
             where l.tenant = $1 and l.owner = 'command' and l.sha256 = $2 and m.case_id is not null",
            args![tenant, &upload.sha256],
        )
        .await?;
    for (case_id,) in cases {
        case::store::touch(tx, tenant, &case_id, now).await?;
    }
    Ok(())
}
