//! The station that sends. Each channel has a loop of its own: one that is slow or away holds up no other.
//!
//! A row is claimed for longer than sending it may take. A hub that dies in between leaves the claim to run out, and
//! another one, or its own next start, sends the row again under the same id.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use protocol::UtcMs;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::channel::{Channel, Load, Stamp};
use super::config::Form;
use super::form::{Outcome, Setback};
use super::push;
use super::retry::{self, MOST_TRIES};
use super::store::looking;
use super::store::reach;
use super::store::sending::{self, Claim, Fares, Parcel};
use super::words::{Look, Told};
use super::{DAY_MS, event};
use crate::app::App;
use crate::change::LOOK_AGAIN;
use crate::db;

/// Rows of one channel on their way at once.
const AT_ONCE: i64 = 8;
const GATHER: Duration = Duration::from_millis(50);
/// How long a claimed row is this hub's: longer than any try may take, and than clocks of hubs differ.
pub(super) const LEASE_MS: i64 = 60_000;
/// How often a channel's rows are counted and put in order.
const CARE_EVERY_MS: u64 = 10_000;
/// Rows that may wait for one channel. It is looked at every now and then, so some more may come.
const MOST_WAITING: i64 = 100_000;
/// A notice that nobody could be sent for so long is not worth sending.
const NOTICE_LIFE_MS: i64 = DAY_MS;
const EVENT_LIFE_MS: i64 = 3 * DAY_MS;
/// After so many failures in a row a channel was away, not one row of it wrong.
const AWAY_AFTER: i64 = 3;
/// How often the note of what came of a try is tried: without it the row is sent again.
const NOTE_TRIES: u32 = 5;
const NOTE_AGAIN: Duration = Duration::from_secs(1);

/// Sends for one hub.
#[derive(Debug)]
pub struct Sender {
    app: App,
    channels: Vec<Channel>,
    look: Look,
}

impl Sender {
    /// Opens the channels of the configuration and tells the outbox of them: from now on rows are made for them.
    pub async fn open(app: &App) -> anyhow::Result<Self> {
        let channels = Channel::open_all(&app.config.outbound).map_err(anyhow::Error::msg)?;
        let (db, tenant) = (&app.db, app.tenant().as_str());
        let rules: Vec<_> = channels.iter().map(|channel| (channel.name.as_str(), &channel.rule)).collect();
        let orphans = sending::set_channels(db, tenant, &rules, app.clock.now())
            .await
            .context("telling the outbox of its channels")?;
        if orphans > 0 {
            tracing::warn!(
                orphans,
                "outbound: messages of channels that are gone were given up; see `hub outbound failed`"
            );
        }
        for channel in &channels {
            for (what, name) in channel.rule.names() {
                if !looking::is_known(db, tenant, what, name).await? {
                    tracing::warn!(
                        channel = channel.name,
                        "outbound: there is no {what} {name}; nothing is sent for it"
                    );
                }
            }
        }
        let look = Look { zone: app.zone.clone(), public_url: app.config.http.public_url.clone() };
        Ok(Self { app: app.clone(), channels, look })
    }

    pub async fn run(self, stop: CancellationToken) {
        join_all(self.channels.iter().map(|channel| self.run_channel(channel, &stop))).await;
        // Without any channel there is nothing to do; a station stays.
        stop.cancelled().await;
    }

