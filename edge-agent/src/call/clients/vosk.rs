//! What a client of a Vosk server says and is answered: `{"config": {"sample_rate": 8000, …}}` or sound at once; exactly
//! one answer to each message of sound, `{"partial": …}` or, when somebody has spoken, `{"result": […], "text": …}`;
//! `{"eof": 1}` and the last words. (alphacep/vosk-server, `websocket/asr_server.py`)
//!
//! Of the configuration `sample_rate`, `words` and `max_alternatives` count; there is one alternative only. Words about
//! the call may stand in it as in the URL ([`crate::call::words`]). `conf` is always 1: no model here tells a confidence.
//! `notice` and `error`, where they stand, are ours. Deliberately absent: `phrase_list`, `reset`, speaker vectors.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use super::{Protocol, Text, rate};
use crate::call::caller::Sealer;
use crate::call::live::Line;
use crate::call::words::{self, Words};
use crate::call::{CallConfig, CallHealth, Cause};

/// Final words that wait for a message to be the answer to.
const MAX_LINES: usize = 64;

#[derive(Debug)]
pub(super) struct Vosk {
    /// `result` is wanted.
    words: bool,
    /// The form for several readings is wanted.
    alternatives: bool,
    rate_hz: Option<u32>,
    /// Of the newest stretch of speech.
    partial: (u32, String),
    finals: Vec<Line>,
}

impl Protocol for Vosk {
    const NAME: &str = "Vosk";
    const CAUSE: Cause = Cause::VoskPort;
    const RATE_HZ: u32 = 8_000;
    const LINGERS: bool = false;

    fn address(config: &CallConfig) -> Option<SocketAddr> {
        config.vosk_listen
    }

    fn listening(health: &mut CallHealth) -> &mut Option<SocketAddr> {
        &mut health.vosk_listening
    }

    fn begin(first: Option<&str>, sealer: &Sealer) -> Result<(Self, Words), String> {
        let rate_hz = None;
        let mut begun = Self {
            words: true,
            alternatives: false,
            rate_hz,
            partial: (0, String::new()),
            finals: Vec::new(),
        };
        let Some(first) = first else { return Ok((begun, Words::default())) };
        let config = object(first).and_then(|mut map| map.remove("config"));
        let Some(Value::Object(config)) = config else {
            return Err("the first message must be sound or {\"config\": {\"sample_rate\": 8000}}".to_owned());
        };
        let words = begun.configure(&config, sealer)?;
        begun.rate_hz = words.rate_hz;
        Ok((begun, words))
    }

    fn text(&mut self, text: &str, sealer: &Sealer) -> Text {
        let wrong = |why: &str| Text::Wrong(Self::refusal(why));
        let Some(mut map) = object(text) else {
            return wrong("a text must be {\"config\": …} or {\"eof\": 1}");
        };
        if map.contains_key("eof") {
            return Text::Over;
        }
        let Some(Value::Object(config)) = map.remove("config") else {
            return wrong("a text must be {\"config\": …} or {\"eof\": 1}");
        };
        match self.configure(&config, sealer) {
            Ok(words)
                if words.rate_hz.is_some_and(|rate_hz| rate_hz != self.rate_hz.unwrap_or(Self::RATE_HZ)) =>
            {
                wrong("sample_rate is said too late; say it before the sound")
            }
            Ok(words) => Text::Told(words.told),
            Err(why) => wrong(&why),
        }
    }

    fn taken(&mut self, notice: Option<&str>) -> Option<String> {
        let lines = std::mem::take(&mut self.finals);
        let answer =
            if lines.is_empty() { json!({ "partial": self.partial.1 }) } else { self.result(&lines) };
        Some(noted(answer, notice))
    }

    fn line(&mut self, line: Line) -> Result<Option<String>, ()> {
        if line.is_final {
            if self.partial.0 <= line.segment {
                self.partial = (line.segment, String::new());
            }
            if self.finals.len() >= MAX_LINES {
                return Err(());
            }
            if !line.text.is_empty() {
                self.finals.push(line);
            }
        } else {
            self.partial = (line.segment, line.text);
        }
        Ok(None)
    }

    fn last(&mut self, notice: Option<&str>) -> String {
        let lines = std::mem::take(&mut self.finals);
        noted(self.result(&lines), notice)
    }

    fn deaf(&self, _why: &str) -> Option<String> {
        None
    }

    fn refusal(why: &str) -> String {
        json!({ "error": why }).to_string()
    }
}

impl Vosk {
    fn configure(&mut self, config: &Map<String, Value>, sealer: &Sealer) -> Result<Words, String> {
        if let Some(words) = config.get("words") {
            self.words = truth(words);
        }
        if let Some(most) = config.get("max_alternatives") {
            self.alternatives = truth(most);
        }
        words::of_object(&rate(config, "sample_rate"), sealer)
    }

