//! Calls by SIPREC: with `sipp` as the recording client and `ffmpeg` as its sound, and with bare sockets for what these
//! would never send.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use edge_agent::call::CallConfig;
use edge_agent::call::siprec::rtp::{Law, expand};
use protocol::Leg;
use tokio::time::{Instant, sleep_until};

use crate::site::{Site, call_of, config, offset_of, sides, until};

/// Four ports that nobody has now, the first of them even.
fn free_ports() -> [u16; 2] {
    loop {
        let first = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() & !1;
        let free = |port| UdpSocket::bind(("127.0.0.1", port)).is_ok();
        if first < 65_000 && (first..first + 4).all(free) {
            return [first, first + 3];
        }
    }
}

fn with_siprec(ports: [u16; 2]) -> CallConfig {
    CallConfig {
        siprec_listen: Some("127.0.0.1:0".parse().unwrap()),
        siprec_rtp_ports: ports,
        seats: [("8001".into(), "一号坐席".into())].into(),
        ..config()
    }
}

fn has(program: &str) -> bool {
    Command::new(program).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

const METADATA: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>
<session session_id="hVpd7YQgRW2nD22h7q60JQ=="/>
<participant participant_id="srfBElmCRp2QB23b7Mpk0w=="><nameID aor="sip:8001@pbx.example"/></participant>
<participant participant_id="zSfPoSvdSDCmU3A3TRDxAw=="><nameID aor="sip:13812341234@pbx.example"/></participant>
<stream stream_id="UAAMm5GRQKSCMVvLyl4rFw==" session_id="hVpd7YQgRW2nD22h7q60JQ=="><label>96</label></stream>
<stream stream_id="i1Pz3to5hGk8fuXl+PbwCw==" session_id="hVpd7YQgRW2nD22h7q60JQ=="><label>97</label></stream>
<participantstreamassoc participant_id="srfBElmCRp2QB23b7Mpk0w=="><send>UAAMm5GRQKSCMVvLyl4rFw==</send></participantstreamassoc>
<participantstreamassoc participant_id="zSfPoSvdSDCmU3A3TRDxAw=="><send>i1Pz3to5hGk8fuXl+PbwCw==</send></participantstreamassoc>
</recording>"#;

fn sdp(labels: bool) -> String {
    let label = |n| if labels { format!("a=label:{n}\r\n") } else { String::new() };
    format!(
        "v=0\r\no=src 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio 23000 RTP/AVP 8\r\na=sendonly\r\n{}m=audio 23002 RTP/AVP 8\r\na=sendonly\r\n{}",
        label(96),
        label(97)
    )
}

/// Content type and body of an offer.
fn body(labels: bool, metadata: bool) -> (&'static str, String) {
    if !metadata {
        return ("application/sdp", sdp(labels));
    }
    let xml = METADATA.replace('\n', "\r\n");
    let body = format!(
        "--foobar\r\nContent-Type: application/sdp\r\n\r\n{}\r\n--foobar\r\n\
         Content-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n{xml}\r\n--foobar--\r\n",
        sdp(labels)
    );
    ("multipart/mixed;boundary=foobar", body)
}

/// What `sipp` does: calls, is answered, is silent while the sound flows, and hangs up.
fn scenario(labels: bool, metadata: bool) -> String {
    let (kind, body) = body(labels, metadata);
    let head = |method: &str, cseq: u32, to: &str| {
        format!(
            "{method} sip:rec@[remote_ip]:[remote_port] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n\
             From: <sip:src@[local_ip]>;tag=[pid]SIPp[call_number]\nTo: <sip:rec@[remote_ip]>{to}\nCall-ID: [call_id]\n\
             CSeq: {cseq} {method}\nContact: <sip:src@[local_ip]:[local_port];transport=[transport]>;+sip.src\nMax-Forwards: 70\n"
        )
    };
    let (invite, tag) = (head("INVITE", 1, ""), "[peer_tag_param]");
    let (ack, bye) = (head("ACK", 1, tag), head("BYE", 2, tag));
    let body = body.replace("\r\n", "\n");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<scenario name=\"src\">\n<send retrans=\"500\"><![CDATA[\n{invite}\
         Require: siprec\nContent-Type: {kind}\nContent-Length: [len]\n\n{body}]]></send>\n\
         <recv response=\"200\"><action><ereg regexp=\"m=audio [1-9][0-9]* RTP/AVP 8.*a=recvonly\" search_in=\"msg\" check_it=\"true\" assign_to=\"1\"/></action></recv>\n\
         <Reference variables=\"1\"/>\n\
         <send><![CDATA[\n{ack}Content-Length: 0\n\n]]></send>\n<pause milliseconds=\"8000\"/>\n\
         <send retrans=\"500\"><![CDATA[\n{bye}Content-Length: 0\n\n]]></send>\n<recv response=\"200\"/>\n</scenario>\n"
    )
}

