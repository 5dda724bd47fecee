//! One file from a server, over as many attempts as it takes.
//!
//! What came stays between attempts and between calls, and is gone on from only where the server says that it is still
//! the same file (`If-Range`). No more is taken than the file is long. Its hash is judged by whoever asked for it.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE, LAST_MODIFIED, RANGE,
};
use reqwest::{Client, Response, StatusCode, Url};

use super::error::SupplyError;
use super::part::{Part, forget};
use super::room;
use crate::hash::Fingerprint;

/// Attempts in a row that bring nothing.
const TRIES: u32 = 5;
/// Where nobody says how long a file is: no model known to work is larger.
const MOST_BYTES: u64 = 2 << 30;
const CONNECT: Duration = Duration::from_secs(20);
/// Without a byte for this long, an attempt has failed.
const SILENCE: Duration = Duration::from_secs(60);

/// What there is to show while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// From an earlier attempt.
    GoesOn {
        from_bytes: u64,
    },
    /// What was there is not gone on from.
    Anew {
        why: &'static str,
    },
    Bytes {
        done: u64,
        total: Option<u64>,
    },
    Waits {
        ms: u64,
        problem: String,
    },
    Unpacks,
}

/// Whence files come.
#[derive(Debug)]
pub struct Way {
    client: Client,
    mirror: Option<Url>,
    silence: Duration,
}

impl Way {
    /// The addresses of the manifest, by `https` alone, or a site's own server that has `NAME/VERSION/FILE`. That one may
    /// speak plain `http`: what vouches for a file is its hash.
    pub fn new(mirror: Option<&str>) -> Result<Self, SupplyError> {
        Self::patient(mirror, SILENCE)
    }

