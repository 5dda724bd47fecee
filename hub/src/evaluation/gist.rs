//! What each row of a case's history says of what is measured, and a case as of any moment out of that. Pure.
//!
//! [`super::fold`] reads a history whole and is the definition. Most of its time goes into words that no figure looks at, so
//! what a row comes to, its *gist*, is kept ([`super::keep`]) and a case is folded from gists, as far as a moment and a signed
//! root let it be seen. Of every history and every cut both come to the same [`Facts`], refusals included
//! (`tests/cache.rs`). Gists are not cut: what a case was before is in them as well as what it is.
//!
//! Rows that say nothing are left out. That they were there shows in two things only: a case begins with its first row,
//! and a row past the end of a period ends the reading even where a machine's clock went back after it. The first row is
//! kept for the one, [`Gist::latest`] for the other.

use protocol::UtcMs;
use serde::{Deserialize, Serialize};

use super::facts::{Clock, Facts, Filing, Task, is_no};
use super::fold::{self, Act, Deed, Row, Standstill, Unread};
use crate::calendar::Pause;
use crate::case::CaseState;
use crate::workflow::ledger::{Entry, Stand, Subject};

/// What is kept grows by one whenever [`Gist::of`] reads a row otherwise, or [`Facts`] look at more: what older hubs kept is
/// made anew then.
pub(super) const FORM: i64 = 2;

/// Texts that are longer are not kept; such a case is read from its history each time. A case has a kilobyte as a rule.
const MOST_BYTES: usize = 64 << 10;

/// Gists of one history, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Gists(Vec<Gist>);

/// What one row says. Short names: hundreds of thousands of these are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Gist {
    #[serde(rename = "i")]
    position: i64,
    #[serde(rename = "t")]
    at: UtcMs,
    /// The latest moment of the rows up to here, where that is later than this row's own.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    later: Option<UtcMs>,
    /// Nothing that was said before holds.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    begins: Option<(Who, Where)>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    subject: Option<Who>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    stand: Option<Where>,
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    tasks: Vec<Task>,
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    clocks: Vec<Clock>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    deed: Option<Deed>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    standstill: Option<Standstill>,
    /// The how many-th row of its history this is, when it cannot be understood.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    odd: Option<usize>,
}

/// [`Subject`] as far as it is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Who {
    #[serde(rename = "f")]
    source: String,
    #[serde(rename = "a")]
    area: String,
    #[serde(rename = "d", default, skip_serializing_if = "is_no")]
    drill: bool,
    #[serde(rename = "b")]
    opened_at: UtcMs,
}

/// [`Stand`] as far as it is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Where {
    #[serde(rename = "s")]
    state: CaseState,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    filing: Option<Filing>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<UtcMs>,
}

impl Gists {
    /// Of rows in their order, each with its position.
    pub(super) fn of(rows: impl IntoIterator<Item = (i64, Row)>) -> Self {
        let (mut all, mut latest) = (Vec::new(), UtcMs(i64::MIN));
        for ((position, row), nth) in rows.into_iter().zip(1..) {
            latest = latest.max(row.at);
            let gist = Gist::of(position, &row, latest, nth);
            if all.is_empty() || gist.says_something() {
                all.push(gist);
            }
        }
        Self(all)
    }

    /// As it is kept; nothing for what is too long to be kept.
    pub(super) fn text(&self) -> Option<String> {
        serde_json::to_string(self).ok().filter(|text| text.len() <= MOST_BYTES)
    }

    /// Reads what is kept; nothing for what is not understood, which is as good as not kept.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What was known of the case before `seen`, from the rows up to `last`; nothing where nothing was there yet.
    pub(super) fn facts(self, number: &str, seen: UtcMs, last: i64) -> Option<Result<Facts, Unread>> {
        let mut known = self.0.into_iter().take_while(|gist| gist.latest() < seen && gist.position <= last);
        let first = known.next()?;
        Some(fold(number, std::iter::once(first).chain(known)))
    }
}

