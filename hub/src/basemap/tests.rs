//! Files made by hand, and their way to the browser, on both databases.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use super::pmtiles::read;
use super::*;
use crate::grid;
use crate::organisation::testing::import_areas;
use crate::web::tests::site::{Answer, Browser, START, Site, sites};

const AREAS: &str = "id,name,level,parent\nc,县,county,\nt,镇,town,c\neast,社区,community,t\n";

/// A file with one tile at zoom 0, as its specification has it; bounds as west, south, east, north.
pub(crate) fn tiles(bounds: [f64; 4]) -> Vec<u8> {
    // One entry: tile 0, run of one, 4 bytes, at the beginning (kept as offset plus one).
    let directory = [1_u8, 0, 1, 4, 1];
    let metadata = b"{}";
    let tile = [0x1a, 2, 0x78, 2];
    let mut head = b"PMTiles\x03".to_vec();
    let root = 127_u64;
    let meta = root + directory.len() as u64;
    let data = meta + metadata.len() as u64;
    for (from, length) in
        [(root, directory.len() as u64), (meta, metadata.len() as u64), (data, 0), (data, tile.len() as u64)]
    {
        head.extend(from.to_le_bytes());
        head.extend(length.to_le_bytes());
    }
    for count in [1_u64, 1, 1] {
        head.extend(count.to_le_bytes());
    }
    // Clustered; directories and tiles in plain; vector tiles; zooms 0 to 14.
    head.extend([1, 1, 1, 1, 0, 14]);
    for degrees in bounds {
        head.extend(((degrees * 1e7) as i32).to_le_bytes());
    }
    head.push(0);
    head.extend([0; 8]);
    assert_eq!(head.len(), 127);
    [&head[..], &directory, metadata, &tile].concat()
}

pub(crate) const COUNTY: [f64; 4] = [106.0, 34.0, 108.0, 35.0];

/// A good head reads; each thing that can be wrong with one is said by its name, and no cut of a file is taken.
#[test]
fn heads_are_held_against_their_files() {
    let good = tiles(COUNTY);
    let size = good.len() as u64;
    let head = read(&good, size).unwrap();
    assert_eq!((head.min_zoom, head.max_zoom, head.west, head.north), (0, 14, 106.0, 35.0));
    let with = |at: usize, bytes: &[u8]| {
        let mut odd = good.clone();
        odd[at..at + bytes.len()].copy_from_slice(bytes);
        read(&odd, size).unwrap_err()
    };
    assert_eq!(read(b"SQLite format 3\0", 16), Err(MapError::Unknown));
    assert_eq!(with(7, &[2]), MapError::Version(2));
    assert_eq!(with(99, &[2]), MapError::Tiles("PNG pictures"));
    assert_eq!(with(98, &[4]), MapError::Packed("tiles", "zstd"));
    assert_eq!(with(97, &[3]), MapError::Packed("directories", "brotli"));
    assert_eq!(with(97, &[2]), MapError::Damaged("its root directory is not packed as it says"));
    assert_eq!(with(100, &[15]), MapError::Damaged("its zooms make no sense"));
    assert_eq!(with(101, &[40]), MapError::Damaged("its zooms make no sense"));
    assert_eq!(with(127, &[9]), MapError::Damaged("its root directory counts wrong"));
    assert_eq!(with(127, &[2]), MapError::Damaged("its root directory ends too early"));
    assert_eq!(with(8, &20_000_u64.to_le_bytes()), MapError::Outside("root directory", 20_000, 20_005, size));
    assert_eq!(with(64, &999_u64.to_le_bytes()), MapError::Outside("tiles", 134, 1_133, size));
    assert_eq!(with(64, &0_u64.to_le_bytes()), MapError::Damaged("it has no tiles"));
    assert_eq!(
        with(102, &(1_090_000_000_i32).to_le_bytes()),
        MapError::Damaged("its bounds are no part of the earth")
    );
    for cut in 0..good.len() {
        assert!(read(&good[..cut], cut as u64).is_err(), "{cut} bytes are taken for a whole file");
    }
    for at in 0..good.len() {
        let mut odd = good.clone();
        odd[at] ^= 0xff;
        let _ = read(&odd, size);
    }
}

