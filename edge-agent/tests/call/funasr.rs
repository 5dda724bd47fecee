//! Clients of a FunASR server. What is sent follows the message sequence of FunASR's Python client (first JSON, sound in
//! pieces without waiting, `is_speaking` false, then reading until `is_final`), which the project's field notes have. The
//! recogniser is the real process.

use edge_agent::call::CallConfig;
use protocol::Transcript;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::client::{Client, install_mandarin, recorded};
use crate::live::{install, listening, spoken, toys};
use crate::site::{Site, call_of, config, noise, offset_of, sides, until};

fn with_port() -> CallConfig {
    CallConfig { funasr_listen: Some("127.0.0.1:0".parse().unwrap()), ..config() }
}

async fn connect(site: &Site) -> Client {
    Client::connect(site.tap.health().funasr_listening.unwrap(), "/", Some("binary")).await
}

/// As the Python client says it.
fn first(mode: &str, audio_fs: u32) -> String {
    json!({
        "mode": mode, "chunk_size": [5, 10, 5], "chunk_interval": 10, "encoder_chunk_look_back": 4,
        "decoder_chunk_look_back": 0, "audio_fs": audio_fs, "wav_name": "demo-7", "wav_format": "pcm",
        "is_speaking": true, "hotwords": "{\"阿里巴巴\": 20}", "itn": true,
    })
    .to_string()
}

/// Sends all sound as fast as it is taken, says that it is over, and reads to the final answer.
async fn recognise(client: &mut Client, samples: &[i16], end: &str) -> Vec<Value> {
    for piece in samples.chunks(480) {
        client.sound(piece).await;
    }
    client.say(end).await;
    answers(client).await
}

async fn answers(client: &mut Client) -> Vec<Value> {
    let mut answers = Vec::new();
    loop {
        let answer = client.answer().await;
        assert_eq!(answer["wav_name"], "demo-7");
        let over = answer["is_final"] == true || answer["is_end"] == true;
        answers.push(answer);
        if over {
            return answers;
        }
    }
}

fn of_mode(answers: &[Value], mode: &str) -> Vec<String> {
    let said = answers.iter().filter(|a| a["mode"] == mode).map(|a| a["text"].as_str().unwrap().to_owned());
    said.filter(|text| !text.is_empty()).collect()
}

/// How many characters are the same, place by place.
fn alike(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).filter(|(a, b)| a == b).count()
}

/// Two passes: what is new while somebody speaks, the second recogniser's words when he has spoken, an end that is
/// acknowledged. The client leaves by itself; its call is filed meanwhile, and is one like any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn funasr_two_passes() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "toy-pair");
    let mut site = Site::start(dir.path(), with_port()).await;
    until("somebody listens", listening(&site)).await;
    let speech = spoken();
    let mut client = connect(&site).await;
    client.say(first("2pass", 8_000)).await;
    let answers = recognise(&mut client, &speech, r#"{"is_speaking": false, "is_end": true}"#).await;
    println!("{answers:?}");
    let (online, offline) = (of_mode(&answers, "2pass-online"), of_mode(&answers, "2pass-offline"));
    assert!(online.len() > 2 && online.iter().all(|t| t.chars().all(|c| "低高".contains(c))));
    assert!(!offline.is_empty() && offline.iter().all(|t| t.chars().all(|c| "矮尖".contains(c))));
    let last = answers.last().unwrap();
    assert_eq!(
        (&last["mode"], &last["is_final"], &last["is_end"]),
        (&json!("2pass-offline"), &json!(true), &json!(true))
    );
    assert!(answers.iter().all(|a| a.get("error").is_none()));
    // The client is still there.
    let report = site.report().await;
    offset_of(&sides(&report).1, &speech);
    let Transcript::Done { segments, .. } = &call_of(&report).transcript else { panic!("{report:?}") };
    assert_eq!(segments.iter().map(|s| s.text.as_str()).collect::<String>(), offline.concat());
    client.0.close(None).await.unwrap();
    client.until_closed().await;
    let health = site.tap.health();
    assert_eq!((health.live_unheard_ms_total, health.answers_dropped_total), (0, 0));
    site.quiet().await;
    site.stop().await;
}

