//! When to connect again. The pause grows with each failure, but never so far that a camera that is back would wait:
//! while it does not even take a connection, that alone is tried, often and cheaply, and the first that it takes ends
//! the pause.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use protocol::Clock;

use super::address::Source;
use super::stop::Stop;
use super::stream::Stream;

const FIRST: Duration = Duration::from_millis(500);
/// A camera that takes connections and fails all the same: it is starting, or holds its former session still.
const MOST: Duration = Duration::from_secs(2);
/// One that refuses the password: many lock the account after a few attempts.
const MOST_REFUSED: Duration = Duration::from_secs(60);
/// Between two knocks at a camera that is gone.
const KNOCK_EVERY: Duration = Duration::from_millis(500);
const KNOCK_LIMIT: Duration = Duration::from_secs(1);
/// The reason why it is not reached is found out anew this often.
const KNOCKING_MOST_MS: u64 = 30_000;
/// A session that lasted so long was none of the failures in a row.
const GOOD_MS: u64 = 10_000;

/// The pauses of one stream.
#[derive(Debug)]
pub(super) struct Retry {
    pause: Duration,
}

impl Retry {
    pub(super) fn new() -> Self {
        Self { pause: FIRST }
    }

    /// The pause after a failure; grows.
    fn next(&mut self, lasted_ms: u64, refused: bool) -> Duration {
        if lasted_ms > GOOD_MS {
            self.pause = FIRST;
        }
        let most = if refused { MOST_REFUSED } else { MOST };
        let pause = self.pause.min(most);
        self.pause = (pause * 2).min(most);
        pause
    }

    /// Waits until another attempt is due. `lasted_ms`: the session that failed; `refused`: for its password.
    pub(super) fn wait(
        &mut self,
        stream: &Stream,
        clock: &dyn Clock,
        stop: &Stop,
        lasted_ms: u64,
        refused: bool,
    ) {
        if stop.wait(self.next(lasted_ms, refused)) {
            return;
        }
        let Ok(Source::Rtsp(url)) = stream.url.source() else { return };
        let Some((host, port)) = host_and_port(&url) else { return };
        let began_ms = clock.uptime_ms();
        while !answers(host, port) {
            // It was away: what it refuses from now on is the new camera's word.
            self.pause = FIRST;
            if clock.uptime_ms().saturating_sub(began_ms) > KNOCKING_MOST_MS || stop.wait(KNOCK_EVERY) {
                return;
            }
        }
    }
}

fn answers(host: &str, port: u16) -> bool {
    let Ok(addresses) = (host, port).to_socket_addrs() else { return false };
    addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, KNOCK_LIMIT).is_ok())
}

/// Of `rtsp://user:password@host:port/path`, or `rtsps://…`.
pub(crate) fn host_and_port(url: &str) -> Option<(&str, u16)> {
    let (scheme, rest) = url.split_once("://")?;
    let usual = match scheme {
        "rtsp" => 554,
        "rtsps" => 322,
        _ => return None,
    };
    let authority = rest.split('/').next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    match place.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.ends_with(']') => {
            Some((host.trim_matches(['[', ']']), port.parse().ok()?))
        }
        _ => Some((place.trim_matches(['[', ']']), usual)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pauses grow to two seconds, a refused password's to a minute, and begin anew after a good session.
    #[test]
    fn pauses_are_bounded() {
        let mut retry = Retry::new();
        let ms = |pause: Duration| pause.as_millis();
        let failed: Vec<_> = (0..5).map(|_| ms(retry.next(100, false))).collect();
        assert_eq!(failed, [500, 1_000, 2_000, 2_000, 2_000]);
        assert_eq!(ms(retry.next(60_000, false)), 500);
        let refused: Vec<_> = (0..8).map(|_| ms(retry.next(100, true))).collect();
        assert_eq!(refused, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(ms(retry.next(100, false)), 2_000, "it no longer refuses");
    }

    /// Host and port of every form of address an installer may write.
    #[test]
    fn addresses() {
        for (url, expected) in [
            ("rtsp://10.0.0.9/live", Some(("10.0.0.9", 554))),
            ("rtsps://10.0.0.9/live", Some(("10.0.0.9", 322))),
            ("rtsp://10.0.0.9:8554/live", Some(("10.0.0.9", 8554))),
            ("rtsp://admin:p@ss:word@cam.local:8554/a:b", Some(("cam.local", 8554))),
            ("rtsp://[fe80::1]:8554/live", Some(("fe80::1", 8554))),
            ("rtsp://[fe80::1]/live", Some(("fe80::1", 554))),
            ("rtsp://host", Some(("host", 554))),
            ("http://host/x", None),
        ] {
            assert_eq!(host_and_port(url), expected, "{url}");
        }
    }
}
