//! The streets, communities and points of a site, and the grid that each lies in.
//!
//! A CSV file that a county can keep in a spreadsheet: `name,kind,grid,aliases`, aliases apart by `/`. Names are found by
//! how they sound, so that a recogniser's slip (风鸣路) still is the place.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::reading::{Reading, Sound, sound};

/// How closely a place says where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    Town,
    Community,
    Village,
    Road,
    Estate,
    Point,
}

/// One line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    pub name: String,
    pub kind: PlaceKind,
    /// Name of the grid; a road or a town lies in several and has none.
    pub grid: Option<String>,
}

/// All places of a site.
#[derive(Clone, Debug, Default)]
pub struct Gazetteer {
    places: Vec<Place>,
    /// By sounds: place and the letters of its name.
    names: HashMap<Vec<Sound>, (usize, Vec<char>)>,
    longest: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum GazetteerError {
    #[error("cannot read {path}: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("{path}, line {line}: {reason}")]
    Line { path: String, line: usize, reason: String },
}

/// A place that was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    pub place: &'a Place,
    /// Letters of the reading.
    pub letters: Range<usize>,
}

impl Gazetteer {
    pub fn load(path: &Path) -> Result<Self, GazetteerError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| GazetteerError::Io { path: shown.clone(), source })?;
        Self::read(&text).map_err(|(line, reason)| GazetteerError::Line { path: shown, line, reason })
    }

    /// An error is a line, counted from 1, and what is wrong with it.
    pub fn read(csv: &str) -> Result<Self, (usize, String)> {
        let mut all = Self::default();
        for (index, line) in csv.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') || line.starts_with("name,") {
                continue;
            }
            all.add(line).map_err(|reason| (index + 1, reason))?;
        }
        Ok(all)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [name, kind, rest @ ..] = fields.as_slice() else {
            return Err(format!("{line:?} has no kind; a line is name,kind,grid,aliases"));
        };
        if rest.len() > 2 {
            return Err(format!("{} fields; a line is name,kind,grid,aliases", fields.len()));
        }
        let kind = match *kind {
            "town" => PlaceKind::Town,
            "community" => PlaceKind::Community,
            "village" => PlaceKind::Village,
            "road" => PlaceKind::Road,
            "estate" => PlaceKind::Estate,
            "point" => PlaceKind::Point,
            other => {
                return Err(format!("kind {other:?} is not town, community, village, road, estate or point"));
            }
        };
        let aliases = rest.get(1).copied().unwrap_or_default().split('/').map(str::trim);
        for spoken in std::iter::once(*name).chain(aliases.filter(|a| !a.is_empty())) {
            let reading = Reading::of(spoken);
            if reading.len() < 2 {
                return Err(format!("{spoken:?} is too short to be heard"));
            }
            self.longest = self.longest.max(reading.len());
            self.names.insert(
                reading.letters.iter().map(|c| sound(*c)).collect(),
                (self.places.len(), reading.letters),
            );
        }
        let grid = rest.first().filter(|g| !g.is_empty()).map(|g| (*g).to_owned());
        self.places.push(Place { name: (*name).to_owned(), kind, grid });
        Ok(())
    }

    /// Every place that was named, the longest name at each spot.
    pub fn named(&self, reading: &Reading) -> Vec<Named<'_>> {
        let mut all = Vec::new();
        let mut from = 0;
        while from < reading.len() {
            let longest = self.longest.min(reading.len() - from);
            let found = (2..=longest).rev().find_map(|length| {
                let letters = from..from + length;
                let (place, name) = self.names.get(&reading.sounds[letters.clone()])?;
                let wrong = reading.letters[letters.clone()].iter().zip(name).filter(|(a, b)| a != b).count();
                // Two short words sound alike by chance; of a longer name half may be misheard.
                (wrong == 0 || (length > 2 && wrong * 2 <= length)).then_some((*place, letters))
            });
            match found {
                Some((place, letters)) => {
                    from = letters.end;
                    all.push(Named { place: &self.places[place], letters });
                }
                None => from += 1,
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: &str = "\u{feff}name,kind,grid,aliases\n凤鸣路,road\n凤鸣路菜市场,point,东关社区第03网格,凤鸣菜市场/老菜市\n东关社区,community\n";

    /// Names are found as they sound, the longer before the shorter, and an alias is its place.
    #[test]
    fn names_are_heard() {
        let gazetteer = Gazetteer::read(CSV).unwrap();
        for (said, wanted) in [
            ("凤鸣路菜市场后头那个仓库", &["凤鸣路菜市场"][..]),
            ("在风鸣路这儿", &["凤鸣路"]),
            ("老菜市着火了", &["凤鸣路菜市场"]),
            ("东关社区和凤鸣路", &["东关社区", "凤鸣路"]),
            ("西关社区", &[]),
        ] {
            let reading = Reading::of(said);
            let named: Vec<_> = gazetteer.named(&reading).iter().map(|n| n.place.name.as_str()).collect();
            assert_eq!(named, wanted, "{said}");
        }
    }

    /// What is wrong with a line is said with its number.
    #[test]
    fn a_wrong_line_is_named() {
        for (csv, line, wanted) in [
            ("name,kind\n凤鸣路", 2, "has no kind"),
            ("凤鸣路,street", 1, "kind \"street\" is not"),
            ("塔,point", 1, "too short"),
            ("a路,road,,b路/c路,x", 1, "5 fields"),
        ] {
            let (at, reason) = Gazetteer::read(csv).unwrap_err();
            assert!(at == line && reason.contains(wanted), "{at}: {reason}");
        }
    }
}
