//! The pose model of a box, shared by all cameras: a lane like a detector's, so that one that is missing, fails or hangs
//! keeps nobody from the rest of the work. It is loaded when the first rule wants it.

use std::sync::{Arc, Mutex, PoisonError};

use protocol::{CameraId, Clock};
use tokio::sync::oneshot;

use super::{FindPose, Stance};
use crate::detector::follow::{EditionOf, Follow};
use crate::detector::lane::{Condition, Job, Lane, Part, Served};
use crate::detector::look::Loader;
use crate::frame::Picture;

type PoseLane = Lane<Box<dyn FindPose>>;

/// How it is with the pose model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoseHealth {
    /// None is configured, or no rule wants it.
    Unwanted,
    Works {
        name: String,
        /// What is less than it should be: the provider, or a newer model that was refused.
        note: Option<String>,
    },
    Fails {
        reason: String,
    },
}

/// A pose model that is to be loaded once a rule wants it.
pub struct PoseToLoad {
    called: String,
    loader: Loader<Box<dyn FindPose>>,
    follow: Option<Follow>,
}

impl PoseToLoad {
    /// `called`: as the configuration names it.
    pub fn new(called: &str, loader: Loader<Box<dyn FindPose>>) -> Self {
        Self { called: called.to_owned(), loader, follow: None }
    }

    /// Where other files are put in place of these, the new ones take over without a restart.
    #[must_use]
    pub(in crate::detector) fn following(mut self, edition: EditionOf) -> Self {
        let (follow, loader) = Follow::new(edition, self.loader);
        (self.follow, self.loader) = (Some(follow), loader);
        self
    }
}

enum State {
    Nobody,
    Waits(PoseToLoad),
    Serves(Arc<Serving>),
}

struct Serving {
    called: String,
    lane: PoseLane,
    follow: Option<Follow>,
}

pub(in crate::detector) struct PosePost(Mutex<State>);

impl PosePost {
    pub(in crate::detector) fn new(pose: Option<PoseToLoad>) -> Self {
        Self(Mutex::new(pose.map_or(State::Nobody, State::Waits)))
    }

