//! Names by themselves, sheets, and cases that find their place, on both databases.

mod finding;
mod importing;
mod placing;
mod tickets;

/// Two communities of a town, and a village.
const AREAS: &str = "id,name,level,parent,rural\n\
    c,青梧县,county,,\n\
    t,青梧镇,town,c,\n\
    east,东关社区,community,t,\n\
    west,西园社区,community,t,\n\
    hill,北岭村,community,t,yes\n";

/// Squares of 100 m, side by side from west to east: `w1` of west, `e1` and `e2` of east, `h1` of the village.
fn map() -> String {
    let grid = |id: &str, name: &str, parent: &str, column: u32| {
        let (left, right) = (106.93 + f64::from(column) * 0.001, 106.931 + f64::from(column) * 0.001);
        serde_json::json!({
            "type": "Feature",
            "properties": { "id": id, "name": name, "level": "grid", "parent": parent },
            "geometry": { "type": "Polygon", "coordinates": [[
                [left, 34.51], [right, 34.51], [right, 34.511], [left, 34.511], [left, 34.51]]] },
        })
    };
    let features = [
        grid("w1", "西园一网格", "west", 0),
        grid("e1", "东关一网格", "east", 1),
        grid("e2", "东关二网格", "east", 2),
        grid("h1", "北岭一组", "hill", 3),
    ];
    serde_json::json!({ "type": "FeatureCollection", "features": features }).to_string()
}

/// The middle of a square.
fn middle(column: u32) -> (f64, f64) {
    (34.5105, 106.9305 + f64::from(column) * 0.001)
}

const SHEET: &str = "名称,别名,纬度,经度,区域,类型\n\
    凤鸣路菜市场,凤鸣市场、菜场,34.5105,106.9315,east,地点\n\
    凤鸣路,,34.5100,106.9320,,道路\n\
    人民医院,县医院,34.5105,106.9305,,地点\n\
    幸福超市,,34.5105,106.9305,west,地点\n\
    幸福超市,,34.5105,106.9325,east,地点\n\
    东关社区,,,,east,社区\n\
    西园社区,,,,west,社区\n\
    北岭村委会,,34.5105,106.9335,hill,地点\n";
