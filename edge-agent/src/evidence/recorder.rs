//! Who makes evidence, when. Snapshots at once; clips when their time is over, one re-encode at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use protocol::{Clock, UtcMs};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use super::clip;
use super::file::Folder;
use super::snapshot::{self, Drawn};
use crate::camera::{CameraView, Hold};
use crate::frame::Frame;
use crate::report::EvidenceFile;

/// How often a waiting clip looks whether its time is over.
const LOOK: Duration = Duration::from_millis(100);

/// After the last moment of a clip, so long for the network to bring it.
const ARRIVAL_MS: i64 = 2_000;

/// Makes evidence of all cameras. Needs a tokio runtime around it.
pub struct Recorder {
    folder: Arc<Folder>,
    clock: Arc<dyn Clock>,
    /// Re-encoding costs whole cores: one at a time, the others wait.
    reencode: Arc<Semaphore>,
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
        let folder = Arc::new(Folder::open(folder)?);
        Ok(Self { folder, clock, reencode: Arc::new(Semaphore::new(1)) })
    }

    /// To be called when an incident opens: from here on the ring can evict nothing that its clip needs.
    /// `frame`: the picture that shows it; `started_at`: when its cause began.
    pub fn open(
        &self,
        camera: &CameraView,
        frame: &Frame,
        started_at: UtcMs,
        drawn: Option<Drawn>,
    ) -> Opening {
        let pre_roll_ms = i64::from(camera.config().pre_roll_s) * 1_000;
        let hold = camera.ring().hold(started_at.plus_ms(-pre_roll_ms));
        let (end, ended) = watch::channel(None);
        let snapshot = {
            let (folder, camera, frame) = (self.folder.clone(), camera.clone(), frame.clone());
            tokio::task::spawn_blocking(move || {
                snapshot::snapshot(&folder, &camera, &frame, drawn).context("making a snapshot")
            })
        };
        let (folder, clock, reencode) = (self.folder.clone(), self.clock.clone(), self.reencode.clone());
        let camera = camera.clone();
        let clip = tokio::spawn(async move {
            let hold = hold.ok_or_else(|| anyhow!("too many clips of {} at once", camera.config().id))?;
            let until = clip_is_over(&camera, &*clock, started_at, &ended).await;
            write_clip(folder, hold, camera, started_at, until, reencode).await
        });
        Opening { snapshot: Pending(snapshot), clip: Pending(clip), end: ClipEnd(end) }
    }

    /// A masked current picture, for the hub's command.
    pub async fn still(&self, camera: &CameraView) -> Result<EvidenceFile> {
        let (folder, clock, camera) = (self.folder.clone(), self.clock.clone(), camera.clone());
        let work = tokio::task::spawn_blocking(move || snapshot::still(&folder, &camera, &*clock));
        work.await.context("making a still was interrupted")?
    }
}

/// Waits until everything the clip shows has arrived, or cannot arrive any more; returns its last moment.
async fn clip_is_over(
    camera: &CameraView,
    clock: &dyn Clock,
    started_at: UtcMs,
    ended: &watch::Receiver<Option<UtcMs>>,
) -> UtcMs {
    let config = camera.config();
    let longest = started_at.plus_ms(i64::from(config.clip_max_s) * 1_000);
    loop {
        let end = ended.borrow().map_or(longest, |end| end.clamp(started_at, longest));
        let until = end.plus_ms(i64::from(config.post_roll_s) * 1_000);
        let arrived = camera.ring().newest_us().is_some_and(|newest| newest >= until.0 * 1_000);
        if arrived || camera.has_ended() || clock.now() >= until.plus_ms(ARRIVAL_MS) {
            return until;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn write_clip(
    folder: Arc<Folder>,
    hold: Hold,
    camera: CameraView,
    started_at: UtcMs,
    until: UtcMs,
    reencode: Arc<Semaphore>,
) -> Result<EvidenceFile> {
    let units = hold.units();
    if hold.is_truncated() {
        tracing::warn!(camera = %camera.config().id, "a clip grew too large and ends early");
    }
    // Let go of the hold: what follows the clip need not be gathered.
    drop(hold);
    let turn = match camera.config().masks.is_empty() {
        true => None,
        false => Some(reencode.acquire_owned().await.context("the recorder has gone")?),
    };
    let work = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        clip::write(&folder, &units, started_at, until, &camera.config().masks).context("making a clip")
    });
    work.await.context("making a clip was interrupted")?
}
