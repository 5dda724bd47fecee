//! What a case is likely to be filed under, and to whom it is likely to go, with the reason. Pure. People decide.

use super::{Categories, Category};
use crate::organisation::{AreaPath, Unit};

/// What speaks for a category.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard<'a> {
    /// Kind of the case's first incident.
    pub kind: &'a str,
    /// Category of its ticket, or the likeliest that the box read, with its per cent.
    pub hotline: Option<(&'a str, Option<u8>)>,
    /// Category that the platform above told, as it was understood.
    pub platform: Option<&'a str>,
}

/// A category that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategorySuggestion<'a> {
    pub category: &'a Category,
    pub why_zh: String,
    pub why_en: String,
}

/// A unit that is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitSuggestion<'a> {
    pub unit: &'a Unit,
    pub why_zh: String,
    pub why_en: String,
}

/// The likeliest category, where anything speaks for one.
pub fn category<'a>(all: &'a Categories, heard: Heard<'_>) -> Option<CategorySuggestion<'a>> {
    if let Some(category) = heard.platform.and_then(|id| all.find(id)).filter(|own| own.active) {
        let (why_zh, why_en) =
            ("上级平台的分类".to_owned(), "the category that the platform above told".to_owned());
        return Some(CategorySuggestion { category, why_zh, why_en });
    }
    if let Some((hotline, percent)) = heard.hotline
        && let Some(category) = all.of_hotline(hotline)
    {
        let (why_zh, why_en) = match percent {
            Some(percent) => {
                (format!("来电内容，把握 {percent}%"), format!("what the caller says, {percent}% sure"))
            }
            None => ("工单的类别".to_owned(), "the category of its ticket".to_owned()),
        };
        return Some(CategorySuggestion { category, why_zh, why_en });
    }
    let category = all.of_kind(heard.kind)?;
    let (why_zh, why_en) = ("告警类型".to_owned(), "the kind of its alarm".to_owned());
    Some(CategorySuggestion { category, why_zh, why_en })
}

/// Of the units that answer for a category the one with the nearest area, if it works there and is not switched off; else the
/// next.
pub fn unit<'a>(category: &Category, area: &AreaPath, units: &'a [Unit]) -> Option<UnitSuggestion<'a>> {
    self::units(category, area, units).next()
}

/// All of them that work there, the one with the nearest area first.
pub fn units<'a>(
    category: &Category,
    area: &AreaPath,
    units: &'a [Unit],
) -> impl Iterator<Item = UnitSuggestion<'a>> {
    let mut near: Vec<&(AreaPath, String)> =
        category.units.iter().filter(|(own, _)| own.covers(area)).collect();
    near.sort_by_key(|(own, _)| std::cmp::Reverse(own.as_str().len()));
    near.into_iter().filter_map(move |(own, id)| {
        let works = |unit: &&Unit| {
            unit.unit == *id && unit.active == 1 && AreaPath::kept(unit.area.clone()).covers(area)
        };
        let unit = units.iter().find(works)?;
        let (zh, en) = (&category.zh, &category.en);
        let (why_zh, why_en) = match own.area() {
            Some(id) => (format!("“{zh}”在区域 {id} 由其承办"), format!("answers for \"{en}\" in area {id}")),
            None => (format!("“{zh}”由其承办"), format!("answers for \"{en}\"")),
        };
        Some(UnitSuggestion { unit, why_zh, why_en })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit_of(id: &str, area: &str, active: i64) -> Unit {
        Unit {
            unit: id.to_owned(),
            name_zh: id.to_owned(),
            name_en: id.to_owned(),
            area: area.to_owned(),
            active,
        }
    }

    fn with_units(units: &[(&str, &str)]) -> Category {
        let mut category = Categories::built_in().find("noise").unwrap().clone();
        category.units = units
            .iter()
            .map(|(area, unit)| (AreaPath::kept((*area).to_owned()), (*unit).to_owned()))
            .collect();
        category
    }

    /// The nearest area that has the case wins; a unit that is switched off, or works elsewhere, is passed over; where nobody
    /// answers, nobody is offered.
    #[test]
    fn the_nearest_unit_is_offered() {
        let category = with_units(&[("/", "environment"), ("/c/t/", "town"), ("/c/t/g/", "grid")]);
        let units =
            [unit_of("environment", "/", 1), unit_of("town", "/c/t/", 1), unit_of("grid", "/c/t/g/", 0)];
        let pick = |area: &str| {
            unit(&category, &AreaPath::kept(area.to_owned()), &units).map(|one| one.unit.unit.clone())
        };
        assert_eq!(pick("/c/t/g/").as_deref(), Some("town"), "the grid's own is switched off");
        assert_eq!(pick("/c/u/").as_deref(), Some("environment"));
        assert_eq!(pick("/").as_deref(), Some("environment"));
        let told = unit(&category, &AreaPath::kept("/c/t/x/".to_owned()), &units).unwrap();
        assert!(told.why_zh.contains("区域 t") && told.why_en.contains("in area t"), "{told:?}");
        assert_eq!(unit(&with_units(&[]), &AreaPath::everything(), &units), None);
        assert_eq!(unit(&with_units(&[("/", "gone")]), &AreaPath::everything(), &units), None);
    }

    /// The platform's word goes before the ticket's, the ticket's before the alarm's; what is not active is not offered.
    #[test]
    fn the_category_is_offered_with_its_reason() {
        let mut all = Categories::built_in();
        let pick = |all: &Categories, heard| category(all, heard).map(|one| one.category.id.clone());
        let heard = Heard { kind: "fire", hotline: Some(("noise", Some(80))), platform: Some("land") };
        assert_eq!(pick(&all, heard).as_deref(), Some("land"));
        assert_eq!(pick(&all, Heard { platform: None, ..heard }).as_deref(), Some("noise"));
        assert_eq!(pick(&all, Heard { kind: "fire", ..Heard::default() }).as_deref(), Some("fire"));
        assert_eq!(pick(&all, Heard { kind: "report", ..Heard::default() }), None);
        for own in &mut all.categories {
            own.active = !["land", "noise"].contains(&own.id.as_str());
        }
        assert_eq!(pick(&all, heard).as_deref(), Some("other"), "a call is never without one");
    }
}
