//! A telephone exchange as the box sees it: it announces a call over HTTP and sends each leg by AudioSocket.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use protocol::{Chance, Clock, Leg};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use uuid::Uuid;

/// Samples of one AudioSocket frame: 20 ms at 8 kHz.
const FRAME: usize = 160;

const HANGUP: u8 = 0x00;
const UUID: u8 = 0x01;
const AUDIO_8K: u8 = 0x10;

/// One call to place.
#[derive(Clone, Debug)]
pub struct Call {
    pub call_id: Uuid,
    /// The box's AudioSocket address, `host:port`.
    pub audio: String,
    /// The box's call interface, `http://host:port`; without it nobody says who calls.
    pub api: Option<String>,
    pub number: String,
    pub seat: String,
    /// 1.0 is real time, 10.0 ten times as fast.
    pub speed: f64,
}

/// What `PUT /v1/calls/{uuid}` says about one leg.
#[derive(Serialize)]
struct Announcement<'a> {
    call_id: Uuid,
    leg: Leg,
    caller: &'a str,
    seat: &'a str,
    direction: protocol::Direction,
}

impl Call {
    pub fn new(audio: impl Into<String>, api: Option<String>, chance: &Chance, clock: &dyn Clock) -> Self {
        Self {
            call_id: chance.uuid_v7(clock.now()),
            audio: audio.into(),
            api,
            number: "13800001234".into(),
            seat: "01".into(),
            speed: 1.0,
        }
    }

    /// Announces the call, plays both legs side by side and hangs up.
    pub async fn place(
        &self,
        caller: &[i16],
        operator: &[i16],
        chance: &Chance,
        clock: &dyn Clock,
    ) -> Result<()> {
        ensure!(self.speed > 0.0, "speed must be more than 0");
        let (one, two) = (chance.uuid_v7(clock.now()), chance.uuid_v7(clock.now()));
        self.announce(one, Leg::Caller).await?;
        self.announce(two, Leg::Operator).await?;
        tokio::try_join!(self.play(one, caller), self.play(two, operator))?;
        Ok(())
    }

    async fn announce(&self, socket: Uuid, leg: Leg) -> Result<()> {
        let Some(api) = &self.api else { return Ok(()) };
        let url = format!("{}/v1/calls/{socket}", api.trim_end_matches('/'));
        let body = Announcement {
            call_id: self.call_id,
            leg,
            caller: &self.number,
            seat: &self.seat,
            direction: protocol::Direction::Inbound,
        };
        let answer = crate::http::plain()?
            .put(&url)
            .json(&body)
            .send()
            .await
            .with_context(|| format!("announcing the call to {url}"))?;
        let status = answer.status();
        ensure!(
            status.is_success(),
            "announcing the call to {url}: {status}: {}",
            answer.text().await.unwrap_or_default()
        );
        Ok(())
    }

    /// One leg: its UUID, its sound in real time, its hang-up.
    pub async fn play(&self, socket: Uuid, samples: &[i16]) -> Result<()> {
        let mut stream = TcpStream::connect(&self.audio)
            .await
            .with_context(|| format!("connecting to the call tap at {}", self.audio))?;
        stream.set_nodelay(true).context("sending each frame at once")?;
        stream.write_all(&frame(UUID, socket.as_bytes())).await.context("sending the UUID")?;
        let started = Instant::now();
        for (i, chunk) in samples.chunks(FRAME).enumerate() {
            let bytes: Vec<u8> = chunk.iter().flat_map(|s| s.to_le_bytes()).collect();
            stream.write_all(&frame(AUDIO_8K, &bytes)).await.context("sending sound")?;
            let due = Duration::from_millis(20).mul_f64((i + 1) as f64 / self.speed);
            tokio::time::sleep_until(started + due).await;
        }
        stream.write_all(&frame(HANGUP, &[])).await.context("hanging up")?;
        stream.shutdown().await.context("closing the line")
    }
}

/// AudioSocket: one byte of type, two of length (big-endian), the payload.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a frame is at most 320 bytes here");
    let mut out = Vec::with_capacity(3 + payload.len());
    out.push(kind);
    out.extend(length.to_be_bytes());
    out.extend(payload);
    out
}

#[cfg(test)]
mod tests {
    use protocol::SystemClock;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// What arrives is the UUID, every sample in order, and the hang-up; in about the time it should take.
    #[tokio::test]
    async fn a_leg_arrives_whole_and_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let audio = listener.local_addr().unwrap().to_string();
        let reader = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).await.unwrap();
            bytes
        });
        let call = Call { speed: 4.0, ..Call::new(audio, None, &Chance::seeded(1), &SystemClock::new()) };
        let samples: Vec<i16> = (0..1_650).collect();
        let started = Instant::now();
        call.play(call.call_id, &samples).await.unwrap();
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(50), "11 frames of 20 ms at 4 × took {took:?}");

        let bytes = reader.await.unwrap();
        let mut rest = bytes.as_slice();
        let mut heard = Vec::new();
        let mut kinds = Vec::new();
        while let [kind, high, low, tail @ ..] = rest {
            let (payload, tail) = tail.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            kinds.push(*kind);
            if *kind == AUDIO_8K {
                heard.extend(payload.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)));
            } else if *kind == UUID {
                assert_eq!(payload, call.call_id.as_bytes());
            }
            rest = tail;
        }
        assert_eq!(heard, samples);
        assert_eq!((kinds.first(), kinds.last()), (Some(&UUID), Some(&HANGUP)));
    }
}
