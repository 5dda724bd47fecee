//! Open cases by town and community: what stands where a map would, and where none is installed. Pure.

use std::collections::{BTreeMap, HashMap};

use protocol::Severity;

use super::store::PlaceCount;
use crate::organisation::Area;
use crate::user::Grant;
use crate::web::guard::percent;
use crate::web::text::Lang;
use crate::web::view::{AreaCell, AreaRow};
use crate::web::words;

/// What people call areas, by their paths.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct AreaNames(HashMap<String, (String, String)>);

impl AreaNames {
    pub(in crate::web) fn new(areas: &[Area]) -> Self {
        let named = |area: &Area| (area.path.clone(), (area.name_zh.clone(), area.name_en.clone()));
        Self(areas.iter().map(named).collect())
    }

    fn known(&self, path: &str, lang: Lang) -> Option<String> {
        let (zh, en) = self.0.get(path)?;
        Some(lang.pick(zh, if en.is_empty() { zh } else { en }).to_owned())
    }

    /// Of an area that is called nothing: its id.
    pub(in crate::web) fn name(&self, path: &str, lang: Lang) -> String {
        let id = path.rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
        self.known(path, lang).unwrap_or_else(|| id.to_owned())
    }

    /// From the town downwards, those that have a name.
    pub(in crate::web) fn chain(&self, path: &str, lang: Lang) -> Vec<String> {
        (2..=depth(path)).filter_map(|levels| self.known(&first(path, levels), lang)).collect()
    }
}

fn depth(path: &str) -> usize {
    path.split('/').filter(|part| !part.is_empty()).count()
}

/// The path of so many levels from the top.
fn first(path: &str, levels: usize) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(levels).collect();
    format!("/{}/", parts.join("/"))
}

/// Waiting and open cases, by severity.
type Sums = [(i64, i64); Severity::ALL.len()];

/// Rows of the county, of each town, and below it of each community that has open cases. Towns in which somebody works are
/// there without any.
pub(super) fn rows(areas: &[Area], counts: &[PlaceCount], grants: &[Grant], lang: Lang) -> Vec<AreaRow> {
    let names = AreaNames::new(areas);
    let mut county = Sums::default();
    let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
    let own = |path: &str| {
        let path = crate::organisation::AreaPath::kept(path.to_owned());
        grants.iter().any(|grant| grant.area.covers(&path) || path.covers(&grant.area))
    };
    for town in areas.iter().filter(|area| depth(&area.path) == 2 && own(&area.path)) {
        sums.entry(town.path.clone()).or_default();
    }
    for count in counts {
        let rank = count.severity.parse::<Severity>().unwrap_or(Severity::Notice) as usize;
        let add = |sum: &mut Sums| {
            sum[rank].0 += count.waiting;
            sum[rank].1 += count.opened;
        };
        let levels = depth(&count.area);
        if levels < 2 {
            add(&mut county);
            continue;
        }
        for levels in 2..=levels.min(3) {
            add(sums.entry(first(&count.area, levels)).or_default());
        }
    }
    let mut rows = Vec::new();
    if county.iter().any(|(_, opened)| *opened > 0) || sums.is_empty() {
        rows.push(row(lang.wall_no_town().to_owned(), "town", "county=1", &county, lang));
    }
    rows.extend(sums.iter().map(|(path, sum)| {
        let class = if depth(path) == 2 { "town" } else { "community" };
        row(names.name(path, lang), class, &format!("area={}", percent(path)), sum, lang)
    }));
    rows
}

/// The sum of everything, as one row.
pub(super) fn total(counts: &[PlaceCount], lang: Lang) -> AreaRow {
    let mut all = Sums::default();
    for count in counts {
        let rank = count.severity.parse::<Severity>().unwrap_or(Severity::Notice) as usize;
        all[rank].0 += count.waiting;
        all[rank].1 += count.opened;
    }
    row(lang.wall_total().to_owned(), "total", "", &all, lang)
}

