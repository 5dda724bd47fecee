//! How the call tap is, and what is wrong with it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::{CallTap, lock};

/// What can go wrong. Each has words of its own, which go when it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The AudioSocket port is not ours.
    AudioPort,
    /// The WebSocket port is not ours.
    WebSocketPort,
    /// The port for clients of Vosk is not ours.
    VoskPort,
    /// The port for clients of FunASR is not ours.
    FunasrPort,
    /// The SIPREC port is not ours.
    SiprecPort,
    /// The port of the call API is not ours.
    ApiPort,
    /// Legs cannot be written to disk.
    Recorder,
    /// An ended call cannot be filed.
    Filing,
    /// Recordings of the inbox cannot be taken.
    Inbox,
    /// A speech model is there and cannot be used.
    Speech,
    /// A speech model is installed and not fit for work; another is used where there is one.
    Model,
    /// Words cannot be given while calls run; they follow afterwards.
    Live,
    /// An alarm of a running call cannot be kept.
    Alarm,
    /// The list of places cannot be read.
    Gazetteer,
    /// The tap has stopped.
    Tap,
}

/// How the tap is, for heartbeat, `/readyz` and `/metrics`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallHealth {
    /// Where AudioSocket listens; `None` while it cannot.
    pub listening: Option<SocketAddr>,
    /// Where WebSocket legs are taken; `None` while they cannot, and where none are wanted.
    pub websocket_listening: Option<SocketAddr>,
    /// Where clients of Vosk and of FunASR are taken; `None` while they cannot be, and where none are wanted.
    pub vosk_listening: Option<SocketAddr>,
    pub funasr_listening: Option<SocketAddr>,
    /// Where SIPREC sessions are taken, by UDP and TCP; `None` while they cannot, and where none are wanted.
    pub siprec_listening: Option<SocketAddr>,
    pub api_listening: Option<SocketAddr>,
    pub active_calls: u32,
    /// `silero` or `earshot`.
    pub vad: &'static str,
    /// Name of the speech model in use; `None` = calls wait for one.
    pub speech_model: Option<String>,
    /// Name of the model that gives words while calls run; `None` = they follow afterwards.
    pub live_model: Option<String>,
    /// How far those words are behind what is said, in whole seconds.
    pub live_lag_ms: u64,
    /// Sound that was left out of them because too much waited; it is in the recordings.
    pub live_unheard_ms_total: u64,
    /// How often their process had to be started again.
    pub live_restarts_total: u64,
    /// Words for clients of Vosk and FunASR that they were too slow to take.
    pub answers_dropped_total: u64,
    /// Calls filed that wait for their transcript.
    pub transcripts_waiting: u64,
    pub calls_filed_total: u64,
    /// Connections turned away: strangers, too many calls, wrong peers, no disk space.
    pub refused_total: u64,
    /// What the exchange told of calls and was refused.
    pub words_refused_total: u64,
    /// Announcements pushed out before their audio came.
    pub announcements_dropped_total: u64,
    /// Words of calls that began or ended, said while nobody took them.
    pub live_dropped_total: u64,
    /// Recordings of the inbox that could not be read.
    pub recordings_rejected_total: u64,
    /// Corrections of operators that count for the next call.
    pub corrections: u64,
    /// Alarms that calls have raised.
    pub alarms_total: u64,
    /// Those that were told live only, until their call was filed: too many at once.
    pub alarms_late_total: u64,
    /// Why callers' numbers are kept masked only, so that nobody can call back; `None`: they are kept.
    pub no_callback: Option<String>,
    /// What is wrong now, in words.
    pub troubles: BTreeMap<Cause, String>,
}

impl CallTap {
    pub fn health(&self) -> CallHealth {
        let (active_calls, announcements_dropped_total) = {
            let registry = lock(&self.registry);
            (registry.calls().len() as u32, registry.announcements_dropped)
        };
        let live = self.live_words.state();
        CallHealth {
            live_model: live.model,
            live_lag_ms: live.lag_ms,
            live_unheard_ms_total: live.unheard_ms_total,
            live_restarts_total: live.restarts_total,
            answers_dropped_total: live.answers_dropped_total,
            active_calls,
            announcements_dropped_total,
            transcripts_waiting: self.ledger.wordless_count(),
            calls_filed_total: self.counters.filed.load(Ordering::Relaxed),
            refused_total: self.counters.refused.load(Ordering::Relaxed),
            words_refused_total: self.counters.words_refused.load(Ordering::Relaxed),
            live_dropped_total: self.counters.live_dropped.load(Ordering::Relaxed),
            recordings_rejected_total: self.counters.recordings_rejected.load(Ordering::Relaxed),
            corrections: self.corrections.count(),
            alarms_total: self.counters.alarms.load(Ordering::Relaxed),
            no_callback: self.no_callback(),
            alarms_late_total: self.counters.alarms_late.load(Ordering::Relaxed),
            ..lock(&self.status).clone()
        }
    }

    fn no_callback(&self) -> Option<String> {
        let off = || "switched off ([calls] contact = false)".to_owned();
        if self.sealer.is_wanted() { self.sealer.trouble() } else { Some(off()) }
    }

    /// Why no callback numbers are kept although they are wanted.
    pub fn callback_trouble(&self) -> Option<String> {
        self.sealer.trouble()
    }

    /// Something went wrong, or (`None`) is right again. Logged when it changes.
    pub(super) fn trouble(&self, cause: Cause, words: Option<String>) {
        let troubles = &mut lock(&self.status).troubles;
        match words {
            Some(words) if troubles.get(&cause) != Some(&words) => {
                tracing::error!("{words}");
                troubles.insert(cause, words);
            }
            Some(_) => {}
            None => {
                if let Some(words) = troubles.remove(&cause) {
                    tracing::info!(was = words, "calls: this is right again");
                }
            }
        }
    }
}
