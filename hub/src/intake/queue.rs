//! The bounded queue before the database, and the worker that commits what waits together.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::tz::TimeZone;
use protocol::{Chance, Clock, MessageId, Origin, Receipt, Topic};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::allowance::Allowance;
use super::apply::{self, Context};
use super::message::Message;
use super::seen::Seen;
use crate::change::ChangeFeed;
use crate::command::Commands;
use crate::db::{self, Db};
use crate::gazetteer::Gazetteers;
use crate::grid::Grids;
use crate::metrics::Metrics;
use crate::policy::Policies;

/// Messages that may wait for the database. More than the broker lets be unacknowledged, so MQTT never fills it.
const QUEUE: usize = 1024;

/// Messages in one commit.
const BATCH: usize = 128;

/// A database that says nothing for this long has not taken the batch, or cannot tell: it is tried again, and what was
/// stored after all is a duplicate then. Longer than the database's own bounds.
const PATIENCE: Duration = Duration::from_secs(90);

/// Called after commit with the receipt, if the message has one. Dropped uncalled when the hub stops first.
pub type Reply = Box<dyn FnOnce(Option<Receipt>) + Send + Sync>;

/// One message on its way in.
pub struct Item {
    pub topic: Topic,
    pub payload: Bytes,
    pub retained: bool,
    pub reply: Reply,
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Item({}, {} bytes)", self.topic, self.payload.len())
    }
}

/// Why a message was not taken over HTTP.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    #[error("the body is not an envelope with an `id` that is a UUID")]
    NoId,
    #[error(
        "not taken now: the hub is stopping, has no room, the device is shut out or has sent too much; send the same message again later"
    )]
    Busy,
}

/// The way in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Intake {
    queue: mpsc::Sender<Item>,
    metrics: Arc<Metrics>,
}

impl Intake {
    pub fn new(metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<Item>) {
        let (queue, items) = mpsc::channel(QUEUE);
        (Self { queue, metrics }, items)
    }

    /// Waits for room. `false` when the hub is stopping.
    pub async fn push(&self, item: Item) -> bool {
        self.queue.send(item).await.is_ok()
    }

    /// For what may be lost: dropped and counted when there is no room.
    pub fn offer(&self, item: Item) {
        if self.queue.try_send(item).is_err() {
            self.metrics.intake_dropped.inc();
        }
    }

    /// One envelope over HTTP from an authenticated device; returns after commit.
    pub async fn submit(&self, origin: &Origin, payload: Bytes) -> Result<Receipt, SubmitError> {
        #[derive(serde::Deserialize)]
        struct Head {
            id: MessageId,
        }
        let Head { id } = serde_json::from_slice(&payload).map_err(|_| SubmitError::NoId)?;
        let (sender, receipt) = oneshot::channel();
        let item = Item {
            topic: Topic::Event(origin.clone(), id),
            payload,
            retained: false,
            reply: Box::new(move |receipt| {
                // The asker may have gone; it will ask again and be told `duplicate`.
                let _ = sender.send(receipt);
            }),
        };
        self.queue.try_send(item).map_err(|_| SubmitError::Busy)?;
        receipt.await.ok().flatten().ok_or(SubmitError::Busy)
    }
}

/// The database's side of the queue.
#[derive(Debug)]
pub struct Worker {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<Chance>,
    pub zone: TimeZone,
    pub changes: ChangeFeed,
    pub commands: Commands,
    pub metrics: Arc<Metrics>,
    pub allowance: Allowance,
    /// Messages that one box may have in quarantine.
    pub quarantine_most: i64,
    /// How long after its case was opened a callback number is kept.
    pub contact_life_ms: i64,
    pub policies: Policies,
    pub grids: Grids,
    pub gazetteers: Gazetteers,
}

