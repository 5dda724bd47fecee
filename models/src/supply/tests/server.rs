//! A server that keeps what a server may promise, or breaks it, and counts what it sent.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) path: String,
    pub(super) range: Option<String>,
    pub(super) if_range: Option<String>,
}

/// What is sent back.
pub(super) struct Answer {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
    /// The connection ends after this many bytes of the body.
    pub(super) cut: usize,
    /// Instead of ending it says nothing more.
    pub(super) silent: bool,
}

impl Answer {
    pub(super) fn status(status: &str) -> Self {
        Self {
            head: format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n"),
            body: Vec::new(),
            cut: 0,
            silent: false,
        }
    }

    /// The whole file.
    pub(super) fn whole(body: &[u8], etag: &str) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\netag: {etag}\r\n", body.len());
        Self { head, body: body.to_owned(), cut: body.len(), silent: false }
    }

    /// What a good server says: the part where it is asked for one of the file that it still has.
    pub(super) fn good(request: &Request, body: &[u8], etag: &str) -> Self {
        let from =
            request.range.as_ref().and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        let Some(from) = from.filter(|_| request.if_range.as_deref() == Some(etag)) else {
            return Self::whole(body, etag);
        };
        Self::part(body, from, etag)
    }

    pub(super) fn part(body: &[u8], from: usize, etag: &str) -> Self {
        let (length, last) = (body.len() - from, body.len() - 1);
        let head = format!(
            "HTTP/1.1 206 Partial Content\r\ncontent-length: {length}\r\netag: {etag}\r\n\
             content-range: bytes {from}-{last}/{}\r\n",
            body.len()
        );
        Self { head, body: body[from..].to_owned(), cut: length, silent: false }
    }

    pub(super) fn cut(self, after: usize) -> Self {
        Self { cut: after, ..self }
    }

    /// Falls silent after so many bytes of the body, or before the first word; the connection stays.
    pub(super) fn silent(self, after: Option<usize>) -> Self {
        let head = if after.is_some() { self.head } else { String::new() };
        Self { head, cut: after.unwrap_or(0), silent: true, ..self }
    }
}

pub(super) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<(Vec<Request>, usize)>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `answer` is told the request and its number, from 0.
    pub(super) fn new(answer: impl Fn(&Request, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, stop) = (Arc::new(Mutex::new((Vec::new(), 0))), Arc::new(AtomicBool::new(false)));
        let (log, end) = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                let Some(request) = read(&stream) else { continue };
                let number = log.lock().unwrap().0.len();
                let answer = answer(&request, number);
                let sent = answer.body.len().min(answer.cut);
                {
                    let mut log = log.lock().unwrap();
                    log.0.push(request);
                    log.1 += sent;
                }
                let head = if answer.head.is_empty() {
                    String::new()
                } else {
                    format!("{}connection: close\r\n\r\n", answer.head)
                };
                // Who has heard enough goes; that is no error of this server.
                let _ = (&stream)
                    .write_all(head.as_bytes())
                    .and_then(|()| (&stream).write_all(&answer.body[..sent]));
                if answer.silent {
                    held.push(stream);
                }
            }
        });
        Self { address, seen, stop, thread: Some(thread) }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/models", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().0.clone()
    }

    /// Bytes of bodies.
    pub(super) fn sent(&self) -> usize {
        self.seen.lock().unwrap().1
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let (mut lines, mut request) = (BufReader::new(stream).lines(), Request::default());
    request.path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    for line in lines {
        let line = line.ok()?;
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("range") => {
                request.range = Some(value.to_owned());
            }
            Some((name, value)) if name.eq_ignore_ascii_case("if-range") => {
                request.if_range = Some(value.to_owned());
            }
            Some(_) => {}
            None => return Some(request),
        }
    }
    None
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}
