//! SQL of evidence.

use std::collections::HashSet;

use protocol::{Delivery, Evidence, Origin, Sha256Hex, TenantId, UtcMs};

use super::Grant;
use crate::case::store::visible;
use crate::db::from_row;
use crate::db::{Db, Insert, Result, Tx};
use crate::device::store::seen_box;
use crate::{args, case};

const LINKS: Insert = Insert {
    into:
        "insert into evidence_links (tenant, owner, owner_id, sha256, device_id, kind, media_type, size_bytes,
               delivery, starts_at_ms, duration_ms, masked, footage, copy_of, blurred)",
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
        file.masked,
        file.footage.as_ref().and_then(|footage| serde_json::to_string(footage).ok()),
        file.copy_of().map(Sha256Hex::as_str),
        file.blurred
    ];
    tx.later(LINKS, row);
}

/// What lets a file that is here be shown: that the box which sent it names it for a case, and, where it stays on site
/// until asked for, that a request about the same case brought it. Or that a request about no case did. Only of cases that
/// this user may see. What people bring is named by its case alone.
pub(super) async fn grants(
    db: &Db,
    tenant: &TenantId,
    sha256: &Sha256Hex,
    case_number: Option<&str>,
    user: &str,
) -> Result<Vec<Grant>> {
    db.fetch_all(
        concat!(
            "select cases.number as case_number, cases.call_id, cases.area, l.kind, l.media_type, e.size_bytes
             from evidence e
             join evidence_links l on l.tenant = e.tenant and l.sha256 = e.sha256 and l.device_id = e.device_id
                  and l.owner = 'incident'
             join incidents i on i.tenant = l.tenant and i.incident_id = l.owner_id
             join cases on cases.tenant = i.tenant and cases.case_id = i.case_id
             where e.tenant = $1 and e.sha256 = $2 and ($3 = '' or cases.number = $3)
               and (l.delivery = 'automatic' or exists (
                    select 1 from evidence_links r
                    join commands m on m.tenant = r.tenant and m.command_id = r.owner_id
                    where r.tenant = l.tenant and r.owner = 'command' and r.sha256 = l.sha256
                      and r.device_id = l.device_id and m.case_id = cases.case_id))",
            visible!("$4"),
            " union
             select cases.number as case_number, cases.call_id, coalesce(cases.area, d.area, '/') as area, l.kind, l.media_type, e.size_bytes
             from evidence e
             join evidence_links l on l.tenant = e.tenant and l.sha256 = e.sha256 and l.device_id = e.device_id
                  and l.owner = 'command'
             join commands m on m.tenant = l.tenant and m.command_id = l.owner_id
             left join cases on cases.tenant = m.tenant and cases.case_id = m.case_id
             left join devices d on d.tenant = m.tenant and d.device_id = m.device_id
             where e.tenant = $1 and e.sha256 = $2 and ($3 = '' or cases.number = $3)
               and ((cases.case_id is null",
            seen_box!("$4"),
            ") or (cases.case_id is not null",
            visible!("$4"),
            ")) union
             select cases.number as case_number, cases.call_id, cases.area, 'attachment' as kind, a.media_type, a.size_bytes
             from attachments a
             join cases on cases.tenant = a.tenant and cases.case_id = a.case_id
             where a.tenant = $1 and a.sha256 = $2 and ($3 = '' or cases.number = $3)",
            visible!("$4"),
            " order by 1, 4"
        ),
        args![tenant, sha256, case_number.unwrap_or_default(), user],
    )
    .await
}

/// Whether this box has sent the file before. That another has says nothing: it would give what is not this box's.
async fn is_here(tx: &mut Tx, upload: &Upload) -> Result<bool> {
    let row: Option<(i64,)> = tx
        .fetch_optional(
            "select size_bytes from evidence where tenant = $1 and device_id = $2 and sha256 = $3",
            args![&upload.tenant, &upload.device_id, &upload.sha256],
        )
        .await?;
    Ok(row.is_some())
}

/// Whether an incident or answer of this box names the file.
async fn is_named(tx: &mut Tx, upload: &Upload) -> Result<bool> {
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select sha256 from evidence_links where tenant = $1 and sha256 = $2 and device_id = $3 limit 1",
            args![&upload.tenant, &upload.sha256, &upload.device_id],
        )
        .await?;
    Ok(row.is_some())
}

/// Whether another box has sent the same content.
pub(super) async fn is_of_another(db: &Db, upload: &Upload) -> Result<bool> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select device_id from evidence where tenant = $1 and sha256 = $2 and device_id <> $3 limit 1",
            args![&upload.tenant, &upload.sha256, &upload.device_id],
        )
        .await?;
    Ok(row.is_some())
}

