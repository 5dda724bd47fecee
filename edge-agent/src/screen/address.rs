//! Where it is: the stretch of an utterance that tells the place, and its grid where the gazetteer knows it.
//!
//! Parts of an address are names from the gazetteer, names of the usual form (…路, …小区, …村), and numbers of buildings,
//! doors and flats in digits or words. Parts that stand next to each other are one address; of several the one that
//! says most counts, of equals the first.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use super::gazetteer::{Gazetteer, Named, PlaceKind};
use super::reading::Reading;

/// A place that was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Address {
    /// As it was said.
    pub text: String,
    /// Characters of the utterance, from and to (exclusive).
    pub span: (usize, usize),
    /// Name of the grid, where the gazetteer knows it.
    pub grid: Option<String>,
}

/// What a name of a place ends in. Longer before shorter.
const ENDINGS: &str = "菜市场|农贸市场|批发市场|家属院|家属楼|工业园区?|开发区|产业园|加油站|加气站|派出所|幼儿园|卫生院|卫生所|\
火车站|汽车站|公交站|地铁站|养老院|敬老院|体育场|电影院|图书馆|博物馆|大酒店|十字路口|交叉口|丁字路口|安置点|安置房|廉租房|公租房|\
大道|大街|小区|家园|花园|新城|华庭|公馆|社区|广场|市场|学校|小学|中学|高中|大学|医院|诊所|药店|车站|公园|超市|商场|饭店|饭馆|宾馆|酒店|网吧|银行|\
十字|路口|大厦|大楼|工地|厂区|水库|大桥|高速|国道|省道|隧道|立交|环路|街道|村委会|居委会|办事处|政府|老街|新村|中路|东路|西路|南路|北路|\
路|街|巷|胡同|苑|院|村|镇|乡|县|组|桥|厂|庄|寨|堡|屯|沟|湾|岭|坡|塬|营|店|坝|渠|河|矿|站|庙|寺|塔|楼盘|片区|城";
/// Words that end in one of those and name no place.
const NO_NAMES: &str = "走路|马路|公路|铁路|道路|一路|半路|上路|过路|迷路|修路|堵路|让路|网路|线路|电路|短路|销路|思路|出路|后路|退路|问路|带路|\
上街|逛街|满街|住院|出院|法院|医院|入院|农村|全村|我们村|俺村|咱村|我村|村村|我们镇|全县|我县|本县|咱县|下乡|老乡|家乡|城乡|同乡|小组|班组|\
机组|工厂|药厂|天桥|过桥|店|饭店|酒店|商店|药店|书店|开店|本店|水沟|排水沟|打工地|车站|网站|到站|过站|本站|建设|下坡|上坡|斜坡|河|过河|下河|\
跳河|我们小区|咱小区|咱们小区|俺小区|这小区|本小区|小区|社区|学校|医院|超市|公园|广场|市场|路口|十字|工地|银行|政府|街道|高速|国道|大街|大楼|\
小学|中学|高中|大学|宾馆|网吧|饭馆|商场|公交站|火车站|汽车站|加油站|幼儿园|派出所|居委会|村委会|办事处|水库|大桥|隧道|家属院|家属楼|菜市场|养老院|敬老院|卫生院|图书馆|电影院|诊所|进城|县城|全城|古城|水渠|煤矿|庙|寺|塔|安置房|廉租房|公租房|老街";
/// Letters that do not belong to a name before them.
const STOPS: &str = "在我们你您他她它俺咱到的是那这有从去往就了个和跟叫里住说着把被给让向对也还想问喂好嗯请快要啊吧吗呢呀哎与及以为因所过来上下前后\
旁边离靠近走看见着能不没都很太再又才已将会可该只门口得地哪啥咋某每各同经由按等位名进出沿,，。、；;：:！!？?（）()“”\" 一二三四五六七八九十两零0123456789";

const NUMBER: &str = "[0-9０-９A-Za-z零〇一二三四五六七八九十百两幺]{1,6}";