    /// One that waits so long for the next byte.
    pub(super) fn patient(mirror: Option<&str>, silence: Duration) -> Result<Self, SupplyError> {
        let wrong = |why| {
            let url = mirror.unwrap_or_default().to_owned();
            SupplyError::Address { url, why }
        };
        let mirror = match mirror.map(Url::parse) {
            None => None,
            Some(Ok(url)) if ["http", "https"].contains(&url.scheme()) && url.has_host() => Some(url),
            Some(_) => {
                return Err(wrong("a mirror's address begins with http:// or https:// and names a host"));
            }
        };
        let client = Client::builder()
            .user_agent(concat!("shaodian/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .read_timeout(silence)
            .https_only(mirror.is_none())
            .build()
            .map_err(|_| wrong("this machine has no certificates of authorities; install ca-certificates"))?;
        Ok(Self { client, mirror, silence })
    }

    /// Where a model's file is; `public` is the manifest's word.
    pub(super) fn url(
        &self,
        name: &str,
        version: &str,
        file: &str,
        public: Option<&str>,
    ) -> Option<Result<Url, SupplyError>> {
        if let Some(mirror) = &self.mirror {
            let mut url = mirror.clone();
            let mut path = url.path_segments_mut().expect("an address with a host has a path");
            path.pop_if_empty().extend([name, version, file]);
            drop(path);
            return Some(Ok(url));
        }
        public.map(|public| match Url::parse(public) {
            Ok(url) if url.scheme() == "https" => Ok(url),
            _ => Err(SupplyError::Address { url: public.to_owned(), why: "it does not begin with https://" }),
        })
    }
}

/// Why an attempt ended.
enum Ended {
    /// The same again later may help.
    Broken(String),
    Never(SupplyError),
}

impl From<SupplyError> for Ended {
    fn from(error: SupplyError) -> Self {
        Self::Never(error)
    }
}

/// Fetches `url` to `path` and says what it is. `size_bytes` where it is known; `pause` waits between two attempts.
pub(super) async fn download(
    way: &Way,
    url: &Url,
    path: &Path,
    size_bytes: Option<u64>,
    pause: &impl AsyncFn(Duration),
    on: &mut impl FnMut(Event),
) -> Result<Fingerprint, SupplyError> {
    let mut part = Part::open(path, url.as_str())?;
    let mut idle = 0;
    loop {
        let before = part.size_bytes();
        let problem = match attempt(way, url, path, &mut part, size_bytes, on).await {
            Ok(()) => return part.finish(),
            Err(Ended::Never(error)) => {
                // What is no use is not gone on from.
                if matches!(error, SupplyError::Size { .. }) || part.size_bytes() == 0 {
                    forget(path);
                }
                return Err(error);
            }
            Err(Ended::Broken(problem)) => problem,
        };
        idle = if part.size_bytes() > before { 1 } else { idle + 1 };
        if idle >= TRIES {
            let kept_bytes = if part.validator().is_some() { part.size_bytes() } else { 0 };
            if kept_bytes == 0 {
                forget(path);
            }
            return Err(SupplyError::Network { url: url.to_string(), problem, tries: idle, kept_bytes });
        }
        let wait = Duration::from_secs(1 << (idle - 1));
        on(Event::Waits { ms: wait.as_millis() as u64, problem });
        pause(wait).await;
    }
}

async fn attempt(
    way: &Way,
    url: &Url,
    path: &Path,
    part: &mut Part,
    size_bytes: Option<u64>,
    on: &mut impl FnMut(Event),
) -> Result<(), Ended> {
    if part.validator().is_none() && part.size_bytes() > 0 {
        on(Event::Anew { why: "the server does not say what it was that came" });
        part.empty()?;
    }
    let mut request = way.client.get(url.clone()).header(ACCEPT_ENCODING, "identity");
    if let Some(validator) = part.validator() {
        request = request.header(RANGE, format!("bytes={}-", part.size_bytes())).header(IF_RANGE, validator);
    }
    let mut response = request.send().await.map_err(|error| refused_or_broken(way, url, &error))?;
    let total = match response.status() {
        StatusCode::PARTIAL_CONTENT => match goes_on(&response, part) {
            Some(total) => {
                on(Event::GoesOn { from_bytes: part.size_bytes() });
                total
            }
            None => {
                part.empty()?;
                return Err(Ended::Broken("the server sent another part than was asked for".to_owned()));
            }
        },
        StatusCode::OK => {
            if part.size_bytes() > 0 {
                on(Event::Anew {
                    why: "the server sends it from the beginning: it has changed, or parts cannot be had",
                });
            }
            part.empty()?;
            part.comes_as(validator(response.headers()))?;
            response.content_length()
        }
        StatusCode::RANGE_NOT_SATISFIABLE if part.size_bytes() > 0 => {
            // Finished, and cut off before that was noticed, or another file by now.
            part.empty()?;
            return Err(Ended::Broken("the server no longer has the part that was asked for".to_owned()));
        }
        status => return Err(status_of(url, status)),
    };
    if let (Some(expected), Some(total)) = (size_bytes, total)
        && expected != total
    {
        return Err(wrong_size(url, expected, total.to_string()));
    }
    let most = size_bytes.or(total).unwrap_or(MOST_BYTES).min(size_bytes.unwrap_or(MOST_BYTES));
    let folder = path.parent().expect("a part lies in a folder");
    room::check(
        folder,
        url.path_segments().and_then(|mut s| s.next_back()).unwrap_or("it"),
        most_left(most, part, total),
    )?;
    loop {
        let bytes = match response.chunk().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            Err(error) => return Err(Ended::Broken(way.in_words(&error))),
        };
        if part.size_bytes() + bytes.len() as u64 > most {
            return Err(wrong_size(url, most, "more".to_owned()));
        }
        part.append(&bytes)?;
        on(Event::Bytes { done: part.size_bytes(), total: size_bytes.or(total) });
    }
    match size_bytes.or(total) {
        Some(expected) if part.size_bytes() < expected => {
            Err(wrong_size(url, expected, format!("only {}", part.size_bytes())))
        }
        _ => Ok(()),
    }
}

/// What is still to come, as far as anybody says.
fn most_left(most: u64, part: &Part, total: Option<u64>) -> u64 {
    total.map_or(if most == MOST_BYTES { 0 } else { most }, |t| t.min(most)).saturating_sub(part.size_bytes())
}

/// Does an answer go on from where the part ends, and is it the same file? Then its whole length, if it says so.
#[expect(clippy::option_option, reason = "whether, and how long")]
fn goes_on(response: &Response, part: &Part) -> Option<Option<u64>> {
    let range = text(response.headers(), &CONTENT_RANGE)?;
    let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    let from: u64 = span.split_once('-')?.0.parse().ok()?;
    let same = text(response.headers(), &ETAG)
        .filter(|tag| !tag.starts_with("W/"))
        .is_none_or(|tag| part.validator().is_some_and(|v| v == tag || !v.starts_with('"')));
    (from == part.size_bytes() && from > 0 && same).then(|| total.parse().ok())
}

/// What `If-Range` takes: a strong ETag, else the date of the last change.
fn validator(headers: &HeaderMap) -> Option<String> {
    let strong = text(headers, &ETAG).filter(|tag| tag.starts_with('"'));
    strong.or_else(|| text(headers, &LAST_MODIFIED))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn wrong_size(url: &Url, expected: u64, found: String) -> Ended {
    Ended::Never(SupplyError::Size { what: url.to_string(), expected, found })
}

fn status_of(url: &Url, status: StatusCode) -> Ended {
    if status.is_server_error() || [408, 425, 429].contains(&status.as_u16()) {
        return Ended::Broken(format!("it answers {status}"));
    }
    let advice = match status.as_u16() {
        404 | 410 => {
            "it is not there; a mirror has NAME/VERSION/FILE, and what a newer version fetches may lie elsewhere"
        }
        401 | 403 | 407 => "it wants to know who asks; is there a proxy in between (HTTPS_PROXY)?",
        _ => "nothing can be done about that from here; import the model (`edge-agent models import DIR`)",
    };
    Ended::Never(SupplyError::Status { url: url.to_string(), status: status.as_u16(), advice })
}

fn refused_or_broken(way: &Way, url: &Url, error: &reqwest::Error) -> Ended {
    if error.is_builder() || error.is_redirect() {
        let why =
            "it leads where this program does not go: to an address without https, or round in a circle";
        return Ended::Never(SupplyError::Address { url: url.to_string(), why });
    }
    Ended::Broken(way.in_words(error))
}

impl Way {
    /// The chain of causes, each once: the outermost says little. The address is told by whoever shows it.
    fn in_words(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return if error.is_connect() {
                format!("no connection within {} s", CONNECT.as_secs())
            } else {
                format!("the server has gone silent: not a byte came for {} s", self.silence.as_secs_f32())
            };
        }
        let mut words: Vec<String> = Vec::new();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
        while let Some(error) = cause {
            let said = error.to_string();
            if !words.contains(&said) {
                words.push(said);
            }
            cause = error.source();
        }
        if words.is_empty() { "the connection failed".to_owned() } else { words.join(": ") }
    }
}
