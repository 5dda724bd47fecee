//! A call, or as much of it as was said: from its lines to alarms and to the offer for the ticket. Pure.
//!
//! Only the caller's words count: an operator who asks whether anything burns raises nothing. Lines come with their private
//! numbers masked, so nothing that is quoted from them can hold one.

use protocol::hotline::{ALARMS, Alarm, CallReading, MATTERS, Offer, ToldPlace, URGENCIES, categories};
use protocol::{Leg, Segment};

use super::danger::{self, Danger, dangers};
use super::tagger::Tags;
use super::tagger::model::{Head, ranked};
use super::{BEING_SAID, OFFERED, SAID, Screener, reading::Reading};

/// A line belongs to what was said before it when no longer pause stands between them.
const TOGETHER_MS: u64 = 10_000;
/// What is weighed at once: an alarm is told in a few sentences, a matter in a minute.
const ALARM_CHARS: usize = 80;
pub const MATTER_CHARS: usize = 400;
/// What is looked through for a title and a summary: a quarter of an hour.
const TOLD_CHARS: usize = 4_000;
/// Longest place: more is no address.
const PLACE_CHARS: usize = 60;
/// A clause that stands for the call: shorter ones say nothing, longer ones are no title.
const CLAUSE_CHARS: std::ops::RangeInclusive<usize> = 4..=30;
/// Characters of a summary at most.
const SUMMARY_CHARS: usize = 80;
/// What people say before they come to it, and between.
const FILLERS: [&str; 24] = [
    "喂",
    "你好",
    "您好",
    "那个",
    "就是说",
    "就是",
    "然后",
    "嗯",
    "啊",
    "呃",
    "哎",
    "诶",
    "我想反映一下",
    "我要反映一下",
    "我想反映",
    "我要反映",
    "我想问一下",
    "我要投诉",
    "麻烦问一下",
    "请问",
    "同志",
    "这个",
    "我跟你说",
    "是这样的",
];

/// The alarms that the line at the end of `lines` raises, alone or with what was said just before it.
pub fn alarms_in_last(screener: &Screener, lines: &[Segment]) -> Vec<Alarm> {
    let Some(last) = lines.last().filter(|line| line.leg == Leg::Caller) else { return Vec::new() };
    let said = before(lines).map_or_else(|| last.text.clone(), |before| format!("{before}，{}", last.text));
    let mut raised = alarms_of(screener, &said, BEING_SAID, last.start_ms);
    // By itself, too: what was said before may be about something else. Its stretches are weighed already.
    if said != last.text {
        let alone = danger::of_whole(&screener.tagger(), &last.text, BEING_SAID);
        add(&mut raised, told_of(screener, &last.text, &alone, last.start_ms));
    }
    raised
}

/// What the caller said, as much as is weighed for what the call is about.
pub fn said(lines: &[Segment]) -> String {
    told(lines, MATTER_CHARS)
}

/// What the caller said, as many characters at most.
fn told(lines: &[Segment], chars: usize) -> String {
    let own = lines.iter().filter(|line| line.leg == Leg::Caller).map(|line| line.text.as_str());
    let mut text = own.collect::<Vec<_>>().join("，");
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
    text
}

/// What a call is about. `None` when its caller has said nothing.
pub fn read(screener: &Screener, lines: &[Segment]) -> Option<CallReading> {
    let text = said(lines);
    let first = lines.iter().find(|line| line.leg == Leg::Caller)?;
    let mut alarms = Vec::new();
    for end in 1..=lines.len() {
        add(&mut alarms, alarms_in_last(screener, &lines[..end]));
    }
    // A short call is one utterance, of a long one the stretches count.
    let whole = if text.chars().count() <= ALARM_CHARS { SAID } else { BEING_SAID };
    add(&mut alarms, alarms_of(screener, &text, whole, first.start_ms));
    offer(screener, lines, alarms, TOLD_CHARS)
}