impl Gist {
    fn of(position: i64, row: &Row, latest: UtcMs, nth: usize) -> Self {
        let (entry, odd) = match Entry::read(&row.detail) {
            Ok(entry) => (entry.unwrap_or_default(), None),
            Err(_) => (Entry::default(), Some(nth)),
        };
        let Entry { whole, subject, stand, tasks, clocks, .. } = entry;
        let (subject, stand) = (subject.as_ref().map(Who::of), stand.as_ref().map(Where::of));
        let (tasks, clocks) = (tasks.iter().map(Task::of).collect(), clocks.iter().map(Clock::of).collect());
        let mut gist = Self {
            position,
            at: row.at,
            later: (latest > row.at).then_some(latest),
            begins: None,
            subject: None,
            stand: None,
            tasks: Vec::new(),
            clocks: Vec::new(),
            deed: fold::deed(row),
            standstill: Standstill::of(row),
            odd,
        };
        match (whole, subject, stand) {
            (false, subject, stand) => {
                (gist.subject, gist.stand, gist.tasks, gist.clocks) = (subject, stand, tasks, clocks);
            }
            (true, Some(subject), Some(stand)) => {
                (gist.begins, gist.tasks, gist.clocks) = (Some((subject, stand)), tasks, clocks);
            }
            // A beginning that does not say of what is none.
            (true, ..) => {}
        }
        gist
    }

    fn says_something(&self) -> bool {
        self.begins.is_some()
            || self.subject.is_some()
            || self.stand.is_some()
            || !self.tasks.is_empty()
            || !self.clocks.is_empty()
            || self.deed.is_some()
            || self.standstill.is_some()
            || self.odd.is_some()
    }

    /// Of all rows up to here.
    fn latest(&self) -> UtcMs {
        self.later.unwrap_or(self.at)
    }
}

impl Who {
    fn of(subject: &Subject) -> Self {
        Self {
            source: subject.source.clone(),
            area: subject.area.clone(),
            drill: subject.drill,
            opened_at: subject.opened_at,
        }
    }
}

impl Where {
    fn of(stand: &Stand) -> Self {
        let filing = stand.filing.as_ref().map(Filing::of);
        Self { state: stand.state, filing, ended_at: stand.ended_at }
    }
}

fn fold(number: &str, gists: impl Iterator<Item = Gist>) -> Result<Facts, Unread> {
    let (mut facts, mut filing): (Option<Facts>, Option<Filing>) = (None, None);
    let (mut acts, mut suspended): (Vec<Act>, Vec<Pause>) = (Vec::new(), Vec::new());
    for gist in gists {
        if let Some(nth) = gist.odd {
            return Err(Unread::Odd(nth));
        }
        if let Some(standstill) = gist.standstill {
            standstill.put(&mut suspended, gist.at);
        }
        acts.extend(gist.deed.map(|deed| Act { at: gist.at, deed }));
        let known = match (&mut facts, gist.begins) {
            (known, Some((who, place))) => {
                filing = place.filing.clone().or(filing);
                let begun = begin(number, (who, place), gist.tasks, gist.clocks);
                *known = Some(begun);
                continue;
            }
            (Some(known), None) => known,
            // What is said before it is said what the case is says nothing.
            (None, None) => continue,
        };
        if let Some(who) = gist.subject {
            who.put(known);
        }
        if let Some(place) = gist.stand {
            (known.state, known.ended_at) = (place.state, place.ended_at);
            filing = place.filing.or(filing);
        }
        put(&mut known.tasks, gist.tasks, |task| task.task);
        put(&mut known.clocks, gist.clocks, Clock::key);
    }
    let facts = facts.ok_or(Unread::NoLedger)?;
    Ok(Facts { filing, acts, suspended, ..facts })
}

fn begin(number: &str, (who, place): (Who, Where), tasks: Vec<Task>, clocks: Vec<Clock>) -> Facts {
    Facts {
        number: number.to_owned(),
        source: who.source,
        area: who.area,
        drill: who.drill,
        opened_at: who.opened_at,
        state: place.state,
        ended_at: place.ended_at,
        tasks,
        clocks,
        filing: None,
        acts: Vec::new(),
        suspended: Vec::new(),
    }
}

impl Who {
    fn put(self, facts: &mut Facts) {
        facts.source = self.source;
        facts.area = self.area;
        facts.drill = self.drill;
        facts.opened_at = self.opened_at;
    }
}

/// Replaces what has the same key and adds the rest, in the order of keys, as a ledger does.
fn put<T, K: Ord>(all: &mut Vec<T>, new: Vec<T>, key: impl Fn(&T) -> K) {
    for one in new {
        match all.binary_search_by_key(&key(&one), &key) {
            Ok(at) => all[at] = one,
            Err(at) => all.insert(at, one),
        }
    }
}
