//! The rush hour of a hotline: many two-leg calls at once, in real time, into one box that hears them all with the
//! demonstration recogniser. Measured is what an operator would notice (how long words take), what a court would
//! (whether sound is missing), and what the box costs.
//!
//! Real programs: the box, a Mosquitto of its own, `mosquitto_sub` as the one who watches. The hub only enrols the box
//! and is then away, so that it takes no time from the box; what the box has to file waits in its outbox.

pub mod talk;
pub mod tree;
pub mod watch;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use protocol::{CallId, Clock, Incident, Leg, LiveCall, Segment, Subject};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};
use uuid::Uuid;

use self::talk::{Placed, Talk};
use self::tree::{Cost, cost};
use self::watch::Watch;
use crate::line::{Line, Played};
use crate::speech::{RATE, write_wav};
use crate::wait::until;
use crate::{BrokerKind, World};

/// Models loaded, one call heard and filed.
const WARM: Duration = Duration::from_secs(120);
/// From the last hang-up until every call is filed.
const FILED: Duration = Duration::from_secs(60);
/// The box is left alone before it is weighed.
const SETTLE: Duration = Duration::from_secs(3);
/// Between the beginnings of two calls: no multiple of the 20 ms of a message or the 80 ms of a model's step.
const APART_MS: u64 = 373;
/// Words of a turn may begin this long before its sound: the box takes along what it heard just before.
const BEFORE_MS: u64 = 450;

/// One call and what came of it.
struct Call {
    id: Uuid,
    talk: Talk,
    played: Played,
    /// Words as they came.
    partials: Vec<(Instant, Segment)>,
    finals: Vec<(Instant, Segment)>,
}

/// Plays `count` calls of `seconds` each, and writes their legs and the stretches that were heard as speech into `out`
/// for `edge-agent/examples/engine.rs`.
pub async fn measure(count: usize, seconds: u64, out: &Path) -> Result<Value> {
    let mut world = World::builder().broker(BrokerKind::Mosquitto).hears().start().await?;
    world.kill_hub();
    let watch = Watch::start(&world)?;
    let box_pid = world.edge_pid()?;
    warm(&world, &watch).await?;
    sleep(SETTLE).await;
    watch.take();

    let talks = talk::calls(count, seconds, &world.chance)?;
    let before = cost(box_pid)?;
    let mut lines = JoinSet::new();
    for (number, talk) in talks.into_iter().enumerate() {
        let (at, id) = (world.websocket()?, world.chance.uuid_v7(world.clock.now()));
        let wait = Duration::from_millis(APART_MS * number as u64);
        lines.spawn(async move {
            sleep(wait).await;
            let mut line = Line::open(&at, id).await?;
            let played = line.play(&talk.caller, &talk.operator).await?;
            line.hang_up().await?;
            anyhow::Ok(Call { id, talk, played, partials: Vec::new(), finals: Vec::new() })
        });
    }
    let (mut calls, mut memory_kib, mut looks) = (Vec::new(), 0, interval(Duration::from_secs(1)));
    while calls.len() < count {
        tokio::select! {
            Some(call) = lines.join_next() => calls.push(call.context("a call panicked")??),
            _ = looks.tick() => memory_kib = memory_kib.max(cost(box_pid)?.memory_kib),
        }
    }
    for call in &calls {
        filed(&world, call.id).await?;
    }
    let spent = cost(box_pid)?;
    let metrics = world.edge_metrics().await?;

    for (at, word) in watch.take() {
        let (id, segment, spoken) = match word {
            LiveCall::Partial { call_id, segment } => (call_id, segment, false),
            LiveCall::Final { call_id, segment } => (call_id, segment, true),
            LiveCall::Started { .. }
            | LiveCall::Alarm { .. }
            | LiveCall::Read { .. }
            | LiveCall::Ended { .. } => continue,
        };
        if let Some(call) = calls.iter_mut().find(|call| CallId(call.id) == id) {
            if spoken { call.finals.push((at, segment)) } else { call.partials.push((at, segment)) }
        }
    }
    write(&calls, out)?;
    summary(&calls, &world.path("edge"), &metrics, [before, Cost { memory_kib, ..spent }])
}

/// One short call, from the first sample to the last word and its file: models and buffers are then in memory, and the
/// broker is known to pass words on.
async fn warm(world: &World, watch: &Watch) -> Result<()> {
    let talk = talk::calls(1, 8, &world.chance)?.remove(0);
    // Words are given once the models are loaded, so the call is made again until there are some.
    until(WARM, "words of a call at the broker", async || {
        let id = world.chance.uuid_v7(world.clock.now());
        let mut line = Line::open(&world.websocket()?, id).await?;
        line.play(&talk.caller, &talk.operator).await?;
        line.hang_up().await?;
        let said = |(_, word): &(Instant, LiveCall)| {
            matches!(word, LiveCall::Final { call_id, segment } if call_id.0 == id && !segment.text.is_empty())
        };
        // Each is filed before the box is weighed.
        filed(world, id).await?;
        Ok(watch.take().iter().any(said).then_some(()))
    })
    .await
    .with_context(|| world.tails())
}

