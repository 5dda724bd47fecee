//! Where a box stands, as somebody says it: for maps, which otherwise have no more than its area.

use protocol::UtcMs;

use super::store::place as rows;
use crate::admin::By;
use crate::admin::audit::{self, Change, Deed};
use crate::app::App;
use crate::db::{self, Db};
use crate::organisation::AreaPath;

/// Millionths of a degree: a hand's breadth.
const PER_DEGREE: f64 = 1e6;

/// Degrees, WGS84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub latitude: f64,
    pub longitude: f64,
}

impl Place {
    /// `34.5112` and `107.3871` as people type them; an error where they are no place on earth.
    pub fn read(latitude: &str, longitude: &str) -> Result<Self, NoPlace> {
        let degrees = |text: &str, most: f64| {
            let value: f64 = text.trim().parse().map_err(|_| NoPlace)?;
            if value.abs() <= most { Ok(value) } else { Err(NoPlace) }
        };
        Ok(Self { latitude: degrees(latitude, 90.0)?, longitude: degrees(longitude, 180.0)? })
    }

    pub(super) fn of_millionths(latitude: i64, longitude: i64) -> Self {
        Self { latitude: latitude as f64 / PER_DEGREE, longitude: longitude as f64 / PER_DEGREE }
    }

    fn millionths(self) -> (i64, i64) {
        let whole = |degrees: f64| (degrees * PER_DEGREE).round() as i64;
        (whole(self.latitude), whole(self.longitude))
    }

    /// `34.511200, 107.387100`
    fn words(self) -> String {
        format!("{:.6}, {:.6}", self.latitude, self.longitude)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("latitude from -90 to 90 and longitude from -180 to 180 are needed, both or neither")]
pub struct NoPlace;

/// What was said of a box; nothing: nobody has.
pub async fn of(db: &Db, tenant: &str, device_id: &str) -> db::Result<Option<Place>> {
    rows::of(db, tenant, device_id).await
}

/// Says where a box stands, or takes that back, with a row of the audit. Returns whether the box is there.
pub async fn set(
    app: &App,
    user: &str,
    device_id: &str,
    place: Option<Place>,
    now: UtcMs,
) -> db::Result<bool> {
    let tenant = app.tenant().as_str();
    let mut tx = app.db.begin().await?;
    tx.lock_tenant(tenant).await?;
    let Some((area, before)) = rows::standing(&mut tx, tenant, device_id).await? else { return Ok(false) };
    let after = place.map(Place::millionths);
    if before == after {
        return Ok(true);
    }
    match after {
        Some(place) => rows::put(&mut tx, tenant, device_id, place).await?,
        None => rows::clear(&mut tx, tenant, device_id).await?,
    }
    let words = |place: Option<(i64, i64)>| {
        place.map_or_else(String::new, |(latitude, longitude)| {
            Place::of_millionths(latitude, longitude).words()
        })
    };
    let by = By::told(&format!("user:{user}"), now);
    let area = AreaPath::kept(area);
    let (before, after) = (words(before), words(after));
    let change = Change { deed: Deed::BoxPlace, subject: device_id, area: &area, before, after };
    audit::note(&mut tx, tenant, &by, &change).await?;
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Degrees as people type them; what is none, or half of one, is refused.
    #[test]
    fn places_are_degrees() {
        let place = Place::read(" 34.5112 ", "107.3871").unwrap();
        assert_eq!(place.millionths(), (34_511_200, 107_387_100));
        assert_eq!(Place::of_millionths(34_511_200, 107_387_100), place);
        for (latitude, longitude) in
            [("", "1"), ("1", ""), ("91", "1"), ("1", "-181"), ("x", "1"), ("NaN", "1")]
        {
            assert_eq!(Place::read(latitude, longitude), Err(NoPlace), "{latitude} {longitude}");
        }
    }
}
