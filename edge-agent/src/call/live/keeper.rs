//! Keeps a process that hears running calls: starts it when a model is there, and again with patience when it dies.
//!
//! Where other models are installed, or other files in their place, a second process is started beside the one at work. Once it
//! has passed its self-test it hears whoever calls from then on; the former one hears those on the line to their end. One
//! that cannot be loaded or fails its self-test is refused: the former stays at work, and health says why.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::hearing::{Hearing, Watched};
use super::process::Process;
use crate::call::health::Cause;
use crate::call::listener::blocking;
use crate::call::speech::{Choice, choose};
use crate::call::{CallTap, RECONCILE_EVERY, lock};

/// Between a death and the next start; doubled up to the other while it dies young.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How often what is installed is looked at: a look reads the heads of the files.
const FOLLOW_EVERY: Duration = Duration::from_secs(2);

/// Runs until cancelled.
pub(in crate::call) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) {
    if !tap.config.live_words {
        return;
    }
    tokio::select! {
        () = cancel.cancelled() => {}
        () = keep(&tap) => {}
    }
    tap.live_words.hears_no_more();
}

/// Never ends.
async fn keep(tap: &Arc<CallTap>) {
    let (mut wait, mut shift) = (FIRST_WAIT, Shift::new(tap));
    loop {
        let Some(choice) = find(tap).await else {
            sleep(RECONCILE_EVERY).await;
            continue;
        };
        let began = Instant::now();
        let ended = match Process::start(tap, &choice).await {
            Ok(process) => shift.begin(choice, process).await,
            Err(error) => Err(error),
        };
        let Err(error) = ended else { continue };
        tap.live_words.restarts.fetch_add(1, Ordering::Relaxed);
        let words = format!("no words while calls run, they follow afterwards; trying again: {error:#}");
        tap.trouble(Cause::Live, Some(words));
        if began.elapsed() > LONGEST_WAIT {
            wait = FIRST_WAIT;
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// The models to use, if one of them gives words while somebody speaks.
async fn find(tap: &Arc<CallTap>) -> Option<Choice> {
    let (roots, config) = (tap.model_dirs.clone(), tap.config.clone());
    let (wanted, live) = (config.speech_model, config.live_model);
    let found =
        blocking(move || choose(&roots, wanted.as_deref(), live.as_deref()).map_err(anyhow::Error::msg));
    match found.await {
        Ok(choice) => {
            let choice = choice.filter(|c| c.live.is_some());
            if choice.is_none() {
                tap.trouble(Cause::Live, None);
            }
            choice
        }
        // That it is so is said where finished calls are transcribed, unless this alone is named wrong.
        Err(error) => {
            let words =
                tap.config.live_model.is_some().then(|| format!("no words while calls run: {error:#}"));
            tap.trouble(Cause::Live, words);
            None
        }
    }
}

/// Whose words are final.
fn writer(choice: &Choice) -> &str {
    match &choice.live {
        Some(live) if choice.finished.kind.streams() => &live.name,
        _ => &choice.finished.name,
    }
}

/// The processes that hear, one after another.
struct Shift<'a> {
    tap: &'a Arc<CallTap>,
    /// Counts them.
    number: u64,
    /// The one whose place was taken, until its last leg is over. No further change is made while there is one: each
    /// holds models.
    former: JoinSet<anyhow::Result<()>>,
    /// Installed in the place of what is at work, and not fit for it.
    refused: Option<Choice>,
}

enum Change {
    Newer(Choice),
    /// What is at work is installed again.
    Restored,
    /// There is none any more, and nobody is on the line.
    Gone,
}

impl<'a> Shift<'a> {
    fn new(tap: &'a Arc<CallTap>) -> Self {
        Self { tap, number: 0, former: JoinSet::new(), refused: None }
    }

    /// `process` hears, and its successors after it, until the last of them fails or its models are gone.
    async fn begin(&mut self, mut choice: Choice, process: Process) -> anyhow::Result<()> {
        self.refused = None;
        let mut at_work = self.hears(&choice, process);
        loop {
            tokio::select! {
                ended = at_work.join_next() => {
                    self.tap.live_words.hears_no_more();
                    let ended = ended.context("it was never started")?;
                    return ended.unwrap_or_else(|panic| Err(panic.into()));
                }
                Some(ended) = self.former.join_next() => {
                    if let Err(error) = ended.unwrap_or_else(|panic| Err(panic.into())) {
                        let error = format!("{error:#}");
                        tracing::warn!(error, "the former process for words; its calls are transcribed when they are over");
                    }
                }
                change = change(self.tap, &choice, self.refused.as_ref()), if self.former.is_empty() => match change {
                    Change::Gone => {
                        self.tap.live_words.hears_no_more();
                        return Ok(());
                    }
                    Change::Restored => {
                        self.refused = None;
                        self.tap.trouble(Cause::Live, None);
                    }
                    Change::Newer(newer) => match Process::start(self.tap, &newer).await {
                        Ok(process) => {
                            self.former = std::mem::replace(&mut at_work, self.hears(&newer, process));
                            self.refused = None;
                            choice = newer;
                        }
                        Err(error) => {
                            let (stays, other) = (writer(&choice), writer(&newer));
                            let words = format!(
                                "{stays} stays at work; what was installed in its place ({other}) is refused: {error:#}"
                            );
                            tracing::error!(reason = words, "words of running calls");
                            self.tap.trouble(Cause::Live, Some(words));
                            self.refused = Some(newer);
                        }
                    },
                },
            }
        }
    }

    /// From now on it hears those who call.
    fn hears(&mut self, choice: &Choice, process: Process) -> JoinSet<anyhow::Result<()>> {
        self.number += 1;
        let (hearing, queue) = Hearing::new(self.number, writer(choice).to_owned());
        let watched = hearing.watch();
        let live = choice.live.as_ref().map(|model| model.name.as_str());
        tracing::info!(live, finished = writer(choice), "words are given while calls run");
        self.tap.live_words.hears_now(hearing);
        self.tap.trouble(Cause::Live, None);
        let (mut task, tap) = (JoinSet::new(), Arc::clone(self.tap));
        task.spawn(async move {
            let at_end = Silence { tap: &tap, watched };
            process.hear(&tap, queue, &at_end.watched).await
        });
        task
    }
}

/// However a process ends, its legs learn that it listens no more.
struct Silence<'a> {
    tap: &'a CallTap,
    watched: Watched,
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        self.tap.live_words.fall_silent(&self.watched);
    }
}

/// Waits for other models, or for other files of the same ones. Two looks in a row must find the same: somebody may still be
/// copying.
async fn change(tap: &Arc<CallTap>, at_work: &Choice, refused: Option<&Choice>) -> Change {
    let mut before = None;
    loop {
        sleep(FOLLOW_EVERY).await;
        let now = find(tap).await;
        let settled = before.replace(now.clone()).as_ref() == Some(&now);
        let idle = || lock(&tap.live_words.legs).is_empty();
        match now {
            Some(now) if now == *at_work && refused.is_some() => return Change::Restored,
            Some(now) if now == *at_work || refused == Some(&now) => {}
            Some(newer) if settled => return Change::Newer(newer),
            None if settled && idle() => return Change::Gone,
            Some(_) | None => {}
        }
    }
}
