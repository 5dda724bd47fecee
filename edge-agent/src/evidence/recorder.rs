//! Who makes evidence, when. Snapshots at once; clips when their time is over, one re-encode at a time. What a
//! clip gathers is spooled to disk meanwhile, for the case that the box is killed.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use protocol::{Clock, EvidenceKind, IncidentId, UtcMs};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::clip;
use super::file::Folder;
use super::snapshot::{self, Drawn};
use super::spool::{self, Plan, Spool};
use crate::camera::{self, CameraView, Hold, Polygon, Unit};
use crate::frame::Frame;
use crate::report::EvidenceFile;

/// How often a waiting clip looks whether its time is over.
const LOOK: Duration = Duration::from_millis(100);

/// How often what came is written down: at most so much of a clip dies with the box.
const SPOOL_EVERY: Duration = Duration::from_secs(1);

/// Masked clips that wait for their turn to be encoded again, on disk. One more is given up, and told as lost.
const MAX_WAITING: usize = 16;

/// After the last moment of a clip, so long for the network to bring it.
const ARRIVAL_MS: i64 = 2_000;

/// Makes evidence of all cameras. Needs a tokio runtime around it.
pub struct Recorder {
    folder: Arc<Folder>,
    spools: PathBuf,
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

impl Recorder {
    /// `folder`: where finished evidence lies, inside the data folder.
    pub fn new(folder: PathBuf, clock: Arc<dyn Clock>) -> Result<Self> {
        // What a killed run left is recovered before any camera starts.
        camera::init()?;
        let spools = folder.join("spool");
        let folder = Arc::new(Folder::open(folder)?);
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&spools);
        made.with_context(|| format!("making {}", spools.display()))?;
        Ok(Self { folder, spools, clock, turns: Turns::new() })
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
        let (camera, path) = (camera.clone(), self.spool_path(incident));
        let clip = tokio::spawn(async move {
            let hold = hold.ok_or_else(|| anyhow!("too many clips of {} at once", camera.config().id))?;
            let mut spooling = Spooling::begin(path.clone(), plan).await;
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
            let clip = write_clip(folder, Units::Spooled(path), started_at, until, masks).await;
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
    pub async fn recover(&self, incident: IncidentId, kind: EvidenceKind) -> Result<EvidenceFile> {
        let path = self.spool_path(incident);
        ensure!(path.exists(), "the box went down before any of it was written");
        let folder = self.folder.clone();
        let turn = self.turns.next().await?;
        let work = spawn_blocking(move || {
            let _turn = turn;
            let (plan, units) = spool::read(&path)?;
            match kind {
                EvidenceKind::Clip => clip::write(&folder, &units, plan.started_at, plan.until, &plan.masks),
                EvidenceKind::Snapshot => snapshot::recovered(&folder, &units, &plan),
                EvidenceKind::Recording | EvidenceKind::Still => bail!("incidents of cameras have none"),
            }
        });
        work.await.context("making evidence was interrupted")?
    }

    /// The clip of this incident is in the outbox, or will never be.
    pub fn forget(&self, incident: IncidentId) {
        remove(&self.spool_path(incident));
    }

    /// Clears what belongs to none of these incidents. To be called before any is opened.
    pub fn forget_all_but(&self, incidents: &[IncidentId]) {
        let kept: Vec<PathBuf> = incidents.iter().map(|id| self.spool_path(*id)).collect();
        let Ok(entries) = std::fs::read_dir(&self.spools) else { return };
        let left = entries.flatten().map(|entry| entry.path()).filter(|path| !kept.contains(path));
        left.for_each(|path| remove(&path));
    }

    fn spool_path(&self, incident: IncidentId) -> PathBuf {
        self.spools.join(format!("{incident}.spool"))
    }
}

fn remove(path: &std::path::Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), %error, "cannot delete a spool");
    }
}

/// Writes down what a clip gathers, as long as the disk takes it.
struct Spooling {
    spool: Option<Spool>,
    written: usize,
    last: Option<Instant>,
}

impl Spooling {
    async fn begin(path: PathBuf, plan: Plan) -> Self {
        let made = spawn_blocking(move || Spool::create(&path, &plan)).await;
        let spool = kept(made.map_err(std::io::Error::other).flatten());
        Self { spool, written: 0, last: None }
    }

    async fn catch_up(&mut self, hold: &Hold) {
        if self.last.is_none_or(|last| last.elapsed() >= SPOOL_EVERY) {
            self.write(hold).await;
        }
    }

    /// Everything that the hold has is on disk, or else an error.
    async fn complete(&mut self, hold: &Hold) -> Result<()> {
        self.write(hold).await;
        ensure!(self.spool.is_some(), "what it gathered could not be written to disk");
        Ok(())
    }

    async fn write(&mut self, hold: &Hold) {
        self.last = Some(Instant::now());
        let Some(mut spool) = self.spool.take() else { return };
        let units = hold.units_after(self.written);
        self.written += units.len();
        let done = spawn_blocking(move || spool.append(&units).map(|()| spool)).await;
        self.spool = kept(done.map_err(std::io::Error::other).flatten());
    }
}

/// Memory still has everything: only a crash would lose it.
fn kept(spool: std::io::Result<Spool>) -> Option<Spool> {
    spool.inspect_err(|error| tracing::warn!(%error, "a clip in the making cannot be spooled to disk")).ok()
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
