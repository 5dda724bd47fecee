//! The command desk: what the hub asks of the box, done once each, answered through the outbox.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use protocol::limits::MAX_MESSAGE_BYTES;
use protocol::{
    Answer, CallId, CameraId, Clock, Command, CommandBody, CommandId, HIDDEN, Outcome, Place,
    ShownConfiguration, UtcMs,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::alarm_test;
use crate::config::{self, Config, Installed, Problem};
use crate::evidence::Recorder;
use crate::health::Floor;
use crate::memory::{self, Memory};
use crate::outbox::{Outbox, OutboxError};
use crate::report::{EvidenceFile, Report, needs_copy};
use crate::rules::Rules;
use crate::trial::Tryout;

/// Mistakes of a configuration that one answer names; more would not fit into a message.
const MOST_PROBLEMS: usize = 20;

/// Clips that are made at once on the hub's request; one more is refused, and may be asked for later.
const MOST_CLIPS: usize = 4;

/// What an answer needs around a configuration that it shows.
const AROUND_BYTES: usize = 4 * 1024;

/// Longest that trying rules on the last hour may take; a crowd's hour takes seconds.
const LONGEST_TRIAL: Duration = Duration::from_secs(120);

/// A configuration that can be read; whether it holds is found out by starting with it.
pub struct NewConfiguration {
    pub command_id: CommandId,
    pub version: u64,
    /// The version it was made from, where its maker says so.
    pub based_on: Option<u64>,
    pub toml: String,
    pub config: Box<Config>,
}

pub struct Desk {
    pub outbox: Outbox,
    pub clock: Arc<dyn Clock>,
    pub floor: Floor,
    pub recorder: Arc<Recorder>,
    pub memory: Arc<Memory>,
    /// The installer's file.
    pub installed: Arc<Installed>,
    /// To whoever changes the stations; it answers that command.
    pub configure: mpsc::Sender<NewConfiguration>,
    pub making: Making,
}

/// Clips in the making: the hub asks again before one is finished.
#[derive(Clone, Debug, Default)]
pub struct Making(Arc<Mutex<HashSet<CommandId>>>);

impl Making {
    /// False when it is being made already, or there are too many.
    fn begin(&self, id: CommandId) -> Begun {
        let mut making = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if making.contains(&id) {
            return Begun::Already;
        }
        if making.len() >= MOST_CLIPS {
            return Begun::Refused;
        }
        making.insert(id);
        Begun::Now
    }

    fn end(&self, id: CommandId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

enum Begun {
    Now,
    Already,
    Refused,
}

/// What a command came to; `None` when somebody else answers.
type Done = Option<(Outcome, Vec<EvidenceFile>)>;

fn failed(reason: impl Into<String>) -> Done {
    Some((Outcome::Failed { reason: reason.into() }, Vec::new()))
}

impl Desk {
    /// One command after the other, until cancelled.
    pub async fn run(self, mut commands: mpsc::Receiver<Command>, cancel: CancellationToken) {
        loop {
            let command = tokio::select! {
                () = cancel.cancelled() => return,
                command = commands.recv() => command,
            };
            let Some(command) = command else { return };
            let (id, name) = (command.command_id, command.body.name());
            if let Err(error) = self.handle(command).await {
                // Not answered: the hub sends it again.
                tracing::error!(command = %id, name, %error, "a command could not be answered");
            }
        }
    }

    async fn handle(&self, command: Command) -> Result<(), OutboxError> {
        if self.outbox.is_answered(command.command_id).await? {
            return Ok(());
        }
        tracing::info!(command = %command.command_id, name = command.body.name(), by = command.issued_by, "command");
        let id = command.command_id;
        // By a clock that nobody has set it cannot be judged; the hub sends nothing that is over.
        let done = if self.outbox.is_clock_trusted() && self.clock.now() > command.expires_at {
            Some((Outcome::Expired, Vec::new()))
        } else {
            match command.body {
                CommandBody::Still { camera_id } => self.still(&camera_id).await,
                CommandBody::Clip { camera_id, from, to } => self.clip(id, &camera_id, from, to),
                CommandBody::Recording { call_id } => self.recording(call_id).await?,
                CommandBody::Correct { call_id, category, matter } => {
                    self.correct(call_id, category, matter).await
                }
                CommandBody::Replay { camera_id, toml, last_s } => {
                    self.replay(camera_id, &toml, last_s).await
                }
                CommandBody::SelfTest {} => self.self_test(id).await?,
                CommandBody::Configuration { version, toml, based_on } => {
                    self.configuration(id, version, toml, based_on)
                }
                CommandBody::ShowConfiguration {} => self.show_configuration(),
            }
        };
        let Some((outcome, files)) = done else { return Ok(()) };
        let answer = Answer { command_id: id, outcome, answered_at: self.clock.now() };
        self.outbox.answer(&answer, &files).await.map(drop)
    }

    async fn still(&self, camera_id: &CameraId) -> Done {
        let present = self.floor.present();
        let Some(post) = present.cameras.get(camera_id) else {
            return failed(format!("this box has no camera {camera_id}"));
        };
        match self.recorder.still(&post.camera.view()).await {
            Ok(file) => Some((Outcome::Done { evidence: vec![file.evidence.clone()] }, vec![file])),
            Err(error) => failed(format!("{error:#}")),
        }
    }

    /// Raises a drill with the picture of the first camera that shows one; of a box without cameras without any.
    async fn self_test(&self, id: CommandId) -> Result<Done, OutboxError> {
        let present = self.floor.present();
        let mut why = Vec::new();
        for (camera_id, post) in &present.cameras {
            let file = match self.recorder.still(&post.camera.view()).await {
                Ok(EvidenceFile { evidence, path }) => {
                    EvidenceFile { evidence: alarm_test::snapshot(evidence), path }
                }
                Err(error) => {
                    why.push(format!("{camera_id}: {error:#}"));
                    continue;
                }
            };
            let config = post.camera.config();
            let seen = alarm_test::Seen {
                camera_id: camera_id.clone(),
                camera_name: config.display_name().to_owned(),
                place: config.place.clone().map(Place::from),
            };
            let picture = Some(file.evidence.clone());
            let incident = alarm_test::incident(id, Some(&seen), picture, self.clock.now());
            self.outbox.append(&Report { incident, files: vec![file], unfinished: false }).await?;
            return Ok(Some((Outcome::Done { evidence: Vec::new() }, Vec::new())));
        }
        if !why.is_empty() {
            return Ok(failed(format!("no camera shows a picture: {}", why.join("; "))));
        }
        let incident = alarm_test::incident(id, None, None, self.clock.now());
        self.outbox.append(&Report { incident, files: Vec::new(), unfinished: false }).await?;
        Ok(Some((Outcome::Done { evidence: Vec::new() }, Vec::new())))
    }

    /// Tries rules on what the camera saw in the last hour, or in a part of it.
    async fn replay(&self, camera_id: CameraId, toml: &str, last_s: Option<u32>) -> Done {
        let present = self.floor.present();
        if !present.cameras.contains_key(&camera_id) {
            return failed(format!("this box has no camera {camera_id}"));
        }
        let rules = match config::rules_on_trial(toml, &present.config) {
            Ok(rules) => rules,
            Err(problems) => return failed(list(&problems)),
        };
        // Pixels are read for the rules in force only, and are not kept.
        let in_force = present.config.cameras.iter().find(|watched| watched.camera.id == camera_id);
        let read = in_force.map(|watched| Rules::new(&watched.rules).wanted()).unwrap_or_default();
        let unread = Rules::new(&rules).wanted().beyond(read);
        if !unread.is_empty() {
            let what = unread.join(" and ");
            return failed(format!(
                "no rule in force looks for {what}, so nothing is known of it in the last hour"
            ));
        }
        let now = self.clock.now();
        let reach_ms = last_s.map_or(memory::REACH_MS, |s| i64::from(s.max(1)) * 1_000);
        let (memory, from) = (self.memory.clone(), now.plus_ms(-reach_ms.min(memory::REACH_MS)));
        // A crowd's hour takes seconds to read.
        let given_up = CancellationToken::new();
        let (is_given_up, _no_longer) = (given_up.clone(), given_up.drop_guard());
        let tried = tokio::task::spawn_blocking(move || {
            let mut tryout = Tryout::new(&rules);
            memory.recall(&camera_id, from, |observation| {
                tryout.see(&observation);
                if is_given_up.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            tryout
                .end(now)
                .with_context(|| format!("camera {camera_id} has seen nothing in the time asked for"))
        });
        // A disk that hangs would hold back every command after this one.
        match tokio::time::timeout(LONGEST_TRIAL, tried).await {
            Err(_) => failed(format!(
                "the last hour was not read within {} s: see whether the disk of this box hangs",
                LONGEST_TRIAL.as_secs()
            )),
            Ok(tried) => match tried.map_err(anyhow::Error::from).flatten() {
                Ok(trial) => Some((Outcome::Tried { trial }, Vec::new())),
                Err(error) => failed(format!("{error:#}")),
            },
        }
    }

    /// Takes its time, and answers by itself.
    fn clip(&self, id: CommandId, camera_id: &CameraId, from: UtcMs, to: UtcMs) -> Done {
        let present = self.floor.present();
        let Some(post) = present.cameras.get(camera_id) else {
            return failed(format!("this box has no camera {camera_id}"));
        };
        match self.making.begin(id) {
            Begun::Now => {}
            Begun::Already => return None,
            Begun::Refused => return failed("other clips are being made; ask again later"),
        }
        let (outbox, recorder, clock) = (self.outbox.clone(), self.recorder.clone(), self.clock.clone());
        let (making, view) = (self.making.clone(), post.camera.view());
        tokio::spawn(async move {
            let (outcome, files) = match recorder.clip(&view, from, to).await {
                Ok(clip) => {
                    let files = with_viewing_copy(&recorder, clip).await;
                    (Outcome::Done { evidence: files.iter().map(|f| f.evidence.clone()).collect() }, files)
                }
                Err(error) => (Outcome::Failed { reason: format!("{error:#}") }, Vec::new()),
            };
            let answer = Answer { command_id: id, outcome, answered_at: clock.now() };
            if let Err(error) = outbox.answer(&answer, &files).await {
                // Not answered: the hub sends it again.
                tracing::error!(command = %id, %error, "a clip could not be answered");
            }
            making.end(id);
        });
        None
    }

    /// Brings the recordings of a call: where private numbers are spoken a copy without them, else themselves. Nothing
    /// leaves while it is not known what is spoken.
    async fn recording(&self, call_id: CallId) -> Result<Done, OutboxError> {
        let Some(tap) = self.floor.present().calls.clone() else {
            return Ok(failed(
                "this box takes no calls now, so it cannot tell which private numbers its recordings hold; ask again when \
                 calls are switched on, after a start in a minute",
            ));
        };
        let release = match tap.release(call_id).await {
            Ok(release) => release,
            Err(error) => return Ok(failed(format!("{error:#}"))),
        };
        let whole = self.outbox.request_recordings(call_id, &release.stay).await?;
        let evidence: Vec<_> = release.copies.iter().map(|copy| copy.evidence.clone()).chain(whole).collect();
        if evidence.is_empty() {
            return Ok(failed(format!("this box holds no recording of call {call_id}; it may have expired")));
        }
        Ok(Some((Outcome::Done { evidence }, release.copies)))
    }

    async fn correct(&self, call_id: CallId, category: Option<String>, matter: Option<String>) -> Done {
        let present = self.floor.present();
        let Some(tap) = &present.calls else { return failed("this box takes no calls") };
        match tap.correct(call_id, category, matter).await {
            Ok(()) => Some((Outcome::Done { evidence: Vec::new() }, Vec::new())),
            Err(error) => failed(format!("{error:#}")),
        }
    }

    /// What is in force, without secrets.
    fn show_configuration(&self) -> Done {
        let present = self.floor.present();
        let text = config::text_in_force(&self.installed, &present.config);
        let shown = text.and_then(|text| {
            config::shown(&text, &present.config)
                .map_err(anyhow::Error::msg)
                .context("the configuration in force")
        });
        let configuration = match shown {
            Ok(toml) => {
                ShownConfiguration { version: present.config.version, toml, labels: present.config.named() }
            }
            Err(error) => return failed(format!("{error:#}")),
        };
        let size_bytes = serde_json::to_vec(&configuration).map_or(usize::MAX, |json| json.len());
        if size_bytes > MAX_MESSAGE_BYTES - AROUND_BYTES {
            return failed(format!(
                "the configuration in force has {size_bytes} bytes, more than a message holds"
            ));
        }
        Some((Outcome::Shown { configuration }, Vec::new()))
    }

    fn configuration(
        &self,
        command_id: CommandId,
        version: u64,
        mut toml: String,
        based_on: Option<u64>,
    ) -> Done {
        if toml.contains(HIDDEN) {
            let present = match config::text_in_force(&self.installed, &self.floor.present().config) {
                Ok(text) => text,
                Err(error) => return failed(format!("what {HIDDEN} stands for is not known: {error:#}")),
            };
            match config::restored(version, &toml, &present) {
                Ok(whole) => toml = whole,
                Err(problems) => return failed(list(&problems)),
            }
        }
        match config::from_hub(version, &toml, &self.installed.current()) {
            Err(problems) => failed(list(&problems)),
            Ok(config) => {
                let new = NewConfiguration { command_id, version, based_on, toml, config: Box::new(config) };
                match self.configure.try_send(new) {
                    Ok(()) => None,
                    Err(_) => failed("another configuration is being applied; send it again later"),
                }
            }
        }
    }
}

/// The clip, and what browsers can show of it.
async fn with_viewing_copy(recorder: &Recorder, clip: EvidenceFile) -> Vec<EvidenceFile> {
    let mut files = vec![clip];
    if needs_copy(&files[0].evidence) {
        match recorder.viewing_copy(&files[0]).finished().await {
            Ok(copy) => files.push(copy),
            Err(error) => {
                let (clip, error) = (files[0].path.display(), format!("{error:#}"));
                tracing::warn!(%clip, error, "a clip is sent without a viewing copy");
            }
        }
    }
    files
}

fn list(problems: &[Problem]) -> String {
    let mut lines: Vec<_> = problems.iter().take(MOST_PROBLEMS).map(ToString::to_string).collect();
    if problems.len() > MOST_PROBLEMS {
        lines.push(format!("… and {} more", problems.len() - MOST_PROBLEMS));
    }
    lines.join("\n")
}
