//! Which open case a new one is about as well: of a kindred signal, near in space and time. Pure.
//!
//! Two fires on two cameras of one yard are one fire, and so is the fire that somebody calls about. What counts as kindred
//! and as near is data: `[[correlate]]` of a policy.

use std::collections::BTreeSet;
use std::fmt;

use geo::{Distance as _, Haversine, Point};
use protocol::UtcMs;
use serde::Deserialize;

use crate::organisation::AreaPath;

/// Signals that are one matter when they are told near each other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Near {
    pub name: String,
    /// Kinds of incidents, and `alarm:ID` of what callers tell.
    pub signals: Vec<String>,
    pub minutes: u32,
    pub metres: u32,
}

/// An open case, as far as it can be held against others.
#[derive(Clone, Debug, PartialEq)]
pub struct Spot {
    pub case_id: String,
    pub number: String,
    pub signal: String,
    /// When its signal was last told.
    pub told_at: UtcMs,
    /// WGS84, longitude and latitude.
    pub at: Option<(f64, f64)>,
    pub area: AreaPath,
}

/// The case that another one is about as well, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Match<'a> {
    pub other: &'a Spot,
    pub why: Why,
}

/// Why two cases are one, in both languages on one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    rule: String,
    /// Nothing where one of them has no place on the map: then both are of one grid.
    metres: Option<u32>,
    minutes: u32,
}

/// The nearest of the cases that a rule takes for the same matter.
pub fn nearest<'a>(rules: &[Near], own: &Spot, others: &'a [Spot]) -> Option<Match<'a>> {
    let found = others.iter().filter_map(|other| Some(Match { other, why: same(rules, own, other)? }));
    // What was measured goes before what only lies in the same grid.
    found.min_by_key(|found| (found.why.metres.unwrap_or(u32::MAX), found.other.number.clone()))
}

/// Every signal that some rule takes for one matter with this one.
pub fn kindred<'a>(rules: &'a [Near], signal: &str) -> BTreeSet<&'a str> {
    let of = rules.iter().filter(|rule| rule.signals.iter().any(|one| one == signal));
    of.flat_map(|rule| rule.signals.iter().map(String::as_str)).collect()
}

/// The longest time that any rule looks back, in milliseconds.
pub fn reach_ms(rules: &[Near]) -> i64 {
    rules.iter().map(|rule| i64::from(rule.minutes) * 60_000).max().unwrap_or(0)
}

fn same(rules: &[Near], own: &Spot, other: &Spot) -> Option<Why> {
    let apart_ms = own.told_at.since_ms(other.told_at).abs();
    let kindred = |rule: &&Near| {
        let has = |signal: &str| rule.signals.iter().any(|one| one == signal);
        has(&own.signal) && has(&other.signal) && apart_ms <= i64::from(rule.minutes) * 60_000
    };
    rules.iter().filter(kindred).find_map(|rule| {
        let metres = match (own.at, other.at) {
            (Some(a), Some(b)) => Some(distance_m(a, b)),
            _ if own.area == other.area && own.area.is_grid() => None,
            _ => return None,
        };
        if metres.is_some_and(|metres| metres > f64::from(rule.metres)) {
            return None;
        }
        let minutes = u32::try_from(apart_ms / 60_000).unwrap_or(u32::MAX);
        Some(Why { rule: rule.name.clone(), metres: metres.map(|m| m.round() as u32), minutes })
    })
}

