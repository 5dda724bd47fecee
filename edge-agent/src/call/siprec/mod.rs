//! A SIPREC recording server (RFC 7866): the exchange calls us by SIP ([`wire`], [`message`]), offers one or two G.711
//! streams with metadata ([`offer`]), and each stream becomes a leg ([`stream`], [`rtp`]).
//!
//! Lenient: missing labels, metadata or `Require: siprec` are no reason to refuse. What cannot be taken gets the answer
//! that says why, and harms no other session. A session ends by BYE, or when none of its streams has been heard for ten
//! minutes. Deliberately absent: ending a session ourselves, encrypted media, registration.

pub mod message;
pub mod offer;
pub mod rtp;

mod naming;
mod stream;
mod wire;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::CallId;
use tokio::net::UdpSocket;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{CallTap, Cause, lock, tap, words};
use message::{Request, Wrong};
use offer::{Metadata, Stream};
use stream::{Handle, Ports, Rtp};

/// Streams of one session that are recorded: two sides.
const MAX_LEGS: usize = 2;
/// An answer is said again after this long, then after twice as long, until it is acknowledged.
const AGAIN: Duration = Duration::from_millis(500);
const AGAIN_AT_MOST: Duration = Duration::from_secs(4);
/// A session that nobody acknowledges is given up.
const UNACKNOWLEDGED: Duration = Duration::from_secs(32);
const ALLOW: (&str, &str) = ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE");

/// Where a request came from, and how we are reached from there.
struct Way {
    peer: SocketAddr,
    local: IpAddr,
    /// Set where answers may be lost.
    udp: Option<Arc<UdpSocket>>,
}

struct Session {
    tag: String,
    /// Of the last INVITE or UPDATE, with the answer that it got.
    last: (u32, Vec<u8>),
    version: u64,
    /// By their place in the offer.
    streams: Vec<Option<Handle>>,
    sdp: String,
    call_id: CallId,
    acknowledged: CancellationToken,
    over: CancellationToken,
}

type Key = (String, String);

struct Server {
    tap: Arc<CallTap>,
    port: u16,
    ports: Ports,
    sessions: Mutex<HashMap<Key, Session>>,
    streams: TaskTracker,
    cancel: CancellationToken,
}

