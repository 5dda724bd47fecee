//! Recordings that come as files: whatever their format, whatever happens meanwhile, each becomes one call.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use edge_agent::call::CallConfig;
use protocol::{Direction, Leg, UtcMs};
use reqwest::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::site::{Site, call_of, client, config, noise, sides, until};

fn with_inbox(dir: &Path) -> CallConfig {
    CallConfig { inbox: Some(dir.join("inbox")), ..config() }
}

fn wav(path: &Path, rate_hz: u32, channels: u16, samples: &[i16]) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|s| wav.write_sample(*s).unwrap());
    wav.finalize().unwrap();
}

fn stereo(left: &[i16], right: &[i16]) -> Vec<i16> {
    left.iter().zip(right).flat_map(|(l, r)| [*l, *r]).collect()
}

/// A tone that every codec of the telephone keeps.
fn tone(hertz: f64, rate_hz: u32, seconds: u32) -> Vec<i16> {
    let step = hertz * std::f64::consts::TAU / f64::from(rate_hz);
    (0..rate_hz * seconds).map(|i| ((f64::from(i) * step).sin() * 12_000.0) as i16).collect()
}

/// Crossings of zero from below per second: what is left of a tone.
fn pitch(samples: &[i16], rate_hz: u32) -> f64 {
    let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
    let crossings = middle.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
    crossings as f64 * f64::from(rate_hz) / middle.len() as f64
}

fn left_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A WAV file of two channels at the telephone's rate loses not one sample; who calls comes from the file beside it,
/// and the number in it is on the disk nowhere afterwards, nor is the recording but as evidence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_recording_is_a_call() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_inbox(dir.path())).await;
    let inbox = dir.path().join("inbox");
    until("the inbox is there", || inbox.join("working").is_dir()).await;
    let (left, right) = (noise(51, 16_000), noise(52, 16_000));
    let words = json!({
        "call_id": "A-2026-03-01/17", "caller": "13812341234", "seat": "8001", "direction": "outbound",
        "started_at": "2026-03-01T08:30:00+08:00",
    });
    std::fs::write(inbox.join("来电 1.json"), words.to_string()).unwrap();
    wav(&inbox.join("来电 1.wav"), 8_000, 2, &stereo(&left, &right));
    let report = site.report().await;
    assert_eq!(sides(&report), (8_000, left, right));
    let subject = call_of(&report);
    assert_eq!(
        (subject.caller_masked.as_deref(), subject.seat.as_deref()),
        (Some("138****1234"), Some("8001"))
    );
    assert_eq!(
        (subject.direction, &subject.legs[..]),
        (Direction::Outbound, &[Leg::Caller, Leg::Operator][..])
    );
    assert_eq!(report.incident.started_at, UtcMs(1_772_325_000_000));
    assert_eq!(subject.duration_ms, 2_000);
    until("it is cleared away", || left_in(&inbox) == ["rejected", "working"]).await;
    until("nothing of it is left", || left_in(&inbox.join("working")).is_empty()).await;
    assert_eq!(left_in(&dir.path().join("calls/decoding")), Vec::<String>::new());
    for entry in std::fs::read_dir(dir.path().join("calls/filed")).unwrap() {
        assert!(!std::fs::read_to_string(entry.unwrap().path()).unwrap().contains("13812341234"));
    }
    site.quiet().await;
    site.stop().await;
}

fn runs(program: &str, args: &[&str]) -> bool {
    let run = Command::new(program).args(args).output();
    run.is_ok_and(|run| run.status.success())
}