fn row(name: String, class: &'static str, place: &str, sums: &Sums, lang: Lang) -> AreaRow {
    let url = |part: &str, severity: Option<Severity>| {
        let severity = severity.map(|severity| format!("severity={}", severity.as_str()));
        let asked = [Some(format!("part={part}")), severity, Some(place.to_owned())];
        let asked: Vec<String> = asked.into_iter().flatten().filter(|word| !word.is_empty()).collect();
        format!("/wall/cases?{}", asked.join("&"))
    };
    let cell = |severity: Option<Severity>, (waiting, opened): (i64, i64)| AreaCell {
        sev: severity.map(|severity| words::sev(severity, lang)),
        waiting,
        opened,
        waiting_url: url("waiting", severity),
        open_url: url("open", severity),
    };
    let sum = sums.iter().fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    AreaRow {
        name,
        class,
        cells: Severity::ALL.iter().zip(sums).map(|(severity, sum)| cell(Some(*severity), *sum)).collect(),
        all: cell(None, sum),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organisation::AreaPath;
    use crate::user::Role;

    fn area(path: &str, level: &str, zh: &str) -> Area {
        Area {
            area: path.to_owned(),
            parent: None,
            level: level.to_owned(),
            name_zh: zh.to_owned(),
            name_en: String::new(),
            rural: 0,
            path: path.to_owned(),
        }
    }

    fn count(area: &str, severity: &str, waiting: i64, opened: i64) -> PlaceCount {
        PlaceCount { area: area.to_owned(), severity: severity.to_owned(), waiting, opened }
    }

    /// A case in a grid counts for its community and its town; the county's own row has what lies in no town; a town without
    /// cases is there for whoever works in it alone; one that no table names goes by its id. The sum counts each once.
    #[test]
    fn cases_count_where_they_lie() {
        let areas = [
            area("/c/", "county", "县"),
            area("/c/north/", "town", "北镇"),
            area("/c/north/east/", "community", "东关社区"),
            area("/c/south/", "town", "南镇"),
        ];
        let counts = [
            count("/", "notice", 1, 1),
            count("/c/", "major", 0, 2),
            count("/c/north/east/g1/", "emergency", 1, 3),
            count("/c/north/", "emergency", 1, 1),
            count("/c/new/", "normal", 2, 2),
        ];
        let at = |area: &str| Grant { role: Role::Commander, area: AreaPath::kept(area.into()), unit: None };
        let all = rows(&areas, &counts, &[at("/")], Lang::Zh);
        let names: Vec<&str> = all.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["未到镇", "new", "北镇", "东关社区", "南镇"]);
        let all_of = |row: &AreaRow| (row.all.waiting, row.all.opened);
        assert_eq!(all.iter().map(all_of).collect::<Vec<_>>(), [(1, 3), (2, 2), (2, 4), (1, 3), (0, 0)]);
        assert_eq!((all[2].cells[0].waiting, all[2].cells[0].opened), (2, 4));
        assert_eq!(all[3].cells[0].open_url, "/wall/cases?part=open&severity=emergency&area=/c/north/east/");
        assert_eq!(all[0].all.waiting_url, "/wall/cases?part=waiting&county=1");
        assert_eq!(all_of(&total(&counts, Lang::Zh)), (5, 9));
        let near = rows(&areas, &counts[2..4], &[at("/c/north/")], Lang::Zh);
        assert_eq!(near.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["北镇", "东关社区"]);
    }

    #[test]
    fn places_are_named_from_the_town_down() {
        let names = AreaNames::new(&[area("/c/", "county", "县"), area("/c/n/", "town", "北镇")]);
        assert_eq!(names.chain("/c/n/e/", Lang::Zh), ["北镇"]);
        assert_eq!(names.chain("/c/", Lang::Zh), Vec::<String>::new());
        assert_eq!(names.name("/c/x/", Lang::En), "x");
        assert_eq!(names.name("/c/n/", Lang::En), "北镇");
    }
}
