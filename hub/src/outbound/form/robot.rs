//! Robots of groups in WeCom, DingTalk and Feishu. Pure.
//!
//! None of them takes an id with a message: one that leaves twice stands twice in the group, with the same number.

use reqwest::Url;
use serde_json::{Value, json};

use super::{Outcome, Setback};
use crate::outbound::sign;
use crate::outbound::words::Message;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::outbound) enum Robot {
    WeCom,
    DingTalk,
    Feishu,
}

/// A group may be written to about twenty times a minute.
const TOO_OFTEN_MS: i64 = 60_000;
/// As they say it beside codes that have other meanings as well.
const TOO_OFTEN_WORDS: [&str; 3] = ["frequency limited", "too many request", "send too fast"];

impl Robot {
    /// The address and the body of a message, signed where there is a secret.
    pub(in crate::outbound) fn request(
        self,
        url: &Url,
        secret: Option<&str>,
        message: &Message,
        at_ms: i64,
    ) -> (Url, Value) {
        let mut url = url.clone();
        let body = match self {
            Self::WeCom => {
                json!({ "msgtype": "markdown", "markdown": { "content": markdown(message, "\n") } })
            }
            Self::DingTalk => {
                if let Some(secret) = secret {
                    let sign = sign::dingtalk(secret, at_ms);
                    url.query_pairs_mut()
                        .append_pair("timestamp", &at_ms.to_string())
                        .append_pair("sign", &sign);
                }
                // An end of line alone is a blank there.
                let text = markdown(message, "\n\n");
                json!({
                    "msgtype": "markdown",
                    "markdown": { "title": message.subject(), "text": text },
                    "at": { "isAtAll": false },
                })
            }
            Self::Feishu => {
                let mut body =
                    json!({ "msg_type": "post", "content": { "post": { "zh_cn": post(message) } } });
                if let (Some(secret), Some(fields)) = (secret, body.as_object_mut()) {
                    let at_s = at_ms.div_euclid(1_000);
                    fields.insert("timestamp".to_owned(), json!(at_s.to_string()));
                    fields.insert("sign".to_owned(), json!(sign::feishu(secret, at_s)));
                }
                body
            }
        };
        (url, body)
    }

    /// What an answer with status 200 means: these robots say there whether they have taken a message.
    pub(in crate::outbound) fn outcome(self, text: &str) -> Outcome {
        let answer: Value = serde_json::from_str(text).unwrap_or_default();
        let code = ["errcode", "code", "StatusCode"].iter().find_map(|name| answer.get(*name)?.as_i64());
        let said = ["errmsg", "msg", "StatusMessage"].iter().find_map(|name| answer.get(*name)?.as_str());
        let said = said.unwrap_or_default();
        let Some(code) = code else {
            return Outcome::again(format!("this is no answer of {}: {text}", self.name()));
        };
        let reason = format!("{code} {said}");
        let (too_often, busy) = self.not_now();
        // Feishu has one code for a body that it cannot read and for too many: its words tell them apart.
        let said = said.to_ascii_lowercase();
        let often = too_often.contains(&code) || TOO_OFTEN_WORDS.iter().any(|words| said.contains(words));
        // The clock of this machine is off, or was: nothing would be taken before it is set, and everything after.
        let clock = said.contains("timestamp");
        match code {
            0 => Outcome::Sent(reason),
            _ if often => Outcome::Later(Setback { reason, whole: true, wait_ms: Some(TOO_OFTEN_MS) }),
            _ if busy.contains(&code) || clock => Outcome::down(reason),
            _ => Outcome::refused(reason),
        }
    }