    fn result(&self, lines: &[Line]) -> Value {
        let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        let mut said = json!({ "text": text.join(" ") });
        if self.words && !lines.is_empty() {
            said["result"] = lines.iter().flat_map(words_of).collect();
        }
        if self.alternatives {
            said["confidence"] = json!(1.0);
            said = json!({ "alternatives": [said] });
        }
        said
    }
}

/// Each word with its seconds, or the whole line where words have none.
fn words_of(line: &Line) -> Vec<Value> {
    let word = |word: &str, start_ms: u64, end_ms: u64| {
        let seconds = |ms: u64| ms as f64 / 1_000.0;
        json!({ "word": word, "start": seconds(start_ms), "end": seconds(end_ms), "conf": 1.0 })
    };
    if line.words.is_empty() {
        return vec![word(&line.text, line.start_ms, line.end_ms)];
    }
    line.words.iter().map(|w| word(&w.text, w.start_ms, w.end_ms)).collect()
}

fn noted(mut answer: Value, notice: Option<&str>) -> String {
    if let Some(notice) = notice {
        answer["notice"] = json!(notice);
    }
    answer.to_string()
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

/// As Python reads it: Vosk's clients send 0, 1, true, "false".
fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::live::Timed;

    fn line(segment: u32, text: &str, is_final: bool) -> Line {
        Line { segment, start_ms: 500, end_ms: 1_250, text: text.to_owned(), words: Vec::new(), is_final }
    }

    fn answer(vosk: &mut Vosk) -> Value {
        serde_json::from_str(&vosk.taken(None).unwrap()).unwrap()
    }

    /// Partial words until the final ones, which are told once; words that begin before the last ones are final stay.
    #[test]
    fn partial_then_final() {
        let (mut vosk, _) = Vosk::begin(None, &Sealer::idle()).unwrap();
        assert_eq!(answer(&mut vosk), json!({ "partial": "" }));
        vosk.line(line(0, "你", false)).unwrap();
        vosk.line(line(0, "你好", false)).unwrap();
        assert_eq!(answer(&mut vosk), json!({ "partial": "你好" }));
        assert_eq!(answer(&mut vosk), json!({ "partial": "你好" }));
        vosk.line(line(1, "我", false)).unwrap();
        vosk.line(line(0, "您好。", true)).unwrap();
        let whole = json!([{ "word": "您好。", "start": 0.5, "end": 1.25, "conf": 1.0 }]);
        assert_eq!(answer(&mut vosk), json!({ "text": "您好。", "result": whole }));
        assert_eq!(answer(&mut vosk), json!({ "partial": "我" }));
        let words = vec![Timed { text: "我".into(), start_ms: 600, end_ms: 700 }];
        vosk.line(Line { words, ..line(1, "我", true) }).unwrap();
        vosk.line(line(2, "", true)).unwrap();
        let last: Value = serde_json::from_str(&vosk.last(Some("why"))).unwrap();
        let timed = json!([{ "word": "我", "start": 0.6, "end": 0.7, "conf": 1.0 }]);
        assert_eq!(last, json!({ "text": "我", "result": timed, "notice": "why" }));
        assert_eq!(serde_json::from_str::<Value>(&vosk.last(None)).unwrap(), json!({ "text": "" }));
    }

    /// What a configuration may say, in the forms that clients use, and what is refused.
    #[test]
    fn configurations() {
        let begin = |config: &str| Vosk::begin(Some(&format!("{{\"config\":{config}}}")), &Sealer::idle());
        for rate in ["16000", "16000.0", "\"16000\""] {
            let (_, words) = begin(&format!("{{\"sample_rate\":{rate},\"phrase_list\":[\"a\"]}}")).unwrap();
            assert_eq!(words.rate_hz, Some(16_000), "{rate}");
        }
        let (mut vosk, words) =
            begin(r#"{"words":0,"max_alternatives":3,"seat":"8001","caller":"13812341234"}"#).unwrap();
        assert_eq!((words.rate_hz, words.told.seat.as_deref()), (None, Some("8001")));
        assert_eq!(words.told.caller_masked.as_deref(), Some("138****1234"));
        vosk.line(line(0, "好", true)).unwrap();
        assert_eq!(answer(&mut vosk), json!({ "alternatives": [{ "text": "好", "confidence": 1.0 }] }));
        for bad in ["7", "{\"sample_rate\":11}", "{\"sample_rate\":[]}"] {
            assert!(begin(bad).is_err(), "{bad}");
        }
        assert!(Vosk::begin(Some("hello"), &Sealer::idle()).unwrap_err().contains("config"));
        assert!(matches!(vosk.text("{\"eof\" : 1}", &Sealer::idle()), Text::Over));
        assert!(matches!(vosk.text("hello", &Sealer::idle()), Text::Wrong(why) if why.contains("error")));
        let late = "{\"config\":{\"sample_rate\":16000}}";
        assert!(matches!(vosk.text(late, &Sealer::idle()), Text::Wrong(why) if why.contains("too late")));
        assert!(matches!(vosk.text("{\"config\":{\"sample_rate\":8000}}", &Sealer::idle()), Text::Told(_)));
    }
}
