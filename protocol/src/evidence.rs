//! Evidence is named by its content: SHA-256. It travels by HTTP (tus 1.0), after its incident.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;

/// SHA-256 of a file as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String)]
pub struct Sha256Hex(String);

impl Sha256Hex {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Sha256Hex {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let digits =
            text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if digits {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("{text:?} is not a SHA-256 in lower-case hexadecimal"))
        }
    }
}

impl TryFrom<String> for Sha256Hex {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Sha256Hex> for String {
    fn from(hash: Sha256Hex) -> Self {
        hash.0
    }
}

/// What a file shows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// JPEG of the moment, masked, with the detection drawn.
    Snapshot,
    /// MP4 around the moment, masked where the camera has masks.
    Clip,
    /// WAV of one call: left = caller, right = operator.
    Recording,
    /// Masked current picture, made on a command.
    Still,
}

impl EvidenceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Clip => "clip",
            Self::Recording => "recording",
            Self::Still => "still",
        }
    }

    /// Upload order: small and telling first.
    pub fn priority(self) -> u8 {
        match self {
            Self::Still => 0,
            Self::Snapshot => 1,
            Self::Recording => 2,
            Self::Clip => 3,
        }
    }
}

/// When a file leaves the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// By itself, right after its incident.
    Automatic,
    /// Only when a named user asks for it by command (raw recordings of calls).
    OnRequest,
}

/// One file that belongs to an incident or answers a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evidence {
    pub sha256: Sha256Hex,
    pub kind: EvidenceKind,
    /// `image/jpeg`, `video/mp4` or `audio/wav`.
    pub media_type: String,
    pub size_bytes: u64,
    pub delivery: Delivery,
    /// When the first picture or sample was taken, by the box's clock.
    pub starts_at: UtcMs,
    /// Length of a clip or recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// Whether masks were burnt in. A camera with masks never sends `false`.
    #[serde(default)]
    pub masked: bool,
}
