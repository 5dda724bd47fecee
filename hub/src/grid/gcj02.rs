//! GCJ-02, the coordinates that Chinese map services use, and WGS84. Pure.
//!
//! Inside the hub there is WGS84 alone; this is for the edges. The shift is the one that is publicly known (a sum of sines over
//! the Krasovsky ellipsoid); back it is found by going there and correcting until nothing is left of the difference.

use std::f64::consts::PI;

/// Of the Krasovsky 1940 ellipsoid: half axis in metres, and eccentricity squared.
const AXIS_M: f64 = 6_378_245.0;
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;

/// Where the shift is applied.
fn is_shifted(longitude: f64, latitude: f64) -> bool {
    (72.004..=137.8347).contains(&longitude) && (0.8293..=55.8271).contains(&latitude)
}

/// Longitude and latitude in degrees.
pub fn from_wgs84(longitude: f64, latitude: f64) -> (f64, f64) {
    if !is_shifted(longitude, latitude) {
        return (longitude, latitude);
    }
    let (x, y) = (longitude - 105.0, latitude - 35.0);
    let root = x.abs().sqrt();
    let wave = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + wave
        + (20.0 * (y * PI).sin() + 40.0 * (y / 3.0 * PI).sin()) * 2.0 / 3.0
        + (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin()) * 2.0 / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + wave
        + (20.0 * (x * PI).sin() + 40.0 * (x / 3.0 * PI).sin()) * 2.0 / 3.0
        + (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin()) * 2.0 / 3.0;
    let radians = latitude.to_radians();
    let magic = 1.0 - ECCENTRICITY_2 * radians.sin().powi(2);
    let meridian = AXIS_M * (1.0 - ECCENTRICITY_2) / (magic * magic.sqrt());
    let parallel = AXIS_M / magic.sqrt() * radians.cos();
    (longitude + (east / parallel).to_degrees(), latitude + (north / meridian).to_degrees())
}

/// To a millimetre.
pub fn to_wgs84(longitude: f64, latitude: f64) -> (f64, f64) {
    let mut own = (longitude, latitude);
    for _ in 0..10 {
        let there = from_wgs84(own.0, own.1);
        let off = (there.0 - longitude, there.1 - latitude);
        own = (own.0 - off.0, own.1 - off.1);
        if off.0.abs() + off.1.abs() < 1e-9 {
            break;
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known points: Tiananmen is moved by some 500 m to the north-east, places abroad are not; there and back is the same to a
    /// millimetre, all over the country.
    #[test]
    fn there_and_back() {
        let (longitude, latitude) = from_wgs84(116.391_349, 39.907_375);
        assert!(
            (longitude - 116.397_593).abs() < 1e-5 && (latitude - 39.908_776).abs() < 1e-5,
            "{longitude} {latitude}"
        );
        assert_eq!(from_wgs84(-0.1276, 51.5072), (-0.1276, 51.5072));
        for x in 0..30 {
            for y in 0..20 {
                let (longitude, latitude) = (75.0 + f64::from(x) * 2.0, 18.0 + f64::from(y) * 1.7);
                let there = from_wgs84(longitude, latitude);
                let back = to_wgs84(there.0, there.1);
                assert!(
                    (back.0 - longitude).abs() + (back.1 - latitude).abs() < 1e-8,
                    "{longitude} {latitude}: {back:?}"
                );
            }
        }
    }
}
