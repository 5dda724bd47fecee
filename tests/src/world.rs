//! The whole product in one temporary folder: hub, enrolled box, broker, database, cameras. Real programs on free
//! loopback ports, started and enrolled by their own commands, gone when dropped.

mod config;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use protocol::{Chance, SystemClock};
use tempfile::TempDir;

use crate::call::Call;
use crate::lan::Lan;
use crate::operator::Operator;
use crate::postgres::Postgres;
use crate::process::{Process, path_with_sbin, product, run};
use crate::rtsp::{Cameras, Clip};
use crate::wait::free_port;

/// How long a program may take to be ready on a busy machine.
const READY: Duration = Duration::from_secs(60);
/// Signal to end.
const STOP: Duration = Duration::from_secs(10);
pub const DEVICE: &str = "box-1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerKind {
    /// In the hub's process.
    Embedded,
    Mosquitto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    Sqlite,
    Postgres,
}

/// One camera of the box.
#[derive(Clone)]
pub struct CameraPlan {
    pub id: String,
    pub place: String,
    pub clip: Arc<Clip>,
    /// Corners in shares of the picture; empty = the whole picture.
    pub zone: Vec<[f32; 2]>,
    pub masks: Vec<Vec<[f32; 2]>>,
}

pub struct Builder {
    broker: BrokerKind,
    database: DatabaseKind,
    cameras: Vec<CameraPlan>,
    models: bool,
    hears: bool,
    seed: u64,
    lan: Option<Lan>,
    dark: bool,
}

impl Builder {
    pub fn broker(mut self, broker: BrokerKind) -> Self {
        self.broker = broker;
        self
    }

    pub fn database(mut self, database: DatabaseKind) -> Self {
        self.database = database;
        self
    }

    pub fn camera(mut self, camera: CameraPlan) -> Self {
        self.cameras.push(camera);
        self
    }

    /// Lets the box find the weights under `$SHAODIAN_DATA`. Without, it sees by the product's stand-in.
    pub fn models(mut self) -> Self {
        self.models = true;
        self
    }

    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts with every camera switched off; `world.cameras.start(id)` switches one on.
    pub fn dark(mut self) -> Self {
        self.dark = true;
        self
    }

    /// The box takes calls by WebSocket too, and hears all calls with the demonstration recogniser.
    pub fn hears(mut self) -> Self {
        self.hears = true;
        self
    }

    /// Puts the hub on a machine of its own.
    pub fn lan(mut self, lan: Lan) -> Self {
        self.lan = Some(lan);
        self
    }

    /// Everything up, the box enrolled and connected.
    pub async fn start(self) -> Result<World> {
        let folder = tempfile::Builder::new().prefix("shaodian-world-").tempdir().context("a folder")?;
        let mut world = World::prepare(folder, self).await?;
        world.start_broker().await?;
        world.start_hub().await?;
        world.enrol()?;
        world.start_edge().await?;
        Ok(world)
    }
}

pub struct World {
    edge: Option<Process>,
    hub: Option<Process>,
    broker: Option<Process>,
    postgres: Option<Postgres>,
    // After the programs that run in it.
    lan: Option<Lan>,
    pub cameras: Cameras,
    pub broker_kind: BrokerKind,
    models: bool,
    https: u16,
    http: u16,
    mqtt: u16,
    audio: u16,
    calls: u16,
    /// Of calls by WebSocket, where the box hears.
    websocket: Option<u16>,
    health: u16,
    pub chance: Chance,
    pub clock: SystemClock,
    folder: TempDir,
}

impl World {
    pub fn builder() -> Builder {
        Builder {
            broker: BrokerKind::Embedded,
            database: DatabaseKind::Sqlite,
            cameras: Vec::new(),
            models: false,
            hears: false,
            seed: 1,
            lan: None,
            dark: false,
        }
    }

