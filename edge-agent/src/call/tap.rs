//! The seam between wires and calls: whatever yields sound becomes one or two legs here, within the limits of the
//! configuration, on disk and in front of who listens live.
//!
//! A source reads its wire and knows nothing of calls; how many legs there may be, how long and how fast they may run,
//! what they cost on disk and what becomes of them is decided here, once for all sources. Memory of a connection: what
//! its source holds, and the sound of a tenth of a second.

use std::sync::Arc;
use std::time::Duration;

use protocol::{IncidentId, LiveCall};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::leg::{Arrival, FinishedLeg, LegRecorder, LegState};
use super::listener::blocking;
use super::live::Ear;
use super::registry::{Announcement, TapId};
use super::vad::Method;
use super::{CallTap, Cause, lock};
use crate::outbox::free_bytes;

/// Audio is written and told this often, and synced every tenth time.
const WRITE_EVERY: Duration = Duration::from_millis(100);
const WRITES_PER_SYNC: u32 = 10;
/// Samples that are written before it is time.
const MAX_HELD: usize = 16_000;
/// Legs beyond this many are heard by `earshot`: a Silero of one's own takes 10 MB a leg.
const MAX_SILERO_LEGS: usize = 32;
/// A leg may be ahead of the clock by this much; beyond it the peer has to wait.
const MAX_LEAD_MS: u64 = 30_000;
/// Words about the call that one connection may say; further ones are refused.
const MAX_WORDS: u32 = 64;
/// A peer that does not take its last words and its farewell within this time is left without; sooner when the box shuts
/// down.
const LAST_WORDS: Duration = Duration::from_secs(4);
const FAREWELL: Duration = Duration::from_secs(4);
const AT_END: Duration = Duration::from_secs(1);

/// Where the box shuts down, sound that a peer has sent already is recorded all the same: so long and so many samples at
/// most, until none is there for a moment.
const REST: Duration = Duration::from_secs(1);
const REST_SAMPLES: usize = 1 << 19;
const NONE_THERE: Duration = Duration::from_millis(15);

/// What comes from a wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Signed 16-bit; of a connection with two legs interleaved, whole pairs.
    Sound { rate_hz: u32, samples: Vec<i16> },
    /// Who calls, in mid-call.
    Told(Announcement),
    /// Something that means nothing here: a key, a sign of life. It keeps no leg open.
    Nothing,
    /// The leg is over, and why.
    Ended(String),
}

/// A wire that yields sound.
pub(super) trait Source: Send {
    /// The next that comes. Left at any moment and called again, it loses nothing. An error ends the leg, with what
    /// came before.
    fn next(&mut self) -> impl Future<Output = anyhow::Result<Heard>> + Send;

    /// The box stops taking this leg: what is there already is given at once, whatever its pace.
    fn hurry(&mut self) {}

    /// Its sound will be this leg of the tap's: for a wire whose peer wants the leg's words back.
    fn hear(&mut self, _tap: &CallTap, _leg: TapId) {}

