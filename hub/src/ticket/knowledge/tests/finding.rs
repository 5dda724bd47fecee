use super::super::{Answer, Heard, Index, MOST_LETTERS, OFFERED};
use super::{Entry, demo};

/// What a caller says, what the box offers for it (as its models do), the alarm it raises, and the entry that answers; ""
/// where none does.
type Said = (&'static str, &'static [(&'static str, u8)], &'static str, &'static str);

const SAID: [Said; 30] = [
    (
        "快点快点,凤鸣路菜市场后头那个仓库着火了,烟特别大,里面好像还有人",
        &[("fire_hazard", 100)],
        "火情",
        "fire-call",
    ),
    ("我家闻到很重的煤气味,阀门关了还是有,我现在在楼道里面", &[("utilities", 100)], "燃气泄漏", "gas-smell"),
    ("屋里有一股臭鸡蛋味,头有点晕,是不是气漏了", &[("utilities", 100)], "燃气泄漏", "gas-smell"),
    (
        "喂你好,我们小区三号楼一单元楼道里头堆满了电动车,还在那儿飞线充电,万一着火了跑都跑不出去",
        &[("fire_hazard", 100)],
        "",
        "ebike-charging",
    ),
    (
        "有人把电瓶车推进电梯,从窗户拉线充电,物业说管不了",
        &[("fire_hazard", 98), ("property", 2)],
        "",
        "ebike-charging",
    ),
    (
        "请问办老年证需要带什么材料,在哪个窗口办",
        &[("civil_affairs", 85), ("household", 4), ("petition", 2)],
        "",
        "elder-card",
    ),
    (
        "我爸今年六十三了,坐公交那个优待证咋办,要不要照片",
        &[("civil_affairs", 61), ("transport_service", 31), ("disability", 3)],
        "",
        "elder-card",
    ),
    ("我妈八十九了,高龄补贴三个月没到账,问村上说等认证", &[("civil_affairs", 100)], "", "old-age-allowance"),
    (
        "我想问低保的条件,家里就我一个人,有病干不了活",
        &[("civil_affairs", 92), ("labour", 1), ("health", 1)],
        "",
        "low-income",
    ),
    ("吃了四五年的低保,上个月突然给停了,说我名下有车", &[("civil_affairs", 99)], "", "low-income"),
    ("我们巷子那一排路灯都不亮了,晚上黑咕隆咚的,谁来修", &[("street_facility", 100)], "", "street-lamp"),
    (
        "城关镇北街十字那个井盖没了,晚上黑咕隆咚的,刚才有个老太太差点掉进去",
        &[("street_facility", 100)],
        "",
        "manhole-cover",
    ),
    ("楼下那个烧烤摊每天晚上到两三点还在那儿划拳喝酒,吵得孩子没法睡觉", &[("noise", 99)], "", "night-noise"),
    ("对面工地半夜还在打桩,响得人睡不成,能不能管管", &[("noise", 100)], "", "night-noise"),
    ("我在工地干了四个月活,老板一直拖着工资不给,说年底再说", &[("labour", 100)], "", "wage-arrears"),
    ("包工头跑了,我们二十几个人的工钱一分没拿到", &[("labour", 100)], "", "wage-arrears"),
    ("整个小区从下午三点停电到现在,冰箱里东西都坏了,什么时候能来电", &[("power", 100)], "", "power-cut"),
    ("家里自来水流出来是黄的,能不能喝", &[("utilities", 97), ("pollution", 1)], "", "water-cut"),
    ("我身份证掉了,户口在外地,这边能不能补办", &[("household", 100)], "", "id-card"),
    (
        "我父亲七十八了,早上出门到现在没回来,穿个灰夹克,有点老年痴呆",
        &[("public_order", 100)],
        "人员走失",
        "missing-elder",
    ),
    ("超市卖给我的牛奶过期了,找他们退他们不认", &[("consumer", 100)], "", "expired-food"),
    ("想表扬一下东关社区的网格员,上次帮我垫了药费,特别感谢", &[("other", 100)], "", ""),
    (
        "听说去年那个化工厂爆炸以后说要搬迁,现在搬了没有",
        &[("work_safety", 93), ("pollution", 3), ("consumer", 1)],
        "",
        "",
    ),
    (
        "我建议在实验小学门口加一个红绿灯,上下学的时候车太多了",
        &[("road_traffic", 63), ("education", 26), ("transport_service", 8)],
        "",
        "",
    ),
    ("邻居占了我家宅基地盖房子,村上调解了三回都没用", &[("land", 97), ("illegal_building", 3)], "", ""),
    ("网络断了三天了,报修了也没人来", &[("telecom", 75), ("property", 6), ("public_order", 4)], "", ""),
    ("门口的公交车站牌倒了,等了四十分钟也没有一辆二路车", &[("transport_service", 100)], "", ""),
    ("有人在河边往水里头倒那个工业废水,黑乎乎的,味道刺鼻", &[("pollution", 97), ("utilities", 1)], "", ""),
    (
        "门口停电动车的地方太少了,能不能再划几个车位",
        &[("road_traffic", 93), ("sanitation", 2), ("fire_hazard", 1)],
        "",
        "",
    ),
    ("孩子上小学报名要什么材料,户口不在县城行不行", &[("education", 99), ("household", 1)], "", ""),
];

const TODAY: &str = "2026-03-18";

fn heard(said: &Said) -> Heard {
    Heard {
        lines: vec![said.0.to_owned()],
        categories: said.1.iter().map(|(id, percent)| ((*id).to_owned(), *percent)).collect(),
        alarms: Some(said.2).filter(|name| !name.is_empty()).into_iter().collect(),
    }
}

fn told(words: &str) -> Heard {
    Heard { lines: vec![words.to_owned()], ..Heard::default() }
}

fn ids<'a>(found: &[Answer<'a>]) -> Vec<&'a str> {
    found.iter().map(|answer| answer.entry.id.as_str()).collect()
}

