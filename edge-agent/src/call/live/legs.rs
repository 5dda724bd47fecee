//! What is said on the legs of running calls, as far as it is known.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use protocol::{CallId, LiveCall, Segment, Transcript};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::super::{CallTap, lock, redact, registry, transcripts};
use super::echo::Client;
use super::hearing::{Hearing, Watched};
use crate::call::record::Spoken;
use crate::call::registry::TapId;
use crate::call::speech::wire::Words;
use crate::call::vad::Span;
use crate::screen;

/// Final words of a leg that are kept; an endless leg is cut long before.
const MAX_LINES: usize = 20_000;
/// Words this long ago may be the first half of a number that goes on.
const REMEMBER_LINES: usize = 8;

#[derive(Debug)]
pub(super) struct Leg {
    /// From the beginning of the call, as far as was known when the leg began.
    offset_ms: u64,
    words: Mutex<Known>,
    changed: Notify,
    /// Who brings its sound and wants its words back.
    pub(super) client: Client,
}

#[derive(Debug, Default)]
struct Known {
    lines: Vec<Words>,
    /// All its speech, once it is over.
    speech: Vec<Span>,
    /// Some of its sound was not heard.
    lost: bool,
    /// The process that hears it, or heard it last.
    heard_by: Option<Watched>,
    /// No more sound will come.
    closed: bool,
    /// All its words are known.
    over: bool,
    /// Ids of the alarms that it has raised, and of those that its last unfinished words told.
    raised: BTreeSet<String>,
    suspected: BTreeSet<String>,
    /// What was last read to tell what the call is about.
    read: String,
}

impl Leg {
    pub(super) fn new(offset_ms: u64) -> Self {
        Self { offset_ms, words: Mutex::default(), changed: Notify::new(), client: Client::default() }
    }

    pub(super) fn miss(&self) {
        lock(&self.words).lost = true;
    }

    pub(super) fn is_lost(&self) -> bool {
        lock(&self.words).lost
    }

    pub(super) fn is_heard(&self, by: &Hearing) {
        let mut known = lock(&self.words);
        // What another heard before ended with it.
        known.lost |= known.heard_by.is_some();
        known.heard_by = Some(by.watch());
    }

    pub(super) fn is_heard_by(&self, process: &Watched) -> bool {
        lock(&self.words).heard_by.as_ref().is_some_and(|by| by.number() == process.number())
    }

    /// Whether its process listens; `None` while it has had none.
    pub(super) fn is_listened_to(&self) -> Option<bool> {
        lock(&self.words).heard_by.as_ref().map(Watched::is_up)
    }

    pub(super) fn close(&self) {
        lock(&self.words).closed = true;
    }

    /// What has not been said yet never will be.
    pub(super) fn lose_rest(&self) {
        {
            let mut known = lock(&self.words);
            known.lost |= !known.over;
            known.over |= known.closed;
        }
        self.changed.notify_waiters();
    }

    /// Words at their place in the call.
    fn place(&self, side: protocol::Leg, words: &Words) -> Segment {
        Segment {
            leg: side,
            start_ms: self.offset_ms + words.start_ms,
            end_ms: self.offset_ms + words.end_ms,
            text: words.text.clone(),
        }
    }

    fn end(&self, speech: Vec<Span>) {
        {
            let mut known = lock(&self.words);
            (known.over, known.speech) = (true, speech);
        }
        self.changed.notify_waiters();
    }

    pub(super) async fn said(&self, deadline: Instant) -> Option<Heard> {
        self.once(deadline, |known| match known {
            Known { lost: true, .. } | Known { over: true, heard_by: None, .. } => Some(None),
            Known { over: true, lines, speech, heard_by: Some(by), .. } => {
                let (lines, speech) = (lines.clone(), speech.clone());
                Some(Some(Heard { model: by.model().to_owned(), lines, speech }))
            }
            _ => None,
        })
        .await
        .flatten()
    }

    /// Until all its words are known, or never will be; false when neither was so by `deadline`.
    pub(super) async fn over(&self, deadline: Instant) -> bool {
        self.once(deadline, |known| known.over.then_some(())).await.is_some()
    }

    async fn once<T>(&self, deadline: Instant, look: impl Fn(&Known) -> Option<T>) -> Option<T> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listens before it looks, so that no change falls between.
            changed.as_mut().enable();
            let found = look(&lock(&self.words));
            if found.is_some() {
                return found;
            }
            timeout_at(deadline, changed).await.ok()?;
        }
    }
}

impl CallTap {
    /// Somebody is speaking.
    pub(super) fn partial_words(&self, words: &Words) {
        if let Some((call_id, before, segment)) = self.placed(words) {
            self.live_words.tell_client(words, &segment.text, false);
            self.tell_live(LiveCall::Partial { call_id, segment: segment.clone() });
            self.heed(words.leg, call_id, before, segment, false);
        }
    }

    /// Somebody has spoken.
    pub(in crate::call) fn final_words(&self, words: Words) {
        if let Some((call_id, before, segment)) = self.placed(&words) {
            self.live_words.tell_client(&words, &segment.text, true);
            self.tell_live(LiveCall::Final { call_id, segment: segment.clone() });
            self.heed(words.leg, call_id, before, segment, true);
        }
        let Some(leg) = self.live_words.leg(words.leg) else { return };
        let mut known = lock(&leg.words);
        let id = words.leg;
        if known.lines.len() >= MAX_LINES {
            known.lost = true;
        } else if !words.text.is_empty() {
            known.lines.push(words);
        }
        drop(known);
        self.offer(id);
    }

