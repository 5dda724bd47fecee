//! The newest part of the log, read once for all who follow it: five hundred browsers ask the database no more often than
//! one does. What a user may see is asked once for all his browsers, and holds for a moment only: a role that is taken
//! away is gone with the next one.
//!
//! Whoever is further back than what is kept here reads the log himself.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Change, ChangeTopic, LOOK_AGAIN, store};
use crate::db::{Db, Result};

/// Changes kept; more than a browser falls behind while it takes breath.
const KEPT: usize = 5_000;

/// Changes read at once.
const BATCH: i64 = 1_000;

/// What nobody has followed for so long is begun anew: a night's changes are not read up for the first browser of the day.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// Cheap to share; nothing in it is the truth.
#[derive(Debug, Default)]
pub(super) struct Tail {
    newest: tokio::sync::Mutex<HashMap<String, Newest>>,
    /// By tenant and user.
    seen: Mutex<HashMap<(String, String), Shared>>,
}

/// What is known of one user, asked for by one of his readers at a time.
type Shared = Arc<tokio::sync::Mutex<Seen>>;

/// All changes behind `from`, up to the last one.
#[derive(Debug)]
struct Newest {
    from: i64,
    changes: VecDeque<Arc<Change>>,
    /// Wake-ups until it was read, and when.
    wakes: u64,
    at: Instant,
}

/// Of the changes behind `from`, up to `last`, those of cases that one user may not see.
#[derive(Debug)]
struct Seen {
    since: Instant,
    from: i64,
    last: i64,
    hidden: BTreeSet<i64>,
}

impl Newest {
    fn last(&self) -> i64 {
        self.changes.back().map_or(self.from, |change| change.position)
    }

    fn push(&mut self, batch: Vec<Change>) {
        self.changes.extend(batch.into_iter().map(Arc::new));
        while self.changes.len() > KEPT {
            self.from = self.changes.pop_front().map_or(self.from, |change| change.position);
        }
    }

    /// Those behind `position`.
    fn after(&self, position: i64, limit: usize) -> Vec<Arc<Change>> {
        let first = self.changes.partition_point(|change| change.position <= position);
        self.changes.range(first..).take(limit).cloned().collect()
    }
}

impl Tail {
    /// Changes behind `position`, oldest first. `wakes`: how many wake-ups there were before this was asked.
    pub(super) async fn after(
        &self,
        db: &Db,
        tenant: &str,
        position: i64,
        limit: usize,
        wakes: u64,
    ) -> Result<Vec<Arc<Change>>> {
        // One reads, the others wait for what he finds.
        let mut all = self.newest.lock().await;
        let now = Instant::now();
        if all.get(tenant).is_none_or(|known| known.at + FORGOTTEN <= now) {
            let from = store::newest(db, tenant).await?;
            let newest = Newest { from, changes: VecDeque::new(), wakes, at: now };
            all.insert(tenant.to_owned(), newest);
        }
        let Some(newest) = all.get_mut(tenant) else { return Ok(vec![]) };
        if newest.wakes != wakes || newest.at + LOOK_AGAIN <= now {
            loop {
                let batch = store::after(db, tenant, newest.last(), BATCH).await?;
                let more = batch.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
                newest.push(batch);
                if !more {
                    break;
                }
            }
            (newest.wakes, newest.at) = (wakes, now);
        }
        if position < newest.from {
            drop(all);
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let read = store::after(db, tenant, position, limit).await?;
            return Ok(read.into_iter().map(Arc::new).collect());
        }
        Ok(newest.after(position, limit))
    }

    /// Takes out the cases that this user may not see. `all`: every change behind `position`, up to some other one.
    pub(super) async fn keep_visible(
        &self,
        db: &Db,
        tenant: &str,
        user: &str,
        position: i64,
        all: &mut Vec<Arc<Change>>,
    ) -> Result<()> {
        let Some(last) = all.last().map(|change| change.position) else { return Ok(()) };
        let shared = self.of(tenant, user, position);
        let mut seen = shared.lock().await;
        // What is known is of another stretch, or too old.
        if position < seen.from || position > seen.last || seen.since + LOOK_AGAIN <= Instant::now() {
            *seen = Seen { since: Instant::now(), from: position, last: position, hidden: BTreeSet::new() };
        }
        let case = ChangeTopic::Case.as_str();
        let new = || all.iter().filter(|change| change.position > seen.last && change.topic == case);
        let mut numbers: Vec<&str> = new().map(|change| change.subject.as_str()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        if !numbers.is_empty() {
            let may: BTreeSet<String> =
                store::visible_cases(db, tenant, user, &numbers).await?.into_iter().collect();
            let hidden: Vec<i64> =
                new().filter(|change| !may.contains(&change.subject)).map(|change| change.position).collect();
            seen.hidden.extend(hidden);
        }
        seen.last = seen.last.max(last);
        all.retain(|change| !seen.hidden.contains(&change.position));
        Ok(())
    }

    /// What is known of this user; of those who follow no more nothing is kept.
    fn of(&self, tenant: &str, user: &str, position: i64) -> Shared {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.to_owned(), user.to_owned());
        if !all.contains_key(&key) {
            all.retain(|_, seen| {
                Arc::strong_count(seen) > 1
                    || seen.try_lock().is_ok_and(|seen| seen.since + LOOK_AGAIN > Instant::now())
            });
        }
        let nothing =
            || Seen { since: Instant::now(), from: position, last: position, hidden: BTreeSet::new() };
        all.entry(key).or_insert_with(|| Arc::new(tokio::sync::Mutex::new(nothing()))).clone()
    }
}