/// Sentences of the kind that callers say find their entry among the three, those that nothing answers find none; of what
/// is offered at 70 and more at least nine in ten are right.
#[test]
fn callers_find_their_entry() {
    let index = Index::new(demo());
    let (mut right, mut sure) = (0, 0);
    for said in &SAID {
        let found = index.find(&heard(said), TODAY, OFFERED);
        let wanted = if said.3.is_empty() { found.is_empty() } else { ids(&found).contains(&said.3) };
        assert!(wanted, "{}: {:?} and not {}", said.0, ids(&found), said.3);
        for answer in found.iter().filter(|answer| answer.percent >= 70) {
            sure += 1;
            right += usize::from(answer.entry.id == said.3);
        }
    }
    assert!(sure >= 15 && right * 10 >= sure * 9, "{right} of {sure}");
    let (some, none): (Vec<&Said>, Vec<&Said>) = SAID.iter().partition(|said| !said.3.is_empty());
    assert!(some.len() >= 15 && none.len() >= 5);
    // Words alone, as somebody types them, find it too; what the box offers makes them surer.
    for said in some {
        let bare = index.find(&told(said.0), TODAY, OFFERED);
        let full = index.find(&heard(said), TODAY, OFFERED);
        let percent = |all: &[Answer<'_>]| all.iter().find(|a| a.entry.id == said.3).map(|a| a.percent);
        assert!(percent(&bare).is_some() && percent(&bare) < percent(&full), "{}: {:?}", said.0, ids(&bare));
    }
}

/// Each answer says what made it: key words as they were said, or what stands in its title, its category, its alarm.
#[test]
fn answers_explain_themselves() {
    let index = Index::new(demo());
    let gas = &index.find(&heard(&SAID[1]), TODAY, OFFERED)[0];
    assert_eq!(
        (gas.entry.id.as_str(), gas.words.as_slice(), gas.alarm),
        ("gas-smell", &["煤气味".to_owned()][..], Some("燃气泄漏"))
    );
    assert_eq!(gas.category, Some(("utilities".to_owned(), 100)));
    // No key word of it was said.
    let found = index.find(&told("电瓶车推进电梯从窗户拉线充电"), TODAY, OFFERED);
    assert_eq!(
        (ids(&found), found[0].words.as_slice()),
        (vec!["ebike-charging"], &["电瓶车".to_owned(), "线充电".to_owned()][..])
    );
    for answer in SAID.iter().flat_map(|said| index.find(&heard(said), TODAY, OFFERED)) {
        assert!(!answer.words.is_empty() || answer.alarm.is_some(), "{} without a reason", answer.entry.id);
        assert!((50..=99).contains(&answer.percent));
    }
}

fn entry(id: &str, title: &str, words: &[&str]) -> Entry {
    Entry {
        id: id.into(),
        title: title.into(),
        text: "请登记。".into(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        unit: "县".into(),
        ..Entry::default()
    }
}

/// What was valid until yesterday is left out, what is valid until today is not.
#[test]
fn expired_entries_are_left_out() {
    let until = |id: &str, day: &str| Entry {
        valid_until: Some(day.into()),
        ..entry(id, "老年证", &["老年证"])
    };
    let index = Index::new(vec![
        until("yesterday", "2026-03-17"),
        until("today", TODAY),
        entry("ever", "老年证", &["老年证"]),
    ]);
    assert_eq!(ids(&index.find(&told("办老年证"), TODAY, OFFERED)), ["ever", "today"]);
    assert_eq!(ids(&index.find(&told("办老年证"), "2026-03-19", OFFERED)), ["ever"]);
}

/// A category, words that carry any sentence, and nothing at all bring nothing; an alarm alone brings the entry that names it.
#[test]
fn only_what_tells_something_finds_something() {
    let index = Index::new(demo());
    let category = Heard {
        categories: vec![("civil_affairs".into(), 99)],
        ..told("喂你好请问一下我想问个事怎么办理")
    };
    assert_eq!(index.find(&category, TODAY, OFFERED), []);
    assert_eq!(index.find(&Heard::default(), TODAY, OFFERED), []);
    assert_eq!(Index::default().find(&told("闻到煤气味"), TODAY, OFFERED), []);
    let alarm = Heard { alarms: vec!["燃气泄漏"], ..Heard::default() };
    let found = index.find(&alarm, TODAY, OFFERED);
    assert_eq!((ids(&found), found[0].alarm), (vec!["gas-smell"], Some("燃气泄漏")));
}

/// A key word that only runs into an everyday word was not said, whether or not an entry knows of that word; where it was
/// said it is found beside such a word, too.
#[test]
fn words_that_run_into_others_are_not_said() {
    let index = Index::new(vec![
        entry("power", "停电：查计划", &["停电", "没电", "断电"]),
        entry("water", "停水：查公告", &["停水", "没水", "漏水"]),
        entry("insured", "社保缴费", &["社保"]),
    ]);
    for said in [
        "门口停电动车的地方太少",
        "楼下不让停电瓶车了",
        "六楼没电梯老人上不去",
        "这房子没电视怎么看新闻",
        "路上停水泥罐车挡道",
        "这医生没水平",
        "夏天河水淹没水稻田",
        "法院判断电子合同有效吗",
        "小区公社保安态度差",
    ] {
        assert_eq!(ids(&index.find(&told(said), TODAY, OFFERED)), Vec::<&str>::new(), "{said}");
    }
    for (said, id) in [
        ("小区停电电动车充不上", "power"),
        ("停电了电梯不走", "power"),
        ("没电了电视看不成", "power"),
        ("停水好几天水果摊没法洗", "water"),
        ("我想查社保，保安不让进", "insured"),
    ] {
        assert_eq!(ids(&index.find(&told(said), TODAY, OFFERED)), [id], "{said}");
    }
}

/// Of key words that cross, the longer one is said; 路灯不亮 holds 路灯 and counts once; what more entries have than can
/// be offered counts less.
#[test]
fn words_are_told_apart() {
    let park = entry("park", "停车", &["电动车"]);
    let index = Index::new(vec![entry("power", "供应中断", &["停电"]), park]);
    assert_eq!(ids(&index.find(&told("门口停电动车的地方太少"), TODAY, OFFERED)), ["park"]);
    let (one, both) = (entry("a", "甲", &["路灯不亮"]), entry("b", "乙", &["路灯不亮", "路灯", "灯不亮"]));
    let index = Index::new(vec![one, both]);
    let found = index.find(&told("路灯不亮,路灯不亮"), TODAY, OFFERED);
    assert_eq!((found[1].words.len(), found[0].percent), (1, found[1].percent), "{found:?}");
    let many = |count: usize| {
        let mut all: Vec<Entry> =
            (0..count).map(|n| entry(&format!("n{n}"), "某事", &["停电通知"])).collect();
        all.extend((count..40).map(|n| entry(&format!("other{n}"), "别的", &[])));
        Index::new(all).find(&told("停电通知"), TODAY, 1).first().map_or(0, |answer| answer.percent)
    };
    assert!(many(1) == many(3) && many(3) > many(6), "{} {} {}", many(1), many(3), many(6));
    assert_eq!(many(20), 0, "said of half of all, it tells nothing");
}

/// 5,000 entries of a language in which some letters are common and most are rare: a call, and even a quarter of an hour of
/// talk, looks at fewer postings than there are entries, and what comes after that is not looked at.
#[test]
fn thousands_of_entries_cost_little() {
    let mut state = 41_u64;
    let mut letter = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let share = (state >> 33) as f64 / f64::from(1_u32 << 31);
        char::from_u32(0x4e00 + (share.powi(2) * 2_500.0) as u32).unwrap()
    };
    let mut text = move |count: usize| (0..count).map(|_| letter()).collect::<String>();
    let mut entries: Vec<Entry> = (0..4_985)
        .map(|n| Entry {
            text: text(200),
            words: (0..6).map(|n| text(2 + n % 3)).collect(),
            ..entry(&format!("e{n}"), &text(12), &[])
        })
        .collect();
    entries.extend(demo());
    let index = Index::new(entries);
    assert_eq!(index.entries().len(), 5_000);
    for said in SAID.iter().filter(|said| !said.3.is_empty()) {
        let (found, looked_at) = index.weigh(&heard(said), TODAY, OFFERED);
        assert!(ids(&found).contains(&said.3), "{}: {:?}", said.0, ids(&found));
        assert!(looked_at < index.entries().len(), "{looked_at}");
    }
    let call = text(MOST_LETTERS);
    let (_, looked_at) = index.weigh(&told(&call), TODAY, OFFERED);
    assert!((100..index.entries().len()).contains(&looked_at), "{looked_at}");
    assert_eq!(index.weigh(&told(&(call + "煤气味")), TODAY, OFFERED).1, looked_at);
}
