//! Reading the form of somebody who is not known: its texts, and its pictures one after another. What was read stays, whatever
//! stops the rest, so that it can be given back.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, header};
use tokio::sync::Semaphore;

use super::Browser;
use crate::app::App;
use crate::ask::MOST_PICTURES;
use crate::attachment::{self, AttachmentError};
use crate::db;
use crate::evidence::UploadError;
use crate::web::guard::{Fields, same};
use crate::web::moves::multipart::{Broken, Content, Parts as FormParts, boundary};
use crate::web::text::Lang;

/// All texts of a form together: 2,000 Chinese characters and the rest.
const MOST_TEXT_BYTES: usize = 32 << 10;
const MOST_PARTS: usize = 40;
/// Largest picture of somebody who is not known.
const MOST_PICTURE_BYTES: usize = 5 << 20;
/// Pictures that are too large, or too many, are read past, so that the rest of their form is known.
const MOST_BYTES: u64 = 64 << 20;
/// Forms that are read at once: each has a picture in memory.
static READING: Semaphore = Semaphore::const_new(4);
/// Forms whose texts are read at once only to be given back.
static GIVING_BACK: Semaphore = Semaphore::const_new(4);
/// A line that takes longer for one part is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// So is a whole form: few are read at once, and a slow line must not keep others out for long.
const WHOLE: Duration = Duration::from_secs(300);
/// And one that is refused already.
const BRIEF: Duration = Duration::from_secs(30);

/// What a form brought.
#[derive(Default)]
pub(super) struct Read {
    pub(super) fields: Fields,
    /// Ids of pictures: those that waited already, then those that came with it.
    pub(super) pictures: Vec<String>,
    /// What tells each of them from others.
    pub(super) marks: Vec<String>,
    /// What is wrong with others.
    pub(super) problems: Vec<String>,
    /// Sent again it is the same form: whether it was taken is not known.
    pub(super) is_same: bool,
}

/// Why a form is not read.
pub(super) enum Unread {
    /// It lay on another site's page, its page has expired, or there is no cookie.
    Foreign,
    Large,
    Odd,
    /// The hub's own fault; `true`: it may go better later.
    Failed(bool, String),
}

impl Unread {
    pub(super) fn failed(error: &db::Error) -> Self {
        Self::Failed(db::is_transient(error), format!("database: {error}"))
    }
}

/// What came of it, and why no more.
pub(super) async fn read(app: &App, browser: &Browser, kind: &str, body: Body) -> (Read, Option<Unread>) {
    let mut found = Read::default();
    let mut pairs = Vec::new();
    let whole = tokio::time::timeout(WHOLE, take(app, browser, (kind, body), &mut pairs, &mut found)).await;
    let stopped = whole.unwrap_or(Err(Unread::Odd)).err();
    found.fields = Fields::of(pairs);
    if !is_ours(&found.fields, browser) {
        // Cut off before its token came, or a stranger's.
        return (found, Some(stopped.unwrap_or(Unread::Foreign)));
    }
    let waiting = waiting(&found.fields);
    found.marks.splice(0..0, waiting.iter().cloned());
    found.pictures.splice(0..0, waiting);
    (found, stopped)
}

/// Only the texts of a form that is refused already; its pictures are read past and nothing is kept. Of strangers' forms, and
/// while too many others are read like this, there is nothing.
pub(super) async fn to_give_back(browser: &Browser, headers: &HeaderMap, body: Body) -> Read {
    let Ok(_turn) = GIVING_BACK.try_acquire() else { return Read::default() };
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut pairs = Vec::new();
    // What came in that time is given back.
    let _ = tokio::time::timeout(BRIEF, texts(kind, body, &mut pairs)).await;
    let fields = Fields::of(pairs);
    if is_ours(&fields, browser) {
        return Read { pictures: waiting(&fields), fields, ..Read::default() };
    }
    // Its token is gone with the cookie: the browser's word on where the form lay is what is left.
    if is_from_here(headers) { Read { fields, ..Read::default() } } else { Read::default() }
}

/// Whether the browser says that the form lay on a page of this hub.
pub(super) fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let origin = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    origin.zip(text(header::HOST)).is_some_and(|((_, origin), host)| origin == host)
}

fn is_ours(fields: &Fields, browser: &Browser) -> bool {
    same(fields.get("csrf"), &browser.token)
}

/// Pictures of an earlier try.
fn waiting(fields: &Fields) -> Vec<String> {
    let named = fields.pairs().iter().filter(|(name, value)| name == "attachment" && !value.is_empty());
    named.map(|(_, id)| id.clone()).take(MOST_PICTURES + 1).collect()
}

