//! Uploads over the router that the hub serves, on every database.

mod bounds;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use protocol::{Chance, ManualClock, UtcMs};
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::app::App;
use crate::config::{Config, EvidenceConfig};
use crate::db::testing::{TestDb, databases};
use crate::device;

/// Enough for a few small files.
const QUOTA: u64 = 1 << 20;

pub(super) struct World {
    pub(super) app: App,
    pub(super) router: Router,
    pub(super) clock: Arc<ManualClock>,
    pub(super) token: String,
    _db: TestDb,
}

pub(super) async fn world(test: TestDb, quota_bytes: u64) -> World {
    world_with(test, |config| config.unlinked_quota_bytes = quota_bytes).await
}

async fn world_with(test: TestDb, set: impl Fn(&mut EvidenceConfig)) -> World {
    let clock = Arc::new(ManualClock::at(UtcMs(1_773_815_480_000)));
    let mut config = Config::default();
    config.hub.data_dir = test.folder.clone();
    set(&mut config.evidence);
    let (app, ends) =
        App::with_db(config, test.db.clone(), clock.clone(), Arc::new(Chance::seeded(5))).unwrap();
    tokio::spawn(app.intake_worker().run(ends.items, CancellationToken::new()));
    let token = enrol(&app, "box-1").await;
    World { router: super::tus::router(app.clone()), app, clock, token, _db: test }
}

async fn enrol(app: &App, name: &str) -> String {
    let code = device::enrol::add(app, app.tenant(), &name.parse().unwrap(), name).await.unwrap();
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let csr = rcgen::CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    device::enrol::enrol(app, &code, &csr).await.unwrap().token
}

impl World {
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("tus-resumable", "1.0.0")
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::from(body.to_vec())).unwrap()).await.unwrap()
    }

    async fn create(&self, content: &[u8], announced: &[u8]) -> Response<Body> {
        let metadata = format!(
            "sha256 {},kind {},filetype {}",
            STANDARD.encode(hex::encode(Sha256::digest(announced))),
            STANDARD.encode("snapshot"),
            STANDARD.encode("image/jpeg")
        );
        let length = content.len().to_string();
        self.send(
            "POST",
            "/api/v1/uploads",
            &[("upload-length", &length), ("upload-metadata", &metadata)],
            b"",
        )
        .await
    }

    async fn patch(&self, path: &str, offset: usize, body: &[u8]) -> Response<Body> {
        let offset = offset.to_string();
        let headers =
            [("upload-offset", offset.as_str()), ("content-type", "application/offset+octet-stream")];
        self.send("PATCH", path, &headers, body).await
    }
}

