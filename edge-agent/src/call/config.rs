//! `[calls]` of the box's configuration.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use crate::camera::PlaceConfig;
use crate::config::{Wrong, within};

/// The call tap runs only where the section is present; every key has a default.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallConfig {
    /// Where the exchange connects with AudioSocket (TCP).
    pub audiosocket_listen: SocketAddr,
    /// Where the exchange connects by WebSocket (`/v1/audio`); unset = it does not.
    pub websocket_listen: Option<SocketAddr>,
    /// Where clients of a Vosk server connect, and get the words of their leg back; unset = they do not.
    pub vosk_listen: Option<SocketAddr>,
    /// Where clients of a FunASR server connect, and get the words of their leg back; unset = they do not.
    pub funasr_listen: Option<SocketAddr>,
    /// Where the exchange's recording client calls (SIPREC; UDP and TCP); unset = it does not.
    pub siprec_listen: Option<SocketAddr>,
    /// First and last UDP port for the sound of SIPREC sessions.
    pub siprec_rtp_ports: [u16; 2],
    /// Where the exchange tells who calls (`PUT /v1/calls/{uuid}`).
    pub api_listen: SocketAddr,
    /// Recordings that are dropped into this folder, or uploaded (`POST /v1/recordings`), become calls; unset = none
    /// do.
    pub inbox: Option<PathBuf>,
    /// Addresses of the exchanges. Others are turned away at both ports; the box itself never is, so empty = an
    /// exchange on this box only.
    pub peers: Vec<IpAddr>,
    /// Seat number → what screens call it. Unlisted seats keep their number.
    pub seats: BTreeMap<String, String>,
    pub place: Option<PlaceConfig>,
    /// Folder name of the speech model to use, or its path; unset = the best one installed.
    pub speech_model: Option<String>,
    /// Words while calls run, where a model for them is installed; they follow after the call otherwise.
    pub live_words: bool,
    /// Folder name or path of the model for words while calls run; unset = `speech_model` if it can, else the best one
    /// installed.
    pub live_model: Option<String>,
    /// Streets, communities and points with their grids, by which what callers say becomes a place; a CSV file
    /// (docs/HOTLINE.md).
    pub gazetteer: Option<PathBuf>,
    /// Callers' numbers are kept, sealed for the hub, so that somebody may call back; masked only otherwise.
    pub contact: bool,
    /// Calls at once; further ones are turned away and counted.
    pub max_calls: usize,
    /// A call is cut into its recording after this long, whatever the exchange does.
    pub max_call_minutes: u64,
    /// A leg that sends no audio for this long is taken as hung up, whatever else it sends.
    pub idle_timeout_s: u64,
    /// How long a call whose legs have all hung up waits for another leg (a transfer) before it is filed.
    pub join_grace_ms: u64,
}

impl Default for CallConfig {
    fn default() -> Self {
        Self {
            audiosocket_listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 9092)),
            websocket_listen: None,
            vosk_listen: None,
            funasr_listen: None,
            siprec_listen: None,
            siprec_rtp_ports: [40_000, 40_999],
            api_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9093)),
            inbox: None,
            peers: Vec::new(),
            seats: BTreeMap::new(),
            place: None,
            speech_model: None,
            live_words: true,
            live_model: None,
            gazetteer: None,
            contact: true,
            max_calls: 64,
            max_call_minutes: 120,
            idle_timeout_s: 10,
            join_grace_ms: 1_500,
        }
    }
}

/// Longest call in minutes: two legs at 16 kHz stay below `protocol::limits::MAX_EVIDENCE_BYTES`.
const MAX_CALL_MINUTES: u64 = 120;

impl CallConfig {
    /// What is wrong with it, beside the health page at `health`; empty when nothing is.
    pub fn problems(&self, health: SocketAddr) -> Wrong {
        let mut found = Wrong::new();
        let ports = self.ports();
        for (key, address) in &ports {
            within(&mut found, key, address.port(), 1..=u16::MAX);
        }
        for (index, (key, address)) in ports.iter().enumerate() {
            let others = ports[..index].iter().copied().chain([("[health] listen", health)]);
            for (name, _) in others.filter(|(_, other)| other == address) {
                found.push((*key, format!("{address} is also {name}; give one of them another port")));
            }
        }
        if let Some(inbox) =
            self.inbox.as_deref().filter(|path| !path.is_absolute() || path.parent().is_none())
        {
            let words = format!("{} must be the whole path of a folder of its own", inbox.display());
            found.push(("inbox", words));
        }
        let [first, last] = self.siprec_rtp_ports;
        if first < 1_024 || last < first.saturating_add(3) {
            let words =
                format!("[{first}, {last}] must be the first and the last of at least 4 ports above 1023");
            found.push(("siprec_rtp_ports", words));
        }
        within(&mut found, "max_calls", self.max_calls, 1..=1_000);
        within(&mut found, "max_call_minutes", self.max_call_minutes, 1..=MAX_CALL_MINUTES);
        within(&mut found, "idle_timeout_s", self.idle_timeout_s, 1..=600);
        within(&mut found, "join_grace_ms", self.join_grace_ms, 0..=60_000);
        found
    }

