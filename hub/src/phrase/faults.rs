//! What is wrong with what somebody brings: sheets of every kind, and maps of grids.

use super::{DEEPEST, Known, Phrase, find};

/// What an importer complains of, in Chinese, with its code; nothing where it is not known.
pub fn fault(text: &str) -> Option<Known> {
    at(text, DEEPEST)
}

fn at(text: &str, deeper: usize) -> Option<Known> {
    find(ALL, text, |inner| hole(inner, deeper))
}

/// A hint at what was meant may stand within a hole.
fn hole(text: &str, deeper: usize) -> String {
    match text.split_once(", did you mean ").and_then(|(word, near)| Some((word, near.strip_suffix('?')?))) {
        Some((word, near)) => format!("{word}（是不是 {near}？）"),
        // What is wrong with a part of a map, or of a rule, stands in the sentence of the whole.
        None => {
            let known = deeper.checked_sub(1).and_then(|deeper| at(text, deeper));
            known.map_or_else(|| text.to_owned(), |known| known.zh)
        }
    }
}

macro_rules! phrases {
    ($($code:literal: $en:literal => $zh:literal;)*) => {
        pub(super) const ALL: &[Phrase] = &[$(Phrase { code: $code, en: $en, zh: $zh },)*];
    };
}

phrases! {
    // Files
    "file_size": "the file has {} MiB, more than the {} that are taken" => "文件有 {} MiB，最多 {} MiB";
    "file_utf16": "the file is UTF-16; save it as \"CSV UTF-8\"" => "文件是 UTF-16 编码；请另存为“CSV UTF-8”";
    "file_encoding": "this is not UTF-8 (an older Excel writes GBK); save the sheet as \"CSV UTF-8\"" => "不是 UTF-8 编码（旧版 Excel 写 GBK）；请另存为“CSV UTF-8”";
    "file_text": "this is not UTF-8; save the text as UTF-8" => "不是 UTF-8 编码；请另存为 UTF-8";
    "file_empty": "the file is empty; its first row names the columns" => "文件是空的；第一行应为列名";
    "quote_open": "the quotation mark that opens here is never closed, so nothing after it can be read; close it, or write one within a cell twice" => "这里的引号没有结束，后面的内容读不了；请补上引号，单元格内的引号写两遍";
    "quote_after": "{} stands after the closing quotation mark; write a quotation mark within a cell twice" => "结束引号后还有 {}；单元格内的引号写两遍";
    "heading_twice": "this heading stands there twice; leave one of them out" => "列名重复；请去掉一个";
    "heading_unknown": "no such heading{}; a sheet has {}" => "没有这个列名{}；可用的列：{}";
    "heading_unknown_plain": "no such heading; a sheet has {}" => "没有这个列名；可用的列：{}";
    "heading_missing": "these headings are missing: {}; the first row of a sheet names its columns" => "缺少列：{}；第一行应为列名";
    "cell_without_heading": "a cell without a heading; put text with commas into quotation marks, or name the column" => "单元格没有列名；含逗号的文字请加引号，或补上列名";
    // Any cell
    "id_empty": "is empty; give the {} an id that stays, such as {}" => "为空；请给 {} 一个不变的编号，如 {}";
    "id_wrong": "{} is no id; write 1 to {} small letters, digits, - _ and ., such as {}" => "{} 不是编号；用 1 至 {} 个小写字母、数字、- _ .，如 {}";
    "empty": "is empty; write it" => "为空；请填写";
    "characters": "has {} characters; {} are the most" => "有 {} 个字；最多 {} 个";
    "control": "has a line break or another control character; leave it out" => "含换行或其他控制字符；请去掉";
    "control_short": "has a control character; leave it out" => "含控制字符；请去掉";
    "flag": "{} is neither yes nor no" => "{} 既不是“是”也不是“否”";
    "line_twice": "{} stands in line {} too" => "{} 在第 {} 行已有";
    "line_twice_place": "{} stands in line {} too, at the same place" => "{} 在第 {} 行已有，地点相同";
    "line_twice_id": "{} stands in line {} too; give one of them another id" => "{} 在第 {} 行已有；请给其中一个另外的编号";
    "id_twice": "{} stands there twice; give one of them another id" => "{} 出现两次；请给其中一个另外的编号";
    "outside": "lies outside of the area that you administer; leave the row out" => "不在您管理的区域内；请去掉这一行";
    "area_unknown_import": "there is no area {}; import areas first" => "没有区域 {}；请先导入区域";
    "area_unknown_list": "there is no area {}; `hub area list` names them" => "没有区域 {}；见“区域”页";
    "area_unknown": "there is no area {}" => "没有区域 {}";
    "unit_unknown": "there is no unit {}; `hub unit list` names them" => "没有单位 {}；见“单位”页";
    "user_unknown": "there is no user {}; `hub user list` names them" => "没有用户 {}；见“用户”页";
    // Areas
    "area_stays": "an area stays where it is, since cases and people are bound to its place; give the new one another id" => "区域的位置不能改：案件和人员都与它绑定；新区域请用另外的编号";
    "level": "level {} is not one of {}" => "层级 {} 不是以下之一：{}";
    "county_parent": "nothing is above a county; leave it empty" => "县级之上没有区域；请留空";
    "parent_empty": "is empty; a {} lies in a {}" => "为空；{} 应在 {} 之下";
    "parent_level": "{} is a {}; a {} lies in a {}" => "{} 是 {}；{} 应在 {} 之下";
    "too_deep": "{} lies in itself, or too deep: a grid lies in at most two others" => "{} 在自身之下，或层级太深：网格最多在另外两级网格之下";
    // Rosters
    "post": "{} is neither duty (值班) nor leader (班长)" => "{} 既不是值班（duty）也不是班长（leader）";
    "moment": "{} is no moment; write 2026-03-18 08:00" => "{} 不是时间；写作 2026-03-18 08:00";
    "turn": "a turn ends after it begins, within a week" => "班次应晚于开始结束，且不超过一周";
    // Users
    "removed": "is the name of somebody who was removed; histories hold it, take another one" => "是已移除人员的用户名，历史记录里有它；请换一个";
    "oneself": "is your own name, and the sheet takes a role from it; another administrator does that" => "是您本人，表中收回了您的角色；请由另一位管理员操作";
    "role_twice": "the same user has this role in another row" => "同一用户在另一行已有这个角色";
    "told_otherwise": "another row of the same user says otherwise; leave one of them empty" => "同一用户在另一行写的不一样；请留空一个";
    "user_name": "{} is no user name; it has 1 to 64 characters, none of them blank" => "{} 不是用户名；1 至 64 个字，不含空白";
    "role": "{} is no role{}; there are {}" => "{} 不是角色{}；可用的角色：{}";
    "role_plain": "{} is no role; there are {}" => "{} 不是角色；可用的角色：{}";
    "role_area": "is empty, which is everywhere; name the area of this role" => "为空表示全县；请写明这个角色的区域";
    "role_unit": "this role works in a unit; name it" => "这个角色属于单位；请写明单位";
    "role_no_unit": "this role works in no unit; leave it out" => "这个角色不属于单位；请留空";
    "phone": "is no telephone number: 3 to 15 digits, with + before them or without" => "不是电话号码：3 至 15 位数字，前面可有 +";
    "mail": "{} is no mail address" => "{} 不是邮箱地址";
    "no_administrator": "nobody would be administrator everywhere any more; give somebody that role in the sheet, or leave out --replace" => "导入后再没有全县管理员；请在表中给某人这个角色，或不要选“替换”";
    "meanwhile": "{} was changed by somebody else meanwhile; nothing was imported, try again" => "{} 其间被他人改动；没有导入，请重试";
    "new_users": "{} new users; {} are the most of one page: divide the sheet, or use `hub user import`" => "{} 个新用户；页面一次最多 {} 个：请分成几张表，或用 `hub user import`";
    "users": "{} users; {} are the most of one sheet" => "{} 个用户；一张表最多 {} 个";
    "rows": "there would be {} rows; {} are the most" => "将有 {} 行；最多 {} 行";
    // Categories
    "group_missing": "there is no 大类 {}; give it a row of its own, with nothing in this column" => "没有大类 {}；请为它单写一行，这一列留空";
    "group_id": "{} is the id of a 大类" => "{} 是大类的编号";
    "category_id": "{} is the id of a 小类" => "{} 是小类的编号";
    "word_taken": "{} means {} too; take it away there first" => "{} 已指 {}；请先在那里去掉";
    "sort": "{} is neither thing (部件) nor event (事件)" => "{} 既不是部件（thing）也不是事件（event）";
    "sort_empty": "is empty; a 大类 is of things (部件) or of events (事件)" => "为空；大类应为部件或事件";
    "group_none": "a 大类 has none; write it with its 小类" => "大类没有此项；请写在小类上";
    "sort_of_group": "is that of its 大类; leave it empty" => "由大类决定；请留空";
    "incident_kind_near": "{} is no kind of incident{}" => "{} 不是事件类型{}";
    "incident_kind": "{} is no kind of incident" => "{} 不是事件类型";
    "hotline_category_near": "{} is no category of the hotline{}" => "{} 不是热线类别{}";
    "hotline_category": "{} is no category of the hotline" => "{} 不是热线类别";
    "area_has_unit": "{}: this area has a unit already" => "{}：这个区域已有单位";
    "units": "{} units; {} are the most" => "{} 个单位；最多 {} 个";
    "categories": "there would be {} categories; {} are the most" => "将有 {} 个类别；最多 {} 个";
    // Gazetteer
    "no_place": "the sheet has headings and no place" => "表中只有列名，没有地名";
    "places_total": "there would be {} places; {} are the most" => "将有 {} 个地名；最多 {} 个";
    "places": "{} places; {} are the most" => "{} 个地名；最多 {} 个";
    "name_short": "{} is too short; a name has two or more letters" => "{} 太短；地名至少两个字";
    "no_coordinates": "is empty, and so are the coordinates; give one of them" => "区域和坐标都为空；请填写其一";
    "by_the_map": "{} lies in {} by the map, not in {}; mend one of them (drawn on GCJ-02? say --gcj02)" => "{} 按地图在 {}，不在 {}；请改正其一（若为 GCJ-02 坐标，请选“GCJ-02”）";
    "alias": "{} is no name; it has 2 to {} letters" => "{} 不是地名；2 至 {} 个字";
    "aliases": "{} other names; {} are the most" => "{} 个别名；最多 {} 个";
    "longitude_missing": "is empty, but there is a latitude; give both or neither" => "经度为空，但有纬度；请都填或都不填";
    "latitude_missing": "is empty, but there is a longitude; give both or neither" => "纬度为空，但有经度；请都填或都不填";
    "degrees": "{} is no number of degrees from -{} to {}, such as 34.5112" => "{} 不是 -{} 至 {} 之间的度数，如 34.5112";
    "one_of": "{} is not one of {}" => "{} 不是以下之一：{}";
    // Knowledge
    "text_empty": "is empty; write what an operator may tell" => "为空；请写坐席可以告知的内容";
    "text_long": "has {} characters; {} are the most, make two entries of it" => "有 {} 个字；最多 {} 个，请分成两条";
    "taxonomy_near": "{} is no category{}; take ids or names of the taxonomy, such as {} or {}" => "{} 不是类别{}；请用分类表的编号或名称，如 {} 或 {}";
    "taxonomy": "{} is no category; take ids or names of the taxonomy, such as {} or {}" => "{} 不是类别；请用分类表的编号或名称，如 {} 或 {}";
    "word_short": "{} is too short; a key word has two or more characters" => "{} 太短；关键词至少两个字";
    "word_long": "{}… has {} characters; {} are the most" => "{}… 有 {} 个字；最多 {} 个";
    "word_control": "{} has a control character; leave it out" => "{} 含控制字符；请去掉";
    "words": "there are {} key words; {} are the most" => "有 {} 个关键词；最多 {} 个";
    "date": "{} is no date; write it as 2026-12-31, or leave it empty" => "{} 不是日期；写作 2026-12-31，或留空";
    "no_entry": "the sheet has headings and no entry; to remove entries, import a sheet of those that are to stay" => "表中只有列名，没有条目；要删除条目，请导入应保留的那些";
    "entries": "there would be {} entries; {} are the most" => "将有 {} 条；最多 {} 条";
    // Maps of grids
    "geojson": "this is no GeoJSON of polygons: {}" => "不是多边形的 GeoJSON：{}";
    "geojson_kind": "this is a {}; a map is a FeatureCollection" => "这是 {}；网格图应为 FeatureCollection";
    "geojson_features": "{} features; a map has 1 to {}" => "{} 个图形；网格图有 1 至 {} 个";
    "feature": "feature {} ({}): {}" => "第 {} 个图形（{}）：{}";
    "feature_twice": "{}: {} features have this id; give each its own" => "{}：有 {} 个图形用了这个编号；请各用各的";
    "feature_area": "{}: there is no {} of this id; import areas first" => "{}：没有这个编号的 {}；请先导入区域";
    "feature_parent": "{}: its parent {} is neither a grid of this map nor a community" => "{}：上级 {} 既不是本图的网格也不是社区";
    "feature_deep": "{}: it lies more than {} grids deep, or in itself" => "{}：网格层级超过 {} 级，或在自身之下";
    "feature_outline": "{}: its outline crosses itself or is none: {}" => "{}：轮廓自相交或不成形：{}";
    "grid_gap": "{} has a gap of {} at {}: no grid covers it" => "{} 有 {} 的空隙，位于 {}：没有网格覆盖";
    "grid_outside": "{} lies outside {} by {} at {}" => "{} 超出 {} {}，位于 {}";
    "grid_overlap": "{} and {} overlap by {} at {}" => "{} 与 {} 重叠 {}，位于 {}";
    "grid_between": "a gap of {} between the grids at {}" => "网格之间有 {} 的空隙，位于 {}";
    "property_id": "properties.id: write 1 to 32 small letters, digits, - _ and ." => "properties.id：用 1 至 32 个小写字母、数字、- _ .";
    "property_level": "properties.level: {}" => "properties.level：{}";
    "property_name": "properties.name: write 1 to 60 characters" => "properties.name：写 1 至 60 个字";
    "property_parent": "properties.parent: name the community, or the grid above" => "properties.parent：请写社区，或上级网格";
    "outline_points": "{} points; an outline has at most {}" => "{} 个点；一个轮廓最多 {} 个";
    "ring": "a ring of {} points; it has at least 4 and ends where it begins" => "环有 {} 个点；至少 4 个，且首尾相接";
    "point": "a point without longitude and latitude" => "有点缺少经度和纬度";
    "no_place_on_earth": "{} is no place on earth; longitude comes first" => "{} 不是地球上的位置；先写经度";
    "geometry": "its geometry is a {}, neither Polygon nor MultiPolygon" => "几何类型是 {}，既不是 Polygon 也不是 MultiPolygon";
    "coordinates": "its coordinates cannot be read: {}" => "坐标读不了：{}";
    // Base maps
    "basemap": "this is no PMTiles file" => "这不是 PMTiles 文件";
    "basemap_version": "this is version {} of PMTiles; version 3 is needed: `pmtiles convert` makes it" => "这是 PMTiles 第 {} 版；需要第 3 版，可用 `pmtiles convert` 转换";
    "basemap_tiles": "its tiles are {}; vector tiles (MVT) are needed" => "其中的瓦片是 {}；需要矢量瓦片（MVT）";
    "basemap_packed": "its {} are packed with {}, which browsers do not unpack; gzip or nothing is needed" => "其中的 {} 用 {} 压缩，浏览器解不开；应为 gzip 或不压缩";
    "basemap_cut": "its {} would lie from byte {} to {}, and the file has {}: it is cut off or damaged" => "其中的 {} 应在第 {} 至 {} 字节，而文件只有 {} 字节：文件不完整或已损坏";
    "basemap_damaged": "it is damaged: {}" => "文件已损坏：{}";
    "basemap_elsewhere": "it shows {}, and the county's grids lie in {}: this is the map of another place" => "它的范围是 {}，而本县网格在 {}：这是别处的地图";
    "basemap_full": "the disk is nearly full: it has {} bytes free, of which {} stay for incidents" => "磁盘将满：剩余 {} 字节，其中 {} 字节须留给事件";
    // Policies
    "warn_percent": "reminders.before_percent: between 1 and 99, of a limit" => "reminders.before_percent：应为时限的 1 至 99（百分比）";
    "emergency_s": "emergency: acknowledge_s and repeat_s are at least 1" => "emergency：acknowledge_s 和 repeat_s 至少为 1";
    "signal": "{}: {} is neither a kind of incident nor `alarm:` and an alarm" => "{}：{} 既不是事件类型，也不是 `alarm:` 加告警";
    "near": "{}: name signals, minutes and metres, each more than nothing" => "{}：请写 signals、minutes 和 metres，都应大于零";
    "rule": "rule {} ({}): {}" => "第 {} 条规则（{}）：{}";
    "rule_says_nothing": "it says nothing; name a limit or what closes" => "没有内容；请写时限或结案条件";
    "limit_range": "{}: a limit is at least 1 and at most two years" => "{}：时限至少为 1，最长两年";
    "year_twice": "calendar.year: {} stands there twice; put its days together" => "calendar.year：{} 出现两次；请合并";
    "day_elsewhere": "{} does not lie in {}" => "{} 不在 {} 年内";
    "day_both": "calendar.year: {} is both a holiday and a workday; leave one of them out" => "calendar.year：{} 既是节假日又是工作日；请去掉一个";
    "nobody_works": "calendar.weekdays: nobody ever works; name at least one day" => "calendar.weekdays：没有工作日；请至少写一天";
    "hours_first": "{}: the first row holds from the beginning; leave its from out" => "{}：第一行从开始就有效；请去掉 from";
    "hours_from": "{}: say from which day on, from = \"2026-06-01\"" => "{}：请写从哪一天起，from = \"2026-06-01\"";
    "hours_order": "{}: {} is not after the row before; order the rows by their day" => "{}：{} 不在上一行之后；请按日期排序";
    "hours_overlap": "{}: {} begins before the one before it ends" => "{}：{} 在前一段结束前开始";
    "hours_none": "{}: no hours; write open = [\"08:30-12:00\", \"14:00-18:00\"]" => "{}：没有时段；写作 open = [\"08:30-12:00\", \"14:00-18:00\"]";
    "stretch": "{} is no stretch of a day; write \"08:30-12:00\"" => "{} 不是一天中的时段；写作 \"08:30-12:00\"";
    "day": "{} is no day; write \"2026-01-01\" or \"2026-02-15..2026-02-23\"" => "{} 不是日期；写作 \"2026-01-01\" 或 \"2026-02-15..2026-02-23\"";
    "days_many": "{}: more than {} days; is the second one right?" => "{}：超过 {} 天；第二个日期对吗？";
    "days_back": "{}: ends before it begins" => "{}：结束早于开始";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zh(text: &str) -> String {
        fault(text).unwrap_or_else(|| panic!("{text}")).zh
    }

    /// Sentences as importers write them, with what was meant and with one in another.
    #[test]
    fn sentences_are_said_in_chinese() {
        assert_eq!(
            zh("there is no area \"nroth\", did you mean north?; `hub area list` names them"),
            "没有区域 \"nroth\"（是不是 north？）；见“区域”页"
        );
        assert_eq!(
            zh("\"dispacher\" is no role, did you mean dispatcher?; there are operator 坐席"),
            "\"dispacher\" 不是角色（是不是 dispatcher？）；可用的角色：operator 坐席"
        );
        assert_eq!(
            zh("feature 3 (g-1): 181, 95 is no place on earth; longitude comes first"),
            "第 3 个图形（g-1）：181, 95 不是地球上的位置；先写经度"
        );
        assert_eq!(
            zh("level \"province\" is not one of grid, town"),
            "层级 \"province\" 不是以下之一：grid, town"
        );
        assert_eq!(fault("is empty; write it").unwrap().code, "empty");
        assert_eq!(fault("what a later program says"), None);
    }
}
