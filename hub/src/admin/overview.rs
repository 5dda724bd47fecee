//! What is set up, and what is missing.
//!
//! Each finding is looked for anew; nothing is kept. What a county does without on purpose stays a finding: it says what
//! then does not work.

use std::collections::BTreeSet;

use protocol::UtcMs;

use super::{By, store};
use crate::app::App;
use crate::db::Result;
use crate::organisation::edit::{self, Planned};
use crate::organisation::{self, Area, AreaPath, Level, Unit};
use crate::user::{Role, people};
use crate::{basemap, category, gazetteer, grid, policy};

/// Names of one finding that are told; the rest is counted.
pub const MOST_NAMES: usize = 8;
const HOUR_MS: i64 = 3_600_000;
/// So far a roster is looked at.
pub const ROSTER_MS: i64 = 24 * HOUR_MS;

/// What there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct There {
    pub users: usize,
    pub locked: usize,
    pub areas: usize,
    pub grids: usize,
    pub units: usize,
    pub categories: usize,
    pub policy: i64,
    pub map: Option<i64>,
    pub places: i64,
    pub knowledge: usize,
    pub basemaps: usize,
}

/// What is missing; lists are of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The first year whose holidays nobody has entered, where that is this one or the next.
    pub holidays: Option<i16>,
    pub units_without_head: Vec<Unit>,
    pub grids_without_manager: Vec<Area>,
    pub categories_without_unit: Vec<(String, String)>,
    /// Nobody is on any roster of this area.
    pub no_roster: bool,
    /// Within the next day.
    pub gaps: Vec<(UtcMs, UtcMs)>,
    pub no_basemap: bool,
    pub no_map: bool,
    pub no_gazetteer: bool,
    pub no_knowledge: bool,
    pub no_auditor: bool,
}

pub async fn look(app: &App, by: &By) -> Result<(There, Missing)> {
    let (db, tenant, now) = (&app.db, app.tenant().as_str(), by.at);
    organisation::store::seed_units(db, tenant).await?;
    let areas = organisation::store::areas(db, tenant).await?;
    let units = organisation::store::units(db, tenant).await?;
    let people = people::list(db, tenant, by).await?;
    let policy = app.policies.newest(db, tenant, now).await?;
    let categories = category::all(db, tenant).await?;
    let maps = grid::store::list(db, tenant).await?;
    let gazetteers = gazetteer::list(db, tenant).await?;
    let basemaps = basemap::list(db, tenant).await?;
    let knowledge = app.knowledge.index(db, tenant).await?;
    let turns = edit::planned(app, (now, now.plus_ms(ROSTER_MS))).await?;
    let mine = |path: &str| by.reaches(&AreaPath::kept(path.to_owned()));
    let own_units: Vec<&Unit> = units.iter().filter(|unit| unit.active == 1 && mine(&unit.area)).collect();
    let own_areas: Vec<&Area> = areas.iter().filter(|area| mine(&area.path)).collect();
    let is_grid = |area: &&&Area| area.level == Level::Grid.as_str();
    let there = There {
        users: people.iter().filter(|one| one.removed_at_ms.is_none()).count(),
        locked: people.iter().filter(|one| one.locked_at_ms.is_some() && one.removed_at_ms.is_none()).count(),
        areas: own_areas.len(),
        grids: own_areas.iter().filter(is_grid).count(),
        units: own_units.len(),
        categories: categories.categories.iter().filter(|own| own.active).count(),
        policy: policy.version,
        map: maps.first().map(|map| map.version),
        places: gazetteers.first().map_or(0, |version| version.places),
        knowledge: knowledge.entries().len(),
        basemaps: basemaps.len(),
    };
    let heads = store::held(db, tenant, Role::DepartmentHead.as_str()).await?;
    let managers = store::held(db, tenant, Role::GridManager.as_str()).await?;
    let auditors = store::held(db, tenant, Role::Auditor.as_str()).await?;
    let heads: BTreeSet<&str> = heads.iter().map(|(_, unit)| unit.as_str()).collect();
    let managed: BTreeSet<&str> = managers.iter().map(|(area, _)| area.as_str()).collect();
    let without_unit = categories.categories.iter().filter(|own| own.active && own.units.is_empty());
    let missing = Missing {
        holidays: unknown_year(&policy, now, app),
        units_without_head: own_units
            .into_iter()
            .filter(|unit| !heads.contains(unit.unit.as_str()))
            .cloned()
            .collect(),
        grids_without_manager: own_areas
            .into_iter()
            .filter(|area| area.level == Level::Grid.as_str() && !managed.contains(area.path.as_str()))
            .cloned()
            .collect(),
        categories_without_unit: without_unit.map(|own| (own.zh.clone(), own.en.clone())).collect(),
        no_roster: turns.is_empty(),
        gaps: gaps(&turns, by, now),
        no_basemap: basemaps.is_empty(),
        no_map: maps.is_empty(),
        no_gazetteer: there.places == 0,
        no_knowledge: there.knowledge == 0,
        no_auditor: auditors.is_empty(),
    };
    Ok((there, missing))
}

