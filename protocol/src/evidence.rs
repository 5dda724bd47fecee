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
    /// MP4 around the moment, masked where the camera has masks; of H.265, with a viewing copy in H.264.
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
    /// Whether people were made unrecognisable as far as they were seen.
    #[serde(default, skip_serializing_if = "is_false")]
    pub blurred: bool,
    /// What a video holds, and what it does not. Boxes before 0.3 say nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footage: Option<Footage>,
}

impl Evidence {
    /// The file that this one only repeats, for players that cannot show it.
    pub fn copy_of(&self) -> Option<&Sha256Hex> {
        self.footage.as_ref()?.copy_of.as_ref()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// What a video holds, in wall time by the box's clock, and what is missing from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Footage {
    pub codec: VideoCodec,
    /// When its last picture ends; it begins at [`Evidence::starts_at`].
    pub ends_at: UtcMs,
    /// Stretches without pictures, in order: inside it, and before and after it where more was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// Gaps beyond the [`MAX_GAPS`] that are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_gaps: u32,
    /// Why it ends although what it shows went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// It shows the same as this other file, encoded for players that cannot show that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<Sha256Hex>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

/// Most gaps that one file lists: a message has an end.
pub const MAX_GAPS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    H264,
    H265,
}

impl VideoCodec {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
        }
    }
}

/// A stretch of time without pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Gap {
    pub from: UtcMs,
    pub to: UtcMs,
    pub reason: GapReason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// Nothing of this time was kept: the camera had just come up, or the recording has gone.
    NotKept,
    /// The stream broke off and began again.
    StreamLost,
    /// The camera sent nothing although its stream held.
    NoPictures,
    /// The camera changed its settings: one file holds one format.
    FormatChanged,
}

/// What ended a video before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// The longest stretch of an incident that a clip shows.
    Length,
    /// The most bytes that a clip may have.
    Bytes,
    /// The box went down.
    BoxDown,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a box of an earlier version sends is read, and what has nothing to tell is not written: additive both ways.
    #[test]
    fn evidence_of_earlier_boxes_is_read() {
        let old = format!(
            r#"{{"sha256":"{:064}","kind":"clip","media_type":"video/mp4","size_bytes":5,"delivery":"automatic","starts_at":7,"duration_ms":3,"masked":true}}"#,
            1
        );
        let read: Evidence = serde_json::from_str(&old).unwrap();
        assert_eq!((read.blurred, &read.footage), (false, &None));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        let footage = Footage {
            codec: VideoCodec::H264,
            ends_at: UtcMs(9),
            gaps: vec![Gap { from: UtcMs(1), to: UtcMs(2), reason: GapReason::StreamLost }],
            more_gaps: 0,
            cut: Some(Cut::Bytes),
            copy_of: Some(read.sha256.clone()),
        };
        let new = Evidence { footage: Some(footage), ..read };
        let json = serde_json::to_value(&new).unwrap();
        assert_eq!(json["footage"]["gaps"][0]["reason"], "stream_lost");
        assert_eq!(serde_json::from_value::<Evidence>(json).unwrap(), new);
    }
}