/// What a call that still runs is about, as far as is weighed for that. Its alarms are told as they are raised, and are not
/// looked for again here.
pub fn read_so_far(screener: &Screener, lines: &[Segment]) -> Option<CallReading> {
    offer(screener, lines, Vec::new(), MATTER_CHARS)
}

/// Tags, place, title and summary; the last two from so many characters.
fn offer(
    screener: &Screener,
    lines: &[Segment],
    alarms: Vec<Alarm>,
    told_chars: usize,
) -> Option<CallReading> {
    let text = said(lines);
    let said: Vec<&Segment> = lines.iter().filter(|line| line.leg == Leg::Caller).collect();
    let reading = Reading::of(&text);
    if reading.is_empty() {
        return None;
    }
    let tags = screener.tagger().tags(&reading);
    let offers = |head, probabilities: &[f32], id: &dyn Fn(usize) -> &'static str| -> Vec<Offer> {
        ranked(probabilities)
            .take(OFFERED)
            .map(|answer| Offer {
                id: id(answer).to_owned(),
                percent: (probabilities[answer] * 100.0).round() as u8,
                words: screener.words(&text, &reading, head, answer),
            })
            .collect()
    };
    let place = place(screener, &said);
    let clauses = clauses(&told(lines, told_chars));
    let top = ranked(&tags.category).next().expect("there are categories");
    let weight =
        |clause: &str| weight(&screener.tagger().tags(&Reading::of(clause)), top, !alarms.is_empty());
    let weights: Vec<f32> = clauses.iter().map(|clause| weight(clause)).collect();
    Some(CallReading {
        title: title(&clauses, &weights, place.as_ref()),
        summary: summary(&clauses, &weights),
        matters: offers(Head::Matter, &tags.matter, &|m| MATTERS[m].0),
        categories: offers(Head::Category, &tags.category, &|c| &categories()[c].id),
        urgencies: urgencies(&tags, &alarms, &offers(Head::Urgency, &tags.urgency, &|u| URGENCIES[u])),
        alarms,
        place,
    })
}

/// The caller's words just before the last line, as many as are weighed with it.
fn before(lines: &[Segment]) -> Option<String> {
    let (last, earlier) = lines.split_last()?;
    let mut from = last.start_ms;
    let mut room = ALARM_CHARS.saturating_sub(last.text.chars().count());
    let mut parts = Vec::new();
    for line in earlier.iter().rev().filter(|line| line.leg == Leg::Caller) {
        let length = line.text.chars().count();
        if from.saturating_sub(line.end_ms) > TOGETHER_MS || length > room {
            break;
        }
        (from, room) = (line.start_ms, room - length);
        parts.push(line.text.as_str());
    }
    parts.reverse();
    (!parts.is_empty()).then(|| parts.join("，"))
}

fn alarms_of(screener: &Screener, text: &str, from: f32, at_ms: u64) -> Vec<Alarm> {
    told_of(screener, text, &dangers(&screener.tagger(), text, from), at_ms)
}

fn told_of(screener: &Screener, text: &str, dangers: &[Danger], at_ms: u64) -> Vec<Alarm> {
    let alarm = |danger: &Danger| Alarm {
        id: ALARMS[danger.alarm].0.to_owned(),
        words: screener.words_of(text, danger),
        at_ms,
        holds: true,
    };
    dangers.iter().map(alarm).collect()
}

/// Those that are not there yet.
fn add(alarms: &mut Vec<Alarm>, more: Vec<Alarm>) {
    for alarm in more {
        if alarms.iter().all(|known| known.id != alarm.id) {
            alarms.push(alarm);
        }
    }
}

