//! AudioSocket as a source: one connection = one leg, named by the UUID that comes first. Who is on it is told by the
//! call API ([`super::api`]).

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::CallTap;
use super::audiosocket::{Decoder, Frame};
use super::listener::Wire;
use super::registry::Announcement;
use super::tap::{Heard, Introduction, Source};

/// Holds one frame (64 KiB) at most.
pub(super) struct AudioSocket {
    stream: TcpStream,
    decoder: Decoder,
    buffer: Vec<u8>,
}

impl AudioSocket {
    /// The next whole frame; `None` at the end of the stream. Half a frame stays in the decoder.
    async fn frame(&mut self) -> anyhow::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.decoder.next_frame()? {
                return Ok(Some(frame));
            }
            let count = self.stream.read(&mut self.buffer).await?;
            if count == 0 {
                return Ok(None);
            }
            self.decoder.feed(&self.buffer[..count]);
        }
    }
}

impl Wire for AudioSocket {
    async fn introduce(stream: TcpStream, _tap: &CallTap) -> anyhow::Result<(Self, Introduction)> {
        let mut wire = Self { stream, decoder: Decoder::default(), buffer: vec![0; 4_096] };
        match wire.frame().await? {
            Some(Frame::Id(socket)) => {
                Ok((wire, Introduction { socket, told: Announcement::default(), both_legs: false }))
            }
            Some(other) => anyhow::bail!("the first frame must be the UUID, not {}", name_of(&other)),
            None => anyhow::bail!("it closed without a word"),
        }
    }
}

impl Source for AudioSocket {
    async fn next(&mut self) -> anyhow::Result<Heard> {
        Ok(match self.frame().await? {
            Some(Frame::Audio { rate_hz, samples }) => Heard::Sound { rate_hz, samples },
            Some(Frame::Dtmf(_)) => Heard::Nothing,
            Some(Frame::Hangup) => Heard::Ended("hung up".to_owned()),
            Some(Frame::Error(code)) => Heard::Ended(format!("the exchange reports error {code:02x?}")),
            Some(Frame::Id(_)) => Heard::Ended("a second UUID on one connection".to_owned()),
            None => Heard::Ended("the connection closed".to_owned()),
        })
    }
}

fn name_of(frame: &Frame) -> &'static str {
    match frame {
        Frame::Hangup => "a hang-up",
        Frame::Id(_) => "a UUID",
        Frame::Dtmf(_) => "a key",
        Frame::Audio { .. } => "audio",
        Frame::Error(_) => "an error",
    }
}
