//! Somebody who listens to a running call: which words are its, and which of them he has not seen.

use protocol::{CallId, DeviceId, Origin};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::{Key, Line, Running, uncased};
use crate::app::App;
use crate::case;
use crate::db::Result;
use crate::user::Session;

/// Calls that one stream follows.
pub const MOST_LISTENED: usize = 16;
/// New words of one call are told together at most this often.
const TOGETHER: Duration = Duration::from_millis(250);

/// What is new of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Words {
    /// The one that was asked for.
    pub call_id: CallId,
    /// In the order of the call; each replaces the one of its side and beginning.
    pub lines: Vec<Line>,
    /// Its box has said that it is over.
    pub ended: bool,
}

#[derive(Debug)]
pub struct Listener {
    call_id: CallId,
    /// Its case, once there is one.
    number: Option<String>,
    /// The names under which its box speaks of it.
    keys: Vec<Key>,
    seen: u64,
    next: Instant,
}

impl Listener {
    pub fn new(call_id: CallId) -> Self {
        Self { call_id, number: None, keys: Vec::new(), seen: 0, next: Instant::now() }
    }

    /// Looks which words are this call's. Like its transcript, only whoever sees the call's case may read them; and only what
    /// the box of that case says, under the call's present name and those before. Of a call that is no case yet, whoever
    /// will file its ticket.
    pub async fn resolve(&mut self, app: &App, session: &Session) -> Result<()> {
        let tenant = app.tenant();
        let (asked, known) = (self.call_id.to_string(), std::mem::take(&mut self.keys));
        let Some(case) = case::store::by_call(&app.db, tenant.as_str(), &session.user, &asked).await? else {
            let found = uncased(app, session, self.call_id).await?;
            self.keys = found.map(|found| (found.call.origin, found.call.call_id)).into_iter().collect();
            return Ok(());
        };
        let names = case::store::call_names(&app.db, tenant.as_str(), &case.case_id).await?;
        if let Ok(device) = case.device_id.parse::<DeviceId>() {
            let origin = Origin { tenant: tenant.clone(), device };
            let names = names.iter().filter_map(|name| name.parse().ok());
            self.keys = names.map(|name| (origin.clone(), name)).collect();
        }
        self.number = Some(case.number);
        if self.keys.iter().any(|key| !known.contains(key)) {
            // Words that were told before under another name are new here.
            self.seen = 0;
        }
        Ok(())
    }

    /// Whether news of a case may be news of which words are this call's.
    pub fn concerns(&self, number: &str) -> bool {
        self.number.as_deref().is_none_or(|own| own == number)
    }

    /// Whether nothing is known under which its box speaks of it.
    pub fn hears_nobody(&self) -> bool {
        self.keys.is_empty()
    }

    /// When it may be told of more.
    pub fn next(&self) -> Instant {
        self.next
    }

    /// What is new, if it may be told now.
    pub fn fresh(&mut self, running: &Running, now: Instant) -> Option<Words> {
        if now < self.next {
            return None;
        }
        let (words, newest) = running.words(&self.keys, self.call_id, self.seen)?;
        (self.seen, self.next) = (newest, now + TOGETHER);
        Some(words)
    }
}

impl Running {
    /// Changes with every word of any call.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// What changed after `seen` of a call that has these names, and which change was the last.
    fn words(&self, keys: &[Key], call_id: CallId, seen: u64) -> Option<(Words, u64)> {
        let kept = self.lock();
        let talks: Vec<_> = keys.iter().filter_map(|key| Some(&kept.talks.get(key)?.talk)).collect();
        let newest = talks.iter().map(|talk| talk.changed()).max().filter(|newest| *newest > seen)?;
        let mut lines: Vec<Line> = talks.iter().flat_map(|talk| talk.after(seen)).cloned().collect();
        lines.sort_by_key(|line| (line.start_ms, line.leg));
        Some((Words { call_id, lines, ended: talks.iter().all(|talk| talk.ended()) }, newest))
    }
}
