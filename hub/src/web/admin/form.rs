//! The form of an import: how it is to be taken, and a file or a text. The session's CSRF token comes before the file.

use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};

use crate::admin::import::MOST_BYTES;
use crate::app::App;
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, Viewer, cross_site, same};
use crate::web::moves::multipart::{Broken, Content, Parts, boundary};

/// Texts beside the file, together.
const MOST_TEXT_BYTES: usize = 16 << 10;
const MOST_PARTS: usize = 32;
/// A file and a pasted text, each as large as it may be, and the rest.
const MOST_FORM_BYTES: u64 = 2 * MOST_BYTES as u64 + (64 << 10);
/// A line that takes longer for one part is given up.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Clone, Debug)]
pub(in crate::web) struct ImportForm {
    pub(super) viewer: Viewer,
    pub(super) fields: Fields,
    /// The file, or what was pasted; nothing was brought where it is empty.
    pub(super) content: Vec<u8>,
    /// More was brought than is taken.
    pub(super) too_large: bool,
    /// It was pasted, not a file.
    pub(super) pasted: bool,
}

impl FromRequest<App> for ImportForm {
    type Rejection = Response;
    async fn from_request(request: Request, app: &App) -> Result<Self, Response> {
        let (mut head, body) = request.into_parts();
        let viewer = Viewer::from_request_parts(&mut head, app).await?;
        let lang = viewer.preferences.lang;
        let refused = |error: PageError| error.shown(&viewer).into_response();
        if cross_site(&head.headers) {
            return Err(refused(PageError::Csrf));
        }
        // Nobody else's file is read.
        viewer.must(Act::Organise).map_err(|error| error.into_response())?;
        let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let odd = || refused(PageError::Input(lang.input_unreadable().to_owned()));
        let Some(boundary) = boundary(kind.unwrap_or_default()) else {
            // A form without file, as scripts and tests send it.
            let Ok(bytes) = axum::body::to_bytes(body, MOST_BYTES).await else {
                return Err(refused(PageError::Input(lang.admin_import_large().to_owned())));
            };
            let fields = Fields::parse(&bytes);
            if !same(fields.get("csrf"), &viewer.session.csrf) {
                return Err(refused(PageError::Csrf));
            }
            let content = fields.get("text").as_bytes().to_vec();
            return Ok(Self { viewer, fields, content, too_large: false, pasted: true });
        };
        let mut parts = Parts::new(body, &boundary, MOST_FORM_BYTES);
        let (mut pairs, mut text_bytes): (Vec<(String, String)>, usize) = (Vec::new(), 0);
        let (mut file, mut text, mut too_large) = (Vec::new(), Vec::new(), false);
        for _ in 0..MOST_PARTS {
            let next = tokio::time::timeout(PATIENCE, parts.next()).await.map_err(|_| odd())?;
            let Some(part) = next.map_err(|broken| refused(told(broken, lang)))? else {
                let pasted = file.is_empty();
                let content = if pasted { text } else { file };
                let fields = Fields::of(pairs);
                return Ok(Self { viewer, fields, content, too_large, pasted });
            };
            let is_content = part.is_file || part.name == "text";
            if is_content && !same(Fields::of(pairs.clone()).get("csrf"), &viewer.session.csrf) {
                return Err(refused(PageError::Csrf));
            }
            let most = if is_content { MOST_BYTES } else { MOST_TEXT_BYTES - text_bytes };
            let content = tokio::time::timeout(PATIENCE, parts.content(most)).await.map_err(|_| odd())?;
            match content.map_err(|broken| refused(told(broken, lang)))? {
                Content::TooLong if is_content => too_large = true,
                Content::TooLong => return Err(odd()),
                Content::Whole(bytes) if part.is_file => file = bytes.to_vec(),
                Content::Whole(bytes) if part.name == "text" => text = unix(&bytes),
                Content::Whole(bytes) => {
                    text_bytes += bytes.len();
                    pairs.push((part.name, String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
        }
        Err(odd())
    }
}

fn told(broken: Broken, lang: crate::web::text::Lang) -> PageError {
    PageError::Input(
        match broken {
            Broken::Large => lang.admin_import_large(),
            Broken::Ends | Broken::Odd => lang.input_unreadable(),
        }
        .to_owned(),
    )
}

/// Browsers write the lines of a field with CR and LF; a text that was in a file had its own.
fn unix(bytes: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n").into_bytes()
}
