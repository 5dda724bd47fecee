//! `multipart/form-data` as browsers send it (RFC 7578), one part after another, so that no more than one file lies in memory.
//!
//! Deliberately absent: nested parts, transfer encodings and names in other character sets, which no browser sends.

use axum::body::{Body, BodyDataStream, Bytes};
use bytes::BytesMut;
use futures_util::StreamExt as _;

/// Longest headers of one part.
const MOST_HEAD: usize = 4 << 10;
/// Longest boundary (RFC 2046).
const MOST_BOUNDARY: usize = 70;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::web) enum Broken {
    #[error("the form ends too early")]
    Ends,
    #[error("the form is not written as forms are")]
    Odd,
    #[error("the form is too large")]
    Large,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Head {
    pub(in crate::web) name: String,
    pub(in crate::web) is_file: bool,
    /// What the file is called on its owner's machine; empty where it is none.
    pub(in crate::web) file_name: String,
}

/// The content of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) enum Content {
    Whole(Bytes),
    /// Longer than was asked for; it was read past.
    TooLong,
}

pub(in crate::web) struct Parts {
    body: BodyDataStream,
    buffer: BytesMut,
    /// CR, LF, two hyphens and the boundary.
    delimiter: Vec<u8>,
    /// Bytes that may still come.
    left: u64,
    begun: bool,
}

/// The boundary that a `Content-Type` names; nothing for another kind of body.
pub(in crate::web) fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = rest.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
    })?;
    (1..=MOST_BOUNDARY).contains(&value.len()).then_some(value)
}

impl Parts {
    pub(in crate::web) fn new(body: Body, boundary: &str, most_bytes: u64) -> Self {
        // The first delimiter stands at the beginning, without the line's end before it.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Self { body: body.into_data_stream(), buffer, delimiter, left: most_bytes, begun: false }
    }

