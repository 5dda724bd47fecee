//! Whether what was changed works.

use std::time::Duration;

use protocol::{CameraId, CameraState, DetectorHealth};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Stations;
use crate::config::Config;

/// How often a trial is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// How a trial ended.
pub(super) enum Verdict {
    Holds,
    Fails(String),
    /// The box is stopped: nothing is kept, nothing answered; the hub asks again.
    Stopped,
}

/// What of a change has to prove itself.
pub(super) struct Judged {
    cameras: Vec<CameraId>,
    detector: bool,
    calls: bool,
}

impl Stations {
    /// A camera that was dark before, at the same address, is nothing that this change can be blamed for.
    pub(super) fn judged(&self, wanted: &Config) -> Judged {
        let detector = wanted.detector != self.detector.config;
        let cameras = wanted.cameras.iter().filter(|new| {
            let Some(old) = self.cameras.get(&new.camera.id) else { return true };
            let ran = old.watch.camera.health().state == CameraState::Running;
            let restarts = detector || old.watched != **new;
            restarts && (ran || !old.watched.camera.shares_an_address(&new.camera))
        });
        let saw = matches!(self.detector.station.health(), DetectorHealth::Model { .. });
        Judged {
            cameras: cameras.map(|new| new.camera.id.clone()).collect(),
            detector: detector && wanted.detector.enabled && saw,
            calls: wanted.calls.as_ref() != self.calls.as_ref().map(|calls| &calls.config),
        }
    }

    pub(super) async fn on_trial(&self, judged: &Judged, stop: &CancellationToken) -> Verdict {
        let end = Instant::now() + self.site.trial;
        loop {
            let troubles = self.troubles(judged);
            if troubles.is_empty() {
                return Verdict::Holds;
            }
            if Instant::now() >= end {
                return Verdict::Fails(troubles.join("\n"));
            }
            tokio::select! {
                () = stop.cancelled() => return Verdict::Stopped,
                () = sleep(LOOK) => {}
            }
        }
    }

    /// What does not work yet, for people.
    fn troubles(&self, judged: &Judged) -> Vec<String> {
        let mut troubles = Vec::new();
        for id in &judged.cameras {
            let Some(running) = self.cameras.get(id) else { continue };
            let camera = &running.watch.camera;
            if camera.view().last_frame().is_none() {
                let why = camera.health().reason.unwrap_or_else(|| "no picture".to_owned());
                troubles.push(format!("camera {id}: {why}"));
            }
        }
        if judged.detector {
            let failing = self.detector.station.failing().into_iter();
            troubles.extend(failing.map(|reason| format!("detector: {reason}")));
        }
        if judged.calls
            && let Some(calls) = &self.calls
        {
            let health = calls.tap.health();
            if health.listening.is_none() || health.api_listening.is_none() {
                let why = health.troubles.into_values().collect::<Vec<_>>().join("; ");
                let why = if why.is_empty() { "not listening yet".to_owned() } else { why };
                troubles.push(format!("calls: {why}"));
            }
        }
        troubles
    }
}
