//! SIP messages (RFC 3261), as far as a recording server needs them: requests in, answers out. Pure.
//!
//! Lenient in what it reads: bare line feeds, folded and short headers, any order. What cannot be answered is an error.
//! Deliberately absent: everything that a user agent client does.

/// Of one message, headers and body together.
pub const MAX_BYTES: usize = 64 * 1_024;
const MAX_HEADERS: usize = 128;

/// Headers with a short form.
const SHORT: [(&str, &str); 9] = [
    ("v", "via"),
    ("f", "from"),
    ("t", "to"),
    ("i", "call-id"),
    ("m", "contact"),
    ("l", "content-length"),
    ("c", "content-type"),
    ("k", "supported"),
    ("e", "content-encoding"),
];

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Names in lower case and long, in order.
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// More bytes may make it one.
    #[error("the message is not whole")]
    Short,
    /// An answer to something that we never asked.
    #[error("an answer, not a request")]
    Answer,
    /// Nobody to answer to.
    #[error("no SIP request: {0}")]
    Request(&'static str),
}

impl Request {
    /// Reads the first message of `bytes`; how many of them it took. `datagram`: it ends where they end.
    pub fn read(bytes: &[u8], datagram: bool) -> Result<(Self, usize), Wrong> {
        let (head_end, body_start) = end_of_head(bytes).ok_or(if datagram || bytes.len() >= MAX_BYTES {
            Wrong::Request("its headers have no end")
        } else {
            Wrong::Short
        })?;
        let head = std::str::from_utf8(&bytes[..head_end]).map_err(|_| Wrong::Request("it is no text"))?;
        let mut lines = head.split('\n').map(|line| line.trim_end_matches('\r'));
        let start = lines.next().unwrap_or_default();
        if start.starts_with("SIP/2.0 ") {
            return Err(Wrong::Answer);
        }
        let [method, uri, "SIP/2.0"] = start.split(' ').collect::<Vec<_>>()[..] else {
            return Err(Wrong::Request("its first line is not METHOD URI SIP/2.0"));
        };
        let is_method =
            !method.is_empty() && method.len() <= 32 && method.bytes().all(|b| b.is_ascii_uppercase());
        if !is_method || uri.is_empty() {
            return Err(Wrong::Request("its first line is not METHOD URI SIP/2.0"));
        }
        let headers = headers(lines)?;
        let mut request = Self { method: method.to_owned(), headers, body: Vec::new() };
        let rest = &bytes[body_start..];
        let length = match request.header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) if length <= MAX_BYTES => length,
            Some(_) => return Err(Wrong::Request("its Content-Length is no length")),
            None if datagram => rest.len(),
            None => 0,
        };
        if rest.len() < length {
            return Err(if datagram { Wrong::Request("its body is cut off") } else { Wrong::Short });
        }
        request.body = rest[..length].to_vec();
        Ok((request, body_start + length))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What is missing for an answer, or to know whose dialog it is.
    pub fn lacks(&self) -> Option<&'static str> {
        ["via", "from", "to", "call-id", "cseq"].into_iter().find(|name| self.header(name).is_none())
    }

    /// Number and method agree with the request.
    pub fn sequence(&self) -> Option<u32> {
        let (number, method) = self.header("cseq")?.split_once(' ')?;
        (method.trim() == self.method).then(|| number.trim().parse().ok())?
    }

    /// Names the dialog from the caller's side.
    pub fn dialog(&self) -> Option<(String, String)> {
        Some((self.header("call-id")?.to_owned(), tag(self.header("from")?).unwrap_or_default().to_owned()))
    }

    pub fn to_tag(&self) -> Option<&str> {
        tag(self.header("to")?)
    }

    /// Option tags that must be understood and are not.
    pub fn unknown_needs(&self, known: &[&str]) -> Vec<String> {
        let tags =
            self.all("require").flat_map(|value| value.split(',')).map(|tag| tag.trim().to_lowercase());
        tags.filter(|tag| !tag.is_empty() && !known.contains(&&**tag)).collect()
    }

    /// An answer to it. `tag` is ours, where the request has none yet.
    pub fn answer(&self, status: u16, reason: &str, tag: &str, more: &[(&str, &str)], body: &str) -> Vec<u8> {
        let mut text = format!("SIP/2.0 {status} {reason}\r\n");
        for name in ["via", "record-route"] {
            self.all(name).for_each(|value| text.push_str(&format!("{}: {value}\r\n", proper(name))));
        }
        for name in ["from", "to", "call-id", "cseq"] {
            let Some(value) = self.header(name) else { continue };
            let tagged = name == "to" && status > 100 && self.to_tag().is_none();
            let own = if tagged { format!(";tag={tag}") } else { String::new() };
            text.push_str(&format!("{}: {value}{own}\r\n", proper(name)));
        }
        more.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
        text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        text.into_bytes()
    }
}

