//! SQL of drafts and walk tests.

use protocol::UtcMs;

use super::{At, Draft, Kept, Walk};
use crate::args;
use crate::db::{Db, Result, from_row};
use crate::device::store::seen_box;

/// Cameras of which one person has drafts lying about; the oldest go.
const MOST_DRAFTS: i64 = 50;

struct DraftRow {
    draft: String,
    based_on: i64,
    saved_at_ms: i64,
}

from_row!(DraftRow: draft, based_on, saved_at_ms);

/// Somebody's draft of a camera.
pub(super) async fn draft(db: &Db, at: &At, user: &str) -> Result<Option<Kept>> {
    let row: Option<DraftRow> = db
        .fetch_optional(
            "select draft, based_on, saved_at_ms from camera_drafts
             where tenant = $1 and user_name = $2 and device_id = $3 and camera_id = $4",
            args![&at.origin.tenant, user, &at.origin.device, &at.camera],
        )
        .await?;
    // One that another version of the hub has written may not be readable.
    Ok(row.and_then(|row| {
        let draft: Draft = serde_json::from_str(&row.draft).ok()?;
        Some(Kept { draft, based_on: u64::try_from(row.based_on).ok()?, saved_at: UtcMs(row.saved_at_ms) })
    }))
}

/// A draft that lies about, by its camera.
#[derive(Clone, Debug)]
pub struct Lying {
    pub device_id: String,
    pub camera_id: String,
    pub based_on: i64,
    pub saved_at_ms: i64,
}

from_row!(Lying: device_id, camera_id, based_on, saved_at_ms);

/// Somebody's drafts, of boxes that he sees.
pub(super) async fn drafts(db: &Db, tenant: &str, user: &str) -> Result<Vec<Lying>> {
    db.fetch_all(
        concat!(
            "select t.device_id, t.camera_id, t.based_on, t.saved_at_ms
             from camera_drafts t join devices d on d.tenant = t.tenant and d.device_id = t.device_id
             where t.tenant = $1 and t.user_name = $2",
            seen_box!("$2"),
            " order by t.saved_at_ms desc, t.device_id, t.camera_id"
        ),
        args![tenant, user],
    )
    .await
}

pub(super) async fn put_draft(db: &Db, at: &At, user: &str, kept: &Kept) -> Result<()> {
    let json = serde_json::to_string(&kept.draft).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let based_on = i64::try_from(kept.based_on).unwrap_or(i64::MAX);
    let mut tx = db.begin().await?;
    tx.execute(
        "insert into camera_drafts (tenant, user_name, device_id, camera_id, draft, based_on, saved_at_ms)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant, user_name, device_id, camera_id) do update
             set draft = excluded.draft, based_on = excluded.based_on, saved_at_ms = excluded.saved_at_ms",
        args![&at.origin.tenant, user, &at.origin.device, &at.camera, json, based_on, kept.saved_at],
    )
    .await?;
    tx.execute(
        "delete from camera_drafts where tenant = $1 and user_name = $2 and saved_at_ms < (
             select min(saved_at_ms) from (
                 select saved_at_ms from camera_drafts where tenant = $1 and user_name = $2
                 order by saved_at_ms desc limit $3) newest)",
        args![&at.origin.tenant, user, MOST_DRAFTS],
    )
    .await?;
    tx.commit().await
}

pub(super) async fn remove_draft(db: &Db, at: &At, user: &str) -> Result<()> {
    db.execute(
        "delete from camera_drafts
         where tenant = $1 and user_name = $2 and device_id = $3 and camera_id = $4",
        args![&at.origin.tenant, user, &at.origin.device, &at.camera],
    )
    .await?;
    Ok(())
}

struct WalkRow {
    rules: String,
    from_ms: i64,
    until_ms: i64,
}

from_row!(WalkRow: rules, from_ms, until_ms);

/// Somebody's newest walk test of a camera.
pub(super) async fn walk(db: &Db, at: &At, user: &str) -> Result<Option<Walk>> {
    let row: Option<WalkRow> = db
        .fetch_optional(
            "select rules, from_ms, until_ms from camera_walks
             where tenant = $1 and user_name = $2 and device_id = $3 and camera_id = $4",
            args![&at.origin.tenant, user, &at.origin.device, &at.camera],
        )
        .await?;
    Ok(row.map(|row| Walk { rules: row.rules, from: UtcMs(row.from_ms), until: UtcMs(row.until_ms) }))
}

/// One takes the place of the one before.
pub(super) async fn put_walk(db: &Db, at: &At, user: &str, walk: &Walk) -> Result<()> {
    db.execute(
        "insert into camera_walks (tenant, user_name, device_id, camera_id, rules, from_ms, until_ms)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant, user_name, device_id, camera_id) do update
             set rules = excluded.rules, from_ms = excluded.from_ms, until_ms = excluded.until_ms",
        args![&at.origin.tenant, user, &at.origin.device, &at.camera, &walk.rules, walk.from, walk.until],
    )
    .await?;
    Ok(())
}

/// Ends a walk test now, if it goes on.
pub(super) async fn end_walk(db: &Db, at: &At, user: &str, now: UtcMs) -> Result<()> {
    db.execute(
        "update camera_walks set until_ms = $5
         where tenant = $1 and user_name = $2 and device_id = $3 and camera_id = $4 and until_ms > $5",
        args![&at.origin.tenant, user, &at.origin.device, &at.camera, now],
    )
    .await?;
    Ok(())
}
