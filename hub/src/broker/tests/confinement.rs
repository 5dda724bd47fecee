//! Two boxes and a watcher who sees everything, over TLS with real clients, on both brokers: whatever box A tries,
//! nothing of B's is read, nothing is said in B's name, and nothing outside A's subtree is touched.

use std::collections::BTreeSet;
use std::sync::Arc;

use protocol::Origin;
use rumqttc::{LastWill, MqttOptions, QoS, TlsConfiguration, Transport};

use super::{BOUND, ID, Kind, Peer, QUIET, World, world};
use crate::broker::HUB_NAME;
use crate::device;

async fn worlds() -> Vec<World> {
    let mut all = Vec::new();
    for kind in [Kind::Embedded, Kind::Mosquitto] {
        all.extend(world(kind).await);
    }
    all
}

const TOPICS: [&str; 14] = [
    "v1/main/a/event/ID",
    "v1/main/a/status",
    "v1/main/a/live",
    "v1/main/a/receipt/ID",
    "v1/main/a/command/ID",
    "v1/main/b/event/ID",
    "v1/main/b/status",
    "v1/main/b/live",
    "v1/main/b/receipt/ID",
    "v1/main/b/command/ID",
    "v1/other/a/event/ID",
    "v1/main/a",
    "elsewhere",
    "v1/main/a/event/ID/more",
];

/// Publish and retain: what arrives and what is kept is A's own, and of that only what a box says.
#[tokio::test]
async fn a_box_speaks_only_for_itself() {
    for world in worlds().await {
        let mut watcher = world.watcher().await;
        assert!(watcher.subscribe("#").await);
        for topic in TOPICS {
            for retain in [false, true] {
                world
                    .box_a()
                    .await
                    .publish(&topic.replace("ID", ID), retain, &format!("{topic} {retain}"))
                    .await;
            }
        }
        watcher.publish("marker", false, "end").await;
        let seen: BTreeSet<String> = watcher.until("end").await.into_iter().map(|(_, text)| text).collect();
        let mut allowed = vec![
            "v1/main/a/event/ID false",
            "v1/main/a/live false",
            "v1/main/a/status false",
            "v1/main/a/status true",
        ];
        if world.kind == Kind::Mosquitto {
            // Its ACL does not tell retained messages from others; they stay within the box's own subtree.
            allowed.extend(["v1/main/a/event/ID true", "v1/main/a/live true"]);
        }
        assert_eq!(seen, allowed.into_iter().map(ToOwned::to_owned).collect(), "{:?}", world.kind);

        let mut late = Peer::connect(match &world.internal {
            Some(internal) => {
                let mut options = MqttOptions::new("late", "127.0.0.1", internal.address.port());
                options.set_credentials("late", &internal.password);
                options
            }
            None => world.options("watcher", "zz/watcher"),
        })
        .await
        .unwrap();
        assert!(late.subscribe("#").await);
        let kept = late.quiet().await;
        assert!(kept.contains(&"v1/main/a/status".to_owned()), "{:?}: {kept:?}", world.kind);
        assert!(kept.iter().all(|topic| topic.starts_with("v1/main/a/")), "{:?}: {kept:?}", world.kind);
    }
}

/// Subscribe, wildcard, shared: whatever A asks for, only its own receipts and commands come.
#[tokio::test]
async fn a_box_hears_only_what_is_for_it() {
    const FILTERS: [&str; 14] = [
        "v1/main/a/receipt/+",
        "v1/main/a/command/+",
        "#",
        "+/#",
        "v1/#",
        "v1/+/+/receipt/+",
        "v1/main/+/command/+",
        "v1/main/b/receipt/+",
        "v1/main/b/#",
        "v1/main/a/#",
        "$share/g/v1/main/b/receipt/+",
        "$share/g/v1/main/a/receipt/+",
        "$share/g/#",
        "$SYS/#",
    ];
    for world in worlds().await {
        let mut watcher = world.watcher().await;
        for filter in FILTERS {
            let mut a = world.box_a().await;
            let granted = a.subscribe(filter).await;
            for topic in TOPICS {
                watcher.publish(&topic.replace("ID", ID), false, "secret").await;
            }
            let heard = if granted { a.quiet().await } else { Vec::new() };
            let own = |topic: &String| {
                topic.starts_with("v1/main/a/receipt/") || topic.starts_with("v1/main/a/command/")
            };
            assert!(heard.iter().all(own), "{:?} {filter}: {heard:?}", world.kind);
            let is_own = filter.starts_with("v1/main/a/") && filter.ends_with('+');
            assert!(!is_own || heard.len() == 1, "{:?} {filter}: {heard:?}", world.kind);
        }
    }
}