/// Metres between two points, longitude first.
pub fn distance_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    Haversine.distance(Point::from(a), Point::from(b))
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, minutes) = (&self.rule, self.minutes);
        match self.metres {
            Some(m) => write!(
                f,
                "{rule}：相距 {m} 米、相隔 {minutes} 分钟，视为同一起因 Taken for one matter: {m} m, {minutes} min apart"
            ),
            None => write!(
                f,
                "{rule}：同一网格、相隔 {minutes} 分钟，视为同一起因 Taken for one matter: same grid, {minutes} min apart"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: &str = "/fengxiang/chengguan/dongguan/g1/";

    fn rules() -> Vec<Near> {
        let near = |name: &str, signals: &[&str], minutes, metres| Near {
            name: name.into(),
            signals: signals.iter().map(|one| (*one).to_owned()).collect(),
            minutes,
            metres,
        };
        vec![near("火情", &["fire", "smoke", "alarm:fire"], 30, 200), near("人群", &["crowding"], 10, 100)]
    }

    fn spot(number: &str, signal: &str, minute: i64, at: Option<(f64, f64)>) -> Spot {
        Spot {
            case_id: number.into(),
            number: number.into(),
            signal: signal.into(),
            told_at: UtcMs(minute * 60_000),
            at,
            area: AreaPath::kept(GRID.into()),
        }
    }

    /// Metres north of a point in the county town.
    fn north(metres: f64) -> Option<(f64, f64)> {
        Some((107.4, 34.52 + metres / 111_195.0))
    }

    /// Signals are kindred by the rules that name them, and one that no rule names by none.
    #[test]
    fn kindred_by_rules() {
        let of = |signal: &str| kindred(&rules(), signal).into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(of("smoke"), ["alarm:fire", "fire", "smoke"]);
        assert_eq!(of("crowding"), ["crowding"]);
        assert!(of("loitering").is_empty());
    }

    /// A fire, smoke and a caller's fire are one when near in both; another kind, time or place is not.
    #[test]
    fn one_fire_is_one() {
        let camera = spot("1", "fire", 0, north(0.0));
        let same = |signal, minute, metres| {
            let own = spot("2", signal, minute, north(metres));
            nearest(&rules(), &own, std::slice::from_ref(&camera)).map(|found| found.why.to_string())
        };
        let why = same("alarm:fire", 3, 82.0).expect("the same fire");
        assert!(why.starts_with("火情：相距 82 米、相隔 3 分钟"), "{why}");
        assert!(why.ends_with("82 m, 3 min apart"), "{why}");
        assert!(same("smoke", 30, 199.0).is_some());
        assert!(same("smoke", 31, 10.0).is_none(), "too late");
        assert!(same("smoke", 1, 202.0).is_none(), "too far");
        assert!(same("crowding", 0, 0.0).is_none() && same("intrusion", 0, 0.0).is_none());
    }

    /// Where one of them has no place on the map, the same grid is near; a community is not.
    #[test]
    fn without_a_place_the_grid_counts() {
        let camera = spot("1", "fire", 0, north(0.0));
        let mut call = spot("2", "alarm:fire", 2, None);
        let why = nearest(&rules(), &call, std::slice::from_ref(&camera)).unwrap().why;
        assert!(why.to_string().contains("同一网格"), "{why}");
        call.area = AreaPath::kept("/fengxiang/chengguan/dongguan/g2/".into());
        assert_eq!(nearest(&rules(), &call, std::slice::from_ref(&camera)), None);
        let town = AreaPath::kept("/fengxiang/chengguan/".into());
        let wide = Spot { area: town.clone(), at: None, ..camera };
        call.area = town;
        assert_eq!(nearest(&rules(), &call, &[wide]), None, "a town is no place");
    }

    /// Of several the nearest, a measured one before one that only lies in the same grid.
    #[test]
    fn the_nearest_is_taken() {
        let others = [
            spot("1", "fire", 0, None),
            spot("2", "fire", 0, north(150.0)),
            spot("3", "smoke", 0, north(-40.0)),
        ];
        let own = spot("4", "fire", 1, north(0.0));
        assert_eq!(nearest(&rules(), &own, &others).unwrap().other.number, "3");
        assert_eq!(nearest(&rules(), &own, &others[..1]).unwrap().other.number, "1");
        assert_eq!(reach_ms(&rules()), 30 * 60_000);
    }
}
