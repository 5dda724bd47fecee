//! How well alarms agree with what really happened, by the rule of KISA's certification of intelligent CCTV. Pure.
//!
//! An event is *found* if an alarm of its rule starts from 2 s before to 10 s after the event's start. Any further
//! alarm that starts inside the event, or up to 2 s after its end, is no false one; every other alarm is *false*. So
//! an alarm that comes later than 10 s, but while the event lasts, leaves the event missed and is not false itself.
//! F1 = 2·found / (2·found + missed + false).

use std::collections::BTreeMap;

use protocol::IncidentKind;
use serde::Serialize;

use super::bound::upper_bound;

/// How much earlier than its event an alarm may start, seconds.
pub const EARLY_S: f64 = 2.0;
/// How much later.
pub const LATE_S: f64 = 10.0;
/// How long after its event an alarm still belongs to it.
pub const AFTER_S: f64 = 2.0;

/// What really happened, in seconds of media time.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    pub started_s: f64,
    pub ended_s: f64,
}

/// What became of the events and alarms of one rule in one scene: indexes into what was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// Event, alarm, seconds from the event's start to the alarm's.
    pub found: Vec<(usize, usize, f64)>,
    pub missed: Vec<usize>,
    pub false_alarms: Vec<usize>,
}

/// Judges the alarms (when they started) of one rule against its events. The order of neither matters.
///
/// Alarms are taken in order of time, and each finds the event whose time to be found runs out first: no other choice
/// finds more events.
pub fn judge(events: &[Happened], alarms: &[f64]) -> Judged {
    let mut in_order: Vec<usize> = (0..alarms.len()).collect();
    in_order.sort_by(|&a, &b| alarms[a].total_cmp(&alarms[b]));
    let mut finder: Vec<Option<usize>> = vec![None; events.len()];
    let mut judged = Judged::default();
    for alarm in in_order {
        let at = alarms[alarm];
        let in_time = |e: &Happened| (e.started_s - EARLY_S..=e.started_s + LATE_S).contains(&at);
        let open = (0..events.len()).filter(|&i| finder[i].is_none() && in_time(&events[i]));
        let first = open.min_by(|&a, &b| events[a].started_s.total_cmp(&events[b].started_s));
        let inside = |e: &Happened| (e.started_s..=e.ended_s + AFTER_S).contains(&at);
        match first {
            Some(event) => finder[event] = Some(alarm),
            None if events.iter().any(inside) => {}
            None => judged.false_alarms.push(alarm),
        }
    }
    for (event, finder) in finder.into_iter().enumerate() {
        match finder {
            Some(alarm) => judged.found.push((event, alarm, alarms[alarm] - events[event].started_s)),
            None => judged.missed.push(event),
        }
    }
    judged
}

/// One class of events, summed over scenes.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub scenes: u32,
    pub found: u32,
    pub missed: u32,
    pub false_alarms: u32,
    pub media_s: f64,
    pub delays_s: Vec<f64>,
}

impl Tally {
    /// One rule of one scene.
    pub fn add(&mut self, judged: &Judged) {
        self.found += judged.found.len() as u32;
        self.missed += judged.missed.len() as u32;
        self.false_alarms += judged.false_alarms.len() as u32;
        self.delays_s.extend(judged.found.iter().map(|f| f.2));
    }

    /// A scene that watches for this class, so long.
    pub fn add_scene(&mut self, media_s: f64) {
        self.scenes += 1;
        self.media_s += media_s;
    }

    pub fn scored(&self) -> Scored {
        let (found, missed, wrong) =
            (f64::from(self.found), f64::from(self.missed), f64::from(self.false_alarms));
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let hours = self.media_s / 3_600.0;
        let mut delays = self.delays_s.clone();
        delays.sort_by(f64::total_cmp);
        Scored {
            scenes: self.scenes,
            camera_hours: hours,
            found: self.found,
            missed: self.missed,
            false_alarms: self.false_alarms,
            precision: share(found, found + wrong),
            recall: share(found, found + missed),
            f1: share(2.0 * found, 2.0 * found + missed + wrong),
            false_per_hour: share(wrong, hours),
            false_per_hour_bound: share(upper_bound(self.false_alarms), hours),
            delay_median_s: quantile(&delays, 0.5),
            delay_p95_s: quantile(&delays, 0.95),
        }
    }
}