    async fn run_channel(&self, channel: &Channel, stop: &CancellationToken) {
        let mut changes = self.app.changes.subscribe();
        let mut cared_at_ms = None;
        while !stop.is_cancelled() {
            changes.mark_unchanged();
            let uptime_ms = self.app.clock.uptime_ms();
            if cared_at_ms.is_none_or(|at| uptime_ms >= at + CARE_EVERY_MS) {
                told(channel, self.care(channel).await);
                cared_at_ms = Some(uptime_ms);
            }
            // Between passes the hub may stop; within one it gets to note what came of it.
            if told(channel, self.pass(channel).await) > 0 {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                // Where much happens, one look is for all that a moment brings.
                _ = changes.changed() => tokio::time::sleep(GATHER).await,
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    fn claim<'a>(&'a self, channel: &'a Channel, token: &'a str) -> Claim<'a> {
        Claim { tenant: self.app.tenant().as_str(), channel: &channel.name, token }
    }

    /// Sends what is due on a channel, once; returns how many rows were tried.
    pub(super) async fn pass(&self, channel: &Channel) -> db::Result<usize> {
        let (db, tenant, now) = (&self.app.db, self.app.tenant().as_str(), self.app.clock.now());
        let Some(fares) = sending::fares(db, tenant, &channel.name).await? else { return Ok(0) };
        if fares.paused_until_ms > now.0 || !sending::is_due(db, tenant, &channel.name, now).await? {
            return Ok(0);
        }
        // One tries whether a channel that failed works again.
        let most = if fares.failures > 0 { 1 } else { AT_ONCE };
        let token = hex::encode(self.app.chance.bytes::<12>());
        let claim = self.claim(channel, &token);
        let parcels = sending::claim(db, claim, now, now.plus_ms(LEASE_MS), most).await?;
        if parcels.is_empty() {
            return Ok(0);
        }
        let numbers: Vec<&str> = parcels.iter().map(|parcel| parcel.case_number.as_str()).collect();
        let confidential = match sending::confidential(db, tenant, &numbers).await {
            Ok(confidential) => confidential,
            Err(error) => {
                sending::release(db, claim).await?;
                return Err(error);
            }
        };
        join_all(parcels.iter().map(|parcel| {
            let is_confidential = confidential.contains(&parcel.case_number);
            self.deliver(channel, claim, fares, parcel, is_confidential)
        }))
        .await;
        Ok(parcels.len())
    }

    async fn deliver(
        &self,
        channel: &Channel,
        claim: Claim<'_>,
        fares: Fares,
        parcel: &Parcel,
        is_confidential: bool,
    ) {
        let outcome = self.attempt(channel, parcel, is_confidential).await;
        for nth in 1..=NOTE_TRIES {
            match self.note(channel, claim, fares, parcel, &outcome).await {
                Ok(()) => return,
                Err(error) if nth < NOTE_TRIES => {
                    tracing::warn!(channel = channel.name, %error, "outbound: noting what came of a message; trying again");
                    tokio::time::sleep(NOTE_AGAIN).await;
                }
                Err(error) => {
                    let id = &parcel.outbox_id;
                    tracing::error!(channel = channel.name, id, %error, "outbound: not noted; it may leave again");
                }
            }
        }
    }

    async fn attempt(&self, channel: &Channel, parcel: &Parcel, is_confidential: bool) -> Outcome {
        let stamp = Stamp { id: &parcel.outbox_id, made_at_ms: parcel.made_at_ms, now: self.app.clock.now() };
        if channel.rule.form == Form::CloudEvents {
            let Ok(mut told) = serde_json::from_str::<Value>(&parcel.content) else { return unreadable() };
            if is_confidential {
                event::reduce(&mut told);
            }
            return channel.send(Load::Event(&told), stamp).await;
        }
        let Ok(mut told) = serde_json::from_str::<Told>(&parcel.content) else { return unreadable() };
        if is_confidential {
            told = told.reduced();
        }
        if channel.rule.form == Form::WebPush {
            return push::send(&self.app, channel, &parcel.receiver, (&told, &self.look), stamp).await;
        }
        let to = match self.address(channel, &parcel.receiver).await {
            Ok(to) => to,
            Err(outcome) => return outcome,
        };
        let message = told.in_words(&self.look);
        channel.send(Load::Notice { message: &message, to: &to }, stamp).await
    }

    /// Where somebody is reached now; nothing for a group.
    async fn address(&self, channel: &Channel, receiver: &str) -> Result<String, Outcome> {
        if !channel.rule.form.is_personal() {
            return Ok(String::new());
        }
        let known = reach::of(&self.app.db, self.app.tenant().as_str(), receiver).await;
        let known = known.map_err(|error| Outcome::again(error.to_string()))?.unwrap_or_default();
        let address = if channel.rule.form == Form::Smtp { known.mail } else { known.phone };
        if address.is_empty() {
            return Err(Outcome::refused(format!("{receiver} has no such address any more")));
        }
        Ok(address)
    }

    async fn note(
        &self,
        channel: &Channel,
        claim: Claim<'_>,
        fares: Fares,
        parcel: &Parcel,
        outcome: &Outcome,
    ) -> db::Result<()> {
        let (db, metrics, now) = (&self.app.db, &self.app.metrics, self.app.clock.now());
        let own = match outcome {
            Outcome::Sent(_) => {
                let own = sending::sent(db, claim, parcel, now).await?;
                if fares.failures >= AWAY_AFTER {
                    sending::hurry(db, claim.tenant, claim.channel, now).await?;
                }
                metrics.outbound_sent(&channel.name);
                own
            }
            Outcome::Refused(reason) => self.give_up(channel, claim, parcel, reason, now).await?,
            Outcome::Later(setback) => {
                if setback.whole {
                    self.pause(claim, fares, setback, now).await?;
                }
                if parcel.tries + 1 >= MOST_TRIES {
                    let reason = format!("tried {MOST_TRIES} times: {}", setback.reason);
                    self.give_up(channel, claim, parcel, &reason, now).await?
                } else {
                    let wait_ms = retry::row_ms(parcel.tries + 1, |below| self.app.chance.below(below));
                    let next_at = now.plus_ms(wait_ms.max(setback.wait_ms.unwrap_or(0)));
                    metrics.outbound_retried(&channel.name);
                    sending::later(db, claim, parcel, &setback.reason, (now, next_at)).await?
                }
            }
        };
        if !own {
            let id = &parcel.outbox_id;
            tracing::warn!(
                channel = channel.name,
                id,
                "outbound: this took longer than its lease; it may have left twice"
            );
        }
        Ok(())
    }

    async fn pause(&self, claim: Claim<'_>, fares: Fares, setback: &Setback, now: UtcMs) -> db::Result<()> {
        let failures = fares.failures + 1;
        let pause_ms = retry::pause_ms(failures, |below| self.app.chance.below(below));
        let until = now.plus_ms(pause_ms.max(setback.wait_ms.unwrap_or(0)));
        sending::pause(&self.app.db, claim, failures, until).await
    }

    async fn give_up(
        &self,
        channel: &Channel,
        claim: Claim<'_>,
        parcel: &Parcel,
        reason: &str,
        now: UtcMs,
    ) -> db::Result<bool> {
        let (number, kind) = (&parcel.case_number, &parcel.kind);
        tracing::warn!(
            channel = channel.name,
            number,
            kind,
            reason,
            "outbound: given up; see `hub outbound failed`"
        );
        let own = sending::give_up(&self.app.db, claim, parcel, reason, now).await?;
        self.app.metrics.outbound_given_up(&channel.name, 1);
        Ok(own)
    }

    /// Counts what waits, gives up what is too old, and lets go what is held by nothing. Safe to run twice.
    pub(super) async fn care(&self, channel: &Channel) -> db::Result<()> {
        let (db, tenant, now) = (&self.app.db, self.app.tenant().as_str(), self.app.clock.now());
        let (life_ms, reason) = match channel.rule.form {
            Form::CloudEvents => (EVENT_LIFE_MS, "it waited for three days"),
            _ => (NOTICE_LIFE_MS, "it waited for a day"),
        };
        let old = sending::expire(db, tenant, &channel.name, (now, now.plus_ms(-life_ms)), reason).await?;
        self.app.metrics.outbound_given_up(&channel.name, old);
        sending::free(db, tenant, &channel.name).await?;
        let waiting = sending::waiting(db, tenant, &channel.name).await?;
        self.app.metrics.outbound_waiting(&channel.name, waiting);
        sending::set_full(db, tenant, &channel.name, waiting >= MOST_WAITING).await
    }

    /// Passes until nothing more is due anywhere; returns how many rows were tried.
    #[cfg(test)]
    pub(super) async fn drain(&self) -> usize {
        let mut all = 0;
        for channel in &self.channels {
            self.care(channel).await.unwrap();
            loop {
                let tried = self.pass(channel).await.unwrap();
                all += tried;
                if tried == 0 {
                    break;
                }
            }
        }
        all
    }
}

fn told<T: Default>(channel: &Channel, result: db::Result<T>) -> T {
    result.unwrap_or_else(|error| {
        tracing::warn!(channel = channel.name, %error, "outbound: trying again");
        T::default()
    })
}

fn unreadable() -> Outcome {
    Outcome::refused("its content is not what this version of the hub keeps")
}