fn header(response: &Response<Body>, name: &str) -> String {
    response.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

/// A file in two pieces, with a wrong offset between, ends in its place with its content; sent again it is at its
/// end at once. It is not shown while nothing names it.
#[tokio::test]
async fn a_file_arrives_in_pieces() {
    for test in databases().await {
        let world = world(test, QUOTA).await;
        let content = b"a picture, or so we say".as_slice();
        let created = world.create(content, content).await;
        assert_eq!(created.status(), StatusCode::CREATED);
        let path = header(&created, "location");
        assert!(!header(&created, "upload-expires").is_empty());
        assert_eq!(header(&world.patch(&path, 0, &content[..7]).await, "upload-offset"), "7");
        assert_eq!(world.patch(&path, 3, b"x").await.status(), StatusCode::CONFLICT);
        let head = world.send("HEAD", &path, &[], b"").await;
        assert_eq!(
            (header(&head, "upload-offset"), header(&head, "upload-length")),
            ("7".into(), "23".into())
        );
        let done = world.patch(&path, 7, &content[7..]).await;
        assert_eq!((done.status(), header(&done, "upload-offset")), (StatusCode::NO_CONTENT, "23".into()));
        let head = world.send("HEAD", &path, &[], b"").await;
        assert_eq!(header(&head, "upload-offset"), "23", "a lost answer can be asked for again");

        let sha256 = hex::encode(Sha256::digest(content)).parse().unwrap();
        assert_eq!(std::fs::read(world.app.evidence.path(world.app.tenant(), &sha256)).unwrap(), content);
        assert!(world.app.evidence.grants(world.app.tenant(), &sha256, None, "").await.unwrap().is_empty());
        let again = world.create(content, content).await;
        assert_eq!((again.status(), header(&again, "upload-offset")), (StatusCode::CREATED, "23".into()));
    }
}

/// Content that is not what was announced is refused by name and removed.
#[tokio::test]
async fn wrong_content_is_removed() {
    for test in databases().await {
        let world = world(test, QUOTA).await;
        let path = header(&world.create(b"abc", b"something else").await, "location");
        assert_eq!(world.patch(&path, 0, b"abc").await.status().as_u16(), 460);
        assert_eq!(world.send("HEAD", &path, &[], b"").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(std::fs::read_dir(world.app.data_dir().join("uploads")).unwrap().count(), 0);
    }
}

/// Versions, sizes, types, tokens, quota, other devices and time are each refused with their own status.
#[tokio::test]
async fn refusals() {
    for test in databases().await {
        let mut world = world(test, QUOTA).await;
        let bare = Request::builder().method("POST").uri("/api/v1/uploads").body(Body::empty()).unwrap();
        let answer = world.router.clone().oneshot(bare).await.unwrap();
        assert_eq!(answer.status(), StatusCode::PRECONDITION_FAILED);
        let path = header(&world.create(b"abc", b"abc").await, "location");
        let wrong_type = world.send("PATCH", &path, &[("upload-offset", "0")], b"abc").await;
        assert_eq!(wrong_type.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(world.patch(&path, 0, b"abcd").await.status(), StatusCode::BAD_REQUEST);
        let huge = (protocol::limits::MAX_EVIDENCE_BYTES + 1).to_string();
        let metadata = format!(
            "sha256 {},kind {},filetype {}",
            STANDARD.encode("ab".repeat(32)),
            STANDARD.encode("clip"),
            STANDARD.encode("video/mp4")
        );
        let headers = [("upload-length", huge.as_str()), ("upload-metadata", metadata.as_str())];
        let answer = world.send("POST", "/api/v1/uploads", &headers, b"").await;
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let headers = [("upload-length", "2000000"), ("upload-metadata", metadata.as_str())];
        let answer = world.send("POST", "/api/v1/uploads", &headers, b"").await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "quota of what no incident names");

        let own = std::mem::replace(&mut world.token, enrol(&world.app, "box-2").await);
        assert_eq!(world.send("HEAD", &path, &[], b"").await.status(), StatusCode::NOT_FOUND);
        world.token = "nonsense".into();
        assert_eq!(world.send("HEAD", &path, &[], b"").await.status(), StatusCode::UNAUTHORIZED);
        world.token = own;
        world.clock.advance_ms(25 * 3_600_000);
        assert_eq!(world.patch(&path, 0, b"abc").await.status(), StatusCode::GONE);
        assert_eq!(world.app.evidence.remove_expired().await.unwrap(), 1);
        assert_eq!(world.send("HEAD", &path, &[], b"").await.status(), StatusCode::NOT_FOUND);
        device::store::set_disabled(&world.app.db, "main", "box-1", true, UtcMs(1)).await.unwrap();
        assert_eq!(world.create(b"abc", b"abc").await.status(), StatusCode::UNAUTHORIZED);
    }
}

/// Sent again from its beginning by a client that does not know that the content is here: answered as finished.
#[tokio::test]
async fn content_that_is_here_is_finished_for_plain_clients() {
    for test in databases().await {
        let world = world(test, QUOTA).await;
        let content = b"the same again".as_slice();
        for _ in 0..2 {
            let path = header(&world.create(content, content).await, "location");
            let done = world.patch(&path, 0, content).await;
            assert_eq!(
                (done.status(), header(&done, "upload-offset")),
                (StatusCode::NO_CONTENT, "14".into())
            );
        }
    }
}

/// Killed between the file's move and its row: the next request finds it finished. Killed before the file was made: the
/// upload is gone and begins anew.
#[tokio::test]
async fn an_upload_that_lost_its_file_goes_on() {
    for test in databases().await {
        let world = world(test, QUOTA).await;
        let content = b"moved, and then the power went".as_slice();
        let path = header(&world.create(content, content).await, "location");
        world.patch(&path, 0, &content[..5]).await;
        let sha256 = hex::encode(Sha256::digest(content)).parse().unwrap();
        let settled = world.app.evidence.path(world.app.tenant(), &sha256);
        let upload = world.app.evidence.upload_path(path.rsplit('/').next().unwrap());
        std::fs::create_dir_all(settled.parent().unwrap()).unwrap();
        std::fs::write(&settled, content).unwrap();
        std::fs::remove_file(&upload).unwrap();
        let done = world.patch(&path, 5, &content[5..]).await;
        assert_eq!((done.status(), header(&done, "upload-offset")), (StatusCode::NO_CONTENT, "30".into()));
        assert_eq!(header(&world.create(content, content).await, "upload-offset"), "30", "it is here");

        let path = header(&world.create(b"abc", b"abc").await, "location");
        std::fs::remove_file(world.app.evidence.upload_path(path.rsplit('/').next().unwrap())).unwrap();
        assert_eq!(world.patch(&path, 0, b"abc").await.status(), StatusCode::NOT_FOUND);
        assert_eq!(world.send("HEAD", &path, &[], b"").await.status(), StatusCode::NOT_FOUND);
    }
}

/// A line that dies without a word in mid-chunk gives the upload free with what it brought.
#[tokio::test]
async fn a_dead_line_does_not_hold_an_upload() {
    let test = databases().await.swap_remove(0);
    let world = world(test, QUOTA).await;
    let path = header(&world.create(b"abcdef", b"abcdef").await, "location");
    let id = path.rsplit('/').next().unwrap();
    let origin = protocol::Origin { tenant: "main".parse().unwrap(), device: "box-1".parse().unwrap() };
    let first = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"abc"))]);
    let body = Body::from_stream(futures_util::StreamExt::chain(first, futures_util::stream::pending()));
    let standing = world.app.evidence.fill_within(
        &origin,
        id,
        0,
        body.into_data_stream(),
        std::time::Duration::from_millis(50),
    );
    assert_eq!(standing.await.unwrap().offset_bytes, 3);
    assert_eq!(header(&world.patch(&path, 3, b"def").await, "upload-offset"), "6");
}
