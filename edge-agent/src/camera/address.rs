//! Where a camera is: kept whole, shown without what may be secret.
//!
//! Cameras are reached with passwords, and these stand in the address itself: before the host, in the query, or, as
//! some makers have it, in the path (`/user=admin&password=…`). What is shown to people, logs and the hub ends where
//! such a thing may begin. Texts of others, an error of GStreamer say, are cleaned by [`CameraConfig::clean`].

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::config::CameraConfig;

/// What stands for the part that is not shown.
const HIDDEN: &str = "…";
/// Shorter pieces occur in any text; replacing them would only spoil it.
const SHORTEST: usize = 3;

/// The `url` of a camera. Prints without user, password and query.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

/// What an address names. RTSP in the clear or over TLS, as its scheme says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Rtsp(String),
    File(PathBuf),
    /// A device node.
    V4l2(String),
    /// A moving test picture; the pattern is one of `videotestsrc`.
    Test(String),
}

impl Address {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// With its secrets, for whoever connects.
    pub fn whole(&self) -> &str {
        &self.0
    }

    /// Scheme with its slashes, and the rest.
    fn parts(&self) -> (&str, &str) {
        self.0.find("://").map_or(("", self.0.as_str()), |at| self.0.split_at(at + 3))
    }

    /// What may be secret in it: what stands before the host, and what follows the path.
    fn secrets(&self) -> [&str; 2] {
        let (scheme, rest) = self.parts();
        let written_as_file = matches!(scheme, "" | "file://");
        // A file's name may hold anything, but `user:password@host` without a scheme is a slip, and no file.
        let before = rest.rfind('@').filter(|at| !written_as_file || rest[..*at].contains(':'));
        if matches!(scheme, "v4l2://" | "test://") || (written_as_file && before.is_none()) {
            return ["", ""];
        }
        let place = before.map_or(rest, |at| &rest[at + 1..]);
        let path = place.find(['/', '?']).unwrap_or(place.len());
        let end = place[path..].find(['?', '&', '=', ';', ':']).map_or(place.len(), |at| path + at);
        [before.map_or("", |at| &rest[..at]), &place[end..]]
    }

    /// As it leaves the box in a configuration: whole, but for what may be secret.
    pub(crate) fn veiled(&self) -> String {
        let (scheme, rest) = self.parts();
        let [before, after] = self.secrets();
        let place = if before.is_empty() { rest } else { &rest[before.len() + 1..] };
        let shown = &place[..place.len() - after.len()];
        let [before, after] =
            [before, after].map(|secret| if secret.is_empty() { "" } else { protocol::HIDDEN });
        let at = if before.is_empty() { "" } else { "@" };
        format!("{scheme}{before}{at}{shown}{after}")
    }

