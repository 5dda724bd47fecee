//! Keeps the process that hears running calls: starts it when a model is there, starts it again with patience when it
//! dies, and ends it when it answers no more.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::super::health::Cause;
use super::super::listener::blocking;
use super::super::speech::wire::{Frame, Says};
use super::super::speech::{Choice, choose};
use super::super::{CallTap, RECONCILE_EVERY, lock};
use super::Queued;

/// Loading models from a slow disk.
const LOAD: Duration = Duration::from_secs(180);
/// It is asked this often how far it is, and must answer (or take what it is given) within the other.
const TICK_EVERY: Duration = Duration::from_secs(1);
const STUCK: Duration = Duration::from_secs(10);
/// Between a death and the next start; doubled up to the other while it dies young.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Frames written in one go.
const BATCH: usize = 256;

enum Over {
    Cancelled,
    /// Other models are installed now.
    Changed,
}

/// Runs until cancelled.
pub(in crate::call) async fn run(tap: Arc<CallTap>, cancel: CancellationToken) {
    let Some(mut queue) = lock(&tap.live_words.queue).take() else { return };
    if !tap.config.live_words {
        return;
    }
    let mut wait = FIRST_WAIT;
    loop {
        let Some(choice) = find(&tap).await else {
            tokio::select! {
                () = cancel.cancelled() => return,
                () = sleep(RECONCILE_EVERY) => continue,
            }
        };
        let began = Instant::now();
        let life = live(&tap, &mut queue, &choice, &cancel).await;
        tap.live_words.fall_silent();
        // Nobody will hear what still waits; its legs know.
        while queue.try_recv().is_ok() {}
        match life {
            Ok(Over::Cancelled) => return,
            Ok(Over::Changed) => continue,
            Err(error) => {
                tap.live_words.restarts.fetch_add(1, Ordering::Relaxed);
                let words =
                    format!("no words while calls run, they follow afterwards; trying again: {error:#}");
                tap.trouble(Cause::Live, Some(words));
            }
        }
        if began.elapsed() > LONGEST_WAIT {
            wait = FIRST_WAIT;
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
        }
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

/// One process, from its start to its end.
async fn live(
    tap: &Arc<CallTap>,
    queue: &mut mpsc::Receiver<Queued>,
    choice: &Choice,
    cancel: &CancellationToken,
) -> anyhow::Result<Over> {
    let (mut child, sound, mut words) = start(tap, choice)?;
    let ready = tokio::select! {
        () = cancel.cancelled() => return Ok(Over::Cancelled),
        ready = timeout(LOAD, next(&mut words, &mut child)) => ready,
    };
    match ready.map_err(|_| anyhow::anyhow!("it was not ready within {} s", LOAD.as_secs()))?? {
        Says::Ready => {}
        other => anyhow::bail!("it said {other:?} before it was ready"),
    }
    let live = choice.live.as_ref().context("no model for words while somebody speaks")?;
    let last = if choice.finished.kind.streams() { live } else { &choice.finished };
    tracing::info!(live = live.name, finished = last.name, "words are given while calls run");
    *lock(&tap.live_words.model) = Some(last.name.clone());
    tap.live_words.up.store(true, Ordering::Release);
    tap.trouble(Cause::Live, None);
    let pulse = Pulse::default();
    tokio::select! {
        () = cancel.cancelled() => Ok(Over::Cancelled),
        () = changed(tap, choice) => Ok(Over::Changed),
        error = write(queue, sound, &pulse) => Err(error),
        error = read(tap, &mut words, &mut child, &pulse) => Err(error),
    }
}

fn start(
    tap: &CallTap,
    choice: &Choice,
) -> anyhow::Result<(Child, ChildStdin, Lines<BufReader<ChildStdout>>)> {
    let folder = |model: &super::super::speech::Installed| {
        model.model.parent().map(ToOwned::to_owned).context("a model file lies in a folder")
    };
    let mut command = Command::new(&tap.program);
    command.args(["transcribe", "--live", "--model"]).arg(folder(&choice.finished)?);
    if let Some(live) = &choice.live {
        command.arg("--live-model").arg(folder(live)?);
    }
    for root in &tap.model_dirs {
        command.arg("--models").arg(root);
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", tap.program.display()))?;
    let sound = child.stdin.take().context("the process has no input")?;
    let words = BufReader::new(child.stdout.take().context("the process has no output")?).lines();
    Ok((child, sound, words))
}

async fn next(words: &mut Lines<BufReader<ChildStdout>>, child: &mut Child) -> anyhow::Result<Says> {
    let Some(line) = words.next_line().await? else {
        let status = child.wait().await?;
        anyhow::bail!("its process ended with {status}; the reason is in the lines above");
    };
    // What it said may be a caller's words: they do not belong into a log.
    serde_json::from_str(&line).context("its process said what is not ours")
}

/// What was asked and what was answered.
#[derive(Default)]
struct Pulse {
    asked: AtomicU64,
    answered: AtomicU64,
}

/// Gives it sound. Ends only when that cannot go on.
async fn write(queue: &mut mpsc::Receiver<Queued>, mut sound: ChildStdin, pulse: &Pulse) -> anyhow::Error {
    let mut ticks = interval(TICK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut batch, mut bytes) = (Vec::new(), Vec::new());
    loop {
        bytes.clear();
        tokio::select! {
            count = queue.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return anyhow::anyhow!("the call tap is gone");
                }
            }
            _ = ticks.tick() => {
                let asked = pulse.asked.load(Ordering::Relaxed);
                if asked.saturating_sub(pulse.answered.load(Ordering::Relaxed)) > STUCK.as_secs() {
                    return anyhow::anyhow!("its process did not answer for {} s", STUCK.as_secs());
                }
                pulse.asked.store(asked + 1, Ordering::Relaxed);
                Frame::Tick { number: asked + 1 }.encode(&mut bytes);
            }
        }
        batch.iter().for_each(|queued| queued.frame.encode(&mut bytes));
        match timeout(STUCK, sound.write_all(&bytes)).await {
            Err(_) => return anyhow::anyhow!("its process took no sound for {} s", STUCK.as_secs()),
            Ok(Err(error)) => {
                return anyhow::Error::from(error).context("its process takes no sound any more");
            }
            Ok(Ok(())) => {}
        }
        // Only now is the room of its sound free again.
        batch.clear();
    }
}

/// Takes its words. Ends only when that cannot go on.
async fn read(
    tap: &CallTap,
    words: &mut Lines<BufReader<ChildStdout>>,
    child: &mut Child,
    pulse: &Pulse,
) -> anyhow::Error {
    loop {
        match next(words, child).await {
            Ok(Says::Partial(words)) => tap.partial_words(&words),
            Ok(Says::Final(words)) => tap.final_words(words),
            Ok(Says::Ended { leg }) => tap.all_words(leg),
            Ok(Says::Tock { number }) => {
                pulse.answered.store(number, Ordering::Relaxed);
                let open = pulse.asked.load(Ordering::Relaxed).saturating_sub(number);
                tap.live_words.lag_ms.store(open * TICK_EVERY.as_millis() as u64, Ordering::Relaxed);
            }
            Ok(Says::Ready) => return anyhow::anyhow!("its process said twice that it was ready"),
            Err(error) => return error,
        }
    }
}

/// Ends when other models are installed and nobody is on the line.
async fn changed(tap: &Arc<CallTap>, choice: &Choice) {
    loop {
        sleep(RECONCILE_EVERY).await;
        let idle = lock(&tap.live_words.legs).is_empty();
        if idle && find(tap).await.as_ref() != Some(choice) {
            return;
        }
    }
}