    /// Codes of "too many in a while" and of "busy". Everything else that is not 0 will not heal by itself: a robot that is gone
    /// (WeCom 93000, DingTalk 400101 and 400102, Feishu 19001), a keyword, signature or address that does not fit (DingTalk
    /// 310000, Feishu 19021, 19022, 19024), a body that is wrong (WeCom 40008 and 40058, DingTalk 40035) or too long
    /// (WeCom 45002, DingTalk 460101).
    fn not_now(self) -> (&'static [i64], &'static [i64]) {
        match self {
            // 45009: calls in a minute; 45033: calls at once.
            Self::WeCom => (&[45_009, 45_033], &[-1]),
            // 130101: twenty in a minute; 410100: the same of older robots; 90018: the interface; 90030: the month's share.
            Self::DingTalk => (&[130_101, 410_100, 90_018, 90_030], &[-1]),
            Self::Feishu => (&[11_232], &[]),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::WeCom => "WeCom",
            Self::DingTalk => "DingTalk",
            Self::Feishu => "Feishu",
        }
    }
}

fn markdown(message: &Message, end: &str) -> String {
    let mut text = format!("### {} {}", inert(&message.head_zh), inert(&message.head_en));
    for line in &message.lines {
        text += &format!("{end}> {} {}：{}", line.name_zh, line.name_en, inert(&line.zh));
    }
    text += &message.link.as_ref().map(|link| format!("{end}[查看 Look]({link})")).unwrap_or_default();
    text
}

fn post(message: &Message) -> Value {
    let text = |text: String| json!([{ "tag": "text", "text": text }]);
    let mut lines: Vec<Value> = message
        .lines
        .iter()
        .map(|line| text(format!("{} {}：{}", line.name_zh, line.name_en, line.zh)))
        .collect();
    lines
        .extend(message.link.as_ref().map(|link| json!([{ "tag": "a", "text": "查看 Look", "href": link }])));
    json!({ "title": format!("{} {}", message.head_zh, message.head_en), "content": lines })
}

