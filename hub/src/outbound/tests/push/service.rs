//! A push service, and browsers that have subscribed to it: an HTTPS server that remembers what came, and the far end of
//! RFC 8291 and RFC 8292, written from those texts. Of what the hub seals with, only the arithmetic of the curve is shared.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use web_push_native::p256::ecdh::diffie_hellman;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint as _;
use web_push_native::p256::{PublicKey, SecretKey};

use super::super::authority;

/// A message as it came.
#[derive(Clone, Debug)]
pub(super) struct Came {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Came {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The claims of its token, and the key that signed it; it was signed with that key.
    pub(super) fn signed(&self) -> (Value, String) {
        let (token, key) =
            self.header("authorization").strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let read = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, read(key));
        public.verify(signed.as_bytes(), &read(signature)).expect("the key signs it");
        let (head, claims) = signed.split_once('.').unwrap();
        let head: Value = serde_json::from_slice(&read(head)).unwrap();
        assert_eq!(head["alg"], "ES256");
        (serde_json::from_slice(&read(claims)).unwrap(), key.to_owned())
    }
}

#[derive(Debug, Default)]
struct Memory {
    came: Vec<Came>,
    /// What is answered next to a path, once.
    next: VecDeque<(String, u16, Option<u32>)>,
}

/// The service.
pub(super) struct Service {
    at: SocketAddr,
    memory: Arc<Mutex<Memory>>,
    pub(super) ca: PathBuf,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    /// Takes everything until it is told otherwise.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (ca, certificate, key) = authority(folder.path());
        let tls = axum_server::tls_rustls::RustlsConfig::from_pem_file(certificate, key).await.unwrap();
        let memory = Arc::new(Mutex::new(Memory::default()));
        let service = Router::new().fallback(hear).with_state(memory.clone()).into_make_service();
        let handle = axum_server::Handle::new();
        let server =
            axum_server::bind_rustls(SocketAddr::from(([127, 0, 0, 1], 0)), tls).handle(handle.clone());
        let task = tokio::spawn(async move { server.serve(service).await.unwrap() });
        let at = handle.listening().await.unwrap();
        Self { at, memory, ca, task, _folder: folder }
    }

    pub(super) fn origin(&self) -> String {
        format!("https://{}", self.at)
    }

    /// What a browser's path gets next, once; with `Retry-After`.
    pub(super) fn answer(&self, path: &str, status: u16, after_s: Option<u32>) {
        self.memory.lock().unwrap().next.push_back((path.to_owned(), status, after_s));
    }

    pub(super) fn came(&self) -> Vec<Came> {
        self.memory.lock().unwrap().came.clone()
    }

    pub(super) fn came_to(&self, path: &str) -> Vec<Came> {
        self.came().into_iter().filter(|came| came.path == path).collect()
    }
}

async fn hear(State(memory): State<Arc<Mutex<Memory>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap().to_vec();
    let path = parts.uri.path().to_owned();
    let mut memory = memory.lock().unwrap();
    memory.came.push(Came { path: path.clone(), headers: parts.headers, body });
    let at = memory.next.iter().position(|(of, ..)| *of == path);
    let Some((_, status, after_s)) = at.and_then(|at| memory.next.remove(at)) else {
        return StatusCode::CREATED.into_response();
    };
    let mut response = (StatusCode::from_u16(status).unwrap(), "as the test says").into_response();
    if let Some(after_s) = after_s {
        response.headers_mut().insert(HeaderName::from_static("retry-after"), HeaderValue::from(after_s));
    }
    response
}

/// A browser.
pub(super) struct Subscriber {
    secret: SecretKey,
    auth: [u8; 16],
    pub(super) path: String,
}

/// So many bytes of a key.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF with SHA-256 (RFC 5869).
fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> [u8; N] {
    let mut out = [0; N];
    let key = Salt::new(HKDF_SHA256, salt).extract(secret);
    key.expand(info, Length(N)).unwrap().fill(&mut out).unwrap();
    out
}

impl Subscriber {
    pub(super) fn new(nth: u8) -> Self {
        let secret = SecretKey::from_slice(&[nth; 32]).unwrap();
        Self { secret, auth: [nth; 16], path: format!("/push/{nth}") }
    }

    fn point(&self) -> Vec<u8> {
        self.secret.public_key().to_encoded_point(false).as_bytes().to_vec()
    }

    /// What it hands over.
    pub(super) fn offer(&self, service: &Service) -> Value {
        json!({
            "endpoint": format!("{}{}", service.origin(), self.path),
            "keys": { "p256dh": URL_SAFE_NO_PAD.encode(self.point()), "auth": URL_SAFE_NO_PAD.encode(self.auth) },
            "label": "test",
        })
    }

    /// Opens a message: RFC 8291, sections 3.3 and 3.4, and RFC 8188, section 2.
    pub(super) fn open(&self, body: &[u8]) -> Option<String> {
        let (salt, rest) = body.split_at_checked(16)?;
        let (record_size, rest) = rest.split_at_checked(4)?;
        let record_size = u32::from_be_bytes(record_size.try_into().unwrap()) as usize;
        let (&key_length, rest) = rest.split_first()?;
        let (theirs, record) = rest.split_at_checked(usize::from(key_length))?;
        assert!(
            record.len() <= record_size && record_size >= 18 && body.len() <= 4_096,
            "one record, short enough"
        );
        let sender = PublicKey::from_sec1_bytes(theirs).ok()?;
        let shared = diffie_hellman(self.secret.to_nonzero_scalar(), sender.as_affine());
        let ours = self.point();
        let ikm: [u8; 32] =
            derive(&self.auth, shared.raw_secret_bytes().as_ref(), &[b"WebPush: info\0", &ours, theirs]);
        let key: [u8; 16] = derive(salt, &ikm, &[b"Content-Encoding: aes128gcm\0"]);
        let nonce: [u8; 12] = derive(salt, &ikm, &[b"Content-Encoding: nonce\0"]);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let mut record = record.to_vec();
        let plain = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).ok()?;
        // The last record ends with 2 and any number of zeros.
        let end = plain.iter().rposition(|byte| *byte != 0)?;
        assert_eq!(plain[end], 2, "the last record");
        Some(String::from_utf8(plain[..end].to_vec()).unwrap())
    }

    pub(super) fn said(&self, came: &Came) -> Value {
        serde_json::from_str(&self.open(&came.body).expect("it is for this browser")).unwrap()
    }
}

/// What opens messages here is right by the example of RFC 8291, section 5, and opens nothing that is changed or another's.
#[test]
fn opens_what_the_standard_shows() {
    let read = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let example = Subscriber {
        secret: SecretKey::from_slice(&read("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")).unwrap(),
        auth: read("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap(),
        path: String::new(),
    };
    let mut body = read(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
    assert_eq!(example.open(&body).as_deref(), Some("When I grow up, I want to be a watermelon"));
    assert_eq!(Subscriber::new(7).open(&body), None);
    *body.last_mut().unwrap() ^= 1;
    assert_eq!(example.open(&body), None);
}