    async fn prepare(folder: TempDir, plan: Builder) -> Result<Self> {
        let logs = folder.path().join("log");
        std::fs::create_dir(&logs).context("a folder for logs")?;
        let postgres = match plan.database {
            DatabaseKind::Sqlite => None,
            DatabaseKind::Postgres => Some(Postgres::start(&logs).await?),
        };
        let cameras = Cameras::listen("127.0.0.1", 0)?;
        for camera in &plan.cameras {
            cameras.add(&camera.id, Arc::clone(&camera.clip));
            if plan.dark {
                cameras.stop(&camera.id);
            }
        }
        let world = Self {
            edge: None,
            hub: None,
            broker: None,
            postgres,
            lan: plan.lan,
            cameras,
            broker_kind: plan.broker,
            models: plan.models,
            https: free_port()?,
            http: free_port()?,
            mqtt: free_port()?,
            audio: free_port()?,
            calls: free_port()?,
            websocket: if plan.hears { Some(free_port()?) } else { None },
            health: free_port()?,
            chance: Chance::seeded(plan.seed),
            clock: SystemClock::new(),
            folder,
        };
        std::fs::write(world.path("hub.toml"), world.hub_toml()).context("writing hub.toml")?;
        std::fs::write(world.path("edge.toml"), world.edge_toml(&plan.cameras))
            .context("writing edge.toml")?;
        Ok(world)
    }

