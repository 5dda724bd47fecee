//! A hub beside a real broker, on a clock that the test moves: boxes that fall silent and come back, commands that wait,
//! clocks that are wrong.

use std::sync::Arc;

use protocol::{
    Answer, BootId, CameraId, Clock, Command, CommandBody, CommandId, DeviceState, Event, ManualClock,
    Outcome, Status, Topic, UtcMs,
};
use rumqttc::{LastWill, QoS};

use super::{Kind, Peer, Running, World, clock, origin, run_hub, told, wait, world_on};
use crate::app::App;
use crate::command::{CommandRow, NewCommand};
use crate::db::testing::databases;
use crate::device::Device;
use crate::{case, command, device, reconcile};

struct Bench {
    world: World,
    clock: Arc<ManualClock>,
    hub: Running,
}

/// Both brokers, each on each database.
async fn benches() -> Vec<Bench> {
    let mut all = Vec::new();
    for kind in [Kind::Embedded, Kind::Mosquitto] {
        for test in databases().await {
            let clock = clock(0);
            let Some(mut world) = world_on(kind, test, clock.clone()).await else { continue };
            let hub = run_hub(&world.app, world.ends.take().unwrap(), world.address(&world.app)).await;
            all.push(Bench { world, clock, hub });
        }
    }
    all
}

fn status(state: DeviceState, at: UtcMs) -> Status {
    Status {
        calls: None,
        state,
        boot: BootId(uuid::Uuid::from_u128(7)),
        at,
        uptime_ms: 1,
        clock_synced: true,
        version: "1".into(),
        configuration_version: 0,
        cameras: vec![],
        detector: None,
        speech_model: None,
        active_calls: 0,
        outbox_rows: 0,
        outbox_oldest_ms: 0,
        uploads_waiting: 0,
        disk_free_bytes: 0,
        rejected_rows: 0,
        models: vec![],
    }
}

impl Bench {
    fn name(&self) -> String {
        format!("{:?} on {}", self.world.kind, self.world.db.name)
    }

    fn app(&self) -> &App {
        &self.world.app
    }

    /// Connects as box `a`, with its last will, hears commands, and says that it is online.
    async fn box_a(&self) -> Peer {
        let mut options = self.world.options("a", "main/a");
        let will = serde_json::to_vec(&status(DeviceState::Offline, self.clock.now())).unwrap();
        options.set_last_will(LastWill::new(
            Topic::Status(origin("a")).to_string(),
            will,
            QoS::AtLeastOnce,
            true,
        ));
        let mut peer = Peer::connect(options).await.expect("an enrolled box may connect");
        for filter in Topic::device_filters(&origin("a")) {
            assert!(peer.subscribe(&filter).await);
        }
        self.heartbeat(&mut peer, status(DeviceState::Online, self.clock.now())).await;
        peer
    }

    async fn heartbeat(&self, peer: &mut Peer, status: Status) {
        let topic = Topic::Status(origin("a")).to_string();
        peer.publish(&topic, true, &serde_json::to_string(&status).unwrap()).await;
    }

    async fn device(&self) -> Device {
        device::store::get(&self.app().db, "main", "", "a").await.unwrap().unwrap()
    }

    async fn wait_link(&self, link: &str) {
        wait(link, async || self.device().await.link.as_deref() == Some(link)).await;
    }

    /// The hub's periodic work, once.
    async fn pass(&self) {
        reconcile::pass(self.app()).await;
    }

    async fn cases(&self) -> Vec<case::Case> {
        case::store::list::list(&self.app().db, "main", &case::CaseFilter::default()).await.unwrap()
    }

    /// What the history of the only case says.
    async fn story(&self) -> Vec<String> {
        let cases = self.cases().await;
        assert_eq!(cases.len(), 1, "{}", self.name());
        let rows = case::store::history(&self.app().db, "main", &cases[0].case_id, None, 1000).await.unwrap();
        rows.into_iter().map(|row| row.action).collect()
    }

