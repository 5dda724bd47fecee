//! SQL of where boxes stand.

use crate::args;
use crate::db::{Db, Result, Tx, from_row};
use crate::device::place::Place;

struct Row {
    latitude_e6: i64,
    longitude_e6: i64,
}

from_row!(Row: latitude_e6, longitude_e6);

pub(in crate::device) async fn of(db: &Db, tenant: &str, device_id: &str) -> Result<Option<Place>> {
    let row: Option<Row> = db
        .fetch_optional(
            "select latitude_e6, longitude_e6 from box_places where tenant = $1 and device_id = $2",
            args![tenant, device_id],
        )
        .await?;
    Ok(row.map(|row| Place::of_millionths(row.latitude_e6, row.longitude_e6)))
}

struct Standing {
    area: String,
    latitude_e6: Option<i64>,
    longitude_e6: Option<i64>,
}

from_row!(Standing: area, latitude_e6, longitude_e6);

/// The area of a box and its place; nothing of one that is not known.
pub(in crate::device) async fn standing(
    tx: &mut Tx,
    tenant: &str,
    device_id: &str,
) -> Result<Option<(String, Option<(i64, i64)>)>> {
    let row: Option<Standing> = tx
        .fetch_optional(
            "select d.area, p.latitude_e6, p.longitude_e6
             from devices d left join box_places p on p.tenant = d.tenant and p.device_id = d.device_id
             where d.tenant = $1 and d.device_id = $2",
            args![tenant, device_id],
        )
        .await?;
    Ok(row.map(|row| (row.area, row.latitude_e6.zip(row.longitude_e6))))
}

pub(in crate::device) async fn put(
    tx: &mut Tx,
    tenant: &str,
    device_id: &str,
    (latitude, longitude): (i64, i64),
) -> Result<()> {
    tx.execute(
        "insert into box_places (tenant, device_id, latitude_e6, longitude_e6) values ($1, $2, $3, $4)
         on conflict (tenant, device_id) do update set latitude_e6 = excluded.latitude_e6,
             longitude_e6 = excluded.longitude_e6",
        args![tenant, device_id, latitude, longitude],
    )
    .await?;
    Ok(())
}

pub(in crate::device) async fn clear(tx: &mut Tx, tenant: &str, device_id: &str) -> Result<()> {
    tx.execute("delete from box_places where tenant = $1 and device_id = $2", args![tenant, device_id])
        .await?;
    Ok(())
}
