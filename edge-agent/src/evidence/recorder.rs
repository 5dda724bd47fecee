//! Who makes evidence, when. Snapshots at once; clips when their time is over, one re-encode at a time. What a
//! clip gathers is spooled to disk meanwhile (see [`super::spooling`]), for the case that the box is killed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use protocol::{Clock, EvidenceKind, IncidentId, UtcMs};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use super::clip;
use super::file::Folder;
use super::snapshot::{self, Drawn};
use super::spool::{self, Plan};
use super::spooling::{Spooling, Spools};
use crate::camera::{self, CameraView, Hold, Polygon, Unit};
use crate::frame::Frame;
use crate::report::EvidenceFile;

/// How often a waiting clip looks whether its time is over.
const LOOK: Duration = Duration::from_millis(100);

/// Masked clips that wait for their turn to be encoded again, on disk. One more is given up, and told as lost.
const MAX_WAITING: usize = 16;

/// After the last moment of a clip, so long for the network to bring it.
const ARRIVAL_MS: i64 = 2_000;

/// Starts and retries that one file is given after a crash: what fails so often, or brings the program down with it,
/// is given up.
const ATTEMPTS: u64 = 5;

/// Makes evidence of all cameras. Needs a tokio runtime around it.
pub struct Recorder {
    folder: Arc<Folder>,
    spools: Arc<Spools>,
    clock: Arc<dyn Clock>,
    turns: Turns,
}