/// Mandarin in, Mandarin out, in all three modes; a WAV file's header is skipped and its rate believed; characters have
/// their times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn funasr_mandarin() {
    let dir = tempfile::tempdir().unwrap();
    install_mandarin(dir.path());
    let mut site = Site::start(dir.path(), with_port()).await;
    until("somebody listens", listening(&site)).await;
    let speech = recorded("hello-8k.wav");
    let (said, end) = ("你好我要反映一个问题", r#"{"is_speaking": false}"#);

    let mut offline = connect(&site).await;
    offline.say(first("offline", 16_000).replace("\"pcm\"", "\"wav\"")).await;
    for piece in std::fs::read(toys().join("hello-8k.wav")).unwrap().chunks(1_920) {
        offline.bytes(piece).await.unwrap();
    }
    offline.say(end).await;
    let [answer] = &answers(&mut offline).await[..] else { panic!("one answer") };
    println!("{answer}");
    assert_eq!((&answer["text"], &answer["is_final"]), (&json!(said), &json!(true)));
    let times: Vec<[u64; 2]> = serde_json::from_str(answer["timestamp"].as_str().unwrap()).unwrap();
    assert_eq!(times.len(), 10);
    assert!(times[0][0] < 600 && times.windows(2).all(|t| t[0][1] <= t[1][0]), "{times:?}");
    assert!(call_of(&site.report().await).duration_ms < 4_500);

    let mut online = connect(&site).await;
    online.say(first("online", 8_000)).await;
    let sent = recognise(&mut online, &speech, end).await;
    println!("{sent:?}");
    assert!(sent.len() > 3 && sent.iter().all(|a| a["mode"] == "online"));
    // The first pass of this model hears one character wrong.
    assert_eq!(alike(&of_mode(&sent, "online").concat(), said), 9);
    site.report().await;

    let mut both = connect(&site).await;
    both.say(first("2pass", 8_000)).await;
    let mut number = speech;
    number.extend(recorded("number-8k.wav"));
    let sent = recognise(&mut both, &number, end).await;
    println!("{sent:?}");
    let offline = of_mode(&sent, "2pass-offline");
    assert_eq!((offline[0].as_str(), offline.len()), (said, 2));
    assert!(offline[1].ends_with("是[电话号码]"), "{offline:?}");
    let online = of_mode(&sent, "2pass-online").concat();
    assert!(alike(&online, said) >= 9 && !online.contains("四五"), "{online}");
    let masked = sent.iter().find(|a| a["text"].as_str().unwrap().ends_with("是[电话号码]")).unwrap();
    assert!(masked.get("timestamp").is_none(), "{masked}");
    site.report().await;
    site.stop().await;
}

/// Without a model the client is told at once and at the end, in the way that old and new clients understand; the sound
/// is recorded and filed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn funasr_without_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_port()).await;
    let sound = noise(3, 16_000);
    for (end, is_final) in
        [(r#"{"is_speaking": false}"#, true), (r#"{"is_speaking": false, "is_end": true}"#, false)]
    {
        let mut client = connect(&site).await;
        client.say(first("2pass", 16_000)).await;
        let told = recognise(&mut client, &sound, end).await;
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|a| a["error"].as_str().unwrap().contains("no speech model")), "{told:?}");
        assert_eq!(told[1]["is_final"], is_final);
        let report = site.report().await;
        offset_of(&sides(&report).1, &sound);
    }
    site.stop().await;
}

/// What is wrong is said to who sent it. Before there is a call nothing is filed; a wrong header ends the call, a wrong
/// text in mid-call does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn funasr_wrong_words() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { idle_timeout_s: 2, ..with_port() }).await;
    for (text, words) in [
        ("hello", "first message"),
        (r#"{"mode":"3pass"}"#, "3pass"),
        (r#"{"mode":"2pass","wav_format":"mp3"}"#, "mp3"),
        (r#"{"mode":"2pass","audio_fs":11025}"#, "rate must be"),
        (r#"{"mode":"2pass","is_speaking":false}"#, "before any sound"),
    ] {
        let mut client = connect(&site).await;
        client.say(text).await;
        let (answers, end) = client.until_closed().await;
        assert!(answers[0]["error"].as_str().unwrap().contains(words), "{text}: {answers:?}");
        assert!(end.is_some_and(|(code, _)| code == CloseCode::Policy), "{text}");
    }
    let mut client = connect(&site).await;
    client.sound(&noise(1, 160)).await;
    assert!(client.answer().await["error"].as_str().unwrap().contains("first message"));
    until("all are counted", || site.tap.health().refused_total == 6).await;

    let sound = noise(4, 1_600);
    let mut client = connect(&site).await;
    client.say(first("2pass", 8_000)).await;
    assert!(client.answer().await["error"].is_string(), "no model");
    client.sound(&sound).await;
    client.say("hello").await;
    assert!(client.answer().await["error"].as_str().unwrap().contains("JSON object"));
    let mut stereo = connect(&site).await;
    stereo.say(first("2pass", 8_000)).await;
    stereo
        .bytes(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\0\x7d\0\0\x04\0\x10\0")
        .await
        .unwrap();
    let (answers, end) = stereo.until_closed().await;
    assert!(end.is_some_and(|(_, reason)| reason.contains("2 channels")), "{answers:?}");
    let (_, end) = client.until_closed().await;
    assert!(end.is_some_and(|(_, reason)| reason.contains("no audio for 2 s")));
    let mut lengths = [call_of(&site.report().await).duration_ms, call_of(&site.report().await).duration_ms];
    lengths.sort_unstable();
    assert_eq!(lengths, [0, 200]);
    site.quiet().await;
    site.stop().await;
}
