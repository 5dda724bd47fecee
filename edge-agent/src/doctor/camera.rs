//! Cameras: whether each shows a picture, and what time it thinks it is.
//!
//! A camera's time is burnt into its picture, so a wrong one spoils evidence. It is read from the `Date` of its RTSP
//! answers (RFC 7826), or asked of ONVIF's `GetSystemDateAndTime`, which needs no password.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Clock, SystemClock, UtcMs};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Finding, bad, good, warning};
use crate::camera::{self, CameraConfig, Role, Source, host_and_port};
use crate::config::Config;

/// How long a camera may take to show its first picture.
const PICTURE: Duration = Duration::from_secs(15);
/// How long it may take to tell its time.
const ANSWER: Duration = Duration::from_secs(3);
/// More than this is no answer.
const MAX_ANSWER_BYTES: u64 = 16 * 1024;
/// A camera's clock this far from ours is worth a word; `Date` has whole seconds only.
const SKEW_MS: i64 = 5_000;

/// All cameras at once: one that hangs does not hold up the others.
pub(super) async fn examine(config: &Config) -> Vec<Finding> {
    let looks: Vec<_> =
        config.cameras.iter().map(|watched| tokio::spawn(look_at(watched.camera.clone()))).collect();
    let mut findings = Vec::new();
    for look in looks {
        match look.await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(bad("camera", error.to_string(), "report this")),
        }
    }
    findings
}

/// Each of its streams alone: one does not stand in for the other here.
async fn look_at(config: CameraConfig) -> Vec<Finding> {
    let id = config.id.clone();
    let mut findings = Vec::new();
    for role in [Role::Main, Role::Sub] {
        let Some(stream) = config.only(role) else { continue };
        let what = match role {
            Role::Main => format!("camera {id}"),
            Role::Sub => format!("camera {id}, sub stream"),
        };
        findings.push(look_at_stream(what, stream).await);
    }
    if let (true, Ok(Source::Rtsp(url))) = (findings[0].verdict == super::Verdict::Good, config.url.source())
    {
        findings.push(clock(&format!("camera {id} clock"), theirs(&url, 80).await));
    }
    findings
}

async fn look_at_stream(what: String, config: CameraConfig) -> Finding {
    let url = config.url.to_string();
    let probe =
        tokio::task::spawn_blocking(move || camera::probe(&config, Arc::new(SystemClock::new()), PICTURE));
    match probe.await.map_err(anyhow::Error::from).and_then(|probe| probe) {
        Ok(p) => good(
            what,
            format!(
                "{url} shows {:?}, {}×{}, after {:.1} s{}",
                p.codec,
                p.width,
                p.height,
                p.first_picture_ms as f64 / 1_000.0,
                p.decoder.map_or_else(String::new, |d| format!(", decoded by {} ({})", d.name, d.kind()))
            ),
        ),
        Err(error) => {
            let words = format!("{error:#}");
            bad(what, format!("{url}: {words}"), hint(&words))
        }
    }
}

/// What to do about a camera that says so of itself.
fn hint(words: &str) -> &'static str {
    if words.contains("certificate") {
        "compare the SHA-256 above with the one on the camera's own page before you write it as tls_fingerprint"
    } else if words.contains("username and password") {
        "set username and password of this camera as its own page has them; some lock out after a few wrong ones"
    } else if words.contains("no stream at this path") {
        "correct what follows the host in url: the maker's manual names the path; try the address in VLC"
    } else {
        "check cable and power, then the address and port in url; try the address in VLC"
    }
}

/// What the camera says the time is, and ours at that moment.
type Times = (UtcMs, UtcMs);

async fn theirs(url: &str, onvif_port: u16) -> Option<Times> {
    let (host, port) = host_and_port(url)?;
    if !url.starts_with("rtsp://") {
        return onvif_time(host, onvif_port).await;
    }
    match rtsp_date(host, port, url).await {
        Some(times) => Some(times),
        None => onvif_time(host, onvif_port).await,
    }
}

fn clock(what: &str, times: Option<Times>) -> Finding {
    let Some((theirs, ours)) = times else {
        let hint = "compare the time in its picture with this box's".to_owned();
        return Finding { hint: Some(hint), ..good(what, "the camera does not tell its time") };
    };
    let skew_ms = theirs.since_ms(ours);
    if skew_ms.abs() <= SKEW_MS {
        return good(what, "agrees with this box's");
    }
    let way = if skew_ms > 0 { "ahead of" } else { "behind" };
    warning(
        what,
        format!("{} s {way} this box's", skew_ms.abs() / 1_000),
        "let the camera take its time from the same NTP server as this box: its picture shows its own",
    )
}

/// One request over TCP; everything up to the end of its headers, or of the connection.
async fn exchange(host: &str, port: u16, request: String, whole: bool) -> Option<(String, UtcMs)> {
    let asking = async {
        let mut stream = TcpStream::connect((host, port)).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        let mut stream = stream.take(MAX_ANSWER_BYTES);
        while stream.read_buf(&mut answer).await.ok()? > 0 {
            if !whole && answer.windows(4).any(|w| w == b"\r\n\r\n") {
                break;
            }
        }
        Some((String::from_utf8_lossy(&answer).into_owned(), SystemClock::new().now()))
    };
    timeout(ANSWER, asking).await.ok()?
}

