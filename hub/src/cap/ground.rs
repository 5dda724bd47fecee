//! Where an alert holds: around the point of the case, else in its grid, else in the area that is named.

use geo::{ConvexHull as _, MultiPolygon, Polygon};
use serde_json::Value;

use super::alert::Ground;
use crate::app::App;
use crate::case::Case;
use crate::db::{Result, Tx};
use crate::grid::Index;
use crate::organisation::AreaPath;
use crate::public;

/// Around a point that is known.
const RADIUS_KM: f64 = 0.2;
/// Corners of one ring; of a grid with more its hull is sent, which has all of it.
const MOST_CORNERS: usize = 200;
/// Rings of one message.
const MOST_RINGS: usize = 20;

pub(super) async fn of_case(app: &App, tx: &mut Tx, case: &Case) -> Result<Ground> {
    let tenant = app.tenant().as_str();
    let areas = public::store::areas_in(tx, tenant, &case.area).await?;
    let index = app.grids.newest_in(tx, tenant).await?;
    Ok(ground(case, &areas, index.as_deref(), &app.config.hub.name))
}

fn ground(case: &Case, areas: &[(String, String, String)], index: Option<&Index>, whole: &str) -> Ground {
    let zh: String = areas.iter().map(|(_, zh, _)| zh.as_str()).collect();
    let en: Vec<&str> =
        areas.iter().rev().map(|(_, zh, en)| if en.is_empty() { zh } else { en }.as_str()).collect();
    let named = !zh.is_empty();
    let circle = point(case).map(|(latitude, longitude)| (latitude, longitude, RADIUS_KM));
    let shape = index.filter(|_| circle.is_none());
    let shape = shape.and_then(|index| index.shape(&AreaPath::kept(case.area.clone())));
    Ground {
        zh: if named { zh } else { whole.to_owned() },
        en: if named { en.join(", ") } else { whole.to_owned() },
        polygons: shape.map(rings).unwrap_or_default(),
        circle,
        path: if case.area == "/" { String::new() } else { case.area.clone() },
    }
}

/// Latitude and longitude. A caller's case has the place of which he tells, not that of the call centre.
fn point(case: &Case) -> Option<(f64, f64)> {
    let place: Value = serde_json::from_str(case.location.as_deref()?).ok()?;
    let read = |name: &str| place.get(name).and_then(Value::as_f64);
    Some((read("latitude")?, read("longitude")?))
}

/// Outer rings, closed, as CAP wants them.
fn rings(shape: &MultiPolygon<f64>) -> Vec<Vec<(f64, f64)>> {
    let ring = |polygon: &Polygon<f64>| {
        let hull = (polygon.exterior().0.len() > MOST_CORNERS).then(|| polygon.convex_hull());
        let outer = hull.as_ref().unwrap_or(polygon).exterior();
        outer.coords().map(|corner| (corner.y, corner.x)).collect::<Vec<_>>()
    };
    if shape.0.len() > MOST_RINGS {
        return vec![ring(&shape.convex_hull())];
    }
    shape.iter().map(ring).filter(|ring| ring.len() >= 4).collect()
}

#[cfg(test)]
mod tests {
    use geo::{Coord, Intersects as _, LineString, Point};

    use super::*;

    fn circle_of(corners: usize) -> MultiPolygon<f64> {
        let corner = |at: usize| {
            let angle = at as f64 / corners as f64 * std::f64::consts::TAU;
            Coord { x: 107.4 + 0.01 * angle.cos(), y: 34.5 + 0.01 * angle.sin() }
        };
        MultiPolygon(vec![Polygon::new(LineString((0..corners).map(corner).collect()), vec![])])
    }

    /// Rings are closed, latitude first; a shape with many corners is covered by fewer.
    #[test]
    fn rings_are_closed_and_few() {
        let small = rings(&circle_of(6));
        assert_eq!((small.len(), small[0].len()), (1, 7));
        assert_eq!(small[0].first(), small[0].last());
        assert!((34.0..35.0).contains(&small[0][0].0) && (107.0..108.0).contains(&small[0][0].1));
        let mut star = circle_of(1_000).0[0].exterior().clone();
        star.0.iter_mut().step_by(2).for_each(|corner| corner.x = 107.4 + (corner.x - 107.4) * 0.5);
        star.close();
        let shape = MultiPolygon(vec![Polygon::new(star.clone(), vec![])]);
        let hull = &rings(&shape)[0];
        assert_eq!(hull.first(), hull.last());
        assert!(hull.len() < star.0.len(), "{} corners", hull.len());
        let corners = hull.iter().map(|(y, x)| Coord { x: *x, y: *y }).collect();
        let hull = Polygon::new(LineString(corners), vec![]);
        assert!(star.coords().all(|corner| hull.intersects(&Point::from(*corner))), "a corner is left out");
        let many: Vec<_> = (0..30).flat_map(|_| circle_of(6).0).collect();
        assert_eq!(rings(&MultiPolygon(many)).len(), 1);
    }
}
