//! Sheets of places: what is taken, what is told, what stays.

use protocol::UtcMs;

use super::{AREAS, SHEET, map};
use crate::db::testing::databases;
use crate::gazetteer::{Datum, GazetteerError, Gazetteers, Imported, Mode, list};
use crate::grid::{self, Grids, gcj02};
use crate::organisation::testing::import_areas;

const BY: (&str, &str, UtcMs) = ("hub", "x", UtcMs(1));

struct County {
    db: crate::db::Db,
    grids: Grids,
    shelf: Gazetteers,
    name: &'static str,
    _test: crate::db::testing::TestDb,
}

async fn counties() -> Vec<County> {
    let mut all = Vec::new();
    for test in databases().await {
        import_areas(&test.db, "t", AREAS.as_bytes(), false).await.unwrap();
        let (grids, text) = (Grids::default(), map());
        let text = (text.as_bytes(), grid::Datum::Wgs84);
        grids.import(&test.db, "t", text, BY, false).await.unwrap();
        let (db, name) = (test.db.clone(), test.name);
        all.push(County { db, grids, shelf: Gazetteers::default(), name, _test: test });
    }
    all
}

impl County {
    async fn take(&self, sheet: &str, mode: Mode) -> Result<Imported, GazetteerError> {
        self.shelf.import(&self.db, "t", (sheet.as_bytes(), mode), &self.grids, BY).await
    }
}

/// A sheet goes in as a version that other hubs see; again it changes nothing; another one replaces it, or is added.
#[tokio::test]
async fn sheets_become_versions() {
    for county in counties().await {
        let dry = county.take(SHEET, Mode { dry_run: true, ..Mode::default() }).await.unwrap();
        assert_eq!(
            (dry.version, dry.new.len(), dry.bad.len()),
            (None, 8, 0),
            "{}: {:?}",
            county.name,
            dry.bad
        );
        assert!(county.shelf.newest(&county.db, "t").await.unwrap().is_empty(), "a dry run changes nothing");
        assert_eq!(county.take(SHEET, Mode::default()).await.unwrap().version, Some(1));
        let again = county.take(SHEET, Mode::default()).await.unwrap();
        assert_eq!((again.version, again.unchanged), (None, 8), "{}", county.name);
        // Another hub knows nothing of it but what the database has.
        let other = Gazetteers::default();
        let index = other.newest(&county.db, "t").await.unwrap();
        let market = index.sure("凤鸣市场", None).unwrap().entry.clone();
        assert_eq!(market.path.as_ref().map(|path| path.as_str()), Some("/c/t/east/"));
        assert!(other.newest(&county.db, "other").await.unwrap().is_empty(), "each tenant has its own");

        let more = "name,area\n新城广场,west\n";
        let added = county.take(more, Mode { add: true, ..Mode::default() }).await.unwrap();
        assert_eq!((added.version, added.new.len(), added.gone.len()), (Some(2), 1, 0));
        assert_eq!(other.newest(&county.db, "t").await.unwrap().len(), 9, "{}: it is read anew", county.name);
        let renamed = SHEET.replace("县医院", "县医院、人医");
        let outcome = county.take(&renamed, Mode::default()).await.unwrap();
        assert_eq!(
            (outcome.version, outcome.changed.as_slice(), outcome.gone.as_slice()),
            (Some(3), &["人民医院".to_owned()][..], &["新城广场".to_owned()][..])
        );
        let versions: Vec<_> =
            list(&county.db, "t").await.unwrap().iter().map(|row| (row.version, row.places)).collect();
        assert_eq!(versions, [(3, 8), (2, 9), (1, 8)], "{}", county.name);
    }
}

/// Each bad row is told with its line and column, all of them at once, and nothing goes in.
#[tokio::test]
async fn bad_rows_are_told() {
    let sheet = "name,aliases,latitude,longitude,area,kind\n\
        好地方,,34.5105,106.9315,east,point\n\
        ,,34.5,106.9,,\n\
        短,,34.5,106.9,,\n\
        没有地方,,,,,\n\
        只有纬度,,34.5,,,\n\
        只有经度,,,106.9,,\n\
        北京,,95,106.9,,\n\
        字母,,34.5,x,,\n\
        未知区域,,,,eest,\n\
        别名太短,短,34.5,106.9,,\n\
        怪类型,,34.5,106.9,,河\n\
        错地方,,34.5105,106.9305,east,point\n\
        好地方,,34.5105,106.9315,east,point\n";
    for county in counties().await {
        for mode in [Mode::default(), Mode { dry_run: true, ..Mode::default() }] {
            let outcome = county.take(sheet, mode).await.unwrap();
            let told: Vec<String> = outcome.bad.iter().map(ToString::to_string).collect();
            for part in [
                "line 3, column A (name): is empty",
                "line 4, column A (name): \"短\" is too short",
                "line 5, column E (area): is empty, and so are the coordinates",
                "line 6, column D (longitude): is empty, but there is a latitude",
                "line 7, column C (latitude): is empty, but there is a longitude",
                "line 8, column C (latitude): \"95\" is no number of degrees from -90 to 90",
                "line 9, column D (longitude): \"x\" is no number",
                "line 10, column E (area): there is no area \"eest\", did you mean east?",
                "line 11, column B (aliases): \"短\" is no name",
                "line 12, column F (kind): \"河\" is not one of town (镇)",
                "line 13, column E (area): 34.51050, 106.93050 lies in /c/t/west/w1/ by the map, not in /c/t/east/",
                "line 14, column A (name): \"好地方\" stands in line 2 too",
            ] {
                assert!(told.iter().any(|line| line.starts_with(part)), "{part}: {told:#?}");
            }
            assert_eq!(told.len(), 12, "{told:#?}");
            assert_eq!(outcome.version, None);
        }
        assert!(county.shelf.newest(&county.db, "t").await.unwrap().is_empty(), "{}", county.name);
        for (file, part) in [
            ("name,lat\nx,1\n", "no such heading"),
            ("latitude,longitude\n1,2\n", "these headings are missing: name"),
            ("name\n", "no place"),
            ("", "the file is empty"),
        ] {
            let error = county.take(file, Mode::default()).await.unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

/// Coordinates of a map service land where they belong, and without being told of it the sheet is refused.
#[tokio::test]
async fn sheets_of_map_services() {
    let (longitude, latitude) = gcj02::from_wgs84(106.9315, 34.5105);
    let sheet = format!("name,latitude,longitude,area\n凤鸣路菜市场,{latitude:.6},{longitude:.6},east\n");
    for county in counties().await {
        let mode = Mode { datum: Datum::Gcj02, ..Mode::default() };
        assert_eq!(county.take(&sheet, mode).await.unwrap().version, Some(1));
        let index = county.shelf.newest(&county.db, "t").await.unwrap();
        let (latitude, longitude) = index.sure("凤鸣路菜市场", None).unwrap().entry.place.at.unwrap();
        assert!((latitude - 34.5105).abs() < 2e-6 && (longitude - 106.9315).abs() < 2e-6, "{}", county.name);
    }
}