/// A begun upload.
#[derive(Clone, Debug, PartialEq, Eq)]
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

from_row!(Upload: tenant, upload_id, device_id, sha256, kind, media_type, size_bytes, offset_bytes,
    expires_at_ms);

/// What a box has here, and what it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Begun and not finished.
    pub(super) unfinished: i64,
    /// Bytes of begun and finished files that nothing of this box names yet, each counted [`FILE_COST`] larger.
    pub(super) unlinked_bytes: i64,
    /// Bytes of the files it has finished since a moment.
    pub(super) recent_bytes: i64,
}

from_row!(Held: unfinished, unlinked_bytes, recent_bytes);

/// What a file costs besides its bytes: a row and an inode. Otherwise a quota of bytes would allow any number of empty
/// ones.
pub(super) const FILE_COST: i64 = 64 * 1024;

async fn held(tx: &mut Tx, upload: &Upload, since_ms: i64) -> Result<Held> {
    tx.fetch_one(
        "select
             (select count(*) from uploads u
              where u.tenant = $1 and u.device_id = $2 and u.offset_bytes < u.size_bytes) as unfinished,
             (select cast(coalesce(sum(u.size_bytes + $3), 0) as bigint) from uploads u
              where u.tenant = $1 and u.device_id = $2 and u.offset_bytes < u.size_bytes and not exists (
                  select 1 from evidence_links l
                  where l.tenant = u.tenant and l.sha256 = u.sha256 and l.device_id = u.device_id))
             + (select cast(coalesce(sum(e.size_bytes + $3), 0) as bigint) from evidence e
                where e.tenant = $1 and e.device_id = $2 and not exists (
                    select 1 from evidence_links l
                    where l.tenant = e.tenant and l.sha256 = e.sha256 and l.device_id = e.device_id))
                 as unlinked_bytes,
             (select cast(coalesce(sum(e.size_bytes), 0) as bigint) from evidence e
              where e.tenant = $1 and e.device_id = $2 and e.stored_at_ms > $4) as recent_bytes",
        args![&upload.tenant, &upload.device_id, FILE_COST, since_ms],
    )
    .await
}

/// What is known when a box begins to send a file.
pub(super) struct Beginning {
    pub(super) here: bool,
    pub(super) named: bool,
    pub(super) held: Held,
}

/// Looks, as the only writer, at what a box has; an earlier upload of the same file by the same box makes room.
/// Returns that one's id, whose file is to be removed after the commit.
pub(super) async fn look(tx: &mut Tx, upload: &Upload, since_ms: i64) -> Result<(Beginning, Vec<String>)> {
    tx.lock_tenant(&upload.tenant).await?;
    let earlier: Vec<(String,)> = tx
        .fetch_all(
            "delete from uploads where tenant = $1 and device_id = $2 and sha256 = $3 returning upload_id",
            args![&upload.tenant, &upload.device_id, &upload.sha256],
        )
        .await?;
    let beginning = Beginning {
        here: is_here(tx, upload).await?,
        named: is_named(tx, upload).await?,
        held: held(tx, upload, since_ms).await?,
    };
    Ok((beginning, earlier.into_iter().map(|(id,)| id).collect()))
}

pub(super) async fn begin(tx: &mut Tx, upload: &Upload, now: UtcMs) -> Result<()> {
    tx.execute(
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

/// Ids of every begun upload.
pub(super) async fn all_uploads(db: &Db) -> Result<HashSet<String>> {
    let rows: Vec<(String,)> = db.fetch_all("select upload_id from uploads", args![]).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
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

/// Notes a whole file and wakes the screens of every case that names it.
pub(super) async fn finish(tx: &mut Tx, upload: &Upload, now: UtcMs) -> Result<()> {
    let tenant = upload.tenant.as_str();
    tx.lock_tenant(tenant).await?;
    tx.execute(
        "insert into evidence (tenant, sha256, device_id, kind, media_type, size_bytes, stored_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (tenant, device_id, sha256) do nothing",
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
             where l.tenant = $1 and l.owner = 'incident' and l.sha256 = $2 and l.device_id = $3
             union
             select m.case_id from evidence_links l
             join commands m on m.tenant = l.tenant and m.command_id = l.owner_id
             where l.tenant = $1 and l.owner = 'command' and l.sha256 = $2 and l.device_id = $3
               and m.case_id is not null",
            args![tenant, &upload.sha256, &upload.device_id],
        )
        .await?;
    for (case_id,) in cases {
        case::store::touch(tx, tenant, &case_id, now).await?;
    }
    Ok(())
}
