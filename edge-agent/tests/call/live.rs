//! Words while a call runs: sound in by the exchange's port, words out as the hub gets them, by the real process with
//! toy models.

use std::path::{Path, PathBuf};
use std::time::Duration;

use edge_agent::call::Cause;
use edge_agent::call::audiosocket::Frame;
use protocol::{Leg, LiveCall, Segment, Transcript};
use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;

use crate::site::{Exchange, Site, call_of, config, offset_of, sides, until};

pub(super) fn toys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/speech")
}

pub(super) fn install(dir: &Path, toy: &str) {
    let folder = dir.join("models").join(toy);
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(toys().join(toy)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
}

/// 你好，我要反映一个问题, with more silence behind it than ends a stretch of speech.
pub(super) fn spoken() -> Vec<i16> {
    let mut wav = hound::WavReader::open(toys().join("hello-8k.wav")).unwrap();
    let mut samples = wav.samples().collect::<Result<Vec<i16>, _>>().unwrap();
    // Quiet, not nothing: a telephone is never silent, and tests look for samples that are not zero.
    samples.iter_mut().for_each(|s| *s |= 1);
    samples.resize(samples.len() + 8_000, 1);
    samples
}

async fn next(site: &mut Site) -> LiveCall {
    timeout(Duration::from_secs(20), site.live.recv()).await.expect("a word in time").expect("a word")
}

/// Until the first final words; also how many partial ones came before.
async fn until_final(site: &mut Site) -> (Vec<Segment>, Segment) {
    let mut partials = Vec::new();
    loop {
        match next(site).await {
            LiveCall::Partial { segment, .. } => partials.push(segment),
            LiveCall::Final { segment, .. } => return (partials, segment),
            LiveCall::Started { .. }
            | LiveCall::Alarm { .. }
            | LiveCall::Read { .. }
            | LiveCall::Ended { .. } => {}
        }
    }
}

pub(super) fn listening(site: &Site) -> impl FnMut() -> bool + '_ {
    || site.tap.health().live_model.is_some()
}

/// While somebody speaks words come and grow, from the streaming model; when he stops the second model's words take
/// their place; when the call ends its transcript is there at once, and is made only once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_come_while_the_call_runs() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "toy-pair");
    let mut site = Site::start(dir.path(), config()).await;
    until("somebody listens", listening(&site)).await;
    assert_eq!(site.tap.health().live_model.as_deref(), Some("toy-pair"));
    let (caller, operator, call) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
    for (socket, leg) in [(caller, "caller"), (operator, "operator")] {
        assert_eq!(site.tell(socket, json!({ "call_id": call, "leg": leg })).await, 200);
    }
    let mut first = Exchange::connect(site.audio(), caller).await;
    let mut second = Exchange::connect(site.audio(), operator).await;
    let speech = spoken();
    first.play(&speech).await;
    // The line is still open: everything up to here came while the call ran.
    let (partials, line) = until_final(&mut site).await;
    println!("{partials:?}\n{line:?}");
    assert!(partials.len() > 2, "{partials:?}");
    assert!(partials.iter().all(|p| p.leg == Leg::Caller && p.start_ms == partials[0].start_ms));
    assert!(partials.iter().all(|p| p.text.chars().all(|c| "低高".contains(c))), "{partials:?}");
    assert!(partials.windows(2).all(|pair| pair[0].text != pair[1].text && pair[0].end_ms < pair[1].end_ms));
    assert!(line.text.chars().all(|c| "矮尖".contains(c)) && !line.text.is_empty(), "{line:?}");
    assert_eq!((line.leg, line.start_ms), (Leg::Caller, partials[0].start_ms));
    second.play(&speech).await;
    first.send(&Frame::Hangup).await;
    second.send(&Frame::Hangup).await;
    let report = site.report().await;
    assert_eq!(report.incident.revision, 1);
    let Transcript::Done { segments, model, left_out: 0 } = &call_of(&report).transcript else {
        panic!("{report:?}")
    };
    assert_eq!(model, "toy-pair");
    println!("{segments:?}");
    let of = |side| segments.iter().filter(move |s| s.leg == side);
    assert!(of(Leg::Caller).next().is_some_and(|s| s.start_ms < 1_000), "{segments:?}");
    // The operator began when the caller had played.
    assert!(of(Leg::Operator).next().is_some_and(|s| s.start_ms > 4_000), "{segments:?}");
    assert!(segments.iter().all(|s| s.text.chars().all(|c| "矮尖".contains(c))), "{segments:?}");
    // Found by who heard the call: the recorder does not look for it a second time.
    assert!(call_of(&report).speech_ms > 2_000, "{report:?}");
    let health = site.tap.health();
    assert_eq!((health.live_unheard_ms_total, health.live_restarts_total), (0, 0));
    assert!(health.troubles.is_empty(), "{:?}", health.troubles);
    site.quiet().await;
    site.stop().await;
}

