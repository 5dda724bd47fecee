//! Calls by WebSocket, as FreeSWITCH's two modules send them, and what hostile peers get.

use std::time::Duration;

use edge_agent::call::CallConfig;
use futures_util::StreamExt;
use protocol::{Direction, Leg};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use uuid::Uuid;

use crate::site::{Exchange, Site, call_of, config, noise, offset_of, sides, until};

fn with_port() -> CallConfig {
    CallConfig { websocket_listen: Some("127.0.0.1:0".parse().unwrap()), ..config() }
}

/// FreeSWITCH's end of one connection.
struct Module(WebSocketStream<TcpStream>);

impl Module {
    async fn try_connect(site: &Site, path: &str) -> Result<Self, Error> {
        let at = site.tap.health().websocket_listening.unwrap();
        let mut request = format!("ws://{at}{path}").into_client_request().unwrap();
        // As mod_audio_fork does.
        request.headers_mut().insert("sec-websocket-protocol", "audio.drachtio.org".parse().unwrap());
        let (socket, response) = client_async(request, TcpStream::connect(at).await.unwrap()).await?;
        assert_eq!(response.headers()["sec-websocket-protocol"], "audio.drachtio.org");
        Ok(Self(socket))
    }

    async fn connect(site: &Site, path: &str) -> Self {
        Self::try_connect(site, path).await.unwrap()
    }

    async fn say(&mut self, text: &str) {
        use futures_util::SinkExt;
        self.0.send(Message::text(text)).await.unwrap();
    }

    async fn sound(&mut self, samples: &[i16]) -> Result<(), Error> {
        use futures_util::SinkExt;
        let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        self.0.send(Message::binary(bytes)).await
    }

    /// In real time, 20 ms of `rate_hz` frames of `channels` at a time.
    async fn play(&mut self, samples: &[i16], rate_hz: usize, channels: usize) {
        let start = Instant::now();
        for (index, chunk) in samples.chunks(rate_hz / 50 * channels).enumerate() {
            sleep_until(start + Duration::from_millis(20 * index as u64)).await;
            self.sound(chunk).await.unwrap();
        }
    }

    /// Reads to the end; the words of the close frame.
    async fn told_why(&mut self) -> String {
        let read = async {
            while let Some(message) = self.0.next().await {
                if let Ok(Message::Close(Some(CloseFrame { reason, .. }))) = message {
                    return reason.to_string();
                }
            }
            String::new()
        };
        timeout(Duration::from_secs(10), read).await.expect("a farewell in time")
    }
}

fn interleaved(left: &[i16], right: &[i16]) -> Vec<i16> {
    left.iter().zip(right).flat_map(|(l, r)| [*l, *r]).collect()
}

/// One stereo connection is both legs of one call, each sample in its place; who calls comes with the metadata, masked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stereo_is_both_legs() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_port()).await;
    let (left, right) = (noise(31, 16_000), noise(32, 16_000));
    let call = Uuid::from_u128(0x51);
    let mut module = Module::connect(&site, "/v1/audio").await;
    module
        .say(&format!(
            r#"{{"call_id":"{call}","from":"13812341234","seat":"8001","direction":"inbound","rate":"16k",
                "channels":"stereo","to":{{"any":["thing"]}}}}"#
        ))
        .await;
    module.play(&interleaved(&left, &right), 16_000, 2).await;
    // How mod_audio_fork is told to stop: an empty message.
    module.sound(&[]).await.unwrap();
    assert_eq!(module.told_why().await, "hung up");
    let report = site.report().await;
    let subject = call_of(&report);
    assert_eq!((subject.call_id.0, subject.direction), (call, Direction::Inbound));
    assert_eq!(subject.caller_masked.as_deref(), Some("138****1234"));
    assert_eq!(subject.legs, [Leg::Caller, Leg::Operator]);
    let (rate, l, r) = sides(&report);
    assert_eq!((rate, offset_of(&l, &left), offset_of(&r, &right)), (16_000, 0, 0));
    for entry in std::fs::read_dir(dir.path().join("calls/filed")).unwrap() {
        let record = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!record.contains("13812341234"), "{record}");
    }
    site.stop().await;
}

