//! The words of a running call, from a box through a real broker to who reads them.

use protocol::{
    CallId, CallSubject, Direction, Event, Incident, IncidentKind, Leg, LiveCall, Phase, Segment, Severity,
    Subject, Topic, Transcript,
};
use rumqttc::QoS;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Kind, Peer, clock, incident, origin, run_hub, told, wait, world_on};
use crate::app::App;
use crate::case;
use crate::db::testing::databases;
use crate::running::Listener;
use crate::user::{Role, Session};

const CALL: CallId = CallId(Uuid::from_u128(0xc1));

fn call(app: &App) -> Event {
    let Event::Incident(any) = incident(app, 1) else { unreachable!() };
    Event::Incident(Incident {
        phase: Phase::Opened,
        kind: IncidentKind::Hotline,
        severity: Severity::Emergency,
        subject: Subject::Call(CallSubject {
            call_id: CALL,
            caller_masked: None,
            seat: None,
            direction: Direction::Inbound,
            legs: vec![],
            duration_ms: 0,
            speech_ms: 0,
            transcript: Transcript::Waiting,
            reading: None,
            callback: None,
            interrupted: false,
        }),
        ..any
    })
}

fn say(text: &str, finished: bool) -> LiveCall {
    let segment = Segment { leg: Leg::Caller, start_ms: 0, end_ms: 900, text: text.into() };
    if finished {
        LiveCall::Final { call_id: CALL, segment }
    } else {
        LiveCall::Partial { call_id: CALL, segment }
    }
}

/// Tells as boxes do, without asking whether it arrived.
async fn tell(peer: &mut Peer, device: &str, told: &LiveCall) {
    let topic = Topic::Live(origin(device)).to_string();
    peer.client.publish(topic, QoS::AtMostOnce, false, serde_json::to_vec(told).unwrap()).await.unwrap();
    while !matches!(peer.next().await, Some(rumqttc::Event::Outgoing(rumqttc::Outgoing::Publish(_)))) {}
}

async fn heard(app: &App) -> Vec<(String, bool)> {
    let mut listener = Listener::new(CALL);
    // Who sees every case, and files no tickets.
    let everyone = Session {
        user: String::new(),
        role: Role::Auditor,
        grants: vec![],
        csrf: String::new(),
        token_sha256: String::new(),
        must_change: false,
    };
    listener.resolve(app, &everyone).await.unwrap();
    let words = listener.fresh(&app.running, Instant::now());
    words.map_or_else(Vec::new, |w| w.lines.into_iter().map(|line| (line.text, line.finished)).collect())
}

/// What a box says of its call is heard while it is said, in memory alone: no row and no change of the log is made of it.
/// What another box says of the same call is not heard with it.
#[tokio::test]
async fn words_pass_the_broker_and_leave_nothing() {
    for kind in [Kind::Embedded, Kind::Mosquitto] {
        for test in databases().await {
            let Some(mut world) = world_on(kind, test, clock(0)).await else { continue };
            let name = format!("{kind:?} on {}", world.db.name);
            let _running = run_hub(&world.app, world.ends.take().unwrap(), world.address(&world.app)).await;
            let app = &world.app;
            let mut a = world.box_a().await;
            let mut b = Peer::connect(world.options("b", "main/b")).await.unwrap();
            let (topic, text) = told(app, 1, call(app));
            a.publish(&topic, false, &text).await;
            wait("the case", async || {
                case::store::by_call(&app.db, "main", "", &CALL.to_string()).await.unwrap().is_some()
            })
            .await;
            let before = app.changes.newest("main").await.unwrap();

            tell(&mut a, "a", &say("我家", false)).await;
            wait("what is being said", async || heard(app).await == [("我家".to_owned(), false)]).await;
            tell(&mut b, "b", &say("别的盒子说的", true)).await;
            wait("two calls", async || app.metrics.running_calls.get() == 2).await;
            tell(&mut a, "a", &say("我家厨房着火了", true)).await;
            wait("what was said", async || heard(app).await == [("我家厨房着火了".to_owned(), true)]).await;

            assert_eq!(app.changes.newest("main").await.unwrap(), before, "{name}");
            let (rows,): (i64,) = app.db.fetch_one("select count(*) from messages", vec![]).await.unwrap();
            assert_eq!(rows, 1, "{name}: the call's incident alone");
            assert_eq!(app.metrics.live_words_dropped.get(), 0, "{name}");
        }
    }
}
