//! CloudEvents 1.0, structured JSON. Extension attribute names are lower-case letters and digits, as the
//! CloudEvents specification demands: `boot`, `sequence`, `uptimems`, `clocksynced`.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::command::Answer;
use crate::id::{BootId, DeviceId, IncidentId, MessageId, TenantId};
use crate::incident::Incident;
use crate::limits::{MAX_EVIDENCE_PER_INCIDENT, MAX_MESSAGE_BYTES};

/// Why bytes are not an envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("{size_bytes} bytes are more than the {MAX_MESSAGE_BYTES} allowed for one message")]
    TooLarge { size_bytes: usize },
    #[error("not a Shaodian event: {0}")]
    Json(#[from] serde_json::Error),
    #[error("specversion is {0:?}, this hub reads \"1.0\"")]
    SpecVersion(String),
    #[error("source is {found:?} but the message came from {expected:?}")]
    Source { expected: String, found: String },
    #[error("incident {0} has revision 0; revisions count from 1")]
    Revision(IncidentId),
    #[error("incident {0} lists {1} pieces of evidence, more than {MAX_EVIDENCE_PER_INCIDENT}")]
    Evidence(IncidentId, usize),
}

/// Which box speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    pub tenant: TenantId,
    pub device: DeviceId,
}

impl Origin {
    /// CloudEvents `source`: `/v1/{tenant}/{device}`.
    pub fn source(&self) -> String {
        format!("/v1/{}/{}", self.tenant, self.device)
    }
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", content = "data")]
#[expect(clippy::large_enum_variant, reason = "nearly all events are incidents")]
pub enum Event {
    #[serde(rename = "shaodian.incident.v1")]
    Incident(Incident),
    #[serde(rename = "shaodian.answer.v1")]
    Answer(Answer),
    #[serde(rename = "shaodian.tombstone.v1")]
    Tombstone(Tombstone),
}

/// Tells the hub that the box lost something it had numbered, so that the gap is explained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tombstone {
    /// Incident the lost thing belonged to, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<IncidentId>,
    /// What was lost and why, for people.
    pub reason: String,
}

/// One message from a box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Envelope {
    /// Always `1.0`.
    pub specversion: String,
    pub id: MessageId,
    /// [`Origin::source`].
    pub source: String,
    /// RFC 3339, when the message was made.
    pub time: String,
    /// Always `application/json`.
    pub datacontenttype: String,
    pub boot: BootId,
    /// Counts messages of this boot from 1; a hole is a loss.
    pub sequence: u64,
    pub uptimems: u64,
    /// Whether the box trusted its clock.
    pub clocksynced: bool,
    #[serde(flatten)]
    pub event: Event,
}

/// The part of an envelope that the sender knows about itself.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub id: MessageId,
    pub at: UtcMs,
    pub boot: BootId,
    pub sequence: u64,
    pub uptime_ms: u64,
    pub clock_synced: bool,
}

impl Envelope {
    pub fn new(origin: &Origin, stamp: Stamp, event: Event) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id: stamp.id,
            source: origin.source(),
            time: stamp.at.to_string(),
            datacontenttype: "application/json".to_owned(),
            boot: stamp.boot,
            sequence: stamp.sequence,
            uptimems: stamp.uptime_ms,
            clocksynced: stamp.clock_synced,
            event,
        }
    }

    /// JSON bytes, refused when larger than a message may be.
    pub fn encode(&self) -> Result<Vec<u8>, EnvelopeError> {
        let bytes = serde_json::to_vec(self)?;
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(EnvelopeError::TooLarge { size_bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads and checks what came from `origin`.
    pub fn decode(bytes: &[u8], origin: &Origin) -> Result<Self, EnvelopeError> {
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(EnvelopeError::TooLarge { size_bytes: bytes.len() });
        }
        let envelope: Self = serde_json::from_slice(bytes)?;
        if envelope.specversion != "1.0" {
            return Err(EnvelopeError::SpecVersion(envelope.specversion));
        }
        if envelope.source != origin.source() {
            return Err(EnvelopeError::Source { expected: origin.source(), found: envelope.source });
        }
        if let Event::Incident(incident) = &envelope.event {
            if incident.revision == 0 {
                return Err(EnvelopeError::Revision(incident.incident_id));
            }
            if incident.evidence.len() > MAX_EVIDENCE_PER_INCIDENT {
                return Err(EnvelopeError::Evidence(incident.incident_id, incident.evidence.len()));
            }
        }
        Ok(envelope)
    }

    /// [`Envelope::time`] in milliseconds, when it can be read.
    pub fn made_at(&self) -> Option<UtcMs> {
        self.time.parse::<jiff::Timestamp>().ok().map(|at| UtcMs(at.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    fn origin() -> Origin {
        Origin { tenant: "demo".parse().unwrap(), device: "box-1".parse().unwrap() }
    }

    fn tombstone(reason: &str) -> Envelope {
        let (chance, now) = (Chance::seeded(1), UtcMs(1_773_815_480_007));
        let stamp = Stamp {
            id: MessageId::new(&chance, now),
            at: now,
            boot: BootId::new(&chance, now),
            sequence: 7,
            uptime_ms: 1_234,
            clock_synced: true,
        };
        Envelope::new(
            &origin(),
            stamp,
            Event::Tombstone(Tombstone { incident_id: None, reason: reason.to_owned() }),
        )
    }

    /// What is written is read back, under the attribute names CloudEvents allows.
    #[test]
    fn round_trip_keeps_everything() {
        let sent = tombstone("disk was full");
        let bytes = sent.encode().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(json["type"], "shaodian.tombstone.v1");
        assert_eq!(json["source"], "/v1/demo/box-1");
        for name in json.as_object().unwrap().keys() {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");
        }
        let read = Envelope::decode(&bytes, &origin()).unwrap();
        assert_eq!(read, sent);
        assert_eq!(read.made_at(), Some(UtcMs(1_773_815_480_007)));
    }

    /// A box cannot speak for another.
    #[test]
    fn foreign_source_is_refused() {
        let bytes = tombstone("x").encode().unwrap();
        let other = Origin { device: "box-2".parse().unwrap(), ..origin() };
        assert!(matches!(Envelope::decode(&bytes, &other), Err(EnvelopeError::Source { .. })));
    }

    /// Too large is refused on both sides, naming the size.
    #[test]
    fn oversize_is_refused_by_both_sides() {
        let error = tombstone(&"x".repeat(MAX_MESSAGE_BYTES)).encode().unwrap_err();
        assert!(matches!(error, EnvelopeError::TooLarge { size_bytes } if size_bytes > MAX_MESSAGE_BYTES));
        let big = vec![b' '; MAX_MESSAGE_BYTES + 1];
        assert!(matches!(Envelope::decode(&big, &origin()), Err(EnvelopeError::TooLarge { .. })));
    }
}
