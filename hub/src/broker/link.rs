//! The hub's own connection to the broker.
//!
//! `poll` has a task of its own and is never raced against anything; what is sent goes through `try_` calls, so no
//! side ever waits for the other. A receipt that finds no room is dropped and counted: its message comes again and
//! is answered `duplicate`. Messages are acknowledged after commit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use protocol::limits::MAX_PACKET_BYTES;
use protocol::{Receipt, Topic};
use rumqttc::{
    AsyncClient, ConnectReturnCode, Event, EventLoop, MqttOptions, Packet, Publish, QoS, TlsConfiguration,
    Transport,
};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::command;
use crate::intake::Item;

/// Receipts and acknowledgements that may wait to be sent.
const OUTGOING: usize = 8192;
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// A connection on which nothing arrived for this long, pings included, is made anew.
const SILENCE: Duration = Duration::from_secs(50);
/// How often the sender of commands looks by itself.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Where the broker is and how it knows us.
#[derive(Clone, Debug)]
pub enum Address {
    Internal(SocketAddr, String),
    /// Host, port and TLS with the hub's client certificate.
    External(String, u16, Arc<rustls::ClientConfig>),
}

/// The connection, made again for ever.
#[derive(Debug)]
pub struct Link {
    pub app: App,
    pub address: Address,
}

impl Link {
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = Duration::from_millis(200);
        while !stop.is_cancelled() {
            let started_ms = self.app.clock.uptime_ms();
            tokio::select! {
                () = stop.cancelled() => break,
                result = self.run_once() => if let Err(error) = result {
                    tracing::warn!("broker: {error:#}; connecting again");
                },
            }
            self.app.metrics.broker_down();
            if self.app.clock.uptime_ms().saturating_sub(started_ms) > 60_000 {
                pause = Duration::from_millis(200);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        self.app.metrics.broker_down();
    }

    async fn run_once(&self) -> anyhow::Result<()> {
        let (client, mut events) = AsyncClient::new(self.options(), OUTGOING);
        let sender = tokio::spawn(send_commands(self.app.clone(), client.clone()));
        let result = self.poll(&client, &mut events).await;
        sender.abort();
        result
    }

    async fn poll(&self, client: &AsyncClient, events: &mut EventLoop) -> anyhow::Result<()> {
        let filters = self.filters();
        let mut granted = 0;
        loop {
            let event =
                tokio::time::timeout(SILENCE, events.poll()).await.context("nothing heard for a while")??;
            match event {
                Event::Incoming(Packet::ConnAck(ack)) => {
                    anyhow::ensure!(ack.code == ConnectReturnCode::Success, "refused: {:?}", ack.code);
                    granted = 0;
                    for filter in &filters {
                        client.try_subscribe(filter, QoS::AtLeastOnce)?;
                    }
                }
                Event::Incoming(Packet::SubAck(ack)) => {
                    let refused = ack.return_codes.contains(&rumqttc::SubscribeReasonCode::Failure);
                    anyhow::ensure!(!refused, "the broker does not let the hub subscribe; look at its ACL");
                    granted += ack.return_codes.len();
                    if granted == filters.len() {
                        self.app.metrics.broker_up(self.app.clock.now());
                        self.app.commands.nudge();
                    }
                }
                Event::Incoming(Packet::Publish(publish)) => self.take(client, publish).await?,
                _ => {}
            }
        }
    }

    async fn take(&self, client: &AsyncClient, publish: Publish) -> anyhow::Result<()> {
        let topic = match Topic::parse(&publish.topic) {
            Ok(topic) => topic,
            Err(error) => {
                tracing::warn!(%error, "a message on a topic that is not ours");
                let _ = client.try_ack(&publish);
                return Ok(());
            }
        };
        if publish.retain && matches!(topic, Topic::Event(..) | Topic::Live(_)) {
            clear_retained(client, &publish);
            return Ok(());
        }
        if let Topic::Live(origin) = topic {
            self.app.running.hear(origin, &publish.payload);
            let _ = client.try_ack(&publish);
            return Ok(());
        }
        let (app, client) = (self.app.clone(), client.clone());
        let (payload, retained, must_arrive) =
            (publish.payload.clone(), publish.retain, publish.qos != QoS::AtMostOnce);
        let origin = topic.origin().clone();
        let item = Item {
            topic,
            payload,
            retained,
            reply: Box::new(move |receipt| {
                if let Some(receipt) = receipt {
                    send_receipt(&app, &client, &Topic::Receipt(origin, receipt.message_id), &receipt);
                }
                // Lost with its connection: the broker sends the message again, and it is a duplicate then.
                let _ = client.try_ack(&publish);
            }),
        };
        if must_arrive {
            anyhow::ensure!(self.app.intake.push(item).await, "the hub is stopping");
        } else {
            self.app.intake.offer(item);
        }
        Ok(())
    }

    /// Several hubs share the events, each gets all of the rest: a status kept by the broker comes to no shared
    /// subscription, and live words are for the pages of every hub.
    fn filters(&self) -> Vec<String> {
        let shared = |filter: &&str| self.replica().is_some() && filter.ends_with("/event/+");
        let named = |filter: &&str| {
            if shared(filter) { format!("$share/hub/{filter}") } else { (*filter).to_owned() }
        };
        Topic::HUB_FILTERS.iter().map(named).collect()
    }

    fn replica(&self) -> Option<u8> {
        match &self.address {
            Address::Internal(..) => None,
            Address::External(..) => self.app.config.broker.replica,
        }
    }

    fn options(&self) -> MqttOptions {
        let id = super::hub_name(self.replica());
        let mut options = match &self.address {
            Address::Internal(address, password) => {
                let mut options = MqttOptions::new(id, address.ip().to_string(), address.port());
                options.set_credentials(super::HUB_NAME, password);
                options
            }
            Address::External(host, port, tls) => {
                let mut options = MqttOptions::new(id, host, *port);
                options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())));
                options
            }
        };
        options
            .set_keep_alive(KEEP_ALIVE)
            // What waits for the only hub waits in its session. One of several leaves nothing behind: the others
            // take what comes, and what was under way is sent again by the boxes.
            .set_clean_session(self.replica().is_some())
            .set_manual_acks(true)
            .set_inflight(200)
            .set_max_packet_size(MAX_PACKET_BYTES, MAX_PACKET_BYTES);
        options
    }
}

