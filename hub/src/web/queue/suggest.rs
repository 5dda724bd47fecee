//! To whom a filed case may go: first the units that answer for its category there, then, by the record, those that have handled
//! the like there lately. Each says why; a person decides.

use std::collections::HashMap;

use super::row::ruled;
use super::store::{self, Handled, UnitLoad};
use crate::app::App;
use crate::case::{Case, CaseState};
use crate::category::Categories;
use crate::db;
use crate::organisation::{AreaPath, Unit};
use crate::web::guard::percent;
use crate::web::moves::worded;
use crate::web::text::Lang;
use crate::web::view::{PickCard, SuggestedUnit};
use crate::web::wall::AreaNames;

/// As many as there are keys.
const MOST: usize = 3;
/// How far back the record is looked at.
const DAYS: i64 = 90;
/// Levels of a path down to the community, and to the town.
const COMMUNITY: usize = 3;
const TOWN: usize = 2;

/// What is known of the units.
#[derive(Clone, Copy)]
pub(in crate::web) struct Known<'a> {
    pub(in crate::web) units: &'a [Unit],
    pub(in crate::web) categories: &'a Categories,
    pub(in crate::web) names: &'a AreaNames,
    pub(in crate::web) lang: Lang,
}

/// Units for a case, and what each unit has to do already.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Picks {
    pub(in crate::web) cards: Vec<PickCard>,
    /// By unit: open parts, and how many of them are late.
    pub(in crate::web) loads: HashMap<String, (i64, i64)>,
}

impl Picks {
    /// A unit with its load, where it has one.
    pub(in crate::web) fn with_load(&self, unit: &str, word: &str, lang: Lang) -> String {
        match self.loads.get(unit) {
            Some((opened, 0)) => format!("{word} · {} {opened}", lang.queue_opened()),
            Some((opened, late)) => {
                format!("{word} · {} {opened} · {} {late}", lang.queue_opened(), lang.queue_overdue())
            }
            None => word.to_owned(),
        }
    }
}

/// Nothing for a case that is not filed.
pub(in crate::web) async fn picks(app: &App, user: &str, case: &Case, known: Known<'_>) -> db::Result<Picks> {
    let (tenant, now) = (app.tenant().as_str(), app.clock.now());
    let Some(category) = case.category.as_deref().filter(|_| case.state == CaseState::Filed.as_str()) else {
        return Ok(Picks::default());
    };
    let loads = store::loads(&app.db, tenant, user, now).await?;
    let near = [COMMUNITY, TOWN].map(|levels| first(&case.area, levels));
    let since = now.plus_ms(-DAYS * 86_400_000);
    let handled = store::handled(&app.db, tenant, (user, category), [&near[0], &near[1]], since).await?;
    let area = AreaPath::kept(case.area.clone());
    let works = |id: &str| {
        let unit = known.units.iter().find(|unit| unit.unit == id && unit.active == 1)?;
        AreaPath::kept(unit.area.clone()).covers(&area).then_some(unit)
    };
    let ruled = ruled(case, known.units, known.categories, known.lang);
    let told = |one: &Handled| told(one, &near, known);
    let others = handled.iter().filter_map(|one| {
        let unit = works(&one.unit)?;
        Some((unit.unit.clone(), worded(&unit.name_zh, &unit.name_en, known.lang)))
    });
    let order = arranged(&ruled, others.collect(), &handled, &loads);
    let cards = order.into_iter().enumerate().map(|(at, (id, name, why))| {
        let record = handled.iter().find(|one| one.unit == id).map(told);
        let none = || known.lang.pick("近 90 天没有办过同类", "none of this kind in 90 days").to_owned();
        let load = loads.iter().find(|load| load.unit == id);
        let url = format!("/queue?unit={}", percent(&id));
        let why = [why, record.unwrap_or_else(none)];
        PickCard {
            key: at + 1,
            // Only what a rule names is taken unless somebody chooses otherwise.
            is_on: at == 0 && !ruled.is_empty(),
            why: why.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · "),
            opened: load.map_or(0, |load| load.opened),
            late: load.map_or(0, |load| load.late),
            late_url: format!("{url}&late=1"),
            opened_url: url,
            id,
            name,
        }
    });
    let cards = cards.collect();
    Ok(Picks { cards, loads: loads.into_iter().map(|load| (load.unit, (load.opened, load.late))).collect() })
}

