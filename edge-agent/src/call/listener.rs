//! The AudioSocket port: one connection = one leg.
//!
//! A hostile or broken peer can neither hold memory (one frame and a quarter second of audio per connection), nor
//! fill the disk faster than real time, nor keep others out: a connection that does not name itself is the first to
//! go when too many wait, and everything has a deadline.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::{IncidentId, LiveCall};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::audiosocket::{Decoder, Frame};
use super::leg::{Arrival, FinishedLeg, LegRecorder, LegState};
use super::registry::TapId;
use super::vad::Method;
use super::{CallTap, Cause, lock};
use crate::outbox::free_bytes;

/// A connection must name itself within this time.
const INTRODUCTION: Duration = Duration::from_secs(5);
/// Connections that have not named themselves; the oldest goes when there are more.
const MAX_STRANGERS: usize = 64;
/// Audio is written this often, and synced every fourth time.
const WRITE_EVERY: Duration = Duration::from_millis(250);
const WRITES_PER_SYNC: u32 = 4;
/// Legs beyond this many are heard by `earshot`: a Silero of one's own takes 10 MB a leg.
const MAX_SILERO_LEGS: usize = 32;
/// A leg may be ahead of the clock by this much; beyond it the peer has to wait.
const MAX_LEAD_MS: u64 = 30_000;

/// Accepts until cancelled; then ends every leg and returns when all are on disk.
pub(super) async fn serve(tap: Arc<CallTap>, listener: TcpListener, cancel: CancellationToken) {
    let mut legs = JoinSet::new();
    let mut strangers: VecDeque<(CancellationToken, CancellationToken)> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            Some(_) = legs.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a call leg; trying again");
                sleep(Duration::from_millis(200)).await;
                continue;
            }
        };
        if !tap.config.admits(peer.ip()) {
            tap.counters.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%peer, "turned away: not among calls.peers (this box itself always is)");
            continue;
        }
        strangers.retain(|(known, _)| !known.is_cancelled());
        if strangers.len() >= MAX_STRANGERS
            && let Some((_, leave)) = strangers.pop_front()
        {
            leave.cancel();
        }
        let (known, leave) = (CancellationToken::new(), CancellationToken::new());
        strangers.push_back((known.clone(), leave.clone()));
        let (tap, cancel) = (Arc::clone(&tap), cancel.clone());
        legs.spawn(async move {
            let introduced = {
                // Dropped on every way out, so that the slot is free again.
                let _known = known.drop_guard();
                tokio::select! {
                    () = leave.cancelled() => Err(anyhow::anyhow!("others waited and it had not named itself")),
                    introduced = introduce(stream) => introduced,
                }
            };
            let taken = match introduced {
                Ok((connection, socket)) => take(&tap, connection, socket, peer, &cancel).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                tap.counters.refused.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%peer, error = format!("{error:#}"), "call leg turned away");
            }
        });
    }
    while legs.join_next().await.is_some() {}
}

struct Connection {
    stream: TcpStream,
    decoder: Decoder,
    buffer: Vec<u8>,
}

