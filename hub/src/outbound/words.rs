//! What a notice says outside: which case, what, where, until when, and where to look. Pure.
//!
//! The free words of whoever sent it stay in the hub, as everything does that a reporter said.

use jiff::tz::TimeZone;
use protocol::Severity;
use serde::{Deserialize, Serialize};

use super::facts::{CaseFacts, plain};
use crate::case::CaseState;
use crate::workflow::{Card, ClockKind};

/// A kind of notice by which somebody tries a channel.
pub(super) const TEST: &str = "test";

/// A notice as it waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) kind: String,
    pub(super) number: String,
    pub(super) confidential: bool,
    pub(super) drill: bool,
    /// Of its case; what waits since an older hub has none.
    #[serde(default)]
    pub(super) severity: Option<Severity>,
    state: String,
    card: Option<String>,
    title_zh: String,
    title_en: String,
    place: Option<String>,
    clock: Option<String>,
    due_at_ms: Option<i64>,
    /// What the hub says of itself; nothing of a case.
    text_zh: String,
    text_en: String,
}

/// How times and links are written.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) zone: TimeZone,
    /// Where people find the hub; nothing: nobody has said.
    pub(super) public_url: Option<String>,
}

/// A notice in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) head_zh: String,
    pub(super) head_en: String,
    pub(super) lines: Vec<Line>,
    pub(super) link: Option<String>,
}

/// One thing that it says, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name_zh: &'static str,
    pub(super) name_en: &'static str,
    pub(super) zh: String,
    pub(super) en: String,
}

impl Told {
    pub(super) fn of(kind: &str, case: &CaseFacts) -> Self {
        let (title_zh, title_en) = case.title();
        let whole = Self {
            kind: kind.to_owned(),
            number: case.number.clone(),
            confidential: false,
            drill: case.drill != 0,
            severity: Some(case.severity()),
            state: case.state.clone(),
            card: case.card(),
            title_zh,
            title_en,
            place: case.place(),
            clock: case.due_clock.clone(),
            due_at_ms: case.due_at_ms,
            ..Self::default()
        };
        if case.confidential == 0 { whole } else { whole.reduced() }
    }

    /// Of a box, say: the words are the hub's own. Those of a notice whose case is not there may be anybody's.
    pub(super) fn of_no_case(kind: &str, number: &str, (zh, en): (&str, &str)) -> Self {
        let (zh, en) =
            if number.is_empty() { (plain(zh), plain(en)) } else { (String::new(), String::new()) };
        Self { kind: kind.to_owned(), number: number.to_owned(), text_zh: zh, text_en: en, ..Self::default() }
    }

    /// What of it may be told when its case is confidential.
    pub(super) fn reduced(self) -> Self {
        Self {
            kind: self.kind,
            number: self.number,
            state: self.state,
            drill: self.drill,
            confidential: true,
            ..Self::default()
        }
    }

    /// A marked message that is about no case.
    pub(super) fn test() -> Self {
        Self { kind: TEST.to_owned(), ..Self::default() }
    }

    fn head(&self) -> (&'static str, &'static str) {
        let card = self.card.as_deref().and_then(Card::kept);
        match (self.kind.as_str(), card) {
            ("due_soon", _) => ("期限将到", "Due soon"),
            ("overdue", _) => ("催办", "Reminder"),
            ("card", Some(card)) => (card.zh(), card.en()),
            ("card", None) => ("督办", "Supervision"),
            ("self_test", _) => ("设备自检未通过", "A box did not pass its self-test"),
            ("emergency", _) => ("紧急案件无人确认", "Emergency: nobody has acknowledged it"),
            (TEST, _) => ("测试消息，不涉及任何案件", "Test message; it is about no case"),
            _ => ("案件通知", "Notice of a case"),
        }
    }

    pub(super) fn in_words(&self, look: &Look) -> Message {
        let (zh, en) = self.head();
        let (drill_zh, drill_en) = if self.drill { ("【演练】", "[Drill] ") } else { ("", "") };
        let mut lines = Vec::new();
        let mut say = |name_zh, name_en, zh: String, en: String| {
            if !zh.is_empty() {
                lines.push(Line { name_zh, name_en, zh, en });
            }
        };
        say("案件", "Case", self.number.clone(), self.number.clone());
        if self.confidential {
            say("事项", "Matter", "保密案件".to_owned(), "Confidential".to_owned());
        }
        say("事项", "Matter", self.title_zh.clone(), self.title_en.clone());
        say("说明", "About", self.text_zh.clone(), self.text_en.clone());
        let place = self.place.clone().unwrap_or_default();
        say("地点", "Place", place.clone(), place);
        if let Ok(state) = self.state.parse::<CaseState>() {
            say("状态", "State", state.zh().to_owned(), state.en().to_owned());
        }
        if let Some(due) = self.due_at_ms {
            let clock = self.clock.as_deref().and_then(ClockKind::kept);
            let (zh, en) = clock.map_or(("", ""), |clock| (clock.zh(), clock.en()));
            let at = local(due, &look.zone);
            say(
                "期限",
                "Limit",
                format!("{zh} {at}").trim().to_owned(),
                format!("{en} {at}").trim().to_owned(),
            );
        }
        let link = look.public_url.as_deref().filter(|_| !self.number.is_empty());
        Message {
            head_zh: format!("{drill_zh}{zh}"),
            head_en: format!("{drill_en}{en}"),
            lines,
            link: link.map(|url| format!("{}/cases/{}", url.trim_end_matches('/'), self.number)),
        }
    }
}

