//! Styles, scripts and pictures, inside the binary. htmx, MapLibre GL and PMTiles come from pinned npm packages (`build.rs`).

use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

const WORKER: &str = "sw.js";
/// What makes the page for telephones one that can be installed.
const MANIFEST: &str = "manifest.webmanifest";
const WORKER_POLICY: &str =
    "default-src 'none'; connect-src 'self'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "assets/static/"]
struct Static;

/// Of a package: its name here, what it is, its bytes and their tag. Empty when it was not installed at build time.
struct Packaged(&'static str, &'static str, &'static [u8], LazyLock<String>);

/// Tags are reckoned once: the largest file has a megabyte.
macro_rules! packaged {
    ($($name:literal: $kind:literal,)*) => {
        static PACKAGED: [Packaged; 8] = [$({
            const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/", $name));
            Packaged($name, $kind, BYTES, LazyLock::new(|| fingerprint(BYTES)))
        }),*];
    };
}

packaged! {
    "htmx.min.js": "text/javascript",
    "maplibre-gl.mjs": "text/javascript",
    "maplibre-gl-worker.mjs": "text/javascript",
    "maplibre-gl.css": "text/css",
    // Its licence, which asks to go with it.
    "maplibre-gl.txt": "text/plain",
    "pmtiles.js": "text/javascript",
    // Drawn at build time (`build/icon.rs`).
    "icon-192.png": "image/png",
    "icon-512.png": "image/png",
}

fn packaged(name: &str) -> Option<&'static Packaged> {
    PACKAGED.iter().find(|own| own.0 == name)
}

pub(super) async fn serve(Path(path): Path<String>, headers: HeaderMap) -> Response {
    if let Some(Packaged(_, kind, bytes, tag)) = packaged(&path) {
        // What was not there at build time is not there at all; but every page asks for htmx, and goes without it.
        if bytes.is_empty() && path != "htmx.min.js" {
            return StatusCode::NOT_FOUND.into_response();
        }
        return file(kind, Bytes::from_static(bytes), tag, &headers);
    }
    let Some(found) = Static::get(&path) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match path.rsplit('.').next() {
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        Some("svg") => "image/svg+xml",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    };
    let tag = hex::encode(&found.metadata.sha256_hash()[..12]);
    file(kind, Bytes::from(found.data.into_owned()), &tag, &headers)
}

pub(super) async fn manifest(headers: HeaderMap) -> Response {
    serve(Path(MANIFEST.to_owned()), headers).await
}

/// The service worker, from where its scope is the whole hub. It may ask this hub, and load nothing but its own part of it.
pub(super) async fn worker(headers: HeaderMap) -> Response {
    let mut response = serve(Path(WORKER.to_owned()), headers).await;
    let all = response.headers_mut();
    all.insert(HeaderName::from_static("service-worker-allowed"), HeaderValue::from_static("/"));
    all.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(WORKER_POLICY));
    response
}

fn fingerprint(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(&sha2::Sha256::digest(bytes)[..12])
}

fn file(kind: &'static str, bytes: Bytes, tag: &str, headers: &HeaderMap) -> Response {
    let tag = format!("\"{tag}\"");
    let etag = HeaderValue::from_str(&tag).expect("hexadecimal in quotes is a header value");
    // Asked again each time: an upgraded hub shows at once, an unchanged file costs one small answer.
    let cache = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [cache, (header::ETAG, etag)]).into_response();
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(kind));
    ([cache, (header::ETAG, etag), kind], Body::from(bytes)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every asset that a page or script names is there.
    #[test]
    fn named_assets_exist() {
        let mut named: Vec<String> = Vec::new();
        let mut collect = |text: &str, before: &str| {
            let rests = text.split(before).skip(1);
            named
                .extend(rests.map(|rest| rest.split(['"', '\'', '`']).next().unwrap_or_default().to_owned()));
        };
        collect(include_str!("../../templates/base.html"), "\"/assets/");
        collect(include_str!("../../templates/me.html"), "\"/assets/");
        collect(include_str!("../../templates/field.html"), "\"/assets/");
        collect(include_str!("../../templates/ask.html"), "\"/assets/");
        collect(include_str!("../../assets/static/manifest.webmanifest"), "\"/assets/");
        collect(include_str!("../../templates/map.html"), "\"/assets/");
        collect(include_str!("../../templates/wall.html"), "\"/assets/");
        collect(include_str!("../../templates/case.html"), "\"/assets/");
        for script in Static::iter().filter(|name| name.ends_with(".js")) {
            let text = Static::get(&script).expect("it was just listed").data;
            let text = String::from_utf8_lossy(&text);
            collect(&text, "\"/assets/");
            collect(&text, "from \"./");
            collect(&text, "import \"./");
        }
        for name in &named {
            assert!(packaged(name).is_some() || Static::get(name).is_some(), "{name} is missing");
        }
        assert!(Static::get(WORKER).is_some());
        assert!(named.len() >= 12, "found only {named:?}");
    }
}