/// A process that dies in mid-call costs live words only: the recording is whole, its transcript follows, health says
/// what happened, and the next call has words again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_costs_live_words_only() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "toy-streaming-zipformer");
    let mut site = Site::start(dir.path(), config()).await;
    until("somebody listens", listening(&site)).await;
    let speech = spoken();
    let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    let played = speech.clone();
    let playing = tokio::spawn(async move {
        leg.play(&played).await;
        leg.send(&Frame::Hangup).await;
    });
    while !matches!(next(&mut site).await, LiveCall::Partial { .. }) {}
    rustix::process::kill_process(children_of(dir.path())[0], rustix::process::Signal::KILL).unwrap();
    playing.await.unwrap();
    let first = site.report().await;
    assert_eq!(call_of(&first).transcript, Transcript::Waiting);
    let (_, left, _) = sides(&first);
    offset_of(&left, &speech);
    let second = site.report().await;
    assert_eq!((second.incident.incident_id, second.incident.revision), (first.incident.incident_id, 2));
    assert!(matches!(call_of(&second).transcript, Transcript::Done { .. }), "{second:?}");
    assert_eq!(site.tap.health().live_restarts_total, 1);
    until("somebody listens again", listening(&site)).await;
    assert!(!site.tap.health().troubles.contains_key(&Cause::Live));
    while site.live.try_recv().is_ok() {}
    let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(2)).await;
    leg.play(&speech).await;
    assert!(until_final(&mut site).await.1.text.chars().all(|c| "低高".contains(c)));
    drop(leg);
    assert!(matches!(call_of(&site.report().await).transcript, Transcript::Done { .. }));
    site.stop().await;
}

/// The processes for words of the box whose models lie below `dir`.
fn children_of(dir: &Path) -> Vec<rustix::process::Pid> {
    let dir = dir.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let ours = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains("--live\0") && line.contains(dir)
    };
    pids.filter(ours).filter_map(rustix::process::Pid::from_raw).collect()
}

/// Sound of which more comes at once than a leg may have waiting is left out of live words, which is counted; the
/// recording has it, and the transcript follows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_costs_live_words_only() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "toy-streaming-zipformer");
    let mut site = Site::start(dir.path(), config()).await;
    until("somebody listens", listening(&site)).await;
    let speech = spoken();
    let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    // Half a minute at once, in frames of three seconds.
    let flood: Vec<i16> = speech.iter().cycle().take(8_000 * 28).copied().collect();
    for samples in flood.chunks(24_000) {
        leg.send(&Frame::Audio { rate_hz: 8_000, samples: samples.to_vec() }).await;
    }
    leg.send(&Frame::Hangup).await;
    let first = site.report().await;
    assert_eq!(call_of(&first).transcript, Transcript::Waiting);
    let (_, left, _) = sides(&first);
    offset_of(&left, &flood);
    assert!(site.tap.health().live_unheard_ms_total >= 27_000);
    assert!(matches!(call_of(&site.report().await).transcript, Transcript::Done { .. }));
    site.stop().await;
}

/// Somebody is on the line who was heard by a streaming recogniser, and whose words were told; then, after `before`, a better
/// one is installed and listens.
async fn newer_beside_a_call(dir: &Path, before: impl FnOnce()) -> (Site, Exchange, Segment) {
    install(dir, "toy-streaming-zipformer");
    let mut site = Site::start(dir, config()).await;
    until("somebody listens", listening(&site)).await;
    let mut early = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    early.play(&spoken()).await;
    let (_, line) = until_final(&mut site).await;
    before();
    install(dir, "toy-pair");
    until("the newer one listens", || site.tap.health().live_model.as_deref() == Some("toy-pair")).await;
    (site, early, line)
}