impl Message {
    /// `黄牌督办 20260318-001 · Yellow card`
    pub(super) fn subject(&self) -> String {
        let number = self.lines.first().map(|line| line.zh.as_str()).unwrap_or_default();
        format!("{} {number}", self.head_zh).trim_end().to_owned() + " · " + &self.head_en
    }

    /// Chinese first, then the same in English.
    pub(super) fn letter(&self) -> String {
        let mut text = format!("{}\n\n", self.head_zh);
        for line in &self.lines {
            text += &format!("{}：{}\n", line.name_zh, line.zh);
        }
        text += &self.link.as_ref().map(|link| format!("查看：{link}\n")).unwrap_or_default();
        text += &format!("\n{}\n\n", self.head_en);
        for line in &self.lines {
            text += &format!("{}: {}\n", line.name_en, line.en);
        }
        text += &self.link.as_ref().map(|link| format!("Look: {link}\n")).unwrap_or_default();
        text
    }

    /// One line in Chinese: telephones cut what is long, and gateways count by the character.
    pub(super) fn short(&self) -> String {
        let said: Vec<&str> = self.lines.iter().map(|line| line.zh.as_str()).collect();
        let mut text = format!("{}：{}", self.head_zh, said.join("，"));
        text.truncate(text.trim_end_matches('：').len());
        text += &self.link.as_ref().map(|link| format!(" {link}")).unwrap_or_default();
        text
    }
}

/// `2026-03-18 10:00`, where the people are.
fn local(at_ms: i64, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
pub(super) fn look() -> Look {
    Look {
        zone: TimeZone::fixed(jiff::tz::Offset::constant(8)),
        public_url: Some("https://hub.test/".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::sample;
    use super::*;

    /// A notice in each of its lengths, written out by hand.
    #[test]
    fn in_each_length() {
        let message = Told::of("card", &sample()).in_words(&look());
        assert_eq!(message.subject(), "红牌督办 20260318-001 · Red card");
        assert_eq!(
            message.short(),
            "红牌督办：20260318-001，消防通道占用 · 北口，北口，已派遣待签收，处置 2026-03-18 16:00 \
             https://hub.test/cases/20260318-001"
        );
        assert_eq!(
            message.letter(),
            "红牌督办\n\n案件：20260318-001\n事项：消防通道占用 · 北口\n地点：北口\n状态：已派遣待签收\n\
             期限：处置 2026-03-18 16:00\n查看：https://hub.test/cases/20260318-001\n\nRed card\n\n\
             Case: 20260318-001\nMatter: Blocked fire lane · 北口\nPlace: 北口\nState: Dispatched\n\
             Limit: Handling 2026-03-18 16:00\nLook: https://hub.test/cases/20260318-001\n"
        );
    }

    /// A confidential case is a number and a state; a drill says so; without an address there is no link.
    #[test]
    fn little() {
        let case = CaseFacts { confidential: 1, drill: 1, ..sample() };
        let told = Told::of("emergency", &case);
        let bare = Look { public_url: None, ..look() };
        assert_eq!(
            told.in_words(&bare).short(),
            "【演练】紧急案件无人确认：20260318-001，保密案件，已派遣待签收"
        );
        let later = Told::of("emergency", &CaseFacts { drill: 1, ..sample() }).reduced();
        assert_eq!(later, told);
        assert_eq!(Told::test().in_words(&look()).short(), "测试消息，不涉及任何案件");
        let text = ("东关 01 号箱 09:00 未应答", "Box 01 did not answer at 09:00");
        let own = Told::of_no_case("self_test", "", text).in_words(&look());
        assert_eq!(own.short(), "设备自检未通过：东关 01 号箱 09:00 未应答");
        assert_eq!(Told::of_no_case("newer", "1", text).in_words(&bare).short(), "案件通知：1");
    }
}
