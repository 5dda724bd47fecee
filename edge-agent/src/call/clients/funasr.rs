//! What a client of a FunASR server says and is answered: first JSON (`mode`, `wav_name`, `audio_fs`, `wav_format`, …),
//! then sound, then `{"is_speaking": false}`. (modelscope/FunASR, `runtime/docs/websocket_protocol.md` and the Python
//! client)
//!
//! - `2pass`: `2pass-online` has what is new of the words while somebody speaks, `2pass-offline` takes the place of all
//!   of them when he has spoken.
//! - `online`: the words while somebody speaks only, each answer what is new. Words that change are sent again from where
//!   they differ.
//! - `offline`: one answer with all words at the end.
//!
//! The last answer has `is_final`, and `is_end` when the client said that. `timestamp` is where the model tells times and
//! the text is as spoken. Numbers are written in digits whatever `itn` says; `hotwords`, `chunk_size` and the look-back
//! are taken and mean nothing here. Words about the call may stand in the first JSON as in the URL
//! ([`crate::call::words`]). Deliberately absent: a second utterance on one connection (one connection is one leg),
//! `stamp_sents`, speakers.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use super::{Protocol, Text, rate};
use crate::call::caller::Sealer;
use crate::call::live::{Line, Timed};
use crate::call::words::{self, Words};
use crate::call::{CallConfig, CallHealth, Cause};

/// Text that is kept for the one answer of `offline`: two hours of talk are a third of it.
const MAX_TEXT_BYTES: usize = 512 * 1_024;
/// Of a name that is sent back with every answer, in characters.
const MAX_NAME: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Offline,
    Online,
    TwoPass,
}

#[derive(Debug)]
pub(super) struct FunAsr {
    mode: Mode,
    wav_name: String,
    rate_hz: Option<u32>,
    /// The client said `is_end` and waits for it.
    is_end: bool,
    /// The newest stretch of speech, and what was sent of it.
    sent: (u32, String),
    /// For `offline`.
    text: String,
    times: Times,
    is_cut: bool,
}

/// Of all words so far; `None` when some have none.
type Times = Option<Vec<(u64, u64)>>;

impl Protocol for FunAsr {
    const NAME: &str = "FunASR";
    const CAUSE: Cause = Cause::FunasrPort;
    const RATE_HZ: u32 = 16_000;
    const LINGERS: bool = true;

    fn address(config: &CallConfig) -> Option<SocketAddr> {
        config.funasr_listen
    }

    fn listening(health: &mut CallHealth) -> &mut Option<SocketAddr> {
        &mut health.funasr_listening
    }

    fn begin(first: Option<&str>, sealer: &Sealer) -> Result<(Self, Words), String> {
        let Some(map) = first.and_then(object) else {
            return Err("the first message must be JSON, {\"mode\": \"2pass\", \"wav_name\": …, \"audio_fs\": 8000}, and \
                        sound follows it"
                .to_owned());
        };
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let mode = match map.get("mode") {
            None => Mode::TwoPass,
            Some(mode) => match mode.as_str() {
                Some("2pass") => Mode::TwoPass,
                Some("online") => Mode::Online,
                Some("offline") => Mode::Offline,
                _ => return Err(format!("mode must be offline, online or 2pass; {} is none", short(mode))),
            },
        };
        if let Some(format) =
            map.get("wav_format").filter(|format| !matches!(format.as_str(), Some("pcm" | "wav")))
        {
            return Err(format!(
                "wav_format must be pcm, signed 16-bit of one channel; {} is not taken here: drop recordings into the \
                 box's inbox",
                short(format)
            ));
        }
        if map.get("is_speaking") == Some(&Value::Bool(false)) {
            return Err("is_speaking is false before any sound".to_owned());
        }
        let words = words::of_object(&rate(&map, "audio_fs"), sealer)?;
        let begun = Self {
            mode,
            wav_name: text("wav_name").unwrap_or("demo").chars().take(MAX_NAME).collect(),
            rate_hz: words.rate_hz,
            is_end: false,
            sent: (0, String::new()),
            text: String::new(),
            times: Some(Vec::new()),
            is_cut: false,
        };
        Ok((begun, words))
    }

    fn text(&mut self, text: &str, sealer: &Sealer) -> Text {
        let Some(map) = object(text) else { return Text::Wrong(self.error("a text must be a JSON object")) };
        if map.get("is_speaking") == Some(&Value::Bool(false)) {
            self.is_end = map.get("is_end") == Some(&Value::Bool(true));
            return Text::Over;
        }
        match words::of_object(&rate(&map, "audio_fs"), sealer) {
            Ok(words)
                if words.rate_hz.is_some_and(|rate_hz| rate_hz != self.rate_hz.unwrap_or(Self::RATE_HZ)) =>
            {
                Text::Wrong(self.error("audio_fs is said too late; say it in the first message"))
            }
            Ok(words) => Text::Told(words.told),
            Err(why) => Text::Wrong(self.error(&why)),
        }
    }