    /// Has it loaded the first time, in front of no camera; one that cannot be had is tried again like any other model.
    pub(in crate::detector) fn want(&self, clock: &Arc<dyn Clock>) -> std::io::Result<()> {
        let serving = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let PoseToLoad { called, loader, follow } = match std::mem::replace(&mut *state, State::Nobody) {
                State::Waits(pose) => pose,
                other => {
                    *state = other;
                    return Ok(());
                }
            };
            let lane = Lane::start(Arc::clone(clock), loader)?;
            let serving = Arc::new(Serving { called, lane, follow });
            *state = State::Serves(Arc::clone(&serving));
            serving
        };
        // Not under the lock, which health takes.
        serving.lane.await_loaded();
        Ok(())
    }

    pub(in crate::detector) fn health(&self) -> PoseHealth {
        match self.serving().map(|serving| serving.lane.condition()) {
            None => PoseHealth::Unwanted,
            Some(Condition::Works { name, note, .. }) => PoseHealth::Works { name: name.to_string(), note },
            Some(Condition::Fails { reason }) => PoseHealth::Fails { reason },
        }
    }

    /// As the configuration names it, once a rule wants it.
    pub(in crate::detector) fn called(&self) -> Option<String> {
        self.serving().map(|serving| serving.called.clone())
    }

    /// People it looked at.
    pub(in crate::detector) fn looked(&self) -> u64 {
        self.serving().map_or(0, |serving| serving.lane.stats().detected)
    }

    /// Waits for the answer; `None` when there is no model, or it has no time.
    pub(in crate::detector) fn ask(
        &self,
        clock: &Arc<dyn Clock>,
        camera_id: &CameraId,
        picture: Picture,
    ) -> Option<Stance> {
        let serving = self.serving()?;
        let (reply, answer) = oneshot::channel();
        let now_ms = clock.uptime_ms();
        serving.lane.submit(Job {
            camera_id: camera_id.clone(),
            picture: Arc::new(picture),
            since_ms: now_ms,
            // Rules ask seldom: first come, first served.
            due_ms: now_ms,
            served: Arc::<Served>::default(),
            reply: Box::new(move |part| {
                // The camera may have gone; then nobody waits.
                let _ = reply.send(part);
            }),
        });
        match answer.blocking_recv() {
            Ok(Part::Found { said, .. }) => Some(said),
            _ => None,
        }
    }

    /// Called now and then. Where other files lie in its place than were loaded, they are loaded beside it and take over.
    pub(in crate::detector) fn watch(&self, now_ms: u64) {
        let Some(serving) = self.serving() else { return };
        serving.lane.watch();
        if serving.follow.as_ref().is_some_and(|follow| follow.changed(now_ms))
            && let Err(error) = serving.lane.succeed()
        {
            tracing::error!(%error, "no thread to load a newer pose model");
        }
    }

    pub(in crate::detector) fn stop(&self) {
        if let Some(serving) = self.serving() {
            serving.lane.stop();
        }
    }

    fn serving(&self) -> Option<Arc<Serving>> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Serves(serving) => Some(Arc::clone(serving)),
            State::Nobody | State::Waits(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{ManualClock, UtcMs};

    use super::*;
    use crate::detector::DetectError;

    /// Answers how wide the picture was; fails on width 8.
    struct Wide;

    impl FindPose for Wide {
        fn name(&self) -> &'static str {
            "wide 1"
        }

        fn stance(&mut self, picture: &Picture) -> Result<Stance, DetectError> {
            if picture.width == 8 {
                let (model, problem) = (self.name().to_owned(), "width 8".to_owned());
                return Err(DetectError::Contract { model, problem });
            }
            Ok(Stance { lean: picture.width as f32, score: 0.5 })
        }
    }

    fn picture(width: usize) -> Picture {
        Picture { width, height: 2, y: vec![0; width * 2], u: vec![0; width / 2], v: vec![0; width / 2] }
    }

    /// Not loaded before a rule wants it; then it answers; one that fails, or is missing, leaves everybody without an
    /// answer and says why, and nothing waits.
    #[test]
    fn it_serves_when_wanted_and_fails_alone() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(UtcMs(0)));
        let camera = "c1".parse().unwrap();
        let load = |loader: Loader<Box<dyn FindPose>>| PosePost::new(Some(PoseToLoad::new("wide", loader)));
        let post = load(Box::new(|| Ok(Box::new(Wide) as Box<dyn FindPose>)));
        assert_eq!(post.called(), None);
        assert_eq!((post.health(), post.ask(&clock, &camera, picture(4))), (PoseHealth::Unwanted, None));
        post.want(&clock).unwrap();
        post.want(&clock).unwrap();
        assert_eq!(post.health(), PoseHealth::Works { name: "wide 1".to_owned(), note: None });
        assert_eq!(post.ask(&clock, &camera, picture(4)), Some(Stance { lean: 4.0, score: 0.5 }));
        assert_eq!(post.ask(&clock, &camera, picture(8)), None);
        let PoseHealth::Fails { reason } = post.health() else { panic!("{:?}", post.health()) };
        assert!(reason.contains("width 8"), "{reason}");
        assert_eq!(post.ask(&clock, &camera, picture(4)), None);
        post.stop();
        assert_eq!((post.called().as_deref(), post.looked()), (Some("wide"), 1));
        let missing = load(Box::new(|| Err(DetectError::Off)));
        missing.want(&clock).unwrap();
        assert!(matches!(missing.health(), PoseHealth::Fails { .. }));
        assert_eq!(missing.ask(&clock, &camera, picture(4)), None);
        missing.stop();
    }
}
