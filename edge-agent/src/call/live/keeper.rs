//! Keeps a process that hears running calls: starts it when a model is there, and again with patience when it dies.
//!
//! Where other models are installed, or other files in their place, a second process is started beside the one at work.
//! Once it has passed its self-test it hears whoever calls from then on; the former one hears those on the line to their
//! end. A model that is not fit for work is left alone from then on, and whatever was at work, or is the next best, is
//! used.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::hearing::{Hearing, Watched};
use super::process::{NotReady, Process};
use crate::call::health::Cause;
use crate::call::listener::blocking;
use crate::call::speech::worker::Unfit;
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
    let (mut wait, mut shift) = (FIRST_WAIT, Shift { tap, number: 0, former: JoinSet::new() });
    loop {
        let choice = match find(tap).await {
            Ok(Some(choice)) => choice,
            nothing => {
                // That it is so is said where finished calls are transcribed, unless this alone is named wrong.
                let words = nothing.err().filter(|_| tap.config.live_model.is_some());
                tap.trouble(Cause::Live, words.map(|words| format!("no words while calls run: {words:#}")));
                sleep(RECONCILE_EVERY).await;
                continue;
            }
        };
        let began = Instant::now();
        let ended = match Process::start(tap, &choice).await {
            Ok(process) => shift.begin(choice, process).await,
            Err(why) => match refuse(tap, &choice, why) {
                // The next best soon.
                Ok(()) => {
                    sleep(FIRST_WAIT).await;
                    continue;
                }
                Err(error) => Err(error),
            },
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

/// The models to use, if one of them gives words while somebody speaks, without those that are not fit for work.
async fn find(tap: &Arc<CallTap>) -> anyhow::Result<Option<Choice>> {
    let holder = Arc::clone(tap);
    let found = blocking(move || {
        let (config, refused) = (&holder.config, holder.refusals.editions());
        let (wanted, live) = (config.speech_model.as_deref(), config.live_model.as_deref());
        choose(&holder.model_dirs, wanted, live, &refused).map_err(anyhow::Error::msg)
    });
    let found = found.await;
    tap.trouble(Cause::Model, tap.refusals.words());
    Ok(found?.filter(|choice| choice.live.is_some()))
}

/// Leaves the model alone that is not fit for work. An error is not one of the models'.
fn refuse(tap: &CallTap, choice: &Choice, why: NotReady) -> anyhow::Result<()> {
    let (file, Unfit { reason, lasting }) = match why {
        NotReady::Unfit { model, why } => (model, why),
        NotReady::Other(error) => return Err(error),
    };
    let mut both = [Some(&choice.finished), choice.live.as_ref()].into_iter().flatten();
    // A file that nobody asked for: without this word it would be started again and again.
    let model = both.find(|model| model.model == file).with_context(|| reason.clone())?;
    tap.refusals.refuse(model, reason, lasting);
    tap.trouble(Cause::Model, tap.refusals.words());
    Ok(())
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
}

impl Shift<'_> {
    /// `process` hears, and its successors after it, until the last of them fails or its models are gone.
    async fn begin(&mut self, mut choice: Choice, process: Process) -> anyhow::Result<()> {
        let mut at_work = self.hears(&choice, process);
        let mut starting: JoinSet<(Choice, Result<Process, NotReady>)> = JoinSet::new();
        let mut failed: Option<Failed> = None;
        loop {
            tokio::select! {
                ended = at_work.join_next() => {
                    self.tap.live_words.hears_no_more();
                    return outcome(ended.context("it was never started")?);
                }
                Some(ended) = self.former.join_next() => {
                    if let Err(error) = outcome(ended) {
                        let error = format!("{error:#}");
                        tracing::warn!(error, "the former process for words; its calls are transcribed when they are over");
                    }
                }
                change = change(self.tap, &choice, failed.as_ref()), if self.former.is_empty() && starting.is_empty() => match change {
                    None => {
                        self.tap.live_words.hears_no_more();
                        return Ok(());
                    }
                    Some(newer) => {
                        let tap = Arc::clone(self.tap);
                        starting.spawn(async move {
                            let started = Process::start(&tap, &newer).await;
                            (newer, started)
                        });
                    }
                },
                Some(Ok((newer, started))) = starting.join_next() => match started {
                    Ok(process) => {
                        self.former = std::mem::replace(&mut at_work, self.hears(&newer, process));
                        choice = newer;
                        failed = None;
                    }
                    Err(why) => if let Err(error) = refuse(self.tap, &newer, why) {
                        let stays = writer(&choice);
                        let words = format!("{stays} stays at work; {} cannot be started: {error:#}", writer(&newer));
                        self.tap.trouble(Cause::Live, Some(words));
                        failed = Some(Failed::again(failed, newer, Instant::now()));
                    }
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
        self.tap.trouble(Cause::Live, None);
        self.tap.live_words.hears_now(hearing);
        let (mut task, tap) = (JoinSet::new(), Arc::clone(self.tap));
        task.spawn(async move {
            let at_end = Silence { tap: &tap, watched };
            process.hear(&tap, queue, &at_end.watched).await
        });
        task
    }
}

/// Models that could not be started, and not for their own sake: they are tried again at longer and longer intervals.
struct Failed {
    choice: Choice,
    wait: Duration,
    not_before: Instant,
}

impl Failed {
    fn again(before: Option<Self>, choice: Choice, now: Instant) -> Self {
        let waited = before.filter(|b| b.choice == choice).map(|b| b.wait);
        let wait = waited.map_or(FIRST_WAIT, |wait| (wait * 2).min(LONGEST_WAIT));
        Self { choice, wait, not_before: now + wait }
    }

    /// Other models, or other files of the same ones, are tried at once.
    fn holds_back(&self, choice: &Choice, now: Instant) -> bool {
        self.choice == *choice && now < self.not_before
    }
}

fn outcome(ended: Result<anyhow::Result<()>, JoinError>) -> anyhow::Result<()> {
    ended.unwrap_or_else(|panic| Err(panic.into()))
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

/// Waits for other models, or for other files of the same ones. Two looks in a row must find the same: somebody may
/// still be copying. What cannot be read is no reason to let go of what is at work.
/// `None`: there is none any more, and nobody is on the line.
async fn change(tap: &Arc<CallTap>, at_work: &Choice, failed: Option<&Failed>) -> Option<Choice> {
    let mut before = None;
    loop {
        sleep(FOLLOW_EVERY).await;
        let now = match find(tap).await {
            Ok(now) => now,
            Err(error) => {
                let words =
                    format!("{} stays at work; what is installed cannot be used: {error:#}", writer(at_work));
                tap.trouble(Cause::Live, Some(words));
                before = None;
                continue;
            }
        };
        let settled = before.replace(now.clone()).as_ref() == Some(&now);
        let idle = || lock(&tap.live_words.legs).is_empty();
        match now {
            Some(now) if now == *at_work => tap.trouble(Cause::Live, None),
            Some(newer) if settled && !failed.is_some_and(|f| f.holds_back(&newer, Instant::now())) => {
                return Some(newer);
            }
            None if settled && idle() => return None,
            Some(_) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The same models are tried after 1, 2, 4 … 60 seconds; others at once, and from the beginning.
    #[test]
    fn what_fails_waits_longer_each_time() {
        let toys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech");
        let choice =
            |name: &str| choose(std::slice::from_ref(&toys), Some(name), None, &[]).unwrap().unwrap();
        let (first, other) = (choice("toy-pair"), choice("toy-paraformer"));
        let now = Instant::now();
        let mut failed = None;
        for wait_s in [1, 2, 4, 8, 16, 32, 60, 60] {
            let again = Failed::again(failed, first.clone(), now);
            let after = |ms: u64| now + Duration::from_millis(ms);
            assert!(again.holds_back(&first, after(wait_s * 1_000 - 1)), "{wait_s}");
            assert!(!again.holds_back(&first, after(wait_s * 1_000)), "{wait_s}");
            assert!(!again.holds_back(&other, now));
            failed = Some(again);
        }
        assert_eq!(Failed::again(failed, other, now).wait, FIRST_WAIT);
    }
}
