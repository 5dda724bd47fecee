//! Words about a call that come beside its sound: in a URL, in a text message, in a file that lies beside a recording.
//! Pure.
//!
//! Keys: `uuid`, `call_id`, `leg`, `caller`, `seat`, `direction`, `rate`, `channels` and, for recordings, `started_at`
//! and `caller_masked` and `callback` (the box's own words).
//! What an administrator writes once (a URL) is read strictly, so that a slip is told at the first call. What an
//! exchange sends with each call is read leniently: a wrong word costs that word, never the call. A wrong rate or
//! number of channels is refused in both, since the sound would be noise.

use protocol::{CallId, Sealed, UtcMs};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::caller::{self, Sealer};
use super::registry::Announcement;

/// Longest caller or seat, in characters.
pub(super) const MAX_FIELD: usize = 64;
/// Longest name of a call, in bytes: SIP's are long.
const MAX_NAME: usize = 256;
/// Hertz.
const RATES: [u32; 7] = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000];
const KEYS: [&str; 9] =
    ["uuid", "call_id", "leg", "caller", "seat", "direction", "rate", "channels", "started_at"];
/// What exchanges call them too.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("callid", "call_id"),
    ("callId", "call_id"),
    ("from", "caller"),
    ("sample_rate", "rate"),
    ("sampleRate", "rate"),
    ("mix", "channels"),
];

/// What was said, the caller's number already masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) uuid: Option<Uuid>,
    pub(super) told: Announcement,
    pub(super) rate_hz: Option<u32>,
    /// 1 or 2.
    pub(super) channels: Option<usize>,
    pub(super) started_at: Option<UtcMs>,
    /// Keys whose words could not be used.
    pub(super) wrong: Vec<&'static str>,
}

impl Words {
    /// As an object that [`of_object`] reads: nothing in it that was not masked.
    pub(super) fn to_object(&self) -> Value {
        let told = &self.told;
        serde_json::json!({
            "uuid": self.uuid,
            "call_id": told.call_id,
            "leg": told.leg,
            "caller_masked": told.caller_masked,
            "callback": told.callback,
            "seat": told.seat,
            "direction": told.direction,
            "rate": self.rate_hz,
            "channels": self.channels,
            "started_at": self.started_at.map(|at| at.to_string()),
        })
    }

    /// These words where they say something, `known` elsewhere.
    pub(super) fn over(self, known: Self) -> Self {
        Self {
            uuid: self.uuid.or(known.uuid),
            told: self.told.over(known.told),
            rate_hz: self.rate_hz.or(known.rate_hz),
            channels: self.channels.or(known.channels),
            started_at: self.started_at.or(known.started_at),
            wrong: self.wrong,
        }
    }
}

/// The id of a call that an exchange names by any text: a UUID is itself, everything else becomes one by its hash, so
/// that the same name is the same call.
pub(super) fn id_of(name: &str) -> Uuid {
    Uuid::parse_str(name).unwrap_or_else(|_| {
        let hash = Sha256::digest(name.as_bytes());
        let bytes: [u8; 16] = hash[..16].try_into().expect("a hash has 32 bytes");
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    })
}

/// Reads a URL's query; the error says which word is wrong.
pub(super) fn of_query(pairs: Vec<(String, String)>, sealer: &Sealer) -> Result<Words, String> {
    let mut map = Map::new();
    for (key, value) in pairs {
        if !KEYS.contains(&&*key) {
            return Err(format!("{key:?} is none of {}", KEYS.join(", ")));
        }
        if map.insert(key.clone(), Value::String(value)).is_some() {
            return Err(format!("{key} is said twice"));
        }
    }
    let words = read(&map, sealer).map_err(|(_, words)| words)?;
    match words.wrong[..] {
        [] => Ok(words),
        [key, ..] => Err(needs(key)),
    }
}

/// Reads an object that an exchange sent; keys that mean nothing here are its own affair.
pub(super) fn of_object(map: &Map<String, Value>, sealer: &Sealer) -> Result<Words, String> {
    read(map, sealer).map_err(|(_, words)| words)
}

