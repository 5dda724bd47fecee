//! What a recording client offers, and the answer: SDP (RFC 4566) with one or two G.711 streams, in a body of one or
//! more parts (RFC 5621), and the metadata beside it (RFC 7865). Pure.
//!
//! Lenient: labels and metadata may be missing or of another release; what is not understood is passed over. The XML is
//! looked through for the five elements that matter, so nothing in it can be expanded.

use std::collections::HashMap;

use super::rtp::Law;

/// Streams of one session that are looked at.
const MAX_STREAMS: usize = 8;
/// Elements of metadata that are looked at.
const MAX_ELEMENTS: usize = 512;

/// The parts of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    pub sdp: Option<String>,
    pub metadata: Option<String>,
}

/// Takes a body apart after its Content-Type.
pub fn parts(content_type: &str, body: &[u8]) -> Parts {
    let mut parts = Parts::default();
    let text = String::from_utf8_lossy(body);
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
    if !kind.starts_with("multipart/") {
        parts.put(&kind, &text);
        return parts;
    }
    let boundary = content_type.split(';').find_map(|p| p.trim().strip_prefix("boundary="));
    let Some(boundary) = boundary.map(|b| b.trim_matches('"')).filter(|b| !b.is_empty()) else {
        return parts;
    };
    let text = text.replace("\r\n", "\n");
    for part in text.split(&format!("--{boundary}")).skip(1).take_while(|part| !part.starts_with("--")) {
        let part = part.strip_prefix('\n').unwrap_or(part);
        let (head, body) = part.split_once("\n\n").unwrap_or(("", part));
        let kind = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let name = name.trim().to_lowercase();
            (name == "content-type" || name == "c")
                .then(|| value.split(';').next().unwrap_or_default().trim().to_lowercase())
        });
        parts.put(&kind.unwrap_or_default(), body);
    }
    parts
}

impl Parts {
    fn put(&mut self, kind: &str, text: &str) {
        let text = text.trim();
        if kind == "application/sdp" || kind.is_empty() && text.starts_with("v=0") {
            self.sdp.get_or_insert_with(|| text.to_owned());
        } else if kind.ends_with("+xml") || kind.ends_with("/xml") {
            self.metadata.get_or_insert_with(|| text.to_owned());
        }
    }
}

/// One `m=` line of the offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// `m=` without its port and formats: kind and transport.
    kind: String,
    transport: String,
    formats: String,
    /// 0 = given up.
    pub port: u16,
    pub label: Option<String>,
    /// The payload type we take, with its law.
    pub law: Option<(u8, Law)>,
    /// The other side wants to hear us and sends nothing.
    deaf: bool,
}

impl Stream {
    /// We take it: G.711 by RTP, and it sends.
    pub fn usable(&self) -> bool {
        self.kind == "audio"
            && self.transport.starts_with("RTP/AVP")
            && self.port > 0
            && self.law.is_some()
            && !self.deaf
    }
}

/// The streams of an offer, in order.
pub fn streams(sdp: &str) -> Vec<Stream> {
    let mut streams: Vec<Stream> = Vec::new();
    let mut deaf = false;
    for line in sdp.lines().map(str::trim) {
        if let Some(media) = line.strip_prefix("m=") {
            if streams.len() >= MAX_STREAMS {
                break;
            }
            let mut words = media.split_whitespace();
            let (kind, port) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let transport = words.next().unwrap_or_default();
            let formats: Vec<&str> = words.collect();
            let fixed = formats.iter().find_map(|format| match *format {
                "8" => Some((8, Law::A)),
                "0" => Some((0, Law::Mu)),
                _ => None,
            });
            streams.push(Stream {
                kind: kind.to_owned(),
                transport: transport.to_owned(),
                formats: formats.join(" "),
                port: port.split('/').next().and_then(|p| p.parse().ok()).unwrap_or(0),
                label: None,
                law: fixed,
                deaf,
            });
            continue;
        }
        let Some(attribute) = line.strip_prefix("a=") else { continue };
        if ["recvonly", "inactive"].contains(&attribute) {
            match streams.last_mut() {
                Some(stream) => stream.deaf = true,
                None => deaf = true,
            }
        }
        let Some(stream) = streams.last_mut() else { continue };
        if let Some(label) = attribute.strip_prefix("label:") {
            stream.label = Some(label.trim().chars().take(64).collect());
        } else if let Some((kind, codec)) =
            attribute.strip_prefix("rtpmap:").and_then(|map| map.split_once(' '))
        {
            let law = match &*codec.trim().to_uppercase() {
                c if c.starts_with("PCMA/8000") => Some(Law::A),
                c if c.starts_with("PCMU/8000") => Some(Law::Mu),
                _ => None,
            };
            if let (Some(law), Ok(kind), None) = (law, kind.parse(), stream.law) {
                stream.law = Some((kind, law));
            }
        }
    }
    streams
}

