//! Who makes evidence, when. Snapshots at once; clips when their time is over (see [`super::gather`]), one re-encode at
//! a time. What a clip gathers is spooled to disk meanwhile (see [`super::spooling`]), for the case that the box is
//! killed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow};
use protocol::{Clock, Cut, IncidentId, UtcMs};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};

use super::clip;
use super::copy;
use super::file::Folder;
use super::footage::Asked;
use super::gather::Gathering;
use super::recording;
use super::snapshot::{self, Drawn};
use super::spool::{self, Gathered, NothingGathered, Plan};
use super::spooling::{Failures, Spools};
use super::turns::Turns;
use crate::camera::{self, CameraView};
use crate::frame::Frame;
use crate::report::{EvidenceFile, Wanted};

/// Starts and retries that one file is given after a crash: what fails so often, or brings the program down with it,
/// is given up. Those that found the disk full are counted apart (see [`Failures`]).
const ATTEMPTS: u64 = 5;

/// Between two attempts at a file that the disk did not take.
const AGAIN: Duration = Duration::from_secs(60);
/// Attempts at a snapshot: it waits in memory.
const SNAPSHOT_ATTEMPTS: u32 = 5;

/// Makes evidence of all cameras. Needs a tokio runtime around it.
pub struct Recorder {
    folder: Arc<Folder>,
    spools: Arc<Spools>,
    clock: Arc<dyn Clock>,
    turns: Turns,
    again: Duration,
    /// Where cameras that want it are recorded, and how much of the disk that leaves free.
    recording: Option<(PathBuf, u64)>,
    /// Of files that a full disk did not take after a crash.
    refused: Mutex<HashMap<(IncidentId, &'static str), Failures>>,
}

/// Evidence in the making of one incident.
pub struct Opening {
    pub snapshot: Pending,
    pub clip: Pending,
    pub end: ClipEnd,
}

/// A file that will be finished. Dropping it lets the work go on unwatched.
pub struct Pending(JoinHandle<Result<EvidenceFile>>);

impl Pending {
    pub async fn finished(self) -> Result<EvidenceFile> {
        self.0.await.context("making evidence was interrupted")?
    }
}

/// Tells a clip that its incident has ended, so that it stops after post-roll. A clip that is never told
/// stops `clip_max_s` after the incident began, plus post-roll.
pub struct ClipEnd(watch::Sender<Option<UtcMs>>);

impl ClipEnd {
    pub fn at(&self, ended_at: UtcMs) {
        self.0.send_replace(Some(ended_at));
    }
}

/// Why a file of a killed run was not made.
#[derive(Debug, thiserror::Error)]
pub enum Unrecovered {
    /// Worth another attempt.
    #[error("{0:#}")]
    Later(Error),
    #[error("{0:#}")]
    Never(Error),
}

fn gathered(spool: &Path) -> Result<(Plan, Gathered)> {
    let (plan, gathered) = spool::read(spool)?;
    if gathered.units.is_empty() { Err(NothingGathered.into()) } else { Ok((plan, gathered)) }
}

impl Recorder {
    /// `folder`: where finished evidence lies, inside the data folder.
    pub fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Result<Self> {
        // What a killed run left is recovered before any camera starts.
        camera::init()?;
        let spools = Arc::new(Spools::open(&folder)?);
        let folder = Arc::new(Folder::open(folder)?);
        let (turns, refused) = (Turns::new(), Mutex::default());
        Ok(Self { folder, spools, clock, turns, again: AGAIN, recording: None, refused })
    }

    /// Spools leave so much of the disk free.
    pub fn leaving_free(mut self, bytes: u64) -> Self {
        self.spools = Arc::new(Spools::leaving_free(&self.spools, bytes));
        self
    }

    /// Cameras that want it are recorded in this folder, as long as so much of the disk is free.
    pub fn recording_in(mut self, folder: PathBuf, leave_free_bytes: u64) -> Self {
        self.recording = Some((folder, leave_free_bytes));
        self
    }

    /// What the disk does not take is tried again after so long.
    pub fn trying_again_after(mut self, again: Duration) -> Self {
        self.again = again;
        self
    }

