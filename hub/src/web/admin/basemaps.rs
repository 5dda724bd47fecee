//! Base maps: which there are, and a form that brings one. The file goes to the disk as it comes, since it may have gigabytes;
//! it is checked as the command line checks it, and a foreign one is refused before it is kept.

use std::time::Duration;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use protocol::{Sha256Hex, UtcMs};
use tokio::io::AsyncWriteExt as _;

use super::{bad, changes, failed, frame, good, local, looks, render};
use crate::admin::By;
use crate::app::App;
use crate::basemap::{self, BaseMap, BaseMapError, Covers};
use crate::user::Act;
use crate::web::error::PageError;
use crate::web::guard::{Fields, SafeForm, Viewer, cross_site, same};
use crate::web::moves::multipart::{Broken, Content, Parts, boundary};
use crate::web::text::Lang;
use crate::web::view::{AdminBaseMapsPage, Banner, BaseMapView};
use crate::web::words;

const PAGE: &str = "/admin/basemaps";
/// Largest file, in bytes; a larger one is for the command line.
const MOST_BYTES: u64 = 4 << 30;
/// Beside the file: the token.
const MOST_TEXT_BYTES: usize = 4 << 10;
const MOST_PARTS: usize = 8;
/// A line that brings nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(120);

pub(in crate::web) async fn page(
    State(app): State<App>,
    viewer: Viewer,
    fields: Fields,
) -> Result<Response, PageError> {
    looks(&app, &viewer)?;
    let lang = viewer.preferences.lang;
    let banner = match fields.get("done") {
        "whole" => Some(good(lang.admin_basemap_done())),
        "partly" => Some(good(lang.admin_basemap_partly())),
        "unknown" => Some(good(lang.admin_basemap_unknown())),
        "removed" => Some(good(lang.admin_basemap_removed())),
        _ => None,
    };
    show(&app, &viewer, banner, StatusCode::OK).await
}

async fn show(
    app: &App,
    viewer: &Viewer,
    banner: Option<Banner>,
    status: StatusCode,
) -> Result<Response, PageError> {
    let frame = frame(app, viewer, "/admin/basemaps?").await?;
    let (lang, local) = (frame.lang, local(app));
    let all = basemap::list(&app.db, app.tenant().as_str()).await.map_err(|error| failed(viewer, error))?;
    let row = |(nth, map): (usize, BaseMap)| BaseMapView {
        shown: nth == 0,
        size: crate::web::moment::size_text(u64::try_from(map.size_bytes).unwrap_or_default()),
        zooms: format!("{}–{}", map.about.min_zoom, map.about.max_zoom),
        place: format!(
            "{:.4}–{:.4} N, {:.4}–{:.4} E",
            map.about.south, map.about.north, map.about.west, map.about.east
        ),
        at: local.moment(UtcMs(map.made_at_ms)),
        name: map.name,
        sha256: map.sha256,
    };
    let is_everywhere = By::of(&viewer.session, app.clock.now()).reaches_everything();
    let page = AdminBaseMapsPage {
        tab: "basemaps",
        rows: all.into_iter().enumerate().map(row).collect(),
        banner,
        may: viewer.may(Act::Organise) && is_everywhere,
        may_why: if viewer.may(Act::Organise) {
            lang.admin_countywide().to_owned()
        } else {
            format!("{}{}", lang.admin_read_only(), Act::Organise.roles_text(lang))
        },
        shell: &frame,
    };
    Ok((status, render(&page, viewer)?).into_response())
}

pub(in crate::web) async fn upload(State(app): State<App>, request: Request) -> Result<Response, Response> {
    let (mut head, body) = request.into_parts();
    let viewer = Viewer::from_request_parts(&mut head, &app).await?;
    let page = |error: PageError| error.into_response();
    if cross_site(&head.headers) {
        return Err(page(PageError::Csrf.shown(&viewer)));
    }
    // Nobody else's file is read.
    let by = changes(&app, &viewer).map_err(page)?;
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(boundary) = boundary(kind.unwrap_or_default()) else {
        return Err(page(odd(&viewer)));
    };
    let mut parts = Parts::new(body, &boundary, MOST_BYTES + (64 << 10));
    let lang = viewer.preferences.lang;
    match brought(&app, &viewer, &by, &mut parts).await.map_err(page)? {
        Ok(covers) => Ok(Redirect::to(&format!("{PAGE}?done={}", word(covers))).into_response()),
        Err(why) => {
            let text = why.words(lang);
            show(&app, &viewer, Some(bad(text)), StatusCode::UNPROCESSABLE_ENTITY).await.map_err(page)
        }
    }
}

fn word(covers: Covers) -> &'static str {
    match covers {
        Covers::Whole => "whole",
        Covers::Partly => "partly",
        Covers::Unknown => "unknown",
    }
}