impl Worker {
    /// Runs until `stop`; what still waits then has no receipt and comes again.
    pub async fn run(mut self, mut items: mpsc::Receiver<Item>, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                count = items.recv_many(&mut batch, BATCH) => if count == 0 { return },
            }
            self.take(std::mem::take(&mut batch), &stop).await;
        }
    }

    /// Commits the batch whole; when the database refuses it for its content, one by one.
    async fn take(&mut self, batch: Vec<Item>, stop: &CancellationToken) {
        let mut pause = Duration::from_millis(100);
        loop {
            let begun_us = self.clock.uptime_us();
            let committed = match tokio::time::timeout(PATIENCE, self.commit(&batch)).await {
                Ok(committed) => committed,
                Err(_) => Err(db::Error::Io(std::io::Error::other("the database does not answer"))),
            };
            match committed {
                Ok(receipts) => {
                    let took_us = self.clock.uptime_us().saturating_sub(begun_us);
                    self.metrics.intake_commit_seconds.observe(took_us as f64 / 1e6);
                    return self.answer(batch, receipts);
                }
                Err(error) if db::is_transient(&error) => {
                    tracing::warn!(%error, waiting = batch.len(), "the database does not take messages; trying again");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
                Err(error) if batch.len() > 1 => {
                    tracing::warn!(%error, "a batch was refused; taking its messages one by one");
                    for item in batch {
                        Box::pin(self.take(vec![item], stop)).await;
                    }
                    return;
                }
                Err(error) => return self.keep_poisoned(batch, &error).await,
            }
        }
    }

    async fn commit(&mut self, batch: &[Item]) -> db::Result<Vec<Option<Receipt>>> {
        let context = Context {
            chance: &self.chance,
            zone: &self.zone,
            now: self.clock.now(),
            quarantine_most: self.quarantine_most,
            contact_life_ms: self.contact_life_ms,
            policies: &self.policies,
            grids: &self.grids,
            gazetteers: &self.gazetteers,
        };
        let uptime_ms = self.clock.uptime_ms();
        // Nothing of a box that has sent too much: it gets no receipt, keeps the message and sends it again.
        let taken = batch.iter().map(|item| {
            let has_room = self.allowance.has_room(&item.topic, uptime_ms);
            has_room.then(|| Message::read(&item.topic, &item.payload, item.retained))
        });
        let taken: Vec<Option<Message<'_>>> = taken.collect();
        let held_back = taken.iter().filter(|message| message.is_none()).count();
        self.metrics.messages_held_back.inc_by(held_back as u64);
        let mut tx = self.db.begin().await?;
        // Always in the same order, so that two replicas with batches of several tenants cannot lock crosswise.
        let tenants: std::collections::BTreeSet<&str> =
            batch.iter().map(|item| item.topic.origin().tenant.as_str()).collect();
        for tenant in tenants {
            tx.lock_tenant(tenant).await?;
        }
        let mut seen = Seen::read(&mut tx, taken.iter().flatten()).await?;
        let mut receipts = Vec::with_capacity(batch.len());
        for message in &taken {
            receipts.push(match message {
                Some(message) => apply::apply(&mut tx, context, &mut seen, message).await?,
                None => None,
            });
        }
        seen.write(&mut tx).await?;
        tx.commit().await?;
        for (item, receipt) in batch.iter().zip(&receipts) {
            self.allowance.charge(&item.topic, item.payload.len(), receipt.as_ref(), uptime_ms);
        }
        Ok(receipts)
    }

    async fn keep_poisoned(&self, batch: Vec<Item>, error: &db::Error) {
        tracing::error!(%error, "a message cannot be stored; keeping it in quarantine");
        let context = Context {
            chance: &self.chance,
            zone: &self.zone,
            now: self.clock.now(),
            quarantine_most: self.quarantine_most,
            contact_life_ms: self.contact_life_ms,
            policies: &self.policies,
            grids: &self.grids,
            gazetteers: &self.gazetteers,
        };
        let reason = format!("the database refused it: {error}");
        let mut receipts = Vec::new();
        for item in &batch {
            let kept = async {
                let mut tx = self.db.begin().await?;
                tx.lock_tenant(item.topic.origin().tenant.as_str()).await?;
                let mut seen = Seen::default();
                let receipt =
                    apply::quarantine(&mut tx, context, &mut seen, &item.topic, &item.payload, &reason)
                        .await?;
                seen.write(&mut tx).await?;
                tx.commit().await?;
                db::Result::Ok(receipt)
            };
            match kept.await {
                Ok(receipt) => receipts.push(receipt),
                Err(error) => {
                    tracing::error!(%error, "quarantine failed too; the box keeps the message and sends it again");
                    receipts.push(None);
                }
            }
        }
        self.answer(batch, receipts);
    }

    fn answer(&self, batch: Vec<Item>, receipts: Vec<Option<Receipt>>) {
        self.changes.wake();
        let mut news_of_boxes = false;
        for (item, receipt) in batch.into_iter().zip(receipts) {
            news_of_boxes |= matches!(item.topic, Topic::Status(_));
            if let Some(receipt) = &receipt {
                self.metrics.count_receipt(receipt.outcome);
            }
            (item.reply)(receipt);
        }
        if news_of_boxes {
            self.commands.nudge();
        }
    }
}