/// Last will: only on one's own status.
#[tokio::test]
async fn a_last_will_is_ones_own_status() {
    for world in worlds().await {
        let mut watcher = world.watcher().await;
        assert!(watcher.subscribe("#").await);
        for topic in TOPICS {
            let mut options = world.options("a", "main/a");
            options.set_last_will(LastWill::new(topic.replace("ID", ID), topic, QoS::AtLeastOnce, false));
            // Dropped without a goodbye, so the will is published if there is one.
            drop(Peer::connect(options).await);
        }
        // Another connection of the box: by then its earlier ones are over.
        drop(world.box_a().await);
        tokio::time::sleep(QUIET).await;
        watcher.publish("marker", false, "end").await;
        let seen: BTreeSet<String> = watcher.until("end").await.into_iter().map(|(topic, _)| topic).collect();
        let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
        match world.kind {
            Kind::Embedded => assert_eq!(seen, ["v1/main/a/status"]),
            Kind::Mosquitto => {
                assert!(seen.contains(&"v1/main/a/status"));
                let event = format!("v1/main/a/event/{ID}");
                let own = ["v1/main/a/status", "v1/main/a/live", event.as_str()];
                assert!(seen.iter().all(|topic| own.contains(topic)), "{seen:?}");
            }
        }
    }
}

/// Another's client id, a disabled box, an unknown name and no certificate do not come in, and do not push out whoever
/// is there.
#[tokio::test]
async fn identities_cannot_be_borrowed() {
    for world in worlds().await {
        let mut b = Peer::connect(world.options("b", "main/b")).await.unwrap();
        assert!(b.subscribe("v1/main/b/receipt/+").await);
        let mut watcher = world.watcher().await;
        let topic = format!("v1/main/b/receipt/{ID}");
        if let Some(mut thief) = Peer::connect(world.options("a", "main/b")).await {
            // Mosquitto gives it its own name instead.
            assert_eq!(world.kind, Kind::Mosquitto);
            watcher.publish(&topic, false, "for b").await;
            assert!(thief.quiet().await.is_empty());
        } else {
            watcher.publish(&topic, false, "for b").await;
        }
        assert_eq!(
            b.quiet().await,
            std::slice::from_ref(&topic),
            "{:?}: b is still there and hears",
            world.kind
        );

        let mut bare = MqttOptions::new("main/a", "localhost", world.port);
        let mut roots = rustls::RootCertStore::empty();
        let ca = std::fs::read(&world.ca).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(&ca).unwrap();
        roots.add(pem.contents.into()).unwrap();
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        bare.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(tls))));
        bare.set_credentials("main/a", "secret");
        assert!(Peer::connect(bare).await.is_none(), "{:?}: no certificate", world.kind);

        if world.kind == Kind::Embedded {
            assert!(Peer::connect(world.options("watcher", "zz/watcher")).await.is_none(), "not enrolled");
            let mut guess =
                MqttOptions::new("x", "127.0.0.1", world.internal.as_ref().unwrap().address.port());
            guess.set_credentials(HUB_NAME, "guess");
            assert!(Peer::connect(guess).await.is_none(), "the hub's own door");
            let own = Origin { tenant: "main".parse().unwrap(), device: "b".parse().unwrap() };
            device::store::set_disabled(
                &world.app.db,
                "main",
                own.device.as_str(),
                true,
                world.app.clock.now(),
            )
            .await
            .unwrap();
            let expelled = async { while b.events.poll().await.is_ok() {} };
            tokio::time::timeout(BOUND * 2, expelled).await.expect("a disabled box is put out");
            assert!(Peer::connect(world.options("b", "main/b")).await.is_none(), "and stays out");
        }
    }
}

/// The largest message that may be passes both brokers; rumqttc's own limit would be 10 KiB.
#[tokio::test]
async fn the_largest_messages_pass() {
    for world in worlds().await {
        let mut watcher = world.watcher().await;
        assert!(watcher.subscribe("#").await);
        let mut a = world.box_a().await;
        let large = "x".repeat(protocol::limits::MAX_MESSAGE_BYTES);
        a.publish(&format!("v1/main/a/event/{ID}"), false, &large).await;
        watcher.publish("marker", false, "end").await;
        let seen = watcher.until("end").await;
        assert_eq!(
            seen.iter().map(|(_, text)| text.len()).collect::<Vec<_>>(),
            [large.len()],
            "{:?}",
            world.kind
        );
    }
}