/// Waits for a call's recording.
async fn filed(world: &World, call: Uuid) -> Result<()> {
    let data = world.path("edge");
    until(FILED, "a call to be filed", async || Ok(kept(&data, call)?.pop().map(drop)))
        .await
        .with_context(|| world.tails())
}

/// A figure of the box; 0 where there is none.
fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("shaodian_edge_{name} ")));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
}

fn millis(samples: usize) -> u64 {
    samples as u64 * 1_000 / u64::from(RATE)
}

/// Whether a segment is of a turn.
fn is_of(segment: &Segment, turn: &Placed) -> bool {
    let (start_ms, end_ms) = (millis(turn.start), millis(turn.end));
    segment.leg == turn.leg && segment.start_ms + BEFORE_MS >= start_ms && segment.start_ms < end_ms
}

/// How long words took, in milliseconds: from the first sound of a turn to its first words, and from its last sound to
/// its last finished line. `None` where none came.
fn delays(call: &Call, turn: &Placed) -> (Option<u64>, Option<u64>) {
    let since = |sample: usize, at: Instant| -> u64 {
        let spoken = call.played.began + Duration::from_millis(millis(sample));
        at.saturating_duration_since(spoken).as_millis().try_into().unwrap_or(u64::MAX)
    };
    let of = |words: &[(Instant, Segment)]| -> Vec<Instant> {
        let of = words.iter().filter(|(_, s)| is_of(s, turn) && !s.text.is_empty());
        of.map(|(at, _)| *at).collect()
    };
    // Where nothing was told before the line was finished, that was the first.
    let first = of(&call.partials).into_iter().chain(of(&call.finals)).min();
    let last = of(&call.finals).into_iter().max();
    (first.map(|at| since(turn.start, at)), last.map(|at| since(turn.end, at)))
}

/// By nearest rank.
fn percentiles(mut all: Vec<u64>) -> Value {
    all.sort_unstable();
    let at = |percent: usize| all.get((all.len() * percent).div_ceil(100).max(1) - 1);
    json!({ "n": all.len(), "p50": at(50), "p95": at(95), "longest": at(100) })
}

/// How much of what was sent is not in what was kept, and how much silence stands between, in samples. What was sent
/// holds no zero.
pub fn missing(sent: &[i16], kept: &[i16]) -> (usize, usize) {
    let (mut lost, mut silence, mut kept) = (0, 0, kept.iter().peekable());
    for sample in sent {
        while kept.next_if(|next| **next == 0).is_some() {
            silence += 1;
        }
        if kept.next_if_eq(&sample).is_none() {
            lost += 1;
        }
    }
    (lost, silence)
}

/// What the box keeps below `data` of a call: its incidents by their age, each with its recording, caller and operator.
pub fn kept(data: &Path, call: Uuid) -> Result<Vec<(Incident, [Vec<i16>; 2])>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(data.join("calls/filed")).context("the box's filed calls")? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let record: Value = serde_json::from_slice(&std::fs::read(path)?)?;
        let incident: Incident = serde_json::from_value(record["incident"].clone())?;
        if !matches!(&incident.subject, Subject::Call(subject) if subject.call_id.0 == call) {
            continue;
        }
        let name = record["recording"].as_str().context("a filed call without recording")?;
        let wav = hound::WavReader::open(data.join("recordings").join(name)).context("a recording")?;
        ensure!(wav.spec().sample_rate == RATE && wav.spec().channels == 2, "{:?}", wav.spec());
        let both =
            wav.into_samples::<i16>().collect::<Result<Vec<_>, _>>().context("a recording's samples")?;
        all.push((incident, [0, 1].map(|side| both.iter().skip(side).step_by(2).copied().collect())));
    }
    all.sort_by_key(|(incident, _)| incident.incident_id);
    Ok(all)
}