    /// To be called when an incident opens: from here on the ring can evict nothing that its clip needs.
    /// `frame`: the picture that shows it; `started_at`: when its cause began.
    pub fn open(
        &self,
        incident: IncidentId,
        camera: &CameraView,
        frame: &Frame,
        started_at: UtcMs,
        drawn: Option<Drawn>,
    ) -> Opening {
        let config = camera.config();
        let from = started_at.plus_ms(-i64::from(config.pre_roll_s) * 1_000);
        let hold = camera.ring().hold(from);
        let (end, ended) = watch::channel(None);
        let snapshot = self.snapshot(camera, frame, drawn);
        let plan = Plan {
            started_at,
            from,
            until: started_at.plus_ms(i64::from(config.clip_max_s + config.post_roll_s) * 1_000),
            frame_at: frame.captured_at,
            drawn,
            masks: config.masks.clone(),
            blur_people: config.blur_people,
        };
        let gathering = Gathering {
            incident,
            camera: camera.clone(),
            clock: self.clock.clone(),
            plan,
            ended,
            folder: self.folder.clone(),
            spools: self.spools.clone(),
            turns: self.turns.clone(),
            again: self.again,
        };
        let clip = tokio::spawn(gathering.run(hold));
        Opening { snapshot, clip: Pending(clip), end: ClipEnd(end) }
    }

    /// A picture of an incident: the first comes with [`Self::open`], this is for a better one.
    pub fn snapshot(&self, camera: &CameraView, frame: &Frame, drawn: Option<Drawn>) -> Pending {
        let (folder, camera, frame) = (self.folder.clone(), camera.clone(), frame.clone());
        let again = self.again;
        Pending(tokio::spawn(async move {
            let developing = spawn_blocking(move || snapshot::snapshot(&camera, &frame, drawn));
            let developed = developing.await.context("making a snapshot was interrupted")??;
            let developed = Arc::new(developed);
            let mut attempt = 1;
            loop {
                let (folder, developed) = (folder.clone(), developed.clone());
                let kept = spawn_blocking(move || developed.keep(&folder)).await;
                match kept.context("making a snapshot was interrupted")? {
                    Err(error) if attempt < SNAPSHOT_ATTEMPTS => {
                        let error = format!("{error:#}");
                        tracing::warn!(error, "a snapshot cannot be written yet; it is tried again");
                    }
                    kept => return kept.context("making a snapshot"),
                }
                attempt += 1;
                tokio::time::sleep(again).await;
            }
        }))
    }

    /// An H.264 copy of a finished clip in H.265, when nothing else is to be encoded.
    pub fn viewing_copy(&self, clip: &EvidenceFile) -> Pending {
        let (folder, turns, clip) = (self.folder.clone(), self.turns.clone(), clip.clone());
        Pending(tokio::spawn(async move {
            let turn = turns.for_copy().await?;
            let work = spawn_blocking(move || {
                let _turn = turn;
                copy::write(&folder, &clip).context("making a viewing copy")
            });
            work.await.context("making a viewing copy was interrupted")?
        }))
    }

    /// A masked current picture, for the hub's command.
    pub async fn still(&self, camera: &CameraView) -> Result<EvidenceFile> {
        let (folder, clock, camera) = (self.folder.clone(), self.clock.clone(), camera.clone());
        let work = spawn_blocking(move || snapshot::still(&camera, &*clock)?.keep(&folder));
        work.await.context("making a still was interrupted")?
    }

    /// Begins to record a camera that wants it, until it ends.
    pub fn record(&self, camera: &CameraView) {
        if let (true, Some((folder, leave_free))) = (camera.config().record, self.recording.clone()) {
            tokio::spawn(recording::run(camera.clone(), folder, leave_free));
        }
    }

    /// A stretch of what was recorded of a camera, for the hub's command.
    pub async fn clip(&self, camera: &CameraView, from: UtcMs, until: UtcMs) -> Result<EvidenceFile> {
        let (folder, camera) = (self.folder.clone(), camera.clone());
        let recording = self.recording.as_ref().map(|(folder, _)| folder.clone());
        let (of, camera_of) = (recording.clone(), camera.clone());
        let look = spawn_blocking(move || recording::is_covered(of.as_deref(), &camera_of, from, until));
        let covered = look.await.context("making a clip was interrupted")?;
        let turn = if covered { Some(self.turns.for_clip().await?) } else { None };
        let work = spawn_blocking(move || {
            let _turn = turn;
            recording::export(&folder, recording.as_deref(), &camera, from, until)
        });
        work.await.context("making a clip was interrupted")?
    }

