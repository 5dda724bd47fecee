//! A caller who says that it burns, spoken by espeak-ng over AudioSocket at the pace of speech and heard by the
//! demonstration recogniser: sound in, alarm out, while the call runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use edge_agent::call::CallConfig;
use edge_agent::call::audiosocket::Frame;
use protocol::{Leg, LiveCall, Phase, Severity, Transcript};
use serde_json::json;
use tokio::time::{Instant, interval, timeout};
use uuid::Uuid;

use crate::site::{Exchange, Site, call_of, config, until};

/// 20 ms at 8 kHz.
const FRAME: usize = 160;

pub(super) fn hearing() -> CallConfig {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/mandarin-demo");
    CallConfig { speech_model: Some(model.to_str().unwrap().to_owned()), ..config() }
}

/// What is said, in telephone quality; numbered pinyin.
pub(super) fn spoken(dir: &Path, name: &str, pinyin: &str) -> Vec<i16> {
    let at = |ending: &str| -> PathBuf { dir.join(format!("{name}{ending}")) };
    let run = |program: &str, args: &[&str]| {
        let done = Command::new(program).args(args).output().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    };
    let (raw, line) = (at("-22k.wav"), at("-8k.wav"));
    let (raw, line) = (raw.to_str().unwrap(), line.to_str().unwrap());
    run("espeak-ng", &["-v", "cmn-latn-pinyin+m3", "-s", "160", "-p", "45", "-w", raw, pinyin]);
    run("sox", &[raw, "-r", "8000", "-c", "1", "-b", "16", line, "sinc", "300-3400"]);
    let mut wav = hound::WavReader::open(line).unwrap();
    wav.samples().map(Result::unwrap).collect()
}

/// Says it as fast as people do, with a second of quiet behind it.
pub(super) async fn say(exchange: &mut Exchange, samples: &[i16]) -> Instant {
    let mut pace = interval(Duration::from_millis(20));
    let quiet = vec![1; 8_000];
    let mut ended = Instant::now();
    for (index, frame) in samples.chunks(FRAME).chain(quiet.chunks(FRAME)).enumerate() {
        pace.tick().await;
        exchange.send(&Frame::Audio { rate_hz: 8_000, samples: frame.to_vec() }).await;
        if (index + 1) * FRAME <= samples.len() {
            ended = Instant::now();
        }
    }
    ended
}

/// The alarm is told live and handed over as an emergency while the line is open; when the call is over, its next revision
/// has the recording, the words, and what they are about. An ordinary call raises nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fire_is_told_while_the_call_runs() {
    let dir = tempfile::tempdir().unwrap();
    let burning = spoken(dir.path(), "fire", "ni3 men5 kuai4 lai2, wo3 jia1 chu2 fang2 shao1 qi3 lai2 le5");
    let asking = spoken(dir.path(), "card", "qing3 wen4 lao3 nian2 zheng4 dao4 na3 li3 ban4");
    let mut site = Site::start(dir.path(), hearing()).await;
    until("somebody listens", || site.tap.health().live_model.is_some()).await;

    let (socket, call) = (Uuid::from_u128(1), Uuid::from_u128(7));
    assert_eq!(site.tell(socket, json!({ "call_id": call, "leg": "caller", "seat": "8001" })).await, 200);
    let mut exchange = Exchange::connect(site.audio(), socket).await;
    let ended = say(&mut exchange, &burning).await;
    let alarms = loop {
        match timeout(Duration::from_secs(20), site.live.recv())
            .await
            .expect("a word in time")
            .expect("a word")
        {
            LiveCall::Alarm { call_id, alarms } => {
                assert_eq!(call_id.0, call);
                break alarms;
            }
            LiveCall::Ended { .. } => panic!("the call ended without an alarm"),
            _ => {}
        }
    };
    println!("told at the latest {} ms after the last word: {alarms:?}", ended.elapsed().as_millis());
    assert_eq!(alarms[0].id, "fire");
    let early = site.report().await;
    assert_eq!((early.incident.phase, early.incident.severity), (Phase::Opened, Severity::Emergency));
    assert_eq!((early.incident.revision, early.files.len()), (1, 0));
    assert_eq!(call_of(&early).reading.as_ref().unwrap().alarms, alarms);
    assert_eq!(call_of(&early).seat.as_deref(), Some("8001"));

    exchange.send(&Frame::Hangup).await;
    let filed = site.report().await;
    assert_eq!(filed.incident.incident_id, early.incident.incident_id);
    assert_eq!((filed.incident.revision, filed.incident.phase), (2, Phase::Ended));
    assert_eq!((filed.incident.severity, filed.files.len()), (Severity::Emergency, 1));
    let subject = call_of(&filed);
    let Transcript::Done { segments, .. } = &subject.transcript else { panic!("{subject:?}") };
    assert_eq!(segments[0].leg, Leg::Caller);
    let reading = subject.reading.as_ref().unwrap();
    println!("{segments:?}\n{reading:?}");
    assert!(reading.alarms.iter().any(|alarm| alarm.id == "fire" && alarm.holds));
    assert_eq!(reading.categories[0].id, "fire_hazard");
    assert!(reading.summary.contains("烧起来"), "{}", reading.summary);

    let other = Uuid::from_u128(2);
    let mut exchange = Exchange::connect(site.audio(), other).await;
    say(&mut exchange, &asking).await;
    exchange.send(&Frame::Hangup).await;
    let calm = site.report().await;
    assert_eq!((calm.incident.revision, calm.incident.severity), (1, Severity::Normal));
    let reading = call_of(&calm).reading.clone().unwrap();
    println!("{reading:?}");
    assert_eq!((reading.alarms, reading.matters[0].id.as_str()), (vec![], "enquiry"));
    assert_eq!(site.tap.health().alarms_total, alarms.len() as u64);
    site.stop().await;
}
