//! Several hubs on one broker and one database.

use std::sync::Arc;
use std::time::Duration;

use protocol::{CommandBody, Topic};

use super::{Kind, Peer, clock, count, incident, origin, run_hub, told, wait, world_on};
use crate::app::App;
use crate::command::NewCommand;
use crate::db::testing::databases;
use crate::{case, command};

/// Two hubs on one PostgreSQL and one Mosquitto: neither knocks the other out, each event is handled once, by both a
/// share; a command is sent once; when one goes, the other takes all.
#[tokio::test]
async fn two_hubs_share_one_broker() {
    let Some(test) = databases().await.into_iter().find(|test| test.name == "postgres") else { return };
    let clock = clock(0);
    let Some(world) = world_on(Kind::Mosquitto, test, clock.clone()).await else { return };
    let mut hubs = Vec::new();
    for replica in [1_u8, 2] {
        let mut config = crate::config::Config::clone(&world.app.config);
        config.broker.replica = Some(replica);
        config.hub.data_dir = world.folder.join(format!("hub-{replica}"));
        let pki = config.hub.data_dir.join("pki");
        std::fs::create_dir_all(&pki).unwrap();
        for name in ["ca.pem", "ca.key"] {
            std::fs::copy(world.app.data_dir().join("pki").join(name), pki.join(name)).unwrap();
        }
        let chance = Arc::new(protocol::Chance::seeded(u64::from(replica)));
        let (app, ends) = App::with_db(config, world.db.db.clone(), clock.clone(), chance).unwrap();
        let running = run_hub(&app, ends, world.address(&app)).await;
        hubs.push((app, running));
    }
    let mut a = Peer::connect(world.options("a", "main/a")).await.unwrap();
    for filter in Topic::device_filters(&origin("a")) {
        assert!(a.subscribe(&filter).await);
    }
    let stored = |app: &App| count(app, "stored");
    let mut sequence = 0;
    let mut send = async |a: &mut Peer, count: u64| {
        for _ in 0..count {
            sequence += 1;
            let (topic, text) = told(&world.app, sequence, incident(&world.app, sequence));
            a.publish(&topic, false, &text).await;
        }
    };
    send(&mut a, 100).await;
    wait("all are stored", async || hubs.iter().map(|(app, _)| stored(app)).sum::<u64>() >= 100).await;
    let shares: Vec<u64> = hubs.iter().map(|(app, _)| stored(app)).collect();
    assert_eq!(shares.iter().sum::<u64>(), 100, "{shares:?}");
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
    for (app, _) in &hubs {
        let text = app.metrics.text();
        assert!(text.contains("shaodian_hub_broker_reconnects_total 1\n"), "neither was knocked out: {text}");
        assert!(!text.contains("outcome=\"duplicate\""), "{text}");
    }
    let cases = case::store::list::list(&world.app.db, "main", &case::CaseFilter::default()).await.unwrap();
    assert_eq!((cases.len(), cases[0].incident_count), (1, 100));

    let asked = NewCommand {
        origin: origin("a"),
        body: CommandBody::Still { camera_id: "c1".parse().unwrap() },
        purpose: "look".into(),
        issued_by: "li".into(),
        case_number: None,
        life_ms: command::DEFAULT_LIFE_MS,
    };
    let id = hubs[0].0.commands.create(asked).await.unwrap();
    for (app, _) in &hubs {
        app.commands.nudge();
    }
    let topic = Topic::Command(origin("a"), id).to_string();
    wait("the command comes", async || {
        let _ = tokio::time::timeout(Duration::from_millis(50), a.next()).await;
        a.heard.iter().any(|(heard, _)| *heard == topic)
    })
    .await;
    let extra: Vec<String> = a.quiet().await;
    assert_eq!(extra.iter().filter(|heard| **heard == topic).count(), 1, "sent by one of them");

    let (gone, running) = hubs.remove(0);
    drop(running);
    wait("one hub is gone", async || gone.metrics.broker_since().is_none()).await;
    let before = stored(&hubs[0].0);
    send(&mut a, 50).await;
    wait("the other takes all", async || stored(&hubs[0].0) >= before + 50).await;
}
