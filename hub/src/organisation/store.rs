//! SQL of areas and units.

use protocol::UtcMs;

use super::duty::Turn;
use super::edit::Planned;
use super::{Area, Unit, unit};
use crate::args;
use crate::db::{Arg, Db, Result, Tx};

pub async fn areas(db: &Db, tenant: &str) -> Result<Vec<Area>> {
    db.fetch_all(
        "select area, parent, level, name_zh, name_en, rural, path from areas where tenant = $1 order by path",
        args![tenant],
    )
    .await
}

pub async fn areas_in(tx: &mut Tx, tenant: &str) -> Result<Vec<Area>> {
    tx.fetch_all(
        "select area, parent, level, name_zh, name_en, rural, path from areas where tenant = $1 order by path",
        args![tenant],
    )
    .await
}

/// An area by its id.
pub async fn area(db: &Db, tenant: &str, area: &str) -> Result<Option<Area>> {
    db.fetch_optional(
        "select area, parent, level, name_zh, name_en, rural, path from areas where tenant = $1 and area = $2",
        args![tenant, area],
    )
    .await
}

/// Which areas are villages, as a transaction learns it.
const RURAL: &str = "rural area";

/// Whether the area at a path is a village or lies in one.
pub async fn is_rural(tx: &mut Tx, tenant: &str, path: &str) -> Result<bool> {
    let of = format!("{tenant} {path}");
    if let Some(Arg::Int(Some(rural))) = tx.known(RURAL, &of) {
        return Ok(*rural != 0);
    }
    let (count,): (i64,) = tx
        .fetch_one(
            "select count(*) from areas
             where tenant = $1 and rural = 1 and substr(cast($2 as text), 1, length(path)) = path",
            args![tenant, path],
        )
        .await?;
    tx.learn(RURAL, &of, count > 0);
    Ok(count > 0)
}

pub async fn put_area(tx: &mut Tx, tenant: &str, area: &Area) -> Result<()> {
    tx.unlearn(RURAL);
    tx.execute(
        "insert into areas (tenant, area, parent, level, name_zh, name_en, rural, path)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant, area) do update set name_zh = excluded.name_zh, name_en = excluded.name_en,
             rural = excluded.rural",
        args![
            tenant,
            &area.area,
            area.parent.clone(),
            &area.level,
            &area.name_zh,
            &area.name_en,
            area.rural,
            &area.path
        ],
    )
    .await?;
    Ok(())
}

pub async fn units(db: &Db, tenant: &str) -> Result<Vec<Unit>> {
    db.fetch_all(
        "select unit, name_zh, name_en, area, active from units where tenant = $1 order by unit",
        args![tenant],
    )
    .await
}

pub async fn units_in(tx: &mut Tx, tenant: &str) -> Result<Vec<Unit>> {
    tx.fetch_all(
        "select unit, name_zh, name_en, area, active from units where tenant = $1 order by unit",
        args![tenant],
    )
    .await
}

pub(super) async fn put_unit(tx: &mut Tx, tenant: &str, unit: &Unit) -> Result<()> {
    tx.execute(
        "insert into units (tenant, unit, name_zh, name_en, area, active) values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant, unit) do update set name_zh = excluded.name_zh, name_en = excluded.name_en,
             area = excluded.area, active = excluded.active",
        args![tenant, &unit.unit, &unit.name_zh, &unit.name_en, &unit.area, unit.active],
    )
    .await?;
    Ok(())
}

/// Gives a tenant without units the county's own; safe to run twice.
pub async fn seed_units(db: &Db, tenant: &str) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.lock_tenant(tenant).await?;
    if !units_in(&mut tx, tenant).await?.is_empty() {
        return Ok(());
    }
    for (id, name_zh, name_en) in unit::SEED {
        let named = Unit {
            unit: id.to_owned(),
            name_zh: name_zh.to_owned(),
            name_en: name_en.to_owned(),
            area: "/".to_owned(),
            active: 1,
        };
        put_unit(&mut tx, tenant, &named).await?;
    }
    for slot in unit::SEED.len() + 1..=unit::SLOTS {
        let free = Unit {
            unit: format!("slot{slot}"),
            name_zh: format!("职能部门{slot}"),
            name_en: format!("Department {slot}"),
            area: "/".to_owned(),
            active: 0,
        };
        put_unit(&mut tx, tenant, &free).await?;
    }
    tx.commit().await
}