    /// A path inside the world's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn logs(&self) -> PathBuf {
        self.path("log")
    }

    /// The hub's pages over TLS.
    pub fn https(&self) -> String {
        let host = self.lan.as_ref().map_or(std::net::Ipv4Addr::LOCALHOST, |lan| lan.hub);
        format!("https://{host}:{}", self.https)
    }

    /// The cable between the hub's machine and everybody else's, where it has one of its own.
    pub fn lan(&self) -> Result<&Lan> {
        self.lan.as_ref().context("this world has one machine (Builder::lan)")
    }

    pub fn ca(&self) -> PathBuf {
        self.path("hub/pki/ca.pem")
    }

    pub fn edge_database(&self) -> PathBuf {
        self.path("edge/outbox.sqlite")
    }

    /// Where the hub keeps its rows.
    pub fn hub_database(&self) -> String {
        match &self.postgres {
            Some(postgres) => postgres.url(),
            None => format!("sqlite://{}", self.path("hub/hub.db").display()),
        }
    }

    pub fn password(&self) -> Result<String> {
        let text = std::fs::read_to_string(self.path("password")).context("the first password")?;
        Ok(text.lines().next().unwrap_or_default().trim().to_owned())
    }

    /// Where calls come by WebSocket, `host:port`.
    pub fn websocket(&self) -> Result<String> {
        let port = self.websocket.context("this box was not built to hear (Builder::hears)")?;
        Ok(format!("127.0.0.1:{port}"))
    }

    /// The broker and the files by which the hub comes to it: authority, certificate, key.
    pub fn hub_at_broker(&self) -> (u16, [PathBuf; 3]) {
        let files = ["ca.pem", "shaodian-hub.pem", "shaodian-hub.key"];
        (self.mqtt, files.map(|name| self.path("hub/pki").join(name)))
    }

    /// A person at the hub's pages, over TLS with the hub's own authority.
    pub async fn operator(&self) -> Result<Operator> {
        Operator::login(&self.https(), Some(&self.ca()), "admin", &self.password()?).await
    }

    /// A call to this box; place it with [`Call::place`].
    pub fn call(&self) -> Call {
        let api = Some(format!("http://127.0.0.1:{}", self.calls));
        Call::new(format!("127.0.0.1:{}", self.audio), api, &self.chance, &self.clock)
    }

    /// The hub's own program with its configuration.
    pub fn hub_command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(product("hub")?);
        command.arg("--config").arg(self.path("hub.toml")).args(arguments).current_dir(self.folder.path());
        Ok(match &self.lan {
            Some(lan) => lan.inside(&command),
            None => command,
        })
    }

    /// The box's own program with its configuration.
    pub fn edge_command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(product("edge-agent")?);
        command.arg("--config").arg(self.path("edge.toml")).args(arguments).current_dir(self.folder.path());
        if !self.models {
            command.env_remove("SHAODIAN_DATA");
        }
        Ok(command)
    }

    pub async fn start_broker(&mut self) -> Result<()> {
        if self.broker_kind == BrokerKind::Embedded {
            return Ok(());
        }
        let folder = self.path("mosquitto");
        if !folder.exists() {
            let port = self.mqtt.to_string();
            let folder = folder.display().to_string();
            run(self.hub_command(&["broker", "mosquitto-config", &folder, "--port", &port])?)?;
            if rustix::process::geteuid().is_root() {
                // Mosquitto started by root becomes another user, who may not read this test's folder.
                let conf = self.path("mosquitto/mosquitto.conf");
                let text = std::fs::read_to_string(&conf).context("reading mosquitto.conf")?;
                std::fs::write(&conf, format!("user root\n{text}")).context("writing mosquitto.conf")?;
            }
        }
        let mut command = Command::new("mosquitto");
        command.arg("-v").arg("-c").arg(folder.join("mosquitto.conf")).current_dir(&folder);
        command.env("PATH", path_with_sbin());
        let mut broker = Process::spawn("mosquitto", command, &self.logs())
            .context("Mosquitto is needed (Debian package mosquitto)")?;
        crate::wait::until(READY, "Mosquitto's port", async || {
            anyhow::ensure!(broker.ended().is_none(), "{}", broker.tail());
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", self.mqtt)).await.ok().map(drop))
        })
        .await?;
        self.broker = Some(broker);
        Ok(())
    }

    pub async fn start_hub(&mut self) -> Result<()> {
        let password = self.path("password").display().to_string();
        let command = self.hub_command(&["run", "--first-password-file", &password])?;
        let mut hub = Process::spawn("hub", command, &self.logs())?;
        hub.line("hub ready", READY).await?;
        self.hub = Some(hub);
        Ok(())
    }

    fn enrol(&self) -> Result<()> {
        let printed = run(self.hub_command(&["device", "add", DEVICE])?)?;
        let code =
            printed.split_whitespace().find(|word| word.contains('.')).context("no code was printed")?;
        run(self.edge_command(&["enrol", "--hub", &self.https(), "--code", code])?).map(drop)
    }

    pub async fn start_edge(&mut self) -> Result<()> {
        let mut edge = Process::spawn("edge-agent", self.edge_command(&["run"])?, &self.logs())?;
        edge.line("edge-agent ready", READY).await?;
        self.edge = Some(edge);
        Ok(())
    }

    /// The box's process; those that it has started are its children.
    pub fn edge_pid(&self) -> Result<u32> {
        Ok(self.edge.as_ref().context("the box is not running")?.pid())
    }

    /// SIGKILL; with `kill_broker` on the embedded broker this is what ends it too.
    pub fn kill_hub(&mut self) {
        self.hub = None;
    }

    pub fn kill_edge(&mut self) {
        self.edge = None;
    }

    pub fn kill_broker(&mut self) {
        self.broker = None;
    }

    pub async fn stop_edge(&mut self) -> Result<std::process::ExitStatus> {
        self.edge.as_mut().context("the box is not running")?.stop(STOP).await
    }

    pub async fn stop_hub(&mut self) -> Result<std::process::ExitStatus> {
        self.hub.as_mut().context("the hub is not running")?.stop(STOP).await
    }

    /// The box's own figures, by name.
    pub async fn edge_metrics(&self) -> Result<String> {
        let url = format!("http://127.0.0.1:{}/metrics", self.health);
        Ok(crate::http::plain()?.get(url).send().await?.error_for_status()?.text().await?)
    }

    /// The last lines of every program, for an error.
    pub fn tails(&self) -> String {
        [&self.hub, &self.edge, &self.broker]
            .into_iter()
            .flatten()
            .map(Process::tail)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// The demonstration recogniser of this project.
pub fn recogniser() -> PathBuf {
    // Without `..`: the box names a model by its folder.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the project");
    root.join("models/mandarin-demo")
}

/// A clip drawn once per test program and kept beside it.
pub fn drawn_clip(scene: &crate::scene::Scene, folder: &Path) -> Result<(Arc<Clip>, crate::scene::Truth)> {
    let mp4 = folder.join("street.mp4");
    let truth = scene.generate(&mp4)?;
    Ok((Arc::new(Clip::load(&mp4, crate::rtsp::Codec::H264)?), truth))
}
