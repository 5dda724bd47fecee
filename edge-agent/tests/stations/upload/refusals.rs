//! A hub that says no, and how: what may pass later waits for it, what never will is given up with the reason, and
//! nothing is asked without end.

use axum::http::Method;

use super::*;

/// A hub that died and lost what it had not synced answers 409: it is asked where it stands, and the same upload goes on
/// from there.
#[tokio::test]
async fn a_hub_that_lost_a_part_gets_it_again() {
    let bench = Bench::new(3 * MIB).await;
    bench.server.lock().forgets = Some((2 * MIB, 300_000));
    let _running = bench.run();
    bench.arrives().await;
    assert_eq!((bench.server.count("POST"), bench.server.count("HEAD"), bench.failures()), (1, 1, 0));
    let log = bench.server.lock().log.clone();
    let at = log.iter().position(|line| line.starts_with("HEAD")).unwrap();
    let stands: usize = log[at].strip_prefix("HEAD ").unwrap().parse().unwrap();
    assert_eq!(log[at + 1], format!("PATCH {stands}"), "{log:?}");
}

/// A hub that answers 409 and says that it stands just there is asked no more often than that; the upload begins anew
/// after a rest, again and again, and arrives once the hub is right.
#[tokio::test]
async fn a_hub_that_contradicts_itself_is_not_asked_without_end() {
    let bench = Bench::new(1_000).await;
    bench.server.lock().refuses = Some((Method::PATCH, 409));
    let _running = bench.run();
    for (failures, wait_ms) in [(1, 5_000), (2, 10_000), (3, 20_000)] {
        bench.fails(failures).await;
        assert!(bench.health.last_error.get().unwrap().contains("does not stand where it says"));
        assert_eq!(bench.server.count("PATCH"), 2 * failures as usize);
        assert_eq!(bench.server.count("POST"), failures as usize, "anew");
        if failures == 3 {
            bench.server.lock().refuses = None;
        }
        bench.later(wait_ms).await;
    }
    bench.arrives().await;
    assert!(bench.tombstones().await.is_empty());
}

/// A file that the hub refuses as it is (400) is tried for a while, ever more seldom; then it is given up, and the hub's
/// own words go to the hub and stay in view.
#[tokio::test]
async fn what_is_refused_again_and_again_is_given_up() {
    tokio::join!(refused(Method::POST), refused(Method::PATCH));
}

async fn refused(method: Method) {
    let bench = Bench::new(1_000).await;
    bench.server.lock().refuses = Some((method.clone(), 400));
    let _running = bench.run();
    for failures in 1..12 {
        bench.fails(failures).await;
        assert!(bench.health.last_error.get().unwrap().contains("400"), "{method}");
        assert_eq!(bench.server.count(&format!("{method} 400")), failures as usize, "once each time");
        bench.later(600_000).await;
    }
    eventually!("the end", !bench.waits().await);
    let told = bench.tombstones().await;
    let words = "the hub refuses it (400 Bad Request): not like this";
    assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    assert!(!bench.path.exists());
    assert_eq!(bench.outbox.counters().dropped_files.load(Ordering::Relaxed), 1);
}

/// A file that is larger than the hub takes (413) is given up at once.
#[tokio::test]
async fn what_is_too_large_is_given_up_at_once() {
    let bench = Bench::new(1_000).await;
    bench.server.lock().refuses = Some((Method::POST, 413));
    let _running = bench.run();
    eventually!("the end", !bench.waits().await);
    let told = bench.tombstones().await;
    assert!(told.len() == 1 && told[0].contains("refuses its size"), "{told:?}");
    assert_eq!(bench.server.count("POST"), 1);
}

/// An upload that ran out at the hub (410) begins anew; a hub without room (429), locked (423) or failing (503) is only
/// waited for.
#[tokio::test]
async fn what_may_pass_later_is_waited_for() {
    let bench = Bench::new(1_000).await;
    let _running = {
        bench.server.lock().refuses = Some((Method::PATCH, 423));
        bench.run()
    };
    for (failures, method, status) in
        [(1, Method::HEAD, 503), (2, Method::HEAD, 410), (3, Method::POST, 429), (4, Method::GET, 0)]
    {
        bench.fails(failures).await;
        bench.server.lock().refuses = Some((method, status));
        bench.later(600_000).await;
    }
    bench.arrives().await;
    let log = bench.server.lock().log.clone();
    assert_eq!(log, ["POST", "PATCH 423", "HEAD 503", "HEAD 410", "POST 429", "POST", "PATCH 0"]);
    assert!(bench.tombstones().await.is_empty());
}

/// A line that breaks every few minutes and carries a part each time is not made to wait longer and longer.
#[tokio::test]
async fn a_line_that_carries_a_part_each_time_is_used_at_once() {
    let bench = Bench::new(5 * MIB).await;
    let _running = bench.run();
    for failures in 1..=3 {
        bench.line.breaks_after(MIB + MIB / 2);
        if failures > 1 {
            bench.later(5_000).await;
        }
        bench.fails(failures).await;
        bench.line.mend();
    }
    bench.later(5_000).await;
    bench.arrives().await;
    assert_eq!(bench.server.count("POST"), 1);
}
