//! Several hubs on one database: what is due is shared, and done once, whichever of them dies when.

use std::future::Future;
use std::task::Poll;

use super::super::claim::LEASE_MS;
use super::*;
use crate::args;

const EMERGENCIES: usize = 50;

/// Emergencies that nobody has in hand, all to be told further now.
async fn all_due(site: &mut Site) {
    for camera in 0..EMERGENCIES {
        site.raise_camera(&format!("cam-{camera}"), &format!("{camera}号")).await;
    }
    assert_eq!(site.pass().await, 0, "each has its 60 s");
    site.clock.advance_ms(60_000);
}

/// How often each case was told further, by its history, and how many notices were made of that.
async fn told_further(site: &Site) -> (Vec<i64>, i64) {
    let rows: Vec<(i64,)> = site
        .app
        .db
        .fetch_all(
            "select (select count(*) from case_history h
                     where h.tenant = c.tenant and h.case_id = c.case_id and h.action = 'escalated')
             from cases c order by c.case_id",
            args![],
        )
        .await
        .unwrap();
    let (notices,): (i64,) = site
        .app
        .db
        .fetch_one("select count(*) from notices where cause like '%/emergency/%'", args![])
        .await
        .unwrap();
    (rows.into_iter().map(|(count,)| count).collect(), notices)
}

async fn assert_each_once(site: &Site, when: &str) {
    let (counts, notices) = told_further(site).await;
    assert_eq!(counts, [1; EMERGENCIES], "{} {when}", site.name);
    assert_eq!(notices, EMERGENCIES as i64, "{} {when}", site.name);
}

async fn claims(site: &Site) -> i64 {
    site.app.db.fetch_one::<(i64,)>("select count(*) from engine_claims", args![]).await.unwrap().0
}

/// Polls a future so many times and lets it fall: a hub that is killed there.
async fn killed_after(polls: usize, pass: impl Future<Output = db::Result<u64>>) {
    let mut pass = Box::pin(pass);
    let mut left = polls;
    std::future::poll_fn(|context| match left.checked_sub(1) {
        None => Poll::Ready(()),
        Some(fewer) => {
            left = fewer;
            pass.as_mut().poll(context).map(drop)
        }
    })
    .await;
}

/// What one hub has claimed another one leaves to it and does the rest; each does its own, and nothing is left claimed.
#[tokio::test]
async fn what_is_due_is_shared() {
    for mut site in sites().await {
        all_due(&mut site).await;
        let (other, now) = (site.second_hub().await, site.clock.now());
        let mut claim = Claim::new(&site.app, "emergency", now);
        let found = store::unanswered(&site.app.db, now).await.unwrap();
        let own = claim.next(found, DueCase::subject).await.unwrap().unwrap();
        assert_eq!(own.len(), 20, "{}", site.name);
        assert_eq!(pass(&other, now).await.unwrap(), 30, "{}: the rest", site.name);
        // Had both looked before either claimed, one has it all the same.
        let mut late = Claim::new(&other, "emergency", now);
        let none = late.next(own.clone(), DueCase::subject).await.unwrap().unwrap();
        assert!(none.is_empty(), "{}: {none:?}", site.name);
        claim.release().await.unwrap();
        assert_eq!(pass(&site.app, now).await.unwrap(), 20, "{}", site.name);
        assert_each_once(&site, "shared").await;
        assert_eq!(claims(&site).await, 0, "{}", site.name);
    }
}

/// Both at the same moment, again and again.
#[tokio::test]
async fn two_at_once() {
    for mut site in sites().await {
        all_due(&mut site).await;
        let (other, now) = (site.second_hub().await, site.clock.now());
        let mut done = 0;
        for _ in 0..4 {
            let (a, b) = tokio::join!(pass(&site.app, now), pass(&other, now));
            done += a.unwrap() + b.unwrap();
        }
        assert_eq!(done, EMERGENCIES as u64, "{}", site.name);
        assert_each_once(&site, "at once").await;
    }
}

/// Wherever a hub is killed, the other one does what it left once its claims have run out, and nothing twice; one that was
/// only slow finds nothing left to do.
#[tokio::test]
async fn a_hub_is_killed() {
    for polls in [2, 5, 12, 40, 150, 400] {
        for mut site in sites().await {
            all_due(&mut site).await;
            let (other, now) = (site.second_hub().await, site.clock.now());
            killed_after(polls, pass(&other, now)).await;
            pass(&site.app, now).await.unwrap();
            site.clock.advance_ms(LEASE_MS);
            pass(&site.app, site.clock.now()).await.unwrap();
            assert_each_once(&site, &format!("killed after {polls}")).await;
            assert_eq!(pass(&other, site.clock.now()).await.unwrap(), 0, "{}", site.name);
        }
    }
}

/// What fails is left alone for as long as a claim lasts, and stands before nothing.
#[tokio::test]
async fn what_fails_stands_before_nothing() {
    for mut site in sites().await {
        all_due(&mut site).await;
        let now = site.clock.now();
        let mut claim = Claim::new(&site.app, "emergency", now);
        let found = store::unanswered(&site.app.db, now).await.unwrap();
        for due in claim.next(found, DueCase::subject).await.unwrap().unwrap() {
            assert_eq!(claim.told(due.subject(), Err("broken")).await.unwrap(), 0);
        }
        claim.release().await.unwrap();
        assert_eq!(pass(&site.app, now).await.unwrap(), 30, "{}", site.name);
        site.clock.advance_ms(LEASE_MS);
        assert_eq!(pass(&site.app, site.clock.now()).await.unwrap(), 20, "{}", site.name);
        assert_each_once(&site, "after failing").await;
    }
}
