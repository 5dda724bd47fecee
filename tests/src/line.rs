//! A telephone exchange that brings both legs of a call by one WebSocket, as FreeSWITCH's `mod_audio_fork` does: L16 at
//! 8 kHz, the caller left, the operator right, 20 ms at a time as it is spoken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::speech::RATE;

/// Samples of one leg in a message: 20 ms.
const FRAME: usize = RATE as usize / 50;
/// The box says farewell at once; on a busy machine a little later.
const FAREWELL: Duration = Duration::from_secs(30);

pub struct Line {
    socket: WebSocketStream<TcpStream>,
    sent: Arc<AtomicUsize>,
}

/// How a call was played.
#[derive(Clone, Copy, Debug)]
pub struct Played {
    /// When the first sample was spoken. The message with it follows when its 20 ms are over.
    pub began: Instant,
    /// The most that a message was late by this sender's own fault.
    pub late: Duration,
}

impl Line {
    /// Begins a call at the box's WebSocket, `host:port`; a call of the same id may have been there before.
    pub async fn open(at: &str, call_id: Uuid) -> Result<Self> {
        let stream = TcpStream::connect(at).await.with_context(|| format!("connecting to {at}"))?;
        stream.set_nodelay(true).context("sending each message at once")?;
        let url =
            format!("ws://{at}/v1/audio?uuid={call_id}&caller=13800001234&seat=01&rate={RATE}&channels=2");
        let (socket, _) = client_async(&url, stream).await.with_context(|| format!("opening {url}"))?;
        Ok(Self { socket, sent: Arc::default() })
    }

    /// How many samples of each leg have been sent so far.
    pub fn sent(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.sent)
    }

    /// Both legs in real time. An error when the box is gone.
    pub async fn play(&mut self, caller: &[i16], operator: &[i16]) -> Result<Played> {
        let (began, mut late) = (Instant::now(), Duration::ZERO);
        for (index, (left, right)) in caller.chunks(FRAME).zip(operator.chunks(FRAME)).enumerate() {
            let due = began + Duration::from_millis(20 * (index as u64 + 1));
            sleep_until(due).await;
            late = late.max(due.elapsed());
            let pairs = left.iter().zip(right).flat_map(|(left, right)| [*left, *right]);
            let bytes: Vec<u8> = pairs.flat_map(i16::to_le_bytes).collect();
            self.socket.send(Message::binary(bytes)).await.context("sending sound")?;
            self.sent.fetch_add(left.len().min(right.len()), Ordering::Release);
        }
        Ok(Played { began, late })
    }

    /// An empty message, then the box closes.
    pub async fn hang_up(mut self) -> Result<()> {
        self.socket.send(Message::binary(Vec::new())).await.context("hanging up")?;
        let closed = async { while self.socket.next().await.is_some_and(|message| message.is_ok()) {} };
        timeout(FAREWELL, closed).await.context("waiting for the box's farewell")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// What arrives is every sample of both legs, interleaved and in order, no faster than it is spoken, then an empty
    /// message.
    #[tokio::test]
    async fn both_legs_arrive_whole_and_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let boxed = tokio::spawn(async move {
            let mut socket =
                tokio_tungstenite::accept_async(listener.accept().await.unwrap().0).await.unwrap();
            let mut heard = Vec::new();
            while let Some(Ok(Message::Binary(bytes))) = socket.next().await {
                if bytes.is_empty() {
                    break;
                }
                heard.extend(bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])));
            }
            socket.close(None).await.unwrap();
            heard
        });
        let (caller, operator): (Vec<i16>, Vec<i16>) = ((0..500).collect(), (1_000..1_500).collect());
        let mut line = Line::open(&at, Uuid::nil()).await.unwrap();
        let played = line.play(&caller, &operator).await.unwrap();
        assert!(played.began.elapsed() >= Duration::from_millis(80), "3 messages of 20 ms and a short one");
        assert_eq!(line.sent().load(Ordering::Acquire), 500);
        line.hang_up().await.unwrap();
        let heard = boxed.await.unwrap();
        let side = |channel: usize| heard.iter().skip(channel).step_by(2).copied().collect::<Vec<i16>>();
        assert_eq!((side(0), side(1)), (caller, operator));
    }
}