    async fn ask(&self) -> CommandId {
        let new = NewCommand {
            origin: origin("a"),
            body: CommandBody::Still { camera_id: "c1".parse::<CameraId>().unwrap() },
            purpose: "look".into(),
            issued_by: "li".into(),
            case_number: None,
            life_ms: command::DEFAULT_LIFE_MS,
        };
        self.app().commands.create(new).await.unwrap()
    }

    async fn row(&self, id: CommandId) -> CommandRow {
        command::store::get(&self.app().db, "main", "", &id.to_string()).await.unwrap().unwrap()
    }

    async fn wait_sends(&self, id: CommandId, sends: i64) {
        wait("the command is sent", async || self.row(id).await.sends >= sends).await;
        assert_eq!(self.row(id).await.sends, sends, "{}", self.name());
    }
}

/// The next command that reaches the box.
async fn next_command(peer: &mut Peer) -> Command {
    loop {
        if let Some(at) = peer.heard.iter().position(|(topic, _)| topic.contains("/command/")) {
            return serde_json::from_str(&peer.heard.remove(at).1).unwrap();
        }
        assert!(peer.next().await.is_some(), "the box's connection ended");
    }
}

/// A box whose last will comes is offline at once and a case a minute later; once; it ends when the box is back. A box
/// that only falls silent is found too, joins the same case, and a hub that was away itself blames nobody.
#[tokio::test]
async fn a_lost_box_becomes_a_case_and_comes_back() {
    for bench in benches().await {
        let name = bench.name();
        let mut peer = bench.box_a().await;
        bench.wait_link("online").await;
        // Gone without a goodbye.
        drop(peer);
        bench.wait_link("offline").await;
        bench.pass().await;
        assert!(bench.cases().await.is_empty(), "{name}: a short break is nobody's case");
        bench.clock.advance_ms(device::LOST_AFTER_MS + 1);
        for _ in 0..2 {
            bench.pass().await;
            assert_eq!(bench.story().await, ["opened"], "{name}");
        }
        let case = bench.cases().await.remove(0);
        assert_eq!((case.kind.as_str(), case.device_id.as_str()), ("device_lost", "a"), "{name}");

        peer = bench.box_a().await;
        bench.wait_link("online").await;
        for _ in 0..2 {
            bench.pass().await;
            assert_eq!(bench.story().await, ["opened", "ended"], "{name}");
        }

        // Heartbeats stop, the connection stands.
        bench.clock.advance_ms(device::SILENT_AFTER_MS + 1);
        bench.pass().await;
        assert_eq!(bench.device().await.link.as_deref(), Some("offline"), "{name}");
        assert_eq!(bench.story().await, ["opened", "ended", "joined"], "{name}");
        bench.heartbeat(&mut peer, status(DeviceState::Online, bench.clock.now())).await;
        bench.wait_link("online").await;
        bench.pass().await;
        assert_eq!(bench.story().await, ["opened", "ended", "joined", "ended"], "{name}");

        // The hub loses its broker: nobody's silence counts until it has listened for a while.
        bench.hub.0.cancel();
        wait("the hub is deaf", async || bench.app().metrics.broker_since().is_none()).await;
        bench.clock.advance_ms(10 * device::SILENT_AFTER_MS);
        bench.pass().await;
        assert_eq!(bench.device().await.link.as_deref(), Some("online"), "{name}");
        assert_eq!(bench.story().await.len(), 4, "{name}");
    }
}