    fn taken(&mut self, _notice: Option<&str>) -> Option<String> {
        None
    }

    fn line(&mut self, line: Line) -> Result<Option<String>, ()> {
        match (self.mode, line.is_final) {
            (Mode::Offline, true) => self.keep(&line).map(|()| None),
            (Mode::Offline, false) => Ok(None),
            (Mode::TwoPass, true) => {
                let mut message = self.message("2pass-offline", &line.text);
                stamp(&mut message, &times(&line.words));
                Ok(Some(message.to_string()))
            }
            (Mode::Online, true) => {
                // Where another model has read it anew, the last words stand as they were sent.
                let is_more = line.segment == self.sent.0 && line.text.starts_with(&self.sent.1);
                Ok(if is_more { self.more("online", line) } else { None })
            }
            (Mode::Online, false) => Ok(self.more("online", line)),
            (Mode::TwoPass, false) => Ok(self.more("2pass-online", line)),
        }
    }

    fn last(&mut self, notice: Option<&str>) -> String {
        let text = std::mem::take(&mut self.text);
        let mut message = self.message(self.last_mode(), &text);
        let times = self.times.take().filter(|times| !times.is_empty());
        stamp(&mut message, &times);
        let notice = notice.or(self.is_cut.then_some("there were more words than fit into one answer"));
        // A client that waits for is_end takes is_final for success; older ones wait for is_final alone.
        message["is_final"] = json!(notice.is_none() || !self.is_end);
        if self.is_end {
            message["is_end"] = json!(true);
        }
        if let Some(notice) = notice {
            message["error"] = json!(notice);
        }
        message.to_string()
    }

    fn deaf(&self, why: &str) -> Option<String> {
        Some(self.error(why))
    }

    fn refusal(why: &str) -> String {
        json!({ "mode": "", "wav_name": "", "text": "", "is_final": true, "error": why }).to_string()
    }
}

impl FunAsr {
    fn last_mode(&self) -> &'static str {
        match self.mode {
            Mode::Offline => "offline",
            Mode::Online => "online",
            Mode::TwoPass => "2pass-offline",
        }
    }

    fn message(&self, mode: &str, text: &str) -> Value {
        json!({ "mode": mode, "wav_name": self.wav_name, "text": text, "is_final": false })
    }

    fn error(&self, why: &str) -> String {
        let mut message = self.message(self.last_mode(), "");
        message["error"] = json!(why);
        message.to_string()
    }

    /// What is new of the words of a stretch; nothing when nothing is.
    fn more(&mut self, mode: &str, line: Line) -> Option<String> {
        if self.sent.0 != line.segment {
            self.sent = (line.segment, String::new());
        }
        let same = self.sent.1.chars().zip(line.text.chars()).take_while(|(sent, now)| sent == now);
        let same: usize = same.map(|(c, _)| c.len_utf8()).sum();
        let new = &line.text[same..];
        let message = (!new.is_empty()).then(|| self.message(mode, new).to_string());
        self.sent.1 = line.text;
        message
    }

    fn keep(&mut self, line: &Line) -> Result<(), ()> {
        if self.text.len() + line.text.len() > MAX_TEXT_BYTES {
            self.is_cut = true;
            return Err(());
        }
        // Words of letters stand apart, characters do not.
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if letter(self.text.chars().next_back()) && letter(line.text.chars().next()) {
            self.text.push(' ');
        }
        self.text.push_str(&line.text);
        if !line.text.is_empty() {
            let own = times(&line.words);
            self.times = self.times.take().zip(own).map(|(all, own)| [all, own].concat());
        }
        Ok(())
    }
}

fn times(words: &[Timed]) -> Times {
    (!words.is_empty()).then(|| words.iter().map(|word| (word.start_ms, word.end_ms)).collect())
}

