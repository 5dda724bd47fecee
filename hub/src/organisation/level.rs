//! 县、镇、社区(村)、网格: the four levels, and places in the tree that they make.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The lowest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Grid,
    Community,
    Town,
    County,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::Grid, Self::Community, Self::Town, Self::County];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Community => "community",
            Self::Town => "town",
            Self::County => "county",
        }
    }

    pub fn zh(self) -> &'static str {
        match self {
            Self::Grid => "网格",
            Self::Community => "社区",
            Self::Town => "镇",
            Self::County => "县",
        }
    }

    pub fn en(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Community => "community",
            Self::Town => "town",
            Self::County => "county",
        }
    }

    /// The level above; none above the county.
    pub fn above(self) -> Option<Self> {
        match self {
            Self::Grid => Some(Self::Community),
            Self::Community => Some(Self::Town),
            Self::Town => Some(Self::County),
            Self::County => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| format!("level {text:?} is not one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// A place in the tree: `/county/town/`, ids from the top. What lies in it begins with it; `/` is everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct AreaPath(String);

impl AreaPath {
    pub fn everything() -> Self {
        Self("/".to_owned())
    }

    /// As it is kept.
    pub fn kept(path: String) -> Self {
        Self(path)
    }

    pub fn below(&self, area: &str) -> Self {
        Self(format!("{}{area}/", self.0))
    }

    pub fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a grid, of any level: what lies below a community.
    pub fn is_grid(&self) -> bool {
        self.0.split('/').filter(|part| !part.is_empty()).count() >= 4
    }

    /// The id of the lowest area; nothing for everything.
    pub fn area(&self) -> Option<&str> {
        self.0.rsplit('/').find(|part| !part.is_empty())
    }
}

impl Default for AreaPath {
    fn default() -> Self {
        Self::everything()
    }
}

impl fmt::Display for AreaPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An area covers itself and what lies in it, not one whose id only begins alike.
    #[test]
    fn areas_cover_what_lies_in_them() {
        let county = AreaPath::everything().below("610322");
        let (town, other) = (county.below("100"), county.below("1001"));
        assert!(county.covers(&town) && town.covers(&town) && AreaPath::everything().covers(&county));
        assert!(!town.covers(&other) && !town.covers(&county));
        assert_eq!((town.area(), AreaPath::everything().area()), (Some("100"), None));
    }

    #[test]
    fn levels_read_back_and_climb() {
        for level in Level::ALL {
            assert_eq!(level.as_str().parse(), Ok(level));
            assert!(level.above().is_none_or(|above| above > level));
        }
        assert!("province".parse::<Level>().is_err());
    }
}
