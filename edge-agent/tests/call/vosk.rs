//! Clients of a Vosk server. The package `vosk` holds no client of its server; what is sent here follows the message
//! sequence of the clients in Vosk's repository (configuration, a fifth of a second of sound and the wait for its answer
//! in turns, end of file), which the project's field notes have. The recogniser is the real process.

use edge_agent::call::CallConfig;
use protocol::{Leg, LiveCall, Severity, Transcript};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::alarm;
use crate::client::{Client, install_mandarin, recorded};
use crate::live::{install, listening, spoken};
use crate::site::{Site, call_of, config, noise, offset_of, sides, until};

fn with_port() -> CallConfig {
    CallConfig { vosk_listen: Some("127.0.0.1:0".parse().unwrap()), ..config() }
}

async fn connect(site: &Site, path: &str) -> Client {
    Client::connect(site.tap.health().vosk_listening.unwrap(), path, None).await
}

/// As Vosk's own clients do: the next piece when the last one is answered.
async fn play(client: &mut Client, samples: &[i16]) -> Vec<Value> {
    let mut answers = Vec::new();
    for piece in samples.chunks(1_600) {
        client.sound(piece).await;
        answers.push(client.answer().await);
    }
    answers
}

fn texts<'a>(answers: &'a [Value], key: &str) -> Vec<&'a str> {
    answers.iter().filter_map(|a| a[key].as_str()).filter(|text| !text.is_empty()).collect()
}