    /// Every TCP port that the section opens, by its key.
    pub fn ports(&self) -> Vec<(&'static str, SocketAddr)> {
        let mut ports =
            vec![("audiosocket_listen", self.audiosocket_listen), ("api_listen", self.api_listen)];
        ports.extend(self.websocket_listen.map(|address| ("websocket_listen", address)));
        ports.extend(self.vosk_listen.map(|address| ("vosk_listen", address)));
        ports.extend(self.funasr_listen.map(|address| ("funasr_listen", address)));
        ports.extend(self.siprec_listen.map(|address| ("siprec_listen", address)));
        ports
    }

    /// May this address speak to us?
    pub(super) fn admits(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        peer.is_loopback() || self.peers.iter().any(|p| p.to_canonical() == peer)
    }

    /// What screens call a seat.
    pub(super) fn seat(&self, number: &str) -> String {
        self.seats.get(number).cloned().unwrap_or_else(|| number.to_owned())
    }

    /// The longest recording; two legs of it at the rate of recordings stay below the limit of evidence.
    pub(super) fn max_call_ms(&self) -> u64 {
        self.max_call_minutes * 60_000
    }

    /// One line for people who check a configuration.
    pub fn summary(&self) -> String {
        let peers: Vec<String> = self.peers.iter().map(ToString::to_string).collect();
        let from = if peers.is_empty() {
            "this box only (peers is empty)".to_owned()
        } else {
            format!("{} and this box", peers.join(", "))
        };
        let others = [
            ("WebSocket", self.websocket_listen),
            ("Vosk", self.vosk_listen),
            ("FunASR", self.funasr_listen),
            ("SIPREC", self.siprec_listen),
        ];
        let others = others.iter().filter_map(|(name, at)| Some(format!(", {name} on {}", (*at)?)));
        format!("AudioSocket on {}{}, from {from}", self.audiosocket_listen, others.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty section is a working one; a misspelt key is refused by name; each bad value is named.
    #[test]
    fn reads_and_refuses() {
        let empty: CallConfig = toml::from_str("").unwrap();
        assert_eq!(empty, CallConfig::default());
        let health = SocketAddr::from((Ipv4Addr::LOCALHOST, 9464));
        assert_eq!(empty.problems(health), vec![]);
        let error = toml::from_str::<CallConfig>("max_cals = 3").unwrap_err().to_string();
        assert!(error.contains("max_cals"), "{error}");
        let bad: CallConfig = toml::from_str("max_calls = 0\nmax_call_minutes = 500").unwrap();
        let keys: Vec<_> = bad.problems(health).iter().map(|p| p.0).collect();
        assert_eq!(keys, ["max_calls", "max_call_minutes"]);
        for inbox in ["inbox", "", "/"] {
            let bad = CallConfig { inbox: Some(inbox.into()), ..CallConfig::default() };
            assert_eq!(bad.problems(health)[0].0, "inbox");
        }
        let error = toml::from_str::<CallConfig>("websocket_listen = '9094'").unwrap_err().to_string();
        assert!(error.contains("websocket_listen"), "{error}");
        let bad = CallConfig { siprec_rtp_ports: [40_000, 40_001], ..CallConfig::default() };
        assert_eq!(bad.problems(health)[0].0, "siprec_rtp_ports");
        let twice = CallConfig { websocket_listen: Some(empty.audiosocket_listen), ..CallConfig::default() };
        assert_eq!(twice.problems(health)[0].0, "websocket_listen");
        let ports = "vosk_listen = '0.0.0.0:2700'\nfunasr_listen = '0.0.0.0:10095'";
        let clients: CallConfig = toml::from_str(ports).unwrap();
        assert_eq!(clients.problems(health), vec![]);
        let summary = clients.summary();
        assert!(summary.contains("Vosk on 0.0.0.0:2700, FunASR on 0.0.0.0:10095"), "{summary}");
        let twice = CallConfig { vosk_listen: clients.funasr_listen, ..clients };
        assert_eq!(twice.problems(health)[0].0, "funasr_listen");
        let error = toml::from_str::<CallConfig>("place = { name = 'x', lattitude = 1 }").unwrap_err();
        assert!(error.to_string().contains("lattitude"), "{error}");
        let same = empty.problems(empty.api_listen);
        assert_eq!(
            same,
            [(
                "api_listen",
                "127.0.0.1:9093 is also [health] listen; give one of them another port".to_owned()
            )]
        );
    }

    /// Only listed exchanges and the box itself get in, in either form of the address; without a list nobody else.
    #[test]
    fn admits_listed_peers_only() {
        let nobody = CallConfig::default();
        assert!(nobody.admits("127.0.0.1".parse().unwrap()) && nobody.admits("::1".parse().unwrap()));
        assert!(!nobody.admits("10.0.0.5".parse().unwrap()));
        assert!(nobody.summary().contains("this box only"), "{}", nobody.summary());
        let config = CallConfig { peers: vec!["10.0.0.5".parse().unwrap()], ..CallConfig::default() };
        assert!(config.admits("10.0.0.5".parse().unwrap()));
        assert!(config.admits("::ffff:10.0.0.5".parse().unwrap()));
        assert!(config.admits("127.0.0.1".parse().unwrap()));
        assert!(!config.admits("10.0.0.6".parse().unwrap()));
    }
}
