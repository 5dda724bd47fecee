//! Web Push (RFC 8030): what a browser is shown, and what its push service answers. All of it is pure but
//! [`Pusher::send`].
//!
//! A push service sees when something comes, for whom and how urgent it is; what it says is sealed for the browser.

use std::time::Duration;

use protocol::{Severity, UtcMs};
use reqwest::{Certificate, Client, StatusCode, Url};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::http::{self, Answer};
use super::{Outcome, Setback};
use crate::outbound::DAY_MS;
use crate::outbound::words::{Message, Told};
use crate::push::Vapid;
use crate::push::endpoint::Guard;
use crate::push::seal::Keys;

/// Longest content before it is sealed, in bytes: services take 4,096 with all that the seal adds.
const MOST_CONTENT: usize = 3_000;
/// Nothing is kept for so short a time that a telephone in a lift misses it.
const SHORTEST_LIFE_S: i64 = 60;
/// The kind of notice that wakes people.
const EMERGENCY: &str = "emergency";

/// A message for one browser, before it is sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::outbound) struct Note {
    pub(in crate::outbound) content: String,
    /// A newer one of the same takes its place at the service, and on the screen.
    pub(in crate::outbound) topic: Option<String>,
    pub(in crate::outbound) is_urgent: bool,
    /// How long the service keeps it for a browser that is away.
    pub(in crate::outbound) life_s: i64,
}

impl Note {
    /// `secret`: of the browser, so that nobody else can tell from a topic which case it is.
    pub(in crate::outbound) fn of(
        (told, message): (&Told, &Message),
        (id, made_at_ms): (&str, i64),
        now: UtcMs,
        secret: &str,
    ) -> Self {
        let is_urgent = told.kind == EMERGENCY;
        // What is urgent is not replaced by a reminder, nor the other way round.
        let topic = (!told.number.is_empty())
            .then(|| short_hash(&json!([secret, told.number, is_urgent]).to_string()));
        let path = if told.number.is_empty() { "/".to_owned() } else { format!("/cases/{}", told.number) };
        let title = format!("{} {}", message.head_zh, message.head_en);
        let mut body = body(told, message);
        let content = loop {
            let content = json!({
                "id": id, "title": title, "body": body, "url": path,
                "tag": topic.as_deref().unwrap_or(id), "urgent": is_urgent,
            })
            .to_string();
            if content.len() <= MOST_CONTENT || body.is_empty() {
                break content;
            }
            // Lines are short: this comes about with a case of many long names only.
            body = body.rsplit_once('\n').map_or_else(String::new, |(before, _)| before.to_owned());
        };
        let left_s = (made_at_ms + DAY_MS - now.0).div_euclid(1_000);
        Self { content, topic, is_urgent, life_s: left_s.clamp(SHORTEST_LIFE_S, DAY_MS / 1_000) }
    }
}

/// Number and severity first, the rest a line each.
fn body(told: &Told, message: &Message) -> String {
    let severity = told.severity.map(|severity: Severity| format!("{} {}", severity.zh(), severity.en()));
    let number = Some(told.number.clone()).filter(|number| !number.is_empty());
    let first: Vec<String> = [number, severity].into_iter().flatten().collect();
    let mut lines: Vec<String> =
        Some(first.join(" · ")).filter(|line| !line.is_empty()).into_iter().collect();
    for line in message.lines.iter().filter(|line| line.zh != told.number) {
        lines.push(format!("{} {}：{}", line.name_zh, line.name_en, line.zh));
    }
    lines.join("\n")
}

/// 24 characters of base64url: a topic has at most 32.
fn short_hash(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..18])
}

/// What came of a message to one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::outbound) struct Pushed {
    pub(in crate::outbound) outcome: Outcome,
    /// The subscription has ended: nothing more goes there.
    pub(in crate::outbound) is_gone: bool,
}

