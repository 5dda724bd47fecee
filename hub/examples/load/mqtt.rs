//! Boxes on MQTT: each has so many messages under way, and sends the next one when a receipt comes.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use hub::broker::client_tls;
use protocol::limits::MAX_PACKET_BYTES;
use protocol::{Chance, Clock as _, MessageId, Origin, SystemClock, Topic};
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
struct Boxed {
    origin: Origin,
    tally: Arc<Tally>,
    window: Semaphore,
    asked: Mutex<HashMap<MessageId, u64>>,
    subscribed: watch::Sender<bool>,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Value> {
    let chance = Arc::new(Chance::from_os());
    let app = arguments.hub.open(&chance).await?;
    let devices = arguments.hub.enrol(&app).await?;
    let (host, port) = arguments.at.rsplit_once(':').context("--at is HOST:PORT")?;
    let port: u16 = port.parse().context("--at is HOST:PORT")?;
    let folder = tempfile::tempdir()?;
    let ca = app.authority.ca_path();
    // Connected before the clock runs.
    let mut connected = Vec::new();
    for device in &devices {
        let options = options(device, folder.path(), &ca, (host, port), arguments.window)?;
        connected.push((device, AsyncClient::new(options, 2 * usize::from(arguments.window) + 8)));
    }
    let tally = Arc::new(Tally::begin(arguments.span));
    let mut boxes = Vec::new();
    for (device, (client, events)) in connected {
        let origin = device.enrolled.origin.clone();
        let messages = Messages::new(&origin, &chance, arguments.hub.kind, arguments.hub.joined)?;
        let one = Arc::new(Boxed {
            origin,
            tally: tally.clone(),
            window: Semaphore::new(usize::from(arguments.window)),
            asked: Mutex::default(),
            subscribed: watch::Sender::new(false),
        });
        tokio::spawn(listen(one.clone(), client.clone(), events));
        tokio::spawn(send(one.clone(), client, messages, chance.clone()));
        boxes.push(one);
    }
    tally.over().await;
    // Those under way are still answered.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let unanswered: usize = boxes.iter().map(|one| one.asked().len()).sum();
    let mut report = tally.report();
    ensure!(report["n"] != json!(0), "no receipt came: {}", report["other"]);
    report["unanswered"] = json!(unanswered);
    Ok(report)
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

async fn send(one: Arc<Boxed>, client: AsyncClient, mut messages: Messages, chance: Arc<Chance>) {
    let clock = SystemClock::new();
    if one.subscribed.subscribe().wait_for(|yes| *yes).await.is_err() {
        return;
    }
    while !one.tally.is_over() {
        let Ok(permit) = one.window.acquire().await else { return };
        permit.forget();
        let (id, text) = messages.next(&chance, clock.now());
        one.asked().insert(id, one.tally.now_us());
        let topic = Topic::Event(one.origin.clone(), id).to_string();
        if client.publish(topic, QoS::AtLeastOnce, false, text).await.is_err() {
            return;
        }
    }
}