fn summary(calls: &[Call], data: &Path, metrics: &str, [before, after]: [Cost; 2]) -> Result<Value> {
    let (mut first, mut last, mut turns) = (Vec::new(), Vec::new(), 0);
    let (mut sent, mut lost, mut silence) = (0, 0, 0);
    for call in calls {
        for turn in &call.talk.turns {
            let (to_first, to_last) = delays(call, turn);
            turns += 1;
            first.extend(to_first);
            last.extend(to_last);
        }
        let kept = kept(data, call.id)?;
        let [(_, sides)] = &kept[..] else {
            anyhow::bail!("call {} was filed {} times", call.id, kept.len())
        };
        for (leg, kept) in [Leg::Caller, Leg::Operator].into_iter().zip(sides) {
            let (part, added) = missing(call.talk.leg(leg), kept);
            (sent, lost, silence) = (sent + call.talk.leg(leg).len(), lost + part, silence + added);
        }
    }
    let audio_s = sent as f64 / f64::from(RATE);
    let cpu_s = (after.cpu_ms - before.cpu_ms) as f64 / 1_000.0;
    let mb = |kib: u64| kib as f64 / 1_024.0;
    let late = calls.iter().map(|call| call.played.late).max().unwrap_or_default();
    Ok(json!({
        "calls": calls.len(),
        "audio_s": audio_s,
        "turns": turns,
        "turns_without_words": turns - last.len(),
        "first_words_ms": percentiles(first),
        "final_words_ms": percentiles(last),
        "samples_sent": sent,
        "samples_lost": lost,
        "silence_added": silence,
        "cpu_s": cpu_s,
        "cpu_s_per_s": cpu_s / audio_s,
        "mb_at_rest": mb(before.memory_kib),
        "mb_with_calls": mb(after.memory_kib),
        "mb_per_call": mb(after.memory_kib.saturating_sub(before.memory_kib)) / calls.len() as f64,
        "unheard_ms": metric(metrics, "calls_live_unheard_ms_total"),
        "restarts": metric(metrics, "calls_live_restarts_total"),
        "sender_late_ms": late.as_millis() as u64,
    }))
}

/// `N-caller.wav`, `N-operator.wav`, and `legs.json`: of each leg its file and the stretches of speech that the box
/// heard, in milliseconds.
fn write(calls: &[Call], out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let mut legs = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        for (leg, name) in [(Leg::Caller, "caller"), (Leg::Operator, "operator")] {
            let wav = format!("{number}-{name}.wav");
            write_wav(&out.join(&wav), call.talk.leg(leg))?;
            let mut stretches: Vec<[u64; 2]> = call
                .finals
                .iter()
                .filter(|(_, segment)| segment.leg == leg)
                .map(|(_, segment)| [segment.start_ms, segment.end_ms])
                .collect();
            stretches.sort_unstable();
            legs.push(json!({ "wav": wav, "stretches": stretches }));
        }
    }
    let path = out.join("legs.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&legs)?)
        .with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(leg: Leg, start_ms: u64, text: &str) -> Segment {
        Segment { leg, start_ms, end_ms: start_ms + 900, text: text.to_owned() }
    }

    /// Of a turn count its own words only: not those of the other leg, nor of the turn after it, nor empty ones; where
    /// a pause cut it in two, the later line ends it.
    #[tokio::test]
    async fn words_belong_to_their_turn() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        let turn = Placed { leg: Leg::Caller, start: 16_000, end: 32_000 };
        let talk = Talk { caller: vec![1; 80_000], operator: vec![1; 80_000], turns: vec![turn] };
        let call = Call {
            id: Uuid::nil(),
            talk,
            played: Played { began, late: Duration::ZERO },
            partials: vec![
                (at(2_100), segment(Leg::Operator, 1_900, "喂")),
                (at(2_200), segment(Leg::Caller, 1_700, "")),
                (at(2_400), segment(Leg::Caller, 1_700, "喂")),
                (at(2_600), segment(Leg::Caller, 1_700, "喂你")),
                (at(4_700), segment(Leg::Caller, 4_300, "好")),
            ],
            finals: vec![
                (at(3_500), segment(Leg::Caller, 1_700, "喂你")),
                (at(4_400), segment(Leg::Caller, 3_100, "好")),
                (at(9_900), segment(Leg::Caller, 4_300, "再见")),
            ],
        };
        assert_eq!(delays(&call, &turn), (Some(400), Some(400)));
        let silent = Placed { start: 64_000, end: 70_000, ..turn };
        assert_eq!(delays(&call, &silent), (None, None));
        assert_eq!(
            percentiles((1..=40).rev().collect()),
            json!({"n": 40, "p50": 20, "p95": 38, "longest": 40})
        );
        assert_eq!(percentiles(vec![])["p95"], Value::Null);
    }

    /// Samples that are gone are told from silence that was put in; a copy lacks nothing.
    #[test]
    fn what_is_missing() {
        let sent: Vec<i16> = (1..=1_000).collect();
        assert_eq!(missing(&sent, &sent), (0, 0));
        let mut kept = sent[..400].to_vec();
        kept.extend([0; 30]);
        kept.extend(&sent[460..]);
        assert_eq!(missing(&sent, &kept), (60, 30));
        assert_eq!(missing(&sent, &sent[..990]), (10, 0));
        assert_eq!(missing(&sent, &[]), (1_000, 0));
    }

    /// A figure is found by its whole name.
    #[test]
    fn figures_of_the_box() {
        let text = "# HELP x\nshaodian_edge_calls_filed_total 17\nshaodian_edge_calls_filed 3\n";
        assert_eq!((metric(text, "calls_filed_total"), metric(text, "calls_active")), (17.0, 0.0));
    }
}