/// What an answer means. Whatever it is, it is about this browser: others have other services, so the channel goes on.
fn meaning(answer: &Answer) -> Pushed {
    let is_gone = [StatusCode::NOT_FOUND, StatusCode::GONE].contains(&answer.status);
    let outcome = match answer.setback() {
        _ if is_gone => {
            Outcome::refused(format!("the browser's subscription has ended: {}", answer.in_words()))
        }
        None => Outcome::Sent(answer.in_words()),
        Some(other) => alone(other),
    };
    Pushed { outcome, is_gone }
}

fn alone(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Later(setback) => Outcome::Later(Setback { whole: false, ..setback }),
        other => other,
    }
}

/// Writes to browsers.
pub(in crate::outbound) struct Pusher {
    client: Client,
    contact: Option<String>,
    is_insecure: bool,
}

/// Where a message goes, and by whom it is sent.
pub(in crate::outbound) struct Way<'a> {
    pub(in crate::outbound) url: Url,
    pub(in crate::outbound) keys: Keys,
    pub(in crate::outbound) vapid: &'a Vapid,
    /// Of whoever runs the hub, where the channel names none.
    pub(in crate::outbound) contact: Option<&'a str>,
}

impl Pusher {
    pub(in crate::outbound) fn open(
        contact: Option<String>,
        is_insecure: bool,
        ca: Option<&[u8]>,
        timeout: Duration,
    ) -> reqwest::Result<Self> {
        let mut builder = http::builder(timeout);
        // Services of one's own network are reached directly, others by whatever proxy the environment names.
        builder =
            if is_insecure { builder.no_proxy() } else { builder.dns_resolver(Guard::of_environment()) };
        if let Some(pem) = ca {
            builder = builder.tls_certs_merge(Certificate::from_pem_bundle(pem)?);
        }
        Ok(Self { client: builder.build()?, contact, is_insecure })
    }

    /// Whether it writes to addresses of the hub's own network too.
    pub(in crate::outbound) fn is_insecure(&self) -> bool {
        self.is_insecure
    }