fn needs(key: &str) -> String {
    match key {
        "uuid" => "uuid must be a UUID".to_owned(),
        "leg" => "leg must be caller or operator".to_owned(),
        "direction" => "direction must be inbound or outbound".to_owned(),
        "call_id" => format!("call_id must be at most {MAX_NAME} printable characters"),
        "started_at" => "started_at must be a moment like 2026-03-01T08:30:00+08:00".to_owned(),
        _ => format!("{key} must be at most {MAX_FIELD} printable characters"),
    }
}

fn read(map: &Map<String, Value>, sealer: &Sealer) -> Result<Words, (&'static str, String)> {
    let mut words = Words::default();
    let text = |key: &str| -> Option<String> {
        let names =
            std::iter::once(key).chain(OTHER_NAMES.iter().filter(|(_, k)| *k == key).map(|(n, _)| *n));
        // An empty word is none: dial plans fill their words from variables that may be empty.
        names.filter_map(|name| map.get(name)).find_map(|value| match value {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Null => None,
            other => Some(other.to_string()),
        })
    };
    if let Some(rate) = text("rate") {
        words.rate_hz = Some(rate_of(&rate).ok_or_else(|| {
            ("rate", format!("rate must be one of {RATES:?} in Hz, or 8k or 16k; {rate:.20?} is none"))
        })?);
    }
    if let Some(channels) = text("channels") {
        words.channels = Some(match &*channels {
            "1" | "mono" | "mixed" => 1,
            "2" | "stereo" => 2,
            _ => return Err(("channels", format!("channels must be 1 or 2, not {channels:.20?}"))),
        });
    }
    let mut take = |key: &'static str, max: usize| {
        let text = text(key)?;
        let fits = text.chars().count() <= max && !text.chars().any(char::is_control);
        if !fits {
            words.wrong.push(key);
        }
        fits.then_some(text)
    };
    let (uuid, call_id, leg) = (take("uuid", MAX_FIELD), take("call_id", MAX_NAME), take("leg", MAX_FIELD));
    let (caller, seat) = (take("caller", MAX_FIELD), take("seat", MAX_FIELD));
    let masked = take("caller_masked", MAX_FIELD).filter(|text| caller::is_masked(text));
    let kept = map.get("callback").and_then(Value::as_str).and_then(Sealed::kept);
    let (direction, started_at) = (take("direction", MAX_FIELD), take("started_at", MAX_FIELD));
    words.uuid = known("uuid", uuid, |text| Uuid::parse_str(text).ok(), &mut words.wrong);
    words.told = Announcement {
        call_id: call_id.map(|name| CallId(id_of(&name))),
        leg: known("leg", leg, one_of, &mut words.wrong),
        callback: if masked.is_some() { kept } else { caller.as_deref().and_then(|n| sealer.seal(n)) },
        caller_masked: masked.or_else(|| caller::mask(&caller?)),
        seat,
        direction: known("direction", direction, one_of, &mut words.wrong),
    };
    let moment = |text: &str| text.parse::<jiff::Timestamp>().ok().map(|at| UtcMs(at.as_millisecond()));
    words.started_at = known("started_at", started_at, moment, &mut words.wrong);
    Ok(words)
}

fn known<T>(
    key: &'static str,
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
    wrong: &mut Vec<&'static str>,
) -> Option<T> {
    let text = text?;
    let value = parse(&text);
    if value.is_none() {
        wrong.push(key);
    }
    value
}

fn one_of<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::String(text.to_owned())).ok()
}

