//! Sheets of areas and units on both databases.

use protocol::UtcMs;

use super::testing::import_areas;
use super::*;
use crate::admin::By;
use crate::db::testing::databases;

const AREAS: &str = "编号,名称,层级,上级,农村\n\
    g1,东关一网格,网格,dongguan,\n\
    dongguan,东关社区,社区,chengguan,\n\
    chengguan,城关镇,镇,fengxiang,\n\
    fengxiang,凤翔县,县,,\n\
    xicun,西村,村,chengguan,是\n";

/// A tree whose children stand above their parents goes in whole; again, nothing changes; a name may change, a place not.
#[tokio::test]
async fn a_tree_goes_in() {
    for test in databases().await {
        let db = &test.db;
        let dry = import_areas(db, "t", AREAS.as_bytes(), true).await.unwrap();
        assert_eq!((dry.new.len(), dry.done), (5, false), "{:?}", dry.bad);
        assert!(store::areas(db, "t").await.unwrap().is_empty(), "a dry run changes nothing");
        assert!(import_areas(db, "t", AREAS.as_bytes(), false).await.unwrap().done);
        let areas = store::areas(db, "t").await.unwrap();
        let grid = areas.iter().find(|area| area.area == "g1").unwrap();
        assert_eq!(grid.path, "/fengxiang/chengguan/dongguan/g1/", "{}", test.name);
        let mut tx = db.begin().await.unwrap();
        assert!(store::is_rural(&mut tx, "t", "/fengxiang/chengguan/xicun/").await.unwrap());
        assert!(!store::is_rural(&mut tx, "t", &grid.path).await.unwrap());
        drop(tx);
        let again = import_areas(db, "t", AREAS.as_bytes(), false).await.unwrap();
        assert_eq!((again.unchanged.len(), again.new.len()), (5, 0));
        let renamed = "id,name,level,parent\ng1,东关一号网格,grid,dongguan\n";
        assert_eq!(import_areas(db, "t", renamed.as_bytes(), false).await.unwrap().changed, ["g1"]);
        let moved = "id,name,level,parent\ng1,东关一号网格,grid,xicun\n";
        let outcome = import_areas(db, "t", moved.as_bytes(), false).await.unwrap();
        assert!(!outcome.done && outcome.bad[0].to_string().contains("stays where it is"), "{outcome:?}");
    }
}

/// Each bad row is told with its place and nothing goes in.
#[tokio::test]
async fn bad_rows_are_told() {
    for test in databases().await {
        let db = &test.db;
        let bad = "id,name,level,parent,rural\n\
            county,县,county,,\n\
            town,镇,town,county,perhaps\n\
            Town,镇,town,county,\n\
            alone,社区,community,,\n\
            lost,社区,community,nowhere,\n\
            high,网格,grid,county,\n\
            odd,网格,province,county,\n\
            above,县,county,county,\n\
            county,县,county,,\n";
        let outcome = import_areas(db, "t", bad.as_bytes(), false).await.unwrap();
        let told: Vec<String> = outcome.bad.iter().map(ToString::to_string).collect();
        for part in [
            "line 3, column E (rural): \"perhaps\" is neither yes nor no",
            "line 4, column A (id): \"Town\" is no id",
            "line 5, column D (parent): is empty; a community lies in a town",
            "line 6, column D (parent): there is no area \"nowhere\"",
            "line 7, column D (parent): county is a county; a grid lies in a community",
            "line 8, column C (level): level \"province\" is not one of",
            "line 9, column D (parent): nothing is above a county",
            "line 10, column A (id): \"county\" stands in line 2 too",
        ] {
            assert!(told.iter().any(|line| line.starts_with(part)), "{part}: {told:#?}");
        }
        assert!(!outcome.done && store::areas(db, "t").await.unwrap().is_empty(), "{}", test.name);
    }
}

/// A county begins with its 32 slots, 19 of them named; a sheet names another.
#[tokio::test]
async fn units_begin_with_the_countys_own() {
    for test in databases().await {
        let db = &test.db;
        for _ in 0..2 {
            store::seed_units(db, "t").await.unwrap();
        }
        let units = store::units(db, "t").await.unwrap();
        assert_eq!(units.len(), 32);
        assert_eq!(units.iter().filter(|unit| unit.active == 1).count(), 19);
        import_areas(db, "t", AREAS.as_bytes(), false).await.unwrap();
        let sheet = "id,name,area,active\nslot20,文旅,,yes\nchengguan-office,城关镇政府,chengguan,yes\n";
        let outcome = import_units(db, "t", sheet.as_bytes(), false, &By::cli(UtcMs(1))).await.unwrap();
        assert_eq!(
            (outcome.new.as_slice(), outcome.changed.as_slice()),
            (&["chengguan-office".to_owned()][..], &["slot20".to_owned()][..])
        );
        let office =
            store::units(db, "t").await.unwrap().into_iter().find(|unit| unit.unit == "chengguan-office");
        assert_eq!(office.unwrap().area, "/fengxiang/chengguan/");
        let wrong = "id,name,area,active\nx,某局,nowhere,yes\nx,某局,,yes\ny,,,maybe\n";
        let outcome = import_units(db, "t", wrong.as_bytes(), false, &By::cli(UtcMs(1))).await.unwrap();
        assert!(!outcome.done && outcome.bad.len() == 3, "{:?}", outcome.bad);
    }
}