    /// What the next part is; its content is to be read before the one after it.
    pub(in crate::web) async fn next(&mut self) -> Result<Option<Head>, Broken> {
        if !self.begun {
            self.begun = true;
            if matches!(self.until_delimiter(MOST_HEAD).await?, Content::TooLong) {
                return Err(Broken::Odd);
            }
        }
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        match &self.buffer.split_to(2)[..] {
            b"--" => return Ok(None),
            b"\r\n" => {}
            _ => return Err(Broken::Odd),
        }
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n", 0) {
                break at;
            }
            if self.buffer.len() > MOST_HEAD {
                return Err(Broken::Odd);
            }
            self.more().await?;
        };
        let head = self.buffer.split_to(end + 4);
        head_of(&String::from_utf8_lossy(&head)).map(Some).ok_or(Broken::Odd)
    }

    /// The content of the part whose head was read.
    pub(in crate::web) async fn content(&mut self, most: usize) -> Result<Content, Broken> {
        self.until_delimiter(most).await
    }

    /// The next piece of the content of the part whose head was read, for what is too large to lie in memory; nothing at
    /// its end.
    pub(in crate::web) async fn piece(&mut self) -> Result<Option<Bytes>, Broken> {
        loop {
            if let Some(at) = find(&self.buffer, &self.delimiter, 0) {
                if at > 0 {
                    return Ok(Some(self.buffer.split_to(at).freeze()));
                }
                let _ = self.buffer.split_to(self.delimiter.len());
                return Ok(None);
            }
            // A delimiter may have begun at the end.
            let sure = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.more().await?;
        }
    }

    async fn until_delimiter(&mut self, most: usize) -> Result<Content, Broken> {
        let (mut searched, mut is_long) = (0, false);
        loop {
            if let Some(at) = find(&self.buffer, &self.delimiter, searched) {
                let content = self.buffer.split_to(at).freeze();
                let _ = self.buffer.split_to(self.delimiter.len());
                let fits = !is_long && content.len() <= most;
                return Ok(if fits { Content::Whole(content) } else { Content::TooLong });
            }
            // A delimiter may have begun at the end.
            searched = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
            if searched > most {
                is_long = true;
                let _ = self.buffer.split_to(searched);
                searched = 0;
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), Broken> {
        let chunk = self.body.next().await.ok_or(Broken::Ends)?.map_err(|_| Broken::Ends)?;
        self.left = self.left.checked_sub(chunk.len() as u64).ok_or(Broken::Large)?;
        self.buffer.extend_from_slice(&chunk);
        Ok(())
    }
}

/// Where `needle` begins in `hay`, looked for from `from` on.
fn find(hay: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at + needle.len() <= hay.len() {
        at += hay[at..].iter().position(|byte| *byte == needle[0])?;
        if hay[at..].starts_with(needle) {
            return Some(at);
        }
        at += 1;
    }
    None
}

fn head_of(head: &str) -> Option<Head> {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let mut lines = lines.filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"));
    let (_, value) = lines.next()?;
    if !value.trim_start().get(..9)?.eq_ignore_ascii_case("form-data") {
        return None;
    }
    let quoted = |parameter: &str| {
        let (_, rest) = value.split_once(&format!("; {parameter}=\""))?;
        rest.split_once('"').map(|(text, _)| text.to_owned())
    };
    let file = quoted("filename");
    Some(Head { name: quoted("name")?, is_file: file.is_some(), file_name: file.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--b0\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nabc\r\n\
        --b0\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n\r\n--b\r\nx\r\n\
        --b0\r\ncontent-disposition: form-data; name=\"picture\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\
        0123456789\r\n--b0--\r\n";

    /// A body that comes in pieces of so many bytes.
    fn pieces(text: &str, size: usize) -> Body {
        let all: Vec<Result<Bytes, std::convert::Infallible>> =
            text.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Body::from_stream(futures_util::stream::iter(all))
    }

    async fn read(text: &str, size: usize, most: usize) -> Result<Vec<(Head, Content)>, Broken> {
        let mut parts = Parts::new(pieces(text, size), "b0", 1_000);
        let mut all = Vec::new();
        while let Some(head) = parts.next().await? {
            let content = parts.content(most).await?;
            all.push((head, content));
        }
        Ok(all)
    }

    /// The same parts come out however the bytes arrive; what looks like a boundary and is none is content.
    #[tokio::test]
    async fn parts_in_any_pieces() {
        for size in 1..=FORM.len() {
            let all = read(FORM, size, 100).await.unwrap();
            let told: Vec<_> = all.iter().map(|(head, _)| (head.name.as_str(), head.is_file)).collect();
            assert_eq!(told, [("csrf", false), ("note", false), ("picture", true)], "{size}");
            let texts: Vec<_> = all.into_iter().map(|(_, content)| content).collect();
            let whole = |text: &'static str| Content::Whole(Bytes::from_static(text.as_bytes()));
            assert_eq!(texts, [whole("abc"), whole("\r\n--b\r\nx"), whole("0123456789")], "{size}");
        }
    }

    /// Read in pieces, a part is the same; what follows it is read as ever.
    #[tokio::test]
    async fn parts_come_in_pieces() {
        for size in 1..=FORM.len() {
            let mut parts = Parts::new(pieces(FORM, size), "b0", 1_000);
            let mut all = Vec::new();
            while let Some(head) = parts.next().await.unwrap() {
                let mut content = Vec::new();
                while let Some(piece) = parts.piece().await.unwrap() {
                    content.extend_from_slice(&piece);
                }
                all.push((head.file_name, String::from_utf8(content).unwrap()));
            }
            let told: Vec<_> = all.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
            assert_eq!(told, [("", "abc"), ("", "\r\n--b\r\nx"), ("a.jpg", "0123456789")], "{size}");
        }
    }

    /// What is too long is read past, and what follows is read; a body that ends early, or is no form, is refused.
    #[tokio::test]
    async fn bounds_hold() {
        for size in [1, 7, FORM.len()] {
            let all = read(FORM, size, 7).await.unwrap();
            assert_eq!(all[0].1, Content::Whole(Bytes::from_static(b"abc")));
            assert_eq!((&all[1].1, &all[2].1), (&Content::TooLong, &Content::TooLong), "{size}");
        }
        for end in [0, 3, 30, 60, FORM.len() - 6] {
            assert_eq!(read(&FORM[..end], 5, 100).await, Err(Broken::Ends), "{end}");
        }
        for odd in ["--b0 x", "--b0\r\nContent-Type: x\r\n\r\nx\r\n--b0--", &"x".repeat(9_000)] {
            let refused = read(odd, 64, 100).await.unwrap_err();
            assert!(refused != Broken::Ends, "{refused}");
        }
        assert_eq!(read(&"x".repeat(1_001), 64, 5_000).await, Err(Broken::Large));
    }

    #[test]
    fn boundaries() {
        let of = |text: &str| boundary(text);
        assert_eq!(of("multipart/form-data; boundary=----x1").as_deref(), Some("----x1"));
        assert_eq!(of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b\"").as_deref(), Some("a b"));
        for other in
            ["application/x-www-form-urlencoded", "multipart/form-data", "multipart/mixed; boundary=x"]
        {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(of(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
    }
}
