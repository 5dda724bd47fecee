//! Words of the page of one camera.

use super::Lang;

catalogue! {
    cam_open = "规则与画面", "Rules and picture";
    cam_of_box = "盒子", "Box";
    // What is in force
    cam_version = "现行配置", "In force";
    cam_unknown = "中心还不知道这路摄像头现在的规则。", "The hub does not know yet what this camera watches for.";
    cam_unknown_why = "盒子上的配置由安装人员写成，或由中心下发。读取一次即可；口令不会离开盒子。", "What a box has in force was written by its installer or sent by the hub. Read it once; passwords never leave the box.";
    cam_read = "读取现行配置", "Read what is in force";
    cam_read_again = "重新读取", "Read again";
    cam_read_purpose = "编辑规则", "editing rules";
    cam_read_waits = "正在向盒子读取，收到后自动显示。", "Being read from the box; it shows by itself.";
    cam_read_failed = "盒子没有给出配置：", "The box did not show its configuration: ";
    cam_read_old = "盒子没有回答。软件较旧的盒子不认识这个请求：请升级，或在设备页下发整份配置。", "The box did not answer. One with older software does not know this request: upgrade it, or send a whole configuration from the page of the box.";
    cam_shown_at = "盒子给出于", "Shown by the box";
    cam_taken_at = "盒子启用于", "Taken by the box";
    cam_installer_note = "现行的是安装文件（版本 0）：安装人员改了文件，版本仍是 0，请重新读取。", "The installer's file is in force (version 0). When he changes it, it is still version 0: read it again.";
    cam_newer = "现行配置已换成另一版，本页按旧版画出。", "Another version is in force now; this page shows the former one.";
    cam_reload = "显示现行的", "Show what is in force";
    // Picture
    cam_picture = "画面", "Picture";
    cam_picture_newest = "最近一张，摄于", "Newest picture, taken";
    cam_picture_none = "还没有画面。说明目的后调取一张，最近的会留在这里。", "No picture yet. Ask for one and say why; the newest stays here.";
    cam_picture_waits = "正在调取，收到后自动显示。", "On its way; it shows by itself.";
    cam_picture_failed = "没有调到画面：", "No picture came: ";
    cam_picture_masked = "遮挡已在盒内完成，出站即无", "Masked on the box: what is hidden never left it";
    cam_picture_bare = "这路没有遮挡区，画面原样", "This camera has no masks: the picture as it is";
    cam_picture_ask = "调取画面", "Ask for a picture";
    cam_picture_purpose = "目的（登记在案）", "Purpose (kept on record)";
    cam_promise = "可选对象只有清单内的物与事。不识别人脸、车牌，不辨认个人。", "Only things on the list can be watched for. No faces, no number plates, no persons are recognised.";
    // Drawing
    cam_draw = "画区域、线和遮挡", "Zones, lines and masks";
    cam_tools = "画图工具", "Drawing tools";
    cam_select = "选择", "Select";
    cam_zone = "区域", "Zone";
    cam_line = "线", "Line";
    cam_mask = "遮挡", "Mask";
    cam_zones = "区域", "Zones";
    cam_lines = "线", "Lines";
    cam_masks = "遮挡", "Masks";
    cam_undo = "撤销", "Undo";
    cam_point = "顶点", "Point";
    cam_points = "顶点坐标", "Points";
    cam_points_hint = "x,y x,y …，从左上角起，0 到 1", "x,y x,y ... from the upper left, 0 to 1";
    cam_id = "编号", "Id";
    cam_gone = "删除", "Remove";
    cam_area = "占画面", "Share of the picture";
    cam_hint_keys = "方向键移动顶点 1%，Shift 为 10%；Del 删除；Esc 退一步。", "Arrows move a point by 1 %, with Shift by 10 %; Del removes; Esc steps back.";
    cam_hint_draw = "点击放点，回到第一点或按 Enter 完成；也可直接填坐标。", "Click to place points; the first point or Enter ends it. Or type the points.";
    cam_mask_hint = "安装文件里的遮挡始终有效：在这里删去后，盒子仍会加上。", "Masks of the installer's file always hold: taken out here, the box puts them in again.";
    cam_add_zone = "加区域", "Add a zone";
    cam_add_line = "加线", "Add a line";
    cam_add_mask = "加遮挡", "Add a mask";
    cam_check_form = "顶点写作 0.2,0.5 0.8,0.5，每个数从 0 到 1", "Write points as 0.2,0.5 0.8,0.5, each number from 0 to 1";
    cam_check_few = "至少要三个顶点", "At least three points are needed";
    cam_check_line = "一条线有两个端点", "A line has two ends";
    cam_check_cross = "边相交：请按轮廓顺序排列顶点", "Edges cross: put the points in the order of the outline";
    // Rules
    cam_rules = "规则", "Rules";
    cam_rule_add = "加规则", "Add a rule";
    cam_rule_new = "新规则", "New rule";
    cam_rules_on = "条启用", "on";
    cam_enabled = "启用", "On";
    cam_disabled = "未启用", "Off";
    cam_kind = "种类", "Kind";
    cam_choose = "请选择", "Choose";
    cam_name = "名称", "Name";
    cam_name_en = "英文名称", "English name";
    cam_where_zone = "区域（空为全画面）", "Zone (empty: whole picture)";
    cam_where_line = "线", "Line";
    cam_direction = "方向", "Direction";
    cam_labels = "对象（空为默认）", "Things (empty: usual)";
    cam_min_score = "最低把握 0–1", "Least score 0-1";
    cam_min_size = "最小高度 0–1", "Least height 0-1";
    cam_dwell = "满（秒）", "Holds for (s)";
    cam_count = "人数", "How many";
    cam_severity = "等级", "Severity";
    cam_cooldown = "结束后不再报（秒）", "Silent after its end (s)";
    cam_schedule = "时段", "Schedule";
    cam_days = "日子（空为每天）", "Days (empty: all)";
    cam_from = "从", "From";
    cam_to = "到", "To";
    cam_holidays = "节假日", "Holidays";
    cam_holidays_also = "照常", "Like other days";
    cam_holidays_never = "不看", "Never";
    cam_holidays_only = "只看节假日", "Only then";
    cam_stretches = "时段分为多段，在整份配置里改，这里保持不变。", "Its schedule has several stretches: change it in the whole configuration; here it stays.";
    cam_usual = "默认", "Usual";
    cam_always = "全天", "Always";
    cam_whole = "全画面", "Whole picture";
    cam_both_ways = "双向", "Both ways";
    cam_left_right = "从左到右", "Left to right";
    cam_right_left = "从右到左", "Right to left";
    cam_top_bottom = "从上到下", "Downwards";
    cam_bottom_top = "从下到上", "Upwards";
    cam_forward = "正向（左手到右手）", "Forward (left hand to right)";
    cam_backward = "反向", "Backward";
    cam_precision_none = "近 30 天没有判过", "Not judged in 30 days";
    cam_precision_days = "近 30 天", "30 days:";
    cam_precision_cases = "起，误报", "cases, false";
    cam_precision_right = "属实", "right";
    cam_precision_why = "95% 区间；判过的越少越宽", "95 % interval; the fewer were judged the wider it is";
    cam_precision_hidden = "您的角色看不到案件，故不显示准确率。", "Your role sees no cases, so how often rules were right is not shown.";
    cam_known_labels = "盒子的检测器认识：", "This box's detectors name: ";
    // Draft
    cam_draft = "处改动未保存", "changes not saved";
    cam_draft_kept = "草稿自动保留，存于", "The draft is kept, last at";
    cam_draft_keep = "保留草稿", "Keep the draft";
    cam_discard = "放弃改动", "Throw the changes away";
    cam_wrong = "以下各处需要改正，改动已保留：", "These need mending; what you typed is kept:";
    cam_conflict = "其间配置已被更改，改动没有保存：", "The configuration was changed meanwhile; nothing was saved:";
    cam_conflict_none = "这路摄像头没有变化。", "Nothing of this camera has changed.";
    cam_rebase = "把我的改动放到现行版上", "Put my changes onto what is in force";
    cam_rebase_why = "别人改过而您没改的，按别人的；两人都改的，按您的。", "What only others changed is as they have it; what both changed is as you have it.";
    cam_added = "新增", "added";
    cam_removed = "删除", "removed";
    cam_changed = "改动", "changed";
    // Trial
    cam_try = "试一遍", "Try";
    cam_try_title = "用最近一小时试一遍", "Tried on the last hour";
    cam_try_why = "盒子用记下的检测结果重放，不动现行规则。", "The box replays what its detectors saw; nothing in force is changed.";
    cam_try_purpose = "试规则", "trying rules";
    cam_try_not = "这样的规则还没有试过。", "These rules were not tried yet.";
    cam_try_waits = "盒子正在试，收到后自动显示。", "The box is trying them; it shows by itself.";
    cam_try_failed = "没有试成：", "They could not be tried: ";
    cam_try_old = "试过已超过一小时，请再试。", "That was tried more than an hour ago: try again.";
    cam_try_now = "现行", "In force";
    cam_try_then = "改后", "Changed";
    cam_try_times = "次", "times";
    cam_try_none = "一次也不会报。", "Nothing would have been raised.";
    cam_try_long = "时长", "How long";
    cam_try_going = "仍在继续", "Going on";
    cam_try_raised = "同一小时实际立起的案件", "Cases that were raised in that hour";
    cam_try_raised_none = "没有。", "None.";
    cam_place = "盒子位置", "Place of the box";
    cam_place_why = "地图按此显示盒子；留空则显示在网格中央。WGS84，单位为度", "Maps show the box there; left empty, in the middle of its grid. WGS84, in degrees";
    cam_place_latitude = "纬度", "Latitude";
    cam_place_longitude = "经度", "Longitude";
    cam_place_set = "保存位置", "Keep the place";
    cam_place_wrong = "位置不对：纬度 -90 至 90，经度 -180 至 180，都填或都不填。", "This is no place: latitude from -90 to 90, longitude from -180 to 180, both or neither.";
    cam_try_case = "案件", "Case";
    cam_try_more = "次未列出", "more not listed";
    cam_load = "值守人员每 10 分钟至多", "At most, for each operator in ten minutes:";
    cam_load_good = "可以保存", "May be saved";
    cam_load_high = "偏多：1 为宜", "High: 1 is good";
    cam_load_over = "超过上限 2：须写明理由才能保存", "Over the limit of 2: to be saved with a written reason only";
    cam_load_untried = "没有试过：须写明理由才能保存", "Not tried: to be saved with a written reason only";
    cam_load_why = "与预警墙同一算法：这路摄像头按改后规则会立起的事件，除以当时在岗人数。同一事由会并入一案，故为至多。", "The wall's own measure: what this camera would raise by the changed rules, by the people on duty then. What has one cause becomes one case, so it is at most that.";
    cam_load_people = "在岗", "On duty";
    // Save
    cam_save = "保存并下发", "Save and send";
    cam_save_purpose = "目的（登记在案）", "Purpose (kept on record)";
    cam_save_reason = "超过上限或没有试过时：理由", "Over the limit, or not tried: the reason";
    cam_save_reason_missing = "按改后的规则，告警会超过上限，或还没有试过。请写明理由，或先试一遍。", "By these rules there would be more alerts than the limit, or they were not tried. Write the reason, or try them first.";
    cam_save_purpose_missing = "请写明目的；与理由合计最多 200 字。", "Write the purpose; with the reason it has at most 200 characters.";
    cam_save_same = "没有改动，无需保存。", "Nothing was changed; there is nothing to save.";
    cam_save_unknown = "中心不知道现行配置，请先读取。", "The hub does not know what is in force: read it first.";
    cam_save_on_its_way = "另一份配置正在下发，请等盒子回答后再保存：", "Another configuration is on its way; save when its box has answered: ";
    cam_save_text = "现行配置无法据此改写：", "What is in force cannot be changed so: ";
    cam_save_waits = "已下发，盒子正在试用：每路有改动的摄像头都要出画面才算启用。", "Sent. The box tries it: each camera that was changed must show a picture.";
    cam_save_done = "盒子已启用。", "The box has it in force.";
    cam_save_failed = "盒子没有启用，已恢复原配置：", "The box did not take it, and has the former one in force: ";
    cam_save_by = "最近下发：", "Last sent by";
    cam_reason_word = "；理由：", "; reason: ";
    // Walk
    cam_walk = "走查测试", "Walk test";
    cam_walk_why = "您在画面里走动，页面每 10 秒问一次盒子：按这些规则，从开始到现在会报什么。只有规则、时间和把握，没有画面。从发生到显示约需 10 至 25 秒。", "You walk through the picture; every 10 s the page asks the box what these rules would have told of since you began. Rules, times and scores only, no picture. What happens shows after about 10 to 25 s.";
    cam_walk_minutes = "分钟", "Minutes";
    cam_walk_begin = "开始走查", "Begin";
    cam_walk_look = "再看一次", "Look now";
    cam_walk_end = "结束", "End";
    cam_walk_purpose = "走查测试", "walk test";
    cam_walk_until = "进行到", "Until";
    cam_walk_over = "已结束于", "Ended";
    cam_walk_seen = "会报的", "Would be raised";
    cam_walk_none = "到目前为止，没有规则会报。", "So far no rule would tell of anything.";
    cam_walk_after = "开始后", "After";
    cam_walk_to = "已看到", "Seen up to";
    cam_walk_draft = "按草稿中的规则", "By the rules of your draft";
    cam_walk_force = "按现行规则", "By the rules in force";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No word is empty, and each pair differs.
    #[test]
    fn every_word_has_both_languages() {
        for (name, zh, en) in ALL {
            assert!(!zh.is_empty() && !en.is_empty() && zh != en, "{name}");
            assert!(en.is_ascii(), "{name}: {en}");
        }
    }
}