/// `Date` of the answer to `OPTIONS`, which no camera asks a password for.
async fn rtsp_date(host: &str, port: u16, url: &str) -> Option<Times> {
    let path = url.strip_prefix("rtsp://")?.split_once('/').map_or("", |(_, path)| path);
    let name = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let request = format!(
        "OPTIONS rtsp://{name}:{port}/{path} RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: shaodian-doctor\r\n\r\n"
    );
    let (answer, ours) = exchange(host, port, request, false).await?;
    let date = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("date").then(|| value.trim())
    })?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond();
    Some((UtcMs(theirs), ours))
}

/// ONVIF Core, 8.3.5: `GetSystemDateAndTime` of the device service.
async fn onvif_time(host: &str, port: u16) -> Option<Times> {
    let body = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body>\
        <GetSystemDateAndTime xmlns=\"http://www.onvif.org/ver10/device/wsdl\"/></s:Body></s:Envelope>";
    let request = format!(
        "POST /onvif/device_service HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/soap+xml; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let (answer, ours) = exchange(host, port, request, true).await?;
    Some((read_onvif(&answer)?, ours))
}

/// The `UTCDateTime` of the answer; prefixes of names differ between makers.
fn read_onvif(answer: &str) -> Option<UtcMs> {
    let utc = &answer[answer.find("UTCDateTime")?..];
    let number = |name: &str| -> Option<i16> {
        let after = &utc[utc.find(&format!("{name}>"))? + name.len() + 1..];
        after.split('<').next()?.trim().parse().ok()
    };
    let small = |name: &str| i8::try_from(number(name)?).ok();
    let date = jiff::civil::DateTime::new(
        number("Year")?,
        small("Month")?,
        small("Day")?,
        small("Hour")?,
        small("Minute")?,
        small("Second")?,
        0,
    );
    let at = jiff::tz::TimeZone::UTC.to_timestamp(date.ok()?).ok()?;
    Some(UtcMs(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    const ONVIF: &str = "HTTP/1.1 200 OK\r\n\r\n<tds:SystemDateAndTime><tt:TimeZone><tt:TZ>CST-8</tt:TZ></tt:TimeZone>\
        <tt:UTCDateTime><tt:Time><tt:Hour>6</tt:Hour><tt:Minute>31</tt:Minute><tt:Second>20</tt:Second></tt:Time>\
        <tt:Date><tt:Year>2026</tt:Year><tt:Month>3</tt:Month><tt:Day>18</tt:Day></tt:Date></tt:UTCDateTime>\
        <tt:LocalDateTime><tt:Time><tt:Hour>14</tt:Hour></tt:Time></tt:LocalDateTime></tds:SystemDateAndTime>";

    /// Answers one connection with a text and gives the port and what it was asked.
    async fn camera(answer: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..read]).into_owned()
        });
        (port, asked)
    }

    /// A camera's time comes from its RTSP answers; the password is not sent for it.
    #[tokio::test]
    async fn rtsp_tells_the_time() {
        let (port, asked) =
            camera("RTSP/1.0 200 OK\r\nCSeq: 1\r\nDate: Wed, 18 Mar 2026 06:31:20 GMT\r\n\r\n").await;
        let (at, _) = theirs(&format!("rtsp://admin:hush@127.0.0.1:{port}/live"), 1).await.unwrap();
        assert_eq!(at, UtcMs(1_773_815_480_000));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with(&format!("OPTIONS rtsp://127.0.0.1:{port}/live RTSP/1.0")), "{asked}");
        assert!(!asked.contains("hush"));
    }

    /// One that does not say it there is asked by ONVIF; one that says it nowhere is no failure.
    #[tokio::test]
    async fn onvif_tells_the_time() {
        let (rtsp, _asked) = camera("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n").await;
        let (onvif, asked) = camera(ONVIF).await;
        let (at, _) = theirs(&format!("rtsp://127.0.0.1:{rtsp}/live"), onvif).await.unwrap();
        assert_eq!(at, UtcMs(1_773_815_480_000));
        assert!(asked.await.unwrap().contains("GetSystemDateAndTime"));
        let finding = clock("camera gate clock", None);
        assert_eq!(finding.verdict, Verdict::Good);
        assert!(finding.hint.is_some());
    }

    /// An hour ahead is told with its direction; a few seconds are not.
    #[test]
    fn a_wrong_clock_is_told() {
        let finding = clock("camera gate clock", Some((UtcMs(3_600_000), UtcMs(0))));
        assert_eq!(
            (finding.verdict, finding.found.as_str()),
            (Verdict::Warning, "3600 s ahead of this box's")
        );
        assert_eq!(clock("x", Some((UtcMs(0), UtcMs(4_000)))).verdict, Verdict::Good);
    }
}
