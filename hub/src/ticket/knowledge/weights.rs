//! How much each thing counts that speaks for an entry, and what tells nothing. Set by hand on sentences of the kind that
//! callers say, and held by the tests beside this file.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Below this nothing is offered.
pub(super) const FLOOR: f64 = 0.5;
/// A key word of one character (none is kept), two, three, four and more: short ones turn up by chance.
pub(super) const SAID_WORD: [f64; 4] = [0.0, 0.5, 0.6, 0.7];
/// An entry that names an alarm among its key words is meant when that alarm is raised.
pub(super) const HEARD_ALARM: f64 = 0.6;

/// `share` at most, in proportion up to `whole`, a sum of rarities: so many pairs that one entry alone has.
pub(super) struct Title {
    pub(super) share: f64,
    pub(super) whole: f64,
}

pub(super) const TITLE: Title = Title { share: 0.7, whole: 5.0 };

/// `share` where the box is altogether sure; below `least_percent` it is as good as not offered.
pub(super) struct Category {
    pub(super) share: f64,
    pub(super) least_percent: u8,
}

pub(super) const CATEGORY: Category = Category { share: 0.35, least_percent: 5 };

/// What a box that is altogether sure of another category takes from an entry's score, as a share of it.
pub(super) const ELSEWHERE: f64 = 0.5;

/// Characters that carry a sentence and not its matter.
const CARRIERS: &str = "的了不没我你他她它们在是有个还都就来去上下一二两三四五六七八九十百几那这也要能给人说到看着让把被和跟\
                        什么怎咋啥吗呢吧啊谁哪里儿得很好多少会可以请问想月天时候点回出起过行";
/// Pairs that are said whatever a call is about: in most categories of the corpus that the box learns from.
const NEUTRAL: &str = "今天 电话 建议 门口 学校 知道 小区 村里 公司 手机 通知 网上 手续 地方 半夜 晚上 谢谢 申请 处理 上班 单位 农村 \
                       感谢 免费 登记 底下 早上 提前 规定 心里 礼拜 窗口 老板 材料 名字 社区 反映 邻居 干部 服务 系统 东西 收费 听说 \
                       过期 去年 今年 明年 前年 当年 年底 半年 半个 打工 期了 影响 孩子 娃娃 老百 百姓 市场 工作 帮忙 办事 周末 直接 \
                       统一 结果 问题 协调 物业 机器 押金 房子 路边 旁边 牌子 联系 转报 本人 工日 先查 问清 地点 位置";

/// Runs of letters and digits, in small letters; marks and spaces separate.
pub(super) fn runs(text: &str) -> Vec<Vec<char>> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty());
    words.map(|run| run.chars().flat_map(char::to_lowercase).collect()).collect()
}

/// The letters and digits of a key word.
pub(super) fn letters(word: &str) -> Vec<char> {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a pair tells what somebody speaks of.
pub(super) fn tells(first: char, second: char) -> bool {
    static CARRYING: LazyLock<HashSet<char>> = LazyLock::new(|| CARRIERS.chars().collect());
    static SAID_OF_ALL: LazyLock<HashSet<(char, char)>> = LazyLock::new(|| {
        let pair = |word: &str| {
            let mut letters = word.chars();
            letters.next().zip(letters.next())
        };
        NEUTRAL.split_whitespace().filter_map(pair).collect()
    });
    !CARRYING.contains(&first) && !CARRYING.contains(&second) && !SAID_OF_ALL.contains(&(first, second))
}