/// The answer: each stream in its place, taken at the port of `ports` or refused.
pub fn answer(streams: &[Stream], ports: &[Option<u16>], address: &str, version: u64) -> String {
    let family = if address.contains(':') { "IP6" } else { "IP4" };
    let mut sdp = format!(
        "v=0\r\no=shaodian 1 {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n"
    );
    for (stream, port) in streams.iter().zip(ports) {
        let (Some(port), Some((payload_type, law))) = (port, stream.law) else {
            sdp.push_str(&format!("m={} 0 {} {}\r\n", stream.kind, stream.transport, stream.formats));
            continue;
        };
        let codec = if law == Law::A { "PCMA" } else { "PCMU" };
        sdp.push_str(&format!("m=audio {port} {} {payload_type}\r\n", stream.transport));
        sdp.push_str(&format!("a=rtpmap:{payload_type} {codec}/8000\r\na=recvonly\r\n"));
        if let Some(label) = &stream.label {
            sdp.push_str(&format!("a=label:{label}\r\n"));
        }
    }
    sdp
}

/// What metadata tells of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub session: Option<String>,
    /// User part of the address of who sends on a label: a number, not masked yet.
    pub senders: HashMap<String, String>,
}

/// Looks metadata through.
pub fn metadata(xml: &str) -> Metadata {
    let mut found = Metadata::default();
    let (mut numbers, mut labels) = (HashMap::new(), HashMap::new());
    let (mut participant, mut stream, mut sends) = (None, None, Vec::new());
    for element in xml.split('<').skip(1).take(MAX_ELEMENTS) {
        let Some((tag, text)) = element.split_once('>') else { continue };
        let name = tag.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default();
        match name {
            "session" if !tag.starts_with('/') => {
                found.session = found.session.or(attribute(tag, "session_id"));
            }
            "participant" => participant = attribute(tag, "participant_id").or_else(|| attribute(tag, "id")),
            "nameID" => {
                if let (Some(id), Some(user)) =
                    (&participant, attribute(tag, "aor").and_then(|aor| user_of(&aor)))
                {
                    numbers.entry(id.clone()).or_insert(user);
                }
            }
            "stream" => stream = attribute(tag, "stream_id").or_else(|| attribute(tag, "id")),
            "label" if !text.trim().is_empty() => {
                if let Some(id) = stream.take() {
                    labels.insert(id, text.trim().to_owned());
                }
            }
            "participantstreamassoc" => participant = attribute(tag, "participant_id"),
            "send" if !text.trim().is_empty() => {
                sends.extend(participant.clone().map(|id| (id, text.trim().to_owned())));
            }
            _ => {}
        }
    }
    for (participant, stream) in sends {
        if let (Some(label), Some(number)) = (labels.get(&stream), numbers.get(&participant)) {
            found.senders.insert(label.clone(), number.clone());
        }
    }
    found
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let at = tag.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = tag[..*at].chars().next_back();
        before.is_some_and(char::is_whitespace) && tag[at + name.len()..].trim_start().starts_with('=')
    })?;
    let value = tag[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c))?;
    value[1..].split(quote).next().map(|v| v.chars().take(256).collect())
}

