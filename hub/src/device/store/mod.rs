//! SQL of boxes.

mod identity;
pub(super) mod place;
mod presence;

use protocol::{BootId, Origin};
use sha2::{Digest, Sha256};

pub use identity::{
    add, by_token, disabled, disabled_names, may_connect, set_disabled, set_identity, superseded, take_code,
};
pub use presence::{Silent, note_silence, save_status, set_lost, still_to_tell, to_tell_of};

use super::{Device, Gap};
use crate::args;
use crate::db::{Arg, Db, Insert, Result, Tx};

macro_rules! device_columns {
    ($rest:literal) => {
        concat!(
            "select d.tenant, d.device_id, d.title, d.state, d.created_at_ms, d.enrolled_at_ms,
                    d.certificate_expires_at_ms, s.state as link, s.status, s.last_seen_at_ms, s.offline_since_ms,
                    s.skew_ms, s.clock_synced,
                    (select cast(coalesce(sum(b.highest - b.received), 0) as bigint) from device_boots b
                     where b.tenant = d.tenant and b.device_id = d.device_id and b.highest > b.received) as missing
             from devices d left join device_status s on s.tenant = d.tenant and s.device_id = d.device_id ",
            $rest
        )
    };
}

/// Only boxes `d` that a user may see: those that stand in the area of one of his roles that see boxes (as
/// [`crate::user::Act::SeeDevices`] lists them). The argument holds his name; nothing for the hub itself.
macro_rules! seen_box {
    ($user:literal) => {
        concat!(
            " and (cast(",
            $user,
            " as text) = '' or exists (
                select 1 from grants g where g.tenant = d.tenant and g.user_name = ",
            $user,
            " and g.role in ('administrator', 'operator', 'commander', 'shift_leader', 'dispatcher', 'installer',
                             'auditor')
                  and g.unit = '' and substr(d.area, 1, length(g.area)) = g.area))"
        )
    };
}
pub(crate) use seen_box;

/// Boxes that this user may see.
pub async fn list(db: &Db, tenant: &str, user: &str) -> Result<Vec<Device>> {
    db.fetch_all(
        concat!(device_columns!("where d.tenant = $1"), seen_box!("$2"), " order by d.device_id"),
        args![tenant, user],
    )
    .await
}

/// A box that this user may see.
pub async fn get(db: &Db, tenant: &str, user: &str, device_id: &str) -> Result<Option<Device>> {
    db.fetch_optional(
        concat!(device_columns!("where d.tenant = $1 and d.device_id = $2"), seen_box!("$3")),
        args![tenant, device_id, user],
    )
    .await
}

/// Where a box stands; nothing for one that is not known.
pub async fn area(db: &Db, tenant: &str, device_id: &str) -> Result<Option<String>> {
    let row: Option<(String,)> = db
        .fetch_optional(
            "select area from devices where tenant = $1 and device_id = $2",
            args![tenant, device_id],
        )
        .await?;
    Ok(row.map(|(area,)| area))
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

/// Where a box stands, as a transaction learns it.
const AREA: &str = "area of a box";

/// Where a box stands, by an area's path; nothing of one that is not known.
pub async fn area_in(tx: &mut Tx, origin: &Origin) -> Result<Option<String>> {
    let of = format!("{}/{}", origin.tenant, origin.device);
    if let Some(Arg::Text(area)) = tx.known(AREA, &of) {
        return Ok(area.clone());
    }
    let row: Option<(String,)> = tx
        .fetch_optional(
            "select area from devices where tenant = $1 and device_id = $2",
            args![&origin.tenant, &origin.device],
        )
        .await?;
    let area = row.map(|(area,)| area);
    tx.learn(AREA, &of, area.clone());
    Ok(area)
}

/// Says where a box stands, by an area's path; returns whether there is such a box. Cases that it has raised stay where they
/// were.
pub async fn set_area(tx: &mut Tx, origin: &Origin, area: &str) -> Result<bool> {
    tx.unlearn(AREA);
    let touched = tx
        .execute(
            "update devices set area = $3 where tenant = $1 and device_id = $2",
            args![&origin.tenant, &origin.device, area],
        )
        .await?;
    Ok(touched > 0)
}

/// Runs of this box of which messages are missing, the oldest first.
pub async fn gaps(db: &Db, tenant: &str, device_id: &str) -> Result<Vec<Gap>> {
    db.fetch_all(
        "select boot, highest, received from device_boots
         where tenant = $1 and device_id = $2 and highest > received order by boot",
        args![tenant, device_id],
    )
    .await
}

const BOOTS: Insert = Insert {
    into: "insert into device_boots (tenant, device_id, boot, highest, received)",
    tail: "on conflict (tenant, device_id, boot) do update set
             highest = case when excluded.highest > device_boots.highest then excluded.highest
                            else device_boots.highest end,
             received = device_boots.received + excluded.received",
};

/// Counts messages of one run of a box that are kept for the first time. Once per run and transaction.
pub fn count_messages(tx: &mut Tx, origin: &Origin, boot: BootId, highest: i64, received: i64) {
    tx.later(BOOTS, args![&origin.tenant, &origin.device, &boot, highest, received]);
}

pub(crate) fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