    /// One try; what came of it.
    pub(in crate::outbound) async fn send(&self, way: Way<'_>, note: &Note, now: UtcMs) -> Pushed {
        let sealed = match way.keys.seal(note.content.as_bytes()) {
            Ok(sealed) => sealed,
            Err(why) => {
                return Pushed { outcome: Outcome::refused(format!("sealing: {why}")), is_gone: false };
            }
        };
        let audience = way.url.origin().ascii_serialization();
        let contact = self.contact.as_deref().or(way.contact);
        let mut request = self
            .client
            .post(way.url)
            .header("ttl", note.life_s)
            .header("urgency", if note.is_urgent { "high" } else { "normal" })
            .header("content-encoding", "aes128gcm")
            .header("content-type", "application/octet-stream")
            .header("authorization", way.vapid.authorization(&audience, contact, now));
        if let Some(topic) = &note.topic {
            request = request.header("topic", topic);
        }
        match http::send(request.body(sealed)).await {
            Ok(answer) => meaning(&answer),
            Err(outcome) => Pushed { outcome: alone(outcome), is_gone: false },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::super::facts::{CaseFacts, sample};
    use super::super::super::words::look;
    use super::*;

    const NOW: UtcMs = UtcMs(1_773_815_480_000);

    fn note(kind: &str, case: &CaseFacts) -> Note {
        let told = Told::of(kind, case);
        Note::of((&told, &told.in_words(&look())), ("m1", NOW.0 - 3_600_000), NOW, "secret")
    }

    fn content(note: &Note) -> Value {
        serde_json::from_str(&note.content).unwrap()
    }

    /// A notice as a browser shows it, written out by hand; it is kept until its day is over.
    #[test]
    fn a_notice() {
        let note = note("card", &sample());
        let topic = note.topic.clone().unwrap();
        assert_eq!(
            content(&note),
            json!({
                "id": "m1",
                "title": "红牌督办 Red card",
                "body": "20260318-001 · 重要 Major\n事项 Matter：消防通道占用 · 北口\n地点 Place：北口\n\
                         状态 State：已派遣待签收\n期限 Limit：处置 2026-03-18 16:00",
                "url": "/cases/20260318-001", "tag": topic, "urgent": false,
            })
        );
        assert_eq!((note.life_s, note.is_urgent, topic.len()), (23 * 3_600, false, 24));
    }

    /// Of one case a reminder takes the place of an earlier one, not of an emergency; another browser's topic is another
    /// one.
    #[test]
    fn topics() {
        let (soon, late, urgent) =
            (note("due_soon", &sample()), note("overdue", &sample()), note("emergency", &sample()));
        assert_eq!(soon.topic, late.topic);
        assert_ne!(late.topic, urgent.topic);
        assert!(urgent.is_urgent && !late.is_urgent);
        let other = note("due_soon", &CaseFacts { number: "20260318-002".into(), ..sample() });
        assert_ne!(other.topic, soon.topic);
        let told = Told::of("due_soon", &sample());
        let elsewhere = Note::of((&told, &told.in_words(&look())), ("m1", NOW.0), NOW, "another");
        assert_ne!(elsewhere.topic, soon.topic);
        let topic = soon.topic.unwrap();
        assert!(topic.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_'), "{topic}");
        let test = Told::test();
        let test = Note::of((&test, &test.in_words(&look())), ("m2", NOW.0), NOW, "secret");
        assert_eq!((test.topic.as_ref(), content(&test)["tag"].as_str()), (None, Some("m2")));
    }

    /// A confidential case is a number and a state; a call is its category, never who called or what was said.
    #[test]
    fn what_stays() {
        let secret = CaseFacts { confidential: 1, ..sample() };
        let said = content(&note("overdue", &secret))["body"].as_str().unwrap().to_owned();
        assert_eq!(said, "20260318-001\n事项 Matter：保密案件\n状态 State：已派遣待签收");
        let call = CaseFacts {
            source: "call".into(),
            title_zh: "热线来电 · 138****6027".into(),
            title_en: "Hotline call · 138****6027".into(),
            category: None,
            kind: "hotline".into(),
            ..sample()
        };
        let call = note("overdue", &call);
        assert!(!call.content.contains("6027"), "{}", call.content);
    }

    /// What is long is cut by whole lines, and stays what a service takes.
    #[test]
    fn long_words() {
        let mut told = Told::of("overdue", &sample());
        let mut message = told.in_words(&look());
        let line = message.lines[1].clone();
        message.lines.extend((0..400).map(|_| line.clone()));
        let note = Note::of((&told, &message), ("m1", NOW.0), NOW, "secret");
        assert!(note.content.len() <= MOST_CONTENT && note.content.len() > MOST_CONTENT / 2);
        assert!(content(&note)["body"].as_str().unwrap().ends_with("消防通道占用 · 北口"));
        // A message that is late is not kept for no time at all.
        told.kind = "emergency".into();
        let late = Note::of((&told, &message), ("m1", NOW.0 - 2 * DAY_MS), NOW, "secret");
        assert_eq!(late.life_s, SHORTEST_LIFE_S);
    }

    /// Taken, later, never, or gone; no answer stops the channel.
    #[test]
    fn answers() {
        let of = |status: u16| meaning(&Answer::of(StatusCode::from_u16(status).unwrap(), "why"));
        for status in [200, 201, 202] {
            let pushed = of(status);
            assert!(matches!(pushed.outcome, Outcome::Sent(_)) && !pushed.is_gone, "{status}");
        }
        for status in [404, 410] {
            let pushed = of(status);
            assert!(
                matches!(&pushed.outcome, Outcome::Refused(why) if why.contains("has ended"))
                    && pushed.is_gone
            );
        }
        for status in [408, 425, 429, 500, 503] {
            let pushed = of(status);
            let Outcome::Later(setback) = pushed.outcome else { panic!("{status}") };
            assert!(!setback.whole && !pushed.is_gone, "{status}");
        }
        for status in [301, 400, 401, 403, 413] {
            let pushed = of(status);
            assert_eq!(pushed.outcome, Outcome::Refused(format!("{status} why")));
            assert!(!pushed.is_gone, "{status}");
        }
    }
}
