//! The words of one leg for the client that brings its sound, where its protocol wants them back: the same as are told
//! to who watches, masked the same way. At most 64 wait; what a slow client does not take is dropped, and counted.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::legs::Leg;
use super::{Live, lock};
use crate::call::CallTap;
use crate::call::registry::TapId;
use crate::call::speech::wire::Words;

const MAX_LINES: usize = 64;

/// What somebody is saying or has said. Times in milliseconds from the leg's first sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::call) struct Line {
    /// Counts the leg's stretches of speech; partial words and the final ones of a stretch have the same number.
    pub(in crate::call) segment: u32,
    pub(in crate::call) start_ms: u64,
    pub(in crate::call) end_ms: u64,
    pub(in crate::call) text: String,
    /// The words of the text, each with its time; empty where the model tells none, and where the text is not as it was
    /// spoken: a number was masked or is written in digits.
    pub(in crate::call) words: Vec<Timed>,
    pub(in crate::call) is_final: bool,
}

/// A character or a piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::call) struct Timed {
    pub(in crate::call) text: String,
    pub(in crate::call) start_ms: u64,
    pub(in crate::call) end_ms: u64,
}

impl Line {
    fn new(words: &Words, text: &str, is_final: bool) -> Self {
        let (segment, start_ms, end_ms) = (words.segment, words.start_ms, words.end_ms);
        Self { segment, start_ms, end_ms, text: text.to_owned(), words: timed(words, text), is_final }
    }
}

fn timed(words: &Words, text: &str) -> Vec<Timed> {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let spoken = words.tokens.iter().map(|token| (plain(&token.text), token.at_ms));
    let spoken: Vec<(String, u64)> = spoken.filter(|(text, _)| !text.is_empty()).collect();
    if spoken.iter().map(|(text, _)| text.as_str()).collect::<String>() != plain(text) {
        return Vec::new();
    }
    let ends = spoken.iter().skip(1).map(|(_, at_ms)| *at_ms).chain([words.end_ms]).collect::<Vec<_>>();
    let word = |((text, start_ms), end_ms): ((String, u64), u64)| Timed {
        text,
        start_ms,
        end_ms: end_ms.max(start_ms),
    };
    spoken.into_iter().zip(ends).map(word).collect()
}

/// A leg's end of it.
#[derive(Debug, Default)]
pub(super) struct Client(Mutex<Option<mpsc::Sender<Line>>>);

impl Client {
    /// False when it is too slow for it.
    fn tell(&self, line: impl FnOnce() -> Line) -> bool {
        let lines = lock(&self.0);
        let Some(lines) = &*lines else { return true };
        !matches!(lines.try_send(line()), Err(mpsc::error::TrySendError::Full(_)))
    }
}

impl Live {
    /// `text`: the words as they may be told.
    pub(super) fn tell_client(&self, words: &Words, text: &str, is_final: bool) {
        let Some(leg) = self.leg(words.leg) else { return };
        if !leg.client.tell(|| Line::new(words, text, is_final)) {
            self.answers_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl CallTap {
    /// What is said from now on on a leg that has an ear.
    pub(in crate::call) fn echo(&self, id: TapId) -> Option<Echo> {
        let leg = self.live_words.leg(id)?;
        let (sender, lines) = mpsc::channel(MAX_LINES);
        *lock(&leg.client.0) = Some(sender);
        Some(Echo { live: Arc::clone(&self.live_words), leg, lines })
    }
}

/// The client's end of it.
#[derive(Debug)]
pub(in crate::call) struct Echo {
    live: Arc<Live>,
    leg: Arc<Leg>,
    lines: mpsc::Receiver<Line>,
}

impl Echo {
    pub(in crate::call) fn poll_line(&mut self, context: &mut Context<'_>) -> Poll<Option<Line>> {
        self.lines.poll_recv(context)
    }

    /// One that waits already.
    pub(in crate::call) fn line(&mut self) -> Option<Line> {
        self.lines.try_recv().ok()
    }

    /// Somebody listens to this leg, or will as soon as it brings sound.
    pub(in crate::call) fn is_heard(&self) -> bool {
        self.leg.is_listened_to() == Some(true) || self.live.at_work().is_some()
    }

    /// Nothing of the leg has been left out so far.
    pub(in crate::call) fn is_whole(&self) -> bool {
        !self.leg.is_lost()
    }

    /// Until every word of the leg has been told, or `deadline` (false).
    pub(in crate::call) fn over(&self, deadline: Instant) -> impl Future<Output = bool> + Send + use<> {
        let leg = Arc::clone(&self.leg);
        async move { leg.over(deadline).await }
    }

    /// An answer was not taken.
    pub(in crate::call) fn dropped(&self) {
        self.live.answers_dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(text: &str, tokens: &[(&str, u64)]) -> Words {
        let tokens: Vec<_> =
            tokens.iter().map(|(text, at_ms)| json!({ "text": text, "at_ms": at_ms })).collect();
        let words = json!({
            "leg": 1, "segment": 0, "start_ms": 100, "end_ms": 900, "text": text, "tokens": tokens,
        });
        serde_json::from_value(words).unwrap()
    }

    /// Words have times where the text is what was spoken, whatever marks stand in it; where a number is masked or in
    /// digits none are told, and so nothing of it.
    #[test]
    fn times_only_of_what_is_told() {
        let words = said("你好。", &[("你", 200), ("▁", 300), ("好", 400)]);
        let line = Line::new(&words, "你好。", true);
        let times: Vec<_> = line.words.iter().map(|w| (&*w.text, w.start_ms, w.end_ms)).collect();
        assert_eq!(times, [("你", 200, 400), ("好", 400, 900)]);
        let words = said("三号", &[("三", 200), ("号", 400)]);
        assert_eq!(Line::new(&words, "3号", true).words, []);
        assert_eq!(Line::new(&words, "[号码]号", true).words, []);
        assert_eq!(Line::new(&said("三号", &[]), "三号", true).words, []);
    }

    /// A client that takes nothing holds 64 lines at most; the others are counted, and nobody waits. A leg without a
    /// client counts nothing.
    #[test]
    fn a_slow_client_costs_its_own_words() {
        let live = Arc::new(Live::default());
        let (_ear, _other) = (live.ear(1, 0), live.ear(2, 0));
        let leg = live.leg(1).unwrap();
        let (sender, mut lines) = mpsc::channel(MAX_LINES);
        *lock(&leg.client.0) = Some(sender);
        for _ in 0..MAX_LINES + 5 {
            live.tell_client(&said("你", &[]), "你", false);
            live.tell_client(&Words { leg: 2, ..said("你", &[]) }, "你", false);
        }
        assert_eq!(live.state().answers_dropped_total, 5);
        assert_eq!(std::iter::from_fn(|| lines.try_recv().ok()).count(), MAX_LINES);
        drop(lines);
        live.tell_client(&said("你", &[]), "你", false);
        assert_eq!(live.state().answers_dropped_total, 5, "who has left misses nothing");
    }
}
