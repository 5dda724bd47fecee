//! The box runs what a configuration says: what differs stops, what is missing starts, the rest is left alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{CHANGE_END, Calls, Detecting, END, Running, Site, Stations, model_store, without_own};
use crate::call::{self, CallConfig, CallTap};
use crate::camera;
use crate::config::Config;
use crate::detector::{self, DetectorConfig, DetectorStation};
use crate::health::{Post, Present};
use crate::watch::{self, Watch};

impl Stations {
    /// Makes the box run what `wanted` says: stops what differs, starts what is missing, leaves the rest alone.
    pub(super) async fn shape(&mut self, wanted: &Config) -> Result<()> {
        self.stop_what_differs(wanted, CHANGE_END).await;
        if wanted.detector != self.detector.config {
            let detector = start_detector(&self.site, &wanted.detector)?;
            let former = std::mem::replace(&mut self.detector, detector);
            self.show();
            let_go(former).await;
        }
        let started = self.start_what_is_missing(wanted);
        self.show();
        started
    }

    pub(super) async fn stop_what_differs(&mut self, wanted: &Config, patience: Duration) {
        let all = wanted.detector != self.detector.config;
        let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.cameras)
            .into_iter()
            .partition(|(_, running)| !all && wanted.cameras.contains(&running.watched));
        self.cameras = stay;
        let calls = self.calls.take_if(|calls| wanted.calls.as_ref() != Some(&calls.config));
        // Nobody else may hold what is stopped.
        self.show();
        if let Some(calls) = &calls {
            calls.cancel.cancel();
        }
        let mut ending: JoinSet<()> =
            go.into_values().map(|running| running.watch.stop(watch::END)).collect();
        while ending.join_next().await.is_some() {}
        if let Some(calls) = calls
            && timeout(patience, calls.task).await.is_err()
        {
            tracing::warn!("calls did not end in time; what is on disk is filed at the next start");
        }
    }

    fn start_what_is_missing(&mut self, wanted: &Config) -> Result<()> {
        let Site { clock, chance, outbox, recorder, memory, .. } = &self.site;
        let deps = watch::Deps {
            outbox: outbox.clone(),
            recorder: recorder.clone(),
            memory: memory.clone(),
            clock: clock.clone(),
            chance: chance.clone(),
        };
        for watched in &wanted.cameras {
            let id = &watched.camera.id;
            if self.cameras.contains_key(id) {
                continue;
            }
            if watched.rules.iter().any(|rule| rule.enabled && rule.asks_pose()) {
                self.detector.station.want_pose().context("starting the pose model")?;
            }
            let pace = self.detector.station.pace();
            let handle = camera::spawn_paced(watched.camera.clone(), clock.clone(), pace)?;
            let client = self.detector.station.client(id.clone()).at_fps(watched.camera.analysis_fps);
            let watch = Watch::start(handle, &watched.rules, client, &deps)?;
            self.cameras.insert(id.clone(), Running { watched: watched.clone(), watch });
        }
        if let (None, Some(config)) = (&self.calls, &wanted.calls) {
            self.calls = Some(start_calls(&self.site, config)?);
        }
        Ok(())
    }

    /// Tells health and the command desk what runs.
    pub(super) fn show(&self) {
        let posts = self.cameras.iter().map(|(id, running)| (id.clone(), Post::of(&running.watch)));
        self.site.floor.set(Present {
            config: Arc::new(self.config.clone()),
            file_notice: self.file_notice.clone(),
            cameras: posts.collect(),
            detector: Some(self.detector.station.clone()),
            calls: self.calls.as_ref().map(|calls| calls.tap.clone()),
        });
    }
}

pub(super) fn start_detector(site: &Site, config: &DetectorConfig) -> Result<Detecting> {
    let store = model_store(site.models.clone(), &site.installed.current());
    let (posts, pose) = (detector::posts(config, &store), detector::pose_to_load(config, &store));
    let station =
        DetectorStation::start_with(site.clock.clone(), posts, pose).context("starting the detector")?;
    Ok(Detecting { config: config.clone(), station: Arc::new(station) })
}

/// Joins its thread after the picture it looks at; one that hangs in it is left behind.
pub(super) async fn let_go(detector: Detecting) {
    if timeout(END, tokio::task::spawn_blocking(move || drop(detector))).await.is_err() {
        tracing::warn!("the detector did not end in time; left behind");
    }
}

fn start_calls(site: &Site, config: &CallConfig) -> Result<Calls> {
    let installed = site.installed.current();
    let store = model_store(site.models.clone(), &site.installed.current());
    let deps = call::Deps {
        clock: site.clock.clone(),
        chance: site.chance.clone(),
        data_dir: installed.agent.data_dir.clone(),
        silero: store.find("silero-vad").ok().map(|weights| weights.main_file().to_owned()),
        model_dirs: without_own(&store),
        program: std::env::current_exe().context("finding this program's own file")?,
        reports: site.reports.clone(),
        live: site.live.clone(),
        hub_key: site.hub_key.clone(),
        disk_reserve_bytes: installed.outbox.disk_reserve_bytes,
    };
    let tap = CallTap::new(config.clone(), deps)?;
    let cancel = CancellationToken::new();
    let running = run_calls(tap.clone(), cancel.clone());
    Ok(Calls { config: config.clone(), tap, cancel, task: tokio::spawn(running) })
}

async fn run_calls(tap: Arc<CallTap>, cancel: CancellationToken) {
    if let Err(error) = tap.run(cancel).await {
        tracing::error!(error = format!("{error:#}"), "the call tap stopped");
    }
}