/// Serves until cancelled; returns when all legs are on disk.
pub(super) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) {
    let Some(address) = tap.config.siprec_listen else { return };
    let Some(listener) = tap.bind(Cause::SiprecPort, address, &cancel).await else { return };
    // Both at one port, also where the system chose it.
    let own = listener.local_addr().unwrap_or(address);
    let socket = loop {
        match UdpSocket::bind(own).await {
            Ok(socket) => break Arc::new(socket),
            Err(error) => {
                let words = format!("cannot listen at {own} (UDP): {error}; is another program there?");
                tap.trouble(Cause::SiprecPort, Some(words));
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = sleep(Duration::from_secs(5)) => {}
        }
    };
    tap.trouble(Cause::SiprecPort, None);
    lock(&tap.status).siprec_listening = Some(own);
    tracing::info!(address = %own, "waiting for calls by SIPREC");
    let server = Arc::new(Server {
        port: own.port(),
        ports: Ports::new(tap.config.siprec_rtp_ports),
        tap,
        sessions: Mutex::default(),
        streams: TaskTracker::new(),
        cancel,
    });
    tokio::join!(wire::udp(Arc::clone(&server), socket), wire::tcp(Arc::clone(&server), listener));
    server.streams.close();
    server.streams.wait().await;
}

impl Server {
    fn admits(&self, peer: SocketAddr) -> bool {
        let admits = self.tap.config.admits(peer.ip());
        if !admits {
            self.tap.counters.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%peer, "turned away: not among calls.peers (this box itself always is)");
        }
        admits
    }

    fn wrong(&self, peer: SocketAddr, error: Wrong) {
        self.tap.counters.refused.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%peer, %error, "what came to the SIPREC port was refused");
    }

    /// What is to be answered.
    async fn handle(self: &Arc<Self>, request: Request, way: Way) -> Option<Vec<u8>> {
        let tag = || hex::encode(self.tap.chance.bytes::<8>());
        let refuse = |status: u16, reason: &str, more: &[(&str, &str)]| {
            if status >= 400 && request.method != "ACK" {
                self.tap.counters.refused.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(peer = %way.peer, method = request.method, status, reason, "a SIP request was refused");
            }
            (request.method != "ACK").then(|| request.answer(status, reason, &tag(), more, ""))
        };
        if let Some(missing) = request.lacks() {
            return refuse(400, &format!("Missing {missing}"), &[]);
        }
        let (Some(sequence), Some(key)) = (request.sequence(), request.dialog()) else {
            let acknowledges = request.method == "ACK";
            return if acknowledges { None } else { refuse(400, "Bad CSeq", &[]) };
        };
        let known =
            lock(&self.sessions).get(&key).map(|s| (s.tag.clone(), s.acknowledged.clone(), s.last.clone()));
        match (&*request.method, known) {
            ("OPTIONS", _) => refuse(
                200,
                "OK",
                &[
                    ALLOW,
                    ("Accept", "application/sdp, application/rs-metadata+xml, multipart/mixed"),
                    ("Supported", "siprec"),
                ],
            ),
            ("ACK", known) => {
                if let Some((_, acknowledged, _)) = known {
                    acknowledged.cancel();
                }
                None
            }
            // Every INVITE is answered at once, so that there is nothing to cancel.
            ("CANCEL", Some((tag, ..))) => Some(request.answer(200, "OK", &tag, &[], "")),
            ("BYE", Some((tag, ..))) => {
                if let Some(session) = lock(&self.sessions).remove(&key) {
                    session.over.cancel();
                }
                Some(request.answer(200, "OK", &tag, &[], ""))
            }
            ("INVITE" | "UPDATE", Some((_, _, (last, answer)))) if last == sequence => Some(answer),
            ("INVITE" | "UPDATE", Some((_, _, (last, _)))) if last > sequence => {
                refuse(500, "CSeq Out Of Order", &[])
            }
            ("INVITE" | "UPDATE", Some(_)) => match self.change(&request, &key, sequence, &way) {
                Ok(answer) => Some(answer),
                Err(reason) => refuse(488, &reason, &[]),
            },
            ("INVITE", None) if request.to_tag().is_none() => {
                let unknown = request.unknown_needs(&["siprec"]).join(", ");
                if !unknown.is_empty() {
                    return refuse(420, "Bad Extension", &[("Unsupported", &unknown)]);
                }
                let full = lock(&self.sessions).len() >= self.tap.config.max_calls;
                if full || tap::room(&self.tap).await.is_err() {
                    return refuse(503, "No Room", &[("Retry-After", "30")]);
                }
                match self.begin(&request, key, sequence, &way, tag()) {
                    Ok(answer) => Some(answer),
                    Err(reason) => refuse(488, &reason, &[]),
                }
            }
            ("INVITE" | "UPDATE" | "BYE" | "CANCEL", None) => refuse(481, "No Such Session", &[]),
            _ => refuse(405, "Method Not Allowed", &[ALLOW]),
        }
    }

    fn begin(
        self: &Arc<Self>,
        request: &Request,
        key: Key,
        sequence: u32,
        way: &Way,
        tag: String,
    ) -> Result<Vec<u8>, String> {
        let parts = offer::parts(request.header("content-type").unwrap_or_default(), &request.body);
        let streams = offer::streams(&parts.sdp.ok_or("No Offer In It")?);
        if !streams.iter().any(Stream::usable) {
            return Err("No G.711 Stream That Sends".to_owned());
        }
        let told = parts.metadata.as_deref().map(offer::metadata).unwrap_or_default();
        let call_id = CallId(words::id_of(told.session.as_deref().unwrap_or(&key.0)));
        let mut session = Session {
            tag,
            last: (sequence, Vec::new()),
            version: 0,
            streams: Vec::new(),
            sdp: String::new(),
            call_id,
            acknowledged: CancellationToken::new(),
            over: self.cancel.child_token(),
        };
        self.take(&mut session, &key, &streams, &told, way).map_err(|e| format!("{e:#}"))?;
        let answer = self.say(request, &mut session, sequence, way, true);
        let tag = session.tag.clone();
        lock(&self.sessions).insert(key.clone(), session);
        // Its streams may have been turned away before it was known.
        self.forget(&key, &tag);
        Ok(answer)
    }

    fn change(
        self: &Arc<Self>,
        request: &Request,
        key: &Key,
        sequence: u32,
        way: &Way,
    ) -> Result<Vec<u8>, String> {
        let parts = offer::parts(request.header("content-type").unwrap_or_default(), &request.body);
        let mut sessions = lock(&self.sessions);
        let session = sessions.get_mut(key).ok_or("No Such Session")?;
        let told = parts.metadata.as_deref().map(offer::metadata).unwrap_or_default();
        let offered = parts.sdp.is_some();
        // Without an offer the streams are those of before.
        let streams = parts.sdp.as_deref().map(offer::streams);
        match streams {
            Some(streams) => self.take(session, key, &streams, &told, way).map_err(|e| format!("{e:#}"))?,
            None => self.tell(session, &told),
        }
        let with_sdp = offered || request.method == "INVITE";
        Ok(self.say(request, session, sequence, way, with_sdp))
    }

    /// The answer that a session gives now, kept to be said again.
    fn say(
        &self,
        request: &Request,
        session: &mut Session,
        sequence: u32,
        way: &Way,
        with_sdp: bool,
    ) -> Vec<u8> {
        let contact = format!("<sip:{}>;+sip.srs", SocketAddr::new(way.local, self.port));
        let mut more = vec![("Contact", contact.as_str()), ALLOW, ("Supported", "siprec")];
        if with_sdp {
            more.push(("Content-Type", "application/sdp"));
        }
        let answer = request.answer(200, "OK", &session.tag, &more, if with_sdp { &session.sdp } else { "" });
        session.last = (sequence, answer.clone());
        if request.method == "INVITE" {
            session.acknowledged = CancellationToken::new();
            self.streams.spawn(say_again(
                answer.clone(),
                way.udp.clone(),
                way.peer,
                session.acknowledged.clone(),
                session.over.clone(),
            ));
        }
        answer
    }

    /// Brings a session's streams to what is offered: new ones begin, given-up ones end, the others stay at their
    /// ports.
    fn take(
        self: &Arc<Self>,
        session: &mut Session,
        key: &Key,
        offered: &[Stream],
        told: &Metadata,
        way: &Way,
    ) -> anyhow::Result<()> {
        session.streams.resize(session.streams.len().max(offered.len()), None);
        for (known, stream) in session.streams.iter_mut().zip(offered) {
            // Who changes his law begins a stream anew.
            let goes_on = stream.usable() && known.as_ref().is_none_or(|k| stream.law == Some(k.law));
            if !goes_on && let Some(given_up) = known.take() {
                given_up.over.cancel();
            }
        }
        let mut begun = Vec::new();
        for (index, stream) in offered.iter().enumerate().filter(|(_, stream)| stream.usable()) {
            let recorded = session.streams.iter().flatten().count();
            let Some(law) = stream.law.filter(|_| session.streams[index].is_none() && recorded < MAX_LEGS)
            else {
                continue;
            };
            let socket = self.ports.bind(way.local)?;
            let over = session.over.child_token();
            let handle = Handle {
                port: socket.local_addr()?.port(),
                socket: words::id_of(&format!("{} {} {} {index}", key.0, key.1, session.version)),
                law,
                told: Arc::default(),
                over: over.clone(),
            };
            begun.push((Rtp::new(Arc::clone(&self.tap), socket, law, over), handle.clone()));
            session.streams[index] = Some(handle);
        }
        let ports: Vec<Option<u16>> = session.streams.iter().map(|s| s.as_ref().map(|s| s.port)).collect();
        session.version += 1;
        session.sdp = offer::answer(offered, &ports, &way.local.to_string(), session.version);
        let heard = |index: usize, handle: &Option<Handle>| {
            handle.is_some().then(|| offered.get(index).and_then(|s| s.label.clone()))
        };
        let labels: Vec<Option<String>> =
            session.streams.iter().enumerate().filter_map(|(index, handle)| heard(index, handle)).collect();
        self.name(session, &labels, told);
        for (rtp, handle) in begun {
            let (server, key, tag) = (Arc::clone(self), key.clone(), session.tag.clone());
            let (peer, cancel) = (way.peer, self.cancel.clone());
            self.streams.spawn(async move {
                stream::record(Arc::clone(&server.tap), rtp, handle.clone(), peer, cancel).await;
                handle.over.cancel();
                server.forget(&key, &tag);
            });
        }
        Ok(())
    }

    /// A session none of whose streams is recorded any more is over: its exchange has gone without a word.
    fn forget(&self, key: &Key, tag: &str) {
        let mut sessions = lock(&self.sessions);
        let over = |s: &Session| s.tag == tag && s.streams.iter().flatten().all(|s| s.over.is_cancelled());
        if sessions.get(key).is_some_and(over)
            && let Some(session) = sessions.remove(key)
        {
            session.over.cancel();
        }
    }

    /// Metadata without an offer: labels are those of the answer.
    fn tell(&self, session: &Session, told: &Metadata) {
        let labels: Vec<Option<String>> = offer::streams(&session.sdp)
            .into_iter()
            .zip(&session.streams)
            .filter_map(|(stream, handle)| handle.is_some().then_some(stream.label))
            .collect();
        self.name(session, &labels, told);
    }

    fn name(&self, session: &Session, labels: &[Option<String>], metadata: &Metadata) {
        let is_seat = |number: &str| self.tap.config.seats.contains_key(number);
        let told = naming::told(session.call_id, labels, metadata, is_seat, &self.tap.sealer);
        for (handle, told) in session.streams.iter().flatten().zip(told) {
            let told = told.over(lock(&handle.told).clone());
            lock(&handle.told).clone_from(&told);
            let now_ms = self.tap.clock.uptime_ms();
            if lock(&self.tap.registry).announce(handle.socket, told, now_ms).is_err() {
                self.tap.word_refused();
            }
        }
    }
}

/// Says an answer again until it is acknowledged; ends a session that nobody acknowledges.
async fn say_again(
    answer: Vec<u8>,
    udp: Option<Arc<UdpSocket>>,
    peer: SocketAddr,
    acknowledged: CancellationToken,
    over: CancellationToken,
) {
    let mut wait = AGAIN;
    let saying = async {
        loop {
            sleep(wait).await;
            wait = (wait * 2).min(AGAIN_AT_MOST);
            if let Some(socket) = &udp {
                let _ = socket.send_to(&answer, peer).await;
            }
        }
    };
    tokio::select! {
        () = acknowledged.cancelled() => {}
        () = over.cancelled() => {}
        () = saying => {}
        () = sleep(UNACKNOWLEDGED) => over.cancel(),
    }
}
