//! One recorded stream as a source: RTP at a port of its own, in order and unpacked.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::registry::Announcement;
use super::super::tap::{self, Heard, Introduction, Source};
use super::super::{CallTap, lock};
use super::rtp::{self, Jitter, Law};

/// A stream that fell silent (hold) and speaks again within this time is heard again.
const RESUMES_WITHIN: Duration = Duration::from_secs(600);
/// Packets that are still read when a stream is over; a peer may not go on for ever.
const MAX_REST: usize = 256;
/// Largest datagram of sound: 20 ms are 172 bytes.
const MAX_DATAGRAM: usize = 2_048;

/// The ports for RTP, tried round by round.
#[derive(Debug)]
pub(super) struct Ports {
    first: u16,
    count: u16,
    next: AtomicU16,
}

impl Ports {
    pub(super) fn new([first, last]: [u16; 2]) -> Self {
        // Even ones: the odd ones belong to RTCP, which nobody needs here.
        Self {
            first: first.next_multiple_of(2),
            count: last.saturating_sub(first).div_ceil(2).max(1),
            next: AtomicU16::new(0),
        }
    }

    /// A socket at a port that nobody has.
    pub(super) fn bind(&self, address: IpAddr) -> anyhow::Result<UdpSocket> {
        for _ in 0..self.count {
            let port = self.first + self.next.fetch_add(1, Ordering::Relaxed) % self.count * 2;
            if let Ok(socket) = std::net::UdpSocket::bind((address, port)) {
                socket.set_nonblocking(true)?;
                return Ok(UdpSocket::from_std(socket)?);
            }
        }
        anyhow::bail!("all ports for RTP are taken (siprec_rtp_ports)")
    }
}

/// What a session holds of a stream.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    pub(super) port: u16,
    pub(super) socket: Uuid,
    /// Payload type, and how its samples are packed.
    pub(super) law: (u8, Law),
    pub(super) told: Arc<Mutex<Announcement>>,
    /// It was given up, or its session has ended.
    pub(super) over: CancellationToken,
}

pub(super) struct Rtp {
    tap: Arc<CallTap>,
    socket: UdpSocket,
    payload_type: u8,
    law: Law,
    jitter: Jitter,
    over: CancellationToken,
    buffer: Vec<u8>,
    /// It ended because nothing came.
    fell_silent: bool,
}

impl Rtp {
    pub(super) fn new(
        tap: Arc<CallTap>,
        socket: UdpSocket,
        (payload_type, law): (u8, Law),
        over: CancellationToken,
    ) -> Self {
        let buffer = vec![0; MAX_DATAGRAM];
        Self { tap, socket, payload_type, law, jitter: Jitter::default(), over, buffer, fell_silent: false }
    }

    /// The next samples, in order; of anything else than our sound none. `None`: it is over.
    async fn samples(&mut self) -> Option<Vec<i16>> {
        let now_ms = self.tap.clock.uptime_ms();
        let ready = self.jitter.ready(now_ms);
        if !ready.is_empty() {
            return Some(ready);
        }
        let wait = Duration::from_millis(self.jitter.wait_ms(now_ms).unwrap_or(1_000));
        let received = tokio::select! {
            () = self.over.cancelled() => return self.rest(),
            received = self.socket.recv_from(&mut self.buffer) => received,
            () = sleep(wait) => return Some(Vec::new()),
        };
        // An error is one of an earlier answer that nobody took.
        let Ok((count, peer)) = received else { return Some(Vec::new()) };
        Some(self.unpack(count, peer))
    }

    /// The samples that are next by what lies in the buffer.
    fn unpack(&mut self, count: usize, peer: SocketAddr) -> Vec<i16> {
        let packet = rtp::parse(&self.buffer[..count]).filter(|_| self.tap.config.admits(peer.ip()));
        let Some(packet) = packet.filter(|p| p.payload_type == self.payload_type) else { return Vec::new() };
        self.jitter.arrive(self.tap.clock.uptime_ms(), packet, self.law)
    }

    /// What had come before it was over, and `None` after that.
    fn rest(&mut self) -> Option<Vec<i16>> {
        let mut samples = Vec::new();
        for _ in 0..MAX_REST {
            let Ok((count, peer)) = self.socket.try_recv_from(&mut self.buffer) else { break };
            samples.append(&mut self.unpack(count, peer));
        }
        samples.append(&mut self.jitter.flush());
        (!samples.is_empty()).then_some(samples)
    }
}

impl Source for Rtp {
    async fn next(&mut self) -> anyhow::Result<Heard> {
        Ok(match self.samples().await {
            None => Heard::Ended("hung up".to_owned()),
            Some(samples) if samples.is_empty() => Heard::Nothing,
            Some(samples) => Heard::Sound { rate_hz: rtp::RATE_HZ, samples },
        })
    }

    async fn farewell(&mut self, why: &str) {
        self.fell_silent = why.starts_with("no audio");
    }
}

/// Records a stream until its session ends; one that falls silent and speaks again is a further leg of its call.
pub(super) async fn record(
    tap: Arc<CallTap>,
    mut rtp: Rtp,
    handle: Handle,
    peer: SocketAddr,
    cancel: CancellationToken,
) {
    loop {
        let told = lock(&handle.told).clone();
        let introduction = Introduction { socket: handle.socket, told, both_legs: false };
        rtp.fell_silent = false;
        if let Err(error) = tap::take(&tap, &mut rtp, introduction, &peer.to_string(), &cancel).await {
            tap.counters.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%peer, error = format!("{error:#}"), "recorded stream turned away");
            return;
        }
        if !rtp.fell_silent {
            return;
        }
        let sound = async {
            loop {
                match rtp.socket.peek_from(&mut rtp.buffer).await {
                    Ok((count, from))
                        if tap.config.admits(from.ip()) && rtp::parse(&rtp.buffer[..count]).is_some() =>
                    {
                        return;
                    }
                    _ => {
                        let _ = rtp.socket.try_recv(&mut rtp.buffer);
                    }
                }
            }
        };
        tokio::select! {
            () = cancel.cancelled() => return,
            () = handle.over.cancelled() => return,
            () = sleep(RESUMES_WITHIN) => return,
            () = sound => {}
        }
    }
}