/// A broker that keeps an event, or what is said on a call, hands it out at every subscription, years later too. No box
/// asks for that, and what is under way comes without it: the broker is told to forget it.
fn clear_retained(client: &AsyncClient, publish: &Publish) {
    tracing::warn!(
        topic = publish.topic,
        "the broker kept what is told once; it is cleared, not taken again"
    );
    // What finds no room is cleared at the next subscription.
    let _ = client.try_publish(publish.topic.clone(), QoS::AtLeastOnce, true, Vec::new());
    let _ = client.try_ack(publish);
}

fn send_receipt(app: &App, client: &AsyncClient, topic: &Topic, receipt: &Receipt) {
    let sent = serde_json::to_vec(receipt).map_err(|error| error.to_string()).and_then(|bytes| {
        client
            .try_publish(topic.to_string(), QoS::AtLeastOnce, false, bytes)
            .map_err(|error| error.to_string())
    });
    if sent.is_err() {
        app.metrics.receipts_dropped.inc();
    }
}

/// Sends what is due, when told and every few seconds.
async fn send_commands(app: App, client: AsyncClient) {
    loop {
        // Only a connection that stands takes commands: what went into one that never came up would count as sent.
        if app.metrics.broker_since().is_some()
            && let Err(error) = send_due(&app, &client).await
        {
            tracing::warn!("sending commands: {error:#}");
        }
        let _ = tokio::time::timeout(LOOK_AGAIN, app.commands.due()).await;
    }
}

async fn send_due(app: &App, client: &AsyncClient) -> anyhow::Result<()> {
    for (origin, due) in command::store::due(&app.db, app.clock.now(), 100).await? {
        // First the row, so that two hubs do not both send it; lost on the way, it is sent again.
        if !command::store::claim(&app.db, &origin, &due, app.clock.now()).await? {
            continue;
        }
        let topic = Topic::Command(origin, due.command.command_id).to_string();
        client.try_publish(topic, QoS::AtLeastOnce, false, serde_json::to_vec(&due.command)?)?;
        app.metrics.commands_sent.inc();
    }
    Ok(())
}