    pub fn source(&self) -> Result<Source, String> {
        let url = self.0.as_str();
        let Some((scheme, rest)) = url.split_once("://") else {
            return if url.trim().is_empty() {
                Err("is empty: write rtsp://HOST/PATH, a file, v4l2:///dev/video0 or test://".into())
            } else {
                Ok(Source::File(PathBuf::from(url)))
            };
        };
        match scheme {
            "rtsp" | "rtsps" if rest.is_empty() || rest.starts_with('/') => {
                Err(format!("has no host: write {scheme}://HOST/PATH"))
            }
            "rtsp" | "rtsps" => Ok(Source::Rtsp(url.to_owned())),
            "file" if rest.starts_with('/') => Ok(Source::File(PathBuf::from(rest))),
            "file" => Err("a file address has three slashes: file:///PATH".into()),
            "v4l2" if rest.starts_with("/dev/") => Ok(Source::V4l2(rest.to_owned())),
            "v4l2" => Err("name the device node: v4l2:///dev/video0".into()),
            "test" => Ok(Source::Test(if rest.is_empty() { "ball".to_owned() } else { rest.to_owned() })),
            other if other.chars().all(char::is_alphanumeric) => {
                Err(format!("{other:?} is not one of rtsp, rtsps, file, v4l2, test"))
            }
            _ => Err("does not begin with one of rtsp://, rtsps://, file://, v4l2://, test://".into()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.parts();
        let [before, after] = self.secrets();
        let place = if before.is_empty() { rest } else { &rest[before.len() + 1..] };
        let shown = &place[..place.len() - after.len()];
        write!(f, "{scheme}{shown}{}", if after.is_empty() { "" } else { HIDDEN })
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A password that does not print.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl CameraConfig {
    /// The text without anything that only this camera's address or password can have brought into it. For words
    /// that others wrote and that leave this camera: its health goes into logs, to local pages and to the hub.
    pub(crate) fn clean(&self, text: &str) -> String {
        let own = self.password.as_ref().map_or("", |password| password.0.as_str());
        let mut clean = text.to_owned();
        for url in [Some(&self.url), self.sub_url.as_ref()].into_iter().flatten() {
            let shown = url.to_string();
            if shown != url.whole() {
                clean = clean.replace(url.whole(), &shown);
            }
            let [before, after] = url.secrets();
            let in_address = before.split_once(':').map_or("", |(_, password)| password);
            for piece in [before, after, in_address, own] {
                if piece.len() >= SHORTEST {
                    clean = clean.replace(piece, HIDDEN);
                }
            }
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each address an installer may write is understood as meant, and a wrong one is refused with words.
    #[test]
    fn addresses() {
        let source = |url: &str| Address::new(url).source();
        assert_eq!(source("rtsp://10.0.0.9/live"), Ok(Source::Rtsp("rtsp://10.0.0.9/live".into())));
        assert_eq!(source("file:///a/b.mp4"), Ok(Source::File("/a/b.mp4".into())));
        assert_eq!(source("a/b.mp4"), Ok(Source::File("a/b.mp4".into())));
        assert_eq!(source("v4l2:///dev/video0"), Ok(Source::V4l2("/dev/video0".into())));
        assert_eq!(source("test://"), Ok(Source::Test("ball".into())));
        assert_eq!(source("rtsps://10.0.0.9/live"), Ok(Source::Rtsp("rtsps://10.0.0.9/live".into())));
        for bad in ["", "rtsp://", "rtsp:///x", "rtsps:///x", "file://x", "v4l2://x", "http://h/x"] {
            assert!(source(bad).is_err(), "{bad} was taken");
        }
        let slip = source("admin:hush@10.0.0.9://live").unwrap_err();
        assert!(!slip.contains("hush"), "{slip}");
    }

    /// Whatever an installer or a camera's maker puts into an address, what is shown names the camera and none of
    /// it: not as text, not in a debug print, not in the words of others.
    #[test]
    fn secrets_do_not_print() {
        for (url, shown) in [
            ("rtsp://10.0.0.9:554/Streaming/Channels/101", "rtsp://10.0.0.9:554/Streaming/Channels/101"),
            ("rtsp://admin:hush@10.0.0.9:554/live", "rtsp://10.0.0.9:554/live"),
            ("rtsp://admin:hu/sh@10.0.0.9/live", "rtsp://10.0.0.9/live"),
            ("rtsp://admin:hu@hush@10.0.0.9", "rtsp://10.0.0.9"),
            ("rtsp://admin:hu?sh@10.0.0.9/live", "rtsp://10.0.0.9/live"),
            ("rtsp://admin:hush@[fe80::1]:8554/live", "rtsp://[fe80::1]:8554/live"),
            ("rtsp://10.0.0.9/user=admin&password=hush&channel=1", "rtsp://10.0.0.9/user…"),
            ("rtsp://10.0.0.9:554/live?user=admin&pwd=hush", "rtsp://10.0.0.9:554/live…"),
            ("rtsp://10.0.0.9/admin:hush/ch1", "rtsp://10.0.0.9/admin…"),
            ("rtsp://10.0.0.9?password=hush", "rtsp://10.0.0.9…"),
            ("rtsps://admin:hush@10.0.0.9/live", "rtsps://10.0.0.9/live"),
            ("rtps://admin:hush@10.0.0.9/live", "rtps://10.0.0.9/live"),
            ("admin:hush@10.0.0.9/live", "10.0.0.9/live"),
            ("file:///data/day=3/gate@noon.mp4", "file:///data/day=3/gate@noon.mp4"),
            ("v4l2:///dev/video0", "v4l2:///dev/video0"),
        ] {
            let config = CameraConfig::new("gate".parse().unwrap(), url);
            let debug = format!("{config:?}");
            assert_eq!(config.url.to_string(), shown);
            assert!(
                !debug.contains("hush") && !debug.contains("hu/sh") && !debug.contains("hu?sh"),
                "{debug}"
            );
            let words = config.clean(&format!("Could not open {url}: no route to host"));
            assert!(!words.contains("hush") && words.contains("no route to host"), "{words}");
        }
        let mut config = CameraConfig::new("gate".parse().unwrap(), "rtsp://10.0.0.9/live");
        config.password = Some(Secret("hush".into()));
        assert!(!format!("{config:?}").contains("hush"));
        config.sub_url = Some(Address::new("rtsp://admin:quiet@10.0.0.9/sub"));
        assert_eq!(config.clean("401 for viewer, hush, quiet"), "401 for viewer, …, …");
    }
}