fn odd(viewer: &Viewer) -> PageError {
    PageError::Input(viewer.preferences.lang.input_unreadable().to_owned()).shown(viewer)
}

/// Why a file was not taken.
enum Why {
    Nothing,
    Countywide,
    Large,
    Map(BaseMapError),
}

impl Why {
    fn words(self, lang: Lang) -> String {
        match self {
            Self::Nothing => lang.admin_import_nothing().to_owned(),
            Self::Countywide => lang.admin_countywide().to_owned(),
            Self::Large => lang.admin_basemap_large().to_owned(),
            Self::Map(error) => words::fault(&error.to_string(), lang),
        }
    }
}

/// Reads the form and takes the file in it. The session's token comes before the file.
async fn brought(
    app: &App,
    viewer: &Viewer,
    by: &By,
    parts: &mut Parts,
) -> Result<Result<Covers, Why>, PageError> {
    let mut csrf = String::new();
    for _ in 0..MOST_PARTS {
        let next = tokio::time::timeout(PATIENCE, parts.next()).await.map_err(|_| odd(viewer))?;
        let part = match next {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(Err(Why::Nothing)),
            Err(Broken::Large) => return Ok(Err(Why::Large)),
            Err(_) => return Err(odd(viewer)),
        };
        if !part.is_file {
            let content = tokio::time::timeout(PATIENCE, parts.content(MOST_TEXT_BYTES)).await;
            match content.map_err(|_| odd(viewer))? {
                Ok(Content::Whole(bytes)) if part.name == "csrf" => {
                    csrf = String::from_utf8_lossy(&bytes).into_owned();
                }
                Ok(_) => {}
                Err(_) => return Err(odd(viewer)),
            }
            continue;
        }
        if !same(&csrf, &viewer.session.csrf) {
            return Err(PageError::Csrf.shown(viewer));
        }
        if !by.reaches_everything() {
            return Ok(Err(Why::Countywide));
        }
        return received(app, viewer, by, parts, &part.file_name).await;
    }
    Err(odd(viewer))
}

/// The file on the disk, checked and kept. One that is none is read to its end all the same: a browser shows an answer only
/// when it has sent everything.
async fn received(
    app: &App,
    viewer: &Viewer,
    by: &By,
    parts: &mut Parts,
    name: &str,
) -> Result<Result<Covers, Why>, PageError> {
    let file = match basemap::room(app) {
        Ok(file) => file,
        Err(error) => return Ok(Err(Why::Map(error))),
    };
    let mut file = tokio::fs::File::from_std(file);
    let (mut size, mut refused) = (0_u64, None);
    loop {
        let piece = tokio::time::timeout(PATIENCE, parts.piece()).await.map_err(|_| odd(viewer))?;
        let piece = match piece {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(Broken::Large) => return Ok(Err(Why::Large)),
            Err(_) => return Err(odd(viewer)),
        };
        // What is written already is counted by the disk.
        if refused.is_none() && size / CHECK_EVERY != (size + piece.len() as u64) / CHECK_EVERY {
            refused = basemap::leave_room(app, CHECK_EVERY).err();
        }
        size += piece.len() as u64;
        if refused.is_none()
            && let Err(error) = file.write_all(&piece).await
        {
            refused = Some(BaseMapError::File(name.to_owned(), error));
        }
    }
    if let Some(error) = refused {
        return Ok(Err(Why::Map(error)));
    }
    if size == 0 {
        return Ok(Err(Why::Nothing));
    }
    if let Err(error) = file.flush().await {
        return Ok(Err(Why::Map(BaseMapError::File(name.to_owned(), error))));
    }
    let source = file.into_std().await;
    match basemap::take(app, by, (source, name, name), false).await {
        Ok((_, covers)) => Ok(Ok(covers)),
        Err(BaseMapError::Db(error)) => Err(failed(viewer, error)),
        Err(error) => Ok(Err(Why::Map(error))),
    }
}

/// After so many bytes the disk is looked at again.
const CHECK_EVERY: u64 = 64 << 20;

pub(in crate::web) async fn remove(State(app): State<App>, form: SafeForm) -> Result<Response, PageError> {
    let viewer = &form.viewer;
    let by = changes(&app, viewer)?;
    if !by.reaches_everything() {
        let why = bad(viewer.preferences.lang.admin_countywide());
        return show(&app, viewer, Some(why), StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let hash: Sha256Hex = form.fields.get("sha256").parse().map_err(|_| PageError::NotFound.shown(viewer))?;
    match basemap::remove_by(&app, &by, &hash).await {
        Ok(true) => Ok(Redirect::to(&format!("{PAGE}?done=removed")).into_response()),
        Ok(false) => Err(PageError::NotFound.shown(viewer)),
        Err(BaseMapError::Db(error)) => Err(failed(viewer, error)),
        Err(error) => Err(PageError::Internal(error.to_string()).shown(viewer)),
    }
}
