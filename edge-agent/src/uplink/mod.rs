//! Station 7: the uplink. Publishes what waits in the outbox until the hub's receipt releases it; carries the
//! box's status up and commands down.
//!
//! The MQTT client library is transport only: nothing is believed delivered because it was acknowledged by the
//! broker, and no packet of a former connection is trusted to go out again. So each connection is a new client
//! with a clean session; what is due is read from the outbox; a connection on which nothing moves is rebuilt, and the
//! less often the less it helps.

mod window;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use protocol::limits::MAX_PACKET_BYTES;
use protocol::{Command, DeviceState, LiveCall, Origin, Receipt, Status, Topic};
use rumqttc::{
    AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::HubConfig;
use crate::health::LastError;
use crate::identity::{Enrolled, IdentityError};
use crate::outbox::{Outbox, OutboxError};
use window::Window;

/// Messages out at once without a receipt.
const IN_FLIGHT: u16 = 32;
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Nothing at all came in (not even the answer to a ping).
const SILENCE: Duration = Duration::from_secs(30);
/// Messages are out, the broker answers, but no receipt comes: the hub may be gone, or the session broken. Where a new
/// connection does not help, the next may take twice as long.
pub const NO_RECEIPT: Duration = Duration::from_secs(120);
const MAX_NO_RECEIPT: Duration = Duration::from_secs(3_600);
/// Status is published at least this often.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Resends are looked for this often.
const TICK: Duration = Duration::from_millis(500);
const BACK_OFF: Duration = Duration::from_millis(500);
const MAX_BACK_OFF: Duration = Duration::from_secs(15);
const PAGE: u32 = 256;

/// Where and as whom to connect.
#[derive(Clone)]
pub struct Address {
    pub origin: Origin,
    pub host: String,
    pub port: u16,
    /// Plain TCP without; only tests do that.
    pub tls: Option<std::sync::Arc<rustls::ClientConfig>>,
}

impl Address {
    /// As enrolment said, unless the configuration knows better.
    pub fn of(enrolled: &Enrolled, hub: &HubConfig) -> Result<Self, IdentityError> {
        let identity = &enrolled.identity;
        Ok(Self {
            origin: enrolled.origin(),
            host: hub.mqtt_host.clone().unwrap_or_else(|| identity.mqtt_host.clone()),
            port: hub.mqtt_port.unwrap_or(identity.mqtt_port),
            tls: Some(enrolled.tls()?),
        })
    }

    /// A connection without a past.
    pub fn options(&self) -> MqttOptions {
        let Self { origin, host, port, tls } = self;
        let mut options = MqttOptions::new(format!("{}/{}", origin.tenant, origin.device), host, *port);
        options
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_session(true)
            .set_inflight(IN_FLIGHT)
            .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
        if let Some(tls) = tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())));
        }
        options
    }
}

/// What the uplink tells health.
#[derive(Debug, Default)]
pub struct Health {
    pub connected: AtomicBool,
    pub connections: AtomicU64,
    pub published: AtomicU64,
    pub resent: AtomicU64,
    pub receipts: AtomicU64,
    /// Commands that found the command station busy; the hub sends them again.
    pub commands_dropped: AtomicU64,
    /// Messages of the hub that could not be read.
    pub unreadable: AtomicU64,
    pub last_error: LastError,
}

#[derive(Debug, thiserror::Error)]
enum LinkError {
    #[error("{0}")]
    Mqtt(Box<rumqttc::ConnectionError>),
    #[error("the broker refused the subscription to {0}")]
    Subscription(String),
    #[error("the polling task stopped")]
    Stopped,
    #[error("nothing came from the broker for {} s", SILENCE.as_secs())]
    Silence,
    #[error("the broker does not confirm the subscription")]
    Unsubscribed,
    #[error("no receipt for {} s", .0.as_secs())]
    NoReceipt(Duration),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

pub struct Uplink {
    pub address: Address,
    pub outbox: Outbox,
    pub status: watch::Receiver<Status>,
    pub commands: mpsc::Sender<Command>,
    /// Calls as they run. Told while the broker is there (QoS 0), forgotten otherwise.
    pub live: mpsc::Receiver<LiveCall>,
    pub health: std::sync::Arc<Health>,
    /// How long receipts may stay away before a new connection is tried: [`NO_RECEIPT`].
    pub no_receipt: Duration,
}

/// A packet of interest, from the task that polls.
enum Incoming {
    Connected,
    Subscribed(Vec<SubscribeReasonCode>),
    Message(Publish),
    /// Anything else that shows life.
    Alive,
    Failed(Box<rumqttc::ConnectionError>),
}

impl Uplink {
    /// Runs until cancelled: connects, backs off, connects again.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut back_off = BACK_OFF;
        let mut patience = self.no_receipt;
        while !cancel.is_cancelled() {
            let began = Instant::now();
            let result = self.run_once(&cancel, &mut patience).await;
            self.health.connected.store(false, Ordering::Relaxed);
            let Err(error) = result else { return };
            if let LinkError::NoReceipt(_) = error {
                patience = (patience * 2).min(MAX_NO_RECEIPT);
            }
            let text = error.to_string();
            if self.health.last_error.set(&text) {
                tracing::warn!(broker = %self.address.host, port = self.address.port, error = text, "uplink is down");
            }
            if began.elapsed() > MAX_BACK_OFF * 2 {
                back_off = BACK_OFF;
            }
            let _ = timeout(back_off, cancel.cancelled()).await;
            back_off = (back_off * 2).min(MAX_BACK_OFF);
        }
    }

