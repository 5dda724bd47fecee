//! A small server that behaves as tus 1.0 says, and misbehaves when told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

/// One upload as the server knows it.
pub(super) struct Begun {
    sha256: String,
    length: usize,
    bytes: Vec<u8>,
}

/// What a tus server keeps, and how it is made to misbehave.
#[derive(Default)]
pub(super) struct Tus {
    pub(super) token: String,
    /// Whole files by their sum.
    pub(super) held: BTreeMap<String, Vec<u8>>,
    pub(super) uploads: BTreeMap<String, Begun>,
    /// `POST`, `HEAD 7`, `PATCH 7`: what was asked, with the offset.
    pub(super) log: Vec<String>,
    /// The next finished upload turns out to hold other bytes.
    pub(super) garble: bool,
    /// How every request of a method is answered.
    pub(super) refuses: Option<(Method, u16)>,
    /// Dies once when the upload stands here, and has lost the newest bytes (so many) when it is back.
    pub(super) forgets: Option<(usize, usize)>,
}

#[derive(Clone, Default)]
pub(super) struct Server(Arc<Mutex<Tus>>);

impl Server {
    pub(super) fn lock(&self) -> MutexGuard<'_, Tus> {
        self.0.lock().unwrap()
    }

    pub(super) async fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = axum::Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        port
    }

    /// How often something was asked.
    pub(super) fn count(&self, what: &str) -> usize {
        self.lock().log.iter().filter(|line| line.starts_with(what)).count()
    }
}

async fn answer(
    State(server): State<Server>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    assert_eq!(header("tus-resumable"), "1.0.0");
    let id =
        uri.path().strip_prefix("/api/v1/uploads").expect("the address of uploads").trim_start_matches('/');
    if header("authorization") != format!("Bearer {}", server.lock().token) {
        server.lock().log.push(format!("{method} refused"));
        return (StatusCode::UNAUTHORIZED, "who are you?").into_response();
    }
    let refuses = server.lock().refuses.clone();
    if let Some((_, status)) = refuses.filter(|(refused, _)| *refused == method) {
        server.lock().log.push(format!("{method} {status}"));
        return (StatusCode::from_u16(status).unwrap(), "not like this").into_response();
    }
    match method.as_str() {
        "POST" => create(&server, &header("upload-metadata"), header("upload-length").parse().unwrap()),
        "HEAD" => {
            let mut tus = server.lock();
            let Some(stands) = tus.uploads.get(id).map(|begun| begun.bytes.len()) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            tus.log.push(format!("HEAD {stands}"));
            (StatusCode::OK, [("upload-offset", stands.to_string())]).into_response()
        }
        "PATCH" => {
            assert_eq!(header("content-type"), "application/offset+octet-stream");
            fill(&server, id, header("upload-offset").parse().unwrap(), body).await
        }
        other => panic!("{other} is not asked for"),
    }
}

fn create(server: &Server, metadata: &str, length: usize) -> Response {
    let value = |key: &str| {
        let pair = metadata.split(',').find_map(|pair| pair.strip_prefix(&format!("{key} ")));
        let bytes = base64::engine::general_purpose::STANDARD.decode(pair.expect("three values")).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!((value("kind"), value("filetype")), ("clip".to_owned(), "video/mp4".to_owned()));
    let sha256 = value("sha256");
    let mut tus = server.lock();
    tus.log.push("POST".to_owned());
    if tus.held.contains_key(&sha256) {
        return (StatusCode::CREATED, [("upload-offset", length.to_string())]).into_response();
    }
    let id = format!("u{}", tus.log.len());
    tus.uploads.insert(id.clone(), Begun { sha256, length, bytes: Vec::new() });
    (StatusCode::CREATED, [("location", format!("/api/v1/uploads/{id}"))]).into_response()
}

/// Keeps whatever arrives, also of a request that breaks off.
async fn fill(server: &Server, id: &str, offset: usize, body: Body) -> Response {
    server.lock().log.push(format!("PATCH {offset}"));
    forget(&mut server.lock(), id, offset);
    match server.lock().uploads.get(id).map(|begun| begun.bytes.len()) {
        None => return StatusCode::NOT_FOUND.into_response(),
        Some(stands) if stands != offset => return StatusCode::CONFLICT.into_response(),
        Some(_) => {}
    }
    let mut stream = body.into_data_stream();
    while let Some(Ok(bytes)) = stream.next().await {
        server.lock().uploads.get_mut(id).unwrap().bytes.extend_from_slice(&bytes);
    }
    let mut tus = server.lock();
    let begun = &tus.uploads[id];
    let stands = begun.bytes.len();
    if stands == begun.length {
        let mut begun = tus.uploads.remove(id).unwrap();
        if std::mem::take(&mut tus.garble) {
            begun.bytes[0] ^= 1;
        }
        if hex::encode(Sha256::digest(&begun.bytes)) != begun.sha256 {
            return StatusCode::from_u16(460).unwrap().into_response();
        }
        tus.held.insert(begun.sha256, begun.bytes);
    }
    (StatusCode::NO_CONTENT, [("upload-offset", stands.to_string())]).into_response()
}

fn forget(tus: &mut Tus, id: &str, offset: usize) {
    if let Some((_, lost)) = tus.forgets.take_if(|(at, _)| offset >= *at)
        && let Some(begun) = tus.uploads.get_mut(id)
    {
        begun.bytes.truncate(offset - lost);
    }
}