/// An alarm is an emergency, whatever the rest of the call weighs.
fn urgencies(tags: &Tags, alarms: &[Alarm], offers: &[Offer]) -> Vec<Offer> {
    let mut offers = offers.to_vec();
    let emergency = offers.iter().position(|offer| offer.id == URGENCIES[0]);
    if let Some(first) = alarms.first()
        && let Some(at) = emergency
    {
        let mut offer = offers.remove(at);
        offer.percent = offer.percent.max((tags.urgency[0] * 100.0) as u8);
        offer.words.clone_from(&first.words);
        offers.insert(0, offer);
    } else if emergency == Some(0) {
        // Said in no single stretch of the call: not enough for an alarm.
        offers.rotate_left(1);
    }
    offers
}

/// Of all places that were told, the first whose grid is known, else the longest.
fn place(screener: &Screener, said: &[&Segment]) -> Option<ToldPlace> {
    let told = said.iter().filter_map(|line| {
        let found = super::address::find(&line.text, &Reading::of(&line.text), &screener.gazetteer)?;
        Some(ToldPlace { text: found.text, grid: found.grid })
    });
    let told = told.filter(|place| place.text.chars().count() <= PLACE_CHARS);
    let mut places: Vec<ToldPlace> = told.collect();
    places.sort_by_key(|place| (place.grid.is_none(), std::cmp::Reverse(place.text.chars().count())));
    places.into_iter().next()
}

/// The caller's clauses without what says nothing.
fn clauses(text: &str) -> Vec<String> {
    text.split(['，', ',', '。', '.', '；', '？', '?', '！', '!', '、', ' '])
        .map(bare)
        .filter(|clause| CLAUSE_CHARS.contains(&clause.chars().count()))
        .map(ToOwned::to_owned)
        .collect()
}

fn bare(clause: &str) -> &str {
    let mut rest = clause.trim();
    while let Some(shorter) = FILLERS.iter().find_map(|filler| rest.strip_prefix(filler)) {
        rest = shorter.trim_start();
    }
    rest
}

/// How much a clause says of what the call is about, and of danger where there is one.
fn weight(tags: &Tags, category: usize, alarm: bool) -> f32 {
    tags.category[category] + if alarm { 2.0 * tags.urgency[0] } else { tags.urgency[1] }
}

fn title(clauses: &[String], weights: &[f32], place: Option<&ToldPlace>) -> String {
    let Some(best) = ranked(weights).next() else { return String::new() };
    let clause = &clauses[best];
    match place.filter(|place| !clause.contains(&place.text)) {
        Some(place) => format!("{}：{clause}", place.text),
        None => clause.clone(),
    }
}