    fn options(&self) -> MqttOptions {
        let mut options = self.address.options();
        let will = Status { state: DeviceState::Offline, ..self.status.borrow().clone() };
        options.set_last_will(LastWill::new(
            Topic::Status(self.address.origin.clone()).to_string(),
            encode(&will),
            QoS::AtLeastOnce,
            true,
        ));
        options
    }

    /// One connection. `Ok` only when cancelled.
    async fn run_once(
        &mut self,
        cancel: &CancellationToken,
        patience: &mut Duration,
    ) -> Result<(), LinkError> {
        let (client, eventloop) = AsyncClient::new(self.options(), usize::from(IN_FLIGHT) * 2);
        let (tx, rx) = mpsc::channel(256);
        let poller = tokio::spawn(poll(eventloop, tx));
        let result = self.serve(&client, rx, cancel, patience).await;
        if result.is_ok() {
            self.say_goodbye(&client).await;
        }
        poller.abort();
        result
    }

    async fn serve(
        &mut self,
        client: &AsyncClient,
        mut incoming: mpsc::Receiver<Incoming>,
        cancel: &CancellationToken,
        patience: &mut Duration,
    ) -> Result<(), LinkError> {
        let mut window = Window::new(usize::from(IN_FLIGHT));
        let (mut heard, mut status_sent) = (Instant::now(), None);
        let mut subscribed = false;
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let started = Instant::now();
        loop {
            // Each branch is a receive on a channel or a timer: none loses anything when another one wins.
            let packet = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                packet = incoming.recv() => Some(packet.ok_or(LinkError::Stopped)?),
                () = self.outbox.message_appended() => None,
                Some(word) = self.live.recv() => {
                    if subscribed {
                        self.publish_live(client, &word);
                    }
                    // Nothing waits longer in the outbox for it; looking there for each word costs more than telling it.
                    continue;
                }
                _ = tick.tick() => None,
            };
            let mut receipts = Vec::new();
            let mut next = packet;
            while let Some(packet) = next {
                heard = Instant::now();
                match packet {
                    Incoming::Connected => {
                        let filters = Topic::device_filters(&self.address.origin)
                            .map(|filter| SubscribeFilter::new(filter, QoS::AtLeastOnce));
                        // A new client's queue has room for its first request.
                        let _ = client.try_subscribe_many(filters);
                    }
                    Incoming::Subscribed(codes) => {
                        self.check_subscription(&codes)?;
                        subscribed = true;
                        status_sent = None;
                        // What was said while nobody heard is no longer live.
                        while self.live.try_recv().is_ok() {}
                        self.health.connected.store(true, Ordering::Relaxed);
                        self.health.connections.fetch_add(1, Ordering::Relaxed);
                        self.health.last_error.clear();
                        tracing::info!(broker = %self.address.host, port = self.address.port, "uplink is up");
                    }
                    Incoming::Message(publish) => self.take(&publish, &mut receipts),
                    Incoming::Alive => {}
                    Incoming::Failed(error) => return Err(LinkError::Mqtt(error)),
                }
                // Receipts that came together are settled in one commit.
                next = incoming.try_recv().ok();
            }
            if !receipts.is_empty() {
                self.outbox.settle(&receipts).await?;
                receipts.iter().for_each(|receipt| window.settled(receipt.message_id));
                self.health.receipts.fetch_add(receipts.len() as u64, Ordering::Relaxed);
                *patience = self.no_receipt;
            }
            if heard.elapsed() > SILENCE {
                return Err(LinkError::Silence);
            }
            if !subscribed {
                if started.elapsed() > SILENCE {
                    return Err(LinkError::Unsubscribed);
                }
                continue;
            }
            let now_ms = started.elapsed().as_millis() as u64;
            if window.unproven_ms(now_ms) > patience.as_millis() as u64 {
                return Err(LinkError::NoReceipt(*patience));
            }
            let changed = self.status.has_changed().unwrap_or(false);
            if status_sent.is_none_or(|at: Instant| changed || at.elapsed() > HEARTBEAT) {
                self.publish_status(client);
                status_sent = Some(Instant::now());
            }
            self.pump(client, &mut window, now_ms).await?;
        }
    }

    fn check_subscription(&self, codes: &[SubscribeReasonCode]) -> Result<(), LinkError> {
        let filters = Topic::device_filters(&self.address.origin);
        match codes.iter().position(|code| *code == SubscribeReasonCode::Failure) {
            Some(at) => Err(LinkError::Subscription(filters.get(at).cloned().unwrap_or_default())),
            None => Ok(()),
        }
    }

    /// A receipt is collected, a command handed on; anything else is not for us.
    fn take(&self, publish: &Publish, receipts: &mut Vec<Receipt>) {
        let topic = Topic::parse(&publish.topic);
        let ours = topic.as_ref().is_ok_and(|topic| *topic.origin() == self.address.origin);
        let read = match topic {
            Ok(Topic::Receipt(_, id)) if ours => serde_json::from_slice::<Receipt>(&publish.payload)
                .map(|receipt| (receipt.message_id == id).then(|| receipts.push(receipt)).is_some()),
            Ok(Topic::Command(_, id)) if ours => {
                serde_json::from_slice::<Command>(&publish.payload).map(|command| {
                    let fits = command.command_id == id;
                    if fits && self.commands.try_send(command).is_err() {
                        self.health.commands_dropped.fetch_add(1, Ordering::Relaxed);
                        tracing::warn!(command = %id, "busy: a command is left for the hub to send again");
                    }
                    fits
                })
            }
            _ => Ok(false),
        };
        if !matches!(read, Ok(true)) {
            self.health.unreadable.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(topic = publish.topic, error = ?read.err(), "a message of the hub cannot be read");
        }
    }

    fn publish_status(&mut self, client: &AsyncClient) {
        let payload = encode(&self.status.borrow_and_update());
        let topic = Topic::Status(self.address.origin.clone()).to_string();
        // Full queue: the next heartbeat follows soon.
        let _ = client.try_publish(topic, QoS::AtLeastOnce, true, payload);
    }

    fn publish_live(&self, client: &AsyncClient, word: &LiveCall) {
        let payload = serde_json::to_vec(word).expect("live words hold only ids, times and text");
        let topic = Topic::Live(self.address.origin.clone()).to_string();
        // Full queue: nothing depends on it.
        let _ = client.try_publish(topic, QoS::AtMostOnce, false, payload);
    }

    /// Sends what is due while there is room.
    async fn pump(&self, client: &AsyncClient, window: &mut Window, now_ms: u64) -> Result<(), OutboxError> {
        let mut room = window.room(now_ms);
        let mut after = None;
        while room > 0 {
            let page = self.outbox.head(after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            for (_, id) in page {
                if room == 0 {
                    return Ok(());
                }
                if !window.is_due(id, now_ms) {
                    continue;
                }
                let Some(envelope) = self.outbox.envelope(id).await? else { continue };
                let topic = Topic::Event(self.address.origin.clone(), id).to_string();
                if client.try_publish(topic, QoS::AtLeastOnce, false, envelope).is_err() {
                    return Ok(());
                }
                room -= 1;
                self.health.published.fetch_add(1, Ordering::Relaxed);
                if window.sent(id, now_ms) {
                    self.health.resent.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// Orderly end: a clean disconnect suppresses the last will, so the box says itself that it goes.
    async fn say_goodbye(&self, client: &AsyncClient) {
        let status = Status { state: DeviceState::Offline, ..self.status.borrow().clone() };
        let topic = Topic::Status(self.address.origin.clone()).to_string();
        if client.try_publish(topic, QoS::AtLeastOnce, true, encode(&status)).is_ok()
            && client.try_disconnect().is_ok()
        {
            // The polling task writes both to the socket.
            sleep(Duration::from_millis(300)).await;
        }
    }
}

fn encode(status: &Status) -> Vec<u8> {
    serde_json::to_vec(status).expect("a status holds only names, numbers and text")
}

/// The client's own task: `poll` is never cancelled half-way, or packets are lost. Ends at the first failure.
async fn poll(mut eventloop: EventLoop, events: mpsc::Sender<Incoming>) {
    eventloop.network_options.set_connection_timeout(10);
    loop {
        let event = match eventloop.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => Incoming::Connected,
            Ok(Event::Incoming(Packet::SubAck(ack))) => Incoming::Subscribed(ack.return_codes),
            Ok(Event::Incoming(Packet::Publish(publish))) => Incoming::Message(publish),
            Ok(Event::Incoming(_)) => Incoming::Alive,
            Ok(Event::Outgoing(_)) => continue,
            Err(error) => Incoming::Failed(Box::new(error)),
        };
        let failed = matches!(event, Incoming::Failed(_));
        if events.send(event).await.is_err() || failed {
            return;
        }
    }
}