async fn texts(kind: &str, body: Body, pairs: &mut Vec<(String, String)>) {
    let Some(boundary) = boundary(kind) else {
        if let Ok(bytes) = to_bytes(body, MOST_TEXT_BYTES).await {
            pairs.extend_from_slice(Fields::parse(&bytes).pairs());
        }
        return;
    };
    let (mut parts, mut left) = (FormParts::new(body, &boundary, MOST_BYTES), MOST_TEXT_BYTES);
    for _ in 0..MOST_PARTS {
        let Ok(Some(head)) = parts.next().await else { return };
        let Ok(content) = parts.content(if head.is_file { 0 } else { left }).await else { return };
        if let (Content::Whole(bytes), false) = (content, head.is_file) {
            left -= bytes.len();
            pairs.push((head.name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

async fn take(
    app: &App,
    browser: &Browser,
    (kind, body): (&str, Body),
    pairs: &mut Vec<(String, String)>,
    found: &mut Read,
) -> Result<(), Unread> {
    let turn = READING.acquire().await;
    let _turn = turn.map_err(|error| Unread::Failed(false, error.to_string()))?;
    let Some(boundary) = boundary(kind) else {
        let bytes = tokio::time::timeout(PATIENCE, to_bytes(body, MOST_TEXT_BYTES)).await;
        let bytes = bytes.map_err(|_| Unread::Odd)?.map_err(|_| Unread::Large)?;
        pairs.extend_from_slice(Fields::parse(&bytes).pairs());
        return Ok(());
    };
    in_parts(app, browser, FormParts::new(body, &boundary, MOST_BYTES), pairs, found).await
}

async fn in_parts(
    app: &App,
    browser: &Browser,
    mut parts: FormParts,
    pairs: &mut Vec<(String, String)>,
    found: &mut Read,
) -> Result<(), Unread> {
    let lang = browser.preferences.lang;
    let broken = |broken| match broken {
        Broken::Large => Unread::Large,
        Broken::Ends | Broken::Odd => Unread::Odd,
    };
    let (mut text_bytes, mut is_long) = (0, false);
    for _ in 0..MOST_PARTS {
        let next = tokio::time::timeout(PATIENCE, parts.next()).await.map_err(|_| Unread::Odd)?;
        let Some(head) = next.map_err(broken)? else {
            return if is_long { Err(Unread::Large) } else { Ok(()) };
        };
        let most = if head.is_file { MOST_PICTURE_BYTES } else { MOST_TEXT_BYTES - text_bytes };
        // Nothing of a stranger's form is kept: its token stands before its files.
        if head.is_file && !is_ours(&Fields::of(pairs.clone()), browser) {
            return Err(Unread::Foreign);
        }
        let content = tokio::time::timeout(PATIENCE, parts.content(most)).await.map_err(|_| Unread::Odd)?;
        match content.map_err(broken)? {
            // A field in which nothing was chosen comes as an empty file.
            Content::Whole(bytes) if head.is_file && bytes.is_empty() => {}
            Content::Whole(bytes) if head.is_file => {
                let waiting = pairs.iter().filter(|(name, _)| name == "attachment").count();
                if waiting + found.pictures.len() >= MOST_PICTURES {
                    note(&mut found.problems, lang.ask_wrong_many());
                    continue;
                }
                picture(app, browser, bytes.into(), found, lang).await?;
            }
            Content::Whole(bytes) => {
                text_bytes += bytes.len();
                pairs.push((head.name, String::from_utf8_lossy(&bytes).into_owned()));
            }
            Content::TooLong if head.is_file => note(&mut found.problems, lang.ask_wrong_large()),
            // The others are given back.
            Content::TooLong => is_long = true,
        }
    }
    Err(Unread::Large)
}

/// Says it once.
fn note(problems: &mut Vec<String>, word: &str) {
    if !problems.iter().any(|told| told == word) {
        problems.push(word.to_owned());
    }
}

/// Takes a picture in, as those of people who are logged in are. One that cannot be taken is told of; the texts are kept.
async fn picture(
    app: &App,
    browser: &Browser,
    bytes: Vec<u8>,
    read: &mut Read,
    lang: Lang,
) -> Result<(), Unread> {
    match attachment::take_in(app, &browser.user(), bytes).await {
        Ok(taken) => {
            read.marks.push(taken.sha256);
            read.pictures.push(taken.attachment_id);
        }
        Err(AttachmentError::Picture(_)) => note(&mut read.problems, lang.move_picture_unknown()),
        Err(AttachmentError::TooMany) => note(&mut read.problems, lang.ask_wrong_many()),
        Err(AttachmentError::File(UploadError::Full)) => note(&mut read.problems, lang.move_picture_full()),
        Err(AttachmentError::Db(error) | AttachmentError::File(UploadError::Db(error))) => {
            return Err(Unread::failed(&error));
        }
        Err(error) => return Err(Unread::Failed(false, error.to_string())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A browser that says nothing of where the form lay, or names another host, gets nothing back.
    #[test]
    fn whose_form_it_is() {
        let here = |pairs: &[(&'static str, &'static str)]| {
            let mut all = HeaderMap::new();
            for (name, value) in pairs {
                all.insert(*name, header::HeaderValue::from_static(value));
            }
            is_from_here(&all)
        };
        assert!(here(&[("sec-fetch-site", "same-origin")]));
        assert!(here(&[("origin", "http://hub.example:8080"), ("host", "hub.example:8080")]));
        for other in [
            &[][..],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")],
            &[("origin", "http://evil.example"), ("host", "hub.example")],
            &[("origin", "null"), ("host", "hub.example")],
        ] {
            assert!(!here(other), "{other:?}");
        }
    }
}