/// What people and machines read. A figure that nothing was counted for is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    pub scenes: u32,
    pub camera_hours: f64,
    pub found: u32,
    pub missed: u32,
    pub false_alarms: u32,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub f1: Option<f64>,
    pub false_per_hour: Option<f64>,
    /// One may be 95 % sure that there are no more than this.
    pub false_per_hour_bound: Option<f64>,
    pub delay_median_s: Option<f64>,
    pub delay_p95_s: Option<f64>,
}

/// Of sorted values: the smallest that at least this share is not above (nearest rank).
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

/// By class, in the protocol's order.
pub type Tallies = BTreeMap<IncidentKind, Tally>;

#[cfg(test)]
mod tests {
    use super::*;

    fn event(started_s: f64, ended_s: f64) -> Happened {
        Happened { started_s, ended_s }
    }

    fn counts(events: &[Happened], alarms: &[f64]) -> (usize, usize, usize) {
        let judged = judge(events, alarms);
        (judged.found.len(), judged.missed.len(), judged.false_alarms.len())
    }

    /// An event from 20 s to 40 s: from 18 s to 30 s an alarm finds it, both ends included; its delay is told.
    #[test]
    fn an_alarm_in_time_finds_its_event() {
        let events = [event(20.0, 40.0)];
        for alarm in [18.0, 20.0, 25.0, 30.0] {
            let judged = judge(&events, &[alarm]);
            assert_eq!(judged.found, [(0, 0, alarm - 20.0)]);
            assert!(judged.missed.is_empty() && judged.false_alarms.is_empty());
        }
    }

    /// Too early: missed and false. Too late but inside, or to 2 s after the end: missed, not false. Later: both.
    #[test]
    fn early_late_and_after_the_end() {
        let events = [event(20.0, 40.0)];
        assert_eq!(counts(&events, &[17.9]), (0, 1, 1));
        assert_eq!(counts(&events, &[30.1]), (0, 1, 0));
        assert_eq!(counts(&events, &[42.0]), (0, 1, 0));
        assert_eq!(counts(&events, &[42.1]), (0, 1, 1));
    }

    /// The second alarm of one event is no false one while the event lasts, and is one before or after it.
    #[test]
    fn double_alarms() {
        let events = [event(20.0, 40.0)];
        assert_eq!(counts(&events, &[21.0, 22.0, 35.0]), (1, 0, 0));
        assert_eq!(counts(&events, &[21.0, 50.0]), (1, 0, 1));
        assert_eq!(counts(&events, &[18.5, 19.0]), (1, 0, 1), "two before it: one finds it");
        // An event of one second: what starts 8 s after it has found it if it is the first, and is false if not.
        assert_eq!(counts(&[event(20.0, 21.0)], &[28.0]), (1, 0, 0));
        assert_eq!(counts(&[event(20.0, 21.0)], &[20.5, 28.0]), (1, 0, 1));
    }

    /// Without events every alarm is false; without alarms every event is missed; without both there is nothing.
    #[test]
    fn nothing_on_one_side() {
        assert_eq!(counts(&[], &[1.0, 2.0]), (0, 0, 2));
        assert_eq!(counts(&[event(1.0, 2.0)], &[]), (0, 1, 0));
        assert_eq!(judge(&[], &[]), Judged::default());
    }

    /// Two events 5 s apart need two alarms, in whatever order they are given; one alarm finds the earlier.
    #[test]
    fn one_alarm_finds_one_event() {
        let events = [event(25.0, 60.0), event(20.0, 60.0)];
        assert_eq!(counts(&events, &[26.0]), (1, 1, 0));
        assert_eq!(judge(&events, &[26.0]).missed, [0]);
        assert_eq!(judge(&events, &[33.0, 24.0]).found, [(0, 0, 8.0), (1, 1, 4.0)]);
    }

    /// 8 found, 1 missed, 2 false in half an hour: the figures by hand.
    #[test]
    fn figures_by_hand() {
        let mut tally = Tally { delays_s: vec![3.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0], ..Tally::default() };
        (tally.found, tally.missed, tally.false_alarms) = (8, 1, 2);
        tally.add_scene(1_800.0);
        let scored = tally.scored();
        assert_eq!((scored.precision, scored.recall), (Some(0.8), Some(8.0 / 9.0)));
        assert_eq!(scored.f1, Some(16.0 / 19.0));
        assert_eq!(scored.false_per_hour, Some(4.0));
        assert_eq!((scored.delay_median_s, scored.delay_p95_s), (Some(4.0), Some(8.0)));
        let silent = Tally::default().scored();
        assert_eq!((silent.f1, silent.false_per_hour, silent.delay_median_s), (None, None, None));
    }
}
