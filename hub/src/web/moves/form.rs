//! A form of a move, with or without pictures: the session's CSRF token comes before everything else, a picture is taken in
//! as soon as it is here, and waits for the move that it came with.

use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use super::multipart::{Broken, Content, Head, Parts, boundary};
use crate::app::App;
use crate::attachment::picture::PictureError;
use crate::attachment::{self, AttachmentError, MAX_BYTES, MOST_NAMED};
use crate::evidence::UploadError;
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer, cross_site, same};
use crate::web::text::Lang;

/// All texts of a form together.
const MOST_TEXT_BYTES: usize = 256 << 10;
/// Parts of a form: its fields, and the units that somebody may check.
const MOST_PARTS: usize = 512;
/// A form with as many pictures as it takes, each as large as it may be, and its texts.
const MOST_BYTES: u64 = ((MOST_NAMED + 1) * MAX_BYTES) as u64;
/// Pictures that are read at once: each lies in memory, whole.
static READING: Semaphore = Semaphore::const_new(4);
/// A line that takes longer for one part is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// From a logged-in person's own page.
#[derive(Clone, Debug)]
pub(in crate::web) struct MoveForm {
    pub(in crate::web) viewer: Viewer,
    pub(in crate::web) fields: Fields,
    /// Ids of pictures: those that waited already, then those that came with it.
    pub(in crate::web) pictures: Vec<String>,
    /// What was wrong with others, in words.
    pub(in crate::web) problems: Vec<String>,
}

impl FromRequest<App> for MoveForm {
    type Rejection = Response;
    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut head, body) = request.into_parts();
        let viewer = Viewer::from_request_parts(&mut head, app).await?;
        let refused = |error: PageError| error.shown(&viewer).into_response();
        if cross_site(&head.headers) {
            return Err(refused(PageError::Csrf));
        }
        let text_of = |name: header::HeaderName| {
            head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        // Of scripts; forms have it in a field.
        let given = text_of(header::HeaderName::from_static("x-csrf-token"));
        let found = match boundary(&text_of(header::CONTENT_TYPE)) {
            Some(boundary) => {
                let parts = Parts::new(body, &boundary, MOST_BYTES);
                Reader { app, viewer: &viewer, given: &given }.read(parts).await.map_err(refused)?
            }
            None => {
                let Ok(bytes) = to_bytes(body, MOST_TEXT_BYTES).await else {
                    let why = viewer.preferences.lang.input_too_large().to_owned();
                    return Err(refused(PageError::Input(why)));
                };
                Found { pairs: Fields::parse(&bytes).pairs().to_vec(), ..Found::default() }
            }
        };
        let fields = Fields::of(found.pairs);
        if !is_ours(&given, &fields, &viewer) {
            return Err(refused(PageError::Csrf));
        }
        let waiting = fields.pairs().iter().filter(|(name, value)| name == "attachment" && !value.is_empty());
        let pictures = waiting.map(|(_, id)| id.clone()).chain(found.pictures).collect();
        Ok(Self { pictures, problems: found.problems, fields, viewer })
    }
}

fn is_ours(given: &str, fields: &Fields, viewer: &Viewer) -> bool {
    let token = if given.is_empty() { fields.get("csrf") } else { given };
    same(token, &viewer.session.csrf)
}

/// What a form with pictures brought.
#[derive(Default)]
struct Found {
    pairs: Vec<(String, String)>,
    pictures: Vec<String>,
    problems: Vec<String>,
}

struct Reader<'a> {
    app: &'a App,
    viewer: &'a Viewer,
    given: &'a str,
}

