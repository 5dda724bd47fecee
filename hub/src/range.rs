//! Parts of files over HTTP (RFC 9110, `Range`): one stretch of bytes; whatever else is asked for is answered with the whole.

use std::io;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, SeekFrom};
use tokio_util::io::ReaderStream;

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// Why a part is not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RangeError {
    #[error("the file has {0} bytes")]
    Outside(u64),
    #[error("reading the file: {0}")]
    Io(#[from] io::Error),
}

/// A file of this size, or the part of it that is asked for.
pub(crate) async fn send(mut file: File, size: u64, range: Option<&str>) -> Result<Response, RangeError> {
    let Some(part) = range.map(|range| parse(range, size)) else {
        return Ok(whole(file, size));
    };
    let (first, last) = match part {
        Part::Whole => return Ok(whole(file, size)),
        Part::None => return Err(RangeError::Outside(size)),
        Part::Bytes(first, last) => (first, last),
    };
    file.seek(SeekFrom::Start(first)).await?;
    let length = last - first + 1;
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK));
    let range = format!("bytes {first}-{last}/{size}");
    let headers = [
        (header::CONTENT_RANGE, HeaderValue::from_str(&range).expect("digits are a header value")),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    Ok((StatusCode::PARTIAL_CONTENT, headers, body).into_response())
}

fn whole(file: File, size: u64) -> Response {
    let body = Body::from_stream(ReaderStream::with_capacity(file, CHUNK));
    ([(header::CONTENT_LENGTH, HeaderValue::from(size))], body).into_response()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Not a range we understand: RFC 9110 says to send everything.
    Whole,
    /// First and last byte, both included.
    Bytes(u64, u64),
    /// Outside the file.
    None,
}

fn parse(text: &str, size: u64) -> Part {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|spec| spec.split_once('-')) else {
        return Part::Whole;
    };
    if last.contains(',') {
        return Part::Whole;
    }
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), _) if first >= size => Part::None,
        (Ok(first), Ok(last)) if last < first => Part::Whole,
        (Ok(first), Ok(last)) => Part::Bytes(first, last.min(size - 1)),
        (Ok(first), Err(_)) if last.trim().is_empty() => Part::Bytes(first, size - 1),
        (Err(_), Ok(0)) if first.trim().is_empty() => Part::None,
        (Err(_), Ok(tail)) if first.trim().is_empty() && size > 0 => {
            Part::Bytes(size.saturating_sub(tail), size - 1)
        }
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranges by RFC 9110, including what players ask for first.
    #[test]
    fn ranges_by_table() {
        for (text, part) in [
            ("bytes=0-", Part::Bytes(0, 99)),
            ("bytes=0-1", Part::Bytes(0, 1)),
            ("bytes=90-200", Part::Bytes(90, 99)),
            ("bytes=-10", Part::Bytes(90, 99)),
            ("bytes=-200", Part::Bytes(0, 99)),
            ("bytes=100-", Part::None),
            ("bytes=-0", Part::None),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("items=0-1", Part::Whole),
            ("bytes=a-b", Part::Whole),
        ] {
            assert_eq!(parse(text, 100), part, "{text}");
        }
        assert_eq!(parse("bytes=0-", 0), Part::None);
    }
}