/// A command asked while the box is away is sent when it comes, again while it does not answer, no more after its end,
/// which is seen; an answer that comes later still counts.
#[tokio::test]
async fn commands_wait_for_their_box_and_end() {
    for bench in benches().await {
        let name = bench.name();
        let first = bench.ask().await;
        bench.wait_sends(first, 1).await;
        assert_eq!(bench.row(first).await.state, "sent", "{name}");
        bench.clock.advance_ms(1_000);
        let mut peer = bench.box_a().await;
        assert_eq!(
            next_command(&mut peer).await.command_id,
            first,
            "{name}: sent again when it comes online"
        );
        bench.wait_sends(first, 2).await;

        bench.clock.advance_ms(command::RESEND_AFTER_MS + 1);
        bench.heartbeat(&mut peer, status(DeviceState::Online, bench.clock.now())).await;
        assert_eq!(next_command(&mut peer).await.command_id, first, "{name}: and while it does not answer");
        bench.wait_sends(first, 3).await;

        bench.clock.advance_ms(command::DEFAULT_LIFE_MS);
        bench.pass().await;
        let row = bench.row(first).await;
        assert_eq!(
            (row.state.as_str(), row.reason.as_deref()),
            ("expired", Some("no answer in time")),
            "{name}"
        );
        bench.heartbeat(&mut peer, status(DeviceState::Online, bench.clock.now())).await;
        let second = bench.ask().await;
        assert_eq!(next_command(&mut peer).await.command_id, second, "{name}: the ended one is sent no more");
        assert_eq!(bench.row(first).await.sends, 3, "{name}");

        let late = Answer {
            command_id: first,
            outcome: Outcome::Failed { reason: "the camera is dark".into() },
            answered_at: bench.clock.now(),
        };
        let (topic, text) = told(bench.app(), 1, Event::Answer(late));
        peer.publish(&topic, false, &text).await;
        wait("the late answer counts", async || bench.row(first).await.state == "failed").await;
        let row = bench.row(first).await;
        assert_eq!((row.reason.as_deref(), row.answered_at_ms.is_some()), (Some("the camera is dark"), true));
    }
}

/// A box clock an hour off is measured and flagged, a set clock is believed at once, one that the box does not trust is
/// flagged however right; what a broker kept is no measurement.
#[tokio::test]
async fn wrong_clocks_are_seen() {
    const HOUR_MS: i64 = 3_600_000;
    for bench in benches().await {
        let name = bench.name();
        let mut peer = bench.box_a().await;
        bench.wait_link("online").await;
        assert!(!bench.device().await.clock_is_off(), "{name}");
        let now = bench.clock.now();
        bench.heartbeat(&mut peer, status(DeviceState::Online, now.plus_ms(-HOUR_MS))).await;
        wait("the skew is measured", async || bench.device().await.skew_ms == Some(HOUR_MS)).await;
        assert!(bench.device().await.clock_is_off(), "{name}");

        bench.heartbeat(&mut peer, status(DeviceState::Online, now)).await;
        wait("a set clock is believed", async || !bench.device().await.clock_is_off()).await;
        let unsure = Status { clock_synced: false, ..status(DeviceState::Online, now) };
        bench.heartbeat(&mut peer, unsure).await;
        wait("the box does not trust its clock", async || bench.device().await.clock_is_off()).await;
        assert_eq!(bench.device().await.skew_ms, Some(0), "{name}");
        bench.heartbeat(&mut peer, status(DeviceState::Online, now)).await;
        wait("and now it does", async || !bench.device().await.clock_is_off()).await;

        // Hours later another hub reads what the broker kept.
        bench.hub.0.cancel();
        wait("the hub stops", async || bench.app().metrics.broker_since().is_none()).await;
        bench.clock.advance_ms(5 * HOUR_MS);
        let config = crate::config::Config::clone(&bench.app().config);
        let (app, ends) = App::with_db(
            config,
            bench.world.db.db.clone(),
            bench.clock.clone(),
            Arc::new(protocol::Chance::seeded(3)),
        )
        .unwrap();
        let before = bench.device().await;
        let _hub = run_hub(&app, ends, bench.world.address(&app)).await;
        bench.heartbeat(&mut peer, status(DeviceState::Online, bench.clock.now())).await;
        wait("a live word comes", async || bench.device().await.last_seen_at_ms > before.last_seen_at_ms)
            .await;
        assert_eq!(bench.device().await.skew_ms, Some(0), "{name}: the kept one was no measurement");
    }
}
