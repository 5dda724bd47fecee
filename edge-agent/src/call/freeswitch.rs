//! L16 over WebSocket as a source, as FreeSWITCH's `mod_audio_stream` and `mod_audio_fork` send it: binary messages of
//! signed 16-bit little-endian PCM, one channel, or two interleaved (left caller, right callee). The URL says who it
//! is, `/v1/audio?uuid=…&rate=8000&channels=2&…` ([`super::words`] has the keys), or a JSON object in a text message,
//! which both modules send first; their sound may overtake it.
//!
//! Of a connection no more is held than one message (256 KiB). Neither side speaks otherwise: no sound is sent back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use protocol::{CallId, Leg};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use uuid::Uuid;

use super::CallTap;
use super::caller::Sealer;
use super::handshake::{self, HUNG_UP};
use super::listener::Wire;
use super::tap::{Heard, Introduction, Source};
use super::words::{self, Words};

const PATH: &str = "/v1/audio";
/// Four seconds of two legs at 16 kHz; the modules send 20 ms at a time.
const MAX_MESSAGE_BYTES: usize = 256 * 1_024;
/// Sound that came first waits this long for the text that should have, where the URL does not say its form.
const WORDS_AFTER_SOUND: Duration = Duration::from_millis(500);
/// Of a module that says nothing else.
const RATE_HZ: u32 = 8_000;

pub(super) struct WebSocket {
    socket: WebSocketStream<TcpStream>,
    rate_hz: u32,
    channels: usize,
    /// Bytes that do not make a whole sample of every channel yet.
    held: Vec<u8>,
    /// For words that come beside the sound.
    sealer: Arc<Sealer>,
}

impl Wire for WebSocket {
    async fn introduce(stream: TcpStream, tap: &CallTap) -> anyhow::Result<(Self, Introduction)> {
        let limits = WebSocketConfig::default()
            .read_buffer_size(8 * 1_024)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let (socket, said) = handshake::accept(stream, Some(PATH), limits, &tap.sealer).await?;
        let mut wire =
            Self { socket, rate_hz: RATE_HZ, channels: 1, held: Vec::new(), sealer: Arc::clone(&tap.sealer) };
        let said = match wire.first_words(tap, said).await {
            Ok(said) => said,
            Err(error) => {
                let _ = tokio::time::timeout(Duration::from_secs(1), wire.farewell(&error.to_string())).await;
                return Err(error);
            }
        };
        wire.rate_hz = said.rate_hz.unwrap_or(RATE_HZ);
        wire.channels = said.channels.unwrap_or(1);
        let drawn = || tap.chance.uuid_v7(tap.clock.now());
        let introduction = introduction(said, wire.channels, drawn);
        Ok((wire, introduction))
    }
}

/// Who connects with which words. Two connections may share one `uuid` and each say its own `leg`: the second leg gets
/// a name of its own then, and the `uuid` is the call.
pub(super) fn introduction(said: Words, channels: usize, drawn: impl Fn() -> Uuid) -> Introduction {
    let mut told = said.told;
    let both_legs = channels == 2;
    let mut socket = said.uuid.unwrap_or_else(drawn);
    if !both_legs && told.leg == Some(Leg::Operator) && said.uuid.is_some() {
        told.call_id = told.call_id.or(Some(CallId(socket)));
        socket = words::id_of(&format!("{socket} operator"));
    }
    Introduction { socket, told, both_legs }
}