static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    let unit = "号楼|栋楼|幢楼|楼栋|单元|号院|号门|号厂房|号车间|号地|网格|小组|[号栋幢座楼层室户组队排门弄]";
    let sep = r"[\s,，、\-的]{0,1}";
    Regex::new(&format!(
        "第?{NUMBER}(?:{unit})(?:{sep}第?{NUMBER}(?:{unit}))*(?:{sep}[0-9零〇一二三四五六七八九幺两]{{3,4}})?"
    ))
    .expect("one pattern, tested below")
});
static NAMES: LazyLock<Regex> = LazyLock::new(|| Regex::new(ENDINGS).expect("one pattern, tested below"));
static NO_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("^(?:{NO_NAMES})$")).expect("one pattern, tested below"));
/// What says where at a place.
static AROUND: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        "^(?:的)?(?:那个|这个)?(?:十字路口|十字|路口|交叉口|丁字口|拐角|门口|门前|大门|正门|东门|西门|南门|北门|后门|侧门|对面|斜对面|旁边|附近|后头|\
         后面|后边|前头|前面|前边|里头|里面|底下|楼下|楼上|楼顶|楼道|地下室|地下车库|车库|天台|电梯|[东西南北](?:边|侧|头|面|口)|中段|东段|西段|南段|北段|\
         往[东西南北](?:走)?(?:[0-9一二三四五六七八九十百两]{1,4}(?:米|公里|里))?|[0-9一二三四五六七八九十百两]{1,4}米(?:处|左右)?|桥头|桥下|河边|路边|院子?里?)+",
    )
    .expect("one pattern, tested below")
});
/// Letters of a name before its ending.
const LONGEST_NAME: usize = 6;
/// What may stand between two parts.
static BETWEEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:[\s,，、的]|那个|这个|跟|和|与|靠近?|就是|挨着){0,2}$")
        .expect("one pattern, tested below")
});

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    chars: Range<usize>,
    /// How much it says.
    weight: u32,
    grid: Option<(PlaceKind, String)>,
}

/// The address that an utterance tells, if any.
pub fn find(text: &str, reading: &Reading, gazetteer: &Gazetteer) -> Option<Address> {
    let chars: Vec<char> = text.chars().collect();
    let mut parts = known(reading, gazetteer);
    add(&mut parts, numbered(text));
    let more = named(text, &chars, &parts);
    add(&mut parts, more);
    parts.sort_by_key(|p| p.chars.start);
    let mut best: Option<(u32, Part)> = None;
    let mut whole: Option<Part> = None;
    for part in parts {
        whole = Some(match whole.take() {
            Some(before) if joins(&chars[before.chars.end..part.chars.start]) => Part {
                chars: before.chars.start..part.chars.end,
                weight: before.weight + part.weight,
                grid: closest(before.grid, part.grid),
            },
            before => {
                better(&mut best, before);
                part
            }
        });
    }
    better(&mut best, whole);
    let (_, mut found) = best?;
    let rest: String = chars[found.chars.end..].iter().collect();
    if let Some(around) = AROUND.find(&rest) {
        found.chars.end += around.as_str().chars().count();
    }
    Some(Address {
        text: chars[found.chars.clone()].iter().collect(),
        span: (found.chars.start, found.chars.end),
        grid: found.grid.map(|(_, grid)| grid),
    })
}

fn better(best: &mut Option<(u32, Part)>, part: Option<Part>) {
    if let Some(part) = part
        && part.weight > best.as_ref().map_or(0, |(weight, _)| *weight)
    {
        *best = Some((part.weight, part));
    }
}

fn closest(a: Option<(PlaceKind, String)>, b: Option<(PlaceKind, String)>) -> Option<(PlaceKind, String)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 > a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn joins(between: &[char]) -> bool {
    between.len() <= 4 && BETWEEN.is_match(&between.iter().collect::<String>())
}

/// Adds what does not overlap anything that is there.
fn add(parts: &mut Vec<Part>, more: Vec<Part>) {
    for part in more {
        if parts.iter().all(|p| p.chars.end <= part.chars.start || p.chars.start >= part.chars.end) {
            parts.push(part);
        }
    }
}

fn known(reading: &Reading, gazetteer: &Gazetteer) -> Vec<Part> {
    let part = |Named { place, letters }: Named| Part {
        chars: reading.span(letters),
        weight: 4,
        grid: place.grid.clone().map(|grid| (place.kind, grid)),
    };
    gazetteer.named(reading).into_iter().map(part).collect()
}

