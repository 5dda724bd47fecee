//! Those who receive: an HTTP server and a mail server that remember what came and answer as they are told.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Got {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

#[derive(Debug, Default)]
struct Memory {
    got: Vec<Got>,
    next: VecDeque<(u16, String)>,
    usual: (u16, String),
    hangs: bool,
}

/// An HTTP server.
pub(super) struct Receiver {
    at: SocketAddr,
    memory: Arc<Mutex<Memory>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Answers 200 with `{"errcode":0}` until it is told otherwise.
    pub(super) async fn start() -> Self {
        let usual = (200, r#"{"errcode":0,"errmsg":"ok"}"#.to_owned());
        let memory = Arc::new(Mutex::new(Memory { usual, ..Memory::default() }));
        let router = Self::router(memory.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { at, memory, task }
    }

    /// The same by HTTPS.
    pub(super) async fn start_tls(certificate: &std::path::Path, key: &std::path::Path) -> Self {
        let memory = Arc::new(Mutex::new(Memory { usual: (204, String::new()), ..Memory::default() }));
        let tls = axum_server::tls_rustls::RustlsConfig::from_pem_file(certificate, key).await.unwrap();
        let handle = axum_server::Handle::new();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = axum_server::bind_rustls(any, tls).handle(handle.clone());
        let service = Self::router(memory.clone()).into_make_service();
        let task = tokio::spawn(async move { server.serve(service).await.unwrap() });
        let at = handle.listening().await.unwrap();
        Self { at, memory, task }
    }

    fn router(memory: Arc<Mutex<Memory>>) -> Router {
        Router::new().fallback(hear).with_state(memory)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub(super) fn port(&self) -> u16 {
        self.at.port()
    }

    /// What it answers next, once.
    pub(super) fn answer(&self, status: u16, text: &str) {
        self.memory.lock().unwrap().next.push_back((status, text.to_owned()));
    }

    /// What it answers from now on.
    pub(super) fn answers(&self, status: u16, text: &str) {
        self.memory.lock().unwrap().usual = (status, text.to_owned());
    }

    /// From now on it takes requests and says nothing.
    pub(super) fn hang(&self) {
        self.memory.lock().unwrap().hangs = true;
    }

    pub(super) fn got(&self) -> Vec<Got> {
        self.memory.lock().unwrap().got.clone()
    }

    pub(super) fn count(&self) -> usize {
        self.memory.lock().unwrap().got.len()
    }
}

async fn hear(State(memory): State<Arc<Mutex<Memory>>>, request: Request) -> (StatusCode, String) {
    let (parts, body) = request.into_parts();
    let bytes: Bytes = to_bytes(body, 1 << 20).await.unwrap();
    let answer = {
        let mut memory = memory.lock().unwrap();
        memory.got.push(Got {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body: String::from_utf8(bytes.to_vec()).unwrap(),
        });
        let next = memory.next.pop_front();
        if memory.hangs { None } else { Some(next.unwrap_or_else(|| memory.usual.clone())) }
    };
    match answer {
        Some((status, text)) => (StatusCode::from_u16(status).unwrap(), text),
        None => std::future::pending().await,
    }
}

/// A mail as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Letter {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) text: String,
    /// Whether anything of it was sent in the open.
    pub(super) sealed: bool,
    pub(super) login: String,
}

#[derive(Debug, Default)]
struct Kept {
    letters: Vec<Letter>,
    /// What it answers to a receiver, once each time.
    refusals: HashMap<String, VecDeque<String>>,
    silent_at_end: bool,
}

/// A mail server.
#[derive(Clone)]
pub(super) struct Postbox {
    pub(super) port: u16,
    memory: Arc<Mutex<Kept>>,
    tls: Option<TlsAcceptor>,
}

impl Postbox {
    /// In the open, or with STARTTLS where there is a certificate.
    pub(super) async fn start(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let postbox = Self { port: listener.local_addr().unwrap().port(), memory: Arc::default(), tls };
        let serving = postbox.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let one = serving.clone();
                // A client that goes away in mid-sentence is no failure of the test.
                tokio::spawn(async move { one.serve(stream).await });
            }
        });
        postbox
    }

    pub(super) fn refuse(&self, receiver: &str, answer: &str) {
        let mut memory = self.memory.lock().unwrap();
        memory.refusals.entry(receiver.to_owned()).or_default().push_back(answer.to_owned());
    }

    /// It takes mails and never says goodbye.
    pub(super) fn stay(&self) {
        self.memory.lock().unwrap().silent_at_end = true;
    }

    pub(super) fn letters(&self) -> Vec<Letter> {
        self.memory.lock().unwrap().letters.clone()
    }

    async fn serve(&self, stream: tokio::net::TcpStream) -> Option<()> {
        let mut open = BufReader::new(stream);
        say(&mut open, "220 postbox.test").await?;
        match &self.tls {
            None => self.talk(open, false).await,
            Some(tls) => {
                loop {
                    let line = hear_line(&mut open).await?;
                    if line == "STARTTLS" {
                        break;
                    }
                    say(&mut open, "250-postbox.test\r\n250 STARTTLS").await?;
                }
                say(&mut open, "220 go ahead").await?;
                let sealed = tls.accept(open.into_inner()).await.ok()?;
                self.talk(BufReader::new(sealed), true).await
            }
        }
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut line: BufReader<S>,
        sealed: bool,
    ) -> Option<()> {
        let mut letter = Letter { sealed, ..Letter::default() };
        loop {
            let said = hear_line(&mut line).await?;
            let word = said.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let stays = self.memory.lock().unwrap().silent_at_end;
            match word.as_str() {
                "EHLO" => say(&mut line, "250-postbox.test\r\n250-8BITMIME\r\n250 AUTH PLAIN").await?,
                "AUTH" => {
                    said.clone_into(&mut letter.login);
                    say(&mut line, "235 welcome").await?;
                }
                "MAIL" => {
                    letter.from = within(&said);
                    say(&mut line, "250 ok").await?;
                }
                "RCPT" => {
                    let to = within(&said);
                    let refused =
                        self.memory.lock().unwrap().refusals.get_mut(&to).and_then(VecDeque::pop_front);
                    if refused.is_none() {
                        letter.to.push(to);
                    }
                    say(&mut line, &refused.unwrap_or_else(|| "250 ok".to_owned())).await?;
                }
                "DATA" => {
                    say(&mut line, "354 go on").await?;
                    loop {
                        let text = hear_line(&mut line).await?;
                        if text == "." {
                            break;
                        }
                        letter.text += text.strip_prefix('.').unwrap_or(&text);
                        letter.text += "\n";
                    }
                    self.memory.lock().unwrap().letters.push(letter.clone());
                    say(&mut line, "250 2.0.0 taken").await?;
                }
                "QUIT" if stays => std::future::pending().await,
                "QUIT" => return say(&mut line, "221 bye").await,
                _ => say(&mut line, "500 what?").await?,
            }
        }
    }
}

async fn hear_line<S: AsyncRead + AsyncWrite + Unpin>(line: &mut BufReader<S>) -> Option<String> {
    let mut text = String::new();
    let read = line.read_line(&mut text).await.ok()?;
    (read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn say<S: AsyncRead + AsyncWrite + Unpin>(line: &mut BufReader<S>, text: &str) -> Option<()> {
    line.write_all(format!("{text}\r\n").as_bytes()).await.ok()?;
    line.flush().await.ok()
}

/// `RCPT TO:<li@x.test>` → `li@x.test`
fn within(said: &str) -> String {
    said.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
