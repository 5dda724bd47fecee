//! Words of the evaluation's pages.

use super::Lang;

catalogue! {
    ev_pages = "评价页面", "Pages of the evaluation";
    ev_league = "评价表", "Table";
    ev_density = "密度图", "Density map";
    ev_trends = "趋势", "Trends";
    ev_bulletin = "通报", "Bulletin";
    ev_print = "打印", "Print";
    ev_rows = "考核对象", "Rows";
    ev_period = "周期", "Period";
    ev_area = "区域", "Area";
    ev_show = "查看", "Show";
    ev_short = "要览", "Overview";
    ev_whole = "全部指标", "All measures";
    ev_detail = "详略", "How much";
    ev_doors = "点任一数字看是哪些案件", "Every figure leads to its cases";
    ev_before_month = "上月", "Month before";
    ev_before = "上期", "Period before";
    ev_cases = "件", "cases";
    ev_none = "无", "none";
    // League
    ev_ranking = "排名", "League";
    ev_rank = "名次", "Rank";
    ev_change = "较上期", "Change";
    ev_score = "得分", "Score";
    ev_up = "升", "up";
    ev_down = "降", "down";
    ev_same = "平", "same";
    ev_new = "新", "new";
    ev_few = "件少", "few";
    ev_below = "以下不排名：案件不足", "Not ranked: fewer cases than";
    ev_busy = "有案件", "with cases";
    ev_of = "共", "of";
    ev_idle = "本期没有案件", "Without a case in this period";
    ev_length = "平均办结（日）", "Time to close (days)";
    ev_spark = "近六期", "Six periods";
    ev_spark_why = "折线为近六期的变化，上下各按本行最高最低取齐", "The line shows the last six periods, each row on a scale of its own";
    ev_low = "低于", "below";
    ev_low_why = "的一行标出；这条线是固定的，只作提示，不计入得分。", "is marked; the line is fixed, a hint only, and no part of the score.";
    ev_why = "为什么", "Why";
    // Trend
    ev_trend_last = "近", "Last";
    ev_trend_periods = "期", "periods";
    ev_trend_table = "按表查看", "As a table";
    ev_running = "进行中", "still runs";
    ev_trend_none = "各期都没有应结案的案件。", "In none of the periods a case was due to be closed.";
    // Why
    ev_why_head = "为什么下降", "Why it fell";
    ev_why_late = "未按期的案件", "What was late";
    ev_why_from = "由", "from";
    ev_why_to = "到", "to";
    ev_why_nothing = "没有一家比上期下降，或下降的没有未按期的案件。", "Nobody fell against the period before, or nothing was late of whoever did.";
    ev_why_all = "件未按期", "late";
    ev_why_what = "按小类和社区", "By category and community";
    ev_why_said = "办理痕迹里有", "What the history says";
    ev_why_several = "一件可有几项；没有列出的，痕迹里没有这几样。", "A case may have several; of the others the history says none of these.";
    ev_why_said_nothing = "这些案件的痕迹里没有转协办、退回、返工和延时。", "Their histories say nothing of a later co-handler, a return, a rework or an extension.";
    ev_why_over = "平均超", "on average over by";
    ev_why_days = "日", "days";
    ev_why_share = "占", "share";
    ev_why_more = "其余", "The others";
    ev_why_groups = "组", "groups";
    ev_no_community = "未定位到社区", "In no community";
    ev_unfiled = "未立案", "Not filed";
    // Behind
    ev_only = "只含", "Only";
    ev_missed = "未达到的", "not kept";
    ev_hour = "时", "o'clock";
    // Density
    ev_density_level = "按", "By";
    ev_density_measure = "指标", "Measure";
    ev_density_reported = "上报数", "Reported";
    ev_density_late = "未按期结案率", "Not closed on time";
    ev_density_hours = "平均办结时长", "Time to close";
    ev_density_hours_unit = "小时，昼夜", "hours, day and night";
    ev_density_map = "地图", "Map";
    ev_density_table = "与地图同数", "The same figures";
    ev_density_steps = "五档，每档的数目大致相等；数字写在图上", "Five steps with about as many each; the figure stands on the map";
    ev_density_zero = "零", "zero";
    ev_density_no_map = "还没有启用网格地图，只列表。管理员用 hub grid import 导入。", "No map of grids is in force: a list only. An administrator brings one with hub grid import.";
    ev_density_no_outline = "没有边界", "no outline";
    ev_density_too_many = "边界太多，一张图画不下，只列表：请选一个区域。", "Too many outlines for one drawing, a list only: choose an area.";
    ev_density_nothing = "这里没有可画的边界，只列表。", "There is no outline to draw here: a list only.";
    ev_density_version = "网格地图版本", "Map of grids, version";
    ev_density_empty = "您的范围内没有这一级的区域。", "In your area there is none of this level.";
    // Trends
    ev_trends_by = "行", "Rows";
    ev_trends_step = "列", "Columns";
    ev_trends_day = "按日", "Days";
    ev_trends_week = "按周", "Weeks";
    ev_trends_month = "按月", "Months";
    ev_trends_measure = "计数", "Count";
    ev_trends_more = "类没有列出，见评价表", "more rows are in the table";
    ev_trends_total = "合计", "Total";
    ev_trends_empty = "这些周期里没有案件。", "No case in these periods.";
    ev_trends_why = "每格按该期结束时所知计算，与该期的评价表同数", "Each cell is as known at the end of its period, as in the table of that period";
    ev_hours = "星期与钟点", "Weekday and hour";
    ev_hours_none = "本期没有。", "None in this period.";
    ev_monday = "周一", "Mon";
    ev_tuesday = "周二", "Tue";
    ev_wednesday = "周三", "Wed";
    ev_thursday = "周四", "Thu";
    ev_friday = "周五", "Fri";
    ev_saturday = "周六", "Sat";
    ev_sunday = "周日", "Sun";
    // Bulletin
    ev_words = "本月情况", "The month in words";
    ev_signed = "签名", "Signed";
    ev_root = "签名根第", "root";
    ev_root_no = "号", "";
    ev_unsigned = "未定稿，尚无签名。", "Not closed, so not signed.";
    ev_signed_why = "用 hub evaluate rebuild 可由办理痕迹逐字重建，用 hub verify-history 可核对签名。", "hub evaluate rebuild makes it again from the history byte by byte; hub verify-history checks the signatures.";
}

impl Lang {
    /// 0 is Monday.
    pub fn weekday(self, nth: usize) -> &'static str {
        let all = [
            Self::ev_monday,
            Self::ev_tuesday,
            Self::ev_wednesday,
            Self::ev_thursday,
            Self::ev_friday,
            Self::ev_saturday,
            Self::ev_sunday,
        ];
        all.get(nth).map_or("", |word| word(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No word is empty, but for one that English has no need of, and each pair differs.
    #[test]
    fn every_word_has_both_languages() {
        for (name, zh, en) in ALL {
            assert!(!zh.is_empty() && zh != en, "{name}");
            assert!(!en.is_empty() || *name == "ev_root_no", "{name}");
            assert!(en.is_ascii(), "{name}: {en}");
        }
        let days: Vec<&str> = (0..7).map(|nth| Lang::En.weekday(nth)).collect();
        assert_eq!((days[0], days[6], Lang::Zh.weekday(7)), ("Mon", "Sun", ""));
    }
}