/// Two mono connections that share the channel's id and each name their leg are one call; sound that overtakes its
/// metadata waits for it, and a later text corrects what was said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_mono_connections_are_one_call() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_port()).await;
    let (one, two) = (noise(41, 8_000), noise(42, 8_000));
    let id = Uuid::from_u128(0x61);
    let mut caller =
        Module::connect(&site, &format!("/v1/audio?uuid={id}&leg=caller&rate=8000&channels=1")).await;
    let mut operator = Module::connect(&site, &format!("/v1/audio?uuid={id}&leg=operator&caller=")).await;
    let first = async {
        caller.play(&one, 8_000, 1).await;
        caller.say(r#"{"event":"dtmf","digit":"4"}"#).await;
        caller.say(r#"{"caller":"05311234567"}"#).await;
        caller.0.close(None).await.unwrap();
    };
    let second = async {
        operator.sound(&two[..160]).await.unwrap();
        operator.say("no object").await;
        operator.say(r#"{"sampleRate":8000,"seat":8002,"leg":"operator"}"#).await;
        operator.play(&two[160..], 8_000, 1).await;
        operator.0.close(None).await.unwrap();
    };
    tokio::join!(first, second);
    let report = site.report().await;
    let subject = call_of(&report);
    assert_eq!((subject.call_id.0, &subject.legs[..]), (id, &[Leg::Caller, Leg::Operator][..]));
    assert_eq!(subject.caller_masked.as_deref(), Some("053****4567"));
    assert_eq!(subject.seat.as_deref(), Some("8002"));
    let (_, l, r) = sides(&report);
    offset_of(&l, &one);
    offset_of(&r, &two);
    assert_eq!(site.tap.health().words_refused_total, 1, "the text that was no object");
    site.quiet().await;
    site.stop().await;
}

/// What is wrong is said to who sent it: in the answer to the handshake, or with the farewell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_words_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { max_calls: 1, ..with_port() }).await;
    for (path, status, words) in [
        ("/", 404, "sound is taken at /v1/audio"),
        ("/v1/audio?sead=1", 400, "sead"),
        ("/v1/audio?rate=9000", 400, "rate must be"),
        ("/v1/audio?leg=middle", 400, "leg must be"),
    ] {
        match Module::try_connect(&site, path).await.map(|_| ()) {
            Err(Error::Http(answer)) => {
                let body = String::from_utf8_lossy(answer.body().as_deref().unwrap_or_default()).into_owned();
                assert_eq!(answer.status(), status, "{path}");
                assert!(body.contains(words), "{path}: {body}");
            }
            other => panic!("{path}: {other:?}"),
        }
    }
    let mut wrong = Module::connect(&site, "/v1/audio").await;
    wrong.say(r#"{"rate":11025}"#).await;
    assert!(wrong.told_why().await.contains("rate must be"));

    let mut good = Module::connect(&site, "/v1/audio?rate=8000&channels=1").await;
    good.sound(&noise(1, 160)).await.unwrap();
    until("the call is up", || site.tap.health().active_calls == 1).await;
    let mut third = Module::connect(&site, "/v1/audio?rate=8000&channels=1").await;
    third.sound(&noise(2, 160)).await.unwrap();
    assert!(third.told_why().await.contains("max_calls"));
    good.say(r#"{"channels":2}"#).await;
    assert!(good.told_why().await.contains("said too late"));
    let report = site.report().await;
    assert_eq!(call_of(&report).duration_ms, 20);
    site.quiet().await;
    site.stop().await;
}

/// Peers that say nothing, trickle, talk something else, send half a message, one that is too large, text without end,
/// or sound as fast as they can: nobody's call suffers, and memory holds no more than the limits say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_peers_stop_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { idle_timeout_s: 2, ..with_port() }).await;
    let at = site.tap.health().websocket_listening.unwrap();
    let before = resident_kib();
    let mut silent = Vec::new();
    for n in 0..150_u32 {
        let mut stream = TcpStream::connect(at).await.unwrap();
        let bytes: &[u8] = match n % 4 {
            0 => b"",
            1 => b"GET /v1/audio HTTP/1.1\r\nHost: x\r\n",
            2 => b"\x01\x00\x10\xff\xff",
            _ => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        };
        let _ = stream.write_all(bytes).await;
        silent.push(stream);
    }
    // A header without end.
    let mut endless = TcpStream::connect(at).await.unwrap();
    let flood = async {
        let _ = endless.write_all(b"GET /v1/audio HTTP/1.1\r\n").await;
        while endless.write_all(&b"X: y\r\n".repeat(100)).await.is_ok() {}
    };
    timeout(Duration::from_secs(10), flood).await.expect("it is cut off");

    // A frame that promises 1 GiB is refused at its header.
    let mut large = Module::connect(&site, "/v1/audio?rate=8000&channels=1").await;
    let header = [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4];
    large.0.get_mut().write_all(&header).await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(5), large.0.get_mut().read_to_end(&mut rest))
        .await
        .expect("it is cut off");

    // Half a message, then nothing.
    let mut half = Module::connect(&site, "/v1/audio?rate=8000&channels=1").await;
    half.sound(&noise(7, 160)).await.unwrap();
    half.0.get_mut().write_all(&[0x82, 0xfe, 0x40, 0x00, 1, 2, 3, 4, 9, 9]).await.unwrap();

    // As fast as it can: after 30 s ahead of the clock it waits.
    let mut fast = Module::connect(&site, "/v1/audio?rate=48000&channels=2").await;
    let block = noise(8, 48_000);
    let mut sent = 0_u64;
    let flood = async {
        while fast.sound(&block).await.is_ok() {
            sent += block.len() as u64 * 2;
        }
    };
    let sound = noise(21, 8_000);
    let mut leg = Exchange::connect(site.audio(), Uuid::from_u128(1)).await;
    let playing = async {
        leg.play(&sound).await;
        drop(leg);
    };
    let _ = tokio::join!(timeout(Duration::from_secs(4), flood), playing);
    // Thirty-four seconds of two legs, and what lies in the buffers of the network.
    assert!(sent < (34 + 2) * 48_000 * 4 + (16 << 20), "{sent} bytes were taken");
    let grown = resident_kib().saturating_sub(before);
    println!("{} MiB taken of the fast one; memory grew by {grown} KiB", sent >> 20);
    assert!(grown < 96 * 1_024, "{grown} KiB");
    let mut lengths = Vec::new();
    for _ in 0..2 {
        let report = site.report().await;
        lengths.push(call_of(&report).duration_ms);
        if call_of(&report).call_id.0 == Uuid::from_u128(1) {
            offset_of(&sides(&report).1, &sound);
        }
    }
    lengths.sort_unstable();
    assert_eq!(lengths, [20, 1_000], "the half message's first 20 ms, the good call");
    until("the strangers are turned away", || site.tap.health().refused_total >= 150).await;
    site.quiet().await;
    // The fast one's call is filed when the box stops, though its peer still waits.
    site.stop().await;
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
