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
        let (too_often, busy): (&[i64], &[i64]) = match self {
            Self::WeCom => (&[45_009, 45_033], &[-1]),
            Self::DingTalk => (&[130_101, 410_100, 90_018, 90_030], &[-1]),
            Self::Feishu => (&[11_232, 9_499], &[]),
        };
        match code {
            0 => Outcome::Sent(reason),
            _ if too_often.contains(&code) || said.contains("frequency limited") => {
                Outcome::Later(Setback { reason, whole: true, wait_ms: Some(TOO_OFTEN_MS) })
            }
            _ if busy.contains(&code) => Outcome::down(reason),
            _ => Outcome::refused(reason),
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
        assert!(matches!(Robot::Feishu.outcome(r#"{"code":11232,"msg":"frequency limited psm"}"#), Later(_)));
        assert!(matches!(
            Robot::WeCom.outcome(r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#),
            Refused(_)
        ));
        assert!(matches!(
            Robot::DingTalk.outcome(r#"{"errcode":310000,"errmsg":"sign not match"}"#),
            Refused(_)
        ));
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
