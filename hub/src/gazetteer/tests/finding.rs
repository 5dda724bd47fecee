//! What is found for what is said, without a database.

use crate::gazetteer::{How, Index, Kind, Place};
use crate::organisation::Area;

fn area(id: &str, level: &str, name: &str, path: &str) -> Area {
    Area {
        area: id.to_owned(),
        parent: (level != "county").then(|| "x".to_owned()),
        level: level.to_owned(),
        name_zh: name.to_owned(),
        name_en: name.to_owned(),
        rural: 0,
        path: path.to_owned(),
    }
}

fn areas() -> Vec<Area> {
    vec![
        area("c", "county", "青梧县", "/c/"),
        area("east", "community", "东关社区", "/c/t/east/"),
        area("west", "community", "西园社区", "/c/t/west/"),
        area("e1", "grid", "东关一网格", "/c/t/east/e1/"),
        area("w1", "grid", "西园一网格", "/c/t/west/w1/"),
    ]
}

fn place(id: &str, name: &str, aliases: &[&str], kind: Kind, area: Option<&str>) -> Place {
    Place {
        id: id.to_owned(),
        name: name.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        kind,
        area: area.map(str::to_owned),
        at: kind.is_close().then_some((34.5, 106.9)),
    }
}

fn index() -> Index {
    let point = Kind::Point;
    let places = vec![
        place("market", "凤鸣路菜市场", &["凤鸣市场"], point, Some("e1")),
        place("road", "凤鸣路", &[], Kind::Road, None),
        place("hospital", "人民医院", &["县医院"], point, None),
        place("shop-w", "幸福超市", &[], point, Some("w1")),
        place("shop-e", "幸福超市", &[], point, Some("e1")),
        place("east", "东关社区", &[], Kind::Community, Some("east")),
        place("west", "西园社区", &[], Kind::Community, Some("west")),
        place("bridge", "三里桥", &[], point, None),
        place("bus", "B12路车站", &[], point, None),
    ];
    Index::new(1, places, &areas())
}

/// The best way to meet a name comes first: as it stands, by another name, by its sound, within what was said, as what is
/// begun, in the middle, nearly.
#[test]
fn the_best_comes_first() {
    let index = index();
    let best = |text: &str| {
        let found = index.find(text, 5);
        found.first().map(|found| (found.entry.place.id.clone(), found.how))
    };
    for (text, id, how) in [
        ("凤鸣路菜市场", "market", How::Exact),
        (" 凤鸣路，菜市场。", "market", How::Exact),
        ("县医院", "hospital", How::Alias),
        ("风名路菜市场", "market", How::Sound),
        ("仁民医院", "hospital", How::Sound),
        ("3里桥", "bridge", How::Exact),
        ("凤鸣路菜市场后头那个仓库", "market", How::Within),
        ("在风名路菜市场那边", "market", How::SoundWithin),
        ("人民", "hospital", How::Prefix),
        ("菜市场", "market", How::Contains),
        ("凤鸣街菜市场", "market", How::Near),
        ("b12路车站", "bus", How::Exact),
    ] {
        let (found, met) = best(text).unwrap_or_else(|| panic!("nothing for {text}"));
        assert_eq!((found.as_str(), met), (id, how), "{text}");
    }
    for nothing in ["", "，。", "火星", "C12路车站台北", "北京市朝阳区"] {
        let found = index.find(nothing, 5);
        assert!(found.iter().all(|found| found.how > How::SoundWithin), "{nothing}: {found:?}");
    }
    // Both of one name are there, each with all of its per cent.
    let both: Vec<_> = index.find("幸福超市", 5).iter().map(|found| found.percent).collect();
    assert_eq!(both, [100, 100]);
    assert_eq!(index.find("凤鸣路", 1).len(), 1);
}

/// The hub is sure of one place that fits the words whole, but for directions and numbers of houses, and of one of several
/// when the words, or the box, say which. Of a road nobody knows where on it.
#[test]
fn sure_only_where_nothing_speaks_against_it() {
    let index = index();
    let sure =
        |text: &str, grid: Option<&str>| index.sure(text, grid).map(|found| found.entry.place.id.clone());
    for (text, grid, id) in [
        ("凤鸣路菜市场", None, "market"),
        ("风名路菜市场", None, "market"),
        ("在凤鸣路菜市场门口", None, "market"),
        ("凤鸣路菜市场3号楼2单元", None, "market"),
        ("在风名路菜市场门口", None, "market"),
        ("凤鸣市场", None, "market"),
        ("东关社区凤鸣路菜市场", None, "market"),
        ("东关社区", None, "east"),
        ("西园社区幸福超市", None, "shop-w"),
        ("幸福超市", Some("东关一网格"), "shop-e"),
    ] {
        assert_eq!(sure(text, grid).as_deref(), Some(id), "{text}");
    }
    for (text, grid) in [
        ("幸福超市", None),
        ("幸福超市", Some("没有这个网格")),
        ("凤鸣路", None),
        ("西园社区凤鸣路菜市场", None),
        ("凤鸣路菜市场后头那个仓库着火", None),
        ("菜市场", None),
        ("人民", None),
        ("", None),
    ] {
        assert_eq!(sure(text, grid), None, "{text} {grid:?}");
    }
}

/// A county with 50,000 places is looked through in a bounded number of comparisons, and the right one is still first.
#[test]
fn many_places_are_looked_through_quickly() {
    let ends = ["路", "街", "巷", "小区", "家园", "村", "市场", "学校", "广场", "工业园"];
    let digits = ["东", "南", "西", "北", "中", "新", "老", "上", "下", "和"];
    let places: Vec<Place> = (0..50_000)
        .map(|at: usize| {
            let letters: String = [at / 5_000 % 10, at / 500 % 10, at / 50 % 10, at / 5 % 10]
                .iter()
                .map(|d| digits[*d])
                .collect();
            let name = format!("{letters}{}{}", ends[at % 10], at % 5);
            place(&format!("p{at}"), &name, &[], Kind::Point, None)
        })
        .collect();
    let wanted = places[31_234].clone();
    let index = Index::new(1, places, &[]);
    for text in [wanted.name.as_str(), "小区", "东", "东南西北小区门口那个超市旁边", "和和和和和和和和"]
    {
        let (found, looked) = index.search(text, 10);
        assert!(looked <= 25_000, "{text}: {looked} names were compared");
        assert!(found.len() <= 10);
    }
    assert_eq!(index.find(&wanted.name, 1)[0].entry.place.name, wanted.name);
}
