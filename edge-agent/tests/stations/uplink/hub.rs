//! A hub that receipts late, twice, or not at all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::{
    DeviceState, Envelope, Event, IncidentId, LiveCall, MessageId, Receipt, ReceiptOutcome, Status, Topic,
    UtcMs,
};
use rumqttc::{AsyncClient, MqttOptions, Packet, QoS, TlsConfiguration, Transport};

/// What the hub of a test has seen and does about the n-th delivery of a message.
pub(super) type Policy = fn(sequence: u64, delivery: u32) -> Reaction;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Reaction {
    Silent,
    Once(ReceiptOutcome),
    Twice,
    LateMs(u64),
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) deliveries: BTreeMap<MessageId, u32>,
    pub(super) incidents: BTreeMap<IncidentId, u64>,
    pub(super) receipted: usize,
    pub(super) status: Vec<DeviceState>,
    pub(super) live: Vec<LiveCall>,
}

pub(super) struct Hub {
    pub(super) client: AsyncClient,
    pub(super) seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    pub(super) fn start(port: u16, tls: Arc<rustls::ClientConfig>, policy: Policy) -> Self {
        let mut options = MqttOptions::new("hub", "localhost", port);
        options
            .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)))
            .set_max_packet_size(262_144, 262_144);
        let (client, mut eventloop) = AsyncClient::new(options, 4_096);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (sender, shared) = (client.clone(), seen.clone());
        let task = tokio::spawn(async move {
            loop {
                match eventloop.poll().await {
                    Ok(rumqttc::Event::Incoming(Packet::ConnAck(_))) => {
                        sender.try_subscribe("v1/+/+/event/+", QoS::AtLeastOnce).unwrap();
                        sender.try_subscribe("v1/+/+/status", QoS::AtLeastOnce).unwrap();
                        sender.try_subscribe("v1/+/+/live", QoS::AtMostOnce).unwrap();
                    }
                    Ok(rumqttc::Event::Incoming(Packet::Publish(publish))) => {
                        react(&sender, &shared, policy, &publish);
                    }
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Self { client, seen, task }
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().deliveries.len()
    }
}

fn react(client: &AsyncClient, seen: &Mutex<Seen>, policy: Policy, publish: &rumqttc::Publish) {
    let topic = Topic::parse(&publish.topic).unwrap();
    let mut seen = seen.lock().unwrap();
    let (origin, id) = match topic {
        Topic::Event(origin, id) => (origin, id),
        Topic::Live(_) => {
            assert!(publish.qos == QoS::AtMostOnce && !publish.retain);
            return seen.live.push(serde_json::from_slice(&publish.payload).unwrap());
        }
        _ => return seen.status.push(serde_json::from_slice::<Status>(&publish.payload).unwrap().state),
    };
    let envelope = Envelope::decode(&publish.payload, &origin).unwrap();
    let delivery = seen.deliveries.entry(id).or_default();
    *delivery += 1;
    let reaction = policy(envelope.sequence, *delivery);
    if let Event::Incident(incident) = &envelope.event {
        seen.incidents.insert(incident.incident_id, envelope.sequence);
    }
    let send = move |client: &AsyncClient, outcome| {
        let receipt = Receipt { message_id: id, outcome, reason: None, at: UtcMs(0) };
        let topic = Topic::Receipt(origin.clone(), id).to_string();
        client.try_publish(topic, QoS::AtLeastOnce, false, serde_json::to_vec(&receipt).unwrap()).unwrap();
    };
    seen.receipted += usize::from(reaction != Reaction::Silent);
    match reaction {
        Reaction::Silent => {}
        Reaction::Once(outcome) => send(client, outcome),
        Reaction::Twice => {
            send(client, ReceiptOutcome::Stored);
            send(client, ReceiptOutcome::Duplicate);
        }
        Reaction::LateMs(ms) => {
            let client = client.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                send(&client, ReceiptOutcome::Stored);
            });
        }
    }
}