/// MP3, Opus and Vorbis in OGG, A-law in WAV, MP4 with a picture, AMR: made with tools of others, each becomes its call
/// at the rate nearer to its own, its tone unharmed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn formats_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let made = dir.path().join("made");
    std::fs::create_dir(&made).unwrap();
    let at = |name: &str| made.join(name).to_str().unwrap().to_owned();
    wav(&made.join("tone.wav"), 44_100, 1, &tone(440.0, 44_100, 3));
    wav(&made.join("low.wav"), 8_000, 1, &tone(440.0, 8_000, 3));
    let mut files = vec![("tone.wav", 16_000)];
    let (tone_wav, low) = (at("tone.wav"), at("low.wav"));
    for (name, rate, args) in [
        ("a.mp3", 16_000, &["-i", &tone_wav, "-c:a", "libmp3lame"][..]),
        ("a.opus", 16_000, &["-i", &tone_wav, "-c:a", "libopus"]),
        ("a.ogg", 16_000, &["-i", &tone_wav, "-c:a", "libvorbis"]),
        ("alaw.wav", 8_000, &["-i", &low, "-c:a", "pcm_alaw"]),
        (
            "a.mp4",
            16_000,
            &["-f", "lavfi", "-i", "testsrc=d=3:s=64x64:r=5", "-i", &tone_wav, "-c:v", "mpeg4"],
        ),
    ] {
        let to = at(name);
        if runs("ffmpeg", &[&["-v", "error"], args, &[&to]].concat()) {
            files.push((name, rate));
        } else {
            println!("skipped: ffmpeg cannot make {name} here");
        }
    }
    let raw = format!(
        "filesrc location={low} ! wavparse ! audioconvert ! amrnbenc ! filesink location={}",
        at("raw")
    );
    if runs("gst-launch-1.0", &raw.split(' ').collect::<Vec<_>>()) {
        let frames = std::fs::read(made.join("raw")).unwrap();
        let head: &[u8] = if frames.starts_with(b"#!AMR") { b"" } else { b"#!AMR\n" };
        std::fs::write(made.join("a.amr"), [head, &frames].concat()).unwrap();
        files.push(("a.amr", 8_000));
    } else {
        println!("skipped: no AMR encoder here");
    }
    let mut site = Site::start(dir.path(), with_inbox(dir.path())).await;
    let inbox = dir.path().join("inbox");
    until("the inbox is there", || inbox.join("working").is_dir()).await;
    // One at a time: recordings that are taken in the same moment are filed in any order.
    for (name, want) in &files {
        std::fs::copy(made.join(name), inbox.join(name)).unwrap();
        let report = site.report().await;
        let (rate, left, right) = sides(&report);
        println!("{name}: {rate} Hz, {} ms, {:.1} Hz", call_of(&report).duration_ms, pitch(&left, rate));
        assert_eq!((rate, &call_of(&report).legs[..]), (*want, &[Leg::Caller][..]), "{name}");
        assert!(right.iter().all(|s| *s == 0), "{name}");
        assert!((2_900..3_200).contains(&call_of(&report).duration_ms), "{name}");
        assert!((pitch(&left, rate) - 440.0).abs() < 3.0, "{name}");
    }
    assert_eq!(left_in(&inbox.join("rejected")), Vec::<String>::new());
    site.quiet().await;
    site.stop().await;
}

/// What is no recording is set aside with a reason that says why, and the next one is filed all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mut site =
        Site::start(dir.path(), CallConfig { max_call_minutes: 1, ..with_inbox(dir.path()) }).await;
    let inbox = dir.path().join("inbox");
    until("the inbox is there", || inbox.join("working").is_dir()).await;
    std::fs::write(inbox.join("empty.wav"), "").unwrap();
    std::fs::write(inbox.join("text.mp3"), "this is no sound\n".repeat(200)).unwrap();
    let junk: Vec<u8> = noise(3, 50_000).iter().flat_map(|s| s.to_le_bytes()).collect();
    std::fs::write(inbox.join("junk.amr"), junk).unwrap();
    image::RgbImage::new(64, 64).save(inbox.join("picture.png")).unwrap();
    wav(&inbox.join("long.wav"), 8_000, 1, &vec![5; 8_000 * 61]);
    wav(&inbox.join("words.wav"), 8_000, 1, &noise(4, 8_000));
    std::fs::write(inbox.join("words.wav.json"), "{\"caller\": \"13812341234\"").unwrap();
    wav(&inbox.join("z good.wav"), 8_000, 1, &noise(5, 8_000));
    let report = site.report().await;
    assert_eq!(sides(&report).1, noise(5, 8_000));
    until("the others are set aside", || site.tap.health().recordings_rejected_total == 6).await;
    let rejected = inbox.join("rejected");
    for (name, reason) in [
        ("empty.wav", ""),
        ("text.mp3", ""),
        ("junk.amr", ""),
        ("picture.png", "no sound"),
        ("long.wav", "longer than 1 minutes (max_call_minutes)"),
        ("words.wav", "the words beside it"),
    ] {
        assert!(rejected.join(name).is_file(), "{name}");
        let said = std::fs::read_to_string(rejected.join(format!("{name}.reason.txt"))).unwrap();
        println!("{name}: {}", said.trim());
        assert!(said.trim().len() > 5 && said.contains(reason), "{name}: {said}");
    }
    assert!(!rejected.join("words.wav.json").exists(), "a number in clear must not stay");
    assert_eq!(site.tap.health().recordings_rejected_total, 6);
    site.quiet().await;
    site.stop().await;
}

/// A file that is still written is left alone; when it is whole, so is its call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_growing_file_waits() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_inbox(dir.path())).await;
    let inbox = dir.path().join("inbox");
    until("the inbox is there", || inbox.join("working").is_dir()).await;
    let sound = noise(61, 8_000 * 8);
    wav(&dir.path().join("whole.wav"), 8_000, 1, &sound);
    let bytes = std::fs::read(dir.path().join("whole.wav")).unwrap();
    let mut file = std::fs::File::create(inbox.join("slow.wav")).unwrap();
    for part in bytes.chunks(bytes.len() / 7 + 1) {
        file.write_all(part).unwrap();
        site.quiet().await;
    }
    let report = site.report().await;
    assert_eq!(sides(&report).1, sound);
    site.quiet().await;
    site.stop().await;
}

/// Not a test of its own: the box that [`killed_while_filing`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn box_to_kill() {
    let Some(dir) = std::env::var_os("INBOX_TEST_KILLED_DIR").map(PathBuf::from) else { return };
    let _site = Site::start(&dir, with_inbox(&dir)).await;
    sleep(Duration::from_secs(60)).await;
}