    /// Makes a file of what a killed run had gathered for its incident. One at a time.
    pub async fn recover(&self, incident: IncidentId, wanted: &Wanted) -> Result<EvidenceFile, Unrecovered> {
        let source = match wanted {
            Wanted::Snapshot | Wanted::Clip => self.spools.path(incident),
            Wanted::ViewingCopy(of) => self.folder.path(&of.sha256, of.kind),
        };
        if !source.exists() {
            let why = match wanted {
                Wanted::Snapshot | Wanted::Clip => "the box went down before any of it was written",
                Wanted::ViewingCopy(_) => "the original is no longer on the box",
            };
            return Err(Unrecovered::Never(anyhow!(why)));
        }
        let turn = match wanted {
            Wanted::Snapshot | Wanted::Clip => self.turns.for_clip().await,
            Wanted::ViewingCopy(_) => self.turns.for_copy().await,
        };
        let turn = turn.map_err(Unrecovered::Later)?;
        let attempt = self.spools.count_attempt(incident, wanted).map_err(Unrecovered::Later)?;
        if attempt > ATTEMPTS {
            return Err(Unrecovered::Never(anyhow!("given up after {ATTEMPTS} attempts")));
        }
        let (folder, of, from) = (self.folder.clone(), wanted.clone(), source.clone());
        let work = spawn_blocking(move || {
            let (source, _turn) = (from, turn);
            match of {
                Wanted::Clip => {
                    let (plan, gathered) = gathered(&source)?;
                    let asked = Asked { from: plan.from, until: plan.until, cut: Some(Cut::BoxDown) };
                    let hidden = plan.hidden(gathered.sights);
                    clip::write(&folder, &gathered.units, plan.started_at, asked, &hidden)
                }
                Wanted::Snapshot => {
                    let (plan, gathered) = gathered(&source)?;
                    snapshot::recovered(gathered, &plan)?.keep(&folder)
                }
                Wanted::ViewingCopy(of) => {
                    copy::write(&folder, &EvidenceFile { evidence: *of, path: source })
                }
            }
        });
        let made = work.await.context("making evidence was interrupted").flatten();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (incident, wanted.word());
        let Err(error) = made else {
            refused.remove(&key);
            return made.map_err(Unrecovered::Never);
        };
        if error.is::<NothingGathered>() {
            return Err(Unrecovered::Never(error));
        }
        if self.spools.is_crowded(&source) && refused.entry(key).or_default().add(true) {
            self.spools.uncount_attempt(incident, wanted);
            return Err(Unrecovered::Later(error));
        }
        Err(if attempt == ATTEMPTS { Unrecovered::Never(error) } else { Unrecovered::Later(error) })
    }

    /// The clip of this incident is in the outbox, or will never be.
    pub fn forget(&self, incident: IncidentId) {
        self.spools.forget(incident);
    }

    /// Clears what belongs to none of these incidents. To be called before any is opened.
    pub fn forget_all_but(&self, incidents: &[IncidentId]) {
        self.spools.forget_all_but(incidents);
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Chance, SystemClock};

    use super::*;

    /// A spool whose pictures never reached the disk is given up at once.
    #[tokio::test]
    async fn nothing_gathered_is_nothing_to_try_again() {
        let (folder, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(1));
        let incident = IncidentId::new(&chance, UtcMs(0));
        let recorder = Recorder::new(folder.path().join("evidence"), Arc::new(SystemClock::new())).unwrap();
        let head = Plan {
            started_at: UtcMs(5),
            from: UtcMs(0),
            until: UtcMs(9),
            frame_at: UtcMs(6),
            drawn: None,
            masks: Vec::new(),
            blur_people: false,
        };
        let path = recorder.spools.path(incident);
        spool::Spool::create(&path, &head).unwrap();
        // Whole, and as a full disk leaves it.
        for bytes in [std::fs::metadata(&path).unwrap().len(), 20, 0] {
            std::fs::File::options().write(true).open(&path).unwrap().set_len(bytes).unwrap();
            for wanted in [Wanted::Clip, Wanted::Snapshot] {
                let refused = recorder.recover(incident, &wanted).await;
                assert!(matches!(refused, Err(Unrecovered::Never(why)) if why.is::<NothingGathered>()));
            }
        }
    }

    /// A file that a full disk does not take after a crash is tried again for as long as the disk is full, and then as
    /// often as any other.
    #[tokio::test]
    async fn a_full_disk_costs_no_recovery() {
        let (folder, chance) = (tempfile::tempdir().unwrap(), Chance::seeded(1));
        let incident = IncidentId::new(&chance, UtcMs(0));
        let mut recorder =
            Recorder::new(folder.path().join("evidence"), Arc::new(SystemClock::new())).unwrap();
        std::fs::write(recorder.spools.path(incident), "no head\n").unwrap();
        recorder.spools = Arc::new(recorder.spools.on(|_| Some(1_000)));
        for _ in 0..20 {
            let refused = recorder.recover(incident, &Wanted::Clip).await;
            assert!(matches!(refused, Err(Unrecovered::Later(_))));
        }
        recorder.spools = Arc::new(recorder.spools.on(|_| None));
        for attempt in 1..=ATTEMPTS {
            let refused = recorder.recover(incident, &Wanted::Clip).await;
            assert_eq!(matches!(refused, Err(Unrecovered::Never(_))), attempt == ATTEMPTS, "{attempt}");
        }
    }
}