/// Paths of areas that somebody manages as 网格管理员.
pub async fn managed(app: &App) -> Result<BTreeSet<String>> {
    let held = store::held(&app.db, app.tenant().as_str(), Role::GridManager.as_str()).await?;
    Ok(held.into_iter().map(|(area, _)| area).collect())
}

/// Units that have a head.
pub async fn heads(app: &App) -> Result<BTreeSet<String>> {
    let held = store::held(&app.db, app.tenant().as_str(), Role::DepartmentHead.as_str()).await?;
    Ok(held.into_iter().map(|(_, unit)| unit).collect())
}

/// The first year that has no table of holidays, where that is this one or the next.
fn unknown_year(policy: &policy::Policy, now: UtcMs, app: &App) -> Option<i16> {
    let here = app.zone.to_datetime(jiff::Timestamp::from_millisecond(now.0).ok()?);
    let first = policy.calendar.unknown_from(now)?.year();
    (first <= here.year() + 1).then_some(first)
}

/// When nobody is on duty over the ground that somebody administers, where there is a roster at all: a turn counts that
/// covers the whole of it.
fn gaps(turns: &[Planned], by: &By, now: UtcMs) -> Vec<(UtcMs, UtcMs)> {
    if turns.is_empty() {
        return Vec::new();
    }
    let covers = |turn: &&Planned| {
        let area = AreaPath::kept(turn.area.clone());
        turn.post == organisation::duty::Post::Duty.as_str()
            && by.areas().iter().any(|own| covers_ground(&area, own))
    };
    let on: Vec<(i64, i64)> = turns.iter().filter(covers).map(|turn| (turn.from_ms, turn.to_ms)).collect();
    let all = edit::gaps(&on, (now.0, now.0 + ROSTER_MS));
    all.into_iter().map(|(from, to)| (UtcMs(from), UtcMs(to))).collect()
}

/// A county's own roster is over everything there is.
fn covers_ground(area: &AreaPath, own: &AreaPath) -> bool {
    let is_county = area.as_str().matches('/').count() <= 2;
    area.covers(own) || (*own == AreaPath::everything() && is_county)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(area: &str, post: &str, from_ms: i64, to_ms: i64) -> Planned {
        Planned {
            duty_id: "d".into(),
            user_name: "li".into(),
            post: post.into(),
            area: area.into(),
            from_ms,
            to_ms,
        }
    }

    /// Of the county only turns of the county count, and only those of who is on duty; without any roster there is no gap.
    #[test]
    fn gaps_of_the_county() {
        let by = By::cli(UtcMs(0));
        let found = |turns: &[Planned]| gaps(turns, &by, UtcMs(0));
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[turn("/", "duty", -1, ROSTER_MS)]), []);
        assert_eq!(found(&[turn("/c/", "duty", 0, ROSTER_MS)]), [], "the county by its own path");
        let all = [(UtcMs(0), UtcMs(ROSTER_MS))];
        assert_eq!(found(&[turn("/c/north/", "duty", 0, ROSTER_MS)]), all);
        assert_eq!(found(&[turn("/", "leader", 0, ROSTER_MS)]), all);
        let half = [turn("/", "duty", 0, 8 * HOUR_MS)];
        assert_eq!(found(&half), [(UtcMs(8 * HOUR_MS), UtcMs(ROSTER_MS))]);
    }
}