fn numbered(text: &str) -> Vec<Part> {
    let place = |byte: usize| text[..byte].chars().count();
    NUMBERS
        .find_iter(text)
        .map(|m| {
            let said = m.as_str();
            let house = ["号楼", "单元", "栋", "幢", "网格", "室", "号院", "座", "号门"]
                .iter()
                .any(|u| said.contains(u));
            let door = said.ends_with('号') && !is_day(&text[..m.start()], &text[m.end()..]);
            // 二楼, 十户, 五号: by itself a floor, a count, a day; beside a name a part of it.
            let weight = if house { 3 } else { u32::from(door) };
            Part { chars: place(m.start())..place(m.end()), weight, grid: None }
        })
        .collect()
}

/// 三月五号, 五号晚上, 一二零号码 are no doors.
fn is_day(before: &str, after: &str) -> bool {
    let near = |words: &[&str], text: &str| words.iter().any(|w| text.starts_with(w));
    before.ends_with(['月', '周', '型', '大', '小', '编', '个', '每'])
        || near(
            &[
                "晚上", "早上", "上午", "下午", "那天", "就", "才", "开始", "之前", "以前", "码", "线", "机",
                "称", "前", "到", "以",
            ],
            after,
        )
}

/// Names of the usual form, beside what is `taken` already.
fn named(text: &str, chars: &[char], taken: &[Part]) -> Vec<Part> {
    let place = |byte: usize| text[..byte].chars().count();
    let mut parts: Vec<Part> = Vec::new();
    for ending in NAMES.find_iter(text) {
        let (from, to) = (place(ending.start()), place(ending.end()));
        let mut start = from;
        let mut follows = false;
        while start > 0 && from - start < LONGEST_NAME {
            follows = taken.iter().chain(&parts).any(|p| p.chars.end == start);
            if follows || STOPS.contains(chars[start - 1]) || !chars[start - 1].is_alphabetic() {
                break;
            }
            start -= 1;
        }
        // 我家小区 is no name, 李家沟 is one.
        if chars[start] == '家' && start < from {
            start += 1;
        }
        let name: String = chars[start..to].iter().collect();
        // 路, 街 and the like need a name of their own, or one right before them (城关镇 北街).
        if follows || (start < from && to - start > 2 && !NO_NAME.is_match(&name)) {
            parts.push(Part { chars: start..to, weight: 2, grid: None });
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<(String, Option<String>)> {
        let gazetteer = Gazetteer::read(
            "凤鸣路,road\n凤鸣路菜市场,point,东关社区第03网格\n东关社区,community\n城关镇,town\n实验小学,point,西园社区第02网格\n",
        )
        .unwrap();
        let address = find(text, &Reading::of(text), &gazetteer)?;
        let chars: Vec<char> = text.chars().collect();
        assert_eq!(address.text, chars[address.span.0..address.span.1].iter().collect::<String>());
        Some((address.text, address.grid))
    }

    /// Known and unknown names, numbers in words and digits, and what stands around them.
    #[test]
    fn finds_the_place() {
        for (said, text, grid) in [
            ("快点,凤鸣路菜市场后头那个仓库着火了", "凤鸣路菜市场后头", Some("东关社区第03网格")),
            ("在风鸣路菜市场", "风鸣路菜市场", Some("东关社区第03网格")),
            ("我们小区三号楼一单元楼道里头堆满了电动车", "三号楼一单元楼道里头", None),
            ("城关镇北街十字那个井盖没了", "城关镇北街十字", None),
            ("建议在实验小学门口加一个红绿灯", "实验小学门口", Some("西园社区第02网格")),
            ("我住东关社区三号楼二单元五零二", "东关社区三号楼二单元五零二", None),
            ("我家在人民路128号对面", "人民路128号对面", None),
            ("幸福家园5栋2单元1501室漏水", "幸福家园5栋2单元1501室", None),
            ("李家沟村三组的路坏了", "李家沟村三组", None),
        ] {
            assert_eq!(told(said), Some((text.to_owned(), grid.map(str::to_owned))), "{said}");
        }
    }

    /// Words that merely end like a place, days, floors and counts are no address.
    #[test]
    fn finds_no_place_where_there_is_none() {
        for said in [
            "请问办老年证需要带什么材料,在哪个窗口办",
            "走路都没法走,马路上全是水",
            "十五号晚上停的电",
            "医院挂不上号",
            "我在工地干了四个月活,老板一直拖着工资不给",
            "等了四十分钟也没有一辆二路车",
            "我不想活了,我现在就在楼顶上",
        ] {
            assert_eq!(told(said), None, "{said}");
        }
    }
}
