//! Boxes that are shut out, stolen certificates, and certificates that end, with real TLS clients.

use super::{BOUND, Kind, Peer, World, clock, enrol, wait, world_on};
use crate::broker::{Outside, client_tls};
use crate::db::testing::databases;
use crate::device;
use crate::renewal::Renewal;

async fn ends(peer: &mut Peer) {
    let ended = async { while peer.events.poll().await.is_ok() {} };
    tokio::time::timeout(BOUND * 4, ended).await.expect("the connection is ended");
}

/// A disabled box is cut off Mosquitto at once, is kept out after the broker's reload, and comes in again when it is let;
/// other boxes notice nothing.
#[tokio::test]
async fn mosquitto_shuts_a_disabled_box_out() {
    let test = databases().await.swap_remove(0);
    let Some(world) = world_on(Kind::Mosquitto, test, clock(0)).await else { return };
    let app = &world.app;
    let connect = async |name: &str| Peer::connect(world.options(name, &format!("main/{name}"))).await;
    let (mut a, mut b) = (connect("a").await.unwrap(), connect("b").await.unwrap());
    assert!(a.subscribe("v1/main/a/command/+").await && b.subscribe("v1/main/b/command/+").await);
    let mut outside = Outside::new(app.clone(), app.authority.ca_path());
    outside.pass().await.unwrap();

    let disable = async |yes: bool| {
        device::store::set_disabled(&app.db, "main", "b", yes, app.clock.now()).await.unwrap();
    };
    disable(true).await;
    outside.pass().await.unwrap();
    ends(&mut b).await;
    world.reload_mosquitto();
    wait("a revoked certificate is refused", async || connect("b").await.is_none()).await;
    outside.pass().await.unwrap();
    a.publish("v1/main/a/live", false, "still here").await;
    assert!(a.subscribe("v1/main/a/receipt/+").await, "the others stay");

    disable(false).await;
    outside.pass().await.unwrap();
    world.reload_mosquitto();
    wait("and let in again", async || connect("b").await.is_some()).await;
}

/// A box that enrolled again is known by its new certificate; whoever holds the old one stays out, on both brokers.
#[tokio::test]
async fn a_superseded_certificate_is_refused() {
    for kind in [Kind::Embedded, Kind::Mosquitto] {
        let test = databases().await.swap_remove(0);
        let Some(world) = world_on(kind, test, clock(0)).await else { continue };
        let connect = async |name: &str| Peer::connect(world.options(name, "main/b")).await;
        assert!(connect("b").await.is_some());
        for end in ["pem", "key"] {
            let b = world.folder.join("b").with_extension(end);
            std::fs::copy(&b, world.folder.join("stolen").with_extension(end)).unwrap();
        }
        enrol(&world.app, "b", &world.folder).await;
        if kind == Kind::Mosquitto {
            Outside::new(world.app.clone(), world.app.authority.ca_path()).pass().await.unwrap();
            world.reload_mosquitto();
        }
        wait("the old one is refused", async || connect("stolen").await.is_none()).await;
        assert!(connect("b").await.is_some(), "{kind:?}");
    }
}

/// Who the server at `port` says it is: its certificate in DER.
async fn presented(world: &World, port: u16) -> Vec<u8> {
    let path = world.folder.join("a");
    let tls =
        client_tls(&world.app.authority.ca_path(), &path.with_extension("pem"), &path.with_extension("key"))
            .unwrap();
    let socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = "localhost".try_into().unwrap();
    let stream = tokio_rustls::TlsConnector::from(tls).connect(name, socket).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// Near its end the certificate is made anew while the hub runs: new connections see it on HTTPS and MQTT, those that
/// stand go on.
#[tokio::test]
async fn certificates_are_renewed_without_dropping_anybody() {
    const DAY_MS: i64 = 86_400_000;
    let test = databases().await.swap_remove(0);
    // Two years of life, 120 days before its end it is renewed; the TLS clients look at the machine's clock.
    let clock = clock(630 * DAY_MS);
    let world = world_on(Kind::Embedded, test, clock.clone()).await.unwrap();
    let mut renewal = Renewal::begin(world.app.clone(), world.renewed.clone()).await.unwrap();
    let handle: axum_server::Handle<std::net::SocketAddr> = axum_server::Handle::new();
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "here" }));
    let server = axum_server::bind_rustls(([127, 0, 0, 1], 0).into(), renewal.https())
        .handle(handle.clone())
        .serve(router.into_make_service());
    tokio::spawn(server);
    let https = handle.listening().await.unwrap().port();

    let mut a = Peer::connect(world.options("a", "main/a")).await.unwrap();
    assert!(a.subscribe("v1/main/a/command/+").await);
    let before = presented(&world, https).await;
    assert_eq!(presented(&world, world.port()).await, before);
    assert!(!renewal.look().await.unwrap(), "it is good yet");
    clock.advance_ms(630 * DAY_MS);
    assert!(renewal.look().await.unwrap());
    let after = presented(&world, https).await;
    assert_ne!(after, before);
    // The listener is bound anew; for a moment nobody may answer.
    wait("MQTT shows the new one", async || {
        match tokio::net::TcpStream::connect(("127.0.0.1", world.port())).await {
            Ok(_) => presented(&world, world.port()).await == after,
            Err(_) => false,
        }
    })
    .await;
    assert!(a.subscribe("v1/main/a/receipt/+").await, "who was connected still is");
    assert!(!renewal.look().await.unwrap());
}
