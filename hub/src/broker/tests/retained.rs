//! An outside broker cannot be told that events and words of calls are not to be kept; the hub clears what one kept.

use std::sync::Arc;

use super::{Kind, Peer, clock, count, incident, run_hub, told, wait, world_on};
use crate::app::App;
use crate::case;
use crate::config::Config;
use crate::db::testing::databases;

/// A box that has its event kept is heard once; the hub that comes later files nothing again, and the broker forgets it.
/// The embedded broker refuses to keep it in the first place, see `confinement`.
#[tokio::test]
async fn a_kept_event_is_cleared_and_not_filed_again() {
    for test in databases().await {
        let clock = clock(0);
        let Some(mut world) = world_on(Kind::Mosquitto, test, clock.clone()).await else { continue };
        let first = run_hub(&world.app, world.ends.take().unwrap(), world.address(&world.app)).await;
        let mut a = Peer::connect(world.options("a", "main/a")).await.unwrap();
        let (topic, text) = told(&world.app, 1, incident(&world.app, 1));
        a.publish(&topic, true, &text).await;
        let live = r#"{"what":"final","call_id":"0195a1c2-0000-7000-8000-0000000000c1","segment":{"leg":"caller","start_ms":0,"end_ms":1,"text":"x"}}"#;
        a.publish("v1/main/a/live", true, live).await;
        wait("it is heard", async || world.app.metrics.running_calls.get() == 1).await;
        wait("it is stored", async || count(&world.app, "stored") == 1).await;
        drop(first);
        wait("the hub is gone", async || world.app.metrics.broker_since().is_none()).await;

        let config = Config::clone(&world.app.config);
        let chance = Arc::new(protocol::Chance::seeded(3));
        let (later, ends) = App::with_db(config, world.db.db.clone(), clock.clone(), chance).unwrap();
        let _running = run_hub(&later, ends, world.address(&later)).await;
        wait("the broker forgets it", async || {
            let mut watcher = world.watcher().await;
            assert!(
                watcher.subscribe("v1/main/a/event/+").await && watcher.subscribe("v1/main/a/live").await
            );
            watcher.quiet().await.is_empty()
        })
        .await;
        // What comes after it on the same connection is answered, so the kept one would have been.
        let (topic, text) = told(&world.app, 2, incident(&world.app, 2));
        a.publish(&topic, false, &text).await;
        wait("the next one is stored", async || count(&later, "stored") == 1).await;
        for outcome in ["duplicate", "refused", "quarantined"] {
            assert_eq!(count(&later, outcome), 0, "{outcome}");
        }
        assert_eq!(later.metrics.running_calls.get(), 0, "what was said long ago is not said now");
        let cases = case::store::list::list(&later.db, "main", &case::CaseFilter::default()).await.unwrap();
        assert_eq!((cases.len(), cases[0].incident_count), (1, 2));
    }
}
