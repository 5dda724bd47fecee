//! Ended calls are found and filed, those of an earlier run too; what is over is cleared away.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use protocol::{CallId, LiveCall, Transcript};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::leg::{self, FinishedLeg};
use super::listener::blocking;
use super::live::Said;
use super::registry::{Announcement, Call};
use super::{CallTap, Cause, RECONCILE_EVERY, filing, lock};

/// How often ended calls are looked for.
const SWEEP_EVERY: Duration = Duration::from_millis(100);
/// Last words of a call that has ended come within this time, or its recording is transcribed. The box shuts down
/// faster than that.
const LAST_WORDS: Duration = Duration::from_secs(3);
const LAST_WORDS_AT_END: Duration = Duration::from_secs(1);

impl CallTap {
    pub(super) async fn sweep(self: Arc<Self>, cancel: CancellationToken) {
        let mut next_recovery = Instant::now() + RECONCILE_EVERY;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep(SWEEP_EVERY) => {}
            }
            self.file_ended(self.config.join_grace_ms).await;
            if Instant::now() >= next_recovery {
                next_recovery += RECONCILE_EVERY;
                self.recover().await;
                self.expire().await;
            }
        }
    }

    pub(super) async fn file_ended(self: &Arc<Self>, grace_ms: u64) {
        let over = lock(&self.registry).take_ended(grace_ms, self.clock.uptime_ms());
        // For all of them together: calls that end at once must not wait for each other.
        let patience = if grace_ms == 0 { LAST_WORDS_AT_END } else { LAST_WORDS };
        let deadline = Instant::now() + patience;
        for (call_id, call) in over {
            let said = self.said(&call, deadline).await;
            let (mut legs, mut lost) = (Vec::new(), HashMap::new());
            for (id, tap) in &call {
                if let Some(mut leg) = lock(&self.finished).remove(id) {
                    leg.state.announced = tap.announced.clone();
                    legs.push(leg);
                } else if let Some(name) = lock(&self.live_legs).get(id) {
                    // Its recorder failed: what it wrote belongs to this call all the same.
                    lost.insert(name.clone(), tap.announced.clone());
                }
            }
            if !lost.is_empty() {
                let (folder, method) = (self.ledger.archive.legs(), self.method.clone());
                let wanted: Vec<String> = lost.keys().cloned().collect();
                let found = blocking(move || {
                    Ok(leg::recover(&folder, |name| wanted.iter().any(|w| w == name), &method))
                })
                .await;
                for mut leg in found.unwrap_or_default() {
                    if let Some(announced) = lost.remove(&leg.state.name) {
                        leg.state.announced = announced;
                    }
                    legs.push(leg);
                }
            }
            if !legs.is_empty() {
                self.file(call_id, legs, said).await;
            }
            // Only now: a leg that is not live and still on disk is one that was left behind.
            for (id, tap) in &call {
                lock(&self.live_legs).remove(id);
                self.live_words.forget(*id);
                self.tell_late(tap.socket).await;
            }
            self.tell_live(LiveCall::Ended { call_id, at: self.clock.now() });
        }
    }

    /// What was heard of a call while it ran, leg by leg.
    async fn said(&self, call: &Call, deadline: Instant) -> Said {
        let mut said = Said::default();
        for (id, _) in call {
            let name = lock(&self.live_legs).get(id).cloned();
            if let Some((name, words)) = name.zip(self.live_words.said(*id, deadline).await) {
                said.0.insert(name, words);
            }
        }
        said
    }

    /// Words that came for a connection while its call was being filed.
    async fn tell_late(self: &Arc<Self>, socket: Uuid) {
        let Some(told) = lock(&self.registry).announced(socket) else { return };
        if let Err(error) = self.told_after_filing(socket, told).await {
            tracing::error!(%socket, error = format!("{error:#}"), "a late word about a call cannot be kept");
        }
    }

    /// False when no filed call came by this connection.
    pub(super) async fn told_after_filing(
        self: &Arc<Self>,
        socket: Uuid,
        told: Announcement,
    ) -> anyhow::Result<bool> {
        let (tap, now) = (Arc::clone(self), self.clock.now());
        blocking(move || tap.ledger.told(socket, &told, &tap.config, now)).await
    }

    /// Files the legs that no running connection owns: after a crash, or when filing failed before.
    pub(super) async fn recover(self: &Arc<Self>) {
        let (tap, method) = (Arc::clone(self), self.method.clone());
        let left = blocking(move || {
            // Asked leg by leg after the folder was read: one that connects meanwhile is known to be live by then.
            let left_behind = |name: &str| !lock(&tap.live_legs).values().any(|live| live == name);
            Ok(leg::recover(&tap.ledger.archive.legs(), left_behind, &method))
        })
        .await;
        let mut calls: BTreeMap<CallId, Vec<FinishedLeg>> = BTreeMap::new();
        for leg in left.unwrap_or_default() {
            calls.entry(leg.state.tap().call_id()).or_default().push(leg);
        }
        if calls.is_empty() {
            self.trouble(Cause::Filing, None);
        }
        for (call_id, legs) in calls {
            tracing::warn!(%call_id, legs = legs.len(), "filing a call that was left unfinished");
            self.file(call_id, legs, Said::default()).await;
        }
        self.end_orphans().await;
    }

    /// Ends what was told of running calls none of whose legs is left: somebody removed them, or the disk lost them.
    async fn end_orphans(self: &Arc<Self>) {
        let (tap, now) = (Arc::clone(self), self.clock.now());
        let ended = blocking(move || {
            for id in tap.ledger.unfiled() {
                let name = id.to_string();
                // In this order: a leg that is filed meanwhile is gone from both, and its record is filed by then.
                let lives = lock(&tap.live_legs).values().any(|live| *live == name)
                    || leg::is_left(&tap.ledger.archive.legs(), &name);
                if !lives {
                    tracing::warn!(incident = %id, "a call that raised an alarm has lost its sound; ended");
                    let reason = "the sound of this call is lost".to_owned();
                    tap.ledger.end(id, Transcript::Failed { reason }, now)?;
                }
            }
            Ok(())
        })
        .await;
        if let Err(error) = ended {
            tracing::error!(
                error = format!("{error:#}"),
                "calls without sound cannot be ended; trying again"
            );
        }
    }

    pub(super) async fn expire(self: &Arc<Self>) {
        let (tap, now) = (Arc::clone(self), self.clock.now());
        let expired = blocking(move || {
            // Neither waits for the other.
            let calls = tap.ledger.expire(now);
            tap.corrections.expire(&tap.screener, now).and(calls)
        });
        if let Err(error) = expired.await {
            tracing::error!(error = format!("{error:#}"), "filed calls cannot be cleared away; trying again");
        }
    }

    pub(super) async fn file(self: &Arc<Self>, call_id: CallId, mut legs: Vec<FinishedLeg>, said: Said) {
        let tap = Arc::clone(self);
        let now = self.clock.now();
        let filed = blocking(move || {
            for leg in &mut legs {
                let heard = said.0.get(&leg.state.name).map(|heard| heard.speech.as_slice());
                leg.settle_speech(heard, &tap.method);
            }
            filing::file(&tap.ledger, &tap.config, call_id, legs, &said, &tap.screener, now)
        })
        .await;
        match filed {
            Ok(Some(record)) => {
                self.counters.filed.fetch_add(1, Ordering::Relaxed);
                tracing::info!(%call_id, incident = %record.incident.incident_id, "call filed");
                self.trouble(Cause::Filing, None);
            }
            Ok(None) => {}
            Err(error) => {
                let words =
                    format!("call {call_id} cannot be filed yet, trying again every minute: {error:#}");
                self.trouble(Cause::Filing, Some(words));
            }
        }
    }
}