/// The clauses that say most, in the order in which they were said.
fn summary(clauses: &[String], weights: &[f32]) -> String {
    let mut room = SUMMARY_CHARS;
    let mut chosen: Vec<usize> = Vec::new();
    for clause in ranked(weights) {
        let length = clauses[clause].chars().count() + 1;
        if length <= room {
            room -= length;
            chosen.push(clause);
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|clause| clauses[clause].as_str()).collect::<Vec<_>>().join("，")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::gazetteer::Gazetteer;

    fn screener() -> Screener {
        Screener::new(Gazetteer::read("凤鸣路菜市场,point,东关社区第03网格").unwrap())
    }

    fn line(leg: Leg, start_ms: u64, text: &str) -> Segment {
        Segment { leg, start_ms, end_ms: start_ms + 2_000, text: text.to_owned() }
    }

    /// A call with a fire: the alarm with its words and its time, title, summary, place and grid, from the caller's words.
    #[test]
    fn a_call_becomes_an_offer() {
        let lines = [
            line(Leg::Operator, 0, "您好市民热线请讲"),
            line(Leg::Caller, 2_500, "喂你好，我在凤鸣路菜市场这儿"),
            line(Leg::Caller, 5_000, "后头那个仓库着火了，烟特别大"),
            line(Leg::Operator, 8_000, "里面有人吗"),
        ];
        let read = read(&screener(), &lines).unwrap();
        assert_eq!((read.alarms[0].id.as_str(), read.alarms[0].at_ms), ("fire", 5_000), "{read:?}");
        assert!(!read.alarms[0].words.is_empty() && read.alarms[0].holds);
        assert_eq!(read.urgencies[0].id, "emergency");
        assert_eq!(read.place.unwrap().grid.as_deref(), Some("东关社区第03网格"));
        assert!(read.title.starts_with("凤鸣路菜市场") && read.title.contains("着火"), "{}", read.title);
        assert!(read.summary.contains("仓库着火了") && !read.summary.contains("你好"), "{}", read.summary);
    }

    /// A danger that is told after minutes of other talk is the title.
    #[test]
    fn the_title_is_of_the_danger() {
        let talk =
            |n: u64| line(Leg::Caller, n * 3_000, "我给你们反映个事，小区物业费一年比一年涨，电梯老是坏");
        let mut lines: Vec<Segment> = (0..20).map(talk).collect();
        lines.push(line(Leg::Caller, 90_000, "哎呀不好了，楼下仓库着火了"));
        let read = read(&screener(), &lines).unwrap();
        assert!(read.title.contains("着火") && read.summary.contains("着火"), "{read:?}");
    }

    /// What the operator asks raises nothing, nor does a call of which nothing was said.
    #[test]
    fn the_operator_raises_nothing() {
        let asked = [
            line(Leg::Operator, 0, "是着火了吗，有人受伤吗"),
            line(Leg::Caller, 3_000, "不是，我想问下办老年证要啥材料"),
        ];
        let read_ = read(&screener(), &asked).unwrap();
        assert_eq!(read_.alarms, []);
        assert_eq!(read_.urgencies[0].id, "normal");
        assert_eq!(
            (read_.matters[0].id.as_str(), read_.categories[0].id.as_str()),
            ("enquiry", "civil_affairs")
        );
        assert_eq!(read(&screener(), &asked[..1]), None);
    }

    /// A call that still runs is read like one that is over, but for its alarms; of one that goes on for long the beginning
    /// counts, and what comes later changes nothing.
    #[test]
    fn a_running_call_is_read_as_it_goes() {
        let first = line(Leg::Caller, 0, "喂你好我想问下办老年证要啥材料");
        let place = line(Leg::Caller, 4_000, "我住在凤鸣路菜市场后头");
        let begun = read_so_far(&screener(), std::slice::from_ref(&first)).unwrap();
        assert_eq!((begun.categories[0].id.as_str(), begun.place), ("civil_affairs", None));
        let more = read_so_far(&screener(), &[first.clone(), place.clone()]).unwrap();
        assert_eq!(more.place.clone().unwrap().grid.as_deref(), Some("东关社区第03网格"));
        assert_eq!(Some(&more), read(&screener(), &[first.clone(), place.clone()]).as_ref());
        assert_eq!(read_so_far(&screener(), &[line(Leg::Operator, 0, "您好请讲")]), None);

        let fire = line(Leg::Caller, 90_000, "楼下仓库着火了");
        assert_eq!(read_so_far(&screener(), &[first.clone(), fire]).unwrap().alarms, []);
        let mut long = vec![first];
        long.extend((1..40).map(|n| line(Leg::Caller, n * 3_000, "我再给你说一遍办证的事情")));
        let before = read_so_far(&screener(), &long);
        long.push(line(Leg::Caller, 200_000, "还有小区电梯老是坏"));
        assert_eq!(read_so_far(&screener(), &long), before);
    }

    /// An alarm that two lines tell together is raised by the second, unless a long pause stands between them.
    #[test]
    fn lines_are_weighed_together() {
        let told = |pause_ms: u64| {
            let lines =
                [line(Leg::Caller, 0, "我妈躺在地上"), line(Leg::Caller, 2_000 + pause_ms, "咋叫都叫不醒")];
            alarms_in_last(&screener(), &lines).into_iter().map(|a| a.id).next()
        };
        assert_eq!(told(500).as_deref(), Some("injury"));
        assert_eq!(before(&[line(Leg::Caller, 0, "甲"), line(Leg::Caller, 30_000, "乙")]), None);
    }
}
