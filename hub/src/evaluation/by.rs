//! What the rows of a table are: units, areas of a level, categories, sources. Pure.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::facts::Facts;
use super::point::Point;
use crate::organisation::Level;

/// 分级、分类、分单位.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    Unit,
    Area(Level),
    /// 大类
    Group,
    /// 小类
    Category,
    Source,
}

/// The row of what has no unit, lies in no area of the level, or is filed under nothing.
pub const NONE: &str = "";

impl By {
    pub const ALL: [Self; 8] = [
        Self::Unit,
        Self::Area(Level::County),
        Self::Area(Level::Town),
        Self::Area(Level::Community),
        Self::Area(Level::Grid),
        Self::Group,
        Self::Category,
        Self::Source,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Area(level) => level.as_str(),
            Self::Group => "group",
            Self::Category => "category",
            Self::Source => "source",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Self::Unit => "单位",
            Self::Area(level) => level.zh(),
            Self::Group => "大类",
            Self::Category => "小类",
            Self::Source => "来源",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Self::Unit => "Unit",
            Self::Area(Level::County) => "County",
            Self::Area(Level::Town) => "Town",
            Self::Area(Level::Community) => "Community",
            Self::Area(Level::Grid) => "Grid",
            Self::Group => "Category group",
            Self::Category => "Category",
            Self::Source => "Source",
        }
    }

    /// As two words: `area` and `town`, `category` and `group`. Without the second: towns, groups.
    pub fn read(by: &str, level: &str) -> Result<Self, String> {
        let none = |by: Self| match level {
            "" => Ok(by),
            _ => Err(format!("level: a table by {by} has no levels; leave it out")),
        };
        match (by, level) {
            ("" | "unit", _) => none(Self::Unit),
            ("source", _) => none(Self::Source),
            ("area", "") => Ok(Self::Area(Level::Town)),
            ("area", level) => level.parse().map(Self::Area).map_err(|error| format!("level: {error}")),
            ("category", "" | "group") => Ok(Self::Group),
            ("category", "category") => Ok(Self::Category),
            ("category", other) => Err(format!("level: {other:?} is not one of group, category")),
            (other, _) => Err(format!("by: {other:?} is not one of unit, area, category, source")),
        }
    }

    /// The two words again.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unit => ("unit", ""),
            Self::Area(level) => ("area", level.as_str()),
            Self::Group => ("category", "group"),
            Self::Category => ("category", "category"),
            Self::Source => ("source", ""),
        }
    }

    /// Whether its rows are ranked: categories and sources compete with nobody.
    pub fn is_ranked(self) -> bool {
        matches!(self, Self::Unit | Self::Area(_))
    }

    /// The row to which a point belongs.
    pub fn key<'a>(self, facts: &'a Facts, point: &'a Point) -> Cow<'a, str> {
        let filing = facts.filing.as_ref();
        match self {
            Self::Unit => point.unit.as_deref().unwrap_or(NONE).into(),
            Self::Area(level) => up_to(&facts.area, level),
            Self::Group => filing.map_or(NONE, |filing| filing.group.as_str()).into(),
            Self::Category => filing.map_or(NONE, |filing| filing.category.as_str()).into(),
            Self::Source => facts.source.as_str().into(),
        }
    }
}

/// The part of a path that ends at a level: `/county/town/` of what lies deeper in it.
pub fn up_to(path: &str, level: Level) -> Cow<'_, str> {
    let depth = match level {
        Level::County => 1,
        Level::Town => 2,
        Level::Community => 3,
        Level::Grid => 4,
    };
    if path.starts_with('/') && !path.contains("//") {
        // As every path is that an area has: a part of it is its beginning.
        return path.match_indices('/').nth(depth).map_or(NONE, |(ends, _)| &path[..=ends]).into();
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(depth).collect();
    if parts.len() < depth { NONE.into() } else { format!("/{}/", parts.join("/")).into() }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for By {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|by| by.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groupings_read_back() {
        for by in By::ALL {
            assert_eq!(by.as_str().parse(), Ok(by));
            let (word, level) = by.words();
            assert_eq!(By::read(word, level), Ok(by));
        }
        assert_eq!(By::read("area", ""), Ok(By::Area(Level::Town)));
        for (by, level) in [("unit", "town"), ("area", "village"), ("category", "town"), ("colour", "")] {
            assert!(By::read(by, level).is_err(), "{by} {level}");
        }
    }

    /// What lies deeper belongs to the area above it; what lies higher to none of the level.
    #[test]
    fn paths_are_cut() {
        let grid = "/610322/101/003/g1/g2/";
        assert_eq!(up_to(grid, Level::County), "/610322/");
        assert_eq!(
            up_to(grid, Level::Grid),
            "/610322/101/003/g1/",
            "grids of lower levels count for the first"
        );
        assert_eq!((up_to("/610322/", Level::Town), up_to("/", Level::County)), (NONE.into(), NONE.into()));
        // What no area is called, for what an older box may have said.
        assert_eq!(up_to("610322//101", Level::Town), "/610322/101/");
    }
}