    /// No more sound is taken, and what was heard will soon be known: says the last words, where they are wanted.
    fn last_words(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Says why it is over, where the wire has words for that.
    fn farewell(&mut self, _why: &str) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// What a connection said of itself before its sound.
#[derive(Clone, Debug)]
pub(super) struct Introduction {
    /// Names the connection: one leg, or both.
    pub(super) socket: Uuid,
    pub(super) told: Announcement,
    /// Two legs: the first is the caller, the second the operator, unless `told` says that the first is the operator.
    pub(super) both_legs: bool,
}

/// One leg that is being recorded.
struct Live {
    id: TapId,
    recorder: LegRecorder,
    ear: Ear,
    /// Came and is not written yet.
    arrivals: Vec<Arrival>,
}

/// Takes a connection as its legs and follows it to its end. An error means that it was never taken.
pub(super) async fn take(
    tap: &Arc<CallTap>,
    source: &mut impl Source,
    introduction: Introduction,
    peer: &str,
    cancel: &CancellationToken,
) -> anyhow::Result<()> {
    let began = begin(tap, &introduction).await;
    let (ids, recorders) = match began {
        Ok(began) => began,
        Err(error) => {
            within(FAREWELL, cancel, source.farewell(&format!("{error:#}"))).await;
            return Err(error);
        }
    };
    let finished = match recorders {
        Ok(recorders) => {
            let told = lock(&tap.registry).get(ids[0]).map(|t| (t.call_id(), t.announced.seat.clone()));
            if let Some((call_id, seat)) = told {
                tap.tell_live(LiveCall::Started { call_id, seat, at: tap.clock.now() });
            }
            let socket = introduction.socket;
            tracing::info!(peer, %socket, legs = ids.len(), "call leg connected");
            let legs = ids.iter().zip(recorders);
            let legs = legs
                .map(|(id, recorder)| Live { id: *id, recorder, ear: tap.ear(*id), arrivals: Vec::new() })
                .collect();
            source.hear(tap, ids[0]);
            follow(tap, socket, source, legs, cancel).await
        }
        Err(error) => Err(error),
    };
    let why = match finished {
        Ok((legs, why)) => {
            lock(&tap.finished).extend(ids.iter().copied().zip(legs));
            tap.trouble(Cause::Recorder, None);
            why
        }
        // What reached the disk is filed with the call.
        Err(error) => {
            tap.trouble(Cause::Recorder, Some(format!("a call leg lost its recorder: {error:#}")));
            "the box could not record it any more".to_owned()
        }
    };
    // Words find their call by its legs, so these stay until the last one is said.
    within(LAST_WORDS, cancel, source.last_words()).await;
    let now_ms = tap.clock.uptime_ms();
    ids.iter().for_each(|id| lock(&tap.registry).close(*id, now_ms));
    within(FAREWELL, cancel, source.farewell(&why)).await;
    Ok(())
}

async fn within(longest: Duration, cancel: &CancellationToken, saying: impl Future<Output = ()>) {
    tokio::select! {
        () = saying => {}
        () = sleep(longest) => {}
        () = async { cancel.cancelled().await; sleep(AT_END).await } => {}
    }
}

/// The disk has room for another leg; otherwise why not.
pub(super) async fn room(tap: &CallTap) -> anyhow::Result<()> {
    let folder = tap.ledger.archive.legs();
    let reserve = tap.disk_reserve_bytes;
    let free = blocking(move || Ok(free_bytes(&folder))).await?.unwrap_or(u64::MAX);
    anyhow::ensure!(
        free >= reserve,
        "{} MiB are free on the disk, {} are kept for what the box knows already (outbox.disk_reserve_bytes)",
        free >> 20,
        reserve >> 20
    );
    Ok(())
}

type Began = (Vec<TapId>, anyhow::Result<Vec<LegRecorder>>);

/// Enters the legs into the registry and makes their files. The outer error: they were not let in.
async fn begin(tap: &Arc<CallTap>, introduction: &Introduction) -> anyhow::Result<Began> {
    room(tap).await?;
    let (ids, states) = enter(tap, introduction)?;
    let legs = {
        let mut live = lock(&tap.live_legs);
        live.extend(ids.iter().copied().zip(states.iter().map(|state| state.name.clone())));
        live.len()
    };
    let method = if legs <= MAX_SILERO_LEGS { tap.method.clone() } else { Method::Earshot };
    // Who hears the running call finds its speech too; where that fails it is found in the leg's file afterwards.
    let method = (!tap.live_words.is_heard()).then_some(method);
    let folder = tap.ledger.archive.legs();
    let recorders = blocking(move || {
        states.into_iter().map(|state| LegRecorder::create(&folder, state, method.clone())).collect()
    })
    .await;
    Ok((ids, recorders))
}

fn enter(tap: &CallTap, introduction: &Introduction) -> anyhow::Result<(Vec<TapId>, Vec<LegState>)> {
    let Introduction { socket, told, both_legs } = introduction;
    let (now, now_ms) = (tap.clock.now(), tap.clock.uptime_ms());
    let mut registry = lock(&tap.registry);
    if *told != Announcement::default() {
        registry.announce(*socket, told.clone(), now_ms)?;
    }
    let (mut ids, mut states) = (Vec::new(), Vec::new());
    for _ in 0..=usize::from(*both_legs) {
        let id = match registry.open(*socket, tap.config.max_calls, now_ms) {
            Ok(id) => id,
            Err(refusal) => {
                ids.iter().for_each(|id| registry.close(*id, now_ms));
                return Err(refusal.into());
            }
        };
        let opened = registry.get(id).expect("opened just above");
        let incident_id = IncidentId::new(&tap.chance, now);
        states.push(LegState {
            name: incident_id.to_string(),
            incident_id,
            socket: *socket,
            role: opened.role,
            announced: opened.announced.clone(),
            started_at: now,
            starts_at_ms: now_ms,
            run: tap.run,
            rate_hz: None,
            ended: false,
        });
        ids.push(id);
    }
    Ok((ids, states))
}

/// Reads until the connection ends, whatever ends it; says also what.
async fn follow(
    tap: &Arc<CallTap>,
    socket: Uuid,
    source: &mut impl Source,
    mut legs: Vec<Live>,
    cancel: &CancellationToken,
) -> anyhow::Result<(Vec<FinishedLeg>, String)> {
    let idle = Duration::from_secs(tap.config.idle_timeout_s);
    let mut idle_at = Instant::now() + idle;
    let mut write_at = Instant::now() + WRITE_EVERY;
    let (mut writes, mut words) = (0, 0);
    let mut rate = None;
    let why = loop {
        // A source keeps what came in part, so leaving it at the deadline loses nothing.
        let heard = tokio::select! {
            () = cancel.cancelled() => {
                take_rest(tap, source, &mut legs, rate).await;
                break "the box shuts down".to_owned();
            }
            heard = timeout_at(write_at.min(idle_at), source.next()) => heard,
        };
        match heard {
            // A frame without a sample is no audio.
            Ok(Ok(Heard::Sound { rate_hz, samples })) if !samples.is_empty() => {
                let known = *rate.get_or_insert(rate_hz);
                if known != rate_hz {
                    break format!("the exchange changed from {known} Hz to {rate_hz} Hz");
                }
                idle_at = Instant::now() + idle;
                arrive(tap.clock.uptime_ms(), rate_hz, &samples, &mut legs);
            }
            // Keys may be a PIN: neither kept nor logged. They do not keep a leg open that says nothing.
            Ok(Ok(Heard::Nothing | Heard::Sound { .. })) => {}
            Ok(Ok(Heard::Told(told))) => {
                words += 1;
                hear_word(tap, socket, told, words);
            }
            Ok(Ok(Heard::Ended(why))) => break why,
            Ok(Err(error)) => break format!("{error:#}"),
            Err(_) => {}
        }
        if Instant::now() >= idle_at {
            break format!("no audio for {} s", idle.as_secs());
        }
        let held: usize = legs.iter().flat_map(|leg| &leg.arrivals).map(|a| a.samples.len()).sum();
        if Instant::now() >= write_at || held >= MAX_HELD {
            if tap.is_too_long(legs[0].id) {
                break format!("longer than {} minutes", tap.config.max_call_minutes);
            }
            write_at = Instant::now() + WRITE_EVERY;
            writes += 1;
            let sync = writes % WRITES_PER_SYNC == 0;
            let announced = if sync { tap.announced(legs[0].id) } else { None };
            legs = write(legs, announced, sync).await?;
            let now_ms = tap.clock.uptime_ms();
            let lead_ms = legs.iter().map(|leg| leg.recorder.lead_ms(now_ms)).max().unwrap_or(0);
            let ahead_ms = lead_ms.saturating_sub(MAX_LEAD_MS);
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
    let announced = tap.announced(legs[0].id);
    let legs = write(legs, None, false).await?;
    let finish = move || legs.into_iter().map(|leg| leg.recorder.finish(announced.clone())).collect();
    Ok((blocking(finish).await?, why))
}

/// Sound of all legs of a connection.
fn arrive(at_ms: u64, rate_hz: u32, samples: &[i16], legs: &mut [Live]) {
    let channels = legs.len();
    for (channel, leg) in legs.iter_mut().enumerate() {
        let own = side(samples, channel, channels);
        leg.ear.hear(at_ms, rate_hz, &own);
        leg.arrivals.push(Arrival { at_ms, rate_hz, samples: own });
    }
}

/// A peer that is faster than speech has to wait, so some of what it has sent waits with it: here, and in the connection.
async fn take_rest(tap: &CallTap, source: &mut impl Source, legs: &mut [Live], mut rate: Option<u32>) {
    source.hurry();
    let (until, mut room) = (Instant::now() + REST, REST_SAMPLES);
    while room > 0 && Instant::now() < until {
        let moment = until.min(Instant::now() + NONE_THERE);
        match timeout_at(moment, source.next()).await {
            Ok(Ok(Heard::Sound { rate_hz, samples })) if *rate.get_or_insert(rate_hz) == rate_hz => {
                room = room.saturating_sub(samples.len());
                if !samples.is_empty() {
                    arrive(tap.clock.uptime_ms(), rate_hz, &samples, legs);
                }
            }
            Ok(Ok(Heard::Nothing | Heard::Told(_))) => {}
            _ => return,
        }
    }
}

fn hear_word(tap: &CallTap, socket: Uuid, told: Announcement, nth: u32) {
    let taken = nth <= MAX_WORDS && lock(&tap.registry).announce(socket, told, tap.clock.uptime_ms()).is_ok();
    if !taken {
        tap.word_refused();
        tracing::warn!(%socket, "a word about a running call was refused: too many, or its call is full");
    }
}

/// Writes what came. `sync`: makes it survive a power cut, with what was told of it.
async fn write(
    mut legs: Vec<Live>,
    announced: Option<Announcement>,
    sync: bool,
) -> anyhow::Result<Vec<Live>> {
    blocking(move || {
        for leg in &mut legs {
            leg.recorder.append(std::mem::take(&mut leg.arrivals))?;
            if sync {
                leg.recorder.sync(announced.clone())?;
            }
        }
        Ok(legs)
    })
    .await
}

/// One channel of interleaved samples.
fn side(samples: &[i16], channel: usize, channels: usize) -> Vec<i16> {
    samples.iter().skip(channel).step_by(channels).copied().collect()
}