/// Re-encoding costs whole cores: one clip at a time, a bounded number waits.
#[derive(Clone)]
struct Turns {
    encoding: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Turns {
    fn new() -> Self {
        Self { encoding: Arc::new(Semaphore::new(1)), waiting: Arc::new(Semaphore::new(MAX_WAITING)) }
    }

    async fn next(&self) -> Result<OwnedSemaphorePermit> {
        let place = self.waiting.clone().try_acquire_owned();
        let _place = place.map_err(|_| anyhow!("{MAX_WAITING} clips wait to be masked already"))?;
        self.encoding.clone().acquire_owned().await.context("the recorder has gone")
    }
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

impl Recorder {
    /// `folder`: where finished evidence lies, inside the data folder.
    pub fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Result<Self> {
        // What a killed run left is recovered before any camera starts.
        camera::init()?;
        let spools = Arc::new(Spools::open(&folder)?);
        Ok(Self { folder: Arc::new(Folder::open(folder)?), spools, clock, turns: Turns::new() })
    }

    /// Spools leave so much of the disk free.
    pub fn leaving_free(mut self, bytes: u64) -> Self {
        self.spools = Arc::new(Spools::leaving_free(&self.spools, bytes));
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
        let hold = camera.ring().hold(started_at.plus_ms(-i64::from(config.pre_roll_s) * 1_000));
        let (end, ended) = watch::channel(None);
        let snapshot = self.snapshot(camera, frame, drawn);
        let plan = Plan {
            started_at,
            until: started_at.plus_ms(i64::from(config.clip_max_s + config.post_roll_s) * 1_000),
            frame_at: frame.captured_at,
            drawn,
            masks: config.masks.clone(),
        };
        let (folder, clock, turns) = (self.folder.clone(), self.clock.clone(), self.turns.clone());
        let (camera, spools) = (camera.clone(), self.spools.clone());
        let clip = tokio::spawn(async move {
            let hold = hold.ok_or_else(|| anyhow!("too many clips of {} at once", camera.config().id))?;
            let mut spooling = Spooling::begin(spools.clone(), incident, plan).await;
            let until = gather(&camera, &*clock, started_at, &ended, &hold, &mut spooling).await;
            if hold.is_truncated() {
                tracing::warn!(camera = %camera.config().id, "a clip grew too large and ends early");
            }
            if camera.config().masks.is_empty() {
                let units = hold.units();
                return write_clip(folder, Units::Held(units), started_at, until, Vec::new()).await;
            }
            // It may have to wait: on disk, not in memory.
            spooling.complete(&hold).await?;
            drop(hold);
            let turn = turns.next().await?;
            let masks = camera.config().masks.clone();
            let units = Units::Spooled(spools.path(incident));
            let clip = write_clip(folder, units, started_at, until, masks).await;
            drop(turn);
            clip
        });
        Opening { snapshot, clip: Pending(clip), end: ClipEnd(end) }
    }

    /// A picture of an incident: the first comes with [`Self::open`], this is for a better one.
    pub fn snapshot(&self, camera: &CameraView, frame: &Frame, drawn: Option<Drawn>) -> Pending {
        let (folder, camera, frame) = (self.folder.clone(), camera.clone(), frame.clone());
        Pending(spawn_blocking(move || {
            snapshot::snapshot(&folder, &camera, &frame, drawn).context("making a snapshot")
        }))
    }

    /// A masked current picture, for the hub's command.
    pub async fn still(&self, camera: &CameraView) -> Result<EvidenceFile> {
        let (folder, clock, camera) = (self.folder.clone(), self.clock.clone(), camera.clone());
        let work = spawn_blocking(move || snapshot::still(&folder, &camera, &*clock));
        work.await.context("making a still was interrupted")?
    }

    /// Makes a file of what a killed run had gathered for its incident. One at a time.
    pub async fn recover(
        &self,
        incident: IncidentId,
        kind: EvidenceKind,
    ) -> Result<EvidenceFile, Unrecovered> {
        let path = self.spools.path(incident);
        if !path.exists() {
            return Err(Unrecovered::Never(anyhow!("the box went down before any of it was written")));
        }
        let turn = self.turns.next().await.map_err(Unrecovered::Later)?;
        let attempt = self.spools.count_attempt(incident, kind).map_err(Unrecovered::Later)?;
        if attempt > ATTEMPTS {
            return Err(Unrecovered::Never(anyhow!("given up after {ATTEMPTS} attempts")));
        }
        let folder = self.folder.clone();
        let work = spawn_blocking(move || {
            let _turn = turn;
            let (plan, units) = spool::read(&path)?;
            match kind {
                EvidenceKind::Clip => clip::write(&folder, &units, plan.started_at, plan.until, &plan.masks),
                EvidenceKind::Snapshot => snapshot::recovered(&folder, &units, &plan),
                EvidenceKind::Recording | EvidenceKind::Still => bail!("incidents of cameras have none"),
            }
        });
        let made = work.await.context("making evidence was interrupted").flatten();
        made.map_err(if attempt == ATTEMPTS { Unrecovered::Never } else { Unrecovered::Later })
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

/// Waits until everything the clip shows has arrived, or cannot arrive any more; returns its last moment.
async fn gather(
    camera: &CameraView,
    clock: &dyn Clock,
    started_at: UtcMs,
    ended: &watch::Receiver<Option<UtcMs>>,
    hold: &Hold,
    spooling: &mut Spooling,
) -> UtcMs {
    let config = camera.config();
    // As the clock went when the clip began: one that is set meanwhile neither cuts it off nor draws it out.
    let (began, began_ms) = (clock.now(), clock.uptime_ms());
    let now = || began.plus_ms(i64::try_from(clock.uptime_ms() - began_ms).unwrap_or(i64::MAX));
    let longest = started_at.plus_ms(i64::from(config.clip_max_s) * 1_000);
    loop {
        let end = ended.borrow().map_or(longest, |end| end.clamp(started_at, longest));
        let until = end.plus_ms(i64::from(config.post_roll_s) * 1_000);
        let arrived = camera.ring().newest_us().is_some_and(|newest| newest >= until.0 * 1_000);
        if arrived || camera.has_ended() || now() >= until.plus_ms(ARRIVAL_MS) {
            return until;
        }
        spooling.catch_up(hold).await;
        tokio::time::sleep(LOOK).await;
    }
}

/// Where the units of a clip are.
enum Units {
    Held(Vec<Unit>),
    Spooled(PathBuf),
}

async fn write_clip(
    folder: Arc<Folder>,
    units: Units,
    started_at: UtcMs,
    until: UtcMs,
    masks: Vec<Polygon>,
) -> Result<EvidenceFile> {
    let work = spawn_blocking(move || {
        let units = match units {
            Units::Held(units) => units,
            Units::Spooled(path) => spool::read(&path)?.1,
        };
        clip::write(&folder, &units, started_at, until, &masks).context("making a clip")
    });
    work.await.context("making a clip was interrupted")?
}
