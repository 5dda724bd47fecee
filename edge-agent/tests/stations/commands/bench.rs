//! A box with its real stations and without its network.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edge_agent::camera;
use edge_agent::command::{self, Desk};
use edge_agent::config::{Config, Installed, in_force};
use edge_agent::evidence::Recorder;
use edge_agent::health::{Floor, Present};
use edge_agent::memory::Memory;
use edge_agent::outbox::Outbox;
use edge_agent::stations::{Site, Stations};
use protocol::{
    Answer, CameraId, CameraState, Chance, Clock, Command, CommandBody, CommandId, Event, Outcome,
    SystemClock,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::common::{eventually, voice, waiting};

/// A box without its network: commands go in where the uplink would put them, answers are read from the outbox.
pub(super) struct Bench {
    pub(super) outbox: Outbox,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Arc<Chance>,
    floor: Floor,
    file: PathBuf,
    reread: mpsc::Sender<()>,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) stop: CancellationToken,
    pub(super) task: tokio::task::JoinHandle<()>,
}

impl Bench {
    pub(super) async fn start(data_dir: &Path, toml: &str, trial: Duration) -> Self {
        camera::init().unwrap();
        let mut installed = Config::parse("edge.toml", toml, []).unwrap();
        installed.agent.data_dir = data_dir.to_owned();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let chance = Arc::new(Chance::from_os());
        let voice = voice(clock.clone(), chance.clone());
        let (outbox, _) = Outbox::open(data_dir, installed.outbox.clone(), voice).await.unwrap();
        let recorder = Arc::new(Recorder::new(outbox.evidence_dir().to_owned(), clock.clone()).unwrap());
        let watched: Vec<_> = installed.cameras.iter().map(|watched| watched.camera.id.clone()).collect();
        let memory = Arc::new(Memory::open(data_dir, &watched).unwrap());
        let floor = Floor::default();
        let (configure, mut configurations) = mpsc::channel(1);
        let (reports, mut reported) = mpsc::channel(64);
        tokio::spawn(async move { while reported.recv().await.is_some() {} });
        let file = data_dir.join("edge.toml");
        std::fs::write(&file, toml).unwrap();
        let file = Installed::new(Some(file), installed.clone());
        let desk = Desk {
            outbox: outbox.clone(),
            clock: clock.clone(),
            floor: floor.clone(),
            recorder: recorder.clone(),
            memory: memory.clone(),
            installed: file.clone(),
            configure,
            making: command::Making::default(),
        };
        let site = Site {
            models: None,
            installed: file,
            clock: clock.clone(),
            chance: chance.clone(),
            outbox: outbox.clone(),
            floor: floor.clone(),
            recorder,
            memory,
            reports,
            live: mpsc::channel(1).0,
            trial,
            hub_key: Arc::new(edge_agent::contact::HubKey::without_hub()),
        };
        let mut stations = Stations::start(site, in_force(data_dir, installed)).await.unwrap();
        let stop = CancellationToken::new();
        let (commands, commands_rx) = mpsc::channel(8);
        let (reread, mut rereads) = mpsc::channel::<()>(1);
        tokio::spawn(desk.run(commands_rx, stop.clone()));
        let stopping = stop.clone();
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return stations.stop().await,
                    Some(new) = configurations.recv() => stations.change(new, &stopping).await.unwrap(),
                    Some(()) = rereads.recv() => stations.reload(&stopping).await.unwrap(),
                }
            }
        });
        let file = data_dir.join("edge.toml");
        Self { outbox, clock, chance, floor, file, reread, commands, stop, task }
    }

    pub(super) async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
        self.outbox.close().await;
    }

    /// The installer writes his file and has it read anew.
    pub(super) async fn install(&self, toml: &str) {
        std::fs::write(&self.file, toml).unwrap();
        self.reread.send(()).await.unwrap();
    }

    pub(super) fn present(&self) -> Present {
        self.floor.present()
    }

    pub(super) fn runs(&self, id: &str) -> bool {
        let id: CameraId = id.parse().unwrap();
        self.present().cameras.get(&id).is_some_and(|post| post.camera.health().state == CameraState::Running)
    }

    pub(super) fn url(&self, id: &str) -> String {
        self.present().cameras[&id.parse::<CameraId>().unwrap()].camera.config().url.to_string()
    }

    pub(super) fn command(&self, body: CommandBody) -> Command {
        let now = self.clock.now();
        Command {
            command_id: CommandId::new(&self.chance, now),
            issued_at: now,
            expires_at: now.plus_ms(600_000),
            issued_by: "王敏".into(),
            body,
        }
    }

    pub(super) async fn ask(&self, body: CommandBody) -> Outcome {
        let command = self.command(body);
        let id = command.command_id;
        self.commands.send(command).await.unwrap();
        self.answer(id).await
    }

    pub(super) async fn configure(&self, version: u64, toml: &str) -> Outcome {
        self.ask(CommandBody::Configuration { version, toml: toml.to_owned(), based_on: None }).await
    }

    pub(super) async fn answers(&self) -> Vec<Answer> {
        let waiting = waiting(&self.outbox).await.into_iter();
        waiting
            .filter_map(|envelope| match envelope.event {
                Event::Answer(answer) => Some(answer),
                _ => None,
            })
            .collect()
    }

    /// No incident was raised.
    pub(super) async fn told_nothing(&self) -> bool {
        waiting(&self.outbox).await.iter().all(|envelope| !matches!(envelope.event, Event::Incident(_)))
    }

    pub(super) async fn answer(&self, id: CommandId) -> Outcome {
        let mut found;
        eventually!("an answer", {
            found = self.answers().await.into_iter().find(|answer| answer.command_id == id);
            found.is_some()
        });
        found.unwrap().outcome
    }
}

pub(super) fn reason(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed { reason } => reason,
        other => panic!("not refused: {other:?}"),
    }
}

pub(super) fn camera(id: &str, url: &str) -> String {
    format!("[[camera]]\nid = {id:?}\nurl = {url:?}\nanalysis_width = 320\n\n")
}

pub(super) fn calls(audio: u16, api: u16, max_calls: u32) -> String {
    format!(
        "[calls]\naudiosocket_listen = \"127.0.0.1:{audio}\"\napi_listen = \"127.0.0.1:{api}\"\nmax_calls = {max_calls}\n\n"
    )
}