/// `sip:13812341234@host;…` or `tel:+86…`.
fn user_of(address: &str) -> Option<String> {
    let rest = ["sip:", "sips:", "tel:"].iter().find_map(|scheme| address.strip_prefix(scheme))?;
    let user = rest.split(['@', ';', '>']).next()?;
    (!user.is_empty()).then(|| user.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n\
        m=audio 12240 RTP/AVP 0 8 101\r\na=sendonly\r\na=label:1\r\n\
        m=video 12250 RTP/AVP 96\r\na=label:9\r\n\
        m=audio 12242 RTP/AVP 98\r\na=rtpmap:98 PCMA/8000\r\na=sendonly\r\na=label:2\r\n\
        m=audio 12244 RTP/AVP 9\r\nm=audio 12246 RTP/AVP 8\r\na=inactive\r\n";

    const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
        <recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>complete</datamode>
        <session session_id="hVpd7YQgRW2nD22h7q60JQ=="><sipSessionID>ab</sipSessionID></session>
        <participant participant_id="p1"><nameID aor="sip:13812341234@pbx;user=phone"><name>x</name></nameID></participant>
        <participant participant_id="p2"><nameID aor='sip:8001@pbx'/></participant>
        <rs:stream stream_id="s1" session_id="h"><label>1</label></rs:stream>
        <stream session_id="h" stream_id="s2"><label>2</label></stream>
        <participantstreamassoc participant_id="p1"><send>s1</send><recv>s2</recv></participantstreamassoc>
        <participantstreamassoc participant_id="p2"><send>s2</send><recv>s1</recv></participantstreamassoc></recording>"#;

    /// Each stream is answered in its place: the two that can be taken with their labels, the others refused.
    #[test]
    fn answers_an_offer() {
        let streams = streams(SDP);
        let usable: Vec<bool> = streams.iter().map(Stream::usable).collect();
        assert_eq!(usable, [true, false, true, false, false]);
        assert_eq!((streams[0].law, streams[2].law), (Some((0, Law::Mu)), Some((98, Law::A))));
        let ports = [Some(40_000), None, Some(40_002), None, None];
        let said = answer(&streams, &ports, "10.0.0.1", 1);
        let media: Vec<&str> = said.lines().skip(5).collect();
        assert_eq!(
            media,
            [
                "m=audio 40000 RTP/AVP 0",
                "a=rtpmap:0 PCMU/8000",
                "a=recvonly",
                "a=label:1",
                "m=video 0 RTP/AVP 96",
                "m=audio 40002 RTP/AVP 98",
                "a=rtpmap:98 PCMA/8000",
                "a=recvonly",
                "a=label:2",
                "m=audio 0 RTP/AVP 9",
                "m=audio 0 RTP/AVP 8",
            ]
        );
    }

    /// Who sends on which label; prefixes, quotes and order do not matter, nor what is missing.
    #[test]
    fn reads_metadata() {
        let body = format!(
            "--b1\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b1\r\nContent-Type: application/rs-metadata+xml\r\n\
             Content-Disposition: recording-session\r\n\r\n{XML}\r\n--b1--\r\n"
        );
        let parts = parts("multipart/mixed;boundary=\"b1\"", body.as_bytes());
        assert_eq!(streams(&parts.sdp.unwrap()).len(), 5);
        let told = metadata(&parts.metadata.unwrap());
        assert_eq!(told.session.as_deref(), Some("hVpd7YQgRW2nD22h7q60JQ=="));
        assert_eq!((&*told.senders["1"], &*told.senders["2"]), ("13812341234", "8001"));
        for part in XML.split_inclusive('<').collect::<Vec<_>>() {
            let _ = metadata(&XML.replacen(part, "", 1));
        }
        assert_eq!(metadata("no xml"), Metadata::default());
        assert_eq!(super::parts("application/sdp", SDP.as_bytes()).metadata, None);
        assert_eq!(super::parts("multipart/mixed", body.as_bytes()), Parts::default());
    }

    proptest! {
        #[test]
        fn any_text(text in "\\PC{0,200}", kind in "\\PC{0,40}") {
            let _ = (metadata(&text), streams(&text), parts(&kind, text.as_bytes()));
            let _ = metadata(&format!("<participant participant_id=\"{text}"));
        }
    }
}
