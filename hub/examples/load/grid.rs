//! Whose ground a point is, on a map as large as a city's, without a hub: how long the map takes to be checked, taken and
//! read, and how many points a second are found.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Context as _, ensure};
use clap::Args;
use hub::admin::By;
use hub::db::Db;
use hub::grid::{Datum, Grids};
use hub::organisation::import_areas;
use protocol::{Chance, Clock as _, SystemClock, UtcMs};
use serde_json::{Value, json};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// About so many vertices has the map.
    #[arg(long, default_value_t = 100_000)]
    vertices: u64,
    /// Points that are looked for.
    #[arg(long, default_value_t = 2_000_000)]
    points: u64,
}

const TENANT: &str = "main";
/// Grids along each side of the map.
const SIDE: u64 = 40;
/// South-western corner and size of the map, in degrees.
const WEST: f64 = 106.5;
const SOUTH: f64 = 34.2;
const SPAN: f64 = 0.8;

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let clock = SystemClock::new();
    let db = Db::open(None, &folder.path().join(Path::new("grid.db")), 1).await?;
    let areas = "id,name,level,parent\nc,青梧县,county,\nt,青梧镇,town,c\nall,东关社区,community,t\n";
    import_areas(&db, TENANT, areas.as_bytes(), false, &By::cli(UtcMs(1))).await?;
    // Each edge is shared by two grids, each grid has four.
    let parts = (arguments.vertices / (4 * SIDE * SIDE)).max(1);
    let map = map(parts);
    let (bytes, grids) = (map.len(), Grids::default());
    let begun_ms = clock.uptime_ms();
    let by = ("load", "", UtcMs(1));
    let taken = grids.import(&db, TENANT, (map.as_bytes(), Datum::Wgs84), by, false).await?;
    let taken_ms = clock.uptime_ms() - begun_ms;
    ensure!(taken.grids as u64 == SIDE * SIDE, "{} grids were taken", taken.grids);
    let begun_ms = clock.uptime_ms();
    let index = Grids::default().newest(&db, TENANT).await?.context("the map is not there")?;
    let read_ms = clock.uptime_ms() - begun_ms;

    let chance = Chance::seeded(4);
    let unit = || chance.below(1 << 40) as f64 / (1_u64 << 40) as f64;
    // Drawn before the clock runs; some lie around the map.
    let drawn: Vec<(f64, f64)> = (0..100_000)
        .map(|_| (WEST + (unit() * 1.04 - 0.02) * SPAN, SOUTH + (unit() * 1.04 - 0.02) * SPAN))
        .collect();
    let (mut found, begun_us) = (0_u64, clock.uptime_us());
    for (longitude, latitude) in drawn.iter().cycle().take(usize::try_from(arguments.points)?) {
        found += u64::from(black_box(index.at(*longitude, *latitude)).is_some());
    }
    let took_us = clock.uptime_us() - begun_us;
    let part = found as f64 / arguments.points as f64;
    ensure!((0.8..1.0).contains(&part), "{found} of {} points were found", arguments.points);
    Ok(json!({
        "grids": index.len(),
        "vertices": parts * 4 * SIDE * SIDE,
        "map_bytes": bytes,
        "check_and_take_ms": taken_ms,
        "read_ms": read_ms,
        "points": arguments.points,
        "us_per_point": (took_us as f64 / arguments.points as f64 * 1000.0).round() / 1000.0,
        "points_per_second": (arguments.points as f64 / took_us as f64 * 1e6).round(),
    }))
}

/// Grids whose corners and edges wander, each edge the same points for both its sides.
fn map(parts: u64) -> String {
    let features: Vec<Value> = (0..SIDE * SIDE)
        .map(|n| {
            let (x, y) = (n % SIDE, n / SIDE);
            let corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)];
            let mut ring: Vec<[f64; 2]> = Vec::new();
            for (from, to) in corners.iter().zip(corners.iter().cycle().skip(1)) {
                // Always drawn from the lower corner, so that both sides have the very same points.
                let mut edge = if from <= to { edge(*from, *to, parts) } else { edge(*to, *from, parts) };
                if from > to {
                    edge.reverse();
                }
                edge.pop();
                ring.extend(edge);
            }
            ring.push(ring[0]);
            json!({
                "type": "Feature",
                "properties": { "id": format!("g{n}"), "name": format!("网格{n}"), "level": "grid", "parent": "all" },
                "geometry": { "type": "Polygon", "coordinates": [ring] },
            })
        })
        .collect();
    json!({ "type": "FeatureCollection", "features": features }).to_string()
}

fn corner((x, y): (u64, u64)) -> [f64; 2] {
    let step = SPAN / SIDE as f64;
    let inside = |at: u64| at > 0 && at < SIDE;
    let wander =
        |seed: u64| if inside(x) && inside(y) { (seed % 101) as f64 / 101.0 * 0.3 - 0.15 } else { 0.0 };
    let place = |at: u64, start: f64, seed: u64| start + (at as f64 + wander(seed)) * step;
    [place(x, WEST, x * 7919 + y * 104_729), place(y, SOUTH, x * 15_485_863 + y * 32_452_843)]
}

/// Points of an edge, both ends among them.
fn edge(from: (u64, u64), to: (u64, u64), parts: u64) -> Vec<[f64; 2]> {
    let (a, b) = (corner(from), corner(to));
    let step = SPAN / SIDE as f64;
    // The border of the map is straight.
    let border = (from.0 == to.0 && (from.0 == 0 || from.0 == SIDE))
        || (from.1 == to.1 && (from.1 == 0 || from.1 == SIDE));
    let swing = if border { 0.0 } else { 0.06 * step };
    (0..=parts)
        .map(|part| {
            let along = part as f64 / parts as f64;
            let aside = swing * (along * std::f64::consts::TAU).sin();
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let length = dx.hypot(dy);
            let at = |from: f64, way: f64, across: f64| {
                // What GeoJSON keeps of it is kept here too.
                ((from + way * along + across / length * aside) * 1e7).round() / 1e7
            };
            [at(a[0], dx, -dy), at(a[1], dy, dx)]
        })
        .collect()
}
