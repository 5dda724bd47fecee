//! A message as it came, read as far as it can be. Pure.

use protocol::limits::MAX_MESSAGE_BYTES;
use protocol::{BootId, Envelope, Event, Incident, MessageId, Origin, Subject, Topic};

/// A message, read before the transaction begins.
pub(super) struct Message<'a> {
    pub(super) topic: &'a Topic,
    pub(super) payload: &'a [u8],
    pub(super) retained: bool,
    /// Of an event that is no longer than it may be; else why it cannot be read.
    pub(super) envelope: Option<Result<Envelope, String>>,
}

impl<'a> Message<'a> {
    pub(super) fn read(topic: &'a Topic, payload: &'a [u8], retained: bool) -> Self {
        let envelope = match topic {
            Topic::Event(origin, id) if payload.len() <= MAX_MESSAGE_BYTES => {
                Some(envelope(origin, *id, payload))
            }
            _ => None,
        };
        Self { topic, payload, retained, envelope }
    }

    pub(super) fn incident(&self) -> Option<(&'a Origin, &Incident)> {
        let (Topic::Event(origin, _), Some(Ok(envelope))) = (self.topic, &self.envelope) else { return None };
        let Event::Incident(incident) = &envelope.event else { return None };
        Some((origin, incident))
    }
}

fn envelope(origin: &Origin, id: MessageId, payload: &[u8]) -> Result<Envelope, String> {
    match Envelope::decode(payload, origin) {
        Ok(mut envelope) if envelope.id == id => {
            if let Event::Incident(Incident { subject: Subject::Call(call), .. }) = &mut envelope.event {
                call.bound();
            }
            Ok(envelope)
        }
        Ok(envelope) => Err(format!("the envelope's id {} is not the topic's {id}", envelope.id)),
        Err(error) => Err(error.to_string()),
    }
}

/// Where a message stands among those of its box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) boot: BootId,
    pub(super) sequence: i64,
}

/// No box counts further; what says more would only spoil sums.
const MOST_SEQUENCE: u64 = 1 << 40;

impl Place {
    pub(super) fn of(boot: BootId, sequence: u64) -> Self {
        Self { boot, sequence: sequence.min(MOST_SEQUENCE) as i64 }
    }

    /// From bytes that are no whole envelope.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Head {
            boot: BootId,
            sequence: u64,
        }
        serde_json::from_slice::<Head>(payload).ok().map(|head| Self::of(head.boot, head.sequence))
    }
}