/// SIGKILL at several moments while a dozen recordings are filed: each of them is one incident in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_filing() {
    const FILES: usize = 12;
    let dir = tempfile::tempdir().unwrap();
    let inbox = dir.path().join("inbox");
    std::fs::create_dir(&inbox).unwrap();
    for n in 0..FILES {
        let seed = 70 + n as u32;
        wav(
            &inbox.join(format!("{n}.wav")),
            8_000,
            2,
            &stereo(&noise(seed, 80_000), &noise(seed + 50, 80_000)),
        );
    }
    let filed = || std::fs::read_dir(dir.path().join("calls/filed")).map_or(0, Iterator::count);
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "inbox::box_to_kill"])
            .env("INBOX_TEST_KILLED_DIR", dir.path())
            .spawn()
            .unwrap();
        let before = filed();
        until("some are filed", || filed() > before).await;
        child.kill().unwrap();
        child.wait().unwrap();
        println!("killed in round {round} with {} of {FILES} filed", filed());
    }
    let mut site = Site::start(dir.path(), with_inbox(dir.path())).await;
    let mut ids = std::collections::BTreeSet::new();
    let mut sounds = std::collections::BTreeSet::new();
    for _ in 0..FILES {
        let report = site.report().await;
        ids.insert(report.incident.incident_id);
        sounds.insert(report.files[0].evidence.sha256.to_string());
        assert_eq!(call_of(&report).duration_ms, 10_000);
    }
    assert_eq!((ids.len(), sounds.len()), (FILES, FILES), "each once");
    site.quiet().await;
    assert_eq!(left_in(&inbox.join("working")), Vec::<String>::new());
    assert_eq!(left_in(&inbox.join("rejected")), Vec::<String>::new());
    site.stop().await;
}

/// An upload is a call with the words of its URL; wrong ones, one that is too large and one that breaks off are told so
/// and leave nothing behind, and a box without an inbox says what to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_inbox(dir.path())).await;
    let inbox = dir.path().join("inbox");
    until("the inbox is there", || inbox.join("working").is_dir()).await;
    let at = site.tap.health().api_listening.unwrap();
    let post = async |query: &str, body: Vec<u8>| {
        let answer =
            client().post(format!("http://{at}/v1/recordings?{query}")).body(body).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    for (query, status, words) in [
        ("name=../a.wav", 400, "name must be"),
        ("nam=a.wav", 400, "nam"),
        ("leg=middle", 400, "leg must be"),
        ("name=a.wav", 400, "it is empty"),
    ] {
        let (answered, text) = post(query, Vec::new()).await;
        assert_eq!(answered, status, "{text}");
        assert!(text.contains(words), "{text}");
    }
    // Said to be larger than any call.
    let mut large = TcpStream::connect(at).await.unwrap();
    large
        .write_all(b"POST /v1/recordings HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        .await
        .unwrap();
    let mut answer = vec![0; 12];
    timeout(Duration::from_secs(5), large.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, *b"HTTP/1.1 413");
    // Breaks off.
    let mut half = TcpStream::connect(at).await.unwrap();
    half.write_all(b"POST /v1/recordings HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\nRIFF")
        .await
        .unwrap();
    until("it began", || left_in(&inbox).iter().any(|n| n.starts_with(".upload"))).await;
    drop(half);
    until("nothing is left of it", || left_in(&inbox) == ["rejected", "working"]).await;
    // More at once than there is room for.
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(at).await.unwrap();
        let begun = b"POST /v1/recordings HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\nRIFF";
        stream.write_all(begun).await.unwrap();
        open.push(stream);
    }
    until("four run", || left_in(&inbox).iter().filter(|n| n.starts_with(".upload")).count() == 4).await;
    assert_eq!(post("name=a.wav", vec![1]).await.0, StatusCode::SERVICE_UNAVAILABLE);
    drop(open);
    until("nothing is left of them", || left_in(&inbox) == ["rejected", "working"]).await;

    let sound = noise(91, 8_000);
    let file = dir.path().join("up.wav");
    wav(&file, 8_000, 1, &sound);
    let uuid = Uuid::from_u128(0x99);
    let query = format!("name=up.wav&uuid={uuid}&caller=13812341234&seat=8001&leg=operator");
    let (status, text) = post(&query, std::fs::read(&file).unwrap()).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    assert!(text.contains(&uuid.to_string()), "{text}");
    let said = left_in(&inbox).into_iter().find(|n| n.contains(".wav.json")).unwrap();
    assert!(!std::fs::read_to_string(inbox.join(said)).unwrap().contains("13812341234"));
    let report = site.report().await;
    let subject = call_of(&report);
    assert_eq!((subject.call_id.0, &subject.legs[..]), (uuid, &[Leg::Operator][..]));
    assert_eq!(subject.caller_masked.as_deref(), Some("138****1234"));
    assert_eq!(sides(&report).2, sound);
    site.quiet().await;
    site.stop().await;

    let site = Site::start(dir.path(), config()).await;
    let at = site.tap.health().api_listening.unwrap();
    let answer = client().post(format!("http://{at}/v1/recordings")).body("x").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert!(answer.text().await.unwrap().contains("set [calls] inbox"));
    site.stop().await;
}