fn sipp(site: &Site, dir: &Path, transport: &str, scenario: &str) -> Child {
    let file = dir.join(format!("{transport}.xml"));
    std::fs::write(&file, scenario).unwrap();
    let at = site.tap.health().siprec_listening.unwrap().to_string();
    let log = std::fs::File::create(dir.join(format!("{transport}.log"))).unwrap();
    Command::new("sipp")
        .args(["-sf", file.to_str().unwrap(), "-i", "127.0.0.1", "-t", transport, "-m", "1", "-nostdin", &at])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn ffmpeg(hertz: u32, port: u16) -> Child {
    let tone = format!("sine=frequency={hertz}:sample_rate=8000:duration=3");
    let to = format!("rtp://127.0.0.1:{port}");
    Command::new("ffmpeg")
        .args([
            "-v", "error", "-re", "-f", "lavfi", "-i", &tone, "-ac", "1", "-c:a", "pcm_alaw", "-f", "rtp",
            &to,
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn pitch(samples: &[i16]) -> f64 {
    let from = samples.iter().position(|s| s.unsigned_abs() > 1_000).expect("not silent");
    let heard = &samples[from + 4_000..from + 20_000];
    heard.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count() as f64 / 2.0
}

/// `sipp` calls by UDP and TCP, with metadata, without it, and without labels; `ffmpeg` sends the sound of both
/// sides. Each session is one call with both tones on their sides, and all that was told of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sipp_and_ffmpeg() {
    if !has("sipp") || !has("ffmpeg") {
        println!("skipped: needs sipp (sip-tester) and ffmpeg");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (transport, labels, metadata) in [("u1", true, true), ("t1", true, false), ("u1", false, false)] {
        let data = tempfile::tempdir().unwrap();
        let ports = free_ports();
        let mut site = Site::start(data.path(), with_siprec(ports)).await;
        let mut client = sipp(&site, dir.path(), transport, &scenario(labels, metadata));
        let log = dir.path().join(format!("{transport}.log"));
        until("the session is up", || {
            let ended = client.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?} {}", std::fs::read_to_string(&log).unwrap());
            site.tap.health().active_calls == 1
        })
        .await;
        let mut sounds = [ffmpeg(440, ports[0]), ffmpeg(700, ports[0] + 2)];
        let report = site.report().await;
        assert!(client.wait().unwrap().success(), "{}", std::fs::read_to_string(&log).unwrap());
        sounds.iter_mut().for_each(|sound| assert!(sound.wait().unwrap().success()));
        let (rate, left, right) = sides(&report);
        let subject = call_of(&report);
        println!("{transport}: {} ms, {} and {} Hz", subject.duration_ms, pitch(&left), pitch(&right));
        assert_eq!((rate, &subject.legs[..]), (8_000, &[Leg::Caller, Leg::Operator][..]));
        // The metadata says that the first stream is the seat's.
        let (first, second) = if metadata { (&right, &left) } else { (&left, &right) };
        assert!((pitch(first) - 440.0).abs() < 3.0 && (pitch(second) - 700.0).abs() < 3.0);
        assert!((2_800..9_000).contains(&subject.duration_ms));
        let told = (subject.caller_masked.as_deref(), subject.seat.as_deref());
        assert_eq!(told, if metadata { (Some("138****1234"), Some("一号坐席")) } else { (None, None) });
        site.quiet().await;
        site.stop().await;
    }
}

struct Client {
    socket: UdpSocket,
    call: String,
    cseq: u32,
}

impl Client {
    fn new(site: &Site, call: &str) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(site.tap.health().siprec_listening.unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        Self { socket, call: call.to_owned(), cseq: 0 }
    }

    fn request(&self, method: &str, more: &str, body: &str) -> String {
        format!(
            "{method} sip:rec@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{}\r\nFrom: <sip:a@b>;tag=f\r\n\
             To: <sip:rec@127.0.0.1>\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
            self.cseq,
            self.call,
            self.cseq,
            body.len()
        )
    }

    /// The answer to a datagram.
    fn ask(&self, datagram: &[u8]) -> String {
        self.socket.send(datagram).unwrap();
        let mut buffer = [0; 8_192];
        let count = self.socket.recv(&mut buffer).expect("an answer in time");
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }

    fn say(&mut self, method: &str, more: &str, body: &str) -> String {
        self.cseq += 1;
        self.ask(self.request(method, more, body).as_bytes())
    }

    fn acknowledge(&self) {
        self.socket.send(self.request("ACK", "", "").as_bytes()).unwrap();
    }
}

fn ports_of(answer: &str) -> Vec<u16> {
    answer.lines().filter_map(|l| l.strip_prefix("m=audio ")?.split(' ').next()?.parse().ok()).collect()
}

fn packet(sequence: u16, timestamp: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 8];
    packet.extend(sequence.to_be_bytes());
    packet.extend(timestamp.to_be_bytes());
    packet.extend(7_u32.to_be_bytes());
    packet.extend(payload);
    packet
}

/// Twenty milliseconds of A-law, never silent.
fn payload(n: usize, seed: usize) -> Vec<u8> {
    (0..160).map(|i| ((n * 31 + i * 7 + seed) % 200 + 1) as u8).collect()
}

fn unpacked(payload: &[u8]) -> Vec<i16> {
    payload.iter().map(|packed| expand(Law::A, *packed)).collect()
}

/// Packets that come swapped, doubled, late and not at all: every sample is in its place, what was lost is silence,
/// and a side that was silent from the start until then stays in step. What metadata tells in mid-call is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_in_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), with_siprec(free_ports())).await;
    let mut client = Client::new(&site, "place@test");
    let answer = client.say("INVITE", "Content-Type: application/sdp\r\n", &sdp(true));
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    assert!(answer.contains("a=label:96") && answer.contains("a=label:97") && answer.contains("a=recvonly"));
    client.acknowledge();
    let ports = ports_of(&answer);
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let start = Instant::now();
    let mut late = Vec::new();
    for n in 0..100_usize {
        sleep_until(start + Duration::from_millis(20 * n as u64)).await;
        for (side, port) in ports.iter().enumerate() {
            let one = packet((65_500 + n) as u16, n as u32 * 160, &payload(n, side));
            match n {
                // Swapped with the next.
                20 | 50 => late.push((one, *port)),
                21 | 51 => {
                    sender.send_to(&one, ("127.0.0.1", *port)).unwrap();
                    let (earlier, port) = late.remove(0);
                    sender.send_to(&earlier, ("127.0.0.1", port)).unwrap();
                }
                // Lost.
                30..35 if side == 0 => {}
                40 => {
                    sender.send_to(&one, ("127.0.0.1", *port)).unwrap();
                    sender.send_to(&one, ("127.0.0.1", *port)).unwrap();
                    sender.send_to(b"no sound", ("127.0.0.1", *port)).unwrap();
                }
                _ => drop(sender.send_to(&one, ("127.0.0.1", *port)).unwrap()),
            }
        }
        if n == 60 {
            let (kind, body) = body(true, true);
            let answer = client.say("INVITE", &format!("Content-Type: {kind}\r\n"), &body);
            assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
            assert_eq!(ports_of(&answer), ports, "streams stay where they are");
            client.acknowledge();
        }
    }
    assert!(client.say("BYE", "", "").starts_with("SIP/2.0 200 "));
    let report = site.report().await;
    // The metadata made the first stream that of the seat.
    let (_, left, right) = sides(&report);
    let whole = |side: usize| (0..100).flat_map(|n| unpacked(&payload(n, side))).collect::<Vec<_>>();
    let mut first = whole(0);
    first[30 * 160..35 * 160].fill(0);
    let (at_left, at_right) = (offset_of(&left, &whole(1)), offset_of(&right, &first));
    assert!(at_left.abs_diff(at_right) <= 800, "{at_left} {at_right}");
    let subject = call_of(&report);
    assert_eq!(
        (subject.caller_masked.as_deref(), subject.seat.as_deref()),
        (Some("138****1234"), Some("一号坐席"))
    );
    site.quiet().await;
    site.stop().await;
}

/// Whatever comes in place of an INVITE gets its answer, or none, and the session that is up hears nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_harm_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { max_calls: 2, ..with_siprec(free_ports()) }).await;
    let mut good = Client::new(&site, "good@test");
    let sdp_type = "Content-Type: application/sdp\r\n";
    let answer = good.say("INVITE", sdp_type, &sdp(false));
    assert_eq!(ports_of(&answer).len(), 2, "{answer}");
    // Sent again, it is answered the same, and nothing begins anew.
    assert_eq!(good.ask(good.request("INVITE", sdp_type, &sdp(false)).as_bytes()), answer);
    good.acknowledge();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = ports_of(&answer)[0];
    let mut sent = 0_usize;
    let mut sound = |count: usize| {
        for n in sent..sent + count {
            sender.send_to(&packet(n as u16, n as u32 * 160, &payload(n, 0)), ("127.0.0.1", port)).unwrap();
        }
        sent += count;
    };
    sound(10);

    let mut bad = Client::new(&site, "bad@test");
    for (method, more, body, status) in [
        ("INVITE", "", "", 488),
        ("INVITE", sdp_type, "v=0\r\n", 488),
        ("INVITE", sdp_type, "v=0\r\nm=audio 4000 RTP/AVP 9\r\n", 488),
        ("INVITE", sdp_type, "v=0\r\nm=audio 4000 RTP/AVP 8\r\na=recvonly\r\n", 488),
        ("INVITE", "Content-Type: multipart/mixed\r\n", "--x\r\n", 488),
        ("INVITE", "Require: 100rel\r\n", "", 420),
        ("BYE", "", "", 481),
        ("UPDATE", "", "", 481),
        ("MESSAGE", "", "", 405),
        ("OPTIONS", "", "", 200),
    ] {
        let answer = bad.say(method, more, body);
        assert!(answer.starts_with(&format!("SIP/2.0 {status} ")), "{method} {body:?}: {answer}");
    }
    for missing in ["From", "To", "Call-ID", "CSeq"] {
        let whole = bad.request("INVITE", "", "");
        let cut: String = whole.split_inclusive("\r\n").filter(|l| !l.starts_with(missing)).collect();
        let answer = bad.ask(cut.as_bytes());
        assert!(answer.starts_with("SIP/2.0 400 Missing "), "{missing}: {answer}");
    }
    let refused = site.tap.health().refused_total;
    for nothing in [&b""[..], b"\0\x01\x02", b"INVITE", b"SIP/2.0 200 OK\r\n\r\n", &vec![b'a'; 60_000]] {
        bad.socket.send(nothing).unwrap();
    }
    let cut = bad.request("INVITE", sdp_type, "v=0").replace("Content-Length: 3", "Content-Length: 9000");
    bad.socket.send(cut.as_bytes()).unwrap();
    until("they are refused", || site.tap.health().refused_total >= refused + 4).await;
    // Many connections that say nothing, or half a request.
    let at = site.tap.health().siprec_listening.unwrap();
    let silent: Vec<_> = (0..100)
        .map(|n| {
            use std::io::Write;
            let mut stream = std::net::TcpStream::connect(at).unwrap();
            let _ = stream.write_all(if n % 2 == 0 { b"INVITE sip:x SIP/2.0\r\n" } else { b"" });
            stream
        })
        .collect();
    // There is room for one more call, and no port for it: the range holds two streams.
    assert!(bad.say("INVITE", sdp_type, &sdp(false)).starts_with("SIP/2.0 488 all ports"));

    sound(10);
    assert!(good.say("BYE", "", "").starts_with("SIP/2.0 200 "));
    drop(silent);
    let report = site.report().await;
    let want: Vec<i16> = (0..20).flat_map(|n| unpacked(&payload(n, 0))).collect();
    let (_, left, _) = sides(&report);
    let begin = left.iter().position(|s| *s != 0).unwrap();
    let heard: Vec<i16> = left[begin..].iter().copied().filter(|s| *s != 0).collect();
    assert_eq!(heard, want);
    site.quiet().await;
    site.stop().await;
}

/// No more sessions than calls are allowed; a session that ends makes room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_limited() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::start(dir.path(), CallConfig { max_calls: 1, ..with_siprec(free_ports()) }).await;
    let sdp_type = "Content-Type: application/sdp\r\n";
    let one = "v=0\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n";
    let mut first = Client::new(&site, "one@test");
    assert!(first.say("INVITE", sdp_type, one).starts_with("SIP/2.0 200 "));
    first.acknowledge();
    let mut second = Client::new(&site, "two@test");
    let answer = second.say("INVITE", sdp_type, one);
    assert!(answer.starts_with("SIP/2.0 503 ") && answer.contains("Retry-After: 30"), "{answer}");
    assert!(first.say("BYE", "", "").starts_with("SIP/2.0 200 "));
    assert_eq!(call_of(&site.report().await).duration_ms, 0);
    assert!(second.say("INVITE", sdp_type, one).starts_with("SIP/2.0 200 "));
    second.acknowledge();
    assert!(second.say("BYE", "", "").starts_with("SIP/2.0 200 "));
    site.report().await;
    site.quiet().await;
    site.stop().await;
}