impl Connection {
    /// The next whole frame; `None` at the end of the stream.
    async fn next(&mut self) -> anyhow::Result<Option<Frame>> {
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

async fn introduce(stream: TcpStream) -> anyhow::Result<(Connection, Uuid)> {
    let mut connection = Connection { stream, decoder: Decoder::default(), buffer: vec![0; 4_096] };
    let first = timeout_at(Instant::now() + INTRODUCTION, connection.next())
        .await
        .map_err(|_| anyhow::anyhow!("it did not name itself within {} s", INTRODUCTION.as_secs()))??;
    match first {
        Some(Frame::Id(socket)) => Ok((connection, socket)),
        Some(other) => anyhow::bail!("the first frame must be the UUID, not {}", name_of(&other)),
        None => anyhow::bail!("it closed without a word"),
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

/// Takes the connection as a leg and follows it to its end. An error means that it was never taken.
async fn take(
    tap: &Arc<CallTap>,
    connection: Connection,
    socket: Uuid,
    peer: SocketAddr,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let folder = tap.ledger.archive.legs();
    let reserve = tap.disk_reserve_bytes;
    let free = blocking(move || Ok(free_bytes(&folder))).await?.unwrap_or(u64::MAX);
    anyhow::ensure!(
        free >= reserve,
        "{} MiB are free on the disk, {} are kept for what the box knows already (outbox.disk_reserve_bytes)",
        free >> 20,
        reserve >> 20
    );
    let (now, now_ms) = (tap.clock.now(), tap.clock.uptime_ms());
    let (id, state) = {
        let mut registry = lock(&tap.registry);
        let id = registry.open(socket, tap.config.max_calls, now_ms)?;
        let opened = registry.get(id).expect("opened in the line above");
        let incident_id = IncidentId::new(&tap.chance, now);
        let state = LegState {
            name: incident_id.to_string(),
            incident_id,
            socket,
            role: opened.role,
            announced: opened.announced.clone(),
            started_at: now,
            starts_at_ms: now_ms,
            run: tap.run,
            rate_hz: None,
        };
        (id, state)
    };
    let legs = {
        let mut live = lock(&tap.live_legs);
        live.insert(id, state.name.clone());
        live.len()
    };
    let method = if legs <= MAX_SILERO_LEGS { tap.method.clone() } else { Method::Earshot };
    let folder = tap.ledger.archive.legs();
    let recorder = blocking(move || LegRecorder::create(&folder, state, method)).await;
    let finished = match recorder {
        Ok(recorder) => {
            let told = lock(&tap.registry).get(id).map(|t| (t.call_id(), t.announced.seat.clone()));
            if let Some((call_id, seat)) = told {
                tap.tell_live(LiveCall::Started { call_id, seat, at: now });
            }
            tracing::info!(%peer, %socket, "call leg connected");
            follow(tap, id, connection, recorder, cancel).await
        }
        Err(error) => Err(error),
    };
    match finished {
        Ok(leg) => {
            lock(&tap.finished).insert(id, leg);
            tap.trouble(Cause::Recorder, None);
        }
        // What reached the disk is filed with the call.
        Err(error) => {
            tap.trouble(Cause::Recorder, Some(format!("a call leg lost its recorder: {error:#}")));
        }
    }
    lock(&tap.registry).close(id, tap.clock.uptime_ms());
    Ok(())
}

/// Reads until the leg ends, whatever ends it.
async fn follow(
    tap: &Arc<CallTap>,
    id: TapId,
    mut connection: Connection,
    mut recorder: LegRecorder,
    cancel: &CancellationToken,
) -> anyhow::Result<FinishedLeg> {
    let idle = Duration::from_secs(tap.config.idle_timeout_s);
    let mut ear = tap.ear(id);
    let mut arrivals: Vec<Arrival> = Vec::new();
    let mut idle_at = Instant::now() + idle;
    let mut write_at = Instant::now() + WRITE_EVERY;
    let mut writes = 0;
    let mut rate = None;
    let why = loop {
        // `next` keeps half a frame in the decoder, so leaving it at the deadline loses nothing.
        let frame = tokio::select! {
            () = cancel.cancelled() => break "the box shuts down".to_owned(),
            frame = timeout_at(write_at.min(idle_at), connection.next()) => frame,
        };
        match frame {
            // A frame without a sample is no audio.
            Ok(Ok(Some(Frame::Audio { rate_hz, samples }))) if !samples.is_empty() => {
                let known = *rate.get_or_insert(rate_hz);
                if known != rate_hz {
                    break format!("the exchange changed from {known} Hz to {rate_hz} Hz");
                }
                idle_at = Instant::now() + idle;
                let at_ms = tap.clock.uptime_ms();
                ear.hear(at_ms, rate_hz, &samples);
                arrivals.push(Arrival { at_ms, rate_hz, samples });
            }
            // Keys may be a PIN: neither kept nor logged. They do not keep a leg open that says nothing.
            Ok(Ok(Some(Frame::Dtmf(_) | Frame::Audio { .. }))) => {}
            Ok(Ok(Some(Frame::Hangup))) => break "hung up".to_owned(),
            Ok(Ok(Some(Frame::Error(code)))) => break format!("the exchange reports error {code:02x?}"),
            Ok(Ok(Some(Frame::Id(_)))) => break "a second UUID on one connection".to_owned(),
            Ok(Ok(None)) => break "the connection closed".to_owned(),
            Ok(Err(error)) => break format!("{error:#}"),
            Err(_) => {}
        }
        if Instant::now() >= idle_at {
            break format!("no audio for {} s", idle.as_secs());
        }
        let held: usize = arrivals.iter().map(|a| a.samples.len()).sum();
        if Instant::now() >= write_at || held >= 16_000 {
            if tap.is_too_long(id) {
                break format!("longer than {} minutes", tap.config.max_call_minutes);
            }
            write_at = Instant::now() + WRITE_EVERY;
            writes += 1;
            let batch = std::mem::take(&mut arrivals);
            let announced = (writes % WRITES_PER_SYNC == 0).then(|| tap.announced(id));
            recorder = blocking(move || {
                recorder.append(batch)?;
                if let Some(announced) = announced {
                    recorder.sync(announced)?;
                }
                Ok(recorder)
            })
            .await?;
            let ahead_ms = recorder.lead_ms(tap.clock.uptime_ms()).saturating_sub(MAX_LEAD_MS);
            if ahead_ms > 0 {
                // The peer waits in TCP: nothing is lost, nobody else is held up.
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = sleep(Duration::from_millis(ahead_ms)) => idle_at = Instant::now() + idle,
                }
            }
        }
    };
    tracing::info!(%why, "call leg ended");
    let announced = tap.announced(id);
    blocking(move || {
        recorder.append(arrivals)?;
        recorder.finish(announced)
    })
    .await
}

/// Runs disk and detector work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| anyhow::anyhow!("a disk task failed: {error}"))?
}
