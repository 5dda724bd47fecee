//! Boxes on MQTT: each has so many messages under way, and sends the next one when a receipt comes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use hub::app::App;
use hub::broker::client_tls;
use protocol::limits::MAX_PACKET_BYTES;
use protocol::{Chance, Clock as _, IncidentId, MessageId, Origin, SystemClock, Topic};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS, TlsConfiguration, Transport};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};

use super::message::Messages;
use super::tally::Tally;
use super::{Device, Hub, Span};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    hub: Hub,
    #[command(flatten)]
    span: Span,
    /// HOST:PORT of the broker, under a name that is in its certificate.
    #[arg(long)]
    at: String,
    /// Messages that a box has under way.
    #[arg(long, default_value_t = 16)]
    window: u16,
}

/// What one box has under way.
#[derive(Debug)]
struct Boxed {
    origin: Origin,
    tally: Arc<Tally>,
    window: Semaphore,
    asked: Mutex<HashMap<MessageId, u64>>,
    published: Mutex<Vec<(IncidentId, u64)>>,
    subscribed: watch::Sender<bool>,
}

/// How fast they send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As receipts come.
    Receipts,
    /// So many a second, all together.
    PerSecond(u32),
}

/// Boxes that are connected and send until the measurement is over.
#[derive(Debug)]
pub(crate) struct Boxes(Vec<Arc<Boxed>>);

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Value> {
    let chance = Arc::new(Chance::from_os());
    let app = arguments.hub.open(&chance).await?;
    let devices = arguments.hub.enrol(&app).await?;
    let tally = Arc::new(Tally::begin(arguments.span));
    let pace = Pace::Receipts;
    let (at, window) = (&arguments.at, arguments.window);
    let boxes = Boxes::begin(&app, &devices, (at, window), &arguments.hub, &tally, &chance, pace)?;
    tally.over().await;
    // Those under way are still answered.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut report = tally.report();
    ensure!(report["n"] != json!(0), "no receipt came: {}", report["other"]);
    report["unanswered"] = json!(boxes.unanswered());
    Ok(report)
}

impl Boxes {
    /// `at`: HOST:PORT of the broker, and how many messages each has under way.
    pub(crate) fn begin(
        app: &App,
        devices: &[Device],
        (at, window): (&str, u16),
        hub: &Hub,
        tally: &Arc<Tally>,
        chance: &Arc<Chance>,
        pace: Pace,
    ) -> anyhow::Result<Self> {
        let (host, port) = at.rsplit_once(':').context("--at is HOST:PORT")?;
        let port: u16 = port.parse().context("--at is HOST:PORT")?;
        let folder = tempfile::tempdir()?;
        let ca = app.authority.ca_path();
        let mut boxes = Vec::new();
        for device in devices {
            let options = options(device, folder.path(), &ca, (host, port), window)?;
            let (client, events) = AsyncClient::new(options, 2 * usize::from(window) + 8);
            let origin = device.enrolled.origin.clone();
            let messages = Messages::new(&origin, chance, hub.kind, hub.joined)?;
            let one = Arc::new(Boxed {
                origin,
                tally: tally.clone(),
                window: Semaphore::new(usize::from(window)),
                asked: Mutex::default(),
                published: Mutex::default(),
                subscribed: watch::Sender::new(false),
            });
            tokio::spawn(listen(one.clone(), client.clone(), events));
            let between = match pace {
                Pace::Receipts => None,
                Pace::PerSecond(count) => {
                    Some(Duration::from_secs_f64(devices.len() as f64 / f64::from(count)))
                }
            };
            tokio::spawn(send(one.clone(), client, messages, chance.clone(), between));
            boxes.push(one);
        }
        Ok(Self(boxes))
    }

    fn unanswered(&self) -> usize {
        self.0.iter().map(|one| one.asked().len()).sum()
    }

    /// Each incident that was sent at a pace, and when.
    pub(crate) fn published(&self) -> Vec<(IncidentId, u64)> {
        let lock = |one: &Boxed| one.published.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.0.iter().flat_map(|one| lock(one)).collect()
    }
}

fn options(
    device: &Device,
    folder: &Path,
    ca: &Path,
    (host, port): (&str, u16),
    window: u16,
) -> anyhow::Result<MqttOptions> {
    let origin = &device.enrolled.origin;
    let file = |ending: &str| folder.join(format!("{}.{ending}", origin.device));
    std::fs::write(file("pem"), &device.enrolled.certificate_pem)?;
    std::fs::write(file("key"), &device.key_pem)?;
    let tls = client_tls(ca, &file("pem"), &file("key"))?;
    let mut options = MqttOptions::new(format!("{}/{}", origin.tenant, origin.device), host, port);
    options
        .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)))
        .set_keep_alive(Duration::from_secs(20))
        .set_clean_session(true)
        .set_inflight(window.max(8))
        .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
    Ok(options)
}

impl Boxed {
    fn asked(&self) -> std::sync::MutexGuard<'_, HashMap<MessageId, u64>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(one: Arc<Boxed>, client: AsyncClient, mut events: EventLoop) {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                for filter in Topic::device_filters(&one.origin) {
                    let _ = client.try_subscribe(filter, QoS::AtLeastOnce);
                }
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => drop(one.subscribed.send_replace(true)),
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let Ok(Topic::Receipt(_, id)) = Topic::parse(&publish.topic) else { continue };
                let Some(asked_us) = one.asked().remove(&id) else { continue };
                let text = String::from_utf8_lossy(&publish.payload);
                if text.contains("\"stored\"") {
                    one.tally.answered(asked_us);
                } else {
                    one.tally.other(&text);
                }
                one.window.add_permits(1);
            }
            Ok(_) => {}
            Err(error) => {
                one.tally.other(&format!("connection: {error}"));
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

async fn send(
    one: Arc<Boxed>,
    client: AsyncClient,
    mut messages: Messages,
    chance: Arc<Chance>,
    between: Option<Duration>,
) {
    let clock = SystemClock::new();
    if one.subscribed.subscribe().wait_for(|yes| *yes).await.is_err() {
        return;
    }
    let mut ticks = between.map(tokio::time::interval);
    while !one.tally.is_over() {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let Ok(permit) = one.window.acquire().await else { return };
        permit.forget();
        let (id, incident, text) = messages.next(&chance, clock.now());
        let now_us = one.tally.now_us();
        one.asked().insert(id, now_us);
        if ticks.is_some() {
            one.published.lock().unwrap_or_else(PoisonError::into_inner).push((incident, now_us));
        }
        let topic = Topic::Event(one.origin.clone(), id).to_string();
        if client.publish(topic, QoS::AtLeastOnce, false, text).await.is_err() {
            return;
        }
    }
}