/// Each message has one answer: words that grow, then those of the second recogniser; the end of file has the last one,
/// and the server closes. Sent as fast as answers come, nothing is left out; recording, transcript and who called are a
/// call's like any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vosk_words_come_back() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "toy-pair");
    let mut site = Site::start(dir.path(), with_port()).await;
    until("somebody listens", listening(&site)).await;
    let speech = spoken();
    let mut client = connect(&site, "/?leg=operator").await;
    client.say(r#"{ "config" : { "sample_rate" : 8000.0, "seat": 8001, "caller": "13812341234" } }"#).await;
    let mut answers = play(&mut client, &speech).await;
    client.say(r#"{"eof" : 1}"#).await;
    let (last, end) = client.until_closed().await;
    assert_eq!((last.len(), end), (1, Some((CloseCode::Normal, "hung up".to_owned()))));
    answers.extend(last);
    println!("{answers:?}");
    let (partials, finals) = (texts(&answers, "partial"), texts(&answers, "text"));
    assert!(partials.len() > 2 && partials.iter().all(|t| t.chars().all(|c| "低高".contains(c))));
    assert!(!finals.is_empty() && finals.iter().all(|t| t.chars().all(|c| " 矮尖".contains(c))));
    assert!(answers.iter().all(|a| a.get("notice").is_none() && a.get("error").is_none()));
    for answer in answers.iter().filter(|a| !a["text"].as_str().unwrap_or_default().is_empty()) {
        let words = answer["result"].as_array().unwrap();
        let joined: String = words.iter().map(|w| w["word"].as_str().unwrap()).collect();
        assert_eq!(joined, answer["text"].as_str().unwrap().replace(' ', ""));
        assert!(
            words.iter().all(|w| w["start"].as_f64() <= w["end"].as_f64() && w["end"].as_f64() < Some(6.0))
        );
    }
    let report = site.report().await;
    let subject = call_of(&report);
    assert_eq!(
        (subject.legs.as_slice(), subject.seat.as_deref()),
        ([Leg::Operator].as_slice(), Some("8001"))
    );
    assert_eq!(subject.caller_masked.as_deref(), Some("138****1234"));
    offset_of(&sides(&report).2, &speech);
    let Transcript::Done { segments, left_out: 0, .. } = &subject.transcript else { panic!("{report:?}") };
    let transcript: String = segments.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(transcript, finals.concat().replace(' ', ""));
    let health = site.tap.health();
    assert_eq!((health.live_unheard_ms_total, health.answers_dropped_total), (0, 0));
    assert!(health.troubles.is_empty(), "{:?}", health.troubles);
    site.quiet().await;
    site.stop().await;
}

/// Mandarin in, Mandarin out, each character with its time; a telephone number that is dictated is never in an answer,
/// neither while it is spoken nor afterwards, in characters, digits or times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vosk_numbers_are_masked() {
    let dir = tempfile::tempdir().unwrap();
    install_mandarin(dir.path());
    let mut site = Site::start(dir.path(), with_port()).await;
    until("somebody listens", listening(&site)).await;
    let mut client = connect(&site, "/").await;
    let mut answers = play(&mut client, &recorded("hello-8k.wav")).await;
    answers.extend(play(&mut client, &recorded("number-8k.wav")).await);
    client.say(r#"{"eof" : 1}"#).await;
    answers.extend(client.until_closed().await.0);
    println!("{answers:?}");
    let said = answers.iter().find(|a| a["text"].as_str().is_some_and(|t| t.contains("反映")));
    let words = said.expect("what was said")["result"].as_array().unwrap();
    assert!(words.len() > 7 && words[0]["word"] == "你", "{words:?}");
    assert!((0.2..0.6).contains(&words[0]["start"].as_f64().unwrap()), "{words:?}");
    let masked = answers.iter().find(|a| a["text"].as_str().is_some_and(|t| t.contains("是[电话号码]")));
    assert_eq!(masked.expect("a number")["result"].as_array().unwrap().len(), 1);
    let digit = |c: &char| "0123456789零幺一二三四五六七八九".contains(*c);
    for answer in &answers {
        let text = answer["text"].as_str().or(answer["partial"].as_str()).unwrap();
        let longest = text.split(|c| !digit(&c)).map(|run| run.chars().count()).max();
        assert!(longest <= Some(3), "{answer}");
    }
    site.report().await;
    site.stop().await;
}

/// Who calls for help through such a client raises the alarm while the connection is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vosk_calls_raise_alarms() {
    let dir = tempfile::tempdir().unwrap();
    install_mandarin(dir.path());
    let mut burning =
        alarm::spoken(dir.path(), "fire", "ni3 men5 kuai4 lai2, wo3 jia1 chu2 fang2 shao1 qi3 lai2 le5");
    burning.resize(burning.len() + 16_000, 1);
    let mut site = Site::start(dir.path(), with_port()).await;
    until("somebody listens", listening(&site)).await;
    let mut client = connect(&site, "/").await;
    play(&mut client, &burning).await;
    let told = std::iter::from_fn(|| site.live.try_recv().ok()).find_map(|word| match word {
        LiveCall::Alarm { alarms, .. } => Some(alarms),
        _ => None,
    });
    assert_eq!(told.expect("an alarm")[0].id, "fire");
    assert_eq!(site.report().await.incident.severity, Severity::Emergency);
    client.say(r#"{"eof" : 1}"#).await;
    client.until_closed().await;
    let report = site.report().await;
    assert_eq!((report.incident.revision, report.files.len()), (2, 1));
    site.quiet().await;
    site.stop().await;
}

/// Without a model each answer says so, and the sound is recorded and filed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vosk_without_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_port()).await;
    let sound = noise(3, 8_000);
    let mut client = connect(&site, "/").await;
    let mut answers = play(&mut client, &sound).await;
    client.say(r#"{"eof" : 1}"#).await;
    let (last, _) = client.until_closed().await;
    assert_eq!((answers.len(), last.len()), (5, 1));
    answers.extend(last);
    assert!(answers.iter().all(|a| a["notice"].as_str().unwrap().contains("no speech model")), "{answers:?}");
    assert_eq!((&answers[0]["partial"], &answers[5]["text"]), (&json!(""), &json!("")));
    let report = site.report().await;
    offset_of(&sides(&report).1, &sound);
    site.stop().await;
}

/// What is wrong is said to who sent it: before there is a call nothing is filed, in mid-call the call goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vosk_wrong_words() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_port()).await;
    let wrong = [
        ("/", "hello", "first message"),
        ("/", r#"{"eof" : 1}"#, "first message"),
        ("/", r#"{"config":[]}"#, "first message"),
        ("/", r#"{"config":{"sample_rate":11025}}"#, "rate must be"),
        ("/?channels=2", r#"{"config":{}}"#, "channels must be 1"),
    ];
    for (path, first, words) in wrong {
        let mut client = connect(&site, path).await;
        client.say(first).await;
        let (answers, end) = client.until_closed().await;
        assert!(answers[0]["error"].as_str().unwrap().contains(words), "{first}: {answers:?}");
        let (code, reason) = end.unwrap();
        assert!(code == CloseCode::Policy && reason.contains(words), "{first}: {reason}");
    }
    until("all are counted", || site.tap.health().refused_total == wrong.len() as u64).await;

    let sound = noise(4, 1_600);
    let mut client = connect(&site, "/?rate=8000").await;
    client.sound(&sound[..800]).await;
    assert_eq!(client.answer().await["partial"], "");
    for text in ["hello", r#"{"config":{"sample_rate":16000}}"#] {
        client.say(text).await;
        assert!(client.answer().await["error"].is_string(), "{text}");
    }
    client.sound(&sound[800..]).await;
    assert_eq!(client.answer().await["partial"], "");
    // It leaves without a word.
    client.0.close(None).await.unwrap();
    let report = site.report().await;
    assert_eq!(call_of(&report).duration_ms, 200);
    offset_of(&sides(&report).1, &sound);
    site.quiet().await;
    site.stop().await;
}

/// Clients that send too much at once, fall silent, send half a message, or never read: each costs itself only, and what
/// came before is filed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vosk_hostile_clients() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { idle_timeout_s: 2, ..with_port() }).await;
    let (head, sound) = (noise(5, 160), noise(6, 8_000));

    let mut large = connect(&site, "/").await;
    large.sound(&head).await;
    large.answer().await;
    let _ = large.bytes(&vec![1; 300 * 1_024]).await;
    large.until_closed().await;
    assert_eq!(call_of(&site.report().await).duration_ms, 20);

    let mut silent = connect(&site, "/").await;
    silent.say(r#"{"config":{"sample_rate":8000}}"#).await;
    let (answers, end) = silent.until_closed().await;
    assert!(end.is_some_and(|(_, reason)| reason.contains("no audio for 2 s")), "{answers:?}");
    assert_eq!(call_of(&site.report().await).duration_ms, 0);

    let mut half = connect(&site, "/").await;
    half.sound(&head).await;
    half.answer().await;
    tokio::io::AsyncWriteExt::write_all(half.0.get_mut(), &[0x82, 0xfe, 0x40, 0, 1, 2, 3, 4, 9])
        .await
        .unwrap();
    assert_eq!(call_of(&site.report().await).duration_ms, 20);

    // A message for each sample, and no answer is ever read.
    let narrow = TcpSocket::new_v4().unwrap();
    narrow.set_recv_buffer_size(4_096).unwrap();
    let stream = narrow.connect(site.tap.health().vosk_listening.unwrap()).await.unwrap();
    let mut deaf = Client::over(stream, "/", None).await;
    deaf.say(r#"{"config":{"sample_rate":48000}}"#).await;
    let flood = async {
        for n in 0..80_000_u32 {
            deaf.sound(&[n as i16 | 1]).await;
        }
    };
    let mut good = connect(&site, "/").await;
    let ((), answers) = tokio::join!(flood, play(&mut good, &sound));
    assert_eq!(answers.len(), 5);
    until("answers are dropped", || site.tap.health().answers_dropped_total > 1_000).await;
    println!("{} of 80000 answers dropped", site.tap.health().answers_dropped_total);
    drop(good);
    offset_of(&sides(&site.report().await).1, &sound);
    // Its sound was taken to the end all the same, until it fell silent.
    assert!(call_of(&site.report().await).duration_ms >= 80_000 / 48);
    drop(deaf);
    site.quiet().await;
    site.stop().await;
}

/// A client that sends faster than people speak has to wait; when the box is stopped meanwhile, all that it had sent is in the
/// recording: what the box had taken and was pacing, and what stood in the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vosk_faster_than_speech_when_the_box_stops() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::start(dir.path(), with_port()).await;
    let mut client = connect(&site, "/").await;
    client.say(r#"{ "config" : { "sample_rate" : 8000.0 } }"#).await;
    // 15 s in one message, and 5 s behind it.
    let sound = noise(11, 160_000);
    client.sound(&sound[..120_000]).await;
    client.sound(&sound[120_000..]).await;
    until("some of it is recorded", || recorded_samples(dir.path()) > 0).await;
    let mut reports = site.ended().await;
    if reports.is_empty() {
        let mut again = Site::start(dir.path(), with_port()).await;
        reports.push(again.report().await);
        again.stop().await;
    }
    let (_, left, _) = sides(&reports[0]);
    assert_eq!(offset_of(&left, &sound), 0, "{} of {} samples", left.len(), sound.len());
    assert!(!call_of(&reports[0]).interrupted);
    drop(client);
}

/// Samples of all legs on the box's disk.
fn recorded_samples(dir: &std::path::Path) -> u64 {
    let legs = std::fs::read_dir(dir.join("calls/open")).into_iter().flatten().flatten();
    let files = legs.filter(|entry| entry.path().extension().is_some_and(|ext| ext == "pcm"));
    files.filter_map(|entry| entry.metadata().ok()).map(|file| file.len() / 2).sum()
}