impl WebSocket {
    /// Reads until it is known what the sound is: the URL says it, a text does, or none comes.
    async fn first_words(&mut self, tap: &CallTap, said: Words) -> anyhow::Result<Words> {
        let complete = |said: &Words| said.rate_hz.is_some() && said.channels.is_some();
        let mut patience: Option<Instant> = None;
        loop {
            let message = match patience {
                None => self.socket.next().await,
                Some(until) => match timeout_at(until, self.socket.next()).await {
                    Ok(message) => message,
                    Err(_) => return Ok(said),
                },
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    let Some(words) = Self::read(tap, &text)? else { continue };
                    return Ok(words.over(said));
                }
                Some(Ok(Message::Binary(bytes))) => {
                    self.held.extend_from_slice(&bytes);
                    if complete(&said) || self.held.len() >= MAX_MESSAGE_BYTES {
                        return Ok(said);
                    }
                    patience.get_or_insert_with(|| Instant::now() + WORDS_AFTER_SOUND);
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => anyhow::bail!("it closed without a sound"),
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// `None`: the text is no object, which both modules allow. It may hold a citizen's number and is not logged.
    fn read(tap: &CallTap, text: &str) -> anyhow::Result<Option<Words>> {
        let Ok(Value::Object(map)) = serde_json::from_str(text) else {
            tap.word_refused();
            tracing::warn!(bytes = text.len(), "a text beside the sound is no JSON object; it is left out");
            return Ok(None);
        };
        let words = words::of_object(&map, &tap.sealer).map_err(anyhow::Error::msg)?;
        if !words.wrong.is_empty() {
            tap.word_refused();
            tracing::warn!(keys = ?words.wrong, "words beside the sound are wrong; they are left out");
        }
        Ok(Some(words))
    }

    /// The whole samples that are held.
    fn sound(&mut self) -> Heard {
        let whole = self.held.len() / (2 * self.channels) * 2 * self.channels;
        let samples = self.held[..whole].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        self.held.drain(..whole);
        Heard::Sound { rate_hz: self.rate_hz, samples }
    }
}

impl Source for WebSocket {
    async fn next(&mut self) -> anyhow::Result<Heard> {
        // What came with the introduction.
        if self.held.len() >= 2 * self.channels {
            return Ok(self.sound());
        }
        match self.socket.next().await {
            // mod_audio_fork sends an empty one when it is told to stop, and waits for us to close.
            Some(Ok(Message::Binary(bytes))) if bytes.is_empty() => Ok(Heard::Ended(HUNG_UP.to_owned())),
            Some(Ok(Message::Binary(bytes))) => {
                self.held.extend_from_slice(&bytes);
                Ok(self.sound())
            }
            Some(Ok(Message::Text(text))) => self.later_words(&text),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Heard::Nothing),
            Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed)) => {
                Ok(Heard::Ended(HUNG_UP.to_owned()))
            }
            None => Ok(Heard::Ended("the connection closed".to_owned())),
            Some(Err(error)) => Err(error.into()),
        }
    }

    async fn farewell(&mut self, why: &str) {
        handshake::close(&mut self.socket, why).await;
    }
}

impl WebSocket {
    /// Metadata that the sound overtook, or a key that was pressed: that one has none of our words.
    fn later_words(&self, text: &str) -> anyhow::Result<Heard> {
        let Ok(Value::Object(map)) = serde_json::from_str(text) else { return Ok(Heard::Nothing) };
        let words = words::of_object(&map, &self.sealer).map_err(anyhow::Error::msg)?;
        for (what, said, known) in [
            ("rate", words.rate_hz.map(|rate| rate as usize), self.rate_hz as usize),
            ("channels", words.channels, self.channels),
        ] {
            anyhow::ensure!(
                said.is_none_or(|said| said == known),
                "{what}: {known} until now, {said:?} is said too late; say it in the URL"
            );
        }
        Ok(if words.told == super::Announcement::default() {
            Heard::Nothing
        } else {
            Heard::Told(words.told)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However two connections are named, the legs of one call end in one call, each on its side.
    #[test]
    fn legs_of_one_call() {
        let id = Uuid::from_u128(5);
        let said = |uuid: Option<Uuid>, call: Option<u128>, leg| {
            let mut said = Words { uuid, ..Words::default() };
            said.told.call_id = call.map(|id| CallId(Uuid::from_u128(id)));
            said.told.leg = leg;
            introduction(said, 1, || Uuid::from_u128(77))
        };
        let caller = said(Some(id), None, Some(Leg::Caller));
        let operator = said(Some(id), None, Some(Leg::Operator));
        assert_eq!(caller.socket, id);
        assert!(operator.socket != id && operator.told.call_id == Some(CallId(id)));
        let operator = said(Some(id), Some(9), Some(Leg::Operator));
        assert_eq!(operator.told.call_id, Some(CallId(Uuid::from_u128(9))));
        assert_eq!(said(None, Some(9), Some(Leg::Operator)).socket, Uuid::from_u128(77));
        assert!(introduction(Words::default(), 2, || id).both_legs);
    }
}