impl Site {
    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.app.data_dir().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    async fn part(&self, url: &str, who: &Browser, range: Option<&str>, tag: Option<&str>) -> Answer {
        let mut request = Request::get(url).header(header::COOKIE, &who.cookie);
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    fn kept(&self) -> usize {
        std::fs::read_dir(self.app.data_dir().join(FOLDER)).map_or(0, Iterator::count)
    }
}

/// A file is checked, kept by its hash and served in parts to whoever is logged in, for ever the same; taken away, it is gone.
#[tokio::test]
async fn a_base_map_is_served() {
    for site in sites().await {
        let file = site.file("county.pmtiles", &tiles(COUNTY));
        let (dry, covers) = import(&site.app, &file, true).await.unwrap();
        assert_eq!((dry.sha256.as_str(), covers, site.kept()), ("", Covers::Unknown, 0), "{}", site.name);
        let (map, _) = import(&site.app, &file, false).await.unwrap();
        let seat = site.log_in("seat03").await;
        let list = site.get("/api/v1/basemaps", Some(&seat)).await.json();
        let url = format!("/basemap/{}.pmtiles", map.sha256);
        let first = &list["basemaps"][0];
        assert_eq!((&first["url"], &first["name"]), (&json!(url), &json!("county.pmtiles")));
        assert_eq!((&first["about"]["max_zoom"], &first["about"]["west"]), (&json!(14), &json!(106.0)));

        let head = site.part(&url, &seat, Some("bytes=0-6"), None).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (206, "PMTiles"), "{}", site.name);
        assert_eq!(head.header("content-range"), format!("bytes 0-6/{}", map.size_bytes));
        assert_eq!(head.header("cache-control"), "private, max-age=31536000, immutable");
        assert_eq!(head.header("content-type"), "application/vnd.pmtiles");
        let tag = head.header("etag").to_owned();
        assert_eq!(site.part(&url, &seat, None, Some(&tag)).await.status, 304);
        let outside = site.part(&url, &seat, Some("bytes=99999-"), None).await;
        assert_eq!(outside.status, 416, "{}", site.name);
        assert_eq!(
            site.part(&url, &seat, None, None).await.headers["content-length"],
            map.size_bytes.to_string()
        );
        let stranger = site.get(&url, None).await;
        assert_eq!(stranger.status, 303, "{}: to the login", site.name);
        for wrong in
            ["/basemap/x.pmtiles", &format!("/basemap/{}.pmtiles", "0".repeat(64)), "/basemap/..%2Fhub.db"]
        {
            assert_eq!(site.get(wrong, Some(&seat)).await.status, 404, "{wrong}");
        }
        // Again it is the same file, and a newer one goes first.
        import(&site.app, &file, false).await.unwrap();
        assert_eq!(site.kept(), 1, "{}", site.name);
        site.clock.advance_ms(1);
        let other = site.file("other.pmtiles", &tiles([106.1, 34.0, 108.0, 35.0]));
        import(&site.app, &other, false).await.unwrap();
        let list = site.get("/api/v1/basemaps", Some(&seat)).await.json();
        assert_eq!(list["basemaps"][0]["name"], "other.pmtiles");
        let sha256: Sha256Hex = map.sha256.parse().unwrap();
        assert!(remove(&site.app, &sha256).await.unwrap());
        assert!(!remove(&site.app, &sha256).await.unwrap());
        assert_eq!(
            (site.get(&url, Some(&seat)).await.status.as_u16(), site.kept()),
            (404, 1),
            "{}",
            site.name
        );
    }
}

/// The map of another place is refused, one that shows a part of the county is told; what is refused leaves no file.
#[tokio::test]
async fn maps_of_other_places_are_refused() {
    for site in sites().await {
        let (app, tenant) = (&site.app, site.app.tenant().as_str());
        import_areas(&app.db, tenant, AREAS.as_bytes(), false).await.unwrap();
        let grid = json!({ "type": "FeatureCollection", "features": [{
            "type": "Feature",
            "properties": { "id": "g1", "name": "一网格", "level": "grid", "parent": "east" },
            "geometry": { "type": "Polygon", "coordinates": [[
                [107.0, 34.5], [107.1, 34.5], [107.1, 34.6], [107.0, 34.6], [107.0, 34.5]]] },
        }]})
        .to_string();
        let text = (grid.as_bytes(), grid::Datum::Wgs84);
        app.grids.import(&app.db, tenant, text, ("hub", "x", START), false).await.unwrap();
        let elsewhere = site.file("a.pmtiles", &tiles([116.0, 39.0, 117.0, 40.0]));
        let refused = import(app, &elsewhere, false).await.unwrap_err().to_string();
        assert!(refused.contains("another place") && refused.contains("34.5000–34.6000 N"), "{refused}");
        let part = site.file("b.pmtiles", &tiles([107.05, 34.0, 108.0, 35.0]));
        assert_eq!(import(app, &part, true).await.unwrap().1, Covers::Partly);
        let whole = site.file("c.pmtiles", &tiles(COUNTY));
        assert_eq!(import(app, &whole, true).await.unwrap().1, Covers::Whole);
        let cut = site.file("d.pmtiles", &tiles(COUNTY)[..130]);
        assert!(import(app, &cut, false).await.is_err());
        let nothing = site.app.data_dir().join("nothing.pmtiles");
        let error = import(app, &nothing, false).await.unwrap_err().to_string();
        assert!(error.contains("nothing.pmtiles"), "{error}");
        assert_eq!((site.kept(), list(&app.db, tenant).await.unwrap().len()), (0, 0), "{}", site.name);
    }
}
