//! How a connection becomes a WebSocket, and how one is left: who is on it may be said in the URL's query
//! ([`super::words`] has the keys), read strictly, so that a slip is told at the first call.

use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{StatusCode, header};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};

use super::caller::Sealer;
use super::words::{self, Words};

/// Why a leg ended whose peer ended it.
pub(super) const HUNG_UP: &str = "hung up";
/// Longest reason of a close frame, in bytes.
const MAX_REASON: usize = 120;

/// At `path`, or at any where it is `None`. What is refused is answered with its reason.
pub(super) async fn accept(
    stream: TcpStream,
    path: Option<&str>,
    limits: WebSocketConfig,
    sealer: &Sealer,
) -> anyhow::Result<(WebSocketStream<TcpStream>, Words)> {
    let mut said = Words::default();
    let mut wrong = None;
    #[expect(clippy::result_large_err, reason = "the form that the handshake asks for")]
    let judge = |request: &Request, response: Response| match judge(path, request, response, sealer) {
        Ok((words, response)) => {
            said = words;
            Ok(response)
        }
        Err((status, words)) => {
            wrong = Some(words.clone());
            let mut refusal = ErrorResponse::new(Some(words));
            *refusal.status_mut() = status;
            Err(refusal)
        }
    };
    let accepted = tokio_tungstenite::accept_hdr_async_with_config(stream, judge, Some(limits)).await;
    if let Some(wrong) = wrong {
        anyhow::bail!("its URL was refused: {wrong}");
    }
    Ok((accepted?, said))
}

/// Reads the request that asks to become a WebSocket.
fn judge(
    path: Option<&str>,
    request: &Request,
    mut response: Response,
    sealer: &Sealer,
) -> Result<(Words, Response), (StatusCode, String)> {
    if let Some(path) = path.filter(|path| request.uri().path() != *path) {
        return Err((StatusCode::NOT_FOUND, format!("sound is taken at {path}")));
    }
    let wrong = |words: String| (StatusCode::BAD_REQUEST, words);
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|error| wrong(error.body_text()))?;
    let words = words::of_query(pairs.0, sealer).map_err(wrong)?;
    // mod_audio_fork asks for a protocol of its own, whose name its administrator may choose; FunASR's clients for
    // "binary".
    let offered = request.headers().get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|v| v.to_str().ok());
    if let Some(first) = offered.and_then(|o| o.split(',').next()).and_then(|name| name.trim().parse().ok()) {
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, first);
    }
    Ok((words, response))
}

/// Says why it is over, as far as a close frame has room.
pub(super) async fn close(socket: &mut WebSocketStream<TcpStream>, why: &str) {
    let end = (0..=MAX_REASON.min(why.len())).rev().find(|at| why.is_char_boundary(*at)).unwrap_or(0);
    let code = if why == HUNG_UP { CloseCode::Normal } else { CloseCode::Policy };
    // Who has gone already needs no farewell.
    let _ = socket.close(Some(CloseFrame { code, reason: why[..end].into() })).await;
}