fn proper(name: &str) -> &str {
    match name {
        "via" => "Via",
        "record-route" => "Record-Route",
        "from" => "From",
        "to" => "To",
        "call-id" => "Call-ID",
        _ => "CSeq",
    }
}

fn end_of_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    let crlf = bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|at| (at, at + 4));
    let bare = bytes.windows(2).position(|w| w == b"\n\n").map(|at| (at, at + 2));
    [crlf, bare].into_iter().flatten().min()
}

fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<(String, String)>, Wrong> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
            continue;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        if headers.len() >= MAX_HEADERS {
            return Err(Wrong::Request("it has too many headers"));
        }
        let name = name.trim().to_lowercase();
        let long = SHORT.iter().find(|(short, _)| *short == name).map_or(name.as_str(), |(_, long)| long);
        headers.push((long.to_owned(), value.trim().to_owned()));
    }
    Ok(headers)
}

fn tag(value: &str) -> Option<&str> {
    // Behind the address: a URI may have parameters of its own.
    let behind = value.rsplit_once('>').map_or(value, |(_, behind)| behind);
    behind.split(';').find_map(|part| part.trim().strip_prefix("tag="))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INVITE: &str = "INVITE sip:rec@10.0.0.1 SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1\r\n\
        Via: SIP/2.0/UDP 10.0.0.6;branch=z9hG4bK0\r\nFrom: \"a\" <sip:src@10.0.0.5;tag=no>;tag=f1\r\nTo: <sip:rec@10.0.0.1>\r\n\
        i: abc@pbx\r\nCSeq: 1 INVITE\r\nRequire: siprec\r\nSubject: folded\r\n  line\r\nl: 4\r\n\r\nbodyrest";

    /// Short, folded and repeated headers; the body ends where it says; an answer takes all that belongs into it.
    #[test]
    fn reads_and_answers() {
        let (request, taken) = Request::read(INVITE.as_bytes(), false).unwrap();
        assert_eq!((&*request.method, &request.body[..], taken), ("INVITE", &b"body"[..], INVITE.len() - 4));
        assert_eq!(request.header("subject"), Some("folded line"));
        assert_eq!((request.lacks(), request.sequence()), (None, Some(1)));
        assert_eq!(request.dialog(), Some(("abc@pbx".into(), "f1".into())));
        assert_eq!((request.to_tag(), request.unknown_needs(&["siprec"])), (None, vec![]));
        assert_eq!(request.unknown_needs(&[]), ["siprec"]);
        let answer =
            String::from_utf8(request.answer(200, "OK", "ours", &[("Contact", "<sip:x>")], "v=0")).unwrap();
        let want = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1\r\n\
            Via: SIP/2.0/UDP 10.0.0.6;branch=z9hG4bK0\r\nFrom: \"a\" <sip:src@10.0.0.5;tag=no>;tag=f1\r\n\
            To: <sip:rec@10.0.0.1>;tag=ours\r\nCall-ID: abc@pbx\r\nCSeq: 1 INVITE\r\nContact: <sip:x>\r\n\
            Content-Length: 3\r\n\r\nv=0";
        assert_eq!(answer, want);
    }

    /// Of every cut the rest is waited for on a connection, and refused in a datagram.
    #[test]
    fn cut_anywhere() {
        let whole = INVITE.len() - 4;
        for at in 0..whole {
            assert_eq!(Request::read(&INVITE.as_bytes()[..at], false), Err(Wrong::Short), "{at}");
            assert!(matches!(Request::read(&INVITE.as_bytes()[..at], true), Err(Wrong::Request(_))), "{at}");
        }
        let wrong = [
            "",
            "\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "INVITE SIP/2.0\r\n\r\n",
            "INVITE a SIP/2.0\r\nl: -1\r\n\r\n",
        ];
        for text in wrong {
            assert!(matches!(Request::read(text.as_bytes(), true), Err(Wrong::Request(_))), "{text:?}");
        }
        assert_eq!(Request::read(b"SIP/2.0 200 OK\r\n\r\n", true), Err(Wrong::Answer));
        let many = format!("BYE a SIP/2.0\r\n{}\r\n", "x: y\r\n".repeat(MAX_HEADERS + 1));
        assert_eq!(Request::read(many.as_bytes(), true), Err(Wrong::Request("it has too many headers")));
        let endless = vec![b'a'; MAX_BYTES];
        assert!(matches!(Request::read(&endless, false), Err(Wrong::Request(_))));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Request::read(&bytes, true);
        }
    }
}