/// Takes back what was planned within a time.
pub(super) async fn clear_turns(
    tx: &mut Tx,
    tenant: &str,
    (area, post): (&str, &str),
    (from, to): (i64, i64),
) -> Result<()> {
    tx.execute(
        "delete from duties where tenant = $1 and area = $2 and post = $3 and from_ms >= $4 and to_ms <= $5",
        args![tenant, area, post, from, to],
    )
    .await?;
    Ok(())
}

/// Puts a turn into the roster; `false` when it is there already.
pub(super) async fn insert_turn(tx: &mut Tx, tenant: &str, id: &str, turn: &Turn) -> Result<bool> {
    let made = tx
        .execute(
            "insert into duties (tenant, duty_id, user_name, post, area, from_ms, to_ms)
             select cast($1 as text), cast($2 as text), cast($3 as text), cast($4 as text), cast($5 as text),
                    cast($6 as bigint), cast($7 as bigint)
             where not exists (select 1 from duties where tenant = $1 and user_name = $3 and post = $4 and area = $5
                               and from_ms = $6 and to_ms = $7)",
            args![tenant, id, &turn.user, &turn.post, &turn.area, turn.from, turn.to],
        )
        .await?;
    Ok(made > 0)
}

/// Turns that lie in a time, even in part.
pub(super) async fn planned(db: &Db, tenant: &str, from: UtcMs, to: UtcMs) -> Result<Vec<Planned>> {
    db.fetch_all(
        "select duty_id, user_name, post, area, from_ms, to_ms from duties
         where tenant = $1 and to_ms > $2 and from_ms < $3 order by from_ms, post, user_name, duty_id",
        args![tenant, from, to],
    )
    .await
}

pub(super) async fn turn_in(tx: &mut Tx, tenant: &str, duty_id: &str) -> Result<Option<Planned>> {
    tx.fetch_optional(
        "select duty_id, user_name, post, area, from_ms, to_ms from duties where tenant = $1 and duty_id = $2",
        args![tenant, duty_id],
    )
    .await
}

pub(super) async fn remove_turn(tx: &mut Tx, tenant: &str, duty_id: &str) -> Result<()> {
    tx.execute("delete from duties where tenant = $1 and duty_id = $2", args![tenant, duty_id]).await?;
    Ok(())
}

/// Names and areas of those who have a post now over an area that has this one in it; the nearest area first.
pub(super) async fn on_duty(
    tx: &mut Tx,
    tenant: &str,
    area: &str,
    post: &str,
    now: UtcMs,
) -> Result<Vec<(String, String)>> {
    tx.fetch_all(
        "select user_name, area from duties
         where tenant = $1 and post = $2 and from_ms <= $3 and to_ms > $3
           and substr(cast($4 as text), 1, length(area)) = area
         order by length(area) desc, user_name",
        args![tenant, post, now, area],
    )
    .await
}

pub(super) async fn turns(db: &Db, tenant: &str, now: UtcMs) -> Result<Vec<Turn>> {
    let rows: Vec<(String, String, String, i64, i64)> = db
        .fetch_all(
            "select user_name, post, area, from_ms, to_ms from duties where tenant = $1 and to_ms > $2
             order by from_ms, post, user_name",
            args![tenant, now],
        )
        .await?;
    let turn = |(user, post, area, from, to)| Turn { user, post, area, from: UtcMs(from), to: UtcMs(to) };
    Ok(rows.into_iter().map(turn).collect())
}