/// The path of so many levels from the top.
fn first(path: &str, levels: usize) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(levels).collect();
    if parts.is_empty() { "/".to_owned() } else { format!("/{}/", parts.join("/")) }
}

/// Id, name, and which rule names it; the nearest of the rules first, then by the record. Pure.
fn arranged(
    ruled: &[SuggestedUnit],
    others: Vec<(String, String)>,
    handled: &[Handled],
    loads: &[UnitLoad],
) -> Vec<(String, String, String)> {
    let mut all: Vec<(String, String, String)> =
        ruled.iter().map(|one| (one.id.clone(), one.name.clone(), one.why.clone())).collect();
    for (id, name) in others {
        if all.iter().all(|known| known.0 != id) {
            all.push((id, name, String::new()));
        }
    }
    let record = |id: &str| {
        let own = handled.iter().find(|one| one.unit == id);
        let counts = own.map_or((0, 0, 0), |one| (one.near, one.town, one.everywhere));
        let opened = loads.iter().find(|load| load.unit == id).map_or(0, |load| load.opened);
        (std::cmp::Reverse(counts), opened)
    };
    // Whom the rules name first stays first; the sort keeps their order among equals.
    let from = usize::from(!ruled.is_empty());
    all[from..].sort_by_key(|one| record(&one.0));
    all.truncate(MOST);
    all
}

/// How often, in the nearest area in which it was at all.
fn told(one: &Handled, near: &[String; 2], known: Known<'_>) -> String {
    let (count, area) = match (one.near, one.town) {
        (0, 0) => (one.everywhere, ""),
        (0, town) => (town, near[1].as_str()),
        (count, _) => (count, near[0].as_str()),
    };
    let lang = known.lang;
    let area = match area {
        "" | "/" => lang.pick("全县", "the county").to_owned(),
        path => known.names.name(path, lang),
    };
    match lang {
        Lang::Zh => format!("近 {DAYS} 天在{area}办过同类 {count} 件"),
        Lang::En => format!("{count} of this kind in {area} within {DAYS} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruled(ids: &[&str]) -> Vec<SuggestedUnit> {
        let one = |(at, id): (usize, &&str)| SuggestedUnit {
            key: at + 1,
            id: (*id).to_owned(),
            name: (*id).to_owned(),
            why: "rule".to_owned(),
        };
        ids.iter().enumerate().map(one).collect()
    }

    fn handled(unit: &str, near: i64, town: i64, everywhere: i64) -> Handled {
        Handled { unit: unit.to_owned(), near, town, everywhere }
    }

    /// Whom the rules name first is first, whatever the record says; then who has done it most often nearby, of equals who has less
    /// to do; whoever has neither rule nor record is not offered.
    #[test]
    fn the_record_orders_the_others() {
        let record = [handled("b", 0, 9, 9), handled("c", 2, 2, 2), handled("d", 2, 2, 2)];
        let loads = [
            UnitLoad { unit: "c".into(), opened: 5, late: 0 },
            UnitLoad { unit: "d".into(), opened: 1, late: 1 },
        ];
        let others = || record.iter().map(|one| (one.unit.clone(), one.unit.clone())).collect::<Vec<_>>();
        let ids = |all: Vec<(String, String, String)>| all.into_iter().map(|one| one.0).collect::<Vec<_>>();
        assert_eq!(ids(arranged(&ruled(&["a"]), others(), &record, &loads)), ["a", "d", "c"]);
        assert_eq!(ids(arranged(&ruled(&["a", "b"]), vec![], &record, &loads)), ["a", "b"]);
        assert_eq!(ids(arranged(&[], others(), &record, &loads)), ["d", "c", "b"]);
        assert_eq!(ids(arranged(&ruled(&["a", "z", "c"]), others(), &record, &loads)), ["a", "d", "c"]);
    }

    #[test]
    fn areas_by_level() {
        let of = |path: &str| [COMMUNITY, TOWN].map(|levels| first(path, levels));
        assert_eq!(of("/c/t/d/g1/"), ["/c/t/d/", "/c/t/"]);
        assert_eq!(of("/c/"), ["/c/", "/c/"]);
        assert_eq!(of("/"), ["/", "/"]);
    }
}
