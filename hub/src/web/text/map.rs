//! Words of the map.

use super::Lang;

catalogue! {
    map = "地图", "Map";
    map_lead = "未结案件的位置", "Where open cases are";
    map_of_place = "位置", "Place";
    map_loading = "地图正在载入；同样的内容列在表中。", "The map is loading; the list says the same.";
    map_no_script = "本浏览器没有启用脚本，画不出地图；同样的内容列在表中。", "Scripts are off in this browser, so there is no map; the list says the same.";
    map_no_webgl = "本浏览器或显卡不支持 WebGL 2，画不出地图；同样的内容列在表中。", "This browser or graphics card has no WebGL 2, so there is no map; the list says the same.";
    map_no_library = "地图组件没有载入（浏览器过旧，或安装时缺少），画不出地图；同样的内容列在表中。", "The map component did not load (an old browser, or it was not installed), so there is no map; the list says the same.";
    map_no_data = "地图数据没有读到，正在重试；同样的内容列在表中。", "The data of the map could not be read, trying again; the list says the same.";
    map_no_base = "底图文件没有读到，只画网格与案件。", "The base map could not be read: grids and cases only.";
    map_no_grids = "还没有网格地图。导入：hub grid import", "There is no map of grids yet. Bring one: hub grid import";
    map_truncated = "图上只有最新的", "The map has only the newest";
    map_cases_word = "件", "cases";
    // Controls
    map_view = "视角", "View";
    map_zoom_in = "放大", "Zoom in";
    map_zoom_out = "缩小", "Zoom out";
    map_whole = "全图", "Whole map";
    map_3d = "三维", "3D";
    map_3d_why = "三维：网格越高，未结案件越多", "3D: the higher a grid, the more open cases it has";
    map_boxes = "设备", "Boxes";
    map_boxes_none = "没有设备登记在网格里。", "No box stands in a grid.";
    map_two_fingers = "用两个手指移动地图", "Use two fingers to move the map";
    map_pick_hint = "在图上点选，或用方向键移动、回车选定中心", "Click on the map, or move it by arrows and press Enter for its centre";
    map_picked = "已选", "Picked";
    map_outside = "不在任何网格内", "In no grid";
    map_close = "关闭", "Close";
    map_at_this_place = "这里的案件", "Cases here";
    map_waits = "未确认", "Not acknowledged";
    map_held = "已在办", "In hand";
    // Legend
    map_legend_held = "空心：已有人在办", "Hollow: somebody has it in hand";
    map_legend_heat = "颜色越深，未结案件越多", "The darker a grid, the more open cases it has";
    // Lists
    map_severity = "等级", "Severity";
    map_list = "图上的未结案件", "Open cases on the map";
    map_list_newest = "只列最新", "Only the newest are listed:";
    map_list_none = "没有带位置的未结案件。", "No open case has a point on the map.";
    map_list_rest = "没有坐标的未结案件", "Open cases without a point";
    map_areas = "按网格", "By grid";
    map_areas_open = "未结", "Open";
    map_areas_none = "各网格都没有未结案件。", "No grid has an open case.";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No word is empty, each pair differs, and the English is plain.
    #[test]
    fn every_word_has_both_languages() {
        for (name, zh, en) in ALL {
            assert!(!zh.is_empty() && !en.is_empty() && zh != en, "{name}");
            assert!(en.is_ascii(), "{name}: {en}");
        }
    }
}
