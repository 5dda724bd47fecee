//! One process that hears running calls: started, fed with sound, its words taken, watched for whether it still answers.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::hearing::{Queued, Watched};
use crate::call::CallTap;
use crate::call::speech::wire::{Frame, Says};
use crate::call::speech::worker::Unfit;
use crate::call::speech::{Choice, Installed};

/// Loading models from a slow disk, and the self-test.
const LOAD: Duration = Duration::from_secs(180);
/// It is asked this often how far it is, and must answer (or take what it is given) within the other.
const TICK_EVERY: Duration = Duration::from_secs(1);
const STUCK: Duration = Duration::from_secs(10);
/// Frames written in one go.
const BATCH: usize = 256;
/// Sound is passed on this often at most, everybody's together: the recogniser then takes one step for all who speak, which
/// costs it half as much as a step for each, and two processes wake less often. Of one call or two nothing waits.
const TOGETHER: Duration = Duration::from_millis(60);

pub(super) struct Process {
    sound: ChildStdin,
    words: Output,
}

struct Output {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Why a process did not get ready.
pub(super) enum NotReady {
    /// This file is not fit for work.
    Unfit {
        model: PathBuf,
        why: Unfit,
    },
    Other(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for NotReady {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl Process {
    /// Starts it, and waits until its models are loaded and have passed their self-test.
    pub(super) async fn start(tap: &CallTap, choice: &Choice) -> Result<Self, NotReady> {
        let folder = |model: &Installed| {
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
        let lines = BufReader::new(child.stdout.take().context("the process has no output")?).lines();
        let mut words = Output { child, lines };
        let ready = timeout(LOAD, words.ready()).await;
        ready.map_err(|_| anyhow::anyhow!("it was not ready within {} s", LOAD.as_secs()))??;
        Ok(Self { sound, words })
    }

    /// Hears until nobody holds the queue's other end any more and everything is said; an error when that cannot go on.
    pub(super) async fn hear(
        self,
        tap: &CallTap,
        queue: mpsc::Receiver<Queued>,
        watched: &Watched,
    ) -> anyhow::Result<()> {
        let (pulse, mut words) = (Pulse::default(), self.words);
        let reading = words.read(tap, watched, &pulse);
        let writing = write(queue, self.sound, &pulse);
        tokio::pin!(reading, writing);
        tokio::select! {
            done = &mut reading => {
                done?;
                anyhow::bail!("its process ended while it was needed")
            }
            done = &mut writing => done?,
        }
        // Its input is closed now: it says what is left, and ends.
        timeout(LOAD, reading).await.map_err(|_| anyhow::anyhow!("its process did not end"))?
    }
}

/// What was asked and what was answered.
#[derive(Default)]
struct Pulse {
    asked: AtomicU64,
    answered: AtomicU64,
}

/// Gives it sound, until nobody will bring any.
async fn write(
    mut queue: mpsc::Receiver<Queued>,
    mut sound: ChildStdin,
    pulse: &Pulse,
) -> anyhow::Result<()> {
    let mut ticks = interval(TICK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut batch, mut bytes, mut next) = (Vec::new(), Vec::new(), Instant::now());
    loop {
        bytes.clear();
        sleep_until(next).await;
        tokio::select! {
            count = queue.recv_many(&mut batch, BATCH) => {
                if count == 0 {
                    return Ok(());
                }
            }
            _ = ticks.tick() => {
                let asked = pulse.asked.load(Ordering::Relaxed);
                if asked.saturating_sub(pulse.answered.load(Ordering::Relaxed)) > STUCK.as_secs() {
                    anyhow::bail!("its process did not answer for {} s", STUCK.as_secs());
                }
                pulse.asked.store(asked + 1, Ordering::Relaxed);
                Frame::Tick { number: asked + 1 }.encode(&mut bytes);
            }
        }
        // One that is behind does not wait.
        next = if batch.len() < BATCH { Instant::now() + TOGETHER } else { next };
        batch.iter().for_each(|queued| queued.frame.encode(&mut bytes));
        let written = timeout(STUCK, sound.write_all(&bytes)).await;
        written
            .map_err(|_| anyhow::anyhow!("its process took no sound for {} s", STUCK.as_secs()))?
            .context("its process takes no sound any more")?;
        // Only now is the room of its sound free again.
        batch.clear();
    }
}

impl Output {
    async fn ready(&mut self) -> Result<(), NotReady> {
        let mut loading: Option<PathBuf> = None;
        loop {
            let said = self.next().await;
            let (reason, lasting) = match said {
                Ok(Some(Says::Loading { model })) => {
                    loading = Some(model);
                    continue;
                }
                Ok(Some(Says::Ready)) => return Ok(()),
                Ok(Some(Says::Refused { reason })) => (reason, true),
                Ok(Some(other)) => Err(anyhow::anyhow!("it said {other:?} before it was ready"))?,
                Ok(None) => ("its process ended before it was ready".to_owned(), false),
                Err(error) => (format!("{error:#}"), false),
            };
            return Err(match loading {
                Some(model) if lasting => NotReady::Unfit { model, why: Unfit { reason, lasting } },
                Some(model) => {
                    let reason = format!("{}: {reason}", model.display());
                    NotReady::Unfit { model, why: Unfit { reason, lasting } }
                }
                None => NotReady::Other(anyhow::anyhow!(reason)),
            });
        }
    }

    /// `None` when it has ended as it should.
    async fn next(&mut self) -> anyhow::Result<Option<Says>> {
        let Some(line) = self.lines.next_line().await? else {
            let status = self.child.wait().await?;
            let in_log = "the reason is in the lines above";
            anyhow::ensure!(status.success(), "its process ended with {status}; {in_log}");
            return Ok(None);
        };
        // What it said may be a caller's words: they do not belong into a log.
        serde_json::from_str(&line).map(Some).context("its process said what is not ours")
    }

    /// Takes its words, until it has ended.
    async fn read(&mut self, tap: &CallTap, watched: &Watched, pulse: &Pulse) -> anyhow::Result<()> {
        while let Some(says) = self.next().await? {
            match says {
                Says::Partial(words) => tap.partial_words(&words),
                Says::Final(words) => tap.final_words(words),
                Says::Ended { leg, speech } => tap.all_words(leg, speech),
                Says::Tock { number } => {
                    pulse.answered.store(number, Ordering::Relaxed);
                    let open = pulse.asked.load(Ordering::Relaxed).saturating_sub(number);
                    watched.lags(open * TICK_EVERY.as_millis() as u64);
                }
                Says::Loading { .. } | Says::Ready | Says::Refused { .. } => {
                    anyhow::bail!("its process said twice how it began")
                }
            }
        }
        Ok(())
    }
}