impl Reader<'_> {
    async fn read(&self, mut parts: Parts) -> Result<Found, PageError> {
        let lang = self.viewer.preferences.lang;
        let late = || PageError::Input(lang.input_unreadable().to_owned());
        let (mut found, mut text_bytes, mut count) = (Found::default(), 0, 0);
        loop {
            let next = tokio::time::timeout(PATIENCE, parts.next()).await.map_err(|_| late())?;
            let Some(head) = next.map_err(|broken| self.broken(broken))? else { return Ok(found) };
            count += 1;
            if count > MOST_PARTS {
                return Err(PageError::Input(lang.input_too_large().to_owned()));
            }
            if head.is_file {
                self.picture(&mut parts, &mut found).await?;
                continue;
            }
            let most = MOST_TEXT_BYTES - text_bytes;
            let content = tokio::time::timeout(PATIENCE, parts.content(most)).await.map_err(|_| late())?;
            let Content::Whole(text) = content.map_err(|broken| self.broken(broken))? else {
                return Err(PageError::Input(lang.input_too_large().to_owned()));
            };
            text_bytes += text.len();
            let Head { name, .. } = head;
            found.pairs.push((name, String::from_utf8_lossy(&text).into_owned()));
        }
    }

    /// Takes a picture in. One that cannot be taken is told of; the others and the texts are kept.
    async fn picture(&self, parts: &mut Parts, found: &mut Found) -> Result<(), PageError> {
        let lang = self.viewer.preferences.lang;
        // Nothing of a stranger's form is kept: its token stands before its files.
        if !is_ours(self.given, &Fields::of(found.pairs.clone()), self.viewer) {
            return Err(PageError::Csrf);
        }
        let turn = READING.acquire().await.map_err(|error| PageError::Internal(error.to_string()))?;
        let read = tokio::time::timeout(PATIENCE, parts.content(MAX_BYTES)).await;
        let read = read.map_err(|_| PageError::Input(lang.move_picture_slow().to_owned()))?;
        let bytes = match read.map_err(|broken| self.broken(broken))? {
            // A field in which nothing was chosen comes as an empty file.
            Content::Whole(bytes) if bytes.is_empty() => return Ok(()),
            Content::Whole(bytes) => bytes,
            Content::TooLong => {
                found.problems.push(lang.move_picture_bytes().to_owned());
                return Ok(());
            }
        };
        self.viewer.must(Act::Attach)?;
        let waiting = found.pairs.iter().filter(|(name, _)| name == "attachment").count();
        if waiting + found.pictures.len() >= MOST_NAMED {
            if !found.problems.iter().any(|told| told == lang.move_picture_many()) {
                found.problems.push(lang.move_picture_many().to_owned());
            }
            return Ok(());
        }
        let taken = attachment::take_in(self.app, &self.viewer.session.user, bytes.into()).await;
        drop(turn);
        match taken {
            Ok(attachment) => found.pictures.push(attachment.attachment_id),
            Err(AttachmentError::Db(error) | AttachmentError::File(UploadError::Db(error))) => {
                return Err(error.into());
            }
            Err(error) => found.problems.push(words(&error, lang)?),
        }
        Ok(())
    }

    fn broken(&self, broken: Broken) -> PageError {
        let lang = self.viewer.preferences.lang;
        PageError::Input(
            match broken {
                Broken::Large => lang.input_too_large(),
                Broken::Ends | Broken::Odd => lang.input_unreadable(),
            }
            .to_owned(),
        )
    }
}

/// Why a picture was not taken, for people.
fn words(error: &AttachmentError, lang: Lang) -> Result<String, PageError> {
    Ok(match error {
        AttachmentError::Picture(PictureError::Unknown) => lang.move_picture_unknown(),
        AttachmentError::Picture(PictureError::Heif) => lang.move_picture_heif(),
        AttachmentError::Picture(PictureError::Damaged(_)) => lang.move_picture_damaged(),
        AttachmentError::Picture(PictureError::TooLarge(..)) => lang.move_picture_large(),
        AttachmentError::TooMany => lang.move_picture_waiting(),
        AttachmentError::File(UploadError::Full) => lang.move_picture_full(),
        other => return Err(PageError::Internal(other.to_string())),
    }
    .to_owned())
}