/// Names of places and rules stand in a message; none of them may become a link, a mention or a heading there.
fn inert(text: &str) -> String {
    let wide = |c: char| match c {
        '<' | '>' | '[' | ']' | '(' | ')' | '*' | '_' | '`' | '#' | '@' | '|' | '\\' | '~' | '!' => {
            char::from_u32(u32::from(c) + 0xfee0).unwrap_or('·')
        }
        c => c,
    };
    text.replace("://", "：／／").chars().map(wide).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::facts::sample;
    use super::super::super::words::{Told, look};
    use super::*;

    fn message() -> Message {
        Told::of("card", &sample()).in_words(&look())
    }

    fn url() -> Url {
        Url::parse("https://robot.test/send?key=k1").unwrap()
    }

    /// What each vendor documents for a robot's message, written out by hand.
    #[test]
    fn bodies() {
        let (to, body) = Robot::WeCom.request(&url(), None, &message(), 1_773_799_200_000);
        let content = "### 红牌督办 Red card\n> 案件 Case：20260318-001\n> 事项 Matter：消防通道占用 · 北口\n\
                       > 地点 Place：北口\n> 状态 State：已派遣待签收\n> 期限 Limit：处置 2026-03-18 16:00\n\
                       [查看 Look](https://hub.test/cases/20260318-001)";
        assert_eq!(body, json!({ "msgtype": "markdown", "markdown": { "content": content } }));
        assert_eq!(to, url());
        let (to, body) = Robot::DingTalk.request(&url(), Some("SEC"), &message(), 1_773_799_200_000);
        assert_eq!(body["markdown"]["title"], "红牌督办 20260318-001 · Red card");
        assert_eq!(body["markdown"]["text"], content.replace('\n', "\n\n"));
        assert_eq!((&body["msgtype"], &body["at"]), (&json!("markdown"), &json!({ "isAtAll": false })));
        let pairs: Vec<(String, String)> = to.query_pairs().into_owned().collect();
        let sign = sign::dingtalk("SEC", 1_773_799_200_000);
        let wanted = [("key", "k1"), ("timestamp", "1773799200000"), ("sign", sign.as_str())];
        assert_eq!(pairs, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let (_, body) = Robot::Feishu.request(&url(), Some("SEC"), &message(), 1_773_799_200_999);
        assert_eq!((&body["timestamp"], &body["msg_type"]), (&json!("1773799200"), &json!("post")));
        assert_eq!(body["sign"], sign::feishu("SEC", 1_773_799_200));
        let post = &body["content"]["post"]["zh_cn"];
        assert_eq!(post["title"], "红牌督办 Red card");
        assert_eq!(post["content"][0], json!([{ "tag": "text", "text": "案件 Case：20260318-001" }]));
        let link =
            json!([{ "tag": "a", "text": "查看 Look", "href": "https://hub.test/cases/20260318-001" }]);
        assert_eq!(post["content"][5], link);
        let (to, body) = Robot::Feishu.request(&url(), None, &message(), 1);
        assert!(body.get("sign").is_none() && to == url(), "no secret, no signature");
    }

    /// An answer with status 200 is read: taken, too often, or never.
    #[test]
    fn answers() {
        use Outcome::{Later, Refused, Sent};
        assert!(matches!(Robot::WeCom.outcome(r#"{"errcode":0,"errmsg":"ok"}"#), Sent(_)));
        assert!(matches!(Robot::Feishu.outcome(r#"{"StatusCode":0,"StatusMessage":"success"}"#), Sent(_)));
        assert!(matches!(Robot::Feishu.outcome(r#"{"code":0,"msg":"success","data":{}}"#), Sent(_)));
        for (robot, code) in [(Robot::WeCom, 45_009), (Robot::DingTalk, 130_101)] {
            let Later(setback) = robot.outcome(&format!(r#"{{"errcode":{code},"errmsg":"x"}}"#)) else {
                panic!()
            };
            assert!(setback.whole && setback.wait_ms == Some(60_000));
        }
        for (robot, code, said) in [
            (Robot::WeCom, 45_033, "api concurrent out of limit"),
            (Robot::DingTalk, 410_100, "send too fast"),
            (Robot::Feishu, 11_232, "frequency limited psm"),
            (Robot::Feishu, 9_499, "too many request"),
        ] {
            let outcome = robot.outcome(&json!({ "code": code, "msg": said }).to_string());
            assert!(matches!(outcome, Later(ref setback) if setback.whole), "{code} {said}: {outcome:?}");
        }
        for (robot, code) in [(Robot::WeCom, -1), (Robot::DingTalk, -1)] {
            let outcome = robot.outcome(&json!({ "errcode": code, "errmsg": "system busy" }).to_string());
            assert!(matches!(outcome, Later(ref setback) if setback.wait_ms.is_none()), "{outcome:?}");
        }
        for (robot, code, said) in [
            (Robot::WeCom, 93_000, "invalid webhook url"),
            (Robot::WeCom, 40_008, "invalid message type"),
            (Robot::WeCom, 45_002, "content size out of limit"),
            (Robot::DingTalk, 310_000, "sign not match"),
            (Robot::DingTalk, 310_000, "keywords not in content"),
            (Robot::DingTalk, 40_035, "缺少参数 json"),
            (Robot::DingTalk, 400_101, "access_token不存在"),
            (Robot::Feishu, 19_024, "Key Words Not Found"),
            (Robot::Feishu, 9_499, "Bad Request"),
        ] {
            let outcome = robot.outcome(&json!({ "errcode": code, "errmsg": said }).to_string());
            assert!(matches!(outcome, Refused(_)), "{code} {said}: {outcome:?}");
        }
        // Set the clock, and all of it goes out.
        for (robot, code, said) in [
            (Robot::DingTalk, 310_000, "invalid timestamp"),
            (Robot::Feishu, 19_021, "sign match fail or timestamp is not within one hour from current time"),
        ] {
            let outcome = robot.outcome(&json!({ "errcode": code, "errmsg": said }).to_string());
            assert!(matches!(outcome, Later(ref setback) if setback.whole), "{outcome:?}");
        }
        assert!(matches!(Robot::WeCom.outcome("<html>"), Later(setback) if !setback.whole));
    }

    /// A name becomes no link, no mention, no heading.
    #[test]
    fn names_stay_names() {
        let bad = "<@all> [点我](http://evil.test) # *x* `y`";
        let good = inert(bad);
        for part in ["<", ">", "[", "](", "://", "#", "*", "`", "@"] {
            assert!(!good.contains(part), "{part} in {good}");
        }
        assert_eq!(inert("北口 02 · A-1"), "北口 02 · A-1");
    }
}
