//! The clip of one incident, from its first moment until it lies on disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use protocol::{Clock, Cut, IncidentId, UtcMs};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::clip;
use super::file::Folder;
use super::footage::Asked;
use super::hide::Hidden;
use super::spool::{self, Plan};
use super::spooling::{Failures, Spooling, Spools};
use super::turns::Turns;
use crate::camera::{CameraView, Hold, Unit};
use crate::report::EvidenceFile;

/// How often a waiting clip looks whether its time is over.
const LOOK: Duration = Duration::from_millis(100);

/// After the last moment of a clip, so long for the network to bring it.
const ARRIVAL_MS: i64 = 2_000;

pub(super) struct Gathering {
    pub(super) incident: IncidentId,
    pub(super) camera: CameraView,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) plan: Plan,
    pub(super) ended: watch::Receiver<Option<UtcMs>>,
    pub(super) folder: Arc<Folder>,
    pub(super) spools: Arc<Spools>,
    pub(super) turns: Turns,
    /// Between two attempts.
    pub(super) again: Duration,
}

impl Gathering {
    /// The finished clip.
    pub(super) async fn run(self, hold: Option<Hold>) -> Result<EvidenceFile> {
        let hold = hold.ok_or_else(|| anyhow!("too many clips of {} at once", self.camera.config().id))?;
        let people = self.plan.blur_people.then(|| self.camera.people().clone());
        let plan = self.plan.clone();
        let mut spooling = Spooling::begin(self.spools.clone(), self.incident, plan, people).await;
        let asked = self.gather(&hold, &mut spooling).await;
        let bare = self.plan.masks.is_empty() && !self.plan.blur_people;
        if bare {
            match self.write(Units::Held(hold.units()), asked).await {
                Ok(clip) => return Ok(clip),
                Err(error) => {
                    self.note(&error);
                    // Without a spool there is nothing to try again with.
                    if spooling.complete(hold, self.again).await.is_err() {
                        return Err(error);
                    }
                }
            }
        } else {
            // It may have to wait: on disk, not in memory.
            spooling.complete(hold, self.again).await?;
        }
        self.write_from_disk(asked, bare).await
    }

    /// Waits until everything the clip shows has arrived, or cannot arrive any more.
    async fn gather(&self, hold: &Hold, spooling: &mut Spooling) -> Asked {
        let (camera, config, clock) = (&self.camera, self.camera.config(), &*self.clock);
        let started_at = self.plan.started_at;
        // As the clock went when the clip began: one that is set meanwhile neither cuts it off nor draws it out.
        let (began, began_ms) = (clock.now(), clock.uptime_ms());
        let now = || began.plus_ms(i64::try_from(clock.uptime_ms() - began_ms).unwrap_or(i64::MAX));
        let longest = started_at.plus_ms(i64::from(config.clip_max_s) * 1_000);
        let until = loop {
            let end = self.ended.borrow().map_or(longest, |end| end.clamp(started_at, longest));
            let until = end.plus_ms(i64::from(config.post_roll_s) * 1_000);
            let arrived = camera.ring().newest_us().is_some_and(|newest| newest >= until.0 * 1_000);
            // Where people are at its end is known a moment later.
            let analysed = !self.plan.blur_people || camera.people().newest().is_some_and(|at| at >= until);
            if (arrived && analysed) || camera.has_ended() || now() >= until.plus_ms(ARRIVAL_MS) {
                break until;
            }
            spooling.catch_up(hold).await;
            tokio::time::sleep(LOOK).await;
        };
        // A camera that goes first leaves no word of an end; it has cut the clip itself.
        let filmed = camera.ring().newest_us().is_some_and(|newest| newest >= longest.0 * 1_000);
        let went_on = self.ended.borrow().map_or(filmed, |end| end > longest);
        let cut = if hold.is_truncated() {
            tracing::warn!(camera = %config.id, "a clip grew too large and ends early");
            Some(Cut::Bytes)
        } else {
            went_on.then_some(Cut::Length)
        };
        Asked { from: self.plan.from, until, cut }
    }

    async fn write_from_disk(&self, asked: Asked, bare: bool) -> Result<EvidenceFile> {
        let mut failures = Failures::default();
        if bare {
            failures.add(false);
            tokio::time::sleep(self.again).await;
        }
        loop {
            let turn = if bare { None } else { Some(self.turns.for_spooled_clip().await?) };
            let made = self.write(Units::Spooled(self.spools.path(self.incident)), asked).await;
            drop(turn);
            let error = match made {
                Ok(clip) => return Ok(clip),
                Err(error) => error,
            };
            if !failures.add(self.spools.is_crowded(&self.spools.path(self.incident))) {
                return Err(error);
            }
            self.note(&error);
            tokio::time::sleep(self.again).await;
        }
    }

    fn note(&self, error: &anyhow::Error) {
        let error = format!("{error:#}");
        tracing::warn!(incident = %self.incident, error, "a clip cannot be written yet; it is tried again");
    }

    async fn write(&self, units: Units, asked: Asked) -> Result<EvidenceFile> {
        let (folder, at, plan) = (self.folder.clone(), self.plan.started_at, self.plan.clone());
        let work = spawn_blocking(move || {
            let (units, hidden) = match units {
                Units::Held(units) => (units, Hidden::default()),
                Units::Spooled(path) => {
                    let (_, gathered) = spool::read::<Plan>(&path)?;
                    (gathered.units, plan.hidden(gathered.sights))
                }
            };
            clip::write(&folder, &units, at, asked, &hidden).context("making a clip")
        });
        work.await.context("making a clip was interrupted")?
    }
}

/// Where the units of a clip are. Those in memory are of cameras that hide nothing.
enum Units {
    Held(Vec<Unit>),
    Spooled(PathBuf),
}