fn rate_of(text: &str) -> Option<u32> {
    let hertz = match text {
        "8k" => 8_000,
        "16k" => 16_000,
        _ => text.parse().ok()?,
    };
    RATES.contains(&hertz).then_some(hertz)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::{Direction, Leg};
    use serde_json::json;

    fn object(value: Value) -> Result<Words, String> {
        let Value::Object(map) = value else { panic!("not an object") };
        of_object(&map, &Sealer::idle())
    }

    fn query(text: &str) -> Result<Words, String> {
        of_query(
            text.split('&').filter_map(|p| p.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect(),
            &Sealer::idle(),
        )
    }

    /// All that can be said, in a URL; the number is masked, an empty word is none.
    #[test]
    fn reads_a_url() {
        let call = "0199a0b0-0000-7000-8000-000000000001";
        let said = query(&format!(
            "uuid={call}&call_id=ab@pbx&leg=operator&caller=13812341234&seat=8001&direction=outbound&rate=16k&channels=stereo"
        ));
        let said = said.unwrap();
        assert_eq!(said.uuid, Some(Uuid::parse_str(call).unwrap()));
        assert_eq!((said.rate_hz, said.channels), (Some(16_000), Some(2)));
        let told = Announcement {
            call_id: Some(CallId(id_of("ab@pbx"))),
            leg: Some(Leg::Operator),
            caller_masked: Some("138****1234".into()),
            callback: None,
            seat: Some("8001".into()),
            direction: Some(Direction::Outbound),
        };
        assert_eq!(said.told, told);
        let Value::Object(again) = said.to_object() else { panic!("not an object") };
        assert_eq!(of_object(&again, &Sealer::idle()), Ok(said.clone()));
        assert_eq!(query("seat=&leg="), Ok(Words::default()));
        assert_eq!(
            query("call_id=0199a0b0-0000-7000-8000-000000000001").unwrap().told.call_id,
            said.uuid.map(CallId)
        );
    }

    /// A number is sealed where it is read, and its sealed form, written down by the box, reads back; one that somebody claims
    /// beside a bare number is not taken.
    #[test]
    fn seals_what_it_reads() {
        let secret = protocol::ContactSecret::from_bytes(protocol::Chance::seeded(1).bytes());
        let key = std::sync::Arc::new(crate::contact::HubKey::fixed(secret.key()));
        let sealer = Sealer::new(true, key, std::sync::Arc::new(protocol::Chance::seeded(2)));
        let map = |value: Value| value.as_object().unwrap().clone();
        let said =
            of_object(&map(json!({ "caller": "138 1234 1234", "callback": "aa.bb" })), &sealer).unwrap();
        let sealed = said.told.callback.clone().unwrap();
        assert_eq!(secret.open(&sealed), Ok("13812341234".to_owned()));
        let kept = said.to_object();
        assert!(!kept.to_string().contains("13812341234"));
        assert_eq!(of_object(&map(kept), &sealer), Ok(said));
        assert_eq!(of_object(&map(json!({ "caller": "anonymous" })), &sealer).unwrap().told.callback, None);
    }

    /// A slip in a URL is told by name; in what an exchange sends it costs the word alone, unless the sound would be
    /// noise.
    #[test]
    fn strict_and_lenient() {
        for (text, names) in [
            ("sead=1", "sead"),
            ("seat=1&seat=2", "seat is said twice"),
            ("leg=middle", "leg must be"),
            ("uuid=7", "uuid must be"),
            ("direction=up", "direction must be"),
            ("rate=9000", "rate must be"),
            ("channels=3", "channels must be"),
        ] {
            let error = query(text).unwrap_err();
            assert!(error.contains(names), "{text}: {error}");
        }
        let long = "9".repeat(65);
        let said = object(json!({
            "leg": "middle", "caller": long, "seat": 8001, "uuid": "x", "from": "13812341234", "to": {"a": [1]},
            "sampleRate": 8000, "mix": "mono",
        }))
        .unwrap();
        assert_eq!(said.told, Announcement { seat: Some("8001".into()), ..Announcement::default() });
        assert_eq!((said.rate_hz, said.channels), (Some(8_000), Some(1)));
        assert_eq!(said.wrong, ["caller", "uuid", "leg"]);
        assert!(object(json!({ "rate": -8000 })).is_err() && object(json!({ "channels": [2] })).is_err());
        let said =
            object(json!({ "from": "+86 13812341234", "started_at": "2026-03-01T08:30:00+08:00" })).unwrap();
        assert_eq!(said.told.caller_masked.as_deref(), Some("138****1234"));
        assert_eq!(said.started_at, Some(UtcMs(1_772_325_000_000)));
    }
}