    pub(super) fn all_words(&self, id: TapId, speech: Vec<Span>) {
        if let Some(leg) = self.live_words.leg(id) {
            leg.end(speech);
        }
    }

    /// As they are told: at their place in the call, numbers masked, also those that have only begun.
    /// With the lines of the same side before.
    fn placed(&self, words: &Words) -> Option<(CallId, Vec<Segment>, Segment)> {
        let leg = self.live_words.leg(words.leg)?;
        let (call_id, side) = lock(&self.registry).get(words.leg).map(|tap| (tap.call_id(), tap.leg()))?;
        let place = |words: &Words| leg.place(side, words);
        let known = lock(&leg.words);
        let before: Vec<Segment> = known.lines.iter().rev().take(REMEMBER_LINES).rev().map(place).collect();
        let mut lines = redact::mask_begun(before, place(words));
        let line = lines.pop()?;
        Some((call_id, lines, line))
    }

    /// Tells what the caller's words so far come to, when there are more of them than were read before. Only as many are
    /// read as are weighed for it, so a long call costs no more than its beginning.
    fn offer(&self, id: TapId) {
        let Some(leg) = self.live_words.leg(id) else { return };
        let Some((call_id, side)) = lock(&self.registry).get(id).map(|tap| (tap.call_id(), tap.leg())) else {
            return;
        };
        if side != protocol::Leg::Caller {
            return;
        }
        let (mut lines, said) = {
            let known = lock(&leg.words);
            let mut room = screen::call::MATTER_CHARS;
            let beginning = known.lines.iter().take_while(|words| {
                let fits = room > 0;
                room = room.saturating_sub(words.text.chars().count());
                fits
            });
            let lines: Vec<Segment> = beginning.map(|words| leg.place(side, words)).collect();
            let said = screen::call::said(&lines);
            if known.read == said {
                return;
            }
            (lines, said)
        };
        let Some(last) = lines.pop() else { return };
        // Private numbers are masked as in the lines themselves: what is quoted of them holds none.
        let lines = redact::mask_begun(lines, last);
        let reading = screen::call::read_so_far(&self.screener, &lines);
        // What could not be told is read again with the next words.
        if reading.is_none_or(|reading| self.tell_live(LiveCall::Read { call_id, reading })) {
            lock(&leg.words).read = said;
        }
    }

    /// Raises the alarms that a line tells, alone or with what was said before it, and that its leg has not raised yet. A
    /// line that is still being spoken must tell them twice, some tenths of a second apart: it may break off in a word.
    fn heed(&self, id: TapId, call_id: CallId, before: Vec<Segment>, line: Segment, spoken: bool) {
        let Some(leg) = self.live_words.leg(id) else { return };
        let mut lines = before;
        lines.push(line);
        let mut alarms = screen::call::alarms_in_last(&self.screener, &lines);
        {
            let mut known = lock(&leg.words);
            let told = if spoken { BTreeSet::new() } else { alarms.iter().map(|a| a.id.clone()).collect() };
            let before = std::mem::replace(&mut known.suspected, told);
            alarms.retain(|alarm| {
                (spoken || before.contains(&alarm.id)) && known.raised.insert(alarm.id.clone())
            });
        }
        if !alarms.is_empty() {
            self.raise(call_id, alarms);
        }
    }
}

/// All that was said on a leg, and who wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::call) struct Heard {
    pub(in crate::call) model: String,
    pub(in crate::call) lines: Vec<Words>,
    /// Where somebody spoke.
    pub(in crate::call) speech: Vec<Span>,
}

/// What was heard while a call ran, for its filing: by the name of the leg's file.
#[derive(Debug, Default)]
pub(in crate::call) struct Said(pub(in crate::call) HashMap<String, Heard>);

impl Said {
    /// The transcript, and where private numbers are said, of a call whose `legs` (name, side, place in the recording in milliseconds) were all heard whole.
    pub(in crate::call) fn transcript(
        &self,
        legs: impl IntoIterator<Item = (String, protocol::Leg, u64)>,
    ) -> Option<(Transcript, Vec<Spoken>)> {
        // Two, where one took the other's place between the legs.
        let (mut segments, mut models) = (Vec::new(), BTreeSet::new());
        for (name, side, offset_ms) in legs {
            let heard = self.0.get(&name)?;
            models.insert(heard.model.as_str());
            segments.extend(heard.lines.iter().map(|words| Segment {
                leg: side,
                start_ms: words.start_ms + offset_ms,
                end_ms: words.end_ms + offset_ms,
                text: words.text.clone(),
            }));
        }
        if models.is_empty() {
            return None;
        }
        let model = Vec::from_iter(models).join(" + ");
        segments.sort_by_key(|s| (s.start_ms, s.leg));
        let (segments, private) = redact::mask_numbers(transcripts::join(segments));
        Some((Transcript::Done { segments, model, left_out: 0 }, private))
    }
}

/// When the legs of a call began.
pub(super) fn offset_ms(registry: &registry::Registry, id: TapId) -> u64 {
    let Some(tap) = registry.get(id) else { return 0 };
    let calls = registry.calls();
    let began = calls.get(&tap.call_id()).and_then(|call| call.iter().map(|(_, t)| t.opened_ms).min());
    tap.opened_ms.saturating_sub(began.unwrap_or(tap.opened_ms))
}
