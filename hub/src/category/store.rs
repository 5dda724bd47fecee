//! SQL of categories.

use serde_json::json;

use super::{Categories, Category, Group, Sort};
use crate::args;
use crate::db::{Db, Error, Result, Tx, from_row};
use crate::organisation::AreaPath;

struct GroupRow {
    category_group: String,
    sort: String,
    code: String,
    name_zh: String,
    name_en: String,
}

from_row!(GroupRow: category_group, sort, code, name_zh, name_en);

struct CategoryRow {
    category: String,
    category_group: String,
    code: String,
    name_zh: String,
    name_en: String,
    kinds: String,
    hotline: String,
    units: String,
    active: i64,
}

from_row!(CategoryRow: category, category_group, code, name_zh, name_en, kinds, hotline, units, active);

const GROUPS: &str =
    "select category_group, sort, code, name_zh, name_en from category_groups where tenant = $1";
const CATEGORIES: &str =
    "select category, category_group, code, name_zh, name_en, kinds, hotline, units, active from categories
     where tenant = $1";

pub(super) async fn all(db: &Db, tenant: &str) -> Result<Categories> {
    read(db.fetch_all(GROUPS, args![tenant]).await?, db.fetch_all(CATEGORIES, args![tenant]).await?)
}

pub(super) async fn all_in(tx: &mut Tx, tenant: &str) -> Result<Categories> {
    let groups = tx.fetch_all(GROUPS, args![tenant]).await?;
    read(groups, tx.fetch_all(CATEGORIES, args![tenant]).await?)
}

fn read(groups: Vec<GroupRow>, categories: Vec<CategoryRow>) -> Result<Categories> {
    let wrong = |error: serde_json::Error| Error::Decode(error.into());
    let mut all = Categories::default();
    for row in groups {
        all.groups.push(Group {
            id: row.category_group,
            sort: Sort::kept(&row.sort),
            code: row.code,
            zh: row.name_zh,
            en: row.name_en,
        });
    }
    for row in categories {
        let units: Vec<(String, String)> = serde_json::from_str(&row.units).map_err(wrong)?;
        all.categories.push(Category {
            id: row.category,
            group: row.category_group,
            code: row.code,
            zh: row.name_zh,
            en: row.name_en,
            kinds: serde_json::from_str(&row.kinds).map_err(wrong)?,
            hotline: serde_json::from_str(&row.hotline).map_err(wrong)?,
            units: units.into_iter().map(|(area, unit)| (AreaPath::kept(area), unit)).collect(),
            active: row.active != 0,
        });
    }
    // The databases sort texts each in its own way.
    all.groups.sort_by(|a, b| a.id.cmp(&b.id));
    all.categories.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

pub(super) async fn put_group(tx: &mut Tx, tenant: &str, group: &Group) -> Result<()> {
    tx.execute(
        "insert into category_groups (tenant, category_group, sort, code, name_zh, name_en)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant, category_group) do update set sort = excluded.sort, code = excluded.code,
             name_zh = excluded.name_zh, name_en = excluded.name_en",
        args![tenant, &group.id, group.sort.as_str(), &group.code, &group.zh, &group.en],
    )
    .await?;
    Ok(())
}

pub(super) async fn put(tx: &mut Tx, tenant: &str, category: &Category) -> Result<()> {
    let units: Vec<(&str, &str)> =
        category.units.iter().map(|(area, unit)| (area.as_str(), unit.as_str())).collect();
    tx.execute(
        "insert into categories (tenant, category, category_group, code, name_zh, name_en, kinds, hotline, units, active)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (tenant, category) do update set category_group = excluded.category_group, code = excluded.code,
             name_zh = excluded.name_zh, name_en = excluded.name_en, kinds = excluded.kinds,
             hotline = excluded.hotline, units = excluded.units, active = excluded.active",
        args![
            tenant,
            &category.id,
            &category.group,
            &category.code,
            &category.zh,
            &category.en,
            json!(category.kinds).to_string(),
            json!(category.hotline).to_string(),
            json!(units).to_string(),
            category.active
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn remove(tx: &mut Tx, tenant: &str, category: &str) -> Result<()> {
    tx.execute("delete from categories where tenant = $1 and category = $2", args![tenant, category]).await?;
    Ok(())
}

pub(super) async fn remove_group(tx: &mut Tx, tenant: &str, group: &str) -> Result<()> {
    tx.execute("delete from category_groups where tenant = $1 and category_group = $2", args![tenant, group])
        .await?;
    Ok(())
}

/// Whether a case, a request, a ticket from above or a policy names it.
pub(super) async fn is_used(tx: &mut Tx, tenant: &str, category: &str) -> Result<bool> {
    // A policy is a text: what looks like the id in it is taken for it, which only keeps more.
    let (count,): (i64,) = tx
        .fetch_one(
            "select (select count(*) from (select 1 as one from cases where tenant = $1 and category = $2 limit 1) a)
                  + (select count(*) from (select 1 as one from case_requests where tenant = $1 and category = $2 limit 1) b)
                  + (select count(*) from (select 1 as one from platform_tickets where tenant = $1 and category = $2 limit 1) c)
                  + (select count(*) from policies where tenant = $1 and content like '%\"' || cast($2 as text) || '\"%')",
            args![tenant, category],
        )
        .await?;
    Ok(count > 0)
}