/// A better recogniser that is installed in mid-call hears whoever calls from then on; who is on the line is heard to the end
/// by the one that began, and no word is lost. One that fails its self-test changes nothing, and health says what it
/// read; mended, it takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_recogniser_takes_over_in_mid_call() {
    let dir = tempfile::tempdir().unwrap();
    let (mut site, mut early, line) = newer_beside_a_call(dir.path(), || {}).await;
    let speech = spoken();
    let words = |line: &Segment, of: &str| !line.text.is_empty() && line.text.chars().all(|c| of.contains(c));
    assert!(words(&line, "低高"));
    early.play(&speech).await;
    assert!(words(&until_final(&mut site).await.1, "低高"), "the call goes on with the one that began it");
    let mut late = Exchange::connect(site.audio(), Uuid::from_u128(2)).await;
    late.play(&speech).await;
    assert!(words(&until_final(&mut site).await.1, "矮尖"), "a call that begins has the newer one");
    for (leg, model) in [(early, "toy-streaming-zipformer"), (late, "toy-pair")] {
        let mut leg = leg;
        leg.send(&Frame::Hangup).await;
        let report = site.report().await;
        let Transcript::Done { model: by, segments, .. } = &call_of(&report).transcript else {
            panic!("{report:?}")
        };
        assert_eq!((by.as_str(), segments.is_empty()), (model, false));
    }

    // The best of all, but for what it reads.
    let folder = dir.path().join("models/toy-sense-voice");
    let golden = |text: &str| {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(toys().join("tones-8k.wav"), folder.join("tones.wav")).unwrap();
        let golden = json!({ "cer": 0.0, "recordings": [{ "file": "tones.wav", "text": text }] });
        std::fs::write(folder.join("golden.json"), golden.to_string()).unwrap();
    };
    golden("都不是");
    install(dir.path(), "toy-sense-voice");
    let refused = || site.tap.health().troubles.get(&Cause::Model).cloned();
    until("it is refused", || refused().is_some()).await;
    let words = refused().unwrap();
    assert!(words.contains("toy-sense-voice does not pass its self-test"), "{words}");
    let (_, found) = words.split_once("expected 都不是, found ").expect("what it read");
    assert_eq!(site.tap.health().live_model.as_deref(), Some("toy-pair"), "it stays at work");
    // The one at work dies: the refused one is not tried instead.
    rustix::process::kill_process(children_of(dir.path())[0], rustix::process::Signal::KILL).unwrap();
    until("it is told of", || site.tap.health().live_restarts_total == 1).await;
    until("the one before listens again", || site.tap.health().live_model.as_deref() == Some("toy-pair"))
        .await;
    golden(found);
    until("mended", || site.tap.health().live_model.as_deref() == Some("toy-sense-voice")).await;
    assert_eq!(site.tap.health().troubles, std::collections::BTreeMap::new());
    assert_eq!(site.tap.health().live_unheard_ms_total, 0);
    until("only the newest process is left", || children_of(dir.path()).len() == 1).await;
    site.stop().await;
    assert_eq!(children_of(dir.path()).len(), 0);
}

/// The process whose place another took dies in mid-call: its own leg loses its live words and is transcribed
/// afterwards, nobody else notices. And without any model left, nobody listens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_process_that_dies_costs_its_own_legs_words() {
    let dir = tempfile::tempdir().unwrap();
    let mut former = Vec::new();
    let (mut site, mut early, _) = newer_beside_a_call(dir.path(), || former = children_of(dir.path())).await;
    let speech = spoken();
    let mut late = Exchange::connect(site.audio(), Uuid::from_u128(2)).await;
    late.play(&speech).await;
    rustix::process::kill_process(former[0], rustix::process::Signal::KILL).unwrap();
    until("it has gone", || children_of(dir.path()).len() == 1).await;
    late.send(&Frame::Hangup).await;
    let report = site.report().await;
    assert!(matches!(&call_of(&report).transcript, Transcript::Done { model, .. } if model == "toy-pair"));
    early.send(&Frame::Hangup).await;
    let first = site.report().await;
    assert_eq!(call_of(&first).transcript, Transcript::Waiting, "its words were not all heard");
    assert!(matches!(call_of(&site.report().await).transcript, Transcript::Done { .. }));
    assert_eq!(site.tap.health().live_restarts_total, 0);
    std::fs::remove_dir_all(dir.path().join("models")).unwrap();
    until("nobody listens", || site.tap.health().live_model.is_none()).await;
    site.stop().await;
}
