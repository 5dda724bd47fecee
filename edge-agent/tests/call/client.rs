//! A client of a recogniser's server, for either protocol: it sends texts and sound and reads answers.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::live::toys;

pub(super) struct Client(pub(super) WebSocketStream<TcpStream>);

impl Client {
    /// `protocol`: the WebSocket subprotocol that it asks for.
    pub(super) async fn connect(at: SocketAddr, path: &str, protocol: Option<&str>) -> Self {
        Self::over(TcpStream::connect(at).await.unwrap(), path, protocol).await
    }

    /// `stream`: a connection to the box.
    pub(super) async fn over(stream: TcpStream, path: &str, protocol: Option<&str>) -> Self {
        let at = stream.peer_addr().unwrap();
        let mut request = format!("ws://{at}{path}").into_client_request().unwrap();
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let (socket, response) = client_async(request, stream).await.unwrap();
        let agreed = response.headers().get("sec-websocket-protocol").map(|name| name.to_str().unwrap());
        assert_eq!(agreed, protocol);
        Self(socket)
    }

    pub(super) async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    pub(super) async fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.send(Message::binary(bytes.to_vec())).await
    }

    pub(super) async fn sound(&mut self, samples: &[i16]) {
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        self.bytes(&bytes).await.unwrap();
    }

    /// The next answer; `None` when the connection closes instead.
    pub(super) async fn try_answer(&mut self) -> Option<Value> {
        let read = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                    Some(Ok(_)) => {}
                }
            }
        };
        timeout(Duration::from_secs(20), read).await.expect("an answer in time")
    }

    pub(super) async fn answer(&mut self) -> Value {
        self.try_answer().await.expect("an answer")
    }

    /// Reads to the end: the texts before it, and what the close frame says.
    pub(super) async fn until_closed(&mut self) -> (Vec<Value>, Option<(CloseCode, String)>) {
        let mut answers = Vec::new();
        let read = async {
            while let Some(Ok(message)) = self.0.next().await {
                match message {
                    Message::Text(text) => answers.push(serde_json::from_str(&text).unwrap()),
                    Message::Close(frame) => return frame.map(|f| (f.code, f.reason.to_string())),
                    _ => {}
                }
            }
            None
        };
        let end = timeout(Duration::from_secs(20), read).await.expect("an end in time");
        (answers, end)
    }
}

/// A committed recording at 8 kHz, with more silence behind it than ends a stretch of speech.
pub(super) fn recorded(name: &str) -> Vec<i16> {
    let mut wav = hound::WavReader::open(toys().join(name)).unwrap();
    let mut samples = wav.samples().collect::<Result<Vec<i16>, _>>().unwrap();
    // Quiet, not nothing: tests look for samples that are not zero.
    samples.iter_mut().for_each(|s| *s |= 1);
    samples.resize(samples.len() + 8_000, 1);
    samples
}

/// The Mandarin demonstration recogniser, for a box on `dir`.
pub(super) fn install_mandarin(dir: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mandarin-demo");
    let folder = dir.join("models/mandarin-demo");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["streaming.onnx", "final.onnx", "tokens.txt"] {
        std::fs::copy(from.join(name), folder.join(name)).unwrap();
    }
}