/// A list of milliseconds, as text.
fn stamp(message: &mut Value, times: &Times) {
    if let Some(times) = times {
        message["timestamp"] = json!(json!(times).to_string());
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(mode: &str) -> FunAsr {
        FunAsr::begin(Some(&format!("{{\"mode\":\"{mode}\",\"wav_name\":\"w\"}}")), &Sealer::idle())
            .unwrap()
            .0
    }

    fn line(segment: u32, text: &str, is_final: bool) -> Line {
        let word = |(n, c): (usize, char)| Timed {
            text: c.to_string(),
            start_ms: n as u64 * 100,
            end_ms: n as u64 * 100 + 100,
        };
        let words = if is_final { text.chars().enumerate().map(word).collect() } else { Vec::new() };
        Line { segment, start_ms: 0, end_ms: 900, text: text.to_owned(), words, is_final }
    }

    fn said(client: &mut FunAsr, line: Line) -> Option<Value> {
        client.line(line).unwrap().map(|text| serde_json::from_str(&text).unwrap())
    }

    /// The sum of what is new is what was said; a correction is sent from where it differs; the second pass is whole.
    #[test]
    fn two_passes() {
        let mut client = begin("2pass");
        let mut new =
            |segment, text| said(&mut client, line(segment, text, false)).map(|m| m["text"].clone());
        assert_eq!(new(0, "你"), Some(json!("你")));
        assert_eq!(new(0, "你好吗"), Some(json!("好吗")));
        assert_eq!(new(0, "你好吗"), None);
        assert_eq!(new(0, "你好[号码]"), Some(json!("[号码]")));
        assert_eq!(new(1, "你"), Some(json!("你")));
        let whole = said(&mut client, line(0, "您好", true)).unwrap();
        let wanted = json!({
            "mode": "2pass-offline", "wav_name": "w", "text": "您好", "is_final": false,
            "timestamp": "[[0,100],[100,200]]",
        });
        assert_eq!(whole, wanted);
        assert!(matches!(
            client.text("{\"is_speaking\":false,\"is_end\":true}", &Sealer::idle()),
            Text::Over
        ));
        let last: Value = serde_json::from_str(&client.last(None)).unwrap();
        let wanted =
            json!({ "mode": "2pass-offline", "wav_name": "w", "text": "", "is_final": true, "is_end": true });
        assert_eq!(last, wanted);
    }

    /// One pass sends the end of a stretch when it goes on from what was sent; the other sends all at the end, with
    /// times where every word has one.
    #[test]
    fn one_pass() {
        let mut client = begin("online");
        assert_eq!(said(&mut client, line(0, "你", false)).unwrap()["mode"], "online");
        assert_eq!(said(&mut client, line(0, "你好", true)).unwrap()["text"], "好");
        said(&mut client, line(1, "我", false));
        assert_eq!(said(&mut client, line(1, "窝。", true)), None);

        let mut client = begin("offline");
        assert_eq!(said(&mut client, line(0, "你", false)), None);
        for text in ["你好", "ok", "b"] {
            assert_eq!(said(&mut client, line(0, text, true)), None);
        }
        let last: Value = serde_json::from_str(&client.last(None)).unwrap();
        assert_eq!((&last["text"], &last["is_final"]), (&json!("你好ok b"), &json!(true)));
        assert_eq!(last["timestamp"].as_str().unwrap().matches('[').count(), 6);
        let mut client = begin("offline");
        said(&mut client, line(0, "你好", true));
        said(&mut client, Line { words: Vec::new(), ..line(1, "3号", true) });
        let last: Value = serde_json::from_str(&client.last(None)).unwrap();
        assert_eq!((&last["text"], last.get("timestamp")), (&json!("你好3号"), None));
    }

    /// Words beyond the bound are left out, and that is said.
    #[test]
    fn one_answer_is_bounded() {
        let mut client = begin("offline");
        let long = Line { words: Vec::new(), ..line(0, &"好".repeat(100_000), true) };
        assert!(client.line(long.clone()).is_ok() && client.line(long).is_err());
        let last: Value = serde_json::from_str(&client.last(None)).unwrap();
        assert!(last["error"].as_str().unwrap().contains("more words") && last["is_final"] == true);
    }

    /// A first message of any client, and what is refused with its reason.
    #[test]
    fn first_messages() {
        let full = r#"{"mode":"2pass","chunk_size":[5,10,5],"chunk_interval":10,"encoder_chunk_look_back":4,
            "wav_name":"demo","is_speaking":true,"wav_format":"pcm","audio_fs":8000,
            "hotwords":"{\"阿里巴巴\":20}","itn":true,"seat":"8001"}"#;
        let (client, words) = FunAsr::begin(Some(full), &Sealer::idle()).unwrap();
        assert_eq!((client.mode, client.rate_hz), (Mode::TwoPass, Some(8_000)));
        assert_eq!(words.told.seat.as_deref(), Some("8001"));
        assert_eq!(FunAsr::begin(Some("{}"), &Sealer::idle()).unwrap().0.mode, Mode::TwoPass);
        for (bad, words) in [
            ("hello", "first message"),
            ("[1]", "first message"),
            (r#"{"mode":"3pass"}"#, "3pass"),
            (r#"{"mode":2}"#, "mode must"),
            (r#"{"wav_format":"mp3"}"#, "mp3"),
            (r#"{"audio_fs":11}"#, "rate must"),
            (r#"{"is_speaking":false}"#, "before any sound"),
        ] {
            let error = FunAsr::begin(Some(bad), &Sealer::idle()).unwrap_err();
            assert!(error.contains(words), "{bad}: {error}");
        }
        assert!(FunAsr::begin(None, &Sealer::idle()).is_err());
        let (mut client, _) = FunAsr::begin(Some(r#"{"wav_name":"n"}"#), &Sealer::idle()).unwrap();
        assert!(matches!(client.text("x", &Sealer::idle()), Text::Wrong(_)));
        assert!(
            matches!(client.text(r#"{"audio_fs":8000}"#, &Sealer::idle()), Text::Wrong(why) if why.contains("too late"))
        );
        assert!(matches!(client.text(r#"{"chunk_size":[8,8,4]}"#, &Sealer::idle()), Text::Told(_)));
    }
}
